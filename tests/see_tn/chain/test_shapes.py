from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from see_tn.chain.shapes import ChainShape, balanced_sites, dense_bytes, largest_rank
from see_tn.errors import FactorError

widths = st.integers(1, 5000)
orders = st.integers(1, 4)


def chains():
    return st.builds(
        lambda form, sites, rank: ChainShape(form, prod(sites), tuple(sites), rank),
        st.sampled_from(["cp", "mps"]),
        st.lists(st.integers(1, 9), min_size=1, max_size=4),
        st.integers(1, 12),
    )


@pytest.mark.parametrize(
    ("width", "order", "sites"),
    [
        (512, 3, (8, 8, 8)),
        (3072, 3, (16, 16, 12)),
        (384, 3, (8, 8, 6)),
        (384, 2, (24, 16)),
        (768, 3, (12, 8, 8)),
        (384, 1, (384,)),
        (509, 3, (8, 8, 8)),
        (257, 2, (20, 13)),
        (1, 4, (1, 1, 1, 1)),
    ],
)
def test_known_widths_split_as_documented(width, order, sites):
    assert balanced_sites(width, order) == sites


@given(widths, orders)
def test_sites_reach_the_width_fall_and_are_nearly_balanced(width, order):
    sites = balanced_sites(width, order)
    assert len(sites) == order
    assert prod(sites) >= width
    assert list(sites) == sorted(sites, reverse=True)
    assert sites[0] <= 2 * sites[-1]


@given(st.integers(1, 400), st.integers(2, 3))
@settings(max_examples=40)
def test_no_balanced_sites_have_a_smaller_product(width, order):
    def every(order, largest, least):
        if order == 0:
            yield ()
            return
        for first in range(least, largest + 1):
            for rest in every(order - 1, first, least):
                yield (first, *rest)

    balanced = [s for s in every(order, 30, 1) if s[0] <= 2 * s[-1] and prod(s) >= width]
    assert prod(balanced_sites(width, order)) == min(map(prod, balanced))


@pytest.mark.parametrize(("width", "order"), [(0, 3), (-4, 2), (12, 0), (12, 9)])
def test_an_impossible_split_is_refused(width, order):
    with pytest.raises(FactorError, match=f"width {width} and order {order}"):
        balanced_sites(width, order)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("tt", 8, (2, 4), 1), "form is 'tt'"),
        (("cp", 9, (2, 4), 1), "make 8 columns, below the width 9"),
        (("cp", 8, (2, 4), 0), "must be positive"),
        (("cp", 8, (), 1), "must be positive"),
        (("mps", 0, (2, 4), 1), "must be positive"),
    ],
)
def test_a_shape_is_checked_where_it_is_born(arguments, problem):
    with pytest.raises(FactorError, match=problem):
        ChainShape(*arguments)


def test_bonds_cores_and_parameters_of_both_forms():
    cp, mps = ChainShape("cp", 24, (4, 3, 2), 5), ChainShape("mps", 24, (4, 3, 2), 5)
    assert mps.bonds == (1, 5, 5, 1)
    assert [cp.core_shape(site) for site in range(3)] == [(5, 4), (5, 3), (5, 2)]
    assert [mps.core_shape(site) for site in range(3)] == [(1, 4, 5), (5, 3, 5), (5, 2, 1)]
    assert cp.parameters((10, 20, 30)) == 10 * 20 + 20 * 15 + 30 * 10
    assert mps.parameters((10, 20, 30)) == 10 * 20 + 20 * 75 + 30 * 10


def test_equal_units_at_each_site_cost_what_the_paper_says():
    assert ChainShape("cp", 512, (8, 8, 8), 10).parameters((2000, 2000, 2000)) == 3 * 2000 * 8 * 10


def test_the_cost_of_a_row_counts_both_halves_and_the_last_product():
    # CP: the right half is 8 * 6 = 48 columns; 9 channels. MPS: (8 bonds) 8 x 8 x 6 for the right half.
    assert ChainShape("cp", 384, (8, 8, 6), 9).multiply_adds() == 9 * 48 + 9 * 384
    assert ChainShape("cp", 384, (8, 8, 6), 9).multiply_adds(3) == 3 * (9 * 48 + 9 * 384)
    assert ChainShape("mps", 384, (8, 8, 6), 4).multiply_adds() == 4 * 8 * 4 * 6 + 4 * 384


def test_counts_of_units_that_miss_a_site_are_refused():
    with pytest.raises(FactorError, match="2 counts of units for 3 tables"):
        ChainShape("cp", 24, (4, 3, 2), 5).parameters((10, 20))


@given(chains(), st.integers(1, 50), st.integers(1, 100_000))
def test_the_largest_rank_fits_and_the_next_one_does_not(shape, n, budget):
    n_units = (n,) * shape.order
    if shape.with_rank(1).parameters(n_units) > budget:
        with pytest.raises(FactorError, match=f"above the budget of {budget}"):
            largest_rank(shape, n_units, budget)
        return
    rank = largest_rank(shape, n_units, budget)
    assert shape.with_rank(rank).parameters(n_units) <= budget
    if shape.form == "cp" or shape.order > 1:
        assert shape.with_rank(rank + 1).parameters(n_units) > budget


def test_the_dense_table_is_counted_in_float32():
    assert dense_bytes(30_522, 384) == 30_522 * 384 * 4
