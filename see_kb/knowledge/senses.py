"""Senses as they are found: numbers until somebody looks at one."""

from collections.abc import Iterator, Sequence
from typing import overload

from see_kb.knowledge.index import Index
from see_kb.lexicon import Sense


class Senses(Sequence[Sense]):
    """Some senses of a dictionary, each read when it is looked at; `ids` are their places in the dictionary."""

    __slots__ = ("_ids", "_index")

    def __init__(self, index: Index, ids: Sequence[int]) -> None:
        self._index = index
        self._ids = ids

    @property
    def ids(self) -> Sequence[int]:
        """The senses' places in the dictionary, from 0."""
        return self._ids

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> Sense: ...

    @overload
    def __getitem__(self, place: slice) -> "Senses": ...

    def __getitem__(self, place: int | slice) -> "Sense | Senses":
        if isinstance(place, slice):
            return Senses(self._index, self.ids[place])
        return self._index.sense(self.ids[place])

    def __iter__(self) -> Iterator[Sense]:
        return map(self._index.sense, self.ids)

    def __repr__(self) -> str:
        return f"Senses({list(self.ids)})"


class WordSenses(Senses):
    """All senses of a word, looked up in the index when they are asked for."""

    __slots__ = ("_word",)

    def __init__(self, index: Index, word: int | None) -> None:
        """Take a word's number; None is a word that no dictionary lists."""
        self._index = index
        self._word = word

    @property
    def ids(self) -> Sequence[int]:
        """The senses' places in the dictionary, from 0."""
        return () if self._word is None else self._index.word_senses[self._word]


class Answers(Sequence[Senses]):
    """The senses of some words, in the words' order; nothing but the words' numbers is looked up at first."""

    __slots__ = ("_index", "_words")

    def __init__(self, index: Index, words: Sequence[int | None]) -> None:
        """Take words by number; None is a word that no dictionary lists."""
        self._index = index
        self._words = words

    def __len__(self) -> int:
        return len(self._words)

    @overload
    def __getitem__(self, place: int) -> Senses: ...

    @overload
    def __getitem__(self, place: slice) -> "Answers": ...

    def __getitem__(self, place: int | slice) -> "Senses | Answers":
        if isinstance(place, slice):
            return Answers(self._index, self._words[place])
        return WordSenses(self._index, self._words[place])

    def __repr__(self) -> str:
        return f"Answers({[list(senses.ids) for senses in self]})"
