"""Which cells each zone takes: sites, and the rules that could not be met."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.zones.cores import Core
    from technobelt.zones.unmet import Unmet

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["Allocation", "Site", "without_small"]


@dataclass(frozen=True, eq=False)
class Site:
    """One site of a zone.

    Attributes
    ----------
    cluster
        Its cluster.
    cells
        Its cells, in the order of being taken.
    core
        The institution that the zone lies around.
    units
        The units that it is made of, where borders are followed.
    """

    cluster: str
    cells: Ints
    core: Core | None = None
    units: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Allocation:
    """The cells of all sites, and what to know beside them.

    Attributes
    ----------
    sites
        In the order of being taken.
    unmet
        Rules that could not be met.
    eligible
        bool (rows, columns): the land that any zone might take.
    notes
        What was done that the rules do not say.
    """

    sites: list[Site]
    unmet: list[Unmet] = field(default_factory=list)
    eligible: Mask = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))
    notes: list[str] = field(default_factory=list)

    def mask(self, shape: tuple[int, int]) -> Mask:
        """Return which cells are in a zone, bool (rows, columns)."""
        inside = np.zeros(shape[0] * shape[1], dtype=bool)
        for site in self.sites:
            inside[site.cells] = True
        return inside.reshape(shape)


def without_small(mask: Mask, smallest: float) -> Mask:
    """Leave out parts of fewer cells; cells that meet at a corner only are two parts."""
    part, count = ndimage.label(mask)
    size = np.bincount(part.ravel(), minlength=count + 1)
    large = size >= smallest - 1e-9
    large[0] = False
    return np.asarray(large[part])
