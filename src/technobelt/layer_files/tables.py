"""Layers in text tables (CSV): rows with coordinates in two columns, or with shapes as WKT."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.errors import CRSError, GeometryError, LayerError
from technobelt.layer_files.texts import guess_encoding
from technobelt.schema import LAYERS, WGS84

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

    from technobelt.region import LayerFile

__all__ = ["TABLES", "coordinate_columns", "raw_table", "read_table"]

TABLES = (".csv", ".tsv", ".txt")
#: Usual names of columns of coordinates, in the order in which they are looked for.
_DEGREES = (
    ("lon", "lat"),
    ("lng", "lat"),
    ("long", "lat"),
    ("longitude", "latitude"),
    ("경도", "위도"),
    ("longitudine", "latitudine"),
)
_METRES = (
    ("x", "y"),
    ("easting", "northing"),
    ("x_coord", "y_coord"),
    ("xcoord", "ycoord"),
    ("coord_x", "coord_y"),
    ("point_x", "point_y"),
    ("x좌표", "y좌표"),
)
_WKT = ("wkt", "geometry", "geom", "the_geom", "wkt_geom")
_SAMPLE = 1 << 20
_COMMA_NUMBER = re.compile(r"\s*[-+]?\d+,\d+\s*")


def read_table(path: Path, file: LayerFile, name: str) -> gpd.GeoDataFrame:
    """Read a text table as a layer.

    Columns of coordinates go by usual names (``lon`` and ``lat``, ``x`` and ``y``, 경도 and 위도,
    ``wkt``), or are named in ``region.toml`` by `x` and `y`. The encoding (UTF-8, CP949, CP1252),
    the separator and decimal commas beside semicolons are found out.

    Raises
    ------
    LayerError
        It is no table, or a coordinate is no number.
    GeometryError
        It has no columns of coordinates.
    CRSError
        Coordinates are in metres, and nothing names their CRS.
    """
    table, separator = _read(path, file)
    table = _with_points(table, LAYERS.get(name), file) if separator == ";" else table
    what = f"layer '{name}' ({path.name})"
    columns = _coordinates(table, file, what)
    if columns is None:
        return _of_wkt(table, file, what, name)
    x, y, in_degrees = columns
    xs, ys = (_numbers(table[column], column, what) for column in (x, y))
    crs = file.crs or (WGS84 if in_degrees else _guessed_crs(xs, ys, x, y, what, name))
    return _frame(table, _points(xs, ys), crs)


def raw_table(path: Path, file: LayerFile) -> tuple[pd.DataFrame, str]:
    """Return a text table as it stands, every value as text, and its separator."""
    return _read(path, file)


def coordinate_columns(table: pd.DataFrame, file: LayerFile) -> tuple[str, str, bool] | None:
    """Return the columns of x and y, and whether their names mean degrees; None without."""
    return _coordinates(table, file, file.file)


def _read(path: Path, file: LayerFile) -> tuple[pd.DataFrame, str]:
    with path.open("rb") as stream:
        head = stream.read(_SAMPLE)
    encoding = file.encoding or guess_encoding(head, whole=len(head) < _SAMPLE) or "utf-8"
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
    first = next(iter(head.decode(encoding, errors="replace").splitlines()), "")
    separator = max(",;\t|", key=first.count)
    table = pd.read_csv(
        path,
        sep=separator,
        encoding=encoding,
        dtype=str,
        keep_default_na=False,
        na_values=[""],
        skipinitialspace=True,
        index_col=False,
    )
    return table.rename(columns=lambda name: str(name).strip()), separator


def _with_points(table: pd.DataFrame, known: Any, file: LayerFile) -> pd.DataFrame:
    """Turn decimal commas into points where numbers belong: beside semicolons they are usual."""
    ours = {c.name for c in known.columns if c.kind != "text"} if known else set()
    pairs = {column for pair in (*_DEGREES, *_METRES) for column in pair} | {file.x, file.y}
    numeric = {theirs for mine, theirs in file.columns.items() if mine in ours} | ours | pairs
    names = [str(column) for column in table.columns]
    chosen = [column for column in names if column in numeric or column.lower() in numeric]
    changed = {column: [_with_point(text) for text in table[column]] for column in chosen}
    return table.assign(**{column: np.array(v, dtype=object) for column, v in changed.items()})


def _with_point(text: Any) -> Any:
    fits = isinstance(text, str) and _COMMA_NUMBER.fullmatch(text)
    return text.replace(",", ".") if fits else text


def _coordinates(table: pd.DataFrame, file: LayerFile, what: str) -> tuple[str, str, bool] | None:
    """Return the columns of x and y, and whether their names mean degrees."""
    if file.x and file.y:
        absent = [column for column in (file.x, file.y) if column not in table]
        if absent:
            raise LayerError(
                f"{what}: region.toml names the column of coordinates '{absent[0]}'; found: "
                f"{', '.join(map(str, table.columns))}. Correct x and y there."
            )
        return file.x, file.y, (file.x.lower(), file.y.lower()) in _DEGREES
    theirs = {str(column).lower(): str(column) for column in reversed(list(table.columns))}
    for pairs in (_DEGREES, _METRES):
        for x, y in pairs:
            if x in theirs and y in theirs:
                return theirs[x], theirs[y], pairs is _DEGREES
    return None


def _numbers(texts: pd.Series[Any], column: str, what: str) -> Any:
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=float)
    bad = np.isnan(numbers) & texts.notna().to_numpy() | np.isinf(numbers)
    if bad.any():
        row = int(bad.argmax())
        raise LayerError(
            f"{what}: the coordinate '{column}' in row {row + 1} is no number: "
            f"{texts.iloc[row]!r}. Correct it or leave it empty."
        )
    return numbers


def _guessed_crs(xs: Any, ys: Any, x: str, y: str, what: str, name: str) -> str:
    """Take what lies within 180 and 90 for degrees; of metres nobody can tell whose they are."""
    if (
        len(xs)
        and np.nanmax(np.abs(xs), initial=0) <= 180
        and np.nanmax(np.abs(ys), initial=0) <= 90
    ):
        return WGS84
    raise CRSError(
        f"{what} has coordinates in '{x}' and '{y}', and nothing says in which reference system. "
        f'Name it in region.toml: [layers.{name}] crs = "EPSG:...".'
    )


def _points(xs: Any, ys: Any) -> Any:
    import shapely

    points = shapely.points(xs, ys)
    points[np.isnan(xs) | np.isnan(ys)] = None
    return points


def _of_wkt(table: pd.DataFrame, file: LayerFile, what: str, name: str) -> gpd.GeoDataFrame:
    import shapely

    theirs = {str(column).lower(): str(column) for column in reversed(list(table.columns))}
    column = next((theirs[known] for known in _WKT if known in theirs), None)
    if column is None:
        raise GeometryError(
            f"{what} has no geometry. Save it as a layer with shapes, or name its columns of "
            f'coordinates in region.toml: [layers.{name}] x = "...", y = "..."; found: '
            f"{', '.join(map(str, table.columns))}."
        )
    texts = table[column].where(table[column].notna(), None).to_numpy(dtype=object)
    shapes = shapely.from_wkt(texts, on_invalid="ignore")
    bad = shapely.is_missing(shapes) & table[column].notna().to_numpy()
    if bad.any():
        row = int(bad.argmax())
        raise GeometryError(
            f"{what}: the shape in row {row + 1} is no WKT: {str(texts[row])[:40]!r}. Correct it."
        )
    return _frame(table.drop(columns=column), shapes, file.crs or WGS84)


def _frame(table: pd.DataFrame, shapes: Any, crs: str) -> gpd.GeoDataFrame:
    import geopandas as gpd

    if "geometry" in table:
        table = table.drop(columns="geometry")
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(list(shapes), index=table.index, crs=crs))
