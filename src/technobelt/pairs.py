"""Every trip of a travel-time claim, the ways of the worst, and those that speak against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.routes import route_of_ties
from technobelt.travel_time import matrix, measuring, model_of
from technobelt.verdict import rounded

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.cases import Case

    Floats = NDArray[np.float64]

__all__ = ["counterexamples", "pairs_of", "worst_routes"]

_SHOWN_COUNTEREXAMPLES = 10
_DRAWN_ROUTES = 6
_MOST_STEPS = 8
_RANKS = ("high", "medium", "low")


def pairs_of(case: Case) -> pd.DataFrame:
    """Return every trip of the members in the chosen profile, the longest first."""
    trips, network = case.members, case.network
    model = model_of(network, case.speeds)
    seconds, metres = matrix(model, trips.origins, trips.destinations)
    on_it = np.where(case.corridor[network.arc_section], model.costs.drive_s, 0.0)
    _, along = matrix(measuring(network, model.costs, on_it), trips.origins, trips.destinations)
    i, j = np.nonzero(trips.asked)
    minutes, km = seconds[i, j] / 60, metres[i, j] / 1000
    tied, ends_tied = trips.origins.tied, trips.destinations.tied
    reached = np.isfinite(minutes)
    status = np.where(tied[i] & ends_tied[j], np.where(reached, "ok", "unreachable"), "not_tied")
    return pd.DataFrame(
        {
            "from_id": case.places.index.to_numpy()[i],
            "to_id": case.ends.index.to_numpy()[j],
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


def worst_routes(case: Case, pairs: pd.DataFrame) -> gpd.GeoDataFrame | None:
    """Return the counterexamples shown and the longest trip of each pair of clusters, drawn."""
    import geopandas as gpd

    ok = pairs[pairs["status"] == "ok"]
    over = ok[ok["margin_min"] < 0].head(_SHOWN_COUNTEREXAMPLES)
    worst = pd.concat([over, ok.drop_duplicates(["from_clus", "to_clus"]).head(_DRAWN_ROUTES)])
    worst = worst[~worst.index.duplicated()]
    if worst.empty:
        return None
    told = worst[["from_id", "to_id", "from_name", "to_name"]].copy()
    told["time_min"] = worst["time_min"].map(rounded)
    told["length_km"] = worst["length_km"].map(rounded)
    ways = _ways(case, worst)
    told["by"] = pd.Series([_main_roads(steps) for steps in ways], index=told.index)
    shapes = gpd.GeoSeries([_whole(steps) for steps in ways], index=told.index)
    return gpd.GeoDataFrame(
        told.reset_index(drop=True), geometry=shapes.to_numpy(), crs=case.network.crs
    ).to_crs(4326)


def _ways(case: Case, pairs: pd.DataFrame) -> list[gpd.GeoDataFrame]:
    model = model_of(case.network, case.speeds)
    trips = case.members
    begin, end = (
        frame.geometry.to_crs(case.network.crs).to_numpy() for frame in (case.places, case.ends)
    )
    start = case.places.index.get_indexer(pairs["from_id"])
    finish = case.ends.index.get_indexer(pairs["to_id"])
    return [
        route_of_ties(
            model, trips.origins.of_point(i), trips.destinations.of_point(j), (begin[i], end[j])
        )
        for i, j in zip(start, finish, strict=True)
    ]


def _main_roads(steps: gpd.GeoDataFrame) -> list[list[Any]]:
    """Return the longest steps of a way, in the order of driving: road and kilometres."""
    driven = steps[steps["class"] != "access"].sort_values("length_km", ascending=False)
    told = driven.head(_MOST_STEPS).sort_values("step")
    return [
        [str(road), round(km, 1)] for road, km in zip(told["road"], told["length_km"], strict=True)
    ]


def _whole(steps: gpd.GeoDataFrame) -> Any:
    import shapely

    return shapely.line_merge(shapely.multilinestrings(list(steps.geometry)))


def counterexamples(
    case: Case, over: pd.DataFrame, routes: gpd.GeoDataFrame | None
) -> list[dict[str, Any]]:
    """Tell the worst pairs beyond the limit, with their positions' confidence."""
    ways = {} if routes is None else {(r.from_id, r.to_id): r.by for r in routes.itertuples()}
    told = []
    for pair in over.head(_SHOWN_COUNTEREXAMPLES).itertuples():
        ends = (
            case.places.loc[pair.from_id, "confidence"],
            case.ends.loc[pair.to_id, "confidence"],
        )
        entry = {
            "from": pair.from_id,
            "to": pair.to_id,
            "from_name": pair.from_name,
            "to_name": pair.to_name,
            "time_min": rounded(pair.time_min),
            "length_km": rounded(pair.length_km),
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
