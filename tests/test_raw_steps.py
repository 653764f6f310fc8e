"""Times between junctions are those of scipy on every single step of the ways in an OSM file.

The other graph is made here from the file itself: no chain is contracted, no shape is simplified, and
lengths are geodesics.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import osmium
import pyproj
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from technobelt.routing import Seeds, trees
from technobelt.travel_time import model_of, resolve_profile

CRS = "EPSG:5179"
PAIRS = (8, 200)


@pytest.fixture(scope="module")
def steps(shared):
    """Return where the nodes lie (degrees), and each step: its ends, km/h, whether it is one-way."""
    kph = resolve_profile("free_flow").speed_kph
    place, ends, speed, one_way, kind = {}, [], [], [], []
    ways = osmium.FileProcessor(str(shared / "gyeongnam-2021-08.osm.pbf")).with_locations()
    for way in ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)):
        name = way.tags["highway"]
        place.update({node.ref: (node.lon, node.lat) for node in way.nodes})
        refs = [node.ref for node in way.nodes]
        ends += pairwise(refs)
        n = len(refs) - 1
        speed += [kph[name].value] * n
        one_way += [way.tags.get("oneway", "yes" if name == "motorway" else "no") == "yes"] * n
        kind += [name] * n
    number = {ref: i for i, ref in enumerate(place)}
    pairs = np.array([(number[a], number[b]) for a, b in ends])
    lonlat, pairs = _parted(np.array(list(place.values())), pairs, np.array(kind))
    return lonlat, pairs, np.array(speed), np.array(one_way)


def _parted(lonlat, pairs, kind):
    """Give service roads ends of their own where they meet a motorway or its ramps."""
    on_motorway = np.zeros(len(lonlat), dtype=bool)
    on_motorway[pairs[np.isin(kind, ["motorway", "motorway_link"])]] = True
    cut = on_motorway[pairs] & (kind == "service")[:, None]
    more = lonlat[pairs[cut]]
    pairs[cut] = len(lonlat) + np.arange(len(more))
    return np.concatenate([lonlat, more]), pairs


def _seconds(steps, origins):
    lonlat, pairs, kph, one_way = steps
    metres = pyproj.Geod(ellps="WGS84").inv(*lonlat[pairs[:, 0]].T, *lonlat[pairs[:, 1]].T)[2]
    ends = np.concatenate([pairs, pairs[~one_way][:, ::-1]])
    cost = np.concatenate([metres / kph, (metres / kph)[~one_way]]) * 3.6
    best = np.lexsort((cost, ends[:, 1], ends[:, 0]))  # of parallel steps the quickest
    ends, cost = ends[best], cost[best]
    first = np.append(True, (np.diff(ends, axis=0) != 0).any(axis=1))
    graph = coo_array((cost[first], tuple(ends[first].T)), shape=(len(lonlat), len(lonlat)))
    return dijkstra(graph.tocsr(), indices=origins)


def test_junctions_are_as_far_apart_as_on_the_steps_of_the_raw_file(steps, gyeongnam):
    to_metres = pyproj.Transformer.from_crs(4326, CRS, always_xy=True)
    xy = np.column_stack(to_metres.transform(*steps[0].T))
    away, node = cKDTree(xy).query(gyeongnam.nodes[["x", "y"]].to_numpy(), k=2)
    sure = np.flatnonzero((away[:, 0] < 0.4) & (away[:, 1] > 0.8))  # kept to half a metre
    assert len(sure) > 0.99 * len(node)
    random = np.random.default_rng(7)
    origins, goals = (random.choice(sure, n, replace=False) for n in PAIRS)
    goals = np.sort(goals)
    none = np.zeros(len(origins))
    seeds = Seeds(np.arange(len(origins)), origins, none, none, len(origins))
    graph = model_of(gyeongnam, "free_flow").graph
    expected = _seconds(steps, node[origins, 0])[:, node[goals, 0]]
    for rows, reached in trees(graph, seeds, limit=np.inf, nodes=goals):
        seconds, _ = graph.unpack(reached)
        np.testing.assert_allclose(seconds, expected[rows], rtol=0, atol=0.2)
