"""The interface of the peers, the two plain ones, and how the largest setting within a budget is found."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ROW_STD = 0.02


class Peer(nn.Module):
    """An embedding layer with V rows of d.

    Attributes:
        name: what it is called in tables.
        size: V and d.
    """

    def __init__(self, name: str, n_pieces: int, width: int) -> None:
        super().__init__()
        self.name = name
        self.size = (n_pieces, width)

    def stored_bytes(self) -> int:
        """Everything that has to be stored, each tensor in its type, without any file's header."""
        return sum(tensor.nbytes for tensor in (*self.parameters(), *self.buffers()))

    def parameters_count(self) -> int:
        """Trained numbers, as papers count them."""
        return sum(parameter.numel() for parameter in self.parameters())

    def materialise(self) -> Tensor:
        """The whole table (V, d)."""
        return torch.cat([self(ids) for ids in torch.split(torch.arange(self.size[0]), 4096)])


class Dense(Peer):
    """`nn.Embedding`."""

    def __init__(self, n_pieces: int, width: int) -> None:
        super().__init__("dense", n_pieces, width)
        self.weight = nn.Parameter(ROW_STD * torch.randn(n_pieces, width))

    def forward(self, ids: Tensor) -> Tensor:
        """Look up rows: (*ids.shape, d)."""
        return F.embedding(ids, self.weight)


class LowRank(Peer):
    """A row is r numbers times an r x d matrix."""

    def __init__(self, n_pieces: int, width: int, rank: int) -> None:
        super().__init__(f"low rank {rank}", n_pieces, width)
        std = (ROW_STD / rank**0.5) ** 0.5
        self.left = nn.Parameter(std * torch.randn(n_pieces, rank))
        self.right = nn.Parameter(std * torch.randn(rank, width))

    def forward(self, ids: Tensor) -> Tensor:
        """Look up rows: (*ids.shape, d)."""
        return F.embedding(ids, self.left) @ self.right


def largest(make: Callable[[int], Peer], fits: Callable[[Peer], bool], settings: Iterable[int]) -> Peer | None:
    """The last of the growing settings that fits, made on the device `meta` until it is found; None if none does."""
    best = None
    for setting in settings:
        with torch.device("meta"):
            tried = make(setting)
        if not fits(tried):
            break
        best = setting
    return None if best is None else make(best)
