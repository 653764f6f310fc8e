"""What a run was made of: versions, inputs and their hashes, parameters, seeds, timings."""

from __future__ import annotations

import hashlib
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

from technobelt import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["file_hash", "make_manifest"]

#: Packages whose version may change a result.
_PACKAGES = (
    *("contourpy", "folium", "geopandas", "numpy", "osmium", "pandas", "pyogrio", "pyproj"),
    *("rasterio", "scipy", "shapely"),
)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as home:
    ...     path = pathlib.Path(home) / "a"
    ...     _ = path.write_bytes(b"")
    ...     file_hash(path)[:8]
    'e3b0c442'
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def make_manifest(
    *,
    inputs: Iterable[Path],
    parameters: Mapping[str, Any],
    network: Mapping[str, Any],
    timings_s: Mapping[str, float],
) -> dict[str, Any]:
    """Return the manifest of a run.

    Parameters
    ----------
    inputs
        Files that were read; each is named and hashed.
    parameters
        What the run was asked for, seeds included.
    network
        ``file``, ``hash`` and ``date`` of the roads.
    timings_s
        Seconds that each step took.

    Returns
    -------
    dict
        Ready for JSON.
    """
    return {
        "technobelt": __version__,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "engine": "scipy",
        "parameters": dict(parameters),
        "network": dict(network),
        "inputs": {path.name: file_hash(path) for path in sorted(set(inputs)) if path.is_file()},
        "timings_s": {name: round(seconds, 2) for name, seconds in timings_s.items()},
    }
