"""``scenario.toml`` -> `Scenario`: named edits of roads and facilities, never destructive.

A scenario says what would be different. It is applied to a pair: ``region.with_scenario`` moves and
adds facilities, ``network.with_scenario`` closes, opens, slows and adds roads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PositiveFloat, ValidationError, model_validator

from technobelt.claim_kinds import Strict, fault
from technobelt.errors import MissingFileError, ScenarioError
from technobelt.schema import ROAD_CLASSES
from technobelt.toml_faults import first_fault, keys_in, parse_toml

__all__ = [
    "AddFacility",
    "AddRoad",
    "CloseRoads",
    "Direction",
    "MoveFacility",
    "OpenRoads",
    "RoadChoice",
    "Scenario",
    "SetSpeed",
    "load_scenario",
]

#: Which way of the chosen roads an edit is for, by compass.
Direction = Literal["both", "north", "east", "south", "west"]
_Longitude = Annotated[float, Field(ge=-180, le=180)]
_Latitude = Annotated[float, Field(ge=-90, le=90)]
#: Speeds that cars may be believed to drive at, km/h, and factors on them.
Kph = Annotated[float, Field(ge=1, le=300)]
Factor = Annotated[float, Field(ge=0.01, le=100)]
Position = tuple[_Longitude, _Latitude]


class RoadChoice(Strict):
    """Which roads an edit is for: those that fit everything that is given.

    `ref` route numbers, `name` names, `id` numbers of sections (``section`` in what ``network
    export`` writes), `class` OSM highway values; `within` a polygon as a list of positions
    (longitude, latitude), at whose border sections are cut.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_by_name=True
    )

    ref: list[str] = []
    name: list[str] = []
    id: list[int] = []
    classes: list[str] = Field([], alias="class")
    within: list[Position] = []

    @model_validator(mode="after")
    def _something(self) -> RoadChoice:
        if not any((self.ref, self.name, self.id, self.classes, self.within)):
            raise fault("names no road. Give ref, name, id, class or within", "roads")
        for name in self.classes:
            if name not in ROAD_CLASSES:
                what = f"{name!r} is no road class; there are {', '.join(ROAD_CLASSES)}"
                raise fault(what, "class")
        if self.within and len(set(self.within)) < 3:
            raise fault(
                f"a polygon needs three positions or more, found {len(self.within)}", "within"
            )
        if self.within and not _is_simple(self.within):
            raise fault("the polygon crosses itself. Give its corners in order", "within")
        if self.within and _area_deg2(self.within) < _LEAST_DEG2:
            raise fault("the polygon has no area. Give its corners, not a line", "within")
        return self

    def __str__(self) -> str:
        """Say the choice in words."""
        parts = [
            f"{what} {', '.join(str(value) for value in values)}"
            for what, values in (
                ("ref", self.ref),
                ("name", self.name),
                ("id", self.id),
                ("class", self.classes),
            )
            if values
        ]
        return "; ".join([*parts, *(["within the polygon"] if self.within else [])])


def _area_deg2(corners: list[Position]) -> float:
    """Return the area of a polygon in square degrees, after the surveyor's formula."""
    after = [*corners[1:], corners[0]]
    twice = sum(x * v - u * y for (x, y), (u, v) in zip(corners, after, strict=True))
    return abs(twice) / 2


#: About ten square metres.
_LEAST_DEG2 = 1e-9


def _is_simple(corners: list[Position]) -> bool:
    """Tell whether a polygon does not cross itself."""
    import shapely

    return bool(shapely.Polygon(corners).is_valid)


class _Edit(Strict):
    id: str = Field(min_length=1)
    note: str = ""


class CloseRoads(_Edit):
    """The chosen roads may not be driven."""

    do: Literal["close"]
    roads: RoadChoice
    direction: Direction = "both"


class OpenRoads(_Edit):
    """Roads that are closed, because they opened later than the date in question, may be driven."""

    do: Literal["open"]
    roads: RoadChoice


class SetSpeed(_Edit):
    """The chosen roads are driven at another speed: `kph`, or `factor` times what it was."""

    do: Literal["speed"]
    roads: RoadChoice
    direction: Direction = "both"
    kph: Kph | None = None
    factor: Factor | None = None

    @model_validator(mode="after")
    def _one_speed(self) -> SetSpeed:
        if (self.kph is None) == (self.factor is None):
            raise fault("needs either kph or factor", "do")
        return self


class AddRoad(_Edit):
    """A new road along `line` (positions: longitude, latitude), joined to others at its ends only.

    Each end is joined to the nearest road within `join_m` metres: a motorway or ramp to any, other
    classes to any but those two. It is driven at `kph`, or at what the profile says of its `class`.
    """

    do: Literal["add_road"]
    line: list[Position] = Field(min_length=2)
    classes: str = Field("primary", alias="class")
    kph: Kph | None = None
    oneway: bool = False
    ref: str = ""
    name: str = ""
    join_m: PositiveFloat = 500.0

    @model_validator(mode="after")
    def _some_speed(self) -> AddRoad:
        if self.classes not in ROAD_CLASSES:
            what = f"{self.classes!r} is no road class; there are {', '.join(ROAD_CLASSES)}"
            raise fault(what, "class")
        if self.kph is None and "classes" not in self.model_fields_set:
            raise fault(
                "a new road needs a speed: kph, or a class whose speed the profile gives", "do"
            )
        if len(set(self.line)) < 2:
            raise fault("a road needs two different positions", "line")
        return self


class MoveFacility(_Edit):
    """A facility stands elsewhere: at `to` (longitude, latitude)."""

    do: Literal["move_facility"]
    facility: str = Field(min_length=1)
    to: Position


class AddFacility(_Edit):
    """One more row in a layer of places; `columns` are further values of it."""

    do: Literal["add_facility"]
    layer: Literal["complexes", "universities", "centres"]
    facility: str = Field(min_length=1)
    name: str = Field(min_length=1)
    kind: str
    cluster: str
    to: Position
    columns: dict[str, str | float] = {}


AnyEdit = Annotated[
    CloseRoads | OpenRoads | SetSpeed | AddRoad | MoveFacility | AddFacility,
    Field(discriminator="do"),
]


class Scenario(Strict):
    """A named list of edits.

    Attributes
    ----------
    id, name, note
        What it is called, and what it is about.
    edits
        Each with an id of its own. No two may bear on the same road, or on the same facility.

    Examples
    --------
    >>> import technobelt as tb
    >>> closed = {"id": "bypass", "do": "close", "roads": {"ref": ["10"]}}
    >>> scenario = tb.Scenario.model_validate({"id": "works", "edits": [closed]})
    >>> len(scenario.of_roads), len(scenario.of_facilities)
    (1, 0)
    """

    id: str = Field(min_length=1)
    name: str = ""
    note: str = ""
    edits: list[AnyEdit] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_differ(self) -> Scenario:
        seen: set[str] = set()
        moved: dict[str, str] = {}
        for number, edit in enumerate(self.edits):
            if edit.id in seen:
                raise fault(
                    f"a second edit is called {edit.id!r}. Rename it", "edits", number, "id"
                )
            seen.add(edit.id)
            place = getattr(edit, "facility", None)
            if place in moved:
                what = f"'{moved[place]}' bears on {place!r} too. Join the two edits"
                raise fault(what, "edits", number, "facility")
            if place is not None:
                moved[place] = edit.id
        return self

    @property
    def of_facilities(self) -> list[MoveFacility | AddFacility]:
        """The edits of facilities."""
        return [edit for edit in self.edits if isinstance(edit, MoveFacility | AddFacility)]

    @property
    def of_roads(self) -> list[CloseRoads | OpenRoads | SetSpeed | AddRoad]:
        """The edits of roads."""
        return [edit for edit in self.edits if not isinstance(edit, MoveFacility | AddFacility)]


def load_scenario(path: str | Path) -> Scenario:
    """Read and check a scenario.

    Parameters
    ----------
    path
        A TOML file with the table ``[scenario]`` and one ``[[edits]]`` for each edit.

    Returns
    -------
    Scenario
        Its `id` is the file's name where the file gives none.

    Raises
    ------
    MissingFileError
        There is no such file.
    ScenarioError
        It is no TOML, or says something that is not understood; with the line.

    Examples
    --------
    >>> from pathlib import Path
    >>> import technobelt as tb
    >>> import tempfile
    >>> text = '''
    ... [[edits]]
    ... id = "no bypass"
    ... do = "close"
    ... roads = { ref = ["10"], class = ["motorway"] }
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "bypass.toml")
    ...     _ = file.write_text(text)
    ...     scenario = tb.load_scenario(file)
    >>> scenario.id, str(scenario.edits[0].roads)
    ('bypass', 'ref 10; class motorway')
    """
    file = Path(path)
    if not file.is_file():
        raise MissingFileError(f"no scenario file '{file}'. Write one: see README, Scenarios.")
    text, content = parse_toml(file, ScenarioError)
    head = content.get("scenario", {})
    if not isinstance(head, dict):
        raise ScenarioError(f"{file.name}: [scenario] must be a table. Correct it there.")
    rest = {key: value for key, value in content.items() if key != "scenario"}
    try:
        return Scenario.model_validate({"id": file.stem, **head, **rest})
    except ValidationError as error:
        raise ScenarioError(
            first_fault(
                error, lambda loc: _path_in(content, loc), text, file.name, whole="scenario"
            )
        ) from error


def _path_in(content: dict[str, Any], loc: tuple[str | int, ...]) -> list[str | int]:
    """Return the keys of a fault as they stand in the file."""
    inside = loc if not loc or loc[0] in content else ("scenario", *loc)
    return keys_in(content, inside)
