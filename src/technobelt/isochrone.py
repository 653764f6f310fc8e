"""Surface -> isochrone polygons, what they reach, and how often they are wrong.

A polygon is a picture of the travel-time surface. It never answers a question about a point: what
an isochrone reaches is counted by time, and `audit` says how often the picture is wrong.

The module's name is in the singular so that ``technobelt.isochrones`` is the function.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
import shapely

from technobelt.contours import polygons_within
from technobelt.errors import PointError
from technobelt.network.ties import Ties, startable, tie_points
from technobelt.surface import (
    cells_of,
    default_cell_m,
    first_reached,
    grid_for,
    reached,
    road_positions,
)
from technobelt.travel_time import Model, matrix, model_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.region import Profile
    from technobelt.surface import Positions, Reached

    Floats = NDArray[np.float64]

__all__ = ["Mode", "audit", "isochrone_sets", "isochrones"]

Mode = Literal["overlap", "merge", "split", "rings"]

#: What isochrones say of themselves; what they reach is called otherwise.
_COLUMNS = frozenset(("origin_id", "minutes", "area_km2", "truncated", "status", "geometry"))
#: An isochrone is cut off where its outline runs within this distance of the network's edge, m.
EDGE_M = 2000.0
#: A cylindrical projection that keeps areas on the WGS 84 ellipsoid (EASE-Grid 2.0), and the length
#: of edges, m, that are straight in it to a few square centimetres.
_EQUAL_AREA, _STRAIGHT_M = 6933, 1000.0
#: Outlines of rings are drawn to this, m: narrower slivers and gaps would cross in another CRS.
_SNAP_M = 0.001


@dataclass(frozen=True, eq=False)
class _Trips:
    """The trips that pictures of one study share: between origins and all road positions."""

    model: Model
    ties: Ties
    positions: Positions
    limits: list[float]
    toward: bool
    max_access_m: float
    cell_m: float | None
    ids: list[Any]
    crs: Any


def isochrones(  # noqa: PLR0913  (the contract's options)
    network: Network,
    origins: gpd.GeoDataFrame,
    *,
    minutes: Sequence[float] = (30, 60, 90),
    mode: Mode = "overlap",
    toward: bool = False,
    profile: str | Profile = "free_flow",
    reach: Mapping[str, gpd.GeoDataFrame] | None = None,
    max_access_m: float = 1000.0,
    cell_m: float | None = None,
) -> gpd.GeoDataFrame:
    """Draw the land within some minutes' drive of each origin.

    Parameters
    ----------
    network
        The roads.
    origins
        Points in any CRS; their index gives the ids.
    minutes
        Limits. There is no ceiling.
    mode
        ``overlap``: each origin its own land; ``merge``: the land within reach of any;
        ``split``: each origin the land that it reaches first; ``rings``: as ``overlap``, each
        band without the ones inside it.
    toward
        Minutes to the origin instead of from it; one-way streets make them differ.
    profile
        Speeds and fixed seconds, as in `technobelt.travel_times`.
    reach
        Column name -> points to count by time, for instance ``{"n_univ": universities}``. Where a
        frame has a column of that name, as ``population`` does, it is summed; empty cells add
        nothing.
    max_access_m
        Land farther than this from a road where a trip may start is out of reach.
    cell_m
        Side of the raster's cells, m; by default 40 m for 15 minutes, 90 m for 30, 200 m for
        60, 340 m for 90, at most 400 m.

    Returns
    -------
    geopandas.GeoDataFrame
        In the CRS of `origins`, shortest limits first: ``origin_id``, ``minutes``, ``area_km2``
        (on the ellipsoid), ``truncated`` (share of the outline within 2 km of the network's edge;
        where it is above 0 the area is a lower bound), ``status`` (``ok``, or ``not_tied``: no
        road near, so neither shape nor area), the columns of `reach`, MultiPolygon.
        Bands are nested and keep their holes.

    Raises
    ------
    PointError
        There are no origins, or not one can be tied to a road; or a limit, `max_access_m` or
        `cell_m` is not above zero.
    ValueError
        There is no such mode, or `reach` names a column that isochrones have themselves.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> hub = tb.facilities(region).loc[["UNI02"]]
    >>> bands = tb.isochrones(tb.load_network(region), hub, minutes=(10, 20))
    >>> bool(bands["area_km2"].is_monotonic_increasing)
    True
    """
    sets = isochrone_sets(
        network,
        origins,
        modes=(mode,),
        minutes=minutes,
        toward=toward,
        profile=profile,
        reach=reach,
        max_access_m=max_access_m,
        cell_m=cell_m,
    )
    return sets[mode]


def isochrone_sets(  # noqa: PLR0913  (as isochrones)
    network: Network,
    origins: gpd.GeoDataFrame,
    *,
    modes: Sequence[Mode],
    minutes: Sequence[float] = (30, 60, 90),
    toward: bool = False,
    profile: str | Profile = "free_flow",
    reach: Mapping[str, gpd.GeoDataFrame] | None = None,
    max_access_m: float = 1000.0,
    cell_m: float | None = None,
) -> dict[Mode, gpd.GeoDataFrame]:
    """Draw several modes of the same isochrones; the trips are made once.

    Parameters and frames are those of `isochrones`.

    Returns
    -------
    dict
        Mode -> frame.
    """
    limits = _checked_limits(minutes)
    _check(origins, modes, reach or {}, max_access_m, cell_m)
    model = model_of(network, profile)
    ties = tie_points(network, origins, max_access_m=max_access_m, what="origins")
    trips = _Trips(
        *(model, ties, road_positions(network), limits, toward, max_access_m, cell_m),
        ids=list(origins.index),
        crs=origins.crs,
    )
    sought = {name: _seconds_to(trips, points, name) for name, points in (reach or {}).items()}
    own = _own_bands(trips) if {"overlap", "rings"} & set(modes) else []
    return {mode: _drawn(trips, mode, own, sought) for mode in modes}


def _checked_limits(minutes: Sequence[float]) -> list[float]:
    limits = sorted(minutes)
    if not limits or not np.isfinite(limits).all() or limits[0] <= 0:
        raise PointError(
            f"isochrones need limits above zero minutes; found {list(minutes)}. Give e.g. (30, 60)."
        )
    return limits


def _check(
    origins: gpd.GeoDataFrame,
    modes: Sequence[Mode],
    reach: Iterable[str],
    max_access_m: float,
    cell_m: float | None,
) -> None:
    if not len(origins):
        raise PointError("there are no origins. Hand in at least one point.")
    for name, metres in (("max_access_m", max_access_m), ("cell_m", cell_m)):
        if metres is not None and not 0 < metres < np.inf:
            raise PointError(f"{name} is {metres}; it must be above 0 m. Give e.g. 400.")
    for mode in set(modes) - set(get_args(Mode)):
        raise ValueError(f"no mode '{mode}'; there are {', '.join(get_args(Mode))}.")
    for name in _COLUMNS.intersection(reach):
        raise ValueError(f"isochrones have a column '{name}'. Call what they reach otherwise.")


def _drawn(
    trips: _Trips, mode: Mode, own: list[list[Any]], sought: dict[str, tuple[Floats, Floats]]
) -> gpd.GeoDataFrame:
    shapes = _shapes(trips, mode, own)
    ids = ["all"] if mode == "merge" else trips.ids
    tied = np.array([True]) if mode == "merge" else trips.ties.tied
    counts = {
        name: _counted(seconds, worth, trips.limits, mode)
        for name, (seconds, worth) in sought.items()
    }
    flat = [shape for band in shapes for shape in band]
    apart = len(trips.limits) == 1 and mode != "split"
    return _table(trips, flat, ids, tied, counts, apart=apart)


def _shapes(trips: _Trips, mode: Mode, own: list[list[Any]]) -> list[list[Any]]:
    """Return a list of shapes, one an origin, for each limit."""
    if mode == "merge":
        return _nested(_merged_bands(trips))
    if mode == "split":
        return _nested_apart(_split_bands(trips))
    return _rings(own) if mode == "rings" else own


def _own_bands(trips: _Trips) -> list[list[Any]]:
    return _nested(_by_limit(_outlines(trips, own) for own in _each(trips)))


def _merged_bands(trips: _Trips) -> list[list[Any]]:
    ties = trips.ties, trips.positions.ties
    return _by_limit([_outlines(trips, first_reached(trips.model, *ties, toward=trips.toward))])


def _split_bands(trips: _Trips) -> list[list[Any]]:
    """Let each place belong to the origin that reaches it first."""
    best, second = np.full((2, len(trips.positions.xy)), np.inf)
    first = np.zeros(len(best), dtype=np.int64)
    for i, own in enumerate(_each(trips)):
        row = own.seconds()
        first[row < best] = i
        second = np.minimum(second, np.maximum(best, row))
        best = np.minimum(best, row)
    return _by_limit(
        _outlines(trips, own, np.where(first == i, second, best))
        for i, own in enumerate(_each(trips))
    )


def _by_limit(shapes: Iterable[list[Any]]) -> list[list[Any]]:
    return [list(band) for band in zip(*shapes, strict=True)]


def _each(trips: _Trips) -> Iterator[Reached]:
    """Search from each origin, a little beyond the limit: outlines depend on what lies there."""
    longest = trips.limits[-1] + _blur_min(trips, trips.limits[-1])
    ties = trips.ties, trips.positions.ties
    return reached(trips.model, *ties, toward=trips.toward, max_minutes=longest)


def _outlines(trips: _Trips, own: Reached, others: Floats | None = None) -> list[Any]:
    """Return one polygon a limit, each on a grid of its own over what is in reach.

    With the seconds of all positions from `others`, without what they reach sooner.
    """
    model, access, shapes = trips.model, trips.max_access_m, []
    for limit in trips.limits:
        grid = grid_for(trips.positions, own, limit, max_access_m=access, cell_m=trips.cell_m)
        cells = cells_of(model.network, trips.positions, grid.cell_m, access)
        minutes = cells.minutes(own, grid)
        excess = minutes - limit
        if others is not None:
            with np.errstate(invalid="ignore"):
                lead = minutes - cells.minutes_by(others, model, grid)
            excess = np.where(np.isinf(minutes), np.inf, np.maximum(excess, lead))
        shapes.append(polygons_within(grid, excess, 0.0, _blur_min(trips, limit)))
    return shapes


def _blur_min(trips: _Trips, limit: float) -> float:
    """Return how far beyond a limit minutes still shape its outline: as it takes to walk a cell."""
    side = trips.cell_m or default_cell_m(limit)
    return max(1.0, side / trips.model.costs.access_mps / 60)


def _disjoint(shapes: list[Any]) -> list[Any]:
    """Take from each shape the ones before it."""
    tree = shapely.STRtree(shapes)
    out: list[Any] = []
    for i, shape in enumerate(shapes):
        near = tree.query(shape, predicate="intersects")
        # whole ones: edges of those cut already almost coincide, which GEOS may get wrong
        taken = shapely.union_all([shapes[j] for j in near if j < i])
        out.append(_as_multi(shapely.difference(shape, taken)))
    return out


def _as_multi(shape: Any) -> Any:
    """Return the areas of a shape as a MultiPolygon."""
    parts = shapely.get_parts(shape)
    return shapely.MultiPolygon(
        [p for p in shapely.get_parts(parts) if p.geom_type == "Polygon" and p.area > 0]
    )


def _nested(bands: list[list[Any]]) -> list[list[Any]]:
    """Put each band's inner ones into it."""
    out = [bands[0]]
    for band in bands[1:]:
        out.append([_as_multi(shapely.union(a, b)) for a, b in zip(band, out[-1], strict=True)])
    return out


def _nested_apart(bands: list[list[Any]]) -> list[list[Any]]:
    """Put each band's own inner one into it and keep it off the others', though grids differ."""
    bands = [_disjoint(band) for band in bands]
    out = [bands[0]]
    for band in bands[1:]:
        inner, own = out[-1], []
        tree = shapely.STRtree(inner)
        for i, shape in enumerate(band):
            near = tree.query(shape, predicate="intersects")
            others = shapely.union_all([inner[j] for j in near if j != i])
            own.append(shapely.difference(shapely.union(shape, inner[i]), others))
        out.append(_disjoint(own))
    return out


def _rings(bands: list[list[Any]]) -> list[list[Any]]:
    """Take each band's inner one out of it, to a millimetre."""
    rings = [bands[0]]
    for inner, outer in pairwise(bands):
        pairs = zip(inner, outer, strict=True)
        rings.append([_as_multi(shapely.difference(b, a, grid_size=_SNAP_M)) for a, b in pairs])
    return rings


def _table(
    trips: _Trips,
    shapes: list[Any],
    ids: list[Any],
    tied: NDArray[np.bool_],
    counts: dict[str, NDArray[np.int64]],
    *,
    apart: bool,
) -> gpd.GeoDataFrame:
    import geopandas as gpd

    network, n = trips.model.network, len(trips.limits)
    places = gpd.GeoSeries(shapes, crs=network.crs)
    there = _in_crs(places, trips.crs, apart=apart)
    # edges are as short as cells: in degrees their areas are the same, and known sooner
    measured = there if there.crs.is_geographic else places
    ok = np.tile(tied, n)
    columns = {
        "origin_id": ids * n,
        "minutes": np.repeat(trips.limits, len(ids)),
        "area_km2": np.where(ok, areas_km2(measured), np.nan),
        "truncated": np.where(ok, _truncated(network, shapes), np.nan),
        "status": np.where(ok, "ok", "not_tied"),
    }
    return gpd.GeoDataFrame(columns | counts, geometry=there)


def _in_crs(places: gpd.GeoSeries, crs: Any, *, apart: bool) -> gpd.GeoSeries:
    """Return polygons in another CRS, outlines counter-clockwise as GeoJSON has them.

    An edge is straight in one CRS alone: outlines that touch may cross in another, by millimetres.
    Those of a single limit that nothing was cut from are `apart`: they come no nearer.
    """
    import geopandas as gpd

    shapes = places.to_crs(crs).to_numpy()
    for i in [] if apart else np.flatnonzero(~shapely.is_valid(shapes)):
        mended = shapely.make_valid(shapes[i], method="structure", keep_collapsed=False)
        shapes[i] = _as_multi(mended)
    return gpd.GeoSeries(shapely.orient_polygons(shapes), crs=crs)


def areas_km2(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> Floats:
    """Return areas on the WGS 84 ellipsoid, km².

    Parameters
    ----------
    frame
        Valid polygons, whose edges are straight in its CRS; in degrees they had better be short.

    Examples
    --------
    >>> import geopandas as gpd
    >>> square = gpd.GeoDataFrame(geometry=[shapely.box(1e6, 1.7e6, 1.01e6, 1.71e6)], crs=5179)
    >>> areas_km2(square).round(1).tolist()
    [100.1]
    """
    shapes = frame.geometry
    if not frame.crs.is_geographic:
        shapes = shapes.segmentize(_STRAIGHT_M)
    areas = shapely.area(shapes.to_crs(_EQUAL_AREA).to_numpy())
    return np.asarray(np.nan_to_num(areas) / 1e6)


def _truncated(network: Network, shapes: list[Any]) -> Floats:
    """Return the share of each outline, by length, whose middles lie near the network's edge."""
    if not network.info.extent:
        return np.full(len(shapes), np.nan)
    lines, owner = shapely.get_parts(shapely.boundary(np.array(shapes)), return_index=True)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    x, y = np.ascontiguousarray(xy.T)
    length = np.hypot(np.diff(x), np.diff(y))
    length[line[1:] != line[:-1]] = 0.0  # from the end of one line to the start of the next
    middle = (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2
    near = shapely.contains_xy(_edge(network.info.extent), *middle)
    shape = owner[line[1:]]
    cut, whole = (
        np.bincount(shape, weights=part, minlength=len(shapes)) for part in (length * near, length)
    )
    share = np.zeros(len(shapes), dtype=np.float64)
    np.divide(cut, whole, out=share, where=whole > 0)
    return np.asarray(share.round(4))


@lru_cache(maxsize=4)
def _edge(extent: str) -> Any:
    """Return what lies near the edge of an area, prepared."""
    edge = shapely.buffer(shapely.from_wkt(extent).boundary, EDGE_M)
    shapely.prepare(edge)
    return edge


def _seconds_to(trips: _Trips, points: gpd.GeoDataFrame, name: str) -> tuple[Floats, Floats]:
    """Return seconds between the origins and some points, and what each point is worth."""
    network, longest = trips.model.network, trips.limits[-1]
    there = tie_points(network, points, max_access_m=trips.max_access_m, what=name)
    if trips.toward:
        seconds, _ = matrix(
            trips.model, there, trips.ties, max_minutes=longest, root="destinations"
        )
        seconds = seconds.T
    else:
        seconds, _ = matrix(trips.model, trips.ties, there, max_minutes=longest)
    worth = points[name].to_numpy(np.float64) if name in points else np.ones(len(points))
    return seconds, np.nan_to_num(worth)


def _counted(seconds: Floats, worth: Floats, limits: list[float], mode: Mode) -> NDArray[np.int64]:
    """Count, or sum up, what lies within each limit of each origin, by time."""
    if mode == "merge":
        seconds = seconds.min(axis=0, keepdims=True)
    elif mode == "split":
        first = seconds.argmin(axis=0) == np.arange(len(seconds))[:, None]
        seconds = np.where(first, seconds, np.inf)
    sums = np.array([(seconds <= limit * 60) @ worth for limit in limits])
    if mode == "rings":
        sums = np.diff(sums, axis=0, prepend=0)
    return np.asarray(np.rint(sums).ravel(), dtype=np.int64)


def audit(
    network: Network,
    origins: gpd.GeoDataFrame,
    bands: gpd.GeoDataFrame,
    *,
    profile: str | Profile = "free_flow",
    toward: bool = False,
    positions: int = 2000,
    max_access_m: float = 1000.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure how often isochrones of mode ``overlap`` are wrong about the roads.

    Bands whose ``status`` is not ``ok`` are left out.

    Road positions are drawn by length on roads where a trip may start, `positions` inside each
    polygon and as many within its limit; their times come from the network, not from the grid.

    Returns
    -------
    pandas.DataFrame
        ``origin_id``, ``minutes``, ``late_in`` (of the positions inside, the share over the
        limit), ``ok_out`` (of those within the limit, the share outside), ``positions``.

    Raises
    ------
    PointError
        Several origins have the same id.
    """
    if not origins.index.is_unique:
        twice = origins.index[origins.index.duplicated()][0]
        raise PointError(
            f"several origins have the id {twice!r}. Give each its own, by reset_index() say."
        )
    model = model_of(network, profile)
    rng = np.random.default_rng(seed)
    bands = bands[bands["status"] == "ok"] if "status" in bands else bands
    shapes = bands.geometry.to_crs(network.crs)
    rows = []
    for (origin, minutes), shape in zip(
        bands[["origin_id", "minutes"]].itertuples(index=False), shapes, strict=True
    ):
        ties = tie_points(network, origins.loc[[origin]], max_access_m=max_access_m)
        late, out, n = _wrong(model, ties, shape, float(minutes), rng, positions, toward=toward)
        rows.append((origin, minutes, late, out, n))
    return pd.DataFrame(rows, columns=["origin_id", "minutes", "late_in", "ok_out", "positions"])


def _wrong(
    model: Model,
    ties: Ties,
    shape: Any,
    minutes: float,
    rng: np.random.Generator,
    wanted: int,
    *,
    toward: bool,
) -> tuple[float, float, int]:
    inside_late: list[NDArray[np.bool_]] = []
    ok_outside: list[NDArray[np.bool_]] = []
    area = shapely.buffer(shapely.envelope(shape), EDGE_M)
    shapely.prepare(shape)
    for _ in range(8):
        points = _drawn_positions(model.network, area, rng, 2 * wanted)
        if points is None:
            break
        there = tie_points(model.network, points)
        pair = (there, ties) if toward else (ties, there)
        root: Any = "destinations" if toward else "origins"
        seconds = matrix(model, *pair, max_minutes=minutes * 2, root=root)[0].ravel()
        ok = seconds <= minutes * 60
        inside = shapely.contains(shape, points.geometry.to_numpy())
        inside_late.append(~ok[inside])
        ok_outside.append(~inside[ok])
        if min(sum(map(len, inside_late)), sum(map(len, ok_outside))) >= wanted:
            break
    late = np.concatenate(inside_late or [np.array([])])[:wanted]
    out = np.concatenate(ok_outside or [np.array([])])[:wanted]
    if not len(late) or not len(out):
        return np.nan, np.nan, 0
    return float(late.mean()), float(out.mean()), min(len(late), len(out))


def _drawn_positions(
    network: Network, area: Any, rng: np.random.Generator, n: int
) -> gpd.GeoSeries | None:
    import geopandas as gpd

    usable = np.flatnonzero(startable(network))
    lines = network.lines[usable]
    lines = lines[shapely.intersects(lines, area)]
    if not len(lines):
        return None
    length = shapely.length(lines)
    drawn = rng.choice(len(lines), size=n, p=length / length.sum())
    points = shapely.line_interpolate_point(lines[drawn], rng.random(n), normalized=True)
    return gpd.GeoSeries(points, crs=network.crs)
