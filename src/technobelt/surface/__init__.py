"""The travel-time raster: cells tied to road positions once, answered many times."""

from __future__ import annotations

from technobelt.surface.cells import Surface, surface_of
from technobelt.surface.index import cells_of
from technobelt.surface.positions import Positions, road_positions
from technobelt.surface.raster import default_cell_m, grid_for, travel_time_raster
from technobelt.surface.times import Reached, first_reached, reached

__all__ = [
    "Positions",
    "Reached",
    "Surface",
    "cells_of",
    "default_cell_m",
    "first_reached",
    "grid_for",
    "reached",
    "road_positions",
    "surface_of",
    "travel_time_raster",
]
