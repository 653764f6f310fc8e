"""Hand results over to GIS desktops: Shapefile, GeoPackage and more, and a QGIS project."""

from __future__ import annotations

from technobelt.export.formats import LAYER_SUFFIXES, write_geopackage, write_layer, write_licence
from technobelt.export.qgis import ProjectLayer, write_qgis_project
from technobelt.export.shapefile import SHAPEFILE_PARTS, export_shapefile
from technobelt.export.styles import layer_qml, write_qml

__all__ = [
    "LAYER_SUFFIXES",
    "SHAPEFILE_PARTS",
    "ProjectLayer",
    "export_shapefile",
    "layer_qml",
    "write_geopackage",
    "write_layer",
    "write_licence",
    "write_qgis_project",
    "write_qml",
]
