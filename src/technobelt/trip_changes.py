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
    before = _minutes(base).rename(columns={"time_min": "base_min"})
    now = _minutes(case)
    table = now.merge(before[[*_KEY, "base_min"]], on=_KEY, how="left")
    table.insert(0, "run", run.label)
    finite = np.isfinite(table["time_min"])
    table["status"] = np.where(finite, "ok", "unreachable")
    change = table["time_min"] - table["base_min"]
    table["change_min"] = np.where(np.isfinite(change), change, np.nan)
    table["why"] = _why(table, base, run, case)
    table["time_min"] = table["time_min"].where(finite)
    table["base_min"] = table["base_min"].where(np.isfinite(table["base_min"]))
    return table[_COLUMNS]


def _minutes(case: Case) -> pd.DataFrame:
    """Return the minutes of every trip; infinite where there is no way."""
    trips = case.members
    seconds, _ = matrix(model_of(case.network, case.speeds), trips.origins, trips.destinations)
    i, j = np.nonzero(trips.asked)
    ids = case.places.index.to_numpy()
    return pd.DataFrame(
        {
            "from_id": ids[i],
            "to_id": ids[j],
            "from_name": trips.from_name[i],
            "to_name": trips.to_name[j],
            "time_min": seconds[i, j] / 60,
        }
    )


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
    both_ways_lost = np.isinf(table["time_min"]) & ~np.isinf(table["base_min"])
    return [
        ("no way: " if lost else "") + "; ".join(said)
        for said, lost in zip(reasons, both_ways_lost, strict=True)
    ]


def _minutes_on(case: Case, change: Change, table: pd.DataFrame) -> Floats:
    """Return how many minutes of each trip's way lie on the arcs of an edit."""
    if not change.arcs.any():
        return np.zeros(len(table))
    costs = model_of(case.network, case.speeds).costs
    on = np.where(change.arcs & np.isfinite(costs.drive_s), costs.drive_s, 0.0)
    trips = case.members
    _, seconds = matrix(measuring(case.network, costs, on), trips.origins, trips.destinations)
    start = case.places.index.get_indexer(table["from_id"])
    finish = case.places.index.get_indexer(table["to_id"])
    there = (start >= 0) & (finish >= 0)
    minutes = np.where(there, seconds[start, finish] / 60, 0.0)
    return np.where(np.isfinite(minutes), minutes, 0.0)


def _reason(change: Change, before: float, now: float) -> str:
    """Say what an edit has to do with a trip that drove so many minutes on its roads, and does."""
    if change.do == "close":
        return f"its {before:.0f} min on {change.roads} are closed" if before > 0 else ""
    if now > 0:
        return f"drives {now:.0f} min on {change.roads}"
    return f"leaves {change.roads} ({before:.0f} min before)" if before > 0 else ""
