"""Losses of logits, a few positions at a time, their gradient made along with them.

Log-probabilities, a teacher's, and each step of the way back would each be a table as large as the logits; here they
lie in the cache, and only the gradient is as large.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from see_tn.errors import FactorError
from see_tn.training.batches import IGNORED

PART = 2**18
"""Logits that are worked on at a time: a megabyte in float32."""


@dataclass(frozen=True)
class DistillationOptions:
    """Stage 2: the teacher's share of the loss, its temperature, and label smoothing of the cross-entropy.

    The loss is `share * temperature² * KL(teacher || student) + (1 - share) * cross-entropy` (Hinton et al.,
    arXiv 1503.02531).
    """

    share: float = 0.5
    temperature: float = 1.0
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.share <= 1 and 0 < self.temperature < math.inf and 0 <= self.smoothing < 1):
            raise FactorError(
                f"{self}: share is from 0 to 1, temperature positive and finite, smoothing from 0 to below 1"
            )


@dataclass(frozen=True)
class Losses:
    """Sums over the positions that count; `loss` alone has a gradient."""

    loss: Tensor
    divergence: Tensor
    cross_entropy: Tensor


def losses(logits: Tensor, labels: Tensor, wanted: Tensor | None, options: DistillationOptions) -> Losses:
    """Distillation and cross-entropy of a table of logits.

    Args:
        logits: (..., V), the student's.
        labels: as many as there are rows of logits; `IGNORED` ones do not count.
        wanted: (..., V), the teacher's logits, of which no gradient is taken; None for cross-entropy alone, whatever
            the teacher's share.
        options: shares, temperature and smoothing.
    """
    if wanted is None:
        options = DistillationOptions(0.0, smoothing=options.smoothing)
    flat = None if wanted is None else wanted.detach().flatten(0, -2)
    loss, divergence, entropy = _Losses.apply(  # type: ignore[no-untyped-call]
        logits.flatten(0, -2), labels.flatten(), flat, options
    )
    return Losses(loss, divergence, entropy)


class _Losses(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, wanted: Tensor | None, options: DistillationOptions
    ) -> tuple[Tensor, Tensor, Tensor]:
        gradient = torch.zeros_like(logits) if ctx.needs_input_grad[0] else None
        sums = []
        # Sums of thousands of products want float32.
        with torch.autocast(logits.device.type, enabled=False):
            for places in torch.split((labels != IGNORED).nonzero()[:, 0], max(1, PART // logits.shape[1])):
                theirs = None if wanted is None else wanted[places].float()
                part, way = _part(logits[places].float(), labels[places], theirs, options, gradient is not None)
                sums.append(part)
                if gradient is not None and way is not None:
                    gradient[places] = way.to(gradient.dtype)
        total = torch.stack(sums).sum(dim=0) if sums else logits.new_zeros(3, dtype=torch.float32)
        loss, divergence, entropy = total.unbind()
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(divergence, entropy)
        return loss, divergence, entropy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor, *_: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * outer.to(gradient.dtype), None, None, None


def _part(
    logits: Tensor, labels: Tensor, wanted: Tensor | None, options: DistillationOptions, differentiate: bool
) -> tuple[Tensor, Tensor | None]:
    """Loss, divergence and cross-entropy of some positions (3,), and the gradient of the loss if asked for."""
    share, smoothing, temperature = options.share, options.smoothing, options.temperature
    logs = F.log_softmax(logits, dim=-1)
    right = labels[:, None]
    plain = -logs.gather(1, right).sum()
    smoothed = plain if not smoothing else (1 - smoothing) * plain - smoothing * logs.mean(dim=-1).sum()
    loss, divergence = (1 - share) * smoothed, torch.zeros_like(plain)
    gradient = None
    if differentiate:
        gradient = logs.exp()
        gradient -= smoothing / logits.shape[1]
        gradient.scatter_add_(1, right, torch.full_like(right, smoothing - 1, dtype=gradient.dtype))
        gradient *= 1 - share
    if wanted is not None:
        cooled = logs if temperature == 1 else F.log_softmax(logits / temperature, dim=-1)
        theirs = F.log_softmax(wanted / temperature, dim=-1)
        theirs = theirs.clamp_min_(torch.finfo(theirs.dtype).min)  # a teacher may rule pieces out altogether
        chances = theirs.exp()
        # 0 * log 0 is 0: what both rule out counts nothing. A limit would make what the student alone does finite.
        ours = cooled.masked_fill(chances == 0, 0)
        # Products of rows: differences of sums short enough for float32.
        divergence = torch.einsum("nv,nv->n", chances, theirs) - torch.einsum("nv,nv->n", chances, ours)
        divergence = divergence.sum()
        loss = loss + share * temperature**2 * divergence
        if gradient is not None:
            gradient += share * temperature * (cooled.exp() - chances)
    return torch.stack((loss, divergence, plain)), gradient
