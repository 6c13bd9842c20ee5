"""Commands that plan factors and make them: `plan`, `init`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.commands.options import FACTORS, TABLES, AsJson, Overwrite, TablesArgument, print_json, refuse_given
from see_kb.errors import SeeError

Ratio = Annotated[float, typer.Option(help="How many times smaller than the dense float32 table.")]
By = Annotated[
    Literal["bytes", "parameters"],
    typer.Option(help="What the ratio counts: everything stored, or trained numbers only, as papers do."),
]
Teacher = Annotated[
    Path | None,
    typer.Option(help="The embedding table to fit: .npy, or .safetensors with --tensor.", show_default=False),
]
Tensor = Annotated[str | None, typer.Option(help="The table's name in a .safetensors file.", show_default=False)]
Storage = Literal["float32", "bfloat16", "float16", "int8"]

FIT = ("plot", "resume", "to_train", "sweeps", "frequency_power")
"""Options that are about a fit."""

PRODUCTS = ("form", "shared", "sweeps", "resume")
"""Options that are about products of units."""


def plan(
    context: typer.Context,
    pieces: Annotated[int | None, typer.Option(help="Pieces of the vocabulary.", min=1, show_default=False)] = None,
    width: Annotated[int | None, typer.Option(help="Columns of the table.", min=2, show_default=False)] = None,
    ratio: Ratio = 20.0,
    by: By = "bytes",
    dtype: Annotated[Storage, typer.Option(help="The type that terms are stored in.")] = "int8",
    terms: Annotated[int, typer.Option(help="Terms of a row, its form term included.", min=1, max=64)] = 1,
    tables: Annotated[
        Path | None, typer.Option(help="With --teacher: tables made by `see build`.", show_default=False)
    ] = None,
    teacher: Teacher = None,
    tensor: Tensor = None,
    seed: Annotated[int, typer.Option(help="Of the quick fits to a teacher.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Say what a ratio buys: order, sites, channels, units and codes, and what was weighed against them.

    For a table of which only the size is known, or, with --teacher and --tables, for that table, each alternative
    measured on it.

    Example: see plan --pieces 32000 --width 512 --ratio 20
    """
    from pipelines.console import output
    from pipelines.factor_inputs import read_teacher
    from pipelines.init import check_ratio, check_seed
    from pipelines.init_report import alternatives_table
    from pipelines.plan import make_plan, measure_plan
    from see_tn.planning.budget import Budget

    check_seed(seed)
    check_ratio(ratio)
    if teacher:
        refuse_given(context, ["terms"], "is for a table of which only the size is known: tables have their terms")
    else:
        refuse_given(context, ["tensor", "seed"], "is about a table to measure on; give --teacher and --tables")
    budget = Budget(ratio, by, dtype)
    if teacher and tables and pieces is None and width is None:
        made = measure_plan(tables, read_teacher(teacher, tensor), budget, seed)
    elif pieces and width and not teacher and not tables:
        made = make_plan(pieces, width, budget, terms)
    else:
        raise SeeError("give --pieces and --width, or --tables and --teacher to measure on a table")
    if as_json:
        print_json(made.as_dict())
        return
    title = f"{made.n_pieces:,} × {made.width} at {ratio:g}× by {by}, the recommended first"
    output().print(alternatives_table(title, made.alternatives))
    typer.echo(f"Next:\n{made.advice}")


def init(
    context: typer.Context,
    tables: TablesArgument = TABLES,
    teacher: Teacher = None,
    tensor: Tensor = None,
    width: Annotated[
        int | None, typer.Option(help="Columns of the table, where there is no teacher.", min=2, show_default=False)
    ] = None,
    text: Annotated[
        Path | None,
        typer.Option(
            help="Without a teacher: fit vectors that the pieces get by the company they keep in this text, and by "
            "their units. A text a line, plain or .gz.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to make.")] = FACTORS,
    ratio: Ratio = 20.0,
    by: By = "bytes",
    terms: Annotated[
        Literal["auto", "products", "codes", "both"],
        typer.Option(
            help="With a teacher or a text, what a row is a sum of: products of units' cores, learned codes, both, or "
            "what fits best (auto)."
        ),
    ] = "auto",
    form: Annotated[Literal["cp", "mps"], typer.Option(help="Diagonal bonds (CP) or full ones (MPS).")] = "cp",
    shared: Annotated[bool, typer.Option("--shared", help="One core per unit for all sites of equal size.")] = False,
    dtype: Annotated[
        Storage | None,
        typer.Option(
            help="The type that terms are stored in. [default: int8 if fitted, bfloat16 if random]",
            show_default=False,
        ),
    ] = None,
    sweeps: Annotated[int, typer.Option(help="The most sweeps of a fit.", min=1)] = 20,
    row_std: Annotated[float, typer.Option(help="Standard deviation of rows without a teacher.")] = 0.02,
    frequency_power: Annotated[
        float, typer.Option(help="Weigh a piece's error by its frequency to this power (see build --frequency).")
    ] = 0.0,
    to_train: Annotated[
        bool,
        typer.Option(
            "--to-train",
            help="The factors are trained further with their model: take codes without a basis if nearly as good "
            "(those of a text are without wherever such fit).",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal factors.", min=0)] = 0,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Keep the state of the products' fit in this file after each sweep, and go on from it if it exists.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw error against size for all methods (.png, .svg or .pdf).", show_default=False),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Make factors for a folder of tables: fitted to a teacher's embedding table or to a text, or started at random.

    The folder holds factors.safetensors and config.json, which `see_tn.layer.checkpoint.load_embedding` reads, and
    report.json: sizes and, if they are fitted, the error beside other splits of the budget and beside truncated
    SVD, product quantisation and int-k rows at the same bytes.

    Example: see init my_tables --teacher embeddings.npy --ratio 20 --out my_factors
    """
    from pipelines.console import output, sweep_bar
    from pipelines.factor_inputs import read_teacher, read_text_vectors
    from pipelines.init import REPORT, InitOptions, init_fitted, init_random
    from pipelines.init_report import alternatives_table, init_summary, methods_table
    from pipelines.plots import check_plot, plot_methods
    from see_tn.fitting.als import FitOptions
    from see_tn.layer.checkpoint import check_unsaved

    if (teacher is None) == (width is None):
        raise SeeError("give either --teacher, a table to fit, or --width, for factors without a teacher")
    if teacher and text:
        raise SeeError("give either --teacher or --text: factors are fitted to one of them")
    fitted = bool(teacher or text)
    if not fitted:
        refuse_given(context, FIT, "is about a fit; give --teacher or --text, or leave it out")
    if not teacher:
        refuse_given(context, ["tensor"], "names a teacher's table; give --teacher, or leave it out")
    else:
        refuse_given(context, ["row_std"], "is about rows without a teacher; leave it out")
    if terms == "codes":
        refuse_given(context, PRODUCTS, "is about products, and codes alone have none; leave it out")
    storage = dtype or ("int8" if fitted else "bfloat16")
    fit, purpose = FitOptions(sweeps=sweeps), _purpose(text, to_train=to_train)
    options = InitOptions(ratio, by, form, storage, terms, shared, seed, row_std, frequency_power, fit, purpose)
    if plot:
        check_plot(plot)
    check_unsaved(out, {REPORT}, overwrite=overwrite)  # before the minutes that vectors of a text take
    table = read_teacher(teacher, tensor) if teacher else None
    if text and width:
        table = read_text_vectors(tables, text, width, seed) * row_std
    if table is None:
        report = init_random(tables, out, width or 0, options, overwrite=overwrite)
    else:
        with sweep_bar(sweeps) as (progress, says):
            report = init_fitted(
                tables, out, table, options, overwrite=overwrite, resume=resume, progress=progress, says=says
            )
    if plot:
        plot_methods(report, plot)
    if as_json:
        print_json(report.as_dict())
        return
    if len(report.weighed) > 1:
        output().print(alternatives_table("Weighed, measured with little effort", report.weighed))
    if report.baselines:
        output().print(methods_table(report))
    typer.echo(init_summary(report))


def _purpose(text: Path | None, *, to_train: bool) -> Literal["use", "train", "start"]:
    if text:
        return "start"
    return "train" if to_train else "use"
