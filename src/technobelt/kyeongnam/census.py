"""People of 2010, joined to the municipalities by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from technobelt.kyeongnam.source import (
    BOUNDARIES,
    CENSUS,
    numbers,
    read_table,
    refuse_first,
    refuse_shape,
)

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

__all__ = ["census_by_code", "read_census"]


def read_census(source: Path) -> pd.DataFrame:
    """Read the census table: ``province_ko``, ``name_ko``, ``population``, indexed by line."""
    census = read_table(source, CENSUS, ["province_ko", "name_ko", "population"])
    people = numbers(census, "population", CENSUS)
    odd = ~(people > 0) | (people % 1 != 0)
    refuse_first(census["population"], odd, CENSUS, "is no number of people")
    return census


def census_by_code(areas: gpd.GeoDataFrame, census: pd.DataFrame) -> pd.Series[int]:
    """Join the census to the municipalities by province and name, for its codes are others.

    A city with districts stands in the census as a whole and by district; the boundaries have the
    districts only, with the city's name before theirs.

    Parameters
    ----------
    areas
        Municipalities indexed by code, with ``prov_ko`` and ``name_ko``, and ``row`` in their file.
    census
        ``province_ko``, ``name_ko`` and ``population``, indexed by line.

    Returns
    -------
    pandas.Series
        People by code.

    Raises
    ------
    LayerError
        A municipality has no row or more than one; it is named.

    Examples
    --------
    >>> import pandas as pd
    >>> areas = pd.DataFrame({"prov_ko": ["K"], "name_ko": ["창원시진해구"]}, index=["38115"])
    >>> census = pd.DataFrame(
    ...     {"province_ko": "K", "name_ko": ["창원시", "진해구"], "population": ["9", "4"]}
    ... )
    >>> census_by_code(areas, census).to_dict()
    {'38115': 4}
    """
    import pandas as pd

    people = numbers(census, "population", CENSUS)
    lines: dict[Any, Any] = census.groupby(
        [census["province_ko"], census["name_ko"].map(_district)]
    ).groups
    found = {}
    for number, (code, area) in enumerate(areas.iterrows(), start=1):
        hits = lines.get((area["prov_ko"], _district(area["name_ko"])), [])
        if len(hits) != 1:
            row = area.get("row", number)
            refuse_shape(BOUNDARIES, "municipalities", row, _said(area, len(hits)))
        found[code] = int(people[hits[0]])
    return pd.Series(found, name="population")


def _district(name: str) -> str:
    """Return a district's own name; every other name as it is."""
    match = re.fullmatch(r".+시 ?(.+구)", name)
    return match[1] if match else name


def _said(area: pd.Series[str], hits: int) -> str:
    place = f"{area['prov_ko']} {area['name_ko']}"
    if hits:
        return f"'{place}' stands {hits} times in '{CENSUS}'"
    return f"'{place}' is not in '{CENSUS}' (joined by province and name)"
