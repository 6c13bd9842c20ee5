"""Numbers of a run that was killed and goes on."""

import json

import pytest

from see_tn.errors import FactorError
from see_tn.training.records import Records
from see_tn.training.settings import first_difference, plain
from see_tn.training.state import Progress

KILLED = [(1, 10, 3.0), (2, 5, 2.0), (2, 10, 1.5), (2, 15, 1.0)]


def record(records, lines):
    for stage, step, loss in lines:
        records.add(stage, step, {"loss": loss})


@pytest.mark.parametrize("damage", [b"", b'{"stage": 2, "st', b"[1, 2]\n", b'{"stage": 1}\n', b"\xff\xfe"])
def test_lines_beyond_the_checkpoint_are_dropped(tmp_path, damage):
    file = tmp_path / "metrics.jsonl"
    record(Records(file), KILLED)
    file.write_bytes(file.read_bytes() + damage)
    records = Records(file)
    records.rewind(Progress(2, 10))
    record(records, [(2, 15, 0.9)])
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["stage"], line["step"], line["loss"]) for line in lines] == [*KILLED[:3], (2, 15, 0.9)]
    records.rewind(None)
    assert file.read_text() == ""


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path):
    file = tmp_path / "metrics.jsonl"
    file.symlink_to("/dev/full")
    with pytest.raises(FactorError, match=r"metrics\.jsonl: cannot be written \(No space left"):
        record(Records(file), KILLED)
    (tmp_path / "file").write_text("")
    with pytest.raises(FactorError, match=r"file/metrics\.jsonl: cannot be written"):
        Records(tmp_path / "file" / "metrics.jsonl")


def test_tensorboard_shows_what_the_file_holds(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra training")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    file, board = tmp_path / "metrics.jsonl", tmp_path / "board"
    killed = Records(file, board)
    record(killed, KILLED)
    killed.close()
    records = Records(file, board)
    records.rewind(Progress(2, 5))
    record(records, [(2, 10, 1.4)])
    records.close()
    shown = EventAccumulator(str(board))
    shown.Reload()
    drawn = {tag: [(event.step, event.value) for event in shown.Scalars(tag)] for tag in shown.Tags()["scalars"]}
    assert drawn == {
        "stage 1/loss": [(10, 3.0)],
        "stage 2/loss": [(5, 2.0), (10, pytest.approx(1.4))],
    }


def test_the_setting_that_is_another_is_named_with_its_group():
    before = plain({"seed": 0, "stage": {"rate": 0.1, "decay": 0.0}, "layers": (1, 2)})
    assert first_difference(before, plain({"seed": 0, "stage": {"decay": 0.0, "rate": 0.1}, "layers": [1, 2]})) is None
    other = {**before, "stage": {"rate": 0.2, "decay": 0.0}}
    assert first_difference(before, other) == "stage.rate (0.1, now 0.2)"
    assert first_difference(before, {**before, "new": 1}) == "new (None, now 1)"
