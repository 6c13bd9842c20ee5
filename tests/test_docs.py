"""What the pages of docs/ say can be run is run."""

import re

import pytest

import see_kb.knowledge.base
import see_kb.knowledge.trees
from pipelines.build import BuildInputs, build_tables
from see_kb.knowledge.base import KnowledgeBase
from see_kb.tables.query import run_query
from tests.shared_data import ROOT
from tests.small_data import small_inputs

QUERIES = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "queries.md").read_text(encoding="utf-8"), re.DOTALL)
MIGRATION = (ROOT / "docs" / "openhownet.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    inputs = small_inputs(folder)
    (folder / "words.tsv").write_text("man\t0.5\nzxq\t0.2\ndoctor\t0.1\n", encoding="utf-8")
    with_frequency = BuildInputs(inputs.dictionaries, inputs.tokenizer, frequency=folder / "words.tsv")
    return build_tables(with_frequency, folder / "tables").folder


def test_there_are_ten_queries():
    assert len(QUERIES) == 10


@pytest.mark.parametrize("place", range(10))
def test_each_query_gives_rows(tables, place):
    query = QUERIES[place].replace("▁unhappiness", "▁unbreakable")  # the small vocabulary has no other
    assert len(run_query(tables, query)) > 0


def test_uncovered_pieces_come_by_their_frequency(tables):
    rows = run_query(tables, "SELECT piece, rank FROM uncovered_pieces LIMIT 1")
    assert rows.values.tolist() == [["▁zxq", 2]]


def test_every_call_of_the_migration_page_exists():
    for name in set(re.findall(r"\bkb\.(\w+)", MIGRATION)):
        assert hasattr(KnowledgeBase, name), name
    for name in set(re.findall(r"`(?:\[)?(sememe_trees|tree_text|tree_graph)\b", MIGRATION)):
        assert hasattr(see_kb.knowledge.trees, name)
    assert hasattr(see_kb.knowledge.base, "sememes_to_depth")
