"""Layers of lines as roads: columns by option, ends snapped, crossings left alone unless asked."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from technobelt.cli import main
from technobelt.errors import CRSError, MissingColumnError, NetworkError
from technobelt.network import LineRules, build_network, load_network
from technobelt.network.joints import join_ends, split_at_crossings
from technobelt.network.lines import read_lines

CRS = "EPSG:5179"
EAST, NORTH = 1_100_000, 1_690_000


def layer(*lines, crs=CRS, **columns):
    """Make a layer of lines written in metres from a place in the belt."""
    shapes = [shapely.LineString(np.add(line, [EAST, NORTH])) for line in lines]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS).to_crs(crs)


def notes_of(frame, **rules):
    return build_network(frame, crs=CRS, lines=LineRules(**rules)).info.report


#: A street east, and one north from its end; the second begins `gap` metres off.
def corner(gap):
    return layer([(0, 0), (1000, 0)], [(1000 + gap, 0), (1000 + gap, 500)])


CROSS = ([(0, 500), (1000, 500)], [(500, 0), (500, 1000)])


# --- ends --------------------------------------------------------------------------------------


def test_ends_that_meet_are_joined():
    network = build_network(corner(0), crs=CRS)
    assert network.roads["length_m"].sum() == pytest.approx(1500, rel=1e-3)
    report = network.info.report
    assert (report["ends_snapped"], report["dead_ends"], report["parts"]) == (0, 2, 1)


def test_ends_within_the_tolerance_are_snapped_and_counted():
    report = notes_of(corner(0.8))
    assert (report["ends_snapped"], report["parts"]) == (2, 1)


def test_ends_beyond_it_are_not():
    frame = layer([(0, 0), (1000, 0)], [(1000, 0), (1000, 9)], [(1001.5, 0), (1500, 0)])
    report = notes_of(frame)
    assert (report["ends_snapped"], report["parts"], report["dead_ends"]) == (0, 2, 4)
    assert notes_of(frame, snap_m=2.0)["parts"] == 1


def test_an_end_near_a_vertex_of_another_line_goes_to_it_and_the_line_stays():
    joined = join_ends(
        [np.array([[0, 0], [50, 3.0], [100, 0]]), np.array([[50, 3.5], [50, 90.0]])], 1.0
    )
    assert joined.xy[1].tolist() == joined.xy[3].tolist() == [50, 3]
    assert joined.node[1] == joined.node[3]
    assert joined.dead_ends == 3


def test_lines_with_a_common_vertex_are_joined_there():
    frame = layer([(0, 0), (500, 0), (1000, 0)], [(500, -300), (500, 0), (500, 300)])
    assert len(build_network(frame, crs=CRS).roads) == 4


def test_an_end_that_touches_a_line_between_vertices_is_counted_and_joined_on_request():
    frame = layer([(0, 0), (1000, 0)], [(500, 0), (500, 300)], [(0, 0), (0, 100)])
    report = notes_of(frame)
    assert (report["open_touches"], report["parts"]) == (1, 2)
    report = notes_of(frame, split_at_crossings=True)
    assert (report["open_touches"], report["parts"]) == (0, 1)


def test_lines_that_cross_are_not_joined_unless_asked():
    frame = layer(*CROSS, [(0, 500), (0, 0)])
    report = notes_of(frame)
    assert (report["open_crossings"], report["parts"]) == (1, 2)
    report = notes_of(frame, split_at_crossings=True)
    assert (report["open_crossings"], report["parts"], report["crossings_split"]) == (0, 1, 2)


def test_a_ring_is_joined_to_itself():
    joined = join_ends([np.array([[0, 0], [9, 0], [9, 9], [0, 0.0]])], 1.0)
    assert joined.node.tolist() == [0, 1, 2, 0]
    assert joined.dead_ends == 0


def test_lines_of_which_no_two_meet_are_no_network():
    frame = layer([(0, 0), (100, 0)], [(110, 0), (200, 0)])
    with pytest.raises(
        NetworkError, match=r"no topology: no two of its 2 lines meet .* 10\.0 m apart"
    ):
        build_network(frame, crs=CRS)


def test_lines_that_only_cross_are_no_network_until_they_are_split():
    with pytest.raises(NetworkError, match="--split-at-crossings"):
        build_network(layer(*CROSS), crs=CRS)
    rules = LineRules(split_at_crossings=True)
    assert len(build_network(layer(*CROSS), crs=CRS, lines=rules).roads) == 4


@given(
    lines=st.lists(
        st.tuples(*[st.integers(0, 40)] * 4).filter(lambda p: p[:2] != p[2:]),
        min_size=1,
        max_size=12,
    )
)
@settings(deadline=None, max_examples=60)
def test_splitting_leaves_no_crossing_open_and_no_metre_out(lines):
    shapes = [np.array([[a, b], [c, d]], float) for a, b, c, d in lines]
    split = split_at_crossings(shapes, 0.5, {})
    joined = join_ends(split, 0.0)
    assert joined.open_crossings == 0
    for before, after in zip(shapes, split, strict=True):
        line = shapely.LineString(after)
        assert line.length == pytest.approx(shapely.LineString(before).length, abs=0.01)


# --- columns -----------------------------------------------------------------------------------

ROW = [(0, 0), (100, 0)], [(100, 0), (200, 0)], [(200, 0), (300, 0)]


def test_without_a_class_column_all_are_assumed_residential():
    network = build_network(layer(*ROW), crs=CRS)
    assert set(network.roads["class"]) == {"residential"}
    assert network.info.report["class_assumed"] == [3, "residential"]


def test_classes_come_from_a_column_and_a_map():
    frame = layer(*ROW, kind=["primary", "A", "mud"])
    rules = LineRules(class_column="kind", class_map={"A": "motorway"}, default_class="service")
    ways = read_lines(frame, rules=rules)
    network = build_network(frame, crs=CRS, lines=rules)
    assert ways.road_class.tolist() == [4, 0, 13]
    assert network.info.report["class_assumed"] == [1, "service"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("yes", (True, False)),
        ("F", (True, False)),
        ("FT", (True, False)),
        (1, (True, False)),
        (True, (True, False)),
        ("-1", (False, True)),
        (-1.0, (False, True)),
        ("T", (False, True)),
        ("TF", (False, True)),
        ("B", (True, True)),
        ("no", (True, True)),
        (0, (True, True)),
        (None, (True, True)),
    ],
)
def test_directions_come_in_the_spellings_of_several_sources(value, expected):
    ways = read_lines(layer(ROW[0], way=[value]), rules=LineRules(oneway_column="way"))
    assert (ways.forward[0], ways.backward[0]) == expected
    assert "oneway_unclear" not in ways.notes


def test_a_direction_that_is_not_understood_is_two_way_and_counted():
    ways = read_lines(layer(ROW[0], way=["perhaps"]), rules=LineRules(oneway_column="way"))
    assert ways.notes["oneway_unclear"] == 1


def test_limits_names_and_numbers_come_from_columns():
    frame = layer(*ROW, v=[60, "30 mph", None], n=["한길", "", None], no=[2.0, 14.0, None])
    rules = LineRules(limit_column="v", name_column="n", ref_column="no")
    ways = read_lines(frame, rules=rules)
    np.testing.assert_allclose(ways.limit_kph, [60, 48.28032, np.nan])
    assert ways.name.tolist() == ["한길", None, None]
    assert ways.ref.tolist() == ["2", "14", None]


def test_a_column_that_is_missing_names_those_that_are_there():
    with pytest.raises(MissingColumnError, match=r"'type' that --class-column names; found: kind"):
        read_lines(layer(ROW[0], kind=["x"]), rules=LineRules(class_column="type"))


@pytest.mark.parametrize(
    "rules", [{"default_class": "x"}, {"class_map": {"A": "x"}}, {"snap_m": -1}]
)
def test_rules_that_make_no_sense_are_refused(rules):
    with pytest.raises(NetworkError):
        read_lines(layer(ROW[0]), rules=LineRules(**rules))


# --- shapes and files --------------------------------------------------------------------------


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:5186", "EPSG:3857"])
def test_any_crs_is_the_same_network(crs):
    network = build_network(layer(*ROW, crs=crs), crs=CRS)
    assert network.roads["length_m"].sum() == pytest.approx(300, rel=1e-3)


def test_lines_of_several_parts_height_and_rows_without_lines_are_no_trouble():
    parts = shapely.MultiLineString([[(0, 0, 5), (1, 0, 6)], [(1, 0, 1), (2, 0, 1)]])
    shapes = [
        parts,
        None,
        shapely.Point(0, 0),
        shapely.LineString(),
        shapely.LineString([(3, 3)] * 2),
    ]
    shapes = [
        None if s is None else shapely.transform(s, lambda p: p * 100 + [EAST, NORTH])
        for s in shapes
    ]
    ways = read_lines(gpd.GeoDataFrame(geometry=shapes, crs=CRS))
    assert len(ways) == 2
    assert ways.notes["lines_left_out"] >= 3


def test_a_layer_without_a_crs_or_lines_is_refused():
    with pytest.raises(CRSError, match="no coordinate reference system"):
        read_lines(layer(*ROW).set_crs(None, allow_override=True))
    points = gpd.GeoDataFrame(geometry=[shapely.Point(EAST, NORTH)], crs=CRS)
    with pytest.raises(NetworkError, match="no line"):
        read_lines(points)
    with pytest.raises(NetworkError, match="no line"):
        read_lines(points.iloc[:0])


@pytest.mark.parametrize(
    "name", ["roads.shp", "roads.gpkg", "roads.geojson", "roads.parquet", "roads.fgb"]
)
def test_the_command_builds_from_every_format(tmp_path, name, capsys):
    frame = layer(*ROW, kind=["primary"] * 3)
    path, out = tmp_path / name, tmp_path / "out.parquet"
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    with pytest.raises(SystemExit) as done:
        main(["network", "build", str(path), "--class-column", "kind", "--out", str(out)])
    assert not done.value.code
    assert set(load_network(out).roads["class"]) == {"primary"}
    assert "dead ends: 2" in capsys.readouterr().out


def test_the_command_maps_classes(tmp_path):
    path, out = tmp_path / "roads.gpkg", tmp_path / "out.parquet"
    layer(*ROW, kind=["A", "A", "B"]).to_file(path)
    told = ["--class-column", "kind", "--class-map", "A=primary,B=trunk", "--snap-m", "0.5"]
    with pytest.raises(SystemExit) as done:
        main(["network", "build", str(path), "--format", "lines", *told, "--out", str(out)])
    assert not done.value.code
    assert set(load_network(out).roads["class"]) == {"primary", "trunk"}


def test_a_table_is_no_layer(tmp_path):
    path = tmp_path / "roads.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(NetworkError):
        build_network(path)
