"""What is minimised: alignment with a teacher (stage 1), distillation with cross-entropy (stage 2), or that alone.

An objective is a module around the student, so that a parallel wrapper of it sees every pass. A loss is this batch's
share of a mean over the whole step: shares of micro-batches and of processes add up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

import torch
from torch import Tensor, nn

from see_tn.errors import FactorError
from see_tn.models.install import MARK, Installed
from see_tn.training.batches import IGNORED, Batch
from see_tn.training.logits import DistillationOptions, losses

HIDDEN = ("hidden_states", "encoder_hidden_states", "decoder_hidden_states")
"""Names of outputs of Hugging Face models: those of one stack, or of an encoder and a decoder."""

NOTHING = 1e-4
"""The part of the positions' median squared norm below which a teacher's state says nothing: a padding's zero row."""

Layers = Literal["all", "last"] | tuple[int, ...]


@dataclass(frozen=True)
class AlignmentOptions:
    """Stage 1: weights of the embeddings' and of the hidden states' errors, and the layers that count.

    Both errors are relative, squared error over the teacher's squared norm (of all drawn rows, of each position), so
    that equal weights mean equal shares of what is missed; positions where the teacher has next to nothing, as those of
    a padding's zero row, do not count. Layer 0 is what the first layer reads, -1 what the last one
    gives. `rows` is how many rows of the table, drawn anew in each step, the embeddings' error is measured on.
    """

    embeddings: float = 1.0
    hidden: float = 1.0
    layers: Layers = "all"
    rows: int = 4096

    def __post_init__(self) -> None:
        weights = (self.embeddings, self.hidden)
        if not (all(0 <= weight < math.inf for weight in weights) and any(weights) and self.rows >= 1):
            raise FactorError(f"{self}: weights are finite, not negative, one of them positive, and rows at least 1")
        if not self.layers or (isinstance(self.layers, str) and self.layers not in ("all", "last")):
            raise FactorError(f"layers are {self.layers!r}; give 'all', 'last', or the numbers of some")


class Objective(nn.Module):
    """A student and what it is to minimise; `forward` gives named shares of losses, `loss` the one to minimise.

    Args:
        student: the model that learns.
        teacher: the model that it learns from, or None. It is put into evaluation mode, and stays there when the
            objective is trained: it is not among the modules.
    """

    def __init__(self, student: nn.Module, teacher: nn.Module | None = None) -> None:
        super().__init__()
        self.student = student
        self._teacher = (None if teacher is None else teacher.eval(),)

    @property
    def teacher(self) -> nn.Module:
        """The teacher.

        Raises:
            FactorError: there is none.
        """
        (teacher,) = self._teacher
        if teacher is None:
            raise FactorError("this objective has no teacher")
        return teacher


class CrossEntropy(Objective):
    """Cross-entropy alone: training without a teacher, and evaluation."""

    def __init__(self, student: nn.Module, smoothing: float = 0.0) -> None:
        super().__init__(student)
        self.smoothing = smoothing

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> dict[str, Tensor]:  # noqa: ARG002
        """Give the share `loss`, without smoothing also as `cross_entropy`."""
        logits = self.student(**batch.inputs, use_cache=False).logits
        made = losses(logits, batch.labels, None, DistillationOptions(smoothing=self.smoothing))
        return {"loss": made.loss / batch.n_labels, "cross_entropy": made.cross_entropy / batch.n_labels}


class Distillation(Objective):
    """Stage 2: the teacher's distributions and the right answers."""

    def __init__(self, student: nn.Module, teacher: nn.Module, options: DistillationOptions | None = None) -> None:
        super().__init__(student, teacher)
        self.options = options or DistillationOptions()

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> dict[str, Tensor]:  # noqa: ARG002
        """Give the shares `loss`, `divergence` and `cross_entropy`."""
        with torch.no_grad():
            wanted = self.teacher(**batch.inputs, use_cache=False).logits
        logits = self.student(**batch.inputs, use_cache=False).logits
        made = losses(logits, batch.labels, wanted, self.options)
        return {name: total / batch.n_labels for name, total in vars(made).items()}


class Alignment(Objective):
    """Stage 1: rows and hidden states like the teacher's.

    Args:
        student: a copy of the teacher in which layers stand for tables (`swap_embedding`).
        teacher: the model as it was.
        options: weights and layers.
    Raises:
        FactorError: the student holds no layer.
    """

    def __init__(self, student: nn.Module, teacher: nn.Module, options: AlignmentOptions | None = None) -> None:
        super().__init__(student, teacher)
        self.options = options or AlignmentOptions()
        installed = student.__dict__.get(MARK)
        if not isinstance(installed, Installed):
            raise FactorError(f"{type(student).__name__}: no layer in it; swap its embedding first")
        places = installed.places
        names = [(installed.layer, places.embeddings[0].name)]
        if installed.head is not None and places.untied_head is not None:
            names.append((installed.head, places.untied_head))
        self._tables = tuple((layer, cast(Tensor, teacher.get_submodule(name).weight)) for layer, name in names)

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002
        """Stay in evaluation mode: dropout in a body that does not learn would only be in the way."""
        return super().train(False)

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Give the shares `loss`, `embeddings` and `hidden`."""
        options = self.options
        zero = batch.labels.new_zeros((), dtype=torch.float32)
        embeddings = self._embeddings(batch, generator) if options.embeddings else zero
        hidden = self._hidden(batch) if options.hidden else zero
        loss = options.embeddings * embeddings + options.hidden * hidden
        return {"loss": loss, "embeddings": embeddings.detach(), "hidden": hidden.detach()}

    def _embeddings(self, batch: Batch, generator: torch.Generator | None) -> Tensor:
        """The relative error of drawn rows, this batch's share of it."""
        n_labels = int((batch.labels != IGNORED).sum())
        errors = []
        for layer, table in self._tables:
            n = min(self.options.rows, layer.num_embeddings)
            drawn = torch.randperm(layer.num_embeddings, generator=generator)[:n].to(table.device)
            wanted = table[drawn].float()
            errors.append((layer(drawn).float() - wanted).square().sum() / wanted.square().sum())
        return torch.stack(errors).mean() * (n_labels / batch.n_labels)

    def _hidden(self, batch: Batch) -> Tensor:
        """The mean over stacks and layers of the relative error of hidden states, this batch's share of it."""
        with torch.no_grad():
            wanted = hidden_states(self.teacher, batch)
        errors = []
        for name, states in hidden_states(self.student, batch).items():
            mask, total = _mask(name, batch)
            for number in _chosen(self.options.layers, len(states)):
                target = wanted[name][number].float()
                missed = (states[number].float() - target).square().sum(dim=-1)
                errors.append((_relative(missed, target, mask) * mask).sum() / total)
        return torch.stack(errors).mean()


def _relative(missed: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Squared errors of positions over the target's squared norms; 0 where the target is next to nothing."""
    size = target.square().sum(dim=-1)
    known = size > NOTHING * size[mask > 0].median() if mask.any() else mask > 0
    return torch.where(known, missed / size.where(known, 1.0), 0.0)


def check_layers(model: nn.Module, batch: Batch, layers: Layers) -> None:
    """Refuse layers that a model does not have, or whose states are not those of a batch's positions.

    Raises:
        FactorError: there is no such layer, or the model gives no hidden states, or of other positions.
    """
    with torch.no_grad():
        for name, states in hidden_states(model, batch).items():
            positions = _mask(name, batch)[0].shape
            for number in _chosen(layers, len(states)):
                if not isinstance(states[number], Tensor) or states[number].shape[:2] != positions:
                    raise FactorError(
                        f"{type(model).__name__}: layer {number} gives no hidden state for each position of a text; "
                        "name others, or leave them out of stage 1"
                    )


def hidden_states(model: nn.Module, batch: Batch) -> dict[str, Sequence[Tensor]]:
    """The hidden states of each of a model's stacks, without passing its head where it has one apart."""
    base: Any = getattr(model, "base_model", model)
    output = base(**batch.inputs, output_hidden_states=True, use_cache=False)
    found = {name: output[name] for name in HIDDEN if output.get(name) is not None}
    if not found:
        raise FactorError(f"{type(model).__name__}: gives no hidden states; leave them out of stage 1")
    return found


def _mask(stack: str, batch: Batch) -> tuple[Tensor, int]:
    """The positions of a stack that count, and how many there are in the whole step."""
    if stack == "decoder_hidden_states":
        return (batch.labels != IGNORED).float(), batch.n_labels
    return batch.inputs["attention_mask"].float(), batch.n_sources


def _chosen(layers: Layers, n: int) -> list[int]:
    if layers == "all":
        return list(range(n))
    wanted = (-1,) if layers == "last" else layers
    wrong = [layer for layer in wanted if not -n <= int(layer) < n]
    if wrong:
        raise FactorError(f"layer {wrong[0]} of a stack with {n} hidden states; count from 0, or from -1 backwards")
    return [int(layer) for layer in wanted]
