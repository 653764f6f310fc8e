"""The readings of a travel-time claim: one sentence, several honest ways to measure it.

The primary reading gives the claim its verdict: for each ordered pair of clusters the median pair
of places, door to door; the longest of these. The others stand beside it in every profile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.errors import ClaimError
from technobelt.layers import cluster_areas, facilities, located, read_layer, select
from technobelt.network.model import last_day
from technobelt.network.ties import Ties, startable, tie_points, tie_to_all
from technobelt.routes import route
from technobelt.travel_time import matrix, model_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.claim_kinds import TravelTimeClaim
    from technobelt.network.model import Network
    from technobelt.network.speeds import Bound
    from technobelt.region import Region

    Floats = NDArray[np.float64]

__all__ = ["Readings", "corridor_interchanges", "read_travel_times"]

PRIMARY = "cluster_pair_median"
RULES = {
    PRIMARY: "for each ordered pair of clusters the median pair of places; the longest of these",
    "worst_pair": "the longest of all ordered pairs of places of different clusters",
    "share_within": "holds where at least half of the ordered pairs are within the limit",
    "centroids": "between the road positions nearest to the clusters' centroids; the longest",
    "hubs": "between the clusters' hubs; the longest",
    "interchanges": "between the corridor's interchanges inside different clusters, driving only; "
    "the longest",
}
RULE = (
    "Holds only if it does at the slow end of every stated range, fails only if it does at the "
    "fast end."
)
BOUNDS: tuple[Bound, ...] = ("fastest", "value", "slowest")
#: Places within about a metre of each other are one place.
_SAME_PLACE_DECIMALS = 5
_SHOWN_COUNTEREXAMPLES = 10
_DRAWN_ROUTES = 6
_CENTROID_REACH_M = 20_000.0
_INTERCHANGE_REACH_M = 1_500.0
_MOST_STEPS = 8
_FACTOR_PRECISION = 1e-4
_RANKS = ("high", "medium", "low")


@dataclass(frozen=True, eq=False)
class Readings:
    """What one travel-time claim comes to: its entry of ``claims.json``, pairs and routes."""

    result: dict[str, Any]
    pairs: pd.DataFrame
    routes: gpd.GeoDataFrame | None


@dataclass(frozen=True, eq=False)
class _Points:
    """Points of one kind, tied: their clusters, and whether doors count."""

    cluster: NDArray[np.object_]
    ties: Ties
    name: NDArray[np.object_]
    door_to_door: bool


def read_travel_times(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    *,
    profile: str | None = None,
    as_of: str | None = None,
) -> Readings:
    """Read a travel-time claim in every way and every profile.

    Parameters
    ----------
    region, network, claim
        What to read; the network in the region's CRS, as of the date in question.
    profile
        Profile of the primary reading instead of the claim's own.
    as_of
        The date, for the notes.

    Raises
    ------
    ClaimError
        A cluster has no place, a hub is unknown, or the profile is not defined.
    """
    chosen = profile or claim.profile
    if chosen not in region.profiles:
        raise ClaimError(f"no profile '{chosen}'; there are {', '.join(region.profiles)}.")
    as_of = as_of or network.info.as_of or None
    places, not_tied = _placed(network, region, claim)
    sets = _point_sets(region, network, places, as_of)
    readings = [
        reading
        for name in sorted(region.profiles, key=lambda name: name != chosen)
        for reading in _profile_readings(region, network, claim, name, sets)
    ]
    primary = readings[0]
    pairs = _pairs(region, network, claim, chosen, places, sets[PRIMARY])
    routes = _routes(region, network, chosen, pairs, places)
    over = pairs[~(pairs["time_min"] <= claim.limit_min)]
    result = {
        "verdict": primary["verdict"],
        "limit_min": claim.limit_min,
        "profile": chosen,
        "observed_min": primary["observed_min"],
        "range_min": primary["range_min"],
        "margin_min": primary["margin_min"],
        "break_even_factor": _break_even(region, network, claim, chosen, sets[PRIMARY]),
        "between": primary["between"],
        "places": len(places),
        "pairs": len(pairs),
        "pairs_over": len(over),
        "readings": readings,
        "counterexamples": _counterexamples(over, places, routes),
        "not_tied": not_tied,
        "notes": _notes(region, network, chosen, places, as_of, not_tied),
    }
    return Readings(result, pairs, routes)


def _placed(
    network: Network, region: Region, claim: TravelTimeClaim
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the places that a road is near, and the ids of the others, which have no times.

    Raises
    ------
    ClaimError
        A cluster has no place with a road near.
    """
    places = member_places(region, claim)
    tied = tie_points(network, places, what="places").tied
    bare = [name for name in region.clusters if not (places["cluster"][tied] == name).any()]
    if bare:
        raise ClaimError(
            f"claim '{claim.id}': no place of cluster '{bare[0]}' has a road near. Correct their "
            "positions, or use a network that covers them."
        )
    return places[tied], places.index[~tied].astype(str).tolist()


def member_places(region: Region, claim: TravelTimeClaim) -> gpd.GeoDataFrame:
    """Return the places that a claim is about: one row a position, its facilities' ids joined.

    Raises
    ------
    ClaimError
        A cluster has none.
    """
    if len(region.clusters) < 2:
        raise ClaimError(
            f"claim '{claim.id}' is about places of different clusters, and region '{region.id}' "
            "has fewer than two. Name another in [clusters]."
        )
    members = located(select(region, claim.members, needs=["cluster", "name"])).to_crs(4326)
    members = members[members["cluster"].isin(list(region.clusters))]
    empty = [name for name in region.clusters if not (members["cluster"] == name).any()]
    if empty:
        raise ClaimError(
            f"claim '{claim.id}': cluster '{empty[0]}' has no place that fits [claims.members]. "
            "Widen its 'where', or add the place to a layer."
        )
    xy = np.round(np.stack([members.geometry.x, members.geometry.y], axis=1), _SAME_PLACE_DECIMALS)
    key = pd.Series(map(tuple, xy), index=members.index)
    here = members[~key.duplicated().to_numpy()].copy()
    together = pd.Series(members.index, index=members.index).groupby(key).agg(list)
    here["members"] = [together[place] for place in key[here.index]]
    return here


def _point_sets(
    region: Region, network: Network, places: gpd.GeoDataFrame, as_of: str | None
) -> dict[str, _Points | None]:
    members = _tied(network, places, places["cluster"], places["name"])
    known = facilities(region)
    absent = [hub for hub in region.hubs if hub not in known.index]
    if absent:
        raise ClaimError(f"hub '{absent[0]}' of [clusters] is no facility. Name one by its id.")
    hubs = known.loc[region.hubs]
    return {
        PRIMARY: members,
        "worst_pair": members,
        "share_within": members,
        "centroids": _centroids(region, network),
        "hubs": _tied(network, hubs, pd.Series(list(region.clusters)), hubs["name"]),
        "interchanges": _interchanges(region, network, as_of),
    }


def _tied(
    network: Network, points: gpd.GeoDataFrame, cluster: pd.Series[Any], name: pd.Series[Any]
) -> _Points:
    ties = tie_points(network, points, what="places")
    return _Points(cluster.to_numpy(object), ties, name.to_numpy(object), door_to_door=True)


def _without_access(ties: Ties) -> Ties:
    return replace(ties, access_m=np.zeros_like(ties.access_m))


def _centroids(region: Region, network: Network) -> _Points | None:
    if "clusters" not in region.layers:
        return None
    clusters = cluster_areas(region).to_crs(network.crs)
    points = clusters.set_geometry(clusters.centroid)
    ties = tie_points(
        network,
        points,
        max_access_m=_CENTROID_REACH_M,
        sections=startable(network),  # nobody drives from a centroid: water does not count
        what="centroids",
    )
    names = points.index.to_numpy(object)
    return _Points(names, _without_access(ties), names, door_to_door=True)


def corridor_interchanges(
    region: Region, network: Network, as_of: str | None = None
) -> tuple[gpd.GeoDataFrame, NDArray[np.bool_]] | None:
    """Return the corridor's interchanges of a day, and its sections; None where there are none.

    Parameters
    ----------
    region, network
        The network in the region's CRS, as of the day in question.
    as_of
        The day (ISO); the network's own by default.

    Returns
    -------
    geopandas.GeoDataFrame, numpy.ndarray
        The interchanges in the network's CRS; bool (n) over the sections.
    """
    if "interchanges" not in region.layers:
        return None
    day = as_of or network.info.date
    routes = region.corridor.routes_on(last_day(day) if day else "")
    on_corridor = network.on_routes(routes) & ~network.closed
    if not on_corridor.any():
        return None
    points = read_layer(region, "interchanges").to_crs(network.crs)
    points = points[points["route_no"].isin(routes) & (points["kind"] == "IC")]
    if as_of and "opened" in points:
        points = points[~(points["opened"].fillna("") > last_day(as_of))]
    return (points, on_corridor) if len(points) else None


def _interchanges(region: Region, network: Network, as_of: str | None) -> _Points | None:
    """Return the corridor's interchanges inside clusters, tied to the corridor itself."""
    found = corridor_interchanges(region, network, as_of) if "clusters" in region.layers else None
    if found is None:
        return None
    points, on_corridor = found
    areas = read_layer(region, "clusters").to_crs(network.crs)[["id", "geometry"]]
    inside = points.sjoin(areas.rename(columns={"id": "of"}).reset_index(drop=True))
    if inside["of"].nunique() < 2:
        return None
    ties = tie_to_all(
        network, inside, on_corridor, reach_m=_INTERCHANGE_REACH_M, what="interchanges"
    )
    return _Points(
        inside["of"].to_numpy(object),
        _without_access(ties),
        inside["name"].to_numpy(object),
        door_to_door=False,
    )


def _profile_readings(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    profile: str,
    sets: dict[str, _Points | None],
) -> list[dict[str, Any]]:
    minutes: dict[tuple[int, Bound], Floats] = {}
    out = []
    for name, points in sets.items():
        if points is None:
            continue
        for bound in BOUNDS:
            if (id(points), bound) not in minutes:
                minutes[id(points), bound] = _minutes(region, network, profile, bound, points)
        observed = {bound: minutes[id(points), bound] for bound in BOUNDS}
        out.append(_reading(claim, profile, name, points, observed))
    return out


def _minutes(
    region: Region,
    network: Network,
    profile: str,
    bound: Bound,
    points: _Points,
    factor: float = 1.0,
) -> Floats:
    """Return minutes between all points of different clusters; NaN within one."""
    model = model_of(network, region.profiles[profile], bound=bound, factor=factor)
    seconds, _ = matrix(model, points.ties, points.ties)
    if not points.door_to_door:
        seconds = seconds - model.costs.start_s - model.costs.finish_s
    return np.where(_apart(points), seconds / 60, np.nan)


def _apart(points: _Points) -> NDArray[np.bool_]:
    return np.asarray(points.cluster[:, None] != points.cluster[None, :])


def _reading(
    claim: TravelTimeClaim,
    profile: str,
    name: str,
    points: _Points,
    minutes: dict[Bound, Floats],
) -> dict[str, Any]:
    statistic = {PRIMARY: _largest_median, "share_within": _share(claim)}.get(name, _longest)
    fastest, value, slowest = (statistic(minutes[bound], points) for bound in BOUNDS)
    head = {"id": f"{name}.{profile}", "reading": name, "profile": profile, "rule": RULES[name]}
    if name == "share_within":
        return head | {
            "verdict": _verdict(1 - fastest[0], 1 - slowest[0], 0.5),
            "observed": round(value[0], 4),
            "range": [round(slowest[0], 4), round(fastest[0], 4)],
            "unit": "share of pairs",
        }
    observed = _rounded(value[0])
    if observed is None and not points.ties.tied.all():  # no road near is no verdict on roads
        return head | {
            "verdict": "undecided",
            "observed_min": None,
            "range_min": [None, None],
            "margin_min": None,
            "status": "not_tied",
            "between": value[1],
        }
    return head | {
        "verdict": _verdict(fastest[0], slowest[0], claim.limit_min),
        "observed_min": observed,
        "range_min": [_rounded(fastest[0]), _rounded(slowest[0])],
        "margin_min": None if observed is None else round(claim.limit_min - observed, 2),
        "status": "ok" if observed is not None else "unreachable",
        "between": value[1],
    }


def _verdict(fastest: float, slowest: float, limit: float) -> str:
    if slowest <= limit:
        return "holds"
    return "fails" if fastest > limit else "undecided"


def _rounded(value: Any) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


def _longest(minutes: Floats, points: _Points) -> tuple[float, list[str]]:
    apart = np.where(np.isnan(minutes), -1.0, minutes)
    i, j = np.unravel_index(int(apart.argmax()), apart.shape)
    return float(apart[i, j]), [str(points.name[i]), str(points.name[j])]


def _largest_median(minutes: Floats, points: _Points) -> tuple[float, list[str]]:
    names = list(dict.fromkeys(points.cluster))
    medians = [
        (_median(minutes[np.ix_(points.cluster == a, points.cluster == b)]), [a, b])
        for a in names
        for b in names
        if a != b
    ]
    return max(medians, key=lambda found: found[0])


def _median(minutes: Floats) -> float:
    """Return the median pair's minutes; unreachable pairs count as infinitely long."""
    return float(np.median(minutes))


def _share(claim: TravelTimeClaim) -> Callable[[Floats, _Points], tuple[float, list[str]]]:
    def share(minutes: Floats, _: _Points) -> tuple[float, list[str]]:
        pairs = minutes[~np.isnan(minutes)]
        return float((pairs <= claim.limit_min).mean()), []

    return share


def _break_even(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    profile: str,
    points: _Points | None,
) -> float | None:
    """Return the factor on all driving speeds at which the primary reading meets the limit.

    Minutes are nearly linear in the inverse of the factor, so a secant in it closes in quickly;
    fixed seconds do not scale and routes are chosen anew each time.
    """
    if points is None:
        return None

    def excess(inverse: float) -> float:
        minutes = _minutes(region, network, profile, "value", points, factor=1 / inverse)
        return _largest_median(minutes, points)[0] - claim.limit_min

    low, at_low = 1.0, excess(1.0)
    if not np.isfinite(at_low):
        return None
    high = max(0.05, 1.0 - at_low / (at_low + claim.limit_min))
    for _ in range(12):
        at_high = excess(high)
        if abs(high - low) < _FACTOR_PRECISION * high or at_high == at_low:
            break
        low, high, at_low = high, high - at_high * (high - low) / (at_high - at_low), at_high
        if high <= 0:
            return None
    else:
        return None  # it did not close in
    return round(1 / high, 4)


def _pairs(
    region: Region,
    network: Network,
    claim: TravelTimeClaim,
    profile: str,
    places: gpd.GeoDataFrame,
    points: _Points | None,
) -> pd.DataFrame:
    if points is None:
        return pd.DataFrame()
    model = model_of(network, region.profiles[profile])
    seconds, metres = matrix(model, points.ties, points.ties)
    i, j = np.nonzero(_apart(points))
    minutes, km = seconds[i, j] / 60, metres[i, j] / 1000
    tied = points.ties.tied
    reached = np.isfinite(minutes)
    status = np.where(tied[i] & tied[j], np.where(reached, "ok", "unreachable"), "not_tied")
    return pd.DataFrame(
        {
            "from_id": places.index.to_numpy()[i],
            "to_id": places.index.to_numpy()[j],
            "from_name": points.name[i],
            "to_name": points.name[j],
            "from_clus": points.cluster[i],
            "to_clus": points.cluster[j],
            "time_min": np.where(reached, minutes, np.nan),
            "length_km": np.where(reached, km, np.nan),
            "margin_min": np.where(reached, claim.limit_min - minutes, np.nan),
            "status": status,
        }
    ).sort_values(
        ["time_min", "from_id", "to_id"], ascending=[False, True, True], na_position="first"
    )


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
