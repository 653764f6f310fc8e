"""Downloading from Overpass: a server on this machine answers as Overpass does, and as it fails."""

from __future__ import annotations

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import geopandas as gpd
import osmnx
import pytest

from technobelt.cli import main
from technobelt.errors import NetworkError, OutputError
from technobelt.network import load_network
from technobelt.network.area import area_of_box
from technobelt.network.download import Waits, area_of_place, download_network

STATUS = (
    "Connected as: 1\nCurrent time: 2024-01-01T00:00:00Z\nAnnounced endpoint: none\n"
    "Rate limit: 2\n2 slots available now.\n"
)
#: Two streets that cross at node 2, a kilometre or so each way; a bollard on the southern arm.
ROADS = {
    "osm3s": {"timestamp_osm_base": "2024-05-06T07:08:09Z"},
    "elements": [
        {"type": "node", "id": 1, "lat": 35.20, "lon": 128.60},
        {"type": "node", "id": 2, "lat": 35.20, "lon": 128.61},
        {"type": "node", "id": 3, "lat": 35.20, "lon": 128.62},
        {"type": "node", "id": 4, "lat": 35.21, "lon": 128.61},
        {"type": "node", "id": 5, "lat": 35.19, "lon": 128.61, "tags": {"barrier": "bollard"}},
        {"type": "node", "id": 6, "lat": 35.18, "lon": 128.61},
        {
            "type": "way",
            "id": 10,
            "nodes": [1, 2, 3],
            "tags": {"highway": "primary", "maxspeed": "KR:urban", "name": "한길"},
        },
        {"type": "way", "id": 11, "nodes": [4, 2, 5, 6], "tags": {"highway": "residential"}},
        {
            "type": "way",
            "id": 12,
            "nodes": [1, 4],
            "tags": {"highway": "service", "access": "private"},
        },
    ],
}
BOX = area_of_box(128.59, 35.17, 128.63, 35.22)


class Overpass(BaseHTTPRequestHandler):
    """Answers what `server.answers` holds, one after the other, the last for ever."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.startswith("/search"):
            return self._send(200, self.server.places)
        self.server.asked_status += 1
        return self._send(self.server.status[0], self.server.status[1], "text/plain")

    def do_POST(self):
        self.server.questions.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        answers = self.server.answers
        status, body, *headers = answers.pop(0) if len(answers) > 1 else answers[0]
        if status == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(body.encode()[:50])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        return self._send(status, body, *headers)

    def _send(self, status, body, kind="application/json", more=None):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def overpass(tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Overpass)
    server.answers, server.questions, server.status = [(200, ROADS)], [], (200, STATUS)
    server.asked_status, server.places = 0, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    slept = []
    made = SimpleNamespace(
        server=server,
        url=f"http://127.0.0.1:{server.server_port}/api",
        slept=slept,
        cache=tmp_path / "cache",
        waits=Waits(tries=3, first_s=7, longest_s=100, timeout_s=5, sleep=slept.append),
    )
    made.get = lambda **more: download_network(
        BOX, **{"cache": made.cache, "endpoint": made.url, "waits": made.waits} | more
    )
    yield made
    server.shutdown()
    server.server_close()


def answers_kept(overpass):
    return sorted(p.name for p in overpass.cache.rglob("*.json"))


# --- what comes --------------------------------------------------------------------------------


def test_roads_come_with_the_date_of_the_servers_data(overpass):
    network = overpass.get()
    assert network.info.date == "2024-05-06"
    assert "OpenStreetMap" in network.info.licence
    assert set(network.roads["class"]) == {"primary", "residential"}
    assert network.roads["limit_kph"].max() == 50
    assert network.info.report["ways_closed_to_cars"] == 1
    assert network.info.report["barriers"][0] == 1


def test_the_edge_of_the_network_is_that_of_the_area_asked_for(overpass):
    network = overpass.get()
    edge = gpd.GeoSeries.from_wkt([network.info.extent], crs=network.crs).to_crs(4326).iloc[0]
    assert edge.symmetric_difference(BOX).area < 0.02 * BOX.area


def test_only_roads_for_cars_are_asked_for(overpass):
    overpass.get(classes=["motorway", "primary"])
    (question,) = overpass.server.questions
    assert "motorway%7Cprimary" in question
    assert "footway" not in question


def test_the_same_question_is_asked_once_and_the_day_is_kept(overpass):
    first, second = overpass.get(), overpass.get()
    assert len(overpass.server.questions) == 1
    assert first.key == second.key
    on, where = second.info.report["downloaded"]
    assert on == datetime.now(UTC).date().isoformat()
    assert where == overpass.url


def test_another_area_or_other_classes_are_another_question(overpass):
    overpass.get()
    overpass.get(classes=["primary"])
    assert len(overpass.server.questions) == 2


def test_refreshing_asks_again_and_keeps_the_old_answer_until_the_new_one_is_there(overpass):
    overpass.get()
    overpass.server.answers = [(400, "<html>no</html>", "text/html")]
    with pytest.raises(NetworkError):
        overpass.get(refresh=True)
    assert overpass.get().info.date == "2024-05-06"
    overpass.server.answers = [(200, ROADS | {"osm3s": {"timestamp_osm_base": "2025-01-01"}})]
    assert overpass.get(refresh=True).info.date == "2025-01-01"
    assert overpass.get().info.date == "2025-01-01"


def test_settings_of_osmnx_and_name_lookups_are_as_before(overpass):
    def state():
        names = [name for name in dir(osmnx.settings) if not name.startswith("_")]
        return {name: getattr(osmnx.settings, name) for name in names}, socket.getaddrinfo

    before = state()
    overpass.get()
    assert state() == before


def test_a_server_without_a_status_page_is_not_waited_for(overpass):
    overpass.server.status = (404, "nothing here")
    overpass.get()
    assert overpass.server.asked_status == 1


# --- a busy server -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 504])
def test_a_busy_server_is_waited_for_as_long_as_it_says(overpass, status):
    busy = (status, "<html>busy</html>", "text/html", {"Retry-After": "42"})
    overpass.server.answers = [busy, (200, ROADS)]
    overpass.get()
    assert overpass.slept == [42]
    assert len(overpass.server.questions) == 2


def test_a_server_may_name_the_hour(overpass):
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)
    overpass.server.answers = [(429, "", "text/html", {"Retry-After": until}), (200, ROADS)]
    overpass.get()
    assert overpass.slept[0] == pytest.approx(50, abs=5)


def test_without_a_word_the_waits_double(overpass):
    overpass.server.answers = [(504, ""), (429, ""), (200, ROADS)]
    overpass.get()
    assert overpass.slept == [7, 14]


def test_one_that_stays_busy_is_given_up(overpass):
    overpass.server.answers = [(429, "")]
    with pytest.raises(NetworkError, match=r"stayed busy \(status 429\) for 3 tries.*--endpoint"):
        overpass.get()
    assert len(overpass.server.questions) == 3
    assert answers_kept(overpass) == []


def test_one_that_asks_for_too_long_a_wait_is_given_up_at_once(overpass):
    overpass.server.answers = [(429, "", "text/html", {"Retry-After": "86400"})]
    with pytest.raises(NetworkError, match=r"left alone for 86,400 s"):
        overpass.get()
    assert overpass.slept == []


# --- answers that are none ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_a_web_page_is_no_answer_and_its_words_are_told(overpass, status):
    overpass.server.answers = [(status, "<html><body>Go <b>away</b></body></html>", "text/html")]
    with pytest.raises(NetworkError, match=f'status {status} and a web page: "Go away"'):
        overpass.get()
    assert answers_kept(overpass) == []


def test_an_unfinished_answer_is_refused(overpass):
    overpass.server.answers = [(200, ROADS | {"remark": "runtime error: Query timed out"})]
    with pytest.raises(NetworkError, match=r"did not finish: .*timed out.*smaller"):
        overpass.get()
    assert answers_kept(overpass) == []


def test_an_answer_without_roads_is_refused_and_not_kept(overpass):
    overpass.server.answers = [(200, {"elements": []})]
    with pytest.raises(NetworkError, match=r"sent nothing that can be used"):
        overpass.get()
    assert answers_kept(overpass) == []


def test_a_download_that_breaks_off_is_tried_again(overpass):
    whole = json.dumps(ROADS)
    overpass.server.answers = [("cut", whole), (200, ROADS)]
    assert overpass.get().info.date == "2024-05-06"
    assert overpass.slept == [7]


def test_one_that_always_breaks_off_leaves_nothing(overpass):
    overpass.server.answers = [("cut", json.dumps(ROADS))]
    with pytest.raises(NetworkError, match="breaks off"):
        overpass.get()
    assert answers_kept(overpass) == []


def test_a_server_that_is_not_there_is_named_in_words_for_people(overpass, caplog):
    with pytest.raises(NetworkError, match=r"http://127\.0\.0\.1:9/api cannot be reached, 3 times"):
        overpass.get(endpoint="http://127.0.0.1:9/api")
    assert caplog.messages[-2:] == [
        f"http://127.0.0.1:9/api cannot be reached: trying again in {pause} s" for pause in (7, 14)
    ]


def test_an_answer_that_was_half_written_is_asked_for_again(overpass):
    overpass.get()
    (note,) = overpass.cache.rglob("download.json")
    note.unlink()
    (answer,) = overpass.cache.rglob("*.json")
    answer.write_bytes(answer.read_bytes()[:100])
    assert overpass.get().info.date == "2024-05-06"
    assert len(overpass.server.questions) == 2


def test_answers_that_cannot_be_kept_are_an_error(overpass, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be kept"):
        overpass.get(cache=tmp_path / "file")


# --- areas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "box", [(129, 35, 128, 36), (128, 36, 129, 35), (179, 0, -179, 1), (0, 80, 1, 89), (0, 0, 0, 0)]
)
def test_what_is_no_box_is_refused(box):
    with pytest.raises(NetworkError, match="no box"):
        area_of_box(*box)


def test_a_continent_is_not_asked_for(overpass):
    with pytest.raises(NetworkError, match="more than one should ask"):
        download_network(area_of_box(0, 0, 30, 30), cache=overpass.cache, endpoint=overpass.url)
    assert overpass.server.questions == []


def test_a_place_is_looked_up(overpass, monkeypatch):
    ring = [[128.5, 35.1], [128.7, 35.1], [128.7, 35.3], [128.5, 35.1]]
    overpass.server.places = [
        {
            "lat": "35.2",
            "lon": "128.6",
            "boundingbox": ["35.1", "35.3", "128.5", "128.7"],
            "geojson": {"type": "Polygon", "coordinates": [ring]},
            "display_name": "Changwon",
            "importance": 0.5,
        }
    ]
    monkeypatch.setattr(osmnx.settings, "nominatim_url", overpass.url.removesuffix("/api"))
    area = area_of_place("Changwon", cache=overpass.cache, waits=overpass.waits)
    assert area.bounds == pytest.approx((128.5, 35.1, 128.7, 35.3))


def test_a_place_that_nobody_knows_is_an_error(overpass, monkeypatch):
    monkeypatch.setattr(osmnx.settings, "nominatim_url", overpass.url.removesuffix("/api"))
    with pytest.raises(NetworkError, match="Atlantis"):
        area_of_place("Atlantis", cache=overpass.cache, waits=overpass.waits)


# --- the command -------------------------------------------------------------------------------


def test_the_command_writes_a_network_and_says_what_it_is(overpass, tmp_path, capsys):
    out = tmp_path / "roads.parquet"
    told = ("--cache", str(overpass.cache), "--endpoint", overpass.url, "--country", "kr")
    with pytest.raises(SystemExit) as done:
        main(
            ["network", "download", "--bbox", "128.59,35.17,128.63,35.22", "--out", str(out), *told]
        )
    assert not done.value.code
    said = capsys.readouterr().out
    assert f"downloaded on {datetime.now(UTC).date()} from {overpass.url}" in said
    assert load_network(out).info.date == "2024-05-06"


def test_the_command_asks_for_the_surroundings_of_a_region(overpass, tmp_path):
    out = tmp_path / "roads.parquet"
    told = ("--cache", str(overpass.cache), "--endpoint", overpass.url, "--buffer-km", "1")
    with pytest.raises(SystemExit) as done:
        main(["network", "download", "built-in", "--out", str(out), *told])
    assert not done.value.code
    assert load_network(out).crs == "EPSG:5179"
    assert len(overpass.server.questions) >= 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--bbox", "1,2,3"], 2),
        (["--bbox", "1,2,3,4", "--place", "X"], 2),
        (["--bbox", "5,2,3,4"], 1),
    ],
)
def test_the_command_refuses_what_is_no_area(tmp_path, options, code):
    with pytest.raises(SystemExit) as done:
        main(["network", "download", "--out", str(tmp_path / "r.parquet"), *options])
    assert done.value.code == code
