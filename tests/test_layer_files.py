"""Files of layers: every format, encoding and table; and whatever is no layer is refused in words."""

from __future__ import annotations

import logging
import os
import struct
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import technobelt as tb
from hand_region import make_region
from technobelt.claim_kinds import Selection
from technobelt.doctor import examine, mend
from technobelt.errors import CRSError, GeometryError, LayerError, RegionError, TechnobeltError
from technobelt.layer_files import guess_encoding, open_file, opening, unscrambled, zips
from technobelt.layers import list_layers, not_located, read_layer, read_unchecked, select
from technobelt.region import LayerFile, load_region

KOREAN = "창원대학교 캠퍼스"


@pytest.fixture
def row(tmp_path):
    return make_region(tmp_path)


def with_file(region, name, **said):
    return region.model_copy(update={"layers": {**region.layers, name: LayerFile(**said)}})


def places(name=KOREAN):
    return gpd.GeoDataFrame(
        {"id": ["a", "b"], "name": [name, "Forli"], "kind": ["x", "x"], "cluster": ["east", "west"]}
        | {"source": ["s", "s"], "licence": ["l", "l"], "confidence": ["high", "low"]},
        geometry=shapely.points([[128.6, 35.2], [128.7, 35.3]]),
        crs=4326,
    )


def read(path, name="universities", **said):
    return open_file(path, LayerFile(file=path.name, **said), name)


# --- formats -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".shp", ".gpkg", ".geojson", ".fgb", ".gml", ".parquet"])
def test_a_file_of_any_format_and_its_zip_hold_the_same(tmp_path, suffix):
    path = tmp_path / f"places{suffix}"
    places().to_parquet(path) if suffix == ".parquet" else places().to_file(path)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for one in tmp_path.glob("places.*"):
            archive.write(one, f"folder/{one.name}")
    for found in (read(path), read(tmp_path / "all.zip")):
        assert found["name"].tolist() == [KOREAN, "Forli"] or suffix == ".fgb"
        assert set(found["name"]) == {KOREAN, "Forli"}
        assert found.crs == "EPSG:4326"


def test_kml_has_its_names_mapped_and_its_heights_left_out(tmp_path, row):
    raised = places().assign(code=["a", "b"]).set_geometry(shapely.force_3d(places().geometry, 7))
    raised.drop(columns="id").rename(columns={"name": "Name"}).to_file(
        tmp_path / "p.kml", driver="KML"
    )
    columns = {"id": "code", "name": "Name"}
    frame = tb.read_layer(
        with_file(row, "universities", file="p.kml", columns=columns), "universities"
    )
    assert frame["name"].tolist() == [KOREAN, "Forli"]
    assert not frame.geometry.has_z.any()


def test_of_several_layers_in_a_file_the_namesake_is_taken_or_one_asked_for(tmp_path):
    for layer in ("universities", "parks"):
        places(layer).to_file(tmp_path / "all.gpkg", layer=layer)
    assert read(tmp_path / "all.gpkg")["name"][0] == "universities"
    assert read(tmp_path / "all.gpkg", layer="parks")["name"][0] == "parks"
    with pytest.raises(LayerError, match=r"several layers: universities, parks. Name one"):
        read(tmp_path / "all.gpkg", "centres")


def test_a_zip_with_several_shapefiles_wants_one_to_be_named(tmp_path):
    for name in ("one", "two"):
        places(name).to_file(tmp_path / f"{name}.shp")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for one in [*tmp_path.glob("one.*"), *tmp_path.glob("two.*")]:
            archive.write(one, one.name)
    assert read(tmp_path / "all.zip", layer="two")["name"][0] == "two"
    with pytest.raises(LayerError, match=r"several layers: one, two. Name one in region.toml"):
        read(tmp_path / "all.zip")


def test_a_column_that_is_mapped_onto_a_name_that_is_there_takes_its_place(tmp_path, row):
    frame = places().assign(title=["first", "second"])
    frame.to_file(tmp_path / "p.gpkg")
    said = {"file": "p.gpkg", "columns": {"name": "title"}}
    assert read_layer(with_file(row, "universities", **said), "universities")["name"].tolist() == [
        "first",
        "second",
    ]


def test_an_index_that_is_the_id_becomes_the_column(tmp_path, row):
    places().set_index("id").to_parquet(tmp_path / "p.parquet")
    frame = read_layer(with_file(row, "universities", file="p.parquet"), "universities")
    assert frame.index.tolist() == ["a", "b"]


def test_layers_in_different_crs_are_read_together(tmp_path, row):
    moved = read_layer(row, "centres").reset_index(drop=True).to_crs(5187)
    moved.to_parquet(tmp_path / "centres.parquet")
    assert len(not_located(row)) == 0
    both = select(row, Selection(layers=["universities", "centres"]))
    assert both.crs == read_layer(row, "universities").crs
    assert both.to_crs(5179).geometry.x.between(1_050_000, 1_200_000).all()


# --- encodings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["CP949", "UTF-8"])
@pytest.mark.parametrize("cpg", [None, "949", "UTF-8", "no such thing"])
def test_a_shapefile_is_read_in_its_own_encoding_whatever_its_cpg_says(tmp_path, encoding, cpg):
    places().to_file(tmp_path / "p.shp", encoding=encoding)
    (tmp_path / "p.cpg").unlink()
    if cpg:
        (tmp_path / "p.cpg").write_text(cpg)
    if (encoding, cpg) == ("UTF-8", "949"):
        return  # UTF-8 may be valid CP949: what the file says goes
    assert read(tmp_path / "p.shp")["name"][0] == KOREAN


def test_western_text_is_not_taken_for_korean():
    for text in (
        "Forlì-Cesena",
        "Ávila",
        "Zürich",
        "São Paulo",
        "Università di Bologna",
        "Reggio è",
    ):
        assert guess_encoding(text.encode("cp1252")) == "CP1252", text
        assert unscrambled(text) is None


def test_a_named_encoding_goes_and_an_unknown_one_is_refused(tmp_path):
    (tmp_path / "p.csv").write_bytes(f"id,name,lon,lat\na,{KOREAN},128,35\n".encode("cp949"))
    assert read(tmp_path / "p.csv")["name"][0] == KOREAN
    assert read(tmp_path / "p.csv", encoding="latin-1")["name"][0] != KOREAN
    with pytest.raises(ValueError, match="no encoding"):
        LayerFile(file="p.csv", encoding="utf-9")


# --- tables --------------------------------------------------------------------------------------


def table(tmp_path, text, name="universities", **said):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    return read(path, name, **said)


@pytest.mark.parametrize(
    "text",
    [
        "id,lon,lat\na,128.6,35.2\n",
        "id;Longitude;Latitude\na;128,6;35,2\n",
        "id\t경도\t위도\na\t128.6\t35.2\n",
        "id,X,Y\na,128.6,35.2\n",
        'id,wkt\na,"POINT (128.6 35.2)"\n',
        "\ufeffid,lng,lat\na, 128.6, 35.2\n",
    ],
)
def test_a_table_is_a_layer_by_the_usual_names_of_its_coordinates(tmp_path, text):
    frame = table(tmp_path, text)
    assert frame["id"].tolist() == ["a"]
    assert frame.crs == "EPSG:4326"
    assert frame.geometry.iloc[0].equals(shapely.Point(128.6, 35.2))


def test_coordinates_in_metres_need_a_crs(tmp_path):
    text = "id,x,y\na,1100000,1690000\n"
    assert table(tmp_path, text, crs="EPSG:5179").crs == "EPSG:5179"
    with pytest.raises(
        CRSError, match=r"nothing says in which reference system. Name it in region"
    ):
        table(tmp_path, text)


def test_columns_of_coordinates_may_be_named(tmp_path):
    text = "id,a,b\nk,128.6,35.2\n"
    assert table(tmp_path, text, x="a", y="b").geometry.iloc[0].x == 128.6
    with pytest.raises(LayerError, match="names the column of coordinates 'c'; found: id, a, b"):
        table(tmp_path, text, x="a", y="c")
    with pytest.raises(GeometryError, match=r"name its columns of coordinates.*found: id, a, b"):
        table(tmp_path, text)
    with pytest.raises(ValueError, match="both x and y"):
        LayerFile(file="t.csv", x="a")


def test_a_coordinate_that_is_no_number_is_told_with_its_row_and_an_empty_one_has_no_place(
    tmp_path,
):
    with pytest.raises(LayerError, match="'lat' in row 2 is no number: '35,2 N'"):
        table(tmp_path, 'id,lon,lat\na,128,35\nb,128,"35,2 N"\n')
    assert table(tmp_path, "id,lon,lat\na,128,35\nb,,\n").geometry.isna().tolist() == [False, True]


def test_numbers_of_a_table_are_numbers_and_codes_keep_their_zeros(tmp_path, row):
    (tmp_path / "u.csv").write_text(
        "id;name;kind;cluster;opened_year;source;licence;confidence;lon;lat\n"
        "007;a;x;east;1980;s;l;high;128,6;35,2\n008;b;x;east;;s;l;high;128,7;35,2\n"
    )
    frame = read_layer(with_file(row, "universities", file="u.csv"), "universities")
    assert frame.index.tolist() == ["007", "008"]
    assert frame["opened_year"].iloc[0] == 1980
    assert pd.api.types.is_numeric_dtype(frame["opened_year"])


def test_region_toml_tells_of_a_crs_that_is_none_with_its_line(tmp_path):
    make_region(tmp_path)
    file = tmp_path / "region.toml"
    file.write_text(
        file.read_text().replace('"centres.parquet"', '"centres.parquet", crs = "EPSG:0"')
    )
    with pytest.raises(RegionError, match=r"line \d+: layers.centres.crs: 'EPSG:0' is not a coord"):
        load_region(tmp_path)


# --- what is too large, or no layer --------------------------------------------------------------


def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", b" " * 5_000_000)
    monkeypatch.setattr(zips, "LIMIT_BYTES", 1_000_000)
    with pytest.raises(LayerError, match=r"unpacks to 1 file of .* GiB; at most"):
        read(tmp_path / "bomb.zip")


def test_a_zip_that_lies_about_its_size_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", b" " * 5_000_000)
    data = path.read_bytes().replace(struct.pack("<I", 5_000_000), struct.pack("<I", 10))
    path.write_bytes(data)
    monkeypatch.setattr(zips, "LIMIT_BYTES", 1_000_000)
    with pytest.raises(LayerError):
        read(path)


def test_a_zip_cannot_write_outside_of_its_scratch_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "slip.zip", "w") as archive:
        archive.writestr("../../evil.geojson", '{"type": "FeatureCollection", "features": []}')
    read(tmp_path / "slip.zip")
    assert not list(tmp_path.parent.glob("evil*"))


def test_a_large_layer_is_announced(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(opening, "_MANY_ROWS", 2)
    places().to_parquet(tmp_path / "p.parquet")
    with caplog.at_level(logging.WARNING):
        read(tmp_path / "p.parquet")
        read(tmp_path / "p.parquet")
    assert caplog.text.count("layer 'universities' (p.parquet) has about 2 rows") == 1


def test_what_examining_a_large_layer_takes_is_said_before_it_is_read(row, monkeypatch, caplog):
    monkeypatch.setattr(opening, "_MANY_ROWS", 3)
    with caplog.at_level(logging.WARNING):
        examine(row)
    first = caplog.records[0].message
    rows = 3 * 4 + len(gpd.read_parquet(row.folder / "land.parquet"))
    assert first.startswith(f"Examining about {rows:,} rows takes up to")


def test_a_multipolygon_of_many_parts_stays_whole(tmp_path, row):
    parts = shapely.multipolygons([shapely.box(i, 35, i + 0.5, 36) for i in range(-170, 30)])
    frame = gpd.GeoDataFrame(
        {"id": ["a"], "name": ["n"], "source": ["s"], "licence": ["l"], "confidence": ["high"]},
        geometry=[parts],
        crs=4326,
    )
    frame.to_file(tmp_path / "c.gpkg")
    found = read_layer(with_file(row, "clusters", file="c.gpkg"), "clusters")
    assert shapely.get_num_geometries(found.geometry.iloc[0]) == 200


@pytest.mark.parametrize("crs", [3995, 3031, 3832, 4326])
def test_polar_regions_and_the_antimeridian_are_listed_without_a_crash(tmp_path, row, crs):
    shapes = gpd.GeoSeries(shapely.points([[179.9, 71], [-179.9, 71.2]]), crs=4326)
    frame = places().set_geometry(shapes.to_crs(crs))
    frame.to_parquet(tmp_path / "p.parquet")
    table = list_layers(with_file(row, "universities", file="p.parquet")).set_index("layer")
    assert table.loc["universities", "problem"] == ""


def test_infinite_and_absent_coordinates_are_refused(tmp_path, row):
    for xy in ([np.inf, 35], [np.nan, np.nan]):
        frame = places().set_geometry(shapely.points([xy, [128, 35]]), crs=4326)
        frame.to_parquet(tmp_path / "p.parquet")
        with pytest.raises(LayerError):
            read_layer(with_file(row, "universities", file="p.parquet"), "universities")


# --- fuzz ----------------------------------------------------------------------------------------

SUFFIXES = (".shp", ".gpkg", ".geojson", ".fgb", ".kml", ".parquet", ".csv", ".zip", ".gml")
FUZZ = settings(
    max_examples=int(os.environ.get("TECHNOBELT_FUZZ", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One good file of every format, as bytes; a shapefile's companions lie beside."""
    folder = tmp_path_factory.mktemp("whole")
    frame = places()
    for suffix in (".shp", ".gpkg", ".geojson", ".fgb", ".gml"):
        frame.to_file(folder / f"p{suffix}")
    frame.to_file(folder / "p.kml", driver="KML")
    frame.to_parquet(folder / "p.parquet")
    pd.DataFrame(frame.drop(columns="geometry")).assign(lon=128.6, lat=35.2).to_csv(
        folder / "p.csv"
    )
    with zipfile.ZipFile(folder / "p.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "p.geojson", "p.geojson")
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


def refusal(reader, region):
    """Return what an error of our own says; None where there is none."""
    try:
        assert isinstance(reader(region, "universities"), gpd.GeoDataFrame)
    except TechnobeltError as error:
        return str(error)
    return None


def ours_or_nothing(region, folder, suffix, data, companions=()):
    """Read a layer; whatever happens must be a table or an error of our own."""
    path = folder / f"fuzz{suffix}"
    path.write_bytes(data)
    for end, content in companions:
        (folder / f"fuzz{end}").write_bytes(content)
    where = with_file(region, "universities", file=path.name)
    for reader in (read_layer, read_unchecked):
        said = refusal(reader, where)
        assert said is None or 0 < len(said) < 2_000
    list_layers(where)
    findings = examine(where)
    mend(where, [one for one in findings if one.layer == "universities"])


@FUZZ
@given(suffix=st.sampled_from(SUFFIXES), data=st.binary(max_size=400))
def test_random_bytes_are_refused_in_words(fuzz_region, suffix, data):
    ours_or_nothing(*fuzz_region, suffix, data)


@FUZZ
@given(
    suffix=st.sampled_from(SUFFIXES),
    share=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
)
def test_files_cut_short_and_with_wrong_bytes_are_read_or_refused_in_words(
    fuzz_region, whole, suffix, share, flips
):
    data = bytearray(whole[suffix][: int(len(whole[suffix]) * share)])
    for at, byte in flips if data else ():
        data[int(at * len(data))] = byte
    beside = [(end, whole[end]) for end in (".dbf", ".shx", ".prj") if suffix == ".shp"]
    ours_or_nothing(*fuzz_region, suffix, bytes(data), beside)


CELLS = st.one_of(
    st.sampled_from(
        [
            "id",
            "lon",
            "lat",
            "x",
            "y",
            "wkt",
            "name",
            "128.6",
            "35.2",
            "POINT (1 2)",
            "",
            '"',
            "nan",
            "inf",
            "-1e999",
            "confidence",
            "cluster",
            "a",
            "geometry",
        ]
    ),
    st.text(max_size=6),
)


@FUZZ
@given(
    rows=st.lists(st.lists(CELLS, max_size=8), max_size=6),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "cp949", "utf-16", "latin-1"]),
)
def test_any_text_table_is_read_or_refused_in_words(fuzz_region, rows, separator, encoding):
    text = "\n".join(separator.join(row) for row in rows)
    ours_or_nothing(*fuzz_region, ".csv", text.encode(encoding, errors="replace"))


@pytest.fixture(scope="module")
def fuzz_region(tmp_path_factory):
    folder = Path(tmp_path_factory.mktemp("fuzz"))
    return make_region(folder), folder


WORDS = st.one_of(
    st.none(),
    st.sampled_from(["a", "east", " west", "high", "not located", "창원", "\ufffd", "3"]),
    st.text(max_size=4),
)
NUMBERS = st.one_of(st.none(), st.floats(), st.integers(-5, 3000))
SHAPES = st.one_of(
    st.none(),
    st.builds(shapely.Point, st.floats(-1e7, 1e7), st.floats(-1e7, 1e7)),
    st.builds(
        lambda x, y: shapely.box(x, y, x + 1, y + 1), st.floats(-180, 180), st.floats(-90, 90)
    ),
    st.sampled_from(
        [
            shapely.Point(),
            shapely.LineString([[0, 0], [1, 1]]),
            shapely.Polygon([[0, 0], [1, 1], [1, 0], [0, 1]]),
            shapely.GeometryCollection([shapely.Point(1, 2)]),
            shapely.Point(np.inf, 1),
        ]
    ),
)


@FUZZ
@given(
    name=st.sampled_from(["universities", "clusters", "complexes"]),
    rows=st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS, NUMBERS, SHAPES), max_size=5),
    crs=st.sampled_from([None, 4326, 5179, 5186, 3857, 3735, 3031]),
)
def test_any_rows_are_examined_and_mended_without_a_crash(fuzz_region, name, rows, crs):
    region, folder = fuzz_region
    columns = ["id", "name", "cluster", "confidence", "opened_year", "geometry"]
    table = pd.DataFrame(rows, columns=columns).assign(kind="k", source="s", licence="l")
    table["opened_year"] = pd.to_numeric(table["opened_year"])
    frame = gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(list(table["geometry"]), crs=crs))
    frame.to_parquet(folder / "rows.parquet")
    where = with_file(region, name, file="rows.parquet")
    mend(where, examine(where))
    examine(where)
    list_layers(where)
