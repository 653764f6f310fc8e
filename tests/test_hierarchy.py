"""The contraction hierarchy: its order, its weights, and scipy beside it on real roads."""

from __future__ import annotations

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import technobelt as tb
from technobelt.errors import NetworkError
from technobelt.routing import (
    Seeds,
    Topology,
    hierarchy,
    make_graph,
    nearest_tree,
    trees,
    use_engine,
)
from technobelt.routing import order as orders
from technobelt.routing.metric import make_metric, pruned
from technobelt.routing.order import make_order, order_of, read_order
from technobelt.scenario import Scenario
from technobelt.travel_time import model_of, travel_times

N = 12
ARCS = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(0, N - 1), st.integers(0, 60)),
    min_size=1,
    max_size=50,
)


def topology_of(arcs, n=N, file=None):
    tail, head = (np.array([arc[i] for arc in arcs], dtype=np.int32) for i in (0, 1))
    return Topology(tail, head, n, file)


def graph_of(arcs, n=N):
    cost = np.array([arc[2] for arc in arcs], dtype=float)
    return make_graph(topology_of(arcs, n), cost, cost * 10, step=1.0)


def from_all(n):
    numbers = np.arange(n)
    return Seeds(numbers, numbers, np.zeros(n), np.zeros(n), n)


def all_times(graph, **options):
    """Return the first cost between all nodes, by the hierarchy."""
    with use_engine("hierarchy"):
        rows = [packed for _, packed in trees(graph, from_all(graph.n_nodes), **options)]
    return graph.unpack(np.concatenate(rows))[0]


def grid_arcs(side, *, both=True):
    """Return the streets of a town of `side` by `side` corners."""
    number = np.arange(side * side).reshape(side, side)
    pairs = [*zip(number[:, :-1].ravel(), number[:, 1:].ravel(), strict=True)]
    pairs += [*zip(number[:-1].ravel(), number[1:].ravel(), strict=True)]
    arcs = [(int(a), int(b), 7) for a, b in pairs]
    return arcs + [(b, a, cost) for a, b, cost in arcs] if both else arcs


# --- the order -----------------------------------------------------------------------------------


@pytest.mark.parametrize("metis", [True, False])
@settings(max_examples=60, deadline=None)
@given(ARCS)
def test_an_order_is_chordal_and_holds_every_arc(metis, arcs):
    topology = topology_of(arcs)
    order = make_order(topology, metis=metis)
    assert sorted(order.rank) == list(range(N))
    upper = [set(order.upper[a:b]) for a, b in zip(order.begin, order.begin[1:], strict=False)]
    for v in range(N):
        for u in upper[v]:
            assert u > v
            assert upper[v] - {u} >= {x for x in upper[v] if x > u} - {u}
            assert {x for x in upper[v] if x > u} <= upper[u]  # what is left of it is a clique
        assert order.parent[v] == min(upper[v], default=-1)
    for i, (tail, head, _) in enumerate(arcs):
        low, high = sorted((order.rank[tail], order.rank[head]))
        if tail == head:
            assert order.slot[i] == -1
        else:
            assert order.begin[low] <= order.slot[i] < order.begin[low + 1]
            assert order.upper[order.slot[i]] == high


@pytest.mark.parametrize("metis", [True, False])
def test_subtrees_stand_together(metis):
    order = make_order(topology_of(grid_arcs(9), 81), metis=metis)
    for v in range(81):
        inside = range(v - order.size[v] + 1, v + 1)
        for u in range(81):
            above = u
            while above not in {-1, v}:
                above = order.parent[above]
            assert (above == v) == (u in inside)


def test_dissection_by_levels_needs_few_shortcuts():
    """A town of 40 by 40 corners; eliminated row by row it would take 40 times as many as corners."""
    arcs = grid_arcs(40, both=False)
    by_levels = make_order(topology_of(arcs, 1600), metis=False)
    by_metis = make_order(topology_of(arcs, 1600), metis=True)
    assert len(by_metis.upper) < 1600 * 16
    assert len(by_levels.upper) < 2.5 * len(by_metis.upper)


def test_a_stretch_of_ranks_needs_itself_and_the_top_alone():
    order = make_order(topology_of(grid_arcs(40), 1600))
    assert len(order.stretches) > 4
    assert [a for a, _ in order.stretches[1:]] == [b for _, b in order.stretches[:-1]]
    top = set(order.top.tolist())
    assert len(top) < 400
    for low, high in order.stretches:
        for v in set(range(low, high)) - top:
            above = order.parent[v]
            assert above == -1 or low <= above < high or int(above) in top
    assert (np.diff(order.top) < 0).all()


def test_both_orders_give_the_same_times(monkeypatch):
    arcs = grid_arcs(7)
    by_metis = all_times(graph_of(arcs, 49))
    orders._orders.clear()
    monkeypatch.setattr(orders.importlib.util, "find_spec", lambda _: None)
    np.testing.assert_array_equal(all_times(graph_of(arcs, 49)), by_metis)


def test_an_order_is_kept_read_again_and_not_trusted_for_other_roads(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(orders, "_KEPT_FROM", 1)
    monkeypatch.setattr(orders, "_orders", {})
    file = tmp_path / "roads.order.npz"
    topology = topology_of(grid_arcs(5), 25, file)
    made = order_of(topology)
    assert file.is_file()
    read = read_order(topology)
    for name in ("rank", "parent", "size", "begin", "upper", "slot", "rises"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))
    other = topology_of([*grid_arcs(5), (0, 24, 3)], 25, file)
    with caplog.at_level(logging.INFO, logger="technobelt"):
        assert read_order(other) is None
    assert "the order of other roads" in caplog.text


@pytest.mark.parametrize("held", [b"", b"no order at all", b"half", b"table"])
def test_a_file_that_holds_no_order_is_told_and_made_anew(tmp_path, monkeypatch, caplog, held):
    """Nothing, text, half of an archive, and an array of numpy's."""
    monkeypatch.setattr(orders, "_KEPT_FROM", 1)
    monkeypatch.setattr(orders, "_orders", {})
    file = tmp_path / "roads.order.npz"
    topology = topology_of(grid_arcs(5), 25, file)
    made = order_of(topology)
    whole = file.read_bytes()
    file.write_bytes({b"half": whole[: len(whole) // 2]}.get(held, held))
    if held == b"table":
        with file.open("wb") as stream:
            np.save(stream, made.rank)
    assert read_order(topology) is None
    assert "cannot be read" in caplog.text
    orders._orders.clear()
    order_of(topology)
    np.testing.assert_array_equal(read_order(topology).rank, made.rank)


def test_threads_that_ask_for_orders_at_once_get_them(monkeypatch):
    monkeypatch.setattr(orders, "_orders", {})
    towns = [topology_of(grid_arcs(side), side * side) for side in range(2, 9)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(order_of, towns * 60))
    assert [order.key for order in found] == [town.key for town in towns * 60]
    assert len(orders._orders) == orders._REMEMBERED


@pytest.mark.parametrize("metis", [True, False])
def test_a_network_without_a_node_or_without_an_arc_has_an_order(metis):
    for n in (0, 1, 2):
        none = np.zeros(0, dtype=np.int32)
        order = make_order(Topology(none, none, n), metis=metis)
        assert sorted(order.rank) == list(range(n))


def test_compiled_loops_do_without_a_folder_to_be_kept_in():
    """The package and the user's home may both be read-only, in a container for instance."""
    program = """
from numba.core import caching
for locator in caching.CacheImpl._locator_classes:
    locator.from_function = classmethod(lambda *_: None)
from technobelt.routing import kernels
import numpy as np
print(kernels.subtree_sizes(np.array([2, 2, -1], dtype=np.int32)))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[1 1 3]"


def test_a_folder_that_refuses_the_order_stops_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(orders, "_KEPT_FROM", 1)
    monkeypatch.setattr(orders, "_orders", {})
    (tmp_path / "file").write_text("", encoding="utf-8")
    topology = topology_of(grid_arcs(3), 9, tmp_path / "file" / "roads.order.npz")
    assert order_of(topology).n_nodes == 9


# --- weights -------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(ARCS)
def test_pruning_changes_no_time_and_adds_no_arc(arcs):
    graph = graph_of(arcs)
    whole = make_metric(order_of(graph.topology), graph.weight)
    few = pruned(whole)
    for one, two in ((whole.up, few.up), (whole.down, few.down)):
        assert len(two.weight) <= np.isfinite(one.weight).sum()
    before = all_times(graph)
    graph.shared.metric = few
    np.testing.assert_array_equal(all_times(graph), before)


@settings(max_examples=60, deadline=None)
@given(ARCS)
def test_times_keep_the_triangle_inequality(arcs):
    times = all_times(graph_of(arcs))
    assert (times[:, None, :] <= times[:, :, None] + times[None, :, :]).all()


@settings(max_examples=60, deadline=None)
@given(ARCS, st.data())
def test_closing_a_road_never_shortens_a_time_and_opening_one_never_lengthens_it(arcs, data):
    graph = graph_of(arcs)
    shut = data.draw(st.integers(0, len(arcs) - 1))
    weight = graph.weight.copy()
    weight[shut] = np.inf
    closed = type(graph)(graph.topology, weight, graph.step)
    assert (all_times(closed) >= all_times(graph)).all()
    assert order_of(closed.topology) is order_of(graph.topology)  # no new order


@settings(max_examples=60, deadline=None)
@given(ARCS)
def test_the_reverse_of_the_reversed_network_is_the_network(arcs):
    there = all_times(graph_of(arcs))
    turned = graph_of([(head, tail, cost) for tail, head, cost in arcs])
    np.testing.assert_array_equal(all_times(turned).T, there)
    np.testing.assert_array_equal(all_times(turned.turned), there)


@settings(max_examples=60, deadline=None)
@given(ARCS, st.lists(st.integers(0, N - 1), min_size=1, max_size=4), st.integers(0, 60))
def test_few_targets_and_a_limit_get_the_same_times(arcs, targets, limit):
    graph = graph_of(arcs)
    whole = all_times(graph)
    np.testing.assert_array_equal(all_times(graph, nodes=np.array(targets)), whole[:, targets])
    within = all_times(graph, limit=float(limit))
    near = whole <= limit
    np.testing.assert_array_equal(within[near], whole[near])
    assert (within[~near] > limit).all()


@settings(max_examples=60, deadline=None)
@given(ARCS, st.integers(0, 60))
def test_the_nearest_within_a_limit_are_the_nearest(arcs, limit):
    graph = graph_of(arcs)
    seeds = Seeds(np.array([0, 1]), np.array([2, 5]), np.zeros(2), np.zeros(2), 2)
    with use_engine("hierarchy"):
        packed, which = nearest_tree(graph, seeds)
        near, same = nearest_tree(graph, seeds, limit=float(limit))
    inside = graph.first(packed) <= limit
    np.testing.assert_array_equal(near[inside], packed[inside])
    np.testing.assert_array_equal(same[inside], which[inside])


def test_of_equally_near_searches_the_first_counts_with_both_engines():
    line = [(0, 1, 5), (1, 0, 5), (1, 2, 5), (2, 1, 5)]
    seeds = Seeds(np.array([1, 0]), np.array([0, 0]), np.zeros(2), np.zeros(2), 2)
    for engine in ("scipy", "hierarchy"):
        with use_engine(engine):
            assert nearest_tree(graph_of(line, 3), seeds)[1].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("cost", "said"), [(-1.0, "is -1.0"), (np.nan, "is nan")])
def test_a_cost_that_is_none_is_refused_with_its_arc(cost, said):
    topology = topology_of([(0, 1, 0), (1, 0, 0)], 2)
    with pytest.raises(NetworkError, match=f"first cost of arc 1 {said}"):
        make_graph(topology, np.array([1.0, cost]), np.ones(2))


# --- real roads ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def roads():
    return tb.load_network(tb.load_region())


def both_engines(graph, seeds, **options):
    out = []
    for engine in ("scipy", "hierarchy"):
        with use_engine(engine):
            out.append(np.concatenate([packed for _, packed in trees(graph, seeds, **options)]))
    return out


def agree(one, two):
    """Times and the lengths of the same ways, to the last bit."""
    assert np.isfinite(one).mean() > 0.5
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("toward", [False, True])
def test_a_hundred_random_sources_agree_with_scipy_on_real_roads(roads, toward):
    graph = model_of(roads, "typical").graph
    graph = graph.turned if toward else graph
    rng = np.random.default_rng(7)
    start = rng.integers(0, graph.n_nodes, 100)
    seeds = Seeds(np.arange(100), start, np.zeros(100), np.zeros(100), 100)
    agree(*both_engines(graph, seeds))


def test_one_tree_is_the_same_by_one_core_and_by_several(roads, monkeypatch):
    graph = model_of(roads, "typical").graph
    with use_engine("hierarchy"):
        metric = pruned(graph.metric())
    monkeypatch.setattr(hierarchy, "_WORTH_STRETCHES", 1)
    for node in np.random.default_rng(3).integers(0, graph.n_nodes, 20):
        found = []
        for cores in (1, 2, 5):
            monkeypatch.setattr(hierarchy, "_CORES", cores)
            found.append(hierarchy.one_tree(metric, np.array([node]), np.zeros(1)))
        np.testing.assert_array_equal(found[1], found[0])
        np.testing.assert_array_equal(found[2], found[0])


@pytest.mark.parametrize("toward", [False, True])
@pytest.mark.parametrize("perfect", [False, True])
def test_one_tree_with_a_limit_is_the_same_within_it(roads, toward, perfect):
    """From several seeds, with costs of their own; little of the land is looked at."""
    graph = model_of(roads, "typical").graph
    metric = make_metric(order_of(graph.topology), graph.weight)
    metric = pruned(metric) if perfect else metric
    metric = metric.turned if toward else metric
    rng = np.random.default_rng(3)
    for _ in range(20):
        seeds = rng.integers(0, graph.n_nodes, 3), rng.integers(0, 200_000, 3).astype(float)
        whole = hierarchy.one_tree(metric, *seeds)
        for limit_s in (100, 300, 900, 3600):
            limit = limit_s / graph.step
            part = hierarchy.one_tree(metric, *seeds, limit)
            within = whole <= limit
            np.testing.assert_array_equal(part[within], whole[within])
            assert (part[~within] > limit).all()
        assert 0 < np.isfinite(hierarchy.one_tree(metric, *seeds, 300 / graph.step)).mean() < 0.5


def test_batches_are_the_same_by_one_core_and_by_several(roads, monkeypatch):
    graph = model_of(roads, "typical").graph
    start = np.random.default_rng(5).integers(0, graph.n_nodes, 100)
    seeds = Seeds(np.arange(100), start, np.zeros(100), np.zeros(100), 100)
    monkeypatch.setattr(hierarchy, "_WORTH_THREADS", 1)
    found = []
    for cores in (1, 3):
        monkeypatch.setattr(hierarchy, "_CORES", cores)
        with use_engine("hierarchy"):
            found.append(np.concatenate([packed for _, packed in trees(graph, seeds)]))
    np.testing.assert_array_equal(*found)


def test_a_hundred_random_sources_agree_on_the_full_network(gyeongnam):
    graph = model_of(gyeongnam, "typical").graph
    rng = np.random.default_rng(11)
    start, to = rng.integers(0, graph.n_nodes, (2, 100))
    seeds = Seeds(np.arange(100), start, np.zeros(100), np.zeros(100), 100)
    agree(*both_engines(graph, seeds, nodes=to))
    agree(*both_engines(graph.turned, seeds, nodes=to))


def test_whichever_engine_answers_tables_are_the_same(roads):
    places = tb.facilities(tb.load_region()).head(12)
    tables = []
    for engine in ("scipy", "hierarchy"):
        with use_engine(engine):
            tables.append(travel_times(roads, places, places, profile="peak"))
    assert tables[0].equals(tables[1])


def test_a_new_road_makes_a_new_order_and_a_closed_one_does_not(roads):
    """A road that the supergraph cannot hold; both engines agree on all of it."""
    line = [[128.30, 35.30], [128.90, 35.40]]
    add = {"id": "new", "do": "add_road", "line": line, "class": "motorway", "join_m": 5000}
    shut = {"id": "shut", "do": "close", "roads": {"ref": ["104"]}}
    places = tb.facilities(tb.load_region()).head(8)
    base = roads.topology.key
    for edit, same in ((add, False), (shut, True)):
        edited = roads.with_scenario(Scenario.model_validate({"id": "s", "edits": [edit]}))
        assert (edited.topology.key == base) is same
        tables = []
        for engine in ("scipy", "hierarchy"):
            with use_engine(engine):
                tables.append(travel_times(edited, places, places, profile="typical"))
        assert tables[0].equals(tables[1])
