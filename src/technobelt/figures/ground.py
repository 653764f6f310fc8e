"""What every map stands on: land, water and roads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.figures.canvas import add
from technobelt.style import load_style, road_style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from matplotlib.axes import Axes

    from technobelt.region import Region

__all__ = ["ALL_ROADS", "MAIN_ROADS", "Ground", "draw_ground", "draw_roads", "ground_of"]

#: Roads from the least to the most important: what comes later lies on top.
ALL_ROADS = ("secondary", "primary", "trunk", "motorway")
MAIN_ROADS = ("primary", "trunk", "motorway")


@dataclass(frozen=True, eq=False)
class Ground:
    """What every map stands on: land, water and roads, in the region's metric CRS.

    Attributes
    ----------
    crs
        The CRS of all shapes.
    land, borders
        The municipalities as one shape, and the borders between them.
    water
        Water wide enough to be a barrier; empty where the region has none.
    coast
        Whether what is no land is sea: `land` is all municipalities, and water is not told apart.
    roads
        Road class -> its roads as one shape.
    """

    crs: str
    land: Any
    borders: Any
    water: Any
    coast: bool
    roads: dict[str, Any]


def ground_of(
    region: Region, layers: Mapping[str, gpd.GeoDataFrame], roads: gpd.GeoDataFrame | None
) -> Ground:
    """Return the ground of a region's maps.

    Parameters
    ----------
    region
        For its CRS.
    layers
        ``municipalities`` and ``barriers`` where there are any, else ``clusters``.
    roads
        With the column ``class``; None leaves roads out.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> ground = ground_of(region, {"clusters": tb.read_layer(region, "clusters")}, None)
    >>> ground.crs, ground.roads
    ('EPSG:5179', {})
    """
    areas = layers["municipalities" if "municipalities" in layers else "clusters"]
    shapes = areas.geometry.to_crs(region.crs).to_numpy()
    water: Any = layers["barriers"].geometry.to_crs(region.crs) if "barriers" in layers else []
    return Ground(
        crs=region.crs,
        land=shapely.union_all(shapes),
        borders=shapely.line_merge(shapely.union_all(shapely.boundary(shapes))),
        water=shapely.multipolygons(shapely.get_parts(np.asarray(water, dtype=object))),
        coast="municipalities" in layers and "barriers" not in layers,
        roads={} if roads is None else _by_class(roads.to_crs(region.crs)),
    )


def _by_class(roads: gpd.GeoDataFrame) -> dict[str, Any]:
    classes = roads["class"].astype(str).str.removesuffix("_link").to_numpy()
    shapes = roads.geometry.to_numpy()
    chosen = {name: shapes[classes == name] for name in ALL_ROADS}
    return {
        name: shapely.line_merge(shapely.multilinestrings(shapely.get_parts(lines)))
        for name, lines in chosen.items()
        if len(lines)
    }


def draw_ground(map_: Axes, ground: Ground, *, borders: bool = True) -> None:
    """Draw sea, land, water and borders."""
    base = load_style()["base"]
    map_.set_facecolor(base["sea"] if ground.coast else "#FFFFFF")  # white: not mapped
    add(map_, ground.land, facecolor=base["land"])
    add(map_, ground.water, facecolor=base["water"])
    if borders:
        add(map_, ground.borders, edgecolor=base["border"], linewidth=0.35)


def draw_roads(map_: Axes, ground: Ground, classes: Sequence[str], thin: float = 0.5) -> None:
    """Draw roads by class; `thin` scales the widths of a screen down to those of a small map."""
    for name in classes:
        style = road_style(name)
        look = {"edgecolor": style["colour"], "linewidth": style["width"] * thin}
        label = {"motorway": name, "secondary": ""}.get(name, f"{name} road")
        if name in ground.roads:
            add(map_, ground.roads[name], label=label, **look)
