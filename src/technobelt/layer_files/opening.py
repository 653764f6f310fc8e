"""Open the file of a layer, whatever its format; every fault is a `LayerError`."""

from __future__ import annotations

import logging
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from technobelt.errors import GeometryError, LayerError
from technobelt.layer_files.tables import TABLES, read_table
from technobelt.layer_files.texts import shapefile_encoding
from technobelt.layer_files.zips import unzipped

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

    from technobelt.region import LayerFile

__all__ = ["count_rows", "declared_layers", "open_file"]

_log = logging.getLogger(__name__)

_ZIPS = (".zip", ".kmz")
_PARQUET = (".parquet", ".geoparquet", ".pq")
#: From this many rows on it is said beforehand what reading takes.
_MANY_ROWS = 500_000
#: Measured on points with six columns, read and checked: a million rows take so many seconds and
#: bytes of memory; other formats about what a GeoPackage takes.
_SECONDS = {".parquet": 1.0, ".csv": 5.0, ".gpkg": 5.0, ".geojson": 30.0, ".json": 30.0}
_BYTES_A_ROW = 600
#: Formats that have to be read to the end to be counted: about so many bytes are a row.
_UNCOUNTED = {".geojson": 250, ".json": 250, ".kml": 500, ".gml": 500}


def open_file(
    path: Path, file: LayerFile, name: str, *, measured: bool = False
) -> gpd.GeoDataFrame:
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
    measured
        Keep what shapes hold beside x and y: heights (Z) and measures (M), for a file that is
        written anew.

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
            frame = _opened(path, file, name, measured=measured)
            frame = _with_one_shape(frame, path, name)
            return frame if measured else _flat(frame)
    except LayerError:
        raise
    except Exception as error:
        raise LayerError(
            f"layer '{name}' ({path.name}) cannot be read: {_first_line(error)}. "
            "Save it again as GeoPackage or GeoJSON."
        ) from error


def _opened(path: Path, file: LayerFile, name: str, *, measured: bool) -> Any:
    suffix = path.suffix.lower()
    if suffix in _ZIPS:
        with unzipped(path, file.layer, name) as (inside, layer):
            chosen = file.model_copy(update={"layer": layer})
            return _opened(inside, chosen, name, measured=measured)
    if rows := count_rows(path, file):
        _warn_of_size(path, name, rows)
    if suffix in _PARQUET:
        import geopandas as gpd

        return gpd.read_parquet(path)
    if suffix in TABLES:
        return read_table(path, file, name)
    return _by_gdal(path, file, name, measured=measured)


def _by_gdal(path: Path, file: LayerFile, name: str, *, measured: bool) -> Any:
    import geopandas as gpd

    encoding = file.encoding
    if encoding is None and path.suffix.lower() == ".shp":
        encoding = shapefile_encoding(path)[1]
    more = {"encoding": encoding} if encoding else {}
    layer = file.layer or _only_layer(path, name)
    frame = gpd.read_file(path, layer=layer, **more)
    if measured and len(frame) and frame.active_geometry_name and _has_measures(path, layer):
        shapes = gpd.read_file(path, layer=layer, columns=[], use_arrow=True).geometry
        frame = frame.set_geometry(shapes)
    return frame


def _has_measures(path: Path, layer: str | None) -> bool:
    """Tell whether GDAL knows of measures (M); pyogrio says so, and reads them by Arrow only."""
    import pyogrio

    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        pyogrio.read_info(path, layer=layer)
    return any(str(remark.message).startswith("Measured (M)") for remark in remarks)


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

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of measures, which are of no account here
        listed = pyogrio.list_layers(path)
    return [str(layer) for layer, shape in listed if shape is not None]


def _with_one_shape(frame: Any, path: Path, name: str) -> gpd.GeoDataFrame:
    """Call the shapes ``geometry``, and drop columns that come twice."""
    import geopandas as gpd

    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise GeometryError(
            f"layer '{name}' ({path.name}) has no geometry. Save it as a layer with shapes."
        )
    frame = frame.loc[:, ~frame.columns.duplicated()]
    if frame.active_geometry_name != "geometry":
        frame = frame.drop(columns="geometry", errors="ignore").rename_geometry("geometry")
    named = frame.index.name is not None and frame.index.name not in frame.columns
    return frame.reset_index(drop=not named)


def _flat(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Drop heights and measures: everything is computed in the plane."""
    import shapely

    shapes = frame.geometry
    if shapes.has_z.any() or shapely.has_m(shapes.to_numpy()).any():
        return frame.set_geometry(shapes.force_2d())
    return frame


def count_rows(path: Path, file: LayerFile) -> int:
    """Return about how many rows a large file has, without reading them; 0 if it is not large.

    Parameters
    ----------
    path, file
        As in `open_file`.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> count_rows(region.path("clusters"), region.layers["clusters"])
    0
    """
    if not path.is_file():
        return 0
    try:
        rows = _rows(path, file)
    except Exception:  # noqa: BLE001  (any fault of a file is told when it is read)
        return 0
    return rows if rows >= _MANY_ROWS else 0


def _rows(path: Path, file: LayerFile) -> int:
    """Return how many rows a file has; 0 where it does not say."""
    if path.suffix.lower() in _PARQUET:
        import pyarrow.parquet as pq

        return int(pq.read_metadata(path).num_rows)
    if path.suffix.lower() in TABLES:
        with path.open("rb") as stream:
            head = stream.read(1 << 16)
        return int(path.stat().st_size * head.count(b"\n") / max(len(head), 1))
    size = path.stat().st_size
    if path.suffix.lower() in _UNCOUNTED:
        return size // _UNCOUNTED[path.suffix.lower()]
    if size < _MANY_ROWS * 50:  # a row with a shape takes more bytes than that
        return 0
    import pyogrio

    return int(pyogrio.read_info(path, layer=file.layer)["features"])


@lru_cache(maxsize=64)  # said once, however often a file is read
def _warn_of_size(path: Path, name: str, rows: int) -> None:
    _log.warning(
        "layer '%s' (%s) has about %s rows: reading takes some %.0f s and %.1f GB of memory",
        name,
        path.name,
        f"{rows:,}",
        rows / 1e6 * _SECONDS.get(path.suffix.lower(), _SECONDS[".gpkg"]),
        rows * _BYTES_A_ROW / 1e9,
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
