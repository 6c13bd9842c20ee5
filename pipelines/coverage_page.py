"""Coverage as one self-contained page: plots, and a table of all pieces to search and filter. It loads nothing."""

import html
import json
from pathlib import Path
from string import Template
from typing import Any

from pipelines.whole_files import write_text
from see_kb.errors import SeeError
from see_kb.tables.manifest import read_manifest
from see_kb.tables.query import plain_rows, run_query

TEMPLATE = Path(__file__).with_name("templates") / "coverage.html"

PLOTS = {
    "Rule": "SELECT rule AS name, words, share FROM coverage_by_rule",
    "Script": "SELECT script AS name, words, share FROM coverage_by_script WHERE words >= 10 LIMIT 12",
    "Length": "SELECT length AS name, words, share FROM coverage_by_length WHERE length <= 16",
    "Frequency": "SELECT band AS name, words, share FROM coverage_by_band",
    "Kind": "SELECT kind AS name, words, share FROM coverage_by_kind",
}
"""What is plotted: bars of `share` (of all pieces for rules, else of those with the name), and numbers of `words`."""

_PIECES = """
    SELECT p.piece, p.script, p.rule, coalesce(m.forms, '') AS forms, coalesce(s.sememes, '') AS sememes, w.rank
    FROM pieces p
    LEFT JOIN (SELECT piece_id, string_agg(form, ' + ' ORDER BY part) AS forms FROM matches GROUP BY piece_id) m
      USING (piece_id)
    LEFT JOIN (SELECT piece_id, string_agg(DISTINCT sememe, ', ' ORDER BY sememe) AS sememes FROM piece_sememes
               GROUP BY piece_id) s USING (piece_id)
    LEFT JOIN (SELECT piece_id, rank FROM frequencies WHERE rank > 0) w USING (piece_id)
    ORDER BY p.piece_id"""

MAX_SEMEMES = 200
"""Characters of sememes that a row of the table shows."""


def write_page(tables: Path, target: Path) -> None:
    """Write the page of a folder of tables.

    Raises:
        SeeError: the folder holds no tables, or the page's place does not exist or is a folder.
        OSError: the page cannot be written.
    """
    manifest = read_manifest(tables)
    if not target.parent.is_dir():
        raise SeeError(f"{target.parent}: no such folder; make it first")
    if target.is_dir():
        raise SeeError(f"{target}: a folder; name a file")
    pieces = [
        [row["piece"], row["script"], row["rule"], row["forms"], _cut(row["sememes"]), row["rank"]]
        for row in plain_rows(run_query(tables, _PIECES))
    ]
    total = plain_rows(run_query(tables, "SELECT count(*) AS words, avg(covered::INT) AS share FROM word_pieces"))[0]
    tokenizer, lexicon = manifest["tokenizer"], manifest["lexicon"]
    page = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=html.escape(f"Coverage of {tokenizer['name']} by {lexicon['name']}"),
        summary=f"{total['words']:,} pieces stand for words or parts of words, "
        f"{total['share'] or 0:.1%} of them have a meaning.",
        plots="\n".join(_plot(name, plain_rows(run_query(tables, query))) for name, query in PLOTS.items()),
        # `</script` would end the script that holds the data, `<!--` with `<script` keep it from ending
        data=json.dumps(pieces, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    )
    write_text(target, page)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SEMEMES else text[:MAX_SEMEMES] + "…"


def _plot(name: str, rows: list[dict[str, Any]]) -> str:
    """A plot of horizontal bars in SVG."""
    bars = []
    for line, row in enumerate(rows):
        y, width = 20 * line, 200 * (row["share"] or 0.0)
        bars.append(
            f'<text x="118" y="{y + 14}" text-anchor="end">{html.escape(str(row["name"]))}</text>'
            f'<rect x="124" y="{y + 3}" width="{width:.1f}" height="14"/>'
            f'<text x="{130 + width:.1f}" y="{y + 14}">{row["share"] or 0:.1%} ({row["words"]:,})</text>'
        )
    height = 20 * max(len(rows), 1)
    return (
        f"<figure><figcaption>{name}</figcaption>"
        f'<svg viewBox="0 0 460 {height}" width="460" height="{height}" role="img">{"".join(bars)}</svg></figure>'
    )
