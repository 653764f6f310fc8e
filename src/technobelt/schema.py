"""Column names, units and geometry of every layer, and the checks at the door.

A layer that passed `check_layer` has its columns, a CRS, valid shapes of the right type and unique
ids; nothing further in asks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from technobelt.errors import (
    CRSError,
    GeometryError,
    LayerError,
    MissingColumnError,
)

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = [
    "LAYERS",
    "ROAD_CLASSES",
    "WGS84",
    "Column",
    "Table",
    "check_layer",
    "check_positions",
]

WGS84 = "EPSG:4326"

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
POINT = ("Point",)
LINE = ("LineString", "MultiLineString")
AREA = ("Polygon", "MultiPolygon")
PLACE = POINT + AREA


@dataclass(frozen=True)
class Column:
    """One column: its name, what kind of values, what they mean, their unit."""

    name: str
    kind: Kind
    doc: str
    unit: str = ""
    required: bool = True


@dataclass(frozen=True)
class Table:
    """One layer: its name, what a row is, its geometry and columns."""

    name: str
    doc: str
    geometry: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def required(self) -> list[str]:
        """Names of the columns that must be there."""
        return [column.name for column in self.columns if column.required]


def _text(name: str, doc: str, *, required: bool = True) -> Column:
    return Column(name, "text", doc, required=required)


def _number(name: str, doc: str, unit: str, *, required: bool = True) -> Column:
    return Column(name, "number", doc, unit, required)


def _integer(name: str, doc: str, unit: str = "", *, required: bool = True) -> Column:
    return Column(name, "integer", doc, unit, required)


_ID = _text("id", "unique and stable; becomes the index")
_NAMES = (
    _text("name", "English name, today's spelling"),
    _text("name_ko", "Korean name", required=False),
    _text("name_1999", "spelling of 1999 (McCune-Reischauer), where it differs", required=False),
)
_PROVENANCE = (
    _text("source", "where the facts of this row come from"),
    _text("licence", "licence of that source"),
    _text("confidence", "of the position or outline: high, medium or low"),
)
_FACILITY = (
    _ID,
    *_NAMES,
    _text("kind", "what it is, e.g. research_university"),
    _text("cluster", "id of its cluster, or 'outside'"),
    _text("municip", "municipality, Korean name", required=False),
    _text("province", "province, English name", required=False),
    _text("special", "specialisation", required=False),
    _integer("opened_year", "year of opening", "year", required=False),
    _text("existed_1999", "yes, no, planned or unknown", required=False),
    *_PROVENANCE,
    _text("position_by", "how the position was found", required=False),
    _text("note", "what a reader should know", required=False),
)

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
                _text("city_1999", "city or county of 1999, Korean name", required=False),
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
            ),
        ),
        Table("universities", "one university or college", PLACE, _FACILITY),
        Table("centres", "one innovation centre, institute or incubator", PLACE, _FACILITY),
        Table(
            "corridor",
            "one stretch of the corridor",
            LINE,
            (
                _ID,
                *_NAMES,
                _text("route_no", "route number in the road network"),
                _text("route_1999", "route number in 1999", required=False),
                _text("opened", "date of opening, ISO", required=False),
                _text(
                    "opened_ev", "evidence of that date: dated, assumed, unknown", required=False
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
                _text("existed_1999", "yes, no, assumed or unknown", required=False),
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
                _number("relief_m", "highest minus lowest ground within 500 m", "m"),
            ),
        ),
        Table(
            "barriers",
            "one water body that no access leg may cross",
            AREA,
            (*_PROVENANCE,),
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
        raise LayerError(f"{name} is empty. Add at least one row; 'plan' cannot work without it.")
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
    if missing.any():
        raise GeometryError(
            f"{name} has no geometry in row {_row(missing)}. Place it or take the row out."
        )
    wrong = ~shapes.geom_type.isin(table.geometry)
    if wrong.any():
        found = shapes[wrong].geom_type.iloc[0]
        raise GeometryError(
            f"{name} must hold {' or '.join(table.geometry)}; found {found} in row {_row(wrong)}."
        )
    invalid = ~shapes.is_valid
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
