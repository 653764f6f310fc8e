"""One route, drawn and told step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from shapely import ops

from technobelt.drives import best_drives
from technobelt.errors import PointError
from technobelt.network.ties import tie_points
from technobelt.travel_time import SAME_M, By, Model, model_of

if TYPE_CHECKING:
    import geopandas as gpd

    from technobelt.drives import Drive
    from technobelt.network.model import Network
    from technobelt.network.ties import Ties
    from technobelt.region import Profile

__all__ = ["route", "route_of_ties", "routes_of_pairs"]


def route(
    network: Network,
    origin: gpd.GeoDataFrame,
    destination: gpd.GeoDataFrame,
    *,
    profile: str | Profile = "free_flow",
    max_access_m: float = 1000.0,
    by: By = "time",
) -> gpd.GeoDataFrame:
    """Return the best way from one place to another, step by step.

    Parameters
    ----------
    network
        The roads.
    origin, destination
        One point each, any CRS.
    profile, max_access_m, by
        As in `technobelt.travel_times`.

    Returns
    -------
    geopandas.GeoDataFrame
        One row a step in the CRS of `origin`: ``step``, ``road`` (route number, else name, else
        class), ``class``, ``length_km``, ``time_min``, LineString. The first and the last row are
        the ``access`` legs and hold the fixed minutes there. The columns' sums are the trip's
        ``time_min`` and ``length_km`` of `technobelt.travel_times`.

    Raises
    ------
    PointError
        One of the places cannot be tied, more than one is given, both are the same, or there is no
        way.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> places = tb.facilities(region)
    >>> steps = tb.route(tb.load_network(region), places.loc[["UNI01"]], places.loc[["UNI02"]])
    >>> "10" in steps["road"].tolist()
    True
    """
    if len(origin) != 1 or len(destination) != 1:
        raise PointError(
            f"a route needs one origin and one destination; found {len(origin)} and "
            f"{len(destination)}. Use travel_times for many."
        )
    model = model_of(network, profile, by=by)
    start = tie_points(network, origin, max_access_m=max_access_m, what="origin")
    finish = tie_points(network, destination, max_access_m=max_access_m, what="destination")
    ends = _point(network, origin), _point(network, destination)
    if ends[0].distance(ends[1]) < SAME_M:
        raise PointError("the origin and the destination are the same place. Choose two.")
    return route_of_ties(model, start, finish, ends).to_crs(origin.crs)


def route_of_ties(
    model: Model, start: Ties, finish: Ties, ends: tuple[Any, Any]
) -> gpd.GeoDataFrame:
    """Return the best way between two points that are tied already.

    Parameters
    ----------
    model
        From `model_of`.
    start, finish
        Ties of one point each.
    ends
        The two points, CRS of the network: where the access legs begin and end.

    Returns
    -------
    geopandas.GeoDataFrame
        As `route` does, in the network's CRS.

    Raises
    ------
    PointError
        There is no way.
    """
    [drive] = best_drives(model, start, finish, [(0, 0)])
    if drive is None:
        raise PointError("there is no way from the origin to the destination on open roads.")
    return _steps(model, drive, _parts(model, drive), ends)


def routes_of_pairs(
    network: Network,
    places: gpd.GeoDataFrame,
    pairs: pd.DataFrame,
    *,
    profile: str | Profile = "free_flow",
    tolerance_m: float = 50.0,
) -> gpd.GeoSeries:
    """Return the ways driven of many trips, generalised for maps.

    Parameters
    ----------
    network
        The roads.
    places
        Points of any CRS, with the ids in their index.
    pairs
        ``from_id`` and ``to_id``, ids of places.
    profile
        Speed profile.
    tolerance_m
        How far a line may lie off the road.

    Returns
    -------
    geopandas.GeoSeries
        LineStrings in the network's CRS by the index of `pairs`, without access legs; None where
        there is no way, or a place is unknown or has no road near.

    Examples
    --------
    >>> import pandas as pd
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> trips = pd.DataFrame({"from_id": ["UNI01", "UNI01"], "to_id": ["UNI02", "nowhere"]})
    >>> ways = routes_of_pairs(tb.load_network(region), tb.facilities(region), trips)
    >>> int(ways.length.iloc[0] / 10_000), ways.iloc[1]
    (6, None)
    """
    import geopandas as gpd

    model = model_of(network, profile)
    ties = tie_points(network, places, what="places")
    ends = [places.index.get_indexer(pairs[name]) for name in ("from_id", "to_id")]
    known = np.flatnonzero(np.logical_and.reduce([(end >= 0) & ties.tied[end] for end in ends]))
    trips = [(int(ends[0][i]), int(ends[1][i])) for i in known]
    lines = np.full(len(pairs), None, dtype=object)
    for i, drive in zip(known, best_drives(model, ties, ties, trips), strict=True):
        lines[i] = None if drive is None else _line(network, drive)
    return gpd.GeoSeries(shapely.simplify(lines, tolerance_m), index=pairs.index, crs=network.crs)


def _line(network: Network, drive: Drive) -> Any:
    return _joined(pd.Series([_drawn(network, drive, i) for i in range(len(drive.arc))]))


def _parts(model: Model, drive: Drive) -> pd.DataFrame:
    """Return one row for each arc or part of one: road, class, length, time, shape."""
    network, costs = model.network, model.costs
    section = network.arc_section[drive.arc]
    rows = network.roads.iloc[section]
    label = rows["ref"].where(rows["ref"].notna(), rows["name"])
    return pd.DataFrame(
        {
            "road": label.where(label.notna(), rows["class"].astype(str)).to_numpy(),
            "class": rows["class"].astype(str).to_numpy(),
            "length_m": drive.share * rows["length_m"].to_numpy(np.float64),
            "seconds": drive.seconds(costs),
            "shape": [_drawn(network, drive, i) for i in range(len(drive.arc))],
        }
    )


def _drawn(network: Network, drive: Drive, i: int) -> Any:
    arc = drive.arc[i]
    line = network.lines[network.arc_section[arc]]
    if not network.arc_forward[arc]:
        line = shapely.reverse(line)
    if drive.share[i] == 1.0:
        return line
    return ops.substring(line, drive.enter[i], drive.leave[i], normalized=True)


def _point(network: Network, frame: gpd.GeoDataFrame) -> Any:
    return frame.geometry.to_crs(network.crs).representative_point().iloc[0]


def _steps(
    model: Model, drive: Drive, parts: pd.DataFrame, ends: tuple[Any, Any]
) -> gpd.GeoDataFrame:
    import geopandas as gpd

    run = (parts["road"] != parts["road"].shift()).cumsum()
    grouped = parts.groupby(run.to_numpy(), sort=True)
    driven = pd.DataFrame(
        {
            "road": grouped["road"].first(),
            "class": parts["class"].to_numpy()[grouped["length_m"].idxmax()],
            "length_km": grouped["length_m"].sum() / 1000,
            "time_min": grouped["seconds"].sum() / 60,
            "geometry": grouped["shape"].agg(_joined),
        }
    )
    first = _access(
        model, drive.access_m[0], model.costs.start_s, ends[0], driven["geometry"].iloc[0], 0
    )
    last = _access(
        model, drive.access_m[1], model.costs.finish_s, driven["geometry"].iloc[-1], ends[1], -1
    )
    table = pd.concat([first, driven, last], ignore_index=True)
    table.insert(0, "step", np.arange(1, len(table) + 1))
    return gpd.GeoDataFrame(table, geometry="geometry", crs=model.network.crs)


def _joined(shapes: pd.Series[Any]) -> Any:
    xy = np.concatenate([shapely.get_coordinates(shape) for shape in shapes])
    return shapely.LineString(xy if len(xy) > 1 else np.repeat(xy, 2, axis=0))


def _access(
    model: Model, metres: float, fixed_s: float, begin: Any, end: Any, at: int
) -> pd.DataFrame:
    a = begin if begin.geom_type == "Point" else shapely.get_point(begin, at)
    b = end if end.geom_type == "Point" else shapely.get_point(end, at)
    return pd.DataFrame(
        {
            "road": ["access"],
            "class": ["access"],
            "length_km": [metres / 1000],
            "time_min": [(metres / model.costs.access_mps + fixed_s) / 60],
            "geometry": [shapely.LineString([a, b])],
        }
    )
