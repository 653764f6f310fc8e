"""Unpack a layer of a zip file, within limits: a small archive can fill a disk."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from technobelt.errors import NetworkError, OutputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["unpacked"]

_LARGEST_BYTES = 8_000_000_000
#: What is packed more densely than this, and large, is a trap.
_DENSE, _LARGE_BYTES = 200, 200_000_000
_PARTS = {".shp", ".shx", ".dbf", ".prj", ".cpg"}


@contextmanager
def unpacked(path: Path, layers: Collection[str]) -> Iterator[Path]:
    """Give a folder with the shapefiles of some names, unpacked; it is gone afterwards.

    Parameters
    ----------
    path
        The zip file; its folders do not matter.
    layers
        Names of the shapefiles, in capitals, without a suffix.

    Yields
    ------
    pathlib.Path

    Raises
    ------
    NetworkError
        It is no zip file, is broken, is locked by a password or would unpack to far too much.
    OutputError
        There is no room to unpack it.
    """
    with tempfile.TemporaryDirectory(prefix="technobelt-") as folder:
        try:
            with zipfile.ZipFile(path) as packed:
                _take(packed, path.name, layers, Path(folder))
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise NetworkError(
                f"'{path.name}' cannot be unpacked ({error}). Unpack it yourself, and name the "
                f"folder."
            ) from error
        except OSError as error:
            raise OutputError(
                f"'{path.name}' could not be unpacked into {folder} ({error}). Make room there, or "
                "unpack it yourself and name the folder."
            ) from error
        yield Path(folder)


def _take(packed: zipfile.ZipFile, name: str, layers: Collection[str], folder: Path) -> None:
    wanted = {}
    for entry in packed.infolist():
        file = PurePosixPath(entry.filename.replace("\\", "/"))
        if file.stem.upper() in layers and file.suffix.lower() in _PARTS:
            wanted[file.stem.upper() + file.suffix.lower()] = entry
    whole = sum(entry.file_size for entry in wanted.values())
    size = sum(entry.compress_size for entry in wanted.values())
    if whole > _LARGEST_BYTES or (whole > _LARGE_BYTES and whole > _DENSE * size):
        raise NetworkError(
            f"'{name}' would unpack from {size:,} to {whole:,} bytes, which no road layer does. "
            "Unpack it yourself if you trust it, and name the folder."
        )
    for target, entry in wanted.items():
        with packed.open(entry) as source, (folder / target).open("wb") as sink:
            shutil.copyfileobj(source, sink)
