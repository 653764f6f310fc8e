"""A map's frame, and how shapes and words are put on it.

Every shape is clipped and simplified to what can be printed, so that a map stays small.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.figures.svg import SMALL_PT, WIDTH_IN
from technobelt.style import load_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Box",
    "add",
    "around",
    "box_of",
    "cut_below",
    "framed",
    "height",
    "legend",
    "metres_per_point",
    "panels",
    "room",
    "same_size",
    "scale_bar",
    "write",
]

Box = tuple[float, float, float, float]

#: What is finer than this is not seen on paper, points; and smaller areas, square points.
_FINEST_PT, _SMALLEST_PT2 = 0.3, 0.6
#: Lengths of a scale bar to choose from, km.
_BARS_KM = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
#: What the ground is made of, in the words of the legend.
_GROUND = ("primary road", "trunk road", "motorway")
#: Width of a letter of the legend, and of a sign with the room around it, inches.
_LETTER_IN, _SIGN_IN = 0.06, 0.46
#: Panels in a row, and the room between, above and below them, inches.
_MOST_COLUMNS = 3
_GAP_IN, _TITLE_IN, _LEGEND_GAP_IN, _LEGEND_ROW_IN = 0.08, 0.2, 0.1, 0.145


def _panel_size(boxes: Sequence[Box]) -> tuple[float, float]:
    """Return width and height of panels of one size, inches."""
    west, south, east, north = boxes[0]
    columns = min(len(boxes), _MOST_COLUMNS)
    wide = (WIDTH_IN - _GAP_IN * (columns - 1)) / columns
    return wide, wide * (north - south) / (east - west)


def height(boxes: Sequence[Box], *, titles: bool = True, legend_rows: int = 2) -> float:
    """Return the height of a figure of one panel a box, inches."""
    rows = math.ceil(len(boxes) / _MOST_COLUMNS)
    panel = _panel_size(boxes)[1] + (_TITLE_IN if titles else 0.0)
    return rows * panel + _LEGEND_GAP_IN + legend_rows * _LEGEND_ROW_IN


def panels(
    figure: Figure, boxes: Sequence[Box], *, titles: bool = True, above_in: float = 0.0
) -> list[Axes]:
    """Return axes in rows of three, with room for titles above each; the legend's is left below.

    `above_in` inches are left at the top of the figure.
    """
    wide, tall = _panel_size(boxes)
    whole = float(figure.get_size_inches()[1])
    step = tall + (_TITLE_IN if titles else 0.0)
    axes = []
    for number, box in enumerate(boxes):
        row, column = divmod(number, _MOST_COLUMNS)
        left, bottom = column * (wide + _GAP_IN), whole - above_in - (row + 1) * step
        place = (left / WIDTH_IN, bottom / whole, wide / WIDTH_IN, tall / whole)
        axes.append(framed(figure.add_axes(place), box))
    return axes


def cut_below(figure: Figure, height_in: float) -> None:
    """Cut a figure to a height, inches, from its foot; maps stay as large as they are."""
    wide, tall = figure.get_size_inches()
    figure.set_size_inches(wide, height_in)
    for axes in figure.axes:
        place = axes.get_position()
        from_top = (1 - place.y0) * tall
        size = place.width, place.height * tall / height_in
        axes.set_position((place.x0, 1 - from_top / height_in, *size))


def framed(axes: Axes, box: Box) -> Axes:
    """Turn axes into a map of a box: a thin frame, no ticks."""
    axes.set(xlim=(box[0], box[2]), ylim=(box[1], box[3]), xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(linewidth=0.5, color=load_style()["base"]["border"])
    return axes


def around(bounds: Sequence[float], metres: float) -> Box:
    """Return a box that is larger on every side.

    Examples
    --------
    >>> around((0, 0, 2, 1), 1)
    (-1.0, -1.0, 3.0, 2.0)
    """
    west, south, east, north = (float(value) for value in bounds)
    return west - metres, south - metres, east + metres, north + metres


def room(bounds: Sequence[float], metres: float) -> float:
    """Return how much land to show around a box: so many metres, less where the box is small.

    Examples
    --------
    >>> room((0, 0, 100_000, 50_000), 6_000), room((0, 0, 1_000, 800), 6_000)
    (6000, 250.0)
    """
    west, south, east, north = (float(value) for value in bounds)
    wide = max(east - west, north - south)
    return min(metres, wide / 4) if wide > 0 else metres


def same_size(bounds: Sequence[Box], metres: float) -> list[Box]:
    """Return boxes of one size around the middles of others.

    Examples
    --------
    >>> same_size([(0, 0, 2, 2), (10, 0, 14, 4)], 1)
    [(-2.0, -2.0, 4.0, 4.0), (9.0, -1.0, 15.0, 5.0)]
    """
    wide = max(east - west for west, _, east, _ in bounds) / 2 + metres
    tall = max(north - south for _, south, _, north in bounds) / 2 + metres
    # A slim strip would be a poor picture.
    wide, tall = max(wide, tall / 1.6), max(tall, wide / 1.6)
    middles = [((w + e) / 2, (s + n) / 2) for w, s, e, n in bounds]
    return [(x - wide, y - tall, x + wide, y + tall) for x, y in middles]


def box_of(map_: Axes) -> Box:
    """Return what a map shows: west, south, east, north."""
    (west, east), (south, north) = map_.get_xlim(), map_.get_ylim()
    return west, south, east, north


def metres_per_point(map_: Axes) -> float:
    """Return how many metres a printed point stands for."""
    west, _, east, _ = box_of(map_)
    return (east - west) / (map_.get_position().width * WIDTH_IN * 72)


def write(map_: Axes, at: tuple[float, float], text: str, **style: Any) -> None:
    """Write on a map; the page's style sheet puts white around what is called halo."""
    look = {
        "fontsize": SMALL_PT,
        "color": load_style()["base"]["text"],
        "ha": "center",
        "va": "center_baseline",
        "xytext": (0, 0),
        "textcoords": "offset points",
        "annotation_clip": True,
        "zorder": 8,
    } | style
    map_.annotate(text, at, **look).set_gid(f"halo-{_number(map_)}")


def _number(map_: Axes) -> str:
    """Return a number of its own for the text written last."""
    figure = map_.get_figure()
    maps = figure.axes if figure else [map_]
    return f"{maps.index(map_)}-{len(map_.texts)}"


def scale_bar(map_: Axes) -> None:
    """Draw a bar of a round length, at most a quarter of the map's width."""
    west, south, east, north = box_of(map_)
    fits = [km for km in _BARS_KM if km * 1000 <= (east - west) / 4]
    km = fits[-1] if fits else _BARS_KM[0]
    begin, low = west + (east - west) * 0.03, south + (north - south) * 0.04
    colour = load_style()["base"]["text"]
    ends = [begin, begin + km * 1000]
    told = f"{km:g} km" if km >= 0.5 else f"{km * 1000:g} m"
    map_.plot(ends, [low, low], color=colour, linewidth=1.6, zorder=7, solid_capstyle="butt")
    write(map_, (sum(ends) / 2, low), told, va="bottom", xytext=(0, 3))


def legend(
    figure: Figure, *maps: Axes, columns: int | None = None, top: float | None = None
) -> int:
    """Explain what maps show, below all of them, every entry once, the ground's roads last.

    Parameters
    ----------
    maps
        Those whose entries are told.
    columns
        As many as the width holds by default.
    top
        Its upper end, share of the figure's height; at the foot of the figure by default.

    Returns
    -------
    int
        The rows that it takes.
    """
    entries: dict[str, Any] = {}
    for map_ in maps:
        handles, labels = map_.get_legend_handles_labels()
        entries |= {
            label: handle
            for label, handle in zip(labels, handles, strict=True)
            if label not in entries
        }
    entries = {label: entries[label] for label in sorted(entries, key=_GROUND.__contains__)}
    columns = columns or _most_columns(list(entries))
    figure.legend(
        entries.values(),
        entries.keys(),
        loc="lower center" if top is None else "upper center",
        bbox_to_anchor=(0.5, 0.0 if top is None else top),
        ncols=columns,
        frameon=False,
        fontsize=SMALL_PT,
        borderaxespad=0.0,
        columnspacing=1.4,
        handlelength=1.6,
    )
    return math.ceil(len(entries) / columns)


def _most_columns(labels: Sequence[str]) -> int:
    """Return the most columns of a legend, filled one after the other, that the width holds.

    Examples
    --------
    >>> _most_columns(["a road"] * 4), _most_columns(["a legend that never ends " * 3] * 4)
    (4, 1)
    """
    for columns in range(min(len(labels), 6), 1, -1):
        rows = math.ceil(len(labels) / columns)
        parts = [labels[start : start + rows] for start in range(0, len(labels), rows)]
        letters = sum(max(map(len, part)) for part in parts)
        if letters * _LETTER_IN + len(parts) * _SIGN_IN <= WIDTH_IN:
            return len(parts)
    return 1


def add(map_: Axes, shape: Any, *, dashed: bool = False, label: str = "", **style: Any) -> None:
    """Draw one shape, clipped to the map and no finer than can be seen."""
    from matplotlib.patches import PathPatch

    filled = "facecolor" in style
    path = _path(_seen(map_, shape, filled=filled), filled=filled)
    if path is None:
        return
    look = {"facecolor": "none", "edgecolor": "none", "linewidth": 0.0} | style
    if dashed:
        look["linestyle"] = (0, (4, 2))
    patch = PathPatch(path, capstyle="round", joinstyle="round", **look)
    map_.add_artist(patch)  # add_patch would measure every curve of it; the frame is set already
    if label and filled:
        patch.set_label(label)
    elif label:  # an outline is a line in the legend, no box
        line: Any = {"color": look["edgecolor"], "linewidth": look["linewidth"]}
        map_.plot([], [], linestyle=look.get("linestyle", "-"), label=label, **line)


def _seen(map_: Axes, shape: Any, *, filled: bool) -> Any:
    """Return the parts of a shape, clipped, simplified, without what is too small to see."""
    unit = metres_per_point(map_)
    near = shapely.clip_by_rect(shape, *around(box_of(map_), 5 * unit))
    fine = shapely.simplify(near, unit * _FINEST_PT, preserve_topology=filled)
    parts = shapely.get_parts(shapely.get_parts(fine))
    if not filled:
        lines = [shapely.boundary(p) if shapely.get_dimensions(p) == 2 else p for p in parts]
        flat = shapely.get_parts(np.array(lines, dtype=object))
        return flat[shapely.length(flat) > unit * np.sqrt(_SMALLEST_PT2)]
    return parts[shapely.area(parts) > unit**2 * _SMALLEST_PT2]


def _path(parts: Any, *, filled: bool) -> Any:
    """Return lines, or the rings of areas, as one path; None where there are none."""
    from matplotlib.path import Path

    # Holes must run against their shells to stay empty (SVG fills by the nonzero rule).
    rings = shapely.get_rings(shapely.orient_polygons(parts)) if filled else parts
    lines = [shapely.get_coordinates(ring) for ring in rings]
    if not lines:
        return None
    codes = [[Path.MOVETO, *[Path.LINETO] * (len(line) - 1)] for line in lines]
    return Path(np.concatenate(lines), np.concatenate(codes).astype(np.uint8))
