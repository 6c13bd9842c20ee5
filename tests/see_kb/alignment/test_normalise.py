"""When two spellings are the same word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_kb.alignment.normalise import normalise, normalise_all


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Doctor", "doctor"),
        ("ＤＯＣＴＯＲ", "doctor"),
        ("ﬁre", "fire"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("Sri_Lanka", "sri lanka"),
        ("  go \t on\n", "go on"),
        ("go\u00a0on", "go on"),
        ("醫生", "医生"),
        ("臺灣", "台湾"),
        ("漢語ABC", "汉语abc"),
        ("ひらがな", "ひらがな"),
        ("naïve", "naïve"),
        ("nai\u0308ve", "naïve"),
        ("", ""),
        ("_", ""),
    ],
)
def test_spellings_of_a_word_fold_to_one(text, folded):
    assert normalise(text) == folded


@given(st.lists(st.text(st.sampled_from("aAéß ﬁ_人國醫生台\n\r\u2028\x00\x85"), max_size=6), max_size=12))
def test_many_words_fold_as_each_alone(texts):
    assert normalise_all(texts) == [normalise(text) for text in texts]


@given(st.text(st.sampled_from("aBé ﬁ_人国醫生臺\t"), max_size=8))
def test_what_is_folded_stays_as_it_is(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(max_size=12))
def test_a_folded_word_has_no_space_at_its_ends_nor_two_in_a_row(text):
    folded = normalise(text)
    assert folded == " ".join(folded.split(" ")).strip()
    assert "  " not in folded
    assert "\n" not in folded
