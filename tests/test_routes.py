"""One route: its steps add up to the trip, and its line runs from door to door."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from technobelt.errors import CRSError, PointError
from technobelt.routes import route, routes_of_pairs
from technobelt.travel_time import travel_times

#: a - b - c along y = 0, on by a motorway over its ramps from d to e, and back to f; a lane a-c.
NODES = {name: (1000 * i, 0) for i, name in enumerate("abcdefg")}
ROADS = [
    ("a", "b", {"ref": "2", "name": "Main"}),
    ("b", "c", {"ref": "2", "class": "secondary"}),
    ("c", "d", {"class": "motorway_link", "oneway": True}),
    ("d", "e", {"class": "motorway", "ref": "10", "oneway": True}),
    ("e", "f", {"class": "motorway_link", "oneway": True}),
    ("f", "g", {"name": "Side", "class": "residential", "forward": True}),
    ("f", "c", {"class": "tertiary", "oneway": True, "via": [(3500, -1000)]}),
]


@pytest.fixture(scope="module")
def network(draw):
    return draw(NODES, ROADS)


@pytest.fixture(scope="module")
def profile(speeds):
    return speeds(
        motorway=144.0, ramp_s=20.0, junction_s=4.0, access_s=60.0, parking_s=30.0, egress_s=5.0
    )


def sums(steps):
    return steps["time_min"].sum(), steps["length_km"].sum()


def trip(network, a, b, **options):
    row = travel_times(network, a, b, **options).iloc[0]
    return row["time_min"], row["length_km"]


def is_continuous(steps):
    ends = [(line.coords[0], line.coords[-1]) for line in steps.geometry]
    gaps = [np.hypot(*np.subtract(left, come)) for (_, left), (come, _) in pairwise(ends)]
    return max(gaps, default=0) < 0.001


# --- on paper ----------------------------------------------------------------------------------


def test_a_route_is_told_road_by_road(network, profile, points):
    """From 500 on a-b to 5,700 on f-g, 40 m off at the start and 30 m at the end."""
    steps = route(network, points(p=(500, 40)), points(q=(5700, -30)), profile=profile)
    assert steps["step"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert steps["road"].tolist() == [
        "access",
        "2",
        "motorway_link",
        "10",
        "motorway_link",
        "Side",
        "access",
    ]
    assert steps["length_km"].tolist() == pytest.approx([0.04, 1.5, 1, 1, 1, 0.7, 0.03])
    seconds = [40 + 60, 150, 100 + 20, 25, 100 + 20, 70, 30 + 35]
    assert (steps["time_min"] * 60).tolist() == pytest.approx(seconds)


def test_the_line_runs_from_door_to_door(network, profile, points):
    start, goal = points(p=(500, 40)), points(q=(5700, -30))
    steps = route(network, start, goal, profile=profile)
    assert is_continuous(steps)
    assert steps.geometry.iloc[0].coords[0] == start.geometry.iloc[0].coords[0]
    assert steps.geometry.iloc[-1].coords[-1] == goal.geometry.iloc[0].coords[0]
    assert steps.geometry.length.sum() == pytest.approx(5270)


def test_the_way_back_against_one_way_roads_is_another(network, profile, points):
    back = route(network, points(q=(5700, -30)), points(p=(500, 40)), profile=profile)
    assert back["road"].tolist() == ["access", "Side", "tertiary", "2", "access"]
    assert is_continuous(back)


def test_a_road_against_its_own_direction_is_drawn_as_it_is_driven(network, profile, points):
    steps = route(network, points(p=(1500, 0)), points(q=(200, 0)), profile=profile)
    driven = steps.iloc[1:-1].geometry.union_all()
    xs = np.concatenate([line.xy[0] for line in steps.geometry])
    assert (np.diff(xs) <= 0).all()
    assert driven.length == pytest.approx(1300)


def test_on_one_section_the_direct_way_is_taken(network, profile, points):
    steps = route(network, points(p=(200, 10)), points(q=(900, 10)), profile=profile)
    assert steps["road"].tolist() == ["access", "2", "access"]
    assert steps["length_km"].tolist() == pytest.approx([0.01, 0.7, 0.01])


def test_against_a_one_way_section_the_way_round_is_taken(draw, speeds, points):
    ring = draw(
        {"a": (0, 0), "b": (1000, 0)},
        [
            ("a", "b", {"oneway": True, "name": "there"}),
            ("b", "a", {"oneway": True, "name": "back", "via": [(500, 500)]}),
        ],
    )
    steps = route(ring, points(p=(900, 0)), points(q=(300, 0)), profile=speeds())
    assert steps["road"].tolist() == ["access", "there", "back", "there", "access"]
    assert sums(steps)[1] == pytest.approx((100 + 2 * np.hypot(500, 500) + 300) / 1000)
    assert is_continuous(steps)


def test_two_doors_opposite_each_other_are_their_access_legs_apart(network, speeds, points):
    steps = route(network, points(p=(500, 40)), points(q=(500, -30)), profile=speeds())
    assert sums(steps) == pytest.approx((70 / 60, 0.07))
    assert is_continuous(steps)


@pytest.mark.parametrize(
    ("x", "to"), [(1000, 1500), (500, 1000), (0, 2000), (2000, 0), (1000, 2000)]
)
def test_a_route_may_begin_and_end_at_junctions(network, profile, points, x, to):
    start, goal = points(p=(x, 20)), points(q=(to, 20))
    steps = route(network, start, goal, profile=profile)
    assert sums(steps) == pytest.approx(trip(network, start, goal, profile=profile))
    assert is_continuous(steps)


def test_whoever_stops_at_a_crossing_does_not_wait_there(draw, speeds, points):
    """The place lies where w-m ends; on x-w and w-m one passes no crossing."""
    nodes = {"m": (0, 0), "w": (-1000, 0), "x": (-2000, 0), "e": (1000, 0), "s": (0, -1000)}
    network = draw(nodes, [("w", "m"), ("x", "w", {"class": "tertiary"}), ("m", "e"), ("s", "m")])
    ends = points(p=(-1500, 0)), points(q=(0, 0))
    steps = route(network, *ends, profile=speeds(junction_s=10.0))
    assert sums(steps) == pytest.approx((150 / 60, 1.5))
    assert trip(network, *ends, profile=speeds(junction_s=10.0)) == pytest.approx((150 / 60, 1.5))


def test_ways_of_many_trips_are_those_of_each_and_lie_as_near_as_asked(network, profile, points):
    places = points(p=(500, 40), q=(5700, -30), r=(2500, 0), far=(3500, 90_000))
    trips = pd.DataFrame(
        {"from_id": ["p", "q", "p", "p", "p"], "to_id": ["q", "p", "r", "far", "nowhere"]},
        index=list("abcde"),
    )
    found = routes_of_pairs(network, places, trips, profile=profile, tolerance_m=0.0)
    ways = found.geometry
    for key in "abc":
        there, back = trips.loc[key]
        steps = route(network, places.loc[[there]], places.loc[[back]], profile=profile)
        driven = steps[steps["class"] != "access"]["length_km"].sum()
        assert found.loc[key, "length_km"] == pytest.approx(driven)
        assert ways[key].length / 1000 == pytest.approx(driven)
    assert ways["d"] is None  # no road near
    assert ways["e"] is None
    assert found["length_km"].isna().tolist() == [False, False, False, True, True]
    rough = routes_of_pairs(network, places, trips, profile=profile, tolerance_m=2000.0)
    assert shapely.get_num_coordinates(rough.geometry["b"]) < shapely.get_num_coordinates(ways["b"])
    assert shapely.hausdorff_distance(rough.geometry["b"], ways["b"]) <= 2000
    assert rough.loc["b", "length_km"] == found.loc["b", "length_km"]


def test_by_length_the_shortest_way_is_told(draw, speeds, points):
    nodes = {"o": (-1000, 0), "a": (0, 0), "b": (1000, 0), "z": (2000, 0)}
    fast = {"class": "trunk", "via": [(500, 500)], "name": "fast"}
    network = draw(nodes, [("o", "a"), ("a", "b", {"name": "lane"}), ("a", "b", fast), ("b", "z")])
    ends = points(p=(-500, 0)), points(q=(1500, 0))
    profile = speeds(trunk=144.0)
    assert "fast" in route(network, *ends, profile=profile)["road"].tolist()
    assert "lane" in route(network, *ends, profile=profile, by="length")["road"].tolist()


# --- what cannot be routed ---------------------------------------------------------------------


def test_a_route_needs_one_origin_and_one_destination(network, points):
    two = points(p=(0, 0), q=(1000, 0))
    with pytest.raises(PointError, match="found 2 and 1"):
        route(network, two, two.iloc[:1])
    with pytest.raises(PointError, match="found 1 and 0"):
        route(network, two.iloc[:1], two.iloc[:0])


def test_without_a_way_there_is_no_route(network, speeds, points):
    shut = network.closing(np.arange(len(ROADS)) == 3)
    with pytest.raises(PointError, match="there is no way"):
        route(shut, points(p=(500, 0)), points(q=(5700, 0)), profile=speeds())


def test_from_a_place_to_itself_there_is_no_route(network, speeds, points):
    here = points(p=(500, 40))
    with pytest.raises(PointError, match="the same place"):
        route(network, here, here.to_crs(4326), profile=speeds())


def test_a_place_off_the_network_is_named(network, speeds, points):
    with pytest.raises(PointError, match="the destination does not lie"):
        route(network, points(p=(500, 40)), points(q=(500, 4000)), profile=speeds())


def test_a_place_without_a_crs_is_refused(network, points):
    with pytest.raises(CRSError, match=r"the origin .* no coordinate reference system"):
        route(network, points(p=(0, 0)).set_crs(None, allow_override=True), points(q=(500, 0)))


# --- CRS ---------------------------------------------------------------------------------------


def test_a_route_comes_back_in_the_crs_of_its_origin(network, profile, points):
    start, goal = points(p=(500, 40)), points(q=(5700, -30))
    here = route(network, start, goal, profile=profile)
    there = route(network, start.to_crs(4326), goal.to_crs(3857), profile=profile)
    assert there.crs == 4326
    np.testing.assert_allclose(there["time_min"], here["time_min"], atol=1e-5)
    moved = there.to_crs(here.crs)
    assert (
        max(a.hausdorff_distance(b) for a, b in zip(moved.geometry, here.geometry, strict=True))
        < 0.01
    )


def test_a_network_of_equal_content_in_another_crs_draws_in_its_own(network, profile, points):
    """The model is remembered by content; the shapes must be those of the network asked."""
    start, goal = points(p=(500, 40)), points(q=(5700, -30))
    here = route(network, start, goal, profile=profile)
    there = route(network.to_crs("EPSG:32652"), start, goal, profile=profile)
    assert is_continuous(there)
    assert (
        max(a.hausdorff_distance(b) for a, b in zip(there.geometry, here.geometry, strict=True))
        < 0.01
    )


def test_roads_are_called_as_in_the_network_asked(draw, speeds, points):
    for name in ("Old-ro", "New-ro"):
        network = draw({"a": (0, 0), "b": (1000, 0)}, [("a", "b", {"name": name})])
        steps = route(network, points(p=(100, 0)), points(q=(900, 0)), profile=speeds())
        assert steps["road"].tolist() == ["access", name, "access"]


# --- the steps add up --------------------------------------------------------------------------

SPOTS = {name: (1000 * (i % 3), 1000 * (i // 3)) for i, name in enumerate("abcdef")}
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ab", "bc", "ad", "be", "cf", "de", "ef", "ae", "bf", "ab"]),
        st.sampled_from([{}, {}, {"oneway": True}, {"forward": False}]),
        st.sampled_from(["primary", "secondary", "residential"]),
    ),
    min_size=2,
    max_size=10,
)
PLACE = st.tuples(st.integers(-50, 2050), st.integers(-50, 1050))


@settings(max_examples=80, deadline=None)
@given(ROWS, PLACE, PLACE, st.sampled_from(["time", "length"]))
def test_the_steps_of_any_route_add_up_to_its_trip(draw, speeds, points, rows, a, b, by):
    assume(a != b)
    network = draw(SPOTS, [(ends[0], ends[1], way | {"class": name}) for ends, way, name in rows])
    start, goal = points(p=a), points(q=b)
    profile = speeds(secondary=72.0, junction_s=8.0, access_s=5.0)
    options = {"profile": profile, "by": by, "max_access_m": 5000}
    found = travel_times(network, start, goal, **options).iloc[0]
    if found["status"] != "ok":
        with pytest.raises(PointError, match="there is no way"):
            route(network, start, goal, **options)
        return
    steps = route(network, start, goal, **options)
    assert sums(steps) == pytest.approx((found["time_min"], found["length_km"]), abs=1e-3)
    assert is_continuous(steps)
    assert (steps["length_km"] >= 0).all()
    assert steps.geometry.length.sum() / 1000 == pytest.approx(found["length_km"], abs=1e-3)


def test_a_route_across_gyeongnam_adds_up(gyeongnam):
    """From Jinju by the Namhae Expressway to Gimhae; shapes are simplified, lengths are not."""
    import geopandas as gpd

    jinju = gpd.GeoDataFrame(geometry=[shapely.Point(128.098, 35.154)], crs=4326)
    gimhae = gpd.GeoDataFrame(geometry=[shapely.Point(128.902, 35.249)], crs=4326)
    steps = route(gyeongnam, jinju, gimhae, profile="typical")
    assert sums(steps) == pytest.approx(trip(gyeongnam, jinju, gimhae, profile="typical"), abs=0.02)
    assert is_continuous(steps.to_crs(gyeongnam.crs))
    expressway = steps[steps["class"] == "motorway"]
    assert expressway["length_km"].sum() > 0.6 * steps["length_km"].sum()
    drawn = steps.to_crs(gyeongnam.crs).geometry.length.sum() / 1000
    assert drawn == pytest.approx(steps["length_km"].sum(), rel=0.01)
    pd.testing.assert_series_equal(steps["step"], pd.Series(range(1, len(steps) + 1), name="step"))
