"""How alike words are: the information that their definitions share, over all that they hold.

A sememe's information content is −log of the share of all sememes in the dictionary that are it or lie below it in the
taxonomy (Resnik 1995); in a definition it counts `DECAY` times less with each level that it stands below a root. Two
definitions are as alike as twice the information that they share over the sum of what each holds (Lin 1998, "An
information-theoretic definition of similarity"). Two words are as alike as the mean of their most alike senses and of
how well each one's senses find a match among the other's. All of it is symmetric, does not depend on the order of a
definition's features, and lies from 0 to 1, which a word has with itself.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from see_kb.knowledge.index import Index
from see_kb.knowledge.relations import first_hypernyms

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

DECAY = 0.7
"""Weight of a level; of .5, .7 and .9, on HowNet's public synsets, none was better by more than .02 in rank
correlation on both SimLex-999 and wordsim-240."""

FIRST_CANDIDATES = 512
"""Words that the first round of a search for the nearest ones looks at closely."""


class SimilarityModel:
    """Definitions as weighted sets of sememes, and the words that have them. Takes milliseconds to make."""

    def __init__(self, index: Index) -> None:
        self._index = index
        starts = np.asarray(index.sememes.starts)
        self._starts = starts
        self._sememes: Ints = np.asarray(index.sememes.values)
        content = information_content(index)
        depths = np.asarray(index.sememe_depths.values)
        self._weights: Floats = (content[self._sememes] * DECAY**depths).astype(np.float32)
        owners = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
        self._totals: Floats = np.bincount(owners, self._weights, len(starts) - 1).astype(np.float32)
        order = np.argsort(self._sememes, kind="stable")
        self._postings = owners[order]
        self._posted = self._weights[order]
        self._posting_starts = np.searchsorted(self._sememes[order], np.arange(index.n_sememes + 1))
        self._word_starts = np.asarray(index.word_senses.starts)
        self._word_definitions: Ints = np.asarray(index.definition_ids)[np.asarray(index.word_senses.values)]

    def to_all(self, definition: int) -> Floats:
        """Compare a definition with all of them: (n_definitions,)."""
        shared = np.zeros(len(self._totals), dtype=np.float32)
        for place in range(self._starts[definition], self._starts[definition + 1]):
            sememe = self._sememes[place]
            span = slice(self._posting_starts[sememe], self._posting_starts[sememe + 1])
            shared[self._postings[span]] += np.minimum(self._posted[span], self._weights[place])
        return np.asarray(np.minimum(2 * shared / np.maximum(self._totals + self._totals[definition], 1e-12), 1))

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> list[float | None]:
        """Compare the words of each pair; None where a word is not listed."""
        number_of = self._index.number_of
        rows: dict[int, Floats] = {}
        found: list[float | None] = []
        for first, second in pairs:
            a, b = number_of(first), number_of(second)
            found.append(None if a is None or b is None else self._pair(a, b, rows))
        return found

    def nearest(self, definitions: Sequence[int], limit: int, allowed: NDArray[np.bool_]) -> list[tuple[int, float]]:
        """Find the words that are nearest to some definitions taken as a word's senses.

        Args:
            definitions: the senses' definitions.
            limit: words at most, none below 1; those that share nothing are left out.
            allowed: by word, whether it may be an answer.
        Returns:
            Words by number with their similarity, the nearest first; of equal ones the first by code points.
        """
        if limit < 1:
            return []
        rows = {definition: self.to_all(definition) for definition in dict.fromkeys(definitions)}
        to_senses = np.stack([rows[definition] for definition in definitions])
        best = np.maximum.reduceat(to_senses.max(axis=0)[self._word_definitions], self._word_starts[:-1])
        best[~allowed] = 0
        order = np.argsort(-best, kind="stable")
        order = order[: np.count_nonzero(best)]
        n_seen = FIRST_CANDIDATES
        while True:
            words = order[:n_seen]
            scores = self._scores(to_senses, words)
            ranked = np.lexsort((words, -scores))[:limit]
            # A word is at most as near as its nearest sense: no later one can come before the last of these.
            if n_seen >= len(order) or (len(ranked) == limit and scores[ranked[-1]] >= best[order[n_seen]]):
                return [(int(words[place]), float(scores[place])) for place in ranked]
            n_seen *= 4

    def definitions_of(self, word: int) -> Sequence[int]:
        """Give the definitions of a word's senses, by the word's number."""
        return [int(definition) for definition in self._definitions_of(word)]

    def _definitions_of(self, word: Any) -> Ints:
        return self._word_definitions[self._word_starts[word] : self._word_starts[word + 1]]

    def _pair(self, a: int, b: int, rows: dict[int, Floats]) -> float:
        for definition in self.definitions_of(a):
            if definition not in rows:
                rows[definition] = self.to_all(definition)
        to_senses = np.stack([rows[definition] for definition in self.definitions_of(a)])
        return float(self._scores(to_senses, np.array([b]))[0])

    def _scores(self, to_senses: Floats, words: NDArray[np.int64]) -> Floats:
        """Sum up the similarities of a word's senses to all definitions, (n_senses, n_definitions), for some words."""
        if not len(words):
            return np.zeros(0, dtype=np.float32)
        sizes = self._word_starts[words + 1] - self._word_starts[words]
        starts = np.cumsum(sizes) - sizes
        places = np.repeat(self._word_starts[words] - starts, sizes) + np.arange(sizes.sum())
        senses = to_senses[:, self._word_definitions[places]]
        theirs = np.add.reduceat(senses.max(axis=0), starts) / sizes
        ours = np.maximum.reduceat(senses, starts, axis=1)
        return np.asarray((ours.max(axis=0) + (theirs + ours.mean(axis=0)) / 2) / 2, dtype=np.float32)


def information_content(index: Index) -> NDArray[np.float64]:
    """Give each sememe's information content in nats: counted over senses, summed over the taxonomy's hyponyms."""
    names = index.sememe_names()
    n_senses = np.diff(np.asarray(index.definition_senses.starts))
    counts = np.array([n_senses[np.asarray(index.sememe_definitions[n])].sum() for n in range(len(names))])
    totals = dict(zip(names, counts.astype(float), strict=True))
    above = first_hypernyms(index.relations())
    for name, count in zip(names, counts, strict=True):
        seen = {name}
        while (name := above.get(name, name)) not in seen:  # a taxonomy of somebody else's may have a circle
            seen.add(name)
            totals[name] = totals.get(name, 0.0) + count
    return np.asarray(-np.log(np.array([totals[name] for name in names]) / (counts.sum() + 1)))
