"""Municipalities and clusters: generalised outlines whose shared borders stay shared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from technobelt.errors import LayerError
from technobelt.kyeongnam.source import BOUNDARIES, read_shapes, refuse, refuse_first
from technobelt.kyeongnam.wording import BOUNDARY_LICENCE, BOUNDARY_SOURCE, name_of_1999
from technobelt.schema import WGS84

if TYPE_CHECKING:
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

_COLUMNS = ("name_ko", "name_en", "code", "prov_ko", "prov_en", "cluster", "si_gun_1999")
_CITIES = {"창원시": "Changwon"}  # cities with districts whose English name stands nowhere


def read_municipalities(source: Path) -> gpd.GeoDataFrame:
    """Read the municipalities, full outlines in WGS 84, indexed by code.

    Raises
    ------
    LayerError
        A code stands twice.
    """
    frame = read_shapes(source, BOUNDARIES, _COLUMNS, layer="municipalities").to_crs(WGS84)
    codes = frame["code"].set_axis(range(1, len(frame) + 1))
    refuse_first(codes, codes.duplicated(), BOUNDARIES, "stands twice")
    return frame.set_index("code", drop=False).rename_axis(None).sort_index()


def read_land(source: Path) -> Geometry:
    """Return all land of the provinces around, one shape in EPSG:5179."""
    import shapely

    provinces = read_shapes(source, BOUNDARIES, ["code"], layer="provinces").to_crs(METRES)
    return shapely.union_all(shapely.make_valid(provinces.geometry.to_numpy()))


def make_municipalities(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``municipalities``, EPSG:5179 on whole metres."""
    full = read_municipalities(source)
    shapes = _on_grid(generalise(full.to_crs(METRES).geometry.to_numpy()), 0)
    frame = full[["geometry"]].assign(
        id=full["code"],
        name=[_english(row, ko, en) for row, ko, en in _names(full)],
        name_ko=full["name_ko"],
        province=full["prov_en"],
        cluster=full["cluster"],
        city_1999=full["si_gun_1999"].replace("", None),
        area_km2=ellipsoid_km2(full.geometry.to_numpy()),
        source=BOUNDARY_SOURCE,
        licence=BOUNDARY_LICENCE,
        confidence="high",
    )
    frame["name_1999"] = frame["name"].map(name_of_1999)
    return frame.set_geometry(shapes, crs=METRES)


def make_clusters(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``clusters``, WGS 84 with five decimals, east to west."""
    import geopandas as gpd
    import shapely

    full = read_municipalities(source)
    small = generalise(full.to_crs(METRES).geometry.to_numpy())
    degrees = gpd.GeoSeries(_on_grid(small, 0), crs=METRES).to_crs(WGS84).to_numpy()
    coverage = _on_grid(degrees, 5)
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
        name_1999=frame["name_1999"].where(frame["name_1999"] != frame["name"], None),
        source=f"{BOUNDARY_SOURCE}; members as named by Park and Lee (1999), section V.3",
        licence=BOUNDARY_LICENCE,
        confidence="high",
    )


def generalise(
    shapes: NDArray[np.object_], tolerance_m: float = TOLERANCE_M
) -> NDArray[np.object_]:
    """Simplify a coverage so that neighbours go on sharing the very same border.

    Parameters
    ----------
    shapes
        Polygons in metres that touch but do not overlap.
    tolerance_m
        Triangles of less than this squared are cut away or filled.

    Returns
    -------
    numpy.ndarray
        As many polygons, in the same order.

    Raises
    ------
    LayerError
        The shapes overlap, or their borders do not meet vertex by vertex.

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

    if not shapely.coverage_is_valid(shapes):
        raise LayerError(
            "the municipalities overlap or their borders do not meet vertex by vertex: "
            "they cannot be generalised together. Repair the boundaries' topology."
        )
    simple: NDArray[np.object_] = shapely.coverage_simplify(shapes, tolerance_m)
    return simple


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


def _on_grid(shapes: NDArray[np.object_], decimals: int) -> NDArray[np.object_]:
    import shapely

    rounded = shapely.transform(shapes, lambda xy: np.round(xy, decimals))
    clean: NDArray[np.object_] = shapely.orient_polygons(shapely.remove_repeated_points(rounded))
    return clean


def _names(full: gpd.GeoDataFrame) -> zip[tuple[int, str, str]]:
    return zip(range(1, len(full) + 1), full["name_ko"], full["name_en"], strict=True)


def _english(row: int, name_ko: str, name_en: str) -> str:
    """Return the official English name; districts of a city bear the city's name before theirs."""
    district = re.fullmatch(r"(.+시)(.+구)", name_ko)
    if not district:
        return name_en
    if district[1] not in _CITIES:
        refuse(BOUNDARIES, row, f"the English name of the city {district[1]!r} is not known")
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
