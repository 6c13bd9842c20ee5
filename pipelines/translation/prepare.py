"""What a pair's cells share: its vocabulary, its tables, and what layers are made from.

OUT/de-en/vocabulary.model     pieces of both languages
OUT/de-en/tables/              units of meaning and form, what `see build` makes
OUT/de-en/morphemes/           the same with one term a row: three parts of the text
OUT/de-en/inputs.json          digests of the texts and dictionaries that these were made from
"""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from pipelines.build import BuildInputs, build_tables
from pipelines.factor_inputs import read_rows
from pipelines.translation.corpus import Corpus
from pipelines.translation.forms import Material
from pipelines.translation.vocabulary import Encoder, train_vocabulary
from pipelines.whole_files import write_json, write_whole
from see_kb.alignment.units import UnitOptions
from see_kb.errors import SeeError
from see_kb.sources.bundled import BUNDLED
from see_kb.sources.files import read_bytes, sha256_of
from see_tn.training.batches import Examples

VOCABULARY, TABLES, MORPHEMES, INPUTS = "vocabulary.model", "tables", "morphemes", "inputs.json"
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


def prepare(folder: Path, corpus: Corpus, n_pieces: int, dictionaries: tuple[Path, ...]) -> Prepared:
    """Train a pair's vocabulary and build its tables, where they are not there yet.

    Raises:
        SeeError: the text is too little for the pieces, a dictionary cannot be used, or the folder holds what was made
            from others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    prepared, inputs = Prepared(folder), _digests(corpus, n_pieces, dictionaries)
    with FileLock(folder / "lock"):
        _check_inputs(folder / INPUTS, inputs)
        if not prepared.vocabulary.exists():
            write_whole(prepared.vocabulary, lambda place: train_vocabulary(corpus.train, n_pieces, place))
        for name, units in UNITS.items():
            if not (folder / name).exists():
                build_tables(BuildInputs(dictionaries, prepared.vocabulary, units=units), folder / name)
        write_json(folder / INPUTS, inputs)
    return prepared


def _digests(corpus: Corpus, n_pieces: int, dictionaries: tuple[Path, ...]) -> dict[str, Any]:
    texts = json.dumps([asdict(part) for part in (corpus.train, corpus.dev, corpus.test)])
    given = [path for path in dictionaries if path != Path(BUNDLED)]
    files = [file for path in given for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return {
        "texts": sha256_of(texts.encode()),
        "dictionaries": [sha256_of(read_bytes(file)) for file in files if not file.is_dir()],
        "pieces": n_pieces,
    }


def _check_inputs(file: Path, inputs: dict[str, Any]) -> None:
    if not file.exists():
        return
    before = json.loads(file.read_text(encoding="utf-8"))
    if other := sorted(name for name in inputs if before.get(name) != inputs[name]):
        raise SeeError(f"{file}: what lies here was made from other {other[0]}; give the same ones, or a new folder")
