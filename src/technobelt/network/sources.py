"""Which kind of roads one is given, and who reads it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from technobelt.errors import MissingFileError, NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from technobelt.network.lines import LineRules
    from technobelt.network.tags import OsmRules
    from technobelt.network.ways import Ways

__all__ = ["FORMATS", "Format", "named", "read_roads", "recognise"]

Format = Literal["osm", "overpass", "graph", "graphml", "nodelink", "lines"]
FORMATS: tuple[Format, ...] = get_args(Format)

_OSM = (".pbf", ".osm", ".osm.gz", ".osm.bz2", ".osm.xml")
_LINES = (".shp", ".gpkg", ".geojson", ".fgb", ".parquet", ".kml", ".gml", ".sqlite", ".zip")
_LINK = "MOCT_LINK"


def recognise(source: Any) -> Format:
    """Tell which kind of roads a source is.

    Parameters
    ----------
    source
        A path, a graph of networkx, or a GeoDataFrame.

    Raises
    ------
    MissingFileError
        There is no such file.
    NetworkError
        It is of no known kind.

    Examples
    --------
    >>> import networkx
    >>> recognise(networkx.MultiDiGraph())
    'graph'
    """
    if hasattr(source, "edges") and hasattr(source, "adj"):
        return "graph"
    if hasattr(source, "geometry") and hasattr(source, "crs"):
        return "lines"
    if not isinstance(source, str | Path):
        raise NetworkError(
            f"roads are a path, a graph of networkx or a GeoDataFrame; found "
            f"{type(source).__name__}."
        )
    path = Path(source)
    if not path.exists():
        raise MissingFileError(f"no road file '{path}'. {_ANY_OF}")
    return _of_folder(path) if path.is_dir() else _of_file(path)


_ANY_OF = (
    "Name an .osm.pbf, .osm or .osm.gz file, answers of Overpass (.json), a .graphml, the folder "
    "or zip of node-link data, or a layer of lines."
)


def _of_folder(path: Path) -> Format:
    if any(file.stem.upper() == _LINK for file in path.rglob("*.[sS][hH][pP]")):
        return "nodelink"
    if path.suffix == ".gdb":
        return "lines"
    if any(path.glob("*.json")):
        return "overpass"
    raise NetworkError(
        f"the folder '{path}' has neither {_LINK}.shp nor answers of Overpass (*.json). {_ANY_OF}"
    )


def _of_file(path: Path) -> Format:
    name = path.name.lower()
    if name.endswith(".graphml"):
        return "graphml"
    if path.stem.upper() == _LINK or (name.endswith(".zip") and _packs_links(path)):
        return "nodelink"
    if name.endswith(".json"):
        with path.open("rb") as stream:
            head = stream.read(4096)
        return "lines" if b'"Feature' in head else "overpass"
    if name.endswith(_LINES) and not name.endswith(_OSM):
        return "lines"
    return "osm"  # osmium looks into a file of any name


def _packs_links(path: Path) -> bool:
    import zipfile

    try:
        with zipfile.ZipFile(path) as packed:
            return any(Path(name).stem.upper() == _LINK for name in packed.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise NetworkError(f"'{path.name}' is no zip file ({error}). Fetch it again.") from error


def named(source: Any) -> str:
    """Return what to call a source: the file's name."""
    return Path(source).name if isinstance(source, str | Path) else type(source).__name__


def read_roads(
    source: Any,
    *,
    format: Format | None,  # noqa: A002
    classes: Iterable[str],
    rules: OsmRules | None = None,
    lines: LineRules | None = None,
    area: Any = None,
    progress: Callable[[int], None] | None = None,
) -> Ways:
    """Read roads of any source; the parameters are those of `build_network`."""
    from technobelt.network.area import as_area, within
    from technobelt.network.limits import check_country
    from technobelt.network.tags import OsmRules
    from technobelt.network.ways import codes_of

    wanted = codes_of(classes)
    if format is not None and format not in FORMATS:
        raise NetworkError(f"unknown format {format!r}; there are {', '.join(FORMATS)}.")
    said = rules or OsmRules()
    said = replace(said, country=check_country(said.country))
    wished = None if area is None else as_area(area)
    ways = _read(format or recognise(source), source, wanted, said, lines, wished, progress)
    if not np.isfinite(ways.lonlat).all() or (np.abs(ways.lonlat) > [180.0, 90.0]).any():
        raise NetworkError(
            f"'{named(source)}' has positions that are not on the globe. Check its CRS."
        )
    if wished is not None and ways.area is None:
        ways = within(ways, wished)
    return ways if ways.date else replace(ways, date=_date_in_name(named(source)))


def _read(
    kind: Format,
    source: Any,
    classes: Iterable[str],
    rules: OsmRules,
    lines: LineRules | None,
    area: Any,
    progress: Callable[[int], None] | None,
) -> Ways:
    if kind == "osm":
        from technobelt.network.osm import file_date, read_ways

        ways = read_ways(source, classes=classes, rules=rules, area=area, progress=progress)
        return replace(ways, date=file_date(Path(source)))
    if kind == "overpass":
        from technobelt.network.overpass import read_answers

        return read_answers(source, classes=classes, rules=rules)
    if kind == "graph":
        from technobelt.network.graphs import read_graph

        return read_graph(source, classes=classes, rules=rules)
    if kind == "graphml":
        from technobelt.network.graphml import read_graphml

        return read_graphml(source, classes=classes, rules=rules)
    if kind == "nodelink":
        from technobelt.network.nodelink import read_nodelink

        return read_nodelink(source, classes=classes)
    from technobelt.network.lines import read_lines

    return read_lines(source, classes=classes, rules=lines)


def _date_in_name(name: str) -> str:
    found = re.search(r"(?:19|20)\d\d-[01]\d(?:-[0-3]\d)?", name)
    return found.group() if found else ""
