"""Whether places lie in the clusters that they name, and hubs are places of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from technobelt.doctor.findings import Finding, row_names
from technobelt.errors import TechnobeltError
from technobelt.layers import FACILITIES, hub_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import geopandas as gpd

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
) -> Iterator[Finding]:
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
    names = row_names(frame)
    known = [*region.clusters, _OUTSIDE]
    empty_is_fault = layer in FACILITIES
    for number, cluster in enumerate(frame["cluster"].tolist()):
        lost = pd.isna(cluster)
        if cluster not in known and not (lost and not empty_is_fault):
            yield Finding(
                layer,
                names[number],
                "error",
                "clusters",
                "it names no cluster" if lost else "it names a cluster that there is not",
                "" if lost else str(cluster),
                f"Write one of {', '.join(known)}.",
            )
    if clusters is not None and layer in FACILITIES and frame.crs is not None:
        yield from _check_positions(region, frame, layer, clusters, names)


def _check_positions(
    region: Region,
    frame: gpd.GeoDataFrame,
    layer: str,
    clusters: gpd.GeoDataFrame,
    names: list[str],
) -> Iterator[Finding]:
    outlines = clusters.to_crs(region.crs).set_index("id").geometry
    shapes = frame.geometry.to_crs(region.crs)
    errors = region.position_error_m.metres
    sure = frame["confidence"] if "confidence" in frame else pd.Series("", index=frame.index)
    for number, (shape, cluster) in enumerate(zip(shapes, frame["cluster"], strict=True)):
        if shape is None or shape.is_empty:
            continue
        allowed = errors.get(sure.iloc[number], errors["low"])
        fault = _misplaced(shape, cluster, outlines, allowed)
        if fault:
            yield Finding(
                layer,
                names[number],
                "warning",
                "clusters",
                *fault,
                "Correct its cluster or its position.",
            )


def _misplaced(shape: Any, cluster: Any, outlines: Any, allowed: float) -> tuple[str, str] | None:
    """Say what of a place's position does not fit its cluster, and what was found."""
    inside = [name for name, area in outlines.items() if area.intersects(shape)]
    if cluster == _OUTSIDE and inside and shape.distance(outlines[inside[0]].boundary) > allowed:
        return "it says that it lies outside of the clusters", f"inside '{inside[0]}'"
    if cluster not in outlines.index:
        return None
    off = outlines[cluster].distance(shape)
    if off <= allowed:
        return None
    where = f"inside '{inside[0]}', " if inside else ""
    return f"it lies outside of its cluster '{cluster}'", f"{where}{off / 1000:,.1f} km away"


def check_ids_across(frames: Mapping[str, gpd.GeoDataFrame]) -> Iterator[Finding]:
    """Tell of places whose id stands in another layer of places, too."""
    first: dict[Any, str] = {}
    for layer in FACILITIES:
        frame = frames.get(layer)
        ids = [] if frame is None or "id" not in frame else frame["id"].dropna().unique().tolist()
        for name in ids:
            if first.setdefault(name, layer) != layer:
                yield Finding(
                    layer,
                    str(name),
                    "error",
                    "ids",
                    f"its id stands in the layer '{first[name]}' too",
                    str(name),
                    "Give every place an id of its own.",
                )


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
            ", ".join(region.hubs),
            "Correct hub in [clusters] of region.toml, or the place.",
        )
