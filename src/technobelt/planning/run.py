"""The whole run: check the claims, draw isochrones and zones, write everything a planner opens."""

from __future__ import annotations

import json
import math
import time
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from technobelt.claim_kinds import TravelTimeClaim
from technobelt.claims import THRESHOLDS, Verdicts, check_claims
from technobelt.comparison import compare_claims
from technobelt.errors import (
    EmptyLayerError,
    MissingFileError,
    TechnobeltError,
)
from technobelt.export import (
    SHAPEFILE_PARTS,
    export_shapefile,
    write_geopackage,
    write_licence,
    write_qgis_project,
    write_qml,
    write_raster_qml,
)
from technobelt.export.styles import is_ours
from technobelt.layers import place_layers, read_layer
from technobelt.manifest import make_manifest, output_hashes
from technobelt.network import kilometres_by_evidence, region_network
from technobelt.planning.dates import map_dates, with_ways
from technobelt.planning.hubs import AUDITED, SEED, band_minutes, hub_isochrones
from technobelt.planning.shown import corridor_in_roads, main_roads, project_layers
from technobelt.region import Region, load_region
from technobelt.report import write_pdf, write_report
from technobelt.routing import trees_grown
from technobelt.webmap import web_map, write_map
from technobelt.writing import replace_files
from technobelt.zones import delineate_zones, pack_of, redraw_zones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import geopandas as gpd

    from technobelt.comparison import Comparison
    from technobelt.network import Network
    from technobelt.scenario import Scenario
    from technobelt.webmap import MapDate
    from technobelt.zones import Delineation, Robustness

__all__ = ["Plan", "plan"]

#: The layers that a plan cannot do without. Of those of places, a claim, a cluster's hub or a rule
#: tells which it misses.
NEEDED = ("clusters", "land")
#: What else is shown where the region has it.
SHOWN = (
    *("provinces", "municipalities", "submunicipalities", "outlines", "positions"),
    *("corridor", "interchanges", "population", "barriers"),
    *("growth_poles", "local_plans", "producer_services", "mechanical_industry"),
)
#: Draws of the zones at most: a share of them is then known to 10 points (95 %).
ZONE_DRAWS = 100
#: What `Plan.write` writes.
_FILES = {
    "claims": "claims.json",
    "isochrones": "isochrones.gpkg",
    "zones": "zones.gpkg",
    "shapefile": "zones.shp",
    "suitability": "suitability.tif",
    "robustness": "robustness.tif",
    "layers": "layers.gpkg",
    "map": "map.html",
    "report": "report.html",
    "pdf": "report.pdf",
    "project": "technobelt.qgz",
    "manifest": "manifest.json",
}


@dataclass(frozen=True, eq=False)
class Plan:
    """The results of one run.

    Attributes
    ----------
    region, network
        What it was made of.
    layers
        The region's layers, as read; ``corridor`` is taken from the roads where there is no layer.
    verdicts
        Of the claims.
    isochrones, merged
        Of the hubs, each its own and all together; region's CRS.
    drawn
        Innovation zones and what they follow from; ``plan.zones`` is their table.
    firm
        How firm the zones are; None without draws.
    roads
        The main roads around the clusters, for maps.
    ways
        The trips of the first travel-time claim with the way driven, for the map.
    dates
        What the map shows of other dates of the roads.
    manifest
        Versions, inputs, parameters, timings.

    Examples
    --------
    >>> import technobelt as tb
    >>> done = tb.plan()  # doctest: +SKIP
    >>> done.write("maps")["report"].name  # doctest: +SKIP
    'report.html'
    """

    region: Region
    network: Network
    layers: dict[str, gpd.GeoDataFrame]
    verdicts: Verdicts
    isochrones: gpd.GeoDataFrame
    merged: gpd.GeoDataFrame
    drawn: Delineation
    firm: Robustness | None
    roads: gpd.GeoDataFrame
    ways: gpd.GeoDataFrame | None
    dates: list[MapDate]
    manifest: dict[str, Any]

    @property
    def zones(self) -> gpd.GeoDataFrame:
        """Innovation zones, region's CRS."""
        return self.drawn.zones

    def write(self, folder: str | Path, *, pdf: bool = False) -> dict[str, Path]:
        """Write all outputs into a folder, all of them or none.

        Parameters
        ----------
        folder
            Made if it is not there; files of other names in it are left alone.
        pdf
            Print the report as well, by a browser or WeasyPrint.

        Returns
        -------
        dict
            What it is -> the file. Without zones there are no files of them, and those of an
            earlier run are taken away; so are those of its draws by a run without, and its PDF.

        Raises
        ------
        MissingPackageError
            A PDF is asked for, and nothing can print.
        OutputError
            The folder cannot be written.
        """
        lacks = [*self._lacks(), *([] if pdf else ["pdf"])]
        files = {what: name for what, name in _FILES.items() if what not in lacks}
        stale = [name for what in lacks for name in _names(_FILES[what])]
        with replace_files(folder, stale=stale) as scratch:
            paths = {what: scratch / name for what, name in files.items()}
            _write_json(paths["claims"], self.verdicts.to_dict())
            self._write_gis(paths)
            _keep_styles_of_others(scratch, Path(folder))
            write_map(self.web_map(), paths["map"])
            self._write_report(paths["report"])
            write_licence(scratch, self.region.attribution)
            made = self.manifest | {"outputs": output_hashes(scratch)}
            _write_json(paths["manifest"], made)
            if pdf:  # last: a PDF names the minute in which it was made, and has no steady hash
                write_pdf(paths["report"], paths["pdf"])
        return {what: Path(folder) / name for what, name in files.items()}

    def _lacks(self) -> list[str]:
        """Return which of `_FILES` there is nothing to write into."""
        without = ["zones", "shapefile"] if self.zones.empty else []
        return [*without, *(["robustness"] if self.firm is None else [])]

    def web_map(self) -> Any:
        """Return the web map of everything in the plan.

        Returns
        -------
        folium.Map
            For `technobelt.webmap.write_map`, which makes a file of it that opens offline.
        """
        return web_map(
            self.region,
            self.layers,
            roads=self.roads,
            isochrones=self.isochrones,
            merged=self.merged,
            zones=self._zones_with_stays(),
            robustness=self.firm.areas if self.firm is not None else None,
            verdicts=self.verdicts.to_dict(),
            routes=self.verdicts.routes,
            pairs=self.verdicts.pairs if self.ways is None else self.ways,
            other_dates=self.dates,
        )

    def _write_gis(self, paths: dict[str, Path]) -> None:
        bands = {"isochrones": self.isochrones, "merged": self.merged}
        write_geopackage(bands, paths["isochrones"], styled=True)
        if len(self.zones):
            areas = self._zone_layers()
            write_geopackage(areas, paths["zones"], styled=True)
            export_shapefile(self.zones, paths["shapefile"])
            write_qml(paths["shapefile"].with_suffix(".qml"), "zones", "polygon", label="name")
        write_raster_qml(self.drawn.suitability.write(paths["suitability"]), "suitability")
        if self.firm is not None:
            write_raster_qml(self.firm.write(paths["robustness"]), "stays")
        shown = {name: frame for name, frame in self.layers.items() if name != "land"}
        shown["roads"] = self.roads
        if self.verdicts.routes is not None:
            shown["routes"] = self.verdicts.routes.drop(columns="by")
        inside = write_geopackage(shown, paths["layers"], styled=True)
        write_qgis_project(
            paths["project"],
            project_layers(
                shown,
                inside=inside,
                zones=list(self._zone_layers()),
                drawn=self.firm is not None,
            ),
            title=self.region.title,
            crs=self.region.crs,
            attribution=self.region.attribution,
            extent=tuple(self.layers["clusters"].to_crs(self.region.crs).total_bounds),
        )

    def _zones_with_stays(self) -> gpd.GeoDataFrame:
        """Return zones with how firm each is, where that is known."""
        if self.firm is None:
            return self.zones
        return self.zones.merge(self.firm.zones, on="zone_id", how="left")

    def _zone_layers(self) -> dict[str, gpd.GeoDataFrame]:
        """Return zones and, where it is known how firm they are, their core and fringe."""
        layers = {"zones": self.zones} if len(self.zones) else {}
        if self.firm is not None and len(self.firm.areas):
            layers["robustness"] = self.firm.areas
        return layers

    def _write_report(self, path: Path) -> None:
        write_report(
            path,
            self.region,
            verdicts=self.verdicts.to_dict(),
            layers=self.layers,
            roads=self.roads,
            isochrones=self.isochrones,
            drawn=self.drawn,
            firm=self.firm,
            pairs=self.verdicts.pairs,
            thresholds=self.verdicts.thresholds(_limits(self.region)),
            audit=None,
            manifest=self.manifest,
            network=self.network,
            road_dates=kilometres_by_evidence(self.network),
        )


def plan(  # noqa: PLR0913  (each changes one thing)
    region: Region | str | Path | None = None,
    network: Network | str | Path | None = None,
    *,
    profile: str | None = None,
    pack: str | None = None,
    as_of: str | None = None,
    members_as_of: str | None = None,
    scenario: Scenario | None = None,
    draws: int = 0,
    seed: int = 1999,
    minutes: Sequence[float] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Plan:
    """Run the whole plan of a region.

    Parameters
    ----------
    region
        A region, its folder, or None for the built-in one.
    network
        A network, its ``.parquet`` file, or None for the region's own roads.
    profile
        Speed profile instead of those that the claims and the zone rules name.
    pack
        Rule pack of the zones instead of the region's.
    as_of
        Use the roads open on this date (ISO).
    members_as_of
        Judge the claims between the places that had opened by this date (ISO).
    scenario
        Edits of roads and facilities, from `load_scenario`; the claims are compared with those
        without it.
    draws, seed
        Random draws of speeds for the travel-time claims; up to `ZONE_DRAWS` for the zones too.
    minutes
        Limits of the hubs' isochrones; by default thirds of the longest limit that the region
        claims: 30, 60 and 90 for the built-in one.
    progress
        Called with each step's name.

    Returns
    -------
    Plan
        Call its ``write(folder)`` for the files.

    Raises
    ------
    TechnobeltError
        A layer, a claim or the network cannot be used; the message says why.

    Examples
    --------
    >>> import technobelt as tb
    >>> done = tb.plan(minutes=(15,))  # doctest: +SKIP
    >>> done.verdicts.claims[0]["verdict"]  # doctest: +SKIP
    'undecided'
    """
    clock = _Clock(progress)
    with clock.step("layers"):
        bare = region if isinstance(region, Region) else load_region(region)
        limits = tuple(map(float, band_minutes(bare) if minutes is None else minutes))
        asked = _Asked(profile, pack, as_of, members_as_of, scenario, draws, seed, limits)
        where = bare.with_scenario(scenario) if scenario else bare
        layers = _read_all(where)
        pack_of(where, pack)
    with clock.step("roads"):
        base = region_network(where, network)
        base = base.as_of(as_of) if as_of else base
        roads = base.with_scenario(scenario) if scenario else base
    with clock.step("claims"):
        verdicts = _verdicts(where, roads, asked, progress)
    with clock.step("comparison"):
        compared = _comparison(bare, base, asked)
        verdicts = replace(verdicts, comparison=compared.to_dict() if compared else {})
    with clock.step("isochrones"):
        speeds = profile or where.zones.profile
        own, merged = hub_isochrones(where, roads, profile=speeds, minutes=limits)
    with clock.step("map"):
        ways = _ways(where, roads, verdicts)
        dates = _dates(where, base, verdicts, compared, asked)
    with clock.step("zones"):
        drawn = delineate_zones(where, roads, pack=pack, profile=profile)
    with clock.step("robustness"):
        firm = _firm(drawn, asked, progress)
    read = [*layers, *(["roads"] if network is None else [])]
    return Plan(
        region=where,
        network=roads,
        layers=_with_corridor(layers, where, roads),
        verdicts=verdicts,
        isochrones=own,
        merged=merged,
        drawn=drawn,
        firm=firm,
        roads=main_roads(roads, layers["clusters"]),
        ways=ways,
        dates=dates,
        manifest=_manifest(asked, where, read, verdicts, drawn, clock),
    )


@dataclass(frozen=True)
class _Asked:
    """What a run was asked for, as the parameters of `plan`."""

    profile: str | None
    pack: str | None
    as_of: str | None
    members_as_of: str | None
    scenario: Scenario | None
    draws: int
    seed: int
    minutes: tuple[float, ...]

    @property
    def zone_draws(self) -> int:
        """Draws of the zones."""
        return min(self.draws, ZONE_DRAWS)

    def to_dict(self) -> dict[str, Any]:
        """Return it for a manifest."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return said | {"scenario": _dumped(self.scenario), "minutes": list(self.minutes)}


def _verdicts(
    region: Region, roads: Network, asked: _Asked, progress: Callable[[str], None] | None
) -> Verdicts:
    return check_claims(
        region,
        roads,
        profile=asked.profile,
        members_as_of=asked.members_as_of,
        draws=asked.draws,
        seed=asked.seed,
        progress=progress,
    )


def _manifest(
    asked: _Asked,
    region: Region,
    read: list[str],
    verdicts: Verdicts,
    drawn: Delineation,
    clock: _Clock,
) -> dict[str, Any]:
    own = [region.folder / name for name in region.zones.own_files]
    return make_manifest(
        inputs=[region.folder / "region.toml", *map(region.path, read), *own],
        parameters={"region": region.id} | asked.to_dict(),
        chosen={
            "profile": asked.profile or region.zones.profile,
            "pack": drawn.pack_name,
            "zone_draws": asked.zone_draws,
            "audit_positions": AUDITED,
            "audit_seed": SEED,
        },
        network=verdicts.network,
        verdicts={str(row.claim): _verdict(row) for row in verdicts.table().itertuples()},
        engine=trees_grown(),
        timings_s=clock.seconds,
    )


def _verdict(row: Any) -> str:
    """Say a claim's verdict and what it rests on in one line."""
    known = isinstance(row.observed, int | float) and math.isfinite(row.observed)
    return f"{row.verdict} ({row.observed:g} {row.unit})" if known else str(row.verdict)


def _dates(
    region: Region,
    base: Network,
    verdicts: Verdicts,
    compared: Comparison | None,
    asked: _Asked,
) -> list[MapDate]:
    if compared is None or asked.scenario:
        return []
    profile = asked.profile or region.zones.profile
    told = verdicts.to_dict()
    return map_dates(region, base, told, compared, profile=profile, minutes=asked.minutes)


def _ways(region: Region, network: Network, verdicts: Verdicts) -> gpd.GeoDataFrame | None:
    claim = next((one for one in verdicts.claims if one["kind"] == "travel_time"), None)
    if claim is None or verdicts.pairs.empty:
        return None
    return with_ways(region, network, verdicts.pairs, claim["profile"])


def _dumped(scenario: Scenario | None) -> dict[str, Any] | None:
    if scenario is None:
        return None
    return scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _names(file: str) -> list[str]:
    """Return a file's name and those of its companions."""
    parts = {".shp": SHAPEFILE_PARTS, ".tif": (".tif", ".qml")}.get(Path(file).suffix)
    return [Path(file).with_suffix(part).name for part in parts] if parts else [file]


def _keep_styles_of_others(scratch: Path, folder: Path) -> None:
    """Take back each style in whose place somebody has put one of their own."""
    for qml in scratch.glob("*.qml"):
        if not is_ours(folder / qml.name):
            qml.unlink()


def _firm(
    drawn: Delineation, asked: _Asked, progress: Callable[[str], None] | None
) -> Robustness | None:
    if not asked.draws or drawn.zones.empty:
        return None
    return redraw_zones(drawn, draws=asked.zone_draws, seed=asked.seed, progress=progress)


def _comparison(region: Region, base: Network, asked: _Asked) -> Comparison | None:
    """Compare with the roads without the scenario, or else between the region's dates."""
    scenarios = [asked.scenario] if asked.scenario else []
    dates = [] if scenarios or base.info.as_of or not base.dated else region.compare_dates
    if not (scenarios or dates):
        return None
    return compare_claims(
        region,
        base,
        scenarios=scenarios,
        dates=dates,
        without_corridor=bool(dates),
        profile=asked.profile,
        members_as_of=asked.members_as_of,
        draws=asked.draws if scenarios else 0,
        seed=asked.seed,
    )


class _Clock:
    """Says each step's name, and notes how long it took."""

    def __init__(self, progress: Callable[[str], None] | None) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        if self.progress is not None:
            self.progress(name)
        begin = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begin


def _read_all(region: Region) -> dict[str, gpd.GeoDataFrame]:
    absent = [name for name in NEEDED if name not in region.layers]
    if absent:
        raise MissingFileError(
            f"region '{region.id}' has no layer '{absent[0]}', which a plan needs; found: "
            f"{', '.join(region.layers)}. Add [layers.{absent[0]}] to region.toml."
        )
    shown = [name for name in SHOWN if name in region.layers]
    names = ["clusters", *place_layers(region), "land", *shown]
    _refuse_unfilled(region, names)
    layers = {name: read_layer(region, name) for name in names}
    return layers | {"clusters": _in_order(region, layers["clusters"])}


def _in_order(region: Region, clusters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put the clusters in the order of ``region.toml``, by which all pictures colour them."""
    place = {cluster: number for number, cluster in enumerate(region.clusters)}
    at = clusters.index.map(lambda name: place.get(name, len(place)))
    return clusters.iloc[at.argsort(kind="stable")]


def _with_corridor(
    layers: dict[str, gpd.GeoDataFrame], region: Region, roads: Network
) -> dict[str, gpd.GeoDataFrame]:
    """Add the corridor as it runs in the roads, where the region has no layer of it."""
    if "corridor" in layers:
        return layers
    line = corridor_in_roads(region, roads, layers["clusters"])
    return layers if line is None else layers | {"corridor": line}


def _refuse_unfilled(region: Region, names: list[str]) -> None:
    """Refuse a region of which several layers are not filled in yet, all at once."""
    empty = []
    for name in names:
        try:
            read_layer(region, name)
        except EmptyLayerError:
            empty.append(name)
        except TechnobeltError:
            return  # told by the layer itself
    if len(empty) > 1:
        roads = "" if region.path("roads").is_file() else f", and no roads ({region.roads.file})"
        raise EmptyLayerError(
            f"region '{region.id}' has no rows yet in the layers {', '.join(empty)}{roads}. Fill "
            f"them in; 'technobelt layers {region.folder}' lists what to do."
        )


def _limits(region: Region) -> list[float]:
    """Return the limits of the threshold curve, those that the region's claims name among them."""
    named = [claim.limit_min for claim in region.claims if isinstance(claim, TravelTimeClaim)]
    return sorted({*THRESHOLDS, *named})


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(
        json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
