import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.layer.embedding import EntangledEmbedding
from tests.see_tn.examples import CODES, SHAPES, seeded, shape_name, some_codes, some_layer, some_rows

SHAPE = SHAPES[4]
IDS = torch.tensor([[3, 1, 1, 19], [0, 3, 7, 7]])


class LargestTensor(TorchDispatchMode):
    """Notes the size of the largest tensor that any operation makes, views left out."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        given, made = (
            [leaf for leaf in tree_leaves(leaves) if isinstance(leaf, torch.Tensor)] for leaves in (args, result)
        )
        places = {leaf.untyped_storage().data_ptr() for leaf in given}
        new = [leaf.numel() for leaf in made if leaf.untyped_storage().data_ptr() not in places]
        self.numel = max([self.numel, *new])
        return result


@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
@pytest.mark.parametrize("options", [{}, {"padding_idx": 3, "offset": True}], ids=["plain", "padded"])
def test_agrees_with_a_dense_twin_gradients_included(shape, options):
    layer = some_layer(shape, **options)
    if layer.offset is not None:
        nn.init.normal_(layer.offset, generator=seeded(2))
    table = layer.materialise()
    dense = nn.Embedding.from_pretrained(table.detach(), freeze=False, padding_idx=layer.padding_idx)
    weight = torch.randn(*IDS.shape, shape.width, generator=seeded(1))

    torch.testing.assert_close(layer(IDS), dense(IDS))

    parameters = list(layer.parameters())
    (dense(IDS) * weight).sum().backward()
    through_table = torch.autograd.grad(table, parameters, dense.weight.grad)
    through_layer = torch.autograd.grad((layer(IDS) * weight).sum(), parameters)
    torch.testing.assert_close(through_layer, through_table, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "ids",
    [
        torch.tensor(5),
        torch.zeros(0, dtype=torch.long),
        torch.zeros(2, 0, 3, dtype=torch.int32),
        IDS,
        IDS.int(),
        IDS[None],
    ],
)
def test_ids_of_any_shape_give_rows_of_that_shape(ids):
    layer = some_layer(SHAPE, padding_idx=0)
    rows = layer(ids)
    assert rows.shape == (*ids.shape, SHAPE.width)
    torch.testing.assert_close(rows, layer.materialise()[ids.long()])
    rows.sum().backward()


@pytest.mark.parametrize("wrong", [-1, 20, 10**12])
def test_an_id_out_of_range_is_an_index_error(wrong):
    with pytest.raises(IndexError, match=f"id {wrong} is out of range: there are 20 pieces"):
        some_layer(SHAPE)(torch.tensor([0, wrong, 1]))


@pytest.mark.parametrize("padding_idx", [3, -17])
def test_the_padding_row_is_zero_and_gets_no_gradient(padding_idx):
    layer = some_layer(SHAPE, padding_idx=padding_idx, offset=True)
    nn.init.ones_(layer.offset)
    assert layer.padding_idx == 3
    assert not layer(torch.tensor([3])).any()
    assert not layer.materialise()[3].any()
    layer(torch.tensor([3, 3])).sum().backward()
    assert all(not parameter.grad.any() for parameter in layer.parameters())


@pytest.mark.parametrize("padding_idx", [20, -21])
def test_a_padding_index_out_of_range_is_refused(padding_idx):
    with pytest.raises(FactorError, match=f"padding_idx is {padding_idx} of 20 pieces"):
        some_layer(SHAPE, padding_idx=padding_idx)


def test_rows_and_shape_of_different_orders_are_refused():
    with pytest.raises(FactorError, match="rows of 2 sites and a shape of 3"):
        EntangledEmbedding(some_rows(order=2), SHAPE)


def test_the_table_is_the_same_in_chunks_of_any_size():
    layer = some_layer(SHAPE)
    torch.testing.assert_close(layer.materialise(3), layer.materialise())


@pytest.mark.parametrize("form", ["cp", "mps"])
def test_forward_and_backward_make_nothing_of_the_tables_size(form):
    rows = some_rows(n_pieces=20_000, n_units=50)
    layer = EntangledEmbedding(rows, ChainShape(form, 64, (4, 4, 4), 3), generator=seeded())
    ids = torch.arange(0, 20_000, 1000)
    with LargestTensor() as seen:
        layer(ids).sum().backward()
    assert seen.numel < 20_000 * 64 / 50
    with LargestTensor() as seen:
        layer.materialise()
    assert seen.numel == 20_000 * 64


def test_repeated_ids_are_computed_once_where_rows_are_costly():
    assert not some_layer(SHAPE).repeats_matter
    layer = some_layer(SHAPE.with_rank(50))
    assert layer.repeats_matter
    with LargestTensor() as once:
        layer(torch.arange(20))
    with LargestTensor() as often:
        layer(torch.arange(20).repeat(3))
    assert often.numel <= max(once.numel, 60 * SHAPE.width)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_the_type_of_the_rows_is_the_type_of_the_cores(dtype):
    layer = some_layer(SHAPE, offset=True)
    exact, amplitude = layer(IDS), layer.product.amplitude.clone()
    layer.to(dtype)
    assert layer(IDS).dtype == layer.materialise().dtype == dtype
    torch.testing.assert_close(layer(IDS).float(), exact, rtol=0.05, atol=0.1)
    layer(IDS).sum().backward()
    assert {parameter.grad.dtype for parameter in layer.parameters()} == {dtype}
    assert layer.product.amplitude.dtype == torch.float32
    assert torch.equal(layer.product.amplitude, amplitude)
    assert layer.product.index.dtype == torch.int32


@pytest.mark.parametrize("shape", SHAPES[4:6], ids=shape_name)
def test_under_autocast_rows_keep_their_type(shape):
    layer = some_layer(shape)
    with torch.autocast("cpu", torch.bfloat16):
        rows = layer(IDS)
    assert rows.dtype == torch.float32
    torch.testing.assert_close(rows, layer(IDS), rtol=0.05, atol=0.1)
    rows.sum().backward()


def test_state_passes_strictly_between_layers():
    layer, other = some_layer(SHAPE, offset=True), some_layer(SHAPE, offset=True)
    nn.init.ones_(layer.offset)
    other.load_state_dict(layer.state_dict(), strict=True)
    assert torch.equal(other(IDS), layer(IDS))
    assert list(layer.state_dict()) == [
        "offset",
        "product.index",
        "product.amplitude",
        *(f"product.tables.{site}.weight" for site in range(3)),
    ]


def test_a_deep_copy_shares_nothing():
    layer = some_layer(SHAPE)
    twin = copy.deepcopy(layer)
    assert torch.equal(twin(IDS), layer(IDS))
    nn.init.zeros_(twin.cores[0].data)
    assert layer(IDS).any()


def test_a_layer_shares_nothing_with_the_rows_it_was_made_from():
    rows = some_rows()
    layer = EntangledEmbedding(rows, SHAPE)
    layer.product.index.zero_()
    layer.product.amplitude.zero_()
    assert rows.index.any()
    assert rows.amplitude.any()
    assert np.array_equal(EntangledEmbedding(rows, SHAPE).rows().index, rows.index)


def test_the_meta_device_takes_no_storage_and_can_be_filled():
    layer = some_layer(SHAPE)
    for empty in (some_layer(SHAPE, device="meta"), _under_meta()):
        assert {tensor.device.type for tensor in empty.state_dict().values()} == {"meta"}
        assert empty(IDS.to("meta")).shape == (2, 4, SHAPE.width)
        empty.load_state_dict(layer.state_dict(), assign=True)
        assert torch.equal(empty(IDS), layer(IDS))


def test_a_layer_without_storage_gets_it_with_its_rows():
    layer = some_layer(SHAPE)
    for empty in (some_layer(SHAPE, device="meta"), _under_meta()):
        empty.to_empty(device="cpu").reset_parameters(seeded())
        assert torch.equal(empty(IDS), layer(IDS))
        assert torch.equal(empty.double()(IDS), layer.double()(IDS))
        layer.float()


def test_terms_of_several_types_are_refused():
    product, codes = some_layer(SHAPE).product, some_codes(CODES[0])
    with pytest.raises(FactorError, match=r"\['torch.bfloat16', 'torch.float32'\]"):
        EntangledEmbedding.from_terms(product, codes.to(torch.bfloat16))
    with pytest.raises(FactorError, match="give one type"):
        EntangledEmbedding.from_terms(product, None, torch.zeros(SHAPE.width, dtype=torch.float64))
    quantised = some_codes(CODES[0])
    quantised.quantise()
    with pytest.raises(FactorError, match="only some in 8 bits"):
        EntangledEmbedding.from_terms(product, quantised)


def _under_meta():
    with torch.device("meta"):
        return some_layer(SHAPE)


def test_a_start_can_be_drawn_again():
    layer = some_layer(SHAPE, offset=True)
    first = copy.deepcopy(layer.state_dict())
    layer.reset_parameters(seeded(1))
    assert not torch.equal(layer.cores[0], first["product.tables.0.weight"].reshape(layer.cores[0].shape))
    layer.reset_parameters(seeded(0))
    assert all(torch.equal(first[name], tensor) for name, tensor in layer.state_dict().items())


def test_given_cores_become_the_layers():
    source = some_layer(SHAPE, offset=True, dtype=torch.bfloat16)
    made = EntangledEmbedding.from_cores(source.rows(), SHAPE, list(source.cores), source.offset, padding_idx=-1)
    assert made.padding_idx == 19
    assert made.cores[0].dtype == torch.bfloat16
    assert made.cores[0].requires_grad
    assert torch.equal(made(IDS)[1], source(IDS)[1])
    assert made.cores[0].data_ptr() != source.cores[0].data_ptr()


@pytest.mark.parametrize("offset", [None, torch.zeros(3)])
def test_given_cores_of_other_shapes_are_refused(offset):
    source = some_layer(SHAPE)
    cores = list(source.cores) if offset is not None else list(source.cores)[:2]
    with pytest.raises(FactorError, match="shape"):
        EntangledEmbedding.from_cores(source.rows(), SHAPE, cores, offset)


def test_the_layer_reads_like_its_constructor():
    text = repr(some_layer(SHAPE, padding_idx=3, offset=True))
    assert (
        "20, 23, form='cp', sites=(4, 3, 2), rank=3, n_units=(9, 9, 9), n_terms=3, padding_idx=3, offset=True" in text
    )


def test_frozen_layers_train_nothing_but_their_offset():
    layer = some_layer(SHAPE, offset=True)
    layer.product.requires_grad_(False)
    layer(IDS).sum().backward()
    assert layer.offset.grad is not None
    assert all(parameter.grad is None for parameter in layer.product.parameters())
