"""The tables on disk: their columns, their references, their digests, and that equal input gives equal bytes."""

import hashlib
import json
import shutil

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.build import BuildInputs, build_tables
from see_kb.alignment.units import UnitOptions
from see_kb.errors import FormatError, SeeError
from see_kb.tables.manifest import MANIFEST, SCHEMA_VERSION, read_manifest
from see_kb.tables.schema import NULLABLE, SCHEMA_SHA256, schemas, schemas_sha256
from see_kb.tables.store import read_senses, read_table, write_database
from tests.shared_data import HOWNET, RESOURCES, needs_shared
from tests.small_data import BAD_RECORD_LINE, PIECES, SENSES, small_inputs

NAMES = sorted(schemas(3))
REFERENCES = (
    ("matches", "piece_id", "pieces", "piece_id"),
    ("unit_rows", "piece_id", "pieces", "piece_id"),
    ("unit_rows", "unnest(unit_ids)", "units", "unit_id"),
    ("sense_sememes", "sense_id", "senses", "sense_id"),
    ("sense_sememes", "sememe_id", "sememes", "sememe_id"),
    ("collisions", "piece_id", "pieces", "piece_id"),
    ("collisions", "other_piece_id", "pieces", "piece_id"),
)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def parquet_digests(folder):
    return {path.name: digest(path) for path in sorted(folder.glob("*.parquet"))}


def rows(folder, name):
    return read_table(folder, name).to_pylist()


@pytest.fixture
def copied(small_tables, tmp_path):
    return shutil.copytree(small_tables, tmp_path / "copied")


def test_a_change_of_the_schemas_is_a_change_of_their_version():
    assert SCHEMA_SHA256[SCHEMA_VERSION] == schemas_sha256(), "raise SCHEMA_VERSION and register the new digest"


@pytest.mark.parametrize("name", NAMES)
def test_each_file_has_its_schema_and_metadata(small_tables, name):
    schema = pq.read_schema(small_tables / f"{name}.parquet")
    assert schema.remove_metadata() == schemas(3)[name]
    assert {field.name for field in schema if field.nullable} <= NULLABLE
    metadata = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    manifest = json.loads((small_tables / MANIFEST).read_text(encoding="utf-8"))
    assert metadata["schema_version"] == str(SCHEMA_VERSION)
    assert metadata["lexicon_sha256"] == manifest["lexicon"]["content_sha256"]
    assert metadata["tokenizer_sha256"] == digest(small_tables / manifest["tokenizer"]["copy"])


def test_there_is_one_file_for_each_schema_and_the_manifest_knows_its_digest(small_tables):
    manifest = read_manifest(small_tables)
    assert {path.stem for path in small_tables.glob("*.parquet")} == set(NAMES) == set(manifest["tables"])
    for name, described in manifest["tables"].items():
        assert described["sha256"] == digest(small_tables / f"{name}.parquet")
        assert described["rows"] == pq.read_metadata(small_tables / f"{name}.parquet").num_rows


@pytest.mark.parametrize("order", [2, 4])
def test_rows_have_a_unit_for_each_site_whatever_the_order(tmp_path, order):
    inputs = small_inputs(tmp_path)
    options = UnitOptions(order=order)
    folder = build_tables(
        BuildInputs(inputs.dictionaries, inputs.tokenizer, None, inputs.morphemes, options, only=True), tmp_path / "t"
    ).folder
    field = pq.read_schema(folder / "unit_rows.parquet").field("unit_ids")
    assert field.type == pa.list_(pa.int32(), order)
    assert all(len(row["unit_ids"]) == order for row in rows(folder, "unit_rows"))


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: f"{reference[0]}.{reference[1]}")
def test_every_id_refers_to_a_row(small_tables, reference):
    table, column, other, key = reference
    ((n, dangling),) = duckdb.sql(
        f"""SELECT count(*) AS n, count(*) FILTER (id NOT IN
            (SELECT {key} FROM '{small_tables / other}.parquet')) AS dangling
            FROM (SELECT {column} AS id FROM '{small_tables / table}.parquet')"""
    ).fetchall()
    assert dangling == 0
    assert n > 0


def test_senses_of_matches_are_rows_of_the_table_that_their_source_names(small_tables):
    sizes = {"lexicon": len(rows(small_tables, "senses")), "morphemes": len(rows(small_tables, "morphemes"))}
    matches = rows(small_tables, "matches")
    assert {match["source"] for match in matches} == set(sizes)
    for match in matches:
        assert match["sense_ids"]
        assert all(0 <= sense_id < sizes[match["source"]] for sense_id in match["sense_ids"])


@pytest.mark.parametrize(
    ("table", "key"), [("pieces", "piece_id"), ("units", "unit_id"), ("senses", "sense_id"), ("sememes", "sememe_id")]
)
def test_ids_are_dense_from_0_and_in_order(small_tables, table, key):
    ids = [row[key] for row in rows(small_tables, table)]
    assert ids == list(range(len(ids)))


def test_every_piece_is_there_with_its_rule_and_terms(small_tables):
    pieces = rows(small_tables, "pieces")
    assert [(piece["piece"], piece["rule"]) for piece in pieces] == [(text, rule) for text, _, rule in PIECES]
    terms = [row["piece_id"] for row in rows(small_tables, "unit_rows")]
    assert terms == sorted(terms)
    assert [piece["n_terms"] for piece in pieces] == [terms.count(number) for number in range(len(PIECES))]
    senses = dict.fromkeys(range(len(PIECES)), 0)
    for match in rows(small_tables, "matches"):
        senses[match["piece_id"]] += len(match["sense_ids"])
    assert [piece["n_senses"] for piece in pieces] == list(senses.values())


def test_sememes_are_counted_by_senses(small_tables):
    sememes = {row["sememe"]: row for row in rows(small_tables, "sememes")}
    assert list(sememes) == sorted(sememes)
    assert sememes["human|人"]["n_senses"] == 2
    assert sememes["China|中国"]["n_senses"] == 1
    assert sememes["again|再"]["n_senses"] == 0  # of the affixes only
    assert all((row["en"], row["zh"]) == tuple(row["sememe"].split("|")) for row in sememes.values())
    assert len(sememes) == 17  # 13 of the senses and, but for `human`, the affixes' four
    second = [row for row in rows(small_tables, "sense_sememes") if row["sense_id"] == 1]
    names = {row["sememe_id"]: name for name, row in sememes.items()}
    assert [names[row["sememe_id"]] for row in second] == ["human|人", "Occupation|职位", "medical|医", "cure|医治"]


def test_rejects_name_their_file_and_line(small_tables):
    (reject,) = rows(small_tables, "rejects")
    assert (reject["file"], reject["line"]) == ("words.txt", BAD_RECORD_LINE)
    assert "never closed" in reject["reason"]


def test_senses_are_read_back_as_they_were_written(small_tables):
    lexicon = read_senses(small_tables, "senses")
    assert len(lexicon.senses) == len(SENSES)
    assert lexicon.content_sha256 == read_manifest(small_tables)["lexicon"]["content_sha256"]


def test_a_second_build_is_byte_identical_wherever_its_files_lie(small_tables, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    second = build_tables(small_inputs(elsewhere), tmp_path / "another name").folder
    assert parquet_digests(second) == parquet_digests(small_tables)
    assert (second / MANIFEST).read_bytes() == (small_tables / MANIFEST).read_bytes()


@needs_shared
def test_openhownets_resources_give_the_same_tables(tmp_path):
    small = small_inputs(tmp_path)
    folders = [
        build_tables(
            BuildInputs((hownet,), small.tokenizer, morphemes=small.morphemes, only=True), tmp_path / name
        ).folder
        for name, hownet in (("text", HOWNET), ("pickle", RESOURCES))
    ]
    assert parquet_digests(folders[0]) == parquet_digests(folders[1])


def test_the_database_holds_the_same_rows_and_can_be_rebuilt(small_tables, tmp_path):
    write_database(small_tables, tmp_path / "again.duckdb")
    for file in (small_tables / "tables.duckdb", tmp_path / "again.duckdb"):
        with duckdb.connect(str(file), read_only=True) as connection:
            for name in NAMES:
                query = f'FROM "{name}"'
                assert (
                    connection.sql(query).fetchall() == duckdb.sql(f"FROM '{small_tables / name}.parquet'").fetchall()
                )
            found = connection.sql("SELECT DISTINCT sememe FROM piece_sememes WHERE piece = '▁unbreakable'").fetchall()
            assert {name for (name,) in found} == {"neg|否", "break|折断", "pause|暂停", "able|能"}
            sites = connection.sql("SELECT site FROM piece_units WHERE piece = '▁man' AND term = 0 ORDER BY site")
            assert sites.fetchall() == [(0,), (1,), (2,)]


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_table_is_noticed(copied, name):
    file = copied / f"{name}.parquet"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(FormatError, match="damaged") as caught:
        read_table(copied, name)
    assert str(caught.value).startswith(f"{file}:")


def test_a_missing_table_is_named(copied):
    (copied / "units.parquet").unlink()
    with pytest.raises(SeeError, match=r"units\.parquet"):
        read_table(copied, "units")
    with pytest.raises(SeeError, match="nonsense"):
        read_table(copied, "nonsense")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", "null", "{}", '{"schema_version": 0}', '{"schema_version": 999, "tables": {}}']
)
def test_a_damaged_manifest_is_refused_by_name(copied, text):
    (copied / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        read_table(copied, "units")
    assert str(caught.value).startswith(f"{copied / MANIFEST}:")


def test_a_manifest_without_tables_is_refused(copied):
    (copied / MANIFEST).write_text(json.dumps({"schema_version": SCHEMA_VERSION}), encoding="utf-8")
    with pytest.raises(SeeError):
        read_table(copied, "units")


def test_a_folder_without_a_manifest_is_no_folder_of_tables(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SeeError, match="see build"):
            read_manifest(folder)
