"""The door for dictionaries: the path says which format it is in."""

import pickle
from pathlib import Path

import pytest

from see_kb.errors import SeeError
from see_kb.lexicon import Lexicon, Reject, Sense, sememes_of
from see_kb.sources.bundled import bundled
from see_kb.sources.door import read_lexicon, read_lexicons, read_morphemes
from see_kb.sources.openhownet import SENSES_FILE
from tests.small_data import record

MAN = Sense("000001", "人", "noun", "man", "noun", "{human|人}")


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "texts" / "words.txt"
    file.parent.mkdir()
    file.write_text(record(1, "人", "man", "noun", "{human|人}"), encoding="utf-8")
    return file


@pytest.fixture
def resources(tmp_path):
    folder = tmp_path / "resources"
    folder.mkdir()
    grammar = {"ch_grammar": "noun", "en_grammar": "noun"}
    senses = {"000001": {"No": "000001", "ch_word": "人", "en_word": "man", "Def": "{human|人}", **grammar}}
    (folder / SENSES_FILE).write_bytes(pickle.dumps(senses))
    return folder


def test_a_text_a_folder_of_texts_and_resources_are_told_apart(text, resources):
    for path in (text, text.parent, resources, resources.parent, resources / SENSES_FILE):
        assert read_lexicon(path).senses == (MAN,), path


def test_a_file_of_the_working_folder_is_never_the_bundled_lexicon(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bundled").mkdir()
    assert read_lexicons([]).senses == read_lexicons([None]).senses == read_lexicon().senses
    with pytest.raises(SeeError, match="bundled"):
        read_lexicons([Path("bundled")])  # but what is named is what is read


def test_what_does_not_exist_is_named_with_a_remedy(tmp_path):
    with pytest.raises(SeeError, match=r"name HowNet\.txt") as caught:
        read_lexicon(tmp_path / "missing")
    assert str(tmp_path / "missing") in str(caught.value)


def test_affixes_are_read_from_a_file_of_ones_own(text):
    assert read_morphemes(text).senses == (MAN,)


def test_bundled_affixes_have_their_hyphen_at_one_end():
    words = {sense.en_word for sense in read_morphemes().senses}
    assert {"un-", "re-", "-er", "-less", "-ly"} <= words
    assert all(word.startswith("-") != word.endswith("-") for word in words if "-" in word)


def test_bundled_data_that_is_missing_is_an_error():
    with pytest.raises(SeeError, match="bundled nonsense"):
        bundled("nonsense")


def test_the_digest_of_a_lexicon_depends_on_its_senses_alone():
    lexicon = Lexicon("a", (MAN,), (), ())
    other = Lexicon("b", (MAN,), (Reject("f", 1, "r"),), ())
    assert lexicon.content_sha256 == other.content_sha256
    moved = Sense(MAN.number, "", "人noun", "man", "noun", MAN.definition)
    assert Lexicon("a", (moved,), (), ()).content_sha256 != lexicon.content_sha256
    assert Lexicon("a", (MAN, MAN), (), ()).content_sha256 != lexicon.content_sha256


def test_sememes_are_counted_once_a_sense_and_sorted():
    twice = Sense("2", "", "", "x", "", "{b|乙:r={a|甲}{b|乙}}")
    assert sememes_of([twice, MAN, twice]) == {"a|甲": 2, "b|乙": 2, "human|人": 1}
    assert list(sememes_of([MAN, twice])) == ["a|甲", "b|乙", "human|人"]


def test_a_reject_reads_like_a_place_in_a_file():
    assert str(Reject("words.txt", 7, "no word")) == "words.txt:7: no word"
