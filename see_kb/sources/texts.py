"""Dictionaries that are text: a file, or a folder of files, each in one of several formats."""

from collections.abc import Callable
from pathlib import Path

from see_kb.errors import FormatError, SeeError
from see_kb.lexicon import Lexicon, Reject, Sense, SourceFile
from see_kb.sources.files import decode_text, has_half_character, read_bytes, sha256_of
from see_kb.sources.tsv import parse_table

SUFFIXES = frozenset({".txt", ".tsv"})


Parser = Callable[[str, str, str], tuple[list[Sense], list[Reject]]]
"""Takes a text, its file's name and the dictionary's name; gives its senses and rejected records."""


def read_tables(path: Path, name: str) -> Lexicon:
    """Read a folder of tables (see `tsv`); errors are those of `read_files`."""
    return read_files(path, name, lambda _: parse_table)


def read_files(path: Path, name: str, parser_of: Callable[[str], Parser]) -> Lexicon:
    """Read a file, or a folder of `*.txt` and `*.tsv` files in the order of their names.

    Args:
        path: the file or folder.
        name: what the dictionary is called.
        parser_of: chooses a parser by a file's text.
    Raises:
        SeeError: a file cannot be read.
        FormatError: a file is in no known encoding, or holds not one sound record.
    """
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if wrong := [file for file in files if has_half_character(file.name)]:
        raise SeeError(f"{path}: the name {wrong[0].name!a} is not in UTF-8; rename the file")
    if not files:
        raise SeeError(f"{path}: holds no *.txt or *.tsv file; name HowNet.txt or a folder of files in its format")
    senses: list[Sense] = []
    rejects: list[Reject] = []
    sources = []
    for file in files:
        data = read_bytes(file)
        text = decode_text(data, file)
        read, refused = parser_of(text)(text, file.name, name)
        if not read:
            raise FormatError(_nothing_read(file, refused))
        senses += read
        rejects += refused
        sources.append(SourceFile(file.name, sha256_of(data)))
    return Lexicon(name, tuple(senses), tuple(rejects), tuple(sources))


def _nothing_read(file: Path, refused: list[Reject]) -> str:
    if refused:
        return f"{file}:{refused[0].line}: {refused[0].reason} (no record of the file could be read)"
    return f"{file}:1: holds no record; give a file in HowNet's text format (NO.=, W_C=, W_E=, DEF=, …) or a table"
