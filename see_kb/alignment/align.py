"""What a piece means: the dictionary words behind it, and the rule that found them.

The rules are tried in the order of `RULES`, except that a piece inside a word that spells a suffix (`less`, `ate`) is
that suffix; where nothing marks words' beginnings, listed words come before suffixes of three letters or more.
`special`, `byte`, `digit` and `punctuation` pieces stand for no word and are counted apart.

| rule | example |
|---|---|
| `exact` | `▁doctor`: the dictionary lists it as it is spelled |
| `normalised` | `▁DOCTOR`, `醫生`, `▁cafe`, `▁centralised`: it lists another spelling; the match names the steps |
| `inflection` | `▁doctors`, `▁went`, `▁don't`: it lists the base form |
| `morpheme` | `ness`, `▁cardio`, `ject`, `椅`: an affix, a root or a character of the table of morphemes |
| `decomposed` | `▁unhappiness`, `▁firetruck`, `火车站`: parts that are listed cover all of it |
| `fragment` | `▁practition`: a word cut short |
| `radical` | `鲃`: a rare Chinese character, by its radical (fish) |
| `none` | nothing was found |
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Literal, get_args

import regex

from see_kb.alignment.chinese import cover
from see_kb.alignment.english import english_lemma, spelling_variants
from see_kb.alignment.fragments import Fragments
from see_kb.alignment.morfessor_model import Splitter
from see_kb.alignment.normalise import Folded, fold_all
from see_kb.alignment.radicals import radical_of
from see_kb.alignment.segment import Affixes, Part, Role, Segmenter
from see_kb.alignment.words import Reading, WordIndex
from see_kb.lexicon import Lexicon, Sense
from see_kb.vocabulary.pieces import Piece
from see_kb.vocabulary.scripts import has_digit, script_of

WordRule = Literal["exact", "normalised", "inflection", "morpheme", "decomposed", "fragment", "radical", "none"]
OtherRule = Literal["special", "byte", "digit", "punctuation"]
Rule = WordRule | OtherRule
Source = Literal["lexicon", "morphemes"]

WORD_RULES: tuple[Rule, ...] = get_args(WordRule)
OTHER_RULES: tuple[Rule, ...] = get_args(OtherRule)
RULES = WORD_RULES + OTHER_RULES

MIN_INFLECTED_INSIDE = 5
"""Letters from which on an inflected form is believed inside a longer word: `gan` is no form of `gin` there."""

MIN_BELIEVED = 4
"""Letters from which on a stem is believed with any affix: `clay+ish`, but not `jim+y`."""

MIN_WORD = 3
"""Letters from which on what may be a suffix is rather a word, where nothing tells: `man`, but not `ed`."""

_ENGLISH = regex.compile(r"[a-z]+")
_HAN = regex.compile(r"\p{Script=Han}+")
_SPELLINGS = {"prefix": "{}-", "suffix": "-{}", "root": "{}", "character": "{}", "radical": "{}"}
"""How the table of morphemes spells each role."""


@dataclass(frozen=True, slots=True)
class Match:
    """A stretch of a piece's folded surface and the dictionary word (or morpheme) that it stands for.

    `sense_ids` are rows of the dictionary, or of the table of morphemes where `source` is `morphemes`; `readings`
    are their distinct meanings, the one of most senses first, then in the order of the dictionary. `steps` are the
    normalisations by which the stretch became the listed word.
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


class Aligner:
    """Aligns pieces with one dictionary (or several in one) and one table of morphemes."""

    def __init__(self, lexicon: Lexicon, morphemes: Lexicon, splitter: Splitter | None = None) -> None:
        """Take the two, and a function that splits words that are neither English nor Chinese into morphs."""
        self._splitter = splitter
        self._words = WordIndex(lexicon)
        self._morphemes = WordIndex(morphemes)
        listed = self._morphemes.words()
        self._affixes = Affixes(
            prefixes=frozenset(word[:-1] for word in listed if word.endswith("-")),
            suffixes=frozenset(word[1:] for word in listed if word.startswith("-")),
            roots=_english(morphemes, lambda sense: sense.en_pos == "root"),
            bound_prefixes=frozenset(
                word[:-1] for word in _english(morphemes, lambda sense: sense.en_grammar == "root")
            ),
        )
        self._characters = frozenset(
            sense.zh_word for sense in morphemes.senses if _HAN.fullmatch(sense.zh_word) and sense.zh_pos != "radical"
        )
        self._radicals = frozenset(sense.zh_word for sense in morphemes.senses if sense.zh_pos == "radical")
        self.segmenter = Segmenter(self._words.stems(), self._affixes, heads=self._words.heads())
        self._fragments = Fragments(self._words.words(), lambda word: tuple(self._words.sememes(word)))
        self._match = lru_cache(maxsize=None)(self._uncached_match)

    def align(self, pieces: Sequence[Piece]) -> list[Alignment]:
        """Align pieces, in their order."""
        folded = fold_all(piece.surface for piece in pieces)
        return [self._align(piece, text) for piece, text in zip(pieces, folded, strict=True)]

    def _align(self, piece: Piece, folded: Folded) -> Alignment:
        script = script_of(piece.surface) if piece.kind in ("normal", "user_defined") else "Common"
        if (other := _other_rule(piece, script)) is not None:
            return Alignment(piece, other, script, folded.text)
        for rule, matches in self._attempts(piece, folded):
            if matches:
                return Alignment(piece, rule, script, folded.text, matches)
        return Alignment(piece, "none", script, folded.text)

    def _attempts(self, piece: Piece, folded: Folded) -> Iterator[tuple[Rule, tuple[Match, ...]]]:
        text, steps = folded.text, folded.steps
        is_suffix = text in self._affixes.suffixes and script_of(text) == "Latin"
        if is_suffix and (not piece.starts_word or (piece.unmarked and len(text) < MIN_WORD)):
            yield "morpheme", (self._part(Part(0, len(text), "suffix", text), steps),)
            return
        yield "exact", self._whole(text, text, self._words.exact(piece.surface), ())
        yield "normalised", self._listed(text, text, steps)
        if (plain := self._words.without_accents(text)) is not None:
            yield "normalised", self._listed(text, plain, (*steps, "accents"))
        yield from self._other_forms(piece, folded)
        if is_suffix and piece.unmarked:
            yield "morpheme", (self._part(Part(0, len(text), "suffix", text), steps),)
        yield "morpheme", self._alone(piece, folded)
        yield "decomposed", tuple(self._part(part, steps) for part in self._decompose(piece, text))
        if (word := self._fragments.find(text, starts_word=piece.starts_word and not piece.ends_word)) is not None:
            yield "fragment", self._listed(text, word, steps, role="fragment")
        radical = radical_of(text)
        if radical is not None and radical in self._radicals:
            yield "radical", (self._part(Part(0, 1, "radical", radical), steps),)

    def _other_forms(self, piece: Piece, folded: Folded) -> Iterator[tuple[Rule, tuple[Match, ...]]]:
        """The base form of an inflected word, and the other spelling of either."""
        text, steps = folded.text, folded.steps
        believed = piece.starts_word or len(text) >= MIN_INFLECTED_INSIDE
        lemma = english_lemma(text) if believed else None
        if lemma is not None:
            yield "inflection", self._listed(text, lemma, steps)
        forms: tuple[tuple[Rule, str], ...] = (("normalised", text), ("inflection", lemma or ""))
        for rule, form in forms if believed else ():
            for variant in spelling_variants(form):
                yield rule, self._listed(text, variant, (*steps, "spelling"))

    def _alone(self, piece: Piece, folded: Folded) -> tuple[Match, ...]:
        """The morpheme that a piece is."""
        text = folded.text
        roles: tuple[tuple[Role, bool], ...] = (
            ("prefix", piece.starts_word and text in self._affixes.prefixes),
            ("root", text in self._affixes.roots),
            ("character", text in self._characters),
        )
        role = next((role for role, fits in roles if fits), None)
        return (self._part(Part(0, len(text), role, text), folded.steps),) if role else ()

    def _decompose(self, piece: Piece, text: str) -> tuple[Part, ...]:
        if _ENGLISH.fullmatch(text):
            for starts_word in (True, False) if piece.unmarked else (piece.starts_word,):
                parts = self.segmenter.segment(text, starts_word=starts_word)
                if len(parts) > 1 and self._believed(parts, starts_word=starts_word):
                    return parts
            return ()
        if _HAN.fullmatch(text):
            return cover(text, self._words.__contains__, self._characters)
        return self._morphs(text) if self._splitter and text.isalpha() else ()

    def _morphs(self, text: str) -> tuple[Part, ...]:
        """The morphs of a word of another language, if the dictionary lists all of them."""
        morphs = self._splitter(text) if self._splitter else ()
        ends = [*accumulate(map(len, morphs))]
        if len(morphs) < 2 or not all(morph in self._words for morph in morphs):
            return ()
        return tuple(Part(end - len(morph), end, "word", morph) for morph, end in zip(morphs, ends, strict=True))

    def _believed(self, parts: Sequence[Part], *, starts_word: bool) -> bool:
        """Tell whether a split is more than chance: a stem of four letters, or a long or productive affix."""
        stems = [part.end - part.start for part in parts if part.role in ("word", "root")]
        if not stems or max(stems) >= MIN_BELIEVED:
            return True
        affixes = [part.form for part in parts if part.role in ("prefix", "suffix")]
        return starts_word and any(
            len(form) >= MIN_BELIEVED or (len(form) > 1 and self.segmenter.is_productive(form)) for form in affixes
        )

    def _part(self, part: Part, steps: tuple[str, ...]) -> Match:
        if part.role == "word":
            return self._match(part, "lexicon", self._words.folded(part.form), self._all_steps(part.form, steps))
        spelled = _SPELLINGS[part.role].format(part.form)
        # A radical is no word: its traditional form is not to be read as the simplified character.
        found = self._morphemes.exact(spelled) if part.role == "radical" else self._morphemes.folded(spelled)
        return self._match(part, "morphemes", found, steps)

    def _listed(self, text: str, form: str, steps: tuple[str, ...], role: Role = "word") -> tuple[Match, ...]:
        """The match of a whole piece with a folded word, if that is listed."""
        return self._whole(text, form, self._words.folded(form), self._all_steps(form, steps), role)

    def _all_steps(self, form: str, steps: tuple[str, ...]) -> tuple[str, ...]:
        """The steps that changed a piece, and those that changed the dictionary's spelling."""
        return (*steps, *(step for step in self._words.steps(form) if step not in steps))

    def _whole(
        self, text: str, form: str, sense_ids: tuple[int, ...], steps: tuple[str, ...], role: Role = "word"
    ) -> tuple[Match, ...]:
        return (self._match(Part(0, len(text), role, form), "lexicon", sense_ids, steps),) if sense_ids else ()

    def _uncached_match(self, part: Part, source: Source, sense_ids: tuple[int, ...], steps: tuple[str, ...]) -> Match:
        index = self._words if source == "lexicon" else self._morphemes
        readings = index.readings(sense_ids)
        return Match(part.start, part.end, part.role, part.form, source, sense_ids, readings, steps)


def _english(morphemes: Lexicon, fits: Callable[[Sense], bool]) -> frozenset[str]:
    """The English words of the morphemes that fit."""
    return frozenset(sense.en_word.casefold() for sense in morphemes.senses if fits(sense))


def _other_rule(piece: Piece, script: str) -> Rule | None:
    """The rule of a piece that stands for no word."""
    if piece.kind in ("control", "unknown", "unused"):
        return "special"
    if piece.kind == "byte":
        return "byte"
    if script == "Common":
        return "digit" if has_digit(piece.surface) else "punctuation"
    return None
