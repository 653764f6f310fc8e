"""Readings under random speeds: how often each is within the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.draws import draw_minutes
from technobelt.errors import ClaimError
from technobelt.measures import MEASURES
from technobelt.verdict import judge, rounded, sampling_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from technobelt.cases import Case
    from technobelt.region import Region, Uncertainty

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["draw_readings", "need_uncertainty"]

#: The trips that are drawn: centroids, interchanges and points in outlines stay with the ranges.
_DRAWN = ("members", "hubs", "nearest_hub")
#: After how many draws it is told what they came to.
_COUNTS = tuple(digit * 10**power for power in range(1, 6) for digit in (1, 2, 5))


def draw_readings(
    case: Case, readings: list[dict[str, Any]], progress: Callable[[str], None] | None
) -> tuple[dict[str, Any], Floats]:
    """Draw speeds, and add to the readings how often each is within the limit.

    Returns
    -------
    dict, numpy.ndarray
        What ``claims.json`` says of the draws; how often each trip of the members is within the
        limit.
    """
    believed, draws = need_uncertainty(case.region), case.basis.draws
    kinds = {*_DRAWN, case.primary.trips}
    asked = {name: trips for name, trips in case.trips.items() if name in kinds}
    drawn = [r for r in readings if MEASURES[r["reading"]].trips in asked]
    slack = {name: case.slack(case.profile, trips) for name, trips in asked.items()}
    values, surely = np.empty((2, draws, len(drawn)))
    within = np.zeros(int(case.members.asked.sum()))

    def use(draw: int, minutes: dict[str, Floats]) -> None:
        for column, reading in enumerate(drawn):
            measure = MEASURES[reading["reading"]]
            kind = measure.trips
            values[draw, column] = measure.statistic(minutes[kind], asked[kind]).minutes
            least = minutes[kind] - slack[kind]
            surely[draw, column] = measure.statistic(least, asked[kind]).minutes
        within[:] += minutes["members"][case.members.asked] <= case.limit
        if progress is not None and draw % 10 == 0:
            progress(f"{case.claim.id}: draw {draw} of {draws}")

    speeds = case.speeds
    draw_minutes(
        case.network,
        speeds,
        believed,
        asked,
        case.corridor,
        draws=draws,
        seed=case.basis.seed,
        use=use,
    )
    for reading, found, least in zip(drawn, values.T, surely.T, strict=True):
        _add_draws(reading, found, least, case.limit, placeholders=bool(speeds.placeholders))
    primary = values[:, 0] <= case.limit
    told = {key: readings[0][key] for key in ("p_within", "sampling_error", "draws_min")}
    said = {"n": draws, "seed": case.basis.seed, "placeholder": believed.placeholder}
    return said | told | {"convergence": _convergence(primary)}, within / draws


def need_uncertainty(region: Region) -> Uncertainty:
    """Return how far speeds may be off.

    Raises
    ------
    ClaimError
        The region does not say.
    """
    if region.uncertainty is None:
        raise ClaimError(
            f"region '{region.id}' does not say how far speeds may be off, so that none can be "
            "drawn at random. Add [uncertainty] to region.toml, or leave out --draws."
        )
    return region.uncertainty


def _convergence(within: Mask) -> list[list[float]]:
    """Return, after more and more draws, the share within the limit and its 95 % interval."""
    n = len(within)
    counts = [count for count in _COUNTS if count < n]
    rows = []
    for count in [*counts, n]:
        share = float(within[:count].mean())
        told = (share, *sampling_interval(share, count))
        rows.append([count, *(round(part, 4) for part in told)])
    return rows


def _add_draws(
    reading: dict[str, Any], values: Floats, surely: Floats, limit: float, *, placeholders: bool
) -> None:
    """Add what the draws say; with placeholder speeds they and the ranges must agree.

    As with ranges, a trip fails only if it does even with the positions' errors taken off
    (`surely`).
    """
    p = float((values <= limit).mean())
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95), method="inverted_cdf").tolist()
    least = float(np.quantile(surely, 0.05, method="inverted_cdf"))
    by_draws = judge(least, high, limit)
    reading["p_within"] = round(p, 4)
    low_p, high_p = sampling_interval(p, len(values))
    reading["sampling_error"] = round((high_p - low_p) / 4, 4)
    reading["draws_min"] = [rounded(low), rounded(middle), rounded(high)]
    if not placeholders:
        reading["verdict"] = by_draws
    elif by_draws != reading["verdict"]:
        reading["verdict"] = "undecided"
