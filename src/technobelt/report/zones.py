"""Zones -> rows of words: by which rules, where, how firm, beside what was designated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.report.wording import NBSP, NOTHING, cluster_name, number, percent, units, words
from technobelt.zones import compare_designated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from technobelt.claim_kinds import Selection
    from technobelt.region import Region
    from technobelt.zone_rules import Constraint, Factor, GeoFile, Pack, Transfer, ZoneRules
    from technobelt.zones import Delineation, Robustness

    Row = dict[str, Any]

__all__ = ["transfer_words", "zone_section"]

#: Columns that count places inside, and inside or within ten minutes.
_COUNTED = {
    "complexes": "complex_10",
    "universit": "univ_10",
    "centres": "centre_10",
    "interch": "interch_10",
}
#: Rules of a pack that are lengths or areas: what they are called, and their unit.
_LIMITS = {
    "radius_km": ("All land within so far of the core", "km"),
    "span_km": ("No two points of a zone farther apart than", "km"),
    "sites_max": ("Sites in a zone, at most", ""),
    "site_min_km2": ("Area of a site, at least", "km²"),
    "site_max_km2": ("Area of a site, at most", "km²"),
    "zone_max_km2": ("Area of a zone, at most", "km²"),
    "total_max_km2": ("Area of all zones, at most", "km²"),
}
#: Units of what factors measure on land.
_LAND_UNITS = {"relief_m": "m"}
_QUARTILES = ("suit_q1", "suit_q2", "suit_q3")


def zone_section(region: Region, drawn: Delineation, firm: Robustness | None) -> Row:
    """Return all that the report says of zones.

    Parameters
    ----------
    region
        For names and the rules of ``[zones]``.
    drawn
        From `technobelt.delineate_zones`.
    firm
        From `technobelt.zones.robustness`; None where nobody has asked.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> drawn = tb.delineate_zones(region, tb.load_network(region), pack="kr-small-rnd-zone")
    >>> [row["cap"] for row in zone_section(region, drawn, None)["rows"]]
    ['2', '2', '2']
    """
    rules = region.zones
    zones = drawn.zones.drop(columns="geometry").to_dict("records")
    return {
        "pack": _pack(drawn, rules),
        "cleaned": _cleaned(rules, drawn.pack),
        "profile": words(drawn.profile),
        "count": _count(drawn),
        "rows": [_zone(region, drawn.pack, zone) for zone in zones],
        "sums": _sums(region, drawn),
        "unmet": [_unmet(region, drawn, one.to_dict()) for one in drawn.unmet],
        "notes": [units(note) for note in drawn.notes],
        "factors": [
            _factor(factor, name, drawn.suitability.weights) for name, factor in _used(drawn, rules)
        ],
        "constraints": _constraints(region, drawn),
        "protected": _protected(rules),
        "firm": _firm(region, firm),
        "designated": _designated(region, drawn),
    }


# --- the pack ------------------------------------------------------------------------------------


def _pack(drawn: Delineation, rules: ZoneRules) -> Row:
    pack = drawn.pack
    return {
        "name": drawn.pack_name,
        "title": pack.title,
        "source": units(pack.source),
        "note": units(pack.note),
        "anchors": pack.anchors,
        "rules": [
            {"label": label, "value": value, "assumed": name in pack.assumed}
            for name, label, value in _rules(pack, rules)
        ],
    }


def _rules(pack: Pack, rules: ZoneRules) -> Iterator[tuple[str, str, str]]:
    """Give the rules that a pack sets: name, in words, value."""
    per = "cluster" if pack.per == "cluster" else "region, with sites in its clusters"
    yield "per", "One zone for each", per
    yield "core", "Around one core institution", "yes" if pack.core else "no"
    if pack.anchors:
        near = ", ".join(words(name) for name in rules.anchors)
        label = f"Only land within {rules.minutes:g}{NBSP}min of at least one of each"
        yield "anchors", label, near
    for name, (label, unit) in _LIMITS.items():
        value = getattr(pack, name)
        if value:
            yield name, label, f"{value:g}{NBSP}{unit}".strip()
    yield "contiguous", "Each site in one piece", "yes" if pack.contiguous else "no"
    least = rules.score_min if pack.score_min is None else pack.score_min
    yield "score_min", "No land of a lower suitability than", f"{least:g}"


def _count(drawn: Delineation) -> str:
    """Say how many zones there are, and of how many sites if these are more."""
    sites = len(drawn.zones)
    zones = drawn.zones["cluster"].nunique() if drawn.pack.per == "cluster" else min(sites, 1)
    told = f"{zones or 'no'} {'zone' if zones == 1 else 'zones'}"
    return told if sites == zones else f"{told} of {sites} sites"


def _cleaned(rules: ZoneRules, pack: Pack) -> str:
    dropped = f"Parts under {rules.part_min_km2:g} km² are dropped; " if not pack.capped else ""
    holes = f"oles under {rules.hole_min_km2:g} km² are filled."
    return f"{dropped}h{holes}" if dropped else f"H{holes}"


# --- the zones -----------------------------------------------------------------------------------


def _zone(region: Region, pack: Pack, zone: Mapping[Any, Any]) -> Row:
    cap = pack.largest_site_km2
    return {
        "id": zone["zone_id"],
        "name": zone["name"] if pack.capped else cluster_name(region, zone["cluster"]),
        "special": units(_text(zone.get("special"))),
        "core": _text(zone.get("core")) or NOTHING,
        "area": number(zone["area_km2"], 3 if pack.capped else 1),
        "cap": f"{cap:g}" if pack.capped else "none",
        "share": percent(zone["area_km2"] / cap, 1) if pack.capped else NOTHING,
        "municipalities": _text(zone.get("municip")) or NOTHING,
        "why": _plainly(zone["rule"]),
        "places": [f"{number(zone[a])} / {number(zone[b])}" for a, b in _COUNTED.items()],
        "minutes": [
            f"{number(zone[a], 1)} / {number(zone[b], 1)}"
            for a, b in (("hub_min", "hub_worst"), ("other_min", "other_wrst"))
        ],
        "suitability": " / ".join(number(zone[name], 2) for name in _QUARTILES),
    }


def _plainly(rule: str) -> str:
    """Write comparisons in words.

    Examples
    --------
    >>> _plainly("water <= 50%; holes < 0.2 km2 filled")
    'water at most 50%; holes under 0.2 km² filled'
    """
    said = {" <= ": " at most ", " >= ": " at least ", " < ": " under ", " > ": " over "}
    for sign, word in said.items():
        rule = rule.replace(sign, word)
    return units(rule)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _sums(region: Region, drawn: Delineation) -> list[str]:
    """Say how much of the caps of zones and of all zones is used."""
    pack, areas = drawn.pack, drawn.zones["area_km2"].astype(float)
    told = []
    if pack.zone_max_km2 is not None:
        of = drawn.zones["cluster"] if pack.per == "cluster" else pd.Series("all", areas.index)
        for key, km2 in areas.groupby(of, sort=False).sum().items():
            where = "The one zone" if key == "all" else f"{cluster_name(region, str(key))}"
            sites = int((of == key).sum())
            parts = f" in {sites} sites" if sites > 1 else ""
            told.append(f"{where}: {number(km2, 3)} of {pack.zone_max_km2:g} km²{parts}.")
    if pack.total_max_km2 is not None:
        told.append(f"All zones: {number(areas.sum(), 3)} of {pack.total_max_km2:g} km².")
    return told


def _unmet(region: Region, drawn: Delineation, one: Mapping[str, str]) -> Row:
    where = one["cluster"]
    return {
        "rule": one["rule"],
        "assumed": one["rule"] in drawn.pack.assumed,
        "where": cluster_name(region, where) if where in region.clusters else where,
        **{name: units(one[name]) for name in ("needed", "found", "closest")},
    }


# --- factors and constraints ---------------------------------------------------------------------


def _used(drawn: Delineation, rules: ZoneRules) -> list[tuple[str, Factor]]:
    return [(n, factor) for n, factor in rules.factors.items() if n in drawn.suitability.weights]


def _factor(factor: Factor, name: str, weights: Mapping[str, float]) -> Row:
    return {
        "title": factor.title or words(name),
        "measure": _measure(factor),
        "transfer": transfer_words(factor.transfer, _unit(factor)),
        "weight": percent(weights[name], 1).replace(".0", ""),
        "source": units(factor.source) or "no source named",
        "assumed": factor.source.strip().lower().startswith("assumed") or not factor.source,
    }


def _measure(factor: Factor) -> str:
    if factor.minutes_to is not None:
        return f"minutes by car to the nearest of {_selected(factor.minutes_to)}"
    if factor.distance_to is not None:
        return f"metres in a straight line to the nearest shape of {_file(factor.distance_to)}"
    if factor.raster is not None:
        return f"raster {factor.raster.file}, band {factor.raster.band}"
    return f"column {factor.land} of the layer land"


def _selected(rule: Selection) -> str:
    parts = [f"{column} {' or '.join(map(words, v))}" for column, v in rule.where.items()]
    layers = ", ".join(map(words, rule.layers))
    return f"{layers} ({'; '.join(map(words, parts))})" if parts else layers


def _file(file: GeoFile) -> str:
    return f"{file.file}, layer {file.layer}" if file.layer else file.file


def _unit(factor: Factor) -> str:
    if factor.minutes_to is not None:
        return "min"
    return "m" if factor.distance_to is not None else _LAND_UNITS.get(str(factor.land), "")


def transfer_words(transfer: Transfer, unit: str) -> str:
    """Say how a measure becomes a score.

    Examples
    --------
    >>> from technobelt.zone_rules import Transfer
    >>> transfer_words(Transfer(points=[(5, 1), (30, 0)]), "min").replace(NBSP, " ")
    '1 up to 5 min, 0 from 30 min on, a straight line between'
    >>> transfer_words(Transfer(half=10), "min").replace(NBSP, " ")
    '1 at 0, half of it at every further 10 min'
    >>> transfer_words(Transfer(middle=20, width=-4), "").replace(NBSP, " ")
    'logistic: 0.5 at 20, falling, width 4'
    """
    if transfer.half is not None:
        return f"1 at 0, half of it at every further {_with(transfer.half, unit)}"
    if not transfer.points:
        middle, width = transfer.logistic
        way = "falling" if width < 0 else "rising"
        return f"logistic: 0.5 at {_with(middle, unit)}, {way}, width {_with(abs(width), unit)}"
    (first, high), *between, (last, low) = (
        transfer.points if len(transfer.points) > 1 else (transfer.points * 2)
    )
    middle_part = "".join(f", {score:g} at {_with(x, unit)}" for x, score in between)
    line = "straight lines between" if between else "a straight line between"
    begin = f"up to {_with(first, unit)}" if first else "at 0"
    ends = f"{high:g} {begin}{middle_part}, {low:g} from {_with(last, unit)} on"
    return f"{ends}, {line}"


def _with(value: float, unit: str) -> str:
    return f"{value:g}{NBSP}{unit}" if unit else f"{value:g}"


def _constraints(region: Region, drawn: Delineation) -> Row:
    """Return each constraint with the share of land that it takes, by cluster and in all."""
    ground = drawn.suitability.ground
    number_of, known = ground.number, ground.known
    lands = [known & (number_of == n) for n in range(len(ground.clusters))] + [known]
    rows = [
        {
            **_constraint(region.zones, name),
            "shares": [_share(mask, land) for land in lands],
            "unknown": _is_nowhere(ground, name),
        }
        for name, mask in ground.barred.items()
    ]
    left = [_share(ground.usable, land) for land in lands]
    heads = [cluster_name(region, name) for name in ground.clusters]
    return {"heads": [*heads, "All clusters"], "rows": rows, "left": left}


def _share(mask: Any, land: Any) -> str:
    return percent((mask & land).sum() / land.sum(), 1) if land.any() else NOTHING


def _is_nowhere(ground: Any, name: str) -> bool:
    """Tell whether the layer land knows of none of it at all, so that it may have been left out."""
    shares = ground.land.get({"wood on relief": "wood"}.get(name, name))
    return shares is not None and not (np.nan_to_num(shares) > 0).any()


def _constraint(rules: ZoneRules, name: str) -> Row:
    if name in rules.constraints:
        own = rules.constraints[name]
        protected = "protected land; " if own.protected else ""
        return {
            "name": words(name),
            "rule": protected + _own_rule(own),
            "source": own.source or "no source named",
        }
    said = {
        "water": f"more than {percent(rules.water_max)} of a cell is water",
        "wood on relief": (
            f"more than {percent(rules.wood_max)} of a cell is wood, and the ground around rises "
            f"by more than {rules.relief_max_m:g}{NBSP}m"
        ),
        "military": f"more than {percent(rules.military_max)} of a cell is military land",
    }
    return {"name": name, "rule": said.get(name, ""), "source": "assumed"}


def _own_rule(own: Constraint) -> str:
    if own.shapes is not None:
        return f"inside the shapes of {_file(own.shapes)}"
    what = f"raster {own.raster.file}" if own.raster is not None else f"column {own.land} of land"
    bounds = {"above": own.above, "below": own.below}
    return f"{what} {' or '.join(f'{n} {v:g}' for n, v in bounds.items() if v is not None)}"


def _protected(rules: ZoneRules) -> str:
    own = [name for name, constraint in rules.constraints.items() if constraint.protected]
    if own:
        return f"Protected land was supplied and is left out: {', '.join(map(words, own))}."
    return (
        "No protected land was supplied: parks, greenbelts, water protection areas and the like "
        "may lie inside the zones."
    )


# --- how firm, and what was designated -----------------------------------------------------------


def _firm(region: Region, firm: Robustness | None) -> Row | None:
    if firm is None:
        return None
    names = _core_names(firm.drawn)
    areas = firm.areas.set_index(["cluster", "kind"])["area_km2"].to_dict()
    clusters = dict.fromkeys(firm.areas["cluster"])
    believed = region.uncertainty
    return {
        "draws": number(firm.draws),
        "seed": firm.seed,
        "vary": percent(region.zones.weights_vary),
        "placeholder": believed is None or believed.placeholder,
        "areas": [
            [cluster_name(region, c), *(number(areas.get((c, k)), 2) for k in ("core", "fringe"))]
            for c in clusters
        ],
        "zones": [
            [zone["zone_id"], percent(zone["stays"]), percent(zone["core_share"])]
            for zone in firm.zones.to_dict("records")
        ],
        "cores": [
            [cluster_name(region, cluster), names.get(core, core), percent(share)]
            for cluster, shares in firm.cores.items()
            for core, share in shares.items()
        ],
    }


def _core_names(drawn: Delineation) -> dict[str, str]:
    return {core.id: core.name for core in drawn.drafting.candidates}


def _designated(region: Region, drawn: Delineation) -> list[Row]:
    rows = compare_designated(drawn).to_dict("records")
    return [
        {
            "name": f"{row['name']} ({row['year']:.0f})",
            "where": cluster_name(region, str(row["cluster"])),
            "real": row["core_name"],
            "chosen": _text(row["chosen_name"]) or "none",
            "hit": row["hit"] is True,
            "km": number(row["distance_km"], 1),
            "minutes": number(row["time_min"], 1),
            "area": number(row["area_km2"], 2),
        }
        for row in rows
    ]
