"""What changed each trip from one run to another: by how much, and by which edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from technobelt.travel_time import matrix, measuring, model_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.cases import Case
    from technobelt.network.edits import Change
    from technobelt.runs import Run

    Floats = NDArray[np.float64]

__all__ = ["trip_changes"]

#: Trips that change by less are the same, minutes.
_SAME_MIN = 0.05
_KEY, _NAMES = ["from_id", "to_id"], ["from_name", "to_name"]
_COLUMNS = ["run", *_KEY, *_NAMES, "base_min", "time_min", "change_min", "status", "why"]


def trip_changes(runs: list[Run], cases: list[Case | None]) -> pd.DataFrame:
    """Return every trip in every run but the base, with what the base comes to, and why.

    Parameters
    ----------
    runs
        The base first.
    cases
        The claim of each; None where there is none.
    """
    base = cases[0]
    tables = [
        _changed(base, run, case)
        for run, case in zip(runs[1:], cases[1:], strict=True)
        if case is not None and base is not None
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_COLUMNS)


def _changed(base: Case, run: Run, case: Case) -> pd.DataFrame:
    table = _trips(case)
    table.insert(0, "run", run.label)
    table["base_min"] = _at(base, table, _minutes(base), absent=np.nan)
    now = _at(case, table, _minutes(case), absent=np.nan)
    change = now - table["base_min"]
    table["time_min"] = now
    table["change_min"] = np.where(np.isfinite(change), change, np.nan)
    table["status"] = np.where(np.isfinite(now), "ok", "unreachable")
    table["why"] = _why(table, base, run, case)
    for column in ("base_min", "time_min"):
        table[column] = table[column].where(np.isfinite(table[column]))
    return table[_COLUMNS]


def _trips(case: Case) -> pd.DataFrame:
    """Return the trips of a case by their ends."""
    trips, ids = case.members, case.places.index.to_numpy()
    i, j = np.nonzero(trips.asked)
    return pd.DataFrame(
        {
            "from_id": ids[i],
            "to_id": ids[j],
            "from_name": trips.from_name[i],
            "to_name": trips.to_name[j],
        }
    )


def _minutes(case: Case) -> Floats:
    """Return the minutes between all places; infinite where there is no way."""
    trips = case.members
    seconds, _ = matrix(model_of(case.network, case.speeds), trips.origins, trips.destinations)
    return seconds / 60


def _at(case: Case, table: pd.DataFrame, values: Floats, *, absent: float) -> Floats:
    """Return the values of trips; a facility goes by the place that it stands on in the case."""
    row = {one: at for at, ids in enumerate(case.places["members"]) for one in ids}
    i, j = (table[end].map(row).fillna(-1).to_numpy(np.int64) for end in _KEY)
    return np.where((i >= 0) & (j >= 0), values[i, j], absent)


def _why(table: pd.DataFrame, base: Case, run: Run, case: Case) -> list[str]:
    """Say of each trip which edits changed it."""
    reasons: list[list[str]] = [[] for _ in range(len(table))]
    moved = (table["change_min"].abs() >= _SAME_MIN) | table["change_min"].isna()
    for change in run.state.changes:
        before = _minutes_on(base, change, table)
        now = _minutes_on(case, change, table)
        for row in np.flatnonzero(moved):
            said = _reason(change, before[row], now[row])
            reasons[row] += [said] if said else []
    for edit in run.region.scenario.of_facilities if run.region.scenario else []:
        ends = (table["from_id"] == edit.facility) | (table["to_id"] == edit.facility)
        verb = "moves" if edit.do == "move_facility" else "adds"
        for row in np.flatnonzero(ends):
            reasons[row].append(f"'{edit.id}' {verb} {edit.facility}")
    lost = np.isinf(table["time_min"]) & ~np.isinf(table["base_min"])
    return [
        ("no way: " if none else "") + "; ".join(said)
        for said, none in zip(reasons, lost, strict=True)
    ]


def _minutes_on(case: Case, change: Change, table: pd.DataFrame) -> Floats:
    """Return how many minutes of each trip's way lie on the arcs of an edit."""
    if not change.arcs.any():
        return np.zeros(len(table))
    costs = model_of(case.network, case.speeds).costs
    on = np.where(change.arcs & np.isfinite(costs.drive_s), costs.drive_s, 0.0)
    trips = case.members
    _, seconds = matrix(measuring(case.network, costs, on), trips.origins, trips.destinations)
    return _at(case, table, np.where(np.isfinite(seconds), seconds / 60, 0.0), absent=0.0)


def _reason(change: Change, before: float, now: float) -> str:
    """Say what an edit has to do with a trip that drove so many minutes on its roads, and does."""
    if change.do == "close":
        return f"'{change.edit}' closes {_told(before)} of its way" if before > 0 else ""
    if now > 0:
        return f"drives {_told(now)} on '{change.edit}'"
    return f"leaves '{change.edit}' ({_told(before)} before)" if before > 0 else ""


def _told(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes >= 0.5 else "less than 1 min"
