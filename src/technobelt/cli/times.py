"""Commands that compute or draw one thing: isochrone, matrix, route, map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from technobelt.cli.inputs import (
    add_licence,
    need_suffix,
    places_of,
    region_and_roads,
    scenario_of,
    speeds_of,
)
from technobelt.cli.options import (
    ACCESS,
    AS_OF,
    BANDS,
    MINUTES,
    NETWORK,
    PROFILE,
    REGION,
    REGION_OPTION,
    SCENARIO,
)
from technobelt.console import hand_over, print_table, status

__all__ = ["isochrone", "map_", "matrix", "route"]


@click.command()
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
@click.option(
    "--raster",
    type=click.Path(path_type=Path),
    help="Also write each cell's minutes from the nearest PLACE, as a GeoTIFF (.tif).",
)
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
    from technobelt.export import write_layer, write_raster_qml
    from technobelt.isochrone import audit, isochrones
    from technobelt.surface import travel_time_raster

    need_suffix(raster, [".tif", ".tiff"], "a raster")
    with status() as say:
        where, roads = region_and_roads(region, network, say, as_of, scenario)
        places = places_of(where, origins or where.hubs)
        speeds = speeds_of(where, profile)
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
        write_layer(bands, out, layer="isochrones", styled=True)
        add_licence(out, where)
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
            write_raster_qml(raster, "minutes")
            add_licence(raster, where)
    print_table(bands.drop(columns="geometry"))
    for place in bands.loc[bands["status"] != "ok", "origin_id"].unique():
        click.echo(f"Warning: no road near {place}; it has no isochrone.", err=True)
    click.echo(f"{out}, {raster}" if raster else str(out))


@click.command()
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
        where, roads = region_and_roads(region, network, say, as_of, scenario)
        start = places_of(where, origins or where.hubs)
        finish = places_of(where, destinations or origins or where.hubs)
        say("travel times")
        ask = travel_time.nearest if nearest else travel_time.travel_times
        table = ask(
            roads,
            start,
            finish,
            profile=speeds_of(where, profile),
            max_minutes=max_minutes,
            max_access_m=max_access_m,
            by=by,
        )
    hand_over(table, out)


@click.command()
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
        where, roads = region_and_roads(region, network, say, as_of, scenario)
        ends = places_of(where, [origin]), places_of(where, [destination])
        steps = best(
            roads, *ends, profile=speeds_of(where, profile), max_access_m=max_access_m, by=by
        )
        if out is not None:
            write_layer(steps, out, layer="route")
            add_licence(out, where)
    print_table(steps.drop(columns="geometry"))
    total = steps[["length_km", "time_min"]].sum()
    click.echo(f"{total['length_km']:.1f} km, {total['time_min']:.1f} min")


@click.command("map")
@REGION
@NETWORK
@PROFILE
@AS_OF
@SCENARIO
@BANDS
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
    minutes: tuple[float, ...] | None,
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
            scenario=scenario_of(scenario) if scenario else None,
            minutes=minutes,
            progress=say,
        )
        say("map")
        write_map(done.web_map(), out)
    click.echo(str(out))
