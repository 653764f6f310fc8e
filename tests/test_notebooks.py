"""The notebooks run from top to bottom, on the built-in region, and are kept without results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

BOOKS = sorted((Path(__file__).parent / "notebooks").glob("*.ipynb"))


def cells_of(book, kind):
    told = json.loads(book.read_text(encoding="utf-8"))
    assert told["nbformat"] == 4
    return [cell for cell in told["cells"] if cell["cell_type"] == kind]


@pytest.fixture
def names():
    """What a fresh kernel knows."""
    return {"__name__": "__main__"}


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_notebook_is_kept_without_results(book):
    cells = cells_of(book, "code")
    assert cells
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_notebook_runs_from_top_to_bottom_and_leaves_a_map(book, names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, cell in enumerate(cells_of(book, "code"), start=1):
        exec(compile("".join(cell["source"]), f"{book.name}, cell {number}", "exec"), names)  # noqa: S102
    assert names["claim"]["verdict"] in {"holds", "fails", "undecided"}
    assert (names["times"]["status"] == "ok").all()
    assert (tmp_path / "map.html").stat().st_size > 100_000


def test_there_is_a_notebook():
    assert [book.stem for book in BOOKS] == ["your_region"]
