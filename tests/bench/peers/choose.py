"""All peers at a ratio: each with the largest setting that keeps to the budget."""

from collections.abc import Callable
from itertools import count
from typing import Literal

import torch

from tests.bench.peers.coded import IntRows, ProductQuantised
from tests.bench.peers.peer import Dense, LowRank, Peer, largest
from tests.bench.peers.tensors import MorphTE, TensorTrain, Word2KetXS


def peers_for(
    n_pieces: int, width: int, ratio: float, *, by: Literal["parameters", "bytes"] = "parameters", seed: int = 0
) -> list[Peer]:
    """Make all peers that have a setting within a budget, at random.

    Args:
        n_pieces: V.
        width: d.
        ratio: how many times smaller than the dense table: in trained numbers, or in stored bytes.
        by: what is counted. Codes have next to no parameters, so that by parameters only trained forms compete.
        seed: of everything that is drawn.
    """
    torch.manual_seed(seed)
    allowed = n_pieces * width / ratio * (4 if by == "bytes" else 1)

    def fits(peer: Peer) -> bool:
        return (peer.stored_bytes() if by == "bytes" else peer.parameters_count()) <= allowed

    families: list[tuple[Callable[[int], Peer], object]] = [
        (lambda rank: LowRank(n_pieces, width, rank), count(1)),
        (lambda rank: TensorTrain(n_pieces, width, rank), count(1)),
        (lambda rank: Word2KetXS(n_pieces, width, rank, 2), count(1)),
        (lambda rank: MorphTE(n_pieces, width, rank), count(1)),
    ]
    if by == "bytes":
        families += [
            (lambda part, bits=bits: ProductQuantised(n_pieces, width, width // part, bits), _divisors(width))
            for bits in (8, 4)
        ]
        families += [(lambda _, bits=bits: IntRows(n_pieces, width, bits), [1]) for bits in (8, 4, 2)]
    found = [largest(make, fits, settings) for make, settings in families]
    return [Dense(n_pieces, width), *(peer for peer in found if peer is not None)]


def _divisors(width: int) -> list[int]:
    return [parts for parts in range(1, width + 1) if width % parts == 0]
