"""A tokenizer's vocabulary as one list, whatever wrote it: SentencePiece, `tokenizer.json`, a plain `vocab.json`.

A piece's *surface* is the text that it stands for, without the mark that its tokenizer uses for the start of a
word (`▁`, `Ġ`), for its continuation (`##`, `@@`) or for its end (`</w>`).
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["normal", "control", "unknown", "byte", "unused", "user_defined"]
Format = Literal["sentencepiece", "tokenizer.json", "vocab.json"]

SPACE = "▁"
"""SentencePiece's sign for a space (U+2581)."""

MAX_PIECES = 4_000_000
"""Pieces that a vocabulary may have, gaps in its numbering included; the largest in use have 262,144."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An entry of a vocabulary. `piece_id` is its row in the embedding table, `piece` its text in the tokenizer.

    `starts_word` tells whether it may begin a word, `ends_word` whether a mark says that it ends one, and `unmarked`
    that it may stand at a word's beginning as well as inside, since its tokenizer does not mark where words begin.
    """

    piece_id: int
    piece: str
    surface: str
    kind: Kind
    starts_word: bool
    ends_word: bool = False
    unmarked: bool = False


class Spelling(NamedTuple):
    """What a piece's text in its tokenizer says: see `Piece`."""

    surface: str
    kind: Kind
    starts_word: bool = False
    ends_word: bool = False
    unmarked: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """All pieces of a tokenizer; the piece at place i has the id i."""

    name: str
    format: Format
    sha256: str
    pieces: tuple[Piece, ...]


def unused_piece(piece_id: int) -> Piece:
    """The piece of an id that a tokenizer leaves out: padding of the embedding table."""
    return Piece(piece_id, f"<unused {piece_id}>", "", "unused", starts_word=False)


def sentencepiece_piece(piece_id: int, text: str, kind: Kind, *, suffixed: bool = False) -> Piece:
    """Make a piece from SentencePiece's own spelling, in which `▁` is a space.

    Args:
        piece_id: its number.
        text: the spelling.
        kind: its kind.
        suffixed: whether the model puts spaces behind words (`treat_whitespace_as_suffix`) and not before them.
    """
    if kind not in ("normal", "user_defined"):
        return Piece(piece_id, text, text, kind, starts_word=False)
    if suffixed:
        ends = text.endswith(SPACE) and text.strip(SPACE) != ""
        surface = text[: len(text) - ends].replace(SPACE, " ")
        return Piece(piece_id, text, surface, kind, starts_word=text != SPACE, ends_word=ends, unmarked=text != SPACE)
    starts = text.startswith(SPACE) and text.strip(SPACE) != ""
    return Piece(piece_id, text, text[starts:].replace(SPACE, " "), kind, starts)
