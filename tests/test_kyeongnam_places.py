"""Where the built-in region's places stand: positions compared, outlines drawn, the paper's layers."""

from __future__ import annotations

import re
import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from source_material import SHARED, SHIPPED, needs_paper, needs_source
from technobelt.errors import LayerError
from technobelt.kyeongnam.boundaries import make_submunicipalities
from technobelt.kyeongnam.facilities import (
    make_complexes,
    make_outlines,
    make_universities,
    read_facilities,
)
from technobelt.kyeongnam.outlines import disc, draw_outlines, groups, holds, share_fragments
from technobelt.kyeongnam.paper import read_paper
from technobelt.kyeongnam.positions import NEAR_M, compare, plain_site_name, raised

#: About 91 m east of each other at this latitude for a thousandth of a degree.
LON, LAT = 128.6, 35.2


def place(place_id="A", name="가나대학교", kind="research_university", **said):
    row = {"id": place_id, "kind": kind, "name_ko": name, "lon": str(LON), "lat": str(LAT)}
    row |= {"confidence": "low", "coordinate_source": "a published address"}
    return row | said


def site(name, east_m=0.0):
    return {"name": name, "lon": LON + east_m / 91_100, "lat": LAT}


@pytest.fixture
def compared(tmp_path):
    """Compare places with sites and land that are drawn by hand."""

    def make(places, sites=(), land=()):
        pd.DataFrame([*sites, site("elsewhere", 50_000)]).to_csv(
            tmp_path / "osm_named_sites.csv", index=False
        )
        far = ("wood", shapely.box(0, 0, 1, 1))
        rows = [*land, far]
        gpd.GeoDataFrame(
            {"class": [name for name, _ in rows]}, geometry=[s for _, s in rows], crs=4326
        ).to_file(tmp_path / "landuse.gpkg")
        table = pd.DataFrame(places, dtype=str)
        table.index = pd.RangeIndex(2, len(table) + 2)
        return compare(tmp_path, table)

    return make


def square(east_m=0.0, half_m=100.0):
    lon, half = LON + east_m / 91_100, half_m / 91_100
    return shapely.box(lon - half, LAT - half, lon + half, LAT + half)


# --- positions -----------------------------------------------------------------------------------


def test_a_site_of_the_same_name_nearby_agrees_and_raises_the_confidence(compared):
    row = compared([place()], [site("국립 가나대학교", 300)]).iloc[0]
    assert (row["compared"], row["by"], row["site"]) == (
        "agrees",
        "site of the same name",
        "국립 가나대학교",
    )
    assert row["off_m"] == pytest.approx(300, abs=3)
    assert (row["was_conf"], row["confidence"]) == ("low", "medium")
    assert (row.geometry.x, row.geometry.y) == (LON, LAT)  # a documented position stays


def test_general_knowledge_gives_way_to_the_mapped_site(compared):
    row = compared(
        [place(coordinate_source="general knowledge (near a bridge)")], [site("가나대학교", 300)]
    ).iloc[0]
    assert row["compared"] == "agrees"
    assert row["mapped"]
    assert row.geometry.x == pytest.approx(site("", 300)["lon"], abs=1e-6)
    assert (row["was_lon"], row["was_lat"]) == (LON, LAT)


def test_a_site_of_the_same_name_farther_off_moves_the_place_and_raises_nothing(compared):
    row = compared([place()], [site("가나대학교", 700)]).iloc[0]
    assert (row["compared"], row["confidence"]) == ("moved", "low")
    assert row.geometry.x == pytest.approx(site("", 700)["lon"], abs=1e-6)


def test_a_site_ten_kilometres_off_is_another_place(compared):
    row = compared([place()], [site("가나대학교", 11_000)]).iloc[0]
    assert row["compared"] == "unconfirmed"
    assert row["site"] is None
    assert np.isnan(row["off_m"])


def test_of_two_sites_of_that_name_the_nearer_counts(compared):
    row = compared([place()], [site("가나대학교", 450), site("가나대학교", -90)]).iloc[0]
    assert row["off_m"] == pytest.approx(90, abs=2)


def test_a_library_of_that_name_is_no_site_of_the_same_name(compared):
    row = compared([place()], [site("가나대학교 도서관", 10)]).iloc[0]
    assert row["compared"] == "unconfirmed"
    assert row["confidence"] == "low"


def test_standing_on_land_of_its_kind_agrees_but_raises_nothing(compared):
    there = compared([place()], land=[("university", square())]).iloc[0]
    assert (there["compared"], there["by"], there["confidence"]) == (
        "agrees",
        "university land",
        "low",
    )
    other = compared([place()], land=[("industrial", square())]).iloc[0]
    assert other["compared"] == "unconfirmed"


def test_a_gate_stands_beside_its_land_not_two_roads_away(compared):
    beside = compared([place()], land=[("university", square(200))]).iloc[0]
    assert (beside["compared"], round(beside["land_m"])) == ("agrees", 100)
    away = compared([place()], land=[("university", square(400))]).iloc[0]
    assert away["compared"] == "unconfirmed"


def test_the_label_of_a_large_site_may_lie_far_from_its_gate(compared):
    works = place(kind="general_industrial_complex", name="다라산업단지")
    row = compared([works], [site("다라산업단지", 800)], [("industrial", square(0, 900))]).iloc[0]
    assert (row["compared"], row["by"]) == ("agrees", "industrial land")
    assert row["off_m"] == pytest.approx(800, abs=8)
    assert row.geometry.x == LON


def test_a_guest_goes_where_its_host_goes(compared):
    host = place(coordinate_source="general knowledge")
    guest = place(
        "B", "가나대 창업보육센터", "business_incubator", coordinate_source="host campus (A)"
    )
    rows = compared([host, guest], [site("가나대학교", 300)])
    assert rows["compared"].tolist() == ["agrees", "agrees"]
    assert rows["by"].iloc[1] == "its host's site of the same name"
    assert rows["confidence"].tolist() == ["medium", "low"]  # only the host's name was found
    assert rows.geometry.iloc[0].equals(rows.geometry.iloc[1])


def test_what_has_no_position_or_a_guessed_one_is_not_located(compared):
    rows = compared(
        [
            place("A", lon="", lat=""),
            place("B", coordinate_source="placed at Inje University"),
            place("C"),
        ]
    )
    assert rows["compared"].tolist() == ["not located", "not located", "unconfirmed"]
    assert rows["confidence"].tolist() == ["not located", "not located", "low"]
    assert rows.geometry.isna().tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("국립창원대학교", "창원대학교"),
        ("김해 안동공단", "김해안동공단"),
        ("양산일반산업단지 (유산공단)", "양산일반산업단지"),
        ("대학국립박물관", "대학국립박물관"),
    ],
)
def test_names_are_compared_without_spaces_brackets_and_national(written, plain):
    assert plain_site_name(written) == plain


def test_confidence_rises_by_one_step_and_ends_at_high():
    assert [raised(word) for word in ("low", "medium", "high")] == ["medium", "high", "high"]


def test_in_what_ships_confidence_rises_only_beside_a_site_of_the_same_name():
    positions = gpd.read_file(SHIPPED / "positions.geojson").set_index("id")
    rank = {"not located": 0, "low": 1, "medium": 2, "high": 3}
    before, after = (positions[c].map(rank) for c in ("was_conf", "confidence"))
    risen = positions[after > before]
    assert len(risen) == 13
    assert risen["by"].isin(["site of the same name", "site under another of its names"]).all()
    assert (risen["off_m"] <= NEAR_M).all()
    assert (positions[after < before]["compared"] == "not located").all()


def test_in_what_ships_every_place_has_its_comparison():
    positions = gpd.read_file(SHIPPED / "positions.geojson").set_index("id")
    for layer in ("complexes", "universities", "centres"):
        frame = gpd.read_file(SHIPPED / f"{layer}.geojson").set_index("id")
        mine = positions[positions["layer"] == layer]
        assert mine.index.tolist() == frame.index.tolist()
        for column in ("confidence", "compared"):
            assert mine[column].tolist() == frame[column].tolist()
        there = frame.geometry.notna()
        assert mine.geometry[there].geom_equals(frame.geometry[there]).all()
    assert len(positions) == 69


# --- outlines ------------------------------------------------------------------------------------


def plots(*spans, high=100.0):
    return shapely.box(
        np.array([a for a, _ in spans]),
        0,
        np.array([b for _, b in spans]),
        np.full(len(spans), high),
    )


def complexes(*rows):
    return gpd.GeoDataFrame(
        {"area_km2": [area for _, _, area in rows]},
        index=[f"C{i}" for i in range(len(rows))],
        geometry=gpd.points_from_xy([x for x, _, _ in rows], [y for _, y, _ in rows]),
        crs=5179,
    )


EAST, NORTH = 1_100_000.0, 1_690_000.0


def here(shapes):
    return shapely.transform(shapes, lambda xy: xy + np.array([EAST, NORTH]))


@pytest.mark.parametrize(("gap", "joined"), [(119, True), (120, True), (121, False)])
def test_fragments_join_over_a_road_but_not_over_a_field(gap, joined):
    first, second = groups(plots((0, 100), (100 + gap, 300)))
    assert (first == second) == joined


def test_fragments_are_chained():
    assert len(set(groups(plots((0, 100), (200, 300), (400, 500), (600, 700))))) == 1


def test_a_complex_takes_its_whole_group_when_it_is_alone():
    assert share_fragments(shapely.points([[50, 50]]), plots((0, 100), (200, 300), (500, 600)))[
        0
    ].tolist() == [0, 1]


def test_two_complexes_share_a_group_by_nearness():
    own = share_fragments(
        shapely.points([[50, 50], [650, 50]]), plots((0, 100), (200, 300), (400, 500), (600, 700))
    )
    assert [part.tolist() for part in own] == [[0, 1], [2, 3]]


@given(
    xs=st.lists(st.integers(0, 5_000), min_size=1, max_size=6, unique=True),
    starts=st.lists(st.integers(0, 40), min_size=1, max_size=12, unique=True),
)
def test_no_fragment_belongs_to_two_complexes(xs, starts):
    fragments = plots(*[(150.0 * s, 150.0 * s + 100) for s in starts])
    own = share_fragments(shapely.points([[x, 50] for x in xs]), fragments)
    taken = np.concatenate(own)
    assert len(np.unique(taken)) == len(taken)


def test_an_outline_is_land_use_where_the_area_fits_else_a_disc_else_a_point():
    fragments = here(plots((0, 1000), (1050, 2000), high=1000.0))  # two km2 with a road between
    frame = complexes(
        (EAST + 500, NORTH + 500, 2.0),
        (EAST + 90_000, NORTH, 3.0),
        (EAST + 60_000, NORTH, np.nan),
    )
    drawn = draw_outlines(frame, fragments)
    assert drawn["outline"].tolist() == ["landuse", "disc", "point"]
    assert drawn["area_ratio"].iloc[0] == pytest.approx(1.0, abs=0.02)
    assert drawn.geometry.iloc[0].geom_type == "Polygon"  # the road is bridged
    assert drawn.geometry.iloc[1].area / 1e6 == pytest.approx(3.0, rel=0.01)
    assert drawn.geometry.iloc[2].equals(frame.geometry.iloc[2])


@pytest.mark.parametrize(
    ("published", "kind"), [(0.45, "disc"), (0.55, "landuse"), (1.9, "landuse"), (2.1, "disc")]
)
def test_land_use_counts_between_half_and_twice_the_published_area(published, kind):
    drawn = draw_outlines(
        complexes((EAST + 500, NORTH + 500, published)), here(plots((0, 1000), high=1000.0))
    ).iloc[0]
    assert drawn["outline"] == kind
    assert drawn["area_ratio"] == pytest.approx(
        1 / published, abs=0.02
    )  # said even where not taken


def test_a_point_beside_the_land_gets_a_disc_that_holds_it():
    frame = complexes((EAST - 50, NORTH + 500, 1.0))
    drawn = draw_outlines(frame, here(plots((0, 1000), high=1000.0)))
    assert drawn["outline"].tolist() == ["disc"]
    assert drawn.geometry.iloc[0].contains(frame.geometry.iloc[0])


def test_an_outline_holds_its_point_or_it_does_not():
    shapes = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)] * 2, crs=5179)
    points = gpd.GeoSeries([shapely.Point(1, 1), shapely.Point(5, 5)], crs=5179)
    assert holds(shapes, points).tolist() == [True, False]


@needs_source
def test_an_outline_that_does_not_hold_its_own_point_stops_the_build(monkeypatch):
    def beside(complexes, industrial):
        drawn = draw_outlines(complexes, industrial)
        shapes = drawn.geometry.to_list()
        shapes[2] = shapely.affinity.translate(shapes[2], 20_000)
        return drawn.set_geometry(shapes, crs=drawn.crs)

    monkeypatch.setattr("technobelt.kyeongnam.facilities.draw_outlines", beside)
    said = "'facilities.csv' line 4: the outline of NIC02 does not hold its own point"
    with pytest.raises(LayerError, match=said):
        make_complexes(SHARED)


@needs_source
def test_a_complex_that_nobody_can_place_is_kept_and_has_no_outline(copied):
    folder = copied("centre,128.66242,35.21222,25.302", "centre,,,25.302")
    frame = make_complexes(folder).set_index("id")
    assert frame.geometry["NIC01"] is None
    assert frame.loc["NIC01", ["confidence", "outline"]].tolist() == ["not located", "point"]
    assert "NIC01" not in set(make_outlines(folder)["id"])


@given(st.floats(0.05, 60))
def test_a_disc_has_its_area_on_the_ellipsoid(area):
    degrees = gpd.GeoSeries([disc(shapely.Point(EAST, NORTH), area)], crs=5179).to_crs(4326)
    from pyproj import Geod

    measured = abs(Geod(ellps="WGS84").geometry_area_perimeter(degrees.iloc[0])[0]) / 1e6
    assert measured == pytest.approx(area, rel=0.005, abs=0.001)


def test_in_what_ships_outlines_hold_their_points_and_do_not_overlap():
    outlines = gpd.read_file(SHIPPED / "outlines.geojson").set_index("id").to_crs(5179)
    points = gpd.read_file(SHIPPED / "complexes.geojson").set_index("id").to_crs(5179)
    assert outlines.geometry.contains(points.geometry.loc[outlines.index]).all()
    kinds = points.loc[outlines.index, "outline"]
    assert (kinds == outlines["outline"]).all()
    assert set(points["outline"]) == {"landuse", "disc", "point"}
    mapped = outlines[outlines["outline"] == "landuse"]
    assert mapped["area_ratio"].between(0.5, 2).all()
    assert mapped.union_all().area == pytest.approx(mapped.area.sum(), rel=0.002)
    discs = outlines[outlines["outline"] == "disc"]
    assert discs["area_km2"].to_numpy() == pytest.approx(discs["published"].to_numpy(), rel=0.005)
    assert (discs["confidence"] == "low").all()


# --- bad source material -------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path):
    """Copy what the places are made of, and change one text in it."""

    def make(old, new, name="facilities.csv"):
        for file in ("boundaries.gpkg", "facilities.csv", "osm_named_sites.csv", "landuse.gpkg"):
            shutil.copyfile(SHARED / file, tmp_path / file)
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text.count(old) >= 1
        (tmp_path / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return make


@needs_source
def test_a_place_in_the_wrong_municipality_stops_the_build_though_the_map_would_put_it_right(
    copied,
):
    # Inje University's first position, in Jinju
    folder = copied("128.90250,35.24900,,1979", "128.09808,35.15406,,1979")
    with pytest.raises(
        LayerError,
        match=r"'facilities.csv' line \d+: UNI04 should stand in the municipality '김해시'",
    ):
        make_universities(folder)


@needs_source
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("NIC01,national_industrial_complex", "NIC01,park", "line 2: 'kind' 'park' is not one of"),
        ("\nFTZ01,", "\nNIC01,", "line 3: 'id' 'NIC01' stands twice"),
        ("128.66242,35.21222", "far,35.21222", "line 2: 'lon' 'far' is no number"),
        (
            "128.66242,35.21222,25.302",
            "128.66242,35.21222,large",
            "line 2: 'area_km2' 'large' is no number",
        ),
        ("25.302,1974,", "25.302,then,", "line 2: 'opened_year' 'then' is no number"),
        ("25.302,1974,", "25.302,1974.5,", "line 2: 'opened_year' '1974.5' is no year from 1800"),
        ("25.302,1974,", "25.302,19744,", "line 2: 'opened_year' '19744' is no year from 1800"),
        ("25.302,1974,", "25.302,2010,", "line 2: 'existed_1999' 'yes' contradicts its year"),
        ("25.302,1974,", "-3,1974,", "line 2: 'area_km2' '-3' is no area"),
        ("25.302,1974,", "inf,1974,", "line 2: 'area_km2' 'inf' is no area"),
        ("25.302,1974,yes", "25.302,1974,no", "line 2: 'existed_1999' 'no' contradicts its year"),
        (
            "25.302,1974,yes",
            "25.302,1974,maybe",
            "line 2: 'existed_1999' 'maybe' is not one of yes",
        ),
        ("\nFTZ01,", "\n,", "line 3: 'id' '' is empty"),
        ("창원국가산업단지,centre", ",centre", "line 2: 'name_ko' '' is empty"),
        (
            ",medium,창원시성산구,웅남동",
            ",sure,창원시성산구,웅남동",
            "line 2: 'confidence' 'sure' is not one",
        ),
    ],
)
def test_a_wrong_value_is_named_with_file_and_line(copied, old, new, said):
    with pytest.raises(LayerError, match=rf"'facilities.csv' {re.escape(said)}"):
        make_complexes(copied(old, new))


def test_a_place_of_later_years_never_bore_an_old_name():
    frame = pd.concat(
        [gpd.read_file(SHIPPED / f"{n}.geojson") for n in ("complexes", "universities", "centres")]
    ).set_index("id")
    later = frame[frame["existed_1999"] == "no"]
    assert (later["name"] == later["name_1999"]).all()
    assert not frame["name_1999"].str.contains(r"\bnow\b").any()
    assert frame.loc["VOC01", "name_1999"] == "Changwon Technical College"
    assert frame.loc["UNI07", "name_1999"] == "Chinju National University"


@needs_source
def test_what_the_source_cannot_place_is_what_is_marked():
    table = read_facilities(SHARED)
    bare = table.loc[
        (table["lon"] == "") | table["coordinate_source"].str.startswith("placed at"), "id"
    ]
    positions = gpd.read_file(SHIPPED / "positions.geojson").set_index("id")
    assert positions.index[positions["compared"] == "not located"].tolist() == bare.tolist()


# --- the paper's layers --------------------------------------------------------------------------


def test_table_1_adds_up_and_its_shares_do_not():
    rows = read_paper()["mechanical_industry"]["rows"]
    total, *parts = rows
    for measure in ("firms", "output", "workers"):
        assert sum(row[measure][0] for row in parts) == total[measure][0]
    nation = sum(row["firms"][0] / row["firms"][1] * 100 for row in parts)
    assert total["firms"][0] / nation == pytest.approx(0.099, abs=0.001)  # the table says 13.4 %


def test_table_4_adds_up_by_row_and_its_shares_are_those_of_the_nation():
    rows = {row["id"]: row for row in read_paper()["producer_services"]["rows"]}
    nation = np.array(rows["nation"]["workers"])
    for row in rows.values():
        total, *parts = row["workers"]
        assert sum(parts) == total
        shares = np.array(row["workers"]) / nation * 100
        assert shares == pytest.approx(np.array(row["percent"], dtype=float), abs=0.051)


@needs_paper
def test_the_figures_stand_in_the_paper():
    text = "".join(p.read_text(encoding="utf-8") for p in (SHARED.parent / "paper").glob("*.txt"))
    told = read_paper()
    numbers = [n for row in told["producer_services"]["rows"] for n in row["workers"]]
    numbers += [
        row[m][0]
        for row in told["mechanical_industry"]["rows"]
        for m in ("firms", "output", "workers")
    ]
    missing = [number for number in numbers if f"{number:,}" not in text]
    assert not missing


def test_the_paper_s_layers_say_where_they_stand_and_what_has_no_outline():
    services = gpd.read_parquet(SHIPPED / "producer_services.parquet").set_index("id")
    assert services.index[services.geometry.isna()].tolist() == [
        "nation",
        "seoul",
        "incheon",
        "gyeonggi",
    ]
    assert set(services["page"]) == {"section IV, table 4"}
    plans = gpd.read_parquet(SHIPPED / "local_plans.parquet").set_index("name_1999")
    assert plans["special"].to_dict() == {
        "Taegu": "textile and garment",
        "Pusan": "footwear",
        "Kyeongnam": "mechanical engineering",
    }
    industry = gpd.read_parquet(SHIPPED / "mechanical_industry.parquet")
    assert len(industry) == 7
    assert (industry.geometry == industry.geometry.iloc[0]).all()
    poles = gpd.read_file(SHIPPED / "growth_poles.geojson")
    assert set(poles["id"]) == {"NIC01", "NIC02", "NIC03", "NIC10", "NIC11", "FTZ01"}
    assert poles["opened_year"].between(1960, 1979).all()


@needs_source
@pytest.mark.parametrize(
    ("layer", "row", "slip", "said"),
    [
        ("municipalities", 20, {"geometry": None}, "has no outline"),
        (
            "municipalities",
            20,
            {"geometry": shapely.from_wkt("POLYGON ((128 35, 129 36, 129 35, 128 36, 128 35))")},
            "is no area: Self-intersection",
        ),
        (
            "municipalities",
            20,
            {"cluster": "center"},
            "'cluster' 'center' is unknown; there are east, centre, west, outside",
        ),
        ("municipalities", 20, {"cluster": None}, "'cluster' (None|nan) is unknown"),
        ("submunicipalities", 500, {"cluster": "East"}, "'cluster' 'East' is unknown"),
        ("submunicipalities", 500, {"geometry": None}, "has no outline"),
        ("submunicipalities", 500, {"mun_code": "99999"}, "'mun_code' '99999' is no municipality"),
    ],
)
def test_a_slip_in_an_outline_is_named_with_layer_and_row(tmp_path, layer, row, slip, said):
    for name in ("provinces", "municipalities", "submunicipalities"):
        frame = gpd.read_file(SHARED / "boundaries.gpkg", layer=name)
        if name == layer:
            for column, value in slip.items():
                frame.loc[row, column] = value
        frame.to_file(tmp_path / "boundaries.gpkg", layer=name)
    with pytest.raises(LayerError, match=rf"layer '{layer}' row {row + 1}: {said}"):
        make_submunicipalities(tmp_path)
