"""Cells of a grid tied to road positions.

Each cell belongs to the nearest position that it can reach without crossing water or a motorway, so
that a place across the river is served by its own bank's roads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy import ndimage
from scipy.spatial import cKDTree

from technobelt.network.ties import legs_cross
from technobelt.rasters import covered, touched
from technobelt.surface.positions import EVERY, Positions, near_positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.rasters import Grid
    from technobelt.travel_time import Model

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["Surface", "surface_of"]

#: How many positions are tried where the nearest lies across a barrier.
_TRIES = 8
_HALF_DIAGONAL = 0.7072


@dataclass(frozen=True, eq=False)
class Surface:
    """A grid whose cells are tied to road positions.

    Attributes
    ----------
    grid
        The cells.
    positions
        The road positions in use.
    cell
        int64 (k): cells that are tied, ascending, numbered row by row.
    position
        int64 (k): the position that serves each.
    access_m
        float64 (k): distance between the two.
    """

    grid: Grid
    positions: Positions
    cell: Ints
    position: Ints
    access_m: Floats

    def compact(self) -> Surface:
        """Return the surface with none but the positions that serve its cells."""
        used, number = np.unique(self.position, return_inverse=True)
        ties = self.positions.ties
        kept = ties.take(np.isin(ties.point, used))
        ties = replace(kept, point=np.searchsorted(used, kept.point), n=len(used))
        xy = self.positions.xy[used]
        return replace(self, positions=Positions(ties, xy, cKDTree(xy)), position=number)

    def minutes(self, model: Model, position_s: Floats) -> Floats:
        """Return minutes for every cell, float64 (rows, columns), infinite where it is untied.

        Parameters
        ----------
        model
            For the speed of access legs.
        position_s
            float64: seconds for each road position.
        """
        out = np.full(self.grid.rows * self.grid.columns, np.inf)
        out[self.cell] = (position_s[self.position] + self.access_m / model.costs.access_mps) / 60
        return out.reshape(self.grid.shape)


def surface_of(
    network: Network,
    positions: Positions,
    grid: Grid,
    *,
    max_access_m: float = 1000.0,
    cells: Mask | None = None,
) -> Surface:
    """Tie the cells of a grid to road positions.

    Parameters
    ----------
    network
        The roads, with their barriers.
    positions
        From `road_positions`.
    grid
        In the network's CRS.
    max_access_m
        Longest access leg, m.
    cells
        bool (rows, columns): the cells of interest; all by default.
    """
    asked = np.arange(grid.rows * grid.columns) if cells is None else np.flatnonzero(cells)
    centre = grid.centres[asked]
    found = near_positions(positions.tree, centre, 1, max_access_m)
    access, position = found[0][:, 0], found[1][:, 0]
    # generalised water may cover a road on its bank: a cell with a road in it is no water
    water = covered(_on(grid, network.barrier_tree, network.barriers), grid)
    dry = ~water.ravel()[asked] | (access <= grid.cell_m * _HALF_DIAGONAL)
    tied = dry & np.isfinite(access)
    cell, centre, access, position = asked[tied], centre[tied], access[tied], position[tied]
    near_wall = _distance_to_walls(network, grid).ravel()[cell] < access
    check = np.flatnonzero(near_wall)
    crossed = legs_cross(network, centre[check], positions.xy[position[check]])
    stuck = check[crossed]
    new_position, new_access = _own_side(network, positions, centre[stuck], max_access_m)
    position[stuck], access[stuck] = new_position, new_access
    keep = np.isfinite(access)
    return Surface(grid, positions, cell[keep], position[keep].astype(np.int64), access[keep])


def _on(grid: Grid, tree: shapely.STRtree, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the shapes that reach onto a grid."""
    return shapes[np.sort(tree.query(shapely.box(*grid.bounds)))]


def _distance_to_walls(network: Network, grid: Grid) -> Floats:
    """Return how far each cell's centre lies from the next barrier at least, m."""
    walls = [
        *_on(grid, network.barrier_tree, network.barriers),
        *_on(grid, network.motorway_tree, network.motorways),
    ]
    if not walls:
        return np.full(grid.shape, np.inf)
    distance: Floats = ndimage.distance_transform_edt(~touched(walls, grid)) * grid.cell_m
    return distance - grid.cell_m * _HALF_DIAGONAL


def _own_side(
    network: Network, positions: Positions, centre: Floats, max_access_m: float
) -> tuple[Ints, Floats]:
    """Find the nearest position that is not across a barrier; infinite access where none is."""
    if not len(centre):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    k = min(_TRIES, positions.sparse.n)
    access, position = near_positions(positions.sparse, centre, k, max_access_m)
    position = np.minimum(position * EVERY, len(positions.xy) - 1)
    best = np.zeros(len(centre), dtype=np.int64)
    best_access = np.full(len(centre), np.inf)
    for rank in range(k):
        open_ = np.flatnonzero(np.isinf(best_access) & np.isfinite(access[:, rank]))
        if not len(open_):
            break
        end = positions.xy[position[open_, rank]]
        free = ~legs_cross(network, centre[open_], end)
        best[open_[free]] = position[open_[free], rank]
        best_access[open_[free]] = access[open_[free], rank]
    return best, best_access
