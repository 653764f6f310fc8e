"""Whatever a file holds, reading it gives a network or says in words why not; it never crashes."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import networkx as nx
import numpy as np
import osmium
import osmnx as ox
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from technobelt.errors import NetworkError, OutputError, TechnobeltError
from technobelt.network import (
    LineRules,
    Network,
    OsmRules,
    build_network,
    load_network,
    save_network,
)
from technobelt.network.limits import posted_limit
from technobelt.network.sources import FORMATS
from technobelt.network.tags import directions, ferry_seconds, may_drive, seconds_at

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of GDAL, about broken files

FUZZ = settings(
    max_examples=int(os.environ.get("TECHNOBELT_FUZZ", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FILES = ("a.osm.pbf", "a.osm", "a.osm.gz", "a.json", "a.graphml", "a.shp", "a.gpkg", "a.geojson")
MORE = ("a.parquet", "a.fgb", "a.zip", "a.kml", "MOCT_LINK.shp", "a.unknown")


def survives(read):
    """Read, and accept a network or an error in words of one line."""
    said = "-"
    try:
        made = read()
    except TechnobeltError as error:
        made, said = None, str(error)
    assert 0 < len(said.strip()) < 2000
    if made is None:
        return None
    assert isinstance(made, Network)
    assert np.isfinite(made.roads["length_m"]).all()
    assert np.isfinite(made.nodes[["x", "y"]].to_numpy()[made.roads["u"]]).all()
    return made


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One good file of each kind: the same three streets."""
    home = tmp_path_factory.mktemp("whole")
    places = {1: (128.60, 35.20), 2: (128.61, 35.20), 3: (128.62, 35.20), 4: (128.62, 35.21)}
    ways = [(1, 2), (2, 3), (3, 4), (4, 1)]
    with osmium.SimpleWriter(str(home / "a.osm.pbf")) as writer:
        for node, place in places.items():
            writer.add_node(osmium.osm.mutable.Node(id=node, location=place, version=1))
        for i, pair in enumerate(ways):
            tags = {"highway": "residential", "maxspeed": "50", "name": "길"}
            writer.add_way(osmium.osm.mutable.Way(id=i + 1, nodes=pair, tags=tags, version=1))
    with osmium.SimpleWriter(str(home / "a.osm")) as writer:
        for entity in osmium.FileProcessor(str(home / "a.osm.pbf")):
            writer.add(entity)
    (home / "a.osm.gz").write_bytes(gzip.compress((home / "a.osm").read_bytes()))
    elements = [{"type": "node", "id": i, "lon": x, "lat": y} for i, (x, y) in places.items()]
    tags = {"highway": "residential"}
    elements += [
        {"type": "way", "id": i, "nodes": pair, "tags": tags} for i, pair in enumerate(ways)
    ]
    (home / "a.json").write_text(json.dumps({"elements": elements}))
    graph = nx.MultiDiGraph(crs="epsg:4326")
    graph.add_nodes_from((i, {"x": x, "y": y}) for i, (x, y) in places.items())
    graph.add_edges_from((u, v, {"highway": "residential", "length": 900.0}) for u, v in ways)
    ox.save_graphml(graph, home / "a.graphml")
    lines = gpd.GeoDataFrame(
        {"name": ["길"] * 4},
        geometry=[shapely.LineString([places[u], places[v]]) for u, v in ways],
        crs=4326,
    )
    for name in ("a.shp", "a.gpkg", "a.geojson", "a.fgb"):
        lines.to_file(home / name)
    lines.to_parquet(home / "a.parquet")
    links = lines.assign(
        LINK_ID=list("abcd"),
        F_NODE=[str(u) for u, _ in ways],
        T_NODE=[str(v) for _, v in ways],
        ROAD_RANK="103",
    )
    links.to_file(home / "MOCT_LINK.shp")
    with zipfile.ZipFile(home / "a.zip", "w") as packed:
        for file in home.glob("MOCT_LINK.*"):
            packed.write(file, file.name)
    return home


KINDS = ("a.osm.pbf", "a.osm", "a.osm.gz", "a.json", "a.graphml", "a.shp", "a.gpkg", "a.geojson")
KINDS += ("a.parquet", "a.fgb", "a.zip", "MOCT_LINK.shp")


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_recognised_and_is_the_same_streets(whole, name):
    network = build_network(whole / name)
    assert network.roads["length_m"].sum() == pytest.approx(5063, abs=50)


@pytest.mark.parametrize("name", FILES + MORE)
@given(content=st.binary(max_size=400))
@FUZZ
def test_random_bytes_are_no_network(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert survives(lambda: build_network(tmp_path / name)) is None


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@FUZZ
def test_files_broken_off_or_changed_do_no_harm(whole, tmp_path, name, data):
    content = bytearray((whole / name).read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:at]
    else:
        content[at : at + 4] = data.draw(st.binary(min_size=1, max_size=8))
    for file in whole.glob(f"{name.partition('.')[0]}.*"):
        if name.endswith(".shp"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).write_bytes(content)
    survives(lambda: build_network(tmp_path / name))


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "graph"])
@pytest.mark.parametrize("name", ["a.osm", "a.json", "a.graphml", "a.gpkg", "a.zip"])
def test_a_format_that_the_file_is_not_of_is_refused_or_read(whole, name, kind):
    survives(lambda: build_network(whole / name, format=kind))


def test_an_unknown_format_and_a_thing_that_is_no_source_are_refused(whole):
    with pytest.raises(NetworkError, match="unknown format 'dxf'; there are osm"):
        build_network(whole / "a.osm", format="dxf")
    with pytest.raises(NetworkError, match="found int"):
        build_network(5)


# --- tags --------------------------------------------------------------------------------------

TEXT = st.text(max_size=12) | st.sampled_from(
    [
        "yes",
        "no",
        "-1",
        "50",
        "60;80",
        "80 @ (22:00-06:00)",
        "KR:urban",
        "walk",
        "none",
        "1e9",
        "0:30",
    ]
)
KEYS = st.sampled_from(
    [
        *("oneway", "maxspeed", "access", "motor_vehicle", "junction", "bridge", "ref", "name"),
        *("barrier", "duration", "locked", "maxspeed:type"),
    ]
)
TAGS = st.dictionaries(KEYS, TEXT, max_size=6)


@given(tags=TAGS)
@FUZZ
def test_any_tags_mean_something(tags):
    assert may_drive(tags) in {True, False}
    assert set(directions(tags)) <= {True, False}
    assert seconds_at(tags, OsmRules(gate_s=1, toll_s=2)) in {0, 1, 2, np.inf}


@given(text=TEXT, country=st.sampled_from(["", "KR", "DE"]))
@FUZZ
def test_any_limit_is_none_or_one_that_a_car_may_drive(text, country):
    limit = posted_limit(text, country)
    assert limit is None or 0 < limit <= 300
    seconds = ferry_seconds(text)
    assert seconds is None or 0 < seconds <= 7 * 86_400


XML_TEXT = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"
    ),
    max_size=12,
)


@given(
    ways=st.lists(
        st.tuples(
            st.lists(st.integers(1, 6), max_size=5),
            st.sampled_from(["residential", "motorway", "service", "footway", ""]),
            st.dictionaries(KEYS, XML_TEXT | st.just("yes"), max_size=4),
        ),
        max_size=6,
    ),
    ids=st.lists(st.integers(-3, 6), min_size=1, max_size=6),
)
@FUZZ
def test_random_ways_of_an_osm_file_and_of_overpass_do_no_harm(tmp_path, ways, ids):
    """Nodes may be missing, come twice or have negative ids; ways may be empty or double back."""
    lines = ['<osm version="0.6">']
    elements = []
    for i, node in enumerate(ids):
        lat, lon = 35 + i / 100, 128 + (i % 3) / 100
        lines.append(f'<node id="{node}" version="1" lat="{lat}" lon="{lon}"/>')
        elements.append({"type": "node", "id": node, "lat": lat, "lon": lon})
    for way, (members, kind, more) in enumerate(ways, start=1):
        tags = more | ({"highway": kind} if kind else {"route": "ferry"})
        lines.append(f'<way id="{way}" version="1">')
        lines += [f'<nd ref="{node}"/>' for node in members]
        lines += [f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items()]
        lines.append("</way>")
        elements.append({"type": "way", "id": way, "nodes": members, "tags": tags})
    (tmp_path / "a.osm").write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps({"elements": elements}), encoding="utf-8")
    rules = OsmRules(ferries=True, gate_s=5)
    survives(lambda: build_network(tmp_path / "a.osm", rules=rules))
    survives(lambda: build_network(tmp_path / "a.json", rules=rules))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    elements=st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["node", "way"]), "id": st.integers(-2, 3) | JSON},
            optional={
                "lat": st.floats() | JSON,
                "lon": st.floats() | JSON,
                "nodes": st.lists(st.integers(-2, 3), max_size=4) | JSON,
                "tags": st.just({"highway": "primary"}) | JSON,
            },
        )
        | JSON,
        max_size=8,
    )
)
@FUZZ
def test_any_elements_of_overpass_do_no_harm(tmp_path, elements):
    (tmp_path / "a.json").write_text(json.dumps({"elements": elements}))
    survives(lambda: build_network(tmp_path / "a.json"))


VALUES = JSON | st.lists(st.sampled_from(["primary", "service", "footway"]), max_size=3)


@given(
    nodes=st.lists(st.tuples(st.floats(127, 129) | JSON, st.floats(34, 36) | JSON), max_size=4),
    edges=st.lists(
        st.tuples(
            *(st.integers(0, 3), st.integers(0, 3)),
            st.fixed_dictionaries(
                {"highway": st.just("primary") | VALUES},
                optional={
                    "length": st.floats() | JSON,
                    "maxspeed": VALUES,
                    "name": VALUES,
                    "geometry": st.just("LINESTRING (128 35, 128.1 35.1)") | JSON,
                    "oneway": VALUES,
                },
            ),
        ),
        max_size=5,
    ),
)
@FUZZ
def test_any_graph_does_no_harm(nodes, edges):
    graph = nx.MultiDiGraph(crs="epsg:4326")
    graph.add_nodes_from((i, {"x": x, "y": y}) for i, (x, y) in enumerate(nodes))
    graph.add_edges_from(edges)
    survives(lambda: build_network(graph))


@given(
    lines=st.lists(
        st.lists(
            st.tuples(st.floats(-200, 200), st.floats(-100, 100))
            | st.tuples(st.integers(0, 3), st.integers(0, 3)).map(
                lambda p: (128 + p[0] / 1e4, 35 + p[1] / 1e4)
            ),
            min_size=2,
            max_size=4,
        ),
        max_size=6,
    ),
    split=st.booleans(),
    value=JSON,
)
@FUZZ
def test_any_lines_do_no_harm(lines, split, value):
    frame = gpd.GeoDataFrame(
        {"said": [value if not isinstance(value, list | dict) else str(value)] * len(lines)},
        geometry=[shapely.LineString(points) for points in lines],
        crs=4326,
    )
    columns = dict.fromkeys(
        ("class_column", "oneway_column", "limit_column", "name_column"), "said"
    )
    rules = LineRules(split_at_crossings=split, **columns)
    survives(lambda: build_network(frame, lines=rules))


# --- kept files --------------------------------------------------------------------------------


@given(data=st.data())
@FUZZ
def test_a_network_file_broken_off_or_changed_does_no_harm(whole, tmp_path, data):
    save_network(build_network(whole / "a.osm"), tmp_path / "roads.parquet")
    content = bytearray((tmp_path / "roads.parquet").read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    (tmp_path / "roads.parquet").write_bytes(content[:at])
    assert survives(lambda: load_network(tmp_path / "roads.parquet")) is None


def test_another_parquet_file_is_no_network(whole):
    with pytest.raises(NetworkError, match="road table"):
        load_network(whole / "a.parquet")


def test_a_full_disk_leaves_the_old_file(whole, tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    network = build_network(whole / "a.osm")
    path = save_network(network, tmp_path / "roads.parquet")
    before = path.read_bytes()

    write = pq.write_table

    def full(table, target, **options):
        if isinstance(target, Path):
            raise OSError(28, "No space left on device")
        return write(table, target, **options)

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OutputError, match="No space left"):
        save_network(network, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_packed_file_that_would_unpack_to_far_too_much_is_refused(tmp_path):
    path = tmp_path / "bomb.osm.gz"
    path.write_bytes(gzip.compress(bytes(150_000_000), 9))
    with pytest.raises(NetworkError, match="would unpack"):
        build_network(path)
