"""Every facility's position compared with two sources of its own: named sites and land use.

A comparison ends in one of three words, and a fourth for what stands nowhere:

``agrees``
    A site of the same name lies within 500 m; or the place stands on land of its kind, and no
    site of its name is farther than the label of a large one may be; or its host agrees.
``moved``
    A site of the same name lies farther off: the position is now that site's.
``unconfirmed``
    Nothing to compare with was found. That proves nothing: neither source is complete.
``not located``
    No source gives a position. The row is kept, without a shape.

Only a site of the same name within 500 m raises the confidence, by one step; names of other years,
firms' names and other spellings count as the same where `OTHER_NAMES` lists them. A position that
rests on general knowledge, or is only the host's, gives way to the mapped one even where the two
agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.kyeongnam.boundaries import METRES
from technobelt.kyeongnam.source import FACILITIES, SITES, numbers, read_table, refuse_first
from technobelt.kyeongnam.water import read_landuse
from technobelt.schema import NOT_LOCATED, WGS84

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

__all__ = [
    "NEAR_M",
    "OTHER_NAMES",
    "PARTS",
    "compare",
    "hosts_of",
    "plain_site_name",
    "raised",
]

NEAR_M = 500.0  # a site of the same name as near as this agrees
LABEL_M = 1_000.0  # the name of a large site is written as far as this from its gate
FAR_M = 10_000.0  # one farther off than this is another place of that name
ON_LAND_M = 120.0  # a gate stands as near as this to the land that it leads to
STEPS = ("low", "medium", "high")

#: Which land use a kind of place stands on, so that standing there agrees.
LAND = {
    "national_industrial_complex": ("industrial",),
    "general_industrial_complex": ("industrial",),
    "free_trade_zone": ("industrial",),
    "research_university": ("university", "college"),
    "vocational_college": ("university", "college"),
}

#: Names that maps give to a place beside its own: of another year, a firm's, or spelt otherwise.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "NIC02": ("대우조선해양 옥포조선소",),  # the shipyard is the complex
    "NIC03": ("삼성중공업 거제조선소",),
    "NIC05": ("STX조선해양 진해조선소",),
    "NIC12": ("녹산국가산업단지",),
    "GIC13": ("양산 웅상 농공단지",),
    "GIC16": ("창원 마천일반산업단지",),
    "UNI01": ("경상대학교 가좌캠퍼스",),  # until 2021
    "VOC01": ("한국폴리텍대학 창원캠퍼스",),
    "VOC03": ("한국폴리택대학 진주캠퍼스",),  # spelt so on the map
    "VOC07": ("김해대학",),
    "RES02": ("한국기계연구원 재료연구소",),  # between 2007 and 2020
    "BI03": ("경상대학교 창업보육센터",),
}

#: Buildings that stand on the place's own grounds, under a name of earlier years.
PARTS: dict[str, tuple[str, ...]] = {
    "VOC04": ("항공기능대학 도서관",),  # its library
    "VOC09": ("연암공업대학 도서관",),
}

_SAME_NAME, _PART = "site of the same name", "part of it"
_WEAK = re.compile(r"^(?:general knowledge|host (?:campus|site))\b")
#: What institutes, technoparks and centres may stand on: being there proves nothing.
_ANY_LAND = ("industrial", "commercial", "university", "college")
_HOSTED = re.compile(r"^host (?:campus|site)\b")
_GUESSED = re.compile(r"^placed at\b")
_HOSTS = ("research_university", "research_institute", "technopark")


@dataclass(frozen=True)
class _Sites:
    """Named sites: their plain names, names as mapped, and positions in metres."""

    plain: NDArray[np.object_]
    names: NDArray[np.object_]
    xy: NDArray[np.float64]


def compare(source: Path, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Compare the positions of facilities with named sites and land use.

    Parameters
    ----------
    source
        Folder of the source material.
    table
        Rows of the facilities' file as text: ``id``, ``kind``, ``name_ko``, ``lon``, ``lat``,
        ``confidence``, ``coordinate_source``, indexed by line.

    Returns
    -------
    geopandas.GeoDataFrame
        A row each, the same index, WGS 84: the position to use (None where not located), and
        ``compared``, ``off_m`` (between the position first stated and the site), ``by``, ``site``,
        ``land_m`` (to the nearest land that it may stand on), ``confidence``, ``was_conf``,
        ``was_lon``, ``was_lat``, ``mapped`` (whether the position is now the mapped site's).

    Raises
    ------
    LayerError
        A position is no number, or not in Korea; the file and line are named.
    """
    import geopandas as gpd

    sites, stated = _read_sites(source), _stated(table)
    xy = shapely.get_coordinates(stated.to_crs(METRES).geometry.to_numpy())
    land_m = _land_distances(source, table.loc[stated.index], xy)
    found = pd.DataFrame(
        [
            _compared(row, here, sites, near)
            for row, here, near in zip(
                table.loc[stated.index].to_dict("records"), xy, land_m, strict=True
            )
        ],
        index=stated.index,
    )
    found = _with_hosts(found, hosts_of(table))
    x, y = (found[axis].to_numpy(float) for axis in ("x", "y"))
    points = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=METRES, index=found.index).to_crs(WGS84)
    points = points.where(found["mapped"], stated.geometry)
    return _whole(found.drop(columns=["x", "y"]), points, table)


def hosts_of(table: pd.DataFrame) -> dict[Any, Any]:
    """Return the line of the host for the line of each place that stands at a host's.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "kind": ["research_university", "business_incubator"], "lon": "128.1", "lat": "35.1",
    ...     "coordinate_source": ["a page", "host site"],
    ... })
    >>> hosts_of(table)
    {1: 0}
    """
    spot = list(zip(table["lon"], table["lat"], strict=True))
    hosts = {
        at: line
        for line, at, kind in zip(table.index, spot, table["kind"], strict=True)
        if kind in _HOSTS
    }
    guests = table["coordinate_source"].str.contains(_HOSTED).to_numpy()
    pairs = zip(table.index, spot, guests, strict=True)
    return {line: hosts[at] for line, at, guest in pairs if guest and at in hosts}


def plain_site_name(name: str) -> str:
    """Return a Korean name as it is compared: without spaces, brackets and the word national.

    Examples
    --------
    >>> plain_site_name("국립창원대학교"), plain_site_name("양산일반산업단지 (유산공단)")
    ('창원대학교', '양산일반산업단지')
    """
    return re.sub(r"^국립|\([^)]*\)|\s", "", name)


def raised(confidence: str) -> str:
    """Return the confidence one step up.

    Examples
    --------
    >>> raised("low"), raised("high")
    ('medium', 'high')
    """
    return STEPS[min(STEPS.index(confidence) + 1, len(STEPS) - 1)]


def _stated(table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the positions as stated, without those that are missing or guessed."""
    import geopandas as gpd

    placed = table[(table["lon"] != "") & ~table["coordinate_source"].str.contains(_GUESSED)]
    lon, lat = (numbers(placed, column, FACILITIES).round(5) for column in ("lon", "lat"))
    refuse_first(placed["lon"], ~lon.between(124, 132), FACILITIES, "is no longitude of Korea")
    refuse_first(placed["lat"], ~lat.between(33, 39), FACILITIES, "is no latitude of Korea")
    return gpd.GeoDataFrame(index=placed.index, geometry=gpd.points_from_xy(lon, lat, crs=WGS84))


def _read_sites(source: Path) -> _Sites:
    import geopandas as gpd

    table = read_table(source, SITES, ["name", "lon", "lat"])
    lon, lat = (numbers(table, column, SITES) for column in ("lon", "lat"))
    for column in ("lon", "lat"):
        refuse_first(table[column], table[column] == "", SITES, "is empty")
    points = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=WGS84).to_crs(METRES)
    return _Sites(
        table["name"].map(plain_site_name).to_numpy(object),
        table["name"].to_numpy(object),
        shapely.get_coordinates(points.to_numpy()),
    )


def _land_distances(
    source: Path, table: pd.DataFrame, xy: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far each place is from the nearest land that it may stand on."""
    landuse, points = read_landuse(source), np.asarray(shapely.points(xy), dtype=object)
    out = np.full(len(table), np.nan)
    for classes in dict.fromkeys([*LAND.values(), _ANY_LAND]):
        mine = np.array([LAND.get(kind, _ANY_LAND) == classes for kind in table["kind"]])
        tree = shapely.STRtree(landuse.geometry[landuse["class"].isin(classes)].to_numpy())
        if mine.any() and len(tree.geometries):
            (which, _), distance = tree.query_nearest(
                points[mine], return_distance=True, all_matches=False
            )
            out[np.flatnonzero(mine)[which]] = distance
    return out


def _compared(
    row: dict[str, Any], here: NDArray[np.float64], sites: _Sites, land_m: float
) -> dict[str, Any]:
    """Compare one place: with sites of its name, with its parts, with land of its kind."""
    own = (row["name_ko"], *_bracketed(row["name_ko"]))
    named = (
        (own, _SAME_NAME),
        (OTHER_NAMES.get(row["id"], ()), "site under another of its names"),
        (PARTS.get(row["id"], ()), _PART),
    )
    result: dict[str, Any] = {"x": here[0], "y": here[1], "mapped": False, "site": None}
    result |= {"off_m": np.nan, "land_m": land_m, "confidence": row["confidence"]}
    on_land = row["kind"] in LAND and land_m <= ON_LAND_M
    for names, by in named:
        off, at = _nearest(sites, names, here)
        if off > FAR_M:
            continue
        near, weak = off <= NEAR_M, bool(_WEAK.match(row["coordinate_source"]))
        result |= {"off_m": off, "site": sites.names[at]}
        if not near and on_land and off <= LABEL_M:
            break
        result |= {"compared": "agrees" if near else "moved", "by": by}
        if weak or not near:
            result |= {"x": sites.xy[at, 0], "y": sites.xy[at, 1], "mapped": True}
        if near and by != _PART:
            result["confidence"] = raised(row["confidence"])
        return result
    return result | {
        "compared": "agrees" if on_land else "unconfirmed",
        "by": f"{LAND[row['kind']][0]} land" if on_land else None,
    }


def _bracketed(name: str) -> list[str]:
    """Return the names in brackets: those of other years."""
    return [plain_site_name(part) for part in re.findall(r"\(([^)]*)\)", name)]


def _nearest(sites: _Sites, names: tuple[str, ...], here: NDArray[np.float64]) -> tuple[float, int]:
    """Return how far the nearest site of one of some names is, and which."""
    wanted = {plain_site_name(name) for name in names} - {""}
    mine = np.flatnonzero([name in wanted for name in sites.plain])
    if not len(mine):
        return np.inf, -1
    off = np.hypot(*(sites.xy[mine] - here).T)
    return float(off.min()), int(mine[off.argmin()])


def _with_hosts(found: pd.DataFrame, hosts: dict[Any, Any]) -> pd.DataFrame:
    """Let places without a site of their own stand where their hosts stand."""
    told = found.copy()
    for guest, host in hosts.items():
        if pd.notna(found.loc[guest, "site"]) or pd.isna(found.loc[host, "site"]):
            continue
        for column in ("x", "y", "mapped", "compared", "off_m", "site"):
            told.loc[guest, column] = found.loc[host, column]
        told.loc[guest, "by"] = f"its host's {found.loc[host, 'by']}"
    return told


def _whole(found: pd.DataFrame, points: gpd.GeoSeries, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Add the rows that are not located, and what was said of all before."""
    import geopandas as gpd

    whole = found.reindex(table.index)
    lost = whole["compared"].isna()
    whole.loc[lost, ["compared", "confidence"]] = NOT_LOCATED
    whole["mapped"] = whole["mapped"].eq(other=True)
    whole["was_conf"] = table["confidence"]
    for column, stated in (("was_lon", "lon"), ("was_lat", "lat")):
        whole[column] = pd.to_numeric(table[stated]).round(5)
    for column in ("by", "site"):
        whole[column] = whole[column].astype(object).where(whole[column].notna(), None)
    return gpd.GeoDataFrame(whole, geometry=points.reindex(table.index), crs=WGS84)
