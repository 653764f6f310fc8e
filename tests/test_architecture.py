"""The shape of the house: which module may know which, what is public, what is documented."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import technobelt as tb

SOURCE = Path(tb.__file__).parent

#: Each module may import only what stands above it.
ORDER = (
    *(
        "errors",
        "counting",
        "writing",
        "schema",
        "style",
        "fonts",
        "toml_faults",
        "claim_kinds",
        "scenario",
        "zone_rules",
        "siting_rules",
        "projections",
        "region",
        "position_errors",
        "layer_files",
        "layers",
    ),
    *(
        "routing",
        "network",
        "doctor",
        "travel_time",
        "drives",
        "routes",
        "rasters",
        "land_grid",
        "surface",
        "contours",
        "isochrone",
    ),
    *(
        "break_even",
        "verdict",
        "corridor",
        "members",
        "trips",
        "measures",
        "cases",
        "readings",
        "factors",
        "draws",
        "sampling",
        "pairs",
        "travel_claims",
        "proximity",
        "attribute_claims",
        "claims",
        "runs",
        "trip_changes",
        "comparison",
        "observations",
        "terms",
        "calibration",
        "profile_toml",
        "new_region",
        "cross_check",
        "valhalla",
        "zones",
        "siting",
    ),
    *("export", "webmap", "figures", "report", "manifest"),
    *("run_inputs", "run_comparison", "planning"),
    *("kyeongnam", "guide", "console", "cli", "__main__"),
)
FILES = sorted(
    path for path in SOURCE.rglob("*.py") if path.name != "__init__.py" or path.parent != SOURCE
)
HEAVY = {
    "geopandas",
    "pandas",
    "numpy",
    "shapely",
    "scipy",
    "pydantic",
    "folium",
    "rasterio",
    "osmium",
}


def name_of(path):
    """Return the dotted name of a source file below the package."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path):
    """Return (line, dotted name below the package) of every import of our own, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} line {node.lineno}: relative import"
            if node.module == "technobelt":
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif node.module.startswith("technobelt."):
                yield node.lineno, node.module.removeprefix("technobelt.")
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("technobelt.")]
            yield from ((node.lineno, name.removeprefix("technobelt.")) for name in names)


def at_run_time(path):
    """Return the modules that run when this one does: not those in functions or for type checkers."""
    known = {name_of(file) for file in FILES}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("technobelt."):
            module = node.module.removeprefix("technobelt.")
            parts = {f"{module}.{alias.name}" for alias in node.names}
            yield from parts if parts <= known else {module}


def public_modules():
    found = pkgutil.walk_packages(tb.__path__, "technobelt.")
    return sorted(module.name for module in found if not module.name.endswith("__main__"))


def test_the_order_names_every_module_and_no_other():
    here = {path.stem for path in SOURCE.glob("*.py") if path.name != "__init__.py"}
    here |= {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert here == set(ORDER)
    assert len(ORDER) == len(set(ORDER))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_one_way(path):
    mine = name_of(path).split(".")[0]
    for line, name in imported(path):
        top = name.split(".")[0]
        if top in {mine, "__version__"}:
            continue
        assert ORDER.index(top) < ORDER.index(mine), f"{mine} line {line} reaches back to {name}"


def test_inside_a_package_there_are_no_cycles():
    names = {name_of(path): path for path in FILES}
    state = {}

    def visit(name, way):
        assert state.get(name) != "open", f"cycle: {' -> '.join([*way, name])}"
        if name in state:
            return
        state[name] = "open"
        for other in at_run_time(names[name]):
            visit(other, [*way, name])
        state[name] = "done"

    for name in names:
        visit(name, [])


def test_a_reach_back_would_be_seen(tmp_path):
    file = tmp_path / "errors.py"
    file.write_text(
        "def f():\n    from technobelt.claims import Verdicts\n    import technobelt.cli\n"
    )
    assert list(imported(file)) == [(2, "claims"), (3, "cli")]


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, technobelt; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(ran.stdout.split())


def test_the_help_imports_nothing_heavy():
    code = """
import sys
from technobelt.cli import main
try:
    main(["--help"])
except SystemExit as done:
    assert not done.code
print(*sorted({m.split(".")[0] for m in sys.modules}), file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not (HEAVY - {"pydantic"}) & set(ran.stderr.split())
    assert "plan" in ran.stdout


# --- what is public ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", tb.__all__)
def test_a_public_name_is_what_it_says_and_documented(name):
    value = getattr(tb, name)
    assert not inspect.ismodule(value)
    if name != "__version__":
        assert inspect.getdoc(value)
        assert value.__name__ == name
        assert value.__module__.startswith("technobelt.")


def test_public_names_stay_when_every_module_is_imported():
    for name in public_modules():
        importlib.import_module(name)
    for name in tb.__all__:
        assert not inspect.ismodule(getattr(tb, name)), name
    assert not set(ORDER) & set(tb.__all__)  # Python hangs imported modules into their package


def test_public_names_are_listed_and_others_are_none():
    assert dir(tb) == sorted(tb.__all__)
    assert set(tb._HOME) | {"__version__"} == set(tb.__all__)
    with pytest.raises(AttributeError, match="module 'technobelt' has no attribute 'teleport'"):
        _ = tb.teleport


CONTRACT = {
    "load_region": "path",
    "read_layer": "region name",
    "load_network": "path_or_region",
    "build_network": "source",
    "travel_times": "network origins destinations *profile *max_minutes *max_access_m",
    "nearest": "network origins facilities",
    "route": "network origin destination",
    "isochrones": "network origins *minutes *mode *toward",
    "check_claims": "region network",
    "draw_zones": "region network",
    "export_shapefile": "gdf path",
}


@pytest.mark.parametrize("name", CONTRACT)
def test_a_fixed_name_takes_what_it_took(name):
    parameters = inspect.signature(getattr(tb, name)).parameters
    for wanted in CONTRACT[name].split():
        found = parameters[wanted.removeprefix("*")]
        assert (found.kind is found.KEYWORD_ONLY) == wanted.startswith("*")


def test_defaults_are_those_of_the_contract():
    times = inspect.signature(tb.travel_times).parameters
    assert times["profile"].default == "free_flow"
    assert times["max_minutes"].default is None
    assert times["max_access_m"].default == 1000
    bands = inspect.signature(tb.isochrones).parameters
    assert bands["minutes"].default == (30, 60, 90)
    assert bands["mode"].default == "overlap"
    assert bands["toward"].default is False


# --- what is documented --------------------------------------------------------------------------


def public_functions():
    for module_name in public_modules():
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isfunction(value) and value.__module__ == module_name:
                yield pytest.param(value, id=f"{module_name.removeprefix('technobelt.')}.{name}")


@pytest.mark.parametrize("name", public_modules())
def test_a_module_says_what_it_is_for_and_names_what_is_public(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public), public
        value = getattr(module, public)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), public


@pytest.mark.parametrize("function", list(public_functions()))
def test_a_public_function_has_a_numpy_docstring(function):
    doc = inspect.getdoc(function)
    first = doc.splitlines()[0]
    assert first.endswith(".")
    assert first[0].isupper()
    assert len(first) < 110
    assert "TODO" not in doc
    for section in ("Parameters", "Returns", "Raises", "Examples", "Notes"):
        assert f"\n{section}\n" not in doc or f"\n{section}\n{'-' * len(section)}\n" in doc


@pytest.mark.parametrize(
    "name",
    sorted(
        set(tb.__all__) & set(CONTRACT)
        | {"list_layers", "facilities", "save_network", "web_map", "plan"}
    ),
)
def test_a_function_of_the_contract_explains_its_parameters_and_shows_an_example(name):
    function = getattr(tb, name)
    doc = inspect.getdoc(function)
    assert "Returns\n-------" in doc or "Yields" in doc or name == "save_network"
    assert "Examples\n--------\n>>> " in doc
    parameters = inspect.signature(function).parameters
    if len(parameters) > 1:
        section = doc.split("Parameters\n----------\n")[1].split("\n\n")[0]
        listed = {
            one.strip()
            for line in section.splitlines()
            if not line.startswith(" ")
            for one in line.split(",")
        }
        assert set(parameters) == {one.removeprefix("**") for one in listed}


def test_nobody_prints():
    for path in FILES:
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        ]
        prints = [
            call.lineno
            for call in calls
            if isinstance(call.func, ast.Name) and call.func.id == "print"
        ]
        assert not prints, f"{name_of(path)} lines {prints}"
