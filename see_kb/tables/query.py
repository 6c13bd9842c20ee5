"""SQL over a folder of tables that can neither change anything nor reach anything else.

The tables are opened from the DuckDB file, read-only, or else copied from Parquet into memory; before the user's
query runs, access to files, network and Python's variables is switched off and the settings are locked.
"""

import math
import re
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from see_kb.errors import SeeError
from see_kb.tables.manifest import read_manifest
from see_kb.tables.store import DATABASE, fill_database

_ALLOWED = frozenset({"SELECT", "EXPLAIN", "RELATION"})
_ANALYSES = re.compile(r"\bexplain\b.*?\banaly[sz]e\b", re.IGNORECASE | re.DOTALL)
_LOCKS = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET python_enable_replacements = false",
    "SET temp_directory = ''",
    "SET memory_limit = '4GB'",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def run_query(folder: Path, query: str) -> pd.DataFrame:
    """Run one SELECT (or DESCRIBE, SUMMARIZE, EXPLAIN, WITH …) over the tables of a folder.

    Raises:
        SeeError: the folder holds no tables, or the query is none that only reads, or DuckDB refuses it.
    """
    read_manifest(folder)
    try:
        with _open(folder) as connection:
            for lock in _LOCKS:
                connection.execute(lock)
            statements = connection.extract_statements(query)
            kinds = [statement.type.name for statement in statements]
            # EXPLAIN ANALYZE carries out what it explains.
            if len(kinds) != 1 or kinds[0] not in _ALLOWED or (kinds == ["EXPLAIN"] and _ANALYSES.search(query)):
                raise SeeError(f"{query!r}: only one reading statement is run; write a single SELECT")
            relation = connection.sql(query)
            if relation is None:
                raise SeeError(f"{query!r}: gives no rows; write a SELECT")
            # Not relation.df(), which makes floats of the large integers that sums are.
            return pd.DataFrame(relation.fetchall(), columns=_distinct(relation.columns), dtype=object).infer_objects()
    except duckdb.Error as error:
        message = str(error).strip().split("\n\n")[0].replace("\n", " ")
        raise SeeError(f"{folder}: {message}; `see sql 'SHOW TABLES'` lists what there is") from error


def _distinct(names: list[str]) -> list[str]:
    """Names as they are, but for those that came before: `a`, `a` become `a`, `a_1`."""
    distinct: list[str] = []
    for name in names:
        while name in distinct:
            name += "_1"
        distinct.append(name)
    return distinct


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a result as dicts of plain values: what JSON lacks becomes text, a missing number None."""
    columns = {str(name): [_plain(value) for value in frame[name].tolist()] for name in frame.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)


def _open(folder: Path) -> duckdb.DuckDBPyConnection:
    file = folder / DATABASE
    try:
        return duckdb.connect(str(file), read_only=True)
    except duckdb.Error:  # missing, damaged, or held by a writer: Parquet is the artefact
        connection = duckdb.connect()
        fill_database(connection, folder)
        return connection
