"""A plan run again from its manifest."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from technobelt.errors import ManifestError
from technobelt.manifest import asked_in, file_hash
from technobelt.planning.run import Plan, plan
from technobelt.region import Region, load_region

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from technobelt.network import Network

__all__ = ["repeat_plan"]

_log = logging.getLogger(__name__)


def repeat_plan(
    manifest: Mapping[str, Any],
    region: Region | str | Path | None = None,
    network: Network | str | Path | None = None,
    *,
    progress: Callable[[str], None] | None = None,
    **instead: Any,
) -> Plan:
    """Run a plan again as its manifest says.

    Parameters
    ----------
    manifest
        From `technobelt.manifest.read_manifest`.
    region, network
        As in `plan`: a manifest knows their names and not where they lie.
    progress
        Called with each step's name.
    instead
        Parameters of `plan` that shall be others than the manifest's.

    Returns
    -------
    Plan
        `technobelt.manifest.manifest_changes` says what differs.

    Raises
    ------
    ManifestError
        It was made for another region or network than is given, or is not understood.

    Examples
    --------
    >>> import technobelt as tb
    >>> from technobelt.manifest import read_manifest
    >>> done = tb.repeat_plan(read_manifest("maps"))  # doctest: +SKIP
    """
    where = region if isinstance(region, Region) else load_region(region)
    wanted = manifest["parameters"].get("region")
    if where.id != wanted:
        raise ManifestError(
            f"the manifest is of the region '{wanted}', found '{where.id}'. Give the folder of "
            f"the region '{wanted}'."
        )
    toml = where.folder / "region.toml"
    if manifest["inputs"].get(toml.name) != file_hash(toml):
        _log.warning("%s is not that of the manifest: the plan is of this one.", toml.name)
    file = manifest["network"].get("file")
    if network is None and file != where.roads.file:
        raise ManifestError(
            f"the manifest's run was on the network '{file}', which is not the region's own. "
            "Give it by network, or --network."
        )
    return plan(where, network, progress=progress, **(asked_in(manifest) | instead))
