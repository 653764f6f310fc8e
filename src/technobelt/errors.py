"""What can go wrong, in words: what was wrong, what was found, what to do.

Every error that a user can cause is a `TechnobeltError`, and each child is also the builtin
that a caller would expect, so that ``except ValueError`` or ``except FileNotFoundError`` work.
"""

from __future__ import annotations

__all__ = [
    "CRSError",
    "ClaimError",
    "EmptyLayerError",
    "GeometryError",
    "LayerError",
    "ManifestError",
    "MissingColumnError",
    "MissingFileError",
    "MissingPackageError",
    "NetworkError",
    "ObservationError",
    "OutputError",
    "PointError",
    "RegionError",
    "ScenarioError",
    "SitingError",
    "TechnobeltError",
]


class TechnobeltError(Exception):
    """Root of every error that this package raises on purpose.

    Its message says what was wrong, what was found and what to do; its children are also the
    builtin that one would expect.

    Examples
    --------
    >>> import technobelt as tb
    >>> try:
    ...     tb.load_region("no such folder")
    ... except tb.TechnobeltError as error:
    ...     print(type(error).__name__, isinstance(error, FileNotFoundError))
    MissingFileError True
    """


class RegionError(TechnobeltError, ValueError):
    """A ``region.toml`` that cannot be used."""


class MissingFileError(TechnobeltError, FileNotFoundError):
    """A file or folder that is not there."""

    def __str__(self) -> str:
        """Return the message alone, without the errno that OSError would print."""
        return str(self.args[0]) if self.args else ""


class MissingPackageError(TechnobeltError, ImportError):
    """A package that is not installed and that only some commands need."""


class LayerError(TechnobeltError, ValueError):
    """A layer that cannot be used."""


class EmptyLayerError(LayerError):
    """A layer without a row."""


class MissingColumnError(LayerError):
    """A layer without a column that it must have."""


class CRSError(LayerError):
    """Coordinates without a reference system, or plainly in another one."""


class GeometryError(LayerError):
    """A shape that is missing, invalid or of the wrong type."""


class PointError(TechnobeltError, ValueError):
    """A place that is unknown, ambiguous or cannot be tied to a road."""


class NetworkError(TechnobeltError, ValueError):
    """Roads that cannot be read or make no network."""


class ClaimError(TechnobeltError, ValueError):
    """A claim that cannot be put to the test as it is stated."""


class ObservationError(TechnobeltError, ValueError):
    """Observed times that cannot be used."""


class ScenarioError(TechnobeltError, ValueError):
    """A scenario that cannot be read, or whose edits do not fit the roads and places."""


class ManifestError(TechnobeltError, ValueError):
    """A manifest that no run can be repeated from."""


class SitingError(TechnobeltError, ValueError):
    """A question of where sites should stand that cannot be asked, or has no answer."""


class OutputError(TechnobeltError, OSError):
    """A result that cannot be written."""

    def __str__(self) -> str:
        """Return the message alone, without the errno that OSError would print."""
        return str(self.args[0]) if self.args else ""
