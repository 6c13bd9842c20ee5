"""A tokenizer's vocabulary as one list, whatever wrote it: SentencePiece, `tokenizer.json`, a plain `vocab.json`.

A piece's *surface* is the text that it stands for, without the mark that its tokenizer uses for the start of a
word (`▁`, `Ġ`) or for its continuation (`##`, `</w>`); `starts_word` tells what the mark said.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from google.protobuf.message import DecodeError
from sentencepiece import sentencepiece_model_pb2

from see_kb.errors import FormatError
from see_kb.sources.files import read_bytes, sha256_of

Kind = Literal["normal", "control", "unknown", "byte", "unused", "user_defined"]
Format = Literal["sentencepiece", "tokenizer.json", "vocab.json"]

SPACE = "▁"
"""SentencePiece's sign for a space (U+2581)."""

MAX_PIECES = 4_000_000
"""Pieces that a vocabulary may have, gaps in its numbering included; the largest in use have 262,144."""

_SENTENCEPIECE_KINDS: dict[int, Kind] = {
    1: "normal",
    2: "unknown",
    3: "control",
    4: "user_defined",
    5: "unused",
    6: "byte",
}


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


def read_vocabulary(path: Path) -> Vocabulary:
    """Read a tokenizer file: a SentencePiece model, a `tokenizer.json`, or a JSON object from piece to id.

    Ids that no piece has (padding of the embedding table) become pieces of kind `unused`.

    Raises:
        SeeError: the file cannot be read.
        FormatError: it is no tokenizer, or its ids are not distinct numbers from 0 on.
    """
    data = read_bytes(path)
    if not data:
        raise FormatError(f"{path}: empty; give a SentencePiece model or a tokenizer.json")
    if data.lstrip()[:1] == b"{":
        form, pieces = _from_json(data, path)
    else:
        form, pieces = "sentencepiece", _from_sentencepiece(data, path)
    return Vocabulary(path.name, form, sha256_of(data), pieces)


def sentencepiece_piece(piece_id: int, text: str, kind: Kind) -> Piece:
    """Make a piece from SentencePiece's own spelling, in which `▁` is a space."""
    if kind not in ("normal", "user_defined"):
        return Piece(piece_id, text, text, kind, starts_word=False)
    starts = text.startswith(SPACE) and text.strip(SPACE) != ""
    return Piece(piece_id, text, text[starts:].replace(SPACE, " "), kind, starts)


def _from_sentencepiece(data: bytes, path: Path) -> tuple[Piece, ...]:
    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise FormatError(f"{path}: no SentencePiece model and no JSON; give one of the two") from error
    if not model.pieces:
        raise FormatError(f"{path}: a SentencePiece model without pieces; give a trained one")
    return tuple(
        sentencepiece_piece(piece_id, piece.piece, _SENTENCEPIECE_KINDS[piece.type])
        for piece_id, piece in enumerate(model.pieces)
    )


def _from_json(data: bytes, path: Path) -> tuple[Format, tuple[Piece, ...]]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        place = f"{path}:{error.lineno}" if isinstance(error, json.JSONDecodeError) else f"{path}"
        raise FormatError(f"{place}: damaged JSON ({str(error)[:80]}); get the tokenizer file anew") from error
    if isinstance(content.get("model"), dict):
        return "tokenizer.json", _from_tokenizer_json(content, path)
    if content and all(type(value) is int for value in content.values()):
        return "vocab.json", _from_ids(content, {}, _guessed_reader(content), path)
    raise FormatError(f"{path}: JSON, but no tokenizer; give a tokenizer.json or an object from piece to id")


def _from_tokenizer_json(content: dict[str, Any], path: Path) -> tuple[Piece, ...]:
    model = content["model"]
    vocabulary = model.get("vocab")
    try:
        if isinstance(vocabulary, list):  # Unigram: [piece, score], the id is the place
            ids = {str(entry[0]): place for place, entry in enumerate(vocabulary)}
            unknown = vocabulary[model["unk_id"]][0] if model.get("unk_id") is not None else None
        elif isinstance(vocabulary, dict):
            ids, unknown = vocabulary, model.get("unk_token")
        else:
            raise FormatError(f"{path}: its model has no vocabulary; give the tokenizer.json of a trained tokenizer")
        added: dict[str, tuple[int, Kind]] = {
            token["content"]: (token["id"], "control" if token["special"] else "user_defined")
            for token in content.get("added_tokens") or ()
        }
    except (KeyError, IndexError, TypeError) as error:
        raise FormatError(f"{path}: not laid out like a tokenizer.json ({error!r}); save the tokenizer anew") from error
    if unknown is not None and unknown in ids | added:
        added[unknown] = (added[unknown][0] if unknown in added else ids[unknown], "unknown")
    return _from_ids(ids, added, _json_reader(content), path)


_Reader = Callable[[str], tuple[str, Kind, bool]]
"""A piece's text → its surface, kind, and whether it starts a word."""


def _from_ids(ids: dict[str, int], added: dict[str, tuple[int, Kind]], read: _Reader, path: Path) -> tuple[Piece, ...]:
    places: dict[int, Piece] = {}
    for text, number in ids.items():
        if text not in added:
            _place(places, Piece(number, text, *read(text)), path)
    for text, (number, kind) in added.items():
        _place(places, Piece(number, text, text, kind, starts_word=False), path)
    if not places:
        raise FormatError(f"{path}: a tokenizer without pieces; give a trained one")
    return tuple(
        places.get(number) or Piece(number, f"<unused {number}>", "", "unused", starts_word=False)
        for number in range(max(places) + 1)
    )


def _place(places: dict[int, Piece], piece: Piece, path: Path) -> None:
    number = piece.piece_id
    if type(number) is not int or not 0 <= number < MAX_PIECES:
        raise FormatError(f"{path}: piece {piece.piece!r} has the id {number!r}; ids are 0 to {MAX_PIECES - 1}")
    if number in places:
        raise FormatError(f"{path}: {places[number].piece!r} and {piece.piece!r} share the id {number}; mend one")
    places[number] = piece


def _json_reader(content: dict[str, Any]) -> _Reader:
    """Choose how to read pieces from what the file says of its model, its pre-tokenizer and its decoder."""
    model = content["model"]
    parts = _nested_types(content.get("pre_tokenizer")) | _nested_types(content.get("decoder"))
    if model.get("type") == "WordPiece":
        return _continuation_reader(model.get("continuing_subword_prefix") or "##")
    if "ByteLevel" in parts:
        return _read_byte_level
    if model.get("end_of_word_suffix"):
        return _end_of_word_reader(model["end_of_word_suffix"])
    return _read_spaced


def _nested_types(part: Any) -> set[str]:
    """Collect the types of a component and of those that it is a sequence of."""
    if not isinstance(part, dict):
        return set()
    found = {str(part.get("type"))}
    for inner in (*(part.get("pretokenizers") or ()), *(part.get("decoders") or ())):
        found |= _nested_types(inner)
    return found


def _guessed_reader(ids: dict[str, int]) -> _Reader:
    """A plain vocabulary does not say how it marks words: the mark that most pieces have decides."""
    marks: dict[str, _Reader] = {"Ġ": _read_byte_level, "##": _continuation_reader("##"), SPACE: _read_spaced}
    return marks[max(marks, key=lambda mark: sum(piece.startswith(mark) for piece in ids))]


def _read_spaced(text: str) -> tuple[str, Kind, bool]:
    if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
        return text, "byte", False
    if text in _USUAL_SPECIALS:
        return text, _USUAL_SPECIALS[text], False
    piece = sentencepiece_piece(0, text, "normal")
    return piece.surface, piece.kind, piece.starts_word


_USUAL_SPECIALS: dict[str, Kind] = {
    "<unk>": "unknown",
    "[UNK]": "unknown",
    "<s>": "control",
    "</s>": "control",
    "<pad>": "control",
    "<mask>": "control",
    "[PAD]": "control",
    "[CLS]": "control",
    "[SEP]": "control",
    "[MASK]": "control",
    "<|endoftext|>": "control",
}
"""Special pieces by their usual names, for vocabularies that do not mark them."""


def _continuation_reader(prefix: str) -> _Reader:
    def read(text: str) -> tuple[str, Kind, bool]:
        if text in _USUAL_SPECIALS:
            return text, _USUAL_SPECIALS[text], False
        if text.startswith("[unused") and text.endswith("]"):
            return text, "unused", False
        if text.startswith(prefix) and text != prefix:
            return text[len(prefix) :], "normal", False
        return text, "normal", True

    return read


def _end_of_word_reader(suffix: str) -> _Reader:
    def read(text: str) -> tuple[str, Kind, bool]:
        if text in _USUAL_SPECIALS:
            return text, _USUAL_SPECIALS[text], False
        whole = text.endswith(suffix) and text != suffix
        return (text[: -len(suffix)] if whole else text), "normal", whole

    return read


def _byte_alphabet() -> dict[str, int]:
    """Byte-level BPE's alphabet: printable Latin-1 signs for themselves, the other bytes from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(others)}


_BYTES = _byte_alphabet()


def _read_byte_level(text: str) -> tuple[str, Kind, bool]:
    if text in _USUAL_SPECIALS:
        return text, _USUAL_SPECIALS[text], False
    if any(sign not in _BYTES for sign in text):
        return text, "normal", False
    data = bytes(_BYTES[sign] for sign in text)
    try:
        spelled = data.decode()
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in data), "byte", False
    starts = spelled.startswith(" ") and spelled.strip() != ""
    return spelled[starts:], "normal", starts
