"""Texts to pieces by the tokenizer's own library."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from see_kb.errors import FormatError, SeeError

Encode = Callable[[Sequence[str]], Sequence[Sequence[int]]]


def read_encoder(tokenizer: Path, *, special: bool) -> Encode:
    """Read a tokenizer that cuts texts into pieces.

    Args:
        tokenizer: a `tokenizer.json` (extra `hf`) if its name ends in `.json`, else a SentencePiece model.
        special: whether a `tokenizer.json` puts its own pieces around a text.
    Raises:
        SeeError: the package that reads it is not installed.
        FormatError: that package refuses it.
    """
    return _read_json(tokenizer, special) if tokenizer.suffix == ".json" else _read_sentencepiece(tokenizer)


def _read_sentencepiece(path: Path) -> Encode:
    try:
        model = SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise FormatError(f"{path}: no SentencePiece model ({str(error)[:100]}); get the tokenizer anew") from error
    return lambda texts: [list(ids) for ids in model.encode(list(texts))]


def _read_json(path: Path, special: bool) -> Encode:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise SeeError("a tokenizer.json needs the package tokenizers; pip install 'see-embeddings[hf]'") from error
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises nothing narrower
        raise FormatError(f"{path}: no tokenizer.json ({str(error)[:100]}); get the tokenizer anew") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return lambda texts: [one.ids for one in tokenizer.encode_batch(list(texts), add_special_tokens=special)]
