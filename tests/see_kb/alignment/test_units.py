"""Units and rows: no two pieces share a row, no site is wasted, and every number is what it says."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import see_kb.alignment.units
from see_kb.alignment.align import Aligner
from see_kb.alignment.units import UnitOptions, make_units
from see_kb.errors import SeeError
from see_kb.lexicon import Lexicon
from see_kb.sources.hownet_text import parse_records
from see_kb.vocabulary.pieces import Piece
from tests.small_data import AFFIXES, SENSES, record
from tests.strategies import vocabularies

AFFIX_TABLE = Lexicon("morphemes", tuple(parse_records(AFFIXES, "morphemes")[0]), (), ())
LEXICON = Lexicon("small", tuple(parse_records("".join(SENSES), "words")[0]), (), ())
LETTERS = Lexicon(
    "letters",
    tuple(
        parse_records(
            record(1, "", "ab", "noun", "{x|一:{y|二}}")
            + record(2, "", "ab", "noun", "{y|二}")
            + record(3, "", "b", "n", "{x|一}"),
            "letters",
        )[0]
    ),
    (),
    (),
)
EMPTY = Lexicon("empty", (), (), ())
ORDERS = st.sampled_from([2, 3, 4])


SHARES = st.sampled_from([1, 2, 8])


def units_of(pieces, *, order=3, max_terms=4, min_share=8, lexicon=LEXICON):
    return make_units(Aligner(lexicon, AFFIX_TABLE).align(pieces), UnitOptions(order, max_terms, min_share))


def piece(number, text):
    starts = text.startswith("▁") and len(text) > 1
    return Piece(number, text, text.removeprefix("▁") if starts else text, "normal", starts)


def pieces_of(*texts):
    return [piece(number, text) for number, text in enumerate(texts)]


def whole_rows(table):
    """For each piece the set of its terms, with their amplitudes."""
    rows: dict[int, set] = {}
    for row in table.rows:
        rows.setdefault(row.piece_id, set()).add((row.amplitude, row.unit_ids))
    return {piece_id: frozenset(terms) for piece_id, terms in rows.items()}


def spelled(table, piece_id):
    return [
        [(table.units[unit].kind, table.units[unit].text) for unit in row.unit_ids]
        for row in table.rows
        if row.piece_id == piece_id
    ]


def check(table, n_pieces):
    """What must hold of any table."""
    rows = whole_rows(table)
    assert sorted(rows) == list(range(n_pieces))
    assert max(Counter(rows.values()).values(), default=0) <= 1, "two pieces share a row"
    terms = Counter(row.piece_id for row in table.rows)
    assert [row.term for row in table.rows] == [k for number in range(n_pieces) for k in range(terms[number])]
    assert all(1 <= count <= table.options.max_terms for count in terms.values())
    for piece_id in range(n_pieces):
        squares = [row.amplitude**2 for row in table.rows if row.piece_id == piece_id]
        assert sum(squares) == pytest.approx(1)
    assert all(len(row.unit_ids) == table.options.order for row in table.rows)
    assert [unit.unit_id for unit in table.units] == list(range(len(table.units)))
    assert len({(unit.kind, unit.text) for unit in table.units}) == len(table.units)
    stands: dict[int, set[int]] = {unit.unit_id: set() for unit in table.units}
    used: dict[int, set[int]] = {unit.unit_id: set() for unit in table.units}
    for row in table.rows:
        for site, unit in enumerate(row.unit_ids):
            stands[unit].add(site)
            used[unit].add(row.piece_id)
    assert {unit.unit_id: set(unit.sites) for unit in table.units} == stands
    assert {unit.unit_id: unit.n_pieces for unit in table.units} == {unit: len(ids) for unit, ids in used.items()}
    assert all(unit.n_pieces and list(unit.sites) == sorted(unit.sites) for unit in table.units)
    last = table.options.order - 1
    assert not any(unit.kind == "sememe" and last in unit.sites for unit in table.units)


@given(vocabularies(), ORDERS, SHARES)
def test_no_two_pieces_share_a_row_without_a_dictionary(pieces, order, min_share):
    check(units_of(pieces, order=order, min_share=min_share, lexicon=EMPTY), len(pieces))


@given(vocabularies(), ORDERS, st.integers(1, 5), SHARES)
def test_no_two_pieces_share_a_row_with_one(pieces, order, max_terms, min_share):
    table = units_of(pieces, order=order, max_terms=max_terms, min_share=min_share, lexicon=LETTERS)
    check(table, len(pieces))


@given(vocabularies("人é\u0301👍🏽 7<", 3), ORDERS, SHARES)
def test_no_two_pieces_share_a_row_whatever_their_signs(pieces, order, min_share):
    check(units_of(pieces, order=order, min_share=min_share), len(pieces))


@pytest.mark.parametrize("order", [2, 3, 4, 5])
@pytest.mark.parametrize("min_share", [1, 2, 8])
def test_words_of_repeated_letters_are_told_apart(order, min_share):
    texts = ["ab", "abb", "aab", "aabb", "a", "aa", "aaa", "aaaa", "b", "▁ab", "▁a", "▁aa", "abab", "bb", "bbb", "ba"]
    for texts_in_order in (texts, texts[::-1], sorted(texts)):
        table = units_of(pieces_of(*texts_in_order), order=order, min_share=min_share)
        check(table, len(texts))
        assert all(unit.text for unit in table.units)


def test_pieces_of_one_surface_are_told_apart_by_units_of_their_own():
    table = units_of([Piece(0, "Ġ", " ", "normal", starts_word=False), Piece(1, "▁", " ", "normal", starts_word=False)])
    check(table, 2)
    (found,) = table.collisions
    assert (found.piece_id, found.other_piece_id, found.resolution) == (1, 0, "a unit of its own")


def test_a_unit_of_its_own_is_no_other_pieces_unit():
    control = Piece(0, "▁ #2", "▁ #2", "control", starts_word=False)
    spaces = [Piece(1, "Ġ", " ", "normal", starts_word=False), Piece(2, "▁", " ", "normal", starts_word=False)]
    check(units_of([control, *spaces]), 3)


def test_bytes_specials_and_unused_pieces_have_rows_of_their_own():
    kinds = ["unknown", "control", "byte", "byte", "byte", "unused", "unused", "normal", "user_defined"]
    texts = ["<unk>", "<s>", "<0xE4>", "<0xE4><0xBA>", "<0xBA><0xE4>", "<unused 5>", "<unused 6>", "a", "[/x]"]
    pieces = [
        Piece(number, text, "" if kind == "unused" else text, kind, starts_word=False)
        for number, (text, kind) in enumerate(zip(texts, kinds, strict=True))
    ]
    for order in (2, 3, 4):
        table = units_of(pieces, order=order)
        check(table, len(pieces))
        assert {kind for number in range(len(pieces)) for kind, _ in spelled(table, number)[0]} == {"residual"}


def test_the_example_of_the_module_holds():
    """A vocabulary of which two pieces each share the parts that the docstring names."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in see_kb.alignment.units.__doc__.splitlines()]
    example = {cells[0]: cells[1:] for cells in lines if cells[0] in ("form term", "sense term")}
    table = units_of(pieces_of("▁unbreakable", "▁unborn", "▁break", "▁capable"), min_share=2)
    form, sense, _ = spelled(table, 0)
    assert [text for _, text in form] == example["form term"]
    assert [text for _, text in sense] == example["sense term"]
    assert [kind for kind, _ in sense] == ["sememe", "sememe", "morpheme"]


def test_sememes_take_the_first_sites_and_the_ending_the_last():
    table = units_of(pieces_of("▁dogs", "▁unbreakable", "able", "▁man"))
    form, sense = spelled(table, 0)
    assert sense == [("sememe", "livestock|牲畜"), form[1], ("morpheme", "s")]
    assert spelled(table, 1)[1:] == [
        [("sememe", meaning), ("sememe", "neg|否"), ("morpheme", "able")] for meaning in ("break|折断", "pause|暂停")
    ]
    for number, meaning in ((2, "able|能"), (3, "human|人")):
        form, sense = spelled(table, number)
        assert sense == [("sememe", meaning), *form[1:]]


def test_parts_of_a_form_that_a_dictionary_lists_are_morphemes():
    table = units_of(pieces_of("▁man", "▁manly", "▁zxq"), min_share=1)
    assert spelled(table, 0)[0] == [("morpheme", "▁man")] * 3
    assert {kind for kind, _ in spelled(table, 2)[0]} == {"residual"}


@pytest.mark.parametrize("max_terms", [1, 2, 3])
def test_a_row_has_at_most_the_terms_that_are_allowed(max_terms):
    table = units_of(pieces_of("▁break", "▁zxq"), max_terms=max_terms)
    assert len(spelled(table, 0)) == min(max_terms, 3)
    assert len(spelled(table, 1)) == 1


def test_a_collision_names_both_pieces_and_how_they_were_told_apart():
    table = units_of(pieces_of("aab", "ab", "abb"), lexicon=EMPTY)  # single letters: a·a·b twice, then a·b·b
    met = [(found.piece_id, found.other_piece_id, found.resolution) for found in table.collisions]
    assert met == [(1, 0, "a longer first part")]


def test_units_are_numbered_by_kind_and_text_whatever_the_order_of_the_pieces():
    texts = ["▁man", "▁dogs", "▁zxq", "▁unbreakable", "人"]
    tables = [units_of(pieces_of(*order)) for order in (texts, texts[::-1])]
    names = [[(unit.kind, unit.text) for unit in table.units] for table in tables]
    assert names[0] == names[1]
    kinds = [kind for kind, _ in names[0]]
    assert kinds == sorted(kinds, key=["sememe", "morpheme", "residual"].index)


@pytest.mark.parametrize(
    "options", [{"order": 1}, {"order": 9}, {"max_terms": 0}, {"max_terms": 65}, {"min_share": 0}, {"units": 1}]
)
def test_options_outside_their_range_are_refused_by_name(options):
    with pytest.raises(SeeError, match=next(iter(options))):
        UnitOptions(**options)


def test_frequent_pieces_have_units_of_their_own_and_keep_their_meanings():
    pieces = pieces_of("▁man", "▁dogs", "▁breaking", "▁unbreakable", "▁zxq")
    alignments = Aligner(LEXICON, AFFIX_TABLE).align(pieces)
    frequencies = [0.5, 0.1, 0.0, 0.3, 0.3]
    plain = make_units(alignments, UnitOptions())
    table = make_units(alignments, UnitOptions(own=3), frequencies)
    forms = {row.piece_id: row for row in table.rows if row.term == 0}
    owned = {piece_id: set(forms[piece_id].unit_ids) for piece_id in (0, 3, 4)}
    assert all(len(units) == 1 for units in owned.values())
    for piece_id, units in owned.items():
        users = {row.piece_id for row in table.rows if units & set(row.unit_ids)}
        assert users == {piece_id}
    shared = [unit.text for unit in table.units if unit.kind == "sememe"]
    assert shared == [unit.text for unit in plain.units if unit.kind == "sememe"]
    assert table.collisions == ()
    check(table, len(pieces))
    # A piece that never occurs gets none, however many are asked for.
    all_of_them = make_units(alignments, UnitOptions(own=9), frequencies)
    assert len({unit for row in all_of_them.rows if row.piece_id == 2 and row.term == 0 for unit in row.unit_ids}) > 1


@given(vocabularies(), st.sampled_from([2, 3]), st.integers(24, 60))
def test_no_site_has_more_units_of_parts_than_asked_for(pieces, order, units):
    alignments = Aligner(LETTERS, AFFIX_TABLE).align(pieces)
    table = make_units(alignments, UnitOptions(order, 1, units=units))
    check(table, len(pieces))
    for site in range(order):
        assert len({row.unit_ids[site] for row in table.rows}) <= units


def test_parts_that_many_pieces_have_keep_their_units():
    texts = [f"▁{first}{middle}ness" for first in "abcdefgh" for middle in "ij"] + list("医生狗猫鱼鸟")
    alignments = Aligner(EMPTY, AFFIX_TABLE).align(pieces_of(*texts))
    table = make_units(alignments, UnitOptions(units=12))
    check(table, len(texts))
    endings = {row.unit_ids[-1] for row in table.rows if row.piece_id < 16}
    assert [table.units[unit].text.endswith("ness") for unit in endings] == [True] * len(endings)
    assert {unit.text for unit in table.units if "shared" in unit.text} <= {f"shared {n}" for n in range(3)}
    again = make_units(alignments, UnitOptions(units=12))
    assert again == table


def test_too_few_units_are_refused():
    alignments = Aligner(EMPTY, AFFIX_TABLE).align(pieces_of(*(f"▁{n}" for n in range(100))))
    with pytest.raises(SeeError, match="units is 4, too few to tell '▁"):
        make_units(alignments, UnitOptions(order=3, units=4))


def test_units_of_their_own_need_frequencies():
    alignments = Aligner(LEXICON, AFFIX_TABLE).align(pieces_of("▁man"))
    with pytest.raises(SeeError, match="build with --frequency"):
        make_units(alignments, UnitOptions(own=1))
