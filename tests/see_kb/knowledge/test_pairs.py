"""Files of word pairs with people's scores."""

import pytest

from see_kb.errors import FormatError
from see_kb.knowledge.base import knowledge_base_of
from see_kb.knowledge.pairs import ScoredPair, measure_agreement, read_pairs
from see_kb.lexicon import Lexicon, Sense
from tests.shared_data import SIMILARITY, needs_shared


@pytest.mark.parametrize("text", ["a\tb\t1.5\r\nc d\te\t2\r\n", "word1\tword2\tscore\tpos\na\tb\t1.5\tn\nc d\te\t2\tn"])
def test_pairs_are_read_with_or_without_a_header(tmp_path, text):
    (tmp_path / "x.tsv").write_text(text)
    assert read_pairs(tmp_path / "x.tsv") == [ScoredPair("a", "b", 1.5), ScoredPair("c d", "e", 2)]


def test_columns_of_a_csv_file_are_split_by_commas(tmp_path):
    (tmp_path / "x.csv").write_text("a,b,1\n")
    assert read_pairs(tmp_path / "x.csv") == [ScoredPair("a", "b", 1)]


@pytest.mark.parametrize(
    ("text", "line"), [("a\tb\t1\na\tb\n", 2), ("a\tb\t1\na\tb\tnan\n", 2), ("a b 1\n", 1), ("a\tb\tc\n", 1), ("", 1)]
)
def test_a_line_that_is_no_pair_is_named(tmp_path, text, line):
    (tmp_path / "x.tsv").write_text(text)
    with pytest.raises(FormatError, match=rf"x\.tsv:{line}: "):
        read_pairs(tmp_path / "x.tsv")


def test_agreement_is_over_the_pairs_that_are_covered():
    senses = tuple(
        Sense(word, "", "", word, "noun", text)
        for word, text in (("a", "{a|甲}"), ("b", "{a|甲}"), ("c", "{a|甲:r={c|丙}}"), ("d", "{d|丁}"))
    )
    kb = knowledge_base_of(Lexicon("words", senses, (), ()))
    pairs = [ScoredPair("a", "b", 9), ScoredPair("a", "c", 5), ScoredPair("a", "d", 1), ScoredPair("a", "zzz", 3)]
    figures = measure_agreement(kb, pairs).as_dict()
    assert figures == {
        "pairs": 4,
        "covered": 3,
        "coverage": 0.75,
        "spearman": {"information": 1.0, "openhownet": 1.0},
    }
    assert measure_agreement(kb, pairs[:1]).spearman == {"information": None, "openhownet": None}


@needs_shared
@pytest.mark.parametrize(("name", "n_pairs"), [("en_simlex_999.tsv", 999), ("zh_wordsim_240.tsv", 240)])
def test_the_real_files_are_read(name, n_pairs):
    assert len(read_pairs(SIMILARITY / name)) == n_pairs
