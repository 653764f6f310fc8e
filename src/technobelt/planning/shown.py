"""What of a plan its maps and its QGIS project show, and in which order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from technobelt.corridor import corridor_sections
from technobelt.export import ProjectLayer, region_layers
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import numpy as np
    from numpy.typing import NDArray

    from technobelt.export import Inside
    from technobelt.export.styles import Style
    from technobelt.network import Network
    from technobelt.region import Region

__all__ = ["corridor_in_roads", "main_roads", "project_layers"]

#: Roads shown on maps: this far around the clusters, down to this class.
_SHOWN_AROUND_M = 25_000.0
_SHOWN_CLASS = ROAD_CLASSES.index("tertiary")
#: ... and down to this one where the clusters lie within so many metres: quarters of a town.
_STREETS, _QUARTER_M = ROAD_CLASSES.index("residential"), 5_000.0


def main_roads(network: Network, clusters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the main roads around the clusters, for maps."""
    west, south, east, north = clusters.to_crs(network.crs).total_bounds
    small = math.hypot(east - west, north - south) <= _QUARTER_M
    main: NDArray[np.bool_] = network.road_class <= (_STREETS if small else _SHOWN_CLASS)
    shown = network.roads[main & ~network.closed & _around(network, clusters)]
    columns = ["class", "ref", "name", "forward", "backward", "length_m", "opened", "opened_ev"]
    return shown[[*columns, "geometry"]].astype({"class": str})


def corridor_in_roads(
    region: Region, network: Network, clusters: gpd.GeoDataFrame
) -> gpd.GeoDataFrame | None:
    """Return the corridor around the clusters as it runs in the roads; None where it does not.

    It stands in for the layer `corridor` of a region that has none: a row is one route.
    """
    import geopandas as gpd
    import shapely

    on_it = corridor_sections(region, network, None) & _around(network, clusters)
    if not on_it.any():
        return None
    routes = {
        route: shapely.line_merge(shapely.multilinestrings(list(network.lines[mine])))
        for route in region.corridor.all_routes
        if (mine := on_it & network.on_routes([route])).any()
    }
    names = [f"route-{route}" for route in routes]
    told = {
        "id": names,
        "name": region.corridor.name,
        "route_no": list(routes),
        "source": f"motorways of {network.info.file or 'the roads'} by route number",
        "licence": network.info.licence,
    }
    return gpd.GeoDataFrame(told, index=names, geometry=list(routes.values()), crs=network.crs)


def _around(network: Network, clusters: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Mark the sections that come near the clusters."""
    import shapely

    box = shapely.box(*clusters.to_crs(network.crs).total_bounds)
    near: NDArray[np.bool_] = shapely.intersects(
        network.lines, shapely.buffer(box, _SHOWN_AROUND_M)
    )
    return near


#: Groups of a region's layers that lie above zones and isochrones.
_ABOVE = ("Places", "Corridor")
#: Layers of ``zones.gpkg``: what the project calls them, and which column labels them.
_ZONES: dict[str, tuple[str, str | None]] = {
    "zones": ("Innovation zones", "name"),
    "robustness": ("Core and fringe", None),
}


def _zone_layers(zones: Sequence[str], *, drawn: bool) -> list[ProjectLayer]:
    """Return the zones, how firm they are where that is known, and the scores they follow from."""
    raster: dict[str, Any] = {"group": "Zones", "geometry": "raster", "visible": False}
    areas: dict[str, Any] = {"file": "zones.gpkg", "group": "Zones", "geometry": "polygon"}
    layers = []
    for name in zones:
        title, label = _ZONES[name]
        style = cast("Style", name)
        layers.append(ProjectLayer(title, sublayer=name, style=style, label=label, **areas))
    if drawn:
        layers.append(ProjectLayer("Share of draws", "robustness.tif", style="stays", **raster))
    return [*layers, ProjectLayer("Suitability", "suitability.tif", style="suitability", **raster)]


def project_layers(
    shown: Mapping[str, gpd.GeoDataFrame],
    *,
    inside: Mapping[str, Inside],
    zones: Sequence[str],
    drawn: bool,
) -> list[ProjectLayer]:
    """Return the layers of a plan's QGIS project, the topmost first.

    Parameters
    ----------
    shown
        What ``layers.gpkg`` holds.
    inside
        What it is called there, from `write_geopackage`.
    zones
        Names of the layers of ``zones.gpkg``, if there is one.
    drawn
        Whether there is a raster of how firm zones are.
    """
    bands: dict[str, Any] = {
        "file": "isochrones.gpkg",
        "group": "Isochrones",
        "geometry": "polygon",
        "style": "isochrones",
        "visible": False,
    }
    frames = {name: frame for name, frame in shown.items() if name != "routes"}
    own = region_layers(frames, inside)
    above = [layer for layer in own if layer.group in _ABOVE]
    return [
        *above,
        *_zone_layers(zones, drawn=drawn),
        ProjectLayer("All hubs", sublayer="merged", **bands),
        ProjectLayer("Each hub", sublayer="isochrones", **bands),
        *(layer for layer in own if layer.group not in _ABOVE),
    ]
