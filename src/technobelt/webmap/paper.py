"""The paper's other layers: growth poles, local plans, producer services, mechanical industry.

All are switched off until they are asked for: they are the plan's surroundings, not the plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from technobelt.style import load_style
from technobelt.webmap.facts import number, plain, popup, safe, tooltip
from technobelt.webmap.finder import key
from technobelt.webmap.overlays import (
    FINE,
    Entry,
    Overlay,
    Part,
    drawn,
    feature,
    packed,
    swatch_area,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import geopandas as gpd

__all__ = ["GROUP", "paper"]

GROUP = "The paper"
_TOLERANCE_M = 200.0
_FILL, _FAINT = 0.85, 0.15
#: A star of five points, 26 pixels wide.
_STAR = "M13 1.5l3.4 7.6 8.3.9-6.2 5.6 1.7 8.1-7.2-4.1-7.2 4.1 1.7-8.1-6.2-5.6 8.3-.9z"
_SERVICES = {
    "total": "All producer services",
    "finance": "Financial institutions",
    "insur": "Insurance",
    "estate": "Real estate",
    "business": "Business services",
}
_INDUSTRY = {"firms": "firms_pct", "output": "output_pct", "workers": "work_pct"}


def paper(layers: Mapping[str, gpd.GeoDataFrame], crs: str) -> list[Overlay]:
    """Return one layer for each of the paper's that is there, all switched off.

    Parameters
    ----------
    layers
        Layer name -> frame, any CRS: ``growth_poles``, ``local_plans``, ``producer_services``,
        ``mechanical_industry``.
    crs
        Metres.
    """
    return [draw(layers[name], crs) for name, draw in _LAYERS.items() if name in layers]


def _growth_poles(frame: gpd.GeoDataFrame, crs: str) -> Overlay:
    shapes = drawn(frame, crs, tolerance_m=0)
    star = _star(26)
    icon = {"html": star, "class": "tb-pole", "anchor": [13, 13], "size": [26, 26]}
    points = [
        feature(shape, FINE, icon=icon, tip=tooltip(row), pop=popup(row), at=_at(row))
        for shape, row in _rows(shapes)
    ]
    entry = Entry(GROUP, _star(22), "Growth pole (1960s, 70s)")
    return Overlay("Growth poles", GROUP, [Part(points, "tb-poles")], [entry], show=False)


def _at(row: Mapping[str, Any]) -> list[str]:
    return [safe(key("growth_poles", row))]


def _star(side: int) -> str:
    colour = load_style()["paper"]["growth_poles"]
    return (
        f'<svg width="{side}" height="{side}" viewBox="0 0 26 26" aria-hidden="true"><path '
        f'd="{_STAR}" fill="{colour}" stroke="#2B2B2B" stroke-width="1.4"/></svg>'
    )


def _local_plans(frame: gpd.GeoDataFrame, crs: str) -> Overlay:
    colours: Sequence[str] = load_style()["paper"]["local_plans"]
    areas, entries = [], []
    for at, (shape, row) in enumerate(_rows(drawn(frame, crs, tolerance_m=_TOLERANCE_M))):
        colour = colours[at % len(colours)]
        areas.append(_area(shape, colour, tooltip(row), popup(row)))
        swatch = swatch_area(colour, stroke=colour, opacity=_FILL)
        entries.append(Entry("Local plans", swatch, _plan_name(row)))
    return Overlay("Local plans", GROUP, [_part(areas)], entries, show=False)


def _plan_name(row: Mapping[str, Any]) -> str:
    return ": ".join(text for key in ("name", "special") if (text := plain(row.get(key))))


# --- producer services ---------------------------------------------------------------------------


def _producer_services(frame: gpd.GeoDataFrame, crs: str) -> Overlay:
    shares = {float(limit): colour for limit, colour in load_style()["shares"].items()}
    areas, used = [], set()
    for shape, row in _rows(drawn(frame, crs, tolerance_m=_TOLERANCE_M)):
        limit = _limit(row.get("total_pct"), shares)
        used.add(limit)
        areas.append(_area(shape, shares[limit], _share_tip(row), _services_popup(row)))
    entries = [
        Entry(
            "Producer services, share of the nation's workers",
            swatch_area(colour, stroke="#7A8B99", opacity=_FILL),
            _between(limit, shares),
        )
        for limit, colour in sorted(shares.items())
        if limit in used
    ]
    return Overlay("Producer services", GROUP, [_part(areas)], entries, show=False)


def _limit(share: object, shares: Mapping[float, str]) -> float:
    """Return the nearest limit at or above a share; what is not known counts as nothing."""
    value = float(plain(share) or 0)
    return min((limit for limit in shares if limit >= value), default=max(shares))


def _between(limit: float, shares: Mapping[float, str]) -> str:
    below = max((other for other in shares if other < limit), default=0.0)
    return f"over {below:g}%" if limit == max(shares) else f"{below:g} to {limit:g}%"


def _share_tip(row: Mapping[str, Any]) -> str:
    share = plain(row.get("total_pct"))
    return tooltip(row) + (f": {safe(share)}%" if share else "")


def _services_popup(row: Mapping[str, Any]) -> str:
    cells = [
        [label, number(row.get(column)), _percent(row.get(f"{column}_pct"))]
        for column, label in _SERVICES.items()
    ]
    return popup(row, below=_table(["", "Workers", "Of the nation's"], cells))


# --- mechanical industry -------------------------------------------------------------------------


def _mechanical_industry(frame: gpd.GeoDataFrame, crs: str) -> Overlay:
    """Draw each province once, however many industries it has a row for."""
    colour = load_style()["paper"]["mechanical_industry"]
    shapes = drawn(frame, crs, tolerance_m=_TOLERANCE_M)
    name = "Mechanical industry"
    areas = []
    for _, rows in shapes.groupby(shapes.geometry.to_wkb(), sort=False):
        table = rows.drop(columns=rows.geometry.name).to_dict("records")
        outline = _area(rows.geometry.iloc[0], colour, name, _industry_popup(table))
        outline["properties"]["style"] |= {"fillOpacity": _FAINT, "color": colour, "weight": 1.5}
        areas.append(outline)
    entry = Entry(GROUP, swatch_area(colour, stroke=colour, opacity=_FAINT), name)
    return Overlay(name, GROUP, [_part(areas)], [entry], show=False)


def _industry_popup(rows: Sequence[Mapping[str, Any]]) -> str:
    cells = [
        [
            plain(row.get("name")),
            *(_with_share(row.get(column), row.get(pct)) for column, pct in _INDUSTRY.items()),
        ]
        for row in rows
    ]
    head = ["Number and share of the nation's", "Firms", "Output, million won", "Workers"]
    note = plain(rows[0].get("note"))
    said = f'<p class="tb-source">{safe(note)}</p>' if note else ""
    shared = {key: rows[0].get(key) for key in ("page", "source", "licence")}
    title = {"name": "Mechanical engineering industry"}
    return popup(title | shared, below=_table(head, cells) + said)


def _with_share(value: object, share: object) -> str:
    return "\n".join(text for text in (number(value), _percent(share)) if text)


# --- shared --------------------------------------------------------------------------------------


def _rows(shapes: gpd.GeoDataFrame) -> Iterable[tuple[Any, dict[str, Any]]]:
    rows = shapes.drop(columns=shapes.geometry.name).to_dict("records")
    return zip(shapes.geometry, rows, strict=True)


def _area(shape: Any, colour: str, tip: str, pop: str) -> dict[str, Any]:
    return packed(shape, tip=tip, pop=pop, style={"fillColor": colour})


def _part(areas: list[dict[str, Any]]) -> Part:
    look = {"color": "#FFFFFF", "weight": 1.2, "fillOpacity": _FILL}
    return Part(areas, "tb-paper", look)


def _percent(share: object) -> str:
    text = number(share, 1)
    return f"{text}%" if text else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as HTML; a line break in a cell is one in the page too."""
    top = "".join(f"<th>{safe(text)}</th>" for text in head)
    body = "".join(
        f"<tr><th>{safe(first)}</th>{''.join(f'<td>{_cell(text)}</td>' for text in rest)}</tr>"
        for first, *rest in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"


def _cell(text: str) -> str:
    return safe(text).replace("\n", "<br>")


_LAYERS = {
    "growth_poles": _growth_poles,
    "local_plans": _local_plans,
    "producer_services": _producer_services,
    "mechanical_industry": _mechanical_industry,
}
