"""What a pair's cells share: its vocabulary, its tables, and what layers are made from.

OUT/de-en/vocabulary.model     pieces of both languages
OUT/de-en/tables/              units of meaning and form, what `see build` makes
OUT/de-en/morphemes/           the same with one term a row: three parts of the text
"""

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from pipelines.build import BuildInputs, build_tables
from pipelines.factor_inputs import read_rows
from pipelines.parallel_text import ParallelText
from pipelines.translation.forms import Material
from pipelines.translation.vocabulary import Encoder, train_vocabulary
from see_kb.alignment.units import UnitOptions
from see_tn.training.batches import Examples

VOCABULARY, TABLES, MORPHEMES = "vocabulary.model", "tables", "morphemes"
UNITS = {
    TABLES: UnitOptions(order=3, max_terms=2, units=200),
    MORPHEMES: UnitOptions(order=3, max_terms=1, units=200),
}


@dataclass(frozen=True)
class Prepared:
    """A pair's folder, in which its vocabulary and tables lie."""

    folder: Path

    @property
    def vocabulary(self) -> Path:
        """The SentencePiece model."""
        return self.folder / VOCABULARY

    def encoder(self) -> Encoder:
        """Sentences to pieces."""
        return Encoder(self.vocabulary)

    def material(self, examples: Examples, width: int, teacher: Any) -> Material:
        """What layers are made from: units, how often pieces occur in examples, and a teacher's table or None."""
        counts = Counter(chain(*examples.sources, *(examples.targets or ())))
        rows = read_rows(self.folder / TABLES)
        return Material(
            rows=rows,
            morphemes=read_rows(self.folder / MORPHEMES, (0, 0, 0)),
            counts=torch.tensor([counts[piece] for piece in range(rows.n_pieces)]),
            width=width,
            teacher=None if teacher is None else teacher.get_input_embeddings().weight.detach().float(),
        )


def prepare(folder: Path, train: ParallelText, n_pieces: int, dictionaries: tuple[Path, ...]) -> Prepared:
    """Train a pair's vocabulary and build its tables, where they are not there yet.

    Raises:
        SeeError: the text is too little for the pieces, or a dictionary cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    prepared = Prepared(folder)
    with FileLock(folder / "lock"):
        if not prepared.vocabulary.exists():
            unfinished = folder / "vocabulary.partial"
            train_vocabulary(train, n_pieces, unfinished)
            unfinished.rename(prepared.vocabulary)
        for name, units in UNITS.items():
            if not (folder / name).exists():
                build_tables(BuildInputs(dictionaries, prepared.vocabulary, units=units), folder / name)
    return prepared
