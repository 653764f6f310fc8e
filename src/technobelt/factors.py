"""The factors on speeds at which the readings of a travel-time claim turn.

All readings of the same trips share what was found for one factor: the times there, and how they
change, bound the times for every other factor from above, because a trip's time is concave in the
inverse factor. The next factor to try is where that bound meets the limit; what is tried last is
exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.break_even import WIDEST, break_even
from technobelt.measures import MEASURES, PRIMARY
from technobelt.network.speeds import Costs, arc_costs
from technobelt.travel_time import Model, measuring
from technobelt.trips import Trips, trip_minutes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.cases import Case
    from technobelt.measures import Measure

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["add_factors", "corridor_factor"]

#: Seconds are resolved to this: finer than a millionth of any trip.
_FINE_S = 1e-5
#: The seconds driven ride in a fraction of that (see `technobelt.routing.graph`): in hundredths
#: they come back to a few thousandths. A bound allows for more than that.
_PARTS, _ALLOWANCE_MIN = 100.0, 0.02 / 60
_MOST_STEPS = 40
_PRECISION = 2e-8


def add_factors(case: Case, readings: list[dict[str, Any]]) -> None:
    """Add to readings the factor on all driving speeds at which each turns, if one does."""
    everywhere = _Scaled(case, np.ones(len(case.network.roads), dtype=bool))
    known: dict[str, _Tangents] = {}
    for reading in readings:
        measure = MEASURES[reading["reading"]]
        trips = case.trips[measure.trips]
        tangents = known.setdefault(measure.trips, _Tangents(everywhere, trips))
        reading["break_even_factor"] = _turn(tangents, measure, case.limit)


def corridor_factor(case: Case) -> float | None:
    """Return the factor on the corridor's speeds alone at which the primary reading turns."""
    if not case.corridor.any():
        return None
    return _turn(
        _Tangents(_Scaled(case, case.corridor), case.members), MEASURES[PRIMARY], case.limit
    )


@dataclass(frozen=True, eq=False)
class _Scaled:
    """A network some of whose speeds are multiplied by a factor."""

    case: Case
    sections: Mask

    @cached_property
    def costs(self) -> Costs:
        return arc_costs(self.case.network, self.case.speeds)

    @cached_property
    def arcs(self) -> Mask:
        return np.asarray(self.sections[self.case.network.arc_section])

    @cached_property
    def unchanged(self) -> Model:
        """The model of the factor 1, which all begin with."""
        return self._model(1.0)

    def at(self, inverse: float) -> Model:
        """Return the model whose measure is the parts of seconds that the factor bears on."""
        return self.unchanged if inverse == 1.0 else self._model(inverse)

    def _model(self, inverse: float) -> Model:
        drive_s = self.costs.drive_s
        driven = np.where(self.arcs & np.isfinite(drive_s), drive_s * _PARTS, 0.0)
        now = self.costs.with_drive(np.where(self.arcs, drive_s * inverse, drive_s))
        return measuring(self.case.network, now, driven, step=_FINE_S)


@dataclass(frozen=True, eq=False)
class _Tangents:
    """What is known of trips' minutes as functions of the inverse factor."""

    scaled: _Scaled
    trips: Trips
    touched: list[tuple[float, Floats, Floats]] = field(default_factory=list)

    def touch(self, inverse: float) -> None:
        """Find minutes and slopes for an inverse factor, exactly."""
        minutes, parts = trip_minutes(self.scaled.at(inverse), self.trips)
        slopes = np.where(np.isfinite(parts), parts / (60 * _PARTS), 0.0)
        self.touched.append((inverse, minutes, slopes))

    def bound(self, inverse: float) -> tuple[Floats, Floats]:
        """Return the most that minutes can be for an inverse factor, and their slopes there."""
        lines = [
            minutes + slopes * (inverse - at) + _ALLOWANCE_MIN * abs(inverse - at)
            for at, minutes, slopes in self.touched
        ]
        least, slope = lines[0], self.touched[0][2]
        for line, (_, _, slopes) in zip(lines[1:], self.touched[1:], strict=True):
            lower = line < least
            least, slope = np.where(lower, line, least), np.where(lower, slopes, slope)
        return least, slope


def _turn(tangents: _Tangents, measure: Measure, limit: float) -> float | None:
    """Return the factor at which a reading turns."""

    def value_at(inverse: float) -> tuple[float, float]:
        minutes, slopes = tangents.bound(inverse)
        found = measure.statistic(minutes, tangents.trips)
        return found.minutes, float(slopes[found.row, found.column].mean()) if found.row else 0.0

    if not tangents.touched:
        tangents.touch(1.0)
    inverse, least = 1.0, 2.0**-WIDEST
    for _ in range(_MOST_STEPS):
        factor = break_even(value_at, limit, start=1 / inverse)
        if factor is None:
            beyond = value_at(least)[0] > limit
            if not beyond or any(at == least for at, _, _ in tangents.touched):
                return None
            tangents.touch(least)  # the bound may be beyond the limit where the times are not
            continue
        if abs(1 / factor - inverse) * factor <= _PRECISION and _touched(tangents, inverse):
            return float(f"{factor:.9g}")
        inverse = 1 / factor
        tangents.touch(inverse)
    return None


def _touched(tangents: _Tangents, inverse: float) -> bool:
    return any(at == inverse for at, _, _ in tangents.touched)
