"""Valhalla asked on a file of a few roads, and on the Gyeongnam file where it is here."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import geopandas as gpd
import numpy as np
import osmium
import pytest
import shapely

import technobelt as tb
from hand_region import make_region
from technobelt import valhalla as engine
from technobelt.cli import main
from technobelt.cross_check import cross_check, positions_of
from technobelt.drives import best_drives
from technobelt.errors import MissingFileError, MissingPackageError, NetworkError, OutputError
from technobelt.network.ties import tie_points
from technobelt.travel_time import model_of

#: A primary road of 80 km through three clusters, a trunk road beside its middle, and an island.
NODES = {i: (-10_000 + 2_000 * i, 0) for i in range(41)} | {
    50: (12_000, 3_000),
    51: (20_000, 3_000),
    60: (0, 9_000),
    61: (1_000, 9_000),
}
WAYS = [
    (list(range(41)), {"highway": "primary", "name": "Main"}),
    ([11, 50], {"highway": "primary_link"}),
    ([50, 51], {"highway": "trunk"}),
    ([51, 15], {"highway": "primary_link"}),
    ([60, 61], {"highway": "living_street"}),
]


@pytest.fixture(scope="session")
def roads(tmp_path_factory, write_osm):
    """Return the roads as .osm.pbf."""
    folder = tmp_path_factory.mktemp("osm")
    plain = write_osm(folder / "roads.osm", NODES, WAYS)
    packed = folder / "roads.osm.pbf"
    with osmium.SimpleWriter(str(packed)) as writer:
        for thing in osmium.FileProcessor(str(plain)):
            writer.add(thing)
    return packed


@pytest.fixture(scope="session")
def installed():
    return pytest.importorskip(
        "valhalla", reason="pyvalhalla is not installed (technobelt[valhalla])"
    )


@pytest.fixture(scope="session")
def tiles(roads, installed, tmp_path_factory):
    assert installed
    return engine.build_tiles(roads, tmp_path_factory.mktemp("tiles"))


@pytest.fixture(scope="session")
def gyeongnam_tiles(installed, shared, tmp_path_factory):
    assert installed
    return engine.build_tiles(
        shared / "gyeongnam-2021-08.osm.pbf", tmp_path_factory.mktemp("gyeongnam")
    )


def on_roads(points, **places):
    """Return positions by class: ``primary=(0, 0)``."""
    frame = points(**places).to_crs(4326)
    return frame.assign(**{"class": [name.rstrip("_") for name in places]}).reset_index(drop=True)


# --- without Valhalla ----------------------------------------------------------------------------


def test_without_the_package_it_says_how_to_install_it(roads, monkeypatch):
    monkeypatch.setitem(sys.modules, "valhalla", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'technobelt\[valhalla\]'"):
        engine.build_tiles(roads)


def test_on_the_command_line_too(roads, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "valhalla", None)
    with pytest.raises(SystemExit) as stop:
        main(["check", "--against", "valhalla", "--osm", str(roads)])
    assert stop.value.code == 1
    assert "technobelt[valhalla]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--against", "valhalla"],
        ["--osm", "r.osm.pbf"],
        ["--against", "valhalla", "--osm", "r.osm.pbf", "--as-of", "1999"],
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(options):
    with pytest.raises(SystemExit) as stop:
        main(["check", *options])
    assert stop.value.code == 2


# --- tiles ---------------------------------------------------------------------------------------


def test_tiles_are_built_once_a_file(roads, tiles):
    before = {path: path.stat().st_mtime_ns for path in tiles.rglob("*")}
    assert before
    assert engine.build_tiles(roads, tiles.parent) == tiles
    assert {path: path.stat().st_mtime_ns for path in tiles.rglob("*")} == before
    assert [path.name for path in tiles.parent.iterdir()] == [tiles.name]


def test_files_that_are_none_are_refused(installed, roads, tmp_path):
    assert installed
    with pytest.raises(MissingFileError, match=r"no OSM file .*none\.osm\.pbf"):
        engine.build_tiles(tmp_path / "none.osm.pbf")
    with pytest.raises(NetworkError, match=r"reads \.osm\.pbf, found 'roads\.osm'"):
        engine.build_tiles(roads.with_name("roads.osm"))
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(b"no roads")
    with pytest.raises(NetworkError, match=r"no tiles of 'broken\.osm\.pbf'"):
        engine.build_tiles(broken, tmp_path / "tiles")
    assert not list((tmp_path / "tiles").iterdir())


def test_a_folder_that_cannot_be_is_named(installed, roads, tmp_path):
    assert installed
    (tmp_path / "file").write_text("here")
    with pytest.raises(OutputError, match="Choose another folder"):
        engine.build_tiles(roads, tmp_path / "file" / "tiles")


# --- answers -------------------------------------------------------------------------------------


def test_a_way_is_timed_and_told_by_class(tiles, points):
    """From 10,000 to 24,000 by the trunk road: 2,000 m, two ramps of 3,606 m, 8,000 m, 4,000 m."""
    positions = on_roads(points, primary=(10_000, 0), primary_=(24_000, 0))
    found = engine.ask_valhalla(tiles, positions, [(0, 1), (1, 0)])
    assert len(found.seconds) == 2
    for trip in (0, 1):
        use = found.use[found.use["trip"] == trip].set_index("class")
        assert use["length_m"].sum() == pytest.approx(found.metres[trip], abs=10)
        assert use["drive_s"].sum() <= found.seconds[trip] + 1
        assert use["drive_s"].sum() > 0.9 * found.seconds[trip]
        assert set(use.index) <= {"primary", "primary_link", "trunk"}


def test_a_trip_along_one_road_is_as_long_as_it_is(tiles, points):
    positions = on_roads(points, primary=(-9_000, 0), primary_=(-6_500, 0))
    found = engine.ask_valhalla(tiles, positions, [(0, 1)])
    assert found.metres[0] == pytest.approx(2_500, rel=0.005)
    assert found.use["class"].tolist() == ["primary"]


def test_an_island_has_no_way(tiles, points):
    positions = on_roads(points, primary=(0, 0), living_street=(500, 9_000))
    found = engine.ask_valhalla(tiles, positions, [(0, 1), (1, 0)])
    assert np.isnan(found.seconds).all()
    assert np.isnan(found.metres).all()
    assert found.use.empty


def test_a_place_without_a_road_of_its_class_has_no_way(tiles, points):
    positions = on_roads(points, primary=(0, 0), tertiary=(5_000, 0))
    assert np.isnan(engine.ask_valhalla(tiles, positions, [(0, 1)]).seconds).all()


def test_trips_of_a_hand_drawn_region_are_compared(tmp_path, roads, tiles):
    region = make_region(tmp_path, kph=60.0)
    network = tb.build_network(roads, crs=region.crs)
    check = cross_check(
        region, network, lambda *asked: engine.ask_valhalla(tiles, *asked), engine="valhalla"
    )
    assert check.summary()["no_way_other"] == 0
    assert check.pairs["own_km"].to_numpy() == pytest.approx(check.pairs["other_km"], rel=0.02)
    assert engine.valhalla_name().startswith("valhalla 3.")


def test_the_command_line_adds_it_to_the_json(tmp_path, roads, tiles, capsys):
    make_region(tmp_path, kph=60.0)
    tb.save_network(tb.build_network(roads, crs="EPSG:5179"), tmp_path / "net.parquet")
    command = [
        "check",
        str(tmp_path),
        "--network",
        str(tmp_path / "net.parquet"),
        "--json",
        "--against",
    ]
    command += [
        "valhalla",
        "--osm",
        str(roads),
        "--tiles",
        str(tiles.parent),
        "--pairs",
        str(tmp_path / "pairs.csv"),
    ]
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert not stop.value.code
    told = json.loads(capsys.readouterr().out)
    assert told["claims"][0]["id"] == "ninety"
    assert len(told["cross_check"]["pairs"]) == 6
    assert told["cross_check"]["profile"] == "plain"
    assert (tmp_path / "pairs.csv").is_file()
    with pytest.raises(SystemExit):
        main([one for one in command if one != "--json"])
    assert "difference (there less here): median" in capsys.readouterr().out


def test_on_the_gyeongnam_file_every_pair_has_a_way_of_like_length(gyeongnam, gyeongnam_tiles):
    check = cross_check(
        tb.load_region(),
        gyeongnam,
        lambda *asked: engine.ask_valhalla(gyeongnam_tiles, *asked),
        engine=engine.valhalla_name(),
        profile="free_flow",
    )
    told = check.summary()
    assert (told["no_way_own"], told["no_way_other"]) == (0, 0)
    assert told["pairs_in_classes"] == told["pairs"]
    assert abs(told["median_pct"]) < 15
    lengths = check.pairs["other_km"] / check.pairs["own_km"]
    assert lengths.median() == pytest.approx(1, abs=0.02)
    assert lengths.between(0.85, 1.15).mean() > 0.95
    speeds = check.classes.set_index("class")
    assert speeds.loc["motorway", "own_kph"] == pytest.approx(100)
    assert 90 < speeds.loc["motorway", "other_kph"] < 115


def test_shortest_ways_on_the_gyeongnam_file_are_as_long_as_ours(
    gyeongnam, gyeongnam_tiles, monkeypatch
):
    """Without speeds the roads alone are compared: between two like ones both find the same way."""
    monkeypatch.setattr(engine, "_OPTIONS", {"shortest": True, "disable_hierarchy_pruning": True})
    region = tb.load_region()
    places = tb.facilities(region).loc[["UNI01", "UNI02", "UNI04", "GIC01", "NIC01"]]
    ties = tie_points(gyeongnam, places)
    ends = [int(np.flatnonzero(ties.point == i)[0]) for i in range(len(places))]
    nearest = replace(ties.take(np.array(ends)), access_m=np.zeros(len(ends)))
    trips = [(a, b) for a in range(len(ends)) for b in range(len(ends)) if a != b]
    drives = best_drives(model_of(gyeongnam, "typical", by="length"), nearest, nearest, trips)
    length = gyeongnam.roads["length_m"].to_numpy()[gyeongnam.arc_section]
    ours = [float((drive.share * length[drive.arc]).sum()) for drive in drives]
    found = engine.ask_valhalla(gyeongnam_tiles, positions_of(gyeongnam, nearest), trips)
    assert found.metres == pytest.approx(ours, rel=0.003)


def test_positions_need_not_be_more_than_points_with_a_class(tiles):
    frame = gpd.GeoDataFrame({"class": ["primary"]}, geometry=[shapely.Point(128, 35)], crs=4326)
    assert engine.ask_valhalla(tiles, frame, []).use.columns.tolist() == [
        "trip",
        "class",
        "length_m",
        "drive_s",
    ]
