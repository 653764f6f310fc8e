"""An order with the weights of one profile, scenario, date or draw: shortcuts and their costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.routing.order import Order

    Ints = NDArray[np.int32]
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

    @property
    def turned(self) -> Metric:
        """The same with every arc turned round: trees grow toward a place."""
        return Metric(self.order, self.down, self.up)


def make_metric(order: Order, weight: Floats, *, perfect: bool = True) -> Metric:
    """Customize an order.

    Parameters
    ----------
    order
        Of the arcs' topology.
    weight
        float64 (m): packed costs of the arcs; infinite where closed.
    perfect
        Whether to drop the arcs that no shortest path needs: it takes as long again as all else,
        and every tree is a third faster.

    Examples
    --------
    >>> from technobelt.routing.order import Topology, make_order
    >>> both = np.array([0, 1], dtype=np.int32), np.array([1, 0], dtype=np.int32)
    >>> metric = make_metric(make_order(Topology(*both, 2)), np.array([3.0, np.inf]))
    >>> len(metric.up.weight) + len(metric.down.weight)
    1
    """
    from technobelt.routing import kernels

    begin, upper = order.begin, order.upper
    up = np.full(len(upper), np.inf)
    down = up.copy()
    kernels.least_of_slots(order.slot, order.rises, weight, up, down)
    kernels.customize(begin, upper, up, down)
    if not perfect:
        return Metric(order, Arcs(begin, upper, up), Arcs(begin, upper, down))
    least = up.copy(), down.copy()
    kernels.perfect(begin, upper, *least)
    needed = [
        Arcs(*kernels.kept(begin, upper, *pair)) for pair in zip((up, down), least, strict=True)
    ]
    return Metric(order, *needed)
