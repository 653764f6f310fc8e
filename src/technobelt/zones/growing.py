"""Sites grown from seeds, cell by cell, the best neighbour first.

Parameterised region growing after Brookes (1997), *A parameterized region-growing programme for
site allocation on raster suitability maps*, International Journal of Geographical Information
Science 11: a cell's worth is its suitability, mixed with how near it lies to the seed, so that
sites are compact. Whatever is cut off the end of a site's cells, the rest is of one piece.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["Growth", "best_site", "grow", "seeds_of"]

#: Seeds that are tried for a site where no core says where it begins.
_TRIED = 12


@dataclass(frozen=True)
class Growth:
    """How sites grow.

    Attributes
    ----------
    cells_max
        Most cells.
    compactness
        Weight of nearness to the seed beside the score, 0 to below 1.
    contiguous
        Whether in one piece.
    reach
        How far from the seed a cell may lie, cells.
    """

    cells_max: int
    compactness: float
    contiguous: bool = True
    reach: float = np.inf


def grow(score: Floats, free: Mask, units: Ints, seed: int, how: Growth) -> Ints:
    """Grow one site from a seed.

    Parameters
    ----------
    score
        float64 (rows, columns), known where land is free.
    free
        bool (rows, columns): land that may be taken.
    units
        int64 (rows, columns): which unit (a complex) each cell is of, -1 for none. A unit is taken
        whole as soon as one of its cells is. One for which no room is left is passed over, unless
        nothing else is left either; one larger than the cap is taken cell by cell.
    seed
        Number of the first cell, row by row; it must be free.
    how
        Most cells, compactness, contiguity.

    Returns
    -------
    numpy.ndarray
        int64: numbers of the cells, in the order of being taken.

    Examples
    --------
    >>> score = np.array([[0.1, 0.9, 0.8, 0.2, 0.9]])
    >>> free, units = np.ones((1, 5), dtype=bool), np.full((1, 5), -1)
    >>> grow(score, free, units, 1, Growth(3, 0.0)).tolist()
    [1, 2, 3]
    >>> grow(score, free, units, 1, Growth(3, 0.0, contiguous=False)).tolist()
    [1, 4, 2]
    """
    if not how.contiguous:
        cells = np.flatnonzero(free)
        cells = cells[_apart(cells, seed, score.shape[1]) <= how.reach]
        worth = _worth(score.ravel()[cells], cells, seed, score.shape[1], how)
        first = cells[np.argsort(-worth, kind="stable")]
        return np.concatenate([[seed], first[first != seed]])[: how.cells_max]
    return _grown(score, free, units.ravel(), seed, how)


def _worth(score: Floats, cells: Ints, seed: int, columns: int, how: Growth) -> Floats:
    """Mix suitability with nearness to the seed: 1 there, 0 at twice the radius of a round site."""
    reach = max(2 * np.sqrt(how.cells_max / np.pi), 1.0)
    near = np.clip(1 - _apart(cells, seed, columns) / reach, 0, 1)
    return np.asarray((1 - how.compactness) * score + how.compactness * near)


def _apart(cells: Ints, seed: int, columns: int) -> Floats:
    """Return how far cells lie from the seed, cells."""
    dy, dx = cells // columns - seed // columns, cells % columns - seed % columns
    return np.asarray(np.hypot(dy, dx))


def _grown(score: Floats, free: Mask, units: Ints, seed: int, how: Growth) -> Ints:
    site = _Site(score.ravel(), free.ravel().copy(), units.ravel(), free.shape[1], seed, how)
    site.push(seed)
    while site.edge and site.room:
        site.take_next()
    site.units = np.full_like(site.units, -1)  # nothing else is left: better a part than no land
    site.edge = site.put_off
    while site.edge and site.room:
        site.take_next()
    return np.array(site.taken, dtype=np.int64)


@dataclass(eq=False)
class _Site:
    """A site while it grows.

    ``edge`` is a heap of the cells beside it, the best first; ``put_off`` holds those of units that
    would fit under the cap but not beside what is there; ``cut`` are units larger than the cap.
    """

    score: Floats
    open_: Mask
    units: Ints
    columns: int
    seed: int
    how: Growth
    taken: list[int] = field(default_factory=list)
    edge: list[tuple[float, int]] = field(default_factory=list)
    put_off: list[tuple[float, int]] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    cut: set[int] = field(default_factory=set)

    @property
    def room(self) -> int:
        """How many cells may still be taken."""
        return self.how.cells_max - len(self.taken)

    def push(self, cell: int) -> None:
        """Let a cell wait for its turn."""
        self.waiting.add(cell)
        at = np.array([cell])
        if _apart(at, self.seed, self.columns)[0] > self.how.reach:
            self.open_[cell] = False
            return
        worth = _worth(self.score[at], at, self.seed, self.columns, self.how)[0]
        heapq.heappush(self.edge, (-float(worth), cell))

    def take_next(self) -> None:
        """Take the best cell beside the site, with its whole unit if that fits."""
        first = heapq.heappop(self.edge)
        if not self.open_[first[1]]:
            return
        batch = self._batch(first[1])
        if not batch:
            heapq.heappush(self.put_off, first)
        for cell in batch:
            self.open_[cell] = False
            self.taken.append(cell)
            for beside in _beside(cell, self.columns, len(self.open_)):
                if self.open_[beside] and beside not in self.waiting:
                    self.push(beside)

    def _batch(self, cell: int) -> list[int]:
        """Return the cells that are taken with one; none if its unit is put off."""
        unit = int(self.units[cell])
        if unit < 0 or unit in self.cut:
            return [cell]
        whole = self._flooded(cell)
        if len(whole) > self.how.cells_max:
            self.cut.add(unit)
            return [cell]
        return whole if len(whole) <= self.room else []

    def _flooded(self, start: int) -> list[int]:
        """Return the free cells of a unit around one of them, no more than show it over the cap.

        Each but the first lies beside one before it, so that no beginning falls apart.
        """
        seen, order = {start}, [start]
        for cell in order:
            for beside in _beside(cell, self.columns, len(self.open_)):
                mine = self.open_[beside] and self.units[beside] == self.units[start]
                if mine and beside not in seen:
                    seen.add(beside)
                    order.append(beside)
            if len(order) > self.how.cells_max:
                break
        return order


def _beside(cell: int, columns: int, n: int) -> list[int]:
    """Return the cells that share a side."""
    beside = []
    column = cell % columns
    if cell >= columns:
        beside.append(cell - columns)
    if column:
        beside.append(cell - 1)
    if column < columns - 1:
        beside.append(cell + 1)
    if cell + columns < n:
        beside.append(cell + columns)
    return beside


def best_site(score: Floats, free: Mask, units: Ints, how: Growth) -> Ints:
    """Grow a site from each of the most promising seeds, and return the one of the largest sum.

    Parameters
    ----------
    score, free, units, how
        As for `grow`.

    Returns
    -------
    numpy.ndarray
        int64: its cells in the order of being taken; none where no land is free.
    """
    best, best_sum = np.zeros(0, dtype=np.int64), -1.0
    flat = score.ravel()
    for seed in seeds_of(score, free, how.cells_max):
        cells = grow(score, free, units, seed, how)
        total = float(flat[cells].sum())
        if total > best_sum:
            best, best_sum = cells, total
    return best


def seeds_of(score: Floats, free: Mask, cells_max: int) -> list[int]:
    """Return the free cells around which a round site would hold most, best first, well apart.

    Examples
    --------
    >>> score = np.array([[0.1, 0.2, 0.9, 0.9, 0.9, 0.1, 0.1, 0.8]])
    >>> seeds_of(score, score > 0, 3)[0]
    3
    """
    radius = max(1, round(np.sqrt(cells_max / np.pi)))
    held = np.where(free, score, 0.0)
    around = ndimage.gaussian_filter(held, radius / 2, mode="constant", truncate=2.0)
    around = np.where(free, around, -1.0)
    seeds: list[int] = []
    while len(seeds) < _TRIED:
        seed = int(np.argmax(around))
        row, column = divmod(seed, score.shape[1])
        if around[row, column] < 0:  # nothing is free any more; land of score 0 is
            break
        seeds.append(seed)
        top, left = max(0, row - radius), max(0, column - radius)
        around[top : row + radius + 1, left : column + radius + 1] = -1.0
    return seeds
