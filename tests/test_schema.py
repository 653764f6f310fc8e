"""What is refused at the door, and in which words: what was wrong, what was found, what to do."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from technobelt.errors import CRSError, GeometryError, LayerError, MissingColumnError
from technobelt.schema import LAYERS, ROAD_CLASSES, check_layer, check_positions

BOW = shapely.Polygon([(128, 35), (129, 36), (129, 35), (128, 36)])
WHERE = r"layer '\w+' \(places\.gpkg\)"


def frame(name="complexes", rows=2, **columns):
    """Return a layer in which nothing is wrong but what `columns` says."""
    table = LAYERS[name]
    shape = {"Point": shapely.Point(128.5, 35.2), "Polygon": shapely.box(128, 35, 129, 36)}.get(
        table.geometry[0], shapely.LineString([(128, 35), (129, 35)])
    )
    values = {"text": "x", "integer": 1, "number": 1.5}
    data = {c.name: [values[c.kind]] * rows for c in table.columns if c.required}
    if "id" in data:
        data["id"] = [f"P{i}" for i in range(rows)]
    shapes = columns.pop("geometry", [shape] * rows)
    crs = columns.pop("crs", 4326)
    return gpd.GeoDataFrame({**data, **columns}, geometry=shapes, crs=crs)


def refusal(layer, name="complexes"):
    with pytest.raises(LayerError) as told:
        check_layer(layer, LAYERS[name], found_in="places.gpkg")
    assert "\n" not in str(told.value)
    assert str(told.value).rstrip().endswith(".")
    return told


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_with_its_columns_passes(name):
    check_layer(frame(name), LAYERS[name], found_in="places.gpkg")


@pytest.mark.parametrize(
    ("name", "column"), [(name, column) for name in LAYERS for column in LAYERS[name].required]
)
def test_a_missing_column_is_named_with_what_was_found_and_what_to_do(name, column):
    told = refusal(frame(name).drop(columns=column), name)
    found = ", ".join(frame(name).drop(columns=column).columns)
    assert told.type is MissingColumnError
    told.match(rf"{WHERE} needs column '{column}'; found: {found}\. Add it, or map it in ")
    told.match(rf"\[layers\.{name}\.columns\]")


def test_an_empty_layer():
    refusal(frame(rows=2).iloc[:0]).match(rf"{WHERE} is empty\. Add at least one row")


def test_no_crs():
    told = refusal(frame(crs=None))
    assert told.type is CRSError
    told.match(rf"{WHERE} has no coordinate reference system\. Save it with one")


def test_an_invalid_shape_with_its_row_and_reason():
    told = refusal(frame("clusters", geometry=[shapely.box(128, 35, 129, 36), BOW]), "clusters")
    assert told.type is GeometryError
    told.match(rf"{WHERE} has an invalid shape in row 2: Self-intersection.*Repair it")


@pytest.mark.parametrize("shape", [None, shapely.Point()])
def test_a_missing_shape(shape):
    told = refusal(frame(geometry=[shapely.Point(128, 35), shape]))
    assert told.type is GeometryError
    told.match(r"has no geometry in row 2\. Place it, mark its confidence 'not located', or take")


def test_a_place_that_nobody_can_place_is_kept_if_it_says_so():
    kept = frame(geometry=[shapely.Point(128, 35), None], confidence=["high", "not located"])
    check_layer(kept, LAYERS["complexes"], found_in="places.gpkg")
    told = refusal(frame(geometry=[None, None], confidence="not located"))
    assert told.type is GeometryError
    told.match("has not one row that is located")


def test_rows_are_counted_with_those_that_are_not_located():
    bad = frame(geometry=[None, BOW], confidence=["not located", "high"])
    refusal(bad).match("invalid shape in row 2")


def test_a_cluster_must_stand_somewhere():
    shapes = [shapely.box(128, 35, 129, 36), None]
    bad = frame("clusters", geometry=shapes, confidence=["high", "not located"])
    refusal(bad, "clusters").match(r"has no geometry in row 2\. Place it, or take the row out")


def test_a_shape_of_another_type():
    told = refusal(frame("clusters", geometry=[shapely.Point(128, 35)] * 2), "clusters")
    assert told.type is GeometryError
    told.match(r"must hold Polygon or MultiPolygon; found Point in row 1")


def test_an_id_twice_and_an_id_missing():
    refusal(frame(id=["P1", "P1"])).match(r"has the id 'P1' twice\. Give every row its own")
    refusal(frame(id=["P1", None])).match(r"has no id in row 2\. Give every row an id")


def test_a_word_where_a_number_belongs():
    told = refusal(frame(area_km2=[1.0, "large"]))
    told.match(r"column 'area_km2' must hold numbers; found 'large' in row 2\. Correct the value")
    check_layer(frame(area_km2=[1.0, None]), LAYERS["complexes"], found_in="x")
    check_layer(frame(area_km2=["1.0", "2"]), LAYERS["complexes"], found_in="x")


def test_longitude_and_latitude_exchanged():
    told = refusal(frame(geometry=shapely.points([[35.2, 128.5], [35.3, 128.6]])))
    assert told.type is CRSError
    told.match(
        r"exchanged \(x 35\.2000 to 35\.3000, y 128\.5000 to 128\.6000\)\. Points are LON,LAT"
    )


def test_metres_where_degrees_should_be():
    told = refusal(frame(geometry=shapely.points([[1.1e6, 1.7e6]] * 2)))
    assert told.type is CRSError
    told.match(r"its CRS is in degrees, its coordinates are not \(x 1100000.*Name the CRS")


def test_positions_in_metres_are_not_judged():
    check_positions(gpd.GeoDataFrame(geometry=shapely.points([[1.1e6, 1.7e6]]), crs=5179), "x")
    check_positions(gpd.GeoDataFrame(geometry=shapely.points([[1.1e6, 1.7e6]])), "x")


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_every_place_on_earth_is_a_place(lon, lat):
    check_positions(gpd.GeoDataFrame(geometry=[shapely.Point(lon, lat)], crs=4326), "x")


@given(st.floats(91, 180), st.floats(-90, 90))
def test_every_exchange_east_of_91_degrees_is_seen(lon, lat):
    exchanged = gpd.GeoDataFrame(geometry=[shapely.Point(lat, lon)], crs=4326)
    with pytest.raises(CRSError, match="exchanged"):
        check_positions(exchanged, "x")


def test_checking_changes_nothing():
    layer = frame(area_km2=["1", "2"])
    before = layer.copy(deep=True)
    check_layer(layer, LAYERS["complexes"], found_in="x")
    assert layer.equals(before)


def test_every_column_says_what_it_means_and_names_its_unit():
    for table in LAYERS.values():
        assert table.doc
        assert len({column.name for column in table.columns}) == len(table.columns)
        for column in table.columns:
            assert column.doc
            assert column.unit or column.kind != "number", (table.name, column.name)


def test_links_stand_beside_their_roads():
    links = [name for name in ROAD_CLASSES if name.endswith("_link")]
    assert all(
        ROAD_CLASSES[ROAD_CLASSES.index(name) - 1] == name.removesuffix("_link") for name in links
    )
    assert len(set(ROAD_CLASSES)) == len(ROAD_CLASSES) == 14
