"""Pictures of layers, and of the roads of two dates: what they show, and that nothing breaks them."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.figure import Figure

import technobelt as tb
from hand_region import CRS, land_cells, make_region
from technobelt.errors import LayerError, OutputError
from technobelt.figures import (
    draw_layers,
    ground_of,
    layers,
    network_maps,
    zone_maps,
    zones_picture,
)
from technobelt.figures.canvas import panels, scale_bar
from technobelt.figures.dates import dated_roads
from technobelt.figures.layer_maps import DRAWINGS, TABLES, Sheet, _cover, _raster
from technobelt.figures.layers import _bounds
from technobelt.figures.marks import choropleth, name_rows
from technobelt.figures.png import picture
from technobelt.figures.zones import _boxes, _places, _Sheet
from technobelt.network import save_network
from technobelt.schema import LAYERS, NOT_LOCATED
from technobelt.style import load_style
from technobelt.zones import delineate_zones, redraw_zones

CORNER = np.array([1_100_000.0, 1_690_000.0])
ALIGNMENTS = """alignments = [
  { since = "1980-01-01", routes = ["1"] },
  { since = "2001-01-01", routes = ["2"] },
]"""


def size(picture):
    """Return width and height of a PNG, pixels."""
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


def sheet_of(region, name, frame, ground=None):
    """Return what a layer's picture is drawn from."""
    rows = frame.to_crs(region.crs)
    placed = rows[~(rows.geometry.isna() | rows.geometry.is_empty)]
    bare = ground or ground_of(region, {"clusters": tb.read_layer(region, "clusters")}, None)
    return Sheet(region, name, rows, placed, bare)


def map_of(sheet, box=None):
    """Return the map of a sheet, drawn."""
    [map_] = panels(Figure((7.1, 8)), [box or tuple(sheet.placed.total_bounds)], titles=False)
    DRAWINGS[sheet.name](map_, sheet)
    return map_


def labels(map_):
    return map_.get_legend_handles_labels()[1]


def words(map_):
    return [text.get_text() for text in map_.texts]


def frame(rows, shapes):
    said = {"source": "drawn by hand", "licence": "none", "confidence": "high"}
    return gpd.GeoDataFrame(
        pd.DataFrame([said | row for row in rows]), geometry=list(shapes), crs=CRS
    )


def points_at(*xy):
    return shapely.points(np.array(xy, dtype=float) + CORNER)


@pytest.fixture(scope="module")
def built_in():
    return tb.load_region()


@pytest.fixture
def hand(tmp_path):
    return make_region(tmp_path)


# --- every layer ---------------------------------------------------------------------------------


def test_every_known_layer_has_a_drawing_of_its_own():
    assert set(DRAWINGS) == set(LAYERS) | {"roads"}
    assert set(TABLES) <= set(DRAWINGS)


def test_every_layer_of_the_built_in_region_becomes_a_picture_1600_pixels_wide(built_in, tmp_path):
    told = []
    pictures = draw_layers(built_in, tmp_path / "pictures", progress=told.append)
    assert list(pictures) == [*built_in.layers, "roads", "roads-by-date"] == told
    for name, file in pictures.items():
        wide, tall = size(file)
        assert file.name == f"{name}.png"
        assert 1550 <= wide <= 1700, name
        assert 600 <= tall <= 2200, name


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "land"])
def test_a_layer_needs_no_optional_column_and_no_row_needs_a_place(
    built_in, tmp_path, monkeypatch, name
):
    whole = tb.read_layer(built_in, name)
    least = whole[[*LAYERS[name].required, "geometry"]].copy()
    least.loc[least.index[0], "geometry"] = None
    monkeypatch.setattr(layers, "read_layer", lambda _, asked: {name: least}.get(asked, whole))
    monkeypatch.setattr(
        layers, "_ground", lambda region, _: ground_of(region, {"clusters": AREA}, None)
    )
    monkeypatch.setattr(layers, "_network", lambda _: None)
    assert size(draw_layers(built_in, tmp_path, only=[name])[name])[0] > 1500


AREA = gpd.GeoDataFrame({"id": ["all"]}, geometry=[shapely.box(128, 34, 130, 36)], crs=4326)


def test_only_what_is_asked_for_is_drawn_and_other_files_stay(hand, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "mine.txt").write_text("stays")
    assert list(draw_layers(hand, folder, only=["land", "clusters"])) == ["clusters", "land"]
    assert {file.name for file in folder.iterdir()} == {"mine.txt", "clusters.png", "land.png"}


def test_an_unknown_name_is_refused_and_the_known_ones_are_listed(hand, tmp_path):
    with pytest.raises(LayerError, match=r"'lnad'.*clusters, complexes, .*land"):
        draw_layers(hand, tmp_path / "pictures", only=["lnad"])
    assert not (tmp_path / "pictures").exists()


def test_a_drawing_that_fails_leaves_the_old_pictures(hand, tmp_path, monkeypatch):
    before = draw_layers(hand, tmp_path / "p", only=["clusters"])["clusters"].read_bytes()

    def fail(*_):
        raise RuntimeError("no ink")

    monkeypatch.setitem(DRAWINGS, "complexes", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        draw_layers(hand.model_copy(update={"name": "Another name"}), tmp_path / "p")
    assert [file.name for file in (tmp_path / "p").iterdir()] == ["clusters.png"]
    assert (tmp_path / "p" / "clusters.png").read_bytes() == before


def test_the_same_layer_gives_the_same_bytes(hand, tmp_path):
    first, second = (
        draw_layers(hand, tmp_path / name, only=["complexes"])["complexes"] for name in "ab"
    )
    assert first.read_bytes() == second.read_bytes()


# --- a region drawn by hand ----------------------------------------------------------------------


def test_a_region_without_optional_layers_or_roads_has_pictures_of_what_it_has(hand, tmp_path):
    pictures = draw_layers(hand, tmp_path / "pictures")
    assert list(pictures) == ["clusters", "complexes", "universities", "centres", "land"]


@pytest.mark.parametrize(("wide", "told"), [(800, "200 m"), (12_000, "2 km"), (130_000, "20 km")])
def test_a_scale_bar_is_in_metres_where_it_is_short(wide, told):
    [map_] = panels(Figure(), [(0, 0, wide, wide / 2)])
    scale_bar(map_)
    assert map_.texts[-1].get_text() == told


def test_places_that_nobody_can_place_are_counted_and_not_drawn(tmp_path):
    region = make_region(tmp_path)
    file = tmp_path / "complexes.parquet"
    rows = gpd.read_parquet(file)
    rows.loc[0, "confidence"], rows.loc[0, "geometry"] = NOT_LOCATED, None
    rows.to_parquet(file)
    sheet = sheet_of(region, "complexes", tb.read_layer(region, "complexes"))
    lost, *others = rows["name"]
    map_ = map_of(sheet, (1_070_000, 1_650_000, 1_200_000, 1_730_000))
    assert set(words(map_)) == set(others)
    assert lost == "name of P_east"
    assert "3 rows; each is one industrial complex; 1 not located" in layers._subtitle(sheet)
    assert size(draw_layers(region, tmp_path / "p", only=["complexes"])["complexes"])[0] > 1500


@pytest.mark.parametrize(
    ("opened", "date", "expected"),
    [
        ("1990-05-01", "2020", ["roads", "roads-by-date"]),
        ("1990-05-01", "", ["roads", "roads-by-date"]),
        (None, "2020", ["roads"]),
        ("1990-05-01", "1995", ["roads"]),
    ],
)
def test_two_dates_need_dated_roads_that_are_younger_than_the_plan(
    tmp_path, draw, opened, date, expected
):
    region = make_region(tmp_path)
    road = {"class": "motorway", "ref": "1", "opened": opened}
    network = draw({"a": (-10_000, 0), "b": (70_000, 0)}, [("a", "b", road)], date=date)
    save_network(network, tmp_path / "roads.parquet")
    pictures = draw_layers(region, tmp_path / "p")
    assert list(pictures)[len(region.layers) :] == expected
    assert all(size(pictures[name])[0] > 1500 for name in expected)


# --- what a picture says -------------------------------------------------------------------------


def test_discs_are_hatched_and_outlines_are_filled(hand):
    rows = [
        {"id": word, "name": word, "outline": word, "area_km2": 1.0} for word in ("landuse", "disc")
    ]
    shapes = [point.buffer(3000) for point in points_at((0, 0), (20_000, 0))]
    map_ = map_of(sheet_of(hand, "outlines", frame(rows, shapes)))
    hatches = {patch.get_label(): patch.get_hatch() for patch in map_.artists + map_.patches}
    assert hatches["outline known from land use"] is None
    assert hatches["disc of the published area: no border"]


def test_moved_places_have_a_line_from_where_they_were_and_say_how_far(hand):
    rows = [
        {"id": "m", "name": "Moved (once)", "compared": "moved", "off_m": 2500.0, "was_lon": 128.6, "was_lat": 35.2},
        {"id": "a", "name": "Sure", "compared": "agrees", "off_m": None, "was_lon": 128.7, "was_lat": 35.2},
    ]  # fmt: skip
    map_ = map_of(
        sheet_of(hand, "positions", frame(rows, points_at((0, 0), (9_000, 9_000)))),
        (1.08e6, 1.67e6, 1.12e6, 1.71e6),
    )
    assert words(map_) == ["Moved: 2.5 km"]
    assert {"another source agrees", "moved to a named site", "where it was first stated to be"} <= set(labels(map_))  # fmt: skip


def test_the_corridor_tells_what_was_part_of_it_when(hand):
    parts = {
        "both": ("yes", "yes"),
        "once": ("yes", "no"),
        "maybe": ("yes", "option"),
        "new": ("no", "yes"),
    }
    rows = [
        {"id": key, "name": key, "route_no": "1", "in_1999": was, "in_2021": now}
        for key, (was, now) in parts.items()
    ]  # fmt: skip
    lines = [shapely.LineString(points_at((i * 9e3, 0), (i * 9e3 + 8e3, 5e3))) for i in range(4)]
    corridor = frame(rows, lines)
    dated = labels(map_of(sheet_of(hand, "corridor", corridor)))
    assert dated == [
        "in 1999 and in 2021",
        "in 1999, optional in 2021",
        "in 1999 only",
        "in 2021 only",
    ]
    plain = labels(
        map_of(sheet_of(hand, "corridor", corridor.drop(columns=["in_1999", "in_2021"])))
    )
    assert plain == ["corridor"]


def test_names_of_stretches_do_not_cover_the_corridor(hand):
    rows = [{"id": "a", "name": "Line: A - B - C", "route_no": "1", "opened": "1973-11-14"}]
    line = shapely.LineString(points_at((0, 0), (40_000, 0)))
    map_ = map_of(sheet_of(hand, "corridor", frame(rows, [line])), (1.09e6, 1.68e6, 1.15e6, 1.74e6))
    [text] = map_.texts
    assert text.get_text() == "A - C 1973-11-14"
    assert text.get_position() == (0.0, 4.0)  # above: beside the middle it would lie on the line


def test_municipalities_are_coloured_by_people_where_they_are_known(hand):
    rows = [
        {"id": key, "name": key, "province": "P", "pop_2010": people, "area_km2": 100.0}
        for key, people in (("few", 1_000), ("many", 100_000), ("unknown", None))
    ]
    boxes = [shapely.box(x, 0, x + 9_000, 9_000) for x in (0, 10_000, 20_000)]
    shapes = [shapely.transform(box, lambda xy: xy + CORNER) for box in boxes]
    municipalities = frame(rows, shapes)
    known = labels(map_of(sheet_of(hand, "municipalities", municipalities)))
    assert known == ["below 50 people per km² in 2010", "500 to 2,000", "not known"]
    plain = map_of(sheet_of(hand, "municipalities", municipalities.drop(columns="pop_2010")))
    assert labels(plain) == ["municipality"]


def test_a_value_on_a_limit_belongs_to_the_higher_class():
    [map_] = panels(Figure((7, 7)), [(0, 0, 10, 10)], titles=False)
    areas = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9)], crs=CRS)
    choropleth(map_, areas, pd.Series([5.0]), (5, 8), "%")
    assert labels(map_) == ["5 to 8 %"]


def test_dots_grow_with_the_people_of_a_cell(hand):
    rows = [{"id": str(n), "population": n} for n in (100, 400)]
    map_ = map_of(sheet_of(hand, "population", frame(rows, points_at((0, 0), (5000, 5000)))))
    dots = map_.collections[0].get_sizes()
    assert dots[1] == pytest.approx(4 * dots[0])


# --- marks ---------------------------------------------------------------------------------------


def named(texts, at):
    """Return the texts that found room on a map 100 km wide."""
    [map_] = panels(Figure((7.1, 7.1)), [(0, 0, 1e5, 1e5)], titles=False)
    name_rows(map_, gpd.GeoDataFrame(geometry=at, crs=CRS), texts)
    return words(map_)


def test_names_without_room_are_left_out():
    crowd = shapely.points(np.full((30, 2), 5e4))
    assert 0 < len(named(["a name"] * 30, crowd)) < 10
    apart = shapely.points([(2e4, 5e4), (8e4, 5e4)])
    assert named(["one", "two"], apart) == ["one", "two"]


def test_a_text_too_large_for_an_area_shrinks_to_its_first_line_or_to_nothing():
    assert named(["Bay\na very long word below"], [shapely.box(4e4, 4e4, 5e4, 6e4)]) == ["Bay"]
    assert named(["Bay"], [shapely.box(4e4, 4e4, 4.1e4, 4.1e4)]) == []


def test_names_in_letters_that_the_fonts_lack_are_not_written():
    apart = shapely.points([(2e4, 5e4), (5e4, 5e4), (8e4, 5e4)])
    assert named(["東京", "창원", "Changwon"], apart) == ["창원", "Changwon"]


def test_letters_that_the_fonts_lack_are_left_out_of_titles_and_legends(tmp_path):
    def draw(figure):
        figure.text(0.5, 0.5, "東京 창원 Changwon \N{EN DASH} a title")
        written.append(figure)

    written = []
    picture(tmp_path / "a.png", 1.0, draw)  # a warning of a missing glyph would be an error
    assert [text.get_text() for text in written[0].texts] == [" 창원 Changwon \N{EN DASH} a title"]


# --- land ----------------------------------------------------------------------------------------


def test_what_covers_most_of_a_cell_paints_it_and_open_land_is_the_rest():
    shares = pd.DataFrame(
        {"water": [0.6, 0, 0, 0.1], "wood": [0.1, 0.9, 0, 0], "built": [0, 0, 0.7, 0.2]}
    )
    assert _cover(shares).tolist() == [1, 2, 4, 0]


def test_fine_cells_lie_over_coarse_ones_north_up():
    cells = gpd.GeoDataFrame(
        {"cell_m": [200, 100], "water": [0.0, 1.0], "wood": [1.0, 0.0]},
        geometry=shapely.points([(100, 100), (150, 150)]),
        crs=CRS,
    )
    painted, extent = _raster(cells)
    assert painted.tolist() == [[2, 1], [2, 2]]
    assert extent == (0, 200, 0, 200)


def test_a_grid_with_gaps_stays_empty_there():
    cells = land_cells(half_width=100)
    painted, _ = _raster(cells)
    assert np.isfinite(painted).sum() == len(cells)
    assert np.isnan(painted).any()


# --- frames --------------------------------------------------------------------------------------


def test_a_far_small_island_does_not_widen_a_map_but_a_far_row_does():
    land, island = shapely.box(0, 0, 1000, 1000), shapely.box(9000, 9000, 9010, 9010)
    assert _bounds(np.array([shapely.MultiPolygon([land, island])])) == (0, 0, 1000, 1000)
    assert _bounds(np.array([land, island])) == (0, 0, 9010, 9010)


# --- two dates -----------------------------------------------------------------------------------


@pytest.fixture
def two_dates(tmp_path, draw):
    """An old motorway (route 1), a new one beside it (route 2), and a road that nobody dated."""
    region = make_region(tmp_path, edit=('routes = ["1"]', ALIGNMENTS))
    nodes = {"a": (0, 0), "b": (60_000, 0), "c": (30_000, 9_000)}
    network = draw(
        nodes,
        [
            ("a", "b", {"class": "motorway", "ref": "1", "opened": "1980-01-01"}),
            ("a", "b", {"class": "motorway", "ref": "2", "opened": "2001-01-01", "via": [(30_000, 5_000)]}),
            ("a", "c", {"class": "primary"}),
        ],
        date="2020",
    )  # fmt: skip
    return region, network


def test_roads_are_parted_by_whether_they_were_open_then(two_dates):
    roads = dated_roads(*two_dates)
    assert roads.titles == ("Open on 1999-12-31", "Open in 2020")
    assert {name: round(lines.length) for name, lines in roads.old.items()} == {
        "motorway": 60_000,
        "primary": round(np.hypot(30_000, 9_000)),
    }
    assert {name: round(lines.length) for name, lines in roads.new.items()} == {
        "motorway": round(2 * np.hypot(30_000, 5_000))
    }


def test_the_corridor_is_that_of_each_date(two_dates):
    then, now = dated_roads(*two_dates).corridors
    assert then.length == pytest.approx(60_000)
    assert now.length == pytest.approx(2 * np.hypot(30_000, 5_000))


def test_other_days_can_be_asked_for(two_dates):
    roads = dated_roads(*two_dates, days=("1979", "1980-06"))
    assert "motorway" not in roads.old
    assert round(roads.new["motorway"].length) == 60_000
    assert shapely.is_empty(roads.corridors[0])


def test_undated_motorways_are_told(two_dates):
    region, network = two_dates
    assert dated_roads(region, network).unknown.startswith("121 of 121 km of motorway")


def test_both_networks_stand_in_one_svg(two_dates):
    region, network = two_dates
    ground = ground_of(region, {"clusters": tb.read_layer(region, "clusters")}, None)
    svg = network_maps(region, network, ground)
    said = {node.text for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}  # noqa: S314
    assert {
        "Open on 1999-12-31",
        "Open in 2020",
        "opened since",
        "the corridor at that date",
    } <= said
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    assert 'aria-labelledby="networks-caption"' in svg


# --- zones ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def zones_by(built_in):
    """Draw the zones of a pack once."""
    network = tb.load_network(built_in)
    return cache(lambda pack: delineate_zones(built_in, network, pack=pack))


@pytest.fixture(scope="module")
def svg_of(built_in):
    names = ("clusters", "complexes", "universities", "centres", "outlines", "interchanges")
    shown = {name: tb.read_layer(built_in, name) for name in names}
    ground = ground_of(built_in, shown, None)
    return lambda drawn, **more: zone_maps(built_in, drawn, shown, ground, **more)


def svg_words(svg):
    return [e.text for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314


def test_the_cores_of_zones_are_named_and_so_are_those_really_designated(zones_by, svg_of):
    told = svg_words(svg_of(zones_by("kr-small-rnd-zone")))
    assert {"Inje University", "core institution of a zone", "core really designated in 2019"} <= {
        *told
    }
    assert "Korea Electrotechnology" in told  # designated, but another core was chosen
    others = svg_words(svg_of(zones_by("functional")))
    assert not any("designated" in word for word in others)


def test_a_cluster_without_a_zone_says_so(zones_by, svg_of):
    told = svg_words(svg_of(zones_by("kr-national-innovation-cluster")))
    assert "Jinju/Sacheon: no zone" in told
    assert "Changwon/Masan" in told


def test_several_sites_of_a_cluster_are_told_apart_by_what_their_ids_end_with(zones_by, svg_of):
    drawn = zones_by("uk-tax-sites")
    ends = {key.rsplit("-", 1)[-1] for key in drawn.zones["zone_id"]}
    assert len(ends) == 9
    assert ends <= set(svg_words(svg_of(drawn)))


def test_core_and_fringe_are_shown_only_where_it_was_asked_how_firm_zones_are(zones_by, svg_of):
    drawn = zones_by("kr-small-rnd-zone")
    plain, firm = svg_of(drawn), svg_of(drawn, firm=redraw_zones(drawn, draws=2))
    assert "<pattern" not in plain
    assert "<pattern" in firm
    assert "fringe: in some draws only" in svg_words(firm)
    assert "fringe: in some draws only" not in svg_words(plain)


def test_small_sites_fill_a_good_part_of_their_map(built_in, zones_by):
    drawn = zones_by("kr-small-rnd-zone")
    shown = {"clusters": tb.read_layer(built_in, "clusters")}
    bare = ground_of(built_in, shown, None)
    boxes = _boxes(_Sheet(built_in, drawn, shown, bare, None, _places(built_in, shown)))
    for cluster, shape in zip(drawn.zones["cluster"], drawn.zones.geometry, strict=True):
        frame = shapely.box(*boxes[cluster])
        assert frame.contains(shape)
        assert shape.area > 0.05 * frame.area


def test_shades_of_suitability_get_darker_in_equal_steps():
    shades = load_style()["suitability"]
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in shades["quiet"]]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    light = 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16  # CIELAB
    assert np.diff(light) == pytest.approx(np.full(4, -8.0), abs=0.6)
    assert len(shades["breaks"]) == 4


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_zones_become_a_picture_by_the_suffix(built_in, zones_by, tmp_path, suffix):
    drawn = zones_by("kr-small-rnd-zone")
    file = zones_picture(tmp_path / f"zones{suffix}", built_in, drawn)
    first = file.read_bytes()
    assert first.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    assert zones_picture(file, built_in, drawn).read_bytes() == first


def test_another_suffix_is_refused_and_the_known_ones_are_named(built_in, zones_by, tmp_path):
    with pytest.raises(OutputError, match=r"\.png or \.svg, not 'zones\.bmp'"):
        zones_picture(tmp_path / "zones.bmp", built_in, zones_by("functional"))
    assert list(tmp_path.iterdir()) == []


def test_zones_of_a_region_without_factors_or_further_layers_are_drawn(tmp_path, draw):
    (tmp_path / "region").mkdir()
    region = make_region(tmp_path / "region")
    road = draw({"a": (-10_000, 0), "b": (70_000, 0)}, [("a", "b", {"class": "primary"})])
    drawn = delineate_zones(region, road)
    assert zones_picture(tmp_path / "zones.png", region, drawn).stat().st_size > 10_000
