"""The dates that a map can switch between: whose drive times, trips and verdicts it shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from technobelt.errors import NetworkError
from technobelt.network.model import last_day
from technobelt.webmap.facts import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import geopandas as gpd
    import pandas as pd

    from technobelt.webmap.overlays import Overlay

__all__ = ["MapDate", "absent", "distinct", "switched"]


@dataclass(frozen=True, eq=False)
class MapDate:
    """What a map shows of the roads of one date.

    Attributes
    ----------
    as_of
        ISO: a year, a month or a day.
    isochrones, merged, routes, pairs, verdicts
        As the parameters of `technobelt.web_map` of these names, or None.

    Examples
    --------
    >>> from technobelt.webmap import MapDate
    >>> MapDate("1999").pairs is None
    True
    """

    as_of: str
    isochrones: gpd.GeoDataFrame | None = None
    merged: gpd.GeoDataFrame | None = None
    routes: gpd.GeoDataFrame | None = None
    pairs: pd.DataFrame | None = None
    verdicts: Mapping[str, Any] | None = None


def distinct(dates: Sequence[MapDate]) -> None:
    """Refuse dates that a reader could not tell apart, and what is no date.

    Raises
    ------
    NetworkError
        Two of them are the same, or one (but the first, if it alone is unnamed) is no date.
    """
    said = [date.as_of for date in dates]
    for date in said[1:]:
        last_day(date)
    twice = next((date for date in said if said.count(date) > 1), None)
    if twice is not None:
        raise NetworkError(
            f"the map has '{twice}' twice among its dates: {', '.join(said)}. The main arguments "
            "are of the date in verdicts['as_of']; leave it out of other_dates."
        )


def absent(row: Mapping[str, Any], dates: Iterable[str]) -> list[str]:
    """Return the dates on which something was not open yet.

    Parameters
    ----------
    row
        ``opened`` (ISO) and ``existed_1999``; what has neither was always there.
    dates
        ISO; an empty one is no date.

    Examples
    --------
    >>> absent({"opened": "2001-11-08"}, ["1999", "2001", "2021-08"])
    ['1999']
    >>> absent({"existed_1999": "no"}, ["1999", "2021-08"]), absent({}, ["1999"])
    (['1999'], [])
    """
    opened, existed = plain(row.get("opened")), plain(row.get("existed_1999"))
    begin = opened or ("2000" if existed == "no" else "")
    return [date for date in dates if date and begin > last_day(date)]


def switched(
    drawn: Mapping[str, Sequence[Overlay]], groups: Sequence[str], first: str
) -> list[Overlay]:
    """Join layers of the same name, so that one row of the layer control serves all dates.

    Parameters
    ----------
    drawn
        Date -> its layers.
    groups
        In the order in which their layers are to stand.
    first
        The date that the page opens with; its parts stand in the page, those of others wait.
    """
    found: dict[str, dict[str, Overlay]] = {}
    for date, overlays in sorted(drawn.items(), key=lambda item: item[0] != first):
        for overlay in overlays:
            found.setdefault(overlay.name, {})[date] = overlay
    others = [date for date in drawn if date != first]
    joined = [_joined(same, first, others) for same in found.values()]
    return sorted(joined, key=lambda overlay: groups.index(overlay.group))


def _joined(same: Mapping[str, Overlay], first: str, others: Sequence[str]) -> Overlay:
    """Give a layer its parts of each date; it has none of a date that lacks it."""
    whole = next(iter(same.values()))
    parts = {date: same[date].parts if date in same else [] for date in (first, *others)}
    legend = dict.fromkeys(entry for overlay in same.values() for entry in overlay.legend)
    dated = {date: parts[date] for date in others}
    return replace(whole, parts=parts[first], legend=list(legend), dated=dated)
