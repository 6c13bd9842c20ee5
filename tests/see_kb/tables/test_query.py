"""SQL that only reads: what it must give, and what it must not be able to do."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from see_kb.errors import SeeError
from see_kb.tables.query import run_query
from tests.small_data import PIECES

SECRET = "see-what-python-knows"  # a variable that DuckDB could find in its caller's frames


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["database", "parquet only", "damaged database"])
def folder(request, small_tables, tmp_path, monkeypatch):
    """A folder of tables with its DuckDB file, without it, and with a damaged one; the working folder is empty."""
    copied = shutil.copytree(small_tables, tmp_path / "tables")
    if request.param == "parquet only":
        (copied / "tables.duckdb").unlink()
    elif request.param == "damaged database":
        (copied / "tables.duckdb").write_bytes(b"nothing of the kind" * 1000)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return copied


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT count(*) FROM pieces", [(len(PIECES),)]),
        ("SELECT piece FROM pieces WHERE rule = 'inflection'", [("▁dogs",)]),
        ("WITH p AS (SELECT * FROM pieces) SELECT rule FROM p WHERE piece_id = 3;", [("exact",)]),
        ("FROM pieces SELECT max(piece_id)", [(len(PIECES) - 1,)]),
        ("VALUES (1), (2)", [(1,), (2,)]),
        ("SELECT DISTINCT sememe FROM piece_sememes WHERE piece = '▁man'", [("human|人",)]),
        ("SELECT 1 WHERE false", []),
    ],
)
def test_a_query_gives_its_rows(folder, query, rows):
    assert list(run_query(folder, query).itertuples(index=False, name=None)) == rows


@pytest.mark.parametrize(
    "query", ["SHOW TABLES", "DESCRIBE pieces", "SUMMARIZE pieces", "EXPLAIN SELECT * FROM pieces"]
)
def test_the_tables_can_be_described(folder, query):
    assert len(run_query(folder, query)) > 0


FORBIDDEN = (
    "CREATE TABLE x (a INT)",
    "CREATE TEMP TABLE x (a INT)",
    "CREATE VIEW x AS SELECT 1",
    "CREATE MACRO x() AS 1",
    "INSERT INTO pieces SELECT * FROM pieces",
    "UPDATE pieces SET rule = 'none'",
    "DELETE FROM pieces",
    "DROP TABLE pieces",
    "ALTER TABLE pieces ADD COLUMN x INT",
    "COPY pieces TO 'x.csv'",
    "COPY (SELECT 1) TO 'x.parquet' (FORMAT parquet)",
    "EXPORT DATABASE 'x'",
    "IMPORT DATABASE 'x'",
    "ATTACH 'x.duckdb' AS x",
    "DETACH tables",
    "USE memory",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '1GB'",
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "PRAGMA enable_external_access",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN",
    "PREPARE x AS SELECT 1",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM 'https://example.org/x.parquet'",
    "SELECT * FROM sqlite_scan('x.db', 'y')",
    "SELECT getenv('HOME')",
    "SELECT * FROM SECRET",
    "SELECT * FROM copied",
    "SELECT * FROM python_rows",
    "EXPLAIN ANALYZE COPY pieces TO 'x.csv'",
    "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE pieces",
    "SELECT * FROM missing",
    "SELECT",
    "nonsense",
    "",
    ";",
    "-- nothing",
)


@pytest.mark.parametrize("query", FORBIDDEN)
def test_a_query_that_does_more_than_read_is_refused_in_one_line(folder, query):
    python_rows = duckdb.sql("SELECT 1 AS a").df()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(SeeError) as caught:
        run_query(folder, query)
    assert str(caught.value)
    assert "\n" not in str(caught.value)
    assert names(Path()) == []
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(python_rows) == 1


def test_a_query_that_cannot_be_computed_is_refused_in_one_line(folder):
    with pytest.raises(SeeError) as caught:
        run_query(folder, "SELECT CAST(piece AS INT) FROM pieces")
    assert "\n" not in str(caught.value)


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(SeeError, match="see build"):
        run_query(tmp_path, "SELECT 1")


def test_damaged_tables_are_refused_in_one_line(small_tables, tmp_path):
    copied = shutil.copytree(small_tables, tmp_path / "tables")
    (copied / "tables.duckdb").unlink()
    (copied / "pieces.parquet").write_bytes(b"nothing of the kind")
    with pytest.raises(SeeError) as caught:
        run_query(copied, "SELECT 1")
    assert "\n" not in str(caught.value)


def test_sums_are_whole_numbers(folder):
    total = run_query(folder, "SELECT sum(n_pieces) AS total FROM units")["total"][0]
    assert isinstance(int(total), int)
    assert not isinstance(total, float)


def test_times_with_a_zone_are_given(folder):
    (time,) = run_query(folder, "SELECT TIMESTAMPTZ '2026-01-02 03:04:05+02' AS time")["time"]
    assert time == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)


def test_a_plan_may_name_an_analysis(folder):
    assert len(run_query(folder, "EXPLAIN SELECT * FROM pieces WHERE piece = 'analysis'")) > 0
