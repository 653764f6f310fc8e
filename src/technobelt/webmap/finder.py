"""What the page's search finds: names of today, of the paper and in Korean, and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from technobelt.schema import WGS84
from technobelt.webmap.facts import names, plain, popup, safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

__all__ = ["finder", "key"]

#: Layer -> what one of its rows is called, in the order in which equally good finds are listed.
_KINDS = {
    "municipalities": "City or county",
    "clusters": "Cluster",
    "complexes": "Industrial complex",
    "universities": "University or college",
    "centres": "Innovation centre",
    "interchanges": "Interchange",
    "growth_poles": "Growth pole",
}
#: Ids of these are what a reader writes; those of others may be the same, and say what they are.
_PREFIXES = {
    "municipalities": "municipality:",
    "clusters": "cluster:",
    "interchanges": "interchange:",
    "growth_poles": "pole:",
}
#: About 10 m: a find is flown to, not measured.
_DIGITS = 4


def key(layer: str, row: Mapping[str, Any]) -> str:
    """Return what a link calls a place: a facility's id, or the id of something else with its kind.

    Examples
    --------
    >>> key("centres", {"id": "RES01"}), key("clusters", {"id": "east"})
    ('RES01', 'cluster:east')
    """
    return _PREFIXES.get(layer, "") + plain(row.get("id"))


def finder(layers: Mapping[str, gpd.GeoDataFrame]) -> dict[str, Any]:
    """Return the search's data: texts escaped as everywhere in the page.

    Parameters
    ----------
    layers
        Layer name -> frame, any CRS. Rows without a shape are not found.

    Returns
    -------
    dict
        ``kinds``, and ``places``: key, name, Korean name, name in 1999 (empty if the same), number
        of the kind, numbers of the municipalities it lies in (which stand first), latitude,
        longitude, and of a municipality, which has none on the map, its popup, of an interchange
        its route.
    """
    present = [name for name in _KINDS if name in layers]
    towns: dict[str, list[int]] = {}
    places: list[list[Any]] = []
    for number, layer in enumerate(present):
        for row, point in _rows(layers[layer]):
            if layer == "municipalities":
                towns.setdefault(plain(row.get("name_ko")), []).append(len(places))
            places.append(_place(layer, number, row, point, towns))
    return {"kinds": [_KINDS[name] for name in present], "places": places}


def _rows(frame: gpd.GeoDataFrame) -> list[tuple[dict[str, Any], Any]]:
    there = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    points = there.representative_point().to_crs(WGS84)
    if "id" not in there:
        there = there.assign(id=there.index)
    rows = there.drop(columns=there.geometry.name).to_dict("records")
    return list(zip(rows, points, strict=True))


def _place(
    layer: str, number: int, row: Mapping[str, Any], point: Any, towns: Mapping[str, list[int]]
) -> list[Any]:
    town = layer == "municipalities"
    inside = [] if town else _inside(plain(row.get("municip")), towns)
    old = plain(row.get("name_1999"))
    told = [names(row), plain(row.get("name_ko")), "" if old == names(row) else old]
    where = [round(point.y, _DIGITS), round(point.x, _DIGITS)]
    route = plain(row.get("route_no"))
    more = [safe(f"route {route}")] if route else []
    shown = [popup(row)] if town else more
    return [safe(key(layer, row)), *map(safe, told), number, inside, *where, *shown]


def _inside(said: str, towns: Mapping[str, list[int]]) -> list[int]:
    """Return the numbers of the municipalities named, several of them apart by slashes."""
    return [number for name in said.split("/") if name for number in towns.get(name, ())]
