"""The map as a whole: which layers, in which order, and the file."""

from __future__ import annotations

import logging
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from technobelt.errors import MissingColumnError
from technobelt.fonts import with_hangul
from technobelt.style import cluster_colours
from technobelt.webmap import basemap as base
from technobelt.webmap import innovation, outlines, panel, paper, places, plan, times
from technobelt.webmap import pairs as trips
from technobelt.webmap.dates import MapDate, distinct, switched
from technobelt.webmap.facts import plain, safe
from technobelt.webmap.finder import finder
from technobelt.webmap.overlays import Chords
from technobelt.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import folium
    import geopandas as gpd
    import pandas as pd
    from branca.element import Figure, MacroElement

    from technobelt.region import Region
    from technobelt.webmap.overlays import Overlay, Part

__all__ = ["web_map", "write_map"]

_log = logging.getLogger(__name__)

#: A page beyond this is slow to open on a phone and too big for many mail boxes.
BUDGET_BYTES = 6_000_000
_TILES = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
_TILES_BY = (
    '&copy; <a href="https://www.openstreetmap.org/copyright">OpenStreetMap</a> contributors'
)
_ROADS, _BANDS, _FIRM = ("class",), ("origin_id", "minutes"), ("kind",)
_PAIRS = ("from_id", "to_id", "from_name", "to_name", "time_min", "margin_min", "status")
#: From the bottom to the top. Drive times lie under the roads and names, which stay readable.
_PANES = {
    "tb-land": 210,
    "tb-water": 220,
    "tb-bands": 300,
    "tb-paper": 340,
    "tb-roads": 350,
    "tb-clusters": 380,
    "tb-firm": 385,
    "tb-zones": 390,
    "tb-outlines": 400,
    "tb-corridor": 410,
    "tb-dots": 420,
    "tb-pairs": 425,
    "tb-ways": 427,
    "tb-routes": 430,
    "tb-poles": 440,
    "tb-labels": 580,
    "tb-hubs": 590,
    "tb-names": 595,
}


#: Beyond these there is nothing to see: the roads end, or stand alone.
_LEAST_ZOOM, _MOST_ZOOM = 6, 16
#: As folium names its elements.
_IDS = re.compile(r"(?<=_)[0-9a-f]{32}(?![0-9a-f])")


def web_map(  # noqa: PLR0913  (each is a layer of its own)
    region: Region,
    layers: Mapping[str, gpd.GeoDataFrame],
    *,
    roads: gpd.GeoDataFrame | None = None,
    isochrones: gpd.GeoDataFrame | None = None,
    merged: gpd.GeoDataFrame | None = None,
    zones: gpd.GeoDataFrame | None = None,
    robustness: gpd.GeoDataFrame | None = None,
    verdicts: Mapping[str, Any] | None = None,
    routes: gpd.GeoDataFrame | None = None,
    pairs: pd.DataFrame | None = None,
    other_dates: Sequence[MapDate] = (),
) -> folium.Map:
    """Draw a region, its drive times, zones and verdicts as a web map that needs no internet.

    Parameters
    ----------
    region
        From `technobelt.load_region`.
    layers
        Layer name -> frame, any CRS: ``clusters``, ``municipalities``, ``complexes``,
        ``universities``, ``centres``, ``outlines``, ``corridor``, ``interchanges``, ``barriers``,
        and the paper's ``growth_poles``, ``local_plans``, ``producer_services`` and
        ``mechanical_industry``; any may be absent. Rows without a shape are not drawn.
    roads
        Road sections with the column ``class``, any CRS, for the basemap; with ``opened`` (ISO)
        those that were not open yet are left out on the dates before.
    isochrones
        Nested bands from `technobelt.isochrones`: ``origin_id``, ``minutes``, and where known
        ``direction`` (``from`` or ``toward``), ``area_km2``, ``truncated`` (0 to 1),
        ``n_complex``, ``n_univ``, ``n_centre``, ``population``, ``profile``. One layer each origin.
    merged
        The same within reach of any hub, as one layer.
    zones
        From `technobelt.draw_zones`; of its columns any may be absent. Where there are also
        ``stays`` and ``core_share`` (0 to 1), the popup tells them.
    robustness
        From `technobelt.Robustness.areas`: ``cluster``, ``kind`` (``core`` or ``fringe``),
        ``area_km2``, ``stays`` (0 to 1). Where given, zones are filled faintly, to let it be seen.
    verdicts
        What ``claims.json`` holds.
    routes
        Counterexamples: ``from_name``, ``to_name``, ``time_min``, ``length_km``, lines.
    pairs
        Trips, as `technobelt.Verdicts.pairs`: ``from_id``, ``to_id``, ``from_name``, ``to_name``,
        ``time_min``, ``margin_min``, ``status``, and where drawn ``p_within``. A line for each two
        places that the layers hold, switched off until asked for. Where it is a GeoDataFrame (any
        CRS, None where unknown), the line pointed at shows its way.
    other_dates
        What to show in place of `isochrones`, `merged`, `routes`, `pairs` and `verdicts`, which
        are of the date ``verdicts["as_of"]``, where the reader chooses the roads of another date.

    Returns
    -------
    folium.Map
        Its ``save`` and its picture in a notebook are whole without internet; only the tiles that
        a reader may choose come from outside.

    Raises
    ------
    MissingColumnError
        `roads`, `isochrones`, `robustness` or `pairs` lack a column without which they cannot be
        drawn.
    NetworkError
        A date is no date, or is there twice.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> map_ = tb.web_map(region, {"clusters": tb.read_layer(region, "clusters")})
    >>> page = map_.get_root().render()
    >>> "Gimhae/Yangsan" in page, "<script src=" in page
    (True, False)
    """
    given = MapDate(_date_of(verdicts), isochrones, merged, routes, pairs, verdicts)
    dates = [given, *other_dates]
    distinct(dates)
    for date in dates:
        _check_date(date)
    _check(roads, _ROADS)
    _check(robustness, _FIRM)
    filled = {name: frame for name, frame in layers.items() if _has_shapes(frame)}
    colours = cluster_colours(region.clusters)
    days = [date.as_of for date in dates] if other_dates else []
    background = base.basemap(filled, roads, region.crs, days)
    overlays = [
        *_plan(region, filled, zones, robustness, colours, days),
        *_places(region, filled, colours),
        *_by_date(region, filled, dates, colours),
        *paper.paper(filled, region.crs),
    ]
    return _assembled(region, filled, background, overlays, dates)


def write_map(map_: folium.Map, path: str | Path) -> Path:
    """Write a map as one HTML file, whole or not at all; warn if it is over 6 MB.

    Parameters
    ----------
    map_
        From `web_map`.
    path
        The ``.html``.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        It cannot be written; an older file stands as it was.

    Examples
    --------
    >>> import tempfile
    >>> import technobelt as tb
    >>> from technobelt.webmap import write_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_map(tb.web_map(tb.load_region(), {}), f"{folder}/map.html").name
    'map.html'
    """
    target = Path(path)
    page = with_hangul(_with_steady_ids(map_.get_root().render())).encode("utf-8")
    with replace_file(target) as scratch:
        scratch.write_bytes(page)
    if len(page) > BUDGET_BYTES:
        _log.warning(
            "%s has %.1f MB, more than %.0f: slow on a phone. Hand in fewer layers or roads.",
            target.name,
            len(page) / 1e6,
            BUDGET_BYTES / 1e6,
        )
    return target


def _with_steady_ids(page: str) -> str:
    """Give folium's random ids numbers in their order: the same map is the same file."""
    numbers: dict[str, str] = {}
    return _IDS.sub(lambda found: numbers.setdefault(found[0], f"{len(numbers):032x}"), page)


def _date_of(verdicts: Mapping[str, Any] | None) -> str:
    return plain((verdicts or {}).get("as_of"))


def _check_date(date: MapDate) -> None:
    _check(date.isochrones, _BANDS)
    _check(date.merged, _BANDS)
    _check(date.pairs if _has_rows(date.pairs) else None, _PAIRS)


def _check(frame: pd.DataFrame | None, columns: Sequence[str]) -> None:
    missing = [name for name in columns if frame is not None and name not in frame]
    if frame is not None and missing:
        raise MissingColumnError(
            f"cannot draw a frame without the column '{missing[0]}'; "
            f"found: {', '.join(map(str, frame.columns))}. Add it, or leave the frame out."
        )


# --- which layers --------------------------------------------------------------------------------


def _plan(
    region: Region,
    layers: Mapping[str, gpd.GeoDataFrame],
    zones: gpd.GeoDataFrame | None,
    robustness: gpd.GeoDataFrame | None,
    colours: Mapping[str, str],
    days: Sequence[str],
) -> list[Overlay]:
    overlays = []
    if "clusters" in layers:
        overlays.append(plan.clusters(layers["clusters"], colours, region.crs))
    firm = _has_rows(robustness)
    if _has_rows(zones):
        known = _known(region, layers)
        overlays.append(innovation.zones(zones, region.crs, known=known, faint=firm))
    if _has_rows(robustness):
        overlays.append(innovation.robustness(robustness, region.crs))
    if "corridor" in layers:
        (south, west), (north, east) = _bounds(layers)
        view = (west - 0.01, south - 0.01, east + 0.01, north + 0.01)
        name = region.corridor.name
        overlays.append(plan.corridor(layers["corridor"], name, region.crs, view=view, dates=days))
    if "interchanges" in layers:
        overlays += plan.interchanges(layers["interchanges"], region, days)
    return overlays


def _places(
    region: Region, layers: Mapping[str, gpd.GeoDataFrame], colours: Mapping[str, str]
) -> list[Overlay]:
    joined = places.gathered(layers, region.crs)
    ring = None if joined is None else places.hubs(joined, region, colours)
    areas = [outlines.outlines(layers["outlines"], region.crs)] if "outlines" in layers else []
    return [*([ring] if ring else []), *areas, *places.places(layers, region.crs)]


def _by_date(
    region: Region,
    layers: Mapping[str, gpd.GeoDataFrame],
    dates: Sequence[MapDate],
    colours: Mapping[str, str],
) -> list[Overlay]:
    """Return the layers whose content follows the date chosen."""
    drawn = {}
    for date in dates:
        said = date.as_of if len(dates) > 1 else ""
        drawn[date.as_of] = [
            *_times(region, layers, date, colours, said),
            *_trips(region, layers, date.pairs, said),
        ]
    return switched(drawn, [times.GROUP, times.CLAIMS], dates[0].as_of)


def _times(
    region: Region,
    layers: Mapping[str, gpd.GeoDataFrame],
    date: MapDate,
    colours: Mapping[str, str],
    said: str,
) -> list[Overlay]:
    isochrones, merged, routes = date.isochrones, date.merged, date.routes
    overlays = []
    if _has_rows(merged):
        overlays.append(times.merged_bands(merged, region.crs, roads_of=said))
    if _has_rows(isochrones):
        by_hub = {cluster.hub: colours[key] for key, cluster in region.clusters.items()}
        known = _known(region, layers)
        told = {"known": known, "colours": by_hub}
        overlays += times.bands(isochrones, region.crs, **told, show=not overlays, roads_of=said)
    if _has_rows(routes):
        overlays.append(times.routes(routes, region.crs))
    return overlays


def _known(region: Region, layers: Mapping[str, gpd.GeoDataFrame]) -> dict[str, str]:
    """Return the names of the places by their ids."""
    joined = places.gathered(layers, region.crs)
    rows = [] if joined is None else joined[["id", "name"]].to_dict("records")
    return {plain(row["id"]): plain(row["name"]) for row in rows}


def _trips(
    region: Region, layers: Mapping[str, gpd.GeoDataFrame], pairs: pd.DataFrame | None, said: str
) -> list[Overlay]:
    joined = places.gathered(layers, region.crs)
    if not _has_rows(pairs) or joined is None:
        return []
    found = trips.pairs(pairs, joined, region.crs, roads_of=said)
    return [found] if found else []


def _has_rows(frame: pd.DataFrame | None) -> TypeGuard[pd.DataFrame]:
    return frame is not None and len(frame) > 0


def _has_shapes(frame: gpd.GeoDataFrame) -> bool:
    return bool((~(frame.geometry.isna() | frame.geometry.is_empty)).any())


# --- the page ------------------------------------------------------------------------------------


def _assembled(
    region: Region,
    layers: Mapping[str, gpd.GeoDataFrame],
    background: Overlay,
    overlays: Sequence[Overlay],
    dates: Sequence[MapDate],
) -> folium.Map:
    import folium

    from technobelt.webmap.page import BeltMap, PageParts, waiting

    bounds = _bounds(layers)
    (south, west), (north, east) = bounds
    map_ = BeltMap(
        location=[(south + north) / 2, (west + east) / 2],
        zoom_start=9,
        tiles=None,
        zoom_control=False,
        zoom_snap=0.25,
        wheel_px_per_zoom_level=90,
        font_size="13px",
    )
    # Without a zoom nothing is drawn until the page fits the map to its bounds: once, not twice.
    del map_.options["zoom"]
    # folium would hand these to tiles of its own alone, of which there are none.
    map_.options |= {"min_zoom": _least_zoom(east - west), "max_zoom": _MOST_ZOOM}
    cast("Figure", map_.get_root()).title = safe(region.name)
    _add_panes(map_, [background, *overlays])
    groups = {o.name: _add_overlay(map_, o, base=o is background) for o in [background, *overlays]}
    folium.TileLayer(
        _TILES, attr=_TILES_BY, name="OpenStreetMap (needs internet)", show=False
    ).add_to(map_)
    control = folium.LayerControl(collapsed=False)
    control.add_to(map_)
    explained = panel.legend(sorted([*overlays, background], key=_in_legend))
    by_date = {date.as_of: date.verdicts for date in dates}
    panels = outlines.hatch() + innovation.hatch() + panel.card(region, by_date) + explained
    found = finder(layers)
    if found["places"]:
        panels += panel.search(found) + waiting("tb-found", found)
    if len(dates) > 1:
        panels += waiting("tb-later", _later(overlays))
    settings = {
        "bounds": bounds,
        "groups": {overlay.name: overlay.group for overlay in overlays},
        "attribution": [_credited(line) for line in region.attribution],
        "sea": bool(background.parts),
        "date": safe(dates[0].as_of),
        "dates": [safe(date.as_of) for date in dates],
        "dated": [overlay.name for overlay in overlays if overlay.dated],
    }
    map_.add_child(PageParts(panels, settings, control, groups))
    return map_


def _least_zoom(degrees: float) -> int:
    """Return how far out one may go: a wide region still fits a phone.

    Examples
    --------
    >>> _least_zoom(2.0), _least_zoom(360.0)
    (6, 0)
    """
    return min(_LEAST_ZOOM, int(math.log2(360 / max(degrees, 1e-6))))


def _later(overlays: Sequence[Overlay]) -> dict[str, Any]:
    """Return what waits for the reader to choose another date: date -> layer -> parts."""
    found: dict[str, Any] = {}
    for overlay in overlays:
        for date, parts in overlay.dated.items():
            found.setdefault(safe(date), {})[overlay.name] = [_waiting(part) for part in parts]
    return found


def _waiting(part: Part | Chords) -> dict[str, Any]:
    if isinstance(part, Chords):
        return {**part.data, "pane": part.pane}
    look = {"pane": part.pane, "interactive": part.interactive}
    return {"features": part.features, "options": {**look, **part.options}}


def _in_legend(overlay: Overlay) -> int:
    """Put first what was asked for, then what needs its colours explained most."""
    first = [paper.GROUP, times.CLAIMS, times.GROUP]
    return first.index(overlay.group) if overlay.group in first else len(first)


def _bounds(layers: Mapping[str, gpd.GeoDataFrame]) -> list[list[float]]:
    """Return south-west and north-east of the clusters, else of whatever there is."""
    frames = [layers["clusters"]] if "clusters" in layers else list(layers.values())
    boxes = [frame.to_crs("EPSG:4326").total_bounds for frame in frames]
    if not boxes:
        return [[-60.0, -180.0], [75.0, 180.0]]
    west, south = (float(min(box[i] for box in boxes)) for i in (0, 1))
    east, north = (float(max(box[i] for box in boxes)) for i in (2, 3))
    return [[south, west], [north, east]]


def _credited(line: str) -> str:
    """Escape an attribution and link OpenStreetMap's, as its licence asks."""
    said = "OpenStreetMap contributors"
    link = f'<a href="https://www.openstreetmap.org/copyright">{said}</a>'
    return safe(line).replace(said, link)


def _add_panes(map_: folium.Map, overlays: Sequence[Overlay]) -> None:
    from folium.map import CustomPane

    parts = [part for overlay in overlays for part in _all_parts(overlay)]
    used = dict.fromkeys(part.pane for part in parts)
    if "tb-pairs" in used:
        used["tb-ways"] = None
    for i, pane in enumerate(used):
        if pane == "markerPane":
            continue
        bands = pane.startswith("tb-bands")
        z_index = _PANES["tb-bands"] + i if bands else _PANES[pane]
        still = all(not part.interactive for part in parts if part.pane == pane)
        CustomPane(pane, z_index=z_index, pointer_events=not still).add_to(map_)


def _all_parts(overlay: Overlay) -> list[Part | Chords]:
    return [*overlay.parts, *(part for parts in overlay.dated.values() for part in parts)]


def _add_overlay(map_: folium.Map, overlay: Overlay, *, base: bool) -> folium.FeatureGroup:
    import folium

    group = folium.FeatureGroup(name=overlay.name, overlay=not base, show=overlay.show)
    for part in overlay.parts:
        _layer(part).add_to(group)
    group.add_to(map_)
    return group


def _layer(part: Part | Chords) -> MacroElement:
    from technobelt.webmap.page import PairLines

    return PairLines(part) if isinstance(part, Chords) else _geojson(part)


def _geojson(part: Part) -> folium.GeoJson:
    from folium.utilities import JsCode

    from technobelt.webmap.page import PackedGeoJson

    return PackedGeoJson(
        {"type": "FeatureCollection", "features": part.features},
        on_each_feature=JsCode("technobelt.bind") if part.interactive else None,
        pointToLayer=JsCode(f'technobelt.point("{part.pane}", {str(part.interactive).lower()})'),
        pane=part.pane,
        interactive=part.interactive,
        **part.options,
    )
