"""Hangul in pages and pictures, on machines that have no font for it."""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib.image import imread

from technobelt.figures.png import picture
from technobelt.fonts import FAMILY, embedded_css, hangul_file, with_hangul
from technobelt.fonts.make import make
from technobelt.style import style_folder

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


def embedded(css):
    """Return the font inside a rule."""
    data = re.search(r"data:font/woff;base64,([A-Za-z0-9+/=]+)", css)[1]
    return TTFont(io.BytesIO(base64.b64decode(data)))


def letters(css):
    return {chr(code) for code in embedded(css).getBestCmap()}


# --- pages ---------------------------------------------------------------------------------------


def test_the_rule_holds_the_hangul_of_the_texts_and_nothing_else():
    assert letters(embedded_css(["Changwon (창원), 5 km", "<b>김해·양산</b>"])) == set(
        "창원김해양산"
    )


def test_texts_without_hangul_need_no_rule():
    assert embedded_css(["Changwon", "東京 🚗", ""]) == ""
    assert with_hangul("<head></head>Changwon") == "<head></head>Changwon"


def test_the_same_texts_give_the_same_rule():
    embedded_css.__globals__["_woff"].cache_clear()
    first = embedded_css(["창원"])
    embedded_css.__globals__["_woff"].cache_clear()
    assert embedded_css(["원창"]) == first


def test_letters_written_as_scripts_do_and_letters_taken_apart_are_found():
    assert letters(embedded_css([r'{"name": "\ucc3d\uC6D0"}'])) == set("창원")
    assert "창" in letters(embedded_css([unicodedata.normalize("NFD", "창")]))


def test_a_page_gets_the_rule_in_its_head_once():
    page = with_hangul("<html><head><meta charset='utf-8'></head><body>창원 </head></body></html>")
    assert page.count("@font-face") == 1
    assert page.index("charset") < page.index("@font-face") < page.index("<body>")


def test_rare_syllables_and_single_letters_are_there():
    assert letters(embedded_css(["뷁똠펲ㄱㅏ"])) == set("뷁똠펲ㄱㅏ")


# --- the font ------------------------------------------------------------------------------------


def test_the_font_has_every_syllable_under_a_name_that_its_licence_allows():
    font = TTFont(hangul_file())
    assert set(range(0xAC00, 0xD7A4)) <= set(font.getBestCmap())
    assert font["name"].getDebugName(1) == FAMILY
    licence = (style_folder() / "fonts" / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE" in licence
    reserved = licence[licence.index("Reserved Font Name") :].split("\n\n")[0]
    assert not any(word in reserved for word in FAMILY.split())
    assert hangul_file().stat().st_size < 600_000


def test_the_font_is_made_again_from_itself_to_the_byte(tmp_path):
    again = make(hangul_file(), tmp_path / "a.ttf")
    assert make(again, tmp_path / "b.ttf").read_bytes() == again.read_bytes()


def test_style_sheets_name_the_family():
    assert FAMILY in (style_folder() / "report.css").read_text(encoding="utf-8")


# --- pictures ------------------------------------------------------------------------------------


def ink(path, text):
    """Return the dark pixels of a picture of a text."""
    picture(path, 1.0, lambda figure: figure.text(0.5, 0.5, text, fontsize=30))
    return (imread(path)[:, :, :3].mean(axis=2) < 0.5).sum()


def test_pictures_show_hangul_also_in_bold_and_without_a_word_of_missing_glyphs(tmp_path, caplog):
    few, many = ink(tmp_path / "a.png", "스"), ink(tmp_path / "b.png", "뷁")
    assert 0 < 1.5 * few < many  # boxes for missing letters would be alike
    with mpl.rc_context({"font.weight": "bold"}):
        assert ink(tmp_path / "c.png", "창원") > many
    assert not caplog.records


# --- in a browser --------------------------------------------------------------------------------


def shot(tmp_path, name, page):
    """Return a picture of a page in Chromium, to which only matplotlib's fonts are known."""
    known = Path(mpl.get_data_path()) / "fonts" / "ttf"
    settings = tmp_path / "fonts.conf"
    settings.write_text(
        f"<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig><dir>{known}</dir>"
        f"<cachedir>{tmp_path / 'cache'}</cachedir></fontconfig>",
        encoding="utf-8",
    )
    file = tmp_path / f"{name}.html"
    file.write_text(page, encoding="utf-8")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}", "--window-size=300,120",
        f"--screenshot={tmp_path / name}.png", file.as_uri(),
    ]  # fmt: skip
    environment = {"FONTCONFIG_FILE": str(settings), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    subprocess.run(command, env=environment, capture_output=True, timeout=90, check=True)
    return imread(tmp_path / f"{name}.png")[:, :, :3].mean(axis=2) < 0.5


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_without_any_korean_font_shows_glyphs_and_not_boxes(tmp_path):
    def page(text):
        return (
            "<!doctype html><html><head><meta charset='utf-8'></head><body style='font: 40px "
            f'"{FAMILY}", sans-serif\'>{text}</body></html>'
        )

    boxes = [shot(tmp_path, f"box{i}", page(text)) for i, text in enumerate(("스스", "뷁뷁"))]
    glyphs = [
        shot(tmp_path, f"glyph{i}", with_hangul(page(text)))
        for i, text in enumerate(("스스", "뷁뷁"))
    ]
    assert np.array_equal(*boxes)  # without the font every syllable is the same box
    assert 0 < 1.5 * glyphs[0].sum() < glyphs[1].sum()
