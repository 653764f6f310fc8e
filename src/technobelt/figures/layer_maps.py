"""What the picture of each layer shows: one drawing function a layer, on a map with its ground."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.figures.canvas import add
from technobelt.figures.ground import ALL_ROADS, MAIN_ROADS, Ground, draw_roads
from technobelt.figures.marks import (
    NO_VALUE,
    choropleth,
    colours_of,
    edges,
    groups,
    joined,
    name_rows,
    signs,
)
from technobelt.layers import located
from technobelt.schema import WGS84
from technobelt.style import cluster_colours, load_style

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import geopandas as gpd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from technobelt.figures.canvas import Box
    from technobelt.region import Region

__all__ = ["DRAWINGS", "TABLES", "Sheet", "draw_plain"]

#: A line is kept free of names at points this far apart, m.
_ALONG_M = 1_000.0
_HOLLOW, _UNSURE, _LATER = "#FFFFFF", "#7A7A7A", "#0072B2"


@dataclass(frozen=True, eq=False)
class Sheet:
    """What one picture is drawn from.

    Attributes
    ----------
    region
        For names and colours.
    name
        The layer's.
    rows
        All rows of the layer, in the region's CRS.
    placed
        Those that have a shape.
    ground
        What the map stands on.
    """

    region: Region
    name: str
    rows: gpd.GeoDataFrame
    placed: gpd.GeoDataFrame
    ground: Ground


def _ink() -> str:
    return str(load_style()["base"]["text"])


def draw_plain(map_: Axes, sheet: Sheet) -> None:
    """Draw a layer that nothing more is known of."""
    _quiet_roads(map_, sheet)
    colour = load_style()["zones"]["fill"]
    _draw_any(map_, sheet.placed, colour, sheet.name)


def _draw_any(map_: Axes, rows: gpd.GeoDataFrame, colour: str, label: str) -> None:
    """Draw areas, lines or points in one colour."""
    flat = shapely.get_dimensions(rows.geometry.to_numpy())
    if (flat == 2).any():
        add(map_, joined(rows[flat == 2]), facecolor=colour, alpha=0.45, label=label)
        add(map_, joined(rows[flat == 2]), edgecolor=colour, linewidth=0.6)
    if (flat == 1).any():
        add(map_, joined(rows[flat == 1]), edgecolor=colour, linewidth=1.6, label=label)
    if (flat == 0).any():
        signs(map_, rows[flat == 0], {"color": colour}, label=label)


def _quiet_roads(map_: Axes, sheet: Sheet) -> None:
    draw_roads(map_, sheet.ground, MAIN_ROADS, thin=0.32)


def _names(rows: gpd.GeoDataFrame) -> list[str]:
    """Return names without what stands in brackets."""
    return [str(name).split(" (")[0] for name in rows["name"]]


def _with_special(rows: gpd.GeoDataFrame) -> list[str]:
    """Return names with what the place is known for in lines below."""
    if "special" not in rows:
        return _names(rows)
    said = [textwrap.fill(text, 24) for text in rows["special"].fillna("").astype(str)]
    return [f"{name}\n{text}".strip() for name, text in zip(_names(rows), said, strict=True)]


def _draw_clusters(map_: Axes, sheet: Sheet) -> None:
    colours = cluster_colours(sheet.region.clusters)
    other = load_style()["clusters"]["other"]
    for cluster, shape in sheet.placed.geometry.items():
        colour = colours.get(str(cluster), other)
        add(map_, shape, facecolor=colour, alpha=0.22)
        add(map_, shape, edgecolor=colour, linewidth=1.3, label=_cluster_name(sheet, cluster))
    _quiet_roads(map_, sheet)
    name_rows(map_, sheet.placed, _with_special(sheet.placed), fontsize=7.0)


def _cluster_name(sheet: Sheet, cluster: object) -> str:
    known = sheet.region.clusters.get(str(cluster))
    if known is None or known.name.lower() == str(cluster).lower():
        return known.name if known else str(cluster)
    return f"{known.name} ({cluster})"


def _draw_provinces(map_: Axes, sheet: Sheet) -> None:
    rows = sheet.placed
    for place, shape in enumerate(rows.geometry):
        add(map_, shape, facecolor=_TINTS[place % len(_TINTS)])
    add(map_, edges(rows), edgecolor="#8C8778", linewidth=0.7, label="border of a province")
    draw_roads(map_, sheet.ground, ("motorway",), thin=0.32)
    name_rows(map_, rows, _names(rows), fontsize=7.5, fontweight="bold")


#: Neighbours in turn, light enough for names.
_TINTS = ("#E8E2D0", "#DDE5D6", "#EBDDD3", "#DCE0E8", "#E9E6DA")


def _draw_municipalities(map_: Axes, sheet: Sheet) -> None:
    """Fill by people per square kilometre where they are known."""
    rows = sheet.placed
    if "pop_2010" in rows:
        area = rows["area_km2"] if "area_km2" in rows else rows.geometry.area / 1e6
        people = pd.to_numeric(rows["pop_2010"], errors="coerce")
        choropleth(map_, rows, people / area, (50, 150, 500, 2000, 8000), "people per km² in 2010")
    else:
        add(map_, joined(rows), facecolor=NO_VALUE, label="municipality")
    add(map_, edges(rows), edgecolor="#FFFFFF", linewidth=0.4)
    _cluster_edges(map_, sheet)
    name_rows(map_, rows, _names(rows), fontsize=5.5)


def _cluster_edges(map_: Axes, sheet: Sheet) -> None:
    if "cluster" not in sheet.placed:
        return
    inside = sheet.placed[sheet.placed["cluster"].isin(list(sheet.region.clusters))]
    for _, rows in groups(inside, "cluster"):
        edge = shapely.union_all(rows.geometry.to_numpy())
        add(map_, edge, edgecolor=_ink(), linewidth=1.0, label="edge of a cluster")


def _draw_submunicipalities(map_: Axes, sheet: Sheet) -> None:
    colours = cluster_colours(sheet.region.clusters)
    for cluster, rows in groups(sheet.placed, "cluster"):
        colour = colours.get(cluster, load_style()["clusters"]["other"])
        label = _cluster_name(sheet, cluster) if cluster else "part of a municipality"
        add(map_, joined(rows), facecolor=colour, alpha=0.25, label=label)
    add(map_, edges(sheet.placed), edgecolor="#FFFFFF", linewidth=0.6)
    for _, rows in groups(sheet.placed, "municip"):
        edge = shapely.union_all(rows.geometry.to_numpy())
        add(map_, edge, edgecolor=_ink(), linewidth=0.6, label="border of a municipality")
    name_rows(map_, sheet.placed, _names(sheet.placed), fontsize=4.8)


def _draw_places(map_: Axes, sheet: Sheet, *, by: str) -> None:
    """Draw places by kind; hollow are those that did not stand in 1999, as far as is known."""
    _quiet_roads(map_, sheet)
    points = located(sheet.placed)
    column = by if by in points else "kind"
    stood = (
        points["existed_1999"].eq("yes").to_numpy()
        if "existed_1999" in points
        else np.ones(len(points), dtype=bool)
    )
    words = [word for word, _ in groups(points, column)]
    for (word, rows), colour in zip(
        groups(points, column), colours_of(words).values(), strict=True
    ):
        there = rows.index.isin(points.index[stood])
        signs(map_, rows[there], {"color": colour}, label=_said(column, word))
        hollow = {"facecolor": _HOLLOW, "edgecolor": colour, "linewidth": 1.0}
        signs(map_, rows[~there], hollow, label="" if there.any() else _said(column, word))
    if not stood.all():
        look = {"facecolor": _HOLLOW, "edgecolor": _ink(), "linewidth": 1.0}
        signs(map_, points.iloc[:0], look, label="hollow: did not stand in 1999, or not known")
    name_rows(map_, points, _names(points), fontsize=5.2)


def _said(column: str, word: str) -> str:
    """Return what a sign stands for, in words."""
    return _OUTLINES.get(word, word) if column == "outline" else word.replace("_", " ")


_OUTLINES = {
    "landuse": "outline known from land use",
    "disc": "disc of the published area: no border",
    "point": "position only",
}


def _draw_outlines(map_: Axes, sheet: Sheet) -> None:
    """Fill what is an outline, hatch what is only a circle of the published area."""
    _quiet_roads(map_, sheet)
    colour = load_style()["places"]["complexes"]["colour"]
    for word, rows in groups(sheet.placed, "outline"):
        look: dict[str, Any] = {"facecolor": colour, "alpha": 0.75}
        if word == "disc":
            look = {"facecolor": "#FFFFFFAA", "edgecolor": colour, "hatch": "//////"}
            look |= {"linewidth": 0.6}
        add(map_, joined(rows), label=_OUTLINES.get(word, word or "outline"), **look)
    name_rows(map_, located(sheet.placed), _names(sheet.placed), fontsize=5.2, aside=7.0)


def _draw_positions(map_: Axes, sheet: Sheet) -> None:
    """Draw what became of each position; those that moved have a line from where they were."""
    _quiet_roads(map_, sheet)
    looks = load_style()["compared"]
    for word, rows in groups(sheet.placed, "compared"):
        signs(
            map_, rows, {"color": looks.get(word, _ink()), "s": 20}, label=_COMPARED.get(word, word)
        )
    moved = sheet.placed[sheet.placed["compared"] == "moved"]
    was = _draw_moves(map_, moved, looks["moved"])
    texts = _names(moved)
    if "off_m" in moved:
        texts = [
            f"{text}: {off / 1000:.1f} km" for text, off in zip(texts, moved["off_m"], strict=True)
        ]
    name_rows(map_, moved, texts, fontsize=5.5, avoid=pd.concat([sheet.placed, was]))


_COMPARED = {
    "agrees": "another source agrees",
    "moved": "moved to a named site",
    "unconfirmed": "no other source",
}


def _draw_moves(map_: Axes, moved: gpd.GeoDataFrame, colour: str) -> gpd.GeoDataFrame:
    """Draw a line from where each was first stated to be; return those points."""
    import geopandas as gpd

    if moved.empty or not {"was_lon", "was_lat"} <= set(moved.columns):
        return moved.iloc[:0]
    was = gpd.GeoSeries.from_xy(moved["was_lon"], moved["was_lat"], crs=WGS84).to_crs(moved.crs)
    old, new = shapely.get_coordinates(was), shapely.get_coordinates(moved.geometry)
    lines = shapely.multilinestrings(list(np.stack([old, new], axis=1)))
    add(map_, lines, edgecolor=colour, linewidth=1.0)
    look = {"facecolor": _HOLLOW, "edgecolor": colour, "linewidth": 0.8, "s": 10, "zorder": 4}
    points = moved.set_geometry(was)
    signs(map_, points, look, label="where it was first stated to be")
    return points


def _draw_corridor(map_: Axes, sheet: Sheet) -> None:
    """Draw what was part of the corridor in 1999, in 2021, or at both times."""
    _quiet_roads(map_, sheet)
    rows = sheet.placed
    for label, chosen, look in _alignments(rows):
        if chosen.any():
            add(map_, joined(rows[chosen]), linewidth=2.2, label=label, **look)
    _name_stretches(map_, rows)


def _alignments(rows: gpd.GeoDataFrame) -> list[tuple[str, pd.Series[bool], dict[str, Any]]]:
    """Return what stretches are called, which they are, and how they look."""
    red = {"edgecolor": load_style()["corridor"]["colour"]}
    if not {"in_1999", "in_2021"} <= set(rows.columns):
        return [("corridor", pd.Series(data=True, index=rows.index), red)]
    was, now = rows["in_1999"].eq("yes"), rows["in_2021"]
    is_part = now.isin(["yes", "option"])
    return [
        ("in 1999 and in 2021", was & now.eq("yes"), red),
        ("in 1999, optional in 2021", was & now.eq("option"), {"edgecolor": "#E69F00"}),
        ("in 1999 only", was & ~is_part, {**red, "dashed": True}),
        ("in 2021 only", ~was & is_part, {"edgecolor": _LATER}),
        ("at neither time", ~was & ~is_part, {"edgecolor": _UNSURE}),
    ]


def _name_stretches(map_: Axes, rows: gpd.GeoDataFrame) -> None:
    """Write ends and day of opening beside the middle of every stretch, not on the line."""
    import geopandas as gpd

    middles = rows.set_geometry(rows.geometry.interpolate(0.5, normalized=True))
    opened = rows.get("opened", pd.Series(index=rows.index, dtype=object)).fillna("")
    texts = [f"{_ends(name)} {day}".strip() for name, day in zip(_names(rows), opened, strict=True)]
    dense = shapely.segmentize(rows.geometry.simplify(_ALONG_M / 10).to_numpy(), _ALONG_M)
    line = gpd.GeoDataFrame(geometry=shapely.points(shapely.get_coordinates(dense)), crs=rows.crs)
    name_rows(map_, middles, texts, fontsize=5.2, avoid=line)


def _ends(name: str) -> str:
    """Return the ends of a stretch.

    Examples
    --------
    >>> _ends("Old line: Sanin - Naeseo - Changwon"), _ends("Bypass")
    ('Sanin - Changwon', 'Bypass')
    """
    stops = name.rsplit(": ", maxsplit=1)[-1].split(" - ")
    return stops[0] if len(stops) == 1 else f"{stops[0]} - {stops[-1]}"


def _draw_interchanges(map_: Axes, sheet: Sheet) -> None:
    _quiet_roads(map_, sheet)
    colour = load_style()["interchanges"]["colour"]
    looks: dict[str, dict[str, Any]] = {
        "yes": {"facecolor": colour},
        "assumed": {"facecolor": "#F2B8A8", "edgecolor": colour, "linewidth": 0.8},
        "no": {"facecolor": _HOLLOW, "edgecolor": _LATER, "linewidth": 0.9},
    }
    words = {"yes": "stood in 1999", "assumed": "stood in 1999, assumed", "no": "opened later"}
    for word, rows in groups(sheet.placed, "existed_1999"):
        look = looks.get(word, {"facecolor": _HOLLOW, "edgecolor": _UNSURE, "linewidth": 0.8})
        label = words.get(word, "interchange" if not word else f"{word} whether in 1999")
        signs(map_, rows, {"s": 16, **look}, label=label)
    name_rows(map_, sheet.placed, _names(sheet.placed), fontsize=4.6)


def _draw_population(map_: Axes, sheet: Sheet) -> None:
    """Draw every inhabited cell as a dot whose area tells its people."""
    draw_roads(map_, sheet.ground, ("motorway",), thin=0.32)
    people = pd.to_numeric(sheet.placed["population"], errors="coerce").fillna(0.0).clip(lower=0)
    per_dot = 40.0 / max(float(people.max()), 1.0)
    colour = load_style()["places"]["complexes"]["colour"]
    look = {"color": colour, "linewidth": 0, "alpha": 0.7}
    signs(map_, sheet.placed, look | {"s": people * per_dot})
    for step in _round_steps(float(people.max())):
        signs(map_, sheet.placed.iloc[:0], look | {"s": step * per_dot}, label=f"{step:,g} people")


def _round_steps(most: float) -> list[float]:
    """Return round numbers up to the largest.

    Examples
    --------
    >>> _round_steps(31_000)
    [1000.0, 5000.0, 10000.0]
    """
    top = 10.0 ** np.floor(np.log10(max(most, 1.0)))
    return [float(step) for step in (top / 10, top / 2, top) if step >= 1]


def _draw_land(map_: Axes, sheet: Sheet) -> None:
    """Paint every cell by what covers most of it."""
    from matplotlib.colors import ListedColormap

    painted, extent = _raster(sheet.placed)
    colours = _cover_colours()
    map_.imshow(
        painted,
        extent=extent,
        cmap=ListedColormap(list(colours.values())),
        vmin=0,
        vmax=len(_COVER) - 1,
        aspect="auto",
        interpolation="nearest",
        zorder=1,
    )
    for word, colour in colours.items():
        map_.plot([], [], "s", color=colour, label=word)
    draw_roads(map_, sheet.ground, ("motorway",), thin=0.32)


#: What covers land, in the order in which it wins a tie.
_COVER = ("open", "water", "wood", "industry", "built")


def _cover_colours() -> dict[str, str]:
    """Return a colour for each of `_COVER`; industry has that of complexes."""
    style = load_style()
    water, industry = style["base"]["water"], style["places"]["complexes"]["colour"]
    return dict(zip(_COVER, ("#F1ECDD", water, "#A9C7A0", industry, "#C98B6B"), strict=True))


def _raster(cells: gpd.GeoDataFrame) -> tuple[NDArray[np.float64], Box]:
    """Return the cover of square cells of one or more sizes as a picture, north up.

    Fine cells lie over coarse ones; NaN where there is none. With west, east, south, north.
    """
    step = float(cells["cell_m"].min())
    xy = shapely.get_coordinates(cells.geometry.to_numpy())
    side = cells["cell_m"].to_numpy(dtype=float)
    low, high = (xy - side[:, None] / 2).min(axis=0), (xy + side[:, None] / 2).max(axis=0)
    columns, rows = np.ceil((high - low) / step).astype(int)
    painted = np.full((rows, columns), np.nan)
    cover = _cover(cells)
    for size in sorted(set(side), reverse=True):
        mine = side == size
        first = np.round((xy[mine] - size / 2 - low) / step).astype(int)
        for right in range(max(1, round(size / step))):
            for up in range(max(1, round(size / step))):
                column, row = (first + np.array([right, up])).T
                painted[rows - 1 - row, column] = cover[mine]
    east, north = low + np.array([columns, rows]) * step
    return painted, (float(low[0]), float(east), float(low[1]), float(north))


def _cover(cells: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return the place in `_COVER` of what covers most of each cell; open land is the rest."""
    shares = [
        cells[word].fillna(0.0).to_numpy(dtype=float) if word in cells else np.zeros(len(cells))
        for word in _COVER[1:]
    ]
    rest = np.clip(1.0 - np.sum(shares, axis=0), 0.0, 1.0)
    return np.asarray(np.argmax([rest, *shares], axis=0))


def _draw_barriers(map_: Axes, sheet: Sheet) -> None:
    words = {"sea": "sea", "inland": "river or lake"}
    blues = {"sea": "#9DC3DE", "inland": "#3F88B8"}
    for word, rows in groups(sheet.placed, "kind"):
        colour = blues.get(word, "#5FA0C8")
        add(map_, joined(rows), facecolor=colour, label=words.get(word, "water"))
    _quiet_roads(map_, sheet)


def _draw_growth_poles(map_: Axes, sheet: Sheet) -> None:
    _quiet_roads(map_, sheet)
    words = [word for word, _ in groups(sheet.placed, "kind")]
    colours = colours_of(words)
    for word, rows in groups(sheet.placed, "kind"):
        signs(map_, rows, {"color": colours[word], "s": 60}, label=word.replace("_", " "))
    years = sheet.placed.get("opened_year", [None] * len(sheet.placed))
    texts = [
        name if pd.isna(year) else f"{name}, {int(year)}"
        for name, year in zip(_names(sheet.placed), years, strict=True)
    ]
    name_rows(map_, sheet.placed, texts, fontsize=7.0, aside=6.5)


def _draw_local_plans(map_: Axes, sheet: Sheet) -> None:
    rows = sheet.placed
    words = rows["special"].fillna("").astype(str) if "special" in rows else [""] * len(rows)
    for shape, word, colour in zip(
        rows.geometry, words, colours_of(list(rows.index)).values(), strict=True
    ):
        add(map_, shape, facecolor=colour, alpha=0.35, label=word or "a plan")
        add(map_, shape, edgecolor=colour, linewidth=1.0)
    _quiet_roads(map_, sheet)
    name_rows(map_, rows, _with_special(rows), fontsize=7.0)


def _draw_producer_services(map_: Axes, sheet: Sheet) -> None:
    rows = sheet.placed
    shares = load_style()["shares"]
    limits, unit = [float(share) for share in shares][:-1], "% of the nation's workers"
    choropleth(map_, rows, rows["total_pct"], limits, unit, ramp=list(shares.values()))
    add(map_, edges(rows), edgecolor="#FFFFFF", linewidth=0.6)
    texts = [
        f"{name}\n{share:g} %" for name, share in zip(_names(rows), rows["total_pct"], strict=True)
    ]
    name_rows(map_, rows, texts, fontsize=6.0)


def _draw_mechanical_industry(map_: Axes, sheet: Sheet) -> None:
    land = shapely.union_all(sheet.placed.geometry.drop_duplicates().to_numpy())
    colour = load_style()["zones"]["fill"]
    add(map_, land, facecolor=colour, alpha=0.45, label="the province that the table is about")
    add(map_, land, edgecolor=load_style()["zones"]["outline"], linewidth=0.8)


def _draw_all_roads(map_: Axes, sheet: Sheet) -> None:
    """Draw roads by class; trails of the least important ones would only blur the picture."""
    draw_roads(map_, sheet.ground, ALL_ROADS, thin=0.5)


DRAWINGS: Mapping[str, Callable[[Axes, Sheet], None]] = {
    "clusters": _draw_clusters,
    "provinces": _draw_provinces,
    "municipalities": _draw_municipalities,
    "submunicipalities": _draw_submunicipalities,
    "complexes": partial(_draw_places, by="outline"),
    "outlines": _draw_outlines,
    "universities": partial(_draw_places, by="kind"),
    "centres": partial(_draw_places, by="kind"),
    "positions": _draw_positions,
    "corridor": _draw_corridor,
    "interchanges": _draw_interchanges,
    "population": _draw_population,
    "land": _draw_land,
    "barriers": _draw_barriers,
    "growth_poles": _draw_growth_poles,
    "local_plans": _draw_local_plans,
    "producer_services": _draw_producer_services,
    "mechanical_industry": _draw_mechanical_industry,
    "roads": _draw_all_roads,
}
#: Layers that hold a table: the columns of its bars, in percent, and what they are called.
TABLES: Mapping[str, Mapping[str, str]] = {
    "producer_services": {
        "total_pct": "All",
        "finance_pct": "Finance",
        "insur_pct": "Insurance",
        "estate_pct": "Real estate",
        "business_pct": "Business",
    },
    "mechanical_industry": {"firms_pct": "Firms", "output_pct": "Output", "work_pct": "Workers"},
}
