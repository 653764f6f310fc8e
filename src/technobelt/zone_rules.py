"""``[zones]`` of ``region.toml``: factors, constraints and rule packs, as data.

Suitability is a weighted sum of factors, each a measure of the land brought to 0 to 1 by a transfer
function, on land that no constraint takes out (weighted linear combination, Eastman 1999, in
*Geographical Information Systems*, chapter 35). A rule pack says how zones are drawn from it.
"""

from __future__ import annotations

import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from technobelt.claim_kinds import Selection, Strict, fault

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "LAND_COLUMNS",
    "UNITS",
    "Constraint",
    "Designation",
    "Factor",
    "GeoFile",
    "Pack",
    "RasterFile",
    "Transfer",
    "ZoneRules",
    "shipped_packs",
]

#: The layers whose borders a zone may be snapped to.
UNITS = ("municipalities", "submunicipalities")
#: The columns of the layer ``land`` that may be a factor or a constraint.
LAND_COLUMNS = ("water", "wood", "industry", "built", "military", "relief_m")


class Transfer(Strict):
    """How a measure becomes a score from 0 (worst) to 1 (best); one of three forms.

    ``points``: straight lines between [measure, score] pairs, level beyond the first and the last;
    ``half``: 1 at zero, half of it at every further `half`; ``middle`` and ``width``: logistic, 0.5
    at `middle`, falling if `width` is below zero.
    """

    points: list[tuple[float, float]] = []
    half: PositiveFloat | None = None
    middle: float | None = None
    width: float | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Transfer:
        logistic = self.middle is not None and self.width is not None
        forms = [bool(self.points), self.half is not None, logistic]
        if sum(forms) != 1 or (self.middle is None) != (self.width is None):
            raise fault("needs points, or half, or middle and width, and no other of them")
        if self.width == 0:
            raise fault("must not be 0", "width")
        self._check_points()
        return self

    @property
    def logistic(self) -> tuple[float, float]:
        """Middle and width of the logistic form."""
        return self.middle or 0.0, self.width or 1.0

    def _check_points(self) -> None:
        for number, ((before, _), (x, _)) in enumerate(pairwise(self.points), start=1):
            if x <= before:
                raise fault(f"must rise, found {before:g}, {x:g}", "points", number)
        wrong = [score for _, score in self.points if not 0 <= score <= 1]
        if wrong:
            raise fault(f"scores lie between 0 and 1, found {wrong[0]:g}", "points")


class GeoFile(Strict):
    """A file of the planner's own: any that GDAL opens; `crs` is for files without one."""

    file: str
    layer: str | None = None
    crs: str | None = None


class RasterFile(Strict):
    """A raster of the planner's own, in any CRS and resolution; cells without data stay unknown."""

    file: str
    band: PositiveInt = 1
    resampling: Literal["auto", "nearest", "bilinear", "average"] = "auto"


class Factor(Strict):
    """One factor of suitability: what is measured on every cell, its transfer and its weight.

    Measured is one of: ``minutes_to``, the drive to the nearest of some places, min; ``land``, a
    column of the layer ``land``; ``raster``, a raster of the planner's; ``distance_to``, the
    straight line to the nearest shape of a file, m.
    """

    title: str = ""
    minutes_to: Selection | None = None
    land: str | None = None
    raster: RasterFile | None = None
    distance_to: GeoFile | None = None
    transfer: Transfer
    weight: NonNegativeFloat
    source: str = ""

    @model_validator(mode="after")
    def _one_measure(self) -> Factor:
        measures = (self.minutes_to, self.land, self.raster, self.distance_to)
        if sum(measure is not None for measure in measures) != 1:
            raise fault("needs one of minutes_to, land, raster and distance_to")
        _check_land_column(self.land)
        return self


class Constraint(Strict):
    """Land that no zone may take: inside the shapes of a file, or where a measure is too high.

    `above` and `below` bound what is left out of a ``raster`` or a column of ``land``. `protected`
    marks protected land, which the report says was supplied or not.
    """

    shapes: GeoFile | None = None
    raster: RasterFile | None = None
    land: str | None = None
    above: float | None = None
    below: float | None = None
    protected: bool = False
    source: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Constraint:
        kinds = (self.shapes, self.raster, self.land)
        if sum(kind is not None for kind in kinds) != 1:
            raise fault("needs one of shapes, raster and land")
        bounded = self.above is not None or self.below is not None
        if bounded == (self.shapes is not None):
            raise fault("a raster or column of land needs above or below, shapes need neither")
        _check_land_column(self.land)
        return self


def _check_land_column(name: str | None) -> None:
    if name is not None and name not in LAND_COLUMNS:
        raise fault(f"no column of 'land'; there are {', '.join(LAND_COLUMNS)}", "land")


class Pack(Strict):
    """A set of rules by which zones are drawn from scores.

    Areas are those on the ellipsoid, km². Rules named in `assumed` are this project's own, not of
    the `source`.

    Attributes
    ----------
    per
        Whether each cluster gets a zone, or the whole region gets one.
    core
        A zone lies around one core institution.
    anchors
        Only land within ``[zones] minutes`` of one place of every anchor in its cluster.
    radius_km
        How far from the core land may lie, in a straight line.
    span_km
        How far apart two points of a zone may lie.
    contiguous
        Whether a site is one piece.
    sites_max, site_min_km2, site_max_km2
        Sites in a zone, and the area of each.
    zone_max_km2, total_max_km2
        The area of a zone, and of all zones.
    score_min
        Land of a lower score is not taken; that of ``[zones]`` by default.
    """

    title: str
    source: str
    note: str = ""
    assumed: list[str] = []
    per: Literal["cluster", "region"] = "cluster"
    core: bool = False
    anchors: bool = False
    radius_km: PositiveFloat | None = None
    span_km: PositiveFloat | None = None
    contiguous: bool = True
    sites_max: PositiveInt | None = None
    site_min_km2: NonNegativeFloat = 0.0
    site_max_km2: PositiveFloat | None = None
    zone_max_km2: PositiveFloat | None = None
    total_max_km2: PositiveFloat | None = None
    score_min: float | None = Field(None, ge=0, le=1)

    @model_validator(mode="after")
    def _fits(self) -> Pack:
        if self.radius_km is not None and not self.core:
            raise fault("is the radius around a core: set core = true", "radius_km")
        if self.per == "region" and not self.core:
            raise fault("one zone for the region lies around a core: set core = true", "per")
        limits = (self.sites_max, self.total_max_km2, self.span_km)
        if not self.capped and (self.core or self.site_min_km2 or any(limits)):
            raise fault("needs site_max_km2 or zone_max_km2: what stops a site from growing?")
        if self.capped and self.site_min_km2 > self.largest_site_km2:
            found = f"{self.site_min_km2:g} and {self.largest_site_km2:g}"
            raise fault(f"must not be above the largest, found {found}", "site_min_km2")
        for name in self.assumed:
            if name not in type(self).model_fields:
                raise fault(f"names the rule {name!r}, which there is not", "assumed")
        return self

    @property
    def capped(self) -> bool:
        """Whether the area of a zone has a limit."""
        return self.site_max_km2 is not None or self.zone_max_km2 is not None

    @property
    def largest_site_km2(self) -> float:
        """The largest area of a site, km²; infinite where nothing limits it."""
        limits = [self.site_max_km2, self.zone_max_km2, self.total_max_km2]
        return min((limit for limit in limits if limit is not None), default=float("inf"))


@cache
def shipped_packs() -> Mapping[str, Pack]:
    """Return the rule packs that come with technobelt, by name.

    Examples
    --------
    >>> list(shipped_packs())
    ['functional', 'kr-small-rnd-zone', 'kr-national-innovation-cluster', 'uk-tax-sites']
    >>> shipped_packs()["kr-small-rnd-zone"].zone_max_km2
    2.0
    """
    text = (Path(__file__).parent / "packs.toml").read_text(encoding="utf-8")
    return {name: Pack.model_validate(said) for name, said in tomllib.loads(text).items()}


class Designation(Strict):
    """A zone that was really designated, to compare with: by which pack, around which place."""

    name: str
    pack: str
    cluster: str
    core: str
    year: PositiveInt
    area_km2: PositiveFloat | None = None
    source: str


class ZoneRules(Strict):
    """What makes land suitable, what takes it out, and by which pack zones are drawn.

    `minutes` and `anchors` are the rule of the pack ``functional``: land within so many minutes of
    at least one place of every anchor in the same cluster, by `profile`. Left out are cells with
    more than `water_max` water, more than `wood_max` wood on relief over `relief_max_m`, more than
    `military_max` military land, and those of `constraints`. Parts smaller than `part_min_km2` are
    dropped, holes smaller than `hole_min_km2` filled (but not where `constraints` or military land
    lie in them), steps of the cells smoothed by `smoothing` of a cell.

    Packs with a cap take the best land, none of a score below `score_min`; `compactness` is the
    weight of nearness to where a site begins beside the score. `core` says what may be a core
    institution, `cores` names some for clusters. `snap` makes zones of whole units of a layer, each
    with `snap_share` of land that may be taken at least. `cell_m` is the side of the cells, that of
    the layer ``land`` by default. `weights_vary` is by how much robustness varies weights.
    """

    minutes: PositiveFloat
    profile: str
    anchors: dict[str, Selection]
    pack: str = "functional"
    packs: dict[str, Pack] = {}
    factors: dict[str, Factor] = {}
    constraints: dict[str, Constraint] = {}
    core: Selection | None = None
    cores: dict[str, str] = {}
    designated: list[Designation] = []
    water_max: float = Field(0.5, ge=0, le=1)
    wood_max: float = Field(0.5, ge=0, le=1)
    relief_max_m: NonNegativeFloat = 100.0
    military_max: float = Field(0.5, ge=0, le=1)
    part_min_km2: NonNegativeFloat = 0.5
    hole_min_km2: NonNegativeFloat = 0.2
    smoothing: float = Field(0.8, ge=0, lt=1)
    compactness: float = Field(0.3, ge=0, lt=1)
    score_min: float = Field(0.0, ge=0, le=1)
    snap: Literal["municipalities", "submunicipalities"] | None = None
    snap_share: float = Field(0.5, gt=0, le=1)
    cell_m: PositiveFloat | None = None
    weights_vary: float = Field(0.2, ge=0, lt=1)

    @model_validator(mode="after")
    def _some_weight(self) -> ZoneRules:
        if self.factors and not sum(factor.weight for factor in self.factors.values()):
            raise fault("every weight is 0: no factor counts", "factors")
        return self

    @model_validator(mode="after")
    def _known_packs(self) -> ZoneRules:
        known = [*shipped_packs(), *(name for name in self.packs if name not in shipped_packs())]
        there = f"there are {', '.join(known)}. Name one of them, or add [zones.packs.NAME]"
        if self.pack not in known:
            raise fault(f"no rule pack {self.pack!r}; {there}", "pack")
        for number, real in enumerate(self.designated):
            if real.pack not in known:
                what = f"{real.name!r} names the rule pack {real.pack!r}; {there}"
                raise fault(what, "designated", number, "pack")
        return self

    @property
    def own_files(self) -> list[str]:
        """Files of the planner's own that factors and constraints name, each once."""
        files = [file for rule in self.factors.values() for file in (rule.raster, rule.distance_to)]
        files += [file for rule in self.constraints.values() for file in (rule.raster, rule.shapes)]
        return sorted({file.file for file in files if file is not None})

    @property
    def weights(self) -> dict[str, float]:
        """Weights of the factors that have any, divided by their sum."""
        total = sum(factor.weight for factor in self.factors.values())
        return {
            name: factor.weight / total for name, factor in self.factors.items() if factor.weight
        }
