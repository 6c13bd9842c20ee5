"""Rules for a folder of tables, each a query that finds what breaks it."""

from pathlib import Path

from see_kb.checks.finding import Finding
from see_kb.tables.query import run_query

RULES: dict[str, tuple[str, str]] = {
    "collision": (
        "The forms of two pieces gave the same row at first.",
        """SELECT p.piece AS place, 'met ' || o.piece || '; resolved by ' || c.resolution AS detail
           FROM collisions c JOIN pieces p USING (piece_id) JOIN pieces o ON o.piece_id = c.other_piece_id
           ORDER BY c.piece_id""",
    ),
    "shared-row": (
        "Two pieces have the same row.",
        """SELECT min(piece) AS place, count(*) || ' pieces have its terms' AS detail
           FROM (SELECT piece_id, list((amplitude, unit_ids) ORDER BY term) AS terms FROM unit_rows GROUP BY piece_id)
           JOIN pieces USING (piece_id) GROUP BY terms HAVING count(*) > 1 ORDER BY 1""",
    ),
    "orphan-unit": (
        "A unit stands in no row.",
        """SELECT text AS place, kind AS detail FROM units
           WHERE unit_id NOT IN (SELECT unnest(unit_ids) FROM unit_rows) ORDER BY unit_id""",
    ),
    "piece-without-row": (
        "A piece has no row.",
        """SELECT piece AS place, kind AS detail FROM pieces
           WHERE piece_id NOT IN (SELECT piece_id FROM unit_rows) ORDER BY piece_id""",
    ),
    "rejected-record": (
        "A record of a dictionary could not be read.",
        "SELECT file || ':' || line AS place, reason AS detail FROM rejects",
    ),
}
"""By code: what is wrong, and a query with the columns `place` and `detail`."""

RESOLVED = frozenset({"collision"})
"""Rules whose findings were dealt with when the tables were built."""


def check_tables(folder: Path) -> list[Finding]:
    """Hold a folder of tables against every rule, in the order of the rules.

    Raises:
        SeeError: the folder holds no tables.
    """
    return [
        Finding(code, -1, str(row.detail), str(row.place))
        for code, (_, query) in RULES.items()
        for row in run_query(folder, query).itertuples()
    ]
