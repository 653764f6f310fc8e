"""What a run was made of: found again where it lies, and exchanged for that of another run.

A manifest knows names and hashes of its inputs and not where they lie. What is taken for an input
of a run has the hash that its manifest tells; anything else is refused, with the first difference.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from technobelt.claims import Verdicts, check_claims
from technobelt.errors import ManifestError, RegionError, TechnobeltError
from technobelt.layers import read_layer
from technobelt.manifest import asked_in, file_hash
from technobelt.network import Network, load_network, region_network
from technobelt.region import Region, load_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["RunInputs", "details", "exchanges", "find_inputs", "run_claims"]

#: Parameters of a plan that bear on verdicts, and what they are where nothing is asked for.
_ASKED: dict[str, Any] = {
    "profile": None,
    "as_of": None,
    "members_as_of": None,
    "scenario": None,
    "draws": 0,
    "seed": 1999,
}
#: Tables of ``region.toml`` that bear on verdicts, and what they are called there.
_TABLES = {
    "claims": "[[claims]]",
    "profiles": "[profiles]",
    "clusters": "[clusters]",
    "corridor": "[corridor]",
    "position_error_m": "[position_error_m]",
    "uncertainty": "[uncertainty]",
    "crs": "crs",
}
#: Rows of a layer that are named.
_LISTED = 8


@dataclass(frozen=True, eq=False)
class RunInputs:
    """What the claims of one run are judged by.

    Attributes
    ----------
    region
        Without a scenario.
    roads
        As built: of no date, without edits or barriers.
    asked
        Parameters that bear on verdicts, as of `technobelt.plan`.
    """

    region: Region
    roads: Network
    asked: Mapping[str, Any]


def run_claims(inputs: RunInputs) -> Verdicts:
    """Judge the claims as `technobelt.plan` does.

    Raises
    ------
    RegionError
        A region put together of two does not fit: a claim of one names a profile of the other.
    TechnobeltError
        As of `technobelt.check_claims`.
    """
    _need_fit(inputs.region)
    asked = dict(inputs.asked)
    scenario, as_of = asked.pop("scenario"), asked.pop("as_of")
    where = inputs.region.with_scenario(scenario) if scenario else inputs.region
    roads = region_network(where, inputs.roads)
    roads = roads.as_of(as_of) if as_of else roads
    roads = roads.with_scenario(scenario) if scenario else roads
    return check_claims(where, roads, **asked)


def _need_fit(region: Region) -> None:
    from pydantic import ValidationError

    try:
        Region.model_validate(dict(region))
    except ValidationError as error:
        raise RegionError(error.errors()[0]["msg"]) from error


# --- finding -------------------------------------------------------------------------------------


def find_inputs(
    manifest: Mapping[str, Any],
    regions: list[Region | str | Path | None],
    networks: list[Network | str | Path],
) -> RunInputs:
    """Return the inputs of a run from where they may lie.

    Parameters
    ----------
    manifest
        Of the run, from `technobelt.manifest.read_manifest`.
    regions, networks
        Where to look, in this order; None is the built-in region. The region's own roads are
        looked at first, and a file of the recorded name in the current folder last.

    Raises
    ------
    ManifestError
        None of them is what the manifest tells; the message says what differs in the first.
    """
    asked = _ASKED | {k: v for k, v in asked_in(manifest).items() if k in _ASKED}
    region = _first(regions, partial(_region_of, manifest), "region")
    places = [region.path("roads"), *networks, Path(manifest["network"].get("file") or "roads")]
    roads = _first(places, partial(_roads_of, manifest), "network", blame=min(len(networks), 1))
    return RunInputs(region, roads, asked)


def _first(places: list[Any], read: Callable[[Any], Any], what: str, blame: int = 0) -> Any:
    """Return the first that can be read as the manifest tells; else raise the fault of one."""
    faults = []
    for place in places:
        try:
            return read(place)
        except TechnobeltError as error:
            faults.append(error)
    raise ManifestError(f"{what}: {faults[blame]}") from faults[blame]


def _region_of(manifest: Mapping[str, Any], place: Region | str | Path | None) -> Region:
    region = place if isinstance(place, Region) else load_region(place)
    wanted = manifest["parameters"].get("region")
    if region.id != wanted:
        raise ManifestError(f"the run was of '{wanted}', found '{region.id}'.")
    files = [region.folder / "region.toml", *map(region.path, region.layers)]
    for file in files:
        told = manifest["inputs"].get(file.name)
        if told is not None and (not file.is_file() or file_hash(file) != told):
            state = "has other content" if file.is_file() else "is missing"
            raise ManifestError(f"{file.name} in '{region.folder.name}' {state}.")
    return region


def _roads_of(manifest: Mapping[str, Any], place: Network | str | Path) -> Network:
    told = manifest["network"]
    wanted = told.get("hash") or ""
    if isinstance(place, Network):
        if place.info.hash != wanted:
            raise ManifestError(f"the run was on '{told.get('file')}', found another network.")
        return place
    if Path(place).is_file() and file_hash(Path(place)) != wanted:
        raise ManifestError(
            f"the run was on '{told.get('file')}'; '{Path(place).name}' has other content."
        )
    return load_network(place)


# --- telling -------------------------------------------------------------------------------------


def details(before: RunInputs, after: RunInputs) -> list[str]:
    """Say what differs inside the inputs: keys of ``region.toml``, rows of layers.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> inputs = RunInputs(region, tb.load_network(region), {})
    >>> details(inputs, inputs)
    []
    """
    one, two = before.region, after.region
    said: list[str] = []
    for field in _TABLES:
        values = [_plain(region, field) for region in (one, two)]
        said += [f"region.toml {line}" for line in _unlike(field, *values)]
    for name in {**one.layers, **two.layers}:
        if not _same_layer(name, one, two):
            said.append(f"layer {name}: {_rows_unlike(name, one, two)}")
    return said


def _plain(region: Region, field: str) -> Any:
    value = region.model_dump(mode="json", include={field})[field]
    if field == "claims":  # by id: their order is no difference in any of them
        return {claim["id"]: claim for claim in value}
    return value


def _unlike(path: str, one: Any, two: Any) -> list[str]:
    """Say which values of two trees differ, by their path."""
    if isinstance(one, dict) and isinstance(two, dict):
        return [
            line
            for key in {**one, **two}
            for line in _unlike(f"{path}.{key}", one.get(key), two.get(key))
        ]
    if one == two:
        return []
    return [f"{path}: {_short(one)}, now {_short(two)}"]


def _short(value: Any) -> str:
    if value is None:
        return "none"
    return (
        "there" if isinstance(value, dict) else textwrap.shorten(str(value), 60, placeholder=" …")
    )


def _rows_unlike(name: str, one: Region, two: Region) -> str:
    """Say which rows of a layer are new, gone or changed."""
    for region, state in ((one, "new"), (two, "gone")):
        if name not in region.layers:
            return state
    old, new = read_layer(one, name), read_layer(two, name)
    both = old.index.intersection(new.index)
    if old.index.has_duplicates or new.index.has_duplicates or set(old) != set(new):
        return "other columns" if set(old) != set(new) else "other rows"
    pairs = old.loc[both], new.loc[both, list(old)].to_crs(old.crs)
    # text stands for a row, so that two missing values are the same
    alike = [list(map(str, frame.itertuples(index=False))) for frame in pairs]
    changed = [i for i, a, b in zip(both, *alike, strict=True) if a != b]
    parts = {
        "changed": changed,
        "gone": list(old.index.difference(new.index)),
        "new": list(new.index.difference(old.index)),
    }
    told = [f"{what} {_listed(ids)}" for what, ids in parts.items() if ids]
    return "; ".join(told) or "the same rows in another order or form"


def _listed(ids: list[Any]) -> str:
    more = f" and {len(ids) - _LISTED} more" if len(ids) > _LISTED else ""
    return ", ".join(map(str, ids[:_LISTED])) + more


# --- exchanging ----------------------------------------------------------------------------------


def exchanges(before: RunInputs, after: RunInputs) -> Iterator[tuple[str, RunInputs]]:
    """Exchange each input in which two runs differ for that of the other, one at a time.

    Parameters
    ----------
    before, after
        From `find_inputs`.

    Yields
    ------
    (str, RunInputs)
        What was exchanged, and the first run's inputs with that one of the second.
    """
    for name in _ASKED:
        value = after.asked[name]
        if before.asked[name] != value and not _idle_seed(name, before, after):
            yield f"parameter {name}", replace(before, asked={**before.asked, name: value})
    for field, title in _TABLES.items():
        value = getattr(after.region, field)
        if getattr(before.region, field) != value:
            other = before.region.model_copy(update={field: value})
            yield f"region.toml {title}", replace(before, region=other)
    for name in {**before.region.layers, **after.region.layers}:
        if not _same_layer(name, before.region, after.region):
            yield f"layer {name}", replace(before, region=_with_layer(name, before, after))
    if before.roads.info.hash != after.roads.info.hash:
        yield "network", replace(before, roads=after.roads)


def _idle_seed(name: str, *runs: RunInputs) -> bool:
    """Return whether it is the seed of draws that no run makes."""
    return name == "seed" and not any(run.asked["draws"] for run in runs)


def _same_layer(name: str, one: Region, two: Region) -> bool:
    """Return whether a layer is the same table in both regions, whatever its bytes."""
    if name not in one.layers or name not in two.layers:
        return False
    if one.layers[name] == two.layers[name]:
        paths = one.path(name), two.path(name)
        if paths[0] == paths[1] or file_hash(paths[0]) == file_hash(paths[1]):
            return True
    tables = read_layer(one, name), read_layer(two, name)
    return bool(tables[0].crs == tables[1].crs and tables[0].equals(tables[1]))


def _with_layer(name: str, before: RunInputs, after: RunInputs) -> Region:
    """Return the first region with the second's layer, or without it where it has none."""
    layers = {key: file for key, file in before.region.layers.items() if key != name}
    if name in after.region.layers:
        path = str(after.region.path(name).resolve())
        layers[name] = after.region.layers[name].model_copy(update={"file": path})
    return before.region.model_copy(update={"layers": layers})
