"""Columns of any kind -> the five kinds that GIS files share, with what was changed on the way.

A frame may hold lists, dictionaries, categories, two columns of one name or a ``NaN`` in a text.
Every writer of this package sees only what `plain_columns` makes of it: unique names, and lists of
plain Python values with None for null.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import geopandas as gpd

__all__ = ["Kind", "PlainColumn", "attributes", "iso_texts", "plain_columns", "unique_names"]

Kind = Literal["boolean", "integer", "number", "text", "datetime"]

#: Names that GDAL gives to row numbers and shapes; an attribute of that name is renamed.
RESERVED = frozenset({"fid", "ogc_fid", "geom", "geometry"})

_INT64 = range(-(2**63), 2**63)
_CONTAINERS = (list, dict, tuple, set, frozenset, np.ndarray)
#: What a text column may be made of, beside whole numbers, with a note of its own.
_SAID = (str, *_CONTAINERS, dt.date, dt.time, int)


@dataclass(frozen=True)
class PlainColumn:
    """One attribute column: what it was called, its unique name, its kind, values and changes."""

    label: str
    name: str
    kind: Kind
    data: list[Any]
    notes: tuple[str, ...] = ()


def plain_columns(frame: gpd.GeoDataFrame) -> list[PlainColumn]:
    """Return the attributes of a frame as plain values, in the frame's order.

    A named index that is not a column as well comes first. Further geometry columns become WKT.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> frame = gpd.GeoDataFrame(
    ...     {"id": ["a", None], "open": [True, None]}, geometry=[shapely.Point(0, 0)] * 2, crs=5179
    ... )
    >>> [(column.name, column.kind, column.data) for column in plain_columns(frame)]
    [('id', 'text', ['a', None]), ('open', 'boolean', [True, None])]
    """
    table = attributes(frame)
    labels = [_label(column) for column in table.columns]
    columns = [_plain(label, table.iloc[:, at]) for at, label in enumerate(labels)]
    names = unique_names(labels)
    return [replace(column, name=name) for column, name in zip(columns, names, strict=True)]


def attributes(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a frame's columns without its active geometry; a named index becomes columns."""
    named = [name for name in frame.index.names if name is not None]
    outer = [name for name in named if name not in frame.columns]
    table = pd.DataFrame(frame)
    table = table.loc[:, [column != frame.geometry.name for column in table.columns]]
    for name in reversed(outer):
        table.insert(0, name, frame.index.get_level_values(name), allow_duplicates=True)
    return table


def unique_names(labels: Iterable[str]) -> list[str]:
    """Return names that no reader confuses: not blank, not reserved, unique without case.

    Examples
    --------
    >>> unique_names(["id", "ID", "", "geom"])
    ['id', 'ID_2', 'column', 'geom_2']
    """
    taken = set(RESERVED)
    names = []
    for label in labels:
        base = label.strip() or "column"
        name, number = base, 2
        while name.casefold() in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name.casefold())
        names.append(name)
    return names


def iso_texts(times: Sequence[Any]) -> list[str | None]:
    """Return times as ISO text, as dates alone where none has a time of day.

    Examples
    --------
    >>> iso_texts([pd.Timestamp("2001-11-20"), None])
    ['2001-11-20', None]
    """
    texts = [None if pd.isna(time) else time.isoformat() for time in times]
    midnight = "T00:00:00"
    if all(text is None or text.endswith(midnight) for text in texts):
        return [None if text is None else text.removesuffix(midnight) for text in texts]
    return texts


def _label(column: object) -> str:
    parts = column if isinstance(column, tuple) else (column,)
    text = "_".join(str(part) for part in parts)
    text = unicodedata.normalize("NFC", _encodable(text))
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)


def _plain(label: str, series: pd.Series) -> PlainColumn:
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _plain_categories(label, series)
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "bif":
        return _plain_numbers(label, series)
    values = [_scalar(value) for value in series.astype(object)]
    kind = _kind([value for value in values if value is not None], series)
    changed = [_as(kind, value) for value in values]
    return PlainColumn(label, label, kind, changed, _notes(kind, values, changed))


def _plain_categories(label: str, series: pd.Series) -> PlainColumn:
    """Convert each category once."""
    plain = _plain(label, pd.Series(series.cat.categories))
    data = [None if code < 0 else plain.data[code] for code in series.cat.codes]
    return replace(plain, data=data)


def _plain_numbers(label: str, series: pd.Series) -> PlainColumn:
    """Convert what numpy holds without looking at every value."""
    if series.dtype.kind != "f":
        kind: Kind = "boolean" if series.dtype.kind == "b" else "integer"
        return PlainColumn(label, label, kind, series.tolist())
    if series.dtype in (np.float16, np.float32):  # 0.1, not 0.10000000149
        series = series.astype(str).astype(float)
    data = [None if math.isnan(value) else value for value in series.tolist()]
    return PlainColumn(label, label, "number", data)


def _scalar(value: Any) -> Any:
    """Return a Python value; None for every kind of null."""
    if isinstance(value, np.generic):
        value = value.item() if not isinstance(value, np.datetime64) else pd.Timestamp(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    return None if isinstance(value, float) and math.isnan(value) else value


def _kind(values: Sequence[Any], series: pd.Series) -> Kind:
    if not values:
        return _kind_of_nulls(series)
    types = {type(value) for value in values}
    if types <= {bool}:
        return "boolean"
    if types <= {int}:
        return "integer" if all(value in _INT64 for value in values) else "text"
    if types <= {int, float}:
        return "number"
    if types <= {dt.datetime, pd.Timestamp}:
        return "datetime" if len({value.tzinfo is None for value in values}) == 1 else "text"
    return "text"


def _kind_of_nulls(series: pd.Series) -> Kind:
    if pd.api.types.is_bool_dtype(series):
        return "boolean"
    if pd.api.types.is_integer_dtype(series):
        return "integer"
    if pd.api.types.is_float_dtype(series):
        return "number"
    return "datetime" if pd.api.types.is_datetime64_any_dtype(series) else "text"


def _as(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind == "number":
        return float(value)
    if kind == "datetime":
        return pd.Timestamp(value)
    return _text(value) if kind == "text" else value


def _text(value: Any) -> str:
    """Write any value as text: ISO for dates, JSON for lists, WKT for shapes."""
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, _CONTAINERS):
        return _encodable(json.dumps(_jsonable(value), ensure_ascii=False))
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else _encodable(str(value))


def _jsonable(value: Any) -> Any:
    value = value.tolist() if isinstance(value, np.ndarray) else _scalar(value)
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_jsonable(item) for item in value), key=str)
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else _text(value)


def _encodable(text: str) -> str:
    """Drop the zero character and half surrogates, which no file can hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _notes(kind: Kind, before: Sequence[Any], after: Sequence[Any]) -> tuple[str, ...]:
    if kind != "text":
        return ()
    notes = []
    if any(isinstance(value, _CONTAINERS) for value in before):
        notes.append("lists and dictionaries as JSON text")
    if any(isinstance(value, dt.date | dt.time) for value in before):
        notes.append("dates as ISO text")
    if any(isinstance(value, int) and not isinstance(value, bool) for value in before):
        notes.append("numbers as text")
    if any(value is not None and not isinstance(value, _SAID) for value in before):
        notes.append("other values as text")
    pairs = zip(before, after, strict=True)
    if any(isinstance(old, str) and old != new for old, new in pairs):
        notes.append("characters that no file can hold taken out")
    return tuple(notes)
