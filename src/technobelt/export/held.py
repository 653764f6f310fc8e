"""What each format can hold of a table: the table as it will be read back, and what was changed.

Whatever a writer of GDAL would change in silence is changed here before, and said; so the file can
be compared with the table that `as_held` returns, to the last digit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.counting import counted
from technobelt.errors import GeometryError
from technobelt.export.columns import PlainColumn, iso_texts, plain_columns
from technobelt.schema import WGS84

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

__all__ = ["Held", "as_held"]

_DTYPES = {"boolean": "boolean", "integer": "Int64", "number": "float64", "text": "string"}
#: Characters that XML cannot hold, and those that GDAL does not escape in KML's names.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NOT_KML_NAME = re.compile("[\"'<>&\n\r\t]")
#: Names that mean something in a KML file: GDAL takes their values for that, or drops them.
_KML_OWN = frozenset(
    (
        *("timestamp", "begin", "end", "altitudemode", "tessellate", "extrude", "visibility"),
        *("draworder", "icon", "heading", "tilt", "roll", "model", "scale_x", "scale_y", "scale_z"),
        *("headxoffset", "headyoffset", "headzoffset", "snippet", "id", "open"),
        *("camera_longitude", "camera_latitude", "camera_altitude", "camera_altitudemode"),
        *("photooverlay", "imagepyramid_tilesize", "imagepyramid_maxwidth", "phonenumber"),
        *("imagepyramid_maxheight", "imagepyramid_gridorigin", "leftfov", "rightfov", "bottomfov"),
        *("topfov", "near", "shape", "networklink", "networklink_refreshvisibility", "address"),
        *("networklink_flytoview", "networklink_refreshmode", "networklink_refreshinterval"),
        *("networklink_viewrefreshmode", "networklink_viewrefreshtime", "range", "yaw"),
        *("networklink_viewboundscale", "networklink_viewformat", "networklink_httpquery"),
    )
)
_DIGITS = 7


@dataclass(frozen=True)
class Held:
    """A table as a format holds it.

    Attributes
    ----------
    frame
        Plain columns and ``geometry``, in the CRS of the file.
    names
        Names in the file by the names in the table that was handed in.
    notes
        What was changed, and whether anything is lost with it.
    """

    frame: gpd.GeoDataFrame
    names: dict[str, str]
    notes: list[tuple[str, bool]]


def as_held(frame: gpd.GeoDataFrame, suffix: str) -> Held:
    """Return a table as the format of that suffix holds it.

    Parameters
    ----------
    frame
        Any columns, a CRS.
    suffix
        One of ``.csv .fgb .geojson .gpkg .kml .parquet``.

    Raises
    ------
    GeometryError
        A shape has a coordinate that is no number, or cannot be brought to longitude and latitude.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> frame = gpd.GeoDataFrame({"x": [float("inf")]}, geometry=[shapely.Point(0, 0)], crs=4326)
    >>> as_held(frame, ".geojson").notes[0]
    ("column 'x': 1 infinite values as null", True)
    """
    held = _plain(frame)
    for step in _STEPS[suffix]:
        held = step(held)
    return held


def _plain(frame: gpd.GeoDataFrame) -> Held:
    """Return plain columns of unique names, the shapes in ``geometry``."""
    import geopandas as gpd

    columns = plain_columns(frame)
    notes = []
    for column in columns:
        if column.name != column.label:
            notes.append((f"column '{column.label}' is written as '{column.name}'", False))
        notes += [(f"column '{column.name}': {note}", "taken out" in note) for note in column.notes]
    table = {column.name: _array(column) for column in columns}
    if not columns:
        table = {"row": pd.Series(range(1, len(frame) + 1), dtype="Int64")}
        notes.append(("added: column 'row', since the layer has none", False))
    shapes = frame.geometry.to_numpy()
    _refuse_endless(shapes)
    plain = gpd.GeoDataFrame(table, geometry=shapes, crs=frame.crs)
    return Held(plain, {column.label: column.name for column in columns}, notes)


def _array(column: PlainColumn) -> pd.Series[Any]:
    if column.kind != "datetime":
        return pd.Series(column.data, dtype=_DTYPES[column.kind])
    anywhere = any(value is not None and value.tzinfo is not None for value in column.data)
    return pd.to_datetime(pd.Series(column.data, dtype=object), utc=anywhere)


def _refuse_endless(shapes: NDArray[np.object_]) -> None:
    xy, rows = shapely.get_coordinates(shapes, return_index=True)
    bad = ~np.isfinite(xy).all(axis=1)
    if bad.any():
        raise GeometryError(
            f"the shape in row {rows[bad.argmax()] + 1} has a coordinate that is no number. Repair "
            "it, or leave the row without a shape (None)."
        )


# --- what is changed for one format or the other -------------------------------------------------


def _with(held: Held, columns: dict[str, Any], notes: list[tuple[str, bool]]) -> Held:
    return Held(held.frame.assign(**columns), held.names, [*held.notes, *notes])


def _times(held: Held) -> list[str]:
    return list(held.frame.select_dtypes(["datetime", "datetimetz"]).columns)


def _iso_times(held: Held) -> Held:
    """Write times as ISO text, where the format has no times or GDAL takes some away."""
    columns, notes = {}, []
    for name in _times(held):
        columns[name] = pd.Series(iso_texts(list(held.frame[name])), dtype="string")
        notes.append((f"column '{name}': dates and times as ISO text{_zone(held, name)}", False))
    return _with(held, columns, notes)


def _zone(held: Held, name: str) -> str:
    return "" if held.frame[name].dt.tz is None else ", in UTC"


def _milliseconds(held: Held) -> Held:
    """Cut times to the milliseconds of GDAL's binary formats, in UTC."""
    columns, notes = {}, []
    for name in _times(held):
        times = held.frame[name]
        cut = times.dt.floor("ms")
        columns[name] = cut
        zone = "without a time zone, marked as UTC" if times.dt.tz is None else "in UTC"
        notes.append((f"column '{name}': times {zone}", False))
        if (cut != times).fillna(value=False)[times.notna()].any():
            notes.append((f"column '{name}': times cut to milliseconds", True))
    return _with(held, columns, notes)


def _utc(held: Held) -> Held:
    zoned = [name for name in _times(held) if held.frame[name].dt.tz is not None]
    return _with(held, {}, [(f"column '{name}': times in UTC", False) for name in zoned])


def _finite(held: Held) -> Held:
    """Put null for infinite numbers, which JSON cannot hold."""
    numbers = held.frame.select_dtypes("float64")
    endless = numbers.isin([np.inf, -np.inf])
    counts = endless.sum()
    notes = [
        (f"column '{name}': {counts[name]} infinite values as null", True)
        for name in numbers.columns[endless.any()]
    ]
    return _with(held, dict(numbers.mask(endless)), notes)


def _degrees(held: Held) -> Held:
    """Bring the shapes to longitude and latitude."""
    moved = held.frame.to_crs(WGS84)
    _refuse_endless(moved.geometry.to_numpy())
    note = "longitude and latitude (WGS 84)"
    if held.frame.crs == moved.crs:
        return Held(moved, held.names, held.notes)
    return Held(moved, held.names, [*held.notes, (f"{note} instead of {_crs_name(held)}", False)])


def _crs_name(held: Held) -> str:
    return str(held.frame.crs.to_string() if held.frame.crs.to_epsg() else held.frame.crs.name)


def _seven_decimals(held: Held) -> Held:
    note = f"coordinates rounded to {_DIGITS} decimals of a degree (1 cm)"
    return _with(held, {}, [(note, False)] if len(held.frame) else [])


def _refuse_beyond_degrees(held: Held) -> Held:
    """Refuse what GDAL does not write, or wraps around the world."""
    beyond = np.abs(shapely.bounds(held.frame.geometry.to_numpy())) > (180, 90, 180, 90)
    rows = beyond.any(axis=1)
    if rows.any():
        raise GeometryError(
            f"the shape in row {rows.argmax() + 1} reaches beyond 180 degrees of longitude or 90 "
            "of latitude, which a .geojson cannot hold. Write a .gpkg or .parquet."
        )
    return held


def _without_specks(held: Held) -> Held:
    """Leave out parts that rounding makes a point or a line, of which GDAL makes other shapes."""
    shapes = held.frame.geometry.to_numpy().copy()
    rows = _rows_with_specks(shapes)
    if not len(rows):
        return held
    shapes[rows] = [_without_speck(shape) for shape in shapes[rows]]
    gone = int(shapely.is_missing(shapes[rows]).sum())
    said = "too small for 7 decimals of a degree (1 cm)"
    notes = [(f"{counted(gone, 'shape')} {said} left out", True)] if gone else []
    if gone < len(rows):
        notes.append((f"{counted(len(rows) - gone, 'shape')} without parts or holes {said}", True))
    frame = held.frame.set_geometry(shapes, crs=held.frame.crs)
    return Held(frame, held.names, [*held.notes, *notes])


def _rows_with_specks(shapes: NDArray[np.object_]) -> NDArray[np.intp]:
    parts, row = shapely.get_parts(shapes, return_index=True)
    kind = shapely.get_type_id(parts)
    rings, part = shapely.get_rings(parts, return_index=True)
    lines = np.concatenate([parts[kind == 1], rings])
    of_row = np.concatenate([row[kind == 1], row[part]])
    return np.unique(of_row[_are_specks(lines)])


def _are_specks(lines: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Whether rounding leaves a line no length, or a ring no area."""
    steps = shapely.transform(lines, lambda xy: np.round(xy * 10**_DIGITS))
    box = shapely.bounds(steps)
    specks: NDArray[np.bool_] = (box[:, :2] == box[:, 2:]).all(axis=1)
    rings = shapely.get_type_id(lines) == 2
    specks[rings] = shapely.area(shapely.polygons(steps[rings])) == 0
    return specks


def _without_speck(shape: Any) -> Any:
    """Return a shape without its parts and holes that are specks; None where nothing is left."""
    parts = shapely.get_parts(shape)
    of_lines = [part.exterior if part.geom_type == "Polygon" else part for part in parts]
    kept = parts[~_are_specks(np.array(of_lines))]
    whole = [_without_small_holes(part) for part in kept]
    if not whole:
        return None
    return type(shape)(whole) if shape.geom_type.startswith("Multi") else whole[0]


def _without_small_holes(part: Any) -> Any:
    if part.geom_type != "Polygon" or not part.interiors:
        return part
    holes = np.array(part.interiors)
    return shapely.polygons(part.exterior, holes[~_are_specks(holes)])


def _flat_measures(held: Held) -> Held:
    shapes = held.frame.geometry.to_numpy()
    measured = shapely.has_m(shapes)
    if not measured.any():
        return held
    plain = np.where(shapely.has_z(shapes), shapely.force_3d(shapes), shapely.force_2d(shapes))
    frame = held.frame.set_geometry(plain, crs=held.frame.crs)
    return Held(frame, held.names, [*held.notes, ("measures (M) left out", True)])


def _without_empty_shapes(held: Held) -> Held:
    """Leave out shapes without a point, which the format does not tell from none."""
    shapes = held.frame.geometry.to_numpy()
    empty = shapely.is_empty(shapes)
    if not empty.any():
        return held
    frame = held.frame.set_geometry(np.where(empty, None, shapes), crs=held.frame.crs)
    note = f"{int(empty.sum())} empty shapes as none"
    return Held(frame, held.names, [*held.notes, (note, True)])


def _shapeless(held: Held) -> Held:
    """Say how many rows stand nowhere."""
    missing = int(held.frame.geometry.isna().sum())
    note = f"{missing} {'row' if missing == 1 else 'rows'} without a shape"
    return _with(held, {}, [(note, False)] if missing else [])


def _sorted_rows(held: Held) -> Held:
    if held.frame.geometry.isna().any():
        return _with(
            held, {}, [("no spatial index, since it cannot hold rows without shape", False)]
        )
    note = "rows in the order of the spatial index, not of the table"
    return _with(held, {}, [(note, False)] if len(held.frame) > 1 else [])


def _empty_texts(held: Held) -> Held:
    columns, notes = {}, []
    for name in held.frame.select_dtypes("string").columns:
        empty = (held.frame[name] == "").fillna(value=False)
        if empty.any():
            columns[name] = held.frame[name].mask(empty)
            notes.append((f"column '{name}': {int(empty.sum())} empty texts as null", True))
    return _with(held, columns, notes)


def _typeless(held: Held) -> Held:
    return _with(held, {}, [("all values as text; the types of columns are not kept", False)])


def _untyped_when_empty(held: Held) -> Held:
    if len(held.frame):
        return held
    return _with(held, {}, [("no rows: the names and types of its columns are not kept", True)])


# --- KML -----------------------------------------------------------------------------------------


def _xml_texts(held: Held) -> Held:
    columns, notes = {}, []
    for name in held.frame.select_dtypes("string").columns:
        texts = held.frame[name]
        clean = texts.str.replace(_NOT_XML, " ", regex=True)
        clean = clean.str.replace("\r\n?", "\n", regex=True).str.strip(" \n")
        changed = (clean != texts).fillna(value=False)
        if changed.any():
            columns[name] = clean
            said = f"{int(changed.sum())} texts without control characters, or blanks at their ends"
            notes.append((f"column '{name}': {said}", True))
    return _with(held, columns, notes)


def _kml_numbers(held: Held) -> Held:
    """Keep 15 digits, as GDAL writes numbers into KML; integers become text there."""
    columns, notes = {}, []
    for name in held.frame.select_dtypes("float64").columns:
        numbers = held.frame[name]
        texts = [float(f"{value:.15g}") for value in numbers]
        rounded = pd.Series(texts, dtype="float64")
        if (rounded != numbers)[numbers.notna()].any():
            columns[name] = rounded
            notes.append((f"column '{name}': numbers to 15 digits", True))
    for name in held.frame.select_dtypes("Int64").columns:
        columns[name] = held.frame[name].astype("string")
        notes.append((f"column '{name}': integers as text", False))
    return _with(held, columns, notes)


def _kml_names(held: Held) -> Held:
    """Rename columns whose names mean something else in KML, or that XML cannot hold."""
    taken = {name.casefold() for name in held.frame.columns} | _KML_OWN
    new, notes = {}, []
    for name in held.frame.columns.drop("geometry"):
        wish = _NOT_KML_NAME.sub("_", _NOT_XML.sub(" ", name))
        if wish == name and not (name.casefold() in _KML_OWN and not _is_id(held, name)):
            continue
        while wish.casefold() in taken:
            wish += "_"
        taken.add(wish.casefold())
        new[name] = wish
        notes.append((f"column '{name}' is written as '{wish}'", False))
    names = {old: new.get(inner, inner) for old, inner in held.names.items()}
    return Held(held.frame.rename(columns=new), names, [*held.notes, *notes])


def _kml_valueless(held: Held) -> Held:
    """Leave out columns without any value, where no other makes GDAL write what they are."""
    own = {"name", "description", "id"}
    named = [one for one in held.frame.columns.drop("geometry") if one.casefold() not in own]
    if not named or held.frame[named].notna().any(axis=None) or held.frame.empty:
        return held
    notes = [(f"column '{name}' left out, since no row has a value in it", True) for name in named]
    return Held(held.frame.drop(columns=named), held.names, [*held.notes, *notes])


def _is_id(held: Held, name: str) -> bool:
    """Whether a column can be KML's own id: one plain word a row, none twice."""
    if name != "id":
        return False
    texts = held.frame[name].astype("string")
    plain = texts.str.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*").fillna(value=False)
    return bool(texts.is_unique and plain.all() and len(texts))


_STEPS: dict[str, tuple[Callable[[Held], Held], ...]] = {
    ".csv": (_shapeless, _iso_times, _degrees, _seven_decimals, _empty_texts, _typeless),
    ".fgb": (_milliseconds, _without_empty_shapes, _shapeless, _sorted_rows),
    ".geojson": (
        _iso_times, _finite, _flat_measures, _without_empty_shapes, _degrees,
        _refuse_beyond_degrees, _without_specks, _shapeless, _seven_decimals, _untyped_when_empty,
    ),
    ".gpkg": (_milliseconds, _shapeless),
    ".kml": (
        _iso_times, _xml_texts, _empty_texts, _kml_numbers, _kml_names,
        _kml_valueless, _flat_measures,
        _without_empty_shapes, _shapeless, _degrees, _untyped_when_empty,
    ),
    ".parquet": (_utc, _shapeless),
}  # fmt: skip
