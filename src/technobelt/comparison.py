"""Travel-time claims side by side: dates of the roads, scenarios, with and without the corridor.

All runs differ in what they are named after and in nothing else: the same sections, the same ties,
made on roads that are open in every run. A place that an edit cuts off is unreachable, not moved.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.attribute_claims import attribute_verdict
from technobelt.cases import Basis, Case, make_case
from technobelt.claim_kinds import ProximityClaim, TravelTimeClaim
from technobelt.network.ties import tie_points
from technobelt.proximity import proximity_verdict
from technobelt.readings import read_profile
from technobelt.runs import Run, runs_of
from technobelt.sampling import draw_readings, need_uncertainty
from technobelt.trip_changes import trip_changes
from technobelt.verdict import rounded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from technobelt.network.model import Network
    from technobelt.region import Region
    from technobelt.scenario import Scenario

__all__ = ["Comparison", "compare_claims"]

#: Trips told in ``claims.json``: those that change most.
_TOLD_PAIRS = 50


def _drawn(shares: pd.Series[float]) -> dict[str, Any]:
    """Return for ``claims.json`` how often a reading is within the limit, where that was drawn."""
    known = shares.dropna()
    return {"p_within": known.to_dict()} if len(known) else {}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Claims in several runs.

    Attributes
    ----------
    base
        Label of the run that the others are compared with.
    runs
        Labels of all runs, the base first: dates, ids of scenarios, and these ``without the
        corridor``.
    readings
        One row a run, claim and reading: ``run``, ``claim``, ``reading``, ``verdict``, ``unit``,
        ``observed``, ``low``, ``high`` (within stated ranges), ``p_within`` (the share of random
        draws in which it is within the limit, NaN without draws), ``base_verdict``, ``change``
        (observed less that of the base).
    pairs
        One row a run but the base, and trip of the first travel-time claim: ``run``, ``from_id``,
        ``to_id``, ``from_name``, ``to_name``, ``base_min``, ``time_min``, ``change_min``,
        ``status``, ``why``.
    notes
        What to know beside it: places that are tied otherwise than without a comparison, edits that
        change no trip.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> found = tb.compare_claims(region, tb.load_network(region), dates=["2021"])
    >>> found.base, found.primary[["claim", "verdict"]].iloc[0].tolist()
    ('2021', ['ninety-minutes', 'undecided'])
    """

    base: str
    runs: list[str]
    readings: pd.DataFrame
    pairs: pd.DataFrame
    notes: list[str] = field(default_factory=list)

    @property
    def primary(self) -> pd.DataFrame:
        """The readings that give the claims their verdicts, one row a run and claim."""
        return self.readings.drop_duplicates(["run", "claim"])

    def to_dict(self) -> dict[str, Any]:
        """Return what ``claims.json`` holds: all readings, and the trips that change most.

        Returns
        -------
        dict
            Plain data under the names of the attributes.
        """
        return {
            "base": self.base,
            "runs": self.runs,
            "readings": self._readings(),
            "pairs": self._pairs(),
            "notes": self.notes,
        }

    def _readings(self) -> list[dict[str, Any]]:
        told = []
        for (claim, reading), rows in self.readings.groupby(["claim", "reading"], sort=False):
            mine = rows.set_index("run")
            told.append(
                {
                    "claim": claim,
                    "reading": reading,
                    "unit": mine["unit"].iloc[0],
                    "verdicts": mine["verdict"].to_dict(),
                    "observed": {run: rounded(value) for run, value in mine["observed"].items()},
                    **_drawn(mine["p_within"]),
                }
            )
        return told

    def _pairs(self) -> list[dict[str, Any]]:
        changed = self.pairs[self.pairs["why"] != ""]
        if changed.empty:
            return []
        most = changed.assign(by=changed["change_min"].abs().fillna(np.inf))
        largest = most.groupby(["from_id", "to_id"])["by"].max()
        order = largest.sort_values(ascending=False, kind="stable")
        told = []
        for start, finish in order.index[:_TOLD_PAIRS]:
            mine = self.pairs[(self.pairs["from_id"] == start) & (self.pairs["to_id"] == finish)]
            first = mine.iloc[0]
            minutes = {self.base: rounded(first["base_min"])}
            minutes |= {row.run: rounded(row.time_min) for row in mine.itertuples()}
            told.append(
                {
                    "from": start,
                    "to": finish,
                    "from_name": first["from_name"],
                    "to_name": first["to_name"],
                    "minutes": minutes,
                    "why": {row.run: row.why for row in mine.itertuples() if row.why},
                }
            )
        return told


def compare_claims(  # noqa: PLR0913  (options as of check_claims)
    region: Region,
    network: Network,
    *,
    scenarios: Sequence[Scenario] = (),
    dates: Sequence[str] = (),
    without_corridor: bool = False,
    profile: str | None = None,
    members_as_of: str | None = None,
    draws: int = 0,
    seed: int = 1999,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Judge a region's claims in several runs that differ in one thing each.

    Parameters
    ----------
    region, network
        The network without edits.
    scenarios
        From `load_scenario`; each is one run on the roads of the base.
    dates
        Dates of the roads (ISO), one run each, the first being the base; the network as it is by
        default.
    without_corridor
        Add to each run one in which the corridor of its date is closed.
    profile
        Speed profile, instead of the one that each claim names.
    members_as_of
        The date by which places had opened (ISO), instead of each claim's rule.
    draws, seed
        Random draws of speeds, if the region states ``[uncertainty]``. A road has the same noise in
        every run.
    progress
        Called with each run's label, and now and then while drawing.

    Returns
    -------
    Comparison
        Travel-time claims in every reading; of the other claims those that come out otherwise in
        some run.

    Raises
    ------
    ScenarioError
        Edits do not fit the roads or the facilities, or two runs have one name.
    ClaimError
        A claim cannot be tested in one of the runs.
    NetworkError
        A date is none, or not one of the network's.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> network = tb.load_network(region)
    >>> found = tb.compare_claims(region, network, dates=["1999", "2021"])
    >>> found.runs
    ['1999', '2021']
    """
    if draws:
        need_uncertainty(region)
    runs = runs_of(
        region,
        network.to_crs(region.crs),
        scenarios=scenarios,
        dates=dates,
        without_corridor=without_corridor,
    )
    regions = {id(run.region): run.region for run in runs}
    others = {key: _attributes(one) for key, one in regions.items()}
    judged = []
    for run in runs:
        if progress is not None:
            progress(run.label)
        basis = Basis(profile, run.as_of, members_as_of, draws, seed)
        judged.append(_judged(run, others[id(run.region)], basis, progress))
    pairs = trip_changes(runs, [case for _, case in judged])
    return Comparison(
        base=runs[0].label,
        runs=[run.label for run in runs],
        readings=_with_base(pd.concat([table for table, _ in judged], ignore_index=True)),
        pairs=pairs,
        notes=[*_retied(judged[0][1]), *_idle(scenarios, pairs)],
    )


def _retied(case: Case | None) -> list[str]:
    """Say which places the base ties to other roads than it would if nothing were compared."""
    if case is None:
        return []
    alone = tie_points(replace(case.network, ground=None), case.places, what="places")
    ties = case.members.origins
    roads = [[set(t.section[t.point == i]) for i in range(t.n)] for t in (alone, ties)]
    moved = [
        str(place) for place, one, two in zip(case.places.index, *roads, strict=True) if one != two
    ]
    note = (
        "Tied to another road than without a comparison, in all runs, because theirs is closed in "
        f"one: {', '.join(moved)}."
    )
    return [note] if moved else []


def _idle(scenarios: Sequence[Scenario], pairs: pd.DataFrame) -> list[str]:
    """Say which edits change no trip."""
    notes = []
    for scenario in scenarios:
        why = " ".join(pairs.loc[pairs["run"] == scenario.id, "why"])
        idle = [edit.id for edit in scenario.edits if f"'{edit.id}'" not in why]
        if idle and len(pairs):
            notes.append(f"Edits of '{scenario.id}' that change no trip: {', '.join(idle)}.")
    return notes


# --- verdicts ------------------------------------------------------------------------------------


def _judged(
    run: Run,
    others: list[dict[str, Any]],
    basis: Basis,
    progress: Callable[[str], None] | None,
) -> tuple[pd.DataFrame, Case | None]:
    """Return the verdicts of one run, and the case of the first travel-time claim."""
    network = run.state.network
    rows = [{"run": run.label, **other} for other in others]
    shown: Case | None = None
    for claim in run.region.claims:
        head = {"run": run.label, "claim": claim.id, "kind": claim.kind}
        if isinstance(claim, TravelTimeClaim):
            case = make_case(run.region, network, claim, basis)
            shown = shown or case
            readings = read_profile(case, case.profile)
            if basis.draws:
                draw_readings(case, readings, progress)
            rows += [head | _reading(one) for one in readings]
        elif isinstance(claim, ProximityClaim) and run.corridor:
            found = proximity_verdict(run.region, network, claim, as_of=run.as_of)
            rows.append(head | _other(found))
    return pd.DataFrame(rows), shown


def _attributes(region: Region) -> list[dict[str, Any]]:
    """Return the verdicts of the claims that need no road."""
    timed = (TravelTimeClaim, ProximityClaim)
    return [
        {"claim": claim.id, "kind": claim.kind} | _other(attribute_verdict(region, claim))
        for claim in region.claims
        if not isinstance(claim, timed)
    ]


def _reading(one: dict[str, Any]) -> dict[str, Any]:
    if "unit" in one:  # a share
        unit, found, scale = "% of pairs", [one["observed"], *one["range"]], 100
    else:
        unit, found, scale = "min", [one["observed_min"], *one["range_min"]], 1
    observed, low, high = (None if value is None else round(value * scale, 2) for value in found)
    head = {"reading": one["reading"], "verdict": one["verdict"], "unit": unit}
    drawn = one.get("p_within", np.nan)
    return head | {"observed": observed, "low": low, "high": high, "p_within": drawn}


def _other(found: dict[str, Any]) -> dict[str, Any]:
    low, high = found.get("observed_range", (None, None))
    head = {"reading": "", "verdict": found["verdict"], "unit": found.get("unit", "")}
    drawn = {"p_within": np.nan}
    return head | {"observed": found.get("observed"), "low": low, "high": high} | drawn


def _with_base(table: pd.DataFrame) -> pd.DataFrame:
    """Add what the base comes to; leave out other claims that are the same in all runs."""
    for column in ("observed", "low", "high"):
        table[column] = table[column].astype(float)
    base = table[table["run"] == table["run"].iloc[0]].set_index(["claim", "reading"])
    key = pd.MultiIndex.from_frame(table[["claim", "reading"]])
    table["base_verdict"] = base["verdict"].reindex(key).to_numpy()
    table["change"] = (
        table["observed"].to_numpy() - base["observed"].reindex(key).to_numpy()
    ).round(4)
    differs = (table["verdict"] != table["base_verdict"]) | (table["change"].abs() > 0)
    changed = table.loc[differs, "claim"].unique()
    timed = table["kind"] == "travel_time"
    kept = table[timed | table["claim"].isin(changed)]
    order = (~timed[kept.index]).sort_values(kind="stable").index
    return kept.loc[order].drop(columns="kind").reset_index(drop=True)
