"""Two runs side by side, and which input made them differ, on a region whose times fit on paper.

At 36 km/h a kilometre takes 100 seconds: east to centre 50 minutes, centre to west 50, so that the
median pair of the ends takes 100.
"""

from __future__ import annotations

import json
import shutil

import pytest

import technobelt as tb
from hand_region import ENDS, NINETY, PLACES, ROAD, make_region
from technobelt.cli import main
from technobelt.errors import ManifestError, MissingFileError
from technobelt.manifest import make_manifest
from technobelt.run_comparison import REST, TOGETHER, VERSIONS
from technobelt.scenario import Scenario

COUNT = """
[[claims]]
id = "three"
kind = "count"
statement = "There are three universities."
source = "drawn by hand"
expected = 3
unit = "universities"
what = { layers = ["universities"] }
"""
ASKED = {"profile": None, "as_of": None, "members_as_of": None, "scenario": None}
ASKED |= {"draws": 0, "seed": 1999}


def write_run(out, region, network=None, **asked):
    """Write what a plan leaves of its claims: claims.json and manifest.json."""
    roads = tb.load_network(network or region.path("roads"))
    where, given = region, dict(asked)
    if edits := given.pop("scenario", None):
        where, roads = region.with_scenario(edits), roads.with_scenario(edits)
        asked["scenario"] = edits.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    verdicts = tb.check_claims(where, roads, **given)
    manifest = make_manifest(
        inputs=[region.folder / "region.toml", *map(region.path, region.layers)],
        parameters={"region": region.id} | ASKED | asked,
        chosen={},
        network=verdicts.network,
        verdicts={row.claim: f"{row.verdict} ({row.observed:g} {row.unit})" for row in verdicts.table().itertuples()},
        engine={},
        timings_s={},
    )  # fmt: skip
    out.mkdir()
    (out / "claims.json").write_text(json.dumps(verdicts.to_dict()))
    (out / "manifest.json").write_text(json.dumps(manifest))
    return out


@pytest.fixture
def region(tmp_path, draw):
    """Make regions: the one drawn by hand, with its roads, in a folder of its own."""

    def make(name, **options):
        folder = tmp_path / name
        folder.mkdir()
        road = options.pop("road", ROAD)
        made = make_region(folder, **{"claims": NINETY + COUNT} | options)
        tb.save_network(draw(ENDS, road), folder / "roads.parquet")
        return made

    return make


def effect(found, name, claim="ninety"):
    rows = found.effects[(found.effects["input"] == name) & (found.effects["claim"] == claim)]
    assert len(rows) == 1, found.effects
    return rows.iloc[0]


def moved(x):
    return PLACES | {"U_west": ("universities", "research_university", "west", x, 0)}


def test_the_same_run_twice_differs_in_nothing(region, tmp_path):
    here = region("r")
    runs = [write_run(tmp_path / name, here) for name in "ab"]
    found = tb.compare_runs(*runs, region_a=here)
    assert found.differences == []
    assert found.notes == []
    assert set(found.claims["status"]) == {"same"}
    assert found.effects.empty
    assert found.changed.empty


def test_faster_speeds_alone_turn_the_verdict_and_the_layer_does_not(region, tmp_path):
    one, two = region("one"), region("two", kph=45.0, places=moved(-6000))
    runs = write_run(tmp_path / "a", one), write_run(tmp_path / "b", two)
    found = tb.compare_runs(*runs, region_a=one, region_b=two)
    row = found.claims.set_index("claim").loc["ninety"]
    assert (row["verdict_a"], row["verdict_b"]) == ("fails", "holds")
    assert found.turned_by("ninety") == ["region.toml [profiles]"]
    assert effect(found, "nothing")["observed"] == pytest.approx(row["observed_a"])
    assert effect(found, TOGETHER)["observed"] == pytest.approx(row["observed_b"])
    assert "region.toml profiles.plain.speed_kph.primary.value: 36.0, now 45.0" in found.differences
    assert "layer universities: changed U_west" in found.differences


def test_minutes_of_each_input_and_the_rest_add_up_to_the_change(region, tmp_path):
    """West moves 6 km away: +10 min at 36 km/h; all 100 min at 45 km/h: -20; both: 110 * 0.8 - 100."""
    one = region("one")
    two = region("two", kph=45.0, places=moved(-6000))
    runs = write_run(tmp_path / "a", one), write_run(tmp_path / "b", two)
    found = tb.compare_runs(*runs, region_a=one, region_b=two)
    assert effect(found, "layer universities")["change"] == pytest.approx(10, abs=0.02)
    assert effect(found, "region.toml [profiles]")["change"] == pytest.approx(-20, abs=0.02)
    assert effect(found, TOGETHER)["change"] == pytest.approx(-12, abs=0.02)
    assert effect(found, REST)["change"] == pytest.approx(-2, abs=0.05)


def test_a_count_changes_by_the_layer_it_counts(region, tmp_path):
    more = PLACES | {"U_new": ("universities", "college", "east", 61_000, 0)}
    one, two = region("one"), region("two", places=more)
    runs = write_run(tmp_path / "a", one), write_run(tmp_path / "b", two)
    found = tb.compare_runs(*runs, region_a=one, region_b=two)
    assert found.turned_by("three") == ["layer universities"]
    assert "layer universities: new U_new" in found.differences


def test_another_network_is_told_by_its_content_and_looked_for_beside_the_other(
    region, tmp_path, draw
):
    here = region("r")
    way = [("a", "b", {"class": "primary", "length_m": 100_000})]  # 80 as the crow flies
    long = tb.save_network(draw(ENDS, way), tmp_path / "long.parquet")
    runs = write_run(tmp_path / "a", here), write_run(tmp_path / "b", here, long)
    found = tb.compare_runs(*runs, region_a=here, network_b=long)
    assert set(found.effects["input"]) == {"nothing", "network", TOGETHER}
    assert effect(found, "network")["change"] == effect(found, TOGETHER)["change"]
    blind = tb.compare_runs(*runs, region_a=here)
    assert blind.effects.empty
    assert "network: the run was on 'long.parquet'" in blind.notes[0]
    assert "--network-b" in blind.notes[0]


def test_a_parameter_is_exchanged_like_an_input(region, tmp_path):
    from hand_region import profile_text

    here = region("r", edit=("[profiles.plain]", profile_text("slow", 30.0) + "\n[profiles.plain]"))
    runs = write_run(tmp_path / "a", here), write_run(tmp_path / "b", here, profile="slow")
    found = tb.compare_runs(*runs, region_a=here)
    assert found.differences == ["parameter profile: none, now slow"]
    assert effect(found, "parameter profile")["change"] == pytest.approx(20, abs=0.02)


def test_a_scenario_is_exchanged_like_an_input(region, tmp_path):
    here = region("r")
    slow = Scenario(
        id="works",
        edits=[{"id": "s", "do": "speed", "factor": 0.5, "roads": {"class": ["primary"]}}],
    )
    runs = write_run(tmp_path / "a", here), write_run(tmp_path / "b", here, scenario=slow)
    found = tb.compare_runs(*runs, region_a=here)
    assert effect(found, "parameter scenario")["change"] == pytest.approx(100, abs=0.02)
    assert effect(found, TOGETHER)["observed"] == pytest.approx(200, abs=0.05)


def test_a_claim_that_only_one_run_has_is_listed(region, tmp_path):
    one, two = region("one", claims=NINETY), region("two")
    runs = write_run(tmp_path / "a", one), write_run(tmp_path / "b", two)
    found = tb.compare_runs(*runs, region_a=one, region_b=two)
    assert found.claims.set_index("claim").loc["three", "status"] == "only in B"
    assert "region.toml claims.three: none, now there" in found.differences


def test_what_cannot_be_exchanged_alone_says_why(region, tmp_path):
    one, two = region("one"), region("two")
    toml = two.folder / "region.toml"
    text = toml.read_text().replace("profiles.plain", "profiles.even")
    toml.write_text(text.replace('profile = "plain"', 'profile = "even"'))
    two = tb.load_region(two.folder)
    runs = write_run(tmp_path / "a", one), write_run(tmp_path / "b", two)
    found = tb.compare_runs(*runs, region_a=one, region_b=two)
    assert "cannot be exchanged alone" in effect(found, "region.toml [[claims]]")["status"]
    assert (
        "profile 'even' is not in [profiles]" in effect(found, "region.toml [[claims]]")["status"]
    )


def test_what_another_version_computed_is_told_apart_from_inputs(region, tmp_path):
    here = region("r")
    runs = [write_run(tmp_path / name, here) for name in "ab"]
    old = json.loads((runs[0] / "claims.json").read_text())
    old["claims"][0]["observed_min"] -= 3
    (runs[0] / "claims.json").write_text(json.dumps(old))
    found = tb.compare_runs(*runs, region_a=here)
    assert effect(found, VERSIONS)["change"] == pytest.approx(3)


def test_inputs_that_are_no_longer_as_they_were_are_refused(region, tmp_path):
    one, two = region("one"), region("two", kph=45.0)
    runs = write_run(tmp_path / "a", one), write_run(tmp_path / "b", two)
    found = tb.compare_runs(*runs, region_b=two)
    assert found.effects.empty
    assert "region.toml in 'two' has other content" in found.notes[0]
    assert "--region-a" in found.notes[0]
    assert found.changed["claim"].tolist() == ["ninety"]


def test_claims_files_alone_are_compared_without_attribution(region, tmp_path):
    here = region("r")
    runs = [write_run(tmp_path / name, here) for name in "ab"]
    for run in runs:
        (run / "manifest.json").unlink()
    found = tb.compare_runs(*(run / "claims.json" for run in runs), region_a=here)
    assert set(found.claims["status"]) == {"same"}
    assert "no manifest.json" in found.notes[0]


def test_manifests_alone_tell_verdicts(region, tmp_path):
    one, two = region("one"), region("two", kph=45.0)
    runs = write_run(tmp_path / "a", one), write_run(tmp_path / "b", two)
    for run in runs:
        (run / "claims.json").unlink()
    found = tb.compare_runs(*(run / "manifest.json" for run in runs), region_a=one, region_b=two)
    row = found.claims.set_index("claim").loc["ninety"]
    assert (row["verdict_a"], row["verdict_b"]) == ("fails", "holds")
    assert found.turned_by("ninety") == ["region.toml [profiles]"]


def test_runs_of_different_regions_are_matched_by_claim_and_not_attributed(region, tmp_path):
    one, two = region("one"), region("two", edit=('id = "row"', 'id = "queue"'))
    runs = write_run(tmp_path / "a", one), write_run(tmp_path / "b", two)
    found = tb.compare_runs(*runs, region_a=one, region_b=two)
    assert "Of different regions: 'row' and 'queue'" in found.notes[0]
    assert found.effects.empty
    assert set(found.claims["status"]) == {"same"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("claims.json", "{", "claims.json is no JSON"),
        ("claims.json", '{"claims": [1]}', "no claims with id and verdict"),
        ("claims.json", "[]", "no claims with id and verdict"),
        ("manifest.json", "{]", "manifest.json is no JSON"),
        ("manifest.json", "{}", "is no manifest of a plan"),
    ],
)
def test_a_file_that_cannot_be_read_says_which_and_why(region, tmp_path, name, text, said):
    run = write_run(tmp_path / "a", region("r"))
    (run / name).write_text(text)
    with pytest.raises(ManifestError, match=said):
        tb.compare_runs(run, run)


def test_a_folder_that_holds_no_run_is_refused(tmp_path):
    with pytest.raises(MissingFileError, match="holds neither claims"):
        tb.compare_runs(tmp_path, tmp_path)
    with pytest.raises(MissingFileError, match="no folder or file"):
        tb.compare_runs(tmp_path / "none", tmp_path)


def test_the_command_prints_what_turned_the_verdict_and_json_for_machines(region, tmp_path, capsys):
    one, two = region("one"), region("two", kph=45.0, places=moved(-6000))
    runs = write_run(tmp_path / "a", one), write_run(tmp_path / "b", two)
    given = [
        "compare",
        *map(str, runs),
        "--region-a",
        str(one.folder),
        "--region-b",
        str(two.folder),
    ]
    with pytest.raises(SystemExit) as left:
        main(given)
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert "ninety: another verdict by region.toml [profiles] alone" in said
    assert "100.0 fails" in said
    with pytest.raises(SystemExit):
        main([*given, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert {row["input"] for row in told["effects"]} >= {"nothing", "layer universities", REST}
    with pytest.raises(SystemExit) as left:
        main(["compare", *given[1:3], "--list-only"])
    assert left.value.code == 0
    assert "What each does alone" not in capsys.readouterr().out


def test_a_region_that_was_copied_elsewhere_is_the_same_region(region, tmp_path):
    one = region("one")
    run = write_run(tmp_path / "a", one)
    shutil.copytree(one.folder, tmp_path / "copy")
    found = tb.compare_runs(run, run, region_a=tmp_path / "copy")
    assert found.notes == []
