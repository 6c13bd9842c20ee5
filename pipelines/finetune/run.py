"""A model folder, tables and a text go in; the model with trained factors in place of its tables comes out.

OUT/run.json            what the run was asked for: a run that is called again goes on, another one is refused
OUT/factors/            the factors that it starts with, and head-factors/ for a head with a table of its own
OUT/checkpoints/        removed when it is done
OUT/metrics.jsonl       losses as they went; OUT/tensorboard/ where that is asked for
OUT/model/              the result, for `load_swapped`
OUT/report.json         the last file to be written
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from pipelines.finetune.models import FactorPlan, check_tokenizer, load_model, make_student, new_model, read_config
from pipelines.finetune.options import FinetuneInputs, FinetuneOptions
from pipelines.finetune.texts import SpecialIds, find_tokenizer, read_examples
from pipelines.model_sizes import ModelSizes
from pipelines.whole_files import write_json
from see_kb.errors import FormatError, SeeError
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.training.batches import Batches, Examples, Share
from see_tn.training.loop import Outcome, Run, Stage, cross_entropy
from see_tn.training.objectives import Alignment, CrossEntropy, Distillation, Objective
from see_tn.training.records import Records
from see_tn.training.state import Checkpoints, Snapshot

RUN, REPORT, METRICS = "run.json", "report.json", "metrics.jsonl"
MODEL, FACTORS, HEAD_FACTORS, CHECKPOINTS, BOARD = "model", "factors", "head-factors", "checkpoints", "tensorboard"
NOTHING = Outcome(0, None, 0, 0.0)
MARK = "between_stages"
"""The name in metrics.jsonl of the student's cross-entropy before, between and after stages."""

Says = Callable[[str], None]
Shows = Callable[[int, int, int, str], None]
"""Told the stage, the updates that are done, all updates, and the last numbers in words."""


@dataclass(frozen=True)
class FinetuneReport:
    """What a run came to; cross-entropies are means over the pieces of the texts kept apart, in nats."""

    teacher: float | None
    before: float
    after_stage_1: float | None
    after: float
    steps_1: int
    steps_2: int
    seconds: float
    sizes: dict[str, int | float]

    @classmethod
    def read(cls, out: Path) -> "FinetuneReport":
        """Read the report of a run that is done."""
        return cls(**json.loads((out / REPORT).read_text(encoding="utf-8")))

    def in_words(self, out: Path) -> str:
        """Sum a run up for a reader."""
        after_1 = (
            "" if self.after_stage_1 is None else f", {self.after_stage_1:.4f} after {self.steps_1} steps of stage 1"
        )
        teacher = "" if self.teacher is None else f" (the teacher: {self.teacher:.4f})"
        return (
            f"{out / MODEL}: {self.sizes['parameter_ratio']:.1f} times fewer parameters of the embedding, "
            f"{self.sizes['byte_ratio']:.1f} times fewer bytes\n"
            f"cross-entropy on texts kept apart: {self.before:.4f}{after_1}, {self.after:.4f} after {self.steps_2} "
            f"steps of stage 2{teacher}"
        )


def finetune(
    inputs: FinetuneInputs,
    out: Path,
    options: FinetuneOptions | None = None,
    *,
    says: Says = lambda _: None,
    shows: Shows = lambda _stage, _step, _steps, _text: None,
) -> FinetuneReport:
    """Train a model with factors in place of its tables, in two stages, or from scratch.

    Called again after a kill it goes on from the last checkpoint, and ends as if it had not been killed. Runs on all
    processes of `accelerate launch`; each step then takes as many positions as with one.

    Args:
        inputs: what is read.
        out: the run's folder.
        options: how the run goes.
        says: told what is done next.
        shows: told how a stage goes.
    Raises:
        SeeError: the model, the tables, the text or the tokenizer cannot be used, or do not belong together.
        FactorError: factors do not fit, a loss is not finite, a checkpoint is damaged or cannot be written.
    """
    options = options or FinetuneOptions()
    if (out / REPORT).is_file():
        _check_run(out, options.settings(inputs))
        return FinetuneReport.read(out)
    return _Finetuning(inputs, out, options, says, shows).report()


class _Finetuning:
    """One run: what it reads is read and checked before anything is written."""

    def __init__(self, inputs: FinetuneInputs, out: Path, options: FinetuneOptions, says: Says, shows: Shows) -> None:
        self.inputs, self.out, self.options, self.says, self.shows = inputs, out, options, says, shows
        self.accelerator = _accelerator(options)
        read_config(inputs.model)
        for given in (inputs.factors, inputs.head_factors):
            if given is not None and not given.is_dir():
                raise SeeError(f"{given}: no such folder; name factors made by `see init`, or leave them to the run")
        says("loading the model")
        self.tokenizer = inputs.tokenizer or find_tokenizer(inputs.model)
        self.model: Any = (
            new_model(inputs.model, options.dtype, options.seed)
            if options.scratch
            else load_model(inputs.model, options.dtype)
        )
        self.teacher: Any = None if options.scratch else load_model(inputs.model, options.dtype).requires_grad_(False)
        n_rows = self.model.get_input_embeddings().num_embeddings
        check_tokenizer(self.tokenizer, inputs.tables, n_rows)
        says("encoding the text")
        self.train, self.kept_apart = self._batches(n_rows)
        self._prepare_folder()
        self.layers, self.quantised = self._swap()
        self.run, self.start = self._checkpointed()

    def report(self) -> FinetuneReport:
        """Train what is not trained yet, and write the result."""
        if self.start is None:
            self._mark(2 if self.teacher is None else 1, NOTHING)
        if self.teacher is not None and (self.start is None or self.start.progress.stage == 1):
            self.model.requires_grad_(False)
            for layer in self.layers:
                layer.requires_grad_(True)
            self._mark(1, self._stage(1, Alignment(self.model, self.teacher, self.options.alignment)))
        self.model.requires_grad_(True)
        second = self._stage(2, self._second_objective())
        if self.quantised:
            for layer in self.layers:
                layer.quantise()
        return self._finish(second)

    def _second_objective(self) -> Objective:
        if self.teacher is None:
            return CrossEntropy(self.model, self.options.distillation.smoothing)
        return Distillation(self.model, self.teacher, self.options.distillation)

    def _stage(self, number: int, objective: Objective) -> Outcome:
        options, length = self.options, self.options.length_1 if number == 1 else self.options.length_2
        steps = length.in_steps(self.train.steps_per_epoch)
        optimisation = replace(options.stage_1 if number == 1 else options.stage_2, steps=steps)
        if not steps:
            return NOTHING
        judge = None if number == 1 else CrossEntropy(self.model)
        stage = Stage(number, objective, self.train, optimisation, self.run, self.kept_apart, judge)
        start = self.start if self.start and self.start.progress.stage == number else None
        return stage.train(start, lambda step, text: self.shows(number, step, steps, text))

    def _mark(self, stage: int, outcome: Outcome) -> None:
        """Measure the student before, between and after stages, for the report."""
        loss = cross_entropy(self.model, self.kept_apart, self.accelerator)
        self.run.records.add(stage, outcome.steps, {MARK: loss, "seconds": outcome.seconds})

    def _batches(self, n_pieces: int) -> tuple[Batches, Batches]:
        options, config = self.options, self.model.config
        pairs = bool(config.is_encoder_decoder)
        special = SpecialIds.of(config)
        examples = read_examples(
            self.inputs.text, self.tokenizer, special, options.longest, pairs=pairs, n_pieces=n_pieces
        )
        if len(examples.sources) <= options.keep_apart:
            raise SeeError(
                f"{self.inputs.text}: {len(examples.sources)} texts, {options.keep_apart} of them kept apart; give more"
            )
        rank, n_processes = self.accelerator.process_index, self.accelerator.num_processes
        share = Share(rank, n_processes, options.accumulation)
        train = Batches(_part(examples, None, -options.keep_apart), options.positions, options.seed, share)
        kept = Batches(_part(examples, -options.keep_apart, None), options.positions, 0, Share(rank, n_processes))
        return train, kept

    def _prepare_folder(self) -> None:
        """Write what the run was asked for, or refuse a folder of another run."""
        settings = self.options.settings(self.inputs)
        if self.accelerator.is_main_process and not (self.out / RUN).exists():
            if self.out.exists() and any(self.out.iterdir()):
                raise SeeError(f"{self.out}: holds something else than a run; name a new folder")
            self.out.mkdir(parents=True, exist_ok=True)
            write_json(self.out / RUN, settings)
        self.accelerator.wait_for_everyone()
        _check_run(self.out, settings)

    def _swap(self) -> tuple[list[EntangledEmbedding], bool]:
        inputs, options = self.inputs, self.options
        plan = FactorPlan(
            inputs.tables,
            inputs.factors or self.out / FACTORS,
            inputs.head_factors or self.out / HEAD_FACTORS,
            replace(options.init, seed=options.seed),
        )
        with self.accelerator.main_process_first():
            swap, quantised = make_student(self.model, plan, fitted=self.teacher is not None, says=self.says)
        installed = swap.installed
        self.model.to(self.accelerator.device)
        if self.teacher is not None:
            self.teacher.to(self.accelerator.device)
        return [layer for layer in (installed.layer, installed.head) if layer is not None], quantised

    def _checkpointed(self) -> tuple[Run, Snapshot | None]:
        options, main = self.options, self.accelerator.is_main_process
        checkpoints = Checkpoints(self.out / CHECKPOINTS, options.settings(self.inputs))
        start = checkpoints.last()
        records = Records(
            self.out / METRICS if main else None, self.out / BOARD if main and options.tensorboard else None
        )
        if start is not None:
            self.says(f"going on from stage {start.progress.stage}, step {start.progress.step}")
        records.rewind(None if start is None else start.progress)
        return Run(self.accelerator, options.seed, checkpoints, records, log_every=options.log_every), start

    def _finish(self, second: Outcome) -> FinetuneReport:
        self.says("measuring and saving")
        after = cross_entropy(self.model, self.kept_apart, self.accelerator)
        teacher = None if self.teacher is None else cross_entropy(self.teacher, self.kept_apart, self.accelerator)
        if self.accelerator.is_main_process:
            marks = _marks(self.out / METRICS)
            first = marks[-1] if len(marks) > 1 else None
            report = FinetuneReport(
                teacher=teacher,
                before=marks[0][MARK],
                after_stage_1=first[MARK] if first else None,
                after=after,
                steps_1=first["step"] if first else 0,
                steps_2=second.steps,
                seconds=round(sum(mark["seconds"] for mark in marks) + second.seconds, 1),
                sizes=ModelSizes.of_swapped(self.model, self.layers).as_dict(),
            )
            self.model.save_pretrained(self.out / MODEL)
            shutil.copyfile(self.tokenizer, self.out / MODEL / self.tokenizer.name)
            self.run.records.close()
            write_json(self.out / REPORT, asdict(report))
            shutil.rmtree(self.out / CHECKPOINTS, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        return FinetuneReport.read(self.out)


def _accelerator(options: FinetuneOptions) -> Accelerator:
    try:
        return Accelerator(cpu=options.cpu, mixed_precision=options.precision)
    except ValueError as error:  # bfloat16 that a device lacks, or other settings earlier in this process
        raise SeeError(f"precision {options.precision}: {error}") from error


def _part(examples: Examples, start: int | None, stop: int | None) -> Examples:
    targets = None if examples.targets is None else examples.targets[start:stop]
    return replace(examples, sources=examples.sources[start:stop], targets=targets)


def _marks(file: Path) -> list[dict[str, Any]]:
    """The measurements before and after stage 1; the last one of each step."""
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return list({line["step"]: line for line in lines if MARK in line}.values())


def _check_run(out: Path, settings: dict[str, Any]) -> None:
    """Refuse a folder in which a run with other settings lies."""
    file = out / RUN
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(f"{file}: damaged ({error}); name a new folder") from error
    now = json.loads(json.dumps(settings, default=str))
    if other := sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)):
        raise SeeError(
            f"{out}: a run with another {other[0]} ({before.get(other[0])!r}, now {now.get(other[0])!r}) lies here; "
            "give the same options, or name a new folder"
        )
