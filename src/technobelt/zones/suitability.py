"""Suitability: factors brought to 0 to 1 by their transfer functions, and their weighted sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.errors import LayerError, PointError
from technobelt.rasters import write_bands

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from technobelt.zone_rules import Transfer, ZoneRules
    from technobelt.zones.evidence import Evidence
    from technobelt.zones.ground import Ground

    Floats = NDArray[np.float64]

__all__ = ["Suitability", "suitability_of", "transferred"]

#: Weights whose sum is this near to one count as summing to one.
_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Suitability:
    """How suitable each cell is, and why.

    Attributes
    ----------
    ground
        The cells.
    weights
        By factor, summing to one.
    values, scores
        By factor, float64 (rows, columns): what was measured, and that from 0 to 1.
    score
        float64 (rows, columns): the weighted sum, NaN where a constraint bars the land or a
        factor is unknown.
    notes
        What was done that the rules do not say.
    """

    ground: Ground
    weights: dict[str, float]
    values: dict[str, Floats]
    scores: dict[str, Floats]
    score: Floats
    notes: list[str]

    def at(self, longitude: float, latitude: float) -> dict[str, Any]:
        """Return one cell's score, factor by factor.

        Parameters
        ----------
        longitude, latitude
            The place, degrees (WGS 84).

        Returns
        -------
        dict
            ``cluster``; ``score`` (None where there is none), ``barred`` (names of the constraints
            that bar it), ``factors``: name, ``value`` (None where unknown or out of reach),
            ``score``, ``weight``.

        Raises
        ------
        PointError
            The place lies in no cluster, or on land that the layer ``land`` does not know.
        """
        cell = self._cell(longitude, latitude)
        score = float(self.score[cell])
        barred = [name for name, mask in self.ground.barred.items() if mask[cell]]
        return {
            "cluster": self.ground.clusters[self.ground.number[cell]],
            "score": round(score, 4) if np.isfinite(score) else None,
            "barred": barred,
            "factors": [
                {
                    "factor": name,
                    "value": _finite(self.values[name][cell]),
                    # on barred land nothing is driven, so that minutes have no score there
                    "score": None if barred else _finite(self.scores[name][cell]),
                    "weight": round(weight, 4),
                }
                for name, weight in self.weights.items()
            ],
        }

    def _cell(self, longitude: float, latitude: float) -> tuple[int, int]:
        from pyproj import Transformer

        grid = self.ground.grid
        to_metres = Transformer.from_crs(4326, self.ground.crs, always_xy=True)
        x, y = to_metres.transform(longitude, latitude)
        if not (np.isfinite(x) and np.isfinite(y)):
            raise PointError(f"{longitude:g},{latitude:g} is no place on earth. Give LON,LAT.")
        column, row = int((x - grid.left) // grid.cell_m), int((grid.top - y) // grid.cell_m)
        inside = 0 <= row < grid.rows and 0 <= column < grid.columns
        if not inside or not self.ground.known[row, column]:
            raise PointError(
                f"{longitude:g},{latitude:g} lies on no land of a cluster. Give LON,LAT of a place "
                f"in {' or '.join(self.ground.clusters)}."
            )
        return row, column

    def write(self, path: str | Path) -> Path:
        """Write the score and that of each factor as bands of a cloud-optimised GeoTIFF.

        Parameters
        ----------
        path
            The ``.tif``, replaced whole or not at all.
        """
        bands = {"suitability": self.score}
        bands |= {f"score {name}": scores for name, scores in self.scores.items()}
        return write_bands(path, self.ground.grid, self.ground.crs, bands)


def _finite(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


def suitability_of(
    ground: Ground, rules: ZoneRules, evidence: Evidence, weights: Mapping[str, float] | None = None
) -> Suitability:
    """Score every cell.

    Parameters
    ----------
    ground
        The cells.
    rules
        With the transfer functions and weights.
    evidence
        What was measured.
    weights
        Instead of those of the rules; divided by their sum.

    Raises
    ------
    LayerError
        Not one cell of a cluster has a score.
    """
    share = _normalised(weights) if weights else rules.weights
    scores = {
        name: transferred(rule.transfer, evidence.values[name])
        for name, rule in rules.factors.items()
    }
    score = np.where(ground.usable, 0.0, np.nan)
    for name, weight in share.items():
        score += weight * scores[name]
    if not share:
        score[:] = np.nan
    notes = [] if weights else [*ground.notes, *_said_of_weights(rules)]
    if share:
        _need_scores(ground, score)
        notes += _said_of_unknown(ground, {name: scores[name] for name in share})
    return Suitability(ground, dict(share), evidence.values, scores, score, notes)


def transferred(transfer: Transfer, values: Floats) -> Floats:
    """Bring measures to scores from 0 to 1; unknown stays NaN, out of reach scores 0.

    Examples
    --------
    >>> from technobelt.zone_rules import Transfer
    >>> falling = Transfer(points=[(10, 1), (30, 0)])
    >>> transferred(falling, np.array([5.0, 15.0, np.inf, np.nan])).tolist()
    [1.0, 0.75, 0.0, nan]
    >>> transferred(Transfer(half=10), np.array([0.0, 20.0])).tolist()
    [1.0, 0.25]
    """
    if transfer.points:
        x, y = np.array(transfer.points).T
        scores = np.interp(values, x, y)
    elif transfer.half is not None:
        scores = np.exp2(-np.maximum(values, 0) / transfer.half)
    else:
        from scipy.special import expit

        middle, width = transfer.logistic
        scores = expit((values - middle) / width)
    return np.where(np.isnan(values), np.nan, np.where(np.isposinf(values), 0.0, scores))


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _said_of_weights(rules: ZoneRules) -> list[str]:
    total = sum(factor.weight for factor in rules.factors.values())
    if not rules.factors or abs(total - 1) < _SUM_TOLERANCE:
        return []
    told = ", ".join(f"{name} {weight:.3f}" for name, weight in rules.weights.items())
    return [f"The weights of [zones.factors] sum to {total:g}; divided by that: {told}."]


def _need_scores(ground: Ground, score: Floats) -> None:
    for number, cluster in enumerate(ground.clusters):
        mine = ground.usable & (ground.number == number)
        if mine.any() and not np.isfinite(score[mine]).any():
            raise LayerError(
                f"not one cell of cluster '{cluster}' has a score: where one factor of [zones] is "
                "known, another is not. Extend their rasters, or take one out."
            )


def _said_of_unknown(ground: Ground, scores: Mapping[str, Floats]) -> list[str]:
    usable = ground.usable
    notes = []
    for name, score in scores.items():
        unknown = np.isnan(score[usable]).mean() if usable.any() else 0.0
        if unknown:
            notes.append(
                f"Factor {name} has no data on {unknown:.1%} of the usable land: no score there."
            )
    return notes
