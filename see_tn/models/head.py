"""Output heads and other places that read a table which a layer elsewhere in the model owns."""

from collections.abc import Iterator
from itertools import chain
from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.checkpoint import checkpoint

from see_tn.errors import FactorError
from see_tn.layer.embedding import EntangledEmbedding

CHUNK = 4096  # pieces at a time

_STEPS = [0]
"""Steps that optimisers took in this process; fused ones change numbers without counting versions."""


def _count_step(*_: object) -> None:
    _STEPS[0] += 1


register_optimizer_step_post_hook(_count_step)


class _Reader(nn.Module):
    """A module that reads a layer: one that it owns, or one that is owned elsewhere, whose parameters it does not list.

    The layer lies in a tuple, where `nn.Module` does not look for modules; a deep copy of the whole model copies it
    once, as everything else.
    """

    def __init__(self, layer: EntangledEmbedding, *, owns: bool) -> None:
        super().__init__()
        self.owned = layer if owns else None
        self._read = (layer,)

    @property
    def layer(self) -> EntangledEmbedding:
        """The layer that is read."""
        return self._read[0]

    @property
    def weight(self) -> Tensor:
        """The layer's table, for models that read it here, if only for its type; what is written to it is lost."""
        return self.layer.weight


class ScaledEmbedding(_Reader):
    """Rows times a fixed scale, where a model scales its input embeddings inside their module.

    Args:
        layer: the layer.
        scale: the factor.
        rounded: whether the scale is rounded to the rows' type first.
        owns: whether the layer's parameters are this module's.
    """

    def __init__(
        self, layer: EntangledEmbedding, scale: float = 1.0, *, rounded: bool = False, owns: bool = False
    ) -> None:
        super().__init__(layer, owns=owns)
        self.embed_scale, self.rounded = scale, rounded
        self.num_embeddings, self.embedding_dim = layer.num_embeddings, layer.embedding_dim
        self.padding_idx = layer.padding_idx

    def forward(self, ids: Tensor) -> Tensor:
        """Look up rows: (*ids.shape, width)."""
        rows: Tensor = self.layer(ids)
        if self.embed_scale == 1.0:
            return rows
        return rows * (rows.new_tensor(self.embed_scale) if self.rounded else self.embed_scale)

    def extra_repr(self) -> str:
        """What distinguishes it."""
        return f"embed_scale={self.embed_scale}"


class EntangledHead(_Reader):
    """An output head whose matrix is a layer's table: `hidden @ table.T`, plus a bias if there is one.

    The table is built once per call, with gradients where they are enabled. Under `no_grad` it is kept until a number
    of the layer or autocast's type changes, one of torch's optimisers takes a step or a call has gradients, and for as
    long as the module is in evaluation mode. What is written through `.data` between two such calls goes unnoticed.

    Args:
        layer: the layer.
        bias: (V,), or None; it stays the parameter that it was.
        owns: whether the layer's parameters are this module's.
    """

    bias: nn.Parameter | None

    def __init__(self, layer: EntangledEmbedding, bias: nn.Parameter | None = None, *, owns: bool = False) -> None:
        super().__init__(layer, owns=owns)
        self.register_parameter("bias", bias)
        self.in_features, self.out_features = layer.embedding_dim, layer.num_embeddings
        self._kept: tuple[object, Tensor] | None = None

    def forward(self, hidden: Tensor) -> Tensor:
        """Logits (..., V) of hidden states (..., width)."""
        return F.linear(hidden, self.table().to(hidden.dtype), self.bias)

    @property
    def weight(self) -> Tensor:
        """The layer's table (V, width), as `table` gives it."""
        return self.table()

    def table(self) -> Tensor:
        """The layer's table (V, width)."""
        if torch.compiler.is_compiling():
            return self.layer.materialise()
        tensors = list(_tensors(self.layer))
        # Some optimisers change numbers without counting, and tensors made under `inference_mode` count nothing.
        if torch.is_grad_enabled() or self.training or any(tensor.is_inference() for tensor in tensors):
            self._kept = None
            return self.layer.materialise()
        kind = tensors[0].device.type
        cast = torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind)
        state = (_STEPS[0], cast, *((t.data_ptr(), t._version, t.dtype, t.device) for t in tensors))
        if self._kept is None or self._kept[0] != state:
            self._kept = (state, self.layer.materialise())
        return self._kept[1]

    def train(self, mode: bool = True) -> Self:
        """Change the mode; a kept table is dropped."""
        self._kept = None
        return super().train(mode)

    def extra_repr(self) -> str:
        """What distinguishes it."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_kept": None}  # a copy makes its own table


def _tensors(layer: EntangledEmbedding) -> Iterator[Tensor]:
    return chain(layer.parameters(), layer.buffers())


def chunked_cross_entropy(
    hidden: Tensor,
    layer: EntangledEmbedding,
    targets: Tensor,
    *,
    bias: Tensor | None = None,
    chunk: int = CHUNK,
    ignore_index: int = -100,
    reduction: Literal["mean", "sum"] = "mean",
) -> Tensor:
    """Cross-entropy over a layer's table, never holding logits or a table of more than `chunk` pieces.

    The vocabulary is taken in chunks: each gives its log-sum-exp and the logit of the targets that lie in it, and is
    made again in the backward pass. Agrees with `F.cross_entropy(head(hidden), targets)`.

    Args:
        hidden: (N, width).
        layer: the layer whose table the head is.
        targets: (N,) piece ids, or `ignore_index`.
        bias: (V,), or None.
        chunk: pieces at a time.
        ignore_index: targets that do not count.
        reduction: the mean over the targets that count, or their sum.
    Returns:
        A scalar in float32; with no target that counts, nan for the mean, as in torch.
    Raises:
        FactorError: a target is no piece (looked for on a CPU alone).
    """
    counts = targets != ignore_index
    if targets.device.type == "cpu" and ((targets < 0) | (targets >= layer.num_embeddings))[counts].any():
        raise FactorError(f"a target that is none of the {layer.num_embeddings} pieces; use {ignore_index} for none")
    sums, chosen = [], hidden.new_zeros(len(hidden), dtype=torch.float32)
    for start in range(0, layer.num_embeddings, chunk):
        ids = torch.arange(start, min(start + chunk, layer.num_embeddings), device=hidden.device)
        part = None if bias is None else bias[start : start + chunk]
        log_sum, logit = checkpoint(_chunk, hidden, layer, ids, part, targets, use_reentrant=False)
        sums.append(log_sum)
        chosen = chosen + logit
    losses = (torch.stack(sums).logsumexp(dim=0) - chosen).masked_fill(~counts, 0.0)
    return losses.sum() / counts.sum() if reduction == "mean" else losses.sum()


def _chunk(
    hidden: Tensor, layer: EntangledEmbedding, ids: Tensor, bias: Tensor | None, targets: Tensor
) -> tuple[Tensor, Tensor]:
    logits = F.linear(hidden, layer.rows_for(ids).to(hidden.dtype), bias).float()
    inside = (targets >= ids[0]) & (targets <= ids[-1])
    places = (targets - ids[0]).clamp(0, len(ids) - 1)
    chosen = logits.gather(1, places[:, None])[:, 0].masked_fill(~inside, 0.0)
    return logits.logsumexp(dim=1), chosen
