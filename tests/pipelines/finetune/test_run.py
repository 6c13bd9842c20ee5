# ruff: noqa: E402  (what is imported needs the extra that is looked for first)
"""`see finetune` on tiny models made here: a model like Phi-3 and one that translates."""

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

transformers = pytest.importorskip("transformers", reason="needs the extra hf")

from pipelines.build import build_tables
from pipelines.finetune.options import FinetuneInputs, StageLength
from pipelines.finetune.run import finetune
from pipelines.finetune.special_ids import SpecialIds
from pipelines.finetune.texts import read_examples
from pipelines.finetune.tokenizer import read_encoders
from pipelines.init import InitOptions
from see_kb.errors import FormatError, SeeError
from see_tn.errors import FactorError
from see_tn.layer.checkpoint import load_embedding
from see_tn.models.saved import load_swapped
from see_tn.training import loop
from see_tn.training.loop import evaluate
from tests.pipelines.command import assert_one_line, see
from tests.pipelines.finetune.runs import (
    COMMON,
    KILLED,
    OPTIONS,
    PHI3,
    QUICK,
    arguments,
    inputs,
    metrics,
    sentence,
)
from tests.shared_data import ROOT
from tests.small_data import PIECES, small_inputs


@pytest.mark.parametrize("name", ["phi3", "marian"])
def test_both_stages_make_a_model_that_loads_and_generates(name, place, tmp_path):
    report = finetune(inputs(place, name), tmp_path / "run", OPTIONS)
    assert report.after < report.before - 0.5
    assert (report.steps_1, report.steps_2) == (9, 10)
    model = load_swapped(tmp_path / "run" / "model")
    assert report.sizes["byte_ratio"] == pytest.approx(0.3, rel=0.1)
    options = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False}
    assert model.generate(torch.tensor([[1, 3, 4]]), **options).shape[1] >= 5
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert finetune(inputs(place, name), tmp_path / "run", OPTIONS) == report


def test_an_untied_head_gets_factors_of_its_own(place, tmp_path):
    finetune(inputs(place), tmp_path / "run", OPTIONS)
    assert (tmp_path / "run" / "factors").is_dir()
    assert (tmp_path / "run" / "head-factors").is_dir()
    state = load_swapped(tmp_path / "run" / "model").state_dict()
    assert not {"model.embed_tokens.weight", "lm_head.weight"} & state.keys()


@pytest.mark.parametrize("scratch", [False, True])
def test_the_student_is_measured_once_before_the_second_stage(scratch, place, tmp_path, monkeypatch):
    measured = []

    def counted(objective, *arguments):
        measured.append(type(objective).__name__)
        return evaluate(objective, *arguments)

    monkeypatch.setattr(loop, "evaluate", counted)
    options = replace(OPTIONS, scratch=scratch, length_1=StageLength(0, 2), length_2=StageLength(0, 1))
    report = finetune(inputs(place), tmp_path / "run", options)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    first = next(line["kept_apart"] for line in lines if line["stage"] == 2 and "kept_apart" in line)
    assert first == (report.before if scratch else report.after_stage_1)
    # Before, after the step and in the end; with a teacher also after stage 1, and the teacher.
    assert measured.count("CrossEntropy") == (3 if scratch else 5)


def test_a_damaged_report_is_named(place, tmp_path):
    options = replace(OPTIONS, length_1=StageLength(0, 1), length_2=StageLength(0, 1))
    finetune(inputs(place), tmp_path / "run", options)
    for damaged in ("{", "[]", '{"after": 1}'):
        (tmp_path / "run" / "report.json").write_text(damaged)
        with pytest.raises(FormatError, match=r"report\.json: damaged .*; name a new folder to train again"):
            finetune(inputs(place), tmp_path / "run", options)


@pytest.mark.parametrize(("stage", "step"), [(1, 3), (1, 7), (2, 1), (2, 9)])
def test_killed_anywhere_and_called_again_it_ends_the_same(stage, step, place, tmp_path):
    wanted = finetune(inputs(place), tmp_path / "whole", OPTIONS)
    values = map(str, (place, tmp_path / "killed", stage, step))
    process = subprocess.run([sys.executable, "-c", KILLED, *values], cwd=ROOT, check=False)
    assert process.returncode == 9
    report = finetune(inputs(place), tmp_path / "killed", OPTIONS)
    assert replace(report, seconds=0) == replace(wanted, seconds=0)
    assert metrics(tmp_path / "killed") == metrics(tmp_path / "whole")
    lines = [(tmp_path / name / "metrics.jsonl").read_text().count("\n") for name in ("whole", "killed")]
    assert lines[0] == lines[1]
    whole, killed = (load_swapped(tmp_path / name / "model").state_dict() for name in ("whole", "killed"))
    assert all(torch.equal(tensor, killed[key]) for key, tensor in whole.items())


def given_factors(place, name, run):
    """The inputs of a run with the factors that another one made: a fit depends on its threads in the last bits."""
    head = run / "head-factors"
    return inputs(place, name, factors=run / "factors", head_factors=head if head.exists() else None)


@pytest.mark.parametrize("name", ["phi3", "marian"])
def test_two_processes_give_the_losses_of_one(name, place, tmp_path):
    finetune(inputs(place, name), tmp_path / "one", OPTIONS)
    launch = "-m accelerate.commands.launch --multi_gpu --num_processes 2 --num_machines 1 --main_process_port 0"
    ours = "--mixed_precision no --dynamo_backend no -m tests.pipelines.finetune.test_run"
    command = [sys.executable, *launch.split(), *ours.split()]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.run(
        [*command, str(place), str(tmp_path / "two"), name, str(tmp_path / "one")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (tmp_path / "two" / "report.json").is_file(), process.stderr
    assert sorted(process.stdout.split()) == ["0/2", "1/2"]
    one, two = (metrics(tmp_path / name) for name in ("one", "two"))
    assert [key for *key, _ in one] == [key for *key, _ in two]
    assert [loss for *_, loss in one] == pytest.approx([loss for *_, loss in two], rel=1e-3)


def test_the_command_trains_and_says_what_it_came_to(place, tmp_path):
    process = see(*arguments(place, tmp_path / "run"), *QUICK, "--rate-2", 0.01, "--tensorboard")
    assert process.returncode == 0, process.stderr
    assert "times fewer bytes" in process.stdout
    assert process.stderr == ""
    assert list((tmp_path / "run" / "tensorboard").iterdir())
    again = see(*arguments(place, tmp_path / "run"), *QUICK, "--rate-2", 0.01, "--json")
    assert json.loads(again.stdout)["steps_2"] == 6
    assert_one_line(see(*arguments(place, tmp_path / "run"), *QUICK, "--seed", 1), "another init.seed (0, now 1)")


def test_another_text_under_the_same_name_is_another_run(place, tmp_path):
    text = tmp_path / "text.txt"
    text.write_bytes((place / "text.txt").read_bytes())
    finetune(replace(inputs(place), text=text), tmp_path / "run", OPTIONS)
    text.write_text(text.read_text().replace("man", "dogs", 1))
    with pytest.raises(SeeError, match="a run with another text_sha256"):
        finetune(replace(inputs(place), text=text), tmp_path / "run", OPTIONS)


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (lambda lines: [*lines[:6], b"\xff\xfe bad", *lines[7:]], ("text.txt:7: not UTF-8",)),
        (lambda lines: [*lines[:6], b"", *lines[7:]], ("text.txt:7: an empty line",)),
        (lambda lines: lines[:10], ("10 texts, 20 of them kept apart",)),
    ],
)
def test_a_bad_line_is_told_by_its_number(damage, parts, place, tmp_path):
    lines = (place / "text.txt").read_bytes().splitlines()
    (tmp_path / "text.txt").write_bytes(b"\n".join(damage(lines)))
    given = ("finetune", place / "phi3", place / "tables", tmp_path / "text.txt", "--out", tmp_path / "run")
    assert_one_line(see(*given, *QUICK), *parts)
    assert not (tmp_path / "run").exists()


def test_a_translation_without_its_tab_is_told_by_its_number(place, tmp_path):
    given = replace(inputs(place, "marian"), text=place / "text.txt")
    with pytest.raises(SeeError, match=r"text.txt:1: 1 columns"):
        finetune(given, tmp_path / "run", OPTIONS)


def test_a_tokenizer_that_is_not_the_tables_is_refused(place, tmp_path):
    import sentencepiece as spm

    lines = [sentence(random.Random(1)) for _ in range(50)]
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(tmp_path / "other"), vocab_size=15, minloglevel=2
    )
    given = inputs(place, tokenizer=tmp_path / "other.model")
    with pytest.raises(SeeError, match=r"other.model: piece 3 is .* build tables for this tokenizer"):
        finetune(given, tmp_path / "run", OPTIONS)
    model = transformers.Phi3ForCausalLM(transformers.Phi3Config(**{**COMMON, "vocab_size": 300}, **PHI3))
    model.save_pretrained(tmp_path / "wide")
    given = replace(inputs(place, tokenizer=place / "phi3" / "tokenizer.model"), model=tmp_path / "wide")
    with pytest.raises(SeeError, match=rf"of {len(PIECES)} pieces, the model's table has 300 rows; .* --pieces 300"):
        finetune(given, tmp_path / "run", OPTIONS)
    build_tables(replace(small_inputs(tmp_path), pieces=300), tmp_path / "padded")
    assert finetune(replace(given, tables=tmp_path / "padded"), tmp_path / "run", OPTIONS).after > 0


def test_a_loss_that_is_no_number_is_one_clear_line(place, tmp_path):
    process = see(*arguments(place, tmp_path / "run"), *QUICK, "--rate-1", 1e30, "--clip", 0)
    assert_one_line(process, "the loss is", "lower the learning rate")


def test_a_damaged_checkpoint_is_one_clear_line(place, tmp_path):
    values = map(str, (place, tmp_path / "run", 2, 9))
    subprocess.run([sys.executable, "-c", KILLED, *values], cwd=ROOT, check=False)
    file = max((tmp_path / "run" / "checkpoints").iterdir()) / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(FactorError, match=r"weights.safetensors: damaged.*remove this folder, to go on from"):
        finetune(inputs(place), tmp_path / "run", OPTIONS)


def test_the_trained_factors_alone_are_as_small_as_reported(place, tmp_path):
    report = finetune(inputs(place), tmp_path / "run", OPTIONS)
    files = [path for name in ("trained", "trained-head") for path in (tmp_path / "run" / name).iterdir()]
    assert report.sizes["bytes"] == sum(path.stat().st_size for path in files)
    model, layer = load_swapped(tmp_path / "run" / "model"), load_embedding(tmp_path / "run" / "trained")
    assert torch.equal(layer(torch.arange(9)), model.get_input_embeddings()(torch.arange(9)))


def test_long_texts_are_cut_and_keep_their_ends(place, tmp_path):
    special = SpecialIds(0, 1, 2, None)
    (tmp_path / "text.txt").write_text("man dogs break man man man\nman\n", encoding="utf-8")
    tokenizer = place / "tables" / "tokenizer.model"
    read = read_examples(tmp_path / "text.txt", read_encoders(tokenizer), special, 5, pairs=False, n_pieces=len(PIECES))
    assert [(len(source), source[0], source[-1]) for source in read.sources] == [(5, 1, 2), (3, 1, 2)]


def test_a_folder_with_a_tokenizer_json_and_a_padded_table_as_phi3_has_them(place, tmp_path):
    """Phi-3's tokenizer.json has pieces beside the model's own, and its table rows that no piece has."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=60, special_tokens=["<unk>", "<s>", "</s>"])
    tokenizer.train_from_iterator([sentence(random.Random(2)) for _ in range(200)], trainer)
    tokenizer.add_special_tokens([AddedToken(text) for text in ("<|endoftext|>", "<|user|>")])
    n_rows = tokenizer.get_vocab_size() + 7
    model = transformers.Phi3ForCausalLM(transformers.Phi3Config(**{**COMMON, "vocab_size": n_rows}, **PHI3))
    model.save_pretrained(tmp_path / "model")
    chat = "{{ messages[0].content }}"
    told = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", chat_template=chat)
    told.save_pretrained(tmp_path / "model")
    padded = replace(small_inputs(tmp_path), tokenizer=tmp_path / "model" / "tokenizer.json", pieces=n_rows)
    build_tables(padded, tmp_path / "tables")
    given = FinetuneInputs(tmp_path / "model", tmp_path / "tables", place / "text.txt")
    report = finetune(given, tmp_path / "run", replace(OPTIONS, init=InitOptions(ratio=0.2)))
    assert report.after < report.before - 0.3
    kept = transformers.AutoTokenizer.from_pretrained(tmp_path / "run" / "model")
    assert (kept.bos_token, kept.chat_template, kept.get_vocab()) == ("<s>", chat, told.get_vocab())


def test_a_model_that_lacks_weights_is_no_teacher(place, tmp_path):
    from safetensors.torch import load_file, save_file

    (tmp_path / "part").mkdir()
    for path in (place / "phi3").iterdir():
        (tmp_path / "part" / path.name).write_bytes(path.read_bytes())
    weights = load_file(place / "phi3" / "model.safetensors")
    del weights["model.layers.1.mlp.down_proj.weight"]
    save_file(weights, tmp_path / "part" / "model.safetensors", {"format": "pt"})
    with pytest.raises(SeeError, match=r"no weights of model\.layers\.1\.mlp\.down_proj"):
        finetune(replace(inputs(place), model=tmp_path / "part"), tmp_path / "run", OPTIONS)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (("--epochs-2", "inf"), "give numbers from 0 on"),
        (("--layers", "7"), "layer 7 of a stack with 3"),
        (("--layers", "first"), "--layers first: give all, last, or numbers"),
        (("--positions", "0"), "give numbers from 1 on"),
        (("--share", "2"), "share is from 0 to 1"),
        (("--factors", "nowhere"), "nowhere: no such folder"),
        (("--tokenizer", "nowhere.model"), "nowhere.model"),
        (("--scratch",), "is about a teacher, and from scratch there is none"),
        (("--scratch", "--share", "1"), "is about a teacher"),
        (("--factors", "a", "--head-factors", "b", "--ratio", "3"), "--ratio is about factors that are made"),
    ],
)
def test_options_that_cannot_be_met_are_one_clear_line(change, part, place, tmp_path):
    assert_one_line(see(*arguments(place, tmp_path / "run"), *QUICK, *change), part)


def test_folders_that_are_no_model_or_no_run_are_refused(place, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("dear")
    with pytest.raises(SeeError, match="holds something else than a run"):
        finetune(inputs(place), tmp_path / "full", OPTIONS)
    (tmp_path / "full" / "letter").rename(tmp_path / "full" / ".123-run.json")  # what a kill may leave
    finetune(inputs(place), tmp_path / "full", OPTIONS)
    with pytest.raises(SeeError, match=r"no config.json"):
        finetune(replace(inputs(place), model=tmp_path), tmp_path / "run", OPTIONS)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SeeError, match=r"config\.json"):
        finetune(replace(inputs(place), model=tmp_path), tmp_path / "run", OPTIONS)


def test_bfloat16_and_mixed_precision_train(place, tmp_path):
    report = finetune(inputs(place), tmp_path / "bfloat16", replace(OPTIONS, dtype="bfloat16"))
    assert report.after < report.before - 0.3
    assert load_swapped(tmp_path / "bfloat16" / "model").dtype == torch.bfloat16
    process = see(*arguments(place, tmp_path / "mixed"), *QUICK, "--rate-2", 0.01, "--precision", "bf16", "--json")
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["after"] < report.before - 0.3
    with pytest.raises(SeeError, match="precision bf16"):  # this process computes without
        finetune(inputs(place), tmp_path / "other", replace(OPTIONS, precision="bf16"))


if __name__ == "__main__":  # a process of the test with two
    from accelerate.state import PartialState

    finetune(given_factors(Path(sys.argv[1]), sys.argv[3], Path(sys.argv[4])), Path(sys.argv[2]), OPTIONS)
    state = PartialState()
    state.destroy_process_group()
    sys.stdout.write(f"{state.process_index}/{state.num_processes}\n")
