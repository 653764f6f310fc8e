"""What a zone's table says of it: what lies inside and near, minutes, suitability, and why here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.layers import facilities, located, read_layer
from technobelt.network.dates import day_of
from technobelt.network.ties import tie_points
from technobelt.surface import first_reached
from technobelt.zones.complexes import SOME, known_outlines
from technobelt.zones.evidence import interchange_ties

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.ties import Ties
    from technobelt.region import Region
    from technobelt.travel_time import Model
    from technobelt.zone_rules import Pack
    from technobelt.zones.allocation import Site
    from technobelt.zones.evidence import Survey
    from technobelt.zones.suitability import Suitability

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["ZONE_COLUMNS", "Places", "Zone", "described", "places_of", "why"]

ZONE_COLUMNS = (
    *("zone_id", "cluster", "name", "special", "pack", "core", "area_km2", "municip"),
    *("complexes", "universit", "centres", "interch"),
    *("complex_10", "univ_10", "centre_10", "interch_10"),
    *("hub_min", "hub_worst", "other_min", "other_wrst"),
    *("suit_q1", "suit_q2", "suit_q3", "profile", "rule"),
)
#: Places within so many minutes' drive of a zone's roads are counted beside those inside, min.
NEAR_MIN = 10.0
#: A municipality is touched if a zone takes at least this much of it, km².
_TOUCHED_KM2 = 0.01
#: Facilities this near to each other stand at one position, m.
_SAME_M = 1.0
#: Columns of what is counted: inside, and inside or near.
_COUNTED = {
    "complexes": ("complexes", "complex_10"),
    "universities": ("universit", "univ_10"),
    "centres": ("centres", "centre_10"),
    "interchanges": ("interch", "interch_10"),
}


@dataclass(frozen=True, eq=False)
class Zone:
    """A zone that was drawn: its site, its outline, its cells, the units it was snapped to."""

    site: Site
    shape: Any
    cells: Ints
    units: list[str]


@dataclass(frozen=True, eq=False)
class Places:
    """What zones are counted against.

    Attributes
    ----------
    frame
        Places with ``layer`` and ``name``, in the region's CRS.
    outlines
        By id, the outlines of complexes that are borders.
    ties
        Of all facilities, and of all interchanges to the motorways beside them.
    """

    frame: gpd.GeoDataFrame
    outlines: dict[str, Any]
    ties: list[tuple[Ties, bool]]

    def minutes_from(self, model: Model, own: Ties) -> Floats:
        """Return minutes from the nearest of some ties to each place."""
        out = []
        for ties, on_motorway in self.ties:
            seconds = first_reached(model, own, ties).seconds()
            out.append(seconds - (model.costs.finish_s if on_motorway else 0.0))
        return np.concatenate(out) / 60


def places_of(asked: Survey) -> Places:
    """Return the facilities and open interchanges of a region, tied to roads."""
    region, network = asked.region, asked.network
    columns = ["name", "layer", "cluster", "geometry"]
    frame = facilities(region).to_crs(region.crs)[columns]
    ties = [(tie_points(network, frame, what="places"), False)]
    if "interchanges" in region.layers:
        every = located(read_layer(region, "interchanges")).to_crs(region.crs)
        day = day_of(network, None)
        is_open = ~(every["opened"].fillna("") > day) if day and "opened" in every else True
        mine = every[(every["kind"] == "IC") & is_open].assign(layer="interchanges", cluster="")
        if len(mine):
            ties.append((interchange_ties(network, mine, what="interchanges"), True))
            frame = pd.concat([frame, mine[columns]])
    borders = known_outlines(region)
    outlines = {} if borders is None else dict(borders.geometry.items())
    return Places(frame, outlines, ties)


def described(  # noqa: PLR0913  (all that a row tells)
    asked: Survey,
    model: Model,
    suitability: Suitability,
    zones: list[Zone],
    *,
    to_hubs: list[Floats],
    places: Places,
    pack_name: str,
    pack: Pack,
    profile: str,
) -> list[dict[str, Any]]:
    """Return one row a zone with `ZONE_COLUMNS` but the area, and its ``geometry``."""
    region = asked.region
    named_after = places.frame[places.frame["layer"] != "interchanges"]
    ids = _ids(zones, pack, named_after)
    rows = []
    for zone, key in zip(zones, ids, strict=True):
        cluster = region.clusters[zone.site.cluster]
        row = {
            "zone_id": f"zone-{key}",
            "cluster": zone.site.cluster,
            "name": _name(cluster.name, key, zone, named_after, places.outlines)
            if pack.capped
            else f"{cluster.name} innovation zone",
            "special": _special(region, zone.site.cluster),
            "pack": pack_name,
            "core": zone.site.core.id if zone.site.core else None,
            "municip": _municipalities(region, zone.shape),
            "profile": profile,
            "rule": why(region, pack, zone),
            "geometry": zone.shape,
        }
        row |= _counts(asked, model, zone, places)
        row |= _minutes(asked, zone, to_hubs)
        row |= _quartiles(suitability, zone.cells)
        rows.append(row)
    return rows


def _ids(zones: list[Zone], pack: Pack, places: gpd.GeoDataFrame) -> list[str]:
    """Name zones by what does not change from run to run: cluster, and core or nearest facility."""
    used: dict[str, set[str]] = {}
    out = []
    for zone in zones:
        cluster = zone.site.cluster
        if not pack.capped:
            out.append(cluster)
            continue
        mine, core = used.setdefault(cluster, set()), zone.site.core
        first = core is not None and core.cluster == cluster and core.id not in mine
        nth = sum(name.startswith(f"{cluster}-") for name in out) + 1
        near = core.id if core is not None and first else _nearest(zone, places, mine, nth)
        mine.update(_together(near, places))
        out.append(f"{cluster}-{near}")
    return out


def _nearest(zone: Zone, places: gpd.GeoDataFrame, used: set[str], nth: int) -> str:
    """Return the id of the cluster's facility nearest to the middle that names no other zone."""
    mine = places[(places["cluster"] == zone.site.cluster) & ~places.index.isin(used)]
    if mine.empty:
        return f"site{nth}"
    metres = shapely.distance(mine.geometry.to_numpy(), zone.shape.centroid)
    return str(min(zip(metres.round(3), mine.index.astype(str), strict=True))[1])


def _together(place: str, places: gpd.GeoDataFrame) -> list[str]:
    """Return all facilities at the position of one: a name for one zone only."""
    if place not in places.index:
        return [place]
    metres = shapely.distance(places.geometry.to_numpy(), places.geometry[place])
    return [str(one) for one in places.index[metres < _SAME_M]]


def _name(
    cluster: str, key: str, zone: Zone, places: gpd.GeoDataFrame, outlines: dict[str, Any]
) -> str:
    """Name a zone after the facility of its id: "at" if its point or `SOME` of it lies inside."""
    facility = key.removeprefix(f"{zone.site.cluster}-")
    if facility not in places.index:
        return f"{cluster} innovation zone"
    inside = bool(shapely.intersects(zone.shape, places.geometry[facility]))
    inside |= _has_part(zone.shape, outlines.get(facility))
    return f"{cluster} innovation zone {'at' if inside else 'near'} {places.loc[facility, 'name']}"


def _special(region: Region, cluster: str) -> Any:
    return read_layer(region, "clusters").loc[cluster].get("special")


def _municipalities(region: Region, shape: Any) -> str | None:
    if "municipalities" not in region.layers:
        return None
    areas = read_layer(region, "municipalities").to_crs(region.crs)
    areas["shared"] = shapely.area(shapely.intersection(areas.geometry.to_numpy(), shape)) / 1e6
    touched = areas[areas["shared"] >= _TOUCHED_KM2]
    return "; ".join(touched.sort_values(["shared", "name"], ascending=[False, True])["name"])


def _counts(asked: Survey, model: Model, zone: Zone, places: Places) -> dict[str, int]:
    """Count what lies inside, and what lies inside or near.

    A complex of known outline lies inside with any part of some size, whatever its point does.
    """
    inside = shapely.contains(zone.shape, places.frame.geometry.to_numpy())
    parts = [_has_part(zone.shape, places.outlines.get(key)) for key in places.frame.index]
    inside |= np.array(parts)
    near = inside | (_minutes_from(asked, model, zone, places) <= NEAR_MIN)
    layer = places.frame["layer"].to_numpy()
    out = {}
    for name, (within, beside) in _COUNTED.items():
        out[within] = int((inside & (layer == name)).sum())
        out[beside] = int((near & (layer == name)).sum())
    return out


def _has_part(shape: Any, outline: Any) -> bool:
    if outline is None:
        return False
    return bool(shapely.intersection(shape, outline).area >= SOME * outline.area)


def _minutes_from(asked: Survey, model: Model, zone: Zone, places: Places) -> Floats:
    """Return minutes from the nearest road position of a zone to each place."""
    surface = asked.surface
    served = np.unique(surface.position[np.isin(surface.cell, zone.cells)])
    if not len(served):
        return np.full(len(places.frame), np.inf)
    own = surface.positions.ties.take(np.isin(surface.positions.ties.point, served))
    return places.minutes_from(model, own)


def _minutes(asked: Survey, zone: Zone, to_hubs: list[Floats]) -> dict[str, float | None]:
    """Return median and longest minutes to the cluster's hub, and to those of the others.

    Of several hubs it is the median of the medians: pooled, the cells of a near and a far hub would
    have theirs anywhere between. Where a cell has no way, there is no longest.
    """
    own = asked.ground.clusters.index(zone.site.cluster)
    per_hub = [minutes.ravel()[zone.cells] for minutes in to_hubs]
    others = [minutes for number, minutes in enumerate(per_hub) if number != own]
    out: dict[str, float | None] = {}
    pairs = {("hub_min", "hub_worst"): [per_hub[own]], ("other_min", "other_wrst"): others}
    for (middle, worst), minutes in pairs.items():
        medians = [np.median(one[np.isfinite(one)]) for one in minutes if np.isfinite(one).any()]
        longest = max((one.max() for one in minutes if len(one)), default=np.inf)
        out[middle] = round(float(np.median(medians)), 1) if medians else None
        out[worst] = round(float(longest), 1) if np.isfinite(longest) else None
    return out


def _quartiles(suitability: Suitability, cells: Ints) -> dict[str, float | None]:
    scores = suitability.score.ravel()[cells]
    known = scores[np.isfinite(scores)]
    names = ("suit_q1", "suit_q2", "suit_q3")
    if not len(known):
        return dict.fromkeys(names)
    found = np.quantile(known, (0.25, 0.5, 0.75))
    return {name: round(float(value), 3) for name, value in zip(names, found, strict=True)}


def why(region: Region, pack: Pack, zone: Zone) -> str:
    """Say why the boundary of a zone runs where it does."""
    rules = region.zones
    told = [*_reach_told(region, pack, zone), *_caps_told(pack)]
    least = rules.score_min if pack.score_min is None else pack.score_min
    if rules.factors and least:
        told.append(f"score >= {least:g}")
    told.append(f"water <= {rules.water_max:.0%}")
    told.append(f"no wood > {rules.wood_max:.0%} on relief > {rules.relief_max_m:g} m")
    told += [f"no {name}" for name in ("military", *rules.constraints)]
    if zone.units:
        share = f"units of which {rules.snap_share:.0%} at least is such land: "
        return share + "; ".join([*told, f"{len(zone.units)} whole units"])
    if not pack.capped:
        told.append(f"parts >= {rules.part_min_km2:g} km2")
    told.append(f"holes < {rules.hole_min_km2:g} km2 filled")
    return "; ".join(told)


def _reach_told(region: Region, pack: Pack, zone: Zone) -> list[str]:
    told = []
    if pack.anchors:
        anchors = ", ".join(name.replace("_", " ") for name in region.zones.anchors)
        told.append(f"within {region.zones.minutes:g} min of one {anchors} each")
    if zone.site.core is not None:
        within = f" within {pack.radius_km:g} km of" if pack.radius_km else " around"
        told.append(f"best land{within} core {zone.site.core.id}")
    elif pack.capped:
        told.append("best land")
    return told


def _caps_told(pack: Pack) -> list[str]:
    caps = {
        "site": pack.site_max_km2,
        "zone": pack.zone_max_km2,
        "all zones": pack.total_max_km2,
    }
    told = [f"{what} <= {cap:g} km2" for what, cap in caps.items() if cap is not None]
    if pack.site_min_km2:
        told.append(f"site >= {pack.site_min_km2:g} km2")
    return [*told, f"span <= {pack.span_km:g} km"] if pack.span_km else told
