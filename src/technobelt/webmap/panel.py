"""The card with the title and the verdicts, and the legend."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from technobelt.attribute_claims import years
from technobelt.counting import unit_of
from technobelt.style import load_style
from technobelt.webmap.facts import number, plain, safe, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from technobelt.region import Region
    from technobelt.webmap.overlays import Entry, Overlay

__all__ = ["card", "legend", "legend_entries", "search"]

_WORDS = {"holds": "Holds", "fails": "Fails", "undecided": "Undecided"}
#: So that a verdict in a table can be told without its colour.
_MARKS = {"holds": "✓", "fails": "✗", "undecided": "?"}
#: More than these are for the report, not for a panel on a map.
_MOST_COUNTEREXAMPLES = 3


def search(found: Mapping[str, Any]) -> str:
    """Return the search box as HTML; the page fills its list.

    Parameters
    ----------
    found
        From `technobelt.webmap.finder.finder`: the box shows how one of its places may be written.
    """
    return (
        '<div id="tb-search" role="search"><input type="search" role="combobox" '
        f'aria-label="{_searched(found)}" aria-autocomplete="list" '
        'aria-expanded="false" aria-controls="tb-finds" autocomplete="off" spellcheck="false" '
        f'placeholder="Search: {_spellings(found)} …" title="Shortcut: /"><div><ul id="tb-finds" '
        'role="listbox" aria-label="Found" hidden></ul><p role="status" hidden></p></div></div>'
    )


def _searched(found: Mapping[str, Any]) -> str:
    """Say by which names the region's places are found; most have no Korean and no former ones."""
    korean, former = (any(place[at] for place in found["places"]) for at in (2, 3))
    more = [*(["in Korean"] if korean else []), *(["as spelt in 1999"] if former else [])]
    return ", ".join(["Search by name", *more]) + " or by id"


def _spellings(found: Mapping[str, Any]) -> str:
    """Return how the first cluster may be written, or else the first place."""
    places = found["places"]
    place = next((one for one in places if str(one[0]).startswith("cluster:")), places[0])
    names = (re.split("[/·]", place[i])[0] for i in (1, 3, 2))
    return ", ".join(dict.fromkeys(name for name in names if name))


def card(region: Region, by_date: Mapping[str, Mapping[str, Any] | None]) -> str:
    """Return title, source and verdicts as HTML; the verdicts fold away.

    Parameters
    ----------
    region
        Whose title and source are told.
    by_date
        Date -> what ``claims.json`` holds: that which the page opens with first. With more dates
        than one there is a switch between them.
    """
    title = f"<h1>{safe(region.title)}</h1><p>{safe(region.source)}</p>"
    switch = _switch(by_date) if len(by_date) > 1 else ""
    head = f"<header>{title}{switch}</header>"
    body = "".join(
        _dated(date, verdicts or {}, i) for i, (date, verdicts) in enumerate(by_date.items())
    )
    return (
        f'<section id="tb-card" class="tb-panel" aria-label="About this map">{head}{body}</section>'
    )


def _switch(dates: Iterable[str]) -> str:
    """Return radio buttons for the dates, the earliest first; the first given is chosen."""
    first, *_ = dates = list(dates)
    buttons = "".join(
        f'<label><input type="radio" name="tb-date" value="{safe(date)}"'
        f"{' checked' if date == first else ''}><span>{safe(date or 'as given')}</span></label>"
        for date in sorted(dates)
    )
    return f'<fieldset id="tb-dates"><legend>Roads of</legend>{buttons}</fieldset>'


def _dated(date: str, verdicts: Mapping[str, Any], number: int) -> str:
    """Return the verdicts of a date; the page shows those of the date chosen."""
    claims = list(verdicts.get("claims", ()))
    if not claims:
        return ""
    hidden = " hidden" if number else ""
    inside = _verdicts(claims, verdicts)
    return f'<div class="tb-dated" data-date="{safe(date)}"{hidden}>{inside}</div>'


def _verdicts(claims: Sequence[Mapping[str, Any]], verdicts: Mapping[str, Any]) -> str:
    """List what was put to the test; what no layer can decide is only counted."""
    tested = [claim for claim in claims if plain(claim.get("kind")) != "undecidable"]
    items = "".join(_claim(claim) for claim in tested)
    rest = len(claims) - len(tested)
    more = "What no layer can decide is listed in the report." if rest else ""
    return (
        '<details open class="tb-verdicts"><summary><b>Does the plan hold?</b> '
        f'{_tally(tested, rest)}</summary><ol>{items}</ol><p class="tb-source">{more}</p>'
        f"{_basis(verdicts)}</details>"
    )


def _tally(claims: Sequence[Mapping[str, Any]], rest: int) -> str:
    """Count the verdicts of what was tested, and the rest that no layer can decide.

    The report counts both as undecided; here they are told apart.
    """
    found = Counter(plain(claim.get("verdict")) for claim in claims)
    chips = [_chip(word, _times(found[word], word)) for word in _WORDS if found[word]]
    joined = "and " if chips else ""
    more = f"<small>{joined}{rest} that no layer can decide</small>" if rest else ""
    return f'<span class="tb-chips">{"".join(chips)}{more}</span>'


def _times(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word.removesuffix('s')}"


def _chip(verdict: str, text: str) -> str:
    colour = load_style()["verdicts"].get(verdict, "#555555")
    return f'<span class="tb-chip" style="background:{colour}">{safe(text)}</span>'


def _basis(verdicts: Mapping[str, Any]) -> str:
    network = verdicts.get("network") or {}
    parts = [("as of", verdicts.get("as_of")), ("roads of", network.get("date"))]
    said = ", ".join(f"{label} {plain(value)}" for label, value in parts if plain(value))
    return f'<p class="tb-source">Computed {safe(said)}.</p>' if said else ""


def _claim(claim: Mapping[str, Any]) -> str:
    verdict = plain(claim.get("verdict"))
    word = _chip(verdict, _WORDS.get(verdict, verdict or "not computed"))
    return (
        f'<li><p class="tb-finding">{word}{safe(finding(claim))}</p>'
        f"<blockquote>{safe(plain(claim.get('statement')))}</blockquote>{_more(claim)}</li>"
    )


def finding(claim: Mapping[str, Any]) -> str:
    """Say in plain words what was found for a claim.

    Examples
    --------
    >>> finding({"limit_min": 90, "observed_min": 83.4, "margin_min": 6.6,
    ...          "break_even_factor": 0.93, "verdict": "holds"})
    '83 minutes where 90 are claimed: 7 to spare. At 7% lower speeds ... the limit is met exactly.'
    >>> finding({"expected": 69, "observed": 72.03, "unit": "km2"})
    '72.03 km² where 69 are claimed.'
    """
    if plain(claim.get("limit_min")):
        return " ".join(part for part in (_minutes(claim), _break_even(claim)) if part)
    observed, expected = _figure(claim.get("observed")), _figure(claim.get("expected"))
    if not observed:
        return plain(claim.get("status")).replace("_", " ")
    if plain(claim.get("unit")) == "year":
        found, claimed = years(claim)
        return f"The year {found} where {claimed} is claimed."
    low, high = (_figure(value) for value in claim.get("observed_range") or ("", ""))
    observed = f"{low} to {high}" if low != high else observed
    unit = plain(claim.get("unit")).replace("km2", "km²")
    found = f"{observed} {unit if low != high else unit_of(claim['observed'], unit)}".strip()
    are = "is" if expected == "1" else "are"
    return f"{found} where {expected} {are} claimed." if expected else f"{found} found."


def _figure(value: object) -> str:
    """Return a number with no more decimals than it has, at most two; other values as they are."""
    text = number(value, 2)
    return text.rstrip("0").rstrip(".") if "." in text else plain(value)


def _minutes(claim: Mapping[str, Any]) -> str:
    if not number(claim.get("observed_min")):
        return f"No time could be computed ({plain(claim.get('status')) or 'no open road'})."
    limit = float(claim["limit_min"])
    over = float(claim["observed_min"]) - limit
    digits = 1 if abs(over) < 1 or limit % 1 else 0
    observed = f"{float(claim['observed_min']):.{digits}f}"
    # From the minutes as they are written: whoever adds up finds the limit.
    margin = abs(float(observed) - limit)
    rest = f"{margin:,.{digits}f} {'too many' if over > 0 else 'to spare'}"
    low, high = (number(value) for value in claim.get("range_min") or (None, None))
    spread = f" {low} to {high} if speeds differ as much as they may." if low and high else ""
    return f"{observed} minutes where {limit:g} are claimed: {rest}.{spread}"


def _break_even(claim: Mapping[str, Any]) -> str:
    """Say how far all speeds must change together before the primary reading turns."""
    text = number(claim.get("break_even_factor"), 4)
    if not text:
        return ""
    change = float(claim["break_even_factor"]) - 1
    if change <= 0:
        return f"At {-change:.0%} lower speeds on all roads the limit is met exactly."
    return f"All speeds would have to be {change:.0%} higher to meet it."


def _more(claim: Mapping[str, Any]) -> str:
    """Fold the other readings, the worst cases, the notes and the source under one line."""
    parts = [_readings(claim), _counterexamples(claim), _notes(claim.get("notes"))]
    if source := plain(claim.get("source")):
        parts.append(f'<p class="tb-source">{safe(source)}</p>')
    inside = "".join(parts)
    return f"<details><summary>How it was read</summary>{inside}</details>" if inside else ""


def _readings(claim: Mapping[str, Any]) -> str:
    """Return a table: a row for each way to read the claim, a column for each speed profile."""
    readings = list(claim.get("readings") or ())
    profiles = list(dict.fromkeys(plain(reading.get("profile")) for reading in readings))
    rows: dict[str, dict[str, Mapping[str, Any]]] = {}
    for reading in readings:
        name = plain(reading.get("reading")) or plain(reading.get("id"))
        rows.setdefault(name, {})[plain(reading.get("profile"))] = reading
    head = "".join(f"<th>{safe(words(profile))}</th>" for profile in profiles)
    body = "".join(_reading_row(name, cells, profiles) for name, cells in rows.items())
    return f"<table><tr><th></th>{head}</tr>{body}</table>" if rows else ""


def _reading_row(name: str, cells: Mapping[str, Mapping[str, Any]], profiles: Sequence[str]) -> str:
    rule = next((plain(cell.get("rule")) for cell in cells.values()), "")
    values = "".join(f"<td>{_reading(cells.get(profile, {}))}</td>" for profile in profiles)
    said = words(name.replace("-", "_"))
    return f'<tr><th title="{safe(rule)}">{safe(said)}</th>{values}</tr>'


def _reading(reading: Mapping[str, Any]) -> str:
    verdict = plain(reading.get("verdict"))
    minutes, share = number(reading.get("observed_min")), plain(reading.get("unit"))
    value = f"{minutes} min" if minutes else _figure(reading.get("observed"))
    if not minutes and value and share.startswith("share"):
        value = f"{float(reading['observed']):.0%}"
    colour = load_style()["verdicts"].get(verdict, "#555555")
    value = value or ("no way" if reading else "")
    said = f"{safe(value)} {_MARKS.get(verdict, '')}"
    return f'<span style="color:{colour}" title="{safe(verdict)}">{said}</span>'


def _counterexamples(claim: Mapping[str, Any]) -> str:
    worst = list(claim.get("counterexamples") or ())[:_MOST_COUNTEREXAMPLES]
    items = "".join(f"<li>{safe(text)}</li>" for row in worst if (text := _case(row)))
    return f"<p>Against it:</p><ul>{items}</ul>" if items else ""


def _case(row: Any) -> str:
    if not isinstance(row, dict):
        return plain(row)
    ends = [plain(row.get(f"{end}_name")) or plain(row.get(f"{end}_id")) for end in ("from", "to")]
    way = " → ".join(end for end in ends if end) or plain(row.get("name"))
    minutes = number(row.get("time_min"))
    return f"{way}: {minutes} minutes" if way and minutes else way


def _notes(notes: Any) -> str:
    lines = [notes] if isinstance(notes, str) else list(notes or ())
    return "".join(f"<p>{safe(plain(line))}</p>" for line in lines if plain(line))


# --- legend --------------------------------------------------------------------------------------


def legend_entries(overlays: Iterable[Overlay]) -> dict[str, dict[Entry, list[str]]]:
    """Return heading -> entry -> names of the layers that it explains.

    Layers that are drawn alike share an entry; it is shown while one of them is switched on, and
    stands after those that belong to one layer only.
    """
    table: dict[str, dict[Entry, list[str]]] = {}
    for overlay in overlays:
        for entry in overlay.legend:
            table.setdefault(entry.heading, {}).setdefault(entry, []).append(overlay.name)
    return {
        heading: dict(sorted(entries.items(), key=lambda item: len(item[1])))
        for heading, entries in table.items()
    }


def legend(overlays: Iterable[Overlay]) -> str:
    """Return the legend of all layers as HTML; the page hides what is switched off."""
    groups = "".join(
        f"<section><h2>{safe(heading)}</h2>"
        + "".join(_entry(entry, on) for entry, on in entries.items())
        + "</section>"
        for heading, entries in legend_entries(overlays).items()
    )
    return (
        f'<details open id="tb-legend" class="tb-panel"><summary>Legend</summary>{groups}</details>'
    )


def _entry(entry: Entry, layers: list[str]) -> str:
    return (
        f'<p class="tb-entry" data-layers="{safe("|".join(layers))}">'
        f"{entry.swatch}<span>{safe(entry.text)}</span></p>"
    )
