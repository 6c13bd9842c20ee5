"""When two spellings are the same word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_kb.alignment.normalise import STEPS, fold_all, normalise, normalise_all, strip_accents


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


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("doctor", ()),
        ("Doctor", ("case",)),
        ("ＤＯＣＴＯＲ", ("width", "case")),
        ("Sri_Lanka", ("case", "space")),
        ("don\u2019t", ("apostrophe",)),
        ("醫生", ("simplified",)),
        ("臺灣Ａ", ("width", "case", "simplified")),
    ],
)
def test_the_steps_that_changed_a_word_are_named_in_their_order(text, steps):
    (folded,) = fold_all([text])
    assert folded.steps == steps
    assert list(steps) == [name for name in STEPS if name in steps]


@pytest.mark.parametrize(
    ("text", "plain"),
    [("café", "cafe"), ("naïve", "naive"), ("doctor", "doctor"), ("ドイツ", "ドイツ"), ("हिन्दी", "हिन्दी")],
)
def test_accents_are_taken_off_letters_that_do_not_need_them(text, plain):
    assert strip_accents(text) == plain
