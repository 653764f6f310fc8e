"""How times and memory grow from city to country; exponents land in `extra_info`.

Run with ``python -m pytest tests/benchmarks/test_bench_growth.py --benchmark-only``; GROWTH_PICTURE
names a PNG or SVG to draw. ``growth.py`` does the same on any network.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from growth import HALVES_KM, draw, exponents, grow

import technobelt as tb
from source_material import ABSENT, SHARED

NATION = SHARED / "south-korea-2021-08.osm.pbf"
MIDDLE = (127.385, 36.35)  # Daejeon, amid the country


@pytest.mark.skipif(not NATION.is_file(), reason=ABSENT)
def test_growth_from_city_to_country(benchmark):
    network = tb.build_network(NATION, crs="EPSG:5179")
    table = benchmark.pedantic(lambda: grow(network, MIDDLE), rounds=1)
    benchmark.extra_info["exponents"] = exponents(table)
    benchmark.extra_info["measures"] = table.round(4).to_dict(orient="records")
    assert table["half_km"].tolist() == list(HALVES_KM)
    assert table["sections"].is_monotonic_increasing
    if picture := os.environ.get("GROWTH_PICTURE"):
        draw(table, Path(picture))
