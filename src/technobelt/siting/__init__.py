"""Where centres should stand: location-allocation on travel times."""

from technobelt.siting.ask import Siting, site_facilities

__all__ = ["Siting", "site_facilities"]
