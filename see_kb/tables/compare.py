"""Two folders of tables side by side: two vocabularies with one dictionary, or two dictionaries with one vocabulary."""

from pathlib import Path

import duckdb
import pandas as pd

from see_kb.alignment.align import WORD_RULES
from see_kb.tables.manifest import read_manifest
from see_kb.tables.store import read_table

EXAMPLES = 20
"""Pieces that are shown of those that only one side covers."""

_RULES = ", ".join(f"'{rule}'" for rule in WORD_RULES)

_BY_SCRIPT = f"""
    WITH sides AS (
        SELECT 'this' AS side, script, rule FROM these WHERE rule IN ({_RULES})
        UNION ALL SELECT 'other', script, rule FROM others WHERE rule IN ({_RULES}))
    SELECT script, count(*) FILTER (side = 'this') AS words,
           count(*) FILTER (side = 'this' AND rule <> 'none') / nullif(count(*) FILTER (side = 'this'), 0) AS share,
           count(*) FILTER (side = 'other') AS other_words,
           count(*) FILTER (side = 'other' AND rule <> 'none') / nullif(count(*) FILTER (side = 'other'), 0)
           AS other_share
    FROM sides GROUP BY script ORDER BY words + other_words DESC, script"""  # noqa: S608 - our own constants

_SHARED = """
    SELECT t.piece, t.folded, t.rule, o.rule AS other_rule
    FROM (SELECT DISTINCT ON (starts_word, surface) * FROM these ORDER BY piece_id) t
    JOIN (SELECT DISTINCT ON (starts_word, surface) * FROM others ORDER BY piece_id) o
      ON t.surface = o.surface AND t.starts_word = o.starts_word"""


def compare_coverage(folder: Path, other: Path) -> dict[str, pd.DataFrame]:
    """Compare the coverage of two folders of tables.

    Returns:
        `by_script`: words and share of each side. `by_rule`: the pieces that both vocabularies have, counted by the
        rules that aligned them on either side. `only_this` and `only_other`: the first of those that one side covers
        and the other does not.
    Raises:
        SeeError: one of the folders holds no tables.
        FormatError: a table is damaged.
    """
    for place in (folder, other):
        read_manifest(place)
    connection = duckdb.connect()
    connection.register("these", read_table(folder, "pieces"))
    connection.register("others", read_table(other, "pieces"))
    connection.execute(f"CREATE TEMP TABLE shared AS {_SHARED}")
    one_sided = "SELECT piece, rule, other_rule FROM shared WHERE {} = 'none' AND {} NOT IN ('none') LIMIT ?"
    return {
        "by_script": connection.sql(_BY_SCRIPT).df(),
        "by_rule": connection.sql(
            "SELECT rule, other_rule, count(*) AS pieces FROM shared GROUP BY ALL ORDER BY 3 DESC, 1, 2"
        ).df(),
        "only_this": connection.execute(one_sided.format("other_rule", "rule"), [EXAMPLES]).df(),
        "only_other": connection.execute(one_sided.format("rule", "other_rule"), [EXAMPLES]).df(),
    }
