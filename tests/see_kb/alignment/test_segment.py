"""English words into morphemes, with small sets known by heart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_kb.alignment.segment import MAX_LETTERS, Affixes, Segmenter, spellings

WORDS = frozenset(("happy", "make", "run", "fire", "truck", "house", "break", "dog", "study", "create", "man", "late"))
AFFIXES = Affixes({"un", "re", "cardio", "a"}, {"able", "ness", "er", "ing", "ation", "al", "logy", "s"}, {"spect"})
SEGMENTER = Segmenter(WORDS, AFFIXES)


def split(text, **options):
    return [(text[part.start : part.end], part.role, part.form) for part in SEGMENTER.segment(text, **options)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("unbreakable", [("un", "prefix", "un"), ("break", "word", "break"), ("able", "suffix", "able")]),
        ("unhappy", [("un", "prefix", "un"), ("happy", "word", "happy")]),
        ("happiness", [("happi", "word", "happy"), ("ness", "suffix", "ness")]),
        ("maker", [("mak", "word", "make"), ("er", "suffix", "er")]),
        ("runner", [("runn", "word", "run"), ("er", "suffix", "er")]),
        ("makers", [("mak", "word", "make"), ("er", "suffix", "er"), ("s", "suffix", "s")]),
        ("unmakable", [("un", "prefix", "un"), ("mak", "word", "make"), ("able", "suffix", "able")]),
        ("firetruck", [("fire", "word", "fire"), ("truck", "word", "truck")]),
        ("respect", [("re", "prefix", "re"), ("spect", "root", "spect")]),
        ("cardiology", [("cardio", "prefix", "cardio"), ("logy", "suffix", "logy")]),
        ("happy", [("happy", "word", "happy")]),
        ("zzz", []),
        ("rer", []),  # a prefix and a suffix are no word
        ("ahappy", []),  # nor is a letter before one
        ("", []),
        ("x" * (MAX_LETTERS + 1), []),
    ],
)
def test_a_word_is_split_into_its_morphemes(text, parts):
    assert split(text) == parts


def test_a_prefix_of_letters_enough_may_meet_a_suffix_without_a_stem():
    assert split("cardiologyal") == [
        ("cardio", "prefix", "cardio"),
        ("logy", "suffix", "logy"),
        ("al", "suffix", "al"),
    ]


def test_inside_a_word_suffixes_may_stand_alone():
    assert split("ational", starts_word=False) == [("ation", "suffix", "ation"), ("al", "suffix", "al")]
    assert split("ational") == []
    assert split("ers", starts_word=False) == []  # the first one is too short to be believed


def test_the_last_stem_may_be_inflected_where_stems_have_to_be_listed():
    without_s = Segmenter(WORDS, Affixes({"un"}, {"er"}))
    assert [part.form for part in without_s.segment("doghouses")] == ["dog", "house"]
    assert [part.form for part in without_s.segment("doghouses", unknown_stems=True)] != ["dog", "house"]


STEMS = frozenset(f"{first}o{last}t" for first in "bcdfglmnprst" for last in "bcdfglmnprst")
PRODUCTIVE = Segmenter(STEMS | {stem + "able" for stem in STEMS} | {"dogs", "dog"}, Affixes((), {"able", "ble"}))
"""A dictionary in which `-able` makes 144 words, and `-ble` none."""


def test_an_unknown_stem_is_taken_where_it_may_be():
    assert PRODUCTIVE.segment("blorkable") == ()
    found = PRODUCTIVE.segment("blorkable", unknown_stems=True)
    assert [(part.form, part.role) for part in found] == [("blork", "word"), ("able", "suffix")]


def test_a_further_stem_has_to_be_a_head_of_four_letters():
    assert Segmenter(WORDS, AFFIXES, heads={"truck"}).segment("firelate") == ()
    assert [part.form for part in Segmenter(WORDS, AFFIXES, heads={"truck", "late"}).segment("firelate")] == [
        "fire",
        "late",
    ]
    assert split("firedog") == []


def test_an_affix_that_makes_no_words_is_not_worth_an_unknown_stem():
    (whole,) = PRODUCTIVE.segment("blorkible", unknown_stems=True)
    assert whole.form == "blorkible"
    (whole,) = PRODUCTIVE.segment("blorkble", unknown_stems=True)
    assert whole.form == "blorkble"


@pytest.mark.parametrize(
    ("stretch", "rest", "words"),
    [
        ("happi", "ness", {"happi", "happy"}),
        ("mak", "er", {"mak", "make"}),
        ("runn", "er", {"runn", "runne", "run"}),
        ("mak", "ness", {"mak"}),
        ("free", "er", {"free", "freee"}),
        ("runn", "", {"runn"}),
    ],
)
def test_the_end_of_a_stem_is_restored_before_a_suffix(stretch, rest, words):
    assert set(spellings(stretch, rest)) == words


_TEXTS = st.lists(st.sampled_from([*sorted(WORDS), "un", "re", "able", "ness", "s", "zz"])).map("".join)


@given(_TEXTS, st.booleans(), st.booleans())
def test_parts_cover_the_text_in_its_order_and_are_listed(text, starts_word, unknown_stems):
    parts = SEGMENTER.segment(text, starts_word=starts_word, unknown_stems=unknown_stems)
    if parts:
        assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
        assert parts[-1].end == len(text)
    known = {"prefix": AFFIXES.prefixes, "suffix": AFFIXES.suffixes, "root": AFFIXES.roots, "word": WORDS}
    if not unknown_stems:
        assert all(part.form in known[part.role] for part in parts)
