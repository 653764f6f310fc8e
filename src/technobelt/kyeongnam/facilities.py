"""Complexes, universities and centres: places with their facts and how sure their position is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.errors import LayerError
from technobelt.kyeongnam.boundaries import ellipsoid_km2, locate, read_municipalities
from technobelt.kyeongnam.outlines import draw_outlines, holds
from technobelt.kyeongnam.positions import STEPS, compare
from technobelt.kyeongnam.source import FACILITIES, numbers, read_table, refuse, refuse_first
from technobelt.kyeongnam.water import read_landuse
from technobelt.kyeongnam.wording import (
    FACTS_LICENCE,
    OSM_LICENCE,
    OSM_SOURCE,
    largest_area,
    name_of_1999,
    plain_name,
    plain_note,
    plain_source,
)
from technobelt.schema import NOT_LOCATED, WGS84

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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
    "make_outlines",
    "make_positions",
    "make_universities",
    "read_facilities",
]

COMPLEXES = ("national_industrial_complex", "general_industrial_complex", "free_trade_zone")
UNIVERSITIES = ("research_university", "vocational_college")
CENTRES = (
    "technopark",
    "technology_innovation_centre",
    "business_incubator",
    "research_institute",
)
LAYERS_OF = {"complexes": COMPLEXES, "universities": UNIVERSITIES, "centres": CENTRES}

#: Names of 1999 that today's name does not tell.
NAMED_1999 = {
    "NIC02": "Okpo National Industrial Complex (Daewoo shipyard)",
    "NIC05": "Chinhae National Industrial Complex (Daedong shipyard)",
    "VOC01": "Changwon Technical College",  # as the plan calls it
    "RES02": "Korea Institute of Machinery & Materials (KIMM), Changwon branch",
}
_WORDS = {
    "kind": (*COMPLEXES, *UNIVERSITIES, *CENTRES),
    "existed_1999": ("yes", "no", "planned", "unknown"),
    "confidence": STEPS,
}
_YEARS = (1800, 2100)
_COLUMNS = (
    *("id", "kind", "name_en", "name_ko", "cluster", "lon", "lat", "area_km2", "opened_year"),
    *("existed_1999", "specialisation", "source", "coordinate_source", "confidence"),
    *("municipality_ko", "note"),
)


def make_facilities(source: Path, kinds: Sequence[str]) -> gpd.GeoDataFrame:
    """Return the facilities of some kinds, WGS 84 with five decimals, in the order of the source.

    Those that nobody can place are kept without a shape, their confidence ``not located``.

    Parameters
    ----------
    source
        Folder of the source material.
    kinds
        Which kinds of facility.

    Returns
    -------
    geopandas.GeoDataFrame
        The columns of the schema's facilities.

    Raises
    ------
    LayerError
        Two rows have one id, a number is none, or a position is not in the municipality or the
        cluster that the row names; the file and line are named.
    """
    table, places, codes = _checked_places(source)
    areas = read_municipalities(source)
    mine = table["kind"].isin(kinds)
    if not mine.any():
        raise LayerError(f"'{FACILITIES}' has no row of the kinds {', '.join(kinds)}.")
    return places.loc[mine, ["geometry"]].assign(
        **_facts(table[mine], places[mine]),
        province=codes.map(areas["prov_en"]).reindex(table.index[mine]),
    )


def _checked_places(source: Path) -> tuple[pd.DataFrame, gpd.GeoDataFrame, pd.Series[str]]:
    """Return the facilities, their positions, and the municipality that holds each."""
    import geopandas as gpd

    table = read_facilities(source)
    places = compare(source, table)
    areas = read_municipalities(source)
    located = places[places["confidence"] != NOT_LOCATED]
    stated = located.set_geometry(
        gpd.points_from_xy(located["was_lon"], located["was_lat"]), crs=WGS84
    )
    for points in (stated, located):
        codes = locate(points.geometry, areas)
        check_places(table.loc[located.index], codes, areas)
    return table, places, codes


make_universities = partial(make_facilities, kinds=UNIVERSITIES)
make_centres = partial(make_facilities, kinds=CENTRES)


def make_complexes(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``complexes``: their points, and what is known of their outlines."""
    frame = make_facilities(source, COMPLEXES)
    drawn = _drawn(source, frame)
    return frame.assign(outline=drawn["outline"], area_ratio=drawn["area_ratio"])


def make_outlines(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``outlines``: the complexes of which more than a point is known, WGS 84."""
    frame = make_facilities(source, COMPLEXES)
    drawn = _drawn(source, frame)
    shown = drawn["outline"] != "point"
    frame, drawn = frame[shown], drawn[shown].to_crs(WGS84)
    mapped = (drawn["outline"] == "landuse").to_numpy()
    return drawn[["outline", "area_ratio", "geometry"]].assign(
        **{name: frame[name] for name in ("id", "name", "name_ko", "name_1999", "cluster")},
        area_km2=ellipsoid_km2(drawn.geometry.to_numpy()),
        published=frame["area_km2"],
        area_ratio=drawn["area_ratio"].where(mapped),
        source=np.where(
            mapped,
            f"{OSM_SOURCE}: industrial land joined over gaps of up to 120 m",
            "a disc of the published area: no border is known",
        ),
        licence=np.where(mapped, OSM_LICENCE, FACTS_LICENCE),
        confidence=np.where(mapped, "medium", "low"),
    )


def make_positions(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``positions``: how each place's position compares, WGS 84."""
    table, places, _ = _checked_places(source)
    layer = {kind: name for name, kinds in LAYERS_OF.items() for kind in kinds}
    columns = ["compared", "by", "site", "confidence", "was_conf", "was_lon", "was_lat", "geometry"]
    name = table["name_en"].map(plain_name)
    return places[columns].assign(
        id=table["id"],
        name=name,
        name_ko=table["name_ko"],
        name_1999=[
            _old_name(*row) for row in zip(table["id"], name, table["existed_1999"], strict=True)
        ],
        layer=table["kind"].map(layer),
        off_m=places["off_m"].round(),
        land_m=places["land_m"].round(),
        source=f"sites and land use: {OSM_SOURCE}",
        licence=f"{FACTS_LICENCE}; {OSM_LICENCE}",
    )


def _drawn(source: Path, complexes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the outlines of the complexes that are located; the others are points nowhere."""
    landuse = read_landuse(source)
    industrial = landuse.geometry[landuse["class"] == "industrial"].to_numpy()
    there = complexes.geometry.notna()
    drawn = draw_outlines(complexes[there], industrial)
    lost = drawn.index[~holds(drawn, complexes.geometry[there])]
    if len(lost):
        place = complexes.loc[lost[0], "id"]
        refuse(FACILITIES, lost[0], f"the outline of {place} does not hold its own point")
    whole = drawn.reindex(complexes.index)
    return whole.assign(outline=whole["outline"].fillna("point"))


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


def read_facilities(source: Path) -> pd.DataFrame:
    """Read the facilities' file as text, indexed by line.

    Raises
    ------
    LayerError
        An id stands twice, a name is missing, or a word or number is not what it should be; the
        line is named.
    """
    table = read_table(source, FACILITIES, _COLUMNS)
    for column in ("id", "name_en", "name_ko"):
        refuse_first(table[column], table[column].str.strip() == "", FACILITIES, "is empty")
    refuse_first(table["id"], table["id"].duplicated(), FACILITIES, "stands twice")
    for column, words in _WORDS.items():
        bad = ~table[column].isin(list(words))
        refuse_first(table[column], bad, FACILITIES, f"is not one of {', '.join(words)}")
    _check_numbers(table)
    return table


def _check_numbers(table: pd.DataFrame) -> None:
    """Refuse areas that are none, years that are none, and what stood before it opened."""
    area, year = (numbers(table, column, FACILITIES) for column in ("area_km2", "opened_year"))
    refuse_first(table["area_km2"], (area <= 0) | np.isinf(area), FACILITIES, "is no area")
    odd = year.notna() & (~year.between(*_YEARS) | (year % 1 != 0))
    refuse_first(table["opened_year"], odd, FACILITIES, f"is no year from {_YEARS[0]} on")
    late = (year > 1999) & (table["existed_1999"] == "yes")
    early = (year < 1999) & table["existed_1999"].isin(["no", "planned"])
    what = "contradicts its year of opening"
    refuse_first(table["existed_1999"], late | early, FACILITIES, what)


def _facts(table: pd.DataFrame, places: gpd.GeoDataFrame) -> dict[str, object]:
    areas = numbers(table, "area_km2", FACILITIES)
    name = table["name_en"].map(plain_name)
    old = [_old_name(*row) for row in zip(table["id"], name, table["existed_1999"], strict=True)]
    mapped = places["mapped"].to_numpy()
    facts: dict[str, object] = {
        "id": table["id"],
        "name": name,
        "name_ko": table["name_ko"],
        "name_1999": old,
        "kind": table["kind"],
        "cluster": table["cluster"],
        "municip": table["municipality_ko"].replace("", None),
        "special": table["specialisation"].replace("", None),
        "opened_year": numbers(table, "opened_year", FACILITIES).astype("Int64"),
        "existed_1999": table["existed_1999"],
        "source": table["source"].map(plain_source),
        "licence": np.where(mapped, f"{FACTS_LICENCE}; position: {OSM_LICENCE}", FACTS_LICENCE),
        "confidence": places["confidence"],
        "position_by": [_position_by(*row) for row in _rows(table, places)],
        "compared": places["compared"],
        "note": table["note"].map(plain_note),
    }
    if table["kind"].isin(COMPLEXES).all():
        largest = [largest_area(*pair) for pair in zip(areas, table["note"], strict=True)]
        facts |= {"area_km2": areas, "area_max": largest}
    return facts


def _old_name(place: str, name: str, existed: str) -> str:
    """Return the name of 1999; what came later never bore another than today's."""
    return NAMED_1999.get(place) or (name if existed == "no" else name_of_1999(name))


def _rows(table: pd.DataFrame, places: gpd.GeoDataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from zip(table["coordinate_source"], places.to_dict("records"), strict=True)


def _position_by(stated: str, place: dict[str, Any]) -> str:
    """Say how a position was found, and what it was compared with."""
    if place["confidence"] == NOT_LOCATED:
        return "not located: no source gives a position"
    said = plain_source(stated)
    if place["site"] is None:
        return said
    site, off = f"{OSM_SOURCE}, '{place['site']}'", f"{place['off_m']:.0f} m"
    if place["mapped"]:
        return f"{site}, {off} from the position first stated ({said})"
    return f"{said}; {site}, lies {off} off"
