"""Suitability: factors, transfer functions, weights, the planner's own rasters and shapes."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st

import technobelt as tb
from hand_region import CORNER, CRS, ENDS, ROAD, land_cells, make_region
from technobelt.errors import CRSError, LayerError, MissingFileError, PointError, RegionError
from technobelt.layers import select
from technobelt.zone_rules import Transfer
from technobelt.zones.ground import CELLS_MAX, ground_of
from technobelt.zones.suitability import transferred

#: Minutes to the university count down from 1 at 0 to 0 at 10; relief from 1 at 0 to 0 at 200 m.
NEAR = """
[zones.factors.near]
minutes_to = { layers = ["universities"] }
transfer = { points = [[0, 1], [10, 0]] }
weight = 3
"""
FLAT = """
[zones.factors.flat]
land = "relief_m"
transfer = { points = [[0, 1], [200, 0]] }
weight = 1
"""
BASE = """
[zones]
minutes = 5
profile = "plain"
part_min_km2 = 0.02
hole_min_km2 = 0.02
{more}
[zones.anchors.university]
layers = ["universities"]
"""


def rules(*factors, more=""):
    return BASE.format(more=more) + "".join(factors)


@pytest.fixture(scope="module")
def road(draw):
    return draw(ENDS, ROAD)


def scored(folder, road, *factors, more="", **values):
    land = land_cells(**values) if values else None
    return tb.delineate_zones(
        make_region(folder, zones=rules(*factors, more=more), land=land), road
    )


def lonlat(x, y):
    point = gpd.GeoSeries([shapely.Point(CORNER + (x, y))], crs=CRS).to_crs(4326)[0]  # noqa: RUF005
    return point.x, point.y


def write_raster(path, values, *, left, top, cell, crs=CRS, nodata=None):
    values = np.asarray(values, dtype="float32")
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1,
        dtype="float32", crs=crs, transform=rasterio.Affine(cell, 0, left, 0, -cell, top), nodata=nodata,
    ) as raster:  # fmt: skip
        raster.write(values, 1)
    return path


# --- transfer functions --------------------------------------------------------------------------


def test_straight_lines_are_level_beyond_their_ends():
    scores = transferred(
        Transfer(points=[(10, 1), (20, 0.5), (40, 0)]), np.array([0, 15, 30, 99.0])
    )
    assert scores.tolist() == [1.0, 0.75, 0.25, 0.0]


def test_a_half_halves_and_a_logistic_crosses_one_half_at_its_middle():
    assert transferred(Transfer(half=5), np.array([0, 5, 10.0])).tolist() == [1.0, 0.5, 0.25]
    falling = transferred(Transfer(middle=50, width=-10), np.array([40.0, 50.0, 60.0]))
    assert falling == pytest.approx([1 / (1 + np.exp(-1)), 0.5, 1 / (1 + np.exp(1))])


@given(
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1),
    transfer=st.sampled_from(
        [{"points": [(0, 0), (5, 1)]}, {"half": 3}, {"middle": 1, "width": 2}]
    ),
)
def test_scores_lie_between_0_and_1_and_unknown_stays_unknown(values, transfer):
    scores = transferred(Transfer.model_validate(transfer), np.array(values))
    assert np.array_equal(np.isnan(scores), np.isnan(values))
    known = scores[~np.isnan(scores)]
    assert ((known >= 0) & (known <= 1)).all()


def test_what_cannot_be_reached_scores_nothing_even_where_far_is_better():
    assert transferred(Transfer(points=[(0, 0), (9, 1)]), np.array([np.inf, 9.0])).tolist() == [
        0.0,
        1.0,
    ]


# --- scores on paper -----------------------------------------------------------------------------


def test_a_score_is_the_weighted_sum_on_paper(tmp_path, road):
    drawn = scored(tmp_path, road, NEAR, FLAT, relief_m=100)
    # 3,050 m along the road at 10 m/s and 50 m on foot at 1 m/s: 355 s, 5.917 min
    cell = drawn.at(*lonlat(3050, 50))
    assert [one["factor"] for one in cell["factors"]] == ["near", "flat"]
    near, flat = cell["factors"]
    assert near["value"] == pytest.approx(355 / 60, abs=0.1)
    assert near["score"] == pytest.approx(1 - 355 / 600, abs=0.01)
    assert (flat["value"], flat["score"], flat["weight"]) == (100, 0.5, 0.25)
    assert cell["score"] == pytest.approx(0.75 * near["score"] + 0.25 * 0.5, abs=1e-3)
    assert cell["cluster"] == "west"


def test_weights_that_do_not_sum_to_one_are_normalised_and_it_is_said(tmp_path, road):
    drawn = scored(tmp_path, road, NEAR, FLAT)
    assert drawn.suitability.weights == {"near": 0.75, "flat": 0.25}
    assert "sum to 4; divided by that: near 0.750, flat 0.250" in drawn.notes[0]
    even = FLAT.replace("weight = 1", "weight = 0.25"), NEAR.replace("weight = 3", "weight = 0.75")
    assert scored(tmp_path, road, *even).notes == []


def test_the_zone_of_a_place_is_told_and_what_bars_it(tmp_path, road):
    drawn = scored(tmp_path, road, FLAT, water=lambda x, _: np.where(x > 1000, 1.0, 0.0))
    assert drawn.at(*lonlat(-500, 50))["zone"] == "zone-west"
    wet = drawn.at(*lonlat(1550, 50))
    assert (wet["zone"], wet["barred"], wet["score"]) == (None, ["water"], None)
    assert {one["score"] for one in wet["factors"]} == {None}


def test_a_place_outside_is_refused(tmp_path, road):
    drawn = scored(tmp_path, road, FLAT)
    with pytest.raises(
        PointError, match=r"lies on no land of a cluster.*in east or centre or west"
    ):
        drawn.at(*lonlat(0, 5000))
    with pytest.raises(PointError, match=r"no land of a cluster|no place on earth"):
        drawn.at(1.0, 91.0)


# --- the planner's own ---------------------------------------------------------------------------

OWN = """
[zones.factors.own]
raster = { file = "own.tif" }
transfer = { points = [[0, 0], [100, 1]] }
weight = 1
"""


def test_an_own_raster_of_another_crs_and_resolution_is_aligned(tmp_path, road):
    # 0.0005 degrees (some 50 m), rising from west to east by 10 a cell
    left, top = lonlat(-11_000, 2000)
    columns = 4000
    write_raster(tmp_path / "own.tif", np.tile(np.arange(columns) / 40, (120, 1)), left=left, top=top, cell=0.0005, crs=4326)  # fmt: skip
    drawn = scored(tmp_path, road, OWN)
    for x in (-9000, 0, 9000, 60_000):
        lon, _ = lonlat(x, 50)
        value = drawn.at(*lonlat(x, 50))["factors"][0]["value"]
        assert value == pytest.approx((lon - left) / 0.0005 / 40, abs=0.05)


def test_nodata_is_unknown_and_no_zone_takes_it_for_its_score(tmp_path, road):
    values = np.full((40, 1600), 50.0)
    values[:, 190:220] = -99  # x from -1,000 to 2,000 m
    write_raster(tmp_path / "own.tif", values, left=CORNER[0] - 20_000, top=CORNER[1] + 2000, cell=100, nodata=-99)  # fmt: skip
    drawn = scored(tmp_path, road, OWN)
    gone = drawn.at(*lonlat(0, 50))
    assert (gone["score"], gone["factors"][0]["value"]) == (None, None)
    assert gone["zone"] == "zone-west"  # minutes alone draw functional zones
    capped = tb.delineate_zones(drawn.region, road, pack="uk-tax-sites")
    gap = shapely.box(*(CORNER - (900, 800)), *(CORNER + np.array([1900, 800])))
    assert not capped.zones.intersects(gap).any()
    assert drawn.at(*lonlat(-1550, 50))["score"] == pytest.approx(0.5)
    # 30 of 600 columns are without data
    assert "Factor own has no data on 5.0% of the usable land: no score there." in drawn.notes


def test_rasters_that_do_not_overlap_or_know_nothing_of_a_cluster_are_refused(tmp_path, road):
    far = {"left": CORNER[0] + 500_000, "top": CORNER[1], "cell": 100}
    write_raster(tmp_path / "own.tif", np.ones((5, 5)), **far)
    with pytest.raises(
        LayerError, match=r"own\.tif.*does not lie over the grid.*the raster 1600000"
    ):
        scored(tmp_path, road, OWN)
    half = {"left": CORNER[0] - 20_000, "top": CORNER[1] + 2000, "cell": 100}
    write_raster(tmp_path / "own.tif", np.ones((40, 350)), **half)
    with pytest.raises(LayerError, match=r"has no data in all of cluster 'east'"):
        scored(tmp_path, road, OWN)
    write_raster(tmp_path / "own.tif", np.ones((40, 1600)), **half, crs=None)
    with pytest.raises(CRSError, match=r"has no CRS. Assign"):
        scored(tmp_path, road, OWN)
    (tmp_path / "own.tif").unlink()
    with pytest.raises(MissingFileError, match=r"own\.tif"):
        scored(tmp_path, road, OWN)


def test_rasters_that_know_other_halves_leave_no_score(tmp_path, road):
    left, top = CORNER[0] - 20_000, CORNER[1] + 2000
    one, two = np.ones((40, 1000)), np.ones((40, 1000))
    one[:20], two[20:] = -1, -1
    write_raster(tmp_path / "own.tif", one, left=left, top=top, cell=100, nodata=-1)
    write_raster(tmp_path / "two.tif", two, left=left, top=top, cell=100, nodata=-1)
    second = OWN.replace("own.tif", "two.tif").replace("factors.own", "factors.two")
    with pytest.raises(LayerError, match=r"not one cell of cluster 'east' has a score"):
        scored(tmp_path, road, OWN, second)


def test_distance_to_own_shapes_is_measured_in_any_crs(tmp_path, road):
    line = shapely.LineString([CORNER + (-20_000, 300), CORNER + (90_000, 300)]).segmentize(500)  # noqa: RUF005
    gpd.GeoDataFrame(geometry=[line], crs=CRS).to_crs(4326).to_file(tmp_path / "rail.geojson")
    rail = """
[zones.factors.rail]
distance_to = { file = "rail.geojson" }
transfer = { points = [[0, 1], [500, 0]] }
weight = 1
"""
    drawn = scored(tmp_path, road, rail)
    assert drawn.at(*lonlat(30, 50))["factors"][0]["value"] == pytest.approx(250, abs=15)


@pytest.mark.parametrize(
    ("rule", "kept", "lost"),
    [
        ('shapes = { file = "flood.gpkg" }', -500, 500),
        ('land = "relief_m"\nabove = 50', -500, 500),
        ('raster = { file = "own.tif" }\nbelow = 1', -500, 500),
    ],
)
def test_own_constraints_take_land_out(tmp_path, road, rule, kept, lost):
    box = shapely.box(*(CORNER + (0, -900)), *(CORNER + (70_000, 900)))  # noqa: RUF005
    gpd.GeoDataFrame(geometry=[box], crs=CRS).to_crs(5186).to_file(tmp_path / "flood.gpkg")
    values = np.where(np.arange(1600) < 200, 2.0, 0.0) * np.ones((40, 1))
    write_raster(
        tmp_path / "own.tif", values, left=CORNER[0] - 20_000, top=CORNER[1] + 2000, cell=100
    )
    text = f"\n[zones.constraints.flood]\n{rule}\n"
    relief = {"relief_m": lambda x, _: np.where(x > 0, 60, 40)}
    drawn = scored(tmp_path, road, FLAT, text, **relief)
    assert drawn.at(*lonlat(kept, 50))["barred"] == []
    assert drawn.at(*lonlat(lost, 50))["barred"] == ["flood"]
    assert (drawn.zones["cluster"] == "west").any()
    assert "no flood" in drawn.zones["rule"].iloc[0]


def test_no_zone_holds_any_part_of_own_polygons_not_even_in_a_filled_hole(tmp_path, road):
    park = shapely.Point(CORNER + (40, 40)).buffer(35)  # noqa: RUF005
    gpd.GeoDataFrame(geometry=[park], crs=CRS).to_file(tmp_path / "flood.gpkg")
    text = '\n[zones.constraints.flood]\nshapes = { file = "flood.gpkg" }\nprotected = true\n'
    more = "score_min = 0.1"
    for pack in ("functional", "uk-tax-sites"):
        drawn = tb.delineate_zones(
            make_region(tmp_path, zones=rules(FLAT, text, more=more).replace("hole_min_km2 = 0.02", "hole_min_km2 = 0.5")),
            road, pack=pack,
        )  # fmt: skip
        west = drawn.zones[drawn.zones["cluster"] == "west"]
        if pack == "functional":  # which surrounds it
            assert west.geometry.convex_hull.contains(park).all()
        assert west.intersection(park.buffer(-1)).area.sum() == 0


def test_own_constraints_that_would_take_nothing_are_refused(tmp_path, road):
    text = '\n[zones.constraints.flood]\nshapes = { file = "flood.gpkg" }\n'
    line = shapely.LineString([CORNER, CORNER + (500, 0)])  # noqa: RUF005
    gpd.GeoDataFrame(geometry=[line], crs=CRS).to_file(tmp_path / "flood.gpkg")
    with pytest.raises(
        LayerError, match=r"constraint 'flood' of .zones. needs polygons; found LineString"
    ):
        scored(tmp_path, road, FLAT, text)
    gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=4326).to_file(tmp_path / "flood.gpkg")
    with pytest.raises(LayerError, match=r"constraint 'flood' of .zones. lies over no cluster"):
        scored(tmp_path, road, FLAT, text)
    x, y = lonlat(0, 0)
    gpd.GeoDataFrame(geometry=[shapely.box(y, x, y + 0.1, x + 0.1)], crs=4326).to_file(
        tmp_path / "flood.gpkg"
    )
    with pytest.raises(CRSError, match=r"constraint 'flood' .*exchanged"):
        scored(tmp_path, road, FLAT, text)


def test_a_factor_without_weight_takes_no_land_out(tmp_path, road):
    values = np.full((40, 1600), -1.0)
    write_raster(tmp_path / "own.tif", values, left=CORNER[0] - 20_000, top=CORNER[1] + 2000, cell=100, nodata=-1)  # fmt: skip
    drawn = scored(tmp_path, road, FLAT, OWN.replace("weight = 1", "weight = 0"))
    bare = scored(tmp_path, road, FLAT)
    assert drawn.zones["area_km2"].equals(bare.zones["area_km2"])
    assert drawn.notes == bare.notes


def test_coarser_cells_take_the_mean_of_the_land_in_them(tmp_path):
    land = land_cells(relief_m=lambda x, _: np.where(x % 200 < 100, 60, 40))
    region = make_region(tmp_path, zones=rules(FLAT), land=land)
    ground = ground_of(region, 200.0)
    assert np.allclose(ground.land["relief_m"][ground.known], 50)
    with pytest.raises(
        LayerError, match=r"no cell of 50000 m has its centre in cluster 'east'. Take smaller"
    ):
        ground_of(region, 50_000.0)


def test_military_land_is_left_out_where_the_layer_has_it(tmp_path, road):
    drawn = scored(tmp_path, road, FLAT, military=lambda x, _: np.where(x > 0, 0.6, 0.5))
    assert drawn.at(*lonlat(550, 50))["barred"] == ["military"]
    assert drawn.at(*lonlat(-550, 50))["barred"] == []


# --- bad input -----------------------------------------------------------------------------------


def test_a_factor_whose_layer_is_missing_is_named(tmp_path, road):
    near = NEAR.replace('layers = ["universities"]', 'layers = ["interchanges"]')
    with pytest.raises(LayerError, match=r"factor 'near' of .zones.: .*interchanges"):
        scored(tmp_path, road, near)
    none = NEAR.replace('["universities"]', '["universities"], where = { kind = ["school"] }')
    with pytest.raises(LayerError, match=r"factor 'near' of .zones.: no place fits"):
        scored(tmp_path, road, none)
    with pytest.raises(LayerError, match=r"factor 'flat' .* asks for column 'military'"):
        scored(tmp_path, road, FLAT.replace("relief_m", "military"))


def test_own_shapes_that_cannot_be_used_are_named(tmp_path, road):
    rail = '\n[zones.constraints.park]\nshapes = { file = "park.gpkg" }\n'
    with pytest.raises(
        MissingFileError, match=r"constraint 'park' of .zones.: no file 'park.gpkg'"
    ):
        scored(tmp_path, road, FLAT, rail)
    (tmp_path / "park.gpkg").write_text("no package")
    with pytest.raises(LayerError, match=r"'park.gpkg' cannot be read"):
        scored(tmp_path, road, FLAT, rail)


def test_a_grid_too_fine_for_memory_is_refused_with_the_size_that_would_fit(tmp_path, road):
    region = make_region(tmp_path, zones=rules(FLAT))
    with pytest.raises(
        LayerError, match=r"cells of 1 m .* 160 million, more than .* Take 5 m or more"
    ):
        ground_of(region, 1.0)
    assert ground_of(region, 5.0).number.size <= CELLS_MAX
    with pytest.raises(LayerError, match=r"million"):
        tb.draw_zones(region, road, cell_m=0.5)


def test_finer_cells_take_the_land_that_they_lie_in(tmp_path):
    land = land_cells(relief_m=lambda x, _: np.where(x > 0, 60, 40))
    region = make_region(tmp_path, zones=rules(FLAT), land=land)
    fine = ground_of(region, 25.0)
    assert fine.grid.cell_m == 25
    x = np.broadcast_to(fine.grid.x[None, :], fine.grid.shape)[fine.known]
    assert np.array_equal(fine.land["relief_m"][fine.known], np.where(x > CORNER[0], 60, 40))
    assert fine.known.sum() * 25**2 == pytest.approx(3 * 20_000 * 1600, rel=0.01)


def test_clusters_that_overlap_are_refused(tmp_path):
    region = make_region(tmp_path, zones=rules(FLAT))
    areas = gpd.read_parquet(tmp_path / "clusters.parquet")
    wide = areas.geometry.where(areas["id"] != "west", areas.geometry.buffer(10_200))
    areas.set_geometry(wide).to_parquet(tmp_path / "clusters.parquet")
    with pytest.raises(LayerError, match=r"clusters 'centre' and 'west' overlap by 0\.40 km2"):
        ground_of(region)


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (NEAR.replace("weight = 3", "weight = 0"), "every weight is 0"),
        (NEAR.replace("weight = 3", "weight = -1"), "greater than or equal to 0"),
        (NEAR.replace("[[0, 1], [10, 0]]", "[[10, 1], [0, 0]]"), "must rise, found 10, 0"),
        (NEAR.replace("[[0, 1], [10, 0]]", "[[0, 2], [10, 0]]"), "scores lie between 0 and 1, found 2"),
        (NEAR.replace("points = [[0, 1], [10, 0]]", "half = 3, middle = 2, width = 1"), "no other of them"),
        (NEAR.replace("points = [[0, 1], [10, 0]]", "middle = 2"), "needs points, or half, or middle and width"),
        (NEAR + 'land = "wood"', "needs one of minutes_to, land, raster and distance_to"),
        (FLAT.replace("relief_m", "slope"), "no column of 'land'; there are water, wood"),
        (FLAT + '\n[zones.constraints.x]\nland = "wood"', "needs above or below"),
        (FLAT + "\n[zones.constraints.x]\nabove = 1", "needs one of shapes, raster and land"),
    ],
)  # fmt: skip
def test_faults_of_the_rules_are_told_with_their_line(tmp_path, factor, message):
    with pytest.raises(RegionError, match=rf"region\.toml line \d+.*{message}"):
        make_region(tmp_path, zones=rules(factor))


# --- the raster ----------------------------------------------------------------------------------


def test_the_raster_holds_the_score_and_each_factor(tmp_path, road):
    drawn = scored(tmp_path, road, NEAR, FLAT)
    path = drawn.suitability.write(tmp_path / "suitability.tif")
    with rasterio.open(path) as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.descriptions == ("suitability", "score near", "score flat")
        assert raster.crs.to_epsg() == 5179
        (value,) = raster.sample([CORNER + (3050, 50)], indexes=1)  # noqa: RUF005
        assert value[0] == pytest.approx(drawn.at(*lonlat(3050, 50))["score"], abs=1e-3)
        (outside,) = raster.sample([CORNER + (0, 5000)])  # noqa: RUF005
        assert np.isnan(outside).all() or (outside == 0).all()


# --- the built-in region -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def belt():
    region = tb.load_region()
    network = tb.load_network(region)
    return region, network, tb.delineate_zones(region, network)


@pytest.mark.parametrize("factor", ["innovation_centre", "university", "complex"])
def test_minutes_of_cells_are_those_of_single_trips(belt, factor):
    region, network, drawn = belt
    ground, values = drawn.suitability.ground, drawn.suitability.values[factor]
    near = ground.usable & (values < 30)
    cells = np.random.default_rng(5).choice(np.flatnonzero(near), 60, replace=False)
    points = gpd.GeoDataFrame(geometry=shapely.points(ground.grid.centres[cells]), crs=region.crs)
    places = select(region, region.zones.factors[factor].minutes_to)
    trips = tb.nearest(network, points, places, profile=region.profiles["typical"])
    off = trips["time_min"].to_numpy() - values.ravel()[cells]
    # a cell belongs to a position every 50 m along a road, a point to the road itself
    assert np.nanmedian(np.abs(off)) < 0.15
    assert np.nanquantile(np.abs(off), 0.9) < 1.5


def test_minutes_to_an_interchange_end_on_the_motorway(belt):
    drawn = belt[2]
    values = drawn.suitability.values["interchange"]
    known = np.isfinite(values) & drawn.suitability.ground.usable
    assert known.mean() > 0.1
    # 1 min from the door to the car, and no parking at the end
    assert 1 < values[known].min() < 4


def test_every_cell_of_the_built_in_region_has_a_score_or_a_constraint(belt):
    _, _, drawn = belt
    ground = drawn.suitability.ground
    assert np.isfinite(drawn.suitability.score[ground.usable]).all()
    assert drawn.notes == []  # its weights sum to one
    assert {"water", "wood on relief", "military"} == set(ground.barred)
    assert (ground.barred["military"] & ground.known).sum() > 100
