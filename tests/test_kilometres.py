"""The built-in network against published kilometres, and against the full OSM file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import technobelt as tb
from technobelt.layers import select
from technobelt.network import region_network
from technobelt.network.ties import tie_points
from technobelt.travel_time import matrix, model_of

#: Kilometres between interchanges over the expressways of 1999, and lengths of stretches, with the
#: share by which we may differ: the ends of a junction are a matter of definition.
IN_1999 = [
    ("namhae_main-13", "namhae_main-32", 91.3, 0.02),  # Sacheon, East Gimhae
    ("namhae_main-13", "jungang_br-04", 110.8, 0.02),  # Sacheon, South Yangsan
    ("namhae_main-13", "gyeongbu-05", 117.5, 0.02),  # Sacheon, Yangsan
    ("namhae_main-15", "namhae_br1-03", 49.0, 0.02),  # Jinju, West Masan
    ("namhae_br1-03", "namhae_main-32", 35.8, 0.02),  # West Masan, East Gimhae
    ("namhae_main-26", "namhae_main-32", 22.2, 0.02),  # East Changwon, East Gimhae
]
STRETCHES = [
    ("namhae_main-14", "namhae_main-22", ["10"], 44.2, 0.02),
    ("namhae_main-25", "namhae_main-30", ["10"], 17.3, 0.03),
    ("namhae_br1-01", "namhae_br1-06", ["102"], 17.9, 0.035),
    ("namhae_br3-01", "namhae_br3-05", ["105"], 15.26, 0.02),
    ("jungbu_naeryuk-01", "jungbu_naeryuk-08", ["45"], 52.38, 0.02),
    ("busan_ring-01", "busan_ring-09", ["600"], 48.8, 0.02),
    ("busan_ulsan-01", "busan_ulsan-07", ["65"], 47.2, 0.02),
]


@pytest.fixture(scope="module")
def region():
    return tb.load_region()


@pytest.fixture(scope="module")
def network(region):
    return region_network(region)


def kilometres(network, region, first, last, routes):
    """The shorter direction: a junction may be left in one direction only."""
    ends = tb.read_layer(region, "interchanges").loc[[first, last]]
    on = network.on_routes(routes) & ~network.closed
    ties = tie_points(network, ends, max_access_m=1500, sections=on)
    ties = replace(ties, access_m=np.zeros_like(ties.access_m))
    metres = matrix(model_of(network, "free_flow", by="length"), ties, ties)[1]
    return min(metres[0, 1], metres[1, 0]) / 1000


@pytest.mark.parametrize(("first", "last", "published", "tolerance"), IN_1999)
def test_expressway_kilometres_of_1999(network, region, first, last, published, tolerance):
    routes = ["1", "10", "55", "102", "104", "551"]
    found = kilometres(network.as_of("1999"), region, first, last, routes)
    assert found == pytest.approx(published, rel=tolerance)


@pytest.mark.parametrize(("first", "last", "routes", "published", "tolerance"), STRETCHES)
def test_lengths_of_stretches(network, region, first, last, routes, published, tolerance):
    found = kilometres(network, region, first, last, routes)
    assert found == pytest.approx(published, rel=tolerance)


def test_the_bypass_of_masan_is_not_there_in_1999(network):
    then = network.as_of("1999")
    bypass = (network.roads["opened"] == "2001-11-08").to_numpy()
    assert network.roads.loc[bypass, "length_m"].sum() > 30_000  # both carriageways
    assert then.closed[bypass].all()
    assert not network.closed.any()


def test_built_in_and_full_network_agree_pair_by_pair(network, region, gyeongnam):
    members = select(region, region.claims[0].members)
    members = members[members["cluster"].isin(list(region.clusters))]
    full = region_network(region, gyeongnam)
    small, large = (
        tb.travel_times(roads, members, members, profile="typical") for roads in (network, full)
    )
    cluster = members["cluster"]
    apart = small["from_id"].map(cluster).ne(small["to_id"].map(cluster))
    differ = (small["time_min"] / large["time_min"] - 1).abs()[apart]
    assert differ.median() < 0.03
    assert differ.quantile(0.95) < 0.10
