"""The command `see`: each subcommand is a thin edge around a plain function.

Exit codes: 0 done; 1 an input or a place cannot be used (one line on standard error says what, where and what to do),
or a word was not found; 2 wrong usage; 3 done, but some records of a dictionary were rejected; 130 interrupted.
"""

import os
import sys
from io import TextIOWrapper

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: waiting threads that spin stall busy machines

import typer

from pipelines.commands.dictionary import download, lookup
from pipelines.commands.factors import init, plan
from pipelines.commands.knowledge import check, nearest, search, sememe, similarity, tree
from pipelines.commands.spectrum import spectrum
from pipelines.commands.tables import build, coverage, demo, sql
from pipelines.commands.training import finetune, translate_bench
from see_kb.errors import SeeError
from see_kb.sources.files import has_half_character
from see_tn.errors import FactorError

COMMANDS = (
    *(demo, build, coverage, sql, check, plan, init, spectrum, finetune, translate_bench),
    *(lookup, search, tree, sememe, similarity, nearest, download),
)
"""The subcommands, in the order in which help lists them."""

NO_MEMORY = "not enough memory for this input; use a smaller one, fewer positions in a pass, or a larger machine"
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch says when it gets none."""

app = typer.Typer(
    help="Sememe Entanglement Encoding: sememe–token tables for a vocabulary, and the factors that replace its "
    "embedding table. Start with `see demo`, or with `see build --tokenizer YOUR_TOKENIZER`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Run the command line; an error of the user's is one line on standard error."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may lack Chinese
    try:
        _check_arguments(sys.argv[1:])
        app()
    except (SeeError, FactorError) as error:
        sys.exit(_fail(str(error)))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(_fail(f"{place}{error.strerror or error}; check the place and its permissions"))
    except MemoryError:
        sys.exit(_fail(NO_MEMORY))
    except RuntimeError as error:
        if not any(sign in str(error) for sign in OUT_OF_MEMORY):
            raise
        sys.exit(_fail(NO_MEMORY))


def _check_arguments(arguments: list[str]) -> None:
    """Refuse bytes that are no text: names of files would be written into manifests.

    Raises:
        SeeError: an argument is not in UTF-8.
    """
    for argument in arguments:
        if has_half_character(argument):
            raise SeeError(f"{argument!a}: not in UTF-8; write it so, rename the file if it is one")


def _fail(message: str) -> int:
    sys.stderr.write(f"see: {' '.join(message.split())}\n")
    return 1
