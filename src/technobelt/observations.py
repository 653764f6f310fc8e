"""Observed travel times, read from a table: which trip took how long."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.errors import (
    CRSError,
    MissingColumnError,
    MissingFileError,
    ObservationError,
    PointError,
)
from technobelt.layers import facilities, find_place, not_located

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import geopandas as gpd

    from technobelt.region import Region

__all__ = ["Observations", "read_observations"]

_NEEDED = ("from", "to", "time_min")
#: The header is line 1 of the file.
_FIRST_LINE = 2


@dataclass(frozen=True, eq=False)
class Observations:
    """Trips and how long they took.

    Attributes
    ----------
    file
        Name of the file.
    trips
        DataFrame: ``line`` of the file, ``from_id``, ``to_id``, ``time_min`` (door to door),
        ``weight`` (1 where none is given).
    places
        Their ends by id, WGS 84.
    """

    file: str
    trips: pd.DataFrame
    places: gpd.GeoDataFrame


def read_observations(path: str | Path, region: Region) -> Observations:
    r"""Read observed trips from a CSV file.

    Parameters
    ----------
    path
        Columns ``from`` and ``to`` (a facility's id or name, or ``LON,LAT``), ``time_min`` (minutes
        door to door), and ``weight`` if some trips count for more. UTF-8. Others are left alone.
    region
        Whose facilities may be named.

    Returns
    -------
    Observations
        In the order of the file; a pair may come more than once.

    Raises
    ------
    MissingFileError, MissingColumnError
        There is no such file, or it lacks a column.
    ObservationError
        The file is no such table, or a time or weight is none; with the line.
    PointError
        A place is unknown or not located, or a trip ends where it begins; with the line.

    Examples
    --------
    >>> import tempfile
    >>> import technobelt as tb
    >>> with tempfile.TemporaryDirectory() as home:
    ...     file = Path(home) / "seen.csv"
    ...     _ = file.write_text("from,to,time_min\nUNI01,UNI02,62\n")
    ...     seen = read_observations(file, tb.load_region())
    >>> seen.trips["from_id"].tolist(), seen.trips["time_min"].tolist()
    (['UNI01'], [62.0])
    """
    source = Path(path)
    table = _table(source)
    missing = [column for column in _NEEDED if column not in table]
    if missing:
        raise MissingColumnError(
            f"'{source.name}' needs column '{missing[0]}'; found: {', '.join(table.columns)}. "
            f"Its columns are {', '.join(_NEEDED)} and, if need be, weight."
        )
    lines = range(_FIRST_LINE, _FIRST_LINE + len(table))
    weights = table["weight"].fillna("1") if "weight" in table else ["1"] * len(table)
    found = _Places(region)

    def each(look: Callable[[int, Any, str], Any], cells: Iterable[Any], column: str) -> list[Any]:
        return [look(line, cell, column) for line, cell in zip(lines, cells, strict=True)]

    trips = pd.DataFrame(
        {
            "line": lines,
            "from_id": each(found.find, table["from"], "from"),
            "to_id": each(found.find, table["to"], "to"),
            "time_min": each(_above_zero, table["time_min"], "time_min"),
            "weight": each(_above_zero, weights, "weight"),
        }
    )
    same = trips["from_id"] == trips["to_id"]
    if same.any():
        first = trips[same].iloc[0]
        raise PointError(
            f"line {first['line']}: the trip ends where it begins, at '{first['from_id']}'. Name "
            "two places."
        )
    return Observations(source.name, trips, found.frame())


def _table(source: Path) -> pd.DataFrame:
    if not source.is_file():
        raise MissingFileError(f"no file '{source}'. Name a CSV file of observed trips.")
    try:
        table = pd.read_csv(source, dtype=str, encoding="utf-8-sig", skip_blank_lines=False)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise ObservationError(
            f"'{source.name}' is no table of observed trips: {reason}. Save it as CSV in UTF-8, "
            "with LON,LAT in quotation marks."
        ) from error
    table.columns = [str(name).strip() for name in table.columns]
    return table


def _above_zero(line: int, text: Any, column: str) -> float:
    number = pd.to_numeric(text, errors="coerce")
    if not (np.isfinite(number) and number > 0):
        shown = "nothing" if pd.isna(text) else f"'{text}'"
        raise ObservationError(
            f"line {line}: {column} must be a number above zero, found {shown}. Correct it, or "
            "take the line out."
        )
    return float(number)


class _Places:
    """The places that texts name, each looked up once."""

    def __init__(self, region: Region) -> None:
        self._known = facilities(region)
        self._lost = not_located(region)
        self._found: dict[str, gpd.GeoDataFrame] = {}

    def find(self, line: int, text: Any, column: str) -> str:
        """Return the id of the place that a cell names."""
        if pd.isna(text) or not str(text).strip():
            raise PointError(f"line {line}: '{column}' is empty. Give an id, a name or LON,LAT.")
        name = str(text).strip()
        if (self._lost.index.isin([name]) | (self._lost["name"] == name)).any():
            raise PointError(f"line {line}: '{name}' is not located. Give LON,LAT instead.")
        try:
            place = self._found.get(name)
            place = find_place(self._known, name) if place is None else place
        except (PointError, CRSError) as error:
            raise type(error)(f"line {line}, '{column}': {error}") from error
        self._found[name] = place
        return str(place.index[0])

    def frame(self) -> gpd.GeoDataFrame:
        """Return all places found, by id."""
        import geopandas as gpd

        if not self._found:
            return gpd.GeoDataFrame(self._known.iloc[:0])
        together = gpd.GeoDataFrame(pd.concat(self._found.values()))
        return together[~together.index.duplicated()]
