"""The threshold curve: which share of trips is within each limit, not only the claimed one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from technobelt.figures.svg import SMALL_PT, WIDTH_IN, drawn
from technobelt.style import load_style

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["threshold_curve"]

_HEIGHT_IN = 2.4


def threshold_curve(thresholds: pd.DataFrame, *, limit_min: float) -> str:
    """Draw the share of trips within each limit.

    Parameters
    ----------
    thresholds
        As `technobelt.Verdicts.thresholds` returns it: ``minutes``, rising, and ``share``, 0 to 1.
    limit_min
        The limit of the claim, marked at the share of the last row that is not beyond it.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"minutes": [60.0, 90.0, 120.0], "share": [0.2, 0.5, 1.0]})
    >>> "claimed: 90 min, 50 % of the trips" in threshold_curve(table, limit_min=90)
    True
    """
    limits, share = thresholds["minutes"].to_numpy(), thresholds["share"].to_numpy() * 100
    low, high = min(limits[0], limit_min), max(limits[-1], limit_min)
    base = load_style()["base"]

    def draw(figure: Figure) -> None:
        axes = figure.add_axes((0.08, 0.19, 0.9, 0.75))
        axes.step(limits, share, where="post", color="#0072B2", linewidth=1.6)
        _mark(axes, limit_min, share[limits <= limit_min])
        axes.set(xlim=(low, high), ylim=(0, 103))
        axes.set_xlabel("minutes", fontsize=SMALL_PT)
        axes.set_ylabel("% of trips within", fontsize=SMALL_PT)
        axes.tick_params(labelsize=SMALL_PT, width=0.5)
        axes.grid(visible=True, color=base["border"], linewidth=0.3)
        axes.spines[["top", "right"]].set_visible(False)

    return drawn("thresholds", (WIDTH_IN, _HEIGHT_IN), draw)


def _mark(axes: Axes, limit_min: float, below: NDArray[np.float64]) -> None:
    """Mark the limit at the last of the shares below it; without any, only the limit."""
    ink = load_style()["base"]["text"]
    axes.axvline(limit_min, color=ink, linewidth=0.8, linestyle=(0, (4, 2)))
    text, at = f"claimed: {limit_min:g} min", 0.0
    if len(below):
        at = float(below[-1])
        text = f"{text}, {at:.0f} % of the trips"
        axes.plot([limit_min], [at], "o", color=ink, markersize=4)
    look: Any = {"fontsize": SMALL_PT, "color": ink, "xytext": (5, -9 if at else 9)}
    axes.annotate(text, (limit_min, at), textcoords="offset points", **look)
