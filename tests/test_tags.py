"""What OSM's tags mean for a car."""

from __future__ import annotations

import pytest

from technobelt.network.limits import KPH_PER_MPH, WALK_KPH, posted_limit
from technobelt.network.tags import directions, may_drive

BOTH, WITH, AGAINST, NEITHER = (True, True), (True, False), (False, True), (False, False)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, BOTH),
        ({"highway": "primary", "oneway": "no"}, BOTH),
        ({"highway": "primary", "oneway": "yes"}, WITH),
        ({"highway": "primary", "oneway": "true"}, WITH),
        ({"highway": "primary", "oneway": "1"}, WITH),
        ({"highway": "primary", "oneway": "-1"}, AGAINST),
        ({"highway": "primary", "oneway": "reverse"}, AGAINST),
        ({"highway": "primary", "oneway": "reversible"}, NEITHER),
        ({"highway": "primary", "oneway": "alternating"}, NEITHER),
        ({"highway": "primary", "oneway": "who knows"}, BOTH),
    ],
)
def test_oneway_says_which_way_a_car_may_go(tags, expected):
    assert directions(tags) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"highway": "motorway"}, WITH),
        ({"highway": "motorway", "oneway": "no"}, BOTH),
        ({"highway": "motorway", "oneway": "-1"}, AGAINST),
        ({"highway": "tertiary", "junction": "roundabout"}, WITH),
        ({"highway": "tertiary", "junction": "circular"}, WITH),
        ({"highway": "tertiary", "junction": "roundabout", "oneway": "-1"}, AGAINST),
    ],
)
def test_motorways_and_roundabouts_are_one_way_unless_they_say_otherwise(tags, expected):
    assert directions(tags) == expected


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "motorway_link"},
        {"highway": "trunk"},
        {"highway": "primary", "junction": "jughandle"},
    ],
)
def test_nothing_else_is_one_way_by_itself(tags):
    assert directions(tags) == BOTH


@pytest.mark.parametrize(
    "value", ["no", "private", "agricultural", "forestry", "emergency", "military"]
)
@pytest.mark.parametrize("key", ["access", "vehicle", "motor_vehicle", "motorcar"])
def test_a_road_closed_to_the_public_is_closed(key, value):
    assert not may_drive({"highway": "service", key: value})


@pytest.mark.parametrize("value", ["yes", "permissive", "destination", "customers", "designated"])
def test_a_guest_may_drive_where_guests_are_let_in(value):
    assert may_drive({"highway": "service", "access": value})


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"access": "no", "vehicle": "yes"}, True),
        ({"access": "no", "motor_vehicle": "destination"}, True),
        ({"vehicle": "no", "motor_vehicle": "yes"}, True),
        ({"motor_vehicle": "no", "motorcar": "yes"}, True),
        ({"access": "yes", "motor_vehicle": "private"}, False),
        ({"motor_vehicle": "yes", "motorcar": "no"}, False),
        ({"access": "yes", "bicycle": "no"}, True),
    ],
)
def test_the_most_specific_access_tag_decides(tags, expected):
    assert may_drive(tags) is expected


@pytest.mark.parametrize(
    ("text", "kph"),
    [
        ("50", 50.0),
        ("62.5", 62.5),
        ("80 km/h", 80.0),
        ("80kmh", 80.0),
        ("50 mph", 50 * KPH_PER_MPH),
        ("50mph", 50 * KPH_PER_MPH),
        ("KR:urban", 50.0),
        ("KR:rural", 60.0),
        ("KR:motorway", 100.0),
        ("walk", WALK_KPH),
        ("60;80", 60.0),
        ("80; 60", 60.0),
        ("100|80", 80.0),
        ("60;signals", 60.0),
        ("100; 80 @ (22:00-06:00; Su)", 100.0),
        ("80 @ (wet); 120", 120.0),
        ("DE:urban", 50.0),
        ("DE:rural", 100.0),
        ("FR:rural", 80.0),
        ("BE-VLG:urban", 50.0),
        ("GB:nsl_single", 60 * KPH_PER_MPH),
        ("DE:zone:30", 30.0),
        ("FR:zone30", 30.0),
        ("AT:30", 30.0),
        ("GB:zone20", 20 * KPH_PER_MPH),
        ("DE:walk", WALK_KPH),
        ("RU:living_street", 10.0),
    ],
)
def test_a_posted_limit_is_read_in_kilometres_an_hour(text, kph):
    assert posted_limit(text) == pytest.approx(kph)


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "none", "signals", "variable", "KR:moon", "0", "-50", "fast", "implicit"),
        *("80 @ (22:00-06:00)", "80 @ (22:00-06:00; Su 08:00-10:00)", "DE:motorway", "XX:rural"),
        *("urban", "5000", "1e3", "\u0665\u0660", ";", "@", "50 knots", "default"),
    ],
)
def test_what_is_no_limit_is_none(text):
    assert posted_limit(text) is None


@pytest.mark.parametrize(
    ("country", "kph"), [("KR", 60.0), ("DE", 100.0), ("", None), ("XX", None)]
)
def test_rural_without_a_country_is_that_of_the_country_named(country, kph):
    assert posted_limit("rural", country) == kph


@pytest.mark.parametrize("value", ["agricultural;forestry", "no; private", "delivery", "permit"])
def test_a_road_for_several_others_is_closed(value):
    assert not may_drive({"motor_vehicle": value})


def test_a_road_for_some_guests_is_open():
    assert may_drive({"motor_vehicle": "private;customers"})


def test_a_direction_for_cars_counts_before_that_for_all():
    assert directions({"highway": "primary", "oneway": "yes", "oneway:motor_vehicle": "no"}) == BOTH
