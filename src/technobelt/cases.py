"""A travel-time claim with all that its readings need: places, trips, corridor, profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from technobelt.corridor import corridor_sections
from technobelt.counting import counted
from technobelt.errors import ClaimError
from technobelt.measures import MEASURES
from technobelt.members import end_places, member_places
from technobelt.network.ties import tie_points
from technobelt.position_errors import error_minutes
from technobelt.trips import Trips, trips_of

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.claim_kinds import TravelTimeClaim
    from technobelt.measures import Measure
    from technobelt.network.model import Network
    from technobelt.region import Profile, Region

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["Basis", "Case", "make_case"]


@dataclass(frozen=True)
class Basis:
    """On what claims are judged, beside the network.

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
class Case:
    """A claim, and what its readings are taken from.

    Attributes
    ----------
    region, network, claim, basis
        What it was made of.
    profile
        Name of the profile that gives the verdict.
    places
        The claim's places that a road is near, EPSG:4326.
    ends
        Where the trips lead to, EPSG:4326: other places, or the same.
    not_tied
        Ids of places that no road is near.
    trips
        By what stands at their ends, see `trips_of`.
    corridor
        bool (n): the sections of the corridor of the day.
    """

    region: Region
    network: Network
    claim: TravelTimeClaim
    basis: Basis
    profile: str
    places: gpd.GeoDataFrame
    ends: gpd.GeoDataFrame
    not_tied: list[str]
    trips: dict[str, Trips]
    corridor: Mask

    @property
    def limit(self) -> float:
        """The claim's limit, minutes."""
        return self.claim.limit_min

    @property
    def speeds(self) -> Profile:
        """The profile that gives the verdict."""
        return self.region.profiles[self.profile]

    @property
    def members(self) -> Trips:
        """The trips between the claim's places."""
        return self.trips["members"]

    @property
    def primary(self) -> Measure:
        """The reading that gives the verdict."""
        return MEASURES[self.claim.primary]

    def slack(self, profile: str, trips: Trips) -> Floats:
        """Return the minutes that positions' errors are worth on a tertiary road at its fastest.

        A trip that is beyond the limit by less may only seem to be.
        """
        metres = trips.from_error_m[:, None] + trips.to_error_m[None, :]
        return error_minutes(self.region.profiles[profile], metres)


def make_case(region: Region, network: Network, claim: TravelTimeClaim, basis: Basis) -> Case:
    """Find the places of a claim, tie them to roads, and lay out their trips.

    Parameters
    ----------
    region, network, claim
        The network in the region's CRS, as of the date in question.
    basis
        Profile and dates.

    Raises
    ------
    ClaimError
        A cluster has no place with a road near, a hub is unknown, or the profile is not defined.
    """
    profile = basis.profile or claim.profile
    if profile not in region.profiles:
        raise ClaimError(f"no profile '{profile}'; there are {', '.join(region.profiles)}.")
    as_of = basis.as_of or network.info.as_of or None
    chosen = region.of_clusters(claim.clusters) if claim.clusters else region
    places, not_tied = _placed(chosen, network, claim, basis.members_as_of)
    ends = end_places(region, claim, as_of=basis.members_as_of)
    if ends is not None:
        ends, lost = _tied(network, ends)
        not_tied += [place for place in lost if place not in not_tied]
    nothing = np.zeros(len(network.roads), dtype=bool)
    case = Case(
        *(chosen, network, claim, basis, profile, places, places if ends is None else ends),
        not_tied=not_tied,
        trips=trips_of(chosen, network, places, as_of, ends),
        corridor=corridor_sections(region, network, as_of) if claim.corridor else nothing,
    )
    trips = case.trips.get(case.primary.trips)
    if trips is None or not case.primary.applies(trips):
        raise ClaimError(
            f"claim '{claim.id}': its primary reading '{claim.primary}' cannot be taken of "
            f"{case.primary.trips} in {counted(len(chosen.clusters), 'cluster')}. "
            "Choose another one."
        )
    return case


def _placed(
    region: Region, network: Network, claim: TravelTimeClaim, members_as_of: str | None
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the members that a road is near, and the ids of the others, which have no times."""
    places, not_tied = _tied(network, member_places(region, claim, as_of=members_as_of))
    bare = [name for name in region.clusters if not (places["cluster"] == name).any()]
    if bare and claim.to is None:
        raise ClaimError(
            f"claim '{claim.id}': no place of cluster '{bare[0]}' has a road near. Correct their "
            "positions, or use a network that covers them."
        )
    return places, not_tied


def _tied(network: Network, places: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[str]]:
    tied = tie_points(network, places, what="places").tied
    return places[tied], places.index[~tied].astype(str).tolist()
