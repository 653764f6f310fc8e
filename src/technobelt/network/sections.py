"""Ways -> sections: break at junctions, drop what is cut off, contract chains of degree two.

A section is homogeneous in class, ref, directions, posted limit and opening date. Carriageways and
ramps are never merged: only a vertex where exactly two like pieces meet end to end disappears.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.network.ways import Ways

__all__ = [
    "Pieces",
    "Sections",
    "break_ways",
    "contract",
    "cut_at_barriers",
    "cut_service_roads",
    "largest_part",
    "parts",
]

_MOTORWAYS = [ROAD_CLASSES.index("motorway"), ROAD_CLASSES.index("motorway_link")]
_SERVICE = ROAD_CLASSES.index("service")

# WGS 84
_A_M = 6378137.0
_E2 = 0.00669437999014


@dataclass(frozen=True)
class Pieces:
    """Stretches of ways between junctions, before chains are contracted.

    Attributes
    ----------
    tail, head
        int64 (n): node at each end, in the way's own direction.
    first, last
        int64 (n): positions of the end vertices in the ways' flat arrays.
    way
        int64 (n): the way it is part of.
    length_m
        float64 (n): along the full shape, on the ellipsoid.
    wait_s
        float64 (n): seconds besides driving, half of those at its ends; all of them on a ferry.
    n_nodes
        Number of nodes.
    """

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    way: NDArray[np.int64]
    length_m: NDArray[np.float64]
    wait_s: NDArray[np.float64]
    n_nodes: int

    def __len__(self) -> int:
        """Return the number of pieces."""
        return len(self.tail)

    def take(self, chosen: NDArray[np.bool_]) -> Pieces:
        """Return only the chosen pieces."""
        return Pieces(
            tail=self.tail[chosen],
            head=self.head[chosen],
            first=self.first[chosen],
            last=self.last[chosen],
            way=self.way[chosen],
            length_m=self.length_m[chosen],
            wait_s=self.wait_s[chosen],
            n_nodes=self.n_nodes,
        )


@dataclass(frozen=True)
class Sections:
    """Contracted chains: one row a section, and its full shape in degrees.

    ``table`` has ``tail``, ``head`` (node numbers), ``road_class`` (code), ``forward``,
    ``backward``, ``limit_kph``, ``ref``, ``name``, ``opened``, ``opened_ev``, ``length_m``,
    ``bridge`` and ``tunnel`` (shares of the length), ``wait_s`` and ``ferry``.
    """

    table: pd.DataFrame
    lonlat: NDArray[np.float64]
    vertex_section: NDArray[np.int64]


def segment_lengths_m(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the length of each step between consecutive vertices, on the WGS 84 ellipsoid.

    By the radii of curvature at the middle latitude: within a millionth of the geodesic for steps
    under ten kilometres.

    Examples
    --------
    >>> segment_lengths_m(np.array([[128.0, 35.0], [128.0, 35.01]])).round(2)
    array([1109.41])
    """
    lon, lat = np.radians(lonlat[:, 0]), np.radians(lonlat[:, 1])
    middle = (lat[1:] + lat[:-1]) / 2
    w2 = 1 - _E2 * np.sin(middle) ** 2
    north = _A_M * (1 - _E2) / w2**1.5 * np.diff(lat)
    east = _A_M / np.sqrt(w2) * np.cos(middle) * np.diff(lon)
    return np.hypot(north, east)


def cut_service_roads(ways: Ways) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Part service roads from the motorways and ramps that they touch.

    Rest areas and staff gates are no way in or out.

    Returns
    -------
    node
        int64 (m): the vertices' ids, new ones where a service road was cut off.
    places
        float64 (k, 2): longitude and latitude of each cut.
    """
    on_motorway = ways.vertices_of(np.isin(ways.road_class, _MOTORWAYS))
    on_service = ways.vertices_of(ways.road_class == _SERVICE)
    cut = on_service & np.isin(ways.node, np.unique(ways.node[on_motorway]))
    node = ways.node.copy()
    node[cut] = node.max() + 1 + np.arange(cut.sum())
    _, once = np.unique(ways.node[cut], return_index=True)
    return node, ways.lonlat[cut][once]


def cut_at_barriers(ways: Ways) -> tuple[Ways, NDArray[np.float64]]:
    """Part ways where a barrier lets no car through.

    Returns
    -------
    ways
        The same, in two where a barrier stands inside one, and not joined at barriers.
    places
        float64 (k, 2): longitude and latitude of each barrier.
    """
    cut = np.isin(ways.node, ways.stops.node[np.isinf(ways.stops.seconds)])
    _, once = np.unique(ways.node[cut], return_index=True)
    places = ways.lonlat[cut][once]
    if not cut.any():
        return ways, places
    inside = cut.copy()
    inside[ways.start[:-1]] = inside[ways.start[1:] - 1] = False
    times = 1 + inside
    vertex = np.repeat(np.arange(len(cut)), times)
    after = np.cumsum(times)
    begins = np.sort(np.concatenate([(after - times)[ways.start[:-1]], (after - 1)[inside]]))
    of = np.searchsorted(ways.start, vertex[begins], side="right") - 1
    node, barred = ways.node[vertex], cut[vertex]
    node[barred] = node.max() + 1 + np.arange(barred.sum())
    by_way = {name: values[of] for name, values in ways.by_way().items()}
    start = np.append(begins, len(vertex))
    return replace(ways, start=start, node=node, lonlat=ways.lonlat[vertex], **by_way), places


def break_ways(ways: Ways, node: NDArray[np.int64]) -> Pieces:
    """Break ways where they end or meet.

    Parameters
    ----------
    ways
        From `read_ways`.
    node
        int64 (m): the vertices' ids, e.g. from `cut_service_roads`.
    """
    _, number = np.unique(node, return_inverse=True)
    ends = np.zeros(len(node), dtype=bool)
    ends[ways.start[:-1]] = ends[ways.start[1:] - 1] = True
    uses = np.bincount(number) + np.bincount(number[ends], minlength=number.max() + 1)
    at = np.flatnonzero((uses >= 2)[number])
    way = np.searchsorted(ways.start, at, side="right") - 1
    same = way[1:] == way[:-1]
    first, last = at[:-1][same], at[1:][same]
    along = np.concatenate([[0.0], np.cumsum(segment_lengths_m(ways.lonlat))])
    of = way[:-1][same]
    length = along[last] - along[first]
    wait = _stops_between(ways, first, last)
    if ways.ferry_s is not None:
        whole = along[ways.start[1:] - 1] - along[ways.start[:-1]]
        share = np.divide(length, whole[of], out=np.ones_like(length), where=whole[of] > 0)
        wait = np.where(np.isnan(ways.ferry_s[of]), wait, ways.ferry_s[of] * share)
    pieces = Pieces(
        tail=number[first],
        head=number[last],
        first=first,
        last=last,
        way=of,
        length_m=length if ways.stretch is None else length * ways.stretch[of],
        wait_s=wait,
        n_nodes=int(number.max()) + 1,
    )
    return pieces.take((pieces.tail != pieces.head) | (pieces.length_m > 0))


def _stops_between(
    ways: Ways, first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the seconds of stops from vertex to vertex, half of those at its ends.

    Whoever drives on over an end pays the other half there: a stop is paid once, wherever ways
    break.
    """
    seconds = np.zeros(len(ways.node))
    order = np.argsort(ways.stops.node)
    known, costs = ways.stops.node[order], ways.stops.seconds[order]
    if not len(known):
        return np.zeros(len(first))
    at = np.minimum(np.searchsorted(known, ways.node), len(known) - 1)
    here = (known[at] == ways.node) & np.isfinite(costs[at])
    seconds[here] = costs[at[here]]
    so_far = np.cumsum(seconds)
    return so_far[last] - so_far[first] + (seconds[first] - seconds[last]) / 2


def parts(pieces: Pieces) -> int:
    """Count the parts that no road joins, whichever way roads are driven."""
    links = coo_array(
        (np.ones(len(pieces), dtype=np.int8), (pieces.tail, pieces.head)),
        shape=(pieces.n_nodes, pieces.n_nodes),
    )
    _, part = connected_components(links.tocsr(), directed=False)
    return len(np.unique(part[pieces.tail]))


def largest_part(pieces: Pieces, ways: Ways) -> NDArray[np.bool_]:
    """Mark the pieces of the largest strongly connected part.

    None where all roads are one-way and lead nowhere. Whatever is left out could not be driven to,
    or not be driven away from.
    """
    forward, backward = ways.forward[pieces.way], ways.backward[pieces.way]
    tail = np.concatenate([pieces.tail[forward], pieces.head[backward]])
    head = np.concatenate([pieces.head[forward], pieces.tail[backward]])
    links = coo_array(
        (np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(pieces.n_nodes, pieces.n_nodes)
    )
    _, part = connected_components(links.tocsr(), directed=True, connection="strong")
    tail_part = part[pieces.tail]
    inside = tail_part == part[pieces.head]
    if not inside.any():
        return np.asarray(inside)
    main = np.bincount(tail_part[inside]).argmax()
    return np.asarray(inside & (tail_part == main))


def contract(pieces: Pieces, ways: Ways) -> Sections:
    """Join chains of like pieces into sections."""
    order, start = _chains(pieces, _like(pieces, ways), ways)
    piece, turned = order >> 1, (order & 1).astype(bool)
    chain = np.repeat(np.arange(len(start) - 1), np.diff(start))
    table = _attributes(pieces, ways, piece, chain, start)
    ends_tail = np.where(turned, pieces.head[piece], pieces.tail[piece])
    ends_head = np.where(turned, pieces.tail[piece], pieces.head[piece])
    table["tail"], table["head"] = ends_tail[start[:-1]], ends_head[start[1:] - 1]
    lead = turned[start[:-1]]
    forward, backward = table["forward"].to_numpy(), table["backward"].to_numpy()
    table["forward"], table["backward"] = (
        np.where(lead, backward, forward),
        np.where(lead, forward, backward),
    )
    vertex, vertex_section = _vertices(pieces, piece, turned, chain, start)
    return Sections(table, ways.lonlat[vertex], vertex_section)


def _like(pieces: Pieces, ways: Ways) -> NDArray[np.int64]:
    """Give each piece the number of its kind: like numbers may be joined."""
    keys = pd.DataFrame(
        {
            "class": ways.road_class,
            "ref": ways.ref,
            "two_way": ways.forward & ways.backward,
            "limit": ways.limit_kph,
            "opened": ways.opened,
            "opened_ev": ways.opened_ev,
            "ferry": _on_ferry(ways),
        }
    )
    kind = keys.groupby(list(keys.columns), dropna=False).ngroup().to_numpy()
    return kind.astype(np.int64)[pieces.way]


def _on_ferry(ways: Ways) -> NDArray[np.bool_]:
    if ways.ferry_s is None:
        return np.zeros(len(ways), dtype=bool)
    return ~np.isnan(ways.ferry_s)


def _chains(
    pieces: Pieces, kind: NDArray[np.int64], ways: Ways
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order the half-pieces of every chain.

    Half-piece 2p is piece p in its own direction, 2p + 1 the other way round. Each half-piece's
    successor at its head is known where the two may be joined; doubling the successors finds every
    chain's end and each half-piece's distance from it, without walking.

    Returns
    -------
    order
        int64: half-pieces, chain after chain.
    start
        int64: where each chain begins in `order`.
    """
    n = len(pieces)
    tail = np.stack([pieces.tail, pieces.head], axis=1).ravel()
    drives = np.stack([ways.forward[pieces.way], ways.backward[pieces.way]], axis=1).ravel()
    follower = _followers(tail, kind, drives, pieces.n_nodes)
    end, steps = _run_to_the_end(follower)
    comes_from = np.zeros(2 * n, dtype=bool)
    comes_from[follower[follower >= 0]] = True
    starts = np.flatnonzero(~comes_from & (end >= 0))
    # a chain is found twice, once each way; keep the one driven forward, then the lower number
    other = end[starts] ^ 1
    prefer = drives[starts] & ~drives[starts ^ 1]
    keep = prefer | ((drives[starts] == drives[starts ^ 1]) & (starts <= other))
    length = steps[starts[keep]] + 1
    chosen = starts[keep]
    start = np.concatenate([[0], np.cumsum(length)])
    order = np.empty(start[-1], dtype=np.int64)
    at, here, left = start[:-1].copy(), chosen, length.copy()
    while len(here):
        order[at] = here
        on = left > 1
        at, here, left = at[on] + 1, follower[here[on]], left[on] - 1
    return _with_rings(order, start, pieces)


def _followers(
    tail: NDArray[np.int64], kind: NDArray[np.int64], drives: NDArray[np.bool_], n_nodes: int
) -> NDArray[np.int64]:
    """Return the half-piece that continues each half-piece, or -1."""
    half = np.arange(len(tail))
    leaving = np.argsort(tail, kind="stable")
    count = np.bincount(tail, minlength=n_nodes)
    begin = np.concatenate([[0], np.cumsum(count)[:-1]])
    two = np.flatnonzero(count == 2)
    a, b = leaving[begin[two]], leaving[begin[two] + 1]
    # a arrives as a ^ 1 and goes on as b; both must be alike and driven the same way through
    same = (kind[a >> 1] == kind[b >> 1]) & (a >> 1 != b >> 1)
    through = (drives[a ^ 1] == drives[b]) & (drives[a] == drives[b ^ 1])
    a, b = a[same & through], b[same & through]
    follower = np.full(len(half), -1, dtype=np.int64)
    follower[a ^ 1], follower[b ^ 1] = b, a
    return follower


def _run_to_the_end(
    follower: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each half-piece's last follower and the steps to it; -1 on a ring."""
    half = np.arange(len(follower))
    end = np.where(follower >= 0, follower, half)
    steps = (follower >= 0).astype(np.int64)
    for _ in range(len(follower).bit_length()):
        if (end[end] == end).all():
            break
        steps = steps + steps[end]
        end = end[end]
    return np.where(follower[end] < 0, end, -1), steps


def _with_rings(
    order: NDArray[np.int64], start: NDArray[np.int64], pieces: Pieces
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Append the pieces of closed rings, which have no end to start from, each as its own."""
    left = np.setdiff1d(np.arange(len(pieces)), order >> 1)
    return (
        np.concatenate([order, 2 * left]),
        np.concatenate([start, start[-1] + 1 + np.arange(len(left))]),
    )


def _attributes(
    pieces: Pieces,
    ways: Ways,
    piece: NDArray[np.int64],
    chain: NDArray[np.int64],
    start: NDArray[np.int64],
) -> pd.DataFrame:
    lead = pieces.way[piece[start[:-1]]]
    length = pieces.length_m[piece]
    total = np.bincount(chain, weights=length)
    way = pieces.way[piece]

    def share(flag: NDArray[np.bool_]) -> NDArray[np.float64]:
        part = np.bincount(chain, weights=length * flag[way])
        return np.divide(part, total, out=np.zeros_like(part), where=total > 0)

    return pd.DataFrame(
        {
            "road_class": ways.road_class[lead],
            "forward": ways.forward[lead],
            "backward": ways.backward[lead],
            "limit_kph": ways.limit_kph[lead],
            "ref": ways.ref[lead],
            "name": _longest_name(ways.name[way], chain, length, len(lead)),
            "opened": ways.opened[lead],
            "opened_ev": ways.opened_ev[lead],
            "length_m": total,
            "bridge": share(ways.bridge),
            "tunnel": share(ways.tunnel),
            "wait_s": np.bincount(chain, weights=pieces.wait_s[piece]),
            "ferry": _on_ferry(ways)[lead],
        }
    )


def _longest_name(
    names: NDArray[np.object_],
    chain: NDArray[np.int64],
    length: NDArray[np.float64],
    n: int,
) -> NDArray[np.object_]:
    """Return each chain's name: the one that most of its length bears, None where that is none."""
    code, words = pd.factorize(names, use_na_sentinel=False)
    by = pd.DataFrame({"chain": chain, "code": code, "length": length})
    sums = by.groupby(["chain", "code"], sort=True)["length"].sum().reset_index()
    sums = sums.sort_values(["chain", "length", "code"], ascending=[True, False, True])
    best = sums.drop_duplicates("chain")
    out = np.full(n, None, dtype=object)
    out[best["chain"].to_numpy()] = np.asarray(words, dtype=object)[best["code"].to_numpy()]
    return out


def _vertices(
    pieces: Pieces,
    piece: NDArray[np.int64],
    turned: NDArray[np.bool_],
    chain: NDArray[np.int64],
    start: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the vertices of each chain in order, the joints once, and whose they are."""
    step = np.where(turned, -1, 1)
    begin = np.where(turned, pieces.last[piece], pieces.first[piece])
    count = pieces.last[piece] - pieces.first[piece] + 1
    joined = np.ones(len(piece), dtype=bool)
    joined[start[:-1]] = False
    begin, count = begin + step * joined, count - joined
    offset = np.concatenate([[0], np.cumsum(count)[:-1]])
    within = np.arange(count.sum()) - np.repeat(offset, count)
    return np.repeat(begin, count) + np.repeat(step, count) * within, np.repeat(chain, count)


def shapes(sections: Sections, xy: NDArray[np.float64], tolerance_m: float) -> NDArray[np.object_]:
    """Return the sections' lines in metres, simplified; their ends stay where they are."""
    lines = shapely.linestrings(xy, indices=sections.vertex_section)
    return np.asarray(shapely.simplify(lines, tolerance_m, preserve_topology=True))
