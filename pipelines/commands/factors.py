"""The command that makes factors: `init`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.commands.options import FACTORS, TABLES, AsJson, Overwrite, TablesArgument, print_json
from see_kb.errors import SeeError


def init(
    tables: TablesArgument = TABLES,
    teacher: Annotated[
        Path | None,
        typer.Option(
            help="The embedding table to fit: .npy, or .safetensors with --tensor. Without it the factors start at "
            "random, and --width is needed.",
            show_default=False,
        ),
    ] = None,
    tensor: Annotated[str | None, typer.Option(help="The table's name in a .safetensors file.")] = None,
    width: Annotated[int | None, typer.Option(help="Columns of the table, without a teacher.", min=2)] = None,
    out: Annotated[Path, typer.Option(help="The folder to make.")] = FACTORS,
    ratio: Annotated[float, typer.Option(help="How many times smaller than the dense float32 table.")] = 20.0,
    by: Annotated[
        Literal["bytes", "parameters"],
        typer.Option(help="What the ratio counts: everything stored, or numbers only, as papers do."),
    ] = "bytes",
    form: Annotated[Literal["cp", "mps"], typer.Option(help="Diagonal bonds (CP) or full ones (MPS).")] = "cp",
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"],
        typer.Option(help="The type that the cores are stored in; half of float32's size buys twice the rank."),
    ] = "bfloat16",
    sweeps: Annotated[int, typer.Option(help="The most sweeps of a fit.", min=1)] = 20,
    row_std: Annotated[float, typer.Option(help="Standard deviation of random rows.")] = 0.02,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal factors.", min=0)] = 0,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw error against size for all methods (.png, .svg or .pdf).", show_default=False),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Make factors for a folder of tables: fitted to a teacher's embedding table, or started at random.

    The folder holds factors.safetensors and config.json, which `see_tn.layer.checkpoint.load_embedding` reads, and
    report.json: sizes and, with a teacher, the fit's error beside truncated SVD, product quantisation and int-k rows
    at the same bytes.

    Example: see init my_tables --teacher embeddings.npy --ratio 20 --out my_factors
    """
    from pipelines.console import output, sweep_bar
    from pipelines.init import InitOptions, init_fitted, init_random, read_teacher
    from pipelines.init_report import init_summary, methods_table
    from pipelines.plots import check_plot, plot_methods
    from see_tn.fitting.als import FitOptions

    options = InitOptions(ratio, by, form, dtype, seed, row_std, FitOptions(sweeps=sweeps))
    if (teacher is None) == (width is None):
        raise SeeError("give either --teacher, a table to fit, or --width, for factors that start at random")
    if plot and not teacher:
        raise SeeError("--plot shows how well a teacher is fitted; give --teacher")
    if plot:
        check_plot(plot)
    if teacher is None:
        report = init_random(tables, out, width or 0, options, overwrite=overwrite)
    else:
        table = read_teacher(teacher, tensor)
        with sweep_bar(sweeps) as progress:
            report = init_fitted(tables, out, table, options, overwrite=overwrite, progress=progress)
    if plot:
        plot_methods(report, plot)
    if as_json:
        print_json(report.as_dict())
        return
    if report.baselines:
        output().print(methods_table(report))
    typer.echo(init_summary(report))
