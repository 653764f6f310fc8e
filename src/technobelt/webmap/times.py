"""Drive times: bands around hubs, and the routes of counterexamples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from technobelt.style import band_colours, load_style
from technobelt.webmap.facts import number, plain, popup, safe
from technobelt.webmap.overlays import (
    COARSE,
    Entry,
    Overlay,
    Part,
    base_colours,
    drawn,
    features,
    packed,
    swatch_area,
    swatch_line,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

__all__ = ["BANDS_OPACITY", "bands", "merged_bands", "routes"]

GROUP, CLAIMS = "Drive time", "Claims"
#: The bands of one layer are drawn solid, the longest first, on a pane that is translucent as a
#: whole: the legend's colours then stand on the map whatever lies over what.
BANDS_OPACITY = 0.55
_TOLERANCE_M = 70.0
_COUNTS = {"n_complex": "Complexes", "n_univ": "Universities", "n_centre": "Centres"}


def bands(
    frame: gpd.GeoDataFrame,
    crs: str,
    *,
    known: Mapping[str, str],
    colours: Mapping[str, str],
    show: bool,
    roads_of: str = "",
) -> list[Overlay]:
    """Return one layer for each origin and direction, in the order of the frame.

    Parameters
    ----------
    frame
        Nested bands, see `technobelt.web_map`.
    crs
        Metres.
    known
        Origin id -> name.
    colours
        Origin id -> colour of the outlines.
    show
        Whether the first of them is switched on.
    roads_of
        The date of the roads, where popups are to tell it.
    """
    keys = ["origin_id", "direction"] if "direction" in frame else ["origin_id"]
    overlays = []
    for i, (key, rows) in enumerate(frame.groupby(keys, sort=False)):
        origin = plain(key[0])
        toward = "toward" in key[1:]
        name = safe(("to " if toward else "from ") + _short(origin, known))
        line = colours.get(origin, base_colours()["text"])
        first = show and i == 0
        look = {"pane": f"tb-bands-{i}", "line": line}
        overlays.append(_bands(rows, name, crs, **look, show=first, roads_of=roads_of))
    return overlays


def merged_bands(frame: gpd.GeoDataFrame, crs: str, *, roads_of: str = "") -> Overlay:
    """Return what lies within reach of any hub."""
    look = {"pane": "tb-bands-all", "line": base_colours()["text"]}
    return _bands(frame, "from the nearest hub", crs, **look, show=True, roads_of=roads_of)


def _short(origin: str, known: Mapping[str, str]) -> str:
    """Cut a name at its first comma; tell origins apart that would be called the same."""
    whole = known.get(origin, origin)
    short = whole.split(",")[0]
    twins = [name for name in known.values() if name.split(",")[0] == short]
    return short if len(twins) < 2 else f"{short} ({origin})"


def _bands(
    frame: gpd.GeoDataFrame,
    name: str,
    crs: str,
    *,
    pane: str,
    line: str,
    show: bool,
    roads_of: str,
) -> Overlay:
    longest_first = frame.sort_values("minutes", ascending=False)
    shapes = drawn(longest_first, crs, tolerance_m=_TOLERANCE_M)
    rows = shapes.drop(columns=shapes.geometry.name).to_dict("records")
    fills = band_colours(float(row["minutes"]) for row in rows)
    properties = [
        {
            "tip": _tip(row, name),
            "pop": _popup(row, name, roads_of),
            "style": _style(row, fills[float(row["minutes"])], line),
        }
        for row in rows
    ]
    light = [
        packed(shape, **texts) for shape, texts in zip(shapes.geometry, properties, strict=True)
    ]
    part = Part(light, pane, {"fillOpacity": 1, "weight": 0.8})
    return Overlay(name, GROUP, [part], _legend(rows, fills), show=show)


def _style(row: Mapping[str, Any], fill: str, line: str) -> dict[str, Any]:
    style = {"fillColor": fill, "color": line}
    return style | ({"dashArray": "5 4"} if _cut_off(row) else {})


def _cut_off(row: Mapping[str, Any]) -> bool:
    share = plain(row.get("truncated"))
    return share not in {"", "False"} and float(row["truncated"]) > 0


def _legend(rows: list[dict[str, Any]], fills: Mapping[float, str]) -> list[Entry]:
    profiles = {plain(row.get("profile")).replace("_", " ") for row in rows}
    heading = ", ".join([GROUP, *sorted(profiles - {""})])
    entries = []
    for minutes, colour in fills.items():
        swatch = swatch_area(colour, opacity=BANDS_OPACITY, stroke="#7A8B99")
        entries.append(Entry(heading, swatch, f"within {minutes:g} minutes"))
    if any(map(_cut_off, rows)):
        swatch = swatch_area("none", stroke="#555555", dash="4 3")
        entries.append(Entry(heading, swatch, "cut off where the roads end"))
    return entries


def _tip(row: Mapping[str, Any], name: str) -> str:
    return f"within {float(row['minutes']):g} minutes {name}"


def _popup(row: Mapping[str, Any], name: str, roads_of: str) -> str:
    area = number(row.get("area_km2"))
    least = "at least " if _cut_off(row) else ""
    facts = [("Area", f"{least}{area} km²" if area else "")]
    facts += [(label, number(row.get(column))) for column, label in _COUNTS.items()]
    facts += [
        ("Population", number(row.get("population"))),
        ("Speeds", plain(row.get("profile")).replace("_", " ")),
        ("Roads of", roads_of),
        ("Cut off", _cut_off_said(row)),
    ]
    title = f"<h3>Within {float(row['minutes']):g} minutes {name}</h3>"
    return (
        title
        + popup({}, extra=facts)
        + (
            '<p class="tb-source">Counts are by drive time, not by this outline, '
            "which is simplified for the screen.</p>"
        )
    )


def _cut_off_said(row: Mapping[str, Any]) -> str:
    if not _cut_off(row):
        return ""
    return f"{float(row['truncated']):.0%} of the outline runs where the roads of the data end"


def routes(frame: gpd.GeoDataFrame, crs: str) -> Overlay:
    """Return the counterexamples' routes; switched off until asked for."""
    colour = load_style()["verdicts"]["fails"]
    shapes = drawn(frame, crs, tolerance_m=40)
    rows = shapes.drop(columns=shapes.geometry.name).to_dict("records")
    properties = [{"tip": safe(_way(row)), "pop": _route_popup(row)} for row in rows]
    part = Part(
        features(shapes, properties, COARSE),
        "tb-routes",
        {"color": colour, "weight": 3, "opacity": 0.85, "dashArray": "2 5", "lineCap": "round"},
    )
    entry = Entry(CLAIMS, swatch_line(colour, 3, dash="2 4"), "Route of a counterexample")
    return Overlay("Counterexamples", CLAIMS, [part], [entry], show=False)


def _way(row: Mapping[str, Any]) -> str:
    ends = [plain(row.get("from_name")), plain(row.get("to_name"))]
    return " → ".join(end for end in ends if end)


def _route_popup(row: Mapping[str, Any]) -> str:
    minutes, length = number(row.get("time_min"), 1), number(row.get("length_km"), 1)
    facts = [
        ("Time", f"{minutes} minutes" if minutes else ""),
        ("Length", f"{length} km" if length else ""),
    ]
    return popup({"name": _way(row)}, extra=facts)
