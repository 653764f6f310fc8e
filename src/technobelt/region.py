"""``region.toml`` -> `Region`: clusters, layers, corridor, claims, speed profiles, zone rules.

A region is a folder. Everything in its ``region.toml`` is checked when it is loaded; a key that is
not known is refused with its line, so that a slip of the pen does not silently change a verdict.
"""

from __future__ import annotations

import codecs
import os
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from technobelt.claim_kinds import (
    AnyClaim,
    ProximityClaim,
    Strict,
    TravelTimeClaim,
    fault,
)
from technobelt.errors import MissingFileError, RegionError
from technobelt.scenario import Scenario
from technobelt.schema import LAYERS, ROAD_CLASSES
from technobelt.siting_rules import SitingRules
from technobelt.toml_faults import first_fault, keys_in, parse_toml
from technobelt.zone_rules import ZoneRules

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = [
    "Alignment",
    "Cluster",
    "Corridor",
    "LayerFile",
    "PositionError",
    "Profile",
    "Region",
    "Uncertainty",
    "Value",
    "built_in_folder",
    "load_region",
]


class Value(Strict):
    """A number with the range in which it is believed to lie, and where it comes from."""

    value: NonNegativeFloat
    low: NonNegativeFloat
    high: NonNegativeFloat
    source: str
    placeholder: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Value:
        if not self.low <= self.value <= self.high:
            found = f"{self.low:g}, {self.value:g}, {self.high:g}"
            raise fault(f"low <= value <= high must hold, found {found}", "value")
        return self


class Fixed(Strict):
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


class Profile(Strict):
    """Driving speeds by road class (km/h), access speed (km/h) and fixed seconds."""

    label: str
    speed_kph: dict[str, Value]
    limit_share: Value
    access_kph: Value
    fixed_s: Fixed

    @model_validator(mode="after")
    def _every_class(self) -> Profile:
        needed = f"it needs one entry for each of {', '.join(ROAD_CLASSES)}"
        for name, speed in self.speed_kph.items():
            if name not in ROAD_CLASSES:
                raise fault(f"is no road class; {needed}", "speed_kph", name)
            if speed.low <= 0:
                raise fault(f"must be above zero, found low = {speed.low:g}", "speed_kph", name)
        for name in ROAD_CLASSES:
            if name not in self.speed_kph:
                raise fault(f"lacks {name!r}; {needed}", "speed_kph")
        for name in ("access_kph", "limit_share"):
            low = getattr(self, name).low
            if low <= 0:
                raise fault(f"must be above zero, found low = {low:g}", name)
        return self

    @property
    def placeholders(self) -> list[str]:
        """Names of the numbers that nobody has measured."""
        named = {f"speed_kph.{name}": value for name, value in self.speed_kph.items()}
        named |= {"limit_share": self.limit_share, "access_kph": self.access_kph}
        named |= {f"fixed_s.{name}": getattr(self.fixed_s, name) for name in Fixed.model_fields}
        return [name for name, value in named.items() if value.placeholder]


class Cluster(Strict):
    """A cluster of the belt: its name and its hub (the id of a facility)."""

    name: str
    hub: str


class LayerFile(Strict):
    """Where a layer lies; `columns` maps our names to the file's, `crs` is for files without.

    `layer` chooses one of several in a file. `encoding` is that of a shapefile's or table's text,
    `x` and `y` are the columns of a table's coordinates; all three are found out where they are not
    given. `vintage` says of when the facts are.
    """

    file: str
    layer: str | None = None
    crs: str | None = None
    encoding: str | None = None
    x: str | None = None
    y: str | None = None
    vintage: str | None = None
    columns: dict[str, str] = {}

    @field_validator("crs")
    @classmethod
    def _known_crs(cls, crs: str | None) -> str | None:
        if crs is not None:
            _read_crs(crs)
        return crs

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        try:
            codecs.lookup(encoding or "utf-8")
        except (LookupError, ValueError) as error:
            raise fault(f"{encoding!r} is no encoding; UTF-8 and CP949 are usual") from error
        return encoding

    @model_validator(mode="after")
    def _both_coordinates(self) -> LayerFile:
        if (self.x is None) != (self.y is None):
            raise fault("needs both x and y, or neither", "x" if self.x else "y")
        return self


class Alignment(Strict):
    """What the corridor was made of from a day on: route numbers of the road network.

    `optional` are roads that may be counted in: an older line beside the new one.
    """

    since: str
    routes: list[str] = Field(min_length=1)
    optional: list[str] = []

    @field_validator("since")
    @classmethod
    def _a_day(cls, since: str) -> str:
        try:
            return date.fromisoformat(since).isoformat()
        except ValueError as error:
            raise fault(f"{since!r} is no day; write it as 1973-11-14") from error


class Corridor(Strict):
    """The road that the claim names.

    Either `routes`, the route numbers that make it up at all times, or `alignments`, a dated list
    of what made it up from when on, the earliest first.
    """

    name: str
    routes: list[str] = []
    alignments: list[Alignment] = []

    @model_validator(mode="after")
    def _either(self) -> Corridor:
        if bool(self.routes) == bool(self.alignments):
            raise fault("needs either routes or [[corridor.alignments]]", "name")
        days = [alignment.since for alignment in self.alignments]
        for number, (before, day) in enumerate(pairwise(days), start=1):
            if day <= before:
                what = f"must be later than the one before, found {before} and {day}"
                raise fault(what, "alignments", number, "since")
        return self

    @property
    def all_routes(self) -> list[str]:
        """Every route number that was part of it at some time."""
        parts = [[*one.routes, *one.optional] for one in self.alignments]
        return list(dict.fromkeys([*self.routes, *(route for part in parts for route in part)]))

    def routes_on(self, day: str, *, optional: bool = False) -> list[str]:
        """Return the route numbers that made it up on a day; before the first, those of the first.

        Examples
        --------
        >>> corridor = load_region().corridor
        >>> corridor.routes_on("1999-12-31"), corridor.routes_on("2021-08-31", optional=True)
        (['10', '102', '104'], ['10', '102'])
        """
        if not self.alignments:
            return self.routes
        begun = [one for one in self.alignments if one.since <= day] or self.alignments[:1]
        return [*begun[-1].routes, *(begun[-1].optional if optional else [])]


class PositionError(Strict):
    """How far off a position may be, by its confidence, metres."""

    high: NonNegativeFloat = 100.0
    medium: NonNegativeFloat = 500.0
    low: NonNegativeFloat = 2000.0
    source: str = "assumed, not measured"

    @property
    def metres(self) -> dict[str, float]:
        """Metres by the word that a layer uses."""
        return {"high": self.high, "medium": self.medium, "low": self.low}


class Uncertainty(Strict):
    """How far speeds may be from what a profile says: standard deviations of log factors.

    One factor for the corridor, one for each road class, and noise along each road that is the same
    over the correlation length.
    """

    corridor_sd: NonNegativeFloat
    class_sd: NonNegativeFloat
    road_sd: NonNegativeFloat
    correlation_km: PositiveFloat
    source: str
    placeholder: bool = False


class Region(Strict):
    """A region: its folder and everything that its ``region.toml`` says.

    Attributes
    ----------
    folder
        Where ``region.toml`` lies; all paths in it are relative to this.
    crs
        The metric CRS in which everything is computed.
    country
        ISO 3166-1 code, whose general speed limits ``maxspeed=urban`` means in its roads.
    compare_dates
        Dates (ISO) whose roads a plan compares side by side, with and without the corridor.
    scenario
        Whose edits of facilities are made to the layers that are read; not part of the file.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> region.name, region.hubs, region.path("roads").name
    ('Kyeongnam Technobelt', ['UNI04', 'UNI02', 'UNI01'], 'roads.parquet')
    """

    folder: Path
    id: str
    name: str
    title: str
    source: str
    crs: str
    attribution: list[str]
    limits: list[str] = []
    country: str = ""
    compare_dates: list[str] = []
    layers: dict[str, LayerFile]
    roads: LayerFile
    clusters: dict[str, Cluster]
    corridor: Corridor
    claims: list[AnyClaim]
    profiles: dict[str, Profile]
    zones: ZoneRules
    siting: dict[str, SitingRules] = {}
    position_error_m: PositionError = PositionError()
    uncertainty: Uncertainty | None = None
    scenario: Scenario | None = Field(None, exclude=True)

    @field_validator("crs")
    @classmethod
    def _metric(cls, crs: str) -> str:
        _check_crs(crs)
        return crs

    @model_validator(mode="after")
    def _names_fit(self) -> Region:
        for name in self.layers:
            if name not in LAYERS:
                raise fault(f"unknown layer; the layers are {', '.join(LAYERS)}", "layers", name)
        _check_ids(self.claims)
        for number, claim in enumerate(self.claims):
            if isinstance(claim, TravelTimeClaim | ProximityClaim):
                self._check_profile(claim.profile, "claims", number, "profile")
            self._check_clusters(getattr(claim, "clusters", []), "claims", number, "clusters")
        self._check_profile(self.zones.profile, "zones", "profile")
        for name, rules in self.siting.items():
            self._check_profile(rules.profile, "siting", name, "profile")
        for cluster in self.zones.cores:
            self._check_clusters([cluster], "zones", "cores", cluster)
        for number, zone in enumerate(self.zones.designated):
            self._check_clusters([zone.cluster], "zones", "designated", number, "cluster")
        return self

    def _check_profile(self, profile: str, *at: str | int) -> None:
        if profile not in self.profiles:
            known = ", ".join(self.profiles)
            raise fault(f"profile {profile!r} is not in [profiles]; there are {known}", *at)

    def _check_clusters(self, names: Collection[str], *at: str | int) -> None:
        unknown = [name for name in names if name not in self.clusters]
        if unknown:
            known = ", ".join(self.clusters)
            raise fault(f"no cluster {unknown[0]!r} in [clusters]; there are {known}", *at)

    @property
    def hubs(self) -> list[str]:
        """Ids of the clusters' hubs, in the order of the clusters."""
        return [cluster.hub for cluster in self.clusters.values()]

    def of_clusters(self, names: Collection[str]) -> Region:
        """Return the region with some of its clusters only, in its own order.

        Parameters
        ----------
        names
            Ids of clusters.

        Returns
        -------
        Region
            With the same layers.
        """
        chosen = {name: cluster for name, cluster in self.clusters.items() if name in names}
        return self.model_copy(update={"clusters": chosen})

    def with_scenario(self, scenario: Scenario) -> Region:
        """Return the region whose facilities stand where a scenario puts them.

        Its edits of roads are for ``network.with_scenario``. Layers are edited when they are read.

        Parameters
        ----------
        scenario
            From `load_scenario`.

        Returns
        -------
        Region
            With the same files.
        """
        return self.model_copy(update={"scenario": scenario})

    def path(self, name: str) -> Path:
        """Return the path of a layer's file.

        Parameters
        ----------
        name
            A layer of ``region.toml``, or ``roads``.

        Returns
        -------
        pathlib.Path
            Whether it is there or not.
        """
        file = self.roads if name == "roads" else self.layers[name]
        return self.folder / file.file


def _check_ids(claims: list[AnyClaim]) -> None:
    """Refuse two claims of one id: whoever asks for a verdict by its id must find one."""
    first: dict[str, int] = {}
    for number, claim in enumerate(claims):
        if first.setdefault(claim.id, number) != number:
            what = (
                f"{claim.id!r} is the id of claims.{first[claim.id]} too. "
                "Give every claim an id of its own"
            )
            raise fault(what, "claims", number, "id")


def _read_crs(crs: str) -> Any:
    import pyproj

    try:
        return pyproj.CRS(crs)
    except pyproj.exceptions.CRSError as error:
        raise fault(f"{crs!r} is not a coordinate reference system") from error


def _check_crs(crs: str) -> None:
    known = _read_crs(crs)
    if not known.is_projected:
        raise fault(f"{crs!r} is in degrees; name a projected CRS in metres")
    units = {axis.unit_name for axis in known.axis_info if axis.unit_conversion_factor != 1}
    if units:
        raise fault(f"{crs!r} is in {min(units)}; name a projected CRS in metres")


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
    >>> import technobelt as tb
    >>> region = tb.load_region()
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
    text, content = parse_toml(file, RegionError)
    try:
        return Region.model_validate(_flat(content, file) | {"folder": file.parent})
    except ValidationError as error:
        where = partial(_path_in, content)
        raise RegionError(first_fault(error, where, text, file.name, whole="region")) from error


def _flat(content: dict[str, Any], file: Path) -> dict[str, Any]:
    """Lift the ``[region]`` table to the top and part the roads from the other layers."""
    for name in ("region", "layers"):
        if not isinstance(content.get(name), dict):
            raise RegionError(f"{file.name}: needs the table [{name}]. Add it.")
    layers = dict(content["layers"])
    rest = {key: value for key, value in content.items() if key not in {"region", "layers"}}
    roads = {"roads": layers.pop("roads")} if "roads" in layers else {}
    clash = sorted((set(content["region"]) | set(rest)) & {"folder", "roads", "scenario"})
    clash += sorted(set(content["region"]) & {*rest, "layers"})
    if clash:
        raise RegionError(f"{file.name}: unknown key '{clash[0]}'. Take it out.")
    return {**content["region"], **rest, **roads, "layers": layers}


def _path_in(content: Any, loc: tuple[str | int, ...]) -> list[str | int]:
    """Return the keys of a fault as they stand in the file.

    Pydantic's own list also names kinds of claims and keys that are missing, and knows nothing of
    the tables ``[region]`` and ``[layers]`` around what `_flat` took out of them.
    """
    if loc and loc[0] not in content:
        around = "layers" if loc[0] == "roads" else "region"
        loc = (around, *loc)
    return keys_in(content, loc)
