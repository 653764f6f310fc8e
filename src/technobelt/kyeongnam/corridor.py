"""The corridor's stretches: one carriageway's line, cut at the interchanges that each names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.errors import NetworkError
from technobelt.kyeongnam.boundaries import METRES
from technobelt.kyeongnam.highway import make_interchanges, openings, stretch_ends
from technobelt.kyeongnam.source import ROADS, SEGMENTS, read_table, refuse
from technobelt.kyeongnam.streets import read_routes
from technobelt.kyeongnam.wording import (
    FACTS_LICENCE,
    OSM_LICENCE,
    OSM_SOURCE,
    name_of_1999,
    plain_note,
    plain_source,
)
from technobelt.schema import WGS84

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray
    from shapely import Geometry, LineString

__all__ = ["ROUTES", "carriageway", "make_corridor"]

ROUTES = ("10", "102", "104")
IN_2021 = {"10": "yes", "102": "option", "104": "no"}  # the second branch is a road of its own
TOLERANCE_M = 30
BESIDE_M = 1_000  # an interchange farther from the line than this lies beyond the roads' edge

_COLUMNS = (
    *("segment_id", "line_id", "route_no_today", "route_no_1999", "name", "opened"),
    *("open_in_1999", "sources", "note"),
)


def make_corridor(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``corridor``, WGS 84: one row a stretch of routes 10, 102 and 104.

    The shape is the carriageway that leads away from kilometre 0 (eastward on all three).

    Raises
    ------
    LayerError
        A stretch names an interchange that its line does not have.
    NetworkError
        The roads hold no such route.
    """
    import geopandas as gpd

    table = read_table(source, SEGMENTS, _COLUMNS)
    table = table[table["route_no_today"].isin(ROUTES)]
    junctions = make_interchanges(source).to_crs(METRES)
    ends = {line: _ends(row, junctions, line) for line, row in table.iterrows()}
    lines = _lines(source, junctions)
    routes = zip(table["route_no_today"], ends.values(), strict=True)
    parts = [_part(lines[route], *pair) for route, pair in routes]
    facts = _facts(table, list(ends.values()), [clipped for _, clipped in parts])
    shapes = gpd.GeoSeries([shape for shape, _ in parts], index=table.index, crs=METRES)
    frame = gpd.GeoDataFrame(facts, geometry=shapes.simplify(TOLERANCE_M))
    return frame.assign(length_km=_length_km(shapes)).to_crs(WGS84)


def _ends(
    row: pd.Series[Any], junctions: gpd.GeoDataFrame, line: object
) -> tuple[pd.Series[Any], pd.Series[Any]]:
    found = stretch_ends(row["name"], junctions[junctions["line"] == row["line_id"]], line)
    if found is None:
        refuse(SEGMENTS, line, f"'{row['name']}' names no two interchanges")
    return found


def carriageway(
    roads: NDArray[np.object_], first: tuple[float, float], last: tuple[float, float]
) -> LineString:
    """Chain a route's one-way roads into the carriageway that leads from `first` to `last`.

    Of all ways from a beginning to an end of the route, the longest that starts nearer to `first`
    and ends nearer to `last`: lay-bys and the other carriageway are no such way.

    Parameters
    ----------
    roads
        LineStrings in metres, drawn in the direction of travel.
    first, last
        Where the route begins and ends, metres.

    Raises
    ------
    NetworkError
        There is no such way.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> there = [shapely.LineString([(x, 0), (x + 10, 0)]) for x in (10, 0)]
    >>> back = [shapely.LineString([(20, 5), (0, 5)])]
    >>> carriageway(np.array(there + back), (0, 2), (20, 2)).wkt
    'LINESTRING (0 0, 10 0, 20 0)'
    """
    import shapely

    starts, ends, nodes = _graph(roads)
    order = _longest_chain(roads, starts, ends, nodes, np.array([first, last]))
    points = [shapely.get_coordinates(roads[road]) for road in order]
    joined = np.vstack([points[0], *(part[1:] for part in points[1:])])
    return shapely.LineString(joined)


def _lines(source: Path, junctions: gpd.GeoDataFrame) -> dict[str, LineString]:
    lines = {}
    for route, roads in read_routes(source, ROADS, ["motorway"], ROUTES).items():
        along = junctions[junctions["route_no"] == route].sort_values("order").geometry
        first, last = along.iloc[0], along.iloc[-1]
        lines[route] = carriageway(roads, (first.x, first.y), (last.x, last.y))
    return lines


def _graph(
    roads: NDArray[np.object_],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return where each road starts and ends (numbers of nodes), and the nodes' positions."""
    import shapely

    ends = [shapely.get_coordinates(shapely.get_point(roads, end)) for end in (0, -1)]
    nodes, number = np.unique(np.round(np.vstack(ends), 1), axis=0, return_inverse=True)
    starts, stops = np.split(number.ravel().astype(np.intp), 2)
    return starts, stops, nodes.astype(np.float64)


def _longest_chain(
    roads: NDArray[np.object_],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
    nodes: NDArray[np.float64],
    goal: NDArray[np.float64],
) -> list[int]:
    import shapely
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import dijkstra

    size = len(nodes)
    links = csr_matrix((shapely.length(roads), (starts, ends)), shape=(size, size))
    nearer_first = np.hypot(*(nodes - goal[0]).T) < np.hypot(*(nodes - goal[1]).T)
    begin = np.setdiff1d(np.flatnonzero(nearer_first), ends)
    finish = np.setdiff1d(np.flatnonzero(~nearer_first), starts)
    if not (len(begin) and len(finish)):
        raise NetworkError("a route of the corridor has no beginning or no end. Check its roads.")
    far, before = dijkstra(links, indices=begin, return_predecessors=True)
    reach = np.where(np.isfinite(far[:, finish]), far[:, finish], -1)
    if reach.max() < 0:
        raise NetworkError("a route of the corridor is interrupted. Check its roads.")
    row, column = np.unravel_index(reach.argmax(), reach.shape)
    return _roads_between(int(finish[column]), before[row], starts, ends)


def _roads_between(
    node: int, before: NDArray[np.int32], starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> list[int]:
    number = {pair: road for road, pair in enumerate(zip(starts, ends, strict=True))}
    chain = []
    while before[node] >= 0:
        chain.append(number[before[node], node])
        node = int(before[node])
    return chain[::-1]


def _part(line: LineString, first: pd.Series[Any], last: pd.Series[Any]) -> tuple[Geometry, bool]:
    """Cut a line between two interchanges; say whether one lies beyond the line."""
    from shapely.ops import substring

    places = [end["geometry"] for end in (first, last)]
    clipped = any(place.distance(line) > BESIDE_M for place in places)
    start, stop = sorted(float(line.project(place)) for place in places)
    return substring(line, start, stop), clipped


def _length_km(shapes: gpd.GeoSeries) -> list[float]:
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    return [round(geod.geometry_length(shape) / 1000, 3) for shape in shapes.to_crs(WGS84)]


def _facts(
    table: pd.DataFrame,
    ends: list[tuple[pd.Series[Any], pd.Series[Any]]],
    clipped: Iterable[bool],
) -> dict[str, object]:
    dates = openings(table, SEGMENTS)
    number = table["route_no_1999"].str.extract(r"^(\d+(?:-\d+)?)", expand=False)
    return {
        "id": table["segment_id"],
        "name": table["name"],
        "name_ko": [" - ".join(str(end["name_ko"]) for end in pair) for pair in ends],
        "name_1999": table["name"].map(name_of_1999),
        "route_no": table["route_no_today"],
        "route_1999": number.where(number.notna(), None),
        "opened": [date.opened for date in dates],
        "opened_ev": [date.evidence for date in dates],
        "existed_1999": table["open_in_1999"],
        "in_1999": np.where(table["open_in_1999"] == "yes", "yes", "no"),
        "in_2021": table["route_no_today"].map(IN_2021),
        "source": [
            f"shape: {OSM_SOURCE}; dates: {plain_source(text)}" for text in table["sources"]
        ],
        "licence": f"shape: {OSM_LICENCE}; dates: {FACTS_LICENCE}",
        "confidence": "high",
        "note": [_note(*row) for row in zip(table["note"], clipped, strict=True)],
    }


def _note(note: str, clipped: bool) -> str | None:  # noqa: FBT001
    edge = "cut off at the edge of the roads" if clipped else ""
    return plain_note("; ".join(part for part in (edge, note) if part))
