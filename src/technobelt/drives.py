"""Drives: which arcs the best ways between tied points use, and what they consist of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from technobelt.routing import arcs_back, trees
from technobelt.travel_time import direct_ways, ways_in, ways_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from technobelt.network.speeds import Costs
    from technobelt.network.ties import Ties
    from technobelt.travel_time import Ends, Model

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Drive", "best_drives"]


@dataclass(frozen=True, eq=False)
class Drive:
    """A drive as parts of arcs.

    Attributes
    ----------
    arc
        int64 (k): the arcs in the order of driving.
    enter, leave
        float64 (k): where each is entered and left, 0 to 1 along the arc.
    access_m
        Length of the access legs at both ends.
    """

    arc: Ints
    enter: Floats
    leave: Floats
    access_m: tuple[float, float]

    @property
    def share(self) -> Floats:
        """float64 (k): the part of each arc that is driven."""
        return self.leave - self.enter

    @property
    def to_its_end(self) -> NDArray[np.bool_]:
        """Bool (k): arcs driven to their head; the last one is left before it."""
        whole = np.asarray(self.leave == 1.0)
        whole[-1] = False
        return whole

    def seconds(self, costs: Costs) -> Floats:
        """Return float64 (k): the seconds of each part, waiting at its end included."""
        waiting = np.where(self.to_its_end, costs.end_s[self.arc], 0.0)
        return np.asarray(self.share * costs.drive_s[self.arc] + waiting)

    def total_s(self, costs: Costs) -> float:
        """Return the seconds of the whole trip, door to door."""
        doors = costs.start_s + costs.finish_s + sum(self.access_m) / costs.access_mps
        return float(self.seconds(costs).sum() + doors)


def best_drives(
    model: Model, origins: Ties, destinations: Ties, pairs: Sequence[tuple[int, int]]
) -> list[Drive | None]:
    """Return the best drive of each trip; None where there is no way.

    Parameters
    ----------
    model
        From `model_of` or `measuring`.
    origins, destinations
        From `tie_points`.
    pairs
        The trips: number of the origin, number of the destination.
    """
    origins = origins.take(np.isin(origins.point, [origin for origin, _ in pairs]))
    out, into = ways_out(model, origins), ways_in(model, destinations)
    direct = _best_direct(model, origins, destinations)
    entering = model.graph.pack(into.first, into.second)
    wanted: dict[int, list[int]] = {}
    for number, (origin, _) in enumerate(pairs):
        wanted.setdefault(origin, []).append(number)
    drives: list[Drive | None] = [None] * len(pairs)
    leaving = model.graph.pack(out.first, out.second)
    for origin, packed in _each(model, out):
        mine = out.point == origin
        roots: dict[int, float] = {}
        for node, first in zip(out.node[mine].tolist(), leaving[mine].tolist(), strict=True):
            roots[node] = min(first, roots.get(node, np.inf))
        for number in wanted.get(origin, ()):
            pair = origin, pairs[number][1]
            cost, b = _way_in(packed, into, entering, pair[1])
            if pair in direct and direct[pair][0] <= cost:
                drives[number] = _along_one_section(model, origins, destinations, *direct[pair][1:])
            elif np.isfinite(cost):
                middle = arcs_back(model.graph, packed, int(into.node[b]), roots)
                a = _way_out(model, out, origin, middle, int(into.node[b]))
                drives[number] = _through(model, (origins, out, a), (destinations, into, b), middle)
    return drives


def _each(model: Model, out: Ends) -> Iterator[tuple[int, Floats]]:
    """Yield origins one by one with the packed costs of all nodes."""
    for searches, rows in trees(model.graph, out.seeds()):
        yield from zip(searches.tolist(), rows, strict=True)


def _best_direct(
    model: Model, origins: Ties, destinations: Ties
) -> dict[tuple[int, int], tuple[float, int, int]]:
    """Return of each pair on one section: packed cost, and both ties."""
    o, d, first, second = direct_ways(model, origins, destinations)
    best: dict[tuple[int, int], tuple[float, int, int]] = {}
    for i, cost in enumerate(model.graph.pack(first, second)):
        pair = int(origins.point[o[i]]), int(destinations.point[d[i]])
        if np.isfinite(cost) and cost < best.get(pair, (np.inf,))[0]:
            best[pair] = float(cost), int(o[i]), int(d[i])
    return best


def _way_in(packed: Floats, into: Ends, entering: Floats, point: int) -> tuple[float, int]:
    """Return the packed cost of the best way to a point, and the way in that it takes."""
    begin, end = np.searchsorted(into.point, [point, point + 1])
    if begin == end:
        return np.inf, -1
    total = packed[into.node[begin:end]] + entering[begin:end]
    best = int(total.argmin())
    return float(total[best]), int(begin) + best


def _way_out(model: Model, out: Ends, point: int, middle: Ints, node: int) -> int:
    """Return the way out of a point that leads to where the arcs between begin."""
    begin = int(model.network.arc_tail[middle[0]]) if len(middle) else node
    leaving = model.graph.pack(out.first, out.second)
    return int(np.where((out.node == begin) & (out.point == point), leaving, np.inf).argmin())


def _through(
    model: Model, start: tuple[Ties, Ends, int], finish: tuple[Ties, Ends, int], middle: Ints
) -> Drive:
    """Return the drive out of one tie, along whole arcs, and in to another tie."""
    (origins, out, a), (destinations, into, b) = start, finish
    none = np.zeros(len(middle))
    return Drive(
        arc=np.concatenate([[out.arc[a]], middle, [into.arc[b]]]).astype(np.int64),
        enter=np.concatenate([[_done(model, origins, out, a)], none, [0.0]]),
        leave=np.concatenate([[1.0], none + 1.0, [_done(model, destinations, into, b)]]),
        access_m=(float(origins.access_m[out.tie[a]]), float(destinations.access_m[into.tie[b]])),
    )


def _done(model: Model, ties: Ties, ends: Ends, i: int) -> float:
    """Return how far along its arc an end lies, 0 to 1."""
    fraction = float(ties.fraction[ends.tie[i]])
    return fraction if model.network.arc_forward[ends.arc[i]] else 1 - fraction


def _along_one_section(model: Model, start: Ties, finish: Ties, o: int, d: int) -> Drive:
    section = int(start.section[o])
    a, b = float(start.fraction[o]), float(finish.fraction[d])
    ahead, back = (int(arc) for arc in model.network.arcs_of[section])
    forward = b > a or (b == a and ahead >= 0)
    return Drive(
        arc=np.array([ahead if forward else back]),
        enter=np.array([a if forward else 1 - a]),
        leave=np.array([b if forward else 1 - b]),
        access_m=(float(start.access_m[o]), float(finish.access_m[d])),
    )
