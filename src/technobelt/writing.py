"""Files replaced whole or not at all.

A result is first written into a scratch folder beside its destination, so that the last step is a
rename on one disk. If anything fails before, the old files stand as they were.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from technobelt.errors import OutputError, TechnobeltError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["not_written", "replace_file", "replace_files"]

_SCRATCH = ".technobelt-"


@contextmanager
def replace_files(folder: str | Path, *, stale: Iterable[str] = ()) -> Iterator[Path]:
    """Give a scratch folder; move all that was written there into `folder` at the end.

    Parameters
    ----------
    folder
        Where the files go; made if it is not there. Files of other names in it are left alone.
    stale
        Names of files of an earlier run that this one does not write and that would contradict it:
        taken away when the new ones are in place.

    Yields
    ------
    pathlib.Path
        An empty folder on the same disk.

    Raises
    ------
    OutputError
        If `folder` cannot be made or written, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     with replace_files(home) as scratch:
    ...         _ = (scratch / "a.txt").write_text("whole")
    ...     (Path(home) / "a.txt").read_text()
    'whole'
    """
    target = Path(folder)
    scratch = _scratch_beside(target)
    try:
        yield scratch
        _move_all(scratch, target, stale)
    except TechnobeltError:
        raise  # a missing input is an OSError too, and has said so itself
    except PermissionError as error:
        raise OutputError(_said(target, "is not writable", error)) from error
    except OSError as error:
        raise OutputError(_said(target, "could not be written", error)) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def replace_file(path: str | Path) -> Iterator[Path]:
    """Give a scratch path of the same name; move what was written there to `path` at the end.

    Parameters
    ----------
    path
        The file to replace. Companions written beside the scratch path (``.shx``, ``.dbf``)
        move with it.

    Yields
    ------
    pathlib.Path
        Where to write.

    Raises
    ------
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     with replace_file(Path(home) / "a.txt") as scratch:
    ...         _ = scratch.write_text("whole")
    ...     (Path(home) / "a.txt").read_text()
    'whole'
    """
    target = Path(path)
    with replace_files(target.parent) as scratch:
        yield scratch / target.name


def not_written(name: str, error: Exception, *, disk: bool = True) -> OutputError:
    """Return what to say when GDAL cannot write a file.

    Parameters
    ----------
    name
        Of the file.
    error
        What GDAL raised.
    disk
        The disk may be full: GDAL's words do not tell that from other reasons.

    Examples
    --------
    >>> print(not_written("a.tif", RuntimeError("Seek error.")))
    'a.tif' could not be written: Seek error. Nothing was replaced; is there room on the disk?
    """
    lines = dict.fromkeys(" ".join(line.split()) for line in str(error).splitlines())
    said = re.sub(rf"\S*{re.escape(_SCRATCH)}\w+/", "", " ".join(lines)).rstrip(".")
    todo = "; is there room on the disk?" if disk else "; choose another format or name."
    return OutputError(f"'{name}' could not be written: {said}. Nothing was replaced{todo}")


def _scratch_beside(target: Path) -> Path:
    try:
        target.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=target))
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputError(_said(target, "is not a folder", error)) from error
    except OSError as error:
        raise OutputError(_said(target, "cannot be written to", error)) from error


def _move_all(scratch: Path, target: Path, stale: Iterable[str]) -> None:
    """Move every file to its place; if one cannot be moved, put back what stood there."""
    sources = sorted(path for path in scratch.rglob("*") if path.is_file())
    for source in sources:
        _refuse_open_database(target / source.relative_to(scratch))
    kept = scratch / ".replaced"
    kept.mkdir()
    done: list[tuple[Path, Path]] = []
    try:
        for source in sources:
            name = source.relative_to(scratch)
            destination, old = target / name, kept / name
            destination.parent.mkdir(parents=True, exist_ok=True)
            if destination.is_file():
                old.parent.mkdir(parents=True, exist_ok=True)
                os.replace(destination, old)  # noqa: PTH105  (Path.replace says less in its errors)
            done.append((destination, old))
            os.replace(source, destination)  # noqa: PTH105
        for left in stale:
            destination, old = target / left, kept / left
            if destination.is_file():
                os.replace(destination, old)  # noqa: PTH105
                done.append((destination, old))
    except OSError:
        for destination, old in reversed(done):
            if destination.is_file():
                destination.unlink()
            if old.is_file():
                os.replace(old, destination)  # noqa: PTH105
        raise


def _refuse_open_database(file: Path) -> None:
    """Refuse to replace a GeoPackage that another program has open.

    Its journal would be played back into the new file, which would then be neither.
    """
    if file.suffix.lower() != ".gpkg" or not file.is_file():
        return
    journal = file.with_name(f"{file.name}-wal")
    busy = False
    try:
        with closing(sqlite3.connect(file, timeout=0)) as database:
            database.execute("BEGIN EXCLUSIVE")
            database.execute("ROLLBACK")
    except sqlite3.Error as error:
        busy = error.sqlite_errorcode in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    if busy or journal.is_file():  # the last one to close a database takes its journal away
        raise OutputError(
            f"'{file}' is open in another program, e.g. QGIS. Nothing was replaced; close it "
            "there, or choose another --out."
        )


def _said(target: Path, what: str, error: OSError) -> str:
    reason = error.strerror or str(error)
    where = _outermost(target)
    return f"output folder '{where}' {what} ({reason}). Nothing was replaced; choose another --out."


def _outermost(target: Path) -> Path:
    """Return the folder that was asked for, of one that lies in the scratch folder of another."""
    inner = next((one for one in [target, *target.parents][::-1] if _is_scratch(one)), None)
    return target if inner is None else inner.parent


def _is_scratch(path: Path) -> bool:
    return path.name.startswith(_SCRATCH)
