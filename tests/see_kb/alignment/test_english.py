"""English words in other shapes than a dictionary's."""

import pytest

from see_kb.alignment.english import english_lemma, spelling_variants


@pytest.mark.parametrize(
    ("text", "lemma"),
    [
        ("dogs", "dog"),
        ("houses", "house"),
        ("went", "go"),
        ("children", "child"),
        ("studies", "study"),
        ("is", "be"),
        ("don't", "do"),
        ("it's", "it"),
        ("can't", "can"),
        ("won't", "will"),
        ("children's", "child"),
        ("dogs'", "dog"),
        ("dog", None),
        ("Dogs", None),
        ("人们", None),
        ("'s", None),
        ("", None),
    ],
)
def test_inflected_and_contracted_english_words_have_a_lemma(text, lemma):
    assert english_lemma(text) == lemma


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        ("colour", "color"),
        ("color", "colour"),
        ("centralise", "centralize"),
        ("organization", "organisation"),
        ("theatre", "theater"),
        ("dialog", "dialogue"),
        ("defense", "defence"),
        ("travelled", "traveled"),
    ],
)
def test_a_word_is_spelled_on_both_sides_of_the_atlantic(text, variant):
    assert variant in spelling_variants(text)


def test_a_word_of_an_ending_alone_has_no_variant():
    assert spelling_variants("our") == spelling_variants("rise") == spelling_variants("dog") == ()
