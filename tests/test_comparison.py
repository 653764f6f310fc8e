"""Claims side by side: what changes from run to run, and why, on a region whose times fit on paper.

At 36 km/h a kilometre takes 100 seconds: east to centre 50 minutes, centre to west 50.
"""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

import technobelt as tb
from hand_region import CORNER, CRS, ENDS, NINETY, PLACES, ROAD, make_region
from technobelt.comparison import compare_claims
from technobelt.console import print_comparison
from technobelt.corridor import corridor_before, corridor_interchanges, corridor_sections
from technobelt.errors import NetworkError, ScenarioError
from technobelt.layers import read_layer
from technobelt.network.edits import with_scenarios
from technobelt.scenario import Scenario

_DEGREES = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True)
KM10 = 1000 / 60  # minutes that ten kilometres take
READINGS = [
    "run",
    "claim",
    "reading",
    "verdict",
    "unit",
    "observed",
    "low",
    "high",
    "p_within",
    "base_verdict",
    "change",
]
PAIRS = ["run", "from_id", "to_id", "from_name", "to_name"]
PAIRS += ["base_min", "time_min", "change_min", "status", "why"]
COUNT = """
[[claims]]
id = "four"
kind = "count"
statement = "There are three universities."
source = "drawn by hand"
expected = 3
unit = "universities"
what = { layers = ["universities"] }

[[claims]]
id = "complexes"
kind = "count"
statement = "There are three complexes."
source = "drawn by hand"
expected = 3
unit = "complexes"
what = { layers = ["complexes"] }
"""


def lonlat(*xy):
    return _DEGREES.transform(*(np.array(xy, dtype=float) + CORNER))


def scenario(name, *edits):
    return Scenario(id=name, edits=[{"id": f"{name}-{n}", **e} for n, e in enumerate(edits, 1)])


def close(**roads):
    return {"do": "close", "roads": roads}


def move(facility, x, y=0):
    return {"do": "move_facility", "facility": facility, "to": lonlat(x, y)}


def add(facility, x, cluster="east", **columns):
    said = {"layer": "universities", "name": f"name of {facility}", "kind": "research_university"}
    columns = {"existed_1999": "yes"} | columns
    where = {"facility": facility, "cluster": cluster, "to": lonlat(x, 0), "columns": columns}
    return {"do": "add_facility"} | said | where


BYPASS = {
    "do": "add_road",
    "line": [lonlat(10_000, 0), lonlat(20_000, 0)],
    "kph": 72,
    "join_m": 50,
}


@pytest.fixture
def belt(draw):
    """One road from west to east: a motorway since 2005, with an old detour, and a bridge."""
    nodes = {
        "a": (-10_000, 0),
        "b": (10_000, 0),
        "c": (20_000, 0),
        "d": (42_000, 0),
        "e": (48_000, 0),
        "f": (70_000, 0),
    }
    new = {"class": "motorway", "ref": "1", "opened": "2005-05-05", "opened_ev": "dated"}
    old = {"class": "secondary", "name": "Old road", "length_m": 20_000, "via": [(15_000, 8_660)]}
    roads = [
        ("a", "b", {"opened": "1970", "opened_ev": "dated"}),
        ("b", "c", new),
        ("b", "c", old),
        ("c", "d"),
        ("d", "e", {"name": "Bridge", "bridge": 1.0}),
        ("e", "f"),
    ]
    return draw(nodes, roads, date="2021")


@pytest.fixture
def row(tmp_path):
    return make_region(tmp_path)


def trip(comparison, run, start, finish):
    table = comparison.pairs.set_index(["run", "from_id", "to_id"])
    return table.loc[(run, start, finish)]


def reading(comparison, run, name="worst_pair"):
    table = comparison.readings
    (one,) = table[(table["run"] == run) & (table["reading"] == name)].to_dict("records")
    return one


# --- the tables ----------------------------------------------------------------------------------


def test_every_column_of_a_reading(row, belt):
    found = compare_claims(row, belt, scenarios=[scenario("A", close(ref=["1"]))])
    assert (found.base, found.runs) == ("2021", ["2021", "A"])
    assert found.readings.columns.tolist() == READINGS
    first = reading(found, "2021")
    assert np.isnan(first.pop("p_within"))
    assert first == {
        "run": "2021",
        "claim": "ninety",
        "reading": "worst_pair",
        "verdict": "fails",
        "unit": "min",
        "observed": 100.0,
        "low": 100.0,
        "high": 100.0,
        "base_verdict": "fails",
        "change": 0.0,
    }
    longer = reading(found, "A")
    assert longer["observed"] == pytest.approx(100 + KM10, abs=0.01)
    assert longer["change"] == pytest.approx(KM10, abs=0.01)
    assert reading(found, "A", "adjacent")["observed"] == pytest.approx(50 + KM10, abs=0.01)
    assert reading(found, "A", "share_within")["change"] == 0


def test_every_column_of_a_trip(row, belt):
    found = compare_claims(row, belt, scenarios=[scenario("A", close(ref=["1"]))])
    assert found.pairs.columns.tolist() == PAIRS
    assert len(found.pairs) == 6
    changed = trip(found, "A", "U_centre", "U_west")
    assert changed["from_name"] == "name of U_centre"
    assert changed["to_name"] == "name of U_west"
    assert changed["base_min"] == pytest.approx(50, abs=0.01)
    assert changed["time_min"] == pytest.approx(50 + KM10, abs=0.01)
    assert changed["change_min"] == pytest.approx(KM10, abs=0.01)
    assert changed["status"] == "ok"
    assert changed["why"] == "17 min of its way, on 'A-1', are closed"
    same = trip(found, "A", "U_east", "U_centre")
    assert (same["change_min"], same["why"]) == (0, "")


def test_a_verdict_that_turns_is_told_with_that_of_the_base(tmp_path, belt):
    region = make_region(tmp_path, claims=NINETY.replace("= 90", "= 110"))
    found = compare_claims(region, belt, scenarios=[scenario("A", close(ref=["1"]))])
    turned = reading(found, "A")
    assert (turned["base_verdict"], turned["verdict"]) == ("holds", "fails")


def test_the_only_bridge_closed_is_no_way_fails_and_says_which_edit(row, belt):
    found = compare_claims(row, belt, scenarios=[scenario("A", close(name=["Bridge"]))])
    lost = trip(found, "A", "U_east", "U_west")
    assert lost["status"] == "unreachable"
    assert np.isnan(lost["time_min"])
    assert np.isnan(lost["change_min"])
    assert lost["base_min"] == pytest.approx(100, abs=0.01)
    assert lost["why"] == "no way: 10 min of its way, on 'A-1', are closed"
    assert trip(found, "A", "U_centre", "U_west")["why"] == ""
    worst = reading(found, "A")
    assert worst["verdict"] == "fails"
    assert np.isnan(worst["observed"])


@pytest.mark.parametrize(
    ("edit", "minutes", "why"),
    [
        ({"do": "speed", "factor": 2.0, "roads": {"ref": ["1"]}}, 50 - KM10 / 2, "drives 8 min on"),
        ({"do": "speed", "kph": 9, "roads": {"ref": ["1"]}}, 50 + KM10, "leaves"),
        ({"do": "speed", "factor": 1, "roads": {"ref": ["1"]}}, 50, ""),
        (BYPASS, 50 - KM10 / 2, "drives 8 min on"),
        (close(name=["Old road"]), 50, ""),
    ],
)
def test_what_an_edit_does_to_a_trip_and_how_it_is_said(row, belt, edit, minutes, why):
    found = compare_claims(row, belt, scenarios=[scenario("A", edit)])
    told = trip(found, "A", "U_centre", "U_west")
    assert told["time_min"] == pytest.approx(minutes, abs=0.03)
    assert told["why"].startswith(why)
    assert ("'A-1'" in told["why"]) == bool(why)


def test_each_of_several_edits_has_its_part_in_what_changed(row, belt):
    two = scenario("A", close(ref=["1"]), {"do": "speed", "kph": 72, "roads": {"name": ["Bridge"]}})
    found = compare_claims(row, belt, scenarios=[two])
    both = trip(found, "A", "U_east", "U_west")
    assert both["why"] == "17 min of its way, on 'A-1', are closed; drives 5 min on 'A-2'"
    assert trip(found, "A", "U_east", "U_centre")["why"] == "drives 5 min on 'A-2'"


def test_scenarios_are_compared_with_the_base_and_not_with_each_other(row, belt):
    found = compare_claims(
        row, belt, scenarios=[scenario("A", close(ref=["1"])), scenario("B", BYPASS)]
    )
    assert found.runs == ["2021", "A", "B"]
    assert reading(found, "B")["change"] == pytest.approx(-KM10 / 2, abs=0.03)
    alone = compare_claims(row, belt, scenarios=[scenario("B", BYPASS)])
    assert reading(alone, "B")["observed"] == reading(found, "B")["observed"]


# --- dates and the corridor ----------------------------------------------------------------------


def test_dates_are_compared_with_the_first(row, belt):
    found = compare_claims(row, belt, dates=["1999", "2021"])
    assert (found.base, found.runs) == ("1999", ["1999", "2021"])
    assert reading(found, "2021")["change"] == pytest.approx(-KM10, abs=0.01)
    why = trip(found, "2021", "U_centre", "U_west")["why"]
    assert why == "drives 17 min on roads opened since 1999"


def test_an_earlier_date_after_a_later_one_lacks_what_was_not_yet_open(row, belt):
    found = compare_claims(row, belt, dates=["2021", "1999"])
    why = trip(found, "1999", "U_centre", "U_west")["why"]
    assert why == "17 min of its way, on roads not yet open in 1999, are closed"


def test_a_scenario_is_put_on_the_roads_of_the_first_date(row, belt):
    early = scenario("A", {"do": "open", "roads": {"ref": ["1"]}})
    found = compare_claims(
        row, belt, dates=["1999", "2021"], scenarios=[early, scenario("B", BYPASS)]
    )
    assert found.runs == ["1999", "2021", "A", "B"]
    assert reading(found, "A")["observed"] == reading(found, "2021")["observed"]
    assert reading(found, "B")["observed"] == pytest.approx(100 - KM10 / 2, abs=0.03)


def test_without_the_corridor_each_run_has_a_twin(row, belt):
    found = compare_claims(
        row, belt, scenarios=[scenario("A", close(ref=["1"]))], without_corridor=True
    )
    twin, twin_of_a = "2021 without the corridor", "A without the corridor"
    assert found.runs == ["2021", "A", twin, twin_of_a]
    assert trip(found, twin, "U_centre", "U_west")["why"] == (
        "17 min of its way, on the corridor, are closed"
    )
    assert trip(found, twin_of_a, "U_centre", "U_west")["why"] == (
        "17 min of its way, on 'A-1', are closed"
    )
    assert reading(found, twin)["observed"] == reading(found, twin_of_a)["observed"]


def test_a_new_motorway_of_the_corridors_number_is_closed_with_it(row, belt):
    wide = BYPASS | {"class": "motorway", "ref": "1"}
    found = compare_claims(row, belt, scenarios=[scenario("A", wide)], without_corridor=True)
    assert reading(found, "A")["change"] == pytest.approx(-KM10 / 2, abs=0.03)
    for label in ("2021", "A"):
        without = reading(found, f"{label} without the corridor")
        assert without["change"] == pytest.approx(KM10, abs=0.01)


def test_a_network_without_date_is_called_base(row, draw):
    network = draw({"a": (-10_000, 0), "b": (70_000, 0)}, [("a", "b", {"ref": "1"})])
    found = compare_claims(
        row,
        network,
        scenarios=[scenario("A", {"do": "speed", "factor": 2, "roads": {"ref": ["1"]}})],
    )
    assert found.runs == ["base", "A"]
    assert reading(found, "A")["observed"] == pytest.approx(50, abs=0.01)
    with pytest.raises(NetworkError, match="no section of 'drawn by hand' has an opening date"):
        compare_claims(row, network, dates=["1999", "2021"])


def test_a_network_as_of_a_date_is_called_by_it(row, belt):
    found = compare_claims(row, belt.as_of("1999"), scenarios=[scenario("A", BYPASS)])
    assert found.runs == ["1999", "A"]


def test_a_network_in_another_crs_gives_the_same(row, belt):
    edits = [scenario("A", BYPASS, close(name=["Old road"]))]
    here = compare_claims(row, belt, scenarios=edits)
    there = compare_claims(row, belt.to_crs("EPSG:32652"), scenarios=edits)
    np.testing.assert_allclose(here.pairs["time_min"], there.pairs["time_min"], atol=0.02)


@pytest.mark.parametrize(
    "options",
    [
        {"dates": ["1999", "1999"]},
        {"scenarios": [scenario("A", BYPASS)] * 2},
        {"scenarios": [scenario("2021", BYPASS)]},
    ],
)
def test_two_runs_of_one_name_are_refused(row, belt, options):
    with pytest.raises(ScenarioError, match="two runs are called"):
        compare_claims(row, belt, **options)


def test_a_date_before_any_road_is_refused(row, belt):
    with pytest.raises(NetworkError, match="first road with a date opened on 1970"):
        compare_claims(row, belt, dates=["2021", "1950"])


def test_runs_are_announced_as_they_are_judged(row, belt):
    told = []
    compare_claims(row, belt, scenarios=[scenario("A", BYPASS)], progress=told.append)
    assert told == ["2021", "A"]


# --- facilities ----------------------------------------------------------------------------------


def test_a_moved_facility_is_as_far_as_it_was_moved(row, belt):
    found = compare_claims(row, belt, scenarios=[scenario("A", move("U_west", -6_000))])
    told = trip(found, "A", "U_west", "U_east")
    assert told["change_min"] == pytest.approx(10, abs=0.01)
    assert told["why"] == "'A-1' moves U_west"
    assert trip(found, "A", "U_east", "U_centre")["why"] == ""


def test_who_stood_beside_a_moved_facility_stays_and_is_compared_with_itself(tmp_path, belt):
    both = NINETY.replace('["universities"]', '["universities", "centres"]')
    region = make_region(tmp_path, claims=both)
    found = compare_claims(region, belt, scenarios=[scenario("A", move("U_west", -6_000))])
    stayed = trip(found, "A", "T_west", "U_east")
    assert stayed["base_min"] == stayed["time_min"] == pytest.approx(100, abs=0.01)
    assert stayed["why"] == ""
    assert trip(found, "A", "U_west", "U_east")["change_min"] == pytest.approx(10, abs=0.01)


def test_an_added_facility_has_trips_but_none_before(row, belt):
    found = compare_claims(row, belt, scenarios=[scenario("A", add("U9", 66_000))])
    told = trip(found, "A", "U9", "U_west")
    assert np.isnan(told["base_min"])
    assert told["time_min"] == pytest.approx(110, abs=0.01)
    assert (told["status"], told["why"]) == ("ok", "'A-1' adds U9")
    assert reading(found, "A")["change"] == pytest.approx(10, abs=0.01)


def test_a_facility_added_where_no_way_leads_is_unreachable(row, belt):
    found = compare_claims(
        row, belt, scenarios=[scenario("A", add("U9", 66_000), close(name=["Bridge"]))]
    )
    told = trip(found, "A", "U9", "U_west")
    assert (told["status"], told["why"]) == ("unreachable", "no way: 'A-1' adds U9")


def test_other_claims_are_told_where_they_come_out_otherwise(tmp_path, belt):
    region = make_region(tmp_path, claims=NINETY + COUNT)
    found = compare_claims(region, belt, scenarios=[scenario("A", add("U9", 66_000))])
    others = found.readings[found.readings["reading"] == ""]
    assert others["claim"].tolist() == ["four", "four"]
    assert others["observed"].tolist() == [3, 4]
    assert others["verdict"].tolist() == ["holds", "fails"]
    assert found.readings["claim"].iloc[0] == "ninety"


def test_the_region_itself_is_never_changed(row):
    before = read_layer(row, "universities")
    moved = row.with_scenario(scenario("A", move("U_west", -6_000), add("U9", 66_000)))
    after = read_layer(moved, "universities")
    assert len(after) == len(before) + 1
    assert after.loc["U_west", "source"] == "scenario 'A'"
    assert read_layer(row, "universities").equals(before)
    assert (after.dtypes == before.dtypes).all()


def test_an_outline_moves_with_its_complex(tmp_path):
    square = {"source": "x", "licence": "x", "confidence": "high", "outline": "landuse"}
    named = 'outlines = { file = "outlines.parquet" }\nroads = {'
    region = make_region(tmp_path, edit=("roads = {", named))
    rows = [{"id": key, "name": key, "area_km2": 1.0, **square} for key in ("P_east", "P_west")]
    shapes = [shapely.box(x - 500, -200, x + 500, 800) for x in (60_000, 0)]
    shapes = [shapely.transform(shape, lambda xy: xy + CORNER) for shape in shapes]
    gpd.GeoDataFrame(pd.DataFrame(rows), geometry=shapes, crs=CRS).to_parquet(
        tmp_path / "outlines.parquet"
    )
    moved = region.with_scenario(scenario("A", move("P_west", -6_000, 100)))
    before, after = read_layer(region, "outlines"), read_layer(moved, "outlines")
    by = (after.bounds - before.bounds).loc["P_west"]
    np.testing.assert_allclose(by, [-6_000, 100] * 2, atol=0.1)
    assert after.geometry["P_east"] == before.geometry["P_east"]
    assert after.area["P_west"] == pytest.approx(before.area["P_west"])


def test_a_facility_with_a_shape_of_its_own_is_moved_whole(tmp_path, row):
    frame = read_layer(row, "complexes").reset_index(drop=True)
    frame.set_geometry(frame.buffer(400, cap_style="square")).to_parquet(
        tmp_path / "complexes.parquet"
    )
    moved = row.with_scenario(scenario("A", move("P_west", -6_000)))
    shape = read_layer(moved, "complexes").geometry["P_west"]
    assert shape.area == pytest.approx(800 * 800)
    assert shape.centroid.x == pytest.approx(CORNER[0] - 6_000, abs=0.1)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (move("U_wset", 0), ["A-1", "no facility 'U_wset'", "U_west"]),
        (add("U_west", 0), ["A-1", "there is a facility 'U_west' already", "move it"]),
        (add("P_west", 0), ["there is a facility 'P_west' already"]),
        (add("U9", 0, "est"), ["no cluster 'est'", "east, centre, west"]),
        (add("U9", 0, colour="red"), ["no column 'colour'", "existed_1999"]),
        (add("U9", 0, id="U8"), ["no column 'id' to be given"]),
        (add("U9", 0, beds="many"), ["column 'beds' holds numbers", "'many'"]),
    ],
)
def test_an_edit_that_does_not_fit_the_places_is_named_with_what_was_found(
    tmp_path, belt, edit, words
):
    places = {key: (*said[:5], {"beds": 3}) for key, said in PLACES.items()}
    region = make_region(tmp_path, places=places)
    with pytest.raises(ScenarioError) as told:
        compare_claims(region, belt, scenarios=[scenario("A", edit)])
    for word in words:
        assert word in str(told.value)


def test_a_facility_is_not_added_to_a_layer_that_the_region_lacks(tmp_path):
    region = make_region(tmp_path, edit=('centres = { file = "centres.parquet" }\n', ""))
    edit = add("T9", 0) | {"layer": "centres"}
    with pytest.raises(ScenarioError, match="no layer 'centres'; it has complexes, universities"):
        read_layer(region.with_scenario(scenario("A", edit)), "universities")


def test_a_column_of_numbers_or_truths_has_none_for_what_was_added_without(tmp_path):
    places = {key: (*said[:5], {"beds": 3, "open": True}) for key, said in PLACES.items()}
    region = make_region(tmp_path, places=places).with_scenario(scenario("A", add("U9", 0)))
    layer = read_layer(region, "universities")
    assert layer.loc[["U9"], ["beds", "open"]].isna().all(axis=None)
    assert layer["beds"].iloc[:3].tolist() == [3, 3, 3]


# --- handed on -----------------------------------------------------------------------------------


@pytest.fixture
def mixed(tmp_path, belt):
    """Everything at once: lost, lengthened, added and unchanged trips, and a claim without number."""
    region = make_region(tmp_path, claims=NINETY + COUNT)
    edits = [
        scenario("lost", close(name=["Bridge"]), add("U9", 66_000)),
        scenario("longer", close(ref=["1"]), move("U_west", -6_000)),
    ]
    return compare_claims(region, belt, scenarios=edits, without_corridor=True)


def test_what_goes_into_claims_json_is_json_without_nan(mixed):
    told = mixed.to_dict()
    again = json.loads(json.dumps(told, allow_nan=False))
    assert again == told
    assert set(told) == {"base", "runs", "readings", "pairs", "notes"}
    assert told["base"] == "2021"
    (worst,) = [one for one in told["readings"] if one["reading"] == "worst_pair"]
    assert worst["observed"]["lost"] is None
    assert worst["observed"]["2021"] == 100
    assert list(worst["verdicts"]) == mixed.runs


def test_the_trips_told_are_those_that_change_most_first(mixed):
    told = mixed.to_dict()["pairs"]
    assert told[0]["minutes"]["lost"] is None
    assert told[0]["why"]["lost"].startswith("no way: ")
    assert {"from", "to", "from_name", "to_name", "minutes", "why"} == set(told[0])
    assert all(pair["why"] for pair in told)


def test_a_comparison_in_which_nothing_changes_tells_no_trip(row, belt):
    same = scenario("A", {"do": "speed", "factor": 1, "roads": {"ref": ["1"]}})
    found = compare_claims(row, belt, scenarios=[same])
    assert found.to_dict()["pairs"] == []
    assert (found.readings["change"] == 0).all()


def test_what_is_printed_names_runs_changes_and_reasons_and_never_nan(mixed, capsys):
    print_comparison(mixed)
    said = capsys.readouterr().out
    assert "no way: fails" in said
    assert "of its way, on 'lost-1', are closed" in said
    assert "nan" not in said.lower()
    assert "trips change." in said


def test_a_reading_with_no_way_in_the_base_is_printed_without_a_difference(row, belt, capsys):
    cut = belt.closing((belt.roads["name"] == "Bridge").to_numpy())
    found = compare_claims(
        row, cut, scenarios=[scenario("A", {"do": "open", "roads": {"name": ["Bridge"]}})]
    )
    assert np.isnan(reading(found, "A")["change"])
    print_comparison(found)
    assert "nan" not in capsys.readouterr().out.lower()


def test_a_region_without_travel_time_claims_is_compared_too(tmp_path, belt, capsys):
    region = make_region(tmp_path, claims=COUNT)
    found = compare_claims(region, belt, scenarios=[scenario("A", add("U9", 66_000))])
    assert found.readings["observed"].tolist() == [3, 4]
    assert found.pairs.columns.tolist() == PAIRS
    same = compare_claims(region, belt, scenarios=[scenario("A", BYPASS)])
    assert same.readings.empty
    assert same.to_dict()["readings"] == same.to_dict()["pairs"] == []
    print_comparison(same)
    assert "nan" not in capsys.readouterr().out.lower()


# --- the belt of Kyeongnam -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def built_in():
    region = tb.load_region()
    return region, tb.load_network(region)


NO_BRANCH = scenario("no-branch", close(ref=["104"]))
TUNNEL = scenario(
    "tunnel",
    {"do": "add_road", "line": [(128.2, 35.17), (128.88, 35.24)], "kph": 120, "ref": "10"}
    | {"class": "motorway", "join_m": 5000},
)


def base_equals_its_own_readings(region, network):
    found = compare_claims(region, network, scenarios=[NO_BRANCH, TUNNEL])
    (claim, *_) = tb.check_claims(region, network).claims
    own = {
        one["reading"]: one["observed_min"] if "observed_min" in one else one["observed"] * 100
        for one in claim["readings"]
        if one["profile"] == claim["profile"]
    }
    for name, observed in own.items():
        assert reading_of(found, claim["id"], found.base, name) == pytest.approx(
            observed, abs=0.05
        ), name
    return found


def reading_of(found, claim, run, name):
    table = found.readings
    chosen = (table["claim"] == claim) & (table["run"] == run) & (table["reading"] == name)
    (observed,) = table.loc[chosen, "observed"]
    return observed


def closing_never_helps_and_adding_never_hurts(found, *, turned):
    without = found.pairs[found.pairs["run"] == "no-branch"]
    more = found.pairs[found.pairs["run"] == "tunnel"]
    assert (without["change_min"] >= -0.001).all()
    assert (more["change_min"] <= 0.001).all()
    differs = found.pairs["change_min"].abs() > 0.05
    assert set(found.pairs.loc[differs, "run"]) == turned
    assert found.pairs.loc[differs, "why"].str.contains("-1'").all()
    assert (found.pairs.loc[found.pairs["change_min"].abs() < 0.05, "why"] == "").all()


def test_on_the_built_in_roads_the_base_is_what_the_claims_say_themselves(built_in):
    found = base_equals_its_own_readings(*built_in)
    closing_never_helps_and_adding_never_hurts(found, turned={"no-branch", "tunnel"})
    json.dumps(found.to_dict(), allow_nan=False)


def test_on_all_roads_of_gyeongnam_the_base_is_what_the_claims_say_themselves(gyeongnam):
    found = base_equals_its_own_readings(tb.load_region(), gyeongnam)
    closing_never_helps_and_adding_never_hurts(found, turned={"tunnel"})


def test_interchanges_stay_tied_to_the_corridor_as_it_was(built_in):
    region, network = built_in
    states = with_scenarios(network, [NO_BRANCH, TUNNEL])
    base = corridor_interchanges(region, states[0].network)
    for state in states:
        points, sections = corridor_interchanges(region, state.network)
        assert points.index.equals(base[0].index)
        np.testing.assert_array_equal(sections, base[1])
        np.testing.assert_array_equal(sections, corridor_before(region, state.network, None))
    longer = corridor_sections(region, states[2].network, None)
    assert longer.sum() == base[1].sum() + (states[2].network.known_as[longer] < 0).sum()


def test_without_the_corridor_no_reading_is_between_its_interchanges(built_in):
    found = compare_claims(
        *built_in, scenarios=[scenario("A", close(ref=["10"]))], without_corridor=True
    )
    table = found.readings[found.readings["reading"] == "interchanges"]
    assert set(table["run"]) == {found.base, "A"}


# --- random draws --------------------------------------------------------------------------------

SPREAD = """
[uncertainty]
corridor_sd = 0.0
class_sd = 0.2
road_sd = 0.1
correlation_km = 5
source = "a test"
"""


def test_runs_share_their_draws_so_that_an_edit_elsewhere_changes_no_share(tmp_path, draw):
    far = {"x": (0, 5_000), "y": (4_000, 5_000)}
    network = draw({**ENDS, **far}, [*ROAD, ("x", "y", {"ref": "77"}), ("a", "x"), ("y", "b")])
    region = make_region(tmp_path, claims=NINETY + SPREAD)
    elsewhere = scenario("A", close(ref=["77"]))
    found = compare_claims(region, network, scenarios=[elsewhere], draws=60)
    shares = found.readings.pivot_table(index="reading", columns="run", values="p_within")
    assert 0 < shares.loc["worst_pair", "A"] < 1
    assert (shares["A"] == shares[found.base]).all()
    again = tb.check_claims(region, network, draws=60).claims[0]["draws"]["p_within"]
    assert shares.loc["cluster_pair_median", "A"] == again
    told = next(one for one in found.to_dict()["readings"] if one["reading"] == "worst_pair")
    assert set(told["p_within"]) == {found.base, "A"}


# --- places that an edit cuts off ----------------------------------------------------------------


@pytest.fixture
def spurs(draw):
    """The road, and a street 3 km long that alone leads to a place at its end."""
    nodes = {**ENDS, "s": (60_000, 0), "t": (60_000, 3_000)}
    return draw(nodes, [("a", "s"), ("s", "b"), ("s", "t", {"ref": "spur"})])


def at_the_end():
    return PLACES | {"U9": ("universities", "research_university", "east", 60_000, 2_900)}


def test_a_place_whose_only_road_is_closed_is_unreachable_and_stays_in_the_base(tmp_path, spurs):
    region = make_region(tmp_path, places=at_the_end())
    shut = scenario("A", close(ref=["spur"]))
    found = compare_claims(region, spurs, scenarios=[shut])
    alone = {
        one["reading"]: one.get("observed_min")
        for one in tb.check_claims(region, spurs).claims[0]["readings"]
    }
    assert reading(found, found.base)["observed"] == alone["worst_pair"]
    lost = trip(found, "A", "U9", "U_west")
    assert lost["status"] == "unreachable"
    assert lost["base_min"] > 100
    assert lost["why"].startswith("no way: ")
    assert reading(found, "A")["verdict"] == "fails"


def test_where_no_road_is_near_no_facility_is_put(tmp_path, spurs):
    region = make_region(tmp_path)
    away = {"do": "move_facility", "facility": "U_east", "to": [0, 0]}
    with pytest.raises(
        ScenarioError, match=r"no road open in every run .* 0.0,0.0, where it puts U_east"
    ):
        compare_claims(region, spurs, scenarios=[scenario("A", away)])


def test_edits_that_change_no_trip_are_named(row, belt):
    idle = scenario("A", {"do": "speed", "factor": 1, "roads": {"ref": ["1"]}})
    found = compare_claims(row, belt, scenarios=[idle])
    assert found.notes == ["Edits of 'A' that change no trip: A-1."]
    assert found.to_dict()["notes"] == found.notes
