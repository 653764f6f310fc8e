"""The command line: parse, call the library, write; nothing else.

Only click is imported here, so that ``technobelt --help`` answers at once.
"""

from __future__ import annotations

import logging
import sys

import click

from technobelt import __version__
from technobelt.cli.claims import calibrate, check, plan
from technobelt.cli.compare import compare
from technobelt.cli.export import export
from technobelt.cli.guide import guide
from technobelt.cli.init import init
from technobelt.cli.layers import layers
from technobelt.cli.network import network
from technobelt.cli.siting import siting
from technobelt.cli.times import isochrone, map_, matrix, route
from technobelt.cli.zones import zones

__all__ = ["main"]

UNUSABLE = 1


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


for command in (
    plan,
    check,
    compare,
    isochrone,
    matrix,
    route,
    zones,
    siting,
    map_,
    export,
    init,
    layers,
    network,
    calibrate,
    guide,
):
    technobelt.add_command(command)


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
