"""How often each piece occurs in running text, from a list of words with their frequencies.

The list has a word and a number a line, with a tab between them, most frequent first or not, gzipped if its name
ends in `.gz`. Each word is cut into pieces by the tokenizer itself, as in the middle of a text: after a space, if its
script puts spaces between words.
"""

import gzip
import math
import zlib
from collections.abc import Sequence
from pathlib import Path

from see_kb.errors import FormatError, SeeError
from see_kb.sources.files import decode_text, read_bytes
from see_kb.vocabulary.encoders import Encode, read_encoder
from see_kb.vocabulary.pieces import Format
from see_kb.vocabulary.scripts import UNSPACED, script_of

_STOPS = {True: (".", " "), False: ("。", "")}
"""What stands before a word in the middle of a text, and what between them, by whether its script writes spaces."""


def read_frequencies(path: Path) -> dict[str, float]:
    """Read a list of words with their frequencies; those of a word that comes again are added up.

    Raises:
        SeeError: the file cannot be read.
        FormatError: it is empty, or a line is not a word, a tab and a number that is not negative.
    """
    data = read_bytes(path)
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise FormatError(f"{path}: damaged gzip data; get the list anew") from error
    frequencies: dict[str, float] = {}
    for number, line in enumerate(decode_text(data, path).split("\n"), start=1):
        if not line.strip():
            continue
        word, _, value = line.partition("\t")
        try:
            frequency = float(value)
        except ValueError:
            frequency = math.nan
        if not word or not 0 <= frequency < math.inf:
            shown = line if len(line) <= 40 else line[:40] + "…"
            raise FormatError(f"{path}:{number}: {shown!r} is no line WORD<tab>FREQUENCY; mend it")
        frequencies[word] = frequencies.get(word, 0.0) + frequency
    if not frequencies:
        raise FormatError(f"{path}:1: holds no word; give lines WORD<tab>FREQUENCY")
    return frequencies


def piece_frequencies(words: dict[str, float], tokenizer: Path, file_format: Format, n_pieces: int) -> list[float]:
    """Spread the frequencies of words over the pieces that the tokenizer cuts them into.

    Args:
        words: word → frequency.
        tokenizer: the tokenizer's file.
        file_format: its format, as in a vocabulary.
        n_pieces: the size of the vocabulary.
    Returns:
        The frequency of each piece, by id.
    Raises:
        SeeError: the format needs a package that is not installed, or tells no way to cut words.
        FormatError: the tokenizer's library refuses it.
    """
    if file_format == "vocab.json":
        raise SeeError("a plain vocabulary cannot cut words into pieces; build the tables from the tokenizer itself")
    totals = [0.0] * n_pieces
    encode = read_encoder(tokenizer, special=False)
    for frequency, ids in zip(words.values(), _cut(list(words), encode), strict=True):
        for piece_id in ids:
            totals[piece_id] += frequency
    return totals


def _cut(words: Sequence[str], encode: Encode) -> Sequence[Sequence[int]]:
    """Cut words as they are cut after a full stop, or alone where the stop's own pieces change with what follows."""
    stops = [_STOPS[word[0].isalnum() and script_of(word[0]) not in UNSPACED] for word in words]
    before = {stop: list(encode([stop])[0]) for stop, _ in _STOPS.values()}
    inside = encode([stop + space + word for (stop, space), word in zip(stops, words, strict=True)])
    cut: list[Sequence[int]] = []
    for (stop, _), ids in zip(stops, inside, strict=True):
        n = len(before[stop])
        cut.append(ids[n:] if list(ids[:n]) == before[stop] else ())
    left = [place for place, ids in enumerate(cut) if not ids]
    for place, ids in zip(left, encode([words[place] for place in left]), strict=True):
        cut[place] = ids
    return cut
