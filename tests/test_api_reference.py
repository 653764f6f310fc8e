"""The API reference: every public name is in it, with what a reader needs."""

from __future__ import annotations

import ast
import builtins
import doctest
import inspect
import re
from pathlib import Path

import pytest

import technobelt as tb
from technobelt.guide import guide_page
from technobelt.guide.api import told_names
from technobelt.guide.docstrings import sections_of, to_markdown

NAMES = [name for name in tb.__all__ if name != "__version__"]
#: These, and those of modules.
FOUND = told_names()
#: Nothing goes in, or comes out.
WITHOUT = {"TechnobeltError": {"Attributes"}}


@pytest.fixture(scope="module")
def reference():
    return guide_page("api")


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_a_chapter_with_its_parameters_result_and_an_example(reference, name):
    chapter = reference.split(f"\n### `tb.{name}`\n")[1].split("\n### ")[0]
    wanted = {"Parameters", "Returns"} if inspect.isfunction(getattr(tb, name)) else {"Attributes"}
    wanted -= WITHOUT.get(name, set())
    if name == "save_network":  # it returns nothing
        wanted -= {"Returns"}
    for heading in {*wanted, "Example"}:
        assert f"**{heading}**\n" in chapter, heading
    assert "```pycon\n>>> " in chapter


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_names_every_parameter(reference, name):
    function = getattr(tb, name)
    if not inspect.isfunction(function):
        return
    chapter = reference.split(f"\n### `tb.{name}`\n")[1].split("\n### ")[0]
    rows = chapter.split("**Parameters**\n\n")[1].split("\n\n")[0].splitlines()
    told = {one.strip("* ") for row in rows for one in row.split("`")[1].split(",")}
    assert told == set(inspect.signature(function).parameters)


def test_methods_say_what_goes_in_and_what_comes_out(reference):
    for name in NAMES:
        kind = getattr(tb, name)
        if not inspect.isclass(kind):
            continue
        for method, function in vars(kind).items():
            if method.startswith("_") or not inspect.isfunction(function):
                continue
            assert f"#### `{name}.{method}()`" in reference
            sections = sections_of(inspect.getdoc(function))
            assert "Returns" in sections, f"{name}.{method}"
            if len(inspect.signature(function).parameters) > 1:
                assert "Parameters" in sections, f"{name}.{method}"


@pytest.mark.parametrize("name", FOUND)
def test_an_example_runs_where_it_is_pasted(name):
    """It imports all that it uses, though the doctest would find more in its module."""
    shown = sections_of(inspect.getdoc(FOUND[name]))["Examples"]
    code = "".join(one.source for one in doctest.DocTestParser().get_examples(shown))
    nodes = list(ast.walk(ast.parse(code)))
    imports = [one for one in nodes if isinstance(one, ast.Import | ast.ImportFrom)]
    bound = {(a.asname or a.name).split(".")[0] for one in imports for a in one.names}
    bound |= {one.arg for one in nodes if isinstance(one, ast.arg)}
    named = ast.ExceptHandler | ast.FunctionDef
    bound |= {one.name for one in nodes if isinstance(one, named) and one.name}
    names = [one for one in nodes if isinstance(one, ast.Name)]
    bound |= {one.id for one in names if isinstance(one.ctx, ast.Store)}
    assert {one.id for one in names} - bound - set(dir(builtins)) == set()


def test_the_reference_is_the_same_every_time(reference):
    assert guide_page("api") == reference
    assert " at 0x" not in reference


def test_links_of_the_contents_lead_to_chapters(reference):
    anchors = []
    for line in (line for line in reference.splitlines() if line.startswith("#")):
        plain = line.lstrip("# ").lower().replace(" ", "-")
        anchor = "".join(c for c in plain if c.isalnum() or c in "-_")
        again = sum(one == anchor for one in anchors)
        anchors.append(f"{anchor}-{again}" if again else anchor)
    links = [part.split(")")[0] for part in reference.split("](#")[1:]]
    assert len(set(links)) == len(links) >= len(NAMES)
    assert set(links) <= set(anchors)
    assert "[`plan`](#tbplan)" in reference
    assert "[`Plan`](#tbplan-1)" in reference


@pytest.mark.parametrize("page", ["README.md", "src/technobelt/guide/your-region.md"])
def test_what_pages_import_from_modules_has_a_chapter(reference, page):
    text = (Path(__file__).parents[1] / page).read_text(encoding="utf-8")
    for module, names in re.findall(
        r"^from (technobelt\.\w+) import ([\w, ]+)$", text, re.MULTILINE
    ):
        for name in names.split(", "):
            assert f"### `{module}.{name}`\n" in reference or name in NAMES


def test_entries_with_several_paragraphs_and_plain_text_become_markdown():
    text = (
        "Do ``it``.\n\nParameters\n----------\na, b\n    First\n    line.\nc\n\nNotes\n-----\nSo."
    )
    assert to_markdown(text) == (
        "Do `it`.\n\n**Parameters**\n\n- `a, b`: First line.\n- `c`\n\n**Notes**\n\nSo."
    )


def test_a_page_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(tb.TechnobeltError, match=r"no page 'apis'\. There are your-region, assump"):
        guide_page("apis")
