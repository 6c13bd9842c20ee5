"""A cell's training that goes on: its numbers are kept up to the checkpoint."""

import json
from dataclasses import asdict

import pytest
import torch

pytest.importorskip("sacrebleu", reason="needs the extra translation")
pytest.importorskip("transformers", reason="needs the extra hf")

from pipelines.translation.cells import Cell, Recipe
from pipelines.translation.corpus import read_corpus
from pipelines.translation.prepare import prepare
from pipelines.translation.train import CHECKPOINTS, METRICS, START, Trainer
from see_tn.training.state import Checkpoints, Progress, Snapshot
from tests.pipelines.translation.corpora import write_corpora

RECIPE = Recipe(positions=256, n_pieces=150)
DENSE = Cell("de-en", "dense", "scratch", 1, "parameters", 0)
UNITS = Cell("de-en", "units", "scratch", 3, "parameters", 0)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    place = tmp_path_factory.mktemp("inputs")
    corpus = read_corpus(write_corpora(place / "corpora"), "de-en")
    return corpus, prepare(place / "de-en", corpus, RECIPE.n_pieces, ())


def trainer_after(places, saved, cell, inputs, folder):
    """A cell's trainer where lines of some stages and steps were written, and one checkpoint or none."""
    with (folder / METRICS).open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"stage": stage, "step": step, "seconds": 1.0}) + "\n" for stage, step in places)
    if saved is not None:
        settings = {"cell": asdict(cell), "recipe": asdict(RECIPE)}
        Checkpoints(folder / CHECKPOINTS, settings).save(Snapshot(saved, {"weight": torch.zeros(1)}, {}, {}))
    return Trainer(cell, RECIPE, *inputs, folder, None, lambda _: None)


def places_in(folder):
    lines = map(json.loads, (folder / METRICS).read_text(encoding="utf-8").splitlines())
    return [(line["stage"], line["step"]) for line in lines]


def test_a_dense_cell_that_goes_on_keeps_its_lines_up_to_the_checkpoint(inputs, tmp_path):
    trainer_after([(2, 0), (2, 50), (2, 250), (2, 300)], Progress(2, 250), DENSE, inputs, tmp_path)
    assert places_in(tmp_path) == [(2, 0), (2, 50), (2, 250)]


def test_a_dense_cell_without_a_checkpoint_begins_anew(inputs, tmp_path):
    trainer_after([(2, 0), (2, 50)], None, DENSE, inputs, tmp_path)
    assert places_in(tmp_path) == []


@pytest.mark.parametrize("saved", [None, Progress(1, 250)])
def test_the_seconds_of_the_layer_outlive_a_kill(inputs, tmp_path, saved):
    (tmp_path / START).mkdir()
    trainer = trainer_after([(0, 0), (1, 250), (1, 300)], saved, UNITS, inputs, tmp_path)
    assert places_in(tmp_path) == [(0, 0)] + [(1, 250)] * (saved is not None)
    assert trainer.seconds == len(places_in(tmp_path))


def test_a_layer_that_is_made_again_counts_once(inputs, tmp_path):
    trainer = trainer_after([(0, 0)], None, UNITS, inputs, tmp_path)
    trainer.run.records.add(0, 0, {"seconds": 3.0})
    assert trainer.seconds == 3
