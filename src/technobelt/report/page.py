"""The page: what it says comes from here, how it says it stands in ``maps/style/report.html``."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from technobelt.claim_kinds import TravelTimeClaim
from technobelt.figures import (
    belt_map,
    break_even_bars,
    convergence_curve,
    ground_of,
    has_two_dates,
    isochrone_maps,
    network_maps,
    reading_ranges,
    threshold_curve,
    trip_matrix,
    zone_maps,
)
from technobelt.fonts import with_hangul
from technobelt.region import built_in_folder
from technobelt.report.comparison import comparison
from technobelt.report.draws import draw_rows
from technobelt.report.readings import reading_words
from technobelt.report.tables import (
    assumptions,
    data_rows,
    date_rows,
    facility_names,
    isochrone_rows,
    korean_names,
    outline_rows,
    place_rows,
    sureness,
    travel_claim,
    verdict,
)
from technobelt.report.wording import NBSP, WORDS, answer, cluster_name, day, tally, words
from technobelt.report.zones import zone_section
from technobelt.style import load_style, style_folder
from technobelt.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import pandas as pd
    from jinja2 import Template

    from technobelt.figures import Ground
    from technobelt.network import Network
    from technobelt.region import Region
    from technobelt.zones import Delineation, Robustness

    Layers = Mapping[str, gpd.GeoDataFrame]

__all__ = ["write_report"]

#: Digits of a hash that tell two files apart to the eye; the manifest has all of them.
_HASH_DIGITS = 16
#: The limit drawn on the isochrones where no claim names one, minutes.
_USUAL_LIMIT_MIN = 90.0


def write_report(  # noqa: PLR0913  (everything that a run has found)
    path: str | Path,
    region: Region,
    *,
    verdicts: Mapping[str, Any],
    layers: Layers,
    roads: gpd.GeoDataFrame | None,
    isochrones: gpd.GeoDataFrame,
    drawn: Delineation,
    firm: Robustness | None = None,
    pairs: pd.DataFrame,
    thresholds: pd.DataFrame | None = None,
    audit: pd.DataFrame | None = None,
    manifest: Mapping[str, Any],
    network: Network | None = None,
    road_dates: pd.DataFrame | None = None,
) -> Path:
    """Write the report of a run as one HTML file that needs nothing else.

    Parameters
    ----------
    path
        Where to; replaced whole or not at all.
    region
        Its claims, profiles, rules and limits are told.
    verdicts
        What ``claims.json`` holds.
    layers
        The region's layers; ``clusters`` must be among them. ``positions`` and ``outlines`` are
        told of where they are.
    roads
        Roads for the maps, with the column ``class``; None draws none.
    isochrones
        Of the hubs, as in a `technobelt.Plan`. Columns that are not there are left out.
    drawn
        From `technobelt.delineate_zones`.
    firm
        From `technobelt.zones.robustness`; without it the report says how to get it.
    pairs
        As `technobelt.Verdicts.pairs`.
    thresholds
        As `technobelt.Verdicts.thresholds` returns it, with the claim's own limit among the limits,
        for a figure.
    audit
        From the audit of the isochrones, where they do not have its columns themselves.
    manifest
        Versions, inputs and parameters of the run.
    network
        For a figure of the roads at two dates, which needs dates of opening.
    road_dates
        From `technobelt.network.dates.kilometres_by_evidence`, for a table.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        The file cannot be written.

    Examples
    --------
    >>> import technobelt as tb
    >>> done = tb.plan(minutes=(15,))  # doctest: +SKIP
    >>> done.write("maps")["report"]  # doctest: +SKIP
    PosixPath('maps/report.html')
    """
    ground = ground_of(region, layers, roads)
    content = {
        "region": region,
        "has_corridor": "corridor" in layers,
        "has_land": "municipalities" in layers,
        "answer": _answer(region, verdicts["claims"]),
        "verdicts": _verdicts(region, verdicts, layers),
        "travel": _travel(verdicts["claims"]),
        "compared": comparison(verdicts),
        "places": place_rows(region, pairs, layers),
        "figures": _figures(region, layers, ground, isochrones, pairs, thresholds, network)
        | {"zones": _zone_figure(region, layers, ground, drawn, firm)},
        "zones": zone_section(region, drawn, firm),
        "isochrones": _isochrones(isochrones, audit, layers),
        "assumptions": assumptions(region),
        "data": data_rows(region, layers, verdicts["network"]),
        "sureness": sureness(layers),
        "outlines": outline_rows(layers),
        "dates": date_rows(road_dates),
        "run": _run(region, verdicts, manifest),
    }
    page = with_hangul(_template().render(content))
    with replace_file(path) as scratch:
        scratch.write_text(page, encoding="utf-8")
    return Path(path)


@cache
def _template() -> Template:
    """Return the page's template, which escapes all text that comes into it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(style_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"style": load_style(), "css": _css(), "nbsp": NBSP}
    environment.filters |= {"words": words}
    return environment.get_template("report.html")


def _css() -> Any:
    from markupsafe import Markup

    return Markup((style_folder() / "report.css").read_text(encoding="utf-8"))  # noqa: S704  (ours)


def _verdicts(region: Region, verdicts: Mapping[str, Any], layers: Layers) -> dict[str, Any]:
    names = facility_names(layers)
    tested = [claim for claim in verdicts["claims"] if claim["kind"] != "undecidable"]
    roads_of, as_of = verdicts["network"].get("date") or "", verdicts["as_of"]
    return {
        "claims": [verdict(region, claim, names) for claim in tested],
        "undecidable": [claim for claim in verdicts["claims"] if claim["kind"] == "undecidable"],
        "tally": tally(verdicts["claims"]),
        "roads_of": day(roads_of) or "unknown date",
        "as_of": day(as_of) if as_of and as_of != roads_of else "",
    }


def _answer(region: Region, claims: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """Return what the first page says: of the first claim on travel times, else of the first."""
    tested = [claim for claim in claims if claim["kind"] != "undecidable"]
    timed = [claim for claim in tested if claim["kind"] == "travel_time"]
    if not tested:
        return None
    claim = (timed or tested)[0]
    word = WORDS[claim["verdict"]]
    told = {"id": claim["id"], "statement": claim["statement"], "source": claim["source"]}
    return told | {"verdict": claim["verdict"], "word": word, "sentence": answer(region, claim)}


def _travel(claims: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the travel-time claims, each with its draws and their figure where there are any."""
    from markupsafe import Markup

    timed = [claim for claim in claims if claim["kind"] == "travel_time"]
    told = []
    for number, claim in enumerate(timed, start=1):
        rows = (claim.get("draws") or {}).get("convergence")
        name = f"convergence-{number}"
        figure = Markup(convergence_curve(rows, name=name)) if rows else None  # noqa: S704  (ours)
        drawn = {"draws": draw_rows(claim), "convergence": figure, "figure": name}
        told.append(travel_claim(claim) | drawn | _firmness(claim, number))
    return told


def _firmness(claim: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the figures of a travel-time claim's readings, where there is something to draw."""
    from markupsafe import Markup

    readings = claim.get("readings") or []
    names = {r["reading"]: reading_words(r["reading"], r["rule"])[0] for r in readings}
    profiles = {r["profile"]: f"{words(r['profile']).capitalize()} speeds" for r in readings}
    own = [r for r in readings if r["profile"] == claim["profile"]]
    figures: dict[str, Any] = {"ranges": None, "break_even": None, "number": number}
    if any(r.get("observed_min") is not None for r in readings):
        limits: dict[str, Any] = {"limit_min": claim["limit_min"], "profiles": profiles}
        svg = reading_ranges(readings, names=names, name=f"ranges-{number}", **limits)
        figures["ranges"] = Markup(svg)  # noqa: S704  (escaped as drawn)
    if any(r.get("break_even_factor") for r in own):
        corridor = claim.get("break_even_corridor")
        svg = break_even_bars(own, names=names, corridor=corridor, name=f"break-even-{number}")
        figures["break_even"] = Markup(svg)  # noqa: S704
    return figures


def _figures(
    region: Region,
    layers: Layers,
    ground: Ground,
    isochrones: gpd.GeoDataFrame,
    pairs: pd.DataFrame,
    thresholds: pd.DataFrame | None,
    network: Network | None,
) -> dict[str, Any]:
    """Return the figures that there is something for, as markup."""
    from markupsafe import Markup

    timed = [claim for claim in region.claims if isinstance(claim, TravelTimeClaim)]
    limit = timed[0].limit_min if timed else _USUAL_LIMIT_MIN
    names = {name: cluster.name for name, cluster in region.clusters.items()}
    figures = {"belt": belt_map(region, layers, ground)}
    if len(isochrones):
        figures["isochrones"] = isochrone_maps(region, isochrones, layers, ground, limit_min=limit)
    if len(pairs):
        figures["trips"] = trip_matrix(pairs, limit_min=limit, clusters=names)
    if len(pairs) and thresholds is not None:
        figures["thresholds"] = threshold_curve(thresholds, limit_min=limit)
    if network is not None and has_two_dates(network):
        figures["networks"] = network_maps(region, network, ground)
    return {name: Markup(svg) for name, svg in figures.items()}  # noqa: S704  (escaped as drawn)


def _zone_figure(
    region: Region, layers: Layers, ground: Ground, drawn: Delineation, firm: Robustness | None
) -> Any:
    from markupsafe import Markup

    svg = zone_maps(region, drawn, layers, ground, firm=firm)
    return Markup(svg)  # noqa: S704  (escaped as drawn)


def _isochrones(
    isochrones: gpd.GeoDataFrame, audit: pd.DataFrame | None, layers: Layers
) -> dict[str, Any]:
    heads, groups = isochrone_rows(isochrones, audit, korean_names(layers))
    cut = bool((isochrones["truncated"] > 0).any())
    profile = isochrones["profile"].iloc[0] if "profile" in isochrones and len(isochrones) else ""
    return {"heads": heads, "groups": groups, "cut": cut, "profile": words(profile)}


def _run(
    region: Region, verdicts: Mapping[str, Any], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    versions = {"technobelt": manifest.get("technobelt"), "Python": manifest.get("python")}
    hashes = {**(manifest.get("inputs") or {})}
    network = verdicts["network"]
    if network.get("hash") and network["hash"] not in hashes.values():
        hashes[network["file"]] = network["hash"]
    return {
        "command": _command(region, verdicts, manifest),
        "again": _again(region, verdicts),
        "versions": {name: text for name, text in versions.items() if text},
        "packages": manifest.get("packages") or {},
        "parameters": _parameters(manifest),
        "hashes": {name: digest[:_HASH_DIGITS] for name, digest in hashes.items()},
        "hubs": ", ".join(
            f"{cluster.hub} for {cluster_name(region, name)}"
            for name, cluster in region.clusters.items()
        ),
    }


def _parameters(manifest: Mapping[str, Any]) -> dict[str, str]:
    given = {**(manifest.get("parameters") or {})}
    chosen = {**(manifest.get("chosen") or {})}
    given |= {name: value for name, value in chosen.items() if given.get(name) is None}
    told = {name: value for name, value in given.items() if value is not None}
    if isinstance(told.get("scenario"), dict):  # its edits stand in the manifest
        told["scenario"] = (told["scenario"].get("scenario") or {}).get("id", "a file")
    return {words(name): _plain(value) for name, value in told.items()}


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_plain(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _where(region: Region, verdicts: Mapping[str, Any]) -> list[str]:
    """Return how a command names the region and the network, where they are not built in."""
    parts = []
    if region.folder.resolve() != built_in_folder().resolve():
        parts.append(shlex.quote(region.folder.name))
    if verdicts["network"].get("file") not in {None, "", region.roads.file}:
        parts.append(f"--network {shlex.quote(str(verdicts['network']['file']))}")
    return parts


def _again(region: Region, verdicts: Mapping[str, Any]) -> str:
    """Return the command that repeats the run from its manifest."""
    parts = ["technobelt plan", *_where(region, verdicts)]
    return " ".join([*parts, "--from-manifest manifest.json", "--out FOLDER"])


def _command(region: Region, verdicts: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """Return the command that makes this report again."""
    given = manifest.get("parameters") or {}
    parts = ["technobelt plan", *_where(region, verdicts)]
    options = {
        "profile": "--profile",
        "as_of": "--as-of",
        "members_as_of": "--members-as-of",
        "draws": "--draws",
        "pack": "--pack",
        "minutes": "--minutes",
    }
    if given.get("scenario"):
        parts.append("--scenario FILE")
    for name, option in options.items():
        if given.get(name):
            parts.append(f"{option} {_plain(given[name]).replace(', ', ',')}")
    if given.get("draws") and given.get("seed") is not None:
        parts.append(f"--seed {given['seed']}")
    return " ".join([*parts, "--out FOLDER"])
