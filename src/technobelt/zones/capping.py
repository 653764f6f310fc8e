"""Sites outlined, each under its own cap and that of its zone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import shapely

from technobelt.zones.description import Zone
from technobelt.zones.outlines import area_km2, capped_outline, outline
from technobelt.zones.unmet import Unmet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from technobelt.zone_rules import Pack
    from technobelt.zones.allocation import Allocation, Site
    from technobelt.zones.delineation import Drafting

    Mask = NDArray[np.bool_]

__all__ = ["outlined"]


def outlined(drafting: Drafting, allocation: Allocation) -> tuple[list[Zone], list[Unmet]]:
    """Outline all sites, each under its own cap and that of its zone."""
    pack, crs = drafting.pack, drafting.asked.region.crs
    zones, unmet = [], list(allocation.unmet)
    used: dict[str, float] = {}
    for site in allocation.sites:
        key = site.cluster if pack.per == "cluster" else "all"
        limit = _limit(pack, used.get(key, 0.0), sum(used.values()))
        zone, problems = _zone(drafting, site, limit)
        unmet += problems
        if zone is not None:
            used[key] = used.get(key, 0.0) + area_km2(zone.shape, crs)
            zones.append(_with_own_cells(drafting, zone, allocation.eligible))
    return zones, unmet


def _with_own_cells(drafting: Drafting, zone: Zone, eligible: Mask) -> Zone:
    """Leave those of a zone's cells that lie in its outline and may be taken: no filled hole.

    Of whole units that is all land that no constraint bars.
    """
    ground = drafting.asked.ground
    inside = shapely.contains_xy(zone.shape, ground.grid.centres[zone.cells])
    may = eligible if drafting.snap is None else ground.usable
    return replace(zone, cells=zone.cells[inside & may.ravel()[zone.cells]])


def _limit(pack: Pack, of_zone: float, of_all: float) -> float:
    """Return how much area a site may still have, km²."""
    limits = [pack.largest_site_km2]
    if pack.zone_max_km2 is not None:
        limits.append(pack.zone_max_km2 - of_zone)
    if pack.total_max_km2 is not None:
        limits.append(pack.total_max_km2 - of_all)
    return min(limits)


def _zone(drafting: Drafting, site: Site, limit: float) -> tuple[Zone | None, list[Unmet]]:
    asked, pack, crs = drafting.asked, drafting.pack, drafting.asked.region.crs
    if drafting.snap is not None:
        names = [drafting.snap.names[number] for number in site.units]
        return Zone(site, drafting.snap.joined(site.units), site.cells, names), []
    whole = pack.capped and pack.contiguous
    draw = partial(outline, asked.region, asked.ground, site, whole=whole)
    shape, cells = capped_outline(draw, site.cells, limit, crs)
    if shape.is_empty or area_km2(shape, crs) < pack.site_min_km2:
        shape, cells = capped_outline(partial(draw, smooth=False), site.cells, limit, crs)
    area = area_km2(shape, crs)
    if shape.is_empty or area < pack.site_min_km2:
        return None, [_too_small(drafting, site, area)]
    return Zone(site, shape, cells, []), []


def _too_small(drafting: Drafting, site: Site, area: float) -> Unmet:
    pack, rules = drafting.pack, drafting.asked.region.zones
    rule = "site_min_km2" if pack.capped else "part_min_km2"
    least = pack.site_min_km2 if pack.capped else rules.part_min_km2
    return Unmet(
        rule,
        site.cluster,
        f"{least:g} km2 in one piece",
        f"{area:.3f} km2 once it is outlined inside the cluster",
        f"the site as it was grown, {least - area:.3f} km2 too small",
    )
