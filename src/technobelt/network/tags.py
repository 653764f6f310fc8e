"""What OSM's tags mean for a car: may it drive, which way, what bars it, how long ferries take.

Sources: the OpenStreetMap wiki pages Key:access, Key:oneway, Key:barrier and Key:duration. How fast
it may drive is told by `technobelt.network.limits`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OsmRules", "directions", "ferry_seconds", "may_drive", "seconds_at"]

#: From the most to the least specific: the first that is there decides.
ACCESS_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
#: Who is neither resident nor in service stays out; ``destination`` and ``customers`` let guests
#: in.
CLOSED = frozenset(
    {
        *("no", "private", "agricultural", "forestry", "emergency", "military", "delivery"),
        *("permit", "residents", "official", "bus", "psv", "disabled"),
    }
)
ONE_WAY = frozenset({"yes", "true", "1"})
AGAINST = frozenset({"-1", "reverse"})
#: Neither direction can be counted on.
CHANGING = frozenset({"reversible", "alternating"})
#: Barriers that stop a car unless an access tag lets it through.
BLOCKS = frozenset(
    {
        *("bollard", "block", "chain", "cycle_barrier", "motorcycle_barrier", "jersey_barrier"),
        *(
            "log",
            "debris",
            "planter",
            "stile",
            "kissing_gate",
            "turnstile",
            "full-height_turnstile",
        ),
        *("bus_trap", "sump_buster", "fence", "wall", "hedge", "ditch", "spikes", "barrier_board"),
    }
)
#: Barriers that a car passes, with a stop, unless an access tag or a lock forbids it.
GATES = frozenset(
    {"gate", "lift_gate", "swing_gate", "sliding_gate", "hampshire_gate", "sally_port"}
    | {"border_control", "wicket_gate", "bump_gate"}
)
TOLL_BOOTH = "toll_booth"
NEVER = float("inf")
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d{2})", re.ASCII)
_PERIOD = re.compile(r"pt(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?", re.ASCII)
_LONGEST_S = 7 * 86_400.0


@dataclass(frozen=True)
class OsmRules:
    """How tags of OpenStreetMap are read where they leave a choice.

    Attributes
    ----------
    country
        ISO 3166-1 code that ``maxspeed=urban`` without a country is meant for.
    ferries
        Keep ferries that take cars and say how long they take; that is their time in every
        profile. Left out by default.
    gate_s, toll_s
        Seconds at a gate and at a toll booth, whatever the profile. None by default: nobody has
        measured them, and a profile's seconds for ramps count toll plazas already.

    Examples
    --------
    >>> from technobelt.network import OsmRules
    >>> OsmRules(country="KR", gate_s=15).ferries
    False
    """

    country: str = ""
    ferries: bool = False
    gate_s: float = 0.0
    toll_s: float = 0.0


def may_drive(tags: Mapping[str, str]) -> bool:
    """Tell whether a car may drive here, as a guest if not as a resident.

    Examples
    --------
    >>> may_drive({"highway": "service", "access": "private"})
    False
    >>> may_drive({"access": "no", "motor_vehicle": "destination"})
    True
    """
    for key in ACCESS_KEYS:
        if key in tags:
            return not CLOSED.issuperset(part.strip() for part in tags[key].split(";"))
    return True


def directions(tags: Mapping[str, str]) -> tuple[bool, bool]:
    """Return whether a car may drive with, and against, the way's own direction.

    Motorways and roundabouts are one-way unless they say otherwise; a reversible lane can be
    counted on in neither direction.

    Examples
    --------
    >>> directions({"highway": "primary"})
    (True, True)
    >>> directions({"highway": "primary", "oneway": "-1"})
    (False, True)
    >>> directions({"highway": "tertiary", "junction": "roundabout"})
    (True, False)
    """
    oneway = tags.get("oneway:motor_vehicle", tags.get("oneway"))
    if oneway in ONE_WAY:
        return True, False
    if oneway in AGAINST:
        return False, True
    if oneway in CHANGING:
        return False, False
    implied = tags.get("highway") == "motorway" or tags.get("junction") in {
        "roundabout",
        "circular",
    }
    return (True, False) if oneway is None and implied else (True, True)


def seconds_at(tags: Mapping[str, str], rules: OsmRules) -> float:
    """Return the seconds that a node costs a car; infinite where a barrier stops it.

    Examples
    --------
    >>> rules = OsmRules(gate_s=15)
    >>> [seconds_at({"barrier": kind}, rules) for kind in ("bollard", "gate", "toll_booth", "kerb")]
    [inf, 15, 0.0, 0.0]
    >>> seconds_at({"barrier": "bollard", "motor_vehicle": "yes"}, rules)
    0.0
    """
    kind = tags.get("barrier", "")
    said = any(key in tags for key in ACCESS_KEYS)
    if kind in BLOCKS:
        return 0.0 if said and may_drive(tags) else NEVER
    if kind in GATES:
        locked = tags.get("locked") == "yes" and not said
        return NEVER if locked or not may_drive(tags) else rules.gate_s
    return rules.toll_s if kind == TOLL_BOOTH else 0.0


def ferry_seconds(text: str | None) -> float | None:
    """Return a duration in seconds, None where it is unclear.

    It is written in minutes, as ``H:MM``, ``H:MM:SS`` or ``PT1H30M``.

    Examples
    --------
    >>> [ferry_seconds(text) for text in ("25", "0:25", "01:30:00", "PT1H30M", "soon")]
    [1500.0, 1500.0, 5400.0, 5400.0, None]
    """
    said = (text or "").strip().lower()
    if re.fullmatch(r"\d{1,4}", said, re.ASCII):
        seconds = float(said) * 60
    elif match := _CLOCK.fullmatch(said):
        first, second, third = (int(part or 0) for part in match.groups())
        seconds = first * 3600.0 + second * 60 + third if match[1] else second * 3600.0 + third * 60
    elif (match := _PERIOD.fullmatch(said)) and any(match.groups()):
        hours, minutes, rest = (int(part or 0) for part in match.groups())
        seconds = hours * 3600.0 + minutes * 60 + rest
    else:
        return None
    return seconds if 0 < seconds <= _LONGEST_S else None
