"""Dates of opening on road sections: expressways, four roads known by name, and ramps.

An expressway section takes the date of its stretch, found by route number and by the order of the
interchanges between which it lies. Some roads that are no expressways are known by the names of
their ways. A ramp was of use from the day on which both roads that it joins were open.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.errors import LayerError
from technobelt.kyeongnam.boundaries import METRES
from technobelt.kyeongnam.highway import make_interchanges, openings, stretch_ends
from technobelt.kyeongnam.source import (
    HIGHWAY,
    ROADS_DATE,
    SEGMENTS,
    read_table,
    refuse_first,
)
from technobelt.network.build import transformer
from technobelt.network.model import last_day
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.osm import Ways

    Mask = NDArray[np.bool_]

__all__ = ["BY_NAME", "line_through", "nearest_stretch", "with_openings", "with_ramps"]

DATED_WITHIN_M = 3_000.0  # a stretch drawn straight between its interchanges runs this far off
BEYOND_M = 1_000.0  # a junction is as wide as this around its camera
#: Lines of which no interchange is known: their roads are dated by name or by route.
_NO_JUNCTIONS = ("ulsan", "changnyeong_miryang", "miryang_ulsan", "link")
_MOTORWAY = ROAD_CLASSES.index("motorway")
_RAMPS = [code for code, name in enumerate(ROAD_CLASSES) if name.endswith("_link")]

#: Stretch -> the names that its ways bear, and whether the stretch's date is only assumed for them.
BY_NAME: dict[str, dict[str, bool]] = {
    "LK1": {"창원터널": False},  # Changwon tunnel
    "LK2": {"마창대교": False},  # Machang bridge
    "LK3": {"불모산터널": True, "율하터널": True},  # Changwon-Busan road, opened in stages
    "LK4": {"거가대교": False, "가덕해저터널": False, "거가대로": True, "가덕터널": True},
}


def with_openings(ways: Ways, source: Path) -> Ways:
    """Return the ways with dates of opening and their evidence.

    Parameters
    ----------
    ways
        Of the whole country.
    source
        Folder of the source material.

    Returns
    -------
    Ways
        ``opened`` is None and ``opened_ev`` is ``unknown`` where nothing is known: such a road
        counts as open.

    Raises
    ------
    LayerError
        A stretch names interchanges that its line does not have, or a date that is none.
    """
    table = _segments(source)
    return with_ramps(_with_links(_with_expressways(ways, source, table), table))


def _with_expressways(ways: Ways, source: Path, table: pd.DataFrame) -> Ways:
    """Date motorways by the stretch of their own route number whose line passes nearest."""
    stretches = _stretches(source, table)
    opened, evidence = ways.opened.copy(), ways.opened_ev.copy()
    middle = (ways.start[:-1] + ways.start[1:] - 1) // 2
    xy = np.stack(transformer(METRES).transform(*ways.lonlat[middle].T), axis=1)
    motorway = ways.road_class == _MOTORWAY
    bears = pd.Series(ways.ref, dtype=object).fillna("").str.split(";")
    for route, mine in stretches.groupby("route"):
        on_route = np.flatnonzero(motorway & np.array([route in numbers for numbers in bears]))
        if not len(on_route):
            continue
        best, near = nearest_stretch(xy[on_route], mine["line"].to_numpy())
        opened[on_route[near]] = mine["opened"].to_numpy()[best[near]]
        evidence[on_route[near]] = mine["opened_ev"].to_numpy()[best[near]]
    for route, day in _whole_routes(table, stretches).items():
        on_route = motorway & (ways.ref == route)
        opened[on_route], evidence[on_route] = day, "assumed"
    return replace(ways, opened=opened, opened_ev=evidence)


def nearest_stretch(
    xy: NDArray[np.float64], lines: NDArray[np.object_]
) -> tuple[NDArray[np.intp], Mask]:
    """Return which line each point lies nearest to, and whether it lies along it.

    A point more than a kilometre beyond a line's end, or 3 km beside it, does not.

    Examples
    --------
    >>> road = np.array([shapely.LineString([(0, 0), (9_000, 0)])])
    >>> xy = np.array([[5_000.0, 800.0], [9_900.0, 0.0], [10_100.0, 0.0]])
    >>> nearest_stretch(xy, road)[1].tolist()
    [True, True, False]
    """
    places = np.asarray(shapely.points(xy), dtype=object)
    distance = shapely.distance(places[:, None], lines[None, :])
    best = distance.argmin(axis=1)
    line = lines[best]
    along = shapely.line_locate_point(line, places)
    beyond = (along <= 0) | (along >= shapely.length(line))
    far = distance[np.arange(len(best)), best]
    return best, np.where(beyond, far <= BEYOND_M, far <= DATED_WITHIN_M)


def _whole_routes(table: pd.DataFrame, stretches: pd.DataFrame) -> dict[str, str]:
    """Return the day of routes without interchanges of which only one stretch had opened."""
    rest = table[(table["route"] != "") & ~table["route"].isin(stretches["route"])]
    rest = rest[rest["opened"].notna() & (rest["opened"].fillna("") <= last_day(ROADS_DATE))]
    alone = rest[~rest["route"].duplicated(keep=False)]
    return dict(zip(alone["route"], alone["opened"], strict=True))


def _with_links(ways: Ways, table: pd.DataFrame) -> Ways:
    """Date the roads of `BY_NAME`.

    Where a name goes on beyond the stretch, or a part was open before the whole, it is assumed.

    Raises
    ------
    LayerError
        The table has no such stretch.
    """
    opened, evidence = ways.opened.copy(), ways.opened_ev.copy()
    known = table.set_index("segment_id")
    for stretch, names in BY_NAME.items():
        if stretch not in known.index:
            raise LayerError(
                f"'{SEGMENTS}' has no stretch '{stretch}', by which {', '.join(names)} are dated. "
                "Add it; no layer was replaced."
            )
        for name, assumed in names.items():
            mine = (ways.name == name) & ~np.isin(ways.road_class, _RAMPS)
            opened[mine] = known.loc[stretch, "opened"]
            evidence[mine] = "assumed" if assumed else known.loc[stretch, "opened_ev"]
    return replace(ways, opened=opened, opened_ev=evidence)


def with_ramps(ways: Ways) -> Ways:
    """Return the ways with the dates of ramps: the later of the roads that each joins.

    Where several roads lead on to a ramp, or away from it, the earliest of them counts: from then
    on it was of use. Roads without a date are taken as open always. What is inherited is assumed.
    """
    ramp = np.isin(ways.road_class, _RAMPS)
    both = ways.forward & ways.backward
    days, code = _codes(ways.opened)
    _, number = np.unique(ways.node, return_inverse=True)
    road = _earliest(number, ways.vertices_of(~ramp), np.repeat(code, np.diff(ways.start)))
    tail, head = _steps(ways, number, ramp & ~both)
    onto, away = _spread(road, tail, head), _spread(road, head, tail)
    first, last = number[ways.start[:-1]], number[ways.start[1:] - 1]
    begin, end = np.where(ways.forward, first, last), np.where(ways.forward, last, first)
    one_way = np.maximum(onto[begin], away[end])
    either = np.minimum(onto, away)
    joined = np.where(both, np.maximum(either[first], either[last]), one_way)
    mine = ramp & (joined > 0) & (joined < len(days))
    opened, evidence = ways.opened.copy(), ways.opened_ev.copy()
    opened[mine], evidence[mine] = days[joined[mine]], "assumed"
    return replace(ways, opened=opened, opened_ev=evidence)


def _codes(opened: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return the days in order, no day first, and the number of each way's."""
    days = np.array(["", *sorted({day for day in opened if day is not None})], dtype=object)
    numbers = {day: at for at, day in enumerate(days)}
    return days, np.array([numbers[day or ""] for day in opened], dtype=np.int64)


def _earliest(number: NDArray[np.intp], chosen: Mask, code: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the earliest day of the roads at each node; beyond all days where there is none."""
    day = np.full(number.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(day, number[chosen], code[chosen])
    return day


def _steps(
    ways: Ways, number: NDArray[np.intp], ramp: Mask
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return tail and head of every step along the one-way ramps, as they are driven."""
    inside = np.ones(len(number), dtype=bool)
    inside[ways.start[1:] - 1] = False
    at = np.flatnonzero(inside & ways.vertices_of(ramp))
    ahead = ways.vertices_of(ways.forward)[at]
    here, there = number[at], number[at + 1]
    return np.where(ahead, here, there), np.where(ahead, there, here)


def _spread(
    day: NDArray[np.int64], tail: NDArray[np.intp], head: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Carry the earliest day along the steps until nothing gets earlier."""
    spread = day.copy()
    while True:
        before = spread.copy()
        np.minimum.at(spread, head, before[tail])
        if (spread == before).all():
            return spread


def _segments(source: Path) -> pd.DataFrame:
    """Return the stretches: route number, date, evidence, indexed by line."""
    columns = ("segment_id", "line_id", "route_no_today", "name", "opened", "note")
    table = read_table(source, SEGMENTS, columns)
    refuse_first(table["segment_id"], table["segment_id"].duplicated(), SEGMENTS, "stands twice")
    dates = openings(table, SEGMENTS)
    return table.assign(
        route=table["route_no_today"],
        opened=pd.Series([date.opened for date in dates], index=table.index, dtype=object),
        opened_ev=[date.evidence for date in dates],
    )


def _stretches(source: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Return the stretches of expressways that have interchanges, each with its line.

    Those whose date is not known are among them: what lies nearest to one has no date either.
    """
    junctions = make_interchanges(source).to_crs(METRES)
    _need_lines(table, junctions)
    table = table[(table["route"] != "") & table["line_id"].isin(junctions["line"])]
    lines = [line_through(row, junctions, number) for number, row in table.iterrows()]
    return table.assign(line=lines)


def _need_lines(table: pd.DataFrame, junctions: gpd.GeoDataFrame) -> None:
    """Refuse stretches of a line that is not known, or of another route than their line's."""
    known = table["line_id"].isin([*junctions["line"], *_NO_JUNCTIONS])
    refuse_first(table["line_id"], ~known, SEGMENTS, f"has no interchange in '{HIGHWAY}'")
    routes = table["line_id"].map(dict(zip(junctions["line"], junctions["route_no"], strict=True)))
    other = routes.notna() & (routes != table["route"])
    refuse_first(table["route_no_today"], other, SEGMENTS, f"is not its line's in '{HIGHWAY}'")


def line_through(row: pd.Series[Any], junctions: gpd.GeoDataFrame, number: object) -> Any:
    """Return the line through a stretch's interchanges, from end to end.

    Parameters
    ----------
    row
        The stretch: ``name``, ``line_id``, ``route``.
    junctions
        All interchanges, metres: ``name``, ``line``, ``order``, ``route_no``. An end may belong to
        another line of the same route: it is then joined to the nearer end.
    number
        Line of the file, for the message.

    Raises
    ------
    LayerError
        The name names an interchange that its route does not have.
    """
    mine = junctions["line"] == row["line_id"]
    own = junctions[mine].sort_values("order")
    route = junctions[~mine & (junctions["route_no"] == row["route"])]
    ends = stretch_ends(row["name"], pd.concat([own, route]), number)
    if ends is None:
        return shapely.LineString(shapely.get_coordinates(own.geometry.to_numpy()))
    orders = [end["order"] if end["line"] == row["line_id"] else None for end in ends]
    known = [order for order in orders if order is not None] or [own["order"].min()]
    low = min(known) if None not in orders else own["order"].min()
    high = max(known) if None not in orders else own["order"].max()
    line = shapely.get_coordinates(own[own["order"].between(low, high)].geometry.to_numpy())
    for end in (end for end, order in zip(ends, orders, strict=True) if order is None):
        at = shapely.get_coordinates(end["geometry"])
        nearer_first = np.hypot(*(line[0] - at[0])) < np.hypot(*(line[-1] - at[0]))
        line = np.vstack([at, line] if nearer_first else [line, at])
    return shapely.LineString(line)
