"""Marks of a map that say something: areas by value, signs by kind, names where there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.figures.canvas import add, box_of, metres_per_point, write
from technobelt.figures.png import drawable
from technobelt.figures.svg import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import geopandas as gpd
    from matplotlib.axes import Axes

    Look = Mapping[str, Any]
    #: Where a name stands, the box it fills, how it is written.
    Room = tuple[tuple[float, float], Any, dict[str, Any]]

__all__ = [
    "NO_VALUE",
    "choropleth",
    "colours_of",
    "edges",
    "groups",
    "joined",
    "name_rows",
    "signs",
]

#: From little to much, in one hue that no water has; and what nothing is known of.
_RAMP = ("#FCF1DC", "#F7D7A3", "#EDB268", "#D98236", "#A9541C", "#6B2D0B")
NO_VALUE = "#E3E1DC"
#: Kinds in their order (Okabe and Ito), told apart by colour-blind readers; all further ones grey.
_KINDS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A6D00", "#56B4E9")
_FURTHER = "#7A7A7A"
#: Names beside points: a letter's width in its height, where they may stand, the longest.
_LETTER, _ASIDE_PT, _LONGEST = 0.6, 4.0, 56
#: A name lies inside an area if this share of it does.
_INSIDE = 0.78
#: Where a name may stand beside its point: how it is aligned, and how far away, in `aside`.
_SIDES: tuple[tuple[str, str, float, float], ...] = (
    ("left", "center", 1, 0),
    ("right", "center", -1, 0),
    ("center", "bottom", 0, 1),
    ("center", "top", 0, -1),
    ("left", "bottom", 0.5, 0.8),
    ("left", "top", 0.5, -0.8),
    ("right", "bottom", -0.5, 0.8),
    ("right", "top", -0.5, -0.8),
)
_HALF = {"left": 0.5, "right": -0.5, "center": 0.0, "bottom": 0.5, "top": -0.5}


def joined(frame: gpd.GeoDataFrame) -> Any:
    """Return all shapes of a frame as one."""
    return shapely.geometrycollections(frame.geometry.to_numpy())


def edges(frame: gpd.GeoDataFrame) -> Any:
    """Return the borders of all areas of a frame as one; those that neighbours share, once."""
    return shapely.line_merge(shapely.union_all(shapely.boundary(frame.geometry.to_numpy())))


def groups(frame: gpd.GeoDataFrame, column: str) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    """Give the rows by what a column says, the most frequent first; all as "" without it.

    Examples
    --------
    >>> import geopandas as gpd
    >>> frame = gpd.GeoDataFrame({"kind": ["a", "b", "b"]}, geometry=[None] * 3)
    >>> [(word, len(rows)) for word, rows in groups(frame, "kind")]
    [('b', 2), ('a', 1)]
    """
    if column not in frame:
        yield "", frame
        return
    said = frame[column].astype(object).where(frame[column].notna(), "unknown").astype(str)
    for word in said.value_counts(sort=True).index:
        yield word, frame[said == word]


def colours_of(words: Sequence[str]) -> dict[str, str]:
    """Return a colour for each kind; from the seventh on they share a grey.

    Examples
    --------
    >>> colours_of(["IC", "JC"])
    {'IC': '#0072B2', 'JC': '#D55E00'}
    """
    free = [*_KINDS, *[_FURTHER] * len(words)]
    return dict(zip(words, free, strict=False))


def choropleth(
    map_: Axes,
    frame: gpd.GeoDataFrame,
    values: pd.Series[Any],
    limits: Sequence[float],
    unit: str,
    *,
    ramp: Sequence[str] = _RAMP,
) -> None:
    """Fill areas by value; `limits` are where one colour of `ramp` ends and the next begins."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    rank = np.searchsorted(limits, numbers, side="right")
    there = sorted(set(rank[~np.isnan(numbers)]))
    for step in there:
        mine = frame[(rank == step) & ~np.isnan(numbers)]
        label = _step(limits, step) + (f" {unit}" if step == there[0] else "")
        add(map_, joined(mine), facecolor=ramp[step], label=label)
    unknown = frame[np.isnan(numbers)]
    if len(unknown):
        add(map_, joined(unknown), facecolor=NO_VALUE, label="not known")


def _step(limits: Sequence[float], step: int) -> str:
    """Say what a colour stands for.

    Examples
    --------
    >>> [_step([100, 2500], step) for step in range(3)]
    ['below 100', '100 to 2,500', '2,500 and more']
    """
    if step == 0:
        return f"below {limits[0]:,g}"
    if step == len(limits):
        return f"{limits[-1]:,g} and more"
    return f"{limits[step - 1]:,g} to {limits[step]:,g}"


def signs(map_: Axes, points: gpd.GeoDataFrame, look: Look, *, label: str = "") -> None:
    """Draw a sign at every point."""
    at = points.geometry
    usual: dict[str, Any] = {"s": 22, "edgecolor": "#FFFFFF", "linewidth": 0.5, "zorder": 5}
    map_.scatter(at.x, at.y, label=label or None, **(usual | dict(look)))


def name_rows(
    map_: Axes,
    frame: gpd.GeoDataFrame,
    texts: Sequence[str],
    *,
    avoid: gpd.GeoDataFrame | None = None,
    aside: float = _ASIDE_PT,
    **style: Any,
) -> None:
    """Write a name beside every point, or into every area, where there is room for it.

    Of a text that finds no room the first line alone is tried. Names that find none are left out;
    so are those in letters that the font does not have.

    Parameters
    ----------
    frame, texts
        Points or areas, and what to write.
    avoid
        Points that no name may cover; those of `frame` by default.
    aside
        How far from its point a name stands, points.
    style
        Of the text.
    """
    size = style.setdefault("fontsize", 6.0)
    unit = metres_per_point(map_)
    seen = shapely.box(*box_of(map_))
    taken = _taken(map_, frame if avoid is None else avoid, unit)
    for shape, text in zip(frame.geometry, texts, strict=True):
        lines = [short(line, _LONGEST) for line in text.split("\n")]
        for word in dict.fromkeys(["\n".join(lines), lines[0]]):
            wide, tall = _size(word, size * unit)
            if shape.geom_type == "Point":
                rooms = _beside(shape, wide, tall, aside, unit)
            else:
                rooms = _inside(shape, wide, tall, seen)
            free = (
                room
                for room in rooms
                if shapely.contains(seen, room[1]) and not shapely.intersects(room[1], taken).any()
            )
            if (room := next(free, None)) and drawable(word):
                write(map_, room[0], word, **(style | room[2]))
                taken.append(room[1])
                break


def _taken(map_: Axes, points: gpd.GeoDataFrame, unit: float) -> list[Any]:
    """Return where no name may stand: on signs and on the scale bar."""
    west, south, east, north = box_of(map_)
    corner = shapely.box(west, south, west + 0.28 * (east - west), south + 0.08 * (north - south))
    signs_at = points.geometry[points.geom_type == "Point"].to_numpy()
    return [corner, *shapely.buffer(signs_at, 2.5 * unit, quad_segs=1)]


def _size(text: str, letter_m: float) -> tuple[float, float]:
    """Return about how wide and tall a text is, m, if its letters are `letter_m` high."""
    lines = text.split("\n")
    return max(map(len, lines)) * _LETTER * letter_m, 1.15 * letter_m * len(lines)


def _inside(shape: Any, wide: float, tall: float, seen: Any) -> Iterator[Room]:
    """Give places inside an area, if a name of this size lies there."""
    inside = shapely.intersection(shapely.simplify(shape, tall / 8), seen)
    if inside.is_empty or shapely.get_dimensions(inside) < 2:
        return
    widest = shapely.get_point(shapely.maximum_inscribed_circle(inside, tall / 4), 0)
    for middle in (inside.representative_point(), widest, inside.centroid):
        box = shapely.box(*_box(middle.x, middle.y, wide, tall))
        if shapely.area(shapely.intersection(inside, box)) > _INSIDE * box.area:
            yield (middle.x, middle.y), box, {"va": "center"}


def _beside(point: Any, wide: float, tall: float, aside: float, unit: float) -> Iterator[Room]:
    """Give the places around a point, the best first."""
    for across, up, right, above in _SIDES:
        x = point.x + right * aside * unit + _HALF[across] * wide
        y = point.y + above * aside * unit + _HALF[up] * tall
        how = {"ha": across, "va": up, "xytext": (right * aside, above * aside)}
        yield (point.x, point.y), shapely.box(*_box(x, y, wide, tall)), how


def _box(x: float, y: float, wide: float, tall: float) -> tuple[float, float, float, float]:
    return x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2
