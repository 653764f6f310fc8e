"""Hangul whether or not the machine has a font for it: in pages, and in pictures."""

from technobelt.fonts.embedded import (
    FAMILY,
    embedded_css,
    figure_families,
    hangul_file,
    with_hangul,
)

__all__ = ["FAMILY", "embedded_css", "figure_families", "hangul_file", "with_hangul"]
