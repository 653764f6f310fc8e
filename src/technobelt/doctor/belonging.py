"""Whether places lie in the clusters that they name, and hubs are places of theirs."""

from __future__ import annotations

from itertools import combinations, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.doctor.findings import Faults, Finding, RowNames
from technobelt.errors import ClaimError, TechnobeltError
from technobelt.layers import FACILITIES, facilities, hub_places

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.region import Region

__all__ = ["check_cluster_rows", "check_hubs", "check_ids_across", "check_members"]

_OUTSIDE = "outside"


def check_cluster_rows(region: Region, clusters: gpd.GeoDataFrame) -> Iterator[Finding]:
    """Tell of clusters of ``region.toml`` without an outline, and outlines of no cluster."""
    drawn = [] if "id" not in clusters else clusters["id"].tolist()
    for cluster in region.clusters:
        if cluster not in drawn:
            yield Finding(
                "clusters",
                cluster,
                "error",
                "clusters",
                "region.toml has this cluster, the layer has no row with its id",
                ", ".join(map(str, drawn)),
                "Draw its outline, or correct the id.",
            )
    for cluster in drawn:
        if cluster not in region.clusters:
            yield Finding(
                "clusters",
                str(cluster),
                "warning",
                "clusters",
                "[clusters] of region.toml has no such cluster",
                ", ".join(region.clusters),
                "Add it there, correct the id, or take the row out.",
            )


def check_members(
    region: Region, frame: gpd.GeoDataFrame, layer: str, clusters: gpd.GeoDataFrame | None
) -> Iterator[Faults]:
    """Tell of rows of unknown clusters, and of places that lie elsewhere than they say.

    Parameters
    ----------
    region
        Its clusters, and how far off positions may be.
    frame, layer
        The layer's rows.
    clusters
        Outlines of the clusters; None where they are not to be trusted.
    """
    if "cluster" not in frame:
        return
    known, named, names = [*region.clusters, _OUTSIDE], frame["cluster"], RowNames(frame)

    def tell(number: int) -> Finding:
        cluster = named.iloc[number]
        lost = pd.isna(cluster)
        return Finding(
            layer,
            names[number],
            "error",
            "clusters",
            "it names no cluster" if lost else "it names a cluster that there is not",
            "" if lost else str(cluster),
            f"Write one of {', '.join(known)}.",
        )

    yield Faults(named.notna() & ~named.isin(known), tell)
    if layer in FACILITIES:
        yield Faults(named.isna(), tell)
    if clusters is not None and layer in FACILITIES and frame.crs is not None:
        yield from _check_positions(region, frame, layer, clusters)


def _check_positions(
    region: Region, frame: gpd.GeoDataFrame, layer: str, clusters: gpd.GeoDataFrame
) -> Iterator[Faults]:
    outlines = clusters.to_crs(region.crs).set_index("id").geometry
    for outline in outlines:
        shapely.prepare(outline)
    shapes = frame.geometry.to_crs(region.crs).to_numpy()
    allowed = _allowed_m(region, frame)
    names, named = RowNames(frame), frame["cluster"]

    def tell(number: int) -> Finding:
        what, where = _misplaced(shapes[number], named.iloc[number], outlines)
        do = "Correct its cluster or its position."
        return Finding(layer, names[number], "warning", "clusters", what, where, do)

    yield Faults(_outside_of_own(named, shapes, outlines, allowed), tell)
    yield Faults(_inside_against_word(named, shapes, outlines, allowed), tell)


def _allowed_m(region: Region, frame: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return how far off each place may be, by its confidence, m."""
    errors = region.position_error_m.metres
    if "confidence" not in frame:
        return np.full(len(frame), errors["low"])
    off = frame["confidence"].astype(object).map(errors).fillna(errors["low"])
    return np.asarray(off, dtype=float)


def _outside_of_own(
    named: pd.Series[Any], shapes: Any, outlines: Any, allowed: NDArray[np.float64]
) -> NDArray[np.bool_]:
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    off = np.zeros(len(shapes), dtype=bool)
    for cluster, outline in outlines.items():
        mine = there & (named == cluster).to_numpy(dtype=bool, na_value=False)
        off[mine] = ~shapely.dwithin(outline, shapes[mine], allowed[mine])
    return off


def _inside_against_word(
    named: pd.Series[Any], shapes: Any, outlines: Any, allowed: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Mark places deep inside a cluster that say that they lie outside of all."""
    word = (named == _OUTSIDE).to_numpy(dtype=bool, na_value=False).nonzero()[0]
    inside = np.zeros(len(shapes), dtype=bool)
    for outline in outlines:
        mine = word[shapely.intersects(outline, shapes[word])]
        deep = shapely.distance(outline.boundary, shapes[mine]) > allowed[mine]
        inside[mine[deep]] = True
    return inside


def _misplaced(shape: Any, cluster: Any, outlines: Any) -> tuple[str, str]:
    """Say what of a place's position does not fit its cluster, and what was found."""
    inside = [name for name, area in outlines.items() if area.intersects(shape)]
    if cluster == _OUTSIDE:
        return "it says that it lies outside of the clusters", f"inside '{inside[0]}'"
    off = outlines[cluster].distance(shape)
    where = f"inside '{inside[0]}', " if inside else ""
    return f"it lies outside of its cluster '{cluster}'", f"{where}{off / 1000:,.1f} km away"


def check_ids_across(frames: Mapping[str, gpd.GeoDataFrame]) -> Iterator[Faults]:
    """Tell of places whose id stands in another layer of places, too."""
    ids = {
        layer: pd.Series(frames[layer]["id"].dropna().unique(), dtype=object)
        for layer in FACILITIES
        if layer in frames and "id" in frames[layer]
    }
    for layer, other in combinations(ids, 2):
        mine = ids[other]

        def tell(number: int, layer: str = layer, other: str = other) -> Finding:
            name = str(ids[other].iloc[number])
            return Finding(
                other,
                name,
                "error",
                "ids",
                f"its id stands in the layer '{layer}' too",
                name,
                "Give every place an id of its own.",
            )

        yield Faults(mine.isin(ids[layer]), tell)


def check_hubs(region: Region) -> Iterator[Finding]:
    """Tell of a hub that is no place of its cluster; layers of places must be readable."""
    try:
        hub_places(region)
    except TechnobeltError as error:
        yield Finding(
            "clusters",
            "",
            "error",
            "hubs",
            str(error).rstrip("."),
            _some(facilities(region).index) if isinstance(error, ClaimError) else "",
            "Correct hub in [clusters] of region.toml, or the place.",
        )


_SHOWN = 8


def _some(ids: Collection[str]) -> str:
    """List the first ids, and say how many more there are."""
    more = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
    return ", ".join(map(str, islice(ids, _SHOWN))) + more
