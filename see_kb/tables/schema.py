"""What the tables hold: their columns, their order, and the version that both have together.

A change to a table's columns, their types or their order is a change of `SCHEMA_VERSION`; a test compares the
digest of all schemas with the one that is registered here for the version.
"""

import hashlib

import pyarrow as pa

from see_kb.lexicon import SENSE_FIELDS
from see_kb.sources.babelnet import TEXT_LISTS

SCHEMA_SHA256 = {2: "d291f4fc086f71c20cdd3ff4412f28d44454267204ad1af12901d5f6ae7a4d0c"}

_TEXT = pa.string()
_ID = pa.int32()

NULLABLE = frozenset({"parent"})
"""Columns that may be null."""


def schemas(order: int) -> dict[str, pa.Schema]:
    """Give the schema of each table, for rows of `order` sites. Ids count from 0 and are dense.

    - `pieces`: the tokenizer's vocabulary, by piece_id, with the rule that aligned it.
    - `frequencies`: how often each piece occurs in running text, with a list of words: `rank` is among word pieces,
      from 1; 0 for others.
    - `matches`: the dictionary words (and morphemes) behind a piece, in the order of its text; `start` and `stop`
      delimit the stretch of `folded`; `sense_ids` are rows of `senses`, or of `morphemes` by `source`;
      `steps` are the normalisations that a match needed.
    - `unit_rows`: the terms of each piece's row, by piece_id and term.
    - `units`: what owns a core, at each of its `sites`.
    - `dictionaries`: what the senses are from, in the order of their precedence.
    - `senses`, `morphemes`: the dictionaries and the table of morphemes, in source order; each row names its source
      and that one's version.
    - `definitions`: the distinct definitions of both, in the order of their first sense.
    - `definition_sememes`: the sememes of a definition where they stand, in its order: `parent` is the place of the
      sememe above, or null; `depth` is 0 for a root; `role` is empty where none is filled.
    - `sense_sememes`: the distinct sememes of each sense, in definition order.
    - `sememes`: the sememes of both, with the number of senses (of `senses`) that have them.
    - `relations`: the sememe taxonomy, where one was given.
    - `babelnet_synsets`, `babelnet_relations`: BabelNet's synsets with sememes, where they were given.
    - `collisions`: pieces whose forms gave the same row at first, and how they were told apart.
    - `rejects`: records that could not be read; `line` counts from 1.
    """
    tables: dict[str, list[tuple[str, pa.DataType]]] = {
        "pieces": [
            ("piece_id", _ID),
            ("piece", _TEXT),
            ("surface", _TEXT),
            ("kind", _TEXT),
            ("starts_word", pa.bool_()),
            ("script", _TEXT),
            ("folded", _TEXT),
            ("rule", _TEXT),
            ("n_senses", _ID),
            ("n_terms", _ID),
        ],
        "frequencies": [("piece_id", _ID), ("frequency", pa.float64()), ("rank", _ID)],
        "matches": [
            ("piece_id", _ID),
            ("part", _ID),
            ("start", _ID),
            ("stop", _ID),
            ("role", _TEXT),
            ("form", _TEXT),
            ("source", _TEXT),
            ("steps", pa.list_(_TEXT)),
            ("sense_ids", pa.list_(_ID)),
        ],
        "unit_rows": [
            ("piece_id", _ID),
            ("term", _ID),
            ("amplitude", pa.float32()),
            ("unit_ids", pa.list_(_ID, order)),
        ],
        "units": [
            ("unit_id", _ID),
            ("kind", _TEXT),
            ("text", _TEXT),
            ("sites", pa.list_(_ID)),
            ("n_pieces", _ID),
        ],
        "dictionaries": [
            ("source", _TEXT),
            ("version", _TEXT),
            ("table", _TEXT),
            ("n_senses", _ID),
            ("n_rejects", _ID),
            ("content_sha256", _TEXT),
        ],
        "senses": _SENSE,
        "morphemes": _SENSE,
        "definitions": [("definition_id", _ID), ("definition", _TEXT), ("n_senses", _ID)],
        "definition_sememes": [
            ("definition_id", _ID),
            ("place", _ID),
            ("sememe_id", _ID),
            ("depth", _ID),
            ("role", _TEXT),
            ("parent", _ID),
        ],
        "sense_sememes": [("sense_id", _ID), ("place", _ID), ("sememe_id", _ID)],
        "sememes": [
            ("sememe_id", _ID),
            ("sememe", _TEXT),
            ("en", _TEXT),
            ("zh", _TEXT),
            ("n_senses", _ID),
        ],
        "relations": [("sememe", _TEXT), ("relation", _TEXT), ("other", _TEXT)],
        "babelnet_synsets": [
            ("synset_id", _TEXT),
            ("pos", _TEXT),
            *((name, pa.list_(_TEXT)) for name in TEXT_LISTS),
        ],
        "babelnet_relations": [("synset_id", _TEXT), ("relation", _TEXT), ("other", _TEXT)],
        "collisions": [("piece_id", _ID), ("other_piece_id", _ID), ("resolution", _TEXT)],
        "rejects": [("file", _TEXT), ("line", _ID), ("reason", _TEXT)],
    }
    return {
        name: pa.schema([pa.field(*column, nullable=column[0] in NULLABLE) for column in columns])
        for name, columns in tables.items()
    }


_SENSE: list[tuple[str, pa.DataType]] = [
    ("sense_id", _ID),
    ("definition_id", _ID),
    *((name, _TEXT) for name in SENSE_FIELDS),
    ("version", _TEXT),
]


def schemas_sha256() -> str:
    """Give the digest of all schemas as text (at order 3), by which a change is noticed."""
    text = "\n".join(f"{name}: {schema.to_string()}" for name, schema in sorted(schemas(3).items()))
    return hashlib.sha256(text.encode()).hexdigest()
