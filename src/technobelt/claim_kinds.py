"""What a plan can claim, as data: one kind a class, each with its sentence and its source.

A planner writes a claim into ``region.toml``; a key that a kind does not know is refused there.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)
from pydantic_core import PydanticCustomError

from technobelt.schema import LAYERS

__all__ = [
    "TO_OTHERS",
    "AnyClaim",
    "AreaClaim",
    "CompositionClaim",
    "CountClaim",
    "FigureClaim",
    "ProximityClaim",
    "ReadingName",
    "Selection",
    "Strict",
    "TravelTimeClaim",
    "UndecidableClaim",
    "fault",
]


def fault(what: str, *at: str | int) -> PydanticCustomError:
    """Make a fault that knows the keys, from where it is raised, that lead to its place."""
    return PydanticCustomError("said", "{what}", {"what": what, "at": at})


class Strict(BaseModel):
    """A frozen model that refuses keys it does not know, and numbers that are none."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Selection(Strict):
    """Rows of one or more layers: `where` lists the values allowed in each column."""

    layers: list[str] = Field(min_length=1)
    where: dict[str, list[str]] = {}

    @model_validator(mode="after")
    def _known(self) -> Selection:
        for name in self.layers:
            if name not in LAYERS:
                what = f"unknown layer {name!r}; the layers are {', '.join(LAYERS)}"
                raise fault(what, "layers")
        return self


class _Claim(Strict):
    id: str = Field(min_length=1)
    statement: str
    source: str
    note: str = ""


#: The readings that may give a travel-time claim its verdict, see `technobelt.measures`.
ReadingName = Literal[
    "cluster_pair_median",
    "worst_pair",
    "ninetieth",
    "adjacent",
    "central",
    "nearest",
    "nearest_hub",
    "centroids",
    "hubs",
    "interchanges",
    "outlines",
]


class TravelTimeClaim(_Claim):
    """Places lie within `limit_min` minutes by car: of each other, or of others.

    The trips are those between `members` of different clusters, of all or of `clusters`; with `to`
    those from each member to each place of another selection. `primary` is the reading that gives
    the verdict. With ``corridor = false`` the claim is not about the corridor, and nothing is told
    of it.
    """

    kind: Literal["travel_time"]
    limit_min: PositiveFloat
    profile: str
    members: Selection
    clusters: list[str] = []
    to: Selection | None = None
    primary: ReadingName = "cluster_pair_median"
    corridor: bool = True

    @model_validator(mode="after")
    def _read_as(self) -> TravelTimeClaim:
        if self.to is None and len(set(self.clusters)) == 1:
            raise fault("needs two clusters or more, or [claims.to]", "clusters")
        if self.to is not None and self.primary not in TO_OTHERS:
            what = f"with [claims.to] it must be one of {', '.join(TO_OTHERS)}"
            raise fault(what, "primary" if "primary" in self.model_fields_set else "kind")
        if self.to is None and self.primary == "nearest":
            raise fault("'nearest' needs [claims.to], the places to be near", "primary")
        return self


#: Of these the ones for trips from members to other places.
TO_OTHERS = ("nearest", "worst_pair", "ninetieth")


class CompositionClaim(_Claim):
    """Each cluster has at least `at_least` of each of the named selections."""

    kind: Literal["composition"]
    at_least: PositiveInt = 1
    parts: dict[str, Selection]


class CountClaim(_Claim):
    """A selection has `expected` rows."""

    kind: Literal["count"]
    what: Selection
    expected: NonNegativeFloat
    unit: str
    tolerance: NonNegativeFloat = 0.0


class AreaClaim(_Claim):
    """A selection measures `expected` km².

    ``measure = "column"`` sums ``area_km2`` (and ``area_max`` where given, for the upper end);
    ``measure = "outline"`` measures the polygons on the ellipsoid.
    """

    kind: Literal["area"]
    what: Selection
    expected: PositiveFloat
    tolerance: NonNegativeFloat
    measure: Literal["column", "outline"]
    unit: str = "km2"


class ProximityClaim(_Claim):
    """Places lie near the corridor's interchanges, by air or by road.

    Holds if at least `share_min` of the members do, for every value within the stated ranges.
    Exactly one of `within_km` (straight line) and `within_min` (minutes by car in `profile`, until
    the drive comes onto the corridor) is given.
    """

    kind: Literal["proximity"]
    members: Selection
    within_km: PositiveFloat | None = None
    within_min: PositiveFloat | None = None
    profile: str = "typical"
    share_min: float = Field(1.0, gt=0, le=1)

    @model_validator(mode="after")
    def _one_limit(self) -> ProximityClaim:
        if (self.within_km is None) == (self.within_min is None):
            raise fault("needs either within_km or within_min", "kind")
        return self


class FigureClaim(_Claim):
    """A figure of a table: a value, a sum, or one sum's share of another.

    `column` is summed over `what`; ``statistic = "value"`` needs exactly one row there, and
    ``"share"`` divides by the sum over `of`, in per cent. Rows without a figure make it undecided.
    `tolerance` is half the last stated digit unless given.
    """

    kind: Literal["figure"]
    what: Selection
    column: str
    statistic: Literal["value", "sum", "share"] = "value"
    of: Selection | None = None
    expected: float
    unit: str
    tolerance: NonNegativeFloat | None = None

    @model_validator(mode="after")
    def _share_of_something(self) -> FigureClaim:
        if (self.statistic == "share") != (self.of is not None):
            raise fault("a share needs [claims.of], other statistics have none", "statistic")
        return self


class UndecidableClaim(_Claim):
    """A claim that no layer at hand can decide; `reason` says what would be needed."""

    kind: Literal["undecidable"]
    reason: str


AnyClaim = Annotated[
    TravelTimeClaim
    | CompositionClaim
    | CountClaim
    | AreaClaim
    | ProximityClaim
    | FigureClaim
    | UndecidableClaim,
    Field(discriminator="kind"),
]
