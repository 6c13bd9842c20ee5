"""The tables on disk: Parquet is the artefact, byte-identical for identical input; a DuckDB file is its cache.

A folder of tables holds one `<name>.parquet` for each schema, `manifest.json` with what they were made from
and their digests, `tables.duckdb` with the same tables and the views of `VIEWS`, and a copy of the tokenizer.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import duckdb
import networkx as nx
import pyarrow as pa
import pyarrow.parquet as pq

from see_kb.alignment.align import WORD_RULES, Alignment
from see_kb.alignment.units import UnitTable
from see_kb.errors import FormatError, SeeError
from see_kb.kdml import occurrences_of_text
from see_kb.lexicon import SENSE_FIELDS, Lexicon, Sense, sememes_of
from see_kb.sources.babelnet import TEXT_LISTS, Synset
from see_kb.sources.files import read_bytes, sha256_of
from see_kb.sources.taxonomy import taxonomy_triples
from see_kb.tables.manifest import SCHEMA_VERSION, read_manifest
from see_kb.tables.schema import schemas
from see_kb.tables.views import VIEWS

DATABASE = "tables.duckdb"
ROW_GROUP_ROWS = 65_536


@dataclass(frozen=True)
class Tables:
    """All that goes into a folder of tables."""

    lexicon: Lexicon
    morphemes: Lexicon
    alignments: Sequence[Alignment]
    unit_table: UnitTable
    relations: "nx.MultiDiGraph[str] | None" = None
    frequencies: Sequence[float] = ()
    babelnet: Sequence[Synset] = ()


def write_parquet(folder: Path, tables: Tables, metadata: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Write one Parquet file for each schema into a folder.

    Args:
        folder: an existing folder.
        tables: what to write.
        metadata: key–value metadata of every file; `schema_version` is added.
    Returns:
        For each table its number of rows and the SHA-256 of its file.
    """
    contents = _contents(tables)
    keys = {**metadata, "schema_version": str(SCHEMA_VERSION)}
    written = {}
    for name, schema in schemas(tables.unit_table.options.order).items():
        columns = list(zip(*contents[name], strict=True)) or [()] * len(schema)
        arrays = [pa.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)]
        table = pa.table(arrays, schema=schema.with_metadata(keys))
        path = folder / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd", row_group_size=ROW_GROUP_ROWS, store_schema=True)
        written[name] = {"rows": table.num_rows, "sha256": sha256_of(path.read_bytes())}
    return written


def read_table(folder: Path, name: str) -> pa.Table:
    """Read one table of a folder into memory, with its columns and order as in `schemas`.

    Raises:
        SeeError: the folder has no manifest or no such table.
        FormatError: the file is damaged: it is not the one that the manifest names.
    """
    manifest = read_manifest(folder)
    path = folder / f"{name}.parquet"
    if not path.is_file() or name not in manifest["tables"]:
        raise SeeError(f"{path}: missing; build the tables anew with `see build`")
    data = read_bytes(path)
    if sha256_of(data) != manifest["tables"][name]["sha256"]:
        raise FormatError(f"{path}: damaged (its digest is not the manifest's); build the tables anew")
    # One thread: with the pool of pyarrow 26, a process that ends at once was sometimes aborted at its exit.
    return pq.ParquetFile(pa.BufferReader(data), pre_buffer=False).read(use_threads=False)


def write_database(folder: Path, target: Path | None = None) -> None:
    """Write the DuckDB file of a folder's Parquet tables; it may be rebuilt at any time.

    Args:
        folder: the folder of the Parquet files.
        target: the file to write; by default `tables.duckdb` in the folder.
    Raises:
        OSError: the file cannot be written, or the disk is full.
    """
    try:
        with duckdb.connect(str(target or folder / DATABASE)) as connection:
            fill_database(connection, folder)
            connection.execute("CHECKPOINT")  # closing does it too, but keeps a failure to itself
    except duckdb.Error as error:
        raise OSError(" ".join(str(error).split())) from error


def fill_database(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Copy a folder's Parquet tables and the views into a DuckDB connection."""
    for path in sorted(folder.glob("*.parquet")):
        connection.execute(f'CREATE TABLE "{path.stem}" AS FROM read_parquet(?)', [str(path)])
    for name, query in VIEWS.items():
        connection.execute(f'CREATE VIEW "{name}" AS {query}')


def _contents(tables: Tables) -> dict[str, Iterable[tuple[Any, ...]]]:
    counts = sememes_of(tables.lexicon.senses)
    names = sorted({*counts, *sememes_of(tables.morphemes.senses)})
    sememe_ids = {sememe: number for number, sememe in enumerate(names)}
    definitions = Counter(sense.definition for sense in (*tables.lexicon.senses, *tables.morphemes.senses))
    definition_ids = {definition: number for number, definition in enumerate(definitions)}
    n_terms = _count_terms(tables.unit_table, len(tables.alignments))
    return {
        "pieces": (_piece_row(alignment, n) for alignment, n in zip(tables.alignments, n_terms, strict=True)),
        "frequencies": _frequency_rows(tables),
        "matches": _match_rows(tables.alignments),
        "unit_rows": map(attrgetter("piece_id", "term", "amplitude", "unit_ids"), tables.unit_table.rows),
        "units": map(attrgetter("unit_id", "kind", "text", "sites", "n_pieces"), tables.unit_table.units),
        "dictionaries": _dictionary_rows(tables),
        "senses": _sense_rows(tables.lexicon, definition_ids),
        "morphemes": _sense_rows(tables.morphemes, definition_ids),
        "definitions": ((definition_ids[text], text, n) for text, n in definitions.items()),
        "definition_sememes": _definition_rows(definition_ids, sememe_ids),
        "sense_sememes": (
            (sense_id, place, sememe_ids[sememe])
            for sense_id, sense in enumerate(tables.lexicon.senses)
            for place, sememe in enumerate(sense.sememes)
        ),
        "sememes": ((sememe_ids[sememe], sememe, *sememe.split("|", 1), counts.get(sememe, 0)) for sememe in names),
        "relations": taxonomy_triples(tables.relations),
        "babelnet_synsets": map(attrgetter("synset_id", "pos", *TEXT_LISTS), tables.babelnet),
        "babelnet_relations": (
            (synset.synset_id, relation, other) for synset in tables.babelnet for relation, other in synset.relations
        ),
        "collisions": (astuple(collision) for collision in tables.unit_table.collisions),
        "rejects": (astuple(reject) for reject in (*tables.lexicon.rejects, *tables.morphemes.rejects)),
    }


def _count_terms(unit_table: UnitTable, n_pieces: int) -> list[int]:
    counts = [0] * n_pieces
    for row in unit_table.rows:
        counts[row.piece_id] += 1
    return counts


def _piece_row(alignment: Alignment, n_terms: int) -> tuple[Any, ...]:
    piece = alignment.piece
    n_senses = sum(len(match.sense_ids) for match in alignment.matches)
    return (
        piece.piece_id,
        piece.piece,
        piece.surface,
        piece.kind,
        piece.starts_word,
        alignment.script,
        alignment.folded,
        alignment.rule,
        n_senses,
        n_terms,
    )


def _frequency_rows(tables: Tables) -> Iterator[tuple[Any, ...]]:
    """Each piece with its frequency and, if it stands for a word, its rank among those that do."""
    words = [a.piece.piece_id for a in tables.alignments if a.rule in WORD_RULES]
    ordered = (
        sorted(words, key=lambda piece_id: (-tables.frequencies[piece_id], piece_id)) if tables.frequencies else []
    )
    ranks = {piece_id: rank for rank, piece_id in enumerate(ordered, start=1)}
    for piece_id, frequency in enumerate(tables.frequencies):
        yield (piece_id, frequency, ranks.get(piece_id, 0))


def _match_rows(alignments: Sequence[Alignment]) -> Iterator[tuple[Any, ...]]:
    for alignment in alignments:
        for part, match in enumerate(alignment.matches):
            yield (
                alignment.piece.piece_id,
                part,
                match.start,
                match.end,
                match.role,
                match.form,
                match.source,
                match.steps,
                match.sense_ids,
            )


def _dictionary_rows(tables: Tables) -> Iterator[tuple[Any, ...]]:
    for table, lexicon in (("senses", tables.lexicon), ("morphemes", tables.morphemes)):
        for part in lexicon.dictionaries:
            yield (part.name, part.version, table, len(part.senses), len(part.rejects), part.content_sha256)


def _sense_rows(lexicon: Lexicon, definition_ids: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
    values = attrgetter(*SENSE_FIELDS)  # dataclasses.astuple copies deeply, ten times slower
    versions = {part.name: part.version for part in lexicon.dictionaries}
    for sense_id, sense in enumerate(lexicon.senses):
        yield (sense_id, definition_ids[sense.definition], *values(sense), versions.get(sense.source, ""))


def _definition_rows(definition_ids: Mapping[str, int], sememe_ids: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
    for definition, definition_id in definition_ids.items():
        for place, found in enumerate(occurrences_of_text(definition)):
            yield (definition_id, place, sememe_ids[found.sememe], found.depth, found.role or "", found.parent)


def read_senses(folder: Path, name: str) -> Lexicon:
    """Read a folder's `senses` or `morphemes` back as the dictionary that they were written from.

    Raises:
        SeeError: the folder has no manifest or no such table.
        FormatError: a file is damaged.
    """
    table = read_table(folder, name)
    columns = [table.column(field).to_pylist() for field in SENSE_FIELDS]
    return Lexicon(folder.name, tuple(Sense(*row) for row in zip(*columns, strict=True)), (), ())
