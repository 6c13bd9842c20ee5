"""Learned codes for a table: its principal axes, dealt out to parts of equal weight, and k-means in each part.

The parametric solution of optimised product quantisation (Ge et al., CVPR 2013, section 3.2): axes are dealt so that
the parts' products of variances are as equal as they can be, which is where codes of equally many bits lose least.
Axes of little variance are left out, so that the basis costs less.
"""

from dataclasses import dataclass, replace
from math import log
from typing import Any

import faiss
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from see_tn.errors import FactorError
from see_tn.fitting.distinct import distinct_codes
from see_tn.layer.codes import CodeShape, CodeTerms, pack_codes
from see_tn.layer.tables import Int8Table

ITERATIONS = 20  # of k-means; on a table of 30,522 x 384, 40 lowered the error by less than .001
POINTS = 65_536  # that k-means is trained on, at most; half of 8,000 rows cost codes of 4 bits 1 % in error
CHUNK = 16_384  # rows at a time


@dataclass(frozen=True)
class CodeOptions:
    """How codes are learned. `points` is the most rows that k-means sees, as many for few codewords as for many."""

    seed: int = 0
    iterations: int = ITERATIONS
    points: int = POINTS


def fit_codes(
    table: Tensor,
    shape: CodeShape,
    *,
    int8: bool,
    weights: Tensor | None = None,
    options: CodeOptions | None = None,
    distinct: bool = True,
) -> CodeTerms:
    """Learn codes, codewords and a basis for a table.

    Args:
        table: (V, width), the mean taken out.
        shape: the sizes.
        int8: whether codewords and basis are rounded to 8 bits; the codes are then chosen for the rounded ones.
        weights: (V,), how much a row counts in k-means.
        options: seed and effort; equal options give equal codes.
        distinct: whether different rows get different codes, see `distinct_codes`; where other terms of the layer tell
            rows apart, codes need not.
    Raises:
        FactorError: the table has another width.
    """
    if table.shape[1] != shape.width:
        raise FactorError(f"a table of {table.shape[1]} columns for codes of {shape.width}; give one of that width")
    options = options or CodeOptions()
    basis = _rounded(_basis(table, shape).flatten(0, 1), int8).reshape(shape.basis_shape) if shape.blocks else None
    numbers = _numbers(table, shape, basis)
    roots = None if weights is None else weights.float().cpu().numpy()
    words, codes = [], []
    for part in np.split(numbers, shape.parts, axis=1):
        centroids = _centroids(np.ascontiguousarray(part), 2**shape.bits, roots, options)
        centroids = _rounded(torch.from_numpy(centroids).reshape(1, -1), int8).reshape(centroids.shape).numpy()
        index = faiss.IndexFlatL2(shape.part_width)
        index.add(centroids)
        codes.append(index.search(np.ascontiguousarray(part), 1)[1][:, 0].astype(np.uint8))
        words.append(centroids)
    chosen = np.stack(codes, axis=1)
    if distinct:
        chosen = distinct_codes(numbers, chosen, np.stack(words), roots)
    packed = pack_codes(torch.from_numpy(chosen), shape)
    terms = CodeTerms(shape, packed, torch.from_numpy(np.stack(words)), basis)
    if int8:
        terms.quantise()
    return terms


def _rounded(vectors: Tensor, int8: bool) -> Tensor:
    return Int8Table.of(vectors).dense() if int8 else vectors


def _basis(table: Tensor, shape: CodeShape) -> Tensor:
    """The principal axes of each block of columns, dealt to the parts: `shape.basis_shape`."""
    blocks = []
    for block in range(shape.blocks):
        start = block * shape.block_width
        columns = slice(start, min(start + shape.block_width, shape.width))
        covariance = torch.zeros(2 * (shape.block_width,), dtype=torch.float64)
        n = columns.stop - columns.start
        for rows in torch.split(table[:, columns], CHUNK):
            covariance[:n, :n] += (rows.float().T @ rows.float()).double()
        variances, axes = torch.linalg.eigh(covariance)
        kept = shape.numbers // shape.blocks
        order = _dealt(variances.flip(0)[:kept].tolist(), shape.parts // shape.blocks)
        blocks.append(axes.flip(1)[:, order].T.float())
    return torch.stack(blocks)


def _dealt(variances: list[float], parts: int) -> list[int]:
    """Deal axes, the largest first, each to the part with room whose product of variances is smallest yet."""
    hands: list[list[int]] = [[] for _ in range(parts)]
    products = [0.0] * parts
    room = len(variances) // parts
    for axis, variance in enumerate(variances):
        part = min((part for part in range(parts) if len(hands[part]) < room), key=lambda part: products[part])
        hands[part].append(axis)
        products[part] += log(max(variance, 1e-30))
    return [axis for hand in hands for axis in hand]


def _numbers(table: Tensor, shape: CodeShape, basis: Tensor | None) -> np.ndarray[Any, Any]:
    """The numbers that the codes stand for: the table in the basis, by least squares, (V, numbers) float32."""
    numbers = np.zeros((len(table), shape.numbers), dtype=np.float32)
    inverse = None if basis is None else torch.linalg.pinv(basis)  # (blocks, columns, numbers)
    for start in range(0, len(table), CHUNK):
        rows = table[start : start + CHUNK].float()
        if inverse is None:
            numbers[start : start + CHUNK, : shape.width] = rows.numpy()
            continue
        padded = F.pad(rows, (0, shape.blocks * shape.block_width - shape.width))
        blocks = padded.reshape(len(rows), shape.blocks, -1).transpose(0, 1) @ inverse
        numbers[start : start + CHUNK] = blocks.transpose(0, 1).flatten(1).numpy()
    return numbers


def _centroids(
    points: np.ndarray[Any, Any], n_words: int, weights: np.ndarray[Any, Any] | None, options: CodeOptions
) -> np.ndarray[Any, Any]:
    """Codewords (n_words, part_width) by k-means; where there are fewer points than words, the points and zeros."""
    if len(points) <= n_words:
        return np.concatenate([points, np.zeros((n_words - len(points), points.shape[1]), np.float32)])
    means = faiss.Kmeans(
        points.shape[1],
        n_words,
        niter=options.iterations,
        seed=options.seed,
        min_points_per_centroid=1,
        max_points_per_centroid=-(-options.points // n_words),
    )
    means.train(points, weights=weights)
    return np.asarray(means.centroids, dtype=np.float32).reshape(n_words, -1)


def quick(options: CodeOptions) -> CodeOptions:
    """The same seed with little effort, for comparing shapes."""
    return replace(options, iterations=5, points=8192)
