"""Numbers of things in words: 1 row, 2 rows."""

from __future__ import annotations

__all__ = ["counted", "unit_of"]


def unit_of(number: float, unit: str) -> str:
    """Return the unit of a number, whose plural stands in a plan, in the singular for one.

    Only the regular plurals of what plans count are known; others stay as they are.

    Examples
    --------
    >>> unit_of(1, "clusters"), unit_of(2, "clusters"), unit_of(1, "complexes"), unit_of(1, "km2")
    ('cluster', 'clusters', 'complex', 'km2')
    >>> unit_of(1, "universities"), unit_of(1, "% of places near it"), unit_of(1, "business")
    ('university', '% of places near it', 'business')
    """
    if number != 1 or " " in unit or not unit.endswith("s") or unit.endswith("ss"):
        return unit
    for many, one in (("ies", "y"), ("xes", "x"), ("sses", "ss"), ("ches", "ch"), ("s", "")):
        if unit.endswith(many):
            return unit.removesuffix(many) + one
    return unit


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
