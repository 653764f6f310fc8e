"""Apply scenarios to roads: close, open, slow down, add.

All states of a network that are compared, the base and one for each scenario, have the same
sections: those that only a scenario has are closed in the others. So ties mean the same in all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from technobelt.counting import counted
from technobelt.errors import PointError, ScenarioError
from technobelt.network.cuts import cut_sections, with_sections
from technobelt.network.model import Edits, Ground
from technobelt.network.new_roads import joins, sections_of
from technobelt.network.road_choice import border_crossings, fitting, heading, unknown
from technobelt.network.ties import startable, tie_points
from technobelt.scenario import AddRoad, CloseRoads, OpenRoads, SetSpeed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from technobelt.network.cuts import Cut
    from technobelt.network.model import Network
    from technobelt.network.ties import Ties
    from technobelt.scenario import RoadChoice, Scenario

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["Change", "Laid", "State", "lay_out", "on_common_ground", "with_scenarios"]


@dataclass(frozen=True, eq=False)
class Change:
    """On which arcs an edit bears.

    Attributes
    ----------
    edit
        Its id.
    do
        ``close``, ``open``, ``speed`` or ``add_road``.
    arcs
        bool (m).
    words
        What the arcs are called, if not by the edit.
    """

    edit: str
    do: str
    arcs: Mask
    words: str = ""

    @property
    def roads(self) -> str:
        """What to call the roads that it bears on."""
        return self.words or f"'{self.edit}'"


@dataclass(frozen=True, eq=False)
class State:
    """A network under a scenario, and what the scenario changed in it."""

    network: Network
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, eq=False)
class Laid:
    """A network on which the roads of scenarios are laid out, all of them still closed.

    Attributes
    ----------
    network
        With the sections of all scenarios.
    added
        The sections of each new road, by scenario and edit.
    """

    network: Network
    added: dict[tuple[str, str], Ints]


def with_scenarios(network: Network, scenarios: Sequence[Scenario]) -> list[State]:
    """Return a network as it is, and under each of some scenarios.

    Parameters
    ----------
    network
        The roads, as of the date in question.
    scenarios
        Each by itself, not one after the other.

    Returns
    -------
    list of State
        The base first. They share sections, and the ground that ties are made on.

    Raises
    ------
    ScenarioError
        An edit matches no road, two bear on the same road, or an end of a new road is near none.

    Examples
    --------
    >>> import technobelt as tb
    >>> from technobelt.scenario import Scenario
    >>> edit = {"id": "no-branch", "do": "close", "roads": {"ref": ["104"]}}
    >>> network = tb.load_network(tb.load_region())
    >>> base, closed = with_scenarios(network, [Scenario(id="a", edits=[edit])])
    >>> int(base.network.closed.sum()), bool(closed.network.closed.any())
    (0, True)
    """
    laid = lay_out(network, scenarios)
    states = [State(laid.network), *(under(laid, laid.network, one) for one in scenarios)]
    return on_common_ground(states, scenarios)


def _need_roads_near(network: Network, scenario: Scenario) -> None:
    """Refuse to put a facility where no road is near that is open in every state."""
    import geopandas as gpd

    edits = scenario.of_facilities
    if not edits:
        return
    points = gpd.GeoSeries(shapely.points([edit.to for edit in edits]), crs=4326)
    try:
        tied = tie_points(network, points, what="facilities").tied
    except PointError:
        tied = np.zeros(len(edits), dtype=bool)
    if not tied.all():
        edit = edits[int(tied.argmin())]
        raise ScenarioError(
            f"edit '{edit.id}': no road open in every run lies within 1000 m of {edit.to[0]},"
            f"{edit.to[1]}, where it puts {edit.facility}. Choose a position beside a road."
        )


def on_common_ground(states: Sequence[State], scenarios: Sequence[Scenario] = ()) -> list[State]:
    """Let states of one network tie places to the same roads: to those open in all of them.

    A place that no such road is near is tied as in the first state.

    Raises
    ------
    ScenarioError
        One of the scenarios puts a facility where no such road is near.
    """
    networks = [state.network for state in states]
    may_start = [startable(network) for network in networks]
    start = np.logical_and.reduce(may_start)
    walls = np.logical_or.reduce([network.walls for network in networks])
    ground = Ground(start, may_start[0], walls)
    grounded = [replace(state, network=replace(state.network, ground=ground)) for state in states]
    for scenario in scenarios:
        _need_roads_near(grounded[0].network, scenario)
    return grounded


def lay_out(network: Network, scenarios: Sequence[Scenario], joinable: Mask | None = None) -> Laid:
    """Cut sections where scenarios join or border them, and add their new roads, closed.

    Parameters
    ----------
    network
        Without edits.
    scenarios
        All that are to be compared.
    joinable
        bool (n): sections that new roads may be joined to; by default those that are open.
    """
    if network.edits is not None:
        raise ScenarioError(
            f"the network is under scenario '{network.info.scenario}' already. Apply scenarios to "
            "the network that it was made from."
        )
    free = ~network.closed if joinable is None else joinable
    roads = [(s.id, e) for s in scenarios for e in s.of_roads if isinstance(e, AddRoad)]
    ends = [joins(network, edit, free) for _, edit in roads]
    borders = [border_crossings(network, choice) for s in scenarios for choice in _polygons(s)]
    section = np.concatenate([*(ties.section for ties in ends), *(b[0] for b in borders), _NONE])
    fraction = np.concatenate([*(ties.fraction for ties in ends), *(b[1] for b in borders), []])
    cut = cut_sections(network, section.astype(np.int64), fraction)
    node = np.split(cut.node, np.cumsum([len(ties.point) for ties in ends]))
    return _with_new_roads(cut, roads, ends, node)


_NONE = np.zeros(0, dtype=np.int64)


def under(laid: Laid, network: Network, scenario: Scenario) -> State:
    """Apply a scenario to a laid-out network, or to what it was on a date.

    Raises
    ------
    ScenarioError
        An edit matches no road, or two bear on the same road.
    """
    arcs, sections = len(network.arc_section), len(network.roads)
    kph, factor = np.full(arcs, np.nan), np.ones(arcs)
    closed = network.closed.copy()
    changes: list[Change] = []
    for edit in scenario.of_roads:
        if isinstance(edit, AddRoad):
            mine = np.isin(np.arange(sections), laid.added[scenario.id, edit.id])
            on = mine[network.arc_section]
            closed[mine] = False
        else:
            on = _arcs(network, edit)
        _refuse_overlap(network, changes, edit.id, on)
        changes.append(Change(edit.id, edit.do, on))
        if isinstance(edit, CloseRoads):
            factor[on] = 0.0
        elif isinstance(edit, OpenRoads):
            closed[network.arc_section[on]] = False
        elif edit.kph is not None:
            kph[on] = edit.kph
        elif isinstance(edit, SetSpeed):
            factor[on] = edit.factor
    shut = np.bincount(network.arc_section, weights=factor > 0, minlength=sections) == 0
    edits = Edits(kph, factor, open_before=~network.closed)
    info = replace(network.info, scenario=scenario.id)
    made = replace(network, closed=closed | shut, edits=edits, info=info)
    return State(made, tuple(changes))


def _polygons(scenario: Scenario) -> list[RoadChoice]:
    edits = [edit for edit in scenario.of_roads if not isinstance(edit, AddRoad)]
    return [edit.roads for edit in edits if edit.roads.within]


# --- which roads ---------------------------------------------------------------------------------


def _arcs(network: Network, edit: CloseRoads | OpenRoads | SetSpeed) -> Mask:
    """Return the arcs that an edit is for."""
    lacking = unknown(network, edit.roads)
    if lacking:
        raise ScenarioError(f"edit '{edit.id}': {lacking}")
    fits = fitting(network, edit.roads)
    if not fits.any():
        raise ScenarioError(
            f"edit '{edit.id}': no road fits {edit.roads}, all of it at once. Correct the choice; "
            "positions are longitude, latitude."
        )
    wanted = fits & (network.closed if isinstance(edit, OpenRoads) else ~network.closed)
    if not wanted.any():
        state = "open" if isinstance(edit, OpenRoads) else "closed"
        raise ScenarioError(
            f"edit '{edit.id}': all sections ({fits.sum():,}) that fit {edit.roads} are {state} "
            "already. Take the edit out, or choose another date."
        )
    on = wanted[network.arc_section]
    if not isinstance(edit, OpenRoads) and edit.direction != "both":
        on &= heading(network, edit.direction)
        if not on.any():
            raise ScenarioError(
                f"edit '{edit.id}': of the sections ({wanted.sum():,}) that fit {edit.roads} none "
                f"is driven to the {edit.direction}. Choose another direction."
            )
    return np.asarray(on)


def _refuse_overlap(network: Network, before: list[Change], edit: str, arcs: Mask) -> None:
    for change in before:
        both = change.arcs & arcs
        if both.any():
            sections = np.unique(network.arc_section[both])
            road = network.roads.loc[sections[0], ["ref", "name", "class"]].dropna().iloc[0]
            raise ScenarioError(
                f"edits '{change.edit}' and '{edit}' both bear on "
                f"{counted(len(sections), 'section')}, the first of road '{road}'. Narrow one "
                "of them, so that each road has one edit."
            )


def _with_new_roads(
    cut: Cut, roads: list[tuple[str, AddRoad]], ends: list[Ties], node: list[Ints]
) -> Laid:
    """Append the sections of all new roads, closed."""
    import geopandas as gpd
    import pandas as pd

    network = cut.network
    added: dict[tuple[str, str], Ints] = {}
    tables = []
    n = len(network.roads)
    for (scenario, edit), ties, mine in zip(roads, ends, node, strict=False):
        table = sections_of(network, edit, ties, mine)
        added[scenario, edit.id] = np.arange(n, n + len(table))
        tables.append(table)
        n += len(table)
    if not tables:
        return Laid(network, {})
    more = gpd.GeoDataFrame(pd.concat(tables), geometry="geometry", crs=network.crs)
    made = with_sections(network, more)
    return Laid(replace(made, closed=made.closed | (np.arange(n) >= len(network.roads))), added)
