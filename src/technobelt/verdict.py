"""The rule of a verdict: what holds, what fails, what cannot be decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["DRAWN_RULE", "NOT_DRAWN", "RULE", "Verdict", "judge", "rounded", "sampling_interval"]

Verdict = Literal["holds", "fails", "undecided"]

RULE = (
    "Holds only if it does at the slow end of every stated range, fails only if it does at the "
    "fast end, by more than the positions' errors are worth."
)
DRAWN_RULE = (
    "By random draws of speeds: holds only if the 95th percentile of {n} draws is within the "
    "limit, fails only if the 5th is beyond it; placeholders must agree with the ranges, too."
)
NOT_DRAWN = (
    "No random draws of speeds were made; with them (--draws 1000) the verdict must follow their "
    "5th and 95th percentile, too."
)
#: Of the normal distribution, for 95 %.
_SCORE = 1.959964


def judge(least: float, most: float, limit: float) -> Verdict:
    """Return the verdict on a number that lies between two others.

    Examples
    --------
    >>> judge(70, 85, 90), judge(95, 120, 90), judge(80, 110, 90)
    ('holds', 'fails', 'undecided')
    """
    if most <= limit:
        return "holds"
    return "fails" if least > limit else "undecided"


def rounded(value: Any) -> float | None:
    """Return a number of minutes or kilometres as results give it; None where there is none."""
    return round(float(value), 2) if np.isfinite(value) else None


def sampling_interval(share: float, draws: int) -> tuple[float, float]:
    """Return where a probability lies with 95 % confidence if it was counted in some draws.

    After Wilson (1927), "Probable inference, the law of succession, and statistical inference":
    it keeps its width where all draws, or none, were counted.

    Examples
    --------
    >>> [round(bound, 3) for bound in sampling_interval(0.0, 100)]
    [0.0, 0.037]
    """
    z2 = _SCORE**2 / draws
    middle = (share + z2 / 2) / (1 + z2)
    half = _SCORE * np.sqrt(share * (1 - share) / draws + z2 / (4 * draws)) / (1 + z2)
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))
