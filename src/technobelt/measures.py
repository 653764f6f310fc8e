"""Ways to measure a travel-time claim: on which trips, by which statistic.

Each statistic also says which trips decide it, so that one can ask what would change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from technobelt.trips import Trips

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["MEASURES", "PRIMARY", "SHARE", "Found", "Measure"]

PRIMARY = "cluster_pair_median"
#: The share of pairs that must be within the limit where a measure is about a share.
SHARE = 0.5


class Found(NamedTuple):
    """A statistic of trips: its minutes, the trips that decide it (mean of their times), names."""

    minutes: float
    row: list[int]
    column: list[int]
    between: list[str]


def _always(_trips: Trips) -> bool:
    return True


@dataclass(frozen=True)
class Measure:
    """One way to measure a claim: on which trips, by which statistic.

    Attributes
    ----------
    trips
        Which of the trips of `technobelt.trips.trips_of`.
    rule
        How it is measured, in words.
    statistic
        What it makes of the minutes of these trips.
    subject
        What the minutes are of, to begin a sentence with.
    applies
        Whether it means something for these trips; where it does not there is no such reading.
    """

    trips: str
    rule: str
    statistic: Callable[[Floats, Trips], Found]
    subject: str
    applies: Callable[[Trips], bool] = _always


def _ranked(minutes: Floats, trips: Trips, mask: Mask, share: float) -> Found:
    """Return the trip that a share of the masked trips does not exceed (order statistic)."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return Found(np.nan, [], [], [])
    values = minutes[rows, columns]
    order = np.argsort(values, kind="stable")
    at = order[max(int(np.ceil(share * len(order))) - 1, 0)]
    row, column = int(rows[at]), int(columns[at])
    names = [str(trips.from_name[row]), str(trips.to_name[column])]
    return Found(float(values[at]), [row], [column], names)


def _longest(minutes: Floats, trips: Trips) -> Found:
    """Return the longest trip; unreachable ones count as infinitely long."""
    return _ranked(minutes, trips, trips.asked, 1.0)


def _ninetieth(minutes: Floats, trips: Trips) -> Found:
    return _ranked(minutes, trips, trips.asked, 0.9)


def _half(minutes: Floats, trips: Trips) -> Found:
    return _ranked(minutes, trips, trips.asked, SHARE)


def _medians(minutes: Floats, trips: Trips, wanted: Callable[[int, int], bool]) -> Found:
    """Return the longest of the medians of ordered pairs of clusters."""
    found = [
        _median(minutes, trips, a, b)
        for i, a in enumerate(trips.order)
        for j, b in enumerate(trips.order)
        if i != j and wanted(i, j)
    ]
    return max(found, key=lambda one: one.minutes)


def _median(minutes: Floats, trips: Trips, a: str, b: str) -> Found:
    """Return the median of the trips between two clusters: the mean of the middle two, if even."""
    mask = (trips.from_cluster[:, None] == a) & (trips.to_cluster[None, :] == b)
    rows, columns = np.nonzero(mask)
    if not len(rows):  # a cluster without an interchange, say
        return Found(-np.inf, [], [], [str(a), str(b)])
    order = np.argsort(minutes[rows, columns], kind="stable")
    middle = order[[(len(order) - 1) // 2, len(order) // 2]]
    row, column = rows[middle], columns[middle]
    value = float(minutes[row, column].mean())
    return Found(value, row.tolist(), column.tolist(), [str(a), str(b)])


def _largest_median(minutes: Floats, trips: Trips) -> Found:
    return _medians(minutes, trips, lambda _i, _j: True)


def _adjacent(minutes: Floats, trips: Trips) -> Found:
    return _medians(minutes, trips, lambda i, j: abs(i - j) == 1)


def _between_clusters(trips: Trips) -> bool:
    return not trips.to_others


def _to_others(trips: Trips) -> bool:
    return trips.to_others


def _has_middle(trips: Trips) -> bool:
    """Tell whether there is one cluster in the middle of the belt."""
    return not trips.to_others and len(trips.order) >= 3 and len(trips.order) % 2 == 1


def _central(minutes: Floats, trips: Trips) -> Found:
    """Return the longest trip to or from the cluster in the middle of the belt."""
    centre = trips.order[len(trips.order) // 2]
    mask = (trips.from_cluster == centre)[:, None] | (trips.to_cluster == centre)[None, :]
    return _ranked(minutes, trips, mask & trips.asked, 1.0)


def _to_nearest(minutes: Floats, trips: Trips) -> Found:
    """Return the longest of the trips from each origin to the destination that it reaches first."""
    best = np.where(trips.asked, minutes, np.inf).argmin(axis=1)
    mask = np.zeros_like(trips.asked)
    mask[np.arange(len(best)), best] = True
    mask &= trips.asked  # the only one may be the place itself
    return _ranked(minutes, trips, mask, 1.0)


#: Name -> how it reads; the primary one first.
MEASURES: dict[str, Measure] = {
    PRIMARY: Measure(
        "members",
        "for each ordered pair of clusters the median pair of places; the longest of these",
        _largest_median,
        "The median trip",
        applies=_between_clusters,
    ),
    "nearest": Measure(
        "members",
        "from each place to the one that it reaches first; the longest",
        _to_nearest,
        "The longest trip to the nearest place",
        applies=_to_others,
    ),
    "worst_pair": Measure(
        "members", "the longest of all trips in question", _longest, "The longest trip"
    ),
    "ninetieth": Measure(
        "members",
        "the 90th percentile of all trips in question",
        _ninetieth,
        "The longest trip but for a tenth of them",
    ),
    "share_within": Measure(
        "members",
        "holds where at least half of the trips in question are within the limit",
        _half,
        "The shorter half of the trips",
    ),
    "adjacent": Measure(
        "members",
        "as the first, of clusters that lie next to each other only",
        _adjacent,
        "The median trip between neighbours",
        applies=_between_clusters,
    ),
    "central": Measure(
        "members",
        "the longest of all trips from or to the cluster in the middle",
        _central,
        "The longest trip from or to the middle cluster",
        applies=_has_middle,
    ),
    "nearest_hub": Measure(
        "nearest_hub",
        "from each place to the hub that it reaches first; the longest",
        _to_nearest,
        "The longest trip to the nearest hub",
    ),
    "centroids": Measure(
        "centroids",
        "between the road positions nearest to the clusters' centroids; the longest",
        _longest,
        "The longest trip between centroids",
    ),
    "hubs": Measure(
        "hubs", "between the clusters' hubs; the longest", _longest, "The longest trip between hubs"
    ),
    "interchanges": Measure(
        "interchanges",
        "between the corridor's interchanges inside different clusters, driving only; the longest",
        _longest,
        "The longest drive between interchanges",
    ),
    "outlines": Measure(
        "outlines",
        "as the first, between random points inside outlines whose border is known",
        _largest_median,
        "The median trip between points in outlines",
    ),
}
