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

from technobelt.attribute_claims import attribute_verdict, years
from technobelt.cases import Basis
from technobelt.claim_kinds import ProximityClaim, TravelTimeClaim
from technobelt.counting import unit_of
from technobelt.measures import MEASURES
from technobelt.proximity import proximity_verdict
from technobelt.sampling import need_uncertainty
from technobelt.travel_claims import Readings, read_travel_times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import geopandas as gpd

    from technobelt.claim_kinds import AnyClaim
    from technobelt.network.model import Network
    from technobelt.region import Region

__all__ = ["THRESHOLDS", "Verdicts", "check_claims", "sentence"]

#: Limits of the threshold curve, minutes.
THRESHOLDS = tuple(float(limit) for limit in range(30, 151))


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
        ``length_km``, ``margin_min``, ``status``, and of the quickest way ``corr_min`` and
        ``corr_share``: minutes on the corridor, and their share. With draws ``p_within``: the
        share of them in which the trip is within the limit.
    routes
        The worst of these pairs with the way driven, WGS 84.
    scenario
        Id of the scenario under which they are, if any.
    comparison
        What `compare_claims` found beside it, if anything, as ``claims.json`` holds it.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> verdicts = tb.check_claims(region, tb.load_network(region))
    >>> verdicts.table().iloc[0][["claim", "verdict", "unit"]].tolist()
    ['ninety-minutes', 'undecided', 'min']
    """

    region: str
    as_of: str
    network: dict[str, str]
    claims: list[dict[str, Any]]
    pairs: pd.DataFrame = field(default_factory=pd.DataFrame)
    routes: gpd.GeoDataFrame | None = None
    scenario: str = ""
    comparison: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``claims.json`` holds.

        Returns
        -------
        dict
            Plain data; no NaN, None with a ``status``.
        """
        return {
            "region": self.region,
            "as_of": self.as_of,
            "network": self.network,
            "claims": self.claims,
            **({"scenario": self.scenario} if self.scenario else {}),
            **({"comparison": self.comparison} if self.comparison else {}),
        }

    def thresholds(self, minutes: Sequence[float] = THRESHOLDS) -> pd.DataFrame:
        """Return the share of pairs within each of some limits: a single limit hides the spread.

        Parameters
        ----------
        minutes
            The limits; 30 to 150 by default.

        Returns
        -------
        pandas.DataFrame
            ``minutes``, ``share`` (0 to 1, of all pairs; those without a way are within none).

        Examples
        --------
        >>> pairs = pd.DataFrame({"time_min": [40.0, 95.0, float("nan")]})
        >>> Verdicts("r", "", {}, [], pairs).thresholds([60, 120])["share"].round(2).tolist()
        [0.33, 0.67]
        """
        limits = np.asarray(minutes, dtype=float)
        if self.pairs.empty:
            return pd.DataFrame({"minutes": limits, "share": np.nan})
        times = np.sort(self.pairs["time_min"].fillna(np.inf).to_numpy())
        within = np.searchsorted(times, limits, side="right") / len(times)
        return pd.DataFrame({"minutes": limits, "share": within})

    def table(self) -> pd.DataFrame:
        """Return one row a claim.

        Returns
        -------
        pandas.DataFrame
            ``claim``, ``verdict``, ``observed``, ``expected``, ``unit``.
        """
        rows = []
        for claim in self.claims:
            timed = claim["kind"] == "travel_time"
            rows.append(
                {
                    "claim": claim["id"],
                    "verdict": claim["verdict"],
                    "observed": claim["observed_min"] if timed else claim.get("observed"),
                    "expected": claim["limit_min"] if timed else claim.get("expected"),
                    "unit": "min" if timed else claim.get("unit", ""),
                }
            )
        return pd.DataFrame(rows)


def check_claims(
    region: Region,
    network: Network,
    *,
    as_of: str | None = None,
    members_as_of: str | None = None,
    profile: str | None = None,
    draws: int = 0,
    seed: int = 1999,
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
    members_as_of
        Judge the trips between the places that had opened by this date (ISO), instead of those that
        each claim's rule takes. Roads are those of `as_of` all the same.
    profile
        Speed profile of the primary reading, instead of the one that each claim names.
    draws, seed
        Random draws of speeds for travel-time claims, if the region states ``[uncertainty]``: how
        many, and which.
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
    if draws:
        need_uncertainty(region)
    roads = network.to_crs(region.crs)
    roads = roads.as_of(as_of) if as_of else roads
    basis = Basis(profile, as_of, members_as_of, draws, seed)
    results: list[dict[str, Any]] = []
    shown: Readings | None = None
    for claim in region.claims:
        if progress is not None:
            progress(claim.id)
        if isinstance(claim, TravelTimeClaim):
            readings = read_travel_times(region, roads, claim, basis, progress=progress)
            shown = shown or readings
            results.append(_head(claim) | readings.result)
        elif isinstance(claim, ProximityClaim):
            found = proximity_verdict(region, roads, claim, as_of=as_of)
            results.append(_with_note(_head(claim) | found, claim))
        else:
            results.append(_with_note(_head(claim) | attribute_verdict(region, claim), claim))
    info = network.info
    return Verdicts(
        region=region.id,
        as_of=as_of or info.as_of or info.date,
        network={"file": info.file, "hash": info.hash, "date": info.date},
        claims=results,
        pairs=shown.pairs if shown else pd.DataFrame(),
        routes=shown.routes if shown else None,
        scenario=roads.info.scenario,
    )


def _with_note(result: dict[str, Any], claim: AnyClaim) -> dict[str, Any]:
    return result | {"notes": [*result["notes"], *([claim.note] if claim.note else [])]}


def _head(claim: AnyClaim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "statement": claim.statement,
        "source": claim.source,
        "kind": claim.kind,
    }


def sentence(claim: dict[str, Any]) -> str:
    """Say one entry of ``claims.json`` in a plain sentence.

    Examples
    --------
    >>> sentence({"kind": "count", "observed": 6.0, "expected": 6.0, "unit": "complexes"})
    'Found 6 complexes; the plan says 6.'
    """
    if claim.get("observed", claim.get("observed_min")) is None and claim["kind"] != "travel_time":
        return " ".join(claim["notes"])
    if claim["kind"] != "travel_time":
        return _counted_sentence(claim)
    between = claim.get("between") or ["cluster", "cluster"]
    subject = f"{MEASURES[claim['reading']].subject} from {' to '.join(between)}"
    if claim["observed_min"] is None:
        return f"{subject} has no way on open roads."
    takes = f"{subject} takes {claim['observed_min']:.0f} min{_ranged(claim)}."
    return f"{takes}{_turned(claim)}{_drawn(claim)}{_without(claim)}"


def _ranged(claim: dict[str, Any]) -> str:
    """Say the range and the limit, where the slow end has a way at all."""
    low, high = claim["range_min"]
    if high is None:
        return ""
    return (
        f" in the profile '{claim['profile']}', {low:.0f} to {high:.0f} min within the stated "
        f"ranges of speed; the limit is {claim['limit_min']:g} min"
    )


def _turned(claim: dict[str, Any]) -> str:
    """Say which speeds would turn the verdict, where any would."""
    factor, alone = claim["break_even_factor"], claim.get("break_even_corridor")
    if factor is None:
        why = claim.get("break_even_none")
        return f" No factor on all driving speeds turns it: {why}." if why else ""
    turn = "within" if factor > 1 else "over"
    corridor = f", or the corridor alone by {alone:.3f}" if alone else ""
    return (
        f" It comes {turn} the limit if all driving speeds are multiplied by {factor:.3f}"
        f"{corridor}."
    )


def _drawn(claim: dict[str, Any]) -> str:
    """Say how often the trip is within the limit if speeds are drawn at random."""
    told = claim.get("draws")
    if not told:
        return ""
    error = f", give or take {2 * told['sampling_error']:.0%}" if told["sampling_error"] else ""
    return f" In {told['p_within']:.0%} of {told['n']} random draws it is within the limit{error}."


def _without(claim: dict[str, Any]) -> str:
    """Say what the trip takes without the corridor."""
    told = claim.get("attribution")
    if not told or not told["pairs_on_it"]:
        return ""
    minutes = told["without_min"]
    takes = "there is no way" if minutes is None else f"it takes {minutes:.0f} min"
    return f" Without the corridor {takes} ({told['verdict']})."


def _counted_sentence(claim: dict[str, Any]) -> str:
    low, high = claim.get("observed_range", (claim["observed"],) * 2)
    if claim["unit"] == "year":
        found, says = years(claim)
        the = "the year" if low == high else "a year from"
        return f"Found {the} {found}; the plan says {says}."
    found = f"{low:,.10g} to {high:,.10g}" if low != high else f"{claim['observed']:,.10g}"
    unit = unit_of(claim["observed"] if low == high else high, claim["unit"])
    return f"Found {found} {unit}; the plan says {claim['expected']:,.10g}."
