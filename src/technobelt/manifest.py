"""What a run was made of and what came of it, so that it can be repeated and compared."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from technobelt import __version__
from technobelt.errors import ManifestError, MissingFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "asked_in",
    "file_hash",
    "make_manifest",
    "manifest_changes",
    "output_hashes",
    "read_manifest",
]

#: Packages whose version may change a result.
_PACKAGES = (
    *("contourpy", "folium", "geopandas", "jinja2", "matplotlib", "numpy", "osmium", "pandas"),
    *("numba", "pyarrow", "pydantic", "pyogrio", "pyproj", "rasterio", "scipy", "shapely"),
    "XStatic-Leaflet",
)
#: What a manifest must hold to be repeated from.
_NEEDED = ("technobelt", "parameters", "network", "inputs")
_HASH_DIGITS = hashlib.sha256().digest_size * 2
#: What is compared between two manifests, causes first, and what a difference is called.
_PARTS = {
    "packages": "",
    "parameters": "parameter ",
    "chosen": "chosen ",
    "network": "network ",
    "inputs": "input ",
    "verdicts": "verdict of ",
    "outputs": "output ",
}


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


def output_hashes(folder: Path) -> dict[str, str]:
    """Return the hash of every file in a folder, by name."""
    return {path.name: file_hash(path) for path in sorted(folder.iterdir()) if path.is_file()}


def make_manifest(
    *,
    inputs: Iterable[Path],
    parameters: Mapping[str, Any],
    chosen: Mapping[str, Any],
    network: Mapping[str, Any],
    verdicts: Mapping[str, Any],
    engine: Mapping[str, int],
    timings_s: Mapping[str, float],
) -> dict[str, Any]:
    """Return the manifest of a run.

    Parameters
    ----------
    inputs
        Files that were read; each is named and hashed.
    parameters
        What the run was asked for, seeds included; None where the region's own was taken.
    chosen
        What was taken where nothing was asked for, and what nobody can ask for.
    network
        ``file``, ``hash`` and ``date`` of the roads.
    verdicts
        Claim -> verdict and what was observed, to be compared with those of another run.
    engine
        Which engine grew how many shortest-path trees; it changes no result.
    timings_s
        Seconds that each step took.

    Returns
    -------
    dict
        Ready for JSON. Names of files only: no folder of this machine.
    """
    return {
        "technobelt": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": {name: metadata.version(name) for name in _PACKAGES} | _libraries(),
        "engine": dict(engine),
        "parameters": dict(parameters),
        "chosen": dict(chosen),
        "network": dict(network),
        "inputs": {path.name: file_hash(path) for path in sorted(set(inputs)) if path.is_file()},
        "verdicts": dict(verdicts),
        "timings_s": {name: round(seconds, 2) for name, seconds in timings_s.items()},
    }


def _libraries() -> dict[str, str]:
    """Return the versions of what geopandas, pyproj and rasterio stand on."""
    import pyproj
    import rasterio
    import shapely

    return {
        "GDAL": rasterio.__gdal_version__,
        "GEOS": shapely.geos_version_string,
        "PROJ": pyproj.proj_version_str,
    }


# --- repeating -----------------------------------------------------------------------------------


def read_manifest(path: str | Path) -> dict[str, Any]:
    """Read the manifest of an earlier run.

    Parameters
    ----------
    path
        A ``manifest.json``, or the folder that holds one.

    Returns
    -------
    dict
        As `make_manifest` made it, with the hashes of the outputs.

    Raises
    ------
    MissingFileError
        There is no such file.
    ManifestError
        It is no manifest, or lacks what a run is repeated from.
    """
    file = Path(path)
    file = file / "manifest.json" if file.is_dir() else file
    if not file.is_file():
        raise MissingFileError(f"no manifest '{file}'. Name the manifest.json of a plan's folder.")
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ManifestError(f"{file.name} is no JSON ({error}). Name a manifest.json.") from error
    lacks = [name for name in _NEEDED if not isinstance(said, dict) or name not in said]
    if lacks:
        raise ManifestError(
            f"{file.name} is no manifest of a plan: it lacks '{lacks[0]}'. Name the manifest.json "
            "that 'technobelt plan' wrote."
        )
    wrong = [part for part in _PARTS if not isinstance(said.get(part, {}), dict)]
    if wrong:
        raise ManifestError(f"{file.name}: '{wrong[0]}' must be a table. Run the plan again.")
    return dict(said)


def asked_in(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run was asked for, by the names of the parameters of `technobelt.plan`.

    Raises
    ------
    ManifestError, ScenarioError
        A parameter is of the wrong kind.

    Examples
    --------
    >>> asked_in({"parameters": {"pack": "functional", "draws": 10, "minutes": [30.0]}})
    {'pack': 'functional', 'draws': 10, 'minutes': (30.0,)}
    """
    given = manifest["parameters"]
    asked = {name: given[name] for name in _KINDS if given.get(name) is not None}
    for name, value in asked.items():
        what, fits = _KINDS[name]
        if not fits(value):
            raise ManifestError(
                f"the manifest's parameter '{name}' is {value!r}, not {what}. Correct it, or run "
                "the plan again."
            )
    if "minutes" in asked:
        asked["minutes"] = tuple(map(float, asked["minutes"]))
    if "scenario" in asked:
        asked["scenario"] = _scenario(asked["scenario"])
    return asked


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_limits(value: object) -> bool:
    numbers = value if isinstance(value, list) else []
    return bool(numbers) and all(
        isinstance(one, int | float) and not isinstance(one, bool) and one > 0 for one in numbers
    )


_TEXT, _COUNT = ("a text", _is_text), ("a whole number from 0 on", _is_count)
#: What `plan` is asked for, as its parameters are named: what it is in words, and how to tell.
_KINDS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "profile": _TEXT,
    "pack": _TEXT,
    "as_of": _TEXT,
    "members_as_of": _TEXT,
    "scenario": ("a table", lambda value: isinstance(value, dict)),
    "draws": _COUNT,
    "seed": _COUNT,
    "minutes": ("a list of minutes above zero", _are_limits),
}


def _scenario(said: Mapping[str, Any]) -> Any:
    from pydantic import ValidationError

    from technobelt.scenario import Scenario

    try:
        return Scenario.model_validate(said)
    except ValidationError as error:
        raise ManifestError(
            f"the manifest's scenario is not understood: {error.errors()[0]['msg']}. Give the "
            "scenario's file by --scenario."
        ) from error


def manifest_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say what differs between two runs: versions, inputs, parameters, verdicts, outputs.

    Parameters
    ----------
    before, after
        From `read_manifest` or `make_manifest`.

    Returns
    -------
    list of str
        One line a difference, causes first; empty if all is the same. Times and engines do not
        count.

    Examples
    --------
    >>> old = {"technobelt": "0.1.0", "inputs": {"a.parquet": "12"}, "parameters": {"draws": 0}}
    >>> new = {"technobelt": "0.2.0", "inputs": {"a.parquet": "34"}, "parameters": {"draws": 0}}
    >>> manifest_changes(old, new)
    ['technobelt: 0.1.0, now 0.2.0', 'input a.parquet: 12, now 34']
    """
    told = [
        f"{name}: {_said(before.get(name))}, now {_said(after.get(name))}"
        for name in ("technobelt", "python", "machine")
        if before.get(name) != after.get(name)
    ]
    for part, title in _PARTS.items():
        old, new = before.get(part) or {}, after.get(part) or {}
        told += [f"{title}{line}" for line in _differences(old, new)]
    return told


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}: other content"
        if _is_hash(old.get(name)) and _is_hash(new.get(name))
        else f"{name}: {_said(old.get(name))}, now {_said(new.get(name))}"
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == _HASH_DIGITS


def _said(value: Any) -> str:
    if value is None:
        return "none"
    if _is_hash(value):
        return "there"
    return ", ".join(map(_said, value)) if isinstance(value, list) else str(value)
