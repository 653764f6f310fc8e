"""The font that lies beside the styles -> a rule for pages with the glyphs in use, and for figures.

``maps/style/fonts/hangul.ttf`` has all 11,172 syllables of modern Hangul and the compatibility
letters, nothing else: what is not Hangul is the business of the reader's own fonts.
"""

from __future__ import annotations

import base64
import io
import re
import unicodedata
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from technobelt.fonts.subset import subset
from technobelt.style import style_folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["FAMILY", "embedded_css", "figure_families", "hangul_file", "with_hangul"]

#: What style sheets call the font. No installed font has this name, so that all readers see one.
FAMILY = "Technobelt Hangul"
#: Single letters as they are written alone, syllables, and letters that browsers put together.
_HANGUL = ((0x3131, 0x318E), (0xAC00, 0xD7A3))
_RANGE = "U+1100-11FF,U+3131-318E,U+AC00-D7A3"


def hangul_file() -> Path:
    """Return the font's file, TrueType."""
    return style_folder() / "fonts" / "hangul.ttf"


def embedded_css(texts: Iterable[str]) -> str:
    r"""Return a ``@font-face`` rule with the glyphs of the Hangul in some texts.

    Parameters
    ----------
    texts
        All that a page may show: whole pages with their markup do as well as names. Letters may be
        written as scripts do (``\uAC00``).

    Returns
    -------
    str
        The rule for the family `FAMILY`, the font inside as base64 WOFF; empty where no text has
        Hangul. The same texts give the same rule, to the byte.

    Examples
    --------
    >>> embedded_css(["Changwon"])
    ''
    >>> embedded_css(["Changwon", "창원"])[:43]
    '@font-face{font-family:"Technobelt Hangul";'
    """
    hangul = {code for text in texts for code in _codes(text) if _is_hangul(code)}
    if not hangul:
        return ""
    font = base64.b64encode(_woff(frozenset(hangul))).decode("ascii")
    source = f'url(data:font/woff;base64,{font}) format("woff")'
    return f'@font-face{{font-family:"{FAMILY}";src:{source};unicode-range:{_RANGE}}}'


def with_hangul(page: str) -> str:
    """Return a whole HTML page with the font for its Hangul in its head.

    Its style sheet must name the family `FAMILY`.

    Examples
    --------
    >>> with_hangul("<html><head></head><body>창원</body></html>")[:53]
    '<html><head><style>@font-face{font-family:"Technobelt'
    """
    rule = embedded_css([page])
    return page.replace("</head>", f"<style>{rule}</style>\n</head>", 1) if rule else page


def _codes(text: str) -> set[int]:
    escaped = {int(digits, 16) for digits in re.findall(r"\\u([0-9A-Fa-f]{4})", text)}
    return escaped | set(map(ord, unicodedata.normalize("NFC", text)))


def _is_hangul(code: int) -> bool:
    return any(low <= code <= high for low, high in _HANGUL)


@cache
def _woff(codes: frozenset[int]) -> bytes:
    """Return a font of some codes, compressed; map and report of one run often ask for the same."""
    font = subset(hangul_file(), sorted(codes))
    font.flavor = "woff"
    file = io.BytesIO()
    font.save(file)
    return file.getvalue()


@cache
def figure_families() -> list[str]:
    """Return the families for matplotlib's ``font.family``: its own, then the one with Hangul.

    Examples
    --------
    >>> figure_families()
    ['sans-serif', 'Technobelt Hangul']
    """
    from matplotlib.font_manager import fontManager, get_font, ttfFontProperty

    regular = ttfFontProperty(get_font(hangul_file()))
    # Bold Hangul is drawn as regular, without matplotlib's warning that there is no other.
    fontManager.ttflist += [regular, replace(regular, weight=700)]
    return ["sans-serif", FAMILY]
