"""The report on paper: what prints it, and what is said where nothing does."""

from __future__ import annotations

import re
import stat

import pytest

from technobelt.cli import main
from technobelt.errors import MissingPackageError, OutputError
from technobelt.report import pdf, pdf_converter, write_pdf

PAGE = "<!doctype html><html><head><style>@page { size: A4 }</style></head><body>창원</body></html>"


@pytest.fixture
def page(tmp_path):
    file = tmp_path / "report.html"
    file.write_text(PAGE, encoding="utf-8")
    return file


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine with no program on PATH, and no package that prints."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(pdf.importlib.util, "find_spec", lambda _: None)
    return programs


def program(folder, name, script):
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def found():
    try:
        return pdf_converter()
    except MissingPackageError:
        return None


@pytest.mark.skipif(found() is None, reason="nothing here prints")
def test_a_page_becomes_a_pdf_of_its_size(page, tmp_path):
    content = write_pdf(page, tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    wide, tall = re.search(rb"MediaBox ?\[ ?0 0 ([\d.]+) ([\d.]+)", content).groups()
    assert (round(float(wide)), round(float(tall))) == (595, 842)  # A4 in points
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.pdf"]


def test_browsers_are_looked_for_in_order_and_the_package_comes_last(bare, monkeypatch):
    program(bare, "msedge", "")
    assert pdf_converter() == str(bare / "msedge")
    program(bare, "chromium", "")
    assert pdf_converter() == str(bare / "chromium")
    (bare / "chromium").unlink()
    (bare / "msedge").unlink()
    monkeypatch.setattr(pdf.importlib.util, "find_spec", lambda name: name)
    assert pdf_converter() == "weasyprint"


@pytest.mark.usefixtures("bare")
def test_where_nothing_prints_it_says_what_to_install(page, tmp_path):
    with pytest.raises(
        MissingPackageError, match=r"no Chromium, Chrome or Edge.*install weasyprint"
    ):
        write_pdf(page, tmp_path / "report.pdf")


def test_a_browser_that_fails_is_quoted(bare, page, tmp_path):
    program(bare, "chromium", "echo first >&2; echo 'cannot open display' >&2; exit 7")
    with pytest.raises(OutputError, match="by chromium: cannot open display"):
        write_pdf(page, tmp_path / "report.pdf")
    program(bare, "chromium", "exit 0")  # says it is done, and has written nothing
    with pytest.raises(OutputError, match="by chromium: it said nothing"):
        write_pdf(page, tmp_path / "report.pdf")


@pytest.mark.usefixtures("bare")
def test_a_plan_that_cannot_be_printed_is_refused_before_the_work(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["plan", "--pdf", "--out", str(tmp_path / "out")])
    assert left.value.code == 1
    assert "install weasyprint" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
