"""Roads of any source -> `Network`: read, cut, break, keep the largest part, contract."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.errors import NetworkError
from technobelt.network.model import ROAD_COLUMNS, Network, NetworkInfo, network_from_roads
from technobelt.network.sections import (
    Pieces,
    break_ways,
    contract,
    cut_at_barriers,
    cut_service_roads,
    largest_part,
    parts,
    shapes,
)
from technobelt.network.sources import named, read_roads
from technobelt.network.ways import OSM_LICENCE
from technobelt.schema import ROAD_CLASSES, WGS84

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from technobelt.network.lines import LineRules
    from technobelt.network.sources import Format
    from technobelt.network.tags import OsmRules
    from technobelt.network.ways import Ways

__all__ = ["OSM_LICENCE", "build_network", "network_of_pieces", "network_of_ways", "transformer"]

log = logging.getLogger(__name__)

#: Shapes are simplified by this much; times and lengths come from the full shape.
SIMPLIFY_M = 10.0
#: Coordinates are kept to this fraction of a metre: a power of two, so that files compress.
_GRID_M = 0.5
#: Where UTM ends.
_NORTH, _SOUTH = 84.0, -80.0
_EXAMPLES = 5
_FLAT = 1e-6


def build_network(  # noqa: PLR0913  (each source has its own)
    source: str | Path | Any,
    *,
    format: Format | None = None,  # noqa: A002  (what every reader of files calls it)
    classes: Iterable[str] = ROAD_CLASSES,
    crs: str | None = None,
    date: str | None = None,
    rules: OsmRules | None = None,
    lines: LineRules | None = None,
    area: Any = None,
    progress: Callable[[int], None] | None = None,
) -> Network:
    """Build a network from roads of any source.

    Parameters
    ----------
    source
        An OSM file (``.osm.pbf``, ``.osm``, ``.osm.gz``), answers of Overpass (``.json``, or a
        folder of them), a graph of OSMnx or its ``.graphml``, the Korean standard node-link data (a
        folder, a zip or ``MOCT_LINK.shp``), or any layer of lines (a file, or a GeoDataFrame).
    format
        ``osm``, ``overpass``, ``graph``, ``graphml``, ``nodelink`` or ``lines``; by default what
        the source looks like.
    classes
        ``highway`` values to use; all that cars drive by default.
    crs
        Metric CRS of the result; by default the UTM zone of its middle.
    date
        Date of the roads, ISO, where the source does not say.
    rules
        How tags of OpenStreetMap are read: country, ferries, gates, toll booths.
    lines
        Which columns of a layer of lines say what, and how its ends are joined.
    area
        Polygon in WGS 84, or a frame of polygons in any CRS: only roads that touch it are used,
        whole where they cross its border; by default all. Of an OSM file the others are never kept
        in memory. ``network.info.extent`` is then this area, as far as the source reaches.
    progress
        Called with the number of ways read so far, of an OSM file.

    Returns
    -------
    Network
        The largest strongly connected part. ``network.info.report`` says what was dropped, assumed
        and cut.

    Raises
    ------
    MissingFileError
        There is no such file.
    NetworkError
        It is broken off, of no known kind, has no drivable way (in the area) or no topology, or
        crosses the 180th meridian.

    Examples
    --------
    >>> from pathlib import Path
    >>> import tempfile
    >>> import technobelt as tb
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "street.osm"
    ...     _ = file.write_text(
    ...         '<osm version="0.6"><node id="1" lat="35.20" lon="128.60"/>'
    ...         '<node id="2" lat="35.20" lon="128.61"/><way id="1"><nd ref="1"/><nd ref="2"/>'
    ...         '<tag k="highway" v="residential"/></way></osm>'
    ...     )
    ...     network = tb.build_network(file)
    >>> network.roads["length_m"].round().tolist()
    [911.0]
    """
    ways = read_roads(
        source,
        format=format,
        classes=classes,
        rules=rules,
        lines=lines,
        area=area,
        progress=progress,
    )
    metres = _metric(crs) if crs else _utm(ways)
    return network_of_ways(ways, file=named(source), crs=metres, date=date or ways.date)


def network_of_ways(ways: Ways, *, file: str, crs: str, date: str) -> Network:
    """Build a network from ways already read."""
    extent = _extent(ways, transformer(crs))
    ways, barriers = cut_at_barriers(ways)
    node, cuts = cut_service_roads(ways)
    pieces = break_ways(ways, node)
    if not len(pieces):
        raise NetworkError(f"'{file}' has no road of any length. Name a source that has.")
    main = largest_part(pieces, ways)
    if not main.any():
        raise NetworkError(
            f"'{file}' has no road that can be driven to and away from: all are one-way and lead "
            "nowhere. Check what says their direction."
        )
    ways.notes["parts"] = parts(pieces)
    if len(barriers):
        ways.notes["barriers"] = [len(barriers), _places(barriers[:_EXAMPLES])]
    return network_of_pieces(
        pieces, ways, main=main, cuts=cuts, file=file, crs=crs, date=date, extent=extent
    )


def network_of_pieces(
    pieces: Pieces,
    ways: Ways,
    *,
    cuts: NDArray[np.float64],
    file: str,
    crs: str,
    date: str,
    extent: Any,
    main: NDArray[np.bool_] | None = None,
) -> Network:
    """Contract pieces to a network.

    Parameters
    ----------
    pieces, ways
        From `break_ways`.
    cuts
        Where service roads were parted from motorways, degrees.
    file, crs, date
        What it was read from, the metric CRS of the result, the date of the roads.
    extent
        Polygon in `crs`, inside which roads were collected.
    main
        bool: the pieces to keep; their largest strongly connected part by default.
    """
    kept = largest_part(pieces, ways) if main is None else main
    report = _report(ways, pieces, kept, cuts)
    sections = contract(pieces.take(kept), ways)
    xy = np.stack(transformer(crs).transform(*sections.lonlat.T), axis=1)
    lines = shapes(sections, np.round(xy / _GRID_M) * _GRID_M, SIMPLIFY_M)
    roads = _road_table(sections.table, lines, crs)
    report |= {"sections": len(roads), "km": round(float(roads["length_m"].sum()) / 1000, 1)}
    log.info("%s: %s sections, %s km", file, report["sections"], report["km"])
    info = NetworkInfo(
        file=file, date=date, licence=ways.licence, extent=shapely.to_wkt(extent, 0), report=report
    )
    return network_from_roads(roads, info)


def _road_table(table: pd.DataFrame, lines: NDArray[np.object_], crs: str) -> Any:
    import geopandas as gpd

    ends = table[["tail", "head"]].to_numpy()
    _, number = np.unique(ends, return_inverse=True)
    number = number.reshape(ends.shape)
    classes = pd.Categorical.from_codes(
        table["road_class"].to_numpy(np.int8), categories=pd.Index(ROAD_CLASSES)
    )
    columns = {
        "u": number[:, 0].astype(np.int32),
        "v": number[:, 1].astype(np.int32),
        "class": classes,
        "limit_kph": table["limit_kph"].astype(np.float32),
        "length_m": table["length_m"].round(1),
        "bridge": table["bridge"].round(2).astype(np.float32),
        "tunnel": table["tunnel"].round(2).astype(np.float32),
    }
    plain = {name: table[name] for name in ROAD_COLUMNS if name in table and name not in columns}
    roads = gpd.GeoDataFrame(pd.DataFrame(columns | plain), geometry=lines, crs=crs)
    roads = roads[list(ROAD_COLUMNS)]
    if (table["wait_s"] > 0).any():
        roads = roads.assign(wait_s=table["wait_s"].round(1), ferry=table["ferry"])
    return roads


def _report(
    ways: Ways, pieces: Pieces, main: NDArray[np.bool_], cuts: NDArray[np.float64]
) -> dict[str, Any]:
    code = ways.road_class[pieces.way[~main]]
    lost = np.bincount(code, weights=pieces.length_m[~main], minlength=len(ROAD_CLASSES)) / 1000
    return {
        "ways": len(ways),
        "ways_closed_to_cars": ways.closed,
        "dropped_pieces": int((~main).sum()),
        "dropped_km": {
            name: round(float(km), 1) for name, km in zip(ROAD_CLASSES, lost, strict=True) if km
        },
        "service_roads_cut": _places(cuts),
        **ways.notes,
    }


def _places(lonlat: NDArray[np.float64]) -> list[list[float]]:
    return [[round(lon, 5), round(lat, 5)] for lon, lat in lonlat.tolist()]


def _extent(ways: Ways, to_metres: Any) -> Any:
    west, south = ways.lonlat.min(axis=0)
    east, north = ways.lonlat.max(axis=0)
    east, north = max(east, west + _FLAT), max(north, south + _FLAT)  # GEOS empties a flat box
    area = shapely.box(west, south, east, north) if ways.area is None else ways.area
    corners = shapely.segmentize(area, 0.05)
    extent = shapely.transform(corners, to_metres.transform, interleaved=False)
    if not np.isfinite(shapely.bounds(extent)).all():
        raise NetworkError(
            f"the roads ({west:.2f},{south:.2f} to {east:.2f},{north:.2f}) cannot be drawn in the "
            "CRS asked for. Choose another --crs."
        )
    return extent


def transformer(crs: str) -> Any:
    """Return the way from longitude and latitude to metres."""
    import pyproj

    return pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)


def _metric(crs: str) -> str:
    import pyproj

    try:
        known = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise NetworkError(f"no CRS {crs!r} is known. Write, e.g., EPSG:5179.") from error
    if not known.is_projected or known.axis_info[0].unit_name != "metre":
        raise NetworkError(f"the CRS {crs} is not in metres. Choose one that is, e.g. EPSG:5179.")
    return crs


def _utm(ways: Ways) -> str:
    (west, south), (east, north) = ways.lonlat.min(axis=0), ways.lonlat.max(axis=0)
    if east - west > 180:
        raise NetworkError(
            f"the roads lie on both sides of the 180th meridian ({west:.2f} to {east:.2f}), which "
            "is not supported. Cut the source there, or name a --crs that is made for it."
        )
    if north > _NORTH or south < _SOUTH:
        raise NetworkError(
            f"the roads reach from latitude {south:.2f} to {north:.2f}, where no UTM zone is. "
            "Name a metric CRS: --crs EPSG:3995 (Arctic) or EPSG:3031 (Antarctic)."
        )
    zone = int(((west + east) / 2 + 180) // 6) % 60 + 1
    return f"EPSG:{(32600 if south + north >= 0 else 32700) + zone}"
