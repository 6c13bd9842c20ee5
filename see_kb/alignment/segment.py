"""English words into morphemes: the cheapest path through prefixes, stems and suffixes.

    un-  +  happy  +  -ness          a path: any prefixes, a stem (or several, in a compound), any suffixes

A stem is a listed word, spelled as it is before a suffix (`happi`, `mak`, `runn`), or a root of the table of morphemes.
Every morpheme has a cost. An affix costs the less, the more listed words it makes of other listed words; a stem the
less, the longer it is for its letters: chance splits have short stems and rare affixes. Where it is asked for, a stem
may be unknown, at a higher cost.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import log
from typing import Literal

from see_kb.alignment.english import english_lemma

Role = Literal["word", "prefix", "suffix", "root", "character", "radical", "fragment"]

MAX_LETTERS = 40
"""Letters up to which a word is segmented; the time grows with their square."""

MIN_STEM = 3
"""Letters that a stem needs."""

MIN_HEAD = 4
"""Letters that a further stem needs: names end in -win, -ton, -own by chance."""

MIN_COMBINING = 4
"""Letters that a suffix needs right behind a prefix: `cardio-` and `-logy` are a word, `pre-` and `-s` are none."""

MIN_OPENING_SUFFIX = 4
"""Letters that the first of several suffixes needs in a piece that has no stem: `ational`, but not `istry`."""

REFERENCE_WORDS = 32_000
"""English words of the dictionary that costs were chosen with: of a smaller one, the words of an affix count more."""

MAX_SCALE = 10.0
"""Times that they count more at most: in a dictionary of a hundred words a single one is chance."""

PRODUCTIVE = 1.0
"""Cost below which an affix is productive: with HowNet's public synsets those that make over 90 listed words."""

MIN_INFLECTED = 5
"""Letters that an inflected stem needs."""

_VOWELS = frozenset("aeiouy")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch `start:end` of the folded text, what it is, and the dictionary form that it stands for."""

    start: int
    end: int
    role: Role
    form: str


@dataclass(frozen=True)
class Affixes:
    """The morphemes that carry meaning without being words: affixes without their hyphens, and roots.

    `bound_prefixes` are the prefixes that stand before roots alone: `ac-`, `com-`.
    """

    prefixes: Collection[str]
    suffixes: Collection[str]
    roots: Collection[str] = ()
    bound_prefixes: Collection[str] = ()


@dataclass(frozen=True)
class Costs:
    """What morphemes cost; found on half of 49,000 segmented English words (see tests/bench/segmentation.py).

    A stem costs `stem` and `letter` for each letter, and `short` for each one that it lacks to five; an unknown one
    costs `unknown` and `unknown_letter` more. An affix costs `affix`, less `productive` times the logarithm of the
    number of words that it makes, and at least `least`; `joint` is the cost of a further
    stem, `root` what a bound root costs more than a word.
    """

    stem: float = 1.4
    letter: float = 0.4
    short: float = 0.6
    unknown: float = 7.5
    unknown_letter: float = 0.12
    affix: float = 3.75
    productive: float = 0.6
    least: float = 0.5
    joint: float = 2.9
    root: float = 2.0


_START, _STEM, _SUFFIX = 0, 1, 2
_Arc = tuple[float, int, Part]
"""A morpheme that may follow at a place: what it costs, the state after it, and the part."""

_Step = tuple[float, int, int, "Part | None"]
"""Cost so far, where and in which state the step before ended, and the part that it added."""


class Segmenter:
    """Segments words over one dictionary and one table of morphemes."""

    def __init__(
        self,
        words: Collection[str],
        affixes: Affixes,
        *,
        heads: Collection[str] | None = None,
        costs: Costs | None = None,
    ) -> None:
        """Take a dictionary's folded words, which also tell how productive each affix is.

        `heads` are the words that may be a further stem of a compound; None stands for all.
        """
        self._known = words.__contains__
        self._heads = words if heads is None else heads
        self._affixes = affixes
        self._costs = costs or Costs()
        english = {word for word in words if word.isascii() and word.isalpha() and len(word) <= MAX_LETTERS}
        prefixes, suffixes = _productivity(english, affixes)
        scale = min(MAX_SCALE, REFERENCE_WORDS / max(len(english), 1))
        self._prefix_costs = {text: self._affix_cost(n * scale) for text, n in prefixes.items()}
        self._suffix_costs = {text: self._affix_cost(n * scale) for text, n in suffixes.items()}
        self._longest = max(map(len, (*prefixes, *suffixes)), default=0)

    def segment(self, text: str, *, starts_word: bool = True, unknown_stems: bool = False) -> tuple[Part, ...]:
        """Split a word, or a part of one, into morphemes that cover all of it; empty if that cannot be done.

        Args:
            text: folded letters, of at most `MAX_LETTERS`.
            starts_word: whether the text begins a word; otherwise it may be suffixes alone.
            unknown_stems: whether a stem may be a word that is not listed; if not, the last one may be inflected.
        """
        if not 0 < len(text) <= MAX_LETTERS:
            return ()
        best: list[dict[int, _Step]] = [{} for _ in range(len(text) + 1)]
        best[0][_START] = (0.0, 0, _START, None)
        for start in range(len(text)):
            for state, (cost, *_) in list(best[start].items()):
                arcs = (
                    *self._affix_arcs(text, start, state, starts_word=starts_word),
                    *self._stem_arcs(text, start, state, unknown_stems),
                )
                for more, after, part in arcs:
                    step = (cost + more, start, state, part)
                    if after not in best[part.end] or step[0] < best[part.end][after][0]:
                        best[part.end][after] = step
        return _path(best)

    def is_productive(self, affix: str) -> bool:
        """Tell whether an affix makes so many listed words that it costs less than `PRODUCTIVE`."""
        return min(self._prefix_costs.get(affix, PRODUCTIVE), self._suffix_costs.get(affix, PRODUCTIVE)) < PRODUCTIVE

    def _affix_cost(self, n_words: float) -> float:
        return max(self._costs.least, self._costs.affix - self._costs.productive * log(1 + n_words))

    def _affix_arcs(self, text: str, start: int, state: int, *, starts_word: bool) -> Iterator[_Arc]:
        shortest = 1
        if state == _START:  # no stem comes before it
            shortest = MIN_COMBINING if start else (MIN_OPENING_SUFFIX if not starts_word else MAX_LETTERS)
        for end in range(start + 1, min(len(text), start + self._longest) + 1):
            stretch = text[start:end]
            if state == _START and len(stretch) > 1 and stretch in self._prefix_costs:
                yield self._prefix_costs[stretch], _START, Part(start, end, "prefix", stretch)
            if len(stretch) >= shortest and stretch in self._suffix_costs and _may_follow(text, start, end):
                yield self._suffix_costs[stretch], _SUFFIX, Part(start, end, "suffix", stretch)

    def _stem_arcs(self, text: str, start: int, state: int, unknown_stems: bool) -> Iterator[_Arc]:
        joint, shortest = (0.0, MIN_STEM) if state == _START else (self._costs.joint, MIN_HEAD)
        for end in range(start + shortest, len(text) + 1):
            stretch = text[start:end]
            cost = joint + self._stem_cost(stretch)
            form = self._stem(stretch, text[end:], inflected=not unknown_stems)
            if text[:start] in self._affixes.bound_prefixes:
                form = None
            if form is not None and (state == _START or form in self._heads):
                yield cost, _STEM, Part(start, end, "word", form)
            elif stretch in self._affixes.roots:
                yield cost + self._costs.root, _STEM, Part(start, end, "root", stretch)
            elif unknown_stems and state == _START:
                more = self._costs.unknown + self._costs.unknown_letter * len(stretch)
                yield cost + more, _STEM, Part(start, end, "word", stretch)

    def _stem_cost(self, stretch: str) -> float:
        costs = self._costs
        return costs.stem + costs.letter * len(stretch) + costs.short * max(5 - len(stretch), 0)

    def _stem(self, stretch: str, rest: str, *, inflected: bool) -> str | None:
        """The listed word that a stretch spells before the rest of a word."""
        form = next((spelling for spelling in spellings(stretch, rest) if self._known(spelling)), None)
        if form is None and inflected and not rest and len(stretch) >= MIN_INFLECTED:
            lemma = english_lemma(stretch)
            return lemma if lemma is not None and self._known(lemma) else None
        return form


def spellings(stretch: str, rest: str) -> Iterator[str]:
    """Give the words that a stretch may be before a suffix, undoing what suffixes do to the end of a stem."""
    yield stretch
    if len(rest) < 2 and rest != "y":  # `-s` leaves a stem as it is
        return
    if stretch.endswith("i") and rest[0] not in "aiost":
        yield stretch[:-1] + "y"
    if rest[0] in _VOWELS:
        yield stretch + "e"
        if len(stretch) > MIN_STEM and stretch[-1] == stretch[-2] and stretch[-1] not in _VOWELS:
            yield stretch[:-1]


def _may_follow(text: str, start: int, end: int) -> bool:
    """Tell whether a suffix may stand where it does: `-s` and `-es` end a word, behind letters that go with them."""
    suffix, before = text[start:end], text[:start]
    if suffix == "s":
        return end == len(text) and not before.endswith("s")
    if suffix == "es":
        return end == len(text) and before.endswith(("s", "x", "z", "ch", "sh", "i", "o"))
    return True


def _productivity(words: Collection[str], affixes: Affixes) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Count for each prefix and each suffix the listed words that it makes of other listed words."""
    prefixes, suffixes = dict.fromkeys(affixes.prefixes, 0), dict.fromkeys(affixes.suffixes, 0)
    for word in words:
        for place in range(1, len(word)):
            head, tail = word[:place], word[place:]
            if head in prefixes and len(tail) > MIN_STEM and tail in words:
                prefixes[head] += 1
            if tail in suffixes and len(head) > MIN_STEM and any(s in words for s in spellings(head, tail)):
                suffixes[tail] += 1
    return prefixes, suffixes


def _path(best: list[dict[int, _Step]]) -> tuple[Part, ...]:
    """The parts of the cheapest path to the end that holds a stem, or else a suffix behind prefixes."""
    ends = [(step[0], state) for state, step in best[-1].items() if state != _START]
    if not ends:
        return ()
    place, state = len(best) - 1, min(ends)[1]
    parts: list[Part] = []
    while place > 0:
        _, before, state_before, part = best[place][state]
        parts += [part] if part else []
        place, state = before, state_before
    return tuple(reversed(parts))
