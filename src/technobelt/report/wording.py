"""Verdicts in plain sentences, and numbers as one writes them."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from technobelt.attribute_claims import years
from technobelt.counting import counted, unit_of
from technobelt.measures import MEASURES, PRIMARY
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from technobelt.region import Region

__all__ = [
    "NBSP",
    "NOTHING",
    "WORDS",
    "answer",
    "cluster_name",
    "day",
    "number",
    "percent",
    "road_name",
    "said",
    "sentences",
    "span",
    "tally",
    "trimmed",
    "units",
    "words",
]

#: From here on a decimal says nothing.
_WHOLE_FROM = 1000
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
#: What a verdict is called on its badge.
WORDS = {"holds": "Holds", "fails": "Does not hold", "undecided": "Cannot be decided"}
#: Less than this is no margin, min.
_LEAST_MARGIN = 0.05
_LEADS = {
    "holds": "The claim holds",
    "fails": "The claim does not hold",
    "undecided": "The claim cannot be decided",
}
#: What stands where there is no number: a dash; and the sign before one below zero.
NOTHING, MINUS, NBSP = "\N{EN DASH}", "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"


def number(value: Any, digits: int = 0) -> str:
    """Write a number with commas; a dash where there is none.

    Examples
    --------
    >>> number(10555.25), number(42.139, 1), number(0)
    ('10,555', '42.1', '0')
    >>> number(float("nan")) == number(None) == NOTHING
    True
    """
    if value is None or not math.isfinite(figure := float(value)):
        return NOTHING
    return f"{figure:,.{digits}f}".replace("-", MINUS)


def trimmed(value: Any) -> str:
    """Write a number with one decimal where it is small and has one.

    Examples
    --------
    >>> trimmed(6.0), trimmed(42.139), trimmed(10555.254)
    ('6', '42.1', '10,555')
    """
    digits = 0 if abs(value) >= _WHOLE_FROM else 1
    return number(value, digits).removesuffix(".0")


def percent(share: Any, digits: int = 0) -> str:
    """Write a share as a percentage, the sign kept on the number's line.

    Examples
    --------
    >>> percent(0.8274).split()
    ['83', '%']
    """
    text = number(None if share is None else share * 100, digits)
    return text if text == NOTHING else f"{text}{NBSP}%"


def span(low: Any, high: Any, digits: int = 0) -> str:
    """Write a range.

    Examples
    --------
    >>> span(79.0, 116.38), span(80, None)
    ('79 to 116', '80 to no way at all')
    """
    ends = [number(end, digits) for end in (low, high)]
    return " to ".join(end if end != NOTHING else "no way at all" for end in ends)


def day(date: str) -> str:
    """Write an ISO date, or month, in words; other texts stay as they are.

    Examples
    --------
    >>> day("2021-08"), day("1999-12-31"), day("1999")
    ('August 2021', '31 December 1999', '1999')
    """
    parts = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", date)
    if not parts or not 1 <= int(parts[2]) <= 12:
        return date
    month = f"{_MONTHS[int(parts[2]) - 1]} {parts[1]}"
    return f"{int(parts[3])} {month}" if parts[3] else month


def words(code: object) -> str:
    """Return an id as words.

    Examples
    --------
    >>> words("free_flow")
    'free flow'
    """
    return str(code).replace("_", " ")


def units(text: object) -> str:
    """Write units as one does on paper.

    Examples
    --------
    >>> units("42 km2")
    '42 km²'
    """
    return re.sub(r"\bkm2\b", "km²", str(text))


def road_name(road: object) -> str:
    """Say which road a step of a route follows.

    Examples
    --------
    >>> road_name("10"), road_name("3;33"), road_name("motorway_link"), road_name("trunk")
    ('route 10', 'route 3/33', 'ramp', 'unnumbered trunk road')
    """
    text = str(road)
    if text in ROAD_CLASSES:
        return "ramp" if text.endswith("_link") else f"unnumbered {words(text)} road"
    return f"route {text.replace(';', '/')}" if text[:1].isdigit() else text


def tally(claims: Sequence[Mapping[str, Any]]) -> str:
    """Say how many claims hold.

    Examples
    --------
    >>> tally([{"verdict": "holds"}, {"verdict": "undecided"}])
    'Of 2 claims 1 holds, 0 do not hold, 1 cannot be decided.'
    >>> tally([{"verdict": "undecided", "kind": "undecidable"}]).split(": ")[1]
    'for 1 of them no layer holds what it speaks of.'
    """
    found = Counter(claim["verdict"] for claim in claims)
    hold = f"{found['holds']} {'holds' if found['holds'] == 1 else 'hold'}"
    fail = f"{found['fails']} {'does' if found['fails'] == 1 else 'do'} not hold"
    claims_of = "claim" if len(claims) == 1 else "claims"
    told = f"Of {len(claims)} {claims_of} {hold}, {fail}, {found['undecided']} cannot be decided"
    without = sum(claim.get("kind") == "undecidable" for claim in claims)
    if not without:
        return f"{told}."
    speak = "it speaks" if without == 1 else "they speak"
    return f"{told}: for {without} of them no layer holds what {speak} of."


def answer(region: Region, claim: Mapping[str, Any]) -> str:
    """Say in one sentence what was found for a claim: the verdict, minutes, range and margin.

    Parameters
    ----------
    region, claim
        As `sentences` takes them.

    Examples
    --------
    >>> import technobelt as tb
    >>> claim = {"kind": "travel_time", "verdict": "fails", "reading": "worst_pair",
    ...          "between": ["A", "B"], "profile": "typical", "limit_min": 90.0,
    ...          "observed_min": 115.2, "range_min": [95.8, 145.6], "margin_min": -25.2}
    >>> print(answer(tb.load_region(), claim))
    The claim does not hold: the longest trip from A to B takes 115 min at typical speeds, 25 min
    over the limit of 90 min; with all speeds and waits that are thought possible, 96 to 146 min.
    """
    observed = claim.get("observed_min")
    if claim["kind"] != "travel_time" or observed is None:
        return sentences(region, claim)[0]
    took = f"takes {_minutes(observed, claim)} min at {words(claim['profile'])} speeds"
    left = claim["limit_min"] - observed
    side = f"under the limit of {claim['limit_min']:g} min"
    if left < 0:
        side = side.replace("under", "over")
    margin = "just" if abs(left) < _LEAST_MARGIN else f"{_minutes(abs(left), claim, left)} min"
    told = f"{_LEADS[claim['verdict']]}: {_trip(region, claim)} {took}, {margin} {side}"
    if claim["range_min"][0] is None:
        return f"{told}."
    ends = span(*claim["range_min"])
    return f"{told}; with all speeds and waits that are thought possible, {ends} min."


def _minutes(value: float, claim: Mapping[str, Any], left: float | None = None) -> str:
    """Write minutes, with a decimal where the limit is near."""
    near = abs(claim["observed_min"] - claim["limit_min"] if left is None else left) < 1
    return number(value, 1 if near else 0)


def said(text: object, names: Mapping[str, str]) -> str:
    """Put names in the place of ids.

    Examples
    --------
    >>> said("No area is published for A1.", {"A1": "Harbour"})
    'No area is published for Harbour.'
    """
    return re.sub(r"[\w-]+", lambda found: names.get(found.group(), found.group()), units(text))


def sentences(region: Region, claim: Mapping[str, Any]) -> list[str]:
    """Say what was found for a claim, the verdict first.

    Parameters
    ----------
    region
        For the names of clusters and profiles.
    claim
        One entry of ``claims.json``.

    Examples
    --------
    >>> import technobelt as tb
    >>> claim = {"kind": "count", "verdict": "holds", "observed": 6.0, "expected": 6.0,
    ...          "unit": "complexes"}
    >>> sentences(tb.load_region(), claim)
    ['The claim holds: 6 complexes were found, as stated.']
    """
    if claim["kind"] == "travel_time":
        return _travel_time(region, claim)
    lead = _LEADS[claim["verdict"]]
    if claim["kind"] == "composition":
        return [_composition(lead, claim)]
    if claim.get("observed") is None:
        return [f"{lead}."]
    return [f"{lead}: {_compared(region, claim)}"]


# --- one kind of claim after the other -----------------------------------------------------------


def _travel_time(region: Region, claim: Mapping[str, Any]) -> list[str]:
    found = [_median_trip(region, claim), _within_ranges(claim), _turning(claim)]
    found.append(_corridor(claim))
    return [sentence for sentence in [*found, _other_profiles(claim)] if sentence]


def _median_trip(region: Region, claim: Mapping[str, Any]) -> str:
    lead, limit = _LEADS[claim["verdict"]], claim["limit_min"]
    trip = _trip(region, claim)
    speeds = f"at {words(claim['profile'])} speeds"
    observed = claim["observed_min"]
    if observed is None:
        return f"{lead}: for {trip} no way was found {speeds}."
    took = f"takes {_minutes(observed, claim)} min {speeds}"
    return f"{lead}: {trip} {took}; the limit is {limit:g} min."


def _trip(region: Region, claim: Mapping[str, Any]) -> str:
    """Say which trip decides."""
    start, end = (cluster_name(region, name) for name in claim["between"])
    if claim.get("reading", PRIMARY) == PRIMARY:
        return f"the median trip from {start} to {end}, the longest of all such medians,"
    subject = MEASURES[claim["reading"]].subject
    return f"{subject[0].lower()}{subject[1:]} from {start} to {end}"


def cluster_name(region: Region, cluster: str) -> str:
    """Return a cluster's name with its side, or its id, unless the name says it.

    Examples
    --------
    >>> import technobelt as tb
    >>> cluster_name(tb.load_region(), "east")
    'Gimhae/Yangsan (east)'
    """
    known, side = region.clusters.get(cluster), words(cluster)
    if known is None:
        return side
    return known.name if side.lower() in known.name.lower() else f"{known.name} ({side})"


def _within_ranges(claim: Mapping[str, Any]) -> str:
    low, high = claim["range_min"]
    if low is None:
        return ""
    return f"Within the stated ranges of speeds and waiting it takes {span(low, high)} min."


def _turning(claim: Mapping[str, Any]) -> str:
    """Say how far all speeds must change together before the median trip meets the limit."""
    factor = claim.get("break_even_factor")
    if not factor:
        return ""
    change = percent(abs(factor - 1), 1).replace(".0", "")
    if factor > 1:
        return f"It would take just {claim['limit_min']:g} min if all speeds were {change} higher."
    return f"It would still take {claim['limit_min']:g} min if all speeds were {change} lower."


def _corridor(claim: Mapping[str, Any]) -> str:
    """Say what the corridor has to do with it."""
    told = claim.get("attribution")
    if not told or not told["pairs_on_it"]:
        return ""
    share = percent(told["corridor_share"])
    on_it = (
        f"Of {counted(claim['pairs'], 'trip')} "
        f"{counted(told['pairs_on_it'], 'uses', 'use')} the corridor, {share} of their time"
    )
    if told["without_min"] is None:
        return f"{on_it} in the median; without it no way is left."
    took = number(told["without_min"])
    verdict = {"holds": "would hold", "fails": "would fail"}.get(told["verdict"], "is undecided")
    return f"{on_it} in the median; without it the trip takes {took} min, and the claim {verdict}."


def _other_profiles(claim: Mapping[str, Any]) -> str:
    first = claim["readings"][0]["reading"] if claim.get("readings") else None
    others = [
        f"at {words(reading['profile'])} speeds it takes {number(reading.get('observed_min'))} min "
        f"({WORDS[reading['verdict']].lower()})"
        for reading in claim.get("readings", ())
        if reading["reading"] == first and reading["profile"] != claim["profile"]
    ]
    return f"By comparison, {_listed(others)}." if others else ""


def _listed(parts: Sequence[str]) -> str:
    """Join parts as in a sentence.

    Examples
    --------
    >>> _listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _composition(lead: str, claim: Mapping[str, Any]) -> str:
    whole = f"{claim['observed']:g} of {claim['expected']:g} {claim['unit']} have all that is named"
    lacking: Iterable[str] = claim.get("counterexamples") or ()
    return f"{lead}: {whole}{''.join(f'; {words(text)}' for text in lacking)}."


def _compared(region: Region, claim: Mapping[str, Any]) -> str:
    if claim["unit"] == "year":
        return _compared_years(claim)
    found, stated = trimmed(claim["observed"]), trimmed(claim["expected"])
    unit = units(claim["unit"])
    if unit.startswith("%"):
        return _compared_shares(claim, found, stated, unit)
    if claim["kind"] == "area":
        return _compared_areas(region, claim, found, stated)
    low, high = claim.get("observed_range", (None, None))
    if low is not None and high > low:
        found = f"{found} ({span(low, high, 1)})"
    rest = "as stated" if found == stated else f"{stated} {'is' if stated == '1' else 'are'} stated"
    were = "was" if found == "1" else "were"
    return f"{found} {unit_of(1 if found == '1' else 2, unit)} {were} found, {rest}."


def _compared_years(claim: Mapping[str, Any]) -> str:
    """Compare years; what is stated may be several.

    Examples
    --------
    >>> _compared_years({"observed": 1977.0, "expected": 1981.5, "tolerance": 1.5})
    'the year found is 1977; 1980 to 1983 is stated.'
    """
    found, stated = years(claim)
    rest = ", as stated" if found == stated else f"; {stated} is stated"
    return f"the year found is {found}{rest}."


def _compared_shares(claim: Mapping[str, Any], found: str, stated: str, unit: str) -> str:
    """Compare percentages, of whatever the unit says.

    Examples
    --------
    >>> claim = {"observed_range": [75.0, 78.1]}
    >>> _compared_shares(claim, "78.1", "100", "% of places near it").replace(NBSP, " ")
    'the count gives 78.1 % of places near it (75.0 to 78.1); 100 % is stated.'
    >>> _compared_shares({}, "13.4", "18.4", "%").replace(NBSP, " ")
    'the share found is 13.4 %; 18.4 % is stated.'
    """
    share = f"{found}{NBSP}{unit}"
    told = f"the share found is {share}" if unit == "%" else f"the count gives {share}"
    low, high = claim.get("observed_range", (None, None))
    if low is not None and high > low:
        told = f"{told} ({span(low, high, 1)})"
    rest = ", as stated" if found == stated else f"; {stated}{NBSP}% is stated"
    return f"{told}{rest}."


def _compared_areas(region: Region, claim: Mapping[str, Any], found: str, stated: str) -> str:
    unit = units(claim["unit"])
    measure = {c.id: getattr(c, "measure", "column") for c in region.claims}.get(claim["id"])
    how = "the outlines measure" if measure == "outline" else "the published areas add up to"
    low, high = claim.get("observed_range", (None, None))
    if low is not None and high > low:
        several = f"{how} {span(low, high, 1)} {unit}, depending on which of them one takes"
        return f"{several}; {stated} {unit} are stated."
    less = trimmed(abs(claim["observed"] - claim["expected"]))
    side = "less" if claim["observed"] < claim["expected"] else "more"
    rest = "as stated" if found == stated else f"{less} {unit} {side} than the {stated} stated"
    return f"{how} {found} {unit}, {rest}."
