"""What the web map shows of the roads of other dates: areas, trips, verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.layers import facilities
from technobelt.planning.hubs import hub_isochrones
from technobelt.routes import routes_of_pairs
from technobelt.webmap import MapDate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import pandas as pd

    from technobelt.comparison import Comparison
    from technobelt.network import Network
    from technobelt.region import Region

__all__ = ["map_dates", "with_ways"]

#: Counterexamples shown of another date: as many as a claim tells of its own.
_SHOWN = 10
#: What of a claim is the same on every date.
_KEPT = (
    *("id", "statement", "source", "kind", "limit_min", "profile", "reading"),
    *("expected", "unit", "tolerance"),
)


def map_dates(
    region: Region,
    network: Network,
    verdicts: Mapping[str, Any],
    compared: Comparison,
    *,
    profile: str,
    minutes: Sequence[float],
) -> list[MapDate]:
    """Return what the map shows of the dates that were compared, but for that of the network.

    Parameters
    ----------
    region, network
        The network as it is today, with dates.
    verdicts
        Of today, as ``claims.json`` holds them.
    compared
        The claims on the region's dates.
    profile, minutes
        Of the isochrones.
    """
    out = []
    for date in region.compare_dates:
        then = network.as_of(date)
        if date not in compared.runs or bool((then.closed == network.closed).all()):
            continue  # these are the roads of today
        own, merged = hub_isochrones(region, then, profile=profile, minutes=minutes, audited=False)
        said = _verdicts_on(verdicts, compared, date)
        pairs = _pairs_on(region, then, said, compared, date)
        worst = None if pairs is None else _worst(pairs)
        told = said if worst is None else _with_counterexamples(said, worst)
        out.append(MapDate(date, own, merged, worst, pairs, told))
    return out


def with_ways(
    region: Region, network: Network, pairs: pd.DataFrame, profile: str
) -> gpd.GeoDataFrame:
    """Return trips with the way driven, WGS 84; of a trip there and back the longer one has it.

    Parameters
    ----------
    region, network
        Where and on which roads.
    pairs
        Of `technobelt.Verdicts`, or with the same ids and minutes.
    profile
        Name of the profile they are driven in.
    """
    import geopandas as gpd

    between = [frozenset(ends) for ends in zip(pairs["from_id"], pairs["to_id"], strict=True)]
    longest = {between[i]: i for i in np.argsort(pairs["time_min"].fillna(-1).to_numpy())}
    chosen = pairs.iloc[sorted(longest.values())]
    ways = routes_of_pairs(
        network, facilities(region), chosen, profile=region.profiles[profile]
    ).to_crs(4326)
    driven = ways.reindex(pairs.index)
    table = pairs if "length_km" in pairs else pairs.assign(length_km=driven["length_km"])
    return gpd.GeoDataFrame(table, geometry=driven.geometry, crs=4326)


def _verdicts_on(verdicts: Mapping[str, Any], compared: Comparison, date: str) -> dict[str, Any]:
    """Return the verdicts as of a date: what changed is put in, what is not known left out."""
    then = compared.primary[compared.primary["run"] == date].set_index("claim")
    claims = [
        _claim_on(claim, then.loc[claim["id"]]) if claim["id"] in then.index else claim
        for claim in verdicts["claims"]
    ]
    return {**verdicts, "as_of": date, "claims": claims}


def _claim_on(claim: Mapping[str, Any], then: pd.Series[Any]) -> dict[str, Any]:
    told = {key: claim[key] for key in _KEPT if key in claim}
    observed = float(then["observed"]) if np.isfinite(then["observed"]) else None
    told["verdict"] = then["verdict"]
    if claim["kind"] != "travel_time":
        return told | {"observed": observed}
    margin = None if observed is None else round(claim["limit_min"] - observed, 2)
    return told | {"observed_min": observed, "margin_min": margin}


def _pairs_on(
    region: Region,
    network: Network,
    verdicts: Mapping[str, Any],
    compared: Comparison,
    date: str,
) -> gpd.GeoDataFrame | None:
    """Return the trips of the first travel-time claim on the roads of a date."""
    claim = next((c for c in verdicts["claims"] if c["kind"] == "travel_time"), None)
    if claim is None or compared.pairs.empty:
        return None
    runs = compared.pairs["run"]
    if date == compared.base:
        mine = compared.pairs[runs == runs.iloc[0]].assign(time_min=lambda frame: frame["base_min"])
    else:
        mine = compared.pairs[runs == date]
    pairs = mine[["from_id", "to_id", "from_name", "to_name", "time_min"]].reset_index(drop=True)
    pairs["margin_min"] = claim["limit_min"] - pairs["time_min"]
    pairs["status"] = np.where(pairs["time_min"].notna(), "ok", "unreachable")
    return with_ways(region, network, pairs, claim["profile"])


def _worst(pairs: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Return the trips that are farthest beyond the limit, of each two places one."""
    over = pairs[(pairs["margin_min"] < 0) & ~pairs.geometry.isna()]
    worst = over.sort_values(["margin_min", "from_id", "to_id"]).head(_SHOWN)
    columns = ["from_id", "to_id", "from_name", "to_name", "time_min", "length_km", "geometry"]
    return worst[columns].reset_index(drop=True) if len(worst) else None


def _with_counterexamples(verdicts: dict[str, Any], worst: gpd.GeoDataFrame) -> dict[str, Any]:
    """Give the first travel-time claim the trips that speak against it."""
    told = worst.drop(columns="geometry").rename(columns={"from_id": "from", "to_id": "to"})
    rows = told.round({"time_min": 2, "length_km": 2}).to_dict("records")
    claims = list(verdicts["claims"])
    first = next(i for i, claim in enumerate(claims) if claim["kind"] == "travel_time")
    claims[first] = {**claims[first], "counterexamples": rows}
    return {**verdicts, "claims": claims}
