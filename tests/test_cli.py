"""The command line: what is printed, what is written, exit codes, one-line errors."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio

import technobelt as tb
from hand_region import ENDS, ROAD, make_region
from technobelt.network import NetworkInfo, network_from_roads, save_network


def refused(outcome, *words):
    """An error is one line on stderr, nothing on stdout, exit code 1."""
    code, out, err = outcome
    assert code == 1, err
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("Error: ")
    assert "Traceback" not in err
    assert "fault of technobelt" not in err
    for word in words:
        assert word in err


@pytest.fixture
def region(tmp_path):
    home = tmp_path / "region"
    shutil.copytree(tb.load_region().folder, home)
    return home


def edit(folder, old, new):
    file = folder / "region.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_help_names_every_command(run):
    code, out, _ = run("--help")
    assert code == 0
    for command in [
        "calibrate",
        "check",
        "export",
        "isochrone",
        "layers",
        "map",
        "matrix",
        "network",
        "plan",
        "route",
        "siting",
        "zones",
    ]:
        assert f"\n  {command} " in out


def test_help_imports_nothing_heavy():
    code = (
        "import sys, technobelt.cli\n"
        "heavy = {'numpy', 'pandas', 'geopandas', 'folium', 'osmnx', 'rasterio', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_version(run):
    assert run("--version")[1].strip() == f"technobelt, version {tb.__version__}"


def test_wrong_usage_exits_2(run):
    assert run("check", "--no-such-option")[0] == 2
    assert run("isochrone", "UNI02", "--minutes", "soon")[0] == 2


def test_check_prints_verdicts_and_exits_0_whatever_they_are(run):
    code, out, _ = run("check")
    assert code == 0
    assert out.startswith("UNDECIDED  ninety-minutes\n")
    assert "FAILS      province-area" in out


def test_check_json_is_what_the_library_says(run):
    code, out, _ = run("check", "--json")
    region = tb.load_region()
    verdicts = tb.check_claims(region, tb.load_network(region))
    assert code == 0
    assert json.loads(out) == json.loads(json.dumps(verdicts.to_dict()))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_pairs_are_written_for_a_table(run, tmp_path, suffix):
    out = tmp_path / f"pairs{suffix}"
    assert run("check", "--pairs", out)[0] == 0
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".xlsx": pd.read_excel}[suffix]
    pairs = read(out)
    known = json.loads(run("check", "--json")[1])["claims"][0]
    assert len(pairs) == known["pairs"]
    assert (pairs["time_min"] > 90).sum() == known["pairs_over"]
    assert {"corr_min", "corr_share", "status"} <= set(pairs)


def test_routes_are_written_as_a_layer_and_other_suffixes_refused(run, tmp_path):
    out = tmp_path / "routes.gpkg"
    assert run("check", "--routes", out)[0] == 0
    ways = gpd.read_file(out)
    assert len(ways) > 0
    assert ways.geom_type.str.contains("LineString").all()
    refused(run("check", "--pairs", tmp_path / "p.txt"), ".csv, .parquet or .xlsx")


def test_draws_are_repeated_by_their_seed(run):
    first, again = (run("check", "--draws", "4", "--seed", "7", "--json")[1] for _ in range(2))
    assert first == again
    drawn = json.loads(first)["claims"][0]["draws"]
    assert (drawn["n"], drawn["seed"]) == (4, 7)


def test_members_have_a_date_of_their_own(run):
    now, later = (
        json.loads(run("check", "--json", *more)[1])["claims"][0]
        for more in ((), ("--members-as-of", "2021"))
    )
    assert later["places"] > now["places"]
    assert any("opened by 2021" in note for note in later["notes"])


def test_fail_on_exits_3(run):
    assert run("check", "--fail-on", "fails")[0] == 3


def test_as_of_changes_roads_and_is_said(run):
    code, out, _ = run("check", "--as-of", "1999", "--json")
    said = json.loads(out)
    now = json.loads(run("check", "--json")[1])
    assert code == 0
    assert said["as_of"] == "1999"
    assert said["claims"][0]["observed_min"] > now["claims"][0]["observed_min"]


def test_isochrone_writes_bands_and_a_raster(run, tmp_path):
    out, raster = tmp_path / "bands.gpkg", tmp_path / "minutes.tif"
    code, said, _ = run(
        *("isochrone", "UNI02", "128.9025,35.249", "--minutes", "10,20"),
        *("--out", out, "--raster", raster),
    )
    assert code == 0
    assert str(out) in said
    bands = gpd.read_file(out, layer="isochrones")
    assert bands["origin_id"].tolist() == ["UNI02", "128.9025,35.249"] * 2
    with rasterio.open(raster) as minutes:
        assert minutes.crs.to_epsg() == 5179
        assert float(pd.Series(minutes.read(1).ravel()).max()) <= 20


def test_toward_differs_from_from(run, tmp_path):
    for name, flag in (("from", ()), ("toward", ("--toward",))):
        run("isochrone", "UNI02", "--minutes", "15", "--out", tmp_path / f"{name}.gpkg", *flag)
    areas = [
        gpd.read_file(tmp_path / f"{n}.gpkg", layer="isochrones")["area_km2"][0]
        for n in ("from", "toward")
    ]
    assert areas[0] != areas[1]


def test_matrix_of_layers_as_csv(run, tmp_path):
    out = tmp_path / "times.csv"
    code, _, _ = run("matrix", "--from", "universities", "--to", "UNI02", "--out", out)
    table = pd.read_csv(out)
    assert code == 0
    assert len(table) == len(tb.located(tb.read_layer(tb.load_region(), "universities")))
    assert list(table) == ["from_id", "to_id", "time_min", "length_km", "status"]


def test_matrix_knows_its_formats(run, tmp_path):
    refused(run("matrix", "--out", tmp_path / "times.doc"), ".csv, .parquet or .xlsx", "times.doc")
    assert not list(tmp_path.iterdir())


def test_route_adds_up(run):
    code, out, _ = run("route", "UNI01", "UNI02")
    assert code == 0
    assert "access" in out
    assert out.strip().endswith("min")


def test_places_go_by_korean_names(run):
    code, out, _ = run("matrix", "--from", "국립창원대학교", "--to", "UNI01")
    assert code == 0
    assert "UNI02" in out


def test_layers_lists_what_there_is(run):
    code, out, _ = run("layers", "--json")
    rows = {row["layer"]: row for row in json.loads(out)}
    assert code == 0
    assert rows["clusters"]["rows"] == 3
    assert all(row["problem"] == "" for row in rows.values())


def test_layers_tells_extent_vintage_confidence_and_licence(run):
    code, out, err = run("layers")
    assert (code, err) == (0, "")
    line = next(line for line in out.splitlines() if line.startswith("universities"))
    for part in ("17", "Point", "EPSG:4326", "128.09 34.95 129.15 35.43", "9 high, 2 medium"):
        assert part in line
    assert "KOGL type 1, Statistics Korea SGIS 2018: clusters, provinces" in out
    assert "ERROR" not in out
    assert out.splitlines()[-1].startswith("0 errors, 2 warnings")


def test_layers_tells_a_problem_in_full(run, region):
    (region / "outlines.geojson").write_text("{}", encoding="utf-8")
    code, out, _ = run("layers", region)
    assert code == 1
    assert "ERROR    outlines: layer 'outlines' (outlines.geojson) cannot be read" in out


def test_layers_as_json_has_no_nan(run, region):
    (region / "outlines.geojson").write_text("{}", encoding="utf-8")
    rows = {row["layer"]: row for row in json.loads(run("layers", region, "--json")[1])}
    assert rows["outlines"]["west"] is None
    assert rows["outlines"]["problem"]
    assert 127 < rows["complexes"]["west"] < rows["complexes"]["east"] < 130
    assert rows["population"]["vintage"] == "people 2010, streets 2021-08"


def test_kilometres_by_evidence_are_printed_and_given_as_json(run):
    code, out, _ = run("network", "dates")
    assert code == 0
    assert out.splitlines()[1].startswith("motorway 10 ")
    rows = {row["route"]: row for row in json.loads(run("network", "dates", "--json")[1])}
    assert rows["motorway 102"]["first"] == "1973-11-14"
    assert rows["other roads"]["first"] is None


def test_a_place_that_nobody_can_place_is_listed_and_refused_as_an_end(run):
    assert "VOC02" in run("layers", "places")[1]
    refused(run("route", "VOC02", "UNI02"), "'VOC02' is not located", "Give LON,LAT")
    refused(run("route", "Hanbaek Vocational School", "UNI02"), "School' is not located")


def test_pictures_of_layers_are_drawn(run, tmp_path):
    code, out, _ = run("layers", "draw", "clusters", "outlines", "--out", tmp_path / "p")
    assert code == 0
    files = sorted(path.name for path in (tmp_path / "p").iterdir())
    assert files == ["clusters.png", "outlines.png"]
    assert out.split() == [str(tmp_path / "p" / name) for name in files]
    refused(run("layers", "draw", "parks", "--out", tmp_path / "p"), "parks", "clusters")


def test_export_writes_cp949_on_request(run, tmp_path):
    out = tmp_path / "complexes.shp"
    code, _, _ = run("export", "complexes", "--out", out, "--encoding", "CP949")
    assert code == 0
    assert out.with_suffix(".cpg").read_text().strip() == "949"
    assert "창원국가산업단지" in gpd.read_file(out)["name_ko"].tolist()


def test_one_layer_is_exported_with_its_style_and_licence(run, tmp_path):
    code, out, err = run(
        "export", "outlines", "--out", tmp_path / "o.geojson", "--crs", "EPSG:5186"
    )
    assert code == 0
    assert out == f"{tmp_path / 'o.geojson'}: 20 rows\n"
    assert "Note: o.geojson: longitude and latitude (WGS 84) instead of EPSG:5186" in err
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["o.geojson", "o.geojson.LICENCE.txt", "o.qml"]


def test_named_layers_go_into_one_geopackage_with_their_styles(run, tmp_path):
    file = tmp_path / "some.gpkg"
    code, out, _ = run("export", "clusters", "centres", "--out", file)
    assert (code, out) == (0, f"{file}: clusters: 3 rows\n{file}: centres: 22 rows\n")
    layers = pyogrio.list_layers(file)[:, 0].tolist()
    assert layers == ["clusters", "centres", "layer_styles"]


def test_all_layers_go_into_a_folder(run, draw, tmp_path):
    (tmp_path / "row").mkdir()
    make_region(tmp_path / "row")
    roads = draw(ENDS, ROAD)
    save_network(roads, tmp_path / "row" / "roads.parquet")
    code, out, err = run(
        "export", "--region", tmp_path / "row", "--out", tmp_path / "d", "--format", "shp"
    )
    assert code == 0
    assert f"{tmp_path / 'd' / 'roads.shp'}: " in out
    assert (tmp_path / "d" / "clusters.qml").is_file()
    assert (tmp_path / "d" / "LICENCE").is_file()
    assert f"in another form: {tmp_path / 'd' / 'NOTES.txt'}" in err


def test_a_folder_without_a_format_is_a_package_for_qgis(run, tmp_path):
    assert run("export", "clusters", "complexes", "--out", tmp_path / "belt")[0] == 0
    names = sorted(path.name for path in (tmp_path / "belt").iterdir())
    assert names == ["LICENCE", "NOTES.txt", "layers.gpkg", "technobelt.qgz"]


def test_an_export_that_cannot_be_meant_is_refused_with_what_can(run, tmp_path):
    code, _, err = run("export", "--out", tmp_path / "all.shp")
    assert code == 2
    assert "all layers do not go into one .shp" in err
    assert "all.gpkg" in err
    code, _, err = run("export", "clusters", "--out", tmp_path / "a.shp", "--format", "shp")
    assert (code, "--format is for a folder" in err) == (2, True)
    code, _, err = run("export", "clusters", "--out", tmp_path / "a.fgb", "--encoding", "CP949")
    assert (code, "--encoding is for shapefiles" in err) == (2, True)
    refused(run("export", "parks", "--out", tmp_path / "a.shp"), "'parks'", "clusters")
    refused(run("export", "clusters", "--out", tmp_path / "a.shp", "--crs", "EPSG:0"), "EPSG:5179")
    assert not list(tmp_path.iterdir())


def test_a_raster_of_travel_times_has_a_style_and_a_licence(run, tmp_path):
    raster = tmp_path / "t.tif"
    where = ["--minutes", "10", "--out", tmp_path / "b.gpkg", "--raster", raster]
    assert run("isochrone", "UNI02", *where)[0] == 0
    with rasterio.open(raster) as file:
        assert (file.descriptions, file.units) == (("time_min",), ("min",))
        assert np.isnan(file.nodata)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        minutes = file.read(1)
    assert 0 < np.nanmin(minutes) < np.nanmax(minutes) <= 10
    assert {"t.qml", "t.tif.LICENCE.txt"} <= {path.name for path in tmp_path.iterdir()}
    refused(run("isochrone", "UNI02", "--raster", tmp_path / "t.png"), ".tif", "'t.png'")


def test_network_info_lists_what_was_cut(run):
    code, out, _ = run("network", "info", "--json")
    said = json.loads(out)
    assert code == 0
    assert len(said["report"]["service_roads_cut"]) > 0
    assert said["licence"].startswith("ODbL 1.0, © OpenStreetMap contributors")


@pytest.fixture(scope="module")
def few_roads(tmp_path_factory):
    """Save a network of some of the built-in roads."""
    roads = tb.load_network(tb.load_region()).roads
    some = roads[roads["ref"] == "102"].reset_index(drop=True)
    file = tmp_path_factory.mktemp("roads") / "few.parquet"
    save_network(network_from_roads(some, NetworkInfo(file="few", licence="ODbL 1.0")), file)
    return file


@pytest.mark.parametrize(
    "command", [("info", "--json"), ("info",), ("dates",), ("dates", "--json")]
)
def test_a_network_is_named_by_its_file_or_as_everywhere(run, few_roads, command):
    by_file = run("network", *command, few_roads)
    by_option = run("network", *command, "--network", few_roads)
    assert by_file == by_option
    assert by_file[0] == 0
    assert by_file != run("network", *command)


def test_a_named_network_is_exported(run, few_roads, tmp_path):
    out = tmp_path / "few.gpkg"
    assert run("network", "export", "--network", few_roads, "--out", out)[0] == 0
    assert set(gpd.read_file(out, layer="roads")["ref"]) == {"102"}


@pytest.mark.parametrize("command", ["info", "dates", "export"])
def test_a_network_is_not_named_twice(run, few_roads, tmp_path, command):
    out = ["--out", tmp_path / "a.gpkg"] if command == "export" else []
    code, _, err = run("network", command, few_roads, "--network", few_roads, *out)
    assert code == 2
    assert "FILE and --network both name a network" in err


def test_faults_are_one_line_and_exit_1(run, tmp_path):
    refused(run("layers", tmp_path), "no region.toml in", "Name the folder")
    refused(
        run("check", "--network", tmp_path / "none.parquet"), "no network file", "network build"
    )
    refused(run("check", "--as-of", "2030"), "2021-08", "Choose")
    refused(run("check", "--as-of", "yesterday"), "'yesterday' is no date", "Write 1999")
    refused(run("check", "--profile", "night"), "night", "free_flow")
    refused(run("isochrone", "NOWHERE"), "no place 'NOWHERE'", "technobelt layers")
    refused(run("isochrone", "35.2,128.6"), "LON,LAT", "128.6,35.2")
    refused(run("isochrone", "128.9,34.5", "--out", tmp_path / "a.gpkg"), "1000 m of a road")
    refused(run("isochrone", "127.0,33.0", "--out", tmp_path / "a.gpkg"), "max_access_m")
    refused(run("export", "clusters", "--out", tmp_path / "a.dwg"), ".dwg")
    assert not list(tmp_path.iterdir())


def test_a_broken_off_pbf_is_refused(run, tmp_path):
    (tmp_path / "cut.osm.pbf").write_bytes(b"\x00\x00\x00\x0d\x0a\x09OSMHeader\x18\x7c\x10\x78")
    refused(
        run("network", "build", tmp_path / "cut.osm.pbf", "--out", tmp_path / "roads.parquet"),
        "cut.osm.pbf",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["cut.osm.pbf"]


def test_a_wrong_key_is_refused_with_its_line(run, region):
    edit(region, "part_min_km2 =", "part_min =")
    refused(run("check", region), "region.toml line", "part_min")


def test_a_missing_layer_is_refused(run, region):
    (region / "complexes.geojson").unlink()
    refused(run("plan", region, "--out", region / "out"), "complexes.geojson", "region.toml")
    assert not (region / "out").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="kind"), ["needs column 'kind'; found: "]),
        (lambda f: f.iloc[:0], ["is empty"]),
        (
            lambda f: f.set_geometry(gpd.points_from_xy(f.geometry.y, f.geometry.x), crs=f.crs),
            ["longitude and latitude are exchanged"],
        ),
    ],
    ids=["a column", "every row", "the axes"],
)
def test_a_layer_without_what_it_needs_is_refused(run, region, change, words):
    frame = gpd.read_file(region / "complexes.geojson")
    change(frame).to_parquet(region / "complexes.parquet")
    edit(region, "complexes.geojson", "complexes.parquet")
    refused(run("plan", region, "--out", region / "out"), "layer 'complexes'", *words)
    assert not (region / "out").exists()


def test_a_layer_without_crs_is_refused(run, region):
    frame = gpd.read_file(region / "complexes.geojson").set_crs(None, allow_override=True)
    frame.to_parquet(region / "complexes.parquet")
    edit(region, "complexes.geojson", "complexes.parquet")
    refused(run("check", region), "no coordinate reference system", "crs =")


def test_an_output_folder_that_is_a_file_is_refused(run, tmp_path):
    (tmp_path / "taken").write_text("mine")
    refused(run("zones", "--out", tmp_path / "taken" / "zones.shp"), "taken")
    assert (tmp_path / "taken").read_text() == "mine"


# --- zones ---------------------------------------------------------------------------------------


def test_zones_tell_areas_as_exact_as_caps_and_cores_beside_real_ones(run, tmp_path):
    code, out, _ = run("zones", "--pack", "kr-small-rnd-zone", "--out", tmp_path / "z.gpkg")
    assert code == 0
    written = gpd.read_file(tmp_path / "z.gpkg", layer="zones")
    assert (written["area_km2"] <= 2).all()
    for row in written.itertuples():
        assert row.zone_id in out
        assert f"{row.area_km2:.3f}" in out
    assert "Cores chosen, and those of zones that were really designated:" in out
    assert out.rstrip().endswith("z.gpkg")
    assert (tmp_path / "z.gpkg.LICENCE.txt").is_file()


def test_zones_say_which_rule_is_not_met(run, tmp_path):
    pack = "kr-national-innovation-cluster"
    code, out, _ = run("zones", "--pack", pack, "--out", tmp_path / "z.geojson")
    assert code == 0
    assert (
        "Not met: west: rule radius_km is not met: needed all sites of the one zone within" in out
    )


def test_the_score_of_a_place_is_told_by_factor(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("zones", "--at", "UNI04")
    assert code == 0
    assert list(tmp_path.iterdir()) == []  # nothing is written
    for factor in tb.load_region().zones.factors:
        assert f"\n{factor} " in out
    assert "cluster east, score 0." in out
    code, said, _ = run("zones", "--at", "UNI04", "--json")
    cell = json.loads(said)
    assert sum(one["score"] * one["weight"] for one in cell["factors"]) == pytest.approx(cell["score"], abs=1e-3)  # fmt: skip
    refused(run("zones", "--at", "127.0,37.5"), "lies on no land of a cluster")
    code, out, _ = run("zones", "--at", "128.53,35.21")  # on Muhaksan
    assert code == 0
    assert "No zone may take it: wood on relief." in out


def test_the_score_of_a_place_that_only_a_scenario_has_is_told(run, tmp_path):
    edit = """[[edits]]
id = "new"
do = "add_facility"
layer = "centres"
facility = "TIC99"
name = "A new centre"
kind = "technology_innovation_centre"
cluster = "west"
to = [128.1, 35.2]
columns = { existed_1999 = "yes", opened_year = 1999 }
"""
    (tmp_path / "new.toml").write_text(edit, encoding="utf-8")
    code, out, _ = run("zones", "--scenario", tmp_path / "new.toml", "--at", "TIC99")
    assert code == 0
    assert "cluster west, score 0." in out


def test_draws_of_zones_are_told_and_written(run, tmp_path):
    out = tmp_path / "z.gpkg"
    more = ["--robustness", tmp_path / "r.tif", "--suitability", tmp_path / "s.tif"]
    code, said, _ = run("zones", "--pack", "kr-small-rnd-zone", "--draws", 2, "--out", out, *more)
    assert code == 0
    assert "In 2 draws of weights and speeds:" in said
    assert "core of west: " in said
    kinds = set(gpd.read_file(out, layer="robustness")["kind"])
    assert kinds == {"core", "fringe"}
    for name in ("r.tif", "s.tif"):
        with rasterio.open(tmp_path / name) as raster:
            assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (tmp_path / f"{name}.LICENCE.txt").is_file()
    assert run("zones", "--robustness", "r.tif")[0] == 2


def test_zones_of_two_dates_say_what_was_gained(run, tmp_path):
    changes = tmp_path / "changes.gpkg"
    dates = ["--as-of", "1999", "--as-of", "2021"]
    code, out, _ = run("zones", *dates, "--out", tmp_path / "z.shp", "--changes", changes)
    assert code == 0
    assert "1999: 3 zones, " in out
    assert "gained" in set(gpd.read_file(changes)["change"])
    assert run("zones", "--changes", changes)[0] == 2


def test_packs_are_listed_with_sources_and_what_is_assumed(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("zones", "--list-packs")
    assert code == 0
    for words in ("uk-tax-sites", "CP 315", "Assumed, not in the source: per.", "sites_max = 3"):
        assert words in out
    assert list(tmp_path.iterdir()) == []


def test_zones_that_cannot_be_drawn_are_an_error_that_says_why(run, tmp_path):
    out = tmp_path / "z.shp"
    refused(run("zones", "--pack", "mine", "--out", out), "no rule pack 'mine'", "uk-tax-sites")
    refused(run("zones", "--cell-m", 1, "--out", out), "million", "Take 50 m or more")
    snapped = ["--pack", "kr-small-rnd-zone", "--snap", "submunicipalities"]
    refused(run("zones", *snapped, "--out", out), "rule snap is not met", "Closest: ")
    assert not out.exists()
