"""The best sites of a matrix of minutes: arrays in, arrays out.

Everything is one kind of integer program, solved by HiGHS. A site is open or not (``y``, binary),
exactly `p` are; for a set S of candidates ``z`` is at least 1 less the open sites in S, so that it
is 1 where none of S is open. A place that drives to its nearest open site pays, beyond the minutes
to its nearest candidate, each further step of its sorted minutes if no nearer candidate is open: a
``z`` for the candidates nearer than the step. Places that share such a set share its ``z``, which
keeps ten thousand places on forty candidates small, and no cost stands for "unreachable": a place
must have one of the candidates that it reaches open.

The formulation is that of Cornuéjols, Nemhauser and Wolsey (1980), A canonical representation of
simple plant location problems, SIAM J. Algebraic Discrete Methods 1(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from technobelt.errors import SitingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from technobelt.siting_rules import Objective

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["assign", "best_sites", "fewest_sites", "worth"]

#: Values that differ by no more than this share are equal: what a sum of floats may be off.
_EQUAL = 1e-9
#: Candidates whose order is settled in one program: powers of two up to 2 ** 12 stay exact in it.
_BLOCK = 12


@dataclass(frozen=True, eq=False)
class _Program:
    """Sets of candidates, what each costs if none of it is open, and which must have one open.

    Attributes
    ----------
    sets
        bool (k, n).
    cost
        float64 (k): zero or more.
    must
        bool (k).
    p
        How many sites are open.
    fixed
        bool (n): open in any case.
    """

    sets: Mask
    cost: Floats
    must: Mask
    p: int
    fixed: Mask


def best_sites(
    minutes: Floats,
    weights: Floats,
    p: int,
    *,
    objective: Objective = "p_median",
    within_min: float | None = None,
    fixed: Mask | None = None,
) -> Ints | None:
    """Return the best `p` sites, exactly.

    Of equally far longest trips (``p_centre``), or equal weights covered (``max_cover``), those of
    the least weighted minutes win, beyond the reach counted as the reach; of what is equal even
    then the set whose sorted numbers come first: candidates go by their order.

    Parameters
    ----------
    minutes
        float64 (m, n): from each place to each candidate; infinite where there is no way. Every
        place of some weight reaches a candidate.
    weights
        float64 (m): zero or more; places of weight zero need not be served.
    p
        How many sites, those of `fixed` counted.
    objective
        ``p_median``: the least weighted sum of minutes to the nearest site; ``p_centre``: the least
        longest minutes; ``max_cover``: the most weight within `within_min`.
    within_min
        For ``max_cover``.
    fixed
        bool (n): sites that are open in any case.

    Returns
    -------
    numpy.ndarray or None
        int64 (p): the sites' numbers, ascending; None if no `p` sites can serve every place.

    Examples
    --------
    >>> minutes = np.array([[0.0, 9.0, 5.0], [9.0, 0.0, 5.0], [np.inf, 8.0, 4.0]])
    >>> best_sites(minutes, np.ones(3), 1).tolist(), best_sites(minutes, np.ones(3), 2).tolist()
    ([2], [0, 1])
    """
    heavy = weights > 0
    minutes, weights = minutes[heavy], weights[heavy]
    held = np.zeros(minutes.shape[1], dtype=bool) if fixed is None else fixed
    if objective == "max_cover":
        return _best_cover(minutes, weights, p, held, within_min or 0.0)
    most = np.inf
    if objective == "p_centre":
        least = _least_reach(minutes, p, held)
        if least is None:
            return None
        most = least
    return _first_of_best(_median(minutes, weights, p, held, most))


def assign(minutes: Floats, sites: Ints) -> tuple[Ints, Floats]:
    """Return the nearest site of each place, the first of equal ones, and its minutes.

    Returns
    -------
    site, minutes
        int64 (m), -1 where none can be reached, and float64 (m), infinite there.

    Examples
    --------
    >>> assign(np.array([[3.0, 1.0, 2.0], [np.inf, 1.0, np.inf]]), np.array([0, 2]))
    (array([ 2, -1]), array([ 2., inf]))
    """
    offered = minutes[:, sites]
    nearest = offered.argmin(axis=1)
    least = offered[np.arange(len(offered)), nearest]
    return np.where(np.isfinite(least), np.asarray(sites)[nearest], -1).astype(np.int64), least


def worth(
    minutes: Floats,
    weights: Floats,
    sites: Ints,
    *,
    objective: Objective = "p_median",
    within_min: float | None = None,
) -> float:
    """Return what sites come to: mean minutes, longest minutes, or the share of weight covered.

    Infinite, if a place of some weight reaches no site; a share is of all weights.

    Examples
    --------
    >>> minutes = np.array([[0.0, 9.0], [10.0, 4.0]])
    >>> worth(minutes, np.array([3.0, 1.0]), np.array([0]))
    2.5
    """
    least = assign(minutes, sites)[1]
    heavy = weights > 0
    if objective == "p_centre":
        return float(least[heavy].max())
    if objective == "max_cover":
        return float(weights[least <= (within_min or 0.0)].sum() / weights.sum())
    return float((weights[heavy] * least[heavy]).sum() / weights.sum())


def fewest_sites(
    minutes: Floats, fixed: Mask | None = None, *, within_min: float = np.inf
) -> int | None:
    """Return how few sites, with the fixed ones, reach every place; None where some is never.

    Examples
    --------
    >>> fewest_sites(np.array([[1.0, np.inf], [np.inf, 1.0]]))
    2
    """
    n = minutes.shape[1]
    held = np.zeros(n, dtype=bool) if fixed is None else fixed
    sets = np.unique(np.isfinite(minutes) & (minutes <= within_min), axis=0)
    if not sets.any(axis=1).all():
        return None
    program = _Program(sets, np.zeros(len(sets)), np.ones(len(sets), dtype=bool), -1, held)
    y = _solved(program, prefer=np.ones(n))
    return None if y is None else int(y.sum())


# --- what the objectives are made of -------------------------------------------------------------


def _median(minutes: Floats, weights: Floats, p: int, fixed: Mask, most: float) -> _Program:
    """Make the program of the least weighted minutes, none of them above `most`."""
    order = np.argsort(minutes, axis=1, kind="stable")
    steps = np.take_along_axis(minutes, order, axis=1)
    far = ~(np.isfinite(steps) & (steps <= most))
    m, n = minutes.shape
    nearer = np.zeros((m, n), dtype=bool)
    parts = []
    for k in range(1, n - p + 1):  # p sites always meet a larger set
        np.put_along_axis(nearer, order[:, k - 1 : k], values=True, axis=1)
        within = ~far[:, k - 1]
        must = within & far[:, k]
        with np.errstate(invalid="ignore"):
            gap = np.where(must | ~within, 0.0, steps[:, k] - steps[:, k - 1])
        parts.append(_merged(nearer, weights * gap, must))
    return _of_parts(parts, n, p, fixed)


def _merged(sets: Mask, cost: Floats, must: Mask) -> tuple[Mask, Floats, Mask]:
    """Return each different set once, with the costs of all its places."""
    counts = (cost > 0) | must
    one, place = np.unique(np.packbits(sets[counts], axis=1), axis=0, return_inverse=True)
    place = place.ravel()
    bare = np.unpackbits(one, axis=1, count=sets.shape[1]).astype(bool)
    total = np.bincount(place, weights=cost[counts], minlength=len(one))
    needed = np.bincount(place, weights=must[counts], minlength=len(one)) > 0
    return bare, np.asarray(total, dtype=np.float64), needed


def _of_parts(parts: list[tuple[Mask, Floats, Mask]], n: int, p: int, fixed: Mask) -> _Program:
    if not parts:
        return _Program(np.zeros((0, n), bool), np.zeros(0), np.zeros(0, bool), p, fixed)
    sets, cost, must = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _Program(sets, cost, must, p, fixed)


def _least_reach(minutes: Floats, p: int, fixed: Mask) -> float | None:
    """Return the least minutes within which `p` sites reach every place, by bisection."""
    if not len(minutes):
        return 0.0
    steps = np.unique(minutes[np.isfinite(minutes)])
    steps = steps[steps >= minutes.min(axis=1).max()]
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        needed = fewest_sites(minutes, fixed, within_min=float(steps[middle]))
        low, high = (low, middle) if needed is not None and needed <= p else (middle + 1, high)
    return float(steps[low]) if low < len(steps) else None


def _best_cover(
    minutes: Floats, weights: Floats, p: int, fixed: Mask, within_min: float
) -> Ints | None:
    """Return the sites that cover most; of equal ones those of the least minutes."""
    reach = minutes <= within_min
    nobody = np.zeros(len(weights), dtype=bool)
    covering = _Program(*_merged(reach, weights, nobody), p, fixed)
    y = _solved(covering)
    if y is None:
        return None
    nearest = _median(np.minimum(minutes, within_min), weights, p, fixed, np.inf)
    missed = _missed(covering, y)
    return _first_of_best(nearest, ceiling=(covering, missed + _EQUAL * weights.sum()))


# --- solving -------------------------------------------------------------------------------------


def _first_of_best(program: _Program, ceiling: tuple[_Program, float] | None = None) -> Ints | None:
    """Solve a program, and take the first of its equally good sets of sites."""
    limits = [] if ceiling is None else [ceiling]
    y = _solved(program, limits=limits)
    if y is None:
        return None
    least = _missed(program, y)
    equal = least + _EQUAL * program.cost.sum()
    other = _solved(program, limits=limits, not_this=y)
    if other is None or _missed(program, other) > equal:
        return np.flatnonzero(y)
    return np.flatnonzero(_first_in_order(program, y, [*limits, (program, equal)]))


def _first_in_order(program: _Program, y: Mask, limits: list[tuple[_Program, float]]) -> Mask:
    """Return, of the sets of sites within the limits, that whose numbers come first."""
    n = len(y)
    settled = np.full(n, -1, dtype=np.int8)
    for begin in range(0, n, _BLOCK):
        block = np.arange(begin, min(begin + _BLOCK, n))
        prefer = np.zeros(n)
        prefer[block] = -(2.0 ** np.arange(len(block))[::-1])
        found = _solved(program, limits=limits, prefer=prefer, settled=settled)
        y = y if found is None else found
        settled[block] = y[block]
    return y


def _missed(program: _Program, y: Mask) -> float:
    """Return the cost of the sets in which nothing is open."""
    return float(program.cost[~(program.sets & y).any(axis=1)].sum())


def _solved(
    program: _Program,
    *,
    limits: list[tuple[_Program, float]] | None = None,
    prefer: Floats | None = None,
    settled: NDArray[np.int8] | None = None,
    not_this: Mask | None = None,
) -> Mask | None:
    """Return which sites are open in a best solution, None if there is none.

    Parameters
    ----------
    limits
        Programs whose costs may not be above a number.
    prefer
        float64 (n): to be least instead of the program's costs.
    settled
        int8 (n): 1 open, 0 closed, -1 free.
    not_this
        A solution that is not wanted.
    """
    from scipy.optimize import Bounds, milp

    n = len(program.fixed)
    tables = list({id(t): t for t in [program, *(limit for limit, _ in limits or [])]}.values())
    low, high, whole = _bounds(tables, n, program.fixed, settled)
    cost = np.zeros(len(low))
    if prefer is None:
        cost[n : n + len(program.cost)] = _scaled(program)
    else:
        cost[:n] = prefer
    found = milp(
        cost,
        integrality=whole,
        bounds=Bounds(low, high),
        constraints=_constraints(tables, program.p, n, limits or [], not_this),
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None and "infeasible" not in found.message.lower():
        raise SitingError(f"the solver gave up: {found.message} Ask for fewer candidates.")
    return None if found.x is None else np.asarray(found.x[:n] > 0.5)


def _scaled(program: _Program) -> Floats:
    """Return costs of one on average: HiGHS takes what is below 1e-7 for nothing."""
    mean = program.cost.mean() if len(program.cost) else 0.0
    return program.cost / mean if mean > 0 else program.cost


def _bounds(
    tables: list[_Program], n: int, fixed: Mask, settled: NDArray[np.int8] | None
) -> tuple[Floats, Floats, Ints]:
    """Return the least and greatest value of every variable, and which are whole."""
    low = fixed.astype(np.float64)
    high = np.ones(n)
    if settled is not None:
        low, high = np.where(settled == 1, 1.0, low), np.where(settled == 0, 0.0, high)
    missing = np.concatenate([np.where(table.must, 0.0, 1.0) for table in tables])
    whole = np.concatenate([np.ones(n), np.zeros(len(missing))]).astype(np.int64)
    return np.r_[low, np.zeros(len(missing))], np.r_[high, missing], whole


def _constraints(
    tables: list[_Program],
    p: int,
    n: int,
    limits: list[tuple[_Program, float]],
    not_this: Mask | None,
) -> list[Any]:
    from scipy.optimize import LinearConstraint
    from scipy.sparse import csr_matrix, eye_array, hstack

    sets = np.concatenate([table.sets for table in tables])
    k = len(sets)
    rows = []
    if k:
        rows.append(LinearConstraint(hstack([csr_matrix(sets, dtype=float), eye_array(k)]), lb=1.0))
    if p >= 0:
        rows.append(LinearConstraint(csr_matrix(np.r_[np.ones(n), np.zeros(k)][None]), p, p))
    if not_this is not None:
        cut = np.r_[not_this.astype(float), np.zeros(k)]
        rows.append(LinearConstraint(csr_matrix(cut[None]), ub=not_this.sum() - 1.0))
    for table, most in limits:
        begin = n + sum(len(t.cost) for t in tables[: tables.index(table)])
        row = np.zeros(n + k)
        row[begin : begin + len(table.cost)] = _scaled(table)
        mean = table.cost.mean() if len(table.cost) and table.cost.mean() > 0 else 1.0
        rows.append(LinearConstraint(csr_matrix(row[None]), ub=most / mean))
    return rows
