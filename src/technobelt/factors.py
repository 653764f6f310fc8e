"""The factors on speeds at which the readings of a travel-time claim turn.

All readings of the same trips share what was found for one factor: the times there, and how they
change, bound the times for every other factor from above, because a trip's time is concave in the
inverse factor. The next factor to try is where that bound meets the limit; what is tried last is
exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from technobelt.break_even import WIDEST, break_even
from technobelt.measures import MEASURES
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
#: The seconds driven ride in a fraction of that (see `technobelt.routing.graph`), in hundredths:
#: exactly on ways of up to 11 minutes; on longer ones each road adds up to half a hundredth of
#: rounding, a two-thousandth of a trip over hundreds of roads. A bound allows for twice that.
_PARTS, _ALLOWANCE = 100.0, 1e-3
_MOST_STEPS = 40
_PRECISION = 2e-8
#: Digits of a factor: beyond them engines may differ, by the order in which they add seconds.
_DIGITS = 7


class Turn(NamedTuple):
    """The factor at which a reading turns, or why there is none."""

    factor: float | None
    why_none: str = ""


def add_factors(case: Case, readings: list[dict[str, Any]]) -> None:
    """Add to readings the factor on all driving speeds at which each turns, or why none does."""
    everywhere = _Scaled(case, np.ones(len(case.network.roads), dtype=bool))
    known: dict[str, _Tangents] = {}
    for reading in readings:
        measure = MEASURES[reading["reading"]]
        trips = case.trips[measure.trips]
        tangents = known.setdefault(measure.trips, _Tangents(everywhere, trips))
        turn = _turn(tangents, measure, case.limit)
        reading["break_even_factor"] = turn.factor
        if turn.factor is None:
            reading["break_even_none"] = turn.why_none


def corridor_factor(case: Case) -> Turn:
    """Return the factor on the corridor's speeds alone at which the primary reading turns."""
    if not case.claim.corridor:
        return Turn(None, "the claim is not about the corridor")
    if not case.corridor.any():
        return Turn(None, "no open road makes up the corridor")
    tangents = _Tangents(_Scaled(case, case.corridor), case.trips[case.primary.trips])
    return _turn(tangents, case.primary, case.limit)


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

    def known_at(self, inverse: float) -> bool:
        """Tell whether an inverse factor has been tried."""
        return any(at == inverse for at, _, _ in self.touched)

    def bound(self, inverse: float) -> tuple[Floats, Floats]:
        """Return the most that minutes can be for an inverse factor, and their slopes there."""
        lines = [
            minutes + slopes * (inverse - at + _ALLOWANCE * abs(inverse - at))
            for at, minutes, slopes in self.touched
        ]
        least, slope = lines[0], self.touched[0][2]
        for line, (_, _, slopes) in zip(lines[1:], self.touched[1:], strict=True):
            lower = line < least
            least, slope = np.where(lower, line, least), np.where(lower, slopes, slope)
        return least, slope


def _turn(tangents: _Tangents, measure: Measure, limit: float) -> Turn:
    """Return the factor at which a reading turns."""

    def value_at(inverse: float) -> tuple[float, float]:
        minutes, slopes = tangents.bound(inverse)
        found = measure.statistic(minutes, tangents.trips)
        return found.minutes, float(slopes[found.row, found.column].mean()) if found.row else 0.0

    if not tangents.known_at(1.0):
        tangents.touch(1.0)
    inverse, least = 1.0, 2.0**-WIDEST
    for _ in range(_MOST_STEPS):
        factor = break_even(value_at, limit, start=1 / inverse)
        if factor is None:
            shortest = value_at(least)[0]
            if shortest <= limit:
                return Turn(None, "within the limit however slowly these roads are driven")
            if tangents.known_at(least):
                return Turn(None, _why_never(shortest))
            tangents.touch(least)  # the bound may be beyond the limit where the times are not
            continue
        if abs(1 / factor - inverse) * factor <= _PRECISION and tangents.known_at(inverse):
            return Turn(float(f"{factor:.{_DIGITS}g}"))
        inverse = 1 / factor
        tangents.touch(inverse)
    return Turn(None, f"not found in {_MOST_STEPS} steps")


def _why_never(shortest: float) -> str:
    if not np.isfinite(shortest):
        return "there is no way"
    return "beyond the limit however fast these roads are driven"
