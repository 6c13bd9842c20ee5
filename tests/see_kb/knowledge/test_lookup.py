"""Words looked up: by the same rules as pieces, many at once, in the order asked for."""

import json

import pytest

from see_kb.knowledge.lookup import look_up
from see_kb.lexicon import Lexicon
from see_kb.sources.hownet_text import parse_records
from tests.small_data import AFFIXES, SENSES

LEXICON = Lexicon("small", tuple(parse_records("".join(SENSES), "words")[0]), (), ())
AFFIX_TABLE = Lexicon("morphemes", tuple(parse_records(AFFIXES, "morphemes")[0]), (), ())


def found(*words):
    return look_up(words, LEXICON, AFFIX_TABLE)


@pytest.mark.parametrize(
    ("word", "rule", "parts"),
    [
        ("doctor", "exact", [("doctor", "doctor", ["医生"])]),
        ("医生", "exact", [("医生", "医生", ["医生"])]),
        (" doctor ", "exact", [("doctor", "doctor", ["医生"])]),
        ("Doctor", "normalised", [("doctor", "doctor", ["医生"])]),
        ("醫生", "normalised", [("医生", "医生", ["医生"])]),
        ("dogs", "inflection", [("dogs", "dog", ["狗"])]),
        ("break", "exact", [("break", "break", ["打破", "中断"])]),
        ("unhappy", "decomposed", [("un", "un", [""]), ("happy", "happy", ["高兴"])]),
        ("火车", "decomposed", [("火", "火", ["火"]), ("车", "车", ["车"])]),
        ("zxq", "none", []),
        ("7", "digit", []),
        ("!", "punctuation", []),
        ("", "punctuation", []),
    ],
)
def test_a_word_is_found_by_its_rule_with_its_parts_and_senses(word, rule, parts):
    (answer,) = found(word)
    assert (answer.word, answer.rule) == (word, rule)
    assert [(part.text, part.form, [sense.zh_word for sense in part.senses]) for part in answer.parts] == parts


def test_many_words_are_answered_in_the_order_asked_for():
    words = ["zxq", "人", "dogs", "人"]
    assert [answer.word for answer in found(*words)] == words
    assert [answer for word in words for answer in found(word)] == found(*words)


def test_no_word_has_no_answer():
    assert found() == []


def test_an_answer_is_plain_data_for_json():
    (answer,) = found("doctor")
    (part,) = json.loads(json.dumps(answer.as_dict()))["parts"]
    (sense,) = part["senses"]
    assert sense["definition"] == "{human|人:HostOf={Occupation|职位},domain={medical|医},{cure|医治:agent={~}}}"
    assert sense["sememes"] == ["human|人", "Occupation|职位", "medical|医", "cure|医治"]
    assert (sense["en_word"], sense["zh_word"], sense["number"]) == ("doctor", "医生", "000002")
