"""What commands are given, made into regions, networks, profiles and places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    import geopandas as gpd

    from technobelt.network import Network
    from technobelt.region import Region
    from technobelt.scenario import Scenario

__all__ = [
    "add_licence",
    "need_suffix",
    "places_of",
    "region_and_roads",
    "roads_of",
    "scenario_of",
    "speeds_of",
]


def region_and_roads(
    region: Path | None,
    network: Path | None,
    say: Callable[[str], None],
    as_of: str | None = None,
    scenario: Path | None = None,
) -> tuple[Region, Network]:
    """Return the region and its roads, on a date and under a scenario if one is asked for."""
    from technobelt.network import region_network
    from technobelt.region import load_region

    where = load_region(region)
    edits = scenario_of(scenario) if scenario else None
    say("roads")
    roads = region_network(where, network)
    roads = roads.as_of(as_of) if as_of else roads
    if edits is None:
        return where, roads
    return where.with_scenario(edits), roads.with_scenario(edits)


def need_suffix(path: Path | None, known: Collection[str], what: str) -> None:
    """Refuse a file of another format than those known, before any work is done."""
    from technobelt.errors import OutputError

    if path is not None and path.suffix.lower() not in known:
        raise OutputError(
            f"{what} is written as {', '.join(known)}; found '{path.name}'. Name the file so."
        )


def roads_of(file: Path | None, network: Path | None) -> Network:
    """Return the network of FILE, or of --network in its place; else the built-in one."""
    from technobelt.network import load_network
    from technobelt.region import load_region

    if file and network:
        raise click.UsageError(
            f"FILE and --network both name a network: {file} and {network}. Give one of them."
        )
    return load_network(file or network or load_region())


def scenario_of(path: Path) -> Scenario:
    """Return the scenario of a file."""
    from technobelt.scenario import load_scenario

    return load_scenario(path)


def speeds_of(region: Region, profile: str | None) -> Any:
    """Return a profile of the region by name; that of its zone rules by default."""
    from technobelt.errors import RegionError

    name = profile or region.zones.profile
    if name not in region.profiles:
        raise RegionError(f"no speed profile '{name}'; there are {', '.join(region.profiles)}.")
    return region.profiles[name]


def places_of(region: Region, texts: Any) -> gpd.GeoDataFrame:
    """Return the places that texts name: ids, names, LON,LAT or whole layers."""
    import pandas as pd

    from technobelt.errors import PointError
    from technobelt.layers import facilities, find_place, located, not_located, read_layer

    known, lost = facilities(region), not_located(region)
    found = []
    for text in texts:
        if text in region.layers:
            found.append(located(read_layer(region, text)).to_crs(4326))
        elif (lost.index.isin([text]) | (lost["name"] == text)).any():
            raise PointError(_unplaced(text))
        else:
            found.append(find_place(known, text))
    joined: gpd.GeoDataFrame = pd.concat(found)
    return joined[~joined.index.duplicated()]


def _unplaced(place: str) -> str:
    return (
        f"'{place}' is not located: no source gives its position. Give LON,LAT, or place it in its "
        "layer."
    )


def add_licence(out: Path, region: Region) -> None:
    """Write the attribution beside a file."""
    from technobelt.export import write_licence

    write_licence(out.parent, region.attribution, name=f"{out.name}.LICENCE.txt")
