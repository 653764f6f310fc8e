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

__all__ = ["arcs_back", "nearest_tree", "rooted_trees", "trees"]

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


def rooted_trees(graph: Graph, seeds: Seeds) -> Iterator[tuple[int, Floats, NDArray[np.int32]]]:
    """Grow one tree a search, with the way back from every node.

    Yields
    ------
    search
        Its number.
    packed
        float64 (n_nodes): packed costs from its seeds, infinite where there is no path.
    before
        int32: what comes before each node, for `arcs_back`.
    """
    size = max(1, _BATCH_VALUES // max(graph.n_nodes, 1))
    for begin in range(0, seeds.n, size):
        searches = np.arange(begin, min(begin + size, seeds.n))
        matrix, roots = _with_roots(graph, seeds, searches)
        packed, before = dijkstra(matrix, indices=roots, return_predecessors=True)
        for row, search in enumerate(searches):
            yield int(search), packed[row, : graph.n_nodes], before[row]


def arcs_back(graph: Graph, before: NDArray[np.int32], node: int) -> Ints:
    """Return the arcs from the seeds of a tree to a node, in the order of driving.

    Parameters
    ----------
    graph, before
        From `rooted_trees`.
    node
        Where the path ends; it has no arcs if that is a seed.
    """
    arcs: list[int] = []
    here = node
    while 0 <= (previous := int(before[here])) < graph.n_nodes:
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
