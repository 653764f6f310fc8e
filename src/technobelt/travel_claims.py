"""A travel-time claim's entry of ``claims.json``: all readings, factors, draws, attribution.

The primary reading gives the claim its verdict: for each ordered pair of clusters the median pair
of places, door to door; the longest of these. The others stand beside it in every profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.cases import Basis, Case, make_case
from technobelt.counting import counted
from technobelt.factors import add_factors, corridor_factor
from technobelt.pairs import counterexamples, pairs_of, worst_routes
from technobelt.readings import BOUNDS, read_profile
from technobelt.sampling import draw_readings
from technobelt.travel_time import model_of
from technobelt.trips import trip_minutes
from technobelt.verdict import DRAWN_RULE, NOT_DRAWN, RULE, judge, rounded

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from technobelt.claim_kinds import TravelTimeClaim
    from technobelt.network.model import Network
    from technobelt.region import Region

__all__ = ["Readings", "read_travel_times"]


@dataclass(frozen=True, eq=False)
class Readings:
    """What one travel-time claim comes to: its entry of ``claims.json``, pairs and routes."""

    result: dict[str, Any]
    pairs: pd.DataFrame
    routes: gpd.GeoDataFrame | None


def read_travel_times(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    basis: Basis | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> Readings:
    """Read a travel-time claim in every way and every profile.

    Parameters
    ----------
    region, network, claim
        What to read; the network in the region's CRS, as of the date in question.
    basis
        On what: profile, dates, draws.
    progress
        Called now and then while drawing.

    Raises
    ------
    ClaimError
        A cluster has no place, a hub is unknown, or the profile is not defined.
    """
    case = make_case(region, network, claim, basis or Basis())
    readings = _in_every_profile(case)
    own = [reading for reading in readings if reading["profile"] == case.profile]
    add_factors(case, own)
    pairs = pairs_of(case)
    attribution = {}
    if claim.corridor:  # both sides by ranges, hence before draws
        attribution = _attribution(case, own[0], pairs)
    drawn: dict[str, Any] = {}
    if case.basis.draws:
        drawn, shares = draw_readings(case, own, progress)
        pairs["p_within"] = shares[pairs.index.to_numpy()]  # sorted since
    routes = worst_routes(case, pairs)
    result = _result(case, readings, pairs, routes, drawn, attribution)
    return Readings(result, pairs, routes)


def _in_every_profile(case: Case) -> list[dict[str, Any]]:
    """Return all readings, those of the chosen profile first."""
    profiles = sorted(case.region.profiles, key=lambda name: name != case.profile)
    return [reading for name in profiles for reading in read_profile(case, name)]


def _result(
    case: Case,
    readings: list[dict[str, Any]],
    pairs: pd.DataFrame,
    routes: gpd.GeoDataFrame | None,
    drawn: dict[str, Any],
    attribution: dict[str, Any],
) -> dict[str, Any]:
    primary, alone = readings[0], corridor_factor(case)
    none = {
        "break_even_none": primary.get("break_even_none"),
        "break_even_corridor_none": alone.why_none if alone.factor is None else None,
    }
    deciding = _first_reached(pairs) if case.claim.primary == "nearest" else pairs
    over = deciding[~(deciding["time_min"] <= case.limit)]
    return {
        "verdict": primary["verdict"],
        "limit_min": case.limit,
        "profile": case.profile,
        "reading": case.claim.primary,
        "observed_min": primary["observed_min"],
        "range_min": primary["range_min"],
        "margin_min": primary["margin_min"],
        "break_even_factor": primary["break_even_factor"],
        "break_even_corridor": alone.factor,
        **{key: why for key, why in none.items() if why},
        "between": primary["between"],
        **({"attribution": attribution} if attribution else {}),
        **({"draws": drawn} if drawn else {}),
        "places": len(case.places),
        "pairs": len(deciding),
        **({"to_others": True} if case.members.to_others else {}),
        "pairs_over": len(over),
        "readings": readings,
        "counterexamples": counterexamples(case, over, routes),
        "not_tied": case.not_tied,
        "notes": _notes(case),
    }


def _first_reached(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return of each place's trips the one to the place that it reaches first."""
    return pairs.sort_values("time_min", kind="stable").drop_duplicates("from_id")


def _attribution(case: Case, primary: dict[str, Any], pairs: pd.DataFrame) -> dict[str, Any]:
    """Compare the primary reading with what it is without the corridor."""
    without = case.network.closing(case.corridor)
    trips, statistic = case.trips[case.primary.trips], case.primary.statistic
    observed, surely = {}, np.nan
    for bound in BOUNDS:
        minutes, _ = trip_minutes(model_of(without, case.speeds, bound=bound), trips)
        observed[bound] = statistic(minutes, trips).minutes
        if bound == "fastest":
            surely = statistic(minutes - case.slack(case.profile, trips), trips).minutes
    verdict = judge(surely, observed["slowest"], case.limit)
    on_it = int((pairs["corr_min"] > 0).sum())
    return {
        "without_min": rounded(observed["value"]),
        "range_min": [rounded(observed["fastest"]), rounded(observed["slowest"])],
        "verdict": verdict,
        "saved_min": _difference(observed["value"], primary["observed_min"]),
        "corridor_share": rounded(pairs["corr_share"].median()),
        "pairs_on_it": on_it,
        "because": _because(primary["verdict"], verdict, on_it),
    }


def _difference(without: float, observed: float | None) -> float | None:
    return None if observed is None else rounded(without - observed)


def _because(verdict: str, without: str, on_it: int) -> str:
    """Say what the corridor has to do with a verdict."""
    if not on_it:
        return f"{verdict}, and no trip uses the corridor"
    if verdict == without:
        return f"{verdict} with or without the corridor"
    return f"{verdict}, and without the corridor {without}"


def _notes(case: Case) -> list[str]:
    network, places, basis = case.network, case.places, case.basis
    assumed = case.speeds.placeholders
    low = int((places["confidence"] == "low").sum())
    as_of = basis.as_of or network.info.as_of
    notes = [
        RULE,
        f"Placeholders that nobody measured in profile '{case.profile}': {len(assumed)}.",
        f"Positions of low confidence: {low} of {counted(len(places), 'place')}.",
        "Turn restrictions, signals and congestion by the hour are not modelled.",
    ]
    if case.region.uncertainty:
        drawn = DRAWN_RULE.format(n=f"{basis.draws:,}") if basis.draws else NOT_DRAWN
        notes.insert(1, drawn)
    if as_of:
        km = network.roads.loc[network.roads["opened"].isna(), "length_m"].sum() / 1000
        notes.append(
            f"As of {as_of}: {km:,.0f} km of roads without a date count as open, so times are "
            "lower bounds. Speeds are those of the profile, not of that time."
        )
    elif network.info.date:
        notes.append(f"Judged by the roads of {network.info.date}, not of an earlier date.")
    if network.info.scenario:
        notes.append(f"Roads and places are those of scenario '{network.info.scenario}'.")
    if basis.members_as_of:
        bare = int(pd.to_numeric(places["opened_year"], errors="coerce").isna().sum())
        unknown = f" ({bare} of {len(places)} without a year)" if bare else ""
        notes.append(f"Places: those that had opened by {basis.members_as_of}{unknown}.")
    if case.not_tied:
        notes.append(f"Left out, for no road is near: {', '.join(case.not_tied)}.")
    return notes
