import torch
from hypothesis import given
from hypothesis import strategies as st

from see_tn.chain.shapes import ChainShape
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.layer.tables import FloatTable, Int8Table, to_int8
from tests.see_tn.examples import seeded, some_rows

numbers = st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)
vectors = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(numbers, min_size=width, max_size=width), min_size=1, max_size=5)
)


@given(vectors)
def test_codes_are_at_most_half_a_scale_away(values):
    exact = torch.tensor(values, dtype=torch.float32)
    codes, scale = to_int8(exact)
    assert codes.dtype == torch.int8
    assert scale.dtype == torch.bfloat16
    assert int(codes.min()) >= -127
    away = (codes.double() * scale.double()[:, None] - exact.double()).abs()
    largest = exact.double().abs().amax(dim=1, keepdim=True)
    assert bool((away <= 0.51 * scale.double()[:, None] + largest / 256 + 1e-37).all())


def test_vectors_of_zeros_stay_zeros():
    assert not Int8Table.of(torch.zeros(3, 4)).dense().any()


def test_gathering_is_indexing_in_both_kinds():
    weight, ids = torch.randn(7, 5, generator=seeded()), torch.tensor([[3, 3], [0, 6]])
    for table in (FloatTable(weight), Int8Table.of(weight)):
        torch.testing.assert_close(table.gather(ids), table.dense()[ids])


def test_another_type_changes_what_is_computed_and_not_what_is_kept():
    table = Int8Table.of(torch.randn(7, 5, generator=seeded()))
    exact = table.dense()
    table.to(torch.bfloat16)
    assert table.dense().dtype == torch.bfloat16
    assert torch.equal(table.to(torch.float32).dense(), exact)


def test_sparse_gradients_hold_the_gathered_vectors_alone():
    dense, sparse = FloatTable(torch.randn(9, 4)), FloatTable(torch.zeros(9, 4), sparse=True)
    ids = torch.tensor([[1, 5], [5, 5]])
    for table in (dense, sparse):
        table.gather(ids).square().sum().backward()
        table.zero_grad()
        (table.gather(ids) * 3).sum().backward()
    assert sparse.weight.grad.is_sparse
    assert sparse.weight.grad._nnz() == 4
    assert torch.equal(sparse.weight.grad.to_dense(), dense.weight.grad)


def test_sparse_gradients_stay_sparse_over_eight_bits():
    layer = EntangledEmbedding(some_rows(), ChainShape("cp", 24, (4, 3, 2), 2), generator=seeded(), sparse=True)
    layer.quantise().dequantise()(torch.tensor([3, 1])).sum().backward()
    assert all(core.grad.is_sparse for core in layer.parameters())
