"""Small tables of vectors, in a float type or in 8 bits: what cores, codebooks and bases are kept in.

A table of n vectors is two-dimensional whatever its vectors mean, because a sparse gradient cannot be reshaped.
"""

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LARGEST = 127  # of the int8 codes; -128 is not used, so that codes are symmetric
SCALE_TYPE = torch.bfloat16  # of the scales' values, and of the offset's beside 8-bit vectors


class FloatTable(nn.Module):
    """Vectors in a float type, trained.

    Args:
        weight: (n, f), taken as it is.
        sparse: whether gradients of `gather` hold the gathered vectors alone, as in `nn.Embedding`.
    """

    def __init__(self, weight: Tensor, *, sparse: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.sparse = sparse

    @property
    def n_vectors(self) -> int:
        """N."""
        return self.weight.shape[0]

    @property
    def dtype(self) -> torch.dtype:
        """The type that vectors are computed in."""
        return self.weight.dtype

    def gather(self, ids: Tensor) -> Tensor:
        """Look up vectors: (*ids.shape, f)."""
        # Not advanced indexing, whose backward pass is several times slower on a CPU.
        return torch.embedding(self.weight, ids, -1, False, self.sparse)

    def dense(self) -> Tensor:
        """All vectors (n, f)."""
        return self.weight


class Int8Table(nn.Module):
    """Vectors of int8 codes, each vector with a scale of its own; not trained.

    Args:
        codes: (n, f) int8.
        scale: (n,) in the type that vectors are computed in. The values are those of bfloat16, which has the range of
            float32, so that two bytes each store them whatever type a module is moved to.
    """

    codes: Tensor
    scale: Tensor

    def __init__(self, codes: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("codes", codes)
        self.register_buffer("scale", scale)

    @classmethod
    def of(cls, vectors: Tensor) -> Self:
        """Round vectors (n, f) to codes, computed with in the type that they have."""
        codes, scale = to_int8(vectors)
        return cls(codes, scale.to(vectors.dtype))

    @property
    def n_vectors(self) -> int:
        """N."""
        return self.codes.shape[0]

    @property
    def dtype(self) -> torch.dtype:
        """The type that vectors are computed in."""
        return self.scale.dtype

    def gather(self, ids: Tensor) -> Tensor:
        """Look up vectors: (*ids.shape, f)."""
        return F.embedding(ids, self.codes).to(self.dtype) * F.embedding(ids, self.scale[:, None])

    def dense(self) -> Tensor:
        """All vectors (n, f)."""
        return self.codes.to(self.dtype) * self.scale[:, None]


Table = FloatTable | Int8Table


def to_int8(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Round each vector to int8 codes and a scale.

    Args:
        vectors: (n, f), finite.
    Returns:
        codes (n, f) int8 and scale (n,) bfloat16; codes * scale is at most half a scale away from the vectors, but
        for the largest entry, which may be a 256th part of itself away.
    """
    largest = vectors.detach().float().abs().amax(dim=1) if vectors.shape[1] else vectors.new_zeros(len(vectors))
    scale = (largest / LARGEST).to(SCALE_TYPE)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    codes = torch.round(vectors.detach().float() / scale.float()[:, None]).clamp(-LARGEST, LARGEST)
    return codes.to(torch.int8), scale
