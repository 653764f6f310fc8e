"""Reading the drivable ways of an OSM file."""

from __future__ import annotations

import gzip

import numpy as np
import osmium
import pytest

from technobelt.errors import MissingFileError, NetworkError
from technobelt.network import build_network
from technobelt.network.osm import read_ways
from technobelt.schema import ROAD_CLASSES

NODES = {1: (0, 0), 2: (1000, 0), 3: (1000, 1000), 4: (0, 1000), 5: (-500, 500)}
STREET = {"highway": "residential"}


@pytest.fixture
def osm(tmp_path, write_osm):
    def make(ways, nodes=NODES):
        return write_osm(tmp_path / "roads.osm", nodes, ways)

    return make


@pytest.fixture(scope="session")
def square_pbf(tmp_path_factory):
    """A square of four two-way streets with bends enough to fill several kilobytes."""
    path = tmp_path_factory.mktemp("pbf") / "square.osm.pbf"
    random = np.random.default_rng(1)
    with osmium.SimpleWriter(str(path)) as writer:
        for node in range(4000):
            place = tuple(random.uniform([128.0, 35.0], [129.0, 36.0]))
            writer.add_node(osmium.osm.mutable.Node(id=node + 1, location=place, version=1))
        for way in range(4):
            nodes = [1 + (way * 1000 + i) % 4000 for i in range(1001)]
            writer.add_way(osmium.osm.mutable.Way(id=way + 1, nodes=nodes, tags=STREET, version=1))
    return path


# --- what is read ------------------------------------------------------------------------------


def test_ways_come_in_the_files_order_with_their_vertices(osm):
    ways = read_ways(osm([([1, 2, 3], STREET), ([3, 4], {"highway": "primary"})]))
    assert len(ways) == 2
    assert ways.start.tolist() == [0, 3, 5]
    assert ways.node.tolist() == [1, 2, 3, 3, 4]
    assert [ROAD_CLASSES[code] for code in ways.road_class] == ["residential", "primary"]


def test_positions_are_those_of_the_nodes(osm):
    path = osm([([1, 2, 3, 4, 5], STREET)])
    ways = read_ways(path)
    expected = [
        (node.location.lon, node.location.lat)
        for node in osmium.FileProcessor(str(path), osmium.osm.NODE)
    ]
    np.testing.assert_allclose(ways.lonlat, expected, rtol=0, atol=1e-9)


def test_tags_become_columns(osm):
    tags = {
        "highway": "trunk",
        "oneway": "-1",
        "maxspeed": "80",
        "ref": "14",
        "name": "남해대로",
        "bridge": "viaduct",
        "tunnel": "no",
    }
    ways = read_ways(osm([([1, 2], tags), ([2, 3], STREET)]))
    assert (ways.forward[0], ways.backward[0]) == (False, True)
    assert (ways.limit_kph[0], ways.ref[0], ways.name[0]) == (80.0, "14", "남해대로")
    assert (ways.bridge[0], ways.tunnel[0]) == (True, False)
    assert np.isnan(ways.limit_kph[1])
    assert ways.ref[1] is None
    assert ways.name[1] is None


def test_ways_that_are_no_road_for_cars_are_not_read(osm):
    ways = read_ways(
        osm(
            [
                ([1, 2], {"highway": "footway"}),
                ([1, 3], {"highway": "construction"}),
                ([1, 4], {"railway": "rail"}),
                ([2, 3], STREET),
            ]
        )
    )
    assert ways.node.tolist() == [2, 3]
    assert ways.closed == 0


def test_ways_closed_to_cars_are_left_out_and_counted(osm):
    ways = read_ways(
        osm(
            [
                ([1, 2, 5], STREET | {"access": "private"}),
                ([2, 3], STREET),
                ([3, 4], STREET | {"motor_vehicle": "no"}),
                ([4, 1], STREET | {"oneway": "reversible"}),
            ]
        )
    )
    assert ways.node.tolist() == [2, 3]
    assert ways.closed == 3


def test_only_the_classes_asked_for_are_read(osm):
    path = osm([([1, 2], STREET), ([2, 3], {"highway": "motorway"})])
    assert read_ways(path, classes=["motorway"]).node.tolist() == [2, 3]


def test_a_way_that_leaves_the_extract_is_left_out(osm):
    ways = read_ways(osm([([1, 2], STREET), ([2, 3, 99], STREET)]))
    assert ways.node.tolist() == [1, 2]


def test_a_way_of_one_node_is_no_road(osm):
    assert len(read_ways(osm([([1], STREET), ([1, 2], STREET)]))) == 1


def test_a_packed_file_reads_as_the_plain_one(osm, tmp_path):
    plain = osm([([1, 2, 3], STREET)])
    packed = tmp_path / "packed.osm.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    np.testing.assert_array_equal(read_ways(packed).lonlat, read_ways(plain).lonlat)


def test_take_keeps_whole_ways(osm):
    ways = read_ways(osm([([1, 2, 3], STREET), ([3, 4], STREET), ([4, 5, 1], STREET)]))
    taken = ways.take(np.array([True, False, True]))
    assert taken.start.tolist() == [0, 3, 6]
    assert taken.node.tolist() == [1, 2, 3, 4, 5, 1]
    assert len(taken.ref) == 2


def test_the_gyeongnam_file_has_the_ways_it_is_said_to_have(shared):
    seen = []
    ways = read_ways(shared / "gyeongnam-2021-08.osm.pbf", progress=seen.append)
    assert len(ways) + ways.closed == 215_612
    assert seen == [10_000 * (i + 1) for i in range(21)]
    west, south = ways.lonlat.min(axis=0)
    east, north = ways.lonlat.max(axis=0)
    assert (west, east) == pytest.approx((127.53, 129.42), abs=0.02)
    assert (south, north) == pytest.approx((34.54, 35.75), abs=0.02)


# --- what cannot be read -----------------------------------------------------------------------


def test_a_missing_file_says_its_name(tmp_path):
    with pytest.raises(MissingFileError, match=r"no road file '.*nowhere\.osm\.pbf'"):
        read_ways(tmp_path / "nowhere.osm.pbf")


def test_a_folder_is_no_road_file(tmp_path):
    with pytest.raises(MissingFileError):
        read_ways(tmp_path)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_pbf_broken_off_is_refused(square_pbf, tmp_path, share):
    whole = square_pbf.read_bytes()
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(NetworkError, match=r"'broken\.osm\.pbf' cannot be read .* broken off"):
        build_network(broken)
    assert list(tmp_path.iterdir()) == [broken]


@pytest.mark.parametrize("name", ["x.osm.pbf", "x.osm", "x.osm.gz", "x.txt"])
@pytest.mark.parametrize("content", [b"", b"no roads here " * 100, bytes(range(256)) * 20])
def test_what_is_no_osm_file_is_refused_in_one_line(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(NetworkError, match=r"cannot be read as an OSM file") as caught:
        build_network(path)
    assert "\n" not in str(caught.value)


def test_xml_broken_off_is_refused(osm, tmp_path):
    whole = osm([([1, 2, 3], STREET)]).read_bytes()
    broken = tmp_path / "broken.osm"
    broken.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NetworkError, match="cannot be read"):
        build_network(broken)


@pytest.mark.parametrize(
    "ways",
    [[], [([1, 2], {"highway": "footway"})], [([1, 99], STREET)]],
    ids=["empty", "footways only", "nodes missing"],
)
def test_a_file_without_roads_is_refused(osm, ways):
    with pytest.raises(NetworkError, match="no way that a car may drive"):
        read_ways(osm(ways))


def test_a_file_of_closed_roads_is_refused(osm):
    with pytest.raises(NetworkError, match="no way that a car may drive"):
        read_ways(osm([([1, 2], STREET | {"access": "private"})]))


def test_an_unknown_class_is_refused(osm):
    with pytest.raises(NetworkError, match=r"unknown class 'motorwy'.*motorway"):
        read_ways(osm([([1, 2], STREET)]), classes=["motorwy"])
