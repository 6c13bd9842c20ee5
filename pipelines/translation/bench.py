"""The benchmark: each cell is trained, translated with and judged once; what is done is not done again.

    OUT/recipe.json                how cells are trained: those of another recipe are refused
    OUT/de-en/                     what a pair's cells share, see `prepare`
    OUT/cells/NAME/result.json     a finished cell, or why nothing of its form is so small; before that its checkpoints,
                                   and metrics.jsonl
    OUT/cells/NAME/model           of dense cells: the teacher of others

Several processes may work on one folder at once: each takes cells that no other one holds.
"""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from transformers import PreTrainedModel

from pipelines.model_sizes import ModelSizes
from pipelines.translation.cells import Cell, Recipe
from pipelines.translation.corpus import Corpus, read_corpus
from pipelines.translation.evaluate import score, translate
from pipelines.translation.forms import spared_bytes
from pipelines.translation.prepare import Prepared, prepare
from pipelines.translation.train import CHECKPOINTS, START, Trainer
from pipelines.whole_files import read_json, write_json
from see_kb.errors import FormatError, SeeError
from see_tn.errors import BudgetError, FactorError
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.layer.spec import spec_of
from see_tn.planning.alternative import Alternative
from see_tn.training.settings import first_difference

RECIPE, RESULT, MODEL, TOKENIZER = "recipe.json", "result.json", "model", "tokenizer.model"
TOO_LARGE = "too_large"
"""In a result, in place of scores: why nothing of its form is so small."""

ANEW = "remove it to train this model again"
SCORES = ("bleu", "chrf", "parameters", "bytes", "seconds")
"""What a result has at least, where it does not say `TOO_LARGE`."""

_CELL = tuple(field.name for field in fields(Cell))

Says = Callable[[str], None]
Inputs = tuple[Corpus, Prepared]
"""A pair's texts, and its vocabulary and tables: read once for all its cells."""


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

    A cell of a form of which nothing is so small gives none, and is kept with the reason, see `too_large`. One that
    fails does not keep the others from being trained.

    Raises:
        SeeError: a text, a dictionary or a result that lies there cannot be used; or, after all other cells, a
            cell's training failed.
    """
    bench.out.mkdir(parents=True, exist_ok=True)
    _check_recipe(bench)
    inputs = {pair: _inputs(bench, pair) for pair in dict.fromkeys(cell.pair for cell in cells)}
    failed: list[str] = []
    for number, cell in enumerate(cells, 1):
        place = f"{number}/{len(cells)} {cell.name}"
        try:
            result = run_cell(bench, cell, inputs[cell.pair], partial(_say, says, place))
        except (SeeError, FactorError) as error:
            says(f"{place}: {error}")
            failed.append(f"{cell.name}: {error}")
            continue
        if result is not None and TOO_LARGE not in result:
            yield result
    if failed:
        raise SeeError(f"{len(failed)} of {len(cells)} models failed, the others are done; first {failed[0]}")


def run_cell(bench: Bench, cell: Cell, inputs: Inputs, says: Says, *, wait: bool = False) -> dict[str, Any] | None:
    """Train a cell, or read its result; None where another process holds it and `wait` is off."""
    folder = bench.folder(cell)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=-1 if wait else 0):
            result = _finished(folder) or _train(bench, cell, inputs, says)
            for leftover in (CHECKPOINTS, START):
                shutil.rmtree(folder / leftover, ignore_errors=True)
            return result
    except Timeout:
        return None


def results(bench: Bench) -> list[dict[str, Any]]:
    """All trained cells of a folder."""
    return [result for result in _all_finished(bench) if TOO_LARGE not in result]


def too_large(bench: Bench) -> list[dict[str, Any]]:
    """The cells of a folder that were asked for smaller than anything of their form, with the reason."""
    return [result for result in _all_finished(bench) if TOO_LARGE in result]


def _all_finished(bench: Bench) -> list[dict[str, Any]]:
    folders = sorted((bench.out / "cells").glob("*"))
    return [result for folder in folders if (result := _finished(folder))]


def _say(says: Says, place: str, text: str) -> None:
    says(f"{place}: {text}")


def _finished(folder: Path) -> dict[str, Any] | None:
    """A cell's result; None where it is not done."""
    file = folder / RESULT
    if not file.exists():
        return None
    result = read_json(file, ANEW)
    wanted = _CELL if TOO_LARGE in result else (*_CELL, *SCORES)
    if lacking := [name for name in wanted if name not in result]:
        raise FormatError(f"{file}: damaged (no {lacking[0]}); {ANEW}")
    if _cell(result).name != folder.name:
        raise FormatError(f"{file}: the result of another model than its folder's name; {ANEW}")
    return result


def _cell(result: dict[str, Any]) -> Cell:
    return Cell(**{name: result[name] for name in _CELL})


def _check_recipe(bench: Bench) -> None:
    """Cells of another recipe must not stand in one table."""
    file = bench.out / RECIPE
    if not file.exists():
        return
    remedy = "remove it, and give the options that the models here were trained with"
    if other := first_difference(read_json(file, remedy), asdict(bench.recipe)):
        raise SeeError(f"{file}: cells of another {other} lie here; name a new folder, or give the same options")


def _inputs(bench: Bench, pair: str) -> Inputs:
    """Read and make them, and write the recipe's file once they can be used."""
    corpus = read_corpus(bench.data, pair).first(bench.recipe.sentences)
    prepared = prepare(bench.out / pair, corpus, bench.recipe.n_pieces, bench.dictionaries)
    _check_results(bench, pair, prepared)
    with FileLock(bench.out / "lock"):
        _check_recipe(bench)
        write_json(bench.out / RECIPE, asdict(bench.recipe))
    return corpus, prepared


def _check_results(bench: Bench, pair: str, prepared: Prepared) -> None:
    """Models of other texts, dictionaries or pieces must neither stand in one table nor teach."""
    for result in results(bench):
        made_from = result.get("made", {}).get("inputs")  # None in those of earlier builds
        if result["pair"] == pair and made_from not in (None, prepared.digest):
            folder = bench.folder(_cell(result))
            raise SeeError(f"{folder}: trained on other texts or dictionaries; give the same ones, or a new folder")


def _train(bench: Bench, cell: Cell, inputs: Inputs, says: Says) -> dict[str, Any]:
    folder = bench.folder(cell)
    teacher = _teacher(bench, cell.dense, inputs, says) if cell.way == "two-stage" else None
    trainer = Trainer(cell, bench.recipe, *inputs, folder, teacher, says)
    try:
        start = trainer.start_digest()
    except BudgetError as error:
        says(str(error))
        result = {**asdict(cell), TOO_LARGE: str(error)}
    else:
        result = _result_of_same(bench, cell, start) or _judged(bench, cell, trainer, inputs, says)
    write_json(folder / RESULT, result)
    return result


def _result_of_same(bench: Bench, cell: Cell, start: str) -> dict[str, Any] | None:
    """The result of a finished model that started from the same layer and was trained alike: this one ends as that."""
    alike = ("pair", "way", "by", "seed", "size")
    for other in results(bench) if start else ():
        if other.get("start") == start and all(other[name] == getattr(cell, name) for name in alike):
            return {"same_as": _cell(other).name, **other, **asdict(cell)}
    return None


def _judged(bench: Bench, cell: Cell, trainer: Trainer, inputs: Inputs, says: Says) -> dict[str, Any]:
    """Train a cell's model, and judge it."""
    corpus, prepared = inputs
    model, layer = trainer.model()
    says("translating")
    test = score(translate(model, prepared.encoder(), corpus.test.sources), corpus.test)
    if cell == cell.dense:
        _keep(model, prepared.vocabulary, bench.folder(cell) / MODEL)
    return {
        **asdict(cell),
        **_sizes(cell, model, layer).as_dict(),
        **asdict(test),
        "seconds": round(trainer.seconds, 1),
        "best_loss": trainer.best,
        "start": trainer.start_digest(),
        "layer": "a table" if layer is None else Alternative(spec_of(layer), 0).name,
        "made": {**_made(bench.recipe), "inputs": prepared.digest},
    }


def _keep(model: PreTrainedModel, vocabulary: Path, folder: Path) -> None:
    """Keep a dense model, which others learn from."""
    try:
        model.save_pretrained(folder)
        shutil.copyfile(vocabulary, folder / TOKENIZER)
    except (OSError, SafetensorError) as error:
        raise SeeError(f"{folder}: cannot be written ({error}); make room, and call again") from error


def _teacher(bench: Bench, dense: Cell, inputs: Inputs, says: Says) -> Path:
    """The folder of a dense model, trained before if it is not done."""
    run_cell(bench, dense, inputs, says, wait=True)
    folder = bench.folder(dense)
    if not (folder / MODEL).is_dir():
        raise SeeError(f"{folder / MODEL}: gone; remove {folder / RESULT} to train it again")
    return folder / MODEL


def _sizes(cell: Cell, model: Any, layer: EntangledEmbedding | None) -> ModelSizes:
    if layer is None:
        return ModelSizes.of_dense(model, model.get_input_embeddings().weight)
    sizes = ModelSizes.of_swapped(model, [layer])
    return replace(sizes, bytes=sizes.bytes - spared_bytes(cell.form, layer))


def _made(recipe: Recipe) -> dict[str, str]:
    """How a result was made: the commit of a checkout, the machine, the recipe."""
    cores = f"{os.cpu_count()} cores, {torch.get_num_threads()} thread(s)"
    machine = f"{platform.machine()}, {cores}, Python {platform.python_version()}, torch {torch.__version__}"
    return {"commit": _commit(), "machine": machine, "recipe": json.dumps(asdict(recipe))}


def _commit() -> str:
    try:
        found = subprocess.run(  # noqa: S603
            ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--exclude=*"],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
