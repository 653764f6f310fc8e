"""What popups and tooltips say. All that comes from a layer is escaped here, by `safe`."""

from __future__ import annotations

import html
import math
import re
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["names", "number", "plain", "popup", "safe", "tooltip", "words"]

#: What the columns of our layers are called in a popup; their order is the order of the lines.
_LABELS = {
    "kind": "Kind",
    "special": "Specialised in",
    "pop_said": "People",
    "municip": "Municipality",
    "area_km2": "Area",
    "opened_year": "Opened",
    "opened": "Opened",
    "existed_1999": "In 1999",
    "route_no": "Route today",
    "route_1999": "Route in 1999",
    "line": "Line",
    "km": "At kilometre",
    "length_km": "Length",
    "page": "In the paper",
    "note": "Note",
}
_UNITS = {"area_km2": " km²", "length_km": " km", "pop_said": ", as the paper says"}
_IN_1999 = {
    "yes": "was there",
    "no": "not yet there",
    "planned": "planned",
    "assumed": "was there (assumed)",
    "unknown": "not known",
}
#: How a position compared with other sources.
_COMPARED = {
    "agrees": "agrees with another source",
    "moved": "moved to where another source has it",
    "unconfirmed": "confirmed by no other source",
}
_LINK = re.compile(r"(https?://[^\s;]+)")
_HOST = re.compile(r"https?://(?:www\.)?([^/]+)")


def safe(text: object) -> str:
    """Return text that shows as itself in HTML.

    Braces too: folium renders a page twice, and would run a name that is written as a template.

    Examples
    --------
    >>> safe("<script> {{ 7 * 7 }}")
    '&lt;script&gt; &#123;&#123; 7 * 7 &#125;&#125;'
    """
    escaped = html.escape(str(text), quote=True)
    return escaped.replace("{", "&#123;").replace("}", "&#125;")


def plain(value: object) -> str:
    """Return a value as text, empty where there is none; dates without their midnight.

    Examples
    --------
    >>> plain(float("nan")), plain(1974.0), plain("1973-11-14 00:00:00")
    ('', '1974', '1973-11-14')
    """
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.12g}"
    return re.sub(r"[ T]00:00:00.*$", "", str(value).strip())


def words(code: object) -> str:
    """Return a code of our layers as words.

    Examples
    --------
    >>> words("technology_innovation_centre")
    'Technology innovation centre'
    """
    text = plain(code).replace("_", " ")
    return text[:1].upper() + text[1:]


def number(value: object, digits: int = 0) -> str:
    """Return a number with thousands apart, empty where there is none.

    Examples
    --------
    >>> number(11612.3), number(None), number(7.25, 1)
    ('11,612', '', '7.2')
    """
    try:
        figure = float(str(value))
    except ValueError:
        return ""
    return f"{figure:,.{digits}f}" if math.isfinite(figure) else ""


def names(row: Mapping[str, Any]) -> str:
    """Return the first name of a row, or its id, or nothing."""
    return next((text for key in ("name", "id") if (text := plain(row.get(key)))), "")


def tooltip(row: Mapping[str, Any]) -> str:
    """Return a row's name with the Korean one, as HTML."""
    korean = plain(row.get("name_ko"))
    return safe(names(row)) + (f' <span lang="ko">{safe(korean)}</span>' if korean else "")


def popup(row: Mapping[str, Any], *, extra: Iterable[tuple[str, str]] = (), below: str = "") -> str:
    """Return the facts of one row as HTML: names, facts, how sure, source and licence.

    Parameters
    ----------
    row
        A row of one of our layers; columns that are absent or empty are left out.
    extra
        Further lines: label and plain text.
    below
        HTML to stand between the facts and the source.

    Examples
    --------
    >>> popup({"name": "Plant <1>", "kind": "free_trade_zone"})
    '<h3>Plant &lt;1&gt;</h3><dl><dt>Kind</dt><dd>Free trade zone</dd></dl>'
    """
    lines = [*_facts(row), *((label, safe(text)) for label, text in extra if text)]
    table = "".join(f"<dt>{safe(label)}</dt><dd>{text}</dd>" for label, text in lines)
    title = f"<h3>{safe(names(row))}</h3>" if names(row) else ""
    return f"{title}{_other_names(row)}<dl>{table}</dl>{below}{_provenance(row)}"


def _other_names(row: Mapping[str, Any]) -> str:
    korean, old = plain(row.get("name_ko")), plain(row.get("name_1999"))
    parts = [f'<span lang="ko">{safe(korean)}</span>'] if korean else []
    parts += [f"in 1999: {safe(old)}"] if old not in {"", names(row)} else []
    return f'<p class="tb-names">{" · ".join(parts)}</p>' if parts else ""


def _facts(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (label, safe(_worded(column, text)) + _UNITS.get(column, ""))
        for column, label in _LABELS.items()
        if (text := plain(row.get(column)))
    ]


def _worded(column: str, text: str) -> str:
    if column == "existed_1999":
        return _IN_1999.get(text, text)
    if column == "pop_said":
        return number(text)
    return words(text) if column == "kind" else text


def _provenance(row: Mapping[str, Any]) -> str:
    sure, found = plain(row.get("confidence")), plain(row.get("position_by"))
    parts = []
    compared = plain(row.get("compared"))
    if sure:
        by = f", by {safe(found)}" if found else ""
        parts.append(f'Placed with <b class="tb-{safe(sure)}">{safe(sure)} confidence</b>{by}')
    if compared:
        parts.append(f"Compared: {safe(_COMPARED.get(compared, compared))}")
    if source := plain(row.get("source")):
        parts.append(f"Source: {_linked(source)}")
    if licence := plain(row.get("licence")):
        parts.append(f"Licence: {safe(licence)}")
    return f'<p class="tb-source">{"<br>".join(parts)}</p>' if parts else ""


def _linked(text: str) -> str:
    """Return text with its web addresses as links that show only the host."""
    pieces = _LINK.split(text)
    return "".join(_link(piece) if i % 2 else safe(piece) for i, piece in enumerate(pieces))


def _link(address: str) -> str:
    match = _HOST.match(address)
    host = match.group(1) if match else address
    return f'<a href="{safe(address)}" target="_blank" rel="noopener">{safe(host)}</a>'
