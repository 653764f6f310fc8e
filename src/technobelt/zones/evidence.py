"""What is measured on every cell: minutes to places, land, the planner's rasters and shapes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from technobelt.errors import LayerError, MissingFileError
from technobelt.layers import hub_places, located, select
from technobelt.network.dates import day_of
from technobelt.network.ties import tie_points, tie_to_all
from technobelt.rasters import distances_m
from technobelt.schema import ROAD_CLASSES
from technobelt.surface import first_reached, road_positions, surface_of
from technobelt.zones.files import read_raster, read_shapes
from technobelt.zones.ground import land_column

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.claim_kinds import Selection
    from technobelt.network.model import Network
    from technobelt.network.ties import Ties
    from technobelt.region import Region
    from technobelt.surface import Surface
    from technobelt.travel_time import Model
    from technobelt.zone_rules import Factor, RasterFile
    from technobelt.zones.ground import Ground

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["Evidence", "Survey", "hub_minutes", "interchange_ties", "measured", "survey"]

#: An interchange stands for the motorways this near to it, m: its position is of a camera beside.
_MOTORWAY_M = 800.0


@dataclass(frozen=True, eq=False)
class Survey:
    """Everything about a region's land that does not hang on speeds.

    Attributes
    ----------
    region, network, ground
        What it was made of; the network in the region's CRS.
    surface
        The usable cells, tied to roads.
    fixed
        By factor, what is measured without driving, float64 (rows, columns), NaN where unknown.
    targets
        By factor, the places that are driven to.
    on_motorways
        The factors whose places are interchanges: a drive ends where it comes onto the motorway.
    anchors
        By anchor, for each cluster its places; None where it has none.
    hubs
        For each cluster its hub.
    """

    region: Region
    network: Network
    ground: Ground
    surface: Surface
    fixed: dict[str, Floats]
    targets: dict[str, Ties]
    on_motorways: frozenset[str]
    anchors: dict[str, list[Ties | None]]
    hubs: list[Ties]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is measured on every cell under one set of speeds; float64 (rows, columns) each.

    Attributes
    ----------
    values
        By factor: minutes (infinite where there is no way) or the factor's own unit, NaN where
        unknown.
    anchors
        By anchor: minutes to the nearest of its places in the cell's own cluster.
    """

    values: dict[str, Floats]
    anchors: dict[str, Floats]


def survey(
    region: Region, network: Network, ground: Ground, *, max_access_m: float = 1000.0
) -> Survey:
    """Tie the usable land and the places of all factors, anchors and hubs to roads.

    Parameters
    ----------
    region
        With its ``[zones]`` rules.
    network
        In the region's CRS.
    ground
        From `ground_of`.
    max_access_m
        Land farther than this from a road where a trip may start is out of reach, m.

    Raises
    ------
    LayerError
        A factor's layer, file or column is missing, or no place fits it.
    PointError
        The places of an anchor or factor cannot be tied to roads.
    ClaimError
        A hub is no facility, not located, or in another cluster than its own.
    """
    hubs = hub_places(region)
    positions = road_positions(network)
    surface = surface_of(
        network, positions, ground.grid, max_access_m=max_access_m, cells=ground.usable
    ).compact()
    factors = region.zones.factors
    driven = {name: rule for name, rule in factors.items() if rule.minutes_to is not None}
    return Survey(
        region,
        network,
        ground,
        surface,
        {
            name: _fixed(region, ground, name, factors[name])
            for name in factors
            if name not in driven
        },
        {name: _target(region, network, name, rule) for name, rule in driven.items()},
        frozenset(name for name, rule in driven.items() if _of_interchanges(rule)),
        _anchors(region, network),
        [tie_points(network, hubs.iloc[[n]], what="hubs") for n in range(len(hubs))],
    )


def measured(asked: Survey, model: Model, *, anchors: bool = True) -> Evidence:
    """Measure every cell under one set of speeds.

    Parameters
    ----------
    asked
        From `survey`.
    model
        From `model_of`, of the survey's network.
    anchors
        Whether minutes to anchors are asked for.
    """
    values = dict(asked.fixed)
    for name, ties in asked.targets.items():
        values[name] = _minutes(asked, model, ties)
        if name in asked.on_motorways:
            values[name] -= model.costs.finish_s / 60
    ordered = {name: values[name] for name in asked.region.zones.factors}
    found = _to_anchors(asked, model) if anchors else {}
    return Evidence(ordered, found)


def hub_minutes(asked: Survey, model: Model) -> list[Floats]:
    """Return, for each cluster, minutes from every cell to its hub."""
    return [_minutes(asked, model, ties) for ties in asked.hubs]


def _minutes(asked: Survey, model: Model, ties: Ties) -> Floats:
    surface = asked.surface
    reached = first_reached(model, ties, surface.positions.ties, toward=True)
    return surface.minutes(model, reached.seconds())


def _to_anchors(asked: Survey, model: Model) -> dict[str, Floats]:
    out = {}
    for anchor, by_cluster in asked.anchors.items():
        minutes = np.full(asked.ground.grid.shape, np.inf)
        for number, ties in enumerate(by_cluster):
            if ties is not None:
                mine = asked.ground.number == number
                minutes[mine] = _minutes(asked, model, ties)[mine]
        out[anchor] = minutes
    return out


# --- what is asked for ---------------------------------------------------------------------------


def _fixed(region: Region, ground: Ground, name: str, rule: Factor) -> Floats:
    """Measure what hangs on no speed."""
    where = f"factor '{name}'"
    if rule.land is not None:
        return land_column(ground.land, rule.land, where)
    if rule.distance_to is not None:
        return distances_m(read_shapes(region, rule.distance_to, where), ground.grid)
    values = read_raster(region, cast("RasterFile", rule.raster), ground.grid, ground.crs, where)
    if rule.weight:
        _need_values(ground, values, f"{where} of [zones]")
    return values


def _need_values(ground: Ground, values: Floats, what: str) -> None:
    """Refuse a raster that knows nothing of a cluster."""
    for number, cluster in enumerate(ground.clusters):
        mine = ground.usable & (ground.number == number)
        if mine.any() and not np.isfinite(values[mine]).any():
            raise LayerError(
                f"{what} has no data in all of cluster '{cluster}', so that no cell there would "
                "have a score. Extend it, or take the factor out."
            )


def _of_interchanges(rule: Factor) -> bool:
    return rule.minutes_to is not None and rule.minutes_to.layers == ["interchanges"]


def _target(region: Region, network: Network, name: str, rule: Factor) -> Ties:
    try:
        places = located(select(region, cast("Selection", rule.minutes_to)))
    except MissingFileError as error:
        raise LayerError(f"factor '{name}' of [zones]: {error}") from error
    places = _open_on(places, day_of(network, None))
    if places.empty:
        raise LayerError(
            f"factor '{name}' of [zones]: no place fits its minutes_to. Widen its 'where', or add "
            "the place to a layer."
        )
    if not _of_interchanges(rule):
        return tie_points(network, places, what=f"places of factor '{name}'")
    return interchange_ties(network, places, what=f"interchanges of factor '{name}'")


def interchange_ties(network: Network, places: gpd.GeoDataFrame, *, what: str) -> Ties:
    """Tie interchanges to the motorways beside them: a drive ends where it comes onto one.

    Motorways that a scenario closes count: what they carry is out of reach then, not elsewhere.
    """
    was_open = ~network.closed if network.edits is None else network.edits.open_before
    ties = tie_to_all(
        network,
        places.to_crs(network.crs),
        (network.road_class == ROAD_CLASSES.index("motorway")) & was_open,
        reach_m=_MOTORWAY_M,
        spread_m=_MOTORWAY_M,
        what=what,
    )
    return replace(ties, access_m=np.zeros_like(ties.access_m))


def _open_on(places: gpd.GeoDataFrame, day: str | None) -> gpd.GeoDataFrame:
    """Leave out what opens later than the roads' date, where the layer says when."""
    if "opened" not in places or not day:
        return places
    return places[~(places["opened"].fillna("") > day)]


def _anchors(region: Region, network: Network) -> dict[str, list[Ties | None]]:
    out: dict[str, list[Ties | None]] = {}
    for name, selection in region.zones.anchors.items():
        places = located(select(region, selection, needs=["cluster"]))
        mine = [places[places["cluster"] == cluster] for cluster in region.clusters]
        out[name] = [
            tie_points(network, some, what="anchors") if len(some) else None for some in mine
        ]
    return out
