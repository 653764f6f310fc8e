"""Which metric CRS suits a place, and which ones its data may be in."""

from __future__ import annotations

from technobelt.errors import PointError

__all__ = [
    "KOREAN",
    "KOREAN_RARE",
    "WEB_MERCATOR",
    "candidates",
    "in_korea",
    "is_korean",
    "rare_candidates",
    "suggest_crs",
    "twins",
]

#: The CRS of Korean data since 1985: what each is called, and what tells it from its neighbours.
KOREAN: dict[str, str] = {
    "EPSG:5174": "Korean 1985 / Modified Central Belt (Bessel, 500 km north)",
    "EPSG:5179": "Korea 2000 / Unified CS (1,000 km east, 2,000 km north)",
    "EPSG:5181": "Korea 2000 / Central Belt (500 km north)",
    "EPSG:5186": "Korea 2000 / Central Belt 2010 (600 km north, around 127°E)",
    "EPSG:5187": "Korea 2000 / East Belt 2010 (600 km north, around 129°E)",
}
#: The other ones, which are thought of only where none of these fits.
KOREAN_RARE: dict[str, str] = {
    "EPSG:5173": "Korean 1985 / Modified West Belt (Bessel, 500 km north)",
    "EPSG:5175": "Korean 1985 / Modified Central Belt Jeju (Bessel, 550 km north)",
    "EPSG:5176": "Korean 1985 / Modified East Belt (Bessel, 500 km north)",
    "EPSG:5177": "Korean 1985 / Modified East Sea Belt (Bessel, 500 km north)",
    "EPSG:5178": "Korean 1985 / Unified CS (Bessel, 1,000 km east, 2,000 km north)",
    "EPSG:5180": "Korea 2000 / West Belt (500 km north)",
    "EPSG:5182": "Korea 2000 / Central Belt Jeju (550 km north)",
    "EPSG:5183": "Korea 2000 / East Belt (500 km north)",
    "EPSG:5184": "Korea 2000 / East Sea Belt (500 km north)",
    "EPSG:5185": "Korea 2000 / West Belt 2010 (600 km north)",
    "EPSG:5188": "Korea 2000 / East Sea Belt 2010 (600 km north)",
    "EPSG:2096": "Korean 1985 / East Belt (Bessel, 500 km north, unmodified)",
    "EPSG:2097": "Korean 1985 / Central Belt (Bessel, 500 km north, unmodified)",
    "EPSG:2098": "Korean 1985 / West Belt (Bessel, 500 km north, unmodified)",
}
#: The same grid on another datum (or, unmodified, from a meridian 10.4" further west): the same
#: numbers land some 260 to 360 m apart.
_TWINS = (
    ("EPSG:5174", "EPSG:5181", "EPSG:2097"),
    ("EPSG:5176", "EPSG:5183", "EPSG:2096"),
    ("EPSG:5173", "EPSG:5180", "EPSG:2098"),
    ("EPSG:5177", "EPSG:5184"),
    ("EPSG:5175", "EPSG:5182"),
    ("EPSG:5178", "EPSG:5179"),
)
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


def is_korean(crs: str) -> bool:
    """Tell whether a CRS was made for South Korea; not so what is no CRS at all.

    Examples
    --------
    >>> is_korean("EPSG:5187"), is_korean("EPSG:32652"), is_korean("EPSG:3857")
    (True, False, False)
    """
    import pyproj

    try:
        area = pyproj.CRS(crs).area_of_use
    except pyproj.exceptions.CRSError:
        return False
    return area is not None and area.name.startswith("Republic of Korea")


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


def rare_candidates(lon: float, lat: float) -> list[str]:
    """Return the CRS to think of where none of `candidates` fits a place, in degrees.

    Examples
    --------
    >>> "EPSG:5183" in rare_candidates(128.6, 35.9), rare_candidates(11.3, 44.5)
    (True, [])
    """
    return list(KOREAN_RARE) if in_korea(lon, lat) else []


def twins(crs: str) -> list[str]:
    """Return the Korean CRS in which the same numbers land a few hundred metres away.

    Examples
    --------
    >>> twins("EPSG:5174"), twins("EPSG:5187")
    (['EPSG:5181', 'EPSG:2097'], [])
    """
    return [one for group in _TWINS if crs in group for one in group if one != crs]
