"""Whether roads tell in which of two CRS a layer is that land a few hundred metres apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from technobelt.doctor.findings import Finding
from technobelt.projections import twins

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from technobelt.network import Network

    Floats = NDArray[np.float64]

__all__ = ["ask_roads", "check_twins"]

#: Roads tell if so many points or more were looked at, this share of them is nearer to a road in
#: one CRS than in each other, and the median distance is this part or less of any other. Campuses
#: and parks are as far from main roads in either; interchanges and lines along roads are not.
_POINTS_MIN, _NEARER, _PART = 10, 0.8, 0.5
_SAMPLE = 1_000


def ask_roads(
    network: Network, frames: Mapping[str, gpd.GeoDataFrame], found: Sequence[Finding]
) -> list[Finding]:
    """Add to findings of a CRS that is not sure what the roads say.

    Parameters
    ----------
    network
        The roads.
    frames
        Layers as they were read, by name.
    found
        What was found so far.

    Returns
    -------
    list of Finding
        All of them; those that name several CRS end in what the roads say of these.
    """
    return [
        replace(one, do=f"{one.do} {_said(network, frames[one.layer], one.may_be)}")
        if len(one.may_be) > 1
        else one
        for one in found
    ]


def check_twins(
    network: Network, frames: Mapping[str, gpd.GeoDataFrame], found: Sequence[Finding]
) -> Iterator[Finding]:
    """Tell of layers that lie on roads in another CRS than the one that they say, 300 m away.

    Parameters
    ----------
    network, frames, found
        As in `ask_roads`; a layer whose CRS was told of is passed over.
    """
    told = {one.layer for one in found if one.check == "crs"}
    for layer, frame in frames.items():
        crs = None if frame.crs is None else frame.crs.to_string()
        if crs is None or layer in told or not twins(crs):
            continue
        every = [crs, *twins(crs)]
        away = _away_m(network, frame, every)
        better = [number for number in range(1, len(away)) if _nearer(away[number], away[0])]
        if better:
            which = " or ".join(every[number] for number in better)
            metres = ", ".join(_median_said(away[number], every[number]) for number in better)
            yield Finding(
                layer,
                "",
                "warning",
                "crs",
                f"by the roads it is in {which}, not in {crs}: one grid on different datums",
                f"at the median the nearest road is {metres}, {_median_said(away[0], crs)}",
                "Compare a known place with a map; if so, set the other CRS in the file.",
            )


def _said(network: Network, frame: gpd.GeoDataFrame, ways: Sequence[str]) -> str:
    away = _away_m(network, frame, ways)
    if not away.size:
        return "Roads do not tell: none is there to be compared with."
    metres = ", ".join(_median_said(row, crs) for row, crs in zip(away, ways, strict=True))
    best = _clearly_nearest(away)
    told = "Roads do not tell" if best is None else f"By the roads it is {ways[best]}"
    return f"{told}: at the median the nearest is {metres}."


def _median_said(away: Floats, crs: str) -> str:
    return f"{np.median(away):,.0f} m in {crs}"


def _away_m(network: Network, frame: gpd.GeoDataFrame, ways: Sequence[str]) -> Floats:
    """Return metres to the nearest road: one row a CRS, one column a point of the layer."""
    shapes = frame.geometry[~(frame.geometry.isna() | frame.geometry.is_empty)].to_numpy()
    line = np.char.find(np.asarray([shape.geom_type for shape in shapes], dtype=str), "Line") >= 0
    middles = shapely.get_coordinates(shapely.point_on_surface(shapes[~line]))
    xy = np.concatenate([middles, shapely.get_coordinates(shapes[line])])
    xy = xy[np.isfinite(xy).all(axis=1)]
    xy = xy[:: max(1, len(xy) // _SAMPLE)]
    tree = shapely.STRtree(network.lines)
    rows = []
    for crs in ways if len(xy) and len(network.lines) else ():
        points = gpd.GeoSeries.from_xy(*xy.T, crs=crs).to_crs(network.crs).to_numpy()
        rows.append(tree.query_nearest(points, return_distance=True, all_matches=False)[1])
    return np.array(rows, dtype=float)


def _clearly_nearest(away: Floats) -> int | None:
    """Return the row whose points lie clearly nearer to roads than in every other, if there is."""
    best = int(np.median(away, axis=1).argmin())
    others = np.delete(away, best, axis=0)
    return best if all(_nearer(away[best], other) for other in others) else None


def _nearer(one: Floats, other: Floats) -> bool:
    enough = len(one) >= _POINTS_MIN and np.mean(one < other) >= _NEARER
    return bool(enough and np.median(one) <= _PART * np.median(other))
