"""Dictionaries as tables: columns by name, a record a line, and what is refused."""

import pytest

from see_kb.errors import FormatError, SeeError
from see_kb.lexicon import Sense
from see_kb.sources.door import read_lexicon, read_lexicons
from see_kb.sources.tsv import is_table, parse_table
from tests.small_data import record

TABLE = "# tigers\n\nW_C\tW_E\tG\tDEF\n虎\ttiger\tnoun\t{beast|走兽}\n"


def test_columns_go_by_name_and_a_record_without_number_has_its_place():
    senses, rejects = parse_table(TABLE, "animals.tsv", "animals")
    assert senses == [Sense("animals:4", "虎", "noun", "tiger", "noun", "{beast|走兽}")]
    assert senses[0].source == "animals"
    assert rejects == []


def test_parts_of_speech_may_differ_and_other_columns_are_passed_over():
    text = "section\tDEF\tG_E\tW_E\tG_C\tNO.\tE_E\nx\t{beast|走兽}\tnoun [1 a]\ttiger\tadj\t7\tA tiger!\n"
    (sense,), _ = parse_table(text, "x.tsv")
    assert is_table("W_E\t DEF \ntiger\t{beast|走兽}\n")
    assert (sense.number, sense.en_pos, sense.en_grammar, sense.zh_pos) == ("7", "noun", "1 a", "adj")
    assert (sense.zh_word, sense.en_example) == ("", "A tiger!")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("虎\ttiger\tnoun", "3 columns, the header has 4"),
        ("\t\tnoun\t{beast|走兽}", "no word"),
        ("虎\ttiger\tnoun\t{beast", "DEF: column 7"),
        ("虎\ttiger\tnoun\t", "no definition"),
        ("x" * 100_001, "100001 characters"),
    ],
)
def test_a_bad_record_is_refused_with_its_line_and_the_rest_is_read(line, reason):
    senses, (reject,) = parse_table(f"{TABLE}{line}\n狼\twolf\tnoun\t{{beast|走兽}}\n", "x.tsv")
    assert [sense.en_word for sense in senses] == ["tiger", "wolf"]
    assert reject.line == 5
    assert reason in reject.reason


@pytest.mark.parametrize("header", ["W_C\tW_E", "DEF\tG", "DEF\tW_C\tW_C"])
def test_a_header_that_cannot_do_is_an_error(header):
    with pytest.raises(FormatError, match=r"x\.tsv:1: "):
        parse_table(header + "\nx\ty\n", "x.tsv")


def test_a_table_is_told_from_hownets_own_format():
    assert is_table(TABLE)
    assert not is_table(record(1, "人", "man", "noun", "{human|人}"))


def test_several_dictionaries_keep_their_order_names_and_versions(tmp_path):
    (tmp_path / "animals.tsv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "people.txt").write_text(record(1, "人", "man", "noun", "{human|人}"), encoding="utf-8")
    both = read_lexicons([tmp_path / "people.txt", tmp_path / "animals.tsv"])
    assert [(sense.en_word, sense.source) for sense in both.senses] == [("man", "people"), ("tiger", "animals")]
    assert both.name == "people+animals"
    assert [part.version for part in both.dictionaries] == [
        read_lexicon(tmp_path / name).content_sha256[:12] for name in ("people.txt", "animals.tsv")
    ]


def test_two_dictionaries_of_one_name_are_an_error(tmp_path):
    (tmp_path / "a.tsv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.tsv").write_text(TABLE, encoding="utf-8")
    with pytest.raises(SeeError, match="names of their own"):
        read_lexicons([tmp_path / "a.tsv", tmp_path / "b" / "a.tsv"])
