"""Learned codes: a row as a choice of codewords, one for each part of its columns, turned by a common basis.

Product quantisation (Jégou et al., TPAMI 2011) after a change of basis (Ge et al., CVPR 2013). What the codes choose
from is small and trained further like any factor; the codes themselves are fixed.
"""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from see_tn.errors import FactorError
from see_tn.layer.tables import FloatTable, Int8Table

CODE_BITS = (8, 4)


@dataclass(frozen=True)
class CodeShape:
    """The sizes of coded rows.

    `parts` codes of `bits` each stand for `part_width` numbers each. Without a basis these are the row's columns, cut
    off after `width`. With a basis of `blocks` blocks the columns fall into as many stretches of equal width, the
    numbers too, and each stretch of columns is its numbers times a matrix of its own: one block finds most, several
    cost less where rows are wide.

    Raises:
        FactorError: sizes are not positive or do not fit each other.
    """

    width: int
    parts: int
    bits: int
    part_width: int
    blocks: int = 0

    def __post_init__(self) -> None:
        if self.bits not in CODE_BITS or min(self.width, self.parts, self.part_width) < 1 or self.blocks < 0:
            raise FactorError(f"{self}: codes have {' or '.join(map(str, CODE_BITS))} bits, and sizes are positive")
        if not self.blocks and self.numbers < self.width:
            raise FactorError(f"{self}: {self.numbers} numbers do not make {self.width} columns without a basis")
        if self.blocks and (self.parts % self.blocks or self.numbers // self.blocks > self.block_width):
            raise FactorError(f"{self}: each block takes as many parts, and not more numbers than it has columns")

    @property
    def numbers(self) -> int:
        """How many numbers the codewords of a row have together."""
        return self.parts * self.part_width

    @property
    def block_width(self) -> int:
        """The columns of a block of the basis; the last one may stand out beyond the width."""
        return -(-self.width // max(1, self.blocks))

    @property
    def code_bytes(self) -> int:
        """Bytes of a row's codes; two codes of 4 bits share one."""
        return -(-self.parts * self.bits // 8)

    @property
    def codebook_shape(self) -> tuple[int, int, int]:
        """(parts, codewords, part_width)."""
        return (self.parts, 2**self.bits, self.part_width)

    @property
    def basis_shape(self) -> tuple[int, int, int]:
        """(blocks, numbers of a block, columns of a block)."""
        return (self.blocks, self.numbers // self.blocks, self.block_width) if self.blocks else (0, 0, 0)

    @property
    def parameters(self) -> int:
        """Trained numbers: codewords and basis."""
        return prod(self.codebook_shape) + prod(self.basis_shape)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one row."""
        return prod(self.basis_shape)


class CodeTerms(nn.Module):
    """Rows from codes.

    Args:
        shape: the sizes.
        codes: (V, code_bytes) uint8, packed by `pack_codes`.
        codebook: `shape.codebook_shape`.
        basis: `shape.basis_shape`, or None without one.
    Raises:
        FactorError: a tensor has another shape.
    """

    codes: Tensor

    def __init__(self, shape: CodeShape, codes: Tensor, codebook: Tensor, basis: Tensor | None) -> None:
        super().__init__()
        given = (tuple(codebook.shape), (0, 0, 0) if basis is None else tuple(basis.shape), codes.shape[1])
        if given != (shape.codebook_shape, shape.basis_shape, shape.code_bytes) or codes.dtype != torch.uint8:
            raise FactorError(f"codebook, basis and code bytes are {given}, not those of {shape}")
        self.shape = shape
        self.register_buffer("codes", codes)
        # A part is a vector of the table, so that in 8 bits it has one scale; a row of the basis is another.
        self.codebook: FloatTable | Int8Table = FloatTable(codebook.flatten(1))
        self.basis: FloatTable | Int8Table | None = None if basis is None else FloatTable(basis.flatten(0, 1))

    @property
    def dtype(self) -> torch.dtype:
        """The type of the rows."""
        return self.codebook.dtype

    def quantise(self) -> None:
        """Round codewords and basis to 8 bits, in place."""
        self.codebook = Int8Table.of(self.codebook.dense())
        self.basis = None if self.basis is None else Int8Table.of(self.basis.dense())

    def dequantise(self) -> None:
        """Make trainable tables of 8-bit ones, in place."""
        self.codebook = FloatTable(self.codebook.dense().detach().clone())
        self.basis = None if self.basis is None else FloatTable(self.basis.dense().detach().clone())

    def forward(self, ids: Tensor) -> Tensor:
        """Look up the rows of some pieces: ids (B,) to (B, width)."""
        shape = self.shape
        codes = unpack_codes(self.codes.index_select(0, ids), shape)
        first = torch.arange(shape.parts, device=codes.device, dtype=torch.int32) << shape.bits
        words = self.codebook.dense().reshape(-1, shape.part_width)
        numbers = F.embedding(codes.int() + first, words).flatten(1)  # (B, numbers)
        if self.basis is None:
            return numbers[:, : shape.width]
        basis = self.basis.dense().reshape(shape.basis_shape)
        if shape.blocks == 1:
            return (numbers @ basis[0])[:, : shape.width].to(self.dtype)
        blocks = numbers.reshape(numbers.shape[0], shape.blocks, shape.numbers // shape.blocks).transpose(0, 1)
        return (blocks @ basis).transpose(0, 1).flatten(1)[:, : shape.width].to(self.dtype)


def pack_codes(codes: Tensor, shape: CodeShape) -> Tensor:
    """Pack (n, parts) codes into (n, code_bytes) uint8, the even one of two 4-bit codes in the lower half."""
    codes = codes.to(torch.uint8)
    if shape.bits == 8:
        return codes
    codes = F.pad(codes, (0, codes.shape[1] % 2))
    return codes[:, 0::2] | (codes[:, 1::2] << 4)


def unpack_codes(packed: Tensor, shape: CodeShape) -> Tensor:
    """Undo `pack_codes`: (n, code_bytes) to (n, parts) uint8."""
    if shape.bits == 8:
        return packed
    return torch.stack((packed & 15, packed >> 4), dim=-1).flatten(1)[:, : shape.parts]
