"""Runs beside each other, by date or scenario -> rows of words: verdicts, minutes, differences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from technobelt.report.readings import reading_words
from technobelt.report.wording import NOTHING, WORDS, day, number, percent, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = dict[str, Any]
    Minutes = Mapping[str, float | None]

__all__ = ["comparison"]

#: More pairs than these are for a file, not for a page.
_MOST_PAIRS = 15
#: A difference of less than half of the last digit shown is none.
_DIGITS, _LEAST_MIN = 1, 0.05


def comparison(verdicts: Mapping[str, Any]) -> Row | None:
    """Return readings by run, and the pairs that change most; None where nothing is compared.

    Parameters
    ----------
    verdicts
        What ``claims.json`` holds. Its ``comparison`` names the ``base`` and the other ``runs``,
        and has by run the verdict of each of ``readings`` and what is observed, and the minutes,
        and why they are so, of ``pairs``.

    Examples
    --------
    >>> reading = {"claim": "a", "reading": "worst_pair.peak",
    ...            "verdicts": {"1999": "fails", "2021-08": "holds"}, "unit": "min",
    ...            "observed": {"1999": 104.2, "2021-08": 88.0}}
    >>> told = comparison({"claims": [], "comparison": {
    ...     "base": "1999", "runs": ["2021-08"], "readings": [reading], "pairs": []}})
    >>> [cell["minutes"] for cell in told["groups"][0]["rows"][0]["cells"]]
    ['104.2', '88.0']
    """
    told = verdicts.get("comparison")
    if not told:
        return None
    base = told["base"]
    runs = list(dict.fromkeys([base, *told["runs"]]))
    statements = {claim["id"]: claim["statement"] for claim in verdicts["claims"]}
    return {
        "base": day(base),
        "heads": [day(run) for run in runs],
        "groups": _groups(told.get("readings") or [], runs, base, statements),
        "pairs": _pairs(told.get("pairs") or [], runs, base),
        "notes": told.get("notes") or [],
    }


def _groups(
    readings: Sequence[Mapping[str, Any]],
    runs: Sequence[str],
    base: str,
    statements: Mapping[str, str],
) -> list[Row]:
    """Return the readings of each claim."""
    groups: dict[str, list[Row]] = {}
    for reading in readings:
        groups.setdefault(reading["claim"], []).append(_reading(reading, runs, base))
    return [
        {"statement": statements.get(claim, words(claim)), "rows": rows}
        for claim, rows in groups.items()
    ]


def _reading(reading: Mapping[str, Any], runs: Sequence[str], base: str) -> Row:
    name, _, profile = reading["reading"].partition(".")
    unit = "%" if reading["unit"].startswith("%") else ""
    times = _times(reading["observed"], runs, base, none=NOTHING, unit=unit)
    found = [reading["verdicts"].get(run) for run in runs]
    drawn = reading.get("p_within", {})
    told = [
        {"verdict": v or "", "word": WORDS[v] if v else "", "drawn": _share(drawn.get(run))}
        for run, v in zip(runs, found, strict=True)
    ]
    cells = [one | other for one, other in zip(told, times, strict=True)]
    return {"label": reading_words(name)[0], "profile": words(profile), "cells": cells}


def _share(drawn: float | None) -> str:
    return "" if drawn is None else f"in {percent(drawn)} of draws"


def _times(
    minutes: Minutes, runs: Sequence[str], base: str, *, none: str, unit: str = ""
) -> list[Row]:
    """Return minutes, or another number, by run, and the difference to the base."""
    return [
        {
            "minutes": none if minutes.get(run) is None else number(minutes[run], _DIGITS) + unit,
            "change": "" if run == base else _change(minutes.get(base), minutes.get(run)),
        }
        for run in runs
    ]


def _change(before: float | None, after: float | None) -> str:
    """Write a difference with its sign, nothing where one of the two is not known.

    Examples
    --------
    >>> _change(90, 93.4), _change(90, 89.96), _change(None, 90)
    ('+3.4', '0.0', '')
    """
    if before is None or after is None:
        return ""
    more = after - before
    if abs(more) < _LEAST_MIN:
        return number(0, _DIGITS)
    return f"{'+' if more > 0 else ''}{number(more, _DIGITS)}"


def _pairs(pairs: Sequence[Mapping[str, Any]], runs: Sequence[str], base: str) -> list[Row]:
    """Return the pairs that change most, those that lose or gain a way first."""
    changed = [pair for pair in pairs if _most(pair["minutes"], runs, base) >= _LEAST_MIN]
    most = sorted(changed, key=lambda pair: -_most(pair["minutes"], runs, base))[:_MOST_PAIRS]
    return [
        {
            "from": pair["from_name"],
            "to": pair["to_name"],
            "cells": _times(pair["minutes"], runs, base, none="no way"),
            "why": [(day(run), text) for run in runs if (text := (pair.get("why") or {}).get(run))],
        }
        for pair in most
    ]


def _most(minutes: Minutes, runs: Sequence[str], base: str) -> float:
    """Return the greatest change to the base; endless where a way is lost or gained.

    Examples
    --------
    >>> _most({"a": 60, "b": 71, "c": 52}, ["a", "b", "c"], "a"), _most({"a": 60}, ["a", "b"], "a")
    (11, inf)
    """
    before = minutes.get(base)
    changes = []
    for run in runs:
        after = minutes.get(run)
        if (before is None) != (after is None):
            return math.inf
        changes.append(0.0 if before is None or after is None else abs(after - before))
    return max(changes, default=0.0)
