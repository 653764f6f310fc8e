"""GraphML files as ``osmnx.save_graphml`` writes them -> `Ways`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from technobelt.errors import MissingFileError, NetworkError
from technobelt.network.graphs import read_graph
from technobelt.schema import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from technobelt.network.tags import OsmRules
    from technobelt.network.ways import Ways

__all__ = ["read_graphml"]

_LARGEST_BYTES = 4_000_000_000
_BLOCK = 1 << 20


def read_graphml(
    path: str | Path,
    *,
    classes: Iterable[str] = ROAD_CLASSES,
    rules: OsmRules | None = None,
) -> Ways:
    """Read a GraphML file of OSMnx; numbers may be texts.

    Parameters
    ----------
    path
        The file.
    classes, rules
        As for `read_graph`.

    Raises
    ------
    MissingFileError
        There is no such file.
    NetworkError
        It is no GraphML, defines entities of its own, is larger than 4 GB, has nodes without a
        position or no road for cars.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingFileError(f"no road file '{file}'. Name a .graphml file.")
    _refuse_traps(file)
    try:
        return read_graph(_parsed(file), classes=classes, rules=rules)
    except NetworkError as error:
        raise NetworkError(f"'{file.name}': {error}") from error


def _refuse_traps(file: Path) -> None:
    """Refuse what is broken off, too large, or would grow while it is read (an "XML bomb")."""
    if file.stat().st_size > _LARGEST_BYTES:
        raise NetworkError(
            f"'{file.name}' is larger than 4 GB. Build from an OSM file, or hand over the graph."
        )
    parser = expat.ParserCreate()

    def refuse(*_: Any) -> None:
        raise NetworkError(
            f"'{file.name}' declares a document type, which no GraphML of OSMnx does and by which "
            "a small file can grow without end. Save it anew with osmnx.save_graphml."
        )

    parser.StartDoctypeDeclHandler = refuse
    try:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                parser.Parse(block, False)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise NetworkError(
            f"'{file.name}' is no GraphML ({error}). It may be broken off: fetch it again."
        ) from error


def _parsed(file: Path) -> Any:
    import networkx as nx

    try:
        return nx.read_graphml(file, node_type=str, force_multigraph=True)
    except (nx.NetworkXError, ValueError, LookupError, TypeError, AttributeError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise NetworkError(
            f"it is no GraphML that can be read ({said}). Save it with osmnx.save_graphml."
        ) from error
