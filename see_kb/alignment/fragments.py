"""Pieces that are words cut short: `▁practition` of practitioner, `xplanatory` of explanatory.

Tokenizers cut words where their statistics say. A piece of several letters that begins a word in only one family of
words, or ends one, stands for what these words have in common: it is taken for the shortest of them that has the
sememe that most of them share.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

MIN_LETTERS = 6
"""Letters that the beginning of a word needs; with five, a third of those read by eye were chance, mostly names."""

MIN_LETTERS_AT_END = 7
"""Letters that the end of a word needs."""

MAX_MISSING = 5
"""Letters that may be missing at the end of a fragment."""

MAX_MISSING_BEFORE = 3
"""Letters that may be missing at the beginning."""

AGREEMENT = 0.7
"""Share of the words that have to have the sememe."""

MAX_FAMILY = 40
"""Words that a fragment may be cut from; more are no family."""

Sememes = Callable[[str], Collection[str]]


class Fragments:
    """Finds the words that fragments are cut from, among the listed words of one dictionary."""

    def __init__(self, words: Iterable[str], sememes: Sememes) -> None:
        """Take folded words, and a function that gives the sememes of one."""
        usable = [word for word in words if word.isascii() and word.isalpha()]
        self._forwards = sorted(usable)
        self._backwards = sorted(word[::-1] for word in usable)
        self._sememes = sememes

    def find(self, text: str, *, starts_word: bool) -> str | None:
        """Give the word that a piece is a fragment of, or None.

        Args:
            text: folded letters.
            starts_word: whether the piece begins a word; it is then the word's beginning, otherwise its end.
        """
        shortest = MIN_LETTERS if starts_word else MIN_LETTERS_AT_END
        if len(text) < shortest or not text.isascii() or not text.isalpha():
            return None
        if starts_word:
            return self._agreed(_starting(self._forwards, text, MAX_MISSING))
        return self._agreed([word[::-1] for word in _starting(self._backwards, text[::-1], MAX_MISSING_BEFORE)])

    def _agreed(self, words: Sequence[str]) -> str | None:
        """The shortest of the words that have the sememe that most of them share."""
        if not 0 < len(words) <= MAX_FAMILY:
            return None
        sememes = {word: set(self._sememes(word)) for word in words}
        counts = Counter(sememe for found in sememes.values() for sememe in found)
        if not counts:
            return None
        (shared, n_words) = min(counts.items(), key=lambda item: (-item[1], item[0]))
        if n_words < AGREEMENT * len(words):
            return None
        return min((word for word in words if shared in sememes[word]), key=lambda word: (len(word), word))


def _starting(words: Sequence[str], text: str, max_missing: int) -> list[str]:
    """The sorted words that begin with a text and have at most so many letters more."""
    found = []
    for place in range(bisect_left(words, text), len(words)):
        if not words[place].startswith(text):
            break
        if len(text) < len(words[place]) <= len(text) + max_missing:
            found.append(words[place])
    return found
