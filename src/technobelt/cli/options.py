"""Options that commands share, declared once."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

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


def _only_one(ctx: click.Context, param: click.Parameter, values: tuple[Any, ...]) -> Any:
    """Return the one value of an option that other commands take more than once."""
    if len(values) > 1:
        raise click.BadParameter("give one here; 'check' compares several.", ctx, param)
    return values[0] if values else None


PACK = click.option(
    "--pack",
    metavar="NAME",
    help="Rule pack of the zones instead of the region's; see 'technobelt zones --list-packs'.",
)


AS_OF = click.option(
    "--as-of",
    metavar="DATE",
    multiple=True,
    callback=_only_one,
    help="Use the roads open on this date, e.g. 1999.",
)
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
    multiple=True,
    callback=_only_one,
    help="Edits of roads and facilities (.toml), see README.",
)
SCENARIOS = click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Compare with what comes of these edits (.toml, see README); may be repeated.",
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
    help="Random draws of speeds: how often each reading holds. 1000 take about ten seconds.",
)
SEED = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1999,
    show_default=True,
    help="Of the random draws: the same seed, the same draws.",
)
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
BANDS = click.option(
    "--minutes",
    type=_Minutes(),
    help="Limits of isochrones; by default thirds of the longest that the region claims, such as "
    "30,60,90.",
)
