"""The peers of the benchmarks are what their papers say."""

import pytest
import torch

from tests.bench.peers.choose import peers_for
from tests.bench.peers.coded import IntRows, ProductQuantised
from tests.bench.peers.peer import Dense, LowRank
from tests.bench.peers.tensors import MorphTE, TensorTrain, Word2KetXS, covering, digits, tt_svd, tt_svd_bytes

PEERS = {
    "dense": lambda: Dense(50, 20),
    "low rank": lambda: LowRank(50, 20, 3),
    "tensor train": lambda: TensorTrain(50, 20, 4),
    "word2ketXS, order 2": lambda: Word2KetXS(50, 20, 3),
    "word2ketXS, order 4": lambda: Word2KetXS(50, 20, 2, 4),
    "MorphTE": lambda: MorphTE(50, 20, 3, 11),
    "codes of 8 bits": lambda: ProductQuantised(50, 20, 3),
    "codes of 4 bits": lambda: ProductQuantised(50, 20, 3, 4),
    "int8": lambda: IntRows(50, 20, 8),
    "int4": lambda: IntRows(50, 20, 4),
    "int2": lambda: IntRows(50, 20, 2),
}


@pytest.mark.parametrize("name", PEERS)
def test_a_batch_is_what_the_table_says_and_trains_what_can_be_trained(name):
    peer = PEERS[name]()
    table = peer.materialise()
    assert table.shape == (50, 20)
    for ids in (torch.tensor([[3, 3], [49, 0]]), torch.tensor(7)):
        torch.testing.assert_close(peer(ids), table[ids])
    if list(peer.parameters()):
        peer(torch.tensor([1, 2])).sum().backward()
        assert any(bool(parameter.grad.any()) for parameter in peer.parameters())


@pytest.mark.parametrize("by", ["parameters", "bytes"])
@pytest.mark.parametrize("ratio", [5, 20])
def test_budgets_are_kept(by, ratio):
    dense, *others = peers_for(3_000, 64, ratio, by=by)
    assert dense.parameters_count() == 3_000 * 64
    assert len(others) >= 4
    for peer in others:
        size = peer.parameters_count() if by == "parameters" else peer.stored_bytes() / 4
        assert size <= 3_000 * 64 / ratio


def test_digits_and_sizes_cover_the_vocabulary():
    sizes = covering(50, 3)
    parts = digits(torch.arange(50), sizes)
    assert len(set(zip(*(part.tolist() for part in parts), strict=True))) == 50
    assert all(int(part.max()) < size for part, size in zip(parts, sizes, strict=True))


def test_word2ketxs_is_a_sum_of_kronecker_products():
    peer = Word2KetXS(49, 25, 3)
    first, second = (factor.detach().transpose(0, 1) for factor in peer.factors)
    whole = sum(torch.kron(one, other) for one, other in zip(first, second, strict=True))
    torch.testing.assert_close(peer.materialise().detach(), whole)


def test_morphte_is_a_sum_of_kronecker_products_of_vectors():
    peer = MorphTE(10, 27, 2, 5)
    for piece in range(10):
        one, two, three = (peer.vectors[int(morpheme)] for morpheme in peer.index[piece])
        row = sum(torch.kron(torch.kron(one[k], two[k]), three[k]) for k in range(2))
        torch.testing.assert_close(peer(torch.tensor(piece)), row)


def test_a_tensor_train_is_its_contraction():
    peer = TensorTrain(60, 24, 3)
    one, two, three = peer.cores
    whole = torch.einsum("aipr,brqs,csuj->abcpqu", one, two, three)
    rows = whole.reshape(-1, *whole.shape[3:]).flatten(1)
    torch.testing.assert_close(peer.materialise(), rows[:60, :24])


def test_tt_svd_of_full_rank_is_exact_and_its_bytes_are_known():
    table = torch.randn(60, 24, generator=torch.Generator().manual_seed(0))
    rebuilt, size = tt_svd(table, 10_000)
    torch.testing.assert_close(rebuilt, table, rtol=1e-3, atol=1e-3)
    errors = []
    for rank in (2, 8, 20):
        rebuilt, size = tt_svd(table, rank)
        assert size == tt_svd_bytes(60, 24, rank)
        errors.append(float((rebuilt - table).norm()))
    assert errors == sorted(errors, reverse=True)
