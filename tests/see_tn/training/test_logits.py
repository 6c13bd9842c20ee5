"""Losses of logits against torch's own, gradients included."""

from itertools import product

import pytest
import torch
from torch.nn import functional as F

from see_tn.training import logits as module
from see_tn.training.batches import IGNORED
from see_tn.training.logits import DistillationOptions, losses

N, V = 37, 101


def table(seed, scale=2.0, dtype=torch.float32):
    return (scale * torch.randn(N, V, generator=torch.Generator().manual_seed(seed))).to(dtype)


@pytest.fixture
def labels():
    drawn = torch.randint(V, (N,), generator=torch.Generator().manual_seed(9))
    return drawn.masked_fill(torch.arange(N) % 5 == 3, IGNORED)


@pytest.fixture(params=[1, 4 * V, 10**6], ids=["a row at a time", "four", "all"])
def part(request, monkeypatch):
    monkeypatch.setattr(module, "PART", request.param)


def reference(ours, theirs, labels, options):
    """The same by torch's functions on the whole table."""
    kept = labels != IGNORED
    ours, right = ours[kept].float(), labels[kept]
    loss = F.cross_entropy(ours, right, label_smoothing=options.smoothing, reduction="sum")
    if theirs is None:
        return loss
    temperature = options.temperature
    pair = (F.log_softmax(one / temperature, -1) for one in (ours, theirs[kept].float()))
    divergence = F.kl_div(*pair, log_target=True, reduction="sum")
    return options.share * temperature**2 * divergence + (1 - options.share) * loss


@pytest.mark.usefixtures("part")
@pytest.mark.parametrize(("share", "temperature", "smoothing"), list(product([0.0, 0.3, 1.0], [1.0, 2.5], [0.0, 0.1])))
def test_loss_and_gradient_are_torchs(labels, share, temperature, smoothing):
    options = DistillationOptions(share, temperature, smoothing)
    ours, theirs = table(0).requires_grad_(), table(1)
    made = losses(ours, labels, theirs, options)
    wanted = reference(ours, theirs, labels, options)
    torch.testing.assert_close(made.loss, wanted)
    ((got,), (due,)) = (torch.autograd.grad(3 * loss, ours) for loss in (made.loss, wanted))
    torch.testing.assert_close(got, due, rtol=1e-4, atol=1e-5)
    assert not got[labels == IGNORED].any()
    torch.testing.assert_close(made.cross_entropy, F.cross_entropy(ours, labels, reduction="sum").detach())


@pytest.mark.usefixtures("part")
def test_without_a_teacher_the_teachers_share_is_nothing(labels):
    ours = table(0)
    options = DistillationOptions(share=0.7, smoothing=0.1)
    made = losses(ours.view(1, N, V), labels.view(1, N), None, options)
    torch.testing.assert_close(made.loss, reference(ours, None, labels, options))
    assert made.divergence == 0


def test_in_bfloat16_and_under_autocast_sums_are_made_in_float32(labels):
    ours, theirs = table(0, dtype=torch.bfloat16).requires_grad_(), table(1, dtype=torch.bfloat16)
    options = DistillationOptions(smoothing=0.1)
    with torch.autocast("cpu", torch.bfloat16):
        made = losses(ours, labels, theirs, options)
    torch.testing.assert_close(made.loss, reference(ours, theirs, labels, options))
    made.loss.backward()
    assert ours.grad.dtype == torch.bfloat16


def test_where_no_position_counts_there_is_no_loss_and_no_gradient():
    ours = table(0).requires_grad_()
    made = losses(ours, torch.full((N,), IGNORED), table(1), DistillationOptions())
    made.loss.backward()
    assert made.loss == made.divergence == made.cross_entropy == 0
    assert not ours.grad.any()


def test_a_small_divergence_over_many_pieces_is_exact_and_ruled_out_pieces_do_no_harm():
    generator = torch.Generator().manual_seed(0)
    theirs = torch.randn(64, 20_000, generator=generator) * 3
    ours = theirs + 0.05 * torch.randn(theirs.shape, generator=generator)
    labels = torch.zeros(64, dtype=torch.int64)

    def wanted(kept):
        pair = (F.log_softmax(one.double(), -1)[:, kept] for one in (ours, theirs))
        return float(F.kl_div(*pair, log_target=True, reduction="sum"))

    made = losses(ours, labels, theirs, DistillationOptions())
    assert float(made.divergence) == pytest.approx(wanted(slice(None)), rel=1e-3)
    theirs[:, 5] = -torch.inf
    made = losses(ours.requires_grad_(), labels, theirs, DistillationOptions())
    assert float(made.divergence) == pytest.approx(wanted([*range(5), *range(6, 20_000)]), rel=1e-2)
    made.loss.backward()
    assert torch.isfinite(ours.grad).all()


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_pieces_that_student_and_teacher_both_rule_out_do_not_make_the_divergence_nan(temperature, labels):
    ours, theirs, right = table(0), table(1), labels.clamp(max=V - 2)
    options = DistillationOptions(0.3, temperature)
    wanted = losses(ours[:, :-1], right, theirs[:, :-1], options)
    ours[:, -1] = theirs[:, -1] = -torch.inf
    made = losses(ours.requires_grad_(), right, theirs, options)
    for name, value in vars(wanted).items():
        torch.testing.assert_close(vars(made)[name], value)
    made.loss.backward()
    assert torch.isfinite(ours.grad).all()
    assert not ours.grad[:, -1].any()


def test_a_piece_that_the_student_alone_rules_out_is_infinitely_wrong(labels):
    ours = table(0)
    ours[:, -1] = -torch.inf
    assert losses(ours, labels.clamp(max=V - 2), table(1), DistillationOptions()).divergence == torch.inf
