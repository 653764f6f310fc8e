"""Results -> rows of words, as the report's tables show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from technobelt.layers import FACILITIES
from technobelt.report.readings import reading_words
from technobelt.report.wording import (
    NBSP,
    NOTHING,
    WORDS,
    cluster_name,
    day,
    number,
    percent,
    road_name,
    said,
    sentences,
    span,
    words,
)
from technobelt.schema import LAYERS, NOT_LOCATED

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

    from technobelt.region import Region, Value

    Layers = Mapping[str, gpd.GeoDataFrame]
    Row = dict[str, Any]

__all__ = [
    "assumptions",
    "data_rows",
    "date_rows",
    "facility_names",
    "isochrone_rows",
    "korean_names",
    "outline_rows",
    "place_rows",
    "sureness",
    "travel_claim",
    "verdict",
]

_CONFIDENCE = ("high", "medium", "low", NOT_LOCATED)
#: What a comparison of a position with other sources found, in words.
_COMPARED = {
    "agrees": "Another source agrees",
    "moved": "Another source named a better position; moved there",
    "unconfirmed": "No other source was found",
    NOT_LOCATED: "Nobody can place it: left out of times",
}
#: What an outline is, in words.
_OUTLINES = {"landuse": "from land use", "disc": "disc of the published area, no border"}
_EVIDENCE = ("dated_km", "assumed_km", "unknown_km")
#: Columns of an isochrone that count what it reaches, and what they are called.
_REACHED = {
    "n_complex": "Complexes",
    "n_univ": "Universities",
    "n_centre": "Centres",
    "population": "People",
}
_FIXED = {
    "junction": "Each crossing of main roads",
    "ramp": "Each way on or off a motorway, toll plaza included",
    "access": "From the door to the moving car",
    "parking": "Finding a place to park",
    "egress": "From the parked car to the door",
}
_MARKS = "abcdefghijklmnopqrstuvwxyz"


def facility_names(layers: Layers) -> dict[str, str]:
    """Return the name of every place by its id."""
    frames = [layers[name]["name"] for name in FACILITIES if name in layers]
    return {str(place): str(name) for frame in frames for place, name in frame.items()}


def korean_names(layers: Layers) -> dict[str, str]:
    """Return the Korean name of every place that has one, by its id."""
    frames = [layers[n]["name_ko"] for n in FACILITIES if n in layers and "name_ko" in layers[n]]
    return {str(i): text for frame in frames for i, name in frame.items() if (text := _text(name))}


# --- verdicts ------------------------------------------------------------------------------------


def verdict(region: Region, claim: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    """Return what the head of the report says of one claim."""
    counted = claim.get("counted") or []
    cases = [] if claim["kind"] == "composition" else claim.get("counterexamples") or []
    return {
        "id": claim["id"],
        "verdict": claim["verdict"],
        "word": WORDS[claim["verdict"]],
        "statement": claim["statement"],
        "source": claim["source"],
        "sentences": sentences(region, claim),
        "counted": [names.get(place, place) for place in counted],
        "against": [str(case) for case in cases if isinstance(case, str)],
        "counts": _counts(region, claim.get("counts") or {}),
        "notes": [said(note, names) for note in claim.get("notes") or []],
    }


def _counts(region: Region, counts: Mapping[str, Mapping[str, int]]) -> Row | None:
    if not counts:
        return None
    parts = list(next(iter(counts.values())))
    rows = [
        [cluster_name(region, name), *(number(n) for n in has.values())]
        for name, has in counts.items()
    ]
    return {"head": [words(part) for part in parts], "rows": rows}


def travel_claim(claim: Mapping[str, Any]) -> Row:
    """Return the readings, by profile, and the counterexamples of a travel-time claim."""
    readings = claim.get("readings") or []
    profiles = list(dict.fromkeys(reading["profile"] for reading in readings))
    rows: dict[str, Row] = {}
    for reading in readings:
        name = reading["reading"]
        label, rule = reading_words(name, reading["rule"])
        row = rows.setdefault(name, {"label": label, "rule": rule, "cells": {}})
        row["cells"][reading["profile"]] = _reading(reading)
    return {
        "id": claim["id"],
        "limit": f"{claim['limit_min']:g}",
        "profile": claim["profile"],
        "profiles": profiles,
        "rows": list(rows.values()),
        "places": claim["places"],
        "to_others": claim.get("to_others", False),
        "pairs": number(claim["pairs"]),
        "over": number(claim["pairs_over"]),
        "counterexamples": [_counterexample(case) for case in claim.get("counterexamples") or []],
    }


def _reading(reading: Mapping[str, Any]) -> Row:
    cell = {"verdict": reading["verdict"], "word": WORDS[reading["verdict"]].lower()}
    if "observed" in reading:
        low, high = (number(share * 100) for share in reading["range"])
        return cell | {"value": percent(reading["observed"]), "range": f"{low} to {high}{NBSP}%"}
    if reading["observed_min"] is None:
        return cell | {"value": "no way found", "range": ""}
    minutes = f"{number(reading['observed_min'])}{NBSP}min"
    spread = f"{span(*reading['range_min'])}{NBSP}min"
    return cell | {"value": minutes, "range": spread}


def _counterexample(case: Mapping[str, Any]) -> Row:
    steps = [f"{road_name(road)} {number(km, 1)}{NBSP}km" for road, km in case.get("route") or []]
    none = words(case.get("status", "")) if case["time_min"] is None else ""
    return {
        "from": case["from_name"],
        "to": case["to_name"],
        "minutes": none or number(case["time_min"]),
        "km": number(case["length_km"]),
        "confidence": case["confidence"],
        "route": ", ".join(steps),
    }


def place_rows(region: Region, pairs: pd.DataFrame, layers: Layers) -> list[Row]:
    """Return the places that trips were computed between, by cluster."""
    if pairs.empty:
        return []
    asked = set(pairs["from_id"]) | set(pairs["to_id"])
    frames = [layers[name] for name in FACILITIES if name in layers]
    mine = [frame[frame.index.isin(asked)] for frame in frames]
    known = pd.concat([frame.drop(columns=frame.geometry.name) for frame in mine])
    order = {name: number for number, name in enumerate(region.clusters)}
    rows = [_place(region, place) for place in known.to_dict("records")]
    return sorted(rows, key=lambda row: (order.get(row["of"], len(order)), row["id"]))


def _place(region: Region, place: Mapping[str, Any]) -> Row:
    return {
        "id": place["id"],
        "name": place["name"],
        "name_ko": _text(place.get("name_ko")),
        "of": place["cluster"],
        "cluster": cluster_name(region, place["cluster"]),
        "kind": words(place["kind"]),
        "confidence": place["confidence"],
        "position": _text(place.get("position_by")),
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


# --- isochrones ----------------------------------------------------------------------------------


def isochrone_rows(
    isochrones: pd.DataFrame, audit: pd.DataFrame | None, korean: Mapping[str, str]
) -> tuple[list[str], list[Row]]:
    """Return the heads of the columns that there are, and for each origin one row a band."""
    bands = isochrones.drop(columns="geometry", errors="ignore")
    if audit is not None:
        errors = audit[["origin_id", "minutes", "late_in", "ok_out"]]
        kept = bands.drop(columns=["late_in", "ok_out"], errors="ignore")
        bands = kept.merge(errors, on=["origin_id", "minutes"], how="left")
    reached = [name for name in _REACHED if name in bands]
    wrong = [name for name in ("late_in", "ok_out") if name in bands]
    head = ["Minutes", "Area, km²", "Cut off", *(_REACHED[name] for name in reached)]
    heads = [*head, *({"late_in": "Late inside", "ok_out": "Missed outside"}[n] for n in wrong)]
    groups = [
        {
            "origin": mine["origin_name"].iloc[0] if "origin_name" in mine else origin,
            "origin_ko": korean.get(str(origin), ""),
            "rows": [_band(band, reached, wrong) for band in mine.to_dict("records")],
        }
        for origin, mine in bands.sort_values("minutes").groupby("origin_id", sort=False)
    ]
    return heads, groups


def _band(band: Mapping[Any, Any], reached: list[str], wrong: list[str]) -> list[str]:
    cut = band["truncated"]
    at_least = "at least " if cut > 0 else ""
    return [
        f"{band['minutes']:g}",
        f"{at_least}{number(band['area_km2'])}",
        percent(cut, 1) if cut > 0 else ("no" if cut == 0 else "unknown"),
        *(number(band[name]) for name in reached),
        *(percent(band[name], 1) for name in wrong),
    ]


# --- assumptions and data ------------------------------------------------------------------------


def assumptions(region: Region) -> Row:
    """Return every number of every profile with its range, and their sources by letter."""
    marks: dict[str, str] = {}
    rows = [
        {
            "label": label,
            "unit": unit,
            "cells": [_assumption(values[row], marks) for values in _by_profile(region)],
        }
        for row, (label, unit) in enumerate(_labels(region))
    ]
    profiles = [
        {"name": words(name), "label": profile.label, "placeholders": len(profile.placeholders)}
        for name, profile in region.profiles.items()
    ]
    return {"profiles": profiles, "rows": rows, "sources": {m: text for text, m in marks.items()}}


def _labels(region: Region) -> list[tuple[str, str]]:
    classes = next(iter(region.profiles.values())).speed_kph
    speeds = [(words(name).replace(" link", " ramp").capitalize(), "km/h") for name in classes]
    more = [("Share of a posted limit that is driven", ""), ("Yards and lanes off the map", "km/h")]
    return [*speeds, *more, *((label, "s") for label in _FIXED.values())]


def _by_profile(region: Region) -> list[list[Value]]:
    return [
        [
            *(profile.speed_kph[name] for name in next(iter(region.profiles.values())).speed_kph),
            profile.limit_share,
            profile.access_kph,
            *(getattr(profile.fixed_s, name) for name in _FIXED),
        ]
        for profile in region.profiles.values()
    ]


def _assumption(value: Value, marks: dict[str, str]) -> Row:
    mark = marks.setdefault(value.source, _mark(len(marks)))
    ends = f"{value.low:g} to {value.high:g}" if value.high > value.low else "fixed"
    return {
        "value": f"{value.value:g}",
        "range": ends,
        "mark": mark,
        "placeholder": value.placeholder,
    }


def _mark(place: int) -> str:
    """Return a, b, ... z, aa, ab, ...

    Examples
    --------
    >>> _mark(1), _mark(27)
    ('b', 'ab')
    """
    first, last = divmod(place, len(_MARKS))
    return (_MARKS[first - 1] if first else "") + _MARKS[last]


def data_rows(region: Region, layers: Layers, network: Mapping[str, Any]) -> list[Row]:
    """Return one row a layer, the roads last."""
    rows = [_layer(region, name, frame) for name, frame in layers.items()]
    file, date = network.get("file") or "without a name", network.get("date") or "no date"
    roads = {
        "layer": "roads",
        "doc": "one stretch of road",
        "rows": NOTHING,
        "source": f"file {file}",
        "vintage": day(date),
        "licence": "see the end of this report",
        "confidence": "",
    }
    return [*rows, roads]


def _layer(region: Region, name: str, frame: gpd.GeoDataFrame) -> Row:
    file = region.layers.get(name)
    return {
        "layer": name,
        "vintage": (file.vintage if file else None) or "not stated",
        "doc": LAYERS[name].doc if name in LAYERS else "",
        "rows": number(len(frame)),
        "source": _together(frame, "source"),
        "licence": _together(frame, "licence"),
        "confidence": _confidence(frame),
    }


def _together(frame: gpd.GeoDataFrame, column: str) -> str:
    """Return what a column says, or how many different things it says."""
    if column not in frame:
        return ""
    texts = list(dict.fromkeys(str(text) for text in frame[column].dropna().unique()))
    if len(texts) <= 2:
        return "; ".join(texts)
    return f"{len(texts)} different ones, named row by row in layers.gpkg"


def _confidence(frame: gpd.GeoDataFrame) -> str:
    if "confidence" not in frame:
        return ""
    counts = frame["confidence"].astype(str).value_counts()
    return ", ".join(f"{number(counts[name])} {name}" for name in _CONFIDENCE if name in counts)


# --- how sure the data are -----------------------------------------------------------------------


def sureness(layers: Layers) -> Row | None:
    """Return how sure the positions were before and after the comparison, and what stays weak.

    None where the region has no layer ``positions``.
    """
    if "positions" not in layers:
        return None
    places = layers["positions"]
    sure, found = (places[c].astype(str) for c in ("confidence", "compared"))
    before, after = places["was_conf"].astype(str).value_counts(), sure.value_counts()
    weak = {
        "Moved": places[found == "moved"],
        "Unconfirmed, of low confidence": places[(found == "unconfirmed") & (sure == "low")],
        "Not located": places[found == NOT_LOCATED],
    }
    return {
        "places": number(len(places)),
        "confidence": [
            [word, number(before.get(word, 0)), number(after.get(word, 0))] for word in _CONFIDENCE
        ],
        "compared": [
            [_COMPARED.get(str(word), words(word)), number(count)]
            for word, count in found.value_counts().items()
        ],
        "weak": {title: _weak(rows) for title, rows in weak.items() if len(rows)},
    }


def _weak(rows: gpd.GeoDataFrame) -> list[str]:
    """Return names, with how far each place was moved."""
    off = rows["off_m"] if "off_m" in rows else pd.Series(dtype=float, index=rows.index)
    return [
        str(name) if pd.isna(far) else f"{name} ({number(far)} m)"
        for name, far in zip(rows["name"], off.reindex(rows.index), strict=True)
    ]


def outline_rows(layers: Layers) -> list[list[str]]:
    """Return one row an outline: both names, what it is, area found and published, their ratio."""
    if "outlines" not in layers:
        return []
    return [
        [
            str(row["name"]),
            _text(row.get("name_ko")),
            _OUTLINES.get(str(row["outline"]), words(row["outline"])),
            number(row["area_km2"], 2),
            number(row.get("published"), 2),
            NOTHING if row["outline"] == "disc" else number(row.get("area_ratio"), 2),
        ]
        for row in layers["outlines"].sort_values("area_km2", ascending=False).to_dict("records")
    ]


def date_rows(road_dates: pd.DataFrame | None) -> list[Row]:
    """Return kilometres by route and evidence; routes without any date in one row, all at the end.

    Parameters
    ----------
    road_dates
        As `technobelt.network.dates.kilometres_by_evidence` returns it.
    """
    if road_dates is None or road_dates.empty:
        return []
    known = (road_dates["dated_km"] + road_dates["assumed_km"]) > 0
    rows = [_dated(row["route"], row) for row in road_dates[known].to_dict("records")]
    without = road_dates[~known]
    if len(without):
        routes = "other routes" if rows else "routes"
        one, several = without["route"].iloc[0], f"{len(without)} {routes}, without any date"
        rows.append(
            _dated(one if len(without) == 1 else several, without[list(_EVIDENCE)].sum().to_dict())
        )
    return [*rows, _dated("All", road_dates[list(_EVIDENCE)].sum().to_dict())]


def _dated(route: str, row: Mapping[Any, Any]) -> Row:
    ends = [str(row[end]) for end in ("first", "last") if pd.notna(row.get(end))]
    days = list(dict.fromkeys(day(end) for end in ends))
    return {
        "route": str(route),
        "cells": [number(row[column], 1) if row[column] else NOTHING for column in _EVIDENCE],
        "opened": " to ".join(days),
    }
