"""A travel-time claim's trips, timed by another routing engine: where the two part, and why.

Both engines drive between the same positions on roads, and only the drive counts: access legs,
parking and the way to the door are left out on both sides. What is left are the roads, their
speeds, and what is added at junctions. Nothing here knows which engine the other is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from technobelt.cases import Basis, make_case
from technobelt.claim_kinds import TravelTimeClaim
from technobelt.drives import best_drives
from technobelt.errors import ClaimError
from technobelt.schema import ROAD_CLASSES, WGS84
from technobelt.travel_time import model_of

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.cases import Case
    from technobelt.network.model import Network
    from technobelt.network.ties import Ties
    from technobelt.region import Region
    from technobelt.travel_time import Model
    from technobelt.trips import Trips

    Floats = NDArray[np.float64]

__all__ = ["WAITING", "Answers", "Ask", "CrossCheck", "cross_check", "positions_of"]

#: The row of `CrossCheck.classes` for seconds that no kilometre explains: junctions, turns, ramps.
WAITING = "waiting"
_USE = ["trip", "class", "length_m", "drive_s"]


@dataclass(frozen=True, eq=False)
class Answers:
    """What an engine says of some trips.

    Attributes
    ----------
    seconds, metres
        float64 (k): of each trip's drive; NaN where there is no way.
    use
        DataFrame: ``trip`` (0 to k - 1), ``class`` (OSM ``highway``), ``length_m``, ``drive_s``;
        what each drives by class, without waiting. A trip whose way is not told has no rows.
    """

    seconds: Floats
    metres: Floats
    use: pd.DataFrame


#: Asks an engine: positions (points in WGS 84, with the ``class`` of their road), and the trips as
#: pairs of numbers of positions.
Ask = Callable[["gpd.GeoDataFrame", list[tuple[int, int]]], Answers]


@dataclass(frozen=True, eq=False)
class CrossCheck:
    """Trips timed by two engines.

    Attributes
    ----------
    engine
        Name of the other engine.
    profile
        Name of our speed profile.
    pairs
        One row a trip, the largest difference first: ``from_id``, ``to_id``, ``from_name``,
        ``to_name``, ``own_min``, ``other_min``, ``diff_min`` (other less own), ``diff_pct`` (of
        own), ``own_km``, ``other_km``, ``status``: ``ok``, or ``no_way_own``, ``no_way_other``,
        ``no_way`` (neither has one).
    classes
        One row a road class, over all ways that both engines tell: ``class``, ``own_km``,
        ``other_km``, ``own_kph``, ``other_kph`` (km by hours driven), ``own_min``,
        ``other_min``. The row ``waiting`` holds the minutes at junctions, turns and ramps.
    told
        How many pairs that is.
    """

    engine: str
    profile: str
    pairs: pd.DataFrame
    classes: pd.DataFrame
    told: int

    def summary(self) -> dict[str, Any]:
        """Return how many pairs there are, how many without a way, and how far they differ."""
        status = self.pairs["status"]
        ok = self.pairs[status == "ok"]
        return {
            "pairs": len(self.pairs),
            "pairs_in_classes": self.told,
            "no_way_own": int(status.isin(["no_way_own", "no_way"]).sum()),
            "no_way_other": int(status.isin(["no_way_other", "no_way"]).sum()),
            "median_min": _rounded(ok["diff_min"].median()),
            "median_pct": _rounded(ok["diff_pct"].median()),
            "p95_abs_min": _rounded(ok["diff_min"].abs().quantile(0.95)),
            "p95_abs_pct": _rounded(ok["diff_pct"].abs().quantile(0.95)),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it: null, never NaN."""
        return {
            "engine": self.engine,
            "profile": self.profile,
            "summary": self.summary(),
            "pairs": _records(self.pairs),
            "classes": _records(self.classes),
        }


def cross_check(
    region: Region,
    network: Network,
    ask: Ask,
    *,
    engine: str,
    profile: str | None = None,
    members_as_of: str | None = None,
) -> CrossCheck:
    """Time the trips of a region's first travel-time claim by another engine as well.

    Parameters
    ----------
    region, network
        Whose claim, on which roads; best of the same file that the other engine has.
    ask
        Asks the other engine, see `Answers`.
    engine
        Its name.
    profile
        Our speed profile, instead of the one that the claim names.
    members_as_of
        As in `technobelt.check_claims`.

    Returns
    -------
    CrossCheck
        Every trip that the claim is about. Where a place joins both carriageways of a
        divided road, each engine takes the one that suits it.

    Raises
    ------
    ClaimError
        The region has no travel-time claim, or it cannot be tested.

    Examples
    --------
    An engine that knows no way:

    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> def lost(positions, trips):
    ...     none = np.full(len(trips), np.nan)
    ...     use = pd.DataFrame(columns=["trip", "class", "length_m", "drive_s"])
    ...     return Answers(none, none, use)
    >>> check = cross_check(region, tb.load_network(region), lost, engine="lost")
    >>> check.summary()["no_way_other"] == len(check.pairs)
    True
    """
    claims = [claim for claim in region.claims if isinstance(claim, TravelTimeClaim)]
    if not claims:
        raise ClaimError(
            f"region '{region.id}' has no travel-time claim whose trips another engine could time. "
            "Add one, or leave out --against."
        )
    basis = Basis(profile=profile, members_as_of=members_as_of)
    case = make_case(region, network.to_crs(region.crs), claims[0], basis)
    ties, trips = _ties_and_trips(case.members)
    ways = list(zip(trips["start"].tolist(), trips["finish"].tolist(), strict=True))
    own = _own_answers(model_of(case.network, case.speeds), ties, ways)
    other = ask(positions_of(case.network, ties), ways)
    best = [_best_of(trips, answers) for answers in (own, other)]
    told = np.isin(best[0], own.use["trip"]) & np.isin(best[1], other.use["trip"])
    mine, theirs = (
        _by_class(answers, trip[told]) for answers, trip in zip((own, other), best, strict=True)
    )
    pairs = _pairs(case, trips, own, other, best)
    return CrossCheck(engine, case.profile, pairs, _classes(mine, theirs), int(told.sum()))


# --- what is asked -------------------------------------------------------------------------------


def _ties_and_trips(trips: Trips) -> tuple[Ties, pd.DataFrame]:
    """Return every tie as a point of its own on its road, and every way to drive every pair.

    Of the ways ``pair``, ``from``, ``to``, and the ties ``start`` and ``finish``: a pair has as
    many rows as its ends have ties.
    """
    begin, end = np.nonzero(trips.asked)
    pairs = pd.DataFrame({"pair": np.arange(len(begin)), "from": begin, "to": end})
    ties, first = trips.origins, 0
    if trips.destinations is not trips.origins:
        first = len(ties.point)
        ties = _one_after_the_other(ties, trips.destinations)
    starts = pairs.merge(_numbered(trips.origins, 0, "from", "start"), on="from")
    ways = starts.merge(_numbered(trips.destinations, first, "to", "finish"), on="to")
    count = len(ties.point)
    alone = replace(ties, point=np.arange(count), access_m=np.zeros(count), n=count)
    return alone, ways.sort_values(["pair", "start", "finish"], ignore_index=True)


def _one_after_the_other(one: Ties, two: Ties) -> Ties:
    return replace(
        one,
        point=np.concatenate([one.point, two.point]),
        section=np.concatenate([one.section, two.section]),
        fraction=np.concatenate([one.fraction, two.fraction]),
        side=np.concatenate([one.side, two.side]),
        access_m=np.concatenate([one.access_m, two.access_m]),
    )


def _numbered(ties: Ties, first: int, point: str, tie: str) -> pd.DataFrame:
    return pd.DataFrame({point: ties.point, tie: first + np.arange(len(ties.point))})


def positions_of(network: Network, ties: Ties) -> gpd.GeoDataFrame:
    """Return where ties lie on their roads: points in WGS 84, with the ``class`` of the road."""
    import geopandas as gpd
    import shapely

    lines = network.lines[ties.section]
    points = shapely.line_interpolate_point(lines, ties.fraction, normalized=True)
    classes = network.roads["class"].astype(str).to_numpy()[ties.section]
    return gpd.GeoDataFrame({"class": classes}, geometry=points, crs=network.crs).to_crs(WGS84)


def _own_answers(model: Model, ties: Ties, ways: list[tuple[int, int]]) -> Answers:
    network, costs = model.network, model.costs
    length = network.roads["length_m"].to_numpy(np.float64)[network.arc_section]
    road_class = network.road_class[network.arc_section]
    seconds, metres = np.full((2, len(ways)), np.nan)
    rows = []
    for trip, drive in enumerate(best_drives(model, ties, ties, ways)):
        if drive is None:
            continue
        parts = {
            "class": road_class[drive.arc],
            "length_m": drive.share * length[drive.arc],
            "drive_s": drive.share * costs.drive_s[drive.arc],
        }
        seconds[trip] = drive.seconds(costs).sum()
        metres[trip] = parts["length_m"].sum()
        rows.append(pd.DataFrame(parts).groupby("class").sum().reset_index().assign(trip=trip))
    use = pd.concat(rows)[_USE] if rows else pd.DataFrame(columns=_USE)
    names = [ROAD_CLASSES[int(code)] for code in use["class"]]
    return Answers(seconds, metres, use.assign(**{"class": names}))


# --- what comes of it ----------------------------------------------------------------------------


def _best_of(trips: pd.DataFrame, answers: Answers) -> NDArray[np.int64]:
    """Return the quickest trip of each pair."""
    seconds = pd.Series(np.nan_to_num(answers.seconds, nan=np.inf), index=trips.index)
    return np.asarray(seconds.groupby(trips["pair"]).idxmin().to_numpy(np.int64))


def _pairs(
    case: Case,
    trips: pd.DataFrame,
    own: Answers,
    other: Answers,
    best: list[NDArray[np.int64]],
) -> pd.DataFrame:
    first, second = best
    begin, end = trips["from"].to_numpy()[first], trips["to"].to_numpy()[first]
    members = case.members
    own_min, other_min = own.seconds[first] / 60, other.seconds[second] / 60
    lost, lost_too = np.isnan(own_min), np.isnan(other_min)
    table = pd.DataFrame(
        {
            "from_id": case.places.index.to_numpy(object)[begin],
            "to_id": case.ends.index.to_numpy(object)[end],
            "from_name": members.from_name[begin],
            "to_name": members.to_name[end],
            "own_min": own_min,
            "other_min": other_min,
            "diff_min": other_min - own_min,
            "diff_pct": 100 * _per(other_min - own_min, own_min),
            "own_km": own.metres[first] / 1000,
            "other_km": other.metres[second] / 1000,
            "status": np.select(
                [lost & lost_too, lost, lost_too], ["no_way", "no_way_own", "no_way_other"], "ok"
            ),
        }
    )
    order = table["diff_min"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _classes(mine: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    both = mine.add_suffix("_own").join(theirs.add_suffix("_other"), how="outer").fillna(0.0)
    both = both.sort_index(key=lambda names: names.map(_rank))
    columns = {
        f"{whose}_{unit}": values
        for unit in ("km", "kph", "min")
        for whose in ("own", "other")
        for values in [_column(both, whose, unit)]
    }
    table = pd.DataFrame(columns, index=both.index).rename_axis("class").reset_index()
    table.loc[table["class"] == WAITING, [c for c in columns if not c.endswith("_min")]] = np.nan
    return table


def _by_class(answers: Answers, trips: NDArray[np.int64]) -> pd.DataFrame:
    """Return metres and seconds by class over some trips, and the seconds that are left over."""
    use = answers.use[answers.use["trip"].isin(trips)]
    table = use.groupby("class")[["length_m", "drive_s"]].sum().astype(float)
    table.loc[WAITING] = [0.0, answers.seconds[trips].sum() - table["drive_s"].sum()]
    return table


def _column(both: pd.DataFrame, whose: str, unit: str) -> Floats:
    km = both[f"length_m_{whose}"].to_numpy(float) / 1000
    seconds = both[f"drive_s_{whose}"].to_numpy(float)
    return {"km": km, "kph": _per(km * 3600, seconds), "min": seconds / 60}[unit]


def _per(part: Floats, whole: Floats) -> Floats:
    """Divide, NaN where there is nothing to divide by."""
    found = np.full(len(part), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def _rank(name: str) -> int:
    return ROAD_CLASSES.index(name) if name in ROAD_CLASSES else len(ROAD_CLASSES)


def _rounded(value: Any) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.to_dict(orient="records")
    return [
        {str(k): _rounded(v) if isinstance(v, float) else v for k, v in row.items()} for row in rows
    ]
