"""Which sections a planner's choice of roads fits."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.scenario import Direction, RoadChoice

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["border_crossings", "fitting", "heading", "unknown"]

#: Unit vectors of the compass, x to the east and y to the north.
_COMPASS = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}
_SHOWN = 8


def fitting(network: Network, choice: RoadChoice) -> Mask:
    """Return the sections that fit everything that is given.

    Those that only scenarios have fit nothing: a planner does not know their numbers.
    """
    roads = network.roads
    fits = network.known_as >= 0
    if choice.ref:
        fits = fits & network.bearing(choice.ref)
    if choice.name:
        fits = fits & roads["name"].isin(choice.name).to_numpy()
    if choice.id:
        fits = fits & np.isin(network.known_as, choice.id)
    if choice.classes:
        fits = fits & roads["class"].isin(choice.classes).to_numpy()
    if choice.within:
        area = _polygon(network, choice)
        near = np.flatnonzero(fits & shapely.intersects(network.lines, shapely.box(*area.bounds)))
        middle = shapely.line_interpolate_point(network.lines[near], 0.5, normalized=True)
        fits = np.isin(np.arange(len(fits)), near[shapely.within(middle, area)])
    return np.asarray(fits)


def heading(network: Network, direction: Direction) -> Mask:
    """Return the arcs that lead to a side of the compass rather than away from it."""
    xy = network.nodes[["x", "y"]].to_numpy()
    along = xy[network.arc_head] - xy[network.arc_tail]
    return np.asarray(along @ np.array(_COMPASS[direction]) > 0)


def unknown(network: Network, choice: RoadChoice) -> str:
    """Say what a choice names that no road has, and what there is; empty if all is there."""
    for what, values in (("ref", choice.ref), ("name", choice.name)):
        known = _known(network, what) if values else []
        for value in values:
            if value not in known:
                return f"no road has {what} '{value}'; {_among(value, known)}. Correct it."
    last = int(network.known_as.max())
    beyond = [number for number in choice.id if not 0 <= number <= last]
    if beyond:
        return f"no section has the number {beyond[0]}; they are numbered 0 to {last}. Correct it."
    if choice.classes and not network.roads["class"].isin(choice.classes).any():
        classes = ", ".join(_known(network, "class"))
        return f"no road has class {' or '.join(choice.classes)}; there are {classes}. Correct it."
    return ""


def _known(network: Network, column: str) -> list[str]:
    """Return what roads have in a column, short texts first."""
    texts = network.roads.loc[network.known_as >= 0, column].dropna().astype(str).unique()
    known = {part for text in texts for part in text.split(";")} if column == "ref" else texts
    return sorted(known, key=lambda text: (len(text), text))


def _among(value: str, known: list[str]) -> str:
    near = get_close_matches(value, known, n=_SHOWN, cutoff=0.4) or known[:_SHOWN]
    return f"there are, among others: {', '.join(near)}" if near else "none has any"


def _polygon(network: Network, choice: RoadChoice) -> Any:
    import geopandas as gpd

    return gpd.GeoSeries([shapely.Polygon(choice.within)], crs=4326).to_crs(network.crs).iloc[0]


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
