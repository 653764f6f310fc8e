"""A siting question as tables and minutes: demand and its weights, candidates, what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.claim_kinds import Selection
from technobelt.counting import counted
from technobelt.errors import PointError, SitingError
from technobelt.layers import located, place_layers, select
from technobelt.network.ties import tie_points
from technobelt.travel_time import SAME_M, matrix, model_of

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.network.ties import Ties
    from technobelt.region import Region
    from technobelt.siting_rules import SitingRules

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["MOST_LISTED", "Problem", "listed", "make_problem"]

#: Places within about a metre of each other are one position: decimals of a metre, none.
_POSITION_DECIMALS = 0
#: More ids than this say nothing to a reader; tables have them all.
MOST_LISTED = 12


@dataclass(frozen=True, eq=False)
class Problem:
    """Demand and candidates, and the minutes between them.

    Attributes
    ----------
    demand
        Points in the network's CRS, indexed by id.
    weights
        float64 (m).
    candidates
        Points in the network's CRS, one a position, indexed by id; ``stands_for`` lists the ids of
        all places at the position, ``kept`` is true where one stands that is open in any case,
        ``eligible`` where a place of the rule or an existing site stands. Those of the rule come
        first, by id, then existing sites, then the places of sets to compare.
    minutes
        float64 (m, n): one way, or the mean of both; infinite where there is no way.
    tied
        bool (m): which demand has a road near.
    off_road
        Ids of candidates that have none.
    notes
        What was left out, assumed or put together.
    """

    demand: gpd.GeoDataFrame
    weights: Floats
    candidates: gpd.GeoDataFrame
    minutes: Floats
    tied: Mask
    off_road: list[str]
    notes: list[str]

    @property
    def fixed(self) -> Mask:
        """Bool (n): open in any case."""
        return np.asarray(self.candidates["kept"], dtype=bool)

    @property
    def eligible(self) -> Mask:
        """Bool (n): what may be chosen; the others are only places of sets to compare."""
        return np.asarray(self.candidates["eligible"], dtype=bool)

    @property
    def reached(self) -> Mask:
        """Bool (m): which demand some eligible candidate reaches."""
        return np.asarray(np.isfinite(self.minutes[:, self.eligible]).any(axis=1))

    def position_of(self, place: str) -> int | None:
        """Return the number of the candidate that stands where a place does, None if none does."""
        lists = self.candidates["stands_for"]
        return next((i for i, ids in enumerate(lists) if place in ids), None)


def make_problem(
    region: Region, network: Network, name: str, rules: SitingRules, *, max_access_m: float
) -> Problem:
    """Read demand and candidates of a siting question, and drive between them.

    Parameters
    ----------
    region, network
        The layers and the roads, on one date and under one scenario.
    name, rules
        The question.
    max_access_m
        Longest way between a place and its road, m.

    Raises
    ------
    SitingError
        There is no demand, no candidate, no weight or no way.
    """
    where = f"[siting.{name}]"
    demand, weights, notes = _demand(region, rules, where)
    demand = demand.to_crs(network.crs)
    candidates, told = _candidates(region, rules, where, network.crs)
    ties = _tied(network, demand, where, "demand", max_access_m)
    ends = _tied(network, candidates, where, "candidates", max_access_m)
    minutes = _minutes(network, region, rules, (demand, ties), (candidates, ends))
    lost = candidates[~ends.tied]
    missed = _all_ids(lost[lost["eligible"]])
    _check_kept(where, lost[lost["kept"]])
    if not (candidates["eligible"] & ends.tied).any():
        raise SitingError(
            f"{where}: no candidate has a road within {max_access_m:g} m: {listed(missed)}. Raise "
            "--max-access-m, or widen candidates."
        )
    if missed:
        notes.append(f"Candidates left out, no road near: {listed(missed)}.")
    problem = Problem(
        demand,
        weights,
        candidates[ends.tied],
        minutes[:, ends.tied],
        ties.tied,
        _all_ids(lost),
        [*notes, *told],
    )
    _check_ways(where, problem)
    return problem


def _all_ids(positions: gpd.GeoDataFrame) -> list[str]:
    return [one for ids in positions["stands_for"] for one in ids]


def _check_ways(where: str, problem: Problem) -> None:
    if not (problem.reached & (problem.weights > 0)).any():
        raise SitingError(
            f"{where}: no candidate ({problem.eligible.sum()}) has a way to any place of the "
            f"demand ({len(problem.demand)}). Check the roads, their date and what "
            "candidates and demand select."
        )


# --- demand --------------------------------------------------------------------------------------


def _demand(
    region: Region, rules: SitingRules, where: str
) -> tuple[gpd.GeoDataFrame, Floats, list[str]]:
    needs = [rules.weight] if rules.weight else []
    rows = select(region, rules.demand, needs=needs)
    if rows.empty:
        raise SitingError(f"{where}: no place fits demand. Widen its 'where', or add to a layer.")
    _once(rows, where, "demand")
    placed = located(rows)
    lost = rows.index.difference(placed.index)
    if placed.empty:
        raise SitingError(f"{where}: no place of demand ({len(rows)}) is located.")
    notes = [f"Demand left out, not located: {listed(lost)}."] if len(lost) else []
    weights, told = _weights(placed, rules, where)
    return placed, weights, [*notes, *told]


def _once(rows: gpd.GeoDataFrame, where: str, what: str) -> None:
    twice = rows.index[rows.index.duplicated()]
    if len(twice):
        raise SitingError(
            f"{where}: {what} has the id {twice[0]!r} twice, in different layers. Give every place "
            "an id of its own."
        )


def _weights(places: gpd.GeoDataFrame, rules: SitingRules, where: str) -> tuple[Floats, list[str]]:
    """Return the weights of places, refused where they are none, and what was assumed."""
    if rules.weight is None:
        return np.ones(len(places)), []
    column = rules.weight
    numbers = pd.to_numeric(places[column], errors="coerce").astype(float)
    said = places[column].notna()
    for bad, what in (
        (said & ~np.isfinite(numbers), "is no number"),
        (numbers < 0, "is below zero"),
    ):
        if bad.any():
            first = places.index[bad][0]
            raise SitingError(
                f"{where}: the weight '{column}' of {first} {what}: {places.loc[first, column]!r}. "
                "Correct it in its layer, or name another column."
            )
    without = places.index[~said]
    if len(without) and rules.weight_missing is None:
        raise SitingError(
            f"{where}: {len(without)} of {counted(len(places), 'place')} without a '{column}': "
            f"{listed(without)}. Give weight_missing, which stands in (0 leaves them out), or "
            "take them out of demand."
        )
    weights = numbers.fillna(rules.weight_missing or 0.0).to_numpy()
    if not weights.sum() > 0:
        raise SitingError(f"{where}: all weights '{column}' are zero. Name another column.")
    if not len(without):
        return weights, []
    stand_in = f"counted as {rules.weight_missing:g}" if rules.weight_missing else "not counted"
    return weights, [f"Without a known {column}, {stand_in}: {listed(without)}."]


# --- candidates ----------------------------------------------------------------------------------


def _candidates(
    region: Region, rules: SitingRules, where: str, crs: Any
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return one row a position, and what is to be said."""
    chosen = select(region, rules.candidates)
    if chosen.empty:
        raise SitingError(
            f"{where}: no place fits candidates. Widen its 'where', or add to a layer."
        )
    existing = _existing(region, rules, where)
    named = _compared(region, rules, where)
    parts = [part.sort_index() for part in (chosen, existing, named) if part is not None]
    rows = _joined(parts, where)
    placed = located(rows).to_crs(crs)
    lost = [place for place in chosen.index if place not in placed.index]
    notes = [f"Candidates left out, not located: {listed(lost)}."] if lost else []
    if not placed.index.isin(chosen.index).any():
        raise SitingError(
            f"{where}: no candidate ({len(chosen)}) is located. Place one, or widen 'where'."
        )
    sites = _one_a_position(placed)
    stands = existing.index if existing is not None else pd.Index([])
    if unplaced := [place for place in stands if place not in placed.index]:
        notes.append(f"Existing sites left out, not located: {listed(unplaced)}.")
    kept = set(stands) if rules.existing_are == "kept" else set()
    sites["kept"] = [bool(kept.intersection(ids)) for ids in sites["stands_for"]]
    may = set(chosen.index) | set(stands)
    sites["eligible"] = [bool(may.intersection(ids)) for ids in sites["stands_for"]]
    return sites, [*notes, *_told_together(sites)]


def _existing(region: Region, rules: SitingRules, where: str) -> gpd.GeoDataFrame | None:
    if rules.existing is None:
        return None
    rows = select(region, rules.existing)
    if rows.empty:
        raise SitingError(f"{where}: no place fits existing. Widen its 'where', or take it out.")
    return rows


def _compared(region: Region, rules: SitingRules, where: str) -> gpd.GeoDataFrame | None:
    """Return the places of the sets to compare, which must be known."""
    wanted = {place: name for name, named in rules.compare.items() for place in named.ids}
    if not wanted:
        return None
    layers = place_layers(region)
    known = select(region, Selection(layers=layers))
    for place, name in wanted.items():
        if place not in known.index:
            raise SitingError(
                f"{where}: the set '{name}' of compare names '{place}', which is in none of "
                f"{', '.join(layers)}. 'technobelt layers places' lists the ids."
            )
    rows: gpd.GeoDataFrame = known.loc[list(wanted)]
    return rows


def _joined(parts: list[gpd.GeoDataFrame], where: str) -> gpd.GeoDataFrame:
    _once(parts[0], where, "candidates")
    columns = ["name", "cluster", "kind", "layer", "geometry"]
    one_crs = [part.set_geometry(part.geometry.rename("geometry")) for part in parts]
    rows = pd.concat(
        [part.to_crs(one_crs[0].crs)[[c for c in columns if c in part]] for part in one_crs]
    )
    joined: gpd.GeoDataFrame = rows[~rows.index.duplicated()]
    return joined


def _one_a_position(places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the first place of every position; ``stands_for`` lists the ids of all."""
    xy = np.round(np.stack([places.geometry.x, places.geometry.y], axis=1), _POSITION_DECIMALS)
    key = pd.Series(map(tuple, xy), index=places.index)
    here: gpd.GeoDataFrame = places[~key.duplicated().to_numpy()].copy()
    together = pd.Series(places.index, index=places.index).groupby(key).agg(list)
    here["stands_for"] = [together[place] for place in key[here.index]]
    return here


def _told_together(sites: gpd.GeoDataFrame) -> list[str]:
    shared = [ids for ids in sites["stands_for"] if len(ids) > 1]
    if not shared:
        return []
    told = "; ".join(f"{ids[0]} for {', '.join(ids[1:])}" for ids in shared[:MOST_LISTED])
    more = f" and {len(shared) - MOST_LISTED} more" if len(shared) > MOST_LISTED else ""
    return [f"Of places at one position the first stands for the others: {told}{more}."]


def _check_kept(where: str, lost: gpd.GeoDataFrame) -> None:
    if len(lost):
        raise SitingError(
            f"{where}: the existing site {lost.index[0]} has no road near, so it cannot be kept. "
            "Correct its position, raise --max-access-m, or take it out of existing."
        )


# --- minutes -------------------------------------------------------------------------------------


def _tied(
    network: Network, places: gpd.GeoDataFrame, where: str, what: str, max_access_m: float
) -> Ties:
    try:
        return tie_points(network, places, max_access_m=max_access_m, what=f"places of {what}")
    except PointError as error:
        raise SitingError(f"{where}: {error}") from error


def _minutes(
    network: Network,
    region: Region,
    rules: SitingRules,
    demand: tuple[gpd.GeoDataFrame, Ties],
    sites: tuple[gpd.GeoDataFrame, Ties],
) -> Floats:
    """Return minutes from each place of the demand to each site, by trees grown at the sites."""
    model = model_of(network, region.profiles[rules.profile])
    ways = []
    if rules.direction != "from_site":
        ways.append(matrix(model, demand[1], sites[1], root="destinations")[0])
    if rules.direction != "to_site":
        ways.append(matrix(model, sites[1], demand[1], root="origins")[0].T)
    minutes = np.asarray(sum(ways) / (60.0 * len(ways)))
    tree = shapely.STRtree(sites[0].geometry.to_numpy())
    here = tree.query(demand[0].geometry.to_numpy(), predicate="dwithin", distance=SAME_M)
    minutes[here[0], here[1]] = 0.0  # a place is at itself
    minutes[:, ~sites[1].tied] = np.inf
    return minutes


def listed(ids: Any) -> str:
    """List ids, the first ones of many.

    Examples
    --------
    >>> listed(["a", "b"]), listed(range(14))[-10:]
    ('a, b', 'and 2 more')
    """
    words = [str(one) for one in ids]
    more = f" and {len(words) - MOST_LISTED} more" if len(words) > MOST_LISTED else ""
    return ", ".join(words[:MOST_LISTED]) + more
