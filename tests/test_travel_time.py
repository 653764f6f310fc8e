"""Travel times and nearest facilities: on paper, against networkx and scipy, and their properties."""

from __future__ import annotations

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from technobelt.errors import CRSError, PointError, RegionError
from technobelt.network.speeds import arc_costs
from technobelt.network.ties import Ties, tie_points
from technobelt.travel_time import matrix, model_of, nearest, travel_times

# --- a town that fits on paper -----------------------------------------------------------------
#
#     f ---- e ---- d=ring        every road 1,000 m and 100 s, two ways, but for
#            |)     |             b -> c: one way;  b ) e: beside the straight road, 1,500 m;
#     a ---- b ---> c.c2 ---- g   the ring at d: 1,200 m;  c . c2: no length;
#                                 i ---- j: an island;  k: no road at all

NODES = {
    "a": (0, 0),
    "b": (1000, 0),
    "c": (2000, 0),
    "d": (2000, 1000),
    "e": (1000, 1000),
    "f": (0, 1000),
    "c2": (2000, 0),
    "g": (3000, 0),
    "k": (4000, 4000),
    "i": (6000, 0),
    "j": (7000, 0),
}
ROADS = [
    ("a", "b"),
    ("b", "c", {"oneway": True}),
    ("c", "d"),
    ("d", "e"),
    ("e", "b"),
    ("e", "f"),
    ("b", "e", {"via": [(1300, 500)], "length_m": 1500.0}),
    ("d", "d", {"via": [(2300, 1000), (2300, 1300), (2000, 1300)]}),
    ("c", "c2", {"class": "secondary"}),
    ("c2", "g"),
    ("i", "j"),
]
PLACES = {
    "A": (500, 0),
    "B1": (1200, 0),
    "B": (1500, 0),
    "B2": (1700, 0),
    "C": (2000, 500),
    "E": (1000, 500),
    "F": (0, 1000),
    "G": (2500, 0),
    "I": (6500, 0),
    "R": (2300, 1300),
}


@pytest.fixture(scope="module")
def town(draw):
    return draw(NODES, ROADS)


@pytest.fixture(scope="module")
def places(points):
    return points(**PLACES)


@pytest.fixture(scope="module")
def ask(town, places, speeds):
    """Ask for one trip: seconds, metres and status."""

    def trip(a, b, network=town, profile=None, where=places, **options):
        row = travel_times(
            network, where.loc[[a]], where.loc[[b]], profile=profile or speeds(), **options
        ).iloc[0]
        return row["time_min"] * 60, row["length_km"] * 1000, row["status"]

    return trip


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        ("A", "B", 1000),
        ("B", "A", 500 + 3000 + 500),
        ("A", "C", 2000),
        ("C", "A", 3000),
        ("B", "G", 1000),
        ("G", "B", 500 + 3000 + 500),
        ("F", "A", 2500),
        ("A", "F", 2500),
        ("E", "A", 1000),
        ("R", "C", 1100),
        ("C", "R", 1100),
        ("G", "F", 500 + 3000),
        ("F", "G", 1000 + 1000 + 1000 + 500),
    ],
)
def test_trips_on_paper(ask, a, b, metres):
    """At 10 m/s; places lie on their roads, so there is no access leg."""
    seconds, length, status = ask(a, b)
    assert (seconds, length) == pytest.approx((metres / 10, metres), abs=0.01)
    assert status == "ok"


def test_forward_on_a_one_way_road_is_direct_and_back_is_the_way_round(ask):
    assert ask("B1", "B2")[:2] == pytest.approx((50, 500), abs=0.01)
    assert ask("B2", "B1")[:2] == pytest.approx((350, 300 + 3000 + 200), abs=0.01)


def test_on_a_two_way_road_both_ways_are_direct(ask, points):
    where = points(p=(200, 0), q=(900, 0))
    assert ask("p", "q", where=where)[0] == pytest.approx(70)
    assert ask("q", "p", where=where)[0] == pytest.approx(70)


def test_where_the_way_round_is_quicker_than_the_direct_one_it_counts(ask, draw, speeds, points):
    """Two points on a slow road whose ends a fast one joins."""
    nodes = {"a": (0, 0), "b": (1000, 0)}
    network = draw(nodes, [("a", "b", {"class": "service"}), ("a", "b", {"via": [(500, 300)]})])
    profile = speeds(service=3.6, primary=360.0)
    where = points(p=(100, 0), q=(900, 0))
    expected = 100 + 2 * np.hypot(500, 300) / 100 + 100
    assert ask("p", "q", network, profile, where)[0] == pytest.approx(expected, abs=0.01)


def test_an_island_is_unreachable_both_ways(ask):
    for trip in (("A", "I"), ("I", "A")):
        seconds, metres, status = ask(*trip)
        assert np.isnan([seconds, metres]).all()
        assert status == "unreachable"


def test_a_place_is_at_itself_in_no_time(ask, speeds):
    slow = speeds(access_s=60.0, parking_s=60.0)
    assert ask("A", "A", profile=slow) == (0, 0, "ok")
    assert ask("I", "I", profile=slow) == (0, 0, "ok")


def test_two_places_at_one_position_on_the_road_are_only_their_access_legs_apart(ask, points):
    where = points(p=(500, 30), q=(500, -50))
    assert ask("p", "q", where=where)[:2] == pytest.approx((80, 80))


# --- the table ---------------------------------------------------------------------------------


def test_rows_are_pairs_in_the_order_of_origins_then_destinations(town, places, speeds):
    found = travel_times(
        town, places.loc[["C", "A"]], places.loc[["B", "I", "C"]], profile=speeds()
    )
    assert found.columns.tolist() == ["from_id", "to_id", "time_min", "length_km", "status"]
    assert found["from_id"].tolist() == ["C"] * 3 + ["A"] * 3
    assert found["to_id"].tolist() == ["B", "I", "C"] * 2
    assert found["status"].tolist() == ["ok", "unreachable", "ok"] * 2
    assert found["time_min"].isna().tolist() == [False, True, False] * 2


def test_ids_are_the_index_whatever_it_is(town, places, speeds):
    numbered = places.set_axis(range(100, 110))
    found = travel_times(town, numbered.iloc[:2], numbered.iloc[:1], profile=speeds())
    assert found["from_id"].tolist() == [100, 101]


def test_the_matrix_of_all_is_made_of_the_single_trips(town, places, speeds, ask):
    found = travel_times(town, places, places, profile=speeds())
    for row in found.itertuples():
        seconds, metres, status = ask(row.from_id, row.to_id)
        assert row.status == status
        assert (row.time_min * 60, row.length_km * 1000) == pytest.approx(
            (seconds, metres), nan_ok=True
        )


def test_points_that_cannot_be_tied_have_a_row_that_says_so(town, points, speeds):
    where = points(A=(500, 0), sea=(20_000, 0))
    found = travel_times(town, where, where, profile=speeds())
    assert found["status"].tolist() == ["ok", "not_tied", "not_tied", "not_tied"]
    assert found["time_min"].isna().tolist() == [False, True, True, True]


@pytest.mark.parametrize("side", ["origins", "destinations"])
def test_if_none_can_be_tied_it_is_an_error_that_says_which(town, places, points, speeds, side):
    frames = {"origins": places, "destinations": places, side: points(sea=(20_000, 0))}
    with pytest.raises(PointError, match=f"the {side[:-1]} does not lie within 1000 m"):
        travel_times(town, frames["origins"], frames["destinations"], profile=speeds())


def test_no_places_make_no_rows(town, places, speeds):
    none = places.iloc[:0]
    assert len(travel_times(town, none, places, profile=speeds())) == 0
    assert len(travel_times(town, places, none, profile=speeds())) == 0


@pytest.mark.parametrize(
    ("limit", "status"),
    [(None, "ok"), (7, "ok"), (400 / 60, "ok"), (6.6, "over_limit"), (0.1, "over_limit")],
)
def test_a_trip_beyond_the_limit_says_so(ask, limit, status):
    """From B back to A takes 400 s."""
    seconds, metres, found = ask("B", "A", max_minutes=limit)
    assert found == status
    assert np.isnan(seconds) == np.isnan(metres) == (status != "ok")


def test_with_a_limit_an_island_is_over_it(ask):
    assert ask("A", "I", max_minutes=1000)[2] == "over_limit"


def test_an_unknown_profile_is_refused(town, places):
    with pytest.raises(RegionError, match="no speed profile 'fast'; there are free_flow"):
        travel_times(town, places, places, profile="fast")


def test_progress_is_told(town, places, speeds):
    told = []
    travel_times(town, places, places, profile=speeds(), progress=lambda *at: told.append(at))
    assert told == [(10, 10)]


def test_nothing_handed_in_is_changed(town, places, speeds):
    roads, before = town.roads.copy(), places.copy()
    travel_times(town, places, places, profile=speeds())
    pd.testing.assert_frame_equal(pd.DataFrame(town.roads), pd.DataFrame(roads))
    assert places.equals(before)


# --- positions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("crs", [4326, 5186, 3857])
def test_points_in_another_crs_give_the_same_times(town, places, speeds, crs):
    here = travel_times(town, places, places, profile=speeds())
    there = travel_times(town, places.to_crs(crs), places, profile=speeds())
    np.testing.assert_allclose(there["time_min"], here["time_min"], atol=1e-4)
    np.testing.assert_allclose(there["length_km"], here["length_km"], atol=1e-5)


def test_a_network_in_another_crs_gives_the_same_times(town, places, speeds):
    here = travel_times(town, places, places, profile=speeds())
    there = travel_times(town.to_crs("EPSG:32652"), places, places, profile=speeds())
    np.testing.assert_allclose(there["time_min"], here["time_min"], atol=1e-4)


def test_longitude_and_latitude_exchanged_are_refused(town, places):
    lonlat = places.to_crs(4326).geometry
    swapped = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lonlat.y, lonlat.x), crs=4326)
    with pytest.raises(CRSError, match="the destinations: longitude and latitude are exchanged"):
        travel_times(town, places, swapped)


# --- access legs and fixed seconds -------------------------------------------------------------


def test_access_legs_cost_access_speed_and_their_length(ask, points, speeds):
    where = points(p=(250, 90), q=(750, -60))
    assert ask("p", "q", where=where)[:2] == pytest.approx((90 + 50 + 60, 90 + 500 + 60))
    quick = speeds(access_kph=7.2)
    assert ask("p", "q", where=where, profile=quick)[0] == pytest.approx(45 + 50 + 30)


def test_an_access_leg_is_no_longer_than_allowed(ask, points):
    where = points(p=(250, -900), q=(750, 0))
    assert ask("p", "q", where=where, max_access_m=900)[2] == "ok"
    with pytest.raises(PointError):
        ask("p", "q", where=where, max_access_m=899)


def test_the_seconds_at_the_doors_are_added_once_a_trip(ask, speeds):
    doors = speeds(access_s=60.0, parking_s=30.0, egress_s=5.0)
    for trip in (("A", "B"), ("B", "A"), ("B1", "B2"), ("F", "G")):
        assert ask(*trip, profile=doors)[0] == pytest.approx(ask(*trip)[0] + 95)
        assert ask(*trip, profile=doors)[1] == pytest.approx(ask(*trip)[1], abs=0.01)


def test_a_driver_waits_at_every_main_crossing_passed(ask, speeds):
    """On the way from A to C: 10 s at b, which has five arms, and half of it at c, which has three
    and is reached by a one-way road."""
    waiting = speeds(junction_s=10.0)
    assert ask("A", "B", profile=waiting)[0] == pytest.approx(100 + 10)
    assert ask("A", "C", profile=waiting)[0] == pytest.approx(200 + 10 + 5)


def test_on_and_off_the_motorway_cost_the_ramp_twice(draw, ask, speeds, points):
    nodes = {name: (1000 * i, 0) for i, name in enumerate("abcdef")}
    way, ramp = {"class": "motorway"}, {"class": "motorway_link"}
    network = draw(
        nodes, [("a", "b"), ("b", "c", ramp), ("c", "d", way), ("d", "e", ramp), ("e", "f")]
    )
    where = points(p=(500, 0), q=(4500, 0))
    assert ask("p", "q", network, where=where)[0] == pytest.approx(400)
    assert ask("p", "q", network, speeds(ramp_s=20.0), where)[0] == pytest.approx(440)


# --- divided roads, motorways, rivers ----------------------------------------------------------


def test_on_a_divided_road_the_better_carriageway_counts_for_each_direction(draw, ask, points):
    """Eastbound at y = 0, westbound at y = 20; the place is 30 m south, so 50 m from westbound."""
    nodes = {
        "w": (-1000, 0),
        "a": (0, 0),
        "b": (1000, 0),
        "x": (2000, 0),
        "c": (1000, 20),
        "d": (0, 20),
    }
    one = {"oneway": True}
    network = draw(
        nodes, [("w", "a"), ("a", "b", one), ("b", "x"), ("b", "c"), ("c", "d", one), ("d", "a")]
    )
    where = points(p=(250, -30), west=(-500, 0), east=(1500, 0))
    assert ask("p", "east", network, where=where)[0] == pytest.approx(30 + 75 + 50)
    assert ask("p", "west", network, where=where)[0] == pytest.approx(50 + 25 + 2 + 50)
    assert ask("west", "p", network, where=where)[0] == pytest.approx(50 + 25 + 30)
    assert ask("east", "p", network, where=where)[0] == pytest.approx(50 + 2 + 75 + 50)


@pytest.mark.parametrize(
    "special", [{"class": "motorway"}, {"class": "motorway_link"}, {"bridge": 1.0}, {"tunnel": 1.0}]
)
def test_a_trip_does_not_start_on_a_motorway_ramp_bridge_or_tunnel(draw, ask, points, special):
    """The place lies on such a road; the street 100 m off is where it starts."""
    nodes = {"a": (0, 100), "b": (1000, 100), "c": (0, 0), "d": (1000, 0)}
    network = draw(nodes, [("a", "b"), ("c", "d", special), ("a", "c", special)])
    where = points(p=(500, 1), q=(900, 100))
    assert ask("p", "q", network, where=where)[0] == pytest.approx(99 + 40)


RIVER_NODES = {"n1": (0, 300), "n2": (5000, 300), "s1": (0, -300), "s2": (5000, -300)}
RIVER = [(-5000, -200), (4900, -200), (4900, 200), (-5000, 200)]
BANKS = {"north": (500, 210), "south": (500, -210), "far": (4950, 300)}


def test_neighbours_across_a_river_drive_round_by_the_bridge(draw, ask, points):
    """90 m to the road, 4,500 m to the bridge, 600 m over it, 4,500 m back, 90 m."""
    bridge = ("n2", "s2", {"bridge": 0.7})
    network = draw(RIVER_NODES, [("n1", "n2"), ("s1", "s2"), bridge], walls=[RIVER])
    where = points(**BANKS)
    expected = 90 + (4500 + 600 + 4500) / 10 + 90
    assert ask("north", "south", network, where=where)[0] == pytest.approx(expected)


def test_once_the_only_bridge_is_closed_the_other_bank_is_unreachable(draw, ask, points):
    bridge = ("n2", "s2", {"bridge": 0.7})
    network = draw(RIVER_NODES, [("n1", "n2"), ("s1", "s2"), bridge], walls=[RIVER])
    shut = network.closing(np.array([False, False, True]))
    where = points(**BANKS)
    assert ask("north", "south", shut, where=where)[2] == "unreachable"
    assert ask("south", "far", shut, where=where)[2] == "unreachable"
    assert ask("north", "far", shut, where=where)[2] == "ok"


def test_a_place_whose_own_road_is_closed_is_unreachable_when_it_keeps_its_tie(
    town, places, speeds
):
    """Ties made before the closure stand; a place at its end is cut off just as one inside."""
    ties = tie_points(town, places.loc[["A", "F"]])
    shut = town.closing(np.isin(np.arange(len(ROADS)), [0, 5]))
    others = tie_points(town, places.loc[["C", "A"]])
    for by in ("time", "length"):
        model = model_of(shut, speeds(), by=by)
        assert np.isinf(matrix(model, ties, others)[0]).all()
        assert np.isinf(matrix(model, others, ties)[0]).all()


# --- by time, by length ------------------------------------------------------------------------


@pytest.fixture
def fork(draw):
    """From a to b: 1,000 m by a lane, or 3,000 m by a fast road."""
    nodes = {"o": (-1000, 0), "a": (0, 0), "b": (1000, 0), "z": (2000, 0)}
    lane = ("a", "b", {"class": "service"})
    fast = ("a", "b", {"class": "trunk", "via": [(500, 500)], "length_m": 3000.0})
    return draw(nodes, [("o", "a"), lane, fast, ("b", "z")])


def test_the_quickest_and_the_shortest_way_each_tell_both(fork, ask, speeds, points):
    profile = speeds(service=18.0, trunk=108.0)
    where = points(p=(-500, 0), q=(1500, 0))
    assert ask("p", "q", fork, profile, where)[:2] == pytest.approx((200, 4000), abs=0.01)
    assert ask("p", "q", fork, profile, where, by="length")[:2] == pytest.approx(
        (300, 2000), abs=0.01
    )


def test_of_equally_quick_ways_the_length_is_that_of_the_shortest(fork, ask, speeds, points):
    """200 s by either: the lane at 5 m/s, the fast road at 15."""
    profile = speeds(service=18.0, trunk=54.0)
    where = points(p=(-500, 0), q=(1500, 0))
    assert ask("p", "q", fork, profile, where)[:2] == pytest.approx((300, 2000), abs=0.01)


# --- nearest -----------------------------------------------------------------------------------


def test_the_nearest_hangs_on_the_direction(town, places, speeds):
    """From A to B1 700 m; from B1 to A 4,300 m, but 3,800 m from G: whom one goes to and who comes."""
    there = nearest(town, places.loc[["B"]], places.loc[["A", "G"]], profile=speeds())
    back = nearest(town, places.loc[["B"]], places.loc[["A", "G"]], profile=speeds(), toward=False)
    assert there[["id", "nearest_id", "status"]].to_numpy().tolist() == [["B", "G", "ok"]]
    assert back[["id", "nearest_id", "status"]].to_numpy().tolist() == [["B", "A", "ok"]]
    assert (there["time_min"].item(), back["time_min"].item()) == pytest.approx(
        (100 / 60, 100 / 60)
    )


def test_a_place_that_is_a_facility_is_its_own_nearest(town, points, speeds):
    """Though 900 m from the road, and another facility right beside the road."""
    where = points(home=(500, -900), other=(500, 0))
    found = nearest(town, where.loc[["home"]], where, profile=speeds(access_s=60.0))
    assert found[["nearest_id", "time_min", "length_km"]].to_numpy().tolist() == [
        ["home", 0.0, 0.0]
    ]


def test_a_place_without_a_way_to_any_facility_has_none(town, places, points, speeds):
    where = pd.concat([places.loc[["A", "I"]], points(sea=(20_000, 0))])
    found = nearest(town, where, places.loc[["B", "F"]], profile=speeds())
    assert found["status"].tolist() == ["ok", "unreachable", "not_tied"]
    assert found["nearest_id"].tolist() == ["B", None, None]
    assert found["time_min"].isna().tolist() == [False, True, True]


def test_a_facility_beyond_the_limit_is_none(town, places, speeds):
    found = nearest(town, places.loc[["A"]], places.loc[["F"]], profile=speeds(), max_minutes=4)
    assert found[["nearest_id", "status"]].to_numpy().tolist() == [[None, "over_limit"]]


def test_without_any_facility_nothing_is_nearest(town, places, speeds):
    with pytest.raises(PointError, match="there are no facilities"):
        nearest(town, places, places.iloc[:0], profile=speeds())


def test_without_any_place_there_are_no_rows(town, places, speeds):
    assert len(nearest(town, places.iloc[:0], places, profile=speeds())) == 0


PLACE = st.tuples(st.integers(-100, 3100), st.integers(-100, 1400))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(PLACE, min_size=1, max_size=5),
    st.lists(PLACE, min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from(["time", "length"]),
    st.booleans(),
)
def test_the_nearest_is_the_least_of_the_matrix(
    town, points, speeds, homes, shops, toward, by, shared
):
    """Ties go to the facility that stands first; a shop may stand where a home does."""
    homes = points(**{f"h{i}": xy for i, xy in enumerate(homes)})
    shops = points(**{f"s{i}": xy for i, xy in enumerate(shops)})
    shops = pd.concat([shops, homes.iloc[:1].set_axis(["s9"])]) if shared else shops
    options = {"profile": speeds(access_s=7.0), "by": by, "max_access_m": 3000}
    found = nearest(town, homes, shops, toward=toward, **options)
    frames = (homes, shops) if toward else (shops, homes)
    times = travel_times(town, *frames, **options)
    cost = "time_min" if by == "time" else "length_km"
    home, shop = ("from_id", "to_id") if toward else ("to_id", "from_id")
    table = times.pivot_table(index=home, columns=shop, values=cost).loc[homes.index, shops.index]
    np.testing.assert_allclose(found[cost], table.min(axis=1), atol=1e-6)
    chosen = [table.loc[h, s] for h, s in zip(found["id"], found["nearest_id"], strict=True)]
    np.testing.assert_allclose(chosen, table.min(axis=1), atol=1e-6)


# --- models are remembered, networks are not mixed up ------------------------------------------


def test_equal_networks_share_one_graph(draw, speeds):
    one, two = draw(NODES, ROADS), draw(NODES, ROADS)
    assert model_of(one, speeds()).graph is model_of(two, speeds()).graph
    assert model_of(two, speeds()) is model_of(two, speeds())


def test_a_model_is_of_the_network_it_was_asked_for(town, speeds):
    """Equal arcs, but another CRS or other barriers: the ties that hang on them must not be mixed."""
    moved = town.to_crs("EPSG:32652")
    walled = town.with_barriers(
        gpd.GeoDataFrame(geometry=[shapely.Point(0, 0).buffer(9)], crs=town.crs)
    )
    for network in (town, moved, walled):
        assert model_of(network, speeds()).network is network


def test_another_profile_bound_factor_or_closure_is_another_model(town, places, speeds):
    ranged = speeds(primary=(18.0, 36.0, 72.0))
    ties = tie_points(town, places)
    models = [
        model_of(town, ranged),
        model_of(town, ranged, bound="fastest"),
        model_of(town, ranged, bound="slowest"),
        model_of(town, ranged, factor=4.0),
        model_of(town, ranged.model_copy(update={"access_kph": ranged.speed_kph["service"]})),
    ]
    a, f = list(PLACES).index("A"), list(PLACES).index("F")
    seconds = [matrix(model, ties, ties)[0][a, f] for model in models]
    assert seconds == pytest.approx([250, 125, 500, 62.5, 250])


# --- against networkx, on random networks ------------------------------------------------------
#
# Lengths are multiples of 400 m at 10 or 20 m/s and positions quarters of sections, so that all
# seconds and metres are whole numbers and nothing is left to rounding.

SPOTS = {name: (1000 * (i % 3), 1000 * (i // 3)) for i, name in enumerate("abcdef")}


@st.composite
def roads(draw_from, min_size=1):
    """Draw road rows between six spots: parallel, one-way, closed, of no length, in rings."""
    rows = draw_from(
        st.lists(
            st.tuples(
                st.sampled_from("abcdef"),
                st.sampled_from("abcdef"),
                st.sampled_from(["both", "both", "with", "against"]),
                st.sampled_from(["primary", "secondary", "residential"]),
                st.integers(0, 5),
            ),
            min_size=min_size,
            max_size=10,
        )
    )
    ways = {"both": (True, True), "with": (True, False), "against": (False, True)}
    return [
        (
            u,
            v,
            {
                "class": name,
                "length_m": 400.0 * length,
                "forward": ways[way][0],
                "backward": ways[way][1],
                **({"via": [(5000, 5000), (5000, 6000)]} if u == v else {}),
            },
        )
        for u, v, way, name, length in rows
    ]


@st.composite
def some_ties(draw_from, n_sections, *, single=False):
    """Draw ties of one to four points, each with one or two, or without any."""
    counts = draw_from(
        st.lists(st.integers(1 if single else 0, 1 if single else 2), min_size=1, max_size=4)
    )
    point = np.repeat(np.arange(len(counts)), counts)
    k = len(point)

    def column(values):
        return np.array(draw_from(st.lists(values, min_size=k, max_size=k)))

    return Ties(
        point=point.astype(np.int64),
        section=column(st.integers(0, n_sections - 1)).astype(np.int64),
        fraction=column(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])).astype(float),
        side=np.zeros(k, dtype=np.int8),
        access_m=np.zeros(k) if single else column(st.integers(0, 90)).astype(float),
        n=len(counts),
    )


def weigh(seconds, metres, by):
    """Return one exact integer: the cost to be least, then the other, in thousandths."""
    s, m = round(seconds * 1000), round(metres * 1000)
    return s * 10**12 + m if by == "time" else m * 10**12 + s


def cut_arc(network, costs, arc, stops):
    """Return the parts of an arc between the stops along it: from, to, seconds, metres."""
    section, ahead = int(network.arc_section[arc]), bool(network.arc_forward[arc])
    stops = stops if ahead else stops[::-1]
    along = np.array([0.0, *(stop if ahead else 1 - stop for stop in stops), 1.0])
    spots = [("node", network.arc_tail[arc]), *((section, stop) for stop in stops)]
    spots.append(("node", network.arc_head[arc]))
    share = np.diff(along)
    seconds = share * costs.drive_s[arc]
    seconds[-1] += costs.end_s[arc]
    metres = share * network.roads["length_m"].iloc[section]
    return zip(spots[:-1], spots[1:], seconds, metres, strict=True)


def by_networkx(network, costs, origins, destinations, by):
    """Cut every arc at the ties' positions, and let networkx find its way; costs are exact."""
    graph = nx.MultiDiGraph()
    stops = {int(s): set() for s in np.flatnonzero(~network.closed)}
    for ties, side, fixed in (
        (origins, "from", costs.start_s),
        (destinations, "to", costs.finish_s),
    ):
        graph.add_nodes_from((side, p) for p in range(ties.n))
        for p, s, f, m in zip(ties.point, ties.section, ties.fraction, ties.access_m, strict=True):
            if s in stops:
                stops[int(s)].add(float(f))
                door, road = (side, p), (int(s), float(f))
                leg = (door, road) if side == "from" else (road, door)
                graph.add_edge(*leg, weight=weigh(m / costs.access_mps + fixed, m, by))
    for arc in np.flatnonzero(~network.closed[network.arc_section]):
        at = sorted(stops[int(network.arc_section[arc])])
        for a, b, seconds, metres in cut_arc(network, costs, arc, at):
            graph.add_edge(a, b, weight=weigh(seconds, metres, by))
    found = np.full((2, origins.n, destinations.n), np.inf)
    for o in range(origins.n):
        reached = nx.single_source_dijkstra_path_length(graph, ("from", o))
        for d in set(range(destinations.n)) & {p for side, p in reached if side == "to"}:
            found[:, o, d] = divmod(reached["to", d], 10**12)
    return (found if by == "time" else found[::-1]) / 1000


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["time", "length"]))
def test_times_and_lengths_equal_those_of_networkx(draw, speeds, data, by):
    network = draw(SPOTS, data.draw(roads()))
    n = len(network.roads)
    network = network.closing(
        np.array(data.draw(st.lists(st.sampled_from([False] * 4 + [True]), min_size=n, max_size=n)))
    )
    profile = speeds(secondary=72.0, residential=18.0, junction_s=8.0, access_s=5.0, parking_s=3.0)
    model = model_of(network, profile, by=by)
    one, two = data.draw(some_ties(n)), data.draw(some_ties(n))
    expected = by_networkx(network, arc_costs(network, profile), one, two, by)
    for root in ("origins", "destinations"):
        seconds, metres = matrix(model, one, two, root=root)
        np.testing.assert_allclose(seconds, expected[0], atol=0.02 if by == "length" else 1e-6)
        np.testing.assert_allclose(metres, expected[1], atol=0.02)


# --- properties --------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_detour_is_never_shorter(draw, speeds, data):
    """The triangle inequality, for positions on roads; fixed seconds at the doors would count twice."""
    network = draw(SPOTS, data.draw(roads(min_size=3)))
    ties = data.draw(some_ties(len(network.roads), single=True))
    seconds, _ = matrix(model_of(network, speeds(secondary=72.0, junction_s=8.0)), ties, ties)
    detour = (seconds[:, :, None] + seconds[None, :, :]).min(axis=1)
    assert (seconds <= detour + 1e-6).all()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_closing_a_road_never_shortens_a_trip(draw, speeds, data):
    network = draw(SPOTS, data.draw(roads(min_size=2)))
    n = len(network.roads)
    shut = network.closing(np.arange(n) == data.draw(st.integers(0, n - 1)))
    one, two = data.draw(some_ties(n)), data.draw(some_ties(n))
    profile = speeds(secondary=72.0, junction_s=8.0)
    before, _ = matrix(model_of(network, profile), one, two)
    after, _ = matrix(model_of(shut, profile), one, two)
    assert (after >= before - 1e-6).all()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_adding_a_road_never_lengthens_a_trip(draw, speeds, data):
    """Without waiting at junctions: a new arm may make a crossing where there was none."""
    rows = data.draw(roads(min_size=2))
    n = len(rows) - 1
    one, two = data.draw(some_ties(n)), data.draw(some_ties(n))
    without, whole = (
        model_of(draw(SPOTS, part), speeds(secondary=72.0)) for part in (rows[:-1], rows)
    )
    assert (matrix(whole, one, two)[0] <= matrix(without, one, two)[0] + 1e-6).all()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_faster_profile_is_never_slower(draw, speeds, data):
    network = draw(SPOTS, data.draw(roads(min_size=2)))
    n = len(network.roads)
    one, two = data.draw(some_ties(n)), data.draw(some_ties(n))
    kph = [sorted(data.draw(st.tuples(*[st.integers(10, 100)] * 2))) for _ in range(3)]
    names = ("primary", "secondary", "residential")
    slow, fast = (
        speeds(**{name: float(pair[i]) for name, pair in zip(names, kph, strict=True)})
        for i in (0, 1)
    )
    slow_s, fast_s = (matrix(model_of(network, profile), one, two)[0] for profile in (slow, fast))
    assert (fast_s <= slow_s + 0.02).all()


def reverse(rows):
    """Let every road be driven the other way."""
    return [(u, v, s | {"forward": s["backward"], "backward": s["forward"]}) for u, v, s in rows]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_on_the_network_reversed_every_trip_is_the_way_back(draw, speeds, data):
    rows = data.draw(roads(min_size=2))
    network, turned = draw(SPOTS, rows), draw(SPOTS, reverse(rows))
    one, two = data.draw(some_ties(len(rows))), data.draw(some_ties(len(rows)))
    profile = speeds(secondary=72.0)
    there = matrix(model_of(network, profile), one, two)
    back = matrix(model_of(turned, profile), two, one)
    np.testing.assert_allclose(there[0], back[0].T, atol=1e-6)
    np.testing.assert_allclose(there[1], back[1].T, atol=0.02)
    assert draw(SPOTS, reverse(reverse(rows))).key == network.key


def test_blocks_of_places_give_the_same_times_as_one(town, points, speeds, monkeypatch):
    where = points(**{f"p{i}": (37 * i, 3 * i) for i in range(60)})
    ties = tie_points(town, where)
    model = model_of(town, speeds())
    whole = matrix(model, ties, ties)
    monkeypatch.setattr("technobelt.travel_time._BLOCK_VALUES", 100)
    np.testing.assert_array_equal(matrix(model, ties, ties), whole)


# --- Gyeongnam ---------------------------------------------------------------------------------


def test_gyeongnam_against_scipys_own_dijkstra(gyeongnam):
    """A hundred places on a hundred roads, to two thousand: within 0.05 s, both ways."""
    random = np.random.default_rng(11)
    both = np.flatnonzero((gyeongnam.arcs_of >= 0).all(axis=1))
    starts, goals = (
        random.choice(both, 100, replace=False),
        random.choice(both, 2000, replace=False),
    )
    costs = arc_costs(gyeongnam, model_profile())
    arcs = gyeongnam.arcs_of
    n = len(gyeongnam.nodes)
    half = {True: costs.drive_s / 2 + costs.end_s, False: costs.drive_s / 2}
    frame = pd.DataFrame({"a": gyeongnam.arc_tail, "b": gyeongnam.arc_head, "s": costs.arc_s})
    out = pd.DataFrame(
        {
            "a": np.repeat(n + np.arange(100), 2),
            "b": gyeongnam.arc_head[arcs[starts].ravel()],
            "s": half[True][arcs[starts].ravel()],
        }
    )
    best = pd.concat([frame, out]).sort_values("s").drop_duplicates(["a", "b"])
    graph = coo_array((best["s"], (best["a"], best["b"])), shape=(n + 100, n + 100)).tocsr()
    far = dijkstra(graph, indices=n + np.arange(100))
    last = arcs[goals]
    expected = np.minimum(
        far[:, gyeongnam.arc_tail[last[:, 0]]] + half[False][last[:, 0]],
        far[:, gyeongnam.arc_tail[last[:, 1]]] + half[False][last[:, 1]],
    )
    expected += costs.start_s + costs.finish_s
    seconds, metres = matrix(model_of(gyeongnam, model_profile()), middles(starts), middles(goals))
    apart = starts[:, None] != goals[None, :]
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(seconds[apart], expected[apart], rtol=0, atol=0.05)
    speed = metres[apart] / (seconds[apart] - costs.start_s - costs.finish_s)
    assert speed.max() < 90 / 3.6


def model_profile():
    from technobelt import load_region

    return load_region().profiles["typical"]


def middles(sections):
    k = len(sections)
    return Ties(
        point=np.arange(k),
        section=sections.astype(np.int64),
        fraction=np.full(k, 0.5),
        side=np.zeros(k, dtype=np.int8),
        access_m=np.zeros(k),
        n=k,
    )
