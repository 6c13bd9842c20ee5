"""Commands that make tables and read them: `demo`, `build`, `coverage`, `sql`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import FACTORS, TABLES, AsJson, Dictionaries, Overwrite, TablesArgument, print_json
from see_kb.errors import SeeError


def build(
    dictionaries: Dictionaries = None,
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
    units: Annotated[
        int | None,
        typer.Option(
            help="The most units of parts of words at a site, as `see plan` names it; chooses --min-share.",
            min=2,
            show_default=False,
        ),
    ] = None,
    own: Annotated[
        int,
        typer.Option(help="The most frequent pieces, so many, get units of their own; needs --frequency.", min=0),
    ] = 0,
    only: Annotated[
        bool, typer.Option("--only", help="Leave the bundled lexicon out; it fills gaps of the dictionaries named.")
    ] = False,
    frequency: Annotated[
        Path | None,
        typer.Option(
            help="A list of words, WORD<tab>FREQUENCY a line: adds the table `frequencies`.", show_default=False
        ),
    ] = None,
    babelnet: Annotated[
        Path | None,
        typer.Option(help="OpenHowNet's file babel_data, as tables.", show_default=False),
    ] = None,
    morfessor: Annotated[
        bool, typer.Option("--morfessor", help="Split words of other languages by a model trained on the vocabulary.")
    ] = False,
    pieces: Annotated[
        int | None,
        typer.Option(
            help="Rows of the embedding table, where it has more than the tokenizer has pieces.",
            min=1,
            show_default=False,
        ),
    ] = None,
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
    from see_kb.alignment.units import UnitOptions

    inputs = BuildInputs(
        tuple(dictionaries or ()),
        tokenizer,
        taxonomy,
        units=UnitOptions(order, max_terms, min_share, units, own),
        only=only,
        frequency=frequency,
        babelnet=babelnet,
        morfessor=morfessor,
        pieces=pieces,
    )
    with steps(4) as progress:
        report = build_tables(inputs, out, overwrite=overwrite, progress=progress)
    if as_json:
        print_json(report.as_dict())
    else:
        typer.echo(report.summary())
    if report.rejects:
        first, n = report.rejects[0], len(report.rejects)
        remedy = f"mend the file, or accept with --accept-rejects; all in {out / 'rejects.parquet'}"
        sys.stderr.write(f"see: {first} (1 of {n} rejected records; {remedy})\n")
        if not accept_rejects:
            raise typer.Exit(3)


def coverage(
    tables: TablesArgument = TABLES,
    frequency: Annotated[
        Path | None,
        typer.Option(
            help="A list of words: WORD<tab>FREQUENCY a line, may be gzipped; adds coverage of running text.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Another folder of tables to compare with: another vocabulary, or dictionary."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(help="Write a page with plots and a table to search, in one file.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how many pieces have a meaning, by rule, script and kind, and by frequency with a list of words.

    Special, byte, digit and punctuation pieces are counted apart: they are in no denominator.

    Example: see coverage my_tables --frequency english.tsv.gz; see coverage my_tables --html coverage.html
    """
    if html and (frequency or against or as_json):
        raise SeeError("--html writes a page of the tables as they are (build them with --frequency); leave others out")
    if against and frequency:
        raise SeeError("--against compares the tables as they are; leave --frequency out")
    if html:
        from pipelines.coverage_page import write_page

        write_page(tables, html)
        typer.echo(f"{html}: open it in a browser")
        return
    if against:
        _compare(tables, against, as_json=as_json)
        return
    from pipelines.console import output
    from pipelines.reports import coverage_tables
    from see_kb.tables.coverage import measure_coverage

    measured = measure_coverage(tables, frequency)
    if as_json:
        print_json(measured.as_dict())
        return
    for table in coverage_tables(measured):
        output().print(table)


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT, DESCRIBE, SUMMARIZE or SHOW TABLES.")],
    tables: Annotated[Path, typer.Option(help="A folder of tables made by `see build`.")] = TABLES,
    as_json: AsJson = False,
) -> None:
    """Query the tables in DuckDB's SQL. It only reads: no file can be written, nothing outside can be reached.

    Example: see sql "SELECT rule, count(*) FROM pieces GROUP BY rule ORDER BY 2 DESC" --tables my_tables
    """
    from pipelines.console import frame_table, output
    from see_kb.tables.query import plain_rows, run_query

    rows = run_query(tables, query)
    if as_json:
        print_json(plain_rows(rows))
    else:
        output().print(frame_table(f"{len(rows):,} rows", rows, shares=()))


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


def _compare(tables: Path, other: Path, *, as_json: bool) -> None:
    from pipelines.console import frame_table, output
    from see_kb.tables.compare import compare_coverage
    from see_kb.tables.query import plain_rows

    compared = compare_coverage(tables, other)
    if as_json:
        print_json({title: plain_rows(frame) for title, frame in compared.items()})
        return
    for title, frame in compared.items():
        output().print(frame_table(title.replace("_", " "), frame, shares=("share", "other_share")))
