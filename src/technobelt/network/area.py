"""The area that roads are wanted of: a box, a region's surroundings, or any outline.

Roads that cross its border are kept whole, as Overpass does, so that both ends of each are known.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.errors import CRSError, NetworkError
from technobelt.schema import WGS84, check_positions

if TYPE_CHECKING:
    from collections.abc import Sequence, Sized

    from technobelt.network.ways import Ways

__all__ = ["area_of_box", "area_of_region", "as_area", "known_of", "refuse_none", "within"]


def area_of_box(west: float, south: float, east: float, north: float) -> Any:
    """Return a box in degrees as an area.

    Raises
    ------
    NetworkError
        It is no box, or lies across the 180th meridian or beyond 84° N or 80° S.

    Examples
    --------
    >>> area_of_box(128.5, 35.1, 128.8, 35.4).area
    0.09...
    """
    if not (-180 <= west < east <= 180 and -80 <= south < north <= 84):
        raise NetworkError(
            f"{west:g},{south:g},{east:g},{north:g} is no box W,S,E,N in degrees within 80° S and "
            "84° N. One across the 180th meridian is not supported: take both sides by themselves."
        )
    return shapely.box(west, south, east, north)


def area_of_region(region: Any, buffer_km: float = 25.0) -> Any:
    """Return the surroundings of a region's clusters as an area, in degrees.

    Parameters
    ----------
    region
        From `load_region`.
    buffer_km
        Kilometres around the clusters' convex hull.
    """
    import geopandas as gpd

    from technobelt.layers import read_layer

    if not 0 <= buffer_km <= 500:
        raise NetworkError(f"the buffer must be 0 to 500 km; found {buffer_km:g}.")
    clusters = read_layer(region, "clusters").to_crs(region.crs)
    hull = clusters.union_all().convex_hull.buffer(buffer_km * 1000)
    area = gpd.GeoSeries([hull.simplify(500)], crs=region.crs).to_crs(4326).iloc[0]
    area_of_box(*area.bounds)
    return area


def as_area(given: Any) -> Any:
    """Return an area as one shape in degrees, prepared.

    Parameters
    ----------
    given
        A polygon of shapely in WGS 84, or a GeoDataFrame or GeoSeries of polygons in any CRS.

    Raises
    ------
    CRSError
        A frame has no CRS, or coordinates that do not fit it.
    NetworkError
        It holds no land, or is not on the globe.

    Examples
    --------
    >>> as_area(shapely.Point(128.6, 35.2))
    Traceback (most recent call last):
    technobelt.errors.NetworkError: the area of the roads must be polygons; found a Point. ...
    """
    shape = _in_degrees(given) if hasattr(given, "crs") else given
    if not isinstance(shape, shapely.Polygon | shapely.MultiPolygon) or not shape.area > 0:
        found = getattr(shape, "geom_type", type(shape).__name__)
        empty = "n empty" if getattr(shape, "is_empty", False) else ""
        raise NetworkError(
            f"the area of the roads must be polygons; found a{empty} {found}. Give a polygon in "
            "WGS 84 (area_of_box makes one), or a frame of polygons."
        )
    area_of_box(*shape.bounds)
    whole = shapely.make_valid(shape)
    shapely.prepare(whole)
    return whole


def _in_degrees(frame: Any) -> Any:
    if frame.crs is None:
        raise CRSError("the area of the roads has no CRS. Set one with set_crs().")
    check_positions(frame, "the area of the roads")
    return frame.geometry.to_crs(WGS84).union_all()


def known_of(area: Any, bounds: Sequence[float]) -> Any:
    """Return the part of an area that a source with these bounds in degrees knows the roads of."""
    west, south, east, north = (float(one) for one in bounds)
    known = shapely.box(west, south, east, north).intersection(area)
    return known if known.area > 0 else area


def within(ways: Ways, area: Any) -> Ways:
    """Return the ways that touch an area, whole.

    Parameters
    ----------
    ways
        All that a source has.
    area
        From `as_area`.

    Raises
    ------
    NetworkError
        No way touches it.
    """
    number = np.repeat(np.arange(len(ways)), np.diff(ways.start))
    touching = shapely.intersects(area, shapely.linestrings(ways.lonlat, indices=number))
    bounds = [*ways.lonlat.min(axis=0), *ways.lonlat.max(axis=0)]
    refuse_none(np.flatnonzero(touching), area, bounds)
    return replace(ways.take(touching), area=known_of(area, bounds))


def refuse_none(touching: Sized, area: Any, bounds: Sequence[float]) -> None:
    """Refuse an area that no road of a source touches, and say where the source has some."""
    if not len(touching):
        raise NetworkError(
            f"there is no road in the area {_box(area.bounds)}; those of the source lie within "
            f"{_box(bounds)} (W,S,E,N, degrees). Choose another area, or another source."
        )


def _box(bounds: Sequence[float]) -> str:
    return ",".join(f"{one:.2f}" for one in bounds)
