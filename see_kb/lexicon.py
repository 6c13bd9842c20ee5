"""What a dictionary is once it is read: senses in the order of their source, and the records that were refused."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from operator import attrgetter

from see_kb.kdml import sememes_of_text


@dataclass(frozen=True, slots=True)
class Sense:
    """One meaning of a Chinese and an English word (either may be empty) with its definition in KDML.

    `number` is the record's number in its source; `zh_grammar` and `en_grammar` hold what HowNet prints in
    brackets behind the part of speech (pinyin, verb patterns).
    """

    number: str
    zh_word: str
    zh_pos: str
    en_word: str
    en_pos: str
    definition: str
    zh_grammar: str = ""
    en_grammar: str = ""
    zh_sentiment: str = ""
    en_sentiment: str = ""
    zh_example: str = ""
    en_example: str = ""
    remark: str = ""

    @property
    def sememes(self) -> tuple[str, ...]:
        """The distinct sememes of the definition, in its order."""
        return sememes_of_text(self.definition)


SENSE_FIELDS = tuple(field.name for field in fields(Sense))


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be read. `line` counts from 1: lines of a text file, records of another one."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was read, with the digest of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Lexicon:
    """A dictionary: its senses in source order, its rejected records, and the files that it came from."""

    name: str
    senses: tuple[Sense, ...]
    rejects: tuple[Reject, ...]
    files: tuple[SourceFile, ...]

    @cached_property
    def content_sha256(self) -> str:
        """A digest of the senses alone: two sources that say the same have the same one."""
        digest = hashlib.sha256()
        values = attrgetter(*SENSE_FIELDS)
        for sense in self.senses:
            digest.update("\x1f".join(values(sense)).encode() + b"\x1e")
        return digest.hexdigest()


def sememes_of(senses: Sequence[Sense]) -> dict[str, int]:
    """Count in how many senses each sememe occurs; sorted by name."""
    counts: dict[str, int] = {}
    for sememe in _each_sememe(senses):
        counts[sememe] = counts.get(sememe, 0) + 1
    return dict(sorted(counts.items()))


def _each_sememe(senses: Sequence[Sense]) -> Iterator[str]:
    for sense in senses:
        yield from sense.sememes
