"""The readings of a travel-time claim: one sentence, several honest ways to measure it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from technobelt.measures import MEASURES, SHARE
from technobelt.travel_time import model_of
from technobelt.trips import Trips, trip_minutes
from technobelt.verdict import judge, rounded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from technobelt.cases import Case
    from technobelt.network.speeds import Bound

    Floats = NDArray[np.float64]

__all__ = ["BOUNDS", "read_profile"]

#: The ends of the stated ranges, and the values between them.
BOUNDS: tuple[Bound, ...] = ("fastest", "value", "slowest")


def read_profile(case: Case, profile: str) -> list[dict[str, Any]]:
    """Return a claim's readings in one profile for ``claims.json``, the primary first."""
    minutes: dict[tuple[str, Bound], Floats] = {}
    for bound in BOUNDS:
        model = model_of(case.network, case.region.profiles[profile], bound=bound)
        for name, some in case.trips.items():
            minutes[name, bound], _ = trip_minutes(model, some)
    names = sorted(MEASURES, key=lambda name: name != case.claim.primary)
    return [
        _reading(case, profile, name, {bound: minutes[measure.trips, bound] for bound in BOUNDS})
        for name in names
        for measure in [MEASURES[name]]
        if measure.trips in case.trips and measure.applies(case.trips[measure.trips])
    ]


def _reading(case: Case, profile: str, name: str, minutes: dict[Bound, Floats]) -> dict[str, Any]:
    measure = MEASURES[name]
    trips = case.trips[measure.trips]
    fastest, value, slowest = (measure.statistic(minutes[bound], trips) for bound in BOUNDS)
    head = {"id": f"{name}.{profile}", "reading": name, "profile": profile, "rule": measure.rule}
    if name == "share_within":
        shares = [_share_within(minutes[bound], trips, case.limit) for bound in BOUNDS]
        perhaps = minutes["fastest"] - case.slack(profile, trips)
        most = _share_within(perhaps, trips, case.limit)
        return head | {
            "verdict": judge(1 - most, 1 - shares[2], 1 - SHARE),
            "observed": round(shares[1], 4),
            "range": [round(shares[2], 4), round(shares[0], 4)],
            "unit": "share of pairs",
        }
    observed = rounded(value.minutes)
    if observed is None and not trips.tied:  # no road near is no verdict on roads
        return head | {
            "verdict": "undecided",
            "observed_min": None,
            "range_min": [None, None],
            "margin_min": None,
            "status": "not_tied",
            "between": value.between,
        }
    surely = measure.statistic(minutes["fastest"] - case.slack(profile, trips), trips)
    return head | {
        "verdict": judge(surely.minutes, slowest.minutes, case.limit),
        "observed_min": observed,
        "range_min": [rounded(fastest.minutes), rounded(slowest.minutes)],
        "margin_min": None if observed is None else round(case.limit - observed, 2),
        "status": "ok" if observed is not None else "unreachable",
        "between": value.between,
    }


def _share_within(minutes: Floats, trips: Trips, limit: float) -> float:
    return float((minutes[trips.asked] <= limit).mean())
