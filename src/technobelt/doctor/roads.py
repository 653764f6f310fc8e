"""Whether places stand at roads that lead everywhere, and all roads that matter are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from technobelt.doctor.findings import Faults, Finding, RowNames
from technobelt.errors import PointError
from technobelt.network.ties import tie_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network import Network
    from technobelt.network.ties import Ties
    from technobelt.region import Region

__all__ = ["check_corridor", "check_edge", "check_roads_near"]

_ACCESS_M = 1000.0  # the longest access leg, by default
_SEARCH_M = 50_000.0
#: A fast way round may leave a cluster by so much before it comes back; assumed.
_AROUND_M = 3_000.0
#: So far around the clusters no detour is cut off; assumed, as in the guide.
_WHOLE_KM = 30.0


def check_roads_near(network: Network, frame: gpd.GeoDataFrame, layer: str) -> Iterator[Faults]:
    """Tell of places without a road within reach, and of those on roads that lead nowhere.

    Parameters
    ----------
    network
        The roads.
    frame
        Places with shapes, in a CRS that fits them.
    layer
        Their layer.
    """
    names = RowNames(frame)
    points = frame.geometry.representative_point()
    ties = _ties(network, points, _ACCESS_M)
    tied = np.zeros(len(points), dtype=bool) if ties is None else ties.tied

    def tell_far(number: int) -> Finding:
        return Finding(
            layer,
            names[number],
            "warning",
            "roads",
            f"no road where a trip may start lies within {_ACCESS_M:g} m, or water or a motorway "
            "lies between: it has no travel times",
            _nearest_said(network, points.iloc[[number]]),
            "Move it to its gate, or build the network with smaller roads.",
        )

    yield Faults(~tied, tell_far)
    if ties is None:
        return
    cut_off = ~_on_main(network)[ties.section]
    alone = np.bincount(ties.point[~cut_off], minlength=len(points)) == 0

    def tell_alone(number: int) -> Finding:
        return Finding(
            layer,
            names[number],
            "warning",
            "roads",
            "the road at it does not lead to the others and back",
            f"{float(ties.access_m[ties.point == number].min()):,.0f} m to that road",
            "Move it to a road that does, or join the roads in the source.",
        )

    yield Faults(tied & alone, tell_alone)


def _ties(network: Network, points: gpd.GeoSeries, reach_m: float) -> Ties | None:
    try:
        return tie_points(network, points, max_access_m=reach_m)
    except PointError:
        return None


def _nearest_said(network: Network, point: gpd.GeoSeries) -> str:
    ties = _ties(network, point, _SEARCH_M)
    if ties is None:
        return f"none within {_SEARCH_M / 1000:g} km on its side of water and motorways"
    return f"the nearest is {float(ties.access_m.min()):,.0f} m away"


def _on_main(network: Network) -> NDArray[np.bool_]:
    """Mark the sections from which every other of the largest part can be reached, and back."""
    n = len(network.nodes)
    arcs = (network.arc_tail, network.arc_head)
    graph = coo_matrix((np.ones(len(arcs[0]), dtype=np.int8), arcs), shape=(n, n))
    label = connected_components(graph, connection="strong")[1]
    main = label == np.bincount(label).argmax()
    on_main = np.zeros(len(network.roads), dtype=bool)
    on_main[network.arc_section[main[arcs[0]] & main[arcs[1]]]] = True
    return on_main


def check_corridor(region: Region, network: Network) -> Iterator[Finding]:
    """Tell if no motorway of the network bears a route number of the corridor."""
    routes = region.corridor.all_routes
    if network.on_routes(routes).any():
        return
    yield Finding(
        "roads",
        "",
        "warning",
        "roads",
        f"no motorway bears a route number of [corridor] ({', '.join(routes)})",
        _refs(network),
        "Correct the routes in region.toml; what the corridor is worth cannot be told without.",
    )


def _refs(network: Network) -> str:
    motorways = network.roads[network.roads["class"] == "motorway"]
    counts = motorways.groupby("ref")["length_m"].sum().sort_values(ascending=False)
    return ", ".join(map(str, counts.index[:8])) or "no motorway with a number"


def check_edge(network: Network, clusters: gpd.GeoDataFrame) -> Iterator[Faults]:
    """Tell of clusters just beside which the area ends whose roads were taken.

    Parameters
    ----------
    network
        The roads; of an area that is not known nothing is told.
    clusters
        Their outlines, in a CRS that fits them.
    """
    if not network.info.extent:
        return
    area = shapely.from_wkt(network.info.extent)
    shapes = clusters.geometry.to_crs(network.crs).to_numpy()
    off = shapely.distance(shapes, area.boundary)
    whole = shapely.contains(area, shapes)
    names = RowNames(clusters)

    def tell(number: int) -> Finding:
        found = f"they end {off[number] / 1000:,.1f} km from it"
        return Finding(
            "clusters",
            names[number],
            "warning",
            "roads",
            "the roads end in it or just beside it: trips that are quickest by way of what lies "
            "outside look longer than they are, and isochrones are cut off",
            found if whole[number] else "part of it lies beyond their end",
            f"Build the roads of a larger area, {_WHOLE_KM:g} km around the clusters.",
        )

    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    yield Faults(there & (~whole | (off < _AROUND_M)), tell)
