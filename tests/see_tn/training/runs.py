"""Tiny texts, models and runs that the tests of training share."""

import copy

import numpy as np
import pytest
import torch

from see_tn.models.swap import swap_embedding
from see_tn.training.batches import Batches, Examples, Share
from see_tn.training.loop import Run, Stage
from see_tn.training.objectives import Alignment, CrossEntropy, Distillation
from see_tn.training.options import Optimisation
from see_tn.training.records import Records
from see_tn.training.state import Checkpoints
from tests.see_tn.models.tiny import PIECES, some_factors, tiny

accelerate = pytest.importorskip("accelerate", reason="needs the extra hf")

OPTIONS = Optimisation(12, rate=0.01, warmup=2, save_every=3, judge_every=4)


def texts(n: int = 40, seed: int = 0) -> list[list[int]]:
    """Texts of 3 to 12 pieces, the end's included."""
    rng = np.random.default_rng(seed)
    return [[*rng.integers(3, PIECES, rng.integers(2, 12)).tolist(), 2] for _ in range(n)]


def causal(n: int = 40, seed: int = 0) -> Examples:
    return Examples(texts(n, seed))


def pairs(n: int = 40, seed: int = 0) -> Examples:
    return Examples(texts(n, seed), texts(n, seed + 1), start=2)


def student_and_teacher(kind: str = "Phi-3, tied"):
    """A swapped model and the one that it was."""
    teacher = tiny(kind).requires_grad_(False)
    student = copy.deepcopy(teacher).requires_grad_(True)
    swap_embedding(student, some_factors())
    return student, teacher


def objective(name: str, kind: str = "Phi-3, tied"):
    student, teacher = student_and_teacher(kind)
    if name == "alignment":
        student.requires_grad_(False)
        student.get_input_embeddings().requires_grad_(True)
        return Alignment(student, teacher)
    if name == "distillation":
        return Distillation(student, teacher)
    return CrossEntropy(student)


def stage(name="distillation", folder=None, options=OPTIONS, share=None, kind="Phi-3, tied", settings=(), log_every=1):
    """A stage of a tiny run, saved into a folder if there is one."""
    minimised = objective(name, kind)
    torch.manual_seed(0)
    batches = Batches(causal(), 64, seed=1, share=share or Share())
    checkpoints = None if folder is None else Checkpoints(folder / "checkpoints", dict(settings))
    records = Records(None if folder is None else folder / "metrics.jsonl")
    run = Run(accelerate.Accelerator(cpu=True), 5, checkpoints, records, log_every)
    number = 1 if name == "alignment" else 2
    return Stage(number, minimised, batches, options, run, Batches(causal(10, 9), 64), None)
