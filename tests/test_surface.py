"""The raster of minutes: every cell belongs to the road that serves it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

import technobelt as tb
from technobelt.errors import PointError
from technobelt.isochrone import isochrones
from technobelt.network.ties import WADE_M, startable, tie_points
from technobelt.rasters import Grid, grid_over
from technobelt.routing import use_engine
from technobelt.scenario import Scenario
from technobelt.surface import (
    cells_of,
    grid_for,
    index,
    reached,
    road_positions,
    surface_of,
    times,
    travel_time_raster,
)
from technobelt.travel_time import model_of, travel_times

CORNER = np.array([1_100_000.0, 1_690_000.0])  # as in conftest
GRID = Grid(CORNER[0] - 500, CORNER[1] + 2000, 50.0, 50, 220)
#: Water between y = 50 and y = 350: the southern road is the nearer one for land up to y = 500.
RIVER = [(-5000, 50), (15_000, 50), (15_000, 350), (-5000, 350)]
ROADS = {"a": (0, 0), "b": (10_000, 0), "c": (0, 1000), "d": (10_000, 1000)}


@pytest.fixture(scope="module")
def river(draw):
    """Return two roads with a river between that one bridge crosses, in the east."""
    roads = [("a", "b"), ("c", "d"), ("b", "d", {"bridge": 1.0})]
    return draw(ROADS, roads, walls=[RIVER])


@pytest.fixture(scope="module")
def motorway(draw):
    """Return two roads with a motorway between them, and a way under it in the east."""
    nodes = {**ROADS, "m": (-5000, 200), "n": (15_000, 200)}
    roads = [("a", "b"), ("c", "d"), ("b", "d"), ("m", "n", {"class": "motorway"})]
    return draw(nodes, roads)


@pytest.fixture(scope="module")
def tied(river):
    return surface_of(river, road_positions(river), GRID, max_access_m=800)


def legs(surface):
    """Return the cells' centres from the hand-drawn corner, and their legs."""
    start = surface.grid.centres[surface.cell]
    end = surface.positions.xy[surface.position]
    return start - CORNER, shapely.linestrings(np.stack([start, end], axis=1))


# --- road positions ------------------------------------------------------------------------------


def test_positions_lie_on_roads_where_a_trip_may_start_at_most_a_step_apart(river):
    positions = road_positions(river)
    assert len(positions.xy) == 400
    assert positions.ties.tied.all()
    assert startable(river)[positions.ties.section].all()
    lines = river.lines[positions.ties.section]
    assert shapely.distance(lines, shapely.points(positions.xy)).max() < 1e-6
    on_first = np.sort(positions.xy[positions.ties.section == 0][:, 0])
    assert np.diff(on_first) == pytest.approx(np.full(199, 50.0))


def test_a_position_on_one_carriageway_may_start_on_the_other(draw):
    nodes = {"a": (0, 0), "b": (1000, 0), "c": (0, 20), "d": (1000, 20)}
    divided = draw(nodes, [("a", "b", {"oneway": True}), ("d", "c", {"oneway": True})])
    ties = road_positions(divided).ties
    assert (np.bincount(ties.point) == 2).all()
    assert set(np.round(ties.access_m)) <= {0, 20, 21}
    assert (np.diff(ties.point) >= 0).all()


def test_directions_are_those_of_travel_and_small_jogs_do_not_matter(draw):
    """Drawn against its direction one carriageway, with a jog at its middle the other."""
    nodes = {"a": (0, 0), "b": (40, 0), "c": (0, 8), "d": (40, 8)}
    jog = {"oneway": True, "via": [(19.9, -0.5), (20.1, 0.5)]}
    against = {"forward": False, "backward": True}
    ties = road_positions(draw(nodes, [("a", "b", jog), ("c", "d", against)])).ties
    assert np.bincount(ties.point).tolist() == [2, 2]
    same_way = road_positions(draw(nodes, [("a", "b", jog), ("d", "c", against)])).ties
    assert np.bincount(same_way.point).tolist() == [1, 1]


# --- cells ---------------------------------------------------------------------------------------


def test_a_cell_is_tied_to_its_own_bank_though_the_other_is_nearer(tied):
    xy, _ = legs(tied)
    end = tied.positions.xy[tied.position] - CORNER
    behind = (xy[:, 1] > 350) & (xy[:, 1] < 500) & (xy[:, 0] < 9000) & (xy[:, 0] > 0)
    assert behind.sum() > 400
    assert (end[behind, 1] == 1000).all()
    south = xy[:, 1] < 0
    assert (end[south, 1] == 0).all()


def test_no_leg_crosses_the_river(river, tied):
    _, lines = legs(tied)
    wet = shapely.length(shapely.intersection(lines, shapely.union_all(river.barriers)))
    assert wet.max() <= WADE_M


def test_cells_in_the_water_are_not_tied(tied):
    y = legs(tied)[0][:, 1]
    assert not ((y > 50 + 25) & (y < 350)).any()


def test_dry_cells_within_reach_are_tied_and_those_farther_are_not(tied):
    centre = GRID.centres - CORNER
    x, y = centre.T
    near = (x > 25) & (x < 9975) & (((y < 50) & (y > -500)) | ((y > 350) & (y < 1799)))
    assert np.isin(np.flatnonzero(near), tied.cell).all()
    assert not np.isin(np.flatnonzero(y > 1801), tied.cell).any()
    assert tied.access_m.max() <= 800


def test_access_legs_are_as_long_as_they_look(tied):
    assert tied.access_m == pytest.approx(shapely.length(legs(tied)[1]))


def test_a_cell_without_a_wall_near_goes_to_the_nearest_position(tied):
    xy, _ = legs(tied)
    far = xy[:, 1] > 700
    every = np.linalg.norm(
        (xy[far] + CORNER)[:, None, :] - tied.positions.xy[None, :, :], axis=2
    ).min(axis=1)
    assert tied.access_m[far] == pytest.approx(every)


def test_no_leg_crosses_a_motorway(motorway):
    surface = surface_of(motorway, road_positions(motorway), GRID, max_access_m=1200)
    xy, lines = legs(surface)
    assert not shapely.intersects(lines, motorway.motorways[0]).any()
    behind = (xy[:, 1] > 200) & (xy[:, 1] < 500) & (xy[:, 0] < 8500) & (xy[:, 0] > 0)
    assert behind.sum() > 800
    assert (surface.positions.xy[surface.position][behind, 1] - CORNER[1] == 1000).all()


def test_cells_that_nobody_asks_for_are_left_out(river, tied):
    asked = np.zeros(GRID.shape, dtype=bool)
    asked[20:30, 50:60] = True
    part = surface_of(river, road_positions(river), GRID, max_access_m=800, cells=asked)
    there = np.isin(tied.cell, np.flatnonzero(asked))
    assert part.cell.tolist() == tied.cell[there].tolist()
    assert part.access_m == pytest.approx(tied.access_m[there])


def seconds_of(model, home, positions, **options):
    """Return seconds from one place to all road positions."""
    (found,) = reached(model, home, positions.ties, **options)
    return found.seconds()


# --- minutes -------------------------------------------------------------------------------------


def test_a_cells_minutes_are_its_positions_and_the_leg_and_never_less(river, tied, points, speeds):
    model = model_of(river, speeds())
    seconds = seconds_of(model, tie_points(river, points(home=(0, 0))), tied.positions)
    minutes = tied.minutes(model, seconds)
    of_cells = minutes.ravel()[tied.cell]
    assert (of_cells >= seconds[tied.position] / 60).all()
    assert of_cells == pytest.approx((seconds[tied.position] + tied.access_m) / 60)
    untied = np.setdiff1d(np.arange(GRID.rows * GRID.columns), tied.cell)
    assert np.isinf(minutes.ravel()[untied]).all()


def test_the_other_bank_is_as_far_as_the_bridge(river, tied, points, speeds):
    model = model_of(river, speeds())
    seconds = seconds_of(model, tie_points(river, points(home=(0, 0))), tied.positions)
    minutes = tied.minutes(model, seconds)
    row, column = int((2000 - 475) / 50), int((500 + 1025) / 50)  # the cell at (1025, 475)
    by_the_bridge = (10_000 + 1000 + 9000 - 25) / 10 + 525  # at 10 m/s, then 525 m at 1 m/s
    assert minutes[row, column] * 60 == pytest.approx(by_the_bridge, abs=1)


def test_minutes_of_a_cell_are_those_of_a_point_there(river, tied, points, speeds):
    home = points(home=(5000, 0))
    model = model_of(river, speeds())
    seconds = seconds_of(model, tie_points(river, home), tied.positions)
    minutes = tied.minutes(model, seconds).ravel()
    some = tied.cell[:: len(tied.cell) // 60]
    there = gpd.GeoDataFrame(geometry=shapely.points(GRID.centres[some]), crs=5179)
    times = travel_times(river, home, there, profile=speeds(), max_access_m=800)
    there_min = times["time_min"].to_numpy()
    assert (times["status"] == "ok").all()
    # a position stands for 25 m of road to each side: 2.5 s of driving, a few metres of walking
    assert np.abs(minutes[some] - there_min).max() * 60 < 2.5 + 25


def test_toward_is_the_time_to_the_place(draw, points, speeds):
    nodes = {"a": (0, 0), "b": (5000, 0), "c": (2500, 4000)}
    ring = draw(nodes, [(*pair, {"oneway": True}) for pair in ("ab", "bc", "ca")])
    model, positions = model_of(ring, speeds()), road_positions(ring)
    home = tie_points(ring, points(home=(0, 0)))
    out = seconds_of(model, home, positions)
    back = seconds_of(model, home, positions, toward=True)
    whole = ring.roads["length_m"].sum() / 10
    assert out + back == pytest.approx(np.full(len(out), whole), abs=0.1)
    assert np.abs(out - back).max() > whole * 0.9


# --- GeoTIFF -------------------------------------------------------------------------------------


def test_the_raster_of_several_places_is_the_time_of_the_nearest(river, points, speeds, tmp_path):
    homes = points(one=(1000, 0), two=(9000, 0))
    path = travel_time_raster(river, homes, tmp_path / "t.tif", profile=speeds(), max_minutes=8)
    with rasterio.open(path) as raster:
        values = raster.read(1)
        where = [raster.index(*(CORNER + xy)) for xy in [(1025, 25), (8525, 25), (5025, 25)]]
        (one, two, three) = (values[row, column] for row, column in where)
        (edge,) = raster.sample([np.add(CORNER, (5025, 425))])
    assert one * 60 == pytest.approx(2.5 + 25, abs=5)
    assert two * 60 == pytest.approx(47.5 + 25, abs=5)
    assert three * 60 == pytest.approx(397.5 + 25, abs=5)
    assert np.isnan(edge[0])  # across the river, 10 minutes from either
    assert np.nanmax(values) <= 8


def test_a_raster_that_cannot_be_made_leaves_the_old_file(river, points, tmp_path):
    (tmp_path / "t.tif").write_text("old")
    with pytest.raises(PointError):
        travel_time_raster(river, points(far=(90_000, 90_000)), tmp_path / "t.tif")
    assert (tmp_path / "t.tif").read_text() == "old"


def test_a_limit_that_nothing_is_within_makes_a_grid_of_one_cell(river, points, speeds):
    positions = road_positions(river)
    home = tie_points(river, points(home=(5000, 0)))
    (found,) = reached(model_of(river, speeds()), home, positions.ties)
    assert grid_for(positions, found, 1e-9, max_access_m=500, cell_m=None).shape == (1, 1)


@pytest.mark.parametrize(
    ("minutes", "cell_m"), [(3, 40), (15, 40), (30, 90), (60, 200), (90, 340), (180, 400)]
)
def test_short_trips_are_looked_at_more_closely(river, points, speeds, minutes, cell_m):
    positions = road_positions(river)
    home = tie_points(river, points(home=(5000, 0)))
    (found,) = reached(model_of(river, speeds()), home, positions.ties)
    assert grid_for(positions, found, minutes, max_access_m=500, cell_m=None).cell_m == cell_m


@pytest.fixture(scope="module")
def blocks(draw):
    """Return a street grid of nine by nine, and a long road out of it."""
    nodes = {(i, j): (200 * i, 200 * j) for i in range(9) for j in range(9)}
    along = [((i, j), (i + 1, j)) for i in range(8) for j in range(9)]
    across = [((i, j), (i, j + 1)) for i in range(9) for j in range(8)]
    out = ((8, 8), "far", {"via": [(9000, 2000)]})
    return draw({**nodes, "far": (9000, 9000)}, [*along, *across, out])


@pytest.mark.parametrize("toward", [False, True])
@pytest.mark.parametrize("limit_min", [0.2, 0.6, 1.1, 2, 3, 8.5, 12, 60])
@pytest.mark.parametrize(("where", "home"), [("river", (5030, 0)), ("blocks", (830, 790))])
def test_bounds_are_those_of_what_is_within_a_limit(
    where, home, limit_min, toward, points, speeds, request
):
    """A limit that ends before the first junction, too: only direct ways are within it."""
    network = request.getfixturevalue(where)
    positions = road_positions(network)
    ties = tie_points(network, points(home=home))
    (found,) = reached(model_of(network, speeds()), ties, positions.ties, toward=toward)
    within = positions.xy[found.seconds() <= limit_min * 60]
    assert len(within)
    assert found.bounds(positions, limit_min * 60) == (*within.min(axis=0), *within.max(axis=0))


@pytest.mark.parametrize("engine", ["scipy", "hierarchy"])
@pytest.mark.parametrize("toward", [False, True])
def test_origins_are_searched_some_at_a_time(blocks, points, speeds, engine, toward, monkeypatch):
    monkeypatch.setattr(times, "_ABREAST", 2)
    model, positions = model_of(blocks, speeds()), road_positions(blocks).ties
    home = points(**{f"p{i}": (330 * i, 190 * i) for i in range(5)})
    with use_engine(engine):
        found = [
            own.seconds()
            for own in reached(model, tie_points(blocks, home), positions, toward=toward)
        ]
        alone = [
            seconds_of(
                model, tie_points(blocks, home.iloc[[i]]), road_positions(blocks), toward=toward
            )
            for i in range(5)
        ]
    np.testing.assert_array_equal(found, alone)


def test_where_no_road_is_left_to_start_from_nothing_is_in_reach(draw, points, speeds, tmp_path):
    lane = draw({"a": (0, 0), "b": (3000, 0)}, [("a", "b")])
    edit = {"do": "close", "id": "x", "roads": {"id": [0]}}
    closed = lane.with_scenario(Scenario.model_validate({"id": "s", "edits": [edit]}))
    home = points(home=(1000, 0))
    assert not len(road_positions(closed).xy)
    bands = isochrones(closed, home, minutes=(5,), profile=speeds())
    assert bands["area_km2"].tolist() == [0]
    path = travel_time_raster(closed, home, tmp_path / "t.tif", profile=speeds())
    with rasterio.open(path) as raster:
        assert np.isnan(raster.read(1)).all()


# --- the belt ------------------------------------------------------------------------------------


def test_along_the_nakdong_no_cell_is_served_from_the_other_bank():
    network = tb.load_network(tb.load_region())
    middle = gpd.GeoSeries([shapely.Point(128.985, 35.24)], crs=4326).to_crs(network.crs).iloc[0]
    grid = grid_over(middle.buffer(4000).bounds, 100)
    surface = surface_of(network, road_positions(network), grid)
    start, end = grid.centres[surface.cell], surface.positions.xy[surface.position]
    lines = shapely.linestrings(np.stack([start, end], axis=1))
    near = network.barriers[shapely.intersects(network.barriers, middle.buffer(8000))]
    wet = shapely.length(shapely.intersection(lines, shapely.union_all(near)))
    assert len(surface.cell) > 3000
    assert wet.max() <= WADE_M


def test_threads_that_ask_for_cells_at_once_get_those_of_one(motorway, points, speeds, monkeypatch):
    """No more than one tile is remembered: each thread drops those of the others."""
    monkeypatch.setattr(index, "_MOST_TILES", 1)
    positions = road_positions(motorway)
    bounds = [
        (CORNER[0] + x, CORNER[1], CORNER[0] + x + 900, CORNER[1] + 900)
        for x in range(0, 9000, 450)
    ]
    grids = [grid_over(box, 10.0) for box in bounds]
    home = tie_points(motorway, points(home=(5000, 0)))
    (own,) = reached(model_of(motorway, speeds()), home, positions.ties)
    cells = cells_of(motorway, positions, 10.0)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda grid: cells.minutes(own, grid), grids * 3))
    for minutes, grid in zip(found, grids * 3, strict=True):
        alone = surface_of(motorway, positions, grid).minutes(own.model, own.seconds())
        np.testing.assert_array_equal(minutes, alone)
        np.testing.assert_array_equal(cells.minutes_by(own.seconds(), own.model, grid), alone)


def test_a_tile_sees_the_walls_of_the_tiles_beside_it(motorway, points, speeds):
    """Of 256 m, one between y = 368 and 624: the nearest road lies behind the motorway at 200."""
    grid = grid_over((CORNER[0] + 100, CORNER[1] - 50, CORNER[0] + 200, CORNER[1] + 1050), 2.0)
    positions = road_positions(motorway)
    home = tie_points(motorway, points(home=(5000, 0)))
    (own,) = reached(model_of(motorway, speeds()), home, positions.ties)
    alone = surface_of(motorway, positions, grid).minutes(own.model, own.seconds())
    assert np.array_equal(cells_of(motorway, positions, 2.0).minutes(own, grid), alone)


def test_no_more_layouts_are_kept_than_there_may_be(motorway, points, speeds, monkeypatch):
    """Of several profiles together; what is looked at last is kept."""
    monkeypatch.setattr(index, "_MOST_TILES", 5)
    index._layouts.clear()
    positions = road_positions(motorway)
    home = tie_points(motorway, points(home=(5000, 0)))
    grid = grid_over((CORNER[0], CORNER[1], CORNER[0] + 4000, CORNER[1] + 900), 10.0)
    for kph in (30, 40, 50):
        (own,) = reached(model_of(motorway, speeds(primary=kph)), home, positions.ties)
        minutes = cells_of(motorway, positions, 10.0).minutes(own, grid)
        alone = surface_of(motorway, positions, grid).minutes(own.model, own.seconds())
        np.testing.assert_array_equal(minutes, alone)
    assert sum(map(len, index._layouts.values())) == 5
    assert len(index._layouts[own.ways]) > 3
