"""Trees and polygons against peers in the same run; ratios land in `extra_info`.

Run with ``python -m pytest tests/benchmarks --benchmark-only``.
"""

from __future__ import annotations

import time

import networkx as nx
import numpy as np
import pytest

import technobelt as tb
from source_material import ABSENT, SHARED
from technobelt.network.ties import tie_points
from technobelt.travel_time import model_of, ways_out

ROADS = SHARED / "gyeongnam-2021-08.osm.pbf"


@pytest.fixture(scope="module")
def region():
    return tb.load_region()


@pytest.fixture(scope="module")
def network(region):
    return tb.load_network(region)


@pytest.fixture(scope="module")
def hub(region):
    return tb.facilities(region).loc[region.hubs[:1]]


def seconds(run):
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def as_networkx(network, costs):
    graph = nx.MultiDiGraph()
    graph.add_weighted_edges_from(
        zip(network.arc_tail.tolist(), network.arc_head.tolist(), costs.arc_s.tolist(), strict=True)
    )
    return graph


def test_one_tree_against_networkx(benchmark, network, hub):
    from technobelt.routing import trees

    model = model_of(network, "free_flow")
    seeds = ways_out(model, tie_points(network, hub)).seeds()
    graph, start = as_networkx(network, model.costs), int(seeds.node[0])
    peer = seconds(lambda: nx.single_source_dijkstra_path_length(graph, start))
    benchmark(lambda: list(trees(model.graph, seeds)))
    benchmark.extra_info["networkx_s"] = peer
    benchmark.extra_info["times_faster"] = peer / benchmark.stats.stats.median


def test_isochrone_with_polygon(benchmark, network, hub):
    model = model_of(network, "typical")
    ties = tie_points(network, hub)
    graph, start = as_networkx(network, model.costs), int(ways_out(model, ties).node[0])
    peer = seconds(lambda: nx.single_source_dijkstra_path_length(graph, start))
    benchmark(lambda: tb.isochrones(network, hub, minutes=(90,), profile="typical"))
    benchmark.extra_info["networkx_tree_alone_s"] = peer
    benchmark.extra_info["ratio"] = peer / benchmark.stats.stats.median


@pytest.mark.skipif(not ROADS.is_file(), reason=ABSENT)
def test_build_against_reading_alone(benchmark):
    import osmium

    def read():
        ways = osmium.FileProcessor(str(ROADS)).with_locations()
        return sum(len(way.nodes) for way in ways if way.is_way())

    peer = seconds(read)
    built = benchmark.pedantic(lambda: tb.build_network(ROADS), rounds=1)
    benchmark.extra_info["reading_alone_s"] = peer
    benchmark.extra_info["ratio"] = benchmark.stats.stats.median / peer
    assert np.isfinite(built.roads["length_m"]).all()
