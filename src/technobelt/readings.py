"""The readings of a travel-time claim: one sentence, several honest ways to measure it.

The primary reading gives the claim its verdict: for each ordered pair of clusters the median pair
of places, door to door; the longest of these. The others stand beside it in every profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.break_even import break_even
from technobelt.draws import draw_minutes
from technobelt.errors import ClaimError
from technobelt.measures import MEASURES, PRIMARY, SHARE
from technobelt.network.speeds import Bound, arc_costs
from technobelt.network.ties import tie_points
from technobelt.routes import route
from technobelt.travel_time import matrix, measuring, model_of
from technobelt.trips import corridor_sections, member_places, trip_minutes, trips_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.claim_kinds import TravelTimeClaim
    from technobelt.network.model import Network
    from technobelt.region import Region
    from technobelt.trips import Trips

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["Basis", "Readings", "read_travel_times"]

RULE = (
    "Holds only if it does at the slow end of every stated range, fails only if it does at the "
    "fast end, by more than the positions' errors are worth."
)
DRAWN_RULE = (
    "Of the random draws of speeds, too: holds only if the 95th percentile of {n} draws is within "
    "the limit, fails only if the 5th is beyond it."
)
BOUNDS: tuple[Bound, ...] = ("fastest", "value", "slowest")
#: Seconds are resolved to this where a factor is sought: finer than a millionth of any trip.
_FINE_S = 1e-5
#: The trips that are drawn: centroids, interchanges and points in outlines stay with the ranges.
_DRAWN = ("members", "hubs", "nearest_hub")
_SHOWN_COUNTEREXAMPLES = 10
_DRAWN_ROUTES = 6
_MOST_STEPS = 8
_RANKS = ("high", "medium", "low")


@dataclass(frozen=True)
class Basis:
    """On what a claim is judged, beside its network.

    Attributes
    ----------
    profile
        Of the primary reading; None for the one that the claim names.
    as_of
        The date of roads and corridor, ISO.
    members_as_of
        The date by which places had opened, instead of the claim's rule.
    draws, seed
        Random draws of speeds, for a region that states their uncertainty.
    """

    profile: str | None = None
    as_of: str | None = None
    members_as_of: str | None = None
    draws: int = 0
    seed: int = 1999


@dataclass(frozen=True, eq=False)
class Readings:
    """What one travel-time claim comes to: its entry of ``claims.json``, pairs and routes."""

    result: dict[str, Any]
    pairs: pd.DataFrame
    routes: gpd.GeoDataFrame | None


@dataclass(frozen=True, eq=False)
class _Case:
    """A claim with all that its readings need."""

    region: Region
    network: Network
    claim: TravelTimeClaim
    basis: Basis
    profile: str
    places: gpd.GeoDataFrame
    trips: dict[str, Trips]
    corridor: Mask

    @property
    def limit(self) -> float:
        return self.claim.limit_min

    @property
    def members(self) -> Trips:
        return self.trips["members"]


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
    asked = basis or Basis()
    chosen = asked.profile or claim.profile
    if chosen not in region.profiles:
        raise ClaimError(f"no profile '{chosen}'; there are {', '.join(region.profiles)}.")
    as_of = asked.as_of or network.info.as_of or None
    places, not_tied = _placed(network, region, claim, asked.members_as_of)
    trips = trips_of(region, network, places, as_of)
    corridor = corridor_sections(region, network, as_of)
    case = _Case(region, network, claim, asked, chosen, places, trips, corridor)
    readings = _in_every_profile(case)
    own = [reading for reading in readings if reading["profile"] == chosen]
    _add_factors(case, own)
    pairs = _pairs(case)
    attribution = _attribution(case, own[0], pairs)  # both sides by ranges, hence before draws
    drawn: dict[str, Any] = {}
    if asked.draws and region.uncertainty:
        drawn, shares = _draw(case, own, progress)
        pairs["p_within"] = shares[pairs.index.to_numpy()]  # sorted since
    routes = _routes(case, pairs)
    return Readings(
        _result(case, readings, pairs, routes, drawn, attribution, not_tied), pairs, routes
    )


def _result(
    case: _Case,
    readings: list[dict[str, Any]],
    pairs: pd.DataFrame,
    routes: gpd.GeoDataFrame | None,
    drawn: dict[str, Any],
    attribution: dict[str, Any],
    not_tied: list[str],
) -> dict[str, Any]:
    primary = readings[0]
    over = pairs[~(pairs["time_min"] <= case.limit)]
    return {
        "verdict": primary["verdict"],
        "limit_min": case.limit,
        "profile": case.profile,
        "observed_min": primary["observed_min"],
        "range_min": primary["range_min"],
        "margin_min": primary["margin_min"],
        "break_even_factor": primary["break_even_factor"],
        "break_even_corridor": _corridor_factor(case),
        "between": primary["between"],
        "attribution": attribution,
        **({"draws": drawn} if drawn else {}),
        "places": len(case.places),
        "pairs": len(pairs),
        "pairs_over": len(over),
        "readings": readings,
        "counterexamples": _counterexamples(over, case.places, routes),
        "not_tied": not_tied,
        "notes": _notes(case, not_tied),
    }


def _placed(
    network: Network, region: Region, claim: TravelTimeClaim, members_as_of: str | None
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the places that a road is near, and the ids of the others, which have no times.

    Raises
    ------
    ClaimError
        A cluster has no place with a road near.
    """
    places = member_places(region, claim, as_of=members_as_of)
    tied = tie_points(network, places, what="places").tied
    bare = [name for name in region.clusters if not (places["cluster"][tied] == name).any()]
    if bare:
        raise ClaimError(
            f"claim '{claim.id}': no place of cluster '{bare[0]}' has a road near. Correct their "
            "positions, or use a network that covers them."
        )
    return places[tied], places.index[~tied].astype(str).tolist()


def _in_every_profile(case: _Case) -> list[dict[str, Any]]:
    """Return all readings, those of the chosen profile first."""
    profiles = sorted(case.region.profiles, key=lambda name: name != case.profile)
    return [reading for name in profiles for reading in _profile_readings(case, name)]


def _profile_readings(case: _Case, profile: str) -> list[dict[str, Any]]:
    minutes: dict[tuple[str, Bound], Floats] = {}
    for bound in BOUNDS:
        model = model_of(case.network, case.region.profiles[profile], bound=bound)
        for name, some in case.trips.items():
            minutes[name, bound], _ = trip_minutes(model, some)
    return [
        _reading(case, profile, name, {bound: minutes[measure.trips, bound] for bound in BOUNDS})
        for name, measure in MEASURES.items()
        if measure.trips in case.trips
    ]


def _reading(case: _Case, profile: str, name: str, minutes: dict[Bound, Floats]) -> dict[str, Any]:
    measure = MEASURES[name]
    trips = case.trips[measure.trips]
    fastest, value, slowest = (measure.statistic(minutes[bound], trips) for bound in BOUNDS)
    head = {"id": f"{name}.{profile}", "reading": name, "profile": profile, "rule": measure.rule}
    if name == "share_within":
        shares = [_share_within(minutes[bound], trips, case.limit) for bound in BOUNDS]
        perhaps = minutes["fastest"] - _slack(case, profile, trips)
        most = _share_within(perhaps, trips, case.limit)
        return head | {
            "verdict": _verdict(1 - most, 1 - shares[2], 1 - SHARE),
            "observed": round(shares[1], 4),
            "range": [round(shares[2], 4), round(shares[0], 4)],
            "unit": "share of pairs",
        }
    observed = _rounded(value.minutes)
    if observed is None and not trips.tied:  # no road near is no verdict on roads
        return head | {
            "verdict": "undecided",
            "observed_min": None,
            "range_min": [None, None],
            "margin_min": None,
            "status": "not_tied",
            "between": value.between,
        }
    surely = measure.statistic(minutes["fastest"] - _slack(case, profile, trips), trips)
    return head | {
        "verdict": _verdict(surely.minutes, slowest.minutes, case.limit),
        "observed_min": observed,
        "range_min": [_rounded(fastest.minutes), _rounded(slowest.minutes)],
        "margin_min": None if observed is None else round(case.limit - observed, 2),
        "status": "ok" if observed is not None else "unreachable",
        "between": value.between,
    }


def _slack(case: _Case, profile: str, trips: Trips) -> Floats:
    """Return the minutes that the positions' errors are worth on a tertiary road at its fastest.

    A trip that is beyond the limit by less may only seem to be.
    """
    metres_per_min = case.region.profiles[profile].speed_kph["tertiary"].high * 1000 / 60
    error = trips.from_error_m[:, None] + trips.to_error_m[None, :]
    return np.asarray(error / metres_per_min)


def _share_within(minutes: Floats, trips: Trips, limit: float) -> float:
    return float((minutes[trips.asked] <= limit).mean())


def _verdict(fastest: float, slowest: float, limit: float) -> str:
    if slowest <= limit:
        return "holds"
    return "fails" if fastest > limit else "undecided"


def _rounded(value: Any) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


# --- break-even ----------------------------------------------------------------------------------


def _add_factors(case: _Case, readings: list[dict[str, Any]]) -> None:
    """Add to readings the factor on all driving speeds at which each turns."""
    everywhere = np.ones(len(case.network.roads), dtype=bool)
    guess = 1.0
    for reading in readings:
        factor = _factor(case, reading["reading"], everywhere, guess)
        reading["break_even_factor"] = factor
        guess = factor or guess


def _corridor_factor(case: _Case) -> float | None:
    """Return the factor on the corridor's speeds alone at which the primary reading turns."""
    return _factor(case, PRIMARY, case.corridor, 1.0) if case.corridor.any() else None


def _factor(case: _Case, name: str, sections: Mask, guess: float) -> float | None:
    network, measure = case.network, MEASURES[name]
    trips = case.trips[measure.trips]
    costs = arc_costs(network, case.region.profiles[case.profile])
    scaled = sections[network.arc_section]
    driven = np.where(scaled & np.isfinite(costs.drive_s), costs.drive_s, 0.0)

    def value_at(inverse: float) -> tuple[float, float]:
        now = costs.with_drive(np.where(scaled, costs.drive_s * inverse, costs.drive_s))
        minutes, seconds = trip_minutes(measuring(network, now, driven, step=_FINE_S), trips)
        found = measure.statistic(minutes, trips)
        slope = float(seconds[found.row, found.column].mean()) / 60 if found.row else 0.0
        return found.minutes, slope

    factor = break_even(value_at, case.limit, start=guess)
    return None if factor is None else float(f"{factor:.9g}")


# --- random speeds -------------------------------------------------------------------------------


def _draw(
    case: _Case, readings: list[dict[str, Any]], progress: Callable[[str], None] | None
) -> tuple[dict[str, Any], Floats]:
    """Draw speeds, and add to the readings how often each is within the limit.

    Returns
    -------
    dict, numpy.ndarray
        What ``claims.json`` says of the draws; how often each trip of the members is within the
        limit.
    """
    believed, draws = case.region.uncertainty, case.basis.draws
    asked = {name: trips for name, trips in case.trips.items() if name in _DRAWN}
    drawn = [r for r in readings if MEASURES[r["reading"]].trips in asked]
    slack = {name: _slack(case, case.profile, trips) for name, trips in asked.items()}
    values, surely = np.empty((2, draws, len(drawn)))
    within = np.zeros(int(case.members.asked.sum()))

    def use(draw: int, minutes: dict[str, Floats]) -> None:
        for column, reading in enumerate(drawn):
            measure = MEASURES[reading["reading"]]
            kind = measure.trips
            values[draw, column] = measure.statistic(minutes[kind], asked[kind]).minutes
            least = minutes[kind] - slack[kind]
            surely[draw, column] = measure.statistic(least, asked[kind]).minutes
        within[:] += minutes["members"][case.members.asked] <= case.limit
        if progress is not None and draw % 10 == 0:
            progress(f"{case.claim.id}: draw {draw} of {draws}")

    speeds = case.region.profiles[case.profile]
    if believed is None:
        return {}, within
    draw_minutes(
        case.network,
        speeds,
        believed,
        asked,
        case.corridor,
        draws=draws,
        seed=case.basis.seed,
        use=use,
    )
    for reading, found, least in zip(drawn, values.T, surely.T, strict=True):
        _add_draws(reading, found, least, case.limit, placeholders=bool(speeds.placeholders))
    told = {key: readings[0][key] for key in ("p_within", "sampling_error", "draws_min")}
    said = {"n": draws, "seed": case.basis.seed, "placeholder": believed.placeholder}
    return said | told, within / draws


def _add_draws(
    reading: dict[str, Any], values: Floats, surely: Floats, limit: float, *, placeholders: bool
) -> None:
    """Add what the draws say; with placeholder speeds they and the ranges must agree.

    As with ranges, a trip fails only if it does even with the positions' errors taken off
    (`surely`).
    """
    p = float((values <= limit).mean())
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95), method="inverted_cdf").tolist()
    least = float(np.quantile(surely, 0.05, method="inverted_cdf"))
    by_draws = _verdict(least, high, limit)
    reading["p_within"] = round(p, 4)
    reading["sampling_error"] = round(float(np.sqrt(p * (1 - p) / len(values))), 4)
    reading["draws_min"] = [_rounded(low), _rounded(middle), _rounded(high)]
    if not placeholders:
        reading["verdict"] = by_draws
    elif by_draws != reading["verdict"]:
        reading["verdict"] = "undecided"


# --- attribution ---------------------------------------------------------------------------------


def _attribution(case: _Case, primary: dict[str, Any], pairs: pd.DataFrame) -> dict[str, Any]:
    """Compare the primary reading with what it is without the corridor."""
    without = case.network.closing(case.corridor)
    observed, surely = {}, np.nan
    for bound in BOUNDS:
        model = model_of(without, case.region.profiles[case.profile], bound=bound)
        minutes, _ = trip_minutes(model, case.members)
        observed[bound] = MEASURES[PRIMARY].statistic(minutes, case.members).minutes
        if bound == "fastest":
            least = minutes - _slack(case, case.profile, case.members)
            surely = MEASURES[PRIMARY].statistic(least, case.members).minutes
    verdict = _verdict(surely, observed["slowest"], case.limit)
    on_it = int((pairs["corr_min"] > 0).sum())
    return {
        "without_min": _rounded(observed["value"]),
        "range_min": [_rounded(observed["fastest"]), _rounded(observed["slowest"])],
        "verdict": verdict,
        "saved_min": _difference(observed["value"], primary["observed_min"]),
        "corridor_share": _rounded(pairs["corr_share"].median()),
        "pairs_on_it": on_it,
        "because": _because(primary["verdict"], verdict, on_it),
    }


def _difference(without: float, observed: float | None) -> float | None:
    return None if observed is None else _rounded(without - observed)


def _because(verdict: str, without: str, on_it: int) -> str:
    """Say what the corridor has to do with a verdict."""
    if not on_it:
        return f"{verdict}, and no trip uses the corridor"
    if verdict == without:
        return f"{verdict} with or without the corridor"
    return f"{verdict}, and without the corridor {without}"


# --- pairs and routes ----------------------------------------------------------------------------


def _pairs(case: _Case) -> pd.DataFrame:
    """Return every trip of the members in the chosen profile, the longest first."""
    trips, network = case.members, case.network
    model = model_of(network, case.region.profiles[case.profile])
    seconds, metres = matrix(model, trips.origins, trips.destinations)
    on_it = np.where(case.corridor[network.arc_section], model.costs.drive_s, 0.0)
    _, along = matrix(measuring(network, model.costs, on_it), trips.origins, trips.destinations)
    i, j = np.nonzero(trips.asked)
    minutes, km = seconds[i, j] / 60, metres[i, j] / 1000
    tied = trips.origins.tied
    reached = np.isfinite(minutes)
    status = np.where(tied[i] & tied[j], np.where(reached, "ok", "unreachable"), "not_tied")
    return pd.DataFrame(
        {
            "from_id": case.places.index.to_numpy()[i],
            "to_id": case.places.index.to_numpy()[j],
            "from_name": trips.from_name[i],
            "to_name": trips.to_name[j],
            "from_clus": trips.from_cluster[i],
            "to_clus": trips.to_cluster[j],
            "time_min": np.where(reached, minutes, np.nan),
            "length_km": np.where(reached, km, np.nan),
            "margin_min": np.where(reached, case.limit - minutes, np.nan),
            "corr_min": np.where(reached, along[i, j] / 60, np.nan),
            "corr_share": _shares(along[i, j], seconds[i, j]),
            "status": status,
        }
    ).sort_values(
        ["time_min", "from_id", "to_id"], ascending=[False, True, True], na_position="first"
    )


def _shares(part: Floats, whole: Floats) -> Floats:
    """Return parts of wholes, NaN where the whole is nothing or without end."""
    shares = np.full(len(whole), np.nan)
    there = np.isfinite(whole) & (whole > 0)
    shares[there] = part[there] / whole[there]
    return shares


def _routes(case: _Case, pairs: pd.DataFrame) -> gpd.GeoDataFrame | None:
    """Return the counterexamples shown and the longest trip of each pair of clusters, drawn."""
    import geopandas as gpd
    import shapely

    ok = pairs[pairs["status"] == "ok"]
    over = ok[ok["margin_min"] < 0].head(_SHOWN_COUNTEREXAMPLES)
    worst = pd.concat([over, ok.drop_duplicates(["from_clus", "to_clus"]).head(_DRAWN_ROUTES)])
    rows = []
    for pair in worst[~worst.index.duplicated()].itertuples():
        steps = route(
            case.network,
            case.places.loc[[pair.from_id]],
            case.places.loc[[pair.to_id]],
            profile=case.region.profiles[case.profile],
        )
        shape = shapely.line_merge(shapely.multilinestrings(list(steps.geometry)))
        main = steps[steps["class"] != "access"].sort_values("length_km", ascending=False)
        told = main.head(_MOST_STEPS).sort_values("step")
        rows.append(
            {
                "from_id": pair.from_id,
                "to_id": pair.to_id,
                "from_name": pair.from_name,
                "to_name": pair.to_name,
                "time_min": _rounded(pair.time_min),
                "length_km": _rounded(pair.length_km),
                "by": [
                    [str(road), round(km, 1)]
                    for road, km in zip(told["road"], told["length_km"], strict=True)
                ],
                "geometry": shape,
            }
        )
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=4326) if rows else None


def _counterexamples(
    over: pd.DataFrame, places: gpd.GeoDataFrame, routes: gpd.GeoDataFrame | None
) -> list[dict[str, Any]]:
    """Tell the worst pairs beyond the limit, with their positions' confidence."""
    ways = {} if routes is None else {(r.from_id, r.to_id): r.by for r in routes.itertuples()}
    told = []
    for pair in over.head(_SHOWN_COUNTEREXAMPLES).itertuples():
        ends = places.loc[[pair.from_id, pair.to_id], "confidence"]
        entry = {
            "from": pair.from_id,
            "to": pair.to_id,
            "from_name": pair.from_name,
            "to_name": pair.to_name,
            "time_min": _rounded(pair.time_min),
            "length_km": _rounded(pair.length_km),
            "status": pair.status,
            "confidence": max(ends, key=_rank),
        }
        if (pair.from_id, pair.to_id) in ways:
            entry["route"] = ways[pair.from_id, pair.to_id]
        told.append(entry)
    return told


def _rank(confidence: object) -> int:
    """Return how little a position is to be trusted; a word not known counts as low."""
    return _RANKS.index(confidence) if confidence in _RANKS else len(_RANKS)


def _notes(case: _Case, not_tied: list[str]) -> list[str]:
    network, places, basis = case.network, case.places, case.basis
    assumed = case.region.profiles[case.profile].placeholders
    low = int((places["confidence"] == "low").sum())
    as_of = basis.as_of or network.info.as_of
    notes = [
        RULE,
        f"{len(assumed)} numbers of profile '{case.profile}' are placeholders nobody measured.",
        f"{low} of {len(places)} places have positions of low confidence.",
        "Turn restrictions, signals and congestion by the hour are not modelled.",
    ]
    if basis.draws and case.region.uncertainty:
        notes.insert(1, DRAWN_RULE.format(n=basis.draws))
    if as_of:
        km = network.roads.loc[network.roads["opened"].isna(), "length_m"].sum() / 1000
        notes.append(
            f"As of {as_of}: {km:,.0f} km of roads without a date count as open, so times are "
            "lower bounds. Speeds are those of the profile, not of that time."
        )
    elif network.info.date:
        notes.append(f"Judged by the roads of {network.info.date}, not of an earlier date.")
    if basis.members_as_of:
        notes.append(f"Places: those that had opened by {basis.members_as_of}.")
    if not_tied:
        notes.append(f"Left out, for no road is near: {', '.join(not_tied)}.")
    return notes
