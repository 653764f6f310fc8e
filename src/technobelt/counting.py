"""Numbers of things in words: 1 row, 2 rows."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with the word for what is counted, in the singular or the plural.

    Parameters
    ----------
    number
        How many.
    one, many
        What one of them is called, or said to be, and several; `one` with an ``s`` by default.

    Examples
    --------
    >>> counted(1, "cluster"), counted(1234, "cluster"), counted(0, "row")
    ('1 cluster', '1,234 clusters', '0 rows')
    >>> counted(1, "trip changes", "trips change")
    '1 trip changes'
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
