"""Make ``maps/style/fonts/hangul.ttf`` again: ``python -m technobelt.fonts.make NanumSquareR.ttf``.

The source is NanumSquare Regular of NAVER Corporation, as in Debian's package fonts-nanum
(20200506-1), under the SIL Open Font License 1.1. Its glyphs are put together of letters that they
share, so that all syllables take less room than the 2,350 of KS X 1001 do in other fonts. The
licence keeps the name Nanum for the unchanged font: what is cut out of it has a name of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from technobelt.fonts.embedded import _HANGUL, FAMILY, hangul_file
from technobelt.fonts.subset import subset
from technobelt.writing import replace_file

__all__ = ["make"]

_COPYRIGHT, _FAMILY, _STYLE, _ID, _FULL, _POSTSCRIPT, _LICENCE, _LICENCE_URL = (
    *(0, 1, 2, 3, 4, 6),
    *(13, 14),
)
_WINDOWS = (3, 1, 0x409)


def make(source: str | Path, target: str | Path | None = None) -> Path:
    """Write the font with all of Hangul, under a name of its own.

    Parameters
    ----------
    source
        NanumSquareR.ttf.
    target
        Where to; beside the styles by default.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    codes = [code for low, high in _HANGUL for code in range(low, high + 1)]
    font = subset(Path(source), codes)
    names = font["name"]
    copyright_ = names.getDebugName(_COPYRIGHT)
    names.names = []
    told = {
        _COPYRIGHT: copyright_,
        _FAMILY: FAMILY,
        _STYLE: "Regular",
        _ID: f"{FAMILY} Regular",
        _FULL: FAMILY,
        _POSTSCRIPT: FAMILY.replace(" ", ""),
        _LICENCE: "SIL Open Font License, Version 1.1. A part of another font; see OFL.txt.",
        _LICENCE_URL: "https://openfontlicense.org",
    }
    for name, text in told.items():
        names.setName(text, name, *_WINDOWS)
    path = Path(target) if target is not None else hangul_file()
    with replace_file(path) as scratch:
        font.save(scratch)
    return path


if __name__ == "__main__":
    make(*sys.argv[1:3])
