"""Write a layer so that the same facts are the same bytes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from technobelt.schema import LAYERS, WGS84, check_layer

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

__all__ = ["in_schema_order", "write_layer"]

_DECIMALS = 5  # of a degree: about a metre


def write_layer(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Check a layer against the schema and write it as GeoJSON or GeoParquet.

    Parameters
    ----------
    frame
        With the columns of the layer's table; the layer's name is the file's.
    path
        ``.geojson`` (RFC 7946: WGS 84, one feature a line) or ``.parquet``.

    Raises
    ------
    LayerError
        The layer is not what the schema asks for.
    """
    table = LAYERS[path.stem]
    ordered = in_schema_order(frame, path.stem)
    check_layer(ordered, table, found_in=path.name)
    if path.suffix == ".parquet":
        ordered.to_parquet(path, index=False, compression="zstd")
        return
    path.write_text(_geojson(ordered, path.stem), encoding="utf-8")


def in_schema_order(frame: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """Return the frame with the schema's columns first, in its order, geometry last."""
    known = [column.name for column in LAYERS[name].columns if column.name in frame.columns]
    geometry = frame.geometry.name
    others = [column for column in frame.columns if column not in {*known, geometry}]
    return frame[[*known, *others, geometry]].reset_index(drop=True)


def _geojson(frame: gpd.GeoDataFrame, name: str) -> str:
    rows = frame.to_crs(WGS84).drop(columns=frame.geometry.name).astype(object).to_dict("records")
    shapes = frame.to_crs(WGS84).geometry
    features = [_feature(row, shape) for row, shape in zip(rows, shapes, strict=True)]
    head = f'{{"type": "FeatureCollection", "name": "{name}", "features": [\n'
    return head + ",\n".join(features) + "\n]}\n"


def _feature(row: dict[str, Any], shape: Any) -> str:
    properties = {key: _plain(value) for key, value in row.items()}
    geometry = None
    if shape is not None and not shape.is_empty:
        mapping = shape.__geo_interface__
        geometry = {"type": mapping["type"], "coordinates": _rounded(mapping["coordinates"])}
    feature = {"type": "Feature", "properties": properties, "geometry": geometry}
    return json.dumps(feature, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """Return a value that JSON holds; whatever is missing becomes null."""
    import pandas as pd

    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.item() if hasattr(value, "item") else value


def _rounded(coordinates: Any) -> Any:
    if isinstance(coordinates, int | float):
        return round(float(coordinates), _DECIMALS)
    return [_rounded(part) for part in coordinates]
