"""Odd columns, odd names and odd shapes are exported all the same, and it is said."""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import closing

import geopandas as gpd
import pyogrio
import pytest
import shapely

from technobelt.errors import OutputError
from technobelt.export import write_desktop, write_geopackage, write_layer, write_layers
from technobelt.export.drivers import WRITERS

SQUARE = shapely.box(1_000_000, 1_700_000, 1_001_000, 1_701_000)
AREA = shapely.box(0, 0, 1, 1)


def table(*shapes, crs=5179, **columns):
    return gpd.GeoDataFrame(
        {"a": list(range(len(shapes)))} | columns, geometry=list(shapes), crs=crs
    )


def rows_of(file, layer=None):
    return pyogrio.read_dataframe(file, layer=layer)


def desktop(layers, folder):
    return write_desktop(layers, folder, title="T", attribution=["own"], project_crs=5179)


def project_text(folder):
    with zipfile.ZipFile(folder / "technobelt.qgz") as archive:
        return archive.read("technobelt.qgs").decode()


def style_in(file, layer):
    with closing(sqlite3.connect(file)) as database:
        asked = "SELECT styleQML FROM layer_styles WHERE f_table_name = ?"
        return "".join(row[0] for row in database.execute(asked, (layer,)))


# --- columns that differ only in case ------------------------------------------------------------


def twins():
    """Return layers with columns that differ from others only in case."""
    universities = table(SQUARE.centroid, NAME=["other"], name=["창원대학교"])
    clusters = table(SQUARE, ID=["other"], id=["east"], name=["East"])
    return {"universities": universities, "clusters": clusters}


def test_styles_name_columns_as_the_geopackage_does(tmp_path):
    inside = write_geopackage(twins(), tmp_path / "a.gpkg", styled=True)
    assert inside["universities"].columns == {"a": "a", "NAME": "NAME", "name": "name_2"}
    assert 'fieldName="name_2"' in style_in(tmp_path / "a.gpkg", "universities")
    assert 'attr="id_2"' in style_in(tmp_path / "a.gpkg", "clusters")


def test_the_project_draws_by_the_columns_of_its_geopackage(tmp_path):
    desktop(twins(), tmp_path)
    text = project_text(tmp_path)
    assert 'fieldName="name_2"' in text
    assert 'attr="id_2"' in text


# --- names that a format refuses -----------------------------------------------------------------

ODD = ["<script>alert(2)</script>", "(2021) parks", "gpkg_x", "sqlite_x", "a|b", "-", "_", ""]
CALLED = [
    *("_script>alert(2)</script>", "_2021) parks", "_gpkg_x", "_sqlite_x", "a_b"),
    *("__2", "_", "__3"),
]


def test_layers_of_a_geopackage_may_be_called_anything_and_it_is_said(tmp_path):
    notes = []
    layers = {name: table(SQUARE, b=[at]) for at, name in enumerate(ODD)}
    inside = write_geopackage(layers, tmp_path / "a.gpkg", said=notes.append)
    assert [one.layer for one in inside.values()] == CALLED
    assert pyogrio.list_layers(tmp_path / "a.gpkg")[:, 0].tolist() == CALLED
    assert [rows_of(tmp_path / "a.gpkg", name)["b"].item() for name in CALLED] == [*range(8)]
    wanted = [
        f"a.gpkg: layer '{name}' is called '{called}'"
        for name, called in zip(ODD, CALLED, strict=True)
        if name != called
    ]
    assert [str(note) for note in notes] == wanted


def test_odd_names_of_layers_arrive_in_folders_and_in_the_project(tmp_path):
    layers = {name: table(SQUARE) for name in ODD}
    write_layers(layers, tmp_path / "f", "gpkg", attribution=["own"])
    assert len(list((tmp_path / "f").glob("*.gpkg"))) == len(ODD)
    done = desktop(layers, tmp_path / "d")
    assert "layername=_script&gt;alert(2)&lt;/script&gt;" in project_text(tmp_path / "d")
    assert "layers.gpkg: layer '(2021) parks' is called '_2021) parks'" in map(str, done.notes)


def test_a_refused_name_is_not_put_down_to_the_disk(tmp_path, monkeypatch):
    def refuses(*_):
        raise pyogrio.errors.DataLayerError("The layer name may not be that")

    monkeypatch.setitem(WRITERS, ".gpkg", refuses)
    with pytest.raises(OutputError, match="may not be that") as told:
        write_layer(table(SQUARE), tmp_path / "a.gpkg")
    assert "disk" not in str(told.value)


# --- layers that no project draws ----------------------------------------------------------------

COLLECTION = shapely.GeometryCollection([SQUARE])
UNDRAWN = [
    ("collections", table(COLLECTION)),
    ("no row", table(SQUARE).iloc[:0]),
    ("no shape", table(None, None)),
]


@pytest.mark.parametrize("frame", [row[1] for row in UNDRAWN], ids=[row[0] for row in UNDRAWN])
def test_a_layer_that_no_project_draws_is_written_and_it_is_said(tmp_path, frame):
    done = desktop({"x": frame}, tmp_path)
    said = "layer 'x' is not drawn: no points, lines or areas"
    assert f"technobelt.qgz: {said}" in map(str, done.notes)
    assert said in (tmp_path / "NOTES.txt").read_text(encoding="utf-8")
    assert len(rows_of(tmp_path / "layers.gpkg")) == len(frame)
    assert "<maplayer " not in project_text(tmp_path)


def test_collections_among_drawn_shapes_are_counted(tmp_path):
    done = desktop({"x": table(SQUARE, None, COLLECTION)}, tmp_path)
    wanted = "technobelt.qgz: layer 'x': 1 shape of mixed kinds is not drawn"
    assert wanted in map(str, done.notes)


# --- shapes that seven decimals of a degree make others ------------------------------------------

SPECK = shapely.box(5, 5, 5 + 3e-8, 5 + 3e-8)
SHARD = shapely.box(5, 5, 5 + 3e-8, 6)
PINHOLE = shapely.box(0.5, 0.5, 0.5 + 1e-8, 0.5 + 1e-8)
SHORT = shapely.LineString([(0, 0), (1e-8, 1e-8)])
LINE = shapely.LineString([(0, 0), (1, 1)])
SMALL = [
    ("a speck", SPECK, None, "1 shape too small"),
    ("a shard", SHARD, None, "1 shape too small"),
    ("a short line", SHORT, None, "1 shape too small"),
    ("a speck among areas", shapely.MultiPolygon([AREA, SPECK]), AREA, "without parts or holes"),
    ("a short line among lines", shapely.MultiLineString([SHORT, LINE]), LINE, "without parts"),
    ("a pinhole", AREA - PINHOLE, AREA, "without parts or holes"),
]


@pytest.mark.parametrize(
    ("shape", "kept", "said"), [row[1:] for row in SMALL], ids=[row[0] for row in SMALL]
)
def test_shapes_that_vanish_in_a_geojson_are_left_out_and_it_is_said(tmp_path, shape, kept, said):
    notes = []
    frame = table(AREA, shape, crs=4326)
    back = rows_of(write_layer(frame, tmp_path / "a.geojson", said=notes.append)).geometry
    assert back[0].equals(AREA)
    assert back[1] is None if kept is None else back[1].equals(kept)
    assert [note.loss for note in notes if said in note.text] == [True]
    assert rows_of(write_layer(frame, tmp_path / "a.gpkg")).geometry[1].equals(shape)


def test_a_geojson_holds_areas_over_more_than_half_the_world(tmp_path):
    wide = shapely.box(-179, 0, 179, 89)
    file = write_layer(table(wide, crs=4326), tmp_path / "a.geojson")
    assert rows_of(file).geometry[0].equals(wide)


SLIVER = shapely.Polygon([(0, 0), (2, 0), (2, 3e-8), (0.1, 3e-8), (0.1, 1), (0, 1)])
INSIDE_OUT = shapely.Polygon(SQUARE.exterior, [SQUARE.buffer(100).exterior])
REFUSED = [
    ("geojson", table(shapely.box(170, 0, 190, 9), crs=4326), "row 1 reaches beyond 180 degrees"),
    ("geojson", table(AREA, SLIVER, crs=4326), "'odd.geojson' did not read back as written: the shape in row 2 came back another"),
    ("shp", table(SQUARE, INSIDE_OUT), "the shape in row 2 came back another"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "frame", "said"), REFUSED)
def test_a_shape_that_a_format_cannot_hold_sends_its_layer_into_a_geopackage(
    tmp_path, form, frame, said
):
    layers = {"good": table(SQUARE), "odd": frame}
    done = write_layers(layers, tmp_path, form, attribution=["own"])
    assert list(done.rows) == [f"good.{form}", "odd.gpkg"]
    assert not (tmp_path / f"odd.{form}").exists()
    notes = [note.text for note in done.notes if note.file == "odd.gpkg"]
    assert any(said in text and "instead of a " in text for text in notes)
