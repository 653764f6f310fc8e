"""Where lines meet: ends snapped to each other, vertices that lines share, crossings split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Shapes = list[NDArray[np.float64]]

__all__ = ["Joined", "join_ends", "split_at_crossings"]

#: Vertices nearer than this are on one spot: a millimetre, as fine as files keep.
_SAME_M = 1e-3
#: Interior vertices near an end that are looked at to find one of another line.
_NEIGHBOURS = 8


@dataclass(frozen=True)
class Joined:
    """Lines whose vertices have numbers: the same number is the same place and a connection.

    Attributes
    ----------
    counts
        int64 (n): vertices of each line.
    node
        int64 (m): the vertices' numbers.
    xy
        float64 (m, 2): metres; ends that were snapped lie on one spot.
    ends_snapped
        Ends that did not lie exactly where they were joined.
    dead_ends
        Ends at which no other line, nor the line itself, ends or passes.
    meetings
        Places where two lines meet.
    open_touches
        Ends that touch another line between its vertices, where no junction was made.
    open_crossings
        Pairs of lines that cross without a junction.
    nearest_m
        Distance of the two nearest ends of different lines that were not joined, m.
    """

    counts: NDArray[np.int64]
    node: NDArray[np.int64]
    xy: NDArray[np.float64]
    ends_snapped: int
    dead_ends: int
    meetings: int
    open_touches: int
    open_crossings: int
    nearest_m: float

    def told(self) -> dict[str, Any]:
        """Return the numbers for the report."""
        names = ("ends_snapped", "dead_ends", "open_touches", "open_crossings")
        return {name: getattr(self, name) for name in names}


def join_ends(lines: Shapes, snap_m: float) -> Joined:
    """Join ends to ends, and to vertices of other lines, within a distance.

    Vertices inside lines are joined where they lie on one spot. Ends are joined in chains: each is
    within the distance of another one, not of all.

    Parameters
    ----------
    lines
        float64 (k, 2) each: metres.
    snap_m
        The distance.

    Examples
    --------
    >>> joined = join_ends([np.array([[0, 0], [9, 0]]), np.array([[9.5, 0], [20.0, 0]])], 1.0)
    >>> joined.node.tolist(), joined.ends_snapped, joined.dead_ends
    ([0, 1, 1, 2], 2, 2)
    """
    counts = np.array([len(line) for line in lines], dtype=np.int64)
    xy = np.concatenate(lines)
    line = np.repeat(np.arange(len(lines)), counts)
    stop = np.cumsum(counts)
    is_end = np.zeros(len(xy), dtype=bool)
    is_end[stop - 1] = is_end[stop - counts] = True
    links = [_on_one_spot(xy), _near_ends(xy, is_end, snap_m), _ends_on(xy, line, is_end, snap_m)]
    pairs = np.concatenate(links)
    graph = coo_array(
        (np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(xy),) * 2
    )
    _, group = connected_components(graph.tocsr(), directed=False)
    _, node = np.unique(group, return_inverse=True)
    _, first = np.unique(node, return_index=True)
    node = np.argsort(np.argsort(first))[node]  # numbered as they come
    moved, place = _moved(xy, node, is_end)
    uses = np.bincount(node) + np.bincount(node[~is_end], minlength=node.max() + 1)
    by_line = np.unique(np.stack([node, line], axis=1), axis=0)[:, 0]
    dead = is_end & (uses[node] == 1)
    touches, crossings = _open(lines, xy, line, node, dead, snap_m)
    return Joined(
        counts=counts,
        node=node.astype(np.int64),
        xy=place,
        ends_snapped=int((moved & is_end).sum()),
        dead_ends=int(dead.sum()),
        meetings=int((np.bincount(by_line) > 1).sum()),
        open_touches=touches,
        open_crossings=crossings,
        nearest_m=_nearest(xy[is_end], line[is_end]),
    )


def _on_one_spot(xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Pair vertices that are on one spot."""
    spots, first, which = np.unique(xy, axis=0, return_index=True, return_inverse=True)
    same = np.stack([np.arange(len(xy)), first[which.ravel()]], axis=1)
    close = cKDTree(spots).query_pairs(2 * _SAME_M, output_type="ndarray")
    return np.concatenate([same, first[close].reshape(-1, 2)])


def _near_ends(
    xy: NDArray[np.float64], is_end: NDArray[np.bool_], snap_m: float
) -> NDArray[np.int64]:
    ends = np.flatnonzero(is_end)
    spots, first = np.unique(np.round(xy[ends] / _SAME_M), axis=0, return_index=True)
    if snap_m <= 0 or len(spots) < 2:
        return np.empty((0, 2), dtype=np.int64)
    pairs = cKDTree(xy[ends[first]]).query_pairs(snap_m, output_type="ndarray")
    return np.asarray(ends[first][pairs], dtype=np.int64).reshape(-1, 2)


def _ends_on(
    xy: NDArray[np.float64], line: NDArray[np.int64], is_end: NDArray[np.bool_], snap_m: float
) -> NDArray[np.int64]:
    """Pair each end with the nearest vertex inside another line, if it is near enough."""
    inside, ends = np.flatnonzero(~is_end), np.flatnonzero(is_end)
    none = np.empty((0, 2), dtype=np.int64)
    if snap_m <= 0 or not len(inside):
        return none
    k = min(_NEIGHBOURS, len(inside))
    near = cKDTree(xy[inside]).query(xy[ends], k=k, distance_upper_bound=snap_m)
    gap, at = (np.reshape(values, (len(ends), k)) for values in near)
    found = np.isfinite(gap)
    other = inside[np.where(found, at, 0)]
    found &= line[other] != line[ends][:, None]
    best = found.argmax(axis=1)
    rows = np.flatnonzero(found.any(axis=1))
    return np.stack([ends[rows], other[rows, best[rows]]], axis=1)


def _moved(
    xy: NDArray[np.float64], node: NDArray[np.int64], is_end: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which vertices were not on one spot with those joined to them, and where all go.

    To a vertex inside a line, if there is one, so that the line stays as it is; else to the middle.
    """
    n = int(node.max()) + 1
    count = np.bincount(node, minlength=n)
    middle = np.stack(
        [np.bincount(node, weights=axis, minlength=n) / count for axis in xy.T], axis=1
    )
    inside = np.flatnonzero(~is_end)[::-1]
    middle[node[inside]] = xy[inside]
    place = middle[node]
    moved = np.hypot(*(place - xy).T) > _SAME_M
    return moved, np.where(moved[:, None], place, xy)


def _nearest(xy: NDArray[np.float64], line: NDArray[np.int64]) -> float:
    if len(np.unique(line)) < 2:
        return float("inf")
    gap, at = (np.asarray(values) for values in cKDTree(xy).query(xy, k=min(3, len(xy))))
    return float(np.where(line[at] == line[:, None], np.inf, gap).min())


def _open(
    lines: Shapes,
    xy: NDArray[np.float64],
    line: NDArray[np.int64],
    node: NDArray[np.int64],
    dead: NDArray[np.bool_],
    snap_m: float,
) -> tuple[int, int]:
    """Count dead ends on another line, and pairs of lines that cross without a common vertex."""
    shapes = np.array([shapely.LineString(points) for points in lines], dtype=object)
    tree = shapely.STRtree(shapes)
    at = np.flatnonzero(dead)
    end, other = tree.query(shapely.points(xy[at]), predicate="dwithin", distance=snap_m)
    touches = len(np.unique(at[end[line[at[end]] != other]]))
    one, two = tree.query(shapes, predicate="crosses")
    one, two = one[one < two], two[one < two]
    joined = _share_node(line, node)
    crossings = sum((a, b) not in joined for a, b in zip(one.tolist(), two.tolist(), strict=True))
    return touches, crossings


def _share_node(line: NDArray[np.int64], node: NDArray[np.int64]) -> set[tuple[int, int]]:
    """Return the pairs of lines that meet somewhere."""
    pairs = np.unique(np.stack([node, line], axis=1), axis=0)
    found = set()
    for group in np.split(pairs[:, 1], np.flatnonzero(np.diff(pairs[:, 0])) + 1):
        met = group.tolist()
        found |= {(a, b) for i, a in enumerate(met) for b in met[i + 1 :]}
    return found


def split_at_crossings(lines: Shapes, snap_m: float, notes: dict[str, Any]) -> Shapes:
    """Give lines a common vertex wherever they cross, overlap or nearly touch.

    Parameters
    ----------
    lines
        float64 (k, 2) each: metres.
    snap_m
        An end as near as this to a line touches it.
    notes
        The number of vertices added goes here.

    Returns
    -------
    list of float64 (k, 2)
        With more vertices.

    Examples
    --------
    >>> cross = [np.array([[0, 5], [9, 5.0]]), np.array([[4, 0], [4, 9.0]])]
    >>> [line.tolist() for line in split_at_crossings(cross, 1.0, {})]
    [[[0.0, 5.0], [4.0, 5.0], [9.0, 5.0]], [[4.0, 0.0], [4.0, 5.0], [4.0, 9.0]]]
    """
    shapes = np.array([shapely.LineString(points) for points in lines], dtype=object)
    tree = shapely.STRtree(shapes)
    added: dict[int, list[Any]] = {}
    one, two = tree.query(shapes, predicate="intersects")
    one, two = one[one < two], two[one < two]
    met = shapely.intersection(shapes[one], shapes[two])
    for a, b, shape in zip(one.tolist(), two.tolist(), met, strict=True):
        spots = shapely.get_coordinates(shape)  # of an overlap, its ends and bends
        added.setdefault(a, []).append(spots)
        added.setdefault(b, []).append(spots)
    ends = np.concatenate([[line[0], line[-1]] for line in lines])
    points = np.asarray(shapely.points(ends), dtype=object)
    end, other = tree.query(points, predicate="dwithin", distance=snap_m)
    apart = end // 2 != other
    end, other = end[apart], other[apart]
    feet = shapely.line_interpolate_point(
        shapes[other], shapely.line_locate_point(shapes[other], points[end])
    )
    for b, spot in zip(other.tolist(), shapely.get_coordinates(feet), strict=True):
        added.setdefault(b, []).append(spot[None])
    result = [_with(line, added.get(i)) for i, line in enumerate(lines)]
    notes["crossings_split"] = sum(map(len, result)) - sum(map(len, lines))
    return result


def _with(line: NDArray[np.float64], spots: list[Any] | None) -> NDArray[np.float64]:
    """Return a line with more vertices, each at its place along it."""
    if not spots:
        return line
    new = np.unique(np.round(np.concatenate(spots) / _SAME_M) * _SAME_M, axis=0)
    gap, _ = cKDTree(line).query(new)
    new = new[gap > _SAME_M]
    if not len(new):
        return line
    shape = shapely.LineString(line)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = shapely.line_locate_point(shape, shapely.points(new))
    order = np.argsort(np.concatenate([along, at]), kind="stable")
    return np.concatenate([line, new])[order]
