"""A picture of every layer of a region, on quiet ground, and of its roads at two dates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.counting import counted
from technobelt.errors import LayerError
from technobelt.figures.bars import draw_bars
from technobelt.figures.canvas import (
    box_of,
    framed,
    height,
    panels,
    room,
    same_size,
    scale_bar,
)
from technobelt.figures.captions import foot, head
from technobelt.figures.dates import NETWORKS, dated_roads, draw_networks, has_two_dates
from technobelt.figures.ground import Ground, draw_ground, ground_of
from technobelt.figures.layer_maps import DRAWINGS, TABLES, Sheet, draw_plain
from technobelt.figures.png import picture
from technobelt.figures.svg import WIDTH_IN
from technobelt.layers import read_layer
from technobelt.schema import LAYERS
from technobelt.writing import replace_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from technobelt.figures.canvas import Box
    from technobelt.network import Network
    from technobelt.region import Region

__all__ = ["draw_layers"]

#: Room above a map for its title and below it for legend and attribution, inches.
_ABOVE_IN, _BELOW_IN = 0.42, 2.2
#: Land around what a layer holds, at least and at the edge of the known water, m; in its width; and
#: the tallest map, in its width.
_AROUND_M, _EDGE_M, _AROUND, _TALLEST = 8_000.0, 2_000.0, 0.06, 1.1
#: A part of an area widens the map if it has this share of all areas; so does each row's largest.
_PART = 0.003
#: Of more points than this the outermost few, this share, do not widen the map.
_MANY, _OUTERMOST = 1_000, 0.002
#: The water must cover this share of a map, or none is drawn.
_COVERED = 0.85


def draw_layers(
    region: Region,
    folder: str | Path,
    *,
    only: Iterable[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Path]:
    """Draw a picture of every layer of a region, and one of its roads at two dates.

    Parameters
    ----------
    region
        From `load_region`.
    folder
        Where the pictures go; made if it is not there. They are replaced all together or not at
        all; files of other names are left alone.
    only
        Names of layers, ``roads``, or ``roads-by-date`` (for networks with dates of opening);
        all that there are by default.
    progress
        Called with each name before it is drawn.

    Returns
    -------
    dict
        Name -> the picture, a PNG about 1600 pixels wide.

    Raises
    ------
    LayerError
        The region has no layer of a name in `only`, or a layer cannot be used.
    OutputError
        The folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import technobelt as tb
    >>> from technobelt.figures import draw_layers
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     draw_layers(tb.load_region(), folder, only=["clusters"])["clusters"].name
    'clusters.png'
    """
    network = _network(region)
    names = _chosen(region, network, only)
    ground = _ground(region, network)
    with replace_files(folder) as scratch:
        files = {}
        for name in names:
            if progress:
                progress(name)
            files[name] = _draw(scratch / f"{name}.png", region, name, ground, network).name
    return {name: Path(folder) / file for name, file in files.items()}


def _network(region: Region) -> Network | None:
    """Return the region's roads; None where their file is not there."""
    from technobelt.network import region_network

    return region_network(region) if region.path("roads").is_file() else None


def _chosen(region: Region, network: Network | None, only: Iterable[str] | None) -> list[str]:
    known = [*region.layers, *(["roads"] if network else [])]
    if network and has_two_dates(network):
        known.append(NETWORKS)
    if only is None:
        return known
    wanted = list(only)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise LayerError(
            f"there is no picture '{unknown[0]}' of region '{region.id}'; "
            f"those there are: {', '.join(known)}. Name some of these."
        )
    return [name for name in known if name in wanted]


def _ground(region: Region, network: Network | None) -> Ground:
    """Return the ground of all pictures: land reaches as far as municipalities and provinces."""
    wanted = ("clusters", "municipalities", "provinces", "barriers")
    layers = {name: read_layer(region, name) for name in wanted if name in region.layers}
    ground = ground_of(region, layers, network.roads if network else None)
    if "provinces" not in layers:
        return ground
    provinces = layers["provinces"].to_crs(region.crs).geometry.to_numpy()
    return replace(ground, land=shapely.union_all([ground.land, *provinces]))


def _draw(path: Path, region: Region, name: str, ground: Ground, network: Network | None) -> Path:
    if name == NETWORKS and network is not None:
        return _draw_networks(path, region, ground, network)
    rows = read_layer(region, name).to_crs(region.crs)
    placed = rows[~(rows.geometry.isna() | rows.geometry.is_empty)]
    sheet = Sheet(region, name, rows, placed, ground)
    if name in TABLES and set(TABLES[name]) <= set(rows.columns):
        return _draw_table(path, sheet)
    return _draw_map(path, sheet)


# --- one map, or a map beside bars ---------------------------------------------------------------


def _draw_map(path: Path, sheet: Sheet) -> Path:
    box = _frame_of(sheet)

    def draw(figure: Figure) -> None:
        [map_] = panels(figure, [box], titles=False, above_in=_ABOVE_IN)
        _fill(map_, sheet)
        scale_bar(map_)
        head(figure, _title(sheet), _subtitle(sheet))
        foot(figure, sheet.region, map_)

    return picture(path, _ABOVE_IN + height([box], titles=False) + _BELOW_IN, draw)


def _draw_table(path: Path, sheet: Sheet) -> Path:
    """Draw the map at the left and the shares of every row, placed or not, at the right."""
    west, south, east, north = box = _frame_of(sheet)
    wide = 0.36 * WIDTH_IN
    tall = wide * (north - south) / (east - west)
    whole = _ABOVE_IN + tall + _BELOW_IN
    low = 1 - (_ABOVE_IN + tall) / whole

    def draw(figure: Figure) -> None:
        map_ = framed(figure.add_axes((0, low, wide / WIDTH_IN, tall / whole)), box)
        _fill(map_, sheet)
        scale_bar(map_)
        place = (wide / WIDTH_IN + 0.015, low, 0.985 - wide / WIDTH_IN, tall / whole)
        draw_bars(figure, place, sheet.rows, TABLES[sheet.name])
        head(figure, _title(sheet), _subtitle(sheet))
        foot(figure, sheet.region, map_)

    return picture(path, whole, draw)


def _draw_networks(path: Path, region: Region, ground: Ground, network: Network) -> Path:
    roads = dated_roads(region, network)
    boxes = [roads.box, roads.box]

    def draw(figure: Figure) -> None:
        map_ = draw_networks(figure, ground, roads, above_in=_ABOVE_IN)
        head(figure, "Roads at two dates", roads.unknown)
        foot(figure, region, map_)

    return picture(path, _ABOVE_IN + height(boxes) + _BELOW_IN, draw)


def _frame_of(sheet: Sheet) -> Box:
    """Return what a map shows: the layer and some land around it, no farther than water is known.

    Far small islands, and the outermost of many points, do not widen it.
    """
    shapes = sheet.placed.geometry.to_numpy()
    held = _bounds(shapes)
    west, south, east, north = held
    wide = max(east - west, (north - south) / _TALLEST)
    middle = (west + east) / 2
    spread = (middle - wide / 2, south, middle + wide / 2, north)
    [box] = same_size([spread], max(room(spread, _AROUND_M), _AROUND * wide))
    water = sheet.ground.water
    if not _covered(box, water):
        return box
    lows = [max(b, min(w, h - _EDGE_M)) for b, w, h in zip(box, water.bounds, held, strict=True)]
    highs = [min(b, max(w, h + _EDGE_M)) for b, w, h in zip(box, water.bounds, held, strict=True)]
    return lows[0], lows[1], highs[2], highs[3]


def _bounds(shapes: NDArray[np.object_]) -> Box:
    xy = shapely.get_coordinates(shapes)
    if len(shapes) > _MANY and (shapely.get_type_id(shapes) == 0).all():
        low, high = np.quantile(xy, [_OUTERMOST, 1 - _OUTERMOST], axis=0)
        return (*low.tolist(), *high.tolist())
    parts, row = shapely.get_parts(shapes, return_index=True)
    area = shapely.area(parts)
    largest = np.zeros(len(shapes))
    np.maximum.at(largest, row, area)
    counts = (area >= largest[row]) | (area >= _PART * area.sum())
    west, south, east, north = shapely.total_bounds(parts[counts]).tolist()
    return west, south, east, north


def _fill(map_: Axes, sheet: Sheet) -> None:
    """Draw the ground and the layer."""
    ground = sheet.ground
    draw = DRAWINGS.get(sheet.name, draw_plain)
    known = _covered(box_of(map_), ground.water)
    draw_ground(map_, ground if known else replace(ground, water=shapely.MultiPolygon()))
    if not known and not ground.water.is_empty:
        map_.set_facecolor("#FFFFFF")  # where the sea is not known, it is not mapped
    draw(map_, sheet)


def _covered(box: Box, water: Any) -> bool:
    """Say whether the water layer reaches over the map."""
    if water.is_empty:
        return False
    frame = shapely.box(*box)
    return bool(frame.intersection(shapely.box(*water.bounds)).area >= _COVERED * frame.area)


def _title(sheet: Sheet) -> str:
    return f"{sheet.region.name}: {sheet.name.replace('_', ' ')}"


def _subtitle(sheet: Sheet) -> str:
    """Say what a row is, how many there are, and how many of them cannot be drawn."""
    doc = LAYERS[sheet.name].doc if sheet.name in LAYERS else "one stretch of road"
    lost = len(sheet.rows) - len(sheet.placed)
    file = sheet.region.layers.get(sheet.name, sheet.region.roads)
    parts = [f"{counted(len(sheet.rows), 'row')}; each is {doc}"]
    parts += [f"{lost} not located, not on the map"] if lost else []
    return "; ".join([*parts, *([file.vintage] if file.vintage else [])])
