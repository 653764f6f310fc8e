"""Trips by margin: a line between every two places, coloured by what is left of the limit."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from technobelt.schema import WGS84
from technobelt.style import load_style, margin_class
from technobelt.webmap.facts import plain, safe
from technobelt.webmap.overlays import FINE, Chords, Entry, Overlay, packed, swatch_line
from technobelt.webmap.times import CLAIMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Trip = Mapping[Any, Any]

__all__ = ["pairs"]

#: Why there are no minutes, in the words of a tooltip.
_NONE = {"unreachable": "no way on open roads", "not_tied": "no road near"}
#: Widths of lines, from those far over the limit to those far within it.
_WIDTHS = (3.2, 3.0, 2.6, 2.2, 1.7, 1.2)
_NO_WAY, _DASH = len(_WIDTHS), "6 5"
#: Classes in the order in which they are drawn: the worst last, on top.
_DRAWN = (*reversed(range(_NO_WAY)), _NO_WAY)
#: Of ways driven: finer than a finger points, coarser than a road is wide.
_TOLERANCE_M = 50.0
_WAY = "way"


def pairs(
    frame: pd.DataFrame, places: gpd.GeoDataFrame, crs: str, *, roads_of: str = ""
) -> Overlay | None:
    """Return a line for every two places with trips between them; switched off until asked for.

    Parameters
    ----------
    frame
        As `technobelt.Verdicts.pairs`; if it has shapes, any CRS, they are the ways driven.
    places
        ``id``, ``name`` and points in WGS 84; trips of other places are left out.
    crs
        Metres.
    roads_of
        The date of the roads, where tooltips are to tell it.

    Returns
    -------
    Overlay or None
        None where no trip has both its places.
    """
    ends = _ends(frame, places)
    known = frame[frame["from_id"].isin(ends) & frame["to_id"].isin(ends)]
    if known.empty:
        return None
    order = {place: number for number, place in enumerate(ends)}
    both = _both_ways(_with_ways(known, crs).to_dict("records"), order)
    coded = {pair: [*pair, _look(ways), *_told(ways)] for pair, ways in both.items()}
    drawn = sorted(coded, key=lambda pair: _DRAWN.index(coded[pair][2]))
    limit = _limit(known)
    data: dict[str, Any] = {"limit": limit, "places": list(ends.values()), "looks": _looks()}
    data |= {"pairs": [coded[pair] for pair in drawn], "roads": safe(roads_of)}
    legend = _legend({pair[2] for pair in coded.values()}, limit)
    driven = [[trip and trip[_WAY] for trip in both[pair]] for pair in drawn]
    if any(way for ways in driven for way in ways):
        data["ways"] = driven
        legend.append(_way_entry(legend[0].heading))
    return Overlay("Trips by margin", CLAIMS, [Chords(data, "tb-pairs")], legend, show=False)


def _with_ways(frame: pd.DataFrame, crs: str) -> pd.DataFrame:
    """Replace shapes by packed lines, None where there are none."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return frame.assign(**{_WAY: None})
    lines = shapely.line_merge(shapely.force_2d(frame.geometry.to_crs(crs).to_numpy()))
    simple = gpd.GeoSeries(shapely.simplify(lines, _TOLERANCE_M), crs=crs).to_crs(WGS84)
    packs = [_packed_way(line) for line in simple]
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    return table.assign(**{_WAY: pd.Series(packs, index=table.index, dtype=object)})


def _packed_way(line: Any) -> list[str] | None:
    if line is None or line.is_empty or shapely.get_dimensions(line) != 1:
        return None
    found: list[str] = packed(line)["geometry"]["coordinates"]
    return found or None


def _ends(frame: pd.DataFrame, places: gpd.GeoDataFrame) -> dict[str, list[Any]]:
    """Return latitude, longitude and name of the places, from west to east, so that bends agree."""
    asked = {**dict(zip(frame["to_id"], frame["to_name"], strict=True))}
    asked |= dict(zip(frame["from_id"], frame["from_name"], strict=True))
    there = places[places["id"].isin(asked)].drop_duplicates("id")
    rows = zip(there["id"], there.geometry.x, there.geometry.y, strict=True)
    return {
        place: [round(y, FINE), round(x, FINE), safe(plain(asked[place]) or place)]
        for place, x, y in sorted(rows, key=lambda row: (row[1], row[2], row[0]))
    }


def _both_ways(
    trips: Sequence[Trip], order: Mapping[str, int]
) -> dict[tuple[int, int], list[Trip | None]]:
    """Join there and back: numbers of two places, the western one first -> the trip each way."""
    both: dict[tuple[int, int], list[Trip | None]] = {}
    for trip in trips:
        start, end = order[trip["from_id"]], order[trip["to_id"]]
        ways = both.setdefault((min(start, end), max(start, end)), [None, None])
        ways[start > end] = trip
    return both


def _look(ways: Sequence[Trip | None]) -> int:
    """Return the class of the worse way; that after all others if one cannot be driven."""
    margins = [trip["margin_min"] for trip in ways if trip is not None]
    if any(pd.isna(margin) for margin in margins):
        return _NO_WAY
    return margin_class(min(margins))


def _told(ways: Sequence[Trip | None]) -> list[Any]:
    """Return minutes there and back, and the percentages of draws within the limit where drawn."""
    shares = [None if trip is None else _percent(trip.get("p_within")) for trip in ways]
    drawn = [] if shares == [None, None] else shares
    return [*(_minutes(trip) for trip in ways), *drawn]


def _minutes(trip: Trip | None) -> float | str | None:
    if trip is None:
        return None
    minutes = trip["time_min"]
    if pd.isna(minutes):
        status = plain(trip.get("status"))
        return safe(_NONE.get(status, status.replace("_", " ") or "no way"))
    return round(float(minutes), 1)


def _percent(share: Any) -> int | None:
    return None if share is None or pd.isna(share) else round(float(share) * 100)


def _limit(frame: pd.DataFrame) -> float | None:
    """Return the limit that the margins were taken to."""
    limits = (frame["time_min"] + frame["margin_min"]).dropna()
    return round(float(limits.iloc[0]), 3) if len(limits) else None


# --- looks ---------------------------------------------------------------------------------------


def _looks() -> list[dict[str, Any]]:
    """Return the path options of each class, and of what cannot be driven after them."""
    look = load_style()["margins"]
    solid = [
        {"color": colour, "weight": width}
        for colour, width in zip(look["colours"], _WIDTHS, strict=True)
    ]
    return [*solid, {"color": look["unreachable"], "weight": 2.2, "dashArray": _DASH}]


def _legend(used: set[int], limit: float | None) -> list[Entry]:
    against = "" if limit is None else f", limit {limit:g} min"
    heading = f"Trips, the slower way counts{against}"
    return [
        Entry(heading, _swatch(look), text)
        for number, (look, text) in enumerate(zip(_looks(), _texts(), strict=True))
        if number in used
    ]


def _way_entry(heading: str) -> Entry:
    """Explain the way that the page draws under the pointer, in the colour of its trip."""
    colour = load_style()["base"]["text"]
    return Entry(heading, swatch_line(colour, 5), "way of the trip pointed at or chosen")


def _swatch(look: Mapping[str, Any]) -> str:
    return swatch_line(look["color"], look["weight"], dash=look.get("dashArray", ""))


def _texts() -> list[str]:
    """Say each class in minutes.

    Examples
    --------
    >>> _texts()[1:4]
    ['5 to 15 min over', 'up to 5 min over', 'up to 5 min to spare']
    """
    breaks = load_style()["margins"]["breaks"]
    over = [-edge for edge in breaks if edge < 0]
    spare = [edge for edge in breaks if edge > 0]
    return [
        *(text + " over" for text in reversed(_spans(over[::-1]))),
        *(text + " to spare" for text in _spans(spare)),
        "no way on open roads",
    ]


def _spans(edges: Sequence[float]) -> list[str]:
    """Say the spans between nought and edges that rise, and beyond."""
    inner = [f"{low:g} to {high:g} min" for low, high in itertools.pairwise(edges)]
    return [f"up to {edges[0]:g} min", *inner, f"more than {edges[-1]:g} min"]
