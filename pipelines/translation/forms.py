"""The layers of the benchmark: ours and the controls, each the largest that keeps to a budget.

All controls but product quantisation are products too, told apart by which units make which row; the code that makes
and trains them is the same.

    see          what fits the teacher's table best: learned codes, alone or beside products of units of meaning and
                 form (the tables of `see build`); by bytes in 8 bits; by parameters in 32, and, since codes are no
                 parameters, held to the bytes that so many float32 numbers and the index of its units take; without
                 a teacher the codes are those of vectors of pieces from the training text and their units
    units        products of units of meaning and form, and nothing else; a unit has a core for each site or one for
                 all, whichever uses more of the budget
    shuffled     as `units`, each row with the units of another piece, but for pieces with units of their own
    random       as `units`, units drawn at random, but for pieces with units of their own
    low-rank     one site of one column: a table of as many columns as there are channels, times a matrix; units
                 computed from the piece's number: no index is counted
    word2ketxs   the digits of a piece's number as units (Panahi et al., arXiv 1911.04975): no index is counted either
    morphte      three parts of the piece's text, one table for all sites (Gan et al., arXiv 2210.15379)
    pq           product quantisation of the teacher's table in 8 bits: codes without a basis, and no products
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from see_kb.errors import SeeError
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape, balanced_sites, dense_bytes
from see_tn.errors import BudgetError
from see_tn.fitting.als import FitOptions, mean_row
from see_tn.fitting.codes import CodeOptions
from see_tn.fitting.layer import LayerFitOptions, fit_layer, residual
from see_tn.layer.codes import CODE_BITS, CodeShape
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.layer.spec import INT8, LayerSpec
from see_tn.planning.budget import Budget, layer_spec, shape_for_ratio
from see_tn.planning.codes import WIDEST_PART, best_codes, coded_spec
from see_tn.planning.weigh import weigh

FREQUENCY_POWER = 0.5
"""Fits weigh a piece by its count to this power."""

SWEEPS = FitOptions(sweeps=10)


@dataclass(frozen=True, eq=False)
class Material:
    """What layers are made from.

    Attributes:
        rows: units of meaning and form, several terms a row.
        shared_rows: the same, one numbering for all sites.
        morphemes: three parts of the text a row, one numbering for all sites.
        counts: (V,), how often a piece occurs in the training text.
        width: of the table.
        vectors: from a seed, vectors of the pieces by texts, translations and units, see `piece_vectors`: (V, width).
        teacher: (V, width), the table that is to be replaced, or None.
    """

    rows: RowIndex
    shared_rows: RowIndex
    morphemes: RowIndex
    counts: Tensor
    width: int
    vectors: Callable[[int], NDArray[np.float32]]
    teacher: Tensor | None = None

    @property
    def n_pieces(self) -> int:
        """V."""
        return self.rows.n_pieces

    @property
    def weights(self) -> Tensor:
        """How much a piece's error counts in a fit."""
        return (self.counts.double() + 1) ** FREQUENCY_POWER

    def fitted_to(self, seed: int) -> Tensor:
        """(V, width), what codes are learned from: the teacher's table, or vectors of the same size."""
        if self.teacher is not None:
            return self.teacher
        return torch.from_numpy(self.vectors(seed)) * self.row_std

    @property
    def row_std(self) -> float:
        """The standard deviation of rows at a model's start."""
        return float(self.width**-0.5)


def make_layer(form: str, material: Material, budget: Budget, seed: int) -> EntangledEmbedding:
    """Make a layer of a form within a budget: fitted to the teacher's table if there is one, else at random.

    A layer whose terms are to be stored in 8 bits comes with trainable ones: `quantise` it after training.

    Raises:
        SeeError: there is no such form, or it needs a teacher.
        BudgetError: nothing of this form fits the budget.
    """
    if form not in FORMS:
        raise SeeError(f"{form!r}: no such form; take one of {', '.join(FORMS)}")
    return FORMS[form](material, budget, seed)


def _see(material: Material, budget: Budget, seed: int) -> EntangledEmbedding:
    table = material.fitted_to(seed)
    best = weigh(
        material.rows,
        _separate(material),
        table,
        budget if budget.by == "bytes" else _with_bytes_of_units(material, budget),
        kinds=("codes", "both"),
        weights=material.weights,
        purpose="start" if material.teacher is None else "train",
        seed=seed,
    )[0]
    return _fitted(best.spec, material.rows, table, material.weights, seed)


def _with_bytes_of_units(material: Material, budget: Budget) -> Budget:
    """A budget of parameters, and of the bytes that so many numbers and the index of the units take."""
    n, width = material.n_pieces, material.width
    allowed = budget.allowed(n, width)
    taken = 4 * allowed + material.rows.stored_bytes()
    return Budget(dense_bytes(n, width) / taken, "bytes", budget.storage, allowed)


def _units(material: Material, budget: Budget, seed: int) -> EntangledEmbedding:
    return _chained(*_fitting_rows(material, budget), material, budget, seed)


def _shuffled(material: Material, budget: Budget, seed: int) -> EntangledEmbedding:
    rows, shape = _fitting_rows(material, budget)
    others = np.flatnonzero(~owners(rows))
    order = np.arange(rows.n_pieces)
    order[others] = np.random.default_rng(seed).permutation(others)
    shuffled = replace(rows, index=rows.index[order], amplitude=rows.amplitude[order])
    return _chained(shuffled, shape, material, budget, seed)


def _random(material: Material, budget: Budget, seed: int) -> EntangledEmbedding:
    rows, shape = _fitting_rows(material, budget)
    generator, others = np.random.default_rng(seed), ~owners(rows)
    used = np.arange(rows.index.shape[1]) < rows.n_terms[:, None]
    index = rows.index.copy()
    for site in range(rows.order):
        drawn_from = np.unique(index[others, :, site][used[others]])
        drawn = generator.choice(drawn_from, (int(others.sum()), index.shape[1])).astype(np.int32)
        index[others, :, site] = drawn * used[others]
    return _chained(replace(rows, index=index), shape, material, budget, seed)


def _fitting_rows(material: Material, budget: Budget) -> tuple[RowIndex, ChainShape]:
    """Units with a table for each site or one for all, and the order of the sites: what uses most of the budget.

    Raises:
        BudgetError: nothing fits.
    """
    separate = _separate(material)
    orders = sorted(set(permutations(separate.sites)), reverse=True)
    tried = [(material.rows, replace(separate, sites=sites)) for sites in orders]
    tried.append((material.shared_rows, _shared(material)))
    fitting = []
    for rows, shape in tried:
        with suppress(BudgetError):
            fitting.append((rows, shape_for_ratio(rows, shape, budget)))
    if not fitting:
        return material.shared_rows, shape_for_ratio(material.shared_rows, _shared(material), budget)
    return max(fitting, key=lambda one: one[1].parameters(one[0].n_units))


def owners(rows: RowIndex) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which pieces have a first term of units that no other piece has: (V,)."""
    found = np.ones(rows.n_pieces, dtype=bool)
    used = np.arange(rows.index.shape[1]) < rows.n_terms[:, None]
    piece = np.broadcast_to(np.arange(rows.n_pieces)[:, None], used.shape)[used]
    for site, table in enumerate(rows.tables):
        pairs = np.unique(np.stack([rows.index[:, :, site][used], piece]), axis=1)
        n_pieces = np.bincount(pairs[0], minlength=rows.n_units[table])
        found &= n_pieces[rows.index[:, 0, site]] == 1
    return found


def _low_rank(material: Material) -> tuple[RowIndex, ChainShape]:
    n = material.n_pieces
    index = np.stack([np.arange(n), np.zeros(n)], axis=1).astype(np.int32)[:, None]
    rows = RowIndex(index, np.ones((n, 1), np.float32), (n, 1))
    return rows, ChainShape("cp", material.width, (1, material.width), 1)


def _word2ketxs(material: Material) -> tuple[RowIndex, ChainShape]:
    n, order = material.n_pieces, 2
    root = ceil(n ** (1 / order) - 1e-9)
    index = np.stack([np.arange(n) // root, np.arange(n) % root], axis=1).astype(np.int32)[:, None]
    rows = RowIndex(index, np.ones((n, 1), np.float32), (ceil(n / root), root))
    sites = balanced_sites(material.width, order)
    return rows, ChainShape("cp", material.width, sites, 1)


COMPUTED: dict[str, Callable[[Material], tuple[RowIndex, ChainShape]]] = {
    "low-rank": _low_rank,
    "word2ketxs": _word2ketxs,
}
"""Forms whose units are functions of a piece's number: their index need not be stored."""


def _computed(form: str, material: Material, budget: Budget, seed: int) -> EntangledEmbedding:
    rows, shape = COMPUTED[form](material)
    if budget.by == "bytes":
        n, width = material.n_pieces, material.width
        budget = replace(budget, ratio=dense_bytes(n, width) / (budget.allowed(n, width) + rows.stored_bytes()))
    return _chained(rows, shape, material, budget, seed)


def spared_bytes(form: str, layer: EntangledEmbedding) -> int:
    """The bytes of a layer's index that need not be stored, as its units are computed from the piece's number."""
    return layer.rows().stored_bytes() if form in COMPUTED else 0


def _morphte(material: Material, budget: Budget, seed: int) -> EntangledEmbedding:
    return _chained(material.morphemes, _shared(material), material, budget, seed)


def _pq(material: Material, budget: Budget, seed: int) -> EntangledEmbedding:
    if material.teacher is None:
        raise SeeError("learned codes need a teacher's table")
    n, width = material.n_pieces, material.width
    shapes = [
        CodeShape(width, -(-width // part), bits, part) for bits in CODE_BITS for part in range(1, WIDEST_PART + 1)
    ]
    fitting = [
        shape for shape in shapes if coded_spec(None, n, shape, budget).stored_bytes(0) <= budget.allowed(n, width)
    ]
    if not fitting:
        raise BudgetError(f"{budget.ratio:g} times fewer bytes leave no product quantisation; ask for a smaller ratio")
    left = residual(material.teacher, None, mean_row(material.teacher, material.weights))
    shape, _ = best_codes(fitting, left, int8=budget.storage == INT8, weights=material.weights, seed=seed)
    return _fitted(coded_spec(None, n, shape, budget), None, material.teacher, material.weights, seed)


FORMS: dict[str, Callable[[Material, Budget, int], EntangledEmbedding]] = {
    "see": _see,
    "units": _units,
    "shuffled": _shuffled,
    "random": _random,
    **{form: partial(_computed, form) for form in COMPUTED},
    "morphte": _morphte,
    "pq": _pq,
}


def _separate(material: Material) -> ChainShape:
    return ChainShape("cp", material.width, balanced_sites(material.width, material.rows.order), 1)


def _shared(material: Material) -> ChainShape:
    order = material.rows.order
    side = ceil(material.width ** (1 / order) - 1e-9)
    return ChainShape("cp", material.width, (side,) * order, 1, shared=True)


def _chained(rows: RowIndex, shape: ChainShape, material: Material, budget: Budget, seed: int) -> EntangledEmbedding:
    """Products of given units: fitted, or at random with rows as long as those of the dense model at its start."""
    shape = shape_for_ratio(rows, shape, budget)
    if material.teacher is not None:
        spec = layer_spec(rows, shape, budget.storage, offset=True)
        return _fitted(spec, rows, material.teacher, material.weights, seed)
    return EntangledEmbedding(
        rows, shape, row_std=material.row_std, offset=True, generator=torch.Generator().manual_seed(seed)
    )


def _fitted(spec: LayerSpec, rows: RowIndex | None, table: Tensor, weights: Tensor, seed: int) -> EntangledEmbedding:
    options = LayerFitOptions(SWEEPS, CodeOptions(seed=seed))
    layer = fit_layer(spec, rows, table, weights=weights, options=options).layer
    return layer.dequantise() if spec.storage == INT8 else layer
