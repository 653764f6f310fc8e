"""Errors that a caller can catch by what they are."""

from __future__ import annotations

import pytest

from technobelt import errors
from technobelt.errors import MissingFileError, OutputError, TechnobeltError

CHILDREN = [getattr(errors, name) for name in errors.__all__ if name != "TechnobeltError"]


@pytest.mark.parametrize("error", CHILDREN)
def test_every_error_is_ours_and_a_builtin(error):
    assert issubclass(error, TechnobeltError)
    assert issubclass(error, (ValueError, OSError, ImportError))


@pytest.mark.parametrize("error", CHILDREN)
def test_an_error_says_its_text_and_nothing_else(error):
    assert str(error("no such thing. Make one.")) == "no such thing. Make one."


def test_a_missing_file_is_found_by_those_who_expect_the_builtin():
    with pytest.raises(FileNotFoundError, match="gone"):
        raise MissingFileError("gone")
    with pytest.raises(OSError, match="full"):
        raise OutputError("full")
    assert str(MissingFileError()) == str(OutputError()) == ""


def test_all_errors_are_listed():
    defined = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert defined == set(errors.__all__)
