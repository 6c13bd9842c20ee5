"""The loop: what is trained, what a kill leaves, and what is refused."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator

from see_tn.errors import FactorError
from see_tn.training.batches import Batches, Share
from see_tn.training.loop import Run, cross_entropy
from see_tn.training.options import Optimisation
from see_tn.training.state import Checkpoints
from tests.see_tn.training.runs import OPTIONS, accelerate, causal, objective, stage, student_and_teacher
from tests.shared_data import ROOT

NAMES = ("alignment", "distillation", "cross-entropy")


def weights(one):
    return {name: parameter.detach().clone() for name, parameter in one.student.named_parameters()}


def losses(folder, *names):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line[name]) for line in lines for name in names or ("loss", "kept_apart") if name in line]


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


def killed_at(step, folder):
    """A stage with a line every 4 steps and a checkpoint every 3, killed at a line, and what is called to go on."""
    one = stage(folder=folder, log_every=4)

    def kill(done, _text):
        if done == step:
            raise KilledError

    with pytest.raises(KilledError):
        one.train(shows=kill)
    resumed = stage(folder=folder, log_every=4)

    def go_on():
        start = resumed.run.checkpoints.last()
        resumed.run.records.rewind(start.progress)
        resumed.train(start)

    return go_on


@pytest.mark.parametrize("step", [4, 8, 12])
def test_the_steps_between_a_line_and_a_checkpoint_count_after_a_kill(step, tmp_path):
    stage(folder=tmp_path / "whole", log_every=4).train()
    killed_at(step, tmp_path / "killed")()
    wanted, found = ((tmp_path / name / "metrics.jsonl").read_text() for name in ("whole", "killed"))
    assert found == wanted


@pytest.mark.parametrize(
    "change", [lambda state: state.pop("sums"), lambda state: state["sums"]["by_process"].append({})]
)
def test_without_the_sums_of_this_process_the_first_line_has_the_steps_since_the_checkpoint(change, tmp_path):
    """Checkpoints of earlier versions have none, those of other numbers of processes not this one's."""
    stage(folder=tmp_path / "each").train()
    go_on = killed_at(8, tmp_path / "killed")
    file = tmp_path / "killed/checkpoints/stage-2-step-00000006/state.json"
    state = json.loads(file.read_text())
    change(state)
    file.write_text(json.dumps(state))
    go_on()
    (_, wanted), (_, other) = ((step, loss) for step, loss in losses(tmp_path / "each", "loss") if step in (7, 8))
    assert dict(losses(tmp_path / "killed", "loss"))[8] == pytest.approx((wanted + other) / 2)


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


WRONG_SUMS = '{"progress": {"stage": 2}, "settings": {}, "sha256": {}, "sums": {"steps": 1, "by_process": [1]}}'


@pytest.mark.parametrize("damage", ["", "{", '{"progress": {}}', "[]", "null", WRONG_SUMS])
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


def test_a_loss_on_texts_kept_apart_that_is_no_number_does_not_pass_for_the_best(tmp_path):
    one = stage(folder=tmp_path)
    one.judge = objective("cross-entropy")

    def spoil(step, _text):
        if step == 4:
            with torch.no_grad():
                next(one.judge.parameters()).fill_(float("nan"))

    with pytest.raises(
        FactorError, match=r"stage 2, step 4: the loss on texts kept apart is nan; .* checkpoint is kept"
    ):
        one.train(shows=spoil)
    assert one.run.checkpoints.last().progress.step == 3
    assert [step for step, _ in losses(tmp_path, "kept_apart")] == [0]


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


@pytest.mark.parametrize("log_every", [30, 1])
def test_the_steps_before_patience_ends_a_stage_have_their_line(tmp_path, log_every):
    options = Optimisation(40, rate=0.3, save_every=0, judge_every=2, patience=3)
    outcome = stage("cross-entropy", tmp_path, options, log_every=log_every).train()
    assert outcome.steps < 30
    steps = [step for step, _ in losses(tmp_path, "loss")]
    assert steps == ([outcome.steps] if log_every == 30 else list(range(1, outcome.steps + 1)))


def test_a_stage_that_only_spoils_its_weights_ends_with_those_that_it_started_with(tmp_path):
    one = stage("cross-entropy", tmp_path, replace(OPTIONS, rate=30.0))
    before = weights(one)
    outcome = one.train()
    measured = losses(tmp_path, "kept_apart")
    assert (outcome.best_step, outcome.best) == measured[0]
    assert all(loss > outcome.best for _, loss in measured[1:])
    assert all(torch.equal(before[name], value) for name, value in weights(one).items())


def test_what_the_first_weights_are_worth_is_not_measured_again_where_it_is_known(tmp_path):
    one = stage("cross-entropy", tmp_path)
    before = weights(one)
    outcome = one.train(judged=0.0)
    assert (outcome.best_step, outcome.best) == losses(tmp_path, "kept_apart")[0] == (0, 0.0)
    assert all(torch.equal(before[name], value) for name, value in weights(one).items())
    with pytest.raises(FactorError, match="the loss on texts kept apart is nan"):
        stage("cross-entropy").train(judged=math.nan)


def test_passes_of_a_step_add_up_to_the_step(tmp_path):
    """With twice the passes the curve is the same; texts are dealt so that each part has one."""
    curves = []
    for accumulation in (1, 2):
        folder = tmp_path / str(accumulation)
        stage("distillation", folder, share=Share(0, 1, accumulation)).train()
        curves.append([loss for _, loss in losses(folder)])
    assert curves[0] == pytest.approx(curves[1], rel=1e-4)


def test_measuring_leaves_each_part_of_a_model_in_its_own_mode():
    student, _ = student_and_teacher()
    student.eval()
    student.get_input_embeddings().train()
    modes = [module.training for module in student.modules()]
    cross_entropy(student, Batches(causal(), 64), accelerate.Accelerator(cpu=True))
    assert [module.training for module in student.modules()] == modes


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


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("rate", 0.0),
        ("rate", math.nan),
        ("clip", -1),
        ("clip", math.nan),
        ("decay", math.nan),
        ("decay", math.inf),
        ("betas", (0.9, 1.0)),
        ("betas", (math.nan, 0.9)),
        ("schedule", "exponential"),
    ],
)
def test_options_that_would_spoil_the_weights_are_refused(name, wrong):
    with pytest.raises(FactorError, match=name):
        Optimisation(10, **{name: wrong})


def test_patience_without_measurements_is_refused():
    with pytest.raises(FactorError, match="patience counts measurements"):
        Optimisation(10, judge_every=0, patience=1)


def test_lines_of_numbers_are_some_steps_apart():
    with pytest.raises(FactorError, match="log_every is 0"):
        Run(Accelerator(cpu=True), log_every=0)


def test_an_infinite_clip_clips_nothing_as_0_does(tmp_path):
    for clip in (0.0, math.inf):
        stage(folder=tmp_path / str(clip), options=replace(OPTIONS, clip=clip)).train()
    assert losses(tmp_path / "0.0") == losses(tmp_path / "inf")


def test_nothing_to_train_is_refused():
    one = stage()
    one.objective.requires_grad_(False)
    with pytest.raises(FactorError, match="nothing is left to train"):
        type(one)(2, one.objective, one.batches, OPTIONS, one.run)
