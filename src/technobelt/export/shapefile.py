"""Shapefiles that arrive: names, encodings, widths and nulls taken care of, and said.

GDAL writes the shapes and the ``.prj``, `dbf` the table. Everything is read back with GDAL before
it replaces an older file.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.errors import CRSError, GeometryError, LayerError, OutputError
from technobelt.export.columns import PlainColumn, plain_columns
from technobelt.export.dbf import TEXT_BYTES, Encoding, Field, dbf_bytes, dbf_size, make_field
from technobelt.export.fields import dictionary_text, short_names
from technobelt.export.notes import Note, tell
from technobelt.writing import not_written, replace_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.export.symbols import Geometry

__all__ = ["SHAPEFILE_PARTS", "export_shapefile", "ready_frame", "write_shapefile"]

#: Offsets in a shapefile are signed 32-bit counts; most readers stop at 2 GB.
MAX_BYTES = 2**31 - 1

#: Of all that is said of a field, what cannot be had back from the shapefile.
_LOSSES = (f"texts cut at {TEXT_BYTES} bytes", "stand-ins or '?'", "infinite", "taken out")
#: What the .cpg says: ArcGIS, QGIS and GDAL all know the bare number of the Korean code page.
_CPG: dict[Encoding, str] = {"UTF-8": "UTF-8", "CP949": "949"}
#: Indexes and notes of an older file, which would lead readers of the new one astray.
_STALE = (
    ".sbn", ".sbx", ".qix", ".qpj", ".fbn", ".fbx", ".ain", ".aih", ".atx", ".ixs", ".mxs",
    ".idm", ".ind", ".cst", ".shp.xml",
)  # fmt: skip
#: All that may lie beside one shapefile, the dictionary of its fields and its style among it.
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".fields.csv", ".qml", *_STALE)
#: By shapely's type id.
_FAMILIES = {0: "point", 1: "line", 2: "line", 3: "polygon", 4: "point", 5: "line", 6: "polygon"}
_TYPES: dict[Geometry, str] = {
    "point": "Point",
    "line": "MultiLineString",
    "polygon": "MultiPolygon",
}
_PROMOTE: dict[int, Callable[[list[Any]], Any]] = {
    0: shapely.multipoints,
    1: shapely.multilinestrings,
    2: shapely.multilinestrings,
    3: shapely.multipolygons,
}


def export_shapefile(
    gdf: gpd.GeoDataFrame,
    path: str | Path,
    *,
    encoding: Encoding = "UTF-8",
    crs: Any = None,
) -> Path:
    """Write a layer as a shapefile, whole or not at all, and read it back.

    Beside the ``.shp`` come ``.shx``, ``.dbf``, ``.prj``, ``.cpg`` and a field dictionary,
    ``<name>.fields.csv``: short name, full name, type, width, unit, meaning and what was changed.

    What the format cannot hold is changed so, and said in the dictionary: names to at most ten
    bytes; text cut at a whole character within 254 bytes, blanks at its ends lost, empty text as
    null; true and false as 1 and 0; dates and times as ISO text; lists as JSON text; integers of
    more than 18 digits as text; infinite numbers as null. Null and NaN stay null; numbers keep
    every digit.

    Parameters
    ----------
    gdf
        Points, lines or polygons (single and multi may mix), any CRS. A named index becomes a
        field.
    path
        The ``.shp`` to write. An older one is replaced with its indexes.
    encoding
        Of the text: ``"UTF-8"``, or ``"CP949"`` for older Korean software; there a character
        that the code page lacks becomes its plain form (``(c)``, ``e``) or ``?``.
    crs
        The CRS to write in; None keeps the frame's.

    Returns
    -------
    pathlib.Path
        The ``.shp``.

    Raises
    ------
    LayerError
        The frame has no rows.
    CRSError
        It has no CRS.
    GeometryError
        Its shapes are of several types, not finite, or missing altogether.
    OutputError
        It is too large for a shapefile, cannot be written, or does not read back the same.

    Examples
    --------
    >>> import technobelt as tb
    >>> import tempfile
    >>> import geopandas as gpd, shapely
    >>> zones = gpd.GeoDataFrame(
    ...     {"zone_id": ["E"], "특성": ["자동차"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=5179
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shp = tb.export_shapefile(zones, f"{folder}/zones.shp")
    ...     print(*sorted(file.name for file in shp.parent.iterdir()))
    zones.cpg zones.dbf zones.fields.csv zones.prj zones.shp zones.shx
    """
    target = _shp_path(path)
    tell(write_shapefile(ready_frame(gdf, target, crs=crs), target, encoding=encoding))
    return target


def write_shapefile(
    frame: gpd.GeoDataFrame,
    target: Path,
    *,
    encoding: Encoding = "UTF-8",
    kind: Geometry | None = None,
    qml: Callable[[dict[str, str]], str] | None = None,
) -> list[Note]:
    """Write a shapefile, and say what it holds otherwise; see `export_shapefile`.

    Parameters
    ----------
    frame
        From `ready_frame`.
    target
        The ``.shp``.
    encoding
        Of the text.
    kind
        Of the shapes of a layer without rows, which is refused where it is not known.
    qml
        Called with the names of fields by those of columns, returns the style for the ``.qml``.
    """
    shapes, notes = _shapes_for_shapefile(frame.geometry.to_numpy(), target.name, kind)
    fields = _fields(frame, encoding)
    _check_size(shapes, fields, target.name)
    stale = [target.with_suffix(suffix).name for suffix in _STALE]
    with replace_files(target.parent, stale=stale) as folder:
        scratch = folder / target.name
        _write_shapes(shapes, frame.crs, scratch, kind)
        scratch.with_suffix(".dbf").write_bytes(dbf_bytes(fields, encoding))
        scratch.with_suffix(".cpg").write_text(_CPG[encoding], encoding="ascii")
        _write_dictionary(scratch, dictionary_text(fields, notes))
        if qml is not None:
            names = {field.column.label: field.name for field in fields}
            scratch.with_suffix(".qml").write_text(qml(names), encoding="utf-8")
        _check_written(scratch, shapes, fields)
    return _said(target.name, fields, notes)


def ready_frame(gdf: gpd.GeoDataFrame, target: Path, *, crs: Any = None) -> gpd.GeoDataFrame:
    """Refuse a frame without a CRS; return it in the CRS asked for.

    Raises
    ------
    CRSError
        It has no CRS, or there is none of that name.
    """
    if gdf.crs is None:
        raise CRSError(
            f"cannot write '{target.name}': the layer has no coordinate reference system. "
            "Set it first: gdf.set_crs('EPSG:...')."
        )
    return gdf if crs is None else gdf.to_crs(_known_crs(crs))


def _known_crs(crs: Any) -> Any:
    import pyproj

    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise CRSError(
            f"no coordinate reference system {crs!r}. Write e.g. EPSG:5179 or EPSG:4326."
        ) from error


def _shp_path(path: str | Path) -> Path:
    target = Path(path)
    if target.suffix.lower() == ".shp":
        return target.with_suffix(".shp")
    if not target.suffix:
        return target.with_suffix(".shp")
    raise OutputError(f"a shapefile's name ends in .shp; found '{target.name}'.")


def _shapes_for_shapefile(
    shapes: NDArray[np.object_], name: str, kind: Geometry | None
) -> tuple[NDArray[np.object_], list[str]]:
    """Return multi-part shapes of one type, with what had to be changed."""
    if not len(shapes):
        if kind is None:
            raise LayerError(f"nothing to write to '{name}': the layer has no rows.")
        return shapes, []
    notes = []
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if empty.all():
        raise GeometryError(f"cannot write '{name}': no row has a shape.")
    if empty.any():
        shapes = shapes.copy()
        shapes[empty] = None
        count = int(empty.sum())
        notes.append(f"{count} {'row' if count == 1 else 'rows'} without a shape")
    _check_shapes(shapes[~empty], name)
    if shapely.has_m(shapes[~empty]).any():
        notes.append("measures (M) left out")
    deep = bool(shapely.has_z(shapes[~empty]).any())
    shapes = shapely.force_3d(shapes) if deep else shapely.force_2d(shapes)
    return _as_multi(shapes), notes


def _check_shapes(shapes: NDArray[np.object_], name: str) -> None:
    ids = np.unique(shapely.get_type_id(shapes))
    families = sorted({_FAMILIES.get(int(i), "geometry collection") for i in ids})
    if families != families[:1] or families == ["geometry collection"]:
        raise GeometryError(
            f"cannot write '{name}': a shapefile holds points, lines or polygons; found "
            f"{' and '.join(f'{family}s' for family in families)}. "
            "Write one file for each type, or a .gpkg."
        )
    if not np.isfinite(shapely.get_coordinates(shapes)).all():
        raise GeometryError(f"cannot write '{name}': a shape has a coordinate that is no number.")


def _as_multi(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Make every line and polygon multi-part, and points where they mix with multi-points."""
    ids = shapely.get_type_id(shapes)
    out = shapes.copy()
    for kind, promote in _PROMOTE.items():
        if kind == 0 and not (ids == 4).any():
            continue
        for at in np.flatnonzero(ids == kind):
            out[at] = promote([shapes[at]])
    return out


def _fields(frame: gpd.GeoDataFrame, encoding: Encoding) -> list[Field]:
    columns = plain_columns(frame)
    if not columns:
        note = ("added: a shapefile needs a field",)
        columns = [PlainColumn("row", "row", "integer", list(range(1, len(frame) + 1)), note)]
    names = short_names([column.name for column in columns], encoding)
    return [make_field(column, name, encoding) for column, name in zip(columns, names, strict=True)]


def _check_size(shapes: NDArray[np.object_], fields: Sequence[Field], name: str) -> None:
    """Refuse before anything is written; the shapes' size is the least that they can have."""
    table = dbf_size(fields, len(shapes))
    outlines = 100 + 16 * int(shapely.get_num_coordinates(shapes).sum())
    if max(table, outlines) > MAX_BYTES:
        raise OutputError(
            f"'{name}' would have {max(table, outlines) / 2**30:.1f} GB; a shapefile ends at 2 GB. "
            "Write a .gpkg, or fewer rows."
        )


def _write_shapes(
    shapes: NDArray[np.object_], crs: Any, scratch: Path, kind: Geometry | None
) -> None:
    import geopandas as gpd
    import pyogrio

    frame = gpd.GeoDataFrame(
        {"row": np.arange(len(shapes), dtype="int32")}, geometry=shapes, crs=crs
    )
    typed = {} if len(shapes) or kind is None else {"geometry_type": _TYPES[kind]}
    try:
        pyogrio.write_dataframe(frame, scratch, driver="ESRI Shapefile", **typed)
    except (RuntimeError, ValueError) as error:
        raise not_written(scratch.name, error) from error
    if not scratch.with_suffix(".prj").is_file():
        raise OutputError(
            f"the CRS of '{scratch.name}' cannot be said in a .prj file. Write it in another crs."
        )


def _write_dictionary(scratch: Path, text: str) -> None:
    """Mark the file as UTF-8 where it matters, or Excel shows Korean names as noise."""
    encoding = "utf-8" if text.isascii() else "utf-8-sig"
    scratch.with_suffix(".fields.csv").write_text(text, encoding=encoding, newline="")


def _check_written(scratch: Path, shapes: NDArray[np.object_], fields: Sequence[Field]) -> None:
    """Read back with GDAL and compare rows, names, values and shapes."""
    import pyogrio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # what GDAL mends is found out below
            _, table = pyogrio.read_arrow(scratch)
    except (RuntimeError, ValueError, UnicodeDecodeError) as error:
        raise OutputError(f"'{scratch.name}' could not be read back: {error}.") from error
    if table.num_rows != len(shapes):
        raise _differs(scratch, f"{len(shapes)} rows were written, {table.num_rows} read back")
    names = [field.name for field in fields]
    if table.column_names[:-1] != names:
        raise _differs(scratch, f"fields {names} came back as {table.column_names[:-1]}")
    for field in fields:
        _check_values(scratch, field, table.column(field.name).to_pylist())
    _check_same_shapes(scratch, shapes, table.column(len(fields)).to_pylist())


def _check_values(scratch: Path, field: Field, read: list[Any]) -> None:
    if read != field.expected:
        same = [old == new for old, new in zip(field.expected, read, strict=True)]
        raise _differs(scratch, f"field '{field.name}' differs in row {same.index(False) + 1}")


def _check_same_shapes(scratch: Path, shapes: NDArray[np.object_], written: list[Any]) -> None:
    read = _as_multi(shapely.from_wkb(np.array(written, dtype=object)))
    same = shapely.equals_exact(shapely.normalize(read), shapely.normalize(shapes), tolerance=0)
    same |= shapely.is_missing(read) & shapely.is_missing(shapes)
    if not same.all():
        row = int((~same).argmax())
        raise GeometryError(
            f"'{scratch.name}' did not read back as written: the shape in row {row + 1} came back "
            f"another ({shapely.is_valid_reason(shapes[row])}; repair it with shapely.make_valid). "
            "Nothing was replaced; write a .gpkg."
        )


def _differs(scratch: Path, what: str) -> OutputError:
    return OutputError(
        f"'{scratch.name}' did not read back as written: {what}. "
        "Nothing was replaced; write a .gpkg."
    )


def _said(name: str, fields: Sequence[Field], notes: Sequence[str]) -> list[Note]:
    """Return what the fields' dictionary says of changes, and which of them are losses."""
    of_fields = [
        Note(name, f"field '{field.name}': {note}", any(word in note for word in _LOSSES))
        for field in fields
        for note in field.notes
    ]
    short = [
        Note(name, f"field '{field.name}': short for '{field.column.label}'", loss=False)
        for field in fields
        if field.name != field.column.label
    ]
    return [
        *short,
        *of_fields,
        *(Note(name, note, "without a shape" not in note) for note in notes),
    ]
