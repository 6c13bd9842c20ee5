"""Coverage: every number against a plain count, and running text against a sum made by hand."""

import shutil
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.build import build_tables
from see_kb.alignment.align import OTHER_RULES, RULES
from see_kb.errors import FormatError, SeeError
from see_kb.tables.coverage import BANDS, measure_coverage
from see_kb.tables.store import read_table
from tests.small_data import PIECES, sentencepiece_model, small_inputs

FREQUENCIES = "man\t0.5\ndogs\t0.25\nzxq\t0.125\n人\t0.125\n7\t0.0625\n"
"""Each word is one piece; 人 at the start of a text has the piece ▁ before it."""


@pytest.fixture
def frequencies(tmp_path):
    def write(text):
        file = tmp_path / "words.tsv"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def as_rows(table: pd.DataFrame):
    return table.to_dict(orient="records")


def check_counts(table, column, groups):
    """Hold a table of counts against {group: [rule of each piece]}."""
    rows = as_rows(table)
    assert {row[column] for row in rows} == {*groups, "all"}
    assert rows[0][column] == "all"
    everything = [rule for rules in groups.values() for rule in rules]
    for row in rows:
        counts = Counter(everything if row[column] == "all" else groups[row[column]])
        words = sum(n for rule, n in counts.items() if rule not in OTHER_RULES)
        assert row["pieces"] == counts.total()
        assert {rule: row[rule] for rule in RULES} == {rule: counts[rule] for rule in RULES}
        assert (row["words"], row["covered"]) == (words, words - counts["none"])
        if words:
            assert row["share"] == pytest.approx((words - counts["none"]) / words, abs=5e-5)
        else:
            assert pd.isna(row["share"])


@pytest.mark.parametrize("column", ["script", "kind"])
def test_counts_agree_with_a_plain_count(small_tables, column):
    groups: dict[str, list[str]] = {}
    for piece in read_table(small_tables, "pieces").to_pylist():
        groups.setdefault(piece[column], []).append(piece["rule"])
    check_counts(getattr(measure_coverage(small_tables), f"by_{column}"), column, groups)


def test_the_small_vocabulary_is_covered_as_counted_by_hand(small_tables):
    total = as_rows(measure_coverage(small_tables).by_script)[0]
    # of 278 pieces 4 are special, 256 bytes, 1 a digit, 2 punctuation; of the other 15 five mean nothing
    assert (total["pieces"], total["words"], total["covered"]) == (len(PIECES), 15, 10)
    assert total["share"] == pytest.approx(10 / 15, abs=5e-5)


def test_without_a_list_there_is_no_frequency(small_tables):
    coverage = measure_coverage(small_tables)
    assert coverage.by_frequency is None
    assert coverage.running_text is None
    assert set(coverage.as_dict()) == {"by_script", "by_kind"}


def test_running_text_is_covered_as_summed_by_hand(small_tables, frequencies):
    measured = measure_coverage(small_tables, frequencies(FREQUENCIES)).running_text
    assert measured is not None
    rows = {row["script"]: (row["frequency"], row["covered"], row["share"]) for row in as_rows(measured)}
    assert rows == {
        "all": (1.0, 0.875, 0.875),
        "Latin": (0.875, 0.75, pytest.approx(0.75 / 0.875)),
        "Han": (0.125, 0.125, 1.0),
    }


def test_bands_of_frequency_sum_up_to_all(small_tables, frequencies):
    bands = measure_coverage(small_tables, frequencies(FREQUENCIES)).by_frequency
    assert bands is not None
    rows = {row["band"]: row for row in as_rows(bands)}
    assert list(rows) == ["all", f"rank to {BANDS[0]}", "not in list", "no word"]
    parts = [row for name, row in rows.items() if name != "all"]
    for column in ("pieces", *RULES, "words", "covered"):
        assert rows["all"][column] == sum(row[column] for row in parts)
    assert [row["pieces"] for row in parts] == [4, 11, 263]
    assert rows["no word"]["words"] == 0
    assert rows[f"rank to {BANDS[0]}"]["none"] == 1


def test_a_piece_that_is_no_word_takes_no_rank(small_tables, frequencies):
    file = frequencies("man\t4\ndogs\t3\nzxq\t2\nbreak\t1\n7\t100\n")
    bands = measure_coverage(small_tables, file).by_frequency
    assert bands is not None
    assert {row["band"]: row["words"] for row in as_rows(bands)}[f"rank to {BANDS[0]}"] == 4


def test_bands_are_ranks_by_frequency(tmp_path, frequencies):
    """Five known words, the first in the vocabulary, are rarer than a hundred unknown ones."""
    known, unknown = (
        ["man", "doctor", "happy", "dog", "fire"],
        [f"zx{a}{b}q" for a in "qxvkwjzbcd" for b in "qxvkwjzbcd"],
    )
    pieces = [("<unk>", 2), *((f"▁{word}", 1) for word in known + unknown)]
    inputs = small_inputs(tmp_path)
    inputs.tokenizer.write_bytes(sentencepiece_model(pieces))
    folder = build_tables(inputs, tmp_path / "tables").folder
    words = [*(f"{word}\t1" for word in known), *(f"{word}\t2" for word in unknown)]
    bands = measure_coverage(folder, frequencies("\n".join(words))).by_frequency
    assert bands is not None
    assert [(row["band"], row["words"], row["covered"]) for row in as_rows(bands)] == [
        ("all", 105, 5),
        ("rank to 100", 100, 0),
        ("rank to 1000", 5, 5),
        ("no word", 0, 0),
    ]


@settings(max_examples=10)
@given(
    st.dictionaries(st.sampled_from(["man", "dogs", "zxq", "医生", "ab", "7", "nonsense"]), st.floats(0, 1), min_size=1)
)
def test_covered_text_is_never_more_than_all_text(small_tables, tmp_path_factory, words):
    file = tmp_path_factory.getbasetemp() / "drawn.tsv"
    file.write_text("".join(f"{word}\t{value!r}\n" for word, value in words.items()), encoding="utf-8")
    coverage = measure_coverage(small_tables, file)
    assert coverage.running_text is not None
    rows = as_rows(coverage.running_text)
    for row in rows:
        assert 0 <= row["covered"] <= row["frequency"]
        assert row["share"] == pytest.approx(row["covered"] / row["frequency"])
    if rows:
        assert rows[0]["frequency"] == pytest.approx(sum(row["frequency"] for row in rows[1:]))


def test_as_dict_holds_plain_rows(small_tables, frequencies):
    content = measure_coverage(small_tables, frequencies(FREQUENCIES)).as_dict()
    assert set(content) == {"by_script", "by_kind", "by_frequency", "running_text"}
    assert all(isinstance(row, dict) for rows in content.values() for row in rows)


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(SeeError, match="see build"):
        measure_coverage(tmp_path)


def test_another_tokenizer_in_the_place_of_the_copy_is_noticed(small_tables, tmp_path):
    folder = tmp_path / "tables"
    shutil.copytree(small_tables, folder)
    (copy,) = folder.glob("tokenizer*")
    copy.write_bytes(copy.read_bytes() + b"\n")
    (tmp_path / "words.tsv").write_text("man\t1\n")
    with pytest.raises(FormatError, match="not the tokenizer"):
        measure_coverage(folder, tmp_path / "words.tsv")
