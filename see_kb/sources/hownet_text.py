"""HowNet's text format: a record is a run of lines `FIELD=value`, ended by a blank line.

    NO.=047395
    W_C=动脉硬化症
    G_C=noun [dong4 mai4 ying4 hua4 zheng4]
    W_E=atherosclerosis
    G_E=noun
    DEF={disease|疾病:scope={part|部件:PartPosition={viscera|脏},whole={AnimalHuman|动物}}}
    RMK=free text

The fields stand in any order and any of them may be missing, except a word in one language and a definition.
A record with several DEF lines is as many senses. Without blank lines, a record ends where one of its fields other
than DEF comes again, or a DEF if the text begins with one; where no word stands behind the last definition, a word
behind another one is the next record's. Free text (examples, remarks) may run on over lines that look like no field.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from see_kb.errors import FormatError
from see_kb.kdml import KdmlError, sememes_of_text
from see_kb.lexicon import Reject, Sense

MAX_LINE = 100_000
"""Characters that a line may have; the longest of a real file has 1,300."""

_FIELD = re.compile(r"([A-Z][A-Z_]*\.?)=(.*)", re.DOTALL)
_BLANK_LINE = re.compile(r"\n\s*\n")
_WORD = re.compile(r"^W_[CE]=", re.MULTILINE)
_OPENING = frozenset({"W_C", "W_E"})
_FREE_TEXT = frozenset({"RMK", "E_C", "E_E"})
_GRAMMAR = re.compile(r"\s*([^\s\[]*)\s*(?:\[(.*?)\]?)?\s*", re.DOTALL)

COLUMNS = {  # a field of `Sense` and the name that HowNet gives it
    "number": "NO.",
    "zh_word": "W_C",
    "en_word": "W_E",
    "zh_sentiment": "S_C",
    "en_sentiment": "S_E",
    "zh_example": "E_C",
    "en_example": "E_E",
    "remark": "RMK",
}


@dataclass
class _Record:
    """The lines of one record as they come in."""

    line: int
    values: dict[str, str] = field(default_factory=dict)
    definitions: list[tuple[int, str]] = field(default_factory=list)
    problem: tuple[int, str] | None = None
    last: str = ""


def parse_records(text: str, file: str, source: str = "") -> tuple[list[Sense], list[Reject]]:
    """Read the records of a text; each malformed one becomes a reject with its line, and the rest is read."""
    senses: list[Sense] = []
    rejects: list[Reject] = []
    for record in _records(text):
        for found in _senses(record, file, source):
            if isinstance(found, Sense):
                senses.append(found)
            else:
                rejects.append(found)
    return senses, rejects


def split_grammar(text: str) -> tuple[str, str]:
    """Split `noun [dong4 mai4]` into the part of speech and what stands in brackets."""
    match = _GRAMMAR.fullmatch(text)
    return (match[1], (match[2] or "").strip()) if match else (text.strip(), "")


def checked_sense(number: str, words: dict[str, str], definition: str) -> Sense:
    """Make a sense from a record's fields (names as in `Sense`), once its definition is known to be sound.

    Raises:
        FormatError: the record has no word, or its definition is not in the grammar.
    """
    if not words.get("zh_word") and not words.get("en_word"):
        raise FormatError("no word; fill W_C or W_E")
    if not definition:
        raise FormatError("no definition; add a DEF line")
    try:
        sememes_of_text(definition)
    except KdmlError as error:
        raise FormatError(f"DEF: {error}; mend the definition") from error
    return Sense(number=number, definition=definition, **words)


def _records(text: str) -> Iterator[_Record]:
    # Fields before a record's DEF tell where the next record starts, unless every record starts with DEF itself.
    unbroken = not _BLANK_LINE.search(text.strip())
    starts_with_definition = unbroken and text.lstrip().startswith("DEF=")
    words_first = unbroken and not _WORD.search(text, max(0, text.rfind("\nDEF=")))
    record: _Record | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            if record:
                yield record
            record = None
            continue
        match = _FIELD.fullmatch(line) if len(line) <= MAX_LINE else None
        again = starts_with_definition and line.startswith("DEF=") and record and record.last != "DEF"
        next_word = words_first and record and record.definitions and match and match[1] in _OPENING
        if record and match and (again or next_word or match[1] in record.values):
            yield record
            record = None
        record = record or _Record(number)
        _add_line(record, number, line, match)
    if record:
        yield record


def _add_line(record: _Record, number: int, line: str, match: re.Match[str] | None) -> None:
    if len(line) > MAX_LINE:
        record.problem = record.problem or (
            number,
            f"a line of {len(line)} characters; at most {MAX_LINE} are read",
        )
    elif match and match[1] == "DEF":
        record.definitions.append((number, match[2].strip()))
        record.last = "DEF"
    elif match:
        record.values[match[1]] = match[2].strip()
        record.last = match[1]
    elif record.last in _FREE_TEXT:
        record.values[record.last] += "\n" + line.strip()
    else:
        shown = line if len(line) <= 40 else line[:40] + "…"
        record.problem = record.problem or (number, f"{shown!r} is no line FIELD=value; mend or remove it")


def _senses(record: _Record, file: str, source: str) -> Iterator[Sense | Reject]:
    if record.problem:
        yield Reject(file, *record.problem)
        return
    words = {column: record.values.get(key, "") for column, key in COLUMNS.items() if column != "number"}
    words["source"] = source
    words["zh_pos"], words["zh_grammar"] = split_grammar(record.values.get("G_C", ""))
    words["en_pos"], words["en_grammar"] = split_grammar(record.values.get("G_E", ""))
    for line, definition in record.definitions or [(record.line, "")]:
        try:
            yield checked_sense(record.values.get("NO.", ""), words, definition)
        except FormatError as error:
            yield Reject(file, line, str(error))
