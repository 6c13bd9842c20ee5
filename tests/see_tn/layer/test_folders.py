"""Folders that appear whole or not at all."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from see_tn.errors import FactorError
from see_tn.layer.folders import check_target, new_folder

OWN = {"file"}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def filled(target, text, **options):
    with new_folder(target, OWN, **options) as folder:
        (folder / "file").write_text(text)


def test_a_new_folder_takes_its_place_with_what_was_written(tmp_path):
    filled(tmp_path / "deep" / "new", "one")
    assert (tmp_path / "deep" / "new" / "file").read_text() == "one"
    assert names(tmp_path / "deep") == ["new"]


def test_it_is_not_there_before_it_is_whole(tmp_path):
    with new_folder(tmp_path / "new", OWN) as folder:
        assert not (tmp_path / "new").exists()
        assert names(folder) == []


def test_an_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "new").mkdir()
    filled(tmp_path / "new", "one")
    assert names(tmp_path / "new") == ["file"]


def test_an_old_folder_is_replaced_only_where_that_is_allowed(tmp_path):
    filled(tmp_path / "x", "old")
    with pytest.raises(FactorError, match="exists already"):
        filled(tmp_path / "x", "new")
    assert (tmp_path / "x" / "file").read_text() == "old"
    filled(tmp_path / "x", "new", overwrite=True)
    assert (tmp_path / "x" / "file").read_text() == "new"
    assert names(tmp_path) == ["x"]


def test_a_file_in_the_way_is_never_replaced(tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(FactorError, match="in the way"):
        check_target(tmp_path / "x", OWN, overwrite=True)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FactorError, match="in the way"):
        check_target(tmp_path / "dangling", OWN, overwrite=True)


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), ValueError("a bug"), KeyboardInterrupt()]
)
def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path, error):
    filled(tmp_path / "x", "old")
    expected = FactorError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        half_filled(tmp_path / "x", error)
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x" / "file").read_text() == "old"


def test_the_old_folder_is_put_back_if_the_new_one_cannot_be_moved(tmp_path, monkeypatch):
    filled(tmp_path / "x", "old")
    rename = Path.rename

    def fail_for_the_new_one(self, target):
        if ".partial-" in self.name:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new_one)
    with pytest.raises(FactorError, match="Input/output error"):
        filled(tmp_path / "x", "new", overwrite=True)
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x" / "file").read_text() == "old"


def half_filled(target, error):
    with new_folder(target, OWN, overwrite=True) as folder:
        (folder / "file").write_text("half")
        raise error


def killed_between_the_moves(folder):
    """Leave what a run leaves that is killed when the old folder is aside and the new one not yet in place."""
    aside = folder / ".x.previous-1"
    aside.mkdir()
    (aside / "file").write_text("old")
    (folder / f".x.partial-{ended_process()}-abc").mkdir()
    (folder / ".x.partial-abc").mkdir()


def ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_another_process_is_filling_is_left_alone(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / f".x.partial-{other.pid}-abc").mkdir()
        filled(tmp_path / "x", "one")
        with pytest.raises(FactorError, match="exists already"):
            filled(tmp_path / "x", "two")
        assert names(tmp_path) == [f".x.partial-{other.pid}-abc", "x"]
        other.communicate(b"\n")
    filled(tmp_path / "x", "two", overwrite=True)
    assert names(tmp_path) == ["x"]


def test_after_a_kill_between_the_moves_the_next_run_cleans_up(tmp_path):
    killed_between_the_moves(tmp_path)
    filled(tmp_path / "x", "new", overwrite=True)
    assert (tmp_path / "x" / "file").read_text() == "new"
    assert names(tmp_path) == ["x"]


def test_after_a_kill_between_the_moves_the_old_folder_is_not_overwritten_unasked(tmp_path):
    killed_between_the_moves(tmp_path)
    with pytest.raises(FactorError, match="exists already"):
        filled(tmp_path / "x", "new")
    assert (tmp_path / "x" / "file").read_text() == "old"


def test_after_a_kill_a_failing_run_brings_the_old_folder_back(tmp_path):
    killed_between_the_moves(tmp_path)
    with pytest.raises(FactorError), new_folder(tmp_path / "x", OWN, overwrite=True):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (tmp_path / "x" / "file").read_text() == "old"


def test_leftovers_of_another_folder_are_left_alone(tmp_path):
    for name in (".xy.partial-1", ".y.previous-1"):
        (tmp_path / name).mkdir()
    filled(tmp_path / "x", "one")
    filled(tmp_path / "*", "one")
    assert names(tmp_path) == ["*", ".xy.partial-1", ".y.previous-1", "x"]


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(FactorError, match="choose another place") as caught:
        filled(tmp_path / "file" / "x", "one")
    assert str(caught.value).startswith(str(tmp_path / "file" / "x"))


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path, monkeypatch):
    filled(tmp_path / "x", "old")

    def refused(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", refused)
    with pytest.raises(FactorError, match=r"x: cannot be written \(Permission denied\)"):
        filled(tmp_path / "x", "new", overwrite=True)


def test_a_file_of_somebody_elses_is_not_lost_to_overwriting(tmp_path):
    filled(tmp_path / "x", "old")
    (tmp_path / "x" / "thesis.txt").write_text("mine")
    with pytest.raises(FactorError, match="would lose"):
        filled(tmp_path / "x", "new", overwrite=True)
    assert names(tmp_path / "x") == ["file", "thesis.txt"]
