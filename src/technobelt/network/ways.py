"""`Ways`: what every source of roads is read into, flat arrays of ways and their vertices."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.errors import NetworkError
from technobelt.network.limits import posted_limit
from technobelt.network.tags import ACCESS_KEYS, directions, ferry_seconds, may_drive
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from technobelt.network.tags import OsmRules

__all__ = ["CODES", "OSM_LICENCE", "TAGS", "Stops", "Ways", "as_ways", "codes_of", "said_by_tags"]

OSM_LICENCE = "ODbL 1.0, © OpenStreetMap contributors; the road table is a derived database"
#: The number of each road class.
CODES = {name: code for code, name in enumerate(ROAD_CLASSES)}
#: The tags of a way that count.
TAGS = (
    *("highway", "oneway", "oneway:motor_vehicle", "junction", "maxspeed", "maxspeed:type"),
    *("ref", "name", "bridge", "tunnel", "route", "duration"),
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
    "ferry_s": np.float64,
}
_FERRY_CLASS = CODES["unclassified"]


def _none() -> NDArray[np.int64]:
    return np.array([], dtype=np.int64)


def _no_seconds() -> NDArray[np.float64]:
    return np.array([], dtype=np.float64)


@dataclass(frozen=True)
class Stops:
    """Nodes at which something stops cars.

    Attributes
    ----------
    node
        int64 (k): their ids.
    seconds
        float64 (k): for how long; infinite where no car gets through.
    """

    node: NDArray[np.int64] = field(default_factory=_none)
    seconds: NDArray[np.float64] = field(default_factory=_no_seconds)


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
    ferry_s
        float64 (n): seconds that a ferry takes, NaN on roads; None where all are roads.
    stretch
        float64 (n): length that a source states over the length of the shape; None where none does.
    stops
        Nodes at which something stops cars.
    notes
        What reading left out or assumed, for the report; see `technobelt.network.wording`.
    date
        Date of the roads, ISO, empty where the source does not say.
    licence
        Licence and attribution.
    area
        Polygon in degrees of which all roads are here; None: that is the box around them.
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
    ferry_s: NDArray[np.float64] | None = None
    stretch: NDArray[np.float64] | None = None
    stops: Stops = field(default_factory=Stops)
    notes: dict[str, Any] = field(default_factory=dict)
    date: str = ""
    licence: str = OSM_LICENCE
    area: Any = None

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
        by_way: dict[str, Any] = {name: array[chosen] for name, array in self.by_way().items()}
        return replace(
            self,
            start=np.concatenate([[0], np.cumsum(counts)]),
            node=self.node[vertices],
            lonlat=self.lonlat[vertices],
            **by_way,
        )

    def by_way(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that have an entry for each way."""
        whole = {"start", "node", "lonlat", "closed", "stops", "notes", "date", "licence", "area"}
        named = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {k: v for k, v in named.items() if k not in whole and v is not None}


def codes_of(classes: Iterable[str]) -> dict[str, int]:
    """Return the numbers of the classes named; refuse an unknown one."""
    named = list(classes)
    unknown = [name for name in named if name not in CODES]
    if unknown:
        raise NetworkError(
            f"unknown class {unknown[0]!r}; the classes are {', '.join(ROAD_CLASSES)}."
        )
    return {name: CODES[name] for name in named}


def said_by_tags(
    kinds: Iterable[Mapping[str, str]], kind: NDArray[np.int64], rules: OsmRules
) -> dict[str, NDArray[Any]]:
    """Return the columns of ways that their tags say, read once for all ways of a kind.

    Parameters
    ----------
    kinds
        Tags, each with a ``highway`` of `ROAD_CLASSES`, or of a ferry.
    kind
        int64 (n): whose tags each way has.
    rules
        How tags are read that leave a choice.
    """
    rows = [_row(tags, rules) for tags in kinds]
    return {
        name: np.array(values, dtype=dtype)[kind]
        for (name, dtype), values in zip(_DTYPES.items(), zip(*rows, strict=True), strict=True)
    }


def _row(tags: Mapping[str, str], rules: OsmRules) -> tuple[Any, ...]:
    """Return one kind of way's attributes in the order of `_DTYPES`."""
    forward, backward = directions(tags) if may_drive(tags) else (False, False)
    road = "highway" in tags
    limit = tags.get("maxspeed") or tags.get("maxspeed:type")
    return (
        CODES[tags["highway"]] if road else _FERRY_CLASS,
        forward,
        backward,
        tags.get("bridge", "no") != "no",
        tags.get("tunnel", "no") != "no",
        posted_limit(limit, rules.country),
        tags.get("ref"),
        tags.get("name"),
        None if road else ferry_seconds(tags.get("duration")),
    )


def as_ways(
    counts: NDArray[Any],
    node: NDArray[np.int64],
    lonlat: NDArray[np.float64],
    columns: Mapping[str, NDArray[Any]],
    *,
    stops: Stops | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Ways | None:
    """Put ways together and leave out those that no car may drive; None if none is left.

    Parameters
    ----------
    counts
        Vertices of each way.
    node, lonlat
        int64 (m), float64 (m, 2): the vertices' ids and degrees, way after way.
    columns
        From `said_by_tags`, or the same names.
    stops, notes
        Of `Ways`.
    """
    drivable = columns["forward"] | columns["backward"]
    if not drivable.any():
        return None
    said: dict[str, Any] = dict(columns)
    n = len(drivable)
    ferry = said.pop("ferry_s", None)
    ways = Ways(
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        node=node,
        lonlat=lonlat,
        opened=np.full(n, None, dtype=object),
        opened_ev=np.full(n, "unknown", dtype=object),
        closed=int((~drivable).sum()),
        ferry_s=None if ferry is None or np.isnan(ferry).all() else ferry,
        stops=stops or Stops(),
        notes=dict(notes or {}),
        **said,
    )
    return ways if drivable.all() else ways.take(drivable)
