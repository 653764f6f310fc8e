"""The command line: parse, call the library, write; nothing else.

Only click is imported here, so that ``technobelt --help`` answers at once.
"""

from __future__ import annotations

import logging
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from technobelt import __version__
from technobelt.console import (
    hand_over,
    print_calibration,
    print_comparison,
    print_cross_check,
    print_json,
    print_layers,
    print_report,
    print_table,
    print_verdicts,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    import pandas as pd

    from technobelt.cross_check import Ask, CrossCheck
    from technobelt.network import Network
    from technobelt.region import Region
    from technobelt.scenario import Scenario

__all__ = ["main"]

UNUSABLE, WRONG_USAGE, CLAIM_NOT_MET = 1, 2, 3

REGION = click.argument("region", required=False, type=click.Path(path_type=Path))
REGION_OPTION = click.option(
    "--region", type=click.Path(path_type=Path), help="Folder of a region; default: built-in."
)
NETWORK = click.option(
    "--network",
    type=click.Path(path_type=Path),
    help="Road network (.parquet) instead of the region's own.",
)
FILE = click.argument("file", type=click.Path(path_type=Path), required=False)
PROFILE = click.option(
    "--profile",
    metavar="P",
    help="Speed profile; default: that of the zone rules, or of each claim.",
)
AS_OF = click.option("--as-of", metavar="DATE", help="Use the roads open on this date, e.g. 1999.")
AS_OF_MANY = click.option(
    "--as-of",
    "dates",
    multiple=True,
    metavar="DATE",
    help="Use the roads open on this date, e.g. 1999; given twice, compare the dates.",
)
SCENARIO = click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    help="Edits of roads and facilities (.toml), see README.",
)
SCENARIOS = click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Compare with the claims under these edits (.toml, see README); may be repeated.",
)
MEMBERS_AS_OF = click.option(
    "--members-as-of",
    metavar="DATE",
    help="Judge the trips between places that had opened by this date; roads stay as they are.",
)
DRAWS = click.option(
    "--draws",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Random draws of speeds: how often each reading holds. 1000 take about a minute.",
)
SEED = click.option("--seed", type=click.IntRange(min=0), default=1999, show_default=True)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
ACCESS = click.option(
    "--max-access-m",
    type=click.FloatRange(min=0, min_open=True),
    default=1000.0,
    show_default=True,
    help="Longest way between a place and its road, m.",
)


class _Minutes(click.ParamType[tuple[float, ...]]):
    """Limits such as ``30,60,90``."""

    name = "minutes"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            limits = tuple(float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of minutes such as 30,60,90", param, ctx)
        if not limits or not all(0 < limit < math.inf for limit in limits):
            self.fail("minutes must be above zero", param, ctx)
        return limits


MINUTES = click.option(
    "--minutes", type=_Minutes(), default="30,60,90", show_default=True, help="Limits."
)


class _ListByDefault(click.Group):
    """A group whose ``list`` command is meant when none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, "-h", "--help"}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="technobelt")
@click.option("--debug", is_flag=True, help="Show where an error came from.")
@click.option("-v", "--verbose", is_flag=True, help="Say more on the way.")
@click.pass_context
def technobelt(ctx: click.Context, *, debug: bool, verbose: bool) -> None:
    """Check a regional plan against the road network.

    Travel times, isochrones, checked claims, innovation zones, web maps and GIS files. Without a
    REGION, commands work on the built-in one, the Kyeongnam Technobelt.

    \b
    technobelt plan --out maps/
    technobelt check
    technobelt isochrone UNI02 --minutes 30,60 --out isochrones.gpkg
    technobelt network build ROADS.osm.pbf --out roads.parquet
    """  # noqa: D301  (click's mark for lines to keep)
    ctx.obj = {"debug": debug}
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, stream=sys.stderr, format="%(message)s"
    )


# --- the whole run ---------------------------------------------------------------------------


@technobelt.command()
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
@AS_OF
@MEMBERS_AS_OF
@SCENARIO
@DRAWS
@SEED
@MINUTES
@JSON
def plan(
    region: Path | None,
    network: Path | None,
    out: Path,
    profile: str | None,
    as_of: str | None,
    members_as_of: str | None,
    scenario: Path | None,
    draws: int,
    seed: int,
    minutes: tuple[float, ...],
    *,
    as_json: bool,
) -> None:
    """Check the claims, draw isochrones and zones, write map, report and GIS files."""
    from technobelt.planning import plan as run

    with status() as say:
        done = run(
            region,
            network,
            profile=profile,
            as_of=as_of,
            members_as_of=members_as_of,
            scenario=_scenario(scenario) if scenario else None,
            draws=draws,
            seed=seed,
            minutes=minutes,
            progress=say,
        )
        say("files")
        files = done.write(out)
    if as_json:
        print_json(done.verdicts.to_dict())
        return
    print_verdicts(done.verdicts)
    click.echo(f"\n{out}: {', '.join(path.name for path in files.values())}")


@technobelt.command()
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
    help="Write the ways of the worst trips as a layer: .gpkg, .geojson, .shp, ...",
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
    help="Exit 3 if a claim fails (or is undecided).",
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
    comparison = crossed = None
    with status() as say:
        ask = _valhalla(osm, tiles, say) if osm else None
        where, roads = _region_and_roads(region, network, say)
        edits = [_scenario(path) for path in scenarios]
        verdicts = check_claims(
            where,
            roads,
            profile=profile,
            as_of=dates[0] if dates else None,
            members_as_of=members_as_of,
            draws=draws,
            seed=seed,
            progress=say,
        )
        if edits or without_corridor or len(dates) > 1:
            comparison = compare_claims(
                where,
                roads,
                scenarios=edits,
                dates=dates,
                without_corridor=without_corridor,
                profile=profile,
                members_as_of=members_as_of,
                progress=say,
            )
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
    bad = {"fails": {"fails"}, "undecided": {"fails", "undecided"}}.get(fail_on or "", set())
    if any(claim["verdict"] in bad for claim in verdicts.claims):
        sys.exit(CLAIM_NOT_MET)


# --- one step at a time ------------------------------------------------------------------------


@technobelt.command()
@click.argument("origins", nargs=-1, metavar="[PLACE]...")
@REGION_OPTION
@NETWORK
@MINUTES
@click.option(
    "--mode",
    type=click.Choice(["overlap", "merge", "split", "rings"]),
    default="overlap",
    show_default=True,
    help="How several origins and limits share the land.",
)
@click.option("--toward", is_flag=True, help="Minutes to the places, not from them.")
@PROFILE
@AS_OF
@SCENARIO
@ACCESS
@click.option("--cell-m", type=click.FloatRange(min=5), help="Side of the raster's cells, m.")
@click.option("--raster", type=click.Path(path_type=Path), help="Travel-time raster (.tif).")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("isochrones.gpkg"),
    show_default=True,
    help="File; its suffix is its format.",
)
def isochrone(
    origins: tuple[str, ...],
    region: Path | None,
    network: Path | None,
    minutes: tuple[float, ...],
    mode: Any,
    profile: str | None,
    as_of: str | None,
    scenario: Path | None,
    max_access_m: float,
    cell_m: float | None,
    raster: Path | None,
    out: Path,
    *,
    toward: bool,
) -> None:
    """Draw the land within some minutes of each PLACE (default: the hubs).

    A PLACE is a facility's id or name, or LON,LAT.
    """
    from technobelt.export import write_layer
    from technobelt.isochrone import audit, isochrones
    from technobelt.surface import travel_time_raster

    with status() as say:
        where, roads = _region_and_roads(region, network, say, as_of, scenario)
        places = _places(where, origins or where.hubs)
        speeds = _speeds(where, profile)
        say("isochrones")
        bands = isochrones(
            roads,
            places,
            minutes=minutes,
            mode=mode,
            toward=toward,
            profile=speeds,
            max_access_m=max_access_m,
            cell_m=cell_m,
        )
        if mode == "overlap":
            say("audit")
            asked = {"profile": speeds, "toward": toward, "max_access_m": max_access_m}
            wrong = audit(roads, places, bands, **asked).drop(columns="positions")
            bands = bands.merge(wrong, on=["origin_id", "minutes"], how="left")
        write_layer(bands, out, layer="isochrones")
        _add_licence(out, where)
        if raster is not None:
            say("raster")
            travel_time_raster(
                roads,
                places,
                raster,
                profile=speeds,
                toward=toward,
                max_minutes=max(minutes),
                max_access_m=max_access_m,
                cell_m=cell_m,
            )
    print_table(bands.drop(columns="geometry"))
    for place in bands.loc[bands["status"] != "ok", "origin_id"].unique():
        click.echo(f"Warning: no road near {place}; it has no isochrone.", err=True)
    click.echo(f"{out}, {raster}" if raster else str(out))


@technobelt.command()
@click.option("--from", "origins", multiple=True, metavar="PLACE|LAYER", help="Origins.")
@click.option("--to", "destinations", multiple=True, metavar="PLACE|LAYER", help="Destinations.")
@REGION_OPTION
@NETWORK
@PROFILE
@AS_OF
@SCENARIO
@ACCESS
@click.option("--max-minutes", type=click.FloatRange(min=0, min_open=True), help="Longest trip.")
@click.option(
    "--nearest", is_flag=True, help="Only the destination that each origin reaches first."
)
@click.option("--by", type=click.Choice(["time", "length"]), default="time", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="File: .csv or .parquet.")
def matrix(
    origins: tuple[str, ...],
    destinations: tuple[str, ...],
    region: Path | None,
    network: Path | None,
    profile: str | None,
    as_of: str | None,
    scenario: Path | None,
    max_access_m: float,
    max_minutes: float | None,
    by: Any,
    out: Path | None,
    *,
    nearest: bool,
) -> None:
    """Travel times between places: ids, names, LON,LAT or whole layers (default: the hubs)."""
    from technobelt import travel_time

    with status() as say:
        where, roads = _region_and_roads(region, network, say, as_of, scenario)
        start = _places(where, origins or where.hubs)
        finish = _places(where, destinations or origins or where.hubs)
        say("travel times")
        ask = travel_time.nearest if nearest else travel_time.travel_times
        table = ask(
            roads,
            start,
            finish,
            profile=_speeds(where, profile),
            max_minutes=max_minutes,
            max_access_m=max_access_m,
            by=by,
        )
    hand_over(table, out)


@technobelt.command()
@click.argument("origin")
@click.argument("destination")
@REGION_OPTION
@NETWORK
@PROFILE
@AS_OF
@SCENARIO
@ACCESS
@click.option("--by", type=click.Choice(["time", "length"]), default="time", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="File with the route's shape.")
def route(
    origin: str,
    destination: str,
    region: Path | None,
    network: Path | None,
    profile: str | None,
    as_of: str | None,
    scenario: Path | None,
    max_access_m: float,
    by: Any,
    out: Path | None,
) -> None:
    """Show the best way from ORIGIN to DESTINATION, road by road."""
    from technobelt.export import write_layer
    from technobelt.routes import route as best

    with status() as say:
        where, roads = _region_and_roads(region, network, say, as_of, scenario)
        ends = _places(where, [origin]), _places(where, [destination])
        steps = best(
            roads, *ends, profile=_speeds(where, profile), max_access_m=max_access_m, by=by
        )
        if out is not None:
            write_layer(steps, out, layer="route")
            _add_licence(out, where)
    print_table(steps.drop(columns="geometry"))
    total = steps[["length_km", "time_min"]].sum()
    click.echo(f"{total['length_km']:.1f} km, {total['time_min']:.1f} min")


@technobelt.command()
@REGION
@NETWORK
@PROFILE
@AS_OF
@SCENARIO
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("zones.shp"),
    show_default=True,
    help="File; its suffix is its format.",
)
@click.option("--encoding", type=click.Choice(["UTF-8", "CP949"]), default="UTF-8")
def zones(
    region: Path | None,
    network: Path | None,
    profile: str | None,
    as_of: str | None,
    scenario: Path | None,
    out: Path,
    encoding: Any,
) -> None:
    """Draw the innovation zones by the region's rules."""
    from technobelt.export import write_layer
    from technobelt.zones import draw_zones

    with status() as say:
        where, roads = _region_and_roads(region, network, say, as_of, scenario)
        drawn = draw_zones(where, roads, profile=profile, progress=say)
        write_layer(drawn, out, layer="zones", encoding=encoding)
        _add_licence(out, where)
    print_table(
        drawn[["zone_id", "name", "area_km2", "complexes", "universit", "centres", "hub_min"]]
    )
    click.echo(str(out))


@technobelt.command("map")
@REGION
@NETWORK
@PROFILE
@AS_OF
@SCENARIO
@MINUTES
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("map.html"),
    show_default=True,
    help="The web map.",
)
def map_(
    region: Path | None,
    network: Path | None,
    profile: str | None,
    as_of: str | None,
    scenario: Path | None,
    minutes: tuple[float, ...],
    out: Path,
) -> None:
    """Make the web map alone; it opens from disk without internet."""
    from technobelt.planning import plan as run
    from technobelt.webmap import write_map

    with status() as say:
        done = run(
            region,
            network,
            profile=profile,
            as_of=as_of,
            scenario=_scenario(scenario) if scenario else None,
            minutes=minutes,
            progress=say,
        )
        say("map")
        write_map(done.web_map(), out)
    click.echo(str(out))


@technobelt.command()
@click.argument("observed", type=click.Path(path_type=Path))
@REGION
@NETWORK
@PROFILE
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
        where, roads = _region_and_roads(region, network, say)
        roads = roads.as_of(as_of) if as_of else roads
        found = fit(
            roads,
            read_observations(observed, where),
            _speeds(where, profile),
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


@technobelt.command()
@click.argument("layer")
@REGION_OPTION
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File; see below.")
@click.option("--encoding", type=click.Choice(["UTF-8", "CP949"]), default="UTF-8")
@click.option("--crs", help="CRS to write in, e.g. EPSG:5186; default: the layer's own.")
def export(layer: str, region: Path | None, out: Path, encoding: Any, crs: str | None) -> None:
    """Write a LAYER of the region for GIS desktops.

    The suffix of --out is the format: .shp .gpkg .geojson .fgb .parquet .kml .csv
    """
    from technobelt.export import write_layer
    from technobelt.layers import read_layer
    from technobelt.region import load_region

    where = load_region(region)
    frame = read_layer(where, layer)
    write_layer(frame, out, layer=layer, encoding=encoding, crs=crs)
    _add_licence(out, where)
    click.echo(f"{out}: {len(frame)} rows")


# --- layers --------------------------------------------------------------------------------------


@technobelt.group(cls=_ListByDefault)
def layers() -> None:
    """List a region's layers (technobelt layers [REGION]), or remake the built-in ones."""


@layers.command("list")
@REGION
@JSON
def list_(region: Path | None, *, as_json: bool) -> None:
    """List the layers: rows, geometry, CRS, extent, vintage, confidence, licence, problems."""
    from technobelt.layers import list_layers
    from technobelt.region import load_region

    table = list_layers(load_region(region))
    if as_json:
        bounds = table[["west", "south", "east", "north"]].astype(object)
        table[bounds.columns] = bounds.where(bounds.notna(), None)
        print_json(table.to_dict(orient="records"))
    else:
        print_layers(table)


@layers.command()
@REGION
def places(region: Path | None) -> None:
    """List the places by id and name; all but those that are not located may be named."""
    import pandas as pd

    from technobelt.layers import FACILITIES, read_layer
    from technobelt.region import load_region

    where = load_region(region)
    known = pd.concat([read_layer(where, name) for name in FACILITIES])
    columns = [
        c for c in ("name", "name_ko", "name_1999", "kind", "cluster", "confidence") if c in known
    ]
    print_table(known[columns].reset_index(names="id"))


@layers.command()
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    required=True,
    envvar="TECHNOBELT_SHARED",
    help="Folder of the source material.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("layers"),
    show_default=True,
    help="Where the layers go.",
)
@click.option("--only", multiple=True, metavar="LAYER", help="Only these layers.")
def build(source: Path, out: Path, only: tuple[str, ...]) -> None:
    """Remake the built-in region's layers from the source material."""
    from technobelt.kyeongnam import build_layers

    with status() as say:
        files = build_layers(source, out, only=only or None, report=say)
    click.echo("\n".join(str(path) for path in files.values()))


@layers.command()
@click.argument("names", nargs=-1, metavar="[LAYER]...")
@REGION_OPTION
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("maps/layers"),
    show_default=True,
    help="Folder for the pictures.",
)
def draw(names: tuple[str, ...], region: Path | None, out: Path) -> None:
    """Draw a picture (.png) of each LAYER (default: all), and of the roads at two dates."""
    from technobelt.figures import draw_layers
    from technobelt.region import load_region

    with status() as say:
        files = draw_layers(load_region(region), out, only=names or None, progress=say)
    click.echo("\n".join(str(path) for path in files.values()))


# --- networks --------------------------------------------------------------------------------


@technobelt.group()
def network() -> None:
    """Build, inspect and export road networks."""


@network.command("build")
@click.argument("roads", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .parquet file.")
@click.option("--crs", help="Metric CRS; default: the UTM zone of its middle.")
@click.option("--date", help="Date of the roads, where the file does not say.")
@click.option(
    "--dates-of",
    metavar="REGION",
    help="Take dates of opening from the roads of a region ('built-in', or its folder), for "
    "--as-of.",
)
@click.option("--no-service", is_flag=True, help="Leave service roads out.")
def build_(
    roads: Path,
    out: Path,
    crs: str | None,
    date: str | None,
    dates_of: str | None,
    *,
    no_service: bool,
) -> None:
    """Build a network from an OSM file (.osm.pbf, .osm, .osm.gz)."""
    from technobelt.network import build_network, load_network, save_network, with_dates_of
    from technobelt.region import load_region
    from technobelt.schema import ROAD_CLASSES

    classes = [name for name in ROAD_CLASSES if not (no_service and name == "service")]
    with status() as say:
        made = build_network(
            roads,
            classes=classes,
            crs=crs,
            date=date,
            progress=lambda ways: say(f"{ways:,} ways"),
        )
        if dates_of:
            say("dates")
            region = load_region(None if dates_of == "built-in" else dates_of)
            made = with_dates_of(made, load_network(region))
        say("saving")
        save_network(made, out)
    print_report(made)
    click.echo(str(out))


@network.command()
@FILE
@NETWORK
@JSON
def info(file: Path | None, network: Path | None, *, as_json: bool) -> None:
    """Say what a network holds, and what building it dropped (default: the built-in one)."""
    loaded = _roads(file, network)
    if as_json:
        print_json(loaded.info.to_dict())
        return
    km = loaded.roads.groupby("class", observed=True)["length_m"].agg(["count", "sum"])
    km["sum"] /= 1000
    print_table(km.rename(columns={"count": "sections", "sum": "km"}).reset_index())
    print_report(loaded)


@network.command()
@FILE
@NETWORK
@JSON
def dates(file: Path | None, network: Path | None, *, as_json: bool) -> None:
    """Say how many kilometres have a date of opening, by route and evidence."""
    from technobelt.network import kilometres_by_evidence

    loaded = _roads(file, network)
    table = kilometres_by_evidence(loaded)
    if as_json:
        days = table[["first", "last"]].astype(object)
        table[["first", "last"]] = days.where(days.notna(), None)
        print_json(table.to_dict(orient="records"))
    else:
        print_table(table)


@network.command("export")
@FILE
@NETWORK
@click.option("--out", type=click.Path(path_type=Path), required=True, help="E.g. roads.gpkg.")
def export_(file: Path | None, network: Path | None, out: Path) -> None:
    """Write the road sections for GIS desktops; the suffix of --out is the format."""
    from technobelt.export import write_layer, write_licence

    loaded = _roads(file, network)
    numbered = loaded.roads.astype({"class": str}).reset_index(names="section")
    write_layer(numbered, out, layer="roads")
    write_licence(out.parent, [loaded.info.licence], name=f"{out.name}.LICENCE.txt")
    click.echo(f"{out}: {len(loaded.roads)} sections")


# --- shared ------------------------------------------------------------------------------------


def _region_and_roads(
    region: Path | None,
    network: Path | None,
    say: Callable[[str], None],
    as_of: str | None = None,
    scenario: Path | None = None,
) -> tuple[Region, Network]:
    """Return the region and its roads, on a date and under a scenario if one is asked for."""
    from technobelt.network import region_network
    from technobelt.region import load_region

    where = load_region(region)
    edits = _scenario(scenario) if scenario else None
    say("roads")
    roads = region_network(where, network)
    roads = roads.as_of(as_of) if as_of else roads
    if edits is None:
        return where, roads
    return where.with_scenario(edits), roads.with_scenario(edits)


def _roads(file: Path | None, network: Path | None) -> Network:
    """Return the network of FILE, or of --network in its place; else the built-in one."""
    from technobelt.network import load_network
    from technobelt.region import load_region

    if file and network:
        raise click.UsageError(
            f"FILE and --network both name a network: {file} and {network}. Give one of them."
        )
    return load_network(file or network or load_region())


def _scenario(path: Path) -> Scenario:
    from technobelt.scenario import load_scenario

    return load_scenario(path)


def _write_pairs(
    region: Region, trips: pd.DataFrame, pairs: Path | None, ways: Any, routes: Path | None
) -> None:
    """Write the trips of a claim, and the ways of the worst of them."""
    from technobelt.console import write_table
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
        _add_licence(routes, region)


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


def _add_licence(out: Path, region: Region) -> None:
    """Write the attribution beside a file."""
    from technobelt.export import write_licence

    write_licence(out.parent, region.attribution, name=f"{out.name}.LICENCE.txt")


def _speeds(region: Region, profile: str | None) -> Any:
    from technobelt.errors import RegionError

    name = profile or region.zones.profile
    if name not in region.profiles:
        raise RegionError(f"no speed profile '{name}'; there are {', '.join(region.profiles)}.")
    return region.profiles[name]


def _places(region: Region, texts: Any) -> gpd.GeoDataFrame:
    """Return the places that texts name: ids, names, LON,LAT or whole layers."""
    import pandas as pd

    from technobelt.errors import PointError
    from technobelt.layers import facilities, find_place, located, not_located, read_layer

    known, lost = facilities(region), not_located(region)
    found = []
    for text in texts:
        if text in region.layers:
            found.append(located(read_layer(region, text)).to_crs(4326))
        elif (lost.index.isin([text]) | (lost["name"] == text)).any():
            raise PointError(_unplaced(text))
        else:
            found.append(find_place(known, text))
    joined: gpd.GeoDataFrame = pd.concat(found)
    return joined[~joined.index.duplicated()]


def _unplaced(place: str) -> str:
    return (
        f"'{place}' is not located: no source gives its position. Give LON,LAT, or place it in its "
        "layer."
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a fault of the input is one line and exit code 1."""
    args = sys.argv[1:] if arguments is None else arguments
    try:
        technobelt.main(args=args, prog_name="technobelt", standalone_mode=True)
    except Exception as error:
        if "--debug" in args:
            raise
        sys.exit(_told(error))


def _told(error: Exception) -> int:
    from technobelt.errors import TechnobeltError

    if isinstance(error, TechnobeltError):
        click.echo(f"Error: {' '.join(str(error).split())}", err=True)
    else:
        kind = type(error).__name__
        click.echo(
            f"Error: {kind}: {error}. This is a fault of technobelt; 'technobelt --debug ...' "
            "shows where.",
            err=True,
        )
    return UNUSABLE
