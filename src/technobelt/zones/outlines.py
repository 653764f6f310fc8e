"""From cells to outlines: steps smoothed, holes filled, and no cap broken by it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.isochrone import areas_km2

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from technobelt.rasters import Grid
    from technobelt.region import Region
    from technobelt.zones.allocation import Site
    from technobelt.zones.ground import Ground

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["area_km2", "capped_outline", "outline", "squares"]

_M2_PER_KM2 = 1e6
#: Corners are rounded to this, m.
_ROUND_M = 1.0


def outline(
    region: Region, ground: Ground, site: Site, cells: Ints, *, whole: bool, smooth: bool = True
) -> Any:
    """Return the outline of a site's cells, inside its cluster.

    Smoothing makes narrow parts and holes smaller: the rules are kept to once more.

    Parameters
    ----------
    region, ground
        The rules and the land.
    site
        Whose cluster the outline stays in.
    cells
        int64: those of its cells that count.
    whole
        Whether it must be of one piece: the largest is taken.
    smooth
        Whether steps of the cells are smoothed.

    Returns
    -------
    shapely.MultiPolygon
        In the region's CRS, valid, corners on whole metres.
    """
    rules = region.zones
    mask = np.zeros(ground.grid.rows * ground.grid.columns, dtype=bool)
    mask[cells] = True
    parts = squares(mask.reshape(ground.grid.shape), ground.grid)
    steps = ground.grid.cell_m * (rules.smoothing if smooth else 0.0)
    joined = shapely.union_all(shapely.make_valid(shapely.simplify(parts, steps)))
    inside = ground.outlines[ground.clusters.index(site.cluster)]
    cut = shapely.intersection(_filled(joined, rules.hole_min_km2, ground), inside)
    if ground.cut:
        cut = shapely.difference(cut, shapely.union_all(ground.cut))
    pieces = [
        piece
        for piece in shapely.get_parts(shapely.set_precision(cut, _ROUND_M))
        if piece.geom_type == "Polygon" and piece.area > 0
    ]
    if whole:
        return shapely.MultiPolygon(sorted(pieces, key=lambda piece: -piece.area)[:1])
    smallest = rules.part_min_km2 * _M2_PER_KM2
    return shapely.MultiPolygon([piece for piece in pieces if piece.area >= smallest])


def squares(mask: Mask, grid: Grid) -> NDArray[np.object_]:
    """Return the outlines of the parts of a mask, along the sides of its cells."""
    from rasterio.features import shapes

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.zeros(0, dtype=object)
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    moved = replace(
        grid, left=grid.left + columns[0] * grid.cell_m, top=grid.top - rows[0] * grid.cell_m
    ).transform
    found = shapes(box.astype(np.uint8), mask=box, connectivity=4, transform=moved)
    return np.array([shapely.geometry.shape(shape) for shape, _ in found], dtype=object)


def _filled(shape: Any, smallest_km2: float, ground: Ground) -> Any:
    """Fill the holes that are smaller, but none that holds land which may not be filled."""
    barred = ground.grid.centres[np.flatnonzero(ground.unfillable)]
    tree = shapely.STRtree(np.asarray(shapely.points(barred), dtype=object))
    filled = []
    for part in shapely.get_parts(shape):
        if part.geom_type != "Polygon":
            continue
        holes = [
            ring
            for ring in part.interiors
            if shapely.Polygon(ring).area / _M2_PER_KM2 >= smallest_km2
            or len(tree.query(shapely.Polygon(ring), predicate="contains"))
        ]
        filled.append(shapely.Polygon(part.exterior, holes))
    return shapely.union_all(filled)


def area_km2(shape: Any, crs: Any) -> float:
    """Return the area of a shape on the WGS 84 ellipsoid, km².

    Examples
    --------
    >>> round(area_km2(shapely.box(1_090_000, 1_690_000, 1_091_000, 1_691_000), "EPSG:5179"), 4)
    1.0006
    """
    import geopandas as gpd

    if shape.is_empty:
        return 0.0
    return float(areas_km2(gpd.GeoDataFrame(geometry=[shape], crs=crs))[0])


def capped_outline(
    draw: Callable[[Ints], Any], cells: Ints, limit_km2: float, crs: Any
) -> tuple[Any, Ints]:
    """Outline as many of a site's cells as a cap allows, in the order of being taken.

    Parameters
    ----------
    draw
        Makes an outline of cells.
    cells
        int64: in the order of being taken.
    limit_km2
        The most area, on the ellipsoid, km².
    crs
        Of the outlines.

    Returns
    -------
    shape, cells
        The outline of the longest run of cells that was found to fit, and these cells.
    """
    shape, count = draw(cells), len(cells)
    while count and (area := area_km2(shape, crs)) > limit_km2:
        count = min(count - 1, int(count * limit_km2 / area))
        shape = draw(cells[:count])
    return shape, cells[:count]
