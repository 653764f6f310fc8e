"""Cut boxes out of an OSM file: the ways that have a node inside, with all their nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import osmium

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Box = tuple[float, float, float, float]


def extract(source: Path, boxes: Mapping[Path, Box]) -> None:
    """Write a file for each box (west, south, east, north; degrees), in two passes over the source."""
    inside: dict[Path, set[int]] = {out: set() for out in boxes}
    for node in osmium.FileProcessor(source, osmium.osm.NODE):
        lon, lat = node.location.lon, node.location.lat
        for out, (west, south, east, north) in boxes.items():
            if west <= lon <= east and south <= lat <= north:
                inside[out].add(node.id)
    writers = {
        out: osmium.BackReferenceWriter(out, ref_src=source, overwrite=True) for out in boxes
    }
    for way in osmium.FileProcessor(source, osmium.osm.WAY):
        nodes = [node.ref for node in way.nodes]
        for out, writer in writers.items():
            if not inside[out].isdisjoint(nodes):
                writer.add(way)
    for writer in writers.values():
        writer.close()
