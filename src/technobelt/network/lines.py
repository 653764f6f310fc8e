"""Any layer of lines -> `Ways`: columns by option, ends joined where they meet."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.counting import counted
from technobelt.errors import CRSError, MissingFileError, NetworkError
from technobelt.network.joints import Joined, join_ends, split_at_crossings
from technobelt.network.limits import posted_limit
from technobelt.network.ways import CODES, as_ways
from technobelt.schema import ROAD_CLASSES, WGS84, check_positions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.ways import Ways

__all__ = ["LineRules", "read_frame", "read_lines"]

_ONE_WAY = {"yes", "true", "1", "1.0", "f", "ft", "forward"}
_AGAINST = {"-1", "-1.0", "reverse", "t", "tf", "backward"}
_TWO_WAY = {"", "no", "false", "0", "0.0", "b", "both", "n", "none", "nan", "<na>"}
_UNKNOWN_LICENCE = "that of the source, which says none"


@dataclass(frozen=True)
class LineRules:
    """How a layer of lines is read.

    Attributes
    ----------
    class_column, oneway_column, limit_column, name_column, ref_column
        Columns that say the class, the direction (``yes``, ``-1``, ``F``, ``T``, ``FT``, ``TF``:
        with or against the line), the posted limit (km/h, or as in OSM), the name and the route
        number. None: the class is the default one, roads are two-way, limits unknown.
    class_map
        Values of the class column and the classes that they mean; OSM's own mean themselves.
    default_class
        Of lines whose class says nothing that is known; the report counts them as assumed.
    layer
        Which layer of the file; by default the one that holds lines.
    snap_m
        Ends no further apart than this are one junction, m.
    split_at_crossings
        Make a junction also where lines cross, or touch, without a common vertex. Left alone by
        default: they may be bridges.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import technobelt as tb
    >>> from technobelt.network import LineRules
    >>> cross = [shapely.LineString([(0, 50), (99, 50)]), shapely.LineString([(50, 0), (50, 99)])]
    >>> roads = gpd.GeoDataFrame({"TYPE": ["A", "B"]}, geometry=cross, crs="EPSG:5179")
    >>> rules = LineRules(class_column="TYPE", class_map={"A": "trunk"}, split_at_crossings=True)
    >>> tb.build_network(roads, lines=rules).roads["class"].astype(str).tolist()
    ['trunk', 'trunk', 'residential', 'residential']
    """

    class_column: str | None = None
    oneway_column: str | None = None
    limit_column: str | None = None
    name_column: str | None = None
    ref_column: str | None = None
    class_map: Mapping[str, str] = field(default_factory=dict)
    default_class: str = "residential"
    layer: str | None = None
    snap_m: float = 1.0
    split_at_crossings: bool = False


def read_lines(
    source: Any,
    *,
    classes: Iterable[str] = ROAD_CLASSES,
    rules: LineRules | None = None,
) -> Ways:
    """Read a layer of lines as roads.

    Parameters
    ----------
    source
        A file that pyogrio reads or GeoParquet, or a GeoDataFrame; any CRS.
    classes
        Classes to keep.
    rules
        Which columns say what, and how ends are joined.

    Returns
    -------
    Ways
        One for each line, ``notes`` with the numbers of ends snapped, dead ends, lines that touch
        or cross without a junction, and what was assumed.

    Raises
    ------
    MissingFileError
        There is no such file.
    MissingColumnError
        A column that the rules name is missing.
    NetworkError
        It has no lines, or no two of them meet.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> lines = [shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(100.4, 0), (200, 0)])]
    >>> ways = read_lines(gpd.GeoDataFrame(geometry=lines, crs="EPSG:5179"))
    >>> ways.notes["ends_snapped"], ways.notes["class_assumed"]
    (2, [2, 'residential'])
    """
    said = rules or LineRules()
    _check(said)
    frame = source if hasattr(source, "geometry") else read_frame(Path(source), layer=said.layer)
    name = Path(source).name if isinstance(source, str | Path) else "the layer of lines"
    _need_columns(frame, said, name)
    lines, row, notes = _lines_of(frame, name)
    columns = _columns(frame.iloc[row], said, notes)
    kept = np.isin(columns["road_class"], [CODES[kind] for kind in classes])
    if not kept.any():
        raise NetworkError(f"'{name}' has no line of the classes asked for.")
    columns = {key: values[kept] for key, values in columns.items()}
    xy, back = _in_metres(lines[kept], frame.crs)
    shapes = split_at_crossings(xy, said.snap_m, notes) if said.split_at_crossings else xy
    joined = join_ends(shapes, said.snap_m)
    _refuse_scattered(joined, name, said)
    notes |= joined.told()
    return _as_ways(joined, columns, back, notes)


def _check(rules: LineRules) -> None:
    if not (math.isfinite(rules.snap_m) and 0 <= rules.snap_m <= 100):
        raise NetworkError(f"ends are snapped within 0 to 100 m; found {rules.snap_m:g}.")
    for kind in (rules.default_class, *rules.class_map.values()):
        if kind not in CODES:
            raise NetworkError(
                f"{kind!r} is no road class; the classes are {', '.join(ROAD_CLASSES)}."
            )


def read_frame(path: Path, *, layer: str | None = None, **options: Any) -> gpd.GeoDataFrame:
    """Read a layer of a file; options are those of `geopandas.read_file`."""
    import geopandas as gpd
    import pyarrow as pa

    if not path.exists():
        raise MissingFileError(f"no road file '{path}'. Name a layer of lines.")
    faults = (ValueError, OSError, RuntimeError, LookupError, TypeError, pa.ArrowException)
    try:
        if path.suffix == ".parquet":
            return gpd.read_parquet(path)
        chosen = layer or _layer_of_lines(path)
        found = gpd.read_file(path, engine="pyogrio", layer=chosen, **options)
    except NetworkError:
        raise
    except faults as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise NetworkError(
            f"'{path.name}' cannot be read as a layer of lines ({said[:200]}). Open it in QGIS to "
            "see what it is, and save it anew."
        ) from error
    if not hasattr(found, "crs"):
        raise NetworkError(f"'{path.name}' has no shapes: it is a table. Name a layer of lines.")
    return found


def _layer_of_lines(path: Path) -> str:
    """Return the one layer of a file that holds lines."""
    import pyogrio

    layers = pyogrio.list_layers(path)
    if len(layers) == 1:
        return str(layers[0, 0])
    lines = [str(name) for name, kind in layers if kind and "LineString" in kind]
    exact = [str(name) for name, kind in layers if kind and kind.startswith("LineString")]
    if len(lines) == 1 or len(exact) == 1:
        return (exact if len(exact) == 1 else lines)[0]
    raise NetworkError(
        f"'{path.name}' has {counted(len(layers), 'layer')}, {len(lines)} of lines: "
        f"{', '.join(map(str, layers[:20, 0]))}. Choose one: --layer NAME."
    )


def _need_columns(frame: Any, rules: LineRules, name: str) -> None:
    from technobelt.errors import MissingColumnError

    for option in ("class", "oneway", "limit", "name", "ref"):
        column = getattr(rules, f"{option}_column")
        if column is not None and column not in frame.columns:
            found = ", ".join(str(one) for one in frame.columns)
            raise MissingColumnError(
                f"'{name}' needs the column '{column}' that --{option}-column names; found: "
                f"{found}."
            )


def _lines_of(frame: Any, name: str) -> tuple[NDArray[Any], NDArray[Any], dict[str, Any]]:
    """Return the single lines, the row of each, and what was left out."""
    import shapely

    if frame.crs is None:
        raise CRSError(
            f"'{name}' has no coordinate reference system. Save it with one (a .prj beside a "
            "shapefile)."
        )
    if len(frame):
        check_positions(frame, f"'{name}'")
    shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
    of_line = np.isin(shapely.get_type_id(shapes), [1, 2, 5])
    flat = shapely.force_2d(shapes[of_line])
    single, at = shapely.get_parts(flat, return_index=True)
    row = np.flatnonzero(of_line)[at]
    good = (shapely.get_num_coordinates(single) > 1) & np.isfinite(shapely.length(single))
    good &= shapely.length(single) > 0
    left = int((~of_line).sum() + (~good).sum())
    if not good.any():
        raise NetworkError(f"'{name}' has no line. Name a layer of roads, drawn as lines.")
    return single[good], row[good], {"lines_left_out": left} if left else {}


def _columns(rows: Any, rules: LineRules, notes: dict[str, Any]) -> dict[str, NDArray[Any]]:
    road_class, assumed = _classes(rows, rules)
    if assumed:
        notes["class_assumed"] = [assumed, rules.default_class]
    forward, backward = _directions(rows, rules.oneway_column, notes)
    n = len(rows)
    return {
        "road_class": road_class,
        "forward": forward,
        "backward": backward,
        "bridge": np.zeros(n, dtype=bool),
        "tunnel": np.zeros(n, dtype=bool),
        "limit_kph": _limits(rows, rules.limit_column),
        "ref": _texts(rows, rules.ref_column),
        "name": _texts(rows, rules.name_column),
    }


def _classes(rows: Any, rules: LineRules) -> tuple[NDArray[np.int8], int]:
    said = _texts(rows, rules.class_column)
    known = dict(CODES) | {value: CODES[kind] for value, kind in rules.class_map.items()}
    codes = [known.get(value, -1) for value in said]
    found = np.array(codes, dtype=np.int8)
    assumed = found < 0
    found[assumed] = CODES[rules.default_class]
    return found, int(assumed.sum())


def _directions(
    rows: Any, column: str | None, notes: dict[str, Any]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    said = pd.Series(_texts(rows, column)).fillna("").astype(str).str.lower()
    ahead, against = said.isin(_ONE_WAY).to_numpy(), said.isin(_AGAINST).to_numpy()
    unclear = int((~(ahead | against) & ~said.isin(_TWO_WAY)).sum())
    if unclear:
        notes["oneway_unclear"] = unclear
    return ~against, ~ahead


def _limits(rows: Any, column: str | None) -> NDArray[np.float64]:
    said = _texts(rows, column)
    found = {text: posted_limit(text) for text in set(said)}
    return np.array([found[text] for text in said], dtype=np.float64)


def _texts(rows: Any, column: str | None) -> NDArray[np.object_]:
    """Return a column as texts, whole numbers without a point, None where it is empty."""
    if column is None:
        return np.full(len(rows), None, dtype=object)
    values = rows[column].to_numpy(dtype=object)
    texts = [None if _is_empty(value) else _text(value) for value in values]
    return np.array(texts, dtype=object)


def _is_empty(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value)) or value == ""


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _in_metres(lines: NDArray[Any], crs: Any) -> tuple[list[NDArray[np.float64]], Any]:
    """Return the lines' vertices in metres, and the way from there to degrees.

    In the UTM zone of their middle: the layer's own CRS may be in feet, or stretch lengths.
    """
    import geopandas as gpd
    import pyproj
    import shapely

    series = gpd.GeoSeries(lines, crs=crs)
    try:
        metres = series.estimate_utm_crs()
        placed = series.to_crs(metres)
    except (RuntimeError, ValueError, pyproj.exceptions.ProjError) as error:
        raise NetworkError(
            f"no UTM zone is known for the lines' place ({error}). Check their CRS."
        ) from error
    points, at = shapely.get_coordinates(placed.to_numpy(), return_index=True)
    if not np.isfinite(points).all():
        raise NetworkError("the lines have positions that are not on the globe. Check their CRS.")
    stops = np.cumsum(np.bincount(at, minlength=len(lines)))[:-1]
    back = pyproj.Transformer.from_crs(metres, WGS84, always_xy=True)
    return np.split(points, stops), back


def _refuse_scattered(joined: Joined, name: str, rules: LineRules) -> None:
    """Refuse lines of which no two meet: that is a drawing, not a network."""
    n = len(joined.counts)
    if n < 2 or joined.meetings:
        return
    raise NetworkError(
        f"'{name}' has no topology: no two of its {n:,} lines meet within {rules.snap_m:g} m; the "
        f"two nearest ends are {joined.nearest_m:,.1f} m apart. Raise --snap-m, or join lines "
        "where they cross by --split-at-crossings."
    )


def _as_ways(
    joined: Joined, columns: dict[str, NDArray[Any]], to_degrees: Any, notes: dict[str, Any]
) -> Ways:
    lonlat = np.column_stack(to_degrees.transform(*joined.xy.T))
    ways = as_ways(joined.counts, joined.node, lonlat, columns, notes=notes)
    if ways is None:
        raise NetworkError("no line may be driven in any direction. Check --oneway-column.")
    return replace(ways, licence=_UNKNOWN_LICENCE)
