"""Road networks: where roads come from, and how they are kept."""

from technobelt.network.build import build_network
from technobelt.network.dates import kilometres_by_evidence, with_dates_of
from technobelt.network.graphs import network_to_graph
from technobelt.network.lines import LineRules
from technobelt.network.model import Network, NetworkInfo, network_from_roads
from technobelt.network.store import load_network, region_network, save_network
from technobelt.network.tags import OsmRules

__all__ = [
    "LineRules",
    "Network",
    "NetworkInfo",
    "OsmRules",
    "build_network",
    "kilometres_by_evidence",
    "load_network",
    "network_from_roads",
    "network_to_graph",
    "region_network",
    "save_network",
    "with_dates_of",
]
