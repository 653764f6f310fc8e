"""The ground of the zones: the land grid over the clusters, and what takes land out of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.errors import LayerError
from technobelt.isochrone import areas_km2
from technobelt.layers import cluster_areas, read_layer
from technobelt.rasters import Grid, covered
from technobelt.zone_rules import LAND_COLUMNS
from technobelt.zones.files import read_raster, read_shapes

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.region import Region
    from technobelt.zone_rules import Constraint

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["Ground", "ground_of"]

#: Zones keep this far from their cluster's border, so that rounding cannot make two overlap, m.
MARGIN_M = 10.0
#: Cells that fit in memory: some 20 values of 8 bytes are kept of each, 2 GB in all.
CELLS_MAX = 12_000_000
#: A hole in a zone may be filled where this bars it: a pond or a knoll in a park.
_FILLABLE = ("water", "wood on relief")
#: Clusters may share this much, which comes of rounding, m².
_SHARED_M2 = 1000.0
#: Sizes of cells that are proposed, m.
_SIZES = tuple(digit * 10.0**power for power in range(5) for digit in (1, 2, 5))


@dataclass(frozen=True, eq=False)
class Ground:
    """The land grid over all clusters.

    Attributes
    ----------
    grid, crs
        The cells, in the region's CRS.
    clusters
        Ids of the clusters, in the region's order.
    outlines
        Their outlines, less a margin: where a zone may lie.
    number
        int64 (rows, columns): the cluster of each cell by its number, -1 outside all.
    land
        Columns of the layer ``land`` on the grid, float64 (rows, columns), NaN where there is none.
    barred
        By name of a constraint, bool (rows, columns): the cells that it takes out.
    cut
        Shapes of the planner's constraints: no outline holds any part of them.
    notes
        What to know of constraints.
    """

    grid: Grid
    crs: Any
    clusters: list[str]
    outlines: list[Any]
    number: Ints
    land: dict[str, Floats]
    barred: dict[str, Mask]
    cut: list[Any]
    notes: list[str]

    @cached_property
    def unfillable(self) -> Mask:
        """Cells that no hole may be filled over: barred, but not for water or wood on relief."""
        masks = [mask for name, mask in self.barred.items() if name not in _FILLABLE]
        return np.asarray(np.logical_or.reduce([np.zeros(self.grid.shape, dtype=bool), *masks]))

    @cached_property
    def known(self) -> Mask:
        """Cells of a cluster that the layer ``land`` knows."""
        return np.asarray((self.number >= 0) & np.isfinite(self.land["water"]))

    @cached_property
    def usable(self) -> Mask:
        """Cells that no constraint takes out."""
        return np.asarray(self.known & ~np.logical_or.reduce(list(self.barred.values())))

    def of_cluster(self, cluster: str) -> Mask:
        """Return the usable cells of a cluster."""
        mine: Mask = self.number == self.clusters.index(cluster)
        return self.usable & mine

    @cached_property
    def cell_km2(self) -> float:
        """Area of a cell in the middle of the grid, on the ellipsoid, km²."""
        import geopandas as gpd

        grid = self.grid
        x, y = grid.x[grid.columns // 2], grid.y[grid.rows // 2]
        cell = shapely.box(x, y, x + grid.cell_m, y + grid.cell_m)
        return float(areas_km2(gpd.GeoDataFrame(geometry=[cell], crs=self.crs))[0])


def ground_of(region: Region, cell_m: float | None = None) -> Ground:
    """Lay the land grid over the clusters of a region, and mark what its constraints take out.

    Parameters
    ----------
    region
        With the layers ``land`` and ``clusters``, and its ``[zones]`` rules.
    cell_m
        Side of the cells, m; by default that of the rules, or the finest of the layer ``land``.

    Raises
    ------
    LayerError
        The land has no cell in a cluster, two clusters overlap, the grid would not fit in memory,
        or a constraint's file cannot be used.
    """
    areas = cluster_areas(region).to_crs(region.crs)
    land = read_layer(region, "land").to_crs(region.crs)
    finest = float(land["cell_m"].min())
    size = cell_m or region.zones.cell_m or finest
    _refuse_overlaps(areas)
    fine = land[land["cell_m"] == finest]
    grid = _grid_over(areas, size, fine, finest)
    outlines = list(shapely.buffer(areas.geometry.to_numpy(), -MARGIN_M))
    number = _numbered(grid, outlines)
    columns = _on_grid(fine, finest, grid)
    _need_land(columns["water"], number, list(areas.index), finest, size)
    barred = _by_land(region, columns)
    ground = Ground(grid, areas.crs, list(areas.index), outlines, number, columns, barred, [], [])
    for name, rule in region.zones.constraints.items():
        _bar(region, ground, name, rule)
    return ground


def _refuse_overlaps(areas: gpd.GeoDataFrame) -> None:
    """Refuse clusters that share land: nobody could say whose zone it may be in."""
    for (one, a), (two, b) in combinations(areas.geometry.items(), 2):
        shared = shapely.intersection(a, b).area
        if shared > _SHARED_M2:
            raise LayerError(
                f"clusters '{one}' and '{two}' overlap by {shared / 1e6:.2f} km2, so that their "
                "zones could too. Draw them apart in the layer 'clusters'."
            )


def _grid_over(
    areas: gpd.GeoDataFrame, cell_m: float, fine: gpd.GeoDataFrame, finest: float
) -> Grid:
    """Return the grid over the clusters, its lines those of the land's cells."""
    west, south, east, north = areas.total_bounds
    left, top = fine.geometry.x.min() - finest / 2, fine.geometry.y.max() + finest / 2
    left += np.floor((west - left) / cell_m) * cell_m
    top += np.ceil((north - top) / cell_m) * cell_m
    rows, columns = np.ceil((top - south) / cell_m), np.ceil((east - left) / cell_m)
    if not rows * columns <= CELLS_MAX:
        raise LayerError(
            f"cells of {cell_m:g} m over the clusters are {rows * columns / 1e6:,.0f} million, "
            f"more than the {CELLS_MAX / 1e6:g} million that fit in memory. "
            f"Take {_size_that_fits(areas):g} m or more (--cell-m, or [zones] cell_m)."
        )
    return Grid(float(left), float(top), cell_m, int(rows), int(columns))


def _size_that_fits(areas: gpd.GeoDataFrame) -> float:
    west, south, east, north = areas.total_bounds
    fit = (s for s in _SIZES if ((east - west) / s + 1) * ((north - south) / s + 1) <= CELLS_MAX)
    return next(fit, _SIZES[-1])


def _numbered(grid: Grid, outlines: list[Any]) -> Ints:
    number = np.full(grid.shape, -1, dtype=np.int64)
    for n, outline in enumerate(outlines):
        number[covered([outline], grid) & (number < 0)] = n
    return number


def _on_grid(fine: gpd.GeoDataFrame, finest: float, grid: Grid) -> dict[str, Floats]:
    """Return the land's columns on the grid: the mean in each cell, or what it lies in."""
    if grid.cell_m > finest:
        return _means_on_grid(fine, grid)
    x, y = fine.geometry.x.to_numpy(), fine.geometry.y.to_numpy()
    left, top = x.min() - finest / 2, y.max() + finest / 2
    column = np.rint((x - left) / finest - 0.5).astype(int)
    row = np.rint((top - y) / finest - 0.5).astype(int)
    shape = int(row.max()) + 1, int(column.max()) + 1
    rows = np.floor((top - grid.y) / finest).astype(int)
    columns = np.floor((grid.x - left) / finest).astype(int)
    inside = np.ix_((rows >= 0) & (rows < shape[0]), (columns >= 0) & (columns < shape[1]))
    found = np.ix_(rows[inside[0].ravel()], columns[inside[1].ravel()])
    out = {}
    for name in LAND_COLUMNS:
        if name in fine:
            own = np.full(shape, np.nan)
            own[row, column] = fine[name].to_numpy(np.float64)
            out[name] = np.full(grid.shape, np.nan)
            out[name][inside] = own[found]
    return out


def _means_on_grid(fine: gpd.GeoDataFrame, grid: Grid) -> dict[str, Floats]:
    """Return the mean of the land's cells whose centres lie in each cell of a coarser grid."""
    column = np.floor((fine.geometry.x.to_numpy() - grid.left) / grid.cell_m).astype(int)
    row = np.floor((grid.top - fine.geometry.y.to_numpy()) / grid.cell_m).astype(int)
    inside = (row >= 0) & (row < grid.rows) & (column >= 0) & (column < grid.columns)
    cell, size = row[inside] * grid.columns + column[inside], grid.rows * grid.columns
    count = np.bincount(cell, minlength=size)
    out = {}
    for name in LAND_COLUMNS:
        if name in fine:
            values = fine[name].to_numpy(np.float64)[inside]
            total = np.bincount(cell, weights=values, minlength=size)
            mean = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
            out[name] = mean.reshape(grid.shape)
    return out


def _need_land(
    water: Floats, number: Ints, clusters: list[str], finest: float, cell_m: float
) -> None:
    for n, cluster in enumerate(clusters):
        if not np.isfinite(water[number == n]).any():
            if cell_m > finest:
                raise LayerError(
                    f"no cell of {cell_m:g} m has its centre in cluster '{cluster}'. Take smaller "
                    "cells (--cell-m, or [zones] cell_m)."
                )
            raise LayerError(
                f"layer 'land' has no {finest:g} m cell in cluster '{cluster}'. Extend it, or "
                "correct its coordinates."
            )


def _by_land(region: Region, land: dict[str, Floats]) -> dict[str, Mask]:
    """Return what the rules of ``[zones]`` itself take out."""
    rules = region.zones
    barred = {
        "water": land["water"] > rules.water_max,
        "wood on relief": (land["wood"] > rules.wood_max) & (land["relief_m"] > rules.relief_max_m),
    }
    if "military" in land:
        barred["military"] = land["military"] > rules.military_max
    return barred


def _bar(region: Region, ground: Ground, name: str, rule: Constraint) -> None:
    """Take out what a constraint of the planner's bars; ground without data stays in."""
    where = f"constraint '{name}'"
    if rule.shapes is not None:
        shapes = polygons_over(read_shapes(region, rule.shapes, where), ground, where)
        ground.barred[name] = covered(shapes, ground.grid)
        ground.cut.extend(shapes)
        return
    if rule.raster is not None:
        values = read_raster(region, rule.raster, ground.grid, ground.crs, where)
        unknown = np.isnan(values[ground.known]).mean()
        if unknown:
            ground.notes.append(
                f"Constraint {name} has no data on {unknown:.1%} of the land, which stays in."
            )
    else:
        values = land_column(ground.land, str(rule.land), where)
    ground.barred[name] = _beyond(values, rule)


def _beyond(values: Floats, rule: Constraint) -> Mask:
    out = np.zeros(values.shape, dtype=bool)
    if rule.above is not None:
        out |= values > rule.above
    if rule.below is not None:
        out |= values < rule.below
    return out


def polygons_over(shapes: list[Any], ground: Ground, where: str) -> list[Any]:
    """Return the polygons among shapes that lie over a cluster.

    Raises
    ------
    LayerError
        There is none: they are points or lines, or lie elsewhere.
    """
    parts = shapely.get_parts(shapely.get_parts(np.array(shapes, dtype=object)))
    areas = [part for part in parts if part.geom_type == "Polygon" and part.area > 0]
    if not areas:
        kinds = ", ".join(sorted({part.geom_type for part in parts}))
        raise LayerError(
            f"{where} of [zones] needs polygons; found {kinds}. Buffer them, or take the rule out."
        )
    belt = shapely.union_all(ground.outlines)
    over = [part for part in areas if shapely.intersects(part, belt)]
    if not over:
        there, here = (np.round(shapely.total_bounds(x)).tolist() for x in (areas, belt))
        raise LayerError(
            f"{where} of [zones] lies over no cluster, so that it would take nothing out. West, "
            f"south, east, north in the region's CRS: the shapes {there}; the clusters {here}. "
            "Correct its CRS, or take the rule out."
        )
    return over


def land_column(land: dict[str, Floats], name: str, where: str) -> Floats:
    """Return a column of the land on the grid.

    Raises
    ------
    LayerError
        The layer ``land`` does not have it.
    """
    if name not in land:
        raise LayerError(
            f"{where} of [zones] asks for column '{name}', which layer 'land' does not have; "
            f"found: {', '.join(land)}. Add the column, or take the rule out."
        )
    return land[name]
