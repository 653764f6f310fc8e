"""Make the layers of the two regions beside this file, from what their places.csv says.

    python tests/regions/make.py taegu pusan

Where a row says what to ``look_for``, its place stands at the site of that name in OpenStreetMap, or in
the middle of the roads of that name, the one near ``lon``, ``lat`` if there are several. Else it stands
at ``lon``, ``lat``, where general knowledge puts it: a guess, of low confidence. The roads are
built by ``technobelt network build --bbox`` from the file of the whole country, and the layers are
looked over by ``technobelt layers``. TECHNOBELT_SHARED names the source material's folder.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import technobelt as tb
from source_material import SHARED

HERE = Path(__file__).resolve().parent
NATION = "south-korea-2021-08.osm.pbf"
#: West, south, east, north of the roads of each region, degrees.
BOXES = {"taegu": (128.38, 35.74, 128.92, 36.0), "pusan": (128.76, 35.0, 129.24, 35.34)}
METRIC = "EPSG:5179"
#: A name counts only this near to where it is looked for, m.
NEAR_M = 2500
#: Clusters are their places with this much land around them, m; land is told in cells of this size.
AROUND_M, CELL_M = 1000, 500
OSM = ("position: OpenStreetMap, August 2021; the rest: general knowledge", "ODbL 1.0")
KNOWN = ("general knowledge", "none: facts")


def command(*said: str | Path) -> None:
    """Run technobelt as its users do."""
    subprocess.run([sys.executable, "-m", "technobelt", *map(str, said)], check=True)


def build_roads(names: list[str], home: Path, source: Path = SHARED) -> dict[str, Path]:
    """Build the road network of each region into a folder; region -> file."""
    built = {name: home / f"{name}.parquet" for name in names}
    for name, out in built.items():
        box = ",".join(map(str, BOXES[name]))
        command("network", "build", source / NATION, "--bbox", box, "--crs", METRIC, "--out", out)
    return built


def positions(places: pd.DataFrame, roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Place each row, and say how."""
    known = gpd.GeoSeries.from_xy(places["lon"], places["lat"], crs=4326).to_crs(METRIC)
    sites = pd.read_csv(SHARED / "osm_named_sites.csv")
    found = gpd.GeoSeries.from_xy(sites["lon"], sites["lat"], crs=4326).to_crs(METRIC)
    rows = [
        placed(place, known[i], roads, found[sites["name"] == place.look_for.partition(" ")[2]])
        for i, place in zip(places.index, places.itertuples(), strict=True)
    ]
    told = pd.DataFrame(rows, index=places.index)
    shapes = gpd.GeoSeries(told.pop("geometry"), crs=METRIC).to_crs(4326).set_precision(1e-5)
    plain = places.drop(columns=["lon", "lat", "look_for"])
    return gpd.GeoDataFrame(plain.join(told), geometry=shapes)


def placed(place, known, roads: gpd.GeoDataFrame, sites: gpd.GeoSeries) -> dict:
    """Return where a place stands: at its site, amid its roads, or where it is thought to be."""
    what, _, name = place.look_for.partition(" ")
    if what == "site":
        near = sites[sites.distance(known) < NEAR_M]
        middle, by = near.union_all().centroid, f"site named {name}"
        sure = "high" if len(near) == 1 else "medium"  # several gates or parts
    elif what == "roads":
        mine = roads[roads["name"].str.match(name).fillna(False)]
        mine = mine[mine.distance(known) < NEAR_M]
        middle, by, sure = mine.union_all().centroid, f"middle of roads named {name}", "medium"
    else:
        middle, by, sure = known, "general knowledge", "low"
    source, licence = OSM if what else KNOWN
    said = {"source": source, "licence": licence, "confidence": sure, "position_by": by}
    return {**said, "compared": "unconfirmed", "geometry": middle}


def outlines(places: gpd.GeoDataFrame, names: dict[str, str]) -> gpd.GeoDataFrame:
    """Return each cluster as the hull of its places with some land around: no border of anything."""
    mine = places[places["cluster"] != "outside"].to_crs(METRIC)
    hulls = mine.dissolve("cluster").convex_hull.buffer(AROUND_M, quad_segs=3)
    said = {"source": "hull of its places, no border", "licence": "ODbL 1.0", "confidence": "low"}
    rows = [{"id": name, "name": names[name], **said} for name in hulls.index]
    shapes = hulls.to_crs(4326).set_precision(1e-4).to_numpy()
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=4326)


def land(clusters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return cells of the clusters; nothing is known of them, so that none is left out."""
    cells = []
    for shape in clusters.to_crs(METRIC).geometry:
        box = np.array(shape.bounds) / CELL_M
        x, y = (np.arange(np.floor(box[i]), np.ceil(box[i + 2])) for i in (0, 1))
        points = shapely.points(
            np.stack(np.meshgrid(x, y), -1).reshape(-1, 2) * CELL_M + CELL_M / 2
        )
        cells.append(points[shapely.contains(shape, points)])
    xy = np.unique(shapely.get_coordinates(np.concatenate(cells)), axis=0)
    unknown = {"water": 0.0, "wood": 0.0, "relief_m": 0.0}
    return gpd.GeoDataFrame(
        pd.DataFrame({"cell_m": CELL_M, **unknown}, index=range(len(xy))),
        geometry=shapely.points(xy),
        crs=METRIC,
    )


def make(name: str, network: Path) -> None:
    """Write the layers of one region."""
    home = HERE / name
    places = pd.read_csv(home / "places.csv", keep_default_na=False)
    shapes = positions(places, tb.load_network(network).roads)
    for layer, rows in shapes.groupby("layer"):
        rows.drop(columns="layer").to_file(home / f"{layer}.geojson", COORDINATE_PRECISION=5)
    names = {key: cluster.name for key, cluster in tb.load_region(home).clusters.items()}
    clusters = outlines(shapes, names)
    clusters.to_file(home / "clusters.geojson", COORDINATE_PRECISION=4)
    land(clusters).to_parquet(home / "land.parquet", compression="zstd")
    print(shapes[["id", "name", "confidence", "position_by"]].to_string())  # noqa: T201
    command("layers", home)


if __name__ == "__main__":
    wanted = sys.argv[1:] or list(BOXES)
    with tempfile.TemporaryDirectory() as folder:
        for region, file in build_roads(wanted, Path(folder)).items():
            make(region, file)
