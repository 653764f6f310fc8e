"""A new region: a file that explains itself and loads, empty layers of the right types, a verdict."""

from __future__ import annotations

import importlib
import json
import tomllib

import geopandas as gpd
import pyogrio
import pytest
import shapely

import technobelt as tb
from hand_region import CLUSTERS, CORNER, ENDS, ROAD, land_cells, make_region
from technobelt.doctor import examine
from technobelt.errors import OutputError, RegionError
from technobelt.network import save_network
from technobelt.new_region import NewRegion, init_region
from technobelt.new_region.likeness import with_tables
from technobelt.region import Region, load_region
from technobelt.schema import LAYERS

command = importlib.import_module("technobelt.cli.init")
EMILIA = NewRegion("Emilia", "emilia", "EPSG:32632", {"nord": "Nord", "sud": "Sud"})


# --- the file ------------------------------------------------------------------------------------


def test_a_new_region_loads_and_is_what_it_was_said_to_be(tmp_path):
    files = init_region(tmp_path / "new", EMILIA)
    region = load_region(tmp_path / "new")
    assert files[0].name == "region.toml"
    assert (region.name, region.id, region.crs) == ("Emilia", "emilia", "EPSG:32632")
    assert {key: one.name for key, one in region.clusters.items()} == EMILIA.clusters
    assert set(region.profiles) == {"free_flow", "typical", "peak"}
    assert {claim.kind for claim in region.claims} == {"travel_time", "composition"}
    assert region.siting


def test_every_table_of_a_region_is_in_the_file_or_its_comments(tmp_path):
    init_region(tmp_path, EMILIA)
    text = (tmp_path / "region.toml").read_text(encoding="utf-8")
    given = tomllib.loads(text)
    for table in set(Region.model_fields) - {"folder", "scenario"}:
        assert table in given or table in given["region"] or table in given["layers"], table
    for key in (
        "alignments",
        "constraints",
        "packs",
        "weight_missing",
        "encoding",
        "compare_dates",
    ):
        assert key in text, key


def test_limits_of_korea_are_placeholders_elsewhere_and_law_in_korea(tmp_path):
    init_region(tmp_path / "it", EMILIA)
    init_region(tmp_path / "kr", NewRegion("Taegu", "taegu", "EPSG:5187"))
    abroad, home = load_region(tmp_path / "it"), load_region(tmp_path / "kr")
    assert abroad.profiles["free_flow"].speed_kph["motorway"].placeholder
    sources = [value.source for one in abroad.profiles.values() for value in one.speed_kph.values()]
    assert not [text for text in sources if "Korea" in text or "Road Traffic" in text]
    assert not home.profiles["free_flow"].speed_kph["motorway"].placeholder
    assert "not measured here" in home.profiles["typical"].speed_kph["primary"].source


@pytest.mark.parametrize(
    "name", ['A "quoted" name', "경북 대구", "two\nlines", "[zones]", "back\\slash", "# no comment"]
)
def test_any_name_makes_a_file_that_loads(tmp_path, name):
    new = NewRegion(name, "x", "EPSG:32632", {"a b": name, "c": "C"})
    init_region(tmp_path, new)
    region = load_region(tmp_path)
    assert region.name == name
    assert region.clusters["a b"].name == name


def test_a_folder_that_has_a_region_is_refused_and_layers_that_are_there_stay(tmp_path):
    (tmp_path / "clusters.gpkg").write_bytes(b"mine")
    init_region(tmp_path, EMILIA)
    assert (tmp_path / "clusters.gpkg").read_bytes() == b"mine"
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OutputError, match=r"has a region.toml already. Nothing was changed"):
        init_region(tmp_path, EMILIA)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_country_is_korea_on_a_belt_of_korea_and_elsewhere_what_one_says(run, tmp_path):
    said = {
        "kr": ("--at", "128.6,35.9"),
        "it": ("--at", "11.3,44.5"),
        "de": ("--at", "11.3,48.5", "--country", "de"),
        "unsaid": (),
    }
    for name, options in said.items():
        assert run("init", tmp_path / name, *options)[0] == 0
    found = {name: load_region(tmp_path / name).country for name in said}
    assert found == {"kr": "KR", "it": "", "de": "DE", "unsaid": ""}


@pytest.mark.parametrize("id_", ["my belt", "", "a/b", "-x", "what?"])
def test_an_id_that_is_no_name_of_a_file_is_refused(run, tmp_path, id_):
    with pytest.raises(RegionError, match="is to name files"):
        init_region(tmp_path, NewRegion("a", id_, "EPSG:32632"))
    assert not list(tmp_path.iterdir())
    assert run("init", tmp_path / "x", "--id", id_)[0] == 2


@pytest.mark.parametrize("crs", ["EPSG:4326", "nonsense", "EPSG:0", "EPSG:3735"])
def test_a_crs_that_will_not_do_leaves_nothing_behind(tmp_path, crs):
    with pytest.raises(RegionError):
        init_region(tmp_path, NewRegion("a", "a", crs))
    assert not list(tmp_path.iterdir())


# --- the layers ----------------------------------------------------------------------------------


OF_1999 = {"name_1999", "existed_1999", "city_1999", "route_1999", "in_1999", "in_2021"}


def test_empty_layers_have_the_columns_that_any_region_may_use_in_their_types(tmp_path):
    init_region(tmp_path, EMILIA)
    kinds = {"text": "object", "integer": "int32", "number": "float64"}
    for name in ("clusters", "complexes", "universities", "centres", "land", "interchanges"):
        info = pyogrio.read_info(tmp_path / f"{name}.gpkg")
        columns = [c for c in LAYERS[name].columns if c.name not in OF_1999 | {"name_ko"}]
        assert info["layer_name"] == name
        assert info["features"] == 0
        assert info["fields"].tolist() == [column.name for column in columns]
        assert [str(kind) for kind in info["dtypes"]] == [kinds[column.kind] for column in columns]
        assert info["geometry_type"] in LAYERS[name].geometry
        assert info["crs"] == "EPSG:32632"


def test_korean_names_have_a_column_in_korea_and_the_facts_of_1999_where_rules_ask_for_them(
    tmp_path,
):
    init_region(tmp_path / "a", NewRegion("Taegu", "taegu", "EPSG:5187"))
    init_region(tmp_path / "b", NewRegion("Mine", "mine", "EPSG:5179"), like=load_region())
    fields = [
        set(pyogrio.read_info(tmp_path / home / "centres.gpkg")["fields"].tolist())
        for home in ("a", "b")
    ]
    assert "name_ko" in fields[0]
    assert not fields[0] & OF_1999
    assert fields[1] == {column.name for column in LAYERS["centres"].columns}


def test_what_is_to_do_is_listed_and_a_plan_says_what_is_missing(run, tmp_path):
    home = tmp_path / "new"
    assert run("init", home, "--at", "11.3,44.5")[0] == 0
    told = examine(load_region(home))
    assert {one.severity for one in told} == {"to-do"}
    assert {one.layer for one in told} == {*load_region(home).layers, "roads"}
    code, out, _ = run("layers", home)
    assert code == 0
    assert "0 errors, 0 warnings, 6 to-dos" in out
    code, _, err = run("plan", home, "--out", home / "out")
    assert code == 1
    assert "clusters, complexes, universities, centres, land, and no roads" in err
    assert err.count("\n") == 1


def test_filled_in_it_gives_a_verdict(run, tmp_path, draw):
    home = tmp_path / "new"
    options = [part for key in CLUSTERS for part in ("--cluster", f"{key}={key.title()}")]
    assert run("init", home, "--crs", "EPSG:5179", *options)[0] == 0
    (tmp_path / "hand").mkdir()
    hand = make_region(tmp_path / "hand")
    for name in ("clusters", "complexes", "universities", "centres", "land"):
        frame = tb.read_layer(hand, name).reset_index(drop=True)
        if name == "universities":
            frame["id"] = [f"{cluster}-hub" for cluster in frame["cluster"]]
        empty = gpd.read_file(home / f"{name}.gpkg")
        frame = frame.reindex(columns=empty.columns)
        gpd.GeoDataFrame(frame, crs=5179).to_file(home / f"{name}.gpkg", layer=name)
    save_network(draw(ENDS, ROAD), home / "roads.parquet")
    assert not [one for one in examine(load_region(home)) if one.severity == "error"]
    code, out, err = run("check", home, "--json")
    assert code == 0, err
    verdicts = {claim["id"]: claim["verdict"] for claim in json.loads(out)["claims"]}
    assert set(verdicts) == {"within-an-hour", "composition"}
    assert verdicts["composition"] == "holds"


def test_examples_in_the_file_are_those_of_the_region(run, tmp_path):
    assert run("init", tmp_path / "ohio", "--at", "-83,40")[0] == 0
    text = (tmp_path / "ohio" / "region.toml").read_text(encoding="utf-8")
    head = text[: text.index("# --- how fast")] if "# --- how fast" in text else text[:6000]
    assert '"EPSG:32617", where the file says none' in head
    assert not [word for word in ("EPSG:5186", "CP949", "KR", "myeon", "1999") if word in head]


# --- like another --------------------------------------------------------------------------------


def test_like_the_built_in_region_has_its_rules_and_empty_layers(tmp_path):
    built_in = load_region()
    init_region(tmp_path, NewRegion("Mine", "mine", built_in.crs), like=built_in)
    region = load_region(tmp_path)
    same = ("clusters", "corridor", "claims", "profiles", "zones", "siting", "uncertainty")
    for key in same:
        assert getattr(region, key) == getattr(built_in, key), key
    assert (region.id, region.limits) == ("mine", [])
    assert list(region.layers) == list(built_in.layers)
    assert {one.severity for one in examine(region)} == {"to-do"}
    text = (tmp_path / "region.toml").read_text(encoding="utf-8")
    assert "# --- claims ---" in text
    assert "# --- the belt ---" in text


def test_with_layers_it_reads_the_same(tmp_path):
    (tmp_path / "hand").mkdir()
    hand = make_region(tmp_path / "hand")
    land_cells().to_parquet(tmp_path / "hand" / "roads.parquet")
    init_region(tmp_path / "copy", NewRegion("C", "c", hand.crs), like=hand, with_layers=True)
    copy = load_region(tmp_path / "copy")
    for name in hand.layers:
        assert tb.read_layer(copy, name).equals(tb.read_layer(hand, name)), name
    assert copy.path("roads").is_file()


def test_a_likeness_leaves_arrays_that_look_like_tables_alone():
    text = '[region]\nid = 1\n[zones]\nx = [\n  [1],\n]\ny = """\n[layers]\n"""\n[layers]\na = 1\n'
    new = with_tables(text, {"region": "[region]\nid = 2", "layers": "[layers]\nb = 2"})
    assert tomllib.loads(new) == {
        "region": {"id": 2},
        "zones": {"x": [[1]], "y": "[layers]\n"},
        "layers": {"b": 2},
    }


# --- questions -----------------------------------------------------------------------------------


def test_without_a_terminal_nothing_is_asked(run, tmp_path, monkeypatch):
    monkeypatch.setattr(command.click, "prompt", lambda *_, **__: pytest.fail("asked"))
    code, out, _ = run("init", tmp_path / "My Region")
    assert code == 0
    assert "The CRS is that of the built-in region" in out
    region = load_region(tmp_path / "My Region")
    assert (region.name, region.id) == ("My Region", "my-region")


def test_on_a_terminal_each_question_but_where_it_is_has_a_default(run, tmp_path, monkeypatch):
    asked = []

    def prompt(what, default=None, **_):
        asked.append((what, default))
        return (11.3, 44.5) if what == place else default

    place = "A place in it, LON,LAT, e.g. 11.3,44.5"
    country = "Country, ISO code, e.g. DE, for its general speed limits; none: return"

    monkeypatch.setattr(command.click, "prompt", prompt)
    monkeypatch.setattr(command, "_on_terminal", lambda: True)
    assert run("init", tmp_path / "emilia")[0] == 0
    assert [what for what, _ in asked] == [
        "Name of the region",
        "Short name, for files",
        place,
        "Metric CRS",
        country,
        "Clusters, ID=NAME, parted by commas",
    ]
    assert [what for what, default in asked if not default] == [place, country]
    assert asked[3][1] == "EPSG:32632"
    assert list(load_region(tmp_path / "emilia").clusters) == ["east", "west"]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--at", "north"),
        ("--at", "35.2,128.6"),
        ("--cluster", "=x"),
        ("--with-layers",),
        ("--country", "XX"),
        ("--like", "built-in", "--cluster", "a"),
    ],
)
def test_options_that_mean_nothing_are_wrong_usage(run, tmp_path, wrong):
    assert run("init", tmp_path / "x", *wrong)[0] == 2
    assert not (tmp_path / "x").exists()


def test_a_second_init_is_refused_before_anything_is_asked(run, tmp_path):
    run("init", tmp_path / "x")
    code, _, err = run("init", tmp_path / "x")
    assert code == 1
    assert "has a region.toml already" in err


def test_shapes_drawn_for_the_layers_may_be_areas(tmp_path):
    init_region(tmp_path, EMILIA)
    frame = gpd.read_file(tmp_path / "complexes.gpkg")
    box = shapely.box(*(CORNER * 0 + [680_000, 4_930_000]), 681_000, 4_931_000)
    frame.loc[0, ["id", "name", "kind", "cluster"]] = ["a", "b", "c", "nord"]
    frame.loc[0, ["source", "licence", "confidence"]] = ["s", "l", "high"]
    frame.set_geometry([box], crs=32632).to_file(tmp_path / "complexes.gpkg", layer="complexes")
    assert tb.read_layer(load_region(tmp_path), "complexes").geometry.iloc[0].equals(box)
