"""A model that learns a made-up language's morphs from its words."""

import random
import sys

import pytest

from see_kb.alignment.align import Aligner
from see_kb.alignment.morfessor_model import train_splitter
from see_kb.errors import SeeError
from see_kb.lexicon import Lexicon
from see_kb.sources.hownet_text import parse_records
from see_kb.vocabulary.pieces import Piece
from tests.small_data import record

STEMS = ("дом", "стол", "книг", "вода", "рука", "город", "день", "ночь", "земля", "море", "небо", "ветер")
ENDINGS = ("ами", "ого", "ому", "ыми", "ение", "ский", "ость", "ться", "ница", "чик")
WORDS = {stem + ending: 1.0 for stem in STEMS for ending in ENDINGS} | dict.fromkeys(STEMS, 5.0)


def test_morphs_are_those_that_the_words_are_made_of():
    split = train_splitter(WORDS)
    assert list(split("городский")) == ["город", "ский"]
    assert sum(list(split(stem + ending)) == [stem, ending] for stem in STEMS for ending in ENDINGS) > 90


def test_a_training_is_alike_each_time_and_leaves_pythons_generator_alone():
    rng = random.Random(0)
    words = {"".join(rng.choices("абвгдежз", k=rng.randint(4, 9))): 1.0 for _ in range(400)}
    splits = []
    for seed in range(3):
        random.seed(seed)
        split = train_splitter(words)
        assert random.random() == random.Random(seed).random()
        splits.append([tuple(split(word)) for word in words])
    assert splits[0] == splits[1] == splits[2]


def test_a_word_is_decomposed_where_the_dictionary_lists_its_morphs():
    text = record(1, "", "город", "noun", "{city|市}") + record(2, "", "ский", "suffix", "{relate|有关}")
    lexicon = Lexicon("words", tuple(parse_records(text, "words")[0]), (), ())
    pieces = [Piece(n, word, word, "normal", starts_word=True) for n, word in enumerate(("городский", "городами"))]
    found = Aligner(lexicon, Lexicon("none", (), (), ()), train_splitter(WORDS)).align(pieces)
    assert [alignment.rule for alignment in found] == ["decomposed", "none"]
    assert [(match.form, match.start, match.end) for match in found[0].matches] == [("город", 0, 5), ("ский", 5, 9)]
    assert Aligner(lexicon, Lexicon("none", (), (), ())).align(pieces)[0].rule == "none"


def test_too_few_words_and_a_missing_package_are_named(monkeypatch):
    with pytest.raises(SeeError, match="too few"):
        train_splitter({"a": 1})
    monkeypatch.setitem(sys.modules, "morfessor", None)
    with pytest.raises(SeeError, match=r"see-embeddings\[morphology\]"):
        train_splitter(WORDS)
