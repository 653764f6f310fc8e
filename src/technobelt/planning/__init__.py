"""The whole run: check the claims, draw isochrones and zones, write everything a planner opens."""

from __future__ import annotations

from technobelt.planning.hubs import hub_isochrones
from technobelt.planning.repeat import repeat_plan
from technobelt.planning.run import Plan, plan

__all__ = ["Plan", "hub_isochrones", "plan", "repeat_plan"]
