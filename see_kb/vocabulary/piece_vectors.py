"""Vectors of pieces from running text and from what is known of them, without a model.

Pieces that stand beside the same others, whose texts are translated by the same others, and that have the same sememes
and morphemes, get similar ones. They are the leading singular vectors of positive pointwise mutual information (Levy
and Goldberg 2014, "Neural word embedding as implicit matrix factorization"; its contexts smoothed and its values' root
taken as in Levy, Goldberg and Dagan 2015, "Improving distributional similarity with lessons learned from word
embeddings"). Turned at random they have no column that weighs more than others, as tables of trained models have none.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, hstack
from scipy.sparse.linalg import norm, svds

from see_kb.errors import SeeError

WINDOW = 5
"""Pieces to the left and to the right that count as close, each by one over its distance."""

SMOOTHING = 0.75
"""The power of a context's count: rare contexts tell less than their information says."""

SHARE_OF_UNITS = 0.5
"""The norm of what units tell, over that of what the text does; docs/results/scratch.md has the runs."""

SHARE_OF_TRANSLATIONS = 1.0
"""The same for translations."""

TEXTS_AT_ONCE = 20_000

MOST_PAIRS = 100_000
"""Translations that are counted, of more every so many: all pieces of a text meet all of its translation."""

Pair = tuple[Sequence[int], Sequence[int]]
"""Ids of a text and of its translation."""


def piece_vectors(
    texts: Iterable[Sequence[int]], units: csr_array, width: int, seed: int = 0, *, pairs: Sequence[Pair] = ()
) -> NDArray[np.float32]:
    """Give each piece a vector by the company it keeps, by how it is translated, and by the units that it has.

    Args:
        texts: ids of pieces, in order.
        units: (V, U), how much of each sememe and morpheme a piece has, see `read_unit_matrix`; U may be 0.
        width: columns of the vectors, fewer than pieces.
        seed: of the turn. Equal seeds give equal vectors, but for rounding where numbers of threads differ.
        pairs: those of the texts that are translations of each other, see `MOST_PAIRS`.
    Returns:
        (V, width), mean 0 in each column and standard deviation 1 over all; those of pieces that neither stand
        beside others nor have units are drawn from a normal distribution.
    Raises:
        SeeError: see `check_vectors`; an id is no piece's; no two pieces stand together more often than by chance.
    """
    n_pieces = units.shape[0]
    check_vectors(n_pieces, width, seed)
    counts = count_neighbours(texts, n_pieces)
    information = positive_information(counts)
    if not information.nnz:
        raise SeeError("no two pieces of the text stand together more often than by chance; give more text")
    generator = np.random.default_rng(seed)
    some_pairs = pairs[:: -(-len(pairs) // MOST_PAIRS) or 1]
    translated = positive_information(count_translations(some_pairs, n_pieces))
    known = positive_information(units, 1.0)
    parts = [_scaled(translated, SHARE_OF_TRANSLATIONS, information), _scaled(known, SHARE_OF_UNITS, information)]
    told = csr_array(hstack([information, *parts]))
    left, values, _ = svds(told, k=width, v0=generator.standard_normal(n_pieces))
    left *= np.sign(left[np.abs(left).argmax(axis=0), np.arange(width)])  # else the number of threads chooses the signs
    turn, _ = np.linalg.qr(generator.standard_normal((width, width)))
    table = (left * np.sqrt(values)) @ turn
    alone = np.asarray(told.sum(axis=1)) == 0
    table[~alone] -= table[~alone].mean(axis=0)
    table[~alone] /= table[~alone].std()
    table[alone] = generator.standard_normal((int(alone.sum()), width))
    return np.asarray(table, dtype=np.float32)


def check_vectors(n_pieces: int, width: int, seed: int) -> None:
    """Refuse what vectors cannot be made of, before a text is read.

    Raises:
        SeeError: there are not fewer columns than pieces, or none, or the seed is negative.
    """
    if not 1 <= width < n_pieces:
        raise SeeError(
            f"a width of {width} for {n_pieces} pieces: vectors have fewer columns than pieces; give a smaller width"
        )
    if seed < 0:
        raise SeeError(f"seed is {seed}; give a number from 0 on")


def _scaled(part: csr_array, share: float, beside: csr_array) -> csr_array:
    """A part of what is told, at its share of the norm of another one."""
    return part * (share * norm(beside) / norm(part)) if part.nnz else part


def count_neighbours(texts: Iterable[Sequence[int]], n_pieces: int, window: int = WINDOW) -> csr_array:
    """Count how often pieces of a text stand close to each other.

    Args:
        texts: ids of pieces, in order.
        n_pieces: V, the size of the vocabulary.
        window: how far apart pieces are that count.
    Returns:
        (V, V), symmetric: the sum of one over their distances.
    Raises:
        SeeError: an id is no piece's.
    """
    counts = csr_array((n_pieces, n_pieces), dtype=np.float64)
    unread = iter(texts)
    while some := list(islice(unread, TEXTS_AT_ONCE)):
        text, ids = _flat(some, n_pieces)
        for distance in range(1, window + 1):
            together = text[distance:] == text[:-distance]
            pair = ids[:-distance][together], ids[distance:][together]
            counts += csr_array(coo_array((np.full(len(pair[0]), 1 / distance), pair), shape=counts.shape))
    return csr_array(counts + counts.T)


def count_translations(pairs: Iterable[Pair], n_pieces: int) -> csr_array:
    """Count how often pieces stand in texts that are translations of each other.

    Which piece translates which is not known: n different pieces and the m of their translation meet by 1 / sqrt(n m).

    Args:
        pairs: ids of texts and of their translations.
        n_pieces: V, the size of the vocabulary.
    Returns:
        (V, V), symmetric.
    Raises:
        SeeError: an id is no piece's.
    """
    counts = csr_array((n_pieces, n_pieces), dtype=np.float64)
    unread = iter(pairs)
    while some := list(islice(unread, TEXTS_AT_ONCE)):
        sources, targets = ([pair[side] for pair in some] for side in (0, 1))
        counts += _occurring(sources, n_pieces).T @ _occurring(targets, n_pieces)
    return csr_array(counts + counts.T)


def _occurring(texts: Sequence[Sequence[int]], n_pieces: int) -> csr_array:
    """Which pieces each text has: (texts, V), rows of length 1."""
    text, ids = _flat(texts, n_pieces)
    found = np.unique(np.stack([text, ids]), axis=1)
    n_different = np.bincount(found[0], minlength=len(texts))
    return csr_array(coo_array((n_different[found[0]] ** -0.5, tuple(found)), shape=(len(texts), n_pieces)))


def _flat(texts: Sequence[Sequence[int]], n_pieces: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of the text and the id of each of the texts' pieces.

    Raises:
        SeeError: an id is no piece's.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    ids = np.fromiter(chain.from_iterable(texts), np.int64, int(lengths.sum()))
    if (wrong := ids[(ids < 0) | (ids >= n_pieces)]).size:
        raise SeeError(f"a piece of the number {wrong[0]}, of {n_pieces} pieces; give ids from 0 to {n_pieces - 1}")
    return np.repeat(np.arange(len(texts)), lengths), ids


def positive_information(counts: csr_array, smoothing: float = SMOOTHING) -> csr_array:
    """Positive pointwise mutual information of rows and columns: max(0, log P(r, c) / (P(r) P(c))), P(c) smoothed.

    Args:
        counts: (V, C), how often they meet.
        smoothing: the power of the columns' counts.
    """
    found = coo_array(counts)
    row, column = found.coords
    of_rows = np.asarray(counts.sum(axis=1))
    of_columns = np.asarray(counts.sum(axis=0)) ** smoothing
    values = np.log(found.data * of_columns.sum() / (of_rows[row] * of_columns[column]))
    kept = values > 0
    return csr_array(coo_array((values[kept], (row[kept], column[kept])), shape=counts.shape))
