"""The doctor: each fault is found in its row, told with what to do, and mended where that is safe."""

from __future__ import annotations

import dataclasses
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

import technobelt as tb
from hand_region import CORNER, ENDS, PLACES, ROAD, make_region, write_places
from technobelt.doctor import Finding, Remedy, examine, mend
from technobelt.doctor.mending_files import rewrite
from technobelt.errors import NetworkError, OutputError
from technobelt.layer_files import open_file
from technobelt.network import save_network
from technobelt.projections import KOREAN, KOREAN_RARE, candidates, in_korea, suggest_crs, twins
from technobelt.region import LayerFile


@pytest.fixture
def row(tmp_path):
    return make_region(tmp_path)


@pytest.fixture
def roads(draw):
    return draw(ENDS, ROAD)


def layer(region, name):
    return tb.read_layer(region, name).reset_index(drop=True)


def put(region, name, frame, file=None, **said):
    """Write a layer anew and return the region that reads it."""
    path = region.folder / (file or f"{name}.parquet")
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        path.unlink(missing_ok=True)
        frame.to_file(path, **said)
    return region.model_copy(update={"layers": {**region.layers, name: LayerFile(file=path.name)}})


def found(region, network=None, *, most=20, **wanted):
    """Return the findings that have all these values."""
    return [
        one
        for one in examine(region, network, most=most)
        if all(getattr(one, key) == value for key, value in wanted.items())
    ]


def errors(region, network=None):
    return found(region, network, severity="error")


# --- a region that is right ----------------------------------------------------------------------


def test_of_a_region_that_is_right_only_the_years_and_roads_are_to_do(row):
    told = examine(row)
    assert {(one.severity, one.check) for one in told} == {("to-do", "years"), ("to-do", "file")}
    assert [one.layer for one in told if one.check == "file"] == ["roads"]


def test_the_built_in_region_has_no_error():
    told = examine(tb.load_region())
    assert {one.severity for one in told} == {"warning", "to-do"}
    assert {one.row for one in told if one.check == "roads"} == {"GIC09", "VOC06"}


def test_findings_say_what_to_do_and_stand_by_severity(row):
    bad = put(row, "centres", layer(row, "centres").drop(columns="kind"))
    told = examine(bad)
    assert all(one.what and one.do and one.layer for one in told)
    order = [("error", "warning", "to-do").index(one.severity) for one in told]
    assert order == sorted(order)


# --- columns, ids, texts -------------------------------------------------------------------------


def test_a_missing_column_and_a_wrong_type_are_told(row):
    frame = layer(row, "complexes").assign(area_km2=["1.5", "about 2", None])
    bad = put(row, "complexes", frame.drop(columns="kind"))
    columns, types = errors(bad)
    assert (columns.check, columns.row) == ("columns", "")
    assert "'kind'" in columns.what
    assert (types.check, types.row, types.found) == ("types", "P_centre", "about 2")


def test_a_complex_of_two_hundred_parts_is_taken_as_it_is(row, roads):
    places = layer(row, "complexes")
    middle = places.geometry.iloc[0].centroid
    parts = [middle.buffer(4).envelope] + [
        shapely.box(
            middle.x + 10 * i, middle.y + 10 * j, middle.x + 10 * i + 5, middle.y + 10 * j + 5
        )
        for i in range(1, 21)
        for j in range(1, 11)
    ]
    places.loc[0, "geometry"] = shapely.MultiPolygon(parts)
    region = put(row, "complexes", places)
    assert not errors(region)
    read = tb.read_layer(region, "complexes").geometry.iloc[0]
    assert len(read.geoms) == 201
    claim = tb.check_claims(region, roads).claims[0]
    assert claim["observed_min"] is not None


def test_ids_that_come_twice_or_not_at_all_are_told_by_row(row):
    frame = layer(row, "centres").assign(id=["a", "a", None])
    assert [(one.row, one.check) for one in errors(put(row, "centres", frame))] == [
        ("row 2", "ids"),
        ("row 3", "ids"),
    ]


def test_an_id_of_two_layers_is_told(row):
    frame = layer(row, "centres").assign(id=["U_east", "b", "c"])
    told = found(put(row, "centres", frame), check="ids")
    assert [(one.layer, one.row) for one in told] == [("centres", "U_east")]


def test_rows_that_are_the_same_are_dropped(row):
    frame = layer(row, "centres")
    bad = put(row, "centres", pd.concat([frame, frame.iloc[[0]]]), "centres.gpkg")
    assert [one.check for one in errors(bad)] == ["duplicates"]
    assert "taken out: 1" in mend(bad, examine(bad))[0]
    assert tb.read_layer(bad, "centres")["id"].tolist() == frame["id"].tolist()


def test_one_place_under_two_ids_is_a_warning(row):
    frame = layer(row, "centres")
    twin = frame.iloc[[0]].assign(id="new", name="NAME OF  t-east")
    bad = put(row, "centres", pd.concat([frame.assign(name=["Name of T East", "b", "c"]), twin]))
    told = found(bad, check="duplicates")
    assert [(one.row, one.severity) for one in told] == [("new", "warning")]


def test_blanks_around_texts_are_taken_off(row):
    frame = layer(row, "centres")
    bad = put(row, "centres", frame.assign(cluster=[" east", "centre ", "west"]), "c.geojson")
    assert {one.row for one in found(bad, check="text")} == {"T_east", "T_centre"}
    mend(bad, examine(bad))
    assert tb.read_layer(bad, "centres")["cluster"].tolist() == ["east", "centre", "west"]
    assert (bad.folder / "c.geojson.bak").is_file()


def test_a_shapefile_in_cp949_without_a_cpg_gets_one(row):
    frame = layer(row, "centres").assign(name="창원기술혁신센터").drop(columns="existed_1999")
    bad = put(row, "centres", frame, "c.shp", encoding="CP949")
    (row.folder / "c.cpg").unlink()
    (told,) = found(bad, check="encoding")
    assert "CP949" in told.do
    assert mend(bad, [told]) == ["c.cpg: written, CP949"]
    assert not found(bad, check="encoding")
    assert set(tb.read_layer(bad, "centres")["name"]) == {"창원기술혁신센터"}


def test_text_that_was_saved_scrambled_is_told_with_what_it_was(row):
    wrong = "창원".encode("cp949").decode("latin-1")
    (told,) = found(put(row, "centres", layer(row, "centres").assign(name=wrong)), check="encoding")
    assert "which is 창원" in told.found


def test_empty_layers_are_to_do_and_files_that_are_not_there_are_errors(row):
    empty = put(row, "centres", layer(row, "centres").iloc[:0])
    (told,) = found(empty, layer="centres")
    assert (told.severity, told.check) == ("to-do", "file")
    assert not errors(empty)
    (row.folder / "centres.parquet").unlink()
    assert [one.check for one in errors(row)] == ["file"]


# --- shapes --------------------------------------------------------------------------------------

BOW = shapely.Polygon([[0, 0], [500, 500], [500, 0], [0, 500]])


def test_shapes_that_are_not_valid_are_repaired_as_what_the_layer_holds(row):
    frame = layer(row, "complexes")
    shape = shapely.transform(BOW, lambda xy: xy + shapely.get_coordinates(frame.geometry)[0])
    frame = frame.set_geometry([shape, *frame.geometry[1:]], crs=frame.crs)
    bad = put(row, "complexes", frame, "c.gpkg")
    assert [(one.row, one.check) for one in errors(bad)] == [("P_east", "shapes")]
    mend(bad, examine(bad))
    assert not errors(bad)
    assert tb.read_layer(bad, "complexes").geometry.iloc[0].geom_type == "MultiPolygon"


def test_an_empty_shape_beside_one_that_is_repaired_is_no_obstacle(row):
    frame = layer(row, "complexes")
    shape = shapely.transform(BOW, lambda xy: xy + shapely.get_coordinates(frame.geometry)[0])
    empty = shapely.Polygon()
    frame = frame.set_geometry([shape, empty, *frame.geometry[2:]], crs=frame.crs)
    bad = put(row, "complexes", frame, "c.gpkg")
    mend(bad, examine(bad))
    assert [one.row for one in errors(bad)] == ["P_centre"]


def test_missing_and_wrong_shapes_are_told_by_row(row):
    frame = layer(row, "centres")
    lines = [None, shapely.LineString([[0, 0], [1, 1]]), frame.geometry[2]]
    told = errors(put(row, "centres", frame.set_geometry(lines, crs=frame.crs)))
    assert [(one.row, one.found) for one in told] == [("T_east", ""), ("T_centre", "LineString")]


# --- positions -----------------------------------------------------------------------------------


def turned(frame):
    shapes = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    return frame.set_geometry(shapes, crs=frame.crs)


def said(frame, true, wrong):
    return frame.to_crs(true).set_crs(wrong, allow_override=True)


@pytest.mark.parametrize("name", ["universities", "clusters"])
@pytest.mark.parametrize(
    ("how", "words"),
    [
        (lambda f: turned(f.to_crs(4326)), "axes are exchanged"),
        (turned, "axes are exchanged"),
        (lambda f: said(f, 4326, 5179), "coordinates are degrees"),
        (lambda f: said(f, 5179, 4326), "coordinates are metres"),
        (lambda f: said(f, 5187, 5186), "in EPSG:5186 it lies where it does not"),
        (lambda f: said(f, 5186, 5187), "in EPSG:5187 it lies where it does not"),
        (lambda f: said(f, 5186, 5181), "in EPSG:5181 it lies where it does not"),
        (lambda f: said(f, 5179, 5186), "in EPSG:5186 it lies where it does not"),
        (lambda f: f.to_crs(5186).set_crs(None, allow_override=True), "no coordinate reference"),
    ],
    ids=[
        "swapped",
        "metres swapped",
        "degrees",
        "metres",
        "east belt",
        "central",
        "2010",
        "unified",
        "none",
    ],
)
def test_a_wrong_crs_is_told_and_set_right(row, name, how, words):
    before = layer(row, name)
    bad = put(row, name, how(before))
    told = errors(bad)
    assert [(one.layer, one.check) for one in told] == [(name, "crs")]
    assert words in told[0].what
    mend(bad, told)
    assert not errors(bad)
    after = tb.read_layer(bad, name).to_crs(5179)
    there = before.set_index("id").geometry
    assert (after.geometry.centroid.distance(there.centroid) < 1).all()


@pytest.mark.parametrize("true", KOREAN)
@pytest.mark.parametrize("wrong", KOREAN)
def test_the_usual_belts_are_told_apart_by_where_points_land_but_for_twins(row, true, wrong):
    if true == wrong:
        return
    told = errors(put(row, "universities", said(layer(row, "universities"), true, wrong)))
    pair = {"EPSG:5174", "EPSG:5181"}
    if {true, wrong} == pair:
        assert told == []  # three places do not tell 300 m
        return
    (one,) = told
    assert wrong in one.what
    if true in pair:
        assert all(f"{crs}, Korea" in one.do for crs in pair)
        assert "one grid on different datums" in one.do
        assert one.remedy is None
    else:
        assert one.remedy == Remedy("crs", true)


@pytest.mark.parametrize("crs", KOREAN_RARE)
def test_a_rare_belt_is_named_where_no_usual_one_fits(row, crs):
    (told,) = errors(put(row, "universities", said(layer(row, "universities"), crs, 3857)))
    named = [told.remedy.crs] if told.remedy else told.may_be
    assert crs in named or set(twins(crs)) & set(named)
    assert set(named) <= {crs, *twins(crs)}


def on_the_road(count=30):
    """Return places on the road and a bit beside, as interchanges are."""
    x = np.linspace(21_000, 39_000, count)
    xy = np.column_stack([x, 20 * np.sin(x)]) + CORNER
    said = {"id": [f"i{n}" for n in range(count)], "name": "i", "kind": "x", "cluster": "centre"}
    said |= {"source": "s", "licence": "l", "confidence": "high"}
    return gpd.GeoDataFrame(said, geometry=shapely.points(xy), crs=5179)


@pytest.mark.parametrize(("true", "other"), [(5174, 5181), (5181, 5174)])
def test_roads_tell_between_twins_where_points_lie_on_them(row, draw, true, other):
    bent = draw({**ENDS, "m": (30_000, 0)}, [("a", "m", {"via": [(15_000, 0)]}), ("m", "b")])
    bad = put(row, "interchanges", said(on_the_road(), true, 5186))
    (told,) = found(bad, bent, layer="interchanges", check="crs")
    assert f"By the roads it is EPSG:{true}: at the median the nearest is" in told.do
    assert told.remedy is None
    mistaken = put(row, "interchanges", said(on_the_road(), true, other))
    (told,) = found(mistaken, bent, layer="interchanges", check="crs")
    assert told.severity == "warning"
    assert f"by the roads it is in EPSG:{true}" in told.what
    assert f"not in EPSG:{other}" in told.what
    assert not found(put(row, "interchanges", on_the_road().to_crs(true)), bent, check="crs")


def test_roads_do_not_tell_between_twins_where_places_are_few_or_off_the_road(row, roads):
    bad = put(row, "universities", said(layer(row, "universities"), 5181, 5186))
    (told,) = found(bad, roads, check="crs")
    assert "Roads do not tell: at the median the nearest is" in told.do
    off = on_the_road()
    away = np.random.default_rng(1).uniform(-900, 900, len(off))
    off = off.set_geometry(shapely.points(off.geometry.x, CORNER[1] + away), crs=5179)
    bad = put(row, "interchanges", said(off, 5181, 5186))
    (told,) = found(bad, roads, layer="interchanges", check="crs")
    assert "Roads do not tell" in told.do
    right = put(row, "interchanges", off.to_crs(5181))
    assert not found(right, roads, layer="interchanges", check="crs")


@pytest.mark.parametrize("crs", KOREAN)
def test_every_korean_belt_is_right_where_it_is_said(row, crs):
    assert not errors(put(row, "universities", layer(row, "universities").to_crs(crs)))


def test_a_region_that_lies_elsewhere_than_its_crs_is_told_which_one_would_do(row):
    def away(frame):
        place = gpd.GeoSeries([shapely.Point(11.3, 44.5)], crs=4326).to_crs(32632)
        by = shapely.get_coordinates(place.array)[0] - CORNER
        moved = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy + by)
        return frame.set_geometry(moved, crs=None).set_crs(32632, allow_override=True)

    where = row
    for name in ("clusters", "complexes", "universities", "centres", "land"):
        where = put(where, name, away(layer(row, name)))
    (told,) = errors(where)
    assert 'crs = "EPSG:32632"' in told.do
    assert not errors(where.model_copy(update={"crs": "EPSG:32632"}))


@pytest.mark.parametrize(
    ("place", "crs"),
    [
        ((128.6, 35.9), "EPSG:5187"),
        ((127.0, 37.5), "EPSG:5186"),
        ((126.5, 33.4), "EPSG:5186"),
        ((11.3, 44.5), "EPSG:32632"),
        ((-82.9, 40.0), "EPSG:32617"),
        ((5.3, 60.4), "EPSG:32632"),
        ((180.0, -17.0), "EPSG:32760"),
        ((15.0, 78.2), "EPSG:32633"),
        ((0.0, 89.0), "EPSG:5041"),
        ((0.0, -85.0), "EPSG:5042"),
    ],
)
def test_a_place_has_its_korean_belt_or_utm_zone(place, crs):
    assert suggest_crs(*place) == crs
    assert (crs in {"EPSG:5186", "EPSG:5187"}) == in_korea(*place)
    assert crs in candidates("EPSG:3035", *place)


# --- clusters, hubs, roads -----------------------------------------------------------------------


def test_a_place_outside_of_its_cluster_and_one_of_no_cluster_are_told(row):
    frame = layer(row, "centres").assign(cluster=["west", "north", None])
    told = found(put(row, "centres", frame), check="clusters")
    assert [(one.row, one.severity) for one in told] == [
        ("T_centre", "error"),
        ("T_west", "error"),
        ("T_east", "warning"),
    ]
    assert told[2].found == "inside 'east', 50.0 km away"


def test_a_place_just_outside_is_within_the_error_of_its_position(row):
    places = {**PLACES, "X": ("centres", "k", "west", 11_500, 0, {"confidence": "low"})}
    write_places(row.folder, places)
    assert not found(row, check="clusters")
    write_places(row.folder, {**places, "X": (*places["X"][:5], {"confidence": "high"})})
    assert [one.row for one in found(row, check="clusters")] == ["X"]


def test_clusters_and_their_outlines_go_together(row):
    frame = layer(row, "clusters").assign(id=["east", "middle", "west"])
    told = found(put(row, "clusters", frame), layer="clusters")
    assert [(one.row, one.severity) for one in told] == [("centre", "error"), ("middle", "warning")]


def test_a_hub_that_is_none_is_told(tmp_path):
    region = make_region(tmp_path, edit=('hub = "U_centre"', 'hub = "U_west"'))
    assert "lies in 'west'" in found(region, check="hubs")[0].what


def test_a_hub_that_is_no_place_is_told_with_the_places_that_there_are(tmp_path):
    region = make_region(tmp_path, edit=('hub = "U_centre"', 'hub = "centre-hub"'))
    (told,) = found(region, check="hubs")
    assert (
        told.found
        == "P_east, P_centre, P_west, U_east, U_centre, U_west, T_east, T_centre and 1 more"
    )


def test_roads_that_end_just_beside_a_cluster_are_told(row, roads):
    def told(west, east):
        area = shapely.affinity.translate(shapely.box(west, -40_000, east, 40_000), *CORNER)
        info = dataclasses.replace(roads.info, extent=area.wkt)
        network = dataclasses.replace(roads, info=info)
        return {one.row: one.found for one in found(row, network, check="roads", layer="clusters")}

    assert told(-60_000, 120_000) == {}
    assert told(-12_500, 75_000) == {"west": "they end 2.5 km from it"}
    assert told(-8_000, 60_000) == dict.fromkeys(
        ["east", "west"], "part of it lies beyond their end"
    )
    assert found(row, roads, check="roads", layer="clusters") == []


def test_places_far_from_roads_or_on_an_island_are_told(row, draw):
    network = draw({**ENDS, "c": (-8_000, 3_000), "d": (-7_000, 3_000)}, [*ROAD, ("c", "d")])
    places = {
        **PLACES,
        "far": ("centres", "k", "west", 0, 5_000),
        "island": ("centres", "k", "west", -7_500, 3_000),
    }
    write_places(row.folder, places)
    told = {one.row: one for one in found(row, network, check="roads", layer="centres")}
    assert set(told) == {"far", "island"}
    assert "5,0" in told["far"].found
    assert "does not lead to the others" in told["island"].what


def test_a_corridor_that_no_road_bears_is_told_with_those_there_are(row, draw):
    network = draw(ENDS, [("a", "b", {"class": "motorway", "ref": "77"})])
    (told,) = found(row, network, layer="roads")
    assert told.found == "77"


def test_roads_that_cannot_be_used_are_an_error_and_a_named_file_is_refused(row):
    (row.folder / "roads.parquet").write_bytes(b"no roads")
    assert [one.layer for one in errors(row)] == ["roads"]
    with pytest.raises(NetworkError):
        examine(row, row.folder / "roads.parquet")


# --- files that are mended -----------------------------------------------------------------------

FORMATS = ["u.gpkg", "u.geojson", "u.fgb", "u.shp", "u.parquet"]


@pytest.mark.parametrize("file", FORMATS)
def test_every_format_that_is_mended_keeps_what_it_was(row, file):
    frame = layer(row, "universities").drop(columns="existed_1999")
    bad = put(row, "universities", turned(frame.to_crs(4326)), file)
    before = (row.folder / file).read_bytes()
    mend(bad, examine(bad))
    assert not errors(bad)
    assert (row.folder / f"{file}.bak").read_bytes() == before
    assert len(tb.read_layer(bad, "universities")) == len(frame)


def test_other_layers_of_a_geopackage_stay(row):
    path = row.folder / "all.gpkg"
    layer(row, "centres").to_file(path, layer="other")
    turned(layer(row, "universities").to_crs(4326)).to_file(path, layer="universities")
    bad = row.model_copy(
        update={"layers": {**row.layers, "universities": LayerFile(file="all.gpkg")}}
    )
    mend(bad, examine(bad))
    assert set(pyogrio.list_layers(path)[:, 0]) == {"other", "universities"}
    assert len(gpd.read_file(path, layer="other")) == 3
    assert not errors(bad)


def test_a_format_that_is_not_written_is_left_alone_and_said(row):
    frame = turned(layer(row, "universities").to_crs(4326))
    bad = put(row, "universities", frame, "u.gml", driver="GML")
    before = (row.folder / "u.gml").read_bytes()
    assert "not mended, for .gml is not written" in mend(bad, examine(bad))[0]
    assert (row.folder / "u.gml").read_bytes() == before


def raised(frame):
    """Give every point a height of its own."""
    xy = frame.get_coordinates().to_numpy()
    return frame.set_geometry(shapely.points(np.c_[xy, np.arange(1.0, len(xy) + 1)]), crs=frame.crs)


def heights(path):
    frame = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    return frame.set_index("id").geometry.apply(lambda point: point.z).to_dict()


@pytest.mark.parametrize("file", FORMATS)
@pytest.mark.parametrize("swap", [False, True], ids=["blanks", "axes"])
def test_heights_stay_in_a_file_that_is_mended(row, file, swap):
    frame = raised(layer(row, "universities").drop(columns="existed_1999").to_crs(4326))
    faulty = frame.assign(name=" a ")
    if swap:
        faulty = faulty.set_geometry(
            shapely.transform(frame.geometry.array, lambda xyz: xyz[:, [1, 0, 2]], include_z=True),
            crs=4326,
        )
    bad = put(row, "universities", faulty, file)
    mend(bad, examine(bad))
    assert not errors(bad)
    assert heights(row.folder / file) == dict(zip(frame["id"], frame.geometry.z, strict=True))
    assert not layer(bad, "universities").has_z.any()


def test_a_repaired_shape_has_the_heights_of_its_corners_and_the_others_keep_theirs(row):
    frame = layer(row, "complexes")
    corner = shapely.get_coordinates(frame.geometry)[0]
    bow = shapely.Polygon(
        [[*(xy + corner), z] for *xy, z in [(0, 0, 1), (500, 500, 2), (500, 0, 3), (0, 500, 4)]]
    )
    square = shapely.force_3d(frame.geometry[1].buffer(100, cap_style="square"), 7.0)
    frame = frame.set_geometry([bow, square, frame.geometry[2].buffer(9)], crs=frame.crs)
    bad = put(row, "complexes", frame, "c.gpkg")
    assert "heights of new corners interpolated" in mend(bad, examine(bad))[0]
    after = gpd.read_file(row.folder / "c.gpkg").geometry
    xyz = {tuple(xy - corner): z for *xy, z in shapely.get_coordinates(after[0], include_z=True)}
    assert xyz == {(0, 0): 1, (500, 500): 2, (500, 0): 3, (0, 500): 4, (250, 250): 2.5}
    assert set(shapely.get_coordinates(after[1], include_z=True)[:, 2]) == {7}
    assert not after[2].has_z


@pytest.mark.parametrize("kind", ["Z", "no Z"])
@pytest.mark.parametrize("file", ["l.gpkg", "l.shp", "l.fgb", "l.parquet"])
def test_measures_stay_where_a_fix_does_not_touch_the_shape(row, file, kind):
    lines = ["LINESTRING ZM (128 35 1 7, 129 35 2 8)", "LINESTRING ZM (128 36 3 7, 129 36 4 9)"]
    if kind == "no Z":
        lines = ["LINESTRING M (128 35 7, 129 35 8)", "LINESTRING M (128 36 7, 129 36 9)"]
    frame = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=list(shapely.from_wkt(lines)), crs=4326)
    frame = pd.concat([frame, frame.iloc[[0]]])
    path = row.folder / file
    if file == "l.gpkg":  # it is written into
        frame.iloc[:0].to_file(path, layer="corridor")
    assert rewrite(frame, path, LayerFile(file=file), "corridor") == []
    region = row.model_copy(update={"layers": {**row.layers, "corridor": LayerFile(file=file)}})
    same = Finding("corridor", "a", "error", "duplicates", "", "", "", Remedy("duplicates"))
    (done,) = mend(region, [same])
    assert done == f"{file}: rows that came twice taken out: 1; as it was: {file}.bak"
    after = open_file(path, LayerFile(file=file), "corridor", measured=True).set_index("id")
    assert shapely.to_wkt(after.geometry.loc[["a", "b"]].to_numpy()).tolist() == lines
    assert not shapely.has_m(open_file(path, LayerFile(file=file), "corridor").geometry.array).any()


def test_measures_that_cannot_be_kept_are_said(row):
    frame = layer(row, "universities").to_crs(4326)
    marked = [shapely.from_wkt(f"POINT ZM ({p.y} {p.x} 5 6)") for p in frame.geometry]
    bad = put(row, "universities", frame.set_geometry(marked, crs=4326))
    assert "measures (M) lost: 3" in mend(bad, examine(bad))[0]
    assert heights(row.folder / "universities.parquet") == dict.fromkeys(frame["id"], 5.0)


def test_rows_that_differ_in_height_alone_are_not_taken_out(row):
    frame = raised(layer(row, "centres"))
    higher = frame.iloc[[0]].set_geometry(
        shapely.force_3d(shapely.force_2d(frame.geometry.array[:1]), 99), crs=frame.crs
    )
    bad = put(row, "centres", pd.concat([frame, higher, frame.iloc[[1]]]), "c.gpkg")
    done = mend(bad, examine(bad))[0]
    assert "taken out: 1, rows that differ in height alone left in: 1" in done
    assert gpd.read_file(row.folder / "c.gpkg").geometry.z.tolist() == [1, 2, 3, 99]


def test_a_file_that_cannot_be_written_is_left_as_it_was(row, monkeypatch):
    bad = put(row, "universities", turned(layer(row, "universities").to_crs(4326)), "u.gpkg")
    before = (row.folder / "u.gpkg").read_bytes()

    def full(*_, **__):
        raise pyogrio.errors.DataSourceError("no room")

    told = examine(bad)
    monkeypatch.setattr(pyogrio, "write_dataframe", full)
    with pytest.raises(OutputError, match=r"'u.gpkg' could not be written: no room"):
        mend(bad, told)
    assert (row.folder / "u.gpkg").read_bytes() == before


# --- tables that are mended ----------------------------------------------------------------------


def tabled(region, text, encoding="utf-8", **said):
    """Write the layer universities as a table and return the region that reads it."""
    (region.folder / "u.csv").write_bytes(text.encode(encoding))
    layers = {**region.layers, "universities": LayerFile(file="u.csv", **said)}
    return region.model_copy(update={"layers": layers})


def test_coordinates_of_a_table_are_exchanged_and_all_else_stays_as_typed(row):
    rows = (
        "id;name;kind;cluster;lon;lat;remark;source;licence;confidence\n"
        "U_east;대학 A;research_university;east{};{};007;me;none;high\n"
        "U_west;대학 B;research_university;west;{};;me;none;high\n"
    )
    frame = layer(row, "universities").set_index("name").to_crs(4326)
    xy = frame.get_coordinates().loc[["name of U_east", "name of U_west"]].to_numpy()
    right = rows.format("", *(f"{x:.5f};{y:.5f}" for x, y in xy))
    wrong = rows.format(" ", *(f"{y:.5f};{x:.5f}" for x, y in xy))
    bad = tabled(row, wrong, "cp949")
    assert mend(bad, examine(bad)) == [
        "u.csv: lon and lat exchanged, blanks taken off; as it was: u.csv.bak"
    ]
    assert (row.folder / "u.csv").read_bytes() == right.encode("cp949")
    assert (row.folder / "u.csv.bak").read_bytes() == wrong.encode("cp949")


def test_rows_of_a_table_that_come_twice_are_taken_out(row):
    x, y = layer(row, "universities").to_crs(4326).get_coordinates().iloc[0]
    one = f"U_east,A,research_university,east,{x:.5f},{y:.5f},me,none,high\n"
    head = "id,name,kind,cluster,lon,lat,source,licence,confidence\n"
    bad = tabled(row, head + one + one, "utf-8-sig")
    assert "taken out: 1" in mend(bad, examine(bad))[0]
    assert (row.folder / "u.csv").read_bytes() == (head + one).encode("utf-8-sig")


def test_what_a_table_cannot_hold_is_said_and_the_table_left_alone(row):
    crs = Finding("universities", "", "error", "crs", "x", "y", "z", Remedy("crs", crs="EPSG:5179"))
    bad = tabled(row, "id,x,y\nU_east,1,2\n", crs="EPSG:5186")
    assert mend(bad, [crs]) == ['u.csv: not mended: write crs = "EPSG:5179" for it in region.toml']
    assert not (row.folder / "u.csv.bak").exists()


def test_mending_twice_keeps_both_backups_and_nothing_is_done_without_a_remedy(row):
    bad = put(row, "universities", turned(layer(row, "universities")))
    assert mend(bad, []) == []
    mend(bad, examine(bad))
    bad = put(bad, "universities", turned(layer(row, "universities")))
    assert "universities.parquet.bak1" in mend(bad, examine(bad))[0]


# --- the command line ----------------------------------------------------------------------------


def test_layers_exits_1_only_where_an_error_remains_and_fix_mends_it(run, row, roads, tmp_path):
    network = save_network(roads, tmp_path / "mine.parquet")
    assert run("layers", row.folder, "--network", network)[0] == 0
    put(row, "universities", turned(layer(row, "universities")))
    code, out, _ = run("layers", row.folder)
    assert code == 1
    assert "ERROR    universities: its axes are exchanged" in out
    assert "--fix mends 1" in out
    code, out, _ = run("layers", row.folder, "--fix")
    assert code == 0
    assert "Mended universities.parquet: x and y exchanged" in out


def test_of_a_new_region_no_licence_and_no_file_is_said_to_be_there(run, tmp_path):
    assert run("init", tmp_path / "new", "--at", "11.3,44.5")[0] == 0
    _, out, _ = run("layers", tmp_path / "new")
    assert "Licences" not in out
    assert "found: roads.parquet" not in out


def test_findings_stand_with_their_layer_in_json(run, row):
    put(row, "centres", layer(row, "centres").assign(cluster="north"))
    code, out, _ = run("layers", row.folder, "--json")
    rows = {one["layer"]: one for one in json.loads(out)}
    assert code == 1
    assert {one["check"] for one in rows["centres"]["findings"]} >= {"clusters"}
    assert set(rows["centres"]["findings"][0]) == {
        *("layer", "row", "severity", "check", "what", "found", "do", "rows", "fixable")
    }


def test_of_many_rows_with_one_fault_the_first_are_told_and_the_others_counted(run, row):
    frame = layer(row, "centres")
    many = pd.concat([frame] * 10).assign(id=[f"c{n}" for n in range(30)], cluster="north")
    bad = put(row, "centres", many)
    told = [one for one in errors(bad) if one.check == "clusters"]
    assert [one.row for one in told] == [*(f"c{n}" for n in range(20)), ""]
    assert [one.rows for one in told] == [*[1] * 20, 10]
    assert len(found(bad, most=5, check="clusters")) == 6
    assert [one.row for one in found(bad, most=29, check="clusters")] == many["id"].tolist()
    _, out, _ = run("layers", row.folder)
    assert "and 22 more" in out
    assert "30 errors" in out
    _, out, _ = run("layers", row.folder, "--json", "--all-rows")
    rows = {one["layer"]: one for one in json.loads(out)}["centres"]["findings"]
    assert sum(one["check"] == "clusters" for one in rows) == 30


def test_all_rows_wants_json(run, row):
    assert run("layers", row.folder, "--all-rows")[0] == 2


def test_a_fault_of_every_row_costs_no_finding_a_row(row, monkeypatch):
    """A million rows would take minutes and gigabytes."""
    made = []
    make = Finding.__init__
    monkeypatch.setattr(Finding, "__init__", lambda *said, **k: made.append(make(*said, **k)))
    frame = layer(row, "centres")
    many = gpd.GeoDataFrame(pd.concat([frame] * 700, ignore_index=True), crs=frame.crs)
    many = many.assign(id=None, name=" a ", cluster="north", confidence="sure")
    many = many.set_geometry([None] * len(many), crs=frame.crs)
    examine(put(row, "centres", many))
    assert 100 < len(made) < 300


def test_fix_wants_a_folder_to_be_named(run):
    code, _, err = run("layers", "--fix")
    assert code == 2
    assert "name the folder" in err
