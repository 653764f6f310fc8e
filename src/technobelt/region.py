"""``region.toml`` -> `Region`: clusters, layers, corridor, claims, speed profiles, zone rules.

A region is a folder. Everything in its ``region.toml`` is checked when it is loaded; a key that is
not known is refused with its line, so that a slip of the pen does not silently change a verdict.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    ValidationError,
    model_validator,
)

from technobelt.errors import MissingFileError, RegionError
from technobelt.schema import LAYERS, ROAD_CLASSES

__all__ = [
    "AnyClaim",
    "AreaClaim",
    "Cluster",
    "CompositionClaim",
    "Corridor",
    "CountClaim",
    "LayerFile",
    "Profile",
    "Region",
    "Selection",
    "TravelTimeClaim",
    "Value",
    "ZoneRules",
    "built_in_folder",
    "load_region",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Value(_Strict):
    """A number with the range in which it is believed to lie, and where it comes from."""

    value: NonNegativeFloat
    low: NonNegativeFloat
    high: NonNegativeFloat
    source: str
    placeholder: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Value:
        if not self.low <= self.value <= self.high:
            msg = f"low <= value <= high must hold, found {self.low}, {self.value}, {self.high}"
            raise ValueError(msg)
        return self


class Fixed(_Strict):
    """Seconds that do not depend on speed, each added where its name says.

    ``junction``: every passage of a junction of three or more main roads; ``ramp``: every way on
    to or off a motorway (toll plaza included); ``access``: from the door to the road; ``parking``
    and ``egress``: from the road to the other door.
    """

    junction: Value
    ramp: Value
    access: Value
    parking: Value
    egress: Value


class Profile(_Strict):
    """Driving speeds by road class (km/h), access speed (km/h) and fixed seconds."""

    label: str
    speed_kph: dict[str, Value]
    limit_share: Value
    access_kph: Value
    fixed_s: Fixed

    @model_validator(mode="after")
    def _every_class(self) -> Profile:
        missing = [name for name in ROAD_CLASSES if name not in self.speed_kph]
        unknown = [name for name in self.speed_kph if name not in ROAD_CLASSES]
        if missing or unknown:
            what = f"lacks {missing[0]!r}" if missing else f"has the unknown class {unknown[0]!r}"
            msg = f"speed_kph {what}; it needs one entry for each of {', '.join(ROAD_CLASSES)}"
            raise ValueError(msg)
        still = [name for name, speed in self.speed_kph.items() if speed.low <= 0]
        if still:
            msg = f"speed_kph.{still[0]} must be above zero"
            raise ValueError(msg)
        return self

    @property
    def placeholders(self) -> list[str]:
        """Names of the numbers that nobody has measured."""
        named = {f"speed_kph.{name}": value for name, value in self.speed_kph.items()}
        named |= {"limit_share": self.limit_share, "access_kph": self.access_kph}
        named |= {f"fixed_s.{name}": getattr(self.fixed_s, name) for name in Fixed.model_fields}
        return [name for name, value in named.items() if value.placeholder]


class Cluster(_Strict):
    """A cluster of the belt: its name and its hub (the id of a facility)."""

    name: str
    hub: str


class LayerFile(_Strict):
    """Where a layer lies; `columns` maps our names to the file's, `crs` is for files without."""

    file: str
    layer: str | None = None
    crs: str | None = None
    columns: dict[str, str] = {}


class Corridor(_Strict):
    """The road that the claim names: its name and the route numbers that make it up."""

    name: str
    routes: list[str]


class Selection(_Strict):
    """Rows of one or more layers: `where` lists the values allowed in each column."""

    layers: list[str]
    where: dict[str, list[str]] = {}

    @model_validator(mode="after")
    def _known(self) -> Selection:
        unknown = [name for name in self.layers if name not in LAYERS]
        if unknown:
            msg = f"unknown layer {unknown[0]!r}; the layers are {', '.join(LAYERS)}"
            raise ValueError(msg)
        return self


class _Claim(_Strict):
    id: str
    statement: str
    source: str


class TravelTimeClaim(_Claim):
    """Places of different clusters lie within `limit_min` minutes of each other by car."""

    kind: Literal["travel_time"]
    limit_min: PositiveFloat
    profile: str
    members: Selection


class CompositionClaim(_Claim):
    """Each cluster has at least `at_least` of each of the named selections."""

    kind: Literal["composition"]
    at_least: int = 1
    parts: dict[str, Selection]


class CountClaim(_Claim):
    """A selection has `expected` rows."""

    kind: Literal["count"]
    what: Selection
    expected: float
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


AnyClaim = Annotated[
    TravelTimeClaim | CompositionClaim | CountClaim | AreaClaim, Field(discriminator="kind")
]


class ZoneRules(_Strict):
    """What makes land part of an innovation zone.

    Land within `minutes` of at least one place of every anchor, in the same cluster, by `profile`;
    off cells with more than `water_max` water, and off cells with more than `wood_max` wood on
    relief over `relief_max_m`; parts smaller than `part_min_km2` dropped, holes smaller than
    `hole_min_km2` filled.
    """

    minutes: PositiveFloat
    profile: str
    anchors: dict[str, Selection]
    water_max: float = Field(0.5, ge=0, le=1)
    wood_max: float = Field(0.5, ge=0, le=1)
    relief_max_m: NonNegativeFloat = 100.0
    part_min_km2: NonNegativeFloat = 0.5
    hole_min_km2: NonNegativeFloat = 0.2


class Region(_Strict):
    """A region: its folder and everything that its ``region.toml`` says.

    Attributes
    ----------
    folder
        Where ``region.toml`` lies; all paths in it are relative to this.
    crs
        The metric CRS in which everything is computed.
    """

    folder: Path
    id: str
    name: str
    title: str
    source: str
    crs: str
    attribution: list[str]
    limits: list[str] = []
    layers: dict[str, LayerFile]
    roads: LayerFile
    clusters: dict[str, Cluster]
    corridor: Corridor
    claims: list[AnyClaim]
    profiles: dict[str, Profile]
    zones: ZoneRules

    @model_validator(mode="after")
    def _names_fit(self) -> Region:
        unknown = [name for name in self.layers if name not in LAYERS]
        if unknown:
            msg = f"layers: unknown layer {unknown[0]!r}; the layers are {', '.join(LAYERS)}"
            raise ValueError(msg)
        named = [claim.profile for claim in self.claims if isinstance(claim, TravelTimeClaim)]
        for profile in [*named, self.zones.profile]:
            if profile not in self.profiles:
                msg = f"profile {profile!r} is used but not defined in [profiles]"
                raise ValueError(msg)
        _check_crs(self.crs)
        return self

    @property
    def hubs(self) -> list[str]:
        """Ids of the clusters' hubs, in the order of the clusters."""
        return [cluster.hub for cluster in self.clusters.values()]

    def path(self, name: str) -> Path:
        """Return the path of a layer's file (``roads`` included)."""
        file = self.roads if name == "roads" else self.layers[name]
        return self.folder / file.file


def _check_crs(crs: str) -> None:
    import pyproj

    try:
        metric = pyproj.CRS(crs).is_projected
    except pyproj.exceptions.CRSError as error:
        msg = f"crs {crs!r} is not a coordinate reference system"
        raise ValueError(msg) from error
    if not metric:
        msg = f"crs {crs!r} must be in metres (a projected one)"
        raise ValueError(msg)


def built_in_folder() -> Path:
    """Return the folder of the built-in region.

    ``TECHNOBELT_LAYERS`` names another one; else the package's own data, else the checkout's
    ``layers/``.

    Raises
    ------
    MissingFileError
        None of them is there.
    """
    named = os.environ.get("TECHNOBELT_LAYERS")
    here = Path(__file__).resolve().parent
    places = [Path(named)] if named else [here / "data" / "layers", here.parents[1] / "layers"]
    for place in places:
        if (place / "region.toml").is_file():
            return place
    raise MissingFileError(
        f"no region.toml in {' or '.join(str(place) for place in places)}. "
        "Reinstall technobelt, or let TECHNOBELT_LAYERS name the folder."
    )


def load_region(path: str | Path | None = None) -> Region:
    """Read and check a region.

    Parameters
    ----------
    path
        A folder with a ``region.toml``, or the file itself; None is the built-in region, the
        Kyeongnam Technobelt.

    Returns
    -------
    Region
        Frozen; its layers are read when they are asked for.

    Raises
    ------
    MissingFileError
        There is no such folder or file.
    RegionError
        The file is no TOML, or says something that is not understood; with the line.

    Examples
    --------
    >>> region = load_region()
    >>> list(region.clusters)
    ['east', 'centre', 'west']
    """
    file = Path(path) if path is not None else built_in_folder()
    if file.is_dir() or file.suffix != ".toml":
        file = file / "region.toml"
    if not file.is_file():
        raise MissingFileError(
            f"no region.toml in '{file.parent}'. Name the folder of a region, "
            "or none for the built-in one."
        )
    text = file.read_text(encoding="utf-8")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RegionError(f"{file}: not valid TOML: {error}.") from error
    try:
        return Region.model_validate(_flat(content) | {"folder": file.parent})
    except ValidationError as error:
        raise RegionError(_first_fault(error, text, file)) from error


def _flat(content: dict[str, Any]) -> dict[str, Any]:
    """Lift the ``[region]`` table to the top and part the roads from the other layers."""
    layers = dict(content.get("layers", {}))
    rest = {key: value for key, value in content.items() if key not in {"region", "layers"}}
    roads = {"roads": layers.pop("roads")} if "roads" in layers else {}
    return {**content.get("region", {}), **rest, **roads, "layers": layers}


def _first_fault(error: ValidationError, text: str, file: Path) -> str:
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    what = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        what = f"unknown key {fault['loc'][-1]!r}. Correct its spelling or take it out"
    elif fault["type"] == "missing":
        what = f"'{fault['loc'][-1]}' is missing. Add it"
    else:
        what = f"{what}; found {_short(fault['input'])}"
    line = _line_of(fault["loc"], text)
    more = len(error.errors()) - 1
    others = f" ({more} more fault{'s' if more > 1 else ''} after this one.)" if more else ""
    return f"{file.name}{line}: {where or 'region'}: {what}.{others}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _line_of(loc: tuple[int | str, ...], text: str) -> str:
    """Find the line of a fault by walking its keys down the text, each after the last."""
    at = 0
    for part in loc:
        pattern = rf"^[^#\n]*?(?<![\w-])\"?{re.escape(str(part))}\"?(?![\w-])"
        if isinstance(part, str) and (match := re.search(pattern, text[at:], re.MULTILINE)):
            at += match.start()
            at += len(match.group()) - len(str(part))
    return f" line {text.count(chr(10), 0, at) + 1}" if at else ""
