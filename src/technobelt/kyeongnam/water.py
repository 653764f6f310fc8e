"""Water that no access leg may cross: rivers, lakes and the sea, where wider than a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from technobelt.errors import LayerError
from technobelt.kyeongnam.boundaries import METRES, read_land
from technobelt.kyeongnam.source import LANDUSE, read_shapes
from technobelt.kyeongnam.wording import (
    BOUNDARY_LICENCE,
    BOUNDARY_SOURCE,
    OSM_LICENCE,
    OSM_SOURCE,
)

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from shapely import Geometry

__all__ = ["WIDTH_M", "make_barriers", "opened", "read_landuse", "sea"]

WIDTH_M = 100  # narrower water is left out: a cell's access leg may cross it
TOLERANCE_M = 25


def make_barriers(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``barriers``, EPSG:5179 on whole metres, one row a body of water.

    Raises
    ------
    LayerError
        The land use holds no water.
    """
    import geopandas as gpd
    import shapely

    landuse = read_landuse(source)
    water = landuse.geometry[landuse["class"] == "water"].to_numpy()
    if not len(water):
        raise LayerError(f"'{LANDUSE}' holds no shape of class 'water'.")
    ocean = sea(landuse, read_land(source))
    bodies = opened(shapely.union_all([*water, ocean]), WIDTH_M)
    salt = shapely.intersects(bodies, ocean)
    return gpd.GeoDataFrame(
        {
            "kind": np.where(salt, "sea", "inland"),
            "source": np.where(salt, f"{OSM_SOURCE}; coast: {BOUNDARY_SOURCE}", OSM_SOURCE),
            "licence": np.where(salt, f"{OSM_LICENCE}; {BOUNDARY_LICENCE}", OSM_LICENCE),
            "confidence": "medium",
        },
        geometry=bodies,
        crs=METRES,
    )


def read_landuse(source: Path) -> gpd.GeoDataFrame:
    """Read the land use in EPSG:5179: ``class`` and shapes."""
    return read_shapes(source, LANDUSE, ["class"]).to_crs(METRES)[["class", "geometry"]]


def sea(landuse: gpd.GeoDataFrame, land: Geometry) -> Geometry:
    """Return what is neither land of a province nor built upon, within the land use's extent.

    Quays and fill that a coastline of 2018 does not show count as land where they are mapped.
    """
    import shapely

    extent = shapely.box(*landuse.total_bounds)
    dry = landuse.geometry[~landuse["class"].isin(["water", "wetland"])].to_numpy()
    outside = shapely.intersection(shapely.make_valid(land), extent)
    ocean: Geometry = shapely.difference(extent, shapely.union_all([outside, *dry]))
    return ocean


def opened(water: Geometry, width_m: float) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Return the bodies of water left where it is wider than `width_m`, simplified.

    A morphological opening: shrunk by half the width, then grown again.

    Examples
    --------
    >>> import shapely
    >>> lake, brook = shapely.box(0, 0, 1000, 1000), shapely.box(1000, 480, 3000, 520)
    >>> body, = opened(shapely.union(lake, brook), 100)
    >>> round(body.area / lake.area, 1), body.bounds[2] <= 1000
    (1.0, True)
    """
    import shapely

    core = shapely.buffer(water, -width_m / 2, quad_segs=2)
    grown = shapely.intersection(shapely.buffer(core, width_m / 2, quad_segs=4), water)
    simple = shapely.simplify(grown, TOLERANCE_M)
    whole = shapely.set_precision(shapely.make_valid(simple), 1)
    parts = shapely.get_parts(shapely.normalize(whole))
    return parts[shapely.area(parts) >= width_m**2 / 2]  # crumbs of the rounding are dropped
