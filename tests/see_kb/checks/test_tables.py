"""The rules that a folder of tables is held against."""

from see_kb.checks.tables import check_tables
from tests.small_data import BAD_RECORD_LINE


def test_the_small_tables_break_only_the_rules_that_they_should(small_tables):
    findings = check_tables(small_tables)
    assert {finding.code for finding in findings} <= {"collision", "rejected-record"}
    (rejected,) = (finding for finding in findings if finding.code == "rejected-record")
    assert rejected.place == f"words.txt:{BAD_RECORD_LINE}"
    assert "never closed" in rejected.detail


def test_each_rule_finds_what_breaks_it(small_tables, monkeypatch):
    import duckdb

    from see_kb.tables import query
    from see_kb.tables.store import fill_database

    def broken(_folder):
        connection = duckdb.connect()
        fill_database(connection, small_tables)
        connection.execute("INSERT INTO units VALUES (9999, 'sememe', 'lonely|孤', [0], 0)")
        connection.execute("DELETE FROM unit_rows WHERE piece_id = 3")
        connection.execute(
            "UPDATE unit_rows SET unit_ids = (SELECT unit_ids FROM unit_rows WHERE piece_id = 15) WHERE piece_id = 16"
        )
        connection.execute("INSERT INTO collisions VALUES (8, 9, 'a longer first part')")
        return connection

    monkeypatch.setattr(query, "_open", broken)
    found = {(finding.code, finding.place) for finding in check_tables(small_tables)}
    assert {("orphan-unit", "lonely|孤"), ("piece-without-row", "▁man"), ("collision", "人")} <= found
    assert any(code == "shared-row" for code, _ in found)
