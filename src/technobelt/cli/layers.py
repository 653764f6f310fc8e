"""Commands about a region's layers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from technobelt.cli.options import JSON, NETWORK, REGION, REGION_OPTION
from technobelt.console import print_findings, print_json, print_layers, print_table, status
from technobelt.counting import counted

if TYPE_CHECKING:
    import pandas as pd

    from technobelt.doctor import Finding
    from technobelt.region import Region

__all__ = ["layers"]


class _ListByDefault(click.Group):
    """A group whose ``list`` command is meant when none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, "-h", "--help"}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ListByDefault)
def layers() -> None:
    """List a region's layers and what is wrong with them; draw them, remake the built-in ones."""


@layers.command("list")
@REGION
@NETWORK
@click.option(
    "--fix",
    is_flag=True,
    help="Mend what is safe to mend; files that change are kept as .bak.",
)
@click.option(
    "--all-rows",
    is_flag=True,
    help="With --json: tell of every row, not of the first 20 with a fault and how many more.",
)
@JSON
@click.pass_context
def list_(
    ctx: click.Context,
    region: Path | None,
    network: Path | None,
    *,
    fix: bool,
    all_rows: bool,
    as_json: bool,
) -> None:
    """List the layers, and what is wrong with them.

    Rows, geometry, CRS, extent, vintage, confidence, licence; then errors, warnings and what is
    still to be done, each with the row, what was found and what to do. Exit code 1 if an error
    remains.
    """
    from technobelt.doctor import SHOWN, examine, mend
    from technobelt.layers import list_layers
    from technobelt.region import load_region

    if all_rows and not as_json:
        raise click.UsageError("--all-rows goes with --json.")
    if fix and region is None:
        raise click.UsageError("--fix changes files: name the folder of the region.")
    where = load_region(region)
    most = None if all_rows else SHOWN
    with status() as say:
        findings = examine(where, network, most=most, progress=say)
        done = mend(where, findings) if fix else []
        findings = examine(where, network, most=most, progress=say) if done else findings
        table = list_layers(where)
    if as_json:
        print_json(_for_machines(table, findings))
    else:
        print_layers(table)
        print_findings(findings)
    for line in done:
        click.echo(f"Mended {line}", err=as_json)
    if any(finding.severity == "error" for finding in findings):
        ctx.exit(1)


def _for_machines(table: pd.DataFrame, findings: list[Finding]) -> list[dict[Any, Any]]:
    bounds = table[["west", "south", "east", "north"]].astype(object)
    table[bounds.columns] = bounds.where(bounds.notna(), None)
    told = [[one.to_dict() for one in findings if one.layer == name] for name in table["layer"]]
    rows = table.to_dict(orient="records")
    return [{**row, "findings": mine} for row, mine in zip(rows, told, strict=True)]


@layers.command()
@REGION
def places(region: Path | None) -> None:
    """List the places by id and name; all but those that are not located may be named."""
    import pandas as pd

    from technobelt.layers import place_layers, read_layer
    from technobelt.region import load_region

    where = load_region(region)
    frames = [read_layer(where, name).drop(columns="geometry") for name in place_layers(where)]
    known = pd.concat(frames)
    columns = [
        c for c in ("name", "name_ko", "name_1999", "kind", "cluster", "confidence") if c in known
    ]
    print_table(known[columns].reset_index(names="id"))


@layers.command()
@click.argument("region", type=click.Path(path_type=Path))
@click.option(
    "--cell-m",
    type=click.FloatRange(min=5),
    default=100.0,
    show_default=True,
    help="Side of the cells, m.",
)
@click.option("--water", type=click.Path(path_type=Path), help="Polygons of water.")
@click.option("--wood", type=click.Path(path_type=Path), help="Polygons of wood.")
@click.option("--elevation", type=click.Path(path_type=Path), help="A raster of heights, m.")
def grid(
    region: Path, cell_m: float, water: Path | None, wood: Path | None, elevation: Path | None
) -> None:
    """Lay the land grid over the clusters of REGION: its layer 'land', on which zones are drawn.

    What no file is given for is taken as dry, open or flat. A layer that has rows is left alone.
    """
    from technobelt.export import write_layer
    from technobelt.land_grid import make_land_grid
    from technobelt.region import load_region

    where = load_region(region)
    out = _place_of_land(where)
    with status() as say:
        say("grid")
        cells = make_land_grid(where, cell_m=cell_m, water=water, wood=wood, elevation=elevation)
        write_layer(cells, out, layer="land")
    click.echo(f"{out}: {counted(len(cells), 'cell')} of {cell_m:g} m")
    given = {"--water": water, "--wood": wood, "--elevation": elevation}
    absent = [option for option, file in given.items() if file is None]
    if absent:
        told = "Zones may lie in lakes and on slopes: there was no"
        click.echo(f"Warning: {told} {', '.join(absent)}.", err=True)


def _place_of_land(region: Region) -> Path:
    """Return the file of the layer 'land', which must not have rows yet."""
    from technobelt.errors import MissingFileError, OutputError
    from technobelt.layers import read_unchecked

    if "land" not in region.layers:
        raise MissingFileError(
            "region.toml has no layer 'land'. Add land = { file = \"land.gpkg\" } to [layers]."
        )
    path = region.path("land")
    if path.is_file() and len(read_unchecked(region, "land")):
        raise OutputError(
            f"'{path}' has rows already. Nothing was changed; move it away to lay the grid anew."
        )
    return path


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
