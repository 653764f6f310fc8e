"""Proximity claims: which share of the places lies near the corridor's interchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.errors import ClaimError
from technobelt.layers import located, select
from technobelt.network.ties import tie_points
from technobelt.travel_time import matrix, model_of
from technobelt.trips import corridor_interchanges

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.claim_kinds import ProximityClaim
    from technobelt.network.model import Network
    from technobelt.network.speeds import Bound
    from technobelt.region import Region

    Floats = NDArray[np.float64]

__all__ = ["proximity_verdict"]

_SHOWN = 10


def proximity_verdict(
    region: Region, network: Network, claim: ProximityClaim, *, as_of: str | None = None
) -> dict[str, Any]:
    """Put a proximity claim to the test.

    A distance holds or fails only if it does however far off the positions may be
    (``[position_error_m]``); minutes only if they do at either end of every stated range.

    Parameters
    ----------
    region, network, claim
        What to test; the network in the region's CRS, as of the date in question.
    as_of
        The date: the interchanges are those of the corridor of that day.

    Raises
    ------
    ClaimError
        No place fits, or the corridor has no interchange.
    """
    places = located(select(region, claim.members, needs=["name", "confidence"]))
    places = places.to_crs(network.crs)
    found = corridor_interchanges(region, network, as_of)
    if places.empty or found is None:
        what = (
            "no place fits [claims.members]" if places.empty else "the corridor has no interchange"
        )
        raise ClaimError(f"claim '{claim.id}': {what}. Correct the claim, or add to a layer.")
    if claim.within_km is not None:
        limit, unit, spread = claim.within_km, "km", _kilometres(region, places, found[0])
    else:
        limit, unit = claim.within_min or 0.0, "min"
        spread = _minutes(region, network, claim, places, found[0])
    low, value, high = ((part <= limit).mean() for part in spread[::-1])
    order = np.argsort(-spread[1])
    beyond = [place for place in order if spread[1][place] > limit]
    return {
        "verdict": _verdict(low, high, claim.share_min),
        "observed": round(float(value) * 100, 1),
        "observed_range": [round(float(low) * 100, 1), round(float(high) * 100, 1)],
        "expected": round(claim.share_min * 100, 1),
        "unit": f"% of places within {limit:g} {unit}",
        "counterexamples": [
            _told(places, place, spread[1][place], unit) for place in beyond[:_SHOWN]
        ],
        "notes": [f"{len(beyond)} of {len(places)} places lie farther."] if beyond else [],
    }


def _verdict(low: float, high: float, needed: float) -> str:
    if low >= needed:
        return "holds"
    return "fails" if high < needed else "undecided"


def _told(places: gpd.GeoDataFrame, place: int, value: float, unit: str) -> str:
    far = f"{value:.1f} {unit}" if np.isfinite(value) else "no way"
    return f"{places['name'].iloc[place]}: {far}"


def _kilometres(
    region: Region, places: gpd.GeoDataFrame, interchanges: gpd.GeoDataFrame
) -> tuple[Floats, Floats, Floats]:
    """Return how near each place may be, is, and how far it may be, straight line."""
    import shapely

    tree = shapely.STRtree(interchanges.geometry.to_numpy())
    (_, _), metres = tree.query_nearest(
        places.geometry.to_numpy(), return_distance=True, all_matches=False
    )
    error = places["confidence"].map(region.position_error_m.metres).to_numpy(float)
    return np.maximum(metres - error, 0) / 1000, metres / 1000, (metres + error) / 1000


def _minutes(
    region: Region,
    network: Network,
    claim: ProximityClaim,
    places: gpd.GeoDataFrame,
    interchanges: gpd.GeoDataFrame,
) -> tuple[Floats, Floats, Floats]:
    """Return the minutes from each place to the interchange that it reaches first."""
    ties = tie_points(network, places, what="places")
    ends = tie_points(network, interchanges, max_access_m=2_000, what="interchanges")

    def nearest(bound: Bound) -> Floats:
        model = model_of(network, region.profiles[claim.profile], bound=bound)
        seconds, _ = matrix(model, ties, ends)
        return np.asarray(seconds.min(axis=1) / 60)

    return nearest("fastest"), nearest("value"), nearest("slowest")
