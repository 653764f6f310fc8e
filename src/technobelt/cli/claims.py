"""Commands that judge: plan, check, calibrate."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from technobelt.cli.inputs import add_licence, region_and_roads, scenario_of, speeds_of
from technobelt.cli.options import (
    ACCESS,
    AS_OF,
    AS_OF_MANY,
    BANDS,
    DRAWS,
    JSON,
    MEMBERS_AS_OF,
    NETWORK,
    PACK,
    PROFILE,
    REGION,
    SCENARIO,
    SCENARIOS,
    SEED,
)
from technobelt.console import (
    need_table_suffix,
    print_calibration,
    print_comparison,
    print_cross_check,
    print_json,
    print_verdicts,
    status,
    write_table,
)
from technobelt.counting import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from technobelt.cross_check import Ask, CrossCheck
    from technobelt.network import Network
    from technobelt.region import Region

__all__ = ["calibrate", "check", "plan"]

CLAIM_NOT_MET = 3


@click.command()
@REGION
@NETWORK
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("maps"),
    show_default=True,
    help="Folder for the results.",
)
@PROFILE
@PACK
@AS_OF
@MEMBERS_AS_OF
@SCENARIO
@DRAWS
@SEED
@BANDS
@click.option(
    "--pdf",
    is_flag=True,
    help="Print the report as report.pdf, too: takes Chromium, Chrome or Edge, or WeasyPrint.",
)
@click.option(
    "--from-manifest",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Repeat the plan of a manifest.json and say what differs; other options given count "
    "instead of its own.",
)
@JSON
@click.pass_context
def plan(
    ctx: click.Context,
    region: Path | None,
    network: Path | None,
    out: Path,
    profile: str | None,
    pack: str | None,
    as_of: str | None,
    members_as_of: str | None,
    scenario: Path | None,
    draws: int,
    seed: int,
    minutes: tuple[float, ...] | None,
    from_manifest: Path | None,
    *,
    pdf: bool,
    as_json: bool,
) -> None:
    """Check the claims, draw isochrones and zones, write map, report and GIS files."""
    from technobelt.planning import plan as run
    from technobelt.planning import repeat_plan
    from technobelt.report import pdf_converter

    if pdf:
        pdf_converter()  # not after all the work

    asked: dict[str, Any] = {
        "profile": profile,
        "pack": pack,
        "as_of": as_of,
        "members_as_of": members_as_of,
        "scenario": scenario_of(scenario) if scenario else None,
        "draws": draws,
        "seed": seed,
        "minutes": minutes,
    }
    before = _manifest_of(from_manifest, out)
    with status() as say:
        if before is None:
            done = run(region, network, progress=say, **asked)
        else:
            given = {name: asked[name] for name in asked if _is_given(ctx, name)}
            done = repeat_plan(before, region, network, progress=say, **given)
        say("files")
        files = done.write(out, pdf=pdf)
    if as_json:
        print_json(done.verdicts.to_dict())
    else:
        print_verdicts(done.verdicts)
        click.echo("")
    if done.zones.empty:
        told = f"No zone can be drawn by the rule pack '{done.drawn.pack_name}'."
        click.echo(f"{told} There are no files of zones.", err=as_json)
    for one in done.drawn.unmet:
        click.echo(f"Not met: {one}", err=as_json)
    if as_json:
        return
    click.echo(f"{out}: {', '.join(path.name for path in files.values())}")
    if before is not None:
        _tell_changes(before, files["manifest"])


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _manifest_of(path: Path | None, out: Path) -> dict[str, Any] | None:
    """Return the manifest to repeat from; its folder is not overwritten by what it tests."""
    from technobelt.manifest import read_manifest

    if path is None:
        return None
    before = read_manifest(path)
    folder = path if path.is_dir() else path.parent
    if folder.resolve() == out.resolve():
        raise click.UsageError(
            f"--out {out} holds the run that is to be repeated. Give another folder by --out."
        )
    return before


def _tell_changes(before: dict[str, Any], file: Path) -> None:
    from technobelt.manifest import manifest_changes, read_manifest

    after = read_manifest(file)
    changes = manifest_changes(before, after)
    same = [name for name, digest in after["outputs"].items()
            if before.get("outputs", {}).get(name) == digest]  # fmt: skip
    click.echo(
        f"\nRepeated: {len(same)} of {counted(len(after['outputs']), 'file')} came out the same."
    )
    for line in changes:
        click.echo(f"Differs: {line}")


@click.command()
@REGION
@NETWORK
@PROFILE
@AS_OF_MANY
@MEMBERS_AS_OF
@SCENARIOS
@click.option(
    "--without-corridor", is_flag=True, help="Compare with the claims if the corridor is closed."
)
@DRAWS
@SEED
@JSON
@click.option(
    "--pairs",
    type=click.Path(path_type=Path),
    help="Write every trip of the first travel-time claim: .csv, .parquet, .xlsx; where runs are "
    "compared, in each.",
)
@click.option(
    "--routes",
    type=click.Path(path_type=Path),
    help="Write the ways of the worst trips as a layer (.gpkg, .geojson, .shp, ...), of the base "
    "where runs are compared.",
)
@click.option(
    "--against",
    type=click.Choice(["valhalla"]),
    help="Time the trips of the first travel-time claim by this engine as well, on --osm.",
)
@click.option(
    "--osm",
    type=click.Path(path_type=Path),
    help="The OSM file (.osm.pbf) for --against; best the one that the network is made of.",
)
@click.option(
    "--tiles",
    type=click.Path(path_type=Path),
    help="Folder that keeps the engine's tiles; default: one beside other temporary files.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["fails", "undecided"]),
    help="Exit 3 if a claim fails (or is undecided), in any run.",
)
def check(
    region: Path | None,
    network: Path | None,
    profile: str | None,
    dates: tuple[str, ...],
    members_as_of: str | None,
    scenarios: tuple[Path, ...],
    draws: int,
    seed: int,
    pairs: Path | None,
    routes: Path | None,
    against: str | None,
    osm: Path | None,
    tiles: Path | None,
    fail_on: str | None,
    *,
    without_corridor: bool,
    as_json: bool,
) -> None:
    """Check the plan's claims and say how firmly they hold.

    With --scenario, --without-corridor or several dates the claims are compared: everything but
    what a run is named after stays the same, the roads that places are tied to included.
    """
    from technobelt.claims import check_claims
    from technobelt.comparison import compare_claims

    _check_against(against, osm, edited=bool(dates or scenarios))
    if pairs is not None:
        need_table_suffix(pairs)
    comparison = crossed = None
    basis: dict[str, Any] = {
        "profile": profile,
        "members_as_of": members_as_of,
        "draws": draws,
        "seed": seed,
    }
    with status() as say:
        ask = _valhalla(osm, tiles, say) if osm else None
        where, roads = region_and_roads(region, network, say)
        edits = [scenario_of(path) for path in scenarios]
        date = dates[0] if dates else None
        verdicts = check_claims(where, roads, as_of=date, progress=say, **basis)
        if edits or without_corridor or len(dates) > 1:
            runs: dict[str, Any] = {"scenarios": edits, "dates": dates}
            runs["without_corridor"] = without_corridor
            comparison = compare_claims(where, roads, progress=say, **runs, **basis)
            verdicts = replace(verdicts, comparison=comparison.to_dict())
        trips = verdicts.pairs if comparison is None else comparison.pairs
        _write_pairs(where, trips, pairs, verdicts.routes, routes)
        if ask is not None:
            options = {"profile": profile, "members_as_of": members_as_of}
            crossed = _cross_check(where, roads, ask, **options)
    if as_json:
        print_json(verdicts.to_dict() | ({"cross_check": crossed.to_dict()} if crossed else {}))
    else:
        print_verdicts(verdicts)
        if comparison is not None:
            click.echo()
            print_comparison(comparison)
        if crossed is not None:
            print_cross_check(crossed)
    found = {claim["verdict"] for claim in verdicts.claims}
    found |= set(comparison.primary["verdict"]) if comparison else set()
    _exit_on(found, fail_on)


def _exit_on(found: set[str], fail_on: str | None) -> None:
    """Leave with the code of a claim that is not met, if one is as bad as asked for."""
    bad = {"fails": {"fails"}, "undecided": {"fails", "undecided"}}.get(fail_on or "", set())
    if found & bad:
        sys.exit(CLAIM_NOT_MET)


@click.command()
@click.argument("observed", type=click.Path(path_type=Path))
@REGION
@NETWORK
@click.option(
    "--profile", metavar="P", help="Where the fit begins; default: the profile of the zone rules."
)
@AS_OF
@ACCESS
@click.option("--free", is_flag=True, help="Let numbers leave their stated ranges.")
@click.option(
    "--fixed", is_flag=True, help="Fit junctions, ramps and doors as well, not only speeds."
)
@click.option(
    "--name", default="calibrated", show_default=True, help="Name of the profile in --out."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The profile (.toml), to paste in region.toml."
)
@JSON
def calibrate(
    observed: Path,
    region: Path | None,
    network: Path | None,
    profile: str | None,
    as_of: str | None,
    max_access_m: float,
    name: str,
    out: Path | None,
    *,
    free: bool,
    fixed: bool,
    as_json: bool,
) -> None:
    """Fit a speed profile to OBSERVED travel times.

    OBSERVED is a CSV file with columns from, to (an id, a name or "LON,LAT"), time_min (door to
    door), and weight if need be.
    """
    from technobelt.calibration import calibrate as fit
    from technobelt.observations import read_observations
    from technobelt.profile_toml import write_profile

    with status() as say:
        where, roads = region_and_roads(region, network, say)
        roads = roads.as_of(as_of) if as_of else roads
        found = fit(
            roads,
            read_observations(observed, where),
            speeds_of(where, profile),
            free=free,
            fixed=fixed,
            max_access_m=max_access_m,
            progress=say,
        )
        if out is not None:
            write_profile(found.profile, name, out)
    if as_json:
        print_json(found.to_dict())
        return
    print_calibration(found)
    if out is not None:
        click.echo(f"\n{out}: [profiles.{name}]")


def _write_pairs(
    region: Region, trips: pd.DataFrame, pairs: Path | None, ways: Any, routes: Path | None
) -> None:
    """Write the trips of a claim, and the ways of the worst of them."""
    from technobelt.errors import ClaimError
    from technobelt.export import write_layer

    if (pairs or routes) and trips.empty:
        raise ClaimError(
            f"region '{region.id}' has no travel-time claim whose trips could be written. "
            "Leave out --pairs and --routes, or add a claim."
        )
    if pairs is not None:
        write_table(trips, pairs)
    if routes is not None:
        write_layer(ways.drop(columns="by"), routes, layer="routes")
        add_licence(routes, region)


def _check_against(against: str | None, osm: Path | None, *, edited: bool) -> None:
    if (against is None) != (osm is None):
        raise click.UsageError("--against and --osm go together: the engine, and its roads.")
    if against is not None and edited:
        raise click.UsageError(
            "--against drives on all roads of --osm: leave out --as-of and --scenario."
        )


def _valhalla(osm: Path, tiles: Path | None, say: Callable[[str], None]) -> Ask:
    """Return what asks Valhalla; its tiles are built first, so that a fault shows at once."""
    from technobelt.valhalla import ask_valhalla, build_tiles

    say("valhalla: tiles")
    built = build_tiles(osm, tiles)
    return lambda positions, trips: ask_valhalla(built, positions, trips, progress=say)


def _cross_check(region: Region, network: Network, ask: Ask, **options: str | None) -> CrossCheck:
    """Time the trips of the first travel-time claim by Valhalla as well."""
    from technobelt.cross_check import cross_check
    from technobelt.valhalla import valhalla_name

    return cross_check(region, network, ask, engine=valhalla_name(), **options)
