"""Commands about road networks."""

from __future__ import annotations

from pathlib import Path

import click

from technobelt.cli.inputs import roads_of
from technobelt.cli.options import FILE, JSON, NETWORK
from technobelt.console import print_json, print_report, print_table, status

__all__ = ["network"]


@click.group()
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
    loaded = roads_of(file, network)
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

    loaded = roads_of(file, network)
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

    loaded = roads_of(file, network)
    numbered = loaded.roads.astype({"class": str}).reset_index(names="section")
    write_layer(numbered, out, layer="roads", styled=True)
    write_licence(out.parent, [loaded.info.licence], name=f"{out.name}.LICENCE.txt")
    click.echo(f"{out}: {len(loaded.roads)} sections")
