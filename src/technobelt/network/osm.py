"""Read the drivable ways of an OSM file (``.osm.pbf``, ``.osm``, ``.osm.gz``) into flat arrays."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.errors import MissingFileError, NetworkError
from technobelt.network.tags import ACCESS_KEYS, directions, may_drive, posted_limit
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

__all__ = ["Ways", "read_ways"]

_CODES = {name: code for code, name in enumerate(ROAD_CLASSES)}
_TAGS = (
    *("highway", "oneway", "junction", "maxspeed", "ref", "name", "bridge", "tunnel"),
    *ACCESS_KEYS,
)
_DTYPES: dict[str, Any] = {
    "road_class": np.int8,
    "forward": bool,
    "backward": bool,
    "bridge": bool,
    "tunnel": bool,
    "limit_kph": np.float64,
    "ref": object,
    "name": object,
}
#: Bytes of a WKB line before its points (byte order, type, count), and of each point.
_WKB_HEADER, _WKB_POINT = 9, 16


@dataclass(frozen=True)
class Ways:
    """Ways as flat arrays; way i has the vertices ``start[i]`` to ``start[i + 1]``.

    Attributes
    ----------
    start
        int64 (n + 1): where each way's vertices begin.
    node
        int64 (m): ids of the vertices; the same id is the same place and a connection.
    lonlat
        float64 (m, 2): degrees, WGS 84.
    road_class
        int8 (n): index into `technobelt.schema.ROAD_CLASSES`.
    forward, backward, bridge, tunnel
        bool (n).
    limit_kph
        float64 (n): posted limit, NaN where there is none.
    ref, name, opened
        object (n): text, None where there is none.
    opened_ev
        object (n): evidence of the date of opening; ``unknown`` where there is none.
    closed
        Number of ways left out because cars may not drive there.
    """

    start: NDArray[np.int64]
    node: NDArray[np.int64]
    lonlat: NDArray[np.float64]
    road_class: NDArray[np.int8]
    forward: NDArray[np.bool_]
    backward: NDArray[np.bool_]
    bridge: NDArray[np.bool_]
    tunnel: NDArray[np.bool_]
    limit_kph: NDArray[np.float64]
    ref: NDArray[np.object_]
    name: NDArray[np.object_]
    opened: NDArray[np.object_]
    opened_ev: NDArray[np.object_]
    closed: int = 0

    def __len__(self) -> int:
        """Return the number of ways."""
        return len(self.road_class)

    def vertices_of(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return a mask over the vertices of the chosen ways."""
        return np.repeat(chosen, np.diff(self.start))

    def take(self, chosen: NDArray[np.bool_]) -> Ways:
        """Return only the chosen ways."""
        vertices = self.vertices_of(chosen)
        counts = np.diff(self.start)[chosen]
        by_way = {
            name: getattr(self, name)[chosen]
            for name in self.__dataclass_fields__
            if name not in {"start", "node", "lonlat", "closed"}
        }
        return Ways(
            start=np.concatenate([[0], np.cumsum(counts)]),
            node=self.node[vertices],
            lonlat=self.lonlat[vertices],
            closed=self.closed,
            **by_way,
        )


@dataclass
class _Collected:
    """What the reader gathers, way by way; ways of the same tags share one entry of `kinds`."""

    wkb: list[str] = field(default_factory=list)
    nodes: array[int] = field(default_factory=lambda: array("q"))
    counts: array[int] = field(default_factory=lambda: array("q"))
    kind: array[int] = field(default_factory=lambda: array("q"))
    kinds: dict[tuple[str | None, ...], int] = field(default_factory=dict)


def read_ways(
    path: str | Path,
    *,
    classes: Iterable[str] = ROAD_CLASSES,
    progress: Callable[[int], None] | None = None,
) -> Ways:
    """Read every way that a car may drive.

    Parameters
    ----------
    path
        An OSM file that osmium reads.
    classes
        ``highway`` values to keep.
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
    wanted = _codes_of(classes)
    try:
        found = _collect(file, wanted, progress)
    except RuntimeError as error:
        raise NetworkError(
            f"'{file.name}' cannot be read as an OSM file ({str(error).splitlines()[0]}). "
            "It may be broken off: fetch it again."
        ) from error
    ways = _as_ways(found, file) if found.kind else None
    if not ways:
        raise NetworkError(
            f"'{file.name}' has no way that a car may drive; looked for highway = "
            f"{', '.join(wanted)}. Name a file that has."
        )
    return ways


def _codes_of(classes: Iterable[str]) -> dict[str, int]:
    named = list(classes)
    unknown = [name for name in named if name not in _CODES]
    if unknown:
        raise NetworkError(
            f"unknown class {unknown[0]!r}; the classes are {', '.join(ROAD_CLASSES)}."
        )
    return {name: _CODES[name] for name in named}


def _collect(
    file: Path, wanted: dict[str, int], progress: Callable[[int], None] | None
) -> _Collected:
    import osmium

    found = _Collected()
    lines = osmium.geom.WKBFactory()
    every_node = osmium.geom.use_nodes.ALL
    ways: Any = (  # its filters let ways pass alone, which its types cannot say
        osmium.FileProcessor(str(file))
        .with_locations()
        .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        .with_filter(osmium.filter.KeyFilter("highway"))
    )
    for way in ways:
        get = way.tags.get
        if get("highway") not in wanted or len(way.nodes) < 2:
            continue
        try:
            wkb = lines.create_linestring(way, every_node)
        except osmium.InvalidLocationError:
            continue  # an extract cut this way's nodes off
        nodes = [node.ref for node in way.nodes]
        said = tuple([get(key) for key in _TAGS])
        found.wkb.append(wkb)
        found.nodes.extend(nodes)
        found.counts.append(len(nodes))
        found.kind.append(found.kinds.setdefault(said, len(found.kinds)))
        if progress is not None and len(found.kind) % 10_000 == 0:
            progress(len(found.kind))
    return found


def _as_ways(found: _Collected, file: Path) -> Ways:
    lonlat = _coordinates(found)
    if not np.isfinite(lonlat).all():
        raise NetworkError(f"'{file.name}' has nodes without a position. Fetch it again.")
    kind = np.array(found.kind)
    rows = [_row(dict(zip(_TAGS, said, strict=True))) for said in found.kinds]
    columns = {
        name: np.array(values, dtype=kind_of)[kind]
        for (name, kind_of), values in zip(_DTYPES.items(), zip(*rows, strict=True), strict=True)
    }
    drivable = columns["forward"] | columns["backward"]
    ways = Ways(
        start=np.concatenate([[0], np.cumsum(found.counts)]).astype(np.int64),
        node=np.array(found.nodes, dtype=np.int64),
        lonlat=lonlat,
        opened=np.full(len(kind), None, dtype=object),
        opened_ev=np.full(len(kind), "unknown", dtype=object),
        closed=int((~drivable).sum()),
        **columns,
    )
    return ways if drivable.all() else ways.take(drivable)


def _row(said: dict[str, str | None]) -> tuple[Any, ...]:
    """Return one kind of way's attributes in the order of `_DTYPES`."""
    tags = {key: value for key, value in said.items() if value is not None}
    forward, backward = directions(tags) if may_drive(tags) else (False, False)
    return (
        _CODES[tags["highway"]],
        forward,
        backward,
        tags.get("bridge", "no") != "no",
        tags.get("tunnel", "no") != "no",
        posted_limit(tags.get("maxspeed")),
        tags.get("ref"),
        tags.get("name"),
    )


def _coordinates(found: _Collected) -> NDArray[np.float64]:
    """Return the vertices of all lines; one pass over the bytes, five times as fast as parsing."""
    raw = np.frombuffer(bytes.fromhex("".join(found.wkb)), dtype=np.uint8)
    counts = np.array(found.counts)
    begin = np.concatenate([[0], np.cumsum(_WKB_HEADER + _WKB_POINT * counts)])
    body = np.ones(len(raw), dtype=bool)
    body[(begin[:-1, None] + np.arange(_WKB_HEADER)).ravel()] = False
    return raw[body].view("<f8").reshape(-1, 2)
