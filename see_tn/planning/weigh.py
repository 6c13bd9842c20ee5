"""How a budget is best split for a given table: alternatives measured on it, each with little effort."""

from collections.abc import Callable, Collection, Iterator
from typing import Literal

import torch
from torch import Tensor

from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape
from see_tn.errors import BudgetError, FactorError
from see_tn.fitting.als import FitOptions, check_finite, check_size, checked_weights, fit_als, mean_row
from see_tn.fitting.layer import check_held, residual
from see_tn.fitting.quality import weighed_square
from see_tn.layer.product import ProductTerms
from see_tn.layer.spec import INT8, LayerSpec, row_dtype
from see_tn.planning.alternative import Alternative
from see_tn.planning.budget import Budget, layer_spec, shape_for_ratio
from see_tn.planning.codes import Purpose, best_codes, code_shapes, coded_spec

Kind = Literal["codes", "both", "products"]
QUICK = FitOptions(sweeps=3)
PRODUCT_SHARES = (0.25, 0.5)
"""Parts of the bytes that products get beside codes, where both are weighed."""

HIGHEST_RANK = 64
"""Channels up to which products are weighed: a fit's time grows with their cube, and 8 and 16 fitted alike."""


def weigh(
    rows: RowIndex,
    shape: ChainShape,
    teacher: Tensor,
    budget: Budget,
    *,
    kinds: Collection[Kind] = ("codes", "both", "products"),
    weights: Tensor | None = None,
    purpose: Purpose = "use",
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Alternative]:
    """Measure products, codes, and both together, at a budget of bytes, the least error first.

    Args:
        rows: which units make which row.
        shape: the chain of the products; its rank is not read.
        teacher: (V, width).
        budget: how much the layer may take, by bytes.
        kinds: what to measure.
        weights: (V,), positive: how much a piece's squared error counts.
        purpose: what layers are for: of codes nearly alike, those of which training makes more are measured.
        seed: of all fits.
        progress: called with what is measured next.
    Raises:
        FactorError: the budget is not one of bytes, or the teacher or the weights do not fit.
        BudgetError: nothing fits it.
    """
    if budget.by != "bytes":
        raise FactorError("codes are no parameters: weigh a budget of bytes, or plan products alone")
    check_size(teacher, rows.n_pieces, shape.width)
    check_finite(teacher)
    check_held(teacher, row_dtype(budget.storage))
    weights = checked_weights(weights, rows.n_pieces)
    found = []
    for kind, product in _candidates(rows, shape, budget, kinds):
        progress("codes alone" if product is None else f"rank {_shape(product).rank}" + " and codes" * (kind == "both"))
        left = _left(rows, product, teacher, weights, seed)
        if kind == "products" and product is not None:
            found.append(Alternative(product, rows.stored_bytes(), _error(left, teacher, weights)))
            continue
        index_bytes = 0 if product is None else rows.stored_bytes()
        shapes = list(code_shapes(product, rows.n_pieces, shape.width, budget, index_bytes))
        if shapes:
            int8 = budget.storage == INT8
            codes, share = best_codes(shapes, left, int8=int8, weights=weights, purpose=purpose, seed=seed)
            error = share**0.5 * _error(left, teacher, weights)
            found.append(Alternative(coded_spec(product, rows.n_pieces, codes, budget), index_bytes, error))
    if not found:
        raise BudgetError(
            f"a ratio of {budget.ratio:g} leaves {budget.allowed(rows.n_pieces, shape.width)} bytes: no codes use "
            "most of that, and no products on these rows fit; ask for another ratio"
        )
    return sorted(found, key=lambda alternative: alternative.relative_error or 0.0)


def _candidates(
    rows: RowIndex, shape: ChainShape, budget: Budget, kinds: Collection[Kind]
) -> Iterator[tuple[Kind, LayerSpec | None]]:
    """No products, small ones that leave room for codes, and the largest that fit."""
    if "codes" in kinds:
        yield "codes", None
    ranks = set()
    shares: list[tuple[Kind, float]] = [*(("both", share) for share in PRODUCT_SHARES), ("products", 1.0)]
    for kind, share in shares:
        if kind not in kinds:
            continue
        try:
            fitting = shape_for_ratio(rows, shape, budget.part(share))
        except BudgetError:
            continue  # the index alone takes more
        fitting = fitting.with_rank(min(fitting.rank, HIGHEST_RANK))
        if (kind, fitting.rank) not in ranks:
            ranks.add((kind, fitting.rank))
            yield kind, layer_spec(rows, fitting, budget.storage, offset=True)


def _left(rows: RowIndex, product: LayerSpec | None, teacher: Tensor, weights: Tensor | None, seed: int) -> Tensor:
    """What a quick fit of the products leaves of the teacher: (V, width), on the CPU."""
    if product is None:
        return residual(teacher, None, mean_row(teacher, weights).cpu())
    shape = _shape(product)
    generator = torch.Generator().manual_seed(seed)
    fit = fit_als(rows, teacher, shape, weights=weights, generator=generator, options=QUICK)
    return residual(teacher, ProductTerms(rows, shape, [core.cpu() for core in fit.cores]), fit.offset.cpu())


def _shape(spec: LayerSpec) -> ChainShape:
    if spec.product is None:
        raise FactorError("a layer without products has no chain")
    return spec.product.shape


def _error(left: Tensor, teacher: Tensor, weights: Tensor | None) -> float:
    total, missed = weighed_square(teacher, weights), weighed_square(left, weights)
    return (missed / total) ** 0.5 if total else 0.0
