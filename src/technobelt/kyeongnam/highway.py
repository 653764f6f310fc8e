"""Interchanges of the expressways, and the corridor's stretches."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from technobelt.errors import LayerError
from technobelt.kyeongnam.dates import Opening, read_opening
from technobelt.kyeongnam.positions import STEPS
from technobelt.kyeongnam.source import (
    HIGHWAY,
    SEGMENTS,
    numbers,
    read_table,
    refuse,
    refuse_first,
)
from technobelt.kyeongnam.wording import FACTS_LICENCE, name_of_1999, plain_note, plain_source
from technobelt.schema import WGS84

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

__all__ = ["make_interchanges", "openings", "stretch_ends"]

_COLUMNS = (
    *("line_id", "route_no", "route_no_pre2001", "order", "type", "name_en", "name_ko"),
    *("km_measured", "km_scaled_to_official", "lon", "lat", "opened", "open_in_1999"),
    *("confidence", "coordinate_source", "sources", "note", "municipality_ko"),
)
_EXISTED = {"yes": "yes", "no": "no", "yes?": "assumed", "?": "unknown", "": "unknown"}
_KINDS = {"IC": "IC", "JC": "JC", "TG": "TG", "SA": "SA", "start": "IC"}  # a line's end has an exit


def make_interchanges(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``interchanges``, WGS 84 with five decimals, by line and order.

    Raises
    ------
    LayerError
        A date, a number or a word is not what it should be; the file and line are named.
    """
    import geopandas as gpd

    table = read_table(source, HIGHWAY, _COLUMNS)
    dates = openings(table, HIGHWAY)
    lon, lat = (numbers(table, column, HIGHWAY).round(5) for column in ("lon", "lat"))
    _need_each(table, lon, lat)
    order = numbers(table, "order", HIGHWAY).astype(int)
    existed = _translated(table, "open_in_1999", _EXISTED)
    old = table["name_en"].map(name_of_1999)
    official = numbers(table, "km_scaled_to_official", HIGHWAY)
    return gpd.GeoDataFrame(
        {
            "id": table["line_id"] + "-" + order.map("{:02d}".format),
            "name": table["name_en"],
            "name_ko": table["name_ko"],
            "name_1999": table["name_en"].where(existed == "no", old),
            "kind": _translated(table, "type", _KINDS),
            "line": table["line_id"],
            "route_no": table["route_no"],
            "route_1999": table["route_no_pre2001"].replace("", None),
            "order": order,
            "km": official.fillna(numbers(table, "km_measured", HIGHWAY)),
            "opened": [date.opened for date in dates],
            "opened_ev": [date.evidence for date in dates],
            "existed_1999": existed,
            "municip": table["municipality_ko"],
            "source": [_sources(*row) for row in _pairs(table, "coordinate_source", "sources")],
            "licence": FACTS_LICENCE,
            "confidence": table["confidence"],
            "note": [
                _note(*row) for row in zip(dates, table["opened"], table["note"], strict=True)
            ],
        },
        geometry=gpd.points_from_xy(lon, lat),
        crs=WGS84,
    )


def _need_each(table: pd.DataFrame, lon: pd.Series[float], lat: pd.Series[float]) -> None:
    """Refuse a position that is none, a place on a line that is taken, an unknown confidence."""
    for values, most in ((lon, 180), (lat, 90)):
        bad = ~values.between(-most, most)
        refuse_first(table[str(values.name)], bad, HIGHWAY, "is no position in degrees")
    refuse_first(table["order"], table["order"] == "", HIGHWAY, "is empty")
    twice = table.duplicated(["line_id", "order"])
    refuse_first(table["order"], twice, HIGHWAY, "stands twice on its line")
    odd = ~table["confidence"].isin(STEPS)
    refuse_first(table["confidence"], odd, HIGHWAY, f"is not one of {', '.join(STEPS)}")


def openings(table: pd.DataFrame, name: str) -> list[Opening]:
    """Read the dates of opening of a table; the remark in ``note`` may call them assumed.

    Raises
    ------
    LayerError
        A text is no date; the file and line are named.
    """
    found = []
    for line, text, note in zip(table.index, table["opened"], table["note"], strict=True):
        try:
            found.append(read_opening(text, note))
        except LayerError as error:
            refuse(name, line, f"'opened': {error}")
    return found


def stretch_ends(
    name: str, junctions: gpd.GeoDataFrame, line: object
) -> tuple[pd.Series[Any], pd.Series[Any]] | None:
    """Return the first and the last interchange that a stretch's name names; None if it names none.

    Parameters
    ----------
    name
        ``Namhae: Jinju JC - Sanin JC``, ``Masan bypass (Sanin JC - Changwon JC)``, ``Busan ring``.
    junctions
        The interchanges that may be meant, with ``name``; of two that fit the first is.
    line
        Line of the file, for the message.

    Raises
    ------
    LayerError
        There is no interchange of that name.

    Examples
    --------
    >>> import geopandas as gpd
    >>> known = gpd.GeoDataFrame({"name": ["Sanin JC", "Naeseo JC", "Changwon JC"]})
    >>> [end["name"] for end in stretch_ends("Old main line: Sanin - Naeseo - Changwon", known, 9)]
    ['Sanin JC', 'Changwon JC']
    """
    inner = re.search(r"\(([^()]+ - [^()]+)\)$|: (.+)$", name)
    told = (inner[1] or inner[2]) if inner else name.partition(" part of ")[0]
    stops = told.removesuffix(" part").split(" - ")
    if len(stops) < 2:
        return None
    return _junction(stops[0], junctions, line), _junction(stops[-1], junctions, line)


def _junction(stop: str, junctions: gpd.GeoDataFrame, line: object) -> pd.Series[Any]:
    """Find an interchange by its name, or by what stands in brackets behind another."""
    spelt = re.sub(r"^W\.", "West ", re.sub(r"^E\.", "East ", stop.strip()))
    plain = junctions["name"].str.replace(r"\s*\([^)]*\)", "", regex=True)
    wanted = [re.sub(r"\s*\([^)]*\)", "", spelt), *re.findall(r"\(([^)]*)\)", spelt)]
    fits = [plain.str.fullmatch(rf"{re.escape(name)}( JC| IC)?") for name in wanted]
    same = next((rows for rows in fits if rows.any()), None)
    if same is None:
        found = ", ".join(junctions["name"])
        refuse(SEGMENTS, line, f"its route has no interchange '{stop}'; found: {found}")
    row: pd.Series[Any] = junctions[same].iloc[0]
    return row


def _translated(table: pd.DataFrame, column: str, words: dict[str, str]) -> pd.Series[str]:
    refuse_first(
        table[column], ~table[column].isin(list(words)), HIGHWAY, f"is not one of {list(words)}"
    )
    return table[column].map(words)


def _pairs(table: pd.DataFrame, first: str, second: str) -> zip[tuple[str, str]]:
    return zip(table[first], table[second], strict=True)


def _sources(position: str, pages: str) -> str:
    return " ; ".join(text for text in (plain_source(position), plain_source(pages)) if text)


def _note(date: Opening, text: str, note: str) -> str | None:
    """Return the note, with the source's own words where the date is not simply theirs."""
    said = f"source says opened: {text}" if text and text != date.opened else ""
    return plain_note("; ".join(part for part in (note, said) if part))
