"""How QGIS draws each kind of layer, in the palette that map, figures and QGIS share."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from itertools import cycle, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from technobelt.errors import OutputError
from technobelt.export.symbols import (
    MM_PER_PIXEL,
    Category,
    Geometry,
    Label,
    Range,
    Rule,
    categorised,
    fill,
    graduated,
    labelling,
    marker,
    node,
    rule_based,
    single,
    stroke,
    symbol,
)
from technobelt.style import band_colours, cluster_colours, load_style, road_style
from technobelt.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable

    _Renderer = Callable[["Geometry", str, Mapping[Any, str]], ET.Element]

__all__ = [
    "STYLE_COLUMN",
    "RasterStyle",
    "Style",
    "is_ours",
    "layer_opacity",
    "layer_qml",
    "layer_style",
    "raster_style",
    "road_classes_drawn",
    "write_qml",
    "write_raster_qml",
]

Style = Literal[
    "barriers",
    "centres",
    "clusters",
    "complexes",
    "corridor",
    "growth_poles",
    "interchanges",
    "isochrones",
    "land",
    "local_plans",
    "mechanical_industry",
    "municipalities",
    "outlines",
    "plain",
    "population",
    "positions",
    "producer_services",
    "provinces",
    "roads",
    "robustness",
    "submunicipalities",
    "universities",
    "zones",
]
#: What a raster's first band holds: minutes, a score from 0 to 1, or a share of draws.
RasterStyle = Literal["minutes", "suitability", "stays"]

Values = Mapping[Any, str] | Sequence[Any]

#: The column by whose values a style tells rows apart.
STYLE_COLUMN: dict[str, str] = {
    "clusters": "id",
    "isochrones": "minutes",
    "local_plans": "special",
    "outlines": "outline",
    "positions": "compared",
    "producer_services": "total_pct",
    "roads": "class",
    "robustness": "kind",
}

#: Road classes by importance, with the smallest scale at which each is drawn (0: always).
_ROADS = (
    ("tertiary", "Tertiary road", 250_000),
    ("secondary", "Secondary road", 600_000),
    ("primary", "Primary road", 1_500_000),
    ("trunk", "Trunk road", 0),
    ("motorway", "Motorway", 0),
)
_MARKERS = {"square": 2.6, "triangle": 3.2, "diamond": 3.2}
_OURS = "<!-- style by technobelt -->\n"
_QGIS_VERSION = "3.22.0-Białowieża"


def road_classes_drawn(scale: float) -> int:
    """Return how many classes of roads, the most important first, are drawn at 1:`scale`.

    Examples
    --------
    >>> road_classes_drawn(700_000), road_classes_drawn(100_000)
    (3, 5)
    """
    return sum(not smallest or scale <= smallest for _, _, smallest in _ROADS)


def layer_opacity(style: str) -> float:
    """Return the opacity of the layer as a whole.

    Bands lie one on the other: each is drawn opaque, the smaller later, and the layer as a whole
    lets the ground show through, so that overlaps do not mix into colours that mean nothing.
    """
    return {"isochrones": 0.6}.get(style, 1.0)


def layer_style(
    style: Style,
    geometry: Geometry,
    *,
    label: str | None = None,
    values: Values = (),
    column: str | None = None,
) -> list[ET.Element]:
    """Return the XML elements that style a vector layer: renderer, labels, opacity.

    Parameters
    ----------
    style
        What the layer is; ``"plain"`` for anything else.
    geometry
        Points, lines or polygons.
    label
        Column with the text to write beside each shape; None writes nothing.
    values
        The values of the style's column (`STYLE_COLUMN`), for those that tell them apart; with
        their words for the legend, where it is a mapping.
    column
        Where that column has another name, e.g. in a shapefile.

    Raises
    ------
    OutputError
        There is no such style.
    """
    if style not in get_args(Style):
        raise OutputError(
            f"no style '{style}'. Choose one of {', '.join(get_args(Style))}; 'plain' suits all."
        )
    by = column or STYLE_COLUMN.get(style, "")
    named = values if isinstance(values, Mapping) else {value: str(value) for value in values}
    elements = [_RENDERERS[style](geometry, by, named)]
    if label is not None:
        elements.append(labelling(label, geometry, _label(style, geometry)))
    elements.append(node("layerOpacity", text=str(layer_opacity(style))))
    elements.append(node("blendMode", text="0"))
    if label is not None:
        elements.append(node("previewExpression", text=f'"{label}"'))
    return elements


def layer_qml(
    style: Style,
    geometry: Geometry,
    *,
    label: str | None = None,
    values: Values = (),
    column: str | None = None,
) -> str:
    """Return a layer's style as QML, for a ``.qml`` file or a GeoPackage; see `layer_style`.

    Examples
    --------
    >>> "singleSymbol" in layer_qml("centres", "point", label="name")
    True
    """
    body = layer_style(style, geometry, label=label, values=values, column=column)
    return _qml(body, labelled=label is not None)


def _qml(body: Sequence[ET.Element], *, labelled: bool = False) -> str:
    root = node(
        "qgis",
        *body,
        version=_QGIS_VERSION,
        styleCategories="AllStyleCategories",
        labelsEnabled=int(labelled),
    )
    ET.indent(root, " ")
    doctype = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return doctype + _OURS + ET.tostring(root, encoding="unicode") + "\n"


def is_ours(qml: Path) -> bool:
    """Whether a ``.qml`` may be replaced: there is none, or it is as this package wrote it.

    QGIS leaves the mark out when somebody saves a style of their own.

    Examples
    --------
    >>> is_ours(Path("no such file.qml"))
    True
    """
    return not qml.is_file() or _OURS.strip() in qml.read_text(encoding="utf-8", errors="replace")


def write_qml(
    path: str | Path,
    style: Style,
    geometry: Geometry,
    *,
    label: str | None = None,
    values: Values = (),
    column: str | None = None,
) -> Path:
    """Write a ``.qml`` beside a layer of the same name: QGIS opens the layer in that style.

    Parameters are those of `layer_style`.

    Returns
    -------
    pathlib.Path
        The ``.qml``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_qml(f"{folder}/zones.qml", "zones", "polygon", values=["east"]).name
    'zones.qml'
    """
    target = Path(path).with_suffix(".qml")
    text = layer_qml(style, geometry, label=label, values=values, column=column)
    with replace_file(target) as scratch:
        scratch.write_text(text, encoding="utf-8")
    return target


def raster_style(style: RasterStyle = "minutes", *, band: int = 1) -> ET.Element:
    """Return the renderer of a raster; what is not known (NaN, nodata) is not drawn.

    Parameters
    ----------
    style
        ``"minutes"``: classes in the colours of the isochrones; ``"suitability"`` and ``"stays"``:
        0 to 1 in a perceptually even ramp.
    band
        Counted from 1.

    Raises
    ------
    OutputError
        There is no such style.

    Examples
    --------
    >>> raster_style("suitability").find(".//item").get("label")
    '0'
    """
    if style not in get_args(RasterStyle):
        raise OutputError(
            f"no raster style '{style}'. Choose one of {', '.join(get_args(RasterStyle))}."
        )
    shader = _minutes_shader() if style == "minutes" else _unit_shader(percent=style == "stays")
    renderer = node(
        "rasterrenderer",
        node("rastershader", shader),
        type="singlebandpseudocolor",
        band=band,
        opacity=0.6 if style == "minutes" else 0.8,
        alphaBand=-1,
        classificationMin=shader.get("minimumValue"),
        classificationMax=shader.get("maximumValue"),
    )
    return node("pipe", renderer)


def write_raster_qml(path: str | Path, style: RasterStyle) -> Path:
    """Write a ``.qml`` beside a raster of the same name, unless another program wrote one.

    Returns
    -------
    pathlib.Path
        The ``.qml``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_raster_qml(f"{folder}/times.tif", "minutes").name
    'times.qml'
    """
    target = Path(path).with_suffix(".qml")
    if is_ours(target):
        with replace_file(target) as scratch:
            scratch.write_text(_qml([raster_style(style)]), encoding="utf-8")
    return target


def _minutes_shader() -> ET.Element:
    fills = band_colours(float(limit) for limit in load_style()["bands"])
    rows = [_stop(f"{limit:g}", f"{limit:g} minutes", fill) for limit, fill in fills.items()]
    more = _stop("inf", "more", "#FFFFFF", alpha=0)
    return _shader("DISCRETE", max(fills), [*rows, more])


def _unit_shader(*, percent: bool) -> ET.Element:
    """Return a ramp from 0 to 1, between whose colours QGIS interpolates."""
    colours: list[str] = load_style()["suitability"]["colours"]
    last = len(colours) - 1
    shares = [at / last for at in range(len(colours))]
    rows = [
        _stop(f"{share:g}", f"{share:.0%}" if percent else f"{share:g}", colour)
        for share, colour in zip(shares, colours, strict=True)
    ]
    return _shader("INTERPOLATED", 1.0, rows)


def _shader(kind: str, highest: float, rows: Sequence[ET.Element]) -> ET.Element:
    return node(
        "colorrampshader",
        *rows,
        colorRampType=kind,
        classificationMode=1,
        clip=0,
        minimumValue=0,
        maximumValue=f"{highest:g}",
    )


def _stop(value: str, words: str, colour: str, *, alpha: int = 255) -> ET.Element:
    return node("item", value=value, label=words, alpha=alpha, color=colour)


def _place(layer: str) -> _Renderer:
    """Return the renderer of a layer of places: its marker, or its hue for outlines."""

    def renderer(geometry: Geometry, _by: str, _values: Mapping[Any, str]) -> ET.Element:
        style = load_style()["places"][layer]
        return single(_shape(geometry, style["colour"], style["shape"]))

    return renderer


def _shape(geometry: Geometry, colour: str, form: str = "circle") -> ET.Element:
    if geometry == "point":
        return symbol(geometry, marker(form, colour, _MARKERS.get(form, 2.4)))
    if geometry == "line":
        return symbol(geometry, stroke(colour, 0.5))
    return symbol(geometry, fill(colour, opacity=0.4, outline=colour, width=0.3))


def _plain(geometry: Geometry, _by: str, _values: Mapping[Any, str]) -> ET.Element:
    return single(_shape(geometry, load_style()["clusters"]["other"]))


def _clusters(_geometry: Geometry, by: str, values: Mapping[Any, str]) -> ET.Element:
    words = {str(value): text for value, text in values.items()}
    words = words or {name: name.capitalize() for name in ("east", "centre", "west")}
    colours = cluster_colours(words)
    return categorised(
        by,
        [
            Category(
                name, words[name],
                symbol("polygon", fill(colour, opacity=0.1, outline=colour, width=0.7)),
            )
            for name, colour in colours.items()
        ],
    )  # fmt: skip


def _zones(_geometry: Geometry, _by: str, _values: Mapping[Any, str]) -> ET.Element:
    style = load_style()["zones"]
    area = fill(style["fill"], opacity=0.35, outline=style["outline"], width=0.5)
    return single(symbol("polygon", area))


def _robustness(_geometry: Geometry, by: str, _values: Mapping[Any, str]) -> ET.Element:
    """Fill what is firm and hatch what is not, the other way than discs are hatched."""
    look = load_style()["robustness"]
    core = fill(look["core"], opacity=0.75)
    fringe = fill(look["fringe"], outline=look["fringe"], width=0.15, brush="f_diagonal")
    return categorised(
        by,
        [
            Category("core", "Core: in 90% of draws or more", symbol("polygon", core)),
            Category("fringe", "Fringe: in some draws", symbol("polygon", fringe)),
        ],
    )


def _isochrones(_geometry: Geometry, by: str, values: Mapping[Any, str]) -> ET.Element:
    fills = band_colours(float(value) for value in values or load_style()["bands"])
    return categorised(
        by,
        [
            Category(
                f"{limit:g}", f"{limit:g} minutes",
                symbol("polygon", fill(colour)),
            )
            for limit, colour in fills.items()
        ],
        order=by,
    )  # fmt: skip


def _roads(_geometry: Geometry, by: str, _values: Mapping[Any, str]) -> ET.Element:
    rules = []
    for level, (name, words, smallest) in enumerate(_ROADS):
        style = road_style(name)
        line = stroke(style["colour"], style["width"] * MM_PER_PIXEL, level=level)
        wanted = f"\"{by}\" IN ('{name}', '{name}_link')"
        rules.append(Rule(wanted, words, symbol("line", line), smallest))
    return rule_based(rules[::-1], levels=True)


def _corridor(_geometry: Geometry, _by: str, _values: Mapping[Any, str]) -> ET.Element:
    style = load_style()["corridor"]
    width = style["width"] * MM_PER_PIXEL
    casing = stroke(load_style()["base"]["halo"], width + 0.5)
    return single(symbol("line", casing, stroke(style["colour"], width, level=1)))


def _interchanges(_geometry: Geometry, _by: str, _values: Mapping[Any, str]) -> ET.Element:
    colour = load_style()["interchanges"]["colour"]
    halo = load_style()["base"]["halo"]
    return single(symbol("point", marker("circle", halo, 1.6, outline=colour, width=0.4)))


def _municipalities(_geometry: Geometry, _by: str, _values: Mapping[Any, str]) -> ET.Element:
    base = load_style()["base"]
    return single(symbol("polygon", fill(base["land"], outline=base["border"], width=0.15)))


def _borders(width: float) -> _Renderer:
    """Return the renderer of land that is only outlined: what lies below shows through."""

    def renderer(_geometry: Geometry, _by: str, _values: Mapping[Any, str]) -> ET.Element:
        colour = load_style()["clusters"]["other"]
        area = fill(colour, outline=colour, width=width, brush="no")
        return single(symbol("polygon", area))

    return renderer


def _outlines(_geometry: Geometry, by: str, _values: Mapping[Any, str]) -> ET.Element:
    """Hatch the discs: they show a size, not a border."""
    colour = load_style()["places"]["complexes"]["colour"]
    known = fill(colour, opacity=0.35, outline=colour, width=0.3)
    disc = fill(colour, outline=colour, width=0.3, brush="b_diagonal", dash="dash")
    return categorised(
        by,
        [
            Category("landuse", "Outline by land use", symbol("polygon", known)),
            Category("disc", "Disc: no border is known", symbol("polygon", disc)),
        ],
    )


def _positions(_geometry: Geometry, by: str, _values: Mapping[Any, str]) -> ET.Element:
    return categorised(
        by,
        [
            Category(word, word.capitalize(), symbol("point", marker("circle", colour, 1.8)))
            for word, colour in load_style()["compared"].items()
        ],
    )


# --- the paper's other layers --------------------------------------------------------------------


def _growth_poles(_geometry: Geometry, _by: str, _values: Mapping[Any, str]) -> ET.Element:
    colour = load_style()["paper"]["growth_poles"]
    edge = load_style()["base"]["text"]
    return single(symbol("point", marker("star", colour, 8, outline=edge)))


def _local_plans(_geometry: Geometry, by: str, values: Mapping[Any, str]) -> ET.Element:
    colours = cycle(load_style()["paper"]["local_plans"])
    return categorised(
        by,
        [
            Category(str(value), words, symbol("polygon", _share_fill(next(colours))))
            for value, words in values.items()
        ],
    )


def _producer_services(_geometry: Geometry, by: str, _values: Mapping[Any, str]) -> ET.Element:
    shares = {float(limit): colour for limit, colour in load_style()["shares"].items()}
    limits = [0.0, *sorted(shares)]
    return graduated(
        by,
        [
            Range(
                lower, upper, f"{lower:g} to {upper:g}% of the nation's workers",
                symbol("polygon", _share_fill(shares[upper])),
            )
            for lower, upper in pairwise(limits)
        ],
    )  # fmt: skip


def _share_fill(colour: str) -> ET.Element:
    return fill(colour, opacity=0.75, outline=load_style()["base"]["halo"], width=0.3)


def _mechanical_industry(_geometry: Geometry, _by: str, _values: Mapping[Any, str]) -> ET.Element:
    colour = load_style()["paper"]["mechanical_industry"]
    return single(symbol("polygon", fill(colour, outline=colour, width=0.45, brush="no")))


def _barriers(_geometry: Geometry, _by: str, _values: Mapping[Any, str]) -> ET.Element:
    return single(symbol("polygon", fill(load_style()["base"]["water"])))


def _dots(geometry: Geometry, _by: str, _values: Mapping[Any, str]) -> ET.Element:
    colour = load_style()["clusters"]["other"]
    dot = marker("circle", colour, 0.6, outline=colour, width=0)
    return single(symbol("point", dot) if geometry == "point" else _shape(geometry, colour))


_RENDERERS: dict[str, _Renderer] = {
    "barriers": _barriers,
    "centres": _place("centres"),
    "clusters": _clusters,
    "complexes": _place("complexes"),
    "corridor": _corridor,
    "growth_poles": _growth_poles,
    "interchanges": _interchanges,
    "isochrones": _isochrones,
    "land": _dots,
    "local_plans": _local_plans,
    "mechanical_industry": _mechanical_industry,
    "municipalities": _municipalities,
    "outlines": _outlines,
    "plain": _plain,
    "population": _dots,
    "positions": _positions,
    "producer_services": _producer_services,
    "provinces": _borders(0.6),
    "roads": _roads,
    "robustness": _robustness,
    "submunicipalities": _borders(0.12),
    "universities": _place("universities"),
    "zones": _zones,
}

#: By style: point size, smallest scale, bold, priority.
_LABELS: dict[str, tuple[float, int, bool, int]] = {
    "clusters": (12, 0, True, 10),
    "zones": (8.5, 300_000, True, 9),
    "corridor": (7, 200_000, False, 6),
    "interchanges": (6.5, 350_000, False, 4),
    "growth_poles": (7, 1_200_000, False, 6),
    "local_plans": (10, 0, True, 8),
    "municipalities": (7.5, 800_000, False, 3),
    "provinces": (9, 0, False, 4),
    "submunicipalities": (6.5, 150_000, False, 1),
    "roads": (6, 100_000, False, 1),
}


#: Names quieter than the plan's own.
_QUIET = ("municipalities", "provinces", "submunicipalities")


def _label(style: str, geometry: Geometry) -> Label:
    palette = load_style()
    colour = palette["base"]["text"]
    if style in _QUIET:
        colour = palette["clusters"]["other"]
    size, smallest, bold, priority = _LABELS.get(style, (7, 200_000, False, 5))
    wrap = 30 if geometry == "point" or style == "zones" else 0  # sites have the names of places
    roams = style in {"clusters", "zones"}  # where the plan's places are
    return Label(size, colour, palette["base"]["halo"], smallest, bold, priority, wrap, roams)
