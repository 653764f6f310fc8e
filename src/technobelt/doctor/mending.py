"""Mend what can be mended safely; files are written whole or not at all, and kept as ``.bak``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.doctor.mending_files import FORMATS, keep, rewrite
from technobelt.doctor.mending_tables import mend_table
from technobelt.layer_files import TABLES, open_file
from technobelt.schema import LAYERS
from technobelt.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import geopandas as gpd

    from technobelt.doctor.findings import Finding, Remedy
    from technobelt.region import Region

__all__ = ["mend"]


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
        return [*done, *mend_table(path, file, rest, keep)]
    if path.suffix.lower() not in FORMATS:
        said = f"{path.name}: not mended, for {path.suffix} is not written. Save the layer as "
        return [*done, f"{said}GeoPackage and name that in region.toml."]
    frame = open_file(path, file, name, measured=True)
    told = []
    for kind in _ORDER:
        for remedy in (one for one in rest if one.kind == kind):
            frame, what = _DO[kind](frame, remedy, name)
            told += [what] if what else []
    if not told:
        return done
    kept = keep(path)
    told += rewrite(frame, path, file, name)
    return [*done, f"{path.name}: {', '.join(told)}; as it was: {kept}"]


def _write_cpg(path: Path, encoding: str) -> str:
    target = path.with_suffix(".cpg")
    kept = f"; as it was: {keep(target)}" if target.is_file() else ""
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
    same = _same(frame, frame.geometry)
    alike = int((_same(frame, frame.geometry.force_2d()) & ~same).sum())
    told = f"rows that came twice taken out: {int(same.sum())}"
    told += f", rows that differ in height alone left in: {alike}" if alike else ""
    return frame[~same].reset_index(drop=True), told


def _same(frame: gpd.GeoDataFrame, shapes: gpd.GeoSeries) -> pd.Series[bool]:
    plain = pd.DataFrame(frame.drop(columns="geometry")).astype(str)
    return plain.assign(geometry=shapes.to_wkb()).duplicated()


def _set_crs(frame: gpd.GeoDataFrame, remedy: Remedy, _: str) -> tuple[gpd.GeoDataFrame, str]:
    told = f"CRS set to {remedy.crs}"
    if remedy.swap:
        shapes = frame.geometry.to_numpy()
        lost = _measures_lost(shapes, turned := _turned(shapes))
        told = f"x and y exchanged, {told}{lost}"
        frame = frame.set_geometry(_series(turned, frame))
    return frame.set_crs(remedy.crs, allow_override=True), told


def _turned(shapes: Any) -> Any:
    """Exchange x and y, and keep heights; shapely 2.2 cannot transform measures (M)."""
    plain = shapely.from_wkb(shapely.to_wkb(shapes, output_dimension=3))
    plain = np.where(shapely.has_m(plain), shapely.force_2d(plain), plain)
    deep = shapely.has_z(plain)
    turned = np.empty(len(plain), dtype=object)
    turned[deep] = shapely.transform(plain[deep], lambda xyz: xyz[:, [1, 0, 2]], include_z=True)
    turned[~deep] = shapely.transform(plain[~deep], lambda xy: xy[:, ::-1])
    return turned


def _measures_lost(before: Any, after: Any) -> str:
    """Say of how many rows a repair lost measures (M), wholly or at new corners."""
    lost = sum(map(_has_all_measures, before)) - sum(map(_has_all_measures, after))
    return f", measures (M) lost: {lost}" if lost > 0 else ""


def _has_all_measures(shape: Any) -> bool:
    if not shapely.has_m(shape):
        return False
    return bool(np.isfinite(shapely.get_coordinates(shape, include_m=True)[:, -1]).all())


def _make_valid(frame: gpd.GeoDataFrame, _: Remedy, name: str) -> tuple[gpd.GeoDataFrame, str]:
    shapes = frame.geometry
    bad = ~(shapes.isna() | shapes.is_valid).to_numpy()
    mended = shapes.to_numpy().astype(object)
    allowed = LAYERS[name].geometry
    ids = [number for number in bad.nonzero()[0] if _finite(mended[number])]
    for number in ids:
        mended[number] = _only(shapely.make_valid(mended[number]), allowed) or mended[number]
    told = f"shapes repaired: {len(ids)}"
    told += ", heights of new corners interpolated" if shapely.has_z(mended[ids]).any() else ""
    told += _measures_lost(shapes.to_numpy()[ids], mended[ids])
    return frame.set_geometry(_series(mended, frame)), told


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
