"""Shapes of one layer: there, of the right type, valid, and no place twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.doctor.findings import Faults, Finding, Remedy, RowNames
from technobelt.layers import FACILITIES
from technobelt.schema import NOT_LOCATED

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.region import Region
    from technobelt.schema import Table

__all__ = ["check_places_twice", "check_shapes"]

#: Two rows of one name and kind within this are one place, m.
_SAME_M = 200.0
#: More rows of one name and kind are no slip of the pen.
_ALIKE_MAX = 50


def check_shapes(frame: gpd.GeoDataFrame, table: Table) -> Iterator[Faults]:
    """Tell of shapes that are missing, of another type, or not valid."""
    shapes, names = frame.geometry, RowNames(frame)
    missing = (shapes.isna() | shapes.is_empty).to_numpy()
    excused = np.zeros(len(frame), dtype=bool)
    if table.unplaced and "confidence" in frame:
        excused = (frame["confidence"] == NOT_LOCATED).to_numpy()
    mark = f", mark its confidence '{NOT_LOCATED}'" if table.unplaced else ""

    def tell_missing(number: int) -> Finding:
        what, do = "it has no shape", f"Place it{mark}, or take the row out."
        return Finding(table.name, names[number], "error", "shapes", what, "", do)

    def tell_wrong(number: int) -> Finding:
        return Finding(
            table.name,
            names[number],
            "error",
            "shapes",
            f"its shape must be {' or '.join(table.geometry)}",
            str(shapes.iloc[number].geom_type),
            "Draw it as one of these.",
        )

    yield Faults(missing & ~excused, tell_missing)
    wrong = ~missing & ~shapes.geom_type.isin(table.geometry).to_numpy()
    yield Faults(wrong, tell_wrong)
    yield from _check_valid(frame, ~missing & ~wrong, table.name)


def _check_valid(frame: gpd.GeoDataFrame, there: Any, layer: str) -> Iterator[Faults]:
    shapes, names = frame.geometry, RowNames(frame)
    bad = there & ~shapes.is_valid.to_numpy()
    mendable = bad.copy()
    finite = [np.isfinite(shapely.get_coordinates(shape)).all() for shape in shapes[bad]]
    mendable[bad] = np.asarray(finite, dtype=bool)

    def tell(number: int) -> Finding:
        return Finding(
            layer,
            names[number],
            "error",
            "shapes",
            "its shape is not valid",
            str(shapely.is_valid_reason(shapes.iloc[number])),
            "Repair it (QGIS: Fix geometries)" + ("; --fix does." if mendable[number] else "."),
            Remedy("valid") if mendable[number] else None,
        )

    yield Faults(mendable, tell)
    yield Faults(bad & ~mendable, tell)


def check_places_twice(region: Region, frame: gpd.GeoDataFrame, layer: str) -> Iterator[Faults]:
    """Tell of places of one name and kind that stand at the same spot under two ids."""
    if layer not in FACILITIES or frame.crs is None or not {"name", "kind"} <= set(frame.columns):
        return
    names = RowNames(frame)
    first = _first_alike(region, frame)

    def tell(number: int) -> Finding:
        return Finding(
            layer,
            names[number],
            "warning",
            "duplicates",
            f"it has the name, the kind and the place of {names[int(first[number])]}",
            str(frame["name"].iloc[number]),
            "Take one of them out, unless they are two.",
        )

    yield Faults(first >= 0, tell)


def _first_alike(region: Region, frame: gpd.GeoDataFrame) -> NDArray[np.intp]:
    """Return for each row the first one before it of its name, kind and place; -1 without one."""
    spots = frame.geometry.representative_point().to_crs(region.crs)
    xy = np.column_stack([spots.x, spots.y])
    names = frame["name"].fillna("").astype(str)
    alike = names.str.casefold().str.replace(r"\W", "", regex=True)
    kinds = frame["kind"].fillna("").astype(str)
    key = frame.groupby([alike.to_numpy(), kinds.to_numpy()]).ngroup().to_numpy()
    first = np.full(len(frame), -1, dtype=np.intp)
    few = np.flatnonzero(np.bincount(key)[key] <= _ALIKE_MAX)
    order = few[np.argsort(key[few], kind="stable")]
    for step in range(1, _ALIKE_MAX):  # rows of a group stand together: the pairs so far apart
        one, two = order[:-step], order[step:]
        same = key[one] == key[two]
        if not same.any():
            break
        with np.errstate(invalid="ignore"):  # places at infinity are told elsewhere
            near = same & (np.hypot(*(xy[one] - xy[two]).T) <= _SAME_M)
        first[two[near]] = one[near]  # the longest step comes last, and has the first row
    return first
