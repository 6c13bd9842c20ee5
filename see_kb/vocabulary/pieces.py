"""A tokenizer's vocabulary as one list, whatever wrote it: SentencePiece, `tokenizer.json`, a plain `vocab.json`.

A piece's *surface* is the text that it stands for, without the mark that its tokenizer uses for the start of a
word (`▁`, `Ġ`) for its continuation (`##`) or for its end (`</w>`); `starts_word` tells whether the piece may
begin a word.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["normal", "control", "unknown", "byte", "unused", "user_defined"]
Format = Literal["sentencepiece", "tokenizer.json", "vocab.json"]

SPACE = "▁"
"""SentencePiece's sign for a space (U+2581)."""

MAX_PIECES = 4_000_000
"""Pieces that a vocabulary may have, gaps in its numbering included; the largest in use have 262,144."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An entry of a vocabulary. `piece_id` is its row in the embedding table, `piece` its text in the tokenizer."""

    piece_id: int
    piece: str
    surface: str
    kind: Kind
    starts_word: bool


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


def sentencepiece_piece(piece_id: int, text: str, kind: Kind) -> Piece:
    """Make a piece from SentencePiece's own spelling, in which `▁` is a space."""
    if kind not in ("normal", "user_defined"):
        return Piece(piece_id, text, text, kind, starts_word=False)
    starts = text.startswith(SPACE) and text.strip(SPACE) != ""
    return Piece(piece_id, text, text[starts:].replace(SPACE, " "), kind, starts)
