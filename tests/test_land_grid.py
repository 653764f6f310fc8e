"""The land grid of a new region: where its cells are, and what covers them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

import technobelt as tb
from hand_region import CLUSTERS, CORNER, CRS, make_region
from technobelt.cli import main
from technobelt.errors import CRSError, LayerError, MissingFileError
from technobelt.land_grid import make_land_grid
from technobelt.rasters import grid_over, write_bands


@pytest.fixture
def row(tmp_path):
    return make_region(tmp_path)


def box(west, south, east, north):
    """Return a box in metres from the corner of the hand-drawn region."""
    return shapely.transform(shapely.box(west, south, east, north), lambda xy: xy + CORNER)


def saved(folder, shape, crs=CRS, name="shapes.gpkg"):
    gpd.GeoDataFrame(geometry=[shape], crs=crs).to_file(folder / name)
    return folder / name


def test_the_cells_tile_the_clusters_and_say_which_they_are_in(row):
    land = make_land_grid(row, cell_m=500)
    width, height = 20_000, 2_000
    each = width * height // 500**2
    assert land["cluster"].value_counts().to_dict() == dict.fromkeys(CLUSTERS, each)
    assert set(land["cell_m"]) == {500.0}
    assert (land[["water", "wood", "relief_m"]] == 0).all(axis=None)
    assert not land.geometry.duplicated().any()


def test_shares_are_those_of_the_shapes_in_a_cell_in_any_crs(row):
    lake = saved(row.folder, box(20_000, -1000, 20_500, -800))  # two fifths of one cell of 500 m
    land = make_land_grid(row, cell_m=500, water=lake)
    assert land["water"].sum() == pytest.approx(0.4, abs=0.01)
    wet = land[land["water"] > 0].geometry.iloc[0]
    assert (wet.x - CORNER[0], wet.y - CORNER[1]) == (20_250, -750)
    degrees = gpd.read_file(lake).to_crs(4326).geometry.iloc[0]
    again = make_land_grid(row, cell_m=500, wood=saved(row.folder, degrees, 4326, "d.geojson"))
    assert again["wood"].tolist() == land["water"].tolist()


def test_relief_is_the_highest_less_the_lowest_ground_within_500_m(row):
    west, south, east, north = box(-12_000, -3000, 72_000, 3000).bounds
    grid = grid_over((west, south, east, north), 100)
    heights = np.zeros(grid.shape)
    peak = grid.shape[0] // 2, ((30_050 + 12_000) // 100)
    heights[peak] = 80.0
    tif = write_bands(row.folder / "dem.tif", grid, pyproj.CRS(CRS), {"m": heights})
    land = make_land_grid(row, cell_m=100, elevation=tif)
    steep = land[land["relief_m"] > 0]
    top = shapely.Point(grid.x[peak[1]], grid.y[peak[0]])
    away = land.distance(top)
    assert set(steep["relief_m"]) == {80.0}
    assert set(steep.index) == set(land.index[away <= 500])


def test_a_file_that_cannot_be_used_is_refused(row):
    with pytest.raises(MissingFileError, match=r"no file .*lake\.gpkg' of water"):
        make_land_grid(row, water=row.folder / "lake.gpkg")
    with pytest.raises(LayerError, match="more than 5,000,000"):
        make_land_grid(row, cell_m=1)
    gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)]).to_parquet(row.folder / "bare.parquet")
    with pytest.raises(CRSError, match="does not say in which CRS"):
        make_land_grid(row, water=row.folder / "bare.parquet")


def test_the_command_lays_the_grid_where_the_region_looks_for_it(row, capsys):
    (row.folder / "land.parquet").unlink()
    with pytest.raises(SystemExit) as done:
        main(["layers", "grid", str(row.folder), "--cell-m", "500"])
    said = capsys.readouterr()
    assert not done.value.code
    assert "land.parquet: 480 cells of 500 m" in said.out
    assert "there was no --water, --wood, --elevation" in said.err
    assert len(tb.read_layer(row, "land")) == 480


def test_a_layer_with_rows_is_left_alone(row, capsys):
    before = (row.folder / "land.parquet").read_bytes()
    with pytest.raises(SystemExit) as done:
        main(["layers", "grid", str(row.folder)])
    assert done.value.code == 1
    assert "has rows already" in capsys.readouterr().err
    assert (row.folder / "land.parquet").read_bytes() == before
