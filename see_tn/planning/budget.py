"""What a compression ratio buys: the largest rank that fits, with everything that has to be stored counted."""

from typing import Literal

import torch

from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape, dense_bytes, largest_rank
from see_tn.errors import FactorError
from see_tn.layer.checkpoint import stored_bytes

By = Literal["bytes", "parameters"]


def shape_for_ratio(
    rows: RowIndex, shape: ChainShape, ratio: float, *, by: By, dtype: torch.dtype = torch.float32, offset: bool = True
) -> ChainShape:
    """Give `shape` the largest rank whose factors are at least `ratio` times smaller than the dense table.

    Args:
        rows: which units make which row.
        shape: the chain; its rank is not read.
        ratio: by `bytes`, 4 V d against the size of all files of the checkpoint: cores, index, amplitudes, offset,
            headers and config. By `parameters`, V d against the cores' and the offset's numbers, as the papers count.
        by: what is compared.
        dtype: the type that the cores are stored in.
        offset: whether the layer has an offset.
    Raises:
        FactorError: not even rank 1 fits; the message says what the index alone takes.
    """
    if not ratio > 0:
        raise FactorError(f"the ratio is {ratio}; ask for a positive one")
    extra = shape.width if offset else 0
    if by == "parameters":
        budget = int(rows.n_pieces * shape.width / ratio)
        return shape.with_rank(largest_rank(shape, rows.n_units, budget - extra))
    budget = int(dense_bytes(rows.n_pieces, shape.width) / ratio)
    smallest = stored_bytes(rows, shape.with_rank(1), dtype, offset=offset)
    if smallest > budget:
        raise FactorError(
            f"a ratio of {ratio:g} leaves {budget} bytes, rank 1 takes {smallest}, {rows.stored_bytes()} of them the "
            "index: ask for a smaller ratio, fewer terms or fewer units"
        )
    first = shape.with_rank(1).parameters(rows.n_units)
    # Headers grow by a few digits with the rank, which is why the exact size has the last word.
    rank = largest_rank(shape, rows.n_units, first + (budget - smallest) // dtype.itemsize)
    while stored_bytes(rows, shape.with_rank(rank), dtype, offset=offset) > budget:
        rank -= 1
    return shape.with_rank(rank)
