"""The command `see`: each subcommand is a thin edge around a plain function.

Exit codes: 0 done; 1 an input or a place cannot be used (one line on standard error says what, where and what to do),
or a word was not found; 2 wrong usage; 3 done, but some records of a dictionary were rejected; 130 interrupted.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: waiting threads that spin stall busy machines

import typer

from see_kb.errors import SeeError
from see_tn.errors import FactorError

TABLES = Path("see_tables")
FACTORS = Path("see_factors")

app = typer.Typer(
    help="Sememe Entanglement Encoding: sememe–token tables for a vocabulary, and the factors that replace its "
    "embedding table. Start with `see demo`, or with `see build --tokenizer YOUR_TOKENIZER`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Hownet = Annotated[
    Path | None,
    typer.Option(
        help="A dictionary: HowNet.txt, a folder of files in its format, or OpenHowNet's folder `resources`. "
        "[default: the bundled lexicon]",
        show_default=False,
    ),
]
TablesArgument = Annotated[Path, typer.Argument(help="A folder of tables made by `see build`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output folder if it exists.")]


def main() -> None:
    """Run the command line; an error of the user's is one line on standard error."""
    try:
        app()
    except (SeeError, FactorError) as error:
        sys.exit(_fail(str(error)))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(_fail(f"{place}{error.strerror or error}; check the place and its permissions"))
    except MemoryError:
        sys.exit(_fail("not enough memory for this input; use a smaller one or a larger machine"))


def _fail(message: str) -> int:
    sys.stderr.write(f"see: {' '.join(message.split())}\n")
    return 1


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


@app.command()
def build(
    hownet: Hownet = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option(
            help="A SentencePiece model, a tokenizer.json or a JSON object from piece to id. [default: bundled]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to make.")] = TABLES,
    taxonomy: Annotated[
        Path | None,
        typer.Option(
            help="The sememe taxonomy: a folder of HowNet's trees, or OpenHowNet's triples.", show_default=False
        ),
    ] = None,
    order: Annotated[int, typer.Option(help="Sites of a row's network (2 to 8).", min=2, max=8)] = 3,
    max_terms: Annotated[int, typer.Option(help="Terms that a row may have, its form included.", min=1, max=64)] = 4,
    min_share: Annotated[
        int, typer.Option(help="Pieces that have to share a stretch of text for it to be a unit.", min=1)
    ] = 8,
    overwrite: Overwrite = False,
    accept_rejects: Annotated[
        bool, typer.Option("--accept-rejects", help="Exit with 0 though records were rejected.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build the sememe–token tables of a tokenizer's vocabulary.

    The folder holds Parquet tables (pieces, matches, unit_rows, units, senses, sememes, rejects, …), a DuckDB file
    with the same tables, and manifest.json. Malformed records of the dictionary are left out, listed in
    rejects.parquet, and make the exit code 3.

    Example: see build --hownet HowNet.txt --tokenizer tokenizer.model --out my_tables
    """
    from pipelines.build import BuildInputs, build_tables
    from pipelines.console import steps
    from see_kb.units import UnitOptions

    inputs = BuildInputs(hownet, tokenizer, taxonomy, units=UnitOptions(order, max_terms, min_share))
    with steps(4) as progress:
        report = build_tables(inputs, out, overwrite=overwrite, progress=progress)
    if as_json:
        _print_json(report.as_dict())
    else:
        typer.echo(report.summary())
    if report.rejects:
        first, n = report.rejects[0], len(report.rejects)
        remedy = f"mend the file, or accept with --accept-rejects; all in {out / 'rejects.parquet'}"
        sys.stderr.write(f"see: {first} (1 of {n} rejected records; {remedy})\n")
        if not accept_rejects:
            raise typer.Exit(3)


@app.command()
def coverage(
    tables: TablesArgument = TABLES,
    frequency: Annotated[
        Path | None,
        typer.Option(
            help="A list of words: WORD<tab>FREQUENCY a line, may be gzipped; adds coverage of running text.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how many pieces have a meaning, by rule, script and kind, and by frequency with a list of words.

    Special, byte, digit and punctuation pieces are counted apart: they are in no denominator.

    Example: see coverage my_tables --frequency english.tsv.gz
    """
    from pipelines.console import output
    from pipelines.reports import coverage_tables
    from see_kb.coverage import measure_coverage

    measured = measure_coverage(tables, frequency)
    if as_json:
        _print_json(measured.as_dict())
        return
    for table in coverage_tables(measured):
        output().print(table)


@app.command()
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

    The folder holds factors.safetensors and config.json, which `see_tn.checkpoint.load_embedding` reads, and
    report.json: sizes and, with a teacher, the fit's error beside truncated SVD, product quantisation and int-k rows
    at the same bytes.

    Example: see init my_tables --teacher embeddings.npy --ratio 20 --out my_factors
    """
    from pipelines.console import output, sweep_bar
    from pipelines.init import InitOptions, init_fitted, init_random, read_teacher
    from pipelines.init_report import init_summary, methods_table
    from pipelines.plots import check_plot, plot_methods
    from see_tn.fit import FitOptions

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
        _print_json(report.as_dict())
        return
    if report.baselines:
        output().print(methods_table(report))
    typer.echo(init_summary(report))


@app.command()
def demo(
    tables: Annotated[Path, typer.Option(help="The folder of tables to make.")] = TABLES,
    factors: Annotated[Path, typer.Option(help="The folder of factors to make.")] = FACTORS,
    overwrite: Overwrite = False,
) -> None:
    """Do the main job on bundled data: build tables, show their coverage, fit factors, compare.

    Example: see demo
    """
    from pipelines.console import output, steps
    from pipelines.demo import run_demo
    from pipelines.init_report import init_summary, methods_table
    from pipelines.reports import coverage_tables

    with steps(5) as progress:
        report = run_demo(tables, factors, overwrite=overwrite, progress=progress)
    typer.echo(report.build.summary())
    for table in coverage_tables(report.coverage):
        output().print(table)
    output().print(methods_table(report.init))
    typer.echo(init_summary(report.init))
    typer.echo(f"Look closer: see lookup doctor 医生 unhappiness; see sql 'SUMMARIZE pieces' --tables {tables}")


@app.command()
def lookup(
    words: Annotated[list[str], typer.Argument(help="Words, in any language of the dictionary.")],
    hownet: Hownet = None,
    tables: Annotated[
        Path | None, typer.Option(help="Take the dictionary from a folder of tables instead.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look words up: their senses, sememes and definitions, and the rule that found them.

    A word that is not listed is looked up by its inflection and its parts, as pieces are.
    Exits with 1 if a word was not found.

    Example: see lookup doctor 医生 unhappiness
    """
    from pipelines.console import output
    from pipelines.reports import found_table
    from see_kb.lookup import look_up
    from see_kb.sources.door import read_affixes, read_lexicon
    from see_kb.tables import read_senses

    if hownet and tables:
        raise SeeError("--hownet and --tables both name a dictionary; give one of them")
    if tables:
        lexicon, affixes = read_senses(tables, "senses"), read_senses(tables, "affixes")
    else:
        lexicon, affixes = read_lexicon(hownet), read_affixes()
    answers = look_up(words, lexicon, affixes)
    if as_json:
        _print_json([answer.as_dict() for answer in answers])
    else:
        for answer in answers:
            output().print(found_table(answer))
    if any(not answer.parts for answer in answers):
        raise typer.Exit(1)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT, DESCRIBE, SUMMARIZE or SHOW TABLES.")],
    tables: Annotated[Path, typer.Option(help="A folder of tables made by `see build`.")] = TABLES,
    as_json: AsJson = False,
) -> None:
    """Query the tables in DuckDB's SQL. It only reads: no file can be written, nothing outside can be reached.

    Example: see sql "SELECT rule, count(*) FROM pieces GROUP BY rule ORDER BY 2 DESC" --tables my_tables
    """
    from pipelines.console import frame_table, output
    from see_kb.query import plain_rows, run_query

    rows = run_query(tables, query)
    if as_json:
        _print_json(plain_rows(rows))
    else:
        output().print(frame_table(f"{len(rows):,} rows", rows, shares=()))


@app.command()
def download(
    out: Annotated[Path, typer.Argument(help="The folder to make.")],
    sha256: Annotated[
        str | None, typer.Option(help="The digest that the file of senses must have.", show_default=False)
    ] = None,
) -> None:
    """Download OpenHowNet's dictionary through its own package, for `see build --hownet FOLDER`.

    Example: see download openhownet_resources
    """
    from see_kb.sources.openhownet import download_openhownet

    source = download_openhownet(out, sha256=sha256)
    typer.echo(f"{out / source.name}: SHA-256 {source.sha256}")
