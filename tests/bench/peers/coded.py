"""Peers that keep rows as codes: product quantisation, and integers with a scale for each row."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.bench.peers.peer import ROW_STD, Peer


class ProductQuantised(Peer):
    """Product quantisation (Jegou et al., TPAMI 2011): fixed codes choose a trained codeword for each part."""

    def __init__(self, n_pieces: int, width: int, part_width: int, bits: int = 8) -> None:
        parts = -(-width // part_width)
        super().__init__(f"product quantisation, {parts} codes of {bits} bits", n_pieces, width)
        self.parts, self.bits = parts, bits
        self.words = nn.Parameter(ROW_STD * torch.randn(parts * 2**bits, part_width))
        self.register_buffer("codes", torch.randint(0, 2**bits, (n_pieces, parts), dtype=torch.uint8))

    def forward(self, ids: Tensor) -> Tensor:
        """Look up rows: (*ids.shape, d)."""
        codes = self.codes[ids.flatten()].int()
        first = torch.arange(self.parts, device=codes.device, dtype=torch.int32) << self.bits
        return F.embedding(codes + first, self.words).reshape(*ids.shape, -1)[..., : self.size[1]]

    def stored_bytes(self) -> int:
        """Codewords in float32, codes packed."""
        return self.words.nbytes + self.size[0] * -(-self.parts * self.bits // 8)


class IntRows(Peer):
    """Rows of 8, 4 or 2 bits with a float16 scale each; two or four numbers share a byte."""

    def __init__(self, n_pieces: int, width: int, bits: int) -> None:
        super().__init__(f"int{bits} rows", n_pieces, width)
        self.bits, self.per_byte = bits, 8 // bits
        packed = torch.randint(0, 256, (n_pieces, -(-width // self.per_byte)), dtype=torch.uint8)
        self.register_buffer("packed", packed)
        self.register_buffer("scale", torch.full((n_pieces, 1), ROW_STD / 2 ** (bits - 2), dtype=torch.float16))

    def forward(self, ids: Tensor) -> Tensor:
        """Look up rows: (*ids.shape, d)."""
        flat = ids.flatten()
        packed = self.packed[flat]
        parts = [(packed >> (self.bits * place)) & (2**self.bits - 1) for place in range(self.per_byte)]
        levels = torch.stack(parts, dim=-1).flatten(1)[:, : self.size[1]].float() - (2 ** (self.bits - 1) - 0.5)
        return (levels * self.scale[flat].float()).reshape(*ids.shape, -1)
