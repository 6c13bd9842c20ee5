"""A dictionary's index: what a knowledge base reads in place of the tables, without a database or numerical library.

`words.dawg` is an automaton from each word, English or Chinese, to its number; `index.safetensors` has the arrays
below. A pair of arrays `X_starts`, `X` holds a list of lists: the one at place i is `X[X_starts[i] : X_starts[i + 1]]`.

    word_senses         word → its senses, in dictionary order
    sides               word → for each of these senses, whether the word is its English (1) or Chinese one (2)
    pos                 sense → the numbers of its English and of its Chinese part of speech
    pos_names           part of speech → its name in UTF-8
    texts               sense → its fields in UTF-8 (those of `Sense`, split by U+001F, for which they have a space)
    definition_ids      sense → its definition
    definition_senses   definition → its senses
    sememes             definition → its distinct sememes, in its order
    sememe_depths       definition → for each of these sememes, the levels above it where it stands highest
    sememe_definitions  sememe → the definitions that have it
    names               sememe → its name in UTF-8
    word_texts          word → its spelling in UTF-8, by number: sorted by code points
    relations           the sememe taxonomy in UTF-8, `sememe<tab>relation<tab>sememe` a line
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any

import dawg

from see_kb.kdml import occurrences_of_text, sememes_of_text
from see_kb.knowledge.arrays import open_arrays, read_arrays
from see_kb.lexicon import SENSE_FIELDS, Lexicon, Sense
from see_kb.sources.files import sha256_of
from see_kb.tables.manifest import check_digest, read_manifest

WORDS_FILE = "words.dawg"
ARRAYS_FILE = "index.safetensors"
INDEX_FILES = (WORDS_FILE, ARRAYS_FILE)

LISTS = (  # sememe_depths has the starts of sememes, sides those of word_senses
    "word_senses",
    "texts",
    "definition_senses",
    "sememes",
    "sememe_definitions",
    "names",
    "pos_names",
    "word_texts",
)
_NAMES = frozenset(
    {"definition_ids", "relations", "sememe_depths", "sides", "pos", *LISTS, *(f"{name}_starts" for name in LISTS)}
)
_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Lists:
    """A list of lists of numbers in two flat arrays."""

    starts: memoryview
    values: memoryview

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, place: int) -> memoryview:
        return self.values[self.starts[place] : self.starts[place + 1]]


class Index:
    """An open index: the lists of the module's description by name, and the words' automaton."""

    def __init__(self, words: Any, arrays: Mapping[str, memoryview]) -> None:
        """Take the words' automaton and the arrays."""
        self.words = words
        lists = {name: Lists(arrays[f"{name}_starts"], arrays[name]) for name in LISTS}
        self.word_senses = lists["word_senses"]
        self.definition_ids = arrays["definition_ids"]
        self.sememe_depths = Lists(arrays["sememes_starts"], arrays["sememe_depths"])
        self.definition_senses = lists["definition_senses"]
        self.sememes = lists["sememes"]
        self.sememe_definitions = lists["sememe_definitions"]
        self._texts, self._names, self._word_texts = lists["texts"], lists["names"], lists["word_texts"]
        self.sides, self.pos = arrays["sides"], arrays["pos"]
        self._pos_names = lists["pos_names"]
        self._relations = arrays["relations"]
        self.n_senses, self.n_words, self.n_sememes = len(self._texts), len(self._word_texts), len(self._names)

    def sense(self, sense_id: int) -> Sense:
        """Read a sense."""
        return Sense(*str(self._texts[sense_id], "utf-8").split(_SEPARATOR))

    def word(self, number: int) -> str:
        """Read a word by its number."""
        return str(self._word_texts[number], "utf-8")

    def number_of(self, word: str) -> int | None:
        """Give the number of a word as it is spelled; None if no dictionary lists it."""
        # The automaton reads no further than a NUL byte.
        number: int | None = None if "\0" in word else self.words.get(word)
        return number

    def all_words(self) -> list[str]:
        """Read all words, by number."""
        starts, data = self._word_texts.starts.tolist(), bytes(self._word_texts.values)
        return [data[a:b].decode() for a, b in pairwise(starts)]

    def relations(self) -> list[tuple[str, str, str]]:
        """Read the taxonomy's triples: sememe, relation, sememe."""
        lines = str(self._relations, "utf-8").split("\n")
        return [(sememe, relation, other) for sememe, relation, other in (line.split("\t") for line in lines if line)]

    def pos_names(self) -> list[str]:
        """Read the names of all parts of speech, by number."""
        return [str(self._pos_names[number], "utf-8") for number in range(len(self._pos_names))]

    def sememe_names(self) -> list[str]:
        """Read the names of all sememes, by number."""
        return [str(self._names[number], "utf-8") for number in range(self.n_sememes)]


def open_index(folder: Path) -> Index:
    """Open the index of a folder of tables; nothing is loaded before it is asked for, but for the words' automaton.

    Raises:
        SeeError: the folder holds no tables, or a file is missing or cannot be read.
        FormatError: a file is damaged.
    """
    digests = read_manifest(folder).get("index", {})
    for name in INDEX_FILES:  # the automaton's library trusts what it reads
        check_digest(folder / name, digests.get(name))
    words = dawg.IntCompletionDAWG().load(str(folder / WORDS_FILE))
    return Index(words, open_arrays(folder / ARRAYS_FILE, _NAMES))


def write_index(folder: Path, lexicon: Lexicon, relations: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Write a dictionary's index into a folder; gives the digests of its files, for the manifest."""
    contents = zip(INDEX_FILES, _index_bytes(lexicon, relations), strict=True)
    digests = {}
    for name, data in contents:
        (folder / name).write_bytes(data)
        digests[name] = sha256_of(data)
    return digests


def index_of(lexicon: Lexicon, relations: Iterable[tuple[str, str, str]] = ()) -> Index:
    """Index a dictionary in memory."""
    words, arrays = _index_bytes(lexicon, relations)
    return Index(dawg.IntCompletionDAWG().frombytes(words), read_arrays(memoryview(arrays), Path(lexicon.name), _NAMES))


def _index_bytes(lexicon: Lexicon, relations: Iterable[tuple[str, str, str]]) -> tuple[bytes, bytes]:
    """Give the bytes of `INDEX_FILES`; equal senses give equal bytes."""
    import numpy as np
    from safetensors.numpy import save

    words = _senses_by_word(lexicon.senses)
    definitions: dict[str, list[int]] = {}
    for sense_id, sense in enumerate(lexicon.senses):
        definitions.setdefault(sense.definition, []).append(sense_id)
    definition_ids = np.zeros(len(lexicon.senses), dtype=np.int32)
    for definition_id, sense_ids in enumerate(definitions.values()):
        definition_ids[sense_ids] = definition_id
    sememes = [sememes_of_text(text) for text in definitions]
    names = sorted({sememe for found in sememes for sememe in found})
    numbers = {name: number for number, name in enumerate(names)}
    values = attrgetter(*SENSE_FIELDS)
    listed = sorted({pos for sense in lexicon.senses for pos in (sense.en_pos, sense.zh_pos)})
    parts_of_speech = {pos: number for number, pos in enumerate(listed)}
    arrays = {
        **_lists("word_senses", list(words.values())),
        **_texts("texts", (_joined(values(sense)) for sense in lexicon.senses)),
        **_lists("definition_senses", list(definitions.values())),
        **_lists("sememes", [[numbers[sememe] for sememe in found] for found in sememes]),
        **_lists("sememe_definitions", _definitions_by_sememe(sememes, numbers)),
        **_texts("names", names),
        **_texts("word_texts", words),
        "relations": np.frombuffer("\n".join(map("\t".join, relations)).encode(), dtype=np.uint8),
        "sides": np.array(_sides(words, lexicon.senses), dtype=np.uint8),
        **_texts("pos_names", parts_of_speech),
        "pos": np.array([parts_of_speech[p] for s in lexicon.senses for p in (s.en_pos, s.zh_pos)], dtype=np.int32),
        "definition_ids": definition_ids,
        "sememe_depths": np.array([depth for text in definitions for depth in _depths(text)], dtype=np.int32),
    }
    automaton = dawg.IntCompletionDAWG(zip(words, range(len(words)), strict=True))
    return bytes(automaton.tobytes()), save(arrays)


def _joined(fields: Iterable[str]) -> str:
    return _SEPARATOR.join(field.replace(_SEPARATOR, " ") for field in fields)


def _senses_by_word(senses: Sequence[Sense]) -> dict[str, list[int]]:
    """The senses of each word of either language, by code points of the words."""
    found: dict[str, list[int]] = {}
    for sense_id, sense in enumerate(senses):
        for word in dict.fromkeys((sense.en_word, sense.zh_word)):
            if word and "\0" not in word:  # the automaton ends words with NUL
                found.setdefault(word, []).append(sense_id)
    return dict(sorted(found.items()))


def _sides(words: Mapping[str, Sequence[int]], senses: Sequence[Sense]) -> list[int]:
    """For each word and each of its senses, whether the word is the English (1), the Chinese (2) one, or both (3)."""
    return [(senses[i].en_word == word) + 2 * (senses[i].zh_word == word) for word, ids in words.items() for i in ids]


def _depths(definition: str) -> list[int]:
    """The least depth of each distinct sememe of a definition."""
    depths: dict[str, int] = {}
    for found in occurrences_of_text(definition):
        depths[found.sememe] = min(found.depth, depths.get(found.sememe, found.depth))
    return list(depths.values())


def _definitions_by_sememe(sememes: Sequence[Sequence[str]], numbers: Mapping[str, int]) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in numbers]
    for definition_id, names in enumerate(sememes):
        for name in names:
            found[numbers[name]].append(definition_id)
    return found


def _lists(name: str, lists: Sequence[Sequence[int]]) -> dict[str, Any]:
    import numpy as np

    starts = np.cumsum([0, *map(len, lists)], dtype=np.int64)
    return {f"{name}_starts": starts, name: np.array([value for inner in lists for value in inner], dtype=np.int32)}


def _texts(name: str, texts: Iterable[str]) -> dict[str, Any]:
    import numpy as np

    encoded = [text.encode() for text in texts]
    starts = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return {f"{name}_starts": starts, name: np.frombuffer(b"".join(encoded), dtype=np.uint8)}
