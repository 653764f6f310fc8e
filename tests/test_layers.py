"""Layers as they are read: our columns, our types, and plain words where a file is not right."""

from __future__ import annotations

import json
import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import technobelt as tb
from hand_region import ENDS, ROAD, make_region
from technobelt.claim_kinds import Selection
from technobelt.errors import (
    ClaimError,
    CRSError,
    GeometryError,
    LayerError,
    MissingColumnError,
    MissingFileError,
    PointError,
)
from technobelt.layers import FACILITIES, find_place, hub_places, select
from technobelt.planning import hub_isochrones
from technobelt.region import LayerFile, built_in_folder
from technobelt.schema import LAYERS


@pytest.fixture(scope="module")
def built_in():
    return tb.load_region()


@pytest.fixture(scope="module")
def places(built_in):
    return tb.facilities(built_in)


@pytest.fixture
def row(tmp_path):
    return make_region(tmp_path)


def with_file(region, name, **said):
    """Return the region with another file for one layer."""
    return region.model_copy(update={"layers": {**region.layers, name: LayerFile(**said)}})


def stretch(**more):
    return {
        "type": "Feature",
        "properties": {"id": 1, "name": "first", "route_no": 10, "source": "s", "licence": "l"}
        | {"confidence": "high"}
        | more,
        "geometry": {"type": "LineString", "coordinates": [[128, 35], [129, 35]]},
    }


def corridor(tmp_path, row, *features):
    text = json.dumps({"type": "FeatureCollection", "features": features})
    (tmp_path / "corridor.geojson").write_text(text, encoding="utf-8")
    return tb.read_layer(with_file(row, "corridor", file="corridor.geojson"), "corridor")


# --- what comes back -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(LAYERS))
def test_a_built_in_layer_has_its_columns_in_its_own_types(built_in, name):
    frame = tb.read_layer(built_in, name)
    for column in LAYERS[name].columns:
        if column.name not in frame or not frame[column.name].notna().any():
            assert not column.required or column.name in frame
        elif column.kind == "text":
            assert frame[column.name].dropna().map(type).eq(str).all(), column.name
        else:
            assert pd.api.types.is_numeric_dtype(frame[column.name]), column.name


def test_the_index_is_the_id(built_in):
    frame = tb.read_layer(built_in, "complexes")
    assert frame.index.tolist() == frame["id"].tolist()
    assert frame.index.name is None


def test_dates_of_geojson_come_back_as_text(tmp_path, row):
    frame = corridor(tmp_path, row, stretch(opened="1973-11-14"), stretch(id=2, opened=None))
    assert frame["opened"].iloc[0] == "1973-11-14"
    assert pd.isna(frame["opened"].iloc[1])


def test_a_date_with_its_time_keeps_it(tmp_path, row):
    frame = corridor(tmp_path, row, stretch(opened="1973-11-14T10:30:00"))
    assert frame["opened"].iloc[0].startswith("1973-11-14T10:30")


def test_a_year_or_a_month_stays_what_it_is(tmp_path, row):
    frame = corridor(tmp_path, row, stretch(opened="1973"), stretch(id=2, opened="1973-11"))
    assert frame["opened"].tolist() == ["1973", "1973-11"]


def test_numbers_in_a_column_of_text_become_text(tmp_path, row):
    frame = corridor(tmp_path, row, stretch(), stretch(id=2, route_no=None))
    assert frame.index.tolist() == ["1", "2"]
    assert frame["route_no"].iloc[0] == "10"
    assert pd.isna(frame["route_no"].iloc[1])


def test_a_layer_read_twice_is_the_same_and_each_is_ones_own(row):
    first = tb.read_layer(row, "centres")
    first["name"] = "changed"
    assert (tb.read_layer(row, "centres")["name"] != "changed").all()


def test_a_file_written_anew_is_read_anew(tmp_path, row):
    before = tb.read_layer(row, "centres")
    before.iloc[:1].reset_index(drop=True).to_parquet(tmp_path / "centres.parquet")
    assert len(tb.read_layer(row, "centres")) == 1


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".fgb", ".parquet"])
def test_every_format_holds_the_same_layer(tmp_path, row, suffix):
    places = tb.read_layer(row, "universities").reset_index(drop=True)
    if suffix == ".parquet":
        places.to_parquet(tmp_path / "u.parquet")
    elif suffix == ".shp":
        places.rename(columns={"existed_1999": "existed"}).to_file(tmp_path / "u.shp")
    else:
        places.to_file(tmp_path / f"u{suffix}")
    columns = {"existed_1999": "existed"} if suffix == ".shp" else {}
    other = tb.read_layer(
        with_file(row, "universities", file=f"u{suffix}", columns=columns), "universities"
    )
    by_id = places.set_index("id").loc[other.index]
    assert other["name"].tolist() == by_id["name"].tolist()
    assert other["existed_1999"].tolist() == by_id["existed_1999"].tolist()
    assert (other.to_crs(5179).distance(by_id.to_crs(5179).geometry) < 0.1).all()


def test_columns_are_mapped_and_layers_of_a_file_are_chosen(tmp_path, row):
    theirs = tb.read_layer(row, "universities").reset_index(drop=True)
    theirs = theirs.rename(columns={"name": "NAME_EN", "id": "CODE"})
    theirs.to_file(tmp_path / "all.gpkg", layer="univ")
    theirs.iloc[:1].to_file(tmp_path / "all.gpkg", layer="other")
    said = {"file": "all.gpkg", "layer": "univ", "columns": {"name": "NAME_EN", "id": "CODE"}}
    frame = tb.read_layer(with_file(row, "universities", **said), "universities")
    assert set(frame["name"]) == {"name of U_east", "name of U_centre", "name of U_west"}
    assert set(frame.index) == {"U_east", "U_centre", "U_west"}


def test_a_file_without_a_crs_takes_the_one_that_is_named(tmp_path, row):
    bare = (
        tb.read_layer(row, "universities").reset_index(drop=True).set_crs(None, allow_override=True)
    )
    bare.to_parquet(tmp_path / "bare.parquet")
    named = with_file(row, "universities", file="bare.parquet", crs="EPSG:5179")
    assert tb.read_layer(named, "universities").crs == "EPSG:5179"
    with pytest.raises(CRSError, match=r"\(bare.parquet\) has no coordinate reference system"):
        tb.read_layer(with_file(row, "universities", file="bare.parquet"), "universities")


# --- what is refused -----------------------------------------------------------------------------


def test_a_missing_file_says_which_where_and_what_to_do(tmp_path, row):
    (tmp_path / "centres.parquet").unlink()
    said = r"layer 'centres' of region 'row': no file 'centres.parquet' in '.*'. Put it there, or"
    with pytest.raises(MissingFileError, match=said):
        tb.read_layer(row, "centres")


def test_a_layer_that_is_not_listed_and_one_that_nobody_knows(row):
    with pytest.raises(
        MissingFileError, match=r"'municipalities' .* is not in region.toml; found: "
    ):
        tb.read_layer(row, "municipalities")
    with pytest.raises(MissingFileError, match=r"'parks' .* is not one of technobelt's layers"):
        tb.read_layer(row, "parks")


def test_a_mapped_column_that_is_not_there(row):
    wrong = with_file(row, "centres", file="centres.parquet", columns={"name": "NAME"})
    with pytest.raises(
        LayerError, match=r"\[layers.centres.columns\] names 'NAME', which .*found: "
    ):
        tb.read_layer(wrong, "centres")


def broken(frame, how):
    if how == "column":
        return frame.drop(columns="kind")
    if how == "empty":
        return frame.iloc[:0]
    if how == "shape":
        return frame.set_geometry(shapely.linestrings([[[0, 0], [1, 1]]] * len(frame)), crs=5179)
    if how == "swapped":
        return frame.set_geometry(shapely.points([[35.2, 128.6]] * len(frame)), crs=4326)
    return frame.assign(id="same")


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ("column", MissingColumnError, "needs column 'kind'; found: "),
        ("empty", LayerError, "is empty"),
        ("shape", GeometryError, "found LineString in row 1"),
        ("swapped", CRSError, "longitude and latitude are exchanged"),
        ("id", LayerError, "has the id 'same' twice"),
    ],
)
def test_a_layer_that_is_not_right_is_told_in_one_line_and_listed(tmp_path, row, how, error, said):
    frame = tb.read_layer(row, "centres").reset_index(drop=True)
    broken(frame, how).to_parquet(tmp_path / "centres.parquet")
    with pytest.raises(error, match=rf"layer 'centres' \(centres.parquet\).*{said}") as told:
        tb.read_layer(row, "centres")
    assert "\n" not in str(told.value)
    table = tb.list_layers(row).set_index("layer")
    assert table.loc["centres", "problem"] == str(told.value)
    assert table.loc["universities", "problem"] == ""


def test_a_damaged_file_and_a_table_without_shapes(tmp_path, row):
    (tmp_path / "bad.gpkg").write_bytes(b"SQLite format 3\x00 and then nothing")
    with pytest.raises(LayerError, match=r"\(bad.gpkg\) cannot be read: .*Save it again") as told:
        tb.read_layer(with_file(row, "centres", file="bad.gpkg"), "centres")
    assert "\n" not in str(told.value)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(LayerError, match=r"\(bad.parquet\) cannot be read"):
        tb.read_layer(with_file(row, "centres", file="bad.parquet"), "centres")
    (tmp_path / "table.csv").write_text("id,name\n1,a\n")
    with pytest.raises(GeometryError, match=r"\(table.csv\) has no geometry. Save it as a layer"):
        tb.read_layer(with_file(row, "centres", file="table.csv"), "centres")


def test_a_layer_that_the_file_does_not_have(tmp_path, row):
    tb.read_layer(row, "centres").reset_index(drop=True).to_file(tmp_path / "a.gpkg", layer="one")
    with pytest.raises(LayerError, match=r"\(a.gpkg\) cannot be read: .*two"):
        tb.read_layer(with_file(row, "centres", file="a.gpkg", layer="two"), "centres")


def test_one_id_in_two_layers_of_places(tmp_path, row):
    shutil.copyfile(tmp_path / "centres.parquet", tmp_path / "complexes.parquet")
    with pytest.raises(LayerError, match=r"the id 'T_east' stands in more than one of the layers"):
        tb.facilities(row)


def test_a_rule_that_asks_for_a_column_that_is_not_there(row):
    rule = Selection(layers=["centres"], where={"colour": ["red"]})
    with pytest.raises(
        LayerError, match=r"asks for column 'colour', which layer 'centres' does not"
    ):
        select(row, rule)


# --- lists and selections ------------------------------------------------------------------------


def test_the_list_has_a_row_for_every_layer_and_for_the_roads(built_in):
    table = tb.list_layers(built_in)
    assert table["layer"].tolist() == [*built_in.layers, "roads"]
    assert set(built_in.layers) == set(LAYERS)
    assert (table["vintage"] != "").all()
    assert (table["confidence"] != "").all()
    west, south, east, north = (table[side] for side in ("west", "south", "east", "north"))
    assert west.between(124, east).all()
    assert south.between(33, north).all()
    assert east.max() < 132
    assert north.max() < 39
    assert (table["rows"] > 0).all()
    assert (table["licence"].iloc[:-1] != "").all()
    files = {path.name for path in built_in_folder().iterdir()}
    assert set(table["file"]) <= files


def test_facilities_are_points_in_degrees_that_know_their_layer(built_in, places):
    assert places.crs == "EPSG:4326"
    assert set(places.geom_type) == {"Point"}
    counts = {name: len(tb.read_layer(built_in, name)) for name in FACILITIES}
    lost = tb.not_located(built_in)["layer"].value_counts()
    assert lost.to_dict() == {"universities": 1, "centres": 1}
    found = places["layer"].value_counts()
    assert found.add(lost, fill_value=0).to_dict() == counts


def unplaced(tmp_path, row, place):
    frame = tb.read_layer(row, "centres").reset_index(drop=True)
    mine = frame["id"] == place
    frame.loc[mine, "confidence"] = "not located"
    frame.loc[mine, "geometry"] = None
    frame.to_parquet(tmp_path / "centres.parquet")
    return tb.read_layer(row, "centres")


def test_a_place_that_is_not_located_is_read_but_stands_nowhere(tmp_path, row):
    centres = unplaced(tmp_path, row, "T_west")
    assert "T_west" in centres.index
    assert "T_west" not in tb.facilities(row).index
    assert tb.located(centres).index.tolist() == ["T_east", "T_centre"]
    assert tb.not_located(row).index.tolist() == ["T_west"]
    line = tb.list_layers(row).set_index("layer").loc["centres"]
    assert line["rows"] == 3
    assert line["confidence"] == "2 high, 1 not located"


def test_a_trip_to_a_place_that_is_not_located_says_so(tmp_path, row, draw):
    centres = unplaced(tmp_path, row, "T_west")
    network = draw(ENDS, ROAD)
    times = tb.travel_times(network, tb.read_layer(row, "universities"), centres)
    lost = times[times["to_id"] == "T_west"]
    assert (lost["status"] == "not_tied").all()
    assert lost["time_min"].isna().all()
    assert (times.loc[times["to_id"] != "T_west", "status"] == "ok").all()


def test_an_area_counts_as_a_point_inside_it(tmp_path, row):
    frame = tb.read_layer(row, "complexes").reset_index(drop=True)
    ring = frame.buffer(500).difference(frame.buffer(400))
    frame.set_geometry(ring).to_parquet(tmp_path / "complexes.parquet")
    found = tb.facilities(row).to_crs(5179).loc[frame["id"]]
    assert found.geometry.within(gpd.GeoSeries(ring.to_numpy(), index=frame["id"], crs=5179)).all()


def test_a_selection_is_the_rows_whose_values_are_listed(built_in):
    rule = Selection(
        layers=["complexes", "centres"],
        where={"existed_1999": ["planned", "yes"], "cluster": ["west"]},
    )
    found = select(built_in, rule)
    for layer in ("complexes", "centres"):
        frame = tb.read_layer(built_in, layer)
        mine = frame[frame["existed_1999"].isin(["planned", "yes"]) & (frame["cluster"] == "west")]
        assert found.index[found["layer"] == layer].tolist() == mine.index.tolist()
    assert len(select(built_in, Selection(layers=["centres"], where={"id": ["none"]}))) == 0


# --- one place -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("UNI04", "UNI04"),
        ("Inje University, Gimhae campus", "UNI04"),
        ("inje university, gimhae", "UNI04"),
        ("인제대학교", "UNI04"),
    ],
)
def test_a_place_is_found_by_id_name_and_part_of_a_name(places, text, found):
    assert find_place(places, text).index.tolist() == [found]


@pytest.mark.parametrize("text", ["128.69,35.24", " 128.69 , 35.24 "])
def test_a_place_may_be_a_pair_of_degrees(places, text):
    place = find_place(places, text)
    assert (place.geometry.x.iloc[0], place.geometry.y.iloc[0]) == (128.69, 35.24)
    assert place.crs == "EPSG:4326"
    assert place.index.tolist() == [text]


def test_a_name_that_fits_several_places_lists_them(places):
    with pytest.raises(
        PointError, match=r"'University' fits \d+ places: UNI01 \(.*\. Give the id\."
    ):
        find_place(places, "University")


def test_a_name_that_nothing_has(places):
    with pytest.raises(PointError, match=r"no place 'Atlantis'\. Give an id, a name or LON,LAT"):
        find_place(places, "Atlantis")
    with pytest.raises(PointError, match="no place"):
        find_place(places.assign(name_1999=None), "none")


def test_latitude_before_longitude_is_asked_about(places):
    with pytest.raises(CRSError, match=r"128.69 is no latitude. Did you mean 128.69,35.24\?"):
        find_place(places, "35.24,128.69")
    with pytest.raises(CRSError, match="LON,LAT in degrees"):
        find_place(places, "1100000,1690000")


def test_nothing_that_is_read_is_changed_by_finding(places):
    before = places.copy(deep=True)
    find_place(places, "UNI04")
    pd.testing.assert_frame_equal(before, places)
    assert np.array_equal(before.index, places.index)


# --- hubs ----------------------------------------------------------------------------------------


def test_hubs_stand_in_the_order_of_the_clusters(row):
    assert hub_places(row).index.tolist() == ["U_east", "U_centre", "U_west"]
    turned = row.model_copy(update={"clusters": dict(reversed(row.clusters.items()))})
    assert hub_places(turned)["cluster"].tolist() == ["west", "centre", "east"]
    assert hub_places(row).crs == "EPSG:4326"


@pytest.mark.parametrize(
    ("hub", "said"),
    [
        ("U_nowhere", "is no facility. Name one by its id; 'technobelt layers places' lists them."),
        ("U_west", "is that of cluster 'centre', but lies in 'west'. Name a place of the cluster."),
        (
            "U_lost",
            "is not located: no source gives its position. Place it, or name another place.",
        ),
    ],
)
def test_a_hub_that_cannot_be_one_is_named(tmp_path, draw, hub, said):
    region = make_region(tmp_path, edit=('hub = "U_centre"', f'hub = "{hub}"'))
    frame = tb.read_layer(region, "universities").reset_index(drop=True)
    lost = frame.iloc[[1]].assign(id="U_lost", name="lost", confidence="not located", geometry=None)
    pd.concat([frame, lost]).to_parquet(tmp_path / "universities.parquet")
    with pytest.raises(ClaimError) as told:
        hub_places(region)
    assert str(told.value) == f"hub '{hub}' of [clusters] {said}"
    with pytest.raises(ClaimError, match=rf"hub '{hub}' of"):
        hub_isochrones(region, draw(ENDS, ROAD), profile="plain", minutes=(30,))
