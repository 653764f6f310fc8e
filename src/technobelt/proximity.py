"""Proximity claims: which share of the places lies near the corridor's interchanges."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from technobelt.corridor import corridor_interchanges
from technobelt.counting import counted
from technobelt.errors import ClaimError, PointError
from technobelt.layers import located, select
from technobelt.network.dates import day_of
from technobelt.network.ties import tie_points, tie_to_all
from technobelt.position_errors import error_metres, error_minutes
from technobelt.travel_time import matrix, model_of

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.claim_kinds import ProximityClaim
    from technobelt.network.model import Network
    from technobelt.network.speeds import Bound
    from technobelt.network.ties import Ties
    from technobelt.region import Region

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["proximity_verdict"]

_SHOWN = 10
#: An interchange is reached where a trip comes onto the corridor within this of it, m: ramps join
#: it before and behind the point that marks the interchange.
_REACH_M = 1_500.0


class _Case(NamedTuple):
    """A claim with all that it is judged by; points in the network's CRS."""

    region: Region
    network: Network
    claim: ProximityClaim
    places: gpd.GeoDataFrame
    interchanges: gpd.GeoDataFrame
    on_corridor: Mask


@dataclass(frozen=True, eq=False)
class _Found:
    """How far places may at least be, are, and may at most be; what else is to be said."""

    places: gpd.GeoDataFrame
    least: Floats
    value: Floats
    most: Floats
    limit: float
    unit: str
    notes: list[str] = field(default_factory=list)
    not_tied: list[str] | None = None


def proximity_verdict(
    region: Region, network: Network, claim: ProximityClaim, *, as_of: str | None = None
) -> dict[str, Any]:
    """Put a proximity claim to the test.

    A distance holds or fails only if it does however far off the positions may be
    (``[position_error_m]``). Minutes hold only if they do at the slow end of every stated range,
    and are beyond the limit only if they are at the fast end, by more than the position's error is
    worth; they end where the trip comes onto the corridor. Places without a road near have none.

    Parameters
    ----------
    region, network, claim
        What to test; the network in the region's CRS, as of the date in question.
    as_of
        The date: the interchanges are those of the corridor of that day.

    Raises
    ------
    ClaimError
        No place fits, the corridor has no interchange, or roads are near none of them.
    """
    case = _case(region, network, claim, as_of)
    found = _by_air(case) if claim.within_km is not None else _by_road(case)
    low, value, high = (
        round(float((part <= found.limit).mean()) * 100, 1)
        for part in (found.most, found.value, found.least)
    )
    beyond = [place for place in np.argsort(-found.value) if found.value[place] > found.limit]
    lie = "lies" if len(beyond) == 1 else "lie"
    of = counted(len(found.places), "place")
    farther = [f"{len(beyond)} of {of} {lie} farther."] if beyond else []
    return {
        "verdict": _verdict(found, claim.share_min),
        "observed": value,
        "observed_range": [low, high],
        "expected": round(claim.share_min * 100, 1),
        "unit": f"% of places within {found.limit:g} {found.unit}",
        "counterexamples": [_told(found, place) for place in beyond[:_SHOWN]],
        **({} if found.not_tied is None else {"not_tied": found.not_tied}),
        "notes": [*farther, _which(case, as_of), *found.notes],
    }


def _case(region: Region, network: Network, claim: ProximityClaim, as_of: str | None) -> _Case:
    places = located(select(region, claim.members, needs=["name", "confidence"]))
    found = corridor_interchanges(region, network, as_of)
    if places.empty or found is None:
        what = (
            "no place fits [claims.members]" if places.empty else "the corridor has no interchange"
        )
        raise ClaimError(f"claim '{claim.id}': {what}. Correct the claim, or add to a layer.")
    return _Case(region, network, claim, places.to_crs(network.crs), *found)


def _verdict(found: _Found, needed: float) -> str:
    if (found.most <= found.limit).mean() >= needed:
        return "holds"
    return "fails" if (found.least <= found.limit).mean() < needed else "undecided"


def _told(found: _Found, place: int) -> str:
    value = found.value[place]
    far = f"{value:.1f} {found.unit}" if np.isfinite(value) else "no way"
    return f"{found.places['name'].iloc[place]}: {far}"


def _which(case: _Case, as_of: str | None) -> str:
    """Say which interchanges were meant: of which routes, of which day."""
    routes = sorted(set(case.interchanges["route_no"]))
    day = day_of(case.network, as_of)
    of_day = f"as of {day}" if day else "of no date"
    several = "s" if len(routes) > 1 else ""
    return f"Interchanges of route{several} {', '.join(routes)} {of_day}."


# --- as the crow flies ---------------------------------------------------------------------------


def _by_air(case: _Case) -> _Found:
    """Measure straight lines to the nearest interchange."""
    import shapely

    tree = shapely.STRtree(case.interchanges.geometry.to_numpy())
    (_, _), metres = tree.query_nearest(
        case.places.geometry.to_numpy(), return_distance=True, all_matches=False
    )
    error = error_metres(case.region, case.places)
    return _Found(
        case.places,
        least=np.maximum(metres - error, 0) / 1000,
        value=metres / 1000,
        most=(metres + error) / 1000,
        limit=case.claim.within_km or 0.0,
        unit="km",
    )


# --- by car --------------------------------------------------------------------------------------


def _by_road(case: _Case) -> _Found:
    """Measure minutes to the interchange that is reached first."""
    starts, ends = _tied_places(case), _tied_interchanges(case)
    tied = starts.tied
    profile = case.region.profiles[case.claim.profile]

    def nearest(bound: Bound) -> Floats:
        model = model_of(case.network, profile, bound=bound)
        seconds, _ = matrix(model, starts, ends)
        return np.asarray((seconds.min(axis=1) - model.costs.finish_s) / 60)[tied]

    places, not_tied = case.places[tied], case.places.index[~tied].astype(str).tolist()
    return _Found(
        places,
        least=nearest("fastest") - error_minutes(profile, error_metres(case.region, places)),
        value=nearest("value"),
        most=nearest("slowest"),
        limit=case.claim.within_min or 0.0,
        unit="min",
        notes=_left_out(not_tied, case.interchanges["name"][~ends.tied].tolist()),
        not_tied=not_tied,
    )


def _tied_places(case: _Case) -> Ties:
    try:
        return tie_points(case.network, case.places, what="places")
    except PointError as error:
        raise ClaimError(
            f"claim '{case.claim.id}': no place has a road near. Correct their positions, or use a "
            "network that covers them."
        ) from error


def _tied_interchanges(case: _Case) -> Ties:
    """Tie interchanges to the corridor itself: a trip ends where it comes onto it."""
    try:
        ties = tie_to_all(
            case.network,
            case.interchanges,
            case.on_corridor,
            reach_m=_REACH_M,
            spread_m=_REACH_M,
            what="interchanges",
        )
    except PointError as error:
        raise ClaimError(
            f"claim '{case.claim.id}': no interchange lies within {_REACH_M:g} m of the corridor's "
            "roads. Correct their positions, or use a network that covers them."
        ) from error
    return replace(ties, access_m=np.zeros_like(ties.access_m))


def _left_out(places: list[str], interchanges: list[str]) -> list[str]:
    notes = []
    if places:
        notes.append(f"Left out, no road near: {', '.join(places)}.")
    if interchanges:
        notes.append(
            f"Left out, no corridor within {_REACH_M:g} m: interchanges {', '.join(interchanges)}."
        )
    return notes
