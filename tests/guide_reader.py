"""Read the guide as a planner does: which files to write, which lines to change, what to run."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from technobelt.guide import guide_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Commands that need more than the package: an installation, the internet.
ELSEWHERE = {"install", "download"}
_BLOCK = re.compile(
    r"^(?:`(?P<file>[^`\n]+)`\n\n)?```(?P<kind>.*)\n(?P<body>[\s\S]*?)^```$", re.MULTILINE
)


@dataclass(frozen=True)
class Step:
    """One fenced block: its kind, what is asked of it, the file named above it, its text."""

    kind: str
    asked: str
    file: str
    body: str

    def commands(self) -> list[list[str]]:
        return [shlex.split(line) for line in self.body.splitlines() if line.strip()]


def steps(page: str) -> Iterator[Step]:
    for found in _BLOCK.finditer(guide_page(page)):
        kind, _, asked = found["kind"].partition(" ")
        yield Step(kind, asked, found["file"] or "", found["body"])


def put(step: Step, home: Path) -> None:
    """Do what a block that is no command says: write a table, change lines, add a claim."""
    toml = home / "taegu" / "region.toml"
    if step.kind == "csv":
        (home / step.file).write_text(step.body, encoding="utf-8")
    elif step.kind == "toml" and step.asked == "append":
        toml.write_text(toml.read_text(encoding="utf-8") + "\n" + step.body, encoding="utf-8")
    elif step.kind == "toml":
        toml.write_text(replaced(toml.read_text(encoding="utf-8"), step.body), encoding="utf-8")


def replaced(text: str, lines: str) -> str:
    """Put lines in place of those that begin with the same word under the same heading."""
    heading = ""
    for line in lines.splitlines():
        if line.startswith("["):
            heading = line
        elif line.strip():
            text = _with_line(text, heading, line)
    return text


def _with_line(text: str, heading: str, line: str) -> str:
    rows = text.splitlines()
    begin = rows.index(heading)
    word = line.split("=", maxsplit=1)[0].strip()
    for number in range(begin + 1, len(rows)):
        if rows[number].startswith("["):
            break
        if rows[number].split("=")[0].strip() == word:
            rows[number] = line
            return "\n".join(rows) + "\n"
    raise AssertionError(f"no line {word!r} under {heading}")
