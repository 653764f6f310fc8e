"""Edits of roads: cuts, choices and new roads, on networks whose answers fit on paper.

At 36 km/h a road takes a second for every ten metres.
"""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import technobelt as tb
from conftest import CRS, ORIGIN
from technobelt.draws import road_noise, section_factors
from technobelt.errors import NetworkError, ScenarioError
from technobelt.network.cuts import cut_sections
from technobelt.network.edits import lay_out, on_common_ground, under, with_scenarios
from technobelt.network.road_choice import fitting
from technobelt.network.speeds import arc_costs
from technobelt.network.ties import startable, tie_points, tie_to_all
from technobelt.region import Uncertainty
from technobelt.scenario import Scenario
from technobelt.travel_time import matrix, model_of

_DEGREES = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True)
INF = float("inf")


def lonlat(*xy):
    return [_DEGREES.transform(*(np.array(at, dtype=float) + ORIGIN)) for at in xy]


def scenario(*edits, name="s"):
    numbered = [{"id": f"edit-{number}", **edit} for number, edit in enumerate(edits)]
    return Scenario(id=name, edits=numbered)


def close(direction="both", **roads):
    return {"do": "close", "roads": roads, "direction": direction}


def speed(direction="both", kph=None, factor=None, **roads):
    return {"do": "speed", "roads": roads, "direction": direction, "kph": kph, "factor": factor}


def new_road(*xy, **more):
    return {"do": "add_road", "line": lonlat(*xy), **({"kph": 36} | more)}


def seconds(network, profile, ties):
    return matrix(model_of(network, profile), ties, ties)[0]


def between(network, profile, places, start, finish):
    """Return the seconds of one trip, less a second for each metre that the ends are off."""
    return (
        tb.travel_times(network, places.loc[[start]], places.loc[[finish]], profile=profile)[
            "time_min"
        ].iloc[0]
        * 60
    )


# --- cuts ----------------------------------------------------------------------------------------


@pytest.fixture
def bend(draw):
    """A road of 1,000 m from a over b to c, and a cul-de-sac from b."""
    nodes = {"a": (0, 0), "b": (600, 0), "c": (600, 400), "d": (900, 0)}
    return draw(nodes, [("a", "b", {"ref": "1", "limit_kph": 72}), ("b", "c"), ("b", "d")])


def cuts(network, *places):
    section, fraction = zip(*places, strict=True)
    return cut_sections(network, np.array(section), np.array(fraction, dtype=float))


def test_a_section_cut_at_several_places_in_any_order_is_whole_in_its_parts(bend):
    cut = cuts(bend, (0, 0.75), (0, 0.25), (0, 0.5))
    network = cut.network
    mine = network.roads[network.known_as == 0]
    assert mine.index.tolist() == [0, 3, 4, 5]
    assert mine["length_m"].tolist() == [150, 150, 150, 150]
    assert mine["u"].tolist() == [0, cut.node[1], cut.node[2], cut.node[0]]
    assert mine["v"].tolist() == [cut.node[1], cut.node[2], cut.node[0], 1]
    assert network.nodes.loc[cut.node, "x"].tolist() == [ORIGIN[0] + x for x in (450, 150, 300)]
    assert mine["ref"].eq("1").all()
    assert mine["limit_kph"].eq(72).all()


def test_a_cut_at_a_junction_cuts_nothing_and_is_that_junction(bend):
    cut = cuts(bend, (0, 0.0), (0, 0.999), (1, 1.0), (2, 0.0))
    assert cut.network is bend
    assert cut.node.tolist() == [0, 1, 2, 1]


def test_cuts_within_a_metre_of_each_other_are_one(bend):
    cut = cuts(bend, (0, 0.5), (0, 0.501), (0, 0.5))
    assert len(set(cut.node.tolist())) == 1
    assert len(cut.network.roads) == 4


def test_cutting_leaves_the_network_that_was_cut_as_it_was(bend):
    before = bend.roads.copy()
    cuts(bend, (0, 0.5))
    assert bend.roads.equals(before)
    assert bend.parent is None


def test_a_closed_road_is_closed_in_all_its_parts(bend):
    cut = cuts(bend.closing(np.array([True, False, False])), (0, 0.5), (1, 0.5)).network
    assert cut.closed.tolist() == [True, False, False, True, False]


def test_a_oneway_is_one_in_all_its_parts(draw):
    network = draw({"a": (0, 0), "b": (300, 0)}, [("a", "b", {"oneway": True})])
    cut = cuts(network, (0, 0.5)).network
    assert cut.one_way.tolist() == [True, True]
    assert cut.arc_forward.all()


def test_a_loop_is_cut_once_and_twice(draw):
    bends = [(100, 0), (100, 100), (0, 100)]
    network = draw({"a": (0, 0), "b": (-50, 0)}, [("a", "a", {"via": bends}), ("a", "b")])
    once, twice = cuts(network, (0, 0.5)).network, cuts(network, (0, 0.25), (0, 0.75)).network
    assert once.roads.loc[once.known_as == 0, "length_m"].tolist() == [200, 200]
    assert twice.roads.loc[twice.known_as == 0, "length_m"].tolist() == [100, 200, 100]
    assert twice.roads.loc[[0, 3], ["u", "v"]].to_numpy()[[0, 1], [0, 1]].tolist() == [0, 0]


def test_a_network_that_was_cut_is_cut_again_by_the_numbers_it_had_first(bend):
    again = cuts(cuts(bend, (0, 0.5)).network, (3, 0.5)).network
    assert again.known_as.tolist() == [0, 1, 2, 0, 0]
    assert again.roads["length_m"].tolist() == [300, 400, 300, 150, 150]


def test_further_columns_of_the_road_table_are_kept(bend):
    network = replace(bend, roads=bend.roads.assign(lanes=[2, 4, 1], paved=[True, True, False]))
    cut = cuts(network, (0, 0.5)).network
    assert cut.roads["lanes"].tolist() == [2, 4, 1, 2]
    assert cut.roads["paved"].tolist() == [True, True, False, True]
    made = with_scenarios(network, [scenario(new_road((300, 0), (600, 300)))])[1].network
    assert made.roads["lanes"].iloc[:3].tolist() == [2, 4, 1]
    assert made.roads["lanes"].iloc[-1:].isna().all()


def ramp_seconds(network, profile, start, finish):
    """Return the seconds between two nodes, by networkx."""
    graph = nx.DiGraph()
    costs = arc_costs(network, profile)
    for tail, head, cost in zip(network.arc_tail, network.arc_head, costs.arc_s, strict=True):
        if np.isfinite(cost):
            graph.add_edge(
                int(tail),
                int(head),
                s=min(cost, graph.get_edge_data(int(tail), int(head), {"s": INF})["s"]),
            )
    return nx.shortest_path_length(graph, start, finish, "s")


@pytest.mark.parametrize("far", ["motorway", "primary"])
def test_a_ramp_cut_in_two_waits_once(draw, speeds, far):
    nodes = {"a": (0, 0), "b": (100, 0), "c": (200, 0), "d": (300, 0)}
    network = draw(
        nodes, [("a", "b"), ("b", "c", {"class": "motorway_link"}), ("c", "d", {"class": far})]
    )
    profile = speeds(ramp_s=60)
    cut = cuts(network, (1, 0.3), (1, 0.6)).network
    for start, finish in ((0, 3), (3, 0)):
        assert ramp_seconds(network, profile, start, finish) == pytest.approx(30 + 60)
        assert ramp_seconds(cut, profile, start, finish) == pytest.approx(30 + 60)


def test_a_place_beside_a_junction_keeps_its_road_when_that_is_cut(draw, points):
    nodes = {"a": (0, 0), "b": (500, 0), "c": (500, -500)}
    network = draw(nodes, [("a", "b"), ("b", "c")])
    outside = points(corner=(600, 100))  # nearest to b, the end of both
    cut = cuts(network, (0, 0.5)).network
    for state in (network, cut):
        (section,) = tie_points(state, outside).section
        assert state.known_as[section] == 0


def test_a_place_tied_to_all_roads_about_has_one_tie_for_each_before_and_after_cuts(draw, points):
    network = draw({"a": (0, 0), "b": (1000, 0)}, [("a", "b")])
    cut = cuts(network, (0, 0.6), (0, 0.7)).network
    ties = tie_to_all(cut, points(p=(500, 100)), np.ones(3, dtype=bool), reach_m=1000)
    assert ties.section.tolist() == [0]


def test_waiting_at_junctions_is_the_same_after_a_cut(bend, speeds):
    profile = speeds(junction_s=15)
    cut = cuts(bend, (0, 0.5), (1, 0.5), (2, 0.5)).network
    assert ramp_seconds(bend, profile, 0, 2) == pytest.approx(30 + 15 + 40)
    assert ramp_seconds(cut, profile, 0, 2) == pytest.approx(30 + 15 + 40)


# --- which roads ---------------------------------------------------------------------------------


@pytest.fixture
def town(draw):
    """Two parallel roads from west to east, a divided road to the north, a spur and a ring."""
    nodes = {
        "a": (0, 0),
        "b": (1000, 0),
        "n1": (980, 1000),
        "n2": (1020, 1000),
        "s": (1000, -500),
    }
    return draw(
        nodes,
        [
            ("a", "b", {"ref": "10", "name": "Main"}),
            (
                "a",
                "b",
                {"ref": "10;104", "name": "Hill", "via": [(500, 400)], "class": "secondary"},
            ),
            ("b", "n2", {"oneway": True, "class": "trunk", "ref": "5"}),
            ("n1", "b", {"oneway": True, "class": "trunk", "ref": "5"}),
            ("n2", "n1", {"class": "trunk", "oneway": True}),
            ("b", "s", {"class": "residential", "name": "Blind Lane"}),
            ("s", "s", {"via": [(1100, -600), (900, -600)], "class": "residential"}),
        ],
        date="2021",
    )


def changed(network, edit):
    """Return the sections that an edit bears on, by their numbers before."""
    (_, state) = with_scenarios(network, [scenario(edit)])
    (change,) = state.changes
    made = state.network
    return sorted(set(made.known_as[made.arc_section[change.arcs]].tolist()))


@pytest.mark.parametrize(
    ("choice", "sections"),
    [
        ({"ref": ["10"]}, [0, 1]),
        ({"ref": ["104"]}, [1]),
        ({"ref": ["104", "5"]}, [1, 2, 3]),
        ({"name": ["Main", "Blind Lane"]}, [0, 5]),
        ({"class": ["trunk"]}, [2, 3, 4]),
        ({"class": ["trunk", "motorway"]}, [2, 3, 4]),
        ({"id": [6, 0]}, [0, 6]),
        ({"ref": ["10"], "class": ["secondary"]}, [1]),
        ({"within": lonlat((-100, -50), (1050, -50), (1050, 50), (-100, 50))}, [0, 2, 3, 5]),
        (
            {"within": lonlat((-100, -50), (1050, -50), (1050, 20), (-100, 20)), "ref": ["5"]},
            [2, 3],
        ),
    ],
)
def test_roads_are_chosen_by_all_that_is_said_of_them(town, choice, sections):
    if "within" in choice:  # the road over the hill begins and ends in the polygon, too
        sections = sorted({*sections, *([] if "ref" in choice else [1])})
    assert changed(town, close(**choice)) == sections


@pytest.mark.parametrize(
    ("direction", "section", "forward"),
    [("east", 0, True), ("west", 0, False), ("north", 2, True), ("south", 3, True)],
)
def test_a_direction_is_that_of_the_compass(town, direction, section, forward):
    (_, state) = with_scenarios(town, [scenario(close(direction, ref=["10", "5"]))])
    arcs = state.changes[0].arcs
    chosen = set(zip(town.arc_section[arcs].tolist(), town.arc_forward[arcs].tolist(), strict=True))
    assert (section, forward) in chosen
    assert (section, not forward) not in chosen


def test_one_direction_closed_leaves_the_other(town, speeds, points):
    ends = points(west=(0, 0), east=(1000, 0))
    (_, state) = with_scenarios(town, [scenario(close("east", ref=["10"]))])
    assert not state.network.closed.any()
    time = seconds(state.network, speeds(), tie_points(state.network, ends))
    assert time[0, 1] == INF
    assert time[1, 0] == 100


def test_sections_are_cut_at_the_border_of_a_polygon(town, speeds):
    half = lonlat((400, -50), (600, -50), (600, 50), (400, 50))
    (base, slow) = with_scenarios(town, [scenario(speed(factor=0.5, within=half))])
    assert sorted(base.network.roads["length_m"].round(3)[base.network.known_as == 0]) == [
        200,
        400,
        400,
    ]
    assert ramp_seconds(base.network, speeds(), 0, 1) == pytest.approx(100)
    assert ramp_seconds(slow.network, speeds(), 0, 1) == pytest.approx(40 + 40 + 40, abs=0.05)


# --- what edits do -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "time"),
    [
        (speed(kph=18, name=["Main"]), 2 * 640.312 / 10),  # over the hill
        (speed(kph=72, name=["Main"]), 50),
        (speed(factor=2, ref=["10"]), 50),
        (speed(factor=1, ref=["10"]), 100),
        (speed("west", kph=72, name=["Main"]), 100),
        (close(name=["Main"]), 2 * 640.312 / 10),
    ],
)
def test_what_an_edit_makes_of_the_way_to_the_east(town, speeds, edit, time):
    (_, state) = with_scenarios(town, [scenario(edit)])
    assert ramp_seconds(state.network, speeds(), 0, 1) == pytest.approx(time, abs=0.01)


def test_a_speed_counts_for_more_than_a_posted_limit_and_a_factor_multiplies_it(draw, speeds):
    network = draw({"a": (0, 0), "b": (720, 0)}, [("a", "b", {"limit_kph": 72, "ref": "1"})])
    profile = speeds(limit_share=0.5)  # driven at 36
    for edit, time in ((speed(kph=72, ref=["1"]), 36), (speed(factor=2, ref=["1"]), 36)):
        (_, state) = with_scenarios(network, [scenario(edit)])
        assert ramp_seconds(network, profile, 0, 1) == pytest.approx(72)
        assert ramp_seconds(state.network, profile, 0, 1) == pytest.approx(time)


@pytest.fixture
def dated(draw):
    """A detour of 3 km that was always there, and a straight road since 2005."""
    nodes = {"a": (0, 0), "b": (1000, 0)}
    roads = [
        ("a", "b", {"via": [(500, 1414.2)], "opened": "1980", "opened_ev": "dated"}),
        ("a", "b", {"ref": "9", "opened": "2005-06-01", "opened_ev": "dated"}),
    ]
    return draw(nodes, roads, date="2021")


def test_a_road_is_opened_before_its_time(dated, speeds):
    then = dated.as_of("1999")
    (base, state) = with_scenarios(then, [scenario({"do": "open", "roads": {"ref": ["9"]}})])
    assert ramp_seconds(base.network, speeds(), 0, 1) == pytest.approx(300, abs=0.1)
    assert ramp_seconds(state.network, speeds(), 0, 1) == pytest.approx(100)
    assert (state.network.info.as_of, state.network.info.scenario) == ("1999", "s")


def test_the_only_bridge_may_be_closed(draw, speeds, points):
    nodes = {"a": (-500, 0), "b": (0, 0), "c": (200, 0), "d": (700, 0)}
    network = draw(nodes, [("a", "b"), ("b", "c", {"name": "Bridge", "bridge": 1.0}), ("c", "d")])
    places = points(left=(-400, 0), right=(600, 0))
    (base, state) = with_scenarios(network, [scenario(close(name=["Bridge"]))])
    assert between(base.network, speeds(), places, "left", "right") == pytest.approx(100)
    trip = tb.travel_times(
        state.network, places.loc[["left"]], places.loc[["right"]], profile=speeds()
    )
    assert trip["status"].tolist() == ["unreachable"]


def test_places_are_tied_alike_in_all_states_to_roads_open_in_all(draw, points):
    nodes = {"a": (0, 0), "b": (1000, 0), "c": (0, 300), "d": (1000, 300)}
    network = draw(nodes, [("a", "b", {"ref": "1"}), ("c", "d", {"ref": "2"}), ("a", "c")])
    states = with_scenarios(
        network, [scenario(close(ref=["1"])), scenario(speed(factor=2, ref=["2"]), name="t")]
    )
    for state in states:
        assert tie_points(state.network, points(p=(500, 10))).section.tolist() == [1]


def test_places_cut_off_by_an_edit_are_unreachable_and_not_moved(draw, speeds, points):
    nodes = {"a": (0, 0), "b": (500, 0), "c": (900, 0), "d": (0, 500), "e": (900, 500)}
    network = draw(nodes, [("a", "b"), ("b", "c", {"ref": "1"}), ("c", "e"), ("a", "d")])
    (_, state) = with_scenarios(network, [scenario(close(ref=["1"]))])
    places = points(here=(100, 0), there=(900, 100))
    assert tie_points(state.network, places).section.tolist() == [0, 2]
    assert np.isinf(seconds(state.network, speeds(), tie_points(state.network, places))[0, 1])


def test_what_closes_after_a_scenario_is_no_place_to_start_from(dated):
    state = dated.with_scenario(scenario(speed(factor=2, ref=["9"])))
    assert startable(state).tolist() == [True, True]
    assert startable(state.as_of("1999")).tolist() == [True, False]


def test_the_network_itself_is_never_changed(town):
    key, roads = town.key, town.roads.copy()
    with_scenarios(
        town,
        [
            scenario(close(ref=["10"]), new_road((500, 0), (1020, 500))),
            scenario(speed(factor=3, ref=["5"]), name="t"),
        ],
    )
    assert town.key == key
    assert town.roads.equals(roads)


# --- new roads -----------------------------------------------------------------------------------


@pytest.fixture
def valley(draw):
    """Two roads of 2 km, 1,000 m apart, joined in the west only."""
    nodes = {"a": (0, 0), "b": (2000, 0), "c": (0, 1000), "d": (2000, 1000)}
    return draw(nodes, [("a", "b"), ("c", "d"), ("a", "c")])


def test_a_new_road_joins_two_roads_where_its_ends_are(valley, speeds, points):
    (base, state) = with_scenarios(valley, [scenario(new_road((1500, 0), (1500, 1000)))])
    ends = points(south=(1900, 0), north=(1900, 1000))
    assert between(base.network, speeds(), ends, "south", "north") == pytest.approx(480, abs=0.1)
    assert between(state.network, speeds(), ends, "south", "north") == pytest.approx(180, abs=0.5)
    added = state.network.roads[state.network.known_as < 0]
    assert added["length_m"].tolist() == [pytest.approx(1000, rel=1e-3)]
    assert added["class"].tolist() == ["primary"]
    assert added["name"].tolist() == ["edit-0"]


def test_a_new_road_follows_its_line_and_reaches_the_roads_from_its_ends(valley):
    line = new_road((1500, 100), (1800, 500), (1500, 900))
    (_, state) = with_scenarios(valley, [scenario(line)])
    (length,) = state.network.roads.loc[state.network.known_as < 0, "length_m"]
    assert length == pytest.approx(100 + 500 + 500 + 100, rel=1e-3)


def test_a_new_road_is_driven_as_its_class_is_where_it_has_no_speed_of_its_own(
    valley, speeds, points
):
    ends = points(south=(1900, 0), north=(1900, 1000))
    fast = scenario(new_road((1500, 0), (1500, 1000), kph=None) | {"class": "trunk"})
    (_, state) = with_scenarios(valley, [fast])
    time = between(state.network, speeds(trunk=72), ends, "south", "north")
    assert time == pytest.approx(40 + 50 + 40, abs=0.5)


def test_a_oneway_new_road_is_driven_along_its_line_only(valley, speeds, points):
    ends = points(south=(1900, 0), north=(1900, 1000))
    (_, state) = with_scenarios(valley, [scenario(new_road((1500, 0), (1500, 1000), oneway=True))])
    assert between(state.network, speeds(), ends, "south", "north") == pytest.approx(180, abs=0.5)
    assert between(state.network, speeds(), ends, "north", "south") == pytest.approx(480, abs=0.5)


def test_a_new_road_may_begin_and_end_on_one_road(draw, speeds, points):
    network = draw({"a": (0, 0), "b": (1000, 0)}, [("a", "b", {"via": [(500, 2000)]})])
    (_, state) = with_scenarios(network, [scenario(new_road((100, 400), (900, 400), join_m=50))])
    ends = points(a=(0, 0), b=(1000, 0))
    part = np.hypot(100, 400)
    time = between(state.network, speeds(), ends, "a", "b")
    assert time == pytest.approx((2 * part + 800) / 10, abs=0.5)


def test_a_new_road_may_meet_a_road_at_its_very_end(valley, speeds, points):
    (base, state) = with_scenarios(valley, [scenario(new_road((2000, 0), (2000, 1000)))])
    assert len(base.network.roads) == len(valley.roads) + 1
    ends = points(south=(2000, 0), north=(2000, 1000))
    assert between(state.network, speeds(), ends, "south", "north") == pytest.approx(100, abs=0.2)


@pytest.fixture
def divided(draw):
    """A divided road of 2 km, its carriageways 20 m apart, and a street to the south."""
    nodes = {
        "w1": (0, 0),
        "e1": (2000, 0),
        "w2": (0, 20),
        "e2": (2000, 20),
        "s": (1000, -1000),
        "t": (1100, -1000),
    }
    oneway = {"oneway": True, "class": "trunk"}
    return draw(
        nodes,
        [
            ("w1", "e1", oneway),
            ("e2", "w2", oneway),
            ("e1", "e2", {"class": "trunk"}),
            ("w2", "w1", {"class": "trunk"}),
            ("s", "t"),
        ],
    )


def test_a_new_road_joins_both_carriageways_of_a_divided_road(divided, speeds, points):
    (_, state) = with_scenarios(divided, [scenario(new_road((1000, -10), (1000, -1000)))])
    ends = points(east=(1900, 0), west=(100, 20), street=(1050, -1000))
    street_to_west = between(state.network, speeds(), ends, "street", "west")
    assert street_to_west == pytest.approx((50 + 1000 + 20 + 900) / 10, abs=0.5)
    assert between(state.network, speeds(), ends, "street", "east") == pytest.approx(195, abs=0.5)
    links = state.network.roads[state.network.known_as < 0].iloc[1:]
    assert links["class"].tolist() == ["trunk"]
    assert links["length_m"].tolist() == [pytest.approx(20, rel=1e-3)]


def test_a_new_ramp_from_a_divided_street_waits_once(draw, speeds):
    nodes = {
        "a": (0, 0),
        "b": (1000, 0),
        "c": (0, 20),
        "d": (1000, 20),
        "m": (0, 500),
        "n": (1000, 500),
    }
    one = {"oneway": True}
    network = draw(
        nodes, [("a", "b", one), ("d", "c", one), ("m", "n", {"class": "motorway"}), ("b", "d")]
    )
    ramp = new_road((500, 25), (500, 500)) | {"class": "motorway_link"}
    (_, state) = with_scenarios(network, [scenario(ramp)])
    time = ramp_seconds(state.network, speeds(ramp_s=60), 0, 5)
    assert time == pytest.approx((500 + 500 + 500) / 10 + 60, abs=0.5)


def test_a_new_street_joins_no_motorway_and_a_new_motorway_does(draw):
    nodes = {
        "a": (0, 0),
        "b": (1000, 0),
        "c": (0, 300),
        "d": (1000, 300),
        "e": (0, 900),
        "f": (1000, 900),
    }
    network = draw(nodes, [("a", "b", {"class": "motorway"}), ("c", "d"), ("e", "f")])
    line = ((500, 50), (500, 900))
    for name, joined in (("primary", 1), ("motorway", 0)):
        edit = new_road(*line) | {"class": name}
        base, _ = with_scenarios(network, [scenario(edit)])
        assert (base.network.known_as == joined).sum() == 2, name


def test_a_new_motorway_is_a_wall_in_every_state(valley):
    edit = new_road((1500, 0), (1500, 1000)) | {"class": "motorway"}
    states = with_scenarios(valley, [scenario(edit)])
    assert [int(state.network.walls.sum()) for state in states] == [1, 1]


def test_no_trip_starts_on_a_new_road(valley, points):
    for state in with_scenarios(valley, [scenario(new_road((1500, 0), (1500, 1000)))]):
        (section,) = tie_points(state.network, points(p=(1490, 450))).section
        assert state.network.known_as[section] == 0


def test_two_scenarios_may_join_one_section_and_keep_their_roads_apart(valley, speeds, points):
    one = scenario(new_road((1500, 0), (1500, 1000)), name="one")
    two = scenario(new_road((1000, 0), (1000, 1000), kph=72), name="two")
    base, first, second = with_scenarios(valley, [one, two])
    ends = points(south=(1900, 0), north=(1900, 1000))
    times = [
        between(state.network, speeds(), ends, "south", "north") for state in (base, first, second)
    ]
    assert times == [
        pytest.approx(480, abs=0.1),
        pytest.approx(180, abs=0.5),
        pytest.approx(90 + 50 + 90, abs=0.5),
    ]
    assert first.network.key != second.network.key
    alone = with_scenarios(valley, [one])[1].network
    assert between(alone, speeds(), ends, "south", "north") == pytest.approx(times[1], abs=0.01)


def test_two_scenarios_may_add_the_same_road(valley):
    one, two = (scenario(new_road((1500, 0), (1500, 1000)), name=name) for name in "ab")
    base, first, second = with_scenarios(valley, [one, two])
    assert len(base.network.roads) == 3 + 2 + 2  # two sections cut once, and two roads
    assert first.network.closed.tolist() != second.network.closed.tolist()


def test_numbers_of_sections_are_those_before_other_edits_cut_them(valley):
    both = scenario(new_road((1500, 0), (1500, 1000)), speed(kph=72, id=[1]))
    (_, state) = with_scenarios(valley, [both])
    made = state.network
    edited = made.arc_section[state.changes[1].arcs]
    assert made.roads.loc[np.unique(edited), "length_m"].sum() == pytest.approx(2000)
    assert set(made.known_as[edited]) == {1}


def test_a_new_road_waits_at_junctions_but_makes_none_of_others(valley, speeds):
    edit = new_road((1000, 0), (1000, 1000))
    base, state = with_scenarios(valley, [scenario(edit)])
    profile = speeds(junction_s=20)
    for made in (base, state):
        assert ramp_seconds(made.network, profile, 0, 1) == pytest.approx(200)


def test_the_network_may_be_in_another_crs(valley, speeds, points):
    edit = scenario(new_road((1500, 0), (1500, 1000)))
    ends = points(south=(1900, 0), north=(1900, 1000))
    here = with_scenarios(valley, [edit])[1].network
    there = with_scenarios(valley.to_crs("EPSG:32652"), [edit])[1].network
    assert between(there, speeds(), ends, "south", "north") == pytest.approx(
        between(here, speeds(), ends, "south", "north"), abs=0.1
    )


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ([close(ref=["1O4"])], ["edit-0", "no road has ref '1O4'", "104"]),
        ([close(ref=["10", "99"])], ["no road has ref '99'"]),
        ([close(name=["Mian"])], ["no road has name 'Mian'", "Main"]),
        ([close(id=[0, 7])], ["no section has the number 7", "0 to 6"]),
        ([close(id=[-1])], ["no section has the number -1"]),
        ([close(**{"class": ["motorway"]})], ["no road has class motorway", "trunk"]),
        ([close(ref=["5"], name=["Main"])], ["no road fits ref 5; name Main", "all of it"]),
        (
            [close(within=lonlat((5000, 0), (6000, 0), (6000, 500)))],
            ["no road fits within the polygon", "longitude, latitude"],
        ),
        ([{"do": "open", "roads": {"ref": ["5"]}}], ["all sections (2) that fit", "open already"]),
        ([close("west", **{"class": ["trunk"], "ref": ["5"], "id": [2]})], ["none", "west"]),
        ([close("north", id=[6])], ["is driven to the north"]),
        ([close(ref=["104"]), speed(factor=2, ref=["10"])], ["'edit-0' and 'edit-1'", "1 section"]),
        ([close(ref=["5"]), close(**{"class": ["trunk"]})], ["'edit-0' and 'edit-1'", "road '5'"]),
        ([new_road((500, 0), (9000, 0))], ["edit-0", "within 500 m of its end", "join_m"]),
        ([new_road((-9000, 0), (500, 0))], ["within 500 m of its end"]),
        ([new_road((9000, 0), (9500, 0))], ["within 500 m of its end"]),
        ([new_road((500, 0), (500, 300), join_m=1)], ["within 1 m of its end"]),
    ],
)
def test_an_edit_that_does_not_fit_the_roads_is_named_with_what_was_found(town, edits, words):
    with pytest.raises(ScenarioError) as told:
        with_scenarios(town, [scenario(*edits)])
    for word in words:
        assert word in str(told.value)


def test_opposite_directions_of_one_road_may_have_an_edit_each(town, speeds):
    both = scenario(close("east", name=["Main"]), speed("west", kph=72, name=["Main"]))
    (_, state) = with_scenarios(town, [both])
    assert ramp_seconds(state.network, speeds(), 1, 0) == pytest.approx(50)
    assert ramp_seconds(state.network, speeds(), 0, 1) == pytest.approx(128.06, abs=0.01)


def test_a_road_without_any_number_is_said_to_have_none(valley):
    with pytest.raises(ScenarioError, match=r"no road has ref '1'; none has any"):
        with_scenarios(valley, [scenario(close(ref=["1"]))])


def test_the_end_that_is_near_no_road_is_the_one_that_is_named(town):
    far = (500, 5000)
    lon, lat = lonlat(far)[0]
    for line in ((far, (500, 0)), ((500, 0), far)):
        with pytest.raises(ScenarioError, match=f"at {lon},{lat}"):
            with_scenarios(town, [scenario(new_road(*line))])


def test_a_new_road_far_beyond_the_map_is_near_no_road(town):
    edit = {"do": "add_road", "line": [(-60.0, -35.0), lonlat((0, 0))[0]], "kph": 60}
    with pytest.raises(ScenarioError, match="no road to join within 500 m"):
        with_scenarios(town, [scenario(edit)])


def test_a_scenario_is_not_put_on_top_of_another(town):
    state = town.with_scenario(scenario(close(ref=["104"])))
    with pytest.raises(ScenarioError, match="under scenario 's' already"):
        state.with_scenario(scenario(close(ref=["5"])))


def test_a_closed_road_is_no_place_to_join(dated):
    middle = new_road((500, 20), (500, 1390), join_m=40)
    with_scenarios(dated, [scenario(middle)])
    with pytest.raises(ScenarioError, match="no road to join"):
        with_scenarios(dated.as_of("1999"), [scenario(middle)])


def test_a_date_before_any_road_is_refused(dated):
    with pytest.raises(NetworkError, match="first road with a date opened on 1980"):
        dated.as_of("1950")


# --- properties ----------------------------------------------------------------------------------

_CLASSES = ["primary", "secondary", "motorway", "motorway_link", "residential"]


@st.composite
def networks(draw_from):
    """Draw a small network as nodes and roads: parallel roads, loops and one-ways among them."""
    n = draw_from(st.integers(3, 7))
    spot = st.tuples(st.integers(0, 20), st.integers(0, 20))
    at = draw_from(st.lists(spot, min_size=n, max_size=n, unique=True))
    nodes = {str(i): (x * 100, y * 100) for i, (x, y) in enumerate(at)}
    roads = []
    for number in range(draw_from(st.integers(n, 2 * n))):
        u, v = draw_from(st.integers(0, n - 1)), draw_from(st.integers(0, n - 1))
        kind = "primary" if number == 0 else draw_from(st.sampled_from(_CLASSES))
        said = {
            "class": kind,
            "ref": draw_from(st.sampled_from(["1", "2", None])),
            "oneway": draw_from(st.booleans()),
            "bridge": float(kind == "motorway"),  # no wall: those have tests of their own
            "limit_kph": draw_from(st.sampled_from([30.0, 60.0, np.nan])),
            "opened": draw_from(st.sampled_from(["1980", "1990", "2010", None])),
        }
        (x, y), far = nodes[str(u)], 30 + 11 * number  # no two have the same shape
        said["via"] = (
            [(x + far, y + 20), (x + 20, y + far)] if u == v else [(x + far, y - 40 - 5 * number)]
        )
        roads.append((str(u), str(v), said))
    roads[0][2]["opened"] = "1980"
    return nodes, roads


_QUARTER = lonlat((-5000, -5000), (1050, -5000), (1050, 1050), (-5000, 1050))
_SPOTS = st.lists(st.tuples(st.integers(-1, 21), st.integers(-1, 21)), min_size=2, max_size=5)
_QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # they are small as they come
)
_PROFILE = {"junction_s": 12.0, "ramp_s": 45.0, "motorway": 90.0, "residential": 20.0}


def near(network, places):
    return tie_points(network, places, max_access_m=50_000, sections=startable(network))


def drawn(draw, points, spots, plan):
    network = draw(*plan)
    xy = {f"p{i}": (x * 100 + 13, y * 100 + 7) for i, (x, y) in enumerate(spots)}
    return network, points(**xy)


@_QUICK
@given(
    plan=networks(),
    spots=_SPOTS,
    data=st.data(),
)
def test_cutting_changes_no_time(draw, points, speeds, plan, spots, data):
    network, places = drawn(draw, points, spots, plan)
    k = data.draw(st.integers(1, 8))
    section = data.draw(st.lists(st.integers(0, len(network.roads) - 1), min_size=k, max_size=k))
    fraction = data.draw(st.lists(st.floats(0, 1), min_size=k, max_size=k))
    cut = cut_sections(network, np.array(section), np.array(fraction))
    before, after = (
        seconds(state, speeds(**_PROFILE), near(state, places)) for state in (network, cut.network)
    )
    np.testing.assert_allclose(after, before, atol=0.02)
    whole = cut.network.roads.groupby(cut.network.known_as)["length_m"].sum()
    np.testing.assert_allclose(whole, network.roads["length_m"])


@_QUICK
@given(plan=networks(), data=st.data())
def test_cut_or_not_all_nodes_are_as_far_apart_as_networkx_says(draw, speeds, plan, data):
    network = draw(*plan)
    section = data.draw(st.integers(0, len(network.roads) - 1))
    cut = cut_sections(network, np.array([section]), np.array([data.draw(st.floats(0, 1))]))
    before, after = (_all_pairs(state, speeds(**_PROFILE)) for state in (network, cut.network))
    for start in before:
        assert before[start].keys() == after[start].keys() - set(range(len(network.nodes), 99))
        for finish, time in before[start].items():
            assert after[start][finish] == pytest.approx(time, abs=1e-6)


def _all_pairs(network, profile):
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(network.arc_tail.tolist())
    costs = arc_costs(network, profile)
    for tail, head, cost in zip(network.arc_tail, network.arc_head, costs.arc_s, strict=True):
        if np.isfinite(cost):
            graph.add_edge(int(tail), int(head), s=cost)
    return dict(nx.all_pairs_dijkstra_path_length(graph, weight="s"))


def _line(spots):
    return [(x * 100 + 3, y * 100 + 1) for x, y in spots]


@_QUICK
@given(
    plan=networks(),
    spots=_SPOTS,
    ends=st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=2, unique=True
    ),
    ref=st.sampled_from(["1", "2"]),
    said=st.fixed_dictionaries(
        {
            "kph": st.floats(5, 150),
            "class": st.sampled_from(_CLASSES),
            "oneway": st.booleans(),
        }
    ),
)
def test_closing_never_shortens_adding_never_lengthens_and_a_factor_of_one_changes_nothing(
    draw, points, speeds, plan, spots, ends, ref, said
):
    plan[1][0][2]["ref"] = ref
    network, places = drawn(draw, points, spots, plan)
    road = new_road(*_line(ends), join_m=9000) | said
    shut = close(ref=[ref])
    same = speed(factor=1, ref=[ref])
    base, closed, added, still = with_scenarios(
        network, [scenario(edit, name=edit["do"]) for edit in (shut, road, same)]
    )
    assume(startable(base.network).any())
    ties = near(base.network, places)
    before, less, more, alike = (
        seconds(state.network, speeds(**_PROFILE), ties) for state in (base, closed, added, still)
    )
    assert (less >= before - 1e-6).all()
    assert (more <= before + 1e-6).all()
    np.testing.assert_array_equal(alike, before)


@_QUICK
@given(plan=networks(), spots=_SPOTS, ends=_SPOTS)
def test_the_base_has_the_times_of_the_network_before_anything_was_laid_out(
    draw, points, speeds, plan, spots, ends
):
    network, places = drawn(draw, points, spots, plan)
    line = _line(ends)
    assume(line[0] != line[-1])
    laid = lay_out(
        network,
        [
            scenario(new_road(*line, join_m=9000), speed(factor=2, within=_QUARTER)),
            scenario(new_road(line[-1], line[0], join_m=9000), name="t"),
        ],
    )
    assume(not _at_bends(network, laid.network))
    before, base = (
        seconds(state, speeds(**_PROFILE), near(state, places)) for state in (network, laid.network)
    )
    np.testing.assert_allclose(base, before, atol=0.02)


def _at_bends(network, laid):
    """Tell whether a road was cut at a bend, where the two sides have directions of their own."""
    bends = shapely.multipoints([xy for line in network.lines for xy in line.coords[1:-1]])
    fresh = laid.nodes[["x", "y"]].to_numpy()[len(network.nodes) :]
    return bool((shapely.distance(shapely.points(fresh), bends) < 10).any())


@_QUICK
@given(plan=networks(), spots=_SPOTS, day=st.sampled_from(["1985", "1999", "2015"]))
def test_a_date_and_then_a_scenario_are_the_scenario_on_the_roads_of_that_date(
    draw, points, speeds, plan, spots, day
):
    network, places = drawn(draw, points, spots, plan)
    plan_of = scenario(
        speed(factor=0.5, id=[0]), close(within=_QUARTER, **{"class": ["secondary"]})
    )
    inside = lay_out(network, [plan_of]).network.as_of(day)
    choice = plan_of.of_roads[1].roads
    assume((fitting(inside, choice) & ~inside.closed).any())
    one = with_scenarios(network.as_of(day), [plan_of])
    laid = lay_out(network, [plan_of])
    then = laid.network.as_of(day)
    two = on_common_ground([replace(one[0], network=then), under(laid, then, plan_of)])
    for first, second in zip(one, two, strict=True):
        assert first.network.key == second.network.key
        np.testing.assert_array_equal(startable(first.network), startable(second.network))
    late = network.with_scenario(plan_of).as_of(day)
    np.testing.assert_array_equal(late.closed, one[1].network.closed)
    ties = near(late, places)
    np.testing.assert_array_equal(
        seconds(late, speeds(), ties), seconds(one[1].network, speeds(), ties)
    )


_UNSURE = Uncertainty(
    corridor_sd=0.1, class_sd=0.1, road_sd=0.3, correlation_km=0.5, source="a test"
)


@_QUICK
@given(plan=networks(), seed=st.integers(0, 99), spot=st.floats(0.1, 0.9))
def test_random_speeds_of_other_roads_are_the_same_whatever_is_cut_or_edited(
    draw, plan, seed, spot
):
    network = draw(*plan)
    edit = scenario(speed(factor=0.5, id=[0]), new_road((100, 100), (900, 900), join_m=9000))
    (base, state) = with_scenarios(network, [edit])
    cut = cut_sections(network, np.array([0]), np.array([spot])).network
    before = _factors(network, seed)
    for made in (base.network, state.network, cut):
        slowness = made.roads["length_m"].to_numpy() / _factors(made, seed)
        old = made.known_as >= 0
        summed = np.bincount(made.known_as[old], weights=slowness[old])
        np.testing.assert_allclose(summed, network.roads["length_m"] / before)
        whole = np.bincount(made.known_as[old])[made.known_as] == 1
        np.testing.assert_array_equal(
            _factors(made, seed)[whole & old], before[made.known_as[whole & old]]
        )


def _factors(network, seed):
    nowhere = np.zeros(len(network.roads), dtype=bool)
    noise = road_noise(network, 500.0)
    return section_factors(network, _UNSURE, noise, nowhere, seed=seed, draw=0)


@_QUICK
@given(plan=networks(), k=st.integers(1, 6), data=st.data())
def test_parts_lie_end_to_end_along_the_shape_of_their_section(draw, plan, k, data):
    network = draw(*plan)
    fraction = data.draw(st.lists(st.floats(0, 1), min_size=k, max_size=k))
    cut = cut_sections(network, np.zeros(k, dtype=int), np.array(fraction)).network
    parts = cut.roads[cut.known_as == 0].reset_index(drop=True)
    assert (parts["v"].to_numpy()[:-1] == parts["u"].to_numpy()[1:]).all()
    assert shapely.length(parts.geometry.to_numpy()).sum() == pytest.approx(network.lines[0].length)
    xy = cut.nodes[["x", "y"]].to_numpy()
    for end, at in (("u", 0), ("v", -1)):
        met = shapely.get_coordinates(shapely.get_point(parts.geometry.to_numpy(), at))
        np.testing.assert_allclose(met, xy[parts[end]], atol=1e-6)
