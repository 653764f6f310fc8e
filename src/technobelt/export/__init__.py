"""Hand results over to GIS desktops: Shapefile, GeoPackage and more, and a QGIS project."""

from __future__ import annotations

from technobelt.export.desktop import region_layers, write_desktop
from technobelt.export.folder import Exported, write_layers
from technobelt.export.formats import LAYER_SUFFIXES, Inside, write_geopackage, write_layer
from technobelt.export.licence import write_licence
from technobelt.export.notes import Note
from technobelt.export.qgis import ProjectLayer, write_qgis_project
from technobelt.export.shapefile import SHAPEFILE_PARTS, export_shapefile
from technobelt.export.styles import layer_qml, write_qml, write_raster_qml

__all__ = [
    "LAYER_SUFFIXES",
    "SHAPEFILE_PARTS",
    "Exported",
    "Inside",
    "Note",
    "ProjectLayer",
    "export_shapefile",
    "layer_qml",
    "region_layers",
    "write_desktop",
    "write_geopackage",
    "write_layer",
    "write_layers",
    "write_licence",
    "write_qgis_project",
    "write_qml",
    "write_raster_qml",
]
