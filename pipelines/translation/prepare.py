"""What a pair's cells share: its vocabulary, its tables, and what layers are made from.

OUT/de-en/vocabulary.model     pieces of both languages
OUT/de-en/words.tsv            how often words occur in the training text
OUT/de-en/tables/              units of meaning and form by `see build`; frequent pieces have units of their own
OUT/de-en/morphemes/           the same with one term a row: three parts of the text
OUT/de-en/inputs.json          digests of the texts and dictionaries that these are made from: it is there before them
"""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray

from pipelines.build import BuildInputs, build_tables
from pipelines.factor_inputs import read_rows
from pipelines.parallel_text import ParallelText
from pipelines.translation.corpus import Corpus
from pipelines.translation.forms import Material
from pipelines.translation.vocabulary import Encoder, train_vocabulary
from pipelines.whole_files import read_json, write_json, write_text, write_whole
from see_kb.alignment.units import UnitOptions
from see_kb.errors import SeeError
from see_kb.sources.bundled import BUNDLED
from see_kb.sources.door import read_lexicons
from see_kb.sources.files import read_bytes, sha256_of
from see_kb.tables.manifest import tokenizer_copy
from see_kb.tables.unit_matrix import read_unit_matrix
from see_kb.vocabulary.piece_vectors import piece_vectors
from see_tn.training.batches import Examples
from see_tn.training.settings import first_difference, plain

VOCABULARY, WORDS, INPUTS = "vocabulary.model", "words.tsv", "inputs.json"
TABLES, MORPHEMES = "tables", "morphemes"
SHARED = (0, 0, 0)
"""One table for all sites."""

OWNING = 25
"""One piece in so many, the most frequent ones, has units of its own."""


@dataclass(frozen=True)
class Prepared:
    """A pair's folder, in which its vocabulary and tables lie."""

    folder: Path

    @property
    def vocabulary(self) -> Path:
        """The SentencePiece model."""
        return self.folder / VOCABULARY

    @property
    def digest(self) -> str:
        """The SHA-256 digest of what says what they are made from."""
        return sha256_of(read_bytes(self.folder / INPUTS))

    def encoder(self) -> Encoder:
        """Sentences to pieces."""
        return Encoder(self.vocabulary)

    def material(self, examples: Examples, width: int, teacher: Any) -> Material:
        """What layers are made from: units, what examples tell of pieces, and a teacher's table or None."""
        texts, rows = examples.texts, read_rows(self.folder / TABLES)
        counts = Counter(chain(*texts))

        def vectors(seed: int) -> NDArray[np.float32]:
            units = read_unit_matrix(self.folder / TABLES)
            return piece_vectors(texts, units, width, seed, pairs=examples.pairs)

        return Material(
            rows=rows,
            shared_rows=read_rows(self.folder / TABLES, SHARED),
            morphemes=read_rows(self.folder / MORPHEMES, SHARED),
            counts=torch.tensor([counts[piece] for piece in range(rows.n_pieces)]),
            width=width,
            vectors=vectors,
            teacher=None if teacher is None else teacher.get_input_embeddings().weight.detach().float(),
        )


def prepare(folder: Path, corpus: Corpus, n_pieces: int, dictionaries: tuple[Path, ...]) -> Prepared:
    """Train a pair's vocabulary and build its tables, where they are not there yet.

    Raises:
        SeeError: the text is too little for the pieces, a dictionary cannot be used, or the folder holds what was made
            from others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    units = {
        TABLES: UnitOptions(order=3, max_terms=2, units=200, own=n_pieces // OWNING),
        MORPHEMES: UnitOptions(order=3, max_terms=1, units=200),
    }
    prepared, inputs = Prepared(folder), _inputs(corpus, n_pieces, dictionaries, units)

    def first_file(place: Path) -> None:
        read_lexicons(BuildInputs(dictionaries).all_dictionaries)  # one that is damaged is told before anything is made
        train_vocabulary(corpus.train, n_pieces, place)
        write_json(folder / INPUTS, inputs)

    with FileLock(folder / "lock"):
        _check_inputs(folder, inputs)
        if not prepared.vocabulary.exists():
            write_whole(prepared.vocabulary, first_file)
        write_text(folder / WORDS, _words(corpus.train))
        for name, options in units.items():
            if not (folder / name).exists():
                made_from = BuildInputs(dictionaries, prepared.vocabulary, units=options, frequency=folder / WORDS)
                build_tables(made_from, folder / name)
            if read_bytes(tokenizer_copy(folder / name)) != read_bytes(prepared.vocabulary):
                raise SeeError(f"{folder / name}: not of the {VOCABULARY} beside it; remove {folder} to make both anew")
    return prepared


def _words(text: ParallelText) -> str:
    counts = Counter(word for line in (*text.sources, *text.targets) for word in line.split())
    return "".join(f"{word}\t{count}\n" for word, count in counts.most_common())


def _inputs(
    corpus: Corpus, n_pieces: int, dictionaries: tuple[Path, ...], units: dict[str, UnitOptions]
) -> dict[str, Any]:
    """What a pair's files are made from."""
    texts = json.dumps([asdict(part) for part in (corpus.train, corpus.dev, corpus.test)])
    order = [path for path in BuildInputs(dictionaries).all_dictionaries if path is not None]
    if order and order[-1] == Path(BUNDLED):
        order.pop()  # it comes last by itself
    return {
        "texts": sha256_of(texts.encode()),
        "dictionaries": [digest for path in order for digest in _digests(path)],
        "pieces": n_pieces,
        "units": {name: asdict(options) for name, options in units.items()},
    }


def _digests(path: Path) -> list[str]:
    """The SHA-256 digests of a dictionary's files; the bundled one goes by its name."""
    if path == Path(BUNDLED):
        return [BUNDLED]
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [sha256_of(read_bytes(file)) for file in files if not file.is_dir()]


def _check_inputs(folder: Path, inputs: dict[str, Any]) -> None:
    """Refuse files that were made from others, or nobody knows from what."""
    file, remedy = folder / INPUTS, f"remove {folder} to make it anew"
    if not file.exists():
        if made := [name for name in (VOCABULARY, TABLES, MORPHEMES) if (folder / name).exists()]:
            raise SeeError(f"{folder}: holds {made[0]} without {INPUTS}, which tells what it is made from; {remedy}")
        return
    if other := first_difference(read_json(file, remedy), plain(inputs)):
        raise SeeError(f"{file}: what lies here was made from other {other}; give the same ones, or a new folder")
