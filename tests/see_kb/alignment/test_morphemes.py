"""Words made of words and affixes, with small sets known by heart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_kb.alignment.morphemes import Affixes, Part, decompose, english_lemma

ENGLISH = ("happy", "make", "run", "fire", "truck", "house", "break", "dog", "study", "create", "man")
WORDS = frozenset((*ENGLISH, "火", "车", "站", "火车", "火车站", "中国", "国人", "人", "中", "国"))
AFFIXES = Affixes(frozenset({"un", "re"}), frozenset({"able", "ness", "er", "ing", "ation"}))


def split(text, *, starts_word=True, known=WORDS.__contains__):
    return decompose(text, known, AFFIXES, starts_word=starts_word)


def spelled(text, parts):
    return [(text[part.start : part.end], part.role, part.form) for part in parts]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("unbreakable", [("un", "prefix", "un"), ("break", "word", "break"), ("able", "suffix", "able")]),
        ("unhappy", [("un", "prefix", "un"), ("happy", "word", "happy")]),
        ("happiness", [("happi", "word", "happy"), ("ness", "suffix", "ness")]),
        ("maker", [("mak", "word", "make"), ("er", "suffix", "er")]),
        ("runner", [("runn", "word", "run"), ("er", "suffix", "er")]),
        ("unmakable", [("un", "prefix", "un"), ("mak", "word", "make"), ("able", "suffix", "able")]),
        ("firetruck", [("fire", "word", "fire"), ("truck", "word", "truck")]),
        ("doghouses", [("dog", "word", "dog"), ("houses", "word", "house")]),
        ("火车", [("火", "word", "火"), ("车", "word", "车")]),
        ("中国火车站", [("中国", "word", "中国"), ("火车站", "word", "火车站")]),
        ("中国人", [("中", "word", "中"), ("国人", "word", "国人")]),
        ("un", [("un", "prefix", "un")]),
        ("happy", []),
        ("人", []),
        ("zzz", []),
        ("火zzz", []),
        ("火X", []),
        ("un-happy", []),
        ("", []),
    ],
)
def test_a_word_is_split_into_its_parts(text, parts):
    known = WORDS.__contains__ if text != "火车" else (WORDS - {"火车"}).__contains__
    assert spelled(text, split(text, known=known)) == parts


def test_a_piece_inside_a_word_may_be_a_suffix_alone_and_one_that_starts_it_a_prefix():
    assert split("able", starts_word=False) == (Part(0, 4, "suffix", "able"),)
    assert split("able", starts_word=True) == ()
    assert split("re", starts_word=True) == (Part(0, 2, "prefix", "re"),)
    assert split("re", starts_word=False) == ()


_ENGLISH = st.lists(st.sampled_from([*ENGLISH, "un", "re", "able", "ness", "s"]))
_CHINESE = st.text("火车站中国人天", max_size=12)


@given(st.one_of(_ENGLISH.map("".join), _CHINESE), st.booleans())
def test_parts_are_in_order_do_not_overlap_and_cover_the_text(text, starts_word):
    parts = split(text, starts_word=starts_word)
    if parts:
        assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
        assert parts[-1].end == len(text)
        assert all(part.start < part.end for part in parts)
    for part in parts:
        assert part.form in {"word": WORDS, "prefix": AFFIXES.prefixes, "suffix": AFFIXES.suffixes}[part.role]


@given(_CHINESE)
def test_chinese_is_covered_by_the_fewest_known_words(text):
    def fewest(rest):
        """The smallest number of known words, the whole text excepted, that spell a text; None if none do."""
        if not rest:
            return 0
        counts = [
            fewest(rest[length:])
            for length in range(1, len(rest) + 1)
            if rest[:length] in WORDS and rest[:length] != text
        ]
        found = [count + 1 for count in counts if count is not None]
        return min(found) if found else None

    assert len(split(text)) == (fewest(text) or 0)


@pytest.mark.parametrize(
    ("text", "lemma"),
    [
        ("dogs", "dog"),
        ("houses", "house"),
        ("went", "go"),
        ("children", "child"),
        ("studies", "study"),
        ("dog", None),
        ("is", None),
        ("Dogs", None),
        ("人们", None),
        ("", None),
    ],
)
def test_inflected_english_words_have_a_lemma(text, lemma):
    assert english_lemma(text) == lemma
