"""The corridor of a day: the sections that make it up, and its interchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from technobelt.layers import read_layer
from technobelt.network.dates import day_of

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.region import Region

__all__ = ["corridor_before", "corridor_interchanges", "corridor_sections"]

#: A network without a date is of today: after all alignments.
_LATEST = "9999-12-31"


def corridor_interchanges(
    region: Region, network: Network, as_of: str | None = None
) -> tuple[gpd.GeoDataFrame, NDArray[np.bool_]] | None:
    """Return the corridor's interchanges of a day, and its sections; None where there are none.

    Parameters
    ----------
    region, network
        The network in the region's CRS, as of the day in question.
    as_of
        The day (ISO); the network's own by default.

    Returns
    -------
    geopandas.GeoDataFrame, numpy.ndarray
        The interchanges in the network's CRS; bool (n) over the sections.
    """
    if "interchanges" not in region.layers:
        return None
    day = _day(network, as_of)
    on_corridor = corridor_before(region, network, as_of)
    if not on_corridor.any():
        return None
    routes = region.corridor.routes_on(day)
    dated = network.on_routes(routes) & network.roads["opened"].notna().to_numpy()
    if dated.any() and not (dated & on_corridor).any():
        return None  # before any of its roads whose date is known
    points = read_layer(region, "interchanges").to_crs(network.crs)
    points = points[points["route_no"].isin(routes) & (points["kind"] == "IC")]
    if "opened" in points:
        points = points[~(points["opened"].fillna("") > day)]
    return (points, on_corridor) if len(points) else None


def corridor_sections(region: Region, network: Network, as_of: str | None) -> NDArray[np.bool_]:
    """Mark the open sections that make up the corridor of a day."""
    return network.on_routes(region.corridor.routes_on(_day(network, as_of))) & ~network.closed


def corridor_before(region: Region, network: Network, as_of: str | None) -> NDArray[np.bool_]:
    """Mark the sections that make up the corridor of a day, whatever a scenario does to them.

    Interchanges are tied to these: what a scenario closes is out of reach, not elsewhere.
    """
    if network.edits is None:
        return corridor_sections(region, network, as_of)
    routes = region.corridor.routes_on(_day(network, as_of))
    return network.on_routes(routes) & network.edits.open_before


def _day(network: Network, as_of: str | None) -> str:
    return day_of(network, as_of) or _LATEST
