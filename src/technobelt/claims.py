"""Claims -> verdicts: what a plan says, put to the test.

A verdict is one of three: ``holds``, ``fails``, ``undecided``. Speeds are believed to lie in a
stated range, so a travel-time reading holds only if it does at the slow end of every range, and
fails only if it does at the fast end; in between the data cannot decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.claim_kinds import (
    AreaClaim,
    CompositionClaim,
    CountClaim,
    Selection,
    TravelTimeClaim,
)
from technobelt.errors import ClaimError
from technobelt.isochrone import areas_km2
from technobelt.layers import select
from technobelt.readings import Readings, read_travel_times

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from technobelt.claim_kinds import AnyClaim
    from technobelt.network.model import Network
    from technobelt.region import Region

__all__ = ["Verdicts", "check_claims", "sentence"]


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The verdicts of one region on one network.

    Attributes
    ----------
    region
        The region's id.
    as_of
        Date of the roads that the times are for.
    network
        ``file``, ``hash`` and ``date`` of the network.
    claims
        One dictionary a claim, as in ``claims.json``.
    pairs
        Every pair of places of the first travel-time claim in its own profile: ``from_id``,
        ``to_id``, ``from_name``, ``to_name``, ``from_clus``, ``to_clus``, ``time_min``,
        ``length_km``, ``margin_min``, ``status``.
    routes
        The worst of these pairs with the way driven, WGS 84.
    """

    region: str
    as_of: str
    network: dict[str, str]
    claims: list[dict[str, Any]]
    pairs: pd.DataFrame = field(default_factory=pd.DataFrame)
    routes: gpd.GeoDataFrame | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``claims.json`` holds."""
        return {
            "region": self.region,
            "as_of": self.as_of,
            "network": self.network,
            "claims": self.claims,
        }

    def table(self) -> pd.DataFrame:
        """Return one row a claim: ``claim``, ``verdict``, ``observed``, ``expected``, ``unit``."""
        rows = []
        for claim in self.claims:
            timed = claim["kind"] == "travel_time"
            rows.append(
                {
                    "claim": claim["id"],
                    "verdict": claim["verdict"],
                    "observed": claim["observed_min"] if timed else claim["observed"],
                    "expected": claim["limit_min"] if timed else claim["expected"],
                    "unit": "min" if timed else claim["unit"],
                }
            )
        return pd.DataFrame(rows)


def check_claims(
    region: Region,
    network: Network,
    *,
    as_of: str | None = None,
    profile: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Verdicts:
    """Put every claim of a region to the test.

    Parameters
    ----------
    region
        With its claims and layers.
    network
        The roads.
    as_of
        Judge by the roads open on this date (ISO); the network's own date by default.
    profile
        Speed profile of the primary reading, instead of the one that each claim names.
    progress
        Called with each claim's id before it is tested.

    Returns
    -------
    Verdicts
        In the order of ``region.toml``.

    Raises
    ------
    ClaimError
        A claim cannot be tested as it is stated: a cluster without a place, an unknown hub.
    NetworkError
        `as_of` is no date, beyond the network's own, or the roads have no dates.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> verdicts = tb.check_claims(region, tb.load_network(region))
    >>> verdicts.claims[0]["id"], verdicts.claims[0]["limit_min"]
    ('ninety-minutes', 90.0)
    """
    roads = network.to_crs(region.crs)
    roads = roads.as_of(as_of) if as_of else roads
    results: list[dict[str, Any]] = []
    shown: Readings | None = None
    for claim in region.claims:
        if progress is not None:
            progress(claim.id)
        if isinstance(claim, TravelTimeClaim):
            readings = read_travel_times(region, roads, claim, profile=profile, as_of=as_of)
            shown = shown or readings
            results.append(_head(claim) | readings.result)
        else:
            results.append(_head(claim) | _attribute_verdict(region, claim))
    info = network.info
    return Verdicts(
        region=region.id,
        as_of=as_of or info.as_of or info.date,
        network={"file": info.file, "hash": info.hash, "date": info.date},
        claims=results,
        pairs=shown.pairs if shown else pd.DataFrame(),
        routes=shown.routes if shown else None,
    )


def _head(claim: AnyClaim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "statement": claim.statement,
        "source": claim.source,
        "kind": claim.kind,
    }


def _attribute_verdict(region: Region, claim: AnyClaim) -> dict[str, Any]:
    if isinstance(claim, CompositionClaim):
        return _composition(region, claim)
    if isinstance(claim, CountClaim):
        return _count(region, claim)
    if isinstance(claim, AreaClaim):
        return _area(region, claim)
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
    places = pd.concat([select(region, selection) for selection in selections])
    if "existed_1999" not in places:
        return []
    planned = places[places["existed_1999"] == "planned"]
    if planned.empty:
        return []
    return [f"{len(planned)} of {len(places)} places counted were planned in 1999, not yet open."]


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
        observed = float(areas_km2(places).sum())
        notes = ["Areas of generalised outlines, on the ellipsoid."]
        return _compared(observed, claim.expected, claim.tolerance) | {
            "unit": claim.unit,
            "notes": notes,
        }
    return _published_area(places, claim)


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


def _compared(observed: float, expected: float, tolerance: float) -> dict[str, Any]:
    return {
        "verdict": "holds" if abs(observed - expected) <= tolerance else "fails",
        "observed": round(observed, 3),
        "expected": expected,
        "tolerance": tolerance,
    }


def sentence(claim: dict[str, Any]) -> str:
    """Say one entry of ``claims.json`` in a plain sentence.

    Examples
    --------
    >>> sentence({"kind": "count", "observed": 6.0, "expected": 6.0, "unit": "complexes"})
    'Found 6 complexes; the plan says 6.'
    """
    if claim["kind"] != "travel_time":
        return _counted_sentence(claim)
    between = " to ".join(claim.get("between") or ["cluster", "cluster"])
    if claim["observed_min"] is None:
        return f"The median trip {between} has no way on open roads."
    low, high = claim["range_min"]
    text = (
        f"The median trip {between} takes {claim['observed_min']:.0f} min in the profile "
        f"'{claim['profile']}', {low:.0f} to {high:.0f} min within the stated ranges of speed; "
        f"the limit is {claim['limit_min']:g} min."
        if high is not None
        else f"The median trip {between} takes {claim['observed_min']:.0f} min."
    )
    factor = claim["break_even_factor"]
    if factor is None:
        return text
    turn = "within" if factor > 1 else "over"
    return f"{text} It comes {turn} the limit if all driving speeds are multiplied by {factor:.2f}."


def _counted_sentence(claim: dict[str, Any]) -> str:
    found = f"{claim['observed']:,.10g}"
    if "observed_range" in claim and claim["observed_range"][0] != claim["observed_range"][1]:
        found = " to ".join(f"{value:,.10g}" for value in claim["observed_range"])
    return f"Found {found} {claim['unit']}; the plan says {claim['expected']:,.10g}."
