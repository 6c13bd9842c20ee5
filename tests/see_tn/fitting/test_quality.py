import pytest
import torch

from see_tn.fitting.quality import measure
from tests.see_tn.examples import seeded


def test_the_figures_of_a_small_table():
    teacher = torch.tensor([[3.0, 4.0], [0.0, 5.0]])
    got = measure(teacher, torch.tensor([[3.0, 0.0], [0.0, 5.0]]))
    assert got.relative_error == pytest.approx(4 / 50**0.5)
    assert got.mean_cosine == pytest.approx((0.6 + 1) / 2)


def test_a_table_is_its_own_perfect_approximation_and_zeros_are_none():
    teacher = torch.randn(9000, 3, generator=seeded())
    assert measure(teacher, teacher).relative_error == 0
    assert measure(teacher, teacher).mean_cosine == pytest.approx(1)
    assert measure(teacher, torch.zeros_like(teacher)).relative_error == 1
    assert measure(teacher, torch.zeros_like(teacher)).mean_cosine == 0


def test_chunks_of_any_size_give_the_same_figures():
    teacher, got = torch.randn(2, 100, 3, generator=seeded())
    for size in (1, 7, 100):
        chunked = measure(teacher, iter(got.split(size)))
        assert chunked.relative_error == pytest.approx(measure(teacher, got).relative_error)
        assert chunked.mean_cosine == pytest.approx(measure(teacher, got).mean_cosine)


@pytest.mark.parametrize("got", [torch.zeros(3, 2), torch.zeros(5, 2), torch.zeros(4, 3)])
def test_tables_of_different_shapes_are_refused(got):
    with pytest.raises(ValueError, match="rows"):
        measure(torch.zeros(4, 2), got)
