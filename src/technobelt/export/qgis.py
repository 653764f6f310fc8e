"""A QGIS project that opens by double click, written without QGIS.

A ``.qgz`` is a zip with one XML file. It refers to the files beside it by relative paths, so the
folder may be moved or renamed. The XML is that of QGIS 3.22, which every later 3.x reads. Debian's
QGIS 3.22 has no Parquet: the project takes only ``.gpkg``, ``.shp`` and ``.tif``.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import pyproj

from technobelt.errors import LayerError, MissingColumnError, MissingFileError, OutputError
from technobelt.export.layout import Extent, layout_scale, print_layout, with_margin
from technobelt.export.styles import (
    STYLE_COLUMN,
    RasterStyle,
    Style,
    layer_style,
    raster_style,
    road_classes_drawn,
)
from technobelt.export.symbols import Geometry, node, options
from technobelt.style import load_style
from technobelt.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["ProjectLayer", "write_qgis_project"]

_VERSION = "3.22.0-Białowieża"
_SUFFIXES = (".gpkg", ".shp", ".tif")
#: The time in the zip: a fixed one, so that the same project makes the same file.
_ZIPPED = (2000, 1, 1, 0, 0, 0)
#: What the print layout's legend calls layers whose name says too little on paper.
_LEGEND = {"barriers": "Water", "corridor": "Route", "municipalities": "Land, by municipality"}
_HEADING = "legend/title-style"
_WKB = {"point": "Point", "line": "Line", "polygon": "Polygon"}


@dataclass(frozen=True)
class ProjectLayer:
    """One layer of a project.

    Attributes
    ----------
    name
        As the layer panel and the legend call it.
    file
        The ``.gpkg``, ``.shp`` or ``.tif``, relative to the project's folder.
    group
        Groups are drawn in the order of their first layers, the first on top.
    geometry
        Points, lines, polygons, or ``"raster"``.
    style
        How it is drawn, see `layer_style`, and for rasters `raster_style`; a ``"plain"`` raster
        shows minutes in the bands' colours.
    sublayer
        The layer within a ``.gpkg``.
    label
        Column with the names to write on the map.
    column
        The column that tells rows apart, where it is not called as in `STYLE_COLUMN`.
    where
        Only rows for which this SQL condition holds, e.g. ``"minutes" = 90``.
    visible
        Switched on when the project opens.
    legend
        Explained in the print layout's legend.
    """

    name: str
    file: str
    group: str
    geometry: Geometry | Literal["raster"]
    style: Style | RasterStyle = "plain"
    sublayer: str | None = None
    label: str | None = None
    column: str | None = None
    where: str | None = None
    visible: bool = True
    legend: bool = True


@dataclass(frozen=True)
class _Opened:
    """A project layer with what its file says: id, data source, CRS, extent, values, encoding."""

    layer: ProjectLayer
    id: str
    source: str
    crs: Any
    extent: Extent
    values: dict[Any, str]
    encoding: str


def write_qgis_project(
    path: str | Path,
    layers: Sequence[ProjectLayer],
    *,
    title: str,
    crs: Any,
    attribution: Sequence[str],
    extent: Extent,
) -> Path:
    """Write a ``.qgz`` with groups, styles, labels and a print layout; opens in QGIS 3.22 and later.

    Parameters
    ----------
    path
        The ``.qgz``. The layers' files must stand where they will stand, relative to its folder.
    layers
        From top to bottom.
    title
        Of the project and of the print layout.
    crs
        The project's CRS, in metres.
    attribution
        One source a line; on the canvas and at the foot of the layout.
    extent
        West, south, east and north to open with, in `crs`.

    Returns
    -------
    pathlib.Path
        The ``.qgz``.

    Raises
    ------
    MissingFileError
        A layer's file is not there.
    LayerError
        It cannot be read or lacks the layer or a column.
    OutputError
        A file is in a format that QGIS may not open, or the project cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd, shapely
    >>> from technobelt.export import write_layer
    >>> zones = gpd.GeoDataFrame({"zone_id": ["E"]}, geometry=[shapely.box(0, 0, 9, 9)], crs=5179)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_layer(zones, f"{folder}/zones.gpkg")
    ...     project = write_qgis_project(
    ...         f"{folder}/plan.qgz",
    ...         [ProjectLayer("Zones", "zones.gpkg", "Plan", "polygon", "zones")],
    ...         title="Plan", crs="EPSG:5179", attribution=["own survey"], extent=(0, 0, 9, 9),
    ...     )
    ...     zipfile.ZipFile(project).namelist()
    ['plan.qgs']
    """  # noqa: E501
    target = Path(path).with_suffix(".qgz")
    opened = [_open(layer, target.parent) for layer in layers]
    if len({item.id for item in opened}) < len(opened):
        raise OutputError(f"cannot write '{target.name}': one of the layers stands there twice.")
    root = _project(opened, title, pyproj.CRS(crs), attribution, extent)
    with replace_file(target) as scratch:
        _write_zip(root, scratch, f"{target.stem}.qgs")
    return target


def _write_zip(root: ET.Element, scratch: Path, name: str) -> None:
    ET.indent(root, " ")
    doctype = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    text = doctype + ET.tostring(root, encoding="unicode")
    with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name, date_time=_ZIPPED)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, text.encode("utf-8"))


# --- what the files say --------------------------------------------------------------------------


def _open(layer: ProjectLayer, folder: Path) -> _Opened:
    file = folder / layer.file
    if file.suffix.lower() not in _SUFFIXES or Path(layer.file).is_absolute():
        raise OutputError(
            f"a QGIS project takes {', '.join(_SUFFIXES)} files beside it; found '{layer.file}'."
        )
    if not file.is_file():
        raise MissingFileError(
            f"no file '{layer.file}' in '{folder}'. Write it before the project."
        )
    return _open_raster(layer, file) if layer.geometry == "raster" else _open_vector(layer, file)


def _open_raster(layer: ProjectLayer, file: Path) -> _Opened:
    import rasterio

    with rasterio.open(file) as raster:
        extent: Extent = tuple(raster.bounds)
        crs = pyproj.CRS.from_user_input(raster.crs)
    return _Opened(layer, _id_of(layer), f"./{layer.file}", crs, extent, {}, "")


def _open_vector(layer: ProjectLayer, file: Path) -> _Opened:
    import pyogrio

    try:
        info = pyogrio.read_info(file, layer=layer.sublayer, force_total_bounds=True)
    except (RuntimeError, ValueError) as error:
        raise LayerError(f"cannot read '{layer.file}' for the project: {error}.") from error
    by = layer.column or STYLE_COLUMN.get(layer.style)
    _check_columns(layer, [name for name in (by, layer.label) if name], list(info["fields"]))
    source = "|".join([f"./{layer.file}", *_parts(layer, info["geometry_type"])])
    values = _values(file, layer, by)
    cpg = file.with_suffix(".cpg")
    page = cpg.read_text(encoding="ascii").strip() if cpg.is_file() else "UTF-8"
    encoding = f"CP{page}" if page.isdigit() else page
    bounds = info["total_bounds"]
    known = bounds is not None and all(map(math.isfinite, bounds))
    extent: Extent = tuple(bounds) if known else (0.0, 0.0, 0.0, 0.0)
    return _Opened(layer, _id_of(layer), source, pyproj.CRS(info["crs"]), extent, values, encoding)


def _check_columns(layer: ProjectLayer, wanted: Iterable[str], found: list[str]) -> None:
    for name in wanted:
        if name not in found:
            raise MissingColumnError(
                f"layer '{layer.name}' ({layer.file}) is drawn by column '{name}'; "
                f"found: {', '.join(found)}. Name the column, or take the style 'plain'."
            )


def _parts(layer: ProjectLayer, geometry_type: str | None) -> list[str]:
    """Return what follows the file in QGIS's data source: layer, type where mixed, rows."""
    parts = [f"layername={layer.sublayer}"] if layer.sublayer else []
    if geometry_type in {"Unknown", "GeometryCollection"} and layer.geometry != "raster":
        kind = {"point": "Point", "line": "LineString", "polygon": "Polygon"}[layer.geometry]
        parts.append(f"geometrytype={kind}")
    return [*parts, f"subset={layer.where}"] if layer.where else parts


def _values(file: Path, layer: ProjectLayer, by: str | None) -> dict[Any, str]:
    """Return the values that the style tells apart, with their words for the legend."""
    import pyogrio

    if by is None:
        return {}
    words = layer.label or by
    table = pyogrio.read_dataframe(
        file, layer=layer.sublayer, columns=[by, words], read_geometry=False, where=layer.where
    )
    table = table.dropna(subset=by).drop_duplicates(by)
    texts = table[words].where(table[words].notna(), table[by])
    return {value: str(text) for value, text in zip(table[by], texts, strict=True)}


def _id_of(layer: ProjectLayer) -> str:
    """Return an id that is the same in every run and differs between layers."""
    parts = "|".join(
        [layer.file, layer.sublayer or "", layer.where or "", layer.geometry, layer.name]
    )
    plain = re.sub(r"[^A-Za-z0-9]+", "_", layer.name)
    return f"{plain}_{zlib.crc32(parts.encode()):08x}"


# --- the project's XML ---------------------------------------------------------------------------


def _project(
    opened: Sequence[_Opened],
    title: str,
    crs: pyproj.CRS,
    attribution: Sequence[str],
    extent: Extent,
) -> ET.Element:
    extent = with_margin(extent)
    shown = [item for item in opened if item.layer.visible and item.layer.legend]
    legend = _tree(shown, scale=layout_scale(extent) if crs.is_projected else None)
    background = _background(opened)
    return node(
        "qgis",
        node("title", text=title),
        node("projectCrs", _crs(crs)),
        _tree(opened),
        node("projectlayers", *(_maplayer(item) for item in opened)),
        node("layerorder", *(node("layer", id=item.id) for item in opened)),
        _canvas(crs, extent),
        _properties(attribution, background),
        _metadata(title, attribution),
        node("Layouts", print_layout(title, attribution, extent, legend, background)),
        _view(crs, extent),
        version=_VERSION,
        projectname=title,
    )


def _crs(crs: pyproj.CRS) -> ET.Element:
    authority = crs.to_authority(min_confidence=70)
    parts = [node("wkt", text=crs.to_wkt())]
    if authority is not None:
        parts.append(node("srid", text=authority[1]))
        parts.append(node("authid", text=":".join(authority)))
    parts.append(node("description", text=crs.name))
    parts.append(node("geographicflag", text=str(crs.is_geographic).lower()))
    return node("spatialrefsys", *parts)


def _tree(opened: Sequence[_Opened], *, scale: float | None = None) -> ET.Element:
    """Return the layer panel: groups in the order of their first layers.

    With the scale of a print, it is the print's legend: without what is not drawn at that scale.
    """
    root = node("layer-tree-group")
    groups: dict[str, ET.Element] = {}
    for item in opened:
        name = item.layer.group
        if name not in groups:
            groups[name] = node("layer-tree-group", name=name, expanded=1, checked="Qt::Checked")
            root.append(groups[name])
        groups[name].append(_leaf(item, scale))
    return root


def _leaf(item: _Opened, scale: float | None) -> ET.Element:
    said: dict[str, object] = {}
    if item.layer.name == item.layer.group:  # the group's heading says it already
        said[_HEADING] = "hidden"
    if item.layer.style in _LEGEND:
        said["legend/title-label"] = _LEGEND[item.layer.style]
    if item.layer.style == "roads" and scale is not None:
        said["legend/node-order"] = ",".join(map(str, range(road_classes_drawn(scale))))
    return node(
        "layer-tree-layer",
        node("customproperties", options(said)),
        id=item.id,
        name=item.layer.name,
        source=item.source,
        providerKey="gdal" if item.layer.geometry == "raster" else "ogr",
        checked="Qt::Checked" if item.layer.visible else "Qt::Unchecked",
        expanded=0,
    )


def _maplayer(item: _Opened) -> ET.Element:
    common = [
        _box("extent", item.extent),
        node("id", text=item.id),
        node("datasource", text=item.source),
        node("layername", text=item.layer.name),
        node("srs", _crs(item.crs)),
    ]
    layer = item.layer
    if layer.geometry == "raster":
        provider = node("provider", text="gdal")
        look = raster_style(
            cast("RasterStyle", "minutes" if layer.style == "plain" else layer.style)
        )
        return node("maplayer", *common, provider, look, type="raster")
    style = layer_style(
        cast("Style", layer.style),
        layer.geometry,
        label=layer.label,
        values=item.values,
        column=layer.column,
    )
    return node(
        "maplayer",
        *common,
        node("provider", text="ogr", encoding=item.encoding),
        *style,
        type="vector",
        geometry=_WKB[layer.geometry],
        labelsEnabled=int(layer.label is not None),
        simplifyDrawingHints=1,
        simplifyDrawingTol=1,
    )


def _box(tag: str, extent: Extent) -> ET.Element:
    names = ("xmin", "ymin", "xmax", "ymax")
    pairs = zip(names, extent, strict=True)
    return node(tag, *(node(name, text=repr(float(value))) for name, value in pairs))


def _canvas(crs: pyproj.CRS, extent: Extent) -> ET.Element:
    return node(
        "mapcanvas",
        node("units", text="degrees" if crs.is_geographic else "meters"),
        _box("extent", extent),
        node("rotation", text="0"),
        node("destinationsrs", _crs(crs)),
        name="theMapCanvas",
    )


def _view(crs: pyproj.CRS, extent: Extent) -> ET.Element:
    west, south, east, north = (repr(float(value)) for value in extent)
    shown = node("DefaultViewExtent", _crs(crs), xmin=west, ymin=south, xmax=east, ymax=north)
    return node("ProjectViewSettings", node("Scales"), shown, UseProjectScales=0, rotation=0)


def _background(opened: Sequence[_Opened]) -> str:
    """Return the colour of the sea where the land is drawn; else nobody knows what is land."""
    base = load_style()["base"]
    land = any(item.layer.style == "municipalities" and item.layer.visible for item in opened)
    return str(base["sea" if land else "land"])


def _properties(attribution: Sequence[str], background: str) -> ET.Element:
    """Return relative paths, the background, and the sources on the canvas."""
    red, green, blue = bytes.fromhex(background.removeprefix("#"))
    return node(
        "properties",
        node("Paths", node("Absolute", text="false", type="bool")),
        node(
            "Gui",
            node("CanvasColorRedPart", text=str(red), type="int"),
            node("CanvasColorGreenPart", text=str(green), type="int"),
            node("CanvasColorBluePart", text=str(blue), type="int"),
        ),
        node(
            "CopyrightLabel",
            node("Enabled", text="true", type="bool"),
            node("Label", text="\n".join(attribution), type="QString"),
            node("Placement", text="3", type="int"),
        ),
        node("SpatialRefSys", node("ProjectionsEnabled", text="1", type="int")),
        node("Measurement", node("AreaUnits", text="km2", type="QString")),
        node("PAL", node("DrawUnplaced", text="false", type="bool")),
    )


def _metadata(title: str, attribution: Sequence[str]) -> ET.Element:
    return node(
        "projectMetadata",
        node("title", text=title),
        node("abstract", text="\n".join(attribution)),
    )
