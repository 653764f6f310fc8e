"""How firm a boundary is: the same rules under other weights and other speeds, again and again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from technobelt.corridor import corridor_sections
from technobelt.draws import road_noise, section_factors
from technobelt.isochrone import areas_km2
from technobelt.network.speeds import arc_costs
from technobelt.rasters import write_bands
from technobelt.sampling import need_uncertainty
from technobelt.travel_time import measuring
from technobelt.zones.evidence import measured
from technobelt.zones.outlines import squares
from technobelt.zones.suitability import suitability_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from technobelt.travel_time import Model
    from technobelt.zones.allocation import Allocation
    from technobelt.zones.delineation import Delineation

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["CORE_SHARE", "FRINGE_SHARE", "Robustness", "redraw_zones"]

#: A cell is of the core if it stays in its zone in so many of the draws, of the fringe if it is in
#: one in so many at least.
CORE_SHARE, FRINGE_SHARE = 0.9, 0.1


@dataclass(frozen=True, eq=False)
class Robustness:
    """In how many draws each cell is in a zone.

    Attributes
    ----------
    draws, seed
        How many, and which.
    stays
        float64 (rows, columns): the share of draws in which a cell is in a zone of its cluster.
    areas
        GeoDataFrame, one row a cluster and kind: ``cluster``, ``kind`` (``fringe``: cells of its
        zones that stay in one of them in less than `CORE_SHARE` of the draws, and cells beside them
        that are in one in at least `FRINGE_SHARE`; ``core``: the rest of its zones), ``area_km2``,
        ``stays`` (mean share).
    zones
        One row a zone: ``zone_id``, ``stays`` (mean share of its cells that stay in any zone of the
        cluster), ``core_share`` (the share of its cells that are core).
    cores
        By cluster, in what share of draws each institution was chosen as core.
    drawn
        The zones that were tested.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> drawn = tb.delineate_zones(region, tb.load_network(region))
    >>> tb.redraw_zones(drawn, draws=1).zones.columns.tolist()
    ['zone_id', 'stays', 'core_share']
    """

    draws: int
    seed: int
    stays: Floats
    areas: gpd.GeoDataFrame
    zones: pd.DataFrame
    cores: dict[str, dict[str, float]]
    drawn: Delineation

    def write(self, path: str | Path) -> Path:
        """Write the share of draws as a cloud-optimised GeoTIFF, NaN where no draw took a cell.

        Parameters
        ----------
        path
            The ``.tif`` file; one that is there is replaced.

        Returns
        -------
        pathlib.Path
            The file.
        """
        values = np.where(self.stays > 0, self.stays, np.nan)
        asked = self.drawn.drafting.asked
        return write_bands(path, asked.ground.grid, asked.ground.crs, {"stays": values})

    def to_dict(self) -> dict[str, Any]:
        """Return how firm each zone is.

        Returns
        -------
        dict
            Plain data under the names of the attributes.
        """
        return {
            "draws": self.draws,
            "seed": self.seed,
            "zones": self.zones.to_dict("records"),
            "areas": self.areas.drop(columns="geometry").to_dict("records"),
            "cores": self.cores,
        }


def redraw_zones(
    drawn: Delineation,
    *,
    draws: int = 100,
    seed: int = 1999,
    progress: Callable[[str], None] | None = None,
) -> Robustness:
    """Draw zones again under random weights and speeds, and count where they stay.

    Each weight is multiplied by a number between 1 less and 1 more ``[zones] weights_vary``
    (uniform), then all are divided by their sum; speeds are drawn as for claims, by the region's
    ``[uncertainty]``. Cores are chosen anew each time. Outlines are left out: it is cells that are
    counted.

    Parameters
    ----------
    drawn
        From `delineate_zones`.
    draws, seed
        How many, and which: draw by draw the same numbers, however many are asked for.
    progress
        Called with each tenth draw.

    Returns
    -------
    Robustness
        Counted by cell, by zone, and by core and fringe.

    Raises
    ------
    ClaimError
        The region does not say how far speeds may be off.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> drawn = tb.delineate_zones(region, tb.load_network(region))
    >>> firm = tb.redraw_zones(drawn, draws=2)
    >>> sorted(set(firm.areas["kind"])), bool(firm.stays.max() <= 1)
    (['core', 'fringe'], True)
    """
    asked, rules = drawn.drafting.asked, drawn.drafting.asked.region.zones
    count = np.zeros(asked.ground.grid.shape)
    chosen: dict[str, Counter[str]] = {}
    for draw, model in enumerate(_models(drawn, draws, seed)):
        if progress is not None and draw % 10 == 0:
            progress(f"robustness: draw {draw} of {draws}")
        evidence = measured(asked, model, anchors=drawn.pack.anchors)
        weights = _weights(drawn, seed, draw)
        score = suitability_of(asked.ground, rules, evidence, weights)
        found = drawn.drafting.allocated(evidence, score)
        count += found.mask(count.shape)
        _note_cores(chosen, found)
    stays = count / draws
    shares = {
        cluster: {core: round(n / draws, 4) for core, n in counter.most_common()}
        for cluster, counter in chosen.items()
    }
    return Robustness(draws, seed, stays, _areas(drawn, stays), _zones(drawn, stays), shares, drawn)


def _models(drawn: Delineation, draws: int, seed: int) -> Iterator[Model]:
    """Make the roads under random speeds, draw by draw."""
    region, network = drawn.drafting.asked.region, drawn.drafting.asked.network
    believed = need_uncertainty(region)
    noise = road_noise(network, believed.correlation_km * 1000)
    costs = arc_costs(network, region.profiles[drawn.profile])
    corridor = corridor_sections(region, network, None)
    nothing = np.zeros(len(costs.drive_s))
    for draw in range(draws):
        factor = section_factors(network, believed, noise, corridor, seed=seed, draw=draw)
        now = costs.with_drive(costs.drive_s / factor[network.arc_section])
        yield measuring(network, now, nothing)


def _weights(drawn: Delineation, seed: int, draw: int) -> dict[str, float] | None:
    weights = drawn.suitability.weights
    vary = drawn.drafting.asked.region.zones.weights_vary
    factor = np.random.default_rng([seed, draw]).uniform(1 - vary, 1 + vary, len(weights))
    pairs = zip(weights.items(), factor, strict=True)
    return {name: weight * float(by) for (name, weight), by in pairs}


def _note_cores(chosen: dict[str, Counter[str]], found: Allocation) -> None:
    pairs = {(site.core.cluster, site.core.id) for site in found.sites if site.core is not None}
    for cluster, core in sorted(pairs):
        chosen.setdefault(cluster, Counter())[core] += 1


def _areas(drawn: Delineation, stays: Floats) -> gpd.GeoDataFrame:
    import geopandas as gpd

    ground = drawn.drafting.asked.ground
    inside = drawn.allocation.mask(stays.shape)
    unsure = np.where(inside, stays < CORE_SHARE, stays >= FRINGE_SHARE)
    rows = []
    for number, cluster in enumerate(ground.clusters):
        mine = unsure & (ground.number == number)
        fringe = shapely.union_all(squares(mine, ground.grid))
        zone = shapely.union_all(drawn.zones.geometry[drawn.zones["cluster"] == cluster].to_numpy())
        own = inside & ~unsure & (ground.number == number)
        shapes = {"core": (shapely.difference(zone, fringe), own), "fringe": (fringe, mine)}
        for kind, (shape, cells) in shapes.items():
            parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
            if parts and cells.any():
                said = {"cluster": cluster, "kind": kind}
                share = round(float(stays[cells].mean()), 3)
                rows.append(said | {"stays": share, "geometry": shapely.MultiPolygon(parts)})
    columns = ["cluster", "kind", "area_km2", "stays", "geometry"]
    crs = drawn.drafting.asked.region.crs
    if not rows:
        return gpd.GeoDataFrame(columns=columns, geometry="geometry", crs=crs)
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=crs)
    table["area_km2"] = areas_km2(table).round(3)
    return table[columns]


def _zones(drawn: Delineation, stays: Floats) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {"zone_id": key, **_mean_stay(stays.ravel()[cells])}
        for key, cells in zip(drawn.zones["zone_id"], drawn.cells, strict=True)
    ]
    return pd.DataFrame(rows, columns=["zone_id", "stays", "core_share"])


def _mean_stay(stays: Floats) -> dict[str, float | None]:
    if not len(stays):
        return {"stays": None, "core_share": None}
    shares = stays.mean(), (stays >= CORE_SHARE).mean()
    return {"stays": round(float(shares[0]), 3), "core_share": round(float(shares[1]), 3)}
