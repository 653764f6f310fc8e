"""Profile -> seconds: what each arc costs."""

from __future__ import annotations

import numpy as np
import pytest

from technobelt import load_region
from technobelt.network.speeds import arc_costs
from technobelt.schema import ROAD_CLASSES


@pytest.fixture
def road(draw):
    """One road of 1,800 m."""

    def make(**special):
        return draw({"a": (0, 0), "b": (1800, 0)}, [("a", "b", special)])

    return make


def seconds(network, profile, **options):
    """Return the seconds on reaching each arc's head, by (section, direction)."""
    costs = arc_costs(network, profile, **options)
    ends = zip(network.arc_section.tolist(), network.arc_forward.tolist(), costs.end_s, strict=True)
    return {(section, "->" if ahead else "<-"): float(s) for section, ahead, s in ends}


# --- driving -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROAD_CLASSES)
def test_a_road_is_driven_at_the_speed_of_its_class(road, speeds, name):
    profile = speeds(**dict.fromkeys(ROAD_CLASSES, 1000.0) | {name: 64.8})
    costs = arc_costs(road(**{"class": name}), profile)
    assert costs.drive_s.tolist() == pytest.approx([100.0, 100.0])


def test_time_comes_from_the_stated_length_not_from_the_shape(road, speeds):
    assert arc_costs(road(length_m=3600.0), speeds()).drive_s.tolist() == [360.0, 360.0]


@pytest.mark.parametrize(
    ("limit", "share", "expected"), [(72, 1.0, 90), (72, 0.5, 180), (18, 1.0, 360)]
)
def test_a_posted_limit_counts_by_its_share(road, speeds, limit, share, expected):
    costs = arc_costs(road(limit_kph=limit), speeds(limit_share=share, primary=1.0))
    assert costs.drive_s.tolist() == pytest.approx([expected] * 2)


def test_a_closed_section_takes_for_ever(road, speeds):
    network = road()
    assert np.isinf(arc_costs(network.closing(np.array([True])), speeds()).drive_s).all()


def test_a_section_of_no_length_takes_no_time(road, speeds):
    assert arc_costs(road(length_m=0.0), speeds()).drive_s.tolist() == [0.0, 0.0]


def test_a_factor_speeds_up_driving_and_nothing_else(draw, speeds):
    """A crossing of four primaries: 1,000 m of road and 10 s of waiting."""
    network = cross(draw)
    profile = speeds(junction_s=10.0, access_s=60.0, parking_s=30.0, egress_s=5.0)
    plain, twice = arc_costs(network, profile), arc_costs(network, profile, factor=2.0)
    assert (twice.drive_s == plain.drive_s / 2).all()
    assert (twice.end_s == plain.end_s).all()
    assert (twice.access_mps, twice.start_s, twice.finish_s) == (1.0, 60.0, 35.0)


def test_the_ends_of_the_ranges_are_the_fastest_and_the_slowest_trip(draw, speeds):
    profile = speeds(
        primary=(18.0, 36.0, 72.0),
        access_kph=(1.8, 3.6, 7.2),
        limit_share=(0.5, 1.0, 2.0),
        junction_s=(0.0, 10.0, 20.0),
        access_s=(1.0, 2.0, 3.0),
        parking_s=(10.0, 20.0, 30.0),
        egress_s=(100.0, 200.0, 300.0),
    )
    network = cross(draw, east={"limit_kph": 36.0})
    found = {
        bound: arc_costs(network, profile, bound=bound) for bound in ("fastest", "value", "slowest")
    }
    assert [set(costs.drive_s) for costs in found.values()] == [{50.0}, {100.0}, {200.0}]
    assert [costs.end_s.max() for costs in found.values()] == [0.0, 10.0, 20.0]
    assert [costs.access_mps for costs in found.values()] == pytest.approx([2.0, 1.0, 0.5])
    assert [costs.start_s for costs in found.values()] == [1.0, 2.0, 3.0]
    assert [costs.finish_s for costs in found.values()] == [110.0, 220.0, 330.0]


def test_an_arc_costs_its_drive_and_its_end(draw, speeds):
    costs = arc_costs(cross(draw), speeds(junction_s=10.0))
    assert (costs.arc_s == costs.drive_s + costs.end_s).all()


# --- junctions ---------------------------------------------------------------------------------


def cross(draw, *, north="primary", east=None):
    """Roads from the middle to west (0), east (1), south (2) and north (3), a kilometre each."""
    nodes = {"m": (0, 0), "w": (-1000, 0), "e": (1000, 0), "s": (0, -1000), "n": (0, 1000)}
    roads = [("w", "m"), ("m", "e", east or {}), ("s", "m"), ("m", "n", {"class": north})]
    return draw(nodes, roads)


def test_a_driver_waits_on_reaching_a_crossing_and_not_at_dead_ends(draw, speeds):
    assert seconds(cross(draw), speeds(junction_s=10.0)) == {
        (0, "->"): 10.0,
        (0, "<-"): 0.0,
        (1, "->"): 0.0,
        (1, "<-"): 10.0,
        (2, "->"): 10.0,
        (2, "<-"): 0.0,
        (3, "->"): 0.0,
        (3, "<-"): 10.0,
    }


@pytest.mark.parametrize("side", ["residential", "service", "primary_link", "unclassified"])
def test_side_streets_and_ramps_make_no_crossing(draw, speeds, side):
    """Two main roads and a side street: nobody waits; the fourth arm is a side street as well."""
    nodes = {"m": (0, 0), "w": (-1000, 0), "e": (1000, 0), "s": (0, -1000), "n": (0, 1000)}
    roads = [("w", "m"), ("m", "e"), ("s", "m", {"class": side}), ("m", "n", {"class": side})]
    assert set(seconds(draw(nodes, roads), speeds(junction_s=10.0)).values()) == {0.0}


def test_whoever_comes_from_a_side_street_waits_at_the_crossing_too(draw, speeds):
    found = seconds(cross(draw, north="residential"), speeds(junction_s=10.0))
    assert found[3, "<-"] == 10.0


def test_a_bend_where_the_class_changes_is_no_crossing(draw, speeds):
    nodes = {"a": (0, 0), "b": (1000, 0), "c": (2000, 0)}
    network = draw(nodes, [("a", "b"), ("b", "c", {"class": "secondary"})])
    assert set(seconds(network, speeds(junction_s=10.0)).values()) == {0.0}


def test_each_carriageway_of_a_divided_road_is_half_a_crossing(draw, speeds):
    """Whoever comes along the carriageway waits half, for it will cross the street but once more
    at the other one; whoever comes along the street waits whole."""
    nodes = {"m": (0, 0), "w": (-1000, 0), "e": (1000, 0), "s": (0, -1000), "n": (0, 1000)}
    one = {"oneway": True}
    network = draw(nodes, [("w", "m", one), ("m", "e", one), ("s", "m"), ("m", "n")])
    found = seconds(network, speeds(junction_s=10.0))
    assert found[0, "->"] == 5.0
    assert found[2, "->"] == 10.0


def test_closing_an_arm_leaves_the_waiting_as_it_is(draw, speeds):
    """So that an edit never speeds up a trip past it."""
    network = cross(draw)
    closed = network.closing(np.array([False, False, True, True]))
    profile = speeds(junction_s=10.0)
    assert seconds(closed, profile) == seconds(network, profile)


# --- ramps -------------------------------------------------------------------------------------


def interchange(draw):
    """A street w-m-e, a motorway above it, a ramp up (2) and a ramp down (3) at m."""
    nodes = {
        "w": (-1000, 0),
        "m": (0, 0),
        "e": (1000, 0),
        "x": (-500, 100),
        "y": (500, 100),
        "z": (1500, 100),
        "o": (-1500, 100),
    }
    up, down = (
        {"class": "motorway_link", "oneway": True},
        {"class": "motorway_link", "oneway": True},
    )
    way = {"class": "motorway", "oneway": True}
    return draw(
        nodes,
        [
            ("w", "m"),
            ("m", "e"),
            ("m", "y", up),
            ("x", "m", down),
            ("o", "x", way),
            ("x", "y", way),
            ("y", "z", way),
        ],
    )


def test_getting_on_and_getting_off_cost_the_ramps_seconds_once_each(draw, speeds):
    found = seconds(interchange(draw), speeds(ramp_s=20.0))
    assert found == {
        (0, "->"): 0.0,
        (0, "<-"): 0.0,
        (1, "->"): 0.0,
        (1, "<-"): 0.0,
        (2, "->"): 20.0,
        (3, "->"): 20.0,
        (4, "->"): 0.0,
        (5, "->"): 0.0,
        (6, "->"): 0.0,
    }


def test_a_ramp_in_several_sections_costs_its_seconds_once(draw, speeds):
    nodes = {"a": (0, 0), "b": (500, 0), "c": (1000, 0), "d": (1500, 0), "e": (2000, 0)}
    ramp = {"class": "motorway_link", "oneway": True}
    network = draw(
        nodes,
        [
            ("a", "b"),
            ("b", "c", ramp),
            ("c", "d", ramp | {"ref": "10"}),
            ("d", "e", {"class": "motorway"}),
        ],
    )
    found = seconds(network, speeds(ramp_s=20.0))
    assert found[1, "->"] + found[2, "->"] == 20.0


def test_a_ramp_from_motorway_to_motorway_costs_none(draw, speeds):
    nodes = {"a": (0, 0), "b": (500, 0), "c": (1000, 0), "d": (1500, 0)}
    way, ramp = {"class": "motorway"}, {"class": "motorway_link", "oneway": True}
    network = draw(nodes, [("a", "b", way), ("b", "c", ramp), ("c", "d", way)])
    assert set(seconds(network, speeds(ramp_s=20.0)).values()) == {0.0}


def test_a_ramp_from_street_to_street_is_passed_once(draw, speeds):
    nodes = {"a": (0, 0), "b": (500, 0), "c": (1000, 0), "d": (1500, 0)}
    ramp = {"class": "motorway_link", "oneway": True}
    network = draw(nodes, [("a", "b"), ("b", "c", ramp), ("c", "d")])
    assert seconds(network, speeds(ramp_s=20.0))[1, "->"] == 20.0


# --- the built-in profiles ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["free_flow", "typical", "peak"])
def test_the_built_in_profiles_have_a_source_for_every_number(name):
    profile = load_region().profiles[name]
    fixed = [getattr(profile.fixed_s, part) for part in type(profile.fixed_s).model_fields]
    for value in [*profile.speed_kph.values(), profile.limit_share, profile.access_kph, *fixed]:
        assert value.source
        assert value.low <= value.value <= value.high


def test_the_built_in_profiles_are_ordered_from_fast_to_slow():
    """Door to door, over the kinds of road that a trip between clusters is made of."""
    profiles = load_region().profiles
    for road in ("motorway", "secondary", "tertiary", "residential"):
        kph = [profiles[name].speed_kph[road].value for name in ("free_flow", "typical", "peak")]
        assert kph == sorted(kph, reverse=True)
    for part in ("junction", "ramp", "access", "parking", "egress"):
        fixed = [getattr(profiles[n].fixed_s, part).value for n in ("free_flow", "typical", "peak")]
        assert fixed == sorted(fixed)
