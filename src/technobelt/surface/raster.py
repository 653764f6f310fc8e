"""The travel-time raster: minutes of every cell, and the grid that suits a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from technobelt.network.ties import tie_points
from technobelt.rasters import Grid, grid_over, write_bands
from technobelt.surface.index import cells_of
from technobelt.surface.positions import road_positions
from technobelt.surface.times import first_reached
from technobelt.travel_time import model_of

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

    from technobelt.network.model import Network
    from technobelt.region import Profile
    from technobelt.surface.positions import Positions
    from technobelt.surface.times import Reached

__all__ = ["default_cell_m", "grid_for", "travel_time_raster"]

#: Cells of a grid for a limit of 15 minutes, m; they grow by this power of the limit, so that
#: polygons are about as good at every limit: of road positions inside at most 0.3 % take longer,
#: and of those within the limit at most 1.5 % lie outside, at 15 to 90 minutes around the built-in
#: region's hubs (at ``peak`` up to 0.7 and 3.5 %).
_AT_15_MIN_M, _POWER = 36.0, 1.25
_FINEST_M, _COARSEST_M = 40.0, 400.0


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
    reached = first_reached(model, ties, positions.ties, toward=toward)
    grid = grid_for(positions, reached, max_minutes, max_access_m=max_access_m, cell_m=cell_m)
    minutes = cells_of(network, positions, grid.cell_m, max_access_m).minutes(reached, grid)
    minutes[minutes > max_minutes] = np.inf
    return write_bands(path, grid, network.crs, {"time_min": minutes}, units={"time_min": "min"})


def default_cell_m(limit_min: float) -> float:
    """Return the side of cells that suits a limit, m, to 10 m.

    Examples
    --------
    >>> [default_cell_m(limit) for limit in (5, 15, 30, 60, 90, 240)]
    [40.0, 40.0, 90.0, 200.0, 340.0, 400.0]
    """
    side = round(_AT_15_MIN_M * (limit_min / 15) ** _POWER, -1)
    return float(np.clip(side, _FINEST_M, _COARSEST_M))


def grid_for(
    positions: Positions,
    reached: Reached,
    limit_min: float,
    *,
    max_access_m: float,
    cell_m: float | None,
) -> Grid:
    """Return a grid over all road positions within a limit; finer for shorter limits."""
    side = cell_m or default_cell_m(limit_min)
    west, south, east, north = reached.bounds(positions, limit_min * 60)
    if np.isinf(west):
        return Grid(0.0, 0.0, side, 1, 1)
    margin = max_access_m + side
    return grid_over((west - margin, south - margin, east + margin, north + margin), side)
