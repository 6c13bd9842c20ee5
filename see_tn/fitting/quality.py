"""How far an approximation is from a teacher's table: measured the same way for every form."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

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
        wanted = teacher[start : start + len(chunk)].double()
        if wanted.shape != chunk.shape:
            raise ValueError(f"rows from {start} on: teacher {tuple(wanted.shape)}, got {tuple(chunk.shape)}")
        got = chunk.double()
        weight = weights[start : start + len(chunk)].to(got)
        squared += float((wanted - got).square().sum(dim=1) @ weight)
        total += float(wanted.square().sum(dim=1) @ weight)
        cosines += float(torch.cosine_similarity(wanted, got, dim=1) @ weight)
        start += len(chunk)
    if start != len(teacher):
        raise ValueError(f"the approximation has {start} rows, the teacher {len(teacher)}")
    return Quality((squared / total) ** 0.5 if total else squared**0.5, cosines / float(weights.double().sum()))
