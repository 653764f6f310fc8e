"""The page on assumptions says what region.toml says, and its minutes are those that come out."""

from __future__ import annotations

import re

import pytest

import technobelt as tb
from technobelt.claim_kinds import ReadingName
from technobelt.guide import guide_page
from technobelt.network import region_network

PAGE = guide_page("assumptions")
ROW = re.compile(r"^\| `([\w.]+)` \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)  # fmt: skip
ROWS = {name: tuple(map(float, numbers)) for name, *numbers in ROW.findall(PAGE)}


@pytest.fixture(scope="module")
def region():
    known = tb.load_region()
    return known.model_copy(update={"claims": known.claims[:1]})


@pytest.fixture(scope="module")
def network(region):
    return region_network(region)


def value_of(profile, name):
    kind, _, key = name.partition(".")
    held = getattr(profile, kind)
    return held if not key else held[key] if isinstance(held, dict) else getattr(held, key)


def with_value(region, name, number):
    """Return the region with one number of `typical` changed, its range left as it is."""
    profile = region.profiles["typical"]
    kind, _, key = name.partition(".")
    value = value_of(profile, name).model_copy(update={"value": number})
    held = getattr(profile, kind)
    if isinstance(held, dict):
        value = {**held, key: value}
    elif key:
        value = held.model_copy(update={key: value})
    changed = profile.model_copy(update={kind: value})
    return region.model_copy(update={"profiles": {**region.profiles, "typical": changed}})


def test_the_tables_give_the_ranges_of_region_toml(region):
    assert len(ROWS) == 13
    for name, (low, value, high, *_) in ROWS.items():
        stated = value_of(region.profiles["typical"], name)
        assert (low, value, high) == (stated.low, stated.value, stated.high), name


@pytest.mark.parametrize("name", ["speed_kph.motorway", "fixed_s.parking"])
def test_the_minutes_of_the_tables_come_out(region, network, name):
    low, _, high, *told = ROWS[name]
    for number, minutes in zip((low, high), told, strict=True):
        (claim,) = tb.check_claims(with_value(region, name, number), network).claims
        assert claim["observed_min"] == pytest.approx(minutes, abs=0.051)


def test_every_reading_has_the_minutes_and_verdict_that_the_page_tells(region, network):
    (claim,) = tb.check_claims(region, network).claims
    assert f"**{claim['observed_min']:.1f} min**" in PAGE
    told = re.findall(r"^\| `(\w+)`: [^|]+\| ([\d.]+) \| (\w+) \|$", PAGE, re.MULTILINE)
    found = {one["reading"]: one for one in claim["readings"] if one["profile"] == "typical"}
    assert {name for name, *_ in told} <= set(ReadingName.__args__)
    assert len(told) == 10
    for name, minutes, verdict in told:
        assert found[name]["observed_min"] == pytest.approx(float(minutes), abs=0.051), name
        assert found[name]["verdict"] == verdict, name


@pytest.mark.parametrize("part", PAGE.split("\n## ")[1:], ids=lambda part: part.splitlines()[0])
def test_each_section_says_what_is_assumed_and_where_it_is_set(part):
    if part.startswith("What is not modelled"):
        return
    for word in ("**Assumed**", "**Set in**", "**How much it matters**", "**To change it**"):
        assert word in part or part.startswith(("Fixed seconds", "Access legs")), word


def test_dates_and_draws_come_out_as_the_page_tells(region, network):
    (then,) = tb.check_claims(region, network.as_of("1999")).claims
    assert f"{then['observed_min']:.1f} min on the roads of 1999" in PAGE
    (drawn,) = tb.check_claims(region, network, draws=100).claims
    assert f"in {100 * drawn['draws']['p_within']:.0f} of 100 draws" in PAGE
