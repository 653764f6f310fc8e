"""How times and memory grow with the network: squares of growing size cut out of one, measured, drawn.

    python tests/benchmarks/growth.py ROADS.parquet --middle 127.385,36.35 --picture growth.png

Each square is measured in a process of its own, so that caches and memory are its own. An exponent
is the slope of a measure against sections, both in logarithms: 1 is in proportion.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

import technobelt as tb
from technobelt.figures.png import picture
from technobelt.network import NetworkInfo, network_from_roads
from technobelt.network.ties import tie_points
from technobelt.routing import trees, use_engine
from technobelt.travel_time import model_of, ways_out

#: Half the side of each square, km: a city, a metropolis, a province, a country.
HALVES_KM = (5, 10, 20, 40, 80, 160, 320)
#: Places of the batch; rounds of what is quick.
PLACES, ROUNDS = 64, 7
#: Squares that exponents are taken from: beyond sizes where fixed costs rule.
LAST = 5
MEASURES = {
    "load_s": "load the file",
    "prepare_s": "order and weigh, once",
    "scipy_tree_s": "one tree, scipy",
    "tree_s": "one tree",
    "batch_s": f"{PLACES} by {PLACES} travel times",
    "isochrone_s": "isochrone of 60 min, first",
    "again_s": "isochrone of 60 min, again",
    "memory_mb": "memory, MB",
}


def cut(network: tb.Network, middle: tuple[float, float], half_km: float) -> tb.Network:
    """Return the largest strongly connected part of a square; its middle is in degrees."""
    at = gpd.GeoSeries([shapely.Point(middle)], crs=4326).to_crs(network.crs)[0]
    xy = network.nodes[["x", "y"]].to_numpy()
    inside = (np.abs(xy - [at.x, at.y]) <= half_km * 1000).all(axis=1)
    ends = network.roads[["u", "v"]].to_numpy()
    keep = inside[ends].all(axis=1)
    arcs = keep[network.arc_section]
    shape = (len(xy), len(xy))
    tail, head = network.arc_tail[arcs], network.arc_head[arcs]
    graph = csr_array((np.ones(len(tail)), (tail, head)), shape=shape)
    part = connected_components(graph, connection="strong")[1]
    main = np.bincount(part[tail]).argmax()
    keep &= (part[ends] == main).all(axis=1)
    roads = network.roads[keep].reset_index(drop=True)
    number = np.unique(roads[["u", "v"]].to_numpy(), return_inverse=True)[1].reshape(-1, 2)
    roads = roads.assign(u=number[:, 0].astype(np.int32), v=number[:, 1].astype(np.int32))
    info = NetworkInfo(file="square", date=network.info.date, licence=network.info.licence)
    return network_from_roads(roads, info)


def timed(run, rounds: int = 1) -> float:
    found = []
    for _ in range(rounds):
        begin = time.perf_counter()
        run()
        found.append(time.perf_counter() - begin)
    return min(found)


def measure(file: Path) -> dict[str, float]:
    """Measure one network, in this process; seconds, and megabytes beyond those of the start."""
    warm_up()
    before_mb, held = memory_mb("VmRSS"), {}
    told = {"load_s": timed(lambda: held.setdefault("network", tb.load_network(file)))}
    network = held["network"]
    streets = network.roads[network.roads["class"].isin(["tertiary", "residential"])]
    some = streets.sample(min(PLACES, len(streets)), random_state=7).geometry
    places = gpd.GeoDataFrame(geometry=some.interpolate(0.5, normalized=True))
    middle = network.nodes[["x", "y"]].mean().to_numpy()
    first = places.distance(shapely.Point(middle)).nsmallest(1).index
    model = model_of(network, "typical")
    seeds = ways_out(model, tie_points(network, places.loc[first])).seeds()
    with use_engine("scipy"):
        told["scipy_tree_s"] = timed(lambda: list(trees(model.graph, seeds)), ROUNDS)
    with use_engine("hierarchy"):
        whole = timed(lambda: list(trees(model.graph, seeds)))
        told["tree_s"] = timed(lambda: list(trees(model.graph, seeds)), ROUNDS)
        told["prepare_s"] = max(whole - told["tree_s"], 1e-4)
        told["batch_s"] = timed(
            lambda: tb.travel_times(network, places, places, profile="typical"), ROUNDS
        )
    limits = {"minutes": (60,), "profile": "typical"}
    told["isochrone_s"] = timed(lambda: tb.isochrones(network, places.loc[first], **limits))
    told["again_s"] = timed(lambda: tb.isochrones(network, places.loc[first], **limits), ROUNDS)
    told["memory_mb"] = max(memory_mb("VmHWM") - before_mb, 0.1)
    told |= {"sections": len(network.roads), "junctions": len(network.nodes)}
    told["km"] = float(network.roads["length_m"].sum()) / 1000
    return told


def memory_mb(what: str) -> float:
    """Return this process' memory now (VmRSS) or at most (VmHWM); Linux only.

    Not ``getrusage``: its maximum is at least what the parent held when this process began.
    """
    said = Path("/proc/self/status").read_text(encoding="ascii")
    return float(said.split(f"{what}:")[1].split()[0]) / 1024


def warm_up() -> None:
    """Load what is compiled, on the built-in roads, so that no size pays for it."""
    region = tb.load_region()
    network, hubs = tb.load_network(region), tb.facilities(region).loc[region.hubs]
    with use_engine("hierarchy"):
        tb.travel_times(network, hubs, hubs, profile="typical")
    tb.isochrones(network, hubs[:1], minutes=(15,), profile="typical")


def grow(network: tb.Network, middle: tuple[float, float], halves_km=HALVES_KM) -> pd.DataFrame:
    """Measure squares of growing size, each in a process of its own; one row a square."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for half in halves_km:
            file = tb.save_network(cut(network, middle, half), f"{folder}/{half}.parquet")
            ran = subprocess.run(
                [sys.executable, __file__, str(file), "--one"],
                check=True,
                capture_output=True,
                text=True,
            )
            rows.append({"half_km": half} | json.loads(ran.stdout))
    return pd.DataFrame(rows)


def exponents(table: pd.DataFrame, last: int = LAST) -> dict[str, float]:
    """Return the slope of each measure against sections, over the largest squares."""
    # a small square lives in memory that warming up has freed, and seems to need none
    counts = {name: min(last, 3) if name == "memory_mb" else last for name in MEASURES}
    logs = np.log(table[["sections", *MEASURES]].astype(float))
    return {
        name: round(float(np.polyfit(logs["sections"][-n:], logs[name][-n:], 1)[0]), 2)
        for name, n in counts.items()
    }


def draw(table: pd.DataFrame, path: Path, last: int = LAST) -> Path:
    """Draw seconds and memory against sections, both axes logarithmic, slopes in the labels."""
    slopes = exponents(table, last)
    colours = ["#0072B2", "#56B4E9", "#999999", "#D55E00", "#009E73", "#CC79A7", "#E69F00"]
    marks = "osv^D<>"

    def on(figure) -> None:
        left = figure.add_axes((0.08, 0.13, 0.36, 0.76))
        right = figure.add_axes((0.75, 0.13, 0.24, 0.76))
        x = table["sections"]
        timed_ones = [name for name in MEASURES if name != "memory_mb"]
        for name, colour, mark in zip(timed_ones, colours, marks, strict=True):
            label = f"{MEASURES[name]}: {slopes[name]:.2f}"
            left.plot(
                x, table[name], color=colour, marker=mark, markersize=3.5, label=label, lw=1.2
            )
        right.plot(x, table["memory_mb"], color="#333333", marker="o", markersize=3.5, lw=1.2)
        left.set_title("seconds", fontsize=8, loc="left")
        right.set_title(
            f"MB beyond the start: {slopes['memory_mb']:.2f} (3 squares)", fontsize=8, loc="left"
        )
        for axes in (left, right):
            axes.set(xscale="log", yscale="log")
            axes.set_xlabel("road sections", fontsize=7)
            axes.grid(visible=True, which="major", color="#DDDDDD", lw=0.5)
            axes.spines[["top", "right"]].set_visible(False)
            for axis in (axes.xaxis, axes.yaxis):  # plain numbers: a picture knows no mathematics
                axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
                axis.set_minor_formatter("")
            axes.tick_params(labelsize=6.5)
        _name_sizes(right, table)
        title = f"exponents, largest {last} squares"
        around = {"loc": "upper left", "bbox_to_anchor": (1.02, 1), "borderaxespad": 0}
        left.legend(title=title, title_fontsize=7, fontsize=6.5, frameon=False, **around)

    return picture(path, 3.6, on)


def _name_sizes(axes, table: pd.DataFrame) -> None:
    """Write the side of each square beside its point, where there is room for it."""
    left_of = 0.0
    for row in table.itertuples():
        if row.sections > 1.6 * left_of:
            at, look = (row.sections, row.memory_mb), {"fontsize": 6, "va": "top"}
            axes.annotate(
                f"{2 * row.half_km:g} km", at, (3, -3), textcoords="offset points", **look
            )
            left_of = row.sections


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("roads", type=Path)
    parser.add_argument("--middle", default="127.385,36.35", help="LON,LAT of the squares")
    parser.add_argument("--picture", type=Path, help="PNG or SVG to draw")
    parser.add_argument("--out", type=Path, help="CSV of the measures")
    parser.add_argument("--table", type=Path, help="draw an earlier --out, measure nothing")
    parser.add_argument("--one", action="store_true", help="measure ROADS alone; print JSON")
    given = parser.parse_args()
    if given.one:
        sys.stdout.write(json.dumps(measure(given.roads)))
        return
    lon, lat = map(float, given.middle.split(","))
    table = (
        pd.read_csv(given.table) if given.table else grow(tb.load_network(given.roads), (lon, lat))
    )
    sys.stdout.write(f"{table.round(4).to_string()}\n{json.dumps(exponents(table), indent=1)}\n")
    if given.out:
        table.to_csv(given.out, index=False)
    if given.picture:
        draw(table, given.picture)


if __name__ == "__main__":
    main()
