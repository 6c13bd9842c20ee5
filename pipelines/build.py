"""The main job: a dictionary and a tokenizer go in, the sememe–token tables come out."""

import gc
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from see_kb.alignment.align import Aligner
from see_kb.alignment.morfessor_model import Splitter, train_splitter
from see_kb.alignment.normalise import normalise_all
from see_kb.alignment.units import UnitOptions, make_units
from see_kb.knowledge.index import INDEX_FILES, write_index
from see_kb.lexicon import Lexicon, Reject
from see_kb.sources.babelnet import read_babelnet
from see_kb.sources.bundled import BUNDLED, bundled
from see_kb.sources.door import read_lexicons, read_morphemes
from see_kb.sources.taxonomy import read_taxonomy, taxonomy_triples
from see_kb.tables.manifest import MANIFEST, SCHEMA_VERSION, write_manifest
from see_kb.tables.schema import schemas
from see_kb.tables.store import DATABASE, Tables, write_database, write_parquet
from see_kb.vocabulary.frequency import piece_frequencies, read_frequencies
from see_kb.vocabulary.pieces import Vocabulary
from see_kb.vocabulary.reader import read_vocabulary
from see_tn.layer.folders import check_target, new_folder

COPIES = ("tokenizer.model", "tokenizer.json", "vocab.json")
"""Names that the copy of the tokenizer may have."""

FILES = frozenset({*(f"{name}.parquet" for name in schemas(2)), MANIFEST, DATABASE, *INDEX_FILES, *COPIES})
"""All names that a file of a folder of tables may have."""

Progress = Callable[[str], None]
"""Told, before each step of a long job, what comes next."""


@dataclass(frozen=True)
class BuildInputs:
    """What tables are made from: `dictionaries` in the order of their precedence, the first that lists a word wins.

    The bundled lexicon speaks for words that none of them lists, unless `only` is set. None stands for the bundled
    tokenizer and the bundled table of morphemes, or no taxonomy. `pieces` is the number of rows of the embedding
    table, where it has more than the tokenizer has pieces.
    """

    dictionaries: tuple[Path, ...] = ()
    tokenizer: Path | None = None
    taxonomy: Path | None = None
    morphemes: Path | None = None
    units: UnitOptions = field(default_factory=UnitOptions)
    only: bool = False
    frequency: Path | None = None
    babelnet: Path | None = None
    morfessor: bool = False
    pieces: int | None = None

    @property
    def all_dictionaries(self) -> tuple[Path | None, ...]:
        """The dictionaries, and None for the bundled one, where it is wanted and not named itself."""
        given = self.only or Path(BUNDLED) in self.dictionaries
        return self.dictionaries if given else (*self.dictionaries, None)


@dataclass(frozen=True)
class BuildReport:
    """What `build_tables` made, and the records that it had to reject."""

    folder: Path
    n_senses: int
    senses_by_dictionary: dict[str, int]
    n_sememes: int
    n_pieces: int
    n_units: int
    n_terms: int
    n_collisions: int
    rejects: tuple[Reject, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the report as plain values, for JSON."""
        return {**asdict(self), "folder": str(self.folder)}

    def _dictionaries(self) -> str:
        return ", ".join(f"{name} {n:,}" for name, n in self.senses_by_dictionary.items())

    def summary(self) -> str:
        """Say in three lines what was built."""
        return (
            f"{self.folder}: {self.n_senses:,} senses ({self._dictionaries()}) with {self.n_sememes:,} sememes, "
            f"{self.n_pieces:,} pieces\n"
            f"{self.n_terms:,} terms over {self.n_units:,} units; every piece has a row of its own "
            f"({self.n_collisions:,} told apart after their forms met)\n"
            f"{len(self.rejects):,} records rejected"
        )


def build_tables(
    inputs: BuildInputs, out: Path, *, overwrite: bool = False, progress: Progress = lambda _: None
) -> BuildReport:
    """Build a folder of tables; it appears whole or not at all, and is byte-identical for identical input.

    Malformed records are left out of the tables and listed in `rejects`.

    Raises:
        SeeError: an input cannot be used.
        FactorError: `out` exists and may not be overwritten, or writing failed.
    """
    check_target(out, FILES, overwrite=overwrite)
    with _collection_paused():
        return _build(inputs, out, overwrite, progress)


def _build(inputs: BuildInputs, out: Path, overwrite: bool, progress: Progress) -> BuildReport:
    progress("reading the dictionary")
    lexicon, morphemes = read_lexicons(inputs.all_dictionaries), read_morphemes(inputs.morphemes)
    relations = read_taxonomy(inputs.taxonomy) if inputs.taxonomy else None
    progress("reading the tokenizer")
    tokenizer = inputs.tokenizer or sample_tokenizer()
    vocabulary = read_vocabulary(tokenizer, inputs.pieces)
    progress(f"aligning {len(vocabulary.pieces)} pieces with {len(lexicon.senses)} senses")
    frequencies = _frequencies(inputs, tokenizer, vocabulary)
    splitter = _splitter(vocabulary, frequencies) if inputs.morfessor else None
    alignments = Aligner(lexicon, morphemes, splitter).align(vocabulary.pieces)
    unit_table = make_units(alignments, inputs.units, frequencies)
    babelnet = read_babelnet(inputs.babelnet) if inputs.babelnet else []
    tables = Tables(lexicon, morphemes, alignments, unit_table, relations, frequencies, babelnet)
    progress("writing the tables")
    manifest = _manifest(inputs, lexicon, morphemes, vocabulary)
    with new_folder(out, FILES, overwrite=overwrite) as folder:
        written = write_parquet(folder, tables, _metadata(manifest))
        write_database(folder)
        index = write_index(folder, lexicon, taxonomy_triples(relations))
        shutil.copyfile(tokenizer, folder / str(manifest["tokenizer"]["copy"]))
        write_manifest(folder, {**manifest, "tables": written, "index": index})
    return BuildReport(
        folder=out,
        n_senses=len(lexicon.senses),
        senses_by_dictionary={part.name: len(part.senses) for part in lexicon.dictionaries},
        n_sememes=written["sememes"]["rows"],
        n_pieces=len(vocabulary.pieces),
        n_units=len(unit_table.units),
        n_terms=len(unit_table.rows),
        n_collisions=len(unit_table.collisions),
        rejects=(*lexicon.rejects, *morphemes.rejects),
    )


def _frequencies(inputs: BuildInputs, tokenizer: Path, vocabulary: Vocabulary) -> list[float]:
    """How often each piece occurs in running text; empty without a list of words."""
    if inputs.frequency is None:
        return []
    words = read_frequencies(inputs.frequency)
    return piece_frequencies(words, tokenizer, vocabulary.format, len(vocabulary.pieces))


def _splitter(vocabulary: Vocabulary, frequencies: Sequence[float]) -> Splitter:
    """A Morfessor model of the vocabulary's pieces that start words, counted where there is a list of words."""
    words = [piece for piece in vocabulary.pieces if piece.starts_word]
    counts: dict[str, float] = {}
    for piece, folded in zip(words, normalise_all(piece.surface for piece in words), strict=True):
        if folded.isalpha():
            counts[folded] = counts.get(folded, 0.0) + (frequencies[piece.piece_id] if frequencies else 1.0)
    return train_splitter(counts)


def sample_tokenizer() -> Path:
    """Give the path of the bundled tokenizer, a SentencePiece model."""
    return bundled("sample") / "tokenizer.model"


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Millions of small values without a cycle among them: looking for cycles took a fifth of a build's time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _manifest(inputs: BuildInputs, lexicon: Lexicon, morphemes: Lexicon, vocabulary: Vocabulary) -> dict[str, Any]:
    copy = "tokenizer.model" if vocabulary.format == "sentencepiece" else vocabulary.format
    return {
        "schema_version": SCHEMA_VERSION,
        "builder_version": version("see-embeddings"),
        "lexicon": _described(lexicon),
        "morphemes": _described(morphemes),
        "taxonomy": inputs.taxonomy.name if inputs.taxonomy else None,
        "frequency": inputs.frequency.name if inputs.frequency else None,
        "babelnet": inputs.babelnet.name if inputs.babelnet else None,
        "morfessor": inputs.morfessor,
        "tokenizer": {
            "name": vocabulary.name,
            "format": vocabulary.format,
            "sha256": vocabulary.sha256,
            "n_pieces": len(vocabulary.pieces),
            "copy": copy,
        },
        "units": asdict(inputs.units),
    }


def _described(lexicon: Lexicon) -> dict[str, Any]:
    return {
        "name": lexicon.name,
        "dictionaries": {part.name: part.version for part in lexicon.dictionaries},
        "files": [asdict(file) for file in lexicon.files],
        "content_sha256": lexicon.content_sha256,
        "n_senses": len(lexicon.senses),
        "n_rejects": len(lexicon.rejects),
    }


def _metadata(manifest: dict[str, Any]) -> dict[str, str]:
    """Key–value metadata for Parquet: digests of content only, so that the same senses give the same bytes."""
    return {
        "builder_version": manifest["builder_version"],
        "lexicon_sha256": manifest["lexicon"]["content_sha256"],
        "morphemes_sha256": manifest["morphemes"]["content_sha256"],
        "tokenizer_sha256": manifest["tokenizer"]["sha256"],
    }
