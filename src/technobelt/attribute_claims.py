"""Claims that the layers' own columns and outlines decide: composition, counts, areas, figures.

Each function takes a claim and returns what `claims.json` says of it beside its head.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.claim_kinds import (
    AreaClaim,
    CompositionClaim,
    CountClaim,
    FigureClaim,
    UndecidableClaim,
)
from technobelt.counting import counted
from technobelt.errors import ClaimError
from technobelt.isochrone import areas_km2
from technobelt.layers import select

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

    from technobelt.claim_kinds import AnyClaim, Selection
    from technobelt.region import Region

__all__ = ["attribute_verdict", "last_digit", "years"]


def attribute_verdict(region: Region, claim: AnyClaim) -> dict[str, Any]:
    """Put a claim to the test that needs no road.

    Parameters
    ----------
    region
        Its layers.
    claim
        Of any kind but ``travel_time`` and ``proximity``.

    Raises
    ------
    ClaimError
        No row, or not one row, fits what the claim is about.
    """
    if isinstance(claim, CompositionClaim):
        return _composition(region, claim)
    if isinstance(claim, CountClaim):
        return _count(region, claim)
    if isinstance(claim, AreaClaim):
        return _area(region, claim)
    if isinstance(claim, FigureClaim):
        return _figure(region, claim)
    if isinstance(claim, UndecidableClaim):
        return {"verdict": "undecided", "notes": [claim.reason]}
    raise ClaimError(
        f"claim '{claim.id}' has the kind '{claim.kind}', which cannot be tested here."
    )


def _composition(region: Region, claim: CompositionClaim) -> dict[str, Any]:
    found = {
        part: select(region, selection, needs=["cluster"])["cluster"].value_counts().to_dict()
        for part, selection in claim.parts.items()
    }
    counts = {
        cluster: {part: int(found[part].get(cluster, 0)) for part in claim.parts}
        for cluster in region.clusters
    }
    lacking = [
        f"{cluster} has no {part.replace('_', ' ')}"
        for cluster, parts in counts.items()
        for part, number in parts.items()
        if number < claim.at_least
    ]
    whole = sum(min(parts.values()) >= claim.at_least for parts in counts.values())
    return {
        "verdict": "fails" if lacking else "holds",
        "observed": whole,
        "expected": len(counts),
        "unit": "clusters",
        "counts": counts,
        "counterexamples": lacking,
        "notes": _planned_notes(region, list(claim.parts.values())),
    }


def _planned_notes(region: Region, selections: list[Selection]) -> list[str]:
    chosen = [select(region, selection) for selection in selections]
    places = pd.concat([frame.drop(columns=frame.geometry.name) for frame in chosen])
    if "existed_1999" not in places:
        return []
    planned = places[places["existed_1999"] == "planned"]
    if planned.empty:
        return []
    were = "was" if len(planned) == 1 else "were"
    of = counted(len(places), "place")
    return [f"{len(planned)} of {of} counted {were} planned in 1999, not yet open."]


def _count(region: Region, claim: CountClaim) -> dict[str, Any]:
    places = select(region, claim.what)
    return _compared(float(len(places)), claim.expected, claim.tolerance) | {
        "unit": claim.unit,
        "counted": places.index.astype(str).tolist(),
        "notes": [],
    }


def _area(region: Region, claim: AreaClaim) -> dict[str, Any]:
    places = select(region, claim.what, needs=["area_km2"] if claim.measure == "column" else [])
    if places.empty:
        raise ClaimError(f"claim '{claim.id}': no row fits [claims.what]. Correct its 'where'.")
    if claim.measure == "outline":
        _need_borders(places, claim)
        observed = float(areas_km2(places).sum())
        notes = ["Areas of generalised outlines, on the ellipsoid."]
        return _compared(observed, claim.expected, claim.tolerance) | {
            "unit": claim.unit,
            "notes": notes,
        }
    return _published_area(places, claim)


def _need_borders(places: gpd.GeoDataFrame, claim: AreaClaim) -> None:
    """Refuse to measure what is no border: points, and discs of a published area."""
    kinds = places["outline"] if "outline" in places else pd.Series("", places.index)
    unknown = places.index[
        (kinds == "disc") | (places.geom_type == "Point") | places.geometry.isna()
    ]
    if len(unknown):
        raise ClaimError(
            f"claim '{claim.id}' measures outlines, but of {unknown[0]} no border is known. "
            "Leave it out of [claims.what], or measure the column."
        )


def _published_area(places: gpd.GeoDataFrame, claim: AreaClaim) -> dict[str, Any]:
    """Compare the sum of published areas; where several are published, its whole range.

    Where none is published for a place, the sum may be as large as it likes.
    """
    low = places["area_km2"].astype(float)
    high = places["area_max"].astype(float).fillna(low) if "area_max" in places else low
    notes = []
    if low.isna().any():
        notes.append(f"No area is published for {', '.join(places.index[low.isna()].astype(str))}.")
    result = _compared(float(low.sum()), claim.expected, claim.tolerance)
    if (high > low).any():
        several = ", ".join(places.index[high > low].astype(str))
        notes.append(
            f"More than one area is published for {several}: {low.sum():.1f} to "
            f"{high.sum():.1f} km2 in all."
        )
    largest = np.inf if low.isna().any() else high.sum()
    fits = [abs(total - claim.expected) <= claim.tolerance for total in (low.sum(), largest)]
    beyond = largest < claim.expected or low.sum() > claim.expected
    if not all(fits):
        result["verdict"] = "fails" if beyond and not any(fits) else "undecided"
    return result | {
        "unit": claim.unit,
        "observed_range": [round(float(low.sum()), 3), round(float(high.sum()), 3)],
        "counted": places.index.astype(str).tolist(),
        "notes": notes,
    }


#: Sums of decimal figures miss the decimal result by less than this.
_ROUNDING = 1e-9


def _compared(observed: float, expected: float, tolerance: float) -> dict[str, Any]:
    return {
        "verdict": "holds" if abs(observed - expected) <= tolerance + _ROUNDING else "fails",
        "observed": round(observed, 3),
        "expected": expected,
        "tolerance": tolerance,
    }


_NO_WHOLE = "The whole is 0, of which nothing is a share."


def _figure(region: Region, claim: FigureClaim) -> dict[str, Any]:
    """Compare one figure of a table, a sum, or a share."""
    total, bare = _summed(region, claim, claim.what)
    whole = 1.0
    if claim.of is not None:
        whole, bare_too = _summed(region, claim, claim.of)
        total, bare = total / whole * 100 if whole else np.nan, bare + bare_too
    if bare or not whole:
        why = f"No figure in '{claim.column}' for {', '.join(bare)}." if bare else _NO_WHOLE
        return {
            "verdict": "undecided",
            "observed": None,
            "expected": claim.expected,
            "unit": claim.unit,
            "notes": [why],
        }
    tolerance = last_digit(claim.expected) / 2 if claim.tolerance is None else claim.tolerance
    return _compared(total, claim.expected, tolerance) | {"unit": claim.unit, "notes": []}


def _summed(region: Region, claim: FigureClaim, what: Selection) -> tuple[float, list[str]]:
    """Return the sum of a column over some rows, and the rows that have no figure."""
    rows = select(region, what, needs=[claim.column])
    if rows.empty or (claim.statistic == "value" and len(rows) != 1):
        need = "one row" if claim.statistic == "value" else "a row"
        raise ClaimError(
            f"claim '{claim.id}' needs {need} that fits its selection; found {len(rows)}. "
            "Correct its 'where'."
        )
    figures = pd.to_numeric(rows[claim.column], errors="coerce")
    return float(figures.sum()), rows.index[figures.isna().to_numpy()].astype(str).tolist()


def last_digit(number: float) -> float:
    """Return what one step of a number's last stated digit is worth, 1 or less.

    Noughts at the end of a whole number count as stated: a claim that rounds says so by its
    tolerance.

    Examples
    --------
    >>> last_digit(4.3), last_digit(3218.0), last_digit(11300.0)
    (0.1, 1.0, 1.0)
    """
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    return float(10.0 ** min(int(exponent), 0))


def years(claim: Mapping[str, Any]) -> tuple[str, str]:
    """Say the year that was found and the year that is claimed; of several the first and the last.

    Parameters
    ----------
    claim
        One entry of ``claims.json`` whose unit is ``year``: what is claimed is any year within
        ``tolerance`` of ``expected``.

    Examples
    --------
    >>> years({"observed": 1977.0, "expected": 1981.5, "tolerance": 1.5})
    ('1977', '1980 to 1983')
    """
    low, high = claim.get("observed_range") or (claim["observed"],) * 2
    give = claim.get("tolerance") or 0.0
    return _whole_years(low, high), _whole_years(claim["expected"] - give, claim["expected"] + give)


def _whole_years(first: float, last: float) -> str:
    whole = range(math.ceil(first), math.floor(last) + 1)
    if len(whole) > 1:
        return f"{whole[0]} to {whole[-1]}"
    return str(whole[0]) if whole else f"{(first + last) / 2:g}"
