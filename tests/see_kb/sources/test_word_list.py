"""Lists of Chinese words with their sememes."""

import pytest

from see_kb.sources.door import read_lexicon
from see_kb.sources.word_list import is_word_list, parse_word_list
from tests.shared_data import DATA, needs_shared
from tests.small_data import HOWNET, record

TEXT = "\n特性值 人 \n医生\n人 职位 医 人\n无\n\n怪物\n人 没有这个义原\n"


def test_names_become_roots_and_an_unknown_one_stands_for_itself():
    senses, rejects = parse_word_list(TEXT, "words.txt", "words")
    assert [(sense.number, sense.zh_word, sense.definition) for sense in senses] == [
        ("words.txt:3", "医生", "{human|人};{Occupation|职位};{medical|医}"),
        ("words.txt:7", "怪物", "{human|人};{没有这个义原|没有这个义原}"),
    ]
    assert [(reject.line, reject.reason) for reject in rejects] == [(5, "no definition; add a DEF line")]


@pytest.mark.parametrize("word", ["医生", "人"])  # a word may be spelled like a sememe
def test_a_stray_blank_line_is_rejected_and_what_follows_read_the_right_way_round(word):
    pairs = "".join(f"{word}{number}\n人 职位\n" for number in range(60))
    first, second = f"{word}a\n人 职位\n", f"{word}\n人 职位 医\n"
    senses, rejects = parse_word_list(first + "\n" + second + pairs, "words.txt", "words")
    assert [(reject.line, reject.reason) for reject in rejects] == [
        (3, "a blank line where a word should be; remove it")
    ]
    assert len(senses) == 62
    assert {sense.definition for sense in senses if sense.zh_word != word} == {"{human|人};{Occupation|职位}"}


def test_a_list_is_told_from_other_formats(tmp_path):
    assert is_word_list(TEXT)
    for other in (HOWNET, record(1, "人", "man", "noun", "{human|人}"), "W_C\tDEF\n人\t{human|人}\n", "abc\ndef\n", ""):
        assert not is_word_list(other)
    (tmp_path / "words.txt").write_text(TEXT, encoding="utf-8")
    assert [sense.zh_word for sense in read_lexicon(tmp_path / "words.txt").senses] == ["医生", "怪物"]


@needs_shared
def test_a_real_list_is_read():
    lexicon = read_lexicon(DATA / "hownet" / "word_sememes_zh.txt")
    assert len(lexicon.senses) + len(lexicon.rejects) == 126_739  # the first word of the list is empty
    own = sum(a == b for sense in lexicon.senses for a, b in (s.split("|") for s in sense.sememes))
    assert own < 0.05 * sum(len(sense.sememes) for sense in lexicon.senses)
