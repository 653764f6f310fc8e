"""What a format could not hold, or holds in another form: said, never kept quiet."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Note", "tell"]

_log = logging.getLogger("technobelt.export")


@dataclass(frozen=True)
class Note:
    """One thing that a file holds otherwise than the table it was made of.

    Attributes
    ----------
    file
        The file or layer that it is about.
    text
        What was changed, in words.
    loss
        Something cannot be had back from the file, e.g. the end of a text that was cut; False for
        another form of the same, e.g. a time as text.
    """

    file: str
    text: str
    loss: bool = True

    def __str__(self) -> str:
        """Return file and words in one line."""
        return f"{self.file}: {self.text}"


def tell(notes: Iterable[Note], said: Callable[[Note], None] | None = None) -> None:
    """Hand notes to a listener; without one, log losses as warnings and the rest as information."""
    for note in notes:
        if said is None:
            _log.log(logging.WARNING if note.loss else logging.INFO, "%s", note)
        else:
            said(note)
