"""The whole run on the built-in region: every file of the contract, and what stands in it."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio

import technobelt as tb
from hand_region import ENDS, ROAD, make_region
from technobelt.errors import MissingFileError, OutputError
from technobelt.export import Inside
from technobelt.manifest import file_hash
from technobelt.planning import plan
from technobelt.planning.shown import corridor_in_roads, project_layers
from technobelt.zone_rules import Pack
from technobelt.zones import ZONE_COLUMNS, redraw_zones

FILES = (
    *("claims.json", "isochrones.gpkg", "zones.gpkg", "zones.shp", "zones.shx", "zones.dbf"),
    *(
        "zones.prj",
        "zones.cpg",
        "zones.fields.csv",
        "zones.qml",
        "layers.gpkg",
        "map.html",
        "report.html",
    ),
    *("technobelt.qgz", "manifest.json", "LICENCE", "suitability.tif", "suitability.qml"),
)


@pytest.fixture(scope="module")
def done():
    return plan(minutes=(30, 90))


def test_a_plan_does_without_layers_of_places_that_nothing_asks_for(tmp_path, draw):
    region = make_region(tmp_path)
    empty = gpd.read_parquet(region.path("complexes")).iloc[:0]
    empty.to_parquet(region.path("complexes"))
    made = plan(region, draw(ENDS, ROAD), minutes=(30,))
    assert list(made.layers) == ["clusters", "universities", "centres", "land"]
    assert "n_complex" not in made.isochrones
    assert made.write(tmp_path / "out")["map"].is_file()


@pytest.fixture(scope="module")
def tested(done):
    """Return the plan with how firm its zones are."""
    return replace(done, firm=redraw_zones(done.drawn, draws=2))


@pytest.fixture(scope="module")
def tested_folder(tested, tmp_path_factory):
    home = tmp_path_factory.mktemp("tested")
    written = tested.write(home)
    assert written["suitability"] == home / "suitability.tif"
    assert written["robustness"] == home / "robustness.tif"
    return home


@pytest.fixture(scope="module")
def folder(done, tmp_path_factory):
    home = tmp_path_factory.mktemp("plan") / "지도 out"
    done.write(home)
    return home


def test_every_file_of_the_contract_is_there_and_nothing_else(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_claims_json_holds_the_verdicts_of_the_library(folder, done):
    said = json.loads((folder / "claims.json").read_text(encoding="utf-8"))
    assert said == json.loads(json.dumps(done.verdicts.to_dict()))
    assert set(said) == {"region", "as_of", "network", "claims", "comparison"}
    assert [claim["id"] for claim in said["claims"]] == [c.id for c in tb.load_region().claims]
    first = said["claims"][0]
    assert first["kind"] == "travel_time"
    assert first["limit_min"] == 90
    assert first["margin_min"] == pytest.approx(90 - first["observed_min"], abs=0.011)
    assert first["observed_min"] == first["readings"][0]["observed_min"]


def test_the_network_in_claims_json_is_the_file_that_was_read(folder):
    said = json.loads((folder / "claims.json").read_text(encoding="utf-8"))["network"]
    assert said == {
        "file": "roads.parquet",
        "hash": file_hash(tb.load_region().path("roads")),
        "date": "2021-08",
    }


def test_isochrones_reach_at_least_their_own_hub(folder):
    bands = gpd.read_file(folder / "isochrones.gpkg", layer="isochrones")
    hubs = tb.facilities(tb.load_region()).to_crs(bands.crs)
    for row in bands.itertuples():
        assert row.geometry.contains(hubs.loc[row.origin_id].geometry)
        assert row.n_complex + row.n_univ + row.n_centre > 0
        assert 0 <= row.late_in < 0.02
        assert 0 <= row.ok_out < 0.04


def test_merged_land_is_no_smaller_than_any_hubs(folder):
    own = gpd.read_file(folder / "isochrones.gpkg", layer="isochrones")
    merged = gpd.read_file(folder / "isochrones.gpkg", layer="merged").set_index("minutes")
    largest = own.groupby("minutes")["area_km2"].max()
    assert (merged["area_km2"] >= largest * 0.999).all()


def test_shapefile_and_geopackage_hold_the_same_zones(folder):
    shp, gpkg = (
        gpd.read_file(folder / "zones.shp"),
        gpd.read_file(folder / "zones.gpkg", layer="zones"),
    )
    assert max(map(len, shp.columns)) <= 10
    assert shp["zone_id"].tolist() == gpkg["zone_id"].tolist()
    assert shp["area_km2"].tolist() == gpkg["area_km2"].tolist()
    assert shp.crs.to_epsg() == gpkg.crs.to_epsg() == 5179
    assert (folder / "zones.cpg").read_text().strip() == "UTF-8"


@pytest.mark.parametrize("file", ["zones.shp", "zones.gpkg"])
def test_zones_are_valid_and_disjoint_in_every_format(folder, file):
    zones = gpd.read_file(folder / file, layer="zones")
    assert zones.is_valid.all()
    assert zones.area.sum() == pytest.approx(zones.union_all().area)


def test_geopackages_hold_the_styles_of_their_layers(folder):
    import sqlite3
    from contextlib import closing

    def styled(name):
        with closing(sqlite3.connect(folder / name)) as file:
            return {row[0] for row in file.execute("SELECT f_table_name FROM layer_styles")}

    assert styled("zones.gpkg") == {"zones"}
    assert styled("isochrones.gpkg") == {"isochrones", "merged"}
    assert {"clusters", "complexes", "outlines", "corridor", "roads"} <= styled("layers.gpkg")
    assert 'fieldName="name"' in (folder / "zones.qml").read_text(encoding="utf-8")


def test_rasters_have_their_styles_beside_them(tested_folder):
    for name in ("suitability.qml", "robustness.qml"):
        assert "<rasterrenderer" in (tested_folder / name).read_text(encoding="utf-8")


def test_the_project_labels_by_the_columns_of_its_geopackage(done):
    layer = done.layers["universities"]
    shown = {"universities": layer.assign(NAME="other")[["NAME", *layer.columns]]}
    inside = {"universities": Inside("universities", {"NAME": "NAME", "name": "name_2"})}
    layers = project_layers(shown, inside=inside, zones=[], drawn=False)
    assert {one.label for one in layers if one.name == "Universities"} == {"name_2"}


def test_layers_are_all_in_one_geopackage(folder):
    names = set(pyogrio.list_layers(folder / "layers.gpkg")[:, 0])
    assert {"clusters", "complexes", "universities", "centres", "corridor", "roads"} <= names


def test_the_map_the_layers_and_the_project_hold_the_paper_s_other_layers(folder):
    paper = {"growth_poles", "local_plans", "producer_services", "mechanical_industry"}
    names = set(pyogrio.list_layers(folder / "layers.gpkg")[:, 0])
    assert paper | {"provinces", "submunicipalities", "outlines", "positions"} <= names
    page = (folder / "map.html").read_text(encoding="utf-8")
    for name in ("Growth poles", "Local plans", "Producer services", "Mechanical industry"):
        assert f'"{name}"' in page


def groups_of(folder):
    """Groups of the project: their layers, and whether each is switched on."""
    with zipfile.ZipFile(folder / "technobelt.qgz") as archive:
        tree = ET.fromstring(archive.read("technobelt.qgs")).find("layer-tree-group")  # noqa: S314
    return {
        group.get("name"): {
            leaf.get("name"): leaf.get("checked") == "Qt::Checked"
            for leaf in group.iter("layer-tree-layer")
        }
        for group in tree
    }


def test_zones_have_all_their_columns_and_suitability_lies_beside_them(folder, done):
    zones = gpd.read_file(folder / "zones.gpkg", layer="zones")
    assert list(zones.columns) == [*ZONE_COLUMNS, "geometry"]
    assert pyogrio.list_layers(folder / "zones.gpkg")[:, 0].tolist() == ["zones", "layer_styles"]
    with rasterio.open(folder / "suitability.tif") as raster:
        assert raster.descriptions[0] == "suitability"
        score = raster.read(1)
    np.testing.assert_array_equal(score, done.drawn.suitability.score.astype("float32"))
    assert groups_of(folder)["Zones"] == {"Innovation zones": True, "Suitability": False}
    page = (folder / "map.html").read_text(encoding="utf-8")
    assert '"Core and fringe of zones"' not in page


def test_a_plan_that_tested_its_zones_shows_how_firm_they_are(tested_folder, tested):
    files = {path.name for path in tested_folder.iterdir()}
    assert files == {*FILES, "robustness.tif", "robustness.qml"}
    layers = pyogrio.list_layers(tested_folder / "zones.gpkg")[:, 0].tolist()
    assert layers == ["zones", "robustness", "layer_styles"]
    areas = gpd.read_file(tested_folder / "zones.gpkg", layer="robustness")
    assert areas["area_km2"].tolist() == tested.firm.areas["area_km2"].tolist()
    assert set(areas["kind"]) == {"core", "fringe"}
    with rasterio.open(tested_folder / "robustness.tif") as raster:
        shares = raster.read(1)
    assert np.nanmin(shares) > 0
    assert np.nanmax(shares) == 1
    assert groups_of(tested_folder)["Zones"] == {
        "Innovation zones": True,
        "Core and fringe": True,
        "Share of draws": False,
        "Suitability": False,
    }


def test_the_map_of_a_tested_plan_tells_core_fringe_and_draws_and_stays_small(tested_folder):
    page = (tested_folder / "map.html").read_text(encoding="utf-8")
    assert '"Core and fringe of zones"' in page
    assert len(re.findall(r"its land stays in \d+% of draws", page)) == 3
    assert (tested_folder / "map.html").stat().st_size < 6_000_000


def test_the_project_shows_outlines_and_keeps_the_paper_s_layers_for_later(folder):
    groups = groups_of(folder)
    assert groups["The paper"] == {
        "Growth poles": False,
        "Local plans": False,
        "Producer services": False,
        "Mechanical industry": False,
    }
    places = list(groups["Places"])
    assert places.index("Outlines of complexes") > places.index("Industrial complexes")
    assert groups["Places"]["Outlines of complexes"]
    assert not groups["Places"]["Positions compared"]
    assert not groups["Base"]["Provinces"]
    assert not groups["Base"]["Towns and neighbourhoods"]


def test_places_that_stand_nowhere_are_kept_without_a_shape(folder):
    colleges = gpd.read_file(folder / "layers.gpkg", layer="universities").set_index("id")
    assert colleges.loc["VOC02", "geometry"] is None
    assert colleges.loc["VOC02", "confidence"] == "not located"


def test_pages_are_small_and_load_nothing_from_outside(folder):
    for page, limit in (("map.html", 6_000_000), ("report.html", 5_000_000)):
        text = (folder / page).read_text(encoding="utf-8")
        assert (folder / page).stat().st_size < limit
        assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?(https?:)?//", text)
        assert "OpenStreetMap contributors" in text


def test_the_licence_is_in_the_folder(folder):
    text = (folder / "LICENCE").read_text(encoding="utf-8")
    assert "ODbL" in text
    assert "© OpenStreetMap contributors" in text


def test_the_manifest_names_inputs_and_parameters(folder):
    said = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert said["parameters"]["minutes"] == [30, 90]
    assert said["inputs"]["region.toml"] == file_hash(tb.load_region().folder / "region.toml")
    assert set(said["engine"]) <= {"scipy", "hierarchy"}
    assert sum(said["engine"].values()) > 100


def test_no_path_of_this_machine_leaves_it(folder):
    home = os.fsencode(str(tb.load_region().folder.parent))
    for name in FILES:
        assert home not in (folder / name).read_bytes(), name


def test_a_failed_write_replaces_nothing(done, tmp_path, monkeypatch):
    (tmp_path / "claims.json").write_text("old")

    def fails(*_, **__):
        raise OutputError("the disk is full")

    monkeypatch.setattr("technobelt.planning.run.write_map", fails)
    with pytest.raises(OutputError):
        done.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["claims.json"]
    assert (tmp_path / "claims.json").read_text() == "old"


def test_without_a_zone_the_rest_is_written_and_old_zones_go(done, tested, tmp_path):
    """A pack that draws no zone costs nobody the verdicts, and leaves no zones of another run."""
    tested.write(tmp_path)
    (tmp_path / "zones.qix").write_text("an index of old zones", encoding="utf-8")
    (tmp_path / "report.pdf").write_text("an old report", encoding="utf-8")
    (tmp_path / "suitability.qml").write_text("<qgis/>", encoding="utf-8")  # a planner's own
    rules = done.region.zones.model_copy(
        update={
            "packs": {
                "vast": Pack(title="Vast", source="none", site_min_km2=900, site_max_km2=1000)
            }
        }
    )
    region = done.region.model_copy(update={"zones": rules})
    none = replace(
        done, region=region, drawn=tb.delineate_zones(region, done.network, pack="vast"), firm=None
    )
    assert none.zones.empty
    written = none.write(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert not {name for name in left if name.startswith(("zones.", "robustness", "report.pdf"))}
    assert set(FILES) - left == {name for name in FILES if name.startswith("zones.")}
    assert "zones" not in written
    assert (tmp_path / "suitability.qml").read_text(encoding="utf-8") == "<qgis/>"
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "no zones" in report
    assert "at least 900" in report.replace("\xa0", " ")  # which rule is not met, by how much
    with zipfile.ZipFile(tmp_path / "technobelt.qgz") as archive:
        assert "zones.gpkg" not in archive.read("technobelt.qgs").decode()


def test_a_region_without_a_needed_layer_is_refused():
    region = tb.load_region()
    layers = {name: file for name, file in region.layers.items() if name != "land"}
    with pytest.raises(MissingFileError, match=r"no layer 'land', which a plan needs; found: "):
        plan(region.model_copy(update={"layers": layers}))


def test_the_map_has_the_areas_trips_and_verdicts_of_1999_as_a_run_of_1999_has_them(done):
    """What the map switches to is what ``--as-of 1999`` finds."""
    [then] = done.dates  # 2021 is the network's own date
    assert then.as_of == "1999"
    roads = done.network.as_of("1999")
    alone = tb.check_claims(done.region, roads)
    claim, expected = then.verdicts["claims"][0], alone.claims[0]
    assert claim["verdict"] == expected["verdict"]
    assert claim["observed_min"] == pytest.approx(expected["observed_min"], abs=0.01)
    assert claim["margin_min"] == pytest.approx(expected["margin_min"], abs=0.01)
    ends = ["from_id", "to_id"]
    minutes = alone.pairs.set_index(ends)["time_min"]
    assert then.pairs.set_index(ends)["time_min"].to_dict() == pytest.approx(minutes.to_dict())
    hubs = tb.facilities(done.region).loc[done.region.hubs]
    areas = tb.isochrones(roads, hubs, minutes=(30, 90), profile=done.region.profiles["typical"])
    assert then.isochrones["area_km2"].tolist() == pytest.approx(areas["area_km2"].tolist())
    assert {one["id"] for one in then.verdicts["claims"]} == {
        one["id"] for one in done.verdicts.claims
    }


def test_the_map_tells_the_trips_that_speak_against_the_claim_in_1999(done):
    [then] = done.dates
    worst = then.pairs.sort_values("time_min").iloc[-1]
    first = then.verdicts["claims"][0]["counterexamples"][0]
    assert {first["from"], first["to"]} == {worst["from_id"], worst["to_id"]}
    assert first["time_min"] == pytest.approx(worst["time_min"], abs=0.01)
    assert len(then.routes) == 10
    assert (then.routes["time_min"] > 90).all()
    km = then.routes.geometry.to_crs(done.region.crs).length / 1000
    assert (km / then.routes["length_km"]).between(0.9, 1.0).all()


def test_every_two_places_have_one_way_that_is_as_long_as_the_longer_trip(done):
    ways = done.ways[done.ways.geometry.notna()]
    assert len(ways) == len(done.ways) / 2
    km = ways.geometry.to_crs(done.region.crs).length / 1000
    assert (km / ways["length_km"]).between(0.9, 1.0).all()  # generalised by 50 m
    back = done.ways.set_index(["from_id", "to_id"])["time_min"]
    for row in ways.itertuples():
        assert row.time_min >= back[row.to_id, row.from_id]


def test_on_the_roads_of_a_date_the_map_has_no_other():
    assert plan(minutes=(15,), as_of="1999").dates == []


def test_a_region_without_a_layer_of_the_corridor_shows_it_as_it_runs_in_the_roads(done):
    line = corridor_in_roads(done.region, done.network, done.layers["clusters"])
    assert line["route_no"].tolist() == ["10"]
    assert (line["name"] == done.region.corridor.name).all()
    layer = done.layers["corridor"].to_crs(line.crs)
    route = layer[layer["route_no"] == "10"].union_all()
    beside = line.union_all().difference(route.buffer(200)).length
    assert beside < 0.02 * line.length.sum()
    elsewhere = done.region.corridor.model_copy(update={"routes": ["9999"], "alignments": []})
    other = done.region.model_copy(update={"corridor": elsewhere})
    assert corridor_in_roads(other, done.network, done.layers["clusters"]) is None


def test_the_map_is_a_folium_map(done):
    import folium

    assert isinstance(done.web_map(), folium.Map)
