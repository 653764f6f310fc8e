"""Seconds between places and all road positions: the ways to the positions are laid out once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from technobelt.routing import nearest_tree, trees
from technobelt.travel_time import direct_ways, limit_s, ways_in, ways_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.network.ties import Ties
    from technobelt.routing import Graph
    from technobelt.surface.positions import Positions
    from technobelt.travel_time import Model

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["nearest_seconds", "position_seconds"]


@dataclass(frozen=True, eq=False)
class _Ways:
    """Ways between nodes and points, a row for the first way of each point, the second, ...

    Attributes
    ----------
    node
        int64 (w, n).
    cost
        float64 (w, n): packed costs, infinite where a point has fewer ways.
    by_section, section
        int64 (k): the ties in the order of their sections, and these.
    """

    node: Ints
    cost: Floats
    by_section: Ints
    section: Ints


@lru_cache(maxsize=4)
def _ways(model: Model, ties: Ties, *, toward: bool) -> _Ways:
    """Lay out the ways to ties, or from them, for all trees to come."""
    ends = ways_out(model, ties) if toward else ways_in(model, ties)
    cost = model.graph.pack(ends.first, ends.second)
    order = np.argsort(ends.point, kind="stable")
    point = ends.point[order]
    nth = np.arange(len(point)) - np.searchsorted(point, point)
    shape = (int(nth.max(initial=-1)) + 1, ties.n)
    node, costs = np.zeros(shape, dtype=np.int64), np.full(shape, np.inf)
    node[nth, point] = ends.node[order]
    costs[nth, point] = cost[order]
    by_section = np.argsort(ties.section, kind="stable")
    return _Ways(node, costs, by_section, ties.section[by_section])


def _joined(packed: Floats, ways: _Ways) -> Floats:
    """Return the least packed cost of each point, by any of its ways."""
    best = np.full(ways.node.shape[1], np.inf)
    for node, cost in zip(ways.node, ways.cost, strict=True):
        through = packed.take(node)
        through += cost
        np.minimum(best, through, out=best)
    return best


def _on_sections(ties: Ties, ways: _Ways, sections: Ints) -> Ties:
    """Return the ties that lie on some sections."""
    begin, end = (np.searchsorted(ways.section, sections, side) for side in ("left", "right"))
    found = [ways.by_section[a:b] for a, b in zip(begin, end, strict=True)]
    return ties.take(np.concatenate(found) if found else np.zeros(0, dtype=np.int64))


def _direct(
    model: Model, places: Ties, positions: Ties, ways: _Ways, *, toward: bool
) -> tuple[Ints, Ints, Floats]:
    """Return the direct ways along one section: place, position, packed cost."""
    beside = _on_sections(positions, ways, np.unique(places.section))
    if toward:
        o, d, *costs = direct_ways(model, beside, places)
        return places.point[d], beside.point[o], model.graph.pack(*costs)
    o, d, *costs = direct_ways(model, places, beside)
    return places.point[o], beside.point[d], model.graph.pack(*costs)


def _seconds(model: Model, packed: Floats) -> Floats:
    if model.by == "time":
        return model.graph.first(packed)
    return model.graph.unpack(packed)[1]


def _graph(model: Model, *, toward: bool) -> Graph:
    return model.graph.turned if toward else model.graph


def position_seconds(
    model: Model,
    origins: Ties,
    positions: Positions,
    *,
    toward: bool = False,
    max_minutes: float | None = None,
) -> Floats:
    """Return seconds between origins and road positions, float64 (origins.n, positions).

    Parameters
    ----------
    model
        From `model_of`.
    origins
        From `tie_points`.
    positions
        From `road_positions`.
    toward
        Drive from the positions to the origins instead.
    max_minutes
        Longer trips need not be found.
    """
    ways = _ways(model, positions.ties, toward=toward)
    roots = ways_in(model, origins) if toward else ways_out(model, origins)
    limit = limit_s(model, max_minutes)
    packed = np.full((origins.n, positions.ties.n), np.inf)
    for searches, rows in trees(_graph(model, toward=toward), roots.seeds(), limit=limit):
        for search, row in zip(searches, rows, strict=True):
            packed[search] = _joined(row, ways)
    place, position, direct = _direct(model, origins, positions.ties, ways, toward=toward)
    np.minimum.at(packed, (place, position), direct)
    return _seconds(model, packed)


def nearest_seconds(model: Model, places: Ties, positions: Ties, *, toward: bool = False) -> Floats:
    """Return seconds between each road position and the nearest of some places.

    One tree is grown for all places together.

    Parameters
    ----------
    model
        From `model_of`.
    places, positions
        From `tie_points`, or the ties of `road_positions`.
    toward
        Drive from the positions to the places instead.

    Returns
    -------
    numpy.ndarray
        float64 (positions.n), infinite where there is no way.
    """
    ways = _ways(model, positions, toward=toward)
    roots = ways_in(model, places) if toward else ways_out(model, places)
    reached, _ = nearest_tree(_graph(model, toward=toward), roots.seeds())
    packed = _joined(reached, ways)
    _, position, direct = _direct(model, places, positions, ways, toward=toward)
    np.minimum.at(packed, position, direct)
    return _seconds(model, packed)
