"""The ways of many trips at once: each is the best, and its parts are the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from technobelt.drives import best_drives
from technobelt.network.ties import tie_points
from technobelt.travel_time import matrix, model_of

#: A square with a one-way side and a motorway across, a cul-de-sac, a loop, and an island.
NODES = {
    "a": (0, 0),
    "b": (2_000, 0),
    "c": (2_000, 2_000),
    "d": (0, 2_000),
    "e": (3_000, 2_000),
    "i": (9_000, 0),
    "j": (9_900, 0),
}
ROADS = [
    ("a", "b"),
    ("b", "c", {"class": "secondary", "oneway": True}),
    ("c", "d", {"class": "tertiary"}),
    ("d", "a"),
    ("a", "c", {"class": "motorway", "oneway": True}),
    ("c", "e", {"class": "residential"}),
    ("e", "e", {"class": "residential", "via": [(3_500, 2_500), (3_500, 1_500)]}),
    ("i", "j"),
]
SPOT = st.tuples(st.integers(-300, 3_600), st.integers(-300, 2_600))


@pytest.fixture(scope="module")
def model(draw, speeds):
    profile = speeds(motorway=100.0, tertiary=28.0, junction_s=9.0, parking_s=60.0, access_s=20.0)
    return model_of(draw(NODES, ROADS), profile)


@settings(max_examples=40, deadline=None)
@given(spots=st.lists(SPOT, min_size=2, max_size=5, unique=True))
def test_every_drive_takes_as_long_as_the_matrix_says(model, points, spots):
    places = points(**{f"x{i}": spot for i, spot in enumerate(spots)})
    ties = tie_points(model.network, places, max_access_m=50_000)
    seconds, metres = matrix(model, ties, ties)
    pairs = [(a, b) for a in range(ties.n) for b in range(ties.n)]
    length = model.network.roads["length_m"].to_numpy()[model.network.arc_section]
    for (a, b), drive in zip(pairs, best_drives(model, ties, ties, pairs), strict=True):
        if drive is None:
            assert np.isinf(seconds[a, b])
            continue
        assert drive.total_s(model.costs) == pytest.approx(seconds[a, b], abs=0.01)
        driven = (drive.share * length[drive.arc]).sum() + sum(drive.access_m)
        assert driven == pytest.approx(metres[a, b], abs=0.1)
        ends = model.network.arc_head[drive.arc][:-1], model.network.arc_tail[drive.arc][1:]
        np.testing.assert_array_equal(*ends)


def test_trips_come_back_in_their_order_and_none_where_there_is_no_way(model, points):
    places = points(west=(500, 10), island=(9_400, 10), east=(2_700, 2_010))
    ties = tie_points(model.network, places)
    found = best_drives(model, ties, ties, [(2, 0), (0, 1), (0, 2), (2, 0), (1, 1)])
    assert [drive is None for drive in found] == [False, True, False, False, False]
    assert found[0].arc.tolist() == found[3].arc.tolist()
    assert found[0].arc.tolist() != found[2].arc.tolist()
    assert found[4].share.tolist() == [0]


def test_no_trips_are_no_drives(model, points):
    ties = tie_points(model.network, points(west=(500, 10)))
    assert best_drives(model, ties, ties, []) == []
