"""Innovation zones: land within reach of every kind of anchor, where one may build.

A first rule, stated in ``region.toml``: a cell belongs to its cluster's zone if it lies within so
many minutes' drive of at least one place of each anchor in the same cluster, is not mostly water,
and is not mostly wood on steep ground. Small parts are dropped and small holes filled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy import ndimage

from technobelt.errors import LayerError, PointError, RegionError
from technobelt.isochrone import areas_km2
from technobelt.layers import FACILITIES, cluster_areas, facilities, located, read_layer, select
from technobelt.network.ties import tie_points
from technobelt.rasters import Grid
from technobelt.surface import (
    Surface,
    position_seconds,
    road_positions,
    surface_of,
)
from technobelt.travel_time import Model, model_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.region import Region, ZoneRules

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["ZONE_COLUMNS", "draw_zones"]

ZONE_COLUMNS = (
    *("zone_id", "cluster", "name", "special", "area_km2"),
    *("complexes", "universit", "centres", "hub_min", "hub_worst", "profile", "rule"),
)
#: Zones keep this far from their cluster's border, so that rounding cannot make two overlap, m.
_MARGIN_M = 10.0
#: Steps of the grid are smoothed by this share of a cell.
_SMOOTHING = 0.8
_M2_PER_KM2 = 1e6


@dataclass(frozen=True, eq=False)
class _Ground:
    """One cluster's land: its grid, which cells may be built on, its outline."""

    grid: Grid
    usable: Mask
    outline: Any


def draw_zones(
    region: Region,
    network: Network,
    *,
    as_of: str | None = None,
    profile: str | None = None,
    max_access_m: float = 1000.0,
    progress: Callable[[str], None] | None = None,
) -> gpd.GeoDataFrame:
    """Draw one innovation zone a cluster by the region's rules.

    Parameters
    ----------
    region
        With its ``zones`` rules and the layers ``land`` and ``clusters``.
    network
        The roads.
    as_of
        Use the roads open on this date (ISO).
    profile
        Speed profile instead of the rules' own.
    max_access_m
        Land farther than this from a road where a trip may start is out of reach.
    progress
        Called with each cluster's id.

    Returns
    -------
    geopandas.GeoDataFrame
        The region's CRS; valid, disjoint MultiPolygons with `ZONE_COLUMNS`: ``area_km2`` on the
        ellipsoid; ``complexes``, ``universit``, ``centres``: places inside; ``hub_min`` and
        ``hub_worst``: median and longest minutes from its cells to the cluster's hub; ``rule``:
        why the boundary runs here. A cluster where no land fits has no row.

    Raises
    ------
    LayerError
        The land grid has no cell in a cluster, or no cluster has any land that fits.
    PointError
        An anchor's places cannot be tied to roads, or a hub is no facility.
    RegionError
        There is no profile of that name.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> zones = tb.draw_zones(region, tb.load_network(region))
    >>> zones["cluster"].tolist()
    ['east', 'centre', 'west']
    """
    import geopandas as gpd

    roads = network.to_crs(region.crs)
    roads = roads.as_of(as_of) if as_of else roads
    chosen = profile or region.zones.profile
    if chosen not in region.profiles:
        raise RegionError(f"no profile '{chosen}'; there are {', '.join(region.profiles)}.")
    model = model_of(roads, region.profiles[chosen])
    positions = road_positions(roads)
    clusters = cluster_areas(region).to_crs(region.crs)
    land = read_layer(region, "land").to_crs(region.crs)
    places = facilities(region).to_crs(region.crs)
    absent = [hub for hub in region.hubs if hub not in places.index]
    if absent:
        raise PointError(f"hub '{absent[0]}' of [clusters] is no facility. Name one by its id.")
    rows = []
    for cluster in region.clusters:
        if progress is not None:
            progress(cluster)
        ground = _ground(region, land, clusters.loc[cluster], cluster)
        surface = surface_of(
            roads, positions, ground.grid, max_access_m=max_access_m, cells=ground.usable
        ).compact()
        shape, hub = _zone(region, model, surface, ground, cluster)
        if not shape.is_empty:
            rows.append(_described(region, clusters.loc[cluster], shape, hub, places, chosen))
    if not rows:
        raise LayerError(
            f"no land of any cluster lies within {region.zones.minutes:g} minutes of all anchors. "
            "Raise [zones] minutes in region.toml."
        )
    zones = gpd.GeoDataFrame(rows, geometry="geometry", crs=region.crs)
    zones["area_km2"] = areas_km2(zones).round(3)
    return zones[[*ZONE_COLUMNS, "geometry"]]


def _ground(region: Region, land: gpd.GeoDataFrame, row: pd.Series[Any], cluster: str) -> _Ground:
    """Return the finest cells of a cluster as a grid, and which of them may be built on."""
    rules = region.zones
    cell_m = float(land["cell_m"].min())
    outline = shapely.buffer(row.geometry, -_MARGIN_M)
    shapely.prepare(outline)
    x, y = land.geometry.x.to_numpy(), land.geometry.y.to_numpy()
    mine = (land["cell_m"].to_numpy() == cell_m) & shapely.contains_xy(outline, x, y)
    if not mine.any():
        raise LayerError(
            f"layer 'land' has no {cell_m:g} m cell in cluster '{cluster}'. Extend it, or correct "
            "its coordinates."
        )
    x, y = x[mine], y[mine]
    left, top = x.min() - cell_m / 2, y.max() + cell_m / 2
    column = np.rint((x - left) / cell_m - 0.5).astype(int)
    line = np.rint((top - y) / cell_m - 0.5).astype(int)
    grid = Grid(left, top, cell_m, int(line.max()) + 1, int(column.max()) + 1)
    cells = land[mine]
    steep_wood = (cells["wood"] > rules.wood_max) & (cells["relief_m"] > rules.relief_max_m)
    dry = cells["water"] <= rules.water_max
    usable = np.zeros(grid.shape, dtype=bool)
    usable[line, column] = (dry & ~steep_wood).to_numpy()
    return _Ground(grid, usable, outline)


def _zone(
    region: Region,
    model: Model,
    surface: Surface,
    ground: _Ground,
    cluster: str,
) -> tuple[Any, Floats]:
    """Return the zone's shape, and minutes to the hub of the cells in it."""
    within = ground.usable.copy()
    for selection in region.zones.anchors.values():
        anchors = located(select(region, selection, needs=["cluster"]))
        anchors = anchors[anchors["cluster"] == cluster]
        if anchors.empty:
            return shapely.MultiPolygon(), np.array([])
        limit = region.zones.minutes
        within &= _minutes_to(model, surface, anchors, max_minutes=limit) <= limit
    within = _cleaned(within, ground.grid, region)
    hub = facilities(region).loc[[region.clusters[cluster].hub]]
    to_hub = _minutes_to(model, surface, hub)[within]
    return _outlined(within, ground, region.zones), to_hub[np.isfinite(to_hub)]


def _minutes_to(
    model: Model, surface: Surface, places: gpd.GeoDataFrame, max_minutes: float | None = None
) -> Floats:
    """Return minutes from each cell to the nearest of some places."""
    ties = tie_points(model.network, places, what="anchors")
    seconds = position_seconds(model, ties, surface.positions, toward=True, max_minutes=max_minutes)
    return surface.minutes(model, seconds.min(axis=0))


def _cleaned(within: Mask, grid: Grid, region: Region) -> Mask:
    """Fill small holes, then drop small parts."""
    cell_km2 = grid.cell_m**2 / _M2_PER_KM2
    filled = ~_without_small(~within, region.zones.hole_min_km2 / cell_km2)
    return _without_small(filled, region.zones.part_min_km2 / cell_km2)


def _without_small(mask: Mask, smallest: float) -> Mask:
    """Leave out parts of fewer cells; cells that meet at a corner only are two parts."""
    part, count = ndimage.label(mask)
    size = np.bincount(part.ravel(), minlength=count + 1)
    large = size >= smallest
    large[0] = False
    return np.asarray(large[part])


def _outlined(within: Mask, ground: _Ground, rules: ZoneRules) -> Any:
    """Return the outline of the cells, their steps smoothed, inside the cluster.

    Smoothing makes narrow parts and holes smaller: the rules are kept to once more.
    """
    from rasterio.features import shapes

    squares = shapes(
        within.astype(np.uint8), mask=within, connectivity=4, transform=ground.grid.transform
    )
    parts = [shapely.geometry.shape(shape) for shape, _ in squares]
    smooth = shapely.simplify(np.array(parts), ground.grid.cell_m * _SMOOTHING)
    whole = _filled(shapely.union_all(shapely.make_valid(smooth)), rules.hole_min_km2)
    joined = shapely.intersection(whole, ground.outline)
    pieces: Any = shapely.get_parts(shapely.set_precision(joined, 1.0))
    smallest_m2 = rules.part_min_km2 * _M2_PER_KM2
    return shapely.MultiPolygon(
        [piece for piece in pieces if piece.geom_type == "Polygon" and piece.area >= smallest_m2]
    )


def _filled(shape: Any, smallest_km2: float) -> Any:
    """Fill the holes that are smaller."""
    filled = []
    for part in shapely.get_parts(shape):
        areas = [shapely.Polygon(ring).area / _M2_PER_KM2 for ring in part.interiors]
        rings = zip(part.interiors, areas, strict=True)
        holes = [ring for ring, area in rings if area >= smallest_km2]
        filled.append(shapely.Polygon(part.exterior, holes))
    return shapely.union_all(filled)


def _described(
    region: Region,
    cluster: pd.Series[Any],
    shape: Any,
    hub: Floats,
    places: gpd.GeoDataFrame,
    profile: str,
) -> dict[str, Any]:
    rules = region.zones
    inside = places[places.within(shape)]
    counts = {layer: int((inside["layer"] == layer).sum()) for layer in FACILITIES}
    anchors = ", ".join(name.replace("_", " ") for name in rules.anchors)
    return {
        "zone_id": f"zone-{cluster['id']}",
        "cluster": cluster["id"],
        "name": f"{cluster['name']} innovation zone",
        "special": cluster.get("special"),
        "complexes": counts["complexes"],
        "universit": counts["universities"],
        "centres": counts["centres"],
        "hub_min": round(float(np.median(hub)), 1) if len(hub) else None,
        "hub_worst": round(float(hub.max()), 1) if len(hub) else None,
        "profile": profile,
        "rule": f"within {rules.minutes:g} min of one {anchors} each; water <= "
        f"{rules.water_max:.0%}; no wood > {rules.wood_max:.0%} on relief > "
        f"{rules.relief_max_m:g} m; holes < {rules.hole_min_km2:g} km2 "
        f"filled; parts >= {rules.part_min_km2:g} km2",
        "geometry": shape,
    }
