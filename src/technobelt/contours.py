"""Outlines of what lies within a level on a grid, as polygons.

Each cell between four values holds one straight piece of outline at most, or two where the level
runs through a saddle (marching squares). Every other point of an outline is then left out where
the line hardly bends, unless a saddle is near: what replaces it stays in two cells that hold no
other piece, so that outlines never cross, whatever is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.rasters import Grid

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["polygons_within"]

#: Points nearer than this share of a cell to the line without them are left out.
_FLAT = 0.1
#: Values nearer than this to the level, as a share of the blur, are taken for just within it:
#: outlines keep a distance from the corners of cells, and from each other, of centimetres at least.
_NO_TIE = 1e-3


class _Rings(NamedTuple):
    """Closed rings one after another: points, where rings begin, of which group each is."""

    xy: Floats
    begin: Ints
    group: Ints


def polygons_within(grid: Grid, values: Floats, level: float, blur: float) -> Any:
    """Return where values are at most a level, as one MultiPolygon with holes.

    Parameters
    ----------
    grid
        Where the values lie.
    values
        float64 (rows, columns); infinite where there are none.
    level
        The outline follows this value, interpolated between the cells' centres, to a tenth of a
        cell.
    blur
        Values farther than this from the level count as this far, so that a cell without a road
        or with a much longer way next door draws the outline half way, not to its own edge.

    Returns
    -------
    shapely.MultiPolygon
        Valid; empty where no value is within the level.

    Examples
    --------
    >>> from technobelt.rasters import Grid
    >>> values = np.array([[9.0, 9.0, 9.0], [9.0, 1.0, 9.0], [9.0, 9.0, 9.0]])
    >>> polygons_within(Grid(0.0, 300.0, 100.0, 3, 3), values, 5.0, 4.0).area
    5000.0...
    """
    from contourpy import FillType, contour_generator

    x, y, framed = _framed(grid, values, level, blur)
    contours = contour_generator(x, y, framed, fill_type=FillType.OuterOffset)
    filled: Any = contours.filled(level - 2 * blur, level)
    if not filled[0]:
        return shapely.MultiPolygon()
    rings = _rings(*filled)
    bends = _bends(rings, _cells(rings, x, y, grid.cell_m), _FLAT * grid.cell_m)
    return shapely.multipolygons(_polygons(rings, bends))


def _framed(grid: Grid, values: Floats, level: float, blur: float) -> tuple[Floats, Floats, Floats]:
    """Return columns, rows and values with a frame around them that is beyond the level."""
    bounded = np.fmax(np.fmin(values, level + blur), level - blur)  # what is no number, beyond it
    bounded[np.abs(bounded - level) < _NO_TIE * blur] = level - _NO_TIE * blur
    x = np.concatenate([[grid.x[0] - grid.cell_m], grid.x, [grid.x[-1] + grid.cell_m]])
    y = np.concatenate([[grid.y[0] + grid.cell_m], grid.y, [grid.y[-1] - grid.cell_m]])
    return x, y, np.pad(bounded, 1, constant_values=level + blur)


def _rings(points: list[Any], offsets: list[Any]) -> _Rings:
    """Lay contourpy's rings end to end; in each group the first is a shell, the rest its holes."""
    sizes = np.concatenate([np.diff(offset) for offset in offsets]).astype(np.int64)
    counts = [len(offset) - 1 for offset in offsets]
    begin = np.concatenate([[0], np.cumsum(sizes)])
    return _Rings(np.concatenate(points), begin, np.repeat(np.arange(len(counts)), counts))


def _cells(rings: _Rings, x: Floats, y: Floats, cell_m: float) -> Ints:
    """Return the cell that the piece from each point to the next lies in; the last have none."""
    middle = (rings.xy[:-1] + rings.xy[1:]) / 2
    column = np.floor((middle[:, 0] - x[0]) / cell_m).astype(np.int64)
    row = np.floor((y[0] - middle[:, 1]) / cell_m).astype(np.int64)
    cell = np.append(row * len(x) + column, -1)
    cell[rings.begin[1:] - 1] = -1
    return cell


def _bends(rings: _Rings, cell: Ints, flat_m: float) -> Mask:
    """Return which points stay: ends of rings, bends, points near saddles, every other one."""
    alone = np.append(np.bincount(cell[cell >= 0]) == 1, False)[cell]  # the last ones have none
    spare = np.zeros(len(cell), dtype=np.bool_)
    spare[1:-1] = alone[:-2] & alone[1:-1] & (_rise_m(rings.xy) <= flat_m)
    number = np.arange(len(cell))
    stays = np.maximum.accumulate(np.where(spare, -1, number))  # the last one that must
    return np.asarray((number - stays) % 2 == 0)


def _rise_m(xy: Floats) -> Floats:
    """Return how far each point but the ends lies from the line between its neighbours."""
    chord, arm = xy[2:] - xy[:-2], xy[1:-1] - xy[:-2]
    across = np.abs(chord[:, 0] * arm[:, 1] - chord[:, 1] * arm[:, 0])
    return np.asarray(across / np.maximum(np.hypot(*chord.T), 1e-9))


def _polygons(rings: _Rings, stays: Mask) -> NDArray[np.object_]:
    """Make polygons of the points that stay; rings of which nothing is left are left out."""
    ring = np.repeat(np.arange(len(rings.group)), np.diff(rings.begin))[stays]
    whole = np.bincount(ring, minlength=len(rings.group)) > 3
    is_shell = np.diff(rings.group, prepend=-1) > 0
    whole &= whole[is_shell][rings.group]
    mine = whole[ring]
    lines: Any = shapely.linearrings(
        rings.xy[stays][mine], indices=np.unique(ring[mine], return_inverse=True)[1]
    )
    group = rings.group[whole]
    pieces = np.split(lines, np.flatnonzero(np.diff(group)) + 1)
    return np.array(
        [shapely.polygons(piece[0], piece[1:]) for piece in pieces if len(piece)], dtype=object
    )
