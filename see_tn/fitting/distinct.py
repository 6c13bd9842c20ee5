"""Codes that tell rows apart: pieces with equal codes have equal rows, and a model cannot say one and not the other.

Of the rows that k-means gave equal codes, the one of most weight keeps them, and the others take the nearest codes that
no row has. Combinations of codewords are tried in the order of their distance, as in the multi-sequence algorithm
(Babenko and Lempitsky, "The inverted multi-index", CVPR 2012).
"""

from collections.abc import Collection, Iterator
from heapq import heappop, heappush
from itertools import islice
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Codes = NDArray[np.uint8]

ROOM = 4
"""Combinations of codewords for each row, from which on rows are told apart."""

CHOICE = 2
"""Free combinations, for each that a group of rows needs, among which they choose."""


def distinct_codes(numbers: Floats, codes: Codes, words: Floats, weights: NDArray[Any] | None = None) -> Codes:
    """Change codes where different rows have equal ones, as little as it takes.

    Args:
        numbers: (V, parts * part_width), what the codes stand for.
        codes: (V, parts), the nearest codeword of each part.
        words: (parts, n_words, part_width).
        weights: (V,), how much a row counts; without, the nearest one of a group keeps its codes.
    Returns:
        (V, parts): different numbers have different codewords. Equal ones keep equal codes; all keep theirs where the
        combinations of codewords are fewer than `ROOM` for each row.
    """
    first = [_first_of_equal(part) for part in words]
    if prod(float(len(np.unique(part))) for part in first) < ROOM * len(codes):
        return codes
    codes = np.stack([part[column] for part, column in zip(first, codes.T, strict=True)], axis=1)
    groups = list(_groups(codes))
    taken = {row.tobytes() for row in codes} if groups else set()
    parts = numbers.reshape(len(numbers), len(words), -1)
    for group in groups:
        rows, members = _different(numbers[group])
        if len(rows) == 1:
            continue
        distances = _distances(parts[group[rows]], words)
        sums = np.zeros(len(rows)) if weights is None else np.bincount(members, weights[group])
        free = _free(distances.mean(axis=0), first, taken, CHOICE * (len(rows) - 1))
        chosen = _dealt(distances, sums, np.stack([codes[group[0]], *free]))
        taken.update(row.tobytes() for row in chosen)
        codes[group] = chosen[members]
    return codes


def _first_of_equal(words: Floats) -> Codes:
    """For each codeword the first one that is equal to it: (n_words,)."""
    _, first, which = np.unique(words, axis=0, return_index=True, return_inverse=True)
    return first[which.ravel()].astype(np.uint8)


def _groups(codes: Codes) -> Iterator[NDArray[Any]]:
    """The rows of each set of codes that several rows have."""
    _, which, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(which.ravel(), kind="stable")
    for group in np.split(order, np.cumsum(counts)[:-1]):
        if len(group) > 1:
            yield group


def _different(rows: Floats) -> tuple[NDArray[Any], NDArray[Any]]:
    """One row of each that are equal, and for all rows which of those it is."""
    _, first, which = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return first, which.ravel()


def _distances(rows: Floats, words: Floats) -> Floats:
    """Squared distances of each row's parts to all codewords: (rows, parts, n_words)."""
    parts = (np.square(rows[:, part, None] - words[part]).sum(axis=2) for part in range(len(words)))
    return np.stack(list(parts), axis=1)


def _free(distances: Floats, first: list[Codes], taken: Collection[bytes], n: int) -> list[Codes]:
    """The n nearest combinations of codewords that no row has, or all there are; distances are (parts, n_words)."""
    order, steps = [], []
    for part, row in zip(first, distances, strict=True):
        words = np.unique(part)
        order.append(words[np.argsort(row[words], kind="stable")])
        steps.append(np.diff(row[order[-1]]))
    parts = range(len(order))
    combinations = (np.array([order[part][ranks[part]] for part in parts], np.uint8) for ranks in _by_sum(steps))
    return list(islice((codes for codes in combinations if codes.tobytes() not in taken), n))


def _by_sum(steps: list[Floats]) -> Iterator[tuple[int, ...]]:
    """Places in several ascending lists, those of least sum first; lists are given by the steps between neighbours."""
    heap: list[tuple[float, tuple[int, ...], int]] = [(0.0, (0,) * len(steps), 0)]
    while heap:
        total, ranks, last = heappop(heap)
        yield ranks
        # Lists are gone through in one order, so that each combination is come to once.
        for part in range(last, len(steps)):
            if ranks[part] < len(steps[part]):
                following = (*ranks[:part], ranks[part] + 1, *ranks[part + 1 :])
                heappush(heap, (total + float(steps[part][ranks[part]]), following, part))


def _dealt(distances: Floats, weights: NDArray[Any], choice: Codes) -> Codes:
    """Let rows take the nearest of some combinations, those of most weight first: (rows, parts)."""
    parts = np.arange(distances.shape[1])
    order = np.lexsort((distances[:, parts, choice[0]].sum(axis=1), -weights))
    free = np.ones(len(choice), dtype=bool)
    chosen = np.tile(choice[0], (len(distances), 1))
    for row in order:
        if not free.any():
            break
        costs = np.where(free, distances[row][parts, choice].sum(axis=1), np.inf)
        place = int(np.argmin(costs))
        free[place] = False
        chosen[row] = choice[place]
    return chosen
