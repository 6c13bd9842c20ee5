"""Small tables, shapes and layers that several test files share."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from see_tn.chain.initialise import random_cores
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape
from see_tn.layer.codes import CodeShape, CodeTerms, pack_codes
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.layer.product import ProductTerms

LayerMaker = Callable[..., EntangledEmbedding]

SHAPES = [
    ChainShape("cp", 7, (7,), 3),
    ChainShape("mps", 7, (7,), 3),
    ChainShape("cp", 12, (4, 3), 5),
    ChainShape("mps", 11, (4, 3), 5),
    ChainShape("cp", 23, (4, 3, 2), 3),
    ChainShape("mps", 24, (4, 3, 2), 3),
    ChainShape("cp", 24, (3, 2, 2, 2), 2),
    ChainShape("mps", 23, (3, 2, 2, 2), 2),
    ChainShape("cp", 26, (3, 3, 3), 3, shared=True),
    ChainShape("mps", 24, (3, 2, 2, 2), 2, shared=True),
]


def shape_name(shape: ChainShape) -> str:
    return f"{shape.form}-order-{shape.order}-width-{shape.width}" + "-shared" * shape.shared


def some_rows(
    n_pieces: int = 20,
    order: int = 3,
    most_terms: int = 3,
    n_units: int = 9,
    seed: int = 0,
    tables: tuple[int, ...] = (),
) -> RowIndex:
    """Rows of one to `most_terms` terms, with squared amplitudes that sum to 1."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, most_terms + 1, n_pieces)
    piece_ids = np.repeat(np.arange(n_pieces), counts)
    raw = rng.uniform(0.5, 1.0, len(piece_ids))
    amplitudes = raw / np.sqrt(np.bincount(piece_ids, raw**2))[piece_ids]
    unit_ids = rng.integers(0, n_units, (len(piece_ids), order))
    return RowIndex.from_unit_rows(piece_ids, amplitudes.astype(np.float32), unit_ids, tables)


def some_layer(shape: ChainShape, **options) -> EntangledEmbedding:
    rows = some_rows(order=shape.order, tables=shape.tables)
    return EntangledEmbedding(rows, shape, row_std=1.0, generator=seeded(), **options)


CODES = [
    CodeShape(23, 5, 8, 4, 1),
    CodeShape(23, 6, 4, 3, 2),
    CodeShape(23, 7, 4, 4),
]


def some_codes(shape: CodeShape, n_pieces: int = 20, dtype: torch.dtype = torch.float32) -> CodeTerms:
    """Codes, codewords and a basis at random."""
    codes = torch.randint(0, 2**shape.bits, (n_pieces, shape.parts), generator=seeded(3))
    codebook = torch.randn(shape.codebook_shape, generator=seeded(4)).to(dtype)
    basis = torch.randn(shape.basis_shape, generator=seeded(5)).to(dtype) if shape.blocks else None
    return CodeTerms(shape, pack_codes(codes, shape), codebook, basis)


def _layer_of(shape: ChainShape | None, codes: CodeShape | None, *, most_terms: int = 3, **options) -> LayerMaker:
    def make(dtype: torch.dtype = torch.float32, padding_idx: int | None = None) -> EntangledEmbedding:
        product = None
        if shape is not None:
            rows = some_rows(order=shape.order, most_terms=most_terms, tables=shape.tables)
            if most_terms == 1:
                rows = RowIndex(rows.index, np.ones_like(rows.amplitude), rows.n_units, rows.tables)
            product = ProductTerms(rows, shape, random_cores(shape, rows.n_units, 1.0, seeded(), dtype), **options)
        terms = None if codes is None else some_codes(codes, dtype=dtype)
        offset = torch.randn(23, generator=seeded(6)).to(dtype)
        return EntangledEmbedding.from_terms(product, terms, offset, padding_idx=padding_idx)

    return make


_CP, _MPS = ChainShape("cp", 23, (4, 3, 2), 3), ChainShape("mps", 23, (4, 3, 2), 3)
FORMS: dict[str, LayerMaker] = {
    "cp, several terms": _layer_of(_CP, None),
    "cp, one term": _layer_of(_CP, None, most_terms=1),
    "cp, order 2": _layer_of(ChainShape("cp", 23, (6, 4), 2), None, most_terms=1),
    "mps, order 2": _layer_of(ChainShape("mps", 23, (6, 4), 2), None, most_terms=1),
    "cp, one table, order 2": _layer_of(ChainShape("cp", 23, (5, 5), 2, shared=True), None, most_terms=1),
    "cp, one table": _layer_of(ChainShape("cp", 23, (3, 3, 3), 3, shared=True), None),
    "mps, several terms": _layer_of(_MPS, None),
    "mps, one term": _layer_of(_MPS, None, most_terms=1),
    "mps, one inner table": _layer_of(ChainShape("mps", 23, (3, 2, 2, 2), 2, shared=True), None),
    "codes of 8 bits": _layer_of(None, CODES[0]),
    "codes of 4 bits in blocks": _layer_of(None, CODES[1]),
    "codes without a basis": _layer_of(None, CODES[2]),
    "cp and codes": _layer_of(_CP, CODES[0]),
    "mps and codes": _layer_of(_MPS, CODES[1]),
}
"""Every kind of layer, by name: 20 rows of 23 columns with an offset."""


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dense_row(shape: ChainShape, cores: list[Tensor], index: Tensor, amplitude: Tensor) -> Tensor:
    """One row of tables of cores as a single einsum over terms, sites and bonds, written out by the formula alone."""
    gathered = [cores[table][index[:, site].long()] for site, table in enumerate(shape.tables)]
    columns, bonds = "abcd"[: shape.order], "uvwxy"
    if shape.form == "cp":
        sites = [f"tu{column}" for column in columns]
    else:
        sites = [f"t{bonds[k]}{column}{bonds[k + 1]}" for k, column in enumerate(columns)]
    equation = f"t,{','.join(sites)}->{columns}"
    return torch.einsum(equation, amplitude.to(cores[0].dtype), *gathered).flatten()[: shape.width]
