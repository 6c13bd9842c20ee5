"""How much of a vocabulary has a meaning: pieces by rule and script, and by frequency where a list is given.

Only pieces that stand for words or parts of words are in a denominator; special, byte, digit and punctuation
pieces are counted apart. A piece is covered if any rule but `none` found it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from see_kb.alignment.align import RULES, WORD_RULES
from see_kb.tables.manifest import read_manifest, tokenizer_copy
from see_kb.tables.query import plain_rows
from see_kb.tables.store import read_table
from see_kb.tables.views import BANDS
from see_kb.vocabulary.frequency import piece_frequencies, read_frequencies


@dataclass(frozen=True)
class Coverage:
    """Counts of pieces.

    `by_script` and `by_kind` have a row for each script or kind and `all`, with the number of pieces by rule,
    `words` (the denominator), `covered` and `share`. With a frequency list, `by_frequency` has the same for bands
    of frequency rank (among the denominator's pieces), and `running_text` the same for the pieces of running
    text, each counted as often as it occurs, by script; otherwise both are None.
    """

    by_script: pd.DataFrame
    by_kind: pd.DataFrame
    by_frequency: pd.DataFrame | None = None
    running_text: pd.DataFrame | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the tables as lists of rows, for JSON."""
        tables = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: plain_rows(table) for name, table in tables.items() if table is not None}


def measure_coverage(folder: Path, frequency: Path | None = None) -> Coverage:
    """Count the pieces of a folder of tables by rule, script, kind and, with a list of words, by frequency.

    Raises:
        SeeError: the folder holds no tables, or the list cannot be used (see `frequency`).
        FormatError: a table or the list is damaged.
    """
    connection = duckdb.connect()
    connection.register("pieces", read_table(folder, "pieces"))
    by_script = _counts(connection, "script", "pieces")
    by_kind = _counts(connection, "kind", "pieces")
    if frequency is None:
        return Coverage(by_script, by_kind)
    connection.register("frequencies", _frequency_table(folder, frequency))
    connection.execute(_RANKED)
    bands = _counts(connection, "band", "ranked").sort_values("band", key=_band_order, ignore_index=True)
    return Coverage(by_script, by_kind, bands, connection.sql(_RUNNING_TEXT).df())


_WORDS = ", ".join(f"'{rule}'" for rule in WORD_RULES)

_BAND = " ".join(f"WHEN rank <= {top} THEN 'rank to {top}'" for top in BANDS)

_RANKED = f"""
    CREATE TEMP VIEW ranked AS
    SELECT *, CASE WHEN rule NOT IN ({_WORDS}) THEN 'no word' WHEN frequency = 0 THEN 'not in list'
                   {_BAND} ELSE 'rank over {BANDS[-1]}' END AS band
    FROM (SELECT *, rank() OVER (PARTITION BY rule IN ({_WORDS}) ORDER BY frequency DESC, piece_id) AS rank
          FROM pieces JOIN frequencies USING (piece_id))"""  # noqa: S608 - our own constants

_RUNNING_TEXT = f"""
    SELECT coalesce(script, 'all') AS script, sum(frequency) AS frequency,
           coalesce(sum(frequency) FILTER (rule <> 'none'), 0) AS covered,
           coalesce(sum(frequency) FILTER (rule <> 'none'), 0) / nullif(sum(frequency), 0) AS share
    FROM ranked WHERE rule IN ({_WORDS}) GROUP BY ROLLUP (script)
    HAVING sum(frequency) > 0 ORDER BY grouping(script) DESC, frequency DESC, script"""  # noqa: S608


def _counts(connection: duckdb.DuckDBPyConnection, column: str, table: str) -> pd.DataFrame:
    """Count pieces by one column and by rule; `column` and `table` are names of ours."""
    rules = ", ".join(f"count(*) FILTER (rule = '{rule}') AS {rule}" for rule in RULES)
    words = f"count(*) FILTER (rule IN ({_WORDS}))"
    counts: pd.DataFrame = connection.sql(
        f"""
        SELECT coalesce({column}, 'all') AS {column}, count(*) AS pieces, {rules}, {words} AS words,
               {words} - none AS covered, round(({words} - none) / nullif({words}, 0), 4) AS share
        FROM {table} GROUP BY ROLLUP ({column}) ORDER BY grouping({column}) DESC, pieces DESC, {column}"""  # noqa: S608
    ).df()
    return counts


def _frequency_table(folder: Path, frequency: Path) -> pa.Table:
    tokenizer = read_manifest(folder)["tokenizer"]
    path, words = tokenizer_copy(folder), read_frequencies(frequency)
    counts = piece_frequencies(words, path, tokenizer["format"], tokenizer["n_pieces"])
    return pa.table({"piece_id": range(len(counts)), "frequency": counts})


def _band_order(bands: "pd.Series[str]") -> "pd.Series[int]":
    order = ["all", *(f"rank to {top}" for top in BANDS), f"rank over {BANDS[-1]}", "not in list", "no word"]
    return bands.map(order.index)
