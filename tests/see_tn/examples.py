"""Small tables, shapes and layers that several test files share."""

import numpy as np
import torch
from torch import Tensor

from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape
from see_tn.layer.embedding import EntangledEmbedding

SHAPES = [
    ChainShape("cp", 7, (7,), 3),
    ChainShape("mps", 7, (7,), 3),
    ChainShape("cp", 12, (4, 3), 5),
    ChainShape("mps", 11, (4, 3), 5),
    ChainShape("cp", 23, (4, 3, 2), 3),
    ChainShape("mps", 24, (4, 3, 2), 3),
    ChainShape("cp", 24, (3, 2, 2, 2), 2),
    ChainShape("mps", 23, (3, 2, 2, 2), 2),
]


def shape_name(shape: ChainShape) -> str:
    return f"{shape.form}-order-{shape.order}-width-{shape.width}"


def some_rows(n_pieces: int = 20, order: int = 3, most_terms: int = 3, n_units: int = 9, seed: int = 0) -> RowIndex:
    """Rows of one to `most_terms` terms, with squared amplitudes that sum to 1."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, most_terms + 1, n_pieces)
    piece_ids = np.repeat(np.arange(n_pieces), counts)
    raw = rng.uniform(0.5, 1.0, len(piece_ids))
    amplitudes = raw / np.sqrt(np.bincount(piece_ids, raw**2))[piece_ids]
    unit_ids = rng.integers(0, n_units, (len(piece_ids), order))
    return RowIndex.from_unit_rows(piece_ids, amplitudes.astype(np.float32), unit_ids)


def some_layer(shape: ChainShape, **options) -> EntangledEmbedding:
    rows = some_rows(order=shape.order)
    return EntangledEmbedding(rows, shape, row_std=1.0, generator=seeded(), **options)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dense_row(shape: ChainShape, cores: list[Tensor], index: Tensor, amplitude: Tensor) -> Tensor:
    """One row as a single einsum over terms, sites and bonds, written out by the formula alone."""
    gathered = [core[index[:, site].long()] for site, core in enumerate(cores)]
    columns, bonds = "abcd"[: shape.order], "uvwxy"
    if shape.form == "cp":
        sites = [f"tu{column}" for column in columns]
    else:
        sites = [f"t{bonds[k]}{column}{bonds[k + 1]}" for k, column in enumerate(columns)]
    equation = f"t,{','.join(sites)}->{columns}"
    return torch.einsum(equation, amplitude.to(cores[0].dtype), *gathered).flatten()[: shape.width]
