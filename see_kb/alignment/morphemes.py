"""How a word that no dictionary lists is made of ones that it does: inflection, affixes, compounds, characters.

Everything here works on folded text (`normalise`) and is told by a function which words and affixes are known.
"""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Literal

import regex
import simplemma

Role = Literal["word", "prefix", "suffix"]
Known = Callable[[str], bool]

MIN_STEM = 3
"""Letters that a stem or the first word of a compound needs; with two, chance splits prevail."""

MIN_COMPOUND = 7
"""Letters that a compound of two known words needs."""

MIN_HEAD = 4
"""Letters that the second word of a compound needs: names end in -win, -ton, -own by chance."""

MIN_INFLECTED = 5
"""Letters from which on an inflected form is believed inside a longer word: `gan` is no form of `gin` there."""

MAX_CHARACTERS = 24
"""Characters up to which a Chinese text is segmented; the longest one of four vocabularies has 16."""

_ENGLISH = regex.compile(r"[a-z]+")
_HAN = regex.compile(r"\p{Script=Han}+")
_VOWELS = frozenset("aeiou")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch `start:end` of the folded text, what it is, and the dictionary form that it stands for."""

    start: int
    end: int
    role: Role
    form: str


@dataclass(frozen=True)
class Affixes:
    """The prefixes and suffixes that carry meaning, without their hyphens."""

    prefixes: Container[str]
    suffixes: Container[str]


def english_lemma(text: str) -> str | None:
    """Give the dictionary form of an inflected English word, or None if the word is its own or not English."""
    if len(text) < MIN_STEM or not _ENGLISH.fullmatch(text):
        return None
    lemma = simplemma.lemmatize(text, lang="en").casefold()
    return lemma if lemma != text else None


def decompose(text: str, known: Known, affixes: Affixes, *, starts_word: bool) -> tuple[Part, ...]:
    """Split a folded text into known words and affixes that cover all of it; empty if that cannot be done.

    Args:
        text: the folded surface of a piece.
        known: tells whether a dictionary lists a folded word.
        affixes: the affixes that carry meaning.
        starts_word: whether the text begins a word; otherwise it may be a suffix alone.
    """
    if _ENGLISH.fullmatch(text):
        return _english(text, known, affixes, starts_word=starts_word)
    if _HAN.fullmatch(text):
        return _characters(text, known)
    return ()


def _english(text: str, known: Known, affixes: Affixes, *, starts_word: bool) -> tuple[Part, ...]:
    alone = affixes.prefixes if starts_word else affixes.suffixes
    if text in alone:
        return (Part(0, len(text), "prefix" if starts_word else "suffix", text),)
    for end in _ends(text, affixes):
        for start in _starts(text[:end], affixes):
            stem = _stem(text[start:end], known, before_suffix=end < len(text))
            if stem is not None and (start or end < len(text)):
                return _with_affixes(text, start, end, stem)
    return _compound(text, known)


def _starts(text: str, affixes: Affixes) -> Iterator[int]:
    """Where the stem may start: behind no prefix, or behind each one that leaves a stem; the shortest first."""
    yield 0
    yield from (at for at in range(2, len(text) - MIN_STEM + 1) if text[:at] in affixes.prefixes)


def _ends(text: str, affixes: Affixes) -> Iterator[int]:
    """Where the stem may end: before no suffix, or before each one that leaves a stem; the longest stem first."""
    yield len(text)
    yield from (at for at in range(len(text) - 1, MIN_STEM - 1, -1) if text[at:] in affixes.suffixes)


def _stem(text: str, known: Known, *, before_suffix: bool) -> str | None:
    """Find the known word that a stem spells, undoing what a suffix does to its end (happi-, mak-, runn-)."""
    if len(text) < MIN_STEM:
        return None
    spellings = [text]
    if before_suffix:
        spellings.append(text + "e")
        if text.endswith("i"):
            spellings.append(text[:-1] + "y")
        if text[-1] == text[-2] and text[-1] not in _VOWELS:
            spellings.append(text[:-1])
    if len(text) >= MIN_INFLECTED and (lemma := english_lemma(text)) is not None:
        spellings.append(lemma)
    return next((spelling for spelling in spellings if len(spelling) >= MIN_STEM and known(spelling)), None)


def _with_affixes(text: str, start: int, end: int, stem: str) -> tuple[Part, ...]:
    prefix = (Part(0, start, "prefix", text[:start]),) if start else ()
    suffix = (Part(end, len(text), "suffix", text[end:]),) if end < len(text) else ()
    return (*prefix, Part(start, end, "word", stem), *suffix)


def _compound(text: str, known: Known) -> tuple[Part, ...]:
    """Split into two known words, as evenly as possible; the second one may be inflected."""
    if len(text) < MIN_COMPOUND:
        return ()
    places = sorted(range(MIN_STEM, len(text) - MIN_HEAD + 1), key=lambda at: abs(2 * at - len(text)))
    for at in places:
        if known(text[:at]) and (second := _stem(text[at:], known, before_suffix=False)) is not None:
            return (Part(0, at, "word", text[:at]), Part(at, len(text), "word", second))
    return ()


def _characters(text: str, known: Known) -> tuple[Part, ...]:
    """Cover a Chinese text with the fewest known words; of two coverings the one with the longer last word."""
    if not 2 <= len(text) <= MAX_CHARACTERS:
        return ()
    best: list[tuple[Part, ...] | None] = [(), *[None] * len(text)]
    for end in range(1, len(text) + 1):
        for start in range(end):
            before = best[start]
            if before is None or end - start == len(text) or not known(text[start:end]):
                continue
            current = best[end]
            if current is None or len(before) + 1 < len(current):
                best[end] = (*before, Part(start, end, "word", text[start:end]))
    return best[-1] or ()
