"""The same rules on several states of the roads: what zones gain and lose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.isochrone import areas_km2
from technobelt.runs import runs_of
from technobelt.zones.drawing import delineate_zones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.region import Region
    from technobelt.scenario import Scenario
    from technobelt.zones.delineation import Delineation
    from technobelt.zones.ground import Ground

    Mask = NDArray[np.bool_]

__all__ = ["ZoneChanges", "compare_zones"]


@dataclass(frozen=True, eq=False)
class ZoneChanges:
    """Zones in several runs.

    Attributes
    ----------
    base
        Label of the run that the others are compared with.
    drawn
        By label, the zones of each run, the base first.
    changes
        GeoDataFrame, one row a run but the base, cluster and change: ``run``, ``base``,
        ``cluster``, ``change`` (``kept``, ``gained`` or ``lost``), ``area_km2`` on the ellipsoid.
        Pieces in which no cell changed, but only the smoothing around it, are left out.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> found = tb.compare_zones(region, tb.load_network(region), dates=["2021"])
    >>> found.base, list(found.drawn), len(found.changes)
    ('2021', ['2021'], 0)
    """

    base: str
    drawn: dict[str, Delineation]
    changes: gpd.GeoDataFrame

    def to_dict(self) -> dict[str, Any]:
        """Return zones and changes without their outlines.

        Returns
        -------
        dict
            Plain data under the names of the attributes.
        """
        return {
            "base": self.base,
            "runs": {label: drawn.to_dict() for label, drawn in self.drawn.items()},
            "changes": self.changes.drop(columns="geometry").to_dict("records"),
        }


def compare_zones(  # noqa: PLR0913  (options as of draw_zones)
    region: Region,
    network: Network,
    *,
    dates: Sequence[str] = (),
    scenarios: Sequence[Scenario] = (),
    pack: str | None = None,
    profile: str | None = None,
    snap: str | None = None,
    cell_m: float | None = None,
    max_access_m: float = 1000.0,
    progress: Callable[[str], None] | None = None,
) -> ZoneChanges:
    """Draw zones by the same rules on several dates of the roads, or under scenarios.

    Land and places are tied to roads that are open in every run; nothing else differs.

    Parameters
    ----------
    region, network
        What to draw zones of.
    dates
        Dates (ISO) whose roads are compared, the base first; the network's own roads without.
    scenarios
        Edits of roads and facilities, each compared with the base.
    pack, profile, snap, cell_m, max_access_m, progress
        As for `draw_zones`.

    Returns
    -------
    ZoneChanges
        The zones of each run, and what each gains and loses against the base.

    Raises
    ------
    ScenarioError
        Edits do not fit the roads, or two runs have one name.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> found = tb.compare_zones(region, tb.load_network(region), dates=["1999", "2021"])
    >>> sorted(set(found.changes["change"]))
    ['gained', 'kept']
    """
    runs = runs_of(
        region,
        network.to_crs(region.crs),
        scenarios=scenarios,
        dates=dates,
        without_corridor=False,
    )
    drawn = {}
    for run in runs:
        if progress is not None and len(runs) > 1:
            progress(run.label)
        drawn[run.label] = delineate_zones(
            run.region,
            run.state.network,
            pack=pack,
            profile=profile,
            snap=snap,
            cell_m=cell_m,
            max_access_m=max_access_m,
            progress=progress if len(runs) == 1 else None,
        )
    base = runs[0].label
    return ZoneChanges(base, drawn, _changes(region, base, drawn))


def _changes(region: Region, base: str, drawn: dict[str, Delineation]) -> gpd.GeoDataFrame:
    import geopandas as gpd

    rows = []
    for label, delineation in list(drawn.items())[1:]:
        for cluster in region.clusters:
            for change, shape in _changed(cluster, drawn[base], delineation):
                named = {"run": label, "base": base, "cluster": cluster, "change": change}
                rows.append({**named, "geometry": shape})
    columns = ["run", "base", "cluster", "change", "area_km2", "geometry"]
    if not rows:
        return gpd.GeoDataFrame(columns=columns, geometry="geometry", crs=region.crs)
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=region.crs)
    table["area_km2"] = areas_km2(table).round(3)
    return table[columns]


def _changed(cluster: str, one: Delineation, two: Delineation) -> Iterator[tuple[str, Any]]:
    """Yield what of a cluster's zones two runs share, and what only one has, as areas."""
    before, after = (_of_cluster(drawn, cluster) for drawn in (one, two))
    shape = one.suitability.score.shape
    was, now = (drawn.allocation.mask(shape) for drawn in (one, two))
    parts = {
        "kept": (shapely.intersection(before, after), was & now),
        "gained": (shapely.difference(after, before), now & ~was),
        "lost": (shapely.difference(before, after), was & ~now),
    }
    for change, (area, cells) in parts.items():
        pieces = _with_cells(area, cells, one.suitability.ground)
        if pieces:
            yield change, shapely.MultiPolygon(pieces)


def _of_cluster(drawn: Delineation, cluster: str) -> Any:
    mine = drawn.zones["cluster"] == cluster
    return shapely.union_all(drawn.zones.geometry[mine].to_numpy())


def _with_cells(area: Any, cells: Mask, ground: Ground) -> list[Any]:
    """Return the pieces of an area that hold a cell of a mask; others come of smoothing alone."""
    pieces = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
    if not pieces or not cells.any():
        return []
    centres = np.asarray(shapely.points(ground.grid.centres[np.flatnonzero(cells)]), dtype=object)
    held = shapely.STRtree(centres).query(np.array(pieces, dtype=object), predicate="contains")
    return [pieces[number] for number in np.unique(held[0])]
