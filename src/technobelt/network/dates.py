"""Of which day a network is; how much of it has a date of opening, and on what evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from technobelt.errors import NetworkError
from technobelt.network.model import last_day

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.model import Network

__all__ = ["day_of", "kilometres_by_evidence", "with_dates_of"]

_EVIDENCE = ("dated", "assumed", "unknown")
_MOTORWAYS = ("motorway", "motorway_link")
_MOTORWAY, _NO_NUMBER, _RAMPS = "motorway ", "motorway, no number", "motorway ramps"
_DATED, _OTHER = "other dated roads", "other roads"


def day_of(network: Network, as_of: str | None = None) -> str | None:
    """Return the day (ISO) whose roads are meant; None where nobody has dated the network.

    Parameters
    ----------
    network
        From `load_network`.
    as_of
        A date that was asked for; the network's own by default.

    Examples
    --------
    >>> import technobelt as tb
    >>> network = tb.load_network(tb.load_region())
    >>> day_of(network), day_of(network, "1999")
    ('2021-08-31', '1999-12-31')
    """
    said = as_of or network.info.as_of or network.info.date
    return last_day(said) if said else None


def with_dates_of(network: Network, dated: Network) -> Network:
    """Return a network with the dates of opening that another one knows of the same roads.

    A section takes the date of the nearest section of the same class, and the same route number or
    else name, if that lies within 50 m of its middle. What has a date keeps it.

    Parameters
    ----------
    network
        For example of an OSM file, whose roads have no dates.
    dated
        For example of a region; any CRS.

    Raises
    ------
    NetworkError
        No section is the same road as a dated one.

    Examples
    --------
    >>> import technobelt as tb
    >>> network = tb.load_network(tb.load_region())
    >>> bare = replace(network, roads=network.roads.assign(opened=None, opened_ev=None))
    >>> bare.dated, with_dates_of(bare, network).dated
    (False, True)
    """
    source = dated.to_crs(network.crs).roads
    source = source[source["opened"].notna()]
    roads = network.roads.copy()
    bare = np.flatnonzero(roads["opened"].isna())
    at, found = _same_roads(roads.iloc[bare], source)
    if not len(at):
        raise NetworkError(
            f"no section of '{network.info.file}' is a road that '{dated.info.file}' has a date "
            "of. Take dates from a network of the same area."
        )
    for column in ("opened", "opened_ev"):
        values = roads[column].to_numpy(object).copy()
        values[bare[at]] = source[column].to_numpy(object)[found]
        roads[column] = pd.Series(values, index=roads.index, dtype=object)  # None stays None
    return replace(network, roads=roads)


def _same_roads(
    roads: gpd.GeoDataFrame, source: gpd.GeoDataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of rows that are the same road, one for each of `roads` that has one."""
    import shapely

    middle = shapely.line_interpolate_point(roads.geometry.to_numpy(), 0.5, normalized=True)
    lines = source.geometry.to_numpy()
    at, found = shapely.STRtree(lines).query(middle, predicate="dwithin", distance=_SAME_ROAD_M)
    same = _called(roads)[at] == _called(source)[found]
    at, found = at[same], found[same]
    order = np.lexsort((shapely.distance(middle[at], lines[found]), at))
    first = np.diff(at[order], prepend=-1) > 0
    return at[order][first], found[order][first]


def _called(roads: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return class and route number, or else name, of each section."""
    ref = roads["ref"].where(roads["ref"].notna(), roads["name"]).fillna("")
    return np.asarray(roads["class"].astype(str) + " " + ref.astype(str), dtype=object)


_SAME_ROAD_M = 50.0


def kilometres_by_evidence(network: Network) -> pd.DataFrame:
    """Count kilometres of road by route and by the evidence of their dates of opening.

    A divided road counts once for each carriageway. Roads without any evidence count as
    ``unknown``: they are taken as open at all times.

    Parameters
    ----------
    network
        From `load_network`.

    Returns
    -------
    pandas.DataFrame
        ``route``: ``motorway 10`` for motorways by their route number, ``motorway, no number``,
        ``motorway ramps``, the name of other roads that have dates, ``other roads``;
        ``dated_km``, ``assumed_km``, ``unknown_km``; ``first`` and ``last``: earliest and latest
        day of opening, ISO. Expressways first, the longest dated ones on top.

    Examples
    --------
    >>> import technobelt as tb
    >>> table = tb.kilometres_by_evidence(tb.load_network(tb.load_region())).set_index("route")
    >>> table.loc["motorway 102", "first"]
    '1973-11-14'
    """
    roads = network.roads
    evidence = roads["opened_ev"].fillna("unknown").to_numpy(object)
    table = pd.DataFrame(
        {
            "route": _groups(roads, evidence),
            "opened": roads["opened"].to_numpy(object),
            **{
                f"{word}_km": np.where(evidence == word, roads["length_m"] / 1000, 0.0)
                for word in _EVIDENCE
            },
        }
    )
    groups = table.groupby("route")
    sums = groups[[f"{word}_km" for word in _EVIDENCE]].sum().round(1)
    sums["first"], sums["last"] = groups["opened"].min(), groups["opened"].max()
    sums["rank"] = [_rank(route) for route in sums.index]
    sums["known"] = sums["dated_km"] + sums["assumed_km"]
    ordered = sums.reset_index().sort_values(
        ["rank", "known", "route"], ascending=[True, False, True]
    )
    return ordered.drop(columns=["rank", "known"]).reset_index(drop=True)


def _groups(roads: pd.DataFrame, evidence: np.ndarray[tuple[int], np.dtype[np.object_]]) -> object:
    """Name the group of each section."""
    name = roads["class"].astype(str).to_numpy(object)
    number = roads["ref"].fillna("").to_numpy(object)
    called = roads["name"].fillna("").to_numpy(object)
    motorway = name == _MOTORWAYS[0]
    known = evidence != "unknown"
    return np.select(
        [
            motorway & (number != ""),
            motorway,
            name == _MOTORWAYS[1],
            known & (called != ""),
            known,
        ],
        [
            _MOTORWAY + number,
            _NO_NUMBER,
            _RAMPS,
            called,
            _DATED,
        ],
        default=_OTHER,
    )


def _rank(route: str) -> int:
    """Return where a group stands: numbered motorways 0, roads known by name 3."""
    last = {_NO_NUMBER: 1, _RAMPS: 2, _DATED: 4, _OTHER: 5}
    return last.get(route, 0 if route.startswith(_MOTORWAY) else 3)
