"""The knowledge-guided terms of a row: products of the cores of its units (CP or MPS), summed over its senses."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Self, cast

import torch
from torch import Tensor, nn

from see_tn.chain.entangle import entangle
from see_tn.chain.row_index import RowIndex, check_rows
from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.layer.tables import FloatTable, Int8Table, Table


class ProductTerms(nn.Module):
    """`sum over terms k of amplitude[k] * contract(cores of the term's units)` for a batch of rows.

    Args:
        rows: which units make which row.
        shape: the chain.
        cores: one tensor per table, (n_units[t], *shape.table_shapes[t]).
        sparse: whether the cores' gradients hold the gathered cores alone.
    Attributes:
        tables: the cores, flat: (n_units[t], numbers of a core).
        index: buffer (O, V, T) int32, a site at a time because sites are gathered one by one.
        amplitude: buffer (V, T) float32 whatever type the module is moved to; None where all are 1 and T is 1.
        unplaced: on the device `meta`, what `to_empty` is to fill both with, or None.
    Raises:
        FactorError: rows, shape and cores do not fit each other.
    """

    index: Tensor
    amplitude: Tensor | None
    unplaced: RowIndex | None = None

    def __init__(self, rows: RowIndex, shape: ChainShape, cores: Sequence[Tensor], *, sparse: bool = False) -> None:
        super().__init__()
        check_cores(rows, shape, cores)
        self.shape = shape
        # Looked up once: compiled code checks whatever it reads on every call.
        self._sites = tuple((table, shape.core_shape(site)) for site, table in enumerate(shape.tables))
        self._split, self._width = shape.split, shape.width
        self.sparse = sparse
        self.tables = nn.ModuleList(FloatTable(core.reshape(len(core), -1), sparse=sparse) for core in cores)
        place: torch.device = cores[0].device
        # Copies: the buffers move and load in place, and must not write into the caller's arrays.
        self.register_buffer("index", torch.tensor(rows.index, device="cpu").permute(2, 0, 1).contiguous().to(place))
        plain = rows.unit_amplitudes
        self.register_buffer("amplitude", None if plain else torch.tensor(rows.amplitude, device="cpu").to(place))
        self._is_whole = shape.full_width == shape.width
        self._is_plain_pair = plain and shape.order == 2

    @property
    def dtype(self) -> torch.dtype:
        """The type of the rows."""
        return self.core_tables()[0].dtype

    def core_tables(self) -> list[Table]:
        """The tables as what they are."""
        return cast(list[Table], list(self.tables))

    @property
    def n_units(self) -> tuple[int, ...]:
        """How many units own a core in each table."""
        return tuple(table.n_vectors for table in self.core_tables())

    @property
    def cores(self) -> list[Tensor]:
        """The cores as tensors (n_units[t], *core shape): views of the parameters, or of what 8-bit codes stand for."""
        pairs = zip(self.core_tables(), self.shape.table_shapes, strict=True)
        return [table.dense().reshape(-1, *shape) for table, shape in pairs]

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one row."""
        return self.shape.multiply_adds(self.index.shape[2])

    def rows(self) -> RowIndex:
        """Which units make which row, as arrays of their own."""
        index = self.index.permute(1, 2, 0).contiguous().cpu()
        amplitude = torch.ones(index.shape[:2]) if self.amplitude is None else self.amplitude.cpu().clone()
        return RowIndex(index.numpy().copy(), amplitude.numpy(), self.n_units, self.shape.tables)

    def quantise(self) -> None:
        """Round the cores to 8 bits, in place."""
        self.tables = nn.ModuleList(Int8Table.of(table.dense()) for table in self.core_tables())

    def dequantise(self) -> None:
        """Make trainable cores of 8-bit ones, in place."""
        cores = [table.dense().detach().clone() for table in self.core_tables()]
        self.tables = nn.ModuleList(FloatTable(core, sparse=self.sparse) for core in cores)

    def forward(self, ids: Tensor) -> Tensor:
        """Contract the rows of some pieces.

        Args:
            ids: (B,) int32 or int64.
        Returns:
            (B, width), in the cores' type also where autocast computes in another.
        """
        if self._is_plain_pair:
            return self._pair(ids)
        tables = self.core_tables()
        gathered = []
        for site, (table, core) in enumerate(self._sites):
            # Not by unbind(): compiled by torch 2.13 for a CPU, the gradients then came out wrong.
            units = self.index[site].index_select(0, ids)  # (B, T)
            gathered.append(tables[table].gather(units).reshape(*units.shape, *core))
        dtype = gathered[0].dtype
        amplitude = None if self.amplitude is None else self.amplitude.index_select(0, ids).to(dtype)
        rows = entangle(gathered, amplitude, self._split)
        if rows.shape[1] > self._width:
            rows = rows[:, : self._width]
        return rows if rows.dtype == dtype else rows.to(dtype)

    def _pair(self, ids: Tensor) -> Tensor:
        """Rows of one term over two sites in the fewest steps: for a single row, steps are all that counts."""
        (first, left_core), (second, right_core) = self._sites
        index, tables = self.index, self.core_tables()
        left = tables[first].gather(index[0].index_select(0, ids)).view(-1, *left_core)
        right = tables[second].gather(index[1].index_select(0, ids)).view(-1, *right_core)
        # CP cores are (channels, d); those of an MPS (1, d, bond) and (bond, d, 1).
        rows = torch.bmm(left.mT, right) if left.dim() == 3 else torch.bmm(left.squeeze(1), right.squeeze(3))
        rows = rows.flatten(1) if self._is_whole else rows.flatten(1)[:, : self._width]
        return rows if rows.dtype == left.dtype else rows.to(left.dtype)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        exact, had_values = self.amplitude, not self.index.is_meta
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if exact is not None and self.amplitude is not None and self.amplitude.dtype != exact.dtype:
            self.amplitude = exact.to(self.amplitude.device)
        if self.unplaced is not None and not (had_values or self.index.is_meta):
            self._place(self.unplaced)
        return self

    def _place(self, rows: RowIndex) -> None:
        self.index.copy_(torch.from_numpy(rows.index).permute(2, 0, 1))
        if self.amplitude is not None:
            self.amplitude.copy_(torch.from_numpy(rows.amplitude))
        self.unplaced = None


def check_cores(rows: RowIndex, shape: ChainShape, cores: Sequence[Tensor]) -> None:
    """Refuse cores that do not fit the rows and the shape.

    Raises:
        FactorError: rows and shape have different orders or tables; a core has another shape than they ask for; or
            the cores are of several types or on several devices.
    """
    check_rows(rows, shape)
    wanted = [(n, *table) for n, table in zip(rows.n_units, shape.table_shapes, strict=True)]
    given = [tuple(core.shape) for core in cores]
    if given != wanted:
        raise FactorError(f"cores have the shapes {given}, rows and shape ask for {wanted}")
    if len({(core.dtype, core.device) for core in cores}) > 1:
        raise FactorError(f"cores are {sorted({str(core.dtype) for core in cores})}; give one type on one device")


def core_numbers(shape: ChainShape) -> list[int]:
    """The numbers of one unit's core in each table."""
    return [prod(table) for table in shape.table_shapes]
