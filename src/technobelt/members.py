"""The places that a travel-time claim is about: its members, and where its trips lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from technobelt.errors import ClaimError
from technobelt.layers import located, select
from technobelt.network.model import last_day

if TYPE_CHECKING:
    import geopandas as gpd

    from technobelt.claim_kinds import Selection, TravelTimeClaim
    from technobelt.region import Region

__all__ = ["end_places", "member_places"]

#: Places within about a metre of each other are one place.
_SAME_PLACE_DECIMALS = 5


def member_places(
    region: Region, claim: TravelTimeClaim, *, as_of: str | None = None
) -> gpd.GeoDataFrame:
    """Return the places that a claim is about: one row a position, its facilities' ids joined.

    Parameters
    ----------
    region, claim
        The claim's ``members`` rule selects them.
    as_of
        Instead of the rule's ``existed_1999``: the places that had opened by this date (ISO; of
        those without a year the ones that the rule takes).

    Raises
    ------
    ClaimError
        A cluster has none.
    """
    if claim.to is None and len(region.clusters) < 2:
        raise ClaimError(
            f"claim '{claim.id}' is about places of different clusters, and region '{region.id}' "
            "has fewer than two. Name another in [clusters]."
        )
    rule = claim.members
    chosen = _chosen_on(region, rule, as_of) if as_of else _chosen(region, rule)
    members = located(chosen).to_crs(4326)
    members = members[members["cluster"].isin(list(region.clusters))]
    empty = [name for name in region.clusters if not (members["cluster"] == name).any()]
    if empty and (claim.to is None or len(empty) == len(region.clusters)):
        raise ClaimError(
            f"claim '{claim.id}': cluster '{empty[0]}' has no place that fits [claims.members]. "
            "Widen its 'where', or add the place to a layer."
        )
    return _one_a_position(members)


def end_places(
    region: Region, claim: TravelTimeClaim, *, as_of: str | None = None
) -> gpd.GeoDataFrame | None:
    """Return the places that a claim's trips lead to, if those are not its members themselves.

    Parameters
    ----------
    region, claim, as_of
        As for `member_places`; the claim's ``to`` rule selects them.

    Raises
    ------
    ClaimError
        There is none.
    """
    if claim.to is None:
        return None
    chosen = _chosen_on(region, claim.to, as_of) if as_of else _chosen(region, claim.to)
    places = located(chosen).to_crs(4326)
    if places.empty:
        raise ClaimError(
            f"claim '{claim.id}': no place fits [claims.to]. Widen its 'where', or add the place "
            "to a layer."
        )
    return _one_a_position(places)


def _one_a_position(places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return one row a position; ``members`` lists the ids of all that stand there."""
    xy = np.round(np.stack([places.geometry.x, places.geometry.y], axis=1), _SAME_PLACE_DECIMALS)
    key = pd.Series(map(tuple, xy), index=places.index)
    here = places[~key.duplicated().to_numpy()].copy()
    together = pd.Series(places.index, index=places.index).groupby(key).agg(list)
    here["members"] = [together[place] for place in key[here.index]]
    return here


def _chosen(region: Region, rule: Selection) -> gpd.GeoDataFrame:
    return select(region, rule, needs=["cluster", "name"])


def _chosen_on(region: Region, chosen: Selection, as_of: str) -> gpd.GeoDataFrame:
    """Return what had opened by a date of all that the rule would take at any time."""
    rule = {column: values for column, values in chosen.where.items() if column != _EXISTED}
    ever = chosen.model_copy(update={"where": rule})
    asked = [_EXISTED] if _EXISTED in chosen.where else []
    rows = select(region, ever, needs=["cluster", "name", "opened_year", *asked])
    year = pd.to_numeric(rows["opened_year"], errors="coerce")
    if int(last_day(as_of)[:4]) < year.min():
        raise ClaimError(
            f"members as of {as_of}: the first of the places whose year is known opened in "
            f"{year.min():.0f}. Choose a later date."
        )
    known = rows[_EXISTED].isin(chosen.where[_EXISTED]) if asked else True
    return rows[(year <= int(last_day(as_of)[:4])) | (year.isna() & known)]


_EXISTED = "existed_1999"
