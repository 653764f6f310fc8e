"""Dates of opening, read from free text.

The material says ``1973-11-14 (rebuilt 2010)``, ``1992 (one tube) / 1994 (both)`` or
``1996-06-28?``. What counts is the day from which the whole was open, and how sure that is.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date

from technobelt.errors import LayerError

__all__ = ["Opening", "read_opening"]

_DATE = re.compile(r"(?<!\d)((?:19|20)\d{2})(?:-(\d{1,2}))?(?:-(\d{1,2}))?(?!\d)")
# A year beside these words is when something was altered that had been open before.
_ALTERED = re.compile(r"moved|rebuilt|widening|widened|re-established", re.IGNORECASE)
# The remark may call other things general knowledge too (a speed limit): it must speak of the date.
_UNSURE = re.compile(
    r"\b(?:dates?|day)\b[^;]*(?:assumed|general knowledge)|^general knowledge$", re.IGNORECASE
)


@dataclass(frozen=True)
class Opening:
    """When something opened: ISO dates, and the evidence (dated, assumed, unknown)."""

    opened: str | None
    earliest: str | None
    evidence: str


def read_opening(text: str, note: str = "") -> Opening:
    """Read a date of opening from free text.

    Of several dates the latest decides, because only then the whole was open. A month stands for
    its last day and a year for the 31st of December, for the same reason. Dates of moving,
    rebuilding or widening count only where there is no other.

    Parameters
    ----------
    text
        What the source says, possibly nothing.
    note
        A remark that may say that the date is assumed.

    Returns
    -------
    Opening
        ``evidence`` is ``dated``; ``assumed`` with a question mark in the text or such a remark;
        ``unknown`` without any date.

    Raises
    ------
    LayerError
        The text has a date that is not in the calendar, or words only.

    Examples
    --------
    >>> read_opening("1992 (one tube) / 1994 (both)")
    Opening(opened='1994-12-31', earliest='1992-12-31', evidence='dated')
    >>> read_opening("1973-11-14 (rebuilt 2010)").opened
    '1973-11-14'
    >>> read_opening("1996-06-28?").evidence
    'assumed'
    """
    if not text.strip():
        return Opening(None, None, "unknown")
    dates = _dates(_without_alterations(text)) or _dates(text)
    if not dates:
        raise LayerError(f"{text!r} holds no date (YYYY, YYYY-MM or YYYY-MM-DD)")
    unsure = "?" in text or _UNSURE.search(note)
    return Opening(dates[-1], dates[0], "assumed" if unsure else "dated")


def _without_alterations(text: str) -> str:
    kept = re.sub(r"\([^)]*\)", lambda part: "" if _ALTERED.search(part[0]) else part[0], text)
    return "" if _ALTERED.search(kept) else kept


def _dates(text: str) -> list[str]:
    return sorted(_last_day(*found.groups(), text=text) for found in _DATE.finditer(text))


def _last_day(year: str, month: str | None, day: str | None, *, text: str) -> str:
    number = int(month or 12)
    try:
        last = calendar.monthrange(int(year), number)[1]
        return date(int(year), number, int(day or last)).isoformat()
    except (ValueError, calendar.IllegalMonthError) as error:
        raise LayerError(f"{text!r} is no date of the calendar") from error
