"""Random draws of speeds -> rows of words: minutes, shares, and how sure the shares are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from technobelt.report.readings import reading_words
from technobelt.report.wording import NBSP, number, percent, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = dict[str, Any]

__all__ = ["draw_rows"]

#: What the minutes are of, where a reading is of a share.
_MINUTES_OF = {"share_within": "minutes are those of the middle trip"}
#: Without a single exception in n draws the chance of one is below 3/n, at 95 % (rule of three).
_RULE_OF_THREE = 3


def draw_rows(claim: Mapping[str, Any]) -> Row | None:
    """Return what random draws say of each reading of a travel-time claim; None without draws.

    Parameters
    ----------
    claim
        One entry of ``claims.json``.

    Examples
    --------
    >>> reading = {"reading": "worst_pair", "p_within": 0.2, "sampling_error": 0.04,
    ...            "draws_min": [88.2, 95, 104.1]}
    >>> draw_rows({"draws": {"n": 100, "seed": 1}, "readings": [reading]})["rows"][0]["minutes"]
    ['88', '95', '104']
    """
    told = claim.get("draws")
    if not told:
        return None
    readings = [reading for reading in claim["readings"] if "p_within" in reading]
    return {
        "n": number(told["n"]),
        "seed": told["seed"],
        "placeholder": bool(told.get("placeholder")),
        "profile": words(claim.get("profile", "")),
        "rows": [_row(reading, told["n"]) for reading in readings],
    }


def _row(reading: Mapping[str, Any], n: int) -> Row:
    return {
        "label": reading_words(reading["reading"])[0],
        "of": _MINUTES_OF.get(reading["reading"], ""),
        "minutes": ["no way" if m is None else number(m) for m in reading["draws_min"]],
        "share": percent(reading["p_within"]),
        "error": _error(reading["p_within"], reading["sampling_error"], n),
    }


def _error(share: float, error: float, n: int) -> str:
    """Say how far the share of endless draws may be off, at 95 %.

    Examples
    --------
    >>> _error(0.2, 0.04, 100).split(), _error(0, 0, 100).split(), _error(1, 0, 100).split()
    (['±', '8', '%'], ['at', 'most', '3', '%'], ['at', 'least', '97', '%'])
    """
    if share in (0, 1):
        edge = min(1.0, _RULE_OF_THREE / n)
        digits = 0 if edge >= 0.01 else 1
        return f"at most {percent(edge, digits)}" if not share else _at_least(edge, digits)
    return f"\N{PLUS-MINUS SIGN}{NBSP}{percent(2 * error, 0 if error >= 0.005 else 1)}"


def _at_least(edge: float, digits: int) -> str:
    return f"at least {percent(1 - edge, digits)}"
