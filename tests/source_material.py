"""Where the material lies that the built-in layers are made of, and what to do where it is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]
#: The layers that ship.
SHIPPED = _ROOT / "layers"
#: The source material's folder.
SHARED = Path(os.environ.get("TECHNOBELT_SHARED", _ROOT.parent / "shared" / "data"))

ABSENT = "the source material is not here (TECHNOBELT_SHARED names its folder)"
needs_source = pytest.mark.skipif(not (SHARED / "boundaries.gpkg").is_file(), reason=ABSENT)
needs_paper = pytest.mark.skipif(
    not (SHARED.parent / "paper").is_dir(), reason="the plan's paper is not here"
)
