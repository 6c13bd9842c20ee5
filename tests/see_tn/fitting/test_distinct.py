import itertools

import numpy as np
import pytest
import torch

from see_tn.fitting.codes import CodeOptions, fit_codes
from see_tn.fitting.distinct import distinct_codes
from see_tn.fitting.layer import fit_layer
from see_tn.fitting.quality import measure
from see_tn.layer.codes import CodeShape
from see_tn.planning.budget import Budget
from see_tn.planning.codes import coded_spec
from tests.see_tn.examples import seeded

PARTS, WORDS, WIDTH = 3, 16, 2


def clustered(n=4_000, width=24, clusters=300):
    """Rows in tight clusters: what k-means gives equal codes."""
    centres = torch.randn(clusters, width, generator=seeded())
    return centres[torch.arange(n) % clusters] + 0.05 * torch.randn(n, width, generator=seeded(1))


def rows_of(table, shape, **options):
    terms = fit_codes(table, shape, int8=False, options=CodeOptions(seed=1), **options)
    with torch.no_grad():
        return terms(torch.arange(len(table)))


@pytest.mark.parametrize("shape", [CodeShape(24, 6, 4, 4), CodeShape(24, 3, 8, 8), CodeShape(24, 6, 4, 2, 1)])
def test_different_rows_have_different_codes_and_lose_little(shape):
    table = clustered()
    plain, distinct = (rows_of(table, shape, distinct=wanted) for wanted in (False, True))
    assert len(torch.unique(plain, dim=0)) < 3_000
    assert len(torch.unique(distinct, dim=0)) == len(table)
    errors = [measure(table, rows).relative_error for rows in (plain, distinct)]
    assert errors[0] < errors[1] < 1.6 * errors[0] + 0.1


def test_equal_rows_stay_equal():
    table = clustered(1_000)
    table[500:] = table[0]
    rows = rows_of(table, CodeShape(24, 6, 4, 4))
    assert len(torch.unique(rows, dim=0)) == 500
    assert torch.equal(rows[500:], rows[:1].expand(500, -1))


def test_rows_in_eight_bits_are_different_too():
    """Codewords that rounding has made equal tell nothing apart."""
    table = clustered()
    table[:, 4:8] *= 1e-6
    spec = coded_spec(None, len(table), CodeShape(24, 6, 4, 4), Budget(8, "bytes", "int8"))
    layer = fit_layer(spec, None, table).layer
    assert len(torch.unique(layer.materialise(), dim=0)) == len(table)


def example(n, seed):
    rng = np.random.default_rng(seed)
    words = rng.normal(size=(PARTS, WORDS, WIDTH)).astype(np.float32)
    numbers = rng.normal(size=(n, PARTS * WIDTH)).astype(np.float32)
    numbers[: n // 2] = numbers[0] + 0.05 * numbers[: n // 2]
    return numbers, distances(numbers, words).argmin(axis=2).astype(np.uint8), words


def distances(numbers, words):
    return np.square(numbers.reshape(len(numbers), PARTS, 1, WIDTH) - words).sum(axis=3)


def test_rows_that_had_codes_of_their_own_keep_them_and_the_heaviest_of_a_group():
    numbers, codes, words = example(200, 0)
    weights = np.arange(200.0)[::-1]
    found = distinct_codes(numbers, codes, words, weights)
    assert len(np.unique(found, axis=0)) == 200
    _, first, which, counts = np.unique(codes, axis=0, return_index=True, return_inverse=True, return_counts=True)
    alone = counts[which.ravel()] == 1
    assert np.array_equal(found[alone], codes[alone])
    assert np.array_equal(found[first], codes[first])  # the first of a group has the most weight
    assert 0 < (found != codes).any(axis=1).sum() == 200 - len(first)


@pytest.mark.parametrize("seed", range(5))
def test_the_second_of_two_takes_the_nearest_codes_that_nobody_has(seed):
    """The judge goes through all combinations."""
    numbers, codes, words = example(60, seed)
    numbers = numbers[[0, *range(40, 60)]]
    numbers = np.concatenate([numbers, numbers[:1] + 1e-4])
    codes = distances(numbers, words).argmin(axis=2).astype(np.uint8)
    found = distinct_codes(numbers, codes, words, np.arange(len(numbers), 0.0, -1.0))
    costs = distances(numbers[-1:], words)[0]
    taken = set(map(tuple, codes.tolist()))
    free = (c for c in itertools.product(range(WORDS), repeat=PARTS) if c not in taken)
    nearest = min(free, key=lambda c: sum(costs[part, word] for part, word in enumerate(c)))
    assert tuple(found[-1].tolist()) == nearest
    assert np.array_equal(found[:-1], codes[:-1])


def test_where_combinations_are_few_codes_stay_as_they_are():
    numbers, codes, words = example(3_000, 0)  # 4,096 combinations
    assert distinct_codes(numbers, codes, words) is codes
