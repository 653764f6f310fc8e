"""The growth benchmark: what it cuts is a network, and its exponents are slopes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import technobelt as tb

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
from growth import MEASURES, cut, draw, exponents

MIDDLE = (128.68, 35.23)


@pytest.fixture(scope="module")
def table():
    sections = np.array([100, 1000, 10_000, 100_000, 1_000_000])
    measures = dict.fromkeys(MEASURES, sections**1.5 / 1000000.0) | {
        "memory_mb": 5.0 + 0 * sections
    }
    return pd.DataFrame({"half_km": [5, 10, 20, 40, 80], "sections": sections, **measures})


def test_a_square_is_a_smaller_network_whose_places_all_reach_each_other():
    network = tb.load_network(tb.load_region())
    squares = [cut(network, MIDDLE, half) for half in (5, 10, 1000)]
    counts = [len(square.roads) for square in squares]
    assert counts == sorted(counts)
    assert counts[-1] == len(network.roads)
    some = squares[0].roads.geometry.sample(10, random_state=1).interpolate(0.5, normalized=True)
    times = tb.travel_times(squares[0], some.to_frame(), some.to_frame())
    assert set(times["status"]) <= {"ok", "not_tied"}
    west, south, east, north = squares[0].roads.total_bounds
    assert max(east - west, north - south) < 20_000


def test_an_exponent_is_the_slope_of_logarithms(table):
    found = exponents(table)
    assert found.pop("memory_mb") == pytest.approx(0)
    assert set(found.values()) == {1.5}


def test_the_curve_is_drawn_into_the_file_that_is_named(table, tmp_path):
    assert draw(table, tmp_path / "growth.png").read_bytes()[1:4] == b"PNG"
    svg = draw(table, tmp_path / "growth.svg").read_text(encoding="utf-8")
    assert svg.lstrip().startswith("<?xml")
