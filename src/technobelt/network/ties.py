"""Tie points to roads: each to a position along a section, never to a junction.

A point may have several ties: the nearest road and, where that is one carriageway of a divided
road, the carriageway that goes the other way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.errors import CRSError, PointError
from technobelt.schema import ROAD_CLASSES, check_positions

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.model import Network

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]
    Shapes = NDArray[np.object_]

__all__ = [
    "MEDIAN_M",
    "Ties",
    "crosses_barrier",
    "direction_at",
    "legs_cross",
    "points_along",
    "startable",
    "tie_points",
    "tie_to_all",
]

#: How much farther than the nearest road the other carriageway may lie, m: a wide median.
MEDIAN_M = 60.0
#: Access legs may touch this much of generalised water before they count as crossing it, m.
WADE_M = 100.0
#: Sections mostly on bridges or in tunnels are no place to start from.
_STRUCTURE_SHARE = 0.5
_NO_START = [i for i, name in enumerate(ROAD_CLASSES) if name == "motorway" or "_link" in name]
_MOTORWAY = ROAD_CLASSES.index("motorway")


@dataclass(frozen=True, eq=False)
class Ties:
    """Positions along roads at which points join the network.

    Attributes
    ----------
    point
        int64 (k): which point, ascending; a point may have several ties or none.
    section
        int64 (k): section number.
    fraction
        float64 (k): position along the section, 0 at its u, 1 at its v.
    side
        int8 (k): 1 where the point lies to the left of the section's direction, -1 to the right.
    access_m
        float64 (k): length of the access leg.
    n
        Number of points.
    """

    point: Ints
    section: Ints
    fraction: Floats
    side: NDArray[np.int8]
    access_m: Floats
    n: int

    @property
    def tied(self) -> Mask:
        """Bool (n): which points have a tie."""
        return np.bincount(self.point, minlength=self.n) > 0

    def take(self, chosen: Mask | Ints) -> Ties:
        """Return only the chosen ties; the points keep their numbers."""
        return replace(
            self,
            point=self.point[chosen],
            section=self.section[chosen],
            fraction=self.fraction[chosen],
            side=self.side[chosen],
            access_m=self.access_m[chosen],
        )

    def of_point(self, number: int) -> Ties:
        """Return the ties of one point, which becomes number 0."""
        return self.of_points(number, number + 1)

    def of_points(self, begin: int, end: int) -> Ties:
        """Return the ties of the points from one number to before another, numbered from 0."""
        end = min(end, self.n)
        mine = self.take(np.flatnonzero((self.point >= begin) & (self.point < end)))
        return replace(mine, point=mine.point - begin, n=int(end - begin))


@lru_cache(maxsize=4)
def startable(network: Network) -> Mask:
    """Mark the sections where a trip may start or end; not to be written to.

    Motorways, ramps, and sections mostly on bridges or in tunnels are left out, and so is what is
    closed; where states of a network are compared, what is closed in any of them.
    """
    if network.ground is not None:
        return network.ground.start
    structure = network.roads["bridge"].to_numpy() + network.roads["tunnel"].to_numpy()
    barred = np.isin(network.road_class, _NO_START) | network.closed | network.ferry
    return np.asarray(~barred & (structure < _STRUCTURE_SHARE))


def tie_points(
    network: Network,
    points: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    max_access_m: float = 1000.0,
    sections: Mask | None = None,
    what: str = "points",
) -> Ties:
    """Tie points to the network.

    Parameters
    ----------
    network
        The roads.
    points
        Points in any CRS; other shapes are taken by a point inside them.
    max_access_m
        Longest access leg, m.
    sections
        bool (n): sections to use instead of those where trips may start; barriers do not count
        then.
    what
        What the points are, for messages.

    Returns
    -------
    Ties
        Points too far from any road, or parted from all by a barrier, have none.

    Raises
    ------
    CRSError
        The points have no CRS, or coordinates that do not fit it.
    PointError
        Not one point can be tied, or `max_access_m` is not above 0.
    """
    if not max_access_m > 0:
        raise PointError(f"max_access_m is {max_access_m}; it must be above 0 m. Give e.g. 1000.")
    xy = _in_metres(network, points, what)
    chosen = startable(network) if sections is None else sections
    ties = _tied_to(network, xy, chosen, max_access_m, walled=sections is None)
    if sections is None and network.ground is not None and not ties.tied.all():
        before = _tied_to(network, xy, network.ground.before, max_access_m, walled=True)
        ties = _joined(ties, before.take(~ties.tied[before.point]))
    if len(xy) and not ties.tied.any():
        raise PointError(_none_tied(network, points, what, max_access_m))
    return ties


def _tied_to(
    network: Network, xy: Shapes, sections: Mask, max_access_m: float, *, walled: bool
) -> Ties:
    usable = np.flatnonzero(sections)
    ties = _nearest(network, xy, sections, max_access_m)
    if walled:
        ties = _around_barriers(network, xy, usable, max_access_m, ties)
    return _with_other_carriageway(network, xy, usable, max_access_m, ties, walled=walled)


def tie_to_all(
    network: Network,
    points: gpd.GeoDataFrame,
    sections: Mask,
    *,
    reach_m: float,
    spread_m: float = 300.0,
    what: str = "points",
) -> Ties:
    """Tie points to every one of some sections that is about as near as the nearest.

    For points that stand for a place with several carriageways and slip lanes, such as an
    interchange: each trip takes the one that suits it.

    Parameters
    ----------
    network
        The roads.
    points
        Points in any CRS.
    sections
        bool (n): the sections in question.
    reach_m
        Farthest section, m.
    spread_m
        How much farther than the nearest the others may lie, m.
    what
        What the points are, for messages.

    Raises
    ------
    PointError
        Not one point lies within reach.
    """
    xy = _in_metres(network, points, what)
    usable = np.flatnonzero(sections)
    point, line = shapely.STRtree(network.lines[usable]).query(
        xy, predicate="dwithin", distance=reach_m
    )
    if not len(point):
        raise PointError(_none_tied(network, points, what, reach_m))
    section = usable[line]
    distance = shapely.distance(xy[point], network.lines[section])
    nearest = np.full(len(xy), np.inf)
    np.minimum.at(nearest, point, distance)
    whole = _of_whole_sections(network, point, section, distance)
    near = whole[distance[whole] <= nearest[point[whole]] + spread_m]
    known = network.known_as[section]
    chosen = near[np.lexsort((section[near], known[near], distance[near], point[near]))]
    return _ties_at(network, xy, point[chosen], section[chosen], distance[chosen])


def _of_whole_sections(network: Network, point: Ints, section: Ints, distance: Floats) -> Ints:
    """Return which candidates remain if of a section that was cut only the nearest part counts."""
    if network.parent is None:
        return np.arange(len(section))
    known = network.known_as[section]
    known = np.where(known < 0, -1 - section, known)
    order = np.lexsort((section, distance, known, point))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(point[order]) != 0) | (np.diff(known[order]) != 0)
    return np.sort(order[first])


def _in_metres(network: Network, points: gpd.GeoDataFrame | gpd.GeoSeries, what: str) -> Shapes:
    if points.crs is None:
        raise CRSError(f"the {what} have no coordinate reference system. Set one with set_crs().")
    check_positions(points, f"the {what}")
    shapes = points.geometry.to_crs(network.crs).to_numpy()
    if not (shapely.get_type_id(shapes) == shapely.GeometryType.POINT).all():
        shapes = shapely.point_on_surface(shapes)
    return np.asarray(shapes, dtype=object)


def _none_tied(
    network: Network,
    points: gpd.GeoDataFrame | gpd.GeoSeries,
    what: str,
    max_access_m: float,
) -> str:
    shapes = points.geometry.representative_point()
    first = shapes.to_crs(4326).iloc[0]
    who = (
        f"none of the {len(points)} {what}"
        if len(points) > 1
        else f"the {what.removesuffix('s')} does not"
    )
    lies = "lies" if len(points) > 1 else "lie"
    outside = ""
    if network.info.extent:
        extent = shapely.from_wkt(network.info.extent)
        if not shapely.intersects(extent, shapes.to_crs(network.crs).iloc[0]):
            outside = " It lies outside the network's area."
    return (
        f"{who} {lies} within {max_access_m:g} m of a road where a trip may start, without water "
        f"or a motorway between; the first is at {first.x:.5f},{first.y:.5f}.{outside} Correct the "
        "position, or raise max_access_m (--max-access-m)."
    )


def _nearest(network: Network, xy: Shapes, sections: Mask, max_access_m: float) -> Ties:
    tree, usable = _section_tree(network, sections.tobytes())
    found, distance = tree.query_nearest(xy, max_distance=max_access_m, return_distance=True)
    point, section = found[0], usable[found[1]]
    order = np.lexsort((section, network.known_as[section], point))  # equally near: the lowest
    first = order[np.diff(point[order], prepend=-1) > 0]
    return _ties_at(network, xy, point[first], section[first], distance[first])


@lru_cache(maxsize=4)
def _section_tree(network: Network, sections: bytes) -> tuple[Any, Ints]:
    """Return the spatial index of some sections, bool, and their numbers; the last few are kept."""
    usable = np.flatnonzero(np.frombuffer(sections, dtype=np.bool_))
    return shapely.STRtree(network.lines[usable]), usable


def _ties_at(network: Network, xy: Shapes, point: Ints, section: Ints, access_m: Floats) -> Ties:
    lines = network.lines[section]
    fraction = shapely.line_locate_point(lines, xy[point], normalized=True)
    return Ties(
        point=point.astype(np.int64),
        section=section.astype(np.int64),
        fraction=np.clip(fraction, 0.0, 1.0),
        side=_side(lines, fraction, xy[point]),
        access_m=np.asarray(access_m, dtype=np.float64),
        n=len(xy),
    )


def points_along(lines: Shapes, fraction: Floats, which: Ints | None = None) -> Floats:
    """Return points at fractions of lines, (k, 2); `which` says of which line, of all by default.

    All lines are laid end to end: one search then finds the pieces that the points lie on.
    """
    which = np.arange(len(lines)) if which is None else which
    xy, line = shapely.get_coordinates(lines, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0).T)
    step[np.diff(line) != 0] = 0.0  # from the end of one line to the start of the next
    done = np.concatenate([[0.0], np.cumsum(step)])
    first = np.searchsorted(line, np.arange(len(lines) + 1))
    begin, end = done[first[:-1]], done[first[1:] - 1]
    at = begin[which] + fraction * (end - begin)[which]
    piece = np.clip(np.searchsorted(done, at, side="right") - 1, first[which], first[which + 1] - 2)
    length = step[piece]
    part = np.divide(at - done[piece], length, out=np.zeros(len(at)), where=length > 0)
    return np.asarray(xy[piece] + (xy[piece + 1] - xy[piece]) * part[:, None])


def direction_at(lines: Shapes, fraction: Floats, which: Ints | None = None) -> Floats:
    """Return unit vectors along lines at fractions, (k, 2), over 5 m to either side.

    `which` is that of `points_along`.
    """
    step = np.minimum(5.0 / np.maximum(shapely.length(lines), 1e-9), 0.5)
    step = step if which is None else step[which]
    low, high = np.clip(fraction - step, 0, 1), np.clip(fraction + step, 0, 1)
    along = points_along(lines, high, which) - points_along(lines, low, which)
    # where a line turns back on itself both ends are one point, to a ten-millionth of a metre
    return np.asarray(along / np.maximum(np.hypot(*along.T), 1e-3)[:, None])


def _side(lines: Shapes, fraction: Floats, points: Shapes) -> NDArray[np.int8]:
    if not len(lines):
        return np.zeros(0, dtype=np.int8)
    foot = shapely.line_interpolate_point(lines, fraction, normalized=True)
    away = shapely.get_coordinates(points) - shapely.get_coordinates(foot)
    along = direction_at(lines, fraction)
    return np.sign(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0]).astype(np.int8)


def _around_barriers(
    network: Network, xy: Shapes, usable: Ints, max_access_m: float, ties: Ties
) -> Ties:
    """Tie points whose leg would cross a barrier to the nearest road on their own side."""
    blocked = crosses_barrier(network, xy[ties.point], _feet(network, ties))
    if not blocked.any():
        return ties
    stuck = ties.point[blocked]
    free = _first_free(network, xy, stuck, usable, max_access_m)
    return _joined(ties.take(~blocked), free)


def _first_free(
    network: Network, xy: Shapes, stuck: Ints, usable: Ints, max_access_m: float
) -> Ties:
    tree = shapely.STRtree(network.lines[usable])
    which, line = tree.query(xy[stuck], predicate="dwithin", distance=max_access_m)
    point, section = stuck[which], usable[line]
    distance = shapely.distance(xy[point], network.lines[section])
    order = np.lexsort((section, network.known_as[section], distance, point))
    near = _ties_at(network, xy, point[order], section[order], distance[order])
    near = near.take(~crosses_barrier(network, xy[near.point], _feet(network, near)))
    first = np.ones(len(near.point), dtype=bool)
    first[1:] = near.point[1:] != near.point[:-1]
    return near.take(first)


def _feet(network: Network, ties: Ties) -> Shapes:
    lines = network.lines[ties.section]
    return np.asarray(shapely.line_interpolate_point(lines, ties.fraction, normalized=True))


def crosses_barrier(network: Network, start: Shapes, end: Shapes) -> Mask:
    """Tell which access legs between points cross a barrier, see `legs_cross`."""
    return legs_cross(network, shapely.get_coordinates(start), shapely.get_coordinates(end))


def legs_cross(network: Network, start: Floats, end: Floats) -> Mask:
    """Tell which access legs cross a motorway, or more than `WADE_M` of water.

    Parameters
    ----------
    start, end
        float64 (k, 2): metres, CRS of the network.
    """
    pairs = np.stack([start, end], axis=1)
    legs = np.asarray(shapely.linestrings(pairs), dtype=object)
    crossed: Mask = np.zeros(len(legs), dtype=np.bool_)
    if len(network.motorways):
        leg, _ = network.motorway_tree.query(legs, predicate="intersects")
        crossed[leg] = True
    if len(network.barriers):
        long = np.flatnonzero(~crossed & (np.hypot(*(end - start).T) > WADE_M))
        crossed[long] = _water_m(network, legs[long]) > WADE_M
    return crossed


def _water_m(network: Network, legs: Shapes) -> Floats:
    """Return how many metres of each leg lie in water."""
    leg, wet = network.barrier_tree.query(legs, predicate="intersects")
    inside = shapely.length(shapely.intersection(legs[leg], network.barriers[wet]))
    return np.bincount(leg, weights=inside, minlength=len(legs)).astype(np.float64)


def _with_other_carriageway(
    network: Network, xy: Shapes, usable: Ints, max_access_m: float, ties: Ties, *, walled: bool
) -> Ties:
    """Add the opposite carriageway to ties on a divided road."""
    one_way = network.one_way
    divided = ties.take(one_way[ties.section])
    others = usable[one_way[usable]]
    if not len(divided.point) or not len(others):
        return ties
    tree = shapely.STRtree(network.lines[others])
    reach = np.minimum(divided.access_m + MEDIAN_M, max_access_m)
    which, line = tree.query(xy[divided.point], predicate="dwithin", distance=reach)
    point, section = divided.point[which], others[line]
    distance = shapely.distance(xy[point], network.lines[section])
    whole = _of_whole_sections(network, which, section, distance)
    which, near = which[whole], _ties_at(network, xy, point, section, distance).take(whole)
    opposed = _opposed(network, divided, near, which)
    if walled:
        opposed &= ~crosses_barrier(network, xy[near.point], _feet(network, near))
    near = near.take(opposed)
    known = network.known_as[near.section]
    near = near.take(np.lexsort((near.section, known, near.access_m, near.point)))
    first = np.ones(len(near.point), dtype=bool)
    first[1:] = near.point[1:] != near.point[:-1]
    return _joined(ties, near.take(first))


def _opposed(network: Network, own: Ties, near: Ties, which: Ints) -> Mask:
    """Tell which ties are driven against the direction of the point's own."""
    travel = []
    for ties in (own, near):
        along = direction_at(network.lines[ties.section], ties.fraction)
        backward = network.arcs_of[ties.section, 0] < 0
        travel.append(np.where(backward[:, None], -along, along))
    cosine = (travel[0][which] * travel[1]).sum(axis=1)
    return np.asarray(cosine < -0.7)  # within 45 degrees of straight against


def _joined(one: Ties, two: Ties) -> Ties:
    point = np.concatenate([one.point, two.point])
    access = np.concatenate([one.access_m, two.access_m])
    section = np.concatenate([one.section, two.section])
    order = np.lexsort((section, access, point))
    return Ties(
        point=point[order],
        section=section[order],
        fraction=np.concatenate([one.fraction, two.fraction])[order],
        side=np.concatenate([one.side, two.side])[order],
        access_m=access[order],
        n=one.n,
    )
