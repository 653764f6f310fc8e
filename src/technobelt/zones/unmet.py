"""Rules that cannot be met: which, where, by how much, and what comes closest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from technobelt.counting import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.region import Region
    from technobelt.zone_rules import Pack
    from technobelt.zones.cores import Core
    from technobelt.zones.evidence import Evidence
    from technobelt.zones.ground import Ground

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = [
    "BESIDE_M",
    "Unmet",
    "no_core",
    "no_land",
    "no_room",
    "pieces_too_small",
    "too_far_for_one",
]

#: Land this near to an institution counts as beside it, m.
BESIDE_M = 1000.0


@dataclass(frozen=True)
class Unmet:
    """One rule that a cluster's land cannot meet.

    Attributes
    ----------
    rule
        Its name in the pack or in ``[zones]``.
    cluster
        Where, or ``all``.
    needed, found
        What the rule asks for, and what there is, with units.
    closest
        What comes closest to it.
    """

    rule: str
    cluster: str
    needed: str
    found: str
    closest: str

    def to_dict(self) -> dict[str, str]:
        """Return it as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        """Say it in a sentence or two."""
        return (
            f"{self.cluster}: rule {self.rule} is not met: needed {self.needed}, found "
            f"{self.found}. Closest: {self.closest}."
        )


def no_land(
    region: Region,
    ground: Ground,
    pack: Pack,
    evidence: Evidence,
    cluster: str,
    score: Floats,
) -> Unmet:
    """Say which rule leaves a cluster without land: a constraint, the minutes, or the score."""
    usable = ground.of_cluster(cluster)
    if not usable.any():
        return Unmet(
            "constraints",
            cluster,
            "land that no constraint takes out",
            "0 km2",
            "none: " + _shares(ground, cluster),
        )
    least = region.zones.score_min if pack.score_min is None else pack.score_min
    if pack.anchors and (not region.zones.factors or (score[usable] >= least).any()):
        return _too_far(region, ground, evidence, cluster, usable)
    best = f"{np.nanmax(score[usable]):.3f}"
    return Unmet(
        "score_min", cluster, f"land of score {least:g}", f"at best {best}", f"score_min = {best}"
    )


def _shares(ground: Ground, cluster: str) -> str:
    mine = ground.known & (ground.number == ground.clusters.index(cluster))
    shares = {
        name: (mask & mine).sum() / max(mine.sum(), 1) for name, mask in ground.barred.items()
    }
    return ", ".join(f"{name} takes {share:.0%}" for name, share in shares.items() if share)


def _too_far(
    region: Region, ground: Ground, evidence: Evidence, cluster: str, usable: Mask
) -> Unmet:
    """Say how far the nearest land is, or how large the largest piece of what is near enough."""
    rules = region.zones
    longest = np.where(usable, np.max(list(evidence.anchors.values()), axis=0), np.inf)
    near = longest <= rules.minutes
    anchors = ", ".join(name.replace("_", " ") for name in rules.anchors)
    within = f"within {rules.minutes:g} min of one {anchors} each"
    if near.any():
        largest = _largest_km2(ground, near)
        needed = f"{rules.part_min_km2:g} km2 in one piece {within}"
        closest = f"the largest piece, {rules.part_min_km2 - largest:.2f} km2 too small"
        return Unmet("part_min_km2", cluster, needed, f"{largest:.2f} km2", closest)
    closest = f"the nearest land is {longest.min():.1f} min from all of them"
    if np.isinf(longest.min()):
        closest = f"{_out_of_reach(evidence, usable)} by road"
    return Unmet("minutes", cluster, f"land {within}", "none", closest)


def _out_of_reach(evidence: Evidence, usable: Mask) -> str:
    for name, minutes in evidence.anchors.items():
        if np.isinf(minutes[usable].min()):
            return f"the cluster has no {name.replace('_', ' ')} that can be reached"
    return "no land of the cluster can reach all of them"


def _largest_km2(ground: Ground, mask: Mask) -> float:
    """Return the area of the largest piece."""
    part, _ = ndimage.label(mask)
    return float(np.bincount(part.ravel())[1:].max(initial=0)) * ground.cell_km2


def no_core(ground: Ground, candidates: list[Core], cluster: str, free: Mask) -> Unmet:
    """Say which institution comes nearest to land that may be taken."""
    needed = f"an institution of [zones.core] within {BESIDE_M:g} m of land that may be taken"
    if not candidates:
        return Unmet("core", cluster, needed, "none", "none is located in the cluster")
    metres = [np.where(free, core.distance_m(ground), np.inf).min() for core in candidates]
    nearest = int(np.argmin(metres))
    far = f"{candidates[nearest].name}, {metres[nearest]:.0f} m from such land"
    if np.isinf(metres[nearest]):
        far = f"no piece of such land is large enough; {candidates[nearest].name} is one of them"
    return Unmet("core", cluster, needed, "none", far)


def no_room(ground: Ground, pack: Pack, cluster: str, most: int, *, shared: bool) -> Unmet:
    """Say that a cap leaves no room for the smallest site, or for a single cell."""
    allowed, cell = most * ground.cell_km2, ground.cell_km2
    needed = f"a site of at least {max(pack.site_min_km2, cell):g} km2"
    if shared:
        rule, closest = "total_max_km2", "a larger total, or fewer clusters"
    elif pack.site_min_km2 > allowed:
        rule, closest = "site_min_km2", f"cells smaller than {ground.grid.cell_m:g} m"
    else:
        rule, closest = "site_max_km2", f"cells smaller than {ground.grid.cell_m:g} m"
    found = f"room for {counted(most, 'cell')} of {cell:g} km2, {allowed:g} km2"
    return Unmet(rule, cluster, needed, found, closest)


def pieces_too_small(ground: Ground, pack: Pack, cluster: str, free: Mask) -> Unmet:
    """Say how large the largest piece of land is where a site needs more."""
    largest = _largest_km2(ground, free)
    return Unmet(
        "site_min_km2",
        cluster,
        f"{pack.site_min_km2:g} km2 in one piece",
        f"{largest:.2f} km2",
        f"the largest piece of land that fits, {pack.site_min_km2 - largest:.2f} km2 too small",
    )


def too_far_for_one(ground: Ground, pack: Pack, core: Core, cluster: str, free: Mask) -> Unmet:
    """Say how far a cluster's nearest land lies from the core of the one zone."""
    mine = free & (ground.number == ground.clusters.index(cluster))
    if not mine.any():
        return Unmet(
            "per", cluster, "land for the one zone of the region", "none that fits", "none"
        )
    nearest = float(core.distance_m(ground)[mine].min()) / 1000
    if pack.radius_km is None or nearest <= pack.radius_km:
        closest = f"its nearest land, {nearest:.1f} km from the core, is less suitable than others'"
        return Unmet("zone_max_km2", cluster, "a share of the one zone", "none", closest)
    return Unmet(
        "radius_km",
        cluster,
        f"all sites of the one zone within {pack.radius_km:g} km of {core.name}",
        f"{nearest:.1f} km at the nearest",
        f"land {nearest - pack.radius_km:.1f} km beyond the radius",
    )
