"""What a dictionary is once it is read: senses in the order of their source, and the records that were refused."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from operator import attrgetter

from see_kb.kdml import sememes_of_text


@dataclass(frozen=True, slots=True)
class Sense:
    """One meaning of a Chinese and an English word (either may be empty) with its definition in KDML.

    `number` is the record's number in its source; `zh_grammar` and `en_grammar` hold what HowNet prints in
    brackets behind the part of speech (pinyin, verb patterns); `source` names the dictionary, and is not compared.
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
    source: str = field(default="", compare=False)

    @property
    def sememes(self) -> tuple[str, ...]:
        """The distinct sememes of the definition, in its order."""
        return sememes_of_text(self.definition)


SENSE_FIELDS = tuple(item.name for item in fields(Sense))
CONTENT_FIELDS = tuple(name for name in SENSE_FIELDS if name != "source")
"""The fields that a dictionary's digest is taken of: the same senses under another name are the same."""


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
    """A dictionary: its senses in source order, its rejected records, and the files that it came from.

    Several dictionaries in one have them as `parts`, in the order of their senses.
    """

    name: str
    senses: tuple[Sense, ...]
    rejects: tuple[Reject, ...]
    files: tuple[SourceFile, ...]
    stated_version: str = ""
    parts: "tuple[Lexicon, ...]" = ()

    @cached_property
    def content_sha256(self) -> str:
        """A digest of the senses alone: two sources that say the same have the same one."""
        digest = hashlib.sha256()
        values = attrgetter(*CONTENT_FIELDS)
        for sense in self.senses:
            digest.update("\x1f".join(values(sense)).encode() + b"\x1e")
        return digest.hexdigest()

    @property
    def version(self) -> str:
        """The version that the source states, or else the first digits of its digest."""
        return self.stated_version or self.content_sha256[:12]

    @property
    def dictionaries(self) -> "tuple[Lexicon, ...]":
        """The dictionaries that it is made of, or itself."""
        return self.parts or (self,)


def merged(lexicons: Sequence[Lexicon]) -> Lexicon:
    """Put dictionaries behind one another; the senses of the first one come first.

    Raises:
        ValueError: there is none, or two have the same name.
    """
    names = [lexicon.name for lexicon in lexicons]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"dictionaries need names of their own, got {names}")
    if len(lexicons) == 1:
        return lexicons[0]
    return Lexicon(
        name="+".join(names),
        senses=tuple(sense for lexicon in lexicons for sense in lexicon.senses),
        rejects=tuple(reject for lexicon in lexicons for reject in lexicon.rejects),
        files=tuple(file for lexicon in lexicons for file in lexicon.files),
        parts=tuple(lexicons),
    )


def sememes_of(senses: Sequence[Sense]) -> dict[str, int]:
    """Count in how many senses each sememe occurs; sorted by name."""
    counts: dict[str, int] = {}
    for sememe in _each_sememe(senses):
        counts[sememe] = counts.get(sememe, 0) + 1
    return dict(sorted(counts.items()))


def _each_sememe(senses: Sequence[Sense]) -> Iterator[str]:
    for sense in senses:
        yield from sense.sememes
