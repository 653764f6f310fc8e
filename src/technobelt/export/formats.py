"""One layer to any format, many layers to one GeoPackage, and the licence that goes with them.

Every file is written beside its destination, read back and counted, and only then replaces an
older one. GDAL's clock is stopped, so that the same layers make the same bytes.
"""

from __future__ import annotations

import logging
import re
import shutil
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from technobelt.errors import OutputError, TechnobeltError
from technobelt.export.columns import PlainColumn, iso_texts, plain_columns
from technobelt.export.shapefile import export_shapefile, ready_frame
from technobelt.schema import WGS84
from technobelt.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import geopandas as gpd

    from technobelt.export.dbf import Encoding

__all__ = ["write_geopackage", "write_layer", "write_licence"]

_log = logging.getLogger(__name__)

#: The time of writing that GeoPackages carry: a fixed one.
_WRITTEN = "2000-01-01T00:00:00.000Z"
#: The newest version that GDAL 3.2, and so QGIS 3.22 anywhere, reads without a warning.
_GPKG_VERSION = "1.2"
#: Characters that XML cannot hold, and those that GDAL does not escape in KML's names.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NOT_KML_NAME = re.compile("[\"'<>&]")

_DTYPES = {"boolean": "boolean", "integer": "Int64", "number": "float64", "text": "string"}

_STYLES_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
    f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME
);
INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change)
    VALUES ('layer_styles', 'attributes', 'layer_styles', '{written}');
"""
_STYLE_ROW = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column,
    styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time)
    VALUES ('', '', ?, 'geom', ?, ?, '', 1, '', '', ?)
"""


def write_layer(
    gdf: gpd.GeoDataFrame,
    path: str | Path,
    *,
    layer: str | None = None,
    append: bool = False,
    encoding: Encoding = "UTF-8",
    crs: Any = None,
) -> Path:
    """Write a layer in the format that the suffix names, whole or not at all.

    ``.gpkg``, ``.fgb``, ``.parquet`` and ``.shp`` keep the frame's CRS; ``.geojson`` (RFC 7946, 7
    decimals), ``.kml`` and ``.csv`` are in longitude and latitude. A ``.csv`` of points has the
    columns ``lon`` and ``lat``, of other shapes ``wkt``. A ``.fgb`` is sorted for its index,
    which it only has if every row has a shape.

    Parameters
    ----------
    gdf
        At least one row, any CRS. A named index becomes a column.
    path
        The file; replaced if it is there.
    layer
        Name of the layer in the file, where the format has one; None takes the file's name.
    append
        Keep the other layers of a ``.gpkg`` that is there already.
    encoding
        Of a shapefile's text.
    crs
        The CRS to write in, where the format leaves the choice; None keeps the frame's.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    LayerError, CRSError
        The frame has no rows or no CRS.
    OutputError
        The suffix is unknown, or the file cannot be written or does not read back whole.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd, shapely
    >>> hubs = gpd.GeoDataFrame({"id": ["UNI04"]}, geometry=[shapely.Point(128.9, 35.25)], crs=4326)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_layer(hubs, f"{folder}/hubs.csv").read_text(), end="")
    id,lon,lat
    UNI04,128.9,35.25
    """
    target = Path(path)
    suffix = target.suffix.lower()
    _check_suffix(target, suffix, append=append)
    if suffix == ".shp":
        return export_shapefile(gdf, target, encoding=encoding, crs=crs)
    frame = _plain_frame(ready_frame(gdf, target, crs=crs))
    with replace_file(target) as scratch, _gdal(target.name):
        if append and target.is_file():
            shutil.copyfile(target, scratch)
        _WRITERS[suffix](frame, scratch, layer or target.stem)
        _check_rows(frame, scratch, layer or target.stem)
    return target


def write_geopackage(
    layers: Mapping[str, gpd.GeoDataFrame],
    path: str | Path,
    *,
    styles: Mapping[str, str] | None = None,
) -> Path:
    """Write many layers into one GeoPackage, with the styles in which QGIS opens them.

    Parameters
    ----------
    layers
        Layers by name, in the order in which they shall stand.
    path
        The ``.gpkg``; replaced as a whole.
    styles
        QML text by layer, e.g. from `layer_qml`; goes into the table ``layer_styles``, from which
        QGIS takes a layer's default style.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    LayerError, CRSError
        A layer has no rows or no CRS, or there is no layer.
    OutputError
        The file cannot be written, or a style has no layer.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd, pyogrio, shapely
    >>> hubs = gpd.GeoDataFrame({"id": ["UNI04"]}, geometry=[shapely.Point(128.9, 35.25)], crs=4326)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write_geopackage({"hubs": hubs, "again": hubs}, f"{folder}/layers.gpkg")
    ...     print(pyogrio.list_layers(file)[:, 0].tolist())
    ['hubs', 'again']
    """
    target = Path(path)
    _check_layers(layers, styles or {}, target)
    with replace_file(target) as scratch, _gdal(target.name):
        for name, gdf in layers.items():
            frame = _plain_frame(ready_frame(gdf, Path(f"{target.name}: {name}")))
            _write_gpkg(frame, scratch, name)
            _check_rows(frame, scratch, name)
        if styles:
            _write_styles(styles, scratch)
    return target


def write_licence(folder: str | Path, attribution: Sequence[str], *, name: str = "LICENCE") -> Path:
    """Write the licence file that every export carries: sources, and what they ask for.

    Parameters
    ----------
    folder
        Where the other files are.
    attribution
        One source a line, e.g. a region's ``attribution``.
    name
        The file's name; beside a single file rather ``<its name>.LICENCE.txt``, so that no other
        licence there is replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     text = write_licence(home, ["Roads: © OpenStreetMap contributors"]).read_text()
    >>> "derived database" in text
    True
    """
    target = Path(folder) / name
    sources = "\n".join(f"- {line}" for line in attribution)
    with replace_file(target) as scratch:
        scratch.write_text(_LICENCE.format(sources=sources), encoding="utf-8")
    return target


_LICENCE = """\
Sources of the data in this folder
==================================

{sources}

What they ask for
-----------------

OpenStreetMap. The road table is a derived database of OpenStreetMap, and so are the land use and
the sites taken from it. They are made available under the Open Database Licence 1.0
(https://opendatacommons.org/licenses/odbl/1-0/). You may copy, change and pass them on if you
name the source, "© OpenStreetMap contributors" (https://www.openstreetmap.org/copyright), and
pass on a changed database under the same licence. Maps, travel times, isochrones and zones made
from them are produced works: show the same notice with them.

Others. Where a table has the columns "source" and "licence", they hold for its rows.

No warranty. Positions, dates, speeds and outlines carry the errors that the tables and the report
state; nothing here is a legal boundary.
"""


def _check_suffix(target: Path, suffix: str, *, append: bool) -> None:
    known = LAYER_SUFFIXES
    if suffix not in known:
        raise OutputError(
            f"cannot write '{target.name}': no format for the suffix '{target.suffix}'. "
            f"Choose one of {', '.join(known)}."
        )
    if append and suffix != ".gpkg":
        raise OutputError(
            f"cannot append to '{target.name}': only a .gpkg holds more than one layer. "
            "Write another file."
        )


def _check_layers(
    layers: Mapping[str, gpd.GeoDataFrame], styles: Mapping[str, str], target: Path
) -> None:
    if not layers:
        raise OutputError(f"nothing to write to '{target.name}': there is no layer.")
    names = [name.casefold() for name in layers]
    if len(set(names)) < len(names) or "layer_styles" in names:
        raise OutputError(
            f"cannot write '{target.name}': layer names must differ in more than case, and "
            f"'layer_styles' is QGIS's own; found {', '.join(layers)}."
        )
    homeless = [name for name in styles if name not in layers]
    if homeless:
        raise OutputError(
            f"cannot write '{target.name}': a style for '{homeless[0]}', but no such layer; "
            f"the layers are {', '.join(layers)}."
        )


@contextmanager
def _gdal(name: str) -> Iterator[None]:
    """Stop GDAL's clock, and turn its errors into ours."""
    import pyogrio

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN})
    try:
        yield
    except (RuntimeError, ValueError, sqlite3.Error) as error:
        if isinstance(error, TechnobeltError):
            raise
        raise OutputError(f"'{name}' could not be written: {error}.") from error
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _plain_frame(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame with plain columns of unique names, its shapes in ``geometry``."""
    import geopandas as gpd

    columns = plain_columns(frame)
    for column in columns:
        if column.name != column.label:
            _log.warning("column '%s' is written as '%s'", column.label, column.name)
    table = {column.name: _array(column) for column in columns}
    return gpd.GeoDataFrame(table, geometry=frame.geometry.to_numpy(), crs=frame.crs)


def _array(column: PlainColumn) -> pd.Series:
    if column.kind != "datetime":
        return pd.Series(column.data, dtype=_DTYPES[column.kind])
    anywhere = any(value is not None and value.tzinfo is not None for value in column.data)
    return pd.to_datetime(pd.Series(column.data, dtype=object), utc=anywhere)


def _with_iso_times(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    times = frame.select_dtypes(["datetime", "datetimetz"]).columns
    texts = {name: pd.Series(iso_texts(list(frame[name])), dtype="string") for name in times}
    return frame.assign(**texts)


def _without_infinity(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put null for infinite numbers, which JSON cannot hold, and say so."""
    numbers = frame.select_dtypes("float64")
    endless = numbers.isin([float("inf"), float("-inf")])
    for name in numbers.columns[endless.any()]:
        _log.warning("column '%s': infinite values are written as null", name)
    return frame.assign(**numbers.mask(endless))


def _write_gpkg(frame: gpd.GeoDataFrame, scratch: Path, layer: str) -> None:
    import pyogrio

    fresh = {} if scratch.is_file() else {"dataset_options": {"VERSION": _GPKG_VERSION}}
    names = {"FID": "fid", "GEOMETRY_NAME": "geom"}
    pyogrio.write_dataframe(
        frame, scratch, layer=layer, driver="GPKG", layer_options=names, **fresh
    )


def _write_fgb(frame: gpd.GeoDataFrame, scratch: Path, layer: str) -> None:
    import pyogrio

    index = "NO" if frame.geometry.isna().any() else "YES"  # it cannot hold what stands nowhere
    pyogrio.write_dataframe(
        frame, scratch, layer=layer, driver="FlatGeobuf", layer_options={"SPATIAL_INDEX": index}
    )


def _write_geojson(frame: gpd.GeoDataFrame, scratch: Path, layer: str) -> None:
    import pyogrio

    options = {"RFC7946": "YES", "COORDINATE_PRECISION": "7"}
    degrees = _without_infinity(_with_iso_times(frame)).to_crs(WGS84)
    pyogrio.write_dataframe(degrees, scratch, layer=layer, driver="GeoJSON", layer_options=options)


def _write_kml(frame: gpd.GeoDataFrame, scratch: Path, layer: str) -> None:
    import pyogrio

    degrees = _with_iso_times(frame).to_crs(WGS84)
    texts = degrees.select_dtypes("string").columns
    degrees = degrees.assign(
        **{name: degrees[name].str.replace(_NOT_XML, " ", regex=True) for name in texts}
    )
    degrees = degrees.rename(columns=lambda name: _NOT_KML_NAME.sub("_", _NOT_XML.sub(" ", name)))
    pyogrio.write_dataframe(degrees, scratch, layer=_NOT_KML_NAME.sub("_", layer), driver="LIBKML")


def _write_parquet(frame: gpd.GeoDataFrame, scratch: Path, _layer: str) -> None:
    frame.to_parquet(scratch, index=False, compression="zstd")


def _write_csv(frame: gpd.GeoDataFrame, scratch: Path, _layer: str) -> None:
    """Mark the file as UTF-8 where it matters, or Excel shows Korean names as noise."""
    import shapely

    degrees = _with_iso_times(frame).to_crs(WGS84)
    table = pd.DataFrame(degrees.drop(columns="geometry"))
    taken = {name.casefold() for name in table.columns}
    if (degrees.geom_type.dropna() == "Point").all():
        table[_free("lon", taken)] = degrees.geometry.x.round(7)
        table[_free("lat", taken)] = degrees.geometry.y.round(7)
    else:
        table[_free("wkt", taken)] = shapely.to_wkt(
            degrees.geometry.to_numpy(), rounding_precision=7
        )
    text = table.to_csv(index=False, lineterminator="\n")
    scratch.write_text(text, encoding="utf-8" if text.isascii() else "utf-8-sig", newline="")


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_wgs84"
    return name


_WRITERS: dict[str, Callable[[gpd.GeoDataFrame, Path, str], None]] = {
    ".csv": _write_csv,
    ".fgb": _write_fgb,
    ".geojson": _write_geojson,
    ".gpkg": _write_gpkg,
    ".kml": _write_kml,
    ".parquet": _write_parquet,
}
#: Endings of the files that `write_layer` writes.
LAYER_SUFFIXES = sorted([".shp", *_WRITERS])


def _check_rows(frame: gpd.GeoDataFrame, scratch: Path, layer: str) -> None:
    """Count the rows in the file, with a reader that did not write it where there is one."""
    found = _count(scratch, layer)
    if found != len(frame):
        raise OutputError(
            f"'{scratch.name}' did not read back as written: {len(frame)} rows were written, "
            f"{found} read back. Nothing was replaced."
        )


def _count(scratch: Path, layer: str) -> int:
    import pyogrio

    if scratch.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq

        return int(pq.read_metadata(scratch).num_rows)
    if scratch.suffix.lower() == ".csv":
        return len(pd.read_csv(scratch, dtype=str))
    inside = layer if scratch.suffix.lower() == ".gpkg" else None
    return int(pyogrio.read_info(scratch, layer=inside, force_feature_count=True)["features"])


def _write_styles(styles: Mapping[str, str], scratch: Path) -> None:
    """Add QGIS's table of styles, as QGIS itself lays it out."""
    with closing(sqlite3.connect(scratch)) as database, database:
        database.executescript(_STYLES_TABLE.format(written=_WRITTEN))
        rows = [(name, name[:30], qml, _WRITTEN) for name, qml in styles.items()]
        database.executemany(_STYLE_ROW, rows)
