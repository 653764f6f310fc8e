"""One palette and symbology for the map, the figures and QGIS.

The colours stand in ``maps/style/style.toml``; this module only finds and reads them.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from functools import cache
from itertools import cycle, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from technobelt.errors import MissingFileError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "band_colours",
    "cluster_colours",
    "load_style",
    "margin_class",
    "readable",
    "road_style",
    "style_folder",
]

#: Of text to its ground, WCAG 2, level AA.
_CONTRAST = 4.5


def style_folder() -> Path:
    """Return the folder with the styles: the package's own, else the checkout's.

    Raises
    ------
    MissingFileError
        Neither is there.
    """
    here = Path(__file__).resolve().parent
    for place in (here / "data" / "style", here.parents[1] / "maps" / "style"):
        if (place / "style.toml").is_file():
            return place
    raise MissingFileError("the styles are missing from this installation. Reinstall technobelt.")


@cache
def load_style() -> dict[str, Any]:
    """Return the palette as nested dictionaries.

    Examples
    --------
    >>> load_style()["clusters"]["east"]
    '#0072B2'
    """
    return tomllib.loads((style_folder() / "style.toml").read_text(encoding="utf-8"))


def cluster_colours(clusters: Iterable[str]) -> dict[str, str]:
    """Return a colour for each cluster; those that the palette does not know take what is left.

    Up to eight are told apart by everybody; beyond that they take turns, and names tell them apart.

    Examples
    --------
    >>> cluster_colours(["west", "north"])
    {'west': '#009E73', 'north': '#0072B2'}
    >>> len(set(cluster_colours(["a", "b", "c", "d", "e", "f", "g", "h"]).values()))
    8
    """
    palette = load_style()["clusters"]
    named: dict[str, str] = {k: v for k, v in palette.items() if k not in {"more", "other"}}
    wanted = list(clusters)
    free = [colour for name, colour in named.items() if name not in wanted]
    turns = cycle([*free, *palette["more"]])
    return {name: named.get(name) or next(turns) for name in wanted}


def band_colours(limits: Iterable[float]) -> dict[float, str]:
    """Return the fill of each isochrone band that is drawn together, in minutes.

    A limit has the colour of the palette's nearest limit at or above; where two would share one,
    all are spread over the palette's hues in even steps of lightness, the shortest the darkest. Up
    to nine stay apart for everybody and on a grey print; of more, neighbours look alike.

    Examples
    --------
    >>> band_colours([30, 60, 90])
    {30.0: '#08519C', 60.0: '#4292C6', 90.0: '#9ECAE1'}
    >>> len(set(band_colours([15, 30, 60, 90]).values()))
    4
    """
    palette = {float(limit): str(colour) for limit, colour in load_style()["bands"].items()}
    known = sorted(palette)
    wanted = sorted({float(limit) for limit in limits})
    above = [next((one for one in known if one >= limit), known[-1]) for limit in wanted]
    if len(set(above)) == len(wanted):
        return {limit: palette[one] for limit, one in zip(wanted, above, strict=True)}
    ramp = _ramp([palette[one] for one in known])
    dark, light = (_lightness(ramp[end]) for end in (0, -1))
    steps = [dark + (light - dark) * i / (len(wanted) - 1) for i in range(len(wanted))]
    return {limit: _as_light(ramp, at) for limit, at in zip(wanted, steps, strict=True)}


#: Colours between two of a palette, so that steps of lightness are met within a tenth.
_BETWEEN = 100


def _ramp(colours: list[str]) -> list[str]:
    """Return a palette with the colours between its own, straight through sRGB."""
    ends = [(_channels(one), _channels(two)) for one, two in pairwise(colours)]
    shares = [step / _BETWEEN for step in range(_BETWEEN)]
    between = [[_mixed(one, two, share) for share in shares] for one, two in ends]
    return [*(colour for part in between for colour in part), colours[-1]]


def _as_light(colours: list[str], lightness: float) -> str:
    return min(colours, key=lambda colour: abs(_lightness(colour) - lightness))


def _mixed(one: list[int], two: list[int], share: float) -> str:
    mixed = (round(a + (b - a) * share) for a, b in zip(one, two, strict=True))
    return "#" + "".join(f"{value:02X}" for value in mixed)


def _lightness(colour: str) -> float:
    """Return the lightness L* of CIE 1976, 0 to 100."""
    luminance = _luminance(colour)
    small = luminance <= (6 / 29) ** 3
    return luminance * (29 / 3) ** 3 if small else 116 * float(luminance ** (1 / 3)) - 16


def margin_class(margin_min: float) -> int:
    """Return the number of a margin's colour in ``margins.colours``: 0 is far over the limit.

    Just on the limit is within it; so is a trip just on a break nearer to the better side.

    Examples
    --------
    >>> [margin_class(minutes) for minutes in (-20, -15, -0.1, 0, 4.9, 5, 60)]
    [0, 1, 2, 3, 3, 4, 5]
    """
    breaks: list[float] = load_style()["margins"]["breaks"]
    return bisect_right(breaks, margin_min)


def readable(colour: str) -> str:
    """Return a colour dark enough for text on the map's grounds, as WCAG 2 asks (4.5 to 1).

    Parameters
    ----------
    colour
        ``#RRGGBB``; kept as it is where it is dark enough.

    Examples
    --------
    >>> readable("#FFFF00"), readable("#0B3C5D")
    ('#6B6B00', '#0B3C5D')
    """
    style = load_style()
    grounds = {**style["base"], **style["webmap"]}
    darkest = min(_luminance(grounds[name]) for name in ("land", "sea"))
    while (darkest + 0.05) / (_luminance(colour) + 0.05) < _CONTRAST:
        colour = "#" + "".join(f"{int(value * 0.97):02X}" for value in _channels(colour))
    return colour


def _channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _luminance(colour: str) -> float:
    """Return the relative luminance of sRGB, as WCAG 2 defines it."""
    shares = [value / 255 for value in _channels(colour)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shares]
    return sum(weight * v for weight, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def road_style(road_class: str) -> dict[str, Any]:
    """Return colour and width of a road class; a ramp takes its road's.

    Examples
    --------
    >>> road_style("motorway_link")["width"]
    2.2
    """
    roads: dict[str, dict[str, Any]] = load_style()["roads"]
    return roads.get(road_class.removesuffix("_link"), roads["tertiary"])
