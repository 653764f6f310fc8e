"""Files that a mending changes: kept as ``.bak``, and written whole, with heights and measures."""

from __future__ import annotations

import shutil
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.layer_files import declared_layers, open_file, shapefile_encoding
from technobelt.schema import WGS84
from technobelt.writing import not_written, replace_file, replace_files

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

    from technobelt.region import LayerFile

__all__ = ["FORMATS", "keep", "rewrite"]

#: The formats that are written, by suffix, and what GDAL calls them.
FORMATS = {
    ".gpkg": "GPKG",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".fgb": "FlatGeobuf",
    ".shp": "ESRI Shapefile",
    ".parquet": "",
}


def keep(path: Path) -> str:
    """Copy a file, a shapefile with its companions, to names that end in ``.bak``.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    str
        The copy's name; an earlier copy is not replaced.
    """
    number = 0
    companions = _companions(path)
    while any(_kept(one, number).exists() for one in companions):
        number += 1
    for one in companions:
        shutil.copy2(one, _kept(one, number))
    return _kept(path, number).name


def _kept(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.bak{number or ''}")


def _companions(path: Path) -> list[Path]:
    if path.suffix.lower() != ".shp":
        return [path]
    ends = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix")
    beside = [one for one in path.parent.iterdir() if one.suffix.lower() in ends]
    return sorted(one for one in beside if one.stem == path.stem)


def rewrite(frame: gpd.GeoDataFrame, path: Path, file: LayerFile, name: str) -> list[str]:
    """Write a layer over its own file, in the file's format.

    Parameters
    ----------
    frame
        The layer, with heights and measures where it has them.
    path, file
        The file, and what ``region.toml`` says of it.
    name
        The layer.

    Returns
    -------
    list of str
        What the file cannot hold: heights or measures of how many rows.

    Raises
    ------
    OutputError
        It cannot be written; the file stands as it was.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        with replace_file(path) as scratch:
            frame.to_parquet(scratch, index=False)
        return []
    if suffix in {".geojson", ".json"} and frame.crs is not None:
        frame = frame.to_crs(WGS84)
    more = _shape_options(frame)
    if suffix == ".shp":
        more["encoding"] = file.encoding or shapefile_encoding(path)[1] or "UTF-8"
    with replace_files(path.parent) as folder:
        scratch = folder / path.name
        if suffix == ".gpkg":  # it may hold other layers, and styles
            shutil.copyfile(path, scratch)
            layers = declared_layers(path)
            more["layer"] = file.layer or (name if name in layers else layers[0])
        _write(frame, scratch, FORMATS[suffix], more)
        return _lost(frame, open_file(scratch, file, name, measured=True))


def _write(frame: gpd.GeoDataFrame, scratch: Path, driver: str, more: dict[str, Any]) -> None:
    import pyogrio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's remarks: what is lost is told by `_lost`
            pyogrio.write_dataframe(frame, scratch, driver=driver, **more)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise not_written(scratch.name, error) from error


def _shape_options(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return how measures (M) are written: by Arrow, into a layer that is declared to have them."""
    shapes = frame.geometry[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if not shapely.has_m(shapes.to_numpy()).any():
        return {}
    kinds = sorted(set(shapes.geom_type))
    single = {kind.removeprefix("Multi") for kind in kinds}
    if len(single) > 1:
        return {"use_arrow": True}
    kind = kinds[0] if len(kinds) == 1 else f"Multi{min(single)}"
    flat = "PointM" if kind == "Point" else f"Measured {kind}"  # as pyogrio calls them
    declared = f"Measured 3D {kind}" if shapes.has_z.any() else flat
    return {"use_arrow": True, "geometry_type": declared}


def _lost(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> list[str]:
    """Say how many rows have no heights or measures any more."""
    told = []
    for what, has in (("heights", shapely.has_z), ("measures (M)", shapely.has_m)):
        rows = int(np.sum(has(before.geometry.to_numpy())))
        rows -= int(np.sum(has(after.geometry.to_numpy())))
        told += [f"{what} left out, for the format cannot hold them: {rows}"] if rows > 0 else []
    return told
