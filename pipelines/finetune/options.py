"""What a finetuning run is asked for."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipelines.init import InitOptions
from see_kb.errors import SeeError
from see_tn.training.logits import DistillationOptions
from see_tn.training.objectives import AlignmentOptions
from see_tn.training.options import Optimisation

Precision = Literal["no", "bf16"]


@dataclass(frozen=True)
class FinetuneInputs:
    """What a run reads.

    Attributes:
        model: a Hugging Face model folder, the teacher; from scratch only its config counts.
        tables: a folder of `build_tables` for its tokenizer.
        text: UTF-8, a text a line; for models with an encoder and a decoder a source, a tab and a target.
        tokenizer: its tokenizer file, where the folder has none of a usual name.
        factors: a folder of factors to start with; without it they are made.
        head_factors: the same for a head with a table of its own.
    """

    model: Path
    tables: Path
    text: Path
    tokenizer: Path | None = None
    factors: Path | None = None
    head_factors: Path | None = None


@dataclass(frozen=True)
class StageLength:
    """How long a stage is: `steps`, or without them a number of epochs."""

    epochs: float
    steps: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.epochs < math.inf or (self.steps or 0) < 0:
            raise SeeError(f"{self.epochs} epochs and {self.steps} steps; give numbers from 0 on")

    def in_steps(self, steps_per_epoch: int) -> int:
        """The number of steps, at least 1 for any part of an epoch."""
        if self.steps is not None:
            return self.steps
        return max(round(self.epochs * steps_per_epoch), 1 if self.epochs else 0)


@dataclass(frozen=True)
class Languages:
    """The pieces that name the languages of sources and targets, as the tokenizer spells them: `deu_Latn`, `de_DE`."""

    source: str
    target: str


@dataclass(frozen=True)
class FinetuneOptions:
    """How a run goes.

    Attributes:
        scratch: whether the model starts with random weights and has no teacher; there is no stage 1 then, and codes
            are those of vectors of pieces from the text, see `piece_vectors`.
        init: the factors, where they are made; its seed and purpose are the run's own.
        length_1: of stage 1, in which only factors are trained.
        length_2: of stage 2, in which everything is.
        stage_1: its optimiser; `steps` come from the length, and a fifth of them at most are warm-up.
        stage_2: the same.
        alignment: what stage 1 minimises.
        distillation: what stage 2 minimises.
        positions: the most positions of a step, on all processes together.
        accumulation: passes that a step is split into on each process.
        longest: the most pieces of an example; fewer where the model has fewer positions.
        languages: of sources and targets, for models of several languages whose tokenizer puts one around texts.
        keep_apart: texts at the end of the file that nothing is trained on, to judge by.
        dtype: the type of the model's weights while they are trained, and in the end. In bfloat16 they take half of the
            memory, but updates smaller than a 256th of a weight are lost: for trials, or large rates.
        precision: `bf16` computes in bfloat16 where torch's autocast does so.
        cpu: whether a GPU is left alone.
        log_every: steps between lines of numbers.
        tensorboard: whether TensorBoard's files are written beside metrics.jsonl.
    """

    scratch: bool = False
    init: InitOptions = field(default_factory=InitOptions)
    length_1: StageLength = field(default_factory=lambda: StageLength(0.5))
    length_2: StageLength = field(default_factory=lambda: StageLength(2.0))
    stage_1: Optimisation = field(default_factory=lambda: Optimisation(0, rate=1e-3))
    stage_2: Optimisation = field(default_factory=lambda: Optimisation(0, rate=1e-4))
    alignment: AlignmentOptions = field(default_factory=AlignmentOptions)
    distillation: DistillationOptions = field(default_factory=DistillationOptions)
    positions: int = 4096
    accumulation: int = 1
    longest: int = 512
    languages: Languages | None = None
    keep_apart: int = 200
    dtype: Literal["float32", "bfloat16"] = "float32"
    precision: Precision = "no"
    seed: int = 0
    cpu: bool = False
    log_every: int = 50
    tensorboard: bool = False

    def __post_init__(self) -> None:
        if min(self.positions, self.accumulation, self.keep_apart) < 1 or self.longest < 4:
            raise SeeError(
                f"{self.positions} positions, {self.accumulation} passes, {self.keep_apart} texts kept apart and "
                f"{self.longest} pieces of a text; give numbers from 1 on, and 4 pieces at least"
            )

    def settings(self) -> dict[str, Any]:
        """What makes a run what it is, for its checkpoints: everything but how it is shown."""
        values = asdict(self)
        for name in ("cpu", "log_every", "tensorboard"):
            values.pop(name)
        return values
