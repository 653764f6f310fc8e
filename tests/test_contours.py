"""Outlines of what lies within a level: valid whatever the values are."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from technobelt.contours import polygons_within
from technobelt.rasters import Grid

#: Few different values, so that saddles, ties with the level and flat land are common.
VALUES = arrays(
    float,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.sampled_from([-9.0, -1.0, -0.3, 0.0, 1e-12, 0.2, 1.0, 7.0, np.inf]),
)


def outlined(values, cell_m=100.0):
    rows, columns = values.shape
    grid = Grid(1_000_000.0, 1_700_000.0, cell_m, rows, columns)
    return grid, polygons_within(grid, values, 0.0, 1.0)


@settings(max_examples=300, deadline=None)
@given(VALUES, st.sampled_from([40.0, 33.3, 340.0]))
def test_outlines_are_valid_and_part_what_is_within_from_what_is_not(values, cell_m):
    grid, shape = outlined(values, cell_m)
    assert shape.is_valid, shapely.is_valid_reason(shape)
    assert (shapely.area(shapely.get_parts(shape)) > 0).all()
    centres = shapely.points(grid.centres)
    flat = values.ravel()
    inside = shapely.intersects(shape, centres)
    assert inside[flat <= -0.3].all()
    assert not inside[flat >= 0.2].any()


def test_a_slope_is_cut_where_it_passes_the_level():
    """Minutes rise eastward by half a minute a cell: the level is passed at the fifth centre."""
    values = np.tile(np.arange(-2.0, 3.0, 0.5), (40, 1))
    grid, shape = outlined(values)
    (polygon,) = shape.geoms
    assert not polygon.interiors
    x, y = shapely.get_coordinates(polygon).T
    middle = np.abs(y - np.mean(y)) < 1500
    assert x[middle].max() == pytest.approx(grid.x[4], abs=0.3)


def test_straight_outlines_keep_every_other_point():
    values = np.tile(np.arange(-2.0, 3.0, 0.5), (400, 1))
    _, shape = outlined(values)
    assert shapely.get_num_coordinates(shape) < 450  # of 810 that the cells have


def test_cells_that_meet_at_a_corner_stay_valid():
    values = np.where(np.indices((30, 30)).sum(axis=0) % 2 == 0, -1.0, 1.0)
    grid, shape = outlined(values)
    assert shape.is_valid
    inside = shapely.intersects(shape, shapely.points(grid.centres))
    np.testing.assert_array_equal(inside, values.ravel() < 0)
