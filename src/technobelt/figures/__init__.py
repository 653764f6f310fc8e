"""Figures of the report: maps and the matrix of trips, as SVG that stands inside a page."""

from technobelt.figures.ground import Ground, ground_of
from technobelt.figures.maps import belt_map, isochrone_maps, zone_maps
from technobelt.figures.matrix import trip_matrix

__all__ = ["Ground", "belt_map", "ground_of", "isochrone_maps", "trip_matrix", "zone_maps"]
