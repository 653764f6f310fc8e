"""What the command line prints: results on stdout, talk on stderr."""

from __future__ import annotations

import json
import math
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from technobelt.counting import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd

    from technobelt.network import Network

__all__ = [
    "hand_over",
    "need_table_suffix",
    "print_calibration",
    "print_comparison",
    "print_cross_check",
    "print_findings",
    "print_json",
    "print_layers",
    "print_markdown",
    "print_report",
    "print_run_comparison",
    "print_siting",
    "print_table",
    "print_verdicts",
    "status",
    "write_table",
]


_WORST_PAIRS = 10


@contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """Say on stderr what is being done, where somebody watches."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as spinner:
        yield spinner.update


def print_json(content: Any) -> None:
    """Print JSON for machines."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def print_verdicts(verdicts: Any) -> None:
    """Print each claim: verdict, sentence, what was found."""
    from technobelt.claims import sentence

    undecidable = [claim for claim in verdicts.claims if claim["kind"] == "undecidable"]
    for claim in (claim for claim in verdicts.claims if claim not in undecidable):
        click.echo(f"{claim['verdict'].upper():<10} {claim['id']}")
        click.echo(f"           {claim['statement']}")
        click.echo(f"           {sentence(claim)}")
        for note in claim["notes"]:
            if note.startswith(("As of", "Interchanges of", "Left out")):
                click.echo(f"           {note}")
    if undecidable:
        click.echo(f"\nNo layer can decide {counted(len(undecidable), 'more claim')}:")
        for claim in undecidable:
            click.echo(f"           {claim['id']}: {' '.join(claim['notes'])}")


def print_calibration(found: Any) -> None:
    """Print what a fit to observed times changed, what it rests on, and how far trips are off."""
    columns = ["number", "unit", "before", "after", "low", "high", "driven", "driven_in"]
    marks = ["fitted", "identified", "at_bound"]
    shown = found.numbers[columns].copy()
    for mark in marks:
        shown[mark] = found.numbers[mark].map({True: "yes", False: ""})
    print_table(shown)
    click.echo("")
    print_table(found.trips)
    told = found.summary()
    click.echo(
        f"\n{counted(told['trips'], 'trip')}: root mean square error "
        f"{told['rmse_before']:.2f} min before, "
        f"{told['rmse_after']:.2f} after; bias {told['bias_before']:+.2f} min before, "
        f"{told['bias_after']:+.2f} after"
    )
    if not found.settled:
        click.echo(
            f"ways still changed after {counted(found.rounds, 'round')}: this is the best of them"
        )


def print_cross_check(check: Any) -> None:
    """Print how far another engine's times differ: in all, the worst trips, by road class."""
    told, engine = check.summary(), check.engine
    click.echo(
        f"\n{engine} against the profile '{check.profile}', driving alone, "
        f"{counted(told['pairs'], 'pair')}; "
        f"without a way: {told['no_way_own']} here, {told['no_way_other']} there"
    )
    if told["median_min"] is None:
        click.echo("no pair has a way in both")
        return
    click.echo(
        f"difference (there less here): median {told['median_min']:+.1f} min "
        f"({told['median_pct']:+.1f} %); 95 % of pairs within {told['p95_abs_min']:.1f} min, "
        f"{told['p95_abs_pct']:.1f} %"
    )
    columns = ["from_id", "to_id", "own_min", "other_min", "diff_min", "diff_pct", "status"]
    print_table(check.pairs[columns].head(_WORST_PAIRS))
    click.echo(f"\nby road class, over the ways of {counted(check.told, 'pair')}:")
    print_table(check.classes)


def print_comparison(comparison: Any) -> None:
    """Print each reading in each run, and the trips that change most."""
    import pandas as pd

    table = comparison.readings
    cells = [_in_run(row, comparison.base) for row in table.itertuples()]
    order = pd.MultiIndex.from_frame(table[["claim", "reading"]].drop_duplicates())
    told = table.assign(cell=cells).pivot_table(
        index=["claim", "reading"], columns="run", values="cell", aggfunc="first"
    )
    wide = told.reindex(order).reindex(columns=comparison.runs)
    print_table(wide.reset_index())
    click.echo(f"In brackets: the difference to {comparison.base}.")
    for note in comparison.notes:
        click.echo(note)
    changed = comparison.pairs[comparison.pairs["why"] != ""]
    if changed.empty:
        return
    most = changed.loc[changed["change_min"].abs().fillna(math.inf).sort_values().index[::-1]]
    click.echo("\nTrips that change most:")
    shown = most.head(_TRIPS)
    names = {"run": "run", "from_name": "from", "to_name": "to", "base_min": comparison.base}
    told = shown.rename(columns=names)[[*names.values(), "time_min", "change_min", "why"]].copy()
    for end in ("from", "to"):
        told[end] = [textwrap.shorten(name, _NAME, placeholder=" …") for name in told[end]]
    print_table(pd.DataFrame(told))
    click.echo(
        f"{len(changed):,} of {counted(len(comparison.pairs), 'trip')} "
        f"{'changes' if len(changed) == 1 else 'change'}."
    )


_TRIPS, _NAME = 10, 40


def print_zones(drawn: Any) -> None:
    """Print the zones of a `Delineation`, what cannot be met, and what to know beside it."""
    if len(drawn.zones):
        places = ["complexes", "universit", "centres", "interch"]
        columns = ["zone_id", "area_km2", *places, "hub_min", "other_min", "suit_q2"]
        area = drawn.zones["area_km2"].map("{:.3f}".format)  # as exact as the caps
        print_table(drawn.zones[columns].assign(area_km2=area))
    for one in drawn.unmet:
        click.echo(f"Not met: {one}")
    for note in drawn.notes:
        click.echo(f"Note: {note}")


def print_cell(cell: dict[str, Any]) -> None:
    """Print why a cell is as suitable as it is."""
    import pandas as pd

    rows = pd.DataFrame(cell["factors"])
    if len(rows):
        rows["score"] = pd.to_numeric(rows["score"])
        rows["part"] = rows["score"] * rows["weight"]
        print_table(rows)
    score = "none" if cell["score"] is None else f"{cell['score']:.3f}"
    click.echo(f"cluster {cell['cluster']}, score {score}, zone {cell['zone'] or 'none'}")
    if cell["barred"]:
        click.echo(f"No zone may take it: {', '.join(cell['barred'])}.")


def print_robustness(firm: Any) -> None:
    """Print how firm zones are, and how often each core was chosen."""
    click.echo(f"\nIn {counted(firm.draws, 'draw')} of weights and speeds:")
    print_table(firm.zones)
    for cluster, cores in firm.cores.items():
        told = ", ".join(f"{core} {share:.0%}" for core, share in cores.items())
        click.echo(f"core of {cluster}: {told}")


def print_designated(table: pd.DataFrame) -> None:
    """Print chosen cores beside those of zones that were really designated."""
    if table.empty:
        return
    click.echo("\nCores chosen, and those of zones that were really designated:")
    columns = ["cluster", "year", "core", "chosen", "hit", "distance_km", "time_min"]
    print_table(table[columns])


def print_zone_changes(found: Any) -> None:
    """Print what zones gain and lose from run to run."""
    for label, drawn in found.drawn.items():
        total = drawn.zones["area_km2"].sum()
        click.echo(f"{label}: {counted(len(drawn.zones), 'zone')}, {total:.2f} km2")
        for one in drawn.unmet:
            click.echo(f"Not met: {one}")
    click.echo("")
    area = found.changes["area_km2"].map("{:.3f}".format)
    print_table(found.changes.drop(columns="geometry").assign(area_km2=area))


def _in_run(row: Any, base: str) -> str:
    """Say what a reading comes to in one run: number, verdict, difference to the base."""
    if row.observed != row.observed:
        return f"no way: {row.verdict}" if row.reading else row.verdict
    unit = " %" if row.unit.startswith("%") else ""
    differs = row.run != base and math.isfinite(row.change) and row.change
    change = f" ({row.change:+,.1f})" if differs else ""
    drawn = f", {row.p_within:.0%} of draws" if math.isfinite(row.p_within) else ""
    return f"{row.observed:,.1f}{unit} {row.verdict}{drawn}{change}"


def print_siting(found: Any) -> None:
    """Print the sites chosen and what they come to, sets compared with the best, and the notes."""
    rules = found.rules
    weighed = rules.weight and rules.objective != "p_centre"
    unit = f" by {rules.weight}" if weighed else ""
    within = f" within {rules.within_min:g} min" if rules.objective == "max_cover" else ""
    scenario = f", scenario {found.scenario}" if found.scenario else ""
    state = f"roads of {found.as_of or 'unknown date'}{scenario}"
    click.echo(f"{found.name}: {rules.title}")
    click.echo(
        f"{_AIMS[rules.objective]}{within}{unit}, p = {rules.p}: "
        f"{found.objective_value:,.1f} {found.unit}; {state}"
    )
    columns = ["order", "id", "name", "cluster", "kept", "served", "weight", "mean_min", "max_min"]
    shown = found.sites[[column for column in columns if column in found.sites]].copy()
    if "name" in shown:
        shown["name"] = [textwrap.shorten(str(n), _NAME, placeholder=" …") for n in shown["name"]]
    shown["kept"] = shown["kept"].map({True: "yes", False: ""})
    print_table(shown if found.sites["kept"].any() else shown.drop(columns="kept"))
    for row in found.compared.itertuples():
        click.echo(_compared_set(row, found.unit))
    for note in found.notes:
        click.echo(textwrap.fill(note, 120, initial_indent="- ", subsequent_indent="  "))


_AIMS = {
    "p_median": "mean minutes",
    "p_centre": "longest minutes",
    "max_cover": "share",
}


def _compared_set(row: Any, unit: str) -> str:
    """Say what a set of places comes to, beside the best of as many."""
    lost = f"; not located: {', '.join(row.not_located)}" if row.not_located else ""
    lost += f"; no road near: {', '.join(row.off_road)}" if row.off_road else ""
    lost += f"; with what is kept: {', '.join(row.kept_ids)}" if row.kept_ids else ""
    head = f"Compared: {row.title} ({', '.join(row.located) or 'none'}{lost})"
    if row.status != "ok":
        return f"{head}: {row.status}"
    best = f"{row.optimum:,.1f} {unit} ({', '.join(row.best_ids)})"
    apart = f"{row.value:,.1f} {unit}, {_gap(row, unit)} the best of the same p = {row.p}"
    return f"{head}\n  {apart}: {best}"


def _gap(row: Any, unit: str) -> str:
    """Say how far a set is from the best: shares in points, minutes in per cent."""
    if row.value == row.optimum:
        return "as good as"
    if unit == "%":
        return f"{row.optimum - row.value:.1f} points less than"
    return f"{row.gap_pct:.0f} % worse than" if math.isfinite(row.gap_pct) else "against"


def print_run_comparison(found: Any) -> None:
    """Print the claims of two runs that differ, in what the runs differ, and what each does."""
    import pandas as pd

    click.echo(f"A: {found.before}\nB: {found.after}\n")
    rows = [
        {
            "claim": row.claim,
            "A": _found(row.observed_a, row.verdict_a) or row.status,
            "B": _found(row.observed_b, row.verdict_b) or row.status,
            "change": _signed(row.change, row.unit),
            "margin": _pair(row.margin_a, row.margin_b, "+.1f"),
            "factor": _pair(row.factor_a, row.factor_b, ".3f"),
        }
        for row in found.changed.itertuples()
    ]
    if rows:
        print_table(pd.DataFrame(rows))
    same = len(found.claims) - len(rows)
    are = "is" if same == 1 else "are"
    click.echo(f"{same} of {counted(len(found.claims), 'claim')} {are} the same.\n")
    for line in found.differences:
        click.echo(f"Differs: {line}")
    if len(found.effects):
        click.echo("\nWhat each does alone, put into A:")
        _print_effects(found)
    for note in found.notes:
        click.echo(note)


def _print_effects(found: Any) -> None:
    import pandas as pd

    units = found.claims.set_index("claim")["unit"]
    for claim, mine in found.effects.groupby("claim", sort=False):
        turned = found.turned_by(claim)
        click.echo(f"\n{claim}: {_turned_by(turned, mine)}")
        shown = [
            {
                "of B": row.input,
                "comes to": _found(row.observed, row.verdict) if row.status == "ok" else row.status,
                "change": _signed(row.change, units.get(claim, ""))
                if row.input != "nothing"
                else "",
            }
            for row in mine.itertuples()
        ]
        print_table(pd.DataFrame(shown))


def _turned_by(turned: list[str], mine: pd.DataFrame) -> str:
    """Say what turns a verdict: single inputs, or only all of them together."""
    total = mine[mine["input"] == "all of them"]
    if turned:
        return f"another verdict by {' or '.join(turned)} alone"
    if total["turns"].any():
        return "another verdict by all of them together, by none alone"
    return "no other verdict by any of them"


def _found(observed: float, verdict: Any) -> str:
    if not isinstance(verdict, str):
        return ""
    return f"{observed:,.1f} {verdict}" if math.isfinite(observed) else verdict


def _signed(change: float, unit: str) -> str:
    unit = unit if unit == "min" else ""
    return f"{change:+,.2f} {unit}".rstrip() if math.isfinite(change) else ""


def _pair(one: float, two: float, form: str) -> str:
    told = [format(value, form) if math.isfinite(value) else "none" for value in (one, two)]
    return "" if told == ["none", "none"] else " to ".join(told)


def print_table(table: pd.DataFrame) -> None:
    """Print a table in columns."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=None, header_style="bold", pad_edge=False)
    numeric = {name: table[name].dtype.kind in "fiu" for name in table}
    for name in table:
        shown.add_column(str(name), justify="right" if numeric[name] else "left")
    for row in table.itertuples(index=False):
        shown.add_row(*(_cell(value) for value in row))
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(shown)


def print_layers(table: pd.DataFrame) -> None:
    """Print a region's layers: the facts in columns, then licences and problems in full."""
    sides = table[["west", "south", "east", "north"]].to_numpy()
    extent = [" ".join(f"{v:.2f}" for v in row if math.isfinite(v)) for row in sides]
    facts = ["layer", "rows", "geometry", "crs", "vintage", "confidence"]
    shown = table[facts].assign(extent=extent)
    print_table(shown[[*facts[:4], "extent", *facts[4:]]])
    licensed = table[table["licence"] != ""]
    heading = " Licences:" if len(licensed) else ""
    click.echo(f"\nextent: west south east north, degrees.{heading}")
    for licence, layers in licensed.groupby("licence", sort=False)["layer"]:
        click.echo(f"  {licence!s}: {', '.join(layers)}")


def print_findings(findings: list[Any]) -> None:
    """Print what is wrong with layers: the same of several rows once, then how many of each."""
    groups: dict[Any, list[Any]] = {}
    for one in findings:
        same = (one.severity, one.layer, one.what, one.do)
        groups.setdefault(same, []).append(one)
    for (severity, layer, what, do), ones in groups.items():
        click.echo("")
        rows = [f"{one.row} ({one.found})" if one.found else one.row for one in ones if one.row]
        left = sum(one.rows for one in ones if one.row or one.rows > 1) - len(rows[:_ROWS])
        more = f" and {left:,} more" if left else ""
        head = f"{severity.upper():<8} {layer}: {what}"
        if not rows and ones[0].found:
            head += f"; found: {ones[0].found}"
        lines = [head, *([f"rows: {', '.join(rows[:_ROWS])}{more}"] if rows else []), f"-> {do}"]
        for number, line in enumerate(lines):
            click.echo(_indented(line, first=number == 0))
    click.echo(f"\n{_tally(findings)}")


_ROWS = 8


def _indented(text: str, *, first: bool) -> str:
    return textwrap.fill(
        text,
        120,
        initial_indent="" if first else " " * 9,
        subsequent_indent=" " * 9,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _tally(findings: list[Any]) -> str:
    if not findings:
        return "Nothing is wrong with the layers, and nothing is missing."
    counts = {kind: sum(one.rows for one in findings if one.severity == kind) for kind in _KINDS}
    told = ", ".join(f"{count:,} {_KINDS[kind][count != 1]}" for kind, count in counts.items())
    fixable = sum(one.rows for one in findings if one.remedy is not None)
    return told + (f"; --fix mends {fixable:,}" if fixable else "")


_KINDS = {
    "error": ("error", "errors"),
    "warning": ("warning", "warnings"),
    "to-do": ("to-do", "to-dos"),
}


def _cell(value: Any) -> str:
    from rich.markup import escape

    if value is None or value != value:  # noqa: PLR0124  (NaN)
        return ""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1 else f"{value:,.1f}"
    return escape(str(value))


def print_markdown(text: str) -> None:
    """Print Markdown: set in a terminal, as it is elsewhere."""
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))  # no pager: not every one shows colours


def print_report(network: Network) -> None:
    """Print what building a network kept, dropped and cut."""
    from technobelt.network.wording import told

    report = network.info.report
    click.echo(
        f"{network.info.file}, {network.info.date or 'no date'}: "
        f"{counted(len(network.roads), 'section')}, {report.get('km', 0):,} km"
    )
    dropped = {k: v for k, v in report.get("dropped_km", {}).items() if v}
    if dropped:
        click.echo(
            "dropped, not to be driven to and away from (km): "
            + ", ".join(f"{name} {km:,}" for name, km in dropped.items())
        )
    cuts = report.get("service_roads_cut", [])
    if cuts:
        click.echo(
            f"service roads parted from motorways and ramps: {counted(len(cuts), 'place')}, e.g. "
            + "; ".join(f"{lon},{lat}" for lon, lat in cuts[:3])
        )
    for line in told(report):
        click.echo(line)


def hand_over(table: pd.DataFrame, out: Path | None) -> None:
    """Print a table, or write it as .csv, .parquet or .xlsx."""
    if out is None:
        print_table(table)
        return
    write_table(table, out)
    click.echo(f"{out}: {counted(len(table), 'row')}")


def need_table_suffix(out: Path) -> None:
    """Refuse a file that no table can be written as.

    Raises
    ------
    OutputError
        The suffix is none of those of `write_table`.
    """
    from technobelt.errors import OutputError

    if out.suffix not in {".csv", ".parquet", ".xlsx"}:
        raise OutputError(f"a table is written as .csv, .parquet or .xlsx; found '{out}'.")


def write_table(table: pd.DataFrame, out: Path) -> None:
    """Write a table as .csv, .parquet or .xlsx, whole or not at all.

    Raises
    ------
    OutputError
        The suffix is another, or there is nothing installed that writes .xlsx.
    """
    import importlib.util

    from technobelt.errors import OutputError
    from technobelt.writing import replace_file

    writers: dict[str, Any] = {
        ".csv": table.to_csv,
        ".parquet": table.to_parquet,
        ".xlsx": table.to_excel,
    }
    need_table_suffix(out)
    if out.suffix == ".xlsx" and importlib.util.find_spec("openpyxl") is None:
        raise OutputError(
            "writing .xlsx needs the package openpyxl: python -m pip install 'technobelt[xlsx]'; "
            "or write .csv."
        )
    with replace_file(out) as scratch:
        writers[out.suffix](scratch, index=False)
