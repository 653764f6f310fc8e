"""Outlines of places. A disc of the published area is hatched: it shows a size, not a border."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from technobelt.style import load_style
from technobelt.webmap.facts import plain, popup, tooltip
from technobelt.webmap.overlays import (
    FINE,
    Entry,
    Overlay,
    Part,
    drawn,
    features,
    hatching,
    swatch_area,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

__all__ = ["hatch", "outlined", "outlines"]

GROUP = "Places"
_HATCH = "url(#tb-hatch)"
_SAID = {
    "landuse": "mapped land use",
    "disc": "a disc of the published area: no border is known",
}
_LEGEND = {"landuse": "Outline by land use", "disc": "Disc: no border is known"}
_SOLID = 0.35


def hatch() -> str:
    """Return the pattern that discs are filled with, as HTML that takes no room."""
    return hatching("tb-hatch", _colour(), degrees=45)


def outlines(frame: gpd.GeoDataFrame, crs: str) -> Overlay:
    """Return the layer of the complexes' outlines."""
    parts, entries = outlined(frame, _colour(), crs)
    return Overlay("Complex outlines", GROUP, parts, entries)


def outlined(frame: gpd.GeoDataFrame, colour: str, crs: str) -> tuple[list[Part], list[Entry]]:
    """Return what draws and explains the areas of a frame; points in it are left out.

    Parameters
    ----------
    frame
        Any CRS; ``outline`` says ``disc`` where an area is only a circle of the published size.
    colour
        Of fill and edge.
    crs
        Metres.
    """
    areas = frame[frame.geom_type.isin(["Polygon", "MultiPolygon"])]
    if areas.empty:
        return [], []
    shapes = drawn(areas, crs, tolerance_m=20)
    rows = shapes.drop(columns=shapes.geometry.name).to_dict("records")
    properties = [
        {"tip": tooltip(row), "pop": _popup(row), "style": _style(row, colour)} for row in rows
    ]
    part = Part(features(shapes, properties, FINE), "tb-outlines", {"weight": 1.4})
    kinds = sorted({_is_disc(row) for row in rows})
    return [part], [_entry("disc" if disc else "landuse", colour) for disc in kinds]


def _colour() -> str:
    return str(load_style()["places"]["complexes"]["colour"])


def _is_disc(row: Mapping[str, Any]) -> bool:
    return plain(row.get("outline")) == "disc"


def _style(row: Mapping[str, Any], colour: str) -> dict[str, Any]:
    if _is_disc(row):
        return {"color": colour, "fillColor": _HATCH, "fillOpacity": 1, "dashArray": "4 4"}
    return {"color": colour, "fillColor": colour, "fillOpacity": _SOLID}


def _entry(kind: str, colour: str) -> Entry:
    swatch = (
        swatch_area(_HATCH, stroke=colour, dash="3 2")
        if kind == "disc"
        else swatch_area(colour, stroke=colour, opacity=_SOLID)
    )
    return Entry(GROUP, swatch, _LEGEND[kind])


def _popup(row: Mapping[str, Any]) -> str:
    published, ratio = plain(row.get("published")), plain(row.get("area_ratio"))
    facts = [
        ("Outline", _SAID.get(plain(row.get("outline")), "")),
        ("Published area", f"{published} km²" if published else ""),
        ("Ratio", f"{float(ratio):.0%} of the published area" if ratio else ""),
    ]
    return popup(row, extra=facts)
