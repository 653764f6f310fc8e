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

__all__ = ["best_path", "nearest_tree", "trees"]

#: Trees grown at once: enough to hide the overhead, few enough to fit in memory.
_BATCH_VALUES = 8_000_000


def trees(
    graph: Graph, seeds: Seeds, *, limit: float = np.inf, nodes: Ints | None = None
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
    nodes
        int64 (t): the nodes of interest; all by default.

    Yields
    ------
    searches
        int64 (k): which searches these are.
    first, second
        float64 (k, n_nodes or t): costs from the seeds, infinite where there is no path.
    """
    if not graph.n_nodes or not seeds.n:
        return
    size = max(1, _BATCH_VALUES // graph.n_nodes)
    for begin in range(0, seeds.n, size):
        searches = np.arange(begin, min(begin + size, seeds.n))
        matrix, roots = _with_roots(graph, seeds, searches)
        packed = dijkstra(matrix, indices=roots, limit=_packed_limit(graph, limit))
        wanted = packed[:, : graph.n_nodes] if nodes is None else packed[:, nodes]
        yield searches, *graph.unpack(wanted)


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


def best_path(graph: Graph, seeds: Seeds, nodes: Ints, beyond: Floats) -> tuple[int, Ints]:
    """Return the best path from the seeds of one search to one of some nodes.

    Parameters
    ----------
    graph, seeds
        Where to drive, and from where.
    nodes
        int64 (t): where it may end.
    beyond
        float64 (t): packed costs of what comes after each of them.

    Returns
    -------
    which
        The node that it ends in, as an index into `nodes`; -1 where there is no way.
    arcs
        int64: the arcs driven, in order; none where it ends at a seed.
    """
    matrix, roots = _with_roots(graph, seeds, np.arange(1))
    packed, before = dijkstra(matrix, indices=roots, return_predecessors=True)
    total = packed[0, nodes] + beyond
    if not len(total) or not np.isfinite(total.min()):
        return -1, np.array([], dtype=np.int64)
    which = int(total.argmin())
    arcs: list[int] = []
    here = int(nodes[which])
    while 0 <= (previous := int(before[0, here])) < graph.n_nodes:
        row = slice(graph.indptr[previous], graph.indptr[previous + 1])
        entry = np.flatnonzero(graph.head[row] == here)[0]
        arcs.append(int(graph.arc[row][entry]))
        here = previous
    return which, np.array(arcs[::-1], dtype=np.int64)


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
