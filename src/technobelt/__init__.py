"""technobelt: check a regional plan against the road network.

Everything public is named here; each is imported when it is first used, so that
``import technobelt`` and ``technobelt --help`` cost next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "facilities": "layers",
    "list_layers": "layers",
    "load_region": "region",
    "read_layer": "layers",
}

if TYPE_CHECKING:
    from technobelt.layers import facilities, list_layers, read_layer
    from technobelt.region import load_region

__all__ = ["__version__", "facilities", "list_layers", "load_region", "read_layer"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOME:
        msg = f"module 'technobelt' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"technobelt.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted(__all__)
