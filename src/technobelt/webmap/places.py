"""Facilities: one marker for each kind and position, whose popup lists all that stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from technobelt.style import load_style
from technobelt.webmap.facts import plain, popup, safe, tooltip, words
from technobelt.webmap.finder import key
from technobelt.webmap.outlines import outlined
from technobelt.webmap.overlays import FINE, Entry, Overlay, Part, drawn, feature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from technobelt.region import Region

__all__ = ["gathered", "hubs", "places"]

GROUP = "Places"
KINDS = ("complexes", "universities", "centres")
_TITLES = {
    "complexes": "Industrial complexes",
    "universities": "Universities and colleges",
    "centres": "Innovation centres",
}
_ONE = {
    "complexes": "Industrial complex",
    "universities": "University or college",
    "centres": "Innovation centre",
}
#: Side of a marker, and how far apart the kinds of one position stand, in pixels.
_SIDE, _STEP = 13, 13
#: Places whose positions agree to so many decimals (about 10 m) stand on one position.
_SAME_PLACE = 4
_SHAPES = {
    "square": "M2 2h9v9h-9z",
    "triangle": "M6.5 1.2L12 11.5H1z",
    "diamond": "M6.5 .8L12.2 6.5 6.5 12.2 .8 6.5z",
}


def gathered(layers: Mapping[str, gpd.GeoDataFrame], crs: str) -> gpd.GeoDataFrame | None:
    """Return all facilities as points in WGS 84, with their layer and their position's key."""
    present = {name: layers[name] for name in KINDS if name in layers}
    frames = [
        drawn(frame, crs, tolerance_m=0).assign(layer=name, id=frame.get("id", frame.index))
        for name, frame in present.items()
    ]
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        return None
    points = [frame.set_geometry(frame.representative_point()) for frame in frames]
    joined = gpd.GeoDataFrame(pd.concat(points, ignore_index=True), crs="EPSG:4326")
    x, y = joined.geometry.x.round(_SAME_PLACE), joined.geometry.y.round(_SAME_PLACE)
    return joined.assign(spot=list(zip(x, y, strict=True)))


def places(layers: Mapping[str, gpd.GeoDataFrame], crs: str) -> list[Overlay]:
    """Return one layer for each kind of facility."""
    joined = gathered(layers, crs)
    if joined is None:
        return []
    overlays = []
    for name in KINDS:
        if (joined["layer"] == name).any():
            colour = load_style()["places"][name]["colour"]
            parts, entries = outlined(layers[name], colour, crs)
            overlays.append(_overlay(name, joined, parts, entries))
    return overlays


def _overlay(
    name: str, joined: gpd.GeoDataFrame, outlines: list[Part], explained: list[Entry]
) -> Overlay:
    markers = [
        _marker(name, spot) for _, spot in joined.groupby("spot") if (spot["layer"] == name).any()
    ]
    entries = [Entry(GROUP, _swatch(name, hollow=False), _ONE[name]), *explained]
    if any(_hollow(row) for row in joined.to_dict("records")):
        hollow = "".join(_symbol(kind, hollow=True) for kind in KINDS)
        entries.append(
            Entry(GROUP, f'<span class="tb-swatches">{hollow}</span>', "not yet there in 1999")
        )
    return Overlay(_TITLES[name], GROUP, [*outlines, Part(markers, "markerPane")], entries)


def _marker(name: str, spot: gpd.GeoDataFrame) -> dict[str, Any]:
    """Stand the kinds of one position side by side, each with the popup of them all."""
    kinds = [kind for kind in KINDS if (spot["layer"] == kind).any()]
    rows = spot.drop(columns=["geometry", "spot"]).to_dict("records")
    own = [row for row in rows if row["layer"] == name]
    shift = (kinds.index(name) - (len(kinds) - 1) / 2) * _STEP
    icon = {
        "html": _symbol(name, hollow=all(map(_hollow, own))) + _count(len(own)),
        "class": "tb-place",
        "anchor": [_SIDE / 2 - shift, _SIDE / 2],
        "size": [_SIDE, _SIDE],
    }
    tip = "<br>".join(tooltip(row) for row in own)
    at = [safe(key(name, row)) for row in own]
    return feature(spot.geometry.iloc[0], FINE, icon=icon, tip=tip, pop=_popup(rows), at=at)


def _popup(rows: list[dict[str, Any]]) -> str:
    """List the facilities of a position; where there are several, each folded under its name."""
    if len(rows) == 1:
        return popup(rows[0])
    folded = "".join(
        f'<details data-at="{safe(key(row["layer"], row))}">'
        f"<summary>{_symbol(row['layer'], hollow=_hollow(row))} {tooltip(row)}</summary>"
        f"{popup(row)}</details>"
        for row in rows
    )
    return f'<p class="tb-here">{len(rows)} facilities on this position</p>{folded}'


def _hollow(row: Mapping[str, Any]) -> bool:
    return plain(row.get("existed_1999")) == "no"


def _count(n: int) -> str:
    return f'<b class="tb-count">{n}</b>' if n > 1 else ""


def _symbol(name: str, *, hollow: bool) -> str:
    look = load_style()["places"][name]
    fill, stroke = ("#FFFFFF", look["colour"]) if hollow else (look["colour"], "#FFFFFF")
    return (
        f'<svg class="tb-symbol" width="{_SIDE}" height="{_SIDE}" aria-hidden="true"><path '
        f'd="{_SHAPES[look["shape"]]}" fill="{fill}" stroke="{stroke}" stroke-width="1.4"/></svg>'
    )


def _swatch(name: str, *, hollow: bool) -> str:
    return f'<span class="tb-swatch">{_symbol(name, hollow=hollow)}</span>'


# --- hubs ----------------------------------------------------------------------------------------


def hubs(joined: gpd.GeoDataFrame, region: Region, colours: Mapping[str, str]) -> Overlay | None:
    """Return the clusters' hubs, where the drive times start: a ring and a name each."""
    rings = [
        _ring(row, colours[cluster_id], cluster.name)
        for cluster_id, cluster in region.clusters.items()
        for row in joined[joined["id"].astype(str) == cluster.hub].to_dict("records")
    ]
    if not rings:
        return None
    swatch = (
        '<svg width="22" height="16" aria-hidden="true"><circle cx="11" cy="8" r="6" fill="none" '
        'stroke="#555555" stroke-width="2.4"/></svg>'
    )
    entry = Entry(GROUP, swatch, "Hub of a cluster")
    return Overlay("Hubs", GROUP, [Part(rings, "tb-hubs")], [entry])


def _ring(row: Mapping[str, Any], colour: str, cluster: str) -> dict[str, Any]:
    short = plain(row.get("name")).split(",")[0]
    icon = {
        "html": f'<i style="border-color:{colour}"></i><span>{safe(short)}</span>',
        "class": "tb-hub",
        "anchor": [14, 14],
        "size": [28, 28],
    }
    kind = words(row.get("kind"))
    facts = popup(row, extra=[("Role", f"hub of {cluster}")])
    tip = f"{tooltip(row)}<br>Hub of {safe(cluster)}" + (f", {safe(kind).lower()}" if kind else "")
    at = [safe(key(row["layer"], row))]
    return feature(row["geometry"], FINE, icon=icon, tip=tip, pop=facts, at=at)
