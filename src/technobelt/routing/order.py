"""The order in which nodes are eliminated: made of the roads' topology alone, once for all weights.

Nested dissection by METIS, or by level sets where pymetis is not installed; then the chordal
supergraph by symbolic elimination (Dibbelt, Strasser and Wagner 2016).
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.errors import OutputError
from technobelt.writing import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Ints = NDArray[np.int32]
    Longs = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["Order", "Topology", "is_ordered", "make_order", "order_of", "read_order"]

_log = logging.getLogger(__name__)
#: Of the file of an order; another one is made anew.
_VERSION = 1
#: Below this many nodes an order is made faster than it is read.
_KEPT_FROM = 50_000
#: Parts of so few nodes are not dissected further.
_SMALLEST = 8
#: Pieces of about one size into which the ranks are cut for several cores.
_STRETCHES = 8
#: Orders held in memory: of the network at hand, and of the scenarios beside it.
_REMEMBERED = 4


class Topology:
    """Which arcs there are, whatever they cost.

    Attributes
    ----------
    tail, head
        int32 (m): nodes of each arc.
    n_nodes
        Number of nodes.
    file
        Where its order is kept; None for nowhere.
    """

    def __init__(self, tail: Ints, head: Ints, n_nodes: int, file: Path | None = None) -> None:
        self.tail, self.head, self.n_nodes, self.file = tail, head, n_nodes, file
        digest = hashlib.sha256(f"{n_nodes} {len(tail)} ".encode())
        digest.update(np.ascontiguousarray(tail, np.int32).tobytes())
        digest.update(np.ascontiguousarray(head, np.int32).tobytes())
        self.key = digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        """Compare by content."""
        return isinstance(other, Topology) and self.key == other.key

    def __hash__(self) -> int:
        """Hash the content."""
        return hash(self.key)


@dataclass(frozen=True, eq=False)
class Order:
    """An elimination order and its chordal supergraph.

    Attributes
    ----------
    rank
        int32 (n): when each node is eliminated.
    parent, size
        int32 (n), by rank: parent in the elimination tree, -1 for roots, and nodes of the subtree,
        which are the ranks up to its root's.
    begin, upper
        int64 (n + 1), int32 (k): upper neighbours of each rank, sorted.
    slot
        int32 (m): where each arc of the topology stands in `upper`; -1 for loops.
    rises
        bool (m): whether it leads to the higher rank.
    key
        Of the topology.
    """

    rank: Ints
    parent: Ints
    size: Ints
    begin: Longs
    upper: Ints
    slot: Ints
    rises: Mask
    key: str

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.rank)

    @cached_property
    def top(self) -> Ints:
        """int32 (t): ranks whose subtrees are large, from the highest down."""
        return np.flatnonzero(self.size > self._large)[::-1].astype(np.int32)

    @cached_property
    def stretches(self) -> list[tuple[int, int]]:
        """Ranks from, to: pieces that need no more than themselves and the top to be settled."""
        above = np.where(self.parent < 0, self.n_nodes, self.size[self.parent])
        ends = np.flatnonzero((self.size <= self._large) & (above > self._large)) + 1
        even = np.arange(1, _STRETCHES) * self.n_nodes // _STRETCHES
        inner = ends[np.searchsorted(ends, even).clip(max=len(ends) - 1)] if len(ends) else []
        cuts = np.unique([0, *inner, self.n_nodes])
        return list(pairwise(cuts.tolist()))

    @property
    def _large(self) -> int:
        return self.n_nodes // (2 * _STRETCHES)


#: The last few orders, by topology; made by one thread, while the others wait for it.
_orders: dict[str, Order] = {}
_ordering = Lock()


def order_of(topology: Topology) -> Order:
    """Return the order of a topology: remembered, read from its file, or made and kept there."""
    with _ordering:
        order = _orders.pop(topology.key, None) or read_order(topology)
        if order is None:
            order = make_order(topology)
            if topology.file is not None and order.n_nodes >= _KEPT_FROM:
                _keep(order, topology.file)
        while len(_orders) >= _REMEMBERED:
            _orders.pop(next(iter(_orders)))
        _orders[topology.key] = order
    return order


def is_ordered(topology: Topology) -> bool:
    """Say whether the order need not be made: it is remembered, or kept in a file."""
    held = topology.file is not None and topology.file.is_file()
    return topology.key in _orders or held


def make_order(topology: Topology, *, metis: bool | None = None) -> Order:
    """Find an elimination order.

    Parameters
    ----------
    topology
        The arcs.
    metis
        Whether to use pymetis; by default where it is installed.

    Examples
    --------
    >>> line = Topology(np.arange(3, dtype=np.int32), np.arange(1, 4, dtype=np.int32), 4)
    >>> order = make_order(line)
    >>> sorted(order.rank.tolist()), len(order.upper)
    ([0, 1, 2, 3], 3)
    """
    from technobelt.routing import kernels

    start, neighbour = _adjacency(topology)
    use = importlib.util.find_spec("pymetis") is not None if metis is None else metis
    use &= topology.n_nodes > 0  # METIS crashes on none
    sequence = _by_metis(start, neighbour) if use else kernels.dissect(start, neighbour, _SMALLEST)
    rank = _inverse(sequence)
    tree = kernels.elimination_tree(*_ranked(start, neighbour, rank))
    rank = _inverse(kernels.postorder(tree))[rank]
    begin, upper = kernels.eliminate(*_ranked(start, neighbour, rank))
    return _with_slots(topology, rank, begin, upper)


def _with_slots(topology: Topology, rank: Ints, begin: Longs, upper: Ints) -> Order:
    from technobelt.routing.kernels import slots_of, subtree_sizes

    parent = np.full(topology.n_nodes, -1, dtype=np.int32)
    has = np.diff(begin) > 0
    parent[has] = upper[begin[:-1][has]]
    tail, head = rank[topology.tail], rank[topology.head]
    slot = slots_of(begin, upper, np.minimum(tail, head), np.maximum(tail, head))
    size = subtree_sizes(parent)
    return Order(rank, parent, size, begin, upper, slot, tail < head, topology.key)


def _inverse(sequence: Ints) -> Ints:
    place = np.empty(len(sequence), dtype=np.int32)
    place[sequence] = np.arange(len(sequence), dtype=np.int32)
    return place


def _adjacency(topology: Topology) -> tuple[Ints, Ints]:
    """Return the neighbours of each node, whatever the direction, each once, itself not."""
    from scipy.sparse import csr_array

    n, apart = topology.n_nodes, topology.tail != topology.head
    ends = topology.tail[apart], topology.head[apart]
    both = np.concatenate(ends), np.concatenate(ends[::-1])
    joined = csr_array((np.ones(len(both[0]), dtype=np.int8), both), shape=(n, n))
    joined.sum_duplicates()
    return joined.indptr.astype(np.int32), joined.indices.astype(np.int32)


def _ranked(start: Ints, neighbour: Ints, rank: Ints) -> tuple[Ints, Ints]:
    """Return the neighbours of each rank."""
    sequence = _inverse(rank)
    counts = np.diff(start)[sequence]
    begin = np.zeros(len(start), dtype=np.int32)
    np.cumsum(counts, out=begin[1:])
    source = np.repeat(start[:-1][sequence] - begin[:-1], counts) + np.arange(begin[-1])
    return begin, rank[neighbour[source]]


def _by_metis(start: Ints, neighbour: Ints) -> Ints:
    import pymetis

    sequence, _ = pymetis.nested_dissection(pymetis.CSRAdjacency(start, neighbour))
    return np.asarray(sequence, dtype=np.int32)


# --- kept beside the network ---------------------------------------------------------------------


def read_order(topology: Topology) -> Order | None:
    """Return the order that is kept for a topology; None if there is none, or of other roads."""
    from zipfile import BadZipFile

    file = topology.file
    if file is None or not file.is_file():
        return None
    try:
        with file.open("rb") as stream, np.load(stream) as held:
            if str(held["key"]) != topology.key or int(held["version"]) != _VERSION:
                _log.info("%s is the order of other roads; it is made anew.", file.name)
                return None
            return _with_slots(topology, held["rank"], held["begin"], held["upper"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, BadZipFile) as error:
        _log.warning("%s cannot be read (%s); the order is made anew.", file.name, error)
        return None


def _keep(order: Order, file: Path) -> None:
    """Write an order beside its network, if that can be; it is only ever a shortcut."""
    parts: dict[str, Any] = {"rank": order.rank, "begin": order.begin, "upper": order.upper}
    try:
        with replace_file(file) as scratch, scratch.open("wb") as stream:
            np.savez(stream, key=order.key, version=_VERSION, **parts)
    except OutputError as error:
        _log.info("the order of %s is not kept: %s", file.name, error)
