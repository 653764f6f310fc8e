"""The paper's other layers: its growth poles, local plans, and two tables joined to provinces.

The facts stand in ``paper.toml`` beside this module, as the paper has them.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.errors import LayerError
from technobelt.kyeongnam.boundaries import METRES, make_provinces, on_grid
from technobelt.kyeongnam.facilities import make_complexes
from technobelt.kyeongnam.wording import BOUNDARY_LICENCE, BOUNDARY_SOURCE, FACTS_LICENCE
from technobelt.schema import NOT_LOCATED

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

__all__ = [
    "make_growth_poles",
    "make_local_plans",
    "make_mechanical_industry",
    "make_producer_services",
    "read_paper",
]

PAPER = "Park and Lee (1999)"
TOLERANCE_M = 500.0  # the provinces only carry a colour here
_KINDS = ("national_industrial_complex", "free_trade_zone")
_MEASURES = {"firms": "firms_pct", "output": "output_pct", "workers": "work_pct"}


def read_paper() -> dict[str, Any]:
    """Return the facts of ``paper.toml``.

    Examples
    --------
    >>> read_paper()["local_plans"]["rows"][1]["special"]
    'footwear'
    """
    text = files("technobelt.kyeongnam").joinpath("paper.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def make_growth_poles(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``growth_poles``, WGS 84."""
    told = read_paper()["growth_poles"]
    complexes = make_complexes(source)
    early = complexes["kind"].isin(_KINDS) & complexes["opened_year"].le(told["until"]).fillna(
        value=False
    )
    columns = ["id", "name", "name_ko", "name_1999", "kind", "opened_year", "special", "source"]
    columns += ["licence", "confidence", "geometry"]
    poles = complexes.loc[early, columns]
    return poles.assign(page=told["page"], note=told["note"]).sort_values(["opened_year", "id"])


def make_local_plans(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``local_plans``, EPSG:5179: the provinces and cities that made one."""
    told = read_paper()["local_plans"]
    return _on_provinces(source, told["rows"], told["page"])


def make_producer_services(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``producer_services``, EPSG:5179.

    Regions whose outline is not in the source material are kept without a shape.
    """
    told = read_paper()["producer_services"]
    rows = []
    for row in told["rows"]:
        plain = {key: value for key, value in row.items() if key not in {"workers", "percent"}}
        for name, workers, share in zip(
            told["columns"], row["workers"], row["percent"], strict=True
        ):
            plain |= {name: workers, f"{name}_pct": float(share)}
        rows.append(plain)
    return _on_provinces(source, rows, told["page"])


def make_mechanical_industry(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``mechanical_industry``, EPSG:5179: each industry on the province."""
    told = read_paper()["mechanical_industry"]
    rows = []
    for row in told["rows"]:
        plain = {"province": told["province"], "note": told["note"]}
        plain |= {key: value for key, value in row.items() if key not in _MEASURES}
        for name, share in _MEASURES.items():
            plain |= {name: row[name][0], share: float(row[name][1])}
        rows.append(plain)
    return _on_provinces(source, rows, told["page"])


def _on_provinces(source: Path, rows: list[dict[str, Any]], page: str) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    table = pd.DataFrame(rows)
    shapes = _shapes(source, table["province"].tolist())
    known = np.array([shape is not None for shape in shapes])
    table["name_1999"] = (
        table["name_1999"].fillna(table["name"]) if "name_1999" in table else table["name"]
    )
    return gpd.GeoDataFrame(
        table.drop(columns="province").assign(
            page=page,
            source=np.where(known, f"{PAPER}; outline: {BOUNDARY_SOURCE}", PAPER),
            licence=np.where(known, f"{FACTS_LICENCE}; {BOUNDARY_LICENCE}", FACTS_LICENCE),
            confidence=np.where(known, "medium", NOT_LOCATED),
        ),
        geometry=shapes,
        crs=METRES,
    )


def _shapes(source: Path, codes: list[Any]) -> NDArray[np.object_]:
    """Return the outline of each province by its code, None where there is no code."""
    import shapely

    provinces = make_provinces(source)
    simple = shapely.coverage_simplify(provinces.geometry.to_numpy(), TOLERANCE_M)
    by_code = dict(zip(provinces["id"], on_grid(simple, 0), strict=True))
    wanted = [code if isinstance(code, str) else None for code in codes]
    absent = [code for code in wanted if code is not None and code not in by_code]
    if absent:
        raise LayerError(f"the paper's tables name province {absent[0]}, which has no outline.")
    return np.array([by_code.get(code) for code in wanted], dtype=object)
