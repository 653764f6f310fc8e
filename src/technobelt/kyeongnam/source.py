"""Read the source material, and name the file and row of what is wrong in it.

The source material is a folder of files that stay where they are: the layers carry facts taken
from them, never the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from technobelt.errors import CRSError, LayerError, MissingColumnError, MissingFileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

__all__ = [
    "BOUNDARIES",
    "CENSUS",
    "COUNTRY_ROADS",
    "ELEVATION",
    "FACILITIES",
    "HIGHWAY",
    "LANDUSE",
    "ROADS",
    "ROADS_DATE",
    "SEGMENTS",
    "SITES",
    "numbers",
    "read_shapes",
    "read_table",
    "refuse",
    "refuse_first",
    "refuse_shape",
    "source_file",
]

BOUNDARIES = "boundaries.gpkg"
CENSUS = "census2010_municipalities.csv"
COUNTRY_ROADS = "south-korea-2021-08.osm.pbf"
ELEVATION = "elevation_3s.tif"
FACILITIES = "facilities.csv"
HIGHWAY = "highway.csv"
LANDUSE = "landuse.gpkg"
ROADS = "gyeongnam-2021-08.osm.pbf"
ROADS_DATE = "2021-08"
SEGMENTS = "highway_segments.csv"
SITES = "osm_named_sites.csv"


def source_file(source: Path, name: str) -> Path:
    """Return the path of one source file.

    Raises
    ------
    MissingFileError
        It is not there.
    """
    path = source / name
    if not path.is_file():
        raise MissingFileError(
            f"no file '{name}' in the source folder '{source}'. Name the folder with the source "
            "material (--source DIR, or the environment variable TECHNOBELT_SHARED)."
        )
    return path


def read_table(source: Path, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Read a CSV file as text; empty cells are empty strings.

    Parameters
    ----------
    source
        Folder of the source material.
    name
        The file's name.
    columns
        Columns that it must have.

    Returns
    -------
    pandas.DataFrame
        Indexed by line number in the file (the header is line 1).

    Raises
    ------
    MissingFileError, MissingColumnError
        The file or a column is not there.
    LayerError
        The file has no row, or is no CSV.
    """
    import pandas as pd

    path = source_file(source, name)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (ValueError, pd.errors.ParserError) as error:
        raise LayerError(f"'{name}' cannot be read as CSV in UTF-8: {error}.") from error
    _require(table, name, columns)
    table.index = pd.RangeIndex(2, len(table) + 2)
    _check_fields(path, len(table.columns))
    return table


def _check_fields(path: Path, wanted: int) -> None:
    """Refuse a row of fewer fields than the header has, which pandas would fill up."""
    import csv

    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        for row in rows:
            if row and len(row) < wanted:
                refuse(
                    path.name, rows.line_num, f"a row of {len(row)} fields; the header has {wanted}"
                )


def read_shapes(
    source: Path, name: str, columns: Sequence[str], *, layer: str | None = None
) -> gpd.GeoDataFrame:
    """Read a layer of shapes with its CRS.

    Raises
    ------
    MissingFileError, MissingColumnError
        The file or a column is not there.
    CRSError
        The layer has no CRS.
    LayerError
        The file holds no such layer, or nothing.
    """
    import geopandas as gpd

    path = source_file(source, name)
    try:
        frame = gpd.read_file(path, layer=layer)
    except Exception as error:
        raise LayerError(f"'{name}' layer '{layer}' cannot be read: {error}.") from error
    _require(frame, name, columns)
    if frame.crs is None:
        raise CRSError(f"'{name}' layer '{layer}' has no coordinate reference system.")
    return frame


def numbers(table: pd.DataFrame, column: str, name: str) -> pd.Series[float]:
    """Return a text column as numbers; empty cells become NaN.

    Raises
    ------
    LayerError
        A value is no number; the file and line are named.

    Examples
    --------
    >>> import pandas as pd
    >>> numbers(pd.DataFrame({"km": ["1.5", "x"]}, index=[2, 3]), "km", "roads.csv")
    Traceback (most recent call last):
    technobelt.errors.LayerError: 'roads.csv' line 3: 'km' 'x' is no number. ...
    """
    import pandas as pd

    values = pd.to_numeric(table[column].replace("", None), errors="coerce")
    bad = values.isna() & (table[column] != "")
    refuse_first(table[column], bad, name, "is no number")
    return values.astype(float)


def refuse_first(values: pd.Series[str], bad: pd.Series[bool], name: str, what: str) -> None:
    """Refuse the first of a column's values that is bad, if there is one.

    Raises
    ------
    LayerError
        The file, the line, the column and the value are named.
    """
    lines = values.index[bad.to_numpy()]
    if len(lines):
        refuse(name, lines[0], f"'{values.name}' {values.loc[lines[0]]!r} {what}")


def refuse(name: str, line: object, what: str) -> NoReturn:
    """Raise an error that names the file and its line.

    Raises
    ------
    LayerError
        Always.
    """
    raise LayerError(f"'{name}' line {line}: {what}. Correct it; no layer was replaced.")


def refuse_shape(name: str, layer: str, row: object, what: str) -> NoReturn:
    """Raise an error that names a file of shapes, its layer and the row, counted from 1.

    Raises
    ------
    LayerError
        Always.
    """
    raise LayerError(
        f"'{name}' layer '{layer}' row {row}: {what}. Correct it; no layer was replaced."
    )


def _require(table: pd.DataFrame, name: str, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        found = ", ".join(map(str, table.columns))
        raise MissingColumnError(f"'{name}' needs column '{missing[0]}'; found: {found}.")
    if table.empty:
        raise LayerError(f"'{name}' has no row.")
