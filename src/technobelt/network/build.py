"""OSM file -> `Network`: read, cut, break, keep the largest part, contract."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.network.model import ROAD_COLUMNS, Network, NetworkInfo, network_from_roads
from technobelt.network.osm import read_ways
from technobelt.network.sections import (
    Pieces,
    break_ways,
    contract,
    cut_service_roads,
    largest_part,
    shapes,
)
from technobelt.schema import ROAD_CLASSES, WGS84

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from technobelt.network.osm import Ways

__all__ = ["OSM_LICENCE", "build_network", "network_of_pieces", "network_of_ways", "transformer"]

log = logging.getLogger(__name__)

OSM_LICENCE = "ODbL 1.0, © OpenStreetMap contributors; the road table is a derived database"
#: Shapes are simplified by this much; times and lengths come from the full shape.
SIMPLIFY_M = 10.0
#: Coordinates are kept to this fraction of a metre: a power of two, so that files compress.
_GRID_M = 0.5


def build_network(
    source: str | Path,
    *,
    classes: Iterable[str] = ROAD_CLASSES,
    crs: str | None = None,
    date: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Network:
    """Build a network from an OSM file.

    Parameters
    ----------
    source
        ``.osm.pbf``, ``.osm`` or ``.osm.gz``.
    classes
        ``highway`` values to use; all that cars drive by default.
    crs
        Metric CRS of the result; by default the UTM zone of its middle.
    date
        Date of the roads, ISO, where the file does not say.
    progress
        Called with the number of ways read so far.

    Returns
    -------
    Network
        The largest strongly connected part. ``network.info.report`` says what was dropped and
        where service roads were parted from motorways.

    Raises
    ------
    MissingFileError
        There is no such file.
    NetworkError
        It is broken off, no OSM file, or has no drivable way.

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
    ways = read_ways(source, classes=classes, progress=progress)
    return network_of_ways(
        ways, file=Path(source).name, crs=crs or _utm(ways), date=date or _file_date(Path(source))
    )


def network_of_ways(ways: Ways, *, file: str, crs: str, date: str) -> Network:
    """Build a network from ways already read."""
    node, cuts = cut_service_roads(ways)
    pieces = break_ways(ways, node)
    main = largest_part(pieces, ways)
    extent = _extent(ways, transformer(crs))
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
        file=file, date=date, licence=OSM_LICENCE, extent=shapely.to_wkt(extent, 0), report=report
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
    roads = pd.DataFrame(columns | plain)
    return gpd.GeoDataFrame(roads, geometry=lines, crs=crs)[list(ROAD_COLUMNS)]


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
        "service_roads_cut": [[round(lon, 5), round(lat, 5)] for lon, lat in cuts.tolist()],
    }


def _extent(ways: Ways, to_metres: Any) -> Any:
    west, south = ways.lonlat.min(axis=0)
    east, north = ways.lonlat.max(axis=0)
    corners = shapely.segmentize(shapely.box(west, south, east, north), 0.05)
    return shapely.transform(corners, to_metres.transform, interleaved=False)


def transformer(crs: str) -> Any:
    """Return the way from longitude and latitude to metres."""
    import pyproj

    return pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)


def _utm(ways: Ways) -> str:
    lon, lat = (ways.lonlat.min(axis=0) + ways.lonlat.max(axis=0)) / 2
    zone = int((lon + 180) // 6) % 60 + 1
    return f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"


def _file_date(path: Path) -> str:
    """Return the date that the file's header gives, else a date in its name, else nothing."""
    import re

    import osmium

    with osmium.io.Reader(str(path), osmium.osm.osm_entity_bits.NOTHING) as reader:
        said = reader.header().get("osmosis_replication_timestamp")
    if said:
        return said[:10]
    named = re.search(r"(?:19|20)\d\d-[01]\d(?:-[0-3]\d)?", path.name)
    return named.group() if named else ""
