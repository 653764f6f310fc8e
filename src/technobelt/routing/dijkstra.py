"""Trees by scipy's Dijkstra: for jobs that a hierarchy would not repay, and to check it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from technobelt.routing.graph import Graph, Seeds

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["nearest_tree", "trees"]

#: Trees grown at once: enough to hide the overhead, few enough to fit in memory.
_BATCH_VALUES = 8_000_000


def trees(
    graph: Graph, seeds: Seeds, *, limit: float, nodes: Ints | None
) -> Iterator[tuple[Ints, Floats]]:
    """Grow one tree a search, some at a time; see `technobelt.routing.trees.trees`."""
    size = max(1, _BATCH_VALUES // graph.n_nodes)
    for begin in range(0, seeds.n, size):
        searches = np.arange(begin, min(begin + size, seeds.n))
        matrix, roots = _with_roots(graph, seeds, searches)
        packed = dijkstra(matrix, indices=roots, limit=limit)
        yield searches, packed[:, : graph.n_nodes] if nodes is None else packed[:, nodes]


def nearest_tree(graph: Graph, seeds: Seeds, *, limit: float) -> tuple[Floats, Ints]:
    """Grow one tree from all seeds together; see `technobelt.routing.trees.nearest_tree`."""
    n = graph.n_nodes
    matrix, roots = _with_roots(graph, _first_of_equal(graph, seeds), np.arange(seeds.n))
    packed, _, origin = dijkstra(
        matrix, indices=roots, limit=limit, min_only=True, return_predecessors=True
    )
    search = np.where(origin >= n, origin - n, -1).astype(np.int64)
    _prefer_first(matrix, packed, search)
    return packed[:n], search[:n]


def _prefer_first(matrix: csr_array, packed: Floats, search: Ints) -> None:
    """Of searches that reach a node at the same cost let the first have it: scipy takes any."""
    tail = np.repeat(np.arange(len(packed)), np.diff(matrix.indptr))
    head = matrix.indices
    equal = np.isfinite(packed[head]) & (packed[tail] + matrix.data == packed[head])
    tail, head = tail[equal], head[equal]
    while len(earlier := np.flatnonzero(search[tail] < search[head])):
        np.minimum.at(search, head[earlier], search[tail[earlier]])


def _first_of_equal(graph: Graph, seeds: Seeds) -> Seeds:
    """Return the seeds but those that another search has at the same node, no dearer."""
    from technobelt.routing.graph import Seeds

    cost = graph.pack(seeds.first, seeds.second)
    order = np.lexsort((seeds.source, cost, seeds.node))
    kept = order[np.append(True, np.diff(seeds.node[order]) != 0)] if len(order) else order
    return Seeds(
        seeds.source[kept], seeds.node[kept], seeds.first[kept], seeds.second[kept], seeds.n
    )


def _with_roots(graph: Graph, seeds: Seeds, searches: Ints) -> tuple[csr_array, Ints]:
    """Return the graph with one more node a search, whose arcs lead to its seeds."""
    rows = graph.rows
    mine = (seeds.source >= searches[0]) & (seeds.source <= searches[-1])
    source, node = seeds.source[mine] - searches[0], seeds.node[mine]
    weight = graph.pack(seeds.first[mine], seeds.second[mine])
    order = np.lexsort((weight, node, source))
    source, node, weight = source[order], node[order], weight[order]
    best = np.ones(len(source), dtype=bool)
    best[1:] = (source[1:] != source[:-1]) | (node[1:] != node[:-1])
    best &= np.isfinite(weight)
    source, node, weight = source[best], node[best], weight[best]
    ends = np.cumsum(np.bincount(source, minlength=len(searches)))
    n = graph.n_nodes + len(searches)
    matrix = csr_array(
        (
            np.concatenate([rows.weight, weight]),
            np.concatenate([rows.head, node]).astype(np.int32),
            np.concatenate([rows.indptr, rows.indptr[-1] + ends]).astype(np.int32),
        ),
        shape=(n, n),
    )
    return matrix, np.arange(graph.n_nodes, n)
