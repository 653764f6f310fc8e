"""A directed graph whose arcs have two additive costs, the first to be least, then the second.

Both travel in one float64: the first cost as a whole number of small steps, the second as a
fraction far below one step. One shortest-path tree then answers both, and equal routes are always
told apart the same way. Parallel arcs are reduced to the best.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Graph", "Seeds", "make_graph"]

#: What one unit of the second cost weighs, in steps of the first. A million units (1,000 km in
#: metres) are a tenth of a step; float64 keeps them to 0.02 units in sums of ten million steps.
SECOND = 1e-7


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


@dataclass(frozen=True, eq=False)
class Graph:
    """Arcs in compressed rows by tail.

    Attributes
    ----------
    indptr, head, weight
        CSR arrays; weights are packed costs.
    arc
        int64: number of the arc that each entry stands for.
    step
        How much of the first cost one step is.
    """

    indptr: Ints
    head: Ints
    weight: Floats
    arc: Ints
    step: float

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.indptr) - 1

    def pack(self, first: Floats, second: Floats) -> Floats:
        """Return two costs as one."""
        return np.rint(first / self.step) + second * SECOND

    def unpack(self, packed: Floats) -> tuple[Floats, Floats]:
        """Return both costs; infinite where there is no path."""
        steps = np.floor(packed + SECOND / 1000)
        with np.errstate(invalid="ignore"):
            second = np.maximum(packed - steps, 0.0) / SECOND
        return steps * self.step, np.where(np.isfinite(packed), second, np.inf)

    @cached_property
    def tail(self) -> Ints:
        """Tail of each entry."""
        return np.repeat(np.arange(self.n_nodes), np.diff(self.indptr))

    @cached_property
    def turned(self) -> Graph:
        """The same graph with every arc turned round."""
        return _compressed(self.head, self.tail, self.weight, self.arc, self.n_nodes, self.step)


def make_graph(
    tail: NDArray[np.int32],
    head: NDArray[np.int32],
    first: Floats,
    second: Floats,
    *,
    n_nodes: int,
    step: float = 0.001,
) -> Graph:
    """Make a graph of arcs.

    Parameters
    ----------
    tail, head
        int (m): nodes.
    first
        float64 (m): the cost to be least (seconds, say); rounded to `step`; arcs of infinite cost
        are closed.
    second
        float64 (m): the cost that parts equal routes (metres, say).
    n_nodes
        Number of nodes.
    step
        Resolution of the first cost.

    Examples
    --------
    >>> tail, head = np.array([0, 0]), np.array([1, 1])
    >>> seconds, metres = np.array([5.0, 5.0]), np.array([70.0, 60.0])
    >>> graph = make_graph(tail, head, seconds, metres, n_nodes=2)
    >>> [float(cost[0]) for cost in graph.unpack(graph.weight)]
    [5.0, 60.0...]
    """
    usable = np.isfinite(first)
    arc = np.flatnonzero(usable)
    weight = np.rint(first[arc] / step) + second[arc] * SECOND
    return _compressed(
        tail[arc].astype(np.int64), head[arc].astype(np.int64), weight, arc, n_nodes, step
    )


def _compressed(
    tail: Ints, head: Ints, weight: Floats, arc: Ints, n_nodes: int, step: float
) -> Graph:
    order = _best_of_parallel(tail * n_nodes + head, weight, arc)
    indptr = np.zeros(n_nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail[order], minlength=n_nodes), out=indptr[1:])
    return Graph(indptr, head[order], weight[order], arc[order], step)


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
