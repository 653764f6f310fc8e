"""Random speeds: numbers that belong to roads, factors of median one, verdicts that follow them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import technobelt as tb
from hand_region import ENDS, NINETY, ROAD, make_region
from technobelt.draws import _pieces, normals, road_noise, section_factors
from technobelt.errors import ClaimError
from technobelt.network import network_from_roads
from technobelt.region import Uncertainty

SAID = "source = 'a test'\n"
BELIEVED = f"""
[uncertainty]
corridor_sd = 0.0
class_sd = 0.2
road_sd = 0.0
correlation_km = 5
{SAID}
"""


@pytest.fixture
def road(draw):
    return draw(ENDS, ROAD)


def uncertainty(corridor=0.0, classes=0.0, road=0.0, km=5.0):
    return Uncertainty(
        corridor_sd=corridor, class_sd=classes, road_sd=road, correlation_km=km, source="a test"
    )


def factors(network, believed, draw=0, seed=1, corridor=None):
    noise = road_noise(network, believed.correlation_km * 1000)
    mask = np.zeros(len(network.roads), dtype=bool) if corridor is None else corridor
    return section_factors(network, believed, noise, mask, seed=seed, draw=draw)


# --- numbers -------------------------------------------------------------------------------------


def test_numbers_are_standard_normal_and_independent_of_each_other():
    keys = np.arange(20_000, dtype=np.uint64)
    first, second = normals(keys, 7, 0), normals(keys, 7, 1)
    assert stats.kstest(first, "norm").pvalue > 0.001
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03


@given(st.integers(0, 2**40), st.integers(0, 10_000))
def test_a_number_depends_on_its_own_key_alone(seed, draw):
    keys = np.array([11, 5, 2**63], dtype=np.uint64)
    together = normals(keys, seed, draw)
    alone = [normals(keys[i : i + 1], seed, draw)[0] for i in range(3)]
    assert together.tolist() == alone


# --- pieces along a grid -------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.integers(-4000, 4000), st.integers(-4000, 4000)),
        min_size=2, max_size=8, unique=True,
    )
)  # fmt: skip
def test_pieces_add_up_and_stay_inside_their_squares(points):
    line = shapely.LineString(points)
    section, cell, length = _pieces(np.array([line], dtype=object), 1000)
    assert length.sum() == pytest.approx(line.length, rel=1e-9)
    assert (section == 0).all()
    for square in np.unique(cell, axis=0):
        box = shapely.box(*(square * 1000), *(square * 1000 + 1000))
        mine = length[(cell == square).all(axis=1)].sum()
        assert mine <= line.intersection(box).length + 1e-6


def split(network, at):
    """Return the network with every section cut in two at a share of its length."""
    rows, n = [], len(network.nodes)
    for number, row in network.roads.iterrows():
        middle = n + number
        parts = [(row["u"], middle, 0.0, at), (middle, row["v"], at, 1.0)]
        for u, v, begin, end in parts:
            shape = shapely.ops.substring(row.geometry, begin, end, normalized=True)
            length = row["length_m"] * (end - begin)
            rows.append({**row.to_dict(), "u": u, "v": v, "geometry": shape, "length_m": length})
    frame = gpd.GeoDataFrame(rows, crs=network.crs)
    return network_from_roads(frame[network.roads.columns], network.info)


@pytest.mark.parametrize("at", [0.5, 0.123])
def test_splitting_a_section_changes_nothing(draw, at):
    nodes = {"a": (0, 0), "b": (13_000, 700), "c": (13_500, 22_000)}
    network = draw(nodes, [("a", "b", {"via": [(6_000, 9_000)]}), ("b", "c", {"ref": "7"})])
    believed = uncertainty(road=0.4, km=2)
    whole = factors(network, believed)
    parts = factors(split(network, at), believed).reshape(-1, 2)
    seconds = at / parts[:, 0] + (1 - at) / parts[:, 1]
    assert seconds == pytest.approx(1 / whole, rel=1e-9)


def test_closing_or_adding_a_road_shifts_no_other_road_s_noise(draw):
    nodes = {"a": (0, 0), "b": (30_000, 0), "c": (30_000, 30_000)}
    two = draw(nodes, [("a", "b"), ("b", "c", {"ref": "7"})])
    three = draw(nodes, [("a", "c", {"ref": "9"}), ("a", "b"), ("b", "c", {"ref": "7"})])
    believed = uncertainty(corridor=0.1, classes=0.1, road=0.3)
    assert factors(three, believed)[1:].tolist() == factors(two, believed).tolist()
    closed = two.closing(np.array([True, False]))
    assert factors(closed, believed).tolist() == factors(two, believed).tolist()


def test_a_road_keeps_its_noise_within_a_square_and_changes_it_beyond(draw):
    near = draw({"a": (100, 100), "b": (1_900, 100), "c": (3_000, 100), "d": (40_000, 100)},
                [("a", "b"), ("b", "c"), ("c", "d")])  # fmt: skip
    first, second, far = factors(near, uncertainty(road=0.3, km=10))
    assert first == pytest.approx(second)
    assert abs(far - first) > 1e-3


def test_factors_have_a_median_of_one_and_the_stated_spread(draw):
    network = draw({"a": (0, 0), "b": (1_000, 0)}, [("a", "b")])
    logs = [np.log(factors(network, uncertainty(road=0.3), draw=d)[0]) for d in range(2_000)]
    assert np.median(logs) == pytest.approx(0, abs=0.03)
    assert np.std(logs) == pytest.approx(0.3, rel=0.05)


def test_the_corridor_has_a_factor_of_its_own(draw):
    network = draw({"a": (0, 0), "b": (1_000, 0), "c": (2_000, 0)}, [("a", "b"), ("b", "c")])
    one, other = factors(network, uncertainty(corridor=0.3), corridor=np.array([True, False]))
    assert one != 1.0
    assert other == 1.0


# --- verdicts ------------------------------------------------------------------------------------

# From east to west it takes 100 minutes at 36 km/h; one factor for the class moves all trips.


def judged(tmp_path, road, draws=400, limit=90, kph=36.0, believed=BELIEVED, **options):
    claims = NINETY.replace("limit_min = 90", f"limit_min = {limit}") + believed
    region = make_region(tmp_path, claims=claims, kph=kph)
    return tb.check_claims(region, road, draws=draws, **options)


def test_the_share_of_draws_is_that_of_the_lognormal_factor(tmp_path, road):
    claim = judged(tmp_path, road, draws=2_000).claims[0]
    expected = stats.norm.cdf(np.log(90 / 100) / 0.2)  # the factor must be above 100 / 90
    assert claim["draws"]["p_within"] == pytest.approx(expected, abs=0.03)
    low, middle, high = claim["draws"]["draws_min"]
    assert middle == pytest.approx(100, rel=0.02)
    assert low == pytest.approx(100 * np.exp(-1.645 * 0.2), rel=0.04)
    assert high == pytest.approx(100 * np.exp(1.645 * 0.2), rel=0.04)
    n, p = 2_000, claim["draws"]["p_within"]
    assert claim["draws"]["sampling_error"] == pytest.approx(np.sqrt(p * (1 - p) / n), rel=0.05)


def test_the_more_draws_the_narrower_the_interval(tmp_path, road):
    told = judged(tmp_path, road, draws=120).claims[0]["draws"]["convergence"]
    assert [row[0] for row in told] == [10, 20, 50, 100, 120]
    assert all(low <= p <= high for _, p, low, high in told)
    widths = [high - low for _, _, low, high in told]
    assert widths == sorted(widths, reverse=True)


def test_what_happens_in_every_draw_is_not_certain_for_that(tmp_path, road):
    told = judged(tmp_path, road, draws=40, limit=1000).claims[0]["draws"]
    assert told["p_within"] == 1
    assert told["sampling_error"] > 0


@pytest.mark.parametrize(
    ("limit", "verdict"), [(150, "holds"), (125, "undecided"), (90, "undecided"), (65, "fails")]
)
def test_a_verdict_is_that_of_the_outer_percentiles(tmp_path, road, limit, verdict):
    # 5th and 95th percentile of 100 minutes are 72 and 139
    assert judged(tmp_path, road, limit=limit).claims[0]["verdict"] == verdict


def test_without_draws_the_ranges_alone_decide(tmp_path, road):
    claim = judged(tmp_path, road, draws=0, limit=125).claims[0]
    assert claim["verdict"] == "holds"
    assert "draws" not in claim


def test_with_placeholder_speeds_ranges_and_draws_must_agree(tmp_path, road):
    claims = NINETY.replace("limit_min = 90", "limit_min = 150") + BELIEVED
    region = make_region(tmp_path, claims=claims)
    profile = region.profiles["plain"]
    for low, verdict in ((36.0, "holds"), (20.0, "undecided")):
        kph = {
            name: value.model_copy(update={"placeholder": True, "low": low})
            for name, value in profile.speed_kph.items()
        }
        speeds = {"plain": profile.model_copy(update={"speed_kph": kph})}
        changed = region.model_copy(update={"profiles": speeds})
        assert tb.check_claims(changed, road, draws=200).claims[0]["verdict"] == verdict


def test_draws_are_repeated_by_their_seed_and_by_no_other(tmp_path, road):
    one = judged(tmp_path, road, draws=20).claims[0]["draws"]["draws_min"]
    same = judged(tmp_path, road, draws=20).claims[0]["draws"]["draws_min"]
    other = judged(tmp_path, road, draws=20, seed=2).claims[0]["draws"]["draws_min"]
    assert one == same != other


def test_each_pair_has_its_own_share(tmp_path, road):
    pairs = judged(tmp_path, road).pairs.set_index(["from_id", "to_id"])["p_within"]
    assert pairs["U_east", "U_centre"] > 0.99
    assert pairs["U_east", "U_west"] == pytest.approx(0.3, abs=0.08)


def test_a_region_that_states_no_uncertainty_can_draw_nothing(tmp_path, road):
    with pytest.raises(ClaimError, match=r"Add \[uncertainty\] to region.toml"):
        judged(tmp_path, road, believed="")
    assert "draws" not in judged(tmp_path, road, draws=0, believed="").claims[0]


def test_the_built_in_claim_is_drawn_with_routes_chosen_anew():
    region = tb.load_region()
    verdicts = tb.check_claims(region, tb.load_network(region), draws=5)
    claim = verdicts.claims[0]
    drawn = [one for one in claim["readings"] if "p_within" in one]
    assert {one["profile"] for one in drawn} == {"typical"}
    assert {one["reading"] for one in drawn} >= {"cluster_pair_median", "worst_pair", "hubs"}
    assert verdicts.pairs["p_within"].between(0, 1).all()
    assert any("95th percentile of 5 draws" in note for note in claim["notes"])
