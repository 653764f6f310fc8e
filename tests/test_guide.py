"""The guide is true: a region is made by its commands, on a tiny file of roads."""

from __future__ import annotations

import pytest

import technobelt as tb
from guide_reader import ELSEWHERE, put, steps
from technobelt.cli import main
from technobelt.guide import PAGES, guide_page

#: Crossroads, longitude and latitude: about the six places, between the two towns, and far outside.
NODES = {
    1: (128.610, 35.886),
    2: (128.585, 35.897),
    3: (128.624, 35.876),
    4: (128.570, 35.895),
    5: (128.450, 36.050),
    6: (128.400, 36.100),
    7: (128.388, 36.108),
    8: (128.393, 36.143),
    9: (128.428, 36.137),
    10: (128.560, 35.930),
    11: (128.700, 35.700),
    12: (128.200, 36.300),
}
WAYS = [
    ([4, 5], {"highway": "motorway", "ref": "1", "oneway": "no"}),
    ([2, 4], {"highway": "motorway_link", "oneway": "no"}),
    ([5, 6], {"highway": "motorway_link", "oneway": "no"}),
    ([3, 1, 2], {"highway": "primary"}),
    ([2, 10, 6], {"highway": "secondary"}),
    ([6, 7, 8, 9], {"highway": "primary"}),
    ([11, 3], {"highway": "primary"}),
    ([9, 12], {"highway": "primary"}),
]


@pytest.fixture
def home(tmp_path, monkeypatch):
    lines = ['<osm version="0.6">']
    lines += [f'<node id="{i}" version="1" lon="{x}" lat="{y}"/>' for i, (x, y) in NODES.items()]
    for i, (nodes, tags) in enumerate(WAYS, start=1):
        lines.append(f'<way id="{i}" version="1">' + "".join(f'<nd ref="{n}"/>' for n in nodes))
        lines += [f'<tag k="{key}" v="{value}"/>' for key, value in tags.items()]
        lines.append("</way>")
    (tmp_path / "extract.osm").write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(text):
    """Return lines without indentation and empty ones: what the guide shows is easier to read so."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_who_follows_the_guide_word_by_word_comes_to_a_verdict_a_map_and_a_report(home, capsys):
    said = ""
    for step in steps("your-region"):
        put(step, home)
        if step.kind == "sh" and step.asked not in ELSEWHERE:
            for command in step.commands():
                assert command[0] == "technobelt"
                tiny = [word.replace("extract.osm.pbf", "extract.osm") for word in command[1:]]
                with pytest.raises(SystemExit) as done:
                    main(tiny)
                said = capsys.readouterr().out
                wrong = done.value.code
                assert not wrong or command[1] == "layers", f"{command}: {said}"
        if step.kind == "text" and step.asked == "exact":
            lines = told(said)
            for line in told(step.body):
                assert any(one.startswith(line) for one in lines), f"{line!r} not in\n{said}"
    assert {claim.id for claim in tb.load_region("taegu").claims} >= {
        "within-an-hour",
        "complexes-near-universities",
    }
    for file in ("taegu-maps/map.html", "taegu-maps/report.html", "map.html", "zones.gpkg"):
        assert (home / file).stat().st_size
    assert (home / "trips.csv").read_text(encoding="utf-8").count("\n") > 4


def test_what_the_guide_downloads_by_is_a_command_with_these_options():
    commands = main_commands()["network"].commands
    if "download" not in commands:
        pytest.skip("this version cannot download roads")
    known = {name for option in commands["download"].params for name in option.opts}
    for step in steps("your-region"):
        if step.asked == "download":
            words = step.commands()[0]
            assert words[:3] == ["technobelt", "network", "download"]
            assert {word for word in words if word.startswith("--")} <= known


def main_commands():
    from technobelt.cli import technobelt

    return technobelt.commands


@pytest.mark.parametrize("page", PAGES)
def test_the_command_prints_a_page_as_it_is(page, capsys):
    with pytest.raises(SystemExit) as done:
        main(["guide", page])
    assert not done.value.code
    assert capsys.readouterr().out == guide_page(page)


def test_the_command_lists_the_pages(capsys):
    with pytest.raises(SystemExit):
        main(["guide"])
    said = capsys.readouterr().out
    assert all(name in said for name in PAGES)


def test_a_page_that_is_not_there_is_one_line(capsys):
    with pytest.raises(SystemExit) as done:
        main(["guide", "index"])
    assert done.value.code == 1
    assert capsys.readouterr().err.startswith("Error: the guide has no page 'index'")
