"""Every file is read back and compared with the table that it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.errors import GeometryError, OutputError
from technobelt.export.drivers import csv_table

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["check_same"]

#: Degrees: half of the last of seven decimals, and what the reader rounds.
_ROUNDED = 1.1e-7
#: Degrees by which the outline of a shape may move that the writer had to mend after rounding.
_MENDED = 1e-6
#: A name that no column has.
_SHAPE = "\0shape"
#: Formats whose coordinates are texts, and so rounded.
_TEXTS = (".geojson", ".kml")


def check_same(frame: gpd.GeoDataFrame, scratch: Path, layer: str) -> None:
    """Read a file and compare rows, columns, values and shapes with the table it was made of.

    Parameters
    ----------
    frame
        From `held.as_held`.
    scratch
        The file.
    layer
        The layer in it.

    Raises
    ------
    GeometryError
        A shape came back another.
    OutputError
        Something else did.
    """
    suffix = scratch.suffix.lower()
    if suffix == ".csv":
        _check_csv(frame, scratch)
        return
    table, shapes = _read(scratch, layer)
    if table.num_rows != len(frame):
        raise _differs(scratch, f"{len(frame)} rows were written, {table.num_rows} read back")
    if not len(frame):
        return
    if suffix == ".fgb":
        import pyarrow as pa

        order = _order(frame, table, shapes)
        table, shapes = table.take(pa.array(order)), shapes[order]
    for name in frame.columns.drop("geometry"):
        _check_column(frame[name], table, scratch, "Name" if suffix == ".kml" else None)
    _check_shapes(frame.geometry.to_numpy(), shapes, scratch)


def _check_csv(frame: gpd.GeoDataFrame, scratch: Path) -> None:
    wanted = csv_table(frame)
    found = pd.read_csv(scratch, dtype=str, keep_default_na=False, na_filter=False)
    if len(found) != len(wanted) or len(found.columns) != len(wanted.columns):
        raise _differs(
            scratch,
            f"{wanted.shape[0]} rows and {wanted.shape[1]} columns were written, "
            f"{found.shape[0]} and {found.shape[1]} read back",
        )
    for at, name in enumerate(wanted.columns):
        same = found.iloc[:, at].to_numpy(dtype=object) == wanted.iloc[:, at].to_numpy(dtype=object)
        if not same.all():
            raise _differs(scratch, f"column '{name}' differs in row {int((~same).argmax()) + 1}")


def _read(scratch: Path, layer: str) -> tuple[pa.Table, NDArray[np.object_]]:
    """Return attributes and shapes as the readers of other programs see them."""
    if scratch.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(scratch)
        wkb = table.column("geometry").to_numpy()
        return table.drop_columns(["geometry"]), shapely.from_wkb(wkb)
    import pyogrio

    suffix = scratch.suffix.lower()
    inside = layer if suffix == ".gpkg" else None
    # otherwise texts that look like dates are read as dates
    asked = {"DATE_AS_STRING": "YES"} if suffix == ".geojson" else {}
    _, table = pyogrio.read_arrow(scratch, layer=inside, read_geometry=False, **asked)
    # apart from the columns: GDAL's stream of a .fgb trips over rows without a shape
    _, _, shapes, _ = pyogrio.raw.read(scratch, layer=inside, columns=[])
    return table, shapely.from_wkb(shapes)


def _order(
    frame: gpd.GeoDataFrame, table: pa.Table, shapes: NDArray[np.object_]
) -> NDArray[np.intp]:
    """Return which row of the file stands for each row of the table; a ``.fgb`` sorts its rows."""
    import pyarrow as pa

    wanted = pa.table({name: _expected(frame[name]) for name in frame.columns.drop("geometry")})
    read = pa.table(
        {field.name: table.column(field.name).cast(field.type) for field in wanted.schema}
    )
    mine = _marks(wanted.to_pandas(), _as_multi(frame.geometry.to_numpy()))
    other = _marks(read.to_pandas(), _as_multi(shapes))
    ranks = np.argsort(np.argsort(mine, kind="stable"))
    order: NDArray[np.intp] = np.argsort(other, kind="stable")[ranks]
    return order


def _marks(table: pd.DataFrame, shapes: NDArray[np.object_]) -> NDArray[Any]:
    """Return one number a row, the same for the same row."""
    texts = ["" if one is None else one.hex() for one in shapely.to_wkb(shapes)]
    marks: NDArray[Any] = pd.util.hash_pandas_object(
        table.assign(**{_SHAPE: texts}), index=False
    ).to_numpy()
    return marks


def _expected(values: pd.Series[Any]) -> pa.Array:
    import pyarrow as pa

    if values.dtype == "boolean":
        return pa.array(values, type=pa.bool_(), from_pandas=True)
    if values.dtype == "Int64":
        return pa.array(values, type=pa.int64(), from_pandas=True)
    if values.dtype == "float64":
        return pa.array(values, type=pa.float64(), from_pandas=True)
    if values.dtype == "string":
        return pa.array(values, type=pa.string(), from_pandas=True)
    naive = values if values.dt.tz is None else values.dt.tz_convert("UTC").dt.tz_localize(None)
    return pa.array(naive, type=pa.timestamp("us"), from_pandas=True)


def _check_column(
    values: pd.Series[Any], table: pa.Table, scratch: Path, title: str | None
) -> None:
    import pyarrow as pa

    name = str(values.name)
    # KML's own element for a name is read back under that name
    found = title if title and name.casefold() == title.casefold() else name
    if found not in table.column_names:
        raise _differs(scratch, f"column '{name}' is not there")
    wanted = _expected(values)
    try:
        read = table.column(found).cast(wanted.type).combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        kind = table.column(found).type
        raise _differs(scratch, f"column '{name}' came back as {kind}, not {wanted.type}") from None
    if not wanted.equals(read):
        pairs = zip(wanted.to_pylist(), read.to_pylist(), strict=True)
        row = next((at for at, (old, new) in enumerate(pairs, 1) if old != new), 0)
        raise _differs(scratch, f"column '{name}' differs in row {row}")


def _check_shapes(wanted: NDArray[np.object_], found: NDArray[np.object_], scratch: Path) -> None:
    mine, other = _as_multi(wanted), _as_multi(found)
    tolerance = 0.0
    if scratch.suffix.lower() in _TEXTS:
        mine, other = (shapely.orient_polygons(shapes) for shapes in (mine, other))
        tolerance = _ROUNDED
    same = shapely.equals_exact(mine, other, tolerance=tolerance)
    same |= shapely.is_missing(mine) & shapely.is_missing(other)
    same |= shapely.is_empty(mine) & shapely.is_empty(other)
    if tolerance and not same.all():
        same[~same] = _mended(mine[~same], other[~same])
    if not same.all():
        raise GeometryError(
            f"'{scratch.name}' did not read back as written: the shape in row "
            f"{int((~same).argmax()) + 1} came back another. Nothing was replaced; write "
            "a .gpkg or .parquet."
        )


def _mended(mine: NDArray[np.object_], other: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Whether shapes differ in no more than where rounding made two corners one."""
    moved = np.abs(shapely.bounds(mine) - shapely.bounds(other)).max(axis=1)
    shorter = np.abs(shapely.length(mine) - shapely.length(other)) / np.maximum(
        shapely.length(mine), _MENDED
    )
    near: NDArray[np.bool_] = (moved < _MENDED) & (shorter < 1e-3)  # NaN, of no shape, is not
    return near


def _as_multi(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Make every shape multi-part: a file holds a layer's shapes all as the one or the other."""
    out = shapes.copy()
    ids = shapely.get_type_id(shapes)
    for kind, promote in (
        (0, shapely.multipoints),
        (1, shapely.multilinestrings),
        (3, shapely.multipolygons),
    ):
        at = np.flatnonzero((ids == kind) & ~shapely.is_empty(shapes))
        if len(at):
            out[at] = promote(shapes[at], indices=np.arange(len(at)))
    return out


def _differs(scratch: Path, what: str) -> OutputError:
    return OutputError(
        f"'{scratch.name}' did not read back as written: {what}. Nothing was replaced; write "
        "another format, e.g. a .gpkg or .parquet."
    )
