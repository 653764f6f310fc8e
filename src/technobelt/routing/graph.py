"""A directed graph whose arcs have two additive costs, the first to be least, then the second.

Both travel in one float64: the first cost as a whole number of small steps, the second as a
fraction below one step. One shortest-path tree then answers both. Both are whole numbers of bits,
so that sums are exact: neither engine nor order of adding changes a result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from technobelt.routing.order import Topology, order_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.routing.metric import Metric

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Nodes = NDArray[np.int32]

__all__ = ["Graph", "Rows", "Seeds", "make_graph"]

#: What one unit of the second cost weighs, in steps of the first: 8,388 km in metres fill a step.
SECOND = 2.0**-23
#: The second cost is rounded to this part of a unit. A float64 has 53 bits: with 23 and 4 for the
#: second cost 26 are left for steps, which are 18 hours in milliseconds; beyond that sums are
#: rounded.
_PARTS = 16.0
#: Sums of packed costs below this are exact.
EXACT_BELOW = 2.0**26
#: Pruning takes as long as this many trees gain by it.
PRUNED_FROM = 500


@dataclass(frozen=True)
class Seeds:
    """Where searches begin: search `source[i]` may start at `node[i]` for the given costs.

    Attributes
    ----------
    source
        int64 (k): number of the search, 0 to `n` - 1; a search may have several seeds, or none.
    node
        int64 (k).
    first, second
        float64 (k): costs spent before that node.
    n
        Number of searches.
    """

    source: Ints
    node: Ints
    first: Floats
    second: Floats
    n: int


@dataclass(eq=False)
class Shared:
    """The hierarchy of a graph, once there is one, and how many trees were asked of it."""

    metric: Metric | None = None
    pruned: bool = False
    trees: int = 0


class Rows(NamedTuple):
    """Arcs in compressed rows by tail, of parallel ones the best: as Dijkstra's search wants them.

    ``arc`` is the number of the arc that each entry stands for.
    """

    indptr: Ints
    head: Ints
    weight: Floats
    arc: Ints


@dataclass(frozen=True, eq=False)
class Graph:
    """Arcs with their costs.

    Attributes
    ----------
    topology
        Which arcs there are.
    weight
        float64 (m): packed costs of the arcs, infinite where closed.
    step
        How much of the first cost one step is.
    toward
        Whether every arc is turned round, so that trees grow toward a place.
    shared
        What it has in common with the graph turned round.
    """

    topology: Topology
    weight: Floats
    step: float
    toward: bool = False
    shared: Shared = field(default_factory=Shared)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return self.topology.n_nodes

    def pack(self, first: Floats, second: Floats) -> Floats:
        """Return two costs as one."""
        return _packed(first, second, self.step)

    def first(self, packed: Floats) -> Floats:
        """Return the first cost alone."""
        return np.asarray(np.floor(packed) * self.step)

    def unpack(self, packed: Floats) -> tuple[Floats, Floats]:
        """Return both costs; infinite where there is no path."""
        steps = np.floor(packed)
        with np.errstate(invalid="ignore"):
            second = (packed - steps) / SECOND
        return steps * self.step, np.where(np.isfinite(packed), second, np.inf)

    @cached_property
    def rows(self) -> Rows:
        """The arcs by the node that a tree leaves them from."""
        ends = self.topology.tail, self.topology.head
        tail, head = ends[::-1] if self.toward else ends
        return _compressed(tail, head, self.weight, self.n_nodes)

    @cached_property
    def turned(self) -> Graph:
        """The same graph with every arc turned round; it shares the hierarchy."""
        turned = Graph(self.topology, self.weight, self.step, not self.toward, self.shared)
        turned.__dict__["turned"] = self
        return turned

    @property
    def has_metric(self) -> bool:
        """Whether the hierarchy is there already."""
        return self.shared.metric is not None

    def metric(self, trees: int = 1) -> Metric:
        """Return the contraction hierarchy with these weights.

        Parameters
        ----------
        trees
            How many are about to be grown. Arcs that no shortest path needs are dropped once so
            many were grown that this pays.
        """
        from technobelt.routing.metric import make_metric, pruned

        shared = self.shared
        shared.trees += trees
        if shared.metric is None:
            shared.metric = make_metric(order_of(self.topology), self.weight)
        if shared.trees >= PRUNED_FROM and not shared.pruned:
            shared.metric, shared.pruned = pruned(shared.metric), True
        return shared.metric.turned if self.toward else shared.metric


def make_graph(topology: Topology, first: Floats, second: Floats, *, step: float = 0.001) -> Graph:
    """Give costs to arcs.

    Parameters
    ----------
    topology
        The arcs.
    first
        float64 (m): the cost to be least (seconds, say), from 0 on; rounded to `step`; arcs of
        infinite cost are closed.
    second
        float64 (m): the cost that parts equal routes (metres, say).
    step
        Resolution of the first cost.

    Raises
    ------
    NetworkError
        A cost is below zero or no number; with the number of its arc.

    Examples
    --------
    >>> both = Topology(np.array([0, 0], np.int32), np.array([1, 1], np.int32), 2)
    >>> graph = make_graph(both, np.array([5.0, 5.0]), np.array([70.0, 60.0]))
    >>> [float(cost[0]) for cost in graph.unpack(graph.rows.weight)]
    [5.0, 60.0...]
    """
    _check(first, "first cost")
    _check(second, "second cost")
    closed = ~(np.isfinite(first) & np.isfinite(second))
    weight = _packed(first, np.where(closed, 0.0, second), step)
    weight[closed] = np.inf
    return Graph(topology, weight, step)


def _packed(first: Floats, second: Floats, step: float) -> Floats:
    return np.asarray(np.rint(first / step) + np.rint(second * _PARTS) * (SECOND / _PARTS))


def _check(cost: Floats, what: str) -> None:
    wrong = ~(cost >= 0)  # NaN too
    if wrong.any():
        from technobelt.errors import NetworkError

        arc = int(np.flatnonzero(wrong)[0])
        raise NetworkError(
            f"the {what} of arc {arc} is {cost[arc]}: no number from 0 on. Correct the length, "
            "limit or speed that it comes of."
        )


def _compressed(tail: Nodes, head: Nodes, weight: Floats, n_nodes: int) -> Rows:
    arc = np.flatnonzero(np.isfinite(weight))
    key = tail[arc].astype(np.int64) * n_nodes + head[arc]
    arc = arc[_best_of_parallel(key, weight[arc], arc)]
    indptr = np.zeros(n_nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail[arc], minlength=n_nodes), out=indptr[1:])
    return Rows(indptr, head[arc].astype(np.int64), weight[arc], arc)


def _best_of_parallel(key: Ints, weight: Floats, arc: Ints) -> Ints:
    """Return the entries in the order of their key, of equal keys the lightest, lowest arc only."""
    order: Ints = np.argsort(key, kind="stable")
    same = key[order[1:]] == key[order[:-1]]
    if not same.any():
        return order
    crowd = np.append(same, False) | np.append(False, same)
    members = order[crowd]
    members = members[np.lexsort((arc[members], weight[members], key[members]))]
    order[crowd] = members
    return np.asarray(order[np.append(True, ~same)])
