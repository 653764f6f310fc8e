"""The command that draws innovation zones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from technobelt.cli.inputs import (
    add_licence,
    need_suffix,
    places_of,
    region_and_roads,
    scenario_of,
)
from technobelt.cli.options import (
    ACCESS,
    AS_OF_MANY,
    JSON,
    NETWORK,
    PACK,
    PROFILE,
    REGION,
    SCENARIOS,
    SEED,
)
from technobelt.console import (
    print_cell,
    print_designated,
    print_json,
    print_robustness,
    print_table,
    print_zone_changes,
    print_zones,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from technobelt.network import Network
    from technobelt.region import Region
    from technobelt.scenario import Scenario
    from technobelt.zones import Delineation, Robustness, ZoneChanges

__all__ = ["zones"]


@click.command()
@REGION
@NETWORK
@PROFILE
@AS_OF_MANY
@SCENARIOS
@PACK
@click.option(
    "--list-packs", is_flag=True, help="List the rule packs with their sources, and stop."
)
@click.option(
    "--at", metavar="PLACE", help="Tell the score of a place (LON,LAT, an id or a name), and stop."
)
@click.option(
    "--snap",
    type=click.Choice(["municipalities", "submunicipalities"]),
    help="Make zones of whole units of this layer, each with land that may be taken on snap_share "
    "of it at least ([zones] in region.toml; half by default).",
)
@click.option("--cell-m", type=click.FloatRange(min=0, min_open=True), help="Side of the cells, m.")
@click.option(
    "--draws",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Draw zones again so often under random weights and speeds: how firm they are.",
)
@SEED
@ACCESS
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("zones.shp"),
    show_default=True,
    help="File; its suffix is its format. A .gpkg also holds what --draws found.",
)
@click.option(
    "--encoding",
    type=click.Choice(["UTF-8", "CP949"]),
    default="UTF-8",
    show_default=True,
    help="Of the texts in a .shp; CP949 for older Korean programs.",
)
@click.option(
    "--suitability",
    type=click.Path(path_type=Path),
    help="Write the score of every cell, factor by factor, as a GeoTIFF.",
)
@click.option(
    "--robustness",
    type=click.Path(path_type=Path),
    help="Write the share of --draws in which each cell is in a zone as a GeoTIFF.",
)
@click.option(
    "--changes",
    type=click.Path(path_type=Path),
    help="Write what zones gain and lose against the first run (.gpkg, .geojson, .shp, ...).",
)
@click.option(
    "--picture", type=click.Path(path_type=Path), help="Draw a map of the zones (.png, .svg)."
)
@JSON
def zones(
    region: Path | None,
    network: Path | None,
    profile: str | None,
    dates: tuple[str, ...],
    scenarios: tuple[Path, ...],
    pack: str | None,
    at: str | None,
    snap: str | None,
    cell_m: float | None,
    draws: int,
    seed: int,
    max_access_m: float,
    out: Path,
    encoding: Any,
    suitability: Path | None,
    robustness: Path | None,
    changes: Path | None,
    picture: Path | None,
    *,
    list_packs: bool,
    as_json: bool,
) -> None:
    """Draw the innovation zones by a rule pack.

    With --as-of twice, or a --scenario, zones are those of the last one, and it is told what they
    gain and lose against the first: the same rules and ties, other roads.
    """
    if list_packs:
        _list_packs(region)
        return
    if robustness is not None and not draws:
        raise click.UsageError("--robustness needs --draws: 100 take about half a minute.")
    several = len(dates) > 1 or bool(scenarios)
    if changes is not None and not several:
        raise click.UsageError("--changes compares runs: give --as-of twice, or a --scenario.")
    rules: dict[str, Any] = {"pack": pack, "profile": profile, "snap": snap, "cell_m": cell_m}
    rules["max_access_m"] = max_access_m
    from technobelt.zones import compare_designated, need_zones

    _check_files(out, changes, picture, suitability, robustness)
    with status() as say:
        where, roads = region_and_roads(region, network, say)
        edits = [scenario_of(path) for path in scenarios]
        if at is not None:  # refused before zones are drawn
            places_of(where.with_scenario(edits[-1]) if edits else where, [at])
        found = _drawn(where, roads, dates, edits, rules, say)
        drawn = list(found.drawn.values())[-1]
    if at is not None:
        _tell_cell(drawn, at, as_json=as_json)
        return
    if not any(len(run.zones) for run in found.drawn.values()):
        need_zones(drawn)
    real = compare_designated(drawn)
    with status() as say:
        firm = _firm(drawn, draws, seed, say) if draws and len(drawn.zones) else None
        say("files")
        written = _write(drawn, firm, out, encoding)
        written += _write_more(drawn, firm, suitability, robustness, picture)
        written += _write_changes(found, changes)
    _tell(found, drawn, firm, real, written, as_json=as_json)


def _check_files(
    out: Path,
    changes: Path | None,
    picture: Path | None,
    suitability: Path | None,
    robustness: Path | None,
) -> None:
    from technobelt.export import LAYER_SUFFIXES

    need_suffix(out, LAYER_SUFFIXES, "a layer of zones")
    need_suffix(changes, LAYER_SUFFIXES, "a layer of changes")
    need_suffix(picture, [".png", ".svg"], "a picture of zones")
    for raster in (suitability, robustness):
        need_suffix(raster, [".tif", ".tiff"], "a raster")


def _drawn(
    where: Region,
    roads: Network,
    dates: tuple[str, ...],
    edits: list[Scenario],
    rules: dict[str, Any],
    say: Callable[[str], None],
) -> ZoneChanges:
    """Draw the zones of every run; the last is the one that is asked for."""
    from technobelt.zones import compare_zones

    return compare_zones(where, roads, dates=dates, scenarios=edits, progress=say, **rules)


def _list_packs(region: Path | None) -> None:
    import pandas as pd

    from technobelt.region import load_region
    from technobelt.zones import packs_of

    where = load_region(region)
    packs = packs_of(where)
    rows = [{"pack": name, "title": pack.title} for name, pack in packs.items()]
    print_table(pd.DataFrame(rows))
    for name, pack in packs.items():
        click.echo(f"\n{name}: {pack.source}.")
        if pack.note:
            click.echo(pack.note)
        rules = json.loads(pack.model_dump_json(exclude_defaults=True))
        said = {"title", "source", "note", "assumed"}
        told = [f"{key} = {json.dumps(value)}" for key, value in rules.items() if key not in said]
        click.echo(f"Rules: {', '.join(told)}." if told else "Rules: none.")
        if pack.assumed:
            click.echo(f"Assumed, not in the source: {', '.join(pack.assumed)}.")


def _tell_cell(drawn: Delineation, at: str, *, as_json: bool) -> None:
    place = places_of(drawn.region, [at]).to_crs(4326).geometry.iloc[0]
    cell = drawn.at(place.x, place.y)
    if as_json:
        print_json(cell)
    else:
        print_cell(cell)


def _firm(drawn: Delineation, draws: int, seed: int, say: Callable[[str], None]) -> Robustness:
    from technobelt.zones import redraw_zones

    return redraw_zones(drawn, draws=draws, seed=seed, progress=say)


def _write(drawn: Delineation, firm: Robustness | None, out: Path, encoding: Any) -> list[Path]:
    from technobelt.export import write_geopackage, write_layer

    if drawn.zones.empty:  # of several runs, this one has none
        return []
    if out.suffix.lower() == ".gpkg" and firm is not None:
        layers = {"zones": drawn.zones, "robustness": firm.areas}
        write_geopackage(layers, out, styled=True)
    else:
        write_layer(drawn.zones, out, layer="zones", encoding=encoding, styled=True)
    add_licence(out, drawn.region)
    return [out]


def _write_more(
    drawn: Delineation,
    firm: Robustness | None,
    suitability: Path | None,
    robustness: Path | None,
    picture: Path | None,
) -> list[Path]:
    from technobelt.export import write_raster_qml

    written = []
    if suitability is not None:
        written.append(drawn.suitability.write(suitability))
        write_raster_qml(suitability, "suitability")
    if robustness is not None and firm is not None:
        written.append(firm.write(robustness))
        write_raster_qml(robustness, "stays")
    if picture is not None:
        from technobelt.figures import zones_picture

        written.append(zones_picture(picture, drawn.region, drawn, firm=firm))
    for path in written:
        add_licence(path, drawn.region)
    return written


def _write_changes(found: ZoneChanges, changes: Path | None) -> list[Path]:
    from technobelt.export import write_layer

    if changes is None:
        return []
    if found.changes.empty:
        click.echo(f"Nothing is gained or lost, or kept: {changes} is not written.", err=True)
        return []
    write_layer(found.changes, changes, layer="changes")
    add_licence(changes, next(iter(found.drawn.values())).region)
    return [changes]


def _tell(
    found: ZoneChanges,
    drawn: Delineation,
    firm: Robustness | None,
    real: pd.DataFrame,
    written: list[Path],
    *,
    as_json: bool,
) -> None:
    """Print the zones, and what was written."""
    if as_json:
        said = drawn.to_dict()
        said["robustness"] = firm.to_dict() if firm else None
        said["designated"] = real.astype(object).where(real.notna(), None).to_dict("records")
        said["changes"] = found.changes.drop(columns="geometry").to_dict("records")
        print_json(said)
    else:
        print_zones(drawn)
        if firm is not None:
            print_robustness(firm)
        print_designated(real)
        if len(found.drawn) > 1:
            print_zone_changes(found)
        for path in written:
            click.echo(str(path))
