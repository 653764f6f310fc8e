"""People of 2010 by municipality, spread over 1 km cells along residential streets.

A dasymetric estimate: within a municipality everybody is taken to live along residential streets,
equally many a metre. Blocks of flats and lone farms are treated alike; the municipality's total is
the census's, to the person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from technobelt.errors import LayerError
from technobelt.kyeongnam.boundaries import METRES, read_municipalities
from technobelt.kyeongnam.census import census_by_code, read_census
from technobelt.kyeongnam.source import COUNTRY_ROADS
from technobelt.kyeongnam.streets import Pieces, cut, read_lines
from technobelt.kyeongnam.wording import CENSUS_LICENCE, OSM_LICENCE

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

__all__ = [
    "CELL_M",
    "make_population",
    "share_out",
    "spread",
]

CELL_M = 1000
STREETS = ("residential", "living_street")
_SOURCE = (
    "estimate: Statistics Korea, census of 1 November 2010 by municipality, spread by length of "
    "residential streets (OpenStreetMap, August 2021)"
)


def make_population(source: Path) -> gpd.GeoDataFrame:
    """Return the layer ``population``: one row an inhabited cell of a municipality, EPSG:5179.

    Raises
    ------
    LayerError
        A municipality has no census row, or no residential street.
    """
    import geopandas as gpd

    areas = read_municipalities(source)
    people = census_by_code(areas, read_census(source))
    lines = read_lines(source, COUNTRY_ROADS, STREETS, bounds=tuple(areas.total_bounds))
    cells = spread(_in_areas(cut(lines), areas.to_crs(METRES)), people)
    return gpd.GeoDataFrame(
        cells[["id", "population", "municip"]].assign(
            source=_SOURCE, licence=f"{CENSUS_LICENCE}; streets {OSM_LICENCE}", confidence="low"
        ),
        geometry=gpd.points_from_xy(cells["x"].round(), cells["y"].round()),
        crs=METRES,
    )


def share_out(total: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Share a total out in whole numbers by weights: largest remainders, the first of equals.

    Examples
    --------
    >>> import numpy as np
    >>> share_out(10, np.array([1.0, 1.0, 1.0])).tolist()
    [4, 3, 3]
    """
    exact = total * weights / weights.sum()
    whole: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    left = total - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:left]] += 1
    return whole


def spread(pieces: pd.DataFrame, people: pd.Series[int]) -> pd.DataFrame:
    """Spread people over cells by the length of street in them.

    Parameters
    ----------
    pieces
        Pieces of street: ``x``, ``y`` (m), ``length`` (m), ``municip`` (code).
    people
        People by municipality's code.

    Returns
    -------
    pandas.DataFrame
        ``id`` (kilometres east and north of the cell's corner, and the code), ``municip``,
        ``population`` (whole, above zero, their sum by municipality is `people`), ``x``, ``y``
        (on a street: the piece nearest to the middle of the cell's streets, weighted by length;
        the middle itself may lie in a river).

    Raises
    ------
    LayerError
        A municipality has no piece of street.

    Examples
    --------
    >>> import pandas as pd
    >>> pieces = pd.DataFrame(
    ...     {"x": [100.0, 300.0, 1500.0], "y": 50.0, "length": [30, 30, 40], "municip": "38030"}
    ... )
    >>> spread(pieces, pd.Series({"38030": 7}))[["id", "population", "x"]].values.tolist()
    [['0-0-38030', 4, 100.0], ['1-0-38030', 3, 1500.0]]
    """
    import pandas as pd

    served = set(pieces["municip"])
    bare = [code for code in people.index if code not in served]
    if bare:
        raise LayerError(
            f"municipality {bare[0]} has no residential street to spread people along."
        )
    cells = _cells(pieces)
    shares = [
        pd.Series(share_out(people[code], group["length"].to_numpy()), index=group.index)
        for code, group in cells.groupby("municip")
    ]
    cells["population"] = pd.concat(shares)
    return cells[cells["population"] > 0].reset_index(drop=True)


def _cells(pieces: pd.DataFrame) -> pd.DataFrame:
    key = ["municip", "east", "north"]
    placed = pieces[pieces["length"] > 0].assign(
        east=(pieces["x"] // CELL_M).astype(int), north=(pieces["y"] // CELL_M).astype(int)
    )
    placed["off"] = _off_the_middle(placed, key)
    cells = placed.groupby(key, as_index=False)["length"].sum()
    nearest = placed.loc[placed.groupby(key)["off"].idxmin(), [*key, "x", "y"]]
    cells = cells.merge(nearest, on=key)
    name = cells["east"].astype(str) + "-" + cells["north"].astype(str) + "-" + cells["municip"]
    named: pd.DataFrame = cells.assign(id=name)
    return named


def _off_the_middle(pieces: pd.DataFrame, key: list[str]) -> NDArray[np.float64]:
    """Return how far each piece is from the middle of its cell's streets, weighted by length."""
    weighted = pieces.assign(x=pieces["x"] * pieces["length"], y=pieces["y"] * pieces["length"])
    groups = weighted.groupby(key)
    total = groups["length"].transform("sum")
    dx, dy = (pieces[axis] - groups[axis].transform("sum") / total for axis in ("x", "y"))
    # In whole decimetres: sums taken in another order must not choose another piece.
    off: NDArray[np.float64] = np.round(np.hypot(dx.to_numpy(), dy.to_numpy()), 1)
    return off


def _in_areas(pieces: Pieces, areas: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the pieces whose middle lies in an area, with that area's code."""
    import pandas as pd
    import shapely

    found = []
    shapes = areas.geometry.make_valid()
    for code, shape in shapes.items():
        west, south, east, north = shape.bounds
        near = (pieces.x >= west) & (pieces.x <= east) & (pieces.y >= south) & (pieces.y <= north)
        shapely.prepare(shape)
        inside = np.flatnonzero(near)
        inside = inside[shapely.contains_xy(shape, pieces.x[inside], pieces.y[inside])]
        columns = {name: part[inside] for name, part in pieces._asdict().items()}
        found.append(pd.DataFrame(columns).assign(municip=str(code)))
    return pd.concat(found, ignore_index=True)
