"""One cell's training, resumed from its checkpoints."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from transformers import PegasusForConditionalGeneration

from pipelines.translation.cells import REFERENCE, SIZES, Cell, Recipe
from pipelines.translation.corpus import Corpus
from pipelines.translation.forms import make_layer
from pipelines.translation.model import new_model
from pipelines.translation.prepare import Prepared
from see_kb.errors import SeeError
from see_tn.layer.checkpoint import factors_digest, load_embedding, save_embedding
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.models.swap import swap_embedding
from see_tn.planning.budget import Budget
from see_tn.training.batches import Batches
from see_tn.training.logits import DistillationOptions
from see_tn.training.loop import Run, Stage
from see_tn.training.objectives import Alignment, CrossEntropy, Distillation, Objective
from see_tn.training.options import Optimisation
from see_tn.training.records import Records
from see_tn.training.state import Checkpoints, Snapshot

START, CHECKPOINTS, METRICS = "start", "checkpoints", "metrics.jsonl"

Says = Callable[[str], None]


class Trainer:
    """Trains one cell's model.

    Args:
        cell: the cell.
        recipe: how long, and how.
        corpus: its texts.
        prepared: its vocabulary and tables.
        folder: where checkpoints and numbers go.
        teacher: the folder of the dense model, for two-stage cells.
        says: told how it goes.
    """

    def __init__(
        self,
        cell: Cell,
        recipe: Recipe,
        corpus: Corpus,
        prepared: Prepared,
        folder: Path,
        teacher: Path | None,
        says: Says,
    ) -> None:
        self.cell, self.recipe, self.prepared, self.teacher_folder, self.says = cell, recipe, prepared, teacher, says
        self.folder = folder
        encoder = prepared.encoder()
        self.train = Batches(encoder.examples(corpus.train), recipe.positions, cell.seed)
        self.dev = Batches(encoder.examples(corpus.dev), 4 * recipe.positions)
        self.n_pieces = encoder.n_pieces
        records = Records(folder / METRICS)
        checkpoints = Checkpoints(folder / CHECKPOINTS, {"cell": asdict(cell), "recipe": asdict(recipe)})
        self.run = Run(Accelerator(cpu=True), cell.seed, checkpoints, records)
        self.start: Snapshot | None = checkpoints.last()
        records.rewind(None if self.start is None else self.start.progress)
        self.best: float | None = None

    @property
    def seconds(self) -> float:
        """What the making of the layer and the stages took, before a kill as well."""
        lines = map(json.loads, (self.folder / METRICS).read_text(encoding="utf-8").splitlines())
        by_stage: dict[int, float] = {line["stage"]: line["seconds"] for line in lines if "seconds" in line}
        return sum(by_stage.values())

    def start_digest(self) -> str:
        """The digest of the layer that the model starts with; empty for a dense one."""
        return "" if self.cell.form == "dense" else factors_digest(self._made_layer())

    def model(self) -> tuple[Any, EntangledEmbedding | None]:
        """Train and give the model, and the layer in it if it is no dense one."""
        teacher = self._dense().requires_grad_(False) if self.teacher_folder else None
        model = new_model(SIZES[self.cell.size], self.n_pieces, self.cell.seed) if teacher is None else self._dense()
        layer = None if self.cell.form == "dense" else load_embedding(self._made_layer())
        if layer is not None:
            swap_embedding(model, layer)
        if teacher is None:
            self._stage(2, CrossEntropy(model, self.recipe.smoothing), self.recipe.epochs, self.recipe.rate)
        else:
            self._two_stages(model, layer, teacher)
        if layer is not None and _storage(self.cell) == "int8":
            layer.quantise()
        return model, layer

    def _dense(self) -> Any:
        try:
            model: Any = PegasusForConditionalGeneration.from_pretrained(self.teacher_folder, local_files_only=True)
        except Exception as error:  # whatever damaged files lead to
            raise SeeError(
                f"{self.teacher_folder}: damaged ({error}); remove the folder that it lies in to train it again"
            ) from error
        return model.eval()

    def _made_layer(self) -> Path:
        """Make the layer once: a run that goes on must not depend on a fit that comes out the same."""
        cell, place = self.cell, self.folder / START
        if not place.exists():
            self.says("making the layer")
            began = time.monotonic()
            teacher = self._dense() if self.teacher_folder else None
            material = self.prepared.material(self.train.examples, SIZES[cell.size].width, teacher)
            layer = make_layer(cell.form, material, Budget(cell.ratio, cell.by, _storage(cell)), cell.seed)
            self.run.records.add(0, 0, {"seconds": time.monotonic() - began})
            save_embedding(layer, place)
        return place

    def _two_stages(self, model: Any, layer: EntangledEmbedding | None, teacher: Any) -> None:
        recipe, learning = self.recipe, [parameter for parameter in model.parameters() if parameter.requires_grad]
        if layer is not None and (self.start is None or self.start.progress.stage == 1):
            model.requires_grad_(False)
            layer.requires_grad_(True)
            self._stage(1, Alignment(model, teacher), recipe.stage_1, recipe.rate_1)
        for parameter in learning:
            parameter.requires_grad_(True)
        distillation = Distillation(model, teacher, DistillationOptions(smoothing=recipe.smoothing))
        self._stage(2, distillation, recipe.stage_2, recipe.rate_2)

    def _stage(self, number: int, objective: Objective, epochs: float, rate: float) -> None:
        steps = max(1, round(epochs * self.train.steps_per_epoch))
        warmup = min(self.recipe.warmup, steps // 5)
        rate *= REFERENCE / SIZES[self.cell.size].width
        options = Optimisation(steps, rate, warmup, save_every=250, judge_every=steps // 5 or 1)
        judge = None if number == 1 else CrossEntropy(objective.student)
        stage = Stage(number, objective, self.train, options, self.run, self.dev, judge)
        start = self.start if self.start and self.start.progress.stage == number else None
        outcome = stage.train(start, lambda step, text: self.says(f"stage {number}, step {step}/{steps}: {text}"))
        self.run.records.add(number, outcome.steps, {"seconds": outcome.seconds})
        self.best = outcome.best


def _storage(cell: Cell) -> Any:
    return "int8" if cell.by == "bytes" else "float32"
