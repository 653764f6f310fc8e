"""Open the file of a layer, whatever its format; every fault is a `LayerError`."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

from technobelt.errors import GeometryError, LayerError
from technobelt.layer_files.tables import TABLES, read_table
from technobelt.layer_files.texts import shapefile_encoding
from technobelt.layer_files.zips import unzipped

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

    from technobelt.region import LayerFile

__all__ = ["declared_layers", "open_file"]

_log = logging.getLogger(__name__)

_ZIPS = (".zip", ".kmz")
_PARQUET = (".parquet", ".geoparquet", ".pq")
#: From this many rows on it is said beforehand what reading takes.
_MANY_ROWS = 500_000
#: Measured on points with ten columns of text and numbers, read and checked.
_SECONDS, _MEGABYTES = 8.0, 1_500.0  # a million rows


def open_file(path: Path, file: LayerFile, name: str) -> gpd.GeoDataFrame:
    """Read a layer's file as it is: its own columns, its own CRS, heights left out.

    Parameters
    ----------
    path
        The file: shapefile, GeoPackage, GeoJSON, FlatGeobuf, KML and whatever else GDAL opens,
        GeoParquet, a text table with coordinates; any of them in a ``.zip``.
    file
        What ``region.toml`` says of it: `layer`, `crs`, `encoding`, `x`, `y`.
    name
        The layer, for messages.

    Raises
    ------
    LayerError
        It cannot be read, or holds several layers of which none is named.
    GeometryError
        It has no shapes.
    CRSError
        A text table holds metres, and nothing names their CRS.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's remarks: what matters is checked afterwards
            frame = _opened(path, file, name)
            return _flat(frame, path, name)
    except LayerError:
        raise
    except Exception as error:
        raise LayerError(
            f"layer '{name}' ({path.name}) cannot be read: {_first_line(error)}. "
            "Save it again as GeoPackage or GeoJSON."
        ) from error


def _opened(path: Path, file: LayerFile, name: str) -> Any:
    suffix = path.suffix.lower()
    if suffix in _ZIPS:
        with unzipped(path, file.layer, name) as (inside, layer):
            return _opened(inside, file.model_copy(update={"layer": layer}), name)
    _warn_of_size(path, file, name)
    if suffix in _PARQUET:
        import geopandas as gpd

        return gpd.read_parquet(path)
    if suffix in TABLES:
        return read_table(path, file, name)
    return _by_gdal(path, file, name)


def _by_gdal(path: Path, file: LayerFile, name: str) -> Any:
    import geopandas as gpd

    encoding = file.encoding
    if encoding is None and path.suffix.lower() == ".shp":
        encoding = shapefile_encoding(path)[1]
    more = {"encoding": encoding} if encoding else {}
    return gpd.read_file(path, layer=file.layer or _only_layer(path, name), **more)


def _only_layer(path: Path, name: str) -> str | None:
    """Return which layer of a file is meant where none is named: the only one, or its namesake."""
    layers = declared_layers(path)
    if len(layers) < 2:
        return None
    if name in layers:
        return name
    raise LayerError(
        f"layer '{name}' ({path.name}): the file holds several layers: {', '.join(layers)}. "
        f'Name one in region.toml: [layers.{name}] layer = "...".'
    )


def declared_layers(path: Path) -> list[str]:
    """Return the names of the layers with shapes that a file of GDAL's holds.

    Examples
    --------
    >>> import technobelt as tb
    >>> declared_layers(tb.load_region().path("clusters"))
    ['clusters']
    """
    import pyogrio

    listed = pyogrio.list_layers(path)
    return [str(layer) for layer, shape in listed if shape is not None]


def _flat(frame: Any, path: Path, name: str) -> gpd.GeoDataFrame:
    """Drop heights, and columns that come twice."""
    import geopandas as gpd

    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise GeometryError(
            f"layer '{name}' ({path.name}) has no geometry. Save it as a layer with shapes."
        )
    frame = frame.loc[:, ~frame.columns.duplicated()]
    if frame.active_geometry_name != "geometry":
        frame = frame.drop(columns="geometry", errors="ignore").rename_geometry("geometry")
    shapes = frame.geometry
    if shapes.has_z.any():
        frame = frame.set_geometry(shapes.force_2d())
    named = frame.index.name is not None and frame.index.name not in frame.columns
    return frame.reset_index(drop=not named)


def _warn_of_size(path: Path, file: LayerFile, name: str) -> None:
    rows = _rows(path, file)
    if rows >= _MANY_ROWS:
        _log.warning(
            "layer '%s' (%s) has about %s rows: reading takes some %.0f s and %.1f GB of memory",
            name,
            path.name,
            f"{rows:,}",
            rows / 1e6 * _SECONDS,
            rows / 1e9 * _MEGABYTES,
        )


def _rows(path: Path, file: LayerFile) -> int:
    """Return how many rows a file has, without reading them; 0 where it does not say."""
    if path.suffix.lower() in _PARQUET:
        import pyarrow.parquet as pq

        return int(pq.read_metadata(path).num_rows)
    if path.suffix.lower() in TABLES:
        with path.open("rb") as stream:
            head = stream.read(1 << 16)
        return int(path.stat().st_size * head.count(b"\n") / max(len(head), 1))
    if path.stat().st_size < _MANY_ROWS * 50:  # a row with a shape takes more bytes than that
        return 0
    import pyogrio

    return int(pyogrio.read_info(path, layer=file.layer)["features"])


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
