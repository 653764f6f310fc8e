"""Zones again and again: under random weights and speeds, on other roads, in every format."""

from __future__ import annotations

from itertools import combinations, pairwise

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

import technobelt as tb
from hand_region import CORNER, ENDS, PLACES, ROAD, make_region
from technobelt.errors import ClaimError
from technobelt.scenario import Scenario
from technobelt.zones import compare_zones, redraw_zones

UNSURE = """
[uncertainty]
corridor_sd = 0.0
class_sd = {sd}
road_sd = 0.0
correlation_km = 5
source = "drawn by hand"
"""
ZONES = """
[zones]
minutes = 5
profile = "plain"
part_min_km2 = 0.02
hole_min_km2 = 0.02
weights_vary = {vary}
[zones.anchors.university]
layers = ["universities"]
[zones.core]
layers = ["universities"]
[zones.factors.near]
minutes_to = {{ layers = ["centres"] }}
transfer = {{ points = [[0, 1], [20, 0]] }}
weight = 1
[zones.factors.flat]
land = "relief_m"
transfer = {{ points = [[0, 1], [200, 0]] }}
weight = 1
[zones.packs.small]
title = "Small"
source = "drawn by hand"
core = true
sites_max = 1
zone_max_km2 = 1
"""


@pytest.fixture(scope="module")
def road(draw):
    return draw(ENDS, ROAD)


def region_of(folder, *, sd=0.2, vary=0.2, **more):
    zones = ZONES.format(vary=vary) + (UNSURE.format(sd=sd) if sd is not None else "")
    return make_region(folder, zones=zones, **more)


# --- robustness ----------------------------------------------------------------------------------


def test_without_uncertainty_every_cell_stays(tmp_path, road):
    drawn = tb.delineate_zones(region_of(tmp_path, sd=0.0, vary=0.0), road)
    firm = redraw_zones(drawn, draws=3)
    inside = drawn.allocation.mask(firm.stays.shape)
    assert np.array_equal(firm.stays, inside.astype(float))
    assert set(firm.areas["kind"]) == {"core"}
    assert firm.zones["stays"].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("pack", ["small", "kr-national-innovation-cluster", "uk-tax-sites"])
def test_without_uncertainty_zones_under_a_cap_are_all_core(tmp_path, road, pack):
    drawn = tb.delineate_zones(region_of(tmp_path, sd=0.0, vary=0.0), road, pack=pack)
    firm = redraw_zones(drawn, draws=2)
    assert set(firm.areas["kind"]) == {"core"}
    assert firm.areas["area_km2"].sum() == pytest.approx(drawn.zones["area_km2"].sum(), abs=0.01)
    assert (firm.zones["stays"] == 1).all()


def test_the_share_of_draws_is_that_of_a_zone_on_paper(tmp_path, road):
    """On one road of one class a draw multiplies all speeds by one lognormal factor."""
    drawn = tb.delineate_zones(region_of(tmp_path, sd=0.2), road)
    firm = redraw_zones(drawn, draws=60)
    grid = drawn.suitability.ground.grid
    row = int((grid.top - (CORNER[1] + 50)) // grid.cell_m)
    # 5 minutes, 50 s of them on foot, reach 2,500 m times the factor: a cell 2,450 m away is in if
    # the factor is above 0.98, one 3,050 m away if above 1.22, which is one standard deviation
    for metres, low, high in (
        (1050, 1.0, 1.0),
        (2450, 0.4, 0.7),
        (3050, 0.06, 0.3),
        (4550, 0, 0.02),
    ):
        column = int((CORNER[0] + metres - grid.left) // grid.cell_m)
        assert low <= firm.stays[row, column] <= high, metres


def test_core_and_fringe_part_the_zone_and_its_surroundings(tmp_path, road):
    drawn = tb.delineate_zones(region_of(tmp_path), road)
    firm = redraw_zones(drawn, draws=20)
    for cluster, mine in firm.areas.set_index("kind").groupby("cluster"):
        core, fringe = mine.geometry["core"], mine.geometry["fringe"]
        assert core.intersection(fringe).area == pytest.approx(0, abs=1)
        zone = drawn.zones.set_index("cluster").geometry[cluster]
        # corners lie on whole metres, which moves long sides by less than one
        assert core.difference(zone).area == pytest.approx(0, abs=1000)
        assert zone.difference(core.union(fringe)).area == pytest.approx(0, abs=1000)
    assert (firm.areas[firm.areas["kind"] == "core"]["stays"] >= 0.9).all()


def test_draws_are_the_same_whenever_they_are_asked_for(tmp_path, road):
    drawn = tb.delineate_zones(region_of(tmp_path), road, pack="small")
    one, two = redraw_zones(drawn, draws=4), redraw_zones(drawn, draws=4)
    assert np.array_equal(one.stays, two.stays)
    other = redraw_zones(drawn, draws=4, seed=7)
    assert not np.array_equal(one.stays, other.stays)
    # the first two of four draws are those of two
    more = np.rint(one.stays * 4 - redraw_zones(drawn, draws=2).stays * 2)
    assert ((more >= 0) & (more <= 2)).all()


def test_weights_alone_move_the_best_land(tmp_path, road):
    from hand_region import land_cells

    # flat land is to the west of the centre, so that more weight on relief pulls the zone there
    land = land_cells(relief_m=lambda x, _: np.clip(x + 3000, 0, 6000) / 30)
    region = region_of(tmp_path, sd=0.0, vary=0.9, land=land)
    drawn = tb.delineate_zones(region, road, pack="small")
    firm = redraw_zones(drawn, draws=10)
    assert 0 < firm.zones.set_index("zone_id").loc["zone-west-U_west", "stays"] < 1
    still = region_of(tmp_path, sd=0.0, vary=0.0, land=land)
    firm = redraw_zones(tb.delineate_zones(still, road, pack="small"), draws=2)
    assert firm.zones["stays"].min() > 0.99


def test_how_often_each_core_was_chosen_is_told(tmp_path, road):
    places = PLACES | {"U_two": ("universities", "x", "west", 200, 0)}
    drawn = tb.delineate_zones(region_of(tmp_path, places=places), road, pack="small")
    firm = redraw_zones(drawn, draws=10)
    assert sum(firm.cores["west"].values()) == pytest.approx(1)
    assert firm.cores["east"] == {"U_east": 1.0}
    assert firm.to_dict()["cores"] == firm.cores


def test_a_region_that_does_not_say_how_far_speeds_are_off_is_refused(tmp_path, road):
    drawn = tb.delineate_zones(region_of(tmp_path, sd=None), road)
    with pytest.raises(ClaimError, match=r"Add \[uncertainty\] to region.toml"):
        redraw_zones(drawn, draws=2)


def test_the_share_of_draws_is_a_raster(tmp_path, road):
    firm = redraw_zones(tb.delineate_zones(region_of(tmp_path), road), draws=3)
    with rasterio.open(firm.write(tmp_path / "stays.tif")) as raster:
        values, named = raster.read(1), raster.descriptions
    assert named == ("stays",)
    assert np.array_equal(np.nan_to_num(values), firm.stays.astype("float32"))


# --- other roads ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_roads(draw):
    """A winding road twice as long as it looks, and a straight one beside it, opened in 2010."""
    nodes = {f"n{x}": (x, 0) for x in range(-10_000, 70_001, 500)}
    names = list(nodes)
    old = [(a, b, {"opened": "1990-01-01", "length_m": 1000.0}) for a, b in pairwise(names)]
    new = [(a, b, {"opened": "2010-01-01"}) for a, b in pairwise(names)]
    return draw(nodes, [*old, *new], date="2021")


def slowed(kph):
    edit = {"id": "slow", "do": "speed", "kph": kph, "roads": {"class": ["primary"]}}
    return Scenario.model_validate({"id": "works", "edits": [edit]})


def test_slower_roads_lose_land_and_gain_none(tmp_path, road):
    found = compare_zones(region_of(tmp_path), road, scenarios=[slowed(18)])
    assert found.base == "base"
    assert set(found.changes["change"]) == {"kept", "lost"}
    base, works = found.drawn["base"].zones, found.drawn["works"].zones
    for row in found.changes.itertuples():
        before = base.set_index("cluster").geometry[row.cluster]
        after = works.set_index("cluster").geometry[row.cluster]
        assert row.geometry.within((before if row.change == "lost" else after).buffer(1))
    areas = found.changes.groupby("change")["area_km2"].sum()
    assert areas["kept"] + areas["lost"] == pytest.approx(base["area_km2"].sum(), rel=0.02)
    assert areas["kept"] == pytest.approx(works["area_km2"].sum(), rel=0.02)


def test_a_cluster_may_lose_its_zone_gain_one_or_never_have_one(tmp_path, road):
    region = region_of(tmp_path)
    closed = {"id": "shut", "do": "speed", "factor": 0.02, "roads": {"class": ["primary"]}}
    scenario = Scenario.model_validate({"id": "works", "edits": [closed]})
    found = compare_zones(region, road, scenarios=[scenario], pack="kr-national-innovation-cluster")
    assert found.drawn["base"].zones["cluster"].nunique() < 3
    assert set(found.changes["change"]) <= {"kept", "gained", "lost"}
    found = compare_zones(region, road, scenarios=[scenario], pack="small")
    assert set(found.changes["cluster"]) <= {"east", "centre", "west"}


def test_faster_roads_gain_land(tmp_path, road):
    found = compare_zones(region_of(tmp_path), road, scenarios=[slowed(54)])
    assert set(found.changes["change"]) == {"kept", "gained"}


def test_a_road_that_opened_between_two_dates_gains_land(tmp_path, two_roads):
    found = compare_zones(region_of(tmp_path), two_roads, dates=["1999", "2021"])
    assert list(found.drawn) == ["1999", "2021"]
    assert set(found.changes["change"]) == {"kept", "gained"}
    before, after = (drawn.zones["area_km2"].sum() for drawn in found.drawn.values())
    # on foot it is as far as before, along the road half as far: half the land
    assert before == pytest.approx(3 * 0.9, rel=0.1)
    assert after == pytest.approx(3 * 1.8, rel=0.15)


def test_a_facility_that_moves_takes_its_zone_along(tmp_path, road):
    x, y = gpd.GeoSeries([shapely.Point(CORNER + (6000, 0))], crs=5179).to_crs(4326)[0].coords[0]  # noqa: RUF005
    edits = [
        {"id": name, "do": "move_facility", "facility": name, "to": [x, y]}
        for name in ("U_west", "T_west")
    ]
    scenario = Scenario.model_validate({"id": "moved", "edits": edits})
    found = compare_zones(region_of(tmp_path), road, scenarios=[scenario])
    after = found.drawn["moved"].zones.set_index("cluster").geometry["west"]
    assert after.centroid.x - CORNER[0] == pytest.approx(6000, abs=150)


# --- formats -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["shp", "gpkg", "geojson", "fgb", "parquet", "kml"])
@pytest.mark.parametrize("pack", ["functional", "uk-tax-sites"])
def test_zones_are_valid_and_disjoint_in_every_format(tmp_path, belt_zones, pack, suffix):
    zones = belt_zones[pack]
    path = tb.write_layer(zones, tmp_path / f"zones.{suffix}", layer="zones")
    back = gpd.read_parquet(path) if suffix == "parquet" else gpd.read_file(path)
    assert len(back) == len(zones)
    assert back.is_valid.all()
    for one, two in combinations(back.geometry, 2):
        assert not one.intersects(two)
    again = back.to_crs(zones.crs)  # a .fgb is sorted for its index
    name = "zone_id" if "zone_id" in back else "Name"
    again = again.set_index(name).loc[zones["zone_id"] if name == "zone_id" else again[name]]
    assert again.area.to_numpy() == pytest.approx(zones.area.to_numpy(), rel=1e-4)


@pytest.fixture(scope="module")
def belt_zones():
    region = tb.load_region()
    network = tb.load_network(region)
    return {
        name: tb.draw_zones(region, network, pack=name) for name in ("functional", "uk-tax-sites")
    }


# --- the built-in region -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def belt():
    region = tb.load_region()
    return region, tb.load_network(region)


@pytest.mark.parametrize(
    "pack", ["kr-small-rnd-zone", "kr-national-innovation-cluster", "uk-tax-sites"]
)
def test_shipped_packs_keep_their_caps_on_the_built_in_region(belt, pack):
    region, network = belt
    found = tb.delineate_zones(region, network, pack=pack)
    rules = found.pack
    exact = found.zones.to_crs("+proj=laea +lat_0=35.2 +lon_0=128.6").area / 1e6
    assert (exact <= rules.largest_site_km2).all()
    assert (exact >= rules.site_min_km2).all()
    zones = exact.groupby(
        found.zones["cluster"] if rules.per == "cluster" else np.zeros(len(exact))
    ).sum()
    assert (zones <= (rules.zone_max_km2 or np.inf)).all()
    if rules.radius_km:
        core = found.allocation.sites[0].core
        middle = shapely.Point(core.x, core.y)
        assert (
            found.zones.geometry.map(lambda zone: zone.hausdorff_distance(middle)).max() <= 20_000
        )
    outlines = tb.read_layer(region, "clusters").to_crs(region.crs).geometry
    for row in found.zones.itertuples():
        assert row.geometry.within(outlines[row.cluster])


def test_the_belt_is_not_one_national_innovation_cluster(belt):
    region, network = belt
    found = tb.delineate_zones(region, network, pack="kr-national-innovation-cluster")
    assert "radius_km" in {one.rule for one in found.unmet}


def test_zones_touch_the_municipalities_that_they_name(belt):
    region, network = belt
    zones = tb.draw_zones(region, network, pack="kr-small-rnd-zone")
    areas = tb.read_layer(region, "municipalities").to_crs(region.crs)
    for row in zones.itertuples():
        touched = areas[areas.intersection(row.geometry).area >= 1e4]
        assert sorted(row.municip.split("; ")) == sorted(touched["name"])
