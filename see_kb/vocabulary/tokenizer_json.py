"""Vocabularies in JSON: Hugging Face's `tokenizer.json`, and a plain object from piece to id.

Each value is checked where it is taken: files by hand and by other programs hold everything.
"""

import codecs
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from see_kb.errors import FormatError
from see_kb.sources.files import has_half_character
from see_kb.vocabulary.pieces import MAX_PIECES, SPACE, Format, Kind, Piece, sentencepiece_piece, unused_piece

_Reader = Callable[[str], tuple[str, Kind, bool]]
"""A piece's text → its surface, kind, and whether it starts a word."""


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
            return "vocab.json", _placed(content.items(), {}, _guessed_reader(content))
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    raise FormatError(f"{path}: JSON, but no tokenizer; give a tokenizer.json or an object from piece to id")


def _from_tokenizer(content: dict[str, Any]) -> tuple[Piece, ...]:
    ids, unknown = _model_ids(content["model"])
    added = _added_tokens(content.get("added_tokens"))
    known = dict(ids)
    if unknown is not None and unknown in known | added:
        added[unknown] = (added[unknown][0] if unknown in added else known[unknown], "unknown")
    return _placed(ids, added, _json_reader(content))


def _model_ids(model: dict[str, Any]) -> tuple[Iterable[tuple[str, Any]], str | None]:
    """The pieces with their ids, and the unknown piece."""
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, dict):
        return vocabulary.items(), _text(model, "unk_token")
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


def _text(part: dict[str, Any], name: str) -> str | None:
    value = part.get(name)
    if value is not None and not isinstance(value, str):
        raise FormatError(f"{name} is {value!r}, no text; save the tokenizer anew")
    return value


def _placed(ids: Iterable[tuple[str, Any]], added: dict[str, tuple[Any, Kind]], read: _Reader) -> tuple[Piece, ...]:
    places: dict[int, Piece] = {}
    for text, number in ids:
        if text not in added:
            _place(places, number, text, *read(text))
    for text, (number, kind) in added.items():
        _place(places, number, text, text, kind, starts_word=False)
    if not places:
        raise FormatError("a tokenizer without pieces; give a trained one")
    return tuple(places.get(number) or unused_piece(number) for number in range(max(places) + 1))


def _place(places: dict[int, Piece], number: Any, text: str, surface: str, kind: Kind, starts_word: bool) -> None:
    if type(number) is not int or not 0 <= number < MAX_PIECES:
        raise FormatError(f"piece {text!a} has the id {number!a}; ids are numbers from 0 to {MAX_PIECES - 1}")
    if number in places:
        raise FormatError(f"{places[number].piece!a} and {text!a} share the id {number}; mend one")
    if has_half_character(text):
        raise FormatError(f"piece {text!a} holds half a character; save the tokenizer anew")
    places[number] = Piece(number, text, surface, kind, starts_word)


def _json_reader(content: dict[str, Any]) -> _Reader:
    """Choose how to read pieces from what the file says of its model, its pre-tokenizer and its decoder."""
    model = content["model"]
    parts = _nested_types(content.get("pre_tokenizer")) | _nested_types(content.get("decoder"))
    model_type = model.get("type") or _untyped(model)
    prefix, suffix = _text(model, "continuing_subword_prefix"), _text(model, "end_of_word_suffix")
    spell = _read_byte_level if "ByteLevel" in parts else _read_plain
    if model_type == "WordPiece" or (model_type == "BPE" and prefix):
        return _continuation_reader(prefix or "##", spell)
    if model_type == "BPE" and suffix:
        return _end_of_word_reader(suffix, spell)
    if "ByteLevel" in parts:
        return _read_byte_level
    return _read_word if model_type == "WordLevel" and "Metaspace" not in parts else _read_spaced


def _untyped(model: dict[str, Any]) -> str:
    """The type of a model that does not name it, as in files of early releases."""
    if isinstance(model.get("vocab"), list):
        return "Unigram"
    if "merges" in model:
        return "BPE"
    return "WordPiece" if "max_input_chars_per_word" in model else "WordLevel"


_END_OF_WORD = "</w>"
"""The usual mark of a word's end, in vocabularies that do not tell theirs."""


def _nested_types(part: Any) -> set[str]:
    """Collect the types of a component and of those that it is a sequence of."""
    if not isinstance(part, dict):
        return set()
    found = {str(part.get("type"))}
    for name in ("pretokenizers", "decoders"):
        inner = part.get(name)
        found = found.union(*map(_nested_types, inner if isinstance(inner, list) else ()))
    return found


def _guessed_reader(ids: dict[str, int]) -> _Reader:
    """A plain vocabulary does not say how it marks words: the mark that most pieces have decides, first `▁`."""
    counts = {mark: sum(piece.startswith(mark) for piece in ids) for mark in (SPACE, "Ġ", "##")}
    counts[_END_OF_WORD] = sum(piece.endswith(_END_OF_WORD) for piece in ids)
    mark = max(counts, key=lambda mark: counts[mark])
    if mark == _END_OF_WORD:
        byte_level = all(sign in _BYTES for piece in ids for sign in piece.removesuffix(mark))
        return _end_of_word_reader(mark, _read_byte_level if byte_level else _read_plain)
    return {SPACE: _read_spaced, "Ġ": _read_byte_level, "##": _continuation_reader("##", _read_plain)}[mark]


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


def _read_plain(text: str) -> tuple[str, Kind, bool]:
    if text in _USUAL_SPECIALS:
        return text, _USUAL_SPECIALS[text], False
    return text, "normal", False


def _read_word(text: str) -> tuple[str, Kind, bool]:
    surface, kind, _ = _read_plain(text)
    return surface, kind, kind == "normal"


def _continuation_reader(prefix: str, spell: _Reader) -> _Reader:
    """Read pieces that a mark tells apart from those that begin a word; `spell` reads what the mark leaves."""

    def read(text: str) -> tuple[str, Kind, bool]:
        if text.startswith("[unused") and text.endswith("]"):
            return text, "unused", False
        continues = text.startswith(prefix) and text != prefix
        surface, kind, _ = spell(text[len(prefix) :] if continues else text)
        return surface, kind, kind == "normal" and not continues

    return read


def _end_of_word_reader(suffix: str, spell: _Reader) -> _Reader:
    """Read pieces with a mark where a word ends; `spell` reads what the mark leaves."""

    def read(text: str) -> tuple[str, Kind, bool]:
        ends = text.endswith(suffix) and text != suffix
        surface, kind, _ = spell(text.removesuffix(suffix) if ends else text)
        # The mark tells where a word ends, not where it starts; a piece without it can only be before its end.
        return surface, kind, kind == "normal" and not ends and text != suffix

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
