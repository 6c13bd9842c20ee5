import numpy as np
import pytest
import torch

from see_tn.chain.entangle import rows_of
from see_tn.chain.initialise import random_cores
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.spectrum.truncate import truncate_bonds, truncate_to_error
from tests.see_tn.examples import SHAPES, seeded, some_rows

SHAPE = ChainShape("mps", 24, (4, 3, 2), 6)
ROWS = some_rows(n_pieces=50)


def table(shape, cores):
    return rows_of(shape, cores, torch.from_numpy(ROWS.index), torch.from_numpy(ROWS.amplitude))


def random(rank, seed=0):
    return random_cores(SHAPE.with_rank(rank), ROWS.n_units, 1.0, seeded(seed))


def cancelling():
    """Unit k uses only the bond's value k; units 1 and 2 cancel in piece 0, and piece 1 makes unit 1 weigh more."""
    shape = ChainShape("mps", 12, (4, 3), 4)
    left, right = torch.zeros(3, 1, 4, 4), torch.zeros(3, 4, 3, 1)
    for unit, (column, size) in enumerate([(0, 1.0), (1, 0.8), (1, 0.8)]):
        left[unit, 0, column, unit], right[unit, unit, column, 0] = size, 1.0
    index = np.array([[[0, 0], [1, 1], [2, 2]], [[1, 1], [0, 0], [0, 0]]], dtype=np.int32)
    amplitude = np.array([[1, 1, -1], [0.1, 0, 0]], dtype=np.float32)
    return shape, RowIndex(index, amplitude, (3, 3)), [left, right]


def test_the_full_rank_gives_the_rows_back():
    cores = random(6)
    cut = truncate_bonds(ROWS, SHAPE, cores, 6)
    torch.testing.assert_close(table(cut.shape, cut.cores), table(SHAPE, cores), rtol=1e-4, atol=1e-4)
    assert cut.relative_error < 1e-5
    assert cut.kept == pytest.approx((1, 1))


def test_bonds_that_carry_nothing_are_cut_without_loss():
    small = SHAPE.with_rank(2)
    cores = random(2)
    turn = torch.linalg.qr(torch.randn(6, 2, generator=seeded(3))).Q  # of six directions only two are used
    wide = [
        cores[0] @ turn.T,
        torch.einsum("ij,njdk,kl->nidl", turn, cores[1], turn.T),
        torch.einsum("ij,njdr->nidr", turn, cores[2]),
    ]
    torch.testing.assert_close(table(SHAPE, wide), table(small, cores), rtol=1e-4, atol=1e-4)
    cut = truncate_to_error(ROWS, SHAPE, wide, 1e-4)
    assert cut.shape.rank == 2
    torch.testing.assert_close(table(cut.shape, cut.cores), table(small, cores), rtol=1e-3, atol=1e-3)


def test_the_stated_error_is_the_measured_one_and_falls_with_the_rank():
    cores, errors = random(6), []
    before = table(SHAPE, cores)
    for rank in (1, 2, 4, 6):
        cut = truncate_bonds(ROWS, SHAPE, cores, rank)
        assert [tuple(core.shape[1:]) for core in cut.cores] == [cut.shape.core_shape(site) for site in range(3)]
        measured = float((table(cut.shape, cut.cores) - before).norm() / before.norm())
        assert cut.relative_error == pytest.approx(measured, abs=1e-5)
        errors.append(cut.relative_error)
    assert errors == sorted(errors, reverse=True)
    chosen = truncate_to_error(ROWS, SHAPE, cores, errors[1])
    assert chosen.shape.rank <= 2
    assert chosen.relative_error <= errors[1]


def test_padding_terms_change_nothing():
    cores = random(6)
    index = np.pad(ROWS.index, ((0, 0), (0, 20), (0, 0)))
    padded = RowIndex(index, np.pad(ROWS.amplitude, ((0, 0), (0, 20))), ROWS.n_units)
    for rank in (1, 3, 5):
        cut, other = (truncate_bonds(rows, SHAPE, cores, rank) for rows in (ROWS, padded))
        assert cut.relative_error == pytest.approx(other.relative_error, abs=1e-6)
        assert cut.kept == pytest.approx(other.kept)


def test_no_error_at_all_leaves_the_cores_as_they_are():
    cores = random(6)
    cut = truncate_to_error(ROWS, SHAPE, cores, 0.0)
    assert (cut.shape, cut.relative_error, cut.kept) == (SHAPE, 0.0, (1.0, 1.0))
    assert all(torch.equal(new, old) for new, old in zip(cut.cores, cores, strict=True))


def test_the_rank_is_the_smallest_also_where_the_error_rises_with_it():
    shape, rows, cores = cancelling()
    errors = [truncate_bonds(rows, shape, cores, rank).relative_error for rank in (1, 2)]
    assert errors[1] > errors[0]
    assert truncate_to_error(rows, shape, cores, errors[0]).shape.rank == 1


@pytest.mark.parametrize("rank", [0, 7])
def test_ranks_out_of_range_are_refused(rank):
    with pytest.raises(FactorError, match="give one from 1"):
        truncate_bonds(ROWS, SHAPE, random(6), rank)


def test_what_has_no_bonds_is_refused():
    shape = SHAPES[4]
    with pytest.raises(FactorError, match="a CP form has channels"):
        truncate_bonds(some_rows(), shape, random_cores(shape, some_rows().n_units, 1.0), 1)
    with pytest.raises(FactorError, match="a CP form has channels"):
        truncate_to_error(some_rows(), shape.with_rank(1), random_cores(shape, some_rows().n_units, 1.0), 0.1)
    with pytest.raises(FactorError, match="give 0 or more"):
        truncate_to_error(ROWS, SHAPE, random(6), -1.0)
