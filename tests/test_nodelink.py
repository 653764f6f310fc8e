"""The Korean standard node-link data, made by hand: a few links in EPSG:5186."""

from __future__ import annotations

import zipfile

import geopandas as gpd
import numpy as np
import pytest
import shapely

from technobelt.cli import main
from technobelt.errors import MissingColumnError, MissingFileError, NetworkError
from technobelt.network import build_network, load_network
from technobelt.network.nodelink import read_nodelink
from technobelt.network.sources import recognise
from technobelt.schema import ROAD_CLASSES

CRS = "EPSG:5186"
EAST, NORTH = 350_000, 280_000
NODES = {"A": (0, 0), "B": (1000, 0), "C": (2000, 0), "D": (1000, 800)}


def link(number, begin, end, rank="103", **said):
    """Describe a link: drawn straight from node to node unless `via` or `off` says otherwise."""
    off = np.asarray(said.pop("off", (0, 0)), float)
    via = said.pop("via", [])
    points = np.array([NODES[begin], *via, NODES[end]], float) + off + [EAST, NORTH]
    return {
        "LINK_ID": number,
        "F_NODE": begin,
        "T_NODE": end,
        "LANES": 2,
        "ROAD_RANK": rank,
        "ROAD_NO": "14",
        "ROAD_NAME": "남해대로",
        "MAX_SPD": 80,
        "LENGTH": 1000.0,
        "geometry": shapely.LineString(points),
    } | said


ROADS = [
    link("1", "A", "B"),
    link("2", "B", "A"),
    link("3", "B", "C", "101", ROAD_NO="10", MAX_SPD=100),
    link("4", "C", "B", "101", ROAD_NO="10", MAX_SPD=100, off=(0, 20)),
    link("5", "B", "D", "107", ROAD_NO="-", MAX_SPD=0),
    link("6", "D", "B", "107", ROAD_NO="-", MAX_SPD=0),
    link("7", "C", "D", "107", ROAD_NO="-", MAX_SPD=0),
    link("8", "D", "C", "107", ROAD_NO="-", MAX_SPD=0),
]


@pytest.fixture
def write(tmp_path):
    """Write the two shapefiles, CP949 without a .cpg, as they are handed out."""

    def make(links=ROADS, nodes=NODES, folder="nodelink", *, prj=True, **shape):
        home = tmp_path / folder
        home.mkdir()
        options = {"encoding": "CP949"} | shape
        frame = gpd.GeoDataFrame(links, geometry="geometry", crs=CRS)
        frame.to_file(home / "MOCT_LINK.shp", **options)
        if nodes:
            places = shapely.points(np.add(list(nodes.values()), [EAST, NORTH]))
            table = {"NODE_ID": list(nodes), "NODE_NAME": ["교차로"] * len(nodes)}
            gpd.GeoDataFrame(table, geometry=places, crs=CRS).to_file(
                home / "MOCT_NODE.shp", **options
            )
        for file in home.iterdir():
            if file.suffix == ".cpg" or (file.suffix == ".prj" and not prj):
                file.unlink()
        return home

    return make


def classes_of(ways):
    return [ROAD_CLASSES[code] for code in ways.road_class]


def test_links_become_roads_with_their_names_limits_and_numbers(write):
    network = build_network(write(), crs="EPSG:5179")
    roads = network.roads.set_index("class")
    assert set(roads.index) == {"primary", "motorway", "tertiary"}
    assert roads.loc["primary", "name"] == "남해대로"
    assert roads.loc["primary", "limit_kph"] == 80
    assert np.isnan(roads.loc["tertiary", "limit_kph"])
    assert roads.loc["tertiary", "ref"] is None
    assert "Land, Infrastructure" in network.info.licence


def test_links_there_and_back_on_one_line_are_one_section_and_others_two(write):
    network = build_network(write(), crs="EPSG:5179")
    counts = network.roads["class"].astype(str).value_counts().to_dict()
    assert counts == {"primary": 1, "motorway": 2, "tertiary": 1}
    assert network.info.report["links_paired"] == 3
    assert network.one_way.sum() == 2


def test_a_way_back_with_another_limit_is_a_road_of_its_own(write):
    links = [ROADS[0], link("2", "B", "A", MAX_SPD=60)]
    assert len(build_network(write(links)).roads) == 2


def test_links_that_part_between_their_nodes_are_two_roads(write):
    links = [ROADS[0], link("2", "B", "A", via=[(500, 300)])]
    assert len(build_network(write(links)).roads) == 2


@pytest.mark.parametrize("kind", ["folder", "file", "zip"])
def test_folder_zip_and_file_are_the_same(write, tmp_path, kind):
    folder = write()
    source = {"folder": folder, "file": folder / "MOCT_LINK.shp", "zip": tmp_path / "nl.zip"}[kind]
    if kind == "zip":
        with zipfile.ZipFile(source, "w") as packed:
            for file in folder.iterdir():
                packed.write(file, f"[2024-01-01]NODELINKDATA/{file.name.lower()}")
    assert recognise(source) == "nodelink"
    assert build_network(source).key == build_network(folder).key


def test_without_a_prj_it_is_epsg_5186(write):
    here, there = build_network(write()), build_network(write(folder="bare", prj=False))
    np.testing.assert_allclose(here.nodes, there.nodes)


def test_a_cpg_is_believed(write):
    folder = write(encoding="UTF-8")
    (folder / "MOCT_LINK.cpg").write_text("UTF-8")
    assert "남해대로" in set(build_network(folder).roads["name"])


@pytest.mark.parametrize(
    ("rank", "expected"),
    [
        ("101", "motorway"),
        ("102", "trunk"),
        ("103", "primary"),
        ("104", "secondary"),
        ("105", "secondary"),
        ("106", "secondary"),
        ("107", "tertiary"),
        ("999", "unclassified"),
        ("", "unclassified"),
        (101, "motorway"),
        (101.0, "motorway"),
    ],
)
def test_ranks_are_classes(write, rank, expected):
    assert classes_of(read_nodelink(write([link("1", "A", "B", rank)]))) == [expected]


@pytest.mark.parametrize(
    ("met", "expected"),
    [("101", "motorway_link"), ("103", "primary_link"), ("108", "unclassified")],
)
def test_a_link_road_is_a_ramp_of_the_highest_road_that_it_meets(write, met, expected):
    links = [link("1", "A", "B", "108"), link("2", "B", "C", met), link("3", "A", "D", "107")]
    if met == "108":
        links = links[:2]
    assert classes_of(read_nodelink(write(links)))[0] == expected


def test_links_meet_by_their_nodes_wherever_they_are_drawn(write):
    links = [ROADS[0], ROADS[1], link("3", "B", "C", off=(3, 3)), link("4", "C", "B", off=(3, 3))]
    network = build_network(write(links))
    assert len(network.roads) == 1


# --- what is wrong with it ---------------------------------------------------------------------


def test_missing_nodes_are_named(write):
    report = build_network(write(nodes={"A": (0, 0), "B": (1000, 0)})).info.report
    assert report["nodes_missing"] == [2, ["C", "D"]]


def test_without_the_file_of_nodes_links_do(write):
    network = build_network(write(nodes={}))
    assert network.info.report["nodes_missing"] == [4, ["MOCT_NODE"]]
    assert len(network.roads) == 4


def test_ids_that_come_twice_are_counted(write):
    report = build_network(write([*ROADS, link("1", "A", "C")])).info.report
    assert report["links_twice"] == 1


def test_ends_far_from_their_node_are_counted(write):
    report = build_network(write(nodes=NODES | {"D": (5000, 5000)})).info.report
    assert report["ends_far_from_nodes"] == 4


def test_links_without_nodes_are_left_out(write):
    report = build_network(write([*ROADS, link("9", "A", "C", T_NODE=None)])).info.report
    assert report["links_left_out"] == 1


def test_a_missing_column_is_named(write):
    links = [{k: v for k, v in one.items() if k != "F_NODE"} for one in ROADS]
    with pytest.raises(MissingColumnError, match=r"needs column 'F_NODE'.*--format lines"):
        build_network(write(links))


def test_columns_that_are_not_needed_may_be_missing(write):
    short = ("LINK_ID", "F_NODE", "T_NODE", "geometry")
    network = build_network(write([{k: one[k] for k in short} for one in ROADS]))
    assert set(network.roads["class"]) == {"unclassified"}


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(NetworkError, match=r"neither MOCT_LINK\.shp"):
        build_network(tmp_path)
    with pytest.raises(MissingFileError):
        build_network(tmp_path / "nowhere.zip")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_zip_broken_off_is_refused(write, tmp_path, share):
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as packed:
        for file in write().iterdir():
            packed.write(file, file.name)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with pytest.raises(NetworkError, match="no zip file"):
        build_network(broken)


def test_a_zip_that_would_fill_the_disk_is_refused(tmp_path):
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("MOCT_LINK.shp", "w") as file,
    ):
        for _ in range(210):
            file.write(bytes(1_000_000))
    with pytest.raises(NetworkError, match=r"would unpack from .* to 210,000,000 bytes"):
        build_network(bomb)


def test_a_zip_of_something_else_is_no_network(tmp_path):
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as packed:
        packed.writestr("readme.txt", "hello")
    with pytest.raises(NetworkError, match="cannot be read as a layer of lines"):
        build_network(other)


def test_the_command_builds_it_and_says_what_it_found(write, tmp_path, capsys):
    out = tmp_path / "roads.parquet"
    with pytest.raises(SystemExit) as done:
        main(["network", "build", str(write()), "--out", str(out), "--date", "2024"])
    assert not done.value.code
    assert "links there and back that became one section: 3" in capsys.readouterr().out
    assert load_network(out).info.date == "2024"
