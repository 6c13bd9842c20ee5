"""The translation benchmark on a corpus of a few words: every cell, stopped and resumed, and its report."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

pytest.importorskip("sacrebleu", reason="needs the extra translation")
pytest.importorskip("transformers", reason="needs the extra hf")

from safetensors import SafetensorError

from pipelines.translation import forms
from pipelines.translation.bench import Bench, results, run_cells, too_large
from pipelines.translation.cells import GRID, SIZES, Cell, Recipe, all_cells
from pipelines.translation.corpus import read_corpus
from pipelines.translation.forms import make_layer
from pipelines.translation.prepare import Prepared
from pipelines.translation.report import markdown, summary, write_report
from see_kb.errors import FormatError, SeeError
from see_tn.layer.checkpoint import stored_bytes
from see_tn.planning.budget import Budget
from tests.pipelines.command import assert_one_line, see
from tests.pipelines.translation.corpora import write_corpora
from tests.shared_data import ROOT

RECIPE = Recipe(epochs=2, stage_1=1, stage_2=1, warmup=2, positions=256, n_pieces=150)
RATIO = 3
CELLS = list(all_cells(["de-en"], [RATIO], [0]))
CODED = next(cell for cell in CELLS if cell.form == "see" and cell.by == "bytes")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    write_corpora(folder / "corpora")
    return folder


@pytest.fixture(scope="module")
def bench(place):
    """All cells, trained once."""
    made = Bench(place / "corpora", place / "out", RECIPE)
    assert len(list(run_cells(made, CELLS))) == len(CELLS) == len(GRID) + 2
    return made


def by_name(bench):
    names = ("pair", "form", "way", "ratio", "by", "seed")
    return {Cell(*(result[name] for name in names)).name: result for result in results(bench)}


def test_every_cell_has_a_result_with_all_that_the_table_shows(bench):
    found = by_name(bench)
    assert set(found) == {cell.name for cell in CELLS}
    for result in found.values():
        assert 0 <= result["bleu"] <= 100
        assert result["seconds"] > 0
        assert result["bleu_signature"].startswith("nrefs:1")
        assert result["made"]["recipe"] == json.dumps(RECIPE.__dict__)


def test_cells_keep_to_their_budgets(bench):
    for result in results(bench):
        if result["form"] == "dense":
            assert result["parameter_ratio"] == result["byte_ratio"] == 1
        else:
            assert result["parameter_ratio" if result["by"] == "parameters" else "byte_ratio"] >= RATIO * 0.999
            wanted = (result["body_parameters"] + result["dense_parameters"]) / result["model_parameters"]
            assert result["model_parameter_ratio"] == wanted


def test_bytes_are_those_of_what_has_to_be_stored(bench):
    corpus, prepared = read_corpus(bench.data, "de-en"), Prepared(bench.out / "de-en")
    material = prepared.material(prepared.encoder().examples(corpus.train), SIZES["base"].width, None)
    found = by_name(bench)
    for form, index in (("low-rank", False), ("word2ketxs", False), ("units", True)):
        cell = next(cell for cell in CELLS if (cell.form, cell.by) == (form, "parameters"))
        layer = make_layer(form, material, Budget(RATIO, "parameters"), 0)
        result, rest = found[cell.name], 0 if index else layer.rows().stored_bytes()
        assert result["bytes"] == stored_bytes(layer) - rest
        assert result["byte_ratio"] == result["dense_bytes"] / result["bytes"]
        assert result["model_bytes"] == 4 * result["body_parameters"] + result["bytes"]


def test_parameters_are_those_that_a_model_has(bench):
    dense = by_name(bench)["de-en-base-dense-seed0"]
    from transformers import PegasusForConditionalGeneration

    folder = bench.folder(CELLS[0]) / "model"
    model = PegasusForConditionalGeneration.from_pretrained(folder)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert dense["model_parameters"] == sum(parameter.numel() for parameter in trained)
    assert (folder / "tokenizer.model").is_file()


def test_what_is_done_is_not_done_again(bench):
    before = {path: path.stat().st_mtime_ns for path in bench.out.glob("cells/*/result.json")}
    assert len(list(run_cells(bench, CELLS))) == len(CELLS)
    assert before == {path: path.stat().st_mtime_ns for path in bench.out.glob("cells/*/result.json")}
    assert not list(bench.out.glob("cells/*/checkpoints"))


def test_another_recipe_is_refused(bench):
    with pytest.raises(SeeError, match=r"cells of another epochs .* lie here"):
        next(run_cells(replace(bench, recipe=replace(RECIPE, epochs=3)), CELLS))


def test_forms_that_come_to_the_same_layer_are_trained_once(place, tmp_path, monkeypatch):
    monkeypatch.setitem(forms.FORMS, "see", forms.FORMS["pq"])
    quantised = next(cell for cell in CELLS if cell.form == "pq")
    alone, both = (Bench(place / "corpora", tmp_path / name, RECIPE) for name in ("alone", "both"))
    (trained,) = run_cells(alone, [quantised])
    says: list[str] = []
    first, second = run_cells(both, [CODED, quantised], says.append)
    assert second == {**first, **asdict(quantised), "same_as": CODED.name} == results(both)[1]
    assert not [text for text in says if quantised.name in text and "making" not in text]
    for name in ("bleu", "chrf", "best_loss", "parameters", "bytes", "layer", "start"):
        assert second[name] == trained[name]


def test_what_is_trained_or_stored_in_another_way_is_not_the_same(place, tmp_path, monkeypatch):
    start = forms.FORMS["pq"]
    monkeypatch.setitem(
        forms.FORMS, "see", lambda material, _, seed: start(material, Budget(RATIO, "bytes", "int8"), 0)
    )
    two_stage = [cell for cell in CELLS if (cell.form, cell.way) == ("see", "two-stage")]
    found = list(run_cells(Bench(place / "corpora", tmp_path, RECIPE), [*two_stage, replace(CODED, seed=1)]))
    assert found[0]["start"] == found[1]["start"]
    assert not [one for one in found if "same_as" in one]


KILLED = """
import os, sys
from pathlib import Path
from tests.pipelines.translation.test_bench import *
seen = 0
def kill(text):
    global seen
    seen += "stage 2" in text
    if seen == 1 and CODED.name in text:
        os._exit(9)
bench = Bench(Path(sys.argv[1]), Path(sys.argv[2]), replace(RECIPE, stage_2=8))
cells = [CELLS[0], CODED]
for _ in run_cells(bench, cells, kill): seen = 0
"""


def test_a_benchmark_that_was_killed_goes_on_and_comes_to_the_same(place, tmp_path):
    cells = [CELLS[0], CODED]
    scores = []
    for name in ("whole", "killed"):
        made = Bench(place / "corpora", tmp_path / name, replace(RECIPE, stage_2=8))
        if name == "killed":
            values = map(str, (made.data, made.out))
            process = subprocess.run([sys.executable, "-c", KILLED, *values], cwd=ROOT, check=False)
            assert process.returncode == 9
            assert len(results(made)) == 1
        scores.append([(one["best_loss"], one["bleu"], one["chrf"]) for one in run_cells(made, cells)])
    assert scores[0] == scores[1]


def test_a_cell_that_fails_keeps_no_other_one_from_being_trained(bench):
    damaged = replace(CODED, seed=1, way="scratch")
    (bench.folder(damaged) / "start").mkdir(parents=True)
    running = run_cells(bench, [damaged, *CELLS[:2]])
    assert [next(running)["way"] for _ in range(2)] == ["scratch", "two-stage"]
    with pytest.raises(SeeError, match="1 of 3 models failed, the others are done; first de-en-base-see-scratch-3"):
        next(running)


def test_a_dense_model_that_cannot_be_kept_is_one_failure(place, tmp_path, monkeypatch):
    def full(*_, **__):
        raise SafetensorError("I/O error: File too large")

    monkeypatch.setattr("transformers.PreTrainedModel.save_pretrained", full)
    made = Bench(place / "corpora", tmp_path / "out", replace(RECIPE, epochs=1))
    with pytest.raises(SeeError, match=r"1 of 1 models failed.*model: cannot be written \(I/O error: File too large"):
        list(run_cells(made, CELLS[:1]))


def test_checkpoints_that_a_kill_left_behind_a_result_are_removed(bench):
    leftover = bench.folder(CELLS[1]) / "checkpoints"
    leftover.mkdir()
    list(run_cells(bench, [CELLS[1]]))
    assert not leftover.exists()


def test_a_form_of_which_nothing_is_so_small_is_no_failure_and_is_reported(bench, tmp_path):
    shutil.copytree(bench.out, tmp_path / "out")
    made = replace(bench, out=tmp_path / "out")
    small = Cell("de-en", "units", "scratch", 40, "parameters", 0)
    says = []
    (trained,) = run_cells(made, [small, CELLS[1]], says.append)
    assert trained["form"] == "dense"
    assert list(run_cells(made, [small], says.append)) == []
    assert [": a ratio of 40 leaves" in text for text in says] == [False, True]  # the second time it is known
    assert [one["form"] for one in too_large(made)] == ["units"]
    assert len(results(made)) == len(CELLS)
    text = markdown(results(made), [], 40, too_large(made))
    assert "and 1 of forms of which nothing is so small" in text
    assert re.search(r"\n\| units \| scratch \| parameters \|  \| \d+\.\d \| – \|\n", text)


def test_another_corpus_or_dictionary_is_refused(bench, tmp_path):
    other = write_corpora(tmp_path / "corpora")
    file = other / "multi30k" / "val.en"
    file.write_text(file.read_text(encoding="utf-8").replace("a", "e"), encoding="utf-8")
    with pytest.raises(SeeError, match="made from other texts"):
        next(run_cells(replace(bench, data=other), CELLS))
    (tmp_path / "words.tsv").write_text("W_E\tDEF\ndog\t{livestock|牲畜}\n", encoding="utf-8")
    with pytest.raises(SeeError, match="made from other dictionaries"):
        next(run_cells(replace(bench, dictionaries=(tmp_path / "words.tsv",)), CELLS))


@pytest.mark.parametrize("damage", ["", '{"bleu": 3', "[]"])
def test_a_damaged_result_is_named(place, tmp_path, damage):
    made = Bench(place / "corpora", tmp_path / "out", RECIPE)
    folder = made.folder(CELLS[0])
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(damage)
    for reading in (lambda: results(made), lambda: list(run_cells(made, CELLS[:1]))):
        with pytest.raises(SeeError, match=r"result\.json: damaged .*; remove it to train this model again"):
            reading()


def test_a_damaged_recipe_is_named(place, tmp_path):
    (tmp_path / "recipe.json").write_text("")
    with pytest.raises(FormatError, match=r"recipe\.json: damaged .*; remove it"):
        next(run_cells(Bench(place / "corpora", tmp_path, RECIPE), CELLS[:1]))


def test_a_cell_that_another_process_holds_is_passed_over(place, tmp_path):
    from filelock import FileLock

    made = Bench(place / "corpora", tmp_path / "out", RECIPE)
    folder = made.folder(CELLS[0])
    folder.mkdir(parents=True)
    with FileLock(folder / "lock"):
        assert list(run_cells(made, CELLS[:1])) == []


def test_the_report_has_a_line_for_each_cell(bench, tmp_path):
    write_report(results(bench), tmp_path, ["--preset", "quick"], 20)
    text = (tmp_path / "translation.md").read_text()
    rows = [line for line in text.splitlines() if "×, " in line and ("| two-stage |" in line or "| scratch |" in line)]
    assert len(rows) == len(CELLS)
    assert "`see translate-bench --preset quick`" in text
    assert (
        f"{len(CELLS)} in this report, and 0 of forms of which nothing is so small (–); the command asks for 20;"
        in text
    )
    lines = [json.loads(line) for line in (tmp_path / "translation.jsonl").read_text().splitlines()]
    assert len(lines) == len(CELLS)
    wanted = {"pair", "form", "way", "ratio", "by", "bleu", "chrf", "parameters", "bytes", "seed", "seconds"}
    assert all(wanted <= line.keys() for line in lines)
    assert (tmp_path / "translation.png").stat().st_size > 10_000


def test_seeds_are_averaged_and_compared_with_the_dense_model(bench):
    one = results(bench)
    other = [{**result, "seed": 1, "bleu": result["bleu"] + 2} for result in one]
    frame = summary([*one, *other])
    assert (frame["seeds"] == 2).all()
    dense = next(result["bleu"] for result in one if result["form"] == "dense" and result["way"] == "scratch")
    for result in one:
        chosen = frame[
            (frame["form"] == result["form"]) & (frame["way"] == result["way"]) & (frame["by"] == result["by"])
        ]
        assert chosen["bleu"].item() == pytest.approx(result["bleu"] + 1)
        assert chosen["to_dense"].item() == pytest.approx(result["bleu"] - dense)
        assert chosen["spread"].item() == pytest.approx(2**0.5)
    assert "± 1.4" in markdown([*one, *other], [], 34)


def refused(part, **change):
    with pytest.raises(SeeError, match=part):
        list(all_cells(**{"pairs": ["de-en"], "ratios": [20], "seeds": [0], **change}))


def test_unknown_names_are_refused_by_name():
    for change, part in (
        ({"pairs": ["de-fr"]}, "'de-fr': no such pair; take one of de-en, zh-en"),
        ({"forms": ["tt"]}, "'tt': no such form"),
        ({"ways": ["three-stage"]}, "'three-stage': no such way"),
        ({"sizes": ["huge"]}, "'huge': no such size"),
    ):
        refused(part, **change)


@pytest.mark.parametrize("ratio", [1, 0.5, -3, float("nan"), float("inf")])
def test_ratios_that_make_nothing_smaller_are_refused(ratio):
    refused(f"a ratio of {ratio:g}; give ratios above 1", ratios=[20, ratio])


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_seeds_that_codes_cannot_be_learned_with_are_refused(seed):
    refused(f"seed is {seed}; give a number from 0 to 2147483647", seeds=[0, seed])


def test_a_report_is_written_without_training(bench, tmp_path):
    command = ("translate-bench", "--data", tmp_path / "nowhere", "--out", bench.out, "--report-only")
    process = see(*command, "--report", tmp_path / "report")
    assert process.returncode == 0, process.stderr
    wanted = 2 * (2 + 4 * len(GRID))  # pairs of languages, the dense models, ratios
    report = (tmp_path / "report" / "translation.md").read_text()
    assert (
        f"{len(CELLS)} in this report, and 0 of forms of which nothing is so small (–); the command asks for {wanted};"
        in report
    )
    assert_one_line(see(*command[:-2], tmp_path / "none", "--report-only"), "no model is trained yet")


def test_the_command_says_what_is_wrong(place, tmp_path):
    command = ("translate-bench", "--data", place / "corpora", "--out", tmp_path / "out", "--preset", "quick")
    assert_one_line(see(*command, "--ratios", "ten"), "--ratios ten: give numbers")
    assert_one_line(see(*command, "--ratios", ""), "--ratios is empty; give values with commas between them")
    assert_one_line(see(*command, "--seeds", ""), "--seeds is empty; give values")
    assert_one_line(see(*command, "--seeds", "3000000000"), "seed is 3000000000; give a number from 0 to 2147483647")
    assert_one_line(see(*command, "--pairs", "zh-en"), "3am", "cannot be read")
    assert_one_line(see(*command, "--pieces", "5000"), "5000 pieces from 300 sentences", "ask for fewer pieces")


def test_a_bad_line_of_a_corpus_is_told_by_its_number(tmp_path):
    file = write_corpora(tmp_path / "corpora") / "multi30k" / "train.de"
    lines = file.read_bytes().splitlines()
    command = ("translate-bench", "--data", tmp_path / "corpora", "--out", tmp_path / "out", "--preset", "quick")
    for damaged, parts in (
        ([*lines[:4], b"\xff", *lines[5:]], ("train.de:5: not UTF-8",)),
        ([*lines[:4], b"", *lines[5:]], ("train.de:5: an empty line",)),
        (lines[:-1], ("train.en: 300 lines", "train.de has 299")),
    ):
        file.write_bytes(b"\n".join(damaged) + b"\n")
        assert_one_line(see(*command, "--pieces", 150), *parts)
