"""Grids, shapes on them, and rasters brought onto them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from technobelt import rasters
from technobelt.errors import CRSError, LayerError, MissingFileError, OutputError
from technobelt.rasters import (
    Grid,
    aligned_raster,
    covered,
    distances_m,
    grid_over,
    write_bands,
)

KOREA = CRS(5179)
#: 4 by 3 km near Changwon.
GRID = Grid(1_100_000.0, 1_690_000.0, 100.0, 30, 40)
MIDDLE = (1_102_000.0, 1_688_500.0)


def plane(x, y):
    """Return a function of the place in EPSG:5179 that is straight in x and y."""
    return 100 + (np.asarray(x) - MIDDLE[0]) / 50 - (np.asarray(y) - MIDDLE[1]) / 80


def lay(path, values, transform, crs, **profile):
    """Write one band or several as a plain GeoTIFF."""
    values = np.atleast_3d(np.asarray(values).T).T
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=values.shape[1],
        width=values.shape[2],
        count=len(values),
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        **profile,
    ) as raster:
        raster.write(values)
    return path


def laid_plane(path, crs, step, *, reach_m=6000.0, **profile):
    """Write the plane in another CRS, in pixels of a step of its unit, around the grid."""
    around = shapely.Point(MIDDLE).buffer(reach_m).bounds
    there = Transformer.from_crs(KOREA, crs, always_xy=True)
    west, south, east, north = there.transform_bounds(*around)
    columns, rows = int((east - west) / step), int((north - south) / step)
    transform = Affine(step, 0, west, 0, -step, north)
    column, row = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    x, y = there.transform(west + column * step, north - row * step, direction="INVERSE")
    return lay(path, plane(x, y), transform, crs, **profile)


def at_centres(grid):
    return plane(*grid.centres.T).reshape(grid.shape)


# --- grid ----------------------------------------------------------------------------------------


@given(
    west=st.floats(-1e6, 1e6, allow_subnormal=False),
    south=st.floats(-1e6, 1e6, allow_subnormal=False),
    width=st.floats(1, 1e4),
    height=st.floats(1, 1e4),
    cell_m=st.sampled_from([50.0, 100.0, 200.0]),
)
def test_a_grid_covers_what_it_is_over_in_whole_cells(west, south, width, height, cell_m):
    grid = grid_over((west, south, west + width, south + height), cell_m)
    right, bottom = grid.left + grid.columns * cell_m, grid.top - grid.rows * cell_m
    assert grid.left <= west
    assert right >= west + width
    assert bottom <= south
    assert grid.top >= south + height
    assert width / cell_m <= grid.columns <= width / cell_m + 2
    assert grid.left % cell_m == grid.top % cell_m == 0


def test_cells_are_numbered_row_by_row_from_the_north_west():
    grid = Grid(0.0, 200.0, 100.0, 2, 3)
    assert grid.centres.tolist() == [
        [50, 150],
        [150, 150],
        [250, 150],
        [50, 50],
        [150, 50],
        [250, 50],
    ]
    assert tuple(grid.transform)[:6] == (100, 0, 0, 0, -100, 200)


# --- shapes on a grid ----------------------------------------------------------------------------

corners = st.integers(-3000, 13_000).map(lambda value: value / 10)
pairs = st.tuples(corners, corners)
triangles = (
    st.lists(pairs, min_size=3, max_size=3).map(shapely.Polygon).filter(lambda p: p.area > 1)
)
ways = st.lists(pairs, min_size=2, max_size=4, unique=True).map(shapely.LineString)
SMALL = Grid(0.0, 1000.0, 50.0, 20, 20)
CENTRES = shapely.points(SMALL.centres)


@settings(deadline=None)
@given(st.lists(triangles, max_size=5))
def test_a_cell_is_covered_where_its_centre_is(shapes):
    inside = np.zeros(len(CENTRES), dtype=bool)
    border = np.zeros(len(CENTRES), dtype=bool)
    for shape in shapes:
        inside |= shapely.intersects(shape, CENTRES)
        border |= shapely.distance(shape.exterior, CENTRES) < 1e-6
    assert (covered(shapes, SMALL).ravel() == inside)[~border].all()


@settings(deadline=None)
@given(
    st.lists(triangles, max_size=4),
    st.lists(pairs.map(shapely.Point), max_size=3),
    st.lists(ways, max_size=3),
)
def test_distances_are_those_that_shapely_measures_one_by_one(areas, points, lines):
    shapes = [*areas, *points, *lines]
    found = distances_m(shapes, SMALL).ravel()
    each = [shapely.distance(shape, CENTRES) for shape in shapes]
    wanted = np.min(each, axis=0) if shapes else np.full(len(CENTRES), np.inf)
    assert found == pytest.approx(wanted, abs=1e-6)


def test_many_shapes_with_holes_and_parts_are_measured_exactly():
    random = np.random.default_rng(7)
    discs = shapely.buffer(shapely.points(random.uniform(0, 1000, (40, 2))), 40)
    rings = shapely.difference(discs, shapely.buffer(shapely.centroid(discs), 25))
    shapes = [shapely.MultiPolygon(), None, shapely.union_all(rings[:20]), *rings[20:]]
    shapes.append(shapely.GeometryCollection([shapely.MultiPoint([(1, 1), (999, 1)])]))
    wanted = shapely.distance(shapely.union_all(shapes), CENTRES)
    assert distances_m(shapes, SMALL).ravel() == pytest.approx(wanted, abs=1e-6)
    assert (covered(shapes, SMALL).ravel() == (wanted == 0)).all()
    assert (wanted > 0).any()


def test_a_line_that_goes_nowhere_is_a_point():
    shapes = [shapely.LineString([(500, 500), (500, 500)])]
    wanted = shapely.distance(shapely.Point(500, 500), CENTRES)
    assert distances_m(shapes, SMALL).ravel() == pytest.approx(wanted)


def test_without_shapes_nothing_is_covered_and_all_is_far():
    for none in ([], [None], [shapely.Polygon()]):
        assert not covered(none, SMALL).any()
        assert np.isinf(distances_m(none, SMALL)).all()


def test_points_and_lines_hold_no_cell():
    assert not covered(
        [shapely.Point(25, 25), shapely.LineString([(0, 25), (900, 25)])], SMALL
    ).any()


# --- rasters read --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epsg", "step", "within"),
    [
        (4326, 3 / 3600, 0.5),  # 3": a mean over some of the pixels that a cell touches
        (4326, 30 / 3600, 0.05),  # coarser: interpolated, exact on a plane but for the curvature
        (5186, 30, 0.15),
        (5186, 5, 0.05),
        (5186, 250, 0.05),
        (3857, 12, 0.1),
    ],
)
def test_a_plane_in_another_crs_comes_back(tmp_path, epsg, step, within):
    path = laid_plane(tmp_path / "p.tif", f"EPSG:{epsg}", step)
    assert np.abs(aligned_raster(path, GRID, KOREA) - at_centres(GRID)).max() < within


def test_a_raster_on_the_same_cells_comes_back_as_it_is(tmp_path):
    values = np.random.default_rng(1).normal(size=GRID.shape)
    path = lay(tmp_path / "s.tif", values, GRID.transform, KOREA.to_wkt())
    for how in ("auto", "nearest", "bilinear", "average"):
        assert aligned_raster(path, GRID, KOREA, resampling=how) == pytest.approx(values)


@pytest.mark.parametrize(
    "transform",
    [
        Affine(50, 0, 1_098_000, 0, 50, 1_685_000),
        Affine(40, 30, 1_094_000, 30, -40, 1_688_000),
    ],
    ids=["south up", "turned"],
)
def test_a_raster_need_not_be_north_up(tmp_path, transform):
    a, b, c, d, e, f = transform[:6]
    column, row = np.meshgrid(np.arange(400) + 0.5, np.arange(400) + 0.5)
    values = plane(a * column + b * row + c, d * column + e * row + f)
    path = lay(tmp_path / "u.tif", values, transform, 5179)
    assert np.abs(aligned_raster(path, GRID, KOREA) - at_centres(GRID)).max() < 0.25


def test_a_raster_of_the_whole_world_is_read_where_the_grid_lies(tmp_path):
    longitude = np.tile(np.arange(-179.75, 180, 0.5), (360, 1))
    path = lay(tmp_path / "w.tif", longitude, Affine(0.5, 0, -180, 0, -0.5, 90), 4326)
    wanted, _ = Transformer.from_crs(KOREA, 4326, always_xy=True).transform(*GRID.centres.T)
    assert aligned_raster(path, GRID, KOREA).ravel() == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("pixels", [60, 1_000, 40_000])
def test_blocks_leave_no_seams(tmp_path, monkeypatch, pixels):
    path = laid_plane(tmp_path / "p.tif", "EPSG:5186", 30)
    whole = {
        how: aligned_raster(path, GRID, KOREA, resampling=how) for how in ("average", "bilinear")
    }
    monkeypatch.setattr(rasters, "_PIXELS_AT_ONCE", pixels)
    for how, values in whole.items():
        found = aligned_raster(path, GRID, KOREA, resampling=how)
        assert found == pytest.approx(values, abs=0.02)


def test_finer_pixels_are_averaged_over_what_is_known(tmp_path):
    grid = Grid(0.0, 200.0, 100.0, 2, 2)
    fine = np.arange(16, dtype=np.int16).reshape(4, 4)
    fine[:2, :2] = -9999  # a whole cell
    fine[0, 2] = -9999  # a quarter of one
    path = lay(tmp_path / "f.tif", fine, Affine(50, 0, 0, 0, -50, 200), 5179, nodata=-9999)
    found = aligned_raster(path, grid, KOREA)
    assert np.isnan(found[0, 0])
    assert found[0, 1] == pytest.approx((3 + 6 + 7) / 3)
    assert found[1].tolist() == [pytest.approx(10.5), pytest.approx(12.5)]


def test_what_a_mask_hides_is_unknown(tmp_path):
    grid = Grid(0.0, 200.0, 100.0, 2, 2)
    path = lay(
        tmp_path / "m.tif", np.full((4, 4), 7, np.uint8), Affine(50, 0, 0, 0, -50, 200), 5179
    )
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as raster:
        mask = np.full((4, 4), True)
        mask[:2, :2] = False
        raster.write_mask(mask)
    assert np.array_equal(aligned_raster(path, grid, KOREA), [[np.nan, 7], [7, 7]], equal_nan=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_unknown_without_being_declared(tmp_path, bad):
    values = np.ones((2, 2))
    values[0, 0] = bad
    grid = Grid(0.0, 200.0, 100.0, 2, 2)
    path = lay(tmp_path / "n.tif", values, grid.transform, 5179)
    assert np.array_equal(aligned_raster(path, grid, KOREA), [[np.nan, 1], [1, 1]], equal_nan=True)


def test_outside_the_raster_nothing_is_known(tmp_path):
    values = np.ones((2, 2))
    path = lay(tmp_path / "o.tif", values, Affine(100, 0, 0, 0, -100, 200), 5179)
    found = aligned_raster(path, Grid(100.0, 200.0, 100.0, 2, 3), KOREA)
    assert np.isnan(found[:, 1:]).all()
    assert (found[:, 0] == 1).all()


def test_scale_offset_and_band_are_heeded(tmp_path):
    values = np.stack([np.zeros((2, 2)), np.full((2, 2), 30)]).astype(np.int16)
    grid = Grid(0.0, 200.0, 100.0, 2, 2)
    path = lay(tmp_path / "b.tif", values, grid.transform, 5179)
    with rasterio.open(path, "r+") as raster:
        raster.scales, raster.offsets = (1.0, 0.1), (0.0, -1.0)
    assert aligned_raster(path, grid, KOREA, band=2) == pytest.approx(np.full((2, 2), 2.0))


def test_codes_are_not_mixed_by_nearest(tmp_path):
    codes = np.random.default_rng(2).choice([10, 40, 80], (400, 400)).astype(np.uint8)
    path = lay(tmp_path / "c.tif", codes, Affine(30, 0, 1_098_000, 0, -30, 1_694_000), 5179)
    found = aligned_raster(path, GRID, KOREA, resampling="nearest")
    assert set(np.unique(found)) == {10, 40, 80}


def test_a_raster_elsewhere_says_where_both_lie(tmp_path):
    path = lay(tmp_path / "far.tif", np.ones((2, 2)), Affine(100, 0, 0, 0, -100, 200), 5179)
    with pytest.raises(
        LayerError, match=r"raster 0, 0, 200, 200; the grid 1100000, 1687000, 1104000, 1690000"
    ):
        aligned_raster(path, GRID, KOREA)


def test_a_raster_without_a_crs_says_what_to_do(tmp_path):
    path = lay(tmp_path / "no.tif", np.ones((2, 2)), GRID.transform, None)
    with pytest.raises(CRSError, match=r"'no.tif' has no CRS. Assign"):
        aligned_raster(path, GRID, KOREA)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_picture_without_a_place_is_refused_without_a_warning(tmp_path):
    path = lay(tmp_path / "p.tif", np.ones((2, 2)), Affine.identity(), None)
    with pytest.raises(CRSError, match="has no CRS"):
        aligned_raster(path, GRID, KOREA)


def test_files_that_cannot_be_used_say_why(tmp_path):
    with pytest.raises(MissingFileError, match="no raster '"):
        aligned_raster(tmp_path / "none.tif", GRID, KOREA)
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(LayerError, match=r"'text.tif' cannot be read"):
        aligned_raster(tmp_path / "text.tif", GRID, KOREA)
    path = laid_plane(tmp_path / "p.tif", "EPSG:5186", 100)
    with pytest.raises(LayerError, match=r"has no band 2; found: 1"):
        aligned_raster(path, GRID, KOREA, band=2)


# --- rasters written -----------------------------------------------------------------------------


def test_bands_read_again_are_what_was_written(tmp_path):
    minutes = np.arange(12.0).reshape(3, 4)
    minutes[1, 2] = np.inf
    bands = {"time_min": minutes, "share": minutes / 12}
    grid = Grid(1_100_000.0, 1_690_000.0, 200.0, 3, 4)
    path = write_bands(tmp_path / "t.tif", grid, KOREA, bands, units={"time_min": "min"})
    with rasterio.open(path) as raster:
        values = raster.read()
        assert np.isnan(raster.nodata)
        assert raster.dtypes == ("float32", "float32")
        assert tuple(raster.bounds) == (1_100_000, 1_689_400, 1_100_800, 1_690_000)
        assert raster.crs.to_epsg() == 5179
        assert raster.descriptions == ("time_min", "share")
        assert [unit or "" for unit in raster.units] == ["min", ""]
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.compression.value == "DEFLATE"
    minutes[1, 2] = np.nan
    assert values[0] == pytest.approx(minutes, nan_ok=True)
    assert values[1] == pytest.approx(minutes / 12, nan_ok=True)
    assert [file.name for file in tmp_path.iterdir()] == ["t.tif"]


def test_overviews_stay_within_what_they_show(tmp_path):
    grid = Grid(0.0, 120_000.0, 100.0, 1200, 1200)
    mask = covered([shapely.Point(60_000, 60_000).buffer(30_000)], grid).astype(float)
    path = write_bands(tmp_path / "m.tif", grid, KOREA, {"land": mask})
    with rasterio.open(path) as raster:
        assert raster.overviews(1)
        small = raster.read(1, out_shape=(300, 300))
    assert (small.min(), small.max()) == (0, 1)


def test_bands_that_cannot_be_written_leave_the_old_file(tmp_path):
    (tmp_path / "t.tif").write_text("old")
    with pytest.raises(OutputError, match="is not a folder"):
        write_bands(tmp_path / "t.tif" / "x.tif", SMALL, KOREA, {"a": np.zeros(SMALL.shape)})
    with pytest.raises(ValueError, match="shape"):
        write_bands(tmp_path / "t.tif", SMALL, KOREA, {"a": np.zeros((2, 2))})
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("t.tif", "old")]


FULL = """
import resource, signal, sys
import numpy as np
from pyproj import CRS
from technobelt.errors import OutputError
from technobelt.rasters import Grid, write_bands
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
values = np.random.default_rng(1).random((400, 400))
try:
    write_bands(sys.argv[1], Grid(1e6, 17e5, 100.0, 400, 400), CRS(5179), {"share": values})
except OutputError as error:
    print("SAID", error)
"""


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    """A limit on the size of files stands in for the disk: the same calls fail the same way."""
    ran = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "a.tif")], capture_output=True, text=True, check=False)  # fmt: skip
    assert "SAID 'a.tif' could not be written: " in ran.stdout, ran.stdout + ran.stderr
    assert "is there room on the disk?" in ran.stdout
    assert not list(tmp_path.iterdir())
