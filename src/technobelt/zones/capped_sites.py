"""Sites grown from the best land, under caps: a zone for each cluster, or one for the region."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from technobelt.zones.allocation import Allocation, Site, without_small
from technobelt.zones.cores import choose_core
from technobelt.zones.growing import Growth, best_site, grow
from technobelt.zones.snapping import no_unit, site_of_units
from technobelt.zones.unmet import no_core, no_land, no_room, pieces_too_small, too_far_for_one

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.region import Region
    from technobelt.zone_rules import Pack
    from technobelt.zones.cores import Core
    from technobelt.zones.evidence import Evidence
    from technobelt.zones.ground import Ground
    from technobelt.zones.snapping import Units

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["Task", "one_a_cluster", "one_for_all"]

#: Sites keep this many cells apart, so that smoothing cannot make two overlap.
_GAP_CELLS = 2
#: Caps are lowered by this at least, where all zones together are too large.
_LESS = 0.99


@dataclass(frozen=True, eq=False)
class Task:
    """One zone to be drawn: where it may lie, and how far it may grow."""

    region: Region
    ground: Ground
    pack: Pack
    evidence: Evidence
    score: Floats
    free: Mask
    complexes: Ints
    snap: Units | None = None
    core: Core | None = None

    def cells(self, area_km2: float) -> int:
        """Return how many cells an area holds."""
        return int(area_km2 / self.ground.cell_km2 + 1e-9)

    def growth(self, cells_max: int) -> Growth:
        """Return how a site of at most so many cells grows."""
        span = self.pack.span_km
        reach = np.inf if span is None else (span * 1000 / 2) / self.ground.grid.cell_m - 1.5
        return Growth(cells_max, self.region.zones.compactness, self.pack.contiguous, reach)


def one_a_cluster(whole: Task, candidates: list[Core]) -> Allocation:
    """Give every cluster its zone; if all are more than the total, their caps are lowered alike.

    Parameters
    ----------
    whole
        The land of all clusters.
    candidates
        Institutions that may be cores.
    """
    share, limit = 1.0, whole.pack.total_max_km2 or np.inf
    found = _each_cluster(whole, candidates, share)
    while (total := _total_km2(whole, found)) > limit:
        share *= min(limit / total, _LESS)
        found = _each_cluster(whole, candidates, share)
    if share < 1:
        found.notes.append(
            f"The total of {limit:g} km2 is shared out: every zone may take {share:.0%} of its "
            f"{_cap_km2(whole.pack):g} km2."
        )
    return found


def _total_km2(whole: Task, found: Allocation) -> float:
    """Return the area of all sites: of whole units, or of their cells."""
    if whole.snap is not None:
        return sum(float(whole.snap.areas_km2[list(site.units)].sum()) for site in found.sites)
    return sum(len(site.cells) for site in found.sites) * whole.ground.cell_km2


def _each_cluster(whole: Task, candidates: list[Core], share: float) -> Allocation:
    found = Allocation([])
    for number, cluster in enumerate(whole.ground.clusters):
        mine = whole.free & (whole.ground.number == number)
        own = [core for core in candidates if core.cluster == cluster]
        part = _zone(_only(whole, mine), own, cluster, share)
        found.sites.extend(part.sites)
        found.unmet.extend(part.unmet)
    return found


def _only(task: Task, free: Mask, core: Core | None = None) -> Task:
    return replace(task, free=free, core=core)


def _zone(task: Task, candidates: list[Core], cluster: str, share: float) -> Allocation:
    """Grow the sites of one zone."""
    pack = task.pack
    if not task.free.any():
        unmet = no_land(task.region, task.ground, pack, task.evidence, cluster, task.score)
        return Allocation([], [unmet])
    if pack.core:
        least, free = _least(task), task.free
        large = without_small(free, least)
        core = choose_core(
            task.ground, pack, candidates, task.score, large, task.growth(_cap(task, share))
        )
        if core is None:
            return Allocation([], [no_core(task.ground, candidates, cluster, large)])
        task = _only(task, free & core.within(task.ground, pack.radius_km), core)
    return _sites(task, cluster, share)


def _sites(task: Task, cluster: str, share: float = 1.0) -> Allocation:
    """Grow the sites of a zone cell by cell, or put them together of units."""
    if task.snap is None:
        return _grown_sites(task, cluster, _cap(task, share), shared=share < 1)
    return _sites_of_units(task, task.snap, cluster, _cap_km2(task.pack) * share)


def _cap(task: Task, share: float = 1.0) -> int:
    """Return the most cells of a zone."""
    area = _cap_km2(task.pack) * share
    return int(task.free.sum()) if np.isinf(area) else task.cells(area)


def _least(task: Task) -> int:
    """Return the fewest cells of a site."""
    return max(1, int(np.ceil(task.pack.site_min_km2 / task.ground.cell_km2 - 1e-9)))


def _cap_km2(pack: Pack) -> float:
    """Return the most area of a zone, km²."""
    sites = np.inf if pack.sites_max is None else pack.sites_max
    by_sites = np.inf if pack.site_max_km2 is None else pack.site_max_km2 * sites
    return float(min(by_sites, pack.zone_max_km2 or np.inf, pack.total_max_km2 or np.inf))


def _grown_sites(task: Task, cluster: str, room: int, *, shared: bool) -> Allocation:
    pack, free, least = task.pack, task.free.copy(), _least(task)
    most = room if pack.site_max_km2 is None else min(room, task.cells(pack.site_max_km2))
    if most < least:
        return Allocation([], [no_room(task.ground, pack, cluster, most, shared=shared)])
    sites: list[Site] = []
    while room >= least and (pack.sites_max is None or len(sites) < pack.sites_max):
        cells = _next_site(task, without_small(free, least), min(most, room), first=not sites)
        if len(cells) < least:
            break
        sites.append(_as_site(task, cells))
        room -= len(cells)
        free = _kept_apart(task, free, cells)
    unmet = [] if sites else [pieces_too_small(task.ground, pack, cluster, task.free)]
    return Allocation(sites, unmet)


def _sites_of_units(task: Task, units: Units, cluster: str, room_km2: float) -> Allocation:
    pack, taken = task.pack, list[int]()
    sites: list[Site] = []
    problem = None
    while pack.sites_max is None or len(sites) < pack.sites_max:
        core = task.core if pack.sites_max == 1 else None  # else it is the middle of the circle
        limit = min(pack.largest_site_km2, room_km2)
        found = site_of_units(
            units, task.score, task.free, limit_km2=limit, core=core, pack=pack, taken=taken
        )
        area = float(units.areas_km2[found].sum())
        if not found or area < pack.site_min_km2:
            problem = no_unit(units, task.free, cluster, limit, core)
            break
        cells = units.cells_in(found)
        sites.append(replace(_as_site(task, cells), units=tuple(found)))
        taken += found
        room_km2 -= area
    return Allocation(sites, [problem] if problem and not sites else [])


def _as_site(task: Task, cells: Ints) -> Site:
    number = int(task.ground.number.ravel()[cells[0]])
    return Site(task.ground.clusters[number], cells, task.core)


def _next_site(task: Task, free: Mask, most: int, *, first: bool) -> Ints:
    """Grow one site inside the smallest box that holds the free land."""
    if not free.any():
        return np.zeros(0, dtype=np.int64)
    box = _box(free)
    score, inside, units = task.score[box], free[box], task.complexes[box]
    how = task.growth(most)
    if first and task.core is not None:
        seed = task.core.seed(task.ground, free)
        row, column = divmod(seed, free.shape[1])
        near = (row - box[0].start) * inside.shape[1] + column - box[1].start
        cells = grow(score, inside, units, near, how)
    else:
        cells = best_site(score, inside, units, how)
    row, column = np.divmod(cells, inside.shape[1])
    return np.asarray((row + box[0].start) * free.shape[1] + column + box[1].start)


def _box(mask: Mask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _kept_apart(task: Task, free: Mask, cells: Ints) -> Mask:
    """Leave land that is free for further sites: apart from this one, and within the span."""
    taken = np.zeros(free.size, dtype=bool)
    taken[cells] = True
    block = taken.reshape(free.shape)
    box = _box(block)
    around = tuple(slice(max(0, part.start - _GAP_CELLS), part.stop + _GAP_CELLS) for part in box)
    free = free.copy()
    near = ndimage.binary_dilation(block[around], iterations=_GAP_CELLS)
    free[around] &= ~near
    if task.pack.span_km is not None:
        free &= _within_span(task.ground, cells, task.pack.span_km * 1000)
    return free


def _within_span(ground: Ground, cells: Ints, span_m: float) -> Mask:
    """Return the cells that lie within a distance of all of a site's, corners included."""
    import shapely

    xy = ground.grid.centres[cells]
    hull = shapely.get_coordinates(shapely.convex_hull(shapely.multipoints(xy)))
    limit = span_m - 3 * ground.grid.cell_m  # half diagonals and smoothing at both ends
    dx, dy = ground.grid.x[None, :], ground.grid.y[:, None]
    out = np.ones(ground.grid.shape, dtype=bool)
    for x, y in hull:
        out &= (dx - x) ** 2 + (dy - y) ** 2 <= limit**2
    return out


# --- one zone for the whole region ---------------------------------------------------------------


def one_for_all(whole: Task, candidates: list[Core]) -> Allocation:
    """Give the whole region one zone, within the radius of one core.

    Parameters
    ----------
    whole
        The land of all clusters.
    candidates
        Institutions that may be its core.
    """
    if not whole.free.any():
        args = whole.region, whole.ground, whole.pack, whole.evidence
        return Allocation([], [no_land(*args, one, whole.score) for one in whole.ground.clusters])
    large = without_small(whole.free, _least(whole))
    core = choose_core(
        whole.ground, whole.pack, candidates, whole.score, large, whole.growth(_cap(whole))
    )
    if core is None:
        return Allocation([], [no_core(whole.ground, candidates, "all", large)])
    within = whole.free & core.within(whole.ground, whole.pack.radius_km)
    found = _sites(_only(whole, within, core), core.cluster)
    for cluster in whole.ground.clusters:
        if found.sites and all(site.cluster != cluster for site in found.sites):
            found.unmet.append(too_far_for_one(whole.ground, whole.pack, core, cluster, whole.free))
    return found
