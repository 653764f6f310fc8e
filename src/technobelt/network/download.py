"""Download roads from Overpass, through OSMnx: politely, in whole answers, kept with their date.

OSMnx divides the area, asks, and keeps each answer in a folder; we look over its shoulder. It waits
55 seconds after every 429 or 504, without end, whatever the server asks for: `_Patience` takes its
place by a hook on each answer, which `osmnx.settings.requests_kwargs` hands to requests.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import socket
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from technobelt.errors import NetworkError, OutputError
from technobelt.network.overpass import NOTE, read_answer, read_answers
from technobelt.network.tags import OsmRules
from technobelt.network.ways import codes_of
from technobelt.schema import ROAD_CLASSES
from technobelt.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from technobelt.network.model import Network

__all__ = ["Waits", "area_of_place", "download_network"]

log = logging.getLogger(__name__)

_BUSY = (429, 504)
_LARGEST_KM2 = 400_000.0
#: Edges of an area as long as this are straight in any metric CRS to some metres, degrees.
_STRAIGHT_DEG = 0.05


@dataclass(frozen=True)
class Waits:
    """How long to wait for a busy server, and how often.

    Attributes
    ----------
    tries
        Answers 429 or 504, or broken connections, in a row after which to give up.
    first_s
        Seconds before the second try where the server names none (``Retry-After``); doubled each
        time.
    longest_s
        The longest wait; a server that asks for more is given up at once.
    timeout_s
        Seconds without a byte after which a connection counts as broken; Overpass is told the same.
    sleep
        What waits.
    """

    tries: int = 5
    first_s: float = 15.0
    longest_s: float = 300.0
    timeout_s: int = 180
    sleep: Callable[[float], None] = time.sleep


def area_of_place(place: str, *, cache: Path, waits: Waits | None = None) -> Any:
    """Return the outline that Nominatim knows of a place as an area to download.

    Raises
    ------
    NetworkError
        No such place is known, or the server does not answer.
    """
    import osmnx as ox

    patience = waits or Waits()
    _drop_broken(cache / "places", lambda file: json.loads(file.read_bytes()))
    with _settings(ox, cache / "places", patience, None):
        found = _patiently(lambda: ox.geocode_to_gdf(place), patience, f"place {place!r}", cache)
    return found.union_all()


def download_network(
    area: Any,
    *,
    cache: Path,
    classes: Iterable[str] = ROAD_CLASSES,
    crs: str | None = None,
    rules: OsmRules | None = None,
    endpoint: str | None = None,
    waits: Waits | None = None,
    refresh: bool = False,
) -> Network:
    """Download the roads of an area, or take them from an earlier download, and build a network.

    Parameters
    ----------
    area
        Polygon in degrees, from `area_of_place`, or from `area_of_box` or `area_of_region` in
        `technobelt.network.area`.
    cache
        Folder in which answers are kept, a folder for each area and set of classes; take that away
        to ask anew. A download broken off goes on where it stood.
    classes
        ``highway`` values to ask for.
    crs
        Metric CRS of the result; by default the UTM zone of its middle.
    rules
        How tags are read that leave a choice; with ferries, they are asked for, too.
    endpoint
        Address of an Overpass API, without ``/interpreter``; by default that of ``osmnx.settings``.
    waits
        How patient to be.
    refresh
        Ask anew; what was kept is replaced when everything has come.

    Returns
    -------
    Network
        Its date is that of the server's data.

    Raises
    ------
    NetworkError
        The server stays busy, answers with a web page or an error, or knows no road there.
    OutputError
        The answers cannot be kept.
    """
    from technobelt.network.build import build_network

    said, patience = rules or OsmRules(), waits or Waits()
    filters = _filters(list(codes_of(classes)), said)
    folder = cache / _key(area, filters)
    if refresh or not (folder / NOTE).is_file():
        fresh = folder.with_suffix(".new") if refresh else folder
        _download(area, filters, fresh, endpoint, patience)
        if refresh:
            shutil.rmtree(folder, ignore_errors=True)
            fresh.rename(folder)
    kept = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    log.info("roads of %s, downloaded on %s, kept in %s", kept["endpoint"], kept["on"], folder)
    made = build_network(folder, format="overpass", classes=classes, crs=crs, rules=said)
    return _named(made, kept, area)


def _named(network: Network, kept: dict[str, Any], area: Any) -> Network:
    """Say where the roads are from; their edge is the area's, of which all were asked for."""
    from dataclasses import replace

    import geopandas as gpd
    import shapely

    fine = gpd.GeoSeries([shapely.segmentize(area, _STRAIGHT_DEG)], crs=4326)
    extent = fine.to_crs(network.crs).iloc[0].wkt
    date = network.info.date or kept["on"]
    report = network.info.report | {"downloaded": [kept["on"], kept["endpoint"]]}
    said = {"file": "Overpass", "date": date, "report": report, "extent": extent}
    return replace(network, info=replace(network.info, **said))


def _filters(classes: list[str], rules: OsmRules) -> list[str]:
    roads = f'["highway"~"^({"|".join(classes)})$"]'
    return [roads, '["route"="ferry"]'] if rules.ferries else [roads]


def _key(area: Any, filters: list[str]) -> str:
    import shapely

    said = shapely.to_wkt(area, rounding_precision=6) + "\n".join(filters)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _download(
    area: Any, filters: list[str], folder: Path, endpoint: str | None, waits: Waits
) -> None:
    import osmnx as ox
    from osmnx._errors import CacheOnlyInterruptError

    _refuse_large(area)
    _drop_broken(folder, read_answer)
    with _settings(ox, folder, waits, endpoint):
        asked = ox.settings.overpass_url
        ox.settings.cache_only_mode = True  # we read the answers ourselves, with all their tags

        def fetch() -> None:
            with suppress(CacheOnlyInterruptError):  # how OSMnx says that it has everything
                ox.graph_from_polygon(area, custom_filter=filters, retain_all=True, simplify=False)

        ox.settings.overpass_rate_limit &= _tells_slots(asked, waits)
        _patiently(fetch, waits, asked, folder)
    _refuse_empty(folder, asked)
    note = {"on": datetime.now(UTC).date().isoformat(), "endpoint": asked, "filters": filters}
    with replace_file(folder / NOTE) as scratch:
        scratch.write_text(json.dumps(note, indent=2), encoding="utf-8")


def _refuse_large(area: Any) -> None:
    import pyproj

    km2 = abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(area)[0]) / 1e6
    if km2 > _LARGEST_KM2:
        raise NetworkError(
            f"{km2:,.0f} km2 is more than one should ask of Overpass. Fetch an OSM file of the "
            "country, e.g. from download.geofabrik.de, and build from that."
        )


def _drop_broken(folder: Path, read: Callable[[Path], Any]) -> None:
    """Make a folder for answers, and take away those that an interrupted run left half written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.glob("*.json"):
            try:
                read(file)
            except ValueError:
                file.unlink()
    except OSError as error:
        raise OutputError(
            f"answers cannot be kept in '{folder}' ({error.strerror}). Choose another --cache."
        ) from error


def _refuse_empty(folder: Path, asked: str) -> None:
    """Refuse answers without a road, and keep none of them."""
    try:
        read_answers(folder)
    except NetworkError as error:
        for file in folder.glob("*.json"):
            file.unlink()
        raise NetworkError(
            f"{asked} sent nothing that can be used: {error} Check the area, in degrees W,S,E,N."
        ) from error


def _tells_slots(endpoint: str, waits: Waits) -> bool:
    """Tell whether a server has the status page that OSMnx asks; without it, it waits a minute."""
    import requests

    try:
        page = requests.get(f"{endpoint.rstrip('/')}/status", timeout=waits.timeout_s)
    except requests.RequestException:
        return False
    return (
        page.ok
        and re.search(r"slots? available|currently running", page.text, re.IGNORECASE) is not None
    )


@contextmanager
def _settings(ox: Any, folder: Path, waits: Waits, endpoint: str | None) -> Iterator[None]:
    """Set OSMnx up for one download; afterwards its settings, and name lookups, are as before."""
    names = ("cache_folder", "use_cache", "cache_only_mode", "overpass_url", "requests_timeout")
    more = ("requests_kwargs", "overpass_rate_limit")
    before = {name: getattr(ox.settings, name) for name in (*names, *more)}
    lookup = socket.getaddrinfo
    ox.settings.cache_folder, ox.settings.use_cache = folder, True
    ox.settings.requests_timeout = waits.timeout_s
    if endpoint:
        ox.settings.overpass_url = endpoint.rstrip("/").removesuffix("/interpreter")
    hooks = {"response": _Patience(waits).wait}
    ox.settings.requests_kwargs = {**before["requests_kwargs"], "hooks": hooks}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(ox.settings, name, value)
        socket.getaddrinfo = lookup


class _Patience:
    """Waits for a busy server as long as it asks for, and looks at what it answers."""

    def __init__(self, waits: Waits) -> None:
        self.waits = waits

    def wait(self, response: Any, **options: Any) -> Any:
        """Return the answer, or the one that comes after a wait if the server is busy."""
        for attempt in range(1, self.waits.tries + 1):
            if response.status_code not in _BUSY:
                return _looked_at(response)
            if attempt == self.waits.tries:
                break
            pause = _pause(response, attempt, self.waits)
            log.warning(
                "%s is busy (%s): trying again in %.0f s",
                _host(response),
                response.status_code,
                pause,
            )
            self.waits.sleep(pause)
            body = response.content  # read to its end, so that the connection can be used again
            del body
            response = response.connection.send(response.request, **options)
        raise NetworkError(
            f"{_host(response)} stayed busy (status {response.status_code}) for {self.waits.tries} "
            "tries. Try later, name another --endpoint, or build from an OSM file; what has come "
            "so far is kept."
        )


def _host(response: Any) -> str:
    return str(response.url).split("?")[0].split("://")[-1].split("/")[0]


def _pause(response: Any, attempt: int, waits: Waits) -> float:
    asked = _seconds(response.headers.get("Retry-After"))
    if asked is not None and asked > waits.longest_s:
        raise NetworkError(
            f"{_host(response)} asks to be left alone for {asked:,.0f} s. Try again after that, or "
            "build from an OSM file; what has come so far is kept."
        )
    doubled = float(min(waits.first_s * 2 ** (attempt - 1), waits.longest_s))
    return doubled if asked is None else asked


def _seconds(text: str | None) -> float | None:
    """Return ``Retry-After`` in seconds: it is a number of them, or a date."""
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _looked_at(response: Any) -> Any:
    """Refuse a web page, an error or an unfinished answer; OSMnx keeps silent about the last."""
    if response.url.split("?")[0].endswith("/status"):
        return response
    text = response.text
    if not response.ok or text.lstrip()[:1] not in {"{", "["}:
        raise NetworkError(
            f"{_host(response)} answered with status {response.status_code} and "
            f"{_kind(response, text)}. Check --endpoint, or try later."
        )
    try:
        answer = response.json()
    except ValueError as error:
        raise _BrokenError(f"{_host(response)}: {error}") from error
    if isinstance(answer, dict) and "remark" in answer:
        raise NetworkError(
            f"{_host(response)} did not finish: {str(answer['remark'])[:200]}. Ask for a smaller "
            "area or fewer classes (--no-service), or build from an OSM file."
        )
    return response


def _kind(response: Any, text: str) -> str:
    page = "html" in response.headers.get("Content-Type", "") or "<html" in text[:500].lower()
    words = " ".join(re.sub(r"<[^>]*>", " ", text[:5000]).split())[:120]
    what = "a web page" if page else "no JSON"
    return f'{what}: "{words}"' if words else f"an empty {'page' if page else 'body'}"


class _BrokenError(Exception):
    """An answer that did not come whole."""


def _trouble(error: Exception) -> str:
    """Say in a few words what became of a question."""
    import requests

    if isinstance(error, requests.Timeout):
        return "does not answer in time"
    broken = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)
    if isinstance(error, requests.ConnectionError) and not isinstance(error, broken):
        return "cannot be reached"
    return f"breaks off ({str(error)[:80]})" if isinstance(error, _BrokenError) else "breaks off"


def _patiently(ask: Callable[[], Any], waits: Waits, what: str, folder: Path) -> Any:
    """Ask, and ask again where the connection breaks."""
    import requests
    from osmnx._errors import InsufficientResponseError, ResponseStatusCodeError

    for attempt in range(1, waits.tries + 1):
        try:
            return ask()
        except (requests.RequestException, _BrokenError) as error:
            if attempt == waits.tries:
                raise NetworkError(
                    f"{what} {_trouble(error)}, {waits.tries} times. Check the connection and try "
                    "again: what has come so far is kept."
                ) from error
            pause = min(waits.first_s * 2 ** (attempt - 1), waits.longest_s)
            log.warning("%s %s: trying again in %.0f s", what, _trouble(error), pause)
            waits.sleep(pause)
        except (InsufficientResponseError, ResponseStatusCodeError, TypeError) as error:
            raise NetworkError(f"{what}: {str(error)[:200]}. Nothing was found there.") from error
        except OSError as error:
            raise OutputError(
                f"answers cannot be kept in '{folder}' ({error.strerror or error}). Make room, or "
                "choose another --cache."
            ) from error
    return None
