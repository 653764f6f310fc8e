"""Innovation zones: one map a cluster, on the suitability of its land."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.counting import counted
from technobelt.errors import OutputError
from technobelt.figures.canvas import (
    Box,
    add,
    around,
    box_of,
    cut_below,
    height,
    legend,
    panels,
    room,
    same_size,
    scale_bar,
    write,
)
from technobelt.figures.captions import foot, head
from technobelt.figures.ground import ALL_ROADS, Ground, draw_ground, draw_roads, ground_of
from technobelt.figures.maps import draw_corridor
from technobelt.figures.marks import groups, joined, name_rows, signs
from technobelt.figures.png import picture
from technobelt.figures.svg import FONT_PT, SMALL_PT, WIDTH_IN, drawn, short
from technobelt.layers import FACILITIES, located, place_layers, read_layer
from technobelt.style import load_style
from technobelt.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from technobelt.claim_kinds import Selection
    from technobelt.region import Region
    from technobelt.zone_rules import ZoneRules
    from technobelt.zones import Delineation, Robustness
    from technobelt.zones.cores import Core

    Layers = Mapping[str, gpd.GeoDataFrame]

__all__ = ["zone_maps", "zones_picture"]

#: Land around what a map shows, m: at least, and in its width.
_AROUND_M, _AROUND = 1_200.0, 0.12
#: Maps get one scale if the widest shows no more than so many times what the narrowest does.
_ONE_SCALE = 2.0
#: Room above a picture's maps, and below for legend and attribution, inches; rows of a legend.
_ABOVE_IN, _BELOW_IN, _LEGEND_ROWS = 0.42, 2.2, 12
_SUFFIXES = (".png", ".svg")
#: Layers that the maps show; all but the clusters may be absent.
_SHOWN = ("clusters", "municipalities", "barriers", "outlines", "corridor", "interchanges")
_MARKERS = {"square": "s", "triangle": "^", "diamond": "D", "circle": "o"}
_WHITE, _NAME_PT, _NAME_LETTERS, _TITLE_LETTERS = "#FFFFFF", 5.8, 26, 80


@dataclass(frozen=True, eq=False)
class _Sheet:
    """All that the maps are drawn from."""

    region: Region
    drawn: Delineation
    layers: Layers
    ground: Ground
    firm: Robustness | None
    places: gpd.GeoDataFrame


def zone_maps(
    region: Region,
    drawn: Delineation,
    layers: Mapping[str, gpd.GeoDataFrame],
    ground: Ground,
    *,
    firm: Robustness | None = None,
) -> str:
    """Draw the zones of each cluster on the suitability of its land, side by side.

    Shown are the places that the rules of ``[zones]`` ask for, outlines of complexes (dashed where
    they are only discs of the published area), open interchanges, core institutions, and the cores
    of zones that were really designated by the same pack. A cluster without a zone is shown whole,
    and says so.

    Parameters
    ----------
    region
        For names and rules.
    drawn
        From `technobelt.delineate_zones`.
    layers
        ``clusters``; ``outlines``, ``corridor``, ``interchanges`` and those of the places where
        there are any.
    ground
        From `ground_of`.
    firm
        From `technobelt.zones.robustness`: its core is filled, its fringe hatched.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> import technobelt as tb
    >>> from technobelt.figures import ground_of
    >>> region = tb.load_region()
    >>> drawn = tb.delineate_zones(region, tb.load_network(region), pack="kr-small-rnd-zone")
    >>> layers = {name: tb.read_layer(region, name) for name in ("clusters", "universities")}
    >>> zone_maps(region, drawn, layers, ground_of(region, layers, None))[:4]
    '<svg'
    """
    sheet = _Sheet(region, drawn, layers, ground, firm, _places(region, layers))
    boxes = _boxes(sheet)

    def draw(figure: Figure) -> None:
        maps = _draw_all(figure, sheet, boxes)
        rows = legend(figure, *maps)
        for box in figure.legends:
            box.remove()
        cut_below(figure, height(list(boxes.values()), legend_rows=rows))
        legend(figure, *maps)

    tall = height(list(boxes.values()), legend_rows=_LEGEND_ROWS)
    return _drawn("zones", (WIDTH_IN, tall), draw)


def zones_picture(
    path: str | Path, region: Region, drawn: Delineation, *, firm: Robustness | None = None
) -> Path:
    """Draw zones as a picture file, with title, legend and attribution.

    Parameters
    ----------
    path
        A ``.png`` (about 1600 pixels wide) or ``.svg``, replaced whole or not at all.
    region
        Its layers are read for the maps.
    drawn
        From `technobelt.delineate_zones`; its roads are drawn.
    firm
        From `technobelt.zones.robustness`.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        The suffix is another one, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import technobelt as tb
    >>> from technobelt.figures import zones_picture
    >>> region = tb.load_region()
    >>> drawn = tb.delineate_zones(region, tb.load_network(region), pack="kr-small-rnd-zone")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     zones_picture(Path(folder) / "zones.png", region, drawn).name
    'zones.png'
    """
    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        raise OutputError(
            f"a picture of zones is {' or '.join(_SUFFIXES)}, not '{target.name}'. "
            "Name the file with one of these endings."
        )
    shown = [name for name in _SHOWN if name in region.layers]
    layers = {name: read_layer(region, name) for name in (*shown, *place_layers(region))}
    network = drawn.drafting.asked.network
    ground = ground_of(region, layers, network.roads[~network.closed])
    sheet = _Sheet(region, drawn, layers, ground, firm, _places(region, layers))
    boxes = _boxes(sheet)

    def draw(figure: Figure) -> None:
        maps = _draw_all(figure, sheet, boxes, above_in=_ABOVE_IN)
        head(figure, *_titles(sheet))
        foot(figure, region, *maps)

    tall = _ABOVE_IN + height(list(boxes.values())) + _BELOW_IN
    with replace_file(target) as scratch:
        picture(scratch, tall, draw)
    return target


def _drawn(name: str, size: tuple[float, float], draw: Any) -> str:
    import matplotlib as mpl

    with mpl.rc_context({"hatch.linewidth": 1.0}):
        return drawn(name, size, draw)


def _titles(sheet: _Sheet) -> tuple[str, str]:
    """Return what stands above a picture: pack, date of roads, speeds, draws."""
    drawn, info = sheet.drawn, sheet.drawn.drafting.asked.network.info
    opened = f", as far as open on {info.as_of}" if info.as_of else ""
    edited = f", scenario {info.scenario}" if info.scenario else ""
    said = [f"pack {drawn.pack_name}", f"roads of {info.date or 'unknown date'}{opened}{edited}"]
    said.append(f"{drawn.profile.replace('_', ' ')} speeds")
    if sheet.firm is not None:
        said.append(
            f"core and fringe from {counted(sheet.firm.draws, 'draw')} of weights and speeds"
        )
    return short(f"{sheet.region.name}: {drawn.pack.title}", _TITLE_LETTERS), "; ".join(said)


# --- which places, which land --------------------------------------------------------------------


def _places(region: Region, layers: Layers) -> gpd.GeoDataFrame:
    """Return the facilities that the rules of zones ask for, with ``layer``, in the region's CRS.

    Complexes whose outline is drawn are left out.
    """
    import geopandas as gpd

    chosen = []
    for name in (name for name in FACILITIES if name in layers):
        frame = located(layers[name]).to_crs(region.crs)
        wanted = np.zeros(len(frame), dtype=bool)
        for rule in _selections(region.zones):
            wanted |= _meets(frame, name, rule)
        if name == "complexes" and "outlines" in layers:
            wanted &= ~frame.index.isin(layers["outlines"].index)
        chosen.append(frame.loc[wanted, ["name", "kind", "geometry"]].assign(layer=name))
    if not chosen:
        return gpd.GeoDataFrame({"name": [], "kind": [], "layer": []}, geometry=[], crs=region.crs)
    return gpd.GeoDataFrame(pd.concat(chosen), crs=region.crs)


def _selections(rules: ZoneRules) -> Iterator[Selection]:
    yield from rules.anchors.values()
    yield from (f.minutes_to for f in rules.factors.values() if f.minutes_to is not None)
    if rules.core is not None:
        yield rules.core


def _meets(frame: gpd.GeoDataFrame, layer: str, rule: Selection) -> NDArray[np.bool_]:
    if layer not in rule.layers:
        return np.zeros(len(frame), dtype=bool)
    meets = np.ones(len(frame), dtype=bool)
    for column, values in rule.where.items():
        meets &= frame[column].astype(str).isin(values).to_numpy() if column in frame else False
    return meets


def _boxes(sheet: _Sheet) -> dict[str, Box]:
    """Return what the map of each cluster shows: its zones and cores, or all of it."""
    clusters = sheet.layers["clusters"].to_crs(sheet.region.crs)
    own, whole = {}, {}
    for cluster in clusters.index:
        shown = _held(sheet, str(cluster))
        if shown is None:
            whole[str(cluster)] = _widened(clusters.geometry[cluster].bounds)
        else:
            own[str(cluster)] = _widened(shown)
    widest = [max(east - west, north - south) for west, south, east, north in own.values()]
    if own and max(widest) <= _ONE_SCALE * min(widest):
        own = dict(zip(own, same_size(list(own.values()), 0.0), strict=True))
    both = own | whole
    shaped = _one_shape([both[str(cluster)] for cluster in clusters.index])
    return dict(zip(map(str, clusters.index), shaped, strict=True))


def _held(sheet: _Sheet, cluster: str) -> Box | None:
    zones = sheet.drawn.zones
    mine = list(zones.geometry[zones["cluster"] == cluster])
    if not mine:
        return None
    points = [shapely.Point(core.x, core.y) for core in _cores(sheet) if core.cluster == cluster]
    real = _designated(sheet, cluster).geometry
    west, south, east, north = shapely.total_bounds([*mine, *points, *real]).tolist()
    return west, south, east, north


def _widened(bounds: Box) -> Box:
    west, south, east, north = bounds
    wide = max(east - west, north - south)
    return around(bounds, max(room(bounds, _AROUND_M), _AROUND * wide))


def _one_shape(boxes: list[Box]) -> list[Box]:
    """Widen boxes so that all are as wide for their height as the largest of them.

    Examples
    --------
    >>> _one_shape([(0, 0, 20, 10), (0, 0, 3, 3)])
    [(0.0, 0.0, 20.0, 10.0), (-1.5, 0.0, 4.5, 3.0)]
    """
    largest = max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    ratio = (largest[2] - largest[0]) / (largest[3] - largest[1])
    ratio = min(max(ratio, 0.75), 2.0)
    out = []
    for west, south, east, north in boxes:
        tall = max(north - south, (east - west) / ratio) / 2
        x, y = (west + east) / 2, (south + north) / 2
        out.append((x - tall * ratio, y - tall, x + tall * ratio, y + tall))
    return out


def _cores(sheet: _Sheet) -> list[Core]:
    """Return the core institutions of all zones, each once."""
    sites = sheet.drawn.allocation.sites
    return list({site.core.id: site.core for site in sites if site.core is not None}.values())


def _designated(sheet: _Sheet, cluster: str | None = None) -> gpd.GeoDataFrame:
    """Return the cores of zones that were really designated by the same pack, with ``year``."""
    import geopandas as gpd

    frames = [sheet.layers[name] for name in FACILITIES if name in sheet.layers]
    rows = []
    for real in sheet.region.zones.designated:
        if real.pack != sheet.drawn.pack_name or cluster not in (None, real.cluster):
            continue
        found = [frame.loc[real.core] for frame in frames if real.core in frame.index]
        rows += [{"name": p["name"], "year": real.year, "geometry": p.geometry} for p in found]
    crs = sheet.layers["clusters"].crs
    if not rows:
        return gpd.GeoDataFrame({"name": [], "year": []}, geometry=[], crs=sheet.region.crs)
    return located(gpd.GeoDataFrame(rows, geometry="geometry", crs=crs)).to_crs(sheet.region.crs)


# --- one map -------------------------------------------------------------------------------------


def _draw_all(
    figure: Figure, sheet: _Sheet, boxes: Mapping[str, Box], *, above_in: float = 0.0
) -> list[Axes]:
    maps = panels(figure, list(boxes.values()), above_in=above_in)
    for map_, cluster in zip(maps, boxes, strict=True):
        _draw_map(map_, sheet, cluster)
    return maps


def _draw_map(map_: Axes, sheet: _Sheet, cluster: str) -> None:
    draw_ground(map_, sheet.ground)
    _draw_suitability(map_, sheet)
    draw_roads(map_, sheet.ground, ALL_ROADS, thin=0.6)
    border = {"edgecolor": load_style()["base"]["text"], "linewidth": 0.7}
    clusters = sheet.layers["clusters"].to_crs(sheet.region.crs)
    add(map_, joined(clusters), dashed=True, label="edge of a cluster", **border)
    _draw_zones(map_, sheet)
    draw_corridor(map_, sheet.layers, sheet.ground)
    _draw_outlines(map_, sheet)
    _draw_interchanges(map_, sheet)
    _draw_places(map_, sheet)
    _draw_cores(map_, sheet)
    _name_sites(map_, sheet, cluster)
    known = sheet.region.clusters.get(cluster)
    title = known.name if known else cluster
    if not (sheet.drawn.zones["cluster"] == cluster).any():
        title = f"{title}: no zone"
    map_.set_title(short(title, 44), fontsize=FONT_PT, pad=3)
    scale_bar(map_)


def _draw_suitability(map_: Axes, sheet: _Sheet) -> None:
    """Paint the cells that have a score by its class."""
    score, grid = sheet.drawn.suitability.score, sheet.drawn.suitability.ground.grid
    west, south, east, north = box_of(map_)
    rows, columns = (grid.y >= south) & (grid.y <= north), (grid.x >= west) & (grid.x <= east)
    seen = score[np.ix_(rows, columns)]
    if not np.isfinite(seen).any():
        return
    from matplotlib.colors import to_rgba

    style = load_style()["suitability"]
    colours, breaks = style["quiet"], style["breaks"]
    palette = np.array([*(to_rgba(colour) for colour in colours), (0.0, 0.0, 0.0, 0.0)])
    known = np.isfinite(seen)
    step = np.where(known, np.searchsorted(breaks, seen, side="right"), len(colours))
    half = grid.cell_m / 2
    x, y = grid.x[columns], grid.y[rows]
    map_.imshow(
        (palette[step] * 255).astype(np.uint8),
        extent=(x[0] - half, x[-1] + half, y[-1] - half, y[0] + half),
        aspect="auto",
        interpolation="nearest",
        zorder=1,
    )
    limits = [0, *breaks, 1]
    base = load_style()["base"]
    box = {"color": base["land"], "markeredgecolor": base["border"], "markersize": 6}
    map_.plot([], [], "s", label="land barred or not scored", **box)
    for number in np.unique(step[known]):
        label = f"suitability {limits[number]:g} to {limits[number + 1]:g}"
        map_.plot([], [], "s", color=colours[number], markersize=6, label=label)


def _draw_zones(map_: Axes, sheet: _Sheet) -> None:
    style = load_style()["zones"]
    fill, outline = style["fill"], style["outline"]
    zones = sheet.drawn.zones
    if sheet.firm is None:
        add(map_, joined(zones), facecolor=fill, alpha=0.6, label="innovation zone")
    else:
        areas = sheet.firm.areas
        core, fringe = (joined(areas[areas["kind"] == kind]) for kind in ("core", "fringe"))
        add(map_, core, facecolor=fill, alpha=0.7, label="core: in 9 of 10 draws or more")
        add(map_, fringe, facecolor=fill, alpha=0.2)
        # Apart from the fill: in an SVG what thins the fill thins the hatch too.
        hatch = {"facecolor": "none", "edgecolor": outline, "hatch": "//////"}
        add(map_, fringe, label="fringe: in some draws only", **hatch)
    name = "outline of a zone" if sheet.firm is not None else ""
    add(map_, joined(zones), edgecolor=outline, linewidth=1.3, label=name)


def _draw_outlines(map_: Axes, sheet: _Sheet) -> None:
    """Draw the outlines of complexes, dashed where nothing is known but their published area."""
    if "outlines" not in sheet.layers:
        return
    colour = load_style()["places"]["complexes"]["colour"]
    rows = sheet.layers["outlines"].to_crs(sheet.region.crs)
    for word, mine in groups(rows, "outline"):
        disc = word == "disc"
        label = "complex: disc, border unknown" if disc else "complex"
        add(map_, joined(mine), edgecolor=colour, linewidth=1.0, dashed=disc, label=label)


def _draw_interchanges(map_: Axes, sheet: _Sheet) -> None:
    if "interchanges" not in sheet.layers:
        return
    rows = _seen(map_, located(sheet.layers["interchanges"]).to_crs(sheet.region.crs))
    info = sheet.drawn.drafting.asked.network.info
    day = info.as_of or info.date
    mine = rows[rows["kind"] == "IC"] if "kind" in rows else rows
    if day and "opened" in mine:
        mine = mine[~(mine["opened"].fillna("") > day)]
    colour = load_style()["interchanges"]["colour"]
    look = {"facecolor": _WHITE, "edgecolor": colour, "linewidth": 1.0, "s": 13}
    if len(mine):
        signs(map_, mine, look, label="interchange")


def _seen(map_: Axes, points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    west, south, east, north = box_of(map_)
    return points.cx[west:east, south:north]


def _draw_places(map_: Axes, sheet: _Sheet) -> None:
    """Draw places by layer and kind: of several kinds of a layer all but the first are hollow."""
    for layer, size in _SIZES.items():
        rows = sheet.places[sheet.places["layer"] == layer]
        style = load_style()["places"][layer]
        by_kind = list(groups(rows, "kind")) if layer != "complexes" else [("complex", rows)]
        for number, (kind, all_mine) in enumerate(by_kind):
            mine = _seen(map_, all_mine)
            look = {"facecolor": _WHITE if number else style["colour"], "s": size}
            look |= {"marker": _MARKERS[style["shape"]], "edgecolor": style["colour"]}
            look |= {"linewidth": 1.0 if number else 0.4, "zorder": 5}
            if len(mine):
                label = kind.replace("_", " ") if layer != "complexes" else _NO_OUTLINE
                signs(map_, mine, look, label=label)


#: Several places share a position: what lies on top is smaller.
_SIZES = {"complexes": 17, "universities": 36, "centres": 13}
_NO_OUTLINE = "complex: position only"


def _draw_cores(map_: Axes, sheet: _Sheet) -> None:
    """Ring and name the cores of zones; a star is one of a zone that was really designated."""
    import geopandas as gpd

    crs, ink = sheet.region.crs, load_style()["base"]["text"]
    cores = _cores(sheet)
    points = [shapely.Point(core.x, core.y) for core in cores]
    chosen = gpd.GeoDataFrame({"name": [core.name for core in cores]}, geometry=points, crs=crs)
    chosen, real = _seen(map_, chosen), _seen(map_, _designated(sheet))
    ring = {"facecolor": "none", "edgecolor": ink, "linewidth": 1.3, "s": 75, "zorder": 6}
    if len(chosen):
        signs(map_, chosen, ring, label="core institution of a zone")
    star = {"marker": "*", "facecolor": "#F0E442", "edgecolor": ink, "linewidth": 0.7, "s": 85}
    for year, mine in real.groupby("year"):
        signs(map_, mine, star | {"zorder": 7}, label=f"core really designated in {year:.0f}")
    named = pd.concat([chosen, real[~real["name"].isin(chosen["name"])]])
    avoid = pd.concat([named, _seen(map_, sheet.places)])
    texts = [_short_name(name) for name in named["name"]]
    name_rows(map_, named, texts, avoid=avoid, fontsize=_NAME_PT, aside=6.5)


def _short_name(name: str) -> str:
    r"""Return a name without what stands in brackets or after a comma, in lines.

    Examples
    --------
    >>> _short_name("Korea Institute of Machinery & Materials (KIMM), Changwon")
    'Korea Institute of\nMachinery & Materials'
    """
    return textwrap.fill(name.split(" (", maxsplit=1)[0].split(",", maxsplit=1)[0], _NAME_LETTERS)


def _name_sites(map_: Axes, sheet: _Sheet, cluster: str) -> None:
    """Write into each of several zones of a cluster what its id ends with."""
    zones = sheet.drawn.zones
    mine = zones[zones["cluster"] == cluster]
    if len(mine) < 2:
        return
    signs_at = shapely.multipoints(list(sheet.places.geometry))
    for key, shape in zip(mine["zone_id"], mine.geometry, strict=True):
        at = _free_spot(shape, signs_at)
        text = str(key).removeprefix(f"zone-{cluster}-")
        write(map_, (at.x, at.y), text, fontsize=SMALL_PT, fontweight="bold")


def _free_spot(shape: Any, signs_at: Any) -> Any:
    """Return the middle of an area's upper, middle or lower part: the farthest from all signs."""
    west, south, east, north = shape.bounds
    fifth = (north - south) / 5
    strips = [
        shapely.clip_by_rect(shape, west, south + n * fifth, east, south + (n + 1) * fifth)
        for n in (2, 1, 3)
    ]
    spots = [strip.centroid for strip in strips if not strip.is_empty]
    if signs_at.is_empty:
        return spots[0]
    return max(spots, key=lambda spot: spot.distance(signs_at))
