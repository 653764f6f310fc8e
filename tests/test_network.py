"""The network: built from OSM, made of a road table, dated, closed, saved and loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from technobelt import load_region, travel_time
from technobelt.errors import MissingFileError, NetworkError, OutputError
from technobelt.network import (
    NetworkInfo,
    build_network,
    load_network,
    network_from_roads,
    save_network,
    with_dates_of,
)
from technobelt.network.model import ROAD_COLUMNS, cut_small, last_day

CRS = "EPSG:5179"
GEOD = pyproj.Geod(ellps="WGS84")
STREET = {"highway": "primary"}
MOTORWAY = {"highway": "motorway", "ref": "10"}
RAMP = {"highway": "motorway_link"}


@pytest.fixture
def build(tmp_path, write_osm):
    def make(nodes, ways, **options):
        return build_network(
            write_osm(tmp_path / "roads.osm", nodes, ways), **{"crs": CRS} | options
        )

    return make


@pytest.fixture
def minutes(points, speeds):
    """Ask for minutes between named places: streets and ramps at 10 m/s, motorways at 40 m/s."""

    def ask(network, places, a, b):
        frame = points(**places)
        times = travel_time.travel_times(
            network, frame.loc[[a]], frame.loc[[b]], profile=speeds(motorway=144.0)
        )
        return times["time_min"].item()

    return ask


# --- built from OSM: a motorway with its interchanges ------------------------------------------
#
# A street runs from west over mid to east, 10 km, 1,000 s. Above it lies a motorway with an
# eastbound carriageway (11-12-13) and a westbound one (23-22-21), ramps of 583.1 m (58.31 s) at
# both ends, and 4 km (100 s) from each end to where ramps at mid may branch off.

PLACES = {"west": (0, -300), "mid": (5000, -300), "east": (10_000, -300)}
BELT = {
    **dict(zip((1, 2, 3), PLACES.values(), strict=True)),
    11: (500, 0),
    12: (4500, 0),
    14: (5500, 0),
    13: (9500, 0),
    23: (9500, 50),
    24: (5500, 50),
    22: (4500, 50),
    21: (500, 50),
}
STREETS = [([1, 2], STREET), ([2, 3], STREET)]
EASTBOUND = [([11, 12, 14, 13], MOTORWAY)]
WESTBOUND = [([23, 24, 22, 21], MOTORWAY)]
END_RAMPS = [(nodes, RAMP | {"oneway": "yes"}) for nodes in ([1, 11], [13, 3], [3, 23], [21, 1])]
STREET_HALF, STREET_WHOLE = 500 / 60, 1000 / 60
RAMP_S, WEST_RAMP_S = np.hypot(500, 300) / 10, np.hypot(500, 350) / 10
EAST_WHOLE = (2 * RAMP_S + 9000 / 40) / 60
WEST_WHOLE = (2 * WEST_RAMP_S + 9000 / 40) / 60


def near(expected):
    """Tolerate that a metre of EPSG:5179 is not one of the ellipsoid: 0.04 %."""
    return pytest.approx(expected, rel=1e-3)


def one_way(nodes, tags=RAMP):
    return (nodes, tags | {"oneway": "yes"})


def test_both_carriageways_are_there_and_apart(build, minutes):
    network = build(BELT, STREETS + EASTBOUND + WESTBOUND + END_RAMPS)
    assert minutes(network, PLACES, "west", "east") == near(EAST_WHOLE)
    assert minutes(network, PLACES, "east", "west") == near(WEST_WHOLE)
    motorway = network.roads[network.roads["class"] == "motorway"]
    assert len(motorway) == 2
    assert not (motorway["forward"] & motorway["backward"]).any()


def test_a_ramp_of_one_direction_serves_that_direction_alone(build, minutes):
    """Mid has a way off the eastbound carriageway, and nothing else."""
    ways = STREETS + EASTBOUND + WESTBOUND + END_RAMPS + [one_way([12, 2])]
    network = build(BELT, ways)
    assert minutes(network, PLACES, "west", "mid") == near((2 * RAMP_S + 4000 / 40) / 60)
    assert minutes(network, PLACES, "mid", "west") == near(STREET_HALF)
    assert minutes(network, PLACES, "mid", "east") == near(STREET_HALF)
    assert minutes(network, PLACES, "east", "mid") == near(STREET_HALF)


def test_a_half_interchange_serves_one_side_both_ways(build, minutes):
    """Mid has a way off eastbound and a way on westbound: good for the west only."""
    half = [one_way([12, 2]), one_way([2, 22])]
    network = build(BELT, STREETS + EASTBOUND + WESTBOUND + END_RAMPS + half)
    assert minutes(network, PLACES, "west", "mid") == near((2 * RAMP_S + 4000 / 40) / 60)
    assert minutes(network, PLACES, "mid", "west") == near((2 * WEST_RAMP_S + 4000 / 40) / 60)
    assert minutes(network, PLACES, "mid", "east") == near(STREET_HALF)
    assert minutes(network, PLACES, "east", "mid") == near(STREET_HALF)


@pytest.mark.parametrize("tags", [MOTORWAY | {"access": "no"}, {"highway": "construction"}])
def test_a_closure_of_one_carriageway_leaves_the_other_open(build, minutes, tags):
    """East of mid the eastbound carriageway is shut: off at mid, and on by the street."""
    shut = [([11, 12], MOTORWAY), ([12, 14, 13], tags), one_way([12, 2])]
    network = build(BELT, STREETS + shut + WESTBOUND + END_RAMPS)
    off_at_mid = (2 * RAMP_S + 4000 / 40 + 500) / 60
    assert minutes(network, PLACES, "west", "east") == near(off_at_mid)
    assert minutes(network, PLACES, "east", "west") == near(WEST_WHOLE)


def test_a_closure_of_one_carriageway_of_a_finished_network_does_the_same(build, minutes):
    split = [([11, 12], MOTORWAY), ([12, 13], MOTORWAY | {"ref": "10;55"})]
    network = build(BELT, STREETS + split + WESTBOUND + END_RAMPS + [one_way([12, 2])])
    shut = network.closing((network.roads["ref"] == "10;55").to_numpy())
    assert minutes(network, PLACES, "west", "east") == near(EAST_WHOLE)
    assert minutes(shut, PLACES, "west", "east") == near((2 * RAMP_S + 4000 / 40 + 500) / 60)
    assert minutes(shut, PLACES, "east", "west") == near(WEST_WHOLE)


def test_a_ramp_drawn_against_its_direction_leads_where_it_may(build, minutes):
    ramp = [([2, 12], RAMP | {"oneway": "-1"})]
    network = build(BELT, STREETS + EASTBOUND + WESTBOUND + END_RAMPS + ramp)
    assert minutes(network, PLACES, "west", "mid") == near((2 * RAMP_S + 4000 / 40) / 60)
    assert minutes(network, PLACES, "mid", "east") == near(STREET_HALF)


def test_a_rest_areas_service_road_is_no_way_out_and_is_listed(build, minutes):
    gate = [([12, 2], {"highway": "service"}), ([2, 22], {"highway": "service"})]
    network = build(BELT, STREETS + EASTBOUND + WESTBOUND + END_RAMPS + gate)
    assert minutes(network, PLACES, "west", "mid") == near(STREET_HALF)
    assert minutes(network, PLACES, "mid", "west") == near(STREET_HALF)
    cuts = gpd.GeoSeries.from_xy(*np.transpose(network.info.report["service_roads_cut"]), crs=4326)
    metres = shapely.get_coordinates(cuts.to_crs(CRS)) - [1_100_000, 1_690_000]
    np.testing.assert_allclose(metres, [BELT[12], BELT[22]], atol=2)


def test_a_private_road_is_no_short_cut(build, minutes):
    nodes = {1: (0, 0), 2: (0, 1000), 3: (1000, 1000), 4: (1000, 0)}
    places = {"a": (0, 0), "b": (1000, 0)}
    round_about = [([1, 2, 3, 4], STREET)]
    private = build(nodes, [*round_about, ([1, 4], STREET | {"access": "private"})])
    public = build(nodes, [*round_about, ([1, 4], STREET | {"access": "permissive"})])
    assert minutes(private, places, "a", "b") == near(300 / 60)
    assert minutes(public, places, "a", "b") == near(100 / 60)
    assert private.info.report["ways_closed_to_cars"] == 1


def test_a_posted_limit_counts_before_the_class(build, minutes):
    places = {"a": (0, 0), "b": (1000, 0)}
    network = build({1: (0, 0), 2: (1000, 0)}, [([1, 2], STREET | {"maxspeed": "72"})])
    assert minutes(network, places, "a", "b") == near(1000 / 20 / 60)


def test_a_roundabout_is_driven_in_its_direction(build, minutes):
    """The ring turns anticlockwise: right by a quarter of it, left by three quarters."""
    nodes = {1: (100, 0), 2: (0, 100), 3: (-100, 0), 4: (0, -100)}
    places = {"e": (1000, 0), "n": (0, 1000), "w": (-1000, 0), "s": (0, -1000)}
    nodes |= dict(zip((11, 12, 13, 14), places.values(), strict=True))
    ring = [([1, 2, 3, 4, 1], STREET | {"junction": "roundabout"})]
    arms = [([i, i + 10], STREET) for i in (1, 2, 3, 4)]
    network = build(nodes, ring + arms)
    quarter = np.hypot(100, 100)
    assert len(network.roads) == 8
    assert minutes(network, places, "s", "e") == near((1800 + quarter) / 600)
    assert minutes(network, places, "s", "n") == near((1800 + 2 * quarter) / 600)
    assert minutes(network, places, "s", "w") == near((1800 + 3 * quarter) / 600)


# --- built from OSM: what is kept, dropped and said --------------------------------------------

CROSS = {1: (0, 0), 2: (1000, 0), 3: (2000, 0), 4: (1000, 1000), 5: (9000, 0), 6: (9500, 0)}


def test_islands_are_dropped_and_reported(build):
    ways = [([1, 2, 3], STREET), ([2, 4], STREET), ([5, 6], {"highway": "service"})]
    report = build(CROSS, ways).info.report
    assert report["ways"] == 3
    assert report["sections"] == 3
    assert report["km"] == near(3.0)
    assert report["dropped_pieces"] == 1
    assert report["dropped_km"] == {"service": 0.5}


def test_everything_can_be_reached_from_everywhere(build):
    dead_end = [([4, 5], STREET | {"oneway": "yes"})]
    network = build(CROSS, [([1, 2, 3], STREET), ([2, 4], STREET), *dead_end])
    assert len(network.nodes) == 4
    assert len(network.arc_tail) == 6


def test_lengths_are_those_of_the_full_shape_on_the_ellipsoid(build, tmp_path):
    """A road that swings 8 m to and fro is drawn straight, but keeps its length and time."""
    nodes = {i: (20 * i, 8 * (i % 2)) for i in range(101)}
    network = build(nodes, [(list(nodes), STREET)])
    lonlat = [
        (node.location.lon, node.location.lat)
        for node in osmium.FileProcessor(str(tmp_path / "roads.osm"), osmium.osm.NODE)
    ]
    expected = GEOD.line_length(*np.transpose(lonlat))
    line = network.lines[0]
    assert network.roads["length_m"].item() == pytest.approx(expected, abs=0.06)
    assert shapely.get_num_coordinates(line) == 2
    assert expected > 1.07 * line.length


def test_shapes_begin_and_end_at_their_junctions(build):
    network = build(CROSS, [([1, 2, 3], STREET), ([4, 2], STREET)])
    xy = network.nodes[["x", "y"]].to_numpy()
    for row, line in zip(network.roads.itertuples(), network.lines, strict=True):
        assert line.coords[0] == tuple(xy[row.u])
        assert line.coords[-1] == tuple(xy[row.v])
    np.testing.assert_allclose(
        sorted((xy - [1_100_000, 1_690_000]).round().tolist()),
        sorted(map(list, (CROSS[i] for i in (1, 2, 3, 4)))),
        atol=1,
    )


def test_the_road_table_has_its_columns(build):
    network = build(CROSS, [([1, 2, 3], STREET | {"maxspeed": "60", "name": "로"}), ([2, 4], RAMP)])
    assert network.roads.columns.tolist() == list(ROAD_COLUMNS)
    assert set(network.roads["class"]) == {"primary", "motorway_link"}
    assert network.roads["opened"].isna().all()
    assert "OpenStreetMap" in network.info.licence


def test_without_a_crs_the_utm_zone_of_the_middle_is_taken(build):
    assert build(CROSS, [([1, 2], STREET)], crs=None).crs.to_epsg() == 32652


@pytest.mark.parametrize(
    ("name", "date"),
    [("roads-2021-08.osm", "2021-08"), ("a-2021-08-31.osm", "2021-08-31"), ("a.osm", "")],
)
def test_the_date_is_read_from_the_files_name(tmp_path, write_osm, name, date):
    path = write_osm(tmp_path / name, CROSS, [([1, 2], STREET)])
    assert build_network(path).info.date == date
    assert build_network(path, date="2001-11").info.date == "2001-11"


def test_the_date_in_a_files_header_comes_before_that_in_its_name(tmp_path):
    header = osmium.io.Header()
    header.set("osmosis_replication_timestamp", "2021-08-14T20:21:02Z")
    path = tmp_path / "roads-1999-12.osm.pbf"
    with osmium.SimpleWriter(str(path), header=header) as writer:
        for i in (1, 2):
            writer.add_node(osmium.osm.mutable.Node(id=i, location=(128 + i / 100, 35), version=1))
        writer.add_way(osmium.osm.mutable.Way(id=1, nodes=[1, 2], tags=STREET, version=1))
    assert build_network(path).info.date == "2021-08-14"


def test_the_extent_holds_every_road(build):
    network = build(CROSS, [([1, 2, 3], STREET), ([2, 4], STREET)])
    extent = shapely.from_wkt(network.info.extent)
    assert all(extent.buffer(1).covers(line) for line in network.lines)
    assert extent.area == pytest.approx(2000 * 1000, rel=0.02), "a box of degrees, a little askew"


def test_a_zero_length_section_and_a_small_ring_survive(build, minutes):
    """Two nodes on one spot where the class changes; a turning circle of 12 m."""
    nodes = {1: (0, 0), 2: (1000, 0), 3: (1000, 0), 4: (2000, 0), 5: (2003, 3), 6: (2003, -3)}
    ways = [
        ([1, 2], STREET),
        ([2, 3], {"highway": "secondary"}),
        ([3, 4], STREET),
        ([4, 5, 6, 4], {"highway": "residential"}),
    ]
    network = build(nodes, ways)
    assert network.roads["length_m"].min() == 0
    ring = network.roads[network.roads["u"] == network.roads["v"]]
    assert len(ring) == 1
    assert minutes(network, {"a": (0, 0), "b": (2000, 0)}, "a", "b") == near(200 / 60)


def test_gyeongnam_is_built_in_one_go(gyeongnam):
    report = gyeongnam.info.report
    assert report["ways"] + report["ways_closed_to_cars"] == 215_612
    assert gyeongnam.info.date == "2021-08"
    dropped = sum(report["dropped_km"].values())
    assert dropped < 0.06 * (dropped + report["km"])
    assert len(report["service_roads_cut"]) >= 26
    assert len(gyeongnam.nodes) < len(gyeongnam.roads) < 215_612
    assert (gyeongnam.roads["length_m"] >= 0).all()
    drawn = shapely.length(gyeongnam.lines)
    assert drawn.sum() == pytest.approx(gyeongnam.roads["length_m"].sum(), rel=0.01)


# --- made of a road table ----------------------------------------------------------------------


def test_nodes_and_arcs_are_those_of_the_table(draw):
    """a - b both ways, b -> c one way, d has no road, c - e never to be driven."""
    network = draw(
        {"a": (0, 0), "b": (1000, 0), "c": (2000, 0), "d": (3000, 0), "e": (4000, 0)},
        [
            ("a", "b"),
            ("b", "c", {"oneway": True}),
            ("c", "e", {"forward": False, "backward": False}),
        ],
    )
    arcs = set(zip(network.arc_tail.tolist(), network.arc_head.tolist(), strict=True))
    assert arcs == {(0, 1), (1, 0), (1, 2)}
    assert network.arcs_of.tolist() == [[0, 2], [1, -1], [-1, -1]]
    assert network.nodes["junction"].tolist() == [0, 1, 2, 3, 4]
    assert network.nodes["x"].isna().tolist() == [False, False, False, True, False]
    assert network.crs == CRS


def spoilt(network, **columns):
    roads = network.roads.copy()
    for name, value in columns.items():
        roads[name] = value
    return roads


@pytest.mark.parametrize("column", list(ROAD_COLUMNS))
def test_a_road_table_without_a_column_is_refused(draw, column):
    roads = draw({"a": (0, 0), "b": (1, 0)}, [("a", "b")]).roads
    with pytest.raises(NetworkError, match=rf"needs column '{column}'; found"):
        network_from_roads(pd.DataFrame(roads).drop(columns=column), NetworkInfo())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"length_m": -1.0}, r"section 0 has the length -1\.0 m"),
        ({"length_m": np.nan}, "section 0 has the length nan m"),
        ({"length_m": np.inf}, "section 0 has the length inf m"),
        (
            {"limit_kph": -30.0},
            r"section 0 has the limit -30\.0 km/h; it must be above 0, or empty",
        ),
        ({"limit_kph": np.inf}, "section 0 has the limit inf km/h"),
        ({"class": "footway"}, "unknown class 'footway'"),
    ],
)
def test_a_road_table_with_a_wrong_value_is_refused(draw, wrong, message):
    roads = spoilt(draw({"a": (0, 0), "b": (1, 0)}, [("a", "b")]), **wrong)
    with pytest.raises(NetworkError, match=message):
        network_from_roads(roads, NetworkInfo())


def test_an_empty_road_table_is_refused(draw):
    roads = draw({"a": (0, 0), "b": (1, 0)}, [("a", "b")]).roads
    with pytest.raises(NetworkError, match="is empty"):
        network_from_roads(roads.iloc[:0], NetworkInfo())


@pytest.mark.parametrize("crs", [None, "EPSG:4326"])
def test_a_road_table_not_in_metres_is_refused(draw, crs):
    roads = draw({"a": (0, 0), "b": (1, 0)}, [("a", "b")]).roads
    with pytest.raises(NetworkError, match="metric CRS"):
        network_from_roads(roads.set_crs(crs, allow_override=True), NetworkInfo())


# --- content -----------------------------------------------------------------------------------

TRIANGLE = {"a": (0, 0), "b": (1000, 0), "c": (0, 1000)}
SIDES = [("a", "b"), ("b", "c"), ("c", "a")]


def test_equal_networks_have_equal_keys(draw):
    assert draw(TRIANGLE, SIDES).key == draw(TRIANGLE, SIDES).key


@pytest.mark.parametrize(
    "special",
    [
        {"length_m": 1000.1},
        {"class": "secondary"},
        {"limit_kph": 60.0},
        {"oneway": True},
        {"forward": False},
    ],
)
def test_a_network_that_differs_has_another_key(draw, special):
    changed = draw(TRIANGLE, [("a", "b", special), *SIDES[1:]])
    assert changed.key != draw(TRIANGLE, SIDES).key


def test_a_ring_driven_the_other_way_is_another_network(draw):
    nodes = {"a": (0, 0), "b": (1000, 0)}
    ring = {"via": [(1500, 500), (2000, 0), (1500, -500)]}
    there_and_back = [("a", "b", {"oneway": True}), ("b", "a", {"oneway": True})]
    one = draw(nodes, [*there_and_back, ("b", "b", ring | {"backward": False})])
    two = draw(nodes, [*there_and_back, ("b", "b", ring | {"forward": False})])
    assert one.key != two.key


def test_closing_a_section_changes_the_key_and_not_the_network(draw):
    network = draw(TRIANGLE, SIDES)
    key = network.key
    closed = network.closing(np.array([True, False, False]))
    assert closed.key != key
    assert not network.closed.any()
    assert closed.closed.tolist() == [True, False, False]
    assert closed.closing(np.array([False, True, False])).closed.tolist() == [True, True, False]


def test_sections_are_found_by_route_number(draw):
    network = draw(
        TRIANGLE,
        [
            ("a", "b", {"class": "motorway", "ref": "10;102"}),
            ("b", "c", {"class": "motorway", "ref": "1"}),
            ("c", "a", {"class": "primary", "ref": "10"}),
        ],
    )
    assert network.on_routes(["10"]).tolist() == [True, False, False]
    assert network.on_routes(["102", "1"]).tolist() == [True, True, False]


# --- dates -------------------------------------------------------------------------------------


@pytest.fixture
def dated(draw):
    return draw(
        TRIANGLE,
        [
            ("a", "b", {"opened": "1973-11-14"}),
            ("b", "c", {"opened": "2001-11-20"}),
            ("c", "a"),
        ],
        date="2021-08",
    )


@pytest.mark.parametrize(
    ("date", "closed"),
    [
        ("1973-11-14", [False, True, False]),
        ("1973-11", [False, True, False]),
        ("1973", [False, True, False]),
        ("1999", [False, True, False]),
        ("2001-11-19", [False, True, False]),
        ("2001-11-20", [False, False, False]),
        ("2001", [False, False, False]),
        ("2021-08", [False, False, False]),
        ("2021", [False, False, False]),
    ],
)
def test_as_of_a_date_what_opened_later_is_closed(dated, date, closed):
    assert dated.as_of(date).closed.tolist() == closed
    assert not dated.closed.any()


@pytest.mark.parametrize("date", ["1973-11-13", "1960"])
def test_of_a_date_before_any_road_nothing_is_known(dated, date):
    with pytest.raises(NetworkError, match=rf"as of {date}: .* opened on 1973-11-14"):
        dated.as_of(date)


@pytest.mark.parametrize("date", ["2021-09", "2021-09-01", "2022", "2030"])
def test_a_date_after_that_of_the_roads_is_refused(dated, date):
    with pytest.raises(NetworkError, match=rf"as of {date}: the roads are those of 2021-08"):
        dated.as_of(date)


@pytest.mark.parametrize(
    "date", ["", "soon", "1999-13", "1999-02-30", "99-1-1-1", "12:30", "1999Q2", "7"]
)
def test_what_is_no_date_is_refused(dated, date):
    with pytest.raises(NetworkError, match=r"is no date\. Write 1999"):
        dated.as_of(date)


def test_roads_without_any_date_cannot_go_back(draw):
    with pytest.raises(NetworkError, match="no section of 'drawn by hand' has an opening date"):
        draw(TRIANGLE, SIDES, date="2021-08").as_of("1999")


def test_a_leap_day_is_a_last_day():
    assert last_day("2000-02") == "2000-02-29"


# --- another CRS -------------------------------------------------------------------------------


def test_another_crs_moves_shapes_and_keeps_lengths(draw):
    network = draw(TRIANGLE, SIDES, walls=[[(100, 100), (200, 100), (200, 200)]])
    network = replace(network, info=replace(network.info, extent=shapely.to_wkt(network.lines[0])))
    moved = network.to_crs("EPSG:32652")
    assert moved.crs == "EPSG:32652"
    assert moved.key == network.key
    assert moved.roads["length_m"].tolist() == network.roads["length_m"].tolist()
    expected = network.roads.to_crs("EPSG:32652").geometry
    np.testing.assert_array_equal(moved.lines, expected.to_numpy())
    assert moved.nodes["x"].iloc[0] == moved.lines[0].coords[0][0]
    wall = gpd.GeoSeries(network.barriers, crs=CRS).to_crs("EPSG:32652")
    assert moved.barriers[0].equals_exact(wall[0], 1e-6)
    assert shapely.from_wkt(moved.info.extent).hausdorff_distance(expected[0]) < 1e-6


def test_the_same_crs_is_the_same_network(draw):
    network = draw(TRIANGLE, SIDES)
    assert network.to_crs(CRS) is network


# --- barriers ----------------------------------------------------------------------------------


def test_barriers_are_cut_into_parts_and_lose_nothing(draw):
    random = np.random.default_rng(3)
    angle, radius = np.linspace(0, 2 * np.pi, 1000, endpoint=False), random.uniform(900, 1100, 1000)
    lake = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    island = shapely.Point(1_100_000, 1_690_000).buffer(300)
    shape = shapely.Polygon(np.add(lake, [1_100_000, 1_690_000])).difference(island)
    frame = gpd.GeoDataFrame(geometry=[shape], crs=CRS).to_crs(4326)
    network = draw(TRIANGLE, SIDES).with_barriers(frame)
    parts = network.barriers
    assert (shapely.get_num_coordinates(parts) <= 65).all()
    assert shapely.area(parts).sum() == pytest.approx(shape.area, rel=1e-6)
    assert shapely.union_all(parts).symmetric_difference(shape).area < 1e-3 * shape.area


def test_no_barriers_are_no_parts():
    assert len(cut_small(np.array([], dtype=object))) == 0


# --- saved and loaded --------------------------------------------------------------------------


@pytest.fixture
def full(dated):
    info = NetworkInfo(
        file="roads.osm.pbf",
        date="2021-08",
        licence="ODbL 1.0, © OpenStreetMap contributors",
        extent="POLYGON ((0 0, 1 0, 1 1, 0 0))",
        report={"ways": 3, "dropped_km": {"service": 0.5}, "service_roads_cut": [[128.1, 35.2]]},
    )
    roads = dated.roads.copy()
    roads["name"] = ["남해고속도로", None, "A-ro"]
    roads["ref"] = [None, "10;102", None]
    roads["limit_kph"] = [50.0, np.nan, 80.0]
    roads["bridge"], roads["tunnel"] = [0.25, 0, 1], [0, 0.75, 0]
    roads["opened_ev"] = ["dated", "assumed", "unknown"]
    return network_from_roads(roads, info)


def plain(roads):
    """Write empty texts one way: pandas has three."""
    texts = ["ref", "name", "opened", "opened_ev"]
    return roads.assign(**{c: roads[c].astype(object).where(roads[c].notna(), None) for c in texts})


def test_a_network_comes_back_as_it_went(full, tmp_path):
    path = save_network(full, tmp_path / "roads.parquet")
    back = load_network(path)
    assert path == tmp_path / "roads.parquet"
    assert back.key == full.key
    assert back.crs == full.crs
    assert_geodataframe_equal(plain(back.roads), plain(full.roads), check_dtype=False)
    for name in ("arc_tail", "arc_head", "arc_section", "arc_forward", "closed"):
        np.testing.assert_array_equal(getattr(back, name), getattr(full, name))
    pd.testing.assert_frame_equal(back.nodes, full.nodes)


def test_what_is_known_of_a_network_is_kept_beside_its_file_and_hash(full, tmp_path):
    path = save_network(full, tmp_path / "roads.parquet")
    info = load_network(path).info
    assert info.hash == hashlib.sha256(path.read_bytes()).hexdigest()
    assert replace(info, file=full.info.file, hash="") == full.info
    assert info.file == "roads.parquet"


def test_a_built_network_comes_back_as_it_went(build, tmp_path):
    network = build(BELT, STREETS + EASTBOUND + WESTBOUND + END_RAMPS)
    back = load_network(save_network(network, tmp_path / "roads.parquet"))
    assert back.key == network.key
    assert_geodataframe_equal(plain(back.roads), plain(network.roads), check_dtype=False)


def test_any_reader_of_geoparquet_opens_the_file(full, tmp_path):
    path = save_network(full, tmp_path / "roads.parquet")
    assert gpd.read_parquet(path).crs == CRS
    meta = pq.read_schema(path).metadata
    assert json.loads(meta[b"technobelt"])["licence"].startswith("ODbL")


def test_saving_twice_gives_the_same_bytes(full, tmp_path):
    one, two = (save_network(full, tmp_path / f"{name}.parquet") for name in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_a_network_is_saved_as_parquet_only(full, tmp_path):
    with pytest.raises(NetworkError, match=r"kept as \.parquet; found 'roads\.gpkg'"):
        save_network(full, tmp_path / "roads.gpkg")
    assert list(tmp_path.iterdir()) == []


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(full, tmp_path, monkeypatch):
    path = save_network(full, tmp_path / "roads.parquet")
    before = path.read_bytes()

    write = pq.write_table

    def full_disk(table, where, **options):
        write(table, where, **options)
        if where.__class__ is type(path):
            where.write_bytes(where.read_bytes()[:100])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        save_network(full, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_network_says_how_to_build_one(tmp_path):
    with pytest.raises(MissingFileError, match=r"no network file .* technobelt network build"):
        load_network(tmp_path / "roads.parquet")


@pytest.mark.parametrize("content", [b"", b"garbage", b"PAR1" + bytes(100) + b"PAR1"])
def test_a_file_that_is_no_parquet_is_refused(tmp_path, content):
    path = tmp_path / "roads.parquet"
    path.write_bytes(content)
    with pytest.raises(NetworkError, match=r"'roads\.parquet' is no road table"):
        load_network(path)


def test_a_network_broken_off_is_refused(full, tmp_path):
    path = save_network(full, tmp_path / "roads.parquet")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(NetworkError, match="is no road table"):
        load_network(path)


def test_a_table_without_shapes_is_refused(tmp_path):
    path = tmp_path / "roads.parquet"
    pd.DataFrame({"u": [0], "v": [1]}).to_parquet(path)
    with pytest.raises(NetworkError, match="is no road table"):
        load_network(path)


def test_a_layer_that_is_no_road_table_is_refused(tmp_path):
    path = tmp_path / "roads.parquet"
    gpd.GeoDataFrame({"id": [1]}, geometry=[shapely.Point(0, 0)], crs=CRS).to_parquet(path)
    with pytest.raises(NetworkError, match="needs column 'u'; found: id, geometry"):
        load_network(path)


def test_the_built_in_region_has_a_network_with_dates_and_barriers():
    region = load_region()
    network = load_network(region)
    assert network.crs == region.crs
    assert network.info.file == region.path("roads").name
    assert network.dated
    assert len(network.barriers) > 0
    assert network.as_of("1999").closed.sum() > 0
    assert network.on_routes(region.corridor.all_routes).any()


# --- dates from another network ------------------------------------------------------------------


@pytest.fixture
def known(draw):
    """Two parallel roads 30 m apart, of which the motorway has a date."""
    return draw(
        {"a": (0, 0), "b": (2_000, 0), "c": (0, 30), "d": (2_000, 30)},
        [
            ("a", "b", {"class": "motorway", "ref": "10", "opened": "1973-11-14", "opened_ev": "dated"}),
            ("c", "d", {"class": "primary", "ref": "2"}),
            ("a", "c"),
            ("b", "d"),
        ],
    )  # fmt: skip


def test_a_road_takes_the_date_of_the_same_road_and_of_no_other(draw, known):
    bare = draw(
        {"a": (0, 5), "m": (900, 5), "b": (2_000, 5), "c": (0, 30), "d": (2_000, 30)},
        [
            ("a", "m", {"class": "motorway", "ref": "10"}),
            ("m", "b", {"class": "motorway", "ref": "10"}),
            ("c", "d", {"class": "primary", "ref": "2"}),
            ("a", "c", {"class": "motorway", "ref": "12"}),
        ],
    )
    dated = with_dates_of(bare, known)
    assert dated.roads["opened"].tolist() == ["1973-11-14", "1973-11-14", None, None]
    assert dated.roads["opened_ev"].tolist() == ["dated", "dated", None, None]
    assert not bare.dated


def test_a_date_of_its_own_is_kept(draw, known):
    own = {"class": "motorway", "ref": "10", "opened": "1980-01-01"}
    bare = draw(
        {"a": (0, 0), "b": (2_000, 0), "c": (2_000, 900)},
        [("a", "b", own), ("b", "c", {"class": "motorway", "ref": "10"}), ("a", "c")],
    )
    with pytest.raises(NetworkError, match=r"no section of .* is a road that"):
        with_dates_of(bare, known)


def test_the_built_in_roads_find_their_own_dates_again():
    network = load_network(load_region())
    bare = replace(network, roads=network.roads.assign(opened=None, opened_ev=None))
    again = with_dates_of(bare, network).roads["opened"]
    had = network.roads["opened"].notna()
    assert (again[had] == network.roads["opened"][had]).mean() > 0.999
