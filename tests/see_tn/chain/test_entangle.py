import pytest
import torch

from see_tn.chain.entangle import entangle, gather, rows_of
from see_tn.chain.initialise import random_cores
from see_tn.chain.network import network_row
from tests.see_tn.examples import SHAPES, dense_row, seeded, shape_name, some_rows

JUDGES = {"tensornetwork": network_row, "one dense einsum": dense_row}


def problem(shape, dtype=torch.float32):
    rows = some_rows(order=shape.order, tables=shape.tables)
    cores = random_cores(shape, rows.n_units, 1.0, seeded(), dtype)
    index, amplitude = torch.from_numpy(rows.index), torch.from_numpy(rows.amplitude).to(dtype)
    return [core.requires_grad_() for core in cores], index, amplitude


@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
@pytest.mark.parametrize("judge", JUDGES)
def test_rows_and_gradients_agree_with(judge, shape):
    cores, index, amplitude = problem(shape)
    weight = torch.randn(len(index), shape.width, generator=seeded(1))

    fast = rows_of(shape, cores, index, amplitude)
    slow = torch.stack([JUDGES[judge](shape, cores, i, a) for i, a in zip(index, amplitude, strict=True)])
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-5)

    fast_gradients = torch.autograd.grad((fast * weight).sum(), cores)
    slow_gradients = torch.autograd.grad((slow * weight).sum(), cores)
    torch.testing.assert_close(fast_gradients, slow_gradients, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
def test_every_split_gives_the_same_rows(shape):
    cores, index, amplitude = problem(shape, torch.float64)
    gathered = gather([cores[table] for table in shape.tables], index)
    first = entangle(gathered, amplitude, 0)
    for split in range(1, shape.order):
        torch.testing.assert_close(entangle(gathered, amplitude, split), first)


@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
def test_gradients_are_exact_in_float64(shape):
    cores, index, amplitude = problem(shape, torch.float64)
    assert torch.autograd.gradcheck(lambda *cores: rows_of(shape, cores, index[:4], amplitude[:4]), cores)


def test_a_cp_chain_is_an_mps_chain_with_diagonal_bonds():
    cp = SHAPES[4]
    cores, index, amplitude = problem(cp)
    first, middle, last = (core.detach() for core in cores)
    as_mps = [
        first.transpose(1, 2).unsqueeze(1),
        torch.diag_embed(middle.transpose(1, 2)).permute(0, 2, 1, 3),
        last.unsqueeze(3),
    ]
    mps = type(cp)("mps", cp.width, cp.sites, cp.rank)
    torch.testing.assert_close(rows_of(mps, as_mps, index, amplitude), rows_of(cp, cores, index, amplitude).detach())


def test_no_rows_are_no_rows():
    cores, index, amplitude = problem(SHAPES[5])
    assert rows_of(SHAPES[5], cores, index[:0], amplitude[:0]).shape == (0, SHAPES[5].width)
