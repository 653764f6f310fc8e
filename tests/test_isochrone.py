"""Isochrones: pictures of the minutes, what they reach, and how often they are wrong."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import example, given, settings
from hypothesis import strategies as st

import technobelt as tb
from technobelt.contours import polygons_within
from technobelt.errors import PointError, RegionError
from technobelt.isochrone import (
    _disjoint,
    areas_km2,
    audit,
    isochrone_sets,
    isochrones,
)
from technobelt.rasters import Grid
from technobelt.routing import dijkstra, use_engine

CORNER = np.array([1_100_000.0, 1_690_000.0])  # as in conftest
STEP, SIDE = 200, 41
#: A lake where no street runs, 2 km wide.
LAKE = shapely.box(5000, 5000, 7000, 7000)


def streets(*, but=None):
    """Return nodes and two-way streets of a square grid, without those that touch `but`."""
    nodes = {(i, j): (i * STEP, j * STEP) for i in range(SIDE) for j in range(SIDE)}
    east = [((i, j), (i + 1, j)) for i in range(SIDE - 1) for j in range(SIDE)]
    north = [((i, j), (i, j + 1)) for i in range(SIDE) for j in range(SIDE - 1)]
    roads = [
        (a, b, {"class": "residential"})
        for a, b in east + north
        if but is None or not shapely.LineString([nodes[a], nodes[b]]).intersects(but)
    ]
    used = dict.fromkeys(node for a, b, _ in roads for node in (a, b))
    return {node: nodes[node] for node in used}, roads


@pytest.fixture(scope="module")
def town(draw):
    return draw(*streets())


@pytest.fixture(scope="module")
def lakeside(draw):
    return draw(*streets(but=LAKE))


@pytest.fixture(scope="module")
def even(speeds):
    """Return 36 km/h (600 m a minute) on streets and off them."""
    return speeds(access_kph=36.0)


@pytest.fixture(scope="module")
def two(points):
    return points(west=(2000, 4000), east=(5600, 4400))


@pytest.fixture(scope="module")
def sets(town, two, even):
    return isochrone_sets(
        town, two, modes=("overlap", "merge", "split", "rings"), minutes=(2, 4), profile=even
    )


def shape(bands, origin, minutes):
    row = bands[(bands["origin_id"] == origin) & (bands["minutes"] == minutes)]
    return row.geometry.iloc[0]


# --- against answers on paper --------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [3, 4, 5])
def test_on_square_streets_it_is_a_diamond(town, points, even, minutes):
    bands = isochrones(town, points(mid=(4000, 4000)), minutes=(minutes,), profile=even)
    reach = minutes * 600
    diamond = shapely.Polygon(
        CORNER + 4000 + np.array([[reach, 0], [0, reach], [-reach, 0], [0, -reach]])
    )
    found = bands.geometry.iloc[0]
    assert found.area == pytest.approx(diamond.area, rel=0.03)
    assert found.symmetric_difference(diamond).area < 0.06 * diamond.area


def test_along_a_lone_road_it_is_as_long_as_the_drive(draw, points, even):
    road = draw({"a": (0, 0), "b": (20_000, 0)}, [("a", "b")])
    mid = points(mid=(10_000, 0))
    bands = isochrones(road, mid, minutes=(5, 10), profile=even, max_access_m=300)
    for limit, found in zip((5, 10), bands.geometry, strict=True):
        west, south, east, north = found.bounds
        ends = (west - CORNER[0], east - CORNER[0])
        assert ends == pytest.approx((10_000 - limit * 600, 10_000 + limit * 600), abs=60)
        assert north - south == pytest.approx(600, abs=60)  # 300 m to each side


def test_areas_are_those_of_an_equal_area_projection(sets):
    for bands in sets.values():
        flat = bands.to_crs("+proj=laea +lat_0=35.2 +lon_0=128.6 +ellps=WGS84").area / 1e6
        assert bands["area_km2"].to_numpy() == pytest.approx(flat.to_numpy(), rel=1e-4)


# --- shapes --------------------------------------------------------------------------------------


def test_every_polygon_is_a_valid_multipolygon_in_the_origins_crs(town, two, sets, even):
    for bands in sets.values():
        assert set(bands.geom_type) == {"MultiPolygon"}
        assert bands.is_valid.all()
        assert bands.crs == two.crs
    degrees = isochrones(town, two.to_crs(4326), minutes=(2,), profile=even)
    assert degrees.crs == "EPSG:4326"
    again = degrees.to_crs(two.crs).geometry.to_numpy()
    first = sets["overlap"][sets["overlap"]["minutes"] == 2].geometry.to_numpy()
    assert shapely.area(shapely.symmetric_difference(again, first)).max() < 1


@pytest.mark.parametrize("mode", ["overlap", "merge", "split", "rings"])
def test_outlines_stay_valid_in_degrees_and_in_other_crs(belt, mode):
    """Outlines that touch would cross there: an edge is straight in one CRS alone."""
    region, network, places = belt
    hubs = places.loc[region.hubs].to_crs(4326)
    bands = isochrones(network, hubs, minutes=(15, 30, 60), mode=mode, profile="typical")
    assert set(bands.geom_type) == {"MultiPolygon"}
    for crs in (4326, network.crs, 5186, 3857):
        there = bands.to_crs(crs)
        assert there.is_valid.all(), there.is_valid_reason().tolist()
    parts = shapely.get_parts(bands.geometry.to_numpy())
    assert shapely.is_ccw(shapely.get_exterior_ring(parts)).all()  # as GeoJSON has them


def test_columns_and_order(sets):
    bands = sets["overlap"]
    assert set(bands.columns) == {
        *("origin_id", "minutes", "area_km2", "truncated", "status", "geometry"),
    }
    assert bands["status"].eq("ok").all()
    assert bands["origin_id"].tolist() == ["west", "east"] * 2
    assert bands["minutes"].tolist() == [2, 2, 4, 4]
    assert sets["merge"]["origin_id"].tolist() == ["all", "all"]


def test_one_mode_alone_is_the_same_as_among_others(town, two, sets, even):
    alone = isochrones(town, two, minutes=(4, 2), mode="split", profile=even)
    assert alone.geom_equals(sets["split"]).all()
    assert alone["area_km2"].tolist() == sets["split"]["area_km2"].tolist()


@settings(max_examples=12, deadline=None)
@given(
    limits=st.lists(st.floats(0.2, 6.0), min_size=2, max_size=4, unique=True),
    mode=st.sampled_from(["overlap", "merge", "split"]),
    xy=st.tuples(st.integers(500, 7500), st.integers(500, 7500)),
)
@example(limits=[6.0, 5.999999999999999], mode="overlap", xy=(500, 500))
def test_shorter_bands_lie_in_longer_ones(lakeside, points, even, limits, mode, xy):
    origins = points(one=xy, two=(4000, 1000))
    bands = isochrones(
        lakeside, origins, minutes=limits, mode=mode, profile=even, max_access_m=150, cell_m=100
    )
    for _, mine in bands[bands["status"] == "ok"].groupby("origin_id"):
        assert mine["minutes"].is_monotonic_increasing
        shapes = mine.geometry.to_numpy()
        outside = shapely.area(shapely.difference(shapes[:-1], shapes[1:]))
        assert outside.max(initial=0) < 1e-6
        # where all land is in reach, it is the same, but for edges that a point parts: 0.1 m²
        assert (np.diff(mine["area_km2"]) > -1e-7).all()


def test_holes_are_kept(lakeside, points, even):
    bands = isochrones(
        lakeside, points(mid=(4000, 4000)), minutes=(15,), profile=even, max_access_m=300
    )
    found = bands.geometry.iloc[0]
    holes = [shapely.Polygon(ring) for part in found.geoms for ring in part.interiors]
    assert len(holes) == 1
    middle = shapely.transform(LAKE, lambda xy: xy + CORNER).centroid
    assert holes[0].contains(middle)
    assert not found.contains(middle)
    # streets up to 200 m from the water still serve 300 m of it to each side
    assert holes[0].area == pytest.approx(1800**2, rel=0.1)


# --- modes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [2, 4])
def test_merge_is_the_union_of_overlap(sets, minutes):
    both = shapely.union(
        shape(sets["overlap"], "west", minutes), shape(sets["overlap"], "east", minutes)
    )
    merged = shape(sets["merge"], "all", minutes)
    assert merged.symmetric_difference(both).area < 0.005 * both.area


@pytest.mark.parametrize("minutes", [2, 4])
def test_split_is_disjoint_and_makes_up_merge(sets, minutes):
    west, east = (shape(sets["split"], origin, minutes) for origin in ("west", "east"))
    merged = shape(sets["merge"], "all", minutes)
    assert west.intersection(east).area < 1e-6
    assert west.union(east).symmetric_difference(merged).area < 0.01 * merged.area


def test_split_gives_each_place_to_the_origin_that_reaches_it_first(town, two, sets, even):
    rng = np.random.default_rng(1)
    xy = rng.integers(0, SIDE - 1, size=(150, 2)) * STEP + CORNER + [0, 60]
    there = gpd.GeoDataFrame(geometry=shapely.points(xy), crs=two.crs)
    times = tb.travel_times(town, two, there, profile=even)
    west, east = times["time_min"].to_numpy().reshape(2, -1)
    clear = (np.minimum(west, east) < 3.8) & (np.abs(west - east) > 0.3)
    assert clear.sum() > 20
    in_west = shapely.contains(shape(sets["split"], "west", 4), there.geometry.to_numpy())
    assert (in_west == (west < east))[clear].all()


def test_shapes_whose_cut_edges_almost_coincide_are_parted_too():
    """The last one keeps its land if those before it are taken from it as cut, not as whole ones."""
    rings = """
        1023463.581146057 1718579.7420913868, 1042895.2396774468 1732745.525074358,
        1021758.4858900089 1756772.8810715084, 1023463.581146057 1718579.7420913868;
        986591.2399635988 1776288.675062741, 1021449.5571081172 1722272.1752109472,
        1038951.9702369138 1744303.586473085, 1049576.65867836 1765040.0184552216,
        986591.2399635988 1776288.675062741;
        1040524.9513793052 1746554.0354540932, 1020322.8895601135 1755009.3160246112,
        1023267.8000227587 1741552.310149916, 1028208.0663440914 1710637.9972196512,
        1089076.1428838363 1725064.3498526725, 1040524.9513793052 1746554.0354540932;
        1035313.0146279199 1750950.938143042, 1027437.642062925 1749421.0085155326,
        1047637.1548287006 1723367.4761720677, 1035313.0146279199 1750950.938143042"""
    shapes = [shapely.from_wkt(f"MULTIPOLYGON ((({ring})))") for ring in rings.split(";")]
    whole = shapely.union_all(shapes).area
    assert sum(shape.area for shape in _disjoint(shapes)) == pytest.approx(whole, rel=1e-9)


def test_rings_are_disjoint_and_make_up_overlap(sets):
    for origin in ("west", "east"):
        inner, outer = (shape(sets["rings"], origin, minutes) for minutes in (2, 4))
        whole = shape(sets["overlap"], origin, 4)
        millimetre = 0.001 * whole.length
        assert inner.intersection(outer).area < millimetre
        assert inner.union(outer).symmetric_difference(whole).area < millimetre
        assert inner.equals(shape(sets["overlap"], origin, 2))


def test_overlap_does_not_know_of_the_other_origin(town, two, sets, even):
    alone = isochrones(town, two.loc[["east"]], minutes=(2, 4), profile=even)
    for minutes, one in zip((2, 4), alone.geometry, strict=True):
        assert one.equals(shape(sets["overlap"], "east", minutes))


# --- directions ----------------------------------------------------------------------------------


def test_on_a_one_way_ring_toward_is_the_other_way_round(draw, points, speeds):
    nodes = {"a": (0, 0), "b": (6000, 0), "c": (6000, 6000), "d": (0, 6000)}
    ring = draw(nodes, [(*pair, {"oneway": True}) for pair in ("ab", "bc", "cd", "da")])
    home = points(home=(3000, 0))
    ahead, behind = shapely.points([CORNER + (4500, 0), CORNER + (1500, 0)])  # noqa: RUF005
    common = {"minutes": (5,), "profile": speeds(), "max_access_m": 300}
    there = isochrones(ring, home, **common).geometry.iloc[0]
    back = isochrones(ring, home, toward=True, **common).geometry.iloc[0]
    assert there.contains(ahead)
    assert not there.contains(behind)
    assert back.contains(behind)
    assert not back.contains(ahead)


# --- the edge ------------------------------------------------------------------------------------


def edged(network, box):
    extent = shapely.transform(shapely.box(*box), lambda xy: xy + CORNER).wkt
    return replace(network, info=replace(network.info, extent=extent))


def test_what_ends_far_from_the_edge_is_not_cut_off(town, points, even):
    wide = edged(town, (-9000, -9000, 17_000, 17_000))
    bands = isochrones(wide, points(mid=(4000, 4000)), minutes=(3,), profile=even)
    assert bands["truncated"].tolist() == [0]


def test_what_reaches_the_edge_is_cut_off_there(town, points, even):
    tight = edged(town, (0, 0, 8000, 8000))
    bands = isochrones(tight, points(mid=(4000, 4000)), minutes=(2, 5, 30), profile=even)
    none, some, whole = bands["truncated"]
    assert none == 0
    assert 0 < some < 1
    assert whole == 1


def test_of_a_network_without_an_outline_nobody_knows(sets):
    assert sets["overlap"]["truncated"].isna().all()


# --- little, nothing, and nobody -----------------------------------------------------------------


@pytest.mark.parametrize("mode", ["overlap", "merge", "split", "rings"])
def test_within_less_time_than_the_way_to_the_road_lies_nothing(town, points, speeds, mode):
    field = points(field=(4050, 4100))  # 50 m, so 50 s, from the road
    bands = isochrones(town, field, minutes=(0.5, 3), mode=mode, profile=speeds())
    nothing, something = bands.geometry
    assert nothing.is_empty
    assert bands["area_km2"].iloc[0] == 0
    assert something.area > 0


def test_nothing_at_all_is_an_empty_shape(town, points, speeds):
    bands = isochrones(town, points(field=(4050, 4100)), minutes=(0.1,), profile=speeds())
    assert bands.geometry.is_empty.tolist() == [True]
    assert bands.geom_type.tolist() == ["MultiPolygon"]


@pytest.mark.parametrize("mode", ["overlap", "merge", "split", "rings"])
def test_an_origin_far_from_every_road_has_nothing_and_spoils_nothing(
    town, points, two, sets, even, mode
):
    far = points(west=(2000, 4000), sea=(50_000, 50_000), east=(5600, 4400))
    bands = isochrones(town, far, minutes=(2, 4), mode=mode, profile=even)
    assert bands[bands["origin_id"] == "sea"].geometry.is_empty.all()
    others = bands[bands["origin_id"] != "sea"].reset_index(drop=True)
    same = others.geometry.symmetric_difference(sets[mode].geometry).area
    assert same.max() < 1e-3
    assert len(two) == 2


def test_if_no_origin_is_near_a_road_it_is_an_error(town, points):
    with pytest.raises(PointError, match="the origin does not lie within 1000 m of a road"):
        isochrones(town, points(sea=(50_000, 50_000)))


def test_an_unknown_profile_is_named(town, two):
    with pytest.raises(RegionError, match="no speed profile 'warp'; there are free_flow"):
        isochrones(town, two, profile="warp")


def test_a_cell_without_a_value_is_no_land():
    grid = Grid(0.0, 400.0, 100.0, 4, 4)
    values = np.full((4, 4), np.nan)
    assert polygons_within(grid, values, 0.0, 1.0).is_empty
    values[1, 1] = -np.inf
    assert polygons_within(grid, values, 0.0, 1.0).area == pytest.approx(5000)  # half way all round


# --- counting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("toward", [False, True])
def test_what_is_reached_is_counted_by_time(town, two, even, toward):
    rng = np.random.default_rng(2)
    xy = CORNER + rng.uniform(0, 8000, size=(150, 2))
    people = gpd.GeoDataFrame(
        {"people": rng.integers(1, 99, 150)}, geometry=shapely.points(xy), crs=two.crs
    )
    places = people[["geometry"]].iloc[:40]
    sets = isochrone_sets(
        town,
        two,
        modes=("overlap", "merge", "split", "rings"),
        minutes=(2, 4),
        toward=toward,
        profile=even,
        reach={"people": people, "places": places},
    )
    pairs = (people, two) if toward else (two, people)
    times = tb.travel_times(town, *pairs, profile=even)["time_min"].to_numpy()
    times = times.reshape(150, 2).T if toward else times.reshape(2, 150)
    first = times.argmin(axis=0)
    for row in sets["overlap"].itertuples():
        mine = times[["west", "east"].index(row.origin_id)]
        assert row.people == people["people"][mine <= row.minutes].sum()
        assert row.places == (mine[:40] <= row.minutes).sum()
    for row in sets["split"].itertuples():
        number = ["west", "east"].index(row.origin_id)
        mine = (times[number] <= row.minutes) & (first == number)
        assert row.people == people["people"][mine].sum()
    nearest = times.min(axis=0)
    assert sets["merge"]["places"].tolist() == [(nearest[:40] <= m).sum() for m in (2, 4)]
    rings = sets["rings"].groupby("origin_id", sort=False)["people"].sum()
    longest = sets["overlap"][sets["overlap"]["minutes"] == 4]
    assert rings.tolist() == longest["people"].tolist()


# --- how often it is wrong -----------------------------------------------------------------------


def test_on_dense_streets_a_picture_is_seldom_wrong(town, two, sets, even):
    table = audit(town, two, sets["overlap"], profile=even, positions=500)
    assert table[["origin_id", "minutes"]].equals(sets["overlap"][["origin_id", "minutes"]])
    assert (table["positions"] == 500).all()
    assert table["late_in"].between(0, 0.03).all()
    assert table["ok_out"].between(0, 0.05).all()


def test_a_wrong_picture_is_found_out(town, two, sets, even):
    bands = sets["overlap"]
    larger = audit(town, two, bands.set_geometry(bands.buffer(400)), profile=even, positions=300)
    smaller = audit(town, two, bands.set_geometry(bands.buffer(-300)), profile=even, positions=300)
    assert (larger["late_in"] > 0.15).all()
    assert (smaller["ok_out"] > 0.15).all()
    assert (smaller["late_in"] == 0).all()


def test_the_same_seed_draws_the_same_positions(town, two, sets, even):
    first = audit(town, two, sets["overlap"], profile=even, positions=100, seed=7)
    assert first.equals(audit(town, two, sets["overlap"], profile=even, positions=100, seed=7))


def test_nothing_drawn_is_not_judged(town, points, speeds):
    field = points(field=(4050, 4100))
    bands = isochrones(town, field, minutes=(0.1,), profile=speeds())
    table = audit(town, field, bands, profile=speeds(), positions=50)
    assert table["late_in"].isna().all()
    assert table["positions"].tolist() == [0]


# --- the belt ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def belt():
    region = tb.load_region()
    return region, tb.load_network(region), tb.facilities(region)


@pytest.fixture(scope="module")
def hub_bands(belt):
    _, network, places = belt
    return isochrones(
        network, places.loc[["UNI02"]], minutes=(15, 30), profile="typical", reach={"n": places}
    )


def test_a_hub_of_the_belt(belt, hub_bands):
    region, network, places = belt
    times = tb.travel_times(network, places.loc[["UNI02"]], places, profile="typical")["time_min"]
    assert hub_bands["n"].tolist() == [(times <= limit).sum() for limit in (15, 30)]
    assert hub_bands.is_valid.all()
    assert (hub_bands["truncated"] == 0).all()
    shapes = hub_bands.to_crs(region.crs).geometry
    assert shapes.iloc[0].difference(shapes.iloc[1]).area < 1


def test_the_picture_of_a_hub_is_seldom_wrong(belt, hub_bands):
    _, network, places = belt
    table = audit(network, places, hub_bands, profile="typical")
    assert (table["positions"] == 2000).all()
    assert (table["late_in"] < 0.02).all()
    assert (table["ok_out"] < 0.05).all()


@pytest.mark.parametrize("mode", ["overlap", "merge", "split", "rings"])
@pytest.mark.parametrize("toward", [False, True])
def test_outlines_do_not_depend_on_the_engine(belt, mode, toward):
    region, network, places = belt
    found = []
    for engine in ("scipy", "hierarchy"):
        with use_engine(engine):
            asked = {"minutes": (10, 20), "mode": mode, "toward": toward}
            found.append(isochrones(network, places.loc[region.hubs], **asked))
    assert found[0].geometry.geom_equals(found[1].geometry).all()
    assert found[0]["area_km2"].tolist() == found[1]["area_km2"].tolist()


@pytest.mark.parametrize("mode", ["overlap", "merge", "split"])
def test_many_origins_are_drawn_some_at_a_time(town, points, even, mode, monkeypatch):
    many = points(**{f"p{i}": (800 * i + 300, 2000 + 450 * i) for i in range(9)})
    with use_engine("scipy"):
        whole = isochrones(town, many, minutes=(2, 3), mode=mode, profile=even)
        monkeypatch.setattr(dijkstra, "_BATCH_VALUES", 1)
        parts = isochrones(town, many, minutes=(2, 3), mode=mode, profile=even)
    assert parts.geometry.geom_equals(whole.geometry).all()


def test_a_point_at_sea_is_refused_with_its_position(belt):
    sea = gpd.GeoDataFrame(geometry=[shapely.Point(128.9, 34.7)], index=["sea"], crs=4326)
    with pytest.raises(PointError, match=r"the first is at 128.90000,34.70000\. Correct") as told:
        isochrones(belt[1], sea)
    assert "\n" not in str(told.value)


def test_areas_do_not_hang_on_the_crs_of_the_origins(belt):
    region, network, places = belt
    hubs = places.loc[region.hubs]
    one, two = (isochrones(network, hubs.to_crs(crs), minutes=(15, 60)) for crs in (4326, 5179))
    np.testing.assert_allclose(one["area_km2"], two["area_km2"], rtol=1e-9)


def test_areas_do_not_hang_on_the_direction_of_rings():
    shell, hole = [(0, 0), (9, 0), (9, 9), (0, 9)], [(3, 3), (6, 3), (6, 6), (3, 6)]
    shapes = [shapely.Polygon(shell, [hole]), shapely.Polygon(shell[::-1], [hole])]
    corner = [shapely.affinity.translate(shape, 1_100_000, 1_690_000) for shape in shapes]
    frame = gpd.GeoDataFrame(geometry=corner, crs=5179)
    assert areas_km2(frame) == pytest.approx([72e-6] * 2, rel=1e-3)


def test_empty_cells_of_a_column_add_nothing(town, two, even):
    xy = CORNER + np.array([[2000, 4000], [2200, 4000], [2400, 4000]])
    people = gpd.GeoDataFrame(
        {"people": [1.0, np.nan, 3.0]}, geometry=shapely.points(xy), crs=two.crs
    )
    bands = isochrones(town, two, minutes=(4,), profile=even, reach={"people": people})
    assert bands["people"].tolist() == [4, 0]


def test_without_origins_there_is_an_error(town, two):
    with pytest.raises(PointError, match="there are no origins"):
        isochrones(town, two.iloc[:0])


@pytest.mark.parametrize("name", ["cell_m", "max_access_m"])
@pytest.mark.parametrize("metres", [-50.0, 0.0, float("nan"), float("inf")])
def test_lengths_must_be_above_zero(town, two, name, metres):
    with pytest.raises(PointError, match=f"{name} is {metres}; it must be above 0 m"):
        isochrones(town, two, **{name: metres})


def test_an_unknown_mode_is_named(town, two):
    with pytest.raises(ValueError, match="no mode 'ring'; there are overlap, merge, split, rings"):
        isochrones(town, two, mode="ring")


@pytest.mark.parametrize("minutes", [(), (0,), (-5, 10), (float("nan"),), (float("inf"),)])
def test_limits_must_be_above_zero(town, two, even, minutes):
    with pytest.raises(PointError, match="limits above zero minutes; found"):
        isochrones(town, two, minutes=minutes, profile=even)


def test_an_audit_of_origins_with_one_id_is_refused(town, points, even):
    two = points(here=(1000, 1000), there=(3000, 3000)).set_axis(["home", "home"])
    bands = isochrones(town, two, minutes=(5,), profile=even)
    with pytest.raises(PointError, match=r"several origins have the id 'home'\. Give each its own"):
        audit(town, two, bands, profile=even)


@pytest.mark.parametrize("name", ["minutes", "status", "geometry"])
def test_what_is_reached_may_not_be_called_as_a_column_is(town, two, even, name):
    with pytest.raises(ValueError, match=f"isochrones have a column '{name}'"):
        isochrones(town, two, minutes=(5,), profile=even, reach={name: two})
