"""When roads opened: expressways by number and order, four roads by name, ramps by what they join."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import technobelt as tb
from source_material import SHARED, SHIPPED, needs_source
from technobelt.errors import LayerError
from technobelt.kyeongnam.dating import (
    BY_NAME,
    _segments,
    _stretches,
    _whole_routes,
    _with_links,
    line_through,
    nearest_stretch,
    with_ramps,
)
from technobelt.kyeongnam.source import HIGHWAY, SEGMENTS
from technobelt.network.osm import Ways
from technobelt.schema import ROAD_CLASSES


def ways(*rows):
    """Make ways of (class, nodes, {special}); a node is a letter."""
    number = {letter: at for at, letter in enumerate("abcdefghijklmnop")}
    nodes = [[number[n] for n in row[1]] for row in rows]
    special = [dict(row[2]) if len(row) > 2 else {} for row in rows]
    column = {
        "forward": [not s.get("against", False) for s in special],
        "backward": [not s.get("oneway", False) for s in special],
        "bridge": [False] * len(rows),
        "tunnel": [False] * len(rows),
        "ref": [s.get("ref") for s in special],
        "name": [s.get("name") for s in special],
        "opened": [s.get("opened") for s in special],
        "opened_ev": [s.get("ev", "dated" if "opened" in s else "unknown") for s in special],
    }
    flags = {"forward", "backward", "bridge", "tunnel"}
    node = np.concatenate(nodes)
    return Ways(
        start=np.concatenate([[0], np.cumsum([len(n) for n in nodes])]),
        node=node,
        lonlat=np.stack([128 + node / 1000, np.full(len(node), 35.0)], axis=1),
        road_class=np.array([ROAD_CLASSES.index(row[0]) for row in rows], dtype=np.int8),
        limit_kph=np.full(len(rows), np.nan),
        **{k: np.array(v, dtype=bool if k in flags else object) for k, v in column.items()},
    )


def road(nodes, opened=None, name="motorway"):
    return (name, nodes, {"opened": opened, "oneway": True} if opened else {})


def ramp(nodes, **special):
    return ("motorway_link", nodes, {"oneway": True} | special)


def dates_of_ramps(*rows):
    told = with_ramps(ways(*rows))
    chosen = told.road_class == ROAD_CLASSES.index("motorway_link")
    return list(zip(told.opened[chosen], told.opened_ev[chosen], strict=True))


# --- ramps ---------------------------------------------------------------------------------------


def test_a_ramp_between_two_expressways_opened_with_the_later():
    found = dates_of_ramps(road("abc", "1973-11-14"), road("def", "2001-11-08"), ramp("be"))
    assert found == [("2001-11-08", "assumed")]


def test_a_ramp_to_an_undated_road_opened_with_the_expressway():
    off = dates_of_ramps(
        road("abc", "1973-11-14"),
        ("primary", "xyz".translate(str.maketrans("xyz", "def"))),
        ramp("be"),
    )
    assert off == [("1973-11-14", "assumed")]
    on = dates_of_ramps(road("abc", "1973-11-14"), ("primary", "def"), ramp("eb"))
    assert on == [("1973-11-14", "assumed")]


def test_a_date_is_carried_along_a_chain_of_ramps():
    found = dates_of_ramps(
        road("abc", "1973-11-14"), road("def", "2001-11-08"), ramp("bg"), ramp("gh"), ramp("he")
    )
    assert found == [("2001-11-08", "assumed")] * 3


def test_a_shared_piece_was_of_use_from_the_first_road_on():
    # from two expressways onto one piece g-h, which leads to an undated road
    found = dates_of_ramps(
        road("abc", "1973-11-14"), road("def", "2001-11-08"), ("primary", "hij"),
        ramp("bg"), ramp("eg"), ramp("gh"),
    )  # fmt: skip
    assert [day for day, _ in found] == ["1973-11-14", "2001-11-08", "1973-11-14"]


def test_a_ramp_is_followed_the_way_it_is_driven():
    # drawn from e to b, driven from b to e
    found = dates_of_ramps(
        road("abc", "1973-11-14"), road("def", "2001-11-08"), ramp("eb", oneway=False, against=True)
    )
    assert found == [("2001-11-08", "assumed")]


def test_a_ramp_driven_both_ways_opened_with_the_later_road_too():
    found = dates_of_ramps(road("abc", "1973-11-14"), ("primary", "def"), ramp("be", oneway=False))
    assert found == [("1973-11-14", "assumed")]


def test_ramps_among_undated_roads_stay_unknown_and_so_does_a_ramp_to_nowhere():
    assert dates_of_ramps(("primary", "abc"), ("primary", "def"), ramp("be")) == [(None, "unknown")]
    assert dates_of_ramps(road("abc", "1973-11-14"), ramp("de")) == [(None, "unknown")]


def test_dating_ramps_changes_no_other_road():
    before = ways(road("abc", "1973-11-14"), ("primary", "def"), ramp("be"))
    after = with_ramps(before)
    assert after.opened[:2].tolist() == before.opened[:2].tolist() == ["1973-11-14", None]
    assert before.opened[2] is None


# --- by name, and by number alone ----------------------------------------------------------------


def segments():
    ids = list(BY_NAME)
    return pd.DataFrame({"segment_id": ids, "opened": "2010-12-14", "opened_ev": "dated"})


def test_a_road_known_by_name_is_dated_and_beyond_its_stretch_assumed():
    told = _with_links(
        ways(
            ("trunk", "ab", {"name": "거가대교"}),
            ("trunk", "bc", {"name": "거가대로"}),
            ("trunk", "cd", {"name": "거가대로휴게소"}),
            ("trunk_link", "de", {"name": "거가대교"}),
        ),
        segments(),
    )
    assert told.opened.tolist() == ["2010-12-14", "2010-12-14", None, None]
    assert told.opened_ev.tolist() == ["dated", "assumed", "unknown", "unknown"]


def test_a_stretch_that_the_material_lacks_is_named():
    with pytest.raises(
        LayerError, match="no stretch 'LK3', by which 불모산터널, 율하터널 are dated"
    ):
        _with_links(ways(("trunk", "ab")), segments().query("segment_id != 'LK3'"))


def test_a_route_without_interchanges_takes_the_only_stretch_that_had_opened():
    table = pd.DataFrame(
        {
            "route": ["14", "14", "16", "30", "30"],
            "opened": ["2024-12-28", "2020-12-11", "1969-12-29", "2001-01-01", "2007-01-01"],
        }
    )
    assert _whole_routes(table, table.iloc[:0]) == {"14": "2020-12-11", "16": "1969-12-29"}
    assert _whole_routes(table, table.iloc[2:3]) == {"14": "2020-12-11"}


# --- stretches of expressways --------------------------------------------------------------------


def interchanges():
    rows = [
        ("Samnak", "s", 1, 0), ("Daejeo JC", "s", 2, 3000), ("Daedong JC", "s", 3, 10_000),
        ("Sangdong", "n", 1, 20_000), ("Cheongdo", "n", 2, 70_000),
    ]  # fmt: skip
    return gpd.GeoDataFrame(
        [
            {"name": name, "line": line, "order": order, "route_no": "55"}
            for name, line, order, _ in rows
        ],
        geometry=gpd.points_from_xy([x for *_, x in rows], [0] * len(rows)),
        crs=5179,
    )


@pytest.mark.parametrize(
    ("name", "line", "begins", "ends"),
    [
        ("Samnak - Daejeo", "s", 0, 3000),
        ("Gimhae(Daejeo) - Daedong part of the Gimhae-Yangsan expressway", "s", 3000, 10_000),
        ("Daegu-Busan expressway (Daedong JC - Cheongdo part)", "n", 10_000, 70_000),
        ("Busan ring", "n", 20_000, 70_000),
    ],
)
def test_a_stretch_runs_between_the_interchanges_that_it_names(name, line, begins, ends):
    row = pd.Series({"name": name, "line_id": line, "route": "55"})
    shape = line_through(row, interchanges(), 7)
    assert (shape.coords[0][0], shape.coords[-1][0]) == (begins, ends)


def test_a_stretch_that_names_an_interchange_its_route_does_not_have_is_refused():
    row = pd.Series({"name": "Guma: Naesio - Cheongdo", "line_id": "n", "route": "55"})
    with pytest.raises(LayerError, match="line 7: its route has no interchange 'Naesio'; found: "):
        line_through(row, interchanges(), 7)


def test_what_lies_beyond_a_stretch_has_no_date():
    lines = np.array([shapely.LineString([(0, 0), (9_000, 0)])])
    xy = np.array([[4_000, 2_900], [4_000, 3_100], [9_900, 0], [10_100, 0], [-900, 0]], dtype=float)
    assert nearest_stretch(xy, lines)[1].tolist() == [True, False, True, False, True]


# --- what ships ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def roads():
    return gpd.read_parquet(SHIPPED / "roads.parquet")


def test_every_section_says_on_what_evidence_its_date_rests(roads):
    assert roads["opened_ev"].isin(["dated", "assumed", "unknown"]).all()
    assert (roads["opened"].notna() == (roads["opened_ev"] != "unknown")).all()
    assert roads["opened"].dropna().str.fullmatch(r"(19|20)\d\d-\d\d-\d\d").all()


@pytest.mark.parametrize(
    ("column", "value", "opened", "km"),
    [
        ("ref", "102", "1973-11-14", 2 * 17.9),  # the main line through Masan, both carriageways
        ("ref", "104", "1981-09-04", 2 * 20.6),
        ("ref", "105", "2017-01-13", 2 * 15.26),
        ("ref", "600", "2018-02-07", 2 * 48.8),
        ("ref", "14", "2020-12-11", 2 * 45.17),
        ("name", "마창대교", "2008-07-01", 2 * 1.7),
        ("name", "창원터널", "1994-12-31", 2 * 2.345),
        ("name", "불모산터널", "2015-12-05", None),
        ("name", "거가대교", "2010-12-14", None),
    ],
)
def test_what_opened_when_is_as_published(roads, column, value, opened, km):
    main = ~roads["class"].astype(str).str.endswith("_link")
    mine = roads[(roads[column] == value) & main]
    if column == "ref":
        mine = mine[mine["class"] == "motorway"]
    assert set(mine["opened"]) == {opened}
    if km is not None:
        found = mine["length_m"].sum() / 1000
        assert found == pytest.approx(km, rel=0.07 if column == "ref" else 0.4)


def test_no_date_reaches_beyond_what_is_known(roads):
    km = roads[roads["class"] == "motorway"].groupby(["ref", "opened"])["length_m"].sum() / 2000
    # kilometres as published; a junction's width at either end
    assert km["55", "1996-06-28"] == pytest.approx(6.88, abs=1)  # Daejeo to Daedong
    assert km["55", "2006-01-25"] == pytest.approx(62.98, abs=9)  # Daedong to Cheongdo, less shape
    assert km["45", "1977-12-17"] == pytest.approx(52.38, abs=2.5)  # Naeseo to Hyeonpung
    assert km["551", "2014-12-31"] == pytest.approx(8.08, abs=1.5)
    assert km["35", "1996-12-20"] == pytest.approx(7.5, abs=1)


def test_the_bypass_is_later_than_the_main_line_on_the_same_route(roads):
    ten = roads[(roads["ref"] == "10") & (roads["class"] == "motorway")]
    later = ten[ten["opened"] == "2001-11-08"]
    assert later["length_m"].sum() / 2000 == pytest.approx(16.6, rel=0.04)
    assert set(ten["opened"].dropna()) == {"1973-11-14", "2001-11-08"}


def test_the_network_of_1999_has_no_road_that_opened_later():
    network = tb.load_network(tb.load_region())
    then = network.as_of("1999-12-31")
    closed = network.roads[then.closed]
    assert (closed["opened"] > "1999-12-31").all()
    assert not (network.roads[~then.closed]["opened"].fillna("") > "1999-12-31").any()
    km = closed.groupby(closed["class"].astype(str))["length_m"].sum() / 1000
    later = (16.6, 15.26, 8.08, 47.9, 62.98, 48.8, 47.2, 45.17)  # kilometres as published
    assert km["motorway"] == pytest.approx(2 * sum(later), rel=0.05)
    assert km["motorway_link"] > 100


def test_ramps_of_later_expressways_are_closed_in_1999():
    network = tb.load_network(tb.load_region())
    then = network.as_of("1999-12-31")
    ends = network.roads[["u", "v"]].to_numpy()
    motorway = (network.roads["class"] == "motorway").to_numpy()
    ramps = (network.roads["class"] == "motorway_link").to_numpy()
    open_ends = set(ends[motorway & ~then.closed].ravel())
    late_ends = set(ends[motorway & then.closed].ravel()) - open_ends
    touching = ramps & np.isin(ends, list(late_ends)).any(axis=1)
    assert touching.sum() > 50
    assert then.closed[touching].all()


# --- the table of kilometres ---------------------------------------------------------------------


def test_kilometres_are_counted_by_route_and_evidence(draw):
    network = draw(
        {name: (at * 1000.0, 0) for at, name in enumerate("abcdefg")},
        [
            (
                "a",
                "b",
                {"class": "motorway", "ref": "10", "opened": "1973-11-14", "opened_ev": "dated"},
            ),
            (
                "b",
                "c",
                {"class": "motorway", "ref": "10", "opened": "2001-11-08", "opened_ev": "assumed"},
            ),
            ("c", "d", {"class": "motorway_link", "opened": "2001-11-08", "opened_ev": "assumed"}),
            (
                "d",
                "e",
                {"class": "trunk", "name": "Bridge", "opened": "2008-07-01", "opened_ev": "dated"},
            ),
            ("e", "f", {"opened_ev": "unknown"}),
            ("f", "g", {}),
        ],
    )
    table = tb.kilometres_by_evidence(network).set_index("route")
    assert table.index.tolist() == ["motorway 10", "motorway ramps", "Bridge", "other roads"]
    columns = ["dated_km", "assumed_km", "unknown_km"]
    assert table[columns].to_numpy().tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 2]]
    assert table.loc["motorway 10", ["first", "last"]].tolist() == ["1973-11-14", "2001-11-08"]
    assert pd.isna(table.loc["other roads", "first"])


def test_no_kilometre_is_lost_in_the_table(roads):
    table = tb.kilometres_by_evidence(tb.load_network(tb.load_region()))
    total = table[["dated_km", "assumed_km", "unknown_km"]].to_numpy().sum()
    assert total == pytest.approx(roads["length_m"].sum() / 1000, abs=2)


# --- a slip in the source is refused, not dated by ----------------------------------------------


@needs_source
@pytest.mark.parametrize(
    ("file", "line", "column", "value", "said"),
    [
        (SEGMENTS, 0, "line_id", "typo", "'line_id' 'typo' has no interchange in"),
        (SEGMENTS, 0, "route_no_today", "10x", "'route_no_today' '10x' is not its line's in"),
        (SEGMENTS, 1, "segment_id", None, "'segment_id' '.*' stands twice"),
        (HIGHWAY, 4, "lon", "", "'lon' '' is no position in degrees"),
        (HIGHWAY, 4, "lat", "352.1", "'lat' '352.1' is no position in degrees"),
        (HIGHWAY, 1, "order", None, "'order' '.*' stands twice on its line"),
        (HIGHWAY, 4, "confidence", "very", "'confidence' 'very' is not one of low, medium, high"),
    ],
)
def test_a_slip_in_the_roads_tables_is_named_with_file_and_line(
    tmp_path, file, line, column, value, said
):
    for name in (SEGMENTS, HIGHWAY):
        table = pd.read_csv(SHARED / name, dtype=str, keep_default_na=False)
        if name == file:  # None: what the line before says
            table.loc[line, column] = table.loc[line - 1, column] if value is None else value
        table.to_csv(tmp_path / name, index=False)
    with pytest.raises(LayerError, match=f"'{file}' line {line + 2}: {said}"):
        _stretches(tmp_path, _segments(tmp_path))


def test_what_opened_later_bears_no_older_name():
    frame = tb.read_layer(tb.load_region(), "interchanges")
    later = frame[frame["existed_1999"] == "no"]
    assert len(later) > 10
    assert (later["name"] == later["name_1999"]).all()
