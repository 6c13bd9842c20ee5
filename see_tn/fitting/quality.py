"""How far an approximation is from a teacher's table: measured the same way for every form."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

SMALLEST = 1e-30  # a product of norms below it counts as zero, and so does the row's cosine
CHUNK = 4096  # rows at a time, so that nothing of the table's size is allocated


@dataclass(frozen=True)
class Quality:
    """Two figures on the table as it is, the mean not taken out.

    `relative_error` is |teacher - approximation| / |teacher| in the Frobenius norm. `mean_cosine` is the mean of the
    rows' cosines; a row of zeros counts as 0.
    """

    relative_error: float
    mean_cosine: float


def measure(teacher: Tensor, approximation: Tensor | Iterable[Tensor], weights: Tensor | None = None) -> Quality:
    """Compare two tables.

    Args:
        teacher: (V, d).
        approximation: (V, d), or its chunks of rows in order.
        weights: (V,), how much a row counts; without them, all alike.
    Raises:
        ValueError: the shapes differ.
    """
    chunks = torch.split(approximation, CHUNK) if isinstance(approximation, Tensor) else approximation
    weights = torch.ones(len(teacher)) if weights is None else weights
    squared = total = cosines = 0.0
    start = 0
    for chunk in chunks:
        wanted = teacher[start : start + len(chunk)]
        if wanted.shape != chunk.shape:
            raise ValueError(f"rows from {start} on: teacher {tuple(wanted.shape)}, got {tuple(chunk.shape)}")
        # A row is summed in float32, rows in float64: the whole in float64 took half of a fit's time.
        dtype = torch.promote_types(torch.promote_types(wanted.dtype, chunk.dtype), torch.float32)
        wanted, got = wanted.to(dtype), chunk.to(dtype)
        weight = weights[start : start + len(chunk)].to(got.device).double()
        norms, sizes = torch.linalg.vector_norm(wanted, dim=1).double(), torch.linalg.vector_norm(got, dim=1).double()
        products = torch.linalg.vecdot(wanted, got).double()
        squared += float(torch.linalg.vector_norm(wanted - got, dim=1).double().square() @ weight)
        total += float(norms.square() @ weight)
        cosines += float((products / (norms * sizes).clamp_min(SMALLEST)) @ weight)
        start += len(chunk)
    if start != len(teacher):
        raise ValueError(f"the approximation has {start} rows, the teacher {len(teacher)}")
    return Quality((squared / total) ** 0.5 if total else squared**0.5, cosines / float(weights.double().sum()))


def weighed_square(table: Tensor, weights: Tensor | None = None) -> float:
    """The sum of a table's squares, each row's times its weight."""
    squares = torch.cat([part.double().square().sum(dim=1) for part in torch.split(table, CHUNK)])
    return float(squares.sum() if weights is None else squares @ weights.to(squares))
