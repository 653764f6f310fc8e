"""In which encoding a file's text is, where the file does not say so itself."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["guess_encoding", "shapefile_encoding", "unscrambled"]

#: So much of a table is looked at, bytes: enough of any language.
_SAMPLE = 4_000_000
#: The share of two-byte characters of CP949 that must be everyday hangul or hanja (KS X 1001): text
#: of western Europe may be valid CP949 by accident, but as rare syllables.
_KOREAN_SHARE = 0.8


def guess_encoding(data: bytes, *, whole: bool = True) -> str | None:
    """Guess the encoding of text: UTF-8, CP949 or CP1252; None where it is plain ASCII.

    Parameters
    ----------
    data
        The text.
    whole
        Whether that is all of it; else it may end inside a character.

    Examples
    --------
    >>> guess_encoding("창원".encode("cp949")), guess_encoding(b"plain")
    ('CP949', None)
    >>> guess_encoding("Forlì-Cesena".encode("cp1252"))
    'CP1252'
    """
    if data.isascii():
        return None
    if _decodes(data, "utf-8", whole=whole):
        return "UTF-8"
    return "CP949" if _is_korean(data, whole=whole) else "CP1252"


def shapefile_encoding(path: Path) -> tuple[str | None, str | None]:
    """Return the encoding that a shapefile declares, and the one to read it with.

    Parameters
    ----------
    path
        The ``.shp`` file.

    Returns
    -------
    str or None, str or None
        What its ``.cpg`` says, None without one; and that, unless the text is none of it: then the
        one that it seems to be in. None leaves the choice to GDAL.
    """
    said = _declared(path)
    data = _sample(path)
    whole = len(data) < _SAMPLE
    if data.isascii() or (said and _decodes(data, said, whole=whole)):
        return said, said
    return said, guess_encoding(data, whole=whole)


def unscrambled(text: str) -> str | None:
    """Return what a text was before it was read in the wrong encoding; None where it is right.

    Examples
    --------
    >>> unscrambled("창원".encode("cp949").decode("latin-1")), unscrambled("Forlì")
    ('창원', None)
    """
    if text.isascii():
        return None
    for wrong in ("latin-1", "cp1252"):
        try:
            data = text.encode(wrong)
        except UnicodeEncodeError:
            continue
        for right in ("utf-8", "cp949"):
            if _decodes(data, right) and (right == "utf-8" or _is_korean(data)):
                return data.decode(right)
    return None


def _declared(path: Path) -> str | None:
    for beside in (path.with_suffix(".cpg"), path.with_suffix(".CPG")):
        if beside.is_file():
            said = beside.read_text(encoding="latin-1").strip()
            return _known(said)
    return None


def _known(said: str) -> str | None:
    """Return an encoding by a name that Python knows; ``.cpg`` files may say ``949``."""
    digits = said.upper().removeprefix("ANSI").strip()
    name = f"CP{digits}" if digits.isdigit() and digits != "65001" else said
    try:
        codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    return name


def _sample(path: Path) -> bytes:
    """Return the text of the table beside a shapefile, without its binary header."""
    for beside in (path.with_suffix(".dbf"), path.with_suffix(".DBF")):
        if beside.is_file():
            with beside.open("rb") as stream:
                head = stream.read(32)
                stream.seek(int.from_bytes(head[8:10], "little"))
                return stream.read(_SAMPLE)
    return b""


def _decodes(data: bytes, encoding: str, *, whole: bool = True) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _is_korean(data: bytes, *, whole: bool = True) -> bool:
    try:
        text = codecs.getincrementaldecoder("cp949")().decode(data, final=whole)
    except UnicodeDecodeError:
        return False
    pairs = [char.encode("cp949") for char in text if not char.isascii()]
    everyday = sum(len(pair) == 2 and 0xB0 <= pair[0] <= 0xFD and pair[1] >= 0xA1 for pair in pairs)
    return bool(pairs) and everyday / len(pairs) >= _KOREAN_SHARE
