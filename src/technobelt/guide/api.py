"""The API reference: every public name, from its signature and docstring, as Markdown."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

import technobelt
from technobelt.guide.docstrings import sections_of, to_markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["api_reference", "told_names"]

_HEAD = """# API reference

`import technobelt as tb` for what begins with `tb.`; the rest is imported from the module named
before it. Made from the docstrings by `technobelt guide api`. Times are in minutes (`time_min`),
lengths in `_m` or `_km`, areas in `_km2` on the ellipsoid; points come in any CRS."""
#: What else one may want, by the module that it is imported from.
_MORE = {
    "technobelt.calibration": ("calibrate",),
    "technobelt.export": ("write_desktop", "write_layers"),
    "technobelt.network": ("LineRules", "OsmRules", "network_to_graph"),
    "technobelt.webmap": ("MapDate", "write_map"),
}


def api_reference() -> str:
    """Return the reference of every name in ``technobelt.__all__``, and of some in its modules.

    Returns
    -------
    str
        Markdown: functions by name, then classes with their methods; the same text every time.

    Examples
    --------
    >>> "### `tb.travel_times`" in api_reference()
    True
    """
    found = told_names()
    functions = {name: value for name, value in found.items() if inspect.isfunction(value)}
    classes = {name: value for name, value in found.items() if name not in functions}
    anchors = _anchors([*functions, *classes])
    parts = [_HEAD, _contents("Functions", functions, anchors)]
    parts += [_contents("Classes", classes, anchors)]
    parts += [
        "## Functions",
        *(_told(f"### `{name}`", name, functions[name]) for name in functions),
    ]
    parts += ["## Classes", *(_class(name, value) for name, value in classes.items())]
    return "\n\n".join(parts) + "\n"


def told_names() -> dict[str, Any]:
    """Return what the reference tells of, by the name under which it is called."""
    names = sorted((name for name in technobelt.__all__ if name != "__version__"), key=str.lower)
    found = {f"tb.{name}": getattr(technobelt, name) for name in names}
    for module, more in _MORE.items():
        found |= {f"{module}.{name}": getattr(import_module(module), name) for name in more}
    return found


def _anchors(names: Iterable[str]) -> dict[str, str]:
    """Return where the headings of names are linked to: the second of two alike gets a number."""
    anchors: dict[str, str] = {}
    for name in names:
        plain = name.lower().replace(".", "")
        again = sum(one.lower().replace(".", "") == plain for one in anchors)
        anchors[name] = f"{plain}-{again}" if again else plain
    return anchors


def _contents(title: str, values: dict[str, Any], anchors: dict[str, str]) -> str:
    rows = [
        f"- [`{name.removeprefix('tb.')}`](#{anchors[name]}): {_summary(value)}"
        for name, value in values.items()
    ]
    return "\n".join([f"{title}:", "", *rows])


def _summary(value: Any) -> str:
    first = sections_of(inspect.getdoc(value) or "")["Summary"].split("\n\n", maxsplit=1)[0]
    return " ".join(to_markdown(first).split())


def _told(heading: str, called: str, function: Any) -> str:
    code = f"```python\n{called}{_signature(function)}\n```"
    return "\n\n".join([heading, code, to_markdown(inspect.getdoc(function) or "")])


def _class(name: str, kind: Any) -> str:
    parts = [f"### `{name}`", to_markdown(inspect.getdoc(kind) or "")]
    parts += [
        _member(name.rsplit(".", maxsplit=1)[-1], member, value) for member, value in _members(kind)
    ]
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
