"""From scores to cells: which land each zone takes under a rule pack, and what cannot be met."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from technobelt.errors import RegionError
from technobelt.zones.allocation import Allocation, Site, without_small
from technobelt.zones.capped_sites import Task, one_a_cluster, one_for_all
from technobelt.zones.snapping import no_unit, units_within
from technobelt.zones.unmet import no_land

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.region import Region
    from technobelt.zone_rules import Pack, ZoneRules
    from technobelt.zones.cores import Core
    from technobelt.zones.evidence import Evidence
    from technobelt.zones.ground import Ground
    from technobelt.zones.snapping import Units

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["allocate", "cleaned"]


def allocate(
    region: Region,
    ground: Ground,
    pack: Pack,
    evidence: Evidence,
    score: Floats,
    *,
    complexes: Ints,
    candidates: list[Core],
    snap: Units | None = None,
) -> Allocation:
    """Decide which cells the zones take under a rule pack.

    Parameters
    ----------
    region, ground, pack
        The rules and the land.
    evidence
        With minutes to anchors.
    score
        float64 (rows, columns): suitability, NaN where unknown.
    complexes
        int64 (rows, columns): the complex that each cell is of, -1 for none.
    candidates
        Institutions that may be cores.
    snap
        Units whose borders are followed.

    Raises
    ------
    RegionError
        The pack needs scores, or cores, and the region has none.
    """
    _need_what_it_takes(region, pack, candidates)
    eligible = _eligible(region, ground, pack, evidence, score)
    if not pack.capped:
        found = _all_of_it(region, ground, pack, evidence, score, eligible, snap)
    else:
        whole = Task(region, ground, pack, evidence, score, eligible, complexes, snap)
        draw = one_for_all if pack.per == "region" else one_a_cluster
        found = draw(whole, candidates)
    return replace(found, eligible=eligible)


def _need_what_it_takes(region: Region, pack: Pack, candidates: list[Core]) -> None:
    if pack.capped and not region.zones.factors:
        raise RegionError(
            f"rule pack '{pack.title}' takes the most suitable land, but [zones] has no factors to "
            "tell it by. Add [zones.factors.NAME], or take the pack 'functional'."
        )
    if pack.core and not candidates:
        raise RegionError(
            f"rule pack '{pack.title}' needs core institutions, but no located place fits "
            "[zones.core]. Add that selection to region.toml, or name some in [zones.cores]."
        )


def _eligible(
    region: Region, ground: Ground, pack: Pack, evidence: Evidence, score: Floats
) -> Mask:
    out = ground.usable
    if region.zones.factors:
        least = region.zones.score_min if pack.score_min is None else pack.score_min
        if least or pack.capped:  # minutes alone may decide where no score is asked for
            out = out & (score >= least)
    if pack.anchors:
        for minutes in evidence.anchors.values():
            out = out & (minutes <= region.zones.minutes)
    return out


# --- without a cap: all land that fits -----------------------------------------------------------


def _all_of_it(
    region: Region,
    ground: Ground,
    pack: Pack,
    evidence: Evidence,
    score: Floats,
    eligible: Mask,
    snap: Units | None,
) -> Allocation:
    sites, unmet = [], []
    for number, cluster in enumerate(ground.clusters):
        within = eligible & (ground.number == number)
        kept = cleaned(within, ground.cell_km2, region.zones, ground.unfillable) & (
            ground.number == number
        )
        if pack.contiguous:
            kept = _largest_part(kept)
        whole = units_within(snap, kept, contiguous=pack.contiguous) if snap is not None else []
        if not kept.any():
            unmet.append(no_land(region, ground, pack, evidence, cluster, score))
        elif snap is None:
            sites.append(Site(cluster, np.flatnonzero(kept)))
        elif whole:
            sites.append(Site(cluster, snap.cells_in(whole), units=tuple(whole)))
        else:
            unmet.append(no_unit(snap, kept, cluster, np.inf))
    return Allocation(sites, unmet)


def cleaned(
    within: Mask, cell_km2: float, rules: ZoneRules, unfillable: Mask | None = None
) -> Mask:
    """Fill small holes, but none that holds land which may not be filled, then drop small parts."""
    gaps = ~within
    small = gaps & ~without_small(gaps, rules.hole_min_km2 / cell_km2)
    if unfillable is not None:
        part, count = ndimage.label(small)
        holds = np.zeros(count + 1, dtype=bool)
        holds[part[unfillable & small]] = True
        small &= ~holds[part]
    return without_small(within | small, rules.part_min_km2 / cell_km2)


def _largest_part(mask: Mask) -> Mask:
    part, count = ndimage.label(mask)
    if not count:
        return mask
    return np.asarray(part == np.bincount(part.ravel())[1:].argmax() + 1)
