"""Trees by a customizable contraction hierarchy (Dibbelt, Strasser, Wagner 2016; PHAST, 2011).

A search climbs from its seeds along the elimination tree; one sweep over all nodes, from the
highest rank down, then settles them. `LANES` trees are swept abreast. For few targets only these
and their ancestors are swept; with a limit, subtrees that no way within it can enter are left out.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from technobelt.routing import kernels
from technobelt.routing.metric import Arcs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from technobelt.routing.metric import Metric

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Ranks = NDArray[np.int32]

__all__ = ["nearest_tree", "one_tree", "ranked", "trees"]

#: If fewer of all nodes than this share need be swept for the targets, only they are.
_FEW = 0.7
#: Fewer trees than these are grown one by one.
_FEW_TREES = 7
#: Values of the sweeps that go on at once, at most: bounds the memory.
_MOST_VALUES = 60_000_000
#: Fewer values than these are swept sooner than threads are started.
_WORTH_THREADS = 2_000_000
#: A single tree of fewer nodes than these is settled by one core.
_WORTH_STRETCHES = 300_000
_CORES = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


class _Rows(NamedTuple):
    """What a sweep goes over: the rows of the nodes, and the arcs down to them."""

    row: Ranks
    down: Arcs
    whole: bool


class _Scratch(NamedTuple):
    """What a batch works on; it is used again by the next."""

    values: Floats
    least: Floats
    stamp: Ranks
    found: Ranks


@dataclass(frozen=True)
class _Searches:
    """Seeds by search: those of search `i` stand from ``edges[i]`` on."""

    node: Ranks
    cost: Floats
    edges: Ints


def trees(
    metric: Metric,
    starts: tuple[Ints, Ints, Floats],
    n: int,
    *,
    limit: float = np.inf,
    nodes: Ints | None = None,
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
    if n < _FEW_TREES and nodes is None:
        yield from _one_by_one(metric, starts, n, limit)
        return
    rows, targets = _what_to_sweep(metric, nodes)
    searches = _by_search(metric, starts, n)

    def grow(scratch: _Scratch, begin: int) -> tuple[Ints, Floats]:
        mine = np.arange(begin, min(begin + kernels.LANES, n))
        _sweep(metric, rows, searches, begin, limit, scratch)
        return mine, np.ascontiguousarray(scratch.values[targets, : len(mine)].T)

    yield from _in_turn(grow, metric, rows, n)


def _one_by_one(
    metric: Metric, starts: tuple[Ints, Ints, Floats], n: int, limit: float
) -> Iterator[tuple[Ints, Floats]]:
    """Grow few trees, each for itself: a batch would sweep as many lanes for one as for all."""
    source, node, cost = starts
    for search in range(n):
        mine = source == search
        yield np.array([search]), one_tree(metric, node[mine], cost[mine], limit)[None, :]


def one_tree(metric: Metric, node: Ints, cost: Floats, limit: float = np.inf) -> Floats:
    """Grow one tree; return float64 (n_nodes): packed costs.

    Parameters
    ----------
    metric
        From `make_metric`.
    node, cost
        Its seeds: nodes, packed costs.
    limit
        Packed cost; what lies beyond it may come back infinite.
    """
    order, there = metric.order, np.isfinite(cost)
    values, near = np.full(order.n_nodes, np.inf), np.zeros(order.n_nodes, dtype=np.uint8)
    seeds = order.rank[node[there]], cost[there]
    kernels.climb_one(*seeds, order.parent, *metric.up, values, near)
    if np.isfinite(limit):
        subtrees = order.begin, order.upper, order.size
        kernels.settle_within(metric.down.start, *metric.fall, *subtrees, limit, values, near)
    elif _CORES == 1 or order.n_nodes < _WORTH_STRETCHES:
        kernels.settle(*metric.fall, values)
    else:
        return _by_all_cores(metric, values)
    return values.take(order.rank)


def _by_all_cores(metric: Metric, values: Floats) -> Floats:
    """Settle one tree stretch by stretch, once the top is; return it in the order of nodes."""
    order, start = metric.order, metric.down.start
    packed = np.empty(order.n_nodes)

    def settle(stretch: tuple[int, int]) -> None:
        arcs = slice(*start[list(stretch)])
        kernels.settle(*(part[arcs] for part in metric.fall), values)

    def hand_over(stretch: tuple[int, int]) -> None:
        nodes = slice(*stretch)
        np.take(values, order.rank[nodes], out=packed[nodes], mode="clip")  # else it is buffered

    kernels.settle_nodes(order.top, *metric.down, values)
    with ThreadPoolExecutor(_CORES) as pool:
        for step in (settle, hand_over):
            list(pool.map(step, order.stretches))
    return packed


def ranked(
    metric: Metric, starts: tuple[Ints, Ints, Floats], n: int
) -> Iterator[tuple[int, Floats]]:
    """Grow trees and leave them as they are: for what is reduced as it comes.

    Yields
    ------
    search
        The first of up to `LANES` searches.
    values
        float64 (n_nodes, LANES): packed costs by rank; used again for the next.
    """
    rows, _ = _what_to_sweep(metric, None)
    searches = _by_search(metric, starts, n)
    scratch = _new_scratch(metric, rows)
    for begin in range(0, n, kernels.LANES):
        _sweep(metric, rows, searches, begin, np.inf, scratch)
        yield begin, scratch.values


def _in_turn(
    grow: Callable[[_Scratch, int], tuple[Ints, Floats]], metric: Metric, rows: _Rows, n: int
) -> Iterator[tuple[Ints, Floats]]:
    """Grow batch after batch, on several cores where there is enough to do; in order."""
    begins = range(0, n, kernels.LANES)
    values = len(rows.down.start) * kernels.LANES
    abreast = min(_CORES, len(begins), _MOST_VALUES // values)
    if abreast * len(begins) * values < 2 * _WORTH_THREADS or abreast == 1:
        scratch = _new_scratch(metric, rows)
        yield from (grow(scratch, begin) for begin in begins)
        return
    free: SimpleQueue[_Scratch] = SimpleQueue()
    for _ in range(abreast):
        free.put(_new_scratch(metric, rows))

    def borrow(begin: int) -> tuple[Ints, Floats]:
        scratch = free.get()
        try:
            return grow(scratch, begin)
        finally:
            free.put(scratch)

    ahead = min(4 * abreast, max(abreast, _MOST_VALUES // values))  # nobody may want them yet
    with ThreadPoolExecutor(abreast) as pool:
        for first in range(0, len(begins), ahead):
            yield from pool.map(borrow, begins[first : first + ahead])


def _new_scratch(metric: Metric, rows: _Rows) -> _Scratch:
    n = metric.order.n_nodes
    return _Scratch(
        np.empty((len(rows.down.start) - 1, kernels.LANES)),
        np.full(n, np.inf),
        np.zeros(n, dtype=np.int32),
        np.empty(n, dtype=np.int32),
    )


def _by_search(metric: Metric, starts: tuple[Ints, Ints, Floats], n: int) -> _Searches:
    source, node, cost = starts
    there = np.flatnonzero(np.isfinite(cost))
    order = there[np.argsort(source[there], kind="stable")]
    edges = np.searchsorted(source[order], np.arange(n + 1))
    return _Searches(metric.order.rank[node[order]], cost[order], edges)


def _what_to_sweep(metric: Metric, nodes: Ints | None) -> tuple[_Rows, NDArray[np.int64]]:
    """Return the rows to sweep, and those of the nodes of interest."""
    order = metric.order
    if nodes is not None:
        targets = order.rank[nodes]
        ranks = kernels.closure(targets, order.parent)
        if len(ranks) < _FEW * order.n_nodes:
            row = np.full(order.n_nodes, -1, dtype=np.int32)
            row[ranks] = np.arange(len(ranks), dtype=np.int32)
            down = Arcs(*kernels.part(ranks, row, *metric.down))
            return _Rows(row, down, whole=False), row[targets].astype(np.int64)
    row = np.arange(order.n_nodes, dtype=np.int32)
    targets = order.rank if nodes is None else order.rank[nodes]
    return _Rows(row, metric.down, whole=True), targets.astype(np.int64)


def _sweep(
    metric: Metric, rows: _Rows, searches: _Searches, begin: int, limit: float, scratch: _Scratch
) -> None:
    """Grow the trees of up to `LANES` searches into ``scratch.values``."""
    order = metric.order
    first = searches.edges[begin : begin + kernels.LANES + 1]
    seeds = first, searches.node, searches.cost
    begun = np.zeros(len(rows.down.start) - 1, dtype=np.uint8)
    values, *rest = scratch
    kernels.climb(*seeds, order.parent, *metric.up, rows.row, values, begun, *rest)
    if rows.whole and np.isfinite(limit):
        tree = order.begin, order.upper, order.size
        kernels.sweep_within(*rows.down, values, begun, *tree, limit)
    else:
        kernels.sweep(*rows.down, values, begun)


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
    source, at, cost = starts
    there = np.isfinite(cost)
    node, cost = order.rank[at[there]], cost[there]
    values, labels = np.full(order.n_nodes, np.inf), np.full(order.n_nodes, -1, dtype=np.int32)
    near = np.zeros(order.n_nodes, dtype=np.uint8)
    kernels.nearest(
        node,
        cost,
        source[there].astype(np.int32),
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
