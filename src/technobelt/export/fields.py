"""Short field names, and the field dictionary that explains them.

A shapefile's names hold ten bytes. GDAL cuts them, numbers what collides, and says nothing of it
to whoever receives the file; here the names are made by rules that do not depend on what else is
in the table more than they must, and `<name>.fields.csv` beside the file says what each one is.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from typing import TYPE_CHECKING

from technobelt.schema import LAYERS, Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from technobelt.export.dbf import Encoding, Field

__all__ = ["dictionary_text", "short_names"]

NAME_BYTES = 10

#: Names of our own tables that are too long, shortened so that one still recognises them.
_PREFERRED = {
    "cluster_name": "clust_name",
    "existed_1999": "exist_1999",
    "opened_year": "open_year",
    "origin_name": "orig_name",
    "outline_source": "outl_src",
    "position_by": "pos_by",
    "universities": "universit",
}

#: Columns of results, which `schema.LAYERS` does not list.
_RESULTS = (
    Column("zone_id", "text", "zone"),
    Column("cluster", "text", "id of its cluster, or 'outside'"),
    Column("name", "text", "name"),
    Column("special", "text", "specialisation"),
    Column("pack", "text", "rule pack by which the zone was drawn"),
    Column("core", "text", "id of the core institution that the pack asks for"),
    Column("area_km2", "number", "area on the ellipsoid", "km2"),
    Column("municip", "text", "municipalities of which it takes 0.01 km2 or more"),
    Column("complexes", "integer", "industrial complexes inside", "count"),
    Column("universit", "integer", "universities and colleges inside", "count"),
    Column("centres", "integer", "innovation centres inside", "count"),
    Column("interch", "integer", "interchanges inside", "count"),
    Column("complex_10", "integer", "industrial complexes inside or within 10 min", "count"),
    Column("univ_10", "integer", "universities and colleges inside or within 10 min", "count"),
    Column("centre_10", "integer", "innovation centres inside or within 10 min", "count"),
    Column("interch_10", "integer", "interchanges inside or within 10 min", "count"),
    Column("hub_min", "number", "median driving time to the cluster's hub", "min"),
    Column("hub_worst", "number", "longest driving time to the cluster's hub", "min"),
    Column(
        "other_min",
        "number",
        "median of the median driving times to the other clusters' hubs",
        "min",
    ),
    Column("other_wrst", "number", "longest driving time to the other clusters' hubs", "min"),
    Column("suit_q1", "number", "suitability: a quarter of the land has less", "0 to 1"),
    Column("suit_q2", "number", "suitability: half of the land has less", "0 to 1"),
    Column("suit_q3", "number", "suitability: three quarters of the land have less", "0 to 1"),
    Column("stays", "number", "share of draws in which its land stays in the zone", "0 to 1"),
    Column("core_share", "number", "share of its land that nine draws in ten keep", "0 to 1"),
    Column("rule", "text", "why the boundary runs where it does"),
    Column("origin_id", "text", "id of the place that the times start from or lead to"),
    Column("origin_name", "text", "name of that place"),
    Column("minutes", "number", "limit of the driving time", "min"),
    Column(
        "truncated", "number", "share of the outline within 2 km of the network's edge", "0 to 1"
    ),
    Column("status", "text", "ok, or not_tied: no road near"),
    Column("n_complex", "integer", "industrial complexes reached, by time", "count"),
    Column("n_univ", "integer", "universities and colleges reached, by time", "count"),
    Column("n_centre", "integer", "innovation centres reached, by time", "count"),
    Column("population", "number", "people reached, by time", "persons"),
    Column("profile", "text", "speed profile"),
    Column("direction", "text", "from the origin, or toward it"),
    Column("late_in", "number", "of road positions inside, the share over the limit", "0 to 1"),
    Column("ok_out", "number", "of road positions within the limit, the share outside", "0 to 1"),
    Column("order", "integer", "rank of the site by the weight that it serves"),
    Column("kept", "integer", "1 where the site stood before"),
    Column("served", "integer", "places of the demand that go to the site", "count"),
    Column("weight", "number", "weight of the demand, in the unit of its column"),
    Column("mean_min", "number", "weighted mean driving time between demand and site", "min"),
    Column("max_min", "number", "longest driving time between demand and site", "min"),
    Column("stands_for", "text", "ids of all places at the position"),
)

#: How firm zones are, see `technobelt.zones.Robustness`.
_ROBUSTNESS = (
    Column("cluster", "text", "id of its cluster"),
    Column("kind", "text", "core: stays in the zone in nine draws of ten; fringe: in some only"),
    Column("area_km2", "number", "area on the ellipsoid", "km2"),
    Column("stays", "number", "share of draws in which the land is in the zone", "0 to 1"),
)

#: What zones gain and lose, see `technobelt.zones.ZoneChanges`.
_CHANGES = (
    Column("run", "text", "date of the roads, or scenario, that the zones were drawn under"),
    Column("base", "text", "date or scenario that it is compared with"),
    Column("cluster", "text", "id of the zones' cluster"),
    Column("change", "text", "kept, gained or lost, from base to run"),
    Column("area_km2", "number", "area on the ellipsoid", "km2"),
)


def short_names(names: Sequence[str], encoding: Encoding = "UTF-8") -> list[str]:
    """Return unique names of at most ten bytes, in the same order.

    A name that fits is kept as it is; the others are cut at a whole character and numbered where
    they collide, in their order. Anything but letters, digits and ``_`` becomes ``_``, and a name
    starts with a letter, as ArcGIS wants it. Names that differ only in case count as one.

    Parameters
    ----------
    names
        Unique without regard to case, e.g. from `plain_columns`.
    encoding
        Of the table; a character counts its bytes in it.

    Examples
    --------
    >>> short_names(["travel_time_min", "travel_time_max", "existed_1999", "area_km2", "2018 년"])
    ['travel_tim', 'travel_t_2', 'exist_1999', 'area_km2', 'f2018_년']
    """
    wishes = [_wish(name, encoding) for name in names]
    whole = [wish == name for wish, name in zip(wishes, names, strict=True)]
    taken = {wish.casefold() for wish, fits in zip(wishes, whole, strict=True) if fits}
    return [
        wish if fits else _untaken(wish, taken, encoding)
        for wish, fits in zip(wishes, whole, strict=True)
    ]


def _wish(name: str, encoding: Encoding) -> str:
    text = unicodedata.normalize("NFC", _PREFERRED.get(name, name))
    clean = "".join(letter if _allowed(letter, encoding) else "_" for letter in text)
    clean = clean if clean.strip("_") else "field"
    return _cut(clean if clean[0].isalpha() else f"f{clean}", NAME_BYTES, encoding)


def _allowed(letter: str, encoding: Encoding) -> bool:
    if letter != "_" and not letter.isalnum():
        return False
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _cut(text: str, size: int, encoding: Encoding) -> str:
    return text.encode(encoding)[:size].decode(encoding, "ignore")


def _untaken(wish: str, taken: set[str], encoding: Encoding) -> str:
    """Add a number to a name until it is free, and take it."""
    name, number = wish, 2
    while name.casefold() in taken:
        tail = f"_{number}"
        name, number = _cut(wish, NAME_BYTES - len(tail), encoding) + tail, number + 1
    taken.add(name.casefold())
    return name


def dictionary_text(fields: Iterable[Field], notes: Iterable[str] = ()) -> str:
    """Return the field dictionary as CSV text; `notes` on the shapes make its last row.

    Examples
    --------
    >>> from technobelt.export.columns import PlainColumn
    >>> from technobelt.export.dbf import make_field
    >>> column = PlainColumn("existed_1999", "existed_1999", "text", ["yes"])
    >>> print(dictionary_text([make_field(column, "exist_1999", "UTF-8")]), end="")
    field,name,type,width,decimals,unit,meaning,changed
    exist_1999,existed_1999,text,3,0,,"yes, no, planned or unknown",name shortened
    """
    fields = list(fields)
    known = _known_columns([field.column.label for field in fields])
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["field", "name", "type", "width", "decimals", "unit", "meaning", "changed"])
    for field in fields:
        writer.writerow(_row(field, known.get(field.column.label)))
    shapes = "; ".join(notes)
    if shapes:
        writer.writerow(["(shape)", "geometry", "", "", "", "", "", shapes])
    return stream.getvalue()


def _row(field: Field, known: Column | None) -> list[object]:
    label = field.column.label
    renamed = ["name shortened"] if field.name != label else []
    changed = "; ".join([*renamed, *field.notes])
    unit, doc = (known.unit, known.doc) if known else ("", "")
    return [field.name, label, field.kind, field.width, field.decimals, unit, doc, changed]


def _known_columns(labels: Sequence[str]) -> dict[str, Column]:
    """Return what is known of the columns, from the one table that they look like."""
    from technobelt.network.model import ROAD_COLUMNS

    roads = tuple(Column(name, "text", doc) for name, doc in ROAD_COLUMNS.items())
    tables = [_RESULTS, _ROBUSTNESS, _CHANGES, roads, *(table.columns for table in LAYERS.values())]
    by_name = [{column.name: column for column in columns} for columns in tables]
    best = max(by_name, key=lambda known: sum(label in known for label in labels))
    shared = sum(label in best for label in labels)
    return best if shared >= min(3, len(labels)) else {}
