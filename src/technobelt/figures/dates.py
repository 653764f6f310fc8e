"""The roads of two dates, side by side: what was open, what opened since, and the corridor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.figures.canvas import Box, add, around, height, legend, panels, room, scale_bar
from technobelt.figures.ground import MAIN_ROADS, Ground, draw_ground
from technobelt.figures.svg import FONT_PT, WIDTH_IN, drawn
from technobelt.layers import read_layer
from technobelt.style import load_style, road_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from technobelt.network import Network
    from technobelt.region import Region

__all__ = [
    "NETWORKS",
    "DatedRoads",
    "dated_roads",
    "draw_networks",
    "has_two_dates",
    "network_maps",
]

#: Name of the picture.
NETWORKS = "roads-by-date"
#: The end of the year of the plan.
_THEN = "1999-12-31"
_AROUND_M = 10_000.0
_NEW = "#0072B2"


@dataclass(frozen=True, eq=False)
class DatedRoads:
    """The roads of two dates, as they are drawn.

    Attributes
    ----------
    box
        What both maps show.
    titles
        Of the two maps.
    old, new
        Road class -> roads open at the first date, and those that opened since.
    corridors
        The corridor at each date.
    unknown
        How much of the roads has no date, in words.
    """

    box: Box
    titles: tuple[str, str]
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    corridors: tuple[Any, Any]
    unknown: str


def has_two_dates(network: Network) -> bool:
    """Say whether a network has dates of opening, and is itself of a later date than the plan.

    Examples
    --------
    >>> import technobelt as tb
    >>> has_two_dates(tb.load_network(tb.load_region()))
    True
    """
    from technobelt.network.model import last_day

    return network.dated and (not network.info.date or last_day(network.info.date) > _THEN)


def network_maps(
    region: Region, network: Network, ground: Ground, *, days: tuple[str, str] | None = None
) -> str:
    """Draw the roads of two dates side by side.

    Parameters
    ----------
    region
        For its clusters, which the maps show, and its corridor.
    network
        With dates of opening; roads without one are drawn as open at both dates.
    ground
        From `technobelt.figures.ground_of`.
    days
        The two dates, ISO; the end of 1999 and the date of the roads by default.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> import technobelt as tb
    >>> from technobelt.figures import ground_of
    >>> region = tb.load_region()
    >>> ground = ground_of(region, {"clusters": tb.read_layer(region, "clusters")}, None)
    >>> network_maps(region, tb.load_network(region), ground)[:4]
    '<svg'
    """
    roads = dated_roads(region, network, days=days)

    def draw(figure: Figure) -> None:
        legend(figure, draw_networks(figure, ground, roads), columns=5)

    return drawn("networks", (WIDTH_IN, height([roads.box] * 2, legend_rows=1)), draw)


def dated_roads(
    region: Region, network: Network, *, days: tuple[str, str] | None = None
) -> DatedRoads:
    """Sort the roads around the clusters by whether they were open at two dates."""
    from technobelt.network.model import last_day

    network = network.to_crs(region.crs)
    then, now = days or (_THEN, network.info.date)
    clusters = read_layer(region, "clusters").to_crs(region.crs)
    box = around(clusters.total_bounds, room(clusters.total_bounds, _AROUND_M))
    open_then = _open_on(network, last_day(then))
    open_now = _open_on(network, last_day(now)) if now else np.ones_like(open_then)
    return DatedRoads(
        box=box,
        titles=(f"Open on {then}", f"Open in {now}" if now else "Open today"),
        old=_by_class(network, open_then),
        new=_by_class(network, open_now & ~open_then),
        corridors=(
            _corridor(region, network, open_then, last_day(then)),
            _corridor(region, network, open_now, last_day(now) if now else "9999-12-31"),
        ),
        unknown=_unknown(network, box),
    )


def _open_on(network: Network, day: str) -> NDArray[np.bool_]:
    """Mark the sections that were open on a day; those without a date count as open."""
    opened = network.roads["opened"].fillna("").to_numpy(dtype=str)
    return np.asarray((opened == "") | (opened <= day))


def _by_class(network: Network, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    classes = network.roads["class"].astype(str).str.removesuffix("_link").to_numpy()
    lines = {name: network.lines[chosen & (classes == name)] for name in MAIN_ROADS}
    return {
        name: shapely.line_merge(shapely.multilinestrings(shapely.get_parts(mine)))
        for name, mine in lines.items()
        if len(mine)
    }


def _corridor(region: Region, network: Network, there: NDArray[np.bool_], day: str) -> Any:
    routes = region.corridor.routes_on(day)
    lines = network.lines[network.on_routes(routes) & there]
    return shapely.line_merge(shapely.multilinestrings(shapely.get_parts(lines)))


def _unknown(network: Network, box: Box) -> str:
    """Say how much of the motorways in view has no date."""
    near = shapely.intersects(network.lines, shapely.box(*box))
    motorway = near & (network.roads["class"].astype(str) == "motorway").to_numpy()
    km = network.roads["length_m"].to_numpy() / 1000
    dated = network.roads["opened"].notna().to_numpy()
    known, whole = km[motorway & dated].sum(), km[motorway].sum()
    return (
        f"{known:,.0f} of {whole:,.0f} km of motorway carriageway in view have a date of opening; "
        "roads without one are drawn as open"
    )


def draw_networks(
    figure: Figure, ground: Ground, roads: DatedRoads, *, above_in: float = 0.0
) -> Axes:
    """Draw both maps; the second, which the legend can be made of, is returned."""
    left, right = panels(figure, [roads.box, roads.box], above_in=above_in)
    for map_, title, corridor in zip((left, right), roads.titles, roads.corridors, strict=True):
        draw_ground(map_, ground, borders=False)
        _draw_classes(map_, roads.old)
        if map_ is right:
            _draw_classes(map_, roads.new, colour=_NEW)
        red = load_style()["corridor"]["colour"]
        if not shapely.is_empty(corridor):
            add(map_, corridor, edgecolor=red, linewidth=1.3, label="the corridor at that date")
        map_.set_title(title, fontsize=FONT_PT, pad=3)
        scale_bar(map_)
    return right


def _draw_classes(map_: Axes, roads: Mapping[str, Any], colour: str = "") -> None:
    for name, lines in roads.items():
        style = road_style(name)
        label = "opened since" if colour else (name if name == "motorway" else f"{name} road")
        width = style["width"] * (0.6 if colour else 0.4)
        add(map_, lines, edgecolor=colour or style["colour"], linewidth=width, label=label)
