"""The land grid: 100 m cells over the clusters, 500 m around; what covers them, how steep it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from technobelt.errors import CRSError, LayerError
from technobelt.kyeongnam.boundaries import METRES, make_clusters, read_land
from technobelt.kyeongnam.source import ELEVATION, source_file
from technobelt.kyeongnam.water import read_landuse, sea
from technobelt.kyeongnam.wording import (
    BOUNDARY_LICENCE,
    BOUNDARY_SOURCE,
    OSM_LICENCE,
    OSM_SOURCE,
)
from technobelt.rasters import covered, grid_over
from technobelt.schema import WGS84

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from technobelt.rasters import Grid

__all__ = ["block_mean", "make_land", "relief"]

FINE_M = 100
COARSE_M = 500
PIXEL_M = 20  # land use is painted on pixels of this side before it is averaged
MARGIN_M = 2_000  # fine cells reach this far beyond the clusters
REACH_M = 20_000  # coarse cells reach this far
STEP = 0.05  # of a share: finer would be more than the outlines know
RELIEF_WITHIN_M = 500
_BUILT = ("industrial", "commercial", "university", "college")
_SOURCE = f"{OSM_SOURCE}; coast: {BOUNDARY_SOURCE}; relief: SRTM"
_LICENCE = f"{OSM_LICENCE}; {BOUNDARY_LICENCE}; SRTM public domain"


def make_land(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``land``: points at the cells' centres, EPSG:5179, coarse cells first.

    The unit of the choice between fine and coarse is the coarse cell, so that the cells tile the
    ground without gap or overlap; those beyond the land use's extent are left out.

    Raises
    ------
    CRSError
        The elevation is not in longitude and latitude.
    LayerError
        A source file cannot be read.
    """
    import pandas as pd
    import shapely

    clusters = make_clusters(source).to_crs(METRES).set_index("id").geometry
    landuse = read_landuse(source)
    belt = shapely.union_all(clusters.to_numpy())
    reach = shapely.intersection(shapely.buffer(belt, REACH_M), shapely.box(*landuse.total_bounds))
    grid = grid_over(reach.bounds, COARSE_M)
    shares = _shares(source, landuse, grid)
    fine = _holds(shapely.buffer(belt, MARGIN_M), grid)
    coarse = _holds(reach, grid) & ~fine
    parts = [
        _cells(grid, coarse, {name: block_mean(a, 5) for name, a in shares.items()}),
        _cells(grid.finer(COARSE_M // FINE_M), np.kron(fine, np.ones((5, 5), bool)), shares),
    ]
    cells = pd.concat(parts, ignore_index=True)
    cells["relief_m"] = relief(source, cells["x"].to_numpy(), cells["y"].to_numpy())
    return _as_layer(cells, clusters)


def block_mean(values: NDArray[np.generic], side: int) -> NDArray[np.float32]:
    """Return the mean of each square of `side` by `side` cells.

    Examples
    --------
    >>> block_mean(np.array([[1, 1, 0, 0], [1, 1, 0, 1]]), 2).tolist()
    [[1.0, 0.25]]
    """
    rows, columns = (length // side for length in values.shape)
    blocks = values.reshape(rows, side, columns, side)
    means: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def relief(source: Path, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the highest minus the lowest ground within 500 m of points in EPSG:5179, metres.

    Ground without a height is left out; where there is none at all, the relief is 0.

    Raises
    ------
    CRSError
        The elevation is not in longitude and latitude.
    LayerError
        The elevation cannot be read.
    """
    from pyproj import Transformer

    ground = _read_elevation(source)
    lon, lat = Transformer.from_crs(METRES, WGS84, always_xy=True).transform(x, y)
    step = ground.step_deg
    columns = ((lon - ground.west) // step).astype(int)
    rows = ((ground.north - lat) // step).astype(int)
    around = _disc(step, float(np.mean(lat)))
    steep: NDArray[np.float32] = _spread_of(ground.heights, ground.unknown, around)[rows, columns]
    return steep


class _Ground(NamedTuple):
    """Heights on pixels of some degrees, from their north-west corner."""

    heights: NDArray[np.int16]
    unknown: NDArray[np.bool_]
    west: float
    north: float
    step_deg: float


def _read_elevation(source: Path) -> _Ground:
    import rasterio

    path = source_file(source, ELEVATION)
    try:
        with rasterio.open(path) as raster:
            crs, bounds, step = raster.crs, raster.bounds, raster.transform.a
            heights, nodata = raster.read(1), raster.nodata
    except rasterio.errors.RasterioError as error:
        raise LayerError(
            f"'{ELEVATION}' cannot be read as a raster: {str(error).rstrip('.')}. Put a whole copy "
            "into the source folder; no layer was replaced."
        ) from error
    if crs is None or not crs.is_geographic:
        raise CRSError(f"'{ELEVATION}' must be in longitude and latitude; found {crs}.")
    return _Ground(heights, heights == nodata, bounds.left, bounds.top, step)


def _spread_of(
    heights: NDArray[np.int16], unknown: NDArray[np.bool_], around: NDArray[np.bool_]
) -> NDArray[np.float32]:
    from scipy import ndimage

    high = ndimage.maximum_filter(np.where(unknown, -32768, heights), footprint=around)
    low = ndimage.minimum_filter(np.where(unknown, 32767, heights), footprint=around)
    steep: NDArray[np.float32] = np.maximum(high.astype(np.float32) - low.astype(np.float32), 0)
    return steep


def _disc(step_deg: float, lat: float) -> NDArray[np.bool_]:
    """Return the pixels within 500 m of one, for pixels of some degrees at a latitude."""
    north_m = step_deg * 110_940  # a degree of latitude at 35 N
    east_m = step_deg * 111_320 * np.cos(np.radians(lat))
    rows, columns = (int(RELIEF_WITHIN_M // size) for size in (north_m, east_m))
    dy, dx = np.mgrid[-rows : rows + 1, -columns : columns + 1]
    inside: NDArray[np.bool_] = np.hypot(dx * east_m, dy * north_m) <= RELIEF_WITHIN_M
    return inside


def _shares(source: Path, landuse: gpd.GeoDataFrame, grid: Grid) -> dict[str, NDArray[np.float32]]:
    """Return the share of each fine cell under water, wood and the other uses."""
    pixels = grid.finer(COARSE_M // PIXEL_M)
    side = FINE_M // PIXEL_M

    def share(*classes: str) -> NDArray[np.float32]:
        return block_mean(covered(_of(landuse, *classes), pixels), side)

    wet = covered(_of(landuse, "water"), pixels)
    wet |= covered(np.array([sea(landuse, read_land(source))]), pixels)
    return {
        "water": block_mean(wet, side),
        "wood": share("wood"),
        "industry": share("industrial"),
        "built": share(*_BUILT),
        "military": share("military"),
    }


def _of(landuse: gpd.GeoDataFrame, *classes: str) -> NDArray[np.object_]:
    shapes: NDArray[np.object_] = landuse.geometry[landuse["class"].isin(classes)].to_numpy()
    return shapes


def _holds(shape: object, grid: Grid) -> NDArray[np.bool_]:
    return covered(np.array([shape]), grid)


def _cells(
    grid: Grid, mask: NDArray[np.bool_], shares: dict[str, NDArray[np.float32]]
) -> pd.DataFrame:
    import pandas as pd

    rows, columns = np.nonzero(mask)
    x, y = grid.x, grid.y
    stepped = {
        name: (np.round(share[rows, columns] / STEP) * STEP).round(2).astype(np.float32)
        for name, share in shares.items()
    }
    return pd.DataFrame({"cell_m": np.int16(grid.cell_m), "x": x[columns], "y": y[rows], **stepped})


def _as_layer(cells: pd.DataFrame, clusters: gpd.GeoSeries) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import shapely

    x, y = cells.pop("x").to_numpy(), cells.pop("y").to_numpy()
    cluster = np.full(len(cells), "outside", dtype=object)
    for name, shape in clusters.items():
        shapely.prepare(shape)
        cluster[shapely.contains_xy(shape, x, y)] = name
    return gpd.GeoDataFrame(
        cells.assign(cluster=cluster, **_provenance(len(cells))),
        geometry=gpd.points_from_xy(x, y),
        crs=METRES,
    )


def _provenance(rows: int) -> dict[str, pd.Categorical[Any]]:
    """Return the same words for every row, kept once: as plain text they would take 90 MB."""
    import pandas as pd

    words = {"source": _SOURCE, "licence": _LICENCE, "confidence": "medium"}
    return {
        column: pd.Categorical.from_codes(np.zeros(rows, dtype=np.int8), pd.Index([text]))
        for column, text in words.items()
    }
