"""The built-in region's layers, remade from the source material."""

from __future__ import annotations

from technobelt.kyeongnam.build import build_layers

__all__ = ["build_layers"]
