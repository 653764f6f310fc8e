"""The command that says where centres should stand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from technobelt.cli.inputs import add_licence, need_suffix, region_and_roads
from technobelt.cli.options import ACCESS, AS_OF, JSON, NETWORK, REGION, SCENARIO
from technobelt.console import print_json, print_siting, status

if TYPE_CHECKING:
    from technobelt.network import Network
    from technobelt.region import Region
    from technobelt.siting import Siting

__all__ = ["siting"]


@click.command()
@REGION
@click.option("--what", metavar="NAME", help="One question of region.toml; default: all.")
@NETWORK
@click.option(
    "--p", type=click.IntRange(min=1), help="How many sites, those that are kept counted."
)
@click.option(
    "--objective",
    type=click.Choice(["p_median", "p_centre", "max_cover"]),
    help="Least mean minutes, least longest minutes, or most demand within --within-min.",
)
@click.option(
    "--within-min",
    type=click.FloatRange(min=0, min_open=True),
    help="Reach of max_cover (only), minutes one way; of a round trip the mean of both ways.",
)
@click.option(
    "--direction",
    type=click.Choice(["to_site", "from_site", "round_trip"]),
    help="From demand to site, back, or the mean of both ways.",
)
@click.option("--profile", metavar="P", help="Speed profile; default: that of the question.")
@AS_OF
@SCENARIO
@ACCESS
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File of the sites; its suffix is its format. A .gpkg also holds demand, lines to the "
    "sites, candidates and the places compared.",
)
@click.option("--picture", type=click.Path(path_type=Path), help="Map (.png).")
@JSON
def siting(
    region: Path | None,
    what: str | None,
    network: Path | None,
    p: int | None,
    objective: Any,
    within_min: float | None,
    direction: Any,
    profile: str | None,
    as_of: str | None,
    scenario: Path | None,
    max_access_m: float,
    out: Path | None,
    picture: Path | None,
    *,
    as_json: bool,
) -> None:
    """Say where centres should stand, exactly, and how far plans are from that.

    The questions stand in region.toml, [siting.NAME]: demand, weights, candidates, how many sites.
    Sets of places are compared with the best of the same number only.
    """
    from technobelt.export import LAYER_SUFFIXES
    from technobelt.siting import site_facilities

    need_suffix(picture, [".png"], "a picture of sites")
    need_suffix(out, LAYER_SUFFIXES, "a layer of sites")
    with status() as say:
        where, roads = region_and_roads(region, network, say, as_of, scenario)
        reach = within_min is not None and objective is None
        names = _names(where, what, alone=p is not None or reach or bool(out or picture))
        found = []
        for name in names:
            say(f"siting {name}")
            found.append(
                site_facilities(
                    where,
                    roads,
                    name,
                    p=p,
                    objective=objective,
                    direction=direction,
                    within_min=within_min,
                    profile=profile,
                    max_access_m=max_access_m,
                )
            )
        if out is not None:
            _write(found[0], out, where)
        if picture is not None:
            say("picture")
            _draw(found[0], picture, where, roads)
    _tell(found, as_json=as_json)
    for path in (out, picture):
        if path is not None:
            click.echo(str(path), err=as_json)


def _names(region: Region, what: str | None, *, alone: bool) -> list[str]:
    """Return the questions meant; one where an option fits only one."""
    from technobelt.errors import SitingError

    if what is not None:
        return [what]
    names = list(region.siting)
    if not names:
        raise SitingError(
            f"region '{region.id}' has no [siting.NAME] in region.toml. Add one, see the README."
        )
    if alone and len(names) > 1:
        raise click.UsageError(
            "--p, --within-min, --out and --picture are for one question; name it by --what: "
            f"{', '.join(names)}."
        )
    return names


def _write(found: Siting, out: Path, region: Region) -> None:
    from technobelt.export import write_geopackage, write_layer

    if out.suffix.lower() == ".gpkg":
        layers = {"sites": found.sites, "demand": found.allocation, "allocation": found.lines()}
        layers |= {"candidates": found.candidates, "compared": found.places()}
        full = {name: rows for name, rows in layers.items() if len(rows)}
        write_geopackage(full, out, styled=True)
    else:
        write_layer(found.sites, out, layer="sites", styled=True)
    add_licence(out, region)


def _draw(found: Siting, path: Path, region: Region, network: Network) -> None:
    from technobelt.figures import draw_siting

    draw_siting(region, found, path, roads=network.roads[~network.closed])
    add_licence(path, region)


def _tell(found: list[Siting], *, as_json: bool) -> None:
    if as_json:
        print_json([one.to_dict() for one in found])
        return
    for number, one in enumerate(found):
        if number:
            click.echo("")
        print_siting(one)
