"""Ways to measure a claim, where they mean something and where they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from hand_region import ENDS, ROAD, make_region
from technobelt.claim_kinds import TO_OTHERS, ReadingName
from technobelt.measures import MEASURES
from technobelt.members import member_places
from technobelt.trips import trips_of


@pytest.mark.parametrize(
    ("clusters", "applies"), [(1, False), (2, False), (3, True), (4, False), (5, True)]
)
def test_only_an_odd_number_of_clusters_has_one_in_the_middle(tmp_path, draw, clusters, applies):
    region = make_region(tmp_path)
    trips = trips_of(region, draw(ENDS, ROAD), member_places(region, region.claims[0]), None)
    order = tuple(f"c{number}" for number in range(clusters))
    asked = {
        name: measure.applies(replace(trips["members"], order=order))
        for name, measure in MEASURES.items()
    }
    assert asked.pop("central") == applies
    assert not asked.pop("nearest")
    assert all(asked.values())


def test_trips_to_other_places_are_read_without_clusters(tmp_path, draw):
    region = make_region(tmp_path)
    places = member_places(region, region.claims[0])
    trips = trips_of(region, draw(ENDS, ROAD), places, None, places)
    assert list(trips) == ["members"]
    asked = {name for name, measure in MEASURES.items() if measure.applies(trips["members"])}
    assert asked & set(get_args(ReadingName)) >= set(TO_OTHERS)
    assert not asked & {"cluster_pair_median", "adjacent", "central"}


def test_every_reading_that_may_give_the_verdict_is_a_measure():
    assert set(MEASURES) - set(get_args(ReadingName)) == {"share_within"}
    assert set(get_args(ReadingName)) <= set(MEASURES)
