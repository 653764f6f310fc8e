"""QGIS's symbols, labels and renderers as XML, written without QGIS.

Only what differs from QGIS's defaults is said: a reader fills in the rest. Sizes are millimetres on
paper; the palette's pixels are of 1/96 inch.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Category",
    "Geometry",
    "Label",
    "Range",
    "Rule",
    "categorised",
    "fill",
    "graduated",
    "labelling",
    "marker",
    "node",
    "options",
    "rule_based",
    "single",
    "stroke",
    "symbol",
]

Geometry = Literal["point", "line", "polygon"]

MM_PER_PIXEL = 25.4 / 96

_SYMBOL_TYPES: dict[Geometry, str] = {"point": "marker", "line": "line", "polygon": "fill"}


def node(
    tag: str, /, *children: ET.Element, text: str | None = None, **attributes: object
) -> ET.Element:
    """Return an element; an attribute's trailing ``_`` keeps it clear of Python's words.

    Examples
    --------
    >>> ET.tostring(node("a", node("b", text="x"), class_=1), encoding="unicode")
    '<a class="1"><b>x</b></a>'
    """
    element = ET.Element(tag, {name.rstrip("_"): str(value) for name, value in attributes.items()})
    element.text = text
    element.extend(children)
    return element


def options(values: Mapping[str, object]) -> ET.Element:
    """Return a map of options, as QGIS 3.18 and later keep a symbol's properties."""
    rows = [
        node("Option", name=name, type="QString", value=value) for name, value in values.items()
    ]
    return node("Option", *rows, type="Map")


def rgba(colour: str, opacity: float = 1.0) -> str:
    """Return a colour as QGIS writes it.

    Examples
    --------
    >>> rgba("#0072B2", 0.5)
    '0,114,178,128'
    """
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"{red},{green},{blue},{round(255 * opacity)}"


def fill(
    colour: str,
    *,
    opacity: float = 1.0,
    outline: str | None = None,
    width: float = 0.2,
    brush: str = "solid",
    dash: str = "solid",
) -> ET.Element:
    """Return a symbol layer that fills an area; `outline` None draws no border.

    `brush` and `dash` are QGIS's words for the pattern of the area and of its border, e.g.
    ``"b_diagonal"`` and ``"dash"``.
    """
    return _layer(
        "SimpleFill",
        color=rgba(colour, opacity),
        style=brush,
        outline_color=rgba(outline or colour),
        outline_style=dash if outline else "no",
        outline_width=width,
        outline_width_unit="MM",
        joinstyle="round",
    )


def stroke(colour: str, width: float, *, level: int = 0, dash: str = "solid") -> ET.Element:
    """Return a symbol layer that draws a line; higher levels are drawn later."""
    return _layer(
        "SimpleLine",
        level,
        line_color=rgba(colour),
        line_width=round(width, 3),
        line_width_unit="MM",
        line_style=dash,
        capstyle="round",
        joinstyle="round",
    )


def marker(
    shape: str, colour: str, size: float, *, outline: str = "#FFFFFF", width: float = 0.25
) -> ET.Element:
    """Return a symbol layer that draws a simple marker of `size` across."""
    return _layer(
        "SimpleMarker",
        name=shape,
        color=rgba(colour),
        size=size,
        size_unit="MM",
        outline_color=rgba(outline),
        outline_width=width,
        outline_width_unit="MM",
        scale_method="diameter",
    )


def _layer(kind: str, level: int = 0, /, **properties: object) -> ET.Element:
    element = node("layer", options(properties), class_=kind, enabled=1, locked=0)
    element.set("pass", str(level))
    return element


def symbol(geometry: Geometry, *layers: ET.Element, name: str = "0") -> ET.Element:
    """Return a symbol made of layers, the lowest first."""
    kind = _SYMBOL_TYPES[geometry]
    return node("symbol", *layers, name=name, type=kind, alpha=1, clip_to_extent=1, force_rhr=0)


@dataclass(frozen=True)
class Category:
    """One value of a categorised renderer, its symbol and its words in the legend."""

    value: str
    words: str
    symbol: ET.Element


@dataclass(frozen=True)
class Range:
    """One class of a graduated renderer: over `lower`, up to `upper`."""

    lower: float
    upper: float
    words: str
    symbol: ET.Element


@dataclass(frozen=True)
class Rule:
    """One filter of a rule-based renderer; drawn only at scales larger than 1:`smallest`."""

    filter: str
    words: str
    symbol: ET.Element
    smallest: int = 0


def single(shape: ET.Element, *, order: str | None = None) -> ET.Element:
    """Return a renderer that draws everything alike."""
    return _renderer("singleSymbol", [], [shape], order=order)


def categorised(
    column: str, categories: Sequence[Category], *, order: str | None = None
) -> ET.Element:
    """Return a renderer by the values of a column; `order` draws high values first."""
    rows = [
        node("category", value=item.value, label=item.words, symbol=at, render="true")
        for at, item in enumerate(categories)
    ]
    body = [node("categories", *rows)]
    shapes = [item.symbol for item in categories]
    return _renderer("categorizedSymbol", body, shapes, order=order, attr=column)


def graduated(column: str, ranges: Sequence[Range]) -> ET.Element:
    """Return a renderer by classes of a column's numbers, the lowest first."""
    rows = [
        node(
            "range", lower=item.lower, upper=item.upper, label=item.words, symbol=at, render="true"
        )
        for at, item in enumerate(ranges)
    ]
    shapes = [item.symbol for item in ranges]
    body = [node("ranges", *rows)]
    return _renderer("graduatedSymbol", body, shapes, attr=column, graduatedMethod="GraduatedColor")


def rule_based(rules: Sequence[Rule], *, levels: bool = False) -> ET.Element:
    """Return a renderer by rules; with `levels`, symbol layers are drawn level by level."""
    rows = []
    for at, rule in enumerate(rules):
        row = node("rule", filter=rule.filter, label=rule.words, symbol=at, key=f"{{rule-{at}}}")
        if rule.smallest:
            row.set("scalemaxdenom", str(rule.smallest))
        rows.append(row)
    body = [node("rules", *rows, key="{rules}")]
    return _renderer("RuleRenderer", body, [rule.symbol for rule in rules], levels=levels)


def _renderer(
    kind: str,
    body: Sequence[ET.Element],
    shapes: Sequence[ET.Element],
    *,
    order: str | None = None,
    levels: bool = False,
    **attributes: str,
) -> ET.Element:
    for at, shape in enumerate(shapes):
        shape.set("name", str(at))
    element = node("renderer-v2", *body, node("symbols", *shapes), type=kind, **attributes)
    element.set("symbollevels", str(int(levels)))
    element.set("enableorderby", str(int(order is not None)))
    element.set("forceraster", "0")
    element.set("referencescale", "-1")
    if order is not None:
        clause = node("orderByClause", asc=0, nullsFirst=0, text=f'"{order}"')
        element.append(node("orderby", clause))
    return element


@dataclass(frozen=True)
class Label:
    """How names are written: point size, colours, from which scale on, how important, how wide.

    `wrap` is the number of letters after which a name is broken; 0 never breaks it. `roams`: in an
    area it makes room for places, instead of standing in the middle.
    """

    size: float
    colour: str
    halo: str
    smallest: int = 0
    bold: bool = False
    priority: int = 5
    wrap: int = 0
    roams: bool = False


#: QGIS's numbers for where a label goes: around a point, along a line, across an area.
_PLACEMENTS: dict[Geometry, int] = {"point": 6, "line": 3, "polygon": 1}
#: ... and wherever in an area it covers no place.
_ANYWHERE = 4


def labelling(column: str, geometry: Geometry, label: Label) -> ET.Element:
    """Return simple labels from one column."""
    buffer = node(
        "text-buffer",
        bufferDraw=1,
        bufferSize=0.55,
        bufferSizeUnits="MM",
        bufferColor=rgba(label.halo, 0.85),
        bufferOpacity=1,
        bufferNoFill=1,
        bufferJoinStyle=128,
    )
    text = node(
        "text-style",
        buffer,
        fieldName=column,
        isExpression=0,
        fontFamily="Sans Serif",
        namedStyle="Bold" if label.bold else "Regular",
        fontWeight=75 if label.bold else 50,
        fontSize=label.size,
        fontSizeUnit="Point",
        textColor=rgba(label.colour),
        textOpacity=1,
        multilineHeight=1,
    )
    settings = node("settings", text, *_where(geometry, label), calloutType="simple")
    return node("labeling", settings, type="simple")


def _where(geometry: Geometry, label: Label) -> list[ET.Element]:
    placement = node(
        "placement",
        placement=_ANYWHERE if label.roams and geometry == "polygon" else _PLACEMENTS[geometry],
        predefinedPositionOrder="TR,R,BR,TL,L,BL,TSR,BSR",
        dist=1,
        distUnits="MM",
        offsetType=1,
        priority=label.priority,
        centroidInside=1,
        placementFlags=10,
        quadOffset=4,
    )
    rendering = node(
        "rendering",
        scaleVisibility=int(label.smallest > 0),
        scaleMin=0,
        scaleMax=label.smallest,  # QGIS 3 kept the names of 2.x: this is the smallest scale
        obstacle=1,
        drawLabels=1,
        maxNumLabels=2000,
        fontMaxPixelSize=10000,
        mergeLines=int(geometry == "line"),
    )
    align = 0 if geometry == "point" else 1
    wrap = node("text-format", multilineAlign=align, autoWrapLength=label.wrap)
    return [wrap, placement, rendering]
