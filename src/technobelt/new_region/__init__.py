"""A new region: a commented ``region.toml`` and empty layers to fill in."""

from technobelt.new_region.empty_layers import write_empty_layer
from technobelt.new_region.making import NewRegion, init_region, short_name

__all__ = ["NewRegion", "init_region", "short_name", "write_empty_layer"]
