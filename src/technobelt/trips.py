"""The trips that a travel-time claim can be read on: from which points, to which, and how tied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.corridor import corridor_interchanges
from technobelt.layers import cluster_areas, hub_places, place_layers, read_layer
from technobelt.network.ties import Ties, startable, tie_points, tie_to_all
from technobelt.position_errors import error_metres
from technobelt.travel_time import matrix

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.region import Region
    from technobelt.travel_time import Model

    Floats = NDArray[np.float64]

__all__ = ["Trips", "trip_minutes", "trips_of"]

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
    to_others
        Whether they lead to other places than they begin at.
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
    to_others: bool = False

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
    region: Region,
    network: Network,
    places: gpd.GeoDataFrame,
    as_of: str | None,
    ends: gpd.GeoDataFrame | None = None,
) -> dict[str, Trips]:
    """Return the trips of a claim by what stands at their ends.

    Parameters
    ----------
    region, network
        The network in the region's CRS.
    places
        The claim's members.
    as_of
        The date of the corridor.
    ends
        Where the trips from the members lead to; by default to each other.

    Returns
    -------
    dict
        ``members`` always. Without `ends` also ``hubs``; ``centroids``, ``interchanges`` and
        ``outlines`` where the region has what they need; ``nearest_hub`` from each member to every
        hub.

    Raises
    ------
    ClaimError
        A hub is unknown.
    """
    members = _between(region, network, places)
    if ends is not None:
        return {"members": _to_others(region, network, members, places["members"], ends)}
    hubs = hub_places(region)
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


def _to_others(
    region: Region,
    network: Network,
    members: Trips,
    here: pd.Series[Any],
    ends: gpd.GeoDataFrame,
) -> Trips:
    """Return the trips from members to other places in any cluster, none from one to itself.

    `here` lists the ids of all that stand at each member's place.
    """
    trips = _to_all(members, _between(region, network, ends))
    elsewhere = [[not set(one) & set(other) for other in ends["members"]] for one in here]
    return replace(trips, asked=np.array(elsewhere, dtype=bool), to_others=True)


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
    if "complexes" not in place_layers(region):
        return None
    frame = read_layer(region, "complexes")
    areas = frame[frame.geom_type.isin(["Polygon", "MultiPolygon"]) & frame.index.isin(known)]
    return gpd.GeoDataFrame(areas) if len(areas) else None
