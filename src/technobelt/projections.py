"""Which metric CRS suits a place, and which ones its data may be in."""

from __future__ import annotations

from technobelt.errors import PointError

__all__ = ["KOREAN", "WEB_MERCATOR", "candidates", "in_korea", "suggest_crs"]

#: The CRS of Korean data since 1985: what each is called, and what tells it from its neighbours.
KOREAN: dict[str, str] = {
    "EPSG:5174": "Korean 1985 / Modified Central Belt (Bessel, 500 km north)",
    "EPSG:5179": "Korea 2000 / Unified CS (1,000 km east, 2,000 km north)",
    "EPSG:5181": "Korea 2000 / Central Belt (500 km north)",
    "EPSG:5186": "Korea 2000 / Central Belt 2010 (600 km north, around 127°E)",
    "EPSG:5187": "Korea 2000 / East Belt 2010 (600 km north, around 129°E)",
}
WEB_MERCATOR = "EPSG:3857"
#: The belts of Korea 2000 of 2010, two degrees wide each, by their meridian.
_BELTS = {125: "EPSG:5185", 127: "EPSG:5186", 129: "EPSG:5187", 131: "EPSG:5188"}


def in_korea(lon: float, lat: float) -> bool:
    """Tell whether a place, in degrees, lies in Korea; coarsely, Tsushima and Kyushu left out.

    Examples
    --------
    >>> in_korea(128.6, 35.9), in_korea(11.3, 44.5), in_korea(130.4, 33.6)
    (True, False, False)
    """
    japan = lat < 34.85 and lon > 128.9
    return 124.5 <= lon <= 132.0 and 33.0 <= lat <= 38.7 and not japan


def suggest_crs(lon: float, lat: float) -> str:
    """Suggest a metric CRS for a region about a place: the Korean belt, or the UTM zone.

    Parameters
    ----------
    lon, lat
        Degrees, WGS 84.

    Raises
    ------
    PointError
        That is no place.

    Notes
    -----
    UTM on WGS 84 with the exceptions of Norway and Svalbard; beyond 84°N and 80°S the polar
    stereographic systems.

    Examples
    --------
    >>> suggest_crs(128.6, 35.9), suggest_crs(11.3, 44.5), suggest_crs(-82.9, 40.0)
    ('EPSG:5187', 'EPSG:32632', 'EPSG:32617')
    """
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise PointError(f"'{lon:g},{lat:g}': a place is LON,LAT in degrees.")
    if in_korea(lon, lat):
        return _BELTS[min(_BELTS, key=lambda meridian: abs(meridian - lon))]
    if lat >= 84:
        return "EPSG:5041"
    if lat < -80:
        return "EPSG:5042"
    return f"EPSG:{326 if lat >= 0 else 327}{_utm_zone(lon, lat):02d}"


def _utm_zone(lon: float, lat: float) -> int:
    if 56 <= lat < 64 and 3 <= lon < 12:
        return 32
    if lat >= 72 and 0 <= lon < 42:
        return 31 + 2 * sum(lon >= border for border in (9, 21, 33))
    return min(int((lon + 180) // 6), 59) + 1


def candidates(crs: str, lon: float, lat: float) -> list[str]:
    """Return the CRS that data of a region may be in, the likeliest first.

    Parameters
    ----------
    crs
        The region's own.
    lon, lat
        A place in it, degrees.

    Examples
    --------
    >>> candidates("EPSG:32632", 11.3, 44.5)
    ['EPSG:4326', 'EPSG:32632', 'EPSG:3857']
    """
    korean = list(KOREAN) if in_korea(lon, lat) else []
    return list(dict.fromkeys(["EPSG:4326", crs, suggest_crs(lon, lat), *korean, WEB_MERCATOR]))
