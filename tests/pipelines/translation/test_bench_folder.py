"""What lies in a benchmark's folder is not taken for what it is not: results, teachers, models of other texts."""

import json
import shutil

import pytest

pytest.importorskip("sacrebleu", reason="needs the extra translation")
pytest.importorskip("transformers", reason="needs the extra hf")

from pipelines.translation.bench import Bench, results, run_cells
from pipelines.translation.cells import Cell, Recipe
from see_kb.errors import FormatError, SeeError
from tests.pipelines.translation.corpora import write_corpora

RECIPE = Recipe(epochs=0.1, stage_1=0.1, stage_2=0.1, warmup=1, positions=256, n_pieces=150)
DENSE = Cell("de-en", "dense", "scratch", 1, "parameters", 0, "small")
CODED = Cell("de-en", "see", "two-stage", 3, "bytes", 0, "small")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    write_corpora(folder / "corpora")
    assert len(list(run_cells(Bench(folder / "corpora", folder / "out", RECIPE), [DENSE]))) == 1
    return folder


@pytest.fixture
def bench(trained, tmp_path):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return Bench(tmp_path / "corpora", tmp_path / "out", RECIPE)


@pytest.mark.parametrize("damage", ["cut", "gone", "config"])
def test_a_damaged_teacher_is_named_and_others_are_trained(bench, damage):
    model = bench.folder(DENSE) / "model"
    if damage == "config":
        (model / "config.json").write_text("{")
    elif damage == "cut":
        (model / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes()[:1000])
    else:
        (model / "model.safetensors").unlink()
    scratch = Cell("de-en", "low-rank", "scratch", 3, "parameters", 0, "small")
    with pytest.raises(SeeError, match=r"1 of 2 models failed.*model: damaged .*train it again"):
        list(run_cells(bench, [CODED, scratch]))
    assert [result["form"] for result in results(bench)] == ["dense", "low-rank"]


def test_a_teacher_that_is_gone_is_named(bench):
    shutil.rmtree(bench.folder(DENSE) / "model")
    with pytest.raises(SeeError, match=r"dense-seed0.model: gone; remove .*dense-seed0.result\.json to train it again"):
        list(run_cells(bench, [CODED]))


@pytest.mark.parametrize(
    ("changed", "problem"),
    [({"form": None}, "no form"), ({"bytes": None}, "no bytes"), ({"seed": 1}, "another model than its folder's name")],
)
def test_results_that_are_none_are_refused(bench, changed, problem):
    file = bench.folder(DENSE) / "result.json"
    result = {**json.loads(file.read_text()), **changed}
    file.write_text(json.dumps({name: value for name, value in result.items() if value is not None}))
    with pytest.raises(FormatError, match=rf"result\.json: .*{problem}.*; remove it to train this model again"):
        results(bench)


def test_models_of_other_texts_are_refused_also_where_the_pairs_folder_is_gone(bench):
    shutil.rmtree(bench.out / "de-en")
    assert len(list(run_cells(bench, [DENSE]))) == 1  # made anew from the same texts, it fits
    shutil.rmtree(bench.out / "de-en")
    for side in ("de", "en"):
        file = bench.data / "multi30k" / f"train.{side}"
        file.write_text("".join(file.read_text().splitlines(keepends=True)[:250]))
    with pytest.raises(SeeError, match=r"de-en-small-dense-seed0: trained on other texts or dictionaries"):
        list(run_cells(bench, [DENSE]))
