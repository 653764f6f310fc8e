"""Isochrones of a region's hubs, with what they reach and how often they are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from technobelt.claim_kinds import TravelTimeClaim
from technobelt.isochrone import audit, isochrone_sets
from technobelt.layers import FACILITIES, hub_places, located, place_layers, read_layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from technobelt.network import Network
    from technobelt.region import Region

__all__ = ["AUDITED", "SEED", "band_minutes", "hub_isochrones"]

#: The longest limit of a region that claims no travel time.
_LONGEST_MIN = 90.0
#: Road positions by which isochrones are audited, and the seed of their draw.
AUDITED, SEED = 2000, 1999
#: Columns that count what an isochrone reaches, and the layers they count.
REACH = {
    "n_complex": "complexes",
    "n_univ": "universities",
    "n_centre": "centres",
    "population": "population",
}


def band_minutes(region: Region) -> tuple[float, ...]:
    """Return the limits of isochrones that suit a region: thirds of the longest that it claims.

    Examples
    --------
    >>> import technobelt as tb
    >>> band_minutes(tb.load_region())
    (30.0, 60.0, 90.0)
    """
    claimed = [one.limit_min for one in region.claims if isinstance(one, TravelTimeClaim)]
    longest = max(claimed, default=_LONGEST_MIN)
    return (*tuple(float(f"{longest * third / 3:.2g}") for third in (1, 2)), longest)


def hub_isochrones(
    region: Region,
    network: Network,
    *,
    profile: str,
    minutes: Sequence[float],
    audited: bool = True,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Draw the isochrones of a region's hubs, each its own and all together.

    Parameters
    ----------
    region, network
        The hubs and the roads.
    profile
        Name of the speed profile.
    minutes
        The limits.
    audited
        Whether to test how often they are wrong, which takes about a second.

    Returns
    -------
    own, merged
        Region's CRS. Beside the columns of `technobelt.isochrones`: ``origin_name``, ``cluster``,
        ``profile``, ``direction``, what is reached (`REACH`), and in `own` the audit's ``late_in``
        and ``ok_out``.

    Raises
    ------
    ClaimError
        A hub is no facility, not located, or in another cluster than its own.
    """
    hubs = hub_places(region).to_crs(region.crs)
    reach = {
        column: located(read_layer(region, layer))
        for column, layer in REACH.items()
        if layer in {*place_layers(region), *region.layers.keys() - {*FACILITIES}}
    }
    speeds = region.profiles[profile]
    sets = isochrone_sets(
        network, hubs, modes=("overlap", "merge"), minutes=minutes, profile=speeds, reach=reach
    )
    own, merged = sets["overlap"], sets["merge"]
    if audited:
        wrong = audit(network, hubs, own, profile=speeds, positions=AUDITED, seed=SEED)
        own = own.merge(wrong.drop(columns="positions"), on=["origin_id", "minutes"], how="left")
    own["origin_name"] = own["origin_id"].map(hubs["name"])
    own["cluster"] = own["origin_id"].map(hubs["cluster"])
    merged["origin_name"] = "all hubs"
    merged["cluster"] = "all"
    return _told(own, profile), _told(merged, profile)


def _told(bands: gpd.GeoDataFrame, profile: str) -> gpd.GeoDataFrame:
    bands["profile"], bands["direction"] = profile, "from"
    last = [name for name in ("late_in", "ok_out", "geometry") if name in bands]
    first = ["origin_id", "origin_name", "cluster", "minutes", "area_km2", "truncated"]
    middle = [name for name in bands if name not in {*first, *last}]
    return bands[[*first, *middle, *last]]
