"""Files are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from technobelt.errors import LayerError, MissingFileError, OutputError
from technobelt.writing import replace_file, replace_files


def put(folder, files, error=None):
    """Write files into a folder together, with a failure at the end if one is given."""
    with replace_files(folder) as scratch:
        for name, content in files.items():
            (scratch / name).write_bytes(content)
        if error is not None:
            raise error


def test_files_arrive_together_and_others_stay(tmp_path):
    (tmp_path / "other.txt").write_text("stays")
    (tmp_path / "a.txt").write_text("old")
    with replace_files(tmp_path) as scratch:
        (scratch / "a.txt").write_text("new")
        (scratch / "deep").mkdir()
        (scratch / "deep" / "b.txt").write_text("new too")
        assert (tmp_path / "a.txt").read_text() == "old"
    assert (tmp_path / "a.txt").read_text() == "new"
    assert (tmp_path / "deep" / "b.txt").read_text() == "new too"
    assert (tmp_path / "other.txt").read_text() == "stays"
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "deep", "other.txt"}


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), LayerError("empty")])
def test_after_a_failure_inside_the_old_files_stand(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(type(error)):
        put(tmp_path, {"a.txt": b"half", "b.txt": b"new"}, error)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_full_disk_is_told_in_one_line(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OutputError, match=r"could not be written \(No space left.*--out") as told:
        put(tmp_path, {"a.txt": b"half"}, full)
    assert "\n" not in str(told.value)
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_full_disk_is_told_of_the_folder_that_was_asked_for(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        pytest.raises(OutputError, match="No space left") as told,
        replace_files(tmp_path / "out") as outer,
        replace_files(outer / "deep"),
    ):
        raise full
    assert f"output folder '{tmp_path / 'out'}' could not be written" in str(told.value)


def test_a_missing_input_inside_keeps_its_own_words(tmp_path):
    with pytest.raises(MissingFileError, match=r"^no roads$"), replace_files(tmp_path):
        raise MissingFileError("no roads")


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "out").write_text("a file")
    with (
        pytest.raises(OutputError, match=r"'.*out' is not a folder"),
        replace_files(tmp_path / "out"),
    ):
        pass
    with pytest.raises(OutputError, match="is not a folder"), replace_files(tmp_path / "out" / "x"):
        pass
    assert (tmp_path / "out").read_text() == "a file"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only to root"
)
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="cannot be written to"), replace_files(tmp_path):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_refuses_is_told(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("technobelt.writing.tempfile.mkdtemp", refuse)
    with (
        pytest.raises(OutputError, match=r"cannot be written to \(Permission denied\)"),
        replace_files(tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_one_file_and_its_companions(tmp_path):
    with replace_file(tmp_path / "new" / "a.shp") as scratch:
        scratch.write_text("shape")
        scratch.with_suffix(".dbf").write_text("table")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"a.shp", "a.dbf"}


@given(
    files=st.dictionaries(st.sampled_from("abcd"), st.binary(max_size=20)),
    old=st.dictionaries(st.sampled_from("abcd"), st.binary(max_size=20)),
    fails=st.booleans(),
)
def test_a_folder_holds_the_old_or_the_new_and_no_mixture(tmp_path_factory, files, old, fails):
    folder = tmp_path_factory.mktemp("out")
    for name, content in old.items():
        (folder / name).write_bytes(content)
    if fails:
        with pytest.raises(RuntimeError):
            put(folder, files, RuntimeError())
    else:
        put(folder, files)
    there = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert there == (old if fails else old | files)


def test_a_file_that_cannot_be_moved_leaves_all_the_others_as_they_were(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "map.html").mkdir()  # a folder where a file should go
    with pytest.raises(OutputError):
        put(tmp_path, dict.fromkeys(("a.txt", "b.txt", "map.html"), b"new"))
    assert (tmp_path / "a.txt").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "map.html"]


def test_stale_files_go_when_the_new_ones_are_there_and_stay_if_they_fail(tmp_path):
    for name in ("zones.shp", "mine.txt"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    with pytest.raises(OutputError), replace_files(tmp_path, stale=["zones.shp"]):
        raise OSError("no")
    assert (tmp_path / "zones.shp").is_file()
    with replace_files(tmp_path, stale=["zones.shp", "never.there"]) as scratch:
        (scratch / "mine.txt").write_text("new", encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_stale_file_that_cannot_be_taken_away_leaves_all_as_it_was(tmp_path, monkeypatch):
    for name in ("claims.json", "zones.gpkg"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    move = os.replace

    def refuses(source, target):
        if Path(source) == tmp_path / "zones.gpkg":
            raise PermissionError(13, "open elsewhere")
        move(source, target)

    monkeypatch.setattr("technobelt.writing.os.replace", refuses)
    with (
        pytest.raises(OutputError, match="Nothing was replaced"),
        replace_files(tmp_path, stale=["zones.gpkg"]) as scratch,
    ):
        (scratch / "claims.json").write_text("new", encoding="utf-8")
    monkeypatch.undo()
    texts = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert texts == {"claims.json": "old", "zones.gpkg": "old"}
