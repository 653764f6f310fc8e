"""Complexes, universities and centres: places with their facts and how sure their position is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from technobelt.errors import LayerError
from technobelt.kyeongnam.boundaries import locate, read_municipalities
from technobelt.kyeongnam.source import FACILITIES, numbers, read_table, refuse, refuse_first
from technobelt.kyeongnam.wording import (
    FACTS_LICENCE,
    largest_area,
    name_of_1999,
    plain_name,
    plain_note,
    plain_source,
)
from technobelt.schema import WGS84

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

__all__ = [
    "CENTRES",
    "COMPLEXES",
    "UNIVERSITIES",
    "check_places",
    "make_centres",
    "make_complexes",
    "make_facilities",
    "make_universities",
    "not_located",
]

COMPLEXES = ("national_industrial_complex", "general_industrial_complex", "free_trade_zone")
UNIVERSITIES = ("research_university", "vocational_college")
CENTRES = (
    "technopark",
    "technology_innovation_centre",
    "business_incubator",
    "research_institute",
)

_COLUMNS = (
    *("id", "kind", "name_en", "name_ko", "cluster", "lon", "lat", "area_km2", "opened_year"),
    *("existed_1999", "specialisation", "source", "coordinate_source", "confidence"),
    *("municipality_ko", "note"),
)


def make_facilities(source: Path, kinds: Sequence[str]) -> gpd.GeoDataFrame:
    """Return the facilities of some kinds that have a position, WGS 84 with five decimals.

    Parameters
    ----------
    source
        Folder of the source material.
    kinds
        Which kinds of facility.

    Returns
    -------
    geopandas.GeoDataFrame
        In the order of the source; the columns of the schema's facilities.

    Raises
    ------
    LayerError
        Two rows have one id, a number is none, or a position is not in the municipality or the
        cluster that the row names; the file and line are named.
    """
    table = _read(source)
    placed = _placed(table[table["kind"].isin(kinds) & (table["lon"] != "")])
    areas = read_municipalities(source)
    codes = locate(placed.geometry, areas)
    check_places(placed, codes, areas)
    return placed[["geometry"]].assign(
        **_facts(placed),
        province=codes.map(areas["prov_en"]),
        licence=FACTS_LICENCE,
    )


make_complexes = partial(make_facilities, kinds=COMPLEXES)
make_universities = partial(make_facilities, kinds=UNIVERSITIES)
make_centres = partial(make_facilities, kinds=CENTRES)


def not_located(source: Path) -> pd.DataFrame:
    """Return ``id`` and ``name`` of the facilities that no source gives a position for."""
    table = _read(source)
    return table.loc[table["lon"] == "", ["id", "name_en"]].rename(columns={"name_en": "name"})


def check_places(placed: gpd.GeoDataFrame, codes: pd.Series[str], areas: gpd.GeoDataFrame) -> None:
    """Refuse a place that is not in the municipality and the cluster that its row names.

    Parameters
    ----------
    placed
        The facilities, with ``id``, ``municipality_ko`` and ``cluster``, indexed by line.
    codes
        The municipality that holds each, from `locate`.
    areas
        The municipalities, indexed by code.

    Raises
    ------
    LayerError
        One stands elsewhere; the line is named.
    """
    for line, code in codes.items():
        row = placed.loc[line]
        if not isinstance(code, str):
            refuse(FACILITIES, line, f"{row['id']} lies in no municipality")
        found = areas.loc[code]
        for column, said, is_in in (
            ("municipality", row["municipality_ko"], found["name_ko"]),
            ("cluster", row["cluster"], found["cluster"]),
        ):
            if said != is_in:
                where = f"should stand in the {column} '{said}', its position is in '{is_in}'"
                refuse(FACILITIES, line, f"{row['id']} {where}")


def _read(source: Path) -> pd.DataFrame:
    table = read_table(source, FACILITIES, _COLUMNS)
    known = [*COMPLEXES, *UNIVERSITIES, *CENTRES]
    refuse_first(table["id"], table["id"].duplicated(), FACILITIES, "stands twice")
    refuse_first(table["kind"], ~table["kind"].isin(known), FACILITIES, f"is not one of {known}")
    return table


def _placed(table: pd.DataFrame) -> gpd.GeoDataFrame:
    import geopandas as gpd

    if table.empty:
        raise LayerError(f"'{FACILITIES}' has no row with a position of the kinds asked for.")
    lon, lat = (numbers(table, column, FACILITIES).round(5) for column in ("lon", "lat"))
    refuse_first(table["lon"], ~lon.between(124, 132), FACILITIES, "is no longitude of Korea")
    refuse_first(table["lat"], ~lat.between(33, 39), FACILITIES, "is no latitude of Korea")
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(lon, lat), crs=WGS84)


def _facts(placed: gpd.GeoDataFrame) -> dict[str, object]:
    areas = numbers(placed, "area_km2", FACILITIES)
    name = placed["name_en"].map(plain_name)
    facts: dict[str, object] = {
        "id": placed["id"],
        "name": name,
        "name_ko": placed["name_ko"],
        "name_1999": name.map(name_of_1999),
        "kind": placed["kind"],
        "cluster": placed["cluster"],
        "municip": placed["municipality_ko"],
        "special": placed["specialisation"].replace("", None),
        "opened_year": numbers(placed, "opened_year", FACILITIES).astype("Int64"),
        "existed_1999": placed["existed_1999"],
        "source": placed["source"].map(plain_source),
        "confidence": placed["confidence"],
        "position_by": placed["coordinate_source"].map(plain_source),
        "note": placed["note"].map(plain_note),
    }
    if placed["kind"].isin(COMPLEXES).all():
        largest = [largest_area(*pair) for pair in zip(areas, placed["note"], strict=True)]
        facts |= {"area_km2": areas, "area_max": largest}
    return facts
