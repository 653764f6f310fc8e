"""technobelt: check a regional plan against the road network.

Everything public is named here; each is imported when it is first used, so that
``import technobelt`` and ``technobelt --help`` cost next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Comparison": "comparison",
    "Delineation": "zones",
    "Network": "network",
    "Plan": "planning",
    "Region": "region",
    "Robustness": "zones",
    "RunComparison": "run_comparison",
    "Scenario": "scenario",
    "Siting": "siting",
    "TechnobeltError": "errors",
    "Verdicts": "claims",
    "ZoneChanges": "zones",
    "build_network": "network",
    "check_claims": "claims",
    "compare_claims": "comparison",
    "compare_runs": "run_comparison",
    "compare_zones": "zones",
    "delineate_zones": "zones",
    "draw_zones": "zones",
    "export_shapefile": "export",
    "facilities": "layers",
    "isochrones": "isochrone",
    "kilometres_by_evidence": "network",
    "list_layers": "layers",
    "load_network": "network",
    "load_region": "region",
    "load_scenario": "scenario",
    "located": "layers",
    "nearest": "travel_time",
    "not_located": "layers",
    "plan": "planning",
    "read_layer": "layers",
    "redraw_zones": "zones",
    "repeat_plan": "planning",
    "route": "routes",
    "save_network": "network",
    "site_facilities": "siting",
    "travel_times": "travel_time",
    "web_map": "webmap",
    "write_layer": "export",
}

if TYPE_CHECKING:
    from technobelt.claims import Verdicts, check_claims
    from technobelt.comparison import Comparison, compare_claims
    from technobelt.errors import TechnobeltError
    from technobelt.export import export_shapefile, write_layer
    from technobelt.isochrone import isochrones
    from technobelt.layers import facilities, list_layers, located, not_located, read_layer
    from technobelt.network import (
        Network,
        build_network,
        kilometres_by_evidence,
        load_network,
        save_network,
    )
    from technobelt.planning import Plan, plan, repeat_plan
    from technobelt.region import Region, load_region
    from technobelt.routes import route
    from technobelt.run_comparison import RunComparison, compare_runs
    from technobelt.scenario import Scenario, load_scenario
    from technobelt.siting import Siting, site_facilities
    from technobelt.travel_time import nearest, travel_times
    from technobelt.webmap import web_map
    from technobelt.zones import (
        Delineation,
        Robustness,
        ZoneChanges,
        compare_zones,
        delineate_zones,
        draw_zones,
        redraw_zones,
    )

__all__ = [
    "Comparison",
    "Delineation",
    "Network",
    "Plan",
    "Region",
    "Robustness",
    "RunComparison",
    "Scenario",
    "Siting",
    "TechnobeltError",
    "Verdicts",
    "ZoneChanges",
    "__version__",
    "build_network",
    "check_claims",
    "compare_claims",
    "compare_runs",
    "compare_zones",
    "delineate_zones",
    "draw_zones",
    "export_shapefile",
    "facilities",
    "isochrones",
    "kilometres_by_evidence",
    "list_layers",
    "load_network",
    "load_region",
    "load_scenario",
    "located",
    "nearest",
    "not_located",
    "plan",
    "read_layer",
    "redraw_zones",
    "repeat_plan",
    "route",
    "save_network",
    "site_facilities",
    "travel_times",
    "web_map",
    "write_layer",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOME:
        msg = f"module 'technobelt' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"technobelt.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted(__all__)
