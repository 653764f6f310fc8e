"""Read the drivable ways of an OSM file (``.osm.pbf``, ``.osm``, ``.osm.gz``) into flat arrays."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.errors import MissingFileError, NetworkError
from technobelt.network.area import known_of, refuse_none
from technobelt.network.tags import OsmRules, ferry_seconds, may_drive, seconds_at
from technobelt.network.ways import TAGS, Stops, Ways, as_ways, codes_of, said_by_tags
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["Ways", "file_date", "read_ways"]

#: Bytes of a WKB line before its points (byte order, type, count), and of each point.
_WKB_HEADER, _WKB_POINT = 9, 16
#: A packed file that says it unpacks to more than this, and to so many times its size, is a trap.
_LARGE_BYTES, _DENSE = 100_000_000, 100
#: Lines looked at together.
_BATCH = 10_000


@dataclass
class _Collected:
    """What the reader gathers, way by way; ways of the same tags share one entry of `kinds`."""

    wkb: list[str] = field(default_factory=list)
    nodes: array[int] = field(default_factory=lambda: array("q"))
    counts: array[int] = field(default_factory=lambda: array("q"))
    kind: array[int] = field(default_factory=lambda: array("q"))
    kinds: dict[tuple[str | None, ...], int] = field(default_factory=dict)
    stops: dict[int, float] = field(default_factory=dict)
    ferries_left_out: int = 0
    ways_cut_off: int = 0


def read_ways(
    path: str | Path,
    *,
    classes: Iterable[str] = ROAD_CLASSES,
    rules: OsmRules | None = None,
    area: Any = None,
    progress: Callable[[int], None] | None = None,
) -> Ways:
    """Read every way that a car may drive.

    Parameters
    ----------
    path
        An OSM file that osmium reads.
    classes
        ``highway`` values to keep.
    rules
        How tags are read that leave a choice.
    area
        Shape in degrees, prepared; only ways that touch it are read, whole.
    progress
        Called with the number of ways read so far, every ten thousand.

    Returns
    -------
    Ways
        In the file's order.

    Raises
    ------
    MissingFileError
        There is no such file.
    NetworkError
        The file is broken off, no OSM file, or has no drivable way; or a class is unknown.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingFileError(f"no road file '{file}'. Name an .osm.pbf, .osm or .osm.gz file.")
    wanted = codes_of(classes)
    _refuse_trap(file)
    try:
        touching = None if area is None else _touching(file, area, progress)
        found = _collect(file, wanted, rules or OsmRules(), touching, progress)
    except (RuntimeError, ValueError, OverflowError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise NetworkError(
            f"'{file.name}' cannot be read as an OSM file ({said}). "
            "It may be broken off: fetch it again."
        ) from error
    if touching is not None and touching.bounds:
        refuse_none(touching.ids, area, touching.bounds)
    ways = _as_ways(found, file, rules or OsmRules()) if found.kind else None
    if not ways:
        raise NetworkError(
            f"'{file.name}' has no way that a car may drive{' in the area' if area else ''}; "
            f"looked for highway = {', '.join(wanted)}. Name a file that has."
        )
    return ways if touching is None else replace(ways, area=known_of(area, touching.bounds))


def _refuse_trap(file: Path) -> None:
    """Refuse a packed file that would unpack to far more than roads ever do."""
    if file.suffix != ".gz" or (size := file.stat().st_size) < 4:
        return
    with file.open("rb") as stream:
        if stream.read(2) != b"\x1f\x8b":
            return  # osmium says what is wrong with it
        stream.seek(-4, 2)
        whole = int.from_bytes(stream.read(4), "little")
    if whole > _LARGE_BYTES and whole > _DENSE * size:
        raise NetworkError(
            f"'{file.name}' would unpack from {size:,} to {whole:,} bytes, which no OSM file does. "
            "Unpack it yourself if you trust it."
        )


@dataclass(frozen=True)
class _Touching:
    """Ids of the ways that touch an area; the bounds of all of the file, if any, in degrees."""

    ids: frozenset[int]
    bounds: tuple[float, ...]


def _touching(file: Path, area: Any, progress: Callable[[int], None] | None) -> _Touching:
    """Find the ways that touch an area, in a pass of its own that keeps nothing of the others.

    To look at all tags and nodes of a way takes several times as long as to draw its line.
    """
    ids: list[int] = []
    boxes: list[list[float]] = []
    drawn = _drawn(file)
    while batch := list(islice(drawn, _BATCH)):
        box = _boxes([wkb for _, wkb in batch])
        near = np.flatnonzero(_meet(box, area.bounds))
        lines = shapely.from_wkb([batch[i][1] for i in near])
        ids += [batch[i][0] for i in near[shapely.intersects(area, lines)]]
        if progress is not None and len(batch) == _BATCH:
            progress(_BATCH * (1 + len(boxes)))
        boxes.append([*box[:, :2].min(axis=0), *box[:, 2:].max(axis=0)])
    if not boxes:
        return _Touching(frozenset(), ())
    west, south, east, north = np.array(boxes).T
    return _Touching(frozenset(ids), (west.min(), south.min(), east.max(), north.max()))


def _boxes(wkb: list[str]) -> NDArray[np.float64]:
    """Return the bounds of lines, (n, 4)."""
    counts = (np.array([len(one) // 2 for one in wkb]) - _WKB_HEADER) // _WKB_POINT
    lonlat, begin = _coordinates(wkb, counts), np.cumsum(counts) - counts
    low, high = np.minimum.reduceat(lonlat, begin), np.maximum.reduceat(lonlat, begin)
    return np.hstack([low, high])


def _meet(box: NDArray[np.float64], other: tuple[float, float, float, float]) -> Any:
    west, south, east, north = other
    return (box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south)


def _drawn(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the id and the line (WKB) of each way; one through its known nodes if it is cut off."""
    import osmium

    factory = osmium.geom.WKBFactory()
    every_node = osmium.geom.use_nodes.ALL
    ways: Any = (
        osmium.FileProcessor(str(file))
        .with_locations()
        .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        .with_filter(osmium.filter.KeyFilter("highway", "route"))
    )
    for way in ways:
        if len(way.nodes) < 2:
            continue
        try:
            yield way.id, factory.create_linestring(way, every_node)
        except osmium.InvalidLocationError:
            known = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
            if known:
                yield way.id, shapely.LineString([*known, known[0]]).wkb_hex


def _collect(
    file: Path,
    wanted: dict[str, int],
    rules: OsmRules,
    touching: _Touching | None,
    progress: Callable[[int], None] | None,
) -> _Collected:
    import osmium

    found = _Collected()
    lines = osmium.geom.WKBFactory()
    every_node = osmium.geom.use_nodes.ALL
    entities: Any = (  # its filters let ways and nodes pass alone, which its types cannot say
        osmium.FileProcessor(str(file))
        .with_locations()
        .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY | osmium.osm.NODE))
        .with_filter(osmium.filter.KeyFilter("highway", "barrier", "route"))
    )
    for entity in entities:
        if entity.is_node():
            _note_stop(found, entity, rules)
            continue
        if touching is not None and entity.id not in touching.ids:
            continue
        get = entity.tags.get
        if len(entity.nodes) < 2 or not _is_wanted(found, get, wanted, rules):
            continue
        try:
            wkb = lines.create_linestring(entity, every_node)
        except osmium.InvalidLocationError:
            found.ways_cut_off += 1  # an extract cut this way's nodes off
            continue
        nodes = [node.ref for node in entity.nodes]
        said = tuple([get(key) for key in TAGS])
        found.wkb.append(wkb)
        found.nodes.extend(nodes)
        found.counts.append(len(nodes))
        found.kind.append(found.kinds.setdefault(said, len(found.kinds)))
        if progress is not None and touching is None and len(found.kind) % _BATCH == 0:
            progress(len(found.kind))
    return found


def _note_stop(found: _Collected, node: Any, rules: OsmRules) -> None:
    if "barrier" in node.tags and (seconds := seconds_at(dict(node.tags), rules)):
        found.stops[node.id] = seconds


def _is_wanted(found: _Collected, get: Any, wanted: dict[str, int], rules: OsmRules) -> bool:
    """Tell whether a way is a road of the classes wanted, or a ferry to be kept; count others."""
    if get("highway") is not None or get("route") != "ferry":
        return get("highway") in wanted
    timed = ferry_seconds(get("duration")) is not None
    if rules.ferries and timed:
        return True
    said = {key: get(key) for key in TAGS if get(key) is not None}
    found.ferries_left_out += may_drive(said)
    return False


def _as_ways(found: _Collected, file: Path, rules: OsmRules) -> Ways | None:
    lonlat = _coordinates(found.wkb, np.array(found.counts))
    if not np.isfinite(lonlat).all():
        raise NetworkError(f"'{file.name}' has nodes without a position. Fetch it again.")
    kinds = [
        {key: value for key, value in zip(TAGS, said, strict=True) if value is not None}
        for said in found.kinds
    ]
    counted = {"ferries_left_out": found.ferries_left_out, "ways_cut_off": found.ways_cut_off}
    return as_ways(
        np.array(found.counts),
        np.array(found.nodes, dtype=np.int64),
        lonlat,
        said_by_tags(kinds, np.array(found.kind), rules),
        stops=Stops(
            np.array(list(found.stops), dtype=np.int64),
            np.array(list(found.stops.values()), dtype=np.float64),
        ),
        notes={name: count for name, count in counted.items() if count},
    )


def _coordinates(wkb: list[str], counts: NDArray[Any]) -> NDArray[np.float64]:
    """Return the vertices of all lines; one pass over the bytes, five times as fast as parsing."""
    raw = np.frombuffer(bytes.fromhex("".join(wkb)), dtype=np.uint8)
    begin = np.concatenate([[0], np.cumsum(_WKB_HEADER + _WKB_POINT * counts)])
    body = np.ones(len(raw), dtype=bool)
    body[(begin[:-1, None] + np.arange(_WKB_HEADER)).ravel()] = False
    return raw[body].view("<f8").reshape(-1, 2)


def file_date(path: Path) -> str:
    """Return the date that an OSM file's header gives, empty if it gives none."""
    import osmium

    with osmium.io.Reader(str(path), osmium.osm.osm_entity_bits.NOTHING) as reader:
        return str(reader.header().get("osmosis_replication_timestamp"))[:10]
