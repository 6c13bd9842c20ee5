import numpy as np
import pytest
import torch

from see_tn.chain.initialise import NOISE, directed_cores, random_cores
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape, balanced_sites
from see_tn.layer.embedding import EntangledEmbedding
from tests.see_tn.examples import seeded


@pytest.mark.parametrize("form", ["cp", "mps"])
@pytest.mark.parametrize("order", [2, 3])
def test_rows_have_the_promised_std(form, order):
    # Units of their own for every piece: shared ones would make the measured figure itself random.
    n_pieces, n_terms = 2000, 2
    units = np.arange(n_pieces * n_terms)[:, None].repeat(order, axis=1)
    amplitudes = np.tile(np.array([0.6, 0.8], dtype=np.float32), n_pieces)
    rows = RowIndex.from_unit_rows(np.arange(n_pieces).repeat(n_terms), amplitudes, units)
    shape = ChainShape(form, 64, balanced_sites(64, order), 6)
    table = EntangledEmbedding(rows, shape, row_std=0.05, generator=seeded()).materialise().detach()
    assert table.std().item() == pytest.approx(0.05, rel=0.03)
    assert abs(table.mean().item()) < 0.001


def test_rows_of_one_core_at_all_sites_are_longer():
    units = np.arange(2000)[:, None].repeat(2, axis=1)
    rows = RowIndex.from_unit_rows(np.arange(2000), np.ones(2000, np.float32), units, (0, 0))
    shape = ChainShape("cp", 64, (8, 8), 6, shared=True)
    table = EntangledEmbedding(rows, shape, row_std=0.05, generator=seeded()).materialise().detach()
    assert table.std().item() > 1.1 * 0.05


def test_a_seed_means_the_same_cores_in_every_type():
    shape = ChainShape("mps", 12, (4, 3), 2)
    single = random_cores(shape, (5, 6), 0.1, seeded())
    half = random_cores(shape, (5, 6), 0.1, seeded(), torch.bfloat16)
    for one, other in zip(single, half, strict=True):
        assert torch.equal(one.bfloat16(), other)


@pytest.mark.parametrize(("form", "direction"), [("cp", (0, 0, 1, 0)), ("mps", (0, 1, 0, 0))])
def test_directed_cores_follow_the_tables_directions(form, direction):
    # Every row is a multiple of one product of a direction per site.
    first, second = torch.tensor(direction) * 1.0, torch.tensor([0.6, 0.8, 0.0])
    table = torch.randn(50, 1, generator=seeded()) * torch.outer(first, second).flatten()
    shape = ChainShape(form, 12, (4, 3), 5)
    cores = directed_cores(shape, (7, 8), table, seeded(1))
    for core, axis in zip(cores, (first, second), strict=True):
        # Units differ by the noise alone, and lie along the axis otherwise, either way round.
        vectors = (core if form == "cp" else core.transpose(2, 3).flatten(1, 2)).mean(dim=0)
        assert (torch.cosine_similarity(vectors, axis, dim=-1).abs() > 0.9).all()
        assert core.std(dim=0).mean() == pytest.approx(NOISE * core.square().mean().sqrt().item(), rel=0.3)


def test_directed_cores_of_a_cut_width_and_of_a_table_without_variance_are_finite():
    shape = ChainShape("cp", 11, (4, 3), 5)
    for table in (torch.zeros(20, 11), torch.randn(20, 11, generator=seeded())):
        cores = directed_cores(shape, (7, 8), table, seeded(1))
        assert [tuple(core.shape) for core in cores] == [(7, 5, 4), (8, 5, 3)]
        assert all(torch.isfinite(core).all() for core in cores)
        again = directed_cores(shape, (7, 8), table, seeded(1))
        assert all(torch.equal(one, other) for one, other in zip(cores, again, strict=True))
