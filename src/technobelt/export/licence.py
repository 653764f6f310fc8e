"""The licence file that every export carries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from technobelt.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["write_licence"]


def write_licence(folder: str | Path, attribution: Sequence[str], *, name: str = "LICENCE") -> Path:
    """Write the licence file that every export carries: sources, and what they ask for.

    Parameters
    ----------
    folder
        Where the other files are.
    attribution
        One source a line, e.g. a region's ``attribution``.
    name
        The file's name; beside a single file rather ``<its name>.LICENCE.txt``, so that no other
        licence there is replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     text = write_licence(home, ["Roads: © OpenStreetMap contributors"]).read_text()
    >>> "derived database" in text
    True
    """
    target = Path(folder) / name
    sources = "\n".join(f"- {line}" for line in attribution)
    with replace_file(target) as scratch:
        scratch.write_text(_LICENCE.format(sources=sources), encoding="utf-8")
    return target


_LICENCE = """\
Sources of the data in this folder
==================================

{sources}

What they ask for
-----------------

OpenStreetMap. The road table is a derived database of OpenStreetMap, and so are the land use and
the sites taken from it. They are made available under the Open Database Licence 1.0
(https://opendatacommons.org/licenses/odbl/1-0/). You may copy, change and pass them on if you
name the source, "© OpenStreetMap contributors" (https://www.openstreetmap.org/copyright), and
pass on a changed database under the same licence. Maps, travel times, isochrones and zones made
from them are produced works: show the same notice with them.

Others. Where a table has the columns "source" and "licence", they hold for its rows.

No warranty. Positions, dates, speeds and outlines carry the errors that the tables and the report
state; nothing here is a legal boundary.
"""
