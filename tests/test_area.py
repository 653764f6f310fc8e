"""Roads of an area only: which are kept, and where the network is then said to end."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

import technobelt as tb
from hand_region import CORNER as ORIGIN
from hand_region import CRS, make_region
from technobelt.cli import main
from technobelt.errors import CRSError, NetworkError
from technobelt.network import build_network, load_network, network_to_graph
from technobelt.network.area import area_of_box, area_of_region

#: A ladder 4 km long: two roads from west to east, and a street between them every kilometre.
NODES = {i: (1000 * i, 0) for i in range(5)} | {10 + i: (1000 * i, 1000) for i in range(5)}
STREET, ROAD = {"highway": "residential"}, {"highway": "primary"}
LADDER = [
    ([0, 1, 2], ROAD),
    ([2, 3, 4], ROAD),
    ([10, 11, 12, 13, 14], ROAD),
    *(([i, 10 + i], STREET) for i in range(5)),
]


def outline(x0, y0, x1, y1):
    """Return a box of the hand-drawn plane."""
    return shapely.box(*(ORIGIN + np.array([x0, y0])), *(ORIGIN + np.array([x1, y1])))


def frame(*box):
    return gpd.GeoDataFrame(geometry=[outline(*box)], crs=CRS)


def kilometres(network):
    return round(network.roads["length_m"].sum() / 1000, 1)


@pytest.fixture
def ladder(tmp_path, write_osm):
    return write_osm(tmp_path / "ladder.osm", NODES, LADDER)


# --- which roads -------------------------------------------------------------------------------


def test_roads_that_do_not_touch_the_area_are_left_out(ladder):
    assert kilometres(build_network(ladder, crs=CRS)) == 13.0
    west = build_network(ladder, crs=CRS, area=frame(-100, -100, 1500, 500))
    assert kilometres(west) == 4.0  # the first two kilometres of road, two streets
    assert set(west.roads["class"]) == {"primary", "residential"}


def test_a_road_that_crosses_the_border_is_kept_whole(ladder):
    network = build_network(ladder, crs=CRS, area=frame(2500, -100, 2900, 100))
    x = network.nodes["x"] - ORIGIN[0]
    assert (x.min(), x.max()) == pytest.approx((2000, 4000), abs=1)


def test_a_road_that_crosses_the_area_between_two_vertices_is_kept(ladder):
    network = build_network(ladder, crs=CRS, area=frame(900, 400, 1100, 600))
    assert network.roads["class"].tolist() == ["residential"]


def test_an_area_may_be_of_any_shape(ladder):
    two = [outline(-100, 400, 100, 600), outline(3900, 400, 4100, 600)]
    both = gpd.GeoSeries([*two, outline(1400, 900, 1600, 1100)], crs=CRS)
    network = build_network(ladder, crs=CRS, area=both)
    assert kilometres(network) == 6.0  # the upper road and the streets at its ends


def test_a_polygon_is_in_degrees(ladder):
    area = frame(-100, -100, 1500, 500).to_crs(4326).geometry.iloc[0]
    assert kilometres(build_network(ladder, crs=CRS, area=area)) == 4.0


def test_an_area_around_everything_changes_no_road(ladder):
    whole, cut = (
        build_network(ladder, crs=CRS, area=area)
        for area in (None, frame(-9000, -9000, 9000, 9000))
    )
    assert whole.roads.equals(cut.roads)
    assert whole.info.report == cut.info.report


def test_a_way_that_the_extract_cuts_off_is_counted_only_inside_the_area(tmp_path, write_osm):
    ways = [*LADDER, ([0, 10, 99], STREET), ([4, 99], STREET), ([99, 98], STREET)]
    path = write_osm(tmp_path / "cut.osm", NODES, ways)
    west = build_network(path, crs=CRS, area=frame(-100, -100, 1500, 500))
    assert west.info.report["ways_cut_off"] == 1


def test_inside_the_area_the_network_is_that_of_the_whole_file(shared, gyeongnam):
    area, seen = area_of_box(128.6, 35.2, 128.7, 35.3), []
    file = shared / "gyeongnam-2021-08.osm.pbf"
    cut = build_network(file, crs=CRS, area=area, progress=seen.append)
    assert seen == [10_000 * (i + 1) for i in range(21)]  # of the ways looked at
    assert len(cut.roads) < len(gyeongnam.roads) / 10
    inner = gpd.GeoSeries([area], crs=4326).to_crs(CRS).iloc[0].buffer(-3000)
    whole, part = (
        network.roads.loc[network.roads.within(inner), "length_m"].sort_values().to_numpy()
        for network in (gyeongnam, cut)
    )
    assert len(whole) > 500
    np.testing.assert_array_equal(part, whole)


# --- where the network ends --------------------------------------------------------------------


def extent(network):
    return shapely.from_wkt(network.info.extent)


def apart(one, other):
    """Return how much of two shapes is not common to both, as a share of the first."""
    return one.symmetric_difference(other).area / one.area


def test_the_network_ends_where_the_area_does_not_where_its_roads_do(ladder):
    network = build_network(ladder, crs=CRS, area=frame(500, 100, 2500, 900))
    assert apart(outline(500, 100, 2500, 900), extent(network)) < 0.01


def test_an_area_beyond_the_source_ends_where_the_source_does(ladder):
    network = build_network(ladder, crs=CRS, area=frame(-9000, 100, 2500, 9000))
    assert apart(outline(0, 100, 2500, 1000), extent(network)) < 0.02


def test_an_isochrone_at_the_border_of_the_area_is_truncated(tmp_path, write_osm, speeds):
    nodes = {i: (x, 0) for i, x in enumerate(range(-20_000, 21_000, 1000))}
    ways = [([i, i + 1], ROAD) for i in range(40)] + [([0, 99], ROAD), ([40, 98], ROAD)]
    corners = {99: (-20_000, 20_000), 98: (20_000, -20_000)}
    path = write_osm(tmp_path / "road.osm", nodes | corners, ways)
    middle = gpd.GeoDataFrame(geometry=[shapely.Point(ORIGIN)], crs=CRS, index=["A"])
    shares = [
        tb.isochrones(
            build_network(path, crs=CRS, area=area),
            middle,
            minutes=[5],
            profile=speeds(primary=60.0),
        )["truncated"].iloc[0]
        for area in (None, frame(-6000, -12_000, 6000, 12_000))
    ]
    assert shares[0] == 0
    assert shares[1] > 0


# --- other sources -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lines", "graph", "gpkg"])
def test_other_sources_are_cut_likewise(ladder, tmp_path, kind):
    whole = build_network(ladder, crs=CRS)
    source = network_to_graph(whole) if kind == "graph" else whole.roads[["class", "geometry"]]
    if kind == "gpkg":
        source.astype({"class": str}).to_file(tmp_path / "roads.gpkg")
        source = tmp_path / "roads.gpkg"
    network = build_network(source, crs=CRS, area=frame(-100, 100, 1500, 900))
    everything = build_network(source, crs=CRS)
    assert 0 < len(network.roads) < len(everything.roads)
    assert apart(outline(0, 100, 1500, 900), extent(network)) < 0.02


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("area", "error", "words"),
    [
        (shapely.Point(128.6, 35.2), NetworkError, "found a Point"),
        (shapely.Polygon(), NetworkError, "found an empty Polygon"),
        ("128,35,129,36", NetworkError, "found a str"),
        (shapely.box(1e6, 1.6e6, 1.1e6, 1.7e6), NetworkError, "is no box W,S,E,N in degrees"),
        (gpd.GeoSeries([shapely.box(128, 35, 129, 36)]), CRSError, "has no CRS"),
        (area_of_box(10, 50, 11, 51), NetworkError, "no road in the area 10.00,50.00,11.00,51.00"),
    ],
)
def test_an_area_that_cannot_be_is_refused(ladder, area, error, words):
    with pytest.raises(error, match=words):
        build_network(ladder, area=area)


def test_an_area_without_a_road_for_cars_is_refused(tmp_path, write_osm):
    path = write_osm(tmp_path / "path.osm", NODES, [([0, 1], {"highway": "path"}), ([3, 4], ROAD)])
    with pytest.raises(NetworkError, match="no way that a car may drive in the area"):
        build_network(path, area=frame(-100, -100, 1500, 500))


# --- the command -------------------------------------------------------------------------------


@pytest.fixture
def row(tmp_path, write_osm):
    """Three clusters 30 km apart (region and roads), and a road far from them."""
    make_region(tmp_path)
    nodes = {0: (-10_000, 0), 1: (70_000, 0), 2: (0, 60_000), 3: (9000, 60_000)}
    return write_osm(
        tmp_path / "row.osm", nodes, [([0, 1], ROAD), ([0, 2], ROAD), ([2, 3], STREET)]
    )


def build(*options):
    with pytest.raises(SystemExit) as done:
        main(["network", "build", *map(str, options)])
    return done.value.code


def test_the_command_takes_the_roads_around_a_region(row, tmp_path):
    out = tmp_path / "roads.parquet"
    assert build(row, "--around", tmp_path, "--buffer-km", 10, "--out", out) == 0
    network = load_network(out)
    assert network.crs == CRS
    assert set(network.roads["class"]) == {"primary"}
    area = gpd.GeoSeries([area_of_region(tb.load_region(tmp_path), 10)], crs=4326).to_crs(CRS)
    assert extent(network).within(area.iloc[0].buffer(100))


def test_the_command_takes_the_roads_of_a_box(row, tmp_path):
    west, south, east, north = frame(-1000, 59_000, 1000, 61_000).to_crs(4326).total_bounds
    out = tmp_path / "roads.parquet"
    assert build(row, "--bbox", f"{west},{south},{east},{north}", "--out", out) == 0
    assert load_network(out).info.report["ways"] == 2


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--bbox", "1,2,3"], 2),
        (["--bbox", "1,2,3,4", "--around", "built-in"], 2),
        (["--bbox", "1,2,3,4"], 1),
        (["--bbox", "5,2,3,4"], 1),
        (["--around", "nowhere"], 1),
    ],
)
def test_the_command_refuses_an_area_that_cannot_be(row, tmp_path, options, code):
    assert build(row, *options, "--out", tmp_path / "r.parquet") == code
