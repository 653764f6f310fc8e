"""Shortest paths: arrays in, arrays out. Nothing here knows of places, profiles or columns."""

from technobelt.routing.graph import Graph, Seeds, make_graph
from technobelt.routing.order import Topology
from technobelt.routing.trees import arcs_back, nearest_tree, trees, trees_grown, use_engine

__all__ = [
    "Graph",
    "Seeds",
    "Topology",
    "arcs_back",
    "make_graph",
    "nearest_tree",
    "trees",
    "trees_grown",
    "use_engine",
]
