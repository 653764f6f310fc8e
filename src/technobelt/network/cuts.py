"""Cut sections at positions along them, so that a road may be joined there, or a border drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from shapely import ops

from technobelt.network.model import network_from_roads

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.model import Network

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    #: Where along a section which node lies, from its u to its v.
    Stops = list[tuple[float, int]]

__all__ = ["Cut", "cut_sections", "with_sections"]

#: Cuts nearer to each other, or to an end, than this are one, m.
_SAME_M = 1.0


@dataclass(frozen=True, eq=False)
class Cut:
    """A network some of whose sections were cut.

    Attributes
    ----------
    network
        The first part of a section keeps its number, the others come after all sections; see
        its `known_as`.
    node
        int64 (k): the routing node at each cut asked for.
    """

    network: Network
    node: Ints


def cut_sections(network: Network, section: Ints, fraction: Floats) -> Cut:
    """Cut sections; times between places do not change by it.

    Parameters
    ----------
    network
        Without edits of a scenario.
    section, fraction
        int64, float64 (k): where to cut, in any order. Within a metre of a junction nothing is cut:
        that junction is the node then.
    """
    stops, node = _stops(network, section, fraction)
    cut = {number: along for number, along in stops.items() if len(along) > 2}
    if not cut:
        return Cut(network, node)
    parts = pd.DataFrame([part for number in cut for part in _parts(network, number, cut[number])])
    first = ~parts["parent"].duplicated()
    later = parts.loc[~first, "parent"].to_numpy(np.int64)
    roads = network.roads
    more = _with_parts(roads.iloc[later], parts[~first])
    made = with_sections(replace(network, roads=_shortened(roads, parts[first])), more)
    closed = np.append(network.closed, network.closed[later])
    parent = np.append(network.known_as, network.known_as[later])
    return Cut(replace(made, closed=closed, parent=parent), node)


_CUT_COLUMNS = ("u", "v", "length_m")


def _with_parts(rows: gpd.GeoDataFrame, parts: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return rows of sections with the ends, lengths and shapes of their parts."""
    said = {name: parts[name].to_numpy() for name in _CUT_COLUMNS}
    if "wait_s" in rows:
        said["wait_s"] = np.zeros(len(rows))  # the first part keeps it
    return rows.assign(**said).set_geometry(parts["geometry"].to_numpy(), crs=rows.crs)


def _shortened(roads: gpd.GeoDataFrame, parts: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the road table in which sections are their first parts."""
    number = parts["parent"].to_numpy(np.int64)
    said = {name: roads[name].to_numpy().copy() for name in _CUT_COLUMNS}
    shapes = np.asarray(roads.geometry.to_numpy(), dtype=object).copy()
    for name, values in (*said.items(), ("geometry", shapes)):
        values[number] = parts[name]
    return roads.assign(**said).set_geometry(shapes, crs=roads.crs)


def with_sections(network: Network, more: gpd.GeoDataFrame) -> Network:
    """Return the network with more sections after its own, which only a scenario has, open."""
    import geopandas as gpd

    columns = network.roads.columns
    rows = [
        network.roads.astype({"class": object}),
        more.astype({"class": object}).reindex(columns=columns),
    ]
    roads = gpd.GeoDataFrame(pd.concat(rows, ignore_index=True), crs=network.crs)
    made = network_from_roads(roads, network.info, barriers=network.barriers)
    closed = np.append(network.closed, np.zeros(len(more), dtype=bool))
    return replace(made, closed=closed, parent=np.append(network.known_as, np.full(len(more), -1)))


def _stops(network: Network, section: Ints, fraction: Floats) -> tuple[dict[int, Stops], Ints]:
    """Return the nodes along each section to be cut, and the one of each cut."""
    u, v = (network.roads[end].to_numpy(np.int64) for end in ("u", "v"))
    length = network.roads["length_m"].to_numpy(np.float64)
    node = np.empty(len(section), dtype=np.int64)
    stops: dict[int, Stops] = {}
    fresh = len(network.nodes)
    for i in np.lexsort((fraction, section)):
        number, here = int(section[i]), float(fraction[i])
        along = stops.setdefault(number, [(0.0, int(u[number])), (1.0, int(v[number]))])
        gaps = [abs(at - here) for at, _ in along]
        nearest = int(np.argmin(gaps))
        if gaps[nearest] * length[number] < _SAME_M:
            node[i] = along[nearest][1]
            continue
        along.insert(-1, (here, fresh))  # cuts come in order
        node[i] = fresh
        fresh += 1
    return stops, node


def _parts(network: Network, number: int, along: Stops) -> list[dict[str, Any]]:
    line, length = network.lines[number], float(network.roads["length_m"].iloc[number])
    return [
        {
            "parent": number,
            "u": begin_node,
            "v": end_node,
            "length_m": length * (end - begin),
            "geometry": ops.substring(line, begin, end, normalized=True),
        }
        for (begin, begin_node), (end, end_node) in pairwise(along)
    ]
