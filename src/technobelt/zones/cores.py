"""Core institutions: which there are, and which of them a zone lies around."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from technobelt.errors import PointError
from technobelt.layers import facilities, located, not_located, select
from technobelt.zones.growing import grow
from technobelt.zones.unmet import BESIDE_M

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.region import Region
    from technobelt.zone_rules import Pack
    from technobelt.zones.ground import Ground
    from technobelt.zones.growing import Growth

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["Core", "candidate_cores", "choose_core"]


@dataclass(frozen=True)
class Core:
    """An institution that a zone may lie around: id, name, cluster, position (region's CRS).

    `named`: by ``[zones.cores]``, not chosen by a rule.
    """

    id: str
    name: str
    cluster: str
    x: float
    y: float
    named: bool = False

    def distance_m(self, ground: Ground) -> Floats:
        """Return the straight line to each cell's centre, float64 (rows, columns), m."""
        grid = ground.grid
        return np.hypot(grid.x[None, :] - self.x, grid.y[:, None] - self.y)

    def within(self, ground: Ground, radius_km: float | None) -> Mask:
        """Return the cells that lie within a radius as a whole; all where there is none."""
        if radius_km is None:
            return np.ones(ground.grid.shape, dtype=bool)
        half = ground.grid.cell_m * 0.7072
        return self.distance_m(ground) <= radius_km * 1000 - half

    def seed(self, ground: Ground, free: Mask) -> int:
        """Return the number of the free cell that is nearest."""
        return int(np.argmin(np.where(free, self.distance_m(ground), np.inf)))


def candidate_cores(region: Region, ground: Ground) -> list[Core]:
    """Return the institutions that may be cores, in the order of the clusters and of their ids.

    Where ``[zones.cores]`` names one for a cluster, it is the only one there.

    Raises
    ------
    PointError
        A named core is no facility, not located, or outside its cluster.
    """
    mine = [cluster for cluster in region.zones.cores if cluster in ground.clusters]
    named = {cluster: _named(region, ground, cluster) for cluster in mine}
    found = [core for core in _selected(region, ground) if core.cluster not in named]
    both = [*found, *named.values()]
    return sorted(both, key=lambda core: (ground.clusters.index(core.cluster), core.id))


def _selected(region: Region, ground: Ground) -> list[Core]:
    if region.zones.core is None:
        return []
    places = located(select(region, region.zones.core, needs=["cluster", "name"]))
    return [core for core in _cores(places.to_crs(region.crs)) if _inside(ground, core)]


def _cores(places: gpd.GeoDataFrame) -> list[Core]:
    xy = shapely.get_coordinates(places.geometry.to_numpy())
    return [
        Core(str(key), str(name), str(cluster), float(x), float(y))
        for key, name, cluster, (x, y) in zip(
            places.index, places["name"], places["cluster"], xy, strict=True
        )
    ]


def _inside(ground: Ground, core: Core) -> bool:
    if core.cluster not in ground.clusters:
        return False
    outline = ground.outlines[ground.clusters.index(core.cluster)]
    return bool(shapely.contains_xy(outline, core.x, core.y))


def _named(region: Region, ground: Ground, cluster: str) -> Core:
    key = region.zones.cores[cluster]
    where = f"core '{key}' of [zones.cores] {cluster}"
    places = facilities(region).to_crs(region.crs)
    if key in not_located(region).index:
        raise PointError(f"{where} is not located: no source gives its position. Name another.")
    if key not in places.index:
        raise PointError(
            f"{where} is no facility. Name one by its id; 'technobelt layers places' lists them."
        )
    core = replace(_cores(places.loc[[key]].assign(cluster=cluster))[0], named=True)
    if not _inside(ground, core):
        outline = ground.outlines[ground.clusters.index(cluster)]
        off_km = shapely.distance(outline, shapely.Point(core.x, core.y)) / 1000
        raise PointError(
            f"{where} lies {off_km:.1f} km outside its cluster. Name a place in the cluster."
        )
    return core


def choose_core(
    ground: Ground,
    pack: Pack,
    candidates: list[Core],
    score: Floats,
    free: Mask,
    how: Growth,
) -> Core | None:
    """Choose the institution around which the zone would be most suitable.

    Of each, the sum of scores is taken of the zone that would grow around it: of the best cells
    within the pack's radius where the zone is of several sites, else of one site. The first of
    equals is chosen. Nothing else is looked at.

    Returns
    -------
    Core or None
        None if no candidate has free land beside it.
    """
    best, best_sum = None, -1.0
    for core in candidates:
        near = core.distance_m(ground)
        mine = free & core.within(ground, pack.radius_km)
        if not (mine & (near <= BESIDE_M)).any():
            continue
        total = _sum_around(ground, pack, core, score, mine, how)
        if total > best_sum:
            best, best_sum = core, total
    return best


def _sum_around(
    ground: Ground, pack: Pack, core: Core, score: Floats, mine: Mask, how: Growth
) -> float:
    if pack.sites_max != 1:
        scores = score[mine]
        return float(np.sort(scores)[-how.cells_max :].sum())
    no_units = np.full(mine.shape, -1, dtype=np.int64)
    cells = grow(score, mine, no_units, core.seed(ground, mine), how)
    return float(score.ravel()[cells].sum())
