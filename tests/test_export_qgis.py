"""The QGIS project: read as XML, and opened in the QGIS that is installed, where there is one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

import technobelt as tb
from technobelt.errors import LayerError, MissingColumnError, MissingFileError, OutputError
from technobelt.export import (
    ProjectLayer,
    export_shapefile,
    layer_qml,
    write_desktop,
    write_geopackage,
    write_layer,
    write_layers,
    write_qgis_project,
    write_qml,
)
from technobelt.export.layout import print_layout
from technobelt.export.styles import raster_style
from technobelt.rasters import Grid, write_bands
from technobelt.style import band_colours, load_style

EXTENT = (1_000_000.0, 1_700_000.0, 1_030_000.0, 1_720_000.0)
SOURCES = ["Roads: © OpenStreetMap contributors, ODbL 1.0", "Boundaries: <SGIS> & 'KOGL'"]


def boxes(**columns):
    shapes = [
        shapely.box(1_001_000 + 9000 * i, 1_702_000, 1_009_000 + 9000 * i, 1_718_000)
        for i in range(3)
    ]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=5179)


@pytest.fixture
def folder(tmp_path):
    """Fill a folder with one layer of every kind that a plan writes."""
    home = tmp_path / "plan"
    clusters = boxes(id=["east", "centre", "west"], name=["동부", "중앙", "서부"])
    middle = [shapely.Point(1_005_000 + 9000 * i, 1_710_000) for i in range(3)]
    places = gpd.GeoDataFrame(
        {"id": ["a", "b", "c"], "name": ["창원", "<b>&", "x" * 300]}, geometry=middle, crs=5179
    )
    bands = [(hub, minutes) for hub in range(3) for minutes in (30, 60, 90)]
    isochrones = gpd.GeoDataFrame(
        {"origin_id": [str(hub) for hub, _ in bands], "minutes": [minutes for _, minutes in bands]},
        geometry=[middle[hub].buffer(minutes * 100) for hub, minutes in bands],
        crs=5179,
    )
    lines = [
        shapely.LineString([(1_000_000, 1_704_000 + 2000 * i), (1_030_000, 1_704_000 + 2000 * i)])
        for i in range(4)
    ]
    roads = gpd.GeoDataFrame(
        {"class": ["motorway", "motorway_link", "primary", "tertiary"]}, geometry=lines, crs=5179
    )
    mixed = gpd.GeoDataFrame(
        {"name": ["p", "a"]}, geometry=[middle[0], middle[1].buffer(500)], crs=5179
    )
    nowhere = gpd.GeoDataFrame(
        {"compared": ["agrees", "moved", "not located"]}, geometry=[*middle[:2], None], crs=5179
    )
    layers = {
        "outlines": boxes(outline=["disc", "landuse", "disc"]),
        "positions": nowhere,
        "services": boxes(total_pct=[3.5, 4.0, 8.5]).assign(
            geometry=lambda f: f.geometry.where(f.index < 2)
        ),
        "local_plans": boxes(special=["footwear", "machines", "footwear"]),
        "clusters": clusters,
        "universities": places.to_crs(4326),
        "roads": roads,
        "mixed": mixed,
    }
    write_geopackage(layers, home / "layers.gpkg", styled=True)
    write_layer(isochrones, home / "isochrones.gpkg")
    zones = boxes(zone_id=["1", "2", "3"], name=["창원 지구", "김해 지구", "진주 지구"])
    export_shapefile(zones, home / "zones.shp")
    export_shapefile(zones, home / "zones_cp949.shp", encoding="CP949")
    write_qml(home / "zones.qml", "zones", "polygon", label="name")
    write_geopackage({"zones": zones, "robustness": core_and_fringe()}, home / "zones.gpkg")
    write_times(home / "times.tif")
    grid = Grid(1_000_000.0, 1_720_000.0, 500.0, 40, 60)
    write_bands(home / "suitability.tif", grid, pyproj.CRS(5179), {"suitability": SCORES})
    for style, geometry in STYLES:
        write_qml(home / "styles" / f"{style}-{geometry}.qml", style, geometry, label="name")
    return home


def core_and_fringe():
    areas = boxes(kind=["core", "fringe", "core"], cluster=["east"] * 3)
    return areas.set_geometry([shapely.box(0, 0, 9, 9), *areas.geometry[1:]], crs=5179)


#: Rows from north to south: the lowest scores, no score, half, the highest.
SCORES = np.repeat([0.0, np.nan, 0.5, 1.0], 10)[:, None] * np.ones(60)


STYLES = [
    *((style, geometry) for style in ("plain", "complexes", "centres", "universities", "land") for geometry in ("point", "line", "polygon")),
    *((style, "polygon") for style in ("clusters", "zones", "isochrones", "municipalities", "barriers")),
    *((style, "polygon") for style in ("outlines", "producer_services", "mechanical_industry", "provinces", "submunicipalities", "robustness")),
    *((style, "line") for style in ("roads", "corridor")),
    *((style, "point") for style in ("interchanges", "population", "positions", "growth_poles")),
]  # fmt: skip


def write_times(path):
    import rasterio

    minutes = np.linspace(0, 150, 60 * 40, dtype="float32").reshape(40, 60)
    shape = {
        "width": 60,
        "height": 40,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:5179",
        "nodata": -1,
    }
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        transform=rasterio.Affine(500, 0, 1_000_000, 0, -500, 1_720_000),
        **shape,
    ) as file:
        file.write(minutes, 1)


LAYERS = [
    ProjectLayer("Universities", "layers.gpkg", "Plan", "point", "universities", "universities", label="name"),
    ProjectLayer("Sites", "layers.gpkg", "Plan", "point", "complexes", "mixed"),
    ProjectLayer("Outlines", "layers.gpkg", "Plan", "polygon", "complexes", "mixed"),
    ProjectLayer("Clusters", "layers.gpkg", "Plan", "polygon", "clusters", "clusters", label="name"),
    ProjectLayer("Zones", "zones.shp", "Zones", "polygon", "zones", label="name"),
    ProjectLayer("Zones for older software", "zones_cp949.shp", "Zones", "polygon", "zones", label="name", visible=False),
    ProjectLayer("Core and fringe", "zones.gpkg", "Zones", "polygon", "robustness", "robustness", visible=False),
    ProjectLayer("Share of draws", "suitability.tif", "Zones", "raster", "stays", visible=False),
    ProjectLayer("Suitability", "suitability.tif", "Zones", "raster", "suitability", visible=False),
    ProjectLayer("Roads", "layers.gpkg", "Roads", "line", "roads", "roads"),
    ProjectLayer("Driving time", "isochrones.gpkg", "Isochrones", "polygon", "isochrones"),
    ProjectLayer("Ninety minutes", "isochrones.gpkg", "Isochrones", "polygon", "isochrones", where='"minutes" = 90', visible=False),
    ProjectLayer("Minutes", "times.tif", "Isochrones", "raster", visible=False),
    ProjectLayer("Outlines of complexes", "layers.gpkg", "Paper", "polygon", "outlines", "outlines", visible=False),
    ProjectLayer("Positions", "layers.gpkg", "Paper", "point", "positions", "positions", visible=False),
    ProjectLayer("Producer services", "layers.gpkg", "Paper", "polygon", "producer_services", "services", visible=False),
    ProjectLayer("Local plans", "layers.gpkg", "Paper", "polygon", "local_plans", "local_plans", label="special", visible=False),
]  # fmt: skip


GROUPS = ["Plan", "Zones", "Roads", "Isochrones", "Paper"]


def project(folder, layers=LAYERS, **changes):
    options = {
        "title": "Plan & <title>",
        "crs": "EPSG:5179",
        "attribution": SOURCES,
        "extent": EXTENT,
    }
    return write_qgis_project(folder / "technobelt.qgz", layers, **(options | changes))


def xml_of(qgz):
    with zipfile.ZipFile(qgz) as archive:
        return ET.fromstring(archive.read("technobelt.qgs"))  # noqa: S314  (written just now)


# --- without QGIS --------------------------------------------------------------------------------


def test_every_path_is_relative(folder):
    qgz = project(folder)
    sources = [item.text for item in xml_of(qgz).iter("datasource")]
    assert all(source.startswith("./") for source in sources)
    assert str(folder).encode() not in zipfile.ZipFile(qgz).read("technobelt.qgs")


def test_groups_stand_in_the_order_of_their_layers(folder):
    tree = xml_of(project(folder)).find("layer-tree-group")
    assert [group.get("name") for group in tree] == GROUPS


@pytest.mark.parametrize(("style", "ground"), [("municipalities", "sea"), ("plain", "land")])
def test_the_sea_is_drawn_only_around_land(folder, style, ground):
    area = ProjectLayer("Areas", "layers.gpkg", "Base", "polygon", sublayer="clusters", style=style)
    inside = xml_of(project(folder, [area]))
    parts = [inside.find(f".//CanvasColor{name}Part").text for name in ("Red", "Green", "Blue")]
    paper = inside.find(".//LayoutItem[@keepLayerSet]/BackgroundColor")
    assert [paper.get(name) for name in ("red", "green", "blue")] == parts
    assert bytes(map(int, parts)).hex() == load_style()["base"][ground].removeprefix("#").lower()


def test_the_same_layers_make_the_same_project(folder):
    first = project(folder).read_bytes()
    assert project(folder).read_bytes() == first


def test_colours_are_the_palette_s():
    text = layer_qml("clusters", "polygon", values=["east"])
    red, green, blue = bytes.fromhex(load_style()["clusters"]["east"][1:])
    assert f'value="{red},{green},{blue},255"' in text
    bands = layer_qml("isochrones", "polygon", values=[30.0, 60.0])
    for minutes in (30, 60):
        red, green, blue = bytes.fromhex(band_colours([minutes])[minutes][1:])
        assert f'value="{red},{green},{blue},255"' in bands
    assert 'label="60 minutes"' in bands


def test_clusters_of_another_region_get_colours_that_differ():
    root = ET.fromstring(layer_qml("clusters", "polygon", values={"a": "Alpha", "b": "Beta"}))  # noqa: S314
    colours = [
        option.get("value")
        for option in root.iter("Option")
        if option.get("name") == "outline_color"
    ]
    assert len(set(colours)) == 2
    assert [category.get("label") for category in root.iter("category")] == ["Alpha", "Beta"]


def categories(qml):
    """Category -> the options of the first layer of its symbol."""
    renderer = ET.fromstring(qml).find("renderer-v2")  # noqa: S314
    symbols = {symbol.get("name"): symbol for symbol in renderer.find("symbols")}
    return {
        item.get("value"): {o.get("name"): o.get("value") for o in symbols[item.get("symbol")].iter("Option")}
        for item in renderer.find("categories")
    }  # fmt: skip


def test_only_discs_are_hatched_and_dashed():
    found = categories(layer_qml("outlines", "polygon"))
    assert (found["disc"]["style"], found["disc"]["outline_style"]) == ("b_diagonal", "dash")
    assert (found["landuse"]["style"], found["landuse"]["outline_style"]) == ("solid", "solid")


def test_the_core_of_zones_is_solid_and_their_fringe_hatched_unlike_discs():
    found = categories(layer_qml("robustness", "polygon"))
    assert (found["core"]["style"], found["fringe"]["style"]) == ("solid", "f_diagonal")
    assert categories(layer_qml("outlines", "polygon"))["disc"]["style"] != "f_diagonal"


def lightness(colour):
    """L* of CIELAB, from 0 (black) to 100."""
    srgb = np.frombuffer(bytes.fromhex(colour.removeprefix("#")), np.uint8) / 255
    linear = np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)
    return 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16


def test_suitability_darkens_in_even_steps_so_that_it_survives_a_grey_print():
    steps = -np.diff([lightness(colour) for colour in load_style()["suitability"]["colours"]])
    assert steps.min() > 9
    assert steps.max() < 13


@pytest.mark.parametrize(("style", "half"), [("suitability", "0.5"), ("stays", "50%")])
def test_scores_and_shares_run_from_0_to_1_whatever_the_raster_holds(style, half):
    shader = raster_style(style).find(".//colorrampshader")
    items = shader.findall("item")
    assert (shader.get("minimumValue"), shader.get("maximumValue")) == ("0", "1")
    assert [float(item.get("value")) for item in items] == np.linspace(0, 1, 9).tolist()
    assert items[4].get("label") == half


def test_positions_have_a_colour_for_each_word_of_the_comparison():
    found = categories(layer_qml("positions", "point"))
    assert set(found) == {"agrees", "moved", "unconfirmed"}
    assert len({options["color"] for options in found.values()}) == 3


def test_shares_are_classes_without_a_gap():
    root = ET.fromstring(layer_qml("producer_services", "polygon"))  # noqa: S314
    ranges = [(float(r.get("lower")), float(r.get("upper"))) for r in root.iter("range")]
    assert [upper for _, upper in ranges] == sorted(map(float, load_style()["shares"]))
    assert [lower for lower, _ in ranges] == [0, *(upper for _, upper in ranges[:-1])]


BAD = [
    ("a parquet", [ProjectLayer("R", "roads.parquet", "g", "line")], OutputError, "takes .gpkg, .shp, .tif"),
    ("no file", [ProjectLayer("R", "gone.gpkg", "g", "line")], MissingFileError, "no file 'gone.gpkg'"),
    ("no such layer", [ProjectLayer("R", "layers.gpkg", "g", "line", sublayer="rail")], LayerError, "cannot read 'layers.gpkg'"),
    ("no such label", [ProjectLayer("R", "zones.shp", "g", "polygon", label="nom")], MissingColumnError, "column 'nom'; found: zone_id, name"),
    ("an absolute path", [ProjectLayer("R", "/data/zones.shp", "g", "polygon")], OutputError, "beside it"),
    ("a layer twice", [LAYERS[0], LAYERS[0]], OutputError, "stands there twice"),
    ("a vector's style for a raster", [ProjectLayer("R", "times.tif", "g", "raster", "zones")], OutputError, "no raster style 'zones'. Choose one of minutes, suitability, stays"),
    ("a raster's style for a vector", [ProjectLayer("R", "zones.shp", "g", "polygon", "suitability")], OutputError, "no style 'suitability'"),
    ("no such style", [ProjectLayer("R", "zones.shp", "g", "polygon", "rococo")], OutputError, "no style 'rococo'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wide", "unit", "piece"), [(1_000, "m", "50"), (14_000, "km", "1"), (213_000, "km", "20")]
)
def test_the_scale_bar_fits_its_place_at_every_scale(wide, unit, piece):
    layout = print_layout(
        "t", [], (0, 0, wide, wide / 2), ET.Element("layer-tree-group"), "#FFFFFF"
    )
    (bar,) = [item for item in layout.iter("LayoutItem") if item.get("id") == "scale bar"]
    assert (bar.get("unitLabel"), bar.get("numUnitsPerSegment")) == (unit, piece)


@pytest.mark.parametrize(
    ("layers", "error", "said"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_a_project_that_would_not_open_is_not_written(folder, layers, error, said):
    with pytest.raises(error, match=said):
        project(folder, layers)
    assert not (folder / "technobelt.qgz").exists()


# --- in QGIS -------------------------------------------------------------------------------------

OPEN = """
import json, os, sys
from qgis.core import *
from qgis.PyQt.QtCore import QSize
QgsApplication.setPrefixPath("/usr", True)
app = QgsApplication([], False)
app.initQgis()
project, picture, found = QgsProject.instance(), sys.argv[2], {}
found["read"] = project.read(sys.argv[1])
found["crs"], found["title"] = project.crs().authid(), project.title()
root = project.layerTreeRoot()
found["groups"] = [group.name() for group in root.children()]
found["layers"] = {
    layer.name(): {
        "valid": layer.isValid(),
        "crs": layer.crs().authid(),
        "rows": layer.featureCount() if layer.type() == QgsMapLayerType.VectorLayer else None,
        "renderer": layer.renderer().type(),
        "ramp": [item.label for item in layer.renderer().shader().rasterShaderFunction().colorRampItemList()] if layer.type() == QgsMapLayerType.RasterLayer else [],
        "legend": [item.label() for item in layer.renderer().legendSymbolItems()] if layer.type() == QgsMapLayerType.VectorLayer else [],
        "labels": layer.type() == QgsMapLayerType.VectorLayer and layer.labelsEnabled() and layer.labeling().settings().fieldName,
        "names": [row["name"] for row in layer.getFeatures()] if layer.name().startswith("Zones") else [],
        "visible": root.findLayer(layer).isVisible(),
    }
    for layer in project.mapLayers().values()
}
settings = QgsMapSettings()
settings.setLayers([layer for layer in root.layerOrder() if root.findLayer(layer).isVisible()])
settings.setDestinationCrs(project.crs())
settings.setBackgroundColor(project.backgroundColor())
settings.setExtent(project.viewSettings().defaultViewExtent())
settings.setOutputSize(QSize(600, 400))
job = QgsMapRendererSequentialJob(settings)
job.start()
job.waitForFinished()
image = job.renderedImage()
image.save(picture)
found["errors"] = [error.message for error in job.errors()]
found["corner"] = image.pixelColor(0, 399).name()
found["middle"] = image.pixelColor(285, 60).name()
settings.setLayers([layer for layer in project.mapLayers().values() if layer.name() == "Suitability"])
alone = QgsMapRendererSequentialJob(settings)
alone.start()
alone.waitForFinished()
scores = alone.renderedImage()
found["scores"] = [scores.pixelColor(300, y).getRgb()[:3] for y in (50, 150, 250, 350)]
found["errors"] += [error.message for error in alone.errors()]
layout = project.layoutManager().layouts()[0]
found["items"] = sorted(item.id() for item in layout.items() if isinstance(item, QgsLayoutItem) and item.id())
found["layout"] = QgsLayoutExporter(layout).exportToImage(picture.replace(".png", "-layout.png"), QgsLayoutExporter.ImageExportSettings())
folder = sys.argv[1].rsplit("/", 1)[0]
alone = QgsVectorLayer(folder + "/layers.gpkg|layername=clusters", "alone", "ogr")
found["gpkg default"] = alone.renderer().type()
shape = QgsVectorLayer(folder + "/zones.shp", "alone", "ogr")
found["qml"] = {}
for name in sorted(os.listdir(folder + "/styles")):
    kind = name.removesuffix(".qml").split("-")[1]
    bare = QgsVectorLayer({"line": "linestring"}.get(kind, kind) + "?crs=EPSG:5179&field=name:string", "bare", "memory")
    message, loaded = bare.loadNamedStyle(folder + "/styles/" + name)
    symbols = bare.renderer().symbols(QgsRenderContext())
    found["qml"][name] = [loaded, bare.renderer().type(), len(symbols), all(symbol.type() == bare.geometryType() for symbol in symbols)]
found["qml beside"] = shape.labelsEnabled()
print("FOUND" + json.dumps(found), flush=True)
os._exit(0)  # QGIS's own tidying up crashes where layers are still referred to
"""


def qgis_python():
    """Return a Python that has QGIS, or skip."""
    for name in ("/usr/bin/python3", "python3"):
        python = shutil.which(name)
        if (
            python
            and subprocess.run(
                [python, "-c", "import qgis.core"],
                capture_output=True,
                check=False,
                env=plain_environment(),
            ).returncode
            == 0
        ):
            return python
    return pytest.skip("no Python with QGIS (Debian: apt-get install python3-qgis)")


def plain_environment():
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "GDAL", "PROJ"))
    }
    return kept | {"QT_QPA_PLATFORM": "offscreen"}


def rgb_of(colour):
    return np.frombuffer(bytes.fromhex(colour.removeprefix("#")), np.uint8).astype(float)


@pytest.fixture
def opened(folder):
    python = qgis_python()
    project(folder)
    moved = folder.rename(folder.with_name("renamed 창원"))
    run = subprocess.run(
        [python, "-c", OPEN, str(moved / "technobelt.qgz"), str(moved / "map.png")],
        capture_output=True, text=True, timeout=300, check=False, env=plain_environment(),
    )  # fmt: skip
    assert "FOUND" in run.stdout, run.stderr[-2000:]
    return json.loads(run.stdout.split("FOUND", 1)[1]) | {"folder": moved}


def test_qgis_opens_the_project_after_its_folder_was_renamed(opened):
    layers = opened["layers"]
    assert opened["read"] is True
    assert (opened["crs"], opened["title"]) == ("EPSG:5179", "Plan & <title>")
    assert opened["groups"] == GROUPS
    assert [name for name, layer in layers.items() if not layer["valid"]] == []
    assert set(layers) == {layer.name for layer in LAYERS}
    assert {layer.name: layer.visible for layer in LAYERS} == {
        name: layer["visible"] for name, layer in layers.items()
    }
    # rows: mixed geometries are told apart, a condition holds, every CRS is known
    assert {name: layers[name]["rows"] for name in ("Sites", "Outlines", "Ninety minutes", "Driving time")} == {
        "Sites": 1, "Outlines": 1, "Ninety minutes": 3, "Driving time": 9,
    }  # fmt: skip
    assert {layer["crs"] for layer in layers.values()} == {"EPSG:5179", "EPSG:4326"}
    # Korean text in both encodings
    korean = ["창원 지구", "김해 지구", "진주 지구"]
    assert layers["Zones"]["names"] == layers["Zones for older software"]["names"] == korean
    # styles and labels
    assert layers["Clusters"]["renderer"] == "categorizedSymbol"
    assert layers["Clusters"]["legend"] == ["동부", "중앙", "서부"]
    assert layers["Clusters"]["labels"] == "name"
    assert layers["Driving time"]["legend"] == ["30 minutes", "60 minutes", "90 minutes"]
    assert layers["Roads"]["renderer"] == "RuleRenderer"
    assert layers["Minutes"]["renderer"] == "singlebandpseudocolor"
    assert opened["gpkg default"] == "categorizedSymbol"
    assert opened["qml beside"] is True
    assert len(opened["qml"]) == len(STYLES)
    assert [
        name
        for name, (loaded, _, count, fits) in opened["qml"].items()
        if not (loaded and count and fits)
    ] == []
    # rows without a shape are rows still; values and classes stand in the legend
    assert (layers["Positions"]["rows"], layers["Producer services"]["rows"]) == (3, 3)
    assert layers["Producer services"]["renderer"] == "graduatedSymbol"
    assert layers["Producer services"]["legend"][1] == "2 to 4% of the nation's workers"
    assert layers["Local plans"]["legend"] == ["footwear", "machines"]
    assert layers["Outlines of complexes"]["legend"] == ["Outline by land use", "Disc: no border is known"]  # fmt: skip
    assert layers["Core and fringe"]["legend"] == ["Core: in 90% of draws or more", "Fringe: in some draws"]  # fmt: skip
    # rasters: minutes in classes; scores in a ramp, nothing drawn where there is no score
    assert layers["Minutes"]["ramp"] == ["30 minutes", "60 minutes", "90 minutes", "120 minutes", "more"]  # fmt: skip
    assert layers["Suitability"]["renderer"] == "singlebandpseudocolor"
    assert (layers["Suitability"]["ramp"][4], layers["Share of draws"]["ramp"][4]) == ("0.5", "50%")
    low, unknown, half, high = (np.array(rgb) for rgb in opened["scores"])
    ground = rgb_of(load_style()["base"]["land"])
    assert unknown.tolist() == ground.tolist()
    ramp = load_style()["suitability"]["colours"]
    for seen, colour in ((low, ramp[0]), (half, ramp[4]), (high, ramp[8])):
        assert abs(seen - (0.8 * rgb_of(colour) + 0.2 * ground)).max() < 2
    # what is drawn
    assert opened["errors"] == []
    assert opened["corner"] == load_style()["base"]["land"].lower()
    assert opened["middle"] != opened["corner"]
    assert opened["items"] == [
        "attribution",
        "legend",
        "map",
        "north arrow",
        "page",
        "scale bar",
        "title",
    ]
    assert opened["layout"] == 0
    assert (opened["folder"] / "map-layout.png").stat().st_size > 20_000


# --- single files, folders and the desktop package, in QGIS --------------------------------------

FILES = """
import json, os, sys
from qgis.core import *
QgsApplication.setPrefixPath("/usr", True)
app = QgsApplication([], False)
app.initQgis()
found = {}
for source in json.loads(sys.argv[1]):
    layer = QgsVectorLayer(source, "layer", "ogr")
    fields = [field.name() for field in layer.fields()]
    name = "name_ko" if "name_ko" in fields else None
    label = layer.labeling().settings().fieldName if layer.labeling() else None
    found[source] = {
        "valid": layer.isValid(),
        "renderer": layer.renderer().type() if layer.renderer() else None,
        "colour": [item.symbol().color().name() for item in layer.renderer().legendSymbolItems() if item.symbol()],
        "drawn by": layer.renderer().classAttribute() if layer.renderer().type() == "categorizedSymbol" else None,
        "label": label if layer.labelsEnabled() else None,
        "label is a field": layer.fields().lookupField(label) >= 0 if label else None,
        "korean": [row[name] for row in layer.getFeatures()] if name else [],
        "rows": layer.featureCount(),
    }
print("FOUND" + json.dumps(found), flush=True)
os._exit(0)
"""


def in_qgis(code, *arguments):
    """Run code in the Python that has QGIS, and return what it found."""
    run = subprocess.run(
        [qgis_python(), "-c", code, *arguments],
        capture_output=True, text=True, timeout=300, check=False, env=plain_environment(),
    )  # fmt: skip
    assert "FOUND" in run.stdout, run.stderr[-2000:]
    return json.loads(run.stdout.split("FOUND", 1)[1])


NAMES = ("clusters", "complexes", "outlines", "corridor")


@pytest.fixture(scope="module")
def some_layers():
    region = tb.load_region()
    roads = tb.read_layer(region, "roads").iloc[:200]
    return {name: tb.read_layer(region, name) for name in NAMES} | {"roads": roads}


def test_files_of_every_format_open_in_their_style_with_korean_names(some_layers, tmp_path):
    qgis_python()
    common = {"attribution": ["x"]}
    for form in ("shp", "geojson", "fgb", "kml", "gpkg"):
        write_layers(some_layers, tmp_path / form, form, **common)
    write_layers(some_layers, tmp_path / "cp949", "shp", encoding="CP949", **common)
    sources = {
        f"{folder}/{name}": str(tmp_path / folder / f"{name}.{folder.replace('cp949', 'shp')}")
        for folder in ("shp", "cp949", "geojson", "fgb", "kml", "gpkg")
        for name in some_layers
    }
    opened = in_qgis(FILES, json.dumps(list(sources.values())))
    seen = {key: opened[source] for key, source in sources.items()}
    assert [key for key, layer in seen.items() if not layer["valid"]] == []
    assert {key: layer["rows"] for key, layer in seen.items()} == {
        key: len(some_layers[key.split("/")[1]]) for key in seen
    }
    names = sorted(some_layers["complexes"]["name_ko"])
    assert all(sorted(seen[f"{folder}/complexes"]["korean"]) == names for folder in ("shp", "cp949", "geojson", "fgb", "kml", "gpkg"))  # fmt: skip
    for folder in ("shp", "cp949", "geojson", "fgb", "kml", "gpkg"):
        clusters = seen[f"{folder}/clusters"]
        assert (clusters["renderer"], clusters["drawn by"]) == ("categorizedSymbol", "id")
        assert (clusters["label"].casefold(), clusters["label is a field"]) == ("name", True)
        assert seen[f"{folder}/outlines"]["drawn by"] == "outline"
        assert seen[f"{folder}/roads"]["renderer"] == "RuleRenderer"
        colour = load_style()["places"]["complexes"]["colour"].lower()
        assert seen[f"{folder}/complexes"]["colour"] == [colour]


def test_the_desktop_package_opens_with_all_layers_and_prints(some_layers, tmp_path):
    qgis_python()
    mixed = gpd.GeoDataFrame(
        {"name": ["p", "a"]},
        geometry=[shapely.Point(1_100_000, 1_700_000), shapely.box(1_100_000, 1_700_000, 1_110_000, 1_710_000)],
        crs=5179,
    )  # fmt: skip
    layers = some_layers | {
        "sites of ours": mixed,
        "positions": boxes(compared=["moved"] * 3).iloc[:0],
    }
    write_desktop(
        layers, tmp_path / "a", title="Belt", attribution=SOURCES, project_crs=5179, crs="EPSG:5186"
    )
    moved = (tmp_path / "a").rename(tmp_path / "옮긴 폴더")
    found = in_qgis(PACKAGE, str(moved / "technobelt.qgz"), str(moved / "print.png"))
    assert found["read"] is True
    assert found["crs"] == "EPSG:5186"
    assert found["groups"] == ["Other layers", "Places", "Corridor", "Belt", "Base"]
    assert [name for name, layer in found["layers"].items() if not layer["valid"]] == []
    assert {name: layer["rows"] for name, layer in found["layers"].items()} == {
        "Sites of ours: points": 1, "Sites of ours: polygons": 1, "Positions compared": 0,
        "Industrial complexes": 30, "Outlines of complexes": 20, "Corridor": 9, "Clusters": 3,
        "Roads": 200,
    }  # fmt: skip
    assert {layer["crs"] for layer in found["layers"].values()} == {"EPSG:5186"}
    assert found["legend"]["Roads"] == ["Motorway", "Trunk road", "Primary road"]
    assert found["legend"]["Corridor"] == ["Route"]
    assert found["items"] == ["attribution", "legend", "map", "north arrow", "page", "scale bar", "title"]  # fmt: skip
    assert (found["layout"], found["overlaps"]) == (0, [])
    assert found["dark in the arrow"] > 50


PACKAGE = """
import json, os, sys
from qgis.core import *
QgsApplication.setPrefixPath("/usr", True)
app = QgsApplication([], False)
app.initQgis()
project, found = QgsProject.instance(), {}
found["read"] = project.read(sys.argv[1])
found["crs"] = project.crs().authid()
root = project.layerTreeRoot()
found["groups"] = [group.name() for group in root.children()]
found["layers"] = {
    layer.name(): {"valid": layer.isValid(), "rows": layer.featureCount(), "crs": layer.crs().authid()}
    for layer in project.mapLayers().values()
}
layout = project.layoutManager().layouts()[0]
items = {item.id(): item for item in layout.items() if isinstance(item, QgsLayoutItem) and item.id()}
found["items"] = sorted(items)
legend = items["legend"]
legend.adjustBoxSize()
model = legend.model()
found["legend"] = {
    layer.name(): [node.data(0) for node in model.layerLegendNodes(layer)]
    for layer in legend.model().rootGroup().findLayers()
}
settings = QgsLayoutExporter.ImageExportSettings()
settings.dpi = 100
found["layout"] = QgsLayoutExporter(layout).exportToImage(sys.argv[2], settings)
boxes = {name: item.mapRectToScene(item.rect()) for name, item in items.items() if name != "page"}
found["overlaps"] = [
    [one, other] for one in boxes for other in boxes
    if one < other and boxes[one].adjusted(0.1, 0.1, -0.1, -0.1).intersects(boxes[other]) and {one, other} != {"north arrow", "scale bar"}
]
from qgis.PyQt.QtGui import QImage
image = QImage(sys.argv[2])
box = boxes["north arrow"]
scale = image.width() / 297
found["dark in the arrow"] = sum(
    image.pixelColor(x, y).lightness() < 100
    for x in range(int(box.left() * scale), int(box.right() * scale))
    for y in range(int(box.top() * scale), int(box.bottom() * scale))
)
print("FOUND" + json.dumps(found), flush=True)
os._exit(0)
"""
