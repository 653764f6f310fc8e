"""The print layout of a QGIS project: title, map, legend, scale bar and attribution on one A4.

QGIS 3.22's numbers for the kinds of items; positions and sizes in millimetres from the page's top
left corner.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from technobelt.export.symbols import fill, node, options, stroke, symbol

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Sequence

__all__ = ["Extent", "layout_scale", "print_layout", "with_margin"]

Extent = tuple[float, float, float, float]

_PAGE, _MAP, _PICTURE, _LABEL, _LEGEND, _SCALE_BAR = 65638, 65639, 65640, 65641, 65642, 65646

_A4 = (297.0, 210.0)
_MARGIN = 8.0
_MAP_BOX = (_MARGIN, 19.0, 213.0, 171.0)
_SIDE = _MARGIN + 213.0 + 4.0
#: Room around what is shown, as a share of it.
_ROOM = 0.03
#: A scale bar has two pieces; each is one of these lengths, m.
_ROUND_M = tuple(digit * 10**power for power in range(6) for digit in (1, 2, 5))


@dataclass(frozen=True)
class _Box:
    """Where an item stands: left, top, width, height."""

    left: float
    top: float
    width: float
    height: float


def print_layout(
    title: str, attribution: Sequence[str], extent: Extent, legend: ET.Element, background: str
) -> ET.Element:
    """Return the layout as XML.

    Parameters
    ----------
    title
        Stands on top.
    attribution
        One source a line, at the foot.
    extent
        West, south, east and north in the project's CRS; widened to the shape of the map's frame.
    legend
        A layer tree of what the legend explains.
    background
        Colour (``#RRGGBB``) of the map where no layer is.
    """
    box = _Box(*_MAP_BOX)
    shown = widen(extent, box.width / box.height)
    map_id = _identity("map")
    notes = " · ".join(attribution)
    return node(
        "Layout",
        node("Snapper", tolerance=5, snapToGuides=1, snapToItems=1, snapToGrid=0),
        node("Grid", resolution=10, resUnits="mm", offsetX=0, offsetY=0, offsetUnits="mm"),
        node("PageCollection", _page(), node("GuideCollection", visible=1)),
        _scale_bar(map_id, (shown[2] - shown[0]) / box.width),
        _legend(map_id, legend),
        _north_arrow(map_id),
        _label("attribution", notes, _Box(_MARGIN, 192, _A4[0] - 2 * _MARGIN, 12), 6.5),
        _label("title", title, _Box(_MARGIN, 6, _A4[0] - 2 * _MARGIN, 11), 15, bold=True),
        _map(map_id, box, shown, background),
        node("Atlas", enabled=0, hideCoverage=0, coverageLayer="", filterFeatures=0),
        name="Technobelt",
        units="mm",
        printResolution=200,
    )


def with_margin(extent: Extent) -> Extent:
    """Return an extent with a little room around, so that nothing touches the frame.

    Examples
    --------
    >>> with_margin((0, 0, 100, 100))
    (-3.0, -3.0, 103.0, 103.0)
    """
    west, south, east, north = extent
    x, y = _ROOM * (east - west), _ROOM * (north - south)
    return west - x, south - y, east + x, north + y


def layout_scale(extent: Extent) -> float:
    """Return the scale of the layout's map, 1 to how many, for an extent in metres.

    Examples
    --------
    >>> layout_scale((0, 0, 213_000, 10))
    1000000.0
    """
    _, _, width, height = _MAP_BOX
    west, _, east, _ = widen(extent, width / height)
    return (east - west) / (width / 1000)


def widen(extent: Extent, ratio: float) -> Extent:
    """Return an extent of that ratio of width to height around the same middle.

    Examples
    --------
    >>> widen((0, 0, 10, 10), 2)
    (-5.0, 0.0, 15.0, 10.0)
    """
    west, south, east, north = extent
    width = max(east - west, (north - south) * ratio)
    x, y = (west + east) / 2, (south + north) / 2
    return x - width / 2, y - width / ratio / 2, x + width / 2, y + width / ratio / 2


def _identity(name: str) -> str:
    return f"{{{uuid.uuid5(uuid.NAMESPACE_DNS, f'technobelt.{name}')}}}"


def _item(
    kind: int, name: str, box: _Box, *children: ET.Element, **attributes: object
) -> ET.Element:
    place = f"{box.left:g},{box.top:g},mm"
    common: dict[str, object] = {
        "type": kind,
        "id": name,
        "uuid": _identity(name),
        "templateUuid": _identity(name),
        "position": place,
        "positionOnPage": place,
        "size": f"{box.width:g},{box.height:g},mm",
        "referencePoint": 0,
        "itemRotation": 0,
        "visibility": 1,
        "opacity": 1,
        "blendMode": 0,
        "frame": "false",
        "background": "false",
        "outlineWidthM": "0.2,mm",
        "frameJoinStyle": "miter",
        "positionLock": "false",
        "excludeFromExports": 0,
        "groupUuid": "",
    }
    frame = node("FrameColor", red=120, green=120, blue=120, alpha=255)
    paper = node("BackgroundColor", red=255, green=255, blue=255, alpha=255)
    item = node("LayoutItem", frame, paper, *children)
    item.attrib.update({key: str(value) for key, value in (common | attributes).items()})
    return item


def _page() -> ET.Element:
    box = _Box(0, 0, *_A4)
    return _item(_PAGE, "page", box, symbol("polygon", fill("#FFFFFF"), name=""), zValue=0)


def _map(identity: str, box: _Box, extent: Extent, background: str) -> ET.Element:
    west, south, east, north = extent
    red, green, blue = bytes.fromhex(background.removeprefix("#"))
    item = _item(
        _MAP, "map", box,
        node("Extent", xmin=west, ymin=south, xmax=east, ymax=north),
        node("LayerSet"),
        node("AtlasMap", atlasDriven=0, scalingMode=2, margin=0.1),
        zValue=1, frame="true", background="true", keepLayerSet="false", followPreset="false",
        mapRotation=0, drawCanvasItems="true", mapFlags=0, labelMargin="0,mm",
    )  # fmt: skip
    item.set("uuid", identity)
    paper = item.find("BackgroundColor")
    if paper is not None:
        paper.attrib.update(red=str(red), green=str(green), blue=str(blue))
    return item


def _label(name: str, text: str, box: _Box, size: float, *, bold: bool = False) -> ET.Element:
    return _item(
        _LABEL, name, box,
        node("LabelFont", description=_font(size, bold=bold), style=""),
        node("FontColor", red=43, green=43, blue=43, alpha=255),
        zValue=2, labelText=text, htmlState=0, halign=1, valign=32, marginX=0, marginY=0,
    )  # fmt: skip


def _font(size: float, *, bold: bool = False) -> str:
    return f"Sans Serif,{size:g},-1,5,{75 if bold else 50},0,0,0,0,0"


def _legend(map_id: str, tree: ET.Element) -> ET.Element:
    style = {"title": 9.0, "group": 8.5, "subgroup": 7.5, "symbol": 7.0, "symbolLabel": 7.0}
    gaps = {"group": 2.5, "subgroup": 1.6, "symbol": 0.9, "symbolLabel": 0.9}
    styles = [
        node(
            "style",
            node("styleFont", description=_font(size, bold=name in {"title", "group"}), style=""),
            name=name, marginTop=gaps.get(name, 0), marginBottom=0, marginLeft=2, alignment=1,
        )
        for name, size in style.items()
    ]  # fmt: skip
    return _item(
        _LEGEND, "legend", _Box(_SIDE, 18, 64, 140),
        node("styles", *styles), tree,
        zValue=3, map_uuid=map_id, title="", resizeToContents=1, legendFilterByAtlas=0,
        symbolWidth=6, symbolHeight=3, columnCount=1, columnSpace=2, boxSpace=1, lineSpacing=0.8,
        symbolAlignment=1, titleAlignment=1, wrapChar="", splitLayer=0, equalColumnWidth=0,
        fontColor="#2b2b2b",
    )  # fmt: skip


def _scale_bar(map_id: str, units_per_mm: float) -> ET.Element:
    """Return a bar of two round pieces, together at most 42 mm, for a map in metres."""
    fits = [metres for metres in _ROUND_M if 2 * metres / units_per_mm <= 42]
    piece = fits[-1] if fits else _ROUND_M[0]
    unit, name, worth = ("km", "km", 1000) if piece >= 500 else ("meters", "m", 1)
    box = _Box(_SIDE, 176, 50, 13)
    line = symbol("line", stroke("#2B2B2B", 0.2), name="")
    return _item(
        _SCALE_BAR, "scale bar", box,
        _bar_text(),
        _number_format(),
        node("lineSymbol", line),
        node("divisionLineSymbol", line),
        node("subdivisionLineSymbol", line),
        node("fillSymbol1", symbol("polygon", fill("#2B2B2B"), name="")),
        node("fillSymbol2", symbol("polygon", fill("#FFFFFF"), name="")),
        zValue=4, mapUuid=map_id, style="Single Box", unitType=unit, unitLabel=name,
        numUnitsPerSegment=f"{piece / worth:g}", numMapUnitsPerScaleBarUnit=1, numSegments=2,
        numSegmentsLeft=0, numSubdivisions=1, subdivisionsHeight=1.5, segmentSizeMode=0,
        height=2, labelBarSpace=1.5,
        boxContentSpace=1, alignment=0, labelHorizontalPlacement=0, labelVerticalPlacement=0,
        minBarWidth=20, maxBarWidth=60, outlineWidth=0.2, lineJoinStyle="miter",
        lineCapStyle="square", segmentMillimeters=10,
    )  # fmt: skip


#: An arrow, drawn here so that the project needs no file of QGIS's own.
_ARROW = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 56">
<path d="M20 2 L34 40 L20 32 Z" fill="#2b2b2b" stroke="#2b2b2b" stroke-width="1"/>
<path d="M20 2 L6 40 L20 32 Z" fill="#ffffff" stroke="#2b2b2b" stroke-width="1"/>
<path d="M14.5 54 V43 L25.5 54 V43" fill="none" stroke="#2b2b2b" stroke-width="2.4"/>
</svg>"""


def _north_arrow(map_id: str) -> ET.Element:
    """Return an arrow to the grid's north."""
    data = base64.b64encode(_ARROW.encode()).decode()
    return _item(
        _PICTURE, "north arrow", _Box(_SIDE + 52, 172, 10, 14),
        zValue=5, file=f"base64:{data}", mode=0, resizeMode=0, anchorPoint=4, northMode=0,
        northOffset=0, pictureRotation=0, mapUuid=map_id, pictureWidth=10, pictureHeight=14,
        svgFillColor="0,0,0,255", svgBorderColor="0,0,0,255", svgBorderWidth="0.2",
    )  # fmt: skip


def _bar_text() -> ET.Element:
    return node(
        "text-style", fontFamily="Sans Serif", fontSize=7, fontSizeUnit="Point", fontWeight=50,
        textColor="43,43,43,255", textOpacity=1, namedStyle="Regular",
    )  # fmt: skip


def _number_format() -> ET.Element:
    plain = {"decimals": 6, "rounding_type": 0}
    return node("numericFormat", options(plain), id="basic")
