"""matplotlib's drawing -> an ``<svg>`` element fit to stand in a page.

Text stays text, so that a reader's own fonts show every script.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

from technobelt.fonts import figure_families

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

__all__ = ["FONT_PT", "SMALL_PT", "WIDTH_IN", "drawn", "short"]

#: Printed width of a page's text, inches: A4 less its margins.
WIDTH_IN = 7.1
FONT_PT, SMALL_PT = 8.0, 7.0
#: Letters that no XML may hold.
_FORBIDDEN = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ufffe\\uffff]")
#: Nothing that would differ from run to run, or that no reader of a page sees.
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def drawn(name: str, size: tuple[float, float], draw: Callable[[Figure], None]) -> str:
    """Return what `draw` drew as an ``<svg>`` element.

    Parameters
    ----------
    name
        With what its ids begin, so that figures on one page do not share any; the page has its
        caption under the id ``NAME-caption``.
    size
        Width and height, inches.
    draw
        Called with the empty figure.

    Examples
    --------
    >>> drawn("a", (1, 1), lambda figure: None)[:15]
    '<svg role="img"'
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    text = io.StringIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": name, "font.size": FONT_PT}
    settings["font.family"] = figure_families()
    settings["text.parse_math"] = False  # a dollar in a name is a dollar
    with mpl.rc_context(settings), warnings.catch_warnings():
        # The reader's fonts draw the text; that matplotlib's own lacks a glyph does not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=size, facecolor="none")
        draw(figure)
        figure.savefig(text, format="svg", metadata=_NO_METADATA)
    return _embedded(text.getvalue(), name)


def _embedded(svg: str, name: str) -> str:
    """Take off prologue and styles, which would reach the page; make ids its own; round paths."""
    body = _FORBIDDEN.sub("", svg[svg.index("<svg") :])
    body = re.sub(
        r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", body, flags=re.DOTALL
    )
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(url\(#|href="#)', rf"\1{name}-", body)
    body = re.sub(r'(?<= d=")[^"]*', lambda found: _coarse(found.group()), body)
    # The page's style sheet names the fonts; upright text need not be told to stand upright.
    body = re.sub(r"font-family: [^;\"]*;\s*|\s*transform=\"rotate\(-?0 [^\"]*\"", "", body)
    body = re.sub(r"\s*\n\s*", " ", body)
    return body.replace("<svg ", f'<svg role="img" aria-labelledby="{name}-caption" ', 1).strip()


def _coarse(path: str) -> str:
    """Round a path to a tenth of a point.

    Examples
    --------
    >>> _coarse("M 1.2345 20 L 3.04 -0.01 z")
    'M1.2 20L3 0z'
    """
    rounded = re.sub(r"-?\d+\.\d+", lambda found: f"{round(float(found.group()), 1) + 0.0:g}", path)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", rounded)


def short(text: str, longest: int) -> str:
    """Put a text in one line and cut it, between words where it can be.

    Examples
    --------
    >>> short("Changwon National University", 20)
    'Changwon National …'
    """
    text = " ".join(text.split())
    if len(text) <= longest:
        return text
    head = text[: max(1, longest - 2)].rstrip()
    whole_words = head.rsplit(" ", 1)[0]
    return f"{whole_words if len(whole_words) > longest // 2 else head} …"
