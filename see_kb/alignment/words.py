"""Dictionaries by word: as they spell it, folded, and without accents; and what a word may mean.

Of several dictionaries, the first one that lists a word speaks for it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from see_kb.alignment.normalise import fold_all, strip_accents
from see_kb.lexicon import Lexicon

HEAD_POS = frozenset({"noun", "verb", "N", "V"})
"""Parts of speech that the last word of an English compound may have."""

FUNCTION_POS = frozenset({"det", "pron", "conj", "prep", "aux", "part", "letter", "expr", "wh", "infs"})
"""Parts of speech of words that other words are hardly ever made of."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning of a matched word: its sememes in definition order, and how many senses of the word have it."""

    sememes: tuple[str, ...]
    n_senses: int


class WordIndex:
    """A dictionary by word; a word's senses in dictionary order."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._senses = lexicon.senses
        self._exact: dict[str, list[int]] = {}
        self._folded: dict[str, list[int]] = {}
        self._spelled: dict[str, tuple[str, ...]] = {}
        for sense_id, sense in enumerate(lexicon.senses):
            for word in dict.fromkeys((sense.en_word, sense.zh_word)):
                if word:
                    self._add(self._exact, word, [sense_id])
        for word, folded in zip(self._exact, fold_all(self._exact), strict=True):
            self._add(self._folded, folded.text, self._exact[word])
            if folded.text != word:
                self._spelled.setdefault(folded.text, folded.steps)
        for word in self._folded.keys() & self._exact.keys():
            self._spelled.pop(word, None)
        self._plain: dict[str, str] = {}
        for word in self._folded:
            if not word.isascii():
                self._plain.setdefault(strip_accents(word), word)

    def _add(self, words: dict[str, list[int]], word: str, sense_ids: Sequence[int]) -> None:
        """List senses under a word, unless an earlier dictionary has it."""
        listed = words.setdefault(word, [])
        if not listed or self._senses[listed[0]].source == self._senses[sense_ids[0]].source:
            listed.extend(sense_ids)

    def __contains__(self, folded: str) -> bool:
        return folded in self._folded

    def exact(self, word: str) -> tuple[int, ...]:
        """The senses of a word as it is spelled."""
        return tuple(self._exact.get(word, ()))

    def folded(self, folded: str) -> tuple[int, ...]:
        """The senses of all words that fold to `folded`, in dictionary order."""
        return tuple(sorted(set(self._folded.get(folded, ()))))

    def steps(self, folded: str) -> tuple[str, ...]:
        """The normalisations by which the dictionary's own spelling becomes `folded`; none if it lists that too."""
        return self._spelled.get(folded, ())

    def without_accents(self, folded: str) -> str | None:
        """The listed word that is the same but for accents, which the text or the listed word may lack."""
        plain = strip_accents(folded)
        return self._plain.get(plain) or (plain if plain != folded and plain in self._folded else None)

    def words(self) -> Collection[str]:
        """All folded words."""
        return self._folded.keys()

    def stems(self) -> set[str]:
        """The folded words that may be a stem: those with a sense that is no function word's."""
        return self._with_pos(lambda pos: pos not in FUNCTION_POS)

    def heads(self) -> set[str]:
        """The folded words that may end an English compound: those with a sense that is a noun or a verb."""
        return self._with_pos(HEAD_POS.__contains__)

    def _with_pos(self, fits: Callable[[str], bool]) -> set[str]:
        return {word for word, ids in self._folded.items() if any(fits(self._senses[i].en_pos) for i in ids)}

    def readings(self, sense_ids: Sequence[int]) -> tuple[Reading, ...]:
        """The distinct meanings of some senses, the one of most senses first."""
        counts = Counter(self._senses[sense_id].sememes for sense_id in sense_ids)
        return tuple(Reading(sememes, n) for sememes, n in counts.most_common() if sememes)

    def sememes(self, folded: str) -> Iterable[str]:
        """The sememes of all senses of a folded word."""
        return (sememe for i in self._folded.get(folded, ()) for sememe in self._senses[i].sememes)
