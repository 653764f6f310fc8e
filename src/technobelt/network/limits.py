"""What a posted limit is, in km/h: OSM's ``maxspeed`` in all its spellings.

Sources: the OpenStreetMap wiki pages Key:maxspeed and Default speed limits; for Korea article 19 of
the Enforcement Rule of the Road Traffic Act. Only the general limit for cars, by day and when dry.
"""

from __future__ import annotations

import re

from technobelt.errors import NetworkError

__all__ = ["COUNTRIES", "check_country", "posted_limit"]

KPH_PER_MPH = 1.609344
WALK_KPH = 5.0
_ANY = {"walk": WALK_KPH, "living_street": 10.0}


def _limits(urban: float, rural: float, trunk: float, motorway: float | None) -> dict[str, float]:
    said = {"urban": urban, "rural": rural, "trunk": trunk, "motorway": motorway}
    return {name: float(limit) for name, limit in said.items() if limit is not None}


def _mph(urban: float, rural: float, trunk: float, motorway: float) -> dict[str, float]:
    return {
        name: limit * KPH_PER_MPH for name, limit in _limits(urban, rural, trunk, motorway).items()
    }


#: What ``DE:rural`` and the like mean, by country (ISO 3166-1), km/h. No entry: no general limit.
COUNTRIES: dict[str, dict[str, float]] = {
    "KR": _limits(50, 60, 80, 100),
    "AT": _limits(50, 100, 100, 130),
    "BE": _limits(50, 90, 120, 120),
    "CH": _limits(50, 80, 100, 120),
    "CZ": _limits(50, 90, 110, 130),
    "DE": _limits(50, 100, 100, None),
    "DK": _limits(50, 80, 80, 130),
    "ES": _limits(50, 90, 90, 120),
    "FI": _limits(50, 80, 80, 120),
    "FR": _limits(50, 80, 110, 130),
    "GB": _mph(30, 60, 70, 70)
    | {
        "nsl_restricted": 30 * KPH_PER_MPH,
        "nsl_single": 60 * KPH_PER_MPH,
        "nsl_dual": 70 * KPH_PER_MPH,
    },
    "HU": _limits(50, 90, 110, 130),
    "IT": _limits(50, 90, 110, 130),
    "JP": _limits(60, 60, 60, 100),
    "NO": _limits(50, 80, 90, 110),
    "NL": _limits(50, 80, 100, 100),
    "PL": _limits(50, 90, 100, 140),
    "PT": _limits(50, 90, 100, 120),
    "RO": _limits(50, 90, 100, 130),
    "RU": _limits(60, 90, 90, 110),
    "SE": _limits(50, 70, 70, 110),
    "SI": _limits(50, 90, 110, 130),
    "SK": _limits(50, 90, 90, 130),
    "UA": _limits(50, 90, 110, 130),
}
COUNTRIES["UK"] = COUNTRIES["GB"]  # a common slip

_NUMBER = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s*(km/h|kmh|kph|mph)?", re.ASCII)
_CONDITIONAL = re.compile(r"[^;|@]*@\s*(?:\([^)]*\)?|[^;|]*)")
_ZONE = re.compile(r"(?:[a-z-]+:)?(?:zone:?)?(\d{1,3})", re.ASCII)
_FASTEST_KPH = 300.0  # whatever claims more is a slip of the pen


def check_country(country: str) -> str:
    """Return the code of a country in capitals; refuse one whose limits are not known.

    Examples
    --------
    >>> check_country("kr")
    'KR'
    """
    code = country.upper()
    if code and code not in COUNTRIES:
        raise NetworkError(
            f"no default limits are known for the country {country!r}; there are "
            f"{', '.join(sorted(COUNTRIES))}. Leave it out: only tags without a number need it."
        )
    return code


def posted_limit(text: str | None, country: str = "") -> float | None:
    """Return the posted limit in km/h, or None where none is posted or it is not understood.

    The lowest of several counts; conditional limits (``80 @ (22:00-06:00)``), ``none``, ``signals``
    and ``variable`` do not.

    Parameters
    ----------
    text
        The value of ``maxspeed``.
    country
        ISO 3166-1 code that ``urban`` or ``rural`` without a country is meant for.

    Examples
    --------
    >>> [posted_limit(t) for t in ("50", "30 mph", "KR:urban", "60;80", "none", "DE:rural")]
    [50.0, 48.280..., 50.0, 60.0, None, 100.0]
    >>> posted_limit("80 @ (22:00-06:00)") is None, posted_limit("100; 80 @ (wet)")
    (True, 100.0)
    >>> posted_limit("rural"), posted_limit("rural", "FR")
    (None, 80.0)
    """
    if not text:
        return None
    plain = _CONDITIONAL.sub("", text)
    limits = [_one_limit(part.strip().lower(), country) for part in re.split(r"[;|]", plain)]
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def _one_limit(text: str, country: str) -> float | None:
    if match := _NUMBER.fullmatch(text):
        value = float(match[1]) * (KPH_PER_MPH if match[2] == "mph" else 1.0)
    elif match := _ZONE.fullmatch(text):  # DE:zone:30, FR:zone30, AT:30
        mph = text.startswith(("gb:", "uk:", "us:"))
        value = float(match[1]) * (KPH_PER_MPH if mph else 1.0)
    else:
        where, _, kind = text.rpartition(":")
        if kind in _ANY:
            return _ANY[kind]
        code = where.partition("-")[0].upper() or country  # BE-VLG: as in the whole country
        return COUNTRIES.get(code, {}).get(kind)
    return value if 0 < value <= _FASTEST_KPH else None
