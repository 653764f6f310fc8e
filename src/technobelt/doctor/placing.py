"""Whether a layer's coordinates are in the reference system that they are said to be in.

Every candidate is tried: the CRS of the region, degrees, the Korean belts, each also with its axes
exchanged. A layer fits one if its points land where they belong: places in their clusters, other
layers around the clusters, clusters around their places, and everything within the area for which
the region's CRS is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import shapely

from technobelt.doctor.findings import Finding, Remedy
from technobelt.layers import FACILITIES
from technobelt.projections import (
    KOREAN,
    KOREAN_RARE,
    candidates,
    rare_candidates,
    suggest_crs,
    twins,
)
from technobelt.schema import WGS84

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.region import Region

    Floats = NDArray[np.float64]
    Fit = Callable[[Floats], float]

__all__ = ["check_positions_of_layers"]

#: A layer stands where it should if this share of it does; another CRS is right if this share fits.
_FITS, _RIGHT = 0.5, 0.9
#: Places may lie so far outside of their cluster, other layers so far from the clusters, m.
_NEAR_M, _AROUND_M = 3_000.0, 20_000.0
#: So many rows tell as well as all.
_SAMPLE = 1_000
#: Two systems that put the points this near to each other cannot be told apart by where they land.
_ALIKE_M = 5.0


@dataclass(frozen=True)
class _Layer:
    """One layer's points in its own numbers: the middle of each shape, and its cluster."""

    name: str
    crs: Any
    xy: Floats
    cluster: NDArray[np.object_]
    frame: gpd.GeoDataFrame


@dataclass(frozen=True)
class _Ways:
    """How a layer's coordinates may be read: the region's CRS, and where its middle lies."""

    region: Region
    area: Any
    crs: list[str]
    rare: list[str]

    def metric(self, xy: Floats, crs: Any, *, swap: bool = False) -> Floats:
        """Return coordinates in the region's CRS; infinite where they cannot be in `crs`."""
        given = xy[:, ::-1] if swap else xy
        to = pyproj.Transformer.from_crs(crs, self.region.crs, always_xy=True)
        return np.column_stack(to.transform(given[:, 0], given[:, 1]))

    def inside(self, xy: Floats) -> float:
        """Return the share of points (region's CRS) in the area that the CRS is made for."""
        to = pyproj.Transformer.from_crs(self.region.crs, WGS84, always_xy=True)
        lon, lat = to.transform(xy[:, 0], xy[:, 1])
        west, south, east, north = self.area
        lon = np.where(np.asarray(lon) < west, np.asarray(lon) + 360, lon) if east > 180 else lon
        return _share((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))


def check_positions_of_layers(
    region: Region, frames: Mapping[str, gpd.GeoDataFrame]
) -> Iterator[Finding]:
    """Tell which layers have no CRS, the wrong one, or exchanged axes, and which would be right.

    Parameters
    ----------
    region
        Its clusters and CRS say where layers belong.
    frames
        Layers as they were read, by name; those without a row are left out.
    """
    layers = {name: _points_of(name, frame) for name, frame in frames.items()}
    layers = {name: layer for name, layer in layers.items() if len(layer.xy)}
    if not layers:
        return
    ways = _ways(region)
    places = {name: layer for name, layer in layers.items() if name in FACILITIES}
    clusters = layers.pop("clusters", None)
    elsewhere = _region_elsewhere(ways, clusters, places)
    if elsewhere is not None:
        yield elsewhere
        return
    areas = None
    if clusters is not None:
        fault = _fault_of(clusters, ways, _around_places(ways, clusters, places))
        yield from (one for one in [fault] if one)
        how = fault.remedy if fault else None
        if how or not fault:
            crs, swap = (how.crs, how.swap) if how else (clusters.crs, False)
            areas = _areas(ways, clusters, crs, swap=swap)
    for layer in layers.values():
        fault = _fault_of(layer, ways, _in_place(ways, layer, areas))
        if fault:
            yield fault


def _ways(region: Region) -> _Ways:
    known = pyproj.CRS(region.crs).area_of_use
    area = known.bounds if known else (-180.0, -90.0, 180.0, 90.0)
    west, south, east, north = area
    east += 360 if east < west else 0
    lon, lat = (west + east) / 2, (south + north) / 2
    wide = (west - 1, south - 1, east + 1, north + 1)
    return _Ways(region, wide, candidates(region.crs, lon, lat), rare_candidates(lon, lat))


def _points_of(name: str, frame: gpd.GeoDataFrame) -> _Layer:
    bounds = frame.geometry.bounds.to_numpy()
    xy = np.column_stack([bounds[:, 0] + bounds[:, 2], bounds[:, 1] + bounds[:, 3]]) / 2
    there = np.flatnonzero(np.isfinite(xy).all(axis=1))
    there = there[:: max(1, len(there) // _SAMPLE)]
    cluster = frame.get("id" if name == "clusters" else "cluster")
    words = np.full(len(frame), "", dtype=object) if cluster is None else cluster.to_numpy(object)
    return _Layer(name, frame.crs, xy[there], words[there], frame.iloc[there])


# --- where a layer belongs -----------------------------------------------------------------------


def _areas(ways: _Ways, clusters: _Layer, crs: Any, *, swap: bool) -> dict[str, Any]:
    """Return the clusters' outlines in the region's CRS."""
    shapes = shapely.transform(
        clusters.frame.geometry.to_numpy(), lambda xy: ways.metric(xy, crs, swap=swap)
    )
    return dict(zip(clusters.cluster.tolist(), shapes, strict=True))


def _in_place(ways: _Ways, layer: _Layer, areas: Mapping[str, Any] | None) -> Fit:
    """Return the measure of how well points of a layer lie where they belong."""
    if not areas:
        return ways.inside
    if np.isin(layer.cluster, list(areas)).any():
        return lambda xy: _in_clusters(xy, layer.cluster, areas)
    middles = np.array([shapely.get_coordinates(shapely.centroid(a))[0] for a in areas.values()])
    return lambda xy: _around(xy, middles)


def _in_clusters(xy: Floats, cluster: NDArray[np.object_], areas: Mapping[str, Any]) -> float:
    known = np.isin(cluster, list(areas))
    shapes = np.array([areas[name] for name in cluster[known]], dtype=object)
    with np.errstate(invalid="ignore"):  # a wrong CRS may send outlines to infinity
        return _share(shapely.dwithin(shapes, _finite_points(xy[known]), _NEAR_M))


def _around(xy: Floats, middles: Floats) -> float:
    if not np.isfinite(xy).all():
        return 0.0
    low, high = xy.min(axis=0) - _AROUND_M, xy.max(axis=0) + _AROUND_M
    return _share(((middles >= low) & (middles <= high)).all(axis=1))


def _around_places(ways: _Ways, clusters: _Layer, places: Mapping[str, _Layer]) -> Any:
    """Return the measure of clusters: the share of places that lie in their own.

    Only if no layer of places agrees with the clusters as they are, the clusters are at fault.
    """
    known = [
        layer
        for layer in places.values()
        if layer.crs is not None and np.isin(layer.cluster, clusters.cluster).any()
    ]
    read = [(layer, ways.metric(layer.xy, layer.crs)) for layer in known]
    read = [(layer, xy) for layer, xy in read if ways.inside(xy) >= _FITS]
    if len(read) < 2 and clusters.crs is not None:
        return None

    def fit(crs: Any, swap: bool) -> float:  # noqa: FBT001
        areas = _areas(ways, clusters, crs, swap=swap)
        shares = [_in_clusters(xy, layer.cluster, areas) for layer, xy in read]
        return float(np.max(shares)) if shares else ways.inside(ways.metric(clusters.xy, crs))

    return fit if read else None


def _finite_points(xy: Floats) -> Any:
    return shapely.points(np.where(np.isfinite(xy), xy, 1e15))


def _share(mask: Any) -> float:
    return float(np.mean(mask)) if len(mask) else 0.0


# --- what is at fault ----------------------------------------------------------------------------


def _region_elsewhere(
    ways: _Ways, clusters: _Layer | None, places: Mapping[str, _Layer]
) -> Finding | None:
    """Tell if layers agree with each other, and lie where the region's CRS is not made for."""
    if clusters is None or clusters.crs is None:
        return None
    xy = ways.metric(clusters.xy, clusters.crs)
    others = [layer for layer in places.values() if layer.crs == clusters.crs or layer.crs]
    if ways.inside(xy) >= _FITS or any(
        ways.inside(ways.metric(layer.xy, layer.crs)) >= _FITS for layer in others
    ):
        return None
    to = pyproj.Transformer.from_crs(clusters.crs, WGS84, always_xy=True)
    lon, lat = (float(np.median(side)) for side in to.transform(*clusters.xy.T))
    possible = -180 <= lon <= 180 and -90 <= lat <= 90
    if not possible or (not others and _best(clusters, ways, ways.inside)):
        return None
    known = pyproj.CRS(ways.region.crs)
    return Finding(
        "clusters",
        "",
        "error",
        "crs",
        f"the region lies where its CRS {ways.region.crs} ({known.name}) is not made for",
        f"{lon:.2f},{lat:.2f}",
        f'Write crs = "{suggest_crs(lon, lat)}" into [region] of region.toml.',
    )


def _fault_of(layer: _Layer, ways: _Ways, fit: Any) -> Finding | None:
    """Tell what is wrong with a layer's coordinates, if they do not lie where they belong."""
    if fit is None:
        fit = ways.inside
    now = 0.0 if layer.crs is None else _fit(layer, ways, fit, layer.crs, swap=False)
    if layer.crs is not None and now >= _FITS:
        return None
    best = _best(layer, ways, fit)
    if layer.crs is not None and not best and _plausible(layer, ways):
        return None  # some rows may lie outside their clusters: told row by row
    return _told(layer, best)


def _plausible(layer: _Layer, ways: _Ways) -> bool:
    return ways.inside(ways.metric(layer.xy, layer.crs)) >= _FITS


def _fit(layer: _Layer, ways: _Ways, fit: Any, crs: Any, *, swap: bool) -> float:
    if layer.name == "clusters" and fit != ways.inside:
        return float(fit(crs, swap))
    xy = ways.metric(layer.xy, crs, swap=swap)
    return float(fit(xy)) if ways.inside(xy) >= _FITS else 0.0


def _best(layer: _Layer, ways: _Ways, fit: Any) -> list[tuple[str, bool]]:
    """Return the ways to read a layer under which it lies where it belongs, each once."""
    for swap in (False, True):  # axes are exchanged only if nothing else is right
        for some in ([*_own(layer), *ways.crs], ways.rare):  # the rare ones only if no other is
            right: list[tuple[str, bool]] = []
            for crs in dict.fromkeys(some):
                if _fit(layer, ways, fit, crs, swap=swap) >= _RIGHT and not any(
                    _apart(layer, ways, (crs, swap), other) < _ALIKE_M for other in right
                ):
                    right.append((crs, swap))
            if right:
                return right
    return []


def _own(layer: _Layer) -> list[str]:
    return [] if layer.crs is None else [layer.crs.to_string()]


def _apart(layer: _Layer, ways: _Ways, one: tuple[str, bool], two: tuple[str, bool]) -> float:
    a, b = (ways.metric(layer.xy, crs, swap=swap) for crs, swap in (one, two))
    return float(np.max(np.abs(a - b))) if np.isfinite([a, b]).all() else np.inf


def _told(layer: _Layer, best: list[tuple[str, bool]]) -> Finding:
    low, high = layer.xy.min(axis=0), layer.xy.max(axis=0)
    found = f"x {low[0]:,.4g} to {high[0]:,.4g}, y {low[1]:,.4g} to {high[1]:,.4g}"
    said = "no CRS" if layer.crs is None else layer.crs.to_string()
    remedy = Remedy("crs", *best[0]) if len(best) == 1 else None
    key = f'[layers.{layer.name}] crs = "EPSG:..."'
    if remedy is None:
        which = " or ".join(_named(crs, swap=swap) for crs, swap in best)
        do = (
            f"It may be {which}{_why_unsure(best)}: compare a known place with a map, then set "
            "that CRS in the file."
            if best
            else "Ask where the file comes from which CRS it is in, and save it with that one"
            + (f", or name it in region.toml: {key}." if layer.crs is None else ".")
        )
    else:
        do = f"Save it as {_named(remedy.crs, swap=remedy.swap)}; --fix does."
    what = _what(layer, said, remedy)
    unsure = () if remedy else tuple(crs for crs, swap in best if not swap)
    found = f"{said}; {found}"
    return Finding(layer.name, "", "error", "crs", what, found, do, remedy, may_be=unsure)


def _why_unsure(best: list[tuple[str, bool]]) -> str:
    """Say why places alone do not tell which of several it is."""
    ways = [crs for crs, _ in best]
    if not all(other in twins(ways[0]) for other in ways[1:]):
        return ""
    return (
        ". They are one grid on different datums: the same numbers land some 300 m apart, both "
        "within the clusters, so that place alone does not tell. What is drawn on roads "
        "(interchanges, a corridor) does"
    )


def _what(layer: _Layer, said: str, remedy: Remedy | None) -> str:
    if layer.crs is None:
        return "it has no coordinate reference system"
    if remedy is not None and remedy.swap:
        return "its axes are exchanged: x is the easting or longitude"
    small = np.abs(layer.xy).max(axis=0)
    if not layer.crs.is_geographic and (small <= [180, 90]).all():
        return f"its coordinates are degrees, and it says metres ({said})"
    if layer.crs.is_geographic and (small > 360).any():
        return f"its coordinates are metres, and it says degrees ({said})"
    return f"in {said} it lies where it does not belong"


def _named(crs: str, *, swap: bool) -> str:
    name = KOREAN.get(crs) or KOREAN_RARE.get(crs) or pyproj.CRS(crs).name
    return f"{crs}, {name}" + (", after exchanging x and y" if swap else "")
