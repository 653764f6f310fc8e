"""Shortest-path trees: seeds in, packed costs out, by whichever engine is the quicker.

Both engines find the same trees. A hierarchy has to be compiled, ordered and customized first:
scipy's Dijkstra is used until its trees have cost as much as that would (rent until you could have
bought), so that nobody waits much longer than if the whole job had been known.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from technobelt.routing import dijkstra
from technobelt.routing.graph import EXACT_BELOW
from technobelt.routing.order import is_ordered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from technobelt.routing.graph import Graph, Seeds

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["arcs_back", "nearest_tree", "trees", "trees_grown", "use_engine"]

#: What the hierarchy costs before its first tree, in nodes that Dijkstra settles in that time:
#: compiling, once after installation; loading what is compiled; ordering a node. Compiling takes
#: longer than this, but other runs gain by it, too.
_COMPILING, _LOADING, _ORDERING = 20_000_000, 4_000_000, 60
#: Trees that customizing takes as long as.
_CUSTOMIZING = 3
_KERNELS = "technobelt.routing.kernels"
#: Of packed costs too large to be exact, the part by which thousands of sums may be off.
_ROUNDED = 2.0**-40
#: By topology, the nodes that Dijkstra's search has settled; by engine, the trees grown.
_settled: Counter[str] = Counter()
_grown: Counter[str] = Counter()
#: The engine that is to answer, if that is not left to what it costs.
_forced: list[str] = []


def trees(
    graph: Graph, seeds: Seeds, *, limit: float = np.inf, nodes: Ints | None = None
) -> Iterator[tuple[Ints, Floats]]:
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
    packed
        float64 (k, n_nodes or t): packed costs from the seeds, infinite where there is no path.
    """
    if not graph.n_nodes or not seeds.n:
        return
    most = _packed_limit(graph, limit)
    if _hierarchy_pays(graph, seeds.n):
        from technobelt.routing import hierarchy

        starts = seeds.source, seeds.node, graph.pack(seeds.first, seeds.second)
        yield from hierarchy.trees(graph.metric(seeds.n), starts, seeds.n, limit=most, nodes=nodes)
    else:
        yield from dijkstra.trees(graph, seeds, limit=most, nodes=nodes)


def nearest_tree(graph: Graph, seeds: Seeds, *, limit: float = np.inf) -> tuple[Floats, Ints]:
    """Grow one tree from all seeds together.

    Returns
    -------
    packed
        float64 (n_nodes): packed costs from the nearest search's seeds.
    search
        int64 (n_nodes): which search that is, -1 where there is no path.
    """
    most = _packed_limit(graph, limit)
    if not graph.n_nodes or not seeds.n:
        nowhere = np.full(graph.n_nodes, np.inf)
        return nowhere, np.full(graph.n_nodes, -1, dtype=np.int64)
    if _hierarchy_pays(graph, 1):
        from technobelt.routing import hierarchy

        starts = seeds.source, seeds.node, graph.pack(seeds.first, seeds.second)
        return hierarchy.nearest_tree(graph.metric(), starts, limit=most)
    return dijkstra.nearest_tree(graph, seeds, limit=most)


def arcs_back(graph: Graph, packed: Floats, node: int, roots: Mapping[int, float]) -> Ints:
    """Return the arcs from the seeds of a tree to a node, in the order in which they are driven.

    Of equal ways the one by the arc of the lower number is taken, and one that begins at a seed
    before one that passes it, so that both engines tell the same way.

    Parameters
    ----------
    graph
        That the tree was grown on.
    packed
        float64 (n_nodes): packed costs of one search, from `trees`.
    node
        Where the path ends.
    roots
        The seeds of the search: node -> packed cost.
    """
    back = graph.turned.rows
    most = _most_rounded(packed[node])
    arcs: list[int] = []
    way, seen = [node], {node}
    while way and roots.get(way[-1], np.inf) > packed[way[-1]] + most:
        here = way[-1]
        row = slice(back.indptr[here], back.indptr[here + 1])
        cost = packed[back.head[row]] + back.weight[row]
        fits = [
            (int(arc), int(before))
            for arc, before, total in zip(back.arc[row], back.head[row], cost, strict=True)
            if total <= packed[here] + most and int(before) not in seen
        ]
        if fits:
            arc, before = min(fits)
            arcs.append(arc)
            way.append(before)
            seen.add(before)
        else:  # the end of arcs that cost nothing: another way back
            way.pop()
            arcs = arcs[:-1]
    found = np.array(arcs, dtype=np.int64)
    return found if graph.toward else found[::-1]


def _most_rounded(packed: float) -> float:
    """Return how far sums in another order may lie apart: where they are exact, not at all."""
    return 0.0 if packed < EXACT_BELOW else float(packed) * _ROUNDED


# --- which engine --------------------------------------------------------------------------------


@contextmanager
def use_engine(name: Literal["scipy", "hierarchy"]) -> Iterator[None]:
    """Let one engine answer whatever it costs: to compare them.

    Examples
    --------
    >>> with use_engine("scipy"):
    ...     pass
    """
    before, _forced[:] = list(_forced), [name]
    try:
        yield
    finally:
        _forced[:] = before


def trees_grown() -> dict[str, int]:
    """Return how many trees each engine has grown in this process."""
    return dict(_grown)


def _hierarchy_pays(graph: Graph, searches: int) -> bool:
    """Say whether to leave Dijkstra's search; note what is grown by which."""
    pays = _is_ready(graph, searches) and (
        graph.has_metric or _own_trees(graph, searches) >= _CUSTOMIZING
    )
    if _forced:
        pays = _forced[-1] == "hierarchy"
    _grown["hierarchy" if pays else "scipy"] += searches
    return pays


def _is_ready(graph: Graph, searches: int) -> bool:
    """Say whether Dijkstra's search has cost as much as making the hierarchy ready would."""
    topology = graph.topology
    price = 0 if _KERNELS in sys.modules else _loading()
    price += 0 if is_ordered(topology) else _ORDERING * graph.n_nodes
    _settled[topology.key] += searches * graph.n_nodes
    return _settled[topology.key] > price


def _loading() -> int:
    """Return what it takes to have the kernels: little where numba keeps them compiled."""
    own = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(own) if own else Path(__file__).with_name("__pycache__")
    return _LOADING if any(folder.rglob("kernels.sweep-*.nbi")) else _COMPILING


def _own_trees(graph: Graph, searches: int) -> int:
    """Count the trees asked of these weights before the hierarchy was there."""
    graph.shared.trees += searches
    return graph.shared.trees


def _packed_limit(graph: Graph, limit: float) -> float:
    return np.inf if np.isinf(limit) else limit / graph.step + 1
