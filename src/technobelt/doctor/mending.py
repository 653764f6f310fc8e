"""Mend what can be mended safely; files are written whole or not at all, and kept as ``.bak``."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely

from technobelt.doctor.mending_tables import mend_table
from technobelt.layer_files import TABLES, declared_layers, open_file, shapefile_encoding
from technobelt.schema import LAYERS, WGS84
from technobelt.writing import replace_file, replace_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import geopandas as gpd

    from technobelt.doctor.findings import Finding, Remedy
    from technobelt.region import LayerFile, Region

__all__ = ["mend"]

_WRITTEN = {
    ".gpkg": "GPKG",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".fgb": "FlatGeobuf",
    ".shp": "ESRI Shapefile",
    ".parquet": "",
}


def mend(region: Region, findings: Iterable[Finding]) -> list[str]:
    """Do what the remedies of findings say, and keep the files that were there as ``.bak``.

    Parameters
    ----------
    region
        Whose files are changed.
    findings
        From `examine`; those without a remedy are passed over.

    Returns
    -------
    list of str
        What was done to which file, and what was not.

    Raises
    ------
    OutputError
        A file cannot be written; it stands as it was.

    Examples
    --------
    >>> import technobelt as tb
    >>> mend(tb.load_region(), [])
    []
    """
    by_layer: dict[str, list[Remedy]] = {}
    for finding in findings:
        if finding.remedy is not None:
            remedies = by_layer.setdefault(finding.layer, [])
            remedies += [] if finding.remedy in remedies else [finding.remedy]
    return [line for name, remedies in by_layer.items() for line in _mend(region, name, remedies)]


def _mend(region: Region, name: str, remedies: list[Remedy]) -> list[str]:
    file, path = region.layers[name], region.path(name)
    cpg = [remedy for remedy in remedies if remedy.kind == "cpg"]
    rest = [remedy for remedy in remedies if remedy.kind != "cpg"]
    done = [_write_cpg(path, remedy.encoding) for remedy in cpg]
    if not rest:
        return done
    if path.suffix.lower() in TABLES:
        return [*done, *mend_table(path, file, rest, _keep)]
    if path.suffix.lower() not in _WRITTEN:
        said = f"{path.name}: not mended, for {path.suffix} is not written. Save the layer as "
        return [*done, f"{said}GeoPackage and name that in region.toml."]
    frame = open_file(path, file, name)
    told = []
    for kind in _ORDER:
        for remedy in (one for one in rest if one.kind == kind):
            frame, what = _DO[kind](frame, remedy, name)
            told += [what] if what else []
    kept = _keep(path)
    _write(frame, path, file, name)
    return [*done, f"{path.name}: {', '.join(told)}; as it was: {kept}"]


def _write_cpg(path: Path, encoding: str) -> str:
    target = path.with_suffix(".cpg")
    kept = f"; as it was: {_keep(target)}" if target.is_file() else ""
    with replace_file(target) as scratch:
        scratch.write_text(encoding, encoding="ascii")
    return f"{target.name}: written, {encoding}{kept}"


# --- remedies ------------------------------------------------------------------------------------


def _strip(frame: gpd.GeoDataFrame, _: Remedy, __: str) -> tuple[gpd.GeoDataFrame, str]:
    changed = {}
    for column in frame.columns.drop("geometry"):
        values = frame[column]
        bare = values.map(lambda value: value.strip() if isinstance(value, str) else value)
        if isinstance(values.dtype, pd.CategoricalDtype) or not (bare != values).any():
            continue
        if (bare[values.notna()] != values[values.notna()]).any():
            changed[column] = bare
    return frame.assign(**changed), f"blanks taken off {', '.join(changed)}" if changed else ""


def _drop(frame: gpd.GeoDataFrame, _: Remedy, __: str) -> tuple[gpd.GeoDataFrame, str]:
    plain = pd.DataFrame(frame.drop(columns="geometry")).astype(str)
    same = plain.assign(geometry=frame.geometry.to_wkb()).duplicated()
    count = int(same.sum())
    return frame[~same].reset_index(drop=True), f"rows that came twice taken out: {count}"


def _set_crs(frame: gpd.GeoDataFrame, remedy: Remedy, _: str) -> tuple[gpd.GeoDataFrame, str]:
    shapes = frame.geometry
    if remedy.swap:
        turned = shapely.transform(shapes.to_numpy(), lambda xy: xy[:, ::-1])
        frame = frame.set_geometry(_series(turned, frame))
    frame = frame.set_crs(remedy.crs, allow_override=True)
    return frame, f"{'x and y exchanged, ' if remedy.swap else ''}CRS set to {remedy.crs}"


def _make_valid(frame: gpd.GeoDataFrame, _: Remedy, name: str) -> tuple[gpd.GeoDataFrame, str]:
    shapes = frame.geometry
    bad = (shapes.notna() & ~shapes.is_valid).to_numpy()
    mended = shapes.to_numpy().astype(object)
    allowed = LAYERS[name].geometry
    ids = [number for number in bad.nonzero()[0] if _finite(mended[number])]
    for number in ids:
        mended[number] = _only(shapely.make_valid(mended[number]), allowed) or mended[number]
    return frame.set_geometry(_series(mended, frame)), f"shapes repaired: {len(ids)}"


def _finite(shape: Any) -> bool:
    coordinates = shapely.get_coordinates(shape)
    return bool((abs(coordinates) < float("inf")).all())


def _only(shape: Any, allowed: tuple[str, ...]) -> Any:
    """Return of a repaired shape what its layer may hold; None if nothing is left."""
    if shape.geom_type in allowed:
        return shape
    parts = [part for part in shapely.get_parts(shape) if part.geom_type in allowed]
    flat = [piece for part in parts for piece in shapely.get_parts(part)]
    if not flat:
        return None
    whole = shapely.union_all(flat)
    return whole if whole.geom_type in allowed else None


def _series(shapes: Any, frame: gpd.GeoDataFrame) -> gpd.GeoSeries:
    import geopandas as gpd

    return gpd.GeoSeries(list(shapes), index=frame.index, crs=frame.crs)


_DO: dict[str, Callable[[Any, Any, str], tuple[Any, str]]] = {
    "strip": _strip,
    "duplicates": _drop,
    "crs": _set_crs,
    "valid": _make_valid,
}
_ORDER = tuple(_DO)


# --- files ---------------------------------------------------------------------------------------


def _keep(path: Path) -> str:
    """Copy a file, a shapefile with its companions, to names that end in ``.bak``."""
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


def _write(frame: gpd.GeoDataFrame, path: Path, file: LayerFile, name: str) -> None:
    import pyogrio

    suffix = path.suffix.lower()
    if suffix == ".parquet":
        with replace_file(path) as scratch:
            frame.to_parquet(scratch, index=False)
        return
    more: dict[str, Any] = {}
    if suffix in {".geojson", ".json"} and frame.crs is not None:
        frame = frame.to_crs(WGS84)
    if suffix == ".shp":
        more["encoding"] = file.encoding or shapefile_encoding(path)[1] or "UTF-8"
    with replace_files(path.parent) as folder:
        scratch = folder / path.name
        if suffix == ".gpkg":  # it may hold other layers, and styles
            shutil.copyfile(path, scratch)
            layers = declared_layers(path)
            own = name if name in layers else layers[0]
            more["layer"] = file.layer or own
        pyogrio.write_dataframe(frame, scratch, driver=_WRITTEN[suffix], **more)
