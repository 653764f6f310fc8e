"""Make the folder of a new region."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from technobelt.errors import OutputError, RegionError
from technobelt.network.limits import check_country
from technobelt.new_region.empty_layers import write_empty_layer
from technobelt.new_region.likeness import with_tables
from technobelt.profile_toml import profile_toml
from technobelt.projections import is_korean
from technobelt.region import load_region
from technobelt.schema import LAYERS
from technobelt.writing import replace_files

if TYPE_CHECKING:
    from technobelt.region import LayerFile, Profile, Region, Value

__all__ = ["NewRegion", "init_region", "short_name"]

#: Without these a plan cannot be made.
_NEEDED = ("clusters", "complexes", "universities", "centres", "land")
#: These are written empty as well, to be switched on in ``region.toml`` when they have rows.
_OPTIONAL = (
    "corridor",
    "interchanges",
    "municipalities",
    "submunicipalities",
    "provinces",
    "outlines",
    "population",
    "barriers",
)
_ROADS = "roads.parquet"
#: Stands in for the source of a limit where that of the built-in region is another country's law.
_ELSEWHERE = "placeholder, CHANGE: put in what your law or your measurements say"


@dataclass(frozen=True)
class NewRegion:
    """What a new region is called, where it lies and of what clusters it is made.

    Attributes
    ----------
    name, id
        Its name, and a short one for files and JSON: letters, digits, ``_``, ``-`` and ``.``.
    crs
        The metric CRS in which everything is computed; see `technobelt.projections.suggest_crs`.
    clusters
        Names by id.
    country
        ISO 3166-1, of those whose general speed limits are known; empty where it is none of them.
    """

    name: str
    id: str
    crs: str
    clusters: dict[str, str] = field(default_factory=dict)
    country: str = ""


def init_region(
    folder: str | Path,
    new: NewRegion,
    *,
    like: Region | None = None,
    with_layers: bool = False,
) -> list[Path]:
    """Write a commented ``region.toml`` and empty layers with their columns.

    Parameters
    ----------
    folder
        Made if it is not there. Layers that are there already are left alone.
    new
        What the region is called; without clusters it gets two.
    like
        A region whose clusters, claims, rules and profiles are taken instead of examples. Its
        layers are written empty.
    with_layers
        Copy the layers of `like` with their rows, its roads, and the files that its rules name.

    Returns
    -------
    list of pathlib.Path
        The files that were written, ``region.toml`` first.

    Raises
    ------
    OutputError
        The folder has a ``region.toml`` already, or cannot be written.
    RegionError
        The CRS is none, or is in degrees; the id has other signs than it may.
    NetworkError
        The country is none whose limits are known.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     files = init_region(home, NewRegion("Emilia", "emilia", "EPSG:32632"))
    ...     list(load_region(home).clusters)
    ['east', 'west']
    """
    home = Path(folder)
    if (home / "region.toml").exists():
        raise OutputError(
            f"'{home}' has a region.toml already. Nothing was changed; choose another folder."
        )
    _refuse_crs(new.crs)
    _refuse_id(new.id)
    new = replace(new, country=check_country(new.country))
    named = new if new.clusters else _with_clusters(new, like)
    before = {path.name for path in home.iterdir()} if home.is_dir() else set()
    with replace_files(home) as scratch:
        if like is None:
            text = _from_template(named, home)
            for name in (*_NEEDED, *_OPTIONAL):
                _unless_there(scratch / f"{name}.gpkg", name, named.crs, before)
        else:
            text = _from_region(named, like, copied=with_layers)
            _lay_out(scratch, named, like, before, copied=with_layers)
        (scratch / "region.toml").write_text(text, encoding="utf-8")
        load_region(scratch)
        written = sorted(path.name for path in scratch.rglob("*") if path.is_file())
    return [home / "region.toml", *(home / name for name in written if name != "region.toml")]


def _with_clusters(new: NewRegion, like: Region | None) -> NewRegion:
    clusters = {"east": "East", "west": "West"}
    if like is not None:
        clusters = {key: cluster.name for key, cluster in like.clusters.items()}
    return replace(new, clusters=clusters)


def _refuse_id(id_: str) -> None:
    """Refuse an id that would not do as the name of a file, everywhere and unquoted."""
    if not re.fullmatch(r"\w[\w.-]*", id_):
        raise RegionError(
            f"the id '{id_}' is to name files. Write letters, digits, '_', '-' and '.' alone, "
            f"e.g. '{short_name(id_)}'."
        )


def short_name(*texts: str) -> str:
    """Return an id made of the first text that has letters or digits of ASCII.

    Examples
    --------
    >>> short_name("Taegu and Kumi"), short_name("대구", "my belt"), short_name("대구")
    ('taegu-and-kumi', 'my-belt', 'region')
    """
    for text in texts:
        short = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
        if short:
            return short
    return "region"


def _refuse_crs(crs: str) -> None:
    """Refuse what is no CRS before a file is written in it; `load_region` asks for metres."""
    import pyproj

    try:
        pyproj.CRS(crs)
    except pyproj.exceptions.CRSError as error:
        raise RegionError(
            f"'{crs}' is not a coordinate reference system. Write one such as EPSG:32632."
        ) from error


def _unless_there(
    path: Path, name: str, crs: str, before: set[str], *, every_column: bool = False
) -> None:
    if path.name not in before:
        write_empty_layer(path, name, crs, every_column=every_column)


# --- from the template ---------------------------------------------------------------------------


def _from_template(new: NewRegion, folder: Path) -> str:
    template = (resources.files("technobelt.new_region") / "template.toml").read_text("utf-8")
    hubs = {cluster: f"{cluster}-hub" for cluster in new.clusters}
    width = max(len(_key(cluster)) for cluster in new.clusters)
    rows = [
        f"{_key(cluster):<{width}} = {{ name = {_quoted(name)}, hub = {_quoted(hubs[cluster])} }}"
        for cluster, name in new.clusters.items()
    ]
    korean = is_korean(new.crs)
    return Template(template).substitute(
        title=" ".join(new.name.split()),
        folder=json.dumps(str(folder))[1:-1],
        region=_region_table(new, "the plan: name it here", korean=korean),
        layers=_layers_table(new.crs, korean=korean),
        clusters="\n".join(rows),
        cluster_ids=", ".join(_quoted(cluster) for cluster in new.clusters),
        speeds_note=_KOREAN_SPEEDS if korean else _FOREIGN_SPEEDS,
        profiles="\n".join(_profiles(korean=korean)),
    )


_KOREAN_SPEEDS = "# free_flow is the law of Korea; of typical and peak nothing was measured here."
_FOREIGN_SPEEDS = (
    "# CHANGE free_flow: these are the limits of Korea, as placeholders: put in your law's.\n"
    "# Of typical and peak nothing was measured here."
)


def _region_table(new: NewRegion, source: str, *, korean: bool) -> str:
    dates, example = ('["1999", "2021"]', "KR") if korean else ('["2000", "2020"]', "DE")
    return "\n".join(
        [
            "[region]",
            f"id          = {_quoted(new.id)}",
            f"name        = {_quoted(new.name)}",
            f"title       = {_quoted(new.name)} # as the report is headed",
            f"source      = {_quoted(source)}",
            f"crs         = {_quoted(new.crs)} # metric: all is computed in it; layers may differ",
            "attribution = [ # shown on map, report and exports",
            '  "Roads: © OpenStreetMap contributors, ODbL 1.0",',
            "]",
            "limits        = [] # what a reader of the report must know: gaps, assumptions",
            f"compare_dates = [] # e.g. {dates}: roads that a plan sets side by side",
            f'# ISO 3166-1, e.g. "{example}": what maxspeed=urban without a country means in roads',
            "# that 'technobelt network download' fetches; empty: they have no posted limit.",
            f"country = {_quoted(new.country)}",
        ]
    )


def _layers_table(crs: str, *, korean: bool) -> str:
    encoding = "CP949" if korean else "CP1252"
    lines = [
        "# --- layers: names are fixed, files and their columns are yours " + "-" * 32,
        "",
        "# Files may be GeoPackage, shapefile (zipped too), GeoJSON, FlatGeobuf, KML, GeoParquet,",
        "# or CSV with coordinates. Each may say, all but 'file' if need be:",
        "#   layer    = which layer of the file",
        f"#   crs      = {_quoted(crs)}, where the file says none",
        f'#   encoding = "{encoding}", of a shapefile or CSV; guessed otherwise',
        "#   x, y     = the columns of coordinates of a CSV; usual names (lon, lat) are known",
        "#   vintage  = of when the facts are",
        '#   columns  = { name = "NAME_EN" }, where its columns are called otherwise',
        "",
        "[layers]",
    ]
    width = max(map(len, _OPTIONAL))

    def row(name: str, doc: str, file: str = "") -> str:
        doc = doc if korean else doc.replace(" (eup, myeon, dong)", "")
        return f'{name:<{width}} = {{ file = "{file or name + ".gpkg"}" }} # {doc}'

    lines += [row(name, LAYERS[name].doc) for name in _NEEDED]
    lines += [row("roads", "technobelt network build writes it", _ROADS), ""]
    lines += ["# Take the # off when the file, which is there, has rows:"]
    lines += [f"# {row(name, LAYERS[name].doc)}" for name in _OPTIONAL]
    return "\n".join(lines)


def _profiles(*, korean: bool) -> list[str]:
    built_in = load_region().profiles
    return [profile_toml(_adapted(one, korean=korean), name) for name, one in built_in.items()]


def _adapted(profile: Profile, *, korean: bool) -> Profile:
    """Return a profile of the built-in region whose sources are true elsewhere."""

    def adapted(value: Value) -> Value:
        source = value.source.replace("not measured in Kyeongnam", "not measured here")
        foreign = not korean and ("Korea" in source or "national" in source)
        if not foreign:
            return value.model_copy(update={"source": source})
        return value.model_copy(update={"source": _ELSEWHERE, "placeholder": True})

    fixed = type(profile.fixed_s).model_fields
    return profile.model_copy(
        update={
            "speed_kph": {road: adapted(value) for road, value in profile.speed_kph.items()},
            "limit_share": adapted(profile.limit_share),
            "access_kph": adapted(profile.access_kph),
            "fixed_s": profile.fixed_s.model_copy(
                update={name: adapted(getattr(profile.fixed_s, name)) for name in fixed}
            ),
        }
    )


# --- like another region -------------------------------------------------------------------------


def _from_region(new: NewRegion, like: Region, *, copied: bool) -> str:
    text = (like.folder / "region.toml").read_text(encoding="utf-8")
    source = like.source if copied else f"like region '{like.id}'; name the plan here"
    head = _region_table(new, source, korean=is_korean(new.crs))
    if copied:
        said = {"attribution": like.attribution, "limits": like.limits}
        said |= {"compare_dates": like.compare_dates}
        head = "\n".join([*head.split("\n")[:6], *(_list(key, v) for key, v in said.items())])
        head += f"\ncountry = {_quoted(like.country)}"
    files = {name: _target(like, name, copied=copied) for name in (*like.layers, "roads")}
    rows = [_layer_row(name, _file_of(like, name), files[name], copied) for name in files]
    return with_tables(text, {"region": head, "layers": "\n".join(["[layers]", *rows])})


def _list(key: str, values: list[str]) -> str:
    return "\n".join([f"{key} = [", *(f"  {_quoted(value)}," for value in values), "]"])


def _file_of(like: Region, name: str) -> LayerFile:
    return like.roads if name == "roads" else like.layers[name]


def _target(like: Region, name: str, *, copied: bool) -> str:
    """Return the name of a layer's file in the new folder; what lay outside comes inside."""
    if not copied:
        return _ROADS if name == "roads" else f"{name}.gpkg"
    return _inside(_file_of(like, name).file)


def _inside(file: str) -> str:
    path = Path(file)
    return path.name if path.is_absolute() or ".." in path.parts else path.as_posix()


def _layer_row(name: str, file: LayerFile, target: str, copied: bool) -> str:  # noqa: FBT001
    said: dict[str, Any] = {"file": target}
    if copied:
        said |= file.model_dump(exclude_none=True, exclude={"file"})
    if not said.get("columns"):
        said.pop("columns", None)
    return f"{name} = {{ {', '.join(f'{key} = {_toml(value)}' for key, value in said.items())} }}"


def _toml(value: str | dict[str, str]) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return f"{{ {', '.join(f'{_key(k)} = {_quoted(v)}' for k, v in value.items())} }}"


def _lay_out(
    scratch: Path, new: NewRegion, like: Region, before: set[str], *, copied: bool
) -> None:
    if not copied:
        for name in like.layers:
            _unless_there(scratch / f"{name}.gpkg", name, new.crs, before, every_column=True)
        return
    named = {name: _file_of(like, name).file for name in (*like.layers, "roads")}
    for file in dict.fromkeys([*named.values(), *like.zones.own_files]):
        _copy(like.folder / file, scratch / _inside(file))


def _copy(source: Path, target: Path) -> None:
    """Copy a file, with the companions of a shapefile; what is not there is left out."""
    target.parent.mkdir(parents=True, exist_ok=True)
    every = [source]
    if source.suffix.lower() == ".shp":
        every = [one for one in source.parent.glob(f"{source.stem}.*") if one.suffix != ".bak"]
    for one in every:
        if one.is_file():
            shutil.copyfile(one, target.with_name(one.name))


# --- words ---------------------------------------------------------------------------------------


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _quoted(text)


def _quoted(text: str) -> str:
    """Return a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
