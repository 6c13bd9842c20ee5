"""Tokenizer files into vocabularies: the door, and SentencePiece models."""

import codecs
from dataclasses import replace
from pathlib import Path

from google.protobuf.message import DecodeError
from sentencepiece import sentencepiece_model_pb2

from see_kb.errors import FormatError, SeeError
from see_kb.sources.files import read_bytes, sha256_of
from see_kb.vocabulary.pieces import Kind, Piece, Vocabulary, sentencepiece_piece, unused_piece
from see_kb.vocabulary.tokenizer_json import is_json, read_json

_KINDS: dict[int, Kind] = {
    1: "normal",
    2: "unknown",
    3: "control",
    4: "user_defined",
    5: "unused",
    6: "byte",
}


def read_vocabulary(path: Path, n_pieces: int | None = None) -> Vocabulary:
    """Read a tokenizer file: a SentencePiece model, a `tokenizer.json`, or a JSON object from piece to id.

    Ids that no piece has become pieces of kind `unused`.

    Args:
        path: the file.
        n_pieces: rows of the embedding table, where it has more than the tokenizer has pieces.

    Raises:
        SeeError: the file cannot be read, or has more pieces than that.
        FormatError: it is no tokenizer, or its ids are not distinct numbers from 0 on.
    """
    vocabulary = _read(path)
    found = len(vocabulary.pieces)
    if n_pieces is None or n_pieces == found:
        return vocabulary
    if n_pieces < found:
        raise SeeError(f"{path}: {found} pieces, more than the {n_pieces} asked for; leave the number out")
    return replace(vocabulary, pieces=(*vocabulary.pieces, *map(unused_piece, range(found, n_pieces))))


def _read(path: Path) -> Vocabulary:
    data = read_bytes(path)
    if not data:
        raise FormatError(f"{path}: empty; give a SentencePiece model or a tokenizer.json")
    if is_json(data):
        file_format, pieces = read_json(data.removeprefix(codecs.BOM_UTF8), path)
        return Vocabulary(path.name, file_format, sha256_of(data), pieces)
    return Vocabulary(path.name, "sentencepiece", sha256_of(data), _read_sentencepiece(data, path))


def _read_sentencepiece(data: bytes, path: Path) -> tuple[Piece, ...]:
    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise FormatError(f"{path}: no SentencePiece model and no JSON; give one of the two") from error
    if not model.pieces:
        raise FormatError(f"{path}: a SentencePiece model without pieces; give a trained one")
    suffixed = model.trainer_spec.treat_whitespace_as_suffix
    pieces = []
    for piece_id, piece in enumerate(model.pieces):
        if not isinstance(piece.piece, str):  # protobuf gives the bytes of a text that is not UTF-8
            raise FormatError(f"{path}: piece {piece_id} is not UTF-8 ({piece.piece!r}); get the model anew")
        pieces.append(sentencepiece_piece(piece_id, piece.piece, _KINDS[piece.type], suffixed=suffixed))
    return tuple(pieces)
