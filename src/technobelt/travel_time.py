"""Travel times and nearest facilities, door to door.

A trip is: the fixed seconds at its origin, an access leg to a road, the drive, an access leg from
the road, the fixed seconds at its destination. Points join roads at positions along them, so a
drive begins and ends with parts of sections; where both ends lie on one section, the direct way
competes with the way round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from technobelt.errors import PointError, RegionError
from technobelt.network.speeds import Bound, Costs, arc_costs
from technobelt.network.ties import Ties, tie_points
from technobelt.region import Profile, load_region
from technobelt.routing import Graph, Seeds, make_graph, nearest_tree, trees

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.model import Network

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "By",
    "Ends",
    "Model",
    "direct_ways",
    "limit_s",
    "matrix",
    "measuring",
    "model_of",
    "nearest",
    "resolve_profile",
    "travel_times",
    "ways_in",
    "ways_out",
]

By = Literal["time", "length"]

#: Resolution of the cost to be least: a millisecond, or a centimetre.
_STEP = {"time": 0.001, "length": 0.01}
#: Values handled at once, so that a tree's answers for a million places fit in memory.
_BLOCK_VALUES = 2_000_000
#: Points so near each other are one place, m.
SAME_M = 0.01
_METRES_PER_KM = 1000.0
_SECONDS_PER_MINUTE = 60.0


#: Models that are remembered, by content: the last few, of so many arcs in all.
_models: dict[tuple[Any, ...], Model] = {}
_remembering = Lock()
_MOST_MODELS, _MOST_ARCS = 16, 16_000_000


@dataclass(frozen=True, eq=False)
class Model:
    """A network under one profile, ready to be asked: which cost is least, and what arcs cost.

    Attributes
    ----------
    network, costs, by
        What it was made of.
    graph
        Arcs with the cost to be least first.
    measure
        float64 (m): what is added up along the way beside the seconds, for each whole arc: metres,
        unless the model is of `measuring`.
    walked
        Whether access legs add their metres to it.
    """

    network: Network
    costs: Costs
    by: By
    graph: Graph
    measure: Floats
    walked: bool = True

    def ordered(self, seconds: Floats, metres: Floats) -> tuple[Floats, Floats]:
        """Return (first, second) cost from (seconds, metres), or the other way round."""
        return (seconds, metres) if self.by == "time" else (metres, seconds)


@dataclass(frozen=True, eq=False)
class Ends:
    """Ways between points and nodes: out of an origin, or into a destination.

    All arrays have one entry for each way: the point, its tie, the arc driven in part, the node at
    the other end, and both costs.
    """

    point: Ints
    tie: Ints
    arc: Ints
    node: Ints
    first: Floats
    second: Floats
    n: int

    def seeds(self) -> Seeds:
        """Return them as seeds of one search a point."""
        return Seeds(self.point, self.node, self.first, self.second, self.n)


@cache
def _built_in_profiles() -> Mapping[str, Profile]:
    return load_region().profiles


def resolve_profile(profile: str | Profile) -> Profile:
    """Return a profile; a name means one of the built-in region's.

    Raises
    ------
    RegionError
        There is no profile of that name.
    """
    if isinstance(profile, Profile):
        return profile
    known = _built_in_profiles()
    if profile not in known:
        raise RegionError(
            f"no speed profile '{profile}'; there are {', '.join(known)}. For a region's own, "
            "give region.profiles[name]."
        )
    return known[profile]


def model_of(
    network: Network,
    profile: str | Profile,
    *,
    by: By = "time",
    bound: Bound = "value",
    factor: float = 1.0,
) -> Model:
    """Prepare a network for questions under one profile; the last few are remembered.

    Parameters
    ----------
    network
        The roads.
    profile
        A profile, or the name of one of the built-in region's.
    by
        What is to be least.
    bound
        Which end of the profile's stated ranges to use.
    factor
        Multiplies all driving speeds.
    """
    named = resolve_profile(profile)
    key = network.key, named.model_dump_json(), by, bound, factor
    model = _models.pop(key, None) or _made(network, named, by, bound, factor)
    if model.network is not network:  # of equal content: its CRS, barriers and names may differ
        model = replace(model, network=network)
    _remember(key, model)
    return model


def _remember(key: tuple[Any, ...], model: Model) -> None:
    """Keep a model, and let go the oldest ones, which may hold a whole country's hierarchy each."""
    with _remembering:
        _models[key] = model
        while len(_models) > 1 and (
            len(_models) > _MOST_MODELS
            or sum(len(one.graph.weight) for one in _models.values()) > _MOST_ARCS
        ):
            del _models[next(iter(_models))]


def _made(network: Network, profile: Profile, by: By, bound: Bound, factor: float) -> Model:
    costs = arc_costs(network, profile, bound=bound, factor=factor)
    metres = network.roads["length_m"].to_numpy(np.float64)[network.arc_section]
    passable = np.where(np.isfinite(costs.drive_s), metres, np.inf)
    first, second = (costs.arc_s, passable) if by == "time" else (passable, costs.arc_s)
    graph = make_graph(network.topology, first, second, step=_STEP[by])
    return Model(network, costs, by, graph, metres)


def measuring(network: Network, costs: Costs, measure: Floats, *, step: float = 0.001) -> Model:
    """Prepare a network whose quickest ways add up something else than metres.

    Parameters
    ----------
    network, costs
        The roads, and what they cost.
    measure
        float64 (m): finite, for each whole arc; parts of arcs count in proportion.
    step
        Resolution of the seconds.

    Returns
    -------
    Model
        `matrix` returns seconds and sums of the measure.
    """
    return Model(
        network,
        costs,
        "time",
        make_graph(network.topology, costs.arc_s, measure, step=step),
        measure,
        walked=False,
    )


def ways_out(model: Model, ties: Ties) -> Ends:
    """Return the ways from tied origins to the nodes that they reach first."""
    return _ends(model, ties, leaving=True)


def ways_in(model: Model, ties: Ties) -> Ends:
    """Return the ways to tied destinations from the nodes that they are reached by last."""
    return _ends(model, ties, leaving=False)


def _ends(model: Model, ties: Ties, *, leaving: bool) -> Ends:
    network, costs = model.network, model.costs
    arcs = network.arcs_of[ties.section].astype(np.int64)
    tie = np.repeat(np.arange(len(ties.point)), 2)
    arc, along = arcs.ravel(), np.tile([True, False], len(ties.point))
    there = arc >= 0
    tie, arc, along = tie[there], arc[there], along[there]
    done = np.where(along, ties.fraction[tie], 1 - ties.fraction[tie])
    share = 1 - done if leaving else done
    seconds = _part(share, costs.drive_s[arc]) + ties.access_m[tie] / costs.access_mps
    seconds += costs.start_s + costs.end_s[arc] if leaving else costs.finish_s
    metres = share * model.measure[arc] + (ties.access_m[tie] if model.walked else 0.0)
    first, second = model.ordered(seconds, metres)
    node = (network.arc_head if leaving else network.arc_tail)[arc].astype(np.int64)
    return Ends(ties.point[tie], tie, arc, node, first, second, ties.n)


def _part(share: Floats, drive_s: Floats) -> Floats:
    """Return the seconds of parts of arcs; no part of a closed one may be driven, not even none."""
    seconds = np.full(len(share), np.inf)
    is_open = np.isfinite(drive_s)
    seconds[is_open] = share[is_open] * drive_s[is_open]
    return seconds


def matrix(
    model: Model,
    origins: Ties,
    destinations: Ties,
    *,
    max_minutes: float | None = None,
    root: Literal["origins", "destinations"] = "origins",
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Floats, Floats]:
    """Return seconds and metres between all tied points; infinite where there is no way.

    Parameters
    ----------
    model
        From `model_of`.
    origins, destinations
        From `tie_points`.
    max_minutes
        Longer trips need not be found.
    root
        Where trees are grown: at the side with fewer points.
    progress
        Called with (trees grown, trees).

    Returns
    -------
    seconds, metres
        float64 (origins.n, destinations.n).
    """
    from_origins = root == "origins"
    roots = ways_out(model, origins) if from_origins else ways_in(model, destinations)
    ends = ways_in(model, destinations) if from_origins else ways_out(model, origins)
    graph = model.graph if from_origins else model.graph.turned
    packed = np.full((roots.n, ends.n), np.inf)
    entry = graph.pack(ends.first, ends.second)
    begins = np.flatnonzero(np.diff(ends.point, prepend=-1))
    nodes, column = np.unique(ends.node, return_inverse=True)
    limit = limit_s(model, max_minutes)
    for searches, reached in trees(graph, roots.seeds(), limit=limit, nodes=nodes):
        rows = slice(int(searches[0]), int(searches[-1]) + 1)
        for begin, stop in _columns(len(searches), begins, len(entry)):
            part = slice(begin, stop)
            sums = reached[:, column[part]] + entry[part]
            mine = begins[(begins >= begin) & (begins < stop)]
            packed[rows, ends.point[mine]] = np.minimum.reduceat(sums, mine - begin, axis=1)
        if progress is not None:
            progress(rows.stop, roots.n)
    packed = packed if from_origins else packed.T
    _shorten_by_direct(packed, model, origins, destinations)
    first, second = graph.unpack(packed)
    return model.ordered(first, second)


def _columns(rows: int, begins: Ints, n: int) -> list[tuple[int, int]]:
    """Cut the ends of all points into blocks of bounded size, none of them inside a point."""
    if not n:
        return []
    size = max(1, _BLOCK_VALUES // max(rows, 1))
    cuts = begins[np.searchsorted(begins, np.arange(0, n, size))[1:].clip(max=len(begins) - 1)]
    edges = np.unique(np.concatenate([[0], cuts, [n]]))
    return [(int(a), int(b)) for a, b in pairwise(edges)]


def limit_s(model: Model, max_minutes: float | None) -> float:
    """Return the limit of a search in seconds; none where metres are to be least."""
    if max_minutes is None or model.by == "length":
        return np.inf
    return max_minutes * _SECONDS_PER_MINUTE


def _shorten_by_direct(packed: Floats, model: Model, origins: Ties, destinations: Ties) -> None:
    """Where an origin and a destination lie on one section, let the direct way compete."""
    o, d, first, second = direct_ways(model, origins, destinations)
    direct = model.graph.pack(first, second)
    np.minimum.at(packed, (origins.point[o], destinations.point[d]), direct)


def direct_ways(
    model: Model, origins: Ties, destinations: Ties
) -> tuple[Ints, Ints, Floats, Floats]:
    """Return the ways along one section: tie of origin, tie of destination, both costs."""
    network, costs = model.network, model.costs
    o, d = _pairs_on_one_section(origins.section, destinations.section)
    section = origins.section[o]
    share = destinations.fraction[d] - origins.fraction[o]
    arc = network.arcs_of[section, np.where(share >= 0, 0, 1)]
    arc = np.where((share == 0) & (arc < 0), network.arcs_of[section, 1], arc)
    there = arc >= 0
    o, d, arc, share = o[there], d[there], arc[there], np.abs(share[there])
    access = origins.access_m[o] + destinations.access_m[d]
    seconds = _part(share, costs.drive_s[arc]) + access / costs.access_mps
    metres = share * model.measure[arc] + (access if model.walked else 0.0)
    return o, d, *model.ordered(seconds + costs.start_s + costs.finish_s, metres)


def _pairs_on_one_section(origin: Ints, destination: Ints) -> tuple[Ints, Ints]:
    """Return which entries of two lists of sections are the same."""
    order = np.argsort(destination, kind="stable")
    begin = np.searchsorted(destination, origin, side="left", sorter=order)
    end = np.searchsorted(destination, origin, side="right", sorter=order)
    count = end - begin
    o = np.repeat(np.arange(len(origin)), count)
    nth = np.arange(len(o)) - np.repeat(np.cumsum(count) - count, count)
    return o, order[np.repeat(begin, count) + nth]


def travel_times(
    network: Network,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    profile: str | Profile = "free_flow",
    max_minutes: float | None = None,
    max_access_m: float = 1000.0,
    by: By = "time",
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return the travel time of every trip from an origin to a destination.

    Parameters
    ----------
    network
        The roads.
    origins, destinations
        Points in any CRS (other shapes count as a point inside them); their index gives the ids.
    profile
        Speeds and fixed seconds: a name of the built-in region's profiles, or a profile.
    max_minutes
        Longer trips are not searched for.
    max_access_m
        Longest way between a point and its road, m.
    by
        Take the quickest way, or the shortest.
    progress
        Called with (origins done, origins).

    Returns
    -------
    pandas.DataFrame
        One row a pair, in the order of origins, then destinations: ``from_id``, ``to_id``,
        ``time_min`` (minutes, door to door), ``length_km`` (access legs included), ``status``:
        ``ok``; ``over_limit`` (not within `max_minutes`); ``unreachable`` (no way); ``not_tied``
        (no road near). Times and lengths are NaN unless ``ok``. A place is at itself: 0 minutes.

    Raises
    ------
    PointError
        Not one origin, or not one destination, can be tied to a road.
    CRSError
        Points without a CRS, or plainly in another one.
    RegionError
        There is no profile of that name.

    Notes
    -----
    Exact shortest paths. Turn restrictions and signals are not modelled.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> network = tb.load_network(region)
    >>> places = tb.facilities(region)
    >>> times = tb.travel_times(network, places.loc[["UNI01"]], places.loc[["UNI02", "UNI04"]])
    >>> times["status"].tolist()
    ['ok', 'ok']
    """
    model = model_of(network, profile, by=by)
    start = tie_points(network, origins, max_access_m=max_access_m, what="origins")
    finish = tie_points(network, destinations, max_access_m=max_access_m, what="destinations")
    seconds, metres = matrix(model, start, finish, max_minutes=max_minutes, progress=progress)
    same = _same_place(network, origins, destinations)
    seconds[same] = metres[same] = 0.0
    return _as_table(
        seconds,
        metres,
        start.tied[:, None] & finish.tied[None, :],
        origins,
        destinations,
        max_minutes,
    )


def _same_place(network: Network, origins: gpd.GeoDataFrame, destinations: gpd.GeoDataFrame) -> Any:
    a = origins.geometry.to_crs(network.crs).representative_point()
    b = destinations.geometry.to_crs(network.crs).representative_point()
    dx = np.abs(a.x.to_numpy()[:, None] - b.x.to_numpy()[None, :])
    dy = np.abs(a.y.to_numpy()[:, None] - b.y.to_numpy()[None, :])
    return (dx < SAME_M) & (dy < SAME_M)


def _as_table(
    seconds: Floats,
    metres: Floats,
    tied: NDArray[np.bool_],
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    max_minutes: float | None,
) -> pd.DataFrame:
    minutes = seconds / _SECONDS_PER_MINUTE
    status = _status(minutes, tied, max_minutes)
    ok = status == "ok"
    return pd.DataFrame(
        {
            "from_id": np.repeat(origins.index.to_numpy(), len(destinations)),
            "to_id": np.tile(destinations.index.to_numpy(), len(origins)),
            "time_min": np.where(ok, minutes, np.nan).ravel(),
            "length_km": np.where(ok, metres / _METRES_PER_KM, np.nan).ravel(),
            "status": status.ravel(),
        }
    )


def _status(
    minutes: Floats, tied: NDArray[np.bool_], max_minutes: float | None
) -> NDArray[np.object_]:
    beyond = "unreachable" if max_minutes is None else "over_limit"
    status = np.where(np.isfinite(minutes), "ok", beyond).astype(object)
    if max_minutes is not None:
        status[minutes > max_minutes] = "over_limit"
    status[~tied] = "not_tied"
    return status


def nearest(
    network: Network,
    origins: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    *,
    profile: str | Profile = "free_flow",
    toward: bool = True,
    max_minutes: float | None = None,
    max_access_m: float = 1000.0,
    by: By = "time",
) -> pd.DataFrame:
    """Return the facility that each place reaches first.

    Parameters
    ----------
    network
        The roads.
    origins, facilities
        Points in any CRS; their index gives the ids.
    profile, max_minutes, max_access_m, by
        As in `travel_times`.
    toward
        Drive from the place to the facility; False: from the facility to the place.

    Returns
    -------
    pandas.DataFrame
        One row a place, in order: ``id``, ``nearest_id`` (None unless ``ok``), ``time_min``,
        ``length_km``, ``status`` as in `travel_times`.

    Raises
    ------
    PointError
        Not one place, or not one facility, can be tied to a road; or there are no facilities.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> places = tb.facilities(region)
    >>> found = tb.nearest(
    ...     tb.load_network(region), places.loc[["NIC01"]], places.loc[["UNI01", "UNI02"]]
    ... )
    >>> found["nearest_id"].tolist()
    ['UNI02']
    """
    if not len(facilities):
        raise PointError("there are no facilities. Hand in at least one.")
    model = model_of(network, profile, by=by)
    start = tie_points(network, origins, max_access_m=max_access_m, what="origins")
    finish = tie_points(network, facilities, max_access_m=max_access_m, what="facilities")
    packed, which = _nearest_of(model, start, finish, toward=toward, max_minutes=max_minutes)
    here, facility = _at_a_facility(network, origins, facilities)
    packed[here], which[here] = 0.0, facility
    first, second = model.graph.unpack(packed)
    seconds, metres = model.ordered(first, second)
    minutes = seconds / _SECONDS_PER_MINUTE
    status = _status(minutes, start.tied, max_minutes)
    ok = status == "ok"
    ids = facilities.index.to_numpy(dtype=object)
    return pd.DataFrame(
        {
            "id": origins.index.to_numpy(),
            "nearest_id": pd.Series(
                np.where(ok, ids[np.where(which < 0, 0, which)], None), dtype=object
            ),
            "time_min": np.where(ok, minutes, np.nan),
            "length_km": np.where(ok, metres / _METRES_PER_KM, np.nan),
            "status": status,
        }
    )


def _at_a_facility(
    network: Network, origins: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame
) -> tuple[Ints, Ints]:
    """Return which places are a facility themselves, and which one: the first of several."""
    import shapely

    at = [f.geometry.to_crs(network.crs).representative_point() for f in (origins, facilities)]
    tree = shapely.STRtree(at[1].to_numpy())
    place, facility = tree.query(at[0].to_numpy(), predicate="dwithin", distance=SAME_M)
    order = np.lexsort((facility, place))
    here, first = np.unique(place[order], return_index=True)
    return here, facility[order][first]


def _nearest_of(
    model: Model, places: Ties, facilities: Ties, *, toward: bool, max_minutes: float | None
) -> tuple[Floats, Ints]:
    graph = model.graph.turned if toward else model.graph
    roots = ways_in(model, facilities) if toward else ways_out(model, facilities)
    ends = ways_out(model, places) if toward else ways_in(model, places)
    reached, search = nearest_tree(graph, roots.seeds(), limit=limit_s(model, max_minutes))
    sums = reached[ends.node] + graph.pack(ends.first, ends.second)
    if toward:
        p, f, one, two = direct_ways(model, places, facilities)
    else:
        f, p, one, two = direct_ways(model, facilities, places)
    point = np.concatenate([ends.point, places.point[p]])
    total = np.concatenate([sums, graph.pack(one, two)])
    facility = np.concatenate([search[ends.node], facilities.point[f]])
    order = np.lexsort((facility, total, point))
    best = np.ones(len(order), dtype=bool)
    best[1:] = point[order][1:] != point[order][:-1]
    packed, which = np.full(places.n, np.inf), np.full(places.n, -1, dtype=np.int64)
    packed[point[order][best]] = total[order][best]
    which[point[order][best]] = facility[order][best]
    return packed, which
