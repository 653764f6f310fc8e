"""Another engine's times beside ours: what is asked, and what is made of the answers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from hand_region import ENDS, NINETY, PLACES, ROAD, make_region
from technobelt.cross_check import WAITING, Answers, cross_check
from technobelt.errors import ClaimError

UNDECIDABLE = """
[[claims]]
id = "nobody-knows"
kind = "undecidable"
statement = "So it is."
source = "drawn by hand"
reason = "None."
"""
USE = ["trip", "class", "length_m", "drive_s"]


def answers(seconds, metres, *use):
    return Answers(
        np.array(seconds, float), np.array(metres, float), pd.DataFrame(use, columns=USE)
    )


def along_x(kph, *, wait_s=0.0, road="primary"):
    """Return an engine that drives straight from position to position at one speed."""

    def ask(positions, trips):
        x = positions.to_crs("EPSG:5179").geometry.x.to_numpy()
        metres = np.array([abs(x[a] - x[b]) for a, b in trips])
        driven = metres / (kph / 3.6)
        rows = [(i, road, m, s) for i, (m, s) in enumerate(zip(metres, driven, strict=True))]
        return answers(driven + wait_s, metres, *rows)

    return ask


@pytest.fixture
def road(draw):
    return draw(ENDS, ROAD)


@pytest.fixture
def region(tmp_path):
    return make_region(tmp_path)


def of_class(check, name):
    return check.classes.set_index("class").loc[name]


# --- what is asked -------------------------------------------------------------------------------


def test_every_pair_of_different_clusters_is_asked_between_positions_on_roads(tmp_path, road):
    """One university stands 500 m off the road: its access leg is not asked."""
    layer, kind, cluster, x, _ = PLACES["U_east"]
    off = PLACES | {"U_east": (layer, kind, cluster, x, 500)}
    seen = []

    def ask(positions, trips):
        seen.append((positions, trips))
        return along_x(36)(positions, trips)

    check = cross_check(make_region(tmp_path, places=off), road, ask, engine="made up")
    [(positions, trips)] = seen
    assert positions.crs == "EPSG:4326"
    assert positions["class"].tolist() == ["primary"] * 3
    assert positions.to_crs(road.crs).geometry.y.tolist() == pytest.approx([1_690_000] * 3)
    assert len(trips) == 6
    assert check.pairs["diff_min"].abs().max() < 0.001


def test_parking_and_the_way_to_the_door_do_not_count(tmp_path, road):
    made = make_region(
        tmp_path,
        edit=(
            "parking = { value = 0.0, low = 0.0, high = 0.0",
            "parking = { value = 600, low = 600, high = 600",
        ),
    )
    check = cross_check(made, road, along_x(36), engine="made up")
    assert sorted(check.pairs["own_min"].round(3)) == [50, 50, 50, 50, 100, 100]


def test_each_engine_takes_the_carriageway_that_suits_it(tmp_path, draw):
    """A divided road: every place has a tie on each side, every pair four ways."""
    network = draw(
        ENDS | {"c": (-10_000, 20), "d": (70_000, 20)},
        [
            ("a", "b", {"oneway": True}),
            ("d", "c", {"oneway": True}),
            ("b", "d"),
            ("c", "a"),
        ],
    )
    asked = []

    def ask(positions, trips):
        asked.extend(trips)
        answer = along_x(36)(positions, trips)
        slow = np.array([a % 2 for a, _ in trips]) * 1000.0
        return Answers(answer.seconds + slow, answer.metres, answer.use)

    check = cross_check(make_region(tmp_path), network, ask, engine="made up")
    assert len(asked) == 24
    assert len(check.pairs) == 6
    assert check.pairs["diff_min"].abs().max() < 0.001


def test_trips_to_other_places_are_asked_between_both_kinds(tmp_path, road):
    """From the universities, in the middles of the clusters, to centres 3 km west of them."""
    moved = {k: (*v[:3], v[3] - 3_000, 0) if k[0] == "T" else v for k, v in PLACES.items()}
    claims = NINETY + 'to = { layers = ["centres"] }\nprimary = "nearest"\n'
    made = make_region(tmp_path, claims=claims, places=moved)
    check = cross_check(made, road, along_x(36), engine="made up")
    assert set(check.pairs["from_id"]) == {"U_east", "U_centre", "U_west"}
    assert set(check.pairs["to_id"]) == {"T_east", "T_centre", "T_west"}
    times = check.pairs.set_index(["from_id", "to_id"])["own_min"]
    assert times["U_east", "T_east"] == pytest.approx(5, abs=0.01)
    assert times["U_east", "T_west"] == pytest.approx(105, abs=0.01)
    assert check.pairs["diff_min"].abs().max() < 0.001


# --- what is made of it --------------------------------------------------------------------------


def test_differences_are_other_less_own_the_largest_first(region, road):
    check = cross_check(region, road, along_x(72), engine="fast")
    first = check.pairs.iloc[0]
    assert {first["from_id"], first["to_id"]} == {"U_east", "U_west"}
    assert (first["own_min"], first["other_min"]) == (pytest.approx(100), pytest.approx(50))
    assert (first["diff_min"], first["diff_pct"]) == (pytest.approx(-50), pytest.approx(-50))
    told = check.summary()
    assert (told["pairs"], told["no_way_own"], told["no_way_other"]) == (6, 0, 0)
    assert (told["median_min"], told["median_pct"]) == (-25, -50)
    assert told["p95_abs_min"] == 50


def test_classes_tell_kilometres_speeds_and_what_is_left_over(region, road):
    """Six trips, 240 km in all; the other engine waits 90 s on each and calls the road a trunk."""
    check = cross_check(region, road, along_x(72, wait_s=90, road="trunk"), engine="other")
    assert check.classes["class"].tolist() == ["trunk", "primary", WAITING]
    primary, trunk, waiting = (of_class(check, name) for name in ("primary", "trunk", WAITING))
    assert (primary["own_km"], primary["own_kph"]) == (pytest.approx(240), pytest.approx(36))
    assert primary["other_km"] == 0
    assert np.isnan(primary["other_kph"])
    assert (trunk["other_km"], trunk["other_kph"]) == (pytest.approx(240), pytest.approx(72))
    assert (waiting["own_min"], waiting["other_min"]) == (pytest.approx(0), pytest.approx(9))
    assert np.isnan(waiting["own_km"])


def test_minutes_by_class_add_up_to_those_of_the_pairs(tmp_path, draw):
    network = draw(
        ENDS | {"m": (30_000, 0), "n": (30_000, 900)},
        [("a", "m"), ("m", "b", {"class": "trunk"}), ("m", "n")],
    )
    made = make_region(
        tmp_path,
        edit=(
            "junction = { value = 0.0, low = 0.0, high = 0.0",
            "junction = { value = 7, low = 7, high = 7",
        ),
    )
    check = cross_check(made, network, along_x(50, wait_s=11), engine="other")
    for whose in ("own_min", "other_min"):
        assert check.classes[whose].sum() == pytest.approx(check.pairs[whose].sum())
    assert of_class(check, WAITING)["own_min"] == pytest.approx(4 * 7 / 60)


def test_pairs_without_a_way_are_counted_and_told_apart(region, road):
    def ask(positions, trips):
        answer = along_x(36)(positions, trips)
        lost = np.array([i < 2 for i in range(len(trips))])
        return Answers(
            np.where(lost, np.nan, answer.seconds),
            np.where(lost, np.nan, answer.metres),
            answer.use[~answer.use["trip"].isin([0, 1])],
        )

    check = cross_check(region, road, ask, engine="lossy")
    assert check.summary()["no_way_other"] == 2
    assert check.told == 4
    assert check.pairs["status"].tolist() == ["ok"] * 4 + ["no_way_other"] * 2
    whole = check.classes.set_index("class")
    assert whole.loc["primary", "own_km"] == pytest.approx(whole.loc["primary", "other_km"])


def test_a_closed_road_leaves_no_way_here(region, draw):
    network = draw(ENDS | {"m": (30_000, 0), "n": (31_000, 0)}, [("a", "m"), ("n", "b")])
    check = cross_check(region, network, along_x(36), engine="other")
    assert check.summary()["no_way_own"] == 4
    assert check.pairs["own_min"].isna().sum() == 4


def test_ways_that_are_not_told_count_in_pairs_and_not_in_classes(region, road):
    def ask(positions, trips):
        answer = along_x(36)(positions, trips)
        return Answers(answer.seconds, answer.metres, answer.use.iloc[:0])

    check = cross_check(region, road, ask, engine="silent")
    assert check.summary()["median_min"] == pytest.approx(0, abs=0.01)
    assert check.classes["class"].tolist() == [WAITING]
    assert check.told == check.summary()["pairs_in_classes"] == 0


def test_json_holds_null_and_never_nan(region, road):
    def ask(_, trips):
        return answers([np.nan] * len(trips), [np.nan] * len(trips))

    told = cross_check(region, road, ask, engine="lost").to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert set(told) == {"engine", "profile", "summary", "pairs", "classes"}
    assert told["pairs"][0]["other_min"] is None
    assert told["summary"]["median_min"] is None


def test_a_region_without_a_travel_time_claim_is_refused(tmp_path, road):
    with pytest.raises(ClaimError, match="no travel-time claim"):
        cross_check(make_region(tmp_path, claims=UNDECIDABLE), road, along_x(36), engine="any")
