"""Barriers, gates, toll booths and ferries: what stops cars besides the road."""

from __future__ import annotations

import numpy as np
import pytest

from technobelt import travel_time
from technobelt.errors import NetworkError
from technobelt.network import OsmRules, build_network, load_network, save_network
from technobelt.network.cuts import cut_sections
from technobelt.network.tags import ferry_seconds, seconds_at
from technobelt.network.ties import startable

CRS = "EPSG:5179"
STREET = {"highway": "residential"}
#: A square of a kilometre, and node 9 half way along its southern side.
NODES = {1: (0, 0), 2: (1000, 0), 3: (1000, 1000), 4: (0, 1000), 9: (500, 0)}
SQUARE = [([1, 9, 2], STREET), ([2, 3, 4, 1], STREET)]


@pytest.fixture
def build(tmp_path, write_osm):
    """Build a network of nodes, ways and tags of nodes."""

    def make(tags, ways=SQUARE, nodes=NODES, **rules):
        path = write_osm(tmp_path / "roads.osm", nodes, ways)
        text = path.read_text(encoding="utf-8")
        for node, said in tags.items():
            inner = "".join(f'<tag k="{k}" v="{v}"/>' for k, v in said.items())
            head = next(line for line in text.splitlines() if f'node id="{node}" ' in line)
            text = text.replace(head, head.replace("/>", f">{inner}</node>"))
        path.write_text(text, encoding="utf-8")
        return build_network(path, crs=CRS, rules=OsmRules(**rules))

    return make


@pytest.fixture
def seconds(points, speeds):
    """Ask for the seconds between two places at 10 m/s."""

    def ask(network, start, end):
        frame = points(start=start, end=end)
        told = travel_time.travel_times(
            network, frame.loc[["start"]], frame.loc[["end"]], profile=speeds()
        )
        return told["time_min"].item() * 60

    return ask


# --- barriers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bollard", "block", "chain", "jersey_barrier"])
def test_a_bollard_inside_a_way_sends_cars_round(build, seconds, kind):
    network = build({9: {"barrier": kind}})
    assert seconds(network, (250, 0), (750, 0)) == pytest.approx(350, abs=1)
    assert network.info.report["barriers"][0] == 1


def test_without_one_they_drive_through(build, seconds):
    assert seconds(build({}), (250, 0), (750, 0)) == pytest.approx(50, abs=1)


def test_a_bollard_where_ways_meet_parts_them(build, seconds):
    network = build({2: {"barrier": "bollard"}})
    assert seconds(network, (750, 0), (1000, 250)) == pytest.approx(350, abs=1)


@pytest.mark.parametrize(
    "tags",
    [
        {"barrier": "bollard", "motor_vehicle": "yes"},
        {"barrier": "gate"},
        {"barrier": "gate", "access": "destination"},
        {"barrier": "kerb"},
        {"barrier": "entrance"},
        {"barrier": "height_restrictor"},
        {"barrier": "toll_booth"},
    ],
)
def test_other_barriers_are_driven_through(build, seconds, tags):
    assert seconds(build({9: tags}), (250, 0), (750, 0)) == pytest.approx(50, abs=1)


@pytest.mark.parametrize(
    "tags",
    [
        {"barrier": "gate", "access": "private"},
        {"barrier": "lift_gate", "motor_vehicle": "no"},
        {"barrier": "gate", "locked": "yes"},
    ],
)
def test_a_shut_gate_is_a_barrier(build, seconds, tags):
    assert seconds(build({9: tags}), (250, 0), (750, 0)) == pytest.approx(350, abs=1)


@pytest.mark.parametrize(
    ("kind", "rules"), [("gate", {"gate_s": 30}), ("toll_booth", {"toll_s": 30})]
)
@pytest.mark.parametrize("node", [9, 2])
def test_gates_and_toll_booths_cost_the_seconds_that_are_asked_for_once(
    build, seconds, kind, rules, node
):
    """Inside a way as where two meet; two streets hang where trips begin, so that they pass it whole."""
    nodes = NODES | {5: (0, -500), 6: (1500, 0), 7: (1500, -500)}
    ways = [([5, 1], STREET), ([1, 9, 2], STREET), ([2, 6], STREET), ([6, 7], STREET)]
    side = [([1, 4], STREET), ([6, 3], STREET)]
    free = build({}, ways + side, nodes)
    slow = build({node: {"barrier": kind}}, ways + side, nodes, **rules)
    for there, back in (((0, -250), (1500, -250)), ((1500, -250), (0, -250))):
        assert seconds(slow, there, back) - seconds(free, there, back) == pytest.approx(30, abs=0.1)


def test_waiting_is_kept_in_the_file_and_by_a_cut(build, tmp_path):
    network = build({9: {"barrier": "gate"}}, gate_s=30)
    again = load_network(save_network(network, tmp_path / "roads.parquet"))
    assert again.key == network.key
    assert again.wait_s.sum() == pytest.approx(30)
    cut = cut_sections(network, np.array([0]), np.array([0.5])).network
    assert cut.wait_s.sum() == pytest.approx(30)


def test_a_network_without_stops_has_no_column_for_them(build):
    network = build({})
    assert "wait_s" not in network.roads
    assert network.wait_s.sum() == 0
    assert not network.ferry.any()


def test_what_a_node_costs():
    rules = OsmRules(gate_s=10, toll_s=5)
    assert seconds_at({}, rules) == 0
    assert seconds_at({"barrier": "gate"}, rules) == 10
    assert seconds_at({"barrier": "toll_booth"}, rules) == 5
    assert seconds_at({"barrier": "bollard"}, rules) == np.inf


# --- ferries -----------------------------------------------------------------------------------

BANKS = {1: (0, 0), 2: (1000, 0), 3: (3000, 0), 4: (4000, 0)}
FERRY = {"route": "ferry", "duration": "0:25"}


def banks(ferry):
    return [([1, 2], STREET), ([2, 3], ferry), ([3, 4], STREET)]


def test_ferries_are_left_out_and_counted(build):
    network = build({}, banks(FERRY), BANKS)
    assert len(network.roads) == 1
    assert network.info.report["ferries_left_out"] == 1


def test_a_ferry_that_is_asked_for_takes_as_long_as_it_says(build, seconds):
    network = build({}, banks(FERRY), BANKS, ferries=True)
    assert seconds(network, (500, 0), (3500, 0)) == pytest.approx(100 + 1500, abs=1)
    assert network.roads["length_m"].sum() == pytest.approx(4000, rel=1e-3)


def test_no_trip_begins_on_a_ferry(build):
    network = build({}, banks(FERRY), BANKS, ferries=True)
    assert startable(network).tolist() == (~network.ferry).tolist()
    assert network.ferry.sum() == 1


@pytest.mark.parametrize(
    "tags",
    [{"route": "ferry"}, {"route": "ferry", "duration": "soon"}, FERRY | {"motor_vehicle": "no"}],
)
def test_a_ferry_without_a_duration_or_for_people_alone_is_never_kept(build, tags):
    assert len(build({}, banks(tags), BANKS, ferries=True).roads) == 1


def test_a_ferry_in_several_sections_takes_its_time_in_all(build, seconds):
    """A pier half way makes two sections of one ferry."""
    nodes = BANKS | {5: (2000, 0), 6: (2000, 500)}
    ways = [([1, 2], STREET), ([2, 5, 3], FERRY), ([3, 4], STREET), ([5, 6], STREET)]
    network = build({}, ways, nodes, ferries=True)
    assert network.wait_s.sum() == pytest.approx(1500, abs=0.2)
    assert seconds(network, (500, 0), (3500, 0)) == pytest.approx(100 + 1500, abs=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15", 900),
        ("0:15", 900),
        ("01:30", 5400),
        ("00:15:30", 930),
        ("26:00", 93_600),
        ("PT1H30M", 5400),
        ("PT45M", 2700),
        ("pt90s", 90),
        ("", None),
        (None, None),
        ("PT", None),
        ("0", None),
        ("15 min", None),
        ("9999:00", None),
        ("٣٠", None),
    ],
)
def test_a_duration_is_read_in_its_spellings(text, expected):
    assert ferry_seconds(text) == expected


# --- places where this cannot work -------------------------------------------------------------


def osm_at(path, places):
    nodes = "".join(
        f'<node id="{i}" version="1" lat="{lat}" lon="{lon}"/>'
        for i, (lon, lat) in enumerate(places, start=1)
    )
    members = "".join(f'<nd ref="{i}"/>' for i in range(1, len(places) + 1))
    tag = '<tag k="highway" v="residential"/>'
    path.write_text(f'<osm version="0.6">{nodes}<way id="1" version="1">{members}{tag}</way></osm>')
    return path


def test_roads_across_the_180th_meridian_are_refused(tmp_path):
    path = osm_at(tmp_path / "fiji.osm", [(179.9, -17), (-179.9, -17)])
    with pytest.raises(NetworkError, match="180th meridian"):
        build_network(path)


def test_polar_roads_need_a_crs(tmp_path):
    path = osm_at(tmp_path / "pole.osm", [(10, 85), (10.1, 85)])
    with pytest.raises(NetworkError, match="no UTM zone"):
        build_network(path)
    assert len(build_network(path, crs="EPSG:3995").roads) == 1


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2263", "nonsense", "EPSG:0"])
def test_a_crs_that_is_not_metric_is_refused(tmp_path, crs):
    with pytest.raises(NetworkError, match="CRS"):
        build_network(osm_at(tmp_path / "a.osm", [(128, 35), (128.1, 35)]), crs=crs)


def test_a_country_whose_limits_are_unknown_is_refused(build):
    with pytest.raises(NetworkError, match=r"country 'XX'.*KR"):
        build({}, country="XX")


def test_one_way_roads_that_lead_nowhere_are_no_network(build):
    with pytest.raises(NetworkError, match="driven to and away from"):
        build({}, [([1, 2], STREET | {"oneway": "yes"})])
