"""Dictionaries that are text: files in HowNet's own format or tables, alone or as a folder."""

from pathlib import Path

from see_kb.errors import FormatError, SeeError
from see_kb.lexicon import Lexicon, Reject, Sense, SourceFile
from see_kb.sources.files import decode_text, read_bytes, sha256_of
from see_kb.sources.hownet_text import parse_records
from see_kb.sources.tsv import is_table, parse_table

SUFFIXES = frozenset({".txt", ".tsv"})


def read_texts(path: Path, name: str = "") -> Lexicon:
    """Read a file in HowNet's text format, a table, or a folder of such files, in the order of their names.

    Args:
        path: a file, or a folder of `*.txt` and `*.tsv` files.
        name: what the dictionary is called; by default the path's name without its ending.
    Raises:
        SeeError: a file cannot be read.
        FormatError: a file is in no known encoding, or holds not one sound record.
    """
    name = name or path.stem
    files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES) if path.is_dir() else [path]
    if not files:
        raise SeeError(f"{path}: holds no *.txt or *.tsv file; name HowNet.txt or a folder of files in its format")
    senses: list[Sense] = []
    rejects: list[Reject] = []
    sources = []
    for file in files:
        data = read_bytes(file)
        text = decode_text(data, file)
        parse = parse_table if is_table(text) else parse_records
        read, refused = parse(text, file.name, name)
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
