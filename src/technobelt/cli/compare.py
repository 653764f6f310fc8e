"""The command that sets two runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from technobelt.cli.options import JSON
from technobelt.console import print_json, print_run_comparison, status

__all__ = ["compare"]

_PATH: Any = click.Path(path_type=Path)


@click.command()
@click.argument("before", metavar="A", type=_PATH)
@click.argument("after", metavar="B", type=_PATH)
@click.option("--region-a", type=_PATH, help="Region of A as it was; default: built-in, or B's.")
@click.option("--region-b", type=_PATH, help="Region of B as it was; default: built-in, or A's.")
@click.option("--network-a", type=_PATH, help="Network of A (.parquet); default: the region's own.")
@click.option("--network-b", type=_PATH, help="Network of B (.parquet); default: the region's own.")
@click.option("--list-only", is_flag=True, help="Judge nothing again: only say what differs.")
@JSON
def compare(
    before: Path,
    after: Path,
    region_a: Path | None,
    region_b: Path | None,
    network_a: Path | None,
    network_b: Path | None,
    *,
    list_only: bool,
    as_json: bool,
) -> None:
    """Say which verdicts differ between two runs, and which input did it.

    A and B are folders that 'technobelt plan' wrote, or their manifest.json or claims.json. Where
    the inputs of both are at hand, each that differs (parameters, tables of region.toml, layers,
    network) is put into A alone and the claims are judged again. Inputs are known by their content:
    what is given but is not that of the run is refused.

    \b
    technobelt compare before/ after/
    technobelt compare before/ after/ --region-a region-of-may/ --network-b roads-2024.parquet
    """  # noqa: D301  (click's mark for lines to keep)
    from technobelt.run_comparison import compare_runs

    with status() as say:
        found = compare_runs(
            before,
            after,
            region_a=region_a,
            region_b=region_b,
            network_a=network_a,
            network_b=network_b,
            attribute=not list_only,
            progress=say,
        )
    if as_json:
        print_json(found.to_dict())
    else:
        print_run_comparison(found)
