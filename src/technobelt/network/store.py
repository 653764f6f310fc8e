"""Keep a network as one GeoParquet file of road sections, and load it again."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.counting import counted
from technobelt.errors import MissingFileError, NetworkError
from technobelt.network.model import Network, NetworkInfo, network_from_roads
from technobelt.region import Region
from technobelt.writing import replace_file

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["load_network", "save_network"]

_META = b"technobelt"


def save_network(network: Network, path: str | Path, *, compression_level: int = 3) -> Path:
    """Save a network as GeoParquet (zstd), replaced whole or not at all.

    Parameters
    ----------
    network
        From `build_network`.
    path
        Must end in ``.parquet``.
    compression_level
        Of zstd, 1 to 22.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    NetworkError
        The path does not end in ``.parquet``, or roads are closed in this state of the network:
        a file holds the roads, not a scenario. Barriers belong to the region and are not kept.
    OutputError
        It cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import technobelt as tb
    >>> network = tb.load_network(tb.load_region())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = tb.save_network(network, f"{folder}/roads.parquet")
    ...     tb.load_network(path).key == network.key
    True
    """
    import pyarrow.parquet as pq

    target = Path(path)
    if target.suffix != ".parquet":
        raise NetworkError(f"a network is kept as .parquet; found '{target.name}'. Rename --out.")
    if network.closed.any() or network.edits is not None:
        raise NetworkError(
            f"{counted(int(network.closed.sum()), 'section is', 'sections are')} closed or edited "
            "in this state of the network, which a file does not hold. Save the "
            "network that it was made from."
        )
    info = network.info.to_dict() | {"hash": ""}
    table = _as_arrow(network.roads)
    meta = {**(table.schema.metadata or {}), _META: json.dumps(info, ensure_ascii=False).encode()}
    with replace_file(target) as scratch:
        pq.write_table(
            table.replace_schema_metadata(meta),
            scratch,
            compression="zstd",
            compression_level=compression_level,
        )
    return target


def _as_arrow(roads: gpd.GeoDataFrame) -> Any:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    roads.to_parquet(buffer, index=False, compression=None)
    buffer.seek(0)
    return pq.read_table(buffer)


def load_network(path_or_region: str | Path | Region) -> Network:
    """Load a network, or a region's own.

    Parameters
    ----------
    path_or_region
        A ``.parquet`` file that `save_network` or ``technobelt network build`` wrote; or a region,
        whose ``roads`` and ``barriers`` are then used.

    Returns
    -------
    Network

    Raises
    ------
    MissingFileError
        There is no such file.
    NetworkError
        The file is no road table of this package.

    Examples
    --------
    >>> import technobelt as tb
    >>> network = tb.load_network(tb.load_region())
    >>> network.info.date
    '2021-08'
    """
    if isinstance(path_or_region, Region):
        return _of_region(path_or_region)
    path = Path(path_or_region)
    if not path.is_file():
        raise MissingFileError(
            f"no network file '{path}'. Build one: technobelt network build ROADS.osm.pbf --out "
            f"{path.name}"
        )
    roads, meta = _read(path)
    known = {name: meta[name] for name in NetworkInfo.__dataclass_fields__ if name in meta}
    info = NetworkInfo(**known | {"file": path.name, "hash": _hash(path)})
    return replace(network_from_roads(roads, info), home=path)


def region_network(region: Region, network: Network | str | Path | None = None) -> Network:
    """Return the network to use for a region: in its CRS, with its barriers.

    Parameters
    ----------
    region
        From `load_region`.
    network
        A network or its ``.parquet`` file; the region's own roads by default.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> region_network(region).crs.to_string()
    'EPSG:5179'
    """
    if network is None:
        return _of_region(region).to_crs(region.crs)
    loaded = network if isinstance(network, Network) else load_network(network)
    return _with_barriers(loaded.to_crs(region.crs), region)


def _of_region(region: Region) -> Network:
    return _with_barriers(load_network(region.path("roads")), region)


def _with_barriers(network: Network, region: Region) -> Network:
    from technobelt.layers import read_layer

    if "barriers" not in region.layers or len(network.barriers):
        return network
    return network.with_barriers(read_layer(region, "barriers"))


def _read(path: Path) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq
    import pyproj
    import shapely

    faults = (pa.ArrowException, ValueError, OSError, LookupError, TypeError, AttributeError)
    try:
        table = pq.read_table(path)
        meta = table.schema.metadata or {}
        said = json.loads(meta.get(_META, b"{}"))
        return _frame(table, json.loads(meta[b"geo"])), dict(said)
    except (*faults, shapely.errors.ShapelyError, pyproj.exceptions.ProjError) as error:
        raise NetworkError(
            f"'{path.name}' is no road table ({(str(error).splitlines() or ['empty'])[0]}). "
            "Build one with 'technobelt network build'."
        ) from error


def _frame(table: Any, geo: dict[str, Any]) -> gpd.GeoDataFrame:
    """Return a table of Arrow as a frame; twice as fast as geopandas where texts repeat."""
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa
    import pyproj
    import shapely

    column = geo["columns"]["geometry"]
    if column["encoding"] != "WKB":
        raise ValueError(f"its shapes are {column['encoding']}, not WKB")
    texts = {f.name for f in table.schema if pa.types.is_string(f.type)}
    others = [name for name in table.column_names if name not in texts | {"geometry"}]
    frame = table.select(others).to_pandas()
    for name in texts:
        frame[name] = pd.Series(_objects(table[name]), dtype=object)
    shapes = shapely.from_wkb(np.asarray(table["geometry"]))
    crs = pyproj.CRS.from_json_dict(column["crs"]) if column.get("crs") else None
    return gpd.GeoDataFrame(
        frame[[name for name in table.column_names if name != "geometry"]], geometry=shapes, crs=crs
    )


def _objects(texts: Any) -> Any:
    """Return a column of text as objects, None where it is empty; equal texts are one object."""
    coded = texts.combine_chunks().dictionary_encode()
    known = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    return known[np.asarray(coded.indices.fill_null(len(known) - 1))]


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
