"""Road networks: where roads come from, and how they are kept."""

from technobelt.network.build import build_network
from technobelt.network.dates import kilometres_by_evidence, with_dates_of
from technobelt.network.model import Network, NetworkInfo, network_from_roads
from technobelt.network.store import load_network, region_network, save_network

__all__ = [
    "Network",
    "NetworkInfo",
    "build_network",
    "kilometres_by_evidence",
    "load_network",
    "network_from_roads",
    "region_network",
    "save_network",
    "with_dates_of",
]
