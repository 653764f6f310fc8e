"""Innovation zones: drawn by the stated rules, and nowhere else."""

from __future__ import annotations

from itertools import combinations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis.extra.numpy import arrays

import technobelt as tb
from hand_region import CLUSTERS, CORNER, ENDS, PLACES, ROAD, land_cells, make_region
from technobelt.errors import ClaimError, LayerError, PointError, RegionError
from technobelt.layers import select
from technobelt.zones import ZONE_COLUMNS, draw_zones
from technobelt.zones.sites import cleaned

CELL_KM2 = 0.01


@pytest.fixture(scope="module")
def road(draw):
    return draw(ENDS, ROAD)


def covers(zones, cluster, x, y):
    """Tell whether a cluster's zone covers a point, in metres from the hand-drawn corner."""
    shape = zones.set_index("cluster").geometry[cluster]
    return bool(shape.contains(shapely.Point(CORNER + (x, y))))  # noqa: RUF005


# --- rules on paper ------------------------------------------------------------------------------


def test_a_zone_is_the_land_within_the_minutes(tmp_path, road):
    zones = draw_zones(make_region(tmp_path), road)
    assert zones["cluster"].tolist() == list(CLUSTERS)
    # rows of cells 50, 150 and 250 m off the road, walked at 1 m/s, leave 2,500, 1,500 and 500 m
    # to each side of the places in the middle to drive at 10 m/s in 5 minutes
    paper_km2 = 2 * (5.0 + 3.0 + 1.0) * 0.1
    assert zones["area_km2"].to_numpy() == pytest.approx(np.full(3, paper_km2), rel=0.06)
    assert covers(zones, "west", 2300, 20)
    assert not covers(zones, "west", 2700, 20)
    assert not covers(zones, "west", 0, 350)


def test_every_kind_of_anchor_must_be_near(tmp_path, road):
    places = PLACES | {"T_west": ("centres", "x", "west", 4000, 0)}
    zones = draw_zones(make_region(tmp_path, places=places), road)
    west = zones.set_index("cluster").geometry["west"].bounds
    assert (west[0] - CORNER[0], west[2] - CORNER[0]) == pytest.approx((1500, 2500), abs=110)


def test_one_place_of_a_kind_is_enough(tmp_path, road):
    places = PLACES | {"T_2": ("centres", "x", "west", 4000, 0), "U_2": ("universities", "x", "west", 4000, 0)}  # fmt: skip
    zones = draw_zones(make_region(tmp_path, places=places), road)
    assert covers(zones, "west", -2300, 20)
    assert covers(zones, "west", 6300, 20)


def test_an_anchor_of_another_cluster_does_not_count(tmp_path, road):
    places = PLACES | {"T_west": ("centres", "x", "centre", 0, 0)}
    zones = draw_zones(make_region(tmp_path, places=places), road)
    assert zones["cluster"].tolist() == ["east", "centre"]


def test_minutes_are_those_toward_the_anchors(tmp_path, draw):
    one_way = draw(ENDS, [("a", "b", {"oneway": True})])
    zones = draw_zones(make_region(tmp_path), one_way)
    assert covers(zones, "west", -2300, 20)
    assert not covers(zones, "west", 300, 20)


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"water": lambda x, _: np.where(x > 0, 0.51, 0.5)}, True),
        ({"wood": lambda x, _: np.where(x > 0, 0.6, 0.0), "relief_m": 101}, True),
        ({"wood": 0.6, "relief_m": lambda x, _: np.where(x > 0, 101, 100)}, True),
        ({"wood": 0.5, "relief_m": 500}, False),
        ({"wood": 0.9, "relief_m": 100}, False),
    ],
)
def test_water_and_steep_wood_are_left_out(tmp_path, road, values, left):
    zones = draw_zones(make_region(tmp_path, land=land_cells(**values)), road)
    assert covers(zones, "west", -1000, 20)
    assert covers(zones, "west", 1000, 20) != left


def test_land_outside_the_cluster_is_no_zone(tmp_path, road):
    places = PLACES | {
        key: (layer, "x", "west", 9500, 0)
        for key, layer in (("T_west", "centres"), ("U_west", "universities"))
    }
    zones = draw_zones(make_region(tmp_path, places=places), road)
    assert zones.set_index("cluster").geometry["west"].bounds[2] - CORNER[0] <= 10_000


# --- what a zone says of itself ------------------------------------------------------------------


def test_a_zone_counts_what_lies_inside(tmp_path, road):
    places = PLACES | {
        "U_in": ("universities", "x", "west", 1000, 0),
        "U_out": ("universities", "x", "west", 8000, 0),
    }
    anchors = 'layers = ["universities"]\n[zones'
    only = anchors.replace("\n", '\nwhere = { id = ["U_east", "U_centre", "U_west"] }\n')
    region = make_region(tmp_path, places=places, edit=(anchors, only))
    zones = draw_zones(region, road).set_index("cluster")
    assert zones.loc["west", ["complexes", "universit", "centres"]].tolist() == [1, 2, 1]
    assert zones.loc["east", ["complexes", "universit", "centres"]].tolist() == [1, 1, 1]


def test_minutes_to_the_hub_are_the_median_and_the_longest(tmp_path, road):
    zones = draw_zones(make_region(tmp_path), road)
    dx = [np.arange(50, end, 100) for end in (2500, 1500, 500)]
    minutes = [np.tile(x / 10 + y, 4) / 60 for x, y in zip(dx, (50, 150, 250), strict=True)]
    cells = np.concatenate(minutes)
    assert zones["hub_min"].to_numpy() == pytest.approx(np.full(3, np.median(cells)), abs=0.1)
    assert zones["hub_worst"].to_numpy() == pytest.approx(np.full(3, cells.max()), abs=0.1)
    assert (zones["hub_worst"] <= 5).all()


def test_columns_areas_and_the_rule(tmp_path, road):
    region = make_region(tmp_path)
    zones = draw_zones(region, road)
    assert list(zones.columns) == [*ZONE_COLUMNS, "geometry"]
    assert all(len(name) <= 10 for name in ZONE_COLUMNS)
    assert zones.crs == region.crs
    flat = zones.to_crs("+proj=laea +lat_0=35.2 +lon_0=128.9 +ellps=WGS84").area / 1e6
    assert zones["area_km2"].to_numpy() == pytest.approx(flat.to_numpy(), abs=1e-3)
    assert zones["rule"].str.startswith("within 5 min of one university, centre each;").all()
    assert zones["zone_id"].tolist() == ["zone-east", "zone-centre", "zone-west"]


# --- small parts and small holes -----------------------------------------------------------------


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    return make_region(
        tmp_path_factory.mktemp("rules")
    ).zones  # parts and holes from 0.02 km2: 2 cells


def mask(*rows):
    return np.array([[cell == "#" for cell in row] for row in rows])


def test_a_small_hole_is_filled_and_a_large_one_kept(rules):
    drawn = mask("......", ".####.", ".#.##.", ".####.", ".####.", "......")
    assert cleaned(drawn, CELL_KM2, rules).sum() == 16
    drawn = mask("......", ".####.", ".#..#.", ".####.", "......")
    assert np.array_equal(cleaned(drawn, CELL_KM2, rules), drawn)


def test_a_small_part_is_dropped_and_a_large_one_kept(rules):
    drawn = mask("#....", "...##", ".....")
    assert np.array_equal(cleaned(drawn, CELL_KM2, rules), mask(".....", "...##", "....."))


def test_parts_that_touch_at_a_corner_are_two_and_so_are_holes(rules):
    assert cleaned(mask("#...", ".#..", "...."), CELL_KM2, rules).sum() == 0
    assert cleaned(mask("#####", "#.###", "##.##", "#####"), CELL_KM2, rules).all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=arrays(bool, (8, 8)))
def test_cleaning_twice_is_cleaning_once(rules, drawn):
    once = cleaned(drawn, CELL_KM2, rules)
    assert np.array_equal(cleaned(once, CELL_KM2, rules), once)


# --- what cannot be drawn ------------------------------------------------------------------------


def test_where_nothing_fits_at_all_it_is_an_error(tmp_path, road):
    land = land_cells(water=1.0)
    with pytest.raises(
        LayerError,
        match=r"no zone can be drawn by the rule pack .functional.*rule constraints is not met.*water takes 100%",
    ):
        draw_zones(make_region(tmp_path, land=land), road)


def test_a_cluster_without_land_is_named(tmp_path, road):
    land = land_cells()
    land = land[land.geometry.x > CORNER[0] + 15_000]
    with pytest.raises(LayerError, match=r"layer 'land' has no 100 m cell in cluster 'west'"):
        draw_zones(make_region(tmp_path, land=land), road)


def test_an_anchor_far_from_every_road_is_named(tmp_path, road):
    places = PLACES | {"T_west": ("centres", "x", "west", 0, 5000)}
    with pytest.raises(PointError, match=r"the anchor does not lie within 1000 m of a road"):
        draw_zones(make_region(tmp_path, places=places), road)


def test_unknown_names_are_named(tmp_path, road):
    region = make_region(tmp_path)
    with pytest.raises(RegionError, match=r"no profile 'usual'; there are plain"):
        draw_zones(region, road, profile="usual")
    with pytest.raises(ClaimError, match=r"hub 'U_nowhere' of \[clusters\] is no facility"):
        draw_zones(make_region(tmp_path, edit=('"U_west"', '"U_nowhere"')), road)
    renamed = ("west = { name", "wild = { name")
    with pytest.raises(LayerError, match=r"no row with the id 'wild'.*found: east, centre, west"):
        draw_zones(make_region(tmp_path, edit=renamed), road)


# --- the built-in region -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def belt():
    region = tb.load_region()
    return region, tb.load_network(region)


@pytest.fixture(scope="module")
def zones(belt):
    return draw_zones(*belt)


def test_there_is_a_valid_zone_a_cluster(belt, zones):
    assert zones["cluster"].tolist() == list(belt[0].clusters)
    assert zones.is_valid.all()
    assert set(zones.geom_type) == {"MultiPolygon"}
    assert (zones["area_km2"] > 1).all()


def test_zones_are_disjoint_and_inside_their_clusters(belt, zones):
    for a, b in combinations(zones.geometry, 2):
        assert not a.intersects(b)
    outlines = tb.read_layer(belt[0], "clusters").to_crs(zones.crs).geometry
    for row in zones.itertuples():
        assert row.geometry.within(outlines[row.cluster])


def test_no_part_or_hole_is_smaller_than_the_rules_allow(belt, zones):
    rules = belt[0].zones
    land = tb.read_layer(belt[0], "land").to_crs(zones.crs)
    military = land[land["military"] > rules.military_max]
    for part in zones.explode().geometry:
        assert part.area / 1e6 >= rules.part_min_km2
        for ring in part.interiors:
            hole = shapely.Polygon(ring)
            small = hole.area / 1e6 < rules.hole_min_km2 - 0.01  # corners rounded to a metre
            assert not small or military.within(hole).any()  # which is never filled over


def test_land_in_a_zone_is_as_near_as_the_rules_say(belt, zones):
    region, network = belt
    land = tb.read_layer(region, "land").to_crs(region.crs)
    profile = region.profiles[region.zones.profile]
    for row in zones.itertuples():
        inside = land[land.within(row.geometry.buffer(-100))].sample(80, random_state=1)
        for rule in region.zones.anchors.values():
            anchors = select(region, rule)
            anchors = anchors[anchors["cluster"] == row.cluster]
            found = tb.nearest(network, inside, anchors, profile=profile)
            late = ~(found["time_min"] <= region.zones.minutes + 1)
            assert late.mean() <= 0.05  # holes filled by the rules, and land behind the water
            assert found["time_min"].median() < region.zones.minutes


def test_land_in_a_zone_is_dry_and_not_steep(belt, zones):
    region, _ = belt
    land = tb.read_layer(region, "land").to_crs(region.crs)
    rules = region.zones
    inside = land[land.within(zones.geometry.buffer(-100).union_all())]
    steep = (inside["wood"] > rules.wood_max) & (inside["relief_m"] > rules.relief_max_m)
    assert len(inside) > 5000
    assert (inside["water"] > rules.water_max).mean() < 0.01  # small holes are filled
    assert steep.mean() < 0.02


def test_counts_are_those_of_the_places_inside(belt, zones):
    places = tb.facilities(belt[0]).to_crs(zones.crs)
    columns = {"complexes": "complexes", "universities": "universit", "centres": "centres"}
    for layer, column in columns.items():
        mine = places[places["layer"] == layer]
        assert zones[column].tolist() == [int(mine.within(zone).sum()) for zone in zones.geometry]


def test_drawing_changes_no_layer(belt, zones):
    land = tb.read_layer(belt[0], "land")
    assert isinstance(land, gpd.GeoDataFrame)
    assert "minutes" not in land
    assert len(zones) == 3
