"""Which layer is drawn in which style: the names of layers, and what their rows are called by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely

from technobelt.export.styles import STYLE_COLUMN, Style, layer_qml, layer_style
from technobelt.schema import LAYERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

    from technobelt.export.symbols import Geometry

__all__ = [
    "FAMILIES",
    "Look",
    "families",
    "families_or_schema",
    "look_of",
    "look_qml",
]


@dataclass(frozen=True)
class Look:
    """How a layer is drawn: its style, and the column with the names to write on the map."""

    style: Style
    label: str | None = None


_LOOKS = {
    "barriers": Look("barriers"),
    "candidates": Look("plain"),
    "centres": Look("centres", "name"),
    "clusters": Look("clusters", "name"),
    "complexes": Look("complexes", "name"),
    "corridor": Look("corridor"),
    "growth_poles": Look("growth_poles", "name"),
    "interchanges": Look("interchanges", "name"),
    "isochrones": Look("isochrones"),
    "land": Look("land"),
    "local_plans": Look("local_plans", "special"),
    "mechanical_industry": Look("mechanical_industry"),
    "merged": Look("isochrones"),
    "municipalities": Look("municipalities", "name"),
    "outlines": Look("outlines"),
    "population": Look("population"),
    "positions": Look("positions"),
    "producer_services": Look("producer_services"),
    "provinces": Look("provinces", "name"),
    "roads": Look("roads"),
    "robustness": Look("robustness"),
    "sites": Look("centres", "name"),
    "submunicipalities": Look("submunicipalities", "name"),
    "universities": Look("universities", "name"),
    "zones": Look("zones", "name"),
}

#: By shapely's type id; None holds no shape of one kind.
FAMILIES: dict[int, Geometry] = {
    0: "point", 1: "line", 2: "line", 3: "polygon", 4: "point", 5: "line", 6: "polygon",
}  # fmt: skip
_SYMBOLS: dict[Geometry, str] = {"point": "marker", "line": "line", "polygon": "fill"}


def look_of(name: str, frame: gpd.GeoDataFrame) -> Look | None:
    """Return how a layer of that name is drawn; None where there is no style of its own.

    A stranger's layer that only shares the name, and lacks the columns of the style, has none.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> frame = gpd.GeoDataFrame({"name": ["E"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=5179)
    >>> look_of("zones", frame)
    Look(style='zones', label='name')
    >>> look_of("isochrones", frame)
    """
    look = _LOOKS.get(name)
    if look is None:
        return None
    column = STYLE_COLUMN.get(look.style)
    kinds = families_or_schema(name, frame)
    if (column is not None and column not in frame) or not kinds or not _fits(look, kinds[0]):
        return None
    return Look(look.style, look.label if look.label in frame else None)


def families(frame: gpd.GeoDataFrame) -> list[Geometry]:
    """Return which kinds of shapes a layer has, the most frequent first.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> families(gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1), None, shapely.Point(0, 0)]))
    ['point', 'polygon']
    """
    ids = [int(one) for one in shapely.get_type_id(frame.geometry.to_numpy())]
    kinds = [FAMILIES[one] for one in ids if one in FAMILIES]
    return sorted(set(kinds), key=lambda kind: (-kinds.count(kind), kind))


def families_or_schema(name: str, frame: gpd.GeoDataFrame) -> list[Geometry]:
    """Return which kinds of shapes a layer has; without any, those of the layer of that name."""
    table = LAYERS.get(name)
    words: dict[str, Geometry] = {"Point": "point", "LineString": "line", "Polygon": "polygon"}
    return families(frame) or ([words[table.geometry[0]]] if table else [])


def _fits(look: Look, geometry: Geometry) -> bool:
    """Whether the style's symbols draw that kind of shape."""
    renderer = layer_style(look.style, geometry, values={0: "0"})[0]
    return all(one.get("type") == _SYMBOLS[geometry] for one in renderer.iter("symbol"))


def look_qml(
    look: Look, name: str, frame: gpd.GeoDataFrame, names: Mapping[str, str] | None = None
) -> str:
    """Return a layer's style as QML.

    Parameters
    ----------
    look
        From `look_of`.
    name
        Of the layer.
    frame
        The layer, whose values the style tells apart.
    names
        What its columns are called in the file, where they are called otherwise there.
    """
    said = names or {}
    column = STYLE_COLUMN.get(look.style)
    kinds = families_or_schema(name, frame)
    return layer_qml(
        look.style,
        kinds[0],
        label=said.get(look.label, look.label) if look.label else None,
        values=_values(frame, column, look.label),
        column=said.get(column, column) if column else None,
    )


def _values(frame: gpd.GeoDataFrame, column: str | None, label: str | None) -> dict[Any, str]:
    """Return the values that the style tells apart, with their words for the legend."""
    if column is None or column not in frame:
        return {}
    words = frame[label] if label else frame[column]
    rows = pd.DataFrame({"value": frame[column].to_numpy(), "word": words.to_numpy()})
    rows = rows.dropna(subset="value").drop_duplicates("value")
    texts = rows["word"].where(rows["word"].notna(), rows["value"])
    return {value: str(text) for value, text in zip(rows["value"], texts, strict=True)}
