"""From words to senses, many at once, by the same rules as pieces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from see_kb.alignment.align import Aligner, Alignment, Match, Rule
from see_kb.errors import SeeError
from see_kb.lexicon import Lexicon, Sense
from see_kb.sources.files import has_half_character
from see_kb.vocabulary.pieces import Piece


@dataclass(frozen=True)
class FoundPart:
    """A part of the word, the dictionary form that it stands for, and that form's senses."""

    text: str
    form: str
    role: str
    senses: tuple[Sense, ...]


@dataclass(frozen=True)
class Found:
    """A word as it was asked for, the rule that found it, and its parts (none if nothing was found)."""

    word: str
    rule: Rule
    parts: tuple[FoundPart, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the answer as plain dicts and lists, for JSON."""
        return {
            "word": self.word,
            "rule": self.rule,
            "parts": [
                {
                    "text": part.text,
                    "form": part.form,
                    "role": part.role,
                    "senses": [_sense_dict(sense) for sense in part.senses],
                }
                for part in self.parts
            ],
        }


def look_up(words: Sequence[str], lexicon: Lexicon, morphemes: Lexicon) -> list[Found]:
    """Find the senses of each word (any language of the dictionary), in the order asked for.

    Raises:
        SeeError: a word is no text (its bytes are not in the terminal's encoding).
    """
    for word in words:
        if has_half_character(word):
            raise SeeError(f"the word {word!a} is no text; write it in UTF-8")
    pieces = [Piece(number, word, word.strip(), "normal", starts_word=True) for number, word in enumerate(words)]
    sources = {"lexicon": lexicon, "morphemes": morphemes}
    return [_found(alignment, sources) for alignment in Aligner(lexicon, morphemes).align(pieces)]


def _found(alignment: Alignment, sources: dict[str, Lexicon]) -> Found:
    parts = tuple(_part(alignment, match, sources[match.source]) for match in alignment.matches)
    return Found(alignment.piece.piece, alignment.rule, parts)


def _part(alignment: Alignment, match: Match, source: Lexicon) -> FoundPart:
    text = alignment.folded[match.start : match.end]
    return FoundPart(text, match.form, match.role, tuple(source.senses[sense_id] for sense_id in match.sense_ids))


def _sense_dict(sense: Sense) -> dict[str, Any]:
    names = ("number", "en_word", "en_pos", "zh_word", "zh_pos", "definition")
    return {**{name: getattr(sense, name) for name in names}, "sememes": list(sense.sememes)}
