"""One layer to any format, and many layers to one GeoPackage.

Every file is written beside its destination, read back and compared, and only then replaces an
older one. GDAL's clock is stopped, so that the same layers make the same bytes.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from technobelt.errors import OutputError, TechnobeltError
from technobelt.export.drivers import WRITERS, layer_name
from technobelt.export.held import as_held
from technobelt.export.looks import families_or_schema, look_of, look_qml
from technobelt.export.notes import Note, tell
from technobelt.export.readback import check_same
from technobelt.export.shapefile import ready_frame, write_shapefile
from technobelt.export.styles import is_ours
from technobelt.writing import not_written, replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import geopandas as gpd

    from technobelt.export.dbf import Encoding

__all__ = ["LAYER_SUFFIXES", "STYLED_SUFFIXES", "Inside", "write_geopackage", "write_layer"]

#: Endings of the files that `write_layer` writes.
LAYER_SUFFIXES = sorted([".shp", *WRITERS])
#: Endings of files beside which QGIS looks for a ``.qml``.
STYLED_SUFFIXES = (".fgb", ".geojson", ".kml", ".parquet", ".shp")
#: The time of writing that GeoPackages carry: a fixed one.
_WRITTEN = "2000-01-01T00:00:00.000Z"

#: The table of styles.
_STYLES = "layer_styles"
_STYLES_TABLE = """
CREATE TABLE IF NOT EXISTS layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
    f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME
);
INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, last_change)
    VALUES ('layer_styles', 'attributes', 'layer_styles', '{written}');
"""
_STYLE_ROW = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column,
    styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time)
    VALUES ('', '', ?, 'geom', ?, ?, '', 1, '', '', ?)
"""


@dataclass(frozen=True)
class Inside:
    """What a layer is called in a file.

    Attributes
    ----------
    layer
        Its name there.
    columns
        Names of its columns there, by their names in the table.
    """

    layer: str
    columns: dict[str, str]


def write_layer(
    gdf: gpd.GeoDataFrame,
    path: str | Path,
    *,
    layer: str | None = None,
    append: bool = False,
    encoding: Encoding = "UTF-8",
    crs: Any = None,
    styled: bool = False,
    said: Callable[[Note], None] | None = None,
) -> Path:
    """Write a layer in the format that the suffix names, whole or not at all.

    ``.gpkg``, ``.fgb``, ``.parquet`` and ``.shp`` keep the frame's CRS; ``.geojson`` (RFC 7946, 7
    decimals), ``.kml`` and ``.csv`` are in longitude and latitude. A ``.csv`` of points has the
    columns ``lon`` and ``lat``, of other shapes ``wkt``. A ``.fgb`` is sorted for its index,
    which it only has if every row has a shape. Lists and dictionaries become JSON text. What else a
    format holds otherwise, or not at all, is said (`said`); what comes back another without having
    been said is an error.

    Parameters
    ----------
    gdf
        Any CRS. A named index becomes a column. Without rows, the file has the columns alone, where
        the format can hold them.
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
    styled
        Add the style that technobelt has for a layer of that name: a ``.qml`` beside the file, or
        within a ``.gpkg``. A ``.qml`` that another program wrote is kept.
    said
        Called with each `Note` on what the file holds otherwise; None logs them.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    LayerError, CRSError
        The frame has no CRS; or no rows, and the shapefile's type of shapes is not known.
    GeometryError
        A shape has a coordinate that is no number, or the format cannot hold it.
    OutputError
        The suffix is unknown, or the file cannot be written or does not read back whole.

    Examples
    --------
    >>> import technobelt as tb
    >>> import tempfile
    >>> import geopandas as gpd, shapely
    >>> hubs = gpd.GeoDataFrame({"id": ["UNI04"]}, geometry=[shapely.Point(128.9, 35.25)], crs=4326)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(tb.write_layer(hubs, f"{folder}/hubs.csv").read_text(), end="")
    id,lon,lat
    UNI04,128.9,35.25
    """
    target = Path(path)
    suffix = target.suffix.lower()
    _check_suffix(target, suffix, append=append)
    name = layer or target.stem
    frame = ready_frame(gdf, target, crs=crs)
    look = look_of(name, frame) if styled else None
    beside = target.with_suffix(".qml")
    notes = []
    if look is not None and suffix in STYLED_SUFFIXES and not is_ours(beside):
        notes.append(Note(beside.name, "kept, since another program wrote it", loss=False))
        look = None

    def qml(names: dict[str, str]) -> str:
        return look_qml(look, name, frame, names) if look else ""

    if suffix == ".shp":
        kind = next(iter(families_or_schema(name, frame)), None)
        notes += write_shapefile(
            frame, target, encoding=encoding, kind=kind, qml=qml if look else None
        )
    else:
        held = as_held(frame, suffix)
        with replace_file(target) as scratch, _gdal(target.name):
            if append and target.is_file():
                shutil.copyfile(target, scratch)
            inside = layer_name(name, suffix)
            WRITERS[suffix](held.frame, scratch, inside)
            check_same(held.frame, scratch, inside)
            notes += _renamed(target.name, name, inside)
            if look is not None and suffix == ".gpkg":
                _write_styles({inside: qml(held.names)}, scratch)
            elif look is not None and suffix in STYLED_SUFFIXES:
                scratch.with_suffix(".qml").write_text(qml(held.names), encoding="utf-8")
        notes += [Note(target.name, text, loss) for text, loss in held.notes]
    tell(notes, said)
    return target


def write_geopackage(
    layers: Mapping[str, gpd.GeoDataFrame],
    path: str | Path,
    *,
    styled: bool = False,
    crs: Any = None,
    progress: Callable[[str], None] | None = None,
    said: Callable[[Note], None] | None = None,
) -> dict[str, Inside]:
    """Write many layers into one GeoPackage, with the styles in which QGIS opens them.

    Parameters
    ----------
    layers
        Layers by name, in the order in which they shall stand.
    path
        The ``.gpkg``; replaced as a whole.
    styled
        Add the styles that technobelt has for layers of those names: the table ``layer_styles``,
        from which QGIS takes a layer's default style.
    crs
        The CRS to write all layers in; None keeps each its own.
    progress
        Called with each layer's name.
    said
        Called with each `Note` on what the file holds otherwise; None logs them.

    Returns
    -------
    dict
        What each layer and its columns are called in the file, by its name. Names that differ only
        in case, and signs with which a GeoPackage's layer cannot begin, make them others.

    Raises
    ------
    CRSError
        A layer has no CRS.
    OutputError
        There is no layer, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd, pyogrio, shapely
    >>> hubs = gpd.GeoDataFrame({"id": ["UNI04"]}, geometry=[shapely.Point(128.9, 35.25)], crs=4326)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = f"{folder}/layers.gpkg"
    ...     print(write_geopackage({"hubs": hubs, "<new>": hubs}, file)["<new>"])
    ...     print(pyogrio.list_layers(file)[:, 0].tolist())
    Inside(layer='_new>', columns={'id': 'id'})
    ['hubs', '_new>']
    """
    target = Path(path)
    _check_layers(layers, target)
    called = _table_names(layers)
    found: dict[str, Inside] = {}
    styles: dict[str, str] = {}
    notes = []
    with replace_file(target) as scratch, _gdal(target.name):
        for name, gdf in layers.items():
            if progress is not None:
                progress(name)
            file, table = f"{target.name}: {name}", called[name]
            held = as_held(ready_frame(gdf, Path(file), crs=crs), ".gpkg")
            WRITERS[".gpkg"](held.frame, scratch, table)
            check_same(held.frame, scratch, table)
            found[name] = Inside(table, held.names)
            look = look_of(name, gdf) if styled else None
            if look is not None:
                styles[table] = look_qml(look, name, gdf, held.names)
            notes += _renamed(target.name, name, table)
            notes += [Note(file, text, loss) for text, loss in held.notes]
        if styles:
            _write_styles(styles, scratch)
    tell(notes, said)
    return found


def _table_names(layers: Iterable[str]) -> dict[str, str]:
    """Return what layers are called in a GeoPackage, where no two may be called the same."""
    called: dict[str, str] = {}
    taken = {_STYLES, *(name.casefold() for name in layers if layer_name(name, ".gpkg") == name)}
    for name in layers:
        clean = layer_name(name, ".gpkg")
        free, number = clean, 2
        while free != name and free.casefold() in taken:
            free, number = f"{clean}_{number}", number + 1
        taken.add(free.casefold())
        called[name] = free
    return called


def _renamed(file: str, name: str, inside: str) -> list[Note]:
    if inside == name:
        return []
    return [Note(file, f"layer '{name}' is called '{inside}'", loss=False)]


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


def _check_layers(layers: Mapping[str, gpd.GeoDataFrame], target: Path) -> None:
    if not layers:
        raise OutputError(f"nothing to write to '{target.name}': there is no layer.")
    names = [name.casefold() for name in layers]
    if len(set(names)) < len(names) or _STYLES in names:
        raise OutputError(
            f"cannot write '{target.name}': layer names must differ in more than case, and "
            f"'{_STYLES}' is QGIS's own; found {', '.join(layers)}."
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
        # a refused name or CRS has nothing to do with the disk
        told = isinstance(error, ValueError) or type(error) is pyogrio.errors.DataLayerError
        raise not_written(name, error, disk=not told) from error
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _write_styles(styles: Mapping[str, str], scratch: Path) -> None:
    """Add QGIS's table of styles, as QGIS itself lays it out."""
    with closing(sqlite3.connect(scratch)) as database, database:
        database.executescript(_STYLES_TABLE.format(written=_WRITTEN))
        for name in styles:
            database.execute("DELETE FROM layer_styles WHERE f_table_name = ?", (name,))
        rows = [(name, name[:30], qml, _WRITTEN) for name, qml in styles.items()]
        database.executemany(_STYLE_ROW, rows)
