"""What a practical person would take instead of a tensor network, at the same bytes, measured in the same way.

Every method keeps the mean of the rows in float32 and approximates what is left, in the largest setting that fits the
budget; where none fits, the smallest one is shown and said to be over. Bytes are those of everything needed to give a
row back, without any file's header.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import torch
from torch import Tensor

from see_tn.chain.shapes import dense_bytes
from see_tn.errors import FactorError
from see_tn.fitting.quality import Quality, measure

INT_BITS = (4, 2, 1)
CODE_BITS = (8, 4)
GROUPS = (32, 64, 128)  # columns that share a scale, besides whole rows
# Steps of a quantiser, in units of a group's root mean square, that are tried for each group; the best ones for
# normal numbers are 1.6, 1.0 and .34 for 1, 2 and 4 bits, and tails of real rows ask for up to twice as much.
STEPS = (0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6, 1.8, 2.0)


@dataclass(frozen=True)
class Method:
    """A way to store a table: its size, its ratio to dense float32 and, where it was measured, its error."""

    name: str
    bytes: int
    ratio: float
    relative_error: float | None = None
    mean_cosine: float | None = None
    note: str = ""


@dataclass(frozen=True)
class _Setting:
    """A method with its sizes fixed: what it costs is known before it is run."""

    name: str
    bytes: int
    note: str
    run: Callable[[], Tensor]


def compare(teacher: Tensor, budget_bytes: int, seed: int = 0) -> list[Method]:
    """Approximate a table by truncated SVD, product quantisation and int-k rows within a budget.

    Args:
        teacher: (V, d).
        budget_bytes: the most bytes that a method may take.
        seed: of the k-means of product quantisation.
    Returns:
        SVD with float32 and with int8 factors, product quantisation (Jegou et al., TPAMI 2011) with 8-bit and 4-bit
        codes, and rows of 4, 2 and 1 bits.
    Raises:
        FactorError: the table is empty or holds a number that is not finite, or the budget is not positive.
    """
    return [method for method, _ in rebuilt(teacher, budget_bytes, seed)]


def rebuilt(teacher: Tensor, budget_bytes: int, seed: int = 0) -> Iterator[tuple[Method, Tensor]]:
    """As `compare`, each method with the table (V, d) that it gives back."""
    teacher = teacher.detach().float().cpu()
    if teacher.dim() != 2 or teacher.numel() == 0 or not bool(torch.isfinite(teacher).all()):
        raise FactorError(f"the teacher {tuple(teacher.shape)} must be a table of finite numbers; repair the table")
    if budget_bytes < 1:
        raise FactorError(f"the budget is {budget_bytes} bytes; give a positive one")
    mean = teacher.mean(dim=0)
    centred = teacher - mean
    families = [
        *_svd_settings(centred),
        *(_product_settings(centred, bits, seed) for bits in CODE_BITS),
        *(_int_settings(centred, bits) for bits in INT_BITS),
    ]
    for family in families:
        setting, note = _largest_that_fits(list(family), budget_bytes)
        table = setting.run() + mean
        yield _baseline(setting, note, measure(teacher, table), dense_bytes(*teacher.shape)), table


def _largest_that_fits(settings: list[_Setting], budget: int) -> tuple[_Setting, str]:
    fitting = [setting for setting in settings if setting.bytes <= budget]
    if fitting:
        largest = max(fitting, key=lambda setting: setting.bytes)
        return largest, largest.note
    smallest = min(settings, key=lambda setting: setting.bytes)
    return smallest, f"{smallest.note}; does not fit {budget} bytes"


def _baseline(setting: _Setting, note: str, quality: Quality, dense: int) -> Method:
    return Method(setting.name, setting.bytes, dense / setting.bytes, quality.relative_error, quality.mean_cosine, note)


def _svd_settings(centred: Tensor) -> tuple[Iterable[_Setting], Iterable[_Setting]]:
    n, d = centred.shape
    # The eigenvectors of the d x d matrix are the right singular vectors, at a fraction of the cost for n >> d.
    vectors: Tensor = torch.linalg.eigh(centred.double().T @ centred.double()).eigenvectors.flip(1).float()

    def plain(rank: int) -> Tensor:
        return (centred @ vectors[:, :rank]) @ vectors[:, :rank].T

    def quantised(rank: int) -> Tensor:
        return _int8_columns(centred @ vectors[:, :rank]) @ _int8_columns(vectors[:, :rank]).T

    def settings(name: str, per_rank: int, run: Callable[[int], Tensor]) -> list[_Setting]:
        return [
            _Setting(name, 4 * d + rank * per_rank, f"rank {rank}", lambda rank=rank: run(rank))  # type: ignore[misc]
            for rank in range(1, min(n, d) + 1)
        ]

    return (
        settings("truncated SVD, float32 factors", 4 * (n + d), plain),
        settings("truncated SVD, int8 factors", n + d + 2 * 4, quantised),
    )


def _int8_columns(factor: Tensor) -> Tensor:
    """Round to int8 with a float32 scale for each column, and back."""
    scale = factor.abs().amax(dim=0) / 127
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    return torch.round(factor / scale) * scale


def _product_settings(centred: Tensor, bits: int, seed: int) -> Iterable[_Setting]:
    n, d = centred.shape
    name = f"product quantisation, {bits}-bit codes"
    # One width for each number of parts: wider parts would only hold more columns of zeros.
    for width in sorted({-(-d // parts) for parts in range(1, d + 1)}):
        parts = -(-d // width)
        size = 4 * d + n * -(-parts * bits // 8) + 4 * 2**bits * parts * width
        note = f"{parts} parts of {width} columns"
        yield _Setting(name, size, note, lambda width=width: _product_quantised(centred, width, bits, seed))  # type: ignore[misc]


def _product_quantised(centred: Tensor, width: int, bits: int, seed: int) -> Tensor:
    n, d = centred.shape
    parts = -(-d // width)
    # Columns of zeros fill the last part, and cost what the codebook says.
    padded = torch.zeros(max(n, 2**bits), parts * width)
    padded[:n, :d] = centred
    quantiser: Any = faiss.ProductQuantizer(parts * width, parts, bits)
    quantiser.cp.seed = seed
    quantiser.cp.min_points_per_centroid = 1
    quantiser.cp.max_points_per_centroid = len(padded)
    table = np.ascontiguousarray(padded.numpy())
    quantiser.train(table)
    return torch.from_numpy(quantiser.decode(quantiser.compute_codes(table)))[:n, :d]


def _int_settings(centred: Tensor, bits: int) -> Iterable[_Setting]:
    n, d = centred.shape
    for group in sorted({d, *(group for group in GROUPS if group < d)}):
        # A row's codes fill whole bytes; each group has a float16 scale.
        size = 4 * d + n * (-(-d * bits // 8) + 2 * -(-d // group))
        note = "one scale per row" if group == d else f"one scale per {group} columns"
        yield _Setting(f"int{bits} rows", size, note, lambda group=group: _int_rows(centred, bits, group))  # type: ignore[misc]


def _int_rows(centred: Tensor, bits: int, group: int) -> Tensor:
    """Round to 2^bits levels half a step around zero, each group with the best of a few steps."""
    n, d = centred.shape
    groups = torch.nn.functional.pad(centred, (0, -d % group)).reshape(-1, group)
    # The padding's zeros take no part in the choice of a step.
    inside = torch.nn.functional.pad(torch.ones_like(centred[:1]), (0, -d % group)).reshape(-1, group).repeat(n, 1)
    spread = (groups.square().sum(dim=1, keepdim=True) / inside.sum(dim=1, keepdim=True)).sqrt()
    best, least = torch.zeros_like(groups), torch.full_like(spread, torch.inf)
    top = 2 ** (bits - 1)
    for step in STEPS:
        scale = (step * spread).half().float()
        levels = (groups / scale.clamp_min(torch.finfo(torch.float32).tiny)).floor().clamp(-top, top - 1) + 0.5
        rounded = levels * scale
        error = ((groups - rounded).square() * inside).sum(dim=1, keepdim=True)
        best = torch.where(error < least, rounded, best)
        least = torch.minimum(error, least)
    return best.reshape(n, -1)[:, :d]
