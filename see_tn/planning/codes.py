"""Which learned codes a budget buys: how many, of how many bits, for how many numbers each."""

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Literal

import torch
from torch import Tensor

from see_tn.fitting.codes import CodeOptions, fit_codes, quick
from see_tn.fitting.quality import weighed_square
from see_tn.layer.codes import CODE_BITS, CodeShape
from see_tn.layer.spec import INT8, LayerSpec, row_dtype
from see_tn.planning.budget import Budget

WIDEST_PART = 16
FULL_BASIS = 1024
"""Columns up to which one basis turns all of them: beyond, its d x d numbers and their work grow too large."""

Purpose = Literal["use", "train", "start"]
"""What codes are for: to be used as they are, to be trained further, or to start a model with that has no teacher."""

WORTH_TRAINING = 1.03
"""Error of codes without a basis, over that of others, up to which training makes more of them.

A basis of fewer rows than columns holds all rows in one subspace. docs/results/basis.md has the runs. A model without a
teacher translates worse with one, at a lower loss: it takes none, see docs/results/scratch.md.
"""

WORTH_STARTING = 1.3
"""Error of codes of 8 bits, over that of codes of 4, up to which a model without a teacher starts better with them.

What it starts with is only a guess at its table, and it has sixteen times as many codewords to learn another one:
docs/results/scratch.md has the runs.
"""

_WORTH: dict[Purpose, float] = {"use": 1.0, "train": WORTH_TRAINING, "start": math.inf}

BLOCK = 512
SAMPLE = 8192  # rows on which shapes are compared
USED = 0.7  # of the budget that is left, at least: what uses less is never the best


def code_shapes(
    rest: LayerSpec | None, n_pieces: int, width: int, budget: Budget, index_bytes: int
) -> Iterator[CodeShape]:
    """Give the shapes worth comparing that fit a budget of bytes beside other terms.

    Args:
        rest: the layer without codes, or None if it is to have codes alone.
        n_pieces: V.
        width: d.
        budget: of bytes, and of parameters if it says so.
        index_bytes: what the index of the other terms takes.
    """
    taken = budget.share(rest, index_bytes) if rest else 0.0

    def share(shape: CodeShape) -> float:
        return budget.share(coded_spec(rest, n_pieces, shape, budget), index_bytes)

    for bits, part_width, blocks in product(CODE_BITS, range(1, WIDEST_PART + 1), (0, _blocks(width))):
        shapes = _by_parts(bits, part_width, blocks, width)
        fitting = bisect_right(shapes, 1.0, key=share)
        if fitting and share(shapes[fitting - 1]) - taken > USED * (1 - taken):
            yield shapes[fitting - 1]


def _by_parts(bits: int, part_width: int, blocks: int, width: int) -> list[CodeShape]:
    """Shapes with more and more parts; without a basis the parts have to make up the whole width."""
    if not blocks:
        return [CodeShape(width, -(-width // part_width), bits, part_width)]
    most = -(-width // blocks) // part_width
    return [CodeShape(width, blocks * parts, bits, part_width, blocks) for parts in range(1, most + 1)]


def _blocks(width: int) -> int:
    return 1 if width <= FULL_BASIS else -(-width // BLOCK)


def coded_spec(rest: LayerSpec | None, n_pieces: int, codes: CodeShape, budget: Budget) -> LayerSpec:
    """A layer with codes beside its other terms."""
    if rest is not None:
        return replace(rest, codes=codes)
    dtype, int8 = row_dtype(budget.storage), budget.storage == INT8
    return LayerSpec(n_pieces, codes.width, dtype, int8=int8, offset=True, codes=codes)


def best_codes(
    shapes: list[CodeShape],
    table: Tensor,
    *,
    int8: bool,
    weights: Tensor | None = None,
    purpose: Purpose = "use",
    seed: int = 0,
) -> tuple[CodeShape, float]:
    """Compare shapes on a sample of a table's rows with little effort.

    Args:
        shapes: at least one.
        table: (V, width), the mean taken out.
        int8: whether codewords and basis are to be kept in 8 bits.
        weights: (V,), how much a row's squared error counts.
        purpose: what the codes are for: which ones are best depends on it, see `WORTH_TRAINING`, `WORTH_STARTING`.
        seed: of k-means.
    Returns:
        The best shape, and the part of the table's squared norm that it left, rows weighed.
    """
    step = max(1, len(table) // SAMPLE)
    sample, kept = table[::step].float(), None if weights is None else weights[::step]
    options = quick(CodeOptions(seed=seed))
    ids = torch.arange(len(sample))
    total = weighed_square(sample, kept) or 1.0
    left = {}
    for shape in shapes:
        with torch.no_grad():
            # Telling rows apart moves errors by a thousandth of themselves, and beside products there is no need to.
            fitted = fit_codes(sample, shape, int8=int8, weights=kept, options=options, distinct=False)(ids)
        left[shape] = weighed_square(sample - fitted, kept) / total
    best = min(left, key=lambda shape: left[shape])
    plain = {shape: error for shape, error in left.items() if not shape.blocks}
    best = _nearly_best(best, plain, _WORTH[purpose] ** 2 * left[best])
    if purpose == "start":
        many = {shape: error for shape, error in plain.items() if shape.bits == max(CODE_BITS)}
        best = _nearly_best(best, many, WORTH_STARTING**2 * left[best])
    return best, left[best]


def _nearly_best(best: CodeShape, others: dict[CodeShape, float], most: float) -> CodeShape:
    """The one of others with the least error, if that is at most `most`."""
    near = [shape for shape, error in others.items() if error <= most]
    return min(near, key=lambda shape: others[shape], default=best)
