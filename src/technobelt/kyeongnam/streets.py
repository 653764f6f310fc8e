"""Lines out of an OpenStreetMap file, and lines cut into short pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from technobelt.errors import NetworkError
from technobelt.kyeongnam.boundaries import METRES
from technobelt.kyeongnam.source import source_file
from technobelt.schema import WGS84

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Pieces", "cut", "read_lines", "read_routes"]


class Pieces(NamedTuple):
    """Short pieces of lines: their middles (m) and lengths (m)."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    length: NDArray[np.float64]


def read_lines(
    source: Path,
    name: str,
    highways: Sequence[str],
    *,
    bounds: tuple[float, float, float, float] | None = None,
) -> NDArray[np.object_]:
    """Read the roads of some classes from an ``.osm.pbf``.

    Parameters
    ----------
    source
        Folder of the source material.
    name
        The file's name.
    highways
        Values of the tag ``highway``.
    bounds
        West, south, east, north in degrees; roads wholly outside are left out.

    Returns
    -------
    numpy.ndarray
        LineStrings in EPSG:5179, in the order of the file.

    Raises
    ------
    MissingFileError
        The file is not there.
    NetworkError
        It is damaged, or holds no such road.
    """
    import shapely

    shapes = shapely.from_wkb([shape for shape, _ in _ways(source, name, highways)])
    if bounds:
        shapes = shapes[shapely.intersects(shapely.box(*bounds), shapes)]
    return _in_metres(shapes)


def read_routes(
    source: Path, name: str, highways: Sequence[str], routes: Sequence[str]
) -> dict[str, NDArray[np.object_]]:
    """Read the roads of some classes that bear one of some route numbers, by route.

    A road that bears two numbers (``10;104``) is in both.

    Raises
    ------
    MissingFileError
        The file is not there.
    NetworkError
        It is damaged, or holds no such road.
    """
    import shapely

    found: dict[str, list[str]] = {route: [] for route in routes}
    for shape, tags in _ways(source, name, highways):
        for route in set(str(tags.get("ref", "")).split(";")) & set(routes):
            found[route].append(shape)
    empty = [route for route, shapes in found.items() if not shapes]
    if empty:
        raise NetworkError(f"'{name}' holds no road of route {empty[0]}.")
    return {route: _in_metres(shapely.from_wkb(shapes)) for route, shapes in found.items()}


def _ways(source: Path, name: str, highways: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield shape and tags of each road; the tags are only valid until the next."""
    import osmium

    path = source_file(source, name)
    wanted = osmium.filter.TagFilter(*(("highway", value) for value in highways))
    ways = osmium.filter.EntityFilter(osmium.osm.WAY)
    write = osmium.geom.WKBFactory()
    count = 0
    try:
        for way in (
            osmium.FileProcessor(str(path)).with_locations().with_filter(ways).with_filter(wanted)
        ):
            count += 1
            yield write.create_linestring(way), way.tags  # type: ignore[arg-type]
    except (RuntimeError, osmium.InvalidLocationError) as error:
        raise NetworkError(f"'{name}' cannot be read: {error}. Fetch it again.") from error
    if not count:
        raise NetworkError(f"'{name}' holds no road of the classes {', '.join(highways)}.")


def _in_metres(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    import geopandas as gpd

    lines: NDArray[np.object_] = gpd.GeoSeries(shapes, crs=WGS84).to_crs(METRES).to_numpy()
    return lines


def cut(lines: NDArray[np.object_], longest_m: float = 50) -> Pieces:
    """Cut lines into straight pieces no longer than `longest_m`.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> pieces = cut(np.array([shapely.LineString([(0, 0), (120, 0)])]))
    >>> pieces.x.tolist(), pieces.length.tolist()
    ([20.0, 60.0, 100.0], [40.0, 40.0, 40.0])
    """
    import shapely

    xy, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    start, step = xy[:-1][same], np.diff(xy, axis=0)[same]
    length = np.hypot(step[:, 0], step[:, 1])
    count = np.maximum(np.ceil(length / longest_m), 1).astype(int)
    segment = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(segment)) - np.repeat(np.cumsum(count) - count, count)
    middle = start[segment] + step[segment] * ((nth + 0.5) / count[segment])[:, None]
    return Pieces(middle[:, 0], middle[:, 1], length[segment] / count[segment])
