"""A layer in place of `nn.Embedding`: it knows which rows a batch needs, and makes those alone."""

from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from see_tn.chain.entangle import rows_of
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.fitting.initialise import random_cores


class EntangledEmbedding(nn.Module):
    """Rows made from units' cores: SEE (arXiv 2412.12204), MorphTE (2210.15379), word2ket (1911.04975) by its index.

    Args:
        rows: which units make which row.
        shape: the chain; `shape.width` is the embedding's dimension.
        padding_idx: this piece's row is zero and gets no gradient; below 0 it counts from the end.
        row_std: the standard deviation of the rows at the start, for squared amplitudes that sum to 1 in a row.
        offset: whether one trained vector, zero at the start, is added to every row.
        generator: random state for the start.
        device: where the layer is; `meta` makes it without any storage.
        dtype: the cores' type.
    Attributes:
        cores: parameters; site j is (n_units[j], *shape.core_shape(j)).
        offset: a parameter (width,), or None.
        index: buffer (V, T, O) int32.
        amplitude: buffer (V, T), float32 whatever type the module is moved to, so that no save loses a bit.
    Raises:
        FactorError: rows and shape have different orders, or padding_idx is out of range.
    """

    index: Tensor
    amplitude: Tensor
    offset: nn.Parameter | None

    def __init__(
        self,
        rows: RowIndex,
        shape: ChainShape,
        *,
        padding_idx: int | None = None,
        row_std: float = 0.02,
        offset: bool = False,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if rows.order != shape.order:
            raise FactorError(f"rows of {rows.order} sites and a shape of {shape.order}; build them with one order")
        if padding_idx is not None and not -rows.n_pieces <= padding_idx < rows.n_pieces:
            raise FactorError(f"padding_idx is {padding_idx} of {rows.n_pieces} pieces; name one of them")
        place = torch.get_default_device() if device is None else torch.device(device)
        dtype = dtype or torch.get_default_dtype()
        self.shape = shape
        self.num_embeddings = rows.n_pieces
        self.embedding_dim = shape.width
        self.padding_idx = None if padding_idx is None else padding_idx % rows.n_pieces
        self.row_std = row_std
        self.cores = nn.ParameterList(
            nn.Parameter(torch.empty((n, *shape.core_shape(site)), device=place, dtype=dtype))
            for site, n in enumerate(rows.n_units)
        )
        empty = torch.empty(shape.width, device=place, dtype=dtype)
        self.register_parameter("offset", nn.Parameter(empty) if offset else None)
        # Copies: the buffers move and load in place, and must not write into the caller's arrays.
        self.register_buffer("index", torch.tensor(rows.index, device="cpu").to(place))
        self.register_buffer("amplitude", torch.tensor(rows.amplitude, device="cpu").to(place))
        self.reset_parameters(generator)

    @classmethod
    def from_cores(
        cls,
        rows: RowIndex,
        shape: ChainShape,
        cores: Sequence[Tensor],
        offset: Tensor | None = None,
        *,
        padding_idx: int | None = None,
    ) -> Self:
        """Make a layer of given cores, as a fit returns them; their type and device become the layer's.

        Raises:
            FactorError: a core or the offset has another shape than `rows` and `shape` ask for, or the cores are of
                several types.
        """
        if len({(core.dtype, core.device) for core in cores}) > 1:
            raise FactorError(f"cores are {sorted({str(core.dtype) for core in cores})}; give one type on one device")
        wanted = [(n, *shape.core_shape(site)) for site, n in enumerate(rows.n_units)]
        given = [tuple(core.shape) for core in cores]
        if given != wanted:
            raise FactorError(f"cores have the shapes {given}, rows and shape ask for {wanted}")
        if offset is not None and tuple(offset.shape) != (shape.width,):
            raise FactorError(f"offset has the shape {tuple(offset.shape)}, the width is {shape.width}")
        place, dtype = cores[0].device, cores[0].dtype
        module = cls(rows, shape, padding_idx=padding_idx, offset=offset is not None, device="meta", dtype=dtype)
        state = {f"cores.{site}": core.detach().clone() for site, core in enumerate(cores)}
        state |= {"index": torch.tensor(rows.index), "amplitude": torch.tensor(rows.amplitude)}
        if offset is not None:
            state["offset"] = offset.detach().to(place, dtype, copy=True)
        module.load_state_dict(state, assign=True)
        return module.to(place)

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the cores anew and zero the offset; on the device `meta` nothing happens."""
        if self.cores[0].device.type == "meta":
            return
        for core, drawn in zip(
            self.cores, random_cores(self.shape, self.n_units, self.row_std, generator), strict=True
        ):
            core.copy_(drawn)
        if self.offset is not None:
            self.offset.zero_()

    @property
    def n_units(self) -> tuple[int, ...]:
        """How many units stand at each site."""
        return tuple(core.shape[0] for core in self.cores)

    def rows(self) -> RowIndex:
        """Which units make which row, as arrays of their own."""
        return RowIndex(self.index.cpu().numpy().copy(), self.amplitude.cpu().numpy().copy(), self.n_units)

    def forward(self, ids: Tensor) -> Tensor:
        """Look up rows.

        Args:
            ids: int32 or int64 of any shape.
        Returns:
            (*ids.shape, width) in the cores' type, also under autocast.
        Raises:
            IndexError: an id is out of range (not checked in compiled code, on the device `meta`, or while a CUDA
                graph is captured).
        """
        flat = ids.flatten()
        if flat.numel() == 0 or not _may_look_at(flat):
            rows = self._rows(flat)
        else:
            # Repeated ids are common in text, and one row costs far more than its share of the sorting.
            unique, places = torch.unique(flat, return_inverse=True)
            self._check_range(int(unique[0]), int(unique[-1]))
            rows = F.embedding(places, self._rows(unique))
        return rows.reshape(*ids.shape, self.embedding_dim)

    def materialise(self, chunk: int = 4096) -> Tensor:
        """The whole table (V, width), for tied output heads and reports; gradients pass if they are enabled."""
        ids = torch.arange(self.num_embeddings, device=self.index.device)
        return torch.cat([self._rows(part) for part in torch.split(ids, chunk)])

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        shape = self.shape
        text = f"{self.num_embeddings}, {shape.width}, form={shape.form!r}, sites={shape.sites}, rank={shape.rank}"
        text += f", n_units={self.n_units}, n_terms={self.index.shape[1]}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        return text + (", offset=True" if self.offset is not None else "")

    def _rows(self, ids: Tensor) -> Tensor:
        index, amplitude = self.index.index_select(0, ids), self.amplitude.index_select(0, ids)
        rows = rows_of(self.shape, list(self.cores), index, amplitude)
        if self.offset is not None:
            rows = rows + self.offset
        if self.padding_idx is not None:
            rows = rows.masked_fill((ids == self.padding_idx).unsqueeze(-1), 0.0)
        return rows

    def _check_range(self, lowest: int, highest: int) -> None:
        if lowest < 0 or highest >= self.num_embeddings:
            wrong = lowest if lowest < 0 else highest
            raise IndexError(f"id {wrong} is out of range: there are {self.num_embeddings} pieces, ids start at 0")

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        exact = self.amplitude
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.amplitude.dtype != exact.dtype:
            self.amplitude = exact.to(self.amplitude.device)
        return self


def _may_look_at(ids: Tensor) -> bool:
    """Whether the values of a tensor can be read now, at the price of waiting for the device."""
    if torch.compiler.is_compiling() or ids.device.type == "meta":
        return False
    return not (ids.is_cuda and torch.cuda.is_current_stream_capturing())
