"""Mend a text table (CSV): texts, rows and coordinates; all else in it stays as it was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from technobelt.layer_files import coordinate_columns, guess_encoding, raw_table
from technobelt.schema import WGS84
from technobelt.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pandas as pd

    from technobelt.doctor.findings import Remedy
    from technobelt.region import LayerFile

__all__ = ["mend_table"]

_BOM = b"\xef\xbb\xbf"


def mend_table(
    path: Path, file: LayerFile, remedies: Iterable[Remedy], keep: Callable[[Path], str]
) -> list[str]:
    """Do what remedies say to a text table.

    Parameters
    ----------
    path, file
        The table, and what ``region.toml`` says of it.
    remedies
        Those that bear on it.
    keep
        Copies the file before it is changed, and returns the copy's name.

    Returns
    -------
    list of str
        What was done, and what a table cannot hold.
    """
    table, separator = raw_table(path, file)
    told: list[str] = []
    refused: list[str] = []
    for remedy in remedies:
        table, what, mended = _mended(table, remedy, file)
        (told if mended else refused).append(what)
    lines = [f"{path.name}: not mended: {what}" for what in refused]
    if not told:
        return lines
    encoding = _encoding(path, file)
    kept = keep(path)
    with replace_file(path) as scratch:
        table.to_csv(scratch, sep=separator, index=False, encoding=encoding)
    return [f"{path.name}: {', '.join(told)}; as it was: {kept}", *lines]


def _mended(table: pd.DataFrame, remedy: Remedy, file: LayerFile) -> tuple[pd.DataFrame, str, bool]:
    if remedy.kind == "strip":
        return table.apply(lambda column: column.str.strip()), "blanks taken off", True
    if remedy.kind == "duplicates":
        same = table.duplicated()
        return table[~same], f"rows that came twice taken out: {int(same.sum())}", True
    if remedy.kind == "crs":
        return _turned(table, remedy, file)
    return table, "shapes of a table; save the layer as GeoPackage and name that", False


def _turned(table: pd.DataFrame, remedy: Remedy, file: LayerFile) -> tuple[pd.DataFrame, str, bool]:
    """Exchange the columns of coordinates; the CRS is for ``region.toml`` to say."""
    columns = coordinate_columns(table, file)
    if not (remedy.swap and columns and columns[2] and remedy.crs == WGS84 and not file.crs):
        swapped = "exchange x and y, and " if remedy.swap else ""
        return table, f'{swapped}write crs = "{remedy.crs}" for it in region.toml', False
    x, y, _ = columns
    return table.assign(**{x: table[y], y: table[x]}), f"{x} and {y} exchanged", True


def _encoding(path: Path, file: LayerFile) -> str:
    data = path.read_bytes()
    if data.startswith(_BOM):
        return "utf-8-sig"
    return file.encoding or guess_encoding(data) or "utf-8"
