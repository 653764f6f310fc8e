"""Graphs as OSMnx makes them -> `Ways`, and a `Network` -> such a graph."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.counting import counted
from technobelt.errors import NetworkError
from technobelt.network.tags import ACCESS_KEYS, OsmRules, may_drive
from technobelt.network.ways import CODES, OSM_LICENCE, as_ways, said_by_tags
from technobelt.schema import ROAD_CLASSES, WGS84

if TYPE_CHECKING:
    from collections.abc import Iterable

    import networkx as nx

    from technobelt.network.model import Network
    from technobelt.network.ways import Ways

__all__ = ["network_to_graph", "read_graph"]

#: Assumed where no edge of a graph says what it is.
_ASSUMED = "residential"
#: A list in the text of a GraphML file longer than this is none that OSMnx writes.
_LONGEST_LIST = 20_000
#: A length that is shorter than the straight line by more than this is none.
_SHORTER = 0.99
_ROUNDED_M = 1.0
_TEXTS = ("highway", "maxspeed", "ref", "name", "bridge", "tunnel", "junction", *ACCESS_KEYS)


def read_graph(
    graph: nx.MultiDiGraph,
    *,
    classes: Iterable[str] = ROAD_CLASSES,
    rules: OsmRules | None = None,
) -> Ways:
    """Read a graph as OSMnx makes it, simplified or not, in degrees or projected.

    An arc and the arc back with the same tags, length and shape are one two-way road; what has no
    arc back is one-way, whatever its ``oneway`` says: a graph's arcs are what may be driven.
    Lengths are those of the graph; where an arc has none, or one shorter than the straight line,
    that of its shape. Of several classes or limits of one arc, the lowest counts.

    Parameters
    ----------
    graph
        Nodes with ``x``, ``y``; edges with ``highway``, ``length`` and, if bent, ``geometry``.
    classes
        ``highway`` values to keep.
    rules
        How tags are read that leave a choice.

    Returns
    -------
    Ways

    Raises
    ------
    NetworkError
        It has no CRS, a node has no position, or no edge is a road for cars.

    Examples
    --------
    >>> import networkx
    >>> graph = networkx.MultiDiGraph(crs="EPSG:4326")
    >>> graph.add_nodes_from([(1, {"x": 128.6, "y": 35.2}), (2, {"x": 128.61, "y": 35.2})])
    >>> _ = graph.add_edge(1, 2, highway="primary", oneway=False, length=911.0)
    >>> _ = graph.add_edge(2, 1, highway="primary", oneway=False, length=911.0)
    >>> read_graph(graph).backward.tolist()
    [True]
    """
    if not graph.is_directed():
        raise NetworkError("the graph is not directed: make it so with osmnx.convert.to_digraph.")
    number, xy = _nodes(graph)
    notes: dict[str, Any] = {}
    arcs = _arcs(graph, number, xy, set(classes), notes)
    if not arcs:
        raise NetworkError(
            "the graph has no edge that a car may drive; looked for highway = "
            f"{', '.join(ROAD_CLASSES)}. Download one with network_type='drive'."
        )
    roads = _paired(arcs)
    return _as_ways(roads, len(xy), _to_degrees(graph), rules or OsmRules(), graph, notes)


def _nodes(graph: Any) -> tuple[dict[Any, int], Any]:
    number = {node: i for i, node in enumerate(graph.nodes)}
    said = [(data.get("x"), data.get("y")) for _, data in graph.nodes(data=True)]
    xy = np.array([[_number(x), _number(y)] for x, y in said], dtype=np.float64).reshape(-1, 2)
    missing = ~np.isfinite(xy).all(axis=1)
    if missing.any():
        node = list(number)[int(missing.argmax())]
        lost = int(missing.sum())
        raise NetworkError(
            f"{lost} of {counted(len(xy), 'node')} of the graph {'has' if lost == 1 else 'have'} "
            f"no position, e.g. {node!r}. Give every node x and y, as osmnx.save_graphml does."
        )
    return number, xy


def _arcs(
    graph: Any, number: dict[Any, int], xy: Any, classes: set[str], notes: dict[str, Any]
) -> list[dict[str, Any]]:
    untold = not any("highway" in data for _, _, data in graph.edges(data=True))
    left_out = mixed = 0
    arcs = []
    for u, v, data in graph.edges(data=True):
        tags = {key: text for key in _TEXTS if (text := _text(data.get(key)))}
        found = _values(data.get("highway")) if not untold else [_ASSUMED]
        known = sorted((kind for kind in found if kind in classes), key=CODES.__getitem__)
        if not known or not may_drive(tags):
            left_out += 1
            continue
        mixed += len(set(known)) > 1
        tags["highway"] = known[-1]
        arcs.append(_arc(number[u], number[v], data, tags, xy))
    recomputed = sum(arc["length_m"] is None for arc in arcs)
    counted = {
        "edges_left_out": left_out,
        "edges_of_several_classes": mixed,
        "lengths_recomputed": recomputed,
        "class_assumed": [len(arcs), _ASSUMED] if untold else 0,
    }
    notes |= {name: count for name, count in counted.items() if count}
    return arcs


def _arc(u: int, v: int, data: Any, tags: dict[str, str], xy: Any) -> dict[str, Any]:
    shape = _shape(data.get("geometry"))
    points = xy[[u, v]] if shape is None else shape
    if shape is not None:
        # whoever made the graph undirected once may have left a shape that runs against its arc
        along = np.hypot(*(points[0] - xy[u])) + np.hypot(*(points[-1] - xy[v]))
        against = np.hypot(*(points[-1] - xy[u])) + np.hypot(*(points[0] - xy[v]))
        points = points[::-1].copy() if against < along else points.copy()
        points[0], points[-1] = xy[u], xy[v]
    length = _number(data.get("length"))
    tags.pop("oneway", None)
    return {
        "u": u,
        "v": v,
        "points": points,
        "tags": tags,
        "length_m": length if math.isfinite(length) and length > 0 else None,
    }


def _paired(arcs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join each arc with the arc back that is otherwise the same."""
    waiting: dict[Any, list[dict[str, Any]]] = {}
    roads = []
    for arc in arcs:
        back = waiting.get(_key(arc, arc["v"], arc["u"], arc["points"][::-1]))
        if back:
            back.pop()["backward"] = True
            continue
        arc["backward"] = False
        roads.append(arc)
        waiting.setdefault(_key(arc, arc["u"], arc["v"], arc["points"]), []).append(arc)
    return roads


def _key(arc: dict[str, Any], u: int, v: int, points: Any) -> Any:
    length = arc["length_m"]
    shape = np.ascontiguousarray(points[1:-1].round(7)).tobytes()
    return (
        *(u, v, shape, None if length is None else round(length, 1)),
        *sorted(arc["tags"].items()),
    )


def _to_degrees(graph: Any) -> Any:
    import pyproj

    said = graph.graph.get("crs")
    if said is None:
        raise NetworkError("the graph has no CRS. Set graph.graph['crs'], e.g. to 'EPSG:4326'.")
    try:
        return pyproj.Transformer.from_crs(said, WGS84, always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise NetworkError(f"the graph's CRS {str(said)!r:.80} is not known.") from error


def _as_ways(
    roads: list[dict[str, Any]],
    n_nodes: int,
    to_degrees: Any,
    rules: OsmRules,
    graph: Any,
    notes: dict[str, Any],
) -> Ways:
    from technobelt.network.sections import segment_lengths_m

    counts = np.array([len(road["points"]) for road in roads])
    start = np.concatenate([[0], np.cumsum(counts)])
    lonlat = np.column_stack(to_degrees.transform(*np.concatenate([r["points"] for r in roads]).T))
    node = n_nodes + np.arange(start[-1])  # a bend joins nothing
    node[start[:-1]] = [road["u"] for road in roads]
    node[start[1:] - 1] = [road["v"] for road in roads]
    kinds: dict[Any, int] = {}
    kind = [kinds.setdefault(tuple(sorted(r["tags"].items())), len(kinds)) for r in roads]
    columns = said_by_tags([dict(tags) for tags in kinds], np.array(kind), rules)
    columns["forward"] = np.ones(len(roads), dtype=bool)
    columns["backward"] = np.array([road["backward"] for road in roads])
    steps = np.concatenate([[0.0], np.cumsum(segment_lengths_m(lonlat))])
    drawn = steps[start[1:] - 1] - steps[start[:-1]]
    said = np.array([np.nan if r["length_m"] is None else r["length_m"] for r in roads])
    straight = _straight(lonlat, start)
    usable = np.isfinite(said) & (said >= _SHORTER * straight - _ROUNDED_M) & (drawn > 0)
    short = int((np.isfinite(said) & ~usable & (drawn > 0)).sum())
    if short:
        notes["lengths_recomputed"] = notes.get("lengths_recomputed", 0) + short
    columns["stretch"] = np.divide(said, drawn, out=np.ones(len(said)), where=usable)
    ways = as_ways(counts, node, lonlat, columns, notes=notes)
    if ways is None:
        raise NetworkError("the graph has no edge that a car may drive.")
    return _dated(ways, graph)


def _straight(lonlat: Any, start: Any) -> Any:
    from technobelt.network.sections import segment_lengths_m

    ends = np.stack([lonlat[start[:-1]], lonlat[start[1:] - 1]], axis=1).reshape(-1, 2)
    return segment_lengths_m(ends)[::2]


def _dated(ways: Ways, graph: Any) -> Ways:
    from dataclasses import replace

    made = str(graph.graph.get("created_with", ""))
    licence = str(graph.graph.get("licence") or "")
    if not licence:
        licence = OSM_LICENCE if made.startswith("OSMnx") else "that of the graph, which says none"
    date = str(graph.graph.get("date") or graph.graph.get("created_date") or "")[:10]
    return replace(ways, date=date if _is_date(date) else "", licence=licence)


def _is_date(text: str) -> bool:
    from technobelt.network.model import last_day

    try:
        return bool(last_day(text))
    except NetworkError:
        return False


def _values(value: Any) -> list[str]:
    """Return the texts of a value: of a list, of its text in a GraphML file, or of one alone."""
    if isinstance(value, str) and value[:1] in "[{(" and value and len(value) < _LONGEST_LIST:
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            return [str(value)]
    if isinstance(value, list | tuple | set | frozenset):
        return sorted({str(one) for one in value if not _is_nothing(one)})
    return [] if _is_nothing(value) else [str(value)]


def _is_nothing(value: Any) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and value in {"", "None", "nan"})


def _text(value: Any) -> str:
    return ";".join(_values(value))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _shape(value: Any) -> Any:
    """Return the vertices of a line, or of its text; None where there is no such line."""
    if isinstance(value, str):
        try:
            value = shapely.from_wkt(value)
        except shapely.errors.ShapelyError:
            return None
    if not isinstance(value, shapely.LineString) or value.is_empty:
        return None
    points = shapely.get_coordinates(value)
    return points if len(points) > 1 and np.isfinite(points).all() else None


def network_to_graph(network: Network) -> nx.MultiDiGraph:
    """Return a network as a graph that OSMnx works with.

    Parameters
    ----------
    network
        Closed sections are left out; edits of speed and waiting at gates are not in a graph.

    Returns
    -------
    networkx.MultiDiGraph
        EPSG:4326, simplified. Edges have ``osmid`` (the section's number), ``highway``, ``ref``,
        ``name``, ``maxspeed`` (km/h, text), ``oneway``, ``reversed``, ``length`` (m, on the
        ellipsoid), ``bridge``, ``tunnel``, ``opened`` and ``geometry``.

    Examples
    --------
    >>> import technobelt as tb
    >>> from technobelt.network import network_to_graph
    >>> network = tb.load_network(tb.load_region())
    >>> graph = network_to_graph(network)
    >>> graph.number_of_edges() == len(network.arc_tail)
    True
    """
    import networkx as nx
    import pyproj

    to_degrees = pyproj.Transformer.from_crs(network.crs, WGS84, always_xy=True)
    graph = nx.MultiDiGraph(
        crs="epsg:4326",
        simplified=True,
        created_with="technobelt",
        date=network.info.date,
        licence=network.info.licence,
    )
    lon, lat = to_degrees.transform(*network.nodes[["x", "y"]].to_numpy().T)
    turn: Any = to_degrees.transform  # several signatures, of which shapely wants one
    drawn = shapely.transform(network.lines, turn, interleaved=False)
    said = [_edge_data(row) for row in network.roads.drop(columns="geometry").to_dict("records")]
    one_way = network.one_way
    for arc in range(len(network.arc_tail)):
        section = int(network.arc_section[arc])
        if network.closed[section]:
            continue
        tail, head = int(network.arc_tail[arc]), int(network.arc_head[arc])
        for end in (tail, head):
            graph.add_node(end, x=float(lon[end]), y=float(lat[end]))
        ahead = bool(network.arc_forward[arc])
        graph.add_edge(
            tail,
            head,
            osmid=section,
            oneway=bool(one_way[section]),
            reversed=not ahead,
            geometry=drawn[section] if ahead else shapely.reverse(drawn[section]),
            **said[section],
        )
    return graph


def _edge_data(row: dict[Any, Any]) -> dict[str, Any]:
    limit = row["limit_kph"]
    data = {
        "highway": str(row["class"]),
        "ref": row["ref"],
        "name": row["name"],
        "maxspeed": None if np.isnan(limit) else f"{limit:g}",
        "length": float(row["length_m"]),
        "bridge": "yes" if row["bridge"] >= 0.5 else None,
        "tunnel": "yes" if row["tunnel"] >= 0.5 else None,
        "opened": row["opened"],
    }
    return {key: value for key, value in data.items() if value is not None}
