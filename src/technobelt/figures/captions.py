"""What stands above and below the maps of a picture: title, legend, attribution."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from technobelt.figures.canvas import legend
from technobelt.figures.svg import SMALL_PT
from technobelt.style import load_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from technobelt.region import Region

__all__ = ["foot", "head"]

_ROW_IN = 0.15
_ATTRIBUTION_PT, _ATTRIBUTION_LETTERS = 5.5, 175


def head(figure: Figure, title: str, subtitle: str) -> None:
    """Write a title and what is below it into the upper 0.42 inches."""
    tall = float(figure.get_size_inches()[1])
    ink = load_style()["base"]["text"]
    figure.text(0, 1 - 0.14 / tall, title, fontsize=11, fontweight="bold", color=ink)
    figure.text(0, 1 - 0.33 / tall, subtitle, fontsize=SMALL_PT, color=ink)


def foot(figure: Figure, region: Region, *maps: Axes) -> None:
    """Put the legend of all maps and the attribution below them."""
    tall = float(figure.get_size_inches()[1])
    low = min(axes.get_position().y0 for axes in figure.axes)
    rows = legend(figure, *maps, top=low - 0.05 / tall)
    said = textwrap.fill("   ".join(region.attribution), _ATTRIBUTION_LETTERS)
    down = (0.16 + rows * _ROW_IN) / tall
    look: Any = {"fontsize": _ATTRIBUTION_PT, "color": "#5C5C5C", "va": "top", "linespacing": 1.4}
    figure.text(0, low - down, said, **look)
