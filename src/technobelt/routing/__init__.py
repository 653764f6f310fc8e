"""Shortest paths: arrays in, arrays out. Nothing here knows of places, profiles or columns."""

from technobelt.routing.graph import Graph, Seeds, make_graph
from technobelt.routing.trees import best_path, nearest_tree, trees

__all__ = ["Graph", "Seeds", "best_path", "make_graph", "nearest_tree", "trees"]
