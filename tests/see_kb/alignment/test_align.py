"""Each rule of alignment, on a dictionary of ten senses."""

import pytest

from see_kb.alignment.align import RULES, Aligner, Match
from see_kb.alignment.words import Reading, WordIndex
from see_kb.lexicon import Lexicon, merged
from see_kb.sources.door import read_lexicon, read_morphemes
from see_kb.sources.hownet_text import parse_records
from see_kb.vocabulary.pieces import Kind, Piece
from tests.small_data import AFFIXES, BAD_RECORD, PIECES, SENSES, record

LEXICON = Lexicon("small", tuple(parse_records("".join(SENSES), "words")[0]), (), ())
AFFIX_TABLE = Lexicon("morphemes", tuple(parse_records(AFFIXES, "morphemes")[0]), (), ())
KINDS: dict[int, Kind] = {1: "normal", 2: "unknown", 3: "control", 4: "user_defined", 5: "unused", 6: "byte"}


def piece(text: str, kind: Kind = "normal") -> Piece:
    starts = text.startswith("▁") and len(text) > 1
    return Piece(0, text, text.removeprefix("▁") if starts else text, kind, starts)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("dogs</w>", "inflection"),
        ("men</w>", "inflection"),
        ("dogs", "inflection"),
        ("man", "exact"),
        ("able</w>", "morpheme"),
        ("ness</w>", "morpheme"),
        ("happiness</w>", "decomposed"),
        ("un", "morpheme"),
    ],
)
def test_where_no_mark_tells_where_words_begin_a_piece_may_be_a_word_or_a_part(text, rule):
    unmarked = Piece(0, text, text.removesuffix("</w>"), "normal", True, text.endswith("</w>"), unmarked=True)
    (alignment,) = Aligner(LEXICON, AFFIX_TABLE).align([unmarked])
    assert alignment.rule == rule


def align(text: str, kind: Kind = "normal", lexicon: Lexicon = LEXICON):
    (alignment,) = Aligner(lexicon, AFFIX_TABLE).align([piece(text, kind)])
    return alignment


def words(alignment):
    return [(alignment.folded[match.start : match.end], match.role, match.form) for match in alignment.matches]


@pytest.mark.parametrize(("text", "kind", "rule"), PIECES)
def test_each_piece_of_the_small_vocabulary_has_its_rule(text, kind, rule):
    assert rule in RULES
    assert align(text, KINDS[kind]).rule == rule


@pytest.mark.parametrize(
    ("text", "rule", "parts"),
    [
        ("▁man", "exact", [("man", "word", "man")]),
        ("医生", "exact", [("医生", "word", "医生")]),
        ("醫生", "normalised", [("医生", "word", "医生")]),
        ("▁DOCTOR", "normalised", [("doctor", "word", "doctor")]),
        ("▁dogs", "inflection", [("dogs", "word", "dog")]),
        ("▁men", "inflection", [("men", "word", "man")]),
        ("able", "morpheme", [("able", "suffix", "able")]),
        ("▁un", "morpheme", [("un", "prefix", "un")]),
        ("▁unhappy", "decomposed", [("un", "prefix", "un"), ("happy", "word", "happy")]),
        ("▁happiness", "decomposed", [("happi", "word", "happy"), ("ness", "suffix", "ness")]),
        ("▁doghouse", "decomposed", [("dog", "word", "dog"), ("house", "word", "house")]),
        ("火车", "decomposed", [("火", "word", "火"), ("车", "word", "车")]),
        ("▁breakabl", "none", []),
        ("▁doctor's", "inflection", [("doctor's", "word", "doctor")]),
        ("▁zxq", "none", []),
        ("мир", "none", []),
    ],
)
def test_matches_are_the_words_behind_a_piece(text, rule, parts):
    alignment = align(text)
    assert (alignment.rule, words(alignment)) == (rule, parts)


def test_a_matched_word_has_its_senses_and_their_meanings():
    assert align("▁break").matches == (
        Match(0, 5, "word", "break", "lexicon", (2, 3), (Reading(("break|折断",), 1), Reading(("pause|暂停",), 1))),
    )
    un, _, able = align("▁unbreakable").matches
    assert (un.source, un.sense_ids, un.readings) == ("morphemes", (0,), (Reading(("neg|否",), 1),))
    assert (able.source, able.sense_ids) == ("morphemes", (2,))


def test_the_meaning_of_most_senses_comes_first():
    text = "".join(
        record(n, zh, "bank", "noun", definition)
        for n, zh, definition in (
            (1, "岸", "{bank|岸}"),
            (2, "银行", "{money|钱:{do|做}}"),
            (3, "行", "{money|钱:r={do|做}}"),
            (4, "堤", "{dike|堤}"),
        )
    )
    lexicon = Lexicon("banks", tuple(parse_records(text, "banks")[0]), (), ())
    (match,) = align("▁bank", lexicon=lexicon).matches
    assert match.sense_ids == (0, 1, 2, 3)
    assert match.readings == (
        Reading(("money|钱", "do|做"), 2),
        Reading(("bank|岸",), 1),
        Reading(("dike|堤",), 1),
    )


def test_the_exact_spelling_is_preferred_to_the_folded_one():
    text = record(1, "", "Polish", "adj", "{Poland|波兰}") + record(2, "", "polish", "verb", "{shine|擦亮}")
    text += record(3, "", "Polish", "noun", "{language|语言}") + record(4, "polish", "Polish", "noun", "{shine|擦亮}")
    lexicon = Lexicon("case", tuple(parse_records(text, "case")[0]), (), ())
    assert [match.sense_ids for match in align("▁Polish", lexicon=lexicon).matches] == [(0, 2, 3)]
    assert [match.sense_ids for match in align("▁polish", lexicon=lexicon).matches] == [(1, 3)]
    assert [match.sense_ids for match in align("▁POLISH", lexicon=lexicon).matches] == [(0, 1, 2, 3)]


def test_a_suffix_inside_a_word_is_no_word():
    text = "".join(SENSES) + record(20, "能", "able", "adj", "{able|能}")
    lexicon = Lexicon("able", tuple(parse_records(text, "able")[0]), (), ())
    assert words(align("able", lexicon=lexicon)) == [("able", "suffix", "able")]
    assert words(align("▁able", lexicon=lexicon)) == [("able", "word", "able")]


@pytest.mark.parametrize("kind", ["control", "unknown", "unused"])
def test_a_special_piece_is_no_word_even_if_it_spells_one(kind):
    assert align("man", kind).rule == "special"


def test_a_word_index_finds_words_of_both_languages():
    index = WordIndex(LEXICON)
    assert index.exact("doctor") == index.exact("医生") == (1,)
    assert index.exact("Doctor") == ()
    assert "doctor" in index
    assert "Doctor" not in index
    assert index.folded("china") == (8,)
    assert len(list(index.words())) == 19  # ten senses in two languages, `break` twice


def test_pieces_are_aligned_in_their_order():
    pieces = [piece("▁man" if number % 2 else "▁zxq") for number in range(10)]
    aligned = Aligner(LEXICON, AFFIX_TABLE).align(pieces)
    assert [alignment.rule for alignment in aligned] == ["none", "exact"] * 5


def test_inside_a_word_a_suffix_is_that_suffix_and_short_pieces_are_no_inflected_words():
    morphemes = read_morphemes()
    suffixes = {sense.en_word[1:] for sense in morphemes.senses if sense.en_word.startswith("-")}
    assert {"ate", "less", "made"} <= suffixes
    inside = [Piece(0, f"##{text}", text, "normal", starts_word=False) for text in (*sorted(suffixes), "gan", "ran")]
    rules = {found.piece.surface: found.rule for found in Aligner(read_lexicon(), morphemes).align(inside)}
    assert {rules[suffix] for suffix in suffixes if suffix.isascii() and suffix.isalpha()} == {"morpheme"}
    assert rules["gan"] != "inflection" != rules["ran"]


def test_the_bad_record_of_the_small_data_is_bad():
    senses, rejects = parse_records(BAD_RECORD, "words")
    assert (len(senses), len(rejects)) == (0, 1)


def steps(text, *records):
    lexicon = Lexicon("words", tuple(parse_records("".join(records), "words")[0]), (), ())
    alignment = align(text, lexicon=lexicon)
    return alignment.rule, [match.steps for match in alignment.matches]


def test_a_match_names_the_normalisations_that_it_needed():
    cafe, colour = record(1, "", "café", "noun", "{food|食品}"), record(2, "", "color", "noun", "{Color|颜色}")
    china = record(3, "中国", "China", "noun", "{country|国家}")
    assert steps("▁café", cafe) == ("exact", [()])
    assert steps("▁Cafe", cafe) == ("normalised", [("case", "accents")])
    assert steps("▁cólor", colour) == ("normalised", [("accents",)])
    assert steps("▁colour", colour) == ("normalised", [("spelling",)])
    assert steps("▁Colours", colour) == ("inflection", [("case", "spelling")])
    assert steps("中國", china) == ("normalised", [("simplified",)])
    assert steps("▁china", china) == ("normalised", [("case",)])  # the dictionary's own spelling was changed


def test_the_first_dictionary_that_lists_a_word_speaks_for_it():
    first = parse_records(record(1, "", "bank", "noun", "{money|货币}"), "a", "first")[0]
    second = parse_records(
        record(1, "", "Bank", "noun", "{land|陆地}") + record(2, "", "river", "noun", "{waters|水域}"), "b", "second"
    )[0]
    both = Lexicon("both", (*first, *second), (), ())
    assert [match.sense_ids for match in align("▁bank", lexicon=both).matches] == [(0,)]
    assert [match.sense_ids for match in align("▁BANK", lexicon=both).matches] == [(0,)]
    assert [match.sense_ids for match in align("▁Bank", lexicon=both).matches] == [(1,)]
    assert [match.sense_ids for match in align("▁river", lexicon=both).matches] == [(2,)]


def test_a_word_cut_short_is_a_fragment():
    practitioner = record(1, "", "practitioner", "noun", "{human|人}")
    lexicon = Lexicon("words", tuple(parse_records(practitioner, "words")[0]), (), ())
    alignment = align("▁practition", lexicon=lexicon)
    assert (alignment.rule, words(alignment)) == ("fragment", [("practition", "fragment", "practitioner")])


def test_characters_and_roots_come_from_the_table_of_morphemes():
    table = record(1, "椅", "", "char", "{furniture|家具}") + record(2, "", "spect", "root", "{look|看}") + AFFIXES
    morphemes = Lexicon("morphemes", tuple(parse_records(table, "morphemes")[0]), (), ())
    pieces = [piece("椅"), piece("火椅"), piece("spect"), piece("▁respect")]
    found = Aligner(LEXICON, morphemes).align(pieces)
    assert [alignment.rule for alignment in found] == ["morpheme", "decomposed", "morpheme", "decomposed"]
    assert [match.role for alignment in found for match in alignment.matches] == [
        *("character", "word", "character"),
        *("root", "prefix", "root"),
    ]


def test_without_accents_a_word_is_that_of_the_first_dictionary():
    first, second = (
        Lexicon(name, tuple(parse_records(record(1, "", word, "noun", "{x|一}"), name, name)[0]), (), ())
        for name, word in (("one", "pâte"), ("two", "pâté"))
    )
    alignment = align("▁pate", lexicon=merged([first, second]))
    assert [match.form for match in alignment.matches] == ["pâte"]
