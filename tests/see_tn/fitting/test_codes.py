import pytest
import torch

from see_tn.errors import FactorError
from see_tn.fitting.codes import CodeOptions, fit_codes, quick
from see_tn.fitting.quality import measure
from see_tn.layer.codes import CodeShape
from tests.see_tn.examples import seeded


def correlated(n=600, width=24, rank=6):
    table = torch.randn(n, rank, generator=seeded()) @ torch.randn(rank, width, generator=seeded(1))
    return table + 0.05 * torch.randn(n, width, generator=seeded(2))


def error(table, shape, **options):
    terms = fit_codes(table, shape, int8=options.pop("int8", False), **options)
    with torch.no_grad():
        return measure(table, terms(torch.arange(len(table)))).relative_error


def test_a_basis_finds_the_directions_of_a_table():
    table = correlated()
    with_basis = error(table, CodeShape(24, 6, 8, 1, 1))
    without = error(table, CodeShape(24, 6, 8, 4))
    assert with_basis < 0.1 < without


def test_more_codes_leave_less():
    table = correlated(rank=24)
    errors = [error(table, CodeShape(24, parts, 8, 2, 1)) for parts in (2, 6, 12)]
    assert errors == sorted(errors, reverse=True)


def test_eight_bits_cost_little():
    table, shape = correlated(), CodeShape(24, 8, 8, 3, 1)
    assert error(table, shape, int8=True) < error(table, shape) + 0.02


def test_as_many_words_as_rows_give_the_table_back():
    table = torch.randn(16, 6, generator=seeded())
    assert error(table, CodeShape(6, 3, 4, 2)) < 1e-6
    assert error(table[:5], CodeShape(6, 3, 4, 2, 1)) < 1e-5


def test_blocks_that_stand_out_beyond_the_width_are_cut():
    table = torch.randn(300, 23, generator=seeded())
    assert error(table, CodeShape(23, 12, 8, 2, 2)) < 0.5


def test_a_seed_means_one_fit():
    table, shape = correlated(), CodeShape(24, 8, 4, 3, 1)
    one, same, other = (fit_codes(table, shape, int8=True, options=CodeOptions(seed=seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), same.state_dict().values(), strict=True))
    assert not torch.equal(one.codes, other.codes)


def test_rows_of_more_weight_are_closer():
    table = torch.randn(600, 8, generator=seeded())
    weights = torch.ones(600)
    weights[:100] = 50
    shape = CodeShape(8, 2, 4, 4)
    plain, weighted = (
        fit_codes(table, shape, int8=False, weights=given)(torch.arange(100)) for given in (None, weights)
    )
    assert (weighted - table[:100]).norm() < (plain - table[:100]).norm()


def test_a_table_of_another_width_is_refused():
    with pytest.raises(FactorError, match="a table of 7 columns for codes of 8"):
        fit_codes(torch.zeros(5, 7), CodeShape(8, 2, 4, 4), int8=False)


def test_a_quick_fit_keeps_the_seed():
    assert quick(CodeOptions(seed=7)).seed == 7
