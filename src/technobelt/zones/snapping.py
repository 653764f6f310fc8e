"""Zones of whole units: municipalities, or towns, townships and neighbourhoods.

Where borders are to be followed, a unit lies in a zone or does not; land in it that no zone would
take otherwise comes with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.isochrone import areas_km2
from technobelt.layers import read_layer
from technobelt.rasters import covered
from technobelt.zones.unmet import Unmet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from technobelt.region import Region
    from technobelt.zone_rules import Pack
    from technobelt.zones.cores import Core
    from technobelt.zones.ground import Ground

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["Units", "no_unit", "site_of_units", "units_of", "units_within"]

#: Units whose borders come this near to each other are neighbours, m.
_BESIDE_M = 1.0
#: ... along a border: two strips of that width overlap by this much at least, m².
_BORDER_M2 = 50.0
_ROUND_M = 1.0
#: A site is better than an earlier one if its sum is larger by more than rounding.
_MORE = 1 + 1e-9


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a layer, each inside its cluster.

    Attributes
    ----------
    layer
        Its name.
    share
        A unit may be in a zone if at least this share of its land may.
    names, shapes, areas_km2
        Of the units; areas on the ellipsoid.
    number
        int64 (rows, columns): the unit of each known cell, -1 for none.
    cells
        Known cells of each unit, int64 (units).
    beside
        The neighbours of each unit.
    """

    layer: str
    share: float
    names: list[str]
    shapes: NDArray[np.object_]
    areas_km2: Floats
    number: Ints
    cells: Ints
    beside: list[set[int]]

    def shares(self, mask: Mask) -> Floats:
        """Return the share of each unit's land that is in a mask."""
        return self._sums(mask.astype(float)) / np.maximum(self.cells, 1)

    def means(self, values: Floats) -> Floats:
        """Return the mean of values over each unit's land; unknown ones count as 0."""
        return self._sums(np.nan_to_num(values)) / np.maximum(self.cells, 1)

    def _sums(self, values: Floats) -> Floats:
        mine = self.number >= 0
        return np.asarray(
            np.bincount(self.number[mine], values[mine], minlength=len(self.names)), dtype=float
        )

    def cells_in(self, numbers: Iterable[int]) -> Ints:
        """Return the numbers of the cells of some units, row by row."""
        return np.flatnonzero(np.isin(self.number, list(numbers)))

    def joined(self, numbers: Iterable[int]) -> Any:
        """Return the outline of some units as a MultiPolygon."""
        whole = shapely.union_all(self.shapes[list(numbers)], grid_size=_ROUND_M)
        parts = [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]
        return shapely.MultiPolygon(parts)


def units_of(region: Region, ground: Ground, layer: str) -> Units:
    """Read the units of a layer that have land in a cluster, each cut at its cluster's border.

    Raises
    ------
    MissingFileError
        The region has no such layer.
    """
    import geopandas as gpd

    frame = read_layer(region, layer).to_crs(region.crs)
    names: list[str] = []
    shapes: list[Any] = []
    number = np.full(ground.grid.shape, -1, dtype=np.int64)
    for name, shape in zip(frame["name"], frame.geometry, strict=True):
        mine = covered([shape], ground.grid) & ground.known & (number < 0)
        if not mine.any():
            continue
        home = int(np.bincount(ground.number[mine]).argmax())
        cut = shapely.intersection(shape, ground.outlines[home])
        number[mine & (ground.number == home)] = len(names)
        names.append(str(name))
        shapes.append(shapely.set_precision(cut, _ROUND_M))
    found = np.array(shapes, dtype=object)
    areas = areas_km2(gpd.GeoDataFrame(geometry=found, crs=region.crs))
    cells = np.bincount(number[number >= 0], minlength=len(names))
    return Units(
        layer, region.zones.snap_share, names, found, areas, number, cells, _neighbours(found)
    )


def _neighbours(shapes: NDArray[np.object_]) -> list[set[int]]:
    """Return which units share a border; those that meet at a corner only do not."""
    beside: list[set[int]] = [set() for _ in shapes]
    one, two = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_BESIDE_M)
    wide = np.asarray(shapely.buffer(shapes, _BESIDE_M), dtype=object)
    shared = shapely.area(shapely.intersection(wide[one], wide[two])) >= _BORDER_M2
    for a, b in zip(one[shared].tolist(), two[shared].tolist(), strict=True):
        if a != b:
            beside[a].add(b)
    return beside


def units_within(units: Units, mask: Mask, *, contiguous: bool = False) -> list[int]:
    """Return the units of which enough land is in a mask; the largest piece of them if asked."""
    within = {int(number) for number in np.flatnonzero(units.shares(mask) >= units.share)}
    if not contiguous or not within:
        return sorted(within)
    pieces: list[list[int]] = []
    left = set(within)
    while left:
        piece: list[int] = [min(left)]
        for number in piece:
            piece += sorted((units.beside[number] & left) - set(piece))
        left -= set(piece)
        pieces.append(piece)
    areas = [float(units.areas_km2[piece].sum()) for piece in pieces]
    return sorted(pieces[int(np.argmax(areas))])


def site_of_units(
    units: Units,
    score: Floats,
    free: Mask,
    *,
    limit_km2: float,
    core: Core | None,
    pack: Pack,
    taken: list[int],
) -> list[int]:
    """Put together the best site of neighbouring units under a cap.

    A unit's worth is the mean score of its land, 0 where land is not free. From each unit that may
    begin, the best neighbour is added as long as the cap allows; the site of the largest sum of
    worth by area is taken.

    Parameters
    ----------
    units
        From `units_of`.
    score, free
        Suitability, and the land that may be taken, (rows, columns).
    limit_km2
        The most area, km².
    core
        An institution whose unit the site begins with.
    pack
        For its radius and span.
    taken
        Units of other sites; neither these nor their neighbours may be used.

    Returns
    -------
    list of int
        The units; none if no unit fits.
    """
    worth = units.means(np.where(free, score, 0.0))
    fits = (units.shares(free) >= units.share) & (units.areas_km2 <= limit_km2)
    fits &= _in_reach(units, core, pack, taken)
    for number in taken:
        fits[[number, *units.beside[number]]] = False
    starts = np.flatnonzero(fits) if core is None else _own_unit(units, core, fits)
    best: list[int] = []
    best_sum = -1.0
    for start in starts:
        site = _grown(units, worth, fits, int(start), limit_km2, pack.span_km, taken)
        total = float((worth[site] * units.areas_km2[site]).sum())
        if total > best_sum * _MORE:
            best, best_sum = site, total
    return best


def _own_unit(units: Units, core: Core, fits: Mask) -> Ints:
    holds = shapely.contains_xy(units.shapes, core.x, core.y)
    return np.flatnonzero(holds & fits)


def _in_reach(units: Units, core: Core | None, pack: Pack, taken: list[int]) -> Mask:
    """Return the units that lie within the pack's radius and span as a whole."""
    out = np.ones(len(units.names), dtype=bool)
    for number, shape in enumerate(units.shapes):
        corners = shapely.get_coordinates(shapely.convex_hull(shape))
        if core is not None and pack.radius_km is not None:
            far = np.hypot(corners[:, 0] - core.x, corners[:, 1] - core.y).max(initial=0)
            out[number] &= far <= pack.radius_km * 1000
        if pack.span_km is not None:
            out[number] &= _within(units, [*taken, number], pack.span_km)
    return out


def _span_m(shapes: NDArray[np.object_]) -> float:
    corners = shapely.get_coordinates(shapely.convex_hull(shapely.union_all(shapes)))
    apart = corners[:, None, :] - corners[None, :, :]
    return float(np.hypot(apart[..., 0], apart[..., 1]).max(initial=0))


def _grown(
    units: Units,
    worth: Floats,
    fits: Mask,
    start: int,
    limit_km2: float,
    span_km: float | None,
    taken: list[int],
) -> list[int]:
    site, area = [start], float(units.areas_km2[start])
    while True:
        edge = {near for number in site for near in units.beside[number]} - set(site)
        room = limit_km2 - area
        able = [near for near in sorted(edge) if fits[near] and units.areas_km2[near] <= room]
        if span_km is not None:
            others = [*taken, *site]
            able = [near for near in able if _within(units, [*others, near], span_km)]
        if not able:
            return site
        best = max(able, key=lambda near: worth[near])
        site.append(best)
        area += float(units.areas_km2[best])


def _within(units: Units, numbers: list[int], span_km: float) -> bool:
    return _span_m(units.shapes[numbers]) <= span_km * 1000


def no_unit(
    units: Units, free: Mask, cluster: str, limit_km2: float, core: Core | None = None
) -> Unmet:
    """Say that no whole unit fits under a cap, and which comes closest."""
    share = units.shares(free)
    able = np.flatnonzero(share >= units.share)
    if core is not None:
        able = np.flatnonzero(shapely.contains_xy(units.shapes, core.x, core.y))
    best = able[np.argmin(units.areas_km2[able])] if len(able) else np.argmax(share)
    closest = (
        f"{units.names[best]}, {units.areas_km2[best]:.2f} km2, {share[best]:.0%} of its land "
        "may be taken"
    )
    cap = "of any size" if np.isinf(limit_km2) else f"of at most {limit_km2:.2f} km2"
    where = "" if core is None else f" around {core.name}"
    return Unmet(
        "snap",
        cluster,
        f"whole {units.layer} {cap}{where}, {units.share:.0%} of whose land may be taken",
        "none",
        closest,
    )
