"""Rule packs: those that are shipped, and those of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from technobelt.errors import RegionError
from technobelt.zone_rules import Pack, shipped_packs

if TYPE_CHECKING:
    from technobelt.region import Region

__all__ = ["pack_of", "packs_of", "shipped_packs"]


def packs_of(region: Region) -> dict[str, Pack]:
    """Return all packs that a region may name: its own come before shipped ones of the same name.

    Examples
    --------
    >>> import technobelt as tb
    >>> "uk-tax-sites" in packs_of(tb.load_region())
    True
    """
    return {**shipped_packs(), **region.zones.packs}


def pack_of(region: Region, name: str | None = None) -> tuple[str, Pack]:
    """Return a pack and its name; by default the one that the region's rules name.

    Raises
    ------
    RegionError
        There is no pack of that name.
    """
    asked = name or region.zones.pack
    known = packs_of(region)
    if asked not in known:
        raise RegionError(
            f"no rule pack '{asked}'; there are {', '.join(known)}. Name one of them, or add "
            f"[zones.packs.{asked}] to region.toml."
        )
    return asked, known[asked]
