"""The factor on speeds at which a statistic of trips meets its limit, exactly.

A trip's time is a concave, piecewise linear function of the inverse factor: fixed seconds do not
scale, and routes are chosen anew. Newton's step along the route that decides now therefore comes to
the fixed point in a few steps; a bracket keeps it from leaping where the deciding trip changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WIDEST", "break_even"]

_MOST_STEPS = 60
#: Times the inverse factor is doubled, or halved, in search of a bracket: a million either way.
WIDEST = 20
_PRECISION = 1e-8


def break_even(
    value_at: Callable[[float], tuple[float, float]], limit: float, *, start: float = 1.0
) -> float | None:
    """Return the factor at which a value meets a limit; None where none does.

    Parameters
    ----------
    value_at
        Inverse factor -> the value, and its slope in the inverse factor. Must not fall.
    limit
        What the value is to meet.
    start
        Where to begin: a guess of the factor.

    Examples
    --------
    >>> break_even(lambda inverse: (10 + 80 * inverse, 80.0), 90)
    1.0
    >>> break_even(lambda inverse: (100 + inverse, 1.0), 90) is None
    True
    """
    low, high = 0.0, np.inf  # inverse factors whose value is within the limit, and beyond it
    here = 1 / start
    for _ in range(_MOST_STEPS):
        value, slope = value_at(here)
        if value <= limit:
            low = here
        else:
            high = here
        if here < 2.0**-WIDEST or here > 2.0**WIDEST:
            return None
        step = here + (limit - value) / slope if slope > 0 and np.isfinite(value) else np.nan
        if abs(step - here) <= _PRECISION * here:
            return 1 / step
        here = step if low < step < high else _halfway(low, high)
        if np.isfinite(high) and high - low <= _PRECISION * high:
            return 1 / here
    return None


def _halfway(low: float, high: float) -> float:
    """Return a point inside a bracket that may be open at either end."""
    if not np.isfinite(high):
        return max(low, 0.5) * 2
    return high / 2 if low == 0 else (low + high) / 2
