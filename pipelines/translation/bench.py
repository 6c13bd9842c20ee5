"""The benchmark: each cell is trained, translated with and judged once; what is done is not done again.

    OUT/de-en/vocabulary.model         the pair's pieces; tables/ and morphemes/ are what `see build` makes of them
    OUT/cells/NAME/result.json         a finished cell; before that its checkpoints, and metrics.jsonl
    OUT/cells/NAME/model               of dense cells: the teacher of others

Several processes may work on one folder at once: each takes cells that no other one holds.
"""

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from filelock import FileLock, Timeout
from transformers import MarianMTModel

from pipelines.build import BuildInputs, build_tables
from pipelines.factor_inputs import read_rows
from pipelines.model_sizes import ModelSizes
from pipelines.translation.cells import SIZES, Cell, Recipe
from pipelines.translation.corpus import Corpus, read_corpus
from pipelines.translation.evaluate import score, translate
from pipelines.translation.forms import Material, make_layer
from pipelines.translation.model import new_model
from pipelines.translation.vocabulary import Encoder, train_vocabulary
from see_kb.alignment.units import UnitOptions
from see_kb.errors import SeeError
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.models.swap import swap_embedding
from see_tn.planning.budget import Budget
from see_tn.training.batches import Batches
from see_tn.training.loop import Run, Stage
from see_tn.training.objectives import Alignment, CrossEntropy, Distillation, DistillationOptions, Objective
from see_tn.training.options import Optimisation
from see_tn.training.records import Records
from see_tn.training.state import Checkpoints, Snapshot

RESULT, MODEL = "result.json", "model"
UNITS = UnitOptions(order=3, max_terms=2, units=200)
MORPHEMES = UnitOptions(order=3, max_terms=1, units=200)
SMOOTHING = 0.1
RATE, RATE_ALIGNING, RATE_DISTILLING = 2e-3, 2e-3, 1e-3

Says = Callable[[str], None]


@dataclass(frozen=True)
class Bench:
    """Where a benchmark reads and writes, and how long it trains."""

    data: Path
    out: Path
    recipe: Recipe
    dictionaries: tuple[Path, ...] = ()

    def folder(self, cell: Cell) -> Path:
        """What a cell writes."""
        return self.out / "cells" / cell.name


def run_cells(bench: Bench, cells: Sequence[Cell], says: Says = lambda _: None) -> Iterator[dict[str, Any]]:
    """Train the cells that are not done yet, one at a time, and give the result of each.

    Raises:
        SeeError: a text or a dictionary cannot be used.
        FactorError: training failed, or a checkpoint is damaged or cannot be written.
    """
    bench.out.mkdir(parents=True, exist_ok=True)
    _check_recipe(bench)
    for number, cell in enumerate(cells, 1):
        result = run_cell(bench, cell, partial(_say, says, f"{number}/{len(cells)} {cell.name}"))
        if result is not None:
            yield result


def run_cell(bench: Bench, cell: Cell, says: Says, *, wait: bool = False) -> dict[str, Any] | None:
    """Train a cell, or read its result; None where another process holds it and `wait` is off."""
    folder = bench.folder(cell)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=-1 if wait else 0):
            return _finished(bench, cell) or _train(bench, cell, says)
    except Timeout:
        return None


def _say(says: Says, place: str, text: str) -> None:
    says(f"{place}: {text}")


def results(bench: Bench) -> list[dict[str, Any]]:
    """All finished cells of a folder."""
    files = sorted((bench.out / "cells").glob(f"*/{RESULT}"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def _finished(bench: Bench, cell: Cell) -> dict[str, Any] | None:
    file = bench.folder(cell) / RESULT
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def _check_recipe(bench: Bench) -> None:
    """Cells of another recipe must not stand in one table."""
    file, recipe = bench.out / "recipe.json", asdict(bench.recipe)
    if not file.exists():
        _write(file, recipe)
    elif json.loads(file.read_text(encoding="utf-8")) != recipe:
        raise SeeError(f"{file}: cells of another recipe lie here; name a new folder, or give the same options")


def _train(bench: Bench, cell: Cell, says: Says) -> dict[str, Any]:
    corpus = read_corpus(bench.data, cell.pair).first(bench.recipe.sentences)
    encoder = _encoder(bench, cell.pair, corpus)
    trainer = _Trainer(bench, cell, corpus, encoder, says)
    model, layer = trainer.dense() if cell.form == "dense" else trainer.compressed()
    if layer is not None and cell.by == "bytes" and cell.form == "see":
        layer.quantise()
    sizes = (
        ModelSizes.of_dense(model, model.get_input_embeddings().weight)
        if layer is None
        else ModelSizes.of_swapped(model, [layer])
    )
    says("translating")
    test = score(translate(model, encoder, corpus.test.sources), corpus.test)
    result = {
        **asdict(cell),
        **sizes.as_dict(),
        **asdict(test),
        "seconds": round(trainer.seconds, 1),
    }
    if cell.form == "dense":
        model.save_pretrained(bench.folder(cell) / MODEL)
    _write(bench.folder(cell) / RESULT, {**result, "best_loss": trainer.best})
    shutil.rmtree(bench.folder(cell) / "checkpoints", ignore_errors=True)
    return result


class _Trainer:
    """One cell's training, resumed from its checkpoints."""

    def __init__(self, bench: Bench, cell: Cell, corpus: Corpus, encoder: Encoder, says: Says) -> None:
        self.bench, self.cell, self.encoder, self.says = bench, cell, encoder, says
        recipe, folder = bench.recipe, bench.folder(cell)
        self.train = Batches(encoder.examples(corpus.train), recipe.positions, cell.seed)
        self.dev = Batches(encoder.examples(corpus.dev), 4 * recipe.positions)
        records = Records(folder / "metrics.jsonl")
        checkpoints = Checkpoints(folder / "checkpoints", {"cell": asdict(cell), "recipe": asdict(recipe)})
        self.run = Run(Accelerator(cpu=True), cell.seed, checkpoints, records)
        self.start: Snapshot | None = checkpoints.last()
        if self.start is not None:
            records.keep_until(self.start.progress.stage, self.start.progress.step)
        self.best: float | None = None
        self.seconds = 0.0

    def dense(self) -> tuple[Any, None]:
        model = new_model(SIZES[self.cell.size], self.encoder.n_pieces, self.cell.seed)
        self._from_scratch(model)
        return model, None

    def compressed(self) -> tuple[Any, EntangledEmbedding]:
        cell = self.cell
        teacher = self._teacher() if cell.way == "two-stage" else None
        material = _material(self.bench, cell.pair, self.train, SIZES[cell.size].width, teacher)
        self.says("making the layer")
        began = time.monotonic()
        layer = make_layer(cell.form, material, Budget(cell.ratio, cell.by, _storage(cell)), cell.seed)
        self.seconds += time.monotonic() - began
        if teacher is None:
            model = new_model(SIZES[cell.size], self.encoder.n_pieces, cell.seed)
            swap_embedding(model, layer)
            self._from_scratch(model)
            return model, layer
        model = MarianMTModel.from_pretrained(self.bench.folder(cell.dense) / MODEL)
        swap_embedding(model, layer)
        self._two_stages(model, layer, teacher)
        return model, layer

    def _teacher(self) -> Any:
        run_cell(self.bench, self.cell.dense, self.says, wait=True)
        model: Any = MarianMTModel.from_pretrained(self.bench.folder(self.cell.dense) / MODEL)
        return model.requires_grad_(False).eval()

    def _from_scratch(self, model: Any) -> None:
        recipe = self.bench.recipe
        self._stage(2, CrossEntropy(model, SMOOTHING), recipe.epochs, RATE, recipe.warmup)

    def _two_stages(self, model: Any, layer: EntangledEmbedding, teacher: Any) -> None:
        recipe = self.bench.recipe
        if self.start is None or self.start.progress.stage == 1:
            model.requires_grad_(False)
            layer.requires_grad_(True)
            self._stage(1, Alignment(model, teacher), recipe.stage_1, RATE_ALIGNING, recipe.warmup // 6)
        model.requires_grad_(True)
        distillation = Distillation(model, teacher, DistillationOptions(smoothing=SMOOTHING))
        self._stage(2, distillation, recipe.stage_2, RATE_DISTILLING, recipe.warmup // 6)

    def _stage(self, number: int, objective: Objective, epochs: float, rate: float, warmup: int) -> None:
        steps = max(1, round(epochs * self.train.steps_per_epoch))
        options = Optimisation(steps, rate, min(warmup, steps // 4), save_every=250, judge_every=steps // 5 or 1)
        judge = None if number == 1 else CrossEntropy(objective.student)
        stage = Stage(number, objective, self.train, options, self.run, self.dev, judge)
        start = self.start if self.start and self.start.progress.stage == number else None
        outcome = stage.train(start, lambda step, text: self.says(f"stage {number}, step {step}/{steps}: {text}"))
        self.best = outcome.best
        self.seconds += outcome.seconds


def _storage(cell: Cell) -> Any:
    return "int8" if cell.by == "bytes" else "float32"


def _encoder(bench: Bench, pair: str, corpus: Corpus) -> Encoder:
    folder = bench.out / pair
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "vocabulary.model"
    with FileLock(folder / "lock"):
        if not model.exists():
            unfinished = folder / "vocabulary.partial"
            train_vocabulary(corpus.train, bench.recipe.n_pieces, unfinished)
            unfinished.rename(model)
        for name, units in (("tables", UNITS), ("morphemes", MORPHEMES)):
            if not (folder / name).exists():
                build_tables(BuildInputs(bench.dictionaries, model, units=units), folder / name)
    return Encoder(model)


def _material(bench: Bench, pair: str, train: Batches, width: int, teacher: Any) -> Material:
    counts = Counter(chain(*train.examples.sources, *(train.examples.targets or ())))
    rows = read_rows(bench.out / pair / "tables")
    return Material(
        rows=rows,
        morphemes=read_rows(bench.out / pair / "morphemes", (0, 0, 0)),
        counts=torch.tensor([counts[piece] for piece in range(rows.n_pieces)]),
        width=width,
        teacher=None if teacher is None else teacher.get_input_embeddings().weight.detach().float(),
    )


def _write(file: Path, values: Any) -> None:
    unfinished = file.with_suffix(".partial")
    unfinished.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    unfinished.rename(file)
