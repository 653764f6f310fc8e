"""The web map as a page of text: what is in it, what is not, and what it says."""

from __future__ import annotations

import html
import json
import logging
import re
from html.parser import HTMLParser

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import technobelt as tb
from technobelt.errors import MissingColumnError, OutputError
from technobelt.style import load_style
from technobelt.webmap import MapDate, build, web_map, write_map
from technobelt.webmap.facts import popup, safe
from technobelt.webmap.finder import finder
from technobelt.webmap.overlays import _LETTERS, pack, packed
from technobelt.webmap.panel import card, finding

NASTY = "<script>alert(1)</script> {{ 7 * 7 }} {% endraw %} \"quoted\" & 'so'"


@pytest.fixture(scope="module")
def region():
    return tb.load_region()


def frame(rows, crs=4326):
    return gpd.GeoDataFrame(rows, crs=crs)


def facility(id_, lon, lat, **more):
    row = {"id": id_, "name": f"Place {id_}", "kind": "research_university", "cluster": "east"}
    row |= {"source": "seen", "licence": "facts", "confidence": "low", "existed_1999": "yes"}
    return row | more | {"geometry": shapely.Point(lon, lat)}


@pytest.fixture
def layers():
    boxes = {"east": shapely.box(128.5, 35, 129, 35.5), "west": shapely.box(128, 35, 128.5, 35.5)}
    clusters = [
        {"id": key, "name": f"Cluster {key}", "geometry": box} for key, box in boxes.items()
    ]
    towns = [
        {"name": "Old Uichang-gu", "name_ko": "옛시의창구", "cluster": "east", "province": "P", "geometry": shapely.box(128.5, 35, 128.8, 35.5)},
        {"name": "Old Jinhae-gu", "name_ko": "옛시진해구", "cluster": "outside", "province": "P", "geometry": shapely.box(128.8, 35, 129, 35.5)},
        {"name": "Jung-gu", "name_ko": "중구", "cluster": "outside", "province": "Busan", "geometry": shapely.box(129, 35, 129.5, 35.5)},
        {"name": "Haman-gun", "name_ko": "함안군", "cluster": "west", "province": "P", "geometry": shapely.box(128, 35, 128.5, 35.5)},
    ]  # fmt: skip
    corridor = [
        {"id": "A", "name": "Old stretch", "route_no": "10", "opened": "1973-11-14", "existed_1999": "yes", "geometry": shapely.LineString([(128, 35.2), (128.6, 35.2)])},
        {"id": "B", "name": "New stretch", "route_no": "10", "opened": "2001-11-01", "existed_1999": "no", "geometry": shapely.LineString([(128.6, 35.2), (129, 35.2)])},
    ]  # fmt: skip
    return {
        "clusters": frame(clusters),
        "municipalities": frame(towns),
        "complexes": frame([facility("C1", 128.7, 35.2), facility("C2", 128.7, 35.2)]),
        "universities": frame([facility("UNI04", 128.7, 35.2), facility("U2", 128.2, 35.1)]),
        "centres": frame([facility("R1", 128.8, 35.3, existed_1999="no")]),
        "corridor": frame(corridor),
    }


def disc(lon, lat):
    return shapely.Point(lon, lat).buffer(0.01)


@pytest.fixture
def outlines():
    known = {"outline": "landuse", "area_km2": 14.478, "published": 25.302, "area_ratio": 0.57}
    guess = {"outline": "disc", "area_km2": 0.95, "published": 0.95, "area_ratio": np.nan}
    box = shapely.box(128.5, 35.1, 128.6, 35.2)
    return frame(
        [
            facility("C1", 0, 0, **known) | {"geometry": box},
            facility("C2", 0, 0, **guess) | {"geometry": disc(128.7, 35.2)},
        ]
    )


@pytest.fixture
def paper():
    """Return the paper's layers: two provinces, a row that stands nowhere, industries of one."""
    north, south = shapely.box(128, 35.5, 129, 36), shapely.box(128, 35, 129, 35.5)

    def row(id_, shape, **more):
        told = {"id": id_, "name": f"Row {id_}", "page": f"page of {id_}", "source": "the paper"}
        return told | more | {"geometry": shape}

    shares = [("n", north, 4.0), ("s", south, 8.5), ("nation", None, 100.0)]
    services = [
        row(id_, shape, total=1000, total_pct=pct, finance=75631, finance_pct=5.7, insur=2,
            insur_pct=5.2, estate=3, estate_pct=3.9, business=4, business_pct=3.3)
        for id_, shape, pct in shares
    ]  # fmt: skip
    industries = [
        row(id_, south, firms=3218, firms_pct=13.4, output=27076769, output_pct=22.6, workers=9,
            work_pct=18.4)
        for id_ in ("total", "metal", "motor")
    ]  # fmt: skip
    return {
        "growth_poles": frame([row("pole", shapely.Point(128.7, 35.2), opened_year=1974.0)]),
        "local_plans": frame(
            [
                row("n", north, special="footwear", pop_said=4_500_000.0),
                row("s", south, special="machines", pop_said=None),
            ]
        ),
        "producer_services": frame(services),
        "mechanical_industry": frame(industries),
    }


PAPER = ["Growth poles", "Local plans", "Producer services", "Mechanical industry"]


def bands(origin="UNI04", **more):
    centre = shapely.Point(128.7, 35.2)
    rows = [
        {"origin_id": origin, "minutes": m, "area_km2": m * 10.0, "truncated": 0.0, "geometry": shapely.MultiPolygon([centre.buffer(m / 300)])}
        for m in (30, 60, 90)
    ]  # fmt: skip
    return frame([row | more for row in rows])


def trips(**changes):
    """Trips between three places of `layers`, C1 in the east, UNI04 on the same spot, U2 west."""
    rows = [
        ("C1", "U2", 100.0, -10.0, "ok"),
        ("U2", "C1", 84.0, 6.0, "ok"),
        ("R1", "U2", 60.0, 30.0, "ok"),
        ("U2", "R1", np.nan, np.nan, "unreachable"),
    ]
    names = ["from_id", "to_id", "time_min", "margin_min", "status"]
    table = pd.DataFrame(rows, columns=names)
    for end in ("from", "to"):
        table[f"{end}_name"] = "Place " + table[f"{end}_id"]
    return table.assign(**changes)


def sites(**changes):
    """Two zones of one cluster, as a rule pack with several sites draws them."""
    rows = [
        {"zone_id": f"zone-east-{core}", "cluster": "east", "name": f"East zone at {name}",
         "special": "motors", "pack": "uk-tax-sites", "core": core, "area_km2": 1.974,
         "municip": "A-si; B-gu", "complexes": 1, "universit": 0, "centres": 2, "interch": 0,
         "complex_10": 3, "univ_10": 4, "centre_10": 5, "interch_10": 6, "hub_min": 6.9,
         "hub_worst": 9.3, "other_min": 53.0, "other_wrst": 72.4, "suit_q1": 0.61,
         "suit_q2": 0.72, "suit_q3": 0.83, "profile": "typical", "rule": "site <= 2 km2",
         "geometry": shapely.box(lon, 35.2, lon + 0.02, 35.22)}
        for core, name, lon in (("UNI04", "a college", 128.7), ("C1", "a works", 128.75))
    ]  # fmt: skip
    return frame(rows).assign(**changes)


def firm(**changes):
    """Core and fringe of a cluster's zones."""
    box = shapely.box(128.7, 35.2, 128.72, 35.22)
    rows = [
        {"cluster": "east", "kind": "core", "area_km2": 38.456, "stays": 0.998, "geometry": box},
        {"cluster": "east", "kind": "fringe", "area_km2": 11.005, "stays": 0.485, "geometry": disc(128.75, 35.2)},
    ]  # fmt: skip
    return frame(rows).assign(**changes)


def chords(map_):
    """What the page makes the trips of, or nothing."""
    found = re.search(r"technobelt\.pairs\((.*)\)\.addTo", page_of(map_))
    return json.loads(found.group(1)) if found else None


@pytest.fixture
def roads():
    def line(y):
        return shapely.LineString([(127.5, y), (127.9, y)])

    inside = shapely.LineString([(128.1, 35.1), (128.4, 35.1)])
    rows = [("motorway", line(35)), ("motorway_link", line(35.1)), ("secondary", line(35.2)), ("tertiary", line(35.3)), ("tertiary", inside), ("residential", inside)]  # fmt: skip
    return frame(
        [{"class": name, "ref": "10", "name": None, "geometry": shape} for name, shape in rows]
    )


def page_of(map_):
    return map_.get_root().render()


def geojsons(map_, name):
    """Features of one layer, by its name in the layer control."""
    groups = [child for child in map_._children.values() if isinstance(child, folium.FeatureGroup)]
    (group,) = [group for group in groups if group.layer_name == name]
    parts = [part for part in group._children.values() if isinstance(part, folium.GeoJson)]
    return [feature for part in parts for feature in part.data["features"]]


def shown(map_):
    """Names of the layers that are switched on."""
    groups = [c for c in map_._children.values() if isinstance(c, folium.FeatureGroup)]
    return [group.layer_name for group in groups if group.show]


def said_of(map_, name):
    """Popups of one layer, without their tags."""
    pops = [feature["properties"]["pop"] for feature in geojsons(map_, name)]
    return [html.unescape(re.sub("<[^>]+>", " ", pop)) for pop in pops]


def legend_of(page):
    """Legend entries: text -> the layers that it explains, and its swatch."""
    found = re.findall(
        r'<p class="tb-entry" data-layers="([^"]*)">(.*?)<span>([^<]*)</span></p>', page
    )
    return {html.unescape(text): (layers.split("|"), swatch) for layers, swatch, text in found}


def layer_names(map_):
    return [c.layer_name for c in map_._children.values() if isinstance(c, folium.FeatureGroup)]


class Outside(HTMLParser):
    """Collects what a browser would fetch from elsewhere (links that a reader clicks are not)."""

    def __init__(self):
        super().__init__()
        self.found, self.style = [], False

    def handle_starttag(self, tag, attrs):
        self.style = tag == "style"
        for key, value in attrs:
            fetched = key in {"src", "srcset", "data", "poster", "background"} or (
                key == "href" and tag != "a"
            )
            if fetched and not value.startswith("data:"):
                self.found.append(value)
            if key == "style":
                self.handle_style(value)

    def handle_data(self, data):
        if self.style:
            self.handle_style(data)

    def handle_style(self, text):
        self.found += [
            u for u in re.findall(r"url\(([^)]*)\)", text) if not u.strip("'\"").startswith("data:")
        ]
        self.found += re.findall(r"@import[^;]*", text)


# --- no internet ---------------------------------------------------------------------------------


def test_it_is_a_folium_map_and_its_own_save_gives_the_offline_page(
    region, layers, outlines, paper, tmp_path
):
    map_ = web_map(region, layers | {"outlines": outlines} | paper, isochrones=bands())
    assert isinstance(map_, folium.Map)
    map_.save(str(tmp_path / "map.html"))
    outside = Outside()
    outside.feed((tmp_path / "map.html").read_text(encoding="utf-8"))
    assert outside.found == []


def test_the_check_for_outside_links_can_fail():
    outside = Outside()
    outside.feed('<script src="https://a/b.js"></script><style>a{background:url(x.png)}</style>')
    assert outside.found == ["https://a/b.js", "x.png"]


def test_addresses_in_scripts_are_only_the_tiles_and_links_to_click(region, layers):
    page = page_of(web_map(region, layers))
    hosts = set(re.findall(r"https?://([\w.{}-]+)", page))
    assert hosts <= {
        "tile.openstreetmap.org",
        "www.openstreetmap.org",
        "leafletjs.com",
        "www.w3.org",
    }
    assert page.count("tile.openstreetmap.org") == 1
    assert "sourceMappingURL" not in page


def test_tiles_are_a_choice_that_is_not_made(region, layers):
    map_ = web_map(region, layers)
    (tiles,) = [c for c in map_._children.values() if isinstance(c, folium.TileLayer)]
    assert not tiles.show
    assert "needs internet" in tiles.layer_name


def test_a_notebook_shows_the_same_page(region, layers):
    shown = html.unescape(web_map(region, layers)._repr_html_())
    assert "<script src=" not in shown
    assert "technobelt.start(" in shown


def test_a_layer_added_later_comes_before_the_controls(region, layers):
    map_ = web_map(region, layers)
    folium.FeatureGroup(name="Mine").add_to(map_)
    page = page_of(map_)
    assert page.index('"Mine" : feature_group') > page.index("L.featureGroup")
    control = page.index("L.control.layers(\n")
    assert all(at.start() < control for at in re.finditer(r"= L\.featureGroup\(", page))


# --- the file ------------------------------------------------------------------------------------


def test_the_map_is_written_whole_or_not_at_all(region, layers, tmp_path, monkeypatch):
    target = tmp_path / "map.html"
    target.write_text("old")

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        write_map(web_map(region, layers), target)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["map.html"]


def test_a_page_over_the_budget_is_written_and_said(region, layers, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(build, "BUDGET_BYTES", 1000)
    with caplog.at_level(logging.WARNING):
        assert write_map(web_map(region, layers), tmp_path / "map.html").is_file()
    assert "slow on a phone" in caplog.text


def test_the_built_in_region_stays_within_three_megabytes(region, tmp_path):
    names = [name for name in region.layers if name not in {"population", "land"}]
    layers = {name: tb.read_layer(region, name) for name in names}
    map_ = web_map(region, layers, roads=tb.read_layer(region, "roads"))
    assert write_map(map_, tmp_path / "map.html").stat().st_size < 3_000_000


# --- what is drawn -------------------------------------------------------------------------------


def test_any_layer_may_be_absent(region, layers):
    assert "technobelt.start(" in page_of(web_map(region, {}))
    for name in layers:
        assert "technobelt.start(" in page_of(web_map(region, {name: layers[name]}))


def test_layers_come_in_any_crs_and_are_not_changed(region, layers, outlines, paper, roads):
    layers = layers | {"outlines": outlines} | paper
    metric = {name: layer.to_crs(region.crs) for name, layer in layers.items()}
    before = {name: layer.copy() for name, layer in metric.items()}
    one = web_map(region, layers, roads=roads)
    two = web_map(region, metric, roads=roads.to_crs(region.crs))
    for name in layer_names(one):
        assert [f["properties"] for f in geojsons(one, name)] == [
            f["properties"] for f in geojsons(two, name)
        ]
    for name, layer in metric.items():
        assert layer.equals(before[name])


def test_facilities_on_one_position_are_all_in_the_popup_of_each_marker_there(region, layers):
    map_ = web_map(region, layers)
    (complexes,) = geojsons(map_, "Industrial complexes")
    assert 'class="tb-count">2<' in complexes["properties"]["icon"]["html"]
    universities = geojsons(map_, "Universities and colleges")
    assert len(universities) == 2
    there = [f for f in universities if f["geometry"]["coordinates"] == (128.7, 35.2)]
    for marker in [complexes, *there]:
        assert all(
            name in marker["properties"]["pop"] for name in ("Place C1", "Place C2", "Place UNI04")
        )
        assert "Place U2" not in marker["properties"]["pop"]


def test_markers_of_two_kinds_on_one_position_stand_side_by_side(region, layers):
    map_ = web_map(region, layers)
    (complexes,) = geojsons(map_, "Industrial complexes")
    (there, _) = sorted(
        geojsons(map_, "Universities and colleges"),
        key=lambda f: f["geometry"]["coordinates"],
        reverse=True,
    )
    left, right = (f["properties"]["icon"]["anchor"][0] for f in (complexes, there))
    assert left - right >= 12


def test_the_hub_has_a_ring_of_its_own(region, layers):
    (hub,) = geojsons(web_map(region, layers), "Hubs")
    assert "hub of Gimhae/Yangsan" in hub["properties"]["pop"]


def test_only_discs_are_hatched(region, layers, outlines):
    map_ = web_map(region, layers | {"outlines": outlines})
    known, guess = (f["properties"]["style"] for f in geojsons(map_, "Complex outlines"))
    assert guess["fillColor"] == "url(#tb-hatch)"
    assert guess["dashArray"]
    assert known["fillColor"] == load_style()["places"]["complexes"]["colour"]
    assert "dashArray" not in known
    assert page_of(map_).count('<pattern id="tb-hatch"') == 1


def test_a_disc_says_that_no_border_is_known_and_an_outline_what_it_measures(
    region, layers, outlines
):
    map_ = web_map(region, layers | {"outlines": outlines})
    known, guess = said_of(map_, "Complex outlines")
    assert "a disc of the published area: no border is known" in guess
    assert "0.95 km²" in guess
    assert "Ratio" not in guess
    assert "no border" not in known
    for text in ("14.478 km²", "25.302 km²", "57% of the published area"):
        assert text in known


def test_the_legend_hatches_what_the_map_hatches(region, layers, outlines):
    legend = legend_of(page_of(web_map(region, layers | {"outlines": outlines})))
    for text, hatched in (("Outline by land use", False), ("Disc: no border is known", True)):
        where, swatch = legend[text]
        assert where == ["Complex outlines"]
        assert ('fill="url(#tb-hatch)"' in swatch) is hatched
    only = legend_of(page_of(web_map(region, layers | {"outlines": outlines.iloc[:1]})))
    assert "Outline by land use" in only
    assert "Disc: no border is known" not in only


@pytest.mark.parametrize(
    ("columns", "hatched"), [({"outline": "disc"}, True), ({"outline": "landuse"}, False), ({}, False)]
)  # fmt: skip
def test_a_complex_that_is_an_area_is_drawn_beside_its_marker(region, layers, columns, hatched):
    area = facility("C1", 0, 0, **columns) | {"geometry": disc(128.3, 35.2)}
    layers["complexes"] = frame([area, facility("C2", 128.7, 35.2)])
    map_ = web_map(region, layers)
    outline, *markers = geojsons(map_, "Industrial complexes")
    assert (outline["properties"]["style"]["fillColor"] == "url(#tb-hatch)") is hatched
    assert [marker["geometry"]["type"] for marker in markers] == ["Point", "Point"]
    assert "Complex outlines" not in layer_names(map_)
    assert ("Disc: no border is known" in legend_of(page_of(map_))) is hatched


def test_an_area_of_another_kind_has_the_colour_of_its_kind(region, layers):
    campus = facility("U1", 0, 0) | {"geometry": disc(128.3, 35.2)}
    layers["universities"] = frame([campus])
    outline, _ = geojsons(web_map(region, layers), "Universities and colleges")
    assert (
        outline["properties"]["style"]["color"] == load_style()["places"]["universities"]["colour"]
    )


# --- the paper's other layers --------------------------------------------------------------------


def test_the_paper_s_layers_are_a_group_that_is_switched_off(region, layers, paper):
    map_ = web_map(region, layers | paper)
    assert [name for name in layer_names(map_) if name in PAPER] == PAPER
    assert not set(PAPER) & set(shown(map_))
    assert "Clusters" in shown(map_)
    groups = json.loads(
        re.search(r"technobelt\.start\([^{]*(\{.*?\}), \{", page_of(map_), re.DOTALL).group(1)
    )["groups"]
    assert {groups[name] for name in PAPER} == {"The paper"}


@pytest.mark.parametrize("absent", ["growth_poles", "local_plans", "producer_services", "mechanical_industry"])  # fmt: skip
def test_each_of_the_paper_s_layers_may_be_absent(region, paper, absent):
    layer = dict(zip(paper, PAPER, strict=True))[absent]
    del paper[absent]
    names = layer_names(web_map(region, paper))
    assert [name for name in PAPER if name != layer] == [name for name in names if name in PAPER]


def test_every_popup_of_the_paper_names_its_page(region, layers, paper):
    map_ = web_map(region, layers | paper)
    for name in PAPER:
        assert all("page of " in said for said in said_of(map_, name)), name


def test_local_plans_differ_in_colour_and_the_legend_names_their_industry(region, layers, paper):
    map_ = web_map(region, layers | paper)
    colours = [f["properties"]["style"]["fillColor"] for f in geojsons(map_, "Local plans")]
    assert len(set(colours)) == 2
    legend = legend_of(page_of(map_))
    for colour, text in zip(colours, ("Row n: footwear", "Row s: machines"), strict=True):
        assert colour in legend[text][1]
    north, south = said_of(map_, "Local plans")
    assert "4,500,000, as the paper says" in north
    assert "People" not in south


def test_producer_services_are_shaded_by_share_and_tabled_in_the_popup(region, layers, paper):
    map_ = web_map(region, layers | paper)
    shares = load_style()["shares"]
    found = [f["properties"]["style"]["fillColor"] for f in geojsons(map_, "Producer services")]
    assert found == [shares["4"], shares["10"]]
    legend = legend_of(page_of(map_))
    assert shares["4"] in legend["2 to 4%"][1]
    assert shares["10"] in legend["6 to 10%"][1]
    assert "4 to 6%" not in legend
    said = " ".join(said_of(map_, "Producer services")[0].split())
    assert "Financial institutions 75,631 5.7%" in said
    for service in ("All producer services", "Insurance", "Real estate", "Business services"):
        assert service in said


def test_a_share_that_is_not_known_breaks_nothing(region, paper):
    services = paper["producer_services"].assign(total_pct=np.nan)
    map_ = web_map(region, {"producer_services": services})
    assert len(geojsons(map_, "Producer services")) == 2


def test_rows_that_stand_nowhere_are_in_no_layer(region, layers, paper):
    lost = facility("LOST", 0, 0, confidence="not located") | {"geometry": None}
    for name in ("universities", "centres"):
        layers[name] = frame([*layers[name].to_dict("records"), lost])
    layers["complexes"] = frame([lost])
    page = page_of(web_map(region, layers | paper))
    assert "Place U2" in page
    assert "LOST" not in page
    assert "Industrial complexes" not in page
    assert "Row nation" not in page
    nowhere = page_of(web_map(region, {"universities": frame([lost])}))
    assert "NaN" not in nowhere[nowhere.index("technobelt.start(") :]


def test_a_province_is_outlined_once_for_all_its_industries(region, layers, paper):
    map_ = web_map(region, layers | paper)
    (said,) = said_of(map_, "Mechanical industry")
    words = " ".join(said.split())
    for id_ in ("total", "metal", "motor"):
        assert f"Row {id_} 3,218 13.4% 27,076,769 22.6% 9 18.4%" in words
    far = paper["mechanical_industry"].translate(xoff=2)
    both = frame(
        [*paper["mechanical_industry"].to_dict("records"),
         *paper["mechanical_industry"].set_geometry(far).to_dict("records")]
    )  # fmt: skip
    assert len(geojsons(web_map(region, {"mechanical_industry": both}), "Mechanical industry")) == 2


def test_the_built_in_region_shows_all_of_the_paper(region):
    names = [name for name in region.layers if name not in {"population", "land", "roads"}]
    map_ = web_map(region, {name: tb.read_layer(region, name) for name in names})
    counts = {name: len(geojsons(map_, name)) for name in ["Complex outlines", *PAPER]}
    assert counts == {
        "Complex outlines": 20,
        "Growth poles": 6,
        "Local plans": 3,
        "Producer services": 4,
        "Mechanical industry": 1,
    }
    discs = [
        f for f in geojsons(map_, "Complex outlines")
        if f["properties"]["style"]["fillColor"] == "url(#tb-hatch)"
    ]  # fmt: skip
    assert len(discs) == (tb.read_layer(region, "outlines")["outline"] == "disc").sum()


def test_each_site_is_told_by_its_name_and_says_what_it_holds(region, layers):
    map_ = web_map(region, layers, zones=sites())
    tips = [zone["properties"]["tip"] for zone in geojsons(map_, "Innovation zones")]
    assert tips == ["East zone at a college", "East zone at a works"]
    one, two = said_of(map_, "Innovation zones")
    assert ("zone-east-UNI04" in one, "zone-east-C1" in two) == (True, True)
    for text in (
        *("uk-tax-sites", "1.97 km²", "A-si; B-gu", "motors", "Place UNI04"),
        *("7 minutes, 9 at most (typical speeds)", "53 minutes, 72 at most"),
        *("0.72 of 1; the middle half of the land 0.61 to 0.83", "site ≤ 2 km²"),
    ):
        assert text in one
    counts = re.findall(r"(\w+) +(\d) +(\d)", one)
    assert counts == [("complexes", "1", "3"), ("Universities", "0", "4"), ("centres", "2", "5"), ("Interchanges", "0", "6")]  # fmt: skip


@pytest.mark.parametrize("absent", sorted(set(sites().columns) - {"geometry"}))
def test_any_column_of_zones_may_be_absent_or_empty(region, layers, absent):
    for table in (sites().drop(columns=absent), sites(**{absent: None})):
        said = said_of(web_map(region, layers, zones=table), "Innovation zones")
        assert not re.search(r"None|nan|NaN", " ".join(said))


def test_zones_say_how_firm_they_are_where_that_is_known(region, layers):
    told = sites(stays=[0.973, np.nan], core_share=[0.913, np.nan])
    one, two = said_of(web_map(region, layers, zones=told), "Innovation zones")
    assert "its land stays in 97% of draws; 91% of it is firm" in one
    assert "How firm" not in two


def test_the_core_of_zones_is_solid_and_their_fringe_hatched_unlike_discs(region, layers, outlines):
    layers = layers | {"outlines": outlines}
    map_ = web_map(region, layers, zones=sites(), robustness=firm())
    core, fringe = (f["properties"]["style"] for f in geojsons(map_, "Core and fringe of zones"))
    assert core["fillColor"] == load_style()["robustness"]["core"]
    assert fringe["fillColor"] == "url(#tb-fringe)"
    page = page_of(map_)
    turned = re.findall(r'<pattern id="(.*?)".*?rotate\((.*?)\)', page)
    assert turned == [("tb-hatch", "45"), ("tb-fringe", "-45")]
    one, two = said_of(map_, "Core and fringe of zones")
    assert "stays in 90% of draws or more" in one
    assert ("38.46 km²" in one, "48% of draws" in two) == (True, True)


def test_the_legend_explains_core_and_fringe_where_they_are(region, layers):
    legend = legend_of(page_of(web_map(region, layers, zones=sites(), robustness=firm())))
    own = {text: where for text, (where, _) in legend.items() if text.startswith("Zone's")}
    assert own == {
        "Zone's core, in 90% of draws": ["Core and fringe of zones"],
        "Zone's fringe, in some draws": ["Core and fringe of zones"],
    }
    only = legend_of(page_of(web_map(region, layers, zones=sites(), robustness=firm().iloc[:1])))
    assert [text for text in only if text.startswith("Zone's")] == ["Zone's core, in 90% of draws"]


def test_zones_are_filled_faintly_where_core_and_fringe_lie_below(region, layers):
    plain = web_map(region, layers, zones=sites())
    below = web_map(region, layers, zones=sites(), robustness=firm())
    swatches = [legend_of(page_of(map_))["Innovation zone"][1] for map_ in (plain, below)]
    shares = [float(re.search(r'fill-opacity="(.*?)"', swatch).group(1)) for swatch in swatches]
    assert shares[0] > 4 * shares[1]
    assert "Core and fringe of zones" not in layer_names(plain)
    none = web_map(region, layers, zones=sites(), robustness=firm().iloc[:0])
    assert "Core and fringe of zones" not in layer_names(none)


def test_the_longest_band_is_drawn_first_and_each_origin_has_its_layer(region, layers):
    both = gpd.GeoDataFrame(
        np.concatenate([bands().to_numpy(), bands("U2").to_numpy()]),
        columns=bands().columns,
        crs=4326,
    )
    map_ = web_map(region, layers, isochrones=both, merged=bands("all"))
    names = [name for name in layer_names(map_) if name.startswith("from ")]
    assert names == ["from the nearest hub", "from Place UNI04", "from Place U2"]
    tips = [f["properties"]["tip"] for f in geojsons(map_, "from Place U2")]
    assert [re.search(r"\d+", tip).group() for tip in tips] == ["90", "60", "30"]


def test_directions_are_layers_of_their_own(region, layers):
    names = layer_names(web_map(region, layers, isochrones=bands(direction="toward")))
    assert "to Place UNI04" in names


def test_a_band_cut_off_by_the_end_of_the_roads_is_dashed_and_a_lower_bound(region, layers):
    map_ = web_map(region, layers, isochrones=bands(truncated=0.25))
    band = geojsons(map_, "from Place UNI04")[0]["properties"]
    assert band["style"]["dashArray"]
    assert "at least 900 km²" in band["pop"]
    assert "25% of the outline" in band["pop"]
    assert "cut off where the roads end" in page_of(map_)


def test_minor_roads_are_drawn_inside_the_clusters_only(region, layers, roads):
    drawn = {
        f["properties"]["road"]: f["geometry"]["coordinates"]
        for f in geojsons(web_map(region, layers, roads=roads), "Plain map")
        if "road" in f["properties"]
    }
    assert {name: len(lines) for name, lines in drawn.items()} == {
        "motorway": 1,
        "secondary": 1,
        "tertiary": 1,
    }
    assert unpacked(drawn["tertiary"][0])[0] == pytest.approx([128.1, 35.1])


def test_the_legend_tells_of_the_classes_of_roads_that_are_there_by_one_name_everywhere(
    region, layers, roads
):
    page = page_of(web_map(region, layers, roads=roads))
    assert ">Motorway<" in page.replace("&nbsp;", "")
    assert "Trunk road" not in page
    assert "Expressway<" not in page


def test_of_a_quarter_of_a_town_every_street_is_drawn_and_its_bends_are_kept(region, layers):
    corner = shapely.Point(128.2, 35.2)
    small = gpd.GeoDataFrame(
        {"id": ["east"], "name": ["East"]}, geometry=[corner.buffer(0.01)], crs=4326
    )
    bend = shapely.LineString([(128.22, 35.2), (128.2203, 35.2003), (128.2206, 35.2)])
    streets = frame([{"class": "residential", "ref": None, "name": None, "geometry": bend}])
    drawn = [
        f
        for f in geojsons(
            web_map(region, {**layers, "clusters": small}, roads=streets), "Plain map"
        )
        if "road" in f["properties"]
    ]
    assert [f["properties"]["road"] for f in drawn] == ["residential"]
    assert len(unpacked(drawn[0]["geometry"]["coordinates"][0])) == 3


def test_districts_share_the_name_of_their_city(region, layers):
    labels = [
        f["properties"]["icon"]["html"]
        for f in geojsons(web_map(region, layers), "Plain map")
        if "icon" in f["properties"]
    ]
    assert sorted(re.sub("<[^>]+>", " ", label).split() for label in labels) == [
        ["Busan"],
        ["Haman", "함안"],
        ["Old", "옛"],
    ]


def test_the_corridor_is_dashed_where_it_opened_after_1999(region, layers):
    lines = {
        f["properties"]["tip"]: f["properties"]["style"]
        for f in geojsons(web_map(region, layers), "Corridor")
        if f["properties"].get("tip")
    }
    assert lines == {"Old stretch": {}, "New stretch": {"dashArray": "9 7"}}


def test_counterexamples_wait_until_they_are_asked_for(region, layers):
    way = shapely.LineString([(128, 35), (128.9, 35.4)])
    routes = frame(
        [{"from_name": "A", "to_name": "B", "time_min": 104.26, "length_km": 88.0, "geometry": way}]
    )
    map_ = web_map(region, layers, routes=routes)
    (group,) = [
        c for c in map_._children.values() if getattr(c, "layer_name", "") == "Counterexamples"
    ]
    assert not group.show
    assert "104.3 minutes" in geojsons(map_, "Counterexamples")[0]["properties"]["pop"]


def test_two_places_have_one_line_in_the_colour_of_the_worse_way_the_worst_on_top(region, layers):
    data = chords(web_map(region, layers, pairs=trips()))
    assert [name for *_, name in data["places"]] == ["Place U2", "Place C1", "Place R1"]
    assert data["places"][0][:2] == [35.1, 128.2]
    assert data["limit"] == 90
    # from, to, look (5 to 15 over; no way), minutes there and back
    assert data["pairs"] == [[0, 1, 1, 84.0, 100.0], [0, 2, 6, "no way on open roads", 60.0]]
    assert data["looks"][1]["color"] == load_style()["margins"]["colours"][1]
    assert [i for i, look in enumerate(data["looks"]) if "dashArray" in look] == [6]


def test_draws_stand_beside_the_minutes_as_percentages(region, layers):
    data = chords(web_map(region, layers, pairs=trips(p_within=[0.0, 0.374, 1.0, 0.0])))
    assert [pair[3:] for pair in data["pairs"]] == [
        [84.0, 100.0, 37, 0],
        ["no way on open roads", 60.0, 0, 100],
    ]


def test_trips_wait_until_they_are_asked_for_and_the_legend_says_what_is_there(region, layers):
    map_ = web_map(region, layers, pairs=trips())
    assert "Trips by margin" in layer_names(map_)
    assert "Trips by margin" not in shown(map_)
    mine = [t for t, (on, _) in legend_of(page_of(map_)).items() if on == ["Trips by margin"]]
    assert mine == ["5 to 15 min over", "no way on open roads"]


@pytest.mark.parametrize("table", [None, pd.DataFrame(), trips(from_id="elsewhere")])
def test_without_trips_between_known_places_there_is_no_layer_of_them(region, layers, table):
    map_ = web_map(region, layers, pairs=table)
    assert chords(map_) is None
    assert "Trips by margin" not in page_of(map_)


def test_trips_of_the_built_in_region_s_size_weigh_little(region, layers):
    places = layers["complexes"]
    many = [facility(f"P{i}", 128 + i / 100, 35.2) for i in range(20)]
    rows = [(f"P{i}", f"P{j}") for i in range(20) for j in range(20) if i != j]
    table = pd.DataFrame(rows, columns=["from_id", "to_id"]).assign(
        from_name="A place of some name", to_name="Another", time_min=81.25, margin_min=8.75,
        status="ok", p_within=0.5,
    )  # fmt: skip
    given = {**layers, "complexes": frame([*places.to_dict("records"), *many])}
    without, whole = (len(page_of(web_map(region, given, pairs=t))) for t in (None, table))
    assert whole - without < 10_000


def test_a_frame_without_its_column_is_refused_by_name(region, layers, roads):
    with pytest.raises(MissingColumnError, match="'class'; found: ref"):
        web_map(region, layers, roads=roads.drop(columns="class"))
    with pytest.raises(MissingColumnError, match="'minutes'"):
        web_map(region, layers, isochrones=bands().drop(columns="minutes"))
    with pytest.raises(MissingColumnError, match="'margin_min'"):
        web_map(region, layers, pairs=trips().drop(columns="margin_min"))
    with pytest.raises(MissingColumnError, match="'kind'; found: cluster, area_km2"):
        web_map(region, layers, robustness=firm().drop(columns="kind"))


# --- what is said --------------------------------------------------------------------------------


def test_a_name_with_html_script_and_template_shows_as_text(region, layers, outlines, paper):
    layers = layers | {"outlines": outlines} | paper
    for name in ("complexes", "clusters", "municipalities", "corridor", "outlines", *paper):
        layers[name]["name"] = NASTY
    for name in paper:
        layers[name] = layers[name].assign(page=NASTY, special=NASTY, note=NASTY)
    layers["universities"]["name"] = NASTY
    claim = {
        "id": "x",
        "statement": NASTY,
        "kind": "count",
        "verdict": "holds",
        "observed": 1,
        "expected": 1,
        "unit": NASTY,
        "notes": [NASTY],
    }
    pairs = trips(from_name=NASTY, to_name=NASTY)
    texts = ("zone_id", "cluster", "name", "special", "pack", "core", "municip", "profile", "rule")
    zones = sites(**dict.fromkeys(texts, NASTY))
    map_ = web_map(
        region,
        layers,
        isochrones=bands(),
        verdicts={"claims": [claim]},
        pairs=pairs,
        zones=zones,
        robustness=firm(cluster=NASTY, kind=NASTY),
    )
    page = page_of(map_)
    assert {name for *_, name in chords(map_)["places"]} == {safe(NASTY)}
    assert "<script>alert" not in page
    assert "alert(1)" in page
    assert "&gt; 49" not in page
    assert "\\u0026#123;\\u0026#123; 7 * 7" in page  # & as folium writes it in a script
    (marker,) = geojsons(map_, "Industrial complexes")
    assert safe(NASTY) in marker["properties"]["pop"]
    assert html.unescape(safe(NASTY)) == NASTY


def test_a_popup_gives_names_facts_source_licence_and_confidence():
    said = popup({"name": "A", "name_ko": "가", "name_1999": "Old A", "area_km2": 2.5, "existed_1999": "planned",
                  "opened_year": float("nan"), "source": "https://a.example/x?a=1&b=2; list", "licence": "facts",
                  "confidence": "low", "position_by": "general knowledge"})  # fmt: skip
    for text in (
        "<h3>A</h3>",
        "가",
        "in 1999: Old A",
        "2.5 km²",
        "planned",
        "Licence: facts",
        "low confidence",
        "by general knowledge",
    ):
        assert text in said
    assert (
        '<a href="https://a.example/x?a=1&amp;b=2" target="_blank" rel="noopener">a.example</a>; list'
        in said
    )
    assert "nan" not in said
    assert "Opened" not in said


@pytest.mark.parametrize(
    ("compared", "said"),
    [
        ("agrees", "Compared: agrees with another source"),
        ("moved", "Compared: moved to where another source has it"),
        ("unconfirmed", "Compared: confirmed by no other source"),
        ("<new>", "Compared: &lt;new&gt;"),
    ],
)
def test_a_popup_says_how_a_position_compared(region, layers, compared, said):
    layers["complexes"] = frame([facility("C1", 128.3, 35.2, compared=compared)])
    (marker,) = geojsons(web_map(region, layers), "Industrial complexes")
    assert said in marker["properties"]["pop"]
    assert "Compared" not in popup({"name": "A", "confidence": "low"})


def test_the_attribution_names_openstreetmap_with_its_licence_and_a_link(region, layers):
    page = page_of(web_map(region, layers))
    settings = json.loads(
        re.search(r"technobelt\.start\([^{]*(\{.*?\}), \{", page, re.DOTALL).group(1)
    )
    (roads, *_) = settings["attribution"]
    assert "ODbL" in roads
    assert (
        '<a href="https://www.openstreetmap.org/copyright">OpenStreetMap contributors</a>' in roads
    )
    assert len(settings["attribution"]) == len(region.attribution)


def test_the_legend_lists_only_what_is_there(region, layers):
    page = page_of(web_map(region, {"clusters": layers["clusters"]}))
    assert "Cluster</span>" in page
    assert "Innovation zone" not in page
    assert "within 30 minutes" not in page


def test_layers_drawn_alike_share_a_line_of_the_legend(region, layers):
    page = page_of(web_map(region, layers, isochrones=bands(), merged=bands("all")))
    entries = re.findall(r'data-layers="([^"]*)"[^>]*>(?:(?!</p>).)*within 60 minutes', page)
    assert entries == ["from the nearest hub|from Place UNI04"]


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"limit_min": 90, "observed_min": 94.1, "break_even_factor": 1.05}, "94 minutes where 90 are claimed: 4 too many. All speeds would have to be 5% higher to meet it."),
        ({"limit_min": 90, "observed_min": 80.0, "range_min": [70, 96.4]}, "80 minutes where 90 are claimed: 10 to spare. 70 to 96 if speeds differ as much as they may."),
        ({"limit_min": 90, "observed_min": None, "status": "unreachable"}, "No time could be computed (unreachable)."),
        ({"observed": 42.1, "observed_range": [42.1, 72.0], "expected": 69, "unit": "km2"}, "42.1 to 72 km² where 69 are claimed."),
        ({"observed": 6.0, "expected": 6.0, "unit": "complexes"}, "6 complexes where 6 are claimed."),
        ({"limit_min": 91, "observed_min": 74.5}, "74 minutes where 91 are claimed: 17 to spare."),
        ({"limit_min": 90, "observed_min": 90.3}, "90.3 minutes where 90 are claimed: 0.3 too many."),
        ({"limit_min": 87.5, "observed_min": 80.0}, "80.0 minutes where 87.5 are claimed: 7.5 to spare."),
        ({"observed": 1977.0, "expected": 1981.5, "tolerance": 1.5, "unit": "year"}, "The year 1977 where 1980 to 1983 is claimed."),
        ({"observed": 1974.0, "expected": 1974.0, "tolerance": 0.0, "unit": "year"}, "The year 1974 where 1974 is claimed."),
        ({"observed": None, "status": "not_tied"}, "not tied"),
    ],
)  # fmt: skip
def test_a_finding_is_a_plain_sentence(claim, said):
    assert finding(claim) == said


def test_the_card_counts_verdicts_and_tables_the_readings(region):
    readings = [
        {
            "id": "hubs.peak",
            "reading": "hubs",
            "profile": "peak",
            "verdict": "fails",
            "observed_min": 97.0,
        }
    ]
    claims = [{"statement": "S", "verdict": "fails", "limit_min": 90, "observed_min": 94, "readings": readings,
               "counterexamples": [{"from_name": "A", "to_name": "B", "time_min": 113.2}, "east has none"]}]  # fmt: skip
    told = {"as_of": "2021-08", "network": {"date": "2021-08-31"}, "claims": claims * 2}
    said = card(region, {"2021-08": told})
    for text in (
        "2 fail<",
        "97 min ✗",
        ">Peak<",
        ">Hubs<",
        "A → B: 113 minutes",
        "east has none",
        "as of 2021-08, roads of 2021-08-31",
    ):
        assert text in said
    assert "<details" not in card(region, {"": None})


def test_the_card_counts_what_no_layer_can_decide_beside_what_was_tested(region):
    tested = {"kind": "count", "verdict": "undecided", "observed": 1, "expected": 2}
    beyond = {"kind": "undecidable", "verdict": "undecided", "notes": ["nobody counts"]}
    said = card(region, {"": {"claims": [tested, beyond, beyond]}})
    assert re.search(
        r">1 undecided</span><small>and 2 that no layer can decide</small></span></summary>", said
    )
    assert "What no layer can decide is listed in the report." in said
    assert "no layer can decide" not in card(region, {"": {"claims": [tested]}})
    assert ">1 that no layer can decide<" in card(region, {"": {"claims": [beyond]}})


# --- packing -------------------------------------------------------------------------------------


def unpacked(text):
    values, value, shift = [], 0, 0
    for letter in text.encode("ascii"):
        code = _LETTERS.tobytes().index(letter)
        value |= (code & 31) << shift
        shift += 5
        if code < 32:
            values.append(~(value >> 1) if value & 1 else value >> 1)
            value, shift = 0, 0
    return np.cumsum(np.array(values).reshape(-1, 2), axis=0) / 1e4


def test_packed_lines_come_back_to_the_fourth_decimal():
    rng = np.random.default_rng(1)
    lines = [
        np.column_stack([rng.uniform(-180, 180, n), rng.uniform(-90, 90, n)]) for n in (2, 50, 3)
    ]
    texts = pack(np.concatenate(lines), np.array([0, 2, 52, 55]))
    for line, text in zip(lines, texts, strict=True):
        assert np.abs(unpacked(text) - line).max() <= 0.5e-4 + 1e-9


def test_packed_areas_keep_their_holes_and_lose_only_specks():
    speck = shapely.Point(128.6, 35.2).buffer(1e-6)
    ring = (
        shapely.Point(128.5, 35.2).buffer(0.1).difference(shapely.Point(128.5, 35.2).buffer(0.05))
    )
    geometry = packed(shapely.union(ring, speck))["geometry"]
    assert geometry["type"] == "MultiPolygon"
    assert [len(polygon) for polygon in geometry["coordinates"]] == [2]
    rings = [unpacked(text) for text in geometry["coordinates"][0]]
    assert shapely.Polygon(rings[0], rings[1:]).area == pytest.approx(ring.area, rel=1e-3)


def test_packed_text_means_nothing_to_a_template_or_a_script():
    assert set(_LETTERS.tobytes().decode()) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )


def test_what_rounds_to_nothing_is_packed_as_nothing():
    for shape in (shapely.Point(0, 0).buffer(1e-7), shapely.LineString([(0, 0), (1e-7, 0)])):
        assert packed(shape)["geometry"]["coordinates"] == []


# --- what is found -------------------------------------------------------------------------------


def test_the_finder_holds_all_names_and_the_municipality_a_place_lies_in(layers):
    layers["municipalities"]["id"] = ["1", "2", "3", "4"]
    layers["municipalities"]["name_1999"] = "Old name"
    layers["universities"]["municip"] = ["함안군", "nowhere"]
    found = finder(layers)
    places = {place[0]: place for place in found["places"]}
    assert list(places)[:4] == [f"municipality:{id_}" for id_ in "1234"]
    assert {"UNI04", "U2", "C1", "C2", "R1", "cluster:east", "cluster:west"} <= set(places)
    university = places["UNI04"]
    assert university[1] == "Place UNI04"
    assert found["kinds"][university[4]] == "University or college"
    assert [found["places"][number][1] for number in university[5]] == ["Haman-gun"]
    assert university[6:8] == [35.2, 128.7]
    assert places["U2"][5] == []
    assert places["municipality:4"][1:4] == ["Haman-gun", "함안군", "Old name"]


def test_what_has_no_shape_is_not_found_and_what_is_nasty_is_escaped(layers):
    layers["universities"]["name"] = NASTY
    layers["universities"].loc[1, "geometry"] = None
    names = [place[1] for place in finder(layers)["places"] if place[0] in {"UNI04", "U2"}]
    assert names == [safe(NASTY)]


def test_a_map_without_places_has_no_search_box(region):
    assert 'id="tb-search"' not in page_of(web_map(region, {}))


@pytest.mark.parametrize(
    ("more", "label"),
    [
        ({}, "Search by name or by id"),
        ({"name_ko": "김해"}, "Search by name, in Korean or by id"),
        ({"name_1999": "Kimhae"}, "Search by name, as spelt in 1999 or by id"),
    ],
)
def test_the_search_box_names_only_the_spellings_that_the_region_has(region, more, label):
    only = {"universities": frame([facility("U9", 128.7, 35.2, **more)])}
    assert f'aria-label="{label}"' in page_of(web_map(region, only))


@pytest.mark.parametrize(
    ("existed", "words"),
    [(None, {"Interchange"}), (["yes", "no"], {"Interchange in 1999", "Interchange, later"})],
)
def test_interchanges_are_told_apart_by_1999_only_where_the_layer_does(region, existed, words):
    rows = [facility(f"I{n}", 128.7, 35.2 + n / 10, opened="2005-01-01") for n in range(2)]
    points = frame(rows).assign(kind="IC", route_no="10")
    points = (
        points.assign(existed_1999=existed)
        if existed
        else points.drop(columns="existed_1999", errors="ignore")
    )
    legend = legend_of(page_of(web_map(region, {"interchanges": points})))
    assert {text for text in legend if text.startswith("Interchange")} == words


# --- dates ---------------------------------------------------------------------------------------


def later_of(map_):
    found = re.search(r'id="tb-later">(.*?)</script>', page_of(map_), re.DOTALL)
    return json.loads(found.group(1)) if found else None


def test_one_entry_serves_all_dates_and_what_is_not_seen_waits(region, layers):
    early = MapDate(
        "1999", isochrones=bands(), pairs=trips(), verdicts={"as_of": "1999", "claims": []}
    )
    now = {"isochrones": bands(), "verdicts": {"as_of": "2021-08"}}
    map_ = web_map(region, layers, **now, other_dates=[early])
    names = layer_names(map_)
    assert names.count("from Place UNI04") == names.count("Trips by margin") == 1
    later = later_of(map_)
    assert set(later) == {"1999"}
    assert set(later["1999"]) == {"from Place UNI04", "Trips by margin"}
    (part,) = later["1999"]["from Place UNI04"]
    assert "Roads of" in part["features"][0]["properties"]["pop"]
    assert later["1999"]["Trips by margin"][0]["roads"] == "1999"
    assert "Roads of" in said_of(map_, "from Place UNI04")[0]


def test_a_map_of_one_date_says_nothing_of_dates(region, layers):
    map_ = web_map(region, layers, isochrones=bands(), verdicts={"as_of": "2021-08", "claims": []})
    assert later_of(map_) is None
    assert 'id="tb-dates"' not in page_of(map_)
    assert "Roads of" not in said_of(map_, "from Place UNI04")[0]


def test_what_opened_later_knows_the_dates_on_which_it_was_shut(region, layers, roads):
    roads["opened"] = ["2001-11-08", None, "1973", None, None, None]
    map_ = web_map(region, layers, roads=roads, other_dates=[MapDate("1999"), MapDate("2001")])
    stretches = geojsons(map_, "Corridor")
    shut = [part["properties"].get("shut") for part in stretches]
    assert shut[:4] == [None, ["1999"], None, ["1999"]]  # the casing, then the line
    drawn = [f["properties"] for f in geojsons(map_, "Plain map") if "road" in f["properties"]]
    assert [row["road"] for row in drawn if row.get("shut") == ["1999"]] == ["motorway"]


def test_the_dates_of_a_switch_come_in_their_order_with_the_map_s_own_chosen(region):
    said = card(region, {"2021-08": None, "1999": None})
    assert re.findall(r'value="([^"]+)"( checked)?', said) == [
        ("1999", ""),
        ("2021-08", " checked"),
    ]


# --- ways ----------------------------------------------------------------------------------------


def test_ways_of_trips_are_simplified_packed_and_in_any_crs(region, layers):
    line = shapely.LineString([(128.7, 35.2), (128.45, 35.1500001), (128.2, 35.1)])
    known = gpd.GeoDataFrame(trips(), geometry=[line, None, None, None], crs=4326)
    for frame_ in (known, known.to_crs(region.crs)):
        data = chords(web_map(region, layers, pairs=frame_))
        assert len(data["ways"]) == len(data["pairs"]) == 2
        (way,) = [way for ways in data["ways"] for way in ways if way]
        assert unpacked(way[0]) == pytest.approx(np.array([[128.7, 35.2], [128.2, 35.1]]), abs=1e-4)


def test_trips_without_a_known_way_need_none(region, layers):
    plain_ = trips()
    empty = gpd.GeoDataFrame(plain_, geometry=[None] * len(plain_), crs=4326)
    for frame_ in (plain_, empty):
        map_ = web_map(region, layers, pairs=frame_)
        assert "ways" not in chords(map_)
        assert not any("way of the trip" in text for text in legend_of(page_of(map_)))
