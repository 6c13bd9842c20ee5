"""What a compression ratio buys: the largest rank that fits, with everything that has to be stored counted."""

from dataclasses import dataclass, replace
from typing import Literal, Self

from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape, dense_bytes, largest_rank
from see_tn.errors import BudgetError, FactorError
from see_tn.layer.spec import FLOATS, INT8, LayerSpec, ProductSpec, row_dtype

By = Literal["bytes", "parameters"]
Storage = Literal["float32", "bfloat16", "float16", "int8"]


@dataclass(frozen=True)
class Budget:
    """How much a layer may take.

    `ratio` is how many times smaller than the dense table it has to be. By `bytes`: 4 V d against the size of all
    files of the checkpoint: tables, index, amplitudes, codes, offset, headers and config. By `parameters`: V d against
    the trained numbers, as papers count. `storage` is the type that terms are stored in. `most_parameters`, if given,
    bounds the trained numbers beside the bytes.

    Raises:
        FactorError: the ratio is not positive.
    """

    ratio: float
    by: By = "bytes"
    storage: Storage = "float32"
    most_parameters: int | None = None

    def __post_init__(self) -> None:
        if not self.ratio > 0:
            raise FactorError(f"the ratio is {self.ratio}; ask for a positive one")

    def allowed(self, n_pieces: int, width: int) -> int:
        """The most bytes, or parameters, that a layer may have."""
        dense = dense_bytes(n_pieces, width) if self.by == "bytes" else n_pieces * width
        return int(dense / self.ratio)

    def used(self, spec: LayerSpec, index_bytes: int) -> int:
        """The bytes, or parameters, that a layer has."""
        return spec.stored_bytes(index_bytes) if self.by == "bytes" else spec.parameters

    def share(self, spec: LayerSpec, index_bytes: int) -> float:
        """The part of the budget that a layer uses, of bytes or of parameters, whichever is more."""
        share = self.used(spec, index_bytes) / max(1, self.allowed(spec.n_pieces, spec.width))
        return share if self.most_parameters is None else max(share, spec.parameters / max(1, self.most_parameters))

    def fits(self, spec: LayerSpec, index_bytes: int) -> bool:
        """Whether a layer keeps to the budget."""
        return self.share(spec, index_bytes) <= 1

    def part(self, share: float) -> Self:
        """A part of the budget."""
        most = None if self.most_parameters is None else int(self.most_parameters * share)
        return replace(self, ratio=self.ratio / share, most_parameters=most)


def layer_spec(rows: RowIndex, shape: ChainShape, storage: str, *, offset: bool) -> LayerSpec:
    """The sizes of a layer of products."""
    return LayerSpec(
        n_pieces=rows.n_pieces,
        width=shape.width,
        dtype=row_dtype(storage),
        int8=storage == INT8,
        offset=offset,
        product=ProductSpec(shape, rows.amplitude.shape[1], rows.n_units, rows.unit_amplitudes),
    )


def shape_for_ratio(rows: RowIndex, shape: ChainShape, budget: Budget, *, offset: bool = True) -> ChainShape:
    """Give `shape` the largest rank whose layer keeps to the budget.

    Args:
        rows: which units make which row.
        shape: the chain; its rank is not read.
        budget: how much the layer may take.
        offset: whether the layer has an offset.
    Raises:
        BudgetError: not even rank 1 fits; the message says what the index alone takes, where bytes are counted.
    """
    index_bytes = rows.stored_bytes()
    smallest = layer_spec(rows, shape.with_rank(1), budget.storage, offset=offset)
    allowed = budget.allowed(smallest.n_pieces, smallest.width)
    spare = allowed - budget.used(smallest, index_bytes)
    if spare < 0:
        index = f", {index_bytes} of them the index" if budget.by == "bytes" else ""
        raise BudgetError(
            f"a ratio of {budget.ratio:g} leaves {allowed} {budget.by}, rank 1 takes "
            f"{budget.used(smallest, index_bytes)}{index}: ask for a smaller ratio, fewer terms or fewer units"
        )
    more = spare if budget.by == "parameters" or budget.storage == INT8 else spare // FLOATS[budget.storage].itemsize
    if budget.most_parameters is not None:
        more = min(more, budget.most_parameters - smallest.parameters)
        if more < 0:
            raise BudgetError(
                f"rank 1 has {smallest.parameters} parameters, allowed are {budget.most_parameters}: "
                "ask for a smaller ratio"
            )
    return shape.with_rank(largest_rank(shape, rows.n_units, shape.with_rank(1).parameters(rows.n_units) + more))
