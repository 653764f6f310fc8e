"""Layers in zip files: unpacked into a scratch folder, within bounds."""

from __future__ import annotations

import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from technobelt.counting import counted
from technobelt.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LIMIT_BYTES", "unzipped"]

#: More than this is not unpacked: a few kilobytes can unpack to fill a disk.
LIMIT_BYTES = 4 * 2**30
_FILES_MAX = 1_000
_SHAPES = (".shp", ".gpkg", ".geojson", ".json", ".fgb", ".kml", ".gml", ".parquet", ".csv", ".tab")
_CHUNK = 1 << 20


@contextmanager
def unzipped(path: Path, layer: str | None, name: str) -> Iterator[tuple[Path, str | None]]:
    """Unpack a zip file and give the layer's file in it, and the layer in that file.

    Parameters
    ----------
    path
        The ``.zip`` or ``.kmz`` file.
    layer
        Which of several files is meant, by its name without suffix.
    name
        The layer, for messages.

    Raises
    ------
    LayerError
        It cannot be unpacked, is too large, or holds no or several layers.
    """
    with tempfile.TemporaryDirectory(prefix="technobelt-") as scratch:
        try:
            with zipfile.ZipFile(path) as archive:
                files = _unpack(archive, Path(scratch), f"layer '{name}' ({path.name})")
        except Exception as error:  # zipfile, zlib, lzma and the disk have errors of their own
            raise _unreadable(name, path, error) from error
        yield _chosen(files, layer, f"layer '{name}' ({path.name})", name)


def _unreadable(name: str, path: Path, error: Exception) -> LayerError:
    if isinstance(error, LayerError):
        return error
    reason = " ".join(str(error).split()) or type(error).__name__
    return LayerError(
        f"layer '{name}' ({path.name}) cannot be unpacked: {reason}. Zip it again, or unpack it."
    )


def _unpack(archive: zipfile.ZipFile, scratch: Path, what: str) -> list[Path]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    left, total = LIMIT_BYTES, sum(entry.file_size for entry in entries)
    if len(entries) > _FILES_MAX or total > left:
        raise LayerError(
            f"{what} unpacks to {counted(len(entries), 'file')} of {total / 2**30:.1f} GiB; "
            f"at most {_FILES_MAX:,} files of {left / 2**30:g} GiB are unpacked. "
            "Unpack it yourself, and name the layer's file."
        )
    files = []
    for entry in entries:
        target = scratch / PurePosixPath(entry.filename.replace("\\", "/")).name  # flat: no ../
        if target.name in {"", ".", ".."} or target.exists():
            continue
        left -= _copy(archive, entry, target, left, what)
        files.append(target)
    return files


def _copy(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int, what: str
) -> int:
    """Unpack one file; what its header says of its size may be a lie."""
    written = 0
    with archive.open(entry) as source, target.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > left:
                raise LayerError(f"{what} unpacks to more than its index says. Zip it again.")
            sink.write(chunk)
    return written


def _chosen(files: list[Path], layer: str | None, what: str, name: str) -> tuple[Path, str | None]:
    shapes = [file for file in files if file.suffix.lower() in _SHAPES]
    if not shapes:
        found = ", ".join(sorted(file.name for file in files)[:8]) or "nothing"
        raise LayerError(
            f"{what} holds no layer; found: {found}. Zip the .shp with its .dbf, .shx and .prj."
        )
    if len(shapes) == 1:
        only = shapes[0]
        return only, None if only.suffix.lower() == ".shp" else layer
    named = [file for file in shapes if file.stem == (layer or name)]
    if len(named) == 1:
        return named[0], None
    found = ", ".join(sorted(file.stem for file in shapes))
    raise LayerError(
        f"{what} holds several layers: {found}. Name one in region.toml: "
        f'[layers.{name}] layer = "...".'
    )
