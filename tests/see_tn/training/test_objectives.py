"""Objectives against plain torch, and in shares."""

import math

import pytest
import torch
from torch.nn import functional as F

from see_tn.errors import FactorError
from see_tn.models.install import MARK
from see_tn.models.swap import swap_embedding
from see_tn.training.batches import Batches, Share
from see_tn.training.logits import DistillationOptions
from see_tn.training.objectives import (
    Alignment,
    AlignmentOptions,
    CrossEntropy,
    Distillation,
    check_layers,
    hidden_states,
)
from tests.see_tn.models.tiny import some_factors, tiny
from tests.see_tn.training.runs import causal, objective, pairs, student_and_teacher

KINDS = ("Phi-3, tied", "Phi-3", "Pegasus", "T5")


def examples(kind):
    return causal() if kind.startswith("Phi") else pairs()


def error(layer, table):
    """The relative squared error of all rows."""
    return (layer.materialise() - table).square().sum() / table.square().sum()


def a_batch(kind, share=None):
    return Batches(examples(kind), 200, share=share or Share()).at(0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("kind", KINDS)
def test_cross_entropy_is_torchs(kind, smoothing):
    student, _ = student_and_teacher(kind)
    (batch,) = a_batch(kind)
    logits = student(**batch.inputs).logits.flatten(0, 1)
    made = CrossEntropy(student, smoothing)(batch)
    wanted = F.cross_entropy(logits, batch.labels.flatten(), label_smoothing=smoothing)
    torch.testing.assert_close(made["loss"], wanted)
    torch.testing.assert_close(made["cross_entropy"], F.cross_entropy(logits, batch.labels.flatten()).detach())


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("kind", KINDS)
def test_distillation_is_torchs_divergence_and_cross_entropy(kind, temperature):
    student, teacher = student_and_teacher(kind)
    (batch,) = a_batch(kind)
    options = DistillationOptions(share=0.3, temperature=temperature, smoothing=0.1)
    made = Distillation(student, teacher, options)(batch)
    kept = batch.labels.flatten() >= 0
    ours, theirs = (model(**batch.inputs).logits.flatten(0, 1)[kept] for model in (student, teacher))
    divergence = F.kl_div(
        F.log_softmax(ours / temperature, -1),
        F.log_softmax(theirs / temperature, -1),
        log_target=True,
        reduction="batchmean",
    )
    entropy = F.cross_entropy(ours, batch.labels.flatten()[kept], label_smoothing=0.1)
    torch.testing.assert_close(made["divergence"], divergence.detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(made["loss"], 0.3 * temperature**2 * divergence + 0.7 * entropy)


@pytest.mark.parametrize("kind", KINDS)
def test_alignment_is_the_relative_error_of_rows_and_of_hidden_states(kind):
    student, teacher = student_and_teacher(kind)
    (batch,) = a_batch(kind)
    made = Alignment(student, teacher, AlignmentOptions(embeddings=2.0, hidden=0.5))(batch, torch.Generator())
    # All rows are drawn: the table is small.
    embeddings = error(student.__dict__[MARK].layer, teacher.get_input_embeddings().weight)
    errors = []
    with torch.no_grad():
        ours, theirs = (hidden_states(model, batch) for model in (student, teacher))
    for name, states in ours.items():
        kept = batch.labels >= 0 if name == "decoder_hidden_states" else batch.inputs["attention_mask"].bool()
        for one, other in zip(states, theirs[name], strict=True):
            missed, whole = (one - other)[kept].square().sum(-1), other[kept].square().sum(-1)
            errors.append((missed / whole).mean())
    torch.testing.assert_close(made["embeddings"], embeddings.detach())
    torch.testing.assert_close(made["hidden"], torch.stack(errors).mean())
    torch.testing.assert_close(made["loss"], 2 * embeddings + 0.5 * made["hidden"])


def test_positions_of_which_the_teacher_says_nothing_do_not_count():
    """The row of a padding piece that also begins texts is zero, and so is what the first layer reads of it."""
    student, teacher = student_and_teacher()
    (batch,) = a_batch("Phi-3")
    first = int(batch.inputs["input_ids"][0, 0])
    with torch.no_grad():
        teacher.get_input_embeddings().weight[first] = 0
    made = Alignment(student, teacher, AlignmentOptions(0, 1, (0,)))(batch)
    table, ours = teacher.get_input_embeddings().weight, student.get_input_embeddings().materialise()
    read = batch.inputs["input_ids"][batch.inputs["attention_mask"].bool()]
    told = read[read != first]
    wanted = ((ours - table)[told].square().sum(-1) / table[told].square().sum(-1)).sum() / len(read)
    torch.testing.assert_close(made["hidden"], wanted.detach())
    made["loss"].backward()
    assert all(p.grad.isfinite().all() for p in student.get_input_embeddings().parameters())


@pytest.mark.parametrize("name", ["cross-entropy", "distillation", "alignment"])
@pytest.mark.parametrize("kind", ["Phi-3, tied", "Pegasus"])
def test_shares_of_a_step_add_up_to_the_whole(kind, name):
    minimised = objective(name, kind)
    seeds = (torch.Generator().manual_seed(0) for _ in iter(int, 1))
    (whole,) = a_batch(kind)
    wanted = minimised(whole, next(seeds))
    wanted["loss"].backward()
    gradients = {name: p.grad.clone() for name, p in minimised.student.named_parameters() if p.grad is not None}
    minimised.zero_grad()
    parts = [minimised(part, next(seeds)) for rank in (0, 1) for part in a_batch(kind, Share(rank, 2, 2))]
    sum(part["loss"] for part in parts).backward()
    for key, value in wanted.items():
        torch.testing.assert_close(sum(part[key] for part in parts), value, rtol=1e-4, atol=1e-6)
    for key, gradient in gradients.items():
        torch.testing.assert_close(minimised.student.get_parameter(key).grad, gradient, rtol=1e-3, atol=1e-6)


def test_chosen_layers_alone_count():
    student, teacher = student_and_teacher()
    (batch,) = a_batch("Phi-3")
    made = {
        layers: float(Alignment(student, teacher, AlignmentOptions(0, 1, layers))(batch)["hidden"])
        for layers in ("all", "last", (0,), (1,), (-1,))
    }
    assert made["last"] == made[(-1,)]
    assert made["all"] == pytest.approx((made[(0,)] + made[(1,)] + made["last"]) / 3)
    with pytest.raises(FactorError, match="layer 7 of a stack with 3"):
        check_layers(teacher, batch, (7,))


def test_an_untied_heads_rows_count_as_much_as_the_embeddings():
    teacher, student = tiny("Phi-3"), tiny("Phi-3")
    layer, head = some_factors(), some_factors()
    swap_embedding(student, layer, head=head)
    (batch,) = a_batch("Phi-3")
    made = Alignment(student, teacher, AlignmentOptions(1, 0))(batch, torch.Generator())["embeddings"]
    errors = [
        error(one, table)
        for one, table in ((layer, teacher.get_input_embeddings().weight), (head, teacher.lm_head.weight))
    ]
    torch.testing.assert_close(made, torch.stack(errors).mean().detach())


def test_stage_1_has_no_dropout_in_a_body_that_does_not_learn():
    student, teacher = student_and_teacher("Pegasus")
    student.config.dropout = 0.5
    for module in student.modules():
        if hasattr(module, "dropout") and isinstance(module.dropout, float):
            module.dropout = 0.5
    minimised, (batch,) = Alignment(student, teacher, AlignmentOptions(0, 1)), a_batch("Pegasus")
    minimised.train()
    assert minimised(batch)["loss"] == minimised(batch)["loss"]


def test_the_teacher_is_no_part_of_the_module_and_learns_nothing():
    minimised = objective("distillation")
    assert all(name.startswith("student.") for name, _ in minimised.named_parameters())
    teacher = minimised.teacher
    minimised.train()
    assert not teacher.training
    (batch,) = a_batch("Phi-3")
    minimised(batch)["loss"].backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    with pytest.raises(FactorError, match="no teacher"):
        _ = objective("cross-entropy").teacher


@pytest.mark.parametrize("make", [Alignment, Distillation])
def test_a_teacher_that_comes_in_training_mode_is_asked_without_dropout(make):
    student, teacher = student_and_teacher("Pegasus")
    teacher.train()
    minimised = make(student, teacher)
    minimised.train()
    assert not any(module.training for module in teacher.modules())


@pytest.mark.parametrize(
    "make",
    [
        lambda: AlignmentOptions(0, 0),
        lambda: AlignmentOptions(rows=0),
        lambda: AlignmentOptions(hidden=-1),
        lambda: AlignmentOptions(hidden=math.nan),
        lambda: AlignmentOptions(math.nan),
        lambda: AlignmentOptions(math.inf),
        lambda: AlignmentOptions(layers=()),
        lambda: AlignmentOptions(layers="first"),
        lambda: DistillationOptions(math.nan),
        lambda: DistillationOptions(temperature=math.nan),
        lambda: DistillationOptions(temperature=math.inf),
        lambda: DistillationOptions(smoothing=math.nan),
        lambda: DistillationOptions(share=1.5),
        lambda: DistillationOptions(temperature=0),
        lambda: DistillationOptions(smoothing=1),
        lambda: Alignment(tiny("Phi-3"), tiny("Phi-3")),
    ],
)
def test_what_means_nothing_is_refused(make):
    with pytest.raises(FactorError):
        make()
