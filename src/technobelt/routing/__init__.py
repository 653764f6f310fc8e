"""Shortest paths: arrays in, arrays out. Nothing here knows of places, profiles or columns."""

from technobelt.routing.graph import Graph, Seeds, make_graph
from technobelt.routing.trees import nearest_tree, path_to, trees

__all__ = ["Graph", "Seeds", "make_graph", "nearest_tree", "path_to", "trees"]
