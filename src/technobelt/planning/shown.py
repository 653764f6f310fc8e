"""What of a plan its maps and its QGIS project show, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from technobelt.export import ProjectLayer
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import numpy as np
    from numpy.typing import NDArray

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
    shown: Mapping[str, gpd.GeoDataFrame], *, zones: Sequence[str], drawn: bool
) -> list[ProjectLayer]:
    """Return the layers of a plan's QGIS project, the topmost first.

    Parameters
    ----------
    shown
        What ``layers.gpkg`` holds.
    zones
        Names of the layers of ``zones.gpkg``, if there is one.
    drawn
        Whether there is a raster of how firm zones are.
    """

    def of_region(
        name: str, group: str, geometry: Any, *, title: str | None = None, **more: Any
    ) -> list[ProjectLayer]:
        if name not in shown:
            return []
        layer = ProjectLayer(
            name=title or name.capitalize().replace("_", " "),
            file="layers.gpkg",
            sublayer=name,
            group=group,
            geometry=geometry,
            style=cast("Style", name),
            **more,
        )
        return [layer]

    paper: dict[str, Any] = {"group": "The paper", "geometry": "polygon", "visible": False}
    bands: dict[str, Any] = {
        "file": "isochrones.gpkg",
        "group": "Isochrones",
        "geometry": "polygon",
        "style": "isochrones",
        "visible": False,
    }
    return [
        *of_region("positions", "Places", "point", visible=False),
        *of_region("universities", "Places", "point", label="name"),
        *of_region("centres", "Places", "point"),
        *of_region("complexes", "Places", "point"),
        *of_region("outlines", "Places", "polygon", title="Complex outlines"),
        *of_region("interchanges", "Corridor", "point", visible=False),
        *of_region("corridor", "Corridor", "line"),
        *_zone_layers(zones, drawn=drawn),
        ProjectLayer("All hubs", sublayer="merged", **bands),
        ProjectLayer("Each hub", sublayer="isochrones", **bands),
        *of_region("clusters", "Belt", "polygon", label="name"),
        *of_region("growth_poles", "The paper", "point", label="name", visible=False),
        *of_region("local_plans", **paper, label="special"),
        *of_region("producer_services", **paper),
        *of_region("mechanical_industry", **paper),
        *of_region("roads", "Base", "line"),
        *of_region("population", "Base", "point", visible=False),
        *of_region("barriers", "Base", "polygon"),
        *of_region("submunicipalities", "Base", "polygon", label="name", visible=False),
        *of_region("provinces", "Base", "polygon", label="name", visible=False),
        *of_region("municipalities", "Base", "polygon"),
    ]
