"""WordNet's database files, on four synsets written by hand, and on the real ones where they are installed."""

from pathlib import Path

import pytest

from see_kb.checks.definitions import check_senses
from see_kb.errors import FormatError, SeeError
from see_kb.kdml import parse_definition
from see_kb.sources.door import read_lexicon
from see_kb.sources.wordnet import LEXICOGRAPHER_FILES, is_wordnet

INSTALLED = Path("/usr/share/wordnet")

NOUN = """  1 This stands for the licence. WordNet 3.0
00000001 18 n 02 dog_catcher 0 catcher 0 001 @ 00000002 n 0000 | a man who works with a dog; "he ran"
00000002 18 n 01 zworker 0 001 @ 00000003 n 0000 | nothing that is known
00000003 03 n 01 man 0 000 | a human
00000004 05 n 01 zyxo 0 000 | qqq
"""
OTHERS = {
    "data.verb": "00000001 30 v 01 zwork 0 000 01 + 02 00 | to run",
    "data.adj": "00000001 00 s 01 zbig(p) 0 001 & 00000002 a 0000 | x\n00000002 00 a 01 big 0 000 | large",
    "data.adv": "00000001 02 r 01 zbigly 0 001 \\ 00000002 a 0101 | in a big way",
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data.noun").write_text(NOUN)
    for name, text in OTHERS.items():
        (tmp_path / name).write_text(text + "\n")
    return tmp_path


def test_each_word_of_a_synset_is_a_sense(folder):
    lexicon = read_lexicon(folder)
    assert (lexicon.name, lexicon.version) == ("WordNet", "3.0")
    words = [(sense.en_word, sense.en_pos, sense.number) for sense in lexicon.senses]
    assert words[:2] == [("dog catcher", "noun", "n00000001"), ("catcher", "noun", "n00000001")]
    assert ("zbig", "adj", "a00000001") in words
    assert len(words) == 9
    assert lexicon.rejects == ()


def test_the_class_is_the_nearest_words_of_the_bundled_lexicon_or_the_lexicographers_file(folder):
    sememes = {sense.en_word: sense.sememes for sense in read_lexicon(folder).senses}
    man, big = (next(s.sememes[0] for s in read_lexicon().senses if s.en_word == w) for w in ("man", "big"))
    assert sememes["zworker"][0] == sememes["catcher"][0] == man
    assert sememes["zbig"][0] == sememes["zbigly"][0] == big
    assert sememes["zyxo"] == ("AnimalHuman|动物",)


def test_glosses_narrow_the_class(folder):
    sememes = {sense.en_word: sense.sememes for sense in read_lexicon(folder).senses}
    assert "livestock|牲畜" in sememes["catcher"]
    assert "run|跑" not in sememes["catcher"]  # an example is no part of the gloss


def test_a_bad_line_is_refused_and_the_rest_is_read(folder):
    (folder / "data.noun").write_text(NOUN + "nonsense\n00000009 99 n 01 x 0 000 | y\n")
    lexicon = read_lexicon(folder)
    assert [(reject.file, reject.line) for reject in lexicon.rejects] == [("data.noun", 6), ("data.noun", 7)]
    assert len(lexicon.senses) == 9


def test_a_missing_or_empty_file_is_an_error(folder):
    (folder / "data.verb").write_text("  licence\n")
    with pytest.raises(FormatError, match=r"data\.verb:1: holds no synset"):
        read_lexicon(folder)
    (folder / "data.verb").unlink()
    with pytest.raises(SeeError, match=r"lacks data\.verb"):
        read_lexicon(folder)


def test_there_is_a_sememe_for_each_lexicographers_file():
    assert len(LEXICOGRAPHER_FILES) == 45
    assert all(parse_definition(f"{{{sememe}}}") for sememe in LEXICOGRAPHER_FILES)


@pytest.mark.skipif(not is_wordnet(INSTALLED), reason="WordNet's files are not installed (Debian: wordnet-base)")
def test_the_whole_of_wordnet_is_read():
    lexicon = read_lexicon(INSTALLED)
    assert len({sense.number for sense in lexicon.senses}) == 117_659
    assert lexicon.rejects == ()
    assert {finding.code for finding in check_senses(lexicon.senses)} <= {"duplicate-sense"}
    with_gloss = sum(len(sense.sememes) > 1 for sense in lexicon.senses)
    assert with_gloss > 0.75 * len(lexicon.senses)
