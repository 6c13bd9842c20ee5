"""The corpora of the benchmark: which files of a folder are for training, for choosing, and for testing."""

from dataclasses import dataclass
from pathlib import Path

from pipelines.parallel_text import ParallelText, read_parallel
from see_kb.errors import SeeError


@dataclass(frozen=True)
class Pair:
    """A pair of languages: the folder of its files and their beginnings; without `dev` a part of `train` is taken."""

    name: str
    folder: str
    source: str
    target: str
    train: str
    test: str
    dev: str | None = None


PAIRS = {
    pair.name: pair
    for pair in (
        Pair("de-en", "multi30k", "de", "en", "train", "test_2016_flickr", "val"),
        Pair("zh-en", "3am", "zh", "en", "train", "val"),
    )
}

DEV = 500
"""Sentences of `train`, spread evenly, that are kept apart to choose by, where there is no `dev`."""


@dataclass(frozen=True)
class Corpus:
    """A pair's sentences: `dev` chooses when to stop, `test` is looked at once, at the end."""

    pair: Pair
    train: ParallelText
    dev: ParallelText
    test: ParallelText

    def first(self, n: int | None) -> "Corpus":
        """Give the first sentences of each part, for a quick run."""
        return Corpus(self.pair, self.train.part(0, n), self.dev.part(0, n), self.test.part(0, n))


def read_corpus(data: Path, name: str) -> Corpus:
    """Read a pair's files, `FOLDER/PART.LANGUAGE` or `.gz`, from a folder of corpora.

    Raises:
        SeeError: there is no such pair, or a file is missing or damaged.
    """
    if name not in PAIRS:
        raise SeeError(f"{name!r}: no such pair; take one of {', '.join(PAIRS)}")
    pair = PAIRS[name]
    train, test = _read(data, pair, pair.train), _read(data, pair, pair.test)
    if pair.dev is not None:
        return Corpus(pair, train, _read(data, pair, pair.dev), test)
    if len(train) <= DEV:
        raise SeeError(f"{data / pair.folder}: {len(train)} sentences, {DEV} of them to choose by; give more")
    chosen = {number * len(train) // DEV for number in range(DEV)}
    return Corpus(pair, train.chosen(set(range(len(train))) - chosen), train.chosen(chosen), test)


def _read(data: Path, pair: Pair, part: str) -> ParallelText:
    return read_parallel(*(_file(data / pair.folder / f"{part}.{code}") for code in (pair.source, pair.target)))


def _file(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    return packed if packed.is_file() else path
