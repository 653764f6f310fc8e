"""The plan itself: clusters, the corridor and its interchanges; its zones are in `innovation`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely

from technobelt.style import load_style, readable
from technobelt.webmap.dates import absent
from technobelt.webmap.facts import names, plain, popup, safe, tooltip
from technobelt.webmap.finder import key
from technobelt.webmap.overlays import (
    COARSE,
    FINE,
    Entry,
    Overlay,
    Part,
    base_colours,
    drawn,
    feature,
    features,
    swatch_area,
    swatch_line,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd

    from technobelt.region import Region

__all__ = ["GROUP", "clusters", "corridor", "interchanges"]

GROUP = "The plan"


def clusters(frame: gpd.GeoDataFrame, colours: Mapping[str, str], crs: str) -> Overlay:
    """Return the clusters as outlines, which hide nothing that lies inside, with their names."""
    shapes = drawn(frame, crs, tolerance_m=100)
    rows = shapes.drop(columns=shapes.geometry.name).to_dict("records")
    outlines, labels = [], []
    for shape, row in zip(shapes.geometry, rows, strict=True):
        colour = colours[plain(row.get("id"))]
        texts = {"tip": tooltip(row), "pop": popup(row), "at": [safe(key("clusters", row))]}
        outlines.append(feature(shape, COARSE, style={"color": colour}, **texts))
        icon = {"html": _cluster_label(row, colour), "class": "tb-cluster"}
        labels.append(feature(_above(shape), FINE, icon=icon, pop=texts["pop"], at=texts["at"]))
    options = {"weight": 2.4, "fill": False, "dashArray": "7 4"}
    casing = {"weight": 4.6, "fill": False, "color": base_colours()["halo"], "opacity": 0.7}
    plain_outlines = [{**outline, "properties": {}} for outline in outlines]
    entry = Entry("The plan", swatch_area("none", stroke="#555555", dash="5 3"), "Cluster")
    parts = [
        Part(plain_outlines, "tb-clusters", casing, interactive=False),
        Part(outlines, "tb-clusters", options),
        Part(labels, "tb-names"),
    ]
    return Overlay("Clusters", GROUP, parts, [entry])


def _above(shape: Any) -> Any:
    """Return the middle of the northern edge: a name there does not hide what lies inside."""
    return shapely.Point(shape.centroid.x, shape.bounds[3])


def _cluster_label(row: Mapping[str, Any], colour: str) -> str:
    return f'<span style="color:{readable(colour)}">{safe(names(row))}</span>'


# --- the corridor --------------------------------------------------------------------------------


def corridor(
    frame: gpd.GeoDataFrame,
    name: str,
    crs: str,
    *,
    view: tuple[float, float, float, float],
    dates: Sequence[str] = (),
) -> Overlay:
    """Return the corridor as a cased line, dashed where it opened after 1999, with its numbers.

    The numbers stand within `view` (west, south, east, north), where the map opens. The page
    fades what was not open on the one of `dates` that it shows.
    """
    look = load_style()["corridor"]
    shapes = drawn(frame, crs, tolerance_m=30)
    rows = shapes.drop(columns=shapes.geometry.name).to_dict("records")
    properties = [
        {"tip": tooltip(row), "pop": popup(row), "style": _stretch_style(row), **_shut(row, dates)}
        for row in rows
    ]
    lines = features(shapes, properties, FINE)
    casing = [
        {**line, "properties": _shut(row, dates)} for line, row in zip(lines, rows, strict=True)
    ]
    under = {"color": base_colours()["halo"], "weight": look["width"] + 3}
    over = {"color": look["colour"], "weight": look["width"]}
    parts = [
        Part(casing, "tb-corridor", under, interactive=False),
        Part(lines, "tb-corridor", over),
        Part(_shields(shapes, view), "tb-labels", interactive=False),
    ]
    entries = [Entry(GROUP, swatch_line(look["colour"], look["width"]), name)]
    if any(_is_later(row) for row in rows):
        swatch = swatch_line(look["colour"], look["width"], dash="5 4")
        entries.append(Entry(GROUP, swatch, "Corridor, opened after 1999"))
    if any(absent(row, dates) for row in rows):
        swatch = swatch_line(look["colour"], look["width"], dash="5 4", opacity=0.28)
        entries.append(Entry(GROUP, swatch, "faded: not open on the date chosen"))
    return Overlay("Corridor", GROUP, parts, entries)


def _is_later(row: Mapping[str, Any]) -> bool:
    """Tell whether something opened after the plan of 1999; of other plans nobody says so."""
    existed = plain(row.get("existed_1999"))
    return existed == "no" or bool(existed and plain(row.get("opened"))[:4] > "1999")


def _shut(row: Mapping[str, Any], dates: Sequence[str]) -> dict[str, Any]:
    """Return the property by which the page knows when something was not open yet."""
    shut = absent(row, dates)
    return {"shut": shut} if shut else {}


def _stretch_style(row: Mapping[str, Any]) -> dict[str, str]:
    return {"dashArray": "9 7"} if _is_later(row) else {}


def _shields(
    shapes: gpd.GeoDataFrame, view: tuple[float, float, float, float]
) -> list[dict[str, Any]]:
    """Put each route's number on the middle of its longest stretch in view."""
    if "route_no" not in shapes:
        return []
    out = []
    for number_, rows in shapes.groupby(shapes["route_no"].map(plain)):
        seen = shapely.get_parts(shapely.clip_by_rect(rows.geometry.to_numpy(), *view))
        if not len(seen):
            continue
        line = max(seen, key=lambda part: part.length)
        icon = {"html": f"<div>{safe(number_)}</div>", "class": "tb-shield"}
        out.append(feature(line.interpolate(0.5, normalized=True), FINE, icon=icon))
    return out


def interchanges(
    frame: gpd.GeoDataFrame, region: Region, dates: Sequence[str] = ()
) -> list[Overlay]:
    """Return the corridor's interchanges, and those of other expressways switched off.

    The page fades those that were not open on the one of `dates` that it shows.
    """
    points = drawn(frame, region.crs, tolerance_m=0)
    routes = {route for text in region.corridor.all_routes for route in (text, text.lstrip("0"))}
    numbers = points["route_no"].map(plain) if "route_no" in points else pd.Series("", points.index)
    along = numbers.isin(routes)
    out = []
    for chosen, name in ((along, "Interchanges"), (~along, "Interchanges elsewhere")):
        if chosen.any():
            show = name == "Interchanges"
            out.append(_interchanges(points[chosen], name, dates, show=show))
    return out


def _interchanges(
    points: gpd.GeoDataFrame, name: str, dates: Sequence[str], *, show: bool
) -> Overlay:
    colour = load_style()["interchanges"]["colour"]
    rows = points.drop(columns=points.geometry.name).to_dict("records")
    properties = [
        {
            "tip": tooltip(row),
            "pop": popup(row),
            "style": _dot_style(row, colour),
            "at": [safe(key("interchanges", row))],
            **_shut(row, dates),
        }
        for row in rows
    ]
    part = Part(features(points, properties, FINE), "tb-dots", {"radius": 3.2})
    later = any(_is_later(row) for row in rows)
    entries = [
        Entry(GROUP, _dot(colour, "#FFFFFF"), "Interchange in 1999" if later else "Interchange")
    ]
    if later:
        entries.append(Entry(GROUP, _dot("#8A8A8A", "#FFFFFF"), "Interchange, later"))
    return Overlay(name, GROUP, [part], entries, show=show)


def _dot_style(row: Mapping[str, Any], colour: str) -> dict[str, Any]:
    stroke = "#8A8A8A" if _is_later(row) else colour
    return {"color": stroke, "weight": 1.8, "fillColor": "#FFFFFF", "fillOpacity": 1}


def _dot(stroke: str, fill: str) -> str:
    return (
        '<svg width="22" height="14" aria-hidden="true"><circle cx="11" cy="7" r="3.6" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="1.8"/></svg>'
    )
