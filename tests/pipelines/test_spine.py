"""The main job on real input: every sense read, every piece with a row of its own, the same bytes each time."""

import hashlib
import json

import duckdb
import pytest

from pipelines.build import BuildInputs, build_tables
from pipelines.factor_inputs import read_teacher
from pipelines.init import InitOptions, init_fitted
from see_kb.tables.coverage import measure_coverage
from see_kb.tables.manifest import read_manifest
from see_tn.fitting.als import FitOptions
from tests.pipelines.command import assert_one_line, see
from tests.shared_data import FREQUENCY, HOWNET, TAXONOMY, TEACHER, TOKENIZERS, TRIPLES, needs_shared
from tests.small_data import small_inputs

SIZES = {
    "mistral_v1_32k": 32_000,
    "opus_en_32k": 32_000,
    "zh_unigram_20k": 20_000,
    "zh_unigram_37k": 37_232,
    "minilm_tokenizer": 30_522,
}

SHARED_ROWS = """
    SELECT count(*) FROM (
        SELECT terms FROM (
            SELECT piece_id, list(row(amplitude, unit_ids) ORDER BY unit_ids) AS terms
            FROM '{folder}/unit_rows.parquet' GROUP BY piece_id)
        GROUP BY terms HAVING count(*) > 1)"""

BROKEN_PIECES = """
    SELECT count(*) FROM '{folder}/pieces.parquet' p
    LEFT JOIN (SELECT piece_id, count(*) AS n, sum(amplitude * amplitude) AS norm
               FROM '{folder}/unit_rows.parquet' GROUP BY piece_id) r USING (piece_id)
    WHERE n IS NULL OR n <> n_terms OR abs(norm - 1) > 1e-5"""


def one(query, folder):
    return duckdb.sql(query.format(folder=folder)).fetchall()[0][0]


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.parquet"))}


@needs_shared
@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda path: path.stem)
def test_the_dictionary_and_a_real_tokenizer_become_tables(tokenizer, tmp_path):
    report = build_tables(BuildInputs((HOWNET,), only=True, tokenizer=tokenizer), tmp_path / "tables")
    folder = report.folder
    assert (report.n_senses, report.rejects) == (74_094, ())
    assert report.n_pieces == one("SELECT count(*) FROM '{folder}/pieces.parquet'", folder) == SIZES[tokenizer.stem]
    assert one("SELECT count(*) FROM '{folder}/senses.parquet'", folder) == 74_094
    assert one("SELECT count(*) FROM '{folder}/rejects.parquet'", folder) == 0
    assert one(BROKEN_PIECES, folder) == 0
    assert one(SHARED_ROWS, folder) == 0
    unused = """SELECT count(*) FROM '{folder}/units.parquet' WHERE unit_id NOT IN
                (SELECT unnest(unit_ids) FROM '{folder}/unit_rows.parquet')"""
    assert one(unused, folder) == 0
    kind = "SELECT count(DISTINCT kind) FROM '{folder}/units.parquet'"
    assert one(kind, folder) == 3
    again = build_tables(BuildInputs((HOWNET,), only=True, tokenizer=tokenizer), tmp_path / "again").folder
    assert digests(again) == digests(folder)


@needs_shared
def test_a_build_takes_less_than_a_gibibyte_and_its_coverage_counts_running_text(tmp_path):
    # Not getrusage, whose peak begins with that of the process that started this one.
    peak = 're.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]'  # in KiB
    measured = f"import atexit, re, sys; atexit.register(lambda: sys.stderr.write({peak}))"
    out = tmp_path / "out"
    process = see("build", "--only", "--hownet", HOWNET, "--tokenizer", TOKENIZERS[1], "--out", out, before=measured)
    assert process.returncode == 0
    assert int(process.stderr) < 2**20
    coverage = measure_coverage(out, FREQUENCY / "en.tsv.gz")
    bands = coverage.by_frequency.set_index("band")
    assert bands.loc["all", "pieces"] == 32_000 == bands.drop("all")["pieces"].sum()
    latin = coverage.running_text.set_index("script").loc["Latin", "share"]
    assert 0.5 < latin < 1


@needs_shared
def test_factors_of_a_real_table_keep_to_their_bytes_and_fit_it_better_than_other_methods(tmp_path):
    tables = build_tables(BuildInputs((HOWNET,), only=True, tokenizer=TOKENIZERS[4]), tmp_path / "tables").folder
    teacher = read_teacher(TEACHER)
    report = init_fitted(tables, tmp_path / "out", teacher, InitOptions(ratio=20, fit=FitOptions(sweeps=6)))
    files = sum(path.stat().st_size for path in (tmp_path / "out").iterdir() if path.name != "report.json")
    assert files <= teacher.size * 4 / 20
    assert report.made.bytes == pytest.approx(files, abs=8)
    fitting = [method for method in report.baselines if method.bytes <= report.budget_bytes]
    assert {"truncated SVD", "product quantisation", "int1 rows"} <= {method.name.split(",")[0] for method in fitting}
    assert report.made.relative_error < min(0.5, *(method.relative_error for method in fitting))
    assert {alternative.code_share for alternative in report.weighed} >= {0.0, 1.0}


@needs_shared
@pytest.mark.parametrize(("taxonomy", "at_least"), [(TAXONOMY, 2_300), (TRIPLES, 1_303)], ids=["trees", "triples"])
def test_a_taxonomy_becomes_relations(taxonomy, at_least, tmp_path):
    small = small_inputs(tmp_path)
    inputs = BuildInputs(small.dictionaries, small.tokenizer, taxonomy, small.morphemes, only=True)
    folder = build_tables(inputs, tmp_path / "tables").folder
    upwards = "SELECT count(*) FROM '{folder}/relations.parquet' WHERE relation = 'hypernym'"
    downwards = """SELECT count(*) FROM '{folder}/relations.parquet' a JOIN '{folder}/relations.parquet' b
                   ON a.sememe = b.other AND b.sememe = a.other
                   WHERE a.relation = 'hypernym' AND b.relation = 'hyponym'"""
    assert one(upwards, folder) >= at_least
    assert one(upwards, folder) == one(downwards, folder)
    assert read_manifest(folder)["taxonomy"] == taxonomy.name


def test_progress_is_told_before_each_step(tmp_path):
    told: list[str] = []
    build_tables(small_inputs(tmp_path), tmp_path / "tables", progress=told.append)
    assert [step.split()[0] for step in told] == ["reading", "reading", "aligning", "writing"]


def test_a_model_whose_table_has_more_rows_than_pieces_gets_rows_for_all(tmp_path):
    """Real tokenizers leave ids of padded tables out: each becomes an unused piece with a row of its own."""
    inputs = small_inputs(tmp_path)
    build_tables(inputs, tmp_path / "plain")
    process = see("build", "--tokenizer", inputs.tokenizer, "--pieces", 300, "--out", tmp_path / "padded", "--json")
    assert json.loads(process.stdout)["n_pieces"] == 300, process.stderr
    folder = tmp_path / "padded"
    assert one("SELECT count(*) FROM '{folder}/pieces.parquet' WHERE kind = 'unused' AND piece_id >= 278", folder) == 22
    assert one("SELECT count(DISTINCT piece) FROM '{folder}/pieces.parquet'", folder) == 300
    assert one(BROKEN_PIECES, folder) == one(SHARED_ROWS, folder) == 0
    refused = see("build", "--tokenizer", inputs.tokenizer, "--pieces", 100, "--out", tmp_path / "small")
    assert_one_line(refused, "278 pieces, more than the 100 asked for")
