"""Where sites should stand: a question of ``region.toml`` answered, and plans compared with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.counting import counted
from technobelt.errors import RegionError, SitingError
from technobelt.siting.problem import MOST_LISTED, listed, make_problem
from technobelt.siting.solve import assign, best_sites, fewest_sites, worth

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.network.model import Network
    from technobelt.region import Region
    from technobelt.siting.problem import Problem
    from technobelt.siting_rules import Direction, NamedSites, Objective, SitingRules

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Siting", "site_facilities"]

_DIGITS = 2
_STATES = ("located", "not located", "no road near")
_WAYS = {
    "to_site": "minutes to the site",
    "from_site": "minutes from the site",
    "round_trip": "minutes a way, half of the round trip",
}


@dataclass(frozen=True, eq=False)
class Siting:
    """The best sites, who goes where, and what named sets of places come to.

    Attributes
    ----------
    name
        Of the question in ``region.toml``.
    rules
        Its rules, with what was asked for instead.
    sites
        Points in the network's CRS, indexed by id, the one with most weight first: ``id``,
        ``name``, ``cluster``, ``order``, ``kept`` (it stood before), ``served`` (places),
        ``weight``, ``mean_min`` (weighted), ``max_min``, ``stands_for`` (ids at the position).
    allocation
        The demand, points in the network's CRS, indexed by id: ``id``, ``name`` where it has one,
        ``site_id``, ``time_min``, ``weight``, ``status`` (``ok``; ``over_limit``: farther than
        ``within_min``; ``unreachable``; ``not_tied``: no road near).
    objective_value
        ``p_median``: weighted mean minutes; ``p_centre``: longest minutes; ``max_cover``: share of
        the weight within the limit, per cent.
    unit
        Of the value.
    unserved
        Ids of the demand that no candidate reaches: left out of minutes, not covered in shares.
    compared
        One row a set: ``set``, ``title``, ``p`` (positions it was judged by, sites that are kept
        among them), ``value``, ``optimum`` (of the same p), ``gap_pct`` (how much worse), lists of
        ids: ``located``, ``not_located``, ``off_road``, ``kept_ids`` (existing sites counted with
        it), ``best_ids``; and ``status``: ``ok``, ``not all served``, ``no place known``.
    candidates
        All positions in question, as `sites`, without the figures; ``eligible`` is false where only
        places of sets to compare stand.
    notes
        What was left out, assumed or put together.
    as_of, scenario, network
        Date of the roads, id of the scenario if any, and file, hash and date of the network.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> network = tb.load_network(region)
    >>> found = tb.site_facilities(region, network, "technology_innovation_centres", p=1)
    >>> len(found.sites), found.unserved, found.compared["set"].tolist()
    (1, ['GIC09'], ['plan', 'opened_2001'])
    """

    name: str
    rules: SitingRules
    sites: gpd.GeoDataFrame
    allocation: gpd.GeoDataFrame
    objective_value: float
    unit: str
    unserved: list[str]
    compared: pd.DataFrame
    candidates: gpd.GeoDataFrame
    notes: list[str]
    as_of: str
    scenario: str
    network: dict[str, str]

    def places(self) -> gpd.GeoDataFrame:
        """Return the places of the sets that were compared, one row a place of a set.

        Returns
        -------
        geopandas.GeoDataFrame
            ``set``, ``title``, ``id``, ``site_id`` (the position it was judged by), ``status``
            (``located``, ``not located``, ``no road near``) and a point, None without a position.
        """
        import geopandas as gpd

        ids = self.candidates["stands_for"].str.split(", ")
        home = {place: site for site, places in ids.items() for place in places}
        rows = [
            (row.set, row.title, place, home.get(place), status)
            for row in self.compared.itertuples()
            for status, places in zip(_STATES, _places(row), strict=True)
            for place in places
        ]
        table = pd.DataFrame(rows, columns=["set", "title", "id", "site_id", "status"])
        shapes = self.candidates.geometry.reindex(table["site_id"]).to_numpy()
        return gpd.GeoDataFrame(table, geometry=shapes, crs=self.candidates.crs)

    def lines(self) -> gpd.GeoDataFrame:
        """Return a straight line from each place that is served to its site.

        Returns
        -------
        geopandas.GeoDataFrame
            The rows of `allocation` that have a site, with lines.
        """
        import geopandas as gpd
        import shapely

        served = self.allocation[self.allocation["site_id"].notna()]
        ends = self.sites.geometry[served["site_id"]]
        xy = [shapely.get_coordinates(part.to_numpy()) for part in (served.geometry, ends)]
        shapes = shapely.linestrings(np.stack(xy, axis=1))
        return gpd.GeoDataFrame(
            served.drop(columns="geometry"), geometry=shapes, crs=self.allocation.crs
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the answer for machines.

        Returns
        -------
        dict
            Plain data: no shapes, no NaN.
        """
        rules = self.rules
        return {
            "name": self.name,
            "title": rules.title,
            "source": rules.source,
            "as_of": self.as_of or None,
            "scenario": self.scenario or None,
            "network": self.network,
            "objective": rules.objective,
            "direction": rules.direction,
            "profile": rules.profile,
            "p": rules.p,
            "within_min": rules.within_min if rules.objective == "max_cover" else None,
            "weight": rules.weight,
            "value": _rounded(self.objective_value),
            "unit": self.unit,
            "sites": _records(self.sites),
            "unserved": self.unserved,
            "compared": _records(self.compared),
            "allocation": _records(self.allocation),
            "notes": self.notes,
        }


def site_facilities(  # noqa: PLR0913  (each changes one thing)
    region: Region,
    network: Network,
    name: str,
    *,
    p: int | None = None,
    objective: Objective | None = None,
    direction: Direction | None = None,
    within_min: float | None = None,
    profile: str | None = None,
    max_access_m: float = 1000.0,
) -> Siting:
    """Choose the best sites of a question of ``region.toml``, and compare plans with them.

    The optimum is exact. Among equal ones: of equally far longest trips (``p_centre``) and of equal
    cover (``max_cover``) those of the least weighted minutes, then those whose candidates come
    first, by id. Each set is compared with the best of as many sites as it has positions that are
    known, and never with more; beside the candidates its own places may be among these, since what
    was planned or built there was possible. They are no candidates otherwise.

    Parameters
    ----------
    region, network
        From `load_region` and `load_network`; for another date or scenario give
        ``network.as_of(date)`` or ``with_scenario`` of both.
    name
        Of the question: ``[siting.NAME]``.
    p, objective, direction, within_min, profile
        Instead of what the question says. `p` counts the sites that are kept. `within_min` is in
        minutes one way, for ``max_cover``; those of a round trip are the mean of both ways.
    max_access_m
        Longest way between a place and its road, m.

    Returns
    -------
    Siting
        Sites, allocation, value, comparison, notes.

    Raises
    ------
    SitingError
        There is no such question, or it has no answer: no demand, no weight, no candidate, too many
        or too few sites, minutes for an objective that has no use for them.
    RegionError
        There is no profile of that name.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> network = tb.load_network(region)
    >>> found = tb.site_facilities(region, network, "technology_innovation_centres")
    >>> len(found.sites), found.unit
    (3, 'min')
    """
    asked: dict[str, Any] = {"p": p, "objective": objective, "direction": direction}
    asked |= {"within_min": within_min, "profile": profile}
    rules = _rules(region, name, {key: said for key, said in asked.items() if said is not None})
    problem = make_problem(region, network, name, rules, max_access_m=max_access_m)
    answer = _Answer(name, rules, problem)
    chosen = answer.best(rules.p)
    allocation, info = _allocation(problem, chosen, rules), network.info
    unserved = [str(place) for place in problem.demand.index[~problem.reached]]
    return Siting(
        name=name,
        rules=rules,
        sites=_sites(problem, chosen, allocation),
        allocation=allocation,
        objective_value=answer.value(chosen),
        unit="%" if rules.objective == "max_cover" else "min",
        unserved=unserved,
        compared=_comparison(answer),
        candidates=_with_ids(problem.candidates),
        notes=[*problem.notes, *_notes(rules, problem)],
        as_of=info.as_of or info.date,
        scenario=info.scenario,
        network={"file": info.file, "hash": info.hash, "date": info.date},
    )


def _rules(region: Region, name: str, asked: dict[str, Any]) -> SitingRules:
    if name not in region.siting:
        known = f"there are {', '.join(region.siting)}" if region.siting else "it has none"
        raise SitingError(
            f"region '{region.id}' has no [siting.{name}]; {known}. Name one of these, or add it "
            "to region.toml."
        )
    rules = region.siting[name].model_copy(update=asked)
    if rules.profile not in region.profiles:
        raise RegionError(
            f"no speed profile '{rules.profile}'; there are {', '.join(region.profiles)}."
        )
    if "within_min" in asked and rules.objective != "max_cover":
        raise SitingError(
            f"[siting.{name}]: within_min is for max_cover, and the objective is "
            f"{rules.objective}. Leave it out, or ask for max_cover."
        )
    if rules.objective == "max_cover" and not (rules.within_min or 0) > 0:
        raise SitingError(
            f"[siting.{name}]: max_cover needs within_min, minutes above zero; found "
            f"{rules.within_min}. Give --within-min, or set it in region.toml."
        )
    return rules


class _Answer:
    """A problem that is asked for its best sites, each number of them once."""

    def __init__(self, name: str, rules: SitingRules, problem: Problem) -> None:
        self.where, self.rules, self.problem = f"[siting.{name}]", rules, problem
        # A share covered is of all demand: what nobody reaches is not covered. Minutes are a mean
        # over what can be reached at all.
        here = problem.reached | (rules.objective == "max_cover")
        self.minutes, self.weights = problem.minutes[here], problem.weights[here]
        self.known: dict[tuple[int, bytes], Ints | None] = {}

    def best(self, p: int) -> Ints:
        """Return the numbers of the best `p` candidates."""
        self._check(p)
        found = self.find(p)
        if found is None:
            may = self.problem.eligible
            heavy = self.minutes[self.weights > 0]
            fewest = fewest_sites(heavy[:, may], self.problem.fixed[may])
            raise SitingError(
                f"{self.where}: {counted(p, 'site')} cannot serve all of the demand "
                f"that some candidate reaches ({counted(len(self.minutes), 'place')}); it takes "
                f"{fewest}. Raise p, or ask for max_cover."
            )
        return found

    def find(self, p: int, also: Ints | None = None) -> Ints | None:
        """Return the best `p` of what is eligible and of `also`; None if no `p` serve all."""
        may = self.problem.eligible.copy()
        if also is not None:
            may[also] = True
        asked = p, may.tobytes()
        if asked not in self.known:
            self.known[asked] = self._solved(p, np.flatnonzero(may))
        return self.known[asked]

    def value(self, sites: Ints) -> float:
        """Return what sites come to, NaN if they do not serve every place."""
        rules = self.rules
        found = worth(
            self.minutes,
            self.weights,
            sites,
            objective=rules.objective,
            within_min=rules.within_min,
        )
        if not np.isfinite(found):
            return float("nan")
        return found * 100 if rules.objective == "max_cover" else found

    def _solved(self, p: int, may: Ints) -> Ints | None:
        found = best_sites(
            self.minutes[:, may],
            self.weights,
            p,
            objective=self.rules.objective,
            within_min=self.rules.within_min,
            fixed=self.problem.fixed[may],
        )
        return None if found is None else may[found]

    def _check(self, p: int) -> None:
        n, kept = int(self.problem.eligible.sum()), int(self.problem.fixed.sum())
        if not 1 <= p <= n:
            raise SitingError(
                f"{self.where}: asked for {counted(p, 'site')}, but there "
                f"{'is' if n == 1 else 'are'} {counted(n, 'candidate')} at different positions "
                "with a road near. Lower p, or widen candidates."
            )
        if p < kept:
            raise SitingError(
                f"{self.where}: asked for {counted(p, 'site')}, but existing ones ({kept}) are "
                "kept and count in p. Raise p, or set existing_are = 'free'."
            )


# --- tables --------------------------------------------------------------------------------------


def _with_ids(places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    stands = [", ".join(map(str, ids)) for ids in places["stands_for"]]
    named = places.assign(id=places.index.astype(str), stands_for=stands)
    first = [column for column in ("id", "name", "cluster") if column in named]
    return named[[*first, "eligible", "stands_for", "geometry"]]


def _allocation(problem: Problem, chosen: Ints, rules: SitingRules) -> gpd.GeoDataFrame:
    site, minutes = assign(problem.minutes, chosen)
    there = np.isfinite(minutes)
    status = np.where(problem.tied | there, np.where(there, "ok", "unreachable"), "not_tied")
    if rules.objective == "max_cover":
        status[there & (minutes > (rules.within_min or 0.0))] = "over_limit"
    ids = problem.candidates.index.to_numpy(dtype=object)
    demand = problem.demand
    table = demand[[c for c in ("name",) if c in demand] + [demand.geometry.name]]
    table = table.rename_geometry("geometry") if table.geometry.name != "geometry" else table
    told = table.assign(
        id=demand.index.astype(str),
        site_id=np.where(there, ids[site], None),
        time_min=np.where(there, minutes, np.nan),
        weight=problem.weights,
        status=status,
    )
    order = ["id", *(c for c in ("name",) if c in told), "site_id", "time_min", "weight", "status"]
    return told[[*order, "geometry"]]


def _sites(problem: Problem, chosen: Ints, allocation: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the chosen sites with what they serve, the one with most weight first."""
    sites = _with_ids(problem.candidates.iloc[chosen]).assign(kept=problem.fixed[chosen])
    parts = [allocation[allocation["site_id"] == site] for site in sites.index]
    sites["served"] = [len(part) for part in parts]
    sites["weight"] = [float(part["weight"].sum()) for part in parts]
    sites["mean_min"] = [_mean(part) for part in parts]
    sites["max_min"] = [float(part["time_min"].max()) for part in parts]
    sites = sites.sort_values(["weight", "served", "id"], ascending=[False, False, True])
    sites["order"] = np.arange(1, len(sites) + 1)
    last = ["order", "kept", "served", "weight", "mean_min", "max_min", "stands_for", "geometry"]
    return sites[[*(c for c in ("id", "name", "cluster") if c in sites), *last]]


def _mean(part: pd.DataFrame) -> float:
    weight = float(part["weight"].sum())
    return float((part["weight"] * part["time_min"]).sum() / weight) if weight else float("nan")


def _comparison(answer: _Answer) -> pd.DataFrame:
    columns = ["set", "title", "p", "value", "optimum", "gap_pct", "located", "not_located"]
    columns += ["off_road", "kept_ids", "best_ids", "status"]
    rows = [_compared(answer, name, named) for name, named in answer.rules.compare.items()]
    return pd.DataFrame(rows, columns=columns)


def _compared(answer: _Answer, name: str, named: NamedSites) -> dict[str, Any]:
    """Judge one set by the places of it that are known, beside the best of as many."""
    problem = answer.problem
    at = {place: problem.position_of(place) for place in named.ids}
    located = [place for place, position in at.items() if position is not None]
    lost = [place for place in named.ids if place not in located]
    own = np.unique([at[place] for place in located]).astype(np.int64)
    sites = np.union1d(own, np.flatnonzero(problem.fixed)).astype(np.int64)
    row = {"set": name, "title": named.title or name, "p": len(sites), "located": located}
    row |= {"not_located": [place for place in lost if place not in problem.off_road]}
    row |= {"off_road": [place for place in lost if place in problem.off_road]}
    row |= {"kept_ids": _ids(problem, np.setdiff1d(sites, own)), "best_ids": []}
    row |= {"value": np.nan, "optimum": np.nan, "gap_pct": np.nan, "status": "no place known"}
    if not len(own):
        return row
    value, best = answer.value(sites), answer.find(len(sites), own)
    if best is None:  # no sites so few serve every place: nothing to be compared with
        return row | {"status": "not all served"}
    optimum = answer.value(best)
    return row | {
        "value": value,
        "optimum": optimum,
        "gap_pct": _gap(value, optimum, answer.rules.objective),
        "best_ids": _ids(problem, best),
        "status": "ok" if np.isfinite(value) else "not all served",
    }


def _places(row: Any) -> tuple[list[str], list[str], list[str]]:
    return row.located, row.not_located, row.off_road


def _ids(problem: Problem, sites: Ints) -> list[str]:
    return [str(place) for place in problem.candidates.index[sites]]


def _gap(value: float, optimum: float, objective: str) -> float:
    """Return by how many per cent of the optimum a value is worse; NaN beside nothing."""
    worse = optimum - value if objective == "max_cover" else value - optimum
    return 100 * worse / optimum if optimum > 0 else (0.0 if worse == 0 else float("nan"))


def _notes(rules: SitingRules, problem: Problem) -> list[str]:
    ids = problem.demand.index.to_numpy(dtype=object)
    notes = [f"Times are {_WAYS[rules.direction]}, profile {rules.profile}."]
    out = "not covered" if rules.objective == "max_cover" else "left out"
    for lost, why in (
        (~problem.tied & ~problem.reached, "no road near"),
        (problem.tied & ~problem.reached, "no candidate has a way"),
    ):
        if lost.any():
            share = problem.weights[lost].sum() / problem.weights.sum()
            places = f"{lost.sum():,} of {counted(len(lost), 'place')}, {share:.1%} of the weight"
            which = f": {listed(ids[lost])}" if lost.sum() <= MOST_LISTED else ""
            notes.append(f"Demand {out}, {why}: {places}{which}.")
    only = problem.candidates.index[~problem.eligible]
    if len(only):
        notes.append(f"No candidates but for the sets that name them: {listed(only)}.")
    return [*notes, *([rules.note] if rules.note else [])]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    bare = table.drop(columns="geometry", errors="ignore")
    return [{str(k): _rounded(v) for k, v in row.items()} for row in bare.to_dict("records")]


def _rounded(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return None if not np.isfinite(value) else round(float(value), _DIGITS)
    return int(value) if isinstance(value, np.integer) else value
