"""Two runs side by side: which verdicts differ, in what the runs differ, and which of it did it.

Every input in which the second run differs is put into the first one alone, and the claims are
judged again. What all of them do together beyond the sum of what each does alone is the rest.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from technobelt.errors import ManifestError, MissingFileError, TechnobeltError
from technobelt.manifest import manifest_changes, read_manifest
from technobelt.run_inputs import details, exchanges, find_inputs, run_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from technobelt.network import Network
    from technobelt.region import Region
    from technobelt.run_inputs import RunInputs

__all__ = ["RunComparison", "compare_runs"]

#: Parts of a manifest that are results, not causes.
_RESULTS: dict[str, Any] = {"verdicts": {}, "outputs": {}}
#: A verdict as a manifest tells it: ``undecided (93.86 min)``.
_TOLD = re.compile(r"(?P<verdict>\w+)(?: \((?P<observed>[-+.\de]+) (?P<unit>.*)\))?$")
#: Steps of the attribution that are no exchange of one input.
AGAIN, TOGETHER, REST, VERSIONS = "nothing", "all of them", "interaction", "versions"
#: What a manifest, which tells six digits, may be off by.
_ROUNDING = 2e-5
_HOW = "Give the region by --region-a, --region-b and the roads by --network-a, --network-b."


@dataclass(frozen=True, eq=False)
class RunComparison:
    """Two runs, and what came of their differences.

    Attributes
    ----------
    before, after
        What the runs are called: the names of their folders or files.
    claims
        One row a claim of either run: ``claim``, ``status`` (``same``, ``changed``, ``only in
        A``, ``only in B``), ``unit``, and of both runs ``verdict_a``, ``observed_a``, ``margin_a``
        (minutes left of the limit), ``factor_a`` (on all driving speeds, at which it turns),
        ``verdict_b`` and so on; ``change`` (observed, B less A).
    differences
        In what the runs differ, a line each: versions, parameters, network, input files; where
        these are at hand, what differs in them.
    effects
        One row a step and claim that any step changes: ``input`` (what of B was put into A alone;
        ``nothing`` is A judged again, ``all of them`` B judged again, ``interaction`` what their
        changes together are more than the sum, ``versions`` what judging again changes of what
        the files of A and B say), ``claim``, ``verdict``, ``observed``, ``change`` (of observed),
        ``turns`` (the verdict is another than A's), ``status`` (``ok``, or why there is none).
        Empty where nothing could be attributed.
    notes
        What to know beside it, or why nothing could be attributed.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> import technobelt as tb
    >>> said = {"id": "ninety", "kind": "travel_time", "verdict": "holds", "observed_min": 88.0}
    >>> with tempfile.TemporaryDirectory() as home:
    ...     file = pathlib.Path(home, "claims.json")
    ...     _ = file.write_text(json.dumps({"region": "r", "claims": [said]}))
    ...     found = tb.compare_runs(file, file)
    >>> len(found.claims), len(found.changed), found.turned_by("ninety")
    (1, 0, [])
    """

    before: str
    after: str
    claims: pd.DataFrame
    differences: list[str]
    effects: pd.DataFrame
    notes: list[str] = field(default_factory=list)

    @property
    def changed(self) -> pd.DataFrame:
        """The claims that are not the same in both runs."""
        return self.claims[self.claims["status"] != "same"]

    def turned_by(self, claim: str) -> list[str]:
        """Return which inputs alone turn a claim's verdict into another.

        Parameters
        ----------
        claim
            Its id.

        Returns
        -------
        list of str
            As in the column ``input`` of `effects`.
        """
        mine = self.effects[(self.effects["claim"] == claim) & self.effects["turns"]]
        return [name for name in mine["input"] if name not in {AGAIN, TOGETHER, REST, VERSIONS}]

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON.

        Returns
        -------
        dict
            Plain data under the names of the attributes.
        """
        return {
            "before": self.before,
            "after": self.after,
            "claims": _records(self.claims),
            "differences": self.differences,
            "effects": _records(self.effects),
            "notes": self.notes,
        }


def compare_runs(
    before: str | Path,
    after: str | Path,
    *,
    region_a: Region | str | Path | None = None,
    region_b: Region | str | Path | None = None,
    network_a: Network | str | Path | None = None,
    network_b: Network | str | Path | None = None,
    attribute: bool = True,
    progress: Callable[[str], None] | None = None,
) -> RunComparison:
    """Say which verdicts differ between two runs, and which input made them differ.

    Parameters
    ----------
    before, after
        Folders that `technobelt.plan` wrote, or their ``manifest.json`` or ``claims.json``.
    region_a, region_b
        The regions of the runs as they were; by default whichever of the built-in one and the
        other's has the content that the manifest tells.
    network_a, network_b
        Their roads; by default the region's own, the other's, or a file of the recorded name in
        the current folder, if the content is that of the manifest.
    attribute
        Judge the claims again with one input exchanged at a time, where the inputs are at hand.
    progress
        Called with each step's name.

    Returns
    -------
    RunComparison
        Claims side by side, differences of inputs, and what each input changes.

    Raises
    ------
    MissingFileError
        There is no such folder, or neither of the files in it.
    ManifestError
        A file is no JSON, or not what its name says.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> import technobelt as tb
    >>> def claims(minutes, verdict):
    ...     said = {"id": "ninety", "kind": "travel_time", "verdict": verdict}
    ...     return {"region": "r", "claims": [said | {"observed_min": minutes}]}
    >>> with tempfile.TemporaryDirectory() as home:
    ...     files = [pathlib.Path(home) / name for name in ("a.json", "b.json")]
    ...     _ = files[0].write_text(json.dumps(claims(88.0, "holds")))
    ...     _ = files[1].write_text(json.dumps(claims(93.5, "undecided")))
    ...     found = tb.compare_runs(*files)
    >>> found.claims[["verdict_a", "verdict_b", "change"]].values.tolist()
    [['holds', 'undecided', 5.5]]
    """
    runs = _read(before), _read(after)
    claims = _side_by_side(*(run.claims for run in runs))
    notes = _other_regions(*runs)
    effects = _effects([])
    manifests = [run.manifest for run in runs]
    bare = [run for run in runs if run.manifest is None]
    differences = _facts_that_differ(*runs)
    if not bare:
        differences = manifest_changes(*({**(one or {}), **_RESULTS} for one in manifests))
    notes += [f"{run.label}: no manifest.json, what it was made of is not known." for run in bare]
    if attribute and not bare and not notes:
        try:
            inputs = _both_inputs(runs, (region_a, region_b), (network_a, network_b))
            differences += details(*inputs)
            effects = _attributed(claims, inputs, progress)
        except ManifestError as error:
            notes.append(f"Not attributed to single inputs: {error} {_HOW}")
    return RunComparison(runs[0].label, runs[1].label, claims, differences, effects, notes)


# --- reading -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Run:
    """What one run left: its claims by id, its manifest if there is one."""

    label: str
    facts: Mapping[str, Any]
    claims: Mapping[str, Mapping[str, Any]]
    manifest: Mapping[str, Any] | None


def _read(given: str | Path) -> _Run:
    """Read a run's files; beside either of them the other one is looked for."""
    path = Path(given)
    if not path.exists():
        raise MissingFileError(f"no folder or file '{path}'. Name the folder of a plan.")
    home = path if path.is_dir() else path.parent
    files = {name: home / f"{name}.json" for name in ("claims", "manifest")}
    if path.is_file() and path not in files.values():
        files = {"claims": path, "manifest": home / "-"}
    if not any(file.is_file() for file in files.values()):
        raise MissingFileError(
            f"'{path}' holds neither claims.json nor manifest.json. Name a folder that "
            "'technobelt plan' wrote, or a file of 'technobelt check --json'."
        )
    manifest = read_manifest(files["manifest"]) if files["manifest"].is_file() else None
    if files["claims"].is_file():
        facts = _claims_file(files["claims"])
        claims = {str(claim["id"]): _facts_of(claim) for claim in facts["claims"]}
    else:
        told = manifest or {}
        facts = {"region": told["parameters"].get("region"), "network": told["network"]}
        claims = {name: _of_text(text) for name, text in (told.get("verdicts") or {}).items()}
    return _Run(str(given), facts, claims, manifest)


def _claims_file(file: Path) -> dict[str, Any]:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ManifestError(f"{file.name} is no JSON ({error}). Name a claims.json.") from error
    listed = said.get("claims") if isinstance(said, dict) else None
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) and {"id", "verdict"} <= set(one) for one in listed
    ):
        raise ManifestError(
            f"{file.name} holds no claims with id and verdict. Name the claims.json of a plan, or "
            "its folder."
        )
    return dict(said)


def _facts_of(claim: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is compared of one entry of ``claims.json``."""
    timed = claim.get("kind") == "travel_time"
    return {
        "verdict": claim["verdict"],
        "observed": claim.get("observed_min" if timed else "observed"),
        "unit": "min" if timed else claim.get("unit", ""),
        "margin": claim.get("margin_min"),
        "factor": claim.get("break_even_factor"),
    }


def _of_text(text: Any) -> dict[str, Any]:
    """Return what a manifest tells of one claim."""
    found = _TOLD.match(str(text))
    said = found.groupdict() if found else {"verdict": str(text), "observed": None, "unit": None}
    observed = float(said["observed"]) if said["observed"] else None
    return {"verdict": said["verdict"], "observed": observed, "unit": said["unit"] or ""}


def _other_regions(*runs: _Run) -> list[str]:
    ids = [run.facts.get("region") for run in runs]
    if ids[0] == ids[1]:
        return []
    return [f"Of different regions: '{ids[0]}' and '{ids[1]}'. Claims are matched by their ids."]


def _facts_that_differ(*runs: _Run) -> list[str]:
    """Say what ``claims.json`` alone tells of how runs differ."""
    one, two = (run.facts for run in runs)
    parts = {part: [facts.get(part) for facts in (one, two)] for part in ("as_of", "scenario")}
    for name in ("file", "hash", "date"):
        parts[f"network {name}"] = [(facts.get("network") or {}).get(name) for facts in (one, two)]
    return [
        f"{part}: other content"
        if part.endswith("hash")
        else f"{part}: {values[0] or 'none'}, now {values[1] or 'none'}"
        for part, values in parts.items()
        if values[0] != values[1]
    ]


# --- side by side --------------------------------------------------------------------------------


def _side_by_side(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    rows = []
    for name in {**before, **after}:
        one, two = before.get(name, {}), after.get(name, {})
        row: dict[str, Any] = {
            "claim": name,
            "status": _status(one, two),
            "unit": one.get("unit") or two.get("unit") or "",
        }
        for letter, facts in (("a", one), ("b", two)):
            row |= {f"{key}_{letter}": facts.get(key) for key in _COMPARED}
        row["change"] = _less(two.get("observed"), one.get("observed"))
        rows.append(row)
    columns = [f"{key}_{letter}" for letter in "ab" for key in _COMPARED]
    table = pd.DataFrame(rows, columns=["claim", "status", "unit", *columns, "change"])
    numbers = [name for name in table if str(name).startswith(("observed", "margin", "factor"))]
    return table.astype(dict.fromkeys([*numbers, "change"], float))


_COMPARED = ("verdict", "observed", "margin", "factor")


def _status(one: Mapping[str, Any], two: Mapping[str, Any]) -> str:
    if not one or not two:
        return "only in A" if one else "only in B"
    compared = _COMPARED if "margin" in one and "margin" in two else _COMPARED[:2]
    return "same" if all(one.get(key) == two.get(key) for key in compared) else "changed"


def _less(two: float | None, one: float | None) -> float | None:
    return None if one is None or two is None else round(two - one, 4)


# --- attributing ---------------------------------------------------------------------------------


def _both_inputs(
    runs: tuple[_Run, _Run],
    regions: tuple[Region | str | Path | None, ...],
    networks: tuple[Network | str | Path | None, ...],
) -> list[RunInputs]:
    """Return the inputs of both runs; each is also looked for where the other's were given."""
    found = []
    for number, run in enumerate(runs):
        order = (number, 1 - number)
        places = [regions[n] for n in order if regions[n] is not None]
        roads = [one for n in order if (one := networks[n]) is not None]
        try:
            found.append(find_inputs(run.manifest or {}, [*places, None], roads))
        except ManifestError as error:
            raise ManifestError(f"{run.label}: {error}") from error
    return found


def _attributed(
    claims: pd.DataFrame, inputs: list[RunInputs], progress: Callable[[str], None] | None
) -> pd.DataFrame:
    """Judge again: A, A with each of B's inputs alone, B; then the rest."""
    steps = [(AGAIN, inputs[0]), *exchanges(*inputs), (TOGETHER, inputs[1])]
    if len(steps) == 2:  # the same inputs: one run tells what both come to by now
        steps = steps[:1]
    judged: dict[str, dict[str, dict[str, Any]] | str] = {}
    for name, one in steps:
        if progress is not None:
            progress(name)
        judged[name] = _judged(one, alone=name not in {AGAIN, TOGETHER})
    judged.setdefault(TOGETHER, judged[AGAIN])
    rows = [row for name, found in judged.items() for row in _rows(name, found, judged[AGAIN])]
    table = _effects(rows)
    rest = [_rest(claim, mine) for claim, mine in table.groupby("claim", sort=False)]
    versions = [_versions(row, judged) for row in claims.itertuples()]
    return _telling(_effects([*rows, *filter(None, [*rest, *versions])]))


def _judged(inputs: RunInputs, *, alone: bool) -> dict[str, dict[str, Any]] | str:
    """Return the claims by id; of one input alone, why it does not go with the others."""
    try:
        return {claim["id"]: _facts_of(claim) for claim in run_claims(inputs).claims}
    except TechnobeltError as error:
        if not alone:
            raise
        return f"cannot be exchanged alone: {error}"


def _rows(name: str, found: Any, base: Any) -> list[dict[str, Any]]:
    """Return one step's row for each claim that is in A, or in the step."""
    if isinstance(found, str):
        return [{"input": name, "claim": claim, "status": found} for claim in base]
    rows = []
    for claim in {**base, **found}:
        old, new = base.get(claim, {}), found.get(claim, {})
        row = {"input": name, "claim": claim, "status": "ok" if new else "no such claim"}
        row |= {"verdict": new.get("verdict"), "observed": new.get("observed")}
        row["change"] = _less(new.get("observed"), old.get("observed"))
        row["turns"] = bool(old and new) and new["verdict"] != old["verdict"]
        rows.append(row)
    return rows


def _rest(claim: Any, mine: pd.DataFrame) -> dict[str, Any] | None:
    """Return what all inputs together change more than the sum of each alone."""
    alone = mine[~mine["input"].isin([AGAIN, TOGETHER])]
    total = mine.loc[mine["input"] == TOGETHER, "change"]
    if len(alone) < 2 or total.isna().any():
        return None
    lost = alone["change"].isna().any()
    status = "with what could not be exchanged alone" if lost else "ok"
    change = round(float(total.iloc[0] - alone["change"].sum()), 4)
    return {"input": REST, "claim": claim, "status": status, "change": change}


def _versions(row: Any, judged: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the files say the change is, more than what judging again says."""
    again, together = (judged[name].get(row.claim, {}) for name in (AGAIN, TOGETHER))
    now = _less(together.get("observed"), again.get("observed"))
    if now is None or pd.isna(row.change):
        return None
    if math.isclose(row.change, now, abs_tol=_ROUNDING * max(1, abs(row.observed_a))):
        return None
    change = round(row.change - now, 4)
    return {"input": VERSIONS, "claim": row.claim, "change": change, "status": "ok"}


def _effects(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = ["input", "claim", "verdict", "observed", "change", "turns", "status"]
    table = pd.DataFrame(rows, columns=columns)
    table["turns"] = [value is True for value in table["turns"]]
    return table.astype({"observed": float, "change": float})


def _telling(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the claims that some step changes, each with all its steps together."""
    differs = (table["change"].abs() > 0) | table["turns"] | (table["status"] != "ok")
    kept = table[table["claim"].isin(table.loc[differs, "claim"])]
    order = {claim: number for number, claim in enumerate(kept["claim"].unique())}
    place = kept["claim"].map(order).sort_values(kind="stable").index
    return kept.loc[place].reset_index(drop=True)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype(object)
    rows: Any = plain.where(plain.notna(), None).to_dict(orient="records")
    return list(rows)
