"""The matrix of trips: every place of one cluster to every place of another."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.figures.svg import SMALL_PT, WIDTH_IN, drawn, short

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["trip_matrix"]

#: Too long is orange, just the limit white, time to spare blue: told apart by colour-blind readers.
_COLOURS = ("#A63603", "#F4A582", "#FFFFFF", "#92C5DE", "#0B5A94")
_NOT_ASKED, _NOT_REACHED = "#F1F1F1", "#BDBDBD"
_INK = "#1A1A1A"
#: More places than this leave no room for minutes in the cells.
_MOST_NUMBERED = 30
_LONGEST_NAME = 44
_TINY_PT = 6.5
#: Room for the names at the left (share of the width), the ids above, the key below (inches).
_LEFT, _RIGHT, _ABOVE_IN, _BELOW_IN = 0.39, 0.995, 0.45, 0.62
_ROW_IN = 0.25


def trip_matrix(pairs: pd.DataFrame, *, limit_min: float, clusters: Mapping[str, str]) -> str:
    """Draw the minutes of every trip, coloured by what is left of, or beyond, the limit.

    Parameters
    ----------
    pairs
        As `technobelt.Verdicts.pairs`.
    limit_min
        The limit: white; trips within it are blue, those beyond it orange, their minutes bold.
    clusters
        Ids of the clusters, in order, and their names.

    Returns
    -------
    str
        An ``<svg>`` element. A trip from the place of a row to the place of a column.

    Examples
    --------
    >>> import pandas as pd
    >>> pairs = pd.DataFrame({"from_id": ["a", "b"], "to_id": ["b", "a"], "from_name": ["A", "B"],
    ...     "to_name": ["B", "A"], "from_clus": ["x", "y"], "to_clus": ["y", "x"],
    ...     "time_min": [80.0, 95.0]})
    >>> ">95<" in trip_matrix(pairs, limit_min=90, clusters={"x": "X", "y": "Y"})
    True
    """
    places = _places(pairs, list(clusters))
    minutes = _minutes(pairs, places)
    wide = WIDTH_IN * (_RIGHT - _LEFT)
    tall = min(wide, _ROW_IN * len(places))
    whole = tall + _ABOVE_IN + _BELOW_IN

    def draw(figure: Figure) -> None:
        matrix = figure.add_axes((_LEFT, _BELOW_IN / whole, _RIGHT - _LEFT, tall / whole))
        mesh = _cells(matrix, minutes, limit_min)
        if len(places) <= _MOST_NUMBERED:
            _number_cells(matrix, minutes, limit_min)
        _name_places(matrix, places["name"])
        _part_clusters(matrix, places["cluster"].to_numpy(object), clusters)
        key = figure.add_axes((_LEFT, 0.34 / whole, _RIGHT - _LEFT, 0.09 / whole))
        _colour_key(figure, key, mesh, limit_min)

    return drawn("trips", (WIDTH_IN, whole), draw)


def _places(pairs: pd.DataFrame, clusters: list[str]) -> pd.DataFrame:
    """Return ``name`` and ``cluster`` of the places, by id, in the order of the clusters."""
    import pandas as pd

    ends = [
        pairs[[f"{end}_id", f"{end}_name", f"{end}_clus"]].set_axis(
            ["id", "name", "cluster"], axis=1
        )
        for end in ("from", "to")
    ]
    places = pd.concat(ends).drop_duplicates("id")
    rank = places["cluster"].map({name: number for number, name in enumerate(clusters)})
    return places.assign(rank=rank).sort_values(["rank", "id"]).set_index("id")


def _minutes(pairs: pd.DataFrame, places: pd.DataFrame) -> Floats:
    """Return minutes by row and column; infinite without a way, NaN where nothing was asked."""
    import pandas as pd

    minutes = np.full((len(places), len(places)), np.nan)
    row, column = (places.index.get_indexer(pd.Index(pairs[f"{end}_id"])) for end in ("from", "to"))
    minutes[row, column] = pairs["time_min"].fillna(np.inf)
    return minutes


def _cells(matrix: Axes, minutes: Floats, limit_min: float) -> Any:
    """Colour the cells by what is left of the limit."""
    from matplotlib.colors import LinearSegmentedColormap

    left = np.ma.masked_invalid(limit_min - minutes)
    most = max(1.0, float(np.abs(left).max())) if left.count() else 1.0
    matrix.set(xlim=(0, len(minutes)), ylim=(len(minutes), 0), xticks=[], yticks=[])
    matrix.set_facecolor(_NOT_ASKED)
    colours = LinearSegmentedColormap.from_list("left", _COLOURS)
    return matrix.pcolormesh(
        left, cmap=colours, vmin=-most, vmax=most, edgecolor="#FFFFFF", linewidth=0.4
    )


def _number_cells(matrix: Axes, minutes: Floats, limit_min: float) -> None:
    left = limit_min - minutes
    most = np.abs(left[np.isfinite(left)]).max(initial=1.0)
    for row, column in np.argwhere(~np.isnan(minutes)):
        value = minutes[row, column]
        text = _figure(value, limit_min)
        matrix.text(
            column + 0.5,
            row + 0.5,
            text,
            ha="center",
            va="center_baseline",
            fontsize=_TINY_PT,
            color="#FFFFFF" if 0.65 * most < abs(limit_min - value) < np.inf else _INK,
            fontweight="normal" if value <= limit_min else "bold",
            backgroundcolor="none" if np.isfinite(value) else _NOT_REACHED,
        )


def _figure(minutes: float, limit_min: float) -> str:
    """Write minutes so that a trip just beyond the limit does not look like the limit.

    Examples
    --------
    >>> _figure(90.2, 90), _figure(93.8, 90), _figure(float("inf"), 90)
    ('90.2', '94', 'none')
    """
    if not np.isfinite(minutes):
        return "none"
    return f"{minutes:.1f}" if abs(minutes - limit_min) < 0.5 else f"{minutes:.0f}"


def _name_places(matrix: Axes, names: pd.Series[str]) -> None:
    """Write names and ids at the left, ids above."""
    for number, (place, name) in enumerate(names.items()):
        label = f"{short(str(name), _LONGEST_NAME)} · {place}"
        at = (-0.2, number + 0.5)
        matrix.text(*at, label, ha="right", va="center_baseline", fontsize=_TINY_PT)
        upright: Any = {
            "rotation": 90,
            "rotation_mode": "anchor",
            "ha": "left",
            "va": "center_baseline",
        }
        matrix.text(number + 0.5, -0.2, str(place), fontsize=_TINY_PT, **upright)


def _part_clusters(matrix: Axes, cluster: NDArray[np.object_], names: Mapping[str, str]) -> None:
    """Draw lines between the clusters, and name them below."""
    edges = [0, *(np.flatnonzero(cluster[1:] != cluster[:-1]) + 1), len(cluster)]
    for begin, end in pairwise(edges):
        matrix.axhline(end, color=_INK, linewidth=0.8)
        matrix.axvline(end, color=_INK, linewidth=0.8)
        name = short(str(names.get(cluster[begin], cluster[begin])), 5 * int(end - begin))
        style: Any = {"ha": "center", "va": "top", "fontsize": SMALL_PT, "fontweight": "bold"}
        matrix.text((begin + end) / 2, len(cluster) + 0.12, f"to {name}", **style)


def _colour_key(figure: Figure, key: Axes, mesh: Any, limit_min: float) -> None:
    bar = figure.colorbar(mesh, cax=key, orientation="horizontal")
    key.tick_params(labelsize=_TINY_PT, length=2, pad=1)
    bar.set_label(f"minutes left of {limit_min:g}; below zero: too long", size=_TINY_PT, labelpad=1)
