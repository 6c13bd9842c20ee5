"""Words cut short: found only where the words that they are cut from agree."""

import pytest

from see_kb.alignment.fragments import MAX_FAMILY, Fragments

MEANINGS = {
    "practitioner": {"human"},
    "explanatory": {"explain"},
    "celebrate": {"joy"},
    "celebrity": {"joy", "human"},
    "celebrant": {"joy"},
    "contrary": {"oppose"},
    "contract": {"agree"},
    "distribution": {"issue"},
    "retribution": {"punish"},
}
FRAGMENTS = Fragments(MEANINGS, MEANINGS.__getitem__)


@pytest.mark.parametrize(
    ("text", "starts_word", "word"),
    [
        ("practition", True, "practitioner"),
        ("practition", False, None),
        ("xplanatory", False, "explanatory"),
        ("xplanatory", True, None),
        ("celebr", True, "celebrant"),  # the shortest of those that share a sememe, the first by letters
        ("contra", True, None),  # its words share nothing
        ("tribution", False, None),
        ("prac", True, None),  # too short
        ("ratory", False, None),  # lacks too much
        ("celebrate", True, None),  # nothing is cut off
        ("Celebr", True, None),
        ("", True, None),
    ],
)
def test_a_fragment_stands_for_what_its_words_share(text, starts_word, word):
    assert FRAGMENTS.find(text, starts_word=starts_word) == word


def test_too_many_words_are_no_family():
    words = [f"common{a}{b}" for a in "abcdefg" for b in "abcdefg"]
    assert len(words) > MAX_FAMILY
    assert Fragments(words, lambda _: {"same"}).find("common", starts_word=True) is None


def test_words_without_a_meaning_are_no_help():
    assert Fragments(["practitioner"], lambda _: ()).find("practition", starts_word=True) is None
