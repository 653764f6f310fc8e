"""The contraction hierarchy against peers in the same run; ratios land in `extra_info`.

Run with ``python -m pytest tests/benchmarks --benchmark-only``; pandana and pyvalhalla, where they
are installed, are peers too. On one core where it says so; times of trees are without the seconds
that compiled code takes to load.
"""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

import technobelt as tb
from source_material import ABSENT, SHARED
from technobelt.isochrone import audit
from technobelt.routing import Seeds, Topology, hierarchy, kernels, make_graph, trees, use_engine
from technobelt.routing.metric import make_metric, pruned
from technobelt.routing.order import make_order
from technobelt.travel_time import model_of

pytestmark = pytest.mark.skipif(
    not (SHARED / "south-korea-2021-08.osm.pbf").is_file(), reason=ABSENT
)
FILES = {"gyeongnam": "gyeongnam-2021-08.osm.pbf", "korea": "south-korea-2021-08.osm.pbf"}


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Return the networks, built when they are first asked for and read from their file."""
    home, known = tmp_path_factory.mktemp("networks"), {}

    def get(name):
        if name not in known:
            made = tb.build_network(SHARED / FILES[name], crs="EPSG:5179")
            tb.save_network(made, home / f"{name}.parquet")
            known[name] = tb.load_network(home / f"{name}.parquet")
        return known[name]

    return get


@pytest.fixture(scope="module")
def graphs(networks):
    """Return graphs at free flow; that of Gyeongnam without service roads."""
    known = {}

    def get(name):
        if name not in known:
            network = networks(name)
            costs = model_of(network, "free_flow").costs
            classes = network.roads["class"].astype(str).to_numpy()[network.arc_section]
            kept = np.isfinite(costs.arc_s) & ((classes != "service") | (name == "korea"))
            ends = network.arc_tail[kept], network.arc_head[kept]
            nodes, number = np.unique(np.concatenate(ends), return_inverse=True)
            tail, head = number.reshape(2, -1).astype(np.int32)
            metres = network.roads["length_m"].to_numpy()[network.arc_section][kept]
            topology = Topology(tail, head, len(nodes))
            known[name] = make_graph(topology, costs.arc_s[kept], metres)
        return known[name]

    return get


def seconds(run, rounds=1):
    found = []
    for _ in range(rounds):
        begin = time.perf_counter()
        run()
        found.append(time.perf_counter() - begin)
    return min(found)


def seeds_of(graph, k, seed=1):
    numbers = np.random.default_rng(seed).integers(0, graph.n_nodes, k)
    return Seeds(np.arange(k), numbers, np.zeros(k), np.zeros(k), k)


def by_scipy(graph):
    """Return scipy's matrix of the graph, times only, as one would hand it over."""
    rows = graph.rows
    shape = (graph.n_nodes, graph.n_nodes)
    return csr_array((graph.first(rows.weight), rows.head, rows.indptr), shape=shape)


def told(benchmark, **facts):
    benchmark.extra_info.update({name: round(float(fact), 4) for name, fact in facts.items()})


@pytest.mark.parametrize("name", FILES)
def test_one_tree_against_scipy(benchmark, graphs, name, monkeypatch):
    """Times and lengths of all nodes from one, against times alone; on all cores, and on one."""
    graph = graphs(name)
    metric, matrix = pruned(graph.metric()), by_scipy(graph)
    seeds = seeds_of(graph, 1)
    peer = seconds(lambda: dijkstra(matrix, indices=seeds.node[0]), 5)

    def grow():
        return hierarchy.one_tree(metric, seeds.node, np.zeros(1))

    grow()
    benchmark(grow)
    ms = benchmark.stats.stats.min * 1000
    monkeypatch.setattr(hierarchy, "_CORES", 1)
    alone = seconds(grow, 50) * 1000
    facts = {"nodes": graph.n_nodes, "scipy_ms": peer * 1000, "one_core_ms": alone}
    told(benchmark, **facts, ms=ms, ratio=peer * 1000 / ms)


@pytest.mark.parametrize("name", FILES)
def test_trees_in_batches_against_scipy(benchmark, graphs, name, monkeypatch):
    """Sixteen abreast on one core; what they reach stays in the order of ranks."""
    monkeypatch.setattr(hierarchy, "_CORES", 1)
    graph = graphs(name)
    metric, matrix = pruned(graph.metric()), by_scipy(graph)
    seeds = seeds_of(graph, 64)
    peer = seconds(lambda: dijkstra(matrix, indices=seeds.node[:4])) / 4
    starts = seeds.source, seeds.node, np.zeros(64)

    def grow():
        return sum(1 for _ in hierarchy.ranked(metric, starts, 64))

    grow()
    benchmark.pedantic(grow, rounds=3)
    ms = benchmark.stats.stats.median * 1000 / 64
    told(benchmark, scipy_ms=peer * 1000, ms=ms, ratio=peer * 1000 / ms)


@pytest.mark.parametrize("name", FILES)
def test_order_and_weights(benchmark, graphs, name):
    graph = graphs(name)
    make_metric(make_order(graph.topology), graph.weight)
    order_s = seconds(lambda: make_order(graph.topology))
    order = make_order(graph.topology)
    customize_s = seconds(lambda: make_metric(order, graph.weight), 3)
    benchmark.pedantic(lambda: pruned(make_metric(order, graph.weight)), rounds=3)
    told(
        benchmark,
        order_s=order_s,
        customize_s=customize_s,
        with_perfect_s=benchmark.stats.stats.median,
        all_s=order_s + benchmark.stats.stats.median,
    )


@pytest.mark.filterwarnings("ignore:Unsigned integer")  # pandana on places without a way
def test_a_thousand_by_a_thousand_with_lengths_against_pandana(benchmark, graphs):
    """pandana's times of 100 x 100 pairs stand for a hundred times as many."""
    pandana = pytest.importorskip("pandana", reason="pandana is not installed")
    import pandas as pd

    graph = graphs("gyeongnam")
    rows = graph.rows
    tail = np.repeat(np.arange(graph.n_nodes), np.diff(rows.indptr))
    x = pd.Series(np.arange(graph.n_nodes, dtype=float))
    cost = pd.DataFrame({"s": graph.first(rows.weight)})
    net = pandana.Network(x, x, pd.Series(tail), pd.Series(rows.head), cost, twoway=False)
    seeds, to = seeds_of(graph, 1000), seeds_of(graph, 1000, seed=2).node
    pairs = np.repeat(seeds.node[:100], 100), np.tile(to[:100], 100)
    net.shortest_path_lengths(*pairs)
    peer = seconds(lambda: net.shortest_path_lengths(*pairs), 3) * 100

    def matrix():
        return [graph.unpack(packed) for _, packed in trees(graph, seeds, nodes=to)]

    with use_engine("hierarchy"):
        matrix()
        benchmark(matrix)
    told(benchmark, pandana_s=peer, s=benchmark.stats.stats.median, ratio=peer / benchmark.stats.stats.median)  # fmt: skip


def test_ninety_minutes_as_a_polygon_against_valhalla(benchmark, networks, tmp_path_factory):
    """Warm, on the full network; Valhalla's polygon of its own network."""
    valhalla = pytest.importorskip("valhalla", reason="pyvalhalla is not installed")
    from technobelt.valhalla import build_tiles

    network, hub = networks("gyeongnam"), tb.facilities(tb.load_region()).loc[["UNI02"]]
    tiles = build_tiles(SHARED / FILES["gyeongnam"], tmp_path_factory.mktemp("tiles"))
    actor = valhalla.Actor(valhalla.get_config(tile_extract="", tile_dir=str(tiles)))
    point = hub.to_crs(4326).geometry.iloc[0]
    asked = {
        "locations": [{"lat": point.y, "lon": point.x}],
        "costing": "auto",
        "contours": [{"time": 90}],
        "polygons": True,
    }
    actor.isochrone(asked)
    peer = seconds(lambda: actor.isochrone(asked), 5)
    with use_engine("hierarchy"):
        tb.isochrones(network, hub, minutes=(90,))
        benchmark(lambda: tb.isochrones(network, hub, minutes=(90,)))
    ms = benchmark.stats.stats.median * 1000
    told(benchmark, valhalla_ms=peer * 1000, ms=ms, ratio=peer * 1000 / ms)


def test_how_often_polygons_are_wrong(benchmark, networks):
    """No time: the default grid's errors at four limits, per cent."""
    network, hub = networks("gyeongnam"), tb.facilities(tb.load_region()).loc[["UNI02"]]
    bands = tb.isochrones(network, hub, minutes=(15, 30, 60, 90))
    wrong = benchmark.pedantic(lambda: audit(network, hub, bands, positions=5000), rounds=1)
    for row in wrong.itertuples():
        facts = {"late_in": row.late_in * 100, "ok_out": row.ok_out * 100}
        told(benchmark, **{f"{name}_{row.minutes:g}": fact for name, fact in facts.items()})


def test_a_thousand_draws_of_the_ninety_minute_claim(benchmark):
    region = tb.load_region()
    network = tb.load_network(region)
    alone = seconds(lambda: tb.check_claims(region, network), 2)
    benchmark.pedantic(lambda: tb.check_claims(region, network, draws=1000), rounds=1)
    told(benchmark, draws_s=benchmark.stats.stats.median - alone)


def test_a_cold_isochrone_on_the_built_in_region(benchmark, tmp_path):
    """A process of its own; what is compiled is compiled already."""
    command = [sys.executable, "-m", "technobelt", "isochrone", "UNI02", "--out"]
    asked = [*command, str(tmp_path / "bands.gpkg")]
    subprocess.run(asked, check=True, capture_output=True)
    benchmark.pedantic(lambda: subprocess.run(asked, check=True, capture_output=True), rounds=3)


def test_memory_of_korea(benchmark, graphs):
    """Hierarchy and one batch of sixteen, MB: what numpy holds and what the process took at most."""
    import tracemalloc

    graph = graphs("korea")
    seeds = seeds_of(graph, kernels.LANES)
    starts = seeds.source, seeds.node, np.zeros(kernels.LANES)
    tracemalloc.start()
    order = make_order(graph.topology)
    metric = make_metric(order, graph.weight)
    benchmark.pedantic(lambda: list(hierarchy.ranked(metric, starts, kernels.LANES)), rounds=1)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    told(benchmark, held_mb=held / 1e6, most_mb=most / 1e6)
