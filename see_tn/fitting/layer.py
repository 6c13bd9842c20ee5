"""From a plan and a teacher's table to a layer: the products first, the codes for what they leave."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from see_tn.chain.row_index import RowIndex
from see_tn.errors import FactorError
from see_tn.fitting.als import (
    FitOptions,
    FitReport,
    Sweep,
    check_finite,
    checked_weights,
    fit_als,
    mean_row,
    no_offset,
)
from see_tn.fitting.codes import CHUNK, CodeOptions, fit_codes
from see_tn.fitting.quality import Quality, measure
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.layer.product import ProductTerms
from see_tn.layer.spec import FLOATS, LayerSpec
from see_tn.layer.tables import SCALE_TYPE


@dataclass(frozen=True)
class LayerFitOptions:
    """How a layer is fitted: the products' sweeps, the codes' effort, and the seed of both."""

    sweeps: FitOptions = field(default_factory=FitOptions)
    codes: CodeOptions = field(default_factory=CodeOptions)


@dataclass(frozen=True, eq=False)
class FittedLayer:
    """A layer as it is stored, how far its rows are from the teacher's, and how its products were fitted."""

    layer: EntangledEmbedding
    quality: Quality
    report: FitReport | None


def fit_layer(
    spec: LayerSpec,
    rows: RowIndex | None,
    teacher: Tensor,
    *,
    weights: Tensor | None = None,
    options: LayerFitOptions | None = None,
    resume: Path | None = None,
    progress: Callable[[Sweep], None] | None = None,
) -> FittedLayer:
    """Fit all terms of a layer to a teacher's table. The layer is on the CPU, wherever the teacher is.

    Args:
        spec: the layer's sizes; without an offset the table is fitted with its mean in it.
        rows: which units make which row; needed where the layer has products.
        teacher: (V, width).
        weights: (V,), positive: how much a piece's squared error counts.
        options: effort and seed.
        resume: a file that keeps the state of the products' fit, see `fit_als`.
        progress: called after each sweep of the products' fit.
    Raises:
        FactorError: the teacher or the weights do not fit, or rows are missing.
    """
    options = options or LayerFitOptions()
    if tuple(teacher.shape) != (spec.n_pieces, spec.width):
        raise FactorError(f"the teacher is {tuple(teacher.shape)}, the layer {(spec.n_pieces, spec.width)}")
    check_finite(teacher)
    check_held(teacher, spec.dtype)
    weights = checked_weights(weights, spec.n_pieces)
    product, report = None, None
    if spec.product is None:
        offset = mean_row(teacher, weights) if spec.offset else no_offset(teacher)
    else:
        if rows is None:
            raise FactorError("a layer with products needs rows; read them from tables")
        fit = fit_als(
            rows,
            teacher,
            spec.product.shape,
            weights=weights,
            offset=spec.offset,
            generator=torch.Generator().manual_seed(options.codes.seed),
            options=options.sweeps,
            resume=resume,
            progress=progress,
        )
        report, offset = fit.report, fit.offset
        product = _stored(ProductTerms(rows, spec.product.shape, [core.cpu() for core in fit.cores]), spec)
    offset = offset.cpu().to(SCALE_TYPE if spec.int8 else FLOATS[spec.dtype]).to(FLOATS[spec.dtype])
    codes = None
    if spec.codes is not None:
        left = residual(teacher, product, offset)
        alone = product is None
        coded = fit_codes(left, spec.codes, int8=spec.int8, weights=weights, options=options.codes, distinct=alone)
        codes = coded.to(FLOATS[spec.dtype])
    layer = EntangledEmbedding.from_terms(product, codes, offset if spec.offset else None, padding_idx=spec.padding_idx)
    for numbers in layer.state_dict().values():
        check_held(numbers, spec.dtype)
    return FittedLayer(layer, quality_of(layer, teacher), report)


def check_held(numbers: Tensor, dtype: str) -> None:
    """Refuse numbers beyond those of a layer's type (float16 ends at 65,504).

    Raises:
        FactorError: there are such.
    """
    if numbers.is_floating_point() and numbers.numel():
        least, largest = (float(extreme) for extreme in numbers.detach().aminmax())
        if not max(-least, largest) <= torch.finfo(FLOATS[dtype]).max:
            raise FactorError(f"numbers from {least:g} to {largest:g}: more than {dtype} holds; choose another type")


def residual(teacher: Tensor, product: ProductTerms | None, offset: Tensor) -> Tensor:
    """What the products and the offset leave of a teacher's table: (V, width) float32 on their device."""
    left = torch.empty(teacher.shape, dtype=torch.float32, device=offset.device)
    for start in range(0, len(teacher), CHUNK):
        part = teacher[start : start + CHUNK].detach().to(left) - offset.float()
        if product is not None:
            with torch.no_grad():
                part -= product(torch.arange(start, start + len(part), device=left.device)).float()
        left[start : start + CHUNK] = part
    return left


def quality_of(layer: EntangledEmbedding, teacher: Tensor) -> Quality:
    """How far a layer's rows are from a teacher's, each piece alike."""
    pieces = torch.split(torch.arange(len(teacher), device=next(layer.buffers()).device), 4096)
    with torch.no_grad():
        return measure(teacher, (layer.rows_for(ids).to(teacher.device) for ids in pieces))


def _stored(product: ProductTerms, spec: LayerSpec) -> ProductTerms:
    if spec.int8:
        product.quantise()
    return product.to(FLOATS[spec.dtype])
