"""The whole run: check the claims, draw isochrones and zones, write everything a planner opens."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from technobelt.cases import Basis
from technobelt.claim_kinds import TravelTimeClaim
from technobelt.claims import THRESHOLDS, Verdicts, check_claims
from technobelt.comparison import compare_claims
from technobelt.errors import MissingFileError
from technobelt.export import (
    SHAPEFILE_PARTS,
    ProjectLayer,
    export_shapefile,
    layer_styles,
    write_geopackage,
    write_licence,
    write_qgis_project,
    write_qml,
)
from technobelt.isochrone import audit, isochrone_sets
from technobelt.layers import hub_places, located, read_layer
from technobelt.manifest import make_manifest
from technobelt.network import kilometres_by_evidence, region_network
from technobelt.region import Region, load_region
from technobelt.report import write_report
from technobelt.schema import ROAD_CLASSES
from technobelt.webmap import web_map, write_map
from technobelt.writing import replace_files
from technobelt.zones import delineate_zones, redraw_zones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import geopandas as gpd
    import numpy as np
    from numpy.typing import NDArray

    from technobelt.export.styles import Style
    from technobelt.network import Network
    from technobelt.scenario import Scenario
    from technobelt.zones import Delineation, Robustness

__all__ = ["Plan", "hub_isochrones", "plan"]

#: The layers that a plan cannot do without.
NEEDED = ("clusters", "complexes", "universities", "centres", "land")
#: What else is shown where the region has it.
SHOWN = (
    *("provinces", "municipalities", "submunicipalities", "outlines", "positions"),
    *("corridor", "interchanges", "population", "barriers"),
    *("growth_poles", "local_plans", "producer_services", "mechanical_industry"),
)
#: Columns that count what an isochrone reaches, and the layers they count.
REACH = {
    "n_complex": "complexes",
    "n_univ": "universities",
    "n_centre": "centres",
    "population": "population",
}
MINUTES = (30.0, 60.0, 90.0)
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
    "project": "technobelt.qgz",
    "manifest": "manifest.json",
}
_AUDITED = 2000
_SEED = 1999
#: Roads shown on maps: this far around the clusters, down to this class.
_SHOWN_AROUND_M = 25_000.0
_SHOWN_CLASS = ROAD_CLASSES.index("tertiary")


@dataclass(frozen=True, eq=False)
class Plan:
    """The results of one run.

    Attributes
    ----------
    region, network
        What it was made of.
    layers
        The region's layers, as read.
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
    manifest
        Versions, inputs, parameters, timings.
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
    manifest: dict[str, Any]

    @property
    def zones(self) -> gpd.GeoDataFrame:
        """Innovation zones, region's CRS."""
        return self.drawn.zones

    def write(self, folder: str | Path) -> dict[str, Path]:
        """Write all outputs into a folder, all of them or none.

        Parameters
        ----------
        folder
            Made if it is not there; files of other names in it are left alone.

        Returns
        -------
        dict
            What it is -> the file. Without zones there are no files of them, and those of an
            earlier run are taken away; so are those of its draws by a run without.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        files = {what: name for what, name in _FILES.items() if what not in self._lacks()}
        stale = [name for what in self._lacks() for name in _names(_FILES[what])]
        with replace_files(folder, stale=stale) as scratch:
            paths = {what: scratch / name for what, name in files.items()}
            _write_json(paths["claims"], self.verdicts.to_dict())
            _write_json(paths["manifest"], self.manifest)
            self._write_gis(paths)
            write_map(self.web_map(), paths["map"])
            self._write_report(paths["report"])
            write_licence(scratch, self.region.attribution)
        return {what: Path(folder) / name for what, name in files.items()}

    def _lacks(self) -> list[str]:
        """Return which of `_FILES` there is nothing to write into."""
        without = ["zones", "shapefile"] if self.zones.empty else []
        return [*without, *(["robustness"] if self.firm is None else [])]

    def web_map(self) -> Any:
        """Return the web map (a `folium.Map`) of everything in the plan."""
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
            pairs=self.verdicts.pairs,
        )

    def _write_gis(self, paths: dict[str, Path]) -> None:
        bands = {"isochrones": self.isochrones, "merged": self.merged}
        write_geopackage(bands, paths["isochrones"], styles=layer_styles(bands))
        if len(self.zones):
            areas = self._zone_layers()
            write_geopackage(areas, paths["zones"], styles=layer_styles(areas))
            export_shapefile(self.zones, paths["shapefile"])
            write_qml(paths["shapefile"].with_suffix(".qml"), "zones", "polygon", label="name")
        self.drawn.suitability.write(paths["suitability"])
        if self.firm is not None:
            self.firm.write(paths["robustness"])
        shown = {name: frame for name, frame in self.layers.items() if name != "land"}
        shown["roads"] = self.roads
        if self.verdicts.routes is not None:
            shown["routes"] = self.verdicts.routes.drop(columns="by")
        write_geopackage(shown, paths["layers"], styles=layer_styles(shown))
        write_qgis_project(
            paths["project"],
            _project_layers(shown, self._zone_project_layers()),
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
        layers = {"zones": self.zones}
        if self.firm is not None and len(self.firm.areas):
            layers["robustness"] = self.firm.areas
        return layers

    def _zone_project_layers(self) -> list[ProjectLayer]:
        """Return the zones, how firm they are where that is known, and the scores they follow."""
        raster: dict[str, Any] = {"group": "Zones", "geometry": "raster", "visible": False}
        areas: dict[str, Any] = {"file": "zones.gpkg", "group": "Zones", "geometry": "polygon"}
        titles = {"zones": "Innovation zones", "robustness": "Core and fringe"}
        label = {"zones": "name", "robustness": None}
        layers = [
            ProjectLayer(titles[name], style=cast("Style", name), sublayer=name, label=label[name],
                         **areas)
            for name in (self._zone_layers() if len(self.zones) else ())
        ]  # fmt: skip
        if self.firm is not None:
            layers.append(ProjectLayer("Share of draws", "robustness.tif", style="stays", **raster))
        score = ProjectLayer("Suitability", "suitability.tif", style="suitability", **raster)
        return [*layers, score]

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
    minutes: Sequence[float] = MINUTES,
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
        Limits of the hubs' isochrones.
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
        where = bare.with_scenario(scenario) if scenario else bare
        layers = _read_all(where)
    with clock.step("roads"):
        base = region_network(where, network)
        base = base.as_of(as_of) if as_of else base
        roads = base.with_scenario(scenario) if scenario else base
    with clock.step("claims"):
        verdicts = check_claims(
            where,
            roads,
            profile=profile,
            members_as_of=members_as_of,
            draws=draws,
            seed=seed,
            progress=progress,
        )
    with clock.step("comparison"):
        basis = Basis(profile, None, members_as_of, draws, seed)
        beside = _comparison(bare, base, scenario, basis)
        verdicts = replace(verdicts, comparison=beside)
    chosen = profile or where.zones.profile
    with clock.step("isochrones"):
        own, merged = hub_isochrones(where, roads, profile=chosen, minutes=minutes)
    with clock.step("zones"):
        drawn = delineate_zones(where, roads, pack=pack, profile=profile)
    zone_draws = min(draws, ZONE_DRAWS) if len(drawn.zones) else 0
    with clock.step("robustness"):
        firm = _firm(drawn, zone_draws, seed, progress)
    parameters = {
        "region": where.id,
        "profile": chosen,
        "as_of": as_of,
        "members_as_of": members_as_of,
        "scenario": scenario.model_dump(mode="json") if scenario else None,
        "pack": drawn.pack_name,
        "draws": draws or None,
        "zone_draws": zone_draws or None,
        "draws_seed": seed if draws else None,
        "minutes": list(minutes),
        "audit_positions": _AUDITED,
        "seed": _SEED,
    }
    manifest = make_manifest(
        inputs=_inputs(where, [*layers, *(["roads"] if network is None else [])]),
        parameters=parameters,
        network=verdicts.network,
        timings_s=clock.seconds,
    )
    shown = main_roads(roads, layers["clusters"])
    return Plan(where, roads, layers, verdicts, own, merged, drawn, firm, shown, manifest)


def _inputs(region: Region, layers: list[str]) -> list[Path]:
    own = [region.folder / name for name in region.zones.own_files]
    return [region.folder / "region.toml", *map(region.path, layers), *own]


def _names(file: str) -> list[str]:
    """Return a file's name and those of its companions."""
    if not file.endswith(".shp"):
        return [file]
    return [Path(file).with_suffix(suffix).name for suffix in SHAPEFILE_PARTS]


def _firm(
    drawn: Delineation, draws: int, seed: int, progress: Callable[[str], None] | None
) -> Robustness | None:
    return redraw_zones(drawn, draws=draws, seed=seed, progress=progress) if draws else None


def _comparison(
    region: Region,
    base: Network,
    scenario: Scenario | None,
    basis: Basis,
) -> dict[str, Any]:
    """Compare with the roads without the scenario, or else between the region's dates."""
    dates = [] if scenario or base.info.as_of or not base.dated else region.compare_dates
    if not (scenario or dates):
        return {}
    return compare_claims(
        region,
        base,
        scenarios=[scenario] if scenario else [],
        dates=dates,
        without_corridor=bool(dates),
        profile=basis.profile,
        members_as_of=basis.members_as_of,
        draws=basis.draws if scenario else 0,
        seed=basis.seed,
    ).to_dict()


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
    names = [*NEEDED, *(name for name in SHOWN if name in region.layers)]
    return {name: read_layer(region, name) for name in names}


def hub_isochrones(
    region: Region,
    network: Network,
    *,
    profile: str,
    minutes: Sequence[float] = MINUTES,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Draw the isochrones of a region's hubs, each its own and all together.

    Returns
    -------
    own, merged
        Region's CRS. Beside the columns of `technobelt.isochrones`: ``origin_name``, ``cluster``,
        ``profile``, ``direction``, what is reached (`REACH`), and in `own` the audit's ``late_in``
        and ``ok_out``.

    Raises
    ------
    ClaimError
        A hub is no facility, not located, or in another cluster than its own.
    """
    hubs = hub_places(region).to_crs(region.crs)
    reach = {
        column: located(read_layer(region, layer))
        for column, layer in REACH.items()
        if layer in region.layers
    }
    speeds = region.profiles[profile]
    sets = isochrone_sets(
        network, hubs, modes=("overlap", "merge"), minutes=minutes, profile=speeds, reach=reach
    )
    own, merged = sets["overlap"], sets["merge"]
    wrong = audit(network, hubs, own, profile=speeds, positions=_AUDITED, seed=_SEED)
    own = own.merge(wrong.drop(columns="positions"), on=["origin_id", "minutes"], how="left")
    own["origin_name"] = own["origin_id"].map(hubs["name"])
    own["cluster"] = own["origin_id"].map(hubs["cluster"])
    merged["origin_name"] = "all hubs"
    merged["cluster"] = "all"
    return _told(own, profile), _told(merged, profile)


def _told(bands: gpd.GeoDataFrame, profile: str) -> gpd.GeoDataFrame:
    bands["profile"], bands["direction"] = profile, "from"
    last = [name for name in ("late_in", "ok_out", "geometry") if name in bands]
    first = ["origin_id", "origin_name", "cluster", "minutes", "area_km2", "truncated"]
    middle = [name for name in bands if name not in {*first, *last}]
    return bands[[*first, *middle, *last]]


def _limits(region: Region) -> list[float]:
    """Return the limits of the threshold curve, those that the region's claims name among them."""
    named = [claim.limit_min for claim in region.claims if isinstance(claim, TravelTimeClaim)]
    return sorted({*THRESHOLDS, *named})


def main_roads(network: Network, clusters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the main roads around the clusters, for maps."""
    import shapely

    around = shapely.buffer(
        shapely.box(*clusters.to_crs(network.crs).total_bounds), _SHOWN_AROUND_M
    )
    main: NDArray[np.bool_] = network.road_class <= _SHOWN_CLASS
    shown = network.roads[main & ~network.closed & shapely.intersects(network.lines, around)]
    columns = ["class", "ref", "name", "forward", "backward", "length_m", "opened", "opened_ev"]
    return shown[[*columns, "geometry"]].astype({"class": str})


def _project_layers(
    shown: dict[str, gpd.GeoDataFrame], zones: list[ProjectLayer]
) -> list[ProjectLayer]:
    """Return the layers of the QGIS project, the topmost first."""

    def of_region(
        name: str, group: str, geometry: Any, *, title: str | None = None, **more: Any
    ) -> list[ProjectLayer]:
        if name not in shown:
            return []
        layer = ProjectLayer(
            name=title or name.capitalize().replace("_", " "),
            file="layers.gpkg",
            sublayer=name,
            group=group,
            geometry=geometry,
            style=cast("Style", name),
            **more,
        )
        return [layer]

    paper: dict[str, Any] = {"group": "The paper", "geometry": "polygon", "visible": False}
    bands: dict[str, Any] = {
        "file": "isochrones.gpkg",
        "group": "Isochrones",
        "geometry": "polygon",
        "style": "isochrones",
        "visible": False,
    }
    return [
        *of_region("positions", "Places", "point", visible=False),
        *of_region("universities", "Places", "point", label="name"),
        *of_region("centres", "Places", "point"),
        *of_region("complexes", "Places", "point"),
        *of_region("outlines", "Places", "polygon", title="Complex outlines"),
        *of_region("interchanges", "Corridor", "point", visible=False),
        *of_region("corridor", "Corridor", "line"),
        *zones,
        ProjectLayer("All hubs", sublayer="merged", **bands),
        ProjectLayer("Each hub", sublayer="isochrones", **bands),
        *of_region("clusters", "Belt", "polygon", label="name"),
        *of_region("growth_poles", "The paper", "point", label="name", visible=False),
        *of_region("local_plans", **paper, label="special"),
        *of_region("producer_services", **paper),
        *of_region("mechanical_industry", **paper),
        *of_region("roads", "Base", "line"),
        *of_region("population", "Base", "point", visible=False),
        *of_region("barriers", "Base", "polygon"),
        *of_region("submunicipalities", "Base", "polygon", label="name", visible=False),
        *of_region("provinces", "Base", "polygon", label="name", visible=False),
        *of_region("municipalities", "Base", "polygon"),
    ]


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(
        json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
