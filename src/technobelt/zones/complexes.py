"""Complexes and zones: keeping one whole is a preference, and a part is told as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.layers import read_layer
from technobelt.rasters import covered

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.region import Region
    from technobelt.zones.ground import Ground

    Ints = NDArray[np.int64]

__all__ = ["SOME", "known_outlines", "parts_told", "unit_numbers"]

#: Less than this share of a complex is no part of it, more than the other is all of it.
SOME, _ALL = 0.02, 0.95


def known_outlines(region: Region) -> gpd.GeoDataFrame | None:
    """Return the outlines of complexes that are borders, not discs; None where there are none."""
    if "outlines" not in region.layers:
        return None
    outlines = read_layer(region, "outlines").to_crs(region.crs)
    borders = outlines[outlines["outline"] == "landuse"].sort_index()
    return borders if len(borders) else None


def unit_numbers(ground: Ground, outlines: gpd.GeoDataFrame | None) -> Ints:
    """Return which complex each cell is of, int64 (rows, columns), -1 for none."""
    numbers = np.full(ground.grid.shape, -1, dtype=np.int64)
    shapes = [] if outlines is None else list(outlines.geometry)
    for number, shape in enumerate(shapes):
        numbers[covered([shape], ground.grid)] = number
    return numbers


def parts_told(
    zone_id: str, shape: Any, outlines: gpd.GeoDataFrame | None, cap_km2: float
) -> list[str]:
    """Say which complexes lie in a zone with a part only, and why.

    Parameters
    ----------
    zone_id, shape
        The zone, in the CRS of the outlines.
    outlines
        From `known_outlines`.
    cap_km2
        The most area of a site.
    """
    if outlines is None:
        return []
    told = []
    whole = shapely.area(outlines.geometry.to_numpy())
    inside = shapely.area(shapely.intersection(outlines.geometry.to_numpy(), shape))
    for name, all_m2, part_m2 in zip(outlines["name"], whole, inside, strict=True):
        if not SOME < part_m2 / all_m2 < _ALL:
            continue
        why = "larger than the cap" if all_m2 / 1e6 > cap_km2 else "the rest does not fit"
        part = f"{part_m2 / 1e6:.2f} of {all_m2 / 1e6:.2f} km2"
        told.append(f"{zone_id}: {name} contributes {part} ({why}).")
    return told
