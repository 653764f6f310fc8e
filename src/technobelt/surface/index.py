"""Cells of a network tied tile by tile, when they are first asked for, and remembered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from technobelt.rasters import Grid
from technobelt.surface.cells import Surface, surface_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.surface.positions import Positions

    Floats = NDArray[np.float64]
    _Tile = tuple[NDArray[np.int32], Floats]

__all__ = ["cells_of"]

#: Cells along the side of a tile.
_SIDE = 256
#: Tiles remembered of one index: at 12 bytes a cell some 100 MB.
_MOST_TILES = 128


def cells_of(
    network: Network, positions: Positions, grid: Grid, *, max_access_m: float = 1000.0
) -> Surface:
    """Tie the cells of a grid to road positions, as `surface_of` does; what is known is kept.

    Parameters
    ----------
    network
        The roads, with their barriers.
    positions
        From `road_positions`.
    grid
        In the network's CRS, its edges at multiples of the cell's side, as `grid_over` makes it.
    max_access_m
        Longest access leg, m.
    """
    return _index(network, positions, grid.cell_m, max_access_m).surface(grid)


@lru_cache(maxsize=6)
def _index(
    network: Network, positions: Positions, cell_m: float, max_access_m: float
) -> _CellIndex:
    return _CellIndex(network, positions, cell_m, max_access_m)


class _CellIndex:
    """The cells of one size, by tiles whose corners lie at multiples of their side."""

    def __init__(
        self, network: Network, positions: Positions, cell_m: float, max_access_m: float
    ) -> None:
        self.network, self.positions = network, positions
        self.cell_m, self.max_access_m = cell_m, max_access_m
        self.tiles: dict[tuple[int, int], _Tile] = {}

    def surface(self, grid: Grid) -> Surface:
        """Return the cells of a grid."""
        position = np.full(grid.shape, -1, dtype=np.int32)
        access = np.zeros(grid.shape)
        top, left = round(grid.top / self.cell_m), round(grid.left / self.cell_m)
        rows = range((top - grid.rows) // _SIDE, (top - 1) // _SIDE + 1)
        columns = range(left // _SIDE, (left + grid.columns - 1) // _SIDE + 1)
        tiles = [(row, column) for row in rows for column in columns]
        for tile, known in zip(tiles, self._known(tiles), strict=True):
            self._paste(grid, (top, left), tile, known, position, access)
        cell = np.flatnonzero(position >= 0)
        flat = position.ravel()[cell].astype(np.int64)
        return Surface(grid, self.positions, cell, flat, access.ravel()[cell])

    def _known(self, tiles: list[tuple[int, int]]) -> list[_Tile]:
        """Return tiles; those that are new are tied on several cores."""
        held = {tile: self.tiles.get(tile) for tile in tiles}  # another thread may drop some
        new = [tile for tile, one in held.items() if one is None]
        with ThreadPoolExecutor() as pool:
            found = dict(zip(new, pool.map(self._tied, new), strict=True))
        self.tiles.update(found)
        for oldest in list(self.tiles)[: max(0, len(self.tiles) - _MOST_TILES)]:
            self.tiles.pop(oldest, None)
        return [held[tile] or found[tile] for tile in tiles]

    def _paste(
        self,
        grid: Grid,
        corner: tuple[int, int],
        tile: tuple[int, int],
        known: _Tile,
        position: NDArray[np.int32],
        access: Floats,
    ) -> None:
        """Copy what a tile and a grid have in common; rows count downward from `corner`."""
        down, right = corner[0] - (tile[0] + 1) * _SIDE, tile[1] * _SIDE - corner[1]
        first, end = max(down, 0), min(down + _SIDE, grid.rows)
        begin, stop = max(right, 0), min(right + _SIDE, grid.columns)
        theirs = np.s_[first - down : end - down, begin - right : stop - right]
        position[first:end, begin:stop] = known[0][theirs]
        access[first:end, begin:stop] = known[1][theirs]

    def _tied(self, tile: tuple[int, int]) -> _Tile:
        """Tie the cells of a tile, with as much around it as a leg may cross."""
        row, column = tile
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
        position = np.full(around.shape, -1, dtype=np.int32)
        access = np.zeros(around.shape)
        position.ravel()[found.cell] = found.position
        access.ravel()[found.cell] = found.access_m
        return position[pad:-pad, pad:-pad].copy(), access[pad:-pad, pad:-pad].copy()
