"""The knowledge base on a dictionary of ten senses, from memory and from a folder: the answers are the same."""

import shutil
from dataclasses import replace

import pytest

from see_kb.errors import FormatError, SeeError
from see_kb.knowledge.base import knowledge_base_of, open_knowledge_base
from see_kb.knowledge.index import ARRAYS_FILE, WORDS_FILE
from see_kb.lexicon import Lexicon
from see_kb.sources.hownet_text import parse_records
from tests.small_data import SENSES, record

TRIPLES = [
    ("human|人", "hypernym", "AnimalHuman|动物"),
    ("AnimalHuman|动物", "hyponym", "human|人"),
    ("joyful|喜悦", "antonym", "sorrowful|悲哀"),
]
LEXICON = Lexicon("small", tuple(parse_records("".join(SENSES), "words", "small")[0]), (), ())


@pytest.fixture(params=["memory", "folder"])
def kb(request, small_tables):
    return knowledge_base_of(LEXICON) if request.param == "memory" else open_knowledge_base(small_tables)


def english(senses):
    return [sense.en_word for sense in senses]


def test_senses_are_found_by_word_language_and_part_of_speech(kb):
    found = kb.senses(["break", "医生", "Break", ""])
    assert [english(senses) for senses in found] == [["break", "break"], ["doctor"], [], []]
    assert english(kb.senses(["break"], pos="verb")[0]) == ["break"]
    assert [english(senses) for senses in kb.senses(["doctor", "医生"], language="zh")] == [[], ["doctor"]]
    assert english(kb.senses(["break"], language="en", pos="adj")[0]) == []


def test_senses_are_a_sequence_of_the_senses_of_the_dictionary(kb):
    (senses,) = kb.senses(["break"])
    assert (len(senses), list(senses.ids)) == (2, [2, 3])
    assert senses[1] == list(senses)[1] == LEXICON.senses[3]
    assert list(senses[1:].ids) == [3]
    assert list(kb.all_senses()) == list(LEXICON.senses)
    assert len(kb) == 10


def test_a_word_is_known_by_all_of_its_signs(kb):
    assert "man" in kb
    assert "man\0x" not in kb
    assert [list(senses) for senses in kb.senses(["man\0x", "ma"])] == [[], []]


def test_senses_are_found_by_number(kb):
    assert [english(senses) for senses in kb.senses_by_number(["000002", "2"])] == [["doctor"], []]


def test_words_and_parts_of_speech_are_listed(kb):
    assert len(kb.words()) == 19
    assert kb.words("en")[:3] == ["China", "break", "car"]
    assert "人" in kb.words("zh")
    assert kb.parts_of_speech() == ["adj", "noun", "verb"]
    assert "doctor" in kb
    assert "Doctor" not in kb


def test_words_are_searched_by_prefix_part_and_edits(kb):
    assert kb.search(["do", "医"], "prefix") == [["dog", "doctor"], ["医生"]]
    assert kb.search(["o", "zz"], "substring", limit=2) == [["dog", "house"], []]
    assert kb.search(["docotr", "dogs"], "edits") == [["doctor"], ["dog"]]  # a swap is one edit
    assert kb.search(["dctr"], "edits") == [[]]
    assert kb.search(["dctr"], "edits", distance=2) == [["car", "doctor"]]
    with pytest.raises(SeeError, match="cannot look for"):
        kb.search([""])


def test_sememes_are_listed_by_depth_in_the_order_of_definitions(kb):
    whole = ("human|人", "Occupation|职位", "medical|医", "cure|医治")
    assert kb.sememes(["doctor", "nobody"]) == [whole, ()]
    assert kb.sememes(["doctor"], depth=0) == [("human|人",)]
    assert kb.sememes(["doctor"], depth=1) == [whole]
    assert kb.sememes(["break"]) == [("break|折断", "pause|暂停")]
    with pytest.raises(SeeError, match="depth of -1"):
        kb.sememes(["doctor"], depth=-1)


def test_sememes_are_found_by_their_name_or_either_half(kb):
    assert kb.find_sememes(["human", "人", "human|人", "none"]) == [*[("human|人",)] * 3, ()]
    assert [english(senses) for senses in kb.senses_with(["human", "fire|火", "x"])] == [
        ["man", "doctor"],
        ["fire"],
        [],
    ]


def test_an_underscore_in_a_sememes_name_is_a_space():
    lexicon = Lexicon(
        "words", tuple(parse_records(record(1, "斯", "Lanka", "noun", "{Sri_Lanka|斯}"), "words")[0]), (), ()
    )
    kb = knowledge_base_of(
        lexicon, [("Sri Lanka|斯", "hypernym", "place|地方"), ("place|地方", "hyponym", "Sri Lanka|斯")]
    )
    for name in ("Sri_Lanka|斯", "Sri Lanka|斯", "Sri_Lanka"):
        assert kb.find_sememes([name]) == [("Sri Lanka|斯",)]
        assert english(kb.senses_with([name])[0]) == ["Lanka"]
    assert kb.related(["Sri_Lanka|斯"]) == [(("hypernym", "place|地方"),)]
    assert kb.relations_between([("place|地方", "Sri_Lanka|斯")]) == [("hyponym",)]


def test_a_field_may_hold_the_sign_that_the_index_splits_fields_by():
    senses = tuple(parse_records("".join(SENSES), "words")[0])
    odd = replace(senses[0], en_example="a\x1fb")
    kb = knowledge_base_of(Lexicon("words", (odd, *senses[1:]), (), ()))
    assert [*kb.all_senses()] == [replace(odd, en_example="a b"), *senses[1:]]


def test_synonyms_have_the_same_sememes():
    text = "".join(SENSES) + record(20, "男人", "fellow", "noun", "{human|人}")
    kb = knowledge_base_of(Lexicon("words", tuple(parse_records(text, "words")[0]), (), ()))
    (man,) = kb.senses(["man"])[0]
    assert [english(senses) for senses in kb.synonyms([man])] == [["man", "fellow"]]


def test_relations_are_told_for_sememes_and_for_pairs():
    kb = knowledge_base_of(LEXICON, TRIPLES)
    assert kb.related(["human|人", "none"]) == [(("hypernym", "AnimalHuman|动物"),), ()]
    assert kb.related(["joyful|喜悦"], "hypernym") == [()]
    assert kb.relations_between([("joyful|喜悦", "sorrowful|悲哀"), ("human|人", "fire|火")]) == [("antonym",), ()]
    assert "sorrowful|悲哀" in kb.all_sememes()


@pytest.mark.parametrize("name", [WORDS_FILE, ARRAYS_FILE])
def test_a_damaged_or_missing_index_is_an_error(small_tables, tmp_path, name):
    folder = tmp_path / "tables"
    shutil.copytree(small_tables, folder)
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(FormatError, match="damaged"):
        open_knowledge_base(folder)
    (folder / name).unlink()
    with pytest.raises(SeeError, match=name):
        open_knowledge_base(folder)


def test_a_folder_without_tables_is_an_error(tmp_path):
    with pytest.raises(SeeError, match="no folder of tables"):
        open_knowledge_base(tmp_path)
