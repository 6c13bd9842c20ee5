"""Results laid out for people: what the commands print where no `--json` is asked for."""

from rich.markup import escape
from rich.table import Table

from pipelines.console import frame_table
from see_kb.knowledge.lookup import Found
from see_kb.tables.coverage import Coverage


def coverage_tables(coverage: Coverage) -> list[Table]:
    """Lay out coverage: by script, by kind, and by frequency where it was measured."""
    tables = [
        frame_table("Pieces by script and rule", coverage.by_script),
        frame_table("Pieces by kind and rule", coverage.by_kind),
    ]
    if coverage.by_frequency is not None:
        tables.append(frame_table("Pieces by frequency rank and rule", coverage.by_frequency))
    if coverage.running_text is not None:
        tables.append(frame_table("Running text by script", coverage.running_text))
    return tables


def found_table(found: Found) -> Table | str:
    """Lay out a word's senses; each distinct pair of words and definition once."""
    if not found.parts:
        return escape(f"{found.word}: not found")
    table = Table(title=escape(f"{found.word}: {found.rule}"), title_justify="left", title_style="bold")
    for name in ("part", "English", "Chinese", "part of speech", "sememes", "definition"):
        table.add_column(name)
    rows = dict.fromkeys(
        (
            f"{part.text} = {part.form}" if part.text != part.form else part.form,
            sense.en_word,
            sense.zh_word,
            sense.en_pos or sense.zh_pos,
            ", ".join(sense.sememes),
            sense.definition,
        )
        for part in found.parts
        for sense in part.senses
    )
    for row in rows:
        table.add_row(*map(escape, row))
    return table
