"""Cells of a network tied tile by tile, when they are first asked for, and remembered.

With a tile the ways to its cells are kept, cell after cell: minutes are then worked out in the
order in which memory is read.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from technobelt.rasters import Grid
from technobelt.surface.cells import surface_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.surface.positions import Positions
    from technobelt.surface.times import Reached, Ways
    from technobelt.travel_time import Model

    Floats = NDArray[np.float64]
    Part = tuple[slice, slice]

__all__ = ["Cells", "cells_of"]

#: Cells along the side of a tile.
_SIDE = 128
#: Tiles remembered of cells of one size, at 12 bytes a cell some 100 MB; and tiles whose ways are
#: laid out, of all sizes together, at 24 bytes 200 MB.
_MOST_TILES = 512
#: By ways to all positions, those to the cells of tiles; they go with the former.
_layouts: WeakKeyDictionary[Ways, dict[_Tile, Ways]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class _Tile:
    """Cells in rows and columns: the number of the position that serves each, and its distance.

    The distance is infinite where there is none.
    """

    position: NDArray[np.int32]
    access_m: Floats


@lru_cache(maxsize=16)
def cells_of(
    network: Network, positions: Positions, cell_m: float, max_access_m: float = 1000.0
) -> Cells:
    """Return the cells of one size, tied to road positions as `surface_of` does.

    Parameters
    ----------
    network
        The roads, with their barriers.
    positions
        From `road_positions`.
    cell_m
        Their side, m; edges lie at multiples of it, as `grid_over` has them.
    max_access_m
        Longest access leg, m.
    """
    return Cells(network, positions, cell_m, max_access_m)


class Cells:
    """The cells of one size, by tiles whose corners lie at multiples of their side."""

    def __init__(
        self, network: Network, positions: Positions, cell_m: float, max_access_m: float
    ) -> None:
        self.network, self.positions = network, positions
        self.cell_m, self.max_access_m = cell_m, max_access_m
        self.tiles: dict[tuple[int, int], _Tile] = {}

    def minutes(self, reached: Reached, grid: Grid) -> Floats:
        """Return minutes for every cell of a grid, infinite where it is untied or out of reach.

        Parameters
        ----------
        reached
            By a search, from `reached` or `first_reached`.
        grid
            Of cells of this size, its edges at multiples of it.

        Returns
        -------
        numpy.ndarray
            float64 (rows, columns).
        """

        def seconds(tile: _Tile, part: Part) -> Floats:
            ways = _laid_out(tile, reached.ways)
            return reached.by(ways.part(*part), tile.position[part])

        return self._minutes(grid, reached.model, seconds)

    def minutes_by(self, position_s: Floats, model: Model, grid: Grid) -> Floats:
        """Return minutes as `minutes` does, by the seconds of all road positions, float64 (n)."""
        return self._minutes(grid, model, lambda tile, part: position_s.take(tile.position[part]))

    def _minutes(
        self, grid: Grid, model: Model, seconds: Callable[[_Tile, Part], Floats]
    ) -> Floats:
        out = np.full(grid.shape, np.inf)
        if not len(self.positions.xy):
            return out
        for where, tile, part in self._pieces(grid):
            access_s = tile.access_m[part] / model.costs.access_mps
            out[where] = (seconds(tile, part) + access_s) / 60
        return out

    def _pieces(self, grid: Grid) -> Iterator[tuple[Part, _Tile, Part]]:
        """Yield the parts of a grid, each with a tile and the part of it that it is."""
        top, left = round(grid.top / self.cell_m), round(grid.left / self.cell_m)
        rows = range((top - grid.rows) // _SIDE, (top - 1) // _SIDE + 1)
        columns = range(left // _SIDE, (left + grid.columns - 1) // _SIDE + 1)
        numbers = [(row, column) for row in rows for column in columns]
        for (row, column), tile in zip(numbers, self._known(numbers), strict=True):
            down, right = top - (row + 1) * _SIDE, column * _SIDE - left
            first, end = max(down, 0), min(down + _SIDE, grid.rows)
            begin, stop = max(right, 0), min(right + _SIDE, grid.columns)
            part = np.s_[first - down : end - down, begin - right : stop - right]
            yield np.s_[first:end, begin:stop], tile, part

    def _known(self, numbers: list[tuple[int, int]]) -> list[_Tile]:
        """Return tiles; those that are new are tied on several cores."""
        held = {number: self.tiles.get(number) for number in numbers}  # threads may drop some
        new = [number for number, tile in held.items() if tile is None]
        if new:
            with ThreadPoolExecutor() as pool:
                found = dict(zip(new, pool.map(self._tied, new), strict=True))
            self.tiles.update(found)
            for oldest in list(self.tiles)[: max(0, len(self.tiles) - _MOST_TILES)]:
                self.tiles.pop(oldest, None)
            held |= found
        return [tile for tile in held.values() if tile is not None]

    def _tied(self, number: tuple[int, int]) -> _Tile:
        """Tie the cells of a tile, with as much around it as a leg may cross."""
        row, column = number
        pad = int(np.ceil(self.max_access_m / self.cell_m))
        side, m = _SIDE + 2 * pad, self.cell_m
        around = Grid((column * _SIDE - pad) * m, ((row + 1) * _SIDE + pad) * m, m, side, side)
        inner = np.zeros(around.shape, dtype=bool)
        inner[pad:-pad, pad:-pad] = True
        found = surface_of(
            self.network,
            self.positions,
            around,
            max_access_m=self.max_access_m,
            cells=inner,
        )
        position = np.zeros(around.shape, dtype=np.int32)
        access = np.full(around.shape, np.inf)
        position.ravel()[found.cell] = found.position
        access.ravel()[found.cell] = found.access_m
        return _Tile(position[pad:-pad, pad:-pad].copy(), access[pad:-pad, pad:-pad].copy())


def _laid_out(tile: _Tile, ways: Ways) -> Ways:
    """Return the ways to the cells of a tile; the last ones are kept."""
    known = _layouts.setdefault(ways, {})
    laid = known.pop(tile, None) or ways.taken(tile.position)
    known[tile] = laid
    others = [held for held in list(_layouts.values()) if held is not known]
    excess = sum(map(len, (*others, known))) - _MOST_TILES
    for held in (*others, known):
        for oldest in list(held)[: max(0, excess)]:
            held.pop(oldest, None)
            excess -= 1
    return laid
