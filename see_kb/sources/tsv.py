"""Dictionaries as tables of text: a header of HowNet's field names, then a record a line, columns split by tabs.

    W_C     W_E       G        DEF
    医生    doctor    noun     {human|人:HostOf={Occupation|职位},domain={medical|医}}
    虎      tiger     noun     {beast|走兽}

The columns stand in any order, `G` for both `G_C` and `G_E`; a record without a
number (`NO.`) has its file and line for one. DEF and a word's column are needed, others are passed over
if they are no field of HowNet's. Values are taken as they stand: there is no quoting. Lines that are blank or start
with `#` are passed over.
"""

from collections.abc import Sequence
from pathlib import PurePath

from see_kb.errors import FormatError
from see_kb.lexicon import Reject, Sense
from see_kb.sources.hownet_text import COLUMNS, MAX_LINE, checked_sense, split_grammar


def parse_table(text: str, file: str, source: str = "") -> tuple[list[Sense], list[Reject]]:
    """Read the records of a table; each malformed one becomes a reject with its line, and the rest is read.

    Raises:
        FormatError: the header lacks DEF, or a column for words, or has a column twice.
    """
    senses: list[Sense] = []
    rejects: list[Reject] = []
    header: Sequence[str] = ()
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip() or content.startswith("#"):
            continue
        if not header:
            header = _checked_header(content, f"{file}:{line}")
            continue
        try:
            senses.append(_sense(header, content, f"{PurePath(file).stem}:{line}", source))
        except FormatError as error:
            rejects.append(Reject(file, line, str(error)))
    return senses, rejects


def is_table(text: str) -> bool:
    """Tell whether a text's first line that says something is a header with the column DEF."""
    lines = (line for line in text.split("\n") if line.strip() and not line.startswith("#"))
    return "DEF" in _names(next(lines, ""))


def _names(line: str) -> list[str]:
    return [name.strip() for name in line.split("\t")]


def _checked_header(line: str, place: str) -> list[str]:
    header = _names(line)
    if "DEF" not in header or not {"W_C", "W_E"} & set(header):
        raise FormatError(f"{place}: no header with DEF and W_C or W_E; write the fields' names in the first line")
    if len(set(header)) < len(header):
        raise FormatError(f"{place}: a column stands twice in the header; name each one once")
    return header


def _sense(header: Sequence[str], line: str, place: str, source: str) -> Sense:
    if len(line) > MAX_LINE:
        raise FormatError(f"a line of {len(line)} characters; at most {MAX_LINE} are read")
    values = line.split("\t")
    if len(values) != len(header):
        raise FormatError(f"{len(values)} columns, the header has {len(header)}; mend the line")
    record = {name: value.strip() for name, value in zip(header, values, strict=True)}
    words = {column: record.get(key, "") for column, key in COLUMNS.items() if column != "number"}
    words["source"] = source
    words["zh_pos"], words["zh_grammar"] = split_grammar(record.get("G_C", record.get("G", "")))
    words["en_pos"], words["en_grammar"] = split_grammar(record.get("G_E", record.get("G", "")))
    return checked_sense(record.get("NO.") or place, words, record["DEF"])
