"""The Korean standard node-link data (MOCT_NODE, MOCT_LINK) -> `Ways`.

Source: guidelines of the Ministry of Land, Infrastructure and Transport on the standard node-link
system for intelligent transport (ROAD_RANK and CONNECT are its codes). Each link is one direction.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from technobelt.errors import MissingColumnError, MissingFileError, NetworkError
from technobelt.network.lines import read_frame
from technobelt.network.unpack import unpacked
from technobelt.network.ways import CODES, as_ways
from technobelt.schema import ROAD_CLASSES, WGS84

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from technobelt.network.ways import Ways

__all__ = ["RANKS", "read_nodelink"]

#: ROAD_RANK and the class that it becomes. 108, link roads, become ramps of the highest class that
#: they meet; where they meet none that has ramps, ``unclassified``.
RANKS = {
    "101": "motorway",
    "102": "trunk",  # urban expressways: 80 km/h
    "103": "primary",
    "104": "secondary",
    "105": "secondary",
    "106": "secondary",
    "107": "tertiary",
}
_LINK_ROAD = "108"
_OTHER = "unclassified"
_CRS = "EPSG:5186"  # where no .prj says another
_LINK, _NODE = "MOCT_LINK", "MOCT_NODE"
_NEEDED = ("LINK_ID", "F_NODE", "T_NODE")
_LICENCE = (
    "Standard node-link, Ministry of Land, Infrastructure and Transport of Korea; see its terms"
)
#: Links there and back that lie within this of each other are one road, m.
_SAME_ROAD_M = 5.0
#: A link's end further from its node than this is counted, m.
_FAR_M = 50.0
_NAMED = 5


def read_nodelink(source: str | Path, *, classes: Iterable[str] = ROAD_CLASSES) -> Ways:
    """Read the standard node-link data.

    Links join where their F_NODE and T_NODE are the same, wherever they are drawn. Two links that
    lead there and back between the same nodes, alike in rank, number, name and limit and drawn
    within 5 m of each other, are one two-way road.

    Parameters
    ----------
    source
        The folder or the zip file that holds them, or ``MOCT_LINK.shp``.
    classes
        Classes to keep.

    Returns
    -------
    Ways
        ``notes`` names nodes that MOCT_NODE lacks, and counts links left out.

    Raises
    ------
    MissingFileError, MissingColumnError, NetworkError
        There is no MOCT_LINK.shp, it lacks a column, or it cannot be read.
    """
    path = Path(source)
    if not path.exists():
        raise MissingFileError(f"no road file '{path}'. Name the folder, the zip or {_LINK}.shp.")
    with _folder_of(path) as folder:
        link_file, node_file = _find(folder, _LINK), _find(folder, _NODE)
        if link_file is None:
            raise NetworkError(f"'{path.name}' has no {_LINK}.shp. Name where it is.")
        links = _read(link_file)
        nodes = _read(node_file) if node_file else None
    return _as_ways(links, nodes, {CODES[kind] for kind in classes}, path.name)


def _folder_of(path: Path) -> AbstractContextManager[Path]:
    if path.is_dir():
        return nullcontext(path)
    if path.suffix.lower() == ".zip":
        return unpacked(path, {_LINK, _NODE})
    return nullcontext(path.parent)


def _find(folder: Path, name: str) -> Path | None:
    found = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() == ".shp"]
    return next((p for p in found if p.stem.upper() == name), None)


def _read(path: Path) -> Any:
    """Read a shapefile; its texts are CP949 unless a .cpg says otherwise."""
    told = any(path.with_suffix(suffix).exists() for suffix in (".cpg", ".CPG"))
    frame = read_frame(path, **({} if told else {"encoding": "CP949"}))
    frame = frame.rename(columns=lambda name: name if name == "geometry" else str(name).upper())
    if frame.columns.has_duplicates:
        raise NetworkError(f"'{path.name}' has two columns of one name but for case. Rename one.")
    return frame.set_crs(_CRS) if frame.crs is None else frame


def _as_ways(links: Any, nodes: Any, classes: set[int], name: str) -> Ways:
    missing = [column for column in _NEEDED if column not in links.columns]
    if missing:
        raise MissingColumnError(
            f"'{name}' needs column '{missing[0]}'; found: {', '.join(links.columns)}. Name the "
            "standard node-link data, or read it as lines: --format lines."
        )
    notes: dict[str, Any] = {}
    links = _usable(links, notes, name)
    number, place = _numbered(links, nodes, notes)
    road_class = _classes(links, number)
    kept = np.isin(road_class, list(classes))
    if not kept.any():
        raise NetworkError(f"'{name}' has no link of the classes asked for.")
    links, number, road_class = links[kept], number[kept], road_class[kept]
    lines = np.asarray(links.geometry.to_numpy(), dtype=object)
    columns = {
        "road_class": road_class,
        "forward": np.ones(len(links), dtype=bool),
        "backward": np.zeros(len(links), dtype=bool),
        "bridge": np.zeros(len(links), dtype=bool),
        "tunnel": np.zeros(len(links), dtype=bool),
        "limit_kph": _limits(links),
        "ref": _texts(links, "ROAD_NO"),
        "name": _texts(links, "ROAD_NAME"),
    }
    both = _paired(number, lines, columns)
    columns["backward"] = both >= 0
    first = np.ones(len(links), dtype=bool)
    first[both[both >= 0]] = False
    if paired := int((both >= 0).sum()):
        notes["links_paired"] = paired
    columns = {key: values[first] for key, values in columns.items()}
    return _drawn(lines[first], number[first], place, links.crs, columns, notes)


def _usable(links: Any, notes: dict[str, Any], name: str) -> Any:
    shapes = np.asarray(links.geometry.to_numpy(), dtype=object)
    single = shapely.get_num_geometries(shapes) == 1
    lines = np.where(single, shapely.get_geometry(shapes, 0), shapely.line_merge(shapes))
    lines = shapely.force_2d(lines)
    good = (shapely.get_type_id(lines) == shapely.GeometryType.LINESTRING) & (
        shapely.length(lines) > 0
    )
    good &= np.isfinite(shapely.length(lines))
    ends = [_texts(links, column) for column in ("F_NODE", "T_NODE")]
    good &= ~pd.isna(ends[0]) & ~pd.isna(ends[1])
    ids = pd.Series(_texts(links, "LINK_ID"))
    twice = (ids.duplicated() & ids.notna()).to_numpy()
    counted = {"links_left_out": int((~good).sum()), "links_twice": int((good & twice).sum())}
    notes |= {key: count for key, count in counted.items() if count}
    usable = good & ~twice
    if not usable.any():
        raise NetworkError(f"'{name}' has no link that is a line between two nodes.")
    return links.set_geometry(lines, crs=links.crs)[usable]


def _numbered(
    links: Any, nodes: Any, notes: dict[str, Any]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers of each link's nodes, and where each node lies (CRS of the links)."""
    ends = np.stack([_texts(links, "F_NODE"), _texts(links, "T_NODE")], axis=1)
    codes, ids = pd.factorize(ends.ravel())
    number = codes.reshape(-1, 2).astype(np.int64)
    lines = np.asarray(links.geometry.to_numpy(), dtype=object)
    drawn = np.stack(
        [shapely.get_coordinates(shapely.get_point(lines, at)) for at in (0, -1)], axis=1
    ).reshape(-1, 2)
    _, once = np.unique(codes, return_index=True)
    place = drawn[once]
    if nodes is None or "NODE_ID" not in nodes.columns:
        notes["nodes_missing"] = [len(ids), [_NODE]]
        return number, place
    if nodes.crs != links.crs:
        nodes = nodes.to_crs(links.crs)
    spots = np.asarray(nodes.geometry.to_numpy(), dtype=object)
    known = pd.Series(spots, index=_texts(nodes, "NODE_ID"))
    known = known[(shapely.get_type_id(spots) == 0) & pd.notna(known.index)]
    if twice := int(known.index.duplicated().sum()):
        notes["nodes_twice"] = twice
    known = known[~known.index.duplicated()]
    found = pd.Index(ids).isin(known.index)
    xy = shapely.get_coordinates(known.reindex(ids[found]).to_numpy())
    lost = [str(one) for one in ids[~found]]
    if lost:
        notes["nodes_missing"] = [len(lost), sorted(lost)[:_NAMED]]
    usable = np.isfinite(xy).all(axis=1)
    place[np.flatnonzero(found)[usable]] = xy[usable]
    far = int((np.hypot(*(place[codes] - drawn).T) > _FAR_M).sum())
    if far:
        notes["ends_far_from_nodes"] = far
    return number, place


def _classes(links: Any, number: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return each link's class; of link roads, by the highest class that their nodes meet."""
    rank = pd.Series(_texts(links, "ROAD_RANK")).str.removesuffix(".0")
    code = rank.map({value: CODES[kind] for value, kind in RANKS.items()})
    found = code.fillna(CODES[_OTHER]).to_numpy(np.int8)
    ramp = (rank == _LINK_ROAD).to_numpy()
    highest = np.full(int(number.max()) + 1, len(ROAD_CLASSES))
    for end in (0, 1):
        np.minimum.at(highest, number[~ramp, end], found[~ramp])
    met = highest[number].min(axis=1)
    has_ramps = met <= CODES["tertiary"]
    found[ramp & has_ramps] = met[ramp & has_ramps] + 1  # `_link` comes after its class
    return np.asarray(found, dtype=np.int8)


def _limits(links: Any) -> NDArray[np.float64]:
    if "MAX_SPD" not in links.columns:
        return np.full(len(links), np.nan)
    said = pd.to_numeric(links["MAX_SPD"], errors="coerce").to_numpy(np.float64)
    return np.where((said > 0) & (said <= 300), said, np.nan)


def _texts(frame: Any, column: str) -> NDArray[np.object_]:
    """Return a column as texts, None where it is empty or a dash."""
    if column not in frame.columns:
        return np.full(len(frame), None, dtype=object)
    texts = (
        frame[column]
        .astype(str)
        .str.strip()
        .str.removesuffix(".0")
        .to_numpy(dtype=object, copy=True)
    )
    empty = frame[column].isna().to_numpy() | np.isin(texts.astype(str), ["", "-", "nan", "None"])
    texts[empty] = None
    return np.asarray(texts, dtype=object)


def _paired(
    number: NDArray[np.int64], lines: NDArray[Any], columns: dict[str, NDArray[Any]]
) -> NDArray[np.int64]:
    """Return the link that is each link's way back, -1 where there is none."""
    keys = pd.DataFrame({k: columns[k] for k in ("road_class", "limit_kph", "ref", "name")})
    kind = keys.groupby(list(keys.columns), dropna=False).ngroup().to_numpy()
    back = np.full(len(lines), -1, dtype=np.int64)
    waiting: dict[tuple[int, int, int], list[int]] = {}
    for i, ((u, v), alike) in enumerate(zip(number.tolist(), kind.tolist(), strict=True)):
        found = waiting.get((v, u, alike), []) if u != v else []
        one = next((j for j in found if _is_back(lines[j], lines[i])), None)
        if one is None:
            waiting.setdefault((u, v, alike), []).append(i)
        else:
            found.remove(one)
            back[one] = i
    return back


def _is_back(one: Any, other: Any) -> bool:
    return bool(shapely.hausdorff_distance(one, other) <= _SAME_ROAD_M)


def _drawn(
    lines: NDArray[Any],
    number: NDArray[np.int64],
    place: NDArray[np.float64],
    crs: Any,
    columns: dict[str, NDArray[Any]],
    notes: dict[str, Any],
) -> Ways:
    import pyproj

    counts = shapely.get_num_coordinates(lines)
    stop = np.cumsum(counts)
    xy = shapely.get_coordinates(lines)
    node = len(place) + np.arange(len(xy))
    for at, end in ((stop - counts, 0), (stop - 1, 1)):
        node[at] = number[:, end]
        xy[at] = place[number[:, end]]
    to_degrees = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True)
    lonlat = np.column_stack(to_degrees.transform(*xy.T))
    ways = as_ways(counts, node, lonlat, columns, notes=notes)
    if ways is None:
        raise NetworkError("no link may be driven.")
    return replace(ways, licence=_LICENCE)
