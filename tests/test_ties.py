"""Points are tied to positions along roads, on their own side of water and motorways."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from technobelt import load_region, read_layer
from technobelt.errors import CRSError, PointError
from technobelt.network.ties import crosses_barrier, direction_at, startable, tie_points
from technobelt.schema import ROAD_CLASSES
from technobelt.travel_time import travel_times

ONE_ROAD = {"a": (0, 0), "b": (1000, 0)}
#: A main road 600 m south of the point (500, 0), a side road 800 m north of it.
TWO_ROADS = {"a": (0, -600), "b": (1000, -600), "c": (0, 800), "d": (1000, 800)}
NO_START = [name for name in ROAD_CLASSES if name == "motorway" or name.endswith("_link")]


@pytest.fixture
def road(draw):
    return draw(ONE_ROAD, [("a", "b")])


@pytest.fixture
def two_roads(draw):
    def make(walls=(), **special):
        extra = special.pop("extra", [])
        nodes = TWO_ROADS | special.pop("nodes", {})
        return draw(nodes, [("a", "b"), ("c", "d"), *extra], walls=walls)

    return make


def table(ties):
    """Return (point, section, fraction, metres) of each tie, rounded."""
    columns = (ties.point, ties.section, ties.fraction.round(3), ties.access_m.round(3))
    return list(zip(*(column.tolist() for column in columns), strict=True))


# --- along roads -------------------------------------------------------------------------------


def test_a_point_is_tied_along_a_road_not_to_its_ends(road, points):
    ties = tie_points(road, points(p=(250, 30), q=(900, -5)))
    assert table(ties) == [(0, 0, 0.25, 30.0), (1, 0, 0.9, 5.0)]
    assert ties.n == 2
    assert ties.tied.all()


def test_a_point_beyond_a_roads_end_is_tied_to_the_end(road, points):
    assert table(tie_points(road, points(p=(1030, 40)))) == [(0, 0, 1.0, 50.0)]


def test_a_point_on_the_road_has_no_access_leg(road, points):
    assert table(tie_points(road, points(p=(700, 0)))) == [(0, 0, 0.7, 0.0)]


def test_the_side_is_that_of_the_roads_own_direction(road, points):
    ties = tie_points(road, points(left=(500, 10), right=(500, -10), on=(500, 0)))
    assert ties.side.tolist() == [1, -1, 0]


def test_the_nearest_road_wins_and_of_equally_near_ones_the_lower_number(draw, points):
    nodes = {"a": (0, 0), "b": (1000, 0), "c": (0, 100), "d": (1000, 100)}
    network = draw(nodes, [("c", "d"), ("a", "b")])
    ties = tie_points(network, points(low=(500, 49), middle=(500, 50), high=(500, 51)))
    assert ties.section.tolist() == [1, 0, 0]


@pytest.mark.parametrize("flip", [False, True])
def test_at_a_junction_the_lowest_section_is_taken_whatever_its_neighbours(draw, points, flip):
    nodes = {"m": (0, 0), "n": (0, 1000), "e": (1000, 0), "s": (0, -1000), "x": (5000, 0)}
    roads = [("m", "n"), ("m", "e"), ("s", "m")]
    network = draw(nodes, [*roads, ("e", "x")] if flip else roads)
    assert table(tie_points(network, points(p=(0, 0)))) == [(0, 0, 0.0, 0.0)]


def test_a_bend_is_followed(draw, points):
    network = draw(ONE_ROAD, [("a", "b", {"via": [(0, 500), (1000, 500)]})])
    assert table(tie_points(network, points(p=(500, 520)))) == [(0, 0, 0.5, 20.0)]


def test_a_ring_and_a_section_of_no_length_can_be_tied_to(draw, points):
    ring = {"via": [(1000, 100), (1100, 100), (1100, 0)]}
    network = draw({**ONE_ROAD, "b2": (1000, 0)}, [("a", "b"), ("b", "b", ring), ("b", "b2")])
    ties = tie_points(network, points(corner=(1100, 100), near=(1050, 10)))
    assert table(ties) == [(0, 1, 0.5, 0.0), (1, 1, 0.875, 10.0)]
    alone = draw({"b": (1000, 0), "b2": (1000, 0)}, [("b", "b2")])
    ties = tie_points(alone, points(p=(1003, 4)))
    assert ties.access_m.tolist() == [5.0]
    assert np.isfinite(ties.fraction).all()


def test_direction_is_that_of_the_line_near_the_position():
    line = shapely.LineString([(0, 0), (100, 0), (100, 100)])
    along = direction_at(np.array([line] * 3), np.array([0.0, 0.75, 1.0]))
    np.testing.assert_allclose(along, [[1, 0], [0, 1], [0, 1]], atol=1e-9)


# --- how far -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reach", "tied"), [(1000, [True, True, False]), (500, [True, False, False])]
)
def test_an_access_leg_is_no_longer_than_allowed(road, points, reach, tied):
    places = points(near=(500, 400), far=(500, 900), beyond=(500, 1001))
    assert tie_points(road, places, max_access_m=reach).tied.tolist() == tied


def test_if_not_one_point_can_be_tied_it_is_an_error_that_says_where(road, points):
    places = points(p=(500, 3000), q=(500, 4000))
    lonlat = places.to_crs(4326).geometry.iloc[0]
    where = f"{lonlat.x:.5f},{lonlat.y:.5f}"
    with pytest.raises(
        PointError, match=rf"none of the 2 origins lies within 800 m .*{where}.*max_access_m"
    ):
        tie_points(road, places, max_access_m=800, what="origins")


def test_no_points_are_no_error(road, points):
    ties = tie_points(road, points())
    assert (ties.n, len(ties.point)) == (0, 0)


# --- where a trip may start --------------------------------------------------------------------


@pytest.mark.parametrize("name", ROAD_CLASSES)
def test_motorways_and_ramps_are_no_start_and_all_others_are(draw, name):
    network = draw(ONE_ROAD, [("a", "b", {"class": name})])
    assert startable(network).item() is (name not in NO_START)


@pytest.mark.parametrize(
    ("bridge", "tunnel", "start"),
    [(0.0, 0.0, True), (0.4, 0.0, True), (0.5, 0.0, False), (0.0, 1.0, False), (0.3, 0.3, False)],
)
def test_what_is_mostly_bridge_or_tunnel_is_no_start(draw, bridge, tunnel, start):
    network = draw(ONE_ROAD, [("a", "b", {"bridge": bridge, "tunnel": tunnel})])
    assert startable(network).item() is start


def test_what_is_closed_is_no_start(road):
    assert not startable(road.closing(np.array([True]))).any()


@pytest.mark.parametrize(
    "special",
    [{"class": "motorway_link"}, {"class": "trunk_link"}, {"bridge": 1.0}, {"tunnel": 1.0}],
)
def test_a_point_beside_a_ramp_bridge_or_tunnel_goes_to_the_next_road(two_roads, points, special):
    beside = {"nodes": {"e": (0, 10), "f": (1000, 10)}, "extra": [("e", "f", special)]}
    assert table(tie_points(two_roads(**beside), points(p=(500, 0)))) == [(0, 0, 0.5, 600.0)]


def test_sections_asked_for_are_used_whatever_they_are(draw, points):
    network = draw(ONE_ROAD, [("a", "b", {"class": "motorway"})])
    ties = tie_points(network, points(p=(250, 30)), sections=np.array([True]))
    assert table(ties) == [(0, 0, 0.25, 30.0)]


# --- divided roads -----------------------------------------------------------------------------


def divided(draw, *, gap=20, one=None, other=None):
    """Eastbound along y = 0 (section 0), westbound along y = gap (section 1)."""
    nodes = {"a": (0, 0), "b": (1000, 0), "c": (1000, gap), "d": (0, gap)}
    ahead, back = one or {"oneway": True}, other or {"oneway": True}
    return draw(nodes, [("a", "b", ahead), ("c", "d", back), ("b", "c"), ("d", "a")])


def test_both_carriageways_of_a_divided_road_are_candidates(draw, points):
    ties = tie_points(divided(draw), points(p=(250, -30)))
    assert table(ties) == [(0, 0, 0.25, 30.0), (0, 1, 0.75, 50.0)]


@pytest.mark.parametrize(("gap", "n"), [(60, 2), (61, 1)])
def test_a_median_is_at_most_sixty_metres_wide(draw, points, gap, n):
    assert len(tie_points(divided(draw, gap=gap), points(p=(500, -30))).point) == n


def test_a_road_of_two_ways_has_no_other_carriageway(draw, points):
    network = divided(draw, one={"class": "primary"}, other={"class": "primary"})
    assert len(tie_points(network, points(p=(250, -30))).point) == 1


def test_a_one_way_street_the_same_way_is_no_other_carriageway(draw, points):
    network = divided(draw, other={"forward": False})
    assert len(tie_points(network, points(p=(250, -30))).point) == 1


def test_a_one_way_street_across_is_no_other_carriageway(draw, points):
    nodes = {"a": (0, 0), "b": (1000, 0), "c": (250, 10), "d": (250, 900)}
    network = draw(nodes, [("a", "b", {"oneway": True}), ("c", "d", {"oneway": True})])
    assert len(tie_points(network, points(p=(250, -30))).point) == 1


def test_the_other_carriageway_is_within_reach_as_well(draw, points):
    ties = tie_points(divided(draw), points(p=(250, -90)), max_access_m=100)
    assert table(ties) == [(0, 0, 0.25, 90.0)]


def test_a_motorway_between_carriageways_parts_them(draw, points):
    nodes = {
        "a": (0, 0),
        "b": (1000, 0),
        "c": (1000, 40),
        "d": (0, 40),
        "x": (0, 20),
        "y": (1000, 20),
    }
    one = {"oneway": True}
    wall = ("x", "y", {"class": "motorway"})
    network = draw(nodes, [("a", "b", one), ("c", "d", one), wall])
    assert table(tie_points(network, points(p=(250, -30)))) == [(0, 0, 0.25, 30.0)]


# --- water and motorways -----------------------------------------------------------------------

#: A river 200 m wide, right beside the point (500, 0), between it and the nearer road.
RIVER = [(-5000, -300), (6000, -300), (6000, -100), (-5000, -100)]


def test_without_the_river_the_nearer_road_is_taken(two_roads, points):
    assert table(tie_points(two_roads(), points(p=(500, 0)))) == [(0, 0, 0.5, 600.0)]


def test_both_banks_of_a_river_go_to_their_own_road(two_roads, points):
    ties = tie_points(two_roads([RIVER]), points(north=(500, 0), south=(500, -310)))
    assert table(ties) == [(0, 1, 0.5, 800.0), (1, 0, 0.5, 290.0)]


def test_where_no_road_is_on_this_bank_a_point_is_not_tied(two_roads, points):
    places = points(north=(500, 0), south=(500, -310))
    ties = tie_points(two_roads([RIVER]), places, max_access_m=700)
    assert ties.tied.tolist() == [False, True]


def test_where_no_point_has_a_road_on_its_bank_the_error_speaks_of_water(two_roads, points):
    with pytest.raises(PointError, match="without water or a motorway between"):
        tie_points(two_roads([RIVER]), points(north=(500, 0)), max_access_m=700)


@pytest.mark.parametrize(("width", "section"), [(90, 0), (110, 1)])
def test_a_brook_can_be_waded_and_a_river_cannot(two_roads, points, width, section):
    brook = [(-5000, -100 - width), (6000, -100 - width), (6000, -100), (-5000, -100)]
    assert tie_points(two_roads([brook]), points(p=(500, 0))).section.tolist() == [section]


def test_brooks_one_after_another_add_up(two_roads, points):
    brooks = [[(-9e3, y), (9e3, y), (9e3, y + 60), (-9e3, y + 60)] for y in (-200, -400)]
    assert tie_points(two_roads(brooks), points(p=(500, 0))).section.tolist() == [1]


def test_a_motorway_is_a_wall(two_roads, points):
    motorway = {
        "nodes": {"e": (0, -50), "f": (1000, -50)},
        "extra": [("e", "f", {"class": "motorway"})],
    }
    ties = tie_points(two_roads(**motorway), points(north=(500, 0), south=(500, -310)))
    assert table(ties) == [(0, 1, 0.5, 800.0), (1, 0, 0.5, 290.0)]


@pytest.mark.parametrize(
    "special",
    [
        {"class": "motorway", "bridge": 1.0},
        {"class": "motorway", "tunnel": 1.0},
        {"class": "motorway_link"},
        {"class": "trunk"},
    ],
    ids=["viaduct", "tunnel", "ramp", "trunk that is closed"],
)
def test_a_viaduct_a_tunnel_and_a_ramp_are_no_walls(two_roads, points, special):
    across = {"nodes": {"e": (0, -50), "f": (1000, -50)}, "extra": [("e", "f", special)]}
    network = two_roads(**across)
    if special["class"] == "trunk":
        network = network.closing(np.array([False, False, True]))
    assert tie_points(network, points(p=(500, 0))).section.tolist() == [0]


def test_a_closed_motorway_is_no_wall(two_roads, points):
    motorway = {
        "nodes": {"e": (0, -50), "f": (1000, -50)},
        "extra": [("e", "f", {"class": "motorway"})],
    }
    network = two_roads(**motorway).closing(np.array([False, False, True]))
    assert tie_points(network, points(p=(500, 0))).section.tolist() == [0]


def test_barriers_do_not_count_for_sections_asked_for(two_roads, points):
    ties = tie_points(two_roads([RIVER]), points(p=(500, 0)), sections=np.array([True, True]))
    assert ties.section.tolist() == [0]


def test_a_leg_crosses_a_barrier_or_it_does_not(two_roads):
    network = two_roads([RIVER])
    x, y = network.lines[0].coords[0]
    above, below, beside = shapely.points([(x, y + 600), (x, y + 100), (x + 300, y + 600)])
    crossed = crosses_barrier(
        network, np.array([above, above, below]), np.array([below, beside, below])
    )
    assert crossed.tolist() == [True, False, False]
    assert crosses_barrier(network, np.array([], object), np.array([], object)).tolist() == []


# --- what a point may be -----------------------------------------------------------------------


def test_points_may_come_in_any_crs(road, points):
    places = points(p=(250, 30), q=(900, -5))
    ties = tie_points(road, places)
    for crs in (4326, 5186, 32652, 3857):
        other = tie_points(road, places.to_crs(crs))
        np.testing.assert_allclose(other.fraction, ties.fraction, atol=1e-6)
        np.testing.assert_allclose(other.access_m, ties.access_m, atol=1e-3)


def test_points_without_a_crs_are_refused(road, points):
    with pytest.raises(CRSError, match="the origins have no coordinate reference system"):
        tie_points(road, points(p=(0, 0)).set_crs(None, allow_override=True), what="origins")


def test_longitude_and_latitude_exchanged_are_refused(road):
    places = gpd.GeoSeries.from_xy([35.2], [128.6], crs=4326)
    with pytest.raises(CRSError, match="longitude and latitude are exchanged"):
        tie_points(road, places)


def test_metres_called_degrees_are_refused(road, points):
    places = points(p=(0, 0)).set_crs(4326, allow_override=True)
    with pytest.raises(CRSError, match="coordinates are not"):
        tie_points(road, places)


def test_a_shape_is_tied_by_a_point_inside_it(road, points):
    square = points(p=(500, 300)).buffer(50, cap_style="square")
    ties = tie_points(road, square)
    assert table(ties) == [(0, 0, 0.5, 300.0)]


def test_the_points_are_not_changed(road, points):
    places = points(p=(250, 30)).to_crs(4326)
    before = places.copy()
    tie_points(road, places)
    assert places.equals(before)
    assert places.crs == before.crs


def test_taken_ties_keep_the_numbers_of_their_points(road, points):
    ties = tie_points(road, points(p=(250, 30), q=(900, -5), r=(100, 0)))
    taken = ties.take(np.array([False, True, True]))
    assert taken.point.tolist() == [1, 2]
    assert taken.tied.tolist() == [False, True, True]


# --- the Nakdong -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def with_rivers(gyeongnam):
    region = load_region()
    if "barriers" not in region.layers:
        pytest.skip("the built-in region has no barriers")
    return gyeongnam.with_barriers(read_layer(region, "barriers"))


def lonlat(*places):
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(*zip(*places, strict=True)), crs=4326)


def legs_cross(network, places, ties):
    shapes = places.to_crs(network.crs).geometry.to_numpy()[ties.point]
    feet = shapely.line_interpolate_point(
        network.lines[ties.section], ties.fraction, normalized=True
    )
    return crosses_barrier(network, shapes, feet)


def test_both_banks_of_the_nakdong_keep_to_their_own_bank(with_rivers):
    """Between Gimhae's Sangdong and Yangsan's Wondong: 450 m of water, 20 km by road."""
    banks = lonlat((128.9716, 35.31), (128.977, 35.31))
    ties = tie_points(with_rivers, banks)
    assert ties.tied.all()
    assert not legs_cross(with_rivers, banks, ties).any()
    there = travel_times(with_rivers, banks.iloc[:1], banks.iloc[1:])
    back = travel_times(with_rivers, banks.iloc[1:], banks.iloc[:1])
    for trip in (there, back):
        assert 15 < trip["length_km"].item() < 30


def test_a_field_by_the_nakdong_whose_nearest_road_lies_across_goes_to_its_own(
    gyeongnam, with_rivers
):
    field = lonlat((128.658, 35.376))
    across, own = tie_points(gyeongnam, field), tie_points(with_rivers, field)
    assert legs_cross(with_rivers, field, across).all()
    assert not legs_cross(with_rivers, field, own).any()
    assert across.access_m.min() < own.access_m.min() <= 1000


def test_where_a_line_turns_back_on_itself_it_has_no_direction():
    """Closed rings of less than 10 m, with one line among them that has a direction."""
    rng = np.random.default_rng(1)
    turning = np.linspace(0, 2 * np.pi, 6)
    rings = [
        shapely.LineString(xy + r * np.stack([np.cos(turning), np.sin(turning)], axis=1))
        for xy, r in zip(rng.uniform(1e6, 2e6, (300, 2)), rng.uniform(0.3, 1.5, 300), strict=True)
    ]
    around = shapely.LineString([(0, 0), (4e7, 0)])  # as long as all roads of a country
    straight = shapely.LineString([(1e6, 1e6), (1e6 + 0.4, 1e6 + 0.3)])
    along = direction_at(np.array([around, *rings, straight]), np.full(302, 0.5))
    assert np.abs(along[1:301]).max() < 0.01
    assert along[301] == pytest.approx([0.8, 0.6], abs=1e-6)
