"""A picture of where centres should stand: demand, candidates, sites, who goes where, and plans."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.counting import counted
from technobelt.errors import OutputError
from technobelt.figures.canvas import add, around, height, legend, panels, room, scale_bar
from technobelt.figures.captions import head
from technobelt.figures.ground import MAIN_ROADS, draw_ground, draw_roads, ground_of
from technobelt.figures.marks import joined, name_rows, signs
from technobelt.figures.png import picture
from technobelt.layers import read_layer
from technobelt.writing import replace_file

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from technobelt.region import Region
    from technobelt.siting import Siting

__all__ = ["draw_siting"]

_AROUND_M = 6_000.0
#: Room above the map for the title, below it for legend and words, inches.
_ABOVE_IN, _BELOW_IN, _ROW_IN = 0.42, 1.9, 0.15
#: Area of a demand's sign, square points: the heaviest, and the lightest.
_HEAVY_PT2, _LIGHT_PT2 = 260.0, 2.0
#: Signs smaller by this where there are more places than this: cells, not places.
_MANY, _OF_MANY = 300, 0.12
#: Of more places than this lines are finer, and the outermost, this share, do not widen the map.
_FINE, _OUTERMOST = 1_500, 0.005
_DEMAND, _SITE, _LATER, _FAR = "#8E7CC3", "#B4350A", "#5C5C5C", "#8F8F8F"
#: Rings of the sets compared, smallest first, so that several are seen around one place.
_RINGS = (("#0072B2", 80.0), ("#009E73", 140.0), ("#CC79A7", 210.0))
_WORDS = 150


def draw_siting(
    region: Region, found: Siting, path: str | Path, *, roads: gpd.GeoDataFrame | None = None
) -> Path:
    """Draw the answer to a siting question on a map.

    Parameters
    ----------
    region
        For its ground, colours and attribution.
    found
        From `technobelt.site_facilities`.
    path
        A ``.png``; replaced whole or not at all.
    roads
        With the column ``class``; None leaves roads out.

    Returns
    -------
    pathlib.Path
        The file. The first three sets that are compared have rings.

    Raises
    ------
    OutputError
        The file is no ``.png``, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> network = tb.load_network(region)
    >>> found = tb.site_facilities(region, network, "technology_innovation_centres")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     draw_siting(region, found, f"{folder}/sites.png").name
    'sites.png'
    """
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise OutputError(f"cannot draw '{target.name}': pictures are .png. Name one.")
    places = [frame.to_crs(region.crs) for frame in (found.allocation, found.candidates)]
    held = _bounds(*places)
    box = around(held, room(held, _AROUND_M))
    layers = [name for name in ("municipalities", "barriers", "clusters") if name in region.layers]
    ground = ground_of(region, {name: read_layer(region, name) for name in layers}, roads)

    def draw(figure: Figure) -> None:
        [map_] = panels(figure, [box], titles=False, above_in=_ABOVE_IN)
        draw_ground(map_, ground)
        draw_roads(map_, ground, MAIN_ROADS, thin=0.35)
        _draw_demand(map_, places[0], places[1], found)
        _draw_sites(map_, region, found, places[1])
        scale_bar(map_)
        _words(figure, map_, region, found)

    with replace_file(target) as scratch:
        picture(scratch, _ABOVE_IN + height([box], titles=False) + _BELOW_IN, draw)
    return target


def _bounds(demand: gpd.GeoDataFrame, candidates: gpd.GeoDataFrame) -> list[float]:
    """Return what holds all candidates and the demand, but for the outermost of many cells."""
    share = _OUTERMOST if len(demand) > _FINE else 0.0
    xy = shapely.get_coordinates(demand.geometry.to_numpy())
    low, high = np.quantile(xy, [share, 1 - share], axis=0)
    west, south, east, north = candidates.total_bounds
    return [min(low[0], west), min(low[1], south), max(high[0], east), max(high[1], north)]


def _draw_demand(
    map_: Axes, demand: gpd.GeoDataFrame, candidates: gpd.GeoDataFrame, found: Siting
) -> None:
    """Draw who goes where, and the demand by its weight."""
    many = len(demand) > _MANY
    lines = found.lines().to_crs(demand.crs)
    width = 0.25 * min(1.0, _FINE / len(demand))  # of ten thousand lines a map would be red
    thin: dict[str, Any] = {"linewidth": width, "alpha": 0.4} if many else {"linewidth": 0.9}
    for status, colour, words in (("over_limit", _FAR, ""), ("ok", _SITE, "to its site")):
        mine = lines[lines["status"] == status]
        if len(mine):
            add(map_, joined(mine), edgecolor=colour, label=words, **thin)
    share = (demand["weight"] / demand["weight"].max()).to_numpy()
    size = np.maximum(share * _HEAVY_PT2 * (_OF_MANY if many else 1.0), _LIGHT_PT2)
    ok = demand["status"] == "ok"
    by = f", by {found.rules.weight}" if found.rules.weight else ""
    look: dict[str, Any] = {"alpha": 0.6, "linewidth": 0.2 if many else 0.5, "zorder": 4}
    signs(map_, demand[ok], look | {"s": size[ok], "color": _DEMAND}, label=f"demand{by}")
    if not ok.all():
        cover = found.rules.objective == "max_cover"
        words = "demand beyond the limit or not served" if cover else "demand not served"
        signs(map_, demand[~ok], look | {"s": size[~ok], "color": _FAR}, label=words)
    hollow: dict[str, Any] = {"s": 17, "marker": "s", "facecolor": "#FFFFFF", "zorder": 5}
    may = candidates[candidates["eligible"]]
    signs(map_, may, hollow | {"edgecolor": _LATER, "linewidth": 0.9}, label="candidate")


def _draw_sites(map_: Axes, region: Region, found: Siting, candidates: gpd.GeoDataFrame) -> None:
    """Draw the chosen sites with their names, and a ring around the places of every set."""
    sites = found.sites.to_crs(region.crs)
    star: dict[str, Any] = {"marker": "*", "s": 150, "color": _SITE, "zorder": 7}
    best = f"best {counted(found.rules.p, 'site')}"
    signs(map_, sites, star | {"edgecolor": "#FFFFFF", "linewidth": 0.6}, label=best)
    places = found.places().to_crs(region.crs)
    for row, (colour, size) in zip(found.compared.itertuples(), _RINGS, strict=False):
        here = places[(places["set"] == row.set) & (places["status"] == "located")]
        ring: dict[str, Any] = {"facecolor": "none", "edgecolor": colour, "linewidth": 1.5}
        signs(map_, here, ring | {"s": size, "zorder": 6}, label=_set_label(row))
    names = [str(name).split(",")[0].split(" (")[0] for name in sites.get("name", sites["id"])]
    at: Any = pd.concat([sites[["geometry"]], candidates[["geometry"]]])
    name_rows(map_, sites, names, avoid=at, aside=9.0, fontsize=7.0, fontweight="bold")


def _set_label(row: Any) -> str:
    return textwrap.shorten(row.title, 52, placeholder=" …")


def _words(figure: Figure, map_: Axes, region: Region, found: Siting) -> None:
    """Write what it is above the map; legend, comparison and attribution below."""
    head(figure, found.rules.title, _subtitle(found))
    tall = float(figure.get_size_inches()[1])
    low = map_.get_position().y0
    rows = legend(figure, map_, top=low - 0.05 / tall)
    down = (0.14 + rows * _ROW_IN) / tall
    said = "\n".join([*map(_sentence, found.compared.itertuples()), "   ".join(region.attribution)])
    wrapped = "\n".join(textwrap.fill(line, _WORDS) for line in said.splitlines() if line)
    look: Any = {"fontsize": 5.5, "color": _LATER, "va": "top", "linespacing": 1.4}
    figure.text(0, low - down, wrapped, **look)


def _subtitle(found: Siting) -> str:
    rules = found.rules
    aims = {
        "p_median": "least mean minutes",
        "p_centre": "least longest minutes",
        "max_cover": f"most within {rules.within_min or 0:g} min",
    }
    scenario = f", scenario {found.scenario}" if found.scenario else ""
    return (
        f"{aims[rules.objective]}, {rules.direction.replace('_', ' ')}: "
        f"{found.objective_value:,.1f} {found.unit}; profile {rules.profile}, roads of "
        f"{found.as_of or 'unknown date'}{scenario}"
    )


def _sentence(row: Any) -> str:
    """Say what a set of places comes to, and what of it was not to be had."""
    lost = f"; not located: {', '.join(row.not_located)}" if row.not_located else ""
    lost += f"; no road near: {', '.join(row.off_road)}" if row.off_road else ""
    lost += f"; with what is kept: {', '.join(row.kept_ids)}" if row.kept_ids else ""
    head = f"{row.title} ({', '.join(row.located) or 'none'}{lost})"
    if row.status != "ok":
        return f"{head}: {row.status}"
    return f"{head}: {row.value:,.1f}, the best of the same p = {row.p}: {row.optimum:,.1f}"
