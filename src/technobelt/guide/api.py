"""The API reference: every public name, from its signature and docstring, as Markdown."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import technobelt
from technobelt.guide.docstrings import sections_of, to_markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["api_reference"]

_HEAD = """# API reference

`import technobelt as tb`. Everything public is here; made from the docstrings by
`technobelt guide api`. Times are in minutes (`time_min`), lengths in `_m` or `_km`, areas in `_km2`
on the ellipsoid; points come in any CRS."""


def api_reference() -> str:
    """Return the reference of every name in ``technobelt.__all__``.

    Returns
    -------
    str
        Markdown: functions by name, then classes with their methods; the same text every time.

    Examples
    --------
    >>> "### `tb.travel_times`" in api_reference()
    True
    """
    names = [name for name in technobelt.__all__ if name != "__version__"]
    found = {name: getattr(technobelt, name) for name in sorted(names, key=str.lower)}
    functions = {name: value for name, value in found.items() if inspect.isfunction(value)}
    classes = {name: value for name, value in found.items() if name not in functions}
    parts = [_HEAD, _contents("Functions", functions), _contents("Classes", classes)]
    parts += ["## Functions", *(_function(name, value) for name, value in functions.items())]
    parts += ["## Classes", *(_class(name, value) for name, value in classes.items())]
    return "\n\n".join(parts) + "\n"


def _contents(title: str, values: dict[str, Any]) -> str:
    rows = [f"- [`{name}`](#tb{name.lower()}): {_summary(value)}" for name, value in values.items()]
    return "\n".join([f"{title}:", "", *rows])


def _summary(value: Any) -> str:
    first = sections_of(inspect.getdoc(value) or "")["Summary"].split("\n\n", maxsplit=1)[0]
    return " ".join(to_markdown(first).split())


def _function(name: str, function: Any) -> str:
    return _told(f"### `tb.{name}`", f"tb.{name}", function)


def _told(heading: str, called: str, function: Any) -> str:
    code = f"```python\n{called}{_signature(function)}\n```"
    return "\n\n".join([heading, code, to_markdown(inspect.getdoc(function) or "")])


def _class(name: str, kind: Any) -> str:
    parts = [f"### `tb.{name}`", to_markdown(inspect.getdoc(kind) or "")]
    parts += [_member(name, member, value) for member, value in _members(kind)]
    return "\n\n".join(parts)


def _members(kind: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a class defines for others: properties, then methods, as they are written."""
    own = [(name, value) for name, value in vars(kind).items() if not name.startswith("_")]
    yield from ((name, value) for name, value in own if _is_property(value))
    yield from ((name, value) for name, value in own if inspect.isfunction(value))


def _is_property(value: Any) -> bool:
    return isinstance(value, property) and bool(value.__doc__)


def _member(owner: str, name: str, value: Any) -> str:
    if _is_property(value):
        return f"#### `{owner}.{name}`\n\n{to_markdown(value.__doc__)}"
    return _told(f"#### `{owner}.{name}()`", f"{owner}.{name}", value)


def _signature(function: Any) -> str:
    """Return parameters and defaults, one a line where they are many; types stand in the text."""
    signature = inspect.signature(function)
    bare = [
        p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name != "self"
    ]
    line = str(inspect.Signature(bare))
    if len(line) <= 70:
        return line
    shown, starred = [], False
    for one in bare:
        if one.kind is one.KEYWORD_ONLY and not starred:
            shown.append("*")
            starred = True
        shown.append(str(one))
    return "(\n" + "".join(f"    {part},\n" for part in shown) + ")"
