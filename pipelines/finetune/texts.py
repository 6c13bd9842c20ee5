"""Texts for training: a line is an example, or two with a tab between them for models with an encoder and a decoder."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.finetune.special_ids import SpecialIds
from pipelines.finetune.tokenizer import Encoders
from pipelines.parallel_text import read_lines
from see_kb.errors import FormatError, SeeError
from see_tn.training.batches import Examples


def read_examples(
    path: Path, encoders: Encoders, special: SpecialIds, longest: int, *, pairs: bool, n_pieces: int
) -> Examples:
    """Read a text and encode it; texts are cut to `longest` pieces.

    Args:
        path: UTF-8, plain or `.gz`, one text a line.
        encoders: what cuts texts into pieces. Others than a SentencePiece model add their own pieces first.
        special: what stands around a text.
        longest: pieces of an example.
        pairs: whether a line is a source and a target with a tab between them.
        n_pieces: rows of the model's table.
    Raises:
        SeeError: a file cannot be read, or the tokenizer gives pieces that the model does not have.
        FormatError: a line is damaged.
    """
    lines = read_lines(path)
    if not pairs:
        sources = _around(encoders.sources(lines), special, longest, begin=True)
        # A model that continues texts learns nothing from a single piece.
        if short := [number for number, source in enumerate(sources, 1) if len(source) < 2]:
            raise FormatError(f"{path}:{short[0]}: no more than one piece; remove the line")
        examples = Examples(sources, pad=special.pad or 0)
    else:
        first, second = _split(path, lines)
        sources = _around(encoders.sources(first), special, longest, begin=False)
        targets = _around(encoders.targets(second), special, longest, begin=False)
        if empty := [number for number, pair in enumerate(zip(sources, targets, strict=True), 1) if not all(pair)]:
            raise FormatError(f"{path}:{empty[0]}: a side without any piece; remove the line")
        start = special.decoder_start if special.decoder_start is not None else special.begin
        examples = Examples(sources, targets, pad=special.pad or 0, start=start)
    largest = max(map(max, [*examples.sources, *(examples.targets or ())]))
    if largest >= n_pieces:
        raise SeeError(
            f"{encoders.file}: gives piece {largest}, the model has {n_pieces}; name the model's own tokenizer"
        )
    return examples


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
