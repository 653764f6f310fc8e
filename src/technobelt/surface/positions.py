"""Road positions: points at regular steps along every section where a trip may start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

from technobelt.network.ties import (
    MEDIAN_M,
    Ties,
    direction_at,
    legs_cross,
    points_along,
    startable,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.network.model import Network

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["EVERY", "STEP_M", "Positions", "near_positions", "road_positions"]

#: Positions lie at most so far apart, m.
STEP_M = 50.0
#: Of so many positions one is tried where the nearest lies across a barrier.
EVERY = 6
#: Fewer points than these are looked up sooner than threads are started.
_WORTH_THREADS = 100_000


@dataclass(frozen=True, eq=False)
class Positions:
    """Positions along the roads, as ties (the other carriageway included), and where they lie."""

    ties: Ties
    xy: Floats
    tree: cKDTree

    @cached_property
    def sparse(self) -> cKDTree:
        """Every `EVERY`-th of them: neighbours on one road are mostly across the same barrier."""
        return cKDTree(self.xy[::EVERY])


@lru_cache(maxsize=2)  # isochrones and zones of one run ask for the same
def road_positions(network: Network) -> Positions:
    """Take positions along every section where a trip may start, at most `STEP_M` apart."""
    usable = np.flatnonzero(startable(network))
    lines = network.lines[usable]
    count = np.maximum(1, np.ceil(shapely.length(lines) / STEP_M)).astype(np.int64)
    which = np.repeat(np.arange(len(usable)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    fraction = (within + 0.5) / count[which]
    xy = points_along(lines, fraction, which)
    own = Ties(
        point=np.arange(len(which), dtype=np.int64),
        section=usable[which].astype(np.int64),
        fraction=fraction,
        side=np.zeros(len(which), dtype=np.int8),
        access_m=np.zeros(len(which)),
        n=len(which),
    )
    return Positions(_with_partners(network, own, xy), xy, cKDTree(xy))


def _with_partners(network: Network, own: Ties, xy: Floats) -> Ties:
    """Give positions on one carriageway a second tie on the other."""
    one_way = np.flatnonzero(network.one_way[own.section])
    if len(one_way) < 2:
        return own
    travel = _travel(network, own.take(one_way))
    tree = cKDTree(xy[one_way])
    distance, near = near_positions(tree, xy[one_way], min(8, len(one_way)), MEDIAN_M)
    there = np.isfinite(distance)
    near = np.where(there, near, 0)
    cosine = (travel[near] * travel[:, None, :]).sum(axis=2)
    opposed = there & (cosine < -0.7)
    found = np.flatnonzero(opposed.any(axis=1))
    first = opposed[found].argmax(axis=1)
    partner, apart = one_way[near[found, first]], distance[found, first]
    mine = one_way[found]
    free = ~legs_cross(network, xy[mine], xy[partner])
    mine, partner, apart = mine[free], partner[free], apart[free]
    point = np.concatenate([own.point, mine])
    order = np.argsort(point, kind="stable")
    return Ties(
        point=point[order],
        section=np.concatenate([own.section, own.section[partner]])[order],
        fraction=np.concatenate([own.fraction, own.fraction[partner]])[order],
        side=np.zeros(len(order), dtype=np.int8),
        access_m=np.concatenate([own.access_m, apart])[order],
        n=own.n,
    )


def near_positions(tree: cKDTree, xy: Floats, k: int, reach_m: float) -> tuple[Floats, Ints]:
    """Return distances and numbers of the k nearest, (n, k); infinite where there are fewer."""
    ranks = list(range(1, k + 1))
    workers = -1 if len(xy) >= _WORTH_THREADS else 1
    distance, number = tree.query(xy, k=ranks, distance_upper_bound=reach_m, workers=workers)
    return np.asarray(distance), np.asarray(number)


def _travel(network: Network, ties: Ties) -> Floats:
    section, which = np.unique(ties.section, return_inverse=True)
    along = direction_at(network.lines[section], ties.fraction, which)
    return np.where((network.arcs_of[ties.section, 0] < 0)[:, None], -along, along)
