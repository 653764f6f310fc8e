"""The land grid of a new region: cells over its clusters, and what covers them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.errors import CRSError, LayerError, MissingFileError
from technobelt.layer_files import open_file
from technobelt.layers import cluster_areas
from technobelt.rasters import Grid, aligned_raster, covered, grid_over
from technobelt.region import LayerFile

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.region import Region

    Floats = NDArray[np.float64]

__all__ = ["make_land_grid"]

RELIEF_WITHIN_M = 500.0
#: A share of a cell is counted on this many points a side.
_POINTS = 5
#: Larger grids are refused: a slip of the pen, 1 m for 100 m, would fill the memory.
_CELLS_MAX = 5_000_000


def make_land_grid(
    region: Region,
    *,
    cell_m: float = 100.0,
    water: str | Path | None = None,
    wood: str | Path | None = None,
    elevation: str | Path | None = None,
) -> gpd.GeoDataFrame:
    """Lay a grid of cells over the clusters of a region, as its layer ``land``.

    Parameters
    ----------
    region
        With its layer ``clusters``.
    cell_m
        Side of the cells, m, in the region's CRS.
    water, wood
        Files of polygons (any CRS); without one no cell has any.
    elevation
        A raster of heights, m (any CRS); without one the ground is flat.

    Returns
    -------
    geopandas.GeoDataFrame
        Points at the centres of the cells within a cluster, region's CRS: ``cell_m``, ``cluster``,
        ``water`` and ``wood`` (shares, 0 to 1, counted on 25 points a cell), ``relief_m`` (highest
        less lowest height of cells within 500 m).

    Raises
    ------
    MissingFileError
        A file is not there.
    LayerError
        A file cannot be read, a cluster has no outline, or the grid has too many cells.
    CRSError
        A file does not say in which CRS it is.

    Examples
    --------
    >>> import technobelt as tb
    >>> land = make_land_grid(tb.load_region(), cell_m=2000)
    >>> sorted(set(land["cluster"])), float(land["water"].max())
    (['centre', 'east', 'west'], 0.0)
    """
    import geopandas as gpd

    areas = cluster_areas(region).to_crs(region.crs)
    grid = _grid(areas, cell_m)
    homes = [covered([shape], grid) for shape in areas.geometry]
    rows, columns = np.nonzero(np.logical_or.reduce(homes))
    cluster = np.full(grid.shape, "outside", dtype=object)
    for name, home in zip(areas.index, homes, strict=True):
        cluster[home] = name
    values = {
        "cluster": cluster,
        "water": _share(water, grid, areas.crs, "water"),
        "wood": _share(wood, grid, areas.crs, "wood"),
        "relief_m": _relief(elevation, grid, areas.crs),
    }
    table = {name: cells[rows, columns] for name, cells in values.items()}
    centres = gpd.points_from_xy(grid.x[columns], grid.y[rows])
    return gpd.GeoDataFrame({"cell_m": float(cell_m), **table}, geometry=centres, crs=areas.crs)


def _grid(areas: gpd.GeoDataFrame, cell_m: float) -> Grid:
    grid = grid_over(tuple(areas.total_bounds), cell_m)
    if grid.rows * grid.columns > _CELLS_MAX:
        raise LayerError(
            f"cells of {cell_m:g} m over the clusters make {grid.rows * grid.columns:,}, more than "
            f"{_CELLS_MAX:,}. Take larger ones, or look for a cluster that is too large."
        )
    return grid


def _share(file: str | Path | None, grid: Grid, crs: Any, name: str) -> Floats:
    if file is None:
        return np.zeros(grid.shape)
    path = Path(file)
    if not path.is_file():
        raise MissingFileError(f"no file '{path}' of {name}. Put it there, or correct its path.")
    shapes = open_file(path, LayerFile(file=path.name), name)
    if shapes.crs is None:
        raise CRSError(f"'{path.name}' does not say in which CRS it is. Save it with one.")
    points = covered(shapes.to_crs(crs).geometry.to_numpy(), grid.finer(_POINTS))
    parts = points.reshape(grid.rows, _POINTS, grid.columns, _POINTS)
    return np.asarray(parts.mean(axis=(1, 3)).round(2))


def _relief(file: str | Path | None, grid: Grid, crs: Any) -> Floats:
    """Return highest less lowest ground about each cell; 0 where no height is known."""
    from scipy import ndimage

    if file is None:
        return np.zeros(grid.shape)
    margin = int(np.ceil(RELIEF_WITHIN_M / grid.cell_m))
    heights = aligned_raster(file, _wider(grid, margin), crs)
    reach = np.arange(-margin, margin + 1) * grid.cell_m
    disc = np.hypot(*np.meshgrid(reach, reach)) <= RELIEF_WITHIN_M
    high = ndimage.maximum_filter(np.nan_to_num(heights, nan=-np.inf), footprint=disc)
    low = ndimage.minimum_filter(np.nan_to_num(heights, nan=np.inf), footprint=disc)
    inner = slice(margin, -margin)
    steep = np.where(np.isfinite(high) & np.isfinite(low), high - np.minimum(low, high), 0.0)
    return np.asarray(steep[inner, inner].round(1))


def _wider(grid: Grid, cells: int) -> Grid:
    reach = cells * grid.cell_m
    return Grid(
        grid.left - reach,
        grid.top + reach,
        grid.cell_m,
        grid.rows + 2 * cells,
        grid.columns + 2 * cells,
    )
