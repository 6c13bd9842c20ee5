"""The loop: what is trained, what a kill leaves, and what is refused."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from see_tn.errors import FactorError
from see_tn.training.batches import Share
from see_tn.training.options import Optimisation
from see_tn.training.state import Checkpoints
from tests.see_tn.training.runs import OPTIONS, stage
from tests.shared_data import ROOT

NAMES = ("alignment", "distillation", "cross-entropy")


def weights(one):
    return {name: parameter.detach().clone() for name, parameter in one.student.named_parameters()}


def losses(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line[name]) for line in lines for name in ("loss", "kept_apart") if name in line]


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_falls_and_nothing_else_is_trained(name, tmp_path):
    one = stage(name, tmp_path)
    frozen = {n: p.detach().clone() for n, p in one.student.named_parameters() if not p.requires_grad}
    outcome = one.train()
    numbers = [loss for step, loss in losses(tmp_path)]
    assert outcome.steps == 12
    assert min(numbers[-3:]) < numbers[0]
    after = weights(one)
    assert all(torch.equal(after[key], value) for key, value in frozen.items())
    assert (len(frozen) > 0) == (name == "alignment")


class KilledError(Exception):
    """Stands for a kill: raised in the middle of a step."""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", [1, 5, 7, 11])
def test_a_run_that_was_killed_ends_as_if_it_had_not_been(name, step, tmp_path):
    whole = stage(name, tmp_path / "whole")
    wanted = whole.train()
    killed = stage(name, tmp_path / "killed")

    def kill(done, _text):
        if done == step:
            raise KilledError

    with pytest.raises(KilledError):
        killed.train(shows=kill)
    resumed = stage(name, tmp_path / "killed")
    start = resumed.run.checkpoints.last()
    assert (start.progress.step if start else 0) == step // 3 * 3 - (3 if step % 3 == 0 else 0)
    resumed.run.records.rewind(start and start.progress)
    outcome = resumed.train(start)
    assert (outcome.best, outcome.best_step) == (wanted.best, wanted.best_step)
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    for key, value in weights(whole).items():
        assert torch.equal(value, weights(resumed)[key])


def test_a_stage_that_is_done_is_not_trained_again(tmp_path):
    one = stage(folder=tmp_path)
    outcome = one.train()
    again = stage(folder=tmp_path)
    found = again.train(again.run.checkpoints.last())
    assert (found.steps, found.best) == (outcome.steps, outcome.best)
    for key, value in weights(one).items():
        assert torch.equal(value, weights(again)[key])


def test_two_checkpoints_are_kept_and_the_older_one_serves_where_the_last_is_damaged(tmp_path):
    one = stage(folder=tmp_path, options=replace(OPTIONS, steps=8))
    one.train()
    folder = tmp_path / "checkpoints"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["stage-2-step-00000006", "stage-2-step-00000008"]
    file = folder / names[-1] / "weights.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    checkpoints = one.run.checkpoints
    with pytest.raises(FactorError, match=r"weights.safetensors: damaged.*to go on from stage-2-step-00000006"):
        checkpoints.last()
    for path in (folder / names[-1]).iterdir():
        path.unlink()
    (folder / names[-1]).rmdir()
    assert checkpoints.last().progress.step == 6


@pytest.mark.parametrize("damage", ["", "{", '{"progress": {}}', "[]", "null"])
def test_a_damaged_state_is_told_by_its_place(damage, tmp_path):
    one = stage(folder=tmp_path)
    one.train()
    state = max((tmp_path / "checkpoints").iterdir()) / "state.json"
    state.write_text(damage)
    with pytest.raises(FactorError, match="a damaged checkpoint"):
        one.run.checkpoints.last()


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    stage(folder=tmp_path, settings=[("rate", 0.01)]).train()
    with pytest.raises(FactorError, match=r"another rate \(0.01, now 0.02\)"):
        Checkpoints(tmp_path / "checkpoints", {"rate": 0.02}).last()


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_checkpoint(tmp_path):
    one = stage(folder=tmp_path)

    def spoil(step, _text):
        if step == 7:
            with torch.no_grad():
                next(iter(one.trained.values())).fill_(float("nan"))

    with pytest.raises(FactorError, match=r"stage 2, step 8: the loss is nan; lower the learning rate \(0.00\d+ now\)"):
        one.train(shows=spoil)
    kept = one.run.checkpoints.last()
    assert kept.progress.step == 6
    assert all(torch.isfinite(tensor).all() for tensor in kept.weights.values())


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from see_tn.errors import FactorError
from tests.see_tn.training.runs import stage
one = stage(folder=Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def fill(step, _text):
    if step == 4:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    one.train(shows=fill)
except FactorError as error:
    sys.exit(str(error))
"""


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 1
    assert "writing failed" in process.stderr
    assert "older checkpoints are untouched" in process.stderr
    one = stage(folder=tmp_path)
    assert one.run.checkpoints.last().progress.step == 3
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"stage-2-step-00000003"}


def test_the_best_weights_are_taken_and_patience_ends_a_stage(tmp_path):
    options = Optimisation(40, rate=0.3, save_every=0, judge_every=2, patience=3)
    one = stage("cross-entropy", tmp_path, options)
    outcome = one.train()
    measured = [(step, loss) for step, loss in losses(tmp_path) if (step, loss) and step % 2 == 0]
    assert outcome.steps < 40
    assert outcome.steps == outcome.best_step + 6
    assert outcome.best in [loss for step, loss in measured if step == outcome.best_step]


def test_passes_of_a_step_add_up_to_the_step(tmp_path):
    """With twice the passes the curve is the same; texts are dealt so that each part has one."""
    curves = []
    for accumulation in (1, 2):
        folder = tmp_path / str(accumulation)
        stage("distillation", folder, share=Share(0, 1, accumulation)).train()
        curves.append([loss for _, loss in losses(folder)])
    assert curves[0] == pytest.approx(curves[1], rel=1e-4)


def test_the_rate_rises_and_falls():
    options = Optimisation(10, rate=1.0, warmup=2)
    assert [round(options.rate_at(step), 3) for step in range(10)] == [
        0.5,
        1,
        1,
        0.875,
        0.75,
        0.625,
        0.5,
        0.375,
        0.25,
        0.125,
    ]
    cosine = replace(options, schedule="cosine")
    assert cosine.rate_at(6) == pytest.approx(0.5)
    root = replace(options, schedule="inverse-sqrt")
    assert root.rate_at(7) == pytest.approx((2 / 8) ** 0.5)
    assert replace(options, schedule="constant").rate_at(9) == 1
    for wrong in ({"rate": 0.0}, {"rate": float("nan")}, {"clip": -1}, {"betas": (0.9, 1.0)}):
        with pytest.raises(FactorError):
            replace(options, **wrong)


def test_nothing_to_train_is_refused():
    one = stage()
    one.objective.requires_grad_(False)
    with pytest.raises(FactorError, match="nothing is left to train"):
        type(one)(2, one.objective, one.batches, OPTIONS, one.run)
