"""A finding: which row of which layer, what is wrong, what was found, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["SEVERITIES", "Finding", "Remedy", "Severity", "row_names"]

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
    """

    layer: str
    row: str
    severity: Severity
    check: str
    what: str
    found: str
    do: str
    remedy: Remedy | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON; ``fixable`` says whether ``--fix`` mends it."""
        said = {name: getattr(self, name) for name in _SAID}
        return said | {"fixable": self.remedy is not None}


_SAID = ("layer", "row", "severity", "check", "what", "found", "do")


def row_names(frame: gpd.GeoDataFrame) -> list[str]:
    """Return what each row is called: its id where it has one of its own, else its number."""
    numbers = [f"row {number}" for number in range(1, len(frame) + 1)]
    if "id" not in frame:
        return numbers
    ids = frame["id"]
    own = (ids.notna() & ~ids.duplicated(keep=False)).tolist()
    return [
        str(name) if mine else number
        for name, number, mine in zip(ids.tolist(), numbers, own, strict=True)
    ]
