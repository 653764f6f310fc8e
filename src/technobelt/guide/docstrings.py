"""Docstrings in numpy form -> Markdown."""

from __future__ import annotations

import inspect
import re
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["sections_of", "to_markdown"]

#: Sections whose entries are a name (or a type) on a line, and what it means indented below.
_LISTS = ("Attributes", "Parameters", "Returns", "Yields", "Raises", "Warns")
_FIRST = "Summary"


def sections_of(docstring: str) -> dict[str, str]:
    r"""Return the parts of a docstring by their headings; what comes before is ``Summary``.

    Examples
    --------
    >>> sections_of("Add.\n\nReturns\n-------\nint\n    The sum.")
    {'Summary': 'Add.', 'Returns': 'int\n    The sum.'}
    """
    lines = inspect.cleandoc(docstring).splitlines()
    parts: dict[str, list[str]] = {_FIRST: []}
    heading = _FIRST
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line and following == "-" * len(line):
            heading = line
            parts[heading] = []
        elif not (heading in parts and line == "-" * len(heading) and not parts[heading]):
            parts[heading].append(line)
    return {heading: "\n".join(body).strip("\n") for heading, body in parts.items()}


def to_markdown(docstring: str) -> str:
    r"""Return a docstring as Markdown, each section under a bold heading.

    Examples
    --------
    >>> print(to_markdown("Add `a`.\n\nRaises\n------\nValueError\n    It is none."))
    Add `a`.
    <BLANKLINE>
    **Raises**
    <BLANKLINE>
    - `ValueError`: It is none.
    """
    return "\n\n".join(_rendered(docstring))


def _rendered(docstring: str) -> Iterator[str]:
    for heading, body in sections_of(docstring).items():
        if heading == _FIRST:
            yield _prose(body)
        elif heading == "Examples":
            yield f"**Example**\n\n{_examples(body)}"
        elif heading in _LISTS:
            yield f"**{heading}**\n\n{_entries(body)}"
        else:
            yield f"**{heading}**\n\n{_prose(body)}"


def _prose(text: str) -> str:
    return _inline(text)


def _inline(text: str) -> str:
    """Turn the double back-ticks of reStructuredText into those of Markdown."""
    return re.sub(r"``(.+?)``", r"`\1`", text)


def _entries(body: str) -> str:
    """Return a list: lines without indentation are names, what is indented below explains them."""
    said: list[tuple[str, str]] = []
    for indented, lines in groupby(body.splitlines(), lambda line: line[:1] in {" ", ""}):
        block = list(lines)
        if not indented:
            said += [(line, "") for line in block]
        elif said:
            words = " ".join(line.strip() for line in block if line.strip())
            said[-1] = (said[-1][0], words)
    return "\n".join(
        f"- `{name}`: {_inline(words)}" if words else f"- `{name}`" for name, words in said
    )


def _examples(body: str) -> str:
    """Fence what is code: from a prompt to the next empty line."""
    blocks = re.split(r"\n\s*\n", body)
    return "\n\n".join(
        f"```pycon\n{block}\n```" if block.startswith(">>>") else _prose(block) for block in blocks
    )
