"""The command that makes a new region."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from technobelt.counting import counted

if TYPE_CHECKING:
    from technobelt.region import Region

__all__ = ["init"]


class _Place(click.ParamType[tuple[float, float]]):
    """A place such as ``128.6,35.9``."""

    name = "LON,LAT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        try:
            lon, lat = (float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is no LON,LAT such as 11.3,44.5", param, ctx)
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            self.fail(f"{value!r} is no LON,LAT in degrees", param, ctx)
        return lon, lat


class _Cluster(click.ParamType[tuple[str, str]]):
    """A cluster such as ``north=Taegu`` or ``north``."""

    name = "ID=NAME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, _, name = (part.strip() for part in value.partition("="))
        if not key or key == "outside":
            self.fail(f"{value!r} is no ID=NAME such as north=Taegu", param, ctx)
        return key, name or key.replace("-", " ").title()


class _Country(click.ParamType[str]):
    """A country whose general speed limits are known, such as ``KR``, or nothing."""

    name = "CODE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from technobelt.errors import NetworkError
        from technobelt.network.limits import check_country

        try:
            return check_country(value.strip())
        except NetworkError as error:
            self.fail(str(error), param, ctx)


class _Id(click.ParamType[str]):
    """A short name, which becomes part of the names of files."""

    name = "ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from technobelt.new_region import short_name

        if not re.fullmatch(r"\w[\w.-]*", value.strip()):
            self.fail(
                f"{value!r} has other signs than letters, digits, '_', '-' and '.': write e.g. "
                f"'{short_name(value)}'",
                param,
                ctx,
            )
        return str(value.strip())


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", help="What the region is called; default: the folder's name.")
@click.option("--id", "id_", type=_Id(), help="A short name for files; default: from the name.")
@click.option("--at", type=_Place(), help="A place in the region: chooses its metric CRS.")
@click.option("--crs", metavar="CRS", help="Its metric CRS, e.g. EPSG:32632, instead of --at.")
@click.option(
    "--country",
    type=_Country(),
    help="ISO code, for its general speed limits; KR by itself where the CRS is one of Korea.",
)
@click.option(
    "--cluster",
    "clusters",
    type=_Cluster(),
    multiple=True,
    help="A cluster, from one end of the map to the other; may be repeated.",
)
@click.option(
    "--like",
    metavar="built-in|DIR",
    help="Take the clusters, claims, rules and profiles of this region; its layers are emptied.",
)
@click.option("--with-layers", is_flag=True, help="Copy the layers of --like with their rows.")
def init(
    folder: Path,
    name: str | None,
    id_: str | None,
    at: tuple[float, float] | None,
    crs: str | None,
    country: str | None,
    clusters: tuple[tuple[str, str], ...],
    like: str | None,
    *,
    with_layers: bool,
) -> None:
    """Make a new region in DIR: a commented region.toml, and empty layers to fill in.

    On a terminal it asks for what no option says; elsewhere it takes the defaults.

    \b
    technobelt init taegu --name Taegu --at 128.6,35.87 --cluster north --cluster south
    technobelt init mine --like built-in --with-layers
    """  # noqa: D301
    from technobelt.new_region import NewRegion, init_region, short_name
    from technobelt.projections import is_korean
    from technobelt.region import load_region

    if with_layers and not like:
        raise click.UsageError("--with-layers copies the layers of --like: name a region there.")
    if like and clusters:
        raise click.UsageError("--like brings its clusters along: leave out --cluster.")
    _refuse_taken(folder)
    model = load_region(None if like == "built-in" else like) if like else None
    asks = _on_terminal()
    name = name or _ask("Name of the region", folder.resolve().name, asks=asks)
    id_ = id_ or _ask(
        "Short name, for files", short_name(name, folder.resolve().name), _Id(), asks=asks
    )
    chosen = bool(at or crs or model or asks)
    crs = crs or _crs(at, model, asks=asks)
    if country is None:
        known = "KR" if chosen and is_korean(crs) else ""
        country = known or _ask(_COUNTRY, "", _Country(), asks=asks)
    if asks and not clusters and model is None:
        clusters = _asked_clusters()
    files = init_region(
        folder,
        NewRegion(name, id_, crs, dict(clusters), country),
        like=model,
        with_layers=with_layers,
    )
    _tell(folder, files, crs, chosen=chosen, full=with_layers)


_COUNTRY = "Country, ISO code, e.g. DE, for its general speed limits; none: return"


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _refuse_taken(folder: Path) -> None:
    """Refuse before a question is asked."""
    from technobelt.errors import OutputError

    if (folder / "region.toml").exists():
        raise OutputError(
            f"'{folder}' has a region.toml already. Nothing was changed; choose another folder."
        )


def _ask(what: str, default: str, kind: click.ParamType[str] | None = None, *, asks: bool) -> str:
    if not asks:
        return default
    return str(click.prompt(what, default=default, type=kind, show_default=bool(default)))


def _crs(at: tuple[float, float] | None, model: Region | None, *, asks: bool) -> str:
    from technobelt.projections import suggest_crs
    from technobelt.region import load_region

    default = model.crs if model is not None else load_region().crs
    if at is None and asks and model is None:
        at = click.prompt("A place in it, LON,LAT, e.g. 11.3,44.5", type=_Place())
    suggested = suggest_crs(*at) if at else default
    return _ask("Metric CRS", suggested, asks=asks)


def _asked_clusters() -> tuple[tuple[str, str], ...]:
    text = click.prompt("Clusters, ID=NAME, parted by commas", default="east=East, west=West")
    kind = _Cluster()
    return tuple(kind.convert(part, None, None) for part in text.split(",") if part.strip())


def _tell(folder: Path, files: list[Path], crs: str, *, chosen: bool, full: bool) -> None:
    click.echo(f"{files[0]}: {counted(len(files) - 1, 'layer')} beside it, computed in {crs}.")
    if not chosen:
        click.echo(
            "The CRS is that of the built-in region: if yours is elsewhere, change it in "
            "region.toml; init --at LON,LAT suggests one."
        )
    if full:
        click.echo(f"What is wrong, and still to be done: technobelt layers {folder}")
        return
    click.echo(
        f"Next: fill the layers in, e.g. in QGIS; build roads: technobelt network build "
        f"ROADS.osm.pbf --around {folder} --out {folder / 'roads.parquet'}\n"
        f"What is still to be done: technobelt layers {folder}"
    )
