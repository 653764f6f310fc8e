"""Bars of shares, one column beside the other, as a table that one sees."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pandas as pd

from technobelt.figures.svg import SMALL_PT, WIDTH_IN
from technobelt.style import load_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Place = tuple[float, float, float, float]

__all__ = ["draw_bars"]

#: Room for a letter of a name, inches; gap between columns, share of the figure; letters in a line.
_LETTER_IN, _GAP, _LETTERS = 0.063, 0.012, 26
_HEAD = 0.12


def draw_bars(figure: Figure, place: Place, rows: pd.DataFrame, columns: Mapping[str, str]) -> None:
    """Draw a column of bars for each column of shares, the rows' names at the left.

    A row whose shares are all 100, the whole itself, is left out.

    Parameters
    ----------
    place
        Left, bottom, width and height in the figure, shares of its size.
    rows
        With ``name`` and the columns.
    columns
        Columns of percentages, and what they are called.
    """
    shares = rows[list(columns)].apply(pd.to_numeric, errors="coerce")
    kept = ~(shares == 100).all(axis=1)
    shares = shares[kept]
    names = [textwrap.fill(str(name), _LETTERS) for name in rows["name"][kept]]
    left, low, wide, tall = place
    longest = max(len(line) for name in names for line in name.split("\n"))
    first = left + longest * _LETTER_IN / WIDTH_IN
    each = (left + wide - first) / len(columns) - _GAP
    for number, (column, title) in enumerate(columns.items()):
        at = first + number * (each + _GAP)
        axes = figure.add_axes((at, low, each, tall * (1 - _HEAD)))
        _column(axes, shares[column], title, float(shares.max().max()))
        axes.tick_params(length=0)
        if number == 0:
            axes.set_yticks(range(len(names)), names, fontsize=SMALL_PT)
    look: Any = {"fontsize": SMALL_PT, "va": "top", "color": load_style()["base"]["text"]}
    figure.text(first, low + tall, "Share of the nation's, %", **look)


def _column(axes: Axes, values: pd.Series[float], title: str, most: float) -> None:
    ink = load_style()["base"]["text"]
    places = range(len(values))
    axes.barh(places, values.fillna(0.0), height=0.62, color=load_style()["zones"]["fill"])
    for place, value in zip(places, values, strict=True):
        said = "not known" if pd.isna(value) else f"{value:.1f}"
        at = 0.0 if pd.isna(value) else value
        axes.text(at + most * 0.03, place, said, fontsize=SMALL_PT, va="center", color=ink)
    axes.set(xlim=(0, most * 1.45), ylim=(len(values) - 0.4, -0.6), xticks=[], yticks=[])
    axes.set_title(title, fontsize=SMALL_PT, fontweight="bold", loc="left", color=ink)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.spines["left"].set(linewidth=0.5, color=load_style()["base"]["border"])
