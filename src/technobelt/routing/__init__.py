"""Shortest paths: arrays in, arrays out. Nothing here knows of places, profiles or columns."""

from technobelt.routing.graph import Graph, Seeds, make_graph
from technobelt.routing.trees import arcs_back, nearest_tree, rooted_trees, trees

__all__ = [
    "Graph",
    "Seeds",
    "arcs_back",
    "make_graph",
    "nearest_tree",
    "rooted_trees",
    "trees",
]
