"""Shapes of one layer: there, of the right type, valid, and no place twice."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import shapely

from technobelt.doctor.findings import Finding, Remedy, row_names
from technobelt.layers import FACILITIES
from technobelt.schema import NOT_LOCATED

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd

    from technobelt.region import Region
    from technobelt.schema import Table

__all__ = ["check_places_twice", "check_shapes"]

#: Two rows of one name and kind within this are one place, m.
_SAME_M = 200.0
#: More rows of one name and kind are no slip of the pen.
_ALIKE_MAX = 50


def check_shapes(frame: gpd.GeoDataFrame, table: Table) -> Iterator[Finding]:
    """Tell of shapes that are missing, of another type, or not valid."""
    shapes, names = frame.geometry, row_names(frame)
    missing = (shapes.isna() | shapes.is_empty).to_numpy()
    excused = np.zeros(len(frame), dtype=bool)
    if table.unplaced and "confidence" in frame:
        excused = (frame["confidence"] == NOT_LOCATED).to_numpy()
    mark = f", mark its confidence '{NOT_LOCATED}'" if table.unplaced else ""
    for number in (missing & ~excused).nonzero()[0]:
        what, do = "it has no shape", f"Place it{mark}, or take the row out."
        yield Finding(table.name, names[number], "error", "shapes", what, "", do)
    wrong = ~missing & ~shapes.geom_type.isin(table.geometry).to_numpy()
    for number in wrong.nonzero()[0]:
        yield Finding(
            table.name,
            names[number],
            "error",
            "shapes",
            f"its shape must be {' or '.join(table.geometry)}",
            str(shapes.iloc[number].geom_type),
            "Draw it as one of these.",
        )
    for number in (~missing & ~wrong & ~shapes.is_valid.to_numpy()).nonzero()[0]:
        shape = shapes.iloc[number]
        mendable = bool(np.isfinite(shapely.get_coordinates(shape)).all())
        yield Finding(
            table.name,
            names[number],
            "error",
            "shapes",
            "its shape is not valid",
            str(shapely.is_valid_reason(shape)),
            "Repair it (QGIS: Fix geometries)" + ("; --fix does." if mendable else "."),
            Remedy("valid") if mendable else None,
        )


def check_places_twice(region: Region, frame: gpd.GeoDataFrame, layer: str) -> Iterator[Finding]:
    """Tell of places of one name and kind that stand at the same spot under two ids."""
    if layer not in FACILITIES or frame.crs is None or not {"name", "kind"} <= set(frame.columns):
        return
    spots = frame.geometry.representative_point().to_crs(region.crs)
    names = row_names(frame)
    alike = frame["name"].astype(str).str.casefold().str.replace(r"\W", "", regex=True)
    keys = list(zip(alike, frame["kind"].astype(str), strict=True))
    groups: dict[tuple[str, str], list[int]] = {}
    for number, key in enumerate(keys):
        groups.setdefault(key, []).append(number)
    for group in (group for group in groups.values() if len(group) <= _ALIKE_MAX):
        for one, two in combinations(group, 2):
            if spots.iloc[one].distance(spots.iloc[two]) <= _SAME_M:
                yield Finding(
                    layer,
                    names[two],
                    "warning",
                    "duplicates",
                    f"it has the name, the kind and the place of {names[one]}",
                    str(frame["name"].iloc[two]),
                    "Take one of them out, unless they are two.",
                )
