"""Scenarios as they are written: what is read, and how each slip of the pen is answered."""

from __future__ import annotations

import pytest

from technobelt.errors import MissingFileError, ScenarioError
from technobelt.scenario import AddRoad, RoadChoice, Scenario, load_scenario

WHOLE = """
[scenario]
id = "all-of-it"
name = "Everything at once"
note = "for a test"

[[edits]]
id = "no-bridge"
do = "close"
roads = { name = ["Old Bridge"], class = ["primary"] }
direction = "north"
note = "under repair"

[[edits]]
id = "opened"
do = "open"
roads = { ref = ["10"] }

[[edits]]
id = "slow"
do = "speed"
factor = 0.5
roads = { within = [[128.5, 35.1], [128.6, 35.1], [128.6, 35.2]] }

[[edits]]
id = "tunnel"
do = "add_road"
line = [[128.55, 35.15], [128.56, 35.16]]
class = "trunk"
oneway = true

[[edits]]
id = "moved"
do = "move_facility"
facility = "UNI01"
to = [128.1, 35.2]

[[edits]]
id = "new"
do = "add_facility"
layer = "centres"
facility = "TIC99"
name = "A new centre"
kind = "technology_innovation_centre"
cluster = "west"
to = [128.1, 35.2]
columns = { existed_1999 = "yes", opened_year = 1999 }
"""
CLOSE = """[[edits]]
id = "shut"
do = "close"
roads = { ref = ["10"] }
"""
SPEED = CLOSE.replace('do = "close"', 'do = "speed"\nkph = 30')
ROAD = """[[edits]]
id = "tunnel"
do = "add_road"
kph = 60
line = [[128.5, 35.1], [128.6, 35.1]]
"""
MOVE = """[[edits]]
id = "moved"
do = "move_facility"
facility = "UNI01"
to = [128.1, 35.2]
"""


@pytest.fixture
def read(tmp_path):
    def make(text):
        file = tmp_path / "plan.toml"
        file.write_text(text, encoding="utf-8")
        return load_scenario(file)

    return make


def said(read, text):
    with pytest.raises(ScenarioError) as told:
        read(text)
    return str(told.value)


# --- what is read --------------------------------------------------------------------------------


def test_every_kind_of_edit_is_read(read):
    scenario = read(WHOLE)
    assert (scenario.id, scenario.name) == ("all-of-it", "Everything at once")
    assert [edit.id for edit in scenario.of_roads] == ["no-bridge", "opened", "slow", "tunnel"]
    assert [edit.id for edit in scenario.of_facilities] == ["moved", "new"]
    assert scenario.of_roads[0].direction == "north"
    assert scenario.of_roads[3].classes == "trunk"
    assert scenario.of_facilities[1].columns == {"existed_1999": "yes", "opened_year": 1999}


def test_a_scenario_without_a_head_is_called_after_its_file(read):
    assert read(CLOSE).id == "plan"


def test_an_edit_is_for_both_directions_unless_it_says_otherwise(read):
    assert read(CLOSE).edits[0].direction == "both"


def test_a_new_road_is_a_primary_joined_within_half_a_kilometre_unless_it_says_otherwise(read):
    (road,) = read(ROAD).edits
    assert (road.classes, road.join_m, road.oneway) == ("primary", 500, False)


def test_a_choice_of_roads_is_said_in_words():
    choice = RoadChoice(ref=["10", "104"], id=[3], within=[(128, 35), (129, 35), (129, 36)])
    assert str(choice) == "ref 10, 104; id 3; within the polygon"


# --- what is refused, with its line --------------------------------------------------------------


def test_a_file_that_is_not_there_is_missed_by_its_name(tmp_path):
    with pytest.raises(MissingFileError, match=r"no scenario file '.*nowhere\.toml'"):
        load_scenario(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (CLOSE.replace("roads", "raods"), 4, ["'raods'", "spelling"]),
        (CLOSE.replace("ref", "reff"), 4, ["'reff'", "spelling"]),
        (CLOSE + 'direction = "up"\n', 5, ["edits.0", "'north'", "'up'"]),
        (CLOSE.replace('"close"', '"shut"'), 3, ["unknown do 'shut'", "'close'", "'add_road'"]),
        (CLOSE.replace('do = "close"\n', ""), 1, ["edits.0", "'do' is missing"]),
        (CLOSE.replace('id = "shut"\n', ""), 1, ["edits.0", "'id' is missing"]),
        (CLOSE.replace('ref = ["10"]', ""), 4, ["names no road", "ref, name, id, class or within"]),
        (CLOSE.replace('ref = ["10"]', 'class = ["road"]'), 4, ["'road' is no road", "primary"]),
        (CLOSE.replace('["10"]', '"10"'), 4, ["list", "'10'"]),
        (CLOSE.replace('"10"', "10"), 4, ["string", "found 10"]),
        (CLOSE.replace('ref = ["10"]', "id = [1.5]"), 4, ["integer", "1.5"]),
        (SPEED + "factor = 2\n", 3, ["either kph or factor"]),
        (SPEED.replace("kph = 30", ""), 3, ["either kph or factor"]),
        (SPEED.replace("30", "0"), 4, ["greater than or equal to", "found 0"]),
        (SPEED.replace("30", "-5"), 4, ["greater than or equal to"]),
        (SPEED.replace("30", "nan"), 4, ["kph", "nan"]),
        (SPEED.replace("30", "inf"), 4, ["finite", "inf"]),
        (ROAD.replace("kph = 60\n", ""), 3, ["needs a speed", "kph, or a class"]),
        (ROAD + 'class = "canal"\n', 6, ["'canal' is no road class"]),
        (ROAD.replace(", [128.6, 35.1]", ""), 5, ["at least 2"]),
        (ROAD.replace("[128.6, 35.1]", "[128.5, 35.1]"), 5, ["two different positions"]),
        (ROAD.replace("[128.6, 35.1]", "[35.1, 128.6]"), 5, ["less than or equal to 90", "128.6"]),
        (MOVE.replace("128.1", "181"), 5, ["less than or equal to 180", "181"]),
        (CLOSE + "\n" + ROAD.replace("tunnel", "shut"), 7, ["second edit", "'shut'", "Rename"]),
        (MOVE + "\n" + MOVE.replace("moved", "again"), 10, ["'moved'", "'UNI01'", "Join"]),
        ("[scenario]\nnam = 3\n" + CLOSE, 2, ["scenario.nam", "unknown key 'nam'"]),
        ('[scenario]\nid = ""\n' + CLOSE, 2, ["scenario.id", "at least 1"]),
    ],
)
def test_a_slip_is_told_with_its_line_and_what_was_found(read, text, line, words):
    message = said(read, text)
    assert message.startswith(f"plan.toml line {line}: "), message
    for word in words:
        assert word in message


def polygon(*corners):
    return CLOSE.replace('ref = ["10"]', f"within = {[list(corner) for corner in corners]}")


def test_a_polygon_that_crosses_itself_is_refused_with_its_line(read):
    bow_tie = polygon((128.5, 35.1), (128.6, 35.2), (128.6, 35.1), (128.5, 35.2))
    message = said(read, bow_tie)
    assert message.startswith("plan.toml line 4: edits.0.roads.within: the polygon crosses itself")


def test_a_polygon_without_area_is_refused(read):
    line = polygon((128.1, 35.0), (128.2, 35.1), (128.3, 35.2))
    assert "polygon" in said(read, line)


def test_a_polygon_of_two_corners_is_refused(read):
    assert "three positions or more, found 3" in said(
        read, polygon((128.5, 35.1), (128.6, 35.1), (128.5, 35.1))
    )


def test_a_polygon_that_returns_to_its_first_corner_is_a_polygon(read):
    ring = ((128.5, 35.1), (128.6, 35.1), (128.6, 35.2), (128.5, 35.1))
    assert read(polygon(*ring)).edits[0].roads.within == list(ring)


def test_a_scenario_without_edits_is_refused(read):
    assert "'edits' is missing" in said(read, '[scenario]\nname = "none"\n')
    assert "at least 1" in said(read, "edits = []")


def test_a_misspelt_table_is_an_unknown_key(read):
    assert "line 1: edit: unknown key 'edit'" in said(read, CLOSE.replace("edits", "edit"))


def test_a_head_that_is_no_table_is_refused(read):
    assert "[scenario] must be a table" in said(read, 'scenario = "a"\n' + CLOSE)


def test_what_is_no_toml_is_told_with_its_line(read):
    assert "line 4" in said(read, CLOSE.replace(" }", ""))


def test_what_is_not_utf8_is_told_with_its_line(tmp_path):
    file = tmp_path / "plan.toml"
    file.write_bytes(CLOSE.encode() + 'note = "남"\n'.encode("cp949"))
    with pytest.raises(ScenarioError, match=r"plan\.toml line 5: not UTF-8"):
        load_scenario(file)


def test_faults_beside_the_first_are_counted(read):
    message = said(read, CLOSE.replace("close", "shut") + "[extra]\n")
    assert message.startswith("plan.toml line 5: extra: unknown key")
    assert "1 more fault beside" in message


def test_a_scenario_made_in_python_is_checked_alike():
    with pytest.raises(ValueError, match="needs a speed"):
        AddRoad(id="a", do="add_road", line=[(128, 35), (129, 35)])
    with pytest.raises(ValueError, match="second edit"):
        Scenario(id="a", edits=[{"id": "x", "do": "close", "roads": {"ref": ["1"]}}] * 2)
