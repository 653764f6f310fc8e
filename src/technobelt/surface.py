"""The travel-time raster: every cell tied to a road position once, answered many times.

Road positions are taken at regular steps along every section where a trip may start. Each cell
belongs to the nearest position that it can reach without crossing water or a motorway, so that a
place across the river is served by its own bank's roads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy import ndimage
from scipy.spatial import cKDTree

from technobelt.network.ties import (
    MEDIAN_M,
    Ties,
    direction_at,
    legs_cross,
    startable,
    tie_points,
)
from technobelt.rasters import Grid, covered, grid_over, write_bands
from technobelt.routing import nearest_tree
from technobelt.travel_time import Model, direct_ways, matrix, model_of, ways_in, ways_out

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.region import Profile

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = [
    "Positions",
    "Surface",
    "nearest_seconds",
    "road_positions",
    "surface_of",
    "travel_time_raster",
]

#: How many positions are tried where the nearest lies across a barrier, of every so many taken:
#: neighbours on one road are mostly across it too.
_TRIES, _EVERY = 8, 6
_HALF_DIAGONAL = 0.7072
#: Cells of a grid for one limit: finer for short trips, which look at less land.
_CELL_M_PER_MINUTE = 10 / 3
_FINEST_M, _COARSEST_M = 50.0, 200.0


@dataclass(frozen=True, eq=False)
class Positions:
    """Positions along the roads, as ties (the other carriageway included), and where they lie."""

    ties: Ties
    xy: Floats
    tree: cKDTree


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


@lru_cache(maxsize=2)  # isochrones and zones of one run ask for the same
def road_positions(network: Network, *, step_m: float = 50.0) -> Positions:
    """Take positions along every section where a trip may start, at most `step_m` apart."""
    usable = np.flatnonzero(startable(network))
    lines = network.lines[usable]
    count = np.maximum(1, np.ceil(shapely.length(lines) / step_m)).astype(np.int64)
    which = np.repeat(np.arange(len(usable)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    fraction = (within + 0.5) / count[which]
    points = shapely.line_interpolate_point(lines[which], fraction, normalized=True)
    xy = shapely.get_coordinates(points)
    own = Ties(
        point=np.arange(len(which), dtype=np.int64),
        section=usable[which].astype(np.int64),
        fraction=fraction,
        side=np.zeros(len(which), dtype=np.int8),
        access_m=np.zeros(len(which)),
        n=len(which),
    )
    return Positions(_with_partners(network, own, xy), xy, cKDTree(xy))


def _with_partners(network: Network, own: Ties, xy: Floats) -> Ties:
    """Give positions on one carriageway a second tie on the other."""
    one_way = np.flatnonzero(network.one_way[own.section])
    if len(one_way) < 2:
        return own
    travel = _travel(network, own.take(one_way))
    tree = cKDTree(xy[one_way])
    distance, near = _nearest(tree, xy[one_way], min(8, len(one_way)), MEDIAN_M)
    there = np.isfinite(distance)
    near = np.where(there, near, 0)
    cosine = (travel[near] * travel[:, None, :]).sum(axis=2)
    opposed = there & (cosine < -0.7)
    found = np.flatnonzero(opposed.any(axis=1))
    first = opposed[found].argmax(axis=1)
    partner, apart = one_way[near[found, first]], distance[found, first]
    mine = one_way[found]
    free = ~legs_cross(network, xy[mine], xy[partner])
    mine, partner, apart = mine[free], partner[free], apart[free]
    point = np.concatenate([own.point, mine])
    order = np.argsort(point, kind="stable")
    return Ties(
        point=point[order],
        section=np.concatenate([own.section, own.section[partner]])[order],
        fraction=np.concatenate([own.fraction, own.fraction[partner]])[order],
        side=np.zeros(len(order), dtype=np.int8),
        access_m=np.concatenate([own.access_m, apart])[order],
        n=own.n,
    )


def _nearest(tree: cKDTree, xy: Floats, k: int, reach_m: float) -> tuple[Floats, Ints]:
    """Return distances and numbers of the k nearest, (n, k); infinite where there are fewer."""
    ranks = list(range(1, k + 1))
    distance, number = tree.query(xy, k=ranks, distance_upper_bound=reach_m, workers=-1)
    return np.asarray(distance), np.asarray(number)


def _travel(network: Network, ties: Ties) -> Floats:
    along = direction_at(network.lines[ties.section], ties.fraction)
    return np.where((network.arcs_of[ties.section, 0] < 0)[:, None], -along, along)


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
    found = _nearest(positions.tree, centre, 1, max_access_m)
    access, position = found[0][:, 0], found[1][:, 0]
    # generalised water may cover a road on its bank: a cell with a road in it is no water
    dry = ~covered(network.barriers, grid).ravel()[asked] | (access <= grid.cell_m * _HALF_DIAGONAL)
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


def _distance_to_walls(network: Network, grid: Grid) -> Floats:
    """Return how far each cell's centre lies from the next barrier at least, m."""
    from rasterio.features import rasterize

    walls = [*network.barriers, *network.motorways]
    if not walls:
        return np.full(grid.shape, np.inf)
    mask = rasterize(
        walls, out_shape=grid.shape, transform=grid.transform, all_touched=True, dtype="uint8"
    )
    distance: Floats = ndimage.distance_transform_edt(mask == 0) * grid.cell_m
    return distance - grid.cell_m * _HALF_DIAGONAL


def _own_side(
    network: Network, positions: Positions, centre: Floats, max_access_m: float
) -> tuple[Ints, Floats]:
    """Find the nearest position that is not across a barrier; infinite access where none is."""
    some = positions.xy[::_EVERY]
    k = min(_TRIES, len(some))
    if not len(centre):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    access, position = _nearest(cKDTree(some), centre, k, max_access_m)
    position = np.minimum(position * _EVERY, len(positions.xy) - 1)
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


def position_seconds(
    model: Model,
    origins: Ties,
    positions: Positions,
    *,
    toward: bool = False,
    max_minutes: float | None = None,
) -> Floats:
    """Return seconds between origins and road positions, float64 (origins.n, positions).

    Parameters
    ----------
    model
        From `model_of`.
    origins
        From `tie_points`.
    positions
        From `road_positions`.
    toward
        Drive from the positions to the origins instead.
    max_minutes
        Longer trips need not be found.
    """
    if toward:
        seconds, _ = matrix(
            model, positions.ties, origins, max_minutes=max_minutes, root="destinations"
        )
        return seconds.T
    return matrix(model, origins, positions.ties, max_minutes=max_minutes)[0]


def travel_time_raster(
    network: Network,
    origins: gpd.GeoDataFrame,
    path: str | Path,
    *,
    profile: str | Profile = "free_flow",
    toward: bool = False,
    max_minutes: float = 90.0,
    max_access_m: float = 1000.0,
    cell_m: float | None = None,
) -> Path:
    """Write minutes between each cell and the nearest origin as a GeoTIFF.

    Parameters
    ----------
    network
        The roads; the raster is in their CRS.
    origins
        Points in any CRS.
    path
        The ``.tif``, replaced whole or not at all.
    profile, toward, max_access_m, cell_m
        As in `technobelt.isochrones`.
    max_minutes
        Cells farther than this are left without a value.

    Returns
    -------
    pathlib.Path
        Cloud-optimised GeoTIFF, float32 minutes, NaN where unreached.
    """
    model = model_of(network, profile)
    ties = tie_points(network, origins, max_access_m=max_access_m, what="origins")
    positions = road_positions(network)
    seconds = position_seconds(model, ties, positions, toward=toward, max_minutes=max_minutes)
    nearest = seconds.min(axis=0)
    grid = grid_for(positions, nearest, max_minutes, max_access_m=max_access_m, cell_m=cell_m)
    surface = surface_of(network, positions, grid, max_access_m=max_access_m)
    minutes = surface.minutes(model, nearest)
    minutes[minutes > max_minutes] = np.inf
    return write_bands(path, grid, network.crs, {"time_min": minutes}, units={"time_min": "min"})


def grid_for(
    positions: Positions,
    seconds: Floats,
    limit_min: float,
    *,
    max_access_m: float,
    cell_m: float | None,
) -> Grid:
    """Return the grid over all road positions within a limit; finer for shorter limits."""
    side = cell_m or float(np.clip(limit_min * _CELL_M_PER_MINUTE, _FINEST_M, _COARSEST_M))
    within = positions.xy[seconds <= limit_min * 60]
    if not len(within):
        return Grid(0.0, 0.0, side, 1, 1)
    west, south = within.min(axis=0) - max_access_m - side
    east, north = within.max(axis=0) + max_access_m + side
    return grid_over((west, south, east, north), side)


def nearest_seconds(model: Model, places: Ties, positions: Ties, *, toward: bool = False) -> Floats:
    """Return seconds between each road position and the nearest of some places.

    One tree is grown for all places together.

    Parameters
    ----------
    model
        From `model_of`.
    places, positions
        From `tie_points`, or the ties of `road_positions`.
    toward
        Drive from the positions to the places instead.

    Returns
    -------
    numpy.ndarray
        float64 (positions.n), infinite where there is no way.
    """
    graph = model.graph.turned if toward else model.graph
    roots = ways_in(model, places) if toward else ways_out(model, places)
    ends = ways_out(model, positions) if toward else ways_in(model, positions)
    reached, _ = nearest_tree(graph, roots.seeds())
    sums = reached[ends.node] + graph.pack(ends.first, ends.second)
    packed = np.full(positions.n, np.inf)
    np.minimum.at(packed, ends.point, sums)
    origins, destinations = (positions, places) if toward else (places, positions)
    o, d, *costs = direct_ways(model, origins, destinations)
    mine = origins.point[o] if toward else destinations.point[d]
    np.minimum.at(packed, mine, graph.pack(*costs))
    return model.ordered(*graph.unpack(packed))[0]
