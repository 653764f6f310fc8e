"""matplotlib's drawing -> a picture file, with white around what is called halo.

A picture has matplotlib's font and one for Hangul: letters that both lack are left out.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from technobelt.figures.svg import FONT_PT, WIDTH_IN
from technobelt.fonts import figure_families, hangul_file
from technobelt.style import load_style

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = ["drawable", "picture"]

#: White around the drawing, inches; width of the picture, pixels.
_MARGIN_IN, _WIDTH_PX = 0.12, 1600
_HALO_PT = 1.6


def picture(path: Path, height_in: float, draw: Callable[[Figure], None]) -> Path:
    """Write what `draw` drew as a PNG about 1600 pixels wide, or an SVG, cut to what was drawn.

    Parameters
    ----------
    path
        Where to; its suffix says which of the two.
    height_in
        Height that the drawing has at most, inches.
    draw
        Called with the empty figure, as wide as a page's text.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = picture(Path(folder) / "a.png", 1.0, lambda figure: figure.add_subplot())
    ...     file.read_bytes()[1:4]
    b'PNG'
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    settings: Any = {"font.size": FONT_PT, "text.parse_math": False, "hatch.linewidth": 0.5}
    settings["svg.hashsalt"] = "picture"
    settings["font.family"] = figure_families()
    vector = path.suffix.lower() == ".svg"
    with mpl.rc_context(settings):
        figure = Figure(figsize=(WIDTH_IN, height_in), facecolor="#FFFFFF")
        FigureCanvasAgg(figure)
        draw(figure)
        _mend_texts(figure)
        dots = _WIDTH_PX / (WIDTH_IN + 2 * _MARGIN_IN)
        figure.savefig(
            path,
            dpi=dots,
            bbox_inches="tight",
            pad_inches=_MARGIN_IN,
            metadata={"Date": None, "Creator": None} if vector else {"Software": None},
        )
    return path


def drawable(text: str) -> bool:
    """Say whether the fonts have all letters.

    Examples
    --------
    >>> drawable("Changwon (창원), 42 km²"), drawable(chr(0xE000))
    (True, False)
    """
    return all(
        letter == "\n" or any(font.get_char_index(ord(letter)) for font in _fonts())
        for letter in text
    )


@cache
def _fonts() -> list[Any]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return [get_font(findfont(FontProperties())), get_font(hangul_file())]


def _mend_texts(figure: Figure) -> None:
    """Leave out letters that the fonts lack, and put white around what is called halo."""
    from matplotlib.patheffects import withStroke
    from matplotlib.text import Text

    white = withStroke(linewidth=_HALO_PT, foreground=load_style()["base"]["halo"])
    for text in figure.findobj(Text):
        if not drawable(text.get_text()):
            text.set_text("".join(filter(drawable, text.get_text())))
        if str(text.get_gid() or "").startswith("halo-"):
            text.set_path_effects([white])
