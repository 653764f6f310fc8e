"""A font with some of another's letters, without what neither a page nor a figure needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["subset"]

#: Upright metrics, marks of the tools that made the font, signatures that a change would break.
_DROPPED = (
    *("vhea", "vmtx", "VORG", "BASE", "DSIG", "GDEF", "FFTM"),
    *("TSI0", "TSI1", "TSI2", "TSI3", "TSI5"),
)


def subset(file: Path, codes: Iterable[int]) -> Any:
    """Return a font (a `fontTools.ttLib.TTFont`) with the letters of some code points.

    Parameters
    ----------
    file
        A TrueType font.
    codes
        Unicode code points; those that the font lacks are passed over.

    Examples
    --------
    >>> from technobelt.fonts import hangul_file
    >>> [hex(code) for code in subset(hangul_file(), [ord("가")]).getBestCmap()]
    ['0xac00']
    """
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    options = Options(hinting=False, glyph_names=False, notdef_outline=True, layout_features=[])
    options.drop_tables += _DROPPED
    options.name_IDs = ["*"]
    # The time of the last change would differ from run to run.
    font = TTFont(file, recalcTimestamp=False)
    maker = Subsetter(options)
    maker.populate(unicodes=codes)
    maker.subset(font)
    return font
