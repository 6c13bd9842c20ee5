"""Commands that need no tokenizer: `lookup`, `download`."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import AsJson, Dictionaries, print_json
from see_kb.errors import SeeError


def lookup(
    words: Annotated[list[str], typer.Argument(help="Words, in any language of the dictionary.")],
    dictionaries: Dictionaries = None,
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
    from see_kb.knowledge.lookup import look_up
    from see_kb.sources.door import read_lexicons, read_morphemes
    from see_kb.tables.store import read_senses

    if dictionaries and tables:
        raise SeeError("--hownet and --tables both name a dictionary; give one of them")
    if tables:
        lexicon, morphemes = read_senses(tables, "senses"), read_senses(tables, "morphemes")
    else:
        lexicon, morphemes = read_lexicons(dictionaries or ()), read_morphemes()
    answers = look_up(words, lexicon, morphemes)
    if as_json:
        print_json([answer.as_dict() for answer in answers])
    else:
        for answer in answers:
            output().print(found_table(answer))
    if any(not answer.parts for answer in answers):
        raise typer.Exit(1)


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
