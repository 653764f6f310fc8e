"""The palette: told apart by colour-blind readers and on a grey print, readable as text."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from technobelt.style import band_colours, cluster_colours, load_style, readable, style_folder
from technobelt.webmap.pairs import _WIDTHS

#: Machado, Oliveira and Fernandes (2009), severity 1: linear RGB as it is seen.
SEEN_BY = {
    "everybody": np.eye(3),
    "protanopes": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopes": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
#: CIE 1931 from linear sRGB, and the white of D65.
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = TO_XYZ.sum(axis=1)
#: CIE76: about 2 is seen side by side; on a map, apart and small, it takes far more.
APART = 18.0
#: Of lightness (0 to 100) between one class of an ordered scale and the next.
STEP = 7.0


def linear(colour):
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(colour, seen_by="everybody"):
    xyz = TO_XYZ @ np.clip(SEEN_BY[seen_by] @ linear(colour), 0, 1) / WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(a, b, seen_by):
    return float(np.linalg.norm(lab(a, seen_by) - lab(b, seen_by)))


def contrast(a, b):
    high, low = sorted((float(TO_XYZ[1] @ linear(c)) for c in (a, b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lightness(colours):
    return np.array([lab(colour)[0] for colour in colours])


def of_limits(table):
    return [table[key] for key in sorted(table, key=float)]


def used_together():
    style = load_style()
    return {
        "clusters": list(cluster_colours("abcdefgh").values()),
        "margins": [*style["margins"]["colours"], style["margins"]["unreachable"]],
        "places": [look["colour"] for look in style["places"].values()],
        "local plans": style["paper"]["local_plans"],
    }


def test_the_measure_knows_black_from_white_and_equal_from_equal():
    assert lab("#FFFFFF") == pytest.approx([100, 0, 0], abs=0.01)
    assert distance("#000000", "#FFFFFF", "everybody") == pytest.approx(100, abs=0.01)
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    # red and green of one lightness, which is what the simulation is for
    assert distance("#B05A2C", "#6B7A2C", "everybody") > 2 * distance(
        "#B05A2C", "#6B7A2C", "deuteranopes"
    )


@pytest.mark.parametrize("seen_by", SEEN_BY)
@pytest.mark.parametrize("name", used_together())
def test_colours_used_together_stay_apart(name, seen_by):
    for a, b in itertools.combinations(used_together()[name], 2):
        assert distance(a, b, seen_by) >= APART, (name, a, b)


@pytest.mark.parametrize(
    "colours",
    [
        of_limits(load_style()["bands"]),
        of_limits(load_style()["shares"])[::-1],
        load_style()["suitability"]["colours"][::-1],
        load_style()["suitability"]["quiet"][::-1],
        load_style()["margins"]["colours"][:3],
        load_style()["margins"]["colours"][3:][::-1],
    ],
    ids=["bands", "shares", "suitability", "quiet", "over", "within"],
)
def test_what_is_ordered_is_ordered_on_a_grey_print(colours):
    assert (np.diff(lightness(colours)) >= STEP).all()


@pytest.mark.parametrize(
    "limits", [(15, 30, 60, 90), (10, 20), (100, 150, 200), (5, 6, 7), range(10, 100, 10)]
)
def test_bands_of_any_limits_up_to_nine_are_ordered_and_told_apart(limits):
    colours = list(band_colours(limits).values())
    assert (np.diff(lightness(colours)) >= STEP).all()
    for seen_by in SEEN_BY:
        for a, b in itertools.pairwise(colours):
            assert distance(a, b, seen_by) >= STEP


def test_the_usual_bands_keep_their_colours_and_one_alone_has_that_of_the_next():
    bands = load_style()["bands"]
    assert band_colours([90, 30, 60]) == {30: bands["30"], 60: bands["60"], 90: bands["90"]}
    assert band_colours([45]) == {45: bands["60"]}
    assert band_colours([500]) == {500: bands["120"]}


def test_margins_that_are_equally_dark_differ_in_width():
    assert (np.diff(_WIDTHS) <= -0.2).all()
    worst, best = _WIDTHS[:3], _WIDTHS[3:]
    assert min(worst) > max(best)


def test_kinds_of_places_differ_in_shape():
    shapes = [look["shape"] for look in load_style()["places"].values()]
    assert len(set(shapes)) == len(shapes)


def test_white_words_are_readable_on_the_colours_of_verdicts():
    for colour in load_style()["verdicts"].values():
        assert contrast(colour, "#FFFFFF") >= 4.5


def test_names_in_a_cluster_s_colour_are_readable_on_land_sea_and_white():
    base = load_style()["base"] | load_style()["webmap"]
    for colour in cluster_colours(["east", "centre", "west", *"abcde"]).values():
        for ground in (base["land"], base["sea"], "#FFFFFF"):
            assert contrast(readable(colour), ground) >= 4.5


def test_what_is_readable_already_stays_as_it_is():
    assert readable("#08306B") == "#08306B"


def test_scripts_and_sheets_of_the_map_are_shipped_with_the_styles():
    assert (style_folder() / "webmap.css").is_file()
    assert len(list((style_folder() / "webmap").glob("*.js"))) == 10
