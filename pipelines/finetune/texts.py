"""Texts for training: a line is an example, or two with a tab between them for models with an encoder and a decoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.finetune.tokenizer import read_encoders
from pipelines.parallel_text import read_lines
from see_kb.errors import FormatError, SeeError
from see_tn.training.batches import Examples


@dataclass(frozen=True)
class SpecialIds:
    """Ids that a model's config names; None where it names none."""

    pad: int | None
    begin: int | None
    end: int | None
    decoder_start: int | None

    @classmethod
    def of(cls, config: Any, n_pieces: int, file: Path) -> "SpecialIds":
        """Read them from a Hugging Face config; a negative one stands for none.

        Raises:
            SeeError: one is none of the pieces that the model has.
        """
        return cls(*(_special_id(config, name, n_pieces, file) for name in SPECIAL))


SPECIAL = ("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id")


def _special_id(config: Any, name: str, n_pieces: int, file: Path) -> int | None:
    given = getattr(config, name, None)
    first = next(iter(given), None) if isinstance(given, list) else given
    if first is None or first < 0:
        return None
    if first >= n_pieces:
        raise SeeError(f"{file}: {name} is {first}, the model has {n_pieces} pieces; name one of them, or null")
    return int(first)


def read_examples(
    path: Path, tokenizer: Path, special: SpecialIds, longest: int, *, pairs: bool, n_pieces: int
) -> Examples:
    """Read a text and encode it; texts are cut to `longest` pieces.

    Args:
        path: UTF-8, plain or `.gz`, one text a line.
        tokenizer: a SentencePiece model, a `tokenizer.json`, or the vocabulary of a Marian tokenizer.
        special: what stands around a text. Others than a SentencePiece model add their own pieces first.
        longest: pieces of an example.
        pairs: whether a line is a source and a target with a tab between them.
        n_pieces: rows of the model's table.
    Raises:
        SeeError: a file cannot be read, or the tokenizer gives pieces that the model does not have.
        FormatError: a line is damaged.
    """
    encode, encode_targets = read_encoders(tokenizer)
    lines = read_lines(path)
    if not pairs:
        sources = _around(encode(lines), special, longest, begin=True)
        # A model that continues texts learns nothing from a single piece.
        if short := [number for number, source in enumerate(sources, 1) if len(source) < 2]:
            raise FormatError(f"{path}:{short[0]}: no more than one piece; remove the line")
        examples = Examples(sources, pad=special.pad or 0)
    else:
        first, second = _split(path, lines)
        sources = _around(encode(first), special, longest, begin=False)
        targets = _around(encode_targets(second), special, longest, begin=False)
        if empty := [number for number, pair in enumerate(zip(sources, targets, strict=True), 1) if not all(pair)]:
            raise FormatError(f"{path}:{empty[0]}: a side without any piece; remove the line")
        start = special.decoder_start if special.decoder_start is not None else special.begin
        examples = Examples(sources, targets, pad=special.pad or 0, start=start)
    largest = max(map(max, [*examples.sources, *(examples.targets or ())]))
    if largest >= n_pieces:
        raise SeeError(f"{tokenizer}: gives piece {largest}, the model has {n_pieces}; name the model's own tokenizer")
    return examples


WITH_LANGUAGES = frozenset({"m2m_100", "mbart", "nllb-moe", "plbart"})
"""Types of models whose texts have a piece for their language."""


def check_languages(tokenizer: Path, special: SpecialIds, config: Path) -> None:
    """Refuse what would train a model of several languages with a wrong language's piece.

    Raises:
        SeeError: the tokenizer puts a piece around all texts, sources and targets alike, or the config does not tell
            with which one targets begin.
    """
    if special.decoder_start is None:
        raise SeeError(f"{config}: decoder_start_token_id is null; give it the piece of the targets' language")
    template = read_encoders(tokenizer)[0]([""])[0]
    if left := set(template) - {special.begin, special.end}:
        raise SeeError(
            f"{tokenizer}: puts piece {min(left)} around every text, as for one language; take its post_processor out, "
            "and write the languages' pieces into the text"
        )


def _split(path: Path, lines: Sequence[str]) -> tuple[list[str], list[str]]:
    first, second = [], []
    for number, line in enumerate(lines, 1):
        parts = [part.strip() for part in line.split("\t")]
        if len(parts) != 2 or not all(parts):
            raise FormatError(
                f"{path}:{number}: {len(parts)} columns; this model reads a source and a target with a tab between them"
            )
        first.append(parts[0])
        second.append(parts[1])
    return first, second


def _around(texts: Sequence[Sequence[int]], special: SpecialIds, longest: int, *, begin: bool) -> list[list[int]]:
    """Cut texts and put the pieces of the beginning and of the end around them, whether they had them or not.

    Behind the end there may be one piece more, that of a language as in mBART; it stays.
    """
    start = [special.begin] if begin and special.begin is not None else []
    end = [special.end] if special.end is not None else []
    finished = []
    for text in texts:
        ids = list(text)
        first = 1 if start and ids[:1] == start else 0
        places = [place for place in range(first, len(ids))[-2:] if ids[place] == special.end]
        last = places[-1] if places else len(ids)
        behind = ids[last:] if places else end
        finished.append([*start, *ids[first:last][: longest - len(start) - len(behind)], *behind])
    return finished
