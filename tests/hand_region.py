"""A region drawn by hand: three clusters in a row on one straight road, whose times fit on paper.

The road runs 60 km from west to east through the origin of the hand-drawn roads; at 36 km/h a
kilometre takes 100 seconds, so that from the middle of one cluster to the next it is 50 minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import technobelt as tb
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from technobelt.region import Region

CRS = "EPSG:5179"
CORNER = np.array([1_100_000.0, 1_690_000.0])  # as in conftest

#: From east to west, as in the built-in region: x from, x to.
CLUSTERS = {"east": (50_000, 70_000), "centre": (20_000, 40_000), "west": (-10_000, 10_000)}
#: The road.
ENDS = {"a": (-10_000, 0), "b": (70_000, 0)}
ROAD = [("a", "b", {"class": "primary"})]

#: One place of each kind in the middle of each cluster: id -> (layer, kind, cluster, x, y).
PLACES = {
    f"{letter}_{cluster}": (layer, kind, cluster, (begin + end) / 2, 0)
    for cluster, (begin, end) in CLUSTERS.items()
    for letter, layer, kind in (
        ("P", "complexes", "general_industrial_complex"),
        ("U", "universities", "research_university"),
        ("T", "centres", "technology_innovation_centre"),
    )
}

_HEAD = """
[region]
id = "row"
name = "Three in a row"
title = "Three clusters on one road"
source = "drawn by hand"
crs = "EPSG:5179"
attribution = []

[layers]
clusters = { file = "clusters.parquet" }
complexes = { file = "complexes.parquet" }
universities = { file = "universities.parquet" }
centres = { file = "centres.parquet" }
land = { file = "land.parquet" }
roads = { file = "roads.parquet" }

[clusters]
east = { name = "East", hub = "U_east" }
centre = { name = "Centre", hub = "U_centre" }
west = { name = "West", hub = "U_west" }

[corridor]
name = "the road"
routes = ["1"]
"""

#: A travel-time claim between universities.
NINETY = """
[[claims]]
id = "ninety"
kind = "travel_time"
statement = "Everything lies within 90 minutes."
source = "drawn by hand"
limit_min = 90
profile = "plain"
members = { layers = ["universities"], where = { existed_1999 = ["yes"] } }
"""

_ZONES = """
[zones]
minutes = 5
profile = "plain"
part_min_km2 = 0.02
hole_min_km2 = 0.02
[zones.anchors.university]
layers = ["universities"]
[zones.anchors.centre]
layers = ["centres"]
"""


def _value(given: float | tuple[float, float, float]) -> str:
    low, middle, high = given if isinstance(given, tuple) else (given, given, given)
    return f'{{ value = {middle}, low = {low}, high = {high}, source = "a test" }}'


def profile_text(name: str, kph: float | tuple[float, float, float], **fixed_s: float) -> str:
    """Return a profile of one speed everywhere, 3.6 km/h (1 m/s) on access legs."""
    fixed = dict.fromkeys(("junction", "ramp", "access", "parking", "egress"), 0.0) | fixed_s
    lines = [f"[profiles.{name}]", 'label = "on paper"', f"limit_share = {_value(1.0)}"]
    lines += [f"access_kph = {_value(3.6)}", f"[profiles.{name}.speed_kph]"]
    lines += [f"{road} = {_value(kph)}" for road in ROAD_CLASSES]
    lines += [f"[profiles.{name}.fixed_s]"]
    lines += [f"{key} = {_value(seconds)}" for key, seconds in fixed.items()]
    return "\n".join(lines)


def _frame(rows: Iterable[Mapping[str, Any]], shapes: Any) -> gpd.GeoDataFrame:
    said = {"source": "drawn by hand", "licence": "none", "confidence": "high"}
    return gpd.GeoDataFrame(
        pd.DataFrame([{**said, **row} for row in rows]), geometry=shapes, crs=CRS
    )


def write_places(folder: Path, places: Mapping[str, tuple[Any, ...]]) -> None:
    """Write the layers of places; a sixth value of a place sets further columns."""
    for layer in ("complexes", "universities", "centres"):
        mine = {key: said for key, said in places.items() if said[0] == layer}
        rows = [
            {"id": key, "name": f"name of {key}", "kind": kind, "cluster": cluster}
            | {"existed_1999": "yes"}
            | (dict(more[0]) if more else {})
            for key, (_, kind, cluster, _, _, *more) in mine.items()
        ]
        xy = np.array([said[3:5] for said in mine.values()], dtype=float).reshape(-1, 2) + CORNER
        _frame(rows, shapely.points(xy)).to_parquet(folder / f"{layer}.parquet")


def land_cells(*, half_width: int = 800, cell_m: int = 100, **values: Any) -> gpd.GeoDataFrame:
    """Return cells along the road in every cluster, dry, open and flat unless said otherwise.

    A value may be a function of the cells' (x, y) in metres from the hand-drawn corner.
    """
    y = np.arange(-half_width + cell_m / 2, half_width, cell_m)
    xs = [np.arange(begin + cell_m / 2, end, cell_m) for begin, end in CLUSTERS.values()]
    xy = np.array([(x, line) for row in xs for x in row for line in y])
    columns = {"water": 0.0, "wood": 0.0, "relief_m": 0.0} | values
    data = {key: v(*xy.T) if callable(v) else np.full(len(xy), v) for key, v in columns.items()}
    return gpd.GeoDataFrame(
        {"cell_m": np.full(len(xy), cell_m), **data}, geometry=shapely.points(xy + CORNER), crs=CRS
    )


def make_region(
    folder: Path,
    *,
    claims: str = NINETY,
    kph: float | tuple[float, float, float] = 36.0,
    places: Mapping[str, tuple[Any, ...]] = PLACES,
    land: gpd.GeoDataFrame | None = None,
    zones: str = _ZONES,
    edit: tuple[str, str] = ("", ""),
) -> Region:
    """Write the region into a folder and load it; `edit` replaces one text by another."""
    text = "\n".join([_HEAD, claims, zones, profile_text("plain", kph)])
    (folder / "region.toml").write_text(text.replace(*edit) if edit[0] else text, encoding="utf-8")
    boxes = [shapely.box(begin, -1000, end, 1000) for begin, end in CLUSTERS.values()]
    boxes = [shapely.transform(box, lambda xy: xy + CORNER) for box in boxes]
    rows = [{"id": cluster, "name": cluster.title()} for cluster in CLUSTERS]
    _frame(rows, boxes).to_parquet(folder / "clusters.parquet")
    write_places(folder, places)
    (land_cells() if land is None else land).to_parquet(folder / "land.parquet")
    return tb.load_region(folder)
