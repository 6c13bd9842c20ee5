"""Texts to pieces by the tokenizer's own library."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from see_kb.errors import FormatError, SeeError
from see_kb.sources.files import read_bytes
from see_kb.vocabulary.tokenizer_json import is_json

Encode = Callable[[Sequence[str]], Sequence[Sequence[int]]]


def read_encoder(tokenizer: Path, *, special: bool) -> Encode:
    """Read a tokenizer that cuts texts into pieces.

    Args:
        tokenizer: a `tokenizer.json` (extra `hf`) or a SentencePiece model, told apart by what they hold.
        special: whether a `tokenizer.json` puts its own pieces around a text.
    Returns:
        A function from texts to piece ids; it raises FormatError where the tokenizer's library cannot cut a text.
    Raises:
        SeeError: the file cannot be read, or the package for it is not installed.
        FormatError: that package refuses it.
    """
    as_json = is_json(read_bytes(tokenizer))
    with refusals(tokenizer):
        encode = _read_json(tokenizer, special) if as_json else _read_sentencepiece(tokenizer)

    def guarded(texts: Sequence[str]) -> Sequence[Sequence[int]]:
        with refusals(tokenizer):
            return encode(texts)

    return guarded


@contextmanager
def refusals(tokenizer: Path) -> Iterator[None]:
    """Name a tokenizer's file where its library fails: they raise whatever they come to, reading and cutting.

    Raises:
        FormatError: what the library raised, in one line.
    """
    try:
        yield
    except SeeError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:100]
        raise FormatError(f"{tokenizer}: its library refuses it ({said}); get the tokenizer anew") from error


def _read_sentencepiece(path: Path) -> Encode:
    model = SentencePieceProcessor(model_file=str(path))
    return lambda texts: [list(ids) for ids in model.encode(list(texts))]


def _read_json(path: Path, special: bool) -> Encode:
    try:
        from tokenizers import Tokenizer
        from tokenizers.models import BPE
    except ImportError as error:
        raise SeeError("a tokenizer.json needs the package tokenizers; pip install 'see-embeddings[hf]'") from error
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if isinstance(tokenizer.model, BPE):
        tokenizer.model.dropout = None  # for training: it cuts a text in another way each time
    return lambda texts: [one.ids for one in tokenizer.encode_batch(list(texts), add_special_tokens=special)]
