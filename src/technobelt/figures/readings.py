"""How firm the readings of a claim are: their ranges by profile, and what would turn each."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.figures.svg import FONT_PT, SMALL_PT, WIDTH_IN, drawn
from technobelt.style import load_style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Reading = Mapping[str, Any]

__all__ = ["break_even_bars", "reading_ranges"]

#: Room for a reading, above all and below all of them, inches; for names at the left, its share.
_ROW_IN, _ABOVE_IN, _BELOW_IN, _LEFT = 0.215, 0.22, 0.62, 0.235
#: Verdicts are told apart by shape and filling as well as by colour.
_SIGNS = {"holds": ("o", True), "undecided": ("D", False), "fails": ("s", True)}
#: Times beyond so many limits are cut off: one very long range would flatten all others.
_FARTHEST = 2.0
_NAME_LETTERS = 34
_WORDS = {"holds": "holds", "undecided": "cannot be decided", "fails": "does not hold"}


def reading_ranges(
    readings: Sequence[Mapping[str, Any]],
    *,
    limit_min: float,
    names: Mapping[str, str],
    profiles: Mapping[str, str],
    name: str = "ranges",
) -> str:
    """Draw the minutes of every reading with their range, side by side by profile.

    Parameters
    ----------
    readings
        As in ``claims.json``; those that are no minutes are left out.
    limit_min
        The limit, a line through all of them.
    names, profiles
        What readings and profiles are called, in the order in which they are drawn.
    name
        With what the figure's ids begin.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> reading = {"reading": "hubs", "profile": "typical", "verdict": "holds",
    ...            "observed_min": 72.0, "range_min": [60, 89.8]}
    >>> svg = reading_ranges([reading], limit_min=90, names={"hubs": "Between hubs"},
    ...                      profiles={"typical": "Typical"})
    >>> "Between hubs" in svg and "limit: 90 min" in svg
    True
    """
    timed = [r for r in readings if r.get("observed_min") is not None]
    rows = [key for key in names if any(r["reading"] == key for r in timed)]
    shown = [key for key in profiles if any(r["profile"] == key for r in timed)]
    ends = _ends(timed, limit_min)

    def draw(figure: Figure) -> None:
        panels = _side_by_side(figure, len(rows), len(shown))
        for panel, profile in zip(panels, shown, strict=True):
            mine = [r for r in timed if r["profile"] == profile]
            _ranges(panel, mine, rows, limit_min, ends)
            panel.set_title(profiles[profile], fontsize=FONT_PT, pad=3)
            panel.set_xlabel("minutes", fontsize=SMALL_PT, labelpad=1)
        _name_rows(panels[0], [names[key] for key in rows])
        _explain(figure, {r["verdict"] for r in timed}, limit_min)

    return drawn(name, (WIDTH_IN, _tall(len(rows))), draw)


def break_even_bars(
    readings: Sequence[Mapping[str, Any]],
    *,
    names: Mapping[str, str],
    corridor: float | None = None,
    name: str = "break-even",
) -> str:
    """Draw by how much all speeds must change before each reading is just within the limit.

    Parameters
    ----------
    readings
        Of one profile, as in ``claims.json``, with ``break_even_factor``.
    names
        What readings are called, in the order in which they are drawn.
    corridor
        The factor of the first reading if the corridor alone is driven faster or slower.
    name
        With what the figure's ids begin.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> reading = {"reading": "hubs", "verdict": "holds", "break_even_factor": 0.784}
    >>> "21.6 % slower" in break_even_bars([reading], names={"hubs": "Between hubs"})
    True
    """
    told = {r["reading"]: r for r in readings if r.get("break_even_factor")}
    bars = [
        (names[k], told[k]["break_even_factor"], told[k]["verdict"]) for k in names if k in told
    ]
    if corridor and bars:
        bars.insert(1, (f"{bars[0][0]}, corridor alone", corridor, bars[0][2]))

    def draw(figure: Figure) -> None:
        axes = _side_by_side(figure, len(bars), 1)[0]
        _bars(axes, [100 * (factor - 1) for _, factor, _ in bars], [v for *_, v in bars])
        _name_rows(axes, [label for label, *_ in bars])
        axes.set_xlabel("change of speeds at which the limit is just met, %", fontsize=SMALL_PT)

    return drawn(name, (WIDTH_IN, _tall(len(bars)) - 0.12), draw)


# --- what both are made of -----------------------------------------------------------------------


def _tall(rows: int) -> float:
    return _ABOVE_IN + rows * _ROW_IN + _BELOW_IN


def _side_by_side(figure: Figure, rows: int, panels: int) -> list[Axes]:
    whole = float(figure.get_size_inches()[1])
    gap, left, right = 0.02, _LEFT, 0.99
    each = (right - left - gap * (panels - 1)) / panels
    low, tall = _BELOW_IN / whole, rows * _ROW_IN / whole
    axes = []
    for number in range(panels):
        panel = figure.add_axes((left + number * (each + gap), low, each, tall))
        panel.set(ylim=(rows - 0.5, -0.5), yticks=[])
        panel.tick_params(labelsize=SMALL_PT, width=0.5, length=2, pad=2)
        panel.grid(visible=True, axis="x", color=load_style()["base"]["border"], linewidth=0.3)
        panel.set_axisbelow(True)
        panel.spines[["top", "right", "left"]].set_visible(False)
        axes.append(panel)
    return axes


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    told = [textwrap.fill(name, _NAME_LETTERS) for name in names]
    axes.set_yticks(range(len(told)), told, fontsize=SMALL_PT)
    axes.tick_params(axis="y", length=0, pad=4)


# --- ranges --------------------------------------------------------------------------------------


def _ends(readings: Sequence[Reading], limit_min: float) -> tuple[float, float]:
    """Return the ends of the axis of minutes."""
    spans = [end for r in readings for end in (*r["range_min"], r["observed_min"]) if end]
    low = min([*spans, limit_min]) * 0.92
    return low, min(max([*spans, limit_min]) * 1.05, limit_min * _FARTHEST)


def _ranges(
    axes: Axes,
    readings: Sequence[Reading],
    rows: Sequence[str],
    limit_min: float,
    ends: tuple[float, float],
) -> None:
    ink, border = (load_style()["base"][key] for key in ("text", "border"))
    axes.axvspan(ends[0], limit_min, color=border, alpha=0.25, linewidth=0)
    axes.axvline(limit_min, color=ink, linewidth=0.9, linestyle=(0, (4, 2)))
    for reading in readings:
        at = rows.index(reading["reading"])
        colour = load_style()["verdicts"][reading["verdict"]]
        low, high = reading["range_min"]
        # A range without an end is one in which no way is left.
        span = [low if low is not None else ends[0], high if high is not None else 2 * ends[1]]
        axes.plot(span, [at, at], color=colour, linewidth=1.6, solid_capstyle="butt")
        _sign(axes, reading["observed_min"], at, reading["verdict"])
        if span[1] > ends[1]:
            axes.plot([ends[1]], [at], ">", color=colour, markersize=4, clip_on=False)
    axes.set_xlim(*ends)


def _sign(axes: Axes, x: float, y: float, verdict: str, **more: Any) -> None:
    shape, filled = _SIGNS[verdict]
    colour = load_style()["verdicts"][verdict]
    look = {"markerfacecolor": colour if filled else "#FFFFFF", "markeredgecolor": colour}
    size = 4.6 if shape == "D" else 5.4
    axes.plot([x], [y], shape, markersize=size, markeredgewidth=1.2, **look, **more)


def _explain(figure: Figure, verdicts: set[str], limit_min: float) -> None:
    from matplotlib.lines import Line2D

    ink = load_style()["base"]["text"]
    entries: list[tuple[Any, str]] = []
    for verdict in (v for v in _SIGNS if v in verdicts):
        shape, filled = _SIGNS[verdict]
        colour = load_style()["verdicts"][verdict]
        look: Any = {"color": colour, "marker": shape, "linewidth": 1.6, "markeredgewidth": 1.2}
        look |= {"markersize": 5, "markerfacecolor": colour if filled else "#FFFFFF"}
        entries.append((Line2D([], [], **look), _WORDS[verdict]))
    limit = Line2D([], [], color=ink, linewidth=0.9, linestyle=(0, (4, 2)))
    entries.append((limit, f"limit: {limit_min:g} min"))
    handles, labels = zip(*entries, strict=True)
    figure.legend(
        handles,
        labels,
        loc="lower center",
        ncols=len(entries),
        frameon=False,
        fontsize=SMALL_PT,
        borderaxespad=0.0,
    )


# --- break-even ----------------------------------------------------------------------------------


def _bars(axes: Axes, changes: Sequence[float], verdicts: Sequence[str]) -> None:
    ink = load_style()["base"]["text"]
    axes.axvline(0, color=ink, linewidth=0.9)
    most = max([1.0, *np.abs(changes)])
    for at, (change, verdict) in enumerate(zip(changes, verdicts, strict=True)):
        colour = load_style()["verdicts"][verdict]
        filled = verdict != "undecided"
        look: Any = {"facecolor": colour if filled else "#FFFFFF", "edgecolor": colour}
        axes.barh(at, change, height=0.56, linewidth=1.1, **look)
        way = "faster" if change > 0 else "slower"
        side: Any = {"xytext": (4 if change > 0 else -4, 0), "textcoords": "offset points"}
        side |= {"ha": "left" if change > 0 else "right", "va": "center_baseline"}
        axes.annotate(f"{abs(change):.1f} % {way}", (change, at), fontsize=SMALL_PT, **side)
    low, high = min([0.0, *changes]), max([0.0, *changes])
    # Room for what is written at the ends of the bars.
    room = 0.34 * most
    axes.set_xlim(low - (room if low < 0 else 0.02 * most), high + (room if high > 0 else 0))
