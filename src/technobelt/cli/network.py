"""Commands about road networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from technobelt.cli.inputs import need_suffix, roads_of
from technobelt.cli.options import FILE, JSON, NETWORK, REGION
from technobelt.console import print_json, print_report, print_table, status
from technobelt.counting import counted

__all__ = ["network"]


@click.group()
def network() -> None:
    """Build, inspect and export road networks."""


_OUT = click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The .parquet file."
)
_CRS = click.option("--crs", help="Metric CRS; default: the UTM zone of its middle.")
_BUFFER = click.option(
    "--buffer-km",
    type=click.FloatRange(0, 500),
    default=25.0,
    show_default=True,
    help="Kilometres around the clusters of the region.",
)
_NO_SERVICE = click.option("--no-service", is_flag=True, help="Leave service roads out.")


def _osm_options(command: Any) -> Any:
    """Add the options on how tags of OpenStreetMap are read."""
    seconds: Any = {"type": click.FloatRange(0, 3600), "default": 0.0, "show_default": True}
    options = (
        click.option("--country", default="", help="ISO code; what maxspeed=urban means there."),
        click.option(
            "--ferries", is_flag=True, help="Keep car ferries that say how long they take."
        ),
        click.option("--gate-s", **seconds, help="Seconds at a gate, in every profile."),
        click.option("--toll-s", **seconds, help="Seconds at a toll booth, in every profile."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _line_options(command: Any) -> Any:
    """Add the options on how a layer of lines is read."""
    texts = {"class": "class", "oneway": "direction", "limit": "posted limit", "name": "name"}
    texts["ref"] = "route number"
    options = [
        click.option(f"--{name}-column", metavar="COLUMN", help=f"Lines: column of the {what}.")
        for name, what in texts.items()
    ]
    options += [
        click.option(
            "--layer", metavar="NAME", help="Lines: layer of the file, where it has several."
        ),
        click.option(
            "--class-map",
            metavar="VALUE=CLASS,...",
            default="",
            help="Lines: classes that values mean, e.g. A=motorway,B=primary.",
        ),
        click.option(
            "--default-class",
            default="residential",
            show_default=True,
            help="Lines: class where none is known; reported as assumed.",
        ),
        click.option(
            "--snap-m",
            type=click.FloatRange(0, 100),
            default=1.0,
            show_default=True,
            help="Lines: ends no further apart are joined, m.",
        ),
        click.option(
            "--split-at-crossings",
            is_flag=True,
            help="Lines: make junctions where lines cross or touch.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _class_map(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(sign for _, sign, _ in pairs):
        raise click.BadParameter(f"{text!r} is no list such as A=motorway,B=primary")
    return {value.strip(): kind.strip() for value, _, kind in pairs}


@network.command("build")
@click.argument("roads", type=click.Path(path_type=Path))
@_OUT
@click.option(
    "--format",
    "format_",
    type=click.Choice(["osm", "overpass", "graphml", "nodelink", "lines"]),
    help="What ROADS is; default: what it looks like.",
)
@click.option(
    "--around",
    metavar="REGION",
    help="Only roads around the clusters of a region ('built-in', or its folder); whole where they "
    "cross the border.",
)
@_BUFFER
@click.option("--bbox", metavar="W,S,E,N", help="Or only those of a box, in degrees.")
@_CRS
@click.option("--date", help="Date of the roads, where the source does not say.")
@click.option(
    "--dates-of",
    metavar="REGION",
    help="Take dates of opening from the roads of a region ('built-in', or its folder), for "
    "--as-of.",
)
@_NO_SERVICE
@_osm_options
@_line_options
def build_(
    roads: Path,
    out: Path,
    format_: Any,
    around: Path | None,
    buffer_km: float,
    bbox: str | None,
    crs: str | None,
    date: str | None,
    dates_of: str | None,
    country: str,
    gate_s: float,
    toll_s: float,
    class_map: str,
    *,
    no_service: bool,
    ferries: bool,
    **lines: Any,
) -> None:
    """Build a network from an OSM file, or roads of another kind.

    \b
    .osm.pbf, .osm, .osm.gz   OpenStreetMap
    .json, or a folder        answers of Overpass
    .graphml                  a graph of OSMnx
    MOCT_LINK.shp, its folder, or a .zip   Korean standard node-link
    .shp, .gpkg, .geojson ... any layer of lines

    Of a file of a whole country, --around or --bbox takes the roads of a region only: less to
    build, and quicker commands afterwards.
    """  # noqa: D301  (click's mark for lines to keep)
    from technobelt.network import (
        LineRules,
        OsmRules,
        build_network,
        load_network,
        save_network,
        with_dates_of,
    )
    from technobelt.network.area import area_of_box, area_of_region

    _need_one("--around and --bbox", around, bbox)
    with status() as say:
        area = area_of_box(*_box(bbox)) if bbox else None
        if around:
            where = _region(around)
            area, country = area_of_region(where, buffer_km), country or where.country
            crs = crs or where.crs
        made = build_network(
            roads,
            format=format_,
            classes=_classes(no_service=no_service),
            crs=crs,
            date=date,
            rules=OsmRules(country=country, ferries=ferries, gate_s=gate_s, toll_s=toll_s),
            lines=LineRules(class_map=_class_map(class_map), **lines),
            area=area,
            progress=lambda ways: say(f"{ways:,} ways"),
        )
        if dates_of:
            say("dates")
            made = with_dates_of(made, load_network(_region(Path(dates_of))))
        say("saving")
        save_network(made, out)
    print_report(made)
    click.echo(str(out))


def _classes(*, no_service: bool) -> list[str]:
    from technobelt.schema import ROAD_CLASSES

    return [name for name in ROAD_CLASSES if not (no_service and name == "service")]


@network.command()
@REGION
@_OUT
@click.option(
    "--place", help='What to download instead of a region\'s surroundings: "Jinju, Korea".'
)
@click.option("--bbox", metavar="W,S,E,N", help="Or a box, in degrees.")
@_BUFFER
@_CRS
@_NO_SERVICE
@_osm_options
@click.option("--endpoint", metavar="URL", help="An Overpass API instead of overpass-api.de.")
@click.option(
    "--cache", type=click.Path(path_type=Path), help="Folder of answers; default: the user's own."
)
@click.option("--refresh", is_flag=True, help="Ask anew, though an earlier answer is kept.")
def download(
    region: Path | None,
    out: Path,
    place: str | None,
    bbox: str | None,
    buffer_km: float,
    crs: str | None,
    country: str,
    gate_s: float,
    toll_s: float,
    endpoint: str | None,
    cache: Path | None,
    *,
    no_service: bool,
    ferries: bool,
    refresh: bool,
) -> None:
    """Download roads of OpenStreetMap (Overpass) around a REGION, of a place or of a box.

    Answers are kept: the same question is asked once. A busy server is waited for as long as it
    says; a download broken off goes on where it stood.
    """
    from technobelt.network import OsmRules, save_network
    from technobelt.network import download as overpass
    from technobelt.network.area import area_of_box, area_of_region

    _need_one("REGION, --place and --bbox", region, place, bbox)
    need_suffix(out, (".parquet",), "a network")
    folder = cache or Path(click.get_app_dir("technobelt")) / "overpass"
    with status() as say:
        say("area")
        if place:
            area = overpass.area_of_place(place, cache=folder)
        elif bbox:
            area = area_of_box(*_box(bbox))
        else:
            where = _region(region)
            area, country = area_of_region(where, buffer_km), country or where.country
            crs = crs or where.crs
        say("asking Overpass")
        made = overpass.download_network(
            area,
            cache=folder,
            classes=_classes(no_service=no_service),
            crs=crs,
            rules=OsmRules(country=country, ferries=ferries, gate_s=gate_s, toll_s=toll_s),
            endpoint=endpoint,
            refresh=refresh,
        )
        say("saving")
        save_network(made, out)
    print_report(made)
    click.echo(str(out))


def _need_one(of: str, *given: object) -> None:
    if sum(one is not None for one in given) > 1:
        raise click.UsageError(f"give one of {of}.")


def _region(region: Path | None) -> Any:
    """Return the region of a folder; the built-in one where none, or 'built-in', is named."""
    from technobelt.region import load_region

    return load_region(None if region is None or str(region) == "built-in" else region)


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no box W,S,E,N, e.g. 128.5,35.1,128.8,35.4"
        ) from error
    return west, south, east, north


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
    click.echo(f"{out}: {counted(len(loaded.roads), 'section')}")
