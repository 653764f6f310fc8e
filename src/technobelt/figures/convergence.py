"""How sure a share of random draws is after more and more of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.figures.svg import SMALL_PT, WIDTH_IN, drawn
from technobelt.style import load_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["convergence_curve"]

_HEIGHT_IN = 2.2
_COLOUR = "#0072B2"
#: From here on draws alone let a claim hold, and below here fail, percent.
_HOLDS, _FAILS = 95.0, 5.0
#: Fewer draws more to the right than this share would have their numbers stand on each other.
_APART = 1.25


def convergence_curve(rows: Sequence[Sequence[float]], *, name: str = "convergence") -> str:
    """Draw the share of draws within the limit against their number, with its interval as a band.

    Parameters
    ----------
    rows
        Number of draws, share within the limit (0 to 1), low and high end of its 95 % interval;
        from few draws to all.
    name
        With what the figure's ids begin, so that several stand on one page.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> svg = convergence_curve([[10, 0.3, 0.11, 0.6], [100, 0.27, 0.19, 0.36]])
    >>> "27 % (19 to 36 %)" in svg
    True
    """
    draws, *shares = np.asarray(rows, dtype=float).T
    share, low, high = (100 * values for values in shares)

    def draw(figure: Figure) -> None:
        axes = figure.add_axes((0.08, 0.2, 0.75, 0.75))
        axes.fill_between(draws, low, high, color=_COLOUR, alpha=0.18, linewidth=0)
        axes.plot(draws, share, "o-", color=_COLOUR, linewidth=1.4, markersize=3)
        _guides(axes)
        _frame(axes, draws)
        _last(axes, draws[-1], share[-1], low[-1], high[-1])

    return drawn(name, (WIDTH_IN, _HEIGHT_IN), draw)


def _guides(axes: Axes) -> None:
    """Mark the shares at which draws alone decide."""
    style = load_style()["verdicts"]
    for share, word in ((_HOLDS, "holds"), (_FAILS, "fails")):
        axes.axhline(share, color=style[word], linewidth=0.7, linestyle=(0, (4, 2)))


def _frame(axes: Axes, draws: np.ndarray[Any, Any]) -> None:
    from matplotlib.ticker import NullLocator

    border = load_style()["base"]["border"]
    axes.set_xscale("log")
    axes.set(ylim=(0, 100), yticks=[0, 25, 50, 75, 100])
    axes.set_xticks(shown := _ticks(draws.tolist()), [f"{count:,.0f}" for count in shown])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("number of random draws", fontsize=SMALL_PT)
    axes.set_ylabel("% of draws within", fontsize=SMALL_PT)
    axes.tick_params(labelsize=SMALL_PT, width=0.5)
    axes.grid(visible=True, color=border, linewidth=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _ticks(draws: Sequence[float]) -> list[float]:
    """Return the numbers of draws that have room below the axis, the last among them.

    Examples
    --------
    >>> _ticks([10, 20, 50, 55])
    [10, 20, 55]
    """
    kept = [draws[-1]]
    for count in reversed(draws[:-1]):
        if kept[-1] >= count * _APART:
            kept.append(count)
    return kept[::-1]


def _last(axes: Axes, draws: float, share: float, low: float, high: float) -> None:
    """Write the share of all draws, with its interval, at the right of the curve."""
    text = f"{share:.0f} % ({low:.0f} to {high:.0f} %)"
    look: Any = {"fontsize": SMALL_PT, "color": load_style()["base"]["text"], "xytext": (7, 0)}
    axes.annotate(
        text, (draws, share), textcoords="offset points", va="center", annotation_clip=False, **look
    )
