"""`Network`: road sections, routing nodes and directed arcs; frozen."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.errors import NetworkError
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.routing import Topology
    from technobelt.scenario import Scenario

__all__ = ["Edits", "Ground", "Network", "NetworkInfo", "network_from_roads"]

_ISO_DATE = re.compile(r"\d{4}(-\d\d){0,2}")
#: Columns of `Network.roads` and what they mean.
ROAD_COLUMNS = {
    "u": "junction where the section begins",
    "v": "junction where it ends",
    "class": "OSM highway value",
    "ref": "route number",
    "name": "name that most of its length bears",
    "forward": "may be driven from u to v",
    "backward": "may be driven from v to u",
    "limit_kph": "posted limit, km/h; empty where none is known",
    "length_m": "length of the full shape on the ellipsoid, m",
    "bridge": "share of the length on bridges",
    "tunnel": "share of the length in tunnels",
    "opened": "date of opening, ISO; empty where unknown",
    "opened_ev": "evidence of that date: dated, assumed, unknown",
    "geometry": "shape, simplified",
}


#: Columns that are there only where some section has them.
SPECIAL_COLUMNS = {
    "wait_s": "seconds besides driving, in every profile: gates, tolls, all of a ferry's time",
    "ferry": "a ferry: no place to start from, and not driven",
}


@dataclass(frozen=True)
class NetworkInfo:
    """Where a network came from, and what was done to it.

    Attributes
    ----------
    file
        Name of the file it was read from.
    date
        Date of the roads, ISO, possibly only the month.
    licence
        Licence and attribution.
    hash
        SHA-256 of the file it was loaded from, empty if it never was one.
    extent
        Outline of the area in which roads were collected, WKT in the network's CRS.
    as_of
        The earlier date, if any, for which later roads are closed.
    scenario
        Id of the scenario, if any, whose edits are applied.
    report
        What building it kept, dropped and cut, as numbers and short lists.
    """

    file: str = ""
    date: str = ""
    licence: str = ""
    hash: str = ""
    extent: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    as_of: str = ""
    scenario: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dictionary that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Edits:
    """What a scenario makes of arcs and sections.

    Attributes
    ----------
    kph
        float64 (m): speed to drive at, NaN where the profile says.
    factor
        float64 (m): multiplies the speed; 0 where the arc may not be driven.
    open_before
        bool (n): sections that are open without the scenario.
    """

    kph: NDArray[np.float64]
    factor: NDArray[np.float64]
    open_before: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Ground:
    """What access legs go by where it is to be the same in several states of a network.

    Attributes
    ----------
    start
        bool (n): sections where trips may start or end in every state.
    before
        bool (n): those where they may in the first state, for places that no other road is near:
        where such a road is closed they are out of reach.
    walls
        bool (n): sections that no access leg may cross.
    """

    start: NDArray[np.bool_]
    before: NDArray[np.bool_]
    walls: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Network:
    """A road network.

    One row of `roads` is one section, homogeneous in class, route number, directions, posted limit
    and opening date. Each direction in which it may be driven is an arc. Arcs end in routing nodes;
    ``nodes["junction"]`` says at which junction each lies (one to one until a turn restriction
    splits a junction).

    Attributes
    ----------
    roads
        GeoDataFrame, metric CRS, see `ROAD_COLUMNS`; its index is the section number.
    nodes
        DataFrame: ``x``, ``y`` (m, CRS of `roads`), ``junction``.
    arc_tail, arc_head
        int32 (m): routing node where each arc begins and ends.
    arc_section
        int32 (m): the section it drives along.
    arc_forward
        bool (m): whether it drives from u to v.
    closed
        bool (n): sections that may not be driven in this state of the network.
    info
        Where it came from.
    barriers
        object (k): polygons (CRS of `roads`) that no access leg may cross.
    parent
        int64 (n), where sections were cut or added: the number that each, or what it is part of,
        had before; -1 for those that only scenarios have. See `known_as`.
    edits
        Of a scenario, if one is applied.
    ground
        What ties go by, if that is shared with other states of the network.
    home
        The file it was read from, beside which the order of its nodes is kept.

    Examples
    --------
    >>> import technobelt as tb
    >>> network = tb.load_network(tb.load_region())
    >>> network.info.date, bool(network.on_routes(["10"]).any()), network.crs.to_epsg()
    ('2021-08', True, 5179)
    """

    roads: gpd.GeoDataFrame
    nodes: pd.DataFrame
    arc_tail: NDArray[np.int32]
    arc_head: NDArray[np.int32]
    arc_section: NDArray[np.int32]
    arc_forward: NDArray[np.bool_]
    closed: NDArray[np.bool_]
    info: NetworkInfo
    barriers: NDArray[np.object_]
    parent: NDArray[np.int64] | None = None
    edits: Edits | None = None
    ground: Ground | None = None
    home: Path | None = None

    @cached_property
    def topology(self) -> Topology:
        """Which arcs there are, whatever they cost and whether they are open."""
        from technobelt.routing import Topology

        file = None if self.home is None else self.home.with_suffix(".order.npz")
        return Topology(self.arc_tail, self.arc_head, len(self.nodes), file)

    @property
    def crs(self) -> Any:
        """The metric CRS of everything in it."""
        return self.roads.crs

    @cached_property
    def known_as(self) -> NDArray[np.int64]:
        """int64 (n): number of each section before any was cut, -1 where only scenarios have it."""
        return np.arange(len(self.roads)) if self.parent is None else self.parent

    @cached_property
    def road_class(self) -> NDArray[np.int8]:
        """Class of each section, as an index into `technobelt.schema.ROAD_CLASSES`."""
        codes = pd.Categorical(self.roads["class"], categories=list(ROAD_CLASSES)).codes
        return np.asarray(codes, dtype=np.int8)

    @cached_property
    def arcs_of(self) -> NDArray[np.int32]:
        """int32 (n, 2): each section's forward and backward arc, -1 where there is none."""
        arcs = np.full((len(self.roads), 2), -1, dtype=np.int32)
        column = np.where(self.arc_forward, 0, 1)
        arcs[self.arc_section, column] = np.arange(len(self.arc_section), dtype=np.int32)
        return arcs

    @cached_property
    def one_way(self) -> NDArray[np.bool_]:
        """Bool (n): sections that may be driven in one direction only."""
        return np.asarray((self.arcs_of < 0).any(axis=1))

    def bearing(self, refs: Collection[str]) -> NDArray[np.bool_]:
        """Mark the sections that bear one of the route numbers, of several or alone.

        Parameters
        ----------
        refs
            Route numbers.

        Returns
        -------
        numpy.ndarray
            bool (n), one for each section.
        """
        code, known = pd.factorize(self.roads["ref"])
        bears = [bool(set(refs) & set(str(ref).split(";"))) for ref in known]
        return np.asarray(np.append(np.array(bears, dtype=bool), False)[code])  # -1: none

    def on_routes(self, routes: Collection[str]) -> NDArray[np.bool_]:
        """Mark the motorway sections that bear one of the route numbers.

        Parameters
        ----------
        routes
            Route numbers.

        Returns
        -------
        numpy.ndarray
            bool (n), one for each section.
        """
        motorway = self.road_class == ROAD_CLASSES.index("motorway")
        return np.asarray(self.bearing(routes) & motorway)

    @cached_property
    def wait_s(self) -> NDArray[np.float64]:
        """float64 (n): seconds that each section takes besides driving, whatever the profile."""
        if "wait_s" not in self.roads:
            return np.zeros(len(self.roads))
        seconds = pd.to_numeric(self.roads["wait_s"]).to_numpy(np.float64)
        return np.asarray(np.nan_to_num(seconds))

    @cached_property
    def ferry(self) -> NDArray[np.bool_]:
        """Bool (n): sections that are ferries."""
        if "ferry" not in self.roads:
            return np.zeros(len(self.roads), dtype=bool)
        said = self.roads["ferry"].to_numpy(dtype=object)
        return np.array([one is not None and one == True for one in said], dtype=bool)  # noqa: E712

    @cached_property
    def lines(self) -> NDArray[np.object_]:
        """The sections' shapes."""
        return np.asarray(self.roads.geometry.to_numpy(), dtype=object)

    @cached_property
    def walls(self) -> NDArray[np.bool_]:
        """Bool (n): open motorway sections on the ground, which no access leg may cross."""
        if self.ground is not None:
            return self.ground.walls
        structure = self.roads["bridge"].to_numpy() + self.roads["tunnel"].to_numpy()
        wall = (self.road_class == ROAD_CLASSES.index("motorway")) & (structure < 0.5)
        return np.asarray(wall & ~self.closed)

    @cached_property
    def motorways(self) -> NDArray[np.object_]:
        """Shapes of `walls`."""
        return np.asarray(self.lines[self.walls])

    @cached_property
    def motorway_tree(self) -> Any:
        """Spatial index of `motorways`."""
        import shapely

        return shapely.STRtree(self.motorways)

    @cached_property
    def barrier_tree(self) -> Any:
        """Spatial index of the barriers."""
        import shapely

        return shapely.STRtree(self.barriers)

    @cached_property
    def key(self) -> str:
        """Content hash: equal for networks that give equal times between the same ties."""
        digest = hashlib.sha256()
        arcs = (self.arc_tail, self.arc_head, self.arc_section, self.arc_forward)
        for array in (*arcs, self.road_class, self.closed):
            digest.update(np.ascontiguousarray(array).tobytes())
        for column in ("length_m", "limit_kph"):
            digest.update(self.roads[column].to_numpy(dtype=np.float64).tobytes())
        if "wait_s" in self.roads:
            digest.update(self.wait_s.tobytes() + self.ferry.tobytes())
        if self.edits is not None:
            digest.update(self.edits.kph.tobytes() + self.edits.factor.tobytes())
        if self.parent is not None:
            digest.update(self.parent.tobytes())
        return digest.hexdigest()

    @cached_property
    def dated(self) -> bool:
        """Whether any section has an opening date."""
        return bool(self.roads["opened"].notna().any())

    def as_of(self, date: str) -> Network:
        """Return the network as it stood on a date; sections that opened later are closed.

        Sections without a date are taken as open, so that times can only be too short.

        Parameters
        ----------
        date
            ISO: a year, a month or a day; ``1999`` is the last day of 1999. The year or month that
            the network's own date lies in means that date.

        Returns
        -------
        Network
            With the same sections, more of them closed.

        Raises
        ------
        NetworkError
            The date is no date, is later than the network's own, earlier than that of any section,
            or no section has a date.
        """
        day = last_day(date)
        if date and self.info.date.startswith(date):
            day = last_day(self.info.date)
        if self.info.date and day > last_day(self.info.date):
            raise NetworkError(
                f"as of {date}: the roads are those of {self.info.date}. "
                "Choose that date or an earlier one."
            )
        if not self.dated:
            raise NetworkError(
                f"as of {date}: no section of '{self.info.file}' has an opening date. Use the "
                "built-in network, or add the column 'opened'."
            )
        opened = self.roads["opened"].fillna("").to_numpy(dtype=str)
        first = min(opened[opened != ""])
        if day < first:
            raise NetworkError(
                f"as of {date}: the first road with a date opened on {first}, so that nothing is "
                "known of the roads then. Choose a later date."
            )
        then = self.closing((opened != "") & (opened > day))
        return replace(then, info=replace(self.info, as_of=date))

    def closing(self, sections: NDArray[np.bool_]) -> Network:
        """Return the network with more sections closed.

        Parameters
        ----------
        sections
            bool (n), one for each section.

        Returns
        -------
        Network
            Where places tied to other sections stay tied as they were.
        """
        edits, ground = self.edits, self.ground
        if edits is not None:
            edits = replace(edits, open_before=edits.open_before & ~sections)
        if ground is not None:
            ground = replace(ground, start=ground.start & ~sections)
        return replace(self, closed=self.closed | sections, edits=edits, ground=ground)

    def with_scenario(self, scenario: Scenario) -> Network:
        """Return the network under the edits of a scenario.

        Parameters
        ----------
        scenario
            From `load_scenario`; its edits of facilities are for ``region.with_scenario``.

        Returns
        -------
        Network
            Sections that are cut or new come last.

        Raises
        ------
        ScenarioError
            An edit fits no road, or two bear on one.
        """
        from technobelt.network.edits import with_scenarios

        return with_scenarios(self, [scenario])[1].network

    def to_crs(self, crs: Any) -> Network:
        """Return the network in another metric CRS; lengths stay those of the ellipsoid.

        Parameters
        ----------
        crs
            Anything that `pyproj.CRS` takes.

        Returns
        -------
        Network
            Itself, where it is in this CRS.
        """
        import geopandas as gpd

        if self.crs == crs:
            return self
        roads = self.roads.to_crs(crs)
        u, v = roads["u"].to_numpy(np.int32), roads["v"].to_numpy(np.int32)
        shapes = gpd.GeoSeries(self.barriers, crs=self.crs).to_crs(crs).to_numpy()
        info = self.info
        if info.extent:
            outline = gpd.GeoSeries.from_wkt([info.extent], crs=self.crs).to_crs(crs)
            info = replace(info, extent=outline.to_wkt()[0])
        return replace(
            self, roads=roads, nodes=_nodes(roads, u, v), barriers=np.asarray(shapes), info=info
        )

    def with_barriers(self, barriers: gpd.GeoDataFrame) -> Network:
        """Return the network with polygons that no access leg may cross.

        Parameters
        ----------
        barriers
            Polygons, any CRS; they replace those that were there.

        Returns
        -------
        Network
            With the same roads.
        """
        shapes = np.asarray(barriers.to_crs(self.crs).geometry.to_numpy(), dtype=object)
        return replace(self, barriers=cut_small(shapes))


def cut_small(shapes: NDArray[np.object_], *, vertices: int = 64) -> NDArray[np.object_]:
    """Cut polygons into parts of few vertices, so that asking them about short lines is quick.

    Examples
    --------
    >>> import shapely
    >>> lake = np.array([shapely.Point(0, 0).buffer(1000, quad_segs=100)])
    >>> parts = cut_small(lake)
    >>> len(parts) > 4, bool(np.isclose(shapely.area(parts).sum(), lake[0].area))
    (True, True)
    """
    import shapely

    done, todo = [], shapely.get_parts(shapes)
    while len(todo):
        large = shapely.get_num_coordinates(todo) > vertices
        done.append(todo[~large])
        halves = [
            shapely.clip_by_rect(shape, *half)
            for shape in todo[large]
            for half in _halves(*shape.bounds)
        ]
        todo = shapely.get_parts(np.array(halves, dtype=object))
        todo = todo[shapely.get_type_id(todo) == shapely.GeometryType.POLYGON]
    return np.concatenate(done) if done else shapes


def _halves(
    west: float, south: float, east: float, north: float
) -> list[tuple[float, float, float, float]]:
    if east - west > north - south:
        middle = (west + east) / 2
        return [(west, south, middle, north), (middle, south, east, north)]
    middle = (south + north) / 2
    return [(west, south, east, middle), (west, middle, east, north)]


def last_day(date: str) -> str:
    """Return the last day of a year, month or day given in ISO form.

    Examples
    --------
    >>> last_day("1999"), last_day("2021-08"), last_day("2001-11-08")
    ('1999-12-31', '2021-08-31', '2001-11-08')
    """
    fault = NetworkError(f"'{date}' is no date. Write 1999, 1999-06 or 1999-06-30.")
    if not _ISO_DATE.fullmatch(date):
        raise fault  # pandas would take 12:30 for today
    try:
        return str(pd.Period(date).end_time.date())
    except ValueError as error:
        raise fault from error


def network_from_roads(
    roads: gpd.GeoDataFrame, info: NetworkInfo, *, barriers: NDArray[np.object_] | None = None
) -> Network:
    """Make a network of a table of road sections.

    Parameters
    ----------
    roads
        Columns as in `ROAD_COLUMNS`, metric CRS.
    info
        Where they came from.
    barriers
        Polygons that no access leg may cross, CRS of `roads`.

    Raises
    ------
    NetworkError
        There is no section, a column is missing, or a length is not positive.
    """
    _check(roads)
    roads = roads.reset_index(drop=True)
    for column in ("ref", "name", "opened", "opened_ev"):
        texts = roads[column].to_numpy(dtype=object, copy=True)
        texts[pd.isna(texts)] = None
        roads[column] = pd.Series(texts, dtype=object)
    u, v = roads["u"].to_numpy(np.int32), roads["v"].to_numpy(np.int32)
    section = np.arange(len(roads), dtype=np.int32)
    forward, backward = roads["forward"].to_numpy(bool), roads["backward"].to_numpy(bool)
    return Network(
        roads=roads,
        nodes=_nodes(roads, u, v),
        arc_tail=np.concatenate([u[forward], v[backward]]),
        arc_head=np.concatenate([v[forward], u[backward]]),
        arc_section=np.concatenate([section[forward], section[backward]]),
        arc_forward=np.repeat([True, False], [forward.sum(), backward.sum()]),
        closed=np.zeros(len(roads), dtype=bool),
        info=info,
        barriers=np.array([], dtype=object) if barriers is None else barriers,
    )


def _check(roads: gpd.GeoDataFrame) -> None:
    missing = [column for column in ROAD_COLUMNS if column not in roads.columns]
    if missing:
        raise NetworkError(
            f"the road table needs column '{missing[0]}'; found: {', '.join(roads.columns)}. "
            "Build it with 'technobelt network build'."
        )
    if roads.empty:
        raise NetworkError("the road table is empty. Build it from a file that has roads.")
    if roads.crs is None or roads.crs.is_geographic:
        raise NetworkError("the road table must be in a metric CRS. Build it anew.")
    length = roads["length_m"].to_numpy(dtype=np.float64)
    _refuse(~((length >= 0) & np.isfinite(length)), length, "length", "m; it must be 0 or more")
    limit = roads["limit_kph"].to_numpy(dtype=np.float64)
    what = "km/h; it must be above 0, or empty where none is known"
    _refuse(~(np.isnan(limit) | ((limit > 0) & np.isfinite(limit))), limit, "limit", what)
    unknown = {str(name) for name in roads["class"].unique()} - set(ROAD_CLASSES)
    if unknown:
        raise NetworkError(
            f"the road table has the unknown class '{min(unknown)}'; "
            f"the classes are {', '.join(ROAD_CLASSES)}."
        )


def _refuse(bad: NDArray[np.bool_], values: NDArray[np.float64], name: str, what: str) -> None:
    """Refuse a column with the first row in which it is no such number."""
    if bad.any():
        row = int(bad.argmax())
        raise NetworkError(f"road section {row} has the {name} {values[row]} {what}.")


def _nodes(roads: gpd.GeoDataFrame, u: NDArray[np.int32], v: NDArray[np.int32]) -> pd.DataFrame:
    import shapely

    lines = roads.geometry.to_numpy()
    vertices = shapely.get_coordinates(lines)
    stop = np.cumsum(shapely.get_num_coordinates(lines))
    n = int(max(u.max(), v.max())) + 1
    xy = np.full((n, 2), np.nan)
    xy[v] = vertices[stop - 1]
    xy[u] = vertices[np.append(0, stop[:-1])]
    return pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "junction": np.arange(n, dtype=np.int32)})
