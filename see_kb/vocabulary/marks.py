"""How tokenizers mark where words begin and end, and what their pieces stand for without these marks.

| mark | where | from |
|---|---|---|
| `▁`, `Ġ` | before a word | SentencePiece, byte-level BPE |
| `##` | before what continues a word | WordPiece |
| `@@` | behind what a word goes on after | subword-nmt |
| `</w>` | behind a word | BPE's first form, CLIP |
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from see_kb.errors import FormatError
from see_kb.vocabulary.pieces import SPACE, Kind, Spelling, sentencepiece_piece

Reader = Callable[[str], Spelling]
"""A piece's text → what it stands for, and where in a word."""

_END_OF_WORD = "</w>"
_CONTINUED = "@@"
_CONTINUES = "##"


def reader_of_tokenizer(content: Mapping[str, Any], pieces: Sequence[str]) -> Reader:
    """Choose how to read pieces from what a `tokenizer.json` says of its model, its pre-tokenizer and its decoder.

    Raises:
        FormatError: a mark is no text.
    """
    model = content["model"]
    parts = _nested_types(content.get("pre_tokenizer")) | _nested_types(content.get("decoder"))
    model_type = model.get("type") or _untyped(model)
    prefix, suffix = text_at(model, "continuing_subword_prefix"), text_at(model, "end_of_word_suffix")
    spell = _read_byte_level if "ByteLevel" in parts else _read_plain
    if model_type == "WordPiece" or (model_type == "BPE" and prefix):
        return _continuation_reader(prefix or _CONTINUES, spell)
    if model_type == "BPE" and suffix:
        return _end_of_word_reader(suffix, spell)
    if "ByteLevel" in parts:
        return _read_byte_level
    if model_type == "WordLevel" and "Metaspace" not in parts:
        return _read_word
    return _read_spaced if "Metaspace" in parts or _counts(pieces)[SPACE] else _read_unmarked


def reader_of_vocabulary(pieces: Sequence[str] | Mapping[str, int]) -> Reader:
    """Choose how to read the pieces of a plain vocabulary: the mark that most of them have decides, first `▁`."""
    counts = _counts(pieces)
    mark = max(counts, key=lambda mark: counts[mark])
    if not counts[mark]:
        return _read_spaced if SPACE in pieces else _read_unmarked
    if mark == _END_OF_WORD:
        byte_level = all(sign in _BYTES for piece in pieces for sign in piece.removesuffix(mark))
        return _end_of_word_reader(mark, _read_byte_level if byte_level else _read_plain)
    return {
        SPACE: _read_spaced,
        "Ġ": _read_byte_level,
        _CONTINUES: _continuation_reader(_CONTINUES, _read_plain),
        _CONTINUED: _read_continued,
    }[mark]


def _counts(pieces: Sequence[str] | Mapping[str, int]) -> dict[str, int]:
    """How many pieces have each mark, and more than its signs."""
    counts = {
        mark: sum(piece.startswith(mark) and piece.strip(mark) != "" for piece in pieces)
        for mark in (SPACE, "Ġ", _CONTINUES)
    }
    for mark in (_END_OF_WORD, _CONTINUED):
        counts[mark] = sum(piece.endswith(mark) and piece.removesuffix(mark).strip(mark) != "" for piece in pieces)
    return counts


def text_at(part: Mapping[str, Any], name: str) -> str | None:
    """Take a text from a part of a `tokenizer.json`; None where there is none.

    Raises:
        FormatError: it is something else.
    """
    value = part.get(name)
    if value is not None and not isinstance(value, str):
        raise FormatError(f"{name} is {value!r}, no text; save the tokenizer anew")
    return value


def _untyped(model: Mapping[str, Any]) -> str:
    """The type of a model that does not name it, as in files of early releases."""
    if isinstance(model.get("vocab"), list):
        return "Unigram"
    if "merges" in model:
        return "BPE"
    return "WordPiece" if "max_input_chars_per_word" in model else "WordLevel"


def _nested_types(part: Any) -> set[str]:
    """Collect the types of a component and of those that it is a sequence of."""
    if not isinstance(part, dict):
        return set()
    found = {str(part.get("type"))}
    for name in ("pretokenizers", "decoders"):
        inner = part.get(name)
        found = found.union(*map(_nested_types, inner if isinstance(inner, list) else ()))
    return found


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


def _read_spaced(text: str) -> Spelling:
    if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
        return Spelling(text, "byte")
    if text in _USUAL_SPECIALS:
        return Spelling(text, _USUAL_SPECIALS[text])
    piece = sentencepiece_piece(0, text, "normal")
    return Spelling(piece.surface, piece.kind, piece.starts_word)


def _read_plain(text: str) -> Spelling:
    return Spelling(text, _USUAL_SPECIALS.get(text, "normal"))


def _read_word(text: str) -> Spelling:
    surface, kind, *_ = _read_plain(text)
    return Spelling(surface, kind, kind == "normal")


def _read_unmarked(text: str) -> Spelling:
    surface, kind, *_ = _read_spaced(text)
    normal = kind == "normal" and text != SPACE
    return Spelling(surface, kind, normal, unmarked=normal)


def _continuation_reader(prefix: str, spell: Reader) -> Reader:
    """Read pieces that a mark tells apart from those that begin a word; `spell` reads what the mark leaves."""

    def read(text: str) -> Spelling:
        if text.startswith("[unused") and text.endswith("]"):
            return Spelling(text, "unused")
        continues = text.startswith(prefix) and text != prefix
        surface, kind, *_ = spell(text[len(prefix) :] if continues else text)
        return Spelling(surface, kind, kind == "normal" and not continues)

    return read


def _end_of_word_reader(suffix: str, spell: Reader) -> Reader:
    """Read pieces with a mark where a word ends; `spell` reads what the mark leaves."""

    def read(text: str) -> Spelling:
        ends = text.endswith(suffix) and text != suffix
        surface, kind, *_ = spell(text.removesuffix(suffix) if ends else text)
        normal = kind == "normal" and text != suffix
        return Spelling(surface, kind, normal, ends, unmarked=normal)

    return read


def _read_continued(text: str) -> Spelling:
    """Read a piece with a mark where its word goes on: one without it ends a word."""
    goes_on = text.endswith(_CONTINUED) and text != _CONTINUED
    surface, kind, *_ = _read_plain(text.removesuffix(_CONTINUED) if goes_on else text)
    normal = kind == "normal" and text != _CONTINUED
    return Spelling(surface, kind, normal, normal and not goes_on, unmarked=normal)


def _byte_alphabet() -> dict[str, int]:
    """Byte-level BPE's alphabet: printable Latin-1 signs for themselves, the other bytes from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(others)}


_BYTES = _byte_alphabet()


def _read_byte_level(text: str) -> Spelling:
    if text in _USUAL_SPECIALS:
        return Spelling(text, _USUAL_SPECIALS[text])
    if any(sign not in _BYTES for sign in text):
        return Spelling(text, "normal")
    data = bytes(_BYTES[sign] for sign in text)
    try:
        spelled = data.decode()
    except UnicodeDecodeError:
        return Spelling("".join(f"<0x{byte:02X}>" for byte in data), "byte")
    starts = spelled.startswith(" ") and spelled.strip() != ""
    return Spelling(spelled[starts:], "normal", starts)
