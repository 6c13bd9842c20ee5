"""What a piece means: the dictionary words behind it, and the rule that found them.

The rules are tried in the order of `RULES`, except that a piece inside a word that spells a suffix (`less`, `ate`) is
that suffix. `special`, `byte`, `digit` and `punctuation` pieces stand for no word and are counted apart.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from see_kb.alignment.morphemes import MIN_INFLECTED, Affixes, Part, Role, decompose, english_lemma
from see_kb.alignment.normalise import normalise_all
from see_kb.lexicon import Lexicon
from see_kb.vocabulary.pieces import Piece
from see_kb.vocabulary.scripts import has_digit, script_of

Rule = Literal["exact", "normalised", "inflection", "decomposed", "none", "special", "byte", "digit", "punctuation"]
Source = Literal["lexicon", "morphemes"]

WORD_RULES: tuple[Rule, ...] = ("exact", "normalised", "inflection", "decomposed", "none")
OTHER_RULES: tuple[Rule, ...] = ("special", "byte", "digit", "punctuation")
RULES = WORD_RULES + OTHER_RULES


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning of a matched word: its sememes in definition order, and how many senses of the word have it."""

    sememes: tuple[str, ...]
    n_senses: int


@dataclass(frozen=True, slots=True)
class Match:
    """A stretch of a piece's folded surface and the dictionary word (or affix) that it stands for.

    `sense_ids` are rows of the dictionary, or of the table of morphemes where `source` is `morphemes`; `readings`
    are their distinct meanings, the one of most senses first, then in the order of the dictionary. `steps` are the
    normalisations by which the stretch became a listed word.
    """

    start: int
    end: int
    role: Role
    form: str
    source: Source
    sense_ids: tuple[int, ...]
    readings: tuple[Reading, ...]
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alignment:
    """A piece, the rule that matched it, its script, its folded surface and its matches in the text's order."""

    piece: Piece
    rule: Rule
    script: str
    folded: str
    matches: tuple[Match, ...] = ()


class WordIndex:
    """A dictionary by word, exactly and folded (`normalise`); a word's senses in dictionary order."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._exact: dict[str, list[int]] = {}
        self._folded: dict[str, list[int]] = {}
        for sense_id, sense in enumerate(lexicon.senses):
            for word in {sense.en_word, sense.zh_word} - {""}:
                self._exact.setdefault(word, []).append(sense_id)
        for word, folded in zip(self._exact, normalise_all(self._exact), strict=True):
            self._folded.setdefault(folded, []).extend(self._exact[word])

    def __contains__(self, folded: str) -> bool:
        return folded in self._folded

    def exact(self, word: str) -> tuple[int, ...]:
        """The senses of a word as it is spelled."""
        return tuple(self._exact.get(word, ()))

    def folded(self, folded: str) -> tuple[int, ...]:
        """The senses of all words that fold to `folded`, in dictionary order."""
        return tuple(sorted(set(self._folded.get(folded, ()))))

    def words(self) -> Iterable[str]:
        """All folded words."""
        return self._folded.keys()

    def readings(self, sense_ids: Sequence[int]) -> tuple[Reading, ...]:
        """The distinct meanings of some senses, the one of most senses first."""
        counts = Counter(self._lexicon.senses[sense_id].sememes for sense_id in sense_ids)
        return tuple(Reading(sememes, n) for sememes, n in counts.most_common() if sememes)


class Aligner:
    """Aligns pieces with one dictionary and one affix table."""

    def __init__(self, lexicon: Lexicon, morphemes: Lexicon) -> None:
        self._words = WordIndex(lexicon)
        self._affix_index = WordIndex(morphemes)
        self._affixes = Affixes(
            prefixes=frozenset(word[:-1] for word in self._affix_index.words() if word.endswith("-")),
            suffixes=frozenset(word[1:] for word in self._affix_index.words() if word.startswith("-")),
        )
        self._match = lru_cache(maxsize=None)(self._uncached_match)

    def align(self, pieces: Sequence[Piece]) -> list[Alignment]:
        """Align pieces, in their order."""
        folded = normalise_all(piece.surface for piece in pieces)
        return [self._align(piece, text) for piece, text in zip(pieces, folded, strict=True)]

    def _align(self, piece: Piece, folded: str) -> Alignment:
        script = script_of(piece.surface) if piece.kind in ("normal", "user_defined") else "Common"
        if (other := _other_rule(piece, script)) is not None:
            return Alignment(piece, other, script, folded)
        for rule, matches in self._attempts(piece, folded):
            if matches:
                return Alignment(piece, rule, script, folded, matches)
        return Alignment(piece, "none", script, folded)

    def _attempts(self, piece: Piece, folded: str) -> Iterator[tuple[Rule, tuple[Match, ...]]]:
        whole = Part(0, len(folded), "word", folded)
        is_suffix = not piece.starts_word and folded in self._affixes.suffixes and script_of(folded) == "Latin"
        if not is_suffix:
            yield "exact", self._whole(whole, self._words.exact(piece.surface))
            yield "normalised", self._whole(whole, self._words.folded(folded))
        believed = piece.starts_word or (not is_suffix and len(folded) >= MIN_INFLECTED)
        if believed and (lemma := english_lemma(folded)) is not None:
            yield "inflection", self._whole(Part(0, len(folded), "word", lemma), self._words.folded(lemma))
        parts = decompose(folded, self._words.__contains__, self._affixes, starts_word=piece.starts_word)
        yield "decomposed", tuple(self._part(part) for part in parts)

    def _part(self, part: Part) -> Match:
        if part.role == "word":
            return self._match(part, "lexicon", self._words.folded(part.form))
        spelled = f"{part.form}-" if part.role == "prefix" else f"-{part.form}"
        return self._match(part, "morphemes", self._affix_index.folded(spelled))

    def _whole(self, part: Part, sense_ids: tuple[int, ...]) -> tuple[Match, ...]:
        return (self._match(part, "lexicon", sense_ids),) if sense_ids else ()

    def _uncached_match(self, part: Part, source: Source, sense_ids: tuple[int, ...]) -> Match:
        index = self._words if source == "lexicon" else self._affix_index
        return Match(part.start, part.end, part.role, part.form, source, sense_ids, index.readings(sense_ids))


def _other_rule(piece: Piece, script: str) -> Rule | None:
    """The rule of a piece that stands for no word."""
    if piece.kind in ("control", "unknown", "unused"):
        return "special"
    if piece.kind == "byte":
        return "byte"
    if script == "Common":
        return "digit" if has_digit(piece.surface) else "punctuation"
    return None
