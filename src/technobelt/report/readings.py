"""What each way to read a travel-time claim is called."""

from __future__ import annotations

from technobelt.report.wording import words

__all__ = ["reading_words"]

#: What each reading is called, and what is measured; others are told by their own rule.
_READINGS = {
    "cluster_pair_median": (
        "Median trip",
        "for every two clusters, each way, the median trip; the longest of these",
    ),
    "worst_pair": ("Longest trip", "the longest of all trips in question"),
    "ninetieth": (
        "All but the longest tenth",
        "the 90th percentile of all trips in question",
    ),
    "adjacent": ("Neighbouring clusters", "as the first row, between neighbouring clusters only"),
    "central": (
        "Longest trip of the middle cluster",
        "the longest of all trips from or to a place in the cluster in the middle of the belt",
    ),
    "nearest": (
        "To the nearest place",
        "from each place to the one that it reaches first; the longest of these",
    ),
    "nearest_hub": (
        "To the nearest hub",
        "from each place to the hub that it reaches first; the longest of these",
    ),
    "outlines": (
        "Between points inside outlines",
        "as the first row, between random points inside outlines whose border is known",
    ),
    "share_within": (
        "Share of trips within the limit",
        "of all trips in question; holds from one half on",
    ),
    "centroids": (
        "Between the clusters' middles",
        "from the road nearest to the middle of one cluster to that of another; the longest",
    ),
    "hubs": ("Between the clusters' hubs", "the longest of these trips"),
    "interchanges": (
        "Between interchanges",
        "driving only, between interchanges of the corridor that lie in two clusters; the longest",
    ),
}


def reading_words(name: str, rule: str = "") -> tuple[str, str]:
    """Return what a reading is called, and what is measured.

    Parameters
    ----------
    name
        As in ``claims.json``.
    rule
        Its own rule, for readings that have no words here.

    Examples
    --------
    >>> reading_words("worst_pair")[0], reading_words("by_bus", "by bus")
    ('Longest trip', ('By bus', 'by bus'))
    """
    return _READINGS.get(name, (words(name).capitalize(), rule))
