"""The tokenizer of a model folder: its file or files, and how it cuts the two sides of a translation into pieces.

A tokenizer is named by one file. Marian's (OPUS-MT) is named by its vocab.json; beside that lie a SentencePiece model
for each side.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from see_kb.errors import SeeError
from see_kb.vocabulary.encoders import Encode, read_encoder, refusals

Ids = list[list[int]]

NAMES = ("tokenizer.json", "tokenizer.model", "spiece.model")
"""Files that are looked for in a folder, in this order, before those of Marian."""

MARIAN = ("vocab.json", "source.spm", "target.spm")
MARIAN_CONFIG = "tokenizer_config.json"
SECOND_VOCABULARY = "target_vocab.json"

COMPANIONS = (MARIAN_CONFIG, "special_tokens_map.json", "added_tokens.json", "chat_template.jinja")


def find_tokenizer(folder: Path, model_type: str) -> Path:
    """Find the file that names the tokenizer of a model folder.

    Raises:
        SeeError: there is none, or one whose ids are not the model's.
    """
    for name in NAMES:
        if (folder / name).is_file():
            if name == "spiece.model" and "pegasus" in model_type:
                raise SeeError(f"{folder / name}: {model_type} shifts its ids; save the tokenizer as tokenizer.json")
            return folder / name
    if is_marian(folder / MARIAN[0]):
        return folder / MARIAN[0]
    wanted = " and no ".join((*NAMES, ", ".join(MARIAN)))
    raise SeeError(f"{folder}: no {wanted}; name the tokenizer with --tokenizer")


def is_marian(tokenizer: Path) -> bool:
    """Whether a file is the vocabulary of a Marian tokenizer."""
    return tokenizer.name == MARIAN[0] and all((tokenizer.parent / name).is_file() for name in MARIAN)


def tokenizer_files(tokenizer: Path) -> list[Path]:
    """List all files of a tokenizer, the one that names it first."""
    if not is_marian(tokenizer):
        return [tokenizer]
    return [path for name in (*MARIAN, MARIAN_CONFIG) if (path := tokenizer.parent / name).is_file()]


def companion_files(tokenizer: Path) -> list[Path]:
    """List what lies beside a tokenizer and says which pieces are special, how long texts may be, and how chats go."""
    return [path for name in COMPANIONS if (path := tokenizer.parent / name).is_file()]


@dataclass(frozen=True)
class Encoders:
    """What cuts sources and targets into pieces, with the tokenizer's own pieces around them; `file` names it."""

    file: Path
    sources: Encode
    targets: Encode


def read_encoders(tokenizer: Path) -> Encoders:
    """Read a tokenizer.

    Raises:
        SeeError: a file cannot be read, a package for it is not installed, or the sides have two vocabularies.
        FormatError: that package refuses it.
    """
    if not is_marian(tokenizer):
        encode = read_encoder(tokenizer, special=True)
        return Encoders(tokenizer, encode, encode)
    if (second := tokenizer.parent / SECOND_VOCABULARY).is_file():
        raise SeeError(f"{second}: a vocabulary for each side, and tables are of one; give a model with one for both")
    with refusals(tokenizer):
        marian = _read_marian(tokenizer.parent)

    def sources(texts: Sequence[str]) -> Sequence[Sequence[int]]:
        with refusals(tokenizer):
            return cast(Ids, marian(list(texts)).input_ids)

    def targets(texts: Sequence[str]) -> Sequence[Sequence[int]]:
        with refusals(tokenizer):
            return cast(Ids, marian(text_target=list(texts)).input_ids)

    return Encoders(tokenizer, sources, targets)


def _read_marian(folder: Path) -> Any:
    from transformers import MarianTokenizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that punctuation is not normalised without sacremoses
        return MarianTokenizer.from_pretrained(folder, local_files_only=True)
