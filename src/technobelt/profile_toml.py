"""A speed profile as text that can be pasted into ``region.toml``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from technobelt.errors import OutputError
from technobelt.writing import replace_file

if TYPE_CHECKING:
    from technobelt.region import Profile, Value

__all__ = ["profile_toml", "write_profile"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
#: Digits that are written; ranges are rounded outward so that the value stays inside.
_DIGITS = 5


def profile_toml(profile: Profile, name: str) -> str:
    """Return a profile as the table ``[profiles.NAME]`` of a ``region.toml``.

    Parameters
    ----------
    profile
        The profile; numbers are written with five digits.
    name
        The name that claims and ``--profile`` use.

    Examples
    --------
    >>> from technobelt.region import load_region
    >>> text = profile_toml(load_region().profiles["typical"], "mine")
    >>> text.splitlines()[0]
    '[profiles.mine]'
    """
    key = name if _BARE_KEY.fullmatch(name) else _quoted(name)
    speeds = {road: _value(value) for road, value in profile.speed_kph.items()}
    fixed = {
        name: _value(getattr(profile.fixed_s, name)) for name in type(profile.fixed_s).model_fields
    }
    head = {
        "label": _quoted(profile.label),
        "limit_share": _value(profile.limit_share),
        "access_kph": _value(profile.access_kph),
    }
    tables = {
        f"[profiles.{key}]": head,
        f"[profiles.{key}.speed_kph]": speeds,
        f"[profiles.{key}.fixed_s]": fixed,
    }
    return "\n".join(_table(title, rows) for title, rows in tables.items())


def write_profile(profile: Profile, name: str, path: str | Path) -> None:
    """Write a profile as a ``.toml`` file, whole or not at all.

    Raises
    ------
    OutputError
        The suffix is another, or the file cannot be written.
    """
    file = Path(path)
    if file.suffix != ".toml":
        raise OutputError(f"a profile is written as .toml; found '{file.name}'. Rename it.")
    with replace_file(file) as scratch:
        scratch.write_text(profile_toml(profile, name), encoding="utf-8")


def _table(title: str, rows: dict[str, str]) -> str:
    width = max(len(name) for name in rows)
    return "\n".join([title, *(f"{name:<{width}} = {text}" for name, text in rows.items()), ""])


def _value(value: Value) -> str:
    middle = float(f"{value.value:.{_DIGITS}g}")
    parts = [
        f"value = {middle:g}",
        f"low = {min(float(f'{value.low:.{_DIGITS}g}'), middle):g}",
        f"high = {max(float(f'{value.high:.{_DIGITS}g}'), middle):g}",
        f"source = {_quoted(value.source)}",
        *(["placeholder = true"] if value.placeholder else []),
    ]
    return f"{{ {', '.join(parts)} }}"


def _quoted(text: str) -> str:
    """Return a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
