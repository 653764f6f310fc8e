"""The web map in a real browser, with the network cut: it draws, it answers, it complains of nothing."""

from __future__ import annotations

import json
import re

import folium
import geopandas as gpd
import pandas as pd
import pytest
import shapely

import technobelt as tb
from technobelt.style import load_style
from technobelt.webmap import web_map, write_map
from web_browser import CHROMIUM, SWITCH, asked, browse

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

PAPER = ("growth_poles", "local_plans", "producer_services", "mechanical_industry")


def hub_trips(region):
    """Trips between the three hubs, both ways: one pair over, one within, one without a way back."""
    east, centre, west = region.hubs
    rows = [
        (east, west, 97.0, -7.0, "ok", 0.2), (west, east, 95.0, -5.0, "ok", 0.37),
        (east, centre, 40.0, 50.0, "ok", 1.0), (centre, east, 41.0, 49.0, "ok", 1.0),
        (centre, west, 60.0, 30.0, "ok", 1.0), (west, centre, None, None, "unreachable", 0.0),
    ]  # fmt: skip
    names = ["from_id", "to_id", "time_min", "margin_min", "status", "p_within"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(from_name="Hub " + table["from_id"], to_name="Hub " + table["to_id"])


def zones_around(hub, metres):
    table = hub[["cluster", "geometry"]].assign(name="Zone of " + hub["cluster"])
    return table.set_geometry(hub.geometry.buffer(metres))


def core_and_fringe(hub):
    core = hub[["cluster"]].set_geometry(hub.geometry.buffer(1000)).assign(kind="core")
    around = hub.geometry.buffer(3000).difference(hub.geometry.buffer(1000))
    fringe = hub[["cluster"]].set_geometry(around).assign(kind="fringe")
    return pd.concat([core, fringe])


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    region = tb.load_region()
    names = [
        "clusters",
        "municipalities",
        "complexes",
        "universities",
        "centres",
        "corridor",
        "interchanges",
        "barriers",
        "outlines",
        *PAPER,
    ]
    layers = {name: tb.read_layer(region, name) for name in names}
    layers["complexes"].loc["NIC01", "name"] = "<script>alert(1)</script>{{ 7 * 7 }}"
    hub = tb.facilities(region).loc[region.hubs].to_crs(region.crs)
    rows = [
        {"origin_id": id_, "minutes": m, "area_km2": 9.0, "truncated": 0.1 * (m > 60), "profile": "typical", "geometry": shapely.MultiPolygon([point.buffer(m * 300)])}
        for m in (30, 60, 90)
        for id_, point in hub.geometry.items()
    ]  # fmt: skip
    isochrones = gpd.GeoDataFrame(rows, crs=region.crs)
    road = gpd.GeoDataFrame(
        {"class": ["motorway"]},
        geometry=[shapely.LineString([(128.2, 35.2), (129, 35.3)])],
        crs=4326,
    )
    claim = {
        "id": "a",
        "statement": "Within 90 minutes.",
        "verdict": "fails",
        "limit_min": 90,
        "observed_min": 94.0,
    }
    told = {"isochrones": isochrones, "verdicts": {"claims": [claim]}, "pairs": hub_trips(region)}
    told |= {"zones": zones_around(hub, 2000), "robustness": core_and_fringe(hub)}
    map_ = web_map(region, layers, roads=road, **told)
    return write_map(map_, tmp_path_factory.mktemp("map") / "map.html")


def test_it_draws_without_internet_and_without_a_complaint(page, tmp_path):
    dom, said = browse(page, tmp_path)
    assert said == []
    assert 'data-technobelt="ready"' in dom
    for pane in ("land", "water", "roads", "clusters", "corridor", "dots", "bands-0"):
        drawn = re.search(rf'leaflet-tb-{pane}-pane.*?<path[^>]* d="M[^"]{{20,}}"', dom, re.DOTALL)
        assert drawn, f"nothing is drawn on the pane {pane}"
    assert dom.count('class="leaflet-marker-icon tb-place') > 40
    assert "ODbL" in dom


def test_a_complaint_would_be_heard(tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<script src='https://cdn.example/a.js'></script><script>nothing.there()</script>"
    )
    _, said = browse(bad, tmp_path)
    assert len(said) == 2
    assert "nothing is not defined" in said[0]
    assert said[1] == "cdn.example"


def test_the_clusters_are_in_view(page, tmp_path):
    script = "const b = map.getBounds(); return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth(), map.getZoom()];"
    west, south, east, north = tb.read_layer(tb.load_region(), "clusters").total_bounds
    for size in ((1400, 900), (500, 844)):
        (w, s, e, n, zoom), _ = asked(page, tmp_path, script, size=size)
        assert w < west < east < e
        assert s < south < north < n
        assert zoom > 7


def test_layers_switch_and_the_legend_follows(page, tmp_path):
    script = (
        SWITCH
        + """
      const shown = () => [...document.querySelectorAll('.tb-entry:not([hidden]) span:last-child')].map((e) => e.textContent);
      const before = shown();
      toggle('from Inje University'); toggle('Corridor');
      return [before, shown(), document.querySelectorAll('.leaflet-tb-bands-0-pane path').length];
    """
    )
    (before, after, left), said = asked(page, tmp_path, script)
    assert {"within 30 minutes", "cut off where the roads end", "Cluster"} <= set(before)
    assert not {text for text in after if text.startswith("within") or "Highway 6" in text}
    assert "Cluster" in after
    assert left == 0
    assert said == []


def test_groups_have_headings_that_survive_a_change(page, tmp_path):
    script = (
        SWITCH
        + """
      const heads = () => [...document.querySelectorAll('.leaflet-control-layers h2')].map((e) => e.textContent);
      const before = heads(); toggle('Hubs'); L.featureGroup().addTo(map); return [before, heads()];
    """
    )
    (before, after), _ = asked(page, tmp_path, script)
    assert before == after == ["The plan", "Places", "Drive time", "Claims", "The paper"]


def test_discs_are_hatched_with_a_pattern_that_the_page_has(page, tmp_path):
    script = """
      const paths = [...document.querySelectorAll('.leaflet-tb-outlines-pane path')];
      const hatched = paths.filter((path) => path.getAttribute('fill') === 'url(#tb-hatch)');
      const box = document.getElementById('tb-hatch').ownerSVGElement.getBoundingClientRect();
      return [paths.length, hatched.length, hatched.every((path) => path.getAttribute('stroke-dasharray')), box.width];
    """
    outlines = tb.read_layer(tb.load_region(), "outlines")
    answer, said = asked(page, tmp_path, script)
    assert answer == [len(outlines), (outlines["outline"] == "disc").sum(), True, 0]
    assert said == []


def test_core_and_fringe_lie_below_the_zones_and_go_with_their_legend(page, tmp_path):
    script = (
        SWITCH
        + """
      const fills = () => [...document.querySelectorAll('.leaflet-tb-firm-pane path')].map((p) => p.getAttribute('fill'));
      const told = () => [...document.querySelectorAll('.tb-entry:not([hidden]) span:last-child')].map((e) => e.textContent).filter((t) => t.startsWith("Zone's"));
      const level = (pane) => +map.getPane(pane).style.zIndex;
      const before = [fills(), told()], below = level('tb-firm') < level('tb-zones');
      const there = document.getElementById('tb-fringe')?.tagName;
      toggle('Core and fringe of zones');
      return [before, below, there, fills(), told()];
    """
    )
    ((fills, told), below, there, left, untold), said = asked(page, tmp_path, script)
    assert fills == [load_style()["robustness"]["core"]] * 3 + ["url(#tb-fringe)"] * 3
    assert told == ["Zone's core, in 90% of draws", "Zone's fringe, in some draws"]
    assert (below, there, left, untold) == (True, "pattern", [], [])
    assert said == []


def test_the_paper_s_layers_come_when_they_are_asked_for_and_the_legend_with_them(page, tmp_path):
    script = (
        SWITCH
        + """
      const shown = () => [...document.querySelectorAll('.tb-entry:not([hidden]) span:last-child')].map((e) => e.textContent);
      const areas = () => document.querySelectorAll('.leaflet-tb-paper-pane path').length;
      const before = [areas(), shown().filter((text) => text.includes('footwear') || text.includes('to 4%'))];
      ['Growth poles', 'Local plans', 'Producer services', 'Mechanical industry'].forEach(toggle);
      return [before, areas(), document.querySelectorAll('.tb-pole').length, shown()];
    """
    )
    (before, areas, poles, legend), said = asked(page, tmp_path, script)
    assert before == [0, []]
    assert areas == 3 + 4 + 1
    assert poles == 6
    assert {"Busan: footwear", "2 to 4%", "Growth pole (1960s, 70s)", "Mechanical industry"} <= set(legend)  # fmt: skip
    assert said == []


def test_trips_are_drawn_on_choice_tell_their_minutes_and_a_place_lights_up_its_own(page, tmp_path):
    script = (
        SWITCH
        + """
      const lines = () => [...document.querySelectorAll('.leaflet-tb-pairs-pane path')];
      const before = lines().length;
      toggle('Trips by margin');
      const looks = lines().slice(1, 4).map((path) => [path.getAttribute('stroke'), path.getAttribute('stroke-dasharray')]);
      const worst = Object.values(map._layers).find((layer) => layer._path === lines()[5]);
      worst.openTooltip(); await wait(100);
      const tip = document.querySelector('.tb-trip').innerText;
      let hub = null;
      map.eachLayer((layer) => { if ((layer.feature?.properties.tip || '').includes('Hub of Gimhae')) hub = layer; });
      hub.openPopup(); await wait(300);
      const lit = () => lines().slice(1, 4).map((path) => Number(path.getAttribute('stroke-opacity')));
      const some = lit(); map.closePopup(); await wait(300);
      const all = lit(); toggle('Trips by margin'); hub.openPopup(); map.closePopup(); await wait(300);
      return [before, looks, tip, some, all, lines().length];
    """
    )
    (before, looks, tip, some, all_, after), said = asked(page, tmp_path, script)
    colours = load_style()["margins"]
    assert (before, after) == (0, 0)
    assert looks == [
        [colours["colours"][5], None],
        [colours["colours"][1], None],
        [colours["unreachable"], "6 5"],
    ]
    west, centre, east = (f"Hub {hub}" for hub in reversed(tb.load_region().hubs))
    assert tip.splitlines() == [
        f"{west} to {east}",
        "There: 95 min, 5 over, within the limit in 37 % of draws",
        "Back: 97 min, 7 over, within the limit in 20 % of draws",
    ]
    assert centre not in tip
    assert some == [0.9, 0.9, 0.1]
    assert all_ == [0.9, 0.9, 0.9]
    assert said == []


def test_the_table_of_a_popup_fits_on_a_phone(page, tmp_path):
    script = (
        SWITCH
        + """
      toggle('Mechanical industry');
      let found = null;
      map.eachLayer((layer) => { if ((layer.feature?.properties.pop || '').includes('Firms')) found = layer; });
      found.openPopup(); await wait(300);
      const popup = document.querySelector('.leaflet-popup-content');
      return [popup.querySelectorAll('tr').length, popup.scrollWidth <= popup.clientWidth];
    """
    )
    (rows, fits), said = asked(page, tmp_path, script, size=(500, 844))
    assert (rows, fits) == (8, True)
    assert said == []


def test_a_marker_opens_the_facts_and_a_nasty_name_is_only_text(page, tmp_path):
    script = """
      let found = null;
      map.eachLayer((layer) => { if ((layer.feature?.properties.tip || '').includes('alert(1)')) found = layer; });
      found.openPopup(); await wait(300);
      const popup = document.querySelector('.leaflet-popup-content');
      return [popup.textContent, popup.querySelectorAll('script').length];
    """
    (text, scripts), said = asked(page, tmp_path, script)
    assert "<script>alert(1)</script>{{ 7 * 7 }}" in text
    assert "National industrial complex" in text
    assert "Licence" in text
    assert scripts == 0
    assert said == []


def test_markers_and_popups_of_ones_own_work_without_internet(tmp_path):
    region = tb.load_region()
    map_ = web_map(region, {"clusters": tb.read_layer(region, "clusters")})
    folium.Marker([35.2, 128.6], popup="<b>My plant</b>", tooltip="Mine").add_to(map_)
    mine = write_map(map_, tmp_path / "mine.html")
    script = """
      const icon = document.querySelector('img.leaflet-marker-icon'); icon.click(); await wait(300);
      return [icon.src.slice(0, 22), document.querySelector('.leaflet-popup-content b').textContent];
    """
    answer, said = asked(mine, tmp_path, script)
    assert answer == ["data:image/png;base64,", "My plant"]
    assert said == []


def test_tiles_are_asked_for_only_on_choice(page, tmp_path):
    script = (
        SWITCH
        + "toggle('OpenStreetMap (needs internet)'); await wait(500); return document.querySelectorAll('img.leaflet-tile').length;"
    )
    tiles, said = asked(page, tmp_path, script)
    assert tiles > 0
    assert said == ["tile.openstreetmap.org"]


def test_on_a_phone_the_panels_are_folded_and_nothing_sticks_out(page, tmp_path):
    frame = tmp_path / "phone.html"
    # Chromium's windows are never narrower than 500 pixels; a frame is.
    frame.write_text(
        f'<iframe id="f" src="{page.as_uri()}" style="width:390px;height:844px;border:0"></iframe><script>'
        "f.onload = () => { const d = f.contentDocument; const box = (s) => d.querySelector(s).getBoundingClientRect();"
        "const out = ['#tb-card', '#tb-legend', '.leaflet-control-layers', '.leaflet-control-attribution'].map(box);"
        "const p = document.createElement('pre'); p.id = 'answer'; p.textContent = JSON.stringify({"
        "open: d.querySelectorAll('.tb-panel[open], .tb-verdicts[open], .leaflet-control-layers-expanded').length,"
        "names: [...d.querySelectorAll('.tb-cluster span')].map((e) => e.getBoundingClientRect()).map((b) => [b.left, b.right]),"
        "boxes: out.map((b) => [b.left, b.top, b.right, b.bottom]), wide: d.documentElement.scrollWidth});"
        "document.body.append(p); };</script>"
    )
    dom, said = browse(frame, tmp_path, size=(600, 900))
    found = json.loads(re.search(r'<pre id="answer">(.*?)</pre>', dom).group(1))
    assert said == []
    assert found["open"] == 0
    assert found["wide"] == 390
    assert found["names"]
    assert all(left >= 0 and right <= 390 for left, right in found["names"])
    assert all(
        left >= 0 and right <= 390 and bottom <= 844 for left, _, right, bottom in found["boxes"]
    )
    boxes = [shapely.box(*box) for box in found["boxes"]]
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_the_panels_leave_each_other_room_on_a_small_laptop(page, tmp_path):
    script = """
      return ['#tb-card', '#tb-legend', '.leaflet-control-layers', '.leaflet-control-zoom'].map((s) => {
        const b = document.querySelector(s).getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; });
    """
    found, _ = asked(page, tmp_path, script, size=(1280, 640))
    boxes = [shapely.box(*box) for box in found]
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])
