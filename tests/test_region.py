"""``region.toml``: every slip of the pen is refused, in one line, with the line where it stands."""

from __future__ import annotations

import re

import pytest

import technobelt as tb
from technobelt.errors import MissingFileError, RegionError
from technobelt.region import Corridor, built_in_folder
from technobelt.schema import ROAD_CLASSES

TEXT = (built_in_folder() / "region.toml").read_text(encoding="utf-8")


def slip(old, new, nth=1):
    """Return the built-in text with the n-th `old` replaced, and the line of the replacement."""
    at = -1
    for _ in range(nth):
        at = TEXT.index(old, at + 1)
    return TEXT[:at] + new + TEXT[at + len(old) :], TEXT.count("\n", 0, at) + 1


def refusal(tmp_path, text):
    (tmp_path / "region.toml").write_text(text, encoding="utf-8")
    with pytest.raises(RegionError) as told:
        tb.load_region(tmp_path)
    assert "\n" not in str(told.value)
    return str(told.value)


WRONG_KEYS = [
    ("title       =", "titel       ="),
    ('{ name = "Gimhae/Yangsan", hub =', '{ name = "Gimhae/Yangsan", hubb = "x", hub ='),
    ('name = "Southern', 'colour = 1\nname = "Southern'),
    ('{ since = "1981', '{ colour = 1, since = "1981'),
    ("limit_min = 90", "limit_min = 90\nlimit_max = 100"),
    ("minutes      = 15", "minutes      = 15\nwater_min = 1"),
    ('label       = "rush hour', 'lable = "x"\nlabel       = "rush hour'),
    ("parking  = { value = 180", "parken = { value = 1, low = 1, high = 1, source = 'x' }\nparking  = { value = 180"),
    ("[zones.anchors.research_university]", "[zones.ankers.x]\n[zones.anchors.research_university]"),
    ("[claims.members]", "[claims.member]\n[claims.members]"),
    ('roads               = { file = "roads.parquet"', 'roads               = { fiel = "x", file = "roads.parquet"'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), WRONG_KEYS)
def test_an_unknown_key_is_refused_with_its_line(tmp_path, old, new):
    text, line = slip(old, new)
    shift = 0 if new.startswith(("titel", "{", "roads", "lable", "parken", "[", "colour")) else 1
    told = refusal(tmp_path, text)
    assert told.startswith(f"region.toml line {line + shift}: "), told
    assert "unknown key" in told
    assert "Correct its spelling or take it out" in told


WRONG_VALUES = [
    ("limit_min = 90", 'limit_min = "ninety"', 1, "ninety"),
    ("limit_min = 90", "limit_min = -1", 1, "-1"),
    ("limit_min = 90", "limit_min = inf", 1, "inf"),
    ("limit_min = 90", "limit_min = 0", 1, "greater than 0; found 0"),
    ("expected  = 6\n", "expected  = -6\n", 1, "greater than or equal to 0; found -6"),
    ('id        = "six-national-complexes"', 'id        = "composition"', 1, "'composition' is the id of claims.1 too. Give every claim an id of its own"),
    ("minutes      = 15", "minutes      = 0", 1, "0"),
    ("water_max    = 0.5", "water_max    = 50", 1, "50"),
    ('kind      = "count"', 'kind      = "number"', 1, "number"),
    ('measure   = "column"', 'measure   = "sum"', 1, "sum"),
    ("expected  = 11300", 'expected  = "much"', 1, "much"),
    ("expected  = 6", "expected  = []", 1, r"\[\]"),
    ('routes = ["10", "102", "104"]', "routes = [10]", 1, "10"),
    ('routes = ["10", "102", "104"]', "routes = []", 1, "at least 1 item"),
    ('since = "1981-09-04"', 'since = "1981"', 1, "'1981' is no day; write it as 1973-11-14"),
    ('crs         = "EPSG:5179"', 'crs         = "EPSG:4326"', 1, "EPSG:4326' is in degrees"),
    ('crs         = "EPSG:5179"', 'crs         = "Korea"', 1, "Korea' is not a coordinate"),
    ('complexes           = { file = "complexes.geojson",', "complexes = { file = 5,", 1, "5"),
    ("complexes           = { file", "factories      = { file", 1, "unknown layer; the layers are"),
    ('roads               = { file = "roads.parquet"', "roads = { file = 5", 1, "5"),
    ('layers = ["centres"]', 'layers = ["parks"]', 2, "unknown layer 'parks'; the layers are"),
    ('layers = ["universities"]', 'layers = ["schools"]', 2, "unknown layer 'schools'"),
    ('profile   = "typical"', 'profile   = "usual"', 1, "'usual' is not in .profiles.; there are free_flow"),
    ('profile      = "typical"', 'profile      = "usual"', 1, "'usual' is not in"),
    ("trunk          = { value = 80, low = 65", "trunk          = { value = 80, low = 86", 1, "86, 80, 90"),
    ("motorway       = { value = 70, low = 40", "motorway       = { value = 70, low = 0", 1, "above zero"),
    ("access_kph  = { value = 12, low = 8", "access_kph  = { value = 12, low = 0", 1, "above zero"),
    ('pack    = "kr-small-rnd-zone"', 'pack = "kr-small"', 1, "'Changwon small R&D special zone' names the rule pack 'kr-small'; there are functional, kr-small-rnd-zone, .*Name one"),
    ('cluster  = "west"\ncore', 'cluster = "south"\ncore', 1, "no cluster 'south' in .clusters.; there are east, centre, west"),
    ("service        = { value = 12", "servise        = { value = 12", 1, "no road class"),
    ("ramp     = { value = 60", 'ramp     = { value = "slow"', 1, "slow"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "nth", "found"), WRONG_VALUES)
def test_a_wrong_value_is_refused_with_its_line_and_what_was_found(tmp_path, old, new, nth, found):
    text, line = slip(old, new, nth)
    told = refusal(tmp_path, text)
    assert re.search(found, told), told
    assert told.startswith(f"region.toml line {line}: "), told


@pytest.mark.parametrize("number", ["0", "-1", "1.5"])
def test_a_composition_needs_at_least_one_of_each_part(tmp_path, number):
    text, line = slip(
        'kind      = "composition"', f'at_least = {number}\nkind      = "composition"'
    )
    told = refusal(tmp_path, text)
    assert told.startswith(f"region.toml line {line}: claims.1.at_least: Input should be"), told
    assert f"found {number}" in told


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5, 6])
def test_each_claim_of_the_list_gives_its_own_line(tmp_path, nth):
    text, line = slip("[[claims]]\nid        =", '[[claims]]\nid        = 7 # "', nth)
    assert refusal(tmp_path, text).startswith(f"region.toml line {line + 1}: claims.{nth - 1}.id: ")


def test_a_key_missing_in_the_third_claim_points_at_the_third_claim(tmp_path):
    text, line = slip('unit      = "complexes"\n', "")
    told = refusal(tmp_path, text)
    begins = (
        TEXT.count("\n", 0, TEXT.rindex("[[claims]]", 0, TEXT.index("complexes in Kyeongnam"))) + 1
    )
    assert told.startswith(f"region.toml line {begins}: claims.2: 'unit' is missing. Add it.")
    assert begins < line


def test_the_corridor_is_what_made_it_up_on_the_day():
    corridor = tb.load_region().corridor
    assert corridor.routes_on("1999-12-31") == ["10", "102", "104"]
    assert corridor.routes_on("2001-11-07") == ["10", "102", "104"]
    assert corridor.routes_on("2001-11-08") == ["10"]
    assert corridor.routes_on("2021-08-31", optional=True) == ["10", "102"]
    assert corridor.routes_on("1970-01-01") == ["10", "102", "104"]  # nothing earlier is known
    assert corridor.all_routes == ["10", "102", "104"]


def test_what_made_up_the_corridor_is_told_in_order(tmp_path):
    told = refusal(tmp_path, slip('since = "2001-11-08"', 'since = "1981-09-04"')[0])
    assert "corridor.alignments.1.since: must be later than the one before" in told


def test_a_corridor_without_a_dated_list_is_the_same_on_every_day():
    corridor = Corridor(name="the road", routes=["1", "2"])
    assert corridor.routes_on("1900-01-01") == corridor.routes_on("2100-01-01") == ["1", "2"]


def test_a_corridor_has_either_routes_or_a_dated_list(tmp_path):
    both = slip("alignments = [", 'routes = ["10"]\nalignments = [')[0]
    assert "either routes or" in refusal(tmp_path, both)
    neither = slip('name = "Southern Coast', 'alignments = []\nname = "Southern Coast')[0]
    start = neither.index("\nalignments = [ #")
    neither = neither[:start] + neither[neither.index("\n]\n", start) + 2 :]
    assert "either routes or" in refusal(tmp_path, neither)


def test_a_claim_without_a_kind_is_named(tmp_path):
    text, line = slip('kind      = "count"\n', "")
    assert refusal(tmp_path, text).startswith(
        f"region.toml line {line - 2}: claims.2: 'kind' is missing. Add it."
    )


@pytest.mark.parametrize("name", ROAD_CLASSES)
def test_a_profile_without_a_class_is_refused_at_its_table(tmp_path, name):
    start = TEXT.index("[profiles.typical.speed_kph]")
    row = re.compile(rf"^{name} .*\n", re.MULTILINE).search(TEXT, start)
    told = refusal(tmp_path, TEXT[: row.start()] + TEXT[row.end() :])
    line = TEXT.count("\n", 0, start) + 1
    assert told.startswith(f"region.toml line {line}: profiles.typical.speed_kph: lacks '{name}'")


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ("[corridor]", "'corridor' is missing"),
        ("[region]", "table .region."),
        ("[layers]", "table .layers."),
        ("[clusters]", "'clusters' is missing"),
    ],
)
def test_a_missing_table_is_named(tmp_path, table, what):
    begins = TEXT.index(f"\n{table}") + 1
    ends = TEXT.index("\n\n", begins)
    assert re.search(what, refusal(tmp_path, TEXT[:begins] + TEXT[ends:]))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("region = 3\n[layers]\n", r"needs the table \[region\]"),
        ("[region]\nlayers = 1\n", r"needs the table \[layers\]"),
        ("", r"needs the table \[region\]"),
        (TEXT.replace("[region]", '[region]\nfolder = "/"'), "unknown key 'folder'"),
        (TEXT.replace("[region]", "[region]\nclaims = 1"), "unknown key 'claims'"),
        ("[region\n", "not valid TOML: .*line 1"),
        (TEXT + "\n[region]\n", "not valid TOML: .*line"),
    ],
)
def test_a_file_of_another_make_is_refused(tmp_path, text, what):
    told = refusal(tmp_path, text)
    assert told.startswith("region.toml: ")
    assert re.search(what, told)


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path):
    (tmp_path / "region.toml").write_bytes("[region]\nname = '창원'\n".encode("cp949"))
    with pytest.raises(RegionError, match=r"^region.toml line 2: not UTF-8. Save it as UTF-8.$"):
        tb.load_region(tmp_path)


def test_several_faults_are_counted(tmp_path):
    text = slip("limit_min = 90", 'limit_min = "x"')[0].replace("minutes      = 15", "minutes = 0")
    assert "(1 more fault beside this one.)" in refusal(tmp_path, text)


def test_a_comment_or_a_text_that_names_the_key_is_not_its_line(tmp_path):
    text, _ = slip('profile      = "typical"', '# water_max = 7\nprofile      = "typical"')
    text = text.replace("water_max    = 0.5", 'water_max    = "water_max"')
    line = text[: text.index('"water_max"')].count("\n") + 1
    assert refusal(tmp_path, text).startswith(f"region.toml line {line}: zones.water_max: ")


@pytest.mark.parametrize("name", ["nowhere", "nowhere/region.toml"])
def test_a_folder_that_is_not_there(tmp_path, name):
    with pytest.raises(MissingFileError, match=r"no region.toml in '.*nowhere'. Name the folder"):
        tb.load_region(tmp_path / name)


def test_a_region_is_found_by_its_folder_and_by_its_file(tmp_path):
    (tmp_path / "region.toml").write_text(TEXT, encoding="utf-8")
    by_folder, by_file = tb.load_region(tmp_path), tb.load_region(tmp_path / "region.toml")
    assert by_folder == by_file
    assert by_folder.path("complexes") == tmp_path / "complexes.geojson"
    assert by_folder.path("roads") == tmp_path / "roads.parquet"


def test_the_environment_names_another_built_in_folder(tmp_path, monkeypatch):
    (tmp_path / "region.toml").write_text(TEXT.replace('"kyeongnam"', '"mine"'), encoding="utf-8")
    monkeypatch.setenv("TECHNOBELT_LAYERS", str(tmp_path))
    assert tb.load_region().id == "mine"
    monkeypatch.setenv("TECHNOBELT_LAYERS", str(tmp_path / "gone"))
    with pytest.raises(MissingFileError, match=r"no region.toml in .*gone. Reinstall technobelt"):
        tb.load_region()


def test_a_region_cannot_be_changed():
    region = tb.load_region()
    with pytest.raises(ValueError, match="frozen"):
        region.name = "another"


def test_the_built_in_region_is_the_plan():
    region = tb.load_region()
    assert [claim.id for claim in region.claims][:6] == [
        "ninety-minutes",
        "composition",
        "six-national-complexes",
        "national-complexes-area",
        "two-national-institutes",
        "province-area",
    ]
    assert list(region.profiles) == ["free_flow", "typical", "peak"]
    assert region.hubs == ["UNI04", "UNI02", "UNI01"]
    assert region.crs == "EPSG:5179"


def test_every_speed_is_sourced_and_what_nobody_measured_is_marked():
    for name, profile in tb.load_region().profiles.items():
        values = [*profile.speed_kph.values(), profile.limit_share, profile.access_kph]
        values += [getattr(profile.fixed_s, key) for key in type(profile.fixed_s).model_fields]
        assert all(value.source for value in values), name
        marked = [value for value in values if re.search("assumed|not measured", value.source)]
        assert all(value.placeholder for value in marked), name
        assert len(profile.placeholders) == sum(value.placeholder for value in values)


def test_faster_profiles_are_faster_class_by_class():
    free, typical, peak = tb.load_region().profiles.values()
    for name in ("motorway", "primary_link", "tertiary", "residential"):
        assert free.speed_kph[name].value >= typical.speed_kph[name].value
        assert typical.speed_kph[name].value >= peak.speed_kph[name].value


def test_no_class_is_driven_faster_on_an_ordinary_day_than_on_empty_roads():
    profiles = tb.load_region().profiles
    free = profiles["free_flow"].speed_kph
    for name in ("typical", "peak"):
        for road, speed in profiles[name].speed_kph.items():
            assert speed.value <= free[road].value, (name, road)
            assert speed.high <= free[road].high, (name, road)
