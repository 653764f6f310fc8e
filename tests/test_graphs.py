"""Graphs of OSMnx, their GraphML, and networks handed back as graphs."""

from __future__ import annotations

import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import pytest
import shapely

from technobelt import travel_time
from technobelt.errors import NetworkError
from technobelt.network import build_network, network_to_graph
from technobelt.network.graphs import read_graph

CRS = "EPSG:5179"
PLACES = {1: (128.60, 35.20), 2: (128.61, 35.20), 3: (128.62, 35.20), 4: (128.62, 35.21)}
BEND = shapely.LineString([(128.62, 35.20), (128.63, 35.205), (128.62, 35.21)])


def graph_of(edges, **said):
    """Make a graph: edges as (u, v, data), each with its way back unless it is one-way."""
    graph = nx.MultiDiGraph(**{"crs": "epsg:4326", "created_with": "OSMnx 2.1.1"} | said)
    graph.add_nodes_from((node, {"x": x, "y": y}) for node, (x, y) in PLACES.items())
    for u, v, data in edges:
        told = {"highway": "primary", "oneway": False} | data
        graph.add_edge(u, v, reversed=False, **told)
        if not told["oneway"]:
            back = dict(told)
            if "geometry" in told:
                back["geometry"] = shapely.reverse(told["geometry"])
            graph.add_edge(v, u, reversed=True, **back)
    return graph


ROADS = [
    (1, 2, {"length": 911.0, "name": "A-ro", "maxspeed": "60", "ref": "2"}),
    (2, 3, {"length": 911.0, "oneway": True}),
    (3, 4, {"highway": "residential", "geometry": BEND, "length": 2130.0}),
    (4, 2, {"highway": "residential", "oneway": True, "length": 1440.0}),
]


@pytest.fixture
def downloaded():
    """What OSMnx makes of an answer of Overpass: its own graph, not simplified."""
    elements = [
        {"type": "node", "id": i, "lon": x, "lat": y}
        for i, (x, y) in {**PLACES, 5: (128.615, 35.205)}.items()
    ]
    ways = [
        ([1, 2, 3], {"highway": "primary", "maxspeed": "50", "ref": "14", "name": "B-ro"}),
        ([3, 4], {"highway": "residential", "oneway": "yes"}),
        ([2, 5, 4], {"highway": "tertiary", "lanes": "2", "bridge": "yes"}),
    ]
    elements += [
        {"type": "way", "id": 10 + i, "nodes": nodes, "tags": tags}
        for i, (nodes, tags) in enumerate(ways)
    ]
    return ox.graph._create_graph([{"elements": elements}], False)


# --- reading -----------------------------------------------------------------------------------


def test_an_arc_and_its_way_back_are_one_two_way_road():
    ways = read_graph(graph_of(ROADS))
    assert len(ways) == 4
    assert ways.forward.all()
    assert sorted(ways.backward.tolist()) == [False, False, True, True]


def test_lengths_are_those_of_the_graph():
    network = build_network(graph_of(ROADS), crs=CRS)
    assert network.roads["length_m"].sum() == pytest.approx(911 * 2 + 2130 + 1440, abs=0.5)
    assert "lengths_recomputed" not in network.info.report


@pytest.mark.parametrize("length", [None, 0, -5, float("nan"), float("inf"), "long", 100.0])
def test_a_length_that_is_none_is_measured_anew(length):
    data = {} if length is None else {"length": length}
    network = build_network(graph_of([(1, 2, data)]), crs=CRS)
    assert network.roads["length_m"].item() == pytest.approx(911, abs=1)
    assert network.info.report["lengths_recomputed"] >= 1


def test_a_ring_driven_both_ways_is_one_road():
    ring = shapely.LineString([(128.60, 35.20), (128.60, 35.21), (128.59, 35.21), (128.60, 35.20)])
    ways = read_graph(graph_of([(1, 1, {"geometry": ring, "length": 3600.0})]))
    assert (len(ways), ways.backward.tolist()) == (1, [True])


def test_lists_take_the_lowest_class_and_limit():
    data = {"highway": ["primary", "tertiary"], "maxspeed": ["80", "50"], "name": ["A", "B"]}
    network = build_network(graph_of([(1, 2, data | {"ref": ["2", "14"]})]), crs=CRS)
    row = network.roads.iloc[0]
    assert (row["class"], row["limit_kph"], row["ref"]) == ("tertiary", 50, "14;2")
    assert network.info.report["edges_of_several_classes"] == 2


def test_edges_that_are_no_road_for_cars_are_left_out_and_counted():
    more = [(1, 4, {"highway": "footway"}), (1, 3, {"access": "private"})]
    report = build_network(graph_of(ROADS + more), crs=CRS).info.report
    assert report["edges_left_out"] == 4


def test_a_graph_that_says_no_class_is_assumed_to_be_streets():
    graph = graph_of(ROADS)
    for _, _, data in graph.edges(data=True):
        del data["highway"]
    network = build_network(graph, crs=CRS)
    assert set(network.roads["class"]) == {"residential"}
    assert network.info.report["class_assumed"] == [6, "residential"]


def test_an_arc_without_its_way_back_is_one_way_whatever_it_says():
    graph = graph_of(ROADS)
    graph.remove_edge(2, 1)
    assert read_graph(graph).backward.sum() == 1


def test_a_projected_graph_is_the_same_network():
    graph = graph_of(ROADS)
    here, there = (build_network(g, crs=CRS) for g in (graph, ox.projection.project_graph(graph)))
    np.testing.assert_allclose(here.roads["length_m"], there.roads["length_m"], atol=0.2)
    assert here.roads.geometry.geom_equals_exact(there.roads.geometry, 1.0).all()


def test_a_shape_that_runs_against_its_arc_is_turned():
    graph = graph_of([(3, 4, {"geometry": shapely.reverse(BEND), "oneway": True}), *ROADS[:1]])
    ways = read_graph(graph)
    at = ways.start[:-1][~ways.backward][0]
    assert ways.lonlat[at].tolist() == list(PLACES[3])


def test_what_osmnx_made_simplified_and_not_is_one_network(downloaded):
    plain = build_network(downloaded, crs=CRS)
    simple = build_network(ox.simplify_graph(downloaded), crs=CRS)
    columns = ["class", "ref", "forward", "backward", "limit_kph"]
    for network in (plain, simple):
        assert network.roads["length_m"].sum() == pytest.approx(
            plain.roads["length_m"].sum(), rel=1e-3
        )
    assert len(plain.roads) == len(simple.roads)
    assert sorted(map(str, plain.roads[columns].to_numpy().tolist())) == sorted(
        map(str, simple.roads[columns].to_numpy().tolist())
    )
    assert plain.info.licence.startswith("ODbL")
    assert plain.info.date == downloaded.graph["created_date"][:10]


def test_names_of_nodes_may_be_anything():
    graph = nx.relabel_nodes(graph_of(ROADS), {1: "a", 2: (2, "b"), 3: 3.5})
    assert build_network(graph, crs=CRS).roads["length_m"].sum() > 0


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda g: g.graph.pop("crs"), "no CRS"),
        (lambda g: g.graph.update(crs="moon"), "not known"),
        (lambda g: g.nodes[2].pop("x"), "1 of 4 nodes of the graph has no position, e.g. 2"),
        (lambda g: g.nodes[2].update(x="east"), "no position"),
        (lambda g: g.remove_edges_from(list(g.edges)), "no edge"),
        (lambda g: g.nodes[2].update(y=5000.0), "not on the globe"),
    ],
)
def test_a_graph_that_cannot_be_used_says_why(harm, said):
    graph = graph_of(ROADS)
    harm(graph)
    with pytest.raises(NetworkError, match=said):
        build_network(graph)


def test_an_undirected_graph_is_refused():
    with pytest.raises(NetworkError, match="not directed"):
        build_network(nx.MultiGraph(crs="epsg:4326"))


# --- and back ----------------------------------------------------------------------------------


def test_a_network_comes_back_from_its_graph_as_it_was(speeds):
    network = build_network(graph_of(ROADS), crs=CRS)
    again = build_network(network_to_graph(network), crs=CRS)
    columns = ["class", "ref", "name", "limit_kph", "length_m"]
    one, two = (
        n.roads[columns].sort_values("length_m").reset_index(drop=True) for n in (network, again)
    )
    pd.testing.assert_frame_equal(one, two, check_exact=False, atol=0.11)
    assert again.info.licence == network.info.licence
    places = network.roads.geometry.interpolate(10)
    frame = places.to_frame("geometry").set_geometry("geometry")
    args = {"profile": speeds(), "max_access_m": 5000}
    before, after = (travel_time.travel_times(n, frame, frame, **args) for n in (network, again))
    np.testing.assert_allclose(before["time_min"], after["time_min"], rtol=1e-3, atol=0.01)


def test_osmnx_works_with_the_graph():
    graph = network_to_graph(build_network(graph_of(ROADS), crs=CRS))
    nodes, edges = ox.graph_to_gdfs(graph)
    assert len(edges) == graph.number_of_edges() == 6
    assert nodes.crs == "epsg:4326"
    timed = ox.add_edge_travel_times(ox.add_edge_speeds(graph))
    assert nx.shortest_path_length(timed, *list(graph.nodes)[:2], weight="travel_time") > 0


def test_closed_roads_are_not_in_the_graph():
    network = build_network(graph_of(ROADS), crs=CRS)
    shut = np.arange(len(network.roads)) == 0
    assert 0 not in {
        d["osmid"] for *_, d in network_to_graph(network.closing(shut)).edges(data=True)
    }


# --- GraphML -----------------------------------------------------------------------------------


@pytest.fixture
def graphml(tmp_path):
    def save(graph, name="roads.graphml"):
        ox.save_graphml(graph, tmp_path / name)
        return tmp_path / name

    return save


def test_a_graphml_file_of_osmnx_is_the_graph(graphml, downloaded):
    for graph in (graph_of(ROADS), downloaded, ox.simplify_graph(downloaded)):
        one, two = build_network(graph, crs=CRS), build_network(graphml(graph), crs=CRS)
        assert one.key == two.key


def test_lists_in_a_graphml_file_are_lists(graphml):
    data = {"highway": ["primary", "tertiary"], "maxspeed": ["80", "50"], "osmid": [1, 2]}
    network = build_network(graphml(graph_of([(1, 2, data)])), crs=CRS)
    assert network.roads["class"].item() == "tertiary"
    assert network.roads["limit_kph"].item() == 50


def test_a_graphml_file_without_positions_is_refused(graphml):
    graph = graph_of(ROADS)
    for _, data in graph.nodes(data=True):
        data.pop("x")
    with pytest.raises(NetworkError, match=r"'roads\.graphml': 4 of 4 nodes .* no position"):
        build_network(graphml(graph))


BOMB = """<?xml version="1.0"?><!DOCTYPE g [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><graphml><graph edgedefault="directed">
<node id="&c;"/></graph></graphml>"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BOMB, "declares a document type"),
        ("", "is no GraphML"),
        ("hello", "is no GraphML"),
        ("<graphml><graph>", "is no GraphML"),
        ("<html></html>", "no GraphML"),
        ('<graphml xmlns="http://graphml.graphdrawing.org/xmlns"></graphml>', "no GraphML"),
    ],
)
def test_what_is_no_graphml_is_refused(tmp_path, content, said):
    path = tmp_path / "x.graphml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(NetworkError, match=said):
        build_network(path)


def test_an_osm_file_with_entities_is_refused(tmp_path):
    path = tmp_path / "bomb.osm"
    path.write_text(BOMB.replace("graphml", "osm"), encoding="utf-8")
    with pytest.raises(NetworkError, match="cannot be read"):
        build_network(path)
