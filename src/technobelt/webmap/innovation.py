"""Innovation zones: what each holds and why it is there, and how firm its boundary is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from technobelt.style import load_style
from technobelt.webmap.facts import names, number, plain, popup, safe, words
from technobelt.webmap.overlays import (
    COARSE,
    Entry,
    Overlay,
    Part,
    drawn,
    features,
    hatching,
    swatch_area,
)
from technobelt.webmap.plan import GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

__all__ = ["hatch", "robustness", "zones"]

_FILLED, _FAINT, _CORE = 0.55, 0.12, 0.75
_HATCH = "tb-fringe"
#: What is counted, with the columns of how many are inside, and inside or near.
_COUNTED = {
    "Industrial complexes": ("complexes", "complex_10"),
    "Universities": ("universit", "univ_10"),
    "Innovation centres": ("centres", "centre_10"),
    "Interchanges": ("interch", "interch_10"),
}
_KINDS = {
    "core": ("Core of a zone", "stays in 90% of draws or more"),
    "fringe": ("Fringe of a zone", "is in some draws only"),
}
_LEGEND = {"core": "Zone's core, in 90% of draws", "fringe": "Zone's fringe, in some draws"}


def hatch() -> str:
    """Return the pattern that fringes are filled with: the other way than discs."""
    return hatching(_HATCH, load_style()["robustness"]["fringe"], degrees=-45)


def zones(frame: gpd.GeoDataFrame, crs: str, *, known: Mapping[str, str], faint: bool) -> Overlay:
    """Return the innovation zones, with what they hold.

    Parameters
    ----------
    frame
        From `technobelt.draw_zones`, any CRS.
    crs
        Metres.
    known
        Names of places by their ids, for the core.
    faint
        Fill them so little that core and fringe show below.
    """
    look = load_style()["zones"]
    shapes = drawn(frame, crs, tolerance_m=40)
    rows = shapes.drop(columns=shapes.geometry.name).to_dict("records")
    properties = [{"tip": safe(_name(row)), "pop": _popup(row, known)} for row in rows]
    opacity = _FAINT if faint else _FILLED
    options = {
        "color": look["outline"],
        "weight": 2.2 if faint else 1.6,
        "fillColor": look["fill"],
        "fillOpacity": opacity,
    }
    swatch = swatch_area(look["fill"], stroke=look["outline"], opacity=opacity)
    part = Part(features(shapes, properties, COARSE), "tb-zones", options)
    return Overlay("Innovation zones", GROUP, [part], [Entry(GROUP, swatch, "Innovation zone")])


def _name(row: Mapping[str, Any]) -> str:
    return names(row) or f"Innovation zone {plain(row.get('zone_id'))}"


def _popup(row: Mapping[str, Any], known: Mapping[str, str]) -> str:
    core = plain(row.get("core"))
    facts = [
        ("Zone", plain(row.get("zone_id"))),
        ("Cluster", words(row.get("cluster"))),
        ("Specialised in", plain(row.get("special"))),
        ("Rule pack", plain(row.get("pack"))),
        ("Core institution", known.get(core, core)),
        ("Area", _with_unit(number(row.get("area_km2"), 2), "km²")),
        ("Municipalities", plain(row.get("municip"))),
        ("To its hub", _minutes(row, "hub_min", "hub_worst")),
        ("To the other hubs", _minutes(row, "other_min", "other_wrst")),
        ("Suitability", _quartiles(row)),
        ("How firm", _firm(row)),
        ("Why here", _typeset(plain(row.get("rule")))),
    ]
    return popup({"name": _name(row)}, extra=facts, below=_counts(row))


def _typeset(rule: str) -> str:
    """Put signs for what a shapefile's table has in plain letters."""
    for letters, sign in (("<=", "≤"), (">=", "≥"), ("km2", "km²")):
        rule = rule.replace(letters, sign)
    return rule


def _with_unit(text: str, unit: str) -> str:
    return f"{text} {unit}" if text else ""


def _minutes(row: Mapping[str, Any], middle: str, worst: str) -> str:
    """Say the median and the longest drive from a zone's land."""
    half, most = number(row.get(middle)), number(row.get(worst))
    at_most = f", {most} at most" if half and most else ""
    profile = plain(row.get("profile"))
    speeds = f" ({words(profile).lower()} speeds)" if half and profile else ""
    return _with_unit(half, "minutes") + at_most + speeds


def _quartiles(row: Mapping[str, Any]) -> str:
    low, middle, high = (number(row.get(f"suit_q{at}"), 2) for at in (1, 2, 3))
    return (
        f"{middle} of 1; the middle half of the land {low} to {high}"
        if low and middle and high
        else ""
    )


def _firm(row: Mapping[str, Any]) -> str:
    stays, core = plain(row.get("stays")), plain(row.get("core_share"))
    told = [f"its land stays in {float(stays):.0%} of draws"] if stays else []
    told += [f"{float(core):.0%} of it is firm"] if core else []
    return "; ".join(told)


def _counts(row: Mapping[str, Any]) -> str:
    """Return a table of what lies inside, and within ten minutes' drive."""
    lines = [
        f"<tr><th>{what}</th><td>{number(row.get(inside))}</td><td>{number(row.get(near))}</td></tr>"
        for what, (inside, near) in _COUNTED.items()
        if number(row.get(inside)) or number(row.get(near))
    ]
    head = "<tr><th></th><th>Inside</th><th>Within 10 min</th></tr>"
    return f"<table>{head}{''.join(lines)}</table>" if lines else ""


# --- how firm ------------------------------------------------------------------------------------


def robustness(frame: gpd.GeoDataFrame, crs: str) -> Overlay:
    """Return the zones' cores, filled, and fringes, hatched, as cells of the land grid.

    Parameters
    ----------
    frame
        From `technobelt.Robustness.areas`, any CRS.
    crs
        Metres.
    """
    shapes = drawn(frame, crs, tolerance_m=0)
    rows = shapes.drop(columns=shapes.geometry.name).to_dict("records")
    kinds = [plain(row.get("kind")) for row in rows]
    properties = [
        {"tip": safe(_about(kind)[0]), "pop": _firm_popup(row, kind), "style": _style(kind)}
        for row, kind in zip(rows, kinds, strict=True)
    ]
    part = Part(features(shapes, properties, COARSE), "tb-firm")
    entries = [Entry(GROUP, _swatch(kind), _LEGEND[kind]) for kind in _LEGEND if kind in kinds]
    return Overlay("Core and fringe of zones", GROUP, [part], entries)


def _about(kind: str) -> tuple[str, str]:
    return _KINDS.get(kind, (words(kind), ""))


def _firm_popup(row: Mapping[str, Any], kind: str) -> str:
    title, said = _about(kind)
    stays = plain(row.get("stays"))
    facts = [
        ("Meaning", f"land that {said}, under other weights and speeds" if said else ""),
        ("Cluster", words(row.get("cluster"))),
        ("Area", _with_unit(number(row.get("area_km2"), 2), "km²")),
        ("On average in", f"{float(stays):.0%} of draws" if stays else ""),
    ]
    return popup({"name": title}, extra=facts)


def _style(kind: str) -> dict[str, Any]:
    look = load_style()["robustness"]
    if kind == "core":
        return {"stroke": False, "fillColor": look["core"], "fillOpacity": _CORE}
    hatched = {"fillColor": f"url(#{_HATCH})", "fillOpacity": 1}
    return {"color": look["fringe"], "weight": 0.6, **hatched}


def _swatch(kind: str) -> str:
    look = load_style()["robustness"]
    if kind == "core":
        return swatch_area(look["core"], opacity=_CORE)
    return swatch_area(f"url(#{_HATCH})", stroke=look["fringe"])
