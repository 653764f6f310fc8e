"""What ``region.toml`` says of a siting question: demand, candidates, how many, by what aim."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from technobelt.claim_kinds import Selection, Strict, fault

__all__ = ["Direction", "ExistingAre", "NamedSites", "Objective", "SitingRules"]

#: Least weighted mean of the minutes; least longest trip; most weight within some minutes.
Objective = Literal["p_median", "p_centre", "max_cover"]
#: From the demand to its site, back, or the mean of both ways: half of the round trip.
Direction = Literal["to_site", "from_site", "round_trip"]
#: Existing sites stay and count in p, or are candidates like others.
ExistingAre = Literal["kept", "free"]


class NamedSites(Strict):
    """A set of places to compare with the best of the same number: a plan, or what was built."""

    ids: list[str] = Field(min_length=1)
    title: str = ""
    source: str

    @model_validator(mode="after")
    def _each_once(self) -> NamedSites:
        twice = [place for number, place in enumerate(self.ids) if place in self.ids[:number]]
        if twice:
            raise fault(f"names {twice[0]!r} twice. Name each place once", "ids")
        return self


class SitingRules(Strict):
    """Where `p` sites should stand so that the demand is served best.

    `weight` is the column by which demand counts, one a place without it; `weight_missing` stands
    in where it is empty. Places of weight zero do not count; the longest trip of ``p_centre`` is
    over all others alike. Sites of `existing` are kept (open in any case, and counted in `p`) or
    ``free`` (candidates like others); without `existing` nothing that stands counts. `within_min`
    is the reach of ``max_cover``, in minutes of `direction`; those of a ``round_trip`` are the mean
    of both ways.
    """

    title: str
    source: str
    note: str = ""
    p: PositiveInt
    objective: Objective = "p_median"
    demand: Selection
    weight: str | None = None
    weight_missing: NonNegativeFloat | None = None
    candidates: Selection
    existing: Selection | None = None
    existing_are: ExistingAre = "kept"
    direction: Direction = "round_trip"
    profile: str = "typical"
    within_min: PositiveFloat | None = None
    compare: dict[str, NamedSites] = {}

    @model_validator(mode="after")
    def _reach_of_cover(self) -> SitingRules:
        if self.objective == "max_cover" and self.within_min is None:
            raise fault(
                "'max_cover' needs within_min, the minutes within which it counts", "objective"
            )
        return self
