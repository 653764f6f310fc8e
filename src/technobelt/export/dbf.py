"""dBASE tables (``.dbf``), the attribute half of a shapefile.

Written here rather than by GDAL, which gives every real number 15 decimals in 24 places: large
numbers lose digits and small ones become zero. Here each field is as wide as its widest value and
a number is written with the fewest digits that read back as the same number.

The format: dBASE III plus, one record after the other, blanks for null
(https://www.clicketyclick.dk/databases/xbase/format/dbf.html).
"""

from __future__ import annotations

import re
import struct
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from technobelt.errors import OutputError
from technobelt.export.columns import PlainColumn, iso_texts

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["Encoding", "Field", "dbf_bytes", "dbf_size", "make_field"]

Encoding = Literal["UTF-8", "CP949"]

#: Bytes of text that a field holds: 255 by the format, 254 in dBASE and ArcGIS.
TEXT_BYTES = 254
#: Digits and sign of an integer that GDAL still reads as one, not as a real number.
INTEGER_WIDTH = 18
#: Fields a table; more are not read by dBASE or ArcGIS.
MAX_FIELDS = 255

_REAL_WIDTH = 24
_REAL_DECIMALS = 15
#: Language driver id: none for UTF-8 (the .cpg says it), 0x4E for Korean (code page 949).
_LANGUAGE: dict[Encoding, int] = {"UTF-8": 0x00, "CP949": 0x4E}
#: What is written for characters that a code page lacks: a licence must keep its notice.
_STAND_INS = {"©": "(c)", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2022": "*", "\xa0": " "}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
#: The header's "last update" as year since 1900, month, day: a fixed one, 2000-01-01, so that the
#: same table makes the same file.
_UPDATED = (100, 1, 1)


@dataclass(frozen=True)
class Field:
    """One field: its short name, dBASE type, width, cells as written and values as read back."""

    name: str
    column: PlainColumn
    code: Literal["C", "N", "F"]
    width: int
    decimals: int
    cells: list[bytes]
    expected: list[Any]
    notes: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What a reader takes it for."""
        return {"C": "text", "F": "number"}.get(self.code, "number" if self.decimals else "integer")


def make_field(column: PlainColumn, name: str, encoding: Encoding) -> Field:
    """Lay out one column as a field.

    Examples
    --------
    >>> from technobelt.export.columns import PlainColumn
    >>> field = make_field(PlainColumn("t", "t", "number", [90.0, 0.25, None]), "t", "UTF-8")
    >>> field.code, field.width, field.decimals, field.cells
    ('N', 5, 2, [b'90.0', b'0.25', b''])
    """
    return _filled(column, name, encoding) if column.data else _unfilled(column, name)


def _filled(column: PlainColumn, name: str, encoding: Encoding) -> Field:
    if column.kind == "boolean":
        flags = [None if value is None else int(value) for value in column.data]
        return _integers(column, name, flags, "true and false as 1 and 0")
    if column.kind == "integer":
        digits = [str(value) for value in column.data if value is not None]
        if max(map(len, digits), default=1) <= INTEGER_WIDTH:
            return _integers(column, name, column.data)
        note = f"integers of more than {INTEGER_WIDTH} digits as text"
        return _texts(column, name, _strings(column.data), encoding, note)
    if column.kind == "number":
        return _numbers(column, name)
    if column.kind == "datetime":
        return _texts(column, name, iso_texts(column.data), encoding, "date and time as ISO text")
    return _texts(column, name, column.data, encoding)


def _unfilled(column: PlainColumn, name: str) -> Field:
    """Lay out a column without rows as wide as the format allows."""
    if column.kind in {"boolean", "integer"}:
        return Field(name, column, "N", INTEGER_WIDTH, 0, [], [], ())
    if column.kind == "number":
        return Field(name, column, "F", _REAL_WIDTH, _REAL_DECIMALS, [], [], ())
    return Field(name, column, "C", TEXT_BYTES, 0, [], [], ())


def _strings(values: Sequence[Any]) -> list[str | None]:
    return [None if value is None else str(value) for value in values]


def _integers(column: PlainColumn, name: str, values: Sequence[int | None], *notes: str) -> Field:
    cells = [b"" if value is None else str(value).encode() for value in values]
    width = max(1, *map(len, cells))
    return Field(name, column, "N", width, 0, cells, list(values), (*column.notes, *notes))


def _numbers(column: PlainColumn, name: str) -> Field:
    endless = [value in (float("inf"), float("-inf")) for value in column.data]
    expected = [None if cut else value for value, cut in zip(column.data, endless, strict=True)]
    texts = ["" if value is None else repr(value) for value in expected]
    decimals = max([len(text.partition(".")[2]) for text in texts] + [1])
    whole = max([len(text.partition(".")[0]) for text in texts] + [1])
    fixed = not any("e" in text for text in texts) and decimals <= _REAL_DECIMALS
    notes = [f"{sum(endless)} infinite values as null"] if any(endless) else []
    cells = [text.encode() for text in texts]
    if fixed and whole + 1 + decimals <= _REAL_WIDTH:
        said = (*column.notes, *notes)
        return Field(name, column, "N", whole + 1 + decimals, decimals, cells, expected, said)
    said = (*column.notes, *notes, "with exponents where needed")
    return Field(name, column, "F", _REAL_WIDTH, _REAL_DECIMALS, cells, expected, said)


@dataclass(frozen=True)
class _Cell:
    """One text as it is written, and what it lost on the way."""

    data: bytes
    trimmed: bool
    replaced: bool
    cut: bool
    emptied: bool


_NULL = _Cell(b"", trimmed=False, replaced=False, cut=False, emptied=False)


def _texts(
    column: PlainColumn,
    name: str,
    values: Sequence[str | None],
    encoding: Encoding,
    *notes: str,
) -> Field:
    known = {value: _cell(value, encoding) for value in set(values) if value is not None}
    cells = [_NULL if value is None else known[value] for value in values]
    read = {cell: cell.data.decode(encoding) or None for cell in {_NULL, *known.values()}}
    return Field(
        name,
        column,
        "C",
        max(1, *(len(cell.data) for cell in cells)),
        0,
        [cell.data for cell in cells],
        [read[cell] for cell in cells],
        (*column.notes, *notes, *_losses(cells, encoding)),
    )


def _cell(text: str, encoding: Encoding) -> _Cell:
    """Clean and encode a text, and cut it at the last whole character that fits."""
    kept = _CONTROL.sub(" ", text).strip(" ")
    plain = kept
    if not _fits(kept, encoding):  # a stand-in may be a blank, which would be lost at the end
        plain = "".join(_stand_in(one, encoding) for one in kept).strip(" ")
    whole = plain.encode(encoding)
    data = whole
    if len(whole) > TEXT_BYTES:
        data = whole[:TEXT_BYTES].decode(encoding, "ignore").rstrip(" ").encode(encoding)
    return _Cell(data, kept != text, plain != kept, data != whole, emptied=not data)


def _fits(text: str, encoding: Encoding) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _stand_in(letter: str, encoding: Encoding) -> str:
    """Return what is written for a character: itself, its plain form, or a question mark."""
    if _fits(letter, encoding):
        return letter
    plain = _STAND_INS.get(letter) or unicodedata.normalize("NFKD", letter)[0]
    seen = letter.isspace() or not plain.isspace()
    return plain if seen and _fits(plain, encoding) else "?"


def _losses(cells: Sequence[_Cell], encoding: Encoding) -> list[str]:
    """Say what was lost, and where first."""
    lost = {
        f"texts cut at {TEXT_BYTES} bytes": [cell.cut for cell in cells],
        f"texts with stand-ins or '?' for characters that {encoding} lacks": [
            cell.replaced for cell in cells
        ],
        "texts without the blanks at their ends or control characters": [
            cell.trimmed for cell in cells
        ],
        "empty texts read back as null": [cell.emptied for cell in cells],
    }
    return [
        f"{sum(rows)} {what} (first in row {rows.index(True) + 1})"
        for what, rows in lost.items()
        if any(rows)
    ]


def dbf_size(fields: Sequence[Field], n_rows: int) -> int:
    """Return the size in bytes that the table will have."""
    return 32 + 32 * len(fields) + 2 + n_rows * (1 + sum(field.width for field in fields))


def dbf_bytes(fields: Sequence[Field], encoding: Encoding) -> bytes:
    r"""Return the whole table as bytes.

    Raises
    ------
    OutputError
        There are more than 255 fields.

    Examples
    --------
    >>> from technobelt.export.columns import PlainColumn
    >>> field = make_field(PlainColumn("n", "n", "integer", [7, None]), "n", "UTF-8")
    >>> dbf_bytes([field], "UTF-8")[-6:]
    b'\r 7  \x1a'
    """
    if len(fields) > MAX_FIELDS:
        raise OutputError(
            f"a shapefile holds {MAX_FIELDS} columns, this table has {len(fields)}. "
            "Leave some out, or write a .gpkg."
        )
    n_rows = len(fields[0].cells)
    parts = [_header(fields, n_rows, encoding), *(_descriptor(field, encoding) for field in fields)]
    return b"".join([*parts, b"\r", _records(fields, n_rows), b"\x1a"])


def _header(fields: Sequence[Field], n_rows: int, encoding: Encoding) -> bytes:
    length = 32 + 32 * len(fields) + 1
    record = 1 + sum(field.width for field in fields)
    head = struct.pack("<B3BIHH", 0x03, *_UPDATED, n_rows, length, record)
    return head + struct.pack("<16xBB2x", 0, _LANGUAGE[encoding])


def _descriptor(field: Field, encoding: Encoding) -> bytes:
    name, code = field.name.encode(encoding), field.code.encode()
    return struct.pack("<11sc4xBB14x", name, code, field.width, field.decimals)


def _records(fields: Sequence[Field], n_rows: int) -> bytes:
    """Lay the cells side by side: text to the left, numbers to the right, a blank before each."""
    columns = [np.full((n_rows, 1), ord(" "), dtype=np.uint8)]
    for field in fields:
        pad = bytes.ljust if field.code == "C" else bytes.rjust
        joined = b"".join(pad(cell, field.width) for cell in field.cells)
        columns.append(np.frombuffer(joined, dtype=np.uint8).reshape(n_rows, field.width))
    return np.hstack(columns).tobytes()
