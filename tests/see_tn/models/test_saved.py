import json
import subprocess
import sys

import pytest
import torch

from see_tn.errors import FactorError
from see_tn.models.swap import swap_embedding
from tests.see_tn.models.tiny import (
    COMMON,
    IDS,
    KINDS,
    PHI3,
    dense_twin,
    logits,
    some_factors,
    tiny,
    transformers,
    unshared,
)
from tests.shared_data import ROOT

saved = pytest.importorskip("see_tn.models.saved", reason="needs the extra hf")

ELSEWHERE = """
import sys, torch
from see_tn.models.saved import load_swapped
from tests.see_tn.models.tiny import logits
for name in sys.argv[1:]:
    with torch.no_grad():
        torch.save(logits(load_swapped(name)), name + "/logits.pt")
"""


def swapped(kind, **options):
    model, layer = tiny(kind), some_factors(**options)
    swap_embedding(model, layer)
    return model, layer


def trained(kind):
    model, layer = swapped(kind)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        logits(model).logsumexp(-1).mean().backward()
        optimiser.step()
    return model.eval(), layer


def test_a_new_process_gives_equal_logits(tmp_path):
    wanted = {}
    for kind in KINDS:
        model, _ = trained(kind)
        with torch.no_grad():
            wanted[kind] = logits(model)
        model.save_pretrained(tmp_path / kind)
        assert {path.suffix for path in (tmp_path / kind).iterdir()} <= {".json", ".safetensors"}
    folders = [str(tmp_path / kind) for kind in KINDS]
    subprocess.run([sys.executable, "-c", ELSEWHERE, *folders], cwd=ROOT, check=True, capture_output=True)
    for kind in KINDS:
        assert torch.equal(torch.load(tmp_path / kind / "logits.pt", weights_only=True), wanted[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_saves_and_trains_as_the_swapped_one(kind, tmp_path):
    model, _ = swapped(kind)
    model.save_pretrained(tmp_path / "one")
    loaded = saved.load_swapped(tmp_path / "one")
    assert type(loaded) is type(model)
    assert type(loaded.config) is type(model.config)
    loaded.save_pretrained(tmp_path / "two")
    for name in ("model.safetensors", "config.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    logits(loaded).sum().backward()
    logits(model).sum().backward()
    own = dict(loaded.named_parameters())
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(own[name].grad, parameter.grad)


def test_the_factors_are_saved_once_and_the_table_not_at_all(tmp_path):
    model, _ = swapped("Marian")
    model.save_pretrained(tmp_path / "out")
    from safetensors import safe_open

    with safe_open(tmp_path / "out" / "model.safetensors", framework="pt") as file:
        names = list(file.keys())
    assert sum("product.tables.0" in name for name in names) == 1
    assert not any(name.endswith(("shared.weight", "embed_tokens.weight", "lm_head.weight")) for name in names)


def test_a_decoder_with_pieces_of_its_own_comes_back(tmp_path):
    model = unshared()
    swap_embedding(model, some_factors(), head=some_factors())
    model.save_pretrained(tmp_path / "out")
    loaded = saved.load_swapped(tmp_path / "out")
    assert torch.equal(logits(loaded), logits(model))
    assert len(list(loaded.parameters())) == len(list(model.parameters()))


def test_saving_leaves_the_config_as_it_was(tmp_path):
    model, _ = swapped("T5")
    before = type(model.config)
    model.save_pretrained(tmp_path / "out")
    assert type(model.config) is before
    assert "see_swap" not in model.config.to_dict()
    assert json.loads((tmp_path / "out" / "config.json").read_text())["model_type"] == "see_t5"


def test_nothing_else_takes_the_folder_for_the_stock_model(tmp_path):
    model, _ = swapped("Phi-3")
    model.save_pretrained(tmp_path / "out")
    with pytest.raises(ValueError, match="see_phi3"):
        transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")


@pytest.mark.parametrize("task", ["SequenceClassification", "TokenClassification", "QuestionAnswering"])
@pytest.mark.parametrize("name", ["Llama", "Qwen2", "Mistral"])
def test_heads_that_make_the_model_inside_by_its_config_load(name, task, tmp_path):
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**COMMON, **PHI3)
    model = getattr(transformers, f"{name}For{task}")(config).eval()
    swap_embedding(model, some_factors())
    model.save_pretrained(tmp_path / "out")
    loaded = saved.load_swapped(tmp_path / "out")
    assert type(loaded) is type(model)
    assert {type(part.config) for part in loaded.modules() if hasattr(part, "config")} == {type(config)}
    with torch.no_grad():
        for one, other in zip(loaded(IDS).to_tuple(), model(IDS).to_tuple(), strict=True):
            if isinstance(one, torch.Tensor):
                assert torch.equal(one, other)


def test_values_of_the_config_are_options_and_a_config_is_not(tmp_path):
    model, _ = swapped("Phi-3")
    model.save_pretrained(tmp_path / "out")
    loaded = saved.load_swapped(tmp_path / "out", use_cache=False, attn_implementation="eager")
    assert (loaded.config.use_cache, loaded.config._attn_implementation) == (False, "eager")
    for name in ("config", "output_loading_info"):
        with pytest.raises(FactorError, match=f"no option '{name}'"):
            saved.load_swapped(tmp_path / "out", **{name: model.config})


def test_a_class_of_ones_own_is_refused_before_anything_is_written(tmp_path):
    class Own(transformers.Phi3ForCausalLM):
        pass

    model = Own(tiny("Phi-3").config)
    swap_embedding(model, some_factors())
    with pytest.raises(FactorError, match="Own: a class that transformers does not have"):
        model.save_pretrained(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_types_and_eight_bits_load_too(tmp_path):
    model, layer = swapped("Phi-3, tied", padding_idx=0)
    exact = logits(model).detach()
    model.save_pretrained(tmp_path / "float")
    half = saved.load_swapped(tmp_path / "float", dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}
    torch.testing.assert_close(logits(half).float(), exact, rtol=0.1, atol=0.05)
    layer.quantise()
    model.save_pretrained(tmp_path / "int8")
    with torch.no_grad():
        assert torch.equal(logits(saved.load_swapped(tmp_path / "int8")), logits(model))


def test_shards_are_put_together(tmp_path):
    model, _ = swapped("Bart")
    model.save_pretrained(tmp_path / "out", max_shard_size="20KB")
    assert len(list((tmp_path / "out").glob("*.safetensors"))) > 1
    assert torch.equal(logits(saved.load_swapped(tmp_path / "out")), logits(model))


def test_a_stock_checkpoint_goes_in_and_comes_out(tmp_path):
    stock = tiny("Marian")
    stock.save_pretrained(tmp_path / "stock")
    model, layer = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "stock"), some_factors()
    twin = dense_twin(stock, layer)
    swap_embedding(model, layer)
    torch.testing.assert_close(logits(model), logits(twin), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "damage", ["no folder", "no entry", "another class", "another type", "sizes", "a number", "no JSON"]
)
def test_a_folder_that_does_not_do_is_refused_in_one_line(damage, tmp_path):
    model, _ = swapped("Phi-3")
    folder = tmp_path / "out"
    model.save_pretrained(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    if damage == "no folder":
        folder.rename(tmp_path / "away")
    elif damage == "no JSON":
        path.write_text("{")
    else:
        config |= {
            "no entry": {"see_swap": None, "architectures": None},
            "another class": {"architectures": ["Nothing"]},
            "another type": {"model_type": "see_nothing"},
            "a number": {"model_type": 5},
            "sizes": {"see_swap": {"layer": {}, "head": None, "places": config["see_swap"]["places"]}},
        }[damage]
        path.write_text(json.dumps(config))
    with pytest.raises(FactorError, match=r"config\.json") as caught:
        saved.load_swapped(folder)
    assert "\n" not in str(caught.value)


def test_a_model_that_is_not_swapped_is_refused(tmp_path):
    with pytest.raises(FactorError, match="no swapped Hugging Face model"):
        saved.save_swapped(tiny("T5"), tmp_path / "out")
    assert logits(tiny("T5"), IDS).shape[:2] == (2, 5)


def test_a_folder_that_lacks_a_weight_is_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    model, _ = swapped("Bart")
    model.save_pretrained(tmp_path / "out")
    file = tmp_path / "out" / "model.safetensors"
    weights = load_file(file)
    del weights["model.decoder.layers.1.fc1.weight"]
    save_file(weights, file, {"format": "pt"})
    with pytest.raises(FactorError, match=r"layers\.1\.fc1\.weight"):
        saved.load_swapped(tmp_path / "out")


@pytest.mark.parametrize("damage", ["missing", "cut off", "another shape"])
def test_weights_that_cannot_be_loaded_are_one_line(damage, tmp_path):
    from safetensors.torch import load_file, save_file

    model, _ = swapped("Phi-3")
    model.save_pretrained(tmp_path / "out")
    file = tmp_path / "out" / "model.safetensors"
    if damage == "missing":
        file.unlink()
    elif damage == "cut off":
        file.write_bytes(file.read_bytes()[:-100])
    else:
        weights = load_file(file)
        save_file({**weights, "model.norm.weight": torch.ones(3)}, file, {"format": "pt"})
    with pytest.raises(FactorError, match=r"out: no weights that can be loaded .*save the model again") as caught:
        saved.load_swapped(tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_a_place_without_room_is_one_line_and_the_model_is_as_before(tmp_path):
    code = f"""
import resource, torch
from tests.see_tn.models.test_saved import *
model, _ = swapped("Bart")
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
with pytest.raises(FactorError, match="cannot be written"):
    model.save_pretrained({str(tmp_path / "out")!r})
assert model.config.model_type == "bart"
"""
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
