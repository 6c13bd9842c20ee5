import pytest
import torch

from see_tn.errors import FactorError
from see_tn.planning.baselines import compare
from tests.see_tn.examples import seeded

NAMES = [
    "truncated SVD, float32 factors",
    "truncated SVD, int8 factors",
    "product quantisation, 8-bit codes",
    "product quantisation, 4-bit codes",
    "int4 rows",
    "int2 rows",
    "int1 rows",
]


@pytest.fixture(scope="module")
def teacher():
    table = torch.randn(600, 48, generator=seeded())
    return table * torch.linspace(2, 0.1, 48) + torch.randn(48, generator=seeded(1))


def by_name(teacher, budget):
    return {baseline.name: baseline for baseline in compare(teacher, budget, seed=0)}


@pytest.mark.parametrize("ratio", [1, 4, 20])
def test_every_method_fits_the_budget_or_says_that_it_does_not(teacher, ratio):
    budget = teacher.numel() * 4 // ratio
    found = compare(teacher, budget, seed=0)
    assert [baseline.name for baseline in found] == NAMES
    for baseline in found:
        assert (baseline.bytes <= budget) != ("does not fit" in baseline.note)
        assert baseline.ratio == pytest.approx(teacher.numel() * 4 / baseline.bytes)
        assert 0 <= baseline.relative_error < 1
        assert -1 <= baseline.mean_cosine <= 1.000001


def test_more_bits_per_number_are_better(teacher):
    found = by_name(teacher, teacher.numel() * 4)
    errors = [found[f"int{bits} rows"].relative_error for bits in (4, 2, 1)]
    assert errors == sorted(errors)
    assert errors[0] < 0.15
    assert errors[0] < errors[1] < errors[2]


def test_svd_at_full_rank_is_exact_and_in_int8_nearly_so(teacher):
    found = by_name(teacher, 10 * teacher.numel() * 4)
    assert found["truncated SVD, float32 factors"].relative_error < 1e-5
    assert found["truncated SVD, int8 factors"].relative_error < 0.02
    assert found["truncated SVD, float32 factors"].note == "rank 48"


def test_svd_is_the_best_of_its_rank(teacher):
    found = by_name(teacher, 20_000)["truncated SVD, float32 factors"]
    rank = (20_000 - 4 * 48) // (4 * (600 + 48))
    centred = teacher - teacher.mean(dim=0)
    lost = torch.linalg.svdvals(centred)[rank:].norm() / teacher.norm()
    assert found.note == f"rank {rank}"
    assert found.relative_error == pytest.approx(float(lost), rel=1e-3)


def test_a_larger_budget_is_never_worse_for_svd(teacher):
    errors = [by_name(teacher, size)["truncated SVD, int8 factors"].relative_error for size in (5_000, 10_000, 20_000)]
    assert errors == sorted(errors, reverse=True)


def test_bytes_of_product_quantisation_are_codes_codebook_and_mean(teacher):
    found = by_name(teacher, 4 * 48 + 600 * 6 + 4 * 16 * 48)["product quantisation, 4-bit codes"]
    assert found.note == "12 parts of 4 columns"
    assert found.bytes == 4 * 48 + 600 * 6 + 4 * 16 * 48


def test_the_same_seed_gives_the_same_figures(teacher):
    assert compare(teacher, 12_000, seed=3) == compare(teacher, 12_000, seed=3)


def test_a_tiny_table_and_a_constant_one_are_no_trouble():
    for table in (torch.randn(3, 5, generator=seeded()), torch.ones(40, 6), torch.zeros(4, 4)):
        assert all(torch.isfinite(torch.tensor(baseline.relative_error)) for baseline in compare(table, 100))


@pytest.mark.parametrize("table", [torch.zeros(0, 4), torch.zeros(4), torch.full((2, 2), torch.nan)])
def test_a_teacher_that_is_no_table_of_numbers_is_refused(table):
    with pytest.raises(FactorError, match="table of finite numbers"):
        compare(table, 100)


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(FactorError, match="the budget is 0 bytes"):
        compare(torch.ones(2, 2), 0)
