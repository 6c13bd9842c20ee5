"""Peers that are tensor networks over the whole vocabulary, or over morphemes."""

from math import ceil, prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from see_tn.chain.shapes import balanced_sites
from tests.bench.peers.peer import ROW_STD, Peer


def digits(ids: Tensor, sizes: tuple[int, ...]) -> list[Tensor]:
    """The mixed-radix digits of ids, the first one most significant."""
    places = []
    for size in reversed(sizes):
        places.append(ids % size)
        ids = ids // size
    return places[::-1]


def covering(n: int, order: int) -> tuple[int, ...]:
    """`order` nearly equal sizes whose product is at least n."""
    root = ceil(n ** (1 / order) - 1e-9)
    sizes = [root] * order
    while prod(sizes) // sizes[-1] * (sizes[-1] - 1) >= n:
        sizes[-1] -= 1
    return tuple(sizes)


class TensorTrain(Peer):
    """TT-embedding (Khrulkov et al., arXiv 1901.10787): vocabulary and width both cut in three, one core each."""

    def __init__(self, n_pieces: int, width: int, rank: int) -> None:
        super().__init__(f"tensor train, rank {rank}", n_pieces, width)
        self.rows, self.columns = covering(n_pieces, 3), balanced_sites(width, 3)
        ranks = (1, rank, rank, 1)
        std = (ROW_STD / rank) ** (1 / 3)
        self.cores = nn.ParameterList(
            nn.Parameter(std * torch.randn(self.rows[k], ranks[k], self.columns[k], ranks[k + 1])) for k in range(3)
        )

    def forward(self, ids: Tensor) -> Tensor:
        """Look up rows: (*ids.shape, d)."""
        chain = ids.new_ones((ids.numel(), 1, 1), dtype=self.cores[0].dtype)
        for core, places in zip(self.cores, digits(ids.flatten(), self.rows), strict=True):
            picked = F.embedding(places, core.flatten(1)).reshape(-1, core.shape[1], core[0, 0].numel())
            chain = (chain @ picked).reshape(len(picked), -1, core.shape[3])
        return chain.reshape(*ids.shape, -1)[..., : self.size[1]]


class Word2KetXS(Peer):
    """word2ketXS (Panahi et al., arXiv 1911.04975): a sum of Kronecker products of small matrices, rows on demand."""

    def __init__(self, n_pieces: int, width: int, rank: int, order: int = 2) -> None:
        super().__init__(f"word2ketXS, order {order}, rank {rank}", n_pieces, width)
        self.rows, self.columns = covering(n_pieces, order), covering(width, order)
        std = (ROW_STD / rank**0.5) ** (1 / order)
        self.factors = nn.ParameterList(
            nn.Parameter(std * torch.randn(rows, rank, columns))
            for rows, columns in zip(self.rows, self.columns, strict=True)
        )

    def forward(self, ids: Tensor) -> Tensor:
        """Look up rows: (*ids.shape, d)."""
        product = None
        for factor, places in zip(self.factors, digits(ids.flatten(), self.rows), strict=True):
            picked = F.embedding(places, factor.flatten(1)).reshape(-1, *factor.shape[1:])
            product = picked if product is None else (product.unsqueeze(-1) * picked.unsqueeze(-2)).flatten(-2)
        return product.sum(dim=1).reshape(*ids.shape, -1)[..., : self.size[1]]


class MorphTE(Peer):
    """MorphTE's form (Gan et al., arXiv 2210.15379): three morphemes a piece, one table for all three places."""

    def __init__(self, n_pieces: int, width: int, rank: int, n_morphemes: int | None = None, order: int = 3) -> None:
        n_morphemes = n_morphemes or max(2, n_pieces // 8)
        super().__init__(f"MorphTE, {n_morphemes} morphemes, rank {rank}", n_pieces, width)
        self.columns = ceil(width ** (1 / order) - 1e-9)
        self.order = order
        std = (ROW_STD / rank**0.5) ** (1 / order)
        self.vectors = nn.Parameter(std * torch.randn(n_morphemes, rank, self.columns))
        index = torch.randint(0, n_morphemes, (n_pieces, order), generator=None, dtype=torch.int32)
        self.register_buffer("index", index)

    def forward(self, ids: Tensor) -> Tensor:
        """Look up rows: (*ids.shape, d)."""
        morphemes = self.index[ids.flatten()]
        picked = F.embedding(morphemes, self.vectors.flatten(1)).reshape(*morphemes.shape, -1, self.columns)
        product = picked[:, 0]
        for place in range(1, self.order):
            product = (product.unsqueeze(-1) * picked[:, place].unsqueeze(-2)).flatten(-2)
        return product.sum(dim=1).reshape(*ids.shape, -1)[..., : self.size[1]]


def tt_svd(table: Tensor, rank: int) -> tuple[Tensor, int]:
    """TT-SVD (Oseledets 2011, algorithm 1) of a table, rows and columns both cut in three.

    Args:
        table: (V, d).
        rank: of both inner bonds, at most.
    Returns:
        The rebuilt table, and the bytes of its float32 cores.
    """
    n, d = table.shape
    rows, columns = covering(n, 3), balanced_sites(d, 3)
    padded = F.pad(table, (0, prod(columns) - d, 0, prod(rows) - n))
    tensor = padded.reshape(*rows, *columns).permute(0, 3, 1, 4, 2, 5)
    sizes = [r * c for r, c in zip(rows, columns, strict=True)]
    rest, cores, left = tensor.reshape(sizes[0], -1), [], 1
    for k in range(2):
        rest = rest.reshape(left * sizes[k], -1)
        vectors = _left_vectors(rest)[:, :rank]
        cores.append(vectors.reshape(left, sizes[k], -1))
        rest, left = vectors.T @ rest, vectors.shape[1]
    cores.append(rest.reshape(left, sizes[2], 1))
    whole = cores[0].reshape(sizes[0], -1)
    for core in cores[1:]:
        whole = (whole @ core.reshape(core.shape[0], -1)).reshape(-1, core.shape[2])
    shape = [size for pair in zip(rows, columns, strict=True) for size in pair]
    rebuilt = whole.reshape(shape).permute(0, 2, 4, 1, 3, 5).reshape(prod(rows), prod(columns))
    return rebuilt[:n, :d], sum(core.nbytes for core in cores)


def _left_vectors(matrix: Tensor) -> Tensor:
    """Left singular vectors, the largest first, from the smaller one of the two Gram matrices."""
    if matrix.shape[0] <= matrix.shape[1]:
        return torch.linalg.eigh(matrix @ matrix.T).eigenvectors.flip(1)
    right = torch.linalg.eigh(matrix.T @ matrix).eigenvectors.flip(1)
    return torch.linalg.qr(matrix @ right).Q


def tt_svd_bytes(n: int, d: int, rank: int) -> int:
    """What `tt_svd` takes at a rank, without running it."""
    sizes = [r * c for r, c in zip(covering(n, 3), balanced_sites(d, 3), strict=True)]
    first = min(rank, sizes[0])
    second = min(rank, first * sizes[1], sizes[2])
    return 4 * (sizes[0] * first + first * sizes[1] * second + second * sizes[2])
