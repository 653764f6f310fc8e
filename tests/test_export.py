"""Files that arrive: every format is read back and compared with what was handed in."""

from __future__ import annotations

import csv
import datetime as dt
import math
import string

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import technobelt as tb
from technobelt.errors import CRSError, GeometryError, LayerError, OutputError
from technobelt.export import (
    export_shapefile,
    write_desktop,
    write_geopackage,
    write_layer,
    write_layers,
    write_licence,
)
from technobelt.export import shapefile as shapefile_module
from technobelt.export.dbf import TEXT_BYTES, _stand_in
from technobelt.export.fields import short_names
from technobelt.export.looks import look_of

SQUARE = shapely.box(1_000_000, 1_700_000, 1_001_000, 1_701_000)
COMPANIONS = {".shp", ".shx", ".dbf", ".prj", ".cpg", ".fields.csv"}


def points(rows=3, /, **columns):
    shapes = [shapely.Point(1_000_000 + i, 1_700_000) for i in range(rows)]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=5179)


def zones():
    hole = shapely.box(1_000_200, 1_700_200, 1_000_400, 1_700_400)
    far = shapely.box(1_002_000, 1_700_000, 1_003_000, 1_700_500)
    return gpd.GeoDataFrame(
        {
            "zone_id": ["E", "W"],
            "name": ["동부 '혁신' 지구", 'west "zone"\nsecond line'],
            "area_km2": [1.46, math.nan],
            "complexes": [3, 0],
            "universities": pd.array([2, None], dtype="Int64"),
        },
        geometry=[shapely.MultiPolygon([SQUARE - hole, far]), SQUARE],
        crs=5179,
    )


def read(path):
    return pyogrio.read_arrow(path)[1].to_pydict()


def dictionary(shp):
    text = shp.with_suffix(".fields.csv").read_text(encoding="utf-8-sig")
    return {row["field"]: row for row in csv.DictReader(text.splitlines())}


# --- shapefile: what arrives ---------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["UTF-8", "CP949"])
def test_korean_text_and_names_come_back_in_both_encodings(tmp_path, encoding):
    shp = export_shapefile(
        points(2, 이름=["창원시", "김해"]), tmp_path / "a.shp", encoding=encoding
    )
    assert read(shp)["이름"] == ["창원시", "김해"]


def test_all_companions_are_written_and_nothing_else(tmp_path):
    export_shapefile(zones(), tmp_path / "zones.shp")
    assert {file.name.removeprefix("zones") for file in tmp_path.iterdir()} == COMPANIONS


def test_code_pages_are_named_for_esri(tmp_path):
    utf8 = export_shapefile(points(1, a=[1]), tmp_path / "u.shp")
    korean = export_shapefile(points(1, a=[1]), tmp_path / "k.shp", encoding="CP949")
    assert utf8.with_suffix(".cpg").read_text() == "UTF-8"
    assert korean.with_suffix(".cpg").read_text() == "949"
    assert korean.with_suffix(".dbf").read_bytes()[29] == 0x4E


def test_holes_parts_and_crs_survive(tmp_path):
    shp = export_shapefile(zones(), tmp_path / "zones.shp")
    back = gpd.read_file(shp)
    assert back.geometry.area.tolist() == zones().geometry.area.tolist()
    assert back.crs.to_epsg() == 5179 or back.crs.name == "KGD2002_Unified_Coordinate_System"
    assert shp.with_suffix(".prj").read_text().startswith('PROJCS["KGD2002')


def test_it_can_be_written_in_another_crs(tmp_path):
    shp = export_shapefile(zones(), tmp_path / "zones.shp", crs=4326)
    assert gpd.read_file(shp).total_bounds == pytest.approx(zones().to_crs(4326).total_bounds)


def test_outer_rings_run_clockwise_as_the_format_wants(tmp_path):
    shp = export_shapefile(zones(), tmp_path / "zones.shp")
    body = shp.read_bytes()
    first = np.frombuffer(body, "<f8", 10, 100 + 8 + 44 + 4 * 3).reshape(5, 2)
    assert not shapely.LinearRing(first).is_ccw


# --- shapefile: values ---------------------------------------------------------------------------

VALUES = [
    ("booleans as 1 and 0", [True, False, None], [1, 0, None]),
    ("numpy booleans", np.array([True, False, True]), [1, 0, 1]),
    ("NaN as null", [1.5, math.nan, None], [1.5, None, None]),
    ("integers with nulls stay integers", pd.array([1, None, 10**17], "Int64"), [1, None, 10**17]),
    ("large, small and exact numbers", [1e300, -1e-300, 0.1], [1e300, -1e-300, 0.1]),
    ("all digits of a number", [1 / 3, 123456.789, -2.0], [1 / 3, 123456.789, -2.0]),
    ("whole numbers of a number column stay numbers", [90.0, 60.0, None], [90.0, 60.0, None]),
    ("short floats as people write them", np.array([0.1, 0.25, 90], "float32"), [0.1, 0.25, 90.0]),
    ("infinite as null", [math.inf, -math.inf, 1.0], [None, None, 1.0]),
    ("integers too long as text", pd.array([2**63 - 1, None, -5], "Int64"), ["9223372036854775807", None, "-5"]),
    ("integers beyond 64 bits as text", [2**70, 1, 2], ["1180591620717411303424", "1", "2"]),
    ("lists as JSON", [["창원", 1], None, []], ['["창원", 1]', None, "[]"]),
    ("dictionaries as JSON", [{"a": math.nan}, {}, None], ['{"a": null}', "{}", None]),
    ("tuples and sets as JSON", [(1, 2), {2, 1}, None], ["[1, 2]", "[1, 2]", None]),
    ("dates as ISO", [dt.date(2001, 11, 1), None, None], ["2001-11-01", None, None]),
    ("times as ISO", pd.to_datetime(["2001-11-01 08:30", None, None]), ["2001-11-01T08:30:00", None, None]),
    ("newlines and quotes stay", ["a\nb", 'c"d', "e'f,g"], ["a\nb", 'c"d', "e'f,g"]),
    ("blanks at the ends are lost", ["  a ", " ", "b"], ["a", None, "b"]),
    ("empty text as null", ["", "a", None], [None, "a", None]),
    ("the zero character is taken out", ["a\0b", None, None], ["ab", None, None]),
    ("half an emoji becomes a question mark", pd.Series(["\ud83d", None, None], dtype=object), ["?", None, None]),
    ("emoji", ["🏭 plant", None, None], ["🏭 plant", None, None]),
    ("mixed kinds as text", [1, "two", 3.5], ["1", "two", "3.5"]),
    ("integers among numbers", [1, 2.5, None], [1.0, 2.5, None]),
    ("categories", pd.Categorical(["a", "b", "a"]), ["a", "b", "a"]),
    ("nothing but null", [None, None, None], [None, None, None]),
    ("numbers in text stay text", ["007", "1e5", "****"], ["007", "1e5", "****"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"), [row[1:] for row in VALUES], ids=[row[0] for row in VALUES]
)
def test_values_come_back(tmp_path, values, expected):
    shp = export_shapefile(points(value=values), tmp_path / "a.shp")
    assert read(shp)["value"] == expected


def test_integers_are_read_as_integers_and_numbers_as_numbers(tmp_path):
    shp = export_shapefile(points(whole=[1, 2, 3], real=[1.0, 2.0, 3.0]), tmp_path / "a.shp")
    back = gpd.read_file(shp)
    assert back["whole"].dtype.kind == "i"
    assert back["real"].dtype.kind == "f"


@pytest.mark.parametrize(("encoding", "kept"), [("UTF-8", 84), ("CP949", 127)])
def test_long_text_is_cut_at_a_whole_character_and_said(tmp_path, encoding, kept):
    shp = export_shapefile(points(1, name=["가" * 300]), tmp_path / "a.shp", encoding=encoding)
    assert read(shp)["name"] == ["가" * kept]
    assert "1 texts cut at 254 bytes (first in row 1)" in dictionary(shp)["name"]["changed"]


def test_characters_that_the_code_page_lacks_are_marked_and_said(tmp_path):
    shp = export_shapefile(points(1, name=["공장 🏭, © é"]), tmp_path / "a.shp", encoding="CP949")
    assert read(shp)["name"] == ["공장 ?, (c) e"]
    assert (
        "1 texts with stand-ins or '?' for characters that CP949 lacks"
        in dictionary(shp)["name"]["changed"]
    )


def test_fields_are_as_wide_as_their_widest_value(tmp_path):
    shp = export_shapefile(
        points(2, name=["창원", "a"], n=[7, -12], x=[0.25, 10.0]), tmp_path / "a.shp"
    )
    widths = {name: (row["width"], row["decimals"]) for name, row in dictionary(shp).items()}
    assert widths == {"name": ("6", "0"), "n": ("3", "0"), "x": ("5", "2")}


# --- shapefile: names ----------------------------------------------------------------------------


def test_names_that_fit_are_kept_and_the_others_told_apart():
    names = ["travel_time_min", "travel_time_max", "travel_tim", "area_km2"]
    assert short_names(names) == ["travel_t_2", "travel_t_3", "travel_tim", "area_km2"]


def test_names_of_our_own_layers_stay_readable():
    names = ["existed_1999", "opened_year", "position_by", "confidence"]
    assert short_names(names) == ["exist_1999", "open_year", "pos_by", "confidence"]


def test_a_new_column_does_not_rename_those_before_it():
    names = ["travel_time_min", "travel_time_max"]
    assert short_names([*names, "travel_time_p95"])[:2] == short_names(names)


def test_names_start_with_a_letter_and_hold_no_signs():
    assert short_names(["2018 pop.", "___", "a/b", "🏭"]) == [
        "f2018_pop_",
        "field",
        "a_b",
        "field_2",
    ]


def test_columns_of_one_name_a_named_index_and_a_second_geometry_are_all_kept(tmp_path):
    frame = points(2, a=[1, 2], b=[3, 4]).rename(columns={"b": "a"})
    frame.index = pd.Index(["x", "y"], name="plot")
    frame["door"] = frame.geometry.to_numpy()
    back = read(export_shapefile(frame, tmp_path / "a.shp"))
    assert {name: back[name] for name in ("plot", "a", "a_2")} == {
        "plot": ["x", "y"],
        "a": [1, 2],
        "a_2": [3, 4],
    }
    assert back["door"][0] == "POINT (1000000 1700000)"


def test_the_dictionary_says_what_each_field_means(tmp_path):
    rows = dictionary(export_shapefile(zones(), tmp_path / "zones.shp"))
    assert rows["universit"]["name"] == "universities"
    assert "name shortened" in rows["universit"]["changed"]
    assert (rows["area_km2"]["unit"], rows["area_km2"]["meaning"]) == (
        "km2",
        "area on the ellipsoid",
    )


PACKS = ["functional", "kr-small-rnd-zone", "kr-national-innovation-cluster", "uk-tax-sites"]


@pytest.fixture(scope="module", params=PACKS)
def drawn(request):
    region = tb.load_region()
    return tb.draw_zones(region, tb.load_network(region), pack=request.param)


@pytest.mark.parametrize("encoding", ["UTF-8", "CP949"])
def test_zones_of_every_pack_fit_into_a_shapefile_whole_and_each_field_is_explained(
    drawn, tmp_path, encoding
):
    shp = export_shapefile(drawn, tmp_path / "a.shp", encoding=encoding)
    expected = drawn.drop(columns="geometry").astype(object)
    expected = expected.where(expected.notna(), None).to_dict("list")
    assert read(shp) | {"wkb_geometry": None} == expected | {"wkb_geometry": None}
    with shp.with_suffix(".fields.csv").open(encoding=encoding.replace("8", "8-SIG")) as file:
        rows = list(csv.DictReader(file))
    assert [row["field"] for row in rows] == list(expected)
    assert [row["field"] for row in rows if row["changed"] or not row["meaning"]] == []


def test_how_firm_zones_are_and_what_they_gain_is_explained_too(tmp_path):
    firm = points(
        2, cluster=["east"] * 2, kind=["core", "fringe"], area_km2=[2.5, 1.0], stays=[1.0, 0.4]
    )
    rows = dictionary(export_shapefile(firm, tmp_path / "a.shp"))
    assert "nine draws of ten" in rows["kind"]["meaning"]
    assert rows["stays"]["unit"] == "0 to 1"
    run = {"run": ["2021"], "base": ["1999"], "cluster": ["east"], "change": ["gained"]}
    changed = points(1, **run, area_km2=[2.5])
    rows = dictionary(export_shapefile(changed, tmp_path / "b.shp"))
    assert rows["change"]["meaning"] == "kept, gained or lost, from base to run"
    assert all(row["meaning"] for row in rows.values())


def test_complexes_are_explained_as_complexes_and_not_as_how_firm_zones_are(tmp_path):
    places = points(1, name=["A"], kind=["free_trade_zone"], cluster=["east"], area_km2=[2.5])
    rows = dictionary(export_shapefile(places, tmp_path / "a.shp"))
    assert "draws" not in rows["kind"]["meaning"]


def test_a_text_that_is_cut_is_a_warning(tmp_path, caplog):
    export_shapefile(points(1, rule=["whole units: " + "dong, " * 60]), tmp_path / "a.shp")
    assert "a.shp: field 'rule': 1 texts cut at 254 bytes (first in row 1)" in caplog.text
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_stranger_s_columns_get_no_meaning_of_ours(tmp_path):
    rows = dictionary(
        export_shapefile(points(1, km=[1], owner=["x"], floor=[2]), tmp_path / "a.shp")
    )
    assert rows["km"]["meaning"] == ""


def test_roads_are_explained_as_roads_and_not_as_a_layer_that_looks_like_them(tmp_path):
    roads = points(
        1,
        **{
            "class": ["trunk"],
            "name": ["x"],
            "opened": ["1973"],
            "opened_ev": ["dated"],
            "length_m": [5.0],
        },
    )
    rows = dictionary(export_shapefile(roads, tmp_path / "a.shp"))
    assert rows["class"]["meaning"] == "OSM highway value"
    assert rows["name"]["meaning"] != "English name, today's spelling"


def test_a_frame_without_attributes_gets_a_row_number(tmp_path):
    assert read(export_shapefile(points(2), tmp_path / "a.shp"))["row"] == [1, 2]


# --- shapefile: shapes ---------------------------------------------------------------------------


def test_a_missing_shape_keeps_its_row_and_is_said(tmp_path):
    frame = zones().set_geometry([SQUARE, None], crs=5179)
    shp = export_shapefile(frame, tmp_path / "a.shp")
    assert read(shp)["zone_id"] == ["E", "W"]
    assert gpd.read_file(shp).geometry.isna().tolist() == [False, True]
    assert dictionary(shp)["(shape)"]["changed"] == "1 row without a shape"


@pytest.mark.parametrize(
    "shapes",
    [
        [shapely.Point(0, 0), shapely.MultiPoint([(1, 1), (2, 2)])],
        [
            shapely.LineString([(0, 0), (1, 1)]),
            shapely.MultiLineString([[(0, 0), (1, 0)], [(5, 5), (6, 6)]]),
        ],
        [shapely.Point(0, 0, 5), shapely.Point(1, 1)],
        [shapely.LineString([(0, 0, 1), (1, 1, 2)]), None],
    ],
)
def test_single_and_multi_two_and_three_dimensions_may_mix(tmp_path, shapes):
    frame = gpd.GeoDataFrame({"a": [1, 2]}, geometry=shapes, crs=5179)
    back = gpd.read_file(export_shapefile(frame, tmp_path / "a.shp"))
    assert back.geometry.iloc[0].bounds == shapes[0].bounds
    assert back.geometry.has_z.iloc[0] == shapes[0].has_z


BAD = [
    ("no rows", lambda: zones().iloc[:0], LayerError, "nothing to write to 'a.shp'"),
    ("no crs", lambda: zones().set_crs(None, allow_override=True), CRSError, "set_crs"),
    ("mixed types", lambda: zones().set_geometry([SQUARE, shapely.Point(0, 0)], crs=5179), GeometryError, "found points and polygons"),
    ("collection", lambda: zones().set_geometry([SQUARE, shapely.GeometryCollection([SQUARE])], crs=5179), GeometryError, "geometry collection"),
    ("no shapes", lambda: zones().set_geometry([None, shapely.Polygon()], crs=5179), GeometryError, "no row has a shape"),
    ("endless", lambda: points(1).set_geometry([shapely.Point(math.inf, 0)], crs=5179), GeometryError, "no number"),
    ("too many columns", lambda: points(1, **{f"c{i}": [i] for i in range(256)}), OutputError, "255 columns"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "error", "said"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_what_no_shapefile_can_hold_is_refused_and_nothing_is_left(tmp_path, frame, error, said):
    with pytest.raises(error, match=said):
        export_shapefile(frame(), tmp_path / "a.shp")
    assert list(tmp_path.iterdir()) == []


def test_two_gigabytes_are_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(shapefile_module, "MAX_BYTES", 1000)
    with pytest.raises(OutputError, match="a shapefile ends at 2 GB"):
        export_shapefile(points(100, a=range(100)), tmp_path / "a.shp")


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"ends in \.shp; found 'a\.gpkg'"):
        export_shapefile(zones(), tmp_path / "a.gpkg")


def test_an_invalid_shape_that_comes_back_another_is_refused(tmp_path):
    inside_out = shapely.Polygon(SQUARE.exterior, [SQUARE.buffer(100).exterior])
    with pytest.raises(GeometryError, match="make_valid"):
        export_shapefile(zones().set_geometry([inside_out, SQUARE], crs=5179), tmp_path / "a.shp")


# --- shapefile: replacing ------------------------------------------------------------------------


def test_an_older_file_is_replaced_with_its_indexes_and_its_neighbours_stay(tmp_path):
    for name in ("zones.sbn", "zones.sbx", "zones.qix", "zones.qml", "zones2.sbn"):
        (tmp_path / name).write_text("old")
    export_shapefile(zones(), tmp_path / "zones.shp")
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {f"zones{suffix}" for suffix in COMPANIONS} | {"zones.qml", "zones2.sbn"}


def test_a_failure_leaves_the_older_file_as_it_was(tmp_path, monkeypatch):
    shp = export_shapefile(zones(), tmp_path / "zones.shp")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    monkeypatch.setattr(shapefile_module, "dbf_bytes", lambda *_: b"\x03 no table")
    with pytest.raises(OutputError):
        export_shapefile(points(1, a=[1]), shp)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_same_frame_makes_the_same_bytes(tmp_path):
    first = export_shapefile(zones(), tmp_path / "1" / "zones.shp").parent
    second = export_shapefile(zones(), tmp_path / "2" / "zones.shp").parent
    assert all(file.read_bytes() == (second / file.name).read_bytes() for file in first.iterdir())


def test_the_frame_handed_in_is_not_changed(tmp_path):
    frame = zones()
    export_shapefile(frame, tmp_path / "zones.shp", crs=4326)
    pd.testing.assert_frame_equal(frame, zones())


# --- shapefile: whatever comes -------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=300) | st.text(
    "가나다힣 🏭a\n", max_size=300
)
ANY_NAME = st.text(st.characters(codec="utf-8"), max_size=30) | st.text(
    string.ascii_letters + "_", max_size=14
)
ANY_CELL = st.one_of(st.none(), ANY_TEXT)
ANY_COLUMN = st.one_of(
    st.lists(ANY_CELL, min_size=2, max_size=2),
    st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
    st.lists(st.none() | st.integers(-(10**16), 10**16), min_size=2, max_size=2),
)  # fmt: skip


def as_held(value, encoding):
    """What the documentation promises to give back."""
    if not isinstance(value, str):
        return value
    value = value.replace("\0", "")
    value = "".join(" " if letter < " " and letter not in "\t\r\n" else letter for letter in value)
    value = value.strip(" ")
    if encoding == "CP949":
        value = "".join(_stand_in(letter, "CP949") for letter in value).strip(" ")
    whole = value.encode(encoding)
    if len(whole) <= TEXT_BYTES:
        return whole.decode(encoding) or None
    return whole[:TEXT_BYTES].decode(encoding, "ignore").rstrip(" ")


@pytest.mark.parametrize(
    "suffix", [".shp", ".gpkg", ".geojson", ".fgb", ".parquet", ".kml", ".csv"]
)
def test_a_row_that_stands_nowhere_is_written_and_comes_back(tmp_path, suffix):
    frame = tb.read_layer(tb.load_region(), "universities")
    path = write_layer(frame, tmp_path / f"u{suffix}", layer="universities")
    if suffix == ".csv":
        table = pd.read_csv(path).set_index("id")
        assert table.loc["VOC02", ["lon", "lat"]].isna().all()
        assert table["lon"].notna().sum() == len(frame) - 1
        return
    back = gpd.read_parquet(path) if suffix == ".parquet" else gpd.read_file(path)
    assert len(back) == len(frame)
    lost = back[back.geometry.isna()]
    assert lost["id"].tolist() == ["VOC02"]


@pytest.mark.parametrize(("text", "written"), [("¯", "?"), ("a\u2003", "a"), ("¯ b", "? b")])
def test_a_stand_in_that_is_a_blank_is_not_lost(tmp_path, text, written):
    frame = gpd.GeoDataFrame({"name": [text]}, geometry=[shapely.Point(128, 35)], crs=4326)
    shp = export_shapefile(frame, tmp_path / "a.shp", encoding="CP949")
    assert gpd.read_file(shp)["name"].tolist() == [written]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(ANY_NAME, ANY_COLUMN), min_size=1, max_size=6),
    st.sampled_from(["UTF-8", "CP949"]),
)
def test_any_names_and_values_come_back_as_promised(tmp_path, columns, encoding):
    frame = points(2)
    for at, (_, values) in enumerate(columns):
        frame[at] = pd.Series(values, dtype=object)
    frame.columns = ["geometry", *(name for name, _ in columns)]
    frame = gpd.GeoDataFrame(
        frame.iloc[:, [*range(1, frame.shape[1])]], geometry=frame.iloc[:, 0].to_numpy(), crs=5179
    )
    shp = export_shapefile(frame, tmp_path / "a.shp", encoding=encoding)
    back = read(shp)
    names = list(back)[:-1]
    assert len(names) == len({name.casefold() for name in names}) == len(columns)
    assert all(len(name.encode(encoding)) <= 10 for name in names)
    for name, (_, values) in zip(names, columns, strict=True):
        held = [as_held(value, encoding) for value in values]
        assert back[name] == held


@settings(max_examples=300, deadline=None)
@given(st.lists(ANY_NAME, max_size=40), st.sampled_from(["UTF-8", "CP949"]))
def test_any_names_become_unique_and_short(names, encoding):
    from technobelt.export.columns import unique_names

    short = short_names(unique_names(names), encoding)
    assert len({name.casefold() for name in short}) == len(names)
    assert all(1 <= len(name.encode(encoding)) <= 10 and name[0].isalpha() for name in short)


# --- other formats -------------------------------------------------------------------------------

FORMATS = [".csv", ".fgb", ".geojson", ".gpkg", ".kml", ".parquet", ".shp"]


def awkward():
    """Return a frame with everything in it that trips a writer."""
    frame = points(
        3,
        id=["a", "b", None],
        ID=[1, 2, 3],
        name=["창원 🏭", "<script>alert('x')</script>", "x" * 300],
        fid=["x", "y", "z"],
        geom=[1.5, math.nan, math.inf],
        note=["two\nlines", 'quote " and \x07 bell', None],
        tags=[["a", "가"], {"k": math.nan}, None],
        flag=[True, None, False],
        nothing=[None, None, None],
        opened=pd.to_datetime(["2001-11-01 08:30", None, "1999-01-01 00:00"]),
        day=[dt.date(2001, 11, 1), None, None],
        big=[2**70, 1, None],
    )
    return frame.assign(**{'we/ird "<n>" 가&': [1, 2, 3], "long " * 60: ["p", "q", "r"]})


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_takes_an_awkward_table_and_keeps_its_rows(tmp_path, suffix):
    file = write_layer(awkward(), tmp_path / f"places{suffix}")
    back = (
        pd.read_csv(file)
        if suffix == ".csv"
        else (gpd.read_parquet(file) if suffix == ".parquet" else gpd.read_file(file))
    )
    assert len(back) == 3
    assert any("창원" in str(value) for value in back.to_numpy().ravel())


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_frame_makes_the_same_bytes_in_every_format(tmp_path, suffix):
    first, second = (write_layer(awkward(), tmp_path / run / f"a{suffix}") for run in "12")
    assert first.read_bytes() == second.read_bytes()


def test_geopackage_keeps_nulls_types_and_crs(tmp_path):
    frame = points(2, flag=[True, None], n=pd.array([1, None], "Int64"), x=[math.nan, 0.5])
    back = gpd.read_file(write_layer(frame, tmp_path / "a.gpkg"), use_arrow=True)
    assert back["flag"].tolist() == [True, None]
    assert back["n"].isna().tolist() == [False, True]
    assert back["x"].isna().tolist() == [True, False]
    assert back.crs.to_epsg() == 5179


def test_geojson_is_rfc_7946(tmp_path):
    import json

    clockwise = shapely.Polygon(list(SQUARE.exterior.coords)[::-1])
    clockwise = clockwise if not clockwise.exterior.is_ccw else SQUARE
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[clockwise], crs=5179)
    text = json.loads(write_layer(frame, tmp_path / "a.geojson").read_text())
    ring = text["features"][0]["geometry"]["coordinates"][0]
    assert "crs" not in text
    assert shapely.LinearRing(ring).is_ccw
    assert 127 < ring[0][0] < 128
    assert all(round(value, 7) == value for point in ring for value in point)


def test_csv_has_degrees_for_points_and_text_for_shapes(tmp_path):
    there = pd.read_csv(write_layer(points(1, name=["창원"], lon=[5]), tmp_path / "p.csv"))
    assert list(there.columns) == ["name", "lon", "lon_wgs84", "lat"]
    shape = pd.read_csv(write_layer(zones(), tmp_path / "z.csv"))["wkt"].iloc[1]
    assert shapely.from_wkt(shape).equals_exact(zones().to_crs(4326).geometry.iloc[1], 1e-6)


def test_an_unknown_suffix_lists_the_known_ones(tmp_path):
    with pytest.raises(OutputError, match=r"'.xyz'. Choose one of .csv, .fgb, .geojson, .gpkg"):
        write_layer(zones(), tmp_path / "a.xyz")


def test_append_keeps_the_other_layers_of_a_geopackage(tmp_path):
    file = write_layer(zones(), tmp_path / "a.gpkg", layer="zones")
    write_layer(points(2, a=[1, 2]), file, layer="places", append=True)
    write_layer(points(1, a=[1]), file, layer="places", append=True)
    assert [len(gpd.read_file(file, layer=name)) for name in ("zones", "places")] == [2, 1]
    with pytest.raises(OutputError, match=r"only a \.gpkg"):
        write_layer(zones(), tmp_path / "a.fgb", append=True)


def test_an_old_file_stands_when_the_new_one_fails(tmp_path):
    file = write_layer(zones(), tmp_path / "a.gpkg")
    before = file.read_bytes()
    with pytest.raises(GeometryError):
        write_layer(points(1).set_geometry([shapely.Point(math.inf, 0)], crs=5179), file)
    with pytest.raises(CRSError):
        write_geopackage({"a": zones(), "b": zones().set_crs(None, allow_override=True)}, file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is not a folder"):
        write_layer(zones(), tmp_path / "file" / "a.gpkg")


def test_a_geopackage_holds_many_layers_and_their_styles(tmp_path):
    import sqlite3
    from contextlib import closing

    file = tmp_path / "l.gpkg"
    write_geopackage({"zones": zones(), "places": points(1, a=[1])}, file, styled=True)
    assert pyogrio.list_layers(file)[:, 0].tolist() == ["zones", "places", "layer_styles"]
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute(
            "SELECT f_table_name, styleQML, useAsDefault FROM layer_styles"
        ).fetchall()
    assert [(name, default) for name, _, default in rows] == [("zones", 1)]
    assert 'fieldName="name"' in rows[0][1]


def test_the_same_layers_and_styles_make_the_same_bytes(tmp_path):
    layers = {"zones": zones(), "places": awkward()}
    first, second = (tmp_path / run / "l.gpkg" for run in "12")
    for file in (first, second):
        write_geopackage(layers, file, styled=True)
    assert first.read_bytes() == second.read_bytes()


def test_layer_names_that_collide_are_refused(tmp_path):
    with pytest.raises(OutputError, match="differ in more than case"):
        write_geopackage({"a": zones(), "A": zones()}, tmp_path / "l.gpkg")


def test_a_zone_of_a_hundred_thousand_vertices_is_written(tmp_path):
    angle = np.linspace(0, 2 * np.pi, 100_001)
    ring = np.column_stack([1_000_000 + 9000 * np.cos(angle), 1_700_000 + 9000 * np.sin(angle)])
    frame = gpd.GeoDataFrame({"zone_id": ["E"]}, geometry=[shapely.Polygon(ring)], crs=5179)
    for suffix in FORMATS:
        assert write_layer(frame, tmp_path / f"z{suffix}").stat().st_size > 100_000 // 10


def test_the_licence_names_sources_and_the_derived_database(tmp_path):
    text = write_licence(tmp_path, ["Roads: © OpenStreetMap contributors"]).read_text(
        encoding="utf-8"
    )
    assert "- Roads: © OpenStreetMap contributors" in text
    assert "Open Database Licence 1.0" in text
    assert "derived database" in text


# --- what a format cannot hold is said -----------------------------------------------------------


def dated():
    """Return times with and without a zone, finer than a millisecond."""
    times = ["2001-11-01 08:30:15.123456", "1999-01-01 00:00:00", None]
    return points(
        3,
        here=pd.to_datetime(pd.Series(times), format="ISO8601").dt.tz_localize("Asia/Seoul"),
        bare=pd.to_datetime(pd.Series(times), format="ISO8601"),
    )


def rows_of(file, layer=None):
    return pyogrio.read_dataframe(file, layer=layer, use_arrow=False)


def notes_of(frame, path, **options):
    notes = []
    write_layer(frame, path, said=notes.append, **options)
    return {str(note): note.loss for note in notes}


SAID = [
    (".gpkg", awkward, "column 'fid' is written as 'fid_2'", False),
    (".gpkg", awkward, "column 'tags': lists and dictionaries as JSON text", False),
    (".gpkg", awkward, "column 'day': dates as ISO text", False),
    (".gpkg", awkward, "column 'big': numbers as text", False),
    (".gpkg", dated, "column 'here': times in UTC", False),
    (".gpkg", dated, "column 'bare': times without a time zone, marked as UTC", False),
    (".gpkg", dated, "column 'here': times cut to milliseconds", True),
    (".fgb", awkward, "rows in the order of the spatial index, not of the table", False),
    (".fgb", dated, "column 'bare': times cut to milliseconds", True),
    (".geojson", awkward, "column 'geom_2': 1 infinite values as null", True),
    (".geojson", awkward, "longitude and latitude (WGS 84) instead of EPSG:5179", False),
    (".geojson", awkward, "coordinates rounded to 7 decimals of a degree (1 cm)", False),
    (".geojson", dated, "column 'here': dates and times as ISO text, in UTC", False),
    (".kml", awkward, "column 'note': 1 texts without control characters, or blanks at their ends", True),
    (".kml", awkward, "column 'id' is written as 'id_'", False),
    (".kml", awkward, "column 'ID_2': integers as text", False),
    (".kml", lambda: points(1, a=[None]), "column 'a' left out, since no row has a value in it", True),
    (".csv", awkward, "all values as text; the types of columns are not kept", False),
    (".csv", dated, "column 'bare': dates and times as ISO text", False),
    (".parquet", awkward, "column 'tags': lists and dictionaries as JSON text", False),
    (".parquet", dated, "column 'here': times in UTC", False),
    (".shp", awkward, "field 'name': 1 texts cut at 254 bytes (first in row 3)", True),
    (".shp", awkward, "field 'flag': true and false as 1 and 0", False),
    (".shp", awkward, "field 'geom_2': 1 infinite values as null", True),
    (".shp", awkward, "field 'fid_2': short for 'fid'", False),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "make", "text", "loss"), SAID, ids=[f"{row[0]} {row[2]}" for row in SAID])  # fmt: skip
def test_what_a_format_cannot_hold_is_said(tmp_path, suffix, make, text, loss):
    assert notes_of(make(), tmp_path / f"a{suffix}")[f"a{suffix}: {text}"] is loss


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".parquet"])
def test_a_plain_layer_is_held_whole_and_nothing_is_said(tmp_path, suffix):
    frame = points(2, name=["창원 🏭\n'x'", None], n=[1, 2], x=[math.nan, 0.1], flag=[True, None])
    said = notes_of(frame, tmp_path / f"a{suffix}")
    assert not any(said.values())
    assert set(said) <= {"a.fgb: rows in the order of the spatial index, not of the table"}


PLAIN_FORMATS = [".csv", ".fgb", ".geojson", ".gpkg", ".kml", ".parquet"]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(ANY_NAME, ANY_COLUMN), min_size=1, max_size=5),
    st.sampled_from(PLAIN_FORMATS),
)
def test_any_names_and_values_come_back_or_are_said(tmp_path, columns, suffix):
    """What is neither held nor said is an error of `write_layer`, which reads each file back."""
    frame = points(2)
    for at, (_, values) in enumerate(columns):
        frame[at] = pd.Series(values, dtype=object)
    frame.columns = ["geometry", *(name for name, _ in columns)]
    frame = gpd.GeoDataFrame(
        frame.iloc[:, [*range(1, frame.shape[1])]], geometry=frame.iloc[:, 0].to_numpy(), crs=5179
    )
    write_layer(frame, tmp_path / f"a{suffix}", said=lambda _: None)


def test_a_value_that_comes_back_another_without_having_been_said_is_an_error(
    tmp_path, monkeypatch
):
    from technobelt.export import formats

    def forgetful(frame, scratch, layer):
        pyogrio.write_dataframe(frame.assign(a=[1, 3]), scratch, layer=layer, driver="GPKG")

    monkeypatch.setitem(formats.WRITERS, ".gpkg", forgetful)
    with pytest.raises(OutputError, match="column 'a' differs in row 2"):
        write_layer(points(2, a=[1, 2]), tmp_path / "a.gpkg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_shape_with_a_coordinate_that_is_no_number_is_refused(tmp_path, suffix):
    frame = points(2, a=[1, 2]).set_geometry([shapely.Point(0, 0), shapely.Point(math.nan, 0)])
    with pytest.raises(GeometryError, match="no number"):
        write_layer(frame.set_crs(5179), tmp_path / f"a{suffix}")


# --- empty, mixed and shapeless layers -----------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".parquet", ".shp"])
def test_an_empty_layer_keeps_its_columns_and_their_types(tmp_path, suffix):
    empty = tb.read_layer(tb.load_region(), "complexes").iloc[:0]
    file = write_layer(empty, tmp_path / f"a{suffix}", layer="complexes")
    table = pd.read_parquet(file) if suffix == ".parquet" else rows_of(file)
    assert len(table) == 0
    assert table["area_km2"].dtype.kind == "f"
    assert "name" in table


@pytest.mark.parametrize("suffix", [".geojson", ".kml"])
def test_where_an_empty_layer_loses_its_columns_it_is_said(tmp_path, suffix):
    said = notes_of(points(1, a=[1]).iloc[:0], tmp_path / f"a{suffix}")
    assert said[f"a{suffix}: no rows: the names and types of its columns are not kept"]


def mixed():
    return gpd.GeoDataFrame(
        {"name": ["a", "b", "c", "d"]},
        geometry=[SQUARE, shapely.Point(1_000_000, 1_700_000), SQUARE.buffer(10), None],
        crs=5179,
    )


@pytest.mark.parametrize("suffix", [".csv", ".fgb", ".geojson", ".gpkg", ".kml", ".parquet"])
def test_shapes_of_several_kinds_may_mix_where_the_format_can(tmp_path, suffix):
    write_layer(mixed(), tmp_path / f"a{suffix}", said=lambda _: None)


def test_in_a_folder_of_shapefiles_a_mixed_layer_becomes_one_for_each_kind(tmp_path):
    done = write_layers({"sites": mixed()}, tmp_path, "shp", attribution=["own"])
    assert done.rows == {"sites_polygons.shp": 3, "sites_points.shp": 1}
    assert rows_of(tmp_path / "sites_polygons.shp")["name"].tolist() == ["a", "c", "d"]
    assert "sites_points.shp: layer 'sites'" in map(str, done.notes)


def test_a_layer_that_no_shapefile_can_hold_becomes_a_geopackage_and_it_is_said(tmp_path):
    shapeless = points(2, a=[1, 2]).set_geometry([None, None], crs=5179)
    done = write_layers({"lost": shapeless, "kept": zones()}, tmp_path, "shp", attribution=["own"])
    assert done.rows == {"lost.gpkg": 2, "kept.shp": 2}
    assert "lost.gpkg\n  - instead of a shapefile: " in (tmp_path / "NOTES.txt").read_text()


# --- folders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "fgb", "geojson", "gpkg", "kml", "parquet", "shp"])
def test_a_folder_has_a_file_for_each_layer_its_style_licence_and_notes(tmp_path, form):
    layers = {"zones": zones(), "my own": points(1, a=[1])}
    done = write_layers(layers, tmp_path, form, attribution=["Roads: © OpenStreetMap"])
    names = {file.name for file in tmp_path.iterdir()}
    wanted = {f"zones.{form}", f"my own.{form}", "LICENCE", "NOTES.txt"}
    wanted |= set() if form in {"csv", "gpkg"} else {"zones.qml"}
    assert wanted <= names
    assert names - wanted == set() or form == "shp"
    assert done.rows == {f"zones.{form}": 2, f"my own.{form}": 1}


def test_names_of_files_hold_no_signs_that_a_system_refuses(tmp_path):
    layers = {'a/b:"c"?': points(1, a=[1]), "a_b_c_": points(1, a=[1]), "..": points(1, a=[1])}
    done = write_layers(layers, tmp_path, "geojson", attribution=["own"])
    assert list(done.rows) == ["a_b_c_.geojson", "a_b_c__2.geojson", "layer.geojson"]
    long = {"🏭" * 300: points(1, a=[1])}
    assert list(write_layers(long, tmp_path, "shp", attribution=["x"]).rows) == ["🏭" * 37 + ".shp"]
    assert """a_b_c_.geojson: layer 'a/b:"c"?'""" in map(str, done.notes)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".fgb", ".kml"])
def test_layers_may_be_called_anything(tmp_path, suffix):
    for name in ("a/b \"c\" <d> 'e'", "가" * 60, "select * from"):
        file = write_layer(points(1, a=[1]), tmp_path / f"a{suffix}", layer=name)
        if suffix == ".gpkg":
            assert rows_of(file, name)["a"].tolist() == [1]


def test_the_code_page_and_the_crs_hold_for_all_files_of_a_folder(tmp_path):
    layers = {"a": points(1, 이름=["창원"]), "b": points(1, 이름=["김해"]).to_crs(4326)}
    write_layers(layers, tmp_path, "shp", attribution=["own"], encoding="CP949", crs="EPSG:5186")
    assert [(tmp_path / f"{name}.cpg").read_text() for name in "ab"] == ["949", "949"]
    assert [rows_of(tmp_path / f"{name}.shp")["이름"].item() for name in "ab"] == ["창원", "김해"]
    assert len({(tmp_path / f"{name}.prj").read_text() for name in "ab"}) == 1
    degrees = write_layers(layers, tmp_path, "geojson", attribution=["own"], crs="EPSG:5186")
    assert "a.geojson: longitude and latitude (WGS 84) instead of EPSG:5186" in map(str, degrees.notes)  # fmt: skip


def test_all_files_of_a_folder_are_replaced_or_none(tmp_path):
    write_layers({"a": zones(), "b": zones()}, tmp_path, "geojson", attribution=["own"])
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    broken = zones().set_crs(None, allow_override=True)
    with pytest.raises(CRSError):
        write_layers({"a": points(1, a=[1]), "b": broken}, tmp_path, "geojson", attribution=["x"])
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_notes_tell_losses_first_and_say_where_there_is_nothing_to_tell(tmp_path):
    write_layers({"a": points(1, x=[math.inf])}, tmp_path, "geojson", attribution=["own"])
    text = (tmp_path / "NOTES.txt").read_text()
    assert text.index("Lost:") < text.index("infinite values") < text.index("Kept in another form:")
    write_layers({"a": points(1, x=[1.5])}, tmp_path, "gpkg", attribution=["own"])
    assert "Nothing: all rows" in (tmp_path / "NOTES.txt").read_text()


def test_a_style_that_another_program_saved_is_kept_and_it_is_said(tmp_path):
    style = tmp_path / "zones.qml"
    write_layers({"zones": zones()}, tmp_path, "geojson", attribution=["own"])
    ours = style.read_text()
    write_layers({"zones": zones()}, tmp_path, "geojson", attribution=["own"])
    assert style.read_text() == ours
    style.write_text("<qgis/>")
    done = write_layers({"zones": zones()}, tmp_path, "geojson", attribution=["own"])
    assert style.read_text() == "<qgis/>"
    assert "zones.qml: kept, since another program wrote it" in map(str, done.notes)
    write_layer(zones(), tmp_path / "zones.fgb", styled=True)
    assert style.read_text() == "<qgis/>"


def test_styles_name_the_columns_as_the_file_does(tmp_path):
    frame = zones().assign(minutes=[30, 60])
    for suffix in (".shp", ".geojson", ".kml", ".fgb", ".parquet"):
        write_layer(frame, tmp_path / f"bands{suffix}", layer="isochrones", styled=True)
        assert 'attr="minutes"' in (tmp_path / "bands.qml").read_text()
    long = zones().assign(outline=["disc", "landuse"]).rename(columns={"outline": "Outline"})
    assert look_of("outlines", long) is None  # a stranger's, without the style's column


def test_the_desktop_package_holds_layers_styles_project_licence_and_notes(tmp_path):
    layers = {"zones": zones(), "sites": mixed(), "none": points(1, a=[1]).iloc[:0]}
    done = write_desktop(layers, tmp_path, title="T", attribution=["own"], project_crs=5179)
    wanted = ["LICENCE", "NOTES.txt", "layers.gpkg", "technobelt.qgz"]
    assert sorted(file.name for file in tmp_path.iterdir()) == wanted
    assert list(done.rows.values()) == [2, 4, 0]


# --- disks that are full, folders that are closed, files that are open ---------------------------


def open_elsewhere(file, *statements):
    """Open a GeoPackage as another program would."""
    import sqlite3

    other = sqlite3.connect(file, isolation_level=None)
    for statement in statements:
        other.execute(statement).fetchall()
    return other


LOCKS = [
    ("a lock", ["BEGIN EXCLUSIVE"]),
    ("a reader", ["BEGIN", "SELECT * FROM gpkg_contents"]),
    ("a journal, as QGIS keeps it", ["PRAGMA journal_mode=WAL", "SELECT * FROM gpkg_contents"]),
]


@pytest.mark.parametrize("statements", [row[1] for row in LOCKS], ids=[row[0] for row in LOCKS])
def test_a_geopackage_that_is_open_elsewhere_is_not_replaced(tmp_path, statements):
    file = write_layer(points(2, a=[1, 2]), tmp_path / "layers.gpkg")
    other = open_elsewhere(file, *statements)
    try:
        with pytest.raises(OutputError, match=r"layers\.gpkg' is open in another program"):
            write_layer(points(1, a=[1]), file)
        with pytest.raises(OutputError, match="Nothing was replaced"):
            write_desktop({"a": zones()}, tmp_path, title="T", attribution=["x"], project_crs=5179)
    finally:
        other.close()
    assert len(rows_of(file)) == 2
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".gpkg"] == []
    write_layer(points(1, a=[1]), file)
    assert len(rows_of(file)) == 1


FULL = """
import resource, signal, sys
import geopandas as gpd, numpy as np, shapely
from technobelt.errors import OutputError
from technobelt.export import write_layer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
shapes = shapely.points(np.arange(6000) * 1.5, np.arange(6000) * 1.7)
frame = gpd.GeoDataFrame({"name": [f"{i ** 5:030}" for i in range(6000)]}, geometry=shapes, crs=5179)
write_layer(frame.iloc[:9], sys.argv[1])
before = open(sys.argv[1], "rb").read()
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    write_layer(frame, sys.argv[1])
except OutputError as error:
    assert open(sys.argv[1], "rb").read() == before
    print("REFUSED", error)
    assert ".technobelt" not in str(error)
    assert "Nothing was replaced" in str(error)
    print("SAID")
"""


@pytest.mark.parametrize("suffix", FORMATS)
def test_on_a_full_disk_the_older_file_stands(tmp_path, suffix):
    """A limit on the size of files stands in for the disk: the same calls fail the same way."""
    import subprocess
    import sys

    ran = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / f"a{suffix}")], capture_output=True, text=True, check=False)  # fmt: skip
    assert "SAID" in ran.stdout, ran.stdout + ran.stderr
    assert not list(tmp_path.glob(".technobelt-*"))


def test_a_folder_that_is_read_only_is_refused(tmp_path, monkeypatch):
    import tempfile

    def denied(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", denied)
    with pytest.raises(OutputError, match=r"cannot be written to.*Permission denied"):
        write_layers({"a": zones()}, tmp_path, "shp", attribution=["own"])
