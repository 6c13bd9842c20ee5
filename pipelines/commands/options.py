"""What several subcommands share: options, default places, and how JSON is printed."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from see_kb.errors import SeeError

TABLES = Path("see_tables")
FACTORS = Path("see_factors")

Dictionaries = Annotated[
    list[Path] | None,
    typer.Option(
        "--hownet",
        "--dictionary",
        help="A dictionary: HowNet.txt, a table (TSV), a folder of such files, OpenHowNet's folder `resources`, or the "
        "word `bundled`. May be given several times; the first one comes first. [default: the bundled lexicon]",
        show_default=False,
    ),
]
TablesArgument = Annotated[Path, typer.Argument(help="A folder of tables made by `see build`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output folder if it exists.")]


def refuse_given(context: typer.Context, names: Collection[str], reason: str) -> None:
    """Refuse options that would do nothing, if the user gave one.

    Args:
        context: of the command.
        names: of the command's parameters.
        reason: what the options are about, and what to do.
    Raises:
        SeeError: one was given.
    """
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise SeeError(f"--{name.replace('_', '-')} {reason}")


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
