"""Chinese text into words and characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_kb.alignment.chinese import MAX_CHARACTERS, cover
from see_kb.alignment.segment import Part

WORDS = frozenset(("火", "车", "站", "火车", "火车站", "中国", "国人", "人", "中", "国"))


def parts(text, known=WORDS, characters=()):
    return [(part.form, part.role) for part in cover(text, frozenset(known).__contains__, frozenset(characters))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("中国火车站", ["中国", "火车站"]),
        ("中国人", ["中", "国人"]),
        ("火车", ["火", "车"]),  # not the text itself
        ("人", []),
        ("火X", []),
        ("", []),
        ("火" * (MAX_CHARACTERS + 1), []),
    ],
)
def test_a_text_is_covered_by_the_fewest_words(text, expected):
    assert parts(text) == [(form, "word") for form in expected]


def test_characters_stand_in_where_no_word_is_known():
    assert parts("火车龘", characters={"龘"}) == [("火车", "word"), ("龘", "character")]
    assert parts("火车龘") == []


def test_a_word_is_preferred_to_a_character():
    assert parts("火人", characters={"火", "人"}) == [("火", "word"), ("人", "word")]


@given(st.text("火车站中国人天", max_size=12))
def test_no_covering_has_fewer_parts(text):
    def fewest(rest):
        """The smallest number of known words, the whole text excepted, that spell a text; None if none do."""
        if not rest:
            return 0
        counts = [fewest(rest[n:]) for n in range(1, len(rest) + 1) if rest[:n] in WORDS and rest[:n] != text]
        found = [count + 1 for count in counts if count is not None]
        return min(found) if found else None

    found = cover(text, WORDS.__contains__, ())
    assert len(found) == (fewest(text) or 0)
    assert "".join(part.form for part in found) == (text if found else "")


def test_parts_have_their_places():
    assert cover("火车", WORDS.__contains__, ()) == (Part(0, 1, "word", "火"), Part(1, 2, "word", "车"))
