"""Seconds between places and road positions: the ways to all positions are laid out once.

What a search has reached is kept by nodes. Seconds are worked out for the positions that somebody
asks for: a grid of wide cells needs few of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from technobelt.routing import nearest_tree, trees
from technobelt.travel_time import direct_ways, limit_s, ways_in, ways_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from technobelt.network.ties import Ties
    from technobelt.routing import Graph
    from technobelt.surface.positions import Positions
    from technobelt.travel_time import Model

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Reached", "Ways", "first_reached", "reached"]

#: Origins whose trees are grown at a time: with many cores there may be as many in memory.
_ABREAST = 64


@dataclass(frozen=True, eq=False)
class Ways:
    """Ways between nodes and points: the first way of each point, the second, ...

    Attributes
    ----------
    node
        int32 (w, ...).
    cost
        float64 (w, ...): packed costs, infinite where a point has fewer ways.
    """

    node: NDArray[np.int32]
    cost: Floats

    def part(self, *points: slice) -> Ways:
        """Return the ways of some points, by slices of their axes."""
        return Ways(self.node[:, *points], self.cost[:, *points])

    def taken(self, points: NDArray[np.int32]) -> Ways:
        """Return the ways of some points, each way in one piece of memory."""
        return Ways(self.node.take(points, axis=1), self.cost.take(points, axis=1))


@dataclass(frozen=True, eq=False)
class Reached:
    """What one search has reached.

    Attributes
    ----------
    model
        From `model_of`.
    ways
        To the road positions, or from them.
    packed
        float64 (nodes): packed costs of the nodes.
    beside
        int64 (k): road positions on the sections of the search's own places, each once, ascending.
    direct
        float64 (k): packed costs of the direct ways to them.
    """

    model: Model
    ways: Ways
    packed: Floats
    beside: Ints
    direct: Floats

    def seconds(self) -> Floats:
        """Return seconds of all road positions, float64 (n), infinite where there is no way."""
        return self.by(self.ways, np.arange(self.ways.node.shape[1], dtype=np.int32))

    def by(self, ways: Ways, position: NDArray[np.int32]) -> Floats:
        """Return seconds of some road positions by the ways to them.

        Parameters
        ----------
        ways
            Of the road positions, in an array of any shape.
        position
            int32: their numbers, in the same shape.
        """
        best = np.full(position.shape, np.inf)
        for node, cost in zip(ways.node, ways.cost, strict=True):
            through = self.packed.take(node)
            through += cost
            np.minimum(best, through, out=best)
        is_beside = np.zeros(self.ways.node.shape[1], dtype=np.bool_)
        is_beside[self.beside] = True
        mine = is_beside.take(position)
        direct = self.direct[np.searchsorted(self.beside, position[mine])]
        best[mine] = np.minimum(best[mine], direct)
        return _seconds(self.model, best)

    def bounds(self, positions: Positions, limit_s: float) -> tuple[float, float, float, float]:
        """Return west, south, east and north of the road positions within a limit, m.

        They are exact for models by time, and may be wider for those by length.
        Where there are none, west and south are infinite, east and north minus infinite.
        """
        around = _around(self.ways, positions, len(self.packed))
        near = _seconds(self.model, self.packed) <= limit_s
        whole = _seconds(self.model, self.packed + around.dearest) <= limit_s
        inner = [np.where(whole, side, np.inf).min(initial=np.inf) for side in around.least]
        partly = np.flatnonzero(near & ~whole)
        outer = (around.least[:, partly] < np.reshape(inner, (4, 1))).any(axis=0)
        way = around.ways_of(partly[outer])
        through = self.packed[self.ways.node.ravel()[way]] + self.ways.cost.ravel()[way]
        within = way[_seconds(self.model, through) <= limit_s] % len(positions.xy)
        beside = self.beside[_seconds(self.model, self.direct) <= limit_s]
        xy = positions.xy[np.concatenate([within, beside])]
        least = np.minimum(inner, np.hstack([xy, -xy]).min(axis=0, initial=np.inf))
        west, south, east, north = least.tolist()
        return west, south, -east, -north


@dataclass(frozen=True, eq=False)
class _Around:
    """The road positions that nodes have ways to.

    Attributes
    ----------
    least
        float64 (4, nodes): their least x, y, -x and -y.
    dearest
        float64 (nodes): packed cost of the longest of these ways, 0 where there are none.
    way
        int64 (k): all ways by node, as numbers in the flattened arrays of `Ways`.
    begin
        int64 (nodes + 1): where those of each node begin.
    """

    least: Floats
    dearest: Floats
    way: Ints
    begin: Ints

    def ways_of(self, nodes: Ints) -> Ints:
        """Return the ways of some nodes."""
        first, count = self.begin[nodes], np.diff(self.begin)[nodes]
        nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.asarray(self.way[np.repeat(first, count) + nth])


@lru_cache(maxsize=4)
def _around(ways: Ways, positions: Positions, n_nodes: int) -> _Around:
    """Gather the road positions around each node, for all trees to come."""
    way = np.flatnonzero(np.isfinite(ways.cost))
    node = ways.node.ravel()[way]
    order = np.argsort(node, kind="stable")
    way, node = way[order], node[order]
    xy = positions.xy[way % len(positions.xy)]
    least, dearest = np.full((4, n_nodes), np.inf), np.zeros(n_nodes)
    for side, value in zip(least, (*xy.T, *-xy.T), strict=True):
        np.minimum.at(side, node, value)
    np.maximum.at(dearest, node, ways.cost.ravel()[way])
    return _Around(least, dearest, way, np.searchsorted(node, np.arange(n_nodes + 1)))


@lru_cache(maxsize=4)
def _ways(model: Model, ties: Ties, *, toward: bool) -> Ways:
    """Lay out the ways to ties, or from them, for all trees to come."""
    ends = ways_out(model, ties) if toward else ways_in(model, ties)
    cost = model.graph.pack(ends.first, ends.second)
    order = np.argsort(ends.point, kind="stable")
    point = ends.point[order]
    nth = np.arange(len(point)) - np.searchsorted(point, point)
    shape = (int(nth.max(initial=-1)) + 1, ties.n)
    node, costs = np.zeros(shape, dtype=np.int32), np.full(shape, np.inf)
    node[nth, point] = ends.node[order]
    costs[nth, point] = cost[order]
    return Ways(node, costs)


@lru_cache(maxsize=4)
def _by_section(ties: Ties) -> tuple[Ints, Ints]:
    """Return ties in the order of their sections, and these."""
    order = np.argsort(ties.section, kind="stable")
    return order, ties.section[order]


def _on_sections(ties: Ties, sections: Ints) -> Ties:
    """Return the ties that lie on some sections."""
    order, section = _by_section(ties)
    begin, end = (np.searchsorted(section, sections, side) for side in ("left", "right"))
    found = [order[a:b] for a, b in zip(begin, end, strict=True)]
    return ties.take(np.concatenate(found) if found else np.zeros(0, dtype=np.int64))


def _direct(model: Model, places: Ties, positions: Ties, *, toward: bool) -> tuple[Ints, Floats]:
    """Return the positions that direct ways along one section lead to, and their packed costs."""
    beside = _on_sections(positions, np.unique(places.section))
    if toward:
        there, _, *costs = direct_ways(model, beside, places)
    else:
        _, there, *costs = direct_ways(model, places, beside)
    position, which = np.unique(beside.point[there], return_inverse=True)
    least = np.full(len(position), np.inf)
    np.minimum.at(least, which, model.graph.pack(*costs))
    return position, least


def _seconds(model: Model, packed: Floats) -> Floats:
    if model.by == "time":
        return model.graph.first(packed)
    return model.graph.unpack(packed)[1]


def _graph(model: Model, *, toward: bool) -> Graph:
    return model.graph.turned if toward else model.graph


def reached(
    model: Model,
    origins: Ties,
    positions: Ties,
    *,
    toward: bool = False,
    max_minutes: float | None = None,
) -> Iterator[Reached]:
    """Search from one origin after the other.

    Parameters
    ----------
    model
        From `model_of`.
    origins
        From `tie_points`.
    positions
        The ties of `road_positions`.
    toward
        Drive from the positions to the origins instead.
    max_minutes
        Longer trips need not be found.

    Yields
    ------
    Reached
        One an origin, in order.
    """
    ways, limit = _ways(model, positions, toward=toward), limit_s(model, max_minutes)
    for begin in range(0, origins.n, _ABREAST):
        some = origins.of_points(begin, begin + _ABREAST)
        roots = ways_in(model, some) if toward else ways_out(model, some)
        for searches, rows in trees(_graph(model, toward=toward), roots.seeds(), limit=limit):
            for search, packed in zip(searches, rows, strict=True):
                origin = some.of_point(int(search))
                direct = _direct(model, origin, positions, toward=toward)
                yield Reached(model, ways, packed, *direct)


def first_reached(model: Model, places: Ties, positions: Ties, *, toward: bool = False) -> Reached:
    """Search from all places together: what is reached from the nearest of them.

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
    Reached
    """
    ways = _ways(model, positions, toward=toward)
    roots = ways_in(model, places) if toward else ways_out(model, places)
    packed, _ = nearest_tree(_graph(model, toward=toward), roots.seeds())
    direct = _direct(model, places, positions, toward=toward)
    return Reached(model, ways, packed, *direct)
