"""The command that hands layers over to GIS desktops."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from technobelt.cli.inputs import add_licence
from technobelt.cli.options import REGION_OPTION
from technobelt.console import status
from technobelt.counting import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from technobelt.export import Exported, Note
    from technobelt.region import Region

__all__ = ["export"]

_FORMATS = ("qgis", "shp", "gpkg", "geojson", "fgb", "parquet", "kml", "csv")


@click.command()
@click.argument("names", nargs=-1, metavar="[LAYER]...")
@REGION_OPTION
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="File, whose suffix is the format; or a folder.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="Of the files in a folder; default: qgis, a GeoPackage with a QGIS project.",
)
@click.option(
    "--encoding",
    type=click.Choice(["UTF-8", "CP949"]),
    default="UTF-8",
    show_default=True,
    help="Of the texts in shapefiles; CP949 for older Korean programs.",
)
@click.option("--crs", help="CRS to write in, e.g. EPSG:5186; default: each layer's own.")
def export(
    names: tuple[str, ...],
    region: Path | None,
    out: Path,
    form: str | None,
    encoding: Any,
    crs: str | None,
) -> None:
    """Write LAYERs of the region (default: all) for GIS desktops, with their styles.

    \b
    technobelt export complexes --out complexes.shp       one layer: .shp .gpkg .geojson .fgb
                                                          .parquet .kml .csv
    technobelt export --out belt.gpkg                     all layers in one GeoPackage
    technobelt export --out belt/                         ... and a QGIS project beside it
    technobelt export --out belt/ --format shp            a file for each layer

    Every file is read back and compared. What a format cannot hold is said, and stands in
    NOTES.txt of a folder, or in NAME.fields.csv of a shapefile.
    """  # noqa: D301  (click's mark for lines to keep)
    from technobelt.region import load_region

    one_file = _is_file(out, form, names)
    if encoding != "UTF-8" and "shp" not in {form, out.suffix.lower().removeprefix(".")}:
        raise click.UsageError("--encoding is for shapefiles; other formats are in UTF-8 always.")
    where = load_region(region)
    notes: list[Note] = []
    with status() as say:
        layers = _layers(where, names, say)
        if one_file:
            rows = _write_file(where, layers, out, encoding, crs, notes.append, say)
        else:
            done = _write_folder(where, layers, out, form or "qgis", encoding, crs, say)
            rows = {str(out / name): count for name, count in done.rows.items()}
            notes = done.notes
    for name, count in rows.items():
        click.echo(f"{name}: {counted(count, 'row')}")
    _tell(notes, None if one_file else out)


def _is_file(out: Path, form: str | None, names: tuple[str, ...]) -> bool:
    """Whether one file is meant; refuse what cannot be, before any layer is read."""
    from technobelt.errors import OutputError
    from technobelt.export import LAYER_SUFFIXES

    suffix = out.suffix.lower()
    if out.is_dir() or not suffix or (form is not None and suffix not in LAYER_SUFFIXES):
        return False
    if form is not None:
        raise click.UsageError(
            f"--format is for a folder, and '{out}' is named like a file, whose suffix is its "
            "format. Leave one of them out."
        )
    if suffix not in LAYER_SUFFIXES:
        raise OutputError(
            f"cannot write '{out.name}': no format for the suffix '{out.suffix}'. Choose one of "
            f"{', '.join(LAYER_SUFFIXES)}, or a folder."
        )
    if len(names) != 1 and suffix != ".gpkg":
        said = f"{len(names)} layers" if names else "all layers"
        raise click.UsageError(
            f"{said} do not go into one {suffix}. Name one LAYER, or write a .gpkg or a folder: "
            f"--out {out.stem}.gpkg, or --out {out.stem} --format {suffix[1:]}."
        )
    return True


def _layers(
    region: Region, names: tuple[str, ...], say: Callable[[str], None]
) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of the region that are asked for; all of them by default, roads last."""
    from technobelt.layers import read_layer

    chosen = dict.fromkeys(names or [*region.layers, "roads"])
    frames = {}
    for name in chosen:
        say(f"reading {name}")
        frames[name] = read_layer(region, name)
    return frames


def _write_file(
    region: Region,
    layers: dict[str, gpd.GeoDataFrame],
    out: Path,
    encoding: Any,
    crs: str | None,
    said: Callable[[Note], None],
    say: Callable[[str], None],
) -> dict[str, int]:
    from technobelt.export import write_geopackage, write_layer

    if out.suffix.lower() == ".gpkg":
        write_geopackage(layers, out, styled=True, crs=crs, progress=say, said=said)
    else:
        for name, frame in layers.items():
            say(name)
            write_layer(frame, out, layer=name, encoding=encoding, crs=crs, styled=True, said=said)
    add_licence(out, region)
    if len(layers) == 1:
        return {str(out): len(frame) for frame in layers.values()}
    return {f"{out}: {name}": len(frame) for name, frame in layers.items()}


def _write_folder(
    region: Region,
    layers: dict[str, gpd.GeoDataFrame],
    out: Path,
    form: Any,
    encoding: Any,
    crs: str | None,
    say: Callable[[str], None],
) -> Exported:
    from technobelt.export import write_desktop, write_layers

    common: dict[str, Any] = {"attribution": region.attribution, "crs": crs, "progress": say}
    if form == "qgis":
        return write_desktop(layers, out, title=region.title, project_crs=region.crs, **common)
    return write_layers(layers, out, form, encoding=encoding, **common)


def _tell(notes: list[Note], folder: Path | None) -> None:
    """Say on stderr what the files do not hold; where there is a NOTES.txt, sum up the rest."""
    shown = [note for note in notes if note.loss or folder is None]
    for note in shown:
        click.echo(f"Note: {note}", err=True)
    left = len(notes) - len(shown)
    if left and folder is not None:
        click.echo(f"Note: {left} things in another form: {folder / 'NOTES.txt'}", err=True)
