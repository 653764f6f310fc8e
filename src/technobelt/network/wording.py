"""What reading roads left out, assumed and joined, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["told"]

#: The notes of a report and what they say; ``{}`` is the number, ``{1}`` what stands beside it.
_SENTENCES = {
    "downloaded": "downloaded on {0} from {1}",
    "ways_closed_to_cars": "ways left out because cars may not drive there: {0:,}",
    "ways_cut_off": "ways left out because the source lacks some of their nodes: {0:,}",
    "ferries_left_out": "car ferries left out (kept: those with a duration, on request): {0:,}",
    "barriers": "barriers that let no car through: {0:,} places, e.g. {1}",
    "parts": "parts that no road joins: {0:,}; the largest that can be driven to and from is kept",
    "edges_left_out": "edges left out because they are no road for cars: {0:,}",
    "edges_of_several_classes": "edges of several classes, taken as the lowest: {0:,}",
    "lengths_recomputed": "lengths measured anew, missing or shorter than the straight line: {0:,}",
    "class_assumed": "lines whose class is assumed: {0:,} as {1}",
    "lines_left_out": "rows left out that are no line: {0:,}",
    "oneway_unclear": "lines taken as two-way because their direction is not understood: {0:,}",
    "ends_snapped": "ends of lines snapped: {0:,}",
    "dead_ends": "dead ends: {0:,}",
    "open_touches": "dead ends on a line's course, not joined (--split-at-crossings does): {0:,}",
    "open_crossings": "pairs of lines that cross without a junction (bridges?): {0:,}",
    "crossings_split": "vertices added where lines cross or touch: {0:,}",
    "links_paired": "links there and back that became one section: {0:,}",
    "links_left_out": "links left out, without a line or a node: {0:,}",
    "links_twice": "links left out because their id comes twice: {0:,}",
    "nodes_twice": "nodes whose id comes twice, the first counts: {0:,}",
    "nodes_missing": "nodes that MOCT_NODE lacks, placed at the ends of links: {0:,}, e.g. {1}",
    "ends_far_from_nodes": "ends of links more than 50 m from their node, drawn to it: {0:,}",
}


def told(report: Mapping[str, Any]) -> list[str]:
    """Return a report's notes as lines of text; what is zero is left out.

    Examples
    --------
    >>> told({"dead_ends": 3, "open_touches": 0, "class_assumed": [2, "residential"]})
    ['lines whose class is assumed: 2 as residential', 'dead ends: 3']
    """
    lines = []
    for name, sentence in _SENTENCES.items():
        said = report.get(name)
        parts = said if isinstance(said, list) else [said]
        if not parts or not parts[0] or (name == "parts" and parts[0] == 1):
            continue
        shown = [", ".join(map(_one, p)) if isinstance(p, list) else p for p in parts]
        lines.append(sentence.format(*shown))
    return lines


def _one(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
