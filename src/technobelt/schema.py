"""Column names, units and geometry of every layer, and the checks at the door.

A layer that passed `check_layer` has its columns, a CRS, valid shapes of the right type and unique
ids; nothing further in asks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from technobelt.errors import (
    CRSError,
    EmptyLayerError,
    GeometryError,
    LayerError,
    MissingColumnError,
)

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = [
    "LAYERS",
    "NOT_LOCATED",
    "ROAD_CLASSES",
    "WGS84",
    "Column",
    "Table",
    "check_layer",
    "check_positions",
]

WGS84 = "EPSG:4326"

#: The confidence of a row that nobody can place: it is kept, without a shape.
NOT_LOCATED = "not located"

#: OSM ``highway`` values that a car may drive, most important first; ``_link`` are their ramps.
ROAD_CLASSES: tuple[str, ...] = (
    "motorway",
    "motorway_link",
    "trunk",
    "trunk_link",
    "primary",
    "primary_link",
    "secondary",
    "secondary_link",
    "tertiary",
    "tertiary_link",
    "unclassified",
    "residential",
    "living_street",
    "service",
)

Kind = Literal["text", "integer", "number"]
Only = Literal["", "korea", "1999"]
POINT = ("Point",)
LINE = ("LineString", "MultiLineString")
AREA = ("Polygon", "MultiPolygon")
PLACE = POINT + AREA


@dataclass(frozen=True)
class Column:
    """One column: its name, what kind of values, what they mean, their unit.

    `only`: what it is of use to, where that is not any region: ``korea``, or ``1999``, the plan of
    the built-in region. Any layer may have it; a new region elsewhere is not offered it.
    """

    name: str
    kind: Kind
    doc: str
    unit: str = ""
    required: bool = True
    only: Only = ""


@dataclass(frozen=True)
class Table:
    """One layer: its name, what a row is, its geometry and columns.

    `unplaced`: rows whose confidence is `NOT_LOCATED` need no shape.
    """

    name: str
    doc: str
    geometry: tuple[str, ...]
    columns: tuple[Column, ...]
    unplaced: bool = False

    @property
    def required(self) -> list[str]:
        """Names of the columns that must be there."""
        return [column.name for column in self.columns if column.required]


def _text(name: str, doc: str, *, required: bool = True, only: Only = "") -> Column:
    return Column(name, "text", doc, required=required, only=only)


def _number(name: str, doc: str, unit: str, *, required: bool = True) -> Column:
    return Column(name, "number", doc, unit, required)


def _integer(name: str, doc: str, unit: str = "", *, required: bool = True) -> Column:
    return Column(name, "integer", doc, unit, required)


_ID = _text("id", "unique and stable; becomes the index")
_NAMES = (
    _text("name", "English name, today's spelling"),
    _text("name_ko", "Korean name", required=False, only="korea"),
    _text(
        "name_1999",
        "spelling of 1999; today's where no other is known",
        required=False,
        only="1999",
    ),
)
_PROVENANCE = (
    _text("source", "where the facts of this row come from"),
    _text("licence", "licence of that source"),
    _text("confidence", "of the position or outline: high, medium, low or not located"),
)
_PAGE = _text("page", "where the plan says so: section, table or figure")
_FACILITY = (
    _ID,
    *_NAMES,
    _text("kind", "what it is, e.g. research_university"),
    _text("cluster", "id of its cluster, or 'outside'"),
    _text("municip", "municipality, Korean name", required=False),
    _text("province", "province, English name", required=False),
    _text("special", "specialisation", required=False),
    _integer("opened_year", "year of opening", "year", required=False),
    _text("existed_1999", "yes, no, planned or unknown", required=False, only="1999"),
    *_PROVENANCE,
    _text("position_by", "how the position was found", required=False),
    _text("compared", "with other sources: agrees, moved, unconfirmed", required=False),
    _text("note", "what a reader should know", required=False),
)

_SERVICES = {
    "total": "all producer services",
    "finance": "financial institutions",
    "insur": "insurance",
    "estate": "real estate",
    "business": "business services",
}

LAYERS: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "clusters",
            "one cluster of the belt",
            AREA,
            (
                _ID,
                *_NAMES,
                _text("special", "specialisation", required=False),
                _text("municip", "municipalities it is made of", required=False),
                _number("area_km2", "area on the ellipsoid", "km2", required=False),
                *_PROVENANCE,
            ),
        ),
        Table(
            "municipalities",
            "one city, county or city district",
            AREA,
            (
                _ID,
                *_NAMES,
                _text("province", "province, English name"),
                _text("cluster", "id of its cluster, or 'outside'", required=False),
                _text(
                    "city_1999", "city or county of 1999, Korean name", required=False, only="1999"
                ),
                _integer("pop_2010", "people on 1 November 2010", "persons", required=False),
                _number("area_km2", "area on the ellipsoid", "km2", required=False),
                *_PROVENANCE,
            ),
        ),
        Table(
            "provinces",
            "one province or metropolitan city",
            AREA,
            (
                _ID,
                *_NAMES,
                _number("area_km2", "area on the ellipsoid", "km2", required=False),
                *_PROVENANCE,
            ),
        ),
        Table(
            "submunicipalities",
            "one town, township or neighbourhood (eup, myeon, dong)",
            AREA,
            (
                _ID,
                *_NAMES,
                _text("municip", "id of its municipality"),
                _text("cluster", "id of its cluster, or 'outside'", required=False),
                _number("area_km2", "area on the ellipsoid", "km2", required=False),
                *_PROVENANCE,
            ),
        ),
        Table(
            "complexes",
            "one industrial complex",
            PLACE,
            (
                *_FACILITY,
                _number("area_km2", "published area", "km2", required=False),
                _number("area_max", "largest published area", "km2", required=False),
                _text(
                    "outline", "what is known of its shape: landuse, disc, point", required=False
                ),
                _number(
                    "area_ratio", "area of that outline over the published", "ratio", required=False
                ),
            ),
            unplaced=True,
        ),
        Table(
            "outlines",
            "the outline of one complex; a disc is no border",
            AREA,
            (
                _ID,
                *_NAMES,
                _text("outline", "landuse, or disc: a circle of the published area"),
                _text("cluster", "id of its cluster, or 'outside'", required=False),
                _number("area_km2", "area of this outline on the ellipsoid", "km2"),
                _number("published", "published area", "km2", required=False),
                _number("area_ratio", "area_km2 over published", "ratio", required=False),
                *_PROVENANCE,
            ),
        ),
        Table("universities", "one university or college", PLACE, _FACILITY, unplaced=True),
        Table(
            "centres",
            "one innovation centre, institute or incubator",
            PLACE,
            _FACILITY,
            unplaced=True,
        ),
        Table(
            "positions",
            "one place's position, compared with named sites and land use",
            POINT,
            (
                _ID,
                *_NAMES,
                _text("layer", "the layer that the place is in"),
                _text("compared", "agrees, moved, unconfirmed or not located"),
                _number("off_m", "from the position as first stated", "m", required=False),
                _text("by", "what it was compared with", required=False),
                _text("site", "name of the site that was found", required=False),
                _number("land_m", "to the nearest land of its kind", "m", required=False),
                _text("was_conf", "confidence before the comparison"),
                _number("was_lon", "longitude as first stated", "degrees", required=False),
                _number("was_lat", "latitude as first stated", "degrees", required=False),
                *_PROVENANCE,
            ),
            unplaced=True,
        ),
        Table(
            "corridor",
            "one stretch of the corridor",
            LINE,
            (
                _ID,
                *_NAMES,
                _text("route_no", "route number in the road network"),
                _text("route_1999", "route number in 1999", required=False, only="1999"),
                _text("opened", "date of opening, ISO", required=False),
                _text(
                    "opened_ev", "evidence of that date: dated, assumed, unknown", required=False
                ),
                _text(
                    "in_1999",
                    "part of the corridor of 1999: yes or no",
                    required=False,
                    only="1999",
                ),
                _text(
                    "in_2021",
                    "part of that of 2021: yes, option or no",
                    required=False,
                    only="1999",
                ),
                _number("length_km", "length of the centre line", "km", required=False),
                *_PROVENANCE,
            ),
        ),
        Table(
            "interchanges",
            "one interchange or junction of an expressway",
            POINT,
            (
                _ID,
                *_NAMES,
                _text("kind", "IC, JC, TG (toll plaza) or SA (service area)"),
                _text("line", "expressway line"),
                _text("route_no", "route number"),
                _integer("order", "position along the line"),
                _number("km", "official kilometre along the line", "km", required=False),
                _text("opened", "date of opening, ISO", required=False),
                _text("existed_1999", "yes, no, assumed or unknown", required=False, only="1999"),
                *_PROVENANCE,
            ),
        ),
        Table(
            "population",
            "one inhabited cell",
            POINT,
            (
                _ID,
                _number("population", "people", "persons"),
                _text("municip", "id of its municipality", required=False),
                *_PROVENANCE,
            ),
        ),
        Table(
            "land",
            "one cell of the land grid, at its centre",
            POINT,
            (
                _number("cell_m", "side of the cell", "m"),
                _text("cluster", "id of its cluster, or 'outside'", required=False),
                _number("water", "share of water", "0 to 1"),
                _number("wood", "share of wood", "0 to 1"),
                _number("industry", "share of industrial land", "0 to 1", required=False),
                _number("built", "share of built land", "0 to 1", required=False),
                _number("military", "share of military land", "0 to 1", required=False),
                _number("relief_m", "highest minus lowest ground within 500 m", "m"),
            ),
        ),
        Table(
            "barriers",
            "one water body that no access leg may cross",
            AREA,
            (*_PROVENANCE,),
        ),
        Table(
            "growth_poles",
            "one national industrial estate or export processing zone of the 1960s and 70s",
            POINT,
            (
                _ID,
                *_NAMES,
                _text("kind", "national_industrial_complex or free_trade_zone"),
                _integer("opened_year", "year of opening", "year", required=False),
                _text("special", "specialisation", required=False),
                _PAGE,
                *_PROVENANCE,
            ),
        ),
        Table(
            "local_plans",
            "one locally initiated plan to cluster an industry",
            AREA,
            (
                _ID,
                *_NAMES,
                _text("special", "the industry"),
                _number("pop_said", "people, as the plan says", "persons", required=False),
                _PAGE,
                *_PROVENANCE,
            ),
        ),
        Table(
            "producer_services",
            "the workers in producer services of one region",
            AREA,
            (
                _ID,
                *_NAMES,
                _text("region", "larger region", required=False),
                *(
                    column
                    for name, words in _SERVICES.items()
                    for column in (
                        _integer(name, f"workers, {words}", "persons"),
                        _number(f"{name}_pct", f"share of the nation's workers, {words}", "%"),
                    )
                ),
                _PAGE,
                *_PROVENANCE,
            ),
            unplaced=True,
        ),
        Table(
            "mechanical_industry",
            "one mechanical engineering industry of a province",
            AREA,
            (
                _ID,
                *_NAMES,
                _integer("firms", "firms", "count"),
                _number("firms_pct", "their share of the nation's", "%"),
                _integer("output", "gross output", "million won"),
                _number("output_pct", "its share of the nation's", "%"),
                _integer("workers", "workers", "persons"),
                _number("work_pct", "their share of the nation's", "%"),
                _PAGE,
                *_PROVENANCE,
            ),
        ),
    )
}


def check_layer(frame: gpd.GeoDataFrame, table: Table, *, found_in: str) -> None:
    """Refuse a layer that lacks something; say what, where and what to do.

    Parameters
    ----------
    frame
        The layer as it was read, its own CRS.
    table
        What it must be.
    found_in
        The file's name, for the message.

    Raises
    ------
    LayerError
        It is empty, or an id comes twice.
    MissingColumnError
        A column is missing.
    CRSError
        It has no CRS, or coordinates that do not fit it.
    GeometryError
        A shape is missing, invalid or of another type.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> frame = gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(0, 0)], crs=4326)
    >>> check_layer(frame, LAYERS["population"], found_in="people.gpkg")
    Traceback (most recent call last):
    technobelt.errors.MissingColumnError: layer 'population' (people.gpkg) needs column 'population'; ...
    """  # noqa: E501
    name = f"layer '{table.name}' ({found_in})"
    if frame.empty:
        said = "Add at least one row, or take the layer out of region.toml if nothing asks for it."
        raise EmptyLayerError(f"{name} is empty. {said}")
    _check_columns(frame, table, name)
    _check_ids(frame, name)
    _check_geometry(frame, table, name)
    check_positions(frame, name)


def _check_columns(frame: gpd.GeoDataFrame, table: Table, name: str) -> None:
    missing = [column for column in table.required if column not in frame.columns]
    if missing:
        found = ", ".join(str(column) for column in frame.columns)
        raise MissingColumnError(
            f"{name} needs column '{missing[0]}'; found: {found}. "
            f"Add it, or map it in region.toml [layers.{table.name}.columns]."
        )
    for column in table.columns:
        if column.kind != "text" and column.name in frame.columns:
            _check_numeric(frame, column.name, name)


def _check_numeric(frame: gpd.GeoDataFrame, column: str, name: str) -> None:
    import pandas as pd

    values = frame[column]
    bad = pd.to_numeric(values, errors="coerce").isna() & values.notna()
    if bad.any():
        first = values[bad].iloc[0]
        raise LayerError(
            f"{name} column '{column}' must hold numbers; found {first!r} in row "
            f"{int(bad.to_numpy().argmax()) + 1}. Correct the value or leave it empty."
        )


def _check_ids(frame: gpd.GeoDataFrame, name: str) -> None:
    if "id" not in frame.columns:
        return
    if frame["id"].isna().any():
        row = int(frame["id"].isna().to_numpy().argmax()) + 1
        raise LayerError(f"{name} has no id in row {row}. Give every row an id of its own.")
    twice = frame["id"][frame["id"].duplicated()]
    if len(twice):
        raise LayerError(f"{name} has the id {twice.iloc[0]!r} twice. Give every row its own.")


def _check_geometry(frame: gpd.GeoDataFrame, table: Table, name: str) -> None:
    if frame.crs is None:
        raise CRSError(
            f"{name} has no coordinate reference system. Save it with one (a .prj beside a "
            f'shapefile), or name it in region.toml: [layers.{table.name}] crs = "EPSG:...".'
        )
    shapes = frame.geometry
    missing = shapes.isna() | shapes.is_empty
    unplaced = missing & table.unplaced
    if table.unplaced:
        unplaced &= frame["confidence"] == NOT_LOCATED
    if unplaced.all():
        raise GeometryError(f"{name} has not one row that is located. Place at least one.")
    if (missing & ~unplaced).any():
        raise GeometryError(
            f"{name} has no geometry in row {_row(missing & ~unplaced)}. Place it, "
            + (f"mark its confidence '{NOT_LOCATED}', " if table.unplaced else "")
            + "or take the row out."
        )
    wrong = ~missing & ~shapes.geom_type.isin(table.geometry)
    if wrong.any():
        found = shapes[wrong].geom_type.iloc[0]
        raise GeometryError(
            f"{name} must hold {' or '.join(table.geometry)}; found {found} in row {_row(wrong)}."
        )
    invalid = ~missing & ~shapes.is_valid
    if invalid.any():
        import shapely

        reason = shapely.is_valid_reason(shapes[invalid].iloc[0])
        raise GeometryError(
            f"{name} has an invalid shape in row {_row(invalid)}: {reason}. "
            "Repair it (QGIS: Fix geometries; shapely: make_valid)."
        )


def _row(mask: object) -> str:
    import numpy as np

    return str(int(np.asarray(mask).argmax()) + 1)


def check_positions(frame: gpd.GeoDataFrame, name: str) -> None:
    """Refuse coordinates that cannot be in the frame's CRS.

    Raises
    ------
    CRSError
        Longitude and latitude are exchanged, or metres stand where degrees should.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> swapped = gpd.GeoDataFrame(geometry=[shapely.Point(35.2, 128.6)], crs=4326)
    >>> check_positions(swapped, "layer 'complexes'")
    Traceback (most recent call last):
    technobelt.errors.CRSError: layer 'complexes': longitude and latitude are exchanged ...
    """
    if frame.crs is None or not frame.crs.is_geographic:
        return
    west, south, east, north = frame.total_bounds
    if west >= -90 and east <= 90 and (south < -90 or north > 90) and -180 <= south <= north <= 180:
        raise CRSError(
            f"{name}: longitude and latitude are exchanged (x {west:.4f} to {east:.4f}, "
            f"y {south:.4f} to {north:.4f}). Points are LON,LAT: x is the longitude."
        )
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise CRSError(
            f"{name}: its CRS is in degrees, its coordinates are not (x {west:.1f} to {east:.1f}, "
            f"y {south:.1f} to {north:.1f}). Name the CRS that they are really in."
        )
