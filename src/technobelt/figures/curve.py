"""The threshold curve: which share of trips is within each limit, not only the claimed one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.figures.svg import SMALL_PT, WIDTH_IN, drawn
from technobelt.style import load_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["threshold_curve"]

_HEIGHT_IN = 2.4
_FIRST_MIN, _LAST_MIN = 30, 150


def threshold_curve(pairs: pd.DataFrame, *, limit_min: float) -> str:
    """Draw the share of trips within each limit from 30 to 150 minutes.

    Parameters
    ----------
    pairs
        As `technobelt.Verdicts.pairs`: ``time_min``, and where speeds were drawn ``p_within``.
    limit_min
        The limit of the claim, marked.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> import pandas as pd
    >>> "claimed: 90 min" in threshold_curve(pd.DataFrame({"time_min": [80.0, 95.0]}), limit_min=90)
    True
    """
    times = np.sort(pairs["time_min"].fillna(np.inf).to_numpy())
    limits = np.unique(np.append(np.arange(_FIRST_MIN, _LAST_MIN + 1.0), limit_min))
    share = np.searchsorted(times, limits, side="right") / len(times) * 100
    at = float(share[limits == limit_min][0])
    base = load_style()["base"]

    def draw(figure: Figure) -> None:
        axes = figure.add_axes((0.08, 0.19, 0.9, 0.75))
        axes.step(limits, share, where="post", color="#0072B2", linewidth=1.6)
        axes.axvline(limit_min, color=base["text"], linewidth=0.8, linestyle=(0, (4, 2)))
        axes.plot([limit_min], [at], "o", color=base["text"], markersize=4)
        look: Any = {"fontsize": SMALL_PT, "color": base["text"], "xytext": (5, -9)}
        text = f"claimed: {limit_min:g} min, {at:.0f} % of the trips"
        axes.annotate(text, (limit_min, at), textcoords="offset points", **look)
        axes.set(xlim=(limits[0], limits[-1]), ylim=(0, 103))
        axes.set_xlabel("minutes", fontsize=SMALL_PT)
        axes.set_ylabel("% of trips within", fontsize=SMALL_PT)
        axes.tick_params(labelsize=SMALL_PT, width=0.5)
        axes.grid(visible=True, color=base["border"], linewidth=0.3)
        axes.spines[["top", "right"]].set_visible(False)

    return drawn("thresholds", (WIDTH_IN, _HEIGHT_IN), draw)
