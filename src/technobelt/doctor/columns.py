"""Columns, types, ids and texts of one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from technobelt.doctor.findings import Faults, Finding, Remedy, RowNames
from technobelt.layer_files import shapefile_encoding, unscrambled
from technobelt.layers import FACILITIES
from technobelt.schema import NOT_LOCATED

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd

    from technobelt.region import Region
    from technobelt.schema import Column, Table

__all__ = ["check_columns", "check_encoding", "check_ids", "check_texts", "check_years"]

_CONFIDENCE = ("high", "medium", "low", NOT_LOCATED)
_SHOWN = 60
#: So many different texts tell whether a column was read in the wrong encoding.
_SAMPLE = 2_000
_EXPORT = 'Export it anew as UTF-8, or name its encoding: [layers.{}] encoding = "CP949".'


def check_columns(frame: gpd.GeoDataFrame, table: Table) -> Iterator[Finding | Faults]:
    """Tell which columns are missing, and which values are of another kind."""
    found = ", ".join(str(column) for column in frame.columns)
    for column in table.columns:
        if column.name in frame:
            yield from _check_kind(frame, table, column)
        elif column.required:
            yield Finding(
                table.name,
                "",
                "error",
                "columns",
                f"it needs the column '{column.name}': {column.doc}",
                found,
                f"Add it, or map it in region.toml [layers.{table.name}.columns].",
            )


def _check_kind(frame: gpd.GeoDataFrame, table: Table, column: Column) -> Iterator[Faults]:
    if column.kind == "text":
        return
    values = frame[column.name]
    numbers = pd.to_numeric(values, errors="coerce")
    names = RowNames(frame)
    unit = f", {column.unit}" if column.unit else ""
    bad = numbers.isna() & values.notna()
    if column.kind == "integer":
        bad |= numbers.notna() & (numbers % 1 != 0)

    def tell(number: int) -> Finding:
        return Finding(
            table.name,
            names[number],
            "error" if pd.isna(numbers.iloc[number]) else "warning",
            "types",
            f"'{column.name}' holds {column.kind}s ({column.doc}{unit})",
            _short(values.iloc[number]),
            "Correct the value, or leave it empty.",
        )

    yield Faults(bad & numbers.isna(), tell)
    yield Faults(bad & numbers.notna(), tell)


def check_ids(frame: gpd.GeoDataFrame, table: Table) -> Iterator[Faults]:
    """Tell of rows without an id, ids that come twice, and rows that are the same throughout."""
    same = _same_rows(frame)
    names = RowNames(frame)

    def tell_same(number: int) -> Finding:
        return Finding(
            table.name,
            names[number],
            "error" if "id" in frame else "warning",
            "duplicates",
            "it is the same, in every column, as a row before",
            _short(frame["id"].iloc[number]) if "id" in frame else "",
            "Take it out; --fix does.",
            Remedy("duplicates"),
        )

    yield Faults(same, tell_same)
    if "id" not in frame:
        return
    ids = frame["id"]

    def tell(number: int) -> Finding:
        lost = bool(pd.isna(ids.iloc[number]))
        return Finding(
            table.name,
            names[number],
            "error",
            "ids",
            "it has no id" if lost else "its id is that of another row too",
            "" if lost else _short(ids.iloc[number]),
            "Give every row an id of its own.",
        )

    yield Faults(ids.notna() & ids.duplicated() & ~same, tell)
    yield Faults(ids.isna(), tell)


def _same_rows(frame: gpd.GeoDataFrame) -> pd.Series[Any]:
    plain = pd.DataFrame(frame.drop(columns="geometry"))
    try:
        return plain.assign(geometry=frame.geometry.to_wkb()).duplicated()
    except TypeError:  # lists and the like
        return plain.astype(str).assign(geometry=frame.geometry.to_wkb()).duplicated()


def check_texts(frame: gpd.GeoDataFrame, table: Table) -> Iterator[Finding | Faults]:
    """Tell of blanks around texts, texts in the wrong encoding, and words that nobody knows."""
    for column in (c.name for c in table.columns if c.kind == "text" and c.name in frame):
        values = frame[column]
        texts = values.where(values.notna(), "").astype(str)
        yield _blanks(frame, texts, table.name, column)
        yield from _check_scrambled(texts, table.name, column)
    if "confidence" in frame:
        yield _unknown_confidence(frame, table.name)


def _blanks(frame: gpd.GeoDataFrame, texts: pd.Series[Any], layer: str, column: str) -> Faults:
    names = RowNames(frame)

    def tell(number: int) -> Finding:
        return Finding(
            layer,
            names[number],
            "warning",
            "text",
            f"'{column}' has blanks around it, so that it equals no other",
            repr(_short(texts.iloc[number])),
            "Take them off; --fix does.",
            Remedy("strip"),
        )

    return Faults(texts != texts.str.strip(), tell)


def _check_scrambled(texts: pd.Series[Any], layer: str, column: str) -> Iterator[Finding]:
    special = [text for text in texts.unique() if not text.isascii()]
    lost = next((text for text in special if "\ufffd" in text), None)
    some = special[:_SAMPLE]
    wrong = {text: right for text in some if (right := unscrambled(text))}
    if lost is not None:
        yield Finding(
            layer,
            "",
            "warning",
            "encoding",
            f"'{column}' has letters that were lost in another encoding",
            _short(lost),
            _EXPORT.format(layer),
        )
    elif len(wrong) * 2 > len(some):
        text, right = next(iter(wrong.items()))
        yield Finding(
            layer,
            "",
            "warning",
            "encoding",
            f"'{column}' was read in the wrong encoding before it was saved",
            f"{_short(text)}, which is {_short(right)}",
            _EXPORT.format(layer),
        )


def _unknown_confidence(frame: gpd.GeoDataFrame, layer: str) -> Faults:
    names = RowNames(frame)

    def tell(number: int) -> Finding:
        return Finding(
            layer,
            names[number],
            "warning",
            "text",
            "its confidence is none of the words that are known",
            _short(frame["confidence"].iloc[number]),
            f"Write one of {', '.join(_CONFIDENCE)}.",
        )

    return Faults(~frame["confidence"].isin(_CONFIDENCE), tell)


def check_years(frame: gpd.GeoDataFrame, table: Table) -> Iterator[Faults]:
    """Tell of places whose year of opening is not known."""
    if table.name not in FACILITIES:
        return
    names = RowNames(frame)
    years = frame["opened_year"] if "opened_year" in frame else pd.Series(None, index=frame.index)

    def tell(number: int) -> Finding:
        return Finding(
            table.name,
            names[number],
            "to-do",
            "years",
            "its year of opening is not known, so that --members-as-of cannot go by it",
            "",
            "Fill in opened_year where you can find it.",
        )

    yield Faults(years.isna(), tell)


def check_encoding(region: Region, name: str) -> Iterator[Finding]:
    """Tell of a shapefile that does not say, or says wrongly, in which encoding its text is."""
    file, path = region.layers[name], region.path(name)
    if path.suffix.lower() != ".shp" or file.encoding is not None or not path.is_file():
        return
    said, used = shapefile_encoding(path)
    if used is None or used == said:
        return
    wrong = f"its .cpg says {said}" if said else "it has no .cpg that says in which encoding it is"
    yield Finding(
        name,
        "",
        "warning",
        "encoding",
        f"{wrong}; it is read as {used}, by guess",
        path.name,
        f"Write {used} into {path.with_suffix('.cpg').name}; --fix does.",
        Remedy("cpg", encoding=used),
    )


def _short(value: object) -> str:
    text = "nothing" if value is None or value is pd.NA else str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
