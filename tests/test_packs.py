"""Rule packs: caps are law, sites stay apart, and what cannot be met is told with its measure."""

from __future__ import annotations

from itertools import combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import technobelt as tb
from hand_region import CLUSTERS, CORNER, CRS, ENDS, PLACES, ROAD, land_cells, make_region
from technobelt.errors import LayerError, PointError, RegionError
from technobelt.zones import ZONE_COLUMNS, compare_designated, packs_of, shipped_packs

FACTORS = """
[zones.core]
layers = ["universities"]
[zones.factors.near]
minutes_to = { layers = ["centres"] }
transfer = { points = [[0, 1], [20, 0]] }
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
HEAD = 'title = "Mine"\nsource = "drawn by hand"\n'


def rules(pack="", *, more="", factors=FACTORS):
    text = f"\n[zones.packs.mine]\n{HEAD}{pack}\n" if pack else ""
    return BASE.format(more=more) + factors + text


@pytest.fixture(scope="module")
def road(draw):
    return draw(ENDS, ROAD)


def drawn(folder, road, pack, *, name="mine", more="", factors=FACTORS, **region):
    where = make_region(folder, zones=rules(pack, more=more, factors=factors), **region)
    return tb.delineate_zones(where, road, pack=name)


def ellipsoid_km2(shape):
    return (
        gpd.GeoSeries([shape], crs=CRS).to_crs("+proj=laea +lat_0=35.2 +lon_0=128.9").area[0] / 1e6
    )


# --- caps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", [0.3, 1.0, 2.0, 7.5])
def test_a_zone_is_as_large_as_its_cap_allows_and_no_larger(tmp_path, road, cap):
    found = drawn(tmp_path, road, f"sites_max = 1\nzone_max_km2 = {cap}")
    assert len(found.zones) == 3
    areas = found.zones.geometry.map(ellipsoid_km2)
    assert (areas <= cap * (1 + 1e-9)).all()
    assert (areas >= cap * 0.93).all()  # whole cells of 0.01 km2, their steps smoothed
    assert found.unmet == []


def test_up_to_so_many_sites_that_share_the_cap_of_the_zone(tmp_path, road):
    found = drawn(
        tmp_path, road, "sites_max = 3\nsite_max_km2 = 1\nzone_max_km2 = 2.5\nsite_min_km2 = 0.2"
    )
    for _, mine in found.zones.groupby("cluster"):
        assert len(mine) == 3
        assert (mine["area_km2"] <= 1).all()
        assert mine["area_km2"].sum() <= 2.5
        for a, b in combinations(mine.geometry, 2):
            assert a.distance(b) > 0
    assert found.zones["zone_id"].is_unique


def test_the_total_of_all_zones_is_shared_out(tmp_path, road):
    found = drawn(tmp_path, road, "sites_max = 1\nsite_max_km2 = 2\ntotal_max_km2 = 3")
    areas = found.zones.geometry.map(ellipsoid_km2)
    assert areas.sum() <= 3
    assert areas.to_numpy() == pytest.approx(np.full(3, 1.0), rel=0.08)


def test_no_land_of_a_lower_score_is_taken(tmp_path, road):
    # 10 minutes from the centre score 0.5: at 10 m/s from 3 km on in 5, with 50 m on foot
    found = drawn(tmp_path, road, "sites_max = 1\nzone_max_km2 = 30\nscore_min = 0.75")
    west = found.zones.set_index("cluster").geometry["west"].bounds
    assert west[0] - CORNER[0] >= -3000
    assert west[2] - CORNER[0] <= 3000
    assert found.zones["suit_q1"].min() >= 0.75


def test_land_lies_within_the_radius_of_the_core(tmp_path, road):
    found = drawn(tmp_path, road, "core = true\nsites_max = 1\nzone_max_km2 = 30\nradius_km = 1.5")
    for row in found.zones.itertuples():
        assert row.core == f"U_{row.cluster}"
        middle = shapely.Point(CORNER + (PLACES[row.core][3], 0))  # noqa: RUF005
        assert shapely.hausdorff_distance(row.geometry, middle) <= 1500
        assert row.geometry.contains(middle)


def test_sites_of_a_zone_lie_within_its_span(tmp_path, road):
    places = PLACES | {
        f"T_{n}": ("centres", "x", "west", x, 0) for n, x in enumerate((-9000, 9000))
    }
    wide = drawn(tmp_path, road, "sites_max = 3\nsite_max_km2 = 0.5", places=places)
    near = drawn(tmp_path, road, "sites_max = 3\nsite_max_km2 = 0.5\nspan_km = 6", places=places)

    def span(found):
        west = found.zones[found.zones["cluster"] == "west"].geometry
        corners = shapely.get_coordinates(west.to_numpy())
        return np.hypot(*(corners[:, None] - corners[None]).transpose(2, 0, 1)).max()

    assert span(wide) > 6000
    assert span(near) <= 6000


def test_a_site_keeps_the_span_by_itself(tmp_path, road):
    found = drawn(tmp_path, road, "sites_max = 2\nzone_max_km2 = 12\nspan_km = 5")
    for _, mine in found.zones.groupby("cluster"):
        corners = shapely.get_coordinates(mine.geometry.to_numpy())
        assert np.hypot(*(corners[:, None] - corners[None]).transpose(2, 0, 1)).max() <= 5000
    add = units(tmp_path, 1000)
    more = 'snap = "submunicipalities"'
    found = drawn(
        tmp_path, road, "sites_max = 1\nzone_max_km2 = 12\nspan_km = 5", more=more, edit=add
    )
    for zone in found.zones.geometry:
        corners = shapely.get_coordinates(zone)
        assert np.hypot(*(corners[:, None] - corners[None]).transpose(2, 0, 1)).max() <= 5000


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    least=st.sampled_from([0, 0.1, 0.3]),
    site=st.sampled_from([0.35, 0.8, 2.0]),
    zone=st.sampled_from([1.0, 2.5]),
    sites=st.integers(1, 4),
    total=st.sampled_from([None, 0.05, 2.0]),
    span=st.sampled_from([None, 3.0]),
    smoothing=st.sampled_from([0.0, 0.8, 0.99]),
    compactness=st.sampled_from([0.0, 0.3, 0.9]),
    water=st.integers(0, 5),
)
def test_whatever_the_rules_caps_are_kept_and_sites_are_valid_and_apart(  # noqa: PLR0913, PLR0917
    tmp_path, road, least, site, zone, sites, total, span, smoothing, compactness, water
):
    pack = f"sites_max = {sites}\nsite_min_km2 = {least}\nsite_max_km2 = {site}\nzone_max_km2 = {max(zone, site)}"
    pack += f"\ntotal_max_km2 = {total}" if total and total >= least else ""
    pack += f"\nspan_km = {span}" if span else ""
    land = land_cells(water=lambda x, _: np.random.default_rng(water).random(len(x)) < 0.05 * water)
    more = f"smoothing = {smoothing}\ncompactness = {compactness}"
    found = drawn(tmp_path, road, pack, more=more, land=land)
    rules = found.pack
    areas = found.zones.geometry.map(ellipsoid_km2)
    assert found.zones.is_valid.all()
    assert ((areas <= site * (1 + 1e-9)) & (areas >= least * (1 - 1e-9))).all()
    assert areas.sum() <= (rules.total_max_km2 or np.inf) * (1 + 1e-9)
    for _, mine in found.zones.groupby("cluster"):
        assert len(mine) <= sites
        assert areas[mine.index].sum() <= rules.zone_max_km2 * (1 + 1e-9)
        corners = shapely.get_coordinates(mine.geometry.to_numpy())
        assert np.hypot(*(corners[:, None] - corners[None]).transpose(2, 0, 1)).max() <= 1000 * (
            span or 1e9
        )
    for a, b in combinations(found.zones.geometry, 2):
        assert a.distance(b) > 0
    assert (found.zones.geometry.count_geometries() == 1).all()
    for one in found.unmet:  # a rule that is told has its reason
        assert "-" not in one.found.replace("e-", "")
        assert "inf" not in str(one)
    missing = {*CLUSTERS} - {*found.zones["cluster"]}
    assert missing <= {one.cluster for one in found.unmet}


# --- cores ---------------------------------------------------------------------------------------


def test_the_core_is_the_institution_with_the_best_land_around_it(tmp_path, road):
    places = PLACES | {"U_far": ("universities", "x", "west", 8000, 0)}
    pack = "core = true\nsites_max = 1\nzone_max_km2 = 1"
    found = drawn(tmp_path, road, pack, places=places)
    assert found.zones.set_index("cluster")["core"]["west"] == "U_west"
    moved = places | {"T_west": ("centres", "x", "west", 8000, 0)}
    found = drawn(tmp_path, road, pack, places=moved)
    assert found.zones.set_index("cluster")["core"]["west"] == "U_far"
    assert "zone-west-U_far" in set(found.zones["zone_id"])


def test_a_named_core_is_taken_and_one_outside_its_cluster_refused(tmp_path, road):
    pack = "core = true\nsites_max = 1\nzone_max_km2 = 1"
    places = PLACES | {"U_far": ("universities", "x", "west", 8000, 0)}
    named = '[zones.cores]\nwest = "U_far"\n' + FACTORS
    found = drawn(tmp_path, road, pack, factors=named, places=places)
    assert found.zones.set_index("cluster")["core"].to_dict() == {
        "east": "U_east", "centre": "U_centre", "west": "U_far"
    }  # fmt: skip
    for core, message in (
        ("U_centre", r"core 'U_centre' of \[zones.cores\] west lies 20.0 km outside its cluster"),
        ("U_none", "is no facility"),
    ):
        with pytest.raises(PointError, match=message):
            drawn(tmp_path, road, pack, factors=named.replace("U_far", core))
    with pytest.raises(RegionError, match=r"no cluster 'north' in \[clusters\]; there are east,"):
        drawn(tmp_path, road, pack, factors=named.replace("west =", "north ="))


def test_designated_zones_are_compared_after_cores_are_chosen(tmp_path, road):
    places = PLACES | {"U_far": ("universities", "x", "west", 6000, 0)}
    real = "".join(
        f'\n[[zones.designated]]\nname = "{c}"\npack = "mine"\ncluster = "{c}"\ncore = "{core}"\nyear = 2019\nsource = "x"\n'
        for c, core in (("west", "U_far"), ("east", "U_east"))
    )
    pack = "core = true\nsites_max = 1\nzone_max_km2 = 1"
    found = drawn(tmp_path, road, pack + real, places=places)
    bare = drawn(tmp_path, road, pack, places=places)
    assert found.zones["core"].tolist() == bare.zones["core"].tolist()
    table = compare_designated(found).set_index("cluster")
    assert table["hit"].to_dict() == {"west": False, "east": True}
    assert table.loc["west", ["distance_km", "time_min"]].tolist() == [6.0, 10.0]
    assert compare_designated(bare).empty
    named = '[zones.cores]\nwest = "U_far"\n' + FACTORS
    told = compare_designated(drawn(tmp_path, road, pack + real, places=places, factors=named))
    assert told.set_index("cluster")["hit"].to_dict() == {"west": None, "east": True}


def test_a_pack_that_there_is_not_is_refused_where_it_is_named(tmp_path, road):
    real = '\n[[zones.designated]]\nname = "Old"\npack = "mein"\ncluster = "west"\ncore = "U_west"\nyear = 2019\nsource = "x"\n'
    with pytest.raises(
        RegionError, match=r"'Old' names the rule pack 'mein'; there are functional"
    ):
        drawn(tmp_path, road, "core = true\nsites_max = 1\nzone_max_km2 = 1" + real)


# --- names ---------------------------------------------------------------------------------------


def test_a_zone_is_at_what_it_holds_and_near_what_it_does_not(tmp_path, road):
    """All that stand at one position give their name to one zone."""
    places = PLACES | {"U_off": ("universities", "x", "west", 9000, 3000)}  # beyond the land
    found = drawn(tmp_path, road, "sites_max = 3\nsite_max_km2 = 1", places=places)
    west = found.zones[found.zones["cluster"] == "west"]
    assert west["zone_id"].tolist() == ["zone-west-P_west", "zone-west-U_off", "zone-west-site3"]
    ends = [name.split("innovation zone")[1].strip() for name in west["name"]]
    assert ends[0].startswith("at ")
    assert ends[1:] == ["near name of U_off", ""]


# --- one zone for the region ---------------------------------------------------------------------


def test_one_zone_for_the_region_says_whom_it_leaves_out(tmp_path, road):
    pack = 'per = "region"\ncore = true\nradius_km = 12\nsite_max_km2 = 2\nzone_max_km2 = 5\nsite_min_km2 = 0.5'
    found = drawn(tmp_path, road, pack)
    assert found.zones["area_km2"].sum() <= 5
    assert set(found.zones["cluster"]) == {"east"}  # of equals, the first
    assert {(one.rule, one.cluster) for one in found.unmet} == {
        ("radius_km", "centre"),
        ("radius_km", "west"),
    }
    centre = next(one for one in found.unmet if one.cluster == "centre")
    # from the university at 60 km to the last cell of the centre at 39.95 km
    assert "found 20.0 km at the nearest" in str(centre) or "found 20.1 km" in str(centre)
    assert "8.1 km beyond" in str(centre) or "8.0 km beyond" in str(centre)


# --- what cannot be met --------------------------------------------------------------------------


def test_more_land_asked_for_than_there_is_says_how_much_there_is(tmp_path, road):
    def strip(x, _):  # dry ground of 10 x 16 cells in the west
        return np.where((x < 10_000) & ~((x > 0) & (x < 1000)), 1.0, 0.0)

    found = drawn(
        tmp_path,
        road,
        "sites_max = 1\nsite_min_km2 = 5\nsite_max_km2 = 6",
        land=land_cells(water=strip),
    )
    assert found.zones["cluster"].tolist() == ["east", "centre"]
    (one,) = found.unmet
    assert (one.rule, one.cluster, one.needed, one.found) == (
        "site_min_km2",
        "west",
        "5 km2 in one piece",
        "1.60 km2",
    )
    assert "3.40 km2 too small" in one.closest


def test_a_total_that_leaves_no_room_says_so(tmp_path, road):
    found = drawn(tmp_path, road, "sites_max = 1\nzone_max_km2 = 1\ntotal_max_km2 = 0.02")
    assert found.zones.empty
    assert {one.rule for one in found.unmet} == {"total_max_km2"}
    assert "0 cells" in found.unmet[0].found
    shared = drawn(tmp_path, road, "sites_max = 1\nzone_max_km2 = 2\ntotal_max_km2 = 3")
    assert shared.notes == [
        "The total of 3 km2 is shared out: every zone may take 50% of its 2 km2."
    ]


def test_a_cell_larger_than_the_cap_says_so(tmp_path, road):
    found = drawn(tmp_path, road, "sites_max = 1\nzone_max_km2 = 0.005")
    assert {(one.rule, one.closest) for one in found.unmet} == {
        ("site_max_km2", "cells smaller than 100 m")
    }


def test_a_narrow_window_of_areas_is_met_without_smoothing(tmp_path, road):
    found = drawn(tmp_path, road, "sites_max = 1\nsite_min_km2 = 0.99\nsite_max_km2 = 1")
    assert len(found.zones) == 3
    areas = found.zones.geometry.map(ellipsoid_km2)
    assert areas.between(0.99, 1).all()
    never = drawn(tmp_path, road, "sites_max = 1\nsite_min_km2 = 0.997\nsite_max_km2 = 0.998")
    assert {one.rule for one in never.unmet} == {"site_min_km2"}
    assert never.unmet[0].closest == "cells smaller than 100 m"


def test_pieces_that_are_all_too_small_tell_the_largest(tmp_path, road):
    found = drawn(tmp_path, road, "", name="functional", more="", factors=FACTORS)
    assert found.unmet == []
    large = BASE.replace("part_min_km2 = 0.02", "part_min_km2 = 50")
    where = make_region(tmp_path, zones=large.format(more="") + FACTORS)
    found = tb.delineate_zones(where, road)
    assert {one.rule for one in found.unmet} == {"part_min_km2"}
    assert found.unmet[0].found == "1.80 km2"
    assert "48.20 km2 too small" in found.unmet[0].closest


def test_minutes_that_reach_no_land_say_how_many_would(tmp_path, road):
    land = land_cells(water=lambda x, _: np.where(abs(x) < 4000, 1.0, 0.0))
    found = drawn(tmp_path, road, "", name="functional", land=land)
    (one,) = found.unmet
    assert (one.rule, one.cluster) == ("minutes", "west")
    # 4,050 m at 10 m/s and 50 m on foot: 455 s
    assert "the nearest land is 7.6 min from all of them" in one.closest
    assert one.found == "none"


def test_scores_that_are_too_low_say_what_the_best_is(tmp_path, road):
    found = drawn(tmp_path, road, "sites_max = 1\nzone_max_km2 = 1\nscore_min = 1")
    assert found.zones.empty
    assert list(found.zones.columns) == [*ZONE_COLUMNS, "geometry"]
    assert {one.rule for one in found.unmet} == {"score_min"}
    assert "at best 0.9" in found.unmet[0].found
    with pytest.raises(
        LayerError, match=r"no zone can be drawn by the rule pack 'mine'. east: rule score_min"
    ):
        tb.draw_zones(found.region, road, pack="mine")


def test_a_cluster_without_an_institution_has_no_core(tmp_path, road):
    places = {key: said for key, said in PLACES.items() if key != "U_west"}
    head = ('"U_west"', '"T_west"')
    found = drawn(
        tmp_path, road, "core = true\nsites_max = 1\nzone_max_km2 = 1", places=places, edit=head
    )
    assert found.zones["cluster"].tolist() == ["east", "centre"]
    assert [(one.rule, one.cluster) for one in found.unmet] == [("core", "west")]
    assert found.unmet[0].closest == "none is located in the cluster"
    dry = land_cells(water=lambda x, _: np.where(abs(x) < 3000, 1.0, 0.0))
    found = drawn(tmp_path, road, "core = true\nsites_max = 1\nzone_max_km2 = 1", land=dry)
    (one,) = found.unmet
    assert one.closest == "name of U_west, 3050 m from such land"


def test_packs_need_what_they_need(tmp_path, road):
    with pytest.raises(RegionError, match=r"no rule pack 'theirs'; there are functional, .*, mine"):
        drawn(tmp_path, road, "sites_max = 1\nzone_max_km2 = 1", name="theirs")
    bare = '[zones.core]\nlayers = ["universities"]\n'
    with pytest.raises(RegionError, match=r"\[zones\] has no factors"):
        drawn(tmp_path, road, "sites_max = 1\nzone_max_km2 = 1", factors=bare)
    schools = FACTORS.replace(
        '["universities"]', '["universities"]\nwhere = { kind = ["school"] }', 1
    )
    with pytest.raises(RegionError, match=r"no located place fits \[zones.core\]"):
        drawn(tmp_path, road, "core = true\nsites_max = 1\nzone_max_km2 = 1", factors=schools)


@pytest.mark.parametrize(
    ("pack", "message"),
    [
        ("radius_km = 2\nzone_max_km2 = 1", "set core = true"),
        ('per = "region"\nzone_max_km2 = 1', "set core = true"),
        ("sites_max = 2", "what stops a site from growing"),
        ("anchors = true\ntotal_max_km2 = 5", "what stops a site from growing"),
        ("anchors = true\nsite_min_km2 = 5", "what stops a site from growing"),
        ("anchors = true\nspan_km = 5", "what stops a site from growing"),
        ("site_min_km2 = 3\nsite_max_km2 = 2", "must not be above the largest, found 3 and 2"),
        ('zone_max_km2 = 1\nassumed = ["heigth"]', "'heigth', which there is not"),
        ("zone_max_km2 = 1\nsite = 2", "unknown key 'site'"),
    ],
)
def test_faults_of_a_pack_are_told_with_their_line(tmp_path, pack, message):
    with pytest.raises(RegionError, match=rf"region\.toml line \d+.*{message}"):
        make_region(tmp_path, zones=rules(pack))


def test_shipped_packs_have_sources_and_say_what_is_assumed(tmp_path):
    packs = shipped_packs()
    assert {
        "functional",
        "kr-small-rnd-zone",
        "kr-national-innovation-cluster",
        "uk-tax-sites",
    } == set(packs)
    assert all(pack.source and pack.assumed for pack in packs.values())
    small, national, uk = (packs[name] for name in list(packs)[1:])
    assert (small.zone_max_km2, small.core, small.sites_max) == (2, True, 1)
    assert (national.zone_max_km2, national.radius_km, national.per) == (15, 20, "region")
    assert (uk.site_min_km2, uk.site_max_km2, uk.sites_max, uk.zone_max_km2) == (0.2, 2, 3, 6)
    region = make_region(tmp_path, zones=rules("zone_max_km2 = 1"))
    assert packs_of(region)["mine"].title == "Mine"


# --- complexes -----------------------------------------------------------------------------------


def outlines(folder, *boxes, kind="landuse"):
    """Give the region outlines of complexes, each a box (x0, y0, x1, y1)."""
    rows = {
        "id": [f"P_{n}" for n in range(len(boxes))],
        "name": [f"complex {n}" for n in range(len(boxes))],
    }
    rows |= {"outline": kind, "area_km2": 1.0, "source": "x", "licence": "x", "confidence": "high"}
    shapes = [shapely.box(*(CORNER + box[:2]), *(CORNER + box[2:])) for box in boxes]
    gpd.GeoDataFrame(rows, geometry=shapes, crs=CRS).to_parquet(folder / "outlines.parquet")
    return "[layers]\n", '[layers]\noutlines = { file = "outlines.parquet" }\n'


def test_a_complex_that_fits_is_kept_whole_and_a_larger_one_contributes_a_part(tmp_path, road):
    pack = "sites_max = 1\nzone_max_km2 = 2"
    # a round site of 2 km2 reaches 800 m; this complex beside the road reaches 1,500 m
    add = outlines(tmp_path, (300, 0, 1500, 400), (20_000, -800, 40_000, 800))
    found = drawn(tmp_path, road, pack, edit=add)
    west = found.zones.set_index("cluster").geometry["west"]
    whole = shapely.box(*(CORNER + (300, 0)), *(CORNER + (1500, 400)))  # noqa: RUF005
    assert west.intersection(whole).area / whole.area > 0.9
    bare = drawn(tmp_path, road, pack).zones.set_index("cluster").geometry["west"]
    assert bare.intersection(whole).area / whole.area < 0.8
    (told,) = [note for note in found.notes if "complex 1" in note]
    assert "contributes 1.9" in told
    assert "of 32.00 km2 (larger than the cap)" in told


def test_a_disc_is_no_border_to_keep_whole(tmp_path, road):
    add = outlines(tmp_path, (20_000, -800, 40_000, 800), kind="disc")
    found = drawn(tmp_path, road, "sites_max = 1\nzone_max_km2 = 2", edit=add)
    assert not [note for note in found.notes if "contributes" in note]


# --- whole units ---------------------------------------------------------------------------------


def units(folder, width, layer="submunicipalities"):
    """Cut every cluster into units of a width along the road."""
    rows, shapes = [], []
    for cluster, (begin, end) in CLUSTERS.items():
        for left in range(begin, end, width):
            rows.append(
                {
                    "id": f"{cluster}{left}",
                    "name": f"unit {left}",
                    "municip": "m",
                    "cluster": cluster,
                }
            )
            shapes.append(shapely.box(*(CORNER + (left, -1000)), *(CORNER + (left + width, 1000))))  # noqa: RUF005
    frame = pd.DataFrame(rows).assign(source="x", licence="x", confidence="high")
    gpd.GeoDataFrame(frame, geometry=shapes, crs=CRS).to_parquet(folder / "units.parquet")
    return "[layers]\n", f'[layers]\n{layer} = {{ file = "units.parquet" }}\n'


def test_a_snapped_zone_is_made_of_whole_neighbouring_units_under_the_cap(tmp_path, road):
    add = units(tmp_path, 500)  # 1 km2 each, less the margin
    more = 'snap = "submunicipalities"'
    found = drawn(tmp_path, road, "sites_max = 1\nzone_max_km2 = 3.2", more=more, edit=add)
    assert found.unmet == []
    west = found.zones.set_index("cluster").loc["west"]
    assert west["area_km2"] <= 3.2
    assert (west.geometry.bounds[2] - west.geometry.bounds[0]) == pytest.approx(1500, abs=25)
    assert west.geometry.bounds[0] % 500 == pytest.approx(CORNER[0] % 500, abs=1)
    assert west["rule"].endswith("3 whole units")
    assert [note for note in found.notes if note.startswith("zone-west")] == [
        f"{west['zone_id']} is made of unit -500, unit 0, unit 500."
    ]


def test_without_a_cap_units_come_in_if_half_of_them_would(tmp_path, road):
    add = units(tmp_path, 1000)
    more = 'snap = "submunicipalities"'
    land = land_cells(half_width=200)
    found = drawn(tmp_path, road, "", name="functional", more=more, edit=add, land=land)
    west = found.zones.set_index("cluster").geometry["west"]
    # rows 50 m off the road reach 2.5 km, rows 150 m off 1.5 km: all, three and one quarters of units
    assert (west.bounds[0] - CORNER[0], west.bounds[2] - CORNER[0]) == pytest.approx(
        (-2000, 2000), abs=15
    )


def test_units_larger_than_the_cap_are_told(tmp_path, road):
    add = units(tmp_path, 5000)
    more = 'snap = "submunicipalities"'
    found = drawn(tmp_path, road, "sites_max = 1\nzone_max_km2 = 2", more=more, edit=add)
    assert found.zones.empty
    assert {one.rule for one in found.unmet} == {"snap"}
    assert "of at most 2.00 km2" in found.unmet[0].needed
    assert "9.88 km2" in found.unmet[0].closest


def test_the_layer_to_snap_to_must_be_there(tmp_path, road):
    with pytest.raises(FileNotFoundError, match=r"submunicipalities"):
        drawn(tmp_path, road, "", name="functional", more='snap = "submunicipalities"')


# --- the table -----------------------------------------------------------------------------------


def test_places_inside_and_within_ten_minutes_are_counted(tmp_path, road):
    places = PLACES | {
        "U_6km": ("universities", "x", "west", 6000, 0),
        "U_9km": ("universities", "x", "west", 9900, 0),
    }
    found = drawn(tmp_path, road, "core = true\nsites_max = 1\nzone_max_km2 = 1", places=places)
    west = found.zones.set_index("cluster").loc["west"]
    assert (west["universit"], west["univ_10"]) == (1, 2)
    assert (west["complexes"], west["complex_10"]) == (1, 1)


def test_minutes_to_the_other_hubs_are_the_median_and_the_longest(tmp_path, road):
    found = drawn(tmp_path, road, "sites_max = 1\nzone_max_km2 = 0.3")
    centre = found.zones.set_index("cluster").loc["centre"]
    # 30 km at 10 m/s to both sides
    assert centre["other_min"] == pytest.approx(50, abs=2)
    east = found.zones.set_index("cluster").loc["east"]
    assert (east["other_min"], east["other_wrst"]) == pytest.approx((75, 104), abs=3)
    assert east["hub_min"] < 4


def test_where_no_way_leads_to_the_hub_no_minutes_are_told(tmp_path, draw):
    nodes = {"a": (-10_000, 0), "m": (-2000, 0), "n": (-1900, 0), "b": (70_000, 0)}
    places = PLACES | {"U_west": ("universities", "x", "west", -6000, 0)}
    cut = draw(nodes, [("a", "m"), ("n", "b")])
    found = drawn(tmp_path, cut, "sites_max = 1\nzone_max_km2 = 1", places=places)
    west = found.zones.set_index("cluster").loc["west"]
    assert np.isnan(west["hub_min"])
    assert np.isnan(west["hub_worst"])
    assert west["other_min"] == pytest.approx(75, abs=3)  # 50 and 100


def test_the_order_of_rows_changes_nothing(tmp_path, road):
    places = PLACES | {f"T_{n}": ("centres", "x", "west", 400, 0) for n in range(4)}
    pack = "sites_max = 3\nsite_max_km2 = 1"
    one = drawn(tmp_path, road, pack, places=places).zones
    two = drawn(tmp_path, road, pack, places=dict(reversed(places.items()))).zones
    assert one["zone_id"].tolist() == two["zone_id"].tolist()
    columns = [name for name in one if name != "geometry"]
    assert one[columns].equals(two[columns])
    assert one.geometry.geom_equals_exact(two.geometry, 0).all()


def test_sites_are_named_after_places_of_their_own_cluster(tmp_path, road):
    places = {key: said for key, said in PLACES.items() if not key.endswith("_west")}
    places |= {"U_west": PLACES["U_west"]}
    found = drawn(tmp_path, road, "sites_max = 3\nsite_max_km2 = 1", places=places)
    west = found.zones[found.zones["cluster"] == "west"]["zone_id"].tolist()
    assert west[0] == "zone-west-U_west"
    assert west[1:] == ["zone-west-site2", "zone-west-site3"]


def test_ids_and_outlines_are_the_same_from_run_to_run(tmp_path, road):
    pack = "sites_max = 3\nsite_max_km2 = 1"
    one, two = (drawn(tmp_path, road, pack).zones for _ in range(2))
    assert one["zone_id"].tolist() == two["zone_id"].tolist()
    assert one.geometry.geom_equals_exact(two.geometry, 0).all()
