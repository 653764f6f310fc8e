"""The readings of a travel-time claim: one sentence, several honest ways to measure it.

The primary reading gives the claim its verdict: for each ordered pair of clusters the median pair
of places, door to door; the longest of these. The others stand beside it in every profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from technobelt.break_even import break_even
from technobelt.errors import ClaimError
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

__all__ = ["READINGS", "Readings", "read_travel_times"]

PRIMARY = "cluster_pair_median"
RULE = (
    "Holds only if it does at the slow end of every stated range, fails only if it does at the "
    "fast end."
)
BOUNDS: tuple[Bound, ...] = ("fastest", "value", "slowest")
#: The share of pairs that must be within the limit where a reading is about a share.
_SHARE = 0.5
#: Seconds are resolved to this where a factor is sought: finer than a millionth of any trip.
_FINE_S = 1e-5
_SHOWN_COUNTEREXAMPLES = 10
_DRAWN_ROUTES = 6
_MOST_STEPS = 8
_RANKS = ("high", "medium", "low")


class Found(NamedTuple):
    """A statistic of trips: its minutes, the trips that decide it (mean of their times), names."""

    minutes: float
    row: list[int]
    column: list[int]
    between: list[str]


@dataclass(frozen=True)
class Reading:
    """One way to read a claim: on which trips, by which statistic."""

    trips: str
    rule: str
    statistic: Callable[[Floats, Trips], Found]


@dataclass(frozen=True, eq=False)
class Readings:
    """What one travel-time claim comes to: its entry of ``claims.json``, pairs and routes."""

    result: dict[str, Any]
    pairs: pd.DataFrame
    routes: gpd.GeoDataFrame | None


# --- statistics ----------------------------------------------------------------------------------


def _ranked(minutes: Floats, trips: Trips, mask: Mask, share: float) -> Found:
    """Return the trip that a share of the masked trips does not exceed (order statistic)."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return Found(np.nan, [], [], [])
    values = minutes[rows, columns]
    order = np.argsort(values, kind="stable")
    at = order[max(int(np.ceil(share * len(order))) - 1, 0)]
    row, column = int(rows[at]), int(columns[at])
    names = [str(trips.from_name[row]), str(trips.to_name[column])]
    return Found(float(values[at]), [row], [column], names)


def _longest(minutes: Floats, trips: Trips) -> Found:
    """Return the longest trip; unreachable ones count as infinitely long."""
    return _ranked(minutes, trips, trips.asked, 1.0)


def _ninetieth(minutes: Floats, trips: Trips) -> Found:
    return _ranked(minutes, trips, trips.asked, 0.9)


def _half(minutes: Floats, trips: Trips) -> Found:
    return _ranked(minutes, trips, trips.asked, _SHARE)


def _medians(minutes: Floats, trips: Trips, wanted: Callable[[int, int], bool]) -> Found:
    """Return the longest of the medians of ordered pairs of clusters."""
    found = [
        _median(minutes, trips, a, b)
        for i, a in enumerate(trips.order)
        for j, b in enumerate(trips.order)
        if i != j and wanted(i, j)
    ]
    return max(found, key=lambda one: one.minutes)


def _median(minutes: Floats, trips: Trips, a: str, b: str) -> Found:
    """Return the median of the trips between two clusters: the mean of the middle two, if even."""
    mask = (trips.from_cluster[:, None] == a) & (trips.to_cluster[None, :] == b)
    rows, columns = np.nonzero(mask)
    if not len(rows):  # a cluster without an interchange, say
        return Found(-np.inf, [], [], [str(a), str(b)])
    order = np.argsort(minutes[rows, columns], kind="stable")
    middle = order[[(len(order) - 1) // 2, len(order) // 2]]
    row, column = rows[middle], columns[middle]
    value = float(minutes[row, column].mean())
    return Found(value, row.tolist(), column.tolist(), [str(a), str(b)])


def _largest_median(minutes: Floats, trips: Trips) -> Found:
    return _medians(minutes, trips, lambda _i, _j: True)


def _adjacent(minutes: Floats, trips: Trips) -> Found:
    return _medians(minutes, trips, lambda i, j: abs(i - j) == 1)


def _central(minutes: Floats, trips: Trips) -> Found:
    """Return the longest trip to or from the cluster in the middle of the belt."""
    centre = trips.order[len(trips.order) // 2]
    mask = (trips.from_cluster == centre)[:, None] | (trips.to_cluster == centre)[None, :]
    return _ranked(minutes, trips, mask & trips.asked, 1.0)


def _to_nearest(minutes: Floats, trips: Trips) -> Found:
    """Return the longest of the trips from each origin to the destination that it reaches first."""
    best = np.argmin(minutes, axis=1)
    mask = np.zeros_like(trips.asked)
    mask[np.arange(len(best)), best] = True
    return _ranked(minutes, trips, mask, 1.0)


#: Name -> how it reads; the primary one first.
READINGS: dict[str, Reading] = {
    PRIMARY: Reading(
        "members",
        "for each ordered pair of clusters the median pair of places; the longest of these",
        _largest_median,
    ),
    "worst_pair": Reading(
        "members", "the longest of all ordered pairs of places of different clusters", _longest
    ),
    "ninetieth": Reading(
        "members",
        "the 90th percentile of all ordered pairs of places of different clusters",
        _ninetieth,
    ),
    "share_within": Reading(
        "members", "holds where at least half of the ordered pairs are within the limit", _half
    ),
    "adjacent": Reading(
        "members", "as the first, of clusters that lie next to each other only", _adjacent
    ),
    "central": Reading(
        "members", "the longest of all trips from or to the cluster in the middle", _central
    ),
    "nearest_hub": Reading(
        "nearest_hub", "from each place to the hub that it reaches first; the longest", _to_nearest
    ),
    "centroids": Reading(
        "centroids",
        "between the road positions nearest to the clusters' centroids; the longest",
        _longest,
    ),
    "hubs": Reading("hubs", "between the clusters' hubs; the longest", _longest),
    "interchanges": Reading(
        "interchanges",
        "between the corridor's interchanges inside different clusters, driving only; the longest",
        _longest,
    ),
    "outlines": Reading(
        "outlines",
        "as the first, between random points inside outlines whose border is known",
        _largest_median,
    ),
}


# --- a claim -------------------------------------------------------------------------------------


def read_travel_times(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    *,
    profile: str | None = None,
    as_of: str | None = None,
    members_as_of: str | None = None,
) -> Readings:
    """Read a travel-time claim in every way and every profile.

    Parameters
    ----------
    region, network, claim
        What to read; the network in the region's CRS, as of the date in question.
    profile
        Profile of the primary reading instead of the claim's own.
    as_of
        The date of roads and corridor, for the notes.
    members_as_of
        The date by which places had opened, instead of the claim's rule.

    Raises
    ------
    ClaimError
        A cluster has no place, a hub is unknown, or the profile is not defined.
    """
    chosen = profile or claim.profile
    if chosen not in region.profiles:
        raise ClaimError(f"no profile '{chosen}'; there are {', '.join(region.profiles)}.")
    as_of = as_of or network.info.as_of or None
    places, not_tied = _placed(network, region, claim, members_as_of)
    trips = trips_of(region, network, places, as_of)
    readings = [
        reading
        for name in sorted(region.profiles, key=lambda name: name != chosen)
        for reading in _profile_readings(region, network, claim, name, trips)
    ]
    _add_factors(region, network, claim, chosen, trips, readings)
    primary = readings[0]
    corridor = corridor_sections(region, network, as_of)
    pairs = _pairs(region, network, claim, chosen, places, trips["members"], corridor)
    routes = _routes(region, network, chosen, pairs, places)
    over = pairs[~(pairs["time_min"] <= claim.limit_min)]
    result = {
        "verdict": primary["verdict"],
        "limit_min": claim.limit_min,
        "profile": chosen,
        "observed_min": primary["observed_min"],
        "range_min": primary["range_min"],
        "margin_min": primary["margin_min"],
        "break_even_factor": primary["break_even_factor"],
        "break_even_corridor": _corridor_factor(
            region, network, claim, chosen, trips["members"], corridor
        ),
        "between": primary["between"],
        "attribution": _attribution(
            region, network, claim, chosen, trips["members"], corridor, primary, pairs
        ),
        "places": len(places),
        "pairs": len(pairs),
        "pairs_over": len(over),
        "readings": readings,
        "counterexamples": _counterexamples(over, places, routes),
        "not_tied": not_tied,
        "notes": [
            *_notes(region, network, chosen, places, as_of, not_tied),
            *([f"Places: those that had opened by {members_as_of}."] if members_as_of else []),
        ],
    }
    return Readings(result, pairs, routes)


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


def _profile_readings(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    profile: str,
    trips: dict[str, Trips],
) -> list[dict[str, Any]]:
    minutes: dict[tuple[str, Bound], Floats] = {}
    for bound in BOUNDS:
        model = model_of(network, region.profiles[profile], bound=bound)
        for name, some in trips.items():
            minutes[name, bound], _ = trip_minutes(model, some)
    return [
        _reading(
            claim,
            profile,
            name,
            trips[reading.trips],
            {bound: minutes[reading.trips, bound] for bound in BOUNDS},
        )
        for name, reading in READINGS.items()
        if reading.trips in trips
    ]


def _reading(
    claim: TravelTimeClaim, profile: str, name: str, trips: Trips, minutes: dict[Bound, Floats]
) -> dict[str, Any]:
    statistic = READINGS[name].statistic
    fastest, value, slowest = (statistic(minutes[bound], trips) for bound in BOUNDS)
    head = {"id": f"{name}.{profile}", "reading": name, "profile": profile}
    head |= {"rule": READINGS[name].rule}
    if name == "share_within":
        shares = [_share_within(minutes[bound], trips, claim.limit_min) for bound in BOUNDS]
        return head | {
            "verdict": _verdict(1 - shares[0], 1 - shares[2], 1 - _SHARE),
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
    return head | {
        "verdict": _verdict(fastest.minutes, slowest.minutes, claim.limit_min),
        "observed_min": observed,
        "range_min": [_rounded(fastest.minutes), _rounded(slowest.minutes)],
        "margin_min": None if observed is None else round(claim.limit_min - observed, 2),
        "status": "ok" if observed is not None else "unreachable",
        "between": value.between,
    }


def _share_within(minutes: Floats, trips: Trips, limit: float) -> float:
    return float((minutes[trips.asked] <= limit).mean())


def _verdict(fastest: float, slowest: float, limit: float) -> str:
    if slowest <= limit:
        return "holds"
    return "fails" if fastest > limit else "undecided"


def _rounded(value: Any) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


# --- break-even ----------------------------------------------------------------------------------


def _add_factors(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    profile: str,
    trips: dict[str, Trips],
    readings: list[dict[str, Any]],
) -> None:
    """Add to the readings of one profile the factor on all speeds at which each turns."""
    everywhere = np.ones(len(network.roads), dtype=bool)
    guess = 1.0
    for reading in (reading for reading in readings if reading["profile"] == profile):
        name = reading["reading"]
        factor = _factor(
            region, network, claim, profile, trips[READINGS[name].trips], name, everywhere, guess
        )
        reading["break_even_factor"] = factor
        guess = factor or guess


def _corridor_factor(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    profile: str,
    trips: Trips,
    corridor: Mask,
) -> float | None:
    """Return the factor on the corridor's speeds alone at which the primary reading turns."""
    if not corridor.any():
        return None
    return _factor(region, network, claim, profile, trips, PRIMARY, corridor, 1.0)


def _factor(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    profile: str,
    trips: Trips,
    name: str,
    sections: Mask,
    guess: float,
) -> float | None:
    costs = arc_costs(network, region.profiles[profile])
    scaled = sections[network.arc_section]
    driven = np.where(scaled & np.isfinite(costs.drive_s), costs.drive_s, 0.0)

    def value_at(inverse: float) -> tuple[float, float]:
        now = costs.with_drive(np.where(scaled, costs.drive_s * inverse, costs.drive_s))
        model = measuring(network, now, driven, step=_FINE_S)
        minutes, seconds = trip_minutes(model, trips)
        found = READINGS[name].statistic(minutes, trips)
        slope = float(seconds[found.row, found.column].mean()) / 60 if found.row else 0.0
        return found.minutes, slope

    factor = break_even(value_at, claim.limit_min, start=guess)
    return None if factor is None else float(f"{factor:.9g}")


# --- attribution ---------------------------------------------------------------------------------


def _attribution(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    profile: str,
    trips: Trips,
    corridor: Mask,
    primary: dict[str, Any],
    pairs: pd.DataFrame,
) -> dict[str, Any]:
    """Compare the primary reading with what it is without the corridor."""
    without = network.closing(corridor)
    observed = {}
    for bound in BOUNDS:
        model = model_of(without, region.profiles[profile], bound=bound)
        minutes, _ = trip_minutes(model, trips)
        observed[bound] = READINGS[PRIMARY].statistic(minutes, trips).minutes
    verdict = _verdict(observed["fastest"], observed["slowest"], claim.limit_min)
    return {
        "without_min": _rounded(observed["value"]),
        "range_min": [_rounded(observed["fastest"]), _rounded(observed["slowest"])],
        "verdict": verdict,
        "saved_min": _difference(observed["value"], primary["observed_min"]),
        "corridor_share": _rounded(pairs["corr_share"].median()),
        "pairs_on_it": int((pairs["corr_min"] > 0).sum()),
        "because": _because(primary["verdict"], verdict),
    }


def _difference(without: float, observed: float | None) -> float | None:
    return None if observed is None else _rounded(without - observed)


def _because(verdict: str, without: str) -> str:
    """Say what the corridor has to do with a verdict."""
    if verdict == without:
        return f"{verdict} with or without the corridor"
    return f"{verdict}, and without the corridor {without}"


# --- pairs and routes ----------------------------------------------------------------------------


def _pairs(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    profile: str,
    places: gpd.GeoDataFrame,
    trips: Trips,
    corridor: Mask,
) -> pd.DataFrame:
    model = model_of(network, region.profiles[profile])
    seconds, metres = matrix(model, trips.origins, trips.destinations)
    on_it = np.where(corridor[network.arc_section], model.costs.drive_s, 0.0)
    _, along = matrix(measuring(network, model.costs, on_it), trips.origins, trips.destinations)
    i, j = np.nonzero(trips.asked)
    minutes, km = seconds[i, j] / 60, metres[i, j] / 1000
    tied = trips.origins.tied
    reached = np.isfinite(minutes)
    status = np.where(tied[i] & tied[j], np.where(reached, "ok", "unreachable"), "not_tied")
    return pd.DataFrame(
        {
            "from_id": places.index.to_numpy()[i],
            "to_id": places.index.to_numpy()[j],
            "from_name": trips.from_name[i],
            "to_name": trips.to_name[j],
            "from_clus": trips.from_cluster[i],
            "to_clus": trips.to_cluster[j],
            "time_min": np.where(reached, minutes, np.nan),
            "length_km": np.where(reached, km, np.nan),
            "margin_min": np.where(reached, claim.limit_min - minutes, np.nan),
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


def _routes(
    region: Region,
    network: Network,
    profile: str,
    pairs: pd.DataFrame,
    places: gpd.GeoDataFrame,
) -> gpd.GeoDataFrame | None:
    """Return the counterexamples shown and the longest trip of each pair of clusters, drawn."""
    import geopandas as gpd
    import shapely

    ok = pairs[pairs["status"] == "ok"]
    over = ok[ok["margin_min"] < 0].head(_SHOWN_COUNTEREXAMPLES)
    worst = pd.concat([over, ok.drop_duplicates(["from_clus", "to_clus"]).head(_DRAWN_ROUTES)])
    rows = []
    for pair in worst[~worst.index.duplicated()].itertuples():
        steps = route(
            network,
            places.loc[[pair.from_id]],
            places.loc[[pair.to_id]],
            profile=region.profiles[profile],
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


def _notes(
    region: Region,
    network: Network,
    profile: str,
    places: gpd.GeoDataFrame,
    as_of: str | None,
    not_tied: list[str],
) -> list[str]:
    assumed = region.profiles[profile].placeholders
    low = int((places["confidence"] == "low").sum())
    notes = [
        RULE,
        f"{len(assumed)} numbers of profile '{profile}' are placeholders that nobody measured.",
        f"{low} of {len(places)} places have positions of low confidence.",
        "Turn restrictions, signals and congestion by the hour are not modelled.",
    ]
    if as_of:
        km = network.roads.loc[network.roads["opened"].isna(), "length_m"].sum() / 1000
        notes.append(
            f"As of {as_of}: {km:,.0f} km of roads without a date count as open, so times are "
            "lower bounds. Speeds are those of the profile, not of that time."
        )
    elif network.info.date:
        notes.append(f"Judged by the roads of {network.info.date}, not of an earlier date.")
    if not_tied:
        notes.append(f"Left out, for no road is near: {', '.join(not_tied)}.")
    return notes
