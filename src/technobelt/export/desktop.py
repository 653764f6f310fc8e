"""A region's layers as a package for the GIS desktop: one GeoPackage, and a QGIS project on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import shapely

from technobelt.counting import counted
from technobelt.export.folder import NOTES, Exported, notes_text
from technobelt.export.formats import Inside, write_geopackage
from technobelt.export.licence import write_licence
from technobelt.export.looks import FAMILIES, families_or_schema, look_of
from technobelt.export.notes import Note
from technobelt.export.qgis import ProjectLayer, write_qgis_project
from technobelt.export.styles import STYLE_COLUMN
from technobelt.writing import replace_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import geopandas as gpd

    from technobelt.export.layout import Extent

__all__ = ["region_layers", "write_desktop"]

_LAYERS, _PROJECT = "layers.gpkg", "technobelt.qgz"
_OTHERS = "Other layers"
#: Metres that a project shows at least, for it may hold a single point.
_LEAST_M = 2000.0

#: Group, title and whether it is switched on, by layer, from top to bottom.
_PLACES: dict[str, tuple[str, str, bool]] = {
    "positions": ("Places", "Positions compared", False),
    "universities": ("Places", "Universities", True),
    "centres": ("Places", "Innovation centres", True),
    "complexes": ("Places", "Industrial complexes", True),
    "outlines": ("Places", "Outlines of complexes", True),
    "interchanges": ("Corridor", "Interchanges", False),
    "corridor": ("Corridor", "Corridor", True),
    "clusters": ("Belt", "Clusters", True),
    "growth_poles": ("The paper", "Growth poles", False),
    "local_plans": ("The paper", "Local plans", False),
    "producer_services": ("The paper", "Producer services", False),
    "mechanical_industry": ("The paper", "Mechanical industry", False),
    "roads": ("Base", "Roads", True),
    "population": ("Base", "Population", False),
    "land": ("Base", "Land grid", False),
    "barriers": ("Base", "Water", True),
    "submunicipalities": ("Base", "Towns and neighbourhoods", False),
    "provinces": ("Base", "Provinces", False),
    "municipalities": ("Base", "Municipalities", True),
}


def write_desktop(
    layers: Mapping[str, gpd.GeoDataFrame],
    folder: str | Path,
    *,
    title: str,
    attribution: Sequence[str],
    project_crs: Any,
    crs: Any = None,
    progress: Callable[[str], None] | None = None,
) -> Exported:
    """Write ``layers.gpkg`` and ``technobelt.qgz`` on it, both or neither.

    The project opens by double click in QGIS 3.22 and later, wherever the folder is put: groups,
    styles, labels, and a print layout with legend, scale bar, north arrow and attribution.

    Parameters
    ----------
    layers
        By name.
    folder
        Made if it is not there; files of other names in it are left alone.
    title
        Of the project and its print layout.
    attribution
        One source a line.
    project_crs
        The CRS of the project, in metres.
    crs
        The CRS to write all layers in, and, where it is in metres, of the project; None keeps
        each layer's own.
    progress
        Called with each layer's name.

    Raises
    ------
    CRSError
        A layer has no CRS, or there is none of that name.
    OutputError
        Something cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import geopandas as gpd, shapely
    >>> from technobelt.export import write_desktop
    >>> hubs = gpd.GeoDataFrame({"name": ["E"]}, geometry=[shapely.Point(128.9, 35.25)], crs=4326)
    >>> with tempfile.TemporaryDirectory() as home:
    ...     done = write_desktop(
    ...         {"hubs": hubs}, home, title="Hubs", attribution=["own survey"], project_crs=5179
    ...     )
    ...     print(*sorted(file.name for file in Path(home).iterdir()))
    LICENCE NOTES.txt layers.gpkg technobelt.qgz
    """
    target = Path(folder)
    done = Exported(target, {f"{_LAYERS}: {name}": len(rows) for name, rows in layers.items()}, [])
    with replace_files(target) as scratch:
        inside = write_geopackage(
            layers,
            scratch / _LAYERS,
            styled=True,
            crs=crs,
            progress=progress,
            said=done.notes.append,
        )
        shown = _metric(crs) or pyproj.CRS(project_crs)
        write_qgis_project(
            scratch / _PROJECT,
            region_layers(layers, inside),
            title=title,
            crs=shown,
            attribution=attribution,
            extent=_extent(layers, shown),
        )
        done.notes.extend(_not_drawn(layers))
        write_licence(scratch, attribution)
        (scratch / NOTES).write_text(notes_text(done.notes), encoding="utf-8")
    return done


def _metric(crs: Any) -> pyproj.CRS | None:
    wanted = None if crs is None else pyproj.CRS.from_user_input(crs)
    return wanted if wanted is not None and wanted.is_projected else None


def _extent(layers: Mapping[str, gpd.GeoDataFrame], crs: pyproj.CRS) -> Extent:
    """Return where to open: the clusters, or where there are none, all layers."""
    chosen = [layers["clusters"]] if "clusters" in layers else list(layers.values())
    found = [rows.geometry.dropna().to_crs(crs).total_bounds for rows in chosen]
    boxes = [box for box in found if (box == box).all()]  # noqa: PLR0124  (NaN: no shape)
    if not boxes:
        return 0.0, 0.0, _LEAST_M, _LEAST_M
    west, south, east, north = zip(*boxes, strict=True)
    x, y = (min(west) + max(east)) / 2, (min(south) + max(north)) / 2
    half_x = max((max(east) - min(west)), _LEAST_M) / 2
    half_y = max((max(north) - min(south)), _LEAST_M) / 2
    return float(x - half_x), float(y - half_y), float(x + half_x), float(y + half_y)


def _not_drawn(layers: Mapping[str, gpd.GeoDataFrame]) -> list[Note]:
    """Say what of the layers no project shows."""
    notes = []
    for name, frame in layers.items():
        kinds = shapely.get_type_id(frame.geometry.to_numpy())
        others = int((~np.isin(kinds, [-1, *FAMILIES])).sum())
        if not families_or_schema(name, frame):
            said = f"layer '{name}' is not drawn: no points, lines or areas"
            notes.append(Note(_PROJECT, said, loss=False))
        elif others:
            mixed = counted(others, "shape of mixed kinds is", "shapes of mixed kinds are")
            said = f"layer '{name}': {mixed} not drawn"
            notes.append(Note(_PROJECT, said, loss=False))
    return notes


def region_layers(
    layers: Mapping[str, gpd.GeoDataFrame], inside: Mapping[str, Inside] | None = None
) -> list[ProjectLayer]:
    """Return the layers of ``layers.gpkg`` as a project shows them, the topmost first.

    Parameters
    ----------
    layers
        By name. One without points, lines or areas is not shown.
    inside
        What they are called in the file, from `write_geopackage`; None where that is as in
        `layers`.

    Examples
    --------
    >>> import technobelt as tb
    >>> frame = tb.read_layer(tb.load_region(), "clusters")
    >>> [(one.group, one.name) for one in region_layers({"clusters": frame})]
    [('Belt', 'Clusters')]
    """
    names = [name for name in layers if name not in _PLACES]
    names += [name for name in _PLACES if name in layers]
    called = inside or {}
    return [
        one
        for name in names
        for one in _of_layer(name, layers[name], called.get(name, Inside(name, {})))
    ]


def _of_layer(name: str, frame: gpd.GeoDataFrame, inside: Inside) -> list[ProjectLayer]:
    """Return one project layer for each kind of shapes; a layer that has none is not drawn."""
    words = name.replace("_", " ")
    group, title, visible = _PLACES.get(name, (_OTHERS, words[:1].upper() + words[1:], True))
    kinds = families_or_schema(name, frame)
    layers = []
    for kind in kinds:
        rows = frame[frame.geometry.geom_type.str.contains(_WORDS[kind], na=False)]
        look = look_of(name, rows)
        by = STYLE_COLUMN.get(look.style) if look else None
        label = look.label if look else None
        layers.append(
            ProjectLayer(
                name=title if len(kinds) == 1 else f"{title}: {kind}s",
                file=_LAYERS,
                sublayer=inside.layer,
                group=group,
                geometry=kind,
                style=look.style if look else "plain",
                label=inside.columns.get(label, label) if label else None,
                column=inside.columns.get(by) if by else None,
                visible=visible,
            )
        )
    return layers


_WORDS = {"point": "Point", "line": "LineString", "polygon": "Polygon"}
