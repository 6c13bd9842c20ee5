# ruff: noqa: E402  (what is imported needs the extra that is looked for first)
"""What `see finetune` reads: what is no use is refused before anything is trained, what has changed when it goes on."""

import json
import random
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

transformers = pytest.importorskip("transformers", reason="needs the extra hf")

from pipelines.build import build_tables
from pipelines.finetune.options import StageLength
from pipelines.finetune.run import finetune
from pipelines.finetune.special_ids import SpecialIds
from pipelines.finetune.texts import _around
from pipelines.init import InitOptions, init_random
from see_kb.errors import SeeError
from see_tn.errors import FactorError
from tests.pipelines.finetune.runs import COMMON, KILLED, MARIAN, OPTIONS, PHI3, inputs, metrics, sentence
from tests.shared_data import ROOT
from tests.small_data import PIECES, small_inputs

SMALL = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}


def save_model(model, place, folder):
    model.save_pretrained(folder)
    shutil.copyfile(place / "tables" / "tokenizer.model", folder / "tokenizer.model")


@pytest.mark.parametrize("kind", ["Bert", "Roberta"])
@pytest.mark.parametrize("scratch", [False, True])
def test_a_model_that_sees_what_it_is_to_predict_is_refused(kind, scratch, place, tmp_path):
    config = getattr(transformers, f"{kind}Config")(**COMMON, **SMALL)
    save_model(getattr(transformers, f"{kind}ForMaskedLM")(config), place, tmp_path / "model")
    given = replace(inputs(place), model=tmp_path / "model")
    with pytest.raises(SeeError, match=r"model: a \w+ that sees the pieces which it is to predict"):
        finetune(given, tmp_path / "run", replace(OPTIONS, scratch=scratch))
    assert not (tmp_path / "run").exists()


def test_a_model_that_makes_nan_is_refused_before_anything_is_written(place, tmp_path):
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**COMMON, **SMALL))
    with torch.no_grad():
        model.model.layers[0].mlp.down_proj.weight[0, 0] = float("nan")
    save_model(model, place, tmp_path / "model")
    with pytest.raises(SeeError, match=r"model: a model that makes NaN of a text; repair its weights"):
        finetune(replace(inputs(place), model=tmp_path / "model"), tmp_path / "run", OPTIONS)
    assert not (tmp_path / "run").exists()


def test_a_model_whose_hidden_states_are_of_other_positions_is_refused(place, tmp_path):
    """Pegasus-X lengthens what it reads to whole blocks."""
    sizes = {f"{side}_{name}": 2 for side in ("encoder", "decoder") for name in ("layers", "attention_heads")}
    config = transformers.PegasusXConfig(**COMMON, d_model=24, encoder_ffn_dim=24, decoder_ffn_dim=24, **sizes)
    save_model(transformers.PegasusXForConditionalGeneration(config), place, tmp_path / "model")
    (tmp_path / "pairs.tsv").write_text("the man reads\tthe dog barks\n" * 40, encoding="utf-8")
    given = replace(inputs(place), model=tmp_path / "model", text=tmp_path / "pairs.tsv")
    with pytest.raises(FactorError, match="no hidden state for each position of a text; name others, or leave"):
        finetune(given, tmp_path / "run", OPTIONS)
    assert not (tmp_path / "run").exists()


def test_texts_are_cut_to_the_positions_of_the_model(place, tmp_path):
    config = transformers.GPT2Config(**COMMON, n_positions=6, n_embd=24, n_layer=1, n_head=4)
    save_model(transformers.GPT2LMHeadModel(config), place, tmp_path / "model")
    report = finetune(replace(inputs(place), model=tmp_path / "model"), tmp_path / "run", OPTIONS)
    assert report.after < report.before


def test_a_model_with_fewer_positions_than_it_says_is_refused(place, tmp_path):
    """RoBERTa's first positions stand for padding."""
    config = transformers.RobertaConfig(**COMMON, **SMALL, is_decoder=True, max_position_embeddings=8)
    save_model(transformers.RobertaForCausalLM(config), place, tmp_path / "model")
    with pytest.raises(SeeError, match=r"no positions for a text of 8 pieces.*lower --longest"):
        finetune(replace(inputs(place), model=tmp_path / "model"), tmp_path / "run", OPTIONS)
    given = replace(inputs(place), model=tmp_path / "model")
    assert finetune(given, tmp_path / "run", replace(OPTIONS, longest=6)).after > 0


def other_model(place, folder):
    torch.manual_seed(1)
    save_model(transformers.Phi3ForCausalLM(transformers.Phi3Config(**COMMON, **PHI3)), place, folder)


def test_another_teacher_or_other_factors_under_the_same_name_are_another_run(place, tmp_path):
    shutil.copytree(place / "phi3", tmp_path / "model")
    for name in ("mine", "mine-head"):
        init_random(place / "tables", tmp_path / name, 24, InitOptions(ratio=0.3, by="parameters", storage="float32"))
    given = replace(
        inputs(place), model=tmp_path / "model", factors=tmp_path / "mine", head_factors=tmp_path / "mine-head"
    )
    finetune(given, tmp_path / "run", OPTIONS)
    other_model(place, tmp_path / "model")
    with pytest.raises(SeeError, match=r"a run with another model_sha256.model\.safetensors"):
        finetune(given, tmp_path / "run", OPTIONS)
    shutil.copytree(place / "phi3", tmp_path / "model", dirs_exist_ok=True)
    options = InitOptions(ratio=0.3, by="parameters", storage="float32", seed=1)
    init_random(place / "tables", tmp_path / "mine", 24, options, overwrite=True)
    with pytest.raises(SeeError, match=r"a run with another factors_sha256"):
        finetune(given, tmp_path / "run", OPTIONS)


def test_a_run_goes_on_with_the_same_files_wherever_they_lie(place, tmp_path):
    values = map(str, (place, tmp_path / "run", 2, 9))
    subprocess.run([sys.executable, "-c", KILLED, *values], cwd=ROOT, check=False)
    asked_for = json.loads((tmp_path / "run" / "run.json").read_text())
    assert asked_for["read_from"]["text"] == str(place / "text.txt")
    shutil.copytree(place, tmp_path / "moved")
    report = finetune(inputs(tmp_path / "moved"), tmp_path / "run", OPTIONS)
    assert report == finetune(inputs(place), tmp_path / "run", OPTIONS)
    steps = [(stage, step) for stage, step, _ in metrics(tmp_path / "run")]
    assert steps == [*((1, step) for step in range(1, 10)), *((2, step) for step in range(1, 11))]


def test_a_run_does_not_go_on_with_another_number_of_processes(place, tmp_path):
    values = map(str, (place, tmp_path / "run", 2, 9))
    subprocess.run([sys.executable, "-c", KILLED, *values], cwd=ROOT, check=False)
    state = max((tmp_path / "run" / "checkpoints").iterdir()) / "state.json"
    content = json.loads(state.read_text())
    assert content["settings"]["processes"] == 1
    content["settings"]["processes"] = 8
    state.write_text(json.dumps(content))
    with pytest.raises(FactorError, match=r"another processes \(8, now 1\)"):
        finetune(inputs(place), tmp_path / "run", OPTIONS)


def test_factors_of_other_tables_are_refused(place, tmp_path):
    import sentencepiece as spm

    lines = [sentence(random.Random(1)) for _ in range(50)]
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(tmp_path / "other"), vocab_size=15, minloglevel=2
    )
    other = replace(small_inputs(tmp_path), tokenizer=tmp_path / "other.model", pieces=len(PIECES))
    build_tables(other, tmp_path / "other")
    options = InitOptions(ratio=0.3, by="parameters", storage="float32")
    init_random(tmp_path / "other", tmp_path / "theirs", 24, options)
    given = inputs(place, factors=tmp_path / "theirs")
    with pytest.raises(SeeError, match=r"theirs: factors made from other tables; .*see init .*tables"):
        finetune(given, tmp_path / "run", OPTIONS)
    assert not (tmp_path / "run").exists()


def test_from_scratch_only_the_config_of_the_model_counts(place, tmp_path):
    shutil.copytree(place / "phi3", tmp_path / "model")
    given, options = replace(inputs(place), model=tmp_path / "model"), replace(OPTIONS, scratch=True)
    report = finetune(given, tmp_path / "run", options)
    other_model(place, tmp_path / "model")
    assert finetune(given, tmp_path / "run", options) == report
    assert metrics(tmp_path / "run")


@pytest.mark.parametrize(
    "change", [{"init": replace(OPTIONS.init, ratio=5000)}, {"init": replace(OPTIONS.init, ratio=0.3, terms="codes")}]
)
def test_a_folder_in_which_nothing_was_made_is_free_for_other_options(change, place, tmp_path):
    with pytest.raises((SeeError, FactorError), match="ask for"):
        finetune(inputs(place), tmp_path / "run", replace(OPTIONS, **change))
    assert finetune(inputs(place), tmp_path / "run", OPTIONS).after > 0


def test_one_process_at_a_time_runs_in_a_folder(place, tmp_path):
    written = []

    def second(stage, step, *_):
        if (stage, step) == (2, 5):
            with pytest.raises(SeeError, match="run: another process runs here"):
                finetune(inputs(place), tmp_path / "run", OPTIONS)
            written.append(metrics(tmp_path / "run"))

    finetune(inputs(place), tmp_path / "run", OPTIONS, shows=second)
    assert written == [metrics(tmp_path / "run")[: OPTIONS.length_1.steps + 5]]
    assert not (tmp_path / "run" / "lock").exists()


def test_factors_for_a_head_without_a_table_are_refused_before_anything_is_made(place, tmp_path):
    options = InitOptions(ratio=0.3, by="parameters", storage="float32")
    init_random(place / "tables", tmp_path / "head", 24, options)
    given = inputs(place, "marian", head_factors=tmp_path / "head")
    with pytest.raises(SeeError, match="has no table of its own; leave them out"):
        finetune(given, tmp_path / "run", OPTIONS)
    assert not (tmp_path / "run").exists()


def test_a_head_that_is_an_embedding_is_refused_before_factors_are_made(place, tmp_path):
    values = {key: value for key, value in MARIAN.items() if key != "decoder_start_token_id"}
    sizes = {"src_vocab_size": len(PIECES), "tgt_vocab_size": len(PIECES), "langs": ["en", "de"]}
    config = transformers.FSMTConfig(**sizes, **values, pad_token_id=0, bos_token_id=1, eos_token_id=2)
    save_model(transformers.FSMTForConditionalGeneration(config), place, tmp_path / "model")
    with pytest.raises((SeeError, FactorError), match="FSMT"):
        finetune(replace(inputs(place, "marian"), model=tmp_path / "model"), tmp_path / "run", OPTIONS)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"decoder_start_token_id": 5000}, r"config\.json: decoder_start_token_id is 5000, the model has \d+ pieces"),
        ({"eos_token_id": [9000, 2]}, r"config\.json: eos_token_id is 9000"),
        ({"hidden_act": "nope", "activation_function": "nope"}, r"model: no model that can be loaded \(.*nope"),
        ({"d_model": "abc"}, r"config\.json: no model that transformers knows"),
        ({"encoder_attention_heads": 0}, r"model: no model that can be loaded"),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, r"model: no model that can"),
    ],
)
def test_values_of_a_config_that_no_model_can_have_are_one_clear_line(change, problem, place, tmp_path):
    shutil.copytree(place / "marian", tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(SeeError, match=problem) as caught:
        finetune(replace(inputs(place, "marian"), model=tmp_path / "model"), tmp_path / "run", OPTIONS)
    assert "\n" not in str(caught.value)


def test_special_ids_below_0_or_in_an_empty_list_stand_for_none(place, tmp_path):
    config = type("Config", (), {"pad_token_id": -1, "bos_token_id": None, "eos_token_id": [], "other": 3})
    assert SpecialIds.of(config, 10, tmp_path) == SpecialIds(None, None, None, None)
    assert SpecialIds.of(type("Config", (), {"eos_token_id": [2, 7]}), 10, tmp_path).end == 2


def test_a_text_that_begins_with_the_piece_of_its_end_keeps_it():
    """OPT's pieces of the beginning and of the end are the same, and its tokenizer adds the first."""
    assert _around([[2, 7], [2, 7, 8]], SpecialIds(1, 2, 2, None), 10, begin=True) == [[2, 7, 2], [2, 7, 8, 2]]


def test_measuring_takes_no_more_positions_at_once_than_training(place, tmp_path, monkeypatch):
    seen = []
    forward = transformers.Phi3ForCausalLM.forward

    def counted(self, input_ids=None, **more):
        seen.append((self.training, input_ids.numel()))
        return forward(self, input_ids=input_ids, **more)

    monkeypatch.setattr(transformers.Phi3ForCausalLM, "forward", counted)
    options = replace(OPTIONS, positions=400, accumulation=8, length_1=StageLength(0, 0), length_2=StageLength(0, 2))
    finetune(inputs(place), tmp_path / "run", options)
    trained, measured = (max(n for training, n in seen if training == mode) for mode in (True, False))
    assert measured <= max(trained, 50)
