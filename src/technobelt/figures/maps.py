"""Maps of the report: the belt, and the land within reach of its hubs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.figures.canvas import (
    add,
    around,
    box_of,
    height,
    legend,
    metres_per_point,
    panels,
    room,
    scale_bar,
    write,
)
from technobelt.figures.ground import ALL_ROADS, MAIN_ROADS, Ground, draw_ground, draw_roads
from technobelt.figures.marks import joined
from technobelt.figures.svg import SMALL_PT, WIDTH_IN, drawn, short
from technobelt.layers import FACILITIES, located
from technobelt.schema import LAYERS
from technobelt.style import band_colours, cluster_colours, load_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from technobelt.region import Region

__all__ = ["belt_map", "draw_corridor", "isochrone_maps"]

_MARKERS = {"square": "s", "triangle": "^", "diamond": "D", "circle": "o"}
#: Land around the belt that is shown, m.
_AROUND_BELT_M = 6_000.0
#: Where a point of the page stands for fewer metres, it shows a town, with its minor roads.
_TOWN = 40.0
#: A cluster lower than this on the page has its name above it, points.
_LOW_PT = 90.0


def belt_map(region: Region, layers: Mapping[str, gpd.GeoDataFrame], ground: Ground) -> str:
    """Draw the belt: clusters, corridor, places and roads.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> import technobelt as tb
    >>> from technobelt.figures import ground_of
    >>> region = tb.load_region()
    >>> layers = {name: tb.read_layer(region, name) for name in ("clusters", "universities")}
    >>> belt_map(region, layers, ground_of(region, layers, None))[:4]
    '<svg'
    """
    clusters = layers["clusters"].to_crs(region.crs)
    box = around(clusters.total_bounds, room(clusters.total_bounds, _AROUND_BELT_M))

    def draw(figure: Figure) -> None:
        [map_] = panels(figure, [box], titles=False)
        draw_ground(map_, ground)
        _draw_clusters(map_, region, clusters)
        draw_roads(map_, ground, ALL_ROADS if metres_per_point(map_) < _TOWN else MAIN_ROADS)
        draw_corridor(map_, layers, ground)
        _draw_places(map_, layers, ground, size=17.0)
        _draw_hubs(map_, region, layers)
        _name_clusters(map_, region, clusters)
        scale_bar(map_)
        legend(figure, map_, columns=4)

    return drawn("belt", (WIDTH_IN, height([box], titles=False)), draw)


def isochrone_maps(
    region: Region,
    isochrones: gpd.GeoDataFrame,
    layers: Mapping[str, gpd.GeoDataFrame],
    ground: Ground,
    *,
    limit_min: float,
) -> str:
    """Draw the land within reach of each hub, side by side, the claimed limit as a line.

    Gaps too narrow to print are closed; the clusters' outlines are white.

    Parameters
    ----------
    isochrones
        With ``origin_id``, ``minutes``, ``truncated``; ``origin_name`` where there is one.
    limit_min
        The limit whose outline is drawn, where there is a band of that length; dashed where the
        network's edge cuts it off.
    """
    bands = isochrones.to_crs(region.crs)
    clusters = layers["clusters"].to_crs(region.crs)
    box = around(bands.total_bounds, room(bands.total_bounds, _AROUND_BELT_M))
    origins = list(dict.fromkeys(bands["origin_id"]))
    boxes = [box] * len(origins)

    def draw(figure: Figure) -> None:
        for map_, origin in zip(panels(figure, boxes), origins, strict=True):
            mine = bands[bands["origin_id"] == origin].sort_values("minutes", ascending=False)
            draw_ground(map_, ground, borders=False)
            _draw_bands(map_, mine, limit_min)
            add(map_, joined(clusters), edgecolor="#FFFFFF", linewidth=0.7)
            draw_roads(map_, ground, ("motorway",), thin=0.3)
            _draw_origin(map_, layers, ground, origin)
            name = mine["origin_name"].iloc[0] if "origin_name" in mine else origin
            map_.set_title(short(str(name), 44), fontsize=SMALL_PT, pad=3)
            scale_bar(map_)
        legend(figure, map_, columns=6)

    return drawn("isochrones", (WIDTH_IN, height(boxes, legend_rows=1)), draw)


# --- what they are made of -----------------------------------------------------------------------


def _draw_clusters(map_: Axes, region: Region, clusters: gpd.GeoDataFrame) -> None:
    colours = cluster_colours(region.clusters)
    for name, shape in clusters.geometry.items():
        colour = colours.get(str(name), load_style()["clusters"]["other"])
        add(map_, shape, facecolor=colour, alpha=0.13)
        add(map_, shape, edgecolor=colour, linewidth=1.3)


def draw_corridor(map_: Axes, layers: Mapping[str, gpd.GeoDataFrame], ground: Ground) -> None:
    """Draw the corridor, where the region has one."""
    if "corridor" not in layers:
        return
    style = load_style()["corridor"]
    line = joined(layers["corridor"].to_crs(ground.crs))
    add(map_, line, edgecolor=style["colour"], linewidth=style["width"] * 0.45, label="corridor")


def _draw_places(
    map_: Axes, layers: Mapping[str, gpd.GeoDataFrame], ground: Ground, *, size: float
) -> None:
    west, south, east, north = box_of(map_)
    for name in (name for name in FACILITIES if name in layers):
        points = located(layers[name]).geometry.to_crs(ground.crs).cx[west:east, south:north]
        style = load_style()["places"][name]
        look = {"color": style["colour"], "edgecolor": "#FFFFFF", "linewidth": 0.5, "zorder": 5}
        # A triangle looks smaller than a square of the same width.
        area = size * (1.5 if style["shape"] == "triangle" else 1.0)
        map_.scatter(
            points.x,
            points.y,
            s=area,
            marker=_MARKERS[style["shape"]],
            label=LAYERS[name].doc.removeprefix("one "),
            **look,
        )


def _draw_hubs(map_: Axes, region: Region, layers: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Ring the clusters' hubs and name them, in turn above and below, so that names part."""
    ring = {"s": 80, "facecolor": "none", "edgecolor": load_style()["base"]["text"], "zorder": 6}
    for name in (name for name in FACILITIES if name in layers):
        hubs = located(layers[name][layers[name].index.isin(region.hubs)]).to_crs(region.crs)
        points = hubs.geometry
        if hubs.empty:
            continue
        map_.scatter(points.x, points.y, linewidth=1.1, label="hub of a cluster", **ring)
        for hub, point in points.items():
            above = region.hubs.index(hub) % 2 == 0
            side = {"va": "bottom" if above else "top", "xytext": (0, 6 if above else -7)}
            text = short(str(hubs.loc[hub, "name"]).split(",")[0], 40)
            write(map_, (point.x, point.y), text, **side)


def _name_clusters(map_: Axes, region: Region, clusters: gpd.GeoDataFrame) -> None:
    """Write the clusters' names into their northern thirds, above those that are small."""
    colours = cluster_colours(region.clusters)
    for name, cluster in region.clusters.items():
        if name not in clusters.index:
            continue
        shape = clusters.geometry[name]
        middle, (_, south, _, north) = shape.representative_point(), shape.bounds
        low = (north - south) / metres_per_point(map_) < _LOW_PT
        at = (middle.x, north if low else (2 * north + middle.y) / 3)
        side = {"va": "bottom", "xytext": (0, 3)} if low else {}
        look = {"color": colours[name], "fontsize": 9.5, "fontweight": "bold"}
        write(map_, at, short(cluster.name, 40), **look, **side)
        korean = clusters["name_ko"][name] if "name_ko" in clusters else None
        if isinstance(korean, str) and not low:
            write(map_, at, short(korean, 30), color=colours[name], va="top", xytext=(0, -6))


def _draw_origin(
    map_: Axes, layers: Mapping[str, gpd.GeoDataFrame], ground: Ground, origin: object
) -> None:
    look = {"facecolor": "#FFFFFF", "edgecolor": load_style()["base"]["text"], "zorder": 6}
    for name in (name for name in FACILITIES if name in layers):
        mine = located(layers[name][layers[name].index == origin])
        here = mine.geometry.to_crs(ground.crs)
        if len(here):
            map_.scatter(here.x, here.y, s=16, linewidth=0.9, label="hub", **look)


def _draw_bands(map_: Axes, bands: gpd.GeoDataFrame, limit_min: float) -> None:
    """Draw one origin's bands, the widest first, and the limit's outline."""
    narrow = 0.8 * metres_per_point(map_)
    fills = band_colours(bands["minutes"])
    for band in bands.itertuples():
        minutes = float(band.minutes)
        shape = _closed(band.geometry, narrow)
        add(map_, shape, facecolor=fills[minutes], label=f"within {minutes:g} min")
        if minutes == limit_min:
            cut = bool(np.nan_to_num(band.truncated) > 0)
            look = {"edgecolor": load_style()["base"]["text"], "linewidth": 0.9, "dashed": cut}
            add(map_, shape, label=f"limit of {minutes:g} min", **look)


def _closed(shape: Any, narrow: float) -> Any:
    """Close gaps narrower than twice `narrow`, m."""
    coarse = shapely.make_valid(shapely.simplify(shape, narrow / 4))
    return shapely.buffer(shapely.buffer(coarse, narrow, quad_segs=2), -narrow, quad_segs=2)
