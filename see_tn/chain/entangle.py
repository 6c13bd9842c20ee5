"""The one formula of the project: a row is its units' cores, contracted along their bonds and summed over terms.

Only plain torch operations that `torch.compile`, autocast and autograd take; which units to gather is given.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from see_tn.chain.shapes import ChainShape


def rows_of(shape: ChainShape, cores: Sequence[Tensor], index: Tensor, amplitude: Tensor) -> Tensor:
    """Gather the cores of some rows and contract them.

    Args:
        shape: the chain.
        cores: table t is (n_units[t], *shape.table_shapes[t]).
        index: (B, T, O) int32 or int64.
        amplitude: (B, T).
    Returns:
        (B, width), in the cores' type.
    """
    gathered = gather([cores[table] for table in shape.tables], index)
    return entangle(gathered, amplitude.to(cores[0].dtype), shape.split)[:, : shape.width]


def gather(cores: Sequence[Tensor], index: Tensor) -> list[Tensor]:
    """Each term's core at each site: site j becomes (B, T, *core_shape(j))."""
    # F.embedding and not advanced indexing: its backward pass is several times faster on a CPU.
    return [
        F.embedding(index[..., site], core.flatten(1)).reshape(*index.shape[:-1], *core.shape[1:])
        for site, core in enumerate(cores)
    ]


def entangle(cores: Sequence[Tensor], amplitude: Tensor | None, split: int) -> Tensor:
    """Contract gathered cores into rows.

    Args:
        cores: one per site; all (B, T, m, d[j]) with m channels, or all (B, T, r[j], d[j], r[j + 1]) with
            r[0] == r[-1] == 1.
        amplitude: (B, T), in the cores' type; None for ones.
        split: how many sites make the left half, 0 to O - 1. The result is the same for each, the cost is not.
    Returns:
        (B, d[0] * d[1] * ...), the first site varying slowest.

    The last contraction runs over terms and channels (or over terms and the middle bond) at once, as one batched
    matrix product. In the CP form this is the row of the SEE paper (arXiv 2412.12204) and MorphTE (2210.15379),
    in the MPS form a tensor-train row (arXiv 1901.10787) whose cores belong to units.
    """
    halves = _cp_halves if cores[0].dim() == 4 else _mps_halves
    left, right = halves(cores, amplitude, split)  # (B, dL, T * m) and (B, T * m, dR)
    return torch.bmm(left, right).flatten(1)


def _cp_halves(cores: Sequence[Tensor], amplitude: Tensor | None, split: int) -> tuple[Tensor, Tensor]:
    first = cores[0] if split else torch.ones_like(cores[0][..., :1])
    left = channel_products(cores[1:split], first)
    if amplitude is not None:
        left = left * amplitude[..., None, None]
    right = channel_products(cores[split + 1 :], cores[split])
    return left.flatten(1, 2).transpose(1, 2), right.flatten(1, 2)


def _mps_halves(cores: Sequence[Tensor], amplitude: Tensor | None, split: int) -> tuple[Tensor, Tensor]:
    start = cores[0].new_ones(()).expand(*cores[0].shape[:2], 1, 1) if amplitude is None else amplitude[..., None, None]
    left = chain_from_left(cores[:split], start)
    right = chain_from_right(cores[split:-1], cores[-1].squeeze(-1))
    return left.transpose(1, 2).flatten(2), right.flatten(1, 2)


def channel_products(cores: Sequence[Tensor], start: Tensor) -> Tensor:
    """Products of CP cores (B, T, m, d[j]) after `start` (B, T, m or 1, d): (B, T, m, d * d[0] * ...)."""
    product = start
    for core in cores:
        product = (product.unsqueeze(-1) * core.unsqueeze(-2)).flatten(-2)
    return product


def chain_from_left(cores: Sequence[Tensor], start: Tensor) -> Tensor:
    """Contract MPS cores (B, T, r, d, r') onto `start` (B, T, columns, r): (B, T, columns * d[0] * ..., last r')."""
    chain = start
    for core in cores:
        grown = chain @ core.flatten(-2)
        chain = grown.reshape(*core.shape[:2], chain.shape[2] * core.shape[3], core.shape[4])
    return chain


def chain_from_right(cores: Sequence[Tensor], start: Tensor) -> Tensor:
    """Contract MPS cores (B, T, r, d, r') before `start` (B, T, r', columns): (B, T, first r, d[0] * ... * columns)."""
    chain = start
    for core in reversed(cores):
        grown = core.flatten(-3, -2) @ chain
        chain = grown.reshape(*core.shape[:3], core.shape[3] * chain.shape[3])
    return chain
