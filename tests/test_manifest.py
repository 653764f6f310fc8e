"""A manifest says what a run was made of; a plan is repeated from it, and what differs is told."""

from __future__ import annotations

import json
import shutil

import pytest

import technobelt as tb
from technobelt.cli import main
from technobelt.errors import ManifestError, MissingFileError
from technobelt.manifest import asked_in, manifest_changes, read_manifest
from technobelt.region import built_in_folder
from technobelt.scenario import Scenario

NEW = {
    "technobelt": "0.1.0",
    "packages": {"numpy": "2.4.0"},
    "parameters": {"region": "r", "draws": 0, "minutes": [30.0]},
    "network": {"file": "roads.parquet", "hash": "0" * 64, "date": "2021-08"},
    "inputs": {"complexes.parquet": "1" * 64},
    "verdicts": {"ninety-minutes": "undecided (94 min)"},
    "outputs": {"claims.json": "2" * 64},
}


def test_the_same_run_differs_in_nothing():
    assert manifest_changes(NEW, json.loads(json.dumps(NEW))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"technobelt": "0.2.0"}, "technobelt: 0.1.0, now 0.2.0"),
        ({"packages": {"numpy": "2.5.0"}}, "numpy: 2.4.0, now 2.5.0"),
        ({"inputs": {"complexes.parquet": "3" * 64}}, "input complexes.parquet: other content"),
        ({"inputs": {}}, "input complexes.parquet: there, now none"),
        (
            {"network": NEW["network"] | {"file": "full.parquet"}},
            "network file: roads.parquet, now full.parquet",
        ),
        (
            {"parameters": NEW["parameters"] | {"minutes": [30.0, 60.0]}},
            "parameter minutes: 30.0, now 30.0, 60.0",
        ),
        (
            {"verdicts": {"ninety-minutes": "fails (99 min)"}},
            "verdict of ninety-minutes: undecided (94 min), now fails (99 min)",
        ),
        ({"outputs": {"claims.json": "4" * 64}}, "output claims.json: other content"),
    ],
)
def test_what_differs_is_said_by_what_it_is(change, said):
    assert manifest_changes(NEW, NEW | change) == [said]


def test_causes_come_before_what_they_cause():
    other = NEW | {"outputs": {}, "verdicts": {}, "inputs": {}, "technobelt": "9"}
    starts = [line.split()[0] for line in manifest_changes(NEW, other)]
    assert starts == ["technobelt:", "input", "verdict", "output"]


def test_a_scenario_comes_back_as_it_was():
    edit = {"id": "shut", "do": "close", "roads": {"ref": ["10"], "class": ["motorway"]}}
    scenario = Scenario.model_validate({"id": "works", "edits": [edit]})
    said = json.loads(json.dumps(scenario.model_dump(mode="json", by_alias=True)))
    assert asked_in({"parameters": {"scenario": said}}) == {"scenario": scenario}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"draws": "many"}, "'draws' is 'many', not a whole number from 0 on"),
        ({"draws": True}, "'draws' is True"),
        ({"draws": -5}, "'draws' is -5"),
        ({"seed": 1.5}, r"'seed' is 1\.5"),
        ({"minutes": 30}, "'minutes' is 30, not a list of minutes above zero"),
        ({"minutes": ["x"]}, "'minutes' is"),
        ({"minutes": [-1]}, "'minutes' is"),
        ({"as_of": 5}, "'as_of' is 5, not a text"),
        ({"pack": ["a"]}, "'pack' is"),
        ({"scenario": {"id": "x", "edits": [{"do": "dig"}]}}, "scenario is not understood"),
    ],
)
def test_a_parameter_of_the_wrong_kind_is_named(parameters, said):
    with pytest.raises(ManifestError, match=said):
        asked_in({"parameters": parameters})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "it lacks 'technobelt'"),
        ('{"technobelt": "0.1.0"}', "it lacks 'parameters'"),
        (json.dumps(NEW | {"parameters": []}), "'parameters' must be a table"),
        (json.dumps(NEW | {"network": []}), "'network' must be a table"),
        (json.dumps(NEW | {"outputs": [1]}), "'outputs' must be a table"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path, text, said):
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=said):
        read_manifest(tmp_path)


def test_a_manifest_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"no manifest '.*manifest\.json'"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"parameters": {"region": "taegu"}}, "of the region 'taegu', found 'kyeongnam'"),
        (
            {"parameters": {"region": "kyeongnam"}, "network": {"file": "full.parquet"}},
            "on the network 'full.parquet', which is not the region's own",
        ),
    ],
)
def test_what_a_manifest_only_names_must_be_given(change, said):
    with pytest.raises(ManifestError, match=said):
        tb.repeat_plan(NEW | change)


# --- a whole run, again --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    home = tmp_path_factory.mktemp("first")
    with pytest.raises(SystemExit) as ended:
        main(["plan", "--minutes", "20", "--pack", "kr-small-rnd-zone", "--out", str(home)])
    assert not ended.value.code
    return home


def again(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["plan", *map(str, arguments)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_a_plan_is_repeated_to_the_byte(first, tmp_path, capsys):
    code, out, _ = again(capsys, "--from-manifest", first / "manifest.json", "--out", tmp_path)
    assert code == 0
    files = len(read_manifest(first)["outputs"])
    assert f"Repeated: {files} of {files} files came out the same." in out
    assert "Differs" not in out


def test_what_is_given_beside_counts_instead_and_is_told(first, tmp_path, capsys, caplog):
    folder = tmp_path / "region"
    shutil.copytree(built_in_folder(), folder)
    toml = (folder / "region.toml").read_text(encoding="utf-8")
    (folder / "region.toml").write_text(toml + "\n# a comment\n", encoding="utf-8")
    asked = (folder, "--from-manifest", first, "--pack", "functional", "--out", tmp_path / "out")
    code, out, _ = again(capsys, *asked)
    assert code == 0
    assert "region.toml is not that of the manifest" in caplog.text
    assert "Differs: parameter pack: kr-small-rnd-zone, now functional" in out
    assert "Differs: input region.toml: other content" in out
    assert "output claims.json" not in out  # zones have no say in verdicts


def test_the_folder_that_is_tested_is_not_overwritten(first, capsys):
    code, _, err = again(capsys, "--from-manifest", first, "--out", first)
    assert (code, "holds the run that is to be repeated" in err) == (2, True)
