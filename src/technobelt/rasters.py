"""Grids of square cells, and raster files brought onto them and written from them."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shapely

from technobelt.errors import CRSError, LayerError, MissingFileError, OutputError
from technobelt.writing import not_written, replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Bounds = tuple[float, float, float, float]

__all__ = [
    "Grid",
    "Resampling",
    "aligned_raster",
    "covered",
    "distances_m",
    "grid_over",
    "touched",
    "write_bands",
]

#: How a cell's value is made of pixels; ``auto`` takes the mean of finer pixels, and
#: interpolates between coarser ones.
Resampling = Literal["auto", "nearest", "bilinear", "average"]

#: Pixels read at a time: 32 MB of float64.
_PIXELS_AT_ONCE = 4_000_000
#: A source counts as finer only beyond what rounding does to a grid of the same cells.
_FINER = 1.001
#: Of shapely's type ids, the last that is not a collection.
_SINGLE = 3
#: A piece of a line no longer than this counts as a point: GEOS measures no distance to it, m.
_NO_LENGTH_M = 1e-6
#: Pixels read around a block, for interpolation at its edges.
_MARGIN_PX = 3
#: Shapes are drawn on one grid at a time: rasterio silences warnings in a way that threads undo.
_RASTERIO = Lock()


@dataclass(frozen=True)
class Grid:
    """A north-up grid in a metric CRS: left and top edge, cell size (m), rows and columns."""

    left: float
    top: float
    cell_m: float
    rows: int
    columns: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def transform(self) -> Any:
        """Affine transform of the cells, as rasterio has it."""
        from affine import Affine  # rasterio's from_origin warns with affine 3

        return Affine(self.cell_m, 0.0, self.left, 0.0, -self.cell_m, self.top)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north edge."""
        bottom = self.top - self.cell_m * self.rows
        return self.left, bottom, self.left + self.cell_m * self.columns, self.top

    @property
    def x(self) -> Floats:
        """Centres of the columns."""
        return np.asarray(self.left + self.cell_m * (np.arange(self.columns) + 0.5))

    @property
    def y(self) -> Floats:
        """Centres of the rows, from north to south."""
        return np.asarray(self.top - self.cell_m * (np.arange(self.rows) + 0.5))

    @property
    def centres(self) -> Floats:
        """float64 (rows * columns, 2): centres of all cells, row by row."""
        x, y = np.meshgrid(self.x, self.y)
        return np.stack([x.ravel(), y.ravel()], axis=1)

    def finer(self, times: int) -> Grid:
        """Return the same extent in cells of a fraction of the side."""
        rows, columns = self.rows * times, self.columns * times
        return Grid(self.left, self.top, self.cell_m / times, rows, columns)

    def part(self, rows: slice, columns: slice) -> Grid:
        """Return the grid of some rows and columns."""
        first, end, _ = rows.indices(self.rows)
        left, right, _ = columns.indices(self.columns)
        return Grid(
            self.left + left * self.cell_m,
            self.top - first * self.cell_m,
            self.cell_m,
            end - first,
            right - left,
        )


def grid_over(bounds: tuple[float, float, float, float], cell_m: float) -> Grid:
    """Return the grid that covers (west, south, east, north), aligned to whole cells.

    Examples
    --------
    >>> grid_over((10, 10, 250, 190), 100).shape
    (2, 3)
    """
    west, south, east, north = (value / cell_m for value in bounds)
    left, bottom = np.floor(west), np.floor(south)
    right, top = np.ceil(east), np.ceil(north)
    return Grid(left * cell_m, top * cell_m, cell_m, int(top - bottom), int(right - left))


# --- shapes on a grid ----------------------------------------------------------------------------


def covered(shapes: Sequence[Any] | NDArray[np.object_], grid: Grid) -> Mask:
    """Return which cells have their centre in one of the shapes.

    Parameters
    ----------
    shapes
        Shapely shapes in the grid's CRS. Points and lines hold no centre; empty and missing shapes
        are passed over.
    grid
        The cells.

    Returns
    -------
    numpy.ndarray
        bool (rows, columns).

    Examples
    --------
    >>> import shapely
    >>> covered([shapely.box(0, 0, 100, 200)], Grid(0.0, 200.0, 100.0, 2, 3)).tolist()
    [[True, False, False], [True, False, False]]
    """
    parts = _parts(shapes)
    return _painted(parts[shapely.get_dimensions(parts) == 2], grid)


def touched(shapes: Sequence[Any] | NDArray[np.object_], grid: Grid) -> Mask:
    """Return which cells one of the shapes touches, bool (rows, columns).

    Examples
    --------
    >>> import shapely
    >>> touched([shapely.LineString([(10, 10), (10, 90)])], Grid(0.0, 200.0, 100.0, 2, 1)).tolist()
    [[False], [True]]
    """
    return _painted(_parts(shapes), grid, all_touched=True)


def _painted(parts: NDArray[np.object_], grid: Grid, **options: Any) -> Mask:
    from rasterio.features import rasterize

    if not len(parts):
        return np.zeros(grid.shape, dtype=bool)
    with _RASTERIO:
        found = rasterize(
            parts, out_shape=grid.shape, transform=grid.transform, dtype="uint8", **options
        )
    return np.asarray(found, dtype=bool)


def distances_m(shapes: Sequence[Any] | NDArray[np.object_], grid: Grid) -> Floats:
    """Return how far each cell's centre lies from the nearest shape, in a straight line.

    The distance is to the shapes themselves, not to cells that they cover.

    Parameters
    ----------
    shapes
        Shapely points, lines or polygons in the grid's CRS; empty and missing ones are passed over.
    grid
        The cells.

    Returns
    -------
    numpy.ndarray
        float64 (rows, columns), metres: 0 inside a polygon, infinite where there are no shapes.

    Examples
    --------
    >>> import shapely
    >>> distances_m([shapely.Point(50, 50)], Grid(0.0, 100.0, 100.0, 1, 3)).tolist()
    [[0.0, 100.0, 200.0]]
    """
    parts = _parts(shapes)
    pieces = _pieces(parts)
    if not len(pieces):
        return np.full(grid.shape, np.inf)
    out = np.zeros(grid.rows * grid.columns)
    outside = np.flatnonzero(~covered(parts, grid))
    tree = shapely.STRtree(pieces)
    _, out[outside] = tree.query_nearest(
        shapely.points(grid.centres[outside]), return_distance=True, all_matches=False
    )
    return out.reshape(grid.shape)


def _parts(shapes: Sequence[Any] | NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the points, lines and polygons that shapes consist of, without empty ones."""
    parts = shapely.get_parts(np.asarray(shapes, dtype=object))
    while (shapely.get_type_id(parts) > _SINGLE).any():
        parts = shapely.get_parts(parts)
    return np.asarray(parts[~shapely.is_empty(parts)])


def _pieces(parts: NDArray[np.object_]) -> NDArray[np.object_]:
    """Cut lines and borders into straight pieces, which a tree finds faster than long shapes."""
    kind = shapely.get_dimensions(parts)
    lines = np.concatenate([parts[kind == 1], shapely.get_rings(parts[kind == 2])])
    xy, line = shapely.get_coordinates(lines, return_index=True)
    start = np.flatnonzero(line[1:] == line[:-1])
    long = np.linalg.norm(xy[start + 1] - xy[start], axis=1) > _NO_LENGTH_M
    straight = shapely.linestrings(np.stack([xy[start], xy[start + 1]], axis=1)[long])
    return np.concatenate([parts[kind == 0], straight, shapely.points(xy[start[~long]])])


# --- rasters read --------------------------------------------------------------------------------


def aligned_raster(
    path: str | Path, grid: Grid, crs: Any, *, resampling: Resampling = "auto", band: int = 1
) -> Floats:
    """Read a raster of any CRS and resolution onto a grid.

    Only the pixels over the grid are read, a block at a time. Scale and offset of the band are
    applied.

    Parameters
    ----------
    path
        Any raster that GDAL can read.
    grid
        The cells.
    crs
        The grid's CRS, metric, as pyproj has it.
    resampling
        ``average`` takes the mean of the known pixels in a cell, ``bilinear`` interpolates between
        the four around its centre, ``nearest`` (for codes and classes) takes the one there.
        ``auto`` averages where pixels are finer than cells and interpolates where they are not.
    band
        Counted from 1.

    Returns
    -------
    numpy.ndarray
        float64 (rows, columns), in the raster's unit. NaN where it is unknown: outside the raster,
        or where all pixels are nodata, masked or not finite.

    Raises
    ------
    MissingFileError
        There is no such file.
    CRSError
        The raster does not say in which CRS it is.
    LayerError
        The file is no raster, has no such band, or lies elsewhere than the grid.

    Examples
    --------
    >>> import tempfile
    >>> from pyproj import CRS
    >>> grid = Grid(1_100_000.0, 1_690_000.0, 100.0, 2, 2)
    >>> with tempfile.TemporaryDirectory() as home:
    ...     slope = write_bands(f"{home}/s.tif", grid, CRS(5179), {"slope": np.eye(2)})
    ...     aligned_raster(slope, Grid(1_100_000.0, 1_690_000.0, 200.0, 1, 1), CRS(5179)).tolist()
    [[0.5]]
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    file = Path(path)
    if not file.exists():
        raise MissingFileError(f"no raster '{file}'. Put it there, or correct its path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # refused in our own words
            with rasterio.open(file) as raster:
                return _aligned(_Source(raster, band, file.name), grid, crs, resampling)
    except RasterioError as error:
        raise LayerError(
            f"raster '{file.name}' cannot be read: {str(error).rstrip('.')}. Save it again as "
            "GeoTIFF."
        ) from error


@dataclass(frozen=True, eq=False)
class _Source:
    """A band of an open raster, and the name of its file."""

    raster: Any
    band: int
    name: str


def _aligned(source: _Source, grid: Grid, crs: Any, resampling: Resampling) -> Floats:
    from rasterio.crs import CRS

    _refuse_unusable(source)
    metric = CRS.from_wkt(crs.to_wkt())
    window = _window_over(source, grid, metric)
    if window is None:
        raise LayerError(_elsewhere(source, grid, metric))
    per_cell = _pixels_per_cell(source, grid, metric)
    if resampling == "auto":
        resampling = "average" if per_cell > _FINER else "bilinear"
    out = np.full(grid.shape, np.nan)
    for rows, columns in _blocks(grid, per_cell):
        out[rows, columns] = _block(source, grid.part(rows, columns), metric, resampling)
    return out


def _refuse_unusable(source: _Source) -> None:
    """Refuse a raster without the band or a CRS."""
    raster, name = source.raster, source.name
    if source.band not in raster.indexes:
        raise LayerError(
            f"raster '{name}' has no band {source.band}; found: {raster.count}. "
            "Name one of them, counted from 1."
        )
    if raster.crs is None:
        raise CRSError(
            f"raster '{name}' has no CRS. Assign the one that it was made in (QGIS: Raster > "
            "Projections > Assign Projection; GDAL: gdal_edit.py -a_srs EPSG:CODE)."
        )


def _blocks(grid: Grid, per_cell: float) -> Iterator[tuple[slice, slice]]:
    """Cut a grid into blocks that lie over a bounded number of pixels."""
    side = max(1, int(np.sqrt(_PIXELS_AT_ONCE / max(per_cell, 1.0))))
    for row in range(0, grid.rows, side):
        for column in range(0, grid.columns, side):
            end_row, end_column = min(row + side, grid.rows), min(column + side, grid.columns)
            yield slice(row, end_row), slice(column, end_column)


def _block(source: _Source, block: Grid, crs: Any, resampling: str) -> Floats:
    from rasterio import warp
    from rasterio.enums import Resampling as Method

    out = np.full(block.shape, np.nan)
    window = _window_over(source, block, crs)
    if window is None:
        return out
    warp.reproject(
        _values(source, window),
        out,
        src_transform=_moved(source.raster.transform, window.col_off, window.row_off),
        src_crs=source.raster.crs,
        src_nodata=np.nan,
        dst_transform=block.transform,
        dst_crs=crs,
        dst_nodata=np.nan,
        resampling=Method[resampling],
        tolerance=0.01,  # of a pixel; GDAL's own eighth would show at the edges of blocks
    )
    return out


def _moved(transform: Any, columns: int, rows: int) -> Any:
    """Return a transform that starts at another pixel; rasterio's own warns with affine 3."""
    from affine import Affine

    a, b, c, d, e, f = tuple(transform)[:6]
    return Affine(a, b, c + a * columns + b * rows, d, e, f + d * columns + e * rows)


def _values(source: _Source, window: Any) -> Floats:
    """Read pixels in their unit, NaN where they are unknown."""
    raster, band = source.raster, source.band
    read = raster.read(band, window=window, masked=True).astype(np.float64)
    values = read.filled(np.nan) * raster.scales[band - 1] + raster.offsets[band - 1]
    return np.where(np.isfinite(values), values, np.nan)


def _window_over(source: _Source, grid: Grid, crs: Any) -> Any:
    """Return the window of pixels under a grid, with a margin; None where there are none."""
    from rasterio.windows import Window

    column, row = _pixels_of(source, crs, *_outline(grid))
    seen = np.isfinite(column) & np.isfinite(row)
    if not seen.any():
        return None
    column, row = column[seen], row[seen]
    raster = source.raster
    if column.max() <= 0 or row.max() <= 0:
        return None
    if column.min() >= raster.width or row.min() >= raster.height:
        return None
    per_cell = (np.ptp(column) / grid.columns, np.ptp(row) / grid.rows)
    margin = _MARGIN_PX * max(1.0, *per_cell)  # interpolation looks farther where pixels are finer
    left, top = max(0, int(column.min() - margin)), max(0, int(row.min() - margin))
    right = min(raster.width, int(np.ceil(column.max() + margin)))
    bottom = min(raster.height, int(np.ceil(row.max() + margin)))
    return Window(left, top, right - left, bottom - top)


def _outline(grid: Grid) -> tuple[Floats, Floats]:
    """Return points along a grid's outline, which is curved in other CRS."""
    west, south, east, north = grid.bounds
    longest = max(east - west, north - south) / 20
    x, y = shapely.get_coordinates(
        shapely.segmentize(shapely.box(west, south, east, north), longest)
    ).T
    return x, y


def _pixels_of(source: _Source, crs: Any, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return columns and rows of points, with fractions."""
    from rasterio import warp

    there = np.asarray(warp.transform(crs, source.raster.crs, x, y))
    back = ~source.raster.transform
    column = back.a * there[0] + back.b * there[1] + back.c
    row = back.d * there[0] + back.e * there[1] + back.f
    return column, row


def _pixels_per_cell(source: _Source, grid: Grid, crs: Any) -> float:
    """Return how many pixels a cell in the middle of the grid holds."""
    middle = grid.part(*(slice(n // 2, n // 2 + 1) for n in grid.shape))
    west, south, east, north = middle.bounds
    x, y = np.array([west, east, east, west]), np.array([south, south, north, north])
    square = np.stack(_pixels_of(source, crs, x, y), axis=1)
    return float(shapely.area(shapely.polygons(square))) if np.isfinite(square).all() else 1.0


def _elsewhere(source: _Source, grid: Grid, crs: Any) -> str:
    from rasterio import warp

    raster = source.raster
    theirs = warp.transform_bounds(raster.crs, crs, *raster.bounds)
    return (
        f"raster '{source.name}' does not lie over the grid. West, south, east, north in the "
        f"grid's CRS: the raster {_as_text(theirs)}; the grid {_as_text(grid.bounds)}. Take one "
        f"that covers the region, or correct its CRS ({raster.crs})."
    )


def _as_text(bounds: Bounds) -> str:
    return ", ".join(f"{value:.0f}" for value in bounds)


# --- rasters written -----------------------------------------------------------------------------


def write_bands(
    path: str | Path,
    grid: Grid,
    crs: Any,
    bands: Mapping[str, Floats],
    *,
    units: Mapping[str, str] | None = None,
) -> Path:
    """Write arrays as the bands of a cloud-optimised GeoTIFF.

    Parameters
    ----------
    path
        The ``.tif``, replaced whole or not at all.
    grid
        Where the cells lie.
    crs
        The grid's CRS, as pyproj has it.
    bands
        Each band's description and its values, (rows, columns), in the order of the file. Kept as
        float32; what is not finite becomes NaN, the file's nodata.
    units
        Units of bands by their description; others have none.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        The file cannot be written.
    ValueError
        A band does not have the grid's shape.

    Examples
    --------
    >>> import tempfile
    >>> import rasterio
    >>> from pyproj import CRS
    >>> grid = Grid(1_100_000.0, 1_690_000.0, 100.0, 2, 2)
    >>> with tempfile.TemporaryDirectory() as home:
    ...     path = write_bands(f"{home}/t.tif", grid, CRS(5179), {"time_min": np.ones((2, 2))})
    ...     with rasterio.open(path) as raster:
    ...         raster.descriptions
    ('time_min',)
    """
    import rasterio

    for name, values in bands.items():
        if values.shape != grid.shape:  # rasterio would stretch it without a word
            raise ValueError(f"band '{name}' has shape {values.shape}; the grid, {grid.shape}.")
    stack = np.stack([np.where(np.isfinite(v), v, np.nan) for v in bands.values()])
    stack = stack.astype(np.float32)
    with replace_file(path) as scratch, _gdal(scratch.name):
        with rasterio.open(
            scratch,
            "w",
            driver="COG",
            height=grid.rows,
            width=grid.columns,
            count=len(bands),
            dtype="float32",
            crs=crs.to_wkt(),
            transform=grid.transform,
            nodata=np.nan,
            compress="deflate",
            overview_resampling="average",  # the driver's cubic would overshoot shares and masks
        ) as raster:
            raster.write(stack)
            raster.descriptions = tuple(bands)
            raster.units = tuple((units or {}).get(name, "") for name in bands)
        _check_written(scratch, stack)
    return Path(path)


@contextmanager
def _gdal(name: str) -> Iterator[None]:
    """Turn GDAL's errors into ours; some of them rasterio passes on as they are."""
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError

    try:
        yield
    except (RasterioError, CPLE_BaseError) as error:
        raise not_written(name, error) from error


def _check_written(scratch: Path, stack: NDArray[np.float32]) -> None:
    """Read the file back and compare: a full disk is only told on closing, or not at all."""
    import rasterio

    with rasterio.open(scratch) as raster:
        same = np.array_equal(raster.read(), stack, equal_nan=True)
    if not same:
        raise OutputError(f"'{scratch.name}' did not read back as written. Nothing was replaced.")
