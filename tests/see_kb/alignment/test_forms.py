"""Forms and their parts: what is shared is found, and splits identify what they come from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_kb.alignment.align import Alignment
from see_kb.alignment.forms import MAX_INFIX, FormSplitter, form_of
from see_kb.vocabulary.pieces import Piece

FORMS = st.lists(st.text("abc", min_size=1, max_size=6).map(tuple), min_size=1, max_size=15, unique=True)
ORDERS = st.integers(2, 5)
SHARES = st.integers(1, 4)


@pytest.mark.parametrize(
    ("piece", "rule", "form"),
    [
        (Piece(0, "▁man", "man", "normal", starts_word=True), "exact", ("▁m", "a", "n")),
        (Piece(0, "man", "man", "normal", starts_word=False), "exact", ("m", "a", "n")),
        (Piece(0, "man</w>", "man", "normal", True, ends_word=True, unmarked=True), "exact", ("m", "a", "n▁")),
        (Piece(0, "man", "man", "normal", starts_word=True, unmarked=True), "exact", ("m", "a", "n")),
        (Piece(0, "e\u0301👍🏽", "e\u0301👍🏽", "normal", starts_word=False), "none", ("e\u0301", "👍🏽")),
        (Piece(0, "<s>", "<s>", "control", starts_word=False), "special", ("<s>",)),
        (Piece(0, "<0xE4>", "<0xE4>", "byte", starts_word=False), "byte", ("<0xE4>",)),
        (Piece(0, "äº", "<0xE4><0xBA>", "byte", starts_word=False), "byte", ("<0xE4>", "<0xBA>")),
        (Piece(0, "ab", "", "unused", starts_word=False), "special", ("a", "b")),
    ],
)
def test_a_form_is_the_text_of_a_piece_in_elements(piece, rule, form):
    assert form_of(Alignment(piece, rule, "Latin", piece.surface)) == form


def joined(form, start, end):
    return "".join(form[start:end])


def shared_beginning(form, forms, min_share):
    """The longest beginning that enough forms have, or the first element."""
    found = [end for end in range(1, len(form) + 1) if sum(other[:end] == form[:end] for other in forms) >= min_share]
    return "".join(form[: max(found, default=1)])


@given(FORMS, ORDERS, SHARES)
def test_the_first_and_the_last_part_are_the_longest_that_enough_forms_share(forms, order, min_share):
    splitter = FormSplitter(forms, order, min_share)
    backwards = [form[::-1] for form in forms]
    for form in forms:
        first, *_, last = next(splitter.splits(form))
        assert first == shared_beginning(form, forms, min_share)
        assert last == shared_beginning(form[::-1], backwards, min_share)[::-1]


@given(FORMS, ORDERS, SHARES)
def test_parts_between_are_stretches_that_enough_forms_share_or_single_elements(forms, order, min_share):
    splitter = FormSplitter(forms, order, min_share)
    for form in forms:
        _, *between, _ = next(splitter.splits(form))
        assert len(between) == order - 2
        for part in between:
            assert part in "".join(form)
            assert 1 <= len(part) <= MAX_INFIX
            assert len(part) == 1 or sum(part in "".join(other) for other in forms) >= min_share


@given(FORMS, ORDERS, SHARES)
def test_later_splits_differ_in_ever_longer_first_parts_up_to_the_whole_form(forms, order, min_share):
    splitter = FormSplitter(forms, order, min_share)
    for form in forms:
        splits = list(splitter.splits(form))
        assert len({split[1:] for split in splits}) == 1
        lengths = [len(split[0]) for split in splits]
        assert lengths == list(range(lengths[0], len(form) + 1))
        assert all(joined(form, 0, len(split[0])) == split[0] for split in splits)


def test_no_form_is_looked_through_for_stretches_longer_than_the_limit():
    form = tuple("abcdefghijklmnop")
    ((first, between, last),) = FormSplitter([form], 3, 1).splits(form)
    assert (first, last) == ("".join(form), "".join(form))
    assert between == "efghijkl"
