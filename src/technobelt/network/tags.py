"""What OSM's tags mean for a car: may it drive, which way, how fast.

Sources: the OpenStreetMap wiki pages Key:access, Key:oneway and Key:maxspeed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["directions", "may_drive", "posted_limit"]

#: From the most to the least specific: the first that is there decides.
ACCESS_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
CLOSED = frozenset({"no", "private", "agricultural", "forestry", "emergency", "military"})
ONE_WAY = frozenset({"yes", "true", "1"})
AGAINST = frozenset({"-1", "reverse"})
#: Neither direction can be counted on.
CHANGING = frozenset({"reversible", "alternating"})
#: Implied by a value with a country's name (``KR:urban``), km/h; article 19 of the Enforcement
#: Rule of Korea's Road Traffic Act, and the wiki's table of defaults for the rest.
IMPLIED_KPH = {"motorway": 100.0, "trunk": 80.0, "rural": 60.0, "urban": 50.0}
WALK_KPH = 5.0
KPH_PER_MPH = 1.609344


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
            return tags[key] not in CLOSED
    return True


def directions(tags: Mapping[str, str]) -> tuple[bool, bool]:
    """Return whether a car may drive with, and against, the way's own direction.

    Motorways and roundabouts are one-way unless they say otherwise.

    Examples
    --------
    >>> directions({"highway": "primary"})
    (True, True)
    >>> directions({"highway": "primary", "oneway": "-1"})
    (False, True)
    >>> directions({"highway": "tertiary", "junction": "roundabout"})
    (True, False)
    """
    oneway = tags.get("oneway")
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


def posted_limit(text: str | None) -> float | None:
    """Return the posted limit in km/h, or None where none is posted or it is not understood.

    The lowest of several counts; conditional limits (``80 @ (22:00-06:00)``) do not.

    Examples
    --------
    >>> [posted_limit(t) for t in ("50", "30 mph", "KR:urban", "60;80", "none")]
    [50.0, 48.280..., 50.0, 60.0, None]
    >>> posted_limit("80 @ (22:00-06:00)") is None
    True
    """
    if not text or "@" in text:
        return None
    limits = [_one_limit(part.strip().lower()) for part in re.split(r"[;|]", text)]
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def _one_limit(text: str) -> float | None:
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph)?", text):
        value = float(match[1]) * (KPH_PER_MPH if match[2] == "mph" else 1.0)
        return value if value > 0 else None
    if text == "walk":
        return WALK_KPH
    return IMPLIED_KPH.get(text.partition(":")[2])
