"""What a reader does with the web map, in a real browser: search, dates, links, keyboard."""

from __future__ import annotations

import re
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import technobelt as tb
from technobelt.style import load_style
from technobelt.webmap import MapDate, web_map, write_map
from web_browser import CHROMIUM, SWITCH, asked, browse

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

HOSTILE = {
    "NIC01": '<script>alert(1)</script><img src=x onerror="alert(2)">{{ 7 * 7 }}',
    "UNI02": "\"quoted\" & 'so' 😀 a/b\\c\nsecond line",
    "RES01": "Long " + "x" * 300,
}
#: An id that would break out of an attribute, a script or a hash if anything let it.
NASTY_ID = "a/b&at=\"'<b>%41#😀\n{{1}}"

TOOLS = (
    SWITCH
    + """
const $1 = (selector) => document.querySelector(selector);
const input = $1('#tb-search input');
const press = (key, target = document.activeElement) =>
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
const type = (text) => { input.focus(); input.value = text; input.dispatchEvent(new Event('input', { bubbles: true })); };
const finds = () => [...document.querySelectorAll('#tb-finds li')].map((li) => li.querySelector('b').textContent);
const opened = () => $1('.leaflet-popup-content')?.textContent ?? null;
const on = (name) => [...document.querySelectorAll('.leaflet-control-layers label')]
  .find((label) => label.textContent.trim() === name).querySelector('input').checked;
"""
)


def use(page, tmp_path, script, **options):
    answer, said = asked(page, tmp_path, TOOLS + script, **options)
    assert said == []
    return answer


def bands(hub, crs, metres):
    rows = [
        {"origin_id": id_, "minutes": m, "truncated": 0.0, "geometry": shapely.MultiPolygon([point.buffer(m * metres)])}
        for m in (30, 60) for id_, point in hub.geometry.items()
    ]  # fmt: skip
    return gpd.GeoDataFrame(rows, crs=crs)


def trip(hub, minutes):
    """One pair there and back, the way there known: along three corners."""
    west, east = hub.index[-1], hub.index[0]
    ends = hub.geometry.to_crs(4326)
    a, b = ends[west], ends[east]
    way = shapely.LineString([a, (a.x, 35.0), (b.x, 35.0), b])
    rows = [(west, east, minutes, "ok", way), (east, west, minutes + 1, "ok", None)]
    table = pd.DataFrame(rows, columns=["from_id", "to_id", "time_min", "status", "geometry"])
    table = table.assign(
        margin_min=90 - table["time_min"], from_name=table["from_id"], to_name=table["to_id"]
    )
    return gpd.GeoDataFrame(table, crs=4326)


def verdicts(date, minutes):
    claim = {"statement": "Within 90 minutes.", "limit_min": 90, "observed_min": minutes}
    return {"as_of": date, "claims": [claim | {"verdict": "fails" if minutes > 90 else "holds"}]}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    region = tb.load_region()
    names = ["clusters", "municipalities", "complexes", "universities", "centres", "corridor",
             "interchanges", "growth_poles"]  # fmt: skip
    layers = {name: tb.read_layer(region, name) for name in names}
    for name in ("complexes", "universities", "centres"):
        layers[name]["name"] = layers[name]["name"].where(
            ~layers[name].index.isin(list(HOSTILE)), layers[name].index.map(HOSTILE.get)
        )
    layers["centres"].loc["RES04", "id"] = NASTY_ID
    hub = tb.facilities(region).loc[region.hubs].to_crs(region.crs)
    roads = gpd.GeoDataFrame(
        {"class": ["motorway", "trunk"], "opened": ["2001-11-08", None]},
        geometry=[shapely.LineString([(128.2, y), (129, y)]) for y in (35.2, 35.3)],
        crs=4326,
    )
    early = MapDate(
        "1999",
        merged=bands(hub, region.crs, 100),
        pairs=trip(hub, 104.0),
        verdicts=verdicts("1999", 104.0),
    )
    map_ = web_map(
        region,
        layers,
        roads=roads,
        merged=bands(hub, region.crs, 300),
        pairs=trip(hub, 84.0),
        verdicts=verdicts("2021-08", 84.0),
        other_dates=[early],
    )
    return write_map(map_, tmp_path_factory.mktemp("map") / "map.html")


# --- search --------------------------------------------------------------------------------------


def test_a_place_is_found_by_its_name_the_old_spelling_and_the_korean_one(page, tmp_path):
    script = """
      const found = {};
      for (const text of ['Jinju', 'Chinju', 'CH IN-JU', 'Chinjŭ', '진주', '지ㄴ', '창원', '김해', 'Kimhae', 'Masan', 'Sachun', 'uni04', 'nowhere at all'])
        { type(text); found[text] = finds(); }
      return [found, $1('#tb-search p').textContent];
    """
    found, told = use(page, tmp_path, script)
    for text in ("Jinju", "Chinju", "CH IN-JU", "Chinjŭ", "진주"):
        assert found[text][0] == "Jinju-si"
        assert "Jinju/Sacheon" in found[text]
        assert "Gyeongsang National University, Gajwa campus" in found[text]  # by where it lies
    assert "Jinju-si" in found["지ㄴ"]  # a syllable half typed
    assert "Changwon Uichang-gu" in found["창원"]
    assert found["김해"][0] == found["Kimhae"][0] == "Gimhae-si"
    assert "Changwon Masanhappo-gu" in found["Masan"]
    assert "Sacheon-si" in found["Sachun"]
    assert found["uni04"] == ["Inje University, Gimhae campus"]
    assert (found["nowhere at all"], told) == ([], "Nothing of this name")


def test_several_words_are_found_apart_in_names_towns_kinds_and_routes(page, tmp_path):
    script = """
      const found = {};
      for (const text of ['Changwon University', 'Pusan University', 'Inje Gimhae', 'Gyeongsang Univ', 'Changwon Complex',
                          'Haman IC', 'Yangsan IC', 'Interchange Sacheon', '10', 'route 104', 'Jinju nowhere', ' - '])
        { type(text); found[text] = finds(); }
      type('Masan University'); const whole = finds();
      type('10'); return [found, whole, [...document.querySelectorAll('#tb-finds small')].map((e) => e.textContent)];
    """
    found, whole, routes = use(page, tmp_path, script)
    first = {
        "Changwon University": HOSTILE["UNI02"],  # by its name of 1999
        "Inje Gimhae": "Inje University, Gimhae campus",
        "Gyeongsang Univ": "Gyeongsang National University, Gajwa campus",
        "Changwon Complex": HOSTILE["NIC01"],
        "Haman IC": "Haman",
        "Yangsan IC": "Yangsan",
    }
    assert {text: found[text][0] for text in first} == first
    assert {name.split(" National")[0] for name in found["Pusan University"][:2]} == {"Pusan"}
    assert found["Interchange Sacheon"][0] == "Sacheon"
    assert all("route 10" in said for said in routes)
    assert "route 10 " in routes[0] + " "  # the bare number before 102 and 104
    assert len(found["route 104"]) >= 2
    assert found["Jinju nowhere"] == found[" - "] == []
    assert whole == ["Masan University (junior college)"]  # what fits as a whole needs no parts


def test_a_find_is_chosen_by_arrows_and_enter_and_its_layer_switched_on(page, tmp_path):
    script = """
      toggle('Innovation centres');
      document.body.focus(); press('/', document.body);
      const focused = document.activeElement === input;
      type('Korea Aerospace'); const many = finds().length;
      const state = () => [input.getAttribute('aria-expanded'), input.getAttribute('aria-activedescendant'), $1('#tb-finds').hidden];
      const before = state();
      press('ArrowDown'); press('ArrowUp'); press('Enter'); await wait(600);
      const { lat, lng } = map.getCenter();
      return [focused, many, before, state(), on('Innovation centres'), opened(), map.getZoom(),
        $1('.tb-popup details[open]').dataset.at, document.activeElement.className, lat, lng];
    """
    focused, many, before, after, on, opened, zoom, fold, active, lat, lon = use(
        page, tmp_path, script
    )
    assert focused
    assert many >= 1
    assert before == ["true", "tb-option-0", False]
    assert after[0] == "false"
    assert after[2]
    assert on
    assert "Korea Aerospace Industries" in opened
    assert (zoom, fold, active) == (12, "RES03", "leaflet-popup-content")
    assert (lat, lon) == pytest.approx((35.07, 128.06), abs=0.1)


def test_escape_closes_the_list_and_then_empties_the_box(page, tmp_path):
    script = """
      type('Jinju'); press('Escape'); const closed = [$1('#tb-finds').hidden, input.value];
      press('Escape'); return [closed, input.value, opened()];
    """
    assert use(page, tmp_path, script) == [[True, "Jinju"], "", None]


def test_a_municipality_has_a_popup_though_it_has_no_marker(page, tmp_path):
    script = "type('Geoje'); press('Enter'); await wait(500); return [opened(), location.hash];"
    said, link = use(page, tmp_path, script)
    assert "in 1999: Koje-si" in said
    assert "at=municipality%3A38090" in link


def test_hostile_names_stay_text_wherever_they_come(page, tmp_path):
    script = """
      const out = [];
      for (const id of ['NIC01', 'UNI02', 'RES01']) {
        type(id); const item = $1('#tb-finds li');
        const said = item.querySelector('b').textContent;
        press('Enter'); await wait(400);
        const folds = [...document.querySelectorAll('.tb-popup h3, .tb-popup summary')].map((e) => e.textContent.trim());
        const labels = [...document.querySelectorAll('[aria-label]')].map((e) => e.getAttribute('aria-label'));
        out.push([said, folds, labels.some((label) => label.includes(said.slice(0, 20))), item.children.length]);
      }
      const wide = document.documentElement.scrollWidth;
      return [out, document.querySelectorAll('#tb-search script, #tb-search img, .tb-popup script, .tb-popup img').length, wide];
    """
    (out, made, wide), name_of = use(page, tmp_path, script), list(HOSTILE.values())
    for (said, folds, labelled, _), name in zip(out, name_of, strict=True):
        assert said == name
        assert any(name in fold for fold in folds)
        assert labelled
    assert made == 0
    assert wide == 1400


def test_a_hostile_id_goes_through_the_address_and_back(page, tmp_path):
    script = "await wait(900); return [opened(), location.hash, document.querySelectorAll('.tb-popup details[open]').length];"
    said, link, _ = use(page, tmp_path, script, hash_=f"#12/35.17/128.14&at={quote(NASTY_ID)}")
    assert "Korea Testing Laboratory" in said
    assert f"&at={quote(NASTY_ID, safe='')}".replace("%27", "'") in link


# --- dates ---------------------------------------------------------------------------------------


def test_another_date_brings_its_bands_trips_and_verdicts_under_the_same_entries(page, tmp_path):
    script = """
      const width = () => $1('.leaflet-tb-bands-all-pane path').getBBox().width;
      const told = () => $1('.tb-dated:not([hidden])').textContent;
      const tip = async () => {
        let hit; map.eachLayer((layer) => { if (layer._path && layer.options.pane === 'tb-pairs' && layer.getPopup?.()) hit = layer; });
        hit.openPopup(); await wait(100); const said = opened(); map.closePopup(); return said;
      };
      toggle('Trips by margin');
      const names = () => [...document.querySelectorAll('.leaflet-control-layers label')].map((e) => e.textContent.trim());
      const before = [width(), told(), await tip(), names()];
      const radios = [...document.querySelectorAll('#tb-dates input')].map((e) => [e.value, e.checked]);
      $1('#tb-dates input[value="1999"]').click(); await wait(300);
      const after = [width(), told(), await tip(), names()];
      const link = location.hash;
      $1('#tb-dates input[value="2021-08"]').click(); await wait(400);
      return [before, radios, after, link, [width(), told(), await tip()], location.hash];
    """
    before, radios, after, link, back, without = use(page, tmp_path, script)
    assert radios == [["1999", False], ["2021-08", True]]
    assert after[0] == pytest.approx(before[0] / 3, rel=0.3)
    assert "84 minutes" in before[1]
    assert "104 minutes" in after[1]
    assert "There: 84 min, 6 to spare" in before[2]
    assert "There: 104 min, 14 over" in after[2]
    assert "Roads of 1999" in after[2]
    assert after[3] == before[3]
    assert "date=1999" in link
    assert "date=" not in without
    assert back == before[:3]


def test_what_opened_later_fades_and_its_roads_are_not_there(page, tmp_path):
    script = """
      const shut = (pane) => [...document.querySelectorAll(`.leaflet-tb-${pane}-pane .tb-shut`)];
      const count = () => ['dots', 'corridor', 'roads'].map((pane) => shut(pane).length);
      const before = count();
      $1('#tb-dates input[value="1999"]').click(); await wait(100);
      const then = count(), hidden = getComputedStyle(shut('roads')[0]).visibility;
      toggle('Interchanges'); toggle('Interchanges'); return [before, then, hidden, count()];
    """
    before, then, hidden, again = use(page, tmp_path, script)
    assert before[1:] == [0, 0]
    assert before[0] <= 1  # that which opened after the roads of the map
    assert then[0] > 10
    assert then[1] >= 2
    assert then[2] == 1
    assert hidden == "hidden"
    assert again == then


def test_dates_that_hold_frames_can_be_asked_whether_they_are_the_same():
    frame = pd.DataFrame({"a": [1, 2]})
    one, other = (MapDate("1999", pairs=frame.copy()) for _ in range(2))
    assert one == one  # noqa: PLR0124
    assert one != other
    assert len({one, other}) == 2


def test_where_a_date_has_none_of_a_layer_the_legend_does_not_explain_it(tmp_path):
    region = tb.load_region()
    line = shapely.LineString([(128.2, 35.2), (129.0, 35.3)])
    rows = {"from_name": ["A"], "to_name": ["B"], "time_min": [104.0], "length_km": [80.0]}
    routes = gpd.GeoDataFrame(rows, geometry=[line], crs=4326)
    layers = {"clusters": tb.read_layer(region, "clusters")}
    dates = [MapDate("1999"), MapDate("2001", routes=routes.assign(time_min=99.0))]
    told = {"verdicts": {"as_of": "2021-08"}, "routes": routes, "other_dates": dates}
    dated = write_map(web_map(region, layers, **told), tmp_path / "map.html")
    script = """
      const seen = () => [document.querySelectorAll('.leaflet-tb-routes-pane path').length,
        [...document.querySelectorAll('.tb-entry:not([hidden])')].filter((e) => e.textContent.includes('counterexample')).length];
      const out = {none: seen()}; toggle('Counterexamples');
      for (const date of ['1999', '2001', '2021-08']) { $1(`#tb-dates input[value="${date}"]`).click(); await wait(50); out[date] = seen(); }
      return out;
    """
    shown = use(dated, tmp_path, script)
    assert shown == {"none": [0, 0], "1999": [0, 0], "2001": [1, 1], "2021-08": [1, 1]}


def test_dates_that_cannot_be_told_apart_or_are_none_are_refused():
    region = tb.load_region()
    for dates in (["1999", "1999"], ["2021-08"], ["soon"]):
        with pytest.raises(tb.TechnobeltError, match=r"twice|no date"):
            web_map(
                region,
                {},
                verdicts={"as_of": "2021-08"},
                other_dates=[MapDate(date) for date in dates],
            )


def test_a_date_may_have_what_the_first_one_lacks(tmp_path):
    region = tb.load_region()
    hub = tb.facilities(region).loc[region.hubs]
    network = tb.load_network(region).as_of("1999")
    merged = tb.isochrones(network, hub, minutes=(30,), mode="merge", profile="typical")
    layers = {name: tb.read_layer(region, name) for name in ("clusters", "universities")}
    map_ = web_map(
        region,
        layers,
        verdicts={"as_of": "2021-08"},
        other_dates=[MapDate("1999", merged=merged)],
    )
    later = write_map(map_, tmp_path / "map.html")
    script = """
      const bands = () => document.querySelectorAll('.leaflet-tb-bands-all-pane path').length;
      const before = bands(); $1('#tb-dates input[value="1999"]').click(); await wait(200);
      const then = bands(), size = $1('.leaflet-tb-bands-all-pane path').getBBox();
      let found; map.eachLayer((l) => { if (l.options?.pane === 'tb-bands-all' && l.getPopup?.()) found = l; });
      const b = found.getBounds();
      return [before, then, size.width > 20, found.getPopup().getContent(), [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]];
    """
    before, then, wide, said, bounds = use(later, tmp_path, script)
    assert (before, then, wide) == (0, 1, True)
    assert "<dt>Roads of</dt><dd>1999</dd>" in said
    assert bounds == pytest.approx(merged.to_crs(4326).total_bounds, abs=0.003)


# --- ways ----------------------------------------------------------------------------------------


def test_the_trip_pointed_at_shows_the_way_driven_in_place_of_its_line(page, tmp_path):
    script = """
      toggle('Trips by margin');
      const ways = () => [...document.querySelectorAll('.leaflet-tb-ways-pane path')].map((p) => [p.getAttribute('stroke'), +p.getAttribute('stroke-width')]);
      const faint = () => +document.querySelectorAll('.leaflet-tb-pairs-pane path')[1].getAttribute('stroke-opacity');
      let hit; map.eachLayer((layer) => { if (layer._path && layer.options.pane === 'tb-pairs' && layer.getPopup?.()) hit = layer; });
      const none = [ways(), faint()];
      hit.fire('mouseover'); const over = [ways(), faint()];
      let way; map.eachLayer((layer) => { if (layer._path && layer.options.pane === 'tb-ways') way = layer; });
      const corners = way.getLatLngs()[0].map(({ lat, lng }) => [lng, lat]);
      hit.fire('mouseout'); const out = [ways(), faint()];
      hit.openPopup(); await wait(100); hit.fire('mouseover'); hit.fire('mouseout'); const kept = ways().length;
      map.closePopup(); await wait(100); const closed = ways().length;
      hit.openPopup(); await wait(100); toggle('Trips by margin');
      return [none, over, corners, out, kept, closed, ways().length,
        [...document.querySelectorAll('.tb-entry span:last-child')].map((e) => e.textContent)];
    """
    none, over, corners, out, kept, closed, off, legend = use(page, tmp_path, script)
    assert none == [[], 0.9]
    assert out == none
    colour = load_style()["margins"]["colours"][4]
    assert over[0] == [["#fff", 9], [colour, 5.5]]
    assert over[1] < 0.2
    assert len(corners) == 4
    assert corners[1][1] == corners[2][1] == 35.0
    assert (kept, closed, off) == (2, 0, 0)
    assert "way of the trip pointed at or chosen" in legend


def test_a_trip_and_what_is_left_add_up_to_the_limit(page, tmp_path):
    script = """
      const said = [73.5, 89.6, 90, 104.5].map((minutes) => {
        const lines = technobelt.pairs({ limit: 90, places: [[35, 128, 'A'], [35.1, 128.5, 'B']], looks: [{}],
          pairs: [[0, 1, 0, minutes, null]], pane: 'tb-pairs' });
        return lines.getLayers().at(-1).getPopup().getContent().split('There: ')[1];
      });
      return said;
    """
    assert use(page, tmp_path, script) == [
        "<b>74 min</b>, 16 to spare",
        "<b>89.6 min</b>, 0.4 to spare",
        "<b>90.0 min</b>, 0.0 to spare",
        "<b>105 min</b>, 15 over",
    ]


def test_the_trips_of_a_place_are_buttons_in_its_popup_that_show_the_way(page, tmp_path):
    hub = tb.load_region().hubs[-1]
    script = f"""
      toggle('Trips by margin');
      const ways = () => document.querySelectorAll('.leaflet-tb-ways-pane path').length;
      location.hash = '#11/35.2/128.5&layers=trips-by-margin,hubs,universities-and-colleges&at={hub}'; await wait(600);
      const list = $1('.tb-trips'), button = list.querySelector('button'); list.open = true;
      const said = [list.querySelector('summary').textContent, button.innerText.split('\\n')[1], button.tabIndex];
      button.focus(); const lit = ways(); button.blur(); const after = ways();
      toggle('Trips by margin'); return [said, lit, after, document.querySelectorAll('.tb-trips').length];
    """
    assert use(page, tmp_path, script) == [["1 trip", "There: 84 min, 6 to spare", 0], 2, 0, 0]


# --- links, positions, full screen ---------------------------------------------------------------


def test_a_link_brings_back_view_layers_date_and_the_place_opened(page, tmp_path):
    link = "#10.5/35.2300/128.8000&layers=clusters,universities-and-colleges,trips-by-margin&at=UNI04&date=1999"
    script = """
      await wait(600);
      const { lat, lng } = map.getCenter();
      return [map.getZoom(), lat, lng, opened(), ['Clusters', 'Corridor', 'Trips by margin'].map(on), $1('#tb-dates input:checked').value, location.hash];
    """
    zoom, lat, lon, said, on, date, back = use(page, tmp_path, script, hash_=link)
    assert (zoom, lat, lon) == pytest.approx((10.5, 35.23, 128.8), abs=0.2)
    assert "Inje University" in said
    assert on == [True, False, True]
    assert date == "1999"
    assert back.split("&")[1:] == link.split("&")[1:]


def test_the_address_follows_without_filling_the_history(page, tmp_path):
    script = """
      const before = [location.hash, history.length];
      map.setView([35.1, 128.2], 11); toggle('Hubs'); await wait(500); const moved = location.hash;
      location.hash = '#9/35/128'; await wait(500); const restored = [map.getZoom(), on('Hubs'), opened()];
      return [before, moved, history.length, restored];
    """
    before, moved, length, restored = use(page, tmp_path, script)
    assert before[0] == ""
    assert re.match(r"#11/35\.1000/128\.2000&layers=clusters,.*trips|#11/35\.1000/128\.2000&layers=", moved)  # fmt: skip
    assert "hubs" not in moved
    assert length <= before[1] + 1  # that which the reader wrote
    assert restored == [9, True, None]


def test_a_broken_link_opens_the_map_as_it_is(page, tmp_path):
    hashes = [
        "#%E0%A4%A",
        "#a/b/c&layers=%zz&at=nobody&date=1066",
        "#99999/999/9e99&at=%00",
        "#&&&==",
    ]
    for broken in hashes:
        script = "await wait(300); return [map.getZoom() > 5, opened(), on('Corridor')];"
        assert use(page, tmp_path, script, hash_=broken) == [True, None, True]


def test_a_link_without_three_numbers_gives_no_view_and_no_zoom_leads_beyond_the_map(
    page, tmp_path
):
    script = (
        "await wait(300); const { lat, lng } = map.getCenter(); return [map.getZoom(), lat, lng];"
    )
    usual = use(page, tmp_path, script)
    for hash_ in (
        "#//",
        "#9//",
        "#9/35.1",
        "#9/35.1/128.2/7",
        "#9/ /128.2",
        "#0x9/35/128",
        "#/35/128",
    ):
        assert use(page, tmp_path, script, hash_=hash_) == usual
    for hash_, zoom in (("#99/35/128", 16), ("#2/35/128", 6), ("#-3/35/128", 6)):
        assert use(page, tmp_path, script, hash_=hash_) == pytest.approx([zoom, 35, 128], abs=0.01)


def test_a_position_is_copied_as_the_command_line_takes_it(page, tmp_path):
    script = """
      let copied = null;
      Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { copied = text; } }, configurable: true });
      const at = (lat, lng) => { const p = map.latLngToContainerPoint([lat, lng]), r = map.getContainer().getBoundingClientRect(); return { clientX: r.left + p.x, clientY: r.top + p.y, bubbles: true }; };
      const centre = $1('.tb-where span').textContent;
      const move = (lat, lng) => map.getContainer().dispatchEvent(new PointerEvent('pointermove', { pointerType: 'mouse', ...at(lat, lng) }));
      move(35.3, 128.25); const pointer = $1('.tb-where span').textContent;
      map.fire('preclick', { latlng: L.latLng(35.25, 128.5) });
      move(35.4, 128.9);
      $1('.tb-where button').click(); await wait(50);
      const said = [$1('.tb-where p').textContent, $1('.tb-where button').getAttribute('aria-label')];
      const crosses = () => document.querySelectorAll('.tb-cross').length, held = [crosses()];
      map.fire('preclick', { latlng: L.latLng(35.25, 128.5) }); held.push(crosses());
      map.fire('preclick', { latlng: L.latLng(35.25, 128.5) }); held.push(crosses());
      press('Escape', document.body); held.push(crosses());
      return [centre, map.getCenter().lng.toFixed(5), pointer, copied, ...said, held];
    """
    centre, lon, pointer, copied, told, label, held = use(page, tmp_path, script)
    assert centre.split(", ")[0] == lon
    assert [float(value) for value in pointer.split(", ")] == pytest.approx(
        [128.25, 35.3], abs=0.002
    )
    assert copied == "128.50000,35.25000"
    assert told == "Copied"
    assert label == "Copy position 128.50000,35.25000"
    assert held == [1, 0, 1, 0]


def test_the_whole_screen_is_asked_for_by_a_button_that_says_its_state(page, tmp_path):
    script = """
      let asked = 0; Element.prototype.requestFullscreen = async () => { asked += 1; };
      const button = $1('.tb-full'); button.click();
      return [asked, button.getAttribute('role'), button.getAttribute('aria-label'), button.getAttribute('aria-pressed'), location.hash];
    """
    assert use(page, tmp_path, script) == [1, "button", "Full screen", "false", ""]


# --- keyboard ------------------------------------------------------------------------------------


def test_controls_come_before_markers_and_every_marker_has_a_name(page, tmp_path):
    script = """
      const stops = [...document.querySelectorAll('.leaflet-container a[href], input, button, summary, [tabindex="0"]')]
        .filter((e) => e.offsetParent !== null || e.closest('svg'));
      const kind = (e) => e.closest('.leaflet-pane') ? 'marker' : e.closest('.leaflet-control-container') ? 'control' : 'other';
      const kinds = stops.map(kind).filter((k) => k !== 'other');
      const markers = stops.filter((e) => kind(e) === 'marker');
      const dots = document.querySelectorAll('.leaflet-tb-dots-pane path');
      return [kinds.lastIndexOf('control') < kinds.indexOf('marker'), document.activeElement === document.body,
        markers.filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim())).length, markers.length,
        dots.length, [...dots].every((e) => e.getAttribute('role') === 'button' && e.tabIndex === 0), document.documentElement.lang];
    """
    first, free, nameless, markers, dots, reachable, lang = use(page, tmp_path, script)
    assert first
    assert free
    assert nameless == 0
    assert markers > dots > 20
    assert reachable
    assert lang == "en"


@pytest.mark.parametrize("marker", [".leaflet-tb-dots-pane path", ".tb-place", ".tb-hub"])
def test_a_marker_opens_by_enter_and_escape_leads_back_to_it(page, tmp_path, marker):
    script = f"""
      const marker = $1('{marker}'); marker.focus(); press('Enter'); await wait(400);
      const inside = document.activeElement.className, said = opened();
      press('Escape'); await wait(400);
      return [inside, said.length > 10, $1('.leaflet-popup-content') === null || opened() === null, document.activeElement === marker];
    """
    assert use(page, tmp_path, script) == ["leaflet-popup-content", True, True, True]


def test_who_wants_no_motion_gets_none(page, tmp_path):
    script = """
      const t = getComputedStyle($1('.leaflet-tb-dots-pane path')).transitionDuration;
      map.setZoom(11); const zoom = map.getZoom(); return [t, zoom, map._zoomAnimated];
    """
    assert use(page, tmp_path, script) == ["0s", 11, False]


# --- contrast ------------------------------------------------------------------------------------

CONTRAST = """
  const rgb = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0.8) return c; } return [255, 255, 255]; };
  const texts = [...document.querySelectorAll('.tb-panel *, .leaflet-control *, .leaflet-popup *, #tb-search *, .tb-town div, .tb-town span, .tb-cluster span, .tb-shield div')]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) && e.getClientRects().length);
  const poor = texts.map((e) => { const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(ground(e))].sort((x, y) => y - x);
    return [Math.round((a + 0.05) / (b + 0.05) * 100) / 100, e.className || e.tagName, e.textContent.slice(0, 30)]; }).filter(([ratio]) => ratio < 4.5);
  return [texts.length, poor];
"""


def test_texts_stand_out_from_their_ground(page, tmp_path):
    script = "type('Jinju'); document.querySelectorAll('details').forEach((e) => { e.open = true; });" + CONTRAST  # fmt: skip
    count, poor = use(page, tmp_path, script)
    assert count > 80
    assert poor == []


# --- speed and size ------------------------------------------------------------------------------


def test_data_that_is_not_seen_at_once_waits(page):
    text = page.read_text(encoding="utf-8")
    for key in ("tb-found", "tb-later"):
        assert f'<script type="application/json" id="{key}">' in text


def test_a_page_of_two_dates_draws_without_a_complaint(page, tmp_path):
    dom, said = browse(page, tmp_path)
    assert said == []
    assert 'data-technobelt="ready"' in dom
    assert np.isclose(dom.count('id="tb-later"'), 1)
