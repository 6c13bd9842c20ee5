"""Vocabularies in JSON: Hugging Face's `tokenizer.json`, and a plain object from piece to id.

Each value is checked where it is taken: files by hand and by other programs hold everything.
"""

import codecs
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from see_kb.errors import FormatError
from see_kb.sources.files import has_half_character
from see_kb.vocabulary.marks import Reader, reader_of_tokenizer, reader_of_vocabulary, text_at
from see_kb.vocabulary.pieces import MAX_PIECES, Format, Kind, Piece, Spelling, unused_piece


def is_json(data: bytes) -> bool:
    """Whether a tokenizer file is JSON and no SentencePiece model, whatever its name."""
    return data.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"{"


def read_json(data: bytes, path: Path) -> tuple[Format, tuple[Piece, ...]]:
    """Read the pieces of a `tokenizer.json` or of a plain vocabulary, in the order of their ids.

    Raises:
        FormatError: the JSON is damaged, is no tokenizer, or its ids are not distinct numbers from 0 on.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        place = f"{path}:{error.lineno}" if isinstance(error, json.JSONDecodeError) else f"{path}"
        raise FormatError(f"{place}: damaged JSON ({str(error)[:80]}); get the tokenizer file anew") from error
    try:
        if isinstance(content.get("model"), dict):
            return "tokenizer.json", _from_tokenizer(content)
        if content and all(type(value) is int for value in content.values()):
            return "vocab.json", _placed(content.items(), {}, reader_of_vocabulary(content))
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    raise FormatError(f"{path}: JSON, but no tokenizer; give a tokenizer.json or an object from piece to id")


def _from_tokenizer(content: dict[str, Any]) -> tuple[Piece, ...]:
    ids, unknown = _model_ids(content["model"])
    added = _added_tokens(content.get("added_tokens"))
    known = dict(ids)
    if unknown is not None and unknown in known | added:
        added[unknown] = (added[unknown][0] if unknown in added else known[unknown], "unknown")
    return _placed(ids, added, reader_of_tokenizer(content, tuple(known)))


def _model_ids(model: dict[str, Any]) -> tuple[Iterable[tuple[str, Any]], str | None]:
    """The pieces with their ids, and the unknown piece."""
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, dict):
        return vocabulary.items(), text_at(model, "unk_token")
    if not isinstance(vocabulary, list):
        raise FormatError("its model has no vocabulary; give the tokenizer.json of a trained tokenizer")
    texts = []  # Unigram: [piece, score], the id is the place
    for place, entry in enumerate(vocabulary):
        if not isinstance(entry, list) or not entry or not isinstance(entry[0], str):
            raise FormatError(f"entry {place} of the vocabulary is no [piece, score]; save the tokenizer anew")
        texts.append((entry[0], place))
    unknown = model.get("unk_id")
    if unknown is None:
        return texts, None
    if type(unknown) is not int or not 0 <= unknown < len(texts):
        raise FormatError(f"not laid out like a tokenizer.json (unk_id is {unknown!r}); save the tokenizer anew")
    return texts, texts[unknown][0]


def _added_tokens(tokens: Any) -> dict[str, tuple[Any, Kind]]:
    if tokens is not None and not isinstance(tokens, list):
        raise FormatError("not laid out like a tokenizer.json (added_tokens is no list); save the tokenizer anew")
    added: dict[str, tuple[Any, Kind]] = {}
    for token in tokens or ():
        if not isinstance(token, dict) or not isinstance(token.get("content"), str) or "id" not in token:
            raise FormatError("not laid out like a tokenizer.json (an added token lacks content or id); save it anew")
        added[token["content"]] = (token["id"], "control" if token.get("special") is True else "user_defined")
    return added


def _placed(ids: Iterable[tuple[str, Any]], added: dict[str, tuple[Any, Kind]], read: Reader) -> tuple[Piece, ...]:
    places: dict[int, Piece] = {}
    for text, number in ids:
        if text not in added:
            _place(places, number, text, read(text))
    for text, (number, kind) in added.items():
        _place(places, number, text, Spelling(text, kind))
    if not places:
        raise FormatError("a tokenizer without pieces; give a trained one")
    return tuple(places.get(number) or unused_piece(number) for number in range(max(places) + 1))


def _place(places: dict[int, Piece], number: Any, text: str, spelling: Spelling) -> None:
    if type(number) is not int or not 0 <= number < MAX_PIECES:
        raise FormatError(f"piece {text!a} has the id {number!a}; ids are numbers from 0 to {MAX_PIECES - 1}")
    if number in places:
        raise FormatError(f"{places[number].piece!a} and {text!a} share the id {number}; mend one")
    if has_half_character(text):
        raise FormatError(f"piece {text!a} holds half a character; save the tokenizer anew")
    places[number] = Piece(number, text, *spelling)
