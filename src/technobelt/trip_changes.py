"""What changed each trip from one run to another: by how much, and by which edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.travel_time import matrix, measuring, model_of

if TYPE_CHECKING:
    import geopandas as gpd
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
    trips = case.members
    i, j = np.nonzero(trips.asked)
    minutes = _minutes(case)[i, j]
    starts, ends = case.places.index.to_numpy(), case.ends.index.to_numpy()
    table = pd.DataFrame({"run": run.label, "from_id": starts[i], "to_id": ends[j]})
    table["from_name"], table["to_name"] = trips.from_name[i], trips.to_name[j]
    before = _at(base, table, _minutes(base), unknown=np.nan)
    table["base_min"] = np.where(np.isfinite(before), before, np.nan)
    table["time_min"] = np.where(np.isfinite(minutes), minutes, np.nan)
    table["change_min"] = table["time_min"] - table["base_min"]
    table["status"] = np.where(np.isfinite(minutes), "ok", "unreachable")
    table["why"] = _why(table, base, run, case)
    lost = ~np.isfinite(minutes) & ~np.isinf(before)
    table["why"] = np.where(lost, "no way: " + table["why"], table["why"])
    return table[_COLUMNS]


def _minutes(case: Case) -> Floats:
    """Return the minutes between the claim's places; infinite where there is no way."""
    trips = case.members
    seconds, _ = matrix(model_of(case.network, case.speeds), trips.origins, trips.destinations)
    return seconds / 60


def _at(case: Case, table: pd.DataFrame, values: Floats, *, unknown: float) -> Floats:
    """Return what a matrix of the case's places holds for each trip of a table.

    A facility may stand with others at one place, and by itself in another run.
    """
    start, finish = _rows(case.places, table["from_id"]), _rows(case.ends, table["to_id"])
    return np.where((start >= 0) & (finish >= 0), values[start, finish], unknown)


def _rows(places: gpd.GeoDataFrame, ids: pd.Series[Any]) -> NDArray[np.int64]:
    """Return at which row of the places each facility stands, -1 for none."""
    row = {member: number for number, here in enumerate(places["members"]) for member in here}
    return ids.map(row).fillna(-1).to_numpy(np.int64)


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
    return ["; ".join(said) for said in reasons]


def _minutes_on(case: Case, change: Change, table: pd.DataFrame) -> Floats:
    """Return how many minutes of each trip's way lie on the arcs of an edit."""
    if not change.arcs.any():
        return np.zeros(len(table))
    costs = model_of(case.network, case.speeds).costs
    on = np.where(change.arcs & np.isfinite(costs.drive_s), costs.drive_s, 0.0)
    trips = case.members
    _, seconds = matrix(measuring(case.network, costs, on), trips.origins, trips.destinations)
    minutes = _at(case, table, seconds / 60, unknown=0.0)
    return np.where(np.isfinite(minutes), minutes, 0.0)


def _reason(change: Change, before: float, now: float) -> str:
    """Say what an edit has to do with a trip that drove so many minutes on its roads, and does."""
    if change.do == "close":
        return f"{_told(before)} of its way, on {change.roads}, are closed" if before > 0 else ""
    if now > 0:
        return f"drives {_told(now)} on {change.roads}"
    return f"leaves {change.roads} ({_told(before)} before)" if before > 0 else ""


def _told(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes >= 0.5 else "less than 1 min"
