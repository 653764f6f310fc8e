"""The readings of a claim: what decides each, when it turns, and what the corridor has to do with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import technobelt as tb
from hand_region import ENDS, NINETY, PLACES, ROAD, make_region
from technobelt.break_even import break_even
from technobelt.cases import Basis, make_case
from technobelt.claims import sentence
from technobelt.corridor import corridor_sections
from technobelt.errors import ClaimError, RegionError
from technobelt.measures import MEASURES
from technobelt.network.speeds import arc_costs
from technobelt.travel_claims import read_travel_times
from technobelt.travel_time import measuring
from technobelt.trips import trip_minutes


@pytest.fixture
def road(draw):
    return draw(ENDS, ROAD)


def by_name(claim):
    return {one["reading"]: one for one in claim["readings"]}


def more(**places):
    return PLACES | {
        key: ("universities", "research_university", cluster, x, y, *rest)
        for key, (cluster, x, y, *rest) in places.items()
    }


def judged(tmp_path, network, **options):
    (claim, *_) = tb.check_claims(make_region(tmp_path, **options), network).claims
    return claim


# --- a number that turns -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fixed", "driven", "factor"), [(10, 80, 1.0), (10, 160, 2.0), (0, 45, 0.5), (89, 1, 1.0)]
)
def test_fixed_minutes_do_not_scale(fixed, driven, factor):
    found = break_even(lambda inverse: (fixed + driven * inverse, driven), 90)
    assert found == pytest.approx(factor, rel=1e-7)


def test_nothing_turns_what_is_fixed_beyond_the_limit_or_does_not_move():
    assert break_even(lambda inverse: (95 + 0.1 * inverse, 0.1), 90) is None
    assert break_even(lambda _: (80.0, 0.0), 90) is None
    assert break_even(lambda _: (np.inf, 0.0), 90) is None


@settings(max_examples=200)
@given(
    ways=st.lists(st.tuples(st.floats(0, 60), st.floats(1, 200)), min_size=1, max_size=6),
    limit=st.floats(61, 300),
)
def test_the_factor_is_exact_where_routes_change(ways, limit):
    def value_at(inverse):
        minutes, slope = min((fixed + driven * inverse, driven) for fixed, driven in ways)
        return minutes, slope

    factor = break_even(value_at, limit)
    assert value_at(1 / factor)[0] == pytest.approx(limit, rel=1e-6)


@given(
    trips=st.lists(st.tuples(st.floats(0, 60), st.floats(1, 200)), min_size=1, max_size=9),
    rank=st.integers(0, 8),
    limit=st.floats(61, 300),
)
def test_the_factor_of_an_order_statistic_is_that_of_the_trip_that_decides(trips, rank, limit):
    rank = min(rank, len(trips) - 1)

    def value_at(inverse):
        return sorted((fixed + driven * inverse, driven) for fixed, driven in trips)[rank]

    own = sorted(driven / (limit - fixed) for fixed, driven in trips)
    assert break_even(value_at, limit) == pytest.approx(own[rank], rel=1e-6)


@pytest.mark.parametrize("profile", ["free_flow", "typical", "peak"])
def test_every_reading_turns_at_its_factor_and_nowhere_near(profile):
    region = tb.load_region()
    network = tb.load_network(region)
    case = make_case(region, network, region.claims[0], Basis(profile=profile))
    found = read_travel_times(region, network, case.claim, case.basis).result
    costs = arc_costs(network, region.profiles[profile])
    everywhere = np.ones(len(costs.drive_s), dtype=bool)
    turns = [
        (name, one["break_even_factor"], everywhere)
        for name, one in by_name(found_in(found, profile)).items()
    ]
    turns.append(
        (found["reading"], found["break_even_corridor"], case.corridor[network.arc_section])
    )
    assert len(turns) == 12
    for name, factor, scaled in turns:
        reading, trips = MEASURES[name], case.trips[MEASURES[name].trips]
        for off, within in ((1 + 1e-6, True), (1 - 1e-6, False)):
            drive_s = np.where(scaled, costs.drive_s / (factor * off), costs.drive_s)
            nothing = np.zeros(len(drive_s))
            model = measuring(network, costs.with_drive(drive_s), nothing, step=1e-5)
            minutes, _ = trip_minutes(model, trips)
            assert (reading.statistic(minutes, trips).minutes <= 90) == within, name


def found_in(claim, profile):
    return {"readings": [one for one in claim["readings"] if one["profile"] == profile]}


# --- statistics that fit on paper ----------------------------------------------------------------

# At 36 km/h a kilometre takes 100 s: east to centre 50 min, east to west 100, centre to west 50.


def test_every_reading_of_three_places_in_a_row(tmp_path, road):
    found = by_name(judged(tmp_path, road))
    assert found["worst_pair"]["observed_min"] == 100
    assert found["ninetieth"]["observed_min"] == 100
    assert found["adjacent"]["observed_min"] == 50
    assert found["central"]["observed_min"] == 50
    assert found["nearest_hub"]["observed_min"] == 0
    assert found["hubs"]["observed_min"] == 100
    assert found["share_within"]["observed"] == pytest.approx(4 / 6, abs=1e-4)


def test_the_ninetieth_percentile_is_a_trip_and_not_a_mean(tmp_path, road):
    # ten trips each way between neighbours, one place a kilometre farther east
    claim = judged(tmp_path, road, places=more(U2=("east", 61_000, 0)))
    found = by_name(claim)
    # of 10 ordered pairs (east has two places): 4 of 100 or 101.67, so that the ninth is 101.67
    times = sorted([50, 50, 50, 50, 51.67, 51.67, 100, 100, 101.67, 101.67])
    assert found["ninetieth"]["observed_min"] == times[8]


def test_each_place_goes_to_the_hub_that_it_reaches_first(tmp_path, road):
    claim = judged(tmp_path, road, places=more(U2=("east", 54_000, 0), U3=("west", 9_000, 0)))
    far = by_name(claim)["nearest_hub"]
    assert far["observed_min"] == 15  # 9 km from the western hub
    assert far["between"] == ["name of U3", "name of U_west"]


def test_the_factor_of_a_reading_is_that_of_its_own_trips(tmp_path, road):
    found = by_name(judged(tmp_path, road))
    assert found["worst_pair"]["break_even_factor"] == pytest.approx(100 / 90, rel=1e-6)
    assert found["adjacent"]["break_even_factor"] == pytest.approx(50 / 90, rel=1e-6)
    assert found["nearest_hub"]["break_even_factor"] is None  # nothing to drive


def test_without_known_outlines_there_is_no_reading_of_them(tmp_path, road):
    assert "outlines" not in by_name(judged(tmp_path, road))


def test_points_inside_known_outlines_are_read_and_discs_are_not(tmp_path, road):
    claims = NINETY.replace('["universities"]', '["complexes"]')
    region = make_region(tmp_path, claims=claims)
    frame = tb.read_layer(region, "complexes").reset_index(drop=True)
    square = frame.set_geometry(frame.buffer(500, cap_style="square"))
    square.to_parquet(tmp_path / "complexes.parquet")
    (claim,) = tb.check_claims(region, road).claims
    points = by_name(claim)["outlines"]
    assert 100 < points["observed_min"] < 118  # up to 500 m on foot speed at either end


@pytest.mark.parametrize(
    ("limit", "confidence", "verdict"),
    # 100 minutes at 600 m a minute; two positions are worth a third of a minute, or 6.7 minutes
    [
        (99.5, "high", "fails"),
        (99.8, "high", "undecided"),
        (99, "low", "undecided"),
        (93, "low", "fails"),
        (100, "low", "holds"),
    ],
)
def test_a_margin_smaller_than_the_positions_errors_fails_nothing(
    tmp_path, road, limit, confidence, verdict
):
    claims = NINETY.replace("limit_min = 90", f"limit_min = {limit}")
    sure = {"confidence": confidence}
    places = {key: (*said[:5], sure) for key, said in PLACES.items()}
    claim = judged(tmp_path, road, claims=claims, places=places)
    assert by_name(claim)["worst_pair"]["verdict"] == verdict


def test_a_share_is_no_firmer_than_the_trips_that_it_counts(tmp_path, road):
    claims = NINETY.replace("limit_min = 90", "limit_min = 49.5")
    places = {key: (*said[:5], {"confidence": "low"}) for key, said in PLACES.items()}
    found = by_name(judged(tmp_path, road, claims=claims, places=places))
    assert found["adjacent"]["verdict"] == "undecided"  # 50 min, errors worth more
    assert found["share_within"]["verdict"] == "undecided"


# --- which trips, and which reading gives the verdict ---------------------------------------------


def claim_with(more, limit=90):
    return NINETY.replace("limit_min = 90", f"limit_min = {limit}") + more


def test_the_reading_that_a_claim_names_gives_the_verdict(tmp_path, road):
    claim = judged(tmp_path, road, claims=claim_with('primary = "adjacent"\n'))
    assert claim["reading"] == "adjacent"
    assert (claim["observed_min"], claim["verdict"]) == (50, "holds")
    assert claim["readings"][0]["reading"] == "adjacent"
    assert claim["break_even_factor"] == pytest.approx(50 / 90, rel=1e-6)


def test_a_claim_may_be_about_some_of_the_clusters(tmp_path, road):
    claim = judged(tmp_path, road, claims=claim_with('clusters = ["east", "centre"]\n'))
    assert (claim["observed_min"], claim["pairs"]) == (50, 2)
    assert by_name(claim)["hubs"]["observed_min"] == 50


@pytest.mark.parametrize(
    ("primary", "minutes"), [("nearest", 15), ("worst_pair", 100), ("ninetieth", 100)]
)
def test_trips_may_lead_from_one_layer_to_another(tmp_path, road, primary, minutes):
    # a complex 9 km from the university of its cluster, 15 min; the others at one
    places = PLACES | {"P9": ("complexes", "general_industrial_complex", "west", 9_000, 0)}
    claims = (
        NINETY.replace('["universities"], where = { existed_1999 = ["yes"] }', '["complexes"]')
        + f'primary = "{primary}"\nto = {{ layers = ["universities"] }}\n'
    )
    region = make_region(tmp_path, claims=claims, places=places)
    verdicts = tb.check_claims(region, road)
    (claim,) = verdicts.claims
    assert claim["observed_min"] == minutes
    assert len(verdicts.pairs) == 4 * 3
    assert claim["pairs"] == (4 if primary == "nearest" else 4 * 3)
    assert set(verdicts.pairs["to_id"]) == {"U_east", "U_centre", "U_west"}
    assert {one["reading"] for one in claim["readings"]} == {
        *("nearest", "worst_pair", "ninetieth", "share_within")
    }
    assert verdicts.routes is not None
    assert len(sentence(claim)) > 20


def test_a_place_is_not_the_nearest_to_itself(tmp_path, road):
    more_of_them = 'primary = "nearest"\nto = { layers = ["universities"] }\n'
    claim = judged(tmp_path, road, claims=claim_with(more_of_them))
    assert claim["observed_min"] == 50  # from one cluster to the next


def test_two_clusters_have_no_middle_to_decide_by(tmp_path, road):
    more_of_it = 'primary = "central"\nclusters = ["east", "west"]\n'
    with pytest.raises(ClaimError, match="'central' cannot be taken of members in 2 clusters"):
        judged(tmp_path, road, claims=claim_with(more_of_it))


def test_a_claim_that_is_not_about_the_corridor_says_nothing_of_it(tmp_path, two_ways):
    claim = judged(tmp_path, two_ways, claims=claim_with("corridor = false\n"))
    assert "attribution" not in claim
    assert claim["break_even_corridor"] is None
    assert claim["break_even_corridor_none"] == "the claim is not about the corridor"


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('primary = "fastest"', r"line \d+: claims.0.primary: Input should be .*'worst_pair'"),
        ('primary = "nearest"', r"'nearest' needs \[claims.to\]"),
        ('clusters = ["east"]', "needs two clusters or more"),
        ('clusters = ["east", "north"]', r"no cluster 'north' in \[clusters\]"),
        ('to = { layers = ["centres"] }', r"with \[claims.to\] it must be one of nearest"),
    ],
)
def test_a_claim_that_cannot_be_read_so_is_refused_with_its_line(tmp_path, more, fault):
    with pytest.raises(RegionError, match=fault):
        make_region(tmp_path, claims=claim_with(f"{more}\n"))


def test_why_no_factor_turns_a_reading_is_told(tmp_path, draw, road):
    near = by_name(judged(tmp_path, road))["nearest_hub"]
    assert near["break_even_factor"] is None
    assert near["break_even_none"].startswith("within the limit however slowly")
    cut = draw(
        {"a": (-10_000, 0), "b": (45_000, 0), "c": (46_000, 0), "d": (70_000, 0)},
        [("a", "b", {"class": "primary"}), ("c", "d", {"class": "primary"})],
    )
    lost = judged(tmp_path, cut)
    assert lost["break_even_none"] == "there is no way"
    assert "No factor on all driving speeds" not in sentence(lost)  # it has no way to begin with


# --- members of a date ---------------------------------------------------------------------------


def test_roads_and_members_have_dates_of_their_own(tmp_path, road):
    late = {"existed_1999": "no", "opened_year": 2009}
    places = more(U2=("east", 66_000, 0, late), U3=("east", 68_000, 0, {"opened_year": 1990}))
    places = {
        k: (*v[:5], {"opened_year": 1980} | (v[5] if len(v) > 5 else {})) for k, v in places.items()
    }
    region = make_region(tmp_path, places=places)
    then = tb.check_claims(region, road).claims[0]
    now = tb.check_claims(region, road, members_as_of="2021").claims[0]
    early = tb.check_claims(region, road, members_as_of="1985").claims[0]
    assert (early["places"], then["places"], now["places"]) == (3, 4, 5)
    assert any("opened by 2021" in note for note in now["notes"])
    assert not any("opened by" in note for note in then["notes"])


# --- attribution ---------------------------------------------------------------------------------


@pytest.fixture
def two_ways(draw):
    """The corridor (route 1), and a street of the same ends that is twice as long."""
    nodes = {"a": (-10_000, 0), "b": (70_000, 0)}
    for at in (0, 30_000, 60_000):
        nodes[f"p{at}"], nodes[f"q{at}"] = (at, 0), (at, -300)
    roads = []
    for a, b in ((0, 30_000), (30_000, 60_000)):
        roads.append((f"q{a}", f"q{b}", {"class": "motorway", "ref": "1"}))
        roads.append((f"p{a}", f"p{b}", {"class": "primary", "via": [(a + 15_000, 26_000)]}))
    roads += [(f"p{at}", f"q{at}", {"class": "motorway_link"}) for at in (0, 30_000, 60_000)]
    roads += [("a", "p0"), ("p60000", "b")]
    return draw(nodes, roads)


def test_what_the_corridor_saves_is_told(tmp_path, two_ways):
    claim = judged(tmp_path, two_ways, claims=NINETY.replace("= 90", "= 110"))
    assert claim["verdict"] == "holds"
    told = claim["attribution"]
    assert told["verdict"] == "fails"
    assert told["because"] == "holds, and without the corridor fails"
    # 60 km and two ramps of 300 m, against twice the way over the hill
    assert claim["observed_min"] == pytest.approx(101, abs=0.1)
    assert told["saved_min"] == pytest.approx(told["without_min"] - claim["observed_min"], abs=0.02)
    assert told["pairs_on_it"] == 6


def test_minutes_on_the_corridor_are_those_of_each_way(tmp_path, two_ways):
    pairs = tb.check_claims(make_region(tmp_path), two_ways).pairs.set_index(["from_id", "to_id"])
    assert pairs.loc[("U_east", "U_west"), "corr_min"] == pytest.approx(100, abs=0.01)
    assert pairs.loc[("U_east", "U_centre"), "corr_min"] == pytest.approx(50, abs=0.01)
    assert pairs["corr_share"].between(0.9, 1).all()


def test_a_claim_may_hold_or_fail_whatever_the_corridor_does(tmp_path, road):
    claim = judged(tmp_path, road)  # the road is a primary: there is no corridor at all
    assert claim["attribution"]["because"] == "fails, and no trip uses the corridor"
    assert claim["attribution"]["pairs_on_it"] == 0
    assert claim["break_even_corridor"] is None


def test_the_corridor_alone_must_be_faster_than_all_roads_together():
    region = tb.load_region()
    network = tb.load_network(region)
    found = tb.check_claims(region, network).claims[0]
    assert found["break_even_corridor"] > found["break_even_factor"] > 1
    assert corridor_sections(region, network, None).any()
    assert found["attribution"]["verdict"] == "fails"
