"""What the tables hold: their columns, their order, and the version that both have together.

A change to a table's columns, their types or their order is a change of `SCHEMA_VERSION`; a test compares the
digest of all schemas with the one that is registered here for the version.
"""

import hashlib

import pyarrow as pa

from see_kb.lexicon import SENSE_FIELDS

SCHEMA_VERSION = 1
SCHEMA_SHA256 = {1: "109996c9c6098bcc68f1fdacc8e9c4884aa2957caa5b9eda5c28d1bd070f2ad4"}

_TEXT = pa.string()
_ID = pa.int32()


def schemas(order: int) -> dict[str, pa.Schema]:
    """Give the schema of each table, for rows of `order` sites. Ids count from 0 and are dense.

    - `pieces`: the tokenizer's vocabulary, by piece_id, with the rule that aligned it.
    - `matches`: the dictionary words (and affixes) behind a piece, in the order of its text; `start` and `stop`
      delimit the stretch of `folded`; `sense_ids` are rows of `senses`, or of `affixes` by `source`.
    - `unit_rows`: the terms of each piece's row, by piece_id and term.
    - `units`: what owns a core, at each of its `sites`.
    - `senses`, `affixes`: the dictionary and the affix table, in source order.
    - `sense_sememes`: the sememes of each sense, in definition order.
    - `sememes`: the sememes of both, with the number of senses (of `senses`) that have them.
    - `relations`: the sememe taxonomy, where one was given.
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
        "matches": [
            ("piece_id", _ID),
            ("part", _ID),
            ("start", _ID),
            ("stop", _ID),
            ("role", _TEXT),
            ("form", _TEXT),
            ("source", _TEXT),
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
        "senses": [("sense_id", _ID), *_SENSE],
        "affixes": [("sense_id", _ID), *_SENSE],
        "sense_sememes": [("sense_id", _ID), ("place", _ID), ("sememe_id", _ID)],
        "sememes": [
            ("sememe_id", _ID),
            ("sememe", _TEXT),
            ("en", _TEXT),
            ("zh", _TEXT),
            ("n_senses", _ID),
        ],
        "relations": [("sememe", _TEXT), ("relation", _TEXT), ("other", _TEXT)],
        "collisions": [("piece_id", _ID), ("other_piece_id", _ID), ("resolution", _TEXT)],
        "rejects": [("file", _TEXT), ("line", _ID), ("reason", _TEXT)],
    }
    return {
        name: pa.schema([pa.field(*column, nullable=False) for column in columns]) for name, columns in tables.items()
    }


_SENSE: list[tuple[str, pa.DataType]] = [(name, _TEXT) for name in SENSE_FIELDS]


def schemas_sha256() -> str:
    """Give the digest of all schemas as text (at order 3), by which a change is noticed."""
    text = "\n".join(f"{name}: {schema.to_string()}" for name, schema in sorted(schemas(3).items()))
    return hashlib.sha256(text.encode()).hexdigest()
