"""Claims put to the test: verdicts known on paper, readings computed a second time."""

from __future__ import annotations

import json
import math
import shutil
from itertools import permutations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import technobelt as tb
from hand_region import CLUSTERS, CORNER, ENDS, NINETY, PLACES, ROAD, make_region
from technobelt.cases import Basis
from technobelt.claims import sentence
from technobelt.errors import (
    ClaimError,
    LayerError,
    MissingColumnError,
    MissingFileError,
    NetworkError,
)
from technobelt.members import member_places
from technobelt.network.ties import startable
from technobelt.routing import use_engine
from technobelt.travel_claims import read_travel_times

UNIVERSITY = ("universities", "research_university")
PROFILES = ("free_flow", "typical", "peak")


@pytest.fixture(scope="module")
def road(draw):
    return draw(ENDS, ROAD)


def judged(tmp_path, network, **options):
    """Return the first claim of a region drawn by hand."""
    (claim, *_) = tb.check_claims(make_region(tmp_path, **options), network).claims
    return claim


def more(**places):
    """Return the hand-drawn places and further universities: id=(cluster, x, y)."""
    return PLACES | {key: (*UNIVERSITY, *said) for key, said in places.items()}


def reading(claim, name):
    (found,) = [one for one in claim["readings"] if one["id"] == name]
    return found


def plain(value):
    """Tell whether JSON can hold a value without loss."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and plain(one) for key, one in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or type(value) in {str, int, bool}


# --- verdicts on paper ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "verdict", "margin"), [(101, "holds", 1), (100, "holds", 0), (99, "fails", -1)]
)
def test_sixty_kilometres_at_36_take_100_minutes(tmp_path, road, limit, verdict, margin):
    claims = NINETY.replace("limit_min = 90", f"limit_min = {limit}")
    claim = judged(tmp_path, road, claims=claims)
    assert claim["verdict"] == verdict
    assert claim["limit_min"] == limit
    assert claim["observed_min"] == 100
    assert claim["range_min"] == [100, 100]
    assert claim["margin_min"] == margin
    assert set(claim["between"]) == {"east", "west"}
    assert (claim["places"], claim["pairs"]) == (3, 6)
    assert claim["pairs_over"] == (2 if limit < 100 else 0)


@pytest.mark.parametrize(
    ("kph", "verdict"),
    [((30, 36, 45), "undecided"), ((20, 30, 39), "fails"), ((41, 50, 60), "holds")],
)
def test_what_the_range_of_speeds_leaves_open_is_undecided(tmp_path, road, kph, verdict):
    claim = judged(tmp_path, road, kph=kph)
    low, middle, high = kph
    assert claim["verdict"] == verdict
    assert claim["observed_min"] == pytest.approx(60 * 60 / middle, abs=0.01)
    assert claim["range_min"] == pytest.approx([60 * 60 / high, 60 * 60 / low], abs=0.01)


def test_a_pair_without_a_way_counts_as_infinitely_long(tmp_path, draw):
    island = draw(
        {**ENDS, "c": (55_000, 5000), "d": (65_000, 5000)}, [*ROAD, ("c", "d")]
    )  # an island in the north of the east
    places = PLACES | {"U_east": (*UNIVERSITY, "east", 60_000, 5000)}
    verdicts = tb.check_claims(make_region(tmp_path, places=places), island)
    (claim,) = verdicts.claims
    assert claim["verdict"] == "fails"
    assert claim["observed_min"] is None
    assert claim["margin_min"] is None
    assert claim["break_even_factor"] is None
    assert reading(claim, "cluster_pair_median.plain")["status"] == "unreachable"
    assert reading(claim, "share_within.plain")["observed"] == pytest.approx(2 / 6, abs=1e-4)
    assert verdicts.pairs["status"].tolist().count("unreachable") == 4
    assert {one["status"] for one in claim["counterexamples"]} == {"unreachable"}
    assert plain(claim)
    assert sentence(claim).endswith("has no way on open roads.")


def test_the_median_pair_is_not_moved_by_one_place_that_is_cut_off(tmp_path, draw):
    island = draw({**ENDS, "c": (-5000, 5000), "d": (5000, 5000)}, [*ROAD, ("c", "d")])
    places = more(U2=("west", 3000, 0), U3=("west", 0, 5000))
    claim = judged(tmp_path, island, places=places)
    assert claim["observed_min"] == 100  # of 95, 100 and infinity
    assert reading(claim, "worst_pair.plain")["status"] == "unreachable"
    assert reading(claim, "worst_pair.plain")["observed_min"] is None


def test_the_median_of_an_even_number_of_pairs_lies_between(tmp_path, road):
    claim = judged(tmp_path, road, places=more(U2=("west", 6000, 0)))
    assert claim["observed_min"] == 95  # between 90 and 100
    assert reading(claim, "worst_pair.plain")["observed_min"] == 100


def test_facilities_on_one_position_are_one_place(tmp_path, road):
    region = make_region(tmp_path, places=more(U2=("west", 0, 0), U3=("west", 0, 0)))
    places = member_places(region, region.claims[0])
    assert len(places) == 3
    west = places[places["cluster"] == "west"]
    assert west["members"].tolist() == [["U_west", "U2", "U3"]]
    (claim,) = tb.check_claims(region, road).claims
    assert (claim["places"], claim["pairs"]) == (3, 6)


def test_both_directions_are_counted(tmp_path, draw):
    nodes = {**ENDS, "n": (30_000, 20_000), "c": (25_000, 0), "d": (35_000, 0)}
    roads = [("a", "c"), ("c", "d", {"oneway": True}), ("d", "n"), ("n", "c"), ("d", "b")]
    pairs = tb.check_claims(make_region(tmp_path), draw(nodes, roads)).pairs
    times = pairs.set_index(["from_id", "to_id"])["time_min"]
    assert times["U_west", "U_east"] == pytest.approx(100, abs=0.01)
    round_about = 2 * math.hypot(5000, 20_000) - 10_000
    assert times["U_east", "U_west"] == pytest.approx(100 + round_about / 600, abs=0.01)


def test_only_those_who_fit_the_rule_are_members(tmp_path, road):
    places = more(U2=("west", -9000, 0)) | {
        "U3": (*UNIVERSITY, "east", 69_000, 0, {"existed_1999": "no"}),
        "U4": (*UNIVERSITY, "outside", 69_000, 0),
    }
    region = make_region(tmp_path, places=places)
    assert set(member_places(region, region.claims[0]).index) == {
        "U_east",
        "U_centre",
        "U_west",
        "U2",
    }
    assert tb.check_claims(region, road).claims[0]["observed_min"] == 107.5


def test_fixed_seconds_count_from_door_to_door(tmp_path, road):
    edit = (
        "access = { value = 0.0, low = 0.0, high = 0.0",
        "access = { value = 60, low = 30, high = 90",
    )
    claim = judged(tmp_path, road, edit=edit)
    assert claim["observed_min"] == 101
    assert claim["range_min"] == [100.5, 101.5]


# --- sentences -----------------------------------------------------------------------------------

TIMED = {
    "reading": "cluster_pair_median",
    "kind": "travel_time", "observed_min": 50.0, "range_min": [40.0, 60.0], "limit_min": 90.0,
    "profile": "plain", "between": ["east", "west"], "break_even_factor": None,
    "attribution": {"pairs_on_it": 2, "without_min": 70.0, "verdict": "holds"},
    "draws": {"n": 100, "p_within": 0.97, "sampling_error": 0.02},
}  # fmt: skip


def test_what_no_speed_turns_still_has_draws_and_a_way_without_the_corridor():
    told = sentence(TIMED)
    assert "multiplied" not in told
    assert "; the limit is 90 min. In 97% of 100 random draws it is within the limit" in told
    assert told.endswith(" Without the corridor it takes 70 min (holds).")


def test_what_speeds_turn_has_its_factors_before_the_draws():
    told = sentence(TIMED | {"break_even_factor": 0.8, "break_even_corridor": 0.7})
    assert "over the limit if all driving speeds are multiplied by 0.800, or the corridor" in told
    assert "by 0.700. In 97% of 100" in told


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"expected": 1981.5, "tolerance": 1.5}, "Found the year 1977; the plan says 1980 to 1983."),
        ({"expected": 1974.0, "tolerance": 0.0}, "Found the year 1977; the plan says 1974."),
        ({"expected": 1974.0, "tolerance": 0.5}, "Found the year 1977; the plan says 1974."),
        ({"expected": 1981.5, "tolerance": 0.0}, "Found the year 1977; the plan says 1981.5."),
        ({"expected": 1974.0, "observed_range": [1976, 1978]}, "Found a year from 1976 to 1978; the plan says 1974."),
    ],
)  # fmt: skip
def test_years_are_said_as_years(facts, told):
    assert sentence({"kind": "figure", "observed": 1977.0, "unit": "year"} | facts) == told


# --- the factor ----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [50, 90, 150, 400])
def test_on_one_road_the_factor_is_the_times_over_the_limit(tmp_path, road, limit):
    claims = NINETY.replace("limit_min = 90", f"limit_min = {limit}")
    claim = judged(tmp_path, road, claims=claims)
    assert claim["break_even_factor"] == pytest.approx(100 / limit, rel=2e-4)


def test_no_speed_undoes_fixed_seconds(tmp_path, road):
    waiting = "parking = { value = 5460, low = 5460, high = 5460"
    edit = ("parking = { value = 0.0, low = 0.0, high = 0.0", waiting)
    assert judged(tmp_path, road, edit=edit)["break_even_factor"] is None


# --- counterexamples -----------------------------------------------------------------------------


def test_counterexamples_are_the_worst_with_route_and_confidence(tmp_path, road):
    places = PLACES | {"U_west": (*UNIVERSITY, "west", 0, 0, {"confidence": "low"})}
    verdicts = tb.check_claims(make_region(tmp_path, places=places), road)
    worst = verdicts.claims[0]["counterexamples"]
    assert [{one["from"], one["to"]} for one in worst] == [{"U_east", "U_west"}] * 2
    for one in worst:
        assert one["time_min"] == 100
        assert one["length_km"] == 60
        assert one["confidence"] == "low"
        assert one["route"] == [["primary", 60.0]]
        assert one["from_name"] == f"name of {one['from']}"
    assert verdicts.routes.crs == "EPSG:4326"
    drawn = verdicts.routes.set_index(["from_id", "to_id"]).to_crs(5179)
    assert drawn.length["U_east", "U_west"] == pytest.approx(60_000, rel=1e-6)


def test_pairs_are_told_from_the_worst_to_the_best_with_their_margin(tmp_path, road):
    pairs = tb.check_claims(make_region(tmp_path), road).pairs
    assert pairs["time_min"].tolist() == pytest.approx([100, 100, 50, 50, 50, 50])
    assert pairs["margin_min"].tolist() == pytest.approx([-10, -10, 40, 40, 40, 40])
    assert pairs["length_km"].tolist() == pytest.approx([60, 60, 30, 30, 30, 30])


# --- claims that cannot be tested ----------------------------------------------------------------


def test_a_cluster_without_a_place_is_named(tmp_path, road):
    places = {key: said for key, said in PLACES.items() if key != "U_centre"}
    places["U_other"] = (*UNIVERSITY, "outside", 30_000, 0)
    with pytest.raises(
        ClaimError, match=r"claim 'ninety': cluster 'centre' has no place that fits"
    ):
        tb.check_claims(make_region(tmp_path, places=places), road)


def test_an_unknown_hub_is_named(tmp_path, road):
    region = make_region(tmp_path, edit=('hub = "U_centre"', 'hub = "U_nowhere"'))
    with pytest.raises(
        ClaimError, match=r"hub 'U_nowhere' of \[clusters\] is no facility. Name one"
    ):
        tb.check_claims(region, road)


def test_an_unknown_profile_is_named(tmp_path, road):
    with pytest.raises(ClaimError, match=r"no profile 'usual'; there are plain"):
        tb.check_claims(make_region(tmp_path), road, profile="usual")


def test_one_cluster_alone_has_no_pairs(tmp_path, road):
    region = make_region(tmp_path)
    alone = region.model_copy(update={"clusters": {"east": region.clusters["east"]}})
    with pytest.raises(ClaimError, match="has fewer than two"):
        tb.check_claims(alone, road)


def test_a_date_on_roads_without_dates_is_refused(tmp_path, road):
    with pytest.raises(NetworkError, match=r"no section of .* has an opening date"):
        tb.check_claims(make_region(tmp_path), road, as_of="1999")


# --- composition, counts, areas ------------------------------------------------------------------

PARTS = """
[[claims]]
id = "parts"
kind = "composition"
statement = "Each cluster has both."
source = "drawn by hand"
at_least = 1
[claims.parts.research_university]
layers = ["universities"]
where = { kind = ["research_university"] }
[claims.parts.innovation_centre]
layers = ["centres"]
"""


def test_a_composition_holds_where_every_cluster_has_every_part(tmp_path, road):
    claim = judged(tmp_path, road, claims=PARTS)
    assert claim["verdict"] == "holds"
    assert (claim["observed"], claim["expected"], claim["unit"]) == (3, 3, "clusters")
    assert claim["counts"]["west"] == {"research_university": 1, "innovation_centre": 1}
    assert claim["counterexamples"] == []


def test_a_composition_fails_by_the_cluster_that_lacks_something(tmp_path, road):
    places = PLACES | {"U_west": ("universities", "college", "west", 0, 0)}
    claim = judged(tmp_path, road, claims=PARTS, places=places)
    assert claim["verdict"] == "fails"
    assert claim["observed"] == 2
    assert claim["counterexamples"] == ["west has no research university"]


def test_at_least_two_is_more_than_one(tmp_path, road):
    claims = PARTS.replace("at_least = 1", "at_least = 2")
    claim = judged(tmp_path, road, claims=claims, places=more(U2=("west", 1000, 0)))
    assert claim["verdict"] == "fails"
    assert claim["observed"] == 0
    assert len(claim["counterexamples"]) == 5


def test_one_of_a_thing_is_told_in_the_singular():
    one = {"kind": "count", "observed": 1.0, "expected": 2.0, "unit": "clusters"}
    assert sentence(one) == "Found 1 cluster; the plan says 2."


def test_planned_places_are_told(tmp_path, road):
    places = PLACES | {"T_west": ("centres", "x", "west", 0, 0, {"existed_1999": "planned"})}
    claim = judged(tmp_path, road, claims=PARTS, places=places)
    assert claim["notes"] == ["1 of 6 places counted was planned in 1999, not yet open."]


def counting(kind, expected, **lines):
    rest = "\n".join(f"{key} = {value}" for key, value in lines.items())
    return f"""
[[claims]]
id = "number"
kind = "{kind}"
statement = "So many."
source = "drawn by hand"
expected = {expected}
{rest}
"""


@pytest.mark.parametrize(
    ("expected", "tolerance", "verdict"),
    [(3, 0, "holds"), (4, 0, "fails"), (4, 1, "holds"), (2, 1, "holds"), (4.01, 1, "fails")],
)
def test_a_count_is_compared_within_its_tolerance(tmp_path, road, expected, tolerance, verdict):
    claims = counting(
        "count", expected, unit='"universities"', tolerance=tolerance,
        what='{ layers = ["universities"] }',
    )  # fmt: skip
    claim = judged(tmp_path, road, claims=claims)
    assert claim["verdict"] == verdict
    assert (claim["observed"], claim["expected"], claim["tolerance"]) == (3, expected, tolerance)
    assert claim["counted"] == ["U_east", "U_centre", "U_west"]


def areas(low, high):
    """Return the hand-drawn complexes with published areas: least and largest."""
    return PLACES | {
        f"P_{cluster}": ("complexes", "x", cluster, x, 0, {"area_km2": a, "area_max": b})
        for cluster, x, a, b in zip(CLUSTERS, (60_000, 30_000, 0), low, high, strict=True)
    }


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        ((10, 20, 30), (None, None, None), "holds"),
        ((10, 20, 30.5), (None, None, None), "holds"),
        ((10, 20, 30.6), (None, None, None), "fails"),
        ((10, 20, 10), (None, 40, None), "undecided"),  # 40 to 60
        ((10, 20, 10), (None, 25, None), "fails"),  # 40 to 45
        ((10, 20, 29), (None, 20.5, None), "undecided"),  # 59 to 59.5, the tolerance reaches 60
        ((10, 20, 31), (None, 40, None), "fails"),  # 61 to 81: more than 60 in any case
        ((10, 20, None), (None, None, None), "undecided"),
        ((10, 60, None), (None, None, None), "fails"),  # more than 60 without the third
        ((20, 40, None), (None, None, None), "undecided"),  # and whatever the third may add
        ((10, 20, 30), (None, 40, None), "undecided"),  # one of two published areas fits
        ((10, 20, 30), (None, 20.4, None), "holds"),  # both do
    ],
)
def test_published_areas_are_compared_over_their_whole_range(tmp_path, road, low, high, verdict):
    claims = counting(
        "area", 60, tolerance=0.5, measure='"column"', what='{ layers = ["complexes"] }'
    )
    claim = judged(tmp_path, road, claims=claims, places=areas(low, high))
    assert claim["verdict"] == verdict
    assert claim["unit"] == "km2"
    known = [a for a in low if a is not None]
    assert claim["observed"] == pytest.approx(sum(known))
    assert claim["observed_range"][1] == pytest.approx(
        sum(b if b is not None else a or 0 for a, b in zip(low, high, strict=True))
    )
    if None in low:
        assert "No area is published for P_west." in claim["notes"]


def test_an_outline_is_measured_on_the_ellipsoid(tmp_path, road):
    claims = counting(
        "area", 120, tolerance=0.5, measure='"outline"', what='{ layers = ["clusters"] }'
    )
    claim = judged(tmp_path, road, claims=claims)
    flat = gpd.GeoSeries(
        [shapely.transform(shapely.box(a, -1000, b, 1000), lambda xy: xy + CORNER) for a, b in CLUSTERS.values()],
        crs=5179,
    ).to_crs("+proj=laea +lat_0=35.2 +lon_0=128.9 +ellps=WGS84")  # fmt: skip
    assert claim["verdict"] == "holds"
    assert claim["observed"] == pytest.approx(flat.area.sum() / 1e6, rel=1e-4)


def test_a_rule_that_nothing_fits_is_no_area_and_a_count_of_none(tmp_path, road):
    nothing = '{ layers = ["complexes"], where = { kind = ["castle"] } }'
    claims = counting("area", 60, tolerance=0.5, measure='"column"', what=nothing)
    with pytest.raises(ClaimError, match=r"claim 'number': no row fits \[claims.what\]. Correct"):
        judged(tmp_path, road, claims=claims, places=areas((1, 1, 1), (None,) * 3))
    claims = counting("count", 1, unit='"castles"', what=nothing)
    claim = judged(tmp_path, road, claims=claims)
    assert (claim["verdict"], claim["observed"]) == ("fails", 0)


def test_a_rule_about_a_column_that_is_not_there_is_named(tmp_path, road):
    wrong = '{ layers = ["complexes"], where = { colour = ["red"] } }'
    with pytest.raises(LayerError, match=r"asks for column 'colour', which layer 'complexes'"):
        judged(tmp_path, road, claims=counting("count", 1, unit='"x"', what=wrong))


@pytest.mark.parametrize(
    ("claims", "column"),
    [
        (NINETY.replace('"universities"', '"land"').replace(', where = { existed_1999 = ["yes"] }', ""), "cluster"),
        (PARTS.replace('"centres"', '"land"'), "cluster"),
        (counting("area", 1, tolerance=1, measure='"column"', what='{ layers = ["centres"] }'), "area_km2"),
    ],
)  # fmt: skip
def test_a_claim_about_a_layer_without_what_it_needs_is_named(tmp_path, road, claims, column):
    with pytest.raises(
        MissingColumnError, match=rf"asks for column '{column}', which layer '\w+' does"
    ):
        judged(tmp_path, road, claims=claims)


def test_claims_keep_their_order(tmp_path, road):
    count = counting("count", 3, unit='"universities"', what='{ layers = ["universities"] }')
    verdicts = tb.check_claims(make_region(tmp_path, claims=count + PARTS + NINETY), road)
    assert [claim["id"] for claim in verdicts.claims] == ["number", "parts", "ninety"]
    table = verdicts.table()
    assert table["unit"].tolist() == ["universities", "clusters", "min"]
    assert table["expected"].tolist() == [3, 3, 90]
    assert len(verdicts.pairs) == 6


def test_a_plan_without_a_claim_about_times_has_no_pairs(tmp_path, road):
    verdicts = tb.check_claims(make_region(tmp_path, claims=PARTS), road)
    assert verdicts.pairs.empty
    assert verdicts.routes is None


# --- the built-in region -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def belt():
    region = tb.load_region()
    return region, tb.load_network(region)


@pytest.fixture(scope="module")
def verdicts(belt):
    return tb.check_claims(*belt)


@pytest.fixture(scope="module")
def ninety(verdicts):
    return verdicts.claims[0]


@pytest.fixture(scope="module")
def members(belt):
    """Return the members, chosen anew by the rule as it reads."""
    region, _ = belt
    kinds = {
        *("national_industrial_complex", "general_industrial_complex", "free_trade_zone"),
        *("research_university", "technology_innovation_centre", "research_institute"),
        *("business_incubator", "technopark"),
    }
    places = tb.facilities(region)
    chosen = places["existed_1999"].isin(["yes", "planned"]) & places["kind"].isin(kinds)
    places = places[chosen & places["cluster"].isin(region.clusters)]
    return places[~places.geometry.to_wkt(rounding_precision=5).duplicated()]


@pytest.fixture(scope="module")
def trips(belt, members):
    """Return travel times between members of different clusters, profile -> table."""
    region, network = belt
    cluster = members["cluster"]
    tables = {}
    for name in PROFILES:
        times = tb.travel_times(network, members, members, profile=region.profiles[name])
        times["a"] = cluster[times["from_id"]].to_numpy()
        times["b"] = cluster[times["to_id"]].to_numpy()
        tables[name] = times[times["a"] != times["b"]]
    return tables


def test_the_plan_is_judged_claim_by_claim(belt, verdicts):
    region, network = belt
    ids = [claim.id for claim in region.claims]
    assert [claim["id"] for claim in verdicts.claims] == ids
    assert ids[0] == "ninety-minutes"
    assert verdicts.claims[0]["limit_min"] == 90
    assert verdicts.region == "kyeongnam"
    assert verdicts.as_of == network.info.date == "2021-08"
    assert verdicts.network == {
        "file": "roads.parquet",
        "hash": network.info.hash,
        "date": "2021-08",
    }


def test_claims_json_has_no_nan_and_comes_back_the_same(verdicts):
    said = verdicts.to_dict()
    assert plain(said)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert set(said) == {"region", "as_of", "network", "claims"}


def test_every_claim_has_the_keys_of_its_kind(verdicts):
    head = {"id", "statement", "source", "kind", "verdict", "notes"}
    timed = {"limit_min", "observed_min", "margin_min", "break_even_factor", "readings"}
    counted = {"observed", "expected", "unit"}
    for claim in verdicts.claims:
        assert claim["verdict"] in {"holds", "fails", "undecided"}
        if claim["kind"] == "travel_time":
            assert head | timed | {"counterexamples"} <= set(claim)
        elif claim["kind"] == "undecidable":
            assert head == set(claim)
            assert claim["notes"][0]
        else:
            assert head | counted <= set(claim)
            assert ("tolerance" in claim) == (claim["kind"] in {"count", "area", "figure"})


def test_every_reading_stands_in_every_profile_the_primary_first(ninety):
    names = [
        "cluster_pair_median",
        "worst_pair",
        "ninetieth",
        "share_within",
        "adjacent",
        "central",
        "nearest_hub",
        "centroids",
        "hubs",
        "interchanges",
        "outlines",
    ]
    ids = [one["id"] for one in ninety["readings"]]
    assert ids[0] == "cluster_pair_median.typical"
    assert sorted(ids) == sorted(f"{name}.{profile}" for name in names for profile in PROFILES)
    assert ninety["readings"][0]["observed_min"] == ninety["observed_min"]
    assert ninety["readings"][0]["verdict"] == ninety["verdict"]


def test_members_stand_in_six_ordered_pairs_of_clusters(verdicts, members, ninety):
    pairs = verdicts.pairs
    assert set(zip(pairs["from_clus"], pairs["to_clus"], strict=True)) == set(
        permutations(["east", "centre", "west"], 2)
    )
    count = members["cluster"].value_counts()
    n = len(members)
    assert len(pairs) == ninety["pairs"] == n * n - (count**2).sum()
    assert ninety["places"] == n
    assert set(pairs["from_id"]) == set(members.index)
    assert not members["kind"].str.contains("college").any()


@pytest.mark.parametrize("profile", PROFILES)
def test_the_primary_reading_is_the_longest_median_of_the_six(trips, ninety, profile):
    medians = trips[profile].groupby(["a", "b"])["time_min"].median()
    found = reading(ninety, f"cluster_pair_median.{profile}")
    assert found["observed_min"] == pytest.approx(medians.max(), abs=0.006)
    assert tuple(found["between"]) == medians.idxmax()
    assert found["margin_min"] == pytest.approx(90 - medians.max(), abs=0.011)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_worst_pair_and_the_share_are_those_of_the_table(trips, members, ninety, profile):
    times = trips[profile].set_index(["from_id", "to_id"])["time_min"]
    worst = reading(ninety, f"worst_pair.{profile}")
    assert worst["observed_min"] == pytest.approx(times.max(), abs=0.006)
    assert worst["between"] == members.loc[list(times.idxmax()), "name"].tolist()
    share = reading(ninety, f"share_within.{profile}")
    assert share["observed"] == pytest.approx((times <= 90).mean(), abs=1e-4)


@pytest.mark.parametrize("profile", PROFILES)
def test_hub_to_hub_is_that_of_the_table(belt, ninety, profile):
    region, network = belt
    hubs = tb.facilities(region).loc[region.hubs]
    times = tb.travel_times(network, hubs, hubs, profile=region.profiles[profile])
    found = reading(ninety, f"hubs.{profile}")
    assert found["observed_min"] == pytest.approx(times["time_min"].max(), abs=0.006)


def test_centroids_are_the_nearest_positions_on_roads(belt, ninety):
    region, network = belt
    middle = tb.read_layer(region, "clusters").to_crs(network.crs).centroid
    lines = network.lines[startable(network)]
    near = [lines[shapely.distance(lines, point).argmin()] for point in middle]
    feet = [a.interpolate(a.project(p)) for a, p in zip(near, middle, strict=True)]
    there = gpd.GeoDataFrame(geometry=feet, index=middle.index, crs=network.crs)
    times = tb.travel_times(network, there, there, profile=region.profiles["typical"])
    found = reading(ninety, "centroids.typical")
    assert found["observed_min"] == pytest.approx(times["time_min"].max(), abs=0.5)


def test_interchange_to_interchange_is_on_the_corridor_and_without_doors(belt, ninety):
    region, _ = belt
    points = tb.read_layer(region, "interchanges").to_crs(region.crs).drop_duplicates("name")
    for profile in PROFILES:
        found = reading(ninety, f"interchanges.{profile}")
        ends = points.set_index("name").geometry[found["between"]]
        straight_km = ends.iloc[0].distance(ends.iloc[1]) / 1000
        motorway = region.profiles[profile].speed_kph["motorway"].value
        assert found["observed_min"] > straight_km / motorway * 60
    assert set(points.set_index("name")["route_no"][found["between"]]) == {"10"}  # that of 2021


@pytest.mark.parametrize("profile", PROFILES)
def test_a_range_holds_its_value_and_decides_the_verdict(ninety, profile):
    for one in ninety["readings"]:
        if one["profile"] != profile or one["reading"] == "share_within":
            continue
        low, high = one["range_min"]
        assert low <= one["observed_min"] <= high
        verdict = "holds" if high <= 90 else "fails" if low > 90 else "undecided"
        assert one["verdict"] == verdict


def scaled(profile, factor):
    speeds = {
        name: speed.model_copy(update={"value": speed.value * factor})
        for name, speed in profile.speed_kph.items()
    }
    return profile.model_copy(update={"speed_kph": speeds})


@pytest.mark.parametrize(("change", "within"), [(0.999, False), (1.001, True)])
def test_at_the_break_even_factor_the_claim_turns(belt, members, ninety, change, within):
    region, network = belt
    profile = scaled(region.profiles["typical"], ninety["break_even_factor"] * change)
    times = tb.travel_times(network, members, members, profile=profile)
    cluster = members["cluster"]
    times["a"] = cluster[times["from_id"]].to_numpy()
    times["b"] = cluster[times["to_id"]].to_numpy()
    apart = times[times["a"] != times["b"]]
    longest = apart.groupby(["a", "b"])["time_min"].median().max()
    assert (longest <= 90) == within
    assert longest == pytest.approx(90, rel=0.002)


def test_verdicts_do_not_hang_on_the_engine(belt):
    told = []
    for engine in ("scipy", "hierarchy"):
        with use_engine(engine):
            told.append(tb.check_claims(*belt).to_dict())
    assert told[0] == told[1]


def test_counterexamples_are_over_the_limit_and_named(verdicts, members, ninety):
    worst = ninety["counterexamples"]
    assert len(worst) == min(10, ninety["pairs_over"])
    assert ninety["pairs_over"] == (verdicts.pairs["time_min"] > 90).sum()
    times = [one["time_min"] for one in worst]
    assert times == sorted(times, reverse=True)
    for one in worst:
        ranks = ["high", "medium", "low"]
        ends = members.loc[[one["from"], one["to"]], "confidence"]
        assert one["confidence"] == max(ends, key=ranks.index)
        assert one["time_min"] > 90
        assert one["status"] == "ok"


def test_routes_of_the_worst_pairs_take_as_long_as_their_times(verdicts):
    pairs = verdicts.pairs.set_index(["from_id", "to_id"])
    shown = {(row["from"], row["to"]) for row in verdicts.claims[0]["counterexamples"]}
    assert shown <= set(zip(verdicts.routes["from_id"], verdicts.routes["to_id"], strict=True))
    assert all("route" in row for row in verdicts.claims[0]["counterexamples"])
    for row in verdicts.routes.itertuples():
        pair = pairs.loc[(row.from_id, row.to_id)]
        assert row.time_min == pytest.approx(pair["time_min"], abs=0.006)
        assert row.length_km == pytest.approx(pair["length_km"], abs=0.006)


def test_of_1999_there_were_fewer_roads_so_nothing_is_nearer(belt, verdicts):
    region, network = belt
    claim = region.claims[0]
    before = read_travel_times(region, network.as_of("1999"), claim, Basis(as_of="1999"))
    columns = ["from_id", "to_id"]
    both = verdicts.pairs.merge(before.pairs, on=columns, suffixes=("", "_1999"))
    known = both["time_min_1999"].notna()
    assert (both["time_min_1999"] >= both["time_min"] - 0.01)[known].all()
    assert before.result["observed_min"] >= verdicts.claims[0]["observed_min"]
    assert any("As of 1999: " in note for note in before.result["notes"])


def test_another_profile_may_give_the_verdict(belt, ninety):
    region, network = belt
    other = read_travel_times(region, network, region.claims[0], Basis("peak")).result
    assert other["profile"] == "peak"
    assert other["observed_min"] == reading(ninety, "cluster_pair_median.peak")["observed_min"]


def test_every_claim_can_be_said_in_a_sentence(verdicts):
    for claim in verdicts.claims:
        told = sentence(claim)
        assert told.endswith(".")
        assert "nan" not in told.lower().split()
        assert "None" not in told


def test_judging_changes_no_network(belt, verdicts):
    _, network = belt
    key = network.key
    assert not network.closed.any()
    assert tb.load_network(tb.load_region()).key == key
    assert isinstance(verdicts.pairs, pd.DataFrame)
    assert np.isfinite(verdicts.pairs["time_min"]).all()


def test_a_member_at_sea_is_left_out_and_named(tmp_path):
    region = tb.load_region()
    folder = tmp_path / "region"
    shutil.copytree(region.folder, folder)
    frame = gpd.read_file(folder / "complexes.geojson")
    frame.loc[frame["id"] == "NIC01", "geometry"] = shapely.Point(128.9, 34.7)
    frame.to_parquet(folder / "complexes.parquet")
    text = (folder / "region.toml").read_text(encoding="utf-8")
    (folder / "region.toml").write_text(
        text.replace("complexes.geojson", "complexes.parquet"), encoding="utf-8"
    )
    moved = tb.load_region(folder)
    claim = tb.check_claims(moved, tb.load_network(moved)).claims[0]
    assert claim["not_tied"] == ["NIC01"]
    assert any(note.startswith("Left out") and "NIC01" in note for note in claim["notes"])
    assert "NIC01" not in {row[end] for row in claim["counterexamples"] for end in ("from", "to")}
    assert claim["places"] == 16


def test_the_threshold_curve_counts_pairs_and_rises(verdicts, ninety):
    curve = verdicts.thresholds()
    assert curve["minutes"].iloc[[0, -1]].tolist() == [30, 150]
    assert curve["share"].is_monotonic_increasing
    at = curve.set_index("minutes")["share"]
    assert at[90] == pytest.approx(reading(ninety, "share_within.typical")["observed"], abs=1e-4)


# --- layers that nothing asks for ---------------------------------------------------------------


@pytest.mark.parametrize("absent", ["from region.toml", "of rows"])
def test_a_layer_that_no_claim_hub_or_rule_uses_may_be_absent(tmp_path, draw, absent):
    region = make_region(tmp_path)
    if absent == "of rows":
        path = region.path("complexes")
        gpd.read_parquet(path).iloc[:0].to_parquet(path)
    else:
        without = {name: file for name, file in region.layers.items() if name != "complexes"}
        region = region.model_copy(update={"layers": without})
    verdicts = tb.check_claims(region, draw(ENDS, ROAD))
    assert verdicts.claims[0]["verdict"] == "fails"
    assert set(tb.facilities(region)["layer"]) == {"universities", "centres"}


def test_a_layer_that_a_claim_uses_is_asked_for_by_name(tmp_path, draw):
    text = ('layers = ["universities"], where', 'layers = ["complexes"], where')
    region = make_region(tmp_path, edit=text)
    without = {name: file for name, file in region.layers.items() if name != "complexes"}
    with pytest.raises(MissingFileError, match=r"layer 'complexes' .* not in region.toml"):
        tb.check_claims(region.model_copy(update={"layers": without}), draw(ENDS, ROAD))


def test_a_region_without_any_place_says_what_may_be_added(tmp_path):
    region = make_region(tmp_path)
    bare = {name: region.layers[name] for name in ("clusters", "land")}
    with pytest.raises(MissingFileError, match=r"no layer of places; .*complexes, universities"):
        tb.facilities(region.model_copy(update={"layers": bare}))
