"""The built-in road network: the belt's main roads, the trunk roads around, and what joins them.

Motorway to tertiary within the belt, motorway to primary to 120 km beyond it, and of the smaller
roads only those without which one of these could not be driven to or away from. Carriageways and
ramps stay apart. Sections carry their dates of opening, see `technobelt.kyeongnam.dating`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from technobelt.errors import LayerError
from technobelt.kyeongnam.boundaries import METRES, make_clusters
from technobelt.kyeongnam.dating import with_openings
from technobelt.kyeongnam.source import COUNTRY_ROADS, ROADS_DATE, source_file
from technobelt.network.build import network_of_pieces, transformer
from technobelt.network.osm import read_ways
from technobelt.network.sections import break_ways, cut_service_roads, largest_part
from technobelt.network.store import save_network
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from technobelt.network.osm import Ways
    from technobelt.network.sections import Pieces

    Mask = NDArray[np.bool_]

__all__ = ["joining_roads", "write_roads"]

BELT_M = 30_000.0  # main roads down to tertiary within this distance of the clusters
AROUND_M = 120_000.0  # 90 minutes at 80 km/h
#: A joining road costs this many times its length unless it is a main road itself.
_DETOUR = 3.0
_TERTIARY = ROAD_CLASSES.index("tertiary_link")
_PRIMARY = ROAD_CLASSES.index("primary_link")
_RAMP = ROAD_CLASSES.index("motorway_link")
#: Ramps that the material draws against the traffic: where each begins, and how one can tell.
AGAINST_TRAFFIC = (
    (128.80446, 35.19922, "route 104 westbound ends at its head and begins again at its tail"),
)
_SAME_DEG = 2e-5  # 2 m
_ZSTD = 19


def write_roads(source: Path, path: Path) -> None:
    """Write the built-in road network as GeoParquet."""
    belt = make_clusters(source).to_crs(METRES).union_all()
    around = shapely.simplify(shapely.buffer(belt, AROUND_M), 500)
    ways = _ways_within(read_ways(source_file(source, COUNTRY_ROADS)), around)
    ways = with_openings(turned(ways), source)
    main = _main_roads(ways, shapely.buffer(belt, BELT_M))
    node, cuts = cut_service_roads(ways)
    pieces = break_ways(ways, node)
    pieces = pieces.take(largest_part(pieces, ways))
    chosen = main[pieces.way]
    chosen |= joining_roads(pieces, ways, chosen)
    network = network_of_pieces(
        pieces.take(chosen),
        ways,
        cuts=cuts,
        file=path.name,
        crs=METRES,
        date=ROADS_DATE,
        extent=around,
    )
    save_network(network, path, compression_level=_ZSTD)


def _ways_within(ways: Ways, area: Any) -> Ways:
    return ways.take(_starts_in(ways, area))


def _main_roads(ways: Ways, belt: Any) -> Mask:
    lowest = np.where(_starts_in(ways, belt), _TERTIARY, _PRIMARY)
    return np.asarray(ways.road_class <= lowest)


def _starts_in(ways: Ways, area: Any) -> Mask:
    xy = transformer(METRES).transform(*ways.lonlat[ways.start[:-1]].T)
    shapely.prepare(area)
    return np.asarray(shapely.contains_xy(area, *xy))


def joining_roads(pieces: Pieces, ways: Ways, main: Mask) -> Mask:
    """Mark the smaller roads that main roads need to be driven to and away from.

    Main roads outside their own largest strongly connected part are joined to it, each way, along
    the shortest way over all roads, main roads preferred.
    """
    core = np.zeros(len(pieces), dtype=bool)
    core[np.flatnonzero(main)[largest_part(pieces.take(main), ways)]] = True
    apart = main & ~core
    tail, head, piece = _arcs(pieces, ways)
    cost = pieces.length_m[piece] * np.where(main[piece], 1.0, _DETOUR) + 0.01
    needed = np.zeros(len(pieces), dtype=bool)
    for begin, end in ((tail, head), (head, tail)):
        needed |= _ways_to(begin, end, piece, cost, pieces, core, apart)
    return needed


def _arcs(
    pieces: Pieces, ways: Ways
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    number = np.arange(len(pieces))
    ahead, back = ways.forward[pieces.way], ways.backward[pieces.way]
    return (
        np.concatenate([pieces.tail[ahead], pieces.head[back]]),
        np.concatenate([pieces.head[ahead], pieces.tail[back]]),
        np.concatenate([number[ahead], number[back]]),
    )


def _ways_to(
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    piece: NDArray[np.int64],
    cost: NDArray[np.float64],
    pieces: Pieces,
    core: Mask,
    apart: Mask,
) -> Mask:
    """Mark the pieces on the shortest ways from the core to everything that is apart."""
    n = pieces.n_nodes
    key = begin * n + end
    order = np.lexsort((piece, cost, key))
    order = order[np.diff(key[order], prepend=-1) > 0]  # of parallel arcs the shortest
    key = key[order]
    graph = csr_array((cost[order], (begin[order], end[order])), shape=(n, n))
    roots = np.unique(np.concatenate([pieces.tail[core], pieces.head[core]]))
    _, before, _ = dijkstra(graph, indices=roots, min_only=True, return_predecessors=True)
    before = before.astype(np.int64)  # node pairs are numbered beyond 32 bits
    reached = np.zeros(n, dtype=bool)
    reached[roots] = True
    used = np.zeros(len(pieces), dtype=bool)
    here = np.unique(np.concatenate([pieces.tail[apart], pieces.head[apart]]))
    while len(here := here[~reached[here] & (before[here] >= 0)]):
        reached[here] = True
        used[piece[order[np.searchsorted(key, before[here] * n + here)]]] = True
        here = np.unique(before[here])
    return used


def turned(ways: Ways) -> Ways:
    """Return the ways with those of `AGAINST_TRAFFIC` turned round.

    Raises
    ------
    LayerError
        A place has no one-way ramp that begins there: the material is another one.
    """
    begins = ways.lonlat[ways.start[:-1]]
    wrong = np.zeros(len(ways), dtype=bool)
    for lon, lat, why in AGAINST_TRAFFIC:
        here = (np.abs(begins - (lon, lat)).max(axis=1) < _SAME_DEG) & ~ways.backward
        here &= ways.road_class == _RAMP
        if here.sum() != 1:
            raise LayerError(
                f"'{COUNTRY_ROADS}': no ramp begins at {lon},{lat} to be turned round ({why}). "
                "Correct AGAINST_TRAFFIC for this material; no layer was replaced."
            )
        wrong |= here
    forward, backward = ways.forward.copy(), ways.backward.copy()
    forward[wrong], backward[wrong] = ways.backward[wrong], ways.forward[wrong]
    return replace(ways, forward=forward, backward=backward)
