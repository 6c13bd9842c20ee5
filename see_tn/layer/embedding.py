"""A layer in place of `nn.Embedding`: it knows which rows a batch needs, and makes those alone."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from see_tn.chain.initialise import random_cores
from see_tn.chain.row_index import RowIndex, check_rows
from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.layer.codes import CodeTerms
from see_tn.layer.product import ProductTerms
from see_tn.layer.tables import SCALE_TYPE

# Multiply-adds per column of a row from which looking for repeated ids costs less than it saves. On one thread a
# batch of 2,048 distinct ids at 32,000 x 512 took as long with 8 as the search and the second gather take.
REPEATS_MATTER_ABOVE = 16


class EntangledEmbedding(nn.Module):
    """Rows made from units' cores: SEE (arXiv 2412.12204), MorphTE (2210.15379), word2ket (1911.04975) by its index.

    A row is a sum of terms: the products of `product`, the learned codes of `codes` where a pretrained table was
    given, and one offset. The constructor makes products that start at random; `from_terms` takes what a fit made.

    Args:
        rows: which units make which row.
        shape: the chain; `shape.width` is the embedding's dimension.
        padding_idx: this piece's row is zero and gets no gradient; below 0 it counts from the end.
        row_std: the standard deviation of the rows at the start, for squared amplitudes that sum to 1 in a row.
        offset: whether one trained vector, zero at the start, is added to every row.
        sparse: whether the cores' gradients are sparse, as in `nn.Embedding`: worth it for more units than a batch
            has pieces, and for optimisers that take such gradients.
        generator: random state for the start.
        device: where the layer is; `meta` makes it without any storage, which `to_empty` and `reset_parameters` give.
        dtype: the cores' type.
    Attributes:
        product: `ProductTerms`, or None.
        codes: `CodeTerms`, or None.
        offset: a parameter (width,), or None.
        repeats_matter: whether a row costs so much that a batch's repeated ids are computed once.
    Raises:
        FactorError: rows and shape have different orders, or padding_idx is out of range.
    """

    offset: nn.Parameter | None
    product: ProductTerms | None
    codes: CodeTerms | None
    _terms: tuple[ProductTerms | CodeTerms, ...]

    def __init__(
        self,
        rows: RowIndex,
        shape: ChainShape,
        *,
        padding_idx: int | None = None,
        row_std: float = 0.02,
        offset: bool = False,
        sparse: bool = False,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_rows(rows, shape)
        place = torch.get_default_device() if device is None else torch.device(device)
        dtype = dtype or torch.get_default_dtype()
        cores = [
            torch.empty((n, *core), device=place, dtype=dtype)
            for n, core in zip(rows.n_units, shape.table_shapes, strict=True)
        ]
        vector = torch.empty(shape.width, device=place, dtype=dtype) if offset else None
        self.row_std = row_std
        product = ProductTerms(rows, shape, cores, sparse=sparse)
        product.unplaced = rows if product.index.is_meta else None
        self._hold(product, None, vector, padding_idx)
        self.reset_parameters(generator)

    @classmethod
    def from_terms(
        cls,
        product: ProductTerms | None,
        codes: CodeTerms | None = None,
        offset: Tensor | None = None,
        *,
        padding_idx: int | None = None,
    ) -> Self:
        """Make a layer of given terms, which become its own.

        Raises:
            FactorError: there is no term at all, terms differ in pieces, width or type, or padding_idx is out of
                range.
        """
        layer = cls.__new__(cls)
        nn.Module.__init__(layer)
        layer.row_std = 0.02
        layer._hold(product, codes, offset, padding_idx)
        return layer

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
        """Make a layer of copies of given cores, as a fit returns them; their type and device become the layer's.

        Raises:
            FactorError: a core or the offset has another shape than `rows` and `shape` ask for, or the cores are of
                several types.
        """
        product = ProductTerms(rows, shape, [core.detach().clone() for core in cores])
        vector = None if offset is None else offset.detach().to(cores[0], copy=True)
        return cls.from_terms(product, None, vector, padding_idx=padding_idx)

    def _hold(
        self, product: ProductTerms | None, codes: CodeTerms | None, offset: Tensor | None, padding_idx: int | None
    ) -> None:
        terms = tuple(term for term in (product, codes) if term is not None)
        sizes = {(n_pieces(term), term.shape.width) for term in terms}
        if len(sizes) != 1:
            raise FactorError(f"terms of the sizes {sorted(sizes)}; give at least one term, all of one table")
        ((self.num_embeddings, self.embedding_dim),) = sizes
        types = {part.dtype for part in (*terms, *([] if offset is None else [offset]))}
        if len(types) > 1 or len({_is_trained(term) for term in terms}) > 1:
            raise FactorError(
                f"terms and offset of the types {sorted(map(str, types))}, or only some in 8 bits; give one type"
            )
        if offset is not None and tuple(offset.shape) != (self.embedding_dim,):
            raise FactorError(f"offset has the shape {tuple(offset.shape)}, the width is {self.embedding_dim}")
        if padding_idx is not None and not -self.num_embeddings <= padding_idx < self.num_embeddings:
            raise FactorError(f"padding_idx is {padding_idx} of {self.num_embeddings} pieces; name one of them")
        self.padding_idx = None if padding_idx is None else padding_idx % self.num_embeddings
        self.product = product
        self.codes = codes
        self._terms = terms  # a tuple, in which nn.Module looks for no modules
        self.repeats_matter = sum(map(term_cost, terms)) > REPEATS_MATTER_ABOVE * self.embedding_dim
        self.register_parameter("offset", None if offset is None else nn.Parameter(offset))

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the cores anew and zero the offset; on the device `meta` nothing happens.

        Raises:
            FactorError: the layer has codes, or cores in 8 bits, for which there is no start at random.
        """
        if self.product is None or self.codes is not None or self.is_quantised:
            raise FactorError("only float cores have a start at random; make the layer anew from its rows and shape")
        cores = self.product.cores
        if not cores[0].is_meta:
            for core, drawn in zip(
                cores, random_cores(self.shape, self.product.n_units, self.row_std, generator), strict=True
            ):
                core.copy_(drawn)
            if self.offset is not None:
                self.offset.zero_()

    @property
    def shape(self) -> ChainShape:
        """The chain of the products.

        Raises:
            FactorError: the layer has codes alone.
        """
        return self._product().shape

    @property
    def cores(self) -> list[Tensor]:
        """The cores, one tensor per table: (n_units[t], *shape.table_shapes[t])."""
        return self._product().cores

    @property
    def n_units(self) -> tuple[int, ...]:
        """How many units own a core in each table."""
        return self._product().n_units

    @property
    def dtype(self) -> torch.dtype:
        """The type of the rows."""
        return next(term.dtype for term in self._terms)

    @property
    def is_quantised(self) -> bool:
        """Whether the terms are kept in 8 bits."""
        return not any(map(_is_trained, self._terms))

    def rows(self) -> RowIndex:
        """Which units make which row, as arrays of their own."""
        return self._product().rows()

    def quantise(self) -> Self:
        """Round all terms to 8 bits with a scale per unit, in place: a layer for storing and running, not for training.

        The offset is rounded to bfloat16's values, like the scales, and keeps its type.
        """
        for term in self._terms:
            term.quantise()
        if self.offset is not None:
            with torch.no_grad():
                self.offset.copy_(self.offset.to(SCALE_TYPE))
        return self

    def dequantise(self) -> Self:
        """Make the terms trainable again, in place, in the type that they compute in."""
        for term in self._terms:
            term.dequantise()
        return self

    def forward(self, ids: Tensor) -> Tensor:
        """Look up rows.

        Args:
            ids: int32 or int64 of any shape.
        Returns:
            (*ids.shape, width) in the type of the terms, also under autocast.
        Raises:
            IndexError: an id is out of range (on a CPU, not in compiled code).
        """
        flat = ids if ids.dim() == 1 else ids.flatten()
        if not _may_look_at(flat):
            rows = self.rows_for(flat)
        elif self.repeats_matter and flat.numel():
            unique, places = torch.unique(flat, return_inverse=True)
            rows = F.embedding(places, self._checked_rows(unique))
        else:
            rows = self._checked_rows(flat)
        return rows if ids.dim() == 1 else rows.reshape(*ids.shape, self.embedding_dim)

    def rows_for(self, ids: Tensor) -> Tensor:
        """Make the row of each id, repeated or not: ids (B,) to (B, width)."""
        # `forward` and not a call: for a single row the way through a second module is a tenth of the time.
        rows = self._terms[0].forward(ids)
        for term in self._terms[1:]:
            rows = rows + term.forward(ids)
        if self.offset is not None:
            rows = rows + self.offset
        if self.padding_idx is not None:
            rows = rows.masked_fill((ids == self.padding_idx).unsqueeze(-1), 0.0)
        return rows

    @property
    def weight(self) -> Tensor:
        """The whole table, made anew, for code that reads it from an `nn.Embedding`; what is written to it is lost."""
        return self.materialise()

    def materialise(self, chunk: int = 4096) -> Tensor:
        """The whole table (V, width), for tied output heads and reports; gradients pass if they are enabled."""
        ids = torch.arange(self.num_embeddings, device=self._device())
        return torch.cat([self.rows_for(part) for part in torch.split(ids, chunk)])

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.product is not None:
            shape = self.product.shape
            text += f", form={shape.form!r}, sites={shape.sites}, rank={shape.rank}"
            text += f", n_units={self.n_units}, n_terms={self.product.index.shape[2]}"
        if self.codes is not None:
            text += f", codes={self.codes.shape.parts} of {self.codes.shape.bits} bits"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        return text + (", offset=True" if self.offset is not None else "")

    def _product(self) -> ProductTerms:
        if self.product is None:
            raise FactorError("the layer has learned codes alone, no products; ask its codes")
        return self.product

    def _device(self) -> torch.device:
        return next(buffer.device for term in self._terms for buffer in term.buffers())

    def _checked_rows(self, ids: Tensor) -> Tensor:
        try:
            return self.rows_for(ids)
        except IndexError:
            wrong = ids[(ids < 0) | (ids >= self.num_embeddings)]
            if not len(wrong):
                raise
            raise IndexError(
                f"id {int(wrong[0])} is out of range: there are {self.num_embeddings} pieces, ids start at 0"
            ) from None


def n_pieces(term: ProductTerms | CodeTerms) -> int:
    """The rows that a term knows."""
    return term.index.shape[1] if isinstance(term, ProductTerms) else term.codes.shape[0]


def term_cost(term: ProductTerms | CodeTerms) -> int:
    """Multiply-adds of one row of a term."""
    return term.multiply_adds if isinstance(term, ProductTerms) else term.shape.multiply_adds


def _is_trained(term: ProductTerms | CodeTerms) -> bool:
    """Whether a term is kept in a float type and not in 8 bits."""
    return any(True for _ in term.parameters())


def _may_look_at(ids: Tensor) -> bool:
    """Whether the values of a tensor are at hand: on a CPU, outside of compiled code."""
    return not torch.compiler.is_compiling() and ids.device.type == "cpu"
