"""Figures: maps and the matrix of trips, as SVG that stands inside a page; layers, as PNG."""

from technobelt.figures.convergence import convergence_curve
from technobelt.figures.curve import threshold_curve
from technobelt.figures.dates import has_two_dates, network_maps
from technobelt.figures.ground import Ground, ground_of
from technobelt.figures.layers import draw_layers
from technobelt.figures.maps import belt_map, isochrone_maps
from technobelt.figures.matrix import trip_matrix
from technobelt.figures.readings import break_even_bars, reading_ranges
from technobelt.figures.siting import draw_siting
from technobelt.figures.zones import zone_maps, zones_picture

__all__ = [
    "Ground",
    "belt_map",
    "break_even_bars",
    "convergence_curve",
    "draw_layers",
    "draw_siting",
    "ground_of",
    "has_two_dates",
    "isochrone_maps",
    "network_maps",
    "reading_ranges",
    "threshold_curve",
    "trip_matrix",
    "zone_maps",
    "zones_picture",
]
