"""The rules that a dictionary is held against: each by a sense that breaks it and one that does not."""

import pytest

from see_kb.checks.definitions import RULES, check_senses
from see_kb.lexicon import Sense
from see_kb.sources.door import read_lexicon, read_morphemes


def sense(definition, en_word="word"):
    return Sense("1", "词", "noun", en_word, "noun", definition)


@pytest.mark.parametrize(
    ("definition", "codes"),
    [
        ("{human|人:domain={medical|医},{cure|医治:agent={~}}}", []),
        ("{human|人:RelateTo={country|国家},OfPart={$}}", []),
        ("{human|人:nonsense={medical|医}}", ["unknown-role"]),
        ("{human|人:{do|做:nonsense={~}}}", ["unknown-role"]),
        ("{part|部件:whole={human|人}}", []),
        ("{part|部件:domain={medical|医}}", ["part-without-whole"]),
        ("{human|人};{part|部件}", ["part-without-whole"]),
        ("{~}", ["tilde-without-antecedent"]),
        ("{human|人:{~}}", ["tilde-without-antecedent"]),
        ("{$}", ["open-root"]),
        ("{*}", ["open-root"]),
    ],
)
def test_a_definition_breaks_the_rules_that_it_should(definition, codes):
    assert [finding.code for finding in check_senses([sense(definition)])] == codes


def test_the_same_sense_twice_is_named_with_the_first_one():
    findings = check_senses([sense("{a|甲}"), sense("{a|甲}", "other"), sense("{a|甲}")])
    assert [(finding.code, finding.sense_id) for finding in findings] == [("duplicate-sense", 2)]
    assert "sense 0" in findings[0].detail


def test_every_rule_says_in_its_docstring_what_is_wrong():
    assert all((rule.__doc__ or "").startswith("A ") for rule in RULES.values())


def test_the_bundled_lexicon_and_affixes_are_sound():
    for lexicon in (read_lexicon(), read_morphemes()):
        assert lexicon.rejects == ()
        assert check_senses(lexicon.senses) == []


def test_the_bundled_lexicon_has_words_of_both_languages_in_each_record():
    lexicon = read_lexicon()
    assert len(lexicon.senses) >= 600
    assert all(sense.en_word and sense.zh_word for sense in lexicon.senses)


ATTRIBUTES = [("Color|颜色", "hypernym", "Attribute|属性"), ("red|红", "hypernym", "value|值")]


@pytest.mark.parametrize(
    ("definition", "codes"),
    [
        ("{Color|颜色:host={red|红}}", []),
        ("{Color|颜色}", ["attribute-without-host"]),
        ("{red|红:domain={Color|颜色}}", []),
        ("{blue|蓝}", ["unknown-sememe"]),
        ('{red|红:belong="blue|蓝"}', []),
    ],
)
def test_with_a_taxonomy_sememes_and_attributes_are_known(definition, codes):
    assert [finding.code for finding in check_senses([sense(definition)], ATTRIBUTES)] == codes
    assert check_senses([sense(definition)]) == []
