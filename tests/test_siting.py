"""Where sites should stand: the kernel on paper and against all sets, then regions drawn by hand."""

from __future__ import annotations

import json
from itertools import combinations

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import technobelt as tb
from hand_region import NINETY, PLACES, make_region
from technobelt.claim_kinds import Selection
from technobelt.errors import MissingColumnError, RegionError, SitingError
from technobelt.network.edits import with_scenarios
from technobelt.scenario import Scenario
from technobelt.siting.solve import assign, best_sites, fewest_sites, worth

NO = np.inf

# --- the kernel, on paper ------------------------------------------------------------------------

#: Four places on a line at 0, 1, 2 and 10 minutes; candidates at each of them.
LINE = np.abs(np.subtract.outer([0.0, 1.0, 2.0, 10.0], [0.0, 1.0, 2.0, 10.0]))
ONES = np.ones(4)


def test_the_median_and_the_centre_of_a_line_are_different_places():
    assert best_sites(LINE, ONES, 1).tolist() == [1]  # 1 + 0 + 1 + 9; place 2 has 2 + 1 + 0 + 8 too
    assert best_sites(LINE, ONES, 1, objective="p_centre").tolist() == [2]  # 8 at most
    assert worth(LINE, ONES, np.array([1])) == pytest.approx(11 / 4)
    assert worth(LINE, ONES, np.array([2]), objective="p_centre") == 8


def test_of_equally_good_sets_the_first_in_order_is_taken():
    assert best_sites(LINE[:, ::-1], ONES, 1).tolist() == [1]  # now the place at 2 is first
    same = np.ones((3, 5))
    assert best_sites(same, np.ones(3), 2).tolist() == [0, 1]


def test_a_heavy_place_draws_the_site():
    assert best_sites(LINE, np.array([1.0, 1, 1, 100]), 1).tolist() == [3]


def test_a_place_of_weight_zero_needs_no_site():
    minutes = np.array([[1.0, 2.0], [NO, 5.0]])
    assert best_sites(minutes, np.array([1.0, 0.0]), 1).tolist() == [0]
    assert best_sites(minutes, np.array([1.0, 1.0]), 1).tolist() == [1]


def test_no_cost_stands_for_unreachable():
    """However dear the only site that reaches a place is, and however light the place."""
    minutes = np.array([[1.0, 1e6]] * 50 + [[NO, 2e6]])
    assert best_sites(minutes, np.array([1e6] * 50 + [1e-3]), 1).tolist() == [1]


def test_islands_need_a_site_each():
    islands = np.full((3, 3), NO)
    np.fill_diagonal(islands, 0.0)
    for objective in ("p_median", "p_centre"):
        assert best_sites(islands, np.ones(3), 2, objective=objective) is None
        assert best_sites(islands, np.ones(3), 3, objective=objective).tolist() == [0, 1, 2]
    assert fewest_sites(islands) == 3
    covered = best_sites(islands, np.array([1.0, 3, 2]), 2, objective="max_cover", within_min=1)
    assert covered.tolist() == [1, 2]


def test_sites_that_stay_are_counted():
    held = np.array([False, False, False, True])
    assert best_sites(LINE, ONES, 1, fixed=held).tolist() == [3]
    assert best_sites(LINE, ONES, 2, fixed=held).tolist() == [1, 3]
    assert fewest_sites(np.array([[0.0, NO], [NO, 0.0]]), np.array([True, False])) == 2


def test_just_within_the_minutes_is_within():
    assert worth(LINE, ONES, np.array([1]), objective="max_cover", within_min=1.0) == 0.75
    assert worth(LINE, ONES, np.array([1]), objective="max_cover", within_min=0.99) == 0.25


def test_a_place_goes_to_its_nearest_site_the_first_of_equals():
    site, minutes = assign(LINE, np.array([0, 2]))
    assert site.tolist() == [0, 0, 2, 2]
    assert minutes.tolist() == [0, 1, 0, 8]


# --- the kernel, against every set there is ------------------------------------------------------


@st.composite
def instances(draw):
    m, n = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    cell = st.one_of(st.integers(0, 9).map(float), st.just(NO))
    minutes = np.array(
        draw(st.lists(st.lists(cell, min_size=n, max_size=n), min_size=m, max_size=m))
    )
    minutes[~np.isfinite(minutes).any(axis=1), 0] = 9.0
    weights = np.array(draw(st.lists(st.integers(0, 5).map(float), min_size=m, max_size=m)))
    weights[0] += 1
    p = draw(st.integers(1, n))
    fixed = np.zeros(n, dtype=bool)
    fixed[draw(st.lists(st.integers(0, n - 1), max_size=p, unique=True))] = True
    return minutes, weights, p, fixed


def by_trying_all(minutes, weights, p, fixed, objective, limit):
    """Return the best set and its key, of all that hold what is fixed and serve everybody."""
    heavy = weights > 0
    found = []
    for chosen in combinations(range(minutes.shape[1]), p):
        if not set(np.flatnonzero(fixed)) <= set(chosen):
            continue
        least, weight = minutes[heavy][:, list(chosen)].min(axis=1), weights[heavy]
        if objective == "max_cover":
            key = (-weight[least <= limit].sum(), (weight * np.minimum(least, limit)).sum())
        elif not np.isfinite(least).all():
            continue
        else:
            key = ((weight * least).sum(),)
            key = (least.max(), *key) if objective == "p_centre" else key
        found.append((key, list(chosen)))
    return min(found)[1] if found else None


@pytest.mark.parametrize("objective", ["p_median", "p_centre", "max_cover"])
@settings(max_examples=60, deadline=None)
@given(instance=instances(), limit=st.integers(1, 9))
def test_no_set_of_sites_is_better_and_no_equal_one_comes_first(objective, instance, limit):
    minutes, weights, p, fixed = instance
    best = best_sites(
        minutes, weights, p, objective=objective, within_min=float(limit), fixed=fixed
    )
    wanted = by_trying_all(*instance, objective, float(limit))
    assert (None if best is None else best.tolist()) == wanted


@settings(max_examples=40, deadline=None)
@given(instance=instances())
def test_one_more_site_never_hurts_and_a_site_that_must_stay_never_helps(instance):
    minutes, weights, p, fixed = instance
    free = best_sites(minutes, weights, p)
    held = best_sites(minutes, weights, p, fixed=fixed)
    if free is None:
        assert held is None
        return
    value = worth(minutes, weights, free)
    if held is not None:
        assert worth(minutes, weights, held) >= value - 1e-9
    if p < minutes.shape[1]:
        assert worth(minutes, weights, best_sites(minutes, weights, p + 1)) <= value + 1e-9


# --- a region drawn by hand ----------------------------------------------------------------------

#: Three clusters on one road, 30 km and 50 minutes apart; a university and a complex in each.
RULES = """
[siting.parks]
title = "near the parks"
source = "drawn by hand"
p = 1
profile = "plain"
demand = { layers = ["complexes"] }
candidates = { layers = ["universities"] }
"""
WEIGHED = RULES + 'weight = "need"\n'
COMPARE = """
[siting.parks.compare.ends]
ids = ["T_east", "T_west"]
source = "drawn by hand"
[siting.parks.compare.half]
ids = ["T_east", "T_lost"]
source = "drawn by hand"
"""
ROW = {"east": 60_000, "centre": 30_000, "west": 0}


@pytest.fixture
def road(draw):
    """Return a road of 60 km with a junction at each place, 36 km/h."""
    nodes = {"w": (-10_000, 0), "e": (70_000, 0)}
    return draw(nodes, [("w", "e", {"class": "primary"})])


def needing(**need):
    """Return the hand-drawn places, with what the complexes need."""
    places = dict(PLACES)
    for cluster in ROW:
        layer, kind, where, x, y = PLACES[f"P_{cluster}"]
        places[f"P_{cluster}"] = (layer, kind, where, x, y, {"need": need.get(cluster, 1.0)})
    return places


def region_of(tmp_path, rules=RULES, **asked):
    return make_region(tmp_path, claims=NINETY + rules, **asked)


def test_one_site_in_the_middle_two_at_ends(tmp_path, road):
    region = region_of(tmp_path)
    one = tb.site_facilities(region, road, "parks")
    assert one.sites.index.tolist() == ["U_centre"]
    assert one.objective_value == pytest.approx(100 / 3)  # 50, 0 and 50 minutes
    assert one.allocation["time_min"].tolist() == pytest.approx([50, 0, 50])
    assert one.sites[["served", "weight", "max_min"]].iloc[0].tolist() == pytest.approx([3, 3, 50])
    far = tb.site_facilities(region, road, "parks", p=2, objective="p_centre")
    assert far.objective_value == pytest.approx(50)
    cover = tb.site_facilities(region, road, "parks", objective="max_cover", within_min=50.01)
    assert (cover.objective_value, cover.unit) == (pytest.approx(100), "%")


def test_weights_are_a_column_and_may_be_zero(tmp_path, road):
    region = region_of(tmp_path, WEIGHED, places=needing(east=10.0, west=0.0))
    found = tb.site_facilities(region, road, "parks")
    assert found.sites.index.tolist() == ["U_east"]
    assert found.objective_value == pytest.approx(50 / 11)


def test_a_weight_that_is_not_known_is_named(tmp_path, road):
    places = needing(east=np.nan)
    with pytest.raises(
        SitingError, match=r"1 of 3 places without a 'need': P_east\. Give weight_miss"
    ):
        tb.site_facilities(region_of(tmp_path, WEIGHED, places=places), road, "parks")
    region = region_of(tmp_path, WEIGHED + "weight_missing = 10", places=places)
    found = tb.site_facilities(region, road, "parks")
    assert found.sites.index.tolist() == ["U_east"]
    assert "Without a known need, counted as 10: P_east." in found.notes


@pytest.mark.parametrize(
    ("rules", "places", "said"),
    [
        (WEIGHED, needing(east=-1.0), r"the weight 'need' of P_east is below zero"),
        (WEIGHED, needing(east=0.0, centre=0.0, west=0.0), r"all weights 'need' are zero"),
        (RULES.replace("p = 1", "p = 4"), PLACES, r"asked for 4 sites, but there are 3 candidates"),
        (
            RULES.replace('["complexes"] }', '["complexes"], where = { kind = ["none"] } }'),
            PLACES,
            r"no place fits demand",
        ),
        (
            RULES.replace('["universities"] }', '["universities"], where = { kind = ["x"] } }'),
            PLACES,
            r"no place fits candidates",
        ),
        (
            RULES + 'existing = { layers = ["centres"], where = { kind = ["x"] } }',
            PLACES,
            r"no place fits existing",
        ),
        (
            RULES + 'existing = { layers = ["centres"] }',
            PLACES,
            r"asked for 1 site, but existing ones \(3\) are kept .*existing_are = 'free'",
        ),
        (RULES + COMPARE, PLACES, r"the set 'half' of compare names 'T_lost', which is in none of"),
    ],
)
def test_what_cannot_be_asked_says_what_to_do(tmp_path, road, rules, places, said):
    with pytest.raises(SitingError, match=rf"\[siting\.parks\].*{said}"):
        tb.site_facilities(region_of(tmp_path, rules, places=places), road, "parks")


def test_unknown_names_are_refused(tmp_path, road):
    region = region_of(tmp_path)
    with pytest.raises(SitingError, match=r"no \[siting\.ports\]; there are parks"):
        tb.site_facilities(region, road, "ports")
    with pytest.raises(RegionError, match="no speed profile 'fast'; there are plain"):
        tb.site_facilities(region, road, "parks", profile="fast")
    with pytest.raises(SitingError, match="max_cover needs within_min"):
        tb.site_facilities(region, road, "parks", objective="max_cover")
    with pytest.raises(MissingColumnError, match="column 'need', which layer 'complexes'"):
        tb.site_facilities(region_of(tmp_path, WEIGHED), road, "parks")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("p = 1", "p = 0"), r"line \d+: siting\.parks\.p: Input should be greater than 0"),
        (("p = 1", 'p = 1\nobjective = "max_cover"'), r"objective: 'max_cover' needs within_min"),
        (
            ('profile = "plain"\ndemand', 'profile = "fast"\ndemand'),
            r"siting\.parks\.profile: profile",
        ),
        (("p = 1", "p = 1\nkeep = true"), r"unknown key 'keep'"),
        (('"T_west"', '"T_east"'), r"names 'T_east' twice"),
    ],
)
def test_region_toml_is_checked_when_it_is_read(tmp_path, edit, said):
    with pytest.raises(RegionError, match=said):
        region_of(tmp_path, RULES + COMPARE, edit=edit)


# --- existing sites ------------------------------------------------------------------------------

OLD = 'existing = { layers = ["centres"], where = { id = ["T_east"] } }\n'


def test_existing_sites_are_kept_and_counted_or_free(tmp_path, road):
    places = PLACES | {"T_east": ("centres", "technology_innovation_centre", "east", 55_000, 0)}
    kept = tb.site_facilities(region_of(tmp_path, RULES + OLD, places=places), road, "parks", p=2)
    assert kept.sites["kept"].to_dict() == {"T_east": True, "U_west": False}
    assert kept.objective_value == pytest.approx(50 / 3)  # 5 km, 25 km and none
    free = region_of(tmp_path, RULES + OLD + 'existing_are = "free"\n', places=places)
    assert tb.site_facilities(free, road, "parks").sites.index.tolist() == ["U_centre"]


def test_an_existing_site_at_a_candidate_is_that_candidate(tmp_path, road):
    kept = tb.site_facilities(region_of(tmp_path, RULES + OLD), road, "parks")
    assert kept.sites.index.tolist() == ["U_east"]
    assert kept.sites["stands_for"].tolist() == ["U_east, T_east"]
    assert any("U_east for T_east" in note for note in kept.notes)


# --- directions ----------------------------------------------------------------------------------


@pytest.fixture
def ring(draw):
    """Return a one-way ring of 30 km from a to b to c; 36 km/h."""
    corners = {"a": (0, 0), "b": (10_000, 0), "c": (5_000, 8_660)}
    one_way = {"class": "primary", "oneway": True, "length_m": 10_000.0}
    return draw(corners, [("a", "b", one_way), ("b", "c", one_way), ("c", "a", one_way)])


RING = {
    "P_east": ("complexes", "general_industrial_complex", "east", 2_000, 0),
    "U_east": ("universities", "research_university", "east", 4_000, 0),  # 2 km after the complex
    "U_west": ("universities", "research_university", "west", 1_000, 0),  # 1 km before it
    "T_east": ("centres", "technology_innovation_centre", "east", 4_000, 0),
}
KM_MIN = 1000 / 10 / 60


@pytest.mark.parametrize(
    ("direction", "site", "kilometres"),
    [
        ("to_site", "U_east", 2),  # the other lies 29 km on, round the ring
        ("from_site", "U_west", 1),
        ("round_trip", "U_east", 15),  # both are 30 km there and back: half of it, and the first
    ],
)
def test_a_direction_is_driven_and_a_round_trip_is_the_mean(
    tmp_path, ring, direction, site, kilometres
):
    region = region_of(tmp_path, places=RING)
    found = tb.site_facilities(region, ring, "parks", direction=direction)
    assert found.sites.index.tolist() == [site]
    assert found.objective_value == pytest.approx(kilometres * KM_MIN, abs=1e-3)


# --- no way --------------------------------------------------------------------------------------


def test_demand_without_a_way_is_listed_and_left_out(tmp_path, draw):
    nodes = {"a": (-10_000, 0), "b": (40_000, 0), "c": (55_000, 0), "d": (70_000, 0)}
    broken = draw(nodes, [("a", "b"), ("c", "d")])  # nothing joins the east
    rules = RULES.replace(
        '["universities"] }', '["universities"], where = { id = ["U_west", "U_centre"] } }'
    )
    found = tb.site_facilities(region_of(tmp_path, rules), broken, "parks")
    assert found.unserved == ["P_east"]
    assert found.allocation.loc["P_east", "status"] == "unreachable"
    assert np.isnan(found.allocation.loc["P_east", "time_min"])
    assert found.objective_value == pytest.approx(25)  # of the two others: 50 and 0
    assert any("no candidate has a way: 1 of 3 places, 33.3%" in note for note in found.notes)
    assert found.to_dict()["allocation"][0]["time_min"] is None


def test_too_few_sites_for_all_is_an_error_that_says_how_many_it_takes(tmp_path, draw):
    nodes = {"a": (-10_000, 0), "b": (40_000, 0), "c": (55_000, 0), "d": (70_000, 0)}
    broken = draw(nodes, [("a", "b"), ("c", "d")])
    region = region_of(tmp_path)
    with pytest.raises(
        SitingError, match=r"1 site cannot serve all of .* \(3 places\); it takes 2"
    ):
        tb.site_facilities(region, broken, "parks")
    assert len(tb.site_facilities(region, broken, "parks", p=2).sites) == 2
    part = tb.site_facilities(region, broken, "parks", objective="max_cover", within_min=60)
    assert part.objective_value == pytest.approx(200 / 3)
    assert part.allocation.loc["P_east", "status"] == "unreachable"
    assert part.to_dict()["allocation"][0]["site_id"] is None


def test_no_way_at_all_and_no_road_near_are_errors(tmp_path, draw):
    nodes = {"a": (-10_000, 0), "b": (-9_000, 0), "c": (55_000, 0), "d": (70_000, 0)}
    broken = draw(nodes, [("a", "b"), ("c", "d")])
    rules = RULES.replace('["universities"] }', '["universities"], where = { id = ["U_west"] } }')
    with pytest.raises(SitingError, match=r"\[siting\.parks\]: .*places? of candidates? .*lie"):
        tb.site_facilities(region_of(tmp_path, rules), broken, "parks")
    nodes = {"a": (-10_000, 0), "b": (10_000, 0), "c": (55_000, 0), "d": (70_000, 0)}
    apart = draw(nodes, [("a", "b"), ("c", "d")])
    only = rules.replace('["complexes"] }', '["complexes"], where = { id = ["P_east"] } }')
    with pytest.raises(
        SitingError, match=r"no candidate \(1\) has a way to any place of the demand \(1\)"
    ):
        tb.site_facilities(region_of(tmp_path, only), apart, "parks")


# --- comparison ----------------------------------------------------------------------------------


def test_a_set_is_compared_with_the_best_of_as_many(tmp_path, road):
    rules = (RULES + COMPARE).replace("T_lost", "P_lost")
    places = PLACES | {"P_lost": ("complexes", "general_industrial_complex", "east", 0, 90_000)}
    rules = rules.replace(
        '["complexes"] }', '["complexes"], where = { id = ["P_east", "P_centre", "P_west"] } }'
    )
    found = tb.site_facilities(region_of(tmp_path, rules, places=places), road, "parks", p=3)
    ends, half = found.compared.to_dict("records")
    assert (ends["p"], half["p"]) == (2, 1)  # and not the 3 that were asked for
    assert (ends["value"], ends["optimum"]) == (pytest.approx(50 / 3), pytest.approx(50 / 3))
    assert ends["gap_pct"] == pytest.approx(0)
    assert half["value"] == pytest.approx(50)  # 0, 50 and 100 minutes
    assert half["optimum"] == pytest.approx(100 / 3)
    assert half["gap_pct"] == pytest.approx(50)
    assert half["best_ids"] == ["U_centre"]
    assert (half["located"], half["off_road"]) == (["T_east"], ["P_lost"])
    assert half["not_located"] == []


def test_places_of_a_set_are_candidates_for_that_set_only(tmp_path, road):
    """A centre stands where it serves best, and is no candidate of the rule."""
    places = PLACES | {"T_centre": ("centres", "technology_innovation_centre", "centre", 31_000, 0)}
    rules = RULES.replace(
        '["universities"] }', '["universities"], where = { id = ["U_east", "U_west"] } }'
    )
    rules += '[siting.parks.compare.built]\nids = ["T_centre"]\nsource = "drawn by hand"\n'
    rules += '[siting.parks.compare.far]\nids = ["T_west"]\nsource = "drawn by hand"\n'
    found = tb.site_facilities(region_of(tmp_path, rules, places=places), road, "parks")
    assert found.sites.index.tolist() == ["U_east"]
    assert found.objective_value == pytest.approx(50)  # 0, 50 and 100 minutes
    built, far = found.compared.to_dict("records")
    assert built["best_ids"] == ["T_centre"]
    assert built["value"] == built["optimum"] == pytest.approx((50 + 5 / 3 + 50) / 3)
    assert far["optimum"] == pytest.approx(50)  # T_centre is none of its places
    assert found.candidates["eligible"].to_dict() == {
        "U_east": True,
        "U_west": True,
        "T_centre": False,
    }
    assert "No candidates but for the sets that name them: T_centre." in found.notes


def test_existing_sites_are_counted_with_a_set_and_named(tmp_path, road):
    rules = RULES.replace("p = 1", "p = 2") + OLD
    rules += '[siting.parks.compare.one]\nids = ["U_west"]\nsource = "drawn by hand"\n'
    [one] = tb.site_facilities(region_of(tmp_path, rules), road, "parks").compared.to_dict(
        "records"
    )
    assert (one["p"], one["located"], one["kept_ids"]) == (2, ["U_west"], ["U_east"])


def test_only_candidates_of_the_rule_are_told_as_such(tmp_path, road):
    places = PLACES | {"P_off": ("complexes", "general_industrial_complex", "east", 0, 90_000)}
    rules = RULES.replace('["complexes"] }', '["complexes"], where = { id = ["P_east"] } }')
    rules += '[siting.parks.compare.one]\nids = ["P_off", "U_east"]\nsource = "drawn by hand"\n'
    found = tb.site_facilities(region_of(tmp_path, rules, places=places), road, "parks")
    assert not [note for note in found.notes if "P_off" in note]
    assert found.compared["off_road"].tolist() == [["P_off"]]
    only = rules.replace('["universities"] }', '["complexes"], where = { id = ["P_off"] } }')
    with pytest.raises(SitingError, match=r"no candidate has a road within 1000 m: P_off\. Raise"):
        tb.site_facilities(region_of(tmp_path, only, places=places), road, "parks")


def test_minutes_that_nothing_asks_for_are_refused(tmp_path, road):
    with pytest.raises(
        SitingError, match="within_min is for max_cover, and the objective is p_med"
    ):
        tb.site_facilities(region_of(tmp_path), road, "parks", within_min=10)


@pytest.fixture(scope="module")
def built_in():
    region = tb.load_region()
    return region, tb.load_network(region)


def test_the_plan_is_compared_by_the_centres_that_are_located(built_in):
    found = tb.site_facilities(*built_in, "technology_innovation_centres")
    plan, opened = found.compared.to_dict("records")
    assert (plan["located"], plan["not_located"], plan["p"]) == (["TIC03", "TIC05"], ["TIC06"], 2)
    assert (opened["not_located"], opened["p"]) == ([], 4)
    assert plan["gap_pct"] > 0
    assert opened["gap_pct"] > 0
    assert len(found.sites) == 3


def test_places_without_a_name_can_be_candidates(built_in):
    """Cells of a population grid have none."""
    region, network = built_in
    rules = region.siting["technology_innovation_centres"]
    cells = Selection(layers=["population"], where={"municip": ["38030"]})
    asked = rules.model_copy(update={"candidates": cells, "p": 1, "compare": {}})
    found = tb.site_facilities(region.model_copy(update={"siting": {"x": asked}}), network, "x")
    assert "name" not in found.sites
    assert found.sites.index[0] in set(found.candidates.index)


def test_no_set_of_three_hosts_is_better_on_real_roads(built_in):
    """Every set of three, by the public travel times alone."""
    found = tb.site_facilities(*built_in, "technology_innovation_centres")
    demand = found.allocation[found.allocation["status"] == "ok"]
    ways = [
        tb.travel_times(built_in[1], *ends, profile="typical").pivot(
            index="from_id", columns="to_id", values="time_min"
        )
        for ends in ((demand, found.candidates), (found.candidates, demand))
    ]
    may = found.candidates.index[found.candidates["eligible"]]
    minutes = (ways[0] + ways[1].T).loc[demand.index, may].to_numpy() / 2
    means = [
        np.average(minutes[:, chosen].min(axis=1), weights=demand["weight"])
        for chosen in combinations(range(minutes.shape[1]), 3)
    ]
    assert found.objective_value == pytest.approx(min(means), abs=1e-6)


# --- the command line ----------------------------------------------------------------------------


def test_siting_prints_sites_and_comparison(run):
    code, out, _ = run("siting")
    assert code == 0
    assert "technology_innovation_centres: Three technology innovation centres" in out
    assert "not located: TIC06" in out
    assert "than the best of the same p = 4" in out
    assert "business_incubators: Five business incubators" in out


def test_siting_json_is_what_the_library_says(run, built_in):
    code, out, _ = run("siting", "--what", "technology_innovation_centres", "--json")
    found = tb.site_facilities(*built_in, "technology_innovation_centres")
    assert code == 0
    assert json.loads(out) == [json.loads(json.dumps(found.to_dict()))]


def test_siting_writes_sites_lines_and_a_picture(run, tmp_path):
    out, png = tmp_path / "sites.gpkg", tmp_path / "sites.png"
    asked = ("siting", "--what", "technology_innovation_centres")
    assert run(*asked, "--p", "2", "--out", out, "--picture", png)[0] == 0
    sites, lines = (gpd.read_file(out, layer=name) for name in ("sites", "allocation"))
    sets = gpd.read_file(out, layer="compared").query("set == 'plan'").set_index("id")
    assert sets.loc["TIC06", "status"] == "not located"
    assert sets.loc["TIC06", "geometry"] is None
    assert sets.loc["TIC03", "site_id"] == "UNI01"
    assert len(sites) == 2
    assert set(lines["site_id"]) == set(sites["id"])
    assert (lines.geom_type == "LineString").all()
    assert png.read_bytes()[1:4] == b"PNG"
    assert "OpenStreetMap" in (tmp_path / "sites.gpkg.LICENCE.txt").read_text(encoding="utf-8")
    assert run(*asked, "--out", tmp_path / "sites.shp")[0] == 0
    assert len(gpd.read_file(tmp_path / "sites.shp")) == 3


def test_siting_refuses_what_it_cannot_do(run, tmp_path):
    code, _, err = run("siting", "--what", "harbours")
    assert (code, "no [siting.harbours]" in err) == (1, True)
    assert run("siting", "--p", "2")[0] == 2  # of which question?
    assert run("siting", "--within-min", "30")[0] == 2
    code, _, err = run("siting", "--what", "business_incubators", "--p", "99")
    assert (code, "99 sites" in err) == (1, True)
    asked = ("siting", "--what", "business_incubators", "--picture", tmp_path / "map.jpg")
    code, _, err = run(*asked)
    assert (code, "a picture of sites is written as .png; found 'map.jpg'" in err) == (1, True)
    region_of(tmp_path, "")
    code, _, err = run("siting", tmp_path, "--network", tb.load_region().path("roads"))
    assert (code, "has no [siting.NAME] in region.toml" in err) == (1, True)


def test_a_share_covered_is_of_all_demand_so_that_closing_roads_never_raises_it():
    region = tb.load_region()
    network = tb.load_network(region)
    west = [[127.7, 34.6], [128.02, 34.6], [128.02, 35.35], [127.7, 35.35]]
    edit = {"id": "shut", "do": "close", "roads": {"within": west}}
    shut = Scenario.model_validate({"id": "shut", "edits": [edit]})
    before, after = (
        tb.site_facilities(region, state.network, "business_incubators")
        for state in with_scenarios(network, [shut])  # tied to the same roads
    )
    assert after.objective_value <= before.objective_value
    assert (after.compared["value"] <= before.compared["value"]).all()
