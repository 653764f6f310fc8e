"""The report: what it says, that it says it safely, and that it needs nothing beside itself."""

from __future__ import annotations

import base64
import io
import math
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from fontTools.ttLib import TTFont

import technobelt as tb
from technobelt.errors import OutputError
from technobelt.figures import (
    belt_map,
    convergence_curve,
    ground_of,
    isochrone_maps,
    reading_ranges,
    threshold_curve,
    trip_matrix,
    zone_maps,
)
from technobelt.figures.canvas import _path
from technobelt.report import write_report
from technobelt.report.wording import answer, cluster_name, sentences
from technobelt.report.zones import transfer_words
from technobelt.zone_rules import Constraint, Transfer
from technobelt.zones import redraw_zones
from technobelt.zones.unmet import Unmet

CLUSTERS = {"east": "East", "centre": "Centre", "west": "West"}
SHOWN = ("clusters", "municipalities", "complexes", "universities", "centres", "corridor")
VOID = {"meta", "link", "br", "hr", "img"}


# --- what a run hands over, made up, on the real region ---------------------------------------------


def reading(name, profile, verdict, observed, low, high):
    return {
        "id": f"{name}.{profile}", "reading": name, "profile": profile, "rule": "a rule",
        "verdict": verdict, "observed_min": observed, "range_min": [low, high], "between": ["east", "west"],
    }  # fmt: skip


def travel(**changes):
    claim = {
        "id": "ninety-minutes", "statement": "All within one and a half hours.", "source": "A plan, page 7",
        "kind": "travel_time", "verdict": "undecided", "limit_min": 90.0, "profile": "typical",
        "observed_min": 93.77, "range_min": [79.0, 116.38], "margin_min": -3.77, "break_even_factor": 1.0453,
        "between": ["east", "west"], "places": 3, "pairs": 6, "pairs_over": 2,
        "readings": [
            reading("cluster_pair_median", "typical", "undecided", 93.77, 79.0, 116.38),
            {"id": "share_within.typical", "reading": "share_within", "profile": "typical", "rule": "a rule",
             "verdict": "holds", "observed": 0.827, "range": [0.64, 0.96], "unit": "share of pairs"},
            reading("cluster_pair_median", "peak", "fails", 128.76, 93.51, 228.0),
            reading("centroids", "peak", "undecided", None, None, None),
        ],
        "counterexamples": [
            {"from": "UNI06", "to": "GIC01", "from_name": "Youngsan", "to_name": "Jinsa", "time_min": 112.56,
             "length_km": 138.6, "status": "ok", "confidence": "low", "route": [["웅상대로", 9.9], ["10", 62.4]]},
            {"from": "GIC01", "to": "UNI06", "from_name": "Jinsa", "to_name": "Youngsan", "time_min": None,
             "length_km": None, "status": "unreachable", "confidence": "low"},
        ],
        "notes": ["21 numbers are placeholders."],
    }  # fmt: skip
    return claim | changes


COUNT = {
    "id": "six-national-complexes", "statement": "There are six.", "source": "A plan", "kind": "count",
    "verdict": "holds", "observed": 6.0, "expected": 6.0, "tolerance": 0.0, "unit": "complexes",
    "counted": ["NIC01"], "notes": [],
}  # fmt: skip
AREA = {
    "id": "province-area", "statement": "It has 11,300 square kilometres.", "source": "A plan", "kind": "area",
    "verdict": "fails", "observed": 10555.254, "expected": 11300.0, "tolerance": 50.0, "unit": "km2", "notes": [],
}  # fmt: skip
SPREAD = {
    "id": "national-complexes-area", "statement": "They have 69.", "source": "A plan", "kind": "area",
    "verdict": "undecided", "observed": 42.139, "expected": 69.0, "tolerance": 0.5, "unit": "km2",
    "observed_range": [42.139, 72.037], "notes": ["More than one area is published for NIC01."],
}  # fmt: skip
PARTS = {
    "id": "composition", "statement": "Each has all.", "source": "A plan", "kind": "composition", "verdict": "fails",
    "observed": 2, "expected": 3, "unit": "clusters", "counts": {c: {"research_university": 2} for c in CLUSTERS},
    "counterexamples": ["west has no industrial park"], "notes": [],
}  # fmt: skip


def verdicts(*claims):
    return {
        "region": "kyeongnam", "as_of": "2021-08", "claims": list(claims or (travel(), COUNT, AREA, SPREAD, PARTS)),
        "network": {"file": "roads.parquet", "hash": "e13ceaea509f1d43" * 4, "date": "2021-08"},
    }  # fmt: skip


def trips(minutes=(80.0, 95.0, 60.0, 90.4, 60.0, math.nan)):
    places = {"UNI04": "east", "UNI02": "centre", "UNI01": "west"}
    ends = [(a, b) for a in places for b in places if a != b]
    return pd.DataFrame(
        [
            {"from_id": a, "to_id": b, "from_name": f"place {a}", "to_name": f"place {b}",
             "from_clus": places[a], "to_clus": places[b], "time_min": t}
            for (a, b), t in zip(ends, minutes, strict=True)
        ]
    )  # fmt: skip


def bands(region, layers, **columns):
    hubs = (
        pd.concat([layers["universities"], layers["centres"]]).loc[region.hubs].to_crs(region.crs)
    )
    rows = [
        {"origin_id": hub, "origin_name": f"hub {hub}", "cluster": cluster, "minutes": minutes,
         "area_km2": minutes * 25.0, "truncated": 0.0, "population": 12345, "profile": "typical",
         "geometry": shapely.MultiPolygon([point.buffer(minutes * 600.0)])}
        for minutes in (30.0, 90.0)
        for (hub, point), cluster in zip(hubs.geometry.items(), CLUSTERS, strict=True)
    ]  # fmt: skip
    return gpd.GeoDataFrame(rows, crs=region.crs).assign(**columns)


MANIFEST = {
    "technobelt": "9.9.9", "python": "3.11.7", "packages": {"numpy": "2.4.6"},
    "parameters": {"region": "kyeongnam", "profile": None, "as_of": "1999-12-31", "minutes": [30.0, 90.0]},
    "inputs": {"clusters.geojson": "5f82ab35f963920c4903c39744b781a2"}, "network": {},
}  # fmt: skip


THRESHOLDS = pd.DataFrame({"minutes": [60.0, 87.5, 120.0], "share": [0.25, 0.5, 0.75]})


@pytest.fixture(scope="module")
def region():
    return tb.load_region()


@pytest.fixture(scope="module")
def layers(region):
    return {name: tb.read_layer(region, name) for name in SHOWN}


@pytest.fixture(scope="module")
def roads(region):
    return tb.load_network(region)


@pytest.fixture(scope="module")
def zones_by(region, roads):
    """Draw the zones of a pack once."""
    return cache(lambda pack: tb.delineate_zones(region, roads, pack=pack))


@pytest.fixture(scope="module")
def zoned(zones_by):
    return zones_by("functional")


@pytest.fixture
def report(tmp_path, region, layers, zoned):
    def write(**changes):
        given = {
            "verdicts": verdicts(), "layers": layers, "roads": None, "isochrones": bands(region, layers),
            "drawn": zoned, "pairs": trips(), "audit": None, "manifest": MANIFEST,
            "thresholds": THRESHOLDS,
        } | changes  # fmt: skip
        path = write_report(tmp_path / "report.html", given.pop("region", region), **given)
        return path.read_text(encoding="utf-8")

    return write


class Page(HTMLParser):
    """What a page is made of: open tags, ids, words, addresses that a browser would load."""

    def __init__(self, html):
        super().__init__()
        self.open, self.ids, self.text, self.loads, self.tags = [], [], [], [], []
        self.rows = []
        self.feed(html)
        self.close()
        self.words = re.sub(r"\s+", " ", " ".join(self.text))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        self.ids += [given["id"]] if "id" in given else []
        self.loads += [given[a] for a in ("src", "srcset", "data", "xlink:href") if a in given]
        self.loads += [given["href"]] if tag in {"link", "image", "use"} and "href" in given else []
        if tag == "tr":
            self.rows.append([])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text.append(data)
        if {"td", "th"} & set(self.open) and data.strip():
            self.rows[-1].append(data.strip())


# --- verdicts in words ---------------------------------------------------------------------------


def test_an_undecided_trip_tells_its_time_its_range_and_what_would_turn_it(region):
    assert sentences(region, travel())[:3] == [
        "The claim cannot be decided: the median trip from Gimhae/Yangsan (east) to Jinju/Sacheon (west), the longest of all such medians, takes 94 min at typical speeds; the limit is 90 min.",
        "Within the stated ranges of speeds and waiting it takes 79 to 116 min.",
        "It would take just 90 min if all speeds were 4.5\N{NO-BREAK SPACE}% higher.",
    ]


def test_a_claim_that_holds_tells_how_much_slower_it_may_get(region):
    said = " ".join(
        sentences(region, travel(verdict="holds", observed_min=80.0, break_even_factor=0.9))
    )
    assert said.startswith("The claim holds: ")
    assert "if all speeds were 10\N{NO-BREAK SPACE}% lower" in said


def test_a_trip_just_beyond_the_limit_is_not_rounded_to_it(region):
    assert "takes 90.4 min" in sentences(region, travel(observed_min=90.4))[0]


def test_clusters_without_a_way_between_them_say_so(region):
    lost = travel(observed_min=None, range_min=[None, None], break_even_factor=None)
    said = " ".join(sentences(region, lost))
    assert "no way was found" in said
    assert "None" not in said


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        (COUNT, "The claim holds: 6 complexes were found, as stated."),
        (COUNT | {"verdict": "fails", "observed": 5.0}, "The claim does not hold: 5 complexes were found, 6 are stated."),
        (AREA, "The claim does not hold: the outlines measure 10,555 km², 744.7 km² less than the 11,300 stated."),
        (
            SPREAD,
            "The claim cannot be decided: the published areas add up to 42.1 to 72.0 km², depending on which of them one takes; 69 km² are stated.",
        ),
        (PARTS, "The claim does not hold: 2 of 3 clusters have all that is named; west has no industrial park."),
    ],
)  # fmt: skip
def test_counts_areas_and_compositions_are_said_in_one_sentence(region, claim, sentence):
    assert sentences(region, claim) == [sentence]


# --- the page ------------------------------------------------------------------------------------


def test_the_page_is_whole_and_no_id_comes_twice(report):
    page = Page(report())
    assert page.open == []
    assert [name for name, n in Counter(page.ids).items() if n > 1] == []


def test_the_page_asks_for_nothing_beside_itself(report):
    html = report()
    page = Page(html)
    assert [address for address in page.loads if not address.startswith(("data:", "#"))] == []
    assert not {"script", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}
    assert not re.search(r"@import|url\((?!#|data:)", html)


def test_verdicts_come_first_then_trips_maps_zones_methods_limits_data(report):
    html = report()
    order = ["verdicts", "trips", "maps", "zones", "reach", "methods", "limits", "data", "repeat"]
    places = [html.index(f'id="{name}"') for name in order]
    assert places == sorted(places)
    assert html.index("Of 5 claims 1 holds, 2 do not hold, 2 cannot be decided.") < places[1]


def test_every_claim_shows_its_verdict_as_a_word_its_sentence_and_its_source(report):
    page = Page(report())
    for claim in verdicts()["claims"]:
        assert claim["statement"] in page.words
    badges = [a["class"] for tag, a in page.tags if "badge" in a.get("class", "")]
    claims = verdicts()["claims"]
    assert badges == [f"badge {claim['verdict']}" for claim in [claims[0], *claims]]
    assert re.findall(r'class="badge \w+">([^<]+)<', report()) == [
        "Cannot be decided", "Cannot be decided", "Holds", "Does not hold", "Cannot be decided", "Does not hold",
    ]  # fmt: skip
    assert "A plan, page 7" in page.words


def test_verdict_colours_are_those_of_the_style(report):
    html = report()
    for name, colour in tb.style.load_style()["verdicts"].items():
        assert f"--{name}: {colour};" in html


def test_readings_stand_by_profile_with_range_and_verdict(report):
    page = Page(report())
    [median] = [row for row in page.rows if row and row[0] == "Median trip"]
    assert median[2:] == [
        "94\N{NO-BREAK SPACE}min", "79 to 116\N{NO-BREAK SPACE}min", "cannot be decided",
        "129\N{NO-BREAK SPACE}min", "94 to 228\N{NO-BREAK SPACE}min", "does not hold",
    ]  # fmt: skip
    [share] = [row for row in page.rows if row and row[0].startswith("Share of trips")]
    assert share[2:] == ["83\N{NO-BREAK SPACE}%", "64 to 96\N{NO-BREAK SPACE}%", "holds"]
    [middles] = [row for row in page.rows if row and row[0] == "Between the clusters' middles"]
    assert middles[2:] == ["no way found", "cannot be decided"]


def test_counterexamples_tell_the_way_and_how_sure_the_positions_are(report):
    page = Page(report())
    assert ["Youngsan", "Jinsa", "113", "139", "low"] in page.rows
    assert ["Jinsa", "Youngsan", "unreachable", "\N{EN DASH}", "low"] in page.rows
    assert "Main parts of the way: 웅상대로 9.9 km, route 10 62.4 km" in page.words


def test_ids_in_notes_become_names(report):
    assert (
        "More than one area is published for Changwon National Industrial Complex."
        in Page(report()).words
    )


def test_every_assumption_stands_with_its_range_and_source_and_placeholders_are_marked(
    report, region
):
    page = Page(section(report(), "methods"))
    marked = sum(text.endswith("†") for row in page.rows for text in row if len(text) <= 5)
    assert marked == sum(len(profile.placeholders) for profile in region.profiles.values())
    for profile in region.profiles.values():
        for value in [*profile.speed_kph.values(), profile.limit_share, profile.access_kph]:
            assert value.source in page.words
    [motorway] = [row for row in page.rows if row and row[0] == "Motorway"]
    assert motorway[2:4] == ["100", "80 to 110"]


def test_limits_attribution_and_licence_are_told(report, region):
    page = Page(report())
    for line in [*region.limits, *region.attribution]:
        assert line in page.words
    assert "ODbL 1.0" in page.words


def test_layers_stand_with_rows_licence_and_confidence(report, layers):
    page = Page(report())
    [row] = [row for row in page.rows if row and row[0] == "clusters"]
    assert row[2] == "3"
    assert row[-1] == "3 high"
    assert layers["clusters"]["licence"].iloc[0] in row


def test_the_run_can_be_repeated_from_the_page(report):
    words = Page(report()).words
    assert "technobelt plan --as-of 1999-12-31 --minutes 30,90 --out FOLDER" in words
    assert "5f82ab35f963920c" in words
    assert "technobelt 9.9.9" in words
    assert "e13ceaea509f1d43" in words


def test_dates_of_the_roads_are_told(report):
    assert "Roads of August 2021." in Page(report()).words
    then = Page(report(verdicts=verdicts() | {"as_of": "1999-12-31"})).words
    assert "Roads of August 2021; judged by those that were open on 31 December 1999." in then


def test_an_area_cut_off_by_the_edge_is_a_lower_bound(report, region, layers):
    page = Page(report(isochrones=bands(region, layers, truncated=0.125)))
    cut = ["30", "at least 750", "12.5\N{NO-BREAK SPACE}%", "12,345"]
    assert page_row(page, "hub UNI04") == ["인제대학교", *cut]
    assert "A dashed limit is cut off" in page.words


def page_row(page, head):
    [row] = [row for row in page.rows if row and row[0] == head]
    return row[1:]


def test_an_audit_fills_in_how_often_the_picture_is_wrong(report, region, layers):
    drawn = bands(region, layers)
    audit = drawn[["origin_id", "minutes"]].assign(late_in=0.004, ok_out=0.024, positions=2000)
    page = Page(report(isochrones=drawn, audit=audit))
    assert page_row(page, "hub UNI04")[-2:] == ["0.4\N{NO-BREAK SPACE}%", "2.4\N{NO-BREAK SPACE}%"]
    assert "Late inside" not in Page(report()).words


def test_missing_values_are_dashes(report, zoned):
    zones = zoned.zones.assign(hub_worst=np.nan, suit_q3=np.nan, municip=None)
    page = Page(report(drawn=replace(zoned, zones=zones)))
    shown = {text for row in page.rows for text in row}
    assert not {"nan", "NaN", "None", "<NA>", "nan min"} & shown
    cells = row(page, "zone-east")
    assert cells[5] == f"{zones['hub_min'].iloc[0]:.1f} / \N{EN DASH}"
    assert cells[-1].endswith("/ \N{EN DASH}")


def test_text_of_others_never_becomes_markup(report, region, layers):
    evil = '<script>alert("1")</script>&<b>'
    named = {name: frame.assign(name=evil, name_ko=evil) for name, frame in layers.items()}
    html = report(
        region=region.model_copy(update={"title": evil, "limits": [evil], "attribution": [evil]}),
        verdicts=verdicts(travel(statement=evil, notes=[evil])),
        layers=named,
        isochrones=bands(region, layers, origin_name=evil),
        pairs=trips().assign(from_name=evil, to_name=evil),
    )
    assert "<script" not in html
    assert Page(html).words.count(evil) > 20


LONG = "Ein sehr langer Name " * 14 + "x" * 60


@pytest.mark.parametrize(
    "name",
    [
        "two\nlines\r\n and\ttabs",
        "sirens 🚨👩‍🔬 & 'quotes' \"twice\"",
        LONG,
        "]]> --> $a_b$ \\u0041 {{ region }} {% raw %}",
        "\N{RIGHT-TO-LEFT OVERRIDE}abc",
        "",
    ],
)
def test_names_of_any_kind_make_a_whole_page_with_whole_figures(report, region, layers, name):
    named = {key: frame.assign(name=name, name_ko=name) for key, frame in layers.items()}
    clusters = {key: one.model_copy(update={"name": name}) for key, one in region.clusters.items()}
    html = report(
        region=region.model_copy(update={"clusters": clusters}),
        layers=named,
        isochrones=bands(region, layers, origin_name=name),
        pairs=trips().assign(from_name=name, to_name=name),
    )
    assert Page(html).open == []
    for svg in re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL):
        assert ET.fromstring(svg) is not None  # noqa: S314  (our own drawing)


def test_letters_that_no_page_may_hold_are_left_out_of_figures():
    bad = "a\x00b\x01c"
    svg = trip_matrix(trips().assign(from_name=bad, to_name=bad), limit_min=90, clusters=CLUSTERS)
    assert any("abc" in text for text in texts(svg))


def test_an_empty_layer_is_a_layer_of_no_rows(report, layers):
    none = {name: frame.iloc[:0] for name, frame in layers.items() if name != "clusters"}
    page = Page(report(layers={"clusters": layers["clusters"], **none}, pairs=pd.DataFrame()))
    assert page.open == []
    assert row(page, "complexes")[2] == "0"


def test_readings_without_a_number_leave_the_figures_out(report):
    lost = [
        one | {"observed_min": None, "range_min": [None, None]}
        for one in travel()["readings"]
        if "observed_min" in one
    ]
    told = travel(readings=lost, observed_min=None, range_min=[None, None], break_even_factor=None)
    page = Page(report(verdicts=verdicts(told)))
    assert not [name for name in page.ids if name.startswith(("ranges", "break-even"))]
    assert "no way was found" in page.words


def test_a_read_only_folder_is_refused_and_named(tmp_path, region, layers, zoned, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("technobelt.writing.tempfile.mkdtemp", refuse)  # root may write anywhere
    with pytest.raises(OutputError, match="cannot be written to"):
        write_report(
            tmp_path / "report.html", region, verdicts=verdicts(), layers=layers, roads=None,
            isochrones=bands(region, layers), drawn=zoned, pairs=trips(), manifest=MANIFEST,
        )  # fmt: skip


# --- the first page --------------------------------------------------------------------------------


def front(html):
    return html[html.index('<div class="front">') : html.index("<nav")]


def test_the_first_page_has_title_region_dates_the_verdict_in_one_sentence_and_the_belt(
    report, region
):
    page = Page(front(report()))
    assert region.title in page.words
    assert f"Region: {region.name}." in page.words
    assert "Roads of August 2021." in page.words
    assert "belt-caption" in page.ids
    assert (
        "The claim cannot be decided: the median trip from Gimhae/Yangsan (east) to Jinju/Sacheon (west), the longest of all such medians, takes 94 min at typical speeds, 4 min over the limit of 90 min; with all speeds and waits that are thought possible, 79 to 116 min."
        in page.words
    )


@pytest.mark.parametrize(
    ("minutes", "margin"),
    [(80.0, "10 min under"), (90.4, "0.4 min over"), (90.01, "just over"), (89.2, "0.8 min under")],
)
def test_the_margin_is_never_rounded_away(region, minutes, margin):
    assert f"{margin} the limit of 90 min" in answer(region, travel(observed_min=minutes))


def test_a_plan_without_times_begins_with_its_first_claim(report):
    page = Page(front(report(verdicts=verdicts(COUNT))))
    assert "The claim holds: 6 complexes were found, as stated." in page.words


def test_a_plan_of_which_nothing_can_be_tested_has_a_first_page(report):
    none = {"id": "a", "statement": "It thrives.", "source": "A plan", "kind": "undecidable",
            "verdict": "undecided", "notes": ["No layer."]}  # fmt: skip
    page = Page(report(verdicts=verdicts(none)))
    assert "for 1 of them no layer holds what it speaks of." in page.words


# --- hangul ----------------------------------------------------------------------------------------


def test_every_hangul_syllable_of_the_page_is_in_the_font_that_it_brings_along(report):
    html = report()
    data = re.search(r"data:font/woff;base64,([A-Za-z0-9+/=]+)", html)[1]
    has = TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap()
    asked = {ord(letter) for letter in re.findall("[가-힣]", html)}
    assert len(asked) > 30
    assert asked <= set(has)
    assert len(data) < 100_000


def test_places_stand_with_their_korean_names_in_tables_and_on_the_belt(report):
    html = report()
    assert "인제대학교" in Page(section(html, "maps")).words
    assert "인제대학교" in Page(section(html, "reach")).words
    assert "김해·양산" in front(html)


# --- what would turn it ------------------------------------------------------------------------------


def test_ranges_and_break_even_of_the_readings_are_drawn_for_each_claim(report):
    told = travel()
    told["readings"][0]["break_even_factor"] = 1.0453
    page = Page(report(verdicts=verdicts(told, told | {"id": "another"})))
    for name in ("ranges-1", "break-even-1", "ranges-2", "break-even-2"):
        assert f"{name}-caption" in page.ids
    assert "4.5 % faster" in page.words
    assert len(page.ids) == len(set(page.ids))


def test_a_range_without_an_end_leads_off_the_picture():
    endless = reading("hubs", "peak", "undecided", 95.0, 80.0, None)
    svg = reading_ranges([endless], limit_min=90, names={"hubs": "Hubs"}, profiles={"peak": "Peak"})
    assert {"Hubs", "Peak", "cannot be decided", "limit: 90 min"} <= set(texts(svg))


def test_the_command_names_pack_and_scenario(report):
    asked = {"pack": "uk-tax-sites", "scenario": {"scenario": {"id": "works"}, "edits": []}}
    words = Page(report(manifest=MANIFEST | {"parameters": asked})).words
    assert "technobelt plan --scenario FILE --pack uk-tax-sites --out FOLDER" in words
    assert "technobelt plan --from-manifest manifest.json" in words
    assert "scenario works" in words


def test_layers_tell_of_when_they_are(report):
    assert row(Page(report()), "complexes")[3] == "1962 to 2024"


def test_a_region_without_timed_claims_zones_or_isochrones_has_a_report(
    report, region, layers, zoned
):
    page = Page(
        report(
            region=region.model_copy(update={"claims": [], "limits": []}),
            verdicts=verdicts(COUNT),
            layers={"clusters": layers["clusters"]},
            isochrones=bands(region, layers).iloc[:0],
            drawn=replace(zoned, zones=zoned.zones.iloc[:0]),
            pairs=pd.DataFrame(),
        )
    )
    assert "Of 1 claim 1 holds, 0 do not hold, 0 cannot be decided." in page.words
    assert {"trips", "reach"}.isdisjoint(page.ids)
    assert "no zones drawn" in page.words
    assert "Turn restrictions, traffic signals one by one" in page.words


def test_a_cluster_s_id_is_not_told_where_its_name_says_it(region):
    east = region.clusters["east"]
    named = {"taegu": east.model_copy(update={"name": "Taegu"})} | region.clusters
    own = region.model_copy(update={"clusters": named})
    assert cluster_name(own, "taegu") == "Taegu"
    assert cluster_name(own, "east") == "Gimhae/Yangsan (east)"


def test_a_corridor_that_is_not_drawn_is_not_told_below_the_map(report, layers):
    bare = {name: frame for name, frame in layers.items() if name != "corridor"}
    assert "the corridor, which is" not in Page(report(layers=bare)).words
    assert (
        "the corridor, which is"
        in Page(report(layers=layers | {"corridor": layers["clusters"]})).words
    )


def test_it_prints_on_a4(report):
    html = report()
    assert re.search(r"@page \{\s+size: A4;", html)
    assert "@media print" in html


def test_the_same_run_writes_the_same_bytes(report):
    assert report() == report()


def test_with_all_roads_and_water_it_stays_small(report, region, layers):
    roads = tb.load_network(region).to_crs(region.crs).roads.astype({"class": str})
    main = roads[roads["class"].isin(["motorway", "trunk", "primary", "secondary"])]
    full = layers | {"barriers": tb.read_layer(region, "barriers")}
    assert len(report(roads=main, layers=full).encode()) < 1_500_000


def test_a_folder_that_is_a_file_is_refused(tmp_path, region, layers, zoned):
    (tmp_path / "out").write_text("not a folder")
    with pytest.raises(OutputError, match="out"):
        write_report(
            tmp_path / "out" / "report.html", region, verdicts=verdicts(), layers=layers, roads=None,
            isochrones=bands(region, layers), drawn=zoned, pairs=trips(), manifest=MANIFEST,
        )  # fmt: skip


def test_inputs_are_left_as_they_were(report, region, layers, zoned):
    given = {
        "isochrones": bands(region, layers),
        "pairs": trips(),
    }
    before = {name: frame.copy() for name, frame in given.items()} | {"zones": zoned.zones.copy()}
    report(**given)
    given["zones"] = zoned.zones
    for name, frame in given.items():
        pd.testing.assert_frame_equal(frame, before[name])


# --- how sure the data are -----------------------------------------------------------------------


def positions(*rows):
    columns = ["name", "compared", "was_conf", "confidence", "off_m"]
    there = [None if row[1] == "not located" else shapely.Point(128.6, 35.2) for row in rows]
    said = pd.DataFrame(rows, columns=columns).assign(source="a test", licence="none")
    return gpd.GeoDataFrame(said, geometry=there, crs=4326)


PLACED = positions(
    ("Sure", "agrees", "medium", "high", 40.0),
    ("Shifted", "moved", "low", "low", 1766.0),
    ("Alone", "unconfirmed", "low", "low", None),
    ("Believed", "unconfirmed", "medium", "medium", None),
    ("Lost", "not located", "low", "not located", None),
)
ROUTES = pd.DataFrame(
    {
        "route": ["motorway 10", "motorway 12", "other roads"],
        "dated_km": [335.0, 0.0, 0.0], "assumed_km": [2.5, 0.0, 0.0], "unknown_km": [0.0, 300.25, 20000.5],
        "first": ["1973-11-14", None, None], "last": ["2001-11-08", None, None],
    }
)  # fmt: skip


def test_places_are_counted_by_confidence_before_and_after_the_comparison(report, layers):
    page = Page(report(layers=layers | {"positions": PLACED}))
    for row in (
        ["High", "0", "1"],
        ["Medium", "2", "1"],
        ["Low", "3", "2"],
        ["Not located", "0", "1"],
    ):
        assert row in page.rows
    assert ["No other source was found", "2"] in page.rows


def test_weak_places_are_named_once_each_and_sure_ones_are_not(report, layers):
    words = Page(report(layers=layers | {"positions": PLACED})).words
    weak = words[words.index("What to check before relying on it") :]
    weak = weak[: weak.index("How to repeat it")]
    assert "Moved : Shifted (1,766 m)." in weak
    assert "Unconfirmed, of low confidence : Alone." in weak
    assert "Not located : Lost." in weak
    assert not {"Sure", "Believed"} & set(re.findall(r"\w+", weak))


def test_places_that_are_not_located_are_counted_with_their_layer(report, layers):
    lost = layers["universities"].copy()
    assert lost["confidence"].eq("not located").sum() == 1
    [row] = [row for row in Page(report()).rows if row and row[0] == "universities"]
    assert row[-1].endswith("1 not located")


def test_outlines_stand_with_both_areas_and_a_disc_has_no_ratio(report, layers):
    rows = [
        {"id": "a", "name": "Mapped", "outline": "landuse", "area_km2": 1.5, "published": 2.0, "area_ratio": 0.75},
        {"id": "b", "name": "Round", "outline": "disc", "area_km2": 0.95, "published": 0.95, "area_ratio": None},
        {"id": "c", "name": "Unpublished", "outline": "landuse", "area_km2": 0.5, "published": None, "area_ratio": None},
    ]  # fmt: skip
    shape = shapely.Point(128.6, 35.2).buffer(0.01)
    outlines = gpd.GeoDataFrame(rows, geometry=[shape] * 3, crs=4326)
    page = Page(report(layers=layers | {"outlines": outlines}))
    dash = "\N{EN DASH}"
    assert ["Mapped", "from land use", "1.50", "2.00", "0.75"] in page.rows
    assert ["Round", "disc of the published area, no border", "0.95", "0.95", dash] in page.rows
    assert ["Unpublished", "from land use", "0.50", dash, dash] in page.rows


def test_kilometres_stand_by_route_and_evidence_and_undated_routes_are_one_row(report):
    page = Page(report(road_dates=ROUTES))
    dash = "\N{EN DASH}"
    dated = ["motorway 10", "335.0", "2.5", dash, "14 November 1973 to 8 November 2001"]
    assert dated in page.rows
    assert ["2 other routes, without any date", dash, dash, "20,300.8"] in page.rows
    assert ["All", "335.0", "2.5", "20,300.8"] in page.rows


def test_networks_of_two_dates_are_drawn_where_the_roads_have_dates(report, region):
    network = tb.load_network(region).to_crs(region.crs)
    html = report(network=network, road_dates=ROUTES)
    assert {"networks-caption", "dates"} <= set(Page(html).ids)
    assert "Open on 1999-12-31" in Page(html).words
    assert len(html.encode()) < 1_500_000


def test_networks_without_dates_are_left_out(report, draw):
    network = draw({"a": (0, 0), "b": (1000, 0)}, [("a", "b")])
    assert {"networks-caption", "dates"}.isdisjoint(Page(report(network=network)).ids)


def test_a_region_without_positions_outlines_and_dates_says_nothing_of_them(report):
    assert {"sureness", "outlines", "dates"}.isdisjoint(Page(report()).ids)


# --- random draws --------------------------------------------------------------------------------


def drawn(**changes):
    """A claim with draws: one reading undecided, one never within, one of a share."""
    told = travel()
    for reading, share, error, minutes in zip(
        told["readings"],
        (0.2667, 1.0, 0.0),
        (0.014, 0.0, 0.0),
        ([84.68, 92.87, 105.87], [59.1, 62.8, 68.0], [95.2, None, None]),
        strict=False,
    ):
        reading |= {"p_within": share, "sampling_error": error, "draws_min": minutes}
    rows = [[10, 0.4, 0.17, 0.69], [100, 0.29, 0.21, 0.39], [1000, 0.2667, 0.24, 0.295]]
    draws = {"n": 1000, "seed": 1999, "placeholder": True, "p_within": 0.2667, "convergence": rows}
    return told | {"draws": draws | changes}


def test_draws_stand_by_reading_with_minutes_share_and_how_far_it_may_be_off(report):
    page = Page(report(verdicts=verdicts(drawn())))
    rows = [row for row in page.rows if row and row[-1].startswith(("±", "at "))]
    nbsp = "\N{NO-BREAK SPACE}"
    assert rows == [
        ["Median trip", "85", "93", "106", f"27{nbsp}%", f"±{nbsp}3{nbsp}%"],
        ["Share of trips within the limit", "minutes are those of the middle trip", "59", "63", "68",
         f"100{nbsp}%", f"at least 99.7{nbsp}%"],
        ["Median trip", "95", "no way", "no way", f"0{nbsp}%", f"at most 0.3{nbsp}%"],
    ]  # fmt: skip
    assert "1,000 times all speeds were drawn" in page.words
    assert "a placeholder that nobody has measured" in page.words
    assert (
        "nobody has measured: the shares"
        not in Page(report(verdicts=verdicts(drawn(placeholder=False)))).words
    )


def test_the_share_is_drawn_against_the_number_of_draws_once_for_each_claim(report):
    page = Page(report(verdicts=verdicts(drawn(), drawn() | {"id": "another"})))
    for name in ("convergence-1", "convergence-2"):
        assert f"{name}-caption" in page.ids
        assert any(a.get("aria-labelledby") == f"{name}-caption" for _, a in page.tags)
    assert len(page.ids) == len(set(page.ids))


def test_without_draws_or_their_course_nothing_is_said_of_them(report):
    told = drawn()
    del told["draws"]["convergence"]
    page = Page(report(verdicts=verdicts(told)))
    assert "drawn at random" in page.words
    assert not [name for name in page.ids if name.startswith("convergence")]
    assert "drawn at random" not in Page(report()).words


# --- runs beside each other ----------------------------------------------------------------------


def compared(**changes):
    def pair(start, end, **minutes):
        ways = {"from": start, "to": end, "from_name": f"place {start}", "to_name": f"place {end}"}
        why = {"2021-08": f"a new road to {end}"} if end == "b" else {}
        return ways | {"minutes": minutes, "why": why}

    def trip(number, minutes):
        times = {"1999-12-31": 100.0, "2021-08": 100.0 - minutes, "no <tunnel>": None}
        return pair(str(number), "c", **times)

    told = {
        "base": "1999-12-31", "runs": ["1999-12-31", "2021-08", "no <tunnel>"],
        "readings": [
            {"claim": "ninety-minutes", "reading": "cluster_pair_median.typical",
             "verdicts": {"1999-12-31": "fails", "2021-08": "undecided", "no <tunnel>": "fails"},
             "unit": "min", "observed": {"1999-12-31": 105.04, "2021-08": 93.8, "no <tunnel>": None}},
        ],
        "pairs": [
            pair("a", "b", **{"1999-12-31": 90.0, "2021-08": 81.5, "no <tunnel>": 92.0}),
            pair("a", "same", **{"1999-12-31": 60.0, "2021-08": 60.04, "no <tunnel>": 60.0}),
            *(trip(number, number) for number in range(3)),
        ],
    }  # fmt: skip
    return verdicts() | {"comparison": told | changes}


def test_runs_stand_beside_each_other_with_verdict_minutes_and_difference(report):
    page = Page(report(verdicts=compared()))
    assert "compared" in page.ids
    assert ["Reading", "31 December 1999", "August 2021", "no <tunnel>"] in page.rows
    assert [
        "Median trip", "typical speeds", "105.0", "Does not hold", "93.8", "\N{MINUS SIGN}11.2",
        "Cannot be decided", "\N{EN DASH}", "Does not hold",
    ] in page.rows  # fmt: skip


def test_pairs_that_change_most_come_first_with_why_and_the_unchanged_are_left_out(report):
    page = Page(report(verdicts=compared()))
    [start] = [i for i, row in enumerate(page.rows) if row[:2] == ["From", "To"] and "August 2021" in row]  # fmt: skip
    rows = page.rows[start + 1 : start + 6]
    assert [row[0] for row in rows[:3]] == ["place 0", "place 1", "place 2"]
    assert rows[2] == ["place 2", "place c", "100.0", "98.0", "\N{MINUS SIGN}2.0", "no way"]
    assert rows[3] == ["place a", "place b", "90.0", "81.5", "\N{MINUS SIGN}8.5", "92.0", "+2.0"]
    assert rows[4] == ["August 2021: a new road to b"]
    assert "place same" not in page.words


def test_what_to_know_beside_a_comparison_is_said(report):
    page = Page(report(verdicts=compared(notes=["Edits of 'a' that change no trip: b."])))
    assert "Edits of 'a' that change no trip: b." in page.words


def test_fifteen_pairs_are_enough_for_a_page(report):
    many = compared()["comparison"]["pairs"][:1] * 40
    page = Page(report(verdicts=compared(pairs=many)))
    assert page.words.count("a new road to b") == 15


def test_readings_of_several_claims_stand_under_the_claim_they_belong_to(report):
    [one] = compared()["comparison"]["readings"]
    html = report(verdicts=compared(readings=[one, one | {"claim": "elsewhere"}], pairs=[]))
    section = html[html.index('id="compared"') : html.index('id="maps"')]
    assert re.findall("<h3>([^<]+)</h3>", section) == ["All within one and a half hours.", "elsewhere"]  # fmt: skip
    assert "change most" not in section


def test_without_a_comparison_there_is_no_section_for_it(report):
    page = Page(report())
    assert "compared" not in page.ids
    assert "#compared" not in {a.get("href") for _, a in page.tags}


# --- zones ---------------------------------------------------------------------------------------


def section(html, name="zones"):
    begin = html.index(f'<section id="{name}">')
    return html[begin : html.index("</section>", begin) + len("</section>")]


def row(page, first):
    return next(cells for cells in page.rows if cells and cells[0] == first)


def test_zones_say_by_which_pack_and_what_is_assumed_in_it(report, zones_by):
    page = Page(section(report(drawn=zones_by("kr-small-rnd-zone"))))
    assert "Special Act on the Fostering of R&D Special Zones" in page.words
    assert row(page, "Area of a zone, at most") == [
        "Area of a zone, at most",
        "2\N{NO-BREAK SPACE}km²",
    ]
    assert row(page, "Sites in a zone, at most")[1].endswith("†")
    assert "3 zones drawn" in page.words


def test_areas_stand_beside_their_caps_and_are_never_rounded_above_them(report, zones_by):
    drawn = zones_by("uk-tax-sites")
    page = Page(section(report(drawn=drawn)))
    assert "3 zones of 9 sites drawn" in page.words
    for key, km2 in zip(drawn.zones["zone_id"], drawn.zones["area_km2"], strict=True):
        cells = next(cells for cells in page.rows if any(c.startswith(key) for c in cells[1:2]))
        assert [float(cells[2]), cells[3]] == [pytest.approx(km2, abs=5e-4), "2"]
        assert float(cells[2]) <= 2
    assert page.words.count(" of 6 km² in 3 sites.") == 3


def test_a_rule_that_is_not_met_says_where_by_how_much_and_what_is_closest(report, zones_by):
    drawn = zones_by("kr-national-innovation-cluster")
    page = Page(section(report(drawn=drawn)))
    cells = row(page, "Jinju/Sacheon (west)")
    assert cells[1] == "radius_km"
    assert cells[-2:] == [drawn.unmet[0].found, drawn.unmet[0].closest]
    assert "1 zone of 3 sites drawn" in page.words
    assert "All rules of the pack could be met" not in page.words


def test_factors_tell_their_scores_in_words_and_that_they_are_assumed(report):
    page = Page(section(report()))
    cells = row(page, "Minutes to the nearest research university")
    assert "1 up to 5\N{NO-BREAK SPACE}min, 0 from 30\N{NO-BREAK SPACE}min on" in cells[2]
    assert cells[3] == "20\N{NO-BREAK SPACE}%"
    assert cells[4].startswith("assumed")


def test_constraints_take_the_share_of_land_that_one_counts(report, zoned):
    ground = zoned.suitability.ground
    wet = (ground.land["water"] > 0.5)[ground.known].mean()
    cells = row(Page(section(report())), "Water")
    assert cells[-2] == f"{wet * 100:.1f}\N{NO-BREAK SPACE}%"


def test_it_is_said_whether_protected_land_was_supplied(report, region):
    assert "No protected land was supplied" in section(report())
    rule = Constraint(land="wood", above=0.9, protected=True, source="a test")
    rules = region.zones.model_copy(update={"constraints": {"old_forest": rule}})
    with_it = section(report(region=region.model_copy(update={"zones": rules})))
    assert "Protected land was supplied and is left out: old forest." in with_it


def test_without_draws_it_says_how_to_ask_and_with_them_how_firm_zones_are(report, zones_by):
    drawn = zones_by("kr-small-rnd-zone")
    assert "--draws 100" in section(report(drawn=drawn))
    firm = redraw_zones(drawn, draws=2)
    page = Page(section(report(drawn=drawn, firm=firm)))
    core = firm.areas.set_index(["cluster", "kind"])["area_km2"]["east", "core"]
    assert row(page, "Gimhae/Yangsan (east)")[1] == f"{core:.2f}"
    assert "Inje University, Gimhae campus" in page.words
    assert "--draws 100" not in page.words


def test_cores_stand_beside_those_that_were_designated_and_no_overlap_is_claimed(report, zones_by):
    html = section(report(drawn=zones_by("kr-small-rnd-zone")))
    page = Page(html)
    assert "2 of 3 cores are the same." in page.words
    assert "nothing is said of how far the areas overlap" in page.words
    assert "really designated" not in section(report())


def test_what_packs_and_rules_say_is_escaped(report, region, zoned):
    evil = "<script>alert('&')</script>"
    pack = zoned.pack.model_copy(update={"title": evil, "source": evil, "note": evil})
    zones = zoned.zones.assign(name=evil, rule=evil, municip=evil, special=evil, core=evil)
    unmet = [Unmet(evil, evil, evil, evil, evil)]
    factors = {
        name: factor.model_copy(update={"title": evil, "source": evil})
        for name, factor in region.zones.factors.items()
    }
    rules = region.zones.model_copy(update={"factors": factors})
    html = report(
        region=region.model_copy(update={"zones": rules}),
        drawn=replace(
            zoned,
            drafting=replace(zoned.drafting, pack=pack),
            zones=zones,
            unmet=unmet,
            notes=[evil],
        ),
    )
    assert "<script" not in html
    assert Page(section(html)).words.count(evil) > 20


def test_transfers_are_told_in_words():
    many = Transfer(points=[(0, 0), (5, 0.5), (10, 1)])
    assert transfer_words(many, "") == "0 at 0, 0.5 at 5, 1 from 10 on, straight lines between"


# --- figures -------------------------------------------------------------------------------------


def texts(svg):
    root = ET.fromstring(svg)  # noqa: S314  (our own drawing)
    return [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_every_figure_is_an_svg_of_its_own(region, layers, zoned):
    ground = ground_of(region, layers, None)
    figures = [
        belt_map(region, layers, ground),
        isochrone_maps(region, bands(region, layers), layers, ground, limit_min=90),
        zone_maps(region, zoned, layers, ground),
        trip_matrix(trips(), limit_min=90, clusters=CLUSTERS),
        threshold_curve(THRESHOLDS, limit_min=90),
        convergence_curve([[10, 0.4, 0.17, 0.69], [100, 0.29, 0.21, 0.39]]),
    ]
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in figures]
    assert all(texts(svg) for svg in figures)
    assert sum(map(len, ids)) == len(set.union(*ids))


def test_every_reference_inside_a_figure_finds_its_target(region, layers):
    svg = belt_map(region, layers, ground_of(region, layers, None))
    asked = set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg))
    assert asked
    assert asked <= set(re.findall(r'\bid="([^"]+)"', svg))


def test_the_belt_names_clusters_hubs_and_what_its_signs_mean(region, layers):
    words = texts(belt_map(region, layers, ground_of(region, layers, None)))
    assert {cluster.name for cluster in region.clusters.values()} <= set(words)
    assert {
        "Inje University",
        "corridor",
        "industrial complex",
        "hub of a cluster",
        "20 km",
    } <= set(words)


def test_trips_beyond_the_limit_are_bold_and_lost_ones_are_words():
    svg = trip_matrix(trips(), limit_min=90, clusters=CLUSTERS)
    heavy = set(re.findall(r'<text style="[^"]*font(?:-weight)?: (?:bold|700)[^>]*>([^<]+)<', svg))
    assert {"95", "90.4", "none"} <= heavy
    assert not {"80", "60"} & heavy


@pytest.mark.parametrize(("limit", "share"), [(87.5, 50), (90, 50), (150, 75)])
def test_the_threshold_curve_marks_the_claimed_limit_at_its_share(limit, share):
    svg = threshold_curve(THRESHOLDS, limit_min=limit)
    assert f"claimed: {limit:g} min, {share} % of the trips" in texts(svg)


def test_below_the_first_limit_of_the_table_no_share_is_claimed():
    said = texts(threshold_curve(THRESHOLDS, limit_min=45))
    assert "claimed: 45 min" in said


def test_without_a_table_of_thresholds_there_is_no_curve(report):
    assert "thresholds-caption" in Page(report()).ids
    assert "thresholds-caption" not in Page(report(thresholds=None)).ids


def test_the_course_of_a_share_tells_its_draws_and_ends_with_its_interval():
    rows = [[10, 0.4, 0.17, 0.69], [11, 0.3, 0.2, 0.4], [500, 0.03, 0.01, 0.045]]
    words = texts(convergence_curve(rows, name="c"))
    assert {"11", "500", "3 % (1 to 4 %)", "number of random draws"} <= set(words)
    assert texts(convergence_curve(rows[:1]))  # a single row is a point


def test_a_limit_cut_off_by_the_edge_is_dashed(region, layers):
    ground = ground_of(region, layers, None)
    whole = isochrone_maps(region, bands(region, layers), layers, ground, limit_min=90)
    cut = isochrone_maps(region, bands(region, layers, truncated=0.1), layers, ground, limit_min=90)
    assert "stroke-dasharray" not in whole
    assert "stroke-dasharray" in cut


def test_holes_of_an_area_stay_empty():
    ring = shapely.Point(0, 0).buffer(20_000) - shapely.Point(0, 0).buffer(10_000)
    path = _path(np.array([ring]), filled=True)
    shell, hole = (shapely.LinearRing(points).is_ccw for points in path.to_polygons())
    assert shell != hole  # SVG leaves a hole empty where it runs against its shell


def test_names_in_korean_and_with_dollars_are_drawn_as_they_are():
    named = trips().assign(from_name="창원 $1_a$", to_name="창원 $1_a$")
    assert any(
        "창원 $1_a$" in text for text in texts(trip_matrix(named, limit_min=90, clusters=CLUSTERS))
    )
