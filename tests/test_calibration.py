"""A profile fitted to times that a known profile made: what comes back, what stays, what is said."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pandas as pd
import pytest

import technobelt as tb
from hand_region import ENDS, ROAD, make_region
from technobelt.calibration import calibrate
from technobelt.cli import main
from technobelt.drives import best_drives
from technobelt.errors import (
    MissingColumnError,
    MissingFileError,
    ObservationError,
    OutputError,
    PointError,
)
from technobelt.network.ties import tie_points
from technobelt.observations import Observations, read_observations
from technobelt.profile_toml import profile_toml, write_profile
from technobelt.region import Profile, Value
from technobelt.terms import DOORS, NUMBERS, coefficients, number_of, stated, terms_of, with_numbers
from technobelt.travel_time import model_of, travel_times

#: A trunk road a - d, a primary one d - g, a motorway over ramps from b by d to f, a posted street
#: e - h.
NODES = {name: (4_000 * i, 0) for i, name in enumerate("abcdefg")} | {
    "h": (16_000, 6_000),
    "p": (5_000, 1_000),
    "r": (12_000, 1_000),
    "q": (19_000, 1_000),
}
ROADS = [
    ("a", "b", {"class": "trunk"}),
    ("b", "c", {"class": "trunk"}),
    ("c", "d", {"class": "trunk"}),
    ("d", "e"),
    ("e", "f"),
    ("f", "g"),
    ("e", "h", {"class": "tertiary", "limit_kph": 30.0}),
    ("b", "p", {"class": "motorway_link"}),
    ("p", "r", {"class": "motorway"}),
    ("r", "q", {"class": "motorway"}),
    ("r", "d", {"class": "motorway_link"}),
    ("q", "f", {"class": "motorway_link"}),
]
TRUE = {"speed_kph.trunk": 52.0, "speed_kph.primary": 31.0, "speed_kph.motorway": 88.0}


@pytest.fixture(scope="module")
def network(draw):
    return draw(NODES, ROADS)


@pytest.fixture(scope="module")
def profile(speeds):
    """Return ranges about 36 km/h, with seconds everywhere."""
    wide = (25.0, 40.0, 60.0)
    return speeds(
        trunk=wide,
        primary=wide,
        motorway=(60.0, 80.0, 110.0),
        service=(10.0, 15.0, 20.0),
        limit_share=(0.6, 0.9, 1.0),
        junction_s=(0.0, 5.0, 20.0),
        ramp_s=(0.0, 20.0, 60.0),
        access_s=(0.0, 30.0, 90.0),
        parking_s=(0.0, 60.0, 180.0),
        egress_s=(0.0, 30.0, 90.0),
    )


@pytest.fixture(scope="module")
def places(points):
    spots = {f"x{i}": (900 + 1_930 * i, 40.0 + i) for i in range(12)}
    return points(**spots, up=(16_050, 5_000)).to_crs(4326)


def exactly(value):
    return Value(value=value, low=value, high=value, source="a test")


def knowing(profile, **numbers):
    return with_numbers(profile, {name: exactly(value) for name, value in numbers.items()})


def observe(network, places, profile, *, noise=0.0, seed=0):
    """Return what a known profile makes of all trips between places, give or take some minutes."""
    times = travel_times(network, places, places, profile=profile)
    times = times[(times["from_id"] != times["to_id"]) & (times["status"] == "ok")]
    error = np.random.default_rng(seed).normal(0, 1, len(times)) * noise
    seen = np.maximum(times["time_min"] + error, 0.1)
    trips = times[["from_id", "to_id"]].assign(
        line=np.arange(len(times)) + 2, time_min=seen, weight=1.0
    )
    return Observations("seen.csv", trips.reset_index(drop=True), places)


def row(found, number):
    return found.numbers.set_index("number").loc[number]


# --- a time is a sum -----------------------------------------------------------------------------


def test_terms_times_coefficients_are_the_models_time_exactly(network, profile, places):
    ties = tie_points(network, places)
    pairs = [(a, b) for a in range(ties.n) for b in range(ties.n) if a != b]
    model = model_of(network, profile)
    drives = best_drives(model, ties, ties, pairs)
    given = [coefficients(n, np.array([stated(profile, n).value]))[0] for n in NUMBERS]
    sums = terms_of(network, profile, drives) @ np.array(given)
    assert sums.tolist() == pytest.approx(
        [drive.total_s(model.costs) for drive in drives], abs=1e-9
    )
    times = travel_times(network, places, places, profile=profile).set_index(["from_id", "to_id"])
    ids = places.index
    asked = [times.loc[(ids[a], ids[b]), "time_min"] for a, b in pairs]
    assert (sums / 60).tolist() == pytest.approx(asked, abs=0.001)


def test_terms_of_a_trip_on_paper(network, profile, points):
    """From 3,000 on the trunk over b, the motorway and f to 23,000, 50 m off at both ends."""
    ends = points(one=(3_000, 50), two=(23_000, 50)).to_crs(4326)
    quick = knowing(profile, **{"speed_kph.motorway": 200.0})
    ties = tie_points(network, ends)
    table = terms_of(network, quick, best_drives(model_of(network, quick), ties, ties, [(0, 1)]))
    found = dict(zip(NUMBERS, table[0].tolist(), strict=True))
    ramp = float(np.hypot(1_000, 1_000))
    expected = {"trunk": 1_000, "motorway": 14_000, "motorway_link": 2 * ramp, "primary": 3_000}
    for name, metres in expected.items():
        assert found[f"speed_kph.{name}"] == pytest.approx(metres)
    assert found["fixed_s.ramp"] == 2
    assert found["access_kph"] == pytest.approx(100, abs=1e-3)
    assert (found[DOORS], found["limit_share"]) == (1, 0)


def test_posted_limits_are_a_term_of_their_own(network, profile, points):
    ends = points(one=(16_000, 1_000), two=(16_000, 4_000)).to_crs(4326)
    ties = tie_points(network, ends)
    table = terms_of(
        network, profile, best_drives(model_of(network, profile), ties, ties, [(0, 1)])
    )
    found = dict(zip(NUMBERS, table[0].tolist(), strict=True))
    assert found["limit_share"] == pytest.approx(3_000 / (30 / 3.6))
    assert found["speed_kph.tertiary"] == 0


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_comes_back_from_its_coefficient(number):
    assert number_of(number, coefficients(number, np.array([37.0]))[0]) == pytest.approx(37)


def test_seconds_at_the_doors_are_shared_out_as_they_were(profile, speeds):
    more = with_numbers(profile, {DOORS: Value(value=240, low=120, high=480, source="seen")})
    fixed = more.fixed_s
    assert (fixed.access.value, fixed.parking.value, fixed.egress.value) == (60, 120, 60)
    assert stated(more, DOORS).high == 480
    none = with_numbers(speeds(), {DOORS: exactly(90.0)})
    assert (none.fixed_s.access.value, none.fixed_s.parking.value) == (0, 90)


# --- what comes back -----------------------------------------------------------------------------


def test_without_noise_the_speeds_come_back(network, profile, places):
    observed = observe(network, places, knowing(profile, **TRUE))
    found = calibrate(network, observed, profile)
    assert found.settled
    for number, true in TRUE.items():
        told = row(found, number)
        assert told["after"] == pytest.approx(true, rel=0.01)
        assert told["identified"]
        assert not told["at_bound"]
    assert found.summary()["rmse_after"] < 0.1 < found.summary()["rmse_before"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_a_minute_of_noise_they_come_back_within_the_stated_range(
    network, profile, places, seed
):
    observed = observe(network, places, knowing(profile, **TRUE), noise=1.0, seed=seed)
    found = calibrate(network, observed, profile)
    assert found.error_min == pytest.approx(1, rel=0.3)
    for number, true in TRUE.items():
        told = row(found, number)
        assert told["identified"]
        assert told["low"] * 0.98 < true < told["high"] * 1.02  # 95 % ranges, three of them
        assert told["high"] / told["low"] < 1.3


def test_ranges_hold_the_truth_about_as_often_as_they_say(network, profile, places):
    held = []
    for seed in range(20):
        drawn = np.random.default_rng(seed).uniform(0.75, 1.3, len(TRUE))
        true = {
            number: stated(profile, number).value * f for number, f in zip(TRUE, drawn, strict=True)
        }
        observed = observe(network, places, knowing(profile, **true), noise=1.0, seed=seed)
        numbers = calibrate(network, observed, profile).numbers.set_index("number")
        for number, value in true.items():
            told = numbers.loc[number] if number in numbers.index else None
            if told is not None and told["identified"]:
                held.append(told["low"] <= value <= told["high"])
    assert len(held) > 30
    assert np.mean(held) > 0.85


def test_fixed_seconds_come_back_when_they_are_asked_for(network, profile, places):
    true = TRUE | {"fixed_s.ramp": 45.0, DOORS: 200.0}
    observed = observe(network, places, knowing(profile, **true))
    speeds_only = calibrate(network, observed, profile)
    assert not row(speeds_only, DOORS)["fitted"]
    found = calibrate(network, observed, profile, fixed=True)
    assert row(found, DOORS)["after"] == pytest.approx(200, abs=5)
    assert row(found, "fixed_s.ramp")["after"] == pytest.approx(45, abs=5)
    assert found.summary()["rmse_after"] < speeds_only.summary()["rmse_after"]


def test_the_share_of_posted_limits_comes_back(network, profile, places):
    observed = observe(network, places, knowing(profile, limit_share=0.7))
    assert row(calibrate(network, observed, profile), "limit_share")["after"] == pytest.approx(
        0.7, rel=0.01
    )


def test_what_is_not_driven_keeps_its_value_range_source_and_mark(network, profile, places):
    marked = profile.speed_kph["service"].model_copy(update={"placeholder": True})
    before = with_numbers(profile, {"speed_kph.service": marked})
    observed = observe(network, places, knowing(profile, **TRUE))
    found = calibrate(network, observed, before)
    assert found.profile.speed_kph["service"] == marked
    assert "speed_kph.service" not in set(found.numbers["number"])
    assert found.profile.access_kph == before.access_kph
    assert found.profile.fixed_s == before.fixed_s
    assert found.profile.speed_kph["trunk"].source.startswith(
        "calibrated on 156 observed trips of seen.csv"
    )
    assert not found.profile.speed_kph["trunk"].placeholder


def test_what_is_hardly_driven_stays_and_is_not_called_identified(network, profile, points):
    spots = points(**{f"x{i}": (13_000 + 900 * i, 0) for i in range(8)}, t=(11_990, 0)).to_crs(4326)
    observed = observe(network, spots, knowing(profile, **TRUE), noise=0.5)
    told = row(calibrate(network, observed, profile), "speed_kph.trunk")
    assert told["driven"] < 1
    assert told["after"] == pytest.approx(40, rel=0.05)
    assert not told["identified"]


def test_a_truth_beyond_the_range_stops_at_the_bound_unless_free(network, profile, places):
    observed = observe(network, places, knowing(profile, **{"speed_kph.trunk": 80.0}))
    bound = row(calibrate(network, observed, profile), "speed_kph.trunk")
    assert bound["after"] == pytest.approx(60)
    assert bound["at_bound"]
    assert not bound["identified"]
    free = row(calibrate(network, observed, profile, free=True), "speed_kph.trunk")
    assert free["after"] == pytest.approx(80, rel=0.02)
    assert free["identified"]


def test_numbers_without_a_range_stay_unless_free(network, speeds, places):
    narrow = speeds(access_s=60.0)
    observed = observe(network, places, knowing(narrow, **{"speed_kph.primary": 45.0}))
    assert not calibrate(network, observed, narrow).numbers["fitted"].any()
    free = calibrate(network, observed, narrow, free=True)
    assert row(free, "speed_kph.primary")["after"] == pytest.approx(45, rel=0.02)


def test_weights_count(network, profile, places):
    """Half the trips say one thing, half another: the heavier are believed."""
    slow = observe(network, places, knowing(profile, **{"speed_kph.trunk": 30.0}))
    quick = observe(network, places, knowing(profile, **{"speed_kph.trunk": 55.0}))
    found = []
    for heavy in (0.01, 100.0):
        trips = pd.concat([slow.trips, quick.trips.assign(weight=heavy)], ignore_index=True)
        both = Observations("both.csv", trips, places)
        found.append(row(calibrate(network, both, profile), "speed_kph.trunk")["after"])
    assert found[0] == pytest.approx(30, rel=0.05)
    assert found[1] == pytest.approx(55, rel=0.05)


def test_the_built_in_regions_speeds_come_back_from_noisy_times():
    region = tb.load_region()
    network = tb.load_network(region)
    typical = region.profiles["typical"]
    true = {"speed_kph.motorway": 96.0, "speed_kph.trunk": 70.0, "speed_kph.primary": 50.0}
    places = tb.located(tb.facilities(region)).iloc[::3].to_crs(4326)
    whole = observe(network, places, knowing(typical, **true), noise=1.0)
    trips = whole.trips[whole.trips["time_min"] > 10].iloc[::4].reset_index(drop=True)
    found = calibrate(network, Observations("seen.csv", trips, places), typical)
    for number, value in true.items():
        told = row(found, number)
        assert told["identified"]
        assert told["after"] == pytest.approx(value, rel=0.03)
        assert told["low"] * 0.99 < value < told["high"] * 1.01
    assert found.summary()["rmse_after"] == pytest.approx(1, abs=0.25)
    assert found.profile.speed_kph["residential"] == typical.speed_kph["residential"]
    assert found.profile.speed_kph["residential"].placeholder


# --- what is refused -----------------------------------------------------------------------------


@pytest.fixture
def region(tmp_path):
    return make_region(tmp_path)


@pytest.fixture
def table(tmp_path):
    def make(text):
        file = tmp_path / "seen.csv"
        file.write_text(text, encoding="utf-8")
        return file

    return make


GOOD = "from,to,time_min\nU_east,U_west,100\nU_west,U_east,100\nU_east,U_centre,50\n"


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (
            "from,to,minutes\nU_east,U_west,9\n",
            MissingColumnError,
            "needs column 'time_min'; found: from, to, minutes",
        ),
        (f"{GOOD}U_east,U_nowhere,9\n", PointError, "line 5, 'to': no place 'U_nowhere'"),
        (f"{GOOD},U_west,9\n", PointError, "line 5: 'from' is empty"),
        (
            f"{GOOD}U_east,U_west,-3\n",
            ObservationError,
            "line 5: time_min must be a number above zero, found '-3'",
        ),
        (f"{GOOD}U_east,U_west,0\n", ObservationError, "line 5"),
        (
            f"{GOOD}U_east,U_west,\n",
            ObservationError,
            "line 5: time_min must be a number above zero, found nothing",
        ),
        (f"{GOOD}U_east,U_west,soon\n", ObservationError, "line 5"),
        (f"{GOOD}U_east,U_west,inf\n", ObservationError, "line 5"),
        (f"{GOOD}U_east,U_east,9\n", PointError, "line 5: the trip ends where it begins"),
        ("from,to,time_min,weight\nU_east,U_west,9,-1\n", ObservationError, "line 2: weight"),
        ('from,to,time_min\n"35.2,128.7",U_west,9\n', ValueError, "line 2, 'from'"),
        ("", ObservationError, "no table of observed trips"),
    ],
)
def test_a_faulty_table_is_refused_with_its_line(region, table, text, error, words):
    with pytest.raises(error, match=words.replace("(", r"\(")):
        read_observations(table(text), region)


def test_a_file_that_is_not_there_is_named(region, tmp_path):
    with pytest.raises(MissingFileError, match=r"no file .*none\.csv"):
        read_observations(tmp_path / "none.csv", region)


def test_names_positions_and_weights_are_read(region, table):
    text = '\ufefffrom,to,time_min,weight,note\n"name of U_east",U_west,100,2,x\n"127.9,35.1",U_west,50,,y\n'
    seen = read_observations(table(text), region)
    assert seen.trips["from_id"].tolist() == ["U_east", "127.9,35.1"]
    assert seen.trips["weight"].tolist() == [2, 1]
    assert seen.trips["line"].tolist() == [2, 3]
    assert set(seen.places.index) == {"U_east", "U_west", "127.9,35.1"}


def test_too_few_trips_are_refused(region, table, draw):
    seen = read_observations(table("from,to,time_min\nU_east,U_west,100\n"), region)
    with pytest.raises(ObservationError, match="1 observed trips; a fit needs at least 3"):
        calibrate(draw(ENDS, ROAD), seen, region.profiles["plain"])


def test_a_place_without_a_road_is_named_with_its_line(region, table, draw):
    seen = read_observations(table(f'{GOOD}"127.9,35.9",U_west,50\n'), region)
    with pytest.raises(PointError, match=r"line 5: '127.9,35.9' has no road within 1000 m"):
        calibrate(draw(ENDS, ROAD), seen, region.profiles["plain"])


def test_a_trip_without_a_way_is_named_with_its_line(region, table, draw):
    network = draw(ENDS | {"m": (30_000, 0), "n": (31_000, 0)}, [("a", "m"), ("n", "b")])
    with pytest.raises(ObservationError, match="line 2: there is no way"):
        calibrate(network, read_observations(table(GOOD), region), region.profiles["plain"])


# --- what is written -----------------------------------------------------------------------------


def test_the_text_reads_back_as_the_same_profile():
    typical = tb.load_region().profiles["typical"]
    content = tomllib.loads(profile_toml(typical, "mine"))
    assert Profile.model_validate(content["profiles"]["mine"]) == typical


def test_odd_names_and_sources_are_quoted(speeds):
    odd = with_numbers(
        speeds(),
        {"speed_kph.trunk": Value(value=1 / 3, low=0.2, high=0.5, source='a "b" \\ \n é\x7f')},
    )
    content = tomllib.loads(profile_toml(odd, "rush hour"))
    read = Profile.model_validate(content["profiles"]["rush hour"])
    assert read.speed_kph["trunk"].source == 'a "b" \\ \n é\x7f'
    assert read.speed_kph["trunk"].value == pytest.approx(1 / 3, rel=1e-4)


def test_another_suffix_is_refused(speeds, tmp_path):
    with pytest.raises(OutputError, match=r"written as \.toml; found 'p\.txt'"):
        write_profile(speeds(), "mine", tmp_path / "p.txt")


def test_the_command_line_prints_and_writes_what_a_region_can_use(table, tmp_path, capsys):
    folder = tmp_path / "copy"
    folder.mkdir()
    home = tb.load_region().folder
    seen = table(
        "from,to,time_min\nUNI01,UNI02,70\nUNI02,UNI04,41\nUNI04,UNI01,92\nGIC01,NIC01,75\n"
    )
    out = tmp_path / "fitted.toml"
    with pytest.raises(SystemExit) as stop:
        main(["calibrate", str(seen), "--profile", "typical", "--out", str(out)])
    said = capsys.readouterr().out
    assert not stop.value.code
    assert "speed_kph.motorway" in said
    assert "4 trips: root mean square error" in said
    text = (home / "region.toml").read_text(encoding="utf-8") + out.read_text(encoding="utf-8")
    (folder / "region.toml").write_text(text, encoding="utf-8")
    assert tb.load_region(folder).profiles["calibrated"].label
    with pytest.raises(SystemExit):
        main(["calibrate", str(seen), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"summary", "numbers", "trips", "profile"}
    assert told["summary"]["trips"] == 4


def test_the_command_line_tells_a_fault_in_one_line(table, capsys):
    seen = table("from,to,time_min\nUNI01,UNI02,-1\n")
    with pytest.raises(SystemExit) as stop:
        main(["calibrate", str(seen)])
    assert stop.value.code == 1
    assert "line 2: time_min" in capsys.readouterr().err
