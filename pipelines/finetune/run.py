"""A model folder, tables and a text go in; the model with trained factors in place of its tables comes out.

OUT/run.json            what the run was asked for: a run that is called again goes on, another one is refused
OUT/factors/            the factors that it starts with, and head-factors/ for a head with a table of its own
OUT/checkpoints/        removed when it is done
OUT/metrics.jsonl       losses as they went; OUT/tensorboard/ where that is asked for
OUT/model/              the result, for `load_swapped`
OUT/report.json         the last file to be written
OUT/lock                held while a process runs here
"""

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, GradientAccumulationPlugin, InitProcessGroupKwargs
from numpy.typing import NDArray

from pipelines.finetune.checks import check_factors, check_reading, check_tokenizer
from pipelines.finetune.folder import held_folder
from pipelines.finetune.languages import with_languages
from pipelines.finetune.models import (
    FactorPlan,
    Student,
    check_places,
    load_model,
    make_student,
    new_model,
    read_config,
)
from pipelines.finetune.options import FinetuneInputs, FinetuneOptions
from pipelines.finetune.report import MODEL, REPORT, FinetuneReport
from pipelines.finetune.settings import check_run, run_settings
from pipelines.finetune.special_ids import SpecialIds
from pipelines.finetune.texts import read_examples
from pipelines.finetune.tokenizer import companion_files, find_tokenizer, read_encoders, tokenizer_files
from pipelines.model_sizes import ModelSizes
from pipelines.whole_files import write_json
from see_kb.errors import SeeError
from see_kb.tables.unit_matrix import read_unit_matrix
from see_kb.vocabulary.piece_vectors import piece_vectors
from see_tn.layer.checkpoint import save_embedding
from see_tn.training.batches import Batches, Examples, Share
from see_tn.training.loop import Outcome, Run, Stage, cross_entropy
from see_tn.training.objectives import Alignment, CrossEntropy, Distillation, Objective, check_layers
from see_tn.training.records import Records
from see_tn.training.state import Checkpoints, Snapshot

METRICS, CHECKPOINTS, BOARD = "metrics.jsonl", "checkpoints", "tensorboard"
FACTORS = ("factors", "head-factors")
TRAINED = ("trained", "trained-head")
NOTHING = Outcome(0, None, 0, 0.0)
MARK = "between_stages"
"""The name in metrics.jsonl of the student's cross-entropy before, between and after stages."""

WAITING = timedelta(hours=12)
"""How long processes wait for the one that makes the factors."""

Says = Callable[[str], None]
Shows = Callable[[int, int, int, str], None]
"""Told the stage, the updates that are done, all updates, and the last numbers in words."""


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
    accelerator = _accelerator(options)  # joins the processes, also those that only read a report
    if (out / REPORT).is_file():
        check_run(out, run_settings(inputs, _tokenizer(inputs), options))
        shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)  # a kill may have left them behind the report
        return FinetuneReport.read(out)
    with ExitStack() as held:
        return _Finetuning(inputs, out, options, accelerator, held, says, shows).report()


class _Finetuning:
    """One run: what it reads is read and checked before anything is written."""

    def __init__(
        self,
        inputs: FinetuneInputs,
        out: Path,
        options: FinetuneOptions,
        accelerator: Accelerator,
        held: ExitStack,
        says: Says,
        shows: Shows,
    ) -> None:
        self.inputs, self.out, self.options, self.says, self.shows = inputs, out, options, says, shows
        self.accelerator = accelerator
        self.tokenizer = _tokenizer(inputs)
        for given in (inputs.factors, inputs.head_factors):
            if given is not None:
                check_factors(given, inputs.tables)
        self.settings = run_settings(inputs, self.tokenizer, options)
        says("loading the model")
        self.model: Any = (
            new_model(inputs.model, options.dtype, options.seed)
            if options.scratch
            else load_model(inputs.model, options.dtype)
        )
        self.teacher: Any = None if options.scratch else load_model(inputs.model, options.dtype).requires_grad_(False)
        check_places(self.model, inputs)
        n_rows = self.model.get_input_embeddings().num_embeddings
        check_tokenizer(self.tokenizer, inputs.tables, n_rows)
        says("encoding the text")
        examples = self._examples(n_rows)
        check_reading(self.model, examples, inputs.model)
        self.train, self.kept_apart = self._batches(examples)
        if self.teacher is not None and options.alignment.hidden:
            (batch,) = Batches(_part(examples, 0, 1), options.positions).at(0)
            check_layers(self.teacher, batch, options.alignment.layers)
        if accelerator.is_main_process:
            held.enter_context(held_folder(out, self.settings, inputs))
        accelerator.wait_for_everyone()
        check_run(out, self.settings)
        self.student = self._swap()
        self.run, self.start = self._checkpointed()
        self.judged: float | None = None

    def report(self) -> FinetuneReport:
        """Train what is not trained yet, and write the result."""
        learning = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        if self.start is None:
            self._mark(2 if self.teacher is None else 1, NOTHING)
        if self.teacher is not None and (self.start is None or self.start.progress.stage == 1):
            self.model.requires_grad_(False)
            for layer in self.student.layers:
                layer.requires_grad_(True)
            self._mark(1, self._stage(1, Alignment(self.model, self.teacher, self.options.alignment)))
        for parameter in learning:
            parameter.requires_grad_(True)
        second = self._stage(2, self._second_objective())
        if self.student.in_8_bits:
            for layer in self.student.layers:
                layer.quantise()
        return self._finish(second)

    def _second_objective(self) -> Objective:
        if self.teacher is None:
            return CrossEntropy(self.model, self.options.distillation.smoothing)
        return Distillation(self.model, self.teacher, self.options.distillation)

    def _stage(self, number: int, objective: Objective) -> Outcome:
        options, length = self.options, self.options.length_1 if number == 1 else self.options.length_2
        steps = length.in_steps(self.train.steps_per_epoch)
        optimisation = options.stage_1 if number == 1 else options.stage_2
        optimisation = replace(optimisation, steps=steps, warmup=min(optimisation.warmup, steps // 5))
        if not steps:
            return NOTHING
        judge = None if number == 1 else CrossEntropy(self.model)
        stage = Stage(number, objective, self.train, optimisation, self.run, self.kept_apart, judge)
        start, self.start = self.start, None  # it holds as much as the model: it is let go of
        if start is not None and start.progress.stage != number:
            start = None
        judged = None if number == 1 else self.judged
        return stage.train(start, lambda step, text: self.shows(number, step, steps, text), judged)

    def _mark(self, stage: int, outcome: Outcome) -> None:
        """Measure the student before a stage, for the report and for stage 2, which judges by the same."""
        self.judged = cross_entropy(self.model, self.kept_apart, self.accelerator)
        place = (stage, outcome.steps)
        if place not in [(mark["stage"], mark["step"]) for mark in _marks(self.out / METRICS)]:  # of before a kill
            self.run.records.add(*place, {MARK: self.judged, "seconds": outcome.seconds})

    def _examples(self, n_pieces: int) -> Examples:
        options, config, file = self.options, self.model.config, self.inputs.model / "config.json"
        encoders, special = read_encoders(self.tokenizer), SpecialIds.of(config, n_pieces, file)
        encoders, special = with_languages(encoders, special, options.languages, file, config.model_type)
        examples = read_examples(
            self.inputs.text,
            encoders,
            special,
            min(options.longest, getattr(config, "max_position_embeddings", None) or options.longest),
            pairs=bool(config.is_encoder_decoder),
            n_pieces=n_pieces,
        )
        if len(examples.sources) <= options.keep_apart:
            raise SeeError(
                f"{self.inputs.text}: {len(examples.sources)} texts, {options.keep_apart} of them kept apart; give more"
            )
        return examples

    def _batches(self, examples: Examples) -> tuple[Batches, Batches]:
        options = self.options
        rank, n_processes = self.accelerator.process_index, self.accelerator.num_processes
        share = Share(rank, n_processes, options.accumulation)
        train = Batches(_part(examples, None, -options.keep_apart), options.positions, options.seed, share)
        # Measuring takes no more positions at a time than a pass of training does.
        at_once = max(1, options.positions // options.accumulation)
        kept = Batches(_part(examples, -options.keep_apart, None), at_once, 0, Share(rank, n_processes))
        return train, kept

    def _swap(self) -> Student:
        inputs, options = self.inputs, self.options
        plan = FactorPlan(
            inputs.tables,
            inputs.factors or self.out / FACTORS[0],
            inputs.head_factors or self.out / FACTORS[1],
            replace(options.init, seed=options.seed, purpose="start" if self.teacher is None else "train"),
            cache(self._vectors) if self.teacher is None else None,  # a head of its own takes the same
        )
        with self.accelerator.main_process_first():
            student = make_student(self.model, plan, self.says)
        self.model.to(self.accelerator.device)
        if self.teacher is not None:
            self.teacher.to(self.accelerator.device)
        return student

    def _vectors(self, width: int) -> NDArray[np.float32]:
        """What factors are fitted to from scratch."""
        examples, units = self.train.examples, read_unit_matrix(self.inputs.tables)
        return piece_vectors(examples.texts, units, width, self.options.seed, pairs=examples.pairs)

    def _checkpointed(self) -> tuple[Run, Snapshot | None]:
        options, main = self.options, self.accelerator.is_main_process
        # Other numbers of processes deal texts to other steps: a run does not go on with them.
        settings = {**self.settings, "processes": self.accelerator.num_processes}
        checkpoints = Checkpoints(self.out / CHECKPOINTS, settings)
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
            first = next((mark for mark in marks if mark["stage"] == 1 and mark["step"]), None)
            report = FinetuneReport(
                teacher=teacher,
                before=marks[0][MARK] if marks and marks[0]["step"] == 0 else None,
                after_stage_1=first[MARK] if first else None,
                after=after,
                steps_1=first["step"] if first else 0,
                steps_2=second.steps,
                seconds=round(sum(mark["seconds"] for mark in marks) + second.seconds, 1),
                sizes=ModelSizes.of_swapped(self.model, self.student.layers).as_dict(),
            )
            for name, layer in zip(TRAINED, self.student.layers, strict=False):
                save_embedding(layer, self.out / name, overwrite=True)
            self.model.save_pretrained(self.out / MODEL)
            for file in {*tokenizer_files(self.tokenizer), *companion_files(self.tokenizer)}:
                shutil.copyfile(file, self.out / MODEL / file.name)
            self.run.records.close()
            write_json(self.out / REPORT, asdict(report))
            shutil.rmtree(self.out / CHECKPOINTS, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        return FinetuneReport.read(self.out)


def _tokenizer(inputs: FinetuneInputs) -> Path:
    return inputs.tokenizer or find_tokenizer(inputs.model, read_config(inputs.model).model_type)


def _accelerator(options: FinetuneOptions) -> Accelerator:
    # Told that there is no GPU, accelerate joins processes by gloo; else each would take itself for the only one.
    cpu = options.cpu or not (torch.cuda.is_available() or torch.backends.mps.is_available())
    try:
        return Accelerator(
            cpu=cpu,
            mixed_precision=options.precision,
            gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),  # passes are counted by the batches
            kwargs_handlers=[
                InitProcessGroupKwargs(timeout=WAITING),
                # An index is the same everywhere, and some models hold weights that no loss reads.
                DistributedDataParallelKwargs(broadcast_buffers=False, find_unused_parameters=True),
            ],
        )
    except ValueError as error:  # bfloat16 that a device lacks, or other settings earlier in this process
        raise SeeError(f"precision {options.precision}: {error}") from error


def _part(examples: Examples, start: int | None, stop: int | None) -> Examples:
    targets = None if examples.targets is None else examples.targets[start:stop]
    return replace(examples, sources=examples.sources[start:stop], targets=targets)


def _marks(file: Path) -> list[dict[str, Any]]:
    """The measurements before and after stage 1; the last one of each step."""
    if not file.exists():
        return []
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return list({line["step"]: line for line in lines if MARK in line}.values())
