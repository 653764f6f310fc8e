"""Read a region's layers, and say where each came from.

A layer is read from whatever GDAL or GeoParquet can hold, its columns renamed to ours, checked
against its table in `schema`, and indexed by id.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.errors import (
    ClaimError,
    CRSError,
    EmptyLayerError,
    LayerError,
    MissingColumnError,
    MissingFileError,
    PointError,
    ScenarioError,
)
from technobelt.layer_files import open_file
from technobelt.region import LayerFile
from technobelt.scenario import AddFacility, MoveFacility
from technobelt.schema import LAYERS, WGS84, check_layer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import geopandas as gpd

    from technobelt.claim_kinds import Selection
    from technobelt.region import Region
    from technobelt.schema import Table

__all__ = [
    "FACILITIES",
    "cluster_areas",
    "facilities",
    "find_place",
    "hub_places",
    "list_layers",
    "located",
    "not_located",
    "place_layers",
    "read_layer",
    "read_unchecked",
    "select",
    "with_types",
]

#: The layers whose rows are places that people drive to.
FACILITIES = ("complexes", "universities", "centres")
_BOUNDS = ("west", "south", "east", "north")
_SURENESS = ("high", "medium", "low", "not located", "dated", "assumed", "unknown")


def read_layer(region: Region, name: str) -> gpd.GeoDataFrame:
    """Read one layer of a region and check it.

    Parameters
    ----------
    region
        From `load_region`.
    name
        ``roads``, or one of `technobelt.schema.LAYERS`.

    Returns
    -------
    geopandas.GeoDataFrame
        In the file's own CRS, indexed by ``id`` where the layer has ids. Rows whose confidence is
        ``not located`` have no shape; `located` leaves them out.

    Raises
    ------
    MissingFileError
        The region has no such layer, or its file is not there.
    LayerError
        The layer is empty, misses a column or a CRS, or holds shapes that are not valid.
    ScenarioError
        The region is under a scenario that adds a facility which the layer has already, or moves
        one that no layer has.

    Examples
    --------
    >>> import technobelt as tb
    >>> tb.read_layer(tb.load_region(), "clusters")["name"].tolist()
    ['Gimhae/Yangsan', 'Changwon/Masan', 'Jinju/Sacheon']
    """
    file = _file_of(region, name)
    path = _path_of(region, name, file)
    frame = _checked(path, _stamp(path), file.model_dump_json(), name).copy()
    return _edited(region, name, frame) if region.scenario and name in _EDITED else frame


def read_unchecked(region: Region, name: str) -> gpd.GeoDataFrame:
    """Read one layer of a region as it is, with our columns and types where it has them.

    Parameters
    ----------
    region
        From `load_region`.
    name
        One of `technobelt.schema.LAYERS`.

    Returns
    -------
    geopandas.GeoDataFrame
        In the file's order and CRS, which may be none; nothing else is sure about it.

    Raises
    ------
    MissingFileError
        The region has no such layer, or its file is not there.
    LayerError
        The file cannot be read, or does not have a column that is mapped.

    Examples
    --------
    >>> import technobelt as tb
    >>> len(read_unchecked(tb.load_region(), "clusters"))
    3
    """
    file = _file_of(region, name)
    path = _path_of(region, name, file)
    return with_types(_with_our_columns(open_file(path, file, name), file, name), LAYERS[name])


def _stamp(path: Path) -> int:
    """Return when a file last changed, with the companions of a shapefile."""
    files = [path, *(path.with_suffix(end) for end in (".dbf", ".shx", ".prj", ".cpg"))]
    return max(
        file.stat().st_mtime_ns
        for file in files
        if path.suffix == ".shp" or file == path
        if file.is_file()
    )


#: Layers that scenarios edit: where a complex moves, its outline goes with it.
_EDITED = (*FACILITIES, "outlines")


def _edited(region: Region, name: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Move and add the facilities of a scenario."""
    scenario = region.scenario
    if scenario is None or not scenario.of_facilities:
        return frame
    bare = region.model_copy(update={"scenario": None})
    layers = [layer for layer in FACILITIES if layer in region.layers]
    before = pd.concat([read_layer(bare, layer).geometry.to_crs(WGS84) for layer in layers])
    for edit in scenario.of_facilities:
        _refuse_facility(region, edit, layers, before.index.astype(str).tolist())
        said = {"confidence": "high", "source": f"scenario '{scenario.id}'"}
        if isinstance(edit, MoveFacility) and edit.facility in frame.index:
            frame = _moved(region, frame, edit, before[edit.facility])
            frame.loc[edit.facility, list(said)] = list(said.values())
        elif isinstance(edit, AddFacility) and edit.layer == name:
            frame = _with_row(frame, edit, said)
    return frame


def _refuse_facility(
    region: Region, edit: MoveFacility | AddFacility, layers: list[str], known: list[str]
) -> None:
    """Refuse to move what is in no layer, and to add what is in one or would be in none."""
    if isinstance(edit, MoveFacility):
        if edit.facility not in known:
            near = get_close_matches(edit.facility, known, n=5, cutoff=0.3) or known[:5]
            raise ScenarioError(
                f"edit '{edit.id}': no facility '{edit.facility}' in {', '.join(layers)}. Ids "
                f"are, among others: {', '.join(near)}."
            )
        return
    if edit.facility in known:
        raise ScenarioError(
            f"edit '{edit.id}': there is a facility '{edit.facility}' already. Choose another id, "
            "or move it."
        )
    if edit.layer not in layers:
        raise ScenarioError(
            f"edit '{edit.id}': region '{region.id}' has no layer '{edit.layer}'; it has "
            f"{', '.join(layers)}. Choose one of these."
        )
    if edit.cluster not in region.clusters:
        raise ScenarioError(
            f"edit '{edit.id}': no cluster '{edit.cluster}'; there are "
            f"{', '.join(region.clusters)}. Correct it."
        )


def _moved(
    region: Region, frame: gpd.GeoDataFrame, edit: MoveFacility, before: Any
) -> gpd.GeoDataFrame:
    """Return the layer with a facility's shape, moved whole, where a scenario puts it."""
    import geopandas as gpd
    import shapely

    place = gpd.GeoSeries.from_xy([edit.to[0]], [edit.to[1]], crs=WGS84)
    row = frame.index.get_loc(edit.facility)
    shape = frame.geometry.iloc[[row]]
    if before is None or shape.geom_type.iloc[0] not in _AREAS:
        new = place.to_crs(frame.crs)
    else:
        metric = shape.to_crs(region.crs)
        there = place.to_crs(region.crs)
        here = gpd.GeoSeries([before], crs=WGS84).to_crs(region.crs).representative_point()
        by = shapely.get_coordinates(there.array) - shapely.get_coordinates(here.array)
        new = metric.translate(*by[0]).to_crs(frame.crs)
    shapes = np.asarray(frame.geometry.to_numpy(), dtype=object).copy()
    shapes[row] = new.iloc[0]
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


_AREAS = ("Polygon", "MultiPolygon")


def _with_row(frame: gpd.GeoDataFrame, edit: AddFacility, said: dict[str, Any]) -> gpd.GeoDataFrame:
    import geopandas as gpd

    own = {"id": edit.facility, "name": edit.name, "kind": edit.kind, "cluster": edit.cluster}
    shape = frame.geometry.name
    free = [column for column in frame.columns if column not in {*own, shape}]
    values = {column: _fitting(frame, edit, column, free) for column in edit.columns}
    place = gpd.GeoSeries.from_xy([edit.to[0]], [edit.to[1]], crs=WGS84).to_crs(frame.crs)[0]
    row = {**dict.fromkeys(frame.columns), **own, **said, **values, shape: place}
    added = pd.DataFrame([row], index=[edit.facility], dtype=object)
    both = pd.concat([pd.DataFrame(frame).astype(object), added])
    types = {name: kind for name, kind in frame.dtypes.items() if _holds(kind, row[name])}
    return gpd.GeoDataFrame(both.astype(types), geometry=shape, crs=frame.crs)


def _fitting(frame: gpd.GeoDataFrame, edit: AddFacility, column: str, free: list[str]) -> Any:
    """Return the value that an edit gives for a column, refused if it is not of its kind."""
    value = edit.columns[column]
    if column not in free:
        raise ScenarioError(
            f"edit '{edit.id}': layer '{edit.layer}' has no column '{column}' to be given; found: "
            f"{', '.join(free)}. Correct its columns."
        )
    numeric = pd.api.types.is_numeric_dtype(frame[column].dtype)
    if numeric and isinstance(value, str):
        raise ScenarioError(
            f"edit '{edit.id}': column '{column}' holds numbers; found '{value}'. Correct it."
        )
    return value if numeric else _as_text(value)


def _holds(kind: Any, value: Any) -> bool:
    """Tell whether a column of some kind can hold a value, or none."""
    if isinstance(kind, pd.CategoricalDtype):
        return value is None or value in kind.categories
    return value is not None or kind.kind not in "iub"


@lru_cache(maxsize=32)  # one run asks for the same layers many times over
def _checked(path: Path, _stamp: int, file_json: str, name: str) -> gpd.GeoDataFrame:
    file = LayerFile.model_validate_json(file_json)
    frame = _with_our_columns(open_file(path, file, name), file, name)
    if name == "roads":
        return frame
    frame = with_types(frame, LAYERS[name])
    check_layer(frame, LAYERS[name], found_in=path.name)
    return frame.set_index("id", drop=False).rename_axis(None) if "id" in frame else frame


def _file_of(region: Region, name: str) -> LayerFile:
    if name == "roads":
        return region.roads
    if name not in region.layers:
        known = "not one of technobelt's layers" if name not in LAYERS else "not in region.toml"
        raise MissingFileError(
            f"layer '{name}' of region '{region.id}' is {known}; "
            f"found: {', '.join(region.layers)}. Add [layers.{name}] with its file."
        )
    return region.layers[name]


def _path_of(region: Region, name: str, file: LayerFile) -> Path:
    path = region.folder / file.file
    if not path.is_file():
        raise MissingFileError(
            f"layer '{name}' of region '{region.id}': no file '{file.file}' in '{region.folder}'. "
            f"Put it there, or name another one in region.toml [layers.{name}]."
        )
    return path


def _with_our_columns(frame: gpd.GeoDataFrame, file: LayerFile, name: str) -> gpd.GeoDataFrame:
    absent = [theirs for theirs in file.columns.values() if theirs not in frame.columns]
    if absent:
        raise LayerError(
            f"region.toml [layers.{name}.columns] names '{absent[0]}', which {file.file} does not "
            f"have; found: {', '.join(frame.columns)}."
        )
    ours = [mine for mine, theirs in file.columns.items() if mine != theirs and mine in frame]
    kept = frame.drop(columns=[mine for mine in ours if mine not in file.columns.values()])
    renamed = kept.rename(columns={theirs: ours for ours, theirs in file.columns.items()})
    if file.crs and renamed.crs is None:
        return renamed.set_crs(file.crs)
    return renamed


def with_types(frame: gpd.GeoDataFrame, table: Table) -> gpd.GeoDataFrame:
    """Make text of what became dates or numbers in a file, and numbers of what is kept as text.

    Parameters
    ----------
    frame
        A layer with our columns.
    table
        What it is to be. Columns that hold anything but numbers where these belong are left alone:
        `check_layer` tells of them.
    """
    return _with_numbers(_with_texts(frame, table), table)


def _with_numbers(frame: gpd.GeoDataFrame, table: Table) -> gpd.GeoDataFrame:
    ours = [column.name for column in table.columns if column.kind != "text"]
    texts = [name for name in ours if name in frame and not _is_numeric(frame[name])]
    read = {name: pd.to_numeric(frame[name], errors="coerce") for name in texts}
    whole = {name: values for name, values in read.items() if not _lost(frame[name], values)}
    return frame.assign(**whole)


def _is_numeric(values: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values.dtype))


def _lost(before: pd.Series[Any], after: pd.Series[Any]) -> bool:
    return bool((after.isna() & before.notna()).any())


def _with_texts(frame: gpd.GeoDataFrame, table: Table) -> gpd.GeoDataFrame:
    texts = [column.name for column in table.columns if column.kind == "text"]
    wrong = [name for name in texts if name in frame.columns and not _is_text(frame[name])]
    read = {name: [_as_text(value) for value in frame[name]] for name in wrong}
    return frame.assign(**{name: np.array(texts, dtype=object) for name, texts in read.items()})


def _is_text(values: pd.Series[Any]) -> bool:
    held = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values
    return pd.api.types.infer_dtype(held, skipna=True) in {"string", "empty"}


def _as_text(value: Any) -> str | None:
    """Return a value as text: dates in ISO form, whole numbers without a point.

    Examples
    --------
    >>> _as_text(pd.Timestamp("1973-11-14")), _as_text(10.0), _as_text(float("nan"))
    ('1973-11-14', '10', None)
    """
    if pd.isna(value):
        return None
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def list_layers(region: Region) -> pd.DataFrame:
    """List the layers of a region.

    Parameters
    ----------
    region
        From `load_region`.

    Returns
    -------
    pandas.DataFrame
        One row a layer: ``layer``, ``rows``, ``geometry``, ``crs``, ``west``, ``south``, ``east``,
        ``north`` (degrees, WGS 84), ``vintage``, ``confidence`` (rows by confidence), ``file``,
        ``licence``, ``problem`` (empty where there is none).

    Examples
    --------
    >>> import technobelt as tb
    >>> table = tb.list_layers(tb.load_region())
    >>> bool((table["problem"] == "").all())
    True
    """
    return pd.DataFrame([_described(region, name) for name in [*region.layers, "roads"]])


def _described(region: Region, name: str) -> dict[str, object]:
    file = _file_of(region, name)
    row: dict[str, object] = {"layer": name, "rows": 0, "geometry": "", "crs": ""}
    row |= dict.fromkeys(_BOUNDS, np.nan) | {"vintage": file.vintage or "", "confidence": ""}
    row |= {"file": file.file, "licence": "", "problem": ""}
    try:
        frame = read_layer(region, name)
    except (LayerError, MissingFileError) as error:
        return row | {"problem": str(error)}
    licences = sorted(set(frame["licence"].dropna())) if "licence" in frame else []
    if name == "roads":
        licences = [_road_licence(region.path("roads"))]
    return row | {
        "rows": len(frame),
        "geometry": " ".join(sorted(set(frame.geom_type.dropna()))),
        "crs": frame.crs.to_string() if frame.crs else "",
        **_bounds(frame),
        "confidence": _counted(frame, "opened_ev" if name == "roads" else "confidence"),
        "licence": " | ".join(licences),
    }


def _bounds(frame: gpd.GeoDataFrame) -> dict[str, float]:
    """Return the extent in degrees."""
    from pyproj import Transformer

    if frame.crs is None or not np.isfinite(frame.total_bounds).all():
        return dict.fromkeys(_BOUNDS, np.nan)
    to_degrees = Transformer.from_crs(frame.crs, WGS84, always_xy=True)
    bounds = to_degrees.transform_bounds(*frame.total_bounds)
    if not np.isfinite(bounds).all():  # no place of the CRS
        return dict.fromkeys(_BOUNDS, np.nan)
    return {side: round(value, 3) for side, value in zip(_BOUNDS, bounds, strict=True)}


def _counted(frame: gpd.GeoDataFrame, column: str) -> str:
    """Say how many rows have each word of a column, the surest first."""
    if column not in frame:
        return ""
    counts = frame[column].value_counts()
    known = [word for word in _SURENESS if word in counts.index]
    words = [*known, *(word for word in counts.index if word not in _SURENESS)]
    return ", ".join(f"{counts[word]:,} {word}" for word in words if counts[word])


def _road_licence(path: Path) -> str:
    """Return the licence that a road table states of itself."""
    import json

    import pyarrow.parquet as pq

    if path.suffix != ".parquet":
        return ""
    said = (pq.read_schema(path).metadata or {}).get(b"technobelt", b"{}")
    return str(json.loads(said).get("licence", ""))


def located(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the rows that stand somewhere, as points in their own CRS.

    Areas become a point inside them; rows without a shape are left out.

    Parameters
    ----------
    frame
        A layer, any CRS.

    Returns
    -------
    geopandas.GeoDataFrame
        With the index and columns of `frame`.

    Examples
    --------
    >>> import technobelt as tb
    >>> colleges = tb.read_layer(tb.load_region(), "universities")
    >>> sorted(set(colleges.index) - set(tb.located(colleges).index))
    ['VOC02']
    """
    placed = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if (placed.geom_type == "Point").all():
        return placed
    return placed.set_geometry(placed.representative_point())


def place_layers(region: Region) -> list[str]:
    """Return the layers of places that a region has with rows, in the order of `FACILITIES`.

    No region needs all three: what a claim, a rule or a cluster asks for and is not there is told
    by the one who asks.

    Parameters
    ----------
    region
        From `load_region`.

    Raises
    ------
    MissingFileError
        The region has none at all, or a file is not there.

    Examples
    --------
    >>> import technobelt as tb
    >>> place_layers(tb.load_region())
    ['complexes', 'universities', 'centres']
    """
    named = [name for name in FACILITIES if name in region.layers]
    if not named:
        raise MissingFileError(
            f"region '{region.id}' has no layer of places; found: {', '.join(region.layers)}. Add "
            f"one of {', '.join(FACILITIES)} to [layers] of region.toml."
        )
    return [name for name in named if _has_rows(region, name)] or named


def _has_rows(region: Region, name: str) -> bool:
    try:
        read_layer(region, name)
    except EmptyLayerError:
        return False
    return True


def not_located(region: Region, layers: Iterable[str] | None = None) -> pd.DataFrame:
    """Return the places that nobody can place.

    Parameters
    ----------
    region
        From `load_region`.
    layers
        Names of the layers to look in; `place_layers` by default.

    Returns
    -------
    pandas.DataFrame
        ``name``, ``kind``, ``layer``, indexed by id.

    Examples
    --------
    >>> import technobelt as tb
    >>> tb.not_located(tb.load_region()).index.tolist()
    ['VOC02', 'TIC06']
    """
    names = place_layers(region) if layers is None else layers
    frames = [read_layer(region, name).assign(layer=name) for name in names]
    lost = [frame[frame.geometry.isna() | frame.geometry.is_empty] for frame in frames]
    return pd.concat([pd.DataFrame(frame)[["name", "kind", "layer"]] for frame in lost])


def facilities(region: Region, layers: Iterable[str] | None = None) -> gpd.GeoDataFrame:
    """Read the region's places (complexes, universities, centres) into one frame.

    Parameters
    ----------
    region
        From `load_region`.
    layers
        Names of the layers to take; `place_layers` by default.

    Returns
    -------
    geopandas.GeoDataFrame
        Points in WGS 84 (areas by a point inside them), indexed by id, with the column ``layer``;
        without the places of `not_located`.

    Examples
    --------
    >>> import technobelt as tb
    >>> places = tb.facilities(tb.load_region())
    >>> places.loc["UNI04", "name"]
    'Inje University, Gimhae campus'
    """
    import geopandas as gpd

    names = place_layers(region) if layers is None else list(layers)
    frames = [read_layer(region, name).assign(layer=name) for name in names]
    places = [located(frame).to_crs(WGS84) for frame in frames]
    joined = gpd.GeoDataFrame(pd.concat(places), crs=WGS84)
    twice = joined.index[joined.index.duplicated()]
    if len(twice):
        raise LayerError(
            f"the id {twice[0]!r} stands in more than one of the layers {', '.join(names)}. "
            "Give every place an id of its own."
        )
    return joined


def hub_places(region: Region) -> gpd.GeoDataFrame:
    """Return the hubs of the clusters, each where it is.

    Parameters
    ----------
    region
        From `load_region`.

    Returns
    -------
    geopandas.GeoDataFrame
        One row a cluster, in the order of ``region.toml``; as `facilities` returns them.

    Raises
    ------
    ClaimError
        A hub is no facility, not located, or in another cluster than its own.

    Examples
    --------
    >>> import technobelt as tb
    >>> hub_places(tb.load_region())["cluster"].to_dict()
    {'UNI04': 'east', 'UNI02': 'centre', 'UNI01': 'west'}
    """
    places, lost = facilities(region), not_located(region)
    for cluster, hub in zip(region.clusters, region.hubs, strict=True):
        fault = _fault_of_hub(places, lost, cluster, hub)
        if fault:
            raise ClaimError(f"hub '{hub}' of [clusters] {fault}")
    return places.loc[region.hubs]


def _fault_of_hub(places: gpd.GeoDataFrame, lost: pd.DataFrame, cluster: str, hub: str) -> str:
    """Say why a place cannot be a cluster's hub; empty where it can."""
    if hub in lost.index:
        return "is not located: no source gives its position. Place it, or name another place."
    if hub not in places.index:
        return "is no facility. Name one by its id; 'technobelt layers places' lists them."
    home = places.loc[hub, "cluster"]
    if home != cluster:
        return f"is that of cluster '{cluster}', but lies in '{home}'. Name a place of the cluster."
    return ""


def cluster_areas(region: Region) -> gpd.GeoDataFrame:
    """Read the outlines of the clusters that ``region.toml`` names, in its order.

    Raises
    ------
    LayerError
        The layer has no row for one of them.

    Examples
    --------
    >>> import technobelt as tb
    >>> cluster_areas(tb.load_region()).index.tolist()
    ['east', 'centre', 'west']
    """
    areas = read_layer(region, "clusters")
    absent = [cluster for cluster in region.clusters if cluster not in areas.index]
    if absent:
        raise LayerError(
            f"layer 'clusters' has no row with the id '{absent[0]}' of [clusters]; found: "
            f"{', '.join(areas.index)}. Add it, or correct the id."
        )
    return areas.loc[list(region.clusters)]


def select(region: Region, selection: Selection, *, needs: Iterable[str] = ()) -> gpd.GeoDataFrame:
    """Return the rows that a selection of ``region.toml`` names.

    Parameters
    ----------
    region, selection
        Where to look, and for what.
    needs
        Columns that the asker needs beside those that the selection names.

    Raises
    ------
    MissingColumnError
        One of its layers does not have a column that is named or needed.
    """
    import geopandas as gpd

    chosen: list[gpd.GeoDataFrame] = []
    for name in selection.layers:
        frame = read_layer(region, name)
        for column in [*selection.where, *needs]:
            if column not in frame.columns:
                raise MissingColumnError(
                    f"a rule of region.toml asks for column '{column}', which layer '{name}' does "
                    f"not have; found: {', '.join(map(str, frame.columns))}. Correct the rule, or "
                    "add the column."
                )
        for column, values in selection.where.items():
            frame = frame[frame[column].astype(str).isin(values)]
        chosen.append(frame.assign(layer=name).to_crs(chosen[0].crs if chosen else frame.crs))
    return gpd.GeoDataFrame(pd.concat(chosen), crs=chosen[0].crs)


def find_place(places: gpd.GeoDataFrame, text: str) -> gpd.GeoDataFrame:
    """Find one place by id, by name, or as ``LON,LAT``.

    Parameters
    ----------
    places
        From `facilities`.
    text
        An id (``UNI04``), a name or a part of it in English or Korean, or ``128.69,35.24``.

    Returns
    -------
    geopandas.GeoDataFrame
        One row, WGS 84.

    Raises
    ------
    PointError
        Nothing, or more than one place, has that name.
    CRSError
        The two numbers are latitude and longitude.

    Examples
    --------
    >>> import technobelt as tb
    >>> places = tb.facilities(tb.load_region())
    >>> find_place(places, "Inje University, Gimhae campus").index.tolist()
    ['UNI04']
    """
    point = _as_point(text)
    if point is not None:
        return point
    if text in places.index:
        return places.loc[[text]]
    names = places[[c for c in ("name", "name_ko", "name_1999") if c in places.columns]]
    whole = (names == text).any(axis=1)
    if whole.sum() == 1:
        return places[whole]
    part = names.fillna("").apply(
        lambda c: c.astype(str).str.contains(text, case=False, regex=False)
    )
    hits = places[part.any(axis=1)]
    if len(hits) == 1:
        return hits
    if hits.empty:
        raise PointError(
            f"no place '{text}'.{_likely(places, text)} Give an id, a name or LON,LAT; "
            "'technobelt layers places' lists them."
        )
    options = ", ".join(f"{i} ({n})" for i, n in hits["name"].head(5).items())
    raise PointError(f"'{text}' fits {len(hits)} places: {options}. Give the id.")


def _likely(places: gpd.GeoDataFrame, text: str) -> str:
    import difflib

    known = [str(i) for i in places.index] + places["name"].astype(str).tolist()
    near = difflib.get_close_matches(text, known, n=2)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _as_point(text: str) -> gpd.GeoDataFrame | None:
    import geopandas as gpd
    import shapely

    parts = text.split(",")
    try:
        lon, lat = (float(part) for part in parts)
    except ValueError:
        return None
    if abs(lat) > 90 >= abs(lon) and abs(lat) <= 180:
        raise CRSError(
            f"'{text}': a point is LON,LAT, and {lat} is no latitude. Did you mean {lat},{lon}?"
        )
    if abs(lon) > 180 or abs(lat) > 90:
        raise CRSError(f"'{text}': a point is LON,LAT in degrees.")
    return gpd.GeoDataFrame(
        {"name": [text]}, geometry=[shapely.Point(lon, lat)], crs=WGS84
    ).set_axis([text])
