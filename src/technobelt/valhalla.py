"""Valhalla, a routing engine of its own data model, speeds and turn costs, asked on the same file.

Its tiles are built from an OSM file by the package pyvalhalla and kept in a folder under a name
that the file's content gives, so that they are built once. Asked are quickest ways by its costing
``auto``, with every preference off that can be: penalties for manoeuvres, gates, private and
service roads are zero, the use of tracks and living streets is neutral, and the hierarchy of roads
is not pruned. What stays is Valhalla's own: speeds by class, town or country, from its tables,
seconds at junctions by the kind of turn and the density of roads, and a slight reluctance to drive
where roads are dense, which bears on the choice of way but not on its minutes.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.cross_check import Answers
from technobelt.errors import MissingFileError, MissingPackageError, NetworkError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

__all__ = ["ask_valhalla", "build_tiles", "valhalla_name"]

#: A trip begins and ends on the road that it is told, m: networks may have simplified its shape.
_REACH_M = 100
_OPTIONS: dict[str, Any] = {
    "maneuver_penalty": 0,
    "gate_penalty": 0,
    "private_access_penalty": 0,
    "destination_only_penalty": 0,
    "service_penalty": 0,
    "service_factor": 1,
    "use_living_streets": 0.5,
    "use_tracks": 0.5,
    "disable_hierarchy_pruning": True,
}
#: Valhalla's own limit is 0: it would refuse to leave the hierarchy unpruned.
_UNPRUNED_M = 5_000_000.0
_FILTERS = ["edge.length", "edge.speed", "edge.road_class", "edge.use"]
#: Its road classes that have another name in OSM; it knows living streets by their use alone.
_CLASS = {"service": "service_other", "living_street": "service_other"}
_OSM = {"service_other": "service"}
#: What it says where there is no road near, no way, or no connection at all.
_NO_WAY = (170, 171, 442)
_RAMPS = ("ramp", "turn_channel")
#: Databases that Valhalla looks for, and that are not needed.
_UNUSED = ("admin", "timezone", "landmarks", "traffic_extract", "transit_dir", "transit_feeds_dir")


def valhalla_name() -> str:
    """Return the engine's name and version."""
    return f"valhalla {_package().__version__.partition('-')[0]}"


def build_tiles(osm: str | Path, folder: str | Path | None = None) -> Path:
    """Build Valhalla's tiles of an OSM file, unless they are there.

    Ramps keep the class of their tag, and traffic drives on the right.

    Parameters
    ----------
    osm
        The file, ``.osm.pbf``.
    folder
        Where tiles of several files may lie; one beside other temporary files by default.

    Returns
    -------
    pathlib.Path
        The folder of this file's tiles.

    Raises
    ------
    MissingPackageError
        pyvalhalla is not installed.
    MissingFileError, NetworkError
        There is no such file, or Valhalla makes nothing of it.
    """
    engine, source = _package(), Path(osm)
    if not source.is_file():
        raise MissingFileError(f"no OSM file '{source}'. Name the one that the network is made of.")
    if not source.name.endswith(".pbf"):
        raise NetworkError(
            f"Valhalla reads .osm.pbf, found '{source.name}'. Convert it, e.g. with "
            "'osmium cat roads.osm -o roads.osm.pbf'."
        )
    home = Path(folder) if folder else Path(tempfile.gettempdir()) / "technobelt-valhalla"
    tiles = home / f"{engine.__version__.partition('-')[0]}-{_hash(source)}"
    if tiles.is_dir():
        return tiles
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            made = Path(scratch) / "tiles"
            _build(source, made, Path(scratch) / "valhalla.json")
            made.rename(tiles)
    except OSError as error:
        raise OutputError(
            f"the tiles cannot be written to '{home}' ({error.strerror or error}). Choose another "
            "folder (--tiles)."
        ) from error
    return tiles


def ask_valhalla(
    tiles: Path,
    positions: gpd.GeoDataFrame,
    trips: list[tuple[int, int]],
    *,
    progress: Callable[[str], None] | None = None,
) -> Answers:
    """Time trips by Valhalla, see `technobelt.cross_check.Answers`.

    Parameters
    ----------
    tiles
        From `build_tiles`.
    positions
        Points on roads, WGS 84, with the ``class`` of their road: a trip begins and ends on a road
        of that class, within 100 m.
    trips
        Pairs of numbers of positions.
    progress
        Called now and then.

    Returns
    -------
    Answers
        Driving alone; the seconds that Valhalla adds at junctions are in ``seconds``.

    Raises
    ------
    MissingPackageError
        pyvalhalla is not installed.
    """
    actor = _package().Actor(_settings(tiles))
    places = [
        _location(point, road)
        for point, road in zip(positions.geometry, positions["class"], strict=True)
    ]
    seconds, metres = np.full((2, len(trips)), np.nan)
    rows = []
    for number, (start, finish) in enumerate(trips):
        if progress is not None and number % 50 == 0:
            progress(f"valhalla: trip {number} of {len(trips)}")
        way = _way(actor, places[start], places[finish])
        if way is None:
            continue
        seconds[number] = way["summary"]["time"]
        metres[number] = way["summary"]["length"] * 1000
        rows.append(_use(actor, way["legs"][0]["shape"]).assign(trip=number))
    columns = ["trip", "class", "length_m", "drive_s"]
    use = pd.concat(rows)[columns] if rows else pd.DataFrame(columns=columns)
    return Answers(seconds, metres, use)


def _package() -> Any:
    try:
        import valhalla
    except ImportError as error:
        raise MissingPackageError(
            "asking Valhalla needs the package pyvalhalla: python -m pip install "
            "'technobelt[valhalla]' (its wheels are for Python 3.12 and later)."
        ) from error
    return valhalla


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def _settings(tiles: Path) -> dict[str, Any]:
    """Return Valhalla's own settings, but for what the module's text says."""
    settings: dict[str, Any] = copy.deepcopy(
        _package().get_config(tile_extract="", tile_dir=str(tiles))
    )
    made = settings["mjolnir"]
    for name in _UNUSED:
        made.pop(name, None)
    made["data_processing"]["use_admin_db"] = False
    made["reclassify_links"] = False
    settings["service_limits"]["max_distance_disable_hierarchy_culling"] = _UNPRUNED_M
    return settings


def _build(osm: Path, tiles: Path, settings: Path) -> None:
    """Build tiles into a folder.

    Raises
    ------
    NetworkError
        Valhalla makes nothing of the file.
    """
    tiles.mkdir()
    settings.write_text(json.dumps(_settings(tiles)), encoding="utf-8")
    programs = Path(_package().__file__).parent / "bin"
    path = os.pathsep.join([str(programs), os.environ.get("PATH", "")])
    command = [sys.executable, "-m", "valhalla", "valhalla_build_tiles", "-c", str(settings)]
    done = subprocess.run(  # noqa: S603  (our own command, the user's file)
        [*command, str(osm)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path},
    )
    if done.returncode or not any(tiles.rglob("*.gph")):
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise NetworkError(
            f"Valhalla built no tiles of '{osm.name}'{': ' if last else ''}{''.join(last)}. Check "
            "that it is an OSM file with roads ('technobelt network build' reads it too)."
        )


def _location(point: Any, road: str) -> dict[str, Any]:
    """Return a place as Valhalla takes it: the nearest road of a class, not its junction."""
    name = _CLASS.get(road, road)
    return {
        "lon": point.x,
        "lat": point.y,
        "radius": 0,
        "node_snap_tolerance": 0,
        "minimum_reachability": 1,
        "rank_candidates": False,
        "search_cutoff": _REACH_M,
        "search_filter": {"min_road_class": name, "max_road_class": name},
    }


def _way(actor: Any, start: dict[str, Any], finish: dict[str, Any]) -> dict[str, Any] | None:
    """Return the quickest way; None where there is none."""
    request = {
        "locations": [start, finish],
        "costing": "auto",
        "costing_options": {"auto": _OPTIONS},
        "directions_type": "none",
        "units": "kilometers",
    }
    try:
        way: dict[str, Any] = actor.route(request)["trip"]
    except _package().ValhallaError as error:
        if error.code in _NO_WAY:
            return None
        raise
    return way


def _use(actor: Any, shape: str) -> pd.DataFrame:
    """Return metres and seconds by class along a way; no rows where Valhalla loses its trace.

    Following a trace takes no costing options: they do not bear on its seconds.
    """
    request = {
        "encoded_polyline": shape,
        "shape_match": "edge_walk",
        "costing": "auto",
        "filters": {"attributes": _FILTERS, "action": "include"},
    }
    try:
        edges = actor.trace_attributes(request)["edges"]
    except _package().ValhallaError:
        edges = []
    metres = np.array([edge["length"] * 1000 for edge in edges], dtype=float)
    mps = np.array([edge["speed"] / 3.6 for edge in edges], dtype=float)
    named = {"class": [_osm_class(edge) for edge in edges], "length_m": metres}
    parts = pd.DataFrame({**named, "drive_s": metres / mps})
    return parts.groupby("class")[["length_m", "drive_s"]].sum().reset_index()


def _osm_class(edge: dict[str, Any]) -> str:
    """Return the OSM ``highway`` value of an edge."""
    name, use = str(edge["road_class"]), edge["use"]
    if use in _RAMPS:
        return f"{name}_link"
    return "living_street" if use == "living_street" else _OSM.get(name, name)
