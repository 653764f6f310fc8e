"""Ways to measure a claim, where they mean something and where they do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hand_region import ENDS, ROAD, make_region
from technobelt.measures import MEASURES
from technobelt.trips import member_places, trips_of


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
    assert all(asked.values())
