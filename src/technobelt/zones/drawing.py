"""Innovation zones drawn: measured, scored, allocated, outlined, described."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from technobelt.errors import LayerError, RegionError
from technobelt.isochrone import areas_km2
from technobelt.travel_time import Model, model_of
from technobelt.zone_rules import UNITS
from technobelt.zones.capping import outlined
from technobelt.zones.complexes import known_outlines, parts_told, unit_numbers
from technobelt.zones.cores import candidate_cores
from technobelt.zones.delineation import Delineation, Drafting
from technobelt.zones.description import ZONE_COLUMNS, Zone, described, places_of
from technobelt.zones.evidence import hub_minutes, measured, survey
from technobelt.zones.ground import ground_of
from technobelt.zones.packs import pack_of
from technobelt.zones.snapping import units_of
from technobelt.zones.suitability import Suitability, suitability_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.region import Region

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["delineate_zones", "draw_zones", "need_zones"]


def draw_zones(  # noqa: PLR0913  (each changes one thing)
    region: Region,
    network: Network,
    *,
    pack: str | None = None,
    as_of: str | None = None,
    profile: str | None = None,
    snap: str | None = None,
    cell_m: float | None = None,
    max_access_m: float = 1000.0,
    progress: Callable[[str], None] | None = None,
) -> gpd.GeoDataFrame:
    """Draw the innovation zones of a region by a rule pack.

    Parameters
    ----------
    region
        With its ``zones`` rules and the layers ``land`` and ``clusters``.
    network
        The roads.
    pack
        Name of a rule pack; that of the region's rules by default.
    as_of
        Use the roads open on this date (ISO).
    profile
        Speed profile instead of the rules' own.
    snap
        Snap zones to the borders of ``municipalities`` or ``submunicipalities``.
    cell_m
        Side of the cells, m; the finest of the layer ``land`` by default.
    max_access_m
        Land farther than this from a road where a trip may start is out of reach, m.
    progress
        Called with the name of each step.

    Returns
    -------
    geopandas.GeoDataFrame
        The region's CRS; valid, disjoint MultiPolygons with `ZONE_COLUMNS`: ``area_km2`` on the
        ellipsoid; ``municip``: municipalities touched; ``complexes``, ``universit``, ``centres``,
        ``interch``: places inside, and with ``_10`` inside or within 10 minutes' drive;
        ``hub_min``, ``hub_worst``: median and longest minutes from its cells to the cluster's hub,
        ``other_min``, ``other_wrst``: to the hubs of the other clusters (the median of their
        medians); where a cell has no way, no longest is given; ``suit_q1`` to
        ``suit_q3``: quartiles of suitability; ``rule``: why the boundary runs here.

    Raises
    ------
    LayerError
        The land grid has no cell in a cluster, a file of the rules cannot be used, or no zone can
        be drawn at all: with the rule that is not met, and what comes closest.
    PointError
        An anchor's places cannot be tied to roads, or a core is no place of its cluster.
    ClaimError
        A hub is no facility, not located, or in another cluster than its own.
    RegionError
        There is no profile or pack of that name, or the pack needs what the region lacks.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> zones = tb.draw_zones(region, tb.load_network(region))
    >>> zones["cluster"].tolist()
    ['east', 'centre', 'west']
    """
    drawn = delineate_zones(
        region,
        network,
        pack=pack,
        as_of=as_of,
        profile=profile,
        snap=snap,
        cell_m=cell_m,
        max_access_m=max_access_m,
        progress=progress,
    )
    need_zones(drawn)
    return drawn.zones


def need_zones(drawn: Delineation) -> None:
    """Refuse a delineation without any zone.

    Raises
    ------
    LayerError
        With the rules that are not met, and what comes closest.
    """
    if drawn.zones.empty:
        raise LayerError(
            f"no zone can be drawn by the rule pack '{drawn.pack_name}'. "
            + " ".join(str(one) for one in drawn.unmet)
            + " Change the rule in region.toml, or take another pack."
        )


def delineate_zones(  # noqa: PLR0913  (as draw_zones)
    region: Region,
    network: Network,
    *,
    pack: str | None = None,
    as_of: str | None = None,
    profile: str | None = None,
    snap: str | None = None,
    cell_m: float | None = None,
    max_access_m: float = 1000.0,
    progress: Callable[[str], None] | None = None,
) -> Delineation:
    """Draw the innovation zones of a region, with all that they follow from.

    Parameters
    ----------
    region, network, pack, as_of, profile, snap, cell_m, max_access_m, progress
        As for `draw_zones`.

    Returns
    -------
    Delineation
        Zones, rules that could not be met, suitability; no error where no zone can be drawn.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> drawn = tb.delineate_zones(region, tb.load_network(region), pack="kr-small-rnd-zone")
    >>> bool((drawn.zones["area_km2"] <= 2).all())
    True
    """
    say = progress or _say_nothing
    chosen = _profile(region, profile)
    roads = network.to_crs(region.crs)
    roads = roads.as_of(as_of) if as_of else roads
    say("land")
    drafting = _drafted(region, roads, pack, snap, cell_m, max_access_m)
    say("suitability")
    model = model_of(roads, region.profiles[chosen])
    evidence = measured(drafting.asked, model, anchors=drafting.pack.anchors)
    suitability = suitability_of(drafting.asked.ground, region.zones, evidence)
    say("zones")
    allocation = drafting.allocated(evidence, suitability)
    zones, unmet = outlined(drafting, allocation)
    table = _table(drafting, model, suitability, zones, chosen)
    return Delineation(
        zones=table,
        unmet=unmet,
        notes=[
            *suitability.notes,
            *allocation.notes,
            *_units_told(table, zones),
            *_parts(drafting, table),
            *_off_core(zones),
        ],
        suitability=suitability,
        profile=chosen,
        drafting=drafting,
        allocation=allocation,
        cells=[zone.cells for zone in zones],
    )


def _drafted(
    region: Region,
    roads: Network,
    pack: str | None,
    snap: str | None,
    cell_m: float | None,
    max_access_m: float,
) -> Drafting:
    """Prepare what zones are drawn from, whatever the speeds and weights."""
    name, rules = pack_of(region, pack)
    layer = snap or region.zones.snap
    if layer is not None and layer not in UNITS:
        raise RegionError(f"zones cannot be snapped to '{layer}'. Name one of {', '.join(UNITS)}.")
    asked = survey(region, roads, ground_of(region, cell_m), max_access_m=max_access_m)
    return Drafting(
        asked,
        name,
        rules,
        units_of(region, asked.ground, layer) if layer else None,
        unit_numbers(asked.ground, known_outlines(region)),
        candidate_cores(region, asked.ground) if rules.core else [],
    )


def _parts(drafting: Drafting, table: gpd.GeoDataFrame) -> list[str]:
    """Say which complexes lie in a zone with a part only."""
    if not drafting.pack.capped:
        return []
    borders, cap = known_outlines(drafting.asked.region), drafting.pack.largest_site_km2
    pairs = zip(table["zone_id"], table.geometry, strict=True)
    return [note for key, shape in pairs for note in parts_told(key, shape, borders, cap)]


def _say_nothing(_: str) -> None:
    pass


def _profile(region: Region, profile: str | None) -> str:
    chosen = profile or region.zones.profile
    if chosen not in region.profiles:
        raise RegionError(f"no profile '{chosen}'; there are {', '.join(region.profiles)}.")
    return chosen


def _units_told(table: gpd.GeoDataFrame, zones: list[Zone]) -> list[str]:
    """Name the units that zones are made of."""
    pairs = zip(table["zone_id"], zones, strict=True)
    return [f"{key} is made of {', '.join(zone.units)}." for key, zone in pairs if zone.units]


def _off_core(zones: list[Zone]) -> list[str]:
    """Say where the first site of a zone does not hold its core."""
    told, seen = [], set[str]()
    for zone in zones:
        core = zone.site.core
        if core is None or core.id in seen:
            continue
        seen.add(core.id)
        metres = shapely.distance(zone.shape, shapely.Point(core.x, core.y))
        if metres:
            told.append(f"Core {core.id} ({core.name}) lies {metres:.0f} m outside its zone.")
    return told


def _table(
    drafting: Drafting, model: Model, suitability: Suitability, zones: list[Zone], profile: str
) -> gpd.GeoDataFrame:
    import geopandas as gpd

    crs = drafting.asked.region.crs
    columns = [*ZONE_COLUMNS, "geometry"]
    if not zones:
        return gpd.GeoDataFrame(columns=columns, geometry="geometry", crs=crs)
    rows = described(
        drafting.asked,
        model,
        suitability,
        zones,
        to_hubs=hub_minutes(drafting.asked, model),
        places=places_of(drafting.asked),
        pack_name=drafting.name,
        pack=drafting.pack,
        profile=profile,
    )
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=crs)
    table["area_km2"] = _rounded_down(areas_km2(table))
    return table[columns]


def _rounded_down(areas: Floats) -> Floats:
    """Round to 0.001 km², but never above a cap that the area itself keeps."""
    return np.floor(areas * 1000 + 1e-9) / 1000
