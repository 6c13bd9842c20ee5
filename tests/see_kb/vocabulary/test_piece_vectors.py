"""Vectors of pieces from running text."""

from collections import defaultdict
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from see_kb.errors import SeeError
from see_kb.vocabulary import piece_vectors as module
from see_kb.vocabulary.piece_vectors import count_neighbours, count_translations, piece_vectors, positive_information

PIECES = 6
TEXTS = st.lists(st.lists(st.integers(0, PIECES - 1), max_size=8), max_size=6)


@given(TEXTS, st.integers(1, 4))
def test_neighbours_are_counted_by_one_over_their_distance(texts, window):
    expected = np.zeros((PIECES, PIECES))
    for text in texts:
        for (i, a), (j, b) in combinations(enumerate(text), 2):
            if j - i <= window:
                expected[a, b] += 1 / (j - i)
                expected[b, a] += 1 / (j - i)
    np.testing.assert_allclose(count_neighbours(texts, PIECES, window).toarray(), expected)


@given(st.lists(st.tuples(*[st.lists(st.integers(0, PIECES - 1), max_size=6)] * 2), max_size=6))
def test_translations_are_counted_by_the_root_of_how_many_pieces_they_have(pairs):
    expected = np.zeros((PIECES, PIECES))
    for source, target in (tuple(map(set, pair)) for pair in pairs):
        for a, b in product(source, target):
            expected[a, b] += (len(source) * len(target)) ** -0.5
            expected[b, a] += (len(source) * len(target)) ** -0.5
    np.testing.assert_allclose(count_translations(pairs, PIECES).toarray(), expected)


def test_texts_are_counted_alike_however_many_are_read_at_once(monkeypatch):
    texts = [[0, 1, 2], [3], [], [2, 1], [4, 5, 0, 1]]
    whole = count_neighbours(texts, PIECES).toarray()
    monkeypatch.setattr(module, "TEXTS_AT_ONCE", 2)
    np.testing.assert_allclose(count_neighbours(iter(texts), PIECES).toarray(), whole)


def test_translations_are_counted_alike_however_many_are_read_at_once(monkeypatch):
    pairs = [([0, 1, 2], [3]), ([], [4]), ([2, 1, 1], [4, 5]), ([4, 5], [0, 1, 0])]
    whole = count_translations(pairs, PIECES).toarray()
    monkeypatch.setattr(module, "TEXTS_AT_ONCE", 2)
    np.testing.assert_allclose(count_translations(iter(pairs), PIECES).toarray(), whole)


@given(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=3, max_size=3), st.floats(0.5, 1))
def test_information_is_that_of_the_dense_formula(counts, smoothing):
    dense = np.array(counts, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        contexts = dense.sum(0) ** smoothing
        share = dense / dense.sum(1, keepdims=True) / (contexts / contexts.sum())
        expected = np.nan_to_num(np.maximum(np.log(share), 0), neginf=0)
    np.testing.assert_allclose(positive_information(csr_array(dense), smoothing).toarray(), expected, atol=1e-12)


def company(n_words: int = 12, n_texts: int = 3_000) -> list[list[int]]:
    """Texts of even and odd pieces, each with pieces of their own beside them."""
    generator = np.random.default_rng(0)
    words = generator.integers(0, n_words, n_texts)
    own = n_words + 5 * (words % 2) + generator.integers(0, 5, n_texts)
    return np.stack([own, words, own], axis=1).tolist()


def test_pieces_with_the_same_company_get_similar_vectors():
    table = piece_vectors(company(), csr_array((22, 0)), 8)
    rows = table[:12] / np.linalg.norm(table[:12], axis=1, keepdims=True)
    cosines, by_parity = rows @ rows.T, defaultdict(list)
    for a, b in combinations(range(12), 2):
        by_parity[(a + b) % 2].append(cosines[a, b])
    assert min(by_parity[0]) > max(by_parity[1]) + 0.5


def test_pieces_that_are_translated_alike_get_similar_vectors():
    """Words of one language that keep the same company; half of them go with piece 12, the others with piece 13."""
    generator = np.random.default_rng(0)
    words = generator.integers(0, 12, 2_000)
    texts = np.stack([14 + generator.integers(0, 4, 2_000), words], axis=1).tolist()
    pairs = [(text, [12 + word % 2, 18]) for text, word in zip(texts, words.tolist(), strict=True)]
    table = piece_vectors([*texts, *(pair[1] for pair in pairs)], csr_array((19, 0)), 8, pairs=pairs)
    rows = table[:12] / np.linalg.norm(table[:12], axis=1, keepdims=True)
    cosines = rows @ rows.T
    alike = np.add.outer(np.arange(12), np.arange(12)) % 2 == 0
    assert cosines[alike].min() > cosines[~alike].max() + 0.2


def test_of_many_translations_every_so_many_are_counted(monkeypatch):
    counted = []
    monkeypatch.setattr(module, "MOST_PAIRS", 3)
    monkeypatch.setattr(module, "count_translations", lambda pairs, n: counted.append(pairs) or csr_array((n, n)))
    pairs = [([number], [21]) for number in range(10)]
    for some in (pairs, pairs[:3], []):
        piece_vectors(company(), csr_array((22, 0)), 4, pairs=some)
    assert [[source for (source,), _ in some] for some in counted] == [[0, 4, 8], [0, 1, 2], []]


def test_no_column_weighs_more_than_others():
    table = piece_vectors(company(), csr_array((22, 0)), 4)
    assert table.dtype == np.float32
    np.testing.assert_allclose(table.mean(axis=0), 0, atol=1e-6)
    assert table.std() == pytest.approx(1, rel=1e-5)
    assert table.std(axis=0).max() < 2 * table.std(axis=0).min()


def test_equal_seeds_give_equal_vectors_and_others_the_same_cosines():
    once, again, other = (piece_vectors(company(), csr_array((22, 0)), 4, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.allclose(once, other)
    np.testing.assert_allclose(once @ once.T, other @ other.T, atol=1e-3)


def test_pieces_with_the_same_units_get_similar_vectors_where_the_text_does_not_tell():
    """Pieces 22 to 33 do not occur; the first six have the unit of the even pieces, the others that of the odd ones."""
    units = np.zeros((34, 3))
    units[:12, :2] = np.eye(2)[np.arange(12) % 2]
    units[22:, :2] = np.repeat(np.eye(2), 6, axis=0)
    units[:, 2] = 1  # what all have tells nothing
    table = piece_vectors(company(), csr_array(units), 4)
    rows = table / np.linalg.norm(table, axis=1, keepdims=True)
    even, odd = rows[0:12:2].mean(axis=0), rows[1:12:2].mean(axis=0)
    assert (rows[22:28] @ even > rows[22:28] @ odd + 0.3).all()
    assert (rows[28:] @ odd > rows[28:] @ even + 0.3).all()


def test_pieces_that_do_not_occur_get_vectors_of_their_own():
    table = piece_vectors([*company(), [25]], csr_array((122, 0)), 16)
    used, unused = table[:22], table[22:]
    assert len(np.unique(unused, axis=0)) == 100
    assert used.std() == pytest.approx(1, rel=1e-5)
    assert unused.std() == pytest.approx(1, rel=0.05)


def test_the_free_signs_of_singular_vectors_change_nothing(monkeypatch):
    """Which sign a solver finds depends on the number of threads."""
    wanted = piece_vectors(company(), csr_array((22, 0)), 8)
    made = module.svds

    def turned(*arguments, **options):
        left, values, right = made(*arguments, **options)
        return left * np.resize([1, -1], 8), values, right

    monkeypatch.setattr(module, "svds", turned)
    np.testing.assert_allclose(piece_vectors(company(), csr_array((22, 0)), 8), wanted, rtol=1e-5)


@pytest.mark.parametrize("texts", [[[0, 1], [3]], [[-1, 1, 2]], [[0, 1, 2], [], [1, 3]]])
def test_ids_of_no_piece_are_refused(texts):
    with pytest.raises(SeeError, match=r"a piece of the number (3|-1), of 3 pieces; give ids from 0 to 2"):
        piece_vectors(texts, csr_array((3, 0)), 2)


def test_a_negative_seed_is_refused():
    with pytest.raises(SeeError, match="seed is -1; give a number from 0 on"):
        piece_vectors(company(), csr_array((22, 0)), 4, -1)


@pytest.mark.parametrize(
    ("texts", "width", "said"),
    [
        ([[0, 1, 2]], 3, "a width of 3 for 3 pieces: .* fewer columns"),
        ([[0], [1]], 2, "more text"),
        ([], 1, "more text"),
    ],
)
def test_too_little_text_is_refused(texts, width, said):
    with pytest.raises(SeeError, match=said):
        piece_vectors(texts, csr_array((3, 0)), width)
