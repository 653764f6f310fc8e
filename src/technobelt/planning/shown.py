"""What of a plan its maps and its QGIS project show, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

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

__all__ = ["main_roads", "project_layers"]

#: Roads shown on maps: this far around the clusters, down to this class.
_SHOWN_AROUND_M = 25_000.0
_SHOWN_CLASS = ROAD_CLASSES.index("tertiary")


def main_roads(network: Network, clusters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the main roads around the clusters, for maps."""
    import shapely

    around = shapely.buffer(
        shapely.box(*clusters.to_crs(network.crs).total_bounds), _SHOWN_AROUND_M
    )
    main: NDArray[np.bool_] = network.road_class <= _SHOWN_CLASS
    shown = network.roads[main & ~network.closed & shapely.intersects(network.lines, around)]
    columns = ["class", "ref", "name", "forward", "backward", "length_m", "opened", "opened_ev"]
    return shown[[*columns, "geometry"]].astype({"class": str})


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
