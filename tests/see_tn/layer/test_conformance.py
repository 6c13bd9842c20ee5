"""One case that every kind of layer passes: what `nn.Embedding` promises, and that nothing is lost on the way."""

import copy

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from see_tn.layer.checkpoint import TENSORS, load_embedding, save_embedding, stored_bytes
from see_tn.layer.spec import LayerSpec, empty_layer, spec_of
from tests.see_tn.examples import FORMS, seeded

IDS = torch.tensor([[3, 1, 1, 19], [0, 3, 7, 7]])
PADDING = 7


@pytest.fixture(params=[False, True], ids=["float", "int8"])
def int8(request):
    return request.param


@pytest.fixture(params=FORMS)
def make(request, int8):
    def made(dtype=torch.float32, padding_idx=PADDING):
        layer = FORMS[request.param](dtype=dtype, padding_idx=padding_idx)
        return layer.quantise() if int8 else layer

    return made


@pytest.fixture
def fresh_compiler():
    """Compiled variants of other tests count against a limit of recompilations."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def gradients(rows, parameters):
    weight = torch.randn(rows.shape, generator=seeded(1)).to(rows.dtype)
    return torch.autograd.grad((rows * weight).sum(), parameters)


def test_agrees_with_a_dense_twin_gradients_included(make):
    layer = make()
    table = layer.materialise()
    dense = nn.Embedding.from_pretrained(table.detach(), freeze=False, padding_idx=PADDING)
    torch.testing.assert_close(layer(IDS), dense(IDS))
    parameters = list(layer.parameters())
    (of_table,) = gradients(dense(IDS), [dense.weight])
    through_table = torch.autograd.grad(table, parameters, of_table)
    torch.testing.assert_close(gradients(layer(IDS), parameters), through_table, rtol=1e-5, atol=1e-5)


def test_gradients_are_exact_in_float64(make):
    layer = make(torch.float64)
    parameters = dict(layer.named_parameters())

    def rows(*values):
        return torch.func.functional_call(layer, dict(zip(parameters, values, strict=True)), (IDS,))

    # A codebook of 256 words has thousands of numbers: one random direction stands for all of them.
    assert torch.autograd.gradcheck(rows, tuple(parameters.values()), fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_what_is_saved_is_loaded_bit_for_bit(make, dtype, tmp_path):
    layer = make(dtype)
    save_embedding(layer, tmp_path / "factors")
    loaded = load_embedding(tmp_path / "factors")
    assert torch.equal(loaded(IDS), layer(IDS))
    state, wanted = loaded.state_dict(), layer.state_dict()
    assert list(state) == list(wanted)
    assert all(
        torch.equal(state[name], tensor) and state[name].dtype == tensor.dtype for name, tensor in wanted.items()
    )
    assert repr(loaded) == repr(layer)
    assert loaded.padding_idx == PADDING


def test_its_bytes_are_those_on_the_disk(make, tmp_path):
    layer = make()
    save_embedding(layer, tmp_path / "factors")
    on_disk = sum(path.stat().st_size for path in (tmp_path / "factors").iterdir())
    assert stored_bytes(layer) == on_disk
    index_bytes = 0 if layer.product is None else layer.rows().stored_bytes()
    planned = spec_of(layer).stored_bytes(index_bytes)
    spare = 64 if layer.product is None else 100 * (3 + layer.shape.order)
    assert planned - spare <= on_disk <= planned


def test_its_sizes_name_the_tensors_of_its_file(make, tmp_path):
    layer = make()
    save_embedding(layer, tmp_path / "factors")
    stored = load_file(tmp_path / "factors" / TENSORS)
    index = set() if layer.product is None else set(layer.rows().stored())
    found = {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in stored.items() if name not in index}
    assert spec_of(layer).tensors == found


def test_an_offset_trained_beside_8_bit_terms_is_saved_as_it_is(make, tmp_path):
    layer = make()
    nn.init.normal_(layer.offset, generator=seeded(3))
    save_embedding(layer, tmp_path / "factors")
    assert torch.equal(load_embedding(tmp_path / "factors").offset, layer.offset)


def test_its_sizes_make_the_same_layer_again(make):
    layer = make()
    spec = spec_of(layer)
    assert LayerSpec.from_dict(spec.as_dict()) == spec
    assert spec.parameters == sum(parameter.numel() for parameter in layer.dequantise().parameters())
    layer = make()
    twin = empty_layer(spec)
    twin.load_state_dict(layer.state_dict(), strict=True)
    assert torch.equal(twin(IDS), layer(IDS))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_moves_to_another_type_and_back(make, dtype):
    layer = make()
    exact = layer(IDS).detach()
    layer.to(dtype)
    assert layer(IDS).dtype == layer.materialise().dtype == layer.dtype == dtype
    torch.testing.assert_close(layer(IDS).to(exact), exact, rtol=0.1, atol=0.5)
    layer(IDS).float().sum().backward()
    assert layer.float()(IDS).dtype == torch.float32


def test_under_autocast_rows_keep_their_type(make):
    layer = make()
    with torch.autocast("cpu", torch.bfloat16):
        rows = layer(IDS)
    assert rows.dtype == torch.float32
    torch.testing.assert_close(rows, layer(IDS), rtol=0.1, atol=0.5)


def test_the_meta_device_takes_no_storage(make):
    layer = make().to("meta")
    assert layer(IDS.to("meta")).shape == (2, 4, 23)
    assert {tensor.device.type for tensor in layer.state_dict().values()} == {"meta"}


@pytest.mark.parametrize(
    "ids", [torch.tensor(5), torch.zeros(0, dtype=torch.long), torch.zeros(2, 0, 3).int(), IDS.int()]
)
def test_ids_of_any_shape_give_rows_of_that_shape(make, ids):
    layer = make()
    rows = layer(ids)
    assert rows.shape == (*ids.shape, 23)
    torch.testing.assert_close(rows, layer.materialise()[ids.long()])
    rows.sum().backward()


@pytest.mark.parametrize("wrong", [-1, 20, 2**31 - 1])
def test_an_id_out_of_range_is_an_index_error(make, wrong):
    with pytest.raises(IndexError, match=f"id {wrong} is out of range: there are 20 pieces"):
        make()(torch.tensor([0, wrong, 1]))


def test_the_padding_row_is_zero_and_gets_no_gradient(make):
    layer = make()
    rows = layer(torch.tensor([PADDING, PADDING]))
    assert not rows.any()
    assert all(not gradient.any() for gradient in gradients(rows, list(layer.parameters())))


@pytest.mark.usefixtures("fresh_compiler")
def test_compiles_without_a_graph_break(make):
    layer = make()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager", dynamic=True)
    torch.testing.assert_close(compiled(IDS), layer(IDS))
    parameters = list(layer.parameters())
    torch.testing.assert_close(gradients(compiled(IDS), parameters), gradients(layer(IDS), parameters))


@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.parametrize("form", FORMS)
def test_code_compiled_for_the_machine_gives_the_same_gradients(form):
    layer = FORMS[form](padding_idx=PADDING)
    compiled, parameters = torch.compile(layer, fullgraph=True), list(layer.parameters())
    torch.testing.assert_close(compiled(IDS), layer(IDS))
    torch.testing.assert_close(gradients(compiled(IDS), parameters), gradients(layer(IDS), parameters))


def test_exports_with_a_batch_of_any_size(make):
    layer = make()
    batch = torch.export.Dim("batch", min=2)
    exported = torch.export.export(layer, (IDS,), dynamic_shapes=({0: batch},)).module()
    torch.testing.assert_close(exported(IDS.repeat(5, 1)), layer(IDS.repeat(5, 1)))


def test_a_deep_copy_shares_nothing(make):
    layer = make()
    before = layer(IDS).detach()
    twin = copy.deepcopy(layer)
    for tensor in twin.state_dict().values():
        tensor.zero_()
    assert torch.equal(layer(IDS), before)


def test_eight_bits_stand_for_about_the_same_rows(make, int8):
    exact = make().dequantise()(IDS) if int8 else make()(IDS)
    rounded = make()(IDS) if int8 else make().quantise()(IDS)
    assert (rounded - exact).norm() <= 0.02 * exact.norm()
    trainable = make().dequantise()
    assert not trainable.is_quantised
    assert all(parameter.requires_grad for parameter in trainable.parameters())
