"""Examine all layers of a region: a list of what is wrong and what is still to be done."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from technobelt.doctor.belonging import (
    check_cluster_rows,
    check_hubs,
    check_ids_across,
    check_members,
)
from technobelt.doctor.columns import (
    check_columns,
    check_encoding,
    check_ids,
    check_texts,
    check_years,
)
from technobelt.doctor.findings import SEVERITIES, SHOWN, Faults, Finding, told
from technobelt.doctor.placing import check_positions_of_layers
from technobelt.doctor.roads import check_corridor, check_edge, check_roads_near
from technobelt.doctor.shapes import check_places_twice, check_shapes
from technobelt.doctor.twins import ask_roads, check_twins
from technobelt.errors import (
    EmptyLayerError,
    LayerError,
    MissingFileError,
    NetworkError,
    TechnobeltError,
)
from technobelt.layer_files import count_rows
from technobelt.layers import FACILITIES, located, read_layer, read_unchecked
from technobelt.network import region_network
from technobelt.schema import LAYERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import geopandas as gpd

    from technobelt.network import Network
    from technobelt.region import Region

__all__ = ["examine"]

_log = logging.getLogger(__name__)


def examine(
    region: Region,
    network: Network | str | Path | None = None,
    *,
    most: int | None = SHOWN,
    progress: Callable[[str], None] | None = None,
) -> list[Finding]:
    """Examine the layers of a region.

    Parameters
    ----------
    region
        From `load_region`.
    network
        Roads to tie places to, or their ``.parquet`` file; the region's own by default, if their
        file is there.
    most
        How many rows with the same fault are told one by one; one more finding stands for the
        others, and has their number. None: tell of each.
    progress
        Called with each step's name.

    Returns
    -------
    list of Finding
        Errors first, then warnings, then what is still to be done, each in the order of the layers.
        Where there is no error every layer can be read, so that a plan can use it.

    Raises
    ------
    TechnobeltError
        `network` cannot be used.

    Examples
    --------
    >>> import technobelt as tb
    >>> {finding.severity for finding in examine(tb.load_region())} <= {"warning", "to-do"}
    True
    """
    say = progress or (lambda _: None)
    _warn_of_size(region)
    found: list[Finding] = []
    frames: dict[str, gpd.GeoDataFrame] = {}
    for name in region.layers:
        say(name)
        frame, faults = _read(region, name, most)
        found += faults
        if frame is not None and len(frame):
            frames[name] = frame
    say("positions")
    found += list(check_positions_of_layers(region, frames))
    found += told(_among_layers(region, frames, found), most)
    found += _unread(region, frames, found)
    say("roads")
    roads, faults = _roads(region, network, found)
    found += faults
    if roads is not None:
        found = ask_roads(roads, frames, found)
        found += check_twins(roads, frames, found)
        found += told(_by_roads(region, roads, frames, found), most)
    return _sorted(region, found)


#: Measured on places, the dearest of all layers: a million rows take so many seconds (half of them
#: are for tying them to roads), and so many bytes of memory each.
_SECONDS_A_MILLION, _BYTES_A_ROW = 50.0, 1_300


def _warn_of_size(region: Region) -> None:
    """Say beforehand what examining large layers takes."""
    rows = sum(count_rows(region.path(name), file) for name, file in region.layers.items())
    if rows:
        _log.warning(
            "Examining about %s rows takes up to %.0f s and %.1f GB of memory.",
            f"{rows:,}",
            rows / 1e6 * _SECONDS_A_MILLION,
            rows * _BYTES_A_ROW / 1e9,
        )


_DRAW = "draw them, e.g. in QGIS"
#: Rows that nobody draws by hand.
_HOW_TO_FILL = {"land": "'technobelt layers grid' lays them over the clusters"}


def _read(
    region: Region, name: str, most: int | None
) -> tuple[gpd.GeoDataFrame | None, list[Finding]]:
    """Read a layer, and tell what is wrong with it alone."""
    faults = list(check_encoding(region, name))
    try:
        frame = read_unchecked(region, name)
    except (LayerError, MissingFileError) as error:
        do = "Correct the file, or what region.toml says of it."
        return None, [Finding(name, "", "error", "file", str(error).rstrip("."), "", do)]
    table = LAYERS[name]
    faults += told(check_columns(frame, table), most)
    if frame.empty:
        said = (
            f"A row is {table.doc}: {_HOW_TO_FILL.get(name, _DRAW)}, or name another file in "
            "region.toml."
        )
        return frame, [*faults, Finding(name, "", "to-do", "file", "it has no row yet", "", said)]
    for check in (check_ids, check_texts, check_years):
        faults += told(check(frame, table), most)
    shapes = list(told(check_shapes(frame, table), most))
    if not shapes:
        faults += told(check_places_twice(region, frame, name), most)
    return frame, faults + shapes


def _among_layers(
    region: Region, frames: dict[str, gpd.GeoDataFrame], found: list[Finding]
) -> Iterator[Finding | Faults]:
    """Tell what does not fit from one layer to another, where positions can be trusted."""
    clusters = frames.get("clusters")
    if clusters is not None:
        yield from check_cluster_rows(region, clusters)
    sound = clusters if _sound("clusters", found) and clusters is not None else None
    if sound is not None and "id" in sound:
        sound = sound.drop_duplicates("id")
    for name, frame in frames.items():
        if name != "clusters":
            trusted = sound if _sound(name, found) else None
            yield from check_members(region, frame, name, trusted)
    yield from check_ids_across(frames)
    places = [name for name in FACILITIES if name in region.layers]
    if any(name in frames for name in places) and all(_usable(region, name) for name in places):
        yield from check_hubs(region)


def _usable(region: Region, name: str) -> bool:
    try:
        read_layer(region, name)
    except EmptyLayerError:
        return True
    except TechnobeltError:
        return False
    return True


def _sound(name: str, found: list[Finding]) -> bool:
    """Tell whether a layer's positions can be trusted."""
    kinds = {"crs", "shapes", "columns"}
    return not any(
        fault.layer == name and fault.severity == "error" and fault.check in kinds
        for fault in found
    )


def _unread(
    region: Region, frames: dict[str, gpd.GeoDataFrame], found: list[Finding]
) -> Iterator[Finding]:
    """Tell what keeps a layer from being read that no check has told of."""
    told = {fault.layer for fault in found if fault.severity == "error"}
    for name in frames:
        if name in told:
            continue
        try:
            read_layer(region, name)
        except TechnobeltError as error:
            do = "Correct the layer."
            yield Finding(name, "", "error", "file", str(error).rstrip("."), "", do)


def _roads(
    region: Region, network: Network | str | Path | None, found: list[Finding]
) -> tuple[Network | None, list[Finding]]:
    """Return the roads, or what keeps them from being used."""
    if network is None and not region.path("roads").is_file():
        do = "Build them from an OSM extract: technobelt network build ROADS.osm.pbf --around "
        do += f"{region.folder} --out {region.path('roads')}"
        what = f"there are no roads yet: no file '{region.roads.file}'"
        return None, [Finding("roads", "", "to-do", "file", what, "", do)]
    try:
        return region_network(_without_barriers(region, found), network), []
    except (NetworkError, MissingFileError) as error:
        if network is not None:
            raise
        said = str(error).rstrip(".")
        return None, [Finding("roads", "", "error", "file", said, "", "Build the roads anew.")]


def _by_roads(
    region: Region,
    roads: Network,
    frames: dict[str, gpd.GeoDataFrame],
    found: list[Finding],
) -> Iterator[Finding | Faults]:
    yield from check_corridor(region, roads)
    clusters = frames.get("clusters")
    if clusters is not None and _sound("clusters", found) and clusters.crs is not None:
        yield from check_edge(roads, clusters)
    for name in FACILITIES:
        if name in frames and _sound(name, found) and frames[name].crs is not None:
            places = located(frames[name])
            if len(places):
                yield from check_roads_near(roads, places, name)


def _without_barriers(region: Region, found: list[Finding]) -> Region:
    """Leave the barriers out where they cannot be read: that has been told."""
    bad = any(f.layer == "barriers" and (f.check == "file" or f.severity == "error") for f in found)
    layers = {name: file for name, file in region.layers.items() if name != "barriers"}
    return region.model_copy(update={"layers": layers}) if bad else region


def _sorted(region: Region, found: list[Finding]) -> list[Finding]:
    order = [*region.layers, "roads"]
    return sorted(found, key=lambda f: (SEVERITIES.index(f.severity), order.index(f.layer)))
