"""What zones are drawn from, and what was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import shapely

from technobelt.zones.sites import allocate

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    from numpy.typing import NDArray

    from technobelt.region import Region
    from technobelt.zone_rules import Pack
    from technobelt.zones.allocation import Allocation
    from technobelt.zones.cores import Core
    from technobelt.zones.evidence import Evidence, Survey
    from technobelt.zones.snapping import Units
    from technobelt.zones.suitability import Suitability
    from technobelt.zones.unmet import Unmet

    Ints = NDArray[np.int64]

__all__ = ["Delineation", "Drafting"]


@dataclass(frozen=True, eq=False)
class Drafting:
    """All that zones are drawn from under one pack, whatever the speeds and weights.

    Attributes
    ----------
    asked
        The land and places, tied to roads.
    name, pack, snap
        The rules; the units whose borders are followed, or None.
    complexes
        Which complex each cell is of.
    candidates
        Institutions that may be cores.
    """

    asked: Survey
    name: str
    pack: Pack
    snap: Units | None
    complexes: Ints
    candidates: list[Core]

    def allocated(self, evidence: Evidence, suitability: Suitability) -> Allocation:
        """Decide which cells the zones take."""
        return allocate(
            self.asked.region,
            self.asked.ground,
            self.pack,
            evidence,
            suitability.score,
            complexes=self.complexes,
            candidates=self.candidates,
            snap=self.snap,
        )


@dataclass(frozen=True, eq=False)
class Delineation:
    """Zones, and what they follow from.

    Attributes
    ----------
    zones
        One row a zone (a site, under packs with several), see `draw_zones`; empty where no land
        fits at all.
    unmet
        The rules of the pack that could not be met: which, where, by how much, what is closest.
    notes
        What was done that the rules do not say.
    suitability
        The score of every cell, factor by factor.
    profile
        At which speeds.
    drafting
        The rules and the land, to draw zones again under other speeds and weights.
    allocation
        The cells that the rules took, before they were outlined under their caps.
    cells
        int64, one array a zone: its cells, row by row; holes that were filled are none.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> drawn = tb.delineate_zones(region, tb.load_network(region))
    >>> drawn.pack_name, drawn.zones["zone_id"].tolist(), drawn.unmet
    ('functional', ['zone-east', 'zone-centre', 'zone-west'], [])
    """

    zones: gpd.GeoDataFrame
    unmet: list[Unmet]
    notes: list[str]
    suitability: Suitability
    profile: str
    drafting: Drafting
    allocation: Allocation
    cells: list[Ints]

    @property
    def pack_name(self) -> str:
        """Name of the rule pack."""
        return self.drafting.name

    @property
    def pack(self) -> Pack:
        """The rule pack."""
        return self.drafting.pack

    @property
    def region(self) -> Region:
        """The region, with the facilities of its scenario."""
        return self.drafting.asked.region

    def at(self, longitude: float, latitude: float) -> dict[str, Any]:
        """Return one cell's score, factor by factor, and the zone it is in.

        Parameters
        ----------
        longitude, latitude
            The place, degrees (WGS 84).

        Returns
        -------
        dict
            As `Suitability.at`, and ``zone``: the id of the zone that the place lies in, or None.

        Raises
        ------
        PointError
            The place lies in no cluster, or on land that the layer ``land`` does not know.
        """
        from pyproj import Transformer

        x, y = Transformer.from_crs(4326, self.region.crs, always_xy=True).transform(
            longitude, latitude
        )
        holds = shapely.contains_xy(self.zones.geometry.to_numpy(), x, y)
        zone = str(self.zones["zone_id"].to_numpy()[holds][0]) if holds.any() else None
        return self.suitability.at(longitude, latitude) | {"zone": zone}

    def to_dict(self) -> dict[str, Any]:
        """Return zones without their outlines, rules that are not met, and notes.

        Returns
        -------
        dict
            Plain data.
        """
        rows = self.zones.drop(columns="geometry").astype(object)
        return {
            "pack": {"name": self.pack_name, **self.pack.model_dump(mode="json")},
            "profile": self.profile,
            "weights": {name: round(share, 4) for name, share in self.suitability.weights.items()},
            "zones": rows.where(rows.notna(), None).to_dict("records"),
            "unmet": [one.to_dict() for one in self.unmet],
            "notes": self.notes,
        }
