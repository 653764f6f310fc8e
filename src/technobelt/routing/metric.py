"""An order with the weights of one profile, scenario, date or draw: shortcuts and their costs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.routing.order import Order

    Ints = NDArray[np.int32]
    Unsigned = NDArray[np.uint32]
    Longs = NDArray[np.int64]
    Floats = NDArray[np.float64]

__all__ = ["Arcs", "Metric", "make_metric"]


class Arcs(NamedTuple):
    """Arcs to upper neighbours by rank: where each rank's begin, their other end, their weight."""

    start: Longs
    head: Ints
    weight: Floats


@dataclass(frozen=True, eq=False)
class Metric:
    """Weights of the chordal supergraph.

    Attributes
    ----------
    order
        The supergraph.
    up, down
        Arcs from each rank to higher ones, and from higher ones to it.
    """

    order: Order
    up: Arcs
    down: Arcs

    @cached_property
    def turned(self) -> Metric:
        """The same with every arc turned round: trees grow toward a place."""
        return Metric(self.order, self.down, self.up)

    @cached_property
    def fall(self) -> tuple[Unsigned, Unsigned, Floats]:
        """The arcs down one by one: uint32 ranks, to and from, and float64 weights."""
        ranks = np.arange(self.order.n_nodes, dtype=np.uint32)
        to = np.repeat(ranks, np.diff(self.down.start))
        return to, self.down.head.view(np.uint32), self.down.weight


def make_metric(order: Order, weight: Floats) -> Metric:
    """Customize an order.

    Parameters
    ----------
    order
        Of the arcs' topology.
    weight
        float64 (m): packed costs of the arcs; infinite where closed.

    Examples
    --------
    >>> from technobelt.routing.order import Topology, make_order
    >>> both = np.array([0, 1], dtype=np.int32), np.array([1, 0], dtype=np.int32)
    >>> metric = make_metric(make_order(Topology(*both, 2)), np.array([3.0, np.inf]))
    >>> sorted([float(metric.up.weight[0]), float(metric.down.weight[0])])
    [3.0, inf]
    """
    from technobelt.routing import kernels

    up = np.full(len(order.upper), np.inf)
    down = up.copy()
    kernels.least_of_slots(order.slot, order.rises, weight, up, down)
    kernels.customize(order.begin, order.upper, up, down)
    return Metric(order, Arcs(order.begin, order.upper, up), Arcs(order.begin, order.upper, down))


def pruned(metric: Metric) -> Metric:
    """Drop the arcs that no shortest path needs ("perfect customization").

    It takes as long as customizing; sweeps then go over a third fewer arcs.

    Examples
    --------
    >>> from technobelt.routing.order import Topology, make_order
    >>> both = np.array([0, 1], dtype=np.int32), np.array([1, 0], dtype=np.int32)
    >>> metric = make_metric(make_order(Topology(*both, 2)), np.array([3.0, np.inf]))
    >>> len(pruned(metric).up.weight) + len(pruned(metric).down.weight)
    1
    """
    from technobelt.routing import kernels

    begin, upper = metric.order.begin, metric.order.upper
    least = metric.up.weight.copy(), metric.down.weight.copy()
    kernels.perfect(begin, upper, *least)
    pairs = zip((metric.up.weight, metric.down.weight), least, strict=True)
    return Metric(metric.order, *(Arcs(*kernels.kept(begin, upper, *pair)) for pair in pairs))
