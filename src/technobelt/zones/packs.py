"""Rule packs: those that are shipped, and those of a region."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from technobelt.errors import RegionError
from technobelt.zone_rules import Pack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from technobelt.region import Region

__all__ = ["check_packs", "pack_of", "packs_of", "shipped_packs"]


@cache
def shipped_packs() -> Mapping[str, Pack]:
    """Return the packs that come with technobelt, by name.

    Examples
    --------
    >>> list(shipped_packs())
    ['functional', 'kr-small-rnd-zone', 'kr-national-innovation-cluster', 'uk-tax-sites']
    >>> shipped_packs()["kr-small-rnd-zone"].zone_max_km2
    2.0
    """
    text = (Path(__file__).parent / "packs.toml").read_text(encoding="utf-8")
    return {name: Pack.model_validate(said) for name, said in tomllib.loads(text).items()}


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


def check_packs(region: Region, name: str | None = None) -> None:
    """Refuse a pack that there is not: the one asked for, or one that a designation names.

    Raises
    ------
    RegionError
        With the pack, and where it is named.
    """
    pack_of(region, name)
    known = packs_of(region)
    for real in region.zones.designated:
        if real.pack not in known:
            raise RegionError(
                f"[[zones.designated]] '{real.name}' names the rule pack '{real.pack}'; there are "
                f"{', '.join(known)}. Correct it in region.toml."
            )
