"""Profile -> seconds: what each arc costs, from its full length, class, posted limit and ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.region import Profile, Value

__all__ = ["Bound", "Costs", "arc_costs"]

#: Which end of the stated ranges to use: the values themselves, or all that makes trips shortest
#: or longest.
Bound = Literal["value", "fastest", "slowest"]

_MOTORWAYS = [ROAD_CLASSES.index("motorway"), ROAD_CLASSES.index("motorway_link")]
_RAMP = ROAD_CLASSES.index("motorway_link")
#: Roads whose crossings make a driver wait; ramps and side streets are not counted, so that a
#: network with more side streets has no slower main roads.
_MAIN = [ROAD_CLASSES.index(name) for name in ("trunk", "primary", "secondary", "tertiary")]
_MPS = 1 / 3.6


@dataclass(frozen=True)
class Costs:
    """What a profile makes of a network.

    Attributes
    ----------
    drive_s
        float64 (m): seconds along each arc; infinite where it is closed.
    end_s
        float64 (m): fixed seconds on reaching each arc's head.
    access_mps
        Speed of access legs, m/s.
    start_s, finish_s
        Fixed seconds at the origin (access) and at the destination (parking, egress).
    """

    drive_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    access_mps: float
    start_s: float
    finish_s: float

    def with_drive(self, drive_s: NDArray[np.float64]) -> Costs:
        """Return the same with other seconds of driving along each arc."""
        return replace(self, drive_s=drive_s)

    @property
    def arc_s(self) -> NDArray[np.float64]:
        """Seconds of each whole arc."""
        return self.drive_s + self.end_s


def arc_costs(
    network: Network, profile: Profile, *, bound: Bound = "value", factor: float = 1.0
) -> Costs:
    """Return the seconds that a profile makes of each arc.

    Parameters
    ----------
    network
        The roads.
    profile
        Speeds and fixed seconds.
    bound
        Which end of the stated ranges to use.
    factor
        Multiplies all driving speeds; fixed seconds stay as they are.
    """

    def speed(value: Value) -> float:
        return {"value": value.value, "fastest": value.high, "slowest": value.low}[bound] * _MPS

    def wait(value: Value) -> float:
        return {"value": value.value, "fastest": value.low, "slowest": value.high}[bound]

    kph = np.array([speed(profile.speed_kph[name]) for name in ROAD_CLASSES])
    limit = network.roads["limit_kph"].to_numpy(np.float64) * speed(profile.limit_share)
    mps = np.where(np.isnan(limit), kph[network.road_class], limit) * factor
    fixed = profile.fixed_s
    return Costs(
        drive_s=_drive_seconds(network, mps, factor),
        end_s=_end_seconds(network, wait(fixed.junction), wait(fixed.ramp))
        + network.wait_s[network.arc_section],
        access_mps=speed(profile.access_kph),
        start_s=wait(fixed.access),
        finish_s=wait(fixed.parking) + wait(fixed.egress),
    )


def _drive_seconds(
    network: Network, mps: NDArray[np.float64], factor: float
) -> NDArray[np.float64]:
    """Return the seconds of driving each arc, at the speeds of sections unless edits say others."""
    section = network.arc_section
    speed = mps[section]
    barred = network.closed[section]
    if network.edits is not None:
        said = network.edits.kph * _MPS * factor
        speed = np.where(np.isnan(said), speed, said) * network.edits.factor
        barred = barred | (network.edits.factor == 0)
    metres = network.roads["length_m"].to_numpy(np.float64)[section]
    metres = np.where(network.ferry[section], 0.0, metres)  # its time is in `wait_s`
    return np.where(barred, np.inf, metres / np.where(barred, 1.0, speed))


def _end_seconds(network: Network, junction_s: float, ramp_s: float) -> NDArray[np.float64]:
    """Return the waiting at junctions, half on each carriageway's crossing, and on ramps."""
    u, v = network.roads["u"].to_numpy(), network.roads["v"].to_numpy()
    n = len(network.nodes)
    arc_class = network.road_class[network.arc_section]
    old = network.known_as >= 0
    main = np.isin(network.road_class, _MAIN) & old  # a new road must not make others slower
    arms = np.bincount(u[main], minlength=n) + np.bincount(v[main], minlength=n)
    one_way = network.one_way[network.arc_section]
    crossing = (arms[network.arc_head] >= 3) & ~np.isin(arc_class, _MOTORWAYS)
    waiting = np.where(crossing, np.where(one_way, junction_s / 2, junction_s), 0.0)
    street = ~np.isin(network.road_class, _MOTORWAYS) & old
    touches = np.zeros(n, dtype=bool)
    touches[u[street]] = touches[v[street]] = True
    return waiting + np.where(_slowed_ramps(network, touches), ramp_s, 0.0)


def _slowed_ramps(network: Network, street: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the ramps that meet a street; of one that was cut, a single part in each direction."""
    ramp = network.road_class[network.arc_section] == _RAMP
    ends = ramp & street[network.arc_head]
    begins = ramp & street[network.arc_tail]
    way = np.where(network.arc_forward, 1, -1) * (network.known_as[network.arc_section] + 1)
    old = network.known_as[network.arc_section] >= 0
    counted_later = np.isin(way, way[ends & old]) & old
    return np.asarray(ends | (begins & ~counted_later))
