"""Which products a budget buys, before there are any rows: many units of few numbers, or few units of many.

At equal size time grows with the channels and not with the units, while a fit to a real table hardly gains from more
channels: on 30,522 x 384 at 20 times fewer bytes (8 bits, one term, units drawn at random), order 2 left an error of
.839, .819, .814 and .814 with 2, 4, 8 and 16 channels. So of each form the fewest channels are taken whose units are
still shared.
"""

from collections.abc import Iterator

from see_tn.chain.shapes import ChainShape, Form, balanced_sites
from see_tn.errors import BudgetError, FactorError
from see_tn.layer.spec import INT8, LayerSpec, ProductSpec, row_dtype
from see_tn.planning.alternative import Alternative
from see_tn.planning.budget import Budget

ORDERS = (2, 3, 4)
NARROWEST = 2 ** min(ORDERS)
"""A site has two numbers at least."""

RANKS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
SHARED_BY = 2
"""Pieces for each unit of a site, at least: above it units would be rows of their own."""

FEWEST_UNITS = 16


def plan_products(
    n_pieces: int, width: int, budget: Budget, *, n_terms: int = 1, offset: bool = False
) -> list[Alternative]:
    """Spend a budget on products in several forms, the one of least work first.

    Args:
        n_pieces: V.
        width: d.
        budget: how much the layer may take.
        n_terms: terms of a row, its form term included.
        offset: whether the layer has an offset.
    Raises:
        FactorError: a size is too small.
        BudgetError: nothing fits the budget.
    """
    if n_pieces < 1 or width < NARROWEST or n_terms < 1:
        raise FactorError(f"{n_pieces} pieces, width {width}, {n_terms} terms; give at least 1, {NARROWEST} and 1")
    found = [
        alternative
        for shape in _shapes(width)
        if (alternative := _fewest_channels(n_pieces, shape, budget, n_terms, offset)) is not None
    ]
    if not found:
        allowed = budget.allowed(n_pieces, width)
        raise BudgetError(
            f"a ratio of {budget.ratio:g} leaves {allowed} {budget.by} for {n_pieces} rows of {width}, too little for "
            "any product: ask for a smaller ratio, or fewer terms"
        )
    return sorted(found, key=_time)


def units_of_a_site(shape: ChainShape, units: int) -> int:
    """Units that each site may have where a table of cores has `units`: one that is shared has those of all sites."""
    return units // shape.order if shape.shared else units


def _time(alternative: Alternative) -> float:
    """About what a row takes: each site beyond two makes one more product in between that has to be kept."""
    product = alternative.spec.product
    return alternative.work * (product.shape.order if product else 1)


def _shapes(width: int) -> Iterator[ChainShape]:
    """Forms worth weighing. At order 2 CP and MPS are the same; cores in common need equal sites."""
    forms: tuple[Form, ...] = ("cp", "mps")
    for order in ORDERS:
        if width < 2**order:
            continue
        sites = balanced_sites(width, order)
        for form in forms:
            if form == "cp" or order > 2:
                yield ChainShape(form, width, sites, 1)
        if len(set(sites)) == 1:
            yield ChainShape("cp", width, sites, 1, shared=True)


def _fewest_channels(
    n_pieces: int, shape: ChainShape, budget: Budget, n_terms: int, offset: bool
) -> Alternative | None:
    for rank in RANKS:
        ranked = shape.with_rank(rank)
        units = _most_units(n_pieces, ranked, budget, n_terms, offset)
        if units < FEWEST_UNITS:
            return None
        if units <= max(FEWEST_UNITS, n_pieces // SHARED_BY):
            rows = units_of_a_site(shape, units) ** shape.order
            return None if rows < n_pieces else _alternative(n_pieces, ranked, units, budget, n_terms, offset)
    units = max(FEWEST_UNITS, n_pieces // SHARED_BY)
    return _alternative(n_pieces, shape.with_rank(RANKS[-1]), units, budget, n_terms, offset)


def _most_units(n_pieces: int, shape: ChainShape, budget: Budget, n_terms: int, offset: bool) -> int:
    """The most units per table that the budget allows, 0 if not even one fits."""
    low, high = 0, 2 * n_pieces + 1
    while high - low > 1:
        middle = (low + high) // 2
        tried = _alternative(n_pieces, shape, middle, budget, n_terms, offset)
        low, high = (middle, high) if budget.fits(tried.spec, tried.index_bytes) else (low, middle)
    return low


def _alternative(
    n_pieces: int, shape: ChainShape, units: int, budget: Budget, n_terms: int, offset: bool
) -> Alternative:
    product = ProductSpec(shape, n_terms, (units,) * len(shape.table_shapes), n_terms == 1)
    spec = LayerSpec(
        n_pieces=n_pieces,
        width=shape.width,
        dtype=row_dtype(budget.storage),
        int8=budget.storage == INT8,
        offset=offset,
        product=product,
    )
    per_unit = 1 if units <= 1 << 8 else 2 if units <= 1 << 16 else 4
    # With several terms a byte each for their number and for an amplitude.
    index_bytes = n_pieces * (n_terms * shape.order * per_unit + (n_terms + 1 if n_terms > 1 else 0)) + 5
    return Alternative(spec, index_bytes)
