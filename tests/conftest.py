"""What the tests share: roads drawn by hand, points, speeds that fit on paper, the source material.

The fixtures are functions and last a whole session, so that hypothesis may call them as well.
Hand-drawn roads lie about `ORIGIN` in EPSG:5179, in the middle of the Kyeongnam belt, and are
written in metres from there; a point or a bend at (300, 50) is 300 m east and 50 m north of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from source_material import ABSENT, SHARED
from technobelt.cli import main
from technobelt.network import NetworkInfo, network_from_roads
from technobelt.network.model import ROAD_COLUMNS
from technobelt.region import Profile
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from technobelt.network import Network

    XY = tuple[float, float]

CRS = "EPSG:5179"
ORIGIN = np.array([1_100_000.0, 1_690_000.0])

_PLAIN = {
    "class": "primary",
    "ref": None,
    "name": None,
    "forward": True,
    "backward": True,
    "limit_kph": np.nan,
    "bridge": 0.0,
    "tunnel": 0.0,
    "opened": None,
    "opened_ev": None,
}


def _line(xy: Sequence[XY]) -> shapely.LineString:
    return shapely.LineString(np.asarray(xy, dtype=float) + ORIGIN)


def _road(
    nodes: Mapping[str, XY], number: Mapping[str, int], said: Sequence[Any]
) -> dict[str, Any]:
    """Return one row of the road table; `said` is (from, to) or (from, to, what is special)."""
    u, v, *rest = said
    special = dict(rest[0]) if rest else {}
    line = _line([nodes[u], *special.pop("via", []), nodes[v]])
    if special.pop("oneway", False):
        special["backward"] = False
    length = special.pop("length_m", line.length)
    return {
        **_PLAIN,
        "u": number[u],
        "v": number[v],
        "length_m": length,
        "geometry": line,
        **special,
    }


@pytest.fixture(scope="session")
def draw() -> Callable[..., Network]:
    """Draw a network: nodes by name with their (x, y), roads as (from, to, {special}).

    A road is a straight two-way ``primary`` as long as it looks, unless it says otherwise; ``via``
    lists its bends, ``oneway`` closes it against its direction. Nodes are numbered as they are named.
    """

    def make(
        nodes: Mapping[str, XY],
        roads: Iterable[Sequence[Any]],
        *,
        walls: Iterable[Sequence[XY]] = (),
        date: str = "",
    ) -> Network:
        number = {name: i for i, name in enumerate(nodes)}
        rows = pd.DataFrame([_road(nodes, number, road) for road in roads])
        rows["class"] = pd.Categorical(rows["class"], categories=list(ROAD_CLASSES))
        table = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)[list(ROAD_COLUMNS)]
        network = network_from_roads(table, NetworkInfo(file="drawn by hand", date=date))
        shapes = [shapely.Polygon(np.asarray(ring, dtype=float) + ORIGIN) for ring in walls]
        return (
            network.with_barriers(gpd.GeoDataFrame(geometry=shapes, crs=CRS)) if shapes else network
        )

    return make


@pytest.fixture(scope="session")
def points() -> Callable[..., gpd.GeoDataFrame]:
    """Place points by name: ``points(home=(300, 50))``."""

    def make(**places: XY) -> gpd.GeoDataFrame:
        xy = np.array(list(places.values()), dtype=float).reshape(-1, 2) + ORIGIN
        return gpd.GeoDataFrame(geometry=shapely.points(xy), index=list(places), crs=CRS)

    return make


@pytest.fixture(scope="session")
def speeds() -> Callable[..., Profile]:
    """Make a profile: 36 km/h (10 m/s) everywhere and 3.6 km/h (1 m/s) on access legs.

    Keywords set other speeds by class (km/h) or fixed seconds; a triple is (low, value, high).
    """

    def value(given: float | tuple[float, float, float]) -> dict[str, Any]:
        low, middle, high = given if isinstance(given, tuple) else (given, given, given)
        return {"value": middle, "low": low, "high": high, "source": "a test"}

    def make(**special: Any) -> Profile:
        fixed = ("junction", "ramp", "access", "parking", "egress")
        return Profile.model_validate(
            {
                "label": "on paper",
                "speed_kph": {name: value(special.get(name, 36.0)) for name in ROAD_CLASSES},
                "limit_share": value(special.get("limit_share", 1.0)),
                "access_kph": value(special.get("access_kph", 3.6)),
                "fixed_s": {name: value(special.get(f"{name}_s", 0.0)) for name in fixed},
            }
        )

    return make


@pytest.fixture(scope="session")
def write_osm() -> Callable[..., Path]:
    """Write a small OSM file (XML): nodes by number with (x, y), ways as ([nodes], {tags}).

    Nodes that a way names and nobody has placed stay missing, as at the edge of an extract.
    """
    to_degrees = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)

    def make(
        path: Path, nodes: Mapping[int, XY], ways: Iterable[tuple[Sequence[int], Any]]
    ) -> Path:
        lines = ['<osm version="0.6">']
        for node, xy in nodes.items():
            lon, lat = to_degrees.transform(*(np.asarray(xy) + ORIGIN))
            lines.append(f'<node id="{node}" version="1" lat="{lat:.7f}" lon="{lon:.7f}"/>')
        for way, (members, tags) in enumerate(ways, start=1):
            lines.append(f'<way id="{way}" version="1">')
            lines += [f'<nd ref="{node}"/>' for node in members]
            lines += [f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items()]
            lines.append("</way>")
        path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
        return path

    return make


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of the source material; skip where it is not here."""
    if not (SHARED / "gyeongnam-2021-08.osm.pbf").is_file():
        pytest.skip(ABSENT)
    return SHARED


@pytest.fixture(scope="session")
def gyeongnam(shared: Path) -> Network:
    """Return the network of the Gyeongnam file, built once."""
    from technobelt.network import build_network

    return build_network(shared / "gyeongnam-2021-08.osm.pbf", crs=CRS)


@pytest.fixture
def run(capsys):
    """Return the command line: arguments -> exit code, stdout, stderr."""

    def call(*arguments: Any) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return int(stop.value.code or 0), said.out, said.err

    return call
