import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from see_tn.errors import FactorError
from see_tn.models.places import untied_head
from see_tn.models.swap import swap_embedding
from tests.see_tn.examples import seeded
from tests.see_tn.models.tiny import (
    COMMON,
    GENERATING,
    IDS,
    KINDS,
    PIECES,
    WIDTH,
    dense_twin,
    logits,
    some_factors,
    tiny,
    transformers,
    unshared,
)
from tests.shared_data import ROOT

load_swapped = pytest.importorskip("see_tn.models.saved", reason="needs the extra hf").load_swapped


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def test_a_swapped_model_is_the_stock_model_with_the_layers_table(kind):
    model, layer = tiny(kind), some_factors(padding_idx=0)
    twin = dense_twin(model, layer)
    swap = swap_embedding(model, layer)
    assert swap.layer is layer
    torch.testing.assert_close(logits(model), logits(twin), rtol=1e-5, atol=1e-6)
    names = {id(parameter) for parameter in model.parameters()}
    assert all(id(parameter) in names for parameter in layer.parameters())
    assert len(names) == len(list(model.parameters()))


def test_gradients_are_those_of_the_table_carried_on_to_the_factors(kind):
    model, layer = tiny(kind), some_factors()
    twin = dense_twin(model, layer)
    swap_embedding(model, layer)
    weight = torch.randn(logits(twin).shape, generator=seeded(2))
    (logits(twin) * weight).sum().backward()
    wanted = torch.autograd.grad(layer.materialise(), list(layer.parameters()), twin.get_input_embeddings().weight.grad)
    (logits(model) * weight).sum().backward()
    # A stock embedding gives its padding row no gradient as an input; here no id is padding.
    torch.testing.assert_close([p.grad for p in layer.parameters()], list(wanted), rtol=1e-4, atol=1e-5)


def test_training_the_factors_changes_nothing_else(kind):
    model, layer = tiny(kind), some_factors()
    swap_embedding(model, layer)
    before = copy.deepcopy(model.state_dict())
    model.train().requires_grad_(False)
    layer.requires_grad_(True)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.01)
    losses = []
    for _ in range(5):
        loss = logits(model).float().logsumexp(-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    own = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]) == (name not in own)


def test_undo_gives_the_very_model_back(kind):
    model = tiny(kind)
    before, keys = logits(model), list(model.state_dict())
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    swap = swap_embedding(model, some_factors())
    assert not torch.equal(logits(model), before)
    swap.undo()
    assert torch.equal(logits(model), before)
    assert list(model.state_dict()) == keys
    assert (model.get_input_embeddings(), model.get_output_embeddings()) == (embedding, head)
    model.tie_weights()
    assert torch.equal(logits(model), before)
    assert model.resize_token_embeddings(PIECES + 3).num_embeddings == PIECES + 3
    with pytest.raises(FactorError, match="undone already"):
        swap.undo()


def test_undo_after_a_move_gives_a_model_that_runs():
    model = tiny("Phi-3, tied")
    before = logits(model)
    swap = swap_embedding(model, some_factors())
    model.to(torch.bfloat16)
    swap.undo()
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    torch.testing.assert_close(logits(model).float(), before, rtol=0.1, atol=0.05)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_scale_is_rounded_where_the_model_rounds_it(dtype, tmp_path):
    """Gemma's scale, the root of the width, takes the type of the weights; also after a load in another type."""
    torch.manual_seed(0)
    config = {"hidden_size": WIDTH, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = transformers.Gemma3ForCausalLM(transformers.Gemma3TextConfig(**COMMON, **config, head_dim=12)).eval()
    model.to(torch.bfloat16 if dtype == torch.float32 else torch.float32)
    layer = some_factors(dtype=model.dtype)
    swap_embedding(model, layer)
    model.save_pretrained(tmp_path)
    loaded = load_swapped(tmp_path, dtype=dtype)
    place = loaded.get_input_embeddings()
    exact = torch.tensor(WIDTH**0.5).to(dtype)
    assert torch.equal(place(IDS), place.layer(IDS) * exact)


def test_resizing_is_refused_with_the_reason(kind):
    model = tiny(kind)
    swap_embedding(model, some_factors())
    before = logits(model)
    with pytest.raises(FactorError, match="rows are made from units"):
        model.resize_token_embeddings(PIECES + 3)
    assert torch.equal(logits(model), before)


def test_tying_again_changes_nothing(kind):
    model = tiny(kind)
    swap_embedding(model, some_factors())
    before = logits(model)
    model.tie_weights()
    assert torch.equal(logits(model), before)


@pytest.mark.parametrize("kind", GENERATING)
def test_generation_is_the_same_with_a_cache_and_without(kind):
    model = tiny(kind)
    swap_embedding(model, some_factors())
    options = {"max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False}
    with_cache, without = (model.generate(IDS, use_cache=cache, **options) for cache in (True, False))
    assert torch.equal(with_cache, without)
    beams = model.generate(IDS, num_beams=3, **options)
    assert beams.shape == with_cache.shape


def test_gradient_checkpointing_gives_the_same_gradients(kind):
    model, layer = tiny(kind), some_factors()
    swap_embedding(model, layer)
    gradients = []
    for checkpointing in (False, True):
        if checkpointing:
            model.gradient_checkpointing_enable()
        model.train().zero_grad()
        logits(model).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in layer.parameters()])
    torch.testing.assert_close(*gradients)


def test_a_deep_copy_shares_nothing_and_keeps_its_ties(kind):
    model, layer = tiny(kind), some_factors()
    swap_embedding(model, layer)
    before, twin = logits(model), copy.deepcopy(model)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(logits(model), before)
    if kind != "Bert":  # whose head has a bias of its own
        assert not logits(twin).any()


def test_a_layer_in_eight_bits_runs(kind):
    model, layer = tiny(kind), some_factors()
    swap_embedding(model, layer)
    exact = logits(model)
    layer.quantise()
    torch.testing.assert_close(logits(model), exact, rtol=0.1, atol=0.05)


def test_an_untied_head_may_get_a_layer_of_its_own():
    model, layer, head = tiny("Phi-3"), some_factors(), some_factors()
    swap_embedding(model, layer, head=head)
    with torch.no_grad():
        hidden = model.model(input_ids=IDS).last_hidden_state
        torch.testing.assert_close(logits(model), hidden @ head.materialise().T)
    assert not any(name.endswith("lm_head.weight") for name in model.state_dict())
    with pytest.raises(FactorError, match="no output head with a table of its own"):
        swap_embedding(tiny("Phi-3, tied"), some_factors(), head=head)


def test_a_head_of_its_own_whose_table_is_computed_is_refused():
    model = tiny("Phi-3")
    nn.utils.parametrizations.weight_norm(model.lm_head)
    with pytest.raises(FactorError, match="remove its parametrisation"):
        swap_embedding(model, some_factors(), head=some_factors())


def test_a_head_of_its_own_is_told_by_the_memory_of_its_table():
    model = tiny("Phi-3")
    assert untied_head(model) is model.lm_head
    model.lm_head.weight = nn.Parameter(model.model.embed_tokens.weight.detach())  # another object, the same memory
    assert untied_head(model) is None
    plain = Plain()
    assert untied_head(plain, "words") is None
    plain.get_output_embeddings = lambda: plain.head
    assert untied_head(plain, "words") is None
    assert untied_head(plain, "places") is plain.head


def test_a_decoder_with_pieces_of_its_own_takes_the_heads_layer():
    model, layer, head = unshared(), some_factors(), some_factors()
    with torch.no_grad():
        head.cores[0].mul_(2)
    twin = dense_twin(model, layer)
    with torch.no_grad():
        twin.lm_head.weight.copy_(head.materialise())
    assert twin.lm_head.weight is twin.model.decoder.embed_tokens.weight
    swap = swap_embedding(model, layer, head=head)
    torch.testing.assert_close(logits(model), logits(twin), rtol=1e-5, atol=1e-6)
    assert not [name for name, parameter in model.named_parameters() if parameter.shape[0] == PIECES]
    swap.undo()
    assert model.lm_head.weight is model.model.decoder.embed_tokens.weight


class Plain(nn.Module):
    """A model without transformers: an embedding, a second one, and a head that shares the first one's weight."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(PIECES, WIDTH, padding_idx=0), nn.Embedding(7, WIDTH)
        self.head = nn.Linear(WIDTH, PIECES)
        self.head.weight = self.words.weight

    def forward(self, ids):
        return self.head(torch.tanh(self.words(ids) + self.places(torch.arange(ids.shape[1]))))


def test_a_plain_torch_model_with_a_tied_head_and_a_bias():
    model, layer = Plain(), some_factors(padding_idx=0)
    twin = copy.deepcopy(model)
    twin.words.weight.data.copy_(layer.materialise())
    swap = swap_embedding(model, layer, name="words")
    torch.testing.assert_close(model(IDS), twin(IDS))
    assert model.head.bias is swap.before["head"].bias
    swap.undo()
    assert model.head.weight is model.words.weight


class Normed(nn.Embedding):
    """Does more than look rows up."""

    def forward(self, ids):
        return nn.functional.normalize(super().forward(ids), dim=-1)


class Capped(nn.Linear):
    """Does more than multiply with its table."""

    def forward(self, hidden):
        return 2 * torch.tanh(super().forward(hidden) / 2)


class Transposed(nn.Linear):
    """Multiplies as any linear layer, in other words."""

    def forward(self, hidden):
        return hidden @ self.weight.T + self.bias


def test_a_head_that_multiplies_in_its_own_way_is_replaced():
    model, layer = Plain(), some_factors(padding_idx=0)
    model.head = Transposed(WIDTH, PIECES)
    model.head.weight = model.words.weight
    twin = copy.deepcopy(model)
    twin.words.weight.data.copy_(layer.materialise())
    swap_embedding(model, layer, name="words")
    torch.testing.assert_close(model(IDS), twin(IDS))


def test_ties_that_are_told_by_their_targets_alone_are_known():
    """As models written for older versions of transformers do."""
    model = Plain()
    model._tied_weights_keys = ["head.weight", "other.weight"]
    swap = swap_embedding(model, some_factors(), name="words")
    assert model._tied_weights_keys == ["other.weight"]
    swap.undo()
    assert model._tied_weights_keys == ["head.weight", "other.weight"]


def refusals():
    normed, bounded = (
        nn.Sequential(kind(PIECES, WIDTH, **more)) for kind, more in ((Normed, {}), (nn.Embedding, {"max_norm": 1.0}))
    )
    quantised = Plain()
    quantised.words.weight = nn.Parameter(torch.zeros(PIECES, WIDTH, dtype=torch.int8), requires_grad=False)
    quantised.head.weight = quantised.words.weight
    swapped = Plain()
    swap_embedding(swapped, some_factors(), name="words")
    strange = Plain()
    strange.other = nn.Bilinear(1, 1, 1)
    strange.other.weight = strange.words.weight
    named, capped, computed = Plain(), Plain(), Plain()
    named.out = named.words.weight
    capped.head = Capped(WIDTH, PIECES)
    capped.head.weight = capped.words.weight
    nn.utils.parametrizations.weight_norm(computed.words)
    other = some_factors(padding_idx=3)
    return [
        (Plain(), some_factors(), None, r"2 embeddings \(words, places\); name the one"),
        (Plain(), some_factors(), "nowhere", "no module 'nowhere'"),
        (Plain(), some_factors(), "head", "a Linear, not an nn.Embedding"),
        (Plain(), some_factors(), "places", r"its table is \(7, 24\), the layer \(50, 24\)"),
        (Plain(), some_factors(dtype=torch.bfloat16), "words", "move the layer with"),
        (Plain(), some_factors(device="meta"), "words", "the layer on"),
        (Plain(), other, "words", "its padding is piece 0, the layer's 3"),
        (quantised, some_factors(), "words", "load the model in a float type"),
        (swapped, some_factors(), "words", "swapped already; undo that first"),
        (strange, some_factors(), "words", "other: 'weight' of a Bilinear is the table"),
        (named, some_factors(), "words", "Plain: 'out' of a Plain is the table"),
        (capped, some_factors(), "words", "head: a Capped does more than multiply"),
        (computed, some_factors(), "words", "remove its parametrisation"),
        (normed, some_factors(), None, "0: a Normed does more than look rows up"),
        (bounded, some_factors(), None, "0: an embedding with max_norm"),
    ]


@pytest.mark.parametrize(("model", "layer", "name", "problem"), refusals())
def test_what_does_not_fit_is_refused_and_the_model_is_as_it_was(model, layer, name, problem):
    before = dict(model.named_modules())
    with pytest.raises(FactorError, match=problem) as caught:
        swap_embedding(model, layer, name=name)
    assert "\n" not in str(caught.value)
    assert dict(model.named_modules()) == before


PARALLEL = """
import os, sys
import torch
from torch.nn.parallel import DistributedDataParallel
from see_tn.models.places import untied_head
from see_tn.models.swap import swap_embedding
from tests.see_tn.models.tiny import IDS, logits, some_factors, tiny
torch.set_num_threads(1)
rank, file, store = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
model, layer = tiny("Marian"), some_factors()
swap_embedding(model, layer)
parallel = DistributedDataParallel(model.train())
ids = IDS[rank : rank + 1]
parallel(input_ids=ids, decoder_input_ids=ids[:, :5]).logits.square().mean().backward()
if rank == 0:
    torch.save([parameter.grad for parameter in layer.parameters()], file)
torch.distributed.barrier()
torch.distributed.destroy_process_group()
"""


def test_two_processes_give_the_gradients_of_one(tmp_path):
    model, layer = tiny("Marian"), some_factors()
    swap_embedding(model, layer)
    logits(model.train()).square().mean().backward()
    file, store = tmp_path / "gradients.pt", tmp_path / "store"
    commands = [[sys.executable, "-c", PARALLEL, str(rank), str(file), str(store)] for rank in (0, 1)]
    processes = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    torch.testing.assert_close(torch.load(file, weights_only=True), [p.grad for p in layer.parameters()])
