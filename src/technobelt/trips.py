"""The trips that a travel-time claim can be read on: from which points, to which, and how tied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from technobelt.errors import ClaimError
from technobelt.layers import cluster_areas, hub_places, located, read_layer, select
from technobelt.network.dates import day_of
from technobelt.network.model import last_day
from technobelt.network.ties import Ties, startable, tie_points, tie_to_all
from technobelt.position_errors import error_metres
from technobelt.travel_time import matrix

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.claim_kinds import TravelTimeClaim
    from technobelt.network.model import Network
    from technobelt.region import Region
    from technobelt.travel_time import Model

    Floats = NDArray[np.float64]

__all__ = [
    "Trips",
    "corridor_before",
    "corridor_interchanges",
    "corridor_sections",
    "member_places",
    "trip_minutes",
    "trips_of",
]

#: Places within about a metre of each other are one place.
_SAME_PLACE_DECIMALS = 5
_CENTROID_REACH_M = 20_000.0
_INTERCHANGE_REACH_M = 1_500.0
#: Random points in each outline whose border is known, of so many tried; the seed of the draw.
_POINTS, _TRIED, _SEED = 5, 20, 1999


@dataclass(frozen=True, eq=False)
class Trips:
    """Trips between tied points.

    Attributes
    ----------
    origins, destinations
        Tied points.
    from_cluster, to_cluster, from_name, to_name
        object (n): of each end.
    asked
        bool (origins, destinations): the trips in question.
    order
        The clusters as they lie along the belt.
    from_error_m, to_error_m
        float64: how far off each end's position may be.
    door_to_door
        Whether the fixed seconds at both doors count.
    """

    origins: Ties
    destinations: Ties
    from_cluster: NDArray[np.object_]
    to_cluster: NDArray[np.object_]
    from_name: NDArray[np.object_]
    to_name: NDArray[np.object_]
    asked: NDArray[np.bool_]
    order: tuple[str, ...]
    from_error_m: Floats
    to_error_m: Floats
    door_to_door: bool = True

    @property
    def tied(self) -> bool:
        """Whether every end has a road near."""
        return bool(self.origins.tied.all() and self.destinations.tied.all())


def trip_minutes(model: Model, trips: Trips) -> tuple[Floats, Floats]:
    """Return minutes of the trips asked for, NaN for others, and the model's measure along them."""
    fewer = trips.destinations.n < trips.origins.n
    seconds, measure = matrix(
        model,
        trips.origins,
        trips.destinations,
        root="destinations" if fewer else "origins",
    )
    if not trips.door_to_door:
        seconds = seconds - model.costs.start_s - model.costs.finish_s
    return np.where(trips.asked, seconds / 60, np.nan), measure


def trips_of(
    region: Region, network: Network, places: gpd.GeoDataFrame, as_of: str | None
) -> dict[str, Trips]:
    """Return the trips of a claim by what stands at their ends.

    Returns
    -------
    dict
        ``members`` and ``hubs`` always; ``centroids``, ``interchanges`` and ``outlines`` where the
        region has what they need; ``nearest_hub`` from each member to every hub.

    Raises
    ------
    ClaimError
        A hub is unknown.
    """
    hubs = hub_places(region)
    members = _between(region, network, places)
    centres = _between(region, network, hubs)
    found: dict[str, Trips | None] = {
        "members": members,
        "hubs": centres,
        "nearest_hub": _to_all(members, centres),
        "centroids": _centroids(region, network),
        "interchanges": _interchanges(region, network, as_of),
        "outlines": _in_outlines(region, network, places),
    }
    return {name: trips for name, trips in found.items() if trips is not None}


def member_places(
    region: Region, claim: TravelTimeClaim, *, as_of: str | None = None
) -> gpd.GeoDataFrame:
    """Return the places that a claim is about: one row a position, its facilities' ids joined.

    Parameters
    ----------
    region, claim
        The claim's ``members`` rule selects them.
    as_of
        Instead of the rule's ``existed_1999``: the places that had opened by this date (ISO; of
        those without a year the ones that the rule takes).

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
    chosen = _members_on(region, claim, as_of) if as_of else _members(region, claim)
    members = located(chosen).to_crs(4326)
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


def _members(region: Region, claim: TravelTimeClaim) -> gpd.GeoDataFrame:
    return select(region, claim.members, needs=["cluster", "name"])


def _members_on(region: Region, claim: TravelTimeClaim, as_of: str) -> gpd.GeoDataFrame:
    """Return what had opened by a date of all that the rule would take at any time."""
    rule = {column: values for column, values in claim.members.where.items() if column != _EXISTED}
    ever = claim.members.model_copy(update={"where": rule})
    asked = [_EXISTED] if _EXISTED in claim.members.where else []
    rows = select(region, ever, needs=["cluster", "name", "opened_year", *asked])
    year = pd.to_numeric(rows["opened_year"], errors="coerce")
    known = rows[_EXISTED].isin(claim.members.where[_EXISTED]) if asked else True
    return rows[(year <= int(last_day(as_of)[:4])) | (year.isna() & known)]


_EXISTED = "existed_1999"


# --- the kinds of trips --------------------------------------------------------------------------


def _between(region: Region, network: Network, points: gpd.GeoDataFrame) -> Trips:
    """Return the trips between points of different clusters."""
    return _apart(
        region,
        tie_points(network, points, what="places"),
        points["cluster"].to_numpy(object),
        points["name"].to_numpy(object),
        error_m=error_metres(region, points),
    )


def _apart(
    region: Region,
    ties: Ties,
    cluster: NDArray[np.object_],
    name: NDArray[np.object_],
    *,
    error_m: Floats | None = None,
    door_to_door: bool = True,
) -> Trips:
    asked = np.asarray(cluster[:, None] != cluster[None, :])
    order = tuple(region.clusters)
    error = np.zeros(ties.n) if error_m is None else error_m
    return Trips(
        *(ties, ties, cluster, cluster, name, name, asked, order, error, error),
        door_to_door=door_to_door,
    )


def _to_all(members: Trips, hubs: Trips) -> Trips:
    return Trips(
        origins=members.origins,
        destinations=hubs.origins,
        from_cluster=members.from_cluster,
        to_cluster=hubs.from_cluster,
        from_name=members.from_name,
        to_name=hubs.from_name,
        asked=np.ones((members.origins.n, hubs.origins.n), dtype=bool),
        order=members.order,
        from_error_m=members.from_error_m,
        to_error_m=hubs.from_error_m,
    )


def _without_access(ties: Ties) -> Ties:
    return replace(ties, access_m=np.zeros_like(ties.access_m))


def _centroids(region: Region, network: Network) -> Trips | None:
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
    return _apart(region, _without_access(ties), names, names)


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
    day = _day(network, as_of)
    on_corridor = corridor_before(region, network, as_of)
    if not on_corridor.any():
        return None
    routes = region.corridor.routes_on(day)
    dated = network.on_routes(routes) & network.roads["opened"].notna().to_numpy()
    if dated.any() and not (dated & on_corridor).any():
        return None  # before any of its roads whose date is known
    points = read_layer(region, "interchanges").to_crs(network.crs)
    points = points[points["route_no"].isin(routes) & (points["kind"] == "IC")]
    if "opened" in points:
        points = points[~(points["opened"].fillna("") > day)]
    return (points, on_corridor) if len(points) else None


def corridor_sections(region: Region, network: Network, as_of: str | None) -> NDArray[np.bool_]:
    """Mark the open sections that make up the corridor of a day."""
    return network.on_routes(region.corridor.routes_on(_day(network, as_of))) & ~network.closed


def corridor_before(region: Region, network: Network, as_of: str | None) -> NDArray[np.bool_]:
    """Mark the sections that make up the corridor of a day, whatever a scenario does to them.

    Interchanges are tied to these: what a scenario closes is out of reach, not elsewhere.
    """
    if network.edits is None:
        return corridor_sections(region, network, as_of)
    routes = region.corridor.routes_on(_day(network, as_of))
    return network.on_routes(routes) & network.edits.open_before


#: A network without a date is of today: after all alignments.
_LATEST = "9999-12-31"


def _day(network: Network, as_of: str | None) -> str:
    return day_of(network, as_of) or _LATEST


def _interchanges(region: Region, network: Network, as_of: str | None) -> Trips | None:
    """Return the trips between interchanges inside clusters, tied to the corridor itself."""
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
    cluster, name = inside["of"].to_numpy(object), inside["name"].to_numpy(object)
    return _apart(region, _without_access(ties), cluster, name, door_to_door=False)


def _in_outlines(region: Region, network: Network, places: gpd.GeoDataFrame) -> Trips | None:
    """Return the trips between random points inside the members' outlines.

    Only outlines whose border is known count: land use, or an area of the layer itself, never a
    disc. Points that no road is near are drawn anew. Where a cluster has none there are no such
    trips.
    """
    outlines = _known_outlines(region, places)
    if outlines is None or outlines["cluster"].nunique() < len(region.clusters):
        return None
    import geopandas as gpd

    points = outlines.to_crs(network.crs).sample_points(_TRIED, rng=_SEED).explode()
    rows = outlines.loc[points.index, ["cluster", "name"]]
    drawn = gpd.GeoDataFrame(rows, geometry=points.to_numpy(), crs=network.crs)
    near = drawn[tie_points(network, drawn, what="random points").tied]
    taken = near[near.groupby(level=0).cumcount() < _POINTS].reset_index(drop=True)
    enough = taken["cluster"].nunique() == len(region.clusters)
    return _between(region, network, taken) if enough else None


def _known_outlines(region: Region, places: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    import geopandas as gpd

    known = [place for ids in places["members"] for place in ids]
    if "outlines" in region.layers:
        frame = read_layer(region, "outlines")
        return frame[(frame["outline"] == "landuse") & frame.index.isin(known)]
    if "complexes" not in region.layers:
        return None
    frame = read_layer(region, "complexes")
    areas = frame[frame.geom_type.isin(["Polygon", "MultiPolygon"]) & frame.index.isin(known)]
    return gpd.GeoDataFrame(areas) if len(areas) else None
