"""Files that appear whole: what is in place is on the disk, and what is damaged is named."""

import os
from pathlib import Path

import pytest

from pipelines.whole_files import read_json, write_json
from see_kb.errors import FormatError, SeeError


def test_values_come_back(tmp_path):
    write_json(tmp_path / "x.json", {"name": "é", "place": Path("a")})
    assert read_json(tmp_path / "x.json", "remove it") == {"name": "é", "place": "a"}


def test_a_file_is_on_the_disk_before_it_is_in_place(tmp_path, monkeypatch):
    file, before = tmp_path / "x.json", []
    sync = os.fsync

    def watched(descriptor):
        before.append((file.exists(), os.fstat(descriptor).st_size))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_json(file, {})
    assert before == [(False, file.stat().st_size)]
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_place_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    with pytest.raises(SeeError, match=r"gone/x\.json: cannot be written \(No such file"):
        write_json(tmp_path / "gone" / "x.json", {})

    def full(descriptor):
        raise OSError(28, "No space left on device")  # as it comes: of no file

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SeeError, match=r"x\.json: cannot be written \(No space left on device\); make room"):
        write_json(tmp_path / "x.json", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b'{"a": ', b"\xff", b"[1]", b"[" * 100_000])
def test_a_damaged_file_is_named_with_the_remedy(tmp_path, damage):
    file = tmp_path / "x.json"
    file.write_bytes(damage)
    with pytest.raises(FormatError, match=r"x\.json: damaged \(.+\); remove it") as raised:
        read_json(file, "remove it")
    assert "\n" not in str(raised.value)
