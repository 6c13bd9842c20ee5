"""Commands that train: `finetune`, `translate-bench`."""

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.commands.factors import By, Ratio
from pipelines.commands.options import AsJson, Dictionaries, print_json, refuse_given
from pipelines.extras import need
from see_kb.errors import SeeError

FACTORS, STAGES, MACHINE = "Factors", "Stages", "Machine and records"
Form = Literal["cp", "mps"]
STAGE_1 = ("epochs_1", "steps_1", "rate_1", "embeddings_weight", "hidden_weight", "layers")
WITH_A_TEACHER = (*STAGE_1, "share", "temperature")
MADE = ("ratio", "by", "terms", "form")


def _layers(text: str) -> Literal["all", "last"] | tuple[int, ...]:
    if text == "all":
        return "all"
    if text == "last":
        return "last"
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise SeeError(f"--layers {text}: give all, last, or numbers with commas between them") from error


def _languages(source: str | None, target: str | None) -> tuple[str, str] | None:
    if source is None and target is None:
        return None
    if source is None or target is None:
        raise SeeError("a language for one side alone; give --source-language and --target-language")
    return source, target


def finetune(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="A Hugging Face model folder: the teacher.")],
    tables: Annotated[Path, typer.Argument(help="Tables made by `see build` for its tokenizer.")],
    text: Annotated[
        Path, typer.Argument(help="A text a line; for translation models a source, a tab and a target. Plain or .gz.")
    ],
    out: Annotated[Path, typer.Option(help="The run's folder; called again, a run goes on.")],
    tokenizer: Annotated[
        Path | None, typer.Option(help="The tokenizer's file. [default: the model folder's]", show_default=False)
    ] = None,
    source_language: Annotated[
        str | None,
        typer.Option(help="For mBART, NLLB and their like: its piece, such as deu_Latn.", show_default=False),
    ] = None,
    target_language: Annotated[str | None, typer.Option(help="The same.", show_default=False)] = None,
    scratch: Annotated[
        bool,
        typer.Option("--scratch", help="Random weights and no teacher: stage 2 alone, codes from the text."),
    ] = False,
    factors: Annotated[
        Path | None,
        typer.Option(
            help="Start with these, of `see init`. [default: they are made]",
            show_default=False,
            rich_help_panel=FACTORS,
        ),
    ] = None,
    head_factors: Annotated[
        Path | None,
        typer.Option(
            help="The same for an output head with its own table.", show_default=False, rich_help_panel=FACTORS
        ),
    ] = None,
    ratio: Ratio = 20.0,
    by: By = "bytes",
    terms: Annotated[
        Literal["auto", "products", "codes", "both"],
        typer.Option(help="What a row is a sum of, see `see init`.", rich_help_panel=FACTORS),
    ] = "auto",
    form: Annotated[Form, typer.Option(help="Diagonal bonds or full ones.", rich_help_panel=FACTORS)] = "cp",
    int8: Annotated[
        bool,
        typer.Option(
            "--int8/--no-int8",
            help="Keep factors in 8 bits in the end, or in the type that they are trained in.",
            rich_help_panel=FACTORS,
        ),
    ] = True,
    epochs_1: Annotated[float, typer.Option(help="Of stage 1: factors alone.", rich_help_panel=STAGES)] = 0.5,
    epochs_2: Annotated[float, typer.Option(help="Of stage 2: everything.", rich_help_panel=STAGES)] = 2.0,
    steps_1: Annotated[
        int | None, typer.Option(help="Steps instead of epochs.", show_default=False, rich_help_panel=STAGES)
    ] = None,
    steps_2: Annotated[
        int | None, typer.Option(help="Steps instead of epochs.", show_default=False, rich_help_panel=STAGES)
    ] = None,
    rate_1: Annotated[float, typer.Option(help="Learning rate of stage 1.", rich_help_panel=STAGES)] = 1e-3,
    rate_2: Annotated[float, typer.Option(help="Learning rate of stage 2.", rich_help_panel=STAGES)] = 1e-4,
    warmup: Annotated[
        int, typer.Option(help="Steps of warm-up, at most a fifth of a stage.", rich_help_panel=STAGES)
    ] = 100,
    schedule: Annotated[
        Literal["constant", "linear", "cosine", "inverse-sqrt"],
        typer.Option(help="Of the rate after the warm-up.", rich_help_panel=STAGES),
    ] = "linear",
    clip: Annotated[float, typer.Option(help="Largest norm of gradients; 0: none.", rich_help_panel=STAGES)] = 1.0,
    decay: Annotated[float, typer.Option(help="Weight decay of stage 2.", rich_help_panel=STAGES)] = 0.0,
    embeddings_weight: Annotated[
        float, typer.Option(help="Of the embeddings' error in stage 1.", rich_help_panel=STAGES)
    ] = 1.0,
    hidden_weight: Annotated[
        float, typer.Option(help="Of the hidden states' error in stage 1.", rich_help_panel=STAGES)
    ] = 1.0,
    layers: Annotated[
        str, typer.Option(help="Hidden states: all, last, or numbers such as 0,6,-1.", rich_help_panel=STAGES)
    ] = "all",
    share: Annotated[float, typer.Option(help="The teacher's of stage 2's loss.", rich_help_panel=STAGES)] = 0.5,
    temperature: Annotated[float, typer.Option(help="Of distillation.", rich_help_panel=STAGES)] = 1.0,
    smoothing: Annotated[float, typer.Option(help="Of labels.", rich_help_panel=STAGES)] = 0.0,
    positions: Annotated[int, typer.Option(help="Of a step, on all processes.", rich_help_panel=MACHINE)] = 4096,
    accumulation: Annotated[int, typer.Option(help="Passes of a step.", min=1, rich_help_panel=MACHINE)] = 1,
    longest: Annotated[int, typer.Option(help="Pieces of a text.", rich_help_panel=MACHINE)] = 512,
    keep_apart: Annotated[
        int, typer.Option(help="Texts at the end to judge by.", min=1, rich_help_panel=MACHINE)
    ] = 200,
    dtype: Annotated[
        Literal["float32", "bfloat16"],
        typer.Option(help="Of weights; in bfloat16 small updates are lost.", rich_help_panel=MACHINE),
    ] = "float32",
    precision: Annotated[Literal["no", "bf16"], typer.Option(help="Mixed precision.", rich_help_panel=MACHINE)] = "no",
    cpu: Annotated[bool, typer.Option("--cpu", help="Leave a GPU alone.", rich_help_panel=MACHINE)] = False,
    save_every: Annotated[
        int, typer.Option(help="Steps between checkpoints; 0: after stages.", min=0, rich_help_panel=MACHINE)
    ] = 500,
    judge_every: Annotated[
        int, typer.Option(help="Steps between measurements; 0: after stages.", min=0, rich_help_panel=MACHINE)
    ] = 500,
    patience: Annotated[
        int, typer.Option(help="Measurements without a better one that end a stage.", min=0, rich_help_panel=MACHINE)
    ] = 0,
    log_every: Annotated[int, typer.Option(help="Steps between records.", min=1, rich_help_panel=MACHINE)] = 50,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard's files too.", rich_help_panel=MACHINE)
    ] = False,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal runs.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a model with factors in place of its embedding: aligned with the teacher (1), then distilled (2).

    Stage 1 trains factors alone, to give the teacher's rows and hidden states (relative squared errors). Stage 2 trains
    everything with the teacher's distributions and cross-entropy. OUT/model holds the result, for
    `see_tn.models.saved.load_swapped`, OUT/metrics.jsonl the losses. On several processes, with GPUs or
    without: accelerate launch --multi_gpu --num_processes 2 $(which see) finetune ...

    Example: see finetune my_model my_tables text.txt --out my_run --ratio 20
    """
    need("training" if tensorboard else "hf", "accelerate", "transformers", *(["tensorboard"] if tensorboard else []))
    from accelerate.state import PartialState

    from pipelines.console import stage_bar
    from pipelines.finetune.models import quiet
    from pipelines.finetune.options import FinetuneInputs, FinetuneOptions, Languages, StageLength
    from pipelines.finetune.run import finetune as run_finetuning
    from pipelines.init import InitOptions
    from see_tn.training.logits import DistillationOptions
    from see_tn.training.objectives import AlignmentOptions
    from see_tn.training.options import Optimisation

    languages = _languages(source_language, target_language)
    if scratch:
        refuse_given(context, WITH_A_TEACHER, "is about a teacher, and from scratch there is none; leave it out")
    if factors and head_factors:
        refuse_given(context, MADE, "is about factors that are made, and all are given; leave it out")

    def optimisation(rate: float, decay: float) -> Optimisation:
        return Optimisation(
            0, rate, warmup, schedule, clip, decay, save_every=save_every, judge_every=judge_every, patience=patience
        )

    options = FinetuneOptions(
        scratch=scratch,
        init=InitOptions(ratio, by, form, "int8" if int8 else dtype, terms, seed=seed),
        length_1=StageLength(epochs_1, steps_1),
        length_2=StageLength(epochs_2, steps_2),
        stage_1=optimisation(rate_1, 0.0),
        stage_2=optimisation(rate_2, decay),
        alignment=AlignmentOptions(embeddings_weight, hidden_weight, _layers(layers)),
        distillation=DistillationOptions(share, temperature, smoothing),
        positions=positions,
        accumulation=accumulation,
        longest=longest,
        languages=languages and Languages(*languages),
        keep_apart=keep_apart,
        dtype=dtype,
        precision=precision,
        seed=seed,
        cpu=cpu,
        log_every=log_every,
        tensorboard=tensorboard,
    )
    inputs = FinetuneInputs(model, tables, text, tokenizer, factors, head_factors)
    quiet()
    with stage_bar() as (says, shows):
        report = run_finetuning(inputs, out, options, says=says, shows=shows)
    state = PartialState()
    state.destroy_process_group()  # an end that processes agree on: gloo may abort one that just leaves
    if not state.is_main_process:
        return
    if as_json:
        print_json(asdict(report))
        return
    typer.echo(report.in_words(out))


def translate_bench(
    data: Annotated[Path, typer.Option(help="A folder with multi30k/ and 3am/, the corpora.")],
    out: Annotated[Path, typer.Option(help="The work folder; called again, the benchmark goes on.")],
    preset: Annotated[
        Literal["night", "long", "quick"],
        typer.Option(help="The whole table; 80 times smaller with twice the time in stage 2; or ten minutes of it."),
    ] = "night",
    pairs: Annotated[str | None, typer.Option(help="Of de-en and zh-en, with commas.", show_default=False)] = None,
    ratios: Annotated[str | None, typer.Option(help="Such as 20,80,10,40.", show_default=False)] = None,
    forms: Annotated[str | None, typer.Option(help="Rows of the table, see the report.", show_default=False)] = None,
    ways: Annotated[str | None, typer.Option(help="Of scratch and two-stage.", show_default=False)] = None,
    sizes: Annotated[str, typer.Option(help="Of the model: small, base, large.")] = "base",
    seeds: Annotated[str, typer.Option(help="Such as 0,1,2.")] = "0",
    pieces: Annotated[int, typer.Option(help="Of each pair's vocabulary.", min=20)] = 8000,
    hownet: Dictionaries = None,
    threads: Annotated[int, typer.Option(help="Of each process; several may share a work folder.", min=1)] = 1,
    report: Annotated[
        Path | None, typer.Option(help="Where the report goes. [default: the work folder]", show_default=False)
    ] = None,
    report_only: Annotated[bool, typer.Option("--report-only", help="Train nothing; report what is done.")] = False,
) -> None:
    """Train and judge translation models with embedding tables of every form, and compare them.

    Writes translation.md, translation.jsonl and translation.png after each model. Start it twice on one work folder to
    use two cores; with all models done it only writes the report.

    Example: see translate-bench --data corpora --out my_bench --preset quick
    """
    need("translation", "accelerate", "transformers", "sacrebleu")
    import torch

    from pipelines.finetune.models import quiet
    from pipelines.translation.bench import Bench, results, run_cells, too_large
    from pipelines.translation.cells import PRESETS, all_cells
    from pipelines.translation.report import check_report, write_report

    torch.set_num_threads(threads)
    quiet()
    chosen = PRESETS[preset]
    cells = list(
        all_cells(
            _names("--pairs", pairs) or chosen.pairs,
            _numbers("--ratios", ratios) or chosen.ratios,
            _seeds(seeds),
            _names("--forms", forms) or chosen.forms,
            _names("--ways", ways),
            _names("--sizes", sizes),
        )
    )
    bench = Bench(data, out, replace(chosen.recipe, n_pieces=pieces), tuple(hownet or ()))
    place = report or out
    check_report(place)
    arguments = [argument for argument in sys.argv[2:] if argument != "--report-only"]

    def reported(before: int) -> int:
        found = results(bench)
        if found and len(found) != before:
            write_report(found, place, arguments, len(cells), too_large(bench))
        return len(found)

    n_reported = 0
    if not report_only:
        for _ in run_cells(bench, cells, lambda text: typer.echo(text, err=True)):
            n_reported = reported(n_reported)
    # Once more in any case: forms of which nothing is so small give no result after which to report.
    if not (n_reported := reported(-1)):
        raise SeeError(f"{out}: no model is trained yet; leave out --report-only, or wait for the process that trains")
    typer.echo(f"{place / 'translation.md'}: {n_reported} models")


def _names(option: str, text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    if not text.strip():
        raise SeeError(f"{option} is empty; give values with commas between them")
    return tuple(part.strip() for part in text.split(","))


def _seeds(text: str) -> list[int]:
    names = _names("--seeds", text)
    if not all(name.isdecimal() for name in names):
        raise SeeError(f"--seeds {text}: give whole numbers from 0 on, with commas between them")
    return list(map(int, names))


def _numbers(option: str, text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in _names(option, text))
    except ValueError as error:
        raise SeeError(f"{option} {text}: give numbers with commas between them") from error
