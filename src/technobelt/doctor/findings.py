"""A finding: which row of which layer, what is wrong, what was found, what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import geopandas as gpd

__all__ = ["SEVERITIES", "SHOWN", "Faults", "Finding", "Remedy", "RowNames", "Severity", "told"]

#: Of so many rows with one fault it is told one by one; of the others, how many there are.
SHOWN = 20

#: An error keeps a plan from running or makes it wrong; a to-do is what is not filled in yet.
Severity = Literal["error", "warning", "to-do"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "to-do")


@dataclass(frozen=True)
class Remedy:
    """What `technobelt.doctor.mend` may do by itself.

    Attributes
    ----------
    kind
        ``crs``: say that coordinates are in `crs`, after exchanging axes if `swap`; ``valid``:
        repair shapes; ``strip``: take blanks off texts; ``duplicates``: drop rows that are the same
        as one before; ``cpg``: write the `encoding` beside a shapefile.
    """

    kind: Literal["crs", "valid", "strip", "duplicates", "cpg"]
    crs: str = ""
    swap: bool = False
    encoding: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or still to be done.

    Attributes
    ----------
    layer, row
        Where; `row` is an id, ``row 3`` where there is none, or empty for the whole layer.
    severity
        ``error``, ``warning`` or ``to-do``.
    check
        Which check found it: ``file``, ``columns``, ``types``, ``ids``, ``shapes``, ``crs``,
        ``text``, ``encoding``, ``years``, ``clusters``, ``hubs``, ``roads``, ``duplicates``.
    what, found, do
        What is wrong, what was found, what to do about it.
    remedy
        What ``--fix`` does about it, if it can.
    rows
        How many rows it stands for: more than one where it tells of all others with a fault, after
        those that are told one by one.
    may_be
        Of several CRS that a layer may be in, all; `technobelt.doctor.twins` asks the roads.
    """

    layer: str
    row: str
    severity: Severity
    check: str
    what: str
    found: str
    do: str
    remedy: Remedy | None = None
    rows: int = 1
    may_be: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON; ``fixable`` says whether ``--fix`` mends it."""
        said = {name: getattr(self, name) for name in _SAID}
        return said | {"fixable": self.remedy is not None}


_SAID = ("layer", "row", "severity", "check", "what", "found", "do", "rows")


class RowNames:
    """What each row is called: its id where it has one of its own, else its number.

    Parameters
    ----------
    frame
        A layer as it was read. Its ids are looked at when a row is asked for, not before: of a
        million rows that are right nobody wants to know.

    Examples
    --------
    >>> import geopandas as gpd
    >>> names = RowNames(gpd.GeoDataFrame({"id": ["a", "b", "b"]}))
    >>> names[0], names[2]
    ('a', 'row 3')
    """

    def __init__(self, frame: gpd.GeoDataFrame) -> None:
        self._ids = frame.get("id")

    @cached_property
    def _own(self) -> Any:
        ids = self._ids
        return None if ids is None else (ids.notna() & ~ids.duplicated(keep=False)).to_numpy()

    def __getitem__(self, number: int) -> str:
        """Return what a row is called, by its number from 0."""
        if self._ids is None or self._own is None or not self._own[number]:
            return f"row {number + 1}"
        return str(self._ids.iloc[number])


@dataclass(frozen=True)
class Faults:
    """One fault that rows of a layer have.

    Attributes
    ----------
    rows
        True for each row that has it.
    tell
        Makes the finding about one of these rows, by its number.
    """

    rows: Any
    tell: Callable[[int], Finding]

    def told(self, most: int | None) -> Iterator[Finding]:
        """Tell of the first rows one by one, and of all others at once; of each if None."""
        numbers = np.flatnonzero(np.asarray(self.rows, dtype=bool))
        shown = len(numbers) if most is None or len(numbers) <= most + 1 else most
        for number in numbers[:shown]:
            yield self.tell(int(number))
        if len(numbers) > shown:
            first = self.tell(int(numbers[shown]))
            yield replace(first, row="", found="", rows=len(numbers) - shown)


def told(faults: Iterable[Finding | Faults], most: int | None = SHOWN) -> Iterator[Finding]:
    """Tell what checks found.

    Parameters
    ----------
    faults
        From the checks.
    most
        How many rows of one fault are told one by one; None: all.
    """
    for one in faults:
        if isinstance(one, Finding):
            yield one
        else:
            yield from one.told(most)
