"""Shortest paths: arrays in, arrays out."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from technobelt.routing import (
    Graph,
    Seeds,
    Topology,
    arcs_back,
    dijkstra,
    make_graph,
    nearest_tree,
    trees,
    use_engine,
)

ARCS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 50), st.integers(0, 900)),
    min_size=1,
    max_size=25,
)


@pytest.fixture(params=["scipy", "hierarchy"], scope="module", autouse=True)
def engine(request):
    """Let each test run with both engines."""
    with use_engine(request.param):
        yield request.param


def graph_of(arcs, n=7, step=1.0):
    tail, head, first, second = (np.array(column) for column in zip(*arcs, strict=True))
    topology = Topology(tail.astype(np.int32), head.astype(np.int32), n)
    return make_graph(topology, first.astype(float), second.astype(float), step=step)


def seeds_of(*found, n=None):
    """Return seeds of (search, node, first, second)."""
    source, node, first, second = (np.array(column) for column in zip(*found, strict=True))
    n = int(source.max()) + 1 if n is None else n
    return Seeds(source, node, first.astype(float), second.astype(float), n)


def all_costs(graph, seeds, **options):
    """Return both costs of all searches, (searches, nodes)."""
    rows = list(trees(graph, seeds, **options))
    assert np.concatenate([searches for searches, _ in rows]).tolist() == list(range(seeds.n))
    return graph.unpack(np.concatenate([packed for _, packed in rows]))


def by_networkx(arcs, root, n=7):
    """Return the costs of the best paths, least first cost, then least second; exact integers."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(n))
    for tail, head, first, second in arcs:
        graph.add_edge(tail, head, weight=first * 10**9 + second)
    found = nx.single_source_dijkstra_path_length(graph, root)
    return [divmod(found[node], 10**9) if node in found else None for node in range(n)]


def agree(first, second, expected):
    for one, two, pair in zip(first, second, expected, strict=True):
        if pair is None:
            assert np.isinf(one)
            assert np.isinf(two)
        else:
            assert one == pytest.approx(pair[0], abs=1e-9)
            assert two == pytest.approx(pair[1], abs=0.01)


# --- by hand -----------------------------------------------------------------------------------
#
#     0 --5--> 1 --5--> 2 --1--> 3      0 -> 2 directly: 10 as well, but 90 long instead of 100
#     4 is alone; 5 <-> 6 is an island; 3 has a loop; 0 -> 1 has a worse parallel arc

PAPER = [
    (0, 1, 7, 1),
    (0, 1, 5, 60),
    (1, 2, 5, 40),
    (0, 2, 10, 90),
    (2, 3, 1, 0),
    (3, 3, 2, 2),
    (5, 6, 3, 3),
    (6, 5, 3, 3),
]


def test_a_tree_on_paper():
    first, second = all_costs(graph_of(PAPER), seeds_of((0, 0, 0, 0)))
    agree(first[0], second[0], [(0, 0), (5, 60), (10, 90), (11, 90), None, None, None])


def test_a_tree_toward_a_node_is_grown_on_the_graph_turned_round():
    first, second = all_costs(graph_of(PAPER).turned, seeds_of((0, 3, 0, 0)))
    agree(first[0], second[0], [(11, 90), (6, 40), (1, 0), (0, 0), None, None, None])


def test_of_parallel_arcs_the_quicker_then_the_shorter_then_the_lower_is_taken():
    graph = graph_of([(0, 1, 5, 70), (0, 1, 5, 60), (0, 1, 4, 99), (0, 1, 4, 99)], n=2)
    assert graph.rows.arc.tolist() == [2]
    assert [float(cost[0]) for cost in graph.unpack(graph.rows.weight)] == pytest.approx([4, 99])


def test_an_arc_of_infinite_cost_is_closed():
    graph = graph_of([(0, 1, np.inf, np.inf), (0, 1, 9, 1)], n=2)
    assert graph.rows.arc.tolist() == [1]


def test_an_arc_that_costs_nothing_is_no_wall():
    graph = graph_of([(0, 1, 0, 0), (1, 2, 5, 0)], n=3)
    first, _ = all_costs(graph, seeds_of((0, 0, 0, 0)))
    assert first[0].tolist() == [0, 0, 5]


def test_the_better_of_several_seeds_counts_at_each_node():
    """Search 0 starts at 0 for 3, or at 3 for 20; search 1 nowhere; search 2 at 6."""
    seeds = seeds_of((0, 0, 3, 0), (0, 3, 20, 1), (0, 3, 21, 0), (2, 6, 0, 0), n=3)
    first, second = all_costs(graph_of(PAPER), seeds)
    agree(first[0], second[0], [(3, 0), (8, 60), (13, 90), (14, 90), None, None, None])
    assert np.isinf(first[1]).all()
    agree(first[2], second[2], [None] * 5 + [(3, 3), (0, 0)])


def test_seeds_of_infinite_cost_start_nothing():
    first, _ = all_costs(graph_of(PAPER), seeds_of((0, 0, np.inf, 0), (0, 2, 4, 0)))
    assert np.isinf(first[0][:2]).all()
    assert first[0][2:4].tolist() == [4, 5]


def test_the_nearest_search_is_named_at_each_node():
    graph = graph_of(PAPER)
    packed, search = nearest_tree(graph, seeds_of((0, 0, 0, 0), (1, 2, 4, 0), (2, 6, 1, 0)))
    first, second = graph.unpack(packed)
    assert search.tolist() == [0, 0, 1, 1, -1, 2, 2]
    agree(first, second, [(0, 0), (5, 60), (4, 0), (5, 0), None, (4, 3), (1, 0)])


def path_to(graph, seeds, *nodes, beyond=None):
    """Return which of some nodes the best path leads to, and its arcs."""
    costs = np.zeros(len(nodes)) if beyond is None else np.array(beyond, dtype=float)
    [(_, [packed])] = trees(graph, seeds)
    total = packed[list(nodes)] + costs
    which = int(total.argmin()) if np.isfinite(total).any() else -1
    roots = dict(zip(seeds.node.tolist(), graph.pack(seeds.first, seeds.second), strict=True))
    return which, arcs_back(graph, packed, nodes[which], roots).tolist()


def test_a_path_is_told_arc_by_arc():
    graph = graph_of(PAPER)
    assert path_to(graph, seeds_of((0, 0, 0, 0)), 3) == (0, [3, 4])
    assert path_to(graph, seeds_of((0, 1, 0, 0)), 3) == (0, [2, 4])


def test_a_path_to_its_own_seed_or_to_nowhere_has_no_arcs():
    graph = graph_of(PAPER)
    assert path_to(graph, seeds_of((0, 0, 0, 0)), 0) == (0, [])
    assert path_to(graph, seeds_of((0, 0, 0, 0)), 5) == (-1, [])


def test_a_cul_de_sac_that_costs_nothing_leads_no_path_astray():
    """2 hangs on 1 by an arc of no length, whose number is lower than that of the arc from 0."""
    graph = graph_of([(2, 1, 0, 0), (1, 2, 0, 0), (0, 1, 5, 5)], n=3)
    assert path_to(graph, seeds_of((0, 0, 0, 0)), 1) == (0, [2])
    assert path_to(graph, seeds_of((0, 0, 0, 0)), 2) == (0, [2, 1])


def test_paths_beyond_what_sums_are_exact_for_join_up_too():
    """A town of 6 by 6 corners whose streets take hours each."""
    corner = np.arange(36).reshape(6, 6)
    ends = [(corner[:, :-1], corner[:, 1:]), (corner[:-1], corner[1:])]
    tail, head = (np.concatenate([pair[i].ravel() for pair in ends]) for i in (0, 1))
    tail, head = np.append(tail, head), np.append(head, tail)
    rng = np.random.default_rng(3)
    first, second = rng.uniform(3, 6, len(tail)) * 3600, rng.uniform(1, 9000, len(tail))
    topology = Topology(tail.astype(np.int32), head.astype(np.int32), 36)
    graph = make_graph(topology, first, second)
    for root in range(0, 36, 5):
        for goal in set(range(36)) - {root}:
            arcs = path_to(graph, seeds_of((0, root, 0, 0)), goal)[1]
            assert tail[arcs[0]] == root
            assert head[arcs[-1]] == goal
            np.testing.assert_array_equal(tail[arcs[1:]], head[arcs[:-1]])


def test_half_way_between_two_searches_the_first_counts():
    line = graph_of([(0, 1, 5, 1), (1, 0, 5, 1), (1, 2, 5, 1), (2, 1, 5, 1), (1, 3, 2, 0)], n=4)
    for ends in ((0, 2), (2, 0)):
        packed, search = nearest_tree(
            line, seeds_of(*((i, end, 0, 0) for i, end in enumerate(ends)))
        )
        assert search[[1, 3]].tolist() == [0, 0]
        assert line.first(packed).tolist() == [0, 5, 0, 7]


def test_of_several_ends_the_one_with_the_least_in_all_counts():
    graph = graph_of(PAPER)
    first, _ = all_costs(graph, seeds_of((0, 0, 0, 0)))
    near, far = 1, 3
    steps = float((first[0][far] - first[0][near]) / graph.step)
    assert path_to(graph, seeds_of((0, 0, 0, 0)), near, far, 5, beyond=(steps + 1, 0, 0))[0] == 1
    assert path_to(graph, seeds_of((0, 0, 0, 0)), near, far, 5, beyond=(steps - 1, 0, 0))[0] == 0


def test_nothing_beyond_the_limit_is_promised_and_all_within_it_is():
    first, _ = all_costs(graph_of(PAPER), seeds_of((0, 0, 0, 0)), limit=10)
    assert first[0][:3].tolist() == [0, 5, 10]
    assert first[0][3] == 11 or np.isinf(first[0][3])


def test_no_searches_grow_no_trees():
    none = np.zeros(0, dtype=np.int64)
    empty = Seeds(none, none, none.astype(float), none.astype(float), 0)
    assert list(trees(graph_of(PAPER), empty)) == []


# --- packed costs ------------------------------------------------------------------------------


@given(st.integers(0, 10_000_000), st.floats(0, 900_000))
def test_two_costs_come_back_as_they_were_packed(steps, second):
    """Up to ten million steps (nearly three hours) and 900 km in metres, to 1/16 of one."""
    graph = graph_of(PAPER, step=0.001)
    one, two = graph.unpack(graph.pack(np.array([steps * 0.001]), np.array([second])))
    assert one[0] == pytest.approx(steps * 0.001, abs=1e-9)
    assert two[0] == pytest.approx(second, abs=1 / 32)


# --- against networkx --------------------------------------------------------------------------


@settings(max_examples=120, deadline=None)
@given(ARCS)
def test_trees_equal_those_of_networkx(arcs):
    first, second = all_costs(graph_of(arcs), seeds_of(*((i, i, 0, 0) for i in range(7))))
    for root in range(7):
        agree(first[root], second[root], by_networkx(arcs, root))


@settings(max_examples=60, deadline=None)
@given(ARCS)
def test_trees_toward_equal_those_of_networkx(arcs):
    graph = graph_of(arcs).turned
    first, second = all_costs(graph, seeds_of(*((i, i, 0, 0) for i in range(7))))
    reversed_arcs = [(head, tail, one, two) for tail, head, one, two in arcs]
    for root in range(7):
        agree(first[root], second[root], by_networkx(reversed_arcs, root))


@settings(max_examples=60, deadline=None)
@given(ARCS)
def test_turned_round_twice_a_graph_is_itself(arcs):
    graph = graph_of(arcs)
    twice = Graph(graph.topology, graph.weight, graph.step, toward=True).turned
    for one, two in zip(twice.rows, graph.rows, strict=True):
        np.testing.assert_array_equal(one, two)


@settings(max_examples=60, deadline=None)
@given(ARCS, st.integers(0, 6), st.integers(0, 6))
def test_a_paths_arcs_join_up_and_cost_what_the_tree_says(arcs, root, goal):
    graph, seeds = graph_of(arcs), seeds_of((0, root, 0, 0))
    path = [arcs[i] for i in path_to(graph, seeds, goal)[1]]
    expected = by_networkx(arcs, root)[goal]
    here = root
    for tail, head, _, _ in path:
        assert tail == here
        here = head
    if expected is None or goal == root:
        assert path == []
    else:
        assert here == goal
        assert (sum(a[2] for a in path), sum(a[3] for a in path)) == expected


@settings(max_examples=60, deadline=None)
@given(ARCS, st.lists(st.tuples(st.integers(0, 6), st.integers(0, 40)), min_size=1, max_size=4))
def test_the_nearest_is_the_least_of_all_searches(arcs, starts):
    graph = graph_of(arcs)
    seeds = seeds_of(*((i, node, cost, 0) for i, (node, cost) in enumerate(starts)))
    packed, search = nearest_tree(graph, seeds)
    every = np.concatenate([rows for _, rows in trees(graph, seeds)])
    np.testing.assert_array_equal(packed, every.min(axis=0))
    first = np.where(np.isfinite(packed), every.argmin(axis=0), -1)  # of equal ones the first
    np.testing.assert_array_equal(search, first)


@settings(max_examples=30, deadline=None)
@given(ARCS, st.integers(1, 40))
def test_a_limit_changes_nothing_within_it(arcs, limit):
    graph, seeds = graph_of(arcs), seeds_of(*((i, i, 0, 0) for i in range(7)))
    whole, _ = all_costs(graph, seeds)
    cut, _ = all_costs(graph, seeds, limit=limit)
    np.testing.assert_array_equal(cut[whole <= limit], whole[whole <= limit])
    assert (cut[whole > limit] > limit).all()


def test_batches_give_the_same_trees_as_one(monkeypatch, engine):
    """Twenty searches are two batches of the hierarchy."""
    graph, seeds = graph_of(PAPER), seeds_of(*((i, i % 7, i, 2 * i) for i in range(20)))
    whole = all_costs(graph, seeds)
    if engine == "scipy":
        monkeypatch.setattr(dijkstra, "_BATCH_VALUES", 14)
        assert len(list(trees(graph, seeds))) == 10
    np.testing.assert_array_equal(all_costs(graph, seeds), whole)
    for i in range(20):
        alone = all_costs(graph, seeds_of((0, i % 7, i, 2 * i)))
        np.testing.assert_array_equal(np.array(alone)[:, 0], np.array(whole)[:, i])
