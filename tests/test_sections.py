"""Ways -> sections: broken at junctions, parted from motorways, contracted, nothing lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra

from technobelt.network.osm import Ways, read_ways
from technobelt.network.sections import (
    break_ways,
    contract,
    cut_service_roads,
    largest_part,
    segment_lengths_m,
    shapes,
)
from technobelt.schema import ROAD_CLASSES

GEOD = pyproj.Geod(ellps="WGS84")
STREET = {"highway": "residential"}
#: A row of nodes a kilometre apart, and two beside it.
NODES = {1: (0, 0), 2: (1000, 0), 3: (2000, 0), 4: (3000, 0), 5: (1000, 500), 6: (2000, 500)}


@pytest.fixture
def read(tmp_path, write_osm):
    def make(ways, nodes=NODES):
        return read_ways(write_osm(tmp_path / "roads.osm", nodes, ways))

    return make


def broken(ways):
    return break_ways(ways, ways.node)


def sections_of(ways):
    return contract(broken(ways), ways).table


# --- lengths -----------------------------------------------------------------------------------


@given(
    lat=st.floats(33, 39), bearing=st.floats(0, 360), metres=st.floats(1, 10_000, allow_nan=False)
)
def test_a_step_is_as_long_as_the_geodesic(lat, bearing, metres):
    lon2, lat2, _ = GEOD.fwd(128.0, lat, bearing, metres)
    step = segment_lengths_m(np.array([[128.0, lat], [lon2, lat2]]))
    assert step[0] == pytest.approx(metres, rel=1e-6, abs=1e-6)


def test_pieces_are_as_long_as_their_full_shape(read):
    bends = {10 + i: (i * 40, 30 * (i % 2)) for i in range(50)}
    ways = read([(list(bends), STREET)], bends)
    expected = GEOD.line_length(*ways.lonlat.T)
    assert broken(ways).length_m == pytest.approx([expected], rel=1e-6)


# --- breaking ----------------------------------------------------------------------------------


def test_a_crossing_breaks_both_ways(read):
    pieces = broken(read([([1, 2, 3], STREET), ([5, 2, 6], STREET)]))
    assert pieces.way.tolist() == [0, 0, 1, 1]
    assert len(set(pieces.tail) | set(pieces.head)) == 5


def test_a_bridge_over_a_road_without_a_common_node_breaks_nothing(read):
    nodes = {1: (0, 0), 2: (1000, 0), 3: (500, -500), 4: (500, 500)}
    assert len(broken(read([([1, 2], STREET), ([3, 4], STREET)], nodes))) == 2


def test_a_bend_breaks_nothing(read):
    assert len(broken(read([([1, 2, 5, 6, 3, 4], STREET)]))) == 1


def test_a_way_that_touches_itself_is_broken_there(read):
    """1-2-6-5-2: a lasso, with its knot at node 2."""
    pieces = broken(read([([1, 2, 6, 5, 2], STREET)]))
    assert len(pieces) == 2
    assert pieces.tail[1] == pieces.head[1] == pieces.head[0]


def test_a_node_named_twice_in_a_row_is_no_piece(read):
    pieces = broken(read([([1, 2, 2, 3], STREET), ([5, 2], STREET)]))
    assert len(pieces) == 3
    assert (pieces.length_m > 0).all()


def test_two_nodes_on_one_spot_keep_their_piece_of_no_length(read):
    nodes = {1: (0, 0), 2: (1000, 0), 3: (1000, 0), 4: (2000, 0)}
    ways = read([([1, 2], STREET), ([2, 3], {"highway": "primary"}), ([3, 4], STREET)], nodes)
    pieces = broken(ways)
    assert pieces.length_m[1] == 0
    assert pieces.head[0] == pieces.tail[1] != pieces.head[1] == pieces.tail[2]


# --- service roads at motorways ----------------------------------------------------------------


@pytest.mark.parametrize("touched", ["motorway", "motorway_link"])
def test_a_service_road_is_parted_from_the_motorway_that_it_touches(read, touched):
    ways = read([([1, 2, 3], {"highway": touched}), ([2, 5], {"highway": "service"})])
    node, places = cut_service_roads(ways)
    assert node[:3].tolist() == [1, 2, 3]
    assert node[3] not in ways.node
    assert node[4] == 5
    np.testing.assert_array_equal(places, ways.lonlat[[1]])


def test_service_roads_touching_one_spot_of_a_motorway_are_one_cut(read):
    service = {"highway": "service"}
    ways = read([([1, 2, 3], {"highway": "motorway"}), ([2, 5], service), ([6, 2], service)])
    node, places = cut_service_roads(ways)
    assert len(places) == 1
    assert len({node[1], node[3], node[6]}) == 3, "nor is there a way through from one to the other"


@pytest.mark.parametrize("touched", ["trunk", "trunk_link", "primary", "residential", "service"])
def test_service_roads_lead_into_every_other_road(read, touched):
    ways = read([([1, 2, 3], {"highway": touched}), ([2, 5], {"highway": "service"})])
    node, places = cut_service_roads(ways)
    np.testing.assert_array_equal(node, ways.node)
    assert len(places) == 0


@pytest.mark.parametrize("other", ["residential", "unclassified", "primary", "trunk_link"])
def test_no_other_road_is_parted_from_a_motorway(read, other):
    ways = read([([1, 2, 3], {"highway": "motorway"}), ([2, 5], {"highway": other})])
    assert len(cut_service_roads(ways)[1]) == 0


# --- the largest part --------------------------------------------------------------------------


def test_an_island_is_left_out(read):
    ways = read([([1, 2], STREET), ([2, 3], STREET), ([5, 6], STREET)])
    assert largest_part(broken(ways), ways).tolist() == [True, True, False]


def test_a_one_way_road_to_nowhere_is_left_out(read):
    ways = read([([1, 2], STREET), ([2, 3], STREET), ([3, 4], STREET | {"oneway": "yes"})])
    assert largest_part(broken(ways), ways).tolist() == [True, True, False]


def test_a_one_way_road_from_nowhere_is_left_out(read):
    ways = read([([1, 2], STREET), ([2, 3], STREET), ([3, 4], STREET | {"oneway": "-1"})])
    assert largest_part(broken(ways), ways).tolist() == [True, True, False]


def test_a_one_way_round_trip_is_kept(read):
    ways = read([([1, 2], STREET), ([2, 3, 6, 5, 2], STREET | {"oneway": "yes"})])
    assert largest_part(broken(ways), ways).all()


# --- contraction: what is joined, what is not --------------------------------------------------

PRIMARY = {"highway": "primary", "ref": "2"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({"name": "A-ro"}, {"name": "B-ro"}),
        ({"name": "A-ro"}, {}),
        ({"bridge": "yes"}, {}),
        ({"tunnel": "yes"}, {"bridge": "yes"}),
        ({"surface": "asphalt"}, {"lanes": "4"}),
        ({"maxspeed": "60"}, {"maxspeed": "60 km/h"}),
        ({"oneway": "no"}, {}),
    ],
)
def test_roads_alike_become_one_section(read, one, other):
    table = sections_of(read([([1, 2], PRIMARY | one), ([2, 3], PRIMARY | other)]))
    assert len(table) == 1
    assert table["length_m"][0] == pytest.approx(2000, rel=1e-3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"highway": "secondary"}),
        ({}, {"highway": "primary_link"}),
        ({}, {"ref": "2;14"}),
        ({"oneway": "yes"}, {}),
        ({"maxspeed": "60"}, {"maxspeed": "80"}),
        ({"maxspeed": "60"}, {}),
    ],
    ids=["class", "link", "ref", "oneway", "limit", "limit unknown"],
)
def test_a_section_ends_where_something_changes(read, one, other):
    assert len(sections_of(read([([1, 2], PRIMARY | one), ([2, 3], PRIMARY | other)]))) == 2


@pytest.mark.parametrize(
    ("dates", "n"),
    [
        (("1996-06-28", "1996-06-28"), 1),
        ((None, None), 1),
        (("1996-06-28", "2001-11-20"), 2),
        (("1996-06-28", None), 2),
    ],
)
def test_a_section_ends_where_the_opening_date_changes(read, dates, n):
    ways = read([([1, 2], PRIMARY), ([2, 3], PRIMARY)])
    table = sections_of(replace(ways, opened=np.array(dates, dtype=object)))
    assert len(table) == n
    assert set(table["opened"].dropna()) == {date for date in dates if date}


def test_a_section_ends_where_the_evidence_of_its_date_changes(read):
    ways = read([([1, 2], PRIMARY), ([2, 3], PRIMARY)])
    same = np.array(["1996-06-28"] * 2, dtype=object)
    said = np.array(["dated", "assumed"], dtype=object)
    assert len(sections_of(replace(ways, opened=same, opened_ev=said))) == 2


def test_a_junction_ends_sections(read):
    assert len(sections_of(read([([1, 2, 3], PRIMARY), ([2, 5], STREET)]))) == 3


def test_bridges_tunnels_and_names_become_shares_and_the_longest(read):
    table = sections_of(
        read(
            [
                ([1, 2], PRIMARY | {"name": "short", "bridge": "yes"}),
                ([2, 3], PRIMARY | {"name": "long"}),
                ([3, 4], PRIMARY | {"name": "long", "tunnel": "yes"}),
                ([4, 6], PRIMARY),
            ]
        )
    )
    row = table.iloc[0]
    total = 3000 + np.hypot(1000, 500)
    assert len(table) == 1
    assert row["bridge"] == pytest.approx(1000 / total, rel=1e-3)
    assert row["tunnel"] == pytest.approx(1000 / total, rel=1e-3)
    assert row["name"] == "long"


def test_a_section_mostly_without_a_name_has_none(read):
    table = sections_of(read([([1, 2, 3], PRIMARY), ([3, 4], PRIMARY | {"name": "short"})]))
    assert table["name"].isna().all()


@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        ([([1, 2], "yes"), ([2, 3], "yes")], [(1, 3)]),
        ([([1, 2], "yes"), ([3, 2], "-1")], [(1, 3)]),
        ([([2, 1], "-1"), ([3, 2], "-1")], [(1, 3)]),
        ([([1, 2], "-1"), ([2, 3], "-1")], [(3, 1)]),
        ([([1, 2], "yes"), ([3, 2], "yes")], [(1, 2), (3, 2)]),
    ],
)
def test_one_way_roads_are_joined_only_where_one_may_drive_on(read, ways, expected):
    """Whichever way they were drawn, the section may be driven from its tail to its head."""
    read_in = read([(nodes, PRIMARY | {"oneway": oneway}) for nodes, oneway in ways])
    pieces = broken(read_in)
    name = dict(zip(np.unique(read_in.node, return_inverse=True)[1], read_in.node, strict=True))
    table = contract(pieces, read_in).table
    driven = [
        (name[t], name[h]) if forward else (name[h], name[t])
        for t, h, forward in zip(table["tail"], table["head"], table["forward"], strict=True)
    ]
    assert sorted(driven) == sorted(expected)
    assert (table["forward"] != table["backward"]).all()


def test_a_two_way_road_drawn_in_two_directions_is_one_section(read):
    table = sections_of(read([([1, 2], PRIMARY), ([3, 2], PRIMARY), ([3, 4], PRIMARY)]))
    assert len(table) == 1
    assert table[["forward", "backward"]].all(axis=None)


def test_carriageways_side_by_side_are_not_merged(read):
    one_way = {"highway": "motorway", "ref": "10"}
    table = sections_of(read([([1, 2], one_way), ([6, 5], one_way)]))
    assert len(table) == 2


def test_a_ring_hanging_at_one_node_is_a_section_that_ends_where_it_begins(read):
    table = sections_of(read([([1, 2], STREET), ([2, 3, 6, 5, 2], STREET)]))
    ring = table[table["tail"] == table["head"]]
    assert len(table) == 2
    assert ring["length_m"].tolist() == pytest.approx([3000], rel=1e-3)


def test_a_ring_of_several_ways_hanging_at_one_node_is_one_section(read):
    table = sections_of(read([([1, 2], STREET), ([2, 3, 6], STREET), ([2, 5, 6], STREET)]))
    assert len(table) == 2
    assert (table["tail"] == table["head"]).sum() == 1


def test_a_ring_with_no_end_to_start_from_is_not_lost(read):
    table = sections_of(read([([2, 3], STREET), ([3, 6], STREET), ([6, 5, 2], STREET)]))
    assert table["length_m"].sum() == pytest.approx(3000, rel=1e-3)


def test_parallel_roads_stay_two(read):
    table = sections_of(
        read([([1, 2], STREET), ([2, 3], STREET), ([2, 5, 6, 3], STREET), ([3, 4], STREET)])
    )
    assert len(table) == 4


def test_a_roundabout_is_cut_at_its_arms_and_goes_one_way(read):
    nodes = {1: (20, 0), 2: (0, 20), 3: (-20, 0), 4: (0, -20), 11: (500, 0), 13: (-500, 0)}
    ring = {"highway": "tertiary", "junction": "roundabout"}
    arms = {"highway": "tertiary"}
    ways = read([([1, 2, 3, 4, 1], ring), ([1, 11], arms), ([3, 13], arms)], nodes)
    table = sections_of(ways)
    on_ring = table[~(table["forward"] & table["backward"])]
    assert len(table) == 4
    assert set(zip(on_ring["tail"], on_ring["head"], strict=True)) == {(0, 2), (2, 0)}


# --- contraction: nothing is lost --------------------------------------------------------------


def a_network(data) -> Ways:
    """Draw ways through ten spots, so that they cross, touch, turn back and run side by side."""
    n = data.draw(st.integers(1, 8))
    paths = [data.draw(st.lists(st.integers(0, 9), min_size=2, max_size=5)) for _ in range(n)]
    kinds = data.draw(
        st.lists(st.sampled_from(["both", "with", "against"]), min_size=n, max_size=n)
    )
    codes = data.draw(st.lists(st.sampled_from([4, 4, 4, 6]), min_size=n, max_size=n))
    spots = np.random.default_rng(0).uniform([128.0, 35.0], [128.1, 35.1], (10, 2))
    node = np.concatenate(paths)
    none = np.full(n, None, dtype=object)
    return Ways(
        start=np.concatenate([[0], np.cumsum([len(path) for path in paths])]),
        node=node,
        lonlat=spots[node],
        road_class=np.array(codes, dtype=np.int8),
        forward=np.array([kind != "against" for kind in kinds]),
        backward=np.array([kind != "with" for kind in kinds]),
        bridge=np.zeros(n, bool),
        tunnel=np.zeros(n, bool),
        limit_kph=np.full(n, np.nan),
        ref=none,
        name=none,
        opened=none,
        opened_ev=none,
    )


def as_graph(tail, head, forward, backward, length, n):
    """Return a matrix of arcs; of parallel arcs the shortest."""
    arcs = pd.DataFrame(
        {
            "row": np.concatenate([tail[forward], head[backward]]),
            "col": np.concatenate([head[forward], tail[backward]]),
            "m": np.concatenate([length[forward], length[backward]]),
        }
    )
    best = arcs.sort_values("m").drop_duplicates(["row", "col"])
    return coo_array((best["m"], (best["row"], best["col"])), shape=(n, n)).tocsr()


def graphs_before_and_after(pieces, ways, table):
    way = pieces.way
    before = (pieces.tail, pieces.head, ways.forward[way], ways.backward[way], pieces.length_m)
    after = [table[c].to_numpy() for c in ("tail", "head", "forward", "backward", "length_m")]
    return [as_graph(*arcs, pieces.n_nodes) for arcs in (before, after)]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_contraction_keeps_every_distance_between_the_junctions_it_keeps(data):
    ways = a_network(data)
    pieces = broken(ways)
    if not len(pieces):
        return
    table = contract(pieces, ways).table
    kept = np.unique(table[["tail", "head"]])
    before, after = (
        dijkstra(graph)[np.ix_(kept, kept)]
        for graph in graphs_before_and_after(pieces, ways, table)
    )
    np.testing.assert_allclose(after, before, rtol=1e-9)
    assert table["length_m"].sum() == pytest.approx(pieces.length_m.sum())


def bare_bends(table):
    """Return the nodes where exactly two sections meet that could be one."""
    ends = pd.DataFrame(
        {
            "node": np.concatenate([table["tail"], table["head"]]),
            "section": np.tile(np.arange(len(table)), 2),
            "kind": np.tile(table["road_class"], 2),
            "leaves": np.concatenate([table["forward"], table["backward"]]),
            "arrives": np.concatenate([table["backward"], table["forward"]]),
        }
    )
    ends = ends[ends.groupby("node")["node"].transform("size") == 2].sort_values("node")
    a, b = ends.iloc[::2].to_numpy(), ends.iloc[1::2].to_numpy()
    like = (a[:, 2] == b[:, 2]) & (a[:, 3] == b[:, 4]) & (a[:, 4] == b[:, 3])
    return a[like & (a[:, 1] != b[:, 1]), 0].astype(int)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_contraction_leaves_a_bare_bend_only_on_rings_without_a_junction(data):
    ways = a_network(data)
    pieces = broken(ways)
    if not len(pieces):
        return
    bends = bare_bends(contract(pieces, ways).table)
    ends = np.concatenate([pieces.tail, pieces.head])
    links = coo_array(
        (np.ones(len(pieces)), (pieces.tail, pieces.head)), shape=(pieces.n_nodes,) * 2
    )
    _, part = connected_components(links, directed=False)
    degree = np.bincount(ends, minlength=pieces.n_nodes)
    for bend in bends:
        assert (degree[part == part[bend]] == 2).all()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_sections_are_drawn_whole(data):
    ways = a_network(data)
    pieces = broken(ways)
    if not len(pieces):
        return
    sections = contract(pieces, ways)
    steps = pd.Series(segment_lengths_m(sections.lonlat))
    within = sections.vertex_section[1:] == sections.vertex_section[:-1]
    drawn = steps[within].groupby(sections.vertex_section[1:][within]).sum()
    np.testing.assert_allclose(drawn, sections.table["length_m"], rtol=1e-9, atol=1e-6)


def test_simplified_shapes_keep_their_ends_and_stay_near(read):
    bends = {10 + i: (i * 40, 6 * (i % 2)) for i in range(50)} | {90: (2000, 900)}
    ways = read([(list(bends), STREET)], bends)
    sections = contract(broken(ways), ways)
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:5179", always_xy=True)
    xy = np.stack(to_metres.transform(*sections.lonlat.T), axis=1)
    line = shapes(sections, xy, 10.0)[0]
    full = shapely.linestrings(xy)
    assert shapely.get_num_coordinates(line) == 3
    assert line.coords[0] == full.coords[0]
    assert line.coords[-1] == full.coords[-1]
    assert shapely.hausdorff_distance(line, full) <= 10.0


def test_contraction_of_gyeongnam_keeps_distances(shared):
    ways = read_ways(shared / "gyeongnam-2021-08.osm.pbf", classes=ROAD_CLASSES[:11])
    pieces = broken(ways)
    pieces = pieces.take(largest_part(pieces, ways))
    table = contract(pieces, ways).table
    kept = np.unique(table[["tail", "head"]])
    roots = np.random.default_rng(7).choice(kept, 10, replace=False)
    before, after = (
        dijkstra(graph, indices=roots)[:, kept]
        for graph in graphs_before_and_after(pieces, ways, table)
    )
    assert len(table) < 0.8 * len(pieces)
    assert np.isfinite(before).all()
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-6)
