"""Answers of Overpass (JSON) -> `Ways`, by the same rules as an OSM file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.errors import MissingFileError, NetworkError
from technobelt.network.tags import OsmRules, ferry_seconds, may_drive, seconds_at
from technobelt.network.ways import TAGS, Stops, as_ways, said_by_tags
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from technobelt.network.ways import Ways

__all__ = ["NOTE", "read_answer", "read_answers"]

#: Written beside the answers of a finished download, see `technobelt.network.download`.
NOTE = "download.json"
_LARGEST_BYTES = 2_000_000_000
_LARGEST_ID = 2**62


def read_answers(
    source: str | Path,
    *,
    classes: Iterable[str] = ROAD_CLASSES,
    rules: OsmRules | None = None,
) -> Ways:
    """Read answers of Overpass.

    Parameters
    ----------
    source
        One file, or a folder of them, such as the cache of OSMnx.
    classes
        ``highway`` values to keep.
    rules
        How tags are read that leave a choice.

    Returns
    -------
    Ways
        In the order of their ids; a way that several answers hold comes once.

    Raises
    ------
    MissingFileError
        There is no such file.
    NetworkError
        One is no answer of Overpass, or there is no road for cars in any.
    """
    path = Path(source)
    if not path.exists():
        raise MissingFileError(f"no road file '{path}'. Name answers of Overpass (.json).")
    files = [path] if path.is_file() else sorted(path.glob("*.json"))
    nodes: dict[int, Any] = {}
    ways: dict[int, Any] = {}
    dates = set()
    for file in files:
        if file.name == NOTE:
            continue
        answer = read_answer(file)
        dates.add(str(_in(answer, "osm3s").get("timestamp_osm_base", ""))[:10])
        for element in answer["elements"]:
            _sort_in(element, nodes, ways)
    return _as_ways(nodes, ways, set(classes), rules or OsmRules(), path.name, min(dates or {""}))


def read_answer(file: Path) -> dict[str, Any]:
    """Return an answer of Overpass; refuse what is none, or one that it did not finish."""
    if file.stat().st_size > _LARGEST_BYTES:
        raise NetworkError(f"'{file.name}' is larger than 2 GB. Build from an OSM file (.osm.pbf).")
    try:
        answer = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise NetworkError(
            f"'{file.name}' is no JSON ({str(error)[:80]}). It may be broken off: fetch it again."
        ) from error
    if not isinstance(answer, dict) or not isinstance(answer.get("elements"), list):
        raise NetworkError(f"'{file.name}' is no answer of Overpass: it has no list of elements.")
    if "remark" in answer and "error" in str(answer["remark"]).lower():
        raise NetworkError(
            f"Overpass did not finish '{file.name}': {str(answer['remark'])[:200]}. Ask for less."
        )
    return answer


def _in(holder: Any, key: str) -> dict[str, Any]:
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def _sort_in(element: Any, nodes: dict[int, Any], ways: dict[int, Any]) -> None:
    number = element.get("id") if isinstance(element, dict) else None
    if not isinstance(number, int) or abs(number) > _LARGEST_ID:
        return
    if element.get("type") == "node":
        if "tags" in element or element["id"] not in nodes:
            nodes[element["id"]] = element
    elif element.get("type") == "way" and isinstance(element.get("nodes"), list):
        ways[element["id"]] = element


def _as_ways(
    nodes: dict[int, Any],
    ways: dict[int, Any],
    classes: set[str],
    rules: OsmRules,
    name: str,
    date: str,
) -> Ways:
    from dataclasses import replace

    kinds: dict[tuple[tuple[str, str], ...], int] = {}
    kind, counts, members = [], [], []
    place = {i: lonlat for i, node in nodes.items() if (lonlat := _place(node)) is not None}
    left = {"ferries_left_out": 0, "ways_cut_off": 0}
    for number in sorted(ways):
        tags = _texts(ways[number])
        if not _is_wanted(tags, classes, rules, left):
            continue
        passed = ways[number]["nodes"]
        if len(passed) < 2 or not all(isinstance(i, int) and i in place for i in passed):
            left["ways_cut_off"] += 1
            continue
        said = tuple((key, tags[key]) for key in TAGS if key in tags)
        kind.append(kinds.setdefault(said, len(kinds)))
        counts.append(len(passed))
        members += passed
    found = None
    if kind:
        places = np.array([place[i] for i in members], dtype=np.float64)
        columns = said_by_tags([dict(said) for said in kinds], np.array(kind), rules)
        notes = {key: count for key, count in left.items() if count}
        stops = _stops(nodes, rules)
        node = np.array(members, dtype=np.int64)
        found = as_ways(np.array(counts), node, places, columns, stops=stops, notes=notes)
    if found is None:
        raise NetworkError(
            f"'{name}' has no way that a car may drive; looked for highway = "
            f"{', '.join(ROAD_CLASSES)}. Ask Overpass for ways and their nodes: (...; >;); out;"
        )
    return replace(found, date=date)


def _place(node: Any) -> tuple[float, float] | None:
    try:
        lon, lat = float(node["lon"]), float(node["lat"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None


def _texts(element: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in _in(element, "tags").items()}


def _is_wanted(
    tags: dict[str, str], classes: set[str], rules: OsmRules, left: dict[str, int]
) -> bool:
    if "highway" in tags or tags.get("route") != "ferry":
        return tags.get("highway") in classes
    if rules.ferries and ferry_seconds(tags.get("duration")) is not None:
        return True
    left["ferries_left_out"] += may_drive(tags)
    return False


def _stops(nodes: dict[int, Any], rules: OsmRules) -> Stops:
    costs = {
        i: seconds
        for i, node in nodes.items()
        if "tags" in node and (seconds := seconds_at(_texts(node), rules))
    }
    return Stops(
        np.array(list(costs), dtype=np.int64), np.array(list(costs.values()), dtype=np.float64)
    )
