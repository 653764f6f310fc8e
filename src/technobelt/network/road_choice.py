"""Which sections a planner's choice of roads fits."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.scenario import Direction, RoadChoice

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["border_crossings", "fitting", "heading", "hint"]

#: Unit vectors of the compass, x to the east and y to the north.
_COMPASS = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}
_SHOWN = 8


def fitting(network: Network, parent: Ints, choice: RoadChoice) -> Mask:
    """Return the sections that fit everything that is given.

    Parameters
    ----------
    network
        The roads.
    parent
        int64 (n): the number by which a planner knows each section; -1 for those that he does not.
    choice
        What is given.
    """
    roads = network.roads
    fits = parent >= 0
    if choice.ref:
        fits = fits & network.bearing(choice.ref)
    if choice.name:
        fits = fits & roads["name"].isin(choice.name).to_numpy()
    if choice.id:
        fits = fits & np.isin(parent, choice.id)
    if choice.classes:
        fits = fits & roads["class"].isin(choice.classes).to_numpy()
    if choice.within:
        middle = shapely.line_interpolate_point(network.lines, 0.5, normalized=True)
        fits = fits & shapely.within(middle, _polygon(network, choice))
    return np.asarray(fits)


def heading(network: Network, direction: Direction) -> Mask:
    """Return the arcs that lead to a side of the compass rather than away from it."""
    xy = network.nodes[["x", "y"]].to_numpy()
    along = xy[network.arc_head] - xy[network.arc_tail]
    return np.asarray(along @ np.array(_COMPASS[direction]) > 0)


def hint(network: Network, parent: Ints, choice: RoadChoice) -> str:
    """Say what roads there are, where a choice seems to be misspelt."""
    roads = network.roads
    if choice.ref:
        known = sorted(roads["ref"].dropna().astype(str).unique(), key=lambda r: (len(r), r))
        near = get_close_matches(choice.ref[0], known, n=_SHOWN, cutoff=0.5) or known[:_SHOWN]
        return f" Route numbers are, among others: {', '.join(near)}."
    if choice.name:
        known = roads["name"].dropna().astype(str).unique().tolist()
        near = get_close_matches(choice.name[0], known, n=_SHOWN, cutoff=0.3)
        return f" Similar names: {', '.join(near)}." if near else " Correct the name."
    if choice.id:
        return f" Sections are numbered 0 to {int(parent.max())}."
    return " Correct the choice."


def _polygon(network: Network, choice: RoadChoice) -> Any:
    import geopandas as gpd

    shape = shapely.Polygon(choice.within)
    if not shape.is_valid:
        raise ScenarioError(
            f"the polygon from {choice.within[0]} crosses itself. Give its corners in order."
        )
    return gpd.GeoSeries([shape], crs=4326).to_crs(network.crs).iloc[0]


def border_crossings(network: Network, choice: RoadChoice) -> tuple[Ints, Floats]:
    """Return where sections cross the border of a polygon."""
    border = _polygon(network, choice).exterior
    section = np.flatnonzero(shapely.intersects(network.lines, border))
    points, which = shapely.get_parts(
        shapely.intersection(network.lines[section], border), return_index=True
    )
    middle = shapely.centroid(points)  # of a piece that runs along the border, too
    lines = network.lines[section[which]]
    return section[which], shapely.line_locate_point(lines, middle, normalized=True)
