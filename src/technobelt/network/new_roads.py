"""New roads of scenarios: where they join others, and the sections that they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from technobelt.errors import PointError, ScenarioError
from technobelt.network.ties import tie_points
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.network.ties import Ties
    from technobelt.scenario import AddRoad

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["joins", "sections_of"]

_MOTORWAYS = [ROAD_CLASSES.index("motorway"), ROAD_CLASSES.index("motorway_link")]


def joins(network: Network, edit: AddRoad, free: Mask) -> Ties:
    """Return where the ends of a new road are joined to others, both carriageways if divided."""
    import geopandas as gpd

    motorway = np.isin(network.road_class, _MOTORWAYS)
    any_road = ROAD_CLASSES.index(edit.classes) in _MOTORWAYS
    ends = gpd.GeoSeries(shapely.points([edit.line[0], edit.line[-1]]), crs=4326)
    sections = free & (any_road | ~motorway)
    try:
        ties = tie_points(network, ends, max_access_m=edit.join_m, sections=sections, what="ends")
        tied = ties.tied
    except PointError:
        tied = np.array([False, False])
    if not tied.all():
        lon, lat = edit.line[0] if not tied[0] else edit.line[-1]
        raise ScenarioError(
            f"edit '{edit.id}': no road to join within {edit.join_m:g} m of its end at "
            f"{lon},{lat}. Move the end, or raise join_m."
        )
    return ties


def sections_of(network: Network, edit: AddRoad, ties: Ties, node: Ints) -> gpd.GeoDataFrame:
    """Return the sections of a new road: itself, and links to other carriageways at its ends.

    A link is of the class of the road that it belongs to, so that no ramp is counted twice.

    Parameters
    ----------
    network
        Cut where the road joins others.
    edit
        The road.
    ties
        From `joins`.
    node
        int64 (k): the routing node at each tie.
    """
    import geopandas as gpd

    xy = network.nodes[["x", "y"]].to_numpy()
    begin, end = (node[ties.point == one] for one in (0, 1))
    line = gpd.GeoSeries([shapely.LineString(edit.line)], crs=4326).to_crs(network.crs).iloc[0]
    way = np.concatenate([xy[begin[:1]], shapely.get_coordinates(line), xy[end[:1]]])
    parts = [(int(begin[0]), int(end[0]), edit.classes, shapely.LineString(way), not edit.oneway)]
    for point, ends in enumerate((begin, end)):
        met = network.roads["class"].iloc[ties.section[ties.point == point][0]]
        parts += [
            (int(ends[0]), int(other), met, shapely.LineString(xy[[ends[0], other]]), True)
            for other in ends[1:]
            if other != ends[0]
        ]
    shapes = gpd.GeoSeries([part[3] for part in parts], crs=network.crs)
    table = network.roads.iloc[np.zeros(len(parts), dtype=int)].copy()
    for column in table.columns.drop("geometry"):
        table[column] = None
    said = {
        "u": [part[0] for part in parts],
        "v": [part[1] for part in parts],
        "class": [part[2] for part in parts],
        "ref": edit.ref or None,
        "name": edit.name or edit.id,
        "forward": True,
        "backward": [part[4] for part in parts],
        "limit_kph": np.nan,
        "length_m": _ellipsoid_m(shapes),
        "bridge": 0.0,
        "tunnel": 0.0,
    }
    return gpd.GeoDataFrame(
        table.drop(columns="geometry").assign(**said), geometry=shapes.to_numpy(), crs=network.crs
    )


def _ellipsoid_m(lines: gpd.GeoSeries) -> list[float]:
    import pyproj

    geod = pyproj.Geod(ellps="WGS84")
    return [float(geod.geometry_length(line)) for line in lines.to_crs(4326)]
