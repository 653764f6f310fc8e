"""Faults of a TOML file, told with the line where they stand."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from technobelt.errors import TechnobeltError

    Keys = tuple[str | int, ...]

__all__ = ["first_fault", "keys_in", "parse_toml"]


def parse_toml(file: Path, error_type: type[TechnobeltError]) -> tuple[str, dict[str, Any]]:
    """Return a TOML file's text and content.

    Raises
    ------
    TechnobeltError
        Of the type asked for: the file is not UTF-8, or no TOML; with the line.
    """
    try:
        text = file.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = file.read_bytes().count(b"\n", 0, error.start) + 1
        raise error_type(f"{file.name} line {line}: not UTF-8. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise error_type(f"{file.name}: not valid TOML: {error}. Correct it there.") from error


def first_fault(
    error: ValidationError,
    path_of: Callable[[Keys], list[str | int]],
    text: str,
    file_name: str,
    *,
    whole: str,
) -> str:
    """Tell the first fault that pydantic found, with its line; unknown keys before others.

    Parameters
    ----------
    error
        From pydantic.
    path_of
        Turns pydantic's list of keys into those that stand in the file, see `keys_in`.
    text, file_name
        What was read.
    whole
        What the file as a whole is called.
    """
    faults = error.errors(include_url=False)
    fault = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])
    loc, what = _said(fault)
    path = path_of(loc)
    where = ".".join(str(part) for part in path)
    more = len(faults) - 1
    others = f" ({more} more fault{'s' if more > 1 else ''} beside this one.)" if more else ""
    return f"{file_name}{_line_of(path, text)}: {where or whole}: {what}.{others}"


def _said(fault: ErrorDetails) -> tuple[tuple[str | int, ...], str]:
    """Return the keys that lead to a fault, and the fault in words."""
    loc, context = fault["loc"], fault.get("ctx", {})
    match fault["type"]:
        case "extra_forbidden":
            return loc, f"unknown key {loc[-1]!r}. Correct its spelling or take it out"
        case "missing":
            return loc, f"{loc[-1]!r} is missing. Add it"
        case "said":
            return (*loc, *context["at"]), fault["msg"]
        case "union_tag_not_found":
            return loc, f"{context['discriminator']} is missing. Add it"
        case "union_tag_invalid":
            key = context["discriminator"].strip("'")
            known = context["expected_tags"]
            return (*loc, key), f"unknown {key} '{context['tag']}'; there are {known}"
        case _:
            return loc, f"{fault['msg']}; found {_short(fault['input'])}. Correct it"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def keys_in(content: Any, loc: Iterable[str | int]) -> list[str | int]:
    """Follow keys down, leaving out those that are not there."""
    path: list[str | int] = []
    for part in loc:
        inside = part in content if isinstance(content, dict) else _is_index(content, part)
        if inside:
            path.append(part)
            content = content[part]
    return path


def _is_index(content: Any, part: str | int) -> bool:
    return isinstance(content, list) and isinstance(part, int) and part < len(content)


def _line_of(path: list[str | int], text: str) -> str:
    """Find the line where a key is set: the first that, read to its statement's end, has it."""
    names = [part for part in path if isinstance(part, str)]
    lines = text.splitlines()
    for number, line in enumerate(lines if names else [], start=1):
        if names[-1] in line and keys_in(_read_to(lines, number), path) == path:
            return f" line {number}"
    return ""


def _read_to(lines: list[str], number: int) -> dict[str, Any]:
    """Parse the first lines, and as many more as it takes to end the statement."""
    for end in range(number, len(lines) + 1):
        try:
            return tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
    return {}
