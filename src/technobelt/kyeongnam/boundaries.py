"""Provinces, municipalities, eup/myeon/dong and clusters, cut from one generalised coverage.

The smallest units are generalised together; everything larger is a union of them, so that a border
is the same line on every level.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from technobelt.errors import LayerError
from technobelt.kyeongnam.census import census_by_code, read_census
from technobelt.kyeongnam.source import (
    BOUNDARIES,
    read_shapes,
    refuse_shape,
    source_file,
)
from technobelt.kyeongnam.wording import (
    BOUNDARY_LICENCE,
    BOUNDARY_SOURCE,
    name_of_1999,
    plain_township,
)
from technobelt.schema import WGS84

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray
    from shapely import Geometry

__all__ = [
    "CLUSTERS",
    "METRES",
    "TOLERANCE_M",
    "ellipsoid_km2",
    "generalise",
    "locate",
    "make_clusters",
    "make_municipalities",
    "make_provinces",
    "make_submunicipalities",
    "on_grid",
    "read_land",
    "read_municipalities",
]

METRES = "EPSG:5179"
TOLERANCE_M = 100

#: Names as the plan's text has them (section V.3), in the order of the map from east to west.
CLUSTERS: dict[str, dict[str, str]] = {
    "east": {
        "name": "Gimhae/Yangsan",
        "name_ko": "김해·양산",
        "name_1999": "Kimhae/Yangsan",
        "special": "auto parts and medical equipment",
    },
    "centre": {
        "name": "Changwon/Masan",
        "name_ko": "창원·마산",
        "name_1999": "Changwon/Masan",
        "special": "machine tools and transport equipment",
    },
    "west": {
        "name": "Jinju/Sacheon",
        "name_ko": "진주·사천",
        "name_1999": "Chinju/Sachun",
        "special": "aerospace",
    },
}

#: The word of what lies in none of them.
_OUTSIDE = "outside"
#: Parts of a province outside all of its municipalities that are smaller are hairlines, m2.
_HAIRLINE_M2 = 10_000.0
#: Cleaning may change a unit's area by this share: more is an overlap, not a slip of a vertex.
_SLIP = 1e-3
_COLUMNS = ("name_ko", "name_en", "code", "prov_ko", "prov_en", "cluster", "si_gun_1999")
CITIES_1999 = {"창원시": "Changwon-si", "마산시": "Masan-si", "진해시": "Chinhae-si"}
_CITIES = {"창원시": "Changwon"}  # cities with districts whose English name stands nowhere


def read_municipalities(source: Path) -> gpd.GeoDataFrame:
    """Read the municipalities, full outlines in WGS 84, indexed by code.

    Raises
    ------
    LayerError
        A code stands twice, a cluster is unknown, or an outline is none; its row is named.
    """
    frame = _read_areas(source, "municipalities", _COLUMNS).to_crs(WGS84)
    _need_clusters(frame, "municipalities")
    frame["row"] = range(1, len(frame) + 1)
    twice = frame[frame["code"].duplicated()]
    if len(twice):
        first = twice.iloc[0]
        refuse_shape(
            BOUNDARIES, "municipalities", first["row"], f"code {first['code']} stands twice"
        )
    return frame.set_index("code", drop=False).rename_axis(None).sort_index()


def read_land(source: Path) -> Geometry:
    """Return all land of the provinces around, one shape in EPSG:5179."""
    import shapely

    provinces = _read_areas(source, "provinces", ["code"]).to_crs(METRES)
    return shapely.union_all(shapely.make_valid(provinces.geometry.to_numpy()))


def make_provinces(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``provinces``, EPSG:5179 on whole metres.

    Raises
    ------
    LayerError
        The boundaries overlap.
    """
    full = _read_provinces(source).sort_values("code").reset_index(drop=True)
    return _layer(
        full,
        _merged(_units(source), "prov_code", full["code"].tolist()),
        id=full["code"],
        name=full["name_en"],
        name_ko=full["name_ko"],
        area_km2=ellipsoid_km2(full.to_crs(WGS84).geometry.to_numpy()),
    )


def make_municipalities(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``municipalities``, EPSG:5179 on whole metres, with the people of 2010.

    Raises
    ------
    LayerError
        The boundaries overlap, or a municipality does not join the census; it is named.
    """
    full = read_municipalities(source)
    return _layer(
        full,
        _merged(_units(source), "mun_code", full["code"].tolist()),
        id=full["code"],
        name=[_english(*names) for names in _names(full)],
        name_ko=full["name_ko"],
        province=full["prov_en"],
        cluster=full["cluster"],
        city_1999=full["si_gun_1999"].replace("", None),
        pop_2010=census_by_code(full, read_census(source)),
        area_km2=ellipsoid_km2(full.geometry.to_numpy()),
    ).pipe(_with_old_cities)


def _with_old_cities(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Name the districts of today's city by the cities of 1999 that they were."""
    cities = frame["city_1999"].map(CITIES_1999)
    return frame.assign(name_1999=cities.where(cities.notna(), frame["name_1999"]))


def make_submunicipalities(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``submunicipalities`` of the clusters, EPSG:5179 on whole metres.

    Raises
    ------
    LayerError
        The boundaries overlap.
    """
    units = _units(source)
    belt = units[units["cluster"].isin(list(CLUSTERS))].sort_values("code").reset_index(drop=True)
    return _layer(
        belt,
        belt.geometry.to_numpy(),
        id=belt["code"],
        name=belt["name_en"].map(plain_township),
        name_ko=belt["name_ko"],
        municip=belt["mun_code"],
        cluster=belt["cluster"],
        area_km2=belt["area_km2"],
    )


def make_clusters(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``clusters``, WGS 84 with five decimals, east to west."""
    import geopandas as gpd
    import shapely

    full = read_municipalities(source)
    small = _merged(_units(source), "mun_code", full["code"].tolist())
    degrees = gpd.GeoSeries(small, crs=METRES).to_crs(WGS84).to_numpy()
    coverage = on_grid(degrees, 5)
    members = {name: (full["cluster"] == name).to_numpy() for name in CLUSTERS}
    _need_members(members)
    shapes = [shapely.coverage_union_all(coverage[mask]) for mask in members.values()]
    outlines = [shapely.union_all(full.geometry.to_numpy()[mask]) for mask in members.values()]
    frame = gpd.GeoDataFrame(
        [{"id": name, **facts} for name, facts in CLUSTERS.items()],
        geometry=shapely.normalize(np.array(shapes)),
        crs=WGS84,
    )
    frame["municip"] = ["/".join(full["name_ko"][mask]) for mask in members.values()]
    frame["area_km2"] = ellipsoid_km2(np.array(outlines))
    _need_apart(frame)
    return frame.assign(
        source=f"{BOUNDARY_SOURCE}; members as named by Park and Lee (1999), section V.3",
        licence=BOUNDARY_LICENCE,
        confidence="high",
    )


def generalise(
    shapes: NDArray[np.object_], tolerance_m: float = TOLERANCE_M, *, own: int | None = None
) -> NDArray[np.object_]:
    """Simplify a coverage so that neighbours go on sharing the very same border.

    Parameters
    ----------
    shapes
        Polygons in metres that touch but do not overlap; vertices that miss each other by a hair
        are brought together.
    tolerance_m
        Triangles of less than this squared are cut away or filled.
    own
        How many of the shapes, from the first, are rows of the smallest units; all by default.
        What follows is left of the provinces. For the message.

    Returns
    -------
    numpy.ndarray
        As many polygons, in the same order.

    Raises
    ------
    LayerError
        The shapes overlap.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> left = shapely.Polygon([(0, 0), (500, 0), (505, 250), (500, 500), (0, 500)])
    >>> right = shapely.Polygon([(500, 0), (900, 0), (900, 500), (500, 500), (505, 250)])
    >>> a, b = generalise(np.array([left, right]))
    >>> a.intersection(b).length
    500.0
    """
    import shapely

    clean = shapely.coverage_clean(shapes)  # type: ignore[attr-defined]  # of shapely 2.2
    change = np.abs(shapely.area(clean) / shapely.area(shapes) - 1)
    if (change > _SLIP).any():
        row = int(change.argmax())
        what = (
            f"the outline overlaps its neighbours (its area changes by {change.max():.1%} when "
            "they are parted)"
        )
        if own is None or row < own:
            refuse_shape(BOUNDARIES, "submunicipalities", row + 1, what)
        raise LayerError(
            f"'{BOUNDARIES}' layer 'provinces': outside all of 'municipalities', {what}. Correct a "
            "province or a municipality that does not cover its parts; no layer was replaced."
        )
    simple: NDArray[np.object_] = shapely.coverage_simplify(clean, tolerance_m)
    return simple


def on_grid(shapes: NDArray[np.object_], decimals: int) -> NDArray[np.object_]:
    """Return shapes with rounded coordinates, repeated vertices left out.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> on_grid(np.array([shapely.LineString([(0, 0.2), (0.1, 0.4), (3, 0)])]), 0)[0].wkt
    'LINESTRING (0 0, 3 0)'
    """
    import shapely

    rounded = shapely.transform(shapes, lambda xy: np.round(xy, decimals))
    clean: NDArray[np.object_] = shapely.orient_polygons(shapely.remove_repeated_points(rounded))
    return clean


def ellipsoid_km2(shapes: NDArray[np.object_]) -> list[float]:
    """Return areas on the WGS 84 ellipsoid, km2, of shapes in degrees.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> ellipsoid_km2(np.array([shapely.box(128, 35, 128.1, 35.1)]))
    [101.215]
    """
    import shapely
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    oriented = shapely.orient_polygons(shapes)
    return [round(abs(geod.geometry_area_perimeter(shape)[0]) / 1e6, 3) for shape in oriented]


def locate(
    points: gpd.GeoSeries, areas: gpd.GeoDataFrame, *, reach_m: float = 500
) -> pd.Series[str]:
    """Return the index of the area that holds each point, or of the nearest within `reach_m`.

    Quays stand on fill that a coastline does not know yet, hence the reach. None where there is
    no area within it.
    """
    import pandas as pd

    metres = points.to_crs(METRES)
    grounds = areas[["geometry"]].to_crs(METRES)
    near = metres.to_frame("geometry").sjoin_nearest(grounds, max_distance=reach_m)
    found = near["index_right"]
    return pd.Series(found[~found.index.duplicated()]).reindex(points.index)


def _read_areas(source: Path, layer: str, columns: Sequence[str]) -> gpd.GeoDataFrame:
    """Read a layer of outlines, none of them missing, empty or crossing itself."""
    import shapely

    frame = read_shapes(source, BOUNDARIES, columns, layer=layer)
    shapes = frame.geometry.to_numpy()
    bad = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if bad.any():
        refuse_shape(BOUNDARIES, layer, int(bad.argmax()) + 1, "has no outline")
    odd = ~shapely.is_valid(shapes)
    if odd.any():
        why = shapely.is_valid_reason(shapes[odd][0])
        refuse_shape(BOUNDARIES, layer, int(odd.argmax()) + 1, f"is no area: {why}")
    return frame


def _need_clusters(frame: gpd.GeoDataFrame, layer: str) -> None:
    """Refuse a row of a cluster that the plan does not have."""
    unknown = ~frame["cluster"].isin([*CLUSTERS, _OUTSIDE]).to_numpy()
    if unknown.any():
        row = int(unknown.argmax())
        known = ", ".join([*CLUSTERS, _OUTSIDE])
        what = f"'cluster' {frame['cluster'].iloc[row]!r} is unknown; there are {known}"
        refuse_shape(BOUNDARIES, layer, row + 1, what)


def _need_known(small: gpd.GeoDataFrame, column: str, codes: pd.Series[str]) -> None:
    lost = ~small[column].isin(codes).to_numpy()
    if lost.any():
        row = int(lost.argmax())
        what = f"'{column}' {small[column].iloc[row]!r} is no municipality's code"
        refuse_shape(BOUNDARIES, "submunicipalities", row + 1, what)


def _read_provinces(source: Path) -> gpd.GeoDataFrame:
    columns = ("code", "name_ko", "name_en")
    return _read_areas(source, "provinces", columns).to_crs(METRES)


def _units(source: Path) -> gpd.GeoDataFrame:
    path = source_file(source, BOUNDARIES)
    return _generalised_units(source, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)  # four layers are cut from them
def _generalised_units(source: Path, _stamp: int) -> gpd.GeoDataFrame:
    """Return eup, myeon and dong, and what else there is of each province, generalised together."""
    import pandas as pd
    import shapely

    columns = ("code", "name_ko", "name_en", "mun_code", "prov_code", "cluster")
    small = _read_areas(source, "submunicipalities", columns)
    municipalities = read_municipalities(source)
    _need_clusters(small, "submunicipalities")
    _need_known(small, "mun_code", municipalities["code"])
    small["area_km2"] = ellipsoid_km2(small.to_crs(WGS84).geometry.to_numpy())
    small = small.to_crs(METRES)
    rest = _rest_of_provinces(_read_provinces(source), municipalities.to_crs(METRES))
    units = pd.concat([small, rest], ignore_index=True)
    shapes = generalise(shapely.make_valid(units.geometry.to_numpy()), own=len(small))
    return units.set_geometry(on_grid(shapes, 0), crs=METRES)


def _rest_of_provinces(
    provinces: gpd.GeoDataFrame, municipalities: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return what of each province lies in no municipality that we have."""
    import geopandas as gpd
    import shapely

    known = shapely.union_all(shapely.make_valid(municipalities.geometry.to_numpy()))
    rests = shapely.difference(shapely.make_valid(provinces.geometry.to_numpy()), known)
    parts = [[p for p in shapely.get_parts(rest) if p.area > _HAIRLINE_M2] for rest in rests]
    rows = [(code, p) for code, p in zip(provinces["code"], parts, strict=True) if p]
    return gpd.GeoDataFrame(
        {"prov_code": [code for code, _ in rows]},
        geometry=[shapely.MultiPolygon(p) for _, p in rows],
        crs=METRES,
    )


def _merged(units: gpd.GeoDataFrame, column: str, codes: list[str]) -> NDArray[np.object_]:
    import shapely

    shapes, of = units.geometry.to_numpy(), units[column].to_numpy()
    merged = [shapely.coverage_union_all(shapes[of == code]) for code in codes]
    return np.asarray(shapely.normalize(np.array(merged)), dtype=object)


def _layer(
    rows: gpd.GeoDataFrame, shapes: NDArray[np.object_], **columns: object
) -> gpd.GeoDataFrame:
    frame = rows[["geometry"]].assign(
        **columns, source=BOUNDARY_SOURCE, licence=BOUNDARY_LICENCE, confidence="high"
    )
    frame["name_1999"] = frame["name"].map(name_of_1999)
    return frame.set_geometry(shapes, crs=METRES)


def _names(full: gpd.GeoDataFrame) -> zip[tuple[int, str, str]]:
    return zip(full["row"], full["name_ko"], full["name_en"], strict=True)


def _english(row: int, name_ko: str, name_en: str) -> str:
    """Return the official English name; districts of a city bear the city's name before theirs."""
    district = re.fullmatch(r"(.+시)(.+구)", name_ko)
    if not district:
        return name_en
    if district[1] not in _CITIES:
        what = f"the English name of the city {district[1]!r} is not known"
        refuse_shape(BOUNDARIES, "municipalities", row, what)
    return f"{_CITIES[district[1]]} {name_en.removesuffix('gu').removesuffix('-')}-gu"


def _need_members(members: dict[str, NDArray[np.bool_]]) -> None:
    empty = [name for name, mask in members.items() if not mask.any()]
    if empty:
        raise LayerError(f"'{BOUNDARIES}': no municipality belongs to cluster '{empty[0]}'.")


def _need_apart(frame: gpd.GeoDataFrame) -> None:
    """Refuse clusters that overlap after rounding."""
    for first in range(len(frame)):
        for second in range(first):
            pair = [frame.geometry.iloc[i] for i in (first, second)]
            if pair[0].intersection(pair[1]).area > 0:
                raise LayerError(f"clusters {first + 1} and {second + 1} overlap after rounding.")
