"""The built-in region's layers: how they are made, and what ships."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import technobelt as tb
from source_material import SHARED, SHIPPED, needs_source
from technobelt.errors import LayerError, MissingColumnError, MissingFileError, NetworkError
from technobelt.kyeongnam import build_layers
from technobelt.kyeongnam.boundaries import generalise, locate
from technobelt.kyeongnam.build import MAKERS
from technobelt.kyeongnam.census import census_by_code, read_census
from technobelt.kyeongnam.corridor import carriageway
from technobelt.kyeongnam.dates import read_opening
from technobelt.kyeongnam.facilities import check_places, make_facilities
from technobelt.kyeongnam.highway import openings, stretch_ends
from technobelt.kyeongnam.land import block_mean, relief
from technobelt.kyeongnam.population import share_out, spread
from technobelt.kyeongnam.source import numbers, read_table
from technobelt.kyeongnam.store import write_layer
from technobelt.kyeongnam.streets import cut, read_lines
from technobelt.kyeongnam.water import opened, read_landuse, sea
from technobelt.kyeongnam.wording import largest_area, name_of_1999, plain_source
from technobelt.rasters import covered, grid_over
from technobelt.schema import LAYERS, check_layer
from technobelt.writing import replace_files

CLUSTERS = ("east", "centre", "west")
PLACES = ("complexes", "universities", "centres")
SOURCES = ("boundaries.gpkg", "facilities.csv", "osm_named_sites.csv", "landuse.gpkg")
QUICK = tuple(name for name in MAKERS if name not in {"population", "barriers", "land", "roads"})

SPELLINGS = {  # today's and the plan's
    "Gyeongnam": "Kyeongnam",
    "Jinju": "Chinju",
    "Sacheon": "Sachun",
    "Gimhae": "Kimhae",
    "Geoje": "Koje",
    "Busan": "Pusan",
}


def shipped(name: str) -> gpd.GeoDataFrame:
    path = SHIPPED / MAKERS[name].file
    return gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)


# --- dates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "note", "opened_on", "earliest", "evidence"),
    [
        ("1973-11-14", "", "1973-11-14", "1973-11-14", "dated"),
        ("1992 (one tube) / 1994 (both)", "", "1994-12-31", "1992-12-31", "dated"),
        (
            "2012-02-29 (tunnel); 2013-10 (stages 1-2); 2015-12-05 (whole 22.48 km)",
            "",
            "2015-12-05",
            "2012-02-29",
            "dated",
        ),
        (
            "2010-12 (Suncheon-Wanju exp.)",
            "(date: general knowledge)",
            "2010-12-31",
            "2010-12-31",
            "assumed",
        ),
        ("1973-11-14?", "", "1973-11-14", "1973-11-14", "assumed"),
        (
            "1973-11-14",
            "opening date assumed = section opening",
            "1973-11-14",
            "1973-11-14",
            "assumed",
        ),
        ("1973-11-14", "speed limit 100: general knowledge", "1973-11-14", "1973-11-14", "dated"),
        ("2024-02", "", "2024-02-29", "2024-02-29", "dated"),
        ("", "opening date not found", None, None, "unknown"),
    ],
)
def test_the_latest_date_decides_and_says_how_sure_it_is(text, note, opened_on, earliest, evidence):
    found = read_opening(text, note)
    assert (found.opened, found.earliest, found.evidence) == (opened_on, earliest, evidence)


@pytest.mark.parametrize(
    ("text", "opened_on"),
    [
        ("1973-11-14 (rebuilt 2010)", "1973-11-14"),
        ("1973-11-14 (toll plaza moved 500 m toward Jinju, 2010)", "1973-11-14"),
        ("1973-11-14 (moved by 2011 widening)", "1973-11-14"),
        ("moved 2014-10-01", "2014-10-01"),
    ],
)
def test_rebuilding_is_no_opening_unless_there_is_no_other_date(text, opened_on):
    assert read_opening(text).opened == opened_on


@pytest.mark.parametrize("text", ["1973-13-01", "1999-02-30", "soon"])
def test_a_date_that_is_none_is_named_with_file_and_line(text):
    table = pd.DataFrame({"opened": ["1999", text], "note": ""}, index=[2, 3])
    with pytest.raises(LayerError, match=rf"'h.csv' line 3: 'opened'.*{text}"):
        openings(table, "h.csv")


# --- wording -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "mean of 3 CCTV crossings (웅남, 완암): github some/one@963236e backend/cctv.xlsx (UTIC/ITS CCTV positions)",
        "ITS (국가교통정보센터) expressway CCTV position, via github a1/b@50e7efb d.json and c/d@963 e/f.xlsx (mean of 2)",
        "geocoded address 7: github file id 177 (list); gate at 128.5,35.2 (github c/d@963 e.xlsx (UTIC/ITS CCTV positions))",
        "registry 2025 in github some/Uni",
        "github lookup id 343 (창원대)",
        "Busan traffic centre CCTV (github someone xlsx)",
        "github file id 70 (128.717, 35.19: 3 decimals at most)",
    ],
)
def test_sources_are_told_without_accounts_and_file_numbers(text):
    told = plain_source(text)
    assert told
    assert not {"github", "@", "xlsx", "json", "lookup", "file id"} & set(told.split())
    assert "github" not in told
    assert "@" not in told
    assert told.count("(") == told.count(")")


def test_addresses_of_pages_stay_as_they_are():
    pages = "https://a.kr/x?id=1 ; https://b.kr/y"
    assert plain_source(pages) == "https://a.kr/x?id=1; https://b.kr/y"


@pytest.mark.parametrize(
    ("today", "then"),
    [
        (
            "Gyeongsang National University, Gajwa campus",
            "Kyeongsang National University, Kajwa campus",
        ),
        (
            "X University (Jinju National University in 1999; merged 2021)",
            "Chinju National University",
        ),
        ("Masan Free Trade Zone (until 2000 Masan Free Export Zone)", "Masan Free Export Zone"),
        ("Changwon National University", "Changwon National University"),
    ],
)
def test_names_are_spelt_as_in_1999_where_they_differ(today, then):
    assert name_of_1999(today) == then


def test_the_largest_published_area_is_kept_beside_the_managed_one():
    note = "area = managed area; other figures seen: 20.20 (works begun 1974), 55.2 (16.70M pyeong, Dec 1977)"
    assert largest_area(25.302, note) == 55.2
    assert largest_area(60, note) is None


# --- boundaries --------------------------------------------------------------------------------


def wiggly_pair() -> np.ndarray:
    rng = np.random.default_rng(1)
    y = np.linspace(0, 10_000, 101)
    border = np.column_stack([5_000 + rng.uniform(-60, 60, 101), y])
    left = shapely.Polygon([(0, 0), *border, (0, 10_000)])
    right = shapely.Polygon([(10_000, 0), (10_000, 10_000), *border[::-1]])
    return np.array([left, right])


def test_neighbours_share_their_border_after_generalising():
    full = wiggly_pair()
    left, right = generalise(full)
    assert shapely.get_num_coordinates(left) < shapely.get_num_coordinates(full[0]) / 2
    assert left.intersection(right).area == 0
    assert left.union(right).area == pytest.approx(1e8)
    assert left.intersection(right).length > 9_999


def test_overlapping_municipalities_are_refused():
    with pytest.raises(LayerError, match="row 2: the outline overlaps its neighbours"):
        generalise(np.array([shapely.box(0, 0, 2e4, 2e4), shapely.box(1.9e4, 0, 3e4, 2e4)]))


def test_borders_that_miss_each_other_by_a_hair_are_brought_together():
    left, right = generalise(
        np.array([shapely.box(0, 0, 2e4, 2e4), shapely.box(2e4 + 0.0001, 0, 3e4, 2e4)])
    )
    assert left.intersection(right).length == pytest.approx(2e4)


def test_a_quay_belongs_to_the_nearest_municipality_and_the_open_sea_to_none():
    areas = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1000, 1000)], index=["38030"], crs=5179)
    points = gpd.GeoSeries(gpd.points_from_xy([500, 1300, 3000], [500, 500, 500]), crs=5179)
    assert locate(points, areas).fillna("none").tolist() == ["38030", "38030", "none"]


@pytest.mark.parametrize(
    ("municipality", "cluster", "code", "message"),
    [
        ("사천시", "west", "38030", "line 7: GIC01 should stand in the municipality '사천시'"),
        ("진주시", "east", "38030", "line 7: GIC01 should stand in the cluster 'east'"),
        ("진주시", "west", None, "line 7: GIC01 lies in no municipality"),
    ],
)
def test_a_facility_in_the_wrong_place_is_named(municipality, cluster, code, message):
    areas = pd.DataFrame({"name_ko": ["진주시"], "cluster": ["west"]}, index=["38030"])
    row = {"id": ["GIC01"], "municipality_ko": [municipality], "cluster": [cluster]}
    with pytest.raises(LayerError, match=message):
        check_places(pd.DataFrame(row, index=[7]), pd.Series([code], index=[7]), areas)


# --- population --------------------------------------------------------------------------------


def test_shares_are_whole_and_their_sum_is_the_total():
    weights = np.random.default_rng(2).exponential(size=500)
    shares = share_out(12_345, weights)
    assert shares.sum() == 12_345
    assert np.abs(shares - 12_345 * weights / weights.sum()).max() < 1


def test_people_are_spread_by_length_of_street_and_kept_to_the_person():
    rng = np.random.default_rng(3)
    pieces = pd.DataFrame(
        {
            "x": rng.uniform(0, 9_000, 300),
            "y": rng.uniform(0, 9_000, 300),
            "length": rng.uniform(1, 50, 300),
            "municip": rng.choice(["a", "b"], 300),
        }
    )
    cells = spread(pieces, pd.Series({"a": 1_003, "b": 77}))
    assert cells.groupby("municip")["population"].sum().to_dict() == {"a": 1_003, "b": 77}
    assert cells["id"].is_unique
    assert (cells["population"] > 0).all()
    assert cells["x"].isin(pieces["x"]).all()


def test_a_municipality_without_streets_is_named():
    pieces = pd.DataFrame({"x": [1.0], "y": [1.0], "length": [9.0], "municip": ["a"]})
    with pytest.raises(LayerError, match="municipality b has no residential street"):
        spread(pieces, pd.Series({"a": 1, "b": 2}))


CENSUS = pd.DataFrame(
    {
        "province_ko": ["경상남도", "경상남도", "부산광역시", "대구광역시"],
        "name_ko": ["창원시", "의창구", "중구", "중구"],
        "population": ["1047488", "239899", "47260", "72399"],
    },
    index=range(2, 6),
)


def areas_called(province: str, *names: str) -> pd.DataFrame:
    return pd.DataFrame({"prov_ko": province, "name_ko": list(names)}, index=list(names))


def test_a_district_is_joined_by_its_own_name_and_province():
    assert census_by_code(areas_called("경상남도", "창원시의창구"), CENSUS).tolist() == [239899]
    assert census_by_code(areas_called("대구광역시", "중구"), CENSUS).tolist() == [72399]


def test_a_municipality_that_does_not_join_is_named_with_its_row():
    said = (
        r"'boundaries.gpkg' layer 'municipalities' row 2: '경상남도 진주시' is not in 'census2010"
    )
    with pytest.raises(LayerError, match=said):
        census_by_code(areas_called("경상남도", "창원시의창구", "진주시"), CENSUS)


def test_a_name_that_stands_twice_in_the_census_is_refused():
    with pytest.raises(LayerError, match="stands 2 times"):
        census_by_code(
            areas_called("부산광역시", "중구"), pd.concat([CENSUS, CENSUS], ignore_index=True)
        )


def test_pieces_are_short_and_keep_the_length():
    lines = np.array(
        [shapely.LineString([(0, 0), (120, 0), (120, 7)]), shapely.LineString([(9, 9), (9, 10)])]
    )
    pieces = cut(lines)
    assert pieces.length.max() <= 50
    assert pieces.length.sum() == pytest.approx(128)


# --- water and land ----------------------------------------------------------------------------


def test_a_brook_is_no_barrier_and_a_river_stays_whole():
    river = shapely.LineString([(0, 0), (5_000, 800), (9_000, 0)]).buffer(150)
    brook = shapely.LineString([(5_000, 800), (5_000, 6_000)]).buffer(30)
    bodies = opened(river.union(brook), 100)
    assert len(bodies) == 1
    assert bodies[0].covers(
        shapely.LineString([(100, 0), (5_000, 800), (8_900, 0)]).interpolate(0.5, normalized=True)
    )
    assert bodies[0].bounds[3] < 1_100


def test_the_sea_is_neither_land_nor_built_upon():
    quay, lake = shapely.box(10, 0, 12, 5), shapely.box(0, 0, 1, 1)
    landuse = gpd.GeoDataFrame(
        {"class": ["industrial", "water", "wood"]},
        geometry=[quay, lake, shapely.box(0, 0, 20, 0.1)],
        crs=5179,
    )
    assert sea(landuse, shapely.box(-5, -5, 10, 30)).area == pytest.approx(10 * 5 - 2 * 5 - 8 * 0.1)


def test_cells_are_aligned_and_shares_are_means():
    grid = grid_over((120, 130, 980, 560), 500)
    assert (grid.left, grid.top, grid.rows, grid.columns) == (0, 1000, 2, 2)
    half = covered([shapely.box(0, 0, 250, 1000)], grid.finer(5).finer(2))
    shares = block_mean(half, 2)
    assert shares[0].tolist() == [1, 1, 0.5, *[0] * 7]
    assert block_mean(shares, 5)[0].tolist() == [0.5, 0]


# --- the corridor ------------------------------------------------------------------------------


def test_the_carriageway_is_the_one_that_leads_away_from_the_first_interchange():
    east = [shapely.LineString([(x, 0), (x + 500, 0)]) for x in (500, 0, 1000)]
    west = [shapely.LineString([(1500, 20), (0, 20)])]
    lay_by = [shapely.LineString([(400, -30), (700, -30)])]
    roads = np.array(west + lay_by + east)
    assert carriageway(roads, (0, 10), (1500, 10)).coords[:] == [
        (0, 0),
        (500, 0),
        (1000, 0),
        (1500, 0),
    ]
    assert carriageway(roads, (1500, 10), (0, 10)).coords[0] == (1500, 20)


def test_a_route_with_a_gap_is_refused():
    roads = np.array([shapely.LineString([(0, 0), (9, 0)]), shapely.LineString([(21, 0), (30, 0)])])
    with pytest.raises(NetworkError, match="interrupted"):
        carriageway(roads, (0, 0), (30, 0))


def test_a_stretch_whose_interchange_is_unknown_is_named():
    known = gpd.GeoDataFrame({"name": ["Sanin JC", "Changwon JC"]})
    with pytest.raises(LayerError, match=r"line 5: its route has no interchange 'Jinju JC'"):
        stretch_ends("Namhae: Jinju JC - Sanin JC", known, 5)


# --- bad source material -----------------------------------------------------------------------


def test_a_missing_folder_a_missing_file_and_an_unknown_layer_are_named(tmp_path):
    with pytest.raises(MissingFileError, match="no source folder"):
        build_layers(tmp_path / "none", tmp_path / "out")
    with pytest.raises(MissingFileError, match=r"no file 'boundaries.gpkg'"):
        build_layers(tmp_path, tmp_path / "out", only=["clusters"])
    with pytest.raises(LayerError, match="no layer 'parks'"):
        build_layers(tmp_path, tmp_path / "out", only=["parks"])
    assert not (tmp_path / "out").exists()


def test_a_missing_column_and_a_number_that_is_none_are_named(tmp_path):
    (tmp_path / "t.csv").write_text("id,km\na,1\nb,far\n", encoding="utf-8")
    with pytest.raises(MissingColumnError, match=r"'t.csv' needs column 'lon'; found: id, km"):
        read_table(tmp_path, "t.csv", ["id", "lon"])
    with pytest.raises(LayerError, match=r"'t.csv' line 3: 'km' 'far' is no number"):
        numbers(read_table(tmp_path, "t.csv", ["km"]), "km", "t.csv")


def test_a_row_that_is_too_short_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("id,km\na,1\nb\n", encoding="utf-8")
    with pytest.raises(LayerError, match=r"'t.csv' line 3: a row of 1 fields; the header has 2"):
        read_table(tmp_path, "t.csv", ["id"])


@pytest.mark.parametrize("people", ["-5", "170055.7", "0", ""])
def test_people_that_are_none_are_named_with_their_line(tmp_path, people):
    text = f"province_ko,name_ko,population\n경상남도,진주시,5\n경상남도,사천시,{people}\n"
    (tmp_path / "census2010_municipalities.csv").write_text(text, encoding="utf-8")
    with pytest.raises(LayerError, match=r"'census2010_municipalities.csv' line 3: 'population'"):
        read_census(tmp_path)


def test_a_damaged_road_file_is_named(tmp_path):
    (tmp_path / "r.osm.pbf").write_bytes(b"\x00\x00\x00\x0dnot a pbf at all")
    with pytest.raises(NetworkError, match=r"'r.osm.pbf' cannot be read"):
        read_lines(tmp_path, "r.osm.pbf", ["residential"])


@pytest.mark.parametrize("content", [b"no raster at all", b"II*\x00\x08\x00\x00\x00\x00\x00"])
def test_a_damaged_elevation_is_named_and_not_the_output_folder(tmp_path, content):
    (tmp_path / "elevation_3s.tif").write_bytes(content)
    here = np.array([1_100_000.0])
    with (
        pytest.raises(LayerError, match=r"'elevation_3s.tif' cannot be read as a raster: .*whole"),
        replace_files(tmp_path / "out"),
    ):
        relief(tmp_path, here, here)


@needs_source
def test_a_cut_off_elevation_is_named(tmp_path):
    whole = (SHARED / "elevation_3s.tif").read_bytes()
    (tmp_path / "elevation_3s.tif").write_bytes(whole[: len(whole) // 2])
    here = np.array([1_100_000.0])
    with pytest.raises(LayerError, match=r"'elevation_3s.tif' cannot be read as a raster"):
        relief(tmp_path, here, here)


@needs_source
def test_two_facilities_with_one_id_stop_the_build_before_anything_is_replaced(tmp_path):
    for name in SOURCES:
        shutil.copyfile(SHARED / name, tmp_path / name)
    text = (tmp_path / "facilities.csv").read_text(encoding="utf-8").replace("\nNIC03,", "\nNIC02,")
    (tmp_path / "facilities.csv").write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    out.mkdir()
    (out / "clusters.geojson").write_text("old")
    with pytest.raises(LayerError, match=r"'facilities.csv' line 5: 'id' 'NIC02' stands twice"):
        build_layers(tmp_path, out, only=["clusters", "complexes"])
    assert [path.name for path in out.iterdir()] == ["clusters.geojson"]
    assert (out / "clusters.geojson").read_text() == "old"


@needs_source
def test_swapped_coordinates_are_named(tmp_path):
    for name in SOURCES:
        shutil.copyfile(SHARED / name, tmp_path / name)
    text = (tmp_path / "facilities.csv").read_text(encoding="utf-8")
    (tmp_path / "facilities.csv").write_text(
        text.replace("128.66242,35.21222", "35.21222,128.66242"), encoding="utf-8"
    )
    with pytest.raises(LayerError, match=r"line 2: 'lon' '35.21222' is no longitude of Korea"):
        make_facilities(tmp_path, ["national_industrial_complex"])


def test_geojson_holds_nulls_and_five_decimals(tmp_path):
    frame = gpd.GeoDataFrame(
        {
            "id": ["a"],
            "name": ["A"],
            "kind": ["x"],
            "cluster": ["west"],
            "source": ["s"],
            "licence": ["l"],
            "confidence": ["low"],
            "opened_year": pd.array([None], dtype="Int64"),
            "area_km2": [np.nan],
        },
        geometry=[shapely.Point(128.123456789, 35.1)],
        crs=4326,
    )
    write_layer(frame, tmp_path / "complexes.geojson")
    (feature,) = json.loads((tmp_path / "complexes.geojson").read_text(encoding="utf-8"))[
        "features"
    ]
    assert feature["geometry"]["coordinates"] == [128.12346, 35.1]
    assert feature["properties"]["area_km2"] is None
    assert feature["properties"]["opened_year"] is None


# --- what ships --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in MAKERS if name in LAYERS])
def test_a_shipped_layer_passes_the_checks_at_the_door(name):
    frame = shipped(name)
    check_layer(frame, LAYERS[name], found_in=MAKERS[name].file)
    for column in ("source", "licence", "confidence"):
        assert frame[column].notna().all()
        assert (frame[column] != "").all()
    assert frame["confidence"].isin(["high", "medium", "low", "not located"]).all()
    lost = frame.geometry.isna()
    assert (frame.loc[lost, "confidence"] == "not located").all()
    assert (frame.loc[~lost, "confidence"] != "not located").all()


@pytest.mark.parametrize("name", [*PLACES, "clusters", "interchanges", "corridor", "outlines"])
def test_every_row_has_a_korean_name_an_old_and_a_new_one(name):
    frame = shipped(name)
    for column in ("name", "name_ko", "name_1999"):
        assert frame[column].notna().all()
        assert (frame[column] != "").all()
    if "existed_1999" not in frame:
        return
    then = frame[frame["existed_1999"] != "no"]
    for new, old in SPELLINGS.items():
        assert not then["name_1999"].str.contains(rf"\b{new}\b").any()
        assert then["name_1999"].str.contains(old).sum() >= then["name"].str.contains(new).sum() - 1


def test_the_layers_without_the_roads_are_small():
    sizes = [(SHIPPED / MAKERS[name].file).stat().st_size for name in MAKERS if name != "roads"]
    assert sum(sizes) < 6e6


@pytest.mark.parametrize(
    "name", [name for name in MAKERS if MAKERS[name].file.endswith(".geojson")]
)
def test_no_shipped_text_names_accounts_or_files_of_others(name):
    text = (SHIPPED / MAKERS[name].file).read_text(encoding="utf-8").lower()
    for word in ("github", "lookup", "file id", ".xlsx", ".json", "@"):
        assert word not in text


def test_there_are_three_clusters_from_east_to_west_that_do_not_overlap():
    clusters = shipped("clusters")
    assert tuple(clusters["id"]) == CLUSTERS
    assert clusters["name"].tolist() == ["Gimhae/Yangsan", "Changwon/Masan", "Jinju/Sacheon"]
    metres = clusters.to_crs(5179)
    assert metres.centroid.x.is_monotonic_decreasing
    assert metres.union_all().area == pytest.approx(metres.area.sum(), rel=1e-12)


def test_clusters_are_their_municipalities():
    clusters = shipped("clusters").set_index("id").to_crs(5179)
    municipalities = shipped("municipalities")
    for name in CLUSTERS:
        members = municipalities[municipalities["cluster"] == name]
        assert clusters.loc[name, "area_km2"] == pytest.approx(members["area_km2"].sum(), abs=0.01)
        between = members.union_all().symmetric_difference(clusters.geometry[name])
        assert between.buffer(-3).area == 0  # rounding to 1 m here and to 0.00001 degrees there


def test_municipalities_share_their_borders_and_make_up_the_province():
    municipalities = shipped("municipalities")
    assert len(municipalities) == 72
    assert municipalities["id"].is_unique
    assert shapely.coverage_is_valid(municipalities.geometry.to_numpy())
    province = municipalities[municipalities["province"] == "Gyeongsangnam-do"]
    assert len(province) == 22
    assert province["area_km2"].sum() == pytest.approx(10_557, abs=1)
    assert "Changwon Uichang-gu" in set(province["name"])
    assert set(province["city_1999"]) >= {"창원시", "마산시", "진해시"}


def test_every_facility_stands_in_its_cluster():
    clusters = shipped("clusters").set_index("id").to_crs(5179).geometry
    for layer in PLACES:
        for place in shipped(layer).to_crs(5179).dropna(subset="geometry").itertuples():
            gaps = {name: place.geometry.distance(shape) for name, shape in clusters.items()}
            if place.cluster == "outside":
                assert min(gaps.values()) > 0, place.id
            else:
                assert gaps[place.cluster] <= 100, place.id


def test_facilities_are_what_the_source_counts():
    counts = {layer: len(shipped(layer)) for layer in PLACES}
    assert counts == {"complexes": 30, "universities": 17, "centres": 22}
    ids = pd.concat([shipped(layer)["id"] for layer in PLACES])
    assert ids.is_unique


def test_the_six_national_complexes_measure_42_or_72_km2():
    complexes = shipped("complexes")
    six = complexes[
        (complexes["kind"] == "national_industrial_complex")
        & (complexes["existed_1999"] == "yes")
        & (complexes["province"] == "Gyeongsangnam-do")
    ]
    assert len(six) == 6
    assert six["area_km2"].sum() == pytest.approx(42.1, abs=0.05)
    assert six["area_max"].fillna(six["area_km2"]).sum() == pytest.approx(72.0, abs=0.05)


def test_the_cities_of_1999_can_be_put_together_again():
    then = shipped("municipalities").dissolve("city_1999", aggfunc={"pop_2010": "sum"})
    for city, km2 in (
        ("창원시", 293),
        ("마산시", 330),
        ("진해시", 120),
    ):  # as the cities stated them
        assert then.geometry[city].area / 1e6 == pytest.approx(km2, rel=0.05), (
            city
        )  # since then, land was won
    changwon = then.loc[["창원시", "마산시", "진해시"], "pop_2010"].sum()
    assert changwon == 1_047_488  # the joined city of the census, half a year after the merger


def test_a_border_is_the_same_line_on_every_level():
    municipalities = shipped("municipalities").set_index("id").geometry
    small = shipped("submunicipalities")
    assert shapely.coverage_is_valid(small.geometry.to_numpy())
    for code, shape in small.dissolve("municip").geometry.items():
        assert shape.symmetric_difference(municipalities[code]).area == 0, code
    provinces = shipped("provinces").set_index("name").geometry
    assert shapely.coverage_is_valid(provinces.to_numpy())
    for name, shape in shipped("municipalities").dissolve("province").geometry.items():
        outside = shape.difference(provinces[name]).area
        assert outside == 0, name
    whole = ["Busan", "Daegu", "Ulsan", "Gyeongsangnam-do"]
    joined = shipped("municipalities").dissolve("province").geometry[whole]
    assert joined.symmetric_difference(provinces[whole]).area.max() == 0


def test_submunicipalities_are_those_of_the_clusters():
    small = shipped("submunicipalities")
    assert small["name"].str.fullmatch(r"[A-Z][a-z]+( \d)?-(eup|myeon|dong)").all()
    assert len(small) == 119
    assert small["cluster"].value_counts().to_dict() == {"west": 44, "centre": 43, "east": 32}
    areas = shipped("clusters").set_index("id")["area_km2"]
    assert small.groupby("cluster")["area_km2"].sum().sub(areas).abs().max() < 0.01


def test_people_stand_in_the_municipalities_too():
    municipalities = shipped("municipalities").set_index("id")
    spread_out = shipped("population").groupby("municip")["population"].sum()
    assert (municipalities["pop_2010"] == spread_out.loc[municipalities.index]).all()


def test_places_across_the_border_are_in_their_province():
    province = pd.concat([shipped(layer) for layer in PLACES]).set_index("id")["province"]
    assert province[["NIC10", "NIC11"]].tolist() == ["Ulsan", "Ulsan"]
    assert province[["NIC12", "GIC17", "UNI08"]].tolist() == ["Busan"] * 3


def test_interchanges_run_in_order_and_what_opened_later_did_not_exist_in_1999():
    features = json.loads((SHIPPED / "interchanges.geojson").read_text(encoding="utf-8"))[
        "features"
    ]
    table = pd.DataFrame([feature["properties"] for feature in features])
    assert len(table) == 113
    for _, line in table.groupby("line"):
        assert line["order"].is_monotonic_increasing
        assert line["km"].is_monotonic_increasing
    later = table["opened"].fillna("") >= "2000"
    assert set(table.loc[later, "existed_1999"]) == {"no"}
    early = table["opened"].notna() & ~later
    assert set(table.loc[early, "existed_1999"]) == {"yes", "assumed"}


def test_the_corridor_is_the_named_stretches_and_they_meet():
    corridor = shipped("corridor").set_index("id")
    assert list(corridor.index) == ["NH1", "NH2", "NH3", "NH4", "NH5", "NH6", "NH7", "NB1", "NB2"]
    main = corridor.loc["NH1":"NH7", "geometry"]
    ends = [(line.coords[0], line.coords[-1]) for line in main]
    assert all(before[1] == after[0] for before, after in pairwise(ends))
    published = {"NH3": 44.2, "NH4": 16.6, "NH5": 17.3, "NB1": 17.9}
    for stretch, km in published.items():
        assert corridor.loc[stretch, "length_km"] == pytest.approx(km, rel=0.04)
    assert corridor.loc["NH4", "existed_1999"] == "no"
    assert corridor.loc["NB1", "route_1999"] == "6"
    then, now = corridor["in_1999"], corridor["in_2021"]
    assert set(then.index[then == "no"]) == {"NH4"}  # the bypass
    assert now.drop(["NB1", "NB2"]).eq("yes").all()
    assert (now["NB1"], now["NB2"]) == ("option", "no")


def test_population_is_the_census_to_the_person():
    people = shipped("population")
    by_municipality = people.groupby("municip")["population"].sum()
    assert set(by_municipality.index) == set(shipped("municipalities")["id"])
    assert by_municipality.sum() == 11_967_783
    changwon = by_municipality[by_municipality.index.str.startswith("3811")]
    assert changwon.sum() == 1_047_488
    assert people["population"].dtype.kind == "i"


def test_the_nakdong_is_one_barrier_between_gimhae_and_busan():
    barriers = shipped("barriers")
    bank_to_bank = gpd.GeoSeries(
        gpd.GeoSeries.from_wkt(
            [
                "LINESTRING (128.975 35.21, 129.012 35.21)",  # Daejeo - Deokcheon
                "LINESTRING (128.99 35.33, 128.96 35.33)",  # Mulgeum - Sangdong
                "LINESTRING (128.88 35.40, 128.88 35.34)",  # Miryang - Gimhae
            ]
        ),
        crs=4326,
    ).to_crs(5179)
    crossed = [set(barriers.index[barriers.intersects(line)]) for line in bank_to_bank]
    assert set.intersection(*crossed)


def test_few_people_and_no_facility_stand_in_the_water():
    barriers = shipped("barriers")
    for layer in PLACES:
        wet = shipped(layer).to_crs(5179).sjoin(barriers)["id"].tolist()
        assert not wet, layer
    people = shipped("population")
    wet = people.index.isin(people.sjoin(barriers[["geometry"]]).index)
    assert people.loc[wet, "population"].sum() < 0.001 * people["population"].sum()


def test_land_cells_tile_the_clusters_and_their_shares_are_shares():
    land = shipped("land")
    x, y = land.geometry.x.to_numpy(), land.geometry.y.to_numpy()
    corner = np.column_stack([x - land["cell_m"] / 2, y - land["cell_m"] / 2])
    assert (corner % land["cell_m"].to_numpy()[:, None] == 0).all()
    shares = land[["water", "wood", "industry", "built", "military"]].to_numpy()
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (land["built"] >= land["industry"] - 0.051).all()
    inside = land[land["cluster"] != "outside"]
    assert set(inside["cell_m"]) == {100}
    areas = shipped("clusters").set_index("id")["area_km2"]
    cells_km2 = inside.groupby("cluster", observed=True).size() / 100
    for name in CLUSTERS:
        assert cells_km2[name] == pytest.approx(areas[name], rel=0.005)


def test_military_land_is_what_the_readme_says():
    land = shipped("land")
    km2 = land["military"] * (land["cell_m"] / 1000) ** 2
    inside = land["cluster"] != "outside"
    text = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert f"{km2[inside].sum():.1f} km² in the clusters, {km2.sum():.0f} km² in all" in text


@needs_source
def test_cells_hold_the_military_land_that_is_mapped():
    land, mapped = shipped("land"), read_landuse(SHARED).to_crs(5179)
    mapped = mapped[mapped["class"] == "military"]
    for row in shipped("clusters").to_crs(5179).itertuples():
        held = land.loc[land["cluster"] == row.id, "military"].sum() / 100
        drawn = mapped.intersection(row.geometry).area.sum() / 1e6
        assert held == pytest.approx(drawn, abs=0.02), row.id


def test_the_readme_names_every_layer():
    text = (SHIPPED / "README.md").read_text(encoding="utf-8")
    for name, maker in MAKERS.items():
        rows = len(shipped(name))
        assert f"`{maker.file}` ({rows:,})" in text, name


def test_the_readme_counts_what_was_compared():
    text = (SHIPPED / "README.md").read_text(encoding="utf-8")
    positions = shipped("positions")
    for word, count in positions["compared"].value_counts().items():
        assert f"- **`{word}`** ({count}):" in text
    before, after = (positions[c].value_counts() for c in ("was_conf", "confidence"))
    for word in ("high", "medium", "low"):
        assert f"| {word} | {before[word]} | {after[word]} |" in text
    weak = positions["compared"].isin(["unconfirmed", "moved"]) | (positions["confidence"] == "low")
    told = text[text.index("## Weak, or assumed") :]
    assert not [place for place in positions.loc[weak, "id"] if place not in told]
    kinds = shipped("complexes")["outline"].value_counts()
    assert (
        f"{kinds['landuse']} have land use, {kinds['disc']} a disc and {kinds['point']} a point"
        in text
    )


# --- made again --------------------------------------------------------------------------------


@needs_source
def test_layers_made_again_are_the_same_bytes(tmp_path):
    built = build_layers(SHARED, tmp_path, only=QUICK)
    assert list(built) == [name for name in MAKERS if name in QUICK]
    for name, path in built.items():
        if path.suffix == ".geojson":  # Parquet also names the versions of its writers
            assert path.read_bytes() == (SHIPPED / path.name).read_bytes(), name
        else:
            pd.testing.assert_frame_equal(gpd.read_parquet(path), shipped(name))
    first = {path: path.read_bytes() for path in built.values()}
    build_layers(SHARED, tmp_path, only=QUICK)
    assert {path: path.read_bytes() for path in built.values()} == first


def test_what_has_no_position_is_named_in_the_readme():
    text = (SHIPPED / "README.md").read_text(encoding="utf-8")
    missing = tb.not_located(tb.load_region(SHIPPED))
    assert missing.index.tolist() == ["VOC02", "TIC06"]
    assert all(f"**{place}" in text for place in missing.index)
