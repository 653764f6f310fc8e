"""A trip's time as a sum: metres of each road class, junctions and ramps, times a number each.

Along a given way the time is linear in the slowness of each road class, the inverse of the share of
posted limits that is driven, the slowness of access legs, and the fixed seconds. The sum of all
terms is the trip's time, exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from technobelt.network.speeds import arc_costs
from technobelt.region import Value
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from technobelt.drives import Drive
    from technobelt.network.model import Network
    from technobelt.region import Profile

    Floats = NDArray[np.float64]

__all__ = [
    "DOORS",
    "NUMBERS",
    "SPEEDS",
    "coefficients",
    "number_of",
    "stated",
    "terms_of",
    "with_numbers",
]

#: Speeds by road class: the terms are metres.
SPEEDS = tuple(f"speed_kph.{name}" for name in ROAD_CLASSES)
#: The fixed seconds at both doors, which no trip can tell apart: access, parking and egress.
DOORS = "fixed_s.doors"
_AT_DOORS = ("access", "parking", "egress")
#: The numbers of a profile that a trip's time is made of.
NUMBERS = (*SPEEDS, "limit_share", "access_kph", "fixed_s.junction", "fixed_s.ramp", DOORS)
_KPH_TO_PACE = 3.6  # s/m at 1 km/h


def stated(profile: Profile, number: str) -> Value:
    """Return one of `NUMBERS` as a profile states it; of the doors the sum.

    Examples
    --------
    >>> from technobelt.region import load_region
    >>> typical = load_region().profiles["typical"]
    >>> stated(typical, "speed_kph.motorway").value, stated(typical, DOORS).value
    (90.0, 180.0)
    """
    table, _, name = number.rpartition(".")
    if number == DOORS:
        parts = [getattr(profile.fixed_s, part) for part in _AT_DOORS]
        low, value, high = (
            sum(getattr(part, key) for part in parts) for key in ("low", "value", "high")
        )
        known = all(not part.placeholder for part in parts)
        return Value(value=value, low=low, high=high, source="sum", placeholder=not known)
    if table == "speed_kph":
        return profile.speed_kph[name]
    found: Value = getattr(profile.fixed_s if table else profile, name)
    return found


def with_numbers(profile: Profile, values: Mapping[str, Value]) -> Profile:
    """Return a profile with some of `NUMBERS` replaced.

    A sum at the doors is shared among access, parking and egress as it was before, and goes to
    parking where there was none.

    Examples
    --------
    >>> from technobelt.region import load_region
    >>> typical = load_region().profiles["typical"]
    >>> slow = Value(value=50, low=45, high=55, source="seen")
    >>> with_numbers(typical, {"speed_kph.trunk": slow}).speed_kph["trunk"].value
    50.0
    """
    speeds = dict(profile.speed_kph)
    fixed: dict[str, Value] = {}
    others: dict[str, Value] = {}
    for number, value in values.items():
        table, _, name = number.rpartition(".")
        if number == DOORS:
            fixed |= _shared_out(profile, value)
        elif table == "speed_kph":
            speeds[name] = value
        elif table:
            fixed[name] = value
        else:
            others[name] = value
    seconds = profile.fixed_s.model_copy(update=fixed)
    update = {"speed_kph": speeds, "fixed_s": seconds, **others}
    return type(profile).model_validate(profile.model_copy(update=update).model_dump())


def _shared_out(profile: Profile, whole: Value) -> dict[str, Value]:
    parts = {name: getattr(profile.fixed_s, name).value for name in _AT_DOORS}
    total = sum(parts.values())
    shares = {n: v / total if total else float(n == "parking") for n, v in parts.items()}
    return {
        name: whole.model_copy(
            update={key: getattr(whole, key) * share for key in ("value", "low", "high")}
        )
        for name, share in shares.items()
    }


def coefficients(number: str, values: Floats) -> Floats:
    """Return what values of a number multiply its term by: seconds a metre, or seconds.

    Examples
    --------
    >>> coefficients("speed_kph.trunk", np.array([36.0])).tolist()
    [0.1]
    """
    if number == "limit_share":
        return np.asarray(1 / values)
    return np.asarray(_KPH_TO_PACE / values) if "kph" in number else np.asarray(values)


def number_of(number: str, coefficient: float) -> float:
    """Return the value of a number that has a coefficient; the inverse of `coefficients`."""
    return float(coefficients(number, np.array([coefficient]))[0])  # each is its own inverse


def terms_of(network: Network, profile: Profile, drives: Sequence[Drive]) -> Floats:
    """Return what trips consist of.

    Parameters
    ----------
    network, profile
        The roads; of the profile only the rules of where one waits count, not its numbers.
    drives
        From `technobelt.drives.best_drives`.

    Returns
    -------
    numpy.ndarray
        float64 (trips, numbers), in the order of `NUMBERS`: metres by class on roads without a
        posted limit; seconds at the posted limit; metres of access legs; passages of junctions
        (half on one carriageway) and ramps; 1 for the doors. Times `coefficients` they are
        seconds, and their sum is the trip's time.
    """
    length = network.roads["length_m"].to_numpy(np.float64)[network.arc_section]
    limit_mps = network.roads["limit_kph"].to_numpy(np.float64)[network.arc_section] / 3.6
    road_class = network.road_class[network.arc_section]
    passages = [_passages(network, profile, name) for name in ("junction", "ramp")]
    table = np.zeros((len(drives), len(NUMBERS)))
    for row, drive in zip(table, drives, strict=True):
        metres, posted = drive.share * length[drive.arc], ~np.isnan(limit_mps[drive.arc])
        row[: len(SPEEDS)] = np.bincount(
            road_class[drive.arc], np.where(posted, 0.0, metres), minlength=len(SPEEDS)
        )
        row[len(SPEEDS) :] = [
            (metres[posted] / limit_mps[drive.arc][posted]).sum(),
            sum(drive.access_m),
            *(count[drive.arc][drive.to_its_end].sum() for count in passages),
            1.0,
        ]
    return table


def _passages(network: Network, profile: Profile, counted: str) -> Floats:
    """Return how often each arc's end passes a junction, or a ramp: its seconds at one second."""
    names = [*type(profile.fixed_s).model_fields]
    seconds = {name: _exactly(1.0 if name == counted else 0.0) for name in names}
    fixed = profile.fixed_s.model_copy(update=seconds)
    return arc_costs(network, profile.model_copy(update={"fixed_s": fixed})).end_s


def _exactly(value: float) -> Value:
    return Value(value=value, low=value, high=value, source="counting")
