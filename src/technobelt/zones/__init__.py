"""Innovation zones: suitability of land, rule packs, delineation, and how firm the boundary is."""

from technobelt.zones.changes import ZoneChanges, compare_zones
from technobelt.zones.delineation import Delineation
from technobelt.zones.description import ZONE_COLUMNS
from technobelt.zones.designated import compare_designated
from technobelt.zones.drawing import delineate_zones, draw_zones, need_zones
from technobelt.zones.packs import pack_of, packs_of, shipped_packs
from technobelt.zones.robustness import Robustness, redraw_zones

__all__ = [
    "ZONE_COLUMNS",
    "Delineation",
    "Robustness",
    "ZoneChanges",
    "compare_designated",
    "compare_zones",
    "delineate_zones",
    "draw_zones",
    "need_zones",
    "pack_of",
    "packs_of",
    "redraw_zones",
    "shipped_packs",
]
