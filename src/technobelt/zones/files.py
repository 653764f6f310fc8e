"""The planner's own files that ``[zones]`` names, read and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.errors import CRSError, LayerError, MissingFileError
from technobelt.rasters import aligned_raster

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.rasters import Grid
    from technobelt.region import Region
    from technobelt.zone_rules import GeoFile, RasterFile

    Floats = NDArray[np.float64]

__all__ = ["read_raster", "read_shapes"]


def read_shapes(region: Region, file: GeoFile, where: str) -> list[Any]:
    """Return the shapes of a file of the planner's, in the region's CRS, valid.

    Parameters
    ----------
    region
        Whose folder and CRS they are brought to.
    file
        From ``[zones]``.
    where
        The rule that names it, for messages.

    Raises
    ------
    MissingFileError
        The file is not there.
    LayerError
        It cannot be read, or holds no shape.
    CRSError
        It has no CRS.
    """
    import pyogrio

    path = region.folder / file.file
    if not path.exists():
        raise MissingFileError(
            f"{where} of [zones]: no file '{file.file}' in '{region.folder}'. Put it there, or "
            "correct its name in region.toml."
        )
    try:
        frame = pyogrio.read_dataframe(path, layer=file.layer, columns=[])
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise LayerError(
            f"{where} of [zones]: '{file.file}' cannot be read: {str(error).rstrip('.')}. "
            "Correct region.toml, or put a whole copy there."
        ) from error
    if "geometry" not in frame or (frame.geometry.isna() | frame.geometry.is_empty).all():
        raise LayerError(f"{where} of [zones]: '{file.file}' holds no shape. Put some into it.")
    frame = frame.set_crs(file.crs) if frame.crs is None and file.crs else frame
    if frame.crs is None:
        raise CRSError(
            f"{where} of [zones]: '{file.file}' has no coordinate reference system. Save it with "
            'one, or add crs = "EPSG:..." to the rule.'
        )
    there = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    moved = there.geometry.to_crs(region.crs)
    if not np.isfinite(moved.total_bounds).all():
        west, south, east, north = there.total_bounds
        raise CRSError(
            f"{where} of [zones]: '{file.file}' cannot be brought to {region.crs}: x {west:g} to "
            f"{east:g}, y {south:g} to {north:g} in {frame.crs.to_string()}. Correct its CRS; are "
            "longitude and latitude exchanged?"
        )
    return list(shapely.make_valid(moved.to_numpy()))


def read_raster(region: Region, file: RasterFile, grid: Grid, crs: Any, where: str) -> Floats:
    """Return a raster of the planner's on a grid, NaN where it has no data.

    Parameters
    ----------
    region
        In whose folder it lies.
    file
        From ``[zones]``.
    grid, crs
        Where to.
    where
        The rule that names it, for messages.

    Raises
    ------
    TechnobeltError
        It is not there, cannot be read, has no CRS, or does not lie over the grid.
    """
    path = region.folder / file.file
    try:
        return aligned_raster(path, grid, crs, band=file.band, resampling=file.resampling)
    except (LayerError, MissingFileError) as error:
        raise type(error)(f"{where} of [zones]: {error}") from error
