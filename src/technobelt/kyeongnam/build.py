"""Make every layer from the source material, all of them or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from technobelt.errors import LayerError, MissingFileError
from technobelt.kyeongnam.boundaries import (
    make_clusters,
    make_municipalities,
    make_provinces,
    make_submunicipalities,
)
from technobelt.kyeongnam.corridor import make_corridor
from technobelt.kyeongnam.facilities import (
    make_centres,
    make_complexes,
    make_outlines,
    make_positions,
    make_universities,
)
from technobelt.kyeongnam.highway import make_interchanges
from technobelt.kyeongnam.land import make_land
from technobelt.kyeongnam.paper import (
    make_growth_poles,
    make_local_plans,
    make_mechanical_industry,
    make_producer_services,
)
from technobelt.kyeongnam.population import make_population
from technobelt.kyeongnam.roads import write_roads
from technobelt.kyeongnam.source import (
    BOUNDARIES,
    CENSUS,
    COUNTRY_ROADS,
    ELEVATION,
    FACILITIES,
    HIGHWAY,
    LANDUSE,
    ROADS,
    SEGMENTS,
    SITES,
    source_file,
)
from technobelt.kyeongnam.store import write_layer
from technobelt.kyeongnam.water import make_barriers
from technobelt.writing import replace_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import geopandas as gpd

__all__ = ["MAKERS", "Maker", "build_layers"]


@dataclass(frozen=True)
class Maker:
    """One layer: its file, what writes it from the source folder, and the source files it needs."""

    file: str
    write: Callable[[Path, Path], None]
    needs: tuple[str, ...] = ()


def _table(file: str, make: Callable[[Path], gpd.GeoDataFrame], *needs: str) -> Maker:
    return Maker(file, lambda source, path: write_layer(make(source), path), needs)


_PLACES = (FACILITIES, BOUNDARIES, SITES, LANDUSE)

#: Layer -> its maker, in the order in which they are made: the quick ones first.
MAKERS: dict[str, Maker] = {
    "clusters": _table("clusters.geojson", make_clusters, BOUNDARIES),
    "provinces": _table("provinces.parquet", make_provinces, BOUNDARIES),
    "municipalities": _table("municipalities.parquet", make_municipalities, BOUNDARIES, CENSUS),
    "submunicipalities": _table("submunicipalities.parquet", make_submunicipalities, BOUNDARIES),
    "complexes": _table("complexes.geojson", make_complexes, *_PLACES),
    "universities": _table("universities.geojson", make_universities, *_PLACES),
    "centres": _table("centres.geojson", make_centres, *_PLACES),
    "outlines": _table("outlines.geojson", make_outlines, *_PLACES),
    "positions": _table("positions.geojson", make_positions, *_PLACES),
    "growth_poles": _table("growth_poles.geojson", make_growth_poles, *_PLACES),
    "local_plans": _table("local_plans.parquet", make_local_plans, BOUNDARIES),
    "producer_services": _table("producer_services.parquet", make_producer_services, BOUNDARIES),
    "mechanical_industry": _table(
        "mechanical_industry.parquet", make_mechanical_industry, BOUNDARIES
    ),
    "interchanges": _table("interchanges.geojson", make_interchanges, HIGHWAY),
    "population": _table("population.parquet", make_population, BOUNDARIES, CENSUS, COUNTRY_ROADS),
    "barriers": _table("barriers.parquet", make_barriers, LANDUSE, BOUNDARIES),
    "corridor": _table("corridor.geojson", make_corridor, HIGHWAY, SEGMENTS, ROADS),
    "land": _table("land.parquet", make_land, LANDUSE, BOUNDARIES, ELEVATION),
    "roads": Maker("roads.parquet", write_roads, (COUNTRY_ROADS, BOUNDARIES, HIGHWAY, SEGMENTS)),
}


def build_layers(
    source: Path,
    out: Path,
    *,
    only: Sequence[str] | None = None,
    report: Callable[[str], None] | None = None,
) -> dict[str, Path]:
    """Make the built-in region's layers from the source material.

    All files are replaced or none; run twice, the bytes are the same.

    Parameters
    ----------
    source
        Folder of the source material.
    out
        Where the layers go; files of other names there are left alone.
    only
        Names of layers; None for all.
    report
        Called with each layer's name before it is made.

    Returns
    -------
    dict
        Layer name -> the file written.

    Raises
    ------
    MissingFileError
        The source folder or one of its files is not there.
    LayerError
        A name in `only` is not known, or a source file does not hold what it should; the file,
        and the row where it is a value, are named.

    Examples
    --------
    >>> from pathlib import Path
    >>> build_layers(Path("no-such-folder"), Path("layers"))
    Traceback (most recent call last):
    technobelt.errors.MissingFileError: no source folder 'no-such-folder'. ...
    """
    names = _chosen(only)
    if not source.is_dir():
        raise MissingFileError(f"no source folder '{source}'. Name the source material's folder.")
    for file in dict.fromkeys(file for name in names for file in MAKERS[name].needs):
        source_file(source, file)  # before the work, not in the middle of it
    with replace_files(out) as scratch:
        for name in names:
            if report:
                report(name)
            MAKERS[name].write(source, scratch / MAKERS[name].file)
    return {name: out / MAKERS[name].file for name in names}


def _chosen(only: Sequence[str] | None) -> list[str]:
    unknown = [name for name in only or () if name not in MAKERS]
    if unknown:
        raise LayerError(f"no layer '{unknown[0]}' can be made; choose from: {', '.join(MAKERS)}.")
    return [name for name in MAKERS if only is None or name in only]
