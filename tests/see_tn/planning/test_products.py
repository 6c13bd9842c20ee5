import pytest

from see_tn.errors import FactorError
from see_tn.planning.budget import Budget
from see_tn.planning.products import SHARED_BY, plan_products

SIZES = [(32_000, 512), (32_064, 3_072), (250_000, 1_024), (30_522, 384), (6_000, 64), (1_000, 509)]


@pytest.mark.parametrize(("n_pieces", "width"), SIZES)
@pytest.mark.parametrize("ratio", [5, 10, 20, 40, 80])
@pytest.mark.parametrize(("by", "storage"), [("bytes", "int8"), ("bytes", "float32"), ("parameters", "float32")])
def test_every_alternative_keeps_to_the_budget_and_shares_its_units(n_pieces, width, ratio, by, storage):
    budget = Budget(ratio, by, storage)
    try:
        alternatives = plan_products(n_pieces, width, budget)
    except FactorError:
        assert n_pieces <= 6_000  # small tables have no room for an index
        return
    for alternative in alternatives:
        assert budget.fits(alternative.spec, alternative.index_bytes)
        assert max(alternative.spec.product.n_units) <= n_pieces // SHARED_BY
        assert alternative.spec.product.shape.full_width >= width


def test_fewer_channels_would_leave_units_that_are_hardly_shared():
    for alternative in plan_products(32_000, 512, Budget(20, "parameters")):
        shape, allowed = alternative.spec.product.shape, 32_000 * 512 / 20
        if shape.rank > 1:
            smaller = max(rank for rank in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32) if rank < shape.rank)
            per_unit = shape.with_rank(smaller).parameters((1,) * len(shape.table_shapes))
            assert allowed / per_unit > 32_000 / SHARED_BY


def test_several_terms_leave_room_for_fewer_units():
    one, three = (plan_products(32_000, 512, Budget(20, "bytes", "int8"), n_terms=terms)[0] for terms in (1, 3))
    assert three.index_bytes > 3 * one.index_bytes - 100
    assert three.spec.parameters < one.spec.parameters


def test_a_ratio_out_of_reach_says_so():
    with pytest.raises(FactorError, match="too little for any product: ask for a smaller ratio"):
        plan_products(1_000, 16, Budget(1_000))


@pytest.mark.parametrize("sizes", [(0, 64), (10, 1), (10, 0)])
def test_sizes_that_make_no_table_are_refused(sizes):
    with pytest.raises(FactorError, match="give at least"):
        plan_products(*sizes, Budget(2))
