"""Layers without a row, with the columns of the schema and their types, to fill in a GIS."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from technobelt.projections import is_korean
from technobelt.schema import LAYERS

if TYPE_CHECKING:
    from pathlib import Path

    from technobelt.schema import Column, Table

__all__ = ["write_empty_layer"]

_DTYPES = {"text": "object", "integer": "int32", "number": "float64"}


def write_empty_layer(path: Path, name: str, crs: str, *, every_column: bool = False) -> None:
    """Write a GeoPackage with one layer, the columns that the place has a use for and no row.

    Parameters
    ----------
    path
        Must end in ``.gpkg``.
    name
        One of `technobelt.schema.LAYERS`; the layer in the file bears it too.
    crs
        What its shapes will be in; one of Korea gets the column for Korean names.
    every_column
        Those of the built-in plan of 1999 as well, which its rules ask for.

    Notes
    -----
    Where a layer may hold points and areas it is made for points, which a GIS can draw at once; to
    hold areas, save it as a layer of polygons.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import geopandas as gpd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "universities.gpkg"
    ...     write_empty_layer(path, "universities", "EPSG:32632")
    ...     frame = gpd.read_file(path)
    >>> len(frame), frame["opened_year"].dtype.kind, "name" in frame, "existed_1999" in frame
    (0, 'i', True, False)
    """
    import geopandas as gpd
    import pandas as pd
    import pyogrio

    table = LAYERS[name]
    wanted = {"", *(["korea"] if is_korean(crs) else []), *(["korea", "1999"] * every_column)}
    columns = {column.name: _no_values(column) for column in table.columns if column.only in wanted}
    frame = gpd.GeoDataFrame(pd.DataFrame(columns), geometry=gpd.GeoSeries([], crs=crs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.write_dataframe(frame, path, layer=name, geometry_type=_geometry(table))


def _no_values(column: Column) -> object:
    import pandas as pd

    return pd.Series([], dtype=_DTYPES[column.kind])


def _geometry(table: Table) -> str:
    if "Point" in table.geometry:
        return "Point"
    return next(name for name in table.geometry if name.startswith("Multi"))
