"""Growing sites: of one piece however they are cut, compact, complexes whole where they fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from technobelt.zones.growing import Growth, best_site, grow, seeds_of

SHAPE = (7, 9)
ONE_PIECE = {"elements": st.floats(0, 1, width=32), "fill": st.nothing()}


def no_units(shape=SHAPE):
    return np.full(shape, -1, dtype=np.int64)


def pieces(cells, shape):
    mask = np.zeros(shape, dtype=bool)
    mask.ravel()[cells] = True
    return ndimage.label(mask)[1]


@settings(max_examples=60)
@given(
    score=arrays(np.float64, SHAPE, **ONE_PIECE),
    free=arrays(bool, SHAPE),
    units=arrays(np.int64, SHAPE, elements=st.integers(-1, 2)),
    most=st.integers(1, 30),
    compactness=st.floats(0, 0.9),
    data=st.data(),
)
def test_every_beginning_of_a_site_is_one_piece_of_free_land_under_the_cap(
    score, free, units, most, compactness, data
):
    if not free.any():
        return
    seed = data.draw(st.sampled_from(np.flatnonzero(free).tolist()))
    cells = grow(score, free, units, seed, Growth(most, compactness))
    assert cells[0] == seed or units.ravel()[seed] >= 0
    assert len(cells) == len(set(cells.tolist())) <= most
    assert free.ravel()[cells].all()
    for count in range(1, len(cells) + 1):
        assert pieces(cells[:count], SHAPE) == 1
    piece = ndimage.label(free)[0]
    reachable = int((piece == piece.ravel()[seed]).sum())
    assert len(cells) == min(most, reachable)


def test_without_compactness_the_best_neighbour_comes_first():
    score = np.array([[0.1, 0.5, 0.9], [0.2, 0.3, 0.8], [0.7, 0.4, 0.6]])
    order = grow(score, np.ones((3, 3), dtype=bool), no_units((3, 3)), 4, Growth(9, 0.0))
    assert score.ravel()[order].tolist() == [0.3, 0.8, 0.9, 0.6, 0.5, 0.4, 0.7, 0.2, 0.1]


def test_compactness_makes_a_disc_of_even_land():
    even = np.full((21, 21), 0.5)
    cells = grow(even, np.ones_like(even, dtype=bool), no_units(even.shape), 220, Growth(45, 0.5))
    far = np.hypot(*(np.array(np.divmod(cells, 21)) - 10))
    assert far.max() <= np.sqrt(45 / np.pi) + 0.5


def test_a_complex_that_fits_is_taken_whole_and_a_larger_one_in_part():
    score = np.array([[0.9, 0.8, 0.1, 0.1, 0.7, 0.6]])
    complexes = np.array([[-1, 0, 0, 0, -1, -1]])
    free = np.ones((1, 6), dtype=bool)
    assert grow(score, free, complexes, 0, Growth(4, 0.0)).tolist() == [0, 1, 2, 3]
    score = np.array([[0.1, 0.2, 0.3, 0.9, 0.8, 0.7]])
    assert grow(score, free, complexes, 3, Growth(4, 0.0)).tolist() == [3, 2, 1, 4]
    assert grow(score, free, complexes, 3, Growth(2, 0.0)).tolist() == [3, 4]


def test_a_complex_for_which_no_room_is_left_is_passed_over_unless_nothing_else_is_left():
    score = np.array([[0.9, 0.8, 0.7, 0.6, 0.5], [0.1, 0.1, 0.1, 0.1, 0.1]])
    complexes = np.array([[-1, -1, 0, 0, 0], [-1, -1, -1, -1, -1]])
    free = np.ones((2, 5), dtype=bool)
    assert grow(score, free, complexes, 0, Growth(4, 0.0)).tolist() == [0, 1, 5, 6]
    free[1] = False
    assert grow(score, free, complexes, 0, Growth(4, 0.0)).tolist() == [0, 1, 2, 3]


def test_the_best_seed_wins_and_land_that_is_not_free_stays_out():
    score = np.zeros((5, 30))
    score[1:4, 3:6], score[1:4, 20:23] = 0.6, 0.9
    free = score > 0
    cells = best_site(score, free, no_units(score.shape), Growth(9, 0.2))
    assert set(cells % 30) == {20, 21, 22}
    free[:, 15:] = False
    cells = best_site(score, free, no_units(score.shape), Growth(9, 0.2))
    assert set(cells % 30) == {3, 4, 5}
    assert len(best_site(score, np.zeros_like(free), no_units(score.shape), Growth(9, 0.2))) == 0


@pytest.mark.parametrize("most", [1, 5, 40])
def test_seeds_are_free_and_well_apart(most):
    score = np.random.default_rng(3).random((40, 40))
    free = score > 0.3
    seeds = seeds_of(score, free, most)
    assert 1 <= len(seeds) <= 12
    assert free.ravel()[seeds].all()
    rows, columns = np.divmod(seeds, 40)
    radius = max(1, round(np.sqrt(most / np.pi)))
    for n in range(len(seeds)):
        apart = np.maximum(abs(rows - rows[n]), abs(columns - columns[n]))
        assert (np.delete(apart, n) > radius).all()
