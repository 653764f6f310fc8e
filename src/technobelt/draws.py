"""Random speeds: how firmly a travel-time claim holds if speeds are not what a profile says.

In each draw every road's speed is multiplied by lognormal factors of median 1: one for the
corridor, one for each road class, and noise along roads. The noise of a road is constant inside
squares of the correlation length, so that what counts is where a road runs, not how it is cut into
sections. Every number is a function of the seed, the draw and the road alone: closing a road, or
asking in another order, changes no other road's noise.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.network.speeds import arc_costs
from technobelt.schema import ROAD_CLASSES
from technobelt.travel_time import measuring
from technobelt.trips import trip_minutes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.region import Profile, Uncertainty
    from technobelt.trips import Trips

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Keys = NDArray[np.uint64]

__all__ = ["RoadNoise", "draw_minutes", "normals", "road_noise", "section_factors"]


@dataclass(frozen=True, eq=False)
class RoadNoise:
    """Which squares each section runs through.

    Attributes
    ----------
    weights
        CSR (sections, keys): the share of each section's length in each square of its road.
    keys
        uint64 (k): what names a road and a square.
    """

    weights: Any
    keys: Keys


def draw_minutes(
    network: Network,
    profile: Profile,
    uncertainty: Uncertainty,
    trips: Mapping[str, Trips],
    corridor: Mask,
    *,
    draws: int,
    seed: int,
    use: Callable[[int, dict[str, Floats]], None],
) -> None:
    """Draw speeds again and again, and hand over the minutes of all trips each time.

    Parameters
    ----------
    network, profile
        The roads and their speeds.
    uncertainty
        Standard deviations and correlation length.
    trips
        By name; routes are chosen anew in each draw.
    corridor
        bool (n): the sections that share the corridor's factor.
    draws, seed
        How many, and which.
    use
        Called with the number of the draw and the minutes of each kind of trips: they are reduced
        as they come.
    """
    noise = road_noise(network, uncertainty.correlation_km * 1000)
    costs = arc_costs(network, profile)
    nothing = np.zeros(len(costs.drive_s))
    for draw in range(draws):
        factor = section_factors(network, uncertainty, noise, corridor, seed=seed, draw=draw)
        now = costs.with_drive(costs.drive_s / factor[network.arc_section])
        model = measuring(network, now, nothing)
        use(draw, {name: trip_minutes(model, some)[0] for name, some in trips.items()})


def section_factors(
    network: Network,
    uncertainty: Uncertainty,
    noise: RoadNoise,
    corridor: Mask,
    *,
    seed: int,
    draw: int,
) -> Floats:
    """Return the factor on each section's speed in one draw."""
    names = [f"class {name}" for name in ROAD_CLASSES]
    own = normals(np.array([_key(name) for name in [*names, "corridor"]]), seed, draw)
    by_class = np.exp(uncertainty.class_sd * own[:-1])[network.road_class]
    on_corridor = np.where(corridor, np.exp(uncertainty.corridor_sd * own[-1]), 1.0)
    slowness = np.exp(-uncertainty.road_sd * normals(noise.keys, seed, draw))
    along = noise.weights @ slowness
    return np.asarray(by_class * on_corridor / np.where(along > 0, along, 1.0))


def road_noise(network: Network, cell_m: float) -> RoadNoise:
    """Cut the sections along a grid, and name the road and the square of each piece.

    A road is what bears one route number, or one name, or else one class.

    Parameters
    ----------
    network
        The roads.
    cell_m
        Side of the squares: the correlation length, m.
    """
    from scipy.sparse import csr_array

    section, cell, length = _pieces(network.lines, cell_m)
    road = _road_keys(network)[section]
    keys, column = np.unique(_mixed(road, cell), return_inverse=True)
    total = np.bincount(section, weights=length, minlength=len(network.lines))
    share = np.divide(length, total[section], out=np.zeros_like(length), where=total[section] > 0)
    shape = (len(network.lines), len(keys))
    return RoadNoise(csr_array((share, (section, column)), shape=shape), keys)


def normals(keys: Keys, seed: int, draw: int) -> Floats:
    """Return a standard normal number for each key, seed and draw.

    Examples
    --------
    >>> keys = np.array([3, 5, 3], dtype=np.uint64)
    >>> first, second, same = normals(keys, seed=1, draw=0)
    >>> bool(first == same), bool(first == second), bool(first == normals(keys, 1, 1)[0])
    (True, False, False)
    """
    from scipy.special import ndtri

    start = _splitmix(np.array([seed], dtype=np.uint64)) + np.uint64(draw)
    bits = _splitmix(keys ^ _splitmix(start)) >> np.uint64(11)
    return np.asarray(ndtri((bits.astype(np.float64) + 0.5) / 2.0**53))


def _splitmix(keys: Keys) -> Keys:
    """Scramble 64-bit numbers (Steele, Lea and Flood 2014, splitmix64)."""
    with np.errstate(over="ignore"):
        z = keys + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def _key(text: str) -> np.uint64:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def _mixed(road: Keys, cell: NDArray[np.int64]) -> Keys:
    column, row = (_splitmix(part.astype(np.uint64)) for part in cell.T)
    return _splitmix(road ^ _splitmix(column ^ (row << np.uint64(1))))


def _road_keys(network: Network) -> Keys:
    """Return what names the road of each section: route number, else name, else class."""
    roads = network.roads
    ref, name = (roads[column].fillna("").astype(str) for column in ("ref", "name"))
    text = ("ref " + ref).where(
        ref != "", ("name " + name).where(name != "", roads["class"].astype(str))
    )
    known = {one: _key(one) for one in text.unique()}
    return np.array([known[one] for one in text], dtype=np.uint64)


def _pieces(
    lines: NDArray[np.object_], cell_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Cut lines where they cross a grid: section, cell (column, row) and length of each piece."""
    import shapely

    xy, section = shapely.get_coordinates(lines, return_index=True)
    same = section[1:] == section[:-1]
    begin, step, section = xy[:-1][same], np.diff(xy, axis=0)[same], section[1:][same]
    at, segment = _crossings(begin / cell_m, step / cell_m)
    first = np.append(True, segment[1:] != segment[:-1])
    middle = (at[1:] + at[:-1]) / 2
    inner = ~first[1:]
    segment, middle, part = segment[1:][inner], middle[inner], np.diff(at)[inner]
    point = begin[segment] + step[segment] * middle[:, None]
    cell = np.floor(point / cell_m).astype(np.int64)
    length = part * np.hypot(*step[segment].T)
    return section[segment].astype(np.int64), cell, length


def _crossings(begin: Floats, step: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return, segment by segment, 0, where it crosses whole numbers in x or y, and 1, in order."""
    number = np.arange(len(begin))
    parts = [(np.zeros(len(begin)), number), (np.ones(len(begin)), number)]
    for axis in (0, 1):
        low = np.minimum(begin[:, axis], begin[:, axis] + step[:, axis])
        high = np.maximum(begin[:, axis], begin[:, axis] + step[:, axis])
        first = np.floor(low) + 1
        count = np.maximum(np.ceil(high) - first, 0).astype(np.int64)
        mine = np.repeat(number, count)
        nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        line = first[mine] + nth
        parts.append(((line - begin[mine, axis]) / step[mine, axis], mine))
    at = np.concatenate([part for part, _ in parts])
    segment = np.concatenate([mine for _, mine in parts])
    order = np.lexsort((at, segment))
    return at[order], segment[order]
