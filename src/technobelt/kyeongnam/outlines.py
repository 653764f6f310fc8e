"""Outlines of industrial complexes: from land use where it fits, else a disc, else a point.

Industrial land is mapped in fragments with roads between them. Fragments that are no farther than a
road's width apart make a group; in a group with several complexes each fragment belongs to the
nearest. An outline counts only if it holds the complex's own point and its area is between half and
twice the published one: where no area is published nothing tells a complex from its neighbours, and
it stays a point. A disc is a statement about size, never about borders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from technobelt.kyeongnam.boundaries import METRES, ellipsoid_km2
from technobelt.schema import WGS84

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Shapes = NDArray[np.object_]

__all__ = ["GAP_M", "disc", "draw_outlines", "groups", "holds", "share_fragments"]

GAP_M = 120.0  # the widest road, with its verges, that fragments are joined over
RATIO = (0.5, 2.0)  # of the published area: within these an outline is taken
TOLERANCE_M = 10.0
_QUAD_SEGS = 16


def draw_outlines(complexes: gpd.GeoDataFrame, industrial: Shapes) -> gpd.GeoDataFrame:
    """Draw the outline of each complex.

    Parameters
    ----------
    complexes
        Points in any CRS, with ``area_km2`` (published, NaN where there is none); all located.
    industrial
        Polygons of industrial land, EPSG:5179.

    Returns
    -------
    geopandas.GeoDataFrame
        The same index, EPSG:5179: ``outline`` (``landuse``, ``disc``, ``point``), ``area_ratio``
        (of the land use found, also where it was not taken) and the shape; points keep theirs.

    """
    import geopandas as gpd

    points = complexes.geometry.to_crs(METRES)
    own = share_fragments(points.to_numpy(), industrial)
    rows = []
    for point, published, mine in zip(points, complexes["area_km2"], own, strict=True):
        joined = _joined(industrial[mine], point)
        ratio = _area(joined) / published if joined is not None else np.nan
        rows.append(_chosen(point, published, joined, ratio))
    drawn = pd.DataFrame(rows, index=complexes.index)
    return gpd.GeoDataFrame(drawn, geometry="geometry", crs=METRES)


def share_fragments(points: Shapes, fragments: Shapes) -> list[NDArray[np.intp]]:
    """Give each point the fragments of the group that it stands on or beside.

    Parameters
    ----------
    points
        Where the complexes stand, metres.
    fragments
        Polygons, metres.

    Returns
    -------
    list
        For each point the numbers of its fragments. Of a group with several points each fragment
        belongs to the nearest, the first of equals.

    Examples
    --------
    >>> plots = shapely.box(np.array([0, 110, 400]), 0, np.array([100, 200, 500]), 100)
    >>> share_fragments(shapely.points([[50, 50]]), plots)
    [array([0, 1])]
    >>> share_fragments(shapely.points([[50, 50], [190, 50]]), plots)
    [array([0]), array([1])]
    """
    if not len(fragments):
        return [np.array([], dtype=np.intp) for _ in points]
    group = groups(fragments)
    tree = shapely.STRtree(fragments)
    (who, at), _ = tree.query_nearest(
        points, max_distance=GAP_M, return_distance=True, all_matches=False
    )
    stands = np.full(len(points), -1)
    stands[who] = group[at]
    distance = np.full((len(points), len(fragments)), np.inf)
    for number, here in enumerate(stands):
        mine = np.flatnonzero(group == here)
        distance[number, mine] = shapely.distance(points[number], fragments[mine])
    nearest = np.where(np.isfinite(distance.min(axis=0)), distance.argmin(axis=0), -1)
    return [np.flatnonzero(nearest == number) for number in range(len(points))]


def groups(fragments: Shapes) -> NDArray[np.int32]:
    """Return the group of each fragment; gaps of at most 120 m do not part a group.

    Examples
    --------
    >>> groups(shapely.box(np.array([0, 150, 400]), 0, np.array([100, 200, 500]), 100)).tolist()
    [0, 0, 1]
    """
    pairs = shapely.STRtree(fragments).query(fragments, predicate="dwithin", distance=GAP_M)
    size = len(fragments)
    links = coo_array((np.ones(pairs.shape[1], dtype=np.int8), tuple(pairs)), shape=(size, size))
    _, group = connected_components(links.tocsr(), directed=False)
    return np.asarray(group, dtype=np.int32)


def disc(point: Any, area_km2: float) -> Any:
    """Return a disc of some area on the ellipsoid around a point in EPSG:5179.

    Examples
    --------
    >>> round(_area(disc(shapely.Point(1_100_000, 1_690_000), 25.3)), 2)
    25.3
    """
    radius = float(np.sqrt(area_km2 * 1e6 / np.pi))
    rough = shapely.buffer(point, radius, quad_segs=_QUAD_SEGS)
    return shapely.buffer(
        point, radius * float(np.sqrt(area_km2 / _area(rough))), quad_segs=_QUAD_SEGS
    )


def holds(outlines: gpd.GeoDataFrame, points: gpd.GeoSeries) -> NDArray[np.bool_]:
    """Return which outlines hold their own points.

    Examples
    --------
    >>> import geopandas as gpd
    >>> boxes = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 2, 2)] * 2, crs=METRES)
    >>> holds(boxes, gpd.GeoSeries([shapely.Point(1, 1), shapely.Point(5, 5)], crs=METRES)).tolist()
    [True, False]
    """
    return np.asarray(
        shapely.intersects(outlines.geometry.to_numpy(), points.to_crs(outlines.crs).to_numpy())
    )


def _joined(fragments: Shapes, point: Any) -> Any:
    """Join fragments over the roads between them; None where that does not hold the point."""
    if not len(fragments):
        return None
    grown = shapely.union_all(shapely.buffer(fragments, GAP_M / 2, join_style="mitre"))
    joined = shapely.buffer(grown, -GAP_M / 2, join_style="mitre")
    whole = shapely.union_all([joined, *fragments])
    simple = shapely.make_valid(shapely.simplify(whole, TOLERANCE_M))
    return simple if shapely.intersects(simple, point) else None


def _chosen(point: Any, published: float, joined: Any, ratio: float) -> dict[str, Any]:
    if RATIO[0] <= ratio <= RATIO[1]:
        return {"outline": "landuse", "area_ratio": round(ratio, 2), "geometry": joined}
    told = {"area_ratio": round(ratio, 2) if np.isfinite(ratio) else np.nan}
    if published > 0:
        return told | {"outline": "disc", "geometry": disc(point, published)}
    return told | {"outline": "point", "geometry": point}


def _area(shape: Any) -> float:
    import geopandas as gpd

    degrees = gpd.GeoSeries([shape], crs=METRES).to_crs(WGS84).to_numpy()
    return ellipsoid_km2(degrees)[0]
