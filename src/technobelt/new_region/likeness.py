"""The text of a region's ``region.toml``, with other ``[region]`` and ``[layers]`` tables."""

from __future__ import annotations

import re
import tomllib

__all__ = ["with_tables"]

_HEADER = re.compile(r"\[{1,2}\s*([^\[\]]+?)\s*\]{1,2}\s*(#.*)?")
_OURS = ("region", "layers")


def with_tables(text: str, new: dict[str, str]) -> str:
    r"""Replace the tables ``[region]`` and ``[layers]`` of a TOML text, subtables included.

    Parameters
    ----------
    text
        Valid TOML; all else, comments too, stays as it is.
    new
        ``region`` and ``layers``: the text of each, with its header.

    Examples
    --------
    >>> old = '[region]\nid = "a"\n\n[layers]\n[layers.roads]\nfile = "b"\n\n[zones] # c\n'
    >>> print(with_tables(old, {"region": "[region]\n", "layers": "[layers]\n"}))
    [region]
    <BLANKLINE>
    [layers]
    <BLANKLINE>
    [zones] # c
    <BLANKLINE>
    """
    lines = text.splitlines(keepends=True)
    headers = _headers(lines)
    kept: list[str] = ["".join(lines[: headers[0][0]])] if headers else [text]
    written: set[str] = set()
    for number, (start, name) in enumerate(headers):
        end = headers[number + 1][0] if number + 1 < len(headers) else len(lines)
        top = name.split(".")[0].strip("\"' ")
        if top not in _OURS:
            kept.append("".join(lines[start:end]))
            continue
        if top not in written:
            kept.append(new[top].rstrip("\n") + "\n")
            written.add(top)
        kept.append(_said_after(lines[start:end]))
    return "".join(kept)


def _said_after(lines: list[str]) -> str:
    """Return the comment at the end of a table's lines: it belongs to the next table."""
    last = max(n for n, line in enumerate(lines) if line.strip() and not _is_comment(line))
    return "".join(lines[last + 1 :])


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _headers(lines: list[str]) -> list[tuple[int, str]]:
    """Return where tables begin, and their names; lines within arrays may look like that."""
    found = []
    for number, line in enumerate(lines):
        match = _HEADER.fullmatch(line.strip())
        if match and _ends_a_statement(lines[:number]):
            found.append((number, match.group(1)))
    return found


def _ends_a_statement(lines: list[str]) -> bool:
    try:
        tomllib.loads("".join(lines))
    except tomllib.TOMLDecodeError:
        return False
    return True
