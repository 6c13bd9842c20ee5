"""Scripts of texts, by examples whose writing systems nobody doubts."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from see_kb.vocabulary.scripts import SCRIPTS, has_digit, script_of


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("man", "Latin"),
        ("naïve", "Latin"),
        ("e\u0301", "Latin"),
        ("ｍａｎ", "Latin"),
        ("人", "Han"),
        ("々", "Han"),
        ("мир", "Cyrillic"),
        ("λόγος", "Greek"),
        ("كتاب", "Arabic"),
        ("שלום", "Hebrew"),
        ("ひらがな", "Hiragana"),
        ("カタカナ", "Katakana"),
        ("データ", "Katakana"),
        ("か\u3099", "Hiragana"),
        ("한국", "Hangul"),
        ("हिन्दी", "Devanagari"),
        ("ไทย", "Thai"),
        ("ქართული", "Georgian"),
        ("አማርኛ", "Other"),
        ("T恤", "Mixed"),
        ("man-made 2", "Latin"),
        ("", "Common"),
        (" ", "Common"),
        ("7", "Common"),
        ("½", "Common"),
        ("Ⅷ", "Common"),
        ("…!?", "Common"),
        ("→", "Common"),
        ("\x00", "Common"),
        ("😀", "Common"),
    ],
)
def test_a_text_is_in_the_script_of_its_letters(text, script):
    assert script_of(text) == script


@given(st.text(max_size=8))
@example("µ")
@example("𝐀")
def test_a_script_is_a_known_one_and_letters_have_one(text):
    script = script_of(text)
    assert script in {*SCRIPTS, "Other", "Mixed", "Common"}
    if any(unicodedata.category(sign) in ("Lu", "Ll") for sign in text):
        assert script != "Common"


@pytest.mark.parametrize("text", ["7", "a1", "½", "Ⅷ", "٣", "²", "㊗㊥①"])
def test_signs_of_number_are_digits(text):
    assert has_digit(text)


@pytest.mark.parametrize("text", ["", "a", "人", "+", "."])
def test_other_signs_are_no_digits(text):
    assert not has_digit(text)
