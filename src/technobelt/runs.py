"""The runs of a comparison: dates of the roads, scenarios, with and without the corridor.

All have the same sections and the same ties, made on roads that are open in every run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from technobelt.corridor import corridor_before, corridor_sections
from technobelt.errors import ScenarioError
from technobelt.network.edits import (
    Change,
    State,
    lay_out,
    on_common_ground,
    under,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from technobelt.network.edits import Laid
    from technobelt.network.model import Network
    from technobelt.region import Region
    from technobelt.scenario import Scenario

__all__ = ["Run", "runs_of"]


@dataclass(frozen=True, eq=False)
class Run:
    """One of the runs that are compared.

    Attributes
    ----------
    label
        A date, the id of a scenario, or one of these ``without the corridor``.
    region
        With the facilities of the scenario.
    state
        The roads, and what was changed in them.
    as_of
        The date of roads and corridor.
    corridor
        Whether the corridor is there.
    """

    label: str
    region: Region
    state: State
    as_of: str | None
    corridor: bool = True


def runs_of(
    region: Region,
    network: Network,
    *,
    scenarios: Sequence[Scenario],
    dates: Sequence[str],
    without_corridor: bool,
) -> list[Run]:
    """Return the runs of all dates and scenarios, the base first; see `compare_claims`.

    Raises
    ------
    ScenarioError
        Edits do not fit the roads, or two runs have one name.
    """
    runs = _runs(region, network, scenarios, dates)
    if without_corridor:
        runs += [_without_corridor(run) for run in runs]
    labels = [run.label for run in runs]
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise ScenarioError(
            f"two runs are called '{twice[0]}'. Name each date once, and give scenarios ids of "
            "their own."
        )
    states = on_common_ground([run.state for run in runs], scenarios)
    return [replace(run, state=state) for run, state in zip(runs, states, strict=True)]


def _runs(
    region: Region, network: Network, scenarios: Sequence[Scenario], dates: Sequence[str]
) -> list[Run]:
    """Return the runs of all dates and scenarios."""
    joinable = ~network.closed
    for date in dates:
        joinable &= ~network.as_of(date).closed
    laid = lay_out(network, scenarios, joinable)
    runs = _dated_runs(region, laid, dates)
    base = runs[0]
    for scenario in scenarios:
        state = under(laid, base.state.network, scenario)
        moved = region.with_scenario(scenario) if scenario.of_facilities else region
        runs.append(Run(scenario.id, moved, state, base.as_of))
    return runs


def _dated_runs(region: Region, laid: Laid, dates: Sequence[str]) -> list[Run]:
    info = laid.network.info
    if not dates:
        label = info.as_of or info.date or "base"
        return [Run(label, region, State(laid.network), info.as_of or None)]
    networks = [laid.network.as_of(date) for date in dates]
    runs = [Run(dates[0], region, State(networks[0]), dates[0])]
    for date, then in zip(dates[1:], networks[1:], strict=True):
        runs.append(Run(date, region, State(then, _opened(networks[0], then, dates[0])), date))
    return runs


def _opened(base: Network, then: Network, since: str) -> tuple[Change, ...]:
    """Return what differs between two dates of the roads."""
    section = then.arc_section
    later = f"roads opened since {since}"
    absent = f"roads not yet open in {then.info.as_of}"
    return (
        Change("", "open", (base.closed & ~then.closed)[section], later),
        Change("", "close", (then.closed & ~base.closed)[section], absent),
    )


def _without_corridor(run: Run) -> Run:
    network = run.state.network
    closed = corridor_sections(run.region, network, run.as_of)
    change = Change("", "close", closed[network.arc_section], "the corridor")
    without = network.closing(closed | corridor_before(run.region, network, run.as_of))
    state = State(without, (*run.state.changes, change))
    return replace(run, label=f"{run.label} without the corridor", state=state, corridor=False)
