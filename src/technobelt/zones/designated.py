"""Cores that the rules chose, beside those of zones that were really designated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from technobelt.errors import PointError
from technobelt.layers import facilities
from technobelt.travel_time import travel_times

if TYPE_CHECKING:
    from technobelt.region import Region
    from technobelt.zone_rules import Designation
    from technobelt.zones.cores import Core
    from technobelt.zones.delineation import Delineation

__all__ = ["DESIGNATED_COLUMNS", "compare_designated"]

DESIGNATED_COLUMNS = (
    *("cluster", "name", "year", "core", "core_name", "chosen", "chosen_name"),
    *("hit", "distance_km", "time_min", "area_km2"),
)


def compare_designated(drawn: Delineation) -> pd.DataFrame:
    """Compare the cores that a pack chose with those of ``[[zones.designated]]``.

    Cores are chosen before this looks, by rules that do not know it. No outline of what was
    designated is known, so that no overlap is told.

    Parameters
    ----------
    drawn
        From `delineate_zones`, of a region with ``[[zones.designated]]``.

    Returns
    -------
    pandas.DataFrame
        One row a designation with `DESIGNATED_COLUMNS`: ``hit``, whether its core was chosen, None
        if ``[zones.cores]`` names it; ``distance_km`` (straight line) and ``time_min`` (the drive,
        in the profile of the zones) from the chosen core to the real one, NaN where none was chosen
        in its cluster;
        ``area_km2`` as designated, NaN where unknown. Those of other packs have no row.

    Raises
    ------
    PointError
        A designated core is no facility, or not located.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> drawn = tb.delineate_zones(region, tb.load_network(region), pack="kr-small-rnd-zone")
    >>> compare_designated(drawn).set_index("cluster")["core"].to_dict()
    {'centre': 'RES01', 'west': 'UNI01', 'east': 'UNI04'}
    """
    region = drawn.region
    chosen = {
        site.core.cluster: site.core for site in drawn.allocation.sites if site.core is not None
    }
    listed = [real for real in region.zones.designated if real.pack == drawn.pack_name]
    rows = [_row(region, drawn, real, chosen.get(real.cluster)) for real in listed]
    return pd.DataFrame(rows, columns=list(DESIGNATED_COLUMNS))


def _row(
    region: Region, drawn: Delineation, real: Designation, chosen: Core | None
) -> dict[str, Any]:
    places = facilities(region).to_crs(region.crs)
    if real.core not in places.index:
        raise PointError(
            f"core '{real.core}' of [[zones.designated]] '{real.name}' is no facility that stands "
            "somewhere. Name one by its id; 'technobelt layers places' lists them."
        )
    place = places.loc[[real.core]]
    row = {
        "cluster": real.cluster,
        "name": real.name,
        "year": real.year,
        "core": real.core,
        "core_name": place["name"].iloc[0],
        "area_km2": real.area_km2,
    }
    if chosen is None:
        return row
    return row | {
        "chosen": chosen.id,
        "chosen_name": chosen.name,
        "hit": None if chosen.named else chosen.id == real.core,
        **_apart(region, drawn, chosen, place),
    }


def _apart(
    region: Region, drawn: Delineation, chosen: Core, place: gpd.GeoDataFrame
) -> dict[str, float]:
    if chosen.id == place.index[0]:
        return {"distance_km": 0.0, "time_min": 0.0}
    own = gpd.GeoDataFrame(
        geometry=[shapely.Point(chosen.x, chosen.y)], index=[chosen.id], crs=region.crs
    )
    trip = travel_times(
        drawn.drafting.asked.network, own, place, profile=region.profiles[drawn.profile]
    )
    metres = shapely.distance(own.geometry.iloc[0], place.geometry.iloc[0])
    return {
        "distance_km": round(metres / 1000, 2),
        "time_min": round(float(trip["time_min"].iloc[0]), 1),
    }
