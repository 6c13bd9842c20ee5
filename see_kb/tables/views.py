"""Views over the tables, in the DuckDB file and in every query: coverage by whatever one asks, pieces and sememes.

Coverage counts pieces that stand for words or parts of words (`word_pieces`); one is covered if any rule but `none`
found it. Each `coverage_by_…` has the columns `words`, `covered` and `share`.
"""

from see_kb.alignment.align import WORD_RULES

BANDS = (100, 1_000, 5_000, 10_000, 20_000)
"""Upper ranks of the frequency bands; the last one is open."""

_RULES = ", ".join(f"'{rule}'" for rule in WORD_RULES)
_BAND = " ".join(f"WHEN rank <= {top} THEN 'rank to {top}'" for top in BANDS)


def _coverage_by(column: str, order: str) -> str:
    return f"""
        SELECT {column}, count(*) AS words, count(*) FILTER (covered) AS covered,
               count(*) FILTER (covered) / count(*) AS share
        FROM word_pieces GROUP BY {column} ORDER BY {order}"""  # noqa: S608 - our own names


VIEWS = {
    "word_pieces": f"""
        SELECT p.piece_id, p.piece, p.folded, p.kind, p.script, p.starts_word, p.rule, p.rule <> 'none' AS covered,
               length(p.folded) AS length, f.frequency, f.rank,
               CASE WHEN f.rank IS NULL THEN 'no list' WHEN f.frequency = 0 THEN 'not in list' {_BAND}
                    ELSE 'rank over {BANDS[-1]}' END AS band
        FROM pieces p LEFT JOIN frequencies f USING (piece_id) WHERE p.rule IN ({_RULES})""",  # noqa: S608
    "coverage_by_rule": """
        SELECT rule, count(*) AS words, count(*) FILTER (covered) AS covered,
               count(*) / sum(count(*)) OVER () AS share
        FROM word_pieces GROUP BY rule ORDER BY words DESC, rule""",
    "coverage_by_script": _coverage_by("script", "words DESC, script"),
    "coverage_by_kind": _coverage_by("kind", "words DESC, kind"),
    "coverage_by_length": _coverage_by("length", "length"),
    "coverage_by_band": _coverage_by("band", "min(rank), band"),
    "uncovered_pieces": """
        SELECT piece_id, piece, script, length, frequency, rank
        FROM word_pieces WHERE NOT covered ORDER BY frequency DESC NULLS LAST, piece_id""",
    "piece_sememes": """
        SELECT DISTINCT p.piece_id, p.piece, m.part, m.form, m.role, s.sememe
        FROM pieces p
        JOIN matches m USING (piece_id)
        JOIN (SELECT piece_id, part, source, unnest(sense_ids) AS sense_id FROM matches) l
          ON l.piece_id = m.piece_id AND l.part = m.part
        JOIN (SELECT 'lexicon' AS source, sense_id, definition_id FROM senses
              UNION ALL SELECT 'morphemes', sense_id, definition_id FROM morphemes) d
          ON d.source = l.source AND d.sense_id = l.sense_id
        JOIN definition_sememes ds ON ds.definition_id = d.definition_id
        JOIN sememes s USING (sememe_id)""",
    "sememe_pieces": """
        SELECT sememe, count(DISTINCT piece_id) AS n_pieces FROM piece_sememes GROUP BY sememe
        ORDER BY n_pieces DESC, sememe""",
    "piece_units": """
        SELECT r.piece_id, p.piece, r.term, r.amplitude, u.site, un.kind, un.text
        FROM unit_rows r
        JOIN pieces p USING (piece_id),
        LATERAL (SELECT unnest(r.unit_ids) AS unit_id, generate_subscripts(r.unit_ids, 1) - 1 AS site) u
        JOIN units un ON un.unit_id = u.unit_id""",
}
"""Queries by the view's name; a view stands behind those that it reads."""
