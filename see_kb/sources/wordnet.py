"""WordNet's database files as a dictionary of sememes: an open one of full size, made from what WordNet says.

A folder holds `data.noun`, `data.verb`, `data.adj` and `data.adv` (WNDB; Debian's package `wordnet-base` puts them in
/usr/share/wordnet). A line there is a synset:

    offset lex_filenum ss_type w_cnt word lex_id … p_cnt pointer … | gloss

A synset's definition has the root `{class:relevant={a}{b}…}`. The class is the first sememe of the bundled lexicon's
word for the synset or, if it lists none, for the nearest hypernym (or the adjective that it resembles, or comes from);
otherwise the sememe of its lexicographer file (`LEXICOGRAPHER_FILES`). The others are those of the gloss's first words
that the bundled lexicon lists, at most `GLOSS_SEMEMES`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from see_kb.errors import FormatError, SeeError
from see_kb.lexicon import Lexicon, Reject, Sense, SourceFile
from see_kb.sources.files import decode_text, read_bytes, sha256_of
from see_kb.sources.inventory import roots_by_english

NAME = "WordNet"
FILES = {"data.noun": "noun", "data.verb": "verb", "data.adj": "adj", "data.adv": "adv"}

GLOSS_SEMEMES = 3
"""Sememes that a definition takes from a gloss."""

MAX_CHAIN = 40
"""Steps upwards that are looked at; the deepest noun of WordNet 3.0 has 19."""

LEXICOGRAPHER_FILES = (
    *("Property|特性", "relate|有关", "method|方法", "entity|实体", "act|行动", "AnimalHuman|动物", "artifact|人工物"),
    *("Attribute|属性", "body|身", "thinking|思想", "communicate|交流", "happen|发生", "emotion|情感", "food|食品"),
    *("group|群体", "location|位置", "reason|道理", "NaturalThing|天然物", "human|人", "phenomena|现象", "plant|植物"),
    *("possession|领属关系", "process|过程", "Quantity|数量", "Relationship|关系", "shape|物形", "state|状态"),
    *("material|材料", "time|时间", "metabolize|代谢", "change|变", "think|思考", "communicate|交流", "compete|比赛"),
    *("eat|吃", "touch|触", "create|创造", "feeling|情绪", "SelfMove|自移", "sense|感觉", "own|有", "engage|从事"),
    *("be|是", "WeatherChange|天变", "Property|特性"),
)
"""The sememe of each lexicographer file, by number (lexnames(5WN)): adj.all, adj.pert, adv.all, noun.Tops, …"""

_PART = "part|部件"  # as a class it would need the whole that it is a part of

UPWARDS = ("@", "@i", "&", "\\", "+")
"""Pointers to follow to a wider synset: hypernym, instance, similar to, pertains to, derived from."""

_LINE = re.compile(
    r"(?P<offset>\d{8}) (?P<file>\d\d) (?P<type>[nvasr]) (?P<n_words>[0-9a-f]{2}) (?P<rest>.*?) \| (?P<gloss>.*)"
)
_VERSION = re.compile(r"WordNet (\d[\d.]*\d)")
_MARKER = re.compile(r"\((?:a|p|ip)\)$")
_WORD = re.compile(r"[a-z]+")
_POS = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
_STOPWORDS = frozenset(
    """
    a an the of or and to in for that with by as is are be on at from not used having which who any one something
    someone very more most less other than its his her their it being has have can such into out up some usually
    especially make made do
    """.split()  # noqa: SIM905 - a list reads worse
)


@dataclass(frozen=True, slots=True)
class _Synset:
    key: str
    file: int
    pos: str
    words: tuple[str, ...]
    above: tuple[str, ...]
    gloss: str


def is_wordnet(path: Path) -> bool:
    """Tell whether a folder holds WordNet's database files."""
    return path.is_dir() and any((path / name).is_file() for name in FILES)


def read_wordnet(path: Path) -> Lexicon:
    """Read a folder of WordNet's database files: a sense for each word of each synset.

    Raises:
        SeeError: a file is missing or cannot be read.
        FormatError: a file holds not one sound synset.
    """
    synsets: dict[str, _Synset] = {}
    rejects: list[Reject] = []
    sources = []
    version = ""
    for name in FILES:
        if not (path / name).is_file():
            raise SeeError(f"{path}: lacks {name}; name a folder with WordNet's files data.noun, data.verb, …")
        data = read_bytes(path / name)
        text = decode_text(data, path / name)
        stated = _VERSION.search(text[:5_000])
        version = stated[1] if stated else version
        n_before = len(synsets)
        for number, line in enumerate(text.split("\n"), start=1):
            if not line or line.startswith("  "):  # the licence
                continue
            synset = _parse(line)
            if synset is None:
                rejects.append(Reject(name, number, "no line of a synset; get the file anew"))
            else:
                synsets[synset.key] = synset
        if len(synsets) == n_before:
            raise FormatError(f"{path / name}:1: holds no synset; get WordNet's file anew")
        sources.append(SourceFile(name, sha256_of(data)))
    return Lexicon(NAME, tuple(_senses(synsets)), tuple(rejects), tuple(sources), stated_version=version)


def _parse(line: str) -> _Synset | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    fields = match["rest"].split(" ")
    n_words = int(match["n_words"], 16)
    words = tuple(_MARKER.sub("", word).replace("_", " ") for word in fields[: 2 * n_words : 2])
    pointers = fields[2 * n_words + 1 :]
    above = tuple(
        f"{_kind(pos)}{offset}"
        for symbol, offset, pos in zip(pointers[::4], pointers[1::4], pointers[2::4], strict=False)
        if symbol in UPWARDS
    )
    if len(words) != n_words or not all(words) or int(match["file"]) >= len(LEXICOGRAPHER_FILES):
        return None
    key = f"{_kind(match['type'])}{match['offset']}"
    return _Synset(key, int(match["file"]), _POS[match["type"]], words, above, match["gloss"])


def _kind(pos: str) -> str:
    """Adjectives and their satellites are in one file."""
    return "a" if pos == "s" else pos


def _senses(synsets: Mapping[str, _Synset]) -> Iterator[Sense]:
    roots = roots_by_english()
    for synset in synsets.values():
        definition = _definition(synset, synsets, roots)
        for word in synset.words:
            yield Sense(synset.key, "", "", word, synset.pos, definition, en_example=synset.gloss, source=NAME)


def _definition(synset: _Synset, synsets: Mapping[str, _Synset], roots: Mapping[tuple[str, str], str]) -> str:
    head = _class(synset, synsets, roots)
    narrower: dict[str, None] = {}
    for word in _WORD.findall(synset.gloss.split('"')[0].split(";")[0].casefold()):
        if word in _STOPWORDS:
            continue
        found = next((roots[word, pos] for pos in ("noun", "verb", "adj") if (word, pos) in roots), None)
        if found is not None and found != head:
            narrower[found] = None
        if len(narrower) == GLOSS_SEMEMES:
            break
    values = "".join(f"{{{sememe}}}" for sememe in narrower)
    return f"{{{head}:relevant={values}}}" if values else f"{{{head}}}"


def _class(synset: _Synset, synsets: Mapping[str, _Synset], roots: Mapping[tuple[str, str], str]) -> str:
    at: _Synset | None = synset
    for _ in range(MAX_CHAIN):
        if at is None:
            break
        found = next((roots[key] for word in at.words if (key := (word.casefold(), at.pos)) in roots), None)
        if found is not None and found != _PART:
            return found
        at = next((synsets[key] for key in at.above if key in synsets), None)
    return LEXICOGRAPHER_FILES[synset.file]
