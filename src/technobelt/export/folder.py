"""Many layers into one folder, a file each, with styles, licence and what no file could hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shapely

from technobelt.errors import CRSError, LayerError, OutputError
from technobelt.export.formats import write_layer
from technobelt.export.licence import write_licence
from technobelt.export.looks import FAMILIES, families
from technobelt.export.notes import Note
from technobelt.export.styles import is_ours
from technobelt.writing import replace_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import geopandas as gpd

    from technobelt.export.dbf import Encoding

__all__ = ["FORMATS", "NOTES", "Exported", "Format", "notes_text", "write_layers"]

Format = Literal["csv", "fgb", "geojson", "gpkg", "kml", "parquet", "shp"]
#: What `write_layers` writes, by the endings of the files.
FORMATS = ("shp", "gpkg", "geojson", "fgb", "parquet", "kml", "csv")
#: The file with what the others hold otherwise.
NOTES = "NOTES.txt"

#: Signs that one system or the other does not take in the name of a file.
_NOT_A_FILE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')

#: Of a file's name without its ending: systems end at 255 for the whole, companions among them.
_NAME_BYTES = 150


@dataclass(frozen=True)
class Exported:
    """What was written, and what is otherwise in it.

    Attributes
    ----------
    folder
        Where the files are.
    rows
        Rows by name of file.
    notes
        What files hold otherwise, or not at all.
    """

    folder: Path
    rows: dict[str, int]
    notes: list[Note]


def write_layers(
    layers: Mapping[str, gpd.GeoDataFrame],
    folder: str | Path,
    form: Format,
    *,
    attribution: Sequence[str],
    encoding: Encoding = "UTF-8",
    crs: Any = None,
    progress: Callable[[str], None] | None = None,
) -> Exported:
    """Write a file for each layer, all of them or none.

    A ``.qml`` stands beside each layer that has a style, or the style inside its ``.gpkg``; with
    them come ``LICENCE`` and `NOTES`, which tells what a file holds otherwise than the layer.
    A layer of several kinds of shapes becomes several shapefiles, e.g. ``sites_points.shp``; one
    with shapes that the format cannot hold becomes a ``.gpkg``, which is said.

    Parameters
    ----------
    layers
        By name; signs that a file's name cannot have become ``_``.
    folder
        Made if it is not there; files of other names in it are left alone.
    form
        The format, as the files end.
    attribution
        One source a line.
    encoding
        Of the shapefiles' text.
    crs
        The CRS of all files, where the format leaves the choice; None keeps each layer's own.
    progress
        Called with each layer's name.

    Raises
    ------
    CRSError
        A layer has no CRS.
    OutputError
        There is no layer, no such format, or something cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import geopandas as gpd, shapely
    >>> from technobelt.export import write_layers
    >>> hubs = gpd.GeoDataFrame({"id": ["UNI04"]}, geometry=[shapely.Point(128.9, 35.25)], crs=4326)
    >>> with tempfile.TemporaryDirectory() as home:
    ...     done = write_layers({"hubs": hubs}, home, "geojson", attribution=["own survey"])
    ...     print(*sorted(file.name for file in Path(home).iterdir()))
    LICENCE NOTES.txt hubs.geojson
    """
    if not layers or form not in FORMATS:
        raise OutputError(
            f"cannot write '{form}' into '{folder}': there are {len(layers)} layers, and the "
            f"formats are {', '.join(FORMATS)}."
        )
    target = Path(folder)
    done = Exported(target, {}, [])
    with replace_files(target) as scratch:
        for name, file, part in _parts(layers, form):
            if progress is not None:
                progress(name)
            _write_part(name, part, scratch / file, done, {"encoding": encoding, "crs": crs})
        _keep_styles_of_others(scratch, done)
        write_licence(scratch, attribution)
        (scratch / NOTES).write_text(notes_text(done.notes), encoding="utf-8")
    return done


def _parts(
    layers: Mapping[str, gpd.GeoDataFrame], form: Format
) -> Iterator[tuple[str, str, gpd.GeoDataFrame]]:
    """Yield layer, file and rows; a shapefile holds one kind of shapes."""
    taken: set[str] = set()
    for name, frame in layers.items():
        kinds = families(frame)
        if form != "shp" or len(kinds) < 2:
            yield name, _file(name, form, taken), frame
            continue
        of_rows = _kinds_of_rows(frame, kinds[0])
        for kind in kinds:
            yield name, _file(f"{name}_{kind}s", form, taken), frame[of_rows == kind]


def _kinds_of_rows(frame: gpd.GeoDataFrame, first: str) -> Any:
    """Return the kind of each row's shape; rows without a shape go with the most frequent."""
    kinds = [FAMILIES.get(int(one), first) for one in shapely.get_type_id(frame.geometry)]
    return np.array(kinds)


def _file(name: str, form: Format, taken: set[str]) -> str:
    clean = _NOT_A_FILE.sub("_", name).strip(" .") or "layer"
    base = clean.encode()[:_NAME_BYTES].decode(errors="ignore")
    free, number = base, 2
    while free.casefold() in taken:
        free, number = f"{base}_{number}", number + 1
    taken.add(free.casefold())
    return f"{free}.{form}"


def _write_part(
    name: str, frame: gpd.GeoDataFrame, path: Path, done: Exported, options: dict[str, Any]
) -> None:
    said = done.notes.append
    if path.stem != name:
        said(Note(path.name, f"layer '{name}'", loss=False))
    try:
        write_layer(frame, path, layer=name, styled=True, said=said, **options)
    except LayerError as error:
        if path.suffix == ".gpkg" or isinstance(error, CRSError):
            raise
        what = "shapefile" if path.suffix == ".shp" else path.suffix
        path = path.with_suffix(".gpkg")
        said(Note(path.name, f"instead of a {what}: {error}", loss=False))
        write_layer(frame, path, layer=name, styled=True, said=said, **options)
    done.rows[path.name] = len(frame)


def _keep_styles_of_others(scratch: Path, done: Exported) -> None:
    """Take back each style where somebody has put one of their own in its place."""
    for qml in scratch.glob("*.qml"):
        if not is_ours(done.folder / qml.name):
            qml.unlink()
            said = "kept, since another program wrote it"
            done.notes.append(Note(qml.name, said, loss=False))


def notes_text(notes: Sequence[Note]) -> str:
    """Return what files hold otherwise as the text of a file, losses first.

    Examples
    --------
    >>> print(notes_text([Note("a.shp", "field 'n': infinite values as null")]), end="")
    What these files hold otherwise than the layers they were made of
    =================================================================
    <BLANKLINE>
    Lost:
    <BLANKLINE>
    a.shp
      - field 'n': infinite values as null
    """
    title = "What these files hold otherwise than the layers they were made of"
    lines = [title, "=" * len(title)]
    if not notes:
        lines += ["", "Nothing: all rows, names, values and shapes are there as they were."]
    for heading, loss in (("Lost", True), ("Kept in another form", False)):
        chosen = [note for note in notes if note.loss is loss]
        if chosen:
            lines += ["", f"{heading}:"]
        for file in dict.fromkeys(note.file for note in chosen):
            lines += ["", file, *(f"  - {note.text}" for note in chosen if note.file == file)]
    return "\n".join(lines) + "\n"
