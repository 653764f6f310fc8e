"""Shortest-path trees by scipy's Dijkstra.

The seam behind which a faster engine may stand: seeds in, two costs a node out.
"""

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

__all__ = ["nearest_tree", "path_to", "trees"]

#: Trees grown at once: enough to hide the overhead, few enough to fit in memory.
_BATCH_VALUES = 8_000_000


def trees(
    graph: Graph, seeds: Seeds, *, limit: float = np.inf
) -> Iterator[tuple[Ints, Floats, Floats]]:
    """Grow one tree a search, some at a time.

    Parameters
    ----------
    graph
        From `make_graph`; give ``graph.turned`` and exit costs for trees toward a place.
    seeds
        Where each search begins.
    limit
        Largest first cost of interest; nodes beyond it may come back infinite.

    Yields
    ------
    searches
        int64 (k): which searches these are.
    first, second
        float64 (k, n_nodes): costs from the seeds, infinite where there is no path.
    """
    if not graph.n_nodes or not seeds.n:
        return
    size = max(1, _BATCH_VALUES // graph.n_nodes)
    for begin in range(0, seeds.n, size):
        searches = np.arange(begin, min(begin + size, seeds.n))
        matrix, roots = _with_roots(graph, seeds, searches)
        packed = dijkstra(matrix, indices=roots, limit=_packed_limit(graph, limit))
        yield searches, *graph.unpack(packed[:, : graph.n_nodes])


def nearest_tree(
    graph: Graph, seeds: Seeds, *, limit: float = np.inf
) -> tuple[Floats, Floats, Ints]:
    """Grow one tree from all seeds together.

    Returns
    -------
    first, second
        float64 (n_nodes): costs from the nearest search's seeds.
    search
        int64 (n_nodes): which search that is, -1 where there is no path.
    """
    matrix, roots = _with_roots(graph, seeds, np.arange(seeds.n))
    packed, _, origin = dijkstra(
        matrix,
        indices=roots,
        limit=_packed_limit(graph, limit),
        min_only=True,
        return_predecessors=True,
    )
    nearest = np.where(origin >= graph.n_nodes, origin - graph.n_nodes, -1)[: graph.n_nodes]
    return *graph.unpack(packed[: graph.n_nodes]), nearest


def path_to(graph: Graph, seeds: Seeds, node: int) -> Ints:
    """Return the arcs of the best path from the seeds of one search to a node, in order."""
    matrix, roots = _with_roots(graph, seeds, np.arange(1))
    _, before = dijkstra(matrix, indices=roots, return_predecessors=True)
    arcs: list[int] = []
    here = node
    while 0 <= (previous := int(before[0, here])) < graph.n_nodes:
        row = slice(graph.indptr[previous], graph.indptr[previous + 1])
        entry = np.flatnonzero(graph.head[row] == here)[0]
        arcs.append(int(graph.arc[row][entry]))
        here = previous
    return np.array(arcs[::-1], dtype=np.int64)


def _packed_limit(graph: Graph, limit: float) -> float:
    return np.inf if np.isinf(limit) else limit / graph.step + 1


def _with_roots(graph: Graph, seeds: Seeds, searches: Ints) -> tuple[csr_array, Ints]:
    """Return the graph with one more node a search, whose arcs lead to its seeds."""
    mine = (seeds.source >= searches[0]) & (seeds.source <= searches[-1])
    source, node = seeds.source[mine] - searches[0], seeds.node[mine]
    weight = graph.pack(seeds.first[mine], seeds.second[mine])
    order = np.lexsort((weight, node, source))
    source, node, weight = source[order], node[order], weight[order]
    best = np.ones(len(source), dtype=bool)
    best[1:] = (source[1:] != source[:-1]) | (node[1:] != node[:-1])
    best &= np.isfinite(weight)
    source, node, weight = source[best], node[best], weight[best]
    rows = np.cumsum(np.bincount(source, minlength=len(searches)))
    n = graph.n_nodes + len(searches)
    matrix = csr_array(
        (
            np.concatenate([graph.weight, weight]),
            np.concatenate([graph.head, node]).astype(np.int32),
            np.concatenate([graph.indptr, graph.indptr[-1] + rows]).astype(np.int32),
        ),
        shape=(n, n),
    )
    return matrix, np.arange(graph.n_nodes, n)
