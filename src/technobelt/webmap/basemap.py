"""The quiet basemap: land, inland water, roads by class and names, all from the region's layers."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from technobelt.style import road_style
from technobelt.webmap.dates import absent
from technobelt.webmap.facts import plain, safe
from technobelt.webmap.overlays import (
    FINE,
    Entry,
    Overlay,
    Part,
    base_colours,
    drawn,
    feature,
    packed,
    swatch_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["BASE", "basemap"]

BASE = "Plain map"
#: From the least to the most important: what comes later is drawn on top.
_CLASSES = ("tertiary", "secondary", "primary", "trunk", "motorway")
#: Classes without which one finds one's way; the others are drawn inside the clusters only.
_EVERYWHERE = {"secondary", "primary", "trunk", "motorway"}
_STREETS = ("residential", "unclassified")
#: The classes that the legend tells of.
_SAID = {"motorway": "Motorway", "trunk": "Trunk road", "primary": "Primary road"}
#: Where the clusters lie within so many metres, minor roads are wanted everywhere too.
_CITY_M, _QUARTER_M = 20_000.0, 5_000.0
#: Roads may be off by this share of how far the clusters reach: half a pixel of a screen.
_ROAD_TOLERANCE = 1 / 2000
_ROAD_TOLERANCE_M, _LAND_TOLERANCE_M, _WATER_TOLERANCE_M = 60.0, 120.0, 60.0
#: Below this a lake is a speck at any zoom that shows the belt.
_WATER_MIN_M2 = 50_000.0
#: More vertices than this of minor roads are left out: they would be most of the file.
_MINOR_MAX = 40_000


def basemap(
    layers: Mapping[str, gpd.GeoDataFrame],
    roads: gpd.GeoDataFrame | None,
    crs: str,
    dates: Sequence[str] = (),
) -> Overlay:
    """Return the basemap as one layer of the radio kind.

    The page leaves out roads that were not open on the one of `dates` that it shows.
    """
    parts = [*_land(layers, crs), *_water(layers, crs)]
    entries: list[Entry] = []
    if roads is not None and len(roads):
        parts.append(_roads(roads, layers.get("clusters"), crs, dates))
        there = {shape["properties"]["road"] for shape in parts[-1].features}
        entries += [_road_entry(name) for name in _SAID if name in there]
    parts += _labels(layers, crs)
    return Overlay(BASE, "Background", parts, entries)


def _land(layers: Mapping[str, gpd.GeoDataFrame], crs: str) -> list[Part]:
    """Simplify neighbours together, so that no slivers of sea open between them."""
    frame = layers.get("municipalities", layers.get("clusters"))
    if frame is None or frame.empty:
        return []
    metric = frame.to_crs(crs)
    shapes = metric.geometry[~(metric.geometry.isna() | metric.geometry.is_empty)]
    simple = shapely.coverage_simplify(shapely.force_2d(shapes.to_numpy()), _LAND_TOLERANCE_M)
    land = gpd.GeoSeries(simple, crs=metric.crs).to_crs("EPSG:4326")
    base = base_colours()
    style = {"fillColor": base["land"], "fillOpacity": 1, "color": base["border"], "weight": 0.7}
    return [
        Part(
            [packed(shape) for shape in land],
            "tb-land",
            style,
            interactive=False,
        )
    ]


def _water(layers: Mapping[str, gpd.GeoDataFrame], crs: str) -> list[Part]:
    """Draw lakes and rivers; the sea is what is left of the land, the page's own colour."""
    if "barriers" not in layers:
        return []
    frame = layers["barriers"].to_crs(crs)
    if "kind" in frame:
        frame = frame[frame["kind"] != "sea"]
    frame = drawn(frame[frame.area >= _WATER_MIN_M2], crs, tolerance_m=_WATER_TOLERANCE_M)
    if frame.empty:
        return []
    whole = shapely.multipolygons(shapely.get_parts(frame.geometry.to_numpy()))
    style = {"stroke": False, "fillColor": base_colours()["water"], "fillOpacity": 1}
    return [Part([packed(whole)], "tb-water", style, interactive=False)]


def _roads(
    roads: gpd.GeoDataFrame, clusters: gpd.GeoDataFrame | None, crs: str, dates: Sequence[str]
) -> Part:
    columns = [name for name in ("class", "opened", roads.geometry.name) if name in roads]
    metric = roads[columns].to_crs(crs)
    main = metric["class"].str.removesuffix("_link")
    span = _span_m(clusters, crs)
    classes, wanted = _wanted(span)
    metric, main = metric[main.isin(classes)], main[main.isin(classes)]
    inside = _inside(metric, clusters)
    merged = []
    for name in classes:
        everywhere = (metric["class"] == name) & (name in wanted)
        chosen = metric[everywhere | ((main == name) & inside)]
        style = road_style(name)
        look = {"color": style["colour"], "weight": style["width"]}
        for shut, roads_then in _by_date(chosen, dates):
            lines = _merged(roads_then, crs, min(_ROAD_TOLERANCE_M, span * _ROAD_TOLERANCE))
            if lines is None or (name not in _EVERYWHERE and _vertices(lines) > _MINOR_MAX):
                continue
            told = {"shut": list(shut)} if shut else {}
            merged.append(packed(lines, road=name, style=look, **told))
    options = {"lineCap": "round", "lineJoin": "round"}
    return Part(merged, "tb-roads", options, interactive=False)


def _span_m(clusters: gpd.GeoDataFrame | None, crs: str) -> float:
    """Return how far the clusters reach, corner to corner; infinite where there are none."""
    if clusters is None or clusters.empty:
        return math.inf
    west, south, east, north = clusters.to_crs(crs).total_bounds
    return math.hypot(east - west, north - south)


def _wanted(span_m: float) -> tuple[tuple[str, ...], set[str]]:
    """Return the classes that are drawn, the least first, and those that are drawn everywhere."""
    if span_m > _CITY_M:
        return _CLASSES, _EVERYWHERE
    if span_m > _QUARTER_M:
        return _CLASSES, {*_CLASSES}
    return (*_STREETS, *_CLASSES), {*_STREETS, *_CLASSES}


def _by_date(
    roads: gpd.GeoDataFrame, dates: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], gpd.GeoDataFrame]]:
    """Part roads by the dates on which they were not open yet."""
    if not dates or "opened" not in roads or roads.empty:
        yield (), roads
        return
    by_opening = {day: tuple(absent({"opened": day}, dates)) for day in roads["opened"].unique()}
    shut = roads["opened"].map(lambda day: by_opening.get(day, ()))
    for group in dict.fromkeys(shut):
        yield group, roads[[dates_of == group for dates_of in shut]]


def _inside(metric: gpd.GeoDataFrame, clusters: gpd.GeoDataFrame | None) -> Any:
    """Return which lines start inside a cluster."""
    if clusters is None or clusters.empty:
        return metric["class"].isin(())
    belt = shapely.union_all(clusters.to_crs(metric.crs).geometry.to_numpy())
    shapely.prepare(belt)
    ends = shapely.get_point(shapely.get_geometry(metric.geometry.to_numpy(), 0), 0)
    return shapely.intersects(belt, ends)


def _merged(roads: gpd.GeoDataFrame, crs: str, tolerance_m: float) -> Any:
    """Return all lines of a class as one shape: a few long lines are far fewer bytes."""
    lines = shapely.get_parts(roads.geometry.dropna().to_numpy())
    if not len(lines):
        return None
    whole = shapely.line_merge(shapely.multilinestrings(lines))
    simple = shapely.simplify(whole, tolerance_m, preserve_topology=False)
    return gpd.GeoSeries([simple], crs=crs).to_crs("EPSG:4326").iloc[0]


def _vertices(shape: Any) -> int:
    return int(shapely.get_num_coordinates(shape))


def _road_entry(name: str) -> Entry:
    style = road_style(name)
    return Entry("Roads", swatch_line(style["colour"], style["width"] + 0.6), _SAID[name])


# --- names ---------------------------------------------------------------------------------------


def _labels(layers: Mapping[str, gpd.GeoDataFrame], crs: str) -> list[Part]:
    """Write the names of cities and counties, those of the clusters first.

    The page hides those that would stand on each other (`rank`: the lower, the more important).
    """
    frame = layers.get("municipalities")
    if frame is None or frame.empty or "name" not in frame:
        return []
    towns = _towns(frame.to_crs(crs))
    points = gpd.GeoSeries(towns["point"], crs=crs).to_crs("EPSG:4326")
    shapes = [
        feature(point, FINE, icon=_label(town), rank=rank)
        for rank, (point, town) in enumerate(zip(points, towns.to_dict("records"), strict=True))
    ]
    return [Part(shapes, "tb-labels", interactive=False)]


def _towns(frame: gpd.GeoDataFrame) -> Any:
    """Join the districts of a city, most important first."""
    rows = [_town(row) for row in frame.drop(columns=frame.geometry.name).to_dict("records")]
    table = gpd.GeoDataFrame(rows, geometry=frame.geometry.to_numpy(), crs=frame.crs)
    joined = table.dissolve(["town", "korean"], aggfunc="min").reset_index()
    biggest = joined.geometry.map(_largest)
    joined["point"] = biggest.representative_point()
    joined["area"] = joined.geometry.area
    return joined.sort_values(["rank", "area"], ascending=[True, False])


def _largest(shape: Any) -> Any:
    return max(shapely.get_parts(shape), key=lambda part: part.area)


def _town(row: Mapping[str, Any]) -> dict[str, Any]:
    """Name the town that a municipality belongs to.

    Korean municipalities end in -si (city), -gun (county) or -gu (district of a city: that named
    before it, or else the metropolis that the province is). Other names stay as they are.
    """
    name, korean = plain(row.get("name")), plain(row.get("name_ko"))
    member = plain(row.get("cluster")) not in {"", "outside"}
    county = name.endswith("-gun")
    if name.endswith("-gu"):
        city, _, district = name.rpartition(" ")
        name = city if district and city else plain(row.get("province"))
        match = re.match(r"(.+?)시.+구$", korean)
        korean = match.group(1) if match else plain(row.get("province_ko"))
    name, korean = re.sub(r"-(si|gun)$", "", name), re.sub(r"(?<=..)[시군]$", "", korean)
    rank = 0 if member else 2 if county else 1
    return {"town": name, "korean": korean, "rank": rank}


def _label(town: Mapping[str, Any]) -> dict[str, Any]:
    korean = f'<span lang="ko">{safe(town["korean"])}</span>' if town["korean"] else ""
    return {
        "html": f"<div>{safe(town['town'])}{korean}</div>",
        "class": f"tb-town tb-rank{town['rank']}",
    }
