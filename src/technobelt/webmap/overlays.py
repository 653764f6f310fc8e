"""What every layer of the map is made of: groups, parts, GeoJSON features, legend entries."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.schema import WGS84
from technobelt.style import load_style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

__all__ = [
    "COARSE",
    "FINE",
    "Chords",
    "Entry",
    "Overlay",
    "Part",
    "base_colours",
    "drawn",
    "feature",
    "features",
    "hatching",
    "pack",
    "packed",
    "swatch_area",
    "swatch_line",
]

#: Decimals of a degree: 4 are about 10 m, enough for what was simplified by more; 5 are about 1 m.
COARSE, FINE = 4, 5
_LETTERS = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", np.uint8
)


@dataclass(frozen=True)
class Part:
    """Features that are drawn alike: Leaflet path options, in one pane."""

    features: list[dict[str, Any]]
    pane: str
    options: Mapping[str, Any] = field(default_factory=dict)
    interactive: bool = True


@dataclass(frozen=True)
class Chords:
    """Lines between places that the page bends and explains itself; see `technobelt.pairs` there.

    Attributes
    ----------
    data
        ``limit``: minutes; ``places``: latitude, longitude, name (HTML); ``looks``: path options;
        ``pairs``: two places, a look, then for there and back: minutes or why there are none
        (None: not asked), and the percentage of draws within the limit where drawn; ``ways``,
        where known: for each of ``pairs`` the ways there and back, packed (None: not known).
    pane
        Where they are drawn.
    """

    data: Mapping[str, Any]
    pane: str
    interactive: bool = True


@dataclass(frozen=True)
class Entry:
    """One line of the legend: a heading it stands under, a swatch (HTML), a text."""

    heading: str
    swatch: str
    text: str


@dataclass(frozen=True)
class Overlay:
    """One row of the layer control: its parts are switched together. `name` is HTML, escaped.

    Attributes
    ----------
    dated
        What stands in place of `parts` where the reader chooses another date; see `dates`.
    """

    name: str
    group: str
    parts: Sequence[Part | Chords]
    legend: Sequence[Entry] = ()
    show: bool = True
    dated: Mapping[str, Sequence[Part | Chords]] = field(default_factory=dict)


def base_colours() -> dict[str, str]:
    """Return the basemap's colours on this map: those of all maps, and what differs here."""
    style = load_style()
    return {**style["base"], **style.get("webmap", {})}


def drawn(frame: gpd.GeoDataFrame, crs: str, *, tolerance_m: float) -> gpd.GeoDataFrame:
    """Return the rows that have a shape, simplified in metres, in WGS 84."""
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if tolerance_m and len(frame):
        metric = frame.to_crs(crs)
        frame = metric.set_geometry(metric.geometry.simplify(tolerance_m))
    return frame.to_crs(WGS84)


def feature(shape: Any, digits: int, **properties: Any) -> dict[str, Any]:
    """Return one GeoJSON feature, its coordinates rounded; what rounds to nothing is left out."""
    geometry = shapely.geometry.mapping(_rounded(shape, digits))
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _rounded(shape: Any, digits: int) -> Any:
    area = shapely.get_dimensions(shape) == 2
    whole = shapely.make_valid(shape) if area and not shapely.is_valid(shape) else shape
    rounded = shapely.set_precision(shapely.force_2d(whole), 10.0**-digits)
    # GEOS leaves 128.12340000000001 here and there: eleven bytes that say nothing.
    return shapely.transform(rounded, lambda xy: np.round(xy, digits))


def packed(shape: Any, **properties: Any) -> dict[str, Any]:
    """Return a feature whose lines and rings are texts, a sixth of their size; see `pack`.

    Only what one looks at is packed (basemap, drive times); the plan stays plain GeoJSON.

    Examples
    --------
    >>> packed(shapely.LineString([(128.0, 35.0), (128.0001, 34.9999)]))["geometry"]
    {'type': 'MultiLineString', 'coordinates': ['ggkuCgzrVCB']}
    """
    parts = shapely.get_parts(shapely.get_parts(_rounded(shape, COARSE)))  # of collections too
    areas = [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    lines = [part for part in parts if part.geom_type == "LineString" and not part.is_empty]
    geometry = (
        {"type": "MultiPolygon", "coordinates": _packed_areas(areas)}
        if areas
        else {"type": "MultiLineString", "coordinates": _packed_lines(lines)}
    )
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _packed_areas(areas: list[Any]) -> list[list[str]]:
    _, xy, (rings, polygons, _) = shapely.to_ragged_array([shapely.multipolygons(areas)])
    texts = pack(xy, rings)
    return [texts[a:b] for a, b in itertools.pairwise(polygons.tolist())]


def _packed_lines(lines: list[Any]) -> list[str]:
    if not lines:
        return []
    _, xy, (starts,) = shapely.to_ragged_array(lines)
    return pack(xy, starts)


def pack(xy: NDArray[np.float64], starts: NDArray[np.integer[Any]]) -> list[str]:
    """Return lines as texts: steps from vertex to vertex, x before y.

    The encoded polyline algorithm (units of the fourth decimal, five bits a letter, the sign
    last), but with the letters of base64url, none of which means anything to HTML, JSON or folium.

    Parameters
    ----------
    xy
        float64 (vertices, 2), degrees.
    starts
        Where each line starts, and the number of vertices.

    Examples
    --------
    >>> pack(np.array([[128.0, 35.0], [128.0001, 34.9999]]), np.array([0, 2]))
    ['ggkuCgzrVCB']
    """
    units = np.rint(xy * 10**COARSE).astype(np.int64)
    steps = np.diff(units, axis=0, prepend=0)
    steps[starts[:-1]] = units[starts[:-1]]
    codes = ((steps << 1) ^ (steps >> 63)).ravel()[:, None] >> np.arange(0, 40, 5)
    more = np.pad(codes[:, 1:] > 0, ((0, 0), (0, 1)))
    used = np.pad(codes[:, 1:] > 0, ((0, 0), (1, 0)), constant_values=True)
    text = _LETTERS[(codes & 31) + np.where(more, 32, 0)][used].tobytes().decode("ascii")
    ends = np.concatenate([[0], used.reshape(len(units), -1).sum(axis=1).cumsum()])[starts]
    return [text[a:b] for a, b in itertools.pairwise(ends.tolist())]


def features(
    frame: gpd.GeoDataFrame, properties: Sequence[Mapping[str, Any]], digits: int
) -> list[dict[str, Any]]:
    """Return one feature a row, with the properties given for it."""
    pairs = zip(frame.geometry, properties, strict=True)
    return [feature(shape, digits, **row) for shape, row in pairs]


def swatch_area(fill: str, *, stroke: str = "none", opacity: float = 1.0, dash: str = "") -> str:
    """Return a small rectangle for the legend."""
    return (
        '<svg width="22" height="14" aria-hidden="true"><rect x="1.5" y="1.5" width="19" '
        f'height="11" rx="2" fill="{fill}" fill-opacity="{opacity}" stroke="{stroke}" '
        f'stroke-width="1.6" stroke-dasharray="{dash}"/></svg>'
    )


def hatching(key: str, colour: str, *, degrees: float) -> str:
    """Return a pattern for fills as HTML that takes no room; ``url(#key)`` is its colour.

    Leaflet writes a fill as it stands into the SVG, so that it may be a pattern of the page.
    """
    return (
        '<svg class="tb-patterns" width="0" height="0" aria-hidden="true"><defs>'
        f'<pattern id="{key}" width="5" height="5" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate({degrees:g})"><rect width="5" height="5" fill="#FFFFFF" '
        f'fill-opacity="0.35"/><path d="M0 0v5" stroke="{colour}" stroke-width="2.2"/>'
        "</pattern></defs></svg>"
    )


def swatch_line(colour: str, width: float, *, dash: str = "", opacity: float = 1.0) -> str:
    """Return a short line for the legend."""
    return (
        '<svg width="22" height="14" aria-hidden="true"><path d="M1 7h20" fill="none" '
        f'stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}" '
        f'stroke-opacity="{opacity}"/></svg>'
    )
