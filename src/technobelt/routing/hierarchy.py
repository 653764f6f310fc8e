"""Trees by a customizable contraction hierarchy (Dibbelt, Strasser, Wagner 2016; PHAST, 2011).

A search climbs from its seeds along the elimination tree; one sweep over all nodes, from the
highest rank down, then settles them. `LANES` trees are swept abreast. For few targets only these
and their ancestors are swept; with a limit, subtrees that no way within it can enter are left out.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from technobelt.routing import kernels
from technobelt.routing.metric import Arcs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from technobelt.routing.metric import Metric

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Ranks = NDArray[np.int32]

__all__ = ["nearest_tree", "trees"]

#: If fewer of all nodes than this share need be swept for the targets, only they are.
_FEW = 0.7
#: Values of the sweeps that go on at once, at most: bounds the memory.
_MOST_VALUES = 60_000_000
#: Fewer values than these are swept sooner than threads are started.
_WORTH_THREADS = 2_000_000
_CORES = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


class _Swept(NamedTuple):
    """What a sweep goes over: the rows of the nodes, the arcs down to them, rows of the targets."""

    row: Ranks
    down: Arcs
    targets: NDArray[np.int64]
    whole: bool


def trees(
    metric: Metric,
    starts: tuple[Ints, Ints, Floats],
    n: int,
    *,
    limit: float,
    nodes: Ints | None,
) -> Iterator[tuple[Ints, Floats]]:
    """Grow one tree a search.

    Parameters
    ----------
    metric
        From `make_metric`; turned for trees toward a place.
    starts
        Of each seed: search, node, packed cost.
    n
        Number of searches.
    limit
        Packed cost; what lies beyond it may come back infinite.
    nodes
        int64 (t): the nodes of interest; all by default.

    Yields
    ------
    searches
        int64 (k).
    packed
        float64 (k, n_nodes or t).
    """
    swept = _what_to_sweep(metric, nodes)
    source, node, cost = _by_search(metric, starts)
    edges = np.searchsorted(source, np.arange(n + 1))
    begins = list(range(0, n, kernels.LANES))
    grow = partial(_batch, metric, swept, node, cost, edges, limit)
    values = len(swept.down.start) * kernels.LANES
    abreast = min(_CORES, _MOST_VALUES // values)
    if abreast < 2 or len(begins) * values < _WORTH_THREADS:
        for begin in begins:
            yield grow(begin)
        return
    with ThreadPoolExecutor(abreast) as pool:
        for first in range(0, len(begins), 4 * abreast):
            yield from pool.map(grow, begins[first : first + 4 * abreast])


def _by_search(metric: Metric, starts: tuple[Ints, Ints, Floats]) -> tuple[Ints, Ranks, Floats]:
    source, node, cost = starts
    there = np.flatnonzero(np.isfinite(cost))
    order = there[np.argsort(source[there], kind="stable")]
    return source[order], metric.order.rank[node[order]], cost[order]


def _what_to_sweep(metric: Metric, nodes: Ints | None) -> _Swept:
    order = metric.order
    if nodes is not None:
        targets = order.rank[nodes]
        ranks = kernels.closure(targets, order.parent)
        if len(ranks) < _FEW * order.n_nodes:
            row = np.full(order.n_nodes, -1, dtype=np.int32)
            row[ranks] = np.arange(len(ranks), dtype=np.int32)
            down = Arcs(*kernels.part(ranks, row, *metric.down))
            return _Swept(row, down, row[targets].astype(np.int64), whole=False)
    row = np.arange(order.n_nodes, dtype=np.int32)
    targets = order.rank if nodes is None else order.rank[nodes]
    return _Swept(row, metric.down, targets.astype(np.int64), whole=True)


def _batch(
    metric: Metric,
    swept: _Swept,
    node: Ranks,
    cost: Floats,
    edges: Ints,
    limit: float,
    begin: int,
) -> tuple[Ints, Floats]:
    """Grow the trees of up to `LANES` searches."""
    order = metric.order
    searches = np.arange(begin, min(begin + kernels.LANES, len(edges) - 1))
    first = edges[begin : begin + kernels.LANES + 1]
    values = np.full((len(swept.down.start) - 1, kernels.LANES), np.inf)
    least, stamp, found = _scratch(order.n_nodes)
    scratch = least, stamp, found
    kernels.climb(first, node, cost, order.parent, *metric.up, swept.row, values, *scratch)
    if swept.whole and np.isfinite(limit):
        near = (stamp > 0).astype(np.uint8)
        kernels.sweep_within(*swept.down, order.begin, order.upper, order.size, limit, values, near)
    else:
        kernels.sweep(*swept.down, values)
    return searches, np.ascontiguousarray(values[swept.targets, : len(searches)].T)


def _scratch(n: int) -> tuple[Floats, Ranks, Ranks]:
    return np.full(n, np.inf), np.zeros(n, dtype=np.int32), np.empty(n, dtype=np.int32)


def nearest_tree(
    metric: Metric, starts: tuple[Ints, Ints, Floats], *, limit: float
) -> tuple[Floats, Ints]:
    """Grow one tree from all seeds together.

    Returns
    -------
    packed
        float64 (n_nodes).
    search
        int64 (n_nodes): the nearest; of equally near ones the first; -1 where there is no path.
    """
    order = metric.order
    source, node, cost = _by_search(metric, starts)
    values, labels = np.full(order.n_nodes, np.inf), np.full(order.n_nodes, -1, dtype=np.int32)
    near = np.zeros(order.n_nodes, dtype=np.uint8)
    kernels.nearest(
        node,
        cost,
        source.astype(np.int32),
        order.parent,
        tuple(metric.up),
        tuple(metric.down),
        order.begin,
        order.upper,
        order.size,
        limit,
        values,
        labels,
        near,
    )
    return values[order.rank], labels[order.rank].astype(np.int64)
