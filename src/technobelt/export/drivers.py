"""The formats' writers: a table as `held` made it, into one file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import geopandas as gpd

__all__ = ["WRITERS", "csv_table", "layer_name"]

#: The newest version that GDAL 3.2, and so QGIS 3.22 anywhere, reads without a warning.
_GPKG_VERSION = "1.2"


#: Signs that a layer's name cannot have. GDAL makes ids of those of a KML file, and makes no table
#: of a GeoPackage whose name begins with a sign; QGIS ends a layer's name in a path at a ``|``.
_NOT_LAYER = {
    ".gpkg": re.compile(r"""[\x00-\x1f\x7f|]|\A[`~!@#$%^&*()+\-={}\[\]\\:";'<>?,./]"""),
    ".kml": re.compile(r"""[\x00-\x1f\x7f/\\:*?"'<>|&]"""),
}
#: How no table of a GeoPackage may begin.
_RESERVED = re.compile("gpkg|sqlite_", re.IGNORECASE)


def layer_name(name: str, suffix: str) -> str:
    """Return what a layer of that name is called in a file.

    Examples
    --------
    >>> layer_name("parks / 2021", ".kml"), layer_name("parks / 2021", ".gpkg")
    ('parks _ 2021', 'parks / 2021')
    >>> layer_name("<new> parks", ".gpkg")
    '_new> parks'
    """
    refused = _NOT_LAYER.get(suffix)
    clean = refused.sub("_", name) if refused else name
    return f"_{clean}" if suffix == ".gpkg" and (_RESERVED.match(clean) or not clean) else clean


def _write_gpkg(frame: gpd.GeoDataFrame, scratch: Path, layer: str) -> None:
    fresh = {} if scratch.is_file() else {"dataset_options": {"VERSION": _GPKG_VERSION}}
    names = {"FID": "fid", "GEOMETRY_NAME": "geom"}
    _write(frame, scratch, layer, driver="GPKG", layer_options=names, **fresh)


def _write_fgb(frame: gpd.GeoDataFrame, scratch: Path, layer: str) -> None:
    # the index cannot hold what stands nowhere
    index = "NO" if frame.empty or frame.geometry.isna().any() else "YES"
    _write(frame, scratch, layer, driver="FlatGeobuf", layer_options={"SPATIAL_INDEX": index})


def _write_geojson(frame: gpd.GeoDataFrame, scratch: Path, layer: str) -> None:
    options = {"RFC7946": "YES", "COORDINATE_PRECISION": "7", "AUTODETECT_JSON_STRINGS": "NO"}
    options["WRAPDATELINE"] = "NO"  # GDAL would turn shapes over half the world inside out
    _write(frame, scratch, layer, driver="GeoJSON", layer_options=options)


def _write_kml(frame: gpd.GeoDataFrame, scratch: Path, layer: str) -> None:
    _write(frame, scratch, layer, driver="LIBKML")


def _write(frame: gpd.GeoDataFrame, scratch: Path, layer: str, **options: Any) -> None:
    import pyogrio

    if frame.geometry.isna().all():  # nothing to tell the type by
        options["geometry_type"] = "Unknown"
    pyogrio.write_dataframe(frame, scratch, layer=layer, **options)


def _write_parquet(frame: gpd.GeoDataFrame, scratch: Path, _layer: str) -> None:
    frame.to_parquet(scratch, index=False, compression="zstd")


def _write_csv(frame: gpd.GeoDataFrame, scratch: Path, _layer: str) -> None:
    """Mark the file as UTF-8 where it matters, or Excel shows Korean names as noise."""
    text = csv_table(frame).to_csv(index=False, lineterminator="\n")
    scratch.write_text(text, encoding="utf-8" if text.isascii() else "utf-8-sig", newline="")


def csv_table(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the texts of a CSV file: ``lon`` and ``lat`` of points, ``wkt`` of other shapes."""
    import shapely

    columns = frame.columns.drop("geometry")
    table = pd.DataFrame({name: _texts(frame[name]) for name in columns}, columns=columns)
    taken = {name.casefold() for name in columns}
    shapes = frame.geometry
    if (shapes.geom_type.dropna() == "Point").all():
        table[_free("lon", taken)] = _texts(shapes.x.round(7))
        table[_free("lat", taken)] = _texts(shapes.y.round(7))
    else:
        wkt = shapely.to_wkt(shapes.to_numpy(), rounding_precision=7)
        table[_free("wkt", taken)] = ["" if text is None else text for text in wkt]
    return table


def _texts(values: pd.Series[Any]) -> list[str]:
    """Return each value as text: the fewest digits that read back the same, nothing for null."""
    return ["" if pd.isna(value) else str(value) for value in values.tolist()]


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_wgs84"
    return name


#: By suffix.
WRITERS: dict[str, Callable[[gpd.GeoDataFrame, Path, str], None]] = {
    ".csv": _write_csv,
    ".fgb": _write_fgb,
    ".geojson": _write_geojson,
    ".gpkg": _write_gpkg,
    ".kml": _write_kml,
    ".parquet": _write_parquet,
}
